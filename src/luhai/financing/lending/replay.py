"""A loan's lines as they turned out: drawn and repaid on real days, worked out again from the events alone. Pure.

Past stretches bear interest on what was really owed; from the last event on, everybody is taken to pay what is overdue at once and the
rest on its day. So the same events always give the same lines, in whatever order and how often they are asked for (INV-LN-3).

A payment goes to the lines that are due, oldest first, interest before principal; what is left repays principal before it is due
(`Terms.prepaid` says what that changes). One that covers all that is owed, with the interest to that day, closes the loan.

Source: domain notes on financing §6.4 (INV-LN-1…5); docs/algorithms/lending.md compares with the published schedules of Apache Fineract.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import pairwise

from .schedule import Prepaid, Terms, charged, payment_for, principal_of


@dataclass(frozen=True, slots=True)
class Drawn:
    on: date
    amount: int


@dataclass(frozen=True, slots=True)
class Paid:
    """`interest` says how much of it went to interest, as the books have it; None: as the order below would have it."""

    on: date
    amount: int
    interest: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One instalment. `interest` is what it asks for; `balance` is what the plan leaves after it; the rest is what came."""

    n: int  # from 1
    start: date
    due: date
    principal: int
    interest: int
    balance: int
    principal_paid: int = 0
    interest_paid: int = 0
    early: int = 0  # of what was paid, before its day
    late: int = 0  # and after it
    paid_on: date | None = None  # the day on which nothing was left to pay

    @property
    def total(self) -> int:
        return self.principal + self.interest

    @property
    def paid(self) -> int:
        return self.principal_paid + self.interest_paid

    @property
    def open(self) -> int:
        return self.total - self.paid


@dataclass(frozen=True, slots=True)
class Book:
    """The lines, and what was paid beyond all that they ask for."""

    lines: tuple[Line, ...]
    overpaid: int = 0

    @property
    def open(self) -> int:
        return sum(line.open for line in self.lines)

    @property
    def principal_open(self) -> int:
        return sum(line.principal - line.principal_paid for line in self.lines)

    def overdue(self, on: date) -> int:
        """What lines that were due before `on` still ask for."""
        return sum(line.open for line in self.lines if line.due < on)


def plan(terms: Terms, principal: int) -> tuple[Line, ...]:
    """The lines as agreed, all drawn on the first day."""
    return replay(terms, [Drawn(terms.start, principal)]).lines


def replay(terms: Terms, events: Iterable[Drawn | Paid], on: date | None = None) -> Book:
    """The lines after these events (in the order of their days), as of `on`, or as of the last event."""
    return _run(terms, events, on).book()


def payoff(terms: Terms, events: Sequence[Drawn | Paid], on: date) -> int:
    """What would close the loan on a day: everything owed, with the interest to that day."""
    return _run(terms, (e for e in events if e.on <= on), on).payoff(on)


def borne(terms: Terms, events: Iterable[Drawn | Paid], on: date) -> int:
    """The interest that the loan has borne up to the night before `on`, paid or not: what accruals add up to."""
    past = [e for e in events if e.on < on]
    return _run(terms, past, on).borne(on) if past else 0


def _run(terms: Terms, events: Iterable[Drawn | Paid], on: date | None) -> _Replay:
    run = _Replay(terms)
    for event in sorted(events, key=lambda e: e.on):
        if isinstance(event, Drawn):
            run.draw(event)
        else:
            run.pay(event)
    if on is not None:
        run.again(on)
    return run


@dataclass(slots=True)
class _Row:
    """A line while it is worked on. `payment`, `carry` and `deferred` are what it began with, to begin again from it."""

    line: Line
    payment: int
    carry: int
    deferred: int
    bears: int = 0  # the interest of its own days, whenever it asks for it


@dataclass(frozen=True, slots=True)
class _Booking:
    on: date  # when it came
    since: date  # from when on it lowers what bears interest
    n: int
    principal: int
    interest: int


class _Replay:
    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.drawn: list[Drawn] = []
        self.bookings: list[_Booking] = []
        self.rows: list[_Row] = []
        self.overpaid = 0
        self.closed: int | None = (
            None  # the line in which all was repaid: interest that was put off is due with it
        )

    def book(self) -> Book:
        came = {b.n: b.on for b in self.bookings}  # the last that came for each line
        lines = [
            replace(row.line, paid_on=came[n]) if n in came and row.line.open == 0 else row.line
            for n, row in enumerate(self.rows)
        ]
        if self.terms.prepaid is Prepaid.NUMBER:
            while len(lines) > 1 and not lines[-1].total and not lines[-1].paid:
                lines.pop()
        return Book(tuple(lines), self.overpaid)

    # --- events ---------------------------------------------------------------------------------------------------------

    def draw(self, event: Drawn) -> None:
        assert self.terms.start <= event.on <= self.terms.due[-1], event
        assert event.amount > 0, event
        self.drawn.append(event)
        self.again(event.on)

    def pay(self, event: Paid) -> None:
        assert event.amount > 0, event
        assert self.rows, "nothing was drawn"
        n = self.terms.current(event.on)
        if event.interest is not None:
            self._as_booked(n, event, event.interest)
            return
        if self.terms.keeps_past and self._is_exactly(n, event.amount):
            self._to_line(n, event, event.on, event.amount)
            return
        since = self.terms.due[n] if self.terms.rest_on_due and event.on <= self.terms.due[n] else event.on
        self.again(since)
        left = self._due(event, since)
        if not left:
            pass
        elif left >= (rest := self.payoff(event.on)):
            since = self._close(n, event, rest)
            self.overpaid += left - rest
        else:
            left -= self._principal(n, event, since, left)
            self.overpaid += left - self._to_line(n, event, since, left)
        self.again(since)

    def _as_booked(self, n: int, event: Paid, interest: int) -> None:
        """Each part to what is due of it, oldest first; the rest of either to the line in which it came."""
        assert 0 <= interest <= event.amount, event
        self.again(event.on)
        lefts = [interest, event.amount - interest]
        for m in [m for m, due in enumerate(self.terms.due) if due <= event.on]:
            line = self.rows[m].line
            opens = (line.interest - line.interest_paid, line.principal - line.principal_paid)
            parts = [min(max(open_, 0), left) for open_, left in zip(opens, lefts, strict=True)]
            self._note(m, event, event.on, parts[1], parts[0])
            lefts = [left - part for left, part in zip(lefts, parts, strict=True)]
        owed = sum(row.line.principal - row.line.principal_paid for row in self.rows[n:])
        room = max(self.rows[n].line.interest - self.rows[n].line.interest_paid, 0)
        # Interest beyond the lines grew after the last of them: no line asked for it.
        self._note(n, event, event.on, min(lefts[1], owed), min(lefts[0], room))
        self.overpaid += max(lefts[1] - owed, 0)
        self.again(event.on)

    def payoff(self, on: date) -> int:
        n = self.terms.current(on)
        due = sum(row.line.open for row in self.rows[:n])
        principal = sum(row.line.principal - row.line.principal_paid for row in self.rows[n:])
        return due + principal + self._interest_open(n, on)

    def _interest_open(self, n: int, on: date) -> int:
        """What line `n` would ask for if the loan were closed on a day, with what was put off, less what was paid of it."""
        row = self.rows[n]
        return max(
            self._interest(n, self._until(n, on), closing=True) + row.deferred - row.line.interest_paid, 0
        )

    def borne(self, on: date) -> int:
        total = 0
        for n, row in enumerate(self.rows):
            stands = self.terms.keeps_past and row.line.paid and not row.line.open
            if self.terms.due[n] <= on or stands:
                total += row.bears
            elif self.terms.starts(n) < on:
                total += self._interest(n, on, closing=True)
        return total

    def _is_exactly(self, n: int, amount: int) -> bool:
        """A payment of what the line in which it falls asks for is taken as it is; nothing is worked out again."""
        return self.rows[n].line.open == amount and not any(row.line.open for row in self.rows[:n])

    def _due(self, event: Paid, since: date) -> int:
        left = event.amount
        for n, due in enumerate(self.terms.due):
            if due <= since:
                left -= self._to_line(n, event, since, left)
        return left

    def _close(self, n: int, event: Paid, left: int) -> date:
        """All that is owed, with the interest to this day: the principal that comes is spread over the lines as they stand."""
        until, interest, self.closed = self._until(n, event.on), self._interest_open(n, event.on), n
        self._note(n, event, until, 0, interest)
        left -= interest
        for m in range(n, len(self.rows)):
            row = self.rows[m]
            charge = max(row.line.interest_paid - row.deferred, 0) if m == n else 0  # of its own days: as `again` counts it
            balance = left + row.line.principal_paid
            share = principal_of(self.terms, m, row.payment, charge, balance) - row.line.principal_paid
            share = min(max(share, 0), left)
            self._note(m, event, until, share, 0)
            left -= share
        return until

    def _until(self, n: int, on: date) -> date:
        return max(self.terms.due[n], on) if self.terms.closes_at_due else on

    def _principal(self, n: int, event: Paid, since: date, amount: int) -> int:
        """Principal before it is due: into the line in which it comes. Returns how much there was to repay."""
        owed = sum(row.line.principal - row.line.principal_paid for row in self.rows[n:])
        taken = min(amount, owed)
        self._note(n, event, since, taken, 0)
        return taken

    def _to_line(self, n: int, event: Paid, since: date, left: int) -> int:
        line = self.rows[n].line
        interest = min(max(line.interest - line.interest_paid, 0), left)
        principal = min(max(line.principal - line.principal_paid, 0), left - interest)
        self._note(n, event, since, principal, interest)
        return interest + principal

    def _note(self, n: int, event: Paid, since: date, principal: int, interest: int) -> None:
        if not principal and not interest:
            return
        self.bookings.append(_Booking(event.on, since, n, principal, interest))
        row, amount = self.rows[n], principal + interest
        row.line = replace(
            row.line,
            principal_paid=row.line.principal_paid + principal,
            interest_paid=row.line.interest_paid + interest,
            early=row.line.early + (amount if event.on < row.line.due else 0),
            late=row.line.late + (amount if event.on > row.line.due else 0),
        )

    # --- working out the lines ------------------------------------------------------------------------------------------

    def again(self, on: date) -> None:
        """Work out the lines as of a day: all of them, or, where the past is kept, from the one in which the day falls."""
        terms, first = self.terms, 0
        if self.rows and terms.keeps_past:
            first = terms.current(on)
        if first:
            row = self.rows[first]
            payment, carry, deferred = row.payment, row.carry, row.deferred
        else:
            opening = sum(d.amount for d in self.drawn if d.on <= terms.start) or self.drawn[0].amount
            payment, carry, deferred = payment_for(terms, terms.sized_on or opening, 0), 0, 0
        for n in range(first, len(terms.due)):
            before = self.rows[n].line if n < len(self.rows) else None
            row = _Row(self._line(n, before), payment, carry, deferred)
            self.rows[n:] = [row, *self.rows[n + 1 :]]
            interest = self._interest(n, on)
            balance = self._drawn_by(terms.due[n]) - sum(r.line.principal for r in self.rows[:n])
            repaid, paid = principal_of(terms, n, payment, interest, balance), row.line.principal_paid
            if n < len(terms.due) - 1:
                taken = min(carry, repaid)
                repaid, carry = repaid - taken, carry - taken
                if paid > repaid:
                    carry += paid - repaid if terms.prepaid is Prepaid.NEXT else 0
                    repaid = paid
                    if terms.prepaid is Prepaid.INSTALMENT:
                        payment = payment_for(terms, balance - repaid, n + 1)
            put_off = n < terms.grace_interest and (self.closed is None or n < self.closed)
            asks, deferred = (0, deferred + interest) if put_off else (interest + deferred, 0)
            row.bears = interest
            row.line = replace(row.line, principal=repaid, interest=asks, balance=balance - repaid)

    def _line(self, n: int, before: Line | None) -> Line:
        if before is not None:
            return before
        return Line(n + 1, self.terms.starts(n), self.terms.due[n], 0, 0, 0)

    def _drawn_by(self, day: date) -> int:
        return sum(d.amount for d in self.drawn if d.on <= day)

    def _interest(self, n: int, on: date, *, closing: bool = False) -> int:
        """What line `n` bears: on what was owed up to `on`, from there on what the plan leaves (nothing, where it closes)."""
        terms = self.terms
        start, due = terms.starts(n), terms.due[n]
        end = max(min(on, due), start) if closing else due
        days = {start, end, on, *(d.on for d in self.drawn), *(b.since for b in self.bookings)}
        marks = sorted(day for day in days if start <= day <= end)
        parts: list[tuple[int, Fraction]] = []  # stretches of one balance
        for first, last in pairwise(marks):
            owed = self._owed(first) if first < on else self._planned(n, first)
            grown = terms.growth(n, first, last)
            if parts and parts[-1][0] == owed:
                grown += parts.pop()[1]
            parts.append((owed, grown))
        return charged(terms, (owed * grown for owed, grown in parts))

    def _owed(self, day: date) -> int:
        """What bears interest from a day on, as things really were."""
        paid = sum(b.principal for b in self.bookings if b.since <= day)
        unpaid = 0
        if self.terms.compound:
            asked = sum(row.line.interest for row in self.rows if row.line.due <= day)
            unpaid = asked - sum(
                b.interest for b in self.bookings if b.since <= day and self.terms.due[b.n] <= day
            )
        return max(self._drawn_by(day) - paid, 0) + max(unpaid, 0)

    def _planned(self, n: int, day: date) -> int:
        """What the plan leaves from a day in line `n` on, once all that is overdue has come."""
        repaid = sum(row.line.principal for row in self.rows[:n])
        ahead = sum(b.principal for b in self.bookings if b.n >= n and b.since <= day)
        return max(self._drawn_by(day) - repaid - ahead, 0)
