"""Does an item measure what its dimension measures? Its correlation with the dimension's score, and what to think of it.

Source: domain notes on oversight §2.2: Pearson 0.3 to 0.92 with the own dimension; flag the negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from luhai.oversight.evaluation.method.normalise import Floats

WEAK: Final = 0.3
STRONG: Final = 0.92


class Finding(StrEnum):
    COHERENT = "coherent"
    NEGATIVE = "negative"  # pulls against its own dimension
    WEAK = "weak"  # measures something else
    REDUNDANT = "redundant"  # says what the dimension says anyway
    UNKNOWN = "unknown"  # fewer than three units, or no spread


@dataclass(frozen=True, slots=True)
class Coherence:
    item: str
    dimension: str
    correlation: float | None
    finding: Finding


def pearson(x: ArrayLike, y: ArrayLike) -> float | None:
    """Correlation over the units that have both; None where it is not defined."""
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    both = ~(np.isnan(a) | np.isnan(b))
    a, b = a[both], b[both]
    if len(a) < 3 or a.min() == a.max() or b.min() == b.max():
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        found = float(np.corrcoef(a, b)[0, 1])
    return found if np.isfinite(found) else None


def coherence(scores: Mapping[str, ArrayLike], dimension_of: Mapping[str, str], dimensions: Mapping[str, Floats]) -> Sequence[Coherence]:
    """Every item against its dimension. An item that is alone in its dimension is the dimension: nothing to find."""
    found = []
    members = list(dimension_of.values())
    for item, column in scores.items():
        dimension = dimension_of[item]
        r = pearson(column, dimensions[dimension]) if members.count(dimension) > 1 else None
        found.append(Coherence(item, dimension, r, _judged(r)))
    return found


def _judged(r: float | None) -> Finding:
    if r is None:
        return Finding.UNKNOWN
    if r < 0:
        return Finding.NEGATIVE
    if r < WEAK:
        return Finding.WEAK
    return Finding.REDUNDANT if r > STRONG else Finding.COHERENT
