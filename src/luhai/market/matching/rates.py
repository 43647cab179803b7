"""What an amount in another currency is in yuan, by the month-end reference rates of the European Central Bank.

The rate used is that of the last month end on or before the day, crossed over the euro and rounded half up to whole fen.
A currency that the ECB does not quote has no yuan amount here: the fact stays unknown. Source: data/reference/SOURCES.md.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Final

from luhai.kernel.money import EXPONENT, MAX_MINOR, Currency, Money

_FILE: Final = Path(__file__).resolve().parents[4] / "data" / "reference" / "ecb_month_end.csv"


def in_yuan(money: Money, on: date) -> tuple[int, str] | None:
    """The amount in fen and the day of the rate, or None where no rate is known or the amount is beyond all bounds."""
    if money.currency is Currency.CNY:
        return money.minor, on.isoformat()
    days, tables = _month_ends()
    at = bisect_right(days, on) - 1
    if at < 0:
        return None
    quoted = tables[at]
    if money.currency not in quoted:
        return None
    per_euro = quoted[money.currency]
    fen = (money.major / per_euro * quoted[Currency.CNY]).scaleb(EXPONENT[Currency.CNY])
    whole = int(fen.quantize(Decimal(1), ROUND_HALF_UP))
    return (whole, days[at].isoformat()) if whole <= MAX_MINOR else None


@cache
def _month_ends() -> tuple[tuple[date, ...], tuple[dict[Currency, Decimal], ...]]:
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["date"])
    known = {c.value: c for c in Currency}
    days = tuple(date.fromisoformat(row["date"]) for row in rows)
    tables = tuple(
        {known[name]: Decimal(text) for name, text in row.items() if name in known and text}
        | {Currency.EUR: Decimal(1)}
        for row in rows
    )
    return days, tables
