"""Where weights come from. All take or judge a matrix (units down, items across) and give weights that add up to one.

Weights from data alone reward whatever scatters most (entropy gives 94 % to one item of the matrix in the docs), so a system's own points are always
the base, and these are its critics.
Source: OECD/JRC Handbook (2008) step 6; Saaty (1980) for AHP; Diakoulaki, Mavrotas and Papayannakis (1995) for CRITIC;
Cherchye and others (2007) for the benefit of the doubt; domain notes on oversight §2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog

from luhai.oversight.evaluation.method.normalise import Floats, min_max

#: Saaty's consistency of random matrices, by size.
RANDOM_INDEX: Final = (0.0, 0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49)
#: From here on judgements contradict each other too much to be used.
CONSISTENCY_MAX: Final = 0.10


def matrix(x: ArrayLike) -> Floats:
    """A finite matrix with two units and one item at least."""
    values: Floats = np.asarray(x, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] < 2 or values.shape[1] < 1 or not np.isfinite(values).all():
        raise ValueError("a whole matrix of finite values: at least two units down, one item across")
    return values


def _whole(parts: Floats) -> Floats:
    total = parts.sum()
    if not total > 0:
        return equal(len(parts))
    shares: Floats = parts / total
    return shares


def equal(count: int) -> Floats:
    return np.full(count, 1.0 / count)


def budget(allocations: Sequence[Sequence[float]]) -> Floats:
    """Each expert spreads a budget over the items; each expert counts the same, whatever the size of the budget."""
    given = np.asarray(allocations, dtype=np.float64)
    if given.ndim != 2 or not np.isfinite(given).all() or (given < 0).any() or (given.sum(axis=1) <= 0).any():
        raise ValueError("every expert gives nought or more to each item, and something to one")
    return _whole((given / given.sum(axis=1, keepdims=True)).mean(axis=0))


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Weights from judgements in pairs, and how far the judgements agree: usable up to a ratio of 0.10."""

    weights: Floats
    largest: float  # λmax
    index: float  # CI
    ratio: float  # CR

    @property
    def consistent(self) -> bool:
        return self.ratio <= CONSISTENCY_MAX


def ahp(judgements: ArrayLike) -> Hierarchy:
    """Saaty's principal eigenvector of a reciprocal matrix. Refuses a matrix that is not reciprocal, or larger than ten."""
    a = np.asarray(judgements, dtype=np.float64)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or not 1 <= len(a) <= 10:
        raise ValueError("a square matrix of one to ten items")
    if not np.isfinite(a).all() or (a <= 0).any() or not np.allclose(a * a.T, 1.0, rtol=1e-6):
        raise ValueError("judgements above nought, each the reciprocal of its mirror image")
    values, vectors = np.linalg.eig(a)
    first = int(np.argmax(values.real))
    largest = float(values[first].real)
    weights = _whole(np.abs(vectors[:, first].real))
    index = (largest - len(a)) / (len(a) - 1) if len(a) > 1 else 0.0
    random = RANDOM_INDEX[len(a)]
    return Hierarchy(weights, largest, index, max(index, 0.0) / random if random else 0.0)


def entropy(x: ArrayLike) -> Floats:
    """Items that tell units apart weigh more: 1 - entropy of the shares of each unit. Refuses negative values."""
    values = matrix(x)
    if (values < 0).any() or (values.sum(axis=0) <= 0).any():
        raise ValueError("values of nought or more, one of each item above nought")
    shares = values / values.max(axis=0)
    shares = shares / shares.sum(axis=0)
    told = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=0) / np.log(len(values))
    # What rounding leaves of an item that tells nothing apart is nothing.
    return _whole(np.where(1.0 - told > 1e-12, 1.0 - told, 0.0))


def critic(x: ArrayLike) -> Floats:
    """Contrast times conflict: the spread of an item (min-max first, n - 1) times how little it says what others say."""
    values = np.column_stack([min_max(c) for c in matrix(x).T])
    spread = values.std(axis=0, ddof=1)
    flat = spread < 1e-12
    with np.errstate(invalid="ignore", divide="ignore"):
        together = np.corrcoef(values, rowvar=False).reshape(values.shape[1], values.shape[1])
    together = np.where(np.isnan(together), 0.0, together)
    return _whole(np.where(flat, 0.0, spread * (1.0 - together).sum(axis=0)))


def pca(x: ArrayLike) -> Floats:
    """Squared loadings on the components whose eigenvalue is one or more, each by the variance it explains (no rotation)."""
    values = matrix(x)
    spread = values.std(axis=0, ddof=1)
    keep = spread > 0
    if not keep.any():
        return equal(values.shape[1])
    standard = (values[:, keep] - values[:, keep].mean(axis=0)) / spread[keep]
    latent, vectors = np.linalg.eigh(standard.T @ standard / (len(values) - 1))
    used = latent >= 1.0 - 1e-9
    parts = np.zeros(values.shape[1])
    parts[keep] = (vectors[:, used] ** 2) @ latent[used]
    return _whole(parts)


def benefit_of_the_doubt(x: ArrayLike) -> tuple[Floats, Floats]:
    """For each unit the weights that flatter it most while nobody exceeds one: (scores, weights by unit, not adding up to one)."""
    values = matrix(x)
    if (values < 0).any() or (values.max(axis=0) <= 0).any():
        raise ValueError("values of nought or more, one of each item above nought")
    scale = values.max(axis=0)
    scaled = values / scale
    scores, chosen = np.empty(len(values)), np.empty_like(values)
    for place, row in enumerate(scaled):
        found = linprog(-row, A_ub=scaled, b_ub=np.ones(len(values)), bounds=(0, None), method="highs")
        assert found.success, found.message
        scores[place], chosen[place] = -found.fun, found.x / scale
    return scores, chosen
