"""Requests that meet, and a crash in between: a payment is credited or returned once, a declaration pays once, and nothing is half done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest

from luhai.core.evidence import commands as evidence_commands
from luhai.core.evidence import queries as evidence
from luhai.core.evidence.tests.test_races import together
from luhai.core.titles import commands as titles
from luhai.kernel.origin import SYSTEM
from luhai.settlement.messages.write import write
from luhai.settlement.payments import books, commands, queries
from luhai.settlement.payments.models import Message, Payment
from luhai.settlement.payments.tests.world import Desk, Loan, books_agree, by, id_of, on, sent, state
from luhai.shell.context import acting

pytestmark = pytest.mark.usefixtures("fresh_db")
WRITERS = 16


def counted(works: list[Callable[[], object]]) -> Counter[str]:
    return Counter(together(works))


def test_two_settle_at_once() -> None:
    desk = Desk("USD")
    payment = desk.clear(desk.came())
    got = counted([lambda: desk.settle(payment)] * WRITERS)
    assert got == {"done": 1, "payments.act_not_allowed": WRITERS - 1}
    assert desk.money == 10_000_00
    assert sent(payment).count("out camt.054") == 1
    books_agree()


def test_settled_or_returned_never_both() -> None:
    desk = Desk("USD")
    payments = [desk.clear(desk.came()) for _ in range(4)]
    works: list[Callable[[], object]] = []
    for p in payments:
        works += [lambda p=p: desk.settle(p), lambda p=p: desk.give_back(p)]
    assert counted(works) == {"done": 4, "payments.act_not_allowed": 4}
    ended = Counter(state(p) for p in payments)
    assert desk.money == ended["CREDITED"] * 10_000_00
    assert on(books.nostro(id_of(desk.bank), "USD")) == -ended["CREDITED"] * 10_000_00
    books_agree()


def test_a_declaration_carries_one_payment_of_its_amount() -> None:
    desk = Desk("USD")
    own = desk.papers()
    payments = [desk.clear(desk.came(), own) for _ in range(6)]
    got = counted([lambda p=p: desk.settle(p) for p in payments])
    assert got == {"done": 1, "evidence.used_up": 5}
    assert Counter(state(p) for p in payments) == {"CREDITED": 1, "CLEAR": 5}
    assert evidence.remaining(evidence_id=own[0], viewer=SYSTEM).settlement_left == 0
    assert desk.money == 10_000_00
    books_agree()


def test_one_loan_is_repaid_by_one_of_two_payments() -> None:
    desk = Desk()
    loan = Loan(desk)
    payments = [desk.clear(loan.came(60_000_00)) for _ in range(3)]
    got = counted([lambda p=p: desk.settle(p) for p in payments])
    assert got == {"done": 1, "escrow.act_not_allowed": 2}
    assert (loan.owed, loan.pledged, desk.money) == (0, 0, 60_000_00 - 50_800_00)
    for p in payments:
        if state(p) == "CLEAR":
            desk.settle(p, to_account_id=desk.account)
    assert desk.money == 3 * 60_000_00 - 50_800_00
    books_agree()


def test_an_order_that_comes_twice_at_once_is_booked_once() -> None:
    desk = Desk()
    data = write(desk.order())
    answers: list[Any] = []
    works = [lambda n=n: answers.append(desk.send(data, who=(desk.bank, desk.partner)[n % 2])) for n in range(WRITERS)]
    assert counted(works) == {"done": WRITERS}
    assert all(a == answers[0] for a in answers), "one answer for all"
    assert on(books.nostro(id_of(desk.bank), "USD")) == -10_000_00
    with acting(SYSTEM):
        assert (Payment.objects.count(), Message.objects.count()) == (1, 2)
    books_agree()


def test_two_orders_under_one_uetr_at_once() -> None:
    desk = Desk()
    tx = desk.transaction()
    orders = [write(desk.order(tx)) for _ in range(6)]  # each with an id of its own
    answers: list[Any] = []
    assert counted([lambda o=o: answers.append(desk.send(o)) for o in orders]) == {"done": 6}
    assert Counter((a["status"], a["reason"]) for a in answers) == {("ACSP", None): 1, ("RJCT", "DUPL"): 5}
    assert on(books.nostro(id_of(desk.bank), "USD")) == -10_000_00


def test_documents_that_change_while_it_is_settled() -> None:
    desk = Desk("USD")
    payments = [desk.clear(desk.came()) for _ in range(4)]
    more = desk.declared(7_000_00)
    works: list[Callable[[], object]] = []
    for p in payments:
        works += [lambda p=p: desk.settle(p), lambda p=p: desk.attach(p, more)]
    got = counted(works)
    assert got["done"] == 4 == got["payments.act_not_allowed"], got
    assert Counter(state(p) for p in payments)["CREDITED"] * 10_000_00 == desk.money


# --- crashes ----------------------------------------------------------------------------------------------------------------


class Crash(Exception):
    """Something of ours that breaks in the middle."""


def seen(desk: Desk, payment: UUID, paper: UUID, loan: Loan | None) -> tuple[Any, ...]:
    """Everything that settling changes."""
    with acting(SYSTEM):
        rows = (Message.objects.count(), queries.payment(payment_id=payment, viewer=SYSTEM).credit)
    used = evidence.remaining(evidence_id=paper, viewer=SYSTEM).settlement_used
    books_ = (desk.money, on(books.suspense(payment)), on(books.nostro(id_of(desk.bank), "CNY")))
    return state(payment), books_, used, rows, (loan.owed, loan.pledged, loan.state) if loan else None


#: Each step of settling, to be broken after it has done its work.
STEPS = {
    "the credit is kept": (commands, "use_of"),
    "the answers are written": (commands, "_keep"),
    "the state is moved": (commands, "_move"),
    "the escrow has the bank's consent": (commands, "_consent"),
    "the pledge is released": (titles, "act_as_keeper"),
    "the declaration is used": (evidence_commands, "draw"),
    "the ledger has moved": (commands.ledger, "post_all"),
    "all is done": (commands.escrow, "carry_out"),
}


@pytest.mark.parametrize("broken", STEPS)
def test_broken_after_each_step_nothing_has_happened_and_it_can_be_done_again(broken: str) -> None:
    desk = Desk()
    loan = Loan(desk)
    own = desk.papers(60_000_00, "CNY")
    payment = desk.clear(loan.came(60_000_00), own)
    before = seen(desk, payment, own[0], loan)
    module, name = STEPS[broken]
    real = getattr(module, name)

    def breaks(*args: Any, **more: Any) -> Any:
        real(*args, **more)
        raise Crash(broken)

    origin = by(desk.bank)
    with patch.object(module, name, breaks), pytest.raises(Crash):
        commands.settle(payment_id=payment, origin=origin)
    assert seen(desk, payment, own[0], loan) == before
    books_agree()
    commands.settle(payment_id=payment, origin=origin)
    assert (state(payment), loan.state, loan.owed) == ("CREDITED", "EXECUTED", 0)
    books_agree()


@pytest.mark.parametrize("name", ["_keep", "_note"])
def test_receiving_is_broken_and_done_again(name: str) -> None:
    desk = Desk()
    data = write(desk.order())
    with patch.object(commands, name, side_effect=Crash), pytest.raises(Crash):
        desk.send(data)
    with acting(SYSTEM):
        assert (Payment.objects.count(), Message.objects.count()) == (0, 0)
    assert desk.send(data)["status"] == "ACSP"
    books_agree()
