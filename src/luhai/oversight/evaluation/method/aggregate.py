"""Scores of items or dimensions made one. The last axis is summed over; weights need not add up to one; what is not there (NaN) is left out.

Units: scores out of 100.
Source: OECD/JRC Handbook (2008) step 6; Copeland (1951); domain notes on oversight §2.2.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from luhai.oversight.evaluation.method.normalise import Floats

#: A mean of products dies at nought; one of a hundred is as bad as it gets.
FLOOR: Final = 1.0


def _ready(scores: ArrayLike, weights: ArrayLike) -> tuple[Floats, Floats]:
    s: Floats = np.asarray(scores, dtype=np.float64)
    w = np.asarray(weights, dtype=np.float64)
    if (w < 0).any() or not np.isfinite(w).all():
        raise ValueError("weights are nought or more")
    shares = np.where(np.isnan(s), 0.0, np.broadcast_to(w, s.shape))
    total = shares.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return s, shares / total  # NaN where nothing is left


def arithmetic(scores: ArrayLike, weights: ArrayLike) -> Floats:
    """Full compensation: a good score pays for a bad one."""
    s, w = _ready(scores, weights)
    mean: Floats = (np.where(np.isnan(s), 0.0, s) * w).sum(axis=-1)
    return mean


def geometric(scores: ArrayLike, weights: ArrayLike, floor: float = FLOOR) -> Floats:
    """∏ s^w: a bad dimension cannot be bought off."""
    return power(scores, weights, 0.0, floor)


def power(scores: ArrayLike, weights: ArrayLike, exponent: ArrayLike, floor: float = FLOOR) -> Floats:
    """The power mean: 1 is arithmetic, 0 geometric, -1 harmonic. `exponent` may differ by row. Scores under `floor` count as `floor`."""
    s, w = _ready(scores, weights)
    p = np.broadcast_to(np.asarray(exponent, dtype=np.float64), s.shape[:-1])[..., None]
    logs = np.log(np.maximum(np.where(np.isnan(s), 1.0, s), floor))
    middle = (w * logs).sum(axis=-1, keepdims=True)
    if not p.any():
        product: Floats = np.exp(middle)[..., 0]
        return product
    # About the geometric mean, so that large exponents do not overflow; a tiny exponent is the limit itself.
    small = np.abs(p) < 1e-9
    safe = np.where(small, 1.0, p)
    moved = np.log((w * np.exp(safe * (logs - middle))).sum(axis=-1, keepdims=True)) / safe
    mean: Floats = np.exp(middle + np.where(small, 0.0, moved))[..., 0]
    return mean


def copeland(scores: ArrayLike, weights: ArrayLike) -> Floats:
    """No compensation: who wins against whom by weight of items. Duels won minus duels lost, for each unit (units down, items across)."""
    s: Floats = np.asarray(scores, dtype=np.float64)
    w = np.asarray(weights, dtype=np.float64)
    ahead = s[:, None, :] > s[None, :, :]
    behind = s[:, None, :] < s[None, :, :]  # where either is not there, the item takes no part in the duel
    balance = ((ahead.astype(np.float64) - behind) * w).sum(axis=-1)
    # Sums of the same weights in another order may differ in the last digit; that decides no duel.
    outcome: Floats = np.where(np.abs(balance) < 1e-12, 0.0, np.sign(balance)).sum(axis=1)
    return outcome
