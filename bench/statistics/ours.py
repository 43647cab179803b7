"""Our side, and what all sides of the bench share: the question, and how an answer is told."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

from luhai.core.indicators.engine import CUBES, Cell, compute

from . import made

#: What the rates are is of no matter here; that there are some is.
RATES = {
    (made.LAST_MONTH, c): Fraction(r)
    for c, r in {"CNY": "1", "USD": "7.1034", "EUR": "7.6021", "JPY": "4.2305", "HKD": "0.9123", "SGD": "5.2077", "THB": "0.197244", "MYR": "1.6401"}.items()
}


def indicators() -> tuple[Any, ...]:
    """All of them, as they are defined."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luhai.config.settings")
    from luhai.oversight.statistics.indicators import INDICATORS

    return tuple(INDICATORS.values())


def release(engine: str, files: list[Path]) -> list[Cell]:
    """The standard monthly release: all indicators by the standard cubes, for the last month."""
    return compute(engine, files, indicators(), [made.LAST_MONTH], CUBES, rates=RATES)


def told(cells: Iterable[Cell]) -> list[str]:
    """Cells as lines in order, so that two answers can be compared, and kept."""
    return sorted(
        "\t".join(map(str, (
            c.indicator, ",".join(c.key), c.opening, c.added, c.taken, c.numerator, c.denominator, c.value, c.count, c.contributors, c.largest,
            c.second, c.first, c.last,
        )))
        for c in cells
    )  # fmt: skip


def digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
