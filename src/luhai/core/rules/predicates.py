"""Criteria cut down to what a machine compares: three shapes, so that equal conditions are recognised and shared.

Who: `bitsets` and `sql`; nobody else needs it. A fact counts under its *keys* (`Field.keys`): a code is one key, a set
is its members, a place or an industry is itself and all it lies within. Then every operator on codes is an overlap.

- RANGE: low ≤ number ≤ high, either end open; flags are 0 and 1, dates are days. With a parameter, its value is added
  to `low` or `high` (which then holds 0 or ±1).
- OVERLAP: at least one key is among the codes.
- COVER: all the codes are among the keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .criteria import Criterion
from .fields import FIELDS, NUMERIC, Kind, Op


class Shape(StrEnum):
    RANGE = "range"
    OVERLAP = "overlap"
    COVER = "cover"


@dataclass(frozen=True, slots=True)
class Predicate:
    """A condition on one fact. `negated` turns the answer round; a missing fact stays unknown either way."""

    field: str
    shape: Shape
    negated: bool = False
    low: int | None = None
    high: int | None = None
    parameter: str | None = None
    codes: tuple[str, ...] = ()


def predicate(criterion: Criterion) -> Predicate:
    """The shape of a criterion. Two criteria that ask the same give equal predicates, whatever measure they cite."""
    field, op, wanted = FIELDS[criterion.field], criterion.op, criterion.value
    if field.kind is Kind.FLAG:
        return Predicate(field.name, Shape.RANGE, low=int(wanted is True), high=int(wanted is True))
    if field.kind in NUMERIC:
        if isinstance(wanted, tuple):
            low, high = wanted
            assert isinstance(low, int)
            assert isinstance(high, int)
            return Predicate(field.name, Shape.RANGE, low=low, high=high)
        number = wanted if isinstance(wanted, int) else 0
        return Predicate(
            field.name,
            Shape.RANGE,
            low={Op.AT_LEAST: number, Op.MORE_THAN: number + 1, Op.IS: number}.get(op),
            high={Op.AT_MOST: number, Op.LESS_THAN: number - 1, Op.IS: number}.get(op),
            parameter=criterion.parameter,
        )
    assert isinstance(wanted, tuple)
    codes = tuple(str(c) for c in wanted)
    if field.ordered and op in (Op.AT_LEAST, Op.AT_MOST):
        order = [c.code for c in field.codes]
        at = order.index(codes[0])
        codes = tuple(sorted(order[: at + 1] if op is Op.AT_LEAST else order[at:]))
    negated = op in (Op.IS_NOT, Op.NONE_OF, Op.NOT_WITHIN, Op.INCLUDES_NONE)
    shape = Shape.COVER if op is Op.INCLUDES_ALL else Shape.OVERLAP
    return Predicate(field.name, shape, negated, codes=codes)
