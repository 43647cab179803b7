"""The database keeps the promises even past all of Python: who sees, who writes, and what stays. Each wall is broken once, and that is noticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, connections, transaction

from luhai.core.evidence.tests.world import bank, company, sql
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Role
from luhai.oversight.replication import commands, queries
from luhai.oversight.replication.tests import world
from luhai.oversight.replication.tests.world import (
    GUANGXI,
    SICHUAN,
    by,
    examined,
    granted,
    live,
    official,
    supported,
)

SEES = "SELECT count(*) FROM replication_{}"
TABLES = ("adoption", "examination", "statement", "step", "tally")


@pytest.fixture
def w(fresh_db: str) -> world.World:
    made = world.world()
    supported(made)
    return made


def refused(actor: Actor, statement: str, *values: Any) -> bool:
    """Whether the database itself says no: by an error, or by finding nothing to change."""
    try:
        with transaction.atomic():
            found = sql(actor, statement, *values)
            connection.check_constraints()
            transaction.set_rollback(True)
        return found == [(0,)]
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", "") not in {"42501", "23514", "23505"}:
            raise  # neither a permission nor a constraint: a mistake of the test
        return True


def counts(actor: Actor) -> dict[str, int]:
    return {t: sql(actor, SEES.format(t))[0][0] for t in TABLES}


def test_agencies_see_the_way_and_others_only_what_is_live(w: world.World) -> None:
    way = examined(w)
    for actor in (w.first, official(GUANGXI), w.supervisor):
        seen = counts(actor)
        assert (seen["adoption"], seen["examination"]) == (2, 1)
        assert seen["statement"] == 6
        assert seen["step"] > 0
    for actor in (PUBLIC, bank(), company(), bank(role=Role.PARTNER)):
        seen = counts(actor)
        assert seen == {"adoption": 1, "examination": 0, "statement": 0, "step": 0, "tally": 0}
    assert [a.id for a in queries.adoptions(viewer=PUBLIC).items] == [w.origin]
    with pytest.raises(queries.Absent):
        queries.adoption(adoption_id=way, viewer=PUBLIC)


WALLS: dict[str, Callable[[world.World], tuple[Actor, str, list[Any]]]] = {
    "another territory changes it": lambda w: (
        official(GUANGXI), "UPDATE replication_adoption SET scope = 'x' WHERE territory = %s", [SICHUAN]
    ),
    "a bank changes it": lambda w: (bank(), "UPDATE replication_adoption SET scope = 'x' WHERE territory = '500000'", []),
    "the territory grants itself": lambda w: (
        w.first, "UPDATE replication_adoption SET granted_by = %s, state = 'granted' WHERE territory = %s", [uuid4(), SICHUAN]
    ),
    "the territory's own supervisor grants": lambda w: (
        world.supervisor(SICHUAN), "UPDATE replication_adoption SET granted_by = %s WHERE territory = %s", [uuid4(), SICHUAN]
    ),
    "live without three persons": lambda w: (
        SYSTEM, "UPDATE replication_adoption SET state = 'live', live_from = '2026-03-03', instrument_no = 'x', approver = 'x' WHERE territory = %s",
        [SICHUAN],
    ),
    "one person proposes and approves": lambda w: (
        w.first, "UPDATE replication_adoption SET approved_by = proposed_by WHERE territory = %s", [SICHUAN]
    ),
    "a territory rates itself": lambda w: (
        w.first, "INSERT INTO replication_statement (id, territory, fact, n, value, document, digest, stated_on, until, person, role, at)"
        " VALUES (%s, %s, 'supervision_grade', 9, '\"A\"', 'x', '', '2026-03-02', '2026-04-02', luhai_person(), luhai_role(), now())",
        [uuid4(), SICHUAN],
    ),
    "a statement changes": lambda w: (w.supervisor, "UPDATE replication_statement SET value = '\"A\"'", []),
    "an examination changes": lambda w: (w.first, "UPDATE replication_examination SET ready = 'met'", []),
    "a step is taken out": lambda w: (w.first, "DELETE FROM replication_step", []),
    "a province counts": lambda w: (
        w.first, "INSERT INTO replication_tally (adoption_id, month, checked, blocked, credited, credited_minor, unconverted)"
        " SELECT id, '2026-03-01', 0, 0, 0, 0, 0 FROM replication_adoption", [],
    ),
    "an operator enters what was not entered": lambda w: (
        Actor(uuid4(), Role.OPERATOR), "INSERT INTO replication_adoption (id, package, version, digest, scene, measure, territory, state, overrides,"
        " starts_on, drafted_by, instrument_no, approver, scope, back_reason, entered, invented, changed_at)"
        " VALUES (%s, 'p', '1', '', 's', 'M14-03', '520000', 'drafted', '{}', '2026-03-02', %s, '', '', '', '', false, false, now())",
        [uuid4(), uuid4()],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WALLS)
def test_a_wall_stands(w: world.World, name: str) -> None:
    key = examined(w)
    commands.propose(adoption_id=key, origin=by(w.first))
    assert refused(*_flat(WALLS[name](w)))


def _flat(told: tuple[Actor, str, list[Any]]) -> list[Any]:
    return [told[0], told[1], *told[2]]


def test_what_was_granted_and_what_is_final_stays(w: world.World) -> None:
    key = granted(w)
    for change in ("instrument_no = 'x'", "overrides = '{\"a\": \"1\"}'", "version = '9'", "granted_by = drafted_by", "territory = '520000'"):
        assert refused(w.supervisor, f"UPDATE replication_adoption SET {change} WHERE id = %s", key), change
    commands.drop(adoption_id=key, reason="x", origin=by(w.first))
    assert refused(w.first, "UPDATE replication_adoption SET scope = 'x' WHERE id = %s", key)


def test_one_live_scene_and_one_on_its_way_in_a_territory(w: world.World) -> None:
    live(w)
    assert refused(
        SYSTEM, "INSERT INTO replication_adoption SELECT %s, package, version, digest, scene, measure, territory, state, overrides, starts_on,"
        " ends_on, drafted_by, proposed_by, approved_by, granted_by, instrument_no, approver, scope, granted_on, live_from, until,"
        " back_asked_by, back_from, back_reason, back_by, true, invented, changed_at FROM replication_adoption WHERE territory = %s",
        uuid4(), SICHUAN,
    )  # fmt: skip


BROKEN = {
    "adoption_read": ("adoption", lambda w: counts(PUBLIC)["adoption"] == 1),
    "examination_read": ("examination", lambda w: counts(PUBLIC)["examination"] == 0),
    "statement_read": ("statement", lambda w: counts(PUBLIC)["statement"] == 0),
    "step_read": ("step", lambda w: counts(PUBLIC)["step"] == 0),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_wall_broken_on_purpose_is_noticed(w: world.World, name: str) -> None:
    table, holds = BROKEN[name]
    examined(w)
    assert holds(w)
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"DROP POLICY {name} ON replication_{table}")
        cursor.execute(f"CREATE POLICY {name} ON replication_{table} FOR SELECT USING (true)")
    assert not holds(w)


def test_a_trigger_broken_on_purpose_is_noticed(w: world.World) -> None:
    key = examined(w)
    commands.propose(adoption_id=key, origin=by(w.first))
    by_own = _flat(WALLS["the territory's own supervisor grants"](w))
    assert refused(*by_own)
    with connections["owner"].cursor() as cursor:
        cursor.execute("DROP TRIGGER granted ON replication_adoption")
    assert not refused(*by_own)
