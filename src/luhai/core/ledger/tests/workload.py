"""What a careless, hurried and sometimes dishonest office might ask of the ledger, from one seed.

`auditor.py` knows what should happen; this only makes requests. Most are sensible, since refusals that come first
would otherwise hide everything behind them; every kind of fault occurs. Nothing here looks at an answer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from luhai.core.ledger.policy import MAX_AMOUNT, Account, Bound, Kind, Transfer

START: Final = datetime(2026, 3, 2, 4, tzinfo=UTC)
UNITS: Final = ("CNY", "USD", "TEU")
BIGINT_MAX: Final = 2**63 - 1
#: Plain ones weigh most: a quota drained by many, and what feeds it.
_BOUNDS: Final = (Bound.NONE, Bound.DEBITS, Bound.DEBITS, Bound.CREDITS)


class Workload:
    """Batches of transfers over a fixed set of accounts; the n-th batch of a seed is always the same."""

    def __init__(self, seed: int, *, accounts: int = 36, memory: int = 400) -> None:
        self.random = Random(seed)
        self.at = START
        self._count = accounts
        self._asked: deque[Transfer] = deque(maxlen=memory)
        self.turn()

    def turn(self) -> list[Account]:
        """Go on with new accounts: old ones grow so full that no bound is met any more. Returns them, to be opened."""
        fresh = [
            Account(
                id=self.new_id(), unit=UNITS[n % len(UNITS)], kind="test", bound=_BOUNDS[n // len(UNITS) % len(_BOUNDS)]
            )
            for n in range(self._count)
        ]  # fmt: skip
        self.use(fresh)
        return fresh

    def use(self, accounts: list[Account]) -> None:
        """Work with these accounts, perhaps others' too, from now on."""
        self.accounts = accounts
        self._of_unit = {unit: [a.id for a in accounts if a.unit == unit] for unit in UNITS}
        self._holds: deque[Transfer] = deque(maxlen=24)

    def new_id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def batch(self, size: int) -> list[Transfer]:
        """The next batch; its time is `self.at`, which never goes back."""
        self.at += timedelta(seconds=self.random.choice((0, 1, 1, 5, 60)))
        asked: list[Transfer] = []
        while len(asked) < size:
            chain = self.random.randint(2, 5) if self.random.random() < 0.12 else 1
            part = [self._transfer() for _ in range(min(chain, size - len(asked)))]
            asked += [replace(row, linked=position < len(part) - 1) for position, row in enumerate(part)]
        if self.random.random() < 0.05:
            asked[-1] = replace(asked[-1], linked=True)
        self._asked.extend(asked)
        self._holds.extend(row for row in asked if row.kind == Kind.HOLD)
        return asked

    # -- one row --

    def _transfer(self) -> Transfer:
        dice = self.random.random()
        if dice < 0.05 and self._asked:
            return self._again()
        if dice < 0.50 or not self._holds:
            row = self._move(Kind.POST)
        elif dice < 0.72:
            row = self._move(Kind.HOLD)
        else:
            row = self._end(Kind.SETTLE if dice < 0.89 else Kind.RELEASE)
        return self._spoilt(row) if self.random.random() < 0.04 else row

    def _move(self, kind: Kind) -> Transfer:
        unit = self.random.choice(UNITS)
        debit, credit = self.random.sample(self._of_unit[unit], 2)
        expires_at = None
        if kind == Kind.HOLD and self.random.random() < 0.7:
            expires_at = self.at + timedelta(seconds=self.random.choice((1, 3, 30, 600, 3600)))
        return Transfer(
            id=self.new_id(), kind=kind, debit=debit, credit=credit, unit=unit, amount=self._amount(),
            expires_at=expires_at, up_to=self.random.random() < 0.25, code=self.random.choice(("", "fee", "loan.drawdown")),
            subject=self.new_id() if self.random.random() < 0.2 else None,
        )  # fmt: skip

    def _end(self, kind: Kind) -> Transfer:
        hold = self.random.choice(self._holds)
        amount: int | None = None
        if self.random.random() < 0.7 and hold.amount and 0 < hold.amount < MAX_AMOUNT:
            # Several parts often fill the hold exactly, or are one more than what is left.
            amount = max(1, hold.amount // self.random.choice((1, 1, 2, 2, 3)) + self.random.choice((0, 0, 0, 1, -1)))
        return Transfer(
            id=self.new_id(), kind=kind, hold=hold.id, amount=amount, up_to=kind == Kind.SETTLE and self.random.random() < 0.3
        )  # fmt: skip

    def _amount(self) -> int:
        return self.random.randint(1, 10 ** self.random.choice((1, 3, 3, 3, 4, 5)))

    # -- what is sent twice, and what is wrong --

    def _again(self) -> Transfer:
        old = self.random.choice(self._asked)
        return replace(old, linked=False) if self.random.random() < 0.6 else self.altered(old)

    def altered(self, old: Transfer) -> Transfer:
        """The same id with one field of the content changed."""
        changes: list[dict[str, object]] = [
            {"amount": (old.amount or 7) - 1},
            {"code": old.code + "x"},
            {"subject": self.new_id()},
            {"up_to": not old.up_to},
        ]
        if old.hold is not None:
            changes += [
                {"amount": None if old.amount else 11},
                {"hold": self.new_id()},
                {"kind": Kind.RELEASE if old.kind == Kind.SETTLE else Kind.SETTLE},
                {"debit": self.new_id()},
            ]
        else:
            changes += [{"debit": old.credit, "credit": old.debit}, {"unit": old.unit + "x"}]
            changes += [{"kind": Kind.POST, "expires_at": None} if old.kind == Kind.HOLD else {"kind": Kind.HOLD}]
        if old.kind == Kind.HOLD:
            changes += [{"expires_at": self.at + timedelta(days=9)}]
        return replace(old, linked=False, **self.random.choice(changes))  # type: ignore[arg-type]

    def _spoilt(self, row: Transfer) -> Transfer:
        """A row with one fault."""
        stranger = self.random.choice(self.accounts).id
        if row.hold is not None:
            faults: list[dict[str, object]] = [
                {"hold": self.new_id()},
                {"hold": self.random.choice(self._asked).id},
                {"debit": stranger},
                {"credit": stranger},
                {"unit": self.random.choice(UNITS)},
                {"amount": self.random.choice((0, -5, BIGINT_MAX))},
            ]
        else:
            faults = [
                {"debit": self.new_id()},
                {"credit": self.new_id()},
                {"debit": row.credit},
                {"debit": stranger},
                {"unit": self.random.choice((*UNITS, "XAU"))},
                {"amount": self.random.choice((0, -5, BIGINT_MAX, MAX_AMOUNT + 1))},
            ]
        if row.kind == Kind.HOLD:
            faults += [{"expires_at": self.at + timedelta(seconds=n)} for n in (-1, 0, 1)]
        return replace(row, **self.random.choice(faults))  # type: ignore[arg-type]
