"""Count cells of any dimensions again, from facts as `recount` reads them in the journal. Pure, and as plain as it can be.

Each cell is worked out by itself, by going through its facts: no sums are shared between cells, months or indicators. What each indicator is
stands in `INDICATORS` below, in this file's own words; of `core/indicators` only the code lists are used.

    cells(facts, ["2026-03"], [("territory", "size")]) -> {(indicator, "2026-03", key): Cell}
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import chain, combinations
from typing import Any

from luhai.core.indicators.dimensions import DIMENSIONS

from .recount import FIELDS, FactKey

Key = tuple[str, ...]
#: Minor units converted into for one, by first day of the month and currency.
Rates = Mapping[tuple[date, str], Fraction]
ORDER = tuple(d.name for d in DIMENSIONS)
PARTS = 10**12

#: name -> (of months before, too; what adds; what takes; only on documents; quotient: what stands above its line, and units of its value in one)
INDICATORS: dict[str, tuple[bool, str, str, bool, tuple[str, int] | None]] = {
    "loans_drawn": (False, "drawn", "", False, None),
    "loans_repaid": (False, "repaid", "", False, None),
    "loans_outstanding": (True, "drawn", "repaid", False, None),
    "secured_drawn": (False, "drawn", "", True, None),
    "secured_outstanding": (True, "drawn", "repaid", True, None),
    "receipts": (False, "received", "", False, None),
    "receipts_documented": (False, "received", "", True, None),
    "receipts_returned": (False, "returned", "", False, None),
    "drawn_rate": (False, "drawn", "", False, ("rate", 100)),
    "secured_share": (False, "drawn", "", False, ("documented", 10_000)),
    "receipts_rmb_share": (False, "received", "", False, ("CNY", 10_000)),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell must say, with the names and the meaning of `core/indicators/engine.Cell`."""

    opening: int
    added: int
    taken: int
    numerator: int
    denominator: int
    value: int | None
    count: int
    contributors: int
    largest: int
    second: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Fact:
    position: int
    kind: str
    month: str
    amount: int
    rate: int | None
    documented: bool
    currency: str
    holder: str
    codes: Mapping[str, str]


def cells(
    facts: Iterable[FactKey], months: Sequence[str], cubes: Iterable[Sequence[str]], rates: Rates | None = None
) -> dict[tuple[str, str, Key], Cell]:
    """Every cell of every indicator in these months, for every part of each cube; currency is always told apart, or converted."""
    parts = {frozenset(some) - {"currency"} for cube in cubes for some in _parts(cube)}
    by_key: dict[Key, list[_Fact]] = defaultdict(list)
    for fact in map(_read, facts):
        for names in parts:
            by_key[_key(fact, names, fact.currency)].append(fact)
            if fact.kind == "received":
                by_key[_key(fact, names, "_T")].append(fact)
    found = {}
    for key, behind in by_key.items():
        converted = key[ORDER.index("currency")] == "_T"
        for indicator in INDICATORS:
            if converted == (indicator == "receipts_rmb_share"):
                for month in months:
                    cell = _cell(indicator, month, behind, rates or {})
                    if cell is not None:
                        found[indicator, month, key] = cell
    return found


def _parts(cube: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return chain.from_iterable(combinations(cube, n) for n in range(len(cube) + 1))


def _key(fact: _Fact, names: frozenset[str], currency: str) -> Key:
    return tuple(currency if d == "currency" else fact.codes[d] if d in names else "_T" for d in ORDER)


def _read(fact: FactKey) -> _Fact:
    said: dict[str, Any] = dict(zip(FIELDS, fact, strict=True))
    codes = {name: str(said[name]) for name in ORDER}
    if codes["country"] not in DIMENSIONS[ORDER.index("country")].codes:
        codes["country"] = "_Z"
    return _Fact(
        said["position"], said["kind"], f"{said['day']:%Y-%m}", said["amount"], said["rate_bp"], said["documented"], said["currency"],
        str(said["company_id"]), codes,
    )  # fmt: skip


def _cell(indicator: str, month: str, facts: Sequence[_Fact], rates: Rates) -> Cell | None:
    stock, plus, minus, on_documents, quotient = INDICATORS[indicator]
    mine = [
        f for f in facts
        if f.kind in (plus, minus) and (f.month <= month if stock else f.month == month) and (f.documented or not on_documents)
        and not (indicator == "drawn_rate" and f.rate is None)
    ]  # fmt: skip
    if not mine:
        return None
    opening = added = taken = above = 0
    stakes: dict[str, int] = defaultdict(int)
    lacks = False
    for f in mine:
        amount = f.amount
        if indicator == "receipts_rmb_share":
            rate = rates.get((date(int(month[:4]), int(month[5:]), 1), f.currency))
            lacks = lacks or rate is None
            amount *= _nearest((rate or Fraction(0)) * PARTS)
        sign = 1 if f.kind == plus else -1
        stakes[f.holder] += sign * amount
        if f.month < month:
            opening += sign * amount
        elif sign > 0:
            added += amount
        else:
            taken += amount
        if quotient is not None:
            above += amount * {"rate": f.rate or 0, "documented": int(f.documented), "CNY": int(f.currency == "CNY")}[quotient[0]]
    sizes = [*sorted((abs(s) for s in stakes.values() if s), reverse=True), 0, 0]
    behind = len(mine), len(sizes) - 2
    where = min(f.position for f in mine), max(f.position for f in mine)
    if quotient is None:
        return Cell(opening, added, taken, 0, 0, opening + added - taken, *behind, sizes[0], sizes[1], *where)
    value = None if lacks or not added else _nearest(Fraction(quotient[1] * above, added))
    if indicator == "receipts_rmb_share":
        above, added, sizes[0], sizes[1] = (_nearest(Fraction(x, PARTS)) for x in (above, added, sizes[0], sizes[1]))
    return Cell(0, 0, 0, above, added, value, *behind, sizes[0], sizes[1], *where)


def _nearest(value: Fraction) -> int:
    """The nearest whole number; of two, the larger."""
    return math.floor(value + Fraction(1, 2))
