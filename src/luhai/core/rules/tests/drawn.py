"""Hypothesis strategies: random facts with gaps, and random criteria over them with few different values, so that
they often meet, often miss by one, and often repeat each other."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from ..criteria import Fact, Plain, known
from ..fields import FIELDS, NUMERIC, Field, Kind, Op
from ..parameters import Parameter, Parameters, Source, Value

ON = date(2026, 6, 1)

#: A cap which Sichuan sets apart, and Chengdu within it; and one that is the same everywhere.
_VALUES: dict[str, dict[str | None, str]] = {
    "test.cap": {None: "3", "510000": "5", "510100": "2"},
    "test.same": {None: "4"},
}
PARAMETERS = Parameters(
    [
        Parameter(
            key, key, key, "CNY_10k", "law", "test",
            tuple(
                Value(key, Decimal(number), "CNY_10k", date(2020, 1, 1), Source("test"), "verified", territory)
                for territory, number in values.items()
            ),
            Decimal(0), Decimal(10),
        )
        for key, values in _VALUES.items()
    ]
)  # fmt: skip

_OPEN = {
    "territory": ["510000", "510100", "510104", "500000", "500101", "450000"],
    "industry": ["G", "G54", "G5431", "G59", "C", "C13"],
    "country": ["CN", "VN", "TH"],
}
_NAMES = (
    "territory", "industry", "country", "size", "credit_grade", "age_months", "revenue_minor", "export_share_bp",
    "founded_on", "overdue", "lists", "collateral", "amount_cny_minor",
)  # fmt: skip


def _codes(field: Field) -> list[str]:
    return _OPEN.get(field.name) or [c.code for c in field.codes][:5]


def _numbers(field: Field) -> list[int]:
    if field.kind is Kind.MONEY:
        return [0, 1, 1_999_999, 2_000_000, 2_000_001, 3_000_000, 4_000_000, 4_999_999, 5_000_000, 2**53 - 1]
    return [0, 1, 2, 3, 24, 25, 119, 120, 121, 9_999]


def _value(field: Field) -> st.SearchStrategy[Plain]:
    if field.kind is Kind.DATE:
        return st.integers(0, 4).map(lambda n: date.fromordinal(date(2020, 1, 1).toordinal() + n))
    if field.kind in NUMERIC:
        return st.sampled_from(_numbers(field))
    if field.kind is Kind.FLAG:
        return st.booleans()
    if field.kind is Kind.SET:
        return st.frozensets(st.sampled_from(_codes(field)), max_size=3)
    return st.sampled_from(_codes(field))


def facts() -> st.SearchStrategy[dict[str, Fact]]:
    return st.fixed_dictionaries({}, optional={name: _value(FIELDS[name]) for name in _NAMES}).map(
        lambda drawn: known(drawn, "drawn")
    )


@st.composite
def criterion(draw: st.DrawFn) -> dict[str, object]:
    field = FIELDS[draw(st.sampled_from(_NAMES))]
    op = draw(st.sampled_from(field.operators))
    made: dict[str, object] = {"field": field.name, "op": op.value}
    if draw(st.booleans()):
        made["measure"] = draw(st.sampled_from(["M05-05", "M12-01"]))
    bounds = (Op.AT_LEAST, Op.AT_MOST, Op.MORE_THAN, Op.LESS_THAN)
    if field.unit == "CNY_minor" and op in bounds and draw(st.booleans()):
        made["parameter"] = draw(st.sampled_from(["test.cap", "test.same"]))
        return made
    if field.kind is Kind.DATE:
        drawn = draw(st.lists(_value(field), min_size=2, max_size=2))
        written = sorted(d.isoformat() for d in drawn if isinstance(d, date))
        made["value"] = written if op is Op.BETWEEN else written[0]
    elif field.kind in NUMERIC:
        pair = sorted(draw(st.lists(st.sampled_from(_numbers(field)), min_size=2, max_size=2)))
        made["value"] = pair if op is Op.BETWEEN else pair[0]
    elif field.kind is Kind.FLAG:
        made["value"] = draw(st.booleans())
    elif op in (Op.IS, Op.IS_NOT, Op.AT_LEAST, Op.AT_MOST):
        made["value"] = draw(st.sampled_from(_codes(field)))
    else:
        made["value"] = draw(st.lists(st.sampled_from(_codes(field)), min_size=1, max_size=3))
    return made


def criteria() -> st.SearchStrategy[dict[str, object]]:
    """Trees of up to three levels; now and then an empty all-of."""
    return st.recursive(
        criterion(),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4).map(lambda parts: {"all": parts}),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        ),
        max_leaves=8,
    )
