"""Each wall of the database is taken down in turn: what `test_walls` looks for then happens, so those tests can fail."""

from __future__ import annotations

import pytest
from django.db import connections, transaction

from luhai.core.evidence.tests.world import sql
from luhai.settlement.payments import commands
from luhai.settlement.payments.tests.test_walls import TABLES, filled, forged, seen
from luhai.settlement.payments.tests.world import Desk, blocked, by, company, state

pytestmark = pytest.mark.usefixtures("fresh_db")


def owner(statement: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)


def test_without_its_policy_a_stranger_sees_a_row() -> None:
    filled()
    stranger = company()
    for table in TABLES:
        assert seen(stranger)[table] == 0, table
        owner(f"ALTER TABLE payments_{table} DISABLE ROW LEVEL SECURITY")
        assert seen(stranger)[table] > 0, table


def test_without_its_trigger_a_state_is_forged() -> None:
    desk = Desk()
    payment = desk.came()
    owner("DROP TRIGGER adds_up ON payments_payment")
    forged(desk.bank, payment, "RETURNED")
    assert state(payment) == "RETURNED"
    owner("DROP TRIGGER stays_ended ON payments_payment")
    forged(desk.bank, payment, "RECEIVED")
    assert state(payment) == "RECEIVED"


def test_without_its_constraint_one_person_is_enough() -> None:
    desk = Desk()
    payment = blocked(desk, desk.came())
    commands.propose_override(payment_id=payment, reason_code="group_payment", reason="r", origin=by(desk.bank))
    owner("ALTER TABLE payments_override DROP CONSTRAINT override_four_eyes")
    with transaction.atomic():
        sql(desk.bank, "UPDATE payments_override SET approved_by = proposed_by, approved_at = now()")
