"""Enterprise sizes: the vectors of the standard, both sides of bounds, and what cannot be told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ..criteria import known
from ..enterprise_size import GROUPS, enterprise_size, group_of
from ..parameters import NoValueThen, load

PARAMETERS = load(Path(__file__).resolve().parents[5] / "data" / "parameters")
TODAY = date(2026, 6, 1)
WAN = 1_000_000  # fen in ten thousand yuan


def size(
    industry: str, x: int | None = None, y: int | None = None, z: int | None = None, on: date = TODAY
) -> str | None:
    facts = {"industry": industry, "employees": x, "revenue_minor": None if y is None else y * WAN,
             "assets_minor": None if z is None else z * WAN}  # fmt: skip
    return enterprise_size(known(facts), PARAMETERS, on=on).size


@pytest.mark.parametrize(
    ("industry", "x", "y", "z", "expected"),
    [
        ("G59", 150, 40_000, None, "medium"),  # fewer than 200 people
        ("G54", 1_000, 30_000, None, "large"),
        ("F51", 300, 900, None, "micro"),  # less than 1,000
        ("C13", 19, 500, None, "micro"),
        ("C13", 20, 300, None, "small"), ("C13", 20, 299, None, "micro"), ("C13", 300, 2_000, None, "medium"),
        ("C13", 1_000, 40_000, None, "large"), ("C13", 999, 40_000, None, "medium"),
        ("A01", None, 500, None, "medium"), ("A01", None, 49, None, "micro"),
        ("E47", None, 80_000, 79_999, "medium"), ("F52", 50, 500, None, "medium"), ("G60", 20, 100, None, "small"),
        ("H61", 300, 10_000, None, "large"), ("H62", 9, 10_000, None, "micro"),
        ("I63", 2_000, 100_000, None, "large"), ("I65", 10, 50, None, "small"),
        ("K7010", None, 200_000, 10_000, "large"), ("K7010", None, 200_000, 9_999, "medium"),
        ("K7020", 100, 500, None, "small"), ("L72", 100, None, 8_000, "medium"), ("R88", 10, None, None, "small"),
        ("G5910", 100, 1_000, None, "small"),  # loading is transport, storage would be medium
        ("G58", 20, 200, None, "small"),
    ],
)  # fmt: skip
def test_vectors(industry: str, x: int | None, y: int | None, z: int | None, expected: str) -> None:
    assert size(industry, x, y, z) == expected


def test_a_missing_number_matters_only_where_it_could_decide() -> None:
    assert size("F51", 4) == "micro"  # whatever the revenue
    assert size("F51", 300) is None
    assert size("C13", None, 299) == "micro"
    told = enterprise_size(known({"industry": "F51", "employees": 300}), PARAMETERS, on=TODAY)
    assert (told.group, told.why) == ("wholesale", "revenue_minor not known")


@pytest.mark.parametrize("industry", ["G53", "J66", "P83", "Q84", "S91", "T97", "F", "K70"])
def test_what_the_method_does_not_cover(industry: str) -> None:
    assert size(industry, 100, 100, 100) is None


def test_no_industry() -> None:
    assert enterprise_size({}, PARAMETERS, on=TODAY).why == "industry is not known"


def test_before_the_standard() -> None:
    with pytest.raises(NoValueThen):
        size("C13", 20, 300, on=date(2011, 6, 17))
    assert size("C13", 20, 300, on=date(2011, 6, 18)) == "small"


def test_the_answer_names_its_sources() -> None:
    told = enterprise_size(
        known({"industry": "C13", "employees": 20, "revenue_minor": 300 * WAN}), PARAMETERS, on=TODAY
    )
    _, answer = told.answers[-1]
    assert {j.parameter.key for j in answer.judged if j.parameter} == {
        "enterprise_size.industry.small.employees", "enterprise_size.industry.small.revenue",
    }  # fmt: skip
    assert {j.parameter.confidence for j in answer.judged if j.parameter} == {"unverified"}


def test_bounds_fall_with_size() -> None:
    """In each group and number: large above medium above small."""
    for group, numbers in GROUPS.items():
        for number in numbers:
            large, medium, small = (
                PARAMETERS.value(f"enterprise_size.{group}.{s}.{number}", TODAY).value
                for s in ("large", "medium", "small")
            )
            assert large > medium > small, (group, number)


def test_groups() -> None:
    assert group_of("G5431") == "transport"
    assert group_of("G5990") == "storage"
    assert group_of("Z") is None
