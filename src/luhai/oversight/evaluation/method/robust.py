"""How much of a result is the world, and how much the method: weights, normalisation, aggregation and the choice of items are changed at random.

A result is a table of scores, so everything here works on arrays: units down, items across. `composite` brings the table.
Source: Saisana, Saltelli and Tarantola (2005); Saltelli and others (2010) and Jansen (1999) for the indices; domain notes on oversight §2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from luhai.oversight.evaluation.method import aggregate, normalise
from luhai.oversight.evaluation.method.normalise import Floats

Sample = Mapping[str, Floats]

#: Normalisations that are tried: as the system says, then three that only look at the sample.
NORMALISATIONS: Final = ("as_defined", "min_max", "z", "rank")


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """What is thought possible.

    `concentration`: of the Dirichlet distribution about the base weights; 300 lets an average weight of 1/24 vary by 28 % of itself.
    `mix`: the share of the own baseline against the peers' (the system says a half). `powers`: exponents of the mean over dimensions.
    """

    concentration: float = 300.0
    mix: tuple[float, float] = (0.25, 0.75)
    powers: tuple[float, ...] = (0.0, 0.5, 1.0)


STANDARD: Final = Uncertainty()


@dataclass(frozen=True, slots=True)
class Table:
    """Scores of all units before they are made one.

    `own` and `peer` are out of 100 and NaN where that baseline is not used; `fixed` holds what is settled otherwise (goalposts, nought for what was not
    reported) and is NaN elsewhere. A place where all three are NaN is left out. `directed` are the raw values with more as better, for the
    normalisations that look at the sample. `dimension` is the number of each item's dimension; `weights` add up to one.
    """

    own: Floats
    peer: Floats
    fixed: Floats
    directed: Floats
    dimension: NDArray[np.int64]
    weights: Floats

    @property
    def units(self) -> int:
        return len(self.own)

    def scores(self, mix: float | Floats = 0.5) -> Floats:
        """Items' scores; `mix` may be an array of draws, then draws come first."""
        share = np.asarray(mix, dtype=np.float64)[..., None, None]
        both = np.where(np.isnan(self.peer), self.own, np.where(np.isnan(self.own), self.peer, share * self.own + (1 - share) * self.peer))
        found: Floats = np.where(np.isnan(self.fixed), both, self.fixed)
        return found

    def by_sample(self, normalisation: str) -> Floats:
        """The same table under a normalisation that looks at the sample only, on 0 to 100; nought stays where something was not reported."""
        how = {"min_max": normalise.min_max, "z": _z_score, "rank": normalise.rank}[normalisation]
        columns = np.column_stack([how(column) for column in self.directed.T]) * 100.0
        counted = ~np.isnan(self.scores())
        found: Floats = np.where(np.isnan(columns) & counted, np.where(np.isnan(self.fixed), 50.0, self.fixed), columns)
        return np.where(counted, found, np.nan)


def _z_score(x: Floats) -> Floats:
    """Three standard deviations either side of the mean become 0 to 1."""
    return np.clip(0.5 + normalise.z(x) / 6.0, 0.0, 1.0)


def dimensions(scores: Floats, weights: Floats, dimension: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Dimensions' scores (weighted mean of what is counted; NaN if nothing is) and their weights. Draws may come first in both."""
    count = int(dimension.max()) + 1
    wide = np.broadcast_to(weights[..., None, :] if weights.ndim > 1 else weights, scores.shape)
    there = ~np.isnan(scores)
    member = (dimension[:, None] == np.arange(count)).astype(np.float64)
    counted = np.where(there, wide, 0.0) @ member
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Floats = (np.where(there, scores, 0.0) * wide) @ member / counted
    return np.where(counted > 0, means, np.nan), weights @ member


def totals(table: Table, scores: Floats, weights: Floats, power: float | Floats = 0.0) -> Floats:
    """Units' totals: power mean over dimensions; 0 is the geometric mean that the system says. Nought where nothing could be counted."""
    means, shares = dimensions(scores, weights, table.dimension)
    wide = np.broadcast_to(shares[..., None, :] if shares.ndim > 1 else shares, means.shape)
    p = np.asarray(power, dtype=np.float64)
    return np.nan_to_num(aggregate.power(means, wide, p[..., None] if p.ndim else p), nan=0.0)


def ranks(total: Floats) -> Floats:
    """1 is best; equal totals share the better place. Differences beyond the ninth digit are rounding, not merit."""
    placed: Floats = rankdata(-np.round(total, 9), method="min", axis=-1).astype(np.float64)
    return placed


# ------------------------------------------------------------------------------------------------ Monte Carlo


def dirichlet(rng: np.random.Generator, weights: Floats, concentration: float, draws: int) -> Floats:
    """Weights about `weights`, each draw adding up to one."""
    gammas = rng.standard_gamma(np.maximum(weights * concentration, 1e-3), size=(draws, len(weights)))
    drawn: Floats = gammas / gammas.sum(axis=1, keepdims=True)
    return drawn


@dataclass(frozen=True, slots=True)
class Drawn:
    """What came out, draws first. `defined` marks the draws that kept the system's normalisation: only their totals compare with cut points."""

    totals: Floats
    ranks: Floats
    defined: NDArray[np.bool_]


def sample(rng: np.random.Generator, table: Table, uncertainty: Uncertainty, draws: int) -> Sample:
    """One number from 0 to 1 for each choice of method, and weights."""
    return {
        "weights": dirichlet(rng, table.weights, uncertainty.concentration, draws),
        "baseline": rng.random(draws),
        "normalisation": rng.random(draws),
        "aggregation": rng.random(draws),
    }


def drawn(table: Table, uncertainty: Uncertainty, chosen: Sample) -> Drawn:
    """Totals and ranks under each of the chosen methods."""
    low, high = uncertainty.mix
    scores = table.scores(low + (high - low) * chosen["baseline"])
    # Half of the draws keep the system's normalisation, the rest is shared by the three others.
    kind = np.where(chosen["normalisation"] < 0.5, 0, 1 + np.floor((chosen["normalisation"] - 0.5) * 6).astype(np.int64).clip(0, 2))
    for number, name in enumerate(NORMALISATIONS[1:], start=1):
        scores[kind == number] = table.by_sample(name)
    power = np.asarray(uncertainty.powers)[np.minimum((chosen["aggregation"] * len(uncertainty.powers)).astype(int), len(uncertainty.powers) - 1)]
    total = totals(table, scores, chosen["weights"], power)
    return Drawn(total, ranks(total), kind == 0)


@dataclass(frozen=True, slots=True)
class Ranking:
    """How firm the order is. By unit: the base rank, the median and the 5 % and 95 % ranks.

    `shift` is the mean over draws and units of |rank - base rank|. `alternatives` and `drop_one` give the same for one change at a time.
    `sobol`: for each source of uncertainty the share of the variance of the mean shift that it causes alone, and with all others.
    """

    base: Floats
    median: Floats
    low: Floats
    high: Floats
    shift: float
    alternatives: Mapping[str, float]
    drop_one: Mapping[str, float]
    sobol: Mapping[str, tuple[float, float]]


def ranking(table: Table, items: Sequence[str], seed: int, uncertainty: Uncertainty = STANDARD, draws: int = 1000) -> Ranking:
    """Everything about the order of units. Deterministic by seed."""
    rng = np.random.default_rng(seed)
    base = ranks(totals(table, table.scores(), table.weights))
    found = drawn(table, uncertainty, sample(rng, table, uncertainty, draws))
    low, median, high = np.quantile(found.ranks, [0.05, 0.5, 0.95], axis=0)

    def shift(total: Floats) -> float:
        return float(np.abs(ranks(total) - base).mean())

    alternatives = {name: shift(totals(table, table.by_sample(name), table.weights)) for name in NORMALISATIONS[1:]}
    alternatives["arithmetic"] = shift(totals(table, table.scores(), table.weights, 1.0))
    alternatives["copeland"] = shift(aggregate.copeland(table.scores(), table.weights))
    alternatives["equal_weights"] = shift(totals(table, table.scores(), np.full(len(table.weights), 1 / len(table.weights))))
    return Ranking(
        base, median, low, high, float(np.abs(found.ranks - base).mean()), alternatives, drop_one(table, items, base),
        sobol(
            lambda chosen: np.abs(drawn(table, uncertainty, chosen).ranks - base).mean(axis=1),
            sample(rng, table, uncertainty, draws), sample(rng, table, uncertainty, draws),
        ),
    )  # fmt: skip


def drop_one(table: Table, items: Sequence[str], base: Floats) -> Mapping[str, float]:
    """The mean shift of ranks when one item is left out."""
    found = {}
    for place, key in enumerate(items):
        scores = table.scores()
        scores[:, place] = np.nan
        weights = table.weights.copy()
        weights[place] = 0.0
        if (weights > 0).any() and not np.isnan(scores).all(axis=1).any():
            found[key] = float(np.abs(ranks(totals(table, scores, weights / weights.sum())) - base).mean())
    return found


# ------------------------------------------------------------------------------------------------ Sobol indices


def sobol(model: Callable[[Sample], Floats], first: Sample, second: Sample) -> Mapping[str, tuple[float, float]]:
    """First-order and total indices of each input (an input may be a whole vector, such as weights), by the estimators of Jansen.

    `first` and `second` are two independent samples of all inputs. An output that never varies has indices of nought.
    """
    a, b = model(first), model(second)
    variance = float(np.var(np.r_[a, b]))
    found = {}
    for name in first:
        mixed = model({**first, name: second[name]})
        if variance == 0.0:
            found[name] = (0.0, 0.0)
            continue
        alone = 1.0 - float(((b - mixed) ** 2).mean()) / (2 * variance)
        # A share is never negative; where it is about nought its estimate scatters to both sides.
        found[name] = (max(alone, 0.0), float(((a - mixed) ** 2).mean()) / (2 * variance))
    return found
