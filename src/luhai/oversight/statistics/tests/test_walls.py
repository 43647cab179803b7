"""What the database itself keeps: a fact is for those who oversee, stays as it was written, and is read once."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from luhai.core.evidence.tests.world import sql
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Role
from luhai.kernel.refusal import NotPermitted
from luhai.oversight.statistics import commands
from luhai.oversight.statistics.tests.world import BANKS, COMPANIES, by, counted, drawn, owner

ROW = (
    "INSERT INTO statistics_fact (position, index, kind, event_kind, subject, month, day, territory, currency, amount, country, documented,"
    f" bank_id, company_id) VALUES (900, 0, 'drawn', 'x', 'x', '2026-03-01', '2026-03-02', '500000', 'CNY', 5, '', false, '{uuid4()}', '{uuid4()}')"
)
ASIDE = "INSERT INTO statistics_unread (position, index, event_kind, problem) VALUES (900, 0, 'x', 'x')"
OUTSIDERS = [
    Actor(uuid4(), Role.PROVINCE, uuid4(), "500000"), Actor(uuid4(), Role.BANK, BANKS[0]), Actor(uuid4(), Role.COMPANY, COMPANIES[0]),
    Actor(uuid4(), Role.PARTNER, uuid4()), PUBLIC,
]  # fmt: skip
OVERSEERS = [Actor(uuid4(), Role.SUPERVISOR, uuid4()), Actor(uuid4(), Role.OPERATOR, uuid4()), SYSTEM]


def filled() -> None:
    counted(drawn(10), ("lending.draw_disburse", "x", {}))


def nobody_else_sees_a_fact() -> None:
    for table in ("fact", "unread"):
        for actor in OVERSEERS:
            assert sql(actor, f"SELECT count(*) FROM statistics_{table}") == [(1,)], actor
        for actor in OUTSIDERS:
            assert sql(actor, f"SELECT count(*) FROM statistics_{table}") == [(0,)], actor


def nobody_else_adds_one() -> None:
    for statement in (ROW, ASIDE):
        for actor in [*OUTSIDERS, OVERSEERS[0]]:
            with pytest.raises(DatabaseError), transaction.atomic():
                sql(actor, statement)


@pytest.mark.django_db
def test_only_those_who_oversee_see_facts_and_only_the_system_adds_them() -> None:
    filled()
    nobody_else_sees_a_fact()
    nobody_else_adds_one()


@pytest.mark.usefixtures("own_journal")
@pytest.mark.parametrize(
    "hole",
    [
        "ALTER TABLE statistics_fact DISABLE ROW LEVEL SECURITY", "ALTER TABLE statistics_unread DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY hole ON statistics_fact FOR SELECT USING (company_id = luhai_party())",
        "CREATE POLICY hole ON statistics_fact FOR SELECT USING (territory = luhai_territory())",
        "CREATE POLICY hole ON statistics_unread FOR SELECT USING (luhai_role() = 'public')",
    ],
)  # fmt: skip
def test_a_hole_in_the_wall_is_noticed(hole: str) -> None:
    filled()
    owner(hole)
    with pytest.raises(AssertionError):
        nobody_else_sees_a_fact()


@pytest.mark.usefixtures("own_journal")
@pytest.mark.parametrize(
    "hole",
    [
        "CREATE POLICY hole ON statistics_fact FOR INSERT WITH CHECK (luhai_role() = 'supervisor')",
        "CREATE POLICY hole ON statistics_unread FOR INSERT WITH CHECK (luhai_role() = 'bank_officer')",
    ],
)
def test_a_door_for_others_is_noticed(hole: str) -> None:
    owner(hole)
    with pytest.raises(pytest.fail.Exception):
        nobody_else_adds_one()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE statistics_fact SET amount = 1", "DELETE FROM statistics_fact", "TRUNCATE statistics_fact",
        "UPDATE statistics_unread SET problem = ''", "DELETE FROM statistics_unread", "DELETE FROM statistics_reader",
        "INSERT INTO statistics_reader (name, position) VALUES ('again', 0)", "UPDATE statistics_reader SET name = 'x'",
        "UPDATE statistics_reader SET position = 0",
        ROW.replace("900, 0, 'drawn'", "1, 0, 'drawn'"),  # a second time
        ROW.replace("'drawn'", "'lost'"), ROW.replace("'CNY', 5", "'CNY', 0"), ROW.replace("'2026-03-01'", "'2026-03-02'"),
        ROW.replace("'2026-03-02'", "'2026-02-28'"),
    ],
)  # fmt: skip
def test_what_was_written_stays_and_reading_goes_on(statement: str) -> None:
    filled()
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(SYSTEM, statement)


@pytest.mark.django_db
def test_only_the_operator_and_the_system_gather() -> None:
    for actor in [*OUTSIDERS, OVERSEERS[0]]:
        with pytest.raises(NotPermitted):
            commands.gather(origin=by(actor))
    counted(drawn(10))
    assert commands.gather(origin=by(OVERSEERS[1]))["facts"] == 0
