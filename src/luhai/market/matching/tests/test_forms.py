"""What people type into the forms, and what is read from it."""

from __future__ import annotations

import pytest
from django.utils import translation

from luhai.kernel.money import Currency
from luhai.kernel.refusal import Invalid
from luhai.market.matching import policy, web
from luhai.market.matching.web import _read_amount, _read_decimal


@pytest.mark.parametrize(
    ("typed", "minor"),
    [
        ("5000000", 500_000_000), ("5,000,000", 500_000_000), ("500万", 500_000_000), ("0.5亿元", 5_000_000_000),
        ("5m", 500_000_000), ("12.34", 1_234), (" 80万 ", 80_000_000), ("5，000", 500_000), ("９９", 9_900),
    ],
)  # fmt: skip
def test_amounts_as_people_type_them(typed: str, minor: int) -> None:
    assert _read_amount(typed, Currency.CNY) == minor


@pytest.mark.parametrize("typed", ["", "x", "-5", "1.234", "5 5", "1e9", "万", "5万万", "1" * 40])
def test_what_is_no_amount(typed: str) -> None:
    assert _read_amount(typed, Currency.CNY) is None


@pytest.mark.parametrize(
    ("typed", "places", "whole"), [("3.85", 2, 385), ("3.855", 2, None), ("180", 0, 180), ("1.5", 0, None), ("-1", 0, None), ("nan", 2, None)]
)
def test_numbers_of_so_many_places(typed: str, places: int, whole: int | None) -> None:
    assert _read_decimal(typed, places) == whole


@pytest.mark.parametrize(
    ("field", "said"),
    [("amount_minor", "from CN¥0.01 to CN¥405,000 is possible"), ("rate_bp", "from 0.01% to 405000.00% is possible")],
)
def test_bounds_are_said_in_the_unit_of_the_form(field: str, said: str) -> None:
    with translation.override("en"), pytest.raises(Invalid) as refused:
        policy.whole({field: 0}, field, 1, 405_000_00)
    with translation.override("en"):
        assert web._beside(refused.value, "CNY") == said
