"""The demo's evaluation plays once, up to the drafts, and everything that was reported for it is marked invented."""

from __future__ import annotations

from uuid import UUID

import pytest

from luhai.core.evidence.tests.world import official
from luhai.desks import demo_evaluation
from luhai.kernel.origin import Role
from luhai.oversight.evaluation import queries
from luhai.oversight.evaluation.tests.test_edges import in_words, signed_in
from luhai.oversight.evaluation.tests.world import NOON, OPERATOR


@pytest.mark.django_db
def test_the_demonstration_plays_once_and_is_marked_invented(settings: object) -> None:
    settings.DEMO = True  # type: ignore[attr-defined]
    first = demo_evaluation.load(11, NOON)
    assert demo_evaluation.load(11, NOON) == first
    (line,) = queries.cycles(viewer=OPERATOR)
    assert (str(line.id), line.state.value, line.invented, first["reports"]) == (first["cycle"], "draft_published", True, 179)
    card = queries.scorecard(cycle_id=UUID(first["cycle"]), unit="540000", viewer=OPERATOR)
    (left,) = [i for d in card.dims for i in d.items if i.key == "P13"]
    assert (left.status, left.score) == ("missing", "0.0000")
    assert all(r.invented for r in queries.reports(cycle_id=line.id, viewer=OPERATOR).items)
    assert "invented" in in_words(signed_in(official(Role.SUPERVISOR)).get(f"/evaluation/{line.id}/"))
