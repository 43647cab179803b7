"""What the database itself keeps: who sees a card, a value, a report; that what was frozen stays; and that a hole is noticed."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from luhai.core.evidence.tests.world import sql
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Role
from luhai.oversight.evaluation import commands
from luhai.oversight.evaluation.lifecycle import State
from luhai.oversight.evaluation.tests.world import (
    AFTER,
    CHONGQING,
    GUANGXI,
    KEEPER,
    OPERATOR,
    asked,
    brought_to,
    by,
    decided,
    frozen,
    owner,
    province,
)

MINE, OTHER = province(CHONGQING), province(GUANGXI)
STRANGERS = [OTHER, Actor(uuid4(), Role.BANK, uuid4(), CHONGQING), Actor(uuid4(), Role.COMPANY, uuid4(), CHONGQING), PUBLIC]
#: Rows of the one territory, in every table that holds a unit's own.
OWN = ("submission", "value", "card", "objection", "rectification", "veto")


def filled() -> None:
    """A cycle with something of Chongqing in every table."""
    cycle = brought_to(State.COLLECTING)
    key = uuid4()
    commands.propose_veto(veto_id=key, cycle_id=cycle, unit=CHONGQING, veto="data_leak", ground="x", evidence="y", origin=by())
    commands.confirm_veto(veto_id=key, origin=by(OPERATOR_AS_SUPERVISOR))
    from luhai.oversight.evaluation.tests.world import accepted

    accepted(cycle, "P03")
    commands.validate(cycle_id=cycle, origin=by())
    commands.score(cycle_id=cycle, origin=by())
    commands.publish(cycle_id=cycle, origin=by())
    decided(cycle, uphold=False)
    commands.finalise(cycle_id=cycle, origin=by(at=AFTER))
    commands.feed(cycle_id=cycle, origin=by(at=AFTER))
    asked(cycle)


OPERATOR_AS_SUPERVISOR = Actor(uuid4(), Role.SUPERVISOR, uuid4())


def strangers_see_nothing() -> None:
    for table in OWN:
        statement = f"SELECT count(*) FROM evaluation_{table} WHERE territory = '{CHONGQING}'"
        for actor in (SYSTEM, OPERATOR, KEEPER, MINE):
            assert sql(actor, statement) != [(0,)], (table, actor)
        for actor in STRANGERS:
            assert sql(actor, statement) == [(0,)], (table, actor)
    assert sql(PUBLIC, "SELECT count(*) FROM evaluation_total") == [(0,)]


@pytest.mark.django_db
def test_a_unit_sees_its_own_and_nobody_anothers() -> None:
    filled()
    strangers_see_nothing()
    assert sql(OTHER, "SELECT count(*) FROM evaluation_total") == [(15,)], "territories' totals are told once they are final"


@pytest.mark.usefixtures("fresh_db")
@pytest.mark.parametrize("table", OWN)
def test_a_hole_in_the_wall_is_noticed(table: str) -> None:
    filled()
    owner(f"ALTER TABLE evaluation_{table} DISABLE ROW LEVEL SECURITY")
    with pytest.raises(AssertionError):
        strangers_see_nothing()


@pytest.mark.usefixtures("fresh_db")
@pytest.mark.parametrize(
    "hole",
    [
        "CREATE OR REPLACE FUNCTION evaluation_mine(the_territory text, the_party uuid) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT true $$",
        "CREATE OR REPLACE FUNCTION evaluation_mine(the_territory text, the_party uuid) RETURNS boolean LANGUAGE sql STABLE AS "
        "$$ SELECT the_territory = luhai_territory() $$",
        "CREATE POLICY hole ON evaluation_total FOR SELECT USING (true)",
    ],
)
def test_a_softer_wall_is_noticed(hole: str) -> None:
    filled()
    owner(hole)
    with pytest.raises(AssertionError):
        strangers_see_nothing()


@pytest.mark.django_db
def test_a_card_is_the_units_only_once_it_is_told() -> None:
    cycle = brought_to(State.SCORED)
    assert sql(MINE, "SELECT count(*) FROM evaluation_card") == [(0,)]
    assert sql(MINE, "SELECT count(*) FROM evaluation_total") == [(0,)]
    commands.publish(cycle_id=cycle, origin=by())
    assert sql(MINE, "SELECT count(*) FROM evaluation_card") == [(1,)]
    assert sql(MINE, "SELECT count(*) FROM evaluation_total") == [(0,)], "a draft is no total"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evaluation_value SET value = 1", "DELETE FROM evaluation_value", "UPDATE evaluation_card SET total = 1", "DELETE FROM evaluation_card",
        "UPDATE evaluation_run SET inputs_digest = 'x'", "UPDATE evaluation_run SET frozen_at = NULL", "UPDATE evaluation_run SET result_digest = 'x'",
        "UPDATE evaluation_run SET reason = 'x'", "UPDATE evaluation_cycle SET seed = 1", "UPDATE evaluation_cycle SET content = '{}'",
        "UPDATE evaluation_submission SET value = 1", "UPDATE evaluation_submission SET state = 'submitted', decided_by = NULL",
        "UPDATE evaluation_submission SET state = 'returned'", "DELETE FROM evaluation_submission", "UPDATE evaluation_veto SET confirmed_at = now()",
        "DELETE FROM evaluation_veto", "UPDATE evaluation_objection SET claimed = 1", "UPDATE evaluation_objection SET state = 'upheld'",
        "DELETE FROM evaluation_event", "UPDATE evaluation_event SET note = 'x'", "UPDATE evaluation_total SET total = 1",
        "DELETE FROM evaluation_feed", "DELETE FROM evaluation_study", "UPDATE evaluation_rectification SET due = '2030-01-01'",
        "DELETE FROM evaluation_unit", "TRUNCATE evaluation_value",
        "INSERT INTO evaluation_value (cycle_id, run, unit, indicator, status, history, source, evidence, digest, why)"
        " SELECT cycle_id, run, unit, 'X', 'no_data', '[]', 'computed', '{}', '', '{}' FROM evaluation_value LIMIT 1",
    ],
)  # fmt: skip
def test_what_was_written_stays(statement: str) -> None:
    filled()
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(SYSTEM, statement)


@pytest.mark.django_db
def test_a_unit_writes_no_other_units_rows() -> None:
    frozen()
    row = (
        "INSERT INTO evaluation_submission (id, cycle_id, run, unit, territory, indicator, state, value, history, evidence, comment, remarks, digest,"
        f" on_time, invented, by_authority, submitted_by, submitted_at, reason) SELECT '{uuid4()}', id, 1, '{CHONGQING}', '{CHONGQING}', 'P07',"
        f" 'submitted', 1, '[]', '', '', '[]', '', true, false, false, '{uuid4()}', now(), '' FROM evaluation_cycle LIMIT 1"
    )
    for actor in STRANGERS:
        with pytest.raises(DatabaseError), transaction.atomic():
            sql(actor, row)
    for statement in (
        "INSERT INTO evaluation_card (cycle_id, run, unit, territory, total, rank, grade, grade_by_points, low, high, coverage, reasons, parts)"
        f" SELECT id, 1, '{CHONGQING}', '{CHONGQING}', 100, 1, '', '', 1, 1, 1, '[]', '{{}}' FROM evaluation_cycle LIMIT 1",
        "INSERT INTO evaluation_total (cycle_id, run, unit, territory, open, total, rank, grade, low, high, reasons, told_at)"
        f" SELECT id, 1, '{CHONGQING}', '{CHONGQING}', true, 100, 1, '', 1, 1, '[]', now() FROM evaluation_cycle LIMIT 1",
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            sql(MINE, statement)
