"""The demo's packages: at their origins, and one that waits for its second official; done again, nothing changes."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from luhai.core.policies import commands as policies
from luhai.desks import demo, demo_replication
from luhai.kernel.origin import PUBLIC, SYSTEM
from luhai.oversight.replication import queries
from simulator import corridor as invented


@pytest.mark.django_db
def test_packages_are_at_their_origins_and_one_waits(settings: Any) -> None:
    now = timezone.now()
    corridor = invented.generate(seed=7, size=invented.Size.SMALL, as_of=queries.day_of(now))
    loader = demo.Loader(corridor, 7, now)
    policies.load_seed(origin=loader.origin("policy"))
    demo._parties(loader)
    told = demo_replication.load(loader, demo.officer_of)
    assert demo_replication.load(loader, demo.officer_of) == told
    lines = {(a.package, a.territory): (a.state, a.invented) for a in queries.adoptions(viewer=SYSTEM).items}
    assert lines == {
        ("corridor-logistics", "500000"): ("live", True), ("port-shipping", "450000"): ("live", True),
        ("rail-trains", "610000"): ("live", True), ("corridor-logistics", "510000"): ("proposed", False),
    }  # fmt: skip
    (waiting,) = [a for a in queries.adoptions(viewer=SYSTEM).items if a.state == "proposed"]
    seen = queries.adoption(adoption_id=waiting.id, viewer=SYSTEM)
    assert seen.examination
    assert (seen.examination.ready, len(seen.examination.impact["products"])) == ("met", 1)
    assert len(queries.adoptions(viewer=PUBLIC).items) == 3
