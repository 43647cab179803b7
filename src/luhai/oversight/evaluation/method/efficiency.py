"""Who makes more out of less: data envelopment analysis, input-oriented, with constant (CCR) and variable (BCC) returns to scale.

Units: inputs and outputs in any unit above nought; θ is the share of its inputs with which a unit's outputs could have been made.
Source: Charnes, Cooper and Rhodes (1978); Banker, Charnes and Cooper (1984); Cazals, Florens and Simar (2002) for order-m; domain notes §2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog

from luhai.oversight.evaluation.method.normalise import Floats


class Returns(StrEnum):
    CONSTANT = "ccr"
    VARIABLE = "bcc"


@dataclass(frozen=True, slots=True)
class Efficiency:
    """By unit. `enough` is whether there are units enough for inputs and outputs to be told apart (three for each of both)."""

    ccr: Floats
    bcc: Floats
    scale: Floats  # CCR / BCC
    enough: bool


def _ready(inputs: ArrayLike, outputs: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(inputs, dtype=np.float64), np.asarray(outputs, dtype=np.float64)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or not len(x):
        raise ValueError("inputs and outputs of the same units, units down")
    if not (np.isfinite(x).all() and np.isfinite(y).all()) or (x <= 0).any() or (y < 0).any() or (y.max(axis=1) <= 0).any():
        raise ValueError("inputs above nought, outputs of nought or more and one above for every unit")
    return x / x.max(axis=0), y / np.where(y.max(axis=0) > 0, y.max(axis=0), 1.0)


def thetas(inputs: ArrayLike, outputs: ArrayLike, returns: Returns) -> Floats:
    """min θ with Σλx ≤ θ·x_o, Σλy ≥ y_o, λ ≥ 0, and Σλ = 1 under variable returns; for each unit o."""
    x, y = _ready(inputs, outputs)
    count = len(x)
    found = np.empty(count)
    cost = np.r_[1.0, np.zeros(count)]
    for o in range(count):
        bounds = np.block([[-x[o][:, None], x.T], [np.zeros((y.shape[1], 1)), -y.T]])
        solved = linprog(
            cost, A_ub=bounds, b_ub=np.r_[np.zeros(x.shape[1]), -y[o]], bounds=(0, None), method="highs",
            A_eq=np.r_[0.0, np.ones(count)][None, :] if returns is Returns.VARIABLE else None,
            b_eq=[1.0] if returns is Returns.VARIABLE else None,
        )  # fmt: skip
        assert solved.success, solved.message
        found[o] = solved.fun
    return np.minimum(found, 1.0)


def efficiency(inputs: ArrayLike, outputs: ArrayLike) -> Efficiency:
    """Both measures and what scale alone costs."""
    x, y = _ready(inputs, outputs)
    ccr, bcc = thetas(x, y, Returns.CONSTANT), thetas(x, y, Returns.VARIABLE)
    return Efficiency(ccr, bcc, np.minimum(ccr / bcc, 1.0), len(x) >= 3 * (x.shape[1] + y.shape[1]))


def order_m(inputs: ArrayLike, outputs: ArrayLike, m: int, seed: int, draws: int = 500) -> Floats:
    """Against `m` peers drawn at random from those who make as much, on average: one strange unit no longer sets the bar. May exceed one."""
    x, y = _ready(inputs, outputs)
    rng = np.random.default_rng(seed)
    found = np.empty(len(x))
    for o in range(len(x)):
        able = x[(y >= y[o] - 1e-12).all(axis=1)]
        drawn = able[rng.integers(0, len(able), size=(draws, m))]
        found[o] = (drawn / x[o]).max(axis=2).min(axis=1).mean()
    return found
