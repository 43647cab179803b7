"""Whatever comes, is checked, credited and returned, in whatever order: for each currency what was received is in suspense, credited or
returned; no declaration pays more than it states; and each payment's messages tell a life that is allowed.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.core.evidence import queries as evidence
from luhai.kernel.origin import SYSTEM
from luhai.kernel.refusal import Refusal
from luhai.settlement.messages import states
from luhai.settlement.messages.read import read
from luhai.settlement.payments import books, commands, queries
from luhai.settlement.payments.tests.world import Desk, books_agree, by, id_of, on

pytestmark = pytest.mark.django_db

#: What was carried out, over all stories: a promise about what never happens is none.
done: Counter[str] = Counter()
CURRENCIES = ("USD", "CNY", "THB")
which = st.integers(0, 3)
steps = st.one_of(
    st.tuples(st.just("come"), st.integers(1, 300_000), st.sampled_from(CURRENCIES)),
    st.tuples(st.just("declare"), st.integers(1, 400_000), st.sampled_from(CURRENCIES)),
    st.tuples(st.just("document"), which, which), st.tuples(st.just("document"), which, which),
    st.tuples(st.just("check"), which, st.sampled_from(["goods_after_shipment", "goods_advance"])),
    st.tuples(st.just("override"), which, st.sampled_from(["freight_difference", "other_documented"])),
    st.tuples(st.just("settle"), which, st.booleans()), st.tuples(st.just("settle"), which, st.booleans()),
    st.tuples(st.just("back"), which), st.tuples(st.just("again"), which),
)  # fmt: skip


class Story:
    def __init__(self) -> None:
        self.desk = Desk()
        self.orders: list[Any] = []
        self.payments: list[UUID] = []
        self.papers: list[tuple[UUID, UUID]] = []

    def do(self, step: tuple[Any, ...]) -> None:
        with suppress(Refusal, IndexError):
            getattr(self, step[0])(*step[1:])
            done[step[0]] += 1

    def come(self, minor: int, currency: str) -> None:
        self.orders.append(self.desk.order(minor=minor, currency=currency))
        self.payments.append(UUID(self.desk.send(self.orders[-1])["payment_id"]))

    def again(self, n: int) -> None:
        self.desk.send(self.orders[n])

    def declare(self, minor: int, currency: str) -> None:
        self.papers.append((self.desk.declared(minor, currency), self.desk.contracted(minor, currency)))

    def document(self, n: int, m: int) -> None:
        self.desk.attach(self.payments[n], *self.papers[m])

    def check(self, n: int, situation: str) -> None:
        self.desk.check(self.payments[n], situation)

    def override(self, n: int, why: str) -> None:
        commands.propose_override(payment_id=self.payments[n], reason_code=why, reason="r", origin=by(self.desk.bank))
        commands.approve_override(payment_id=self.payments[n], origin=by(self.desk.second))

    def settle(self, n: int, stated: bool) -> None:
        self.desk.settle(self.payments[n], **({"rate": "6.5", "source": "q"} if stated else {}))

    def back(self, n: int) -> None:
        self.desk.give_back(self.payments[n])

    # --- what must hold -------------------------------------------------------------------------------------------------

    def check_all(self) -> None:
        books_agree()
        seen = [queries.payment(payment_id=p, viewer=SYSTEM) for p in self.payments]
        bank, credited = id_of(self.desk.bank), 0
        for currency in CURRENCIES:
            mine = [p for p in seen if p.currency == currency]
            received = sum(p.amount for p in mine)
            returned = sum(p.amount for p in mine if p.state == "RETURNED")
            gone = sum(p.amount for p in mine if p.state == "CREDITED")
            suspended = sum(on(books.suspense(p.id)) for p in mine)
            assert received == suspended + gone + returned
            if mine:
                assert on(books.nostro(bank, currency)) == -(received - returned)
        for p in seen:
            assert (p.credit is not None) == (p.state == "CREDITED")
            if p.credit:
                credited += p.credit.amount
                assert p.verdict is not None
                override = p.verdict.override
                assert p.verdict.verdict == "clear" or (override is not None and override.approved_by is not None)
            messages = [read(m.content.encode()) for m in queries.messages_of(payment_id=p.id, viewer=SYSTEM)]
            life = {"CREDITED": "CREDITED", "RETURNED": "RETURNED"}.get(p.state, "IN_PROCESS")
            assert states.derive(messages, uetr=p.uetr).state == life
        assert self.desk.money == credited
        used: Counter[UUID | None] = Counter()
        for p in seen:
            if p.credit and p.credit.used:
                used[p.verdict.declaration_id] += p.credit.used  # type: ignore[union-attr]
        for declaration, _ in self.papers:
            left = evidence.remaining(evidence_id=declaration, viewer=SYSTEM)
            assert (left.settlement_used, left.settlement_left >= 0) == (used[declaration], True)


@given(st.lists(steps, min_size=6, max_size=24))
def test_received_is_in_suspense_credited_or_returned(story_: list[tuple[Any, ...]]) -> None:
    story = Story()
    for step in story_:
        story.do(step)
    story.check_all()


def test_the_stories_say_something() -> None:
    """One that does everything, so that the promise above is about something, whatever Hypothesis chose."""
    story = Story()
    for step in [
        ("come", 5_000, "USD"), ("come", 7_000, "CNY"), ("come", 9_000, "THB"), ("declare", 5_000, "USD"), ("document", 0, 0),
        ("check", 0, "goods_after_shipment"), ("settle", 0, True), ("check", 1, "goods_after_shipment"),
        ("override", 1, "other_documented"), ("settle", 1, False), ("back", 2), ("again", 0),
    ]:
        before = sum(done.values())
        story.do(step)
        assert sum(done.values()) == before + 1, step
    story.check_all()
    assert [str(queries.payment(payment_id=p, viewer=SYSTEM).state) for p in story.payments] == ["CREDITED", "CREDITED", "RETURNED"]
