"""What was done under each measure: counted once each, from the first entry on, and the same when it is counted again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from luhai.kernel.origin import PUBLIC, SYSTEM, Origin, Role
from luhai.oversight.statistics import acts_queries
from luhai.oversight.statistics.models import Acts
from luhai.shell.command import command, record
from luhai.shell.context import acting

from . import world

#: What each command is about: its events, with the measures of each.
DONE = [
    [["M05-08"]], [["M05-08", "M06-08"], ["M06-08"]], [[]], [["M11-06", "M11-06"]], [["M05-08"], ["M05-08"], ["M05-08"], ["M08-01"]],
]  # fmt: skip
WANTED = Counter({"M05-08": 5, "M06-08": 2, "M11-06": 1, "M08-01": 1})


@command(may=[Role.OPERATOR])
def do(*, events: Sequence[Sequence[str]], origin: Origin) -> None:
    for n, measures in enumerate(events):
        record("other.done", n, measures=[*measures])


def done() -> None:
    for events in DONE:
        do(events=events, origin=world.by())


def counts() -> Counter[str]:
    return Counter({m: line.count for m, line in acts_queries.acts(viewer=PUBLIC).items()})


@pytest.mark.parametrize("limit", [1, 3, 2_000])
def test_each_act_counts_once_under_each_of_its_measures(own_journal: str, limit: int) -> None:
    done()
    for _twice in range(2):  # the reading of figures is no act, so that reading again changes nothing
        world.sealed()
        world.gathered(limit)
        assert {m: n for m, n in counts().items() if m in WANTED} == dict(WANTED)
        assert acts_queries.acts_that_differ(viewer=SYSTEM) == ()


def test_counting_that_is_behind_catches_up(own_journal: str) -> None:
    """As after an upgrade: the facts were read long ago, the acts never."""
    done()
    world.sealed()
    world.gathered()
    world.owner("TRUNCATE statistics_acts")
    world.owner("DELETE FROM statistics_reader WHERE name = 'acts'")
    world.owner("INSERT INTO statistics_reader (name, position) VALUES ('acts', 0)")
    done()
    world.sealed()
    world.gathered(2)
    assert {m: n for m, n in counts().items() if m in WANTED} == {m: 2 * n for m, n in WANTED.items()}
    assert acts_queries.acts_that_differ(viewer=SYSTEM) == ()


def test_a_count_that_was_changed_is_found(own_journal: str) -> None:
    done()
    world.sealed()
    world.gathered()
    world.owner("UPDATE statistics_acts SET count = count + 1 WHERE measure = 'M05-08'")
    assert acts_queries.acts_that_differ(viewer=SYSTEM) == ({"measure": "M05-08", "counted": 6, "journal": 5},)


def test_nobody_but_the_counter_changes_a_count(own_journal: str) -> None:
    from luhai.kernel.origin import Actor

    done()
    world.sealed()
    world.gathered()
    with acting(Actor(world.BANKS[0], Role.BANK, world.BANKS[0], "500000")):
        assert Acts.objects.update(count=1) == 0
    with acting(SYSTEM), pytest.raises(Exception, match="permission denied"):
        Acts.objects.all().delete()
