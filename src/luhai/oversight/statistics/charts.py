"""Pictures as data: the options of a chart. The page prints the same numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from luhai.kernel.money import EXPONENT, Currency


def months(names: Sequence[str], values: Sequence[int | None], currency: str) -> dict[str, Any]:
    """A bar a month, in whole yuan, dollars …; a figure that is not shown is a gap."""
    unit = 10 ** EXPONENT[Currency(currency)]
    return {
        "grid": {"left": 8, "right": 16, "top": 16, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": list(names), "axisTick": {"show": False}},
        "yAxis": {"type": "value", "splitNumber": 4},
        "tooltip": {"trigger": "axis"},
        "series": [{"type": "bar", "data": [None if v is None else v // unit for v in values], "barMaxWidth": 42}],
    }
