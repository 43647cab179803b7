"""All cells of one release, from files of facts: the printed ones, and those that could be worked out from them (see `linking`). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luhai.core.indicators.definitions import Form, Indicator, Rates
from luhai.core.rules import rates
from luhai.kernel.money import EXPONENT, Currency

from .linking import Line, lines_of
from .policy import following, month_end

if TYPE_CHECKING:
    from luhai.core.indicators.engine import Cell


def month_end_rates(month: date, into: Iterable[str]) -> Rates:
    """The reference rates of a month's end: minor units of the currency converted into for one minor unit. One that is not published for
    that month is left out, so that what would need it has no value."""
    found: dict[tuple[date, str], Fraction] = {}
    for target in {Currency(code) for code in into}:
        for of in Currency:
            if of is target:
                found[month, of.value] = Fraction(1)
                continue
            try:
                rate = rates.reference(of, target, month_end(month))
            except rates.NoRate:
                continue
            if rate.on.replace(day=1) != month:  # the last one that is published is an earlier month's, and stands for that one only
                continue
            found[month, of.value] = Fraction(rate.value) * Fraction(10) ** (EXPONENT[target] - EXPONENT[of])
    return found


def count(
    engine: str, files: Sequence[Path], month: date, position: int, indicators: Sequence[Indicator], *, same: int | None = None,
    before: int | None = None, after: int | None = None,
) -> list[Cell]:  # fmt: skip
    """Every cell of a release of `month` as of a position of the journal; `indicator` of a cell is its line's name.

    `same`: the position of the vintage that this one follows; `before`: of the newest release of the month before; `after`: of the month after,
    if that is out already. Then what came to be known after them is counted, too.
    Refuses: ValueError, EngineMissing (as the engine does).
    """
    from luhai.core.indicators.engine import CUBES, computed, opened, prune

    lines, means, shares = lines_of(indicators)
    read = prune(files, month, month, stocks=True)
    if not read:
        return []
    into = {s.into for s in shares if s.into}
    extra = [x for x in lines if not x.printed]
    stocks = [x for x in lines if x.form is Form.STOCK]
    found: list[Cell] = []
    with opened(engine, read) as facts:

        def cells(table: Any, wanted: Sequence[Indicator], on: date, name: str = "{}") -> None:
            if wanted:
                known = month_end_rates(on, into) if any(i.into for i in wanted) else None
                found.extend(
                    replace(cell, indicator=name.format(cell.indicator)) for cell in computed(table, wanted, [on], CUBES, position, rates=known)
                )

        def of(table: Any, wanted: Sequence[Line], on: date, name: str = "{}") -> None:
            """Lines of all facts and of those with documents; then of those without."""
            cells(table, [_defined(x) for x in wanted if x.documented is not False], on, name)
            cells(table.filter(~table.documented), [_defined(x) for x in wanted if x.documented is False], on, name)

        cells(facts, list(indicators), month)
        of(facts, extra, month)
        of(facts, stocks, following(month, -1), "{}<")
        if before is not None:
            of(facts.filter(facts.position > before), stocks, following(month, -1), "{}<+")
        if after is not None:
            of(facts.filter(facts.position > after), stocks, month, "{}>+")
        if same is not None:
            late = facts.filter(facts.position > same)
            of(late, stocks, following(month, -1), "{}<++")
            of(late, lines, month, "{}+")
            cells(late, means, month, "{}+")
    return found


def _defined(line: Line) -> Indicator:
    """A line as a definition that the engine counts."""
    return Indicator(line.name, "", "", line.form, line.plus, line.minus, line.documented is True, "", "", ())
