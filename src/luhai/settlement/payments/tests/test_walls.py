"""What the database itself keeps: who sees which row, what stays, and that the books and the states agree. Each is broken on purpose."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from luhai.core.evidence.tests.world import sql
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.settlement.payments import commands, queries
from luhai.settlement.payments.tests.world import Desk, bank, blocked, by, company, id_of, official, sent

pytestmark = pytest.mark.django_db
TABLES = ("account", "payment", "attachment", "verdict", "override", "credit", "message", "event")


def filled() -> tuple[Desk, UUID]:
    """A credited payment with at least one row in each table, and a returned one."""
    desk = Desk()
    payment = desk.came()
    desk.attach(payment, desk.contracted())
    blocked(desk, payment)
    commands.propose_override(payment_id=payment, reason_code="group_payment", reason="r", origin=by(desk.bank))
    commands.approve_override(payment_id=payment, origin=by(desk.second))
    desk.settle(payment)
    desk.give_back(desk.came())
    return desk, payment


def seen(actor: Actor) -> dict[str, int]:
    return {t: sql(actor, f"SELECT count(*) FROM payments_{t}")[0][0] for t in TABLES}


def test_each_row_is_seen_by_whom_it_is_for() -> None:
    desk, payment = filled()
    all_rows = seen(SYSTEM)
    assert min(all_rows.values()) > 0, all_rows
    for insider in (desk.bank, desk.company, official(Role.SUPERVISOR), official(Role.OPERATOR)):
        assert seen(insider) == all_rows, insider
    for outsider in (bank()[0], bank("TH", Role.PARTNER)[0], company(), official(Role.PROVINCE)):
        assert set(seen(outsider).values()) == {0}, outsider
    sender = seen(desk.partner)
    hidden = dict.fromkeys(("account", "attachment", "verdict", "override", "credit", "event"), 0)
    assert sender == hidden | {"payment": 2, "message": all_rows["message"] - 1}, "all but the notification"
    view = queries.payment(payment_id=payment, viewer=desk.partner)
    assert (view.state, view.account, view.attachments, view.verdict, view.credit, view.timeline, view.may) == (
        "CREDITED", None, [], None, None, [], (),
    )  # fmt: skip
    assert "out camt.054" not in sent(payment, desk.partner)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payments_account SET ledger_account = id", "DELETE FROM payments_account", "UPDATE payments_payment SET amount = 1",
        "UPDATE payments_payment SET company_id = bank_id", "DELETE FROM payments_payment", "DELETE FROM payments_attachment",
        "UPDATE payments_verdict SET verdict = 'clear'", "UPDATE payments_verdict SET findings = '[]'", "DELETE FROM payments_verdict",
        "UPDATE payments_override SET reason_code = 'agency_import'", "DELETE FROM payments_override",
        "UPDATE payments_override SET approved_at = now()", "UPDATE payments_credit SET amount = 1", "DELETE FROM payments_credit",
        "UPDATE payments_message SET content = ''", "DELETE FROM payments_message", "UPDATE payments_event SET data = '{}'",
        "DELETE FROM payments_event", "TRUNCATE payments_event", "UPDATE payments_payment SET state = 'RECEIVED'",
    ],
)  # fmt: skip
def test_what_was_said_and_done_stays(statement: str) -> None:
    desk, _ = filled()
    for who in (SYSTEM, desk.bank, desk.company):
        try:
            with transaction.atomic():
                assert sql(who, statement) == [(0,)], who
        except DatabaseError:
            continue


def test_nobody_writes_for_another() -> None:
    """Past Python too: a company gives itself no verdict and no credit, a bank attaches nothing, the sender does nothing at all."""
    desk = Desk()
    payment = desk.came()
    verdict = (
        "INSERT INTO payments_verdict (id, payment_id, n, situation, rule_set, tier, verdict, findings, facts, papers, person, at)"
        " VALUES (%s, %s, 1, 'goods_advance', 'x', '2', 'clear', '[]', '{}', '[]', %s, now())"
    )
    paper = "INSERT INTO payments_attachment (payment_id, evidence_id, attached_at) VALUES (%s, %s, now())"
    credit = (
        "INSERT INTO payments_credit (payment_id, account_id, currency, amount, rate, source, at)"
        " VALUES (%s, %s, 'CNY', 1, '', '', now())"
    )
    event = (
        "INSERT INTO payments_event (payment_id, act, after, party, person, data, at)"
        " VALUES (%s, 'check', 'CLEAR', %s, %s, '{}', now())"
    )
    wrong = [
        *((who, verdict, (uuid4(), payment, uuid4())) for who in (desk.company, desk.partner)),
        *((who, paper, (payment, uuid4())) for who in (desk.bank, desk.partner)),
        *((who, credit, (payment, desk.account)) for who in (desk.company, desk.partner)),
        (desk.partner, event, (payment, id_of(desk.partner), uuid4())),
        (desk.company, event, (payment, id_of(desk.bank), uuid4())),
    ]
    for who, statement, values in wrong:
        with pytest.raises(DatabaseError), transaction.atomic():
            sql(who, statement, *values)
    assert sql(desk.partner, "UPDATE payments_payment SET state = 'CLEAR'") == [(0,)]


def forged(who: Actor, payment: UUID, state: str) -> None:
    with transaction.atomic():
        sql(who, "UPDATE payments_payment SET state = %s WHERE id = %s", state, payment)
        connection.check_constraints()


def test_a_state_that_the_books_do_not_bear_out_is_noticed_at_commit() -> None:
    desk = Desk()
    for wrong in ("CREDITED", "RETURNED"):
        payment = desk.came()
        with pytest.raises(DatabaseError):
            forged(desk.bank, payment, wrong)


def test_four_eyes_hold_past_python() -> None:
    desk = Desk()
    payment = blocked(desk, desk.came())
    commands.propose_override(payment_id=payment, reason_code="group_payment", reason="r", origin=by(desk.bank))
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(desk.bank, "UPDATE payments_override SET approved_by = proposed_by, approved_at = now()")
