"""Pictures as data: pure functions that return the options of a chart. The page prints the same numbers as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luhai.market.matching.queries import FunnelLine


def funnel(line: FunnelLine, steps: Mapping[str, str]) -> dict[str, Any]:
    """Horizontal bars, one a step, in the order of `steps` (field of the line -> its name), the first on top."""
    counts = [getattr(line, field) for field in steps]
    return {
        "grid": {"left": 8, "right": 56, "top": 8, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "value", "show": False},
        "yAxis": {"type": "category", "data": list(steps.values()), "inverse": True, "axisTick": {"show": False}},
        "tooltip": {"trigger": "axis"},
        "series": [
            {
                "type": "bar", "data": counts, "barMaxWidth": 30,
                "label": {"show": True, "position": "right", "color": "inherit"},
            }
        ],
    }  # fmt: skip
