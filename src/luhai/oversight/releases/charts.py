"""Pictures as data: the options of a chart. The page prints the same numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

#: More lines than this nobody tells apart; the table has all.
MOST = 5


def table(columns: Sequence[str], rows: Sequence[tuple[str, Sequence[int | None]]], decimals: int) -> dict[str, Any]:
    """A line a row over months or codes, or bars where there is one column; a figure that is not shown is a gap."""
    plain = {
        "grid": {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True},
        "yAxis": {"type": "value", "splitNumber": 4},
        "tooltip": {"trigger": "axis"},
    }
    if len(columns) == 1:
        series: list[dict[str, Any]] = [{"type": "bar", "data": [_major(values[0], decimals) for _n, values in rows], "barMaxWidth": 42}]
        return plain | {"xAxis": {"type": "category", "data": [n for n, _v in rows], "axisTick": {"show": False}}, "series": series}
    shown = rows[:MOST]
    series = [
        {"name": name, "type": "line", "data": [_major(v, decimals) for v in values], "connectNulls": False, "showSymbol": True}
        for name, values in shown
    ]
    return plain | {
        "legend": {"top": 0, "type": "scroll", "data": [n for n, _v in shown]},
        "xAxis": {"type": "category", "data": list(columns), "axisTick": {"show": False}}, "series": series,
    }  # fmt: skip


def _major(value: int | None, decimals: int) -> int | str | None:
    """In whole units, written as text where it has digits behind the point: JSON has no decimals."""
    if value is None:
        return None
    major = Decimal(value).scaleb(-decimals)
    return int(major) if major == major.to_integral_value() else str(major)
