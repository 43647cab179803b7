"""What an amount is in another currency: rate, day and source, exactly as they were used.

The reference is the European Central Bank's, of the last month end on or before the day, crossed over the euro, with twelve
significant digits; a bank that sells its customer another rate states it, with its source. Rounded half up, once, to whole minor units.
Source: data/reference/ecb_month_end.csv (data/reference/SOURCES.md).
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from pathlib import Path
from typing import Final

from luhai.kernel.money import EXPONENT, MAX_MINOR, Currency, Money
from luhai.kernel.refusal import Invalid, Refusal, gettext_noop

_FILE: Final = Path(__file__).resolve().parents[4] / "data" / "reference" / "ecb_month_end.csv"
_DIGITS: Final = Context(prec=12, rounding=ROUND_HALF_UP)
SOURCE: Final = "ECB"


class NoRate(Refusal):
    code = "rules.no_rate"
    message = gettext_noop(
        "No reference rate from %(of)s to %(into)s is known on %(on)s; state the rate and its source."
    )


@dataclass(frozen=True, slots=True)
class Rate:
    """`value` units of `into` for one of `of`."""

    of: Currency
    into: Currency
    value: Decimal
    on: date
    source: str

    def convert(self, amount: Money) -> Money:
        """Refuses: Invalid, where the result is nothing, or beyond what can be counted."""
        assert amount.currency is self.of, amount
        exact = (amount.major * self.value).scaleb(EXPONENT[self.into])
        minor = int(exact.quantize(Decimal(1), ROUND_HALF_UP))
        if not 0 < minor <= MAX_MINOR:
            raise Invalid(
                field="amount_minor",
                problem=gettext_noop("an amount that is worth something, and can be counted"),
            )
        return Money(minor, self.into)


def reference(of: Currency, into: Currency, on: date) -> Rate:
    """The reference rate. Refuses: NoRate."""
    days, tables = _month_ends()
    at = bisect_right(days, on) - 1
    quoted = tables[at] if at >= 0 else {}
    if of not in quoted or into not in quoted:
        raise NoRate(of=of.value, into=into.value, on=on.isoformat())
    return Rate(of, into, _DIGITS.divide(quoted[into], quoted[of]), days[at], SOURCE)


def stated(of: Currency, into: Currency, value: str, on: date, source: str) -> Rate:
    """A rate that the bank states. Refuses: Invalid."""
    try:
        rate = Decimal(value)
    except ArithmeticError:
        rate = Decimal(0)
    if (
        not isinstance(value, str)
        or not rate.is_finite()
        or not 0 < rate < 10**9
        or len(rate.as_tuple().digits) > 18
    ):
        raise Invalid(field="rate", problem=gettext_noop("a number above zero, such as 7.1234"))
    if not isinstance(source, str) or not 0 < len(source.strip()) <= 80:
        raise Invalid(field="source", problem=gettext_noop("who states the rate, in 1 to 80 characters"))
    return Rate(of, into, rate, on, source.strip())


@cache
def _month_ends() -> tuple[tuple[date, ...], tuple[dict[Currency, Decimal], ...]]:
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["date"])
    known = {c.value: c for c in Currency}
    tables = tuple(
        {known[name]: Decimal(text) for name, text in row.items() if name in known and text}
        | {Currency.EUR: Decimal(1)}
        for row in rows
    )
    return tuple(date.fromisoformat(row["date"]) for row in rows), tables
