"""Pictures as data: the options of a chart. The page prints the same numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from luhai.kernel.money import EXPONENT, Currency

from .indicators import Indicator


def months(names: Sequence[str], values: Sequence[int | None], currency: str, what: Indicator) -> dict[str, Any]:
    """A bar a month, in whole yuan, dollars …, or in per cent with its decimals; a figure that is not shown is a gap."""
    if what.quotient:
        said: list[Any] = [None if v is None else str(Decimal(v).scaleb(-what.decimals)) for v in values]
    else:
        said = [None if v is None else v // 10 ** EXPONENT[Currency(currency)] for v in values]
    return {
        "grid": {"left": 8, "right": 16, "top": 16, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": list(names), "axisTick": {"show": False}},
        "yAxis": {"type": "value", "splitNumber": 4},
        "tooltip": {"trigger": "axis"},
        "series": [{"type": "bar", "data": said, "barMaxWidth": 42}],
    }
