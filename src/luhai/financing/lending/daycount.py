"""How much of a year lies between two days, and on which days instalments fall due. Exact: fractions, never floats.

The first day counts, the last does not: a day's interest is for the night that follows it, and the day of repayment costs nothing.

Source: domain notes on financing §6.4 (renminbi: ACT/360, the daily rate is the yearly one over 360; a month's is a twelfth of it);
ISDA 2006 Definitions §4.16 for the four counts. Decision 0050 says why these lines and not a library.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Final


class DayCount(StrEnum):
    ACT_360 = "ACT/360"  # renminbi, US dollar, euro
    ACT_365 = "ACT/365F"  # sterling, Hong Kong and Singapore dollar, baht, ringgit
    THIRTY_360 = "30/360"  # bond basis: every month has 30 days
    ACT_ACT = "ACT/ACT"  # ISDA: days of leap years over 366, the others over 365


class Unit(StrEnum):
    DAYS = "days"
    MONTHS = "months"


def year_fraction(start: date, end: date, count: DayCount) -> Fraction:
    """The part of a year from `start` to `end`; negative when `end` comes first."""
    return _COUNTS[count](start, end)


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or the last one that it has."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def due_days(
    start: date, number: int, every: int, unit: Unit, moved: Callable[[date], date] = lambda day: day
) -> tuple[date, ...]:
    """The days on which `number` instalments fall due, counted from `start`, so that the 31st comes back after February.

    `moved` takes a day off to the next business day (kernel.calendar.Calendar.business_day_from); the count goes on from the day
    that was not moved.
    """
    assert number > 0, number
    assert every > 0, every
    steps = range(every, every * number + 1, every)
    return tuple(moved(add_months(start, n) if unit is Unit.MONTHS else start + timedelta(n)) for n in steps)


def _actual(days: int) -> Callable[[date, date], Fraction]:
    return lambda start, end: Fraction((end - start).days, days)


def _thirty(start: date, end: date) -> Fraction:
    first = min(start.day, 30)
    last = 30 if end.day == 31 and first == 30 else end.day
    return Fraction((end.year - start.year) * 360 + (end.month - start.month) * 30 + last - first, 360)


def _actual_actual(start: date, end: date) -> Fraction:
    if end < start:
        return -_actual_actual(end, start)
    total = Fraction(0)
    for year in range(start.year, end.year + 1):
        first, last = max(start, date(year, 1, 1)), min(end, date(year + 1, 1, 1))
        total += Fraction((last - first).days, 366 if isleap(year) else 365)
    return total


_COUNTS: Final = MappingProxyType(
    {
        DayCount.ACT_360: _actual(360),
        DayCount.ACT_365: _actual(365),
        DayCount.THIRTY_360: _thirty,
        DayCount.ACT_ACT: _actual_actual,
    }
)
