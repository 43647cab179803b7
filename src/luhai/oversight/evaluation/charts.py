"""Pictures as data: the options of a chart. The page prints the same numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any


def totals(names: Sequence[str], values: Sequence[Decimal], low: Sequence[Decimal], high: Sequence[Decimal]) -> dict[str, Any]:
    """A bar a unit with the interval in which its total lies, the best on top."""
    return {
        "grid": {"left": 8, "right": 48, "top": 8, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "value", "min": 0, "max": 100},
        "yAxis": {"type": "category", "data": list(names), "inverse": True, "axisTick": {"show": False}},
        "tooltip": {"trigger": "axis"},
        "series": [
            {"type": "bar", "data": [_n(v) for v in values], "barMaxWidth": 18, "label": {"show": True, "position": "insideLeft", "color": "#fff"}},
            {"type": "scatter", "symbol": "rect", "symbolSize": [2, 14], "data": [[_n(v), n] for n, v in enumerate(low)], "silent": True},
            {"type": "scatter", "symbol": "rect", "symbolSize": [2, 14], "data": [[_n(v), n] for n, v in enumerate(high)], "silent": True},
        ],
    }  # fmt: skip


def radar(names: Sequence[str], scores: Sequence[str | None], title: str) -> dict[str, Any]:
    """A corner a dimension; one that could not be counted is left out."""
    there = [(n, s) for n, s in zip(names, scores, strict=True) if s is not None]
    return {
        "radar": {"indicator": [{"name": n, "max": 100} for n, _ in there], "radius": "68%"},
        "tooltip": {},
        "series": [{"type": "radar", "data": [{"value": [_n(Decimal(s)) for _, s in there], "name": title}], "areaStyle": {"opacity": 0.15}}],
    }


def around(since: Sequence[int], effects: Sequence[str]) -> dict[str, Any]:
    """The effect so many quarters after the date; before it, it should be nought."""
    return {
        "grid": {"left": 8, "right": 16, "top": 16, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": list(since), "axisTick": {"show": False}},
        "yAxis": {"type": "value", "splitNumber": 4},
        "tooltip": {"trigger": "axis"},
        "series": [{"type": "bar", "data": [_n(Decimal(e)) for e in effects], "barMaxWidth": 32}],
    }


def _n(value: Decimal) -> Any:
    """As JSON writes numbers, rounded as the table beside it."""
    return int((value * 100).quantize(Decimal(1), ROUND_HALF_UP)) / 100
