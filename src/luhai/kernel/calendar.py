"""Business days and working hours in China, for every clock that runs only while people are at work.

Public holidays and the weekend days worked to make up for them are decided by the State Council a year at a
time, so they are data: `data/reference/holidays_cn.json`. For a year whose notice is not out yet, only weekends
are known; `is_published` says so, and a caller that must be certain asks it.

Periods of days: the first day does not count, and a last day that falls on a holiday moves to the next business
day (Civil Code, art. 201 and 203).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

DAY: Final = timedelta(days=1)
SHANGHAI: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Calendar:
    """Which days and hours count. Instants must be aware; dates are dates in `zone`."""

    days_off: frozenset[date]  # holidays; weekends need not be listed
    days_worked: frozenset[date]  # weekend days worked to make up for a holiday
    years: frozenset[int]  # years whose notice is in the data
    opens: time = time(9)
    closes: time = time(17)
    zone: ZoneInfo = SHANGHAI

    def __post_init__(self) -> None:
        assert self.opens < self.closes, (self.opens, self.closes)
        assert not self.days_off & self.days_worked, self.days_off & self.days_worked

    def is_published(self, day: date) -> bool:
        """Whether the holidays of that day's year are known."""
        return day.year in self.years

    def is_business_day(self, day: date) -> bool:
        if day in self.days_worked:
            return True
        return day.weekday() < 5 and day not in self.days_off

    def business_day_from(self, day: date) -> date:
        """The day itself if it is a business day, else the next one."""
        while not self.is_business_day(day):
            day += DAY
        return day

    def add_business_days(self, day: date, count: int) -> date:
        """The `count`-th business day after `day`, which itself does not count. With 0: the day or the next one."""
        assert count >= 0, count
        day = self.business_day_from(day) if count == 0 else day
        for _ in range(count):
            day = self.business_day_from(day + DAY)
        return day

    def end_of_period(self, start: date, days: int) -> date:
        """The last day of a period of calendar days that begins after `start` (Civil Code, art. 201, 203)."""
        assert days > 0, days
        return self.business_day_from(start + days * DAY)

    def local_date(self, at: datetime) -> date:
        """The calendar date of an instant in `zone`."""
        assert at.tzinfo is not None, at
        return at.astimezone(self.zone).date()

    def business_date(self, at: datetime) -> date:
        """The day an instant is booked on: its own if it is a business day and not yet closed, else the next one."""
        assert at.tzinfo is not None, at
        local = at.astimezone(self.zone)
        day = local.date()
        return self.business_day_from(day if local.time() < self.closes else day + DAY)

    def working_hours_between(self, start: datetime, end: datetime) -> timedelta:
        """How much working time lies between two instants; nothing if `end` is not after `start`."""
        total = timedelta()
        for opens, closes in self._windows(start):
            if opens >= end:
                return total
            total += max(timedelta(), min(closes, end) - max(opens, start))
        raise AssertionError("the windows never end")

    def add_working_hours(self, start: datetime, hours: int) -> datetime:
        """The instant at which `hours` of working time have passed since `start`, in the zone of `start`.

        A promise that is used up exactly at closing time falls due at closing time, not the next morning.
        """
        assert start.tzinfo is not None, start
        assert hours >= 0, hours
        left = timedelta(hours=hours)
        for opens, closes in self._windows(start):
            begins = max(opens, start)
            if closes - begins >= left:
                return (begins + left).astimezone(start.tzinfo)
            left -= max(timedelta(), closes - begins)
        raise AssertionError("the windows never end")

    def _windows(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Opening and closing of each business day, from the one that is open at or next after `start`."""
        day = self.local_date(start)
        while True:
            if self.is_business_day(day):
                closes = datetime.combine(day, self.closes, self.zone)
                if closes > start:
                    yield datetime.combine(day, self.opens, self.zone), closes
            day += DAY


def calendar_from(document: Mapping[str, Any], *, opens: time = time(9), closes: time = time(17)) -> Calendar:
    """Build a calendar from the document of `data/reference/holidays_cn.json`: years with `off` and `worked`."""
    years = document["years"]
    return Calendar(
        days_off=frozenset(date.fromisoformat(day) for year in years.values() for day in year["off"]),
        days_worked=frozenset(date.fromisoformat(day) for year in years.values() for day in year["worked"]),
        years=frozenset(int(year) for year, listed in years.items() if listed["notice"]),
        opens=opens,
        closes=closes,
    )


def read_calendar(path: Path, *, opens: time = time(9), closes: time = time(17)) -> Calendar:
    """Read a calendar from a data file (see `calendar_from`)."""
    return calendar_from(json.loads(path.read_text(encoding="utf-8")), opens=opens, closes=closes)
