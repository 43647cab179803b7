"""Which figures may not be shown, which others must be withheld with them, and what an attacker could still work out. Pure.

Who: `oversight/releases` before a release is frozen; its tests as the attacker.
Units: values are whole numbers of any unit; percentages whole numbers; `p` is how near a figure may be estimated.
Refuses: ValueError (figures that do not add up; a rule that is none).
Source: 统计法 (2024) art. 28; 统计法实施条例 art. 29 (3); domain notes on oversight §1.6. Boundaries: a share of exactly k % is not sensitive.

Three steps.

1. `primary`: too few contributors, dominance of one or two, or a remainder that lets the second largest estimate the largest.
2. `protect`: figures are tied by relations (a total is the sum of its parts; a stock is the last one plus and minus flows). For every
   sensitive figure a *witness* is looked for: other numbers that fit everything shown, in which this figure is larger, and by their mirror
   image smaller, by p %. What a witness changes must be withheld, and withholding more never breaks a witness. The cheapest witness, by the value
   of what it withholds, is found by a linear programme; it is then checked in whole numbers, so that the solver need not be believed.
3. `attack`: for each figure withheld, the least and the most that it can be, given all that is shown.

Worked through in docs/algorithms/disclosure-control.md.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

#: A witness counts in parts of the change it makes: so fine may the change be split over several figures.
GRAIN: Final = 12
#: No figure of a witness changes by more than so many times the change it is made for.
SPAN: Final = 8
#: The costs of the linear programme lie from 1 to this.
_COSTS: Final = 100_000


class Why(StrEnum):
    """Why a figure is or is not shown, in the codes of SDMX for confidentiality (CL_CONF_STATUS)."""

    FREE = "F"
    FEW = "A"  # primary: small counts
    ONE = "O"  # primary: one contributor dominates, or could be estimated by the second largest
    TWO = "T"  # primary: two contributors dominate
    OTHERS = "D"  # secondary: to protect another figure


@dataclass(frozen=True, slots=True)
class Rule:
    """From how many contributors on; the largest `n` (1 or 2) not above `k` % together; nobody estimated within `p` %."""

    minimum: int
    n: int
    k: int
    p: int

    def __post_init__(self) -> None:
        if self.minimum < 1 or self.n not in {1, 2} or not 0 < self.k <= 100 or not 0 <= self.p <= 100:
            raise ValueError(f"no rule: {self}")


# ------------------------------------------------------------------------------------------------ primary


def too_few(contributors: int, minimum: int) -> bool:
    """Somebody stands behind it, but fewer than `minimum`. Nobody at all gives nobody away."""
    return 0 < contributors < minimum


def dominated(contributions: Iterable[int], n: int, k: int) -> bool:
    """The largest `n` together are more than `k` % of all; exactly `k` % is not more."""
    found = sorted(contributions, reverse=True)
    return 100 * sum(found[:n]) > k * sum(found)


def estimable(contributions: Iterable[int], p: int) -> bool:
    """The second largest, who knows his own part, can tell the largest's to within `p` %."""
    x = [*sorted(contributions, reverse=True), 0, 0]
    return 100 * sum(x[2:]) < p * x[0]


def primary(*, total: int, contributors: int, largest: int, second: int, rule: Rule) -> Why:
    """Whether a figure is sensitive by itself. `total` is what the shares are of; `largest` and `second` the greatest parts by contributor."""
    if contributors == 0:
        return Why.FREE
    if too_few(contributors, rule.minimum):
        return Why.FEW
    rest = total - largest - second
    if 100 * largest > rule.k * total or 100 * rest < rule.p * largest:
        return Why.ONE
    if rule.n == 2 and 100 * (largest + second) > rule.k * total:
        return Why.TWO
    return Why.FREE


# ------------------------------------------------------------------------------------------------ complementary

Name = Hashable


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the web of numbers.

    `shown`: True when it is out already, False when it was withheld before, None when this is to be decided. `virtual`: it is printed nowhere
    but others can work it out, so it needs protecting as well. `signed`: it may be below nil, and everybody knows that it may.
    `weight` is what a reader loses when it is withheld.
    """

    value: int
    contributors: int = 0
    why: Why = Why.FREE
    shown: bool | None = None
    virtual: bool = False
    signed: bool = False
    greatest: int = 0
    weight: int | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """Σ coefficient · figure = 0. `total` names the figure that is the sum of the others, if it is such a relation; `apart` says that nobody
    contributes to two of its parts."""

    terms: Mapping[Name, int]
    total: Name | None = None
    apart: bool = False


@dataclass(slots=True)
class Pattern:
    """What to withhold, and why that is enough: for each sensitive figure a witness (figure -> change, in parts of GRAIN of `needs`).

    `open`: sensitive figures that cannot be protected any more by withholding what is still to be decided.
    """

    withheld: dict[Name, Why] = field(default_factory=dict)
    witnesses: dict[Name, tuple[int, dict[Name, int]]] = field(default_factory=dict)
    covered: dict[Name, Name] = field(default_factory=dict)
    open: list[Name] = field(default_factory=list)


def needs(figure: Figure, p: int) -> int:
    """By how much a figure must stay uncertain, up and down: p % of it, or of its greatest contribution, and at least one unit."""
    return max(1, -(-p * max(abs(figure.value), figure.greatest) // 100))


def check(figures: Mapping[Name, Figure], relations: Sequence[Relation]) -> None:
    """Refuses: ValueError, naming a relation whose figures do not add up."""
    for relation in relations:
        if sum(c * figures[n].value for n, c in relation.terms.items()):
            raise ValueError(f"does not add up: {dict(relation.terms)}")


def protect(
    figures: Mapping[Name, Figure],
    relations: Sequence[Relation],
    rule: Rule,
    *,
    together: Iterable[Collection[Name]] = (),
    complementary: bool = True,
) -> Pattern:
    """What must be withheld so that no sensitive figure can be worked out more nearly than by p %.

    `together`: figures that are withheld together or not at all (a mean with its numerator and denominator). With `complementary` off only
    what is sensitive by itself is withheld: for tests, which show what is then lost.
    """
    check(figures, relations)
    group = _groups(figures, together)
    pattern = Pattern()
    hidden = {n for n, f in figures.items() if f.virtual or f.shown is False}

    def withhold(name: Name, why: Why) -> list[Name]:
        more = [n for n in group[name] if n not in hidden and figures[n].shown is None]
        for n in more:
            hidden.add(n)
            pattern.withheld[n] = why if n == name or why is not Why.OTHERS else Why.OTHERS
        return more

    for name, f in figures.items():
        if f.why is not Why.FREE and f.shown is None and not f.virtual:
            withhold(name, f.why)
            pattern.withheld[name] = f.why
    if not complementary:
        return pattern
    for part in _parts(figures, relations):
        if not any(figures[n].shown is None and not figures[n].virtual for r in part for n in r.terms):
            continue  # all of it was decided before
        _enough_together(figures, part, rule, hidden, withhold)
        _Web(figures, part, rule, hidden, withhold, pattern).solve()
        _enough_together(figures, part, rule, hidden, withhold)
    return pattern


def _groups(figures: Mapping[Name, Figure], together: Iterable[Collection[Name]]) -> dict[Name, set[Name]]:
    group: dict[Name, set[Name]] = {n: {n} for n in figures}
    for tied in together:
        whole = set().union(*(group[n] for n in tied if n in figures))
        for n in whole:
            group[n] = whole
    return group


def _parts(figures: Mapping[Name, Figure], relations: Sequence[Relation]) -> list[list[Relation]]:
    """The relations in parts that share no figure that may still move."""
    root: dict[Name, Name] = {}

    def find(n: Name) -> Name:
        while root.setdefault(n, n) != n:
            root[n] = root[root[n]]
            n = root[n]
        return n

    def moves(n: Name) -> bool:
        return figures[n].shown is not True and (figures[n].signed or figures[n].value != 0)

    for relation in relations:
        moving = [n for n in relation.terms if moves(n)]
        for n in moving[1:]:
            root[find(moving[0])] = find(n)
    parts: dict[Name, list[Relation]] = defaultdict(list)
    for relation in relations:
        first = next((n for n in relation.terms if moves(n)), None)
        if first is not None:
            parts[find(first)].append(relation)
    return list(parts.values())


def _enough_together(
    figures: Mapping[Name, Figure], relations: Sequence[Relation], rule: Rule, hidden: set[Name], withhold: Callable[[Name, Why], list[Name]]
) -> None:
    """What is withheld of a sum is shown as one number, by subtraction: so it must rest on enough contributors, like any number.

    Otherwise one who knows his own part would learn the other's. Whoever may be in two parts is counted in the larger one only.
    """
    again = True
    while again:
        again = False
        for relation in relations:
            if relation.total is None or relation.total in hidden:
                continue
            parts = [n for n in relation.terms if n != relation.total and figures[n].contributors]
            gone = [n for n in parts if n in hidden]
            if not any(figures[n].why is not Why.FREE for n in gone):
                continue
            counts = [figures[n].contributors for n in gone]
            if (sum(counts) if relation.apart else max(counts)) >= rule.minimum and len(gone) > 1:
                continue
            left = [n for n in parts if n not in hidden and figures[n].shown is None]
            if not left and figures[relation.total].shown is None:
                left = [relation.total]
            if left:
                withhold(min(left, key=lambda n: (_weight(figures[n]), str(n))), Why.OTHERS)
                again = True


def _weight(f: Figure) -> int:
    return abs(f.value) if f.weight is None else f.weight


# ------------------------------------------------------------------------------------------------ witnesses


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


class _Web:
    """One connected part: the linear programme is built once and asked for each sensitive figure.

    Figures that are tied to one another alone move together, and are one column (`root`, with a sign); one that is tied to nothing else that
    moves cannot move at all.
    """

    def __init__(
        self, figures: Mapping[Name, Figure], relations: Sequence[Relation], rule: Rule, hidden: set[Name],
        withhold: Callable[[Name, Why], list[Name]], pattern: Pattern,
    ) -> None:  # fmt: skip
        self.figures, self.relations, self.rule, self.hidden = figures, relations, rule, hidden
        self.withhold, self.pattern = withhold, pattern
        self.names = sorted({n for r in relations for n in r.terms}, key=str)
        self.still = {n for n in self.names if figures[n].shown is True or not (figures[n].signed or figures[n].value)}
        self.root: dict[Name, tuple[Name, int]] = {}
        self.rows: list[dict[Name, int]] = []
        self._simplify()
        self.members: dict[Name, list[Name]] = defaultdict(list)
        for n in self.names:
            if n not in self.still:
                self.members[self._find(n)[0]].append(n)
        self.columns = [r for r in self.members if r not in self.still]
        self.place = {n: i for i, n in enumerate(self.columns)}
        self.by_name: dict[Name, list[Relation]] = defaultdict(list)
        for relation in relations:
            for n in relation.terms:
                self.by_name[n].append(relation)
        self.model: Any = None

    def _find(self, n: Name) -> tuple[Name, int]:
        sign = 1
        while n in self.root:
            n, more = self.root[n]
            sign *= more
        return n, sign

    def _simplify(self) -> None:
        """Until nothing changes: what a relation ties to one other alone becomes one with it; what it ties to nothing stands still."""
        rows = [dict(r.terms) for r in self.relations]
        again = True
        while again:
            again, left = False, []
            for row in rows:
                terms: dict[Name, int] = defaultdict(int)
                for n, c in row.items():
                    if n not in self.still:
                        r, sign = self._find(n)
                        if r not in self.still:
                            terms[r] += sign * c
                moving = {n: c for n, c in terms.items() if c}
                if len(moving) == 1:
                    self.still |= set(moving)
                    again = True
                elif len(moving) == 2 and len({abs(c) for c in moving.values()}) == 1:
                    (a, c), (b, d) = moving.items()
                    self.root[a] = (b, -1 if c == d else 1)
                    again = True
                elif moving:
                    left.append(moving)
            rows = left
        unique = {tuple(sorted(((str(n), c) for n, c in row.items()))): row for row in rows}
        self.rows = list(unique.values())

    def solve(self) -> None:
        sensitive = [n for n in self.names if self.figures[n].why is not Why.FREE and self.figures[n].shown is not True]
        sensitive = [n for n in sensitive if self.figures[n].value or self.figures[n].signed]
        sensitive.sort(key=lambda n: (-needs(self.figures[n], self.rule.p), str(n)))
        for name in sensitive:
            if name not in self.pattern.covered and name not in self.pattern.witnesses:
                self._protect(name)

    def _protect(self, name: Name) -> None:
        width = needs(self.figures[name], self.rule.p)
        witness = self._found(name, width)
        if witness is None:
            self.pattern.open.append(name)
            return
        self.pattern.witnesses[name] = (width, witness)
        changed = []
        for n in witness:
            if n not in self.hidden:
                changed += self.withhold(n, Why.OTHERS)
            other = self.figures[n]
            if other.why is not Why.FREE and abs(witness[n]) * width >= GRAIN * needs(other, self.rule.p):
                self.pattern.covered.setdefault(n, name)
        if self.model is not None:
            for column in {self._find(n)[0] for n in changed if n not in self.still} & set(self.place):
                self._cost(column)

    def _cap(self, n: Name, width: int) -> int:
        f = self.figures[n]
        return GRAIN * SPAN if f.signed else min(GRAIN * SPAN, GRAIN * abs(f.value) // width)

    def _stands(self, name: Name, width: int, witness: Mapping[Name, int]) -> bool:
        """In whole numbers: every relation still holds, nothing falls below nil, nothing that is out changes, and the figure moves enough."""
        if witness.get(name) != GRAIN:
            return False
        for n, v in witness.items():
            f = self.figures[n]
            if f.shown is True or (not f.signed and abs(v) * width > GRAIN * abs(f.value)):
                return False
        touched = {id(r): r for n in witness for r in self.by_name.get(n, ())}
        return not any(sum(c * witness.get(n, 0) for n, c in r.terms.items()) for r in touched.values())

    def _found(self, name: Name, width: int) -> dict[Name, int] | None:
        import numpy as np

        if name in self.still:
            return None
        column, sign = self._find(name)
        if column in self.still:
            return None
        if self.model is None:
            self._build()
        count = len(self.columns)
        caps = np.array([min(self._cap(n, width) for n in self.members[r]) for r in self.columns], dtype=np.int64)
        at = self.place[column]
        if caps[at] < GRAIN:
            return None
        low = np.zeros(2 * count)
        high = np.concatenate([caps, caps]) * 1.0
        mine, other = (at, count + at) if sign > 0 else (count + at, at)
        low[mine], high[mine], high[other] = GRAIN, GRAIN, 0
        self.model.changeColsBounds(2 * count, np.arange(2 * count, dtype=np.int32), low, high)
        for whole in (False, True):
            if whole:
                self._whole(True)
            self.model.run()
            best = self._read()
            if whole:
                self._whole(False)
            if best is not None and self._stands(name, width, best):
                return best
        return None

    def _read(self) -> dict[Name, int] | None:
        import highspy

        if self.model.getModelStatus() not in {highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kSolutionLimit}:
            return None
        values, count = list(self.model.getSolution().col_value), len(self.columns)
        if len(values) != 2 * count:
            return None
        found: dict[Name, int] = {}
        for i, r in enumerate(self.columns):
            if v := round(values[i]) - round(values[count + i]):
                found |= {n: v * self._find(n)[1] for n in self.members[r]}
        return found

    def _whole(self, wanted: bool) -> None:
        import highspy
        import numpy as np

        count = 2 * len(self.columns)
        kind = highspy.HighsVarType.kInteger if wanted else highspy.HighsVarType.kContinuous
        self.model.changeColsIntegrality(count, np.arange(count, dtype=np.int32), np.full(count, kind))

    def _price(self, column: Name) -> int:
        """In thousandths: what withholding a column would still cost; almost nothing if all of it is withheld already."""
        left = [_weight(self.figures[n]) for n in self.members[column] if n not in self.hidden]
        return 1000 + 1000 * (_COSTS * sum(left) // self.heaviest) if left else 1

    def _cost(self, column: Name) -> None:
        for at in (self.place[column], len(self.columns) + self.place[column]):
            self.model.changeColCost(at, self._price(column) / 1000)

    def _build(self) -> None:
        import highspy
        import numpy as np

        model = _quietly(highspy.Highs)
        model.setOptionValue("output_flag", False)
        model.setOptionValue("threads", 1)
        model.setOptionValue("random_seed", 1)
        model.setOptionValue("mip_max_nodes", 500)  # and no limit of time: the same question has the same answer everywhere
        count = len(self.columns)
        self.heaviest = max((_weight(self.figures[n]) for n in self.names), default=0) or 1
        cost = np.array([self._price(r) for r in self.columns]) / 1000
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = 2 * count, len(self.rows)
        lp.col_cost_ = np.concatenate([cost, cost])
        lp.col_lower_, lp.col_upper_ = np.zeros(2 * count), np.ones(2 * count)
        lp.row_lower_ = lp.row_upper_ = np.zeros(len(self.rows))
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        terms = [[(self.place[n], c) for n, c in row.items()] for row in self.rows]
        lp.a_matrix_.start_ = np.cumsum([0, *(2 * len(row) for row in terms)])
        lp.a_matrix_.index_ = np.array([i for row in terms for at, _c in row for i in (at, count + at)], dtype=np.int32)
        lp.a_matrix_.value_ = np.array([v for row in terms for _at, c in row for v in (c, -c)]) * 1.0
        model.passModel(lp)
        self.model = model


# ------------------------------------------------------------------------------------------------ the attacker

Interval = tuple[int | None, int | None]


def attack(
    known: Mapping[Name, int], relations: Sequence[Relation], *, signed: Collection[Name] = (), wanted: Collection[Name] | None = None
) -> dict[Name, Interval]:
    """For each figure that is not known, the least and the most it can be, given what is; None where nothing bounds it.

    Figures are at least nil unless `signed`. `wanted` keeps to some of them. Bounds found by following the sums, in whole numbers, are made
    narrower by a linear programme for each end, scaled to the largest figure known.
    """
    unknown = sorted({n for r in relations for n in r.terms if n not in known}, key=str)
    low: dict[Name, int | None] = {n: None if n in signed else 0 for n in unknown}
    high: dict[Name, int | None] = dict.fromkeys(unknown)
    rows = []
    for r in relations:
        terms = {n: c for n, c in r.terms.items() if n not in known}
        if terms:
            rows.append((terms, -sum(c * known[n] for n, c in r.terms.items() if n in known)))
    _follow(rows, low, high)
    asked = [n for n in unknown if wanted is None or n in wanted]
    return _programme(rows, unknown, asked, low, high)


def _follow(rows: Sequence[tuple[dict[Name, int], int]], low: dict[Name, int | None], high: dict[Name, int | None]) -> None:
    """Narrow bounds by each sum, in whole numbers, until nothing changes (or fifty times)."""
    for _ in range(50):
        moved = False
        for terms, right in rows:
            for n, c in terms.items():
                least = most = right
                bounded_below = bounded_above = True
                for m, k in terms.items():
                    if m == n:
                        continue
                    a, b = (low[m], high[m]) if k > 0 else (high[m], low[m])
                    if a is None:
                        bounded_above = False
                    else:
                        most -= k * a
                    if b is None:
                        bounded_below = False
                    else:
                        least -= k * b
                if c < 0:
                    least, most, bounded_below, bounded_above = -most, -least, bounded_above, bounded_below
                size = abs(c)
                if bounded_below and (low[n] is None or -(-least // size) > (low[n] or 0)):
                    low[n], moved = -(-least // size), True
                if bounded_above and (high[n] is None or most // size < (high[n] or 0)):
                    high[n], moved = most // size, True
        if not moved:
            return


def _programme(
    rows: Sequence[tuple[dict[Name, int], int]], unknown: Sequence[Name], asked: Sequence[Name], low: Mapping[Name, int | None],
    high: Mapping[Name, int | None],
) -> dict[Name, Interval]:  # fmt: skip
    import highspy
    import numpy as np

    if not asked:
        return {}
    place = {n: i for i, n in enumerate(unknown)}
    scale = max([1, *(abs(right) for _terms, right in rows)])
    model = _quietly(highspy.Highs)
    model.setOptionValue("output_flag", False)
    model.setOptionValue("threads", 1)
    for option in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        model.setOptionValue(option, 1e-9)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(unknown), len(rows)
    lp.col_cost_ = np.zeros(len(unknown))
    infinite = highspy.kHighsInf
    lp.col_lower_ = np.array([-infinite if (a := low[n]) is None else a / scale for n in unknown])
    lp.col_upper_ = np.array([infinite if (b := high[n]) is None else b / scale for n in unknown])
    lp.row_lower_ = lp.row_upper_ = np.array([right / scale for _terms, right in rows])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.cumsum([0, *(len(terms) for terms, _r in rows)])
    lp.a_matrix_.index_ = np.array([place[n] for terms, _r in rows for n in terms], dtype=np.int32)
    lp.a_matrix_.value_ = np.array([c for terms, _r in rows for c in terms.values()]) * 1.0
    model.passModel(lp)
    found: dict[Name, Interval] = {}
    for n in asked:
        if low[n] == high[n] and low[n] is not None:
            found[n] = (low[n], high[n])
            continue
        ends: list[int | None] = []
        model.changeColCost(place[n], 1.0)
        for sense, bound in ((highspy.ObjSense.kMinimize, low[n]), (highspy.ObjSense.kMaximize, high[n])):
            model.changeObjectiveSense(sense)
            model.run()
            if model.getModelStatus() == highspy.HighsModelStatus.kOptimal:
                value = round(model.getObjectiveValue() * scale)
                ends.append(value if bound is None else max(value, bound) if sense == highspy.ObjSense.kMinimize else min(value, bound))
            else:
                ends.append(bound)
        model.changeColCost(place[n], 0.0)
        found[n] = (ends[0], ends[1])
    return found


def sums(keys: Collection[tuple[str, ...]], total: str = "_T") -> list[tuple[tuple[str, ...], int, list[tuple[str, ...]]]]:
    """The sums in a set of keys: (the total, the place that is added over, its parts).

    A key with `total` at a place is the sum of all keys that differ from it there only.
    """
    have = set(keys)
    parts: dict[tuple[tuple[str, ...], int], list[tuple[str, ...]]] = defaultdict(list)
    for key in sorted(have):
        for i, code in enumerate(key):
            if code != total:
                whole = (*key[:i], total, *key[i + 1 :])
                if whole in have:
                    parts[whole, i].append(key)
    return [(whole, i, found) for (whole, i), found in parts.items()]
