"""Cells once more, the plainest way: lists and dictionaries, one fact after the other. For tests only; it shares no step with the engine."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from fractions import Fraction
from itertools import combinations
from typing import Any

from luhai.core.indicators.definitions import Form, Indicator, Rates
from luhai.core.indicators.engine import COLUMNS, Cell


def half_up(x: Fraction) -> int:
    return (x + Fraction(1, 2)).__floor__()


def keys_of(fact: dict[str, Any], cubes: Any, unit: str) -> set[tuple[str, ...]]:
    found = set()
    for cube in cubes:
        names = [c for c in cube if c != "currency"]
        for n in range(len(names) + 1):
            for some in combinations(names, n):
                found.add(tuple(unit if c == "currency" else fact[c] if c in some else "_T" for c in COLUMNS))
    return found


def cells(facts: list[dict[str, Any]], indicators: Any, months: list[date], cubes: Any, upto: int | None, rates: Rates) -> list[Cell]:
    return sorted(
        (c for what in indicators for month in months for c in _of(facts, what, month, cubes, upto, rates)),
        key=lambda c: (c.indicator, c.month, c.key),
    )


def _of(facts: list[dict[str, Any]], what: Indicator, month: date, cubes: Any, upto: int | None, rates: Rates) -> list[Cell]:
    beneath: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for fact in facts:
        counted = (
            fact["kind"] in (*what.plus, *what.minus)
            and (fact["documented"] or not what.documented)
            and (fact["month"] <= month if what.form is Form.STOCK else fact["month"] == month)
            and (upto is None or fact["position"] <= upto)
            and (not what.weight or fact[what.weight] is not None)
        )
        if counted:
            for key in keys_of(fact, cubes, "_T" if what.into else fact["currency"]):
                beneath[key].append(fact)
    return [_cell(what, month, key, below, rates) for key, below in beneath.items()]


def _cell(what: Indicator, month: date, key: tuple[str, ...], below: list[dict[str, Any]], rates: Rates) -> Cell:
    held: dict[str, Fraction] = defaultdict(Fraction)
    opening = added = taken = over = Fraction(0)
    lacks = False
    for fact in below:
        amount = Fraction(fact["amount"])
        if what.into:
            rate = rates.get((month, fact["currency"]))
            lacks |= rate is None
            amount *= Fraction(half_up((rate or Fraction(0)) * 10**12), 10**12)
        if fact["kind"] in what.minus:
            amount = -amount
        held[fact["holder"]] += amount
        if fact["month"] < month:
            opening += amount
        elif amount > 0:
            added += amount
        else:
            taken -= amount
        if what.form is Form.MEAN:
            over += amount * fact[what.weight]
        if what.form is Form.SHARE:
            assert what.part is not None
            name, value = what.part
            over += amount if str(fact[name]).lower() == value.lower() else 0
    sizes = sorted((abs(x) for x in held.values() if x), reverse=True)
    largest, second = (*sizes, Fraction(0), Fraction(0))[:2]
    value: int | None = int(opening + added - taken)
    sums = (int(opening), int(added), int(taken), 0, 0)
    if what.form in {Form.MEAN, Form.SHARE}:
        value = None if lacks or not added else half_up(over / added * what.scale)
        sums = (0, 0, 0, half_up(over), half_up(added))
    return Cell(
        what.key, f"{month:%Y-%m}", key, *sums, value, len(below), len(sizes), half_up(largest), half_up(second),
        min(f["position"] for f in below), max(f["position"] for f in below),
    )  # fmt: skip
