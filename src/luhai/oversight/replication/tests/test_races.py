"""Two who want the same thing at the same instant, with real threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections

from luhai.kernel.origin import SYSTEM, Actor
from luhai.kernel.refusal import Refusal
from luhai.oversight.replication import commands, live_commands, queries
from luhai.oversight.replication.tests import world
from luhai.oversight.replication.tests.world import (
    MEASURE,
    SICHUAN,
    by,
    examined,
    granted,
    live,
    status,
    supported,
)
from luhai.settlement.checks import queries as checks
from luhai.shell import journal


@pytest.fixture
def w(fresh_db: str, settings: Any, tmp_path: Any) -> world.World:
    settings.STATE = tmp_path / "state"
    made = world.world()
    supported(made)
    return made


def at_once(*acts: Callable[[], Any]) -> Counter[str]:
    """What each of them was answered: done, or the code of the refusal."""
    gate = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> str:
        try:
            gate.wait(timeout=20)
            act()
            return "done"
        except Refusal as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return Counter(f.result(timeout=60) for f in [pool.submit(run, a) for a in acts])


def test_two_go_live_at_once_and_one_does(w: world.World) -> None:
    key = granted(w)
    found = at_once(*(lambda a=a: live_commands.go_live(adoption_id=key, origin=by(a, 1)) for a in (w.first, w.second, SYSTEM)))
    assert found == {"done": 1, "replication.act_not_allowed": 2}
    assert len(checks.scenes_in_force(territory=SICHUAN, viewer=SYSTEM)) == 1
    assert status(key) == "live"
    connection.check_constraints()


def test_an_entry_and_a_go_live_of_one_scene_at_once(w: world.World) -> None:
    key = granted(w)
    found = at_once(
        lambda: live_commands.go_live(adoption_id=key, origin=by(w.first, 1)), lambda: world.entered(territory=SICHUAN, days=1)
    )
    assert found["done"] == 1, found
    assert len(checks.scenes_in_force(territory=SICHUAN, viewer=SYSTEM)) == 1


def test_two_officials_approve_at_once_and_one_does(w: world.World) -> None:
    key = examined(w)
    commands.propose(adoption_id=key, origin=by(w.first))
    third = Actor(w.supervisor.person_id, w.first.role, w.first.party_id, SICHUAN)
    found = at_once(*(lambda a=a: commands.approve(adoption_id=key, origin=by(a)) for a in (w.second, third)))
    assert found == {"done": 1, "replication.act_not_allowed": 1}


def test_two_drafts_of_one_package_at_once(w: world.World) -> None:
    found = at_once(*(lambda a=a: world.drafted(world.World(a, a, w.supervisor, w.origin, w.exporter)) for a in (w.first, w.second)))
    assert found == {"done": 1, "replication.on_its_way": 1}


def test_two_roll_back_at_once_and_one_does(w: world.World) -> None:
    key = live(w)
    live_commands.ask_roll_back(adoption_id=key, day=world.TODAY.replace(day=9), reason="x", origin=by(w.first, 1))
    found = at_once(*(lambda a=a: live_commands.roll_back(adoption_id=key, origin=by(a, 1)) for a in (w.second, w.supervisor)))
    assert found == {"done": 1, "replication.act_not_allowed": 1}
    (row,) = checks.scenes_in_force(territory=SICHUAN, viewer=SYSTEM)
    assert row.valid_to == world.TODAY.replace(day=9)


def test_two_readers_count_each_event_once(w: world.World) -> None:
    from luhai.oversight.replication.tests.test_watch import checked, tallies

    key = live(w)
    for n in range(3):
        checked(w.exporter, (10_000 + 500 * n) * 100, 31 + 20 * n, 1)
    journal.seal(at=by(days=1).at)
    at_once(*(lambda: live_commands.watch(origin=by(days=1)) for _ in range(3)))
    assert tallies(key) == [(3, 0, 0, 0)]


def test_one_s_own_request_twice_is_one(w: world.World) -> None:
    key = granted(w)
    origin = by(w.first, 1)
    found = at_once(*(lambda: live_commands.go_live(adoption_id=key, origin=origin) for _ in range(3)))
    assert found == {"done": 3}
    assert [s.act for s in queries.adoption(adoption_id=key, viewer=SYSTEM).steps].count("go_live") == 1
    assert queries.named(world.PACKAGE).measure == MEASURE
