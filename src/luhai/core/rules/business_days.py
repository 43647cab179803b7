"""Working days in China, from the notices of the State Council: one calendar for all who count them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from luhai.kernel.calendar import Calendar, read_calendar


@cache
def calendar() -> Calendar:
    return read_calendar(Path(__file__).resolve().parents[4] / "data" / "reference" / "holidays_cn.json")
