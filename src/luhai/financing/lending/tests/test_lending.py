"""A line and its draws from the first word to the last fen."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from luhai.core.escrow import commands as escrow
from luhai.core.escrow import queries as escrows
from luhai.core.evidence import commands as papers
from luhai.core.evidence import queries as evidence
from luhai.core.ledger import commands as accounts
from luhai.core.ledger import queries as ledger
from luhai.core.ledger.commands import open_accounts, post
from luhai.core.ledger.policy import Account, Bound, Transfer
from luhai.core.titles import commands as title_commands
from luhai.core.titles import queries as titles
from luhai.financing.lending import commands, line_commands, queries
from luhai.financing.lending.tests.world import (
    MILLION,
    NOON,
    TODAY,
    Desk,
    by,
    company,
    contract,
    id_of,
    limit,
    on,
    on_account,
    state,
)
from luhai.kernel.origin import SYSTEM
from luhai.kernel.refusal import Refusal
from luhai.shell.context import acting
from luhai.shell.models import Entry

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def refused(code: str, run: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        run()
    assert caught.value.code == code, caught.value
    return caught.value


def books_agree() -> None:
    found = ledger.recount(viewer=SYSTEM)
    assert (found.differing, found.beyond_bound, found.units_unbalanced, found.holds_differing) == (
        0,
        0,
        0,
        0,
    )
    connection.check_constraints()


def journal(newest: int) -> list[dict[str, Any]]:
    """The events of the newest entries of the journal."""
    with acting(SYSTEM):
        return [e for entry in Entry.objects.order_by("-seq")[:newest] for e in entry.events]


def test_from_the_pledge_to_its_release() -> None:
    desk = Desk(needs_pledge=True, needs_evidence=True)
    title, paper = desk.pledged(), desk.invoice()
    draw = desk.asked(
        MILLION, title_id=title, evidence_=[{"evidence_id": str(paper), "amount": 150 * MILLION // 100}]
    )
    assert (state(draw), desk.free(), desk.money) == ("REQUESTED", 10 * MILLION, 0)
    commands.approve_draw(draw_id=draw, origin=by(desk.bank))
    assert (state(draw), desk.free(), desk.money) == ("RESERVED", 9 * MILLION, 0)
    assert evidence.remaining(evidence_id=paper, viewer=SYSTEM).financing_used == 150 * MILLION // 100
    refused("lending.same_person", lambda: commands.disburse(draw_id=draw, origin=by(desk.bank)))
    commands.disburse(draw_id=draw, origin=by(desk.second))
    loan = desk.loan(draw)
    assert (loan.state, loan.owed.principal, desk.money) == ("DISBURSED", MILLION, MILLION)
    assert [(r.bp, r.prime_bp, r.key) for r in loan.rates] == [(345, 300, "lpr.one_year")]
    assert titles.title(title_id=title, viewer=SYSTEM).keeper == loan.escrow_id
    assert str(escrows.escrow(escrow_id=loan.escrow_id, viewer=desk.company).state) == "FUNDED"

    # 90 days at 3.45 %: the vector of the domain notes.
    end = TODAY + 90 * DAY
    desk.close(draw, end - DAY)
    assert desk.loan(draw).owed.interest == 862_500
    desk.pay_in(862_500, at=on(end))
    desk.repay(draw, at=on(end))  # the company: all of it waits for the bank's check
    assert (state(draw), desk.money, desk.loan(draw).arrived_on) == ("DISBURSED", 0, end)
    desk.close(draw, end + 3 * DAY)
    assert desk.loan(draw).owed.total == MILLION + 862_500, "nothing grows any more"
    commands.check_arrival(draw_id=draw, origin=by(desk.bank, on(end + 4 * DAY)))
    assert (state(draw), desk.loan(draw).owed.total, desk.money, desk.free()) == (
        "REPAID",
        0,
        0,
        10 * MILLION,
    )
    seen = titles.title(title_id=title, viewer=SYSTEM)
    assert (seen.keeper, seen.pledged) == (None, 0), "the pledge is released"
    assert evidence.remaining(evidence_id=paper, viewer=SYSTEM).financing_used == 0
    assert str(escrows.escrow(escrow_id=loan.escrow_id, viewer=SYSTEM).state) == "EXECUTED"
    books_agree()


def test_draw_and_repay_at_will() -> None:
    """随借随还: interest on used days alone, and what is repaid can be drawn again at once."""
    desk = Desk()
    first = desk.lent(4 * MILLION)
    desk.pay_in(MILLION)
    assert desk.free() == 6 * MILLION
    later = TODAY + 10 * DAY
    desk.repay(first, at=on(later))
    assert state(first) == "REPAID"
    interest = 4 * MILLION * 345 * 10 // 3_600_000
    assert desk.money == 4 * MILLION + MILLION - 4 * MILLION - interest
    assert desk.free() == 10 * MILLION
    second = desk.lent(10 * MILLION, at=on(later))
    assert (state(second), desk.free()) == ("DISBURSED", 0)
    third = desk.asked(1, at=on(later))
    refused(
        "ledger.exceeds_credits",
        lambda: commands.approve_draw(draw_id=third, origin=by(desk.bank, on(later))),
    )
    books_agree()


def test_borrowed_and_repaid_on_one_day_costs_nothing() -> None:
    desk = Desk()
    draw = desk.lent()
    desk.repay(draw)
    assert (state(draw), desk.money) == ("REPAID", 0)


def test_a_part_is_repaid_in_the_order_of_the_contract() -> None:
    desk = Desk()
    draw = desk.lent()
    commands.charge_fee(fee_id=uuid4(), draw_id=draw, amount=500, reason="stamp duty", origin=by(desk.bank))
    desk.repay(draw, 50_000_000, at=on(TODAY + 30 * DAY))
    interest = MILLION * 345 * 30 // 3_600_000
    owed = desk.loan(draw).owed
    assert (owed.fees, owed.interest, owed.principal) == (0, 0, MILLION - (50_000_000 - 500 - interest))
    assert (state(draw), desk.free()) == ("PART_REPAID", 9 * MILLION + 50_000_000 - 500 - interest)
    entries = queries.statement(draw_id=draw, viewer=desk.company).entries
    paid = [e for e in entries if e.kind == "paid"]
    assert [(e.on, e.fees, e.interest, e.principal) for e in paid] == [
        (TODAY + 30 * DAY, 500, interest, 50_000_000 - 500 - interest)
    ]
    assert sum(e.interest for e in entries if e.kind == "grown") == interest


def test_overdue_bears_the_surcharge_and_interest_on_interest() -> None:
    """A million at 3.45 % that comes 15 days late: 1,437.50 of interest, and half of it again; and interest on the unpaid interest."""
    desk = Desk()
    draw = desk.lent()
    due = desk.loan(draw).instalments[-1].due
    assert due == date(2026, 6, 2)
    desk.close(draw, due - DAY)
    before = desk.loan(draw).owed
    assert (state(draw), before.penalty) == ("DISBURSED", 0)
    desk.close(draw, due)
    assert (state(draw), desk.loan(draw).overdue_days) == ("OVERDUE", 1)
    desk.close(draw, due + 14 * DAY)
    owed = desk.loan(draw).owed
    assert owed.interest - before.interest == 143_750
    on_interest = before.interest * 345 * 15 * 3 // (3_600_000 * 2)
    assert abs(owed.penalty - 71_875 - on_interest) <= 1
    assert owed.interest - before.interest + owed.penalty - on_interest in {215_625, 215_626}
    desk.pay_in(2 * MILLION)
    desk.repay(draw, at=on(due + 15 * DAY))
    assert (state(draw), desk.money) == ("REPAID", 3 * MILLION - owed.total)
    books_agree()


def test_grace_moves_the_surcharge() -> None:
    desk = Desk(grace_days=3)
    draw = desk.lent()
    due = desk.loan(draw).instalments[-1].due
    desk.close(draw, due + 2 * DAY)
    assert (state(draw), desk.loan(draw).owed.penalty) == ("DISBURSED", 0)
    desk.close(draw, due + 3 * DAY)
    assert state(draw) == "OVERDUE"
    assert desk.loan(draw).owed.penalty > 0


def test_misuse_bears_its_own_surcharge_and_no_other() -> None:
    desk = Desk(misuse_percent=100)
    draw = desk.lent()
    commands.mark_misused(draw_id=draw, document="audit 7", origin=by(desk.bank))
    desk.close(draw, TODAY + 9 * DAY)
    owed = desk.loan(draw).owed
    assert owed.penalty == owed.interest == MILLION * 345 * 10 // 3_600_000


def test_closing_a_day_again_changes_nothing() -> None:
    desk = Desk()
    draw = desk.lent()
    assert desk.close(draw, TODAY + 4 * DAY) == 5
    before = desk.loan(draw)
    assert desk.close(draw, TODAY + 4 * DAY) == 0
    assert desk.close(draw, TODAY) == 0
    assert desk.loan(draw) == before
    assert desk.close(draw, TODAY + 5 * DAY) == 1
    refused("invalid", lambda: commands.close_day(draw_id=draw, day=TODAY + DAY, origin=by(SYSTEM)))


def test_what_is_due_is_collected_as_far_as_there_is_money() -> None:
    desk = Desk()
    repayment = {"method": "equal_principal", "number": 4, "every": 1, "unit": "months"}
    draw = desk.lent(repayment=repayment, to_account=None)
    desk.repay(desk.lent(MILLION - 30_000_000))  # the deposit keeps 130 of 170 …
    due = desk.loan(draw).instalments[0].due
    asked = desk.loan(draw).instalments[0]
    assert commands.collect_due(draw_id=draw, origin=by(SYSTEM, on(due - DAY))) == 0
    assert commands.collect_due(draw_id=draw, origin=by(SYSTEM, on(due))) == asked.principal + asked.interest
    first = desk.loan(draw).instalments[0]
    assert (first.open, first.paid_on) == (0, due)
    assert commands.collect_due(draw_id=draw, origin=by(SYSTEM, on(due))) == 0
    books_agree()


def test_prepayment_makes_the_rest_smaller() -> None:
    desk = Desk()
    repayment = {"method": "equal_instalments", "number": 6, "every": 1, "unit": "months"}
    draw = desk.lent(repayment=repayment)
    before = desk.loan(draw).instalments
    desk.repay(draw, 40_000_000, at=on(TODAY + 5 * DAY))
    after = desk.loan(draw).instalments
    assert sum(x.principal for x in after) == MILLION
    assert after[-1].due == before[-1].due
    assert after[2].principal + after[2].interest < before[2].principal + before[2].interest


def test_a_foreign_receipt_repays_renminbi() -> None:
    desk = Desk()
    draw = desk.lent()
    key = uuid4()
    commands.receive_foreign(
        receipt_id=key, draw_id=draw, currency="USD", amount_minor=5_000_000, rate="7.1234", source="our quote 12",
        origin=by(desk.bank, on(TODAY + DAY)),
    )  # fmt: skip
    (receipt,) = queries.statement(draw_id=draw, viewer=desk.company).receipts
    assert (receipt.rate, receipt.rate_on, receipt.source, receipt.value) == (
        "7.1234", TODAY + DAY, "our quote 12", 35_617_000,
    )  # fmt: skip
    interest = 9_583  # one night of a million at 3.45 %
    assert desk.loan(draw).owed.principal == MILLION - 35_617_000 + interest
    commands.receive_foreign(
        receipt_id=uuid4(),
        draw_id=draw,
        currency="USD",
        amount_minor=20_000_000,
        origin=by(desk.bank, on(TODAY + DAY)),
    )
    second = next(r for r in queries.statement(draw_id=draw, viewer=desk.company).receipts if r.id != key)
    assert (second.source, second.rate_on) == ("ECB", date(2026, 2, 27))
    assert state(draw) == "REPAID"
    left = second.value - (MILLION - 35_617_000 + interest)
    assert desk.money == MILLION + left
    refused(
        "rules.no_rate",
        lambda: commands.receive_foreign(
            receipt_id=uuid4(), draw_id=desk.lent(), currency="VND", amount_minor=5, origin=by(desk.bank)
        ),
    )
    books_agree()


def test_a_payment_that_a_lower_floor_carries_out_is_noticed() -> None:
    """The escrow is carried out by whoever pays into it; the next close writes down what came and frees the limits."""
    from luhai.kernel.origin import Role
    from luhai.shell.command import COMMANDS_BY_NAME, command

    desk = Desk()
    title = desk.pledged()
    draw = desk.lent(title_id=title)
    end = TODAY + 10 * DAY
    desk.close(draw, end - DAY)
    owed = desk.loan(draw).owed.total
    buyer = Account(id=uuid4(), unit="CNY", kind="own.money", bound=Bound.NONE)
    open_accounts([buyer], at=NOON)
    leg = escrows.escrow(escrow_id=desk.loan(draw).escrow_id, viewer=SYSTEM).value[0].account

    @command(may=[Role.BANK])
    def settle_payment(*, origin: Any) -> None:
        escrow.confirm(
            escrow_id=desk.loan(draw).escrow_id, condition="checked", origin=origin.child("checked")
        )
        coming = Transfer(id=uuid4(), debit=buyer.id, credit=leg, unit="CNY", amount=owed + 777)
        escrow.carry_out(escrow_id=desk.loan(draw).escrow_id, incoming=[coming], origin=origin)

    try:
        settle_payment(origin=by(desk.bank, on(end)))
    finally:
        del COMMANDS_BY_NAME["tests.settle_payment"]
    assert (state(draw), desk.money) == ("REPAID", MILLION + 777), "its balances say so at once"
    assert titles.title(title_id=title, viewer=SYSTEM).pledged == 0
    assert desk.free() == 9 * MILLION
    desk.close(draw, end)
    assert desk.free() == 10 * MILLION
    assert [
        (e.on, e.how) for e in queries.statement(draw_id=draw, viewer=SYSTEM).entries if e.kind == "paid"
    ] == [(end, "escrow")]
    books_agree()


def test_security_after_its_haircut_and_a_call_for_margin() -> None:
    desk = Desk(haircut_percent=30)
    paper = desk.invoice(2 * MILLION)
    few = [{"evidence_id": str(paper), "amount": MILLION}]
    why = refused("lending.too_little_security", lambda: desk.asked(MILLION, evidence_=few))
    assert why.facts == {"lendable": 70_000_000, "asked": MILLION}
    draw = desk.lent(70_000_000, evidence_=few)
    asked = commands.revalue(
        valuation_id=uuid4(), draw_id=draw, value=80_000_000, document="V 3", origin=by(desk.bank)
    )
    assert asked == 70_000_000 - 56_000_000
    commands.put_margin(draw_id=draw, amount=asked, origin=by(desk.company))
    assert (
        commands.revalue(
            valuation_id=uuid4(), draw_id=draw, value=80_000_000, document="V 3", origin=by(desk.bank)
        )
        == 0
    )
    assert (desk.money, desk.loan(draw).margin) == (56_000_000, asked)
    desk.pay_in(asked)
    desk.repay(draw)
    assert (state(draw), desk.money, desk.loan(draw).margin) == ("REPAID", asked, 0), "cash margin comes back"


def test_a_document_is_financed_once_across_banks_and_draws() -> None:
    desk = Desk()
    paper = desk.invoice(2 * MILLION)
    half = [{"evidence_id": str(paper), "amount": MILLION}]
    desk.lent(50_000_000, evidence_=half)
    again = desk.asked(50_000_000, evidence_=half)
    refused("evidence.used_up", lambda: commands.approve_draw(draw_id=again, origin=by(desk.bank)))
    commands.refuse_draw(draw_id=again, reason="used up", origin=by(desk.bank))
    assert state(again) == "REFUSED"


def test_giving_up_frees_everything() -> None:
    desk = Desk()
    title, paper = desk.pledged(), desk.invoice()
    draw = desk.reserved(
        MILLION, title_id=title, evidence_=[{"evidence_id": paper, "amount": 150 * MILLION // 100}]
    )
    assert desk.free() == 9 * MILLION
    commands.refuse_draw(draw_id=draw, reason="no longer needed", origin=by(desk.company))
    assert (state(draw), desk.free()) == ("REFUSED", 10 * MILLION)
    assert evidence.remaining(evidence_id=paper, viewer=SYSTEM).financing_used == 0
    assert desk.lent(MILLION, title_id=title), "the pledge is there for another draw"


def test_a_frozen_line_lends_nothing_and_frees_nothing() -> None:
    desk = Desk()
    draw, waiting = desk.lent(4 * MILLION), desk.reserved(MILLION)
    line_commands.freeze_line(line_id=desk.line, reason="warning", origin=by(desk.bank))
    assert desk.free() == 0
    refused("lending.line_not_in_force", lambda: desk.asked(1))
    refused("lending.line_not_in_force", lambda: commands.disburse(draw_id=waiting, origin=by(desk.second)))
    desk.repay(draw, MILLION)
    assert desk.free() == 0, "INV-CL-4"
    line_commands.thaw_line(line_id=desk.line, reason="cleared", origin=by(desk.bank))
    assert desk.free() == 6 * MILLION
    books_agree()


def test_what_does_not_revolve_is_drawn_once() -> None:
    desk = Desk(revolving=False)
    desk.repay(desk.lent(4 * MILLION))
    assert desk.free() == 6 * MILLION


def test_limits_bind_along_their_path() -> None:
    desk = Desk(
        limits=[
            limit("whole", 10 * MILLION, None, shared=True), limit("chongqing", 8 * MILLION, territory="500000"),
            limit("guangxi", 8 * MILLION, territory="450000", shared=True), limit("bills", 2 * MILLION, "guangxi", product="bills"),
        ]
    )  # fmt: skip
    desk.lent(7 * MILLION, limit="chongqing")
    assert (desk.free("guangxi"), desk.free("bills"), desk.free("chongqing")) == (
        3 * MILLION,
        2 * MILLION,
        MILLION,
    )
    too_much = desk.asked(3 * MILLION, limit="bills")
    refused("ledger.exceeds_credits", lambda: commands.approve_draw(draw_id=too_much, origin=by(desk.bank)))
    desk.lent(2 * MILLION, limit="bills")
    assert (desk.free("guangxi"), desk.free("bills")) == (MILLION, 0)
    refused("ledger.exceeds_credits", lambda: line_commands.reduce_limit(
        line_id=desk.line, name="guangxi", by=7 * MILLION, reason="less", origin=by(desk.bank)))  # fmt: skip
    line_commands.reduce_limit(
        line_id=desk.line, name="whole", by=MILLION, reason="less", origin=by(desk.bank)
    )
    assert (desk.free("guangxi"), str(queries.line(line_id=desk.line, viewer=desk.bank).state)) == (
        0,
        "REDUCED",
    )
    with pytest.raises(Refusal, match="sub_limits_exceed"):
        Desk(limits=[limit("whole", 10, None), limit("a", 6), limit("b", 6)])


def test_a_draw_ends_with_its_line_and_its_tail() -> None:
    desk = Desk(tail_days=10)
    late = {"method": "principal_at_end", "number": 1, "every": 13, "unit": "months"}
    why = refused("lending.due_too_late", lambda: desk.asked(repayment=late))
    assert why.facts["latest"] == "2027-03-11"
    assert desk.lent(repayment={"method": "principal_at_end", "number": 1, "every": 12, "unit": "months"})
    line_commands.expire_line(line_id=desk.line, origin=by(desk.bank, on(date(2027, 3, 2))))
    refused("lending.line_not_in_force", lambda: desk.asked(1, at=on(date(2027, 3, 2))))


def test_a_line_needs_two_people_and_a_signature() -> None:
    desk = Desk(started=False)
    refused(
        "lending.same_person", lambda: line_commands.approve_line(line_id=desk.line, origin=by(desk.bank))
    )
    refused(
        "lending.act_not_allowed", lambda: line_commands.start_line(line_id=desk.line, origin=by(desk.bank))
    )
    line_commands.approve_line(line_id=desk.line, origin=by(desk.second))
    refused(
        "lending.terms_differ",
        lambda: line_commands.sign_line(line_id=desk.line, digest="0" * 64, origin=by(desk.company)),
    )
    refused(
        "absent", lambda: line_commands.sign_line(line_id=desk.line, digest="0" * 64, origin=by(company()))
    )


def test_rates_are_reset_as_agreed_and_apply_from_their_day() -> None:
    """A draw of 2024 with a quarterly reset: two cuts of the prime rate, each from the next reset day on."""
    start = date(2024, 7, 1)
    desk = Desk(started=False, starts_on="2024-07-01", ends_on="2025-06-30", reset="quarterly")
    line_commands.approve_line(line_id=desk.line, origin=by(desk.second, on(start)))
    digest = queries.line(line_id=desk.line, viewer=desk.company).digest
    line_commands.sign_line(line_id=desk.line, digest=digest, origin=by(desk.company, on(start)))
    line_commands.start_line(line_id=desk.line, origin=by(desk.bank, on(start)))
    repayment = {"method": "principal_at_end", "number": 11, "every": 1, "unit": "months"}
    draw = desk.lent(repayment=repayment, at=on(start))
    desk.close(draw, date(2025, 1, 31))
    assert [(r.since, r.bp) for r in desk.loan(draw).rates] == [
        (start, 390), (date(2024, 10, 1), 380), (date(2025, 1, 1), 355),
    ]  # fmt: skip
    nights = {390: 92, 380: 92, 355: 31}
    exact = sum(MILLION * bp * n for bp, n in nights.items()) / 3_600_000
    assert abs(desk.loan(draw).owed.interest - exact) <= 8


def test_the_money_is_the_companys_to_spend() -> None:
    desk = Desk()
    desk.lent()
    own = uuid4()
    accounts.open_account(
        account_id=own, unit="CNY", kind="till", bound=Bound.DEBITS, origin=by(desk.company)
    )
    pay = {"line_id": desk.line, "reference": "freight to the railway"}
    commands.pay_out(**pay, amount=MILLION // 4, to_account=own, origin=by(desk.company))
    commands.pay_out(**pay, amount=MILLION // 4, origin=by(desk.company))
    assert (desk.money, on_account(own)) == (MILLION // 2, MILLION // 4)
    refused(
        "ledger.exceeds_credits", lambda: commands.pay_out(**pay, amount=MILLION, origin=by(desk.company))
    )
    refused("not_permitted", lambda: commands.pay_out(**pay, amount=1, origin=by(desk.bank)))
    other = Desk()
    refused("absent", lambda: commands.pay_out(**pay, amount=1, origin=by(other.company)))
    refused(
        "invalid",
        lambda: commands.pay_out(**pay, amount=1, to_account=other.deposit, origin=by(desk.company)),
    )
    assert desk.lent(1_000, to_account=own), "or it is paid out to an account of its own at once"
    assert on_account(own) == MILLION // 4 + 1_000


def test_a_loan_outlives_its_escrow() -> None:
    """Years after its last day the escrow gives the title back; what is owed is owed, and can be repaid."""
    desk = Desk()
    title = desk.pledged()
    draw = desk.lent(title_id=title)
    late = on(desk.loan(draw).instalments[-1].due + timedelta(1_100))
    escrow.expire(escrow_id=desk.loan(draw).escrow_id, origin=by(SYSTEM, late))
    assert titles.title(title_id=title, viewer=SYSTEM).pledged > 0
    commands.charge_fee(fee_id=uuid4(), draw_id=draw, amount=5, reason="late", origin=by(desk.bank))
    desk.pay_in(MILLION)
    desk.repay(draw, who=desk.bank)
    assert (state(draw), desk.free(), desk.money) == ("REPAID", 10 * MILLION, MILLION - 5)
    books_agree()


def test_an_escrow_that_a_party_withdrew_keeps_no_limit() -> None:
    desk = Desk()
    draw = desk.reserved()
    escrow.withdraw(escrow_id=desk.loan(draw).escrow_id, reason="second thoughts", origin=by(desk.company))
    with pytest.raises(Refusal, match="escrow"):
        commands.disburse(draw_id=draw, origin=by(desk.second))
    commands.refuse_draw(draw_id=draw, reason="withdrawn", origin=by(desk.bank))
    assert (state(draw), desk.free()) == ("REFUSED", 10 * MILLION)


def _funded(desk: Desk, draw: UUID, amount: int, at: datetime = NOON) -> escrows.EscrowView:
    """Money from outside into the escrow of a loan, as a payment brings it."""
    view = escrows.escrow(escrow_id=desk.loan(draw).escrow_id, viewer=SYSTEM)
    till = uuid4()
    open_accounts([Account(id=till, unit="CNY", kind="own.till", bound=Bound.NONE)], at=at)
    coming = Transfer(id=uuid4(), debit=till, credit=view.value[0].source, unit="CNY", amount=amount)
    assert post([coming], at=at)[0].refused is None
    escrow.fund(escrow_id=view.id, leg="proceeds", amount=amount, origin=by(desk.bank, at))
    return view


def test_an_escrow_with_too_little_in_it_releases_nothing() -> None:
    """The bank consented to half: nothing moves before all that is owed has come."""
    desk = Desk()
    title = desk.pledged()
    draw = desk.lent(title_id=title)
    view = _funded(desk, draw, MILLION // 2)
    escrow.confirm(escrow_id=view.id, condition="checked", origin=by(desk.bank))
    refused("escrow.not_met", lambda: escrow.execute(escrow_id=view.id, origin=by(desk.bank)))
    assert (desk.loan(draw).owed.total, titles.title(title_id=title, viewer=SYSTEM).pledges[0].ended_at) == (MILLION, None)
    _funded(desk, draw, MILLION // 2)
    escrow.execute(escrow_id=view.id, origin=by(desk.bank))
    assert titles.title(title_id=title, viewer=SYSTEM).pledges[0].ended_at is not None
    desk.close(draw, TODAY)
    assert (state(draw), desk.free()) == ("REPAID", 10 * MILLION)
    books_agree()


def test_interest_of_nights_that_no_close_had_booked_stays_owed() -> None:
    """The escrow knows what the ledger knows: what a missed close books later is owed without the pledge, and the journal says so."""
    desk = Desk()
    title = desk.pledged()
    draw = desk.lent(title_id=title)
    later = on(TODAY + timedelta(days=9))
    view = _funded(desk, draw, MILLION, later)
    escrow.confirm(escrow_id=view.id, condition="checked", origin=by(desk.bank, later))
    escrow.execute(escrow_id=view.id, origin=by(desk.bank, later))
    desk.close(draw, TODAY + timedelta(days=9))
    owed = desk.loan(draw).owed
    assert (owed.principal, owed.interest, state(draw)) == (0, round(MILLION * 345 * 9 / 360 / 10_000), "PART_REPAID")
    assert "lending.released_short" in [e["kind"] for e in journal(3)]
    desk.pay_in(MILLION, later)
    desk.repay(draw, who=desk.bank, at=later)
    assert state(draw) == "REPAID"
    books_agree()


def test_insurance_and_papers_must_stand_when_it_is_approved() -> None:
    desk = Desk(needs_insurance=True)
    refused("invalid", lambda: desk.asked())
    policy, other = desk.invoice(), Desk().invoice()
    refused("lending.not_standing", lambda: desk.asked(insurance_id=other))
    refused("lending.not_standing", lambda: desk.asked(insurance_id=uuid4()))
    draw = desk.asked(insurance_id=policy)
    papers.cancel_evidence(evidence_id=policy, reason="ended", origin=by(desk.company))
    refused("lending.not_standing", lambda: commands.approve_draw(draw_id=draw, origin=by(desk.bank)))


def test_only_a_pledge_of_the_company_to_this_bank_counts() -> None:
    desk, other = Desk(needs_pledge=True), Desk()
    refused("invalid", lambda: desk.asked())
    refused("lending.not_pledged", lambda: desk.asked(title_id=other.pledged()))
    refused("lending.not_pledged", lambda: desk.asked(title_id=uuid4()))
    refused("lending.not_pledged", lambda: desk.asked(title_id=desk.pledged(10), quantity=11))
    title = desk.pledged()
    draw = desk.asked(title_id=title)
    pledge = titles.title(title_id=title, viewer=SYSTEM).pledges[0].id
    title_commands.release_pledge(title_id=title, pledge=pledge, origin=by(desk.bank))
    refused("lending.not_pledged", lambda: commands.approve_draw(draw_id=draw, origin=by(desk.bank)))


def test_the_journal_names_measures_and_the_version_of_the_prime_rate() -> None:
    desk = Desk()
    desk.lent(title_id=desk.pledged())
    (event,) = [e for e in journal(1) if e["kind"] == "lending.draw_disburse"]
    assert event["rules"] == ["lpr.one_year@2025-05-20"]
    assert event["measures"] == ["M05-06", "M05-07", "M05-08", "M06-08"]
    assert event["data"]["rate_bp"] == 345


def test_one_borrower_may_not_owe_more_than_the_law_allows() -> None:
    desk = Desk(started=False)
    said: dict[str, Any] = {
        "company_id": id_of(desk.company), "contract": contract(), "limits": [limit("whole", MILLION, None)], "number": "N9",
    }  # fmt: skip
    why = refused(
        "lending.beyond_one_borrower",
        lambda: line_commands.open_line(
            line_id=uuid4(), capital_minor=10 * MILLION - 1, origin=by(desk.bank), **said
        ),
    )
    assert why.facts == {"most": MILLION - 1}
    assert line_commands.open_line(line_id=uuid4(), capital_minor=10 * MILLION, origin=by(desk.bank), **said)
