"""Several plan, compute and publish at once: one of each is done, and each month has one newest release."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from luhai.core.titles.tests.test_races import together
from luhai.kernel.origin import SYSTEM
from luhai.kernel.refusal import Refusal
from luhai.oversight.releases import commands, queries

from .office import FEBRUARY, HEAD, JANUARY, OFFICER, busy, by, computed, planned, read_on

pytestmark = pytest.mark.usefixtures("own_journal")


def answered(act: Any) -> Any:
    def run() -> str:
        try:
            act()
        except Refusal as refusal:
            return refusal.code
        return "done"

    return run


def test_many_plan_one_month() -> None:
    said = Counter(together([answered(lambda: planned("2026-01")) for _ in range(6)]))
    assert said == {"done": 1, "releases.at_work": 5}


def test_many_compute_and_publish_one_release() -> None:
    busy(JANUARY, count=25)
    read_on()
    made = planned("2026-01")
    said = Counter(together([answered(lambda: commands.compute_release(release_id=made, origin=by())) for _ in range(4)]))
    assert said == {"done": 1, "releases.action_not_allowed": 3}
    said = Counter(together([answered(lambda: commands.publish_release(release_id=made, origin=by(HEAD))) for _ in range(4)]))
    assert said == {"done": 1, "releases.action_not_allowed": 3}
    assert queries.recount_all(viewer=SYSTEM)["different"] == []


def test_two_months_computed_at_once_know_of_each_other() -> None:
    """The second to be computed rests on the first: it is tied to it, or refused as out of order."""
    for at in (JANUARY, FEBRUARY):
        busy(at, count=25)
    read_on()
    both = [planned(month) for month in ("2026-01", "2026-02")]
    said = together([answered(lambda made=made: commands.compute_release(release_id=made, origin=by())) for made in both])
    assert said.count("done") >= 1
    views = {v.month: v for v in queries.releases(viewer=OFFICER)}
    if said.count("done") == 2:
        assert sql_before("2026-02") == views["2026-01"].id
    else:
        assert set(said) == {"done", "releases.out_of_order"}


def sql_before(month: str) -> Any:
    from luhai.core.evidence.tests.world import sql

    return sql(OFFICER, f"SELECT before_id FROM releases_release WHERE month = '{month}-01'")[0][0]


def test_a_revision_and_a_final_release_do_not_both_begin() -> None:
    busy(JANUARY, count=12)
    read_on()
    commands.publish_release(release_id=computed("2026-01"), origin=by(HEAD))
    said = Counter(
        together(
            [
                answered(lambda: planned("2026-01", kind="FINAL")),
                answered(lambda: commands.revise_release(month="2026-01", reason="r", changed="c", origin=by())),
            ]
        )
    )
    assert said == {"done": 1, "releases.at_work": 1}
