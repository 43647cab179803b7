"""A system and what is given -> every unit's score, explained to the point.

    score of an item    half its value against its own baseline, half against its peers' (§2.3), or its place between goalposts
    score of a dimension    weighted mean of the items that count
    total    geometric mean of the dimensions, less what vetoes take
    grade    by cut points, capped by vetoes, limited by quota; published only if it stays the same when weights and methods change

Who: `oversight/evaluation` calls `evaluate` in a run and stores what comes back; `robustness` and `coherence_of` for the report.
Units: out of 100.
Refuses: ValueError naming the field, for a system or values that cannot be counted.
Source: domain notes on oversight §2.2–2.4.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from luhai.oversight.evaluation.method import coherence, normalise, robust
from luhai.oversight.evaluation.method.aggregate import FLOOR
from luhai.oversight.evaluation.method.normalise import Floats
from luhai.oversight.evaluation.method.system import (
    DimScored,
    Form,
    Given,
    Interval,
    Item,
    ItemScored,
    Number,
    Reason,
    Scored,
    Status,
    System,
    Way,
    problems,
)

#: How many earlier values make the own baseline.
OWN_VALUES: Final = 4
#: Values that a median of peers must stand on, the unit's own among them.
PEERS_LEAST: Final = 4

Everyone = Mapping[str, Mapping[str, Given]]


@dataclass(frozen=True, slots=True)
class _Cell:
    """One unit's item before weights."""

    status: Status
    way: Way
    value: float | None
    own_baseline: float | None = None
    peer_baseline: float | None = None
    own: float | None = None
    peer: float | None = None
    goal: float | None = None

    @property
    def score(self) -> float | None:
        match self.way:
            case Way.BOTH:
                assert self.own is not None
                assert self.peer is not None
                return 0.5 * self.own + 0.5 * self.peer
            case Way.OWN:
                return self.own
            case Way.PEERS:
                return self.peer
            case Way.GOALPOST:
                return self.goal
            case Way.NOT_REPORTED:
                return 0.0
            case Way.LEFT_OUT:
                return None


def evaluate(
    system: System, given: Everyone, *, seed: int, vetoes: Mapping[str, Collection[str]] | None = None,
    draws: int = 1000, uncertainty: robust.Uncertainty = robust.STANDARD,
) -> dict[str, Scored]:  # fmt: skip
    """Score every unit in `given` (unit -> item key -> Given). An item that is not named for a unit is *no data*.

    `vetoes`: unit -> keys of the vetoes confirmed against it. The same seed gives the same result, whatever the order of the units.
    Refuses: ValueError (the field, and what would be right).
    """
    units = sorted(given)
    vetoes = vetoes or {}
    _check(system, given, vetoes)
    if not units:
        return {}
    cells = _cells(system, given, units)
    table = _table(system, cells, units)
    before = robust.totals(table, table.scores(), table.weights)
    deducted = np.array([_deducted(system, vetoes.get(unit, ()), float(total)) for unit, total in zip(units, before, strict=True)])
    caps = np.array([_cap(system, vetoes.get(unit, ())) for unit in units])
    after = before - deducted
    covered = _coverage(table)
    enough = covered >= float(system.coverage_min)
    by_points = _by_points(system, after)
    final = _graded(system, after, caps, enough)

    rng = np.random.default_rng(seed)
    found = robust.drawn(table, uncertainty, robust.sample(rng, table, uncertainty, draws))
    kept = np.maximum(found.totals[found.defined] - deducted, 0.0)
    graded = np.array([_graded(system, total, caps, enough) for total in kept]) if len(kept) else final[None, :]
    kept = kept if len(kept) else after[None, :]
    place = robust.ranks(after)
    result = {}
    for u, unit in enumerate(units):
        low, high = np.quantile(graded[:, u], [0.05, 0.95], method="inverted_cdf")
        reasons = _reasons(bool(enough[u]), int(by_points[u]), int(caps[u]), int(final[u]))
        if enough[u] and not (low == high == final[u]):
            reasons = (*reasons, Reason.BORDERLINE)
        published = enough[u] and Reason.BORDERLINE not in reasons
        dims, items = _explained(system, table, u, cells[unit], float(before[u]))
        result[unit] = Scored(
            unit=unit,
            total=float(after[u]),
            deducted=float(deducted[u]),
            rank=int(place[u]),
            grade=system.grades[final[u]].key if published else None,
            grade_by_points=system.grades[by_points[u]].key,
            reasons=reasons,
            vetoes=tuple(sorted(vetoes.get(unit, ()))),
            coverage=float(covered[u]),
            dims=dims,
            items=items,
            interval=_interval(kept[:, u]),
            rank_interval=_interval(found.ranks[:, u]),
            grade_shares={grade.key: float((graded[:, u] == n).mean()) for n, grade in enumerate(system.grades)},
        )
    return result


def robustness(system: System, given: Everyone, *, seed: int, draws: int = 1000, uncertainty: robust.Uncertainty = robust.STANDARD) -> tuple[list[str], robust.Ranking]:  # fmt: skip
    """How firm the order is, before vetoes: the units in the order in which the ranking's columns stand, and the ranking."""
    units = sorted(given)
    _check(system, given, {})
    table = _table(system, _cells(system, given, units), units)
    return units, robust.ranking(table, [item.key for item in system.items], seed, uncertainty, draws)


def coherence_of(system: System, given: Everyone) -> Sequence[coherence.Coherence]:
    """Every item against its own dimension, over the units."""
    units = sorted(given)
    _check(system, given, {})
    table = _table(system, _cells(system, given, units), units)
    scores = table.scores()
    means, _ = robust.dimensions(scores, table.weights, table.dimension)
    return coherence.coherence(
        {item.key: scores[:, n] for n, item in enumerate(system.items)},
        {item.key: item.dimension for item in system.items},
        {dim.key: means[:, n] for n, dim in enumerate(system.dims)},
    )


# ------------------------------------------------------------------------------------------------ checking


def _check(system: System, given: Everyone, vetoes: Mapping[str, Collection[str]]) -> None:
    wrong = problems(system)
    if wrong:
        raise ValueError("; ".join(wrong))
    keys = {item.key for item in system.items}
    for unit, brought in given.items():
        for key, one in brought.items():
            if key not in keys:
                raise ValueError(f"given.{unit}.{key}: no item of system {system.key}")
            if (one.value is not None) != (one.status is Status.OK):
                raise ValueError(f"given.{unit}.{key}: a value where the status is ok, and only there")
            numbers = (*one.history, *(() if one.value is None else (one.value,)))
            if not all(math.isfinite(n) and abs(n) <= 1e100 for n in numbers):
                raise ValueError(f"given.{unit}.{key}: finite numbers of a size that can be counted")
    known = {veto.key for veto in system.vetoes}
    for unit, keys_of in vetoes.items():
        if unit not in given:
            raise ValueError(f"vetoes.{unit}: no unit that is scored")
        for key in keys_of:
            if key not in known:
                raise ValueError(f"vetoes.{unit}: {key} is no veto of system {system.key}")


# ------------------------------------------------------------------------------------------------ items


def _cells(system: System, given: Everyone, units: Sequence[str]) -> dict[str, list[_Cell]]:
    cells: dict[str, list[_Cell]] = {unit: [] for unit in units}
    groups = {unit: group for group, members in system.peer_groups.items() for unit in members}
    for item in system.items:
        values = {unit: _value(given[unit].get(item.key)) for unit in units}
        medians = {}
        for group in {groups[unit] for unit in units if unit in groups}:
            there = [v for unit, v in values.items() if v is not None and groups.get(unit) == group]
            # In a group of two the median gives the other's value away to whoever knows his own, and it is printed.
            medians[group] = float(np.median(there)) if len(there) >= PEERS_LEAST else None
        for unit in units:
            brought = given[unit].get(item.key, Given(status=Status.NO_DATA))
            peers = medians.get(groups[unit]) if unit in groups else None
            cells[unit].append(_cell(item, brought, values[unit], peers))
    return cells


def _value(brought: Given | None) -> float | None:
    return None if brought is None or brought.value is None else float(brought.value)


def _cell(item: Item, brought: Given, value: float | None, peers: float | None) -> _Cell:
    """Source: §2.3. Where a baseline that is due cannot be used (unknown, nought or less), goalposts alone decide, if there are any."""
    if value is None:
        owed = brought.status is Status.MISSING and item.must_report
        return _Cell(brought.status, Way.NOT_REPORTED if owed else Way.LEFT_OUT, None)
    own = _mean(brought.history[-OWN_VALUES:]) if len(brought.history) >= OWN_VALUES else None
    goal = None if item.goalposts is None else float(normalise.goalpost(value, float(item.goalposts[0]), float(item.goalposts[1])))
    own_score, peer_score = (
        float(normalise.against(value, baseline, item.polarity)) if baseline is not None and baseline > 0 else None for baseline in (own, peers)
    )
    if item.form is Form.GOALPOST:
        way = Way.GOALPOST
    elif own_score is not None and peer_score is not None:
        way = Way.BOTH
    elif goal is not None:
        way = Way.GOALPOST
    elif own_score is not None:
        way = Way.OWN
    elif peer_score is not None:
        way = Way.PEERS
    else:
        way = Way.LEFT_OUT
    return _Cell(brought.status, way, value, own, peers, own_score, peer_score, goal)


def _mean(values: Sequence[Number]) -> float:
    return math.fsum(float(v) for v in values) / len(values)


def _table(system: System, cells: Mapping[str, list[_Cell]], units: Sequence[str]) -> robust.Table:
    shape = (len(units), len(system.items))
    own, peer, fixed, directed = (np.full(shape, np.nan) for _ in range(4))
    for u, unit in enumerate(units):
        for i, (item, cell) in enumerate(zip(system.items, cells[unit], strict=True)):
            if cell.way in (Way.BOTH, Way.OWN):
                own[u, i] = cell.own
            if cell.way in (Way.BOTH, Way.PEERS):
                peer[u, i] = cell.peer
            if cell.way in (Way.GOALPOST, Way.NOT_REPORTED):
                fixed[u, i] = cell.score
            if cell.value is not None and cell.way is not Way.LEFT_OUT:
                directed[u, i] = cell.value * item.polarity
    points = np.array([float(item.points) for item in system.items])
    place = {dim.key: n for n, dim in enumerate(system.dims)}
    return robust.Table(own, peer, fixed, directed, np.array([place[item.dimension] for item in system.items], dtype=np.int64), points / points.sum())


# ------------------------------------------------------------------------------------------------ totals and grades


def _coverage(table: robust.Table) -> Floats:
    found: Floats = (~np.isnan(table.scores()) * table.weights).sum(axis=1)
    return found


def _deducted(system: System, vetoes: Collection[str], total: float) -> float:
    return min(sum((float(veto.deduct) for veto in system.vetoes if veto.key in vetoes), 0.0), total)


def _cap(system: System, vetoes: Collection[str]) -> int:
    """The number of the best grade still open; 0 is the best of all."""
    order = [grade.key for grade in system.grades]
    return max((order.index(veto.cap) for veto in system.vetoes if veto.key in vetoes and veto.cap is not None), default=0)


def _by_points(system: System, total: Floats) -> NDArray[np.int64]:
    """The number of the grade by cut points alone. A total is compared as it is shown, to four digits."""
    cuts = np.array([float(grade.cut) for grade in system.grades])
    found: NDArray[np.int64] = (np.round(total, 4)[:, None] < cuts).sum(axis=1)
    return found


def _graded(system: System, total: Floats, caps: NDArray[np.int64], enough: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Cut points, then caps, then quotas from the best grade down: who is beyond the quota, or tied across its edge, gets the next grade."""
    found = np.maximum(_by_points(system, total), caps)
    shown = np.round(total, 4)
    for n, grade in enumerate(system.grades):
        inside = np.flatnonzero((found == n) & enough)
        if grade.quota is None:
            continue
        room = math.floor(float(grade.quota) * len(total) + 1e-9)
        if len(inside) > room:
            edge = np.sort(shown[inside])[::-1][room]  # the best of those who do not fit
            found[inside[shown[inside] <= edge]] = n + 1
    return found


def _reasons(enough: bool, by_points: int, cap: int, final: int) -> tuple[Reason, ...]:
    if not enough:
        return (Reason.COVERAGE,)
    reasons = [Reason.VETO] if cap > by_points else []
    return (*reasons, Reason.QUOTA) if final > max(cap, by_points) else tuple(reasons)


def _interval(values: Floats) -> Interval:
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return Interval(float(low), float(median), float(high))


# ------------------------------------------------------------------------------------------------ explanation


def _explained(system: System, table: robust.Table, u: int, cells: Sequence[_Cell], before: float) -> tuple[tuple[DimScored, ...], tuple[ItemScored, ...]]:  # fmt: skip
    """Who cost what. The total is a product, so what is missing to 100 is shared over dimensions by w·ln(100/s), the terms of its logarithm,
    and inside a dimension by w·(100 - s), the terms of its mean. Earned and lost add up exactly."""
    scores = table.scores()[u]
    there = ~np.isnan(scores)
    counted = np.where(there, table.weights, 0.0)
    nominal = np.array([table.weights[table.dimension == n].sum() for n in range(len(system.dims))])
    inside = np.array([counted[table.dimension == n].sum() for n in range(len(system.dims))])
    shares = np.where(inside > 0, nominal, 0.0)
    shares = shares / shares.sum() if shares.sum() > 0 else shares
    means = [float((scores[m] * counted[m]).sum() / counted[m].sum()) if (m := (table.dimension == n) & there).any() else None for n in range(len(system.dims))]  # fmt: skip
    pull = np.array([w * math.log(100.0 / max(s, FLOOR)) if s is not None else 0.0 for w, s in zip(shares, means, strict=True)])
    lost = (100.0 - before) * pull / pull.sum() if pull.sum() > 0 else np.zeros(len(pull))
    dims = tuple(
        DimScored(dim.key, means[n], float(shares[n]), float(inside[n] / nominal[n]), float(lost[n])) for n, dim in enumerate(system.dims)
    )
    items = []
    for i, (item, cell) in enumerate(zip(system.items, cells, strict=True)):
        n = int(table.dimension[i])
        weight = float(shares[n] * table.weights[i] / inside[n]) if there[i] else 0.0
        short = float(sum((100.0 - scores[k]) * counted[k] for k in np.flatnonzero((table.dimension == n) & there)))
        cost = float(lost[n] * counted[i] * (100.0 - scores[i]) / short) if there[i] and short > 0 else 0.0
        items.append(
            ItemScored(
                item.key, cell.status, cell.way, cell.value, cell.own_baseline, cell.peer_baseline, cell.own, cell.peer, cell.goal,
                cell.score, float(item.points), weight, 100.0 * weight - cost, cost,
            )
        )  # fmt: skip
    return dims, tuple(items)
