"""A payment from the first message to the last fen: received, documented, checked, credited, or sent back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from luhai.core.escrow import commands as escrow
from luhai.core.evidence import commands as papers
from luhai.core.evidence import queries as evidence
from luhai.core.ledger import commands as ledger
from luhai.core.ledger.commands import open_accounts
from luhai.core.ledger.policy import Account as LedgerAccount
from luhai.core.ledger.policy import Bound
from luhai.kernel.origin import SYSTEM, Role
from luhai.kernel.refusal import Invalid, Refusal
from luhai.settlement.messages import rules, states
from luhai.settlement.messages.envelope import open_envelope
from luhai.settlement.messages.message import Account as Held
from luhai.settlement.messages.message import Address, Amount, Party, Remittance
from luhai.settlement.messages.read import read
from luhai.settlement.messages.write import write
from luhai.settlement.payments import books, commands, queries
from luhai.settlement.payments.tests.world import (
    NOON,
    TODAY,
    Desk,
    Loan,
    bank,
    blocked,
    books_agree,
    by,
    company,
    declaration,
    id_of,
    ledger_account_of,
    official,
    on,
    received,
    sent,
    state,
)
from luhai.shell.context import acting
from luhai.shell.models import Entry

pytestmark = pytest.mark.django_db


def refused(code: str, run: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        run()
    assert caught.value.code == code, caught.value
    return caught.value


def told(kind: str) -> dict[str, Any]:
    """What the journal says of the newest event of a kind."""
    with acting(SYSTEM):
        return next(
            e["data"] for entry in Entry.objects.order_by("-seq")[:8] for e in entry.events if e["kind"] == kind
        )


def valid(payment: UUID) -> list[states.State | None]:
    """Every message reads back, breaks no rule that would reject it, and together they tell a life that is allowed."""
    messages = []
    for m in queries.messages_of(payment_id=payment, viewer=SYSTEM):
        assert read(m.content.encode()).type == m.type
        broken = {f.rule for f in rules.check(open_envelope(m.content.encode()), on=TODAY)}
        assert not broken, (m.type, broken)
        messages.append(read(m.content.encode()))
    uetr = queries.payment(payment_id=payment, viewer=SYSTEM).uetr
    return [states.derive(messages, uetr=uetr).state]


# --- receiving ----------------------------------------------------------------------------------------------------------


def test_received_in_suspense_and_answered() -> None:
    desk = Desk()
    answer = desk.send(minor=10_000_00)
    assert (answer["status"], answer["reason"]) == ("ACSP", None)
    payment = UUID(answer["payment_id"])
    assert state(payment) == "RECEIVED"
    assert (on(books.nostro(id_of(desk.bank), "USD")), on(books.suspense(payment)), desk.money) == (-10_000_00, 10_000_00, 0)
    report = read(answer["answer"].encode())
    (status,) = report.transactions
    assert status.original is not None
    seen = queries.payment(payment_id=payment, viewer=desk.company)
    assert (status.status, status.original.uetr) == ("ACSP", seen.uetr)
    assert (report.header.sender.bic, report.header.receiver.bic) == (desk.bic, desk.partner_bic)  # type: ignore[union-attr]
    assert seen.debtor_name == "Siam Motor Parts Co., Ltd."
    assert (seen.debtor_country, seen.invoices, seen.amount, seen.currency) == ("TH", ["CF-2026-031"], 10_000_00, "USD")
    data = told("payments.received")
    assert (data["payment"], data["bank"], data["company"], data["territory"], data["currency"], data["amount"]) == (
        str(payment), str(id_of(desk.bank)), str(id_of(desk.company)), "500000", "USD", 10_000_00,
    )  # fmt: skip
    assert data["debtor_country"] == "TH"
    assert valid(payment) == [states.State.IN_PROCESS]
    books_agree()


def test_the_same_order_again_is_answered_as_it_was() -> None:
    desk = Desk()
    order = desk.order()
    first = desk.send(order)
    assert desk.send(order) == first
    assert desk.send(order, who=desk.bank) == first, "whichever bank brings it"
    again = replace(order, header=replace(order.header, possible_duplicate=True))
    assert desk.send(again) == first, "a possible duplicate is one"
    assert on(books.suspense(UUID(first["payment_id"]))) == 10_000_00
    other = replace(order, transactions=(replace(order.transactions[0], amount=Amount(Decimal("9.00"), "USD")),))
    duplicate = desk.send(other)
    assert (duplicate["status"], duplicate["reason"], duplicate["payment_id"]) == ("RJCT", "DUPL", None)
    assert desk.send(other) == duplicate
    assert len(queries.rejections(viewer=desk.bank).items) == 1
    assert sent(UUID(first["payment_id"])) == ["in pacs.008", "out pacs.002 ACSP"]
    books_agree()


def changed(desk: Desk, **of_creditor: Any) -> bytes:
    tx = desk.transaction()
    parties = tuple(replace(p, **of_creditor) if p.role == "creditor" else p for p in tx.parties)
    return write(desk.order(replace(tx, parties=parties)))


REJECTED: dict[str, Any] = {
    "AC01": lambda d: changed(d, account=Held(number="9999")),
    "AC01 none": lambda d: changed(d, account=None),
    "AC01 IBAN": lambda d: changed(d, account=Held(iban="GB33BUKB20201555555556")),
    "RR03 name": lambda d: changed(d, name="", address=None),
    "RR03 town": lambda d: changed(d, address=Address(country="CN", lines=("somewhere",))),
    "AM03": lambda d: write(d.order(d.transaction(amount=Amount(Decimal("5.000"), "KWD")))),
    "AM12": lambda d: write(d.order(d.transaction(amount=Amount(Decimal("5.001"), "USD")))),
    "AM01": lambda d: write(d.order(d.transaction(amount=Amount(Decimal("0"), "USD")))),
    "AM09": lambda d: write(d.order(d.transaction(instructed=Amount(Decimal("5"), "USD")))),
    "DT01": lambda d: write(d.order(d.transaction(settled_on=None))),
}


@pytest.mark.parametrize("case", REJECTED)
def test_what_may_not_be_accepted_is_answered_with_a_reason(case: str) -> None:
    desk = Desk()
    data = REJECTED[case](desk)
    answer = desk.send(data)
    assert (answer["status"], answer["reason"], answer["payment_id"]) == ("RJCT", case.split()[0], None)
    (tx,) = read(answer["answer"].encode()).transactions
    assert [r.code for r in tx.reasons] == [case.split()[0]]
    assert desk.send(data) == answer
    assert not queries.payments(viewer=SYSTEM).items
    assert told("payments.rejected")["reason"] == case.split()[0]
    for viewer in (desk.bank, desk.partner, SYSTEM):
        assert [m.reason for m in queries.rejections(viewer=viewer).items] == [case.split()[0]]
    assert not queries.rejections(viewer=company()).items
    assert not rules.check(open_envelope(answer["answer"].encode()), on=TODAY)


def test_a_closed_or_blocked_account_takes_nothing() -> None:
    desk = Desk()
    held = ledger_account_of(desk.account)
    operator = official(Role.OPERATOR)
    ledger.freeze_account(account_id=held, reason="court order", origin=by(operator))
    assert desk.send()["reason"] == "AC06"
    ledger.thaw_account(account_id=held, reason="lifted", origin=by(operator))
    ledger.close_account(account_id=held, reason="moved away", origin=by(desk.company))
    assert desk.send()["reason"] == "AC04"
    assert queries.accounts(viewer=desk.company)[0].state == "closed"


def test_what_is_no_pacs_008_is_named() -> None:
    desk = Desk()
    good = write(desk.order()).decode()
    cases = {
        "no xml": ("hello", "message"),
        "another type": (desk.send()["answer"], "Document"),
        "no header": (good[good.index("<Document") : good.rindex("</Envelope>")], "AppHdr"),
        "no uetr": (good.replace("UETR>", "TxId>"), "Document/FIToFICstmrCdtTrf/CdtTrfTxInf/PmtId"),
        "a wrong element": (good.replace("ChrgBr>", "ChgBr>"), "Document/FIToFICstmrCdtTrf/CdtTrfTxInf/ChgBr"),
        "an unknown bank": (good.replace(desk.bic, "ZZZZCNZZ"), "Document/FIToFICstmrCdtTrf/CdtTrfTxInf/CdtrAgt/FinInstnId/BICFI"),
    }
    for name, (content, field) in cases.items():
        with pytest.raises(Invalid) as caught:
            commands.receive_message(content=content, origin=by(desk.partner))
        no = caught.value
        assert str(no.facts["field"]).startswith(field), (name, no.facts)
        assert no.facts["problem"], name


def test_who_may_bring_it() -> None:
    desk, other = Desk(), Desk()
    data = write(desk.order())
    for stranger in (other.bank, other.partner):
        refused("not_entitled", lambda s=stranger: desk.send(data, who=s))
    refused("not_permitted", lambda: desk.send(data, who=desk.company))
    assert desk.send(data, who=desk.bank)["status"] == "ACSP", "also what came over the bank's own lines"
    unregistered = write(desk.order()).replace(desk.partner_bic.encode(), b"SICOTHBK")
    refused("not_entitled", lambda: desk.send(unregistered))
    assert desk.send(unregistered, who=desk.bank)["status"] == "ACSP"


# --- accounts -----------------------------------------------------------------------------------------------------------


def test_a_number_stands_for_an_account_that_money_for_the_company_may_go_to() -> None:
    desk, other = Desk(), Desk()
    mine, theirs, debt, deposit, strange = (uuid4() for _ in range(5))
    right = books.deposit(id_of(desk.bank), id_of(desk.company), "CNY")
    with acting(SYSTEM):
        open_accounts(
            [
                LedgerAccount(id=mine, unit="CNY", kind="own.till", owner_id=id_of(desk.company), bound=Bound.DEBITS),
                LedgerAccount(id=theirs, unit="CNY", kind="own.till", owner_id=id_of(other.company), bound=Bound.DEBITS),
                LedgerAccount(id=debt, unit="CNY", kind="own.debt", owner_id=id_of(desk.company), bound=Bound.CREDITS),
                LedgerAccount(id=deposit, unit="CNY", kind="lending.deposit", owner_id=id_of(desk.company), bound=Bound.DEBITS),
                LedgerAccount(id=right, unit="CNY", kind="lending.deposit", owner_id=id_of(desk.company), bound=Bound.DEBITS),
                LedgerAccount(id=strange, unit="CNY", kind="lending.income", owner_id=id_of(desk.bank)),
            ],
            at=NOON,
        )  # fmt: skip
    desk.numbered("M1", ledger_account=mine)
    desk.numbered("D1", ledger_account=right)
    loan = Loan(other)
    for wrong in (theirs, debt, deposit, strange, uuid4(), loan.leg):
        no = refused("invalid", lambda w=wrong: desk.numbered(f"W{w.hex[:6]}", ledger_account=w))
        assert no.facts["field"] == "ledger_account_id"
    refused("payments.number_taken", lambda: desk.numbered("M1"))
    refused("payments.number_taken", lambda: desk.numbered("M2", ledger_account=mine))
    other.numbered("M1")  # another bank gives its own numbers
    for number in ("", "-1", "12 34", "x" * 35, "号"):
        assert refused("invalid", lambda n=number: desk.numbered(n)).facts["field"] == "number"
    assert refused("invalid", lambda: desk.numbered("X1", "ZZZ")).facts["field"] == "currency"
    kinds = {a.number: (a.kind, a.escrow_id) for a in queries.accounts(viewer=other.bank)}
    assert kinds[loan.number] == ("escrow.value", loan.id)


# --- documents and check ------------------------------------------------------------------------------------------------


def test_documents_are_the_companys_and_change_what_was_checked() -> None:
    desk = Desk()
    payment = desk.clear(desk.came())
    more = desk.declared(7_000_00)
    desk.attach(payment, more)
    assert state(payment) == "RECEIVED", "to be checked again"
    refused("payments.act_not_allowed", lambda: desk.settle(payment))
    refused("payments.attached_before", lambda: desk.attach(payment, more))
    commands.detach(payment_id=payment, evidence_id=more, origin=by(desk.company))
    refused("absent", lambda: commands.detach(payment_id=payment, evidence_id=more, origin=by(desk.company)))
    desk.check(payment)
    desk.settle(payment)
    refused("payments.act_not_allowed", lambda: desk.attach(payment, more))
    other = company()
    strange = received(declaration(other), other)
    refused("absent", lambda: desk.attach(desk.came(), strange))
    gone = desk.declared(6_000_00)
    papers.cancel_evidence(evidence_id=gone, reason="wrong", origin=by(desk.company))
    refused("payments.not_theirs", lambda: desk.attach(desk.came(), gone))


def test_what_is_taken_back_after_the_check_stands_in_the_way() -> None:
    desk = Desk()
    own = desk.papers()
    payment = desk.clear(desk.came(), own)
    papers.cancel_evidence(evidence_id=own[0], reason="withdrawn", origin=by(desk.company))
    seen = queries.payment(payment_id=payment, viewer=desk.bank)
    assert seen.verdict is not None
    assert (seen.verdict.standing, next(a.changed for a in seen.attachments)) == (False, True)
    refused("payments.changed_since", lambda: desk.settle(payment))
    blocked(desk, payment)
    commands.propose_override(payment_id=payment, reason_code="other_documented", reason="r", origin=by(desk.bank))
    commands.approve_override(payment_id=payment, origin=by(desk.second))
    refused("evidence.cancelled", lambda: desk.settle(payment))
    assert (desk.money, state(payment)) == (0, "OVERRIDDEN")


def test_two_persons_let_a_blocked_payment_pass() -> None:
    desk = Desk()
    payment = blocked(desk, desk.came(50_00, "CNY"))
    refused("payments.act_not_allowed", lambda: desk.settle(payment))
    refused("payments.nothing_proposed", lambda: commands.approve_override(payment_id=payment, origin=by(desk.second)))
    said = {"payment_id": payment, "reason_code": "document_follows", "reason": "合同承诺随后提交"}
    assert refused(
        "invalid", lambda: commands.propose_override(**said | {"reason_code": "because"}, origin=by(desk.bank))
    ).facts["field"] == "reason_code"
    assert refused(
        "invalid", lambda: commands.propose_override(**said | {"reason": "  "}, origin=by(desk.bank))
    ).facts["field"] == "reason"
    commands.propose_override(**said, origin=by(desk.bank))
    refused("payments.proposed_before", lambda: commands.propose_override(**said, origin=by(desk.second)))
    refused("payments.same_person", lambda: commands.approve_override(payment_id=payment, origin=by(desk.bank)))
    may = {who: queries.payment(payment_id=payment, viewer=who).may for who in (desk.bank, desk.second, desk.company)}
    assert may == {
        desk.bank: ("check", "return"), desk.second: ("check", "approve", "return"), desk.company: ("attach",),
    }  # fmt: skip
    commands.approve_override(payment_id=payment, origin=by(desk.second))
    assert state(payment) == "OVERRIDDEN"
    assert told("payments.overridden")["reason_code"] == "document_follows"
    desk.settle(payment)
    assert (state(payment), desk.money) == ("CREDITED", 50_00)
    assert told("payments.credited")["overridden"] is True


def test_a_new_check_ends_an_override() -> None:
    desk = Desk()
    payment = blocked(desk, desk.came())
    for who, run in ((desk.bank, "propose"), (desk.second, "approve")):
        if run == "propose":
            commands.propose_override(payment_id=payment, reason_code="other_documented", reason="r", origin=by(who))
        else:
            commands.approve_override(payment_id=payment, origin=by(who))
    desk.check(payment)
    assert state(payment) == "BLOCKED"
    refused("payments.nothing_proposed", lambda: commands.approve_override(payment_id=payment, origin=by(desk.second)))


def test_a_difference_of_freight_uses_what_is_left_and_no_more() -> None:
    desk = Desk("USD")
    paper = desk.declared(9_000_00)
    payment = desk.came(10_000_00)
    desk.attach(payment, paper)
    blocked(desk, payment)
    commands.propose_override(payment_id=payment, reason_code="freight_difference", reason="CIF", origin=by(desk.bank))
    commands.approve_override(payment_id=payment, origin=by(desk.second))
    desk.settle(payment)
    assert evidence.remaining(evidence_id=paper, viewer=SYSTEM).settlement_left == 0
    assert (desk.money, told("payments.credited")["used"]) == (10_000_00, 9_000_00)
    again = desk.came(10_000_00)
    desk.attach(again, paper)
    blocked(desk, again)
    commands.propose_override(payment_id=again, reason_code="freight_difference", reason="CIF", origin=by(desk.bank))
    commands.approve_override(payment_id=again, origin=by(desk.second))
    refused("evidence.used_up", lambda: desk.settle(again))


# --- crediting ------------------------------------------------------------------------------------------------------------


def test_credited_in_its_own_currency() -> None:
    desk = Desk("USD")
    own = desk.papers()
    payment = desk.clear(desk.came(), own)
    desk.settle(payment)
    seen = queries.payment(payment_id=payment, viewer=desk.company)
    assert (seen.state, desk.money, on(books.suspense(payment))) == ("CREDITED", 10_000_00, 0)
    assert evidence.remaining(evidence_id=own[0], viewer=SYSTEM).settlement_used == 10_000_00
    assert seen.credit is not None
    assert (seen.credit.amount, seen.credit.rate, seen.credit.used, seen.credit.escrow_id) == (10_000_00, "", 10_000_00, None)
    assert sent(payment) == ["in pacs.008", "out pacs.002 ACSP", "out pacs.002 ACCC", "out camt.054"]
    assert sent(payment, desk.partner) == ["in pacs.008", "out pacs.002 ACSP", "out pacs.002 ACCC"]
    assert valid(payment) == [states.State.CREDITED]
    (statement,) = read(queries.messages_of(payment_id=payment, viewer=desk.company)[-1].content.encode()).statements
    (entry,) = statement.entries
    assert (statement.account.number, entry.direction, entry.amount.minor, entry.booked_on) == (desk.number, "CRDT", 10_000_00, TODAY)  # type: ignore[union-attr]
    data = told("payments.credited")
    assert {k: data[k] for k in ("amount", "currency", "value_minor", "value_currency", "rate", "escrow", "documents", "territory")} == {
        "amount": 10_000_00, "currency": "USD", "value_minor": 10_000_00, "value_currency": "USD", "rate": None, "escrow": None,
        "documents": len(own), "territory": "500000",
    }  # fmt: skip
    refused("payments.act_not_allowed", lambda: desk.give_back(payment))
    refused("payments.act_not_allowed", lambda: desk.settle(payment))
    books_agree()


def test_exchanged_at_the_reference_or_at_the_banks_own_rate() -> None:
    desk = Desk()
    first, second = desk.clear(desk.came()), desk.clear(desk.came())
    desk.settle(first)
    credit = queries.payment(payment_id=first, viewer=desk.company).credit
    assert credit is not None
    assert (credit.source, credit.rate_on, credit.currency) == ("ECB", date(2026, 2, 27), "CNY")
    expected = int((Decimal(10_000_00) * Decimal(credit.rate)).to_integral_value(rounding="ROUND_HALF_UP"))
    assert credit.amount == expected == desk.money
    for field, wrong in (("source", {"rate": "7.1"}), ("rate", {"rate": "-1", "source": "q"}), ("rate", {"source": "q"})):
        assert refused("invalid", lambda w=wrong: desk.settle(second, **w)).facts["field"] == field
    desk.settle(second, rate="7.1234", source="our quote 12")
    assert desk.money == expected + 71_234_00
    data = told("payments.credited")
    assert (data["rate"], data["source"], data["rate_on"], data["value_minor"]) == ("7.1234", "our quote 12", "2026-03-02", 71_234_00)
    assert on(books.position(id_of(desk.bank), "USD")) == 20_000_00
    assert on(books.position(id_of(desk.bank), "CNY")) == -desk.money
    last = read(queries.messages_of(payment_id=second, viewer=SYSTEM)[-1].content.encode())
    (entry,) = last.statements[0].entries
    assert (entry.amount.currency, entry.amount.minor, entry.transactions[0].instructed.currency) == ("CNY", 71_234_00, "USD")  # type: ignore[union-attr]
    assert "7.1234 CNY/USD 2026-03-02 our quote 12" in entry.info
    assert valid(second) == [states.State.CREDITED]
    third = desk.clear(desk.came(100_00, "CNY"))
    assert refused("invalid", lambda: desk.settle(third, rate="1", source="q")).facts["field"] == "rate"
    books_agree()


def test_the_declaration_counts_in_its_own_currency() -> None:
    desk = Desk()
    paper = desk.declared(2_000_00, "USD")
    payment = desk.came(100_00, "CNY")
    desk.attach(payment, paper, desk.contracted(2_000_00, "USD"))
    blocked(desk, payment)  # the papers are in another currency
    commands.propose_override(payment_id=payment, reason_code="other_documented", reason="r", origin=by(desk.bank))
    commands.approve_override(payment_id=payment, origin=by(desk.second))
    desk.settle(payment)
    used = evidence.remaining(evidence_id=paper, viewer=SYSTEM).settlement_used
    assert 13_00 < used < 15_50, "a hundred yuan are about fourteen dollars"


def test_a_declaration_that_is_used_up_leaves_everything_as_it_was() -> None:
    desk = Desk("USD")
    own = desk.papers(10_000_00)
    first, second = (desk.clear(desk.came(), own) for _ in range(2))
    desk.settle(first)
    before = (desk.money, on(books.suspense(second)), sent(second))
    refused("evidence.used_up", lambda: desk.settle(second))
    assert (desk.money, on(books.suspense(second)), sent(second)) == before
    assert state(second) == "CLEAR"
    desk.give_back(second)
    assert state(second) == "RETURNED"
    books_agree()


# --- a loan behind the account --------------------------------------------------------------------------------------------


def test_a_payment_repays_the_loan_and_frees_the_pledge() -> None:
    desk = Desk()
    loan = Loan(desk)
    own = desk.papers(60_000_00, "CNY")
    payment = desk.clear(loan.came(60_000_00), own)
    assert (loan.owed, loan.pledged, loan.state) == (50_800_00, 1000, "FUNDED")
    desk.settle(payment)
    assert (loan.owed, loan.pledged, loan.state) == (0, 0, "EXECUTED")
    assert (desk.money, state(payment)) == (60_000_00 - 50_800_00, "CREDITED")
    assert evidence.remaining(evidence_id=own[0], viewer=SYSTEM).settlement_used == 60_000_00
    credit = queries.payment(payment_id=payment, viewer=desk.company).credit
    assert credit is not None
    assert (credit.escrow_id, credit.number) == (loan.id, loan.number)
    assert told("payments.credited")["escrow"] == str(loan.id)
    books_agree()
    tx = desk.transaction()
    parties = tuple(replace(p, account=Held(number=loan.number)) if p.role == "creditor" else p for p in tx.parties)
    assert desk.send(desk.order(replace(tx, parties=parties)))["reason"] == "AC04", "the collection account ended with the loan"


def test_a_foreign_payment_repays_the_loan() -> None:
    desk = Desk()
    loan = Loan(desk)
    payment = desk.clear(loan.came(8_000_00, "USD"))
    desk.settle(payment, rate="7.1", source="our quote 9")
    assert (loan.owed, loan.state, desk.money) == (0, "EXECUTED", 56_800_00 - 50_800_00)
    books_agree()


def test_too_little_for_the_loan_moves_nothing_and_goes_to_the_account_instead() -> None:
    desk = Desk()
    loan = Loan(desk)
    own = desk.papers(20_000_00, "CNY")
    payment = desk.clear(loan.came(20_000_00), own)
    no = refused("escrow.not_met", lambda: desk.settle(payment))
    assert no.facts["words"] == {"arrived": "not_covered"}, "the bank's consent alone was not missing"
    assert (loan.owed, loan.pledged, loan.state) == (50_800_00, 1000, "FUNDED")
    assert (state(payment), on(books.suspense(payment)), sent(payment)) == ("CLEAR", 20_000_00, ["in pacs.008", "out pacs.002 ACSP"])
    assert evidence.remaining(evidence_id=own[0], viewer=SYSTEM).settlement_used == 0
    assert refused("invalid", lambda: desk.settle(payment, to_account_id=loan.account)).facts["field"] == "to_account_id"
    other = Desk()
    assert refused("invalid", lambda: desk.settle(payment, to_account_id=other.account)).facts["field"] == "to_account_id"
    desk.settle(payment, to_account_id=desk.account)
    assert (desk.money, loan.owed, state(payment)) == (20_000_00, 50_800_00, "CREDITED")
    last = read(queries.messages_of(payment_id=payment, viewer=desk.company)[-1].content.encode())
    assert last.statements[0].account.number == desk.number  # type: ignore[union-attr]
    books_agree()


@pytest.mark.parametrize("how", ["given before", "not asked"])
def test_the_banks_consent_is_given_once(how: str) -> None:
    desk = Desk()
    loan = Loan(desk, checked=how != "not asked")
    if how == "given before":
        escrow.confirm(escrow_id=loan.id, condition="checked", origin=by(desk.bank))
    desk.settle(desk.clear(loan.came(60_000_00)))
    assert loan.state == "EXECUTED"


# --- sending back -----------------------------------------------------------------------------------------------------------


def test_sent_back_to_where_it_came_from() -> None:
    desk = Desk()
    payment = desk.came()
    assert refused(
        "invalid",
        lambda: commands.return_payment(payment_id=payment, reason_code="XX99", reason="r", origin=by(desk.bank)),
    ).facts["field"] == "reason_code"
    assert refused(
        "invalid",
        lambda: commands.return_payment(payment_id=payment, reason_code="CUST", reason="退回", origin=by(desk.bank)),
    ).facts["field"] == "reason"
    desk.give_back(payment)
    assert (state(payment), on(books.suspense(payment)), on(books.nostro(id_of(desk.bank), "USD"))) == ("RETURNED", 0, 0)
    assert sent(payment) == ["in pacs.008", "out pacs.002 ACSP", "out pacs.002 ACSC", "out pacs.004"]
    assert sent(payment, desk.partner) == sent(payment)
    (tx,) = read(queries.messages_of(payment_id=payment, viewer=desk.partner)[-1].content.encode()).transactions
    assert (tx.amount.minor, [r.code for r in tx.reasons]) == (10_000_00, ["CUST"])  # type: ignore[union-attr]
    assert valid(payment) == [states.State.RETURNED]
    assert told("payments.returned")["reason_code"] == "CUST"
    for again in (lambda: desk.give_back(payment), lambda: desk.check(payment)):
        refused("payments.act_not_allowed", again)
    books_agree()


def test_only_its_bank_and_its_company_act_on_it() -> None:
    desk, other = Desk(), Desk()
    payment = desk.clear(desk.came())
    for act in (
        lambda who: commands.settle(payment_id=payment, origin=by(who)),
        lambda who: commands.check(payment_id=payment, situation="goods_advance", origin=by(who)),
        lambda who: commands.return_payment(payment_id=payment, reason_code="CUST", reason="r", origin=by(who)),
    ):
        refused("absent", lambda a=act: a(other.bank))
        refused("not_permitted", lambda a=act: a(desk.company))
        refused("not_permitted", lambda a=act: a(desk.partner))
    refused("absent", lambda: commands.detach(payment_id=payment, evidence_id=uuid4(), origin=by(other.company)))
    refused("not_permitted", lambda: commands.attach(payment_id=payment, evidence_id=uuid4(), origin=by(desk.bank)))


def test_an_order_that_says_more_than_an_answer_has_place_for_is_answered_all_the_same() -> None:
    """Two persons with a name and several identifiers, notes, an intermediary: read here, and not all of it fits elsewhere."""
    desk = Desk("USD")
    tx = desk.transaction()
    more = (
        Party(role="ultimate_debtor", name="Group", identifiers=(("TXID", "77"),), residence="TH"),
        Party(role="intermediary_agent_1", institution=True, bic="SICOTHBK", account=Held(number="55")),
    )
    tx = replace(tx, parties=(*tx.parties, *more), remittance=Remittance(lines=("for goods",)), accepted=NOON)
    first = UUID(desk.send(desk.order(tx))["payment_id"])
    second = UUID(desk.send(desk.order(replace(tx, uetr=str(uuid4()))))["payment_id"])
    desk.settle(desk.clear(first))
    desk.give_back(second)
    assert (valid(first), valid(second)) == ([states.State.CREDITED], [states.State.RETURNED])


def test_a_bank_in_two_spellings() -> None:
    """An eight-letter BIC and the same with XXX are one head office."""
    desk = Desk()
    long = write(desk.order()).replace(desk.bic.encode(), desk.bic.encode() + b"XXX")
    assert desk.send(long)["status"] == "ACSP"
    assert bank()[1] != desk.bic
