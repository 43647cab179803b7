"""What a definition may say, what names it, and how quotients are rounded."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.core.indicators.definitions import (
    RATE_PARTS,
    Form,
    Indicator,
    converted,
    digest,
    parts_of,
    quotient,
)

RATE = Indicator(
    "rate", "利率", "Rate", Form.MEAN, ("drawn",), (), False, "式", "Formula", ("M11-06",), unit="percent", decimals=4, scale=100, weight="rate_bp"
)  # fmt: skip
OWED = Indicator("owed", "余额", "Owed", Form.STOCK, ("drawn",), ("repaid",), False, "式", "Formula", ("M11-06",))

#: A change of each field, and whether the method is another one then.
CHANGES = {
    "key": ("other", True), "zh": ("别", False), "en": ("Other", False), "form": (Form.FLOW, True), "plus": (("received",), True), "minus": ((), True),
    "documented": (True, True), "formula_zh": ("别", True), "formula_en": ("Other", True), "measures": ((), False), "unit": None, "decimals": (2, True),
    "scale": (10, True), "weight": None, "part": None, "into": None, "rests_on": (("x",), False),
}  # fmt: skip


def test_a_digest_changes_with_the_method_and_with_nothing_else() -> None:
    assert set(CHANGES) == {f.name for f in fields(Indicator)}
    for name, change in CHANGES.items():
        if change:
            value, other = change
            assert (digest(replace(OWED, **{name: value})) != digest(OWED)) is other, name
    assert digest(replace(RATE, weight="other_bp")) != digest(RATE)
    assert digest(replace(OWED, plus=("a", "b"))) == digest(replace(OWED, plus=("b", "a"))), "kinds have no order"
    assert len(digest(OWED)) == 64


@pytest.mark.parametrize(
    "wrong",
    [
        {"plus": ()}, {"plus": ("drawn", "drawn")}, {"minus": ("drawn",)}, {"unit": "percent"}, {"form": Form.MEAN}, {"weight": "rate_bp"},
        {"form": Form.SHARE, "unit": "percent"}, {"part": ("documented", "true")}, {"into": "CNY"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_cannot_be_defined(wrong: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        replace(OWED, **wrong)  # type: ignore[arg-type]


@given(st.integers(0, 10**40), st.integers(1, 10**30), st.sampled_from([1, 100, 10_000]))
def test_quotients_are_rounded_half_up(numerator: int, denominator: int, scale: int) -> None:
    with localcontext(prec=200):
        wanted = (Decimal(numerator) * scale / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_UP)
    found = quotient(numerator, denominator, scale)
    exact = Fraction(numerator * scale, denominator)
    assert abs(exact - found) <= Fraction(1, 2)
    assert found == wanted


@pytest.mark.parametrize(("numerator", "denominator", "value"), [(1, 2, 1), (3, 2, 2), (1, 3, 0), (2, 3, 1), (0, 7, 0)])
def test_halves_go_up(numerator: int, denominator: int, value: int) -> None:
    assert quotient(numerator, denominator, 1) == value


def test_rates_count_in_parts() -> None:
    assert parts_of(Fraction(71_034, 10_000)) == 7_103_400_000_000
    assert converted(250 * parts_of(Fraction(1, 2))) == 125
    assert converted(RATE_PARTS // 2) == 1
    for nothing in (Fraction(0), Fraction(-1), Fraction(1, 10**13)):
        with pytest.raises(ValueError, match="rate"):
            parts_of(nothing)
