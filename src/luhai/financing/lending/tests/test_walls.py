"""What the database itself keeps: rows of a line are its two sides' and of who oversees; what was signed and booked stays."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from luhai.core.evidence.tests.world import bank, company, official, sql
from luhai.financing.lending import commands
from luhai.financing.lending.tests.world import MILLION, TODAY, Desk, by
from luhai.kernel.origin import SYSTEM, Actor, Role

pytestmark = pytest.mark.django_db
TABLES = (
    "line",
    "limit",
    "draw",
    "security",
    "fixing",
    "movement",
    "fee",
    "dayclose",
    "receipt",
    "valuation",
    "event",
)


def filled() -> Desk:
    """A line with at least one row in each table."""
    desk = Desk()
    paper = desk.invoice()
    draw = desk.lent(MILLION, evidence_=[{"evidence_id": paper, "amount": 150_000_000}])
    commands.charge_fee(fee_id=uuid4(), draw_id=draw, amount=5, reason="r", origin=by(desk.bank))
    commands.revalue(valuation_id=uuid4(), draw_id=draw, value=9, document="d", origin=by(desk.bank))
    commands.receive_foreign(
        receipt_id=uuid4(),
        draw_id=draw,
        currency="USD",
        amount_minor=5,
        rate="7",
        source="s",
        origin=by(desk.bank),
    )
    desk.close(draw, TODAY)
    return desk


def seen(actor: Actor) -> dict[str, int]:
    return {t: sql(actor, f"SELECT count(*) FROM lending_{t}")[0][0] for t in TABLES}


def test_each_row_is_seen_by_its_two_sides_and_by_who_oversees() -> None:
    desk = filled()
    all_rows = seen(SYSTEM)
    assert min(all_rows.values()) > 0, all_rows
    for insider in (desk.bank, desk.company, official(Role.SUPERVISOR)):
        assert seen(insider) == all_rows, insider
    for outsider in (bank(), company()):
        assert set(seen(outsider).values()) == {0}, outsider


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lending_line SET contract = '{}'", "UPDATE lending_line SET company_id = bank_id", "DELETE FROM lending_line",
        "UPDATE lending_draw SET amount = 1", "UPDATE lending_draw SET escrow_id = id", "DELETE FROM lending_draw",
        "UPDATE lending_movement SET principal = 0", "DELETE FROM lending_movement", "UPDATE lending_fixing SET bp = 0",
        "UPDATE lending_dayclose SET interest = 0", "DELETE FROM lending_dayclose", "UPDATE lending_event SET act = 'x'",
        "DELETE FROM lending_event", "UPDATE lending_receipt SET rate = '1'", "UPDATE lending_security SET use_id = evidence_id",
        "UPDATE lending_valuation SET short = 0", "UPDATE lending_fee SET amount = 1", "TRUNCATE lending_event",
        "UPDATE lending_draw SET closed_on = closed_on - 1", "UPDATE lending_draw SET starts_on = starts_on + 1",
        "UPDATE lending_draw SET due = '{2030-01-01}'",
    ],
)  # fmt: skip
def test_what_was_signed_and_booked_stays(statement: str) -> None:
    filled()
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(SYSTEM, statement)


def test_what_has_ended_stays_ended() -> None:
    desk = Desk()
    draw = desk.lent()
    desk.repay(draw)
    connection.check_constraints()
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(SYSTEM, "UPDATE lending_draw SET state = 'DISBURSED' WHERE id = %s", draw)


def test_one_hand_is_not_enough() -> None:
    """Four eyes hold even past Python."""
    desk = Desk(started=False)
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(SYSTEM, "UPDATE lending_line SET approved_by = opened_by WHERE id = %s", desk.line)
    other = Desk()
    draw = other.reserved()
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(SYSTEM, "UPDATE lending_draw SET paid_out_by = approved_by WHERE id = %s", draw)
