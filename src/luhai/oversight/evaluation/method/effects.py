"""What a measure did: staggered difference-in-differences, judged by drawing again which territories were treated and when.

    panel = Panel(outcome, first_treated)         outcome: territories down, periods across
    estimate(panel, seed=7) -> Effect             effect, interval, p, event study, placebos, number of clusters

Group-time effects are those of Callaway and Sant'Anna without covariates: the change of a cohort since the period before it was treated, less the same
change of those not yet (or never) treated. All of them, and every mean of them, are linear in the outcome with weights that depend on the
dates only. So drawing the dates again among territories permutes the rows of one matrix of weights W, and the effect under a permutation is a sum over
one entry in each column of W·Yᵀ: a thousand permutations cost no more than one estimate.

Why permutations: fifteen clusters with serial correlation break the usual standard errors; see docs/decisions/0058.
Who: `oversight/evaluation` for the effect of a measure; `judge` for how far it can be trusted.
Units: those of the outcome; with logarithms in, an effect e means 100·(exp(e) - 1) per cent.
Refuses: ValueError (the field, and what would be right).
Source: Callaway and Sant'Anna (2021); Fisher's exact inference as in Young (2019); domain notes on oversight §2.6.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luhai.oversight.evaluation.method.normalise import Floats
from luhai.oversight.evaluation.method.system import Number

Dates = NDArray[np.int64]

#: Where no more ways than this exist to give the dates to the territories, all are tried.
EXACT_UP_TO: Final = 20_000
#: Differences smaller than this part of the effect's scale are rounding.
TIE: Final = 1e-9


@dataclass(frozen=True)
class Panel:
    """A balanced panel. `first` is the number of the first treated period of each unit (0 is the first period), None for never.

    Units treated from the first period on have no time before; they are left out, and `dropped` counts them.
    """

    outcome: Floats
    first: tuple[int | None, ...]
    dropped: int = field(default=0)

    @property
    def units(self) -> int:
        return len(self.outcome)

    @property
    def periods(self) -> int:
        return int(self.outcome.shape[1])

    @property
    def dates(self) -> Dates:
        """First treated periods; the number of periods stands for never."""
        return np.array([self.periods if g is None else g for g in self.first], dtype=np.int64)


def panel(outcome: ArrayLike, first: Sequence[int | None]) -> Panel:
    """Check and build. A date beyond the last period counts as never: the panel cannot tell them apart."""
    y = np.array(outcome, dtype=np.float64)
    if y.ndim != 2 or y.shape[1] < 2 or len(y) != len(first):
        raise ValueError("outcome: units down, at least two periods across, one date for each unit")
    if not np.isfinite(y).all():
        raise ValueError("outcome: a finite value for every unit and period")
    if any(g is not None and g < 0 for g in first):
        raise ValueError("first: a period's number from 0 on, or none")
    keep = [n for n, g in enumerate(first) if g != 0]
    dates = tuple(None if (g := first[n]) is None or g >= y.shape[1] else int(g) for n in keep)
    if all(g is None for g in dates):
        raise ValueError("first: at least one unit that is treated within the panel and observed before")
    if len(set(dates)) < 2:
        raise ValueError("first: somebody to compare with, treated never or later than another")
    return Panel(y[keep], dates, len(first) - len(keep))


# ------------------------------------------------------------------------------------------------ weights


def cell_weights(dates: Dates, periods: int, cohort: int, at: int, base: int) -> Floats | None:
    """The weights of one comparison: the cohort's change from `base` to `at`, less that of all who are untreated at both. None without them."""
    treated = dates == cohort
    control = (dates > max(at, base)) & ~treated
    if not control.any():
        return None
    w = np.zeros((len(dates), periods))
    side = np.where(treated, 1.0 / treated.sum(), np.where(control, -1.0 / control.sum(), 0.0))
    w[:, at] += side
    w[:, base] -= side
    return w


@dataclass(frozen=True)
class _Cells:
    """All comparisons of a design: their weights, cohort, period and size of the cohort."""

    weights: Floats  # cells × units × periods
    cohort: Dates
    at: Dates
    size: Floats

    def mean(self, chosen: NDArray[np.bool_]) -> Floats | None:
        """The mean of the chosen comparisons, each by the size of its cohort."""
        if not chosen.any():
            return None
        found: Floats = np.tensordot(self.size[chosen] / self.size[chosen].sum(), self.weights[chosen], axes=1)
        return found


def cells(dates: Dates, periods: int, lead: int = 0) -> _Cells:
    """Every cohort in every period against the period before its date. `lead` pretends that the dates were so much earlier, and looks at nothing later."""
    found = []
    for cohort in sorted({int(g) for g in dates if g < periods}):
        base = cohort - lead - 1
        if base < 0:
            continue
        for at in range(periods if lead == 0 else cohort):
            if at != base and (w := cell_weights(dates, periods, cohort, at, base)) is not None:
                found.append((w, cohort, at, float((dates == cohort).sum())))
    if not found:
        return _Cells(np.zeros((0, len(dates), periods)), *(np.zeros(0, dtype=np.int64),) * 2, np.zeros(0))
    weights, cohorts, ats, sizes = zip(*found, strict=True)
    return _Cells(np.array(weights), np.array(cohorts), np.array(ats), np.array(sizes))


def overall_weights(dates: Dates, periods: int) -> Floats | None:
    """The mean of all group-time effects from the date on, each by the size of its cohort."""
    all_cells = cells(dates, periods)
    return all_cells.mean(all_cells.at >= all_cells.cohort)


# ------------------------------------------------------------------------------------------------ permutations


@dataclass(frozen=True)
class Permutations:
    """Ways to give the dates to the units: each row names, for each unit, the unit whose dates it takes. The first row changes nothing."""

    rows: NDArray[np.int64]
    exact: bool

    def effects(self, weights: Floats, outcome: Floats) -> Floats:
        """The linear estimate under each of them."""
        crossed = weights @ outcome.T
        found: Floats = crossed[self.rows, np.arange(len(outcome))].sum(axis=1)
        return found


def permutations(dates: Dates, seed: int, draws: int = 999) -> Permutations:
    """All different ways if there are few, else `draws` drawn at random and the one that was."""
    counts = Counter(dates.tolist())
    ways = math.factorial(len(dates))
    for count in counts.values():
        ways //= math.factorial(count)
    if ways <= EXACT_UP_TO:
        return Permutations(_all_ways(dates), True)
    rng = np.random.default_rng(seed)
    rows = rng.permuted(np.tile(np.arange(len(dates)), (draws, 1)), axis=1)
    return Permutations(np.vstack([np.arange(len(dates)), rows]), False)


def _all_ways(dates: Dates) -> NDArray[np.int64]:
    """Every different arrangement once, as rows of units; the true one first."""
    arranged: list[tuple[int, ...]] = [()]
    kinds = sorted(set(dates.tolist()))
    left = [tuple(int((dates == kind).sum()) for kind in kinds)]
    for _ in range(len(dates)):
        grown, rest = [], []
        for head, remaining in zip(arranged, left, strict=True):
            for k, count in enumerate(remaining):
                if count:
                    grown.append((*head, k))
                    rest.append((*remaining[:k], count - 1, *remaining[k + 1 :]))
        arranged, left = grown, rest
    way = np.array(arranged, dtype=np.int64)
    # A kind of date is turned into units that have it, in order: which of them does not matter, their weights are the same.
    order = np.argsort(dates, kind="stable")
    rows = np.empty_like(way)
    rows[np.arange(len(way))[:, None], np.argsort(way, axis=1, kind="stable")] = order
    true = (way == np.searchsorted(kinds, dates)).all(axis=1)
    return np.vstack([np.arange(len(dates)), rows[~true]])


def p_value(effects: Floats) -> float:
    """How large a share is at least as far from nought as the first, which is the true one; never nought."""
    sizes = np.abs(effects)
    return float((sizes >= sizes[0] - TIE * max(1.0, float(sizes.max()))).mean())


def speaks(p: float | None, alpha: Number) -> bool:
    """Whether a p is at most `alpha`; one that could not be counted says nothing. Equal is equal: 50 of 1,000 is five per cent."""
    return p is not None and p <= float(alpha) + 1e-12


def interval(effects: Floats, shares: Floats, alpha: float) -> tuple[float, float]:
    """All constant effects that the permutation test does not reject at `alpha`; the ends may be infinite where the ways are too few.

    `shares` is the effect that each permutation would show on treatment itself (1 for the true one). If the truth is t, the outcome less t times treatment
    has no effect left, and permutation π shows e_π - t·s_π. It speaks for t where |e_π - t·s_π| ≥ |e - t|: between (e - e_π)/(1 - s_π)
    and (e + e_π)/(1 + s_π), which always holds e. So the interval's ends are order statistics of these.
    """
    e, s = effects, shares
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack([(e[0] - e) / (1.0 - s), (e[0] + e) / (1.0 + s)])
    low = np.where(np.isnan(ends).any(axis=0), -np.inf, ends.min(axis=0))
    high = np.where(np.isnan(ends).any(axis=0), np.inf, ends.max(axis=0))
    # A value is rejected once no more than α of all ways speak for it.
    last = math.floor(alpha * len(e) + 1e-9)
    low, high = np.sort(low), np.sort(high)[::-1]
    return float(low[last]), float(high[last])


# ------------------------------------------------------------------------------------------------ results


@dataclass(frozen=True, slots=True)
class GroupTime:
    cohort: int
    period: int
    effect: float
    units: int


@dataclass(frozen=True, slots=True)
class EventTime:
    """The mean effect so many periods after the date (negative: before it, where it should be nought; -1 is the base and left out)."""

    since: int
    effect: float
    p: float
    units: int


@dataclass(frozen=True, slots=True)
class Placebo:
    """A test that should find nothing. `p` None: there are too few periods before."""

    name: str  # "before": all periods before, jointly; "fake_dates": dates some periods earlier, nothing after the true ones looked at
    effect: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Effect:
    """The whole statement. It is reported as it is, found or not; nothing is hidden behind a threshold.

    `p_least` is the smallest p that so many ways could have given. `dropped` units were treated from the start.
    """

    effect: float
    low: float
    high: float
    alpha: float
    p: float
    p_least: float
    ways: int
    exact: bool
    clusters: int
    treated: int
    never: int
    dropped: int
    group_time: tuple[GroupTime, ...]
    event_study: tuple[EventTime, ...]
    placebos: tuple[Placebo, ...]


def estimate(data: Panel, *, seed: int, draws: int = 999, alpha: float = 0.05, fake_lead: int = 2) -> Effect:
    """Everything there is to say about the effect. Deterministic by seed."""
    if not 0 < alpha < 1:
        raise ValueError("alpha: between 0 and 1")
    dates, y = data.dates, data.outcome
    # Levels of a unit cancel in every comparison; without them less is lost to rounding.
    y = y - y.mean(axis=1, keepdims=True)
    found = cells(dates, data.periods)
    after = found.at >= found.cohort
    weights = found.mean(after)
    if weights is None:
        raise ValueError("first: no period in which a treated unit has somebody to compare with")
    ways = permutations(dates, seed, draws)
    effects = ways.effects(weights, y)
    treatment = (np.arange(data.periods) >= dates[:, None]).astype(np.float64)
    low, high = interval(effects, ways.effects(weights, treatment), alpha)
    return Effect(
        effect=float(effects[0]), low=low, high=high, alpha=alpha, p=p_value(effects), p_least=1.0 / len(effects), ways=len(effects),
        exact=ways.exact, clusters=data.units, treated=int((dates < data.periods).sum()), never=int((dates == data.periods).sum()),
        dropped=data.dropped,
        group_time=tuple(
            GroupTime(int(g), int(t), float((w * y).sum()), int(n)) for w, g, t, n in zip(found.weights, found.cohort, found.at, found.size, strict=True)
        ),
        event_study=_event_study(found, ways, y),
        placebos=(_before(found, ways, y), _fake_dates(dates, data.periods, ways, y, fake_lead)),
    )  # fmt: skip


def _event_study(found: _Cells, ways: Permutations, y: Floats) -> tuple[EventTime, ...]:
    since = found.at - found.cohort
    told = []
    for e in sorted(set(since.tolist())):
        weights = found.mean(since == e)
        assert weights is not None
        effects = ways.effects(weights, y)
        told.append(EventTime(int(e), float(effects[0]), p_value(effects), int(found.size[since == e].sum())))
    return tuple(told)


def _before(found: _Cells, ways: Permutations, y: Floats) -> Placebo:
    """All event times before the base at once: the square sum of their effects."""
    since = found.at - found.cohort
    early = [weights for e in sorted(set(since[since < -1].tolist())) if (weights := found.mean(since == e)) is not None]
    if not early:
        return Placebo("before", None, None)
    effects = np.array([ways.effects(weights, y) for weights in early])
    return Placebo("before", float(np.sqrt((effects[:, 0] ** 2).mean())), p_value((effects**2).sum(axis=0)))


def _fake_dates(dates: Dates, periods: int, ways: Permutations, y: Floats, lead: int) -> Placebo:
    found = cells(dates, periods, lead)
    weights = found.mean(found.at >= found.cohort - lead)
    if lead < 1 or weights is None:
        return Placebo("fake_dates", None, None)
    effects = ways.effects(weights, y)
    return Placebo("fake_dates", float(effects[0]), p_value(effects))


# ------------------------------------------------------------------------------------------------ for comparison


@dataclass(frozen=True, slots=True)
class Naive:
    """What a test would say that believes its rows: two-way fixed effects, with errors taken as independent, or as clustered and normal."""

    effect: float
    p_independent: float
    p_clustered: float


def naive(data: Panel) -> Naive:
    """The usual regression. It is here only to show how often it finds what is not there; nothing is decided by it."""
    from scipy.stats import norm, t

    treatment = (np.arange(data.periods) >= data.dates[:, None]).astype(np.float64)
    d, y = _two_way(treatment), _two_way(data.outcome)
    square = float((d**2).sum())
    effect = float((d * y).sum()) / square
    rest = y - effect * d
    freedom = data.units * data.periods - data.units - data.periods
    independent = math.sqrt(float((rest**2).sum()) / freedom / square)
    clustered = math.sqrt(float(((d * rest).sum(axis=1) ** 2).sum()) * data.units / (data.units - 1)) / square
    return Naive(effect, float(2 * t.sf(abs(effect) / independent, freedom)), float(2 * norm.sf(abs(effect) / clustered)))


def _two_way(x: Floats) -> Floats:
    less: Floats = x - x.mean(axis=1, keepdims=True) - x.mean(axis=0, keepdims=True) + x.mean()
    return less


def recounted(data: Panel) -> float:
    """The same effect from other code, the package diff-diff: a second opinion for the page and the tests. Its standard errors are not used."""
    import pandas as pd
    from diff_diff import CallawaySantAnna

    units, periods = np.indices(data.outcome.shape)
    frame = pd.DataFrame({
        "unit": units.ravel(), "time": periods.ravel() + 1, "y": data.outcome.ravel(),
        "first": np.where(data.dates < data.periods, data.dates + 1, 0)[units.ravel()],
    })  # fmt: skip
    made = CallawaySantAnna(control_group="not_yet_treated", estimation_method="reg", base_period="universal")
    return float(made.fit(frame, outcome="y", unit="unit", time="time", first_treat="first").overall_att)
