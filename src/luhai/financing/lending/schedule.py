"""What a loan asks for, and when: instalments, their principal and interest. Pure: whole minor units and exact fractions.

    terms = Terms(start=…, due=due_days(…), rates=((start, Fraction(345, 10_000)),), method=Method.INSTALMENTS)
    replay.plan(terms, 120_000_000)            # the lines as agreed
    replay.replay(terms, drawn_and_paid, on)   # the lines as they turned out

Units:   amounts in minor units of one currency; rates as fractions a year.
Rounds:  the interest of a line once, half up (`rounding`); the last line takes what rounding left, so the balance ends at 0.
Source:  domain notes on financing §6.4; the published schedules of Apache Fineract (docs/algorithms/lending.md).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Final

from .daycount import DayCount, year_fraction


class Method(StrEnum):
    INSTALMENTS = "equal_instalments"  # 等额本息: the same payment each time
    PRINCIPAL = "equal_principal"  # 等额本金: the same principal each time
    AT_END = "principal_at_end"  # interest when due, principal with the last line; one line is a bullet loan


class Basis(StrEnum):
    """How interest grows within a line."""

    DAY = "day"  # by the days of `count`
    PERIOD = (
        "period"  # a line's interest is its part of a year (a month: a twelfth); a part of a line by its days
    )


class Prepaid(StrEnum):
    """What principal that was paid before it was due changes."""

    INSTALMENT = "instalment"  # the instalments to come become smaller
    NUMBER = "number"  # there are fewer of them
    NEXT = "next"  # the next ones are paid already, as far as it reaches


#: Fifty digits carry any amount of money over any number of instalments.
_PRECISE: Final = Context(prec=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was agreed. `rates` are dated, the first on or before `start`; each applies from its day on.

    Grace: the first `grace_principal` lines repay nothing; the first `grace_interest` lines pay no interest, which the next line
    then pays as well; the first `interest_free` lines cost nothing. `multiple` rounds equal instalments (100: to whole yuan).
    `sized_on` is the principal that instalments are computed for, where it is not the one drawn first.
    `part_of_year` of a line under Basis.PERIOD; without it the count says.
    """

    start: date
    due: tuple[date, ...]
    rates: tuple[tuple[date, Fraction], ...]
    method: Method = Method.INSTALMENTS
    basis: Basis = Basis.DAY
    count: DayCount = DayCount.ACT_360
    part_of_year: Fraction | None = None
    grace_principal: int = 0
    grace_interest: int = 0
    interest_free: int = 0
    multiple: int = 1
    rounding: str = ROUND_HALF_UP
    sized_on: int | None = None
    prepaid: Prepaid = Prepaid.INSTALMENT
    compound: bool = False  # interest that was not paid when due bears interest itself
    rest_on_due: bool = False  # a payment changes the balance on the next due day, not on its own
    keeps_past: bool = False  # lines that were due before the last event stay as they were then
    rounds_parts: bool = False  # each stretch of one balance is rounded, not the line
    closes_at_due: bool = False  # who repays all early owes the interest of the whole line

    def __post_init__(self) -> None:
        assert self.due, "a loan has an instalment"
        assert list(self.due) == sorted(set(self.due)), self.due
        assert self.start < self.due[0], self
        assert self.rates, "a loan has a rate"
        assert self.rates[0][0] <= self.start, self.rates
        assert list(self.rates) == sorted(self.rates, key=lambda dated: dated[0]), self.rates
        assert all(rate >= 0 for _, rate in self.rates), self.rates
        assert self.multiple > 0, self.multiple
        assert 0 <= self.grace_principal < len(self.due), self.grace_principal
        assert 0 <= self.grace_interest < len(self.due), self.grace_interest
        assert 0 <= self.interest_free <= len(self.due), self.interest_free

    def rate_on(self, day: date) -> Fraction:
        return self.rates[max(bisect_right(self.rates, day, key=lambda dated: dated[0]) - 1, 0)][1]

    def starts(self, n: int) -> date:
        """The day on which line `n` (from 0) begins."""
        return self.due[n - 1] if n else self.start

    def current(self, day: date) -> int:
        """The line that a day falls in: the first that is due on it or later, or the last."""
        return min(sum(due < day for due in self.due), len(self.due) - 1)

    def growth(self, n: int, start: date, end: date) -> Fraction:
        """What one unit of balance earns from `start` to `end`, both within line `n`."""
        if n < self.interest_free:
            return Fraction(0)
        begins, due = self.starts(n), self.due[n]
        marks = [start, *(day for day, _ in self.rates if start < day < end), end]
        total = Fraction(0)
        for first, last in pairwise(marks):
            if self.basis is Basis.DAY:
                part = year_fraction(first, last, self.count)
            else:
                part = self.whole(n) * Fraction((last - first).days, (due - begins).days)
            total += part * self.rate_on(first)
        return total

    def whole(self, n: int) -> Fraction:
        """The part of a year that line `n` is."""
        if self.basis is Basis.PERIOD and self.part_of_year is not None:
            return self.part_of_year
        return year_fraction(self.starts(n), self.due[n], self.count)


def rounded(amount: Fraction, rounding: str = ROUND_HALF_UP) -> int:
    """A whole number of minor units. Exact halves are recognised as such: the fraction is not approximated first."""
    whole, rest = divmod(amount, 1)
    # The tie is decided by Decimal's own rule, on a number that is a half exactly when the fraction is.
    near = (
        Decimal("0.5")
        if rest == Fraction(1, 2)
        else Decimal("0.75")
        if rest > Fraction(1, 2)
        else Decimal("0.25")
    )
    return int((Decimal(int(whole)) + (near if rest else 0)).quantize(Decimal(1), rounding))


def instalment(
    principal: int, rate: Fraction, number: int, *, multiple: int = 1, rounding: str = ROUND_HALF_UP
) -> int:
    """The equal payment that repays `principal` in `number` periods of `rate` each: P r (1+r)^n / ((1+r)^n - 1)."""
    assert number > 0, number
    if rate == 0:
        exact = Decimal(principal) / number
    else:
        r = _PRECISE.divide(Decimal(rate.numerator), Decimal(rate.denominator))
        grown = _PRECISE.power(1 + r, number)
        exact = _PRECISE.divide(_PRECISE.multiply(Decimal(principal), _PRECISE.multiply(r, grown)), grown - 1)
    return int(_PRECISE.divide(exact, Decimal(multiple)).quantize(Decimal(1), rounding)) * multiple


def payment_for(terms: Terms, balance: int, done: int) -> int:
    """The equal instalment, or the equal principal, for what is left after `done` lines. The first line's length sizes it."""
    lines = len(terms.due) - max(done, terms.grace_principal)
    if terms.method is Method.INSTALMENTS:
        rate = terms.rate_on(terms.starts(done)) * terms.whole(0)
        return instalment(balance, rate, lines, multiple=terms.multiple, rounding=terms.rounding)
    if terms.method is Method.PRINCIPAL:
        return rounded(Fraction(balance, lines), terms.rounding)
    return 0


def principal_of(terms: Terms, n: int, payment: int, interest: int, balance: int) -> int:
    """What line `n` repays of `balance` when `interest` is charged in it."""
    if n == len(terms.due) - 1:
        return balance
    if n < terms.grace_principal or terms.method is Method.AT_END:
        return 0
    asked = payment - interest if terms.method is Method.INSTALMENTS else payment
    return min(max(asked, 0), balance)


def charged(terms: Terms, parts: Iterable[Fraction]) -> int:
    """The interest of a line whose balance was the same within each part."""
    if terms.rounds_parts:
        return sum(rounded(part, terms.rounding) for part in parts)
    return rounded(sum(parts, Fraction(0)), terms.rounding)
