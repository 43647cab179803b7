"""A table that a reader puts together: a selection of printed cells by rows and columns. Pure; it computes no figure.

Printed are territories by one more dimension at a time; so one of rows, columns and the filter may tell territories apart beside one other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from luhai.core.indicators.dimensions import BY_NAME, DIMENSIONS, TOTAL, Dimension
from luhai.kernel.refusal import Invalid, gettext_noop

from .queries import Observation

MONTHS: Final = "month"
#: What rows and columns may be.
AXES: Final = tuple(d.name for d in DIMENSIONS if d.name != "currency")
_PLACE: Final = {d.name: i for i, d in enumerate(DIMENSIONS)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader chose. `columns` is a dimension or "month"; `territory` a code that all cells are of, where no axis says."""

    rows: str
    columns: str
    currency: str
    territory: str

    def keys(self) -> dict[str, list[str]]:
        """Which cells that takes, in the form that `queries.published` asks for."""
        free = {self.rows, self.columns} & set(AXES)
        fixed = {name: [TOTAL] for name in AXES if name not in free}
        if "territory" not in free:
            fixed["territory"] = [self.territory]
        return fixed | {"currency": [self.currency]}


@dataclass(frozen=True, slots=True)
class Grid:
    """Codes of columns and rows, totals last, and the cell of each pair where there is one."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Observation | None, ...]], ...]


def asked(rows: str, columns: str, currency: str, territory: str) -> Asked:
    """Refuses: Invalid (rows, columns, currency, territory)."""
    if rows not in AXES:
        raise Invalid(field="rows", problem=gettext_noop("a dimension of the figures"))
    if columns not in {MONTHS, *AXES} or columns == rows:
        raise Invalid(field="columns", problem=gettext_noop("months, or another dimension than the rows"))
    if columns != MONTHS and "territory" not in {rows, columns}:
        raise Invalid(field="columns", problem=gettext_noop("published are territories by one more dimension; choose territories for rows or columns"))
    if currency not in {*BY_NAME["currency"].codes, TOTAL}:
        raise Invalid(field="currency", problem=gettext_noop("a currency such as CNY"))
    if territory not in {*BY_NAME["territory"].codes, TOTAL}:
        raise Invalid(field="territory", problem=gettext_noop("a code of the corridor, _T or _Z"))
    return Asked(rows, columns, currency, territory)


def grid(want: Asked, found: Sequence[Observation]) -> Grid:
    """The cells laid out. A column of months stands in their order, other codes in the order of their list, the total last."""
    at = {(_code(x, want.rows), _code(x, want.columns)): x for x in found}
    rows, columns = ({pair[i] for pair in at} for i in (0, 1))
    in_order = _ordered(columns, want.columns)
    return Grid(tuple(in_order), tuple((r, tuple(at.get((r, c)) for c in in_order)) for r in _ordered(rows, want.rows)))


def _code(x: Observation, axis: str) -> str:
    return x.month if axis == MONTHS else x.key[_PLACE[axis]]


def _ordered(codes: set[str], axis: str) -> list[str]:
    if axis == MONTHS:
        return sorted(codes)
    listed = [c for c in BY_NAME[axis].codes if c != TOTAL]
    return sorted(codes, key=lambda c: (c == TOTAL, listed.index(c) if c in listed else len(listed), c))


def names(axis: str, dimensions: Mapping[str, Dimension] = BY_NAME) -> Dimension | None:
    """The dimension of an axis; None for months."""
    return dimensions.get(axis)
