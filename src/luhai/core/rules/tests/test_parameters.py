"""Parameter files are read strictly; values are found by day and place; overrides stay within their limits."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from luhai.kernel.refusal import Invalid

from ..parameters import (
    BadFile,
    NoParameter,
    NotOverridable,
    NoValueThen,
    OutsideLimits,
    Parameters,
    Source,
    Value,
    load,
    read,
)

DATA = Path(__file__).resolve().parents[5] / "data" / "parameters"

GOOD = """
defaults: {unit: CNY_10k, confidence: verified}
parameters:
  a.cap:
    title: {zh: 上限, en: Cap}
    override: {min: "1", max: "9.5"}
    values:
      - {valid_from: 2020-01-01, value: "5", source: {document: first}}
      - {valid_from: 2024-01-01, value: "7", source: {document: second, article: 三}, confidence: unverified}
      - {valid_from: 2022-01-01, value: "3", territory: "510000", source: {document: Sichuan}}
  a.fixed:
    title: {zh: 定数, en: Fixed}
    unit: days
    values: [{valid_from: 2020-01-01, value: "90", source: {document: first}}]
"""


def parameters() -> Parameters:
    return Parameters(read(GOOD, "good.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ('value: "5"', "value: 5", "a.cap", "5 must be a number in quotes"),
        ('value: "5"', 'value: "five"', "a.cap", "'five' is not a number"),
        ('value: "5"', 'value: "NaN"', "a.cap", "'NaN' is not a number"),
        ('value: "5", source: {document: first}', 'value: "5"', "a.cap", "without a source"),
        ("{document: first}}\n      - {valid_from: 2024", "{article: 1}}\n      - {valid_from: 2024", "a.cap", "missing document"),
        ("valid_from: 2020-01-01, value: \"5\"", "value: \"5\"", "a.cap", "valid_from None is not a day"),
        ("    override:", "    overide:", "a.cap", "unknown key overide"),
        ("title: {zh: 上限, en: Cap}", "title: {en: Cap}", "a.cap", "missing zh"),
        ("unit: days", "unit: fortnights", "a.fixed", "'fortnights' is not one of"),
        ("confidence: unverified", "confidence: rumoured", "a.cap", "'rumoured' is not one of verified, unverified"),
        ('min: "1"', 'min: "10"', "a.cap", "min 10 is above max 9.5"),
        ('territory: "510000"', "territory: 510000", "a.cap", "not a GB/T 2260 code in quotes"),
        ("valid_from: 2024-01-01", "valid_from: 2020-01-01", "a.cap", "two values begin on the same day"),
        ("  a.fixed:", "  Fixed:", "Fixed", "a key is words in small letters"),
        ("    values: [{", "    values: {} #", "a.fixed", "a list with at least one dated value"),
        ("parameters:", "parametres:", "(file)", "unknown key parametres"),
        ("defaults: {unit", "defaults: {units", "defaults", "unknown key units"),
    ],
)  # fmt: skip
def test_mistakes_are_named_by_file_and_key(old: str, new: str, key: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(BadFile) as found:
        read(GOOD.replace(old, new, 1), "bad.yaml")
    assert (found.value.file, found.value.key) == ("bad.yaml", key)
    assert says in found.value.problem


def test_a_key_is_declared_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(GOOD)
    with pytest.raises(BadFile, match=r"b.yaml: a.cap: already declared in a.yaml"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("on", "territory", "value"),
    [
        (date(2020, 1, 1), None, 5), (date(2023, 12, 31), None, 5), (date(2024, 1, 1), None, 7),
        (date(2021, 12, 31), "510104", 5), (date(2022, 1, 1), "510104", 3), (date(2026, 1, 1), "510000", 3),
        (date(2026, 1, 1), "450000", 7),
    ],
)  # fmt: skip
def test_by_day_and_place(on: date, territory: str | None, value: int) -> None:
    assert parameters().value("a.cap", on, territory).value == value
    assert parameters().numbers(on, territory)["a.cap"] == value * 1_000_000


def test_what_is_not_there() -> None:
    with pytest.raises(NoParameter):
        parameters().value("a.gone", date(2024, 1, 1))
    with pytest.raises(NoValueThen) as early:
        parameters().value("a.cap", date(2019, 12, 31))
    assert early.value.facts == {"key": "a.cap", "on": "2019-12-31", "first": "2020-01-01"}


def override(
    value: str, territory: str = "510100", key: str = "a.cap", begins: date = date(2026, 1, 1)
) -> Value:
    return Value(
        key, Decimal(value), "CNY_10k", begins, Source("an order"), "verified", territory, by="somebody"
    )


def test_an_override_holds_in_its_place_from_its_day() -> None:
    changed = parameters().with_overrides([override("9.5")])
    assert changed.value("a.cap", date(2026, 1, 1), "510104").value == Decimal("9.5")
    assert changed.value("a.cap", date(2026, 1, 1), "510104").by == "somebody"
    assert changed.value("a.cap", date(2025, 12, 31), "510104").value == 3
    assert changed.value("a.cap", date(2026, 1, 1), "510000").value == 3
    assert changed.territories("a.cap") == {"510000", "510100"}
    assert parameters().value("a.cap", date(2026, 1, 1), "510104").value == 3


def test_an_override_comes_before_the_file_on_the_same_day() -> None:
    changed = parameters().with_overrides([override("2", "510000", begins=date(2022, 1, 1))])
    assert changed.value("a.cap", date(2022, 1, 1), "510000").value == 2


@pytest.mark.parametrize("value", ["0.99", "9.51", "-5", "NaN", "Infinity"])
def test_limits(value: str) -> None:
    with pytest.raises(OutsideLimits) as refused:
        parameters().with_overrides([override(value)])
    assert (refused.value.facts["least"], refused.value.facts["most"]) == ("1", "9.5")


def test_what_is_the_same_everywhere() -> None:
    with pytest.raises(NotOverridable):
        parameters().with_overrides([override("80", key="a.fixed")])


def test_units_are_exact_or_refused() -> None:
    value = parameters().value("a.cap", date(2024, 1, 1))
    assert (value.in_unit("CNY_minor"), value.in_unit("CNY")) == (7_000_000, 70_000)
    with pytest.raises(Invalid, match="cannot be compared with bp"):
        value.in_unit("bp")
    with pytest.raises(Invalid, match="not a whole number of CNY_10k"):
        override("9.5").in_unit("CNY_10k")


def test_the_files_that_are_shipped() -> None:
    shipped = load(DATA)
    assert (
        shipped.value("inclusive_finance.credit_cap", date(2020, 1, 1)).in_unit("CNY_minor") == 1_000_000_000
    )
    assert shipped.value("asset_class.substandard_days", date(2024, 1, 1)).value == 90
    for parameter in shipped:
        assert parameter.title_zh != parameter.title_en
        for value in parameter.values:
            assert len(value.source.document) > 5
        if parameter.overridable:
            for value in parameter.values:
                parameter.check_override(value.value)
        if parameter.nature == "convention":
            assert "非法定数值" in {v.source.article for v in parameter.values}
