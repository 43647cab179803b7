"""What the ledger must answer, worked out a second time: one row after another, in plain Python, on dictionaries.

It shares no code with the ledger. Of the ledger's dataclasses it reads the fields, as plain values; reasons, kinds
and limits are written out here again, so that a change there shows here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

LARGEST_AMOUNT = 9_007_199_254_740_991
LARGEST_SUM = 4_611_686_018_427_387_903


class Answer(NamedTuple):
    id: UUID
    amount: int
    refused: str | None


class Sums(NamedTuple):
    """The four sums of an account, in the order in which the ledger names them."""

    debits_posted: int = 0
    debits_pending: int = 0
    credits_posted: int = 0
    credits_pending: int = 0


@dataclass
class Book:
    """An account as the auditor keeps it."""

    unit: str
    bound: str
    state: str = "open"
    sums: Sums = field(default_factory=Sums)

    def debit_room(self) -> int | None:
        """How much more may be debited; None if there is no limit."""
        s = self.sums
        return s.credits_posted - s.debits_posted - s.debits_pending if self.bound == "debits" else None

    def credit_room(self) -> int | None:
        s = self.sums
        return s.debits_posted - s.credits_posted - s.credits_pending if self.bound == "credits" else None


@dataclass
class Held:
    debit: UUID
    credit: UUID
    rest: int
    expires_at: datetime | None


class Refused(Exception):
    pass


class Auditor:
    def __init__(self) -> None:
        self.books: dict[UUID, Book] = {}
        self.holds: dict[UUID, Held] = {}
        self.known: dict[UUID, tuple[tuple[Any, ...], Answer]] = {}

    # ---- what is asked of a ledger ----

    def open(self, accounts: Iterable[Any]) -> None:
        for account in accounts:
            self.books.setdefault(account.id, Book(str(account.unit), str(account.bound)))

    def mark(self, account: UUID, state: str) -> bool:
        """Freeze, thaw or close. Closing needs an empty account, and is for ever. False if it must be refused."""
        book = self.books[account]
        if book.state == "closed":
            return state == "closed"
        s = book.sums
        if state == "closed" and (s.debits_pending or s.credits_pending or s.debits_posted != s.credits_posted):
            return False
        book.state = state
        return True

    def post(self, asked: Sequence[Any], at: datetime) -> list[Answer]:
        answers: list[Answer] = []
        for chain in chains(asked):
            answers += self._chain(chain, at, open_ended=bool(chain[-1].linked))
        return answers

    def expire(self, at: datetime) -> int:
        """Every hold that is overdue and has something left gives it back."""
        overdue = [h for h in self.holds.values() if h.rest and h.expires_at is not None and h.expires_at <= at]
        for held in overdue:
            self._shift(held.debit, held.credit, pending=-held.rest)
            held.rest = 0
        return len(overdue)

    # ---- what must hold whatever was asked ----

    def faults(self) -> list[str]:
        """Promises that the auditor's own books break; one that finds any is itself wrong."""
        found = []
        held: dict[tuple[UUID, str], int] = defaultdict(int)
        for hold in self.holds.values():
            held[hold.debit, "debit"] += hold.rest
            held[hold.credit, "credit"] += hold.rest
        totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for key, book in self.books.items():
            if min(book.sums) < 0 or (book.debit_room() or 0) < 0 or (book.credit_room() or 0) < 0:
                found.append(f"bound of {key}")
            if (held[key, "debit"], held[key, "credit"]) != (book.sums.debits_pending, book.sums.credits_pending):
                found.append(f"holds of {key}")
            for position, amount in enumerate(book.sums):
                totals[book.unit][position] += amount
        found += [f"conservation of {unit}" for unit, t in totals.items() if (t[0], t[1]) != (t[2], t[3])]
        return found

    # ---- one chain: all or none ----

    def _chain(self, chain: Sequence[Any], at: datetime, *, open_ended: bool) -> list[Answer]:
        before_books = {key: book.sums for key, book in self.books.items()} if len(chain) > 1 else {}
        before_holds = {row.hold: self.holds[row.hold].rest for row in chain if row.hold in self.holds}
        fresh: dict[UUID, tuple[tuple[Any, ...], Answer]] = {}  # of this chain, in order
        answers: list[Answer] = []
        failed = False
        for place, row in enumerate(chain):
            last_of_open = open_ended and place == len(chain) - 1
            earlier = fresh.get(row.id) or self.known.get(row.id)
            if earlier is not None:
                answer = earlier[1] if self._same(earlier[0], row) else Answer(row.id, 0, "id_reused")
                failed = failed or answer.refused is not None
            elif failed:
                answer = Answer(row.id, 0, "linked_failed")
            else:
                try:
                    if last_of_open:
                        raise Refused("chain_open")
                    answer = Answer(row.id, self._one(row, at), None)
                except Refused as refusal:
                    answer, failed = Answer(row.id, 0, str(refusal)), True
            if earlier is None:
                fresh[row.id] = (content(row), answer)
            answers.append(answer)
        if failed:
            for key, sums in before_books.items():
                self.books[key].sums = sums
            for key in fresh:
                self.holds.pop(key, None)  # made by this chain
            for key, rest in before_holds.items():
                self.holds[key].rest = rest
            undone = {key: Answer(key, 0, a.refused or "linked_failed") for key, (_, a) in fresh.items()}
            fresh = {key: (what, undone[key]) for key, (what, _) in fresh.items()}
            answers = [
                undone[answer.id] if answer.id in undone and answer.refused is None else answer for answer in answers
            ]
        self.known.update(fresh)
        return answers

    def _same(self, first: tuple[Any, ...], row: Any) -> bool:
        """Is `row` what was asked before under its id? Who ends a hold need not name accounts, and may later."""
        *rest, debit, credit = content(row)
        *first_rest, first_debit, first_credit = first
        if row.hold is not None:
            held = self.holds.get(row.hold)
            debit, credit = debit or first_debit, credit or first_credit
            first_debit = first_debit or (held.debit if held else None)
            first_credit = first_credit or (held.credit if held else None)
            debit, credit = debit or first_debit, credit or first_credit
        return (rest, debit, credit) == (first_rest, first_debit, first_credit)

    # ---- one row ----

    def _one(self, row: Any, at: datetime) -> int:  # noqa: C901  (one decision, read from top to bottom)
        kind, amount = str(row.kind), row.amount
        ends_hold = kind in ("settle", "release")
        if amount is not None and amount <= 0:
            raise Refused("amount_not_positive")
        if not ends_hold and row.debit == row.credit:
            raise Refused("accounts_must_differ")
        debit, credit = row.debit, row.credit
        if ends_hold:
            held = self.holds.get(row.hold)
            if held is None:
                raise Refused("hold_not_found")
            if row.debit not in (None, held.debit) or row.credit not in (None, held.credit):
                raise Refused("hold_differs")
            if held.rest == 0 and not row.up_to:
                raise Refused("hold_finished")
            if kind == "settle" and held.expires_at is not None and held.expires_at <= at:
                raise Refused("hold_expired")
            debit, credit = held.debit, held.credit
            if amount is None:
                amount = held.rest
            elif amount > held.rest:
                if not row.up_to:
                    raise Refused("exceeds_hold")
                amount = held.rest
        if debit not in self.books:
            raise Refused("debit_account_not_found")
        if credit not in self.books:
            raise Refused("credit_account_not_found")
        payer, payee = self.books[debit], self.books[credit]
        if not ends_hold and not payer.unit == payee.unit == row.unit:
            raise Refused("unit_differs")
        self._refuse_state(payer, payee, "closed")
        if kind != "release":
            self._refuse_state(payer, payee, "frozen")
        if kind == "hold" and row.expires_at is not None and row.expires_at <= at:
            raise Refused("expires_too_early")
        if ends_hold:
            held.rest -= amount
            self._shift(debit, credit, posted=amount if kind == "settle" else 0, pending=-amount)
            return int(amount)
        rooms = [room for room in (payer.debit_room(), payee.credit_room()) if room is not None]
        if row.up_to:
            amount = min(amount, *rooms) if rooms else amount
        elif payer.debit_room() is not None and payer.debit_room() < amount:  # type: ignore[operator]
            raise Refused("exceeds_credits")
        elif payee.credit_room() is not None and payee.credit_room() < amount:  # type: ignore[operator]
            raise Refused("exceeds_debits")
        debits = payer.sums.debits_posted + payer.sums.debits_pending
        credits = payee.sums.credits_posted + payee.sums.credits_pending
        if max(debits, credits) + amount > LARGEST_SUM or amount > LARGEST_AMOUNT:
            raise Refused("overflow")
        if kind == "hold":
            self.holds[row.id] = Held(debit, credit, amount, row.expires_at)
            self._shift(debit, credit, pending=amount)
        else:
            self._shift(debit, credit, posted=amount)
        return int(amount)

    @staticmethod
    def _refuse_state(payer: Book, payee: Book, state: str) -> None:
        if payer.state == state:
            raise Refused(f"debit_account_{state}")
        if payee.state == state:
            raise Refused(f"credit_account_{state}")

    def _shift(self, debit: UUID, credit: UUID, *, posted: int = 0, pending: int = 0) -> None:
        d = self.books[debit].sums
        self.books[debit].sums = d._replace(
            debits_posted=d.debits_posted + posted, debits_pending=d.debits_pending + pending
        )
        c = self.books[credit].sums
        self.books[credit].sums = c._replace(
            credits_posted=c.credits_posted + posted, credits_pending=c.credits_pending + pending
        )


def chains(asked: Sequence[Any]) -> list[list[Any]]:
    """A batch cut after every row that is not linked to the next one."""
    cut: list[list[Any]] = [[]]
    for row in asked:
        cut[-1].append(row)
        if not row.linked:
            cut.append([])
    return cut if cut[-1] else cut[:-1]


def content(row: Any) -> tuple[Any, ...]:
    """What makes two requests the same one; the accounts stand last.

    Whether a row is linked belongs to the batch, not to the transfer; the unit of a hold's end is the hold's.
    """
    unit = row.unit if row.hold is None else None
    return (
        str(row.kind), unit, row.amount, row.hold, row.expires_at, row.up_to, row.code, row.subject,
        row.debit, row.credit,
    )  # fmt: skip
