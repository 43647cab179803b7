"""Several gather at once, and the machine fails between two writes: each event is counted once."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError

from luhai.core.titles.tests.test_races import together
from luhai.kernel.origin import SYSTEM
from luhai.oversight.statistics import commands, jobs, queries
from luhai.oversight.statistics.tests.world import (
    NOON,
    by,
    drawn,
    facts,
    forget,
    gathered,
    moved,
    owner,
    position,
    sealed,
    told,
)
from luhai.shell import journal

pytestmark = pytest.mark.usefixtures("own_journal")
GATHERERS = 8


def tell_some(count: int) -> None:
    for n in range(count):
        loan = uuid4()
        told(drawn(1000 + n, loan, company=n % 8), moved(n, loan, company=n % 8))


@pytest.mark.parametrize("same_instant", [True, False])
def test_many_gatherers_at_once_write_what_one_does(same_instant: bool) -> None:
    tell_some(60)
    sealed()
    later = [NOON if same_instant else NOON + timedelta(seconds=n) for n in range(GATHERERS)]

    def gather(n: int) -> Any:
        return lambda: commands.gather_all(later[n], limit=7) and None

    def tell() -> None:
        tell_some(10)
        sealed()

    assert set(together([*(gather(n) for n in range(GATHERERS)), tell])) == {"done"}
    sealed()
    gathered()
    found = facts()
    assert len(found) == len({f[:3] for f in found}) == 60 + 59 + 10 + 9, "a repayment of nothing is no fact"
    ranges = sorted(
        (e.data["first"], e.data["last"])
        for e in journal.events_after(0, kinds=["statistics.gathered"], limit=10_000)
    )
    assert all(b[0] == a[1] + 1 for a, b in pairwise(ranges)), "each position was read once"
    forget()
    gathered()
    assert facts() == found
    assert queries.recount(viewer=SYSTEM).good


def test_a_fall_between_facts_and_reader_leaves_neither() -> None:
    tell_some(5)
    sealed()
    owner("CREATE FUNCTION fall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fell'; END $$")
    owner("CREATE TRIGGER fall BEFORE UPDATE ON statistics_reader FOR EACH ROW EXECUTE FUNCTION fall()")
    with pytest.raises(DatabaseError):
        commands.gather_all(NOON)
    assert (facts(), position()) == ([], 0)
    owner("DROP TRIGGER fall ON statistics_reader")
    assert commands.gather_all(NOON)["facts"] == 9
    assert commands.gather_all(NOON + timedelta(seconds=1))["facts"] == 0
    assert len(facts()) == 9


def test_a_tick_that_runs_twice_counts_once_and_a_quiet_journal_is_left_alone() -> None:
    tick = int(NOON.timestamp())
    assert jobs.gather_facts(tick) == 0
    tell_some(3)
    assert jobs.gather_facts(tick) == 0, "what is not sealed is not read"
    sealed()
    assert jobs.gather_facts(tick) == 5
    assert jobs.gather_facts(tick) == 0
    sealed()  # the entry of the gathering itself
    before = position()
    assert jobs.gather_facts(tick + 60) == 0
    sealed()
    assert (position(), len(journal.events_after(before, kinds=["statistics.gathered"]))) == (before, 1), (
        "reading its own entry is worth no entry"
    )
    assert len(facts()) == 5


def test_a_batch_stops_at_whole_entries_and_at_the_position_asked() -> None:
    told(drawn(1), drawn(2), drawn(3))
    told(drawn(4))
    told(drawn(5), drawn(6))
    sealed()
    first = commands.gather(limit=2, origin=by())
    assert (first["position"], first["facts"], first["more"]) == (1, 3, True), "an entry larger than the batch is read whole"
    second = commands.gather(upto=2, origin=by())
    assert (second["position"], second["facts"], second["more"]) == (2, 1, False)
    assert commands.gather_all(NOON, upto=0)["position"] == 2
    assert commands.gather_all(NOON)["facts"] == 2
