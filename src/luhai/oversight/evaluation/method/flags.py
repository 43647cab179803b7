"""Who is out of line: one rule for a bank that answers slowly, a list that went stale, and whatever else is worse than its peers'.

A unit is flagged only if three things hold, each against another mistake:
    size    it is worse than the peers' median by the factor `times`: a difference nobody would act on is none
    spread  it is further from the median than the worst of so many units would be if they differed by nature only, in robust deviations
    chance  with the rows given: shuffled among the units, they almost never bring one so far out (few rows make wild medians)
The last two are family-wise: `alpha` is how often *any* unit is flagged where there is nothing, not how often each is.

Who: scorecards of `oversight/evaluation`, and `judge` for how far it can be trusted.
Units: values in their own unit; `Scale` says on which scale differences are compared.
Refuses: ValueError (the field, and what would be right).
Source: ours. Robust deviations after Iglewicz and Hoaglin (1993); the largest of shuffled statistics after Westfall and Young (1993).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri
from scipy.stats import rankdata

from luhai.oversight.evaluation.method.normalise import Floats
from luhai.oversight.evaluation.method.system import Number

#: The median of |x| of a normal distribution is this part of its standard deviation.
_NORMAL: Final = 0.6744897501960817
#: By nature units differ with heavier tails than the normal: Student's t with so many degrees of freedom is the yardstick.
_FREEDOM: Final = 5
_LIMIT_DRAWS: Final = 20_000
UNITS_MIN: Final = 5


class Scale(StrEnum):
    PLAIN = "plain"
    LOG = "log"  # times as long, times as much
    SHARE = "share"  # 0 to 1: spread out at the ends


@dataclass(frozen=True, slots=True)
class Flag:
    """One unit's verdict with everything that made it. `p` is None where no rows were given."""

    value: float
    median: float
    deviation: float
    limit: float
    p: float | None
    flagged: bool


def flags(
    values: Mapping[str, Number], *, worse: int, times: Number, scale: Scale = Scale.PLAIN,
    rows: Mapping[str, ArrayLike] | None = None, seed: int = 0, alpha: float = 0.05, draws: int = 199,
) -> dict[str, Flag]:  # fmt: skip
    """Judge every unit. `worse`: 1 where large values are bad, -1 where small ones are. Fewer than five units give no flags: there is no spread.

    `rows`: the single observations behind each unit's value, in the same direction.
    """
    if worse not in (1, -1):
        raise ValueError("worse: 1 or -1")
    if not times >= 1:
        raise ValueError("times: a factor of 1 or more")
    units = sorted(values)
    plain = np.array([float(values[unit]) for unit in units])
    if not np.isfinite(plain).all() or (scale is Scale.LOG and (plain <= 0).any()) or (scale is Scale.SHARE and ((plain < 0) | (plain > 1)).any()):
        raise ValueError(f"values: finite and on the scale {scale}")
    if len(units) < UNITS_MIN:
        return {unit: Flag(v, float(np.median(plain)), 0.0, float("inf"), None, False) for unit, v in zip(units, plain.tolist(), strict=True)}
    median = float(np.median(plain))
    away = deviations(_on(scale, plain)) * worse
    limit = largest_by_nature(len(units), alpha)
    factor = float(times)
    big = plain >= factor * median if worse == 1 else plain * factor <= median
    chances = None if rows is None else by_chance([rows[unit] for unit in units], worse, seed, draws)
    return {
        unit: Flag(
            float(plain[n]), median, float(away[n]), limit, None if chances is None else float(chances[n]),
            bool(big[n] and away[n] > limit and (chances is None or chances[n] <= alpha)),
        )
        for n, unit in enumerate(units)
    }  # fmt: skip


def _on(scale: Scale, plain: Floats) -> Floats:
    match scale:
        case Scale.LOG:
            logs: Floats = np.log(plain)
            return logs
        case Scale.SHARE:
            angles: Floats = np.arcsin(np.sqrt(plain))
            return angles
        case Scale.PLAIN:
            return plain


def deviations(x: Floats) -> Floats:
    """Distance from the median in robust standard deviations. Where more than half are equal, the mean distance takes the place of the median one."""
    away = x - np.median(x, axis=-1, keepdims=True)
    spread = np.median(np.abs(away), axis=-1, keepdims=True) / _NORMAL
    spread = np.where(spread > 0, spread, np.abs(away).mean(axis=-1, keepdims=True) * 1.2533141373155003)
    found: Floats = np.where(spread > 0, away / np.where(spread > 0, spread, 1.0), 0.0)
    return found


@lru_cache(maxsize=256)
def largest_by_nature(units: int, alpha: float) -> float:
    """What the largest of so many robust deviations exceeds with probability `alpha` though nobody is out of line. Drawn once, always the same."""
    rng = np.random.default_rng(20_080)
    drawn = rng.standard_t(_FREEDOM, size=(_LIMIT_DRAWS, units))
    return float(np.quantile(deviations(drawn).max(axis=1), 1 - alpha))


def by_chance(rows: Sequence[ArrayLike], worse: int, seed: int, draws: int) -> Floats:
    """For each unit: how often the worst unit of shuffled rows is at least as far out as it is. Works on ranks, so that one wild row says little."""
    columns = [np.atleast_1d(np.asarray(r, dtype=np.float64)) for r in rows]
    counts = np.array([len(c) for c in columns])
    if (counts == 0).any():
        raise ValueError("rows: at least one behind every value")
    flat = np.concatenate(columns)
    scores = ndtri((rankdata(flat) - 0.5) / len(flat)) * worse
    starts = np.r_[0, np.cumsum(counts)[:-1]]

    def out(x: Floats) -> Floats:
        means: Floats = np.add.reduceat(x - x.mean(), starts) / np.sqrt(counts)
        return means

    true = out(scores)
    rng = np.random.default_rng(seed)
    worst = np.array([out(rng.permutation(scores)).max() for _ in range(draws)])
    found: Floats = (1 + (worst[None, :] >= true[:, None] - 1e-9).sum(axis=1)) / (draws + 1)
    return found
