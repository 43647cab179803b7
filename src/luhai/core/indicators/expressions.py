"""Cells as Ibis expressions, from facts over holders: nothing here knows an engine, and nothing is carried out.

    facts → `fine`      one row for each month, kind, holder and combination of codes; months before the first asked for are one
          → `finest`    of a month: one row for each holder in each cell of the finest combinations
          → `holders`   the same of all combinations, from the finest
          → `folded`    one row for each cell: its sums, how many holders stand behind it, and the two largest

A stock adds up the `fine` rows of months before, so no fact is repeated for a month. Sums are decimals of 38 digits.
Source: domain notes on oversight §1.4; §1.6 (contributors are counted by group).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from .definitions import Form, Indicator, Rates, parts_of
from .dimensions import DIMENSIONS, TOTAL

if TYPE_CHECKING:
    from ibis.expr.types import Table

#: A combination of dimensions; its cells are those of every part of it, too. Currency always belongs to it.
Cube = tuple[str, ...]
COLUMNS: Final = tuple(d.column for d in DIMENSIONS)

_SUM: Final = "decimal(38, 0)"
#: What is converted: 24 digits of an amount by 14 of a rate.
_AMOUNT, _RATE, _RATE_MAX = "decimal(24, 0)", "decimal(14, 0)", 10**14


@dataclass(frozen=True, slots=True)
class Atom:
    """A column of holders: a measure of the fine rows of some kinds, before a month, in it or up to its end. What is of `minus` is taken."""

    measure: str  # amount | n | first | last | by_<weight> | lacks
    plus: tuple[str, ...]
    when: str  # before | in | upto
    minus: tuple[str, ...] = ()
    documented: bool = False
    weight: str = ""
    part: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """The columns that an indicator's cells are read from; "" for none. `stake`: what a holder stands for in a cell."""

    opening: str
    added: str
    taken: str
    over: str
    lacks: str
    n: str
    first: str
    last: str
    stake: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Indicators that are worked out together: each column once, whoever needs it."""

    indicators: tuple[Indicator, ...]
    atoms: Mapping[Atom, str]
    needs: Mapping[str, Needs]
    stakes: Mapping[tuple[str, str, str], str]

    @property
    def into(self) -> str:
        return self.indicators[0].into


def plans(indicators: Iterable[Indicator]) -> list[Plan]:
    """One plan for all indicators that share a kind of fact, each that converts for itself."""
    families: list[list[Indicator]] = []
    for what in indicators:
        mine = [f for f in families if not what.into and not f[0].into and any({*what.kinds} & {*i.kinds} for i in f)]
        families = [f for f in families if f not in mine] + [[*(i for f in mine for i in f), what]]
    return [_plan(family) for family in families]


def _plan(family: Sequence[Indicator]) -> Plan:
    atoms: dict[Atom, str] = {}
    needs: dict[str, Needs] = {}
    stakes: dict[tuple[str, str, str], str] = {}

    def column(atom: Atom) -> str:
        return atoms.setdefault(atom, f"a{len(atoms)}")

    for what in family:
        plus, minus = _text(what.plus), _text(what.minus)
        when, every = ("upto" if what.stock else "in"), tuple(sorted({*plus, *minus}))
        doc, weight = what.documented, what.weight
        opening = column(Atom("amount", plus, "before", minus, doc)) if what.stock else ""
        added = column(Atom("amount", plus, "in", (), doc, weight))
        taken = column(Atom("amount", minus, "in", (), doc)) if minus else ""
        over = ""
        if what.form is Form.MEAN:
            over = column(Atom(f"by_{weight}", plus, "in", (), doc, weight))
        if what.form is Form.SHARE:
            over = column(Atom("amount", plus, "in", (), doc, part=what.part))
        n, first, last = (column(Atom(m, every, when, (), doc, weight)) for m in ("n", "first", "last"))
        lacks = column(Atom("lacks", plus, "in", (), doc)) if what.into else ""
        stake = stakes.setdefault((opening, added, taken), f"x{len(stakes)}")
        needs[what.key] = Needs(opening, added, taken, over, lacks, n, first, last, stake)
    return Plan(tuple(family), atoms, needs, stakes)


def _text(kinds: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(map(str, kinds)))


def combined(cubes: Iterable[Cube]) -> list[Cube]:
    """Every combination of dimensions that has cells, the finest first, each in the order of DIMENSIONS; without currency.

    Refuses: ValueError (a dimension that is none).
    """
    found: set[Cube] = set()
    for cube in cubes:
        if unknown := {*cube} - {*COLUMNS}:
            raise ValueError(f"cube: of {', '.join(COLUMNS)}, not {', '.join(sorted(unknown))}")
        names = [c for c in COLUMNS if c in cube and c != "currency"]
        found |= {some for n in range(len(names) + 1) for some in combinations(names, n)}
    return sorted(found, key=lambda s: (-len(s), [COLUMNS.index(c) for c in s]))


# --- facts, fine ---------------------------------------------------------------------------------------------------------


def fine(facts: Table, indicators: Sequence[Indicator], months: Sequence[date], sets: Sequence[Cube], upto: int | None) -> Table:
    """Facts added up by month, kind, document, codes and holder. Only stocks have months before the first."""
    import ibis

    first, last = min(months), max(months)
    kinds = sorted({str(k) for i in indicators for k in i.kinds})
    stocks = sorted({str(k) for i in indicators if i.stock for k in i.kinds})
    rows = facts.filter(facts.kind.isin(kinds), facts.month <= last)
    rows = rows.filter((rows.month >= first) | rows.kind.isin(stocks)) if stocks else rows.filter(rows.month >= first)
    if upto is not None:
        rows = rows.filter(rows.position <= upto)
    weights = sorted({i.weight for i in indicators if i.weight})
    before = ibis.literal(first - timedelta(days=1))
    keys = [
        ibis.ifelse(rows.month < first, before, rows.month).name("at"), rows.kind, rows.documented, rows.currency, rows.holder,
        *(rows[c] for c in COLUMNS if any(c in s for s in sets)), *(rows[w].notnull().name(f"has_{w}") for w in weights),
    ]  # fmt: skip
    # A product of 19 and 10 digits is taken only where it is asked for: it is dearer than a sum.
    by_weight = {
        f"by_{w}": (rows.amount.cast("decimal(19, 0)") * rows[w].cast("decimal(10, 0)")).cast(_SUM).sum(where=rows.month >= first)
        for w in weights
    }
    return rows.group_by(keys).agg(
        amount=rows.amount.cast(_SUM).sum(), n=rows.count(), first=rows.position.min(), last=rows.position.max(), **by_weight
    )


def into_one_currency(rows: Table, month: date, rates: Rates) -> Table:
    """Fine rows of a month with amounts in parts of the currency converted into; `lacks`: facts for which there is no rate.

    Refuses: ValueError (a rate that cannot be counted in).
    """
    import ibis

    known = {currency: parts_of(rate) for (on, currency), rate in rates.items() if on == month}
    if wrong := [c for c, parts in known.items() if parts >= _RATE_MAX]:
        raise ValueError(f"a rate too large to count in: {', '.join(wrong)}")
    branches = [(rows.currency == c, ibis.literal(parts).cast(_RATE)) for c, parts in sorted(known.items())]
    rate = ibis.cases(*branches, else_=ibis.literal(0).cast(_RATE)) if branches else ibis.literal(0).cast(_RATE)
    return rows.mutate(
        amount=(rows.amount.cast(_AMOUNT) * rate).cast(_SUM), lacks=ibis.ifelse(rows.currency.isin(sorted(known)), 0, rows.n)
    )


# --- holders, cells ------------------------------------------------------------------------------------------------------


def finest(rows: Table, plan: Plan, month: date, sets: Sequence[Cube], rates: Rates) -> Table:
    """One row for each holder in each cell of the combinations that are part of no other: the combination's number in `sets`, its codes
    `v0`…, `unit` (the currency), holder, and the plan's columns."""
    import ibis

    rows = rows.filter(rows.kind.isin(sorted({k for a in plan.atoms for k in (*a.plus, *a.minus)})), rows.at <= month)
    if plan.into:
        rows = into_one_currency(rows.filter(rows.at == month), month, rates)
    numbers = [n for n, names in enumerate(sets) if not any({*names} < {*s} for s in sets)]
    rows = rows.mutate(s=_each(numbers), unit=ibis.literal(TOTAL) if plan.into else rows.currency)
    codes = {f"v{k}": _chosen(rows.s, {n: rows[sets[n][k]] for n in numbers if k < len(sets[n])}) for k in range(wide(sets))}
    rows = rows.mutate(**codes)
    return rows.group_by(["s", *codes, "unit", "holder"]).agg(**{name: _measured(rows, atom, month) for atom, name in plan.atoms.items()})


def holders(table: Table, plan: Plan, sets: Sequence[Cube]) -> Table:
    """The same of all combinations: each of the others is added up from one that it is part of, not from facts again."""
    parent = {n: next(m for m, s in enumerate(sets) if {*names} <= {*s}) for n, names in enumerate(sets)}
    parts: dict[int, list[int]] = {}
    for n, of in parent.items():
        if n != of:
            parts.setdefault(of, []).append(n)
    if not parts:
        return table
    below = table.filter(table.s.isin([*parts])).mutate(c=_chosen(table.s, {of: _list(ns) for of, ns in parts.items()}).unnest())
    codes = {
        f"w{k}": _chosen(below.c, {n: below[f"v{sets[of].index(sets[n][k])}"] for of, ns in parts.items() for n in ns if k < len(sets[n])})
        for k in range(wide(sets))
    }
    below = below.mutate(**codes)
    added = below.group_by(["c", *codes, "unit", "holder"]).agg(**_again(below, plan))
    return table.union(added.rename(s="c", **{f"v{k}": f"w{k}" for k in range(wide(sets))}).select(table.columns))


def wide(sets: Sequence[Cube]) -> int:
    """How many codes tell the cells of a combination apart, at most; besides currency."""
    return max(map(len, sets))


def _list(numbers: Sequence[int]) -> Any:
    import ibis

    return ibis.array([ibis.literal(n, "int32") for n in numbers])


def _each(numbers: Sequence[int]) -> Any:
    """A row for each of the numbers."""
    import ibis

    return _list(numbers).unnest() if len(numbers) > 1 else ibis.literal(numbers[0], "int32")


def _chosen(number: Any, of: Mapping[int, Any]) -> Any:
    """The value that belongs to a number; an empty text where none does."""
    import ibis

    if not of:
        return ibis.literal("")
    branches: list[Any] = [(number == n, value) for n, value in of.items()]
    return ibis.cases(*branches, else_="") if not _is_list(branches[0][1]) else ibis.cases(*branches)


def _is_list(value: Any) -> bool:
    return bool(value.type().is_array())


def _measured(rows: Table, atom: Atom, month: date) -> Any:
    """One column of holders from fine rows."""
    at = {"before": rows.at < month, "in": rows.at == month, "upto": rows.at <= month}[atom.when]
    where: Any = at & rows.kind.isin([*atom.plus, *atom.minus])
    if atom.documented:
        where &= rows.documented
    if atom.weight:
        where &= rows[f"has_{atom.weight}"]
    if atom.part:
        name, value = atom.part
        where &= rows.documented if name == "documented" else rows[name] == value
    column: Any = rows[atom.measure]
    if atom.minus:
        column = rows.kind.isin(atom.minus).ifelse(-column, column)
    return _folded(column, atom, where)


def _folded(column: Any, atom: Atom, where: Any = None) -> Any:
    import ibis

    if atom.measure in {"first", "last"}:
        return column.min(where=where) if atom.measure == "first" else column.max(where=where)
    # The type is said at both ends: a sum beside a bare 0 would become one with two decimals.
    return column.cast(_SUM).sum(where=where).fill_null(ibis.literal(0).cast(_SUM)).cast(_SUM)


def _again(table: Table, plan: Plan) -> dict[str, Any]:
    """The plan's columns, added up once more."""
    return {name: _folded(table[name], atom) for atom, name in plan.atoms.items()}


def folded(table: Table, plan: Plan) -> Table:
    """Cells from holders: the plan's columns; and of each stake how many are not nil (`c_…`), the largest (`m_…`), how many are as large
    (`e_…`) and the largest of those less (`s_…`), all without sign."""
    table = table.mutate(**{name: _stake(table, of) for of, name in plan.stakes.items()})
    keys = ["s", *(c for c in table.columns if re.fullmatch("v[0-9]+", c)), "unit"]
    top = table.group_by(keys).agg(**{f"m_{x}": table[x].max() for x in plan.stakes.values()})
    both = table.inner_join(top, keys)
    behind: dict[str, Any] = {}
    for x in plan.stakes.values():
        amount, most = both[x], both[f"m_{x}"]
        behind |= {
            f"c_{x}": (amount > 0).sum(), f"m_{x}": most.max(), f"e_{x}": (amount == most).sum(), f"s_{x}": amount.max(where=amount < most),
        }  # fmt: skip
    return both.group_by(keys).agg(**_again(both, plan), **behind)


def _stake(table: Table, of: tuple[str, str, str]) -> Any:
    opening, added, taken = of
    amount: Any = table[added]
    if opening:
        amount = amount + table[opening]
    if taken:
        amount = amount - table[taken]
    return amount.abs()
