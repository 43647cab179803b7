"""Escrows from the first word to the end: delivery against payment, payment against payment, a waterfall, return, dispute."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from luhai.core.escrow import commands, queries
from luhai.core.escrow.tests.world import (
    DUE,
    LATE,
    NOON,
    Sale,
    arranged,
    bank,
    by,
    company,
    fund,
    id_of,
    leg,
    move,
    official,
    on,
    purse,
    state,
    terms,
    title,
)
from luhai.core.ledger import commands as ledger
from luhai.core.ledger.policy import Bound, Transfer
from luhai.core.titles import commands as titles
from luhai.core.titles import queries as title_queries
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Refusal
from luhai.shell.command import command

pytestmark = pytest.mark.django_db


def holder(title: UUID) -> UUID:
    return title_queries.title(title_id=title, viewer=SYSTEM).holder_id


def refused(code: str, run: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        run()
    assert caught.value.code == code, caught.value
    return caught.value


def closed_books(escrow: UUID) -> None:
    """What the database looks at when the transaction ends: no value, no title, one outcome."""
    connection.check_constraints()
    seen = queries.escrow(escrow_id=escrow, viewer=SYSTEM)
    assert [part.held for part in seen.value] == [0] * len(seen.value)
    assert seen.outcome is not None
    assert seen.outcome.state == seen.state


def test_delivery_against_payment() -> None:
    sale = Sale()
    assert state(sale.id) == "DRAFT"
    fund(sale.id, sale.buyer, "price", 30_00)
    assert state(sale.id) == "DRAFT"
    fund(sale.id, sale.buyer, "price")
    commands.deposit_title(escrow_id=sale.id, title_id=sale.title, origin=by(sale.seller))
    assert state(sale.id) == "FUNDED"
    waits = queries.escrow(escrow_id=sale.id, viewer=sale.seller).waits
    assert [(w.name, w.verdict, w.word) for w in waits] == [("accepted", "unknown", "no_consent")]
    why = refused("escrow.not_met", lambda: commands.execute(escrow_id=sale.id, origin=by(sale.seller)))
    assert why.facts == {"open": "accepted", "words": {"accepted": "no_consent"}}
    commands.confirm(escrow_id=sale.id, condition="accepted", origin=by(sale.buyer))
    assert state(sale.id) == "MET"
    assert (on(sale.money), on(sale.till), holder(sale.title)) == (0, 0, id_of(sale.seller))
    commands.execute(escrow_id=sale.id, origin=by(sale.seller))
    assert state(sale.id) == "EXECUTED"
    assert (on(sale.money), on(sale.till), holder(sale.title)) == (0, 100_00, id_of(sale.buyer))
    assert title_queries.title(title_id=sale.title, viewer=SYSTEM).keeper is None
    ended = queries.escrow(escrow_id=sale.id, viewer=sale.buyer).outcome
    assert ended is not None
    assert (ended.cause, ended.proof) == ("execute", {"conditions": {"accepted": {"consents": ["buyer"]}}})
    assert [(m["leg"], m["to"], m["amount"], m["code"]) for m in ended.moved] == [
        ("price", str(sale.till), 100_00, "dvp.price")
    ]
    acts = [e.act for e in queries.history(escrow_id=sale.id, viewer=sale.seller)]
    assert acts == ["arrange", "agree", "agree", "fund", "fund", "deposit", "confirm", "execute"]
    closed_books(sale.id)
    refused("escrow.act_not_allowed", lambda: commands.execute(escrow_id=sale.id, origin=by(sale.seller)))
    late = Transfer(id=uuid4(), debit=sale.till, credit=queries.escrow(escrow_id=sale.id, viewer=SYSTEM).value[0].account,
                    unit="CNY", amount=1)  # fmt: skip
    assert ledger.post([late], at=NOON)[0].refused == "credit_account_closed"


def test_payment_against_payment() -> None:
    one, two = company(), bank()
    yuan, dollars = purse(one, 7_000_000), purse(two, 1_000_000, "USD")
    yuan_in, dollars_in = purse(two), purse(one, unit="USD")
    swap = arranged(one, terms(
        {"one": one, "two": two}, template="pvp",
        value=[leg("yuan", "one", yuan, 7_000_000), leg("dollars", "two", dollars, 1_000_000, "USD")],
        steps=[move("yuan", yuan_in, 7_000_000), move("dollars", dollars_in, 1_000_000)],
    ), [one, two])  # fmt: skip
    fund(swap, one, "yuan")
    assert state(swap) == "DRAFT"
    fund(swap, two, "dollars")
    assert state(swap) == "MET"  # nothing to wait for but the payments
    commands.execute(escrow_id=swap, origin=by(SYSTEM))
    assert [on(a) for a in (yuan, dollars, yuan_in, dollars_in)] == [0, 0, 7_000_000, 1_000_000]
    closed_books(swap)


class Repayment:
    """A buyer pays into the escrow; the bank's claims are served in the order of the contract, the rest is the borrower's."""

    def __init__(self) -> None:
        self.buyer, self.borrower, self.bank = company(), company(), bank()
        self.title = title(company(), self.borrower)
        self.pledge = titles.pledge_title(
            title_id=self.title, pledgee=id_of(self.bank), origin=by(self.borrower)
        )
        self.money = purse(self.buyer, 1_500_000)
        #: What is owed stands on accounts whose credits may not exceed the debits.
        self.owed = [purse(self.bank, amount, bound=Bound.CREDITS) for amount in (5_000, 8_625, 1_000_000)]
        self.till = purse(self.borrower)
        self.terms = terms(
            {"buyer": self.buyer, "borrower": self.borrower, "bank": self.bank}, template="waterfall",
            value=[leg("proceeds", "buyer", self.money, 1_500_000, least=0)],
            titles=[{"title": str(self.title), "by": "bank"}],
            conditions=[{"name": "paid", "payment": {"leg": "proceeds", "at_least": 1_013_625}}],
            steps=[
                *[move("proceeds", account, up_to=2_000_000, code=code)
                  for account, code in zip(self.owed, ("loan.fee", "loan.interest", "loan.principal"), strict=True)],
                {"title": str(self.title), "act": "release_pledge", "details": {"pledge": str(self.pledge)}},
                move("proceeds", self.till, code="loan.surplus"),
            ],
        )  # fmt: skip
        self.id = arranged(self.bank, self.terms, [self.buyer, self.borrower, self.bank])
        commands.deposit_title(escrow_id=self.id, title_id=self.title, origin=by(self.bank))


def test_a_waterfall_with_release_of_the_pledge() -> None:
    loan = Repayment()
    assert state(loan.id) == "FUNDED"
    fund(loan.id, loan.buyer, "proceeds", 1_000_000)
    assert queries.escrow(escrow_id=loan.id, viewer=loan.bank).waits[0].word == "not_paid"
    fund(loan.id, loan.buyer, "proceeds", 200_000)
    assert state(loan.id) == "MET"
    fund(loan.id, loan.buyer, "proceeds", 50_000)  # more may come until it is executed
    commands.execute(escrow_id=loan.id, origin=by(loan.borrower))
    assert [on(a) for a in loan.owed] == [0, 0, 0]
    assert on(loan.till) == 1_250_000 - 1_013_625
    assert on(loan.money) == 250_000
    assert title_queries.title(title_id=loan.title, viewer=SYSTEM).pledged == 0
    ended = queries.escrow(escrow_id=loan.id, viewer=loan.bank).outcome
    assert ended is not None
    assert [m["amount"] for m in ended.moved] == [5_000, 8_625, 1_000_000, 236_375]
    closed_books(loan.id)


@command(may=[Role.BANK])
def _pay_and_carry_out(*, escrow_id: UUID, source: UUID, amount: int, origin: Origin) -> UUID:
    """A payment of a floor that knows nothing of loans: it pays into the account it was given, and carries out what that sets off."""
    account = queries.escrow(escrow_id=escrow_id, viewer=SYSTEM).value[0].account
    assert queries.holding(account_id=account, viewer=SYSTEM) == escrow_id
    coming = Transfer(id=uuid4(), debit=source, credit=account, unit="CNY", amount=amount)
    commands.carry_out(escrow_id=escrow_id, incoming=[coming], origin=origin)
    return escrow_id


def test_a_lower_floor_pays_and_carries_out_in_one_batch() -> None:
    loan, teller = Repayment(), bank()
    elsewhere = purse(teller, 1_013_700)
    refused("escrow.not_met", lambda: _pay_and_carry_out(
        escrow_id=loan.id, source=elsewhere, amount=1_013_624, origin=by(teller)))  # fmt: skip
    refused("ledger.exceeds_credits", lambda: _pay_and_carry_out(
        escrow_id=loan.id, source=elsewhere, amount=1_013_701, origin=by(teller)))  # fmt: skip
    assert (on(elsewhere), state(loan.id)) == (1_013_700, "FUNDED")
    _pay_and_carry_out(escrow_id=loan.id, source=elsewhere, amount=1_013_700, origin=by(teller))
    assert (on(elsewhere), on(loan.till), state(loan.id)) == (0, 75, "EXECUTED")
    closed_books(loan.id)


def test_time_runs_out() -> None:
    sale = Sale().fill()
    refused("escrow.not_due", lambda: commands.expire(escrow_id=sale.id, origin=by(sale.buyer)))
    refused(
        "escrow.due",
        lambda: commands.confirm(escrow_id=sale.id, condition="accepted", origin=by(sale.buyer, DUE)),
    )
    refused(
        "escrow.due", lambda: commands.dispute(escrow_id=sale.id, reason="no", origin=by(sale.buyer, DUE))
    )
    commands.expire(escrow_id=sale.id, origin=by(sale.buyer, DUE))
    assert (state(sale.id), on(sale.money), holder(sale.title)) == ("EXPIRED", 100_00, id_of(sale.seller))
    assert title_queries.title(title_id=sale.title, viewer=SYSTEM).keeper is None
    closed_books(sale.id)
    titles.surrender_title(title_id=sale.title, origin=by(sale.seller))  # the seller's again


def test_what_is_met_in_time_is_executed_later_and_does_not_expire() -> None:
    sale = Sale().meet(at=DUE - timedelta(seconds=1))
    refused("escrow.conditions_met", lambda: commands.expire(escrow_id=sale.id, origin=by(sale.buyer, LATE)))
    commands.execute(escrow_id=sale.id, origin=by(sale.seller, LATE))
    assert state(sale.id) == "EXECUTED"


def test_a_draft_is_withdrawn() -> None:
    sale = Sale()
    fund(sale.id, sale.buyer, "price", 60_00)
    commands.withdraw(escrow_id=sale.id, reason="changed my mind", origin=by(sale.seller))
    assert (state(sale.id), on(sale.money)) == ("RETURNED", 100_00)
    closed_books(sale.id)
    whole = Sale().fill()
    refused(
        "escrow.act_not_allowed",
        lambda: commands.withdraw(escrow_id=whole.id, reason="x", origin=by(whole.buyer)),
    )


@pytest.mark.parametrize("decision", ["execute", "return"])
@pytest.mark.parametrize("named", [True, False])
def test_a_dispute_is_decided(decision: str, named: bool) -> None:
    judge = company() if named else official(Role.SUPERVISOR)
    sale = _with_arbiter(judge) if named else Sale()
    sale.fill()
    commands.dispute(escrow_id=sale.id, reason="the goods are wet", origin=by(sale.buyer))
    assert state(sale.id) == "DISPUTED"
    for run in (
        lambda: commands.execute(escrow_id=sale.id, origin=by(sale.seller)),
        lambda: commands.expire(escrow_id=sale.id, origin=by(sale.buyer, LATE)),
        lambda: commands.dispute(escrow_id=sale.id, reason="again", origin=by(sale.seller)),
    ):
        refused("escrow.act_not_allowed", run)
    stranger = official(Role.SUPERVISOR) if named else sale.seller
    for who in (sale.buyer, stranger):
        refused("not_entitled", lambda who=who: commands.settle_dispute(
            escrow_id=sale.id, decision=decision, reason="so", origin=by(who)))  # fmt: skip
    refused(
        "invalid",
        lambda: commands.settle_dispute(escrow_id=sale.id, decision="half", reason="so", origin=by(judge)),
    )
    commands.settle_dispute(
        escrow_id=sale.id, decision=decision, reason="as surveyed", origin=by(judge, LATE)
    )
    paid = decision == "execute"
    assert state(sale.id) == ("EXECUTED" if paid else "RETURNED")
    assert (on(sale.money), on(sale.till)) == ((0, 100_00) if paid else (100_00, 0))
    assert holder(sale.title) == id_of(sale.buyer if paid else sale.seller)
    ended = queries.escrow(escrow_id=sale.id, viewer=sale.buyer).outcome
    assert ended is not None
    assert (ended.cause, ended.proof["decision"], ended.proof["by"]) == (
        "settle",
        decision,
        str(id_of(judge)),
    )
    closed_books(sale.id)


def _with_arbiter(judge: Actor) -> Sale:
    sale = Sale()
    said = sale.terms | {"parties": sale.terms["parties"] | {"judge": str(id_of(judge))}, "arbiter": "judge"}
    sale.id = arranged(sale.buyer, said, [sale.buyer, sale.seller, judge])
    return sale
