"""Which matches to send when many demands meet institutions of limited capacity.

First as many demands as possible reach an institution, then the matches sent are worth as much as possible together.
Each demand goes to so many institutions at the most, to each only once; each pool of capacity holds over the whole
batch, in amount and in count. Solved exactly as a mixed-integer programme by HiGHS: not greedy. Worked through in
docs/algorithms/assignment.md; why HiGHS, in docs/decisions/0030-assignment-by-highs.md.

Amounts are whole numbers here and floating-point numbers in the solver, so its answer is checked in whole numbers; a set
that does not fit is forbidden by a cut and the programme is solved again.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from math import gcd, inf
from time import monotonic_ns
from typing import Any, Final

import highspy
import numpy as np


def _quietly(make: Callable[[], Any]) -> Any:
    """HiGHS prints its banner on standard output when it is made, where programs expect our JSON alone."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        return make()
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A match that could be sent. `value` is a whole number above zero; `amount` is in minor units."""

    demand: Hashable
    institution: Hashable
    pool: Hashable
    amount: int
    value: int


@dataclass(frozen=True, slots=True)
class Pool:
    """What is left of an institution's capacity in one currency."""

    amount: int
    count: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send. `chosen` are places in the list of candidates, in order; `bound` is proven: no plan that serves
    as many demands is worth more. `optimal` is False only when the time ran out; then `bound − value` is the gap."""

    chosen: tuple[int, ...]
    served: int
    value: int
    bound: int
    optimal: bool
    rounds: int


_HIGHEST_NUMBER: Final = 2**53  # beyond it the solver's numbers are not whole


@dataclass(slots=True)
class _Programme:
    """Variables: one a candidate (sent or not), then one a demand that nobody has been asked for yet (served or not)."""

    candidates: Sequence[Candidate]
    pools: Mapping[Any, Pool]
    room: Mapping[Any, int]
    fresh: Sequence[Hashable]
    cuts: list[list[int]] = field(default_factory=list)

    def solver(self) -> Any:
        count = len(self.candidates) + len(self.fresh)
        solver = _quietly(highspy.Highs)
        for option, value in (
            ("output_flag", False), ("threads", 1), ("random_seed", 0),
            ("mip_rel_gap", 0.0), ("mip_abs_gap", 0.5), ("mip_feasibility_tolerance", 1e-9),
        ):  # fmt: skip
            solver.setOptionValue(option, value)
        solver.addVars(count, np.zeros(count), np.ones(count))
        solver.changeColsIntegrality(
            count, np.arange(count, dtype=np.int32), np.full(count, highspy.HighsVarType.kInteger)
        )
        solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
        for upper, places, weights in self._rows():
            solver.addRow(-inf, upper, len(places), np.array(places, dtype=np.int32), np.array(weights, dtype=np.float64))
        return solver

    def _rows(self) -> list[tuple[int, list[int], list[int]]]:
        by_demand: dict[Hashable, list[int]] = defaultdict(list)
        by_pair: dict[Hashable, list[int]] = defaultdict(list)
        by_pool: dict[Hashable, list[int]] = defaultdict(list)
        for place, c in enumerate(self.candidates):
            by_demand[c.demand].append(place)
            by_pair[c.demand, c.institution].append(place)
            by_pool[c.pool].append(place)
        rows: list[tuple[int, list[int], list[int]]] = []
        for demand, places in by_demand.items():
            if len(places) > self.room[demand]:
                rows.append((self.room[demand], places, [1] * len(places)))
        rows += [(1, places, [1] * len(places)) for places in by_pair.values() if len(places) > 1]
        for pool, places in by_pool.items():
            left = self.pools[pool]
            if len(places) > left.count:
                rows.append((left.count, places, [1] * len(places)))
            amounts = [self.candidates[p].amount for p in places]
            if sum(amounts) > left.amount:
                # A common divisor keeps the numbers small, which keeps them exact.
                unit = gcd(*amounts)
                rows.append((left.amount // unit, places, [a // unit for a in amounts]))
        for number, demand in enumerate(self.fresh, len(self.candidates)):  # served only if something is sent
            places = by_demand[demand]
            rows.append((0, [*places, number], [-1] * len(places) + [1]))
        rows += [(len(cut) - 1, cut, [1] * len(cut)) for cut in self.cuts]
        return rows

    def too_much(self, chosen: Sequence[int]) -> list[list[int]]:
        """The sets among those chosen which, in whole numbers, do not fit their pool."""
        by_pool: dict[Hashable, list[int]] = defaultdict(list)
        for place in chosen:
            by_pool[self.candidates[place].pool].append(place)
        return [
            places
            for pool, places in by_pool.items()
            if sum(self.candidates[p].amount for p in places) > self.pools[pool].amount
            or len(places) > self.pools[pool].count
        ]


def assign(
    candidates: Sequence[Candidate],
    pools: Mapping[Any, Pool],
    room: Mapping[Any, int],
    *,
    already: frozenset[Hashable] = frozenset(),
    time_limit_ms: int = 20_000,
) -> Plan:
    """Choose what to send. `room` says with how many more institutions each demand may lie; `already` are the demands
    that lie with one, so that another does not count as reaching them. The same input gives the same plan, unless
    the time runs out."""
    assert all(c.value > 0 and 0 < c.amount < _HIGHEST_NUMBER for c in candidates), "positive whole numbers"
    able = [
        place
        for place, c in enumerate(candidates)
        if c.amount <= pools[c.pool].amount and pools[c.pool].count > 0 and room[c.demand] > 0
    ]
    if not able:
        return Plan((), 0, 0, 0, True, 0)
    fresh = list(dict.fromkeys(candidates[p].demand for p in able if candidates[p].demand not in already))
    programme = _Programme([candidates[p] for p in able], pools, room, fresh)
    ends = monotonic_ns() + time_limit_ms * 1_000_000
    start = greedy([candidates[p] for p in able], pools, room, already=already)
    best, served_at_least, rounds = start.chosen, start.served, 0

    sent, is_fresh = len(able), len(fresh)
    serve = np.concatenate([np.zeros(sent), np.ones(is_fresh)])
    worth = np.concatenate([np.array([c.value for c in programme.candidates], dtype=np.float64), np.zeros(is_fresh)])

    chosen, bound, proven, tries = _solve(programme, serve, None, ends)
    rounds += tries
    if chosen is not None and (served := _served(programme, chosen)) > served_at_least:
        best, served_at_least = tuple(chosen), served
    all_served = proven

    chosen, bound, proven, tries = _solve(programme, worth, served_at_least, ends)
    rounds += tries
    if chosen is not None and _value(programme, chosen) >= _value(programme, best):
        best = tuple(chosen)
    value = _value(programme, best)
    bound = max(value, bound if bound is not None else sum(c.value for c in programme.candidates))
    return Plan(
        tuple(sorted(able[p] for p in best)),
        _served(programme, best),
        value,
        value if proven else bound,
        all_served and proven,
        rounds,
    )


def _solve(
    programme: _Programme, costs: Any, served: int | None, ends: int
) -> tuple[list[int] | None, int | None, bool, int]:
    """The best set that fits in whole numbers, a bound, whether it is proven best, and how often it was solved."""
    count, rounds = len(programme.candidates), 0
    every = np.arange(len(costs), dtype=np.int32)
    while (left := ends - monotonic_ns()) > 0:
        rounds += 1
        solver = programme.solver()
        solver.setOptionValue("time_limit", left / 1_000_000_000)
        solver.changeColsCost(len(costs), every, costs)
        if served is not None and programme.fresh:
            fresh = every[count:]
            solver.addRow(served, inf, len(fresh), fresh, np.ones(len(fresh)))
        solver.run()
        info = solver.getInfo()
        bound = int(info.mip_dual_bound + 1e-6) if abs(info.mip_dual_bound) < _HIGHEST_NUMBER else None
        if info.primal_solution_status != 2:  # nothing found in the time
            return None, bound, False, rounds
        values = solver.getSolution().col_value
        chosen = [place for place in range(count) if values[place] > 0.5]
        if not (broken := programme.too_much(chosen)):
            return chosen, bound, solver.getModelStatus() == highspy.HighsModelStatus.kOptimal, rounds
        programme.cuts += broken
    return None, None, False, rounds


def greedy(
    candidates: Sequence[Candidate],
    pools: Mapping[Any, Pool],
    room: Mapping[Any, int],
    *,
    already: frozenset[Hashable] = frozenset(),
) -> Plan:
    """The dearest first, as far as it fits: what to fall back on, and what the exact plan is compared with."""
    left = {pool: [p.amount, p.count] for pool, p in pools.items()}
    rooms, pairs, chosen = dict(room), set(), []
    for place in sorted(range(len(candidates)), key=lambda p: (-candidates[p].value, p)):
        c = candidates[place]
        if c.amount <= left[c.pool][0] and left[c.pool][1] > 0 and rooms[c.demand] > 0:
            if (c.demand, c.institution) in pairs:
                continue
            left[c.pool][0] -= c.amount
            left[c.pool][1] -= 1
            rooms[c.demand] -= 1
            pairs.add((c.demand, c.institution))
            chosen.append(place)
    served = len({candidates[p].demand for p in chosen} - already)
    value = sum(candidates[p].value for p in chosen)
    return Plan(tuple(sorted(chosen)), served, value, value, False, 0)


def _served(programme: _Programme, chosen: Sequence[int]) -> int:
    return len({programme.candidates[p].demand for p in chosen} & set(programme.fresh))


def _value(programme: _Programme, chosen: Sequence[int]) -> int:
    return sum(programme.candidates[p].value for p in chosen)
