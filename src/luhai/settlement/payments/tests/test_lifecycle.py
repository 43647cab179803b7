"""Every pair of state and act, written out a second time: what is absent here must be refused and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from luhai.core.evidence.tests.world import answer
from luhai.settlement.payments import commands, lifecycle
from luhai.settlement.payments.lifecycle import NEXT, Act, State
from luhai.settlement.payments.tests.world import Desk, blocked, by, state

PAGE = Path(__file__).resolve().parents[5] / "docs" / "algorithms" / "document-checked-payment.md"

LIFE: dict[str, dict[str, str]] = {
    "RECEIVED": {"attach": "RECEIVED", "detach": "RECEIVED", "check": "CLEAR", "return": "RETURNED"},
    "CLEAR": {"attach": "RECEIVED", "detach": "RECEIVED", "check": "CLEAR", "settle": "CREDITED", "return": "RETURNED"},
    "BLOCKED": {
        "attach": "RECEIVED", "detach": "RECEIVED", "check": "BLOCKED", "propose": "BLOCKED", "approve": "OVERRIDDEN",
        "return": "RETURNED",
    },
    "OVERRIDDEN": {"attach": "RECEIVED", "detach": "RECEIVED", "check": "BLOCKED", "settle": "CREDITED", "return": "RETURNED"},
    "CREDITED": {}, "RETURNED": {},
}  # fmt: skip


class Case:
    """A payment in a state, with one document on it; in BLOCKED and after, with a proposal where one is needed."""

    def __init__(self, wanted: str, act: str = "") -> None:
        self.desk = Desk()
        papers = self.desk.papers()
        # Of two documents only one is there where the check is to block.
        self.paper = papers[0] if wanted not in {"BLOCKED", "OVERRIDDEN"} else papers[1]
        self.payment = self.desk.came()
        self.desk.attach(self.payment, *(papers if wanted not in {"BLOCKED", "OVERRIDDEN"} else papers[1:]))
        if wanted in {"CLEAR", "CREDITED"}:
            self.desk.check(self.payment)
        if wanted in {"BLOCKED", "OVERRIDDEN"}:
            blocked(self.desk, self.payment)
            if wanted == "OVERRIDDEN" or act == "approve":
                self.propose()
        if wanted == "OVERRIDDEN":
            commands.approve_override(payment_id=self.payment, origin=by(self.desk.second))
        if wanted == "CREDITED":
            self.desk.settle(self.payment)
        if wanted == "RETURNED":
            self.desk.give_back(self.payment)
        assert state(self.payment) == wanted

    def propose(self) -> Any:
        return commands.propose_override(
            payment_id=self.payment, reason_code="name_variant", reason="r", origin=by(self.desk.bank)
        )

    def acts(self) -> dict[str, Callable[[], Any]]:
        desk, payment = self.desk, self.payment
        more: list[UUID] = [desk.declared(7_000_00)]
        return {
            "attach": lambda: desk.attach(payment, *more),
            "detach": lambda: commands.detach(payment_id=payment, evidence_id=self.paper, origin=by(desk.company)),
            "check": lambda: desk.check(payment),
            "propose": self.propose,
            "approve": lambda: commands.approve_override(payment_id=payment, origin=by(desk.second)),
            "settle": lambda: desk.settle(payment),
            "return": lambda: desk.give_back(payment),
        }


@pytest.mark.django_db
@pytest.mark.parametrize("act", [a.value for a in Act if a is not Act.RECEIVE])
@pytest.mark.parametrize("before", LIFE)
def test_every_pair(before: str, act: str) -> None:
    case = Case(before, act)
    after = LIFE[before].get(act)
    if after is None:
        assert answer(case.acts()[act]) == "payments.act_not_allowed"
        assert state(case.payment) == before
        return
    case.acts()[act]()
    assert state(case.payment) == after


def test_the_table_is_this_one() -> None:
    told = {(b, a) for (b, a) in NEXT if b is not None}
    assert told == {(State(b), Act(a)) for b, acts in LIFE.items() for a in acts}
    assert NEXT[None, Act.RECEIVE] == (State.RECEIVED,)


def test_the_page_shows_the_table() -> None:
    assert lifecycle.diagram() in PAGE.read_text(encoding="utf-8")


def test_everything_has_a_name() -> None:
    assert set(lifecycle.STATE_NAMES) == set(State)
    assert set(lifecycle.ACT_NAMES) == set(Act)
