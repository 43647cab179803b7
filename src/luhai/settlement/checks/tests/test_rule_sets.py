"""What may be shipped as a rule set, and what is refused with its place named."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from luhai.core.rules.criteria import parameter_keys
from luhai.settlement.checks.rule_sets import TIERS, BadRules, RuleSet, in_force, load, read
from luhai.settlement.checks.tests.world import AFTER, DATA, PARAMETERS, SETS

GOOD: dict[str, Any] = {
    "id": "goods-in", "valid_from": date(2026, 1, 1), "direction": "in", "title": {"zh": "收", "en": "in"},
    "source": {"document": "d", "article": "a"}, "confidence": "unverified",
    "situations": {AFTER: {"title": {"zh": "后", "en": "after"}, "declaration": "used"}},
    "checks": {
        "amount": {
            "title": {"zh": "额", "en": "amount"}, "measure": "M08-01", "when": {AFTER: "PYY"},
            "criteria": {"field": "over_invoice_bp", "op": "at_most", "parameter": "settlement.amount_tolerance"},
            "exactly": {"field": "over_invoice_bp", "op": "at_most", "value": 0},
        }
    },
}  # fmt: skip


def set_at(path: str, value: Any) -> str:
    """The good file with one thing changed; None takes it away."""
    document = yaml.safe_load(yaml.safe_dump(GOOD, allow_unicode=True))
    *way, last = path.split("/")
    node = document
    for step in way:
        node = node[step]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def test_the_good_file_is_good() -> None:
    found = read(set_at("id", "goods-in"), "f.yaml", PARAMETERS)
    assert isinstance(found, RuleSet)
    assert found.version == "goods-in@2026-01-01"
    assert [found.checks[0].weight(AFTER, t) for t in TIERS] == ["P", "Y", "Y"]
    assert found.checks[0].weight("goods_advance", "1") is None


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("id", "Goods In", "id"), ("valid_from", "soon", "valid_from"), ("direction", "up", "direction"), ("confidence", "yes", "confidence"),
        ("extra", 1, "(file)"), ("source/document", None, "source"), ("title/zh", "", "title"), ("checks", {}, "checks"),
        ("checks", {"Amount": {}}, "checks.Amount"),
        (f"situations/{AFTER}/declaration", "maybe", f"situations.{AFTER}.declaration"),
        ("situations/goods", {"title": {"zh": "a", "en": "b"}, "declaration": "none"}, "situations.goods"),
        (f"checks/amount/when/{AFTER}", "PY", f"checks.amount.when.{AFTER}"), (f"checks/amount/when/{AFTER}", "XYY", f"checks.amount.when.{AFTER}"),
        (f"checks/amount/when/{AFTER}", "YYP", f"checks.amount.when.{AFTER}"), (f"checks/amount/when/{AFTER}", "PPP", f"situations.{AFTER}"),
        ("checks/amount/when/goods_refund", "PYY", "checks.amount.when.goods_refund"), ("checks/amount/measure", "8", "checks.amount.measure"),
        ("checks/amount/criteria/field", "size", "checks.amount.criteria.criteria.field"),
        ("checks/amount/criteria/parameter", "settlement.nothing", "checks.amount.criteria.criteria.parameter"),
        ("checks/amount/criteria/parameter", "settlement.refund_days", "checks.amount.criteria.criteria.parameter"),
        ("checks/amount/exactly/value", 500, "checks.amount.exactly.criteria"),
        ("checks/amount/criteria", {"field": "over_invoice_bp", "op": "between", "value": [0, 500]}, "checks.amount.criteria.criteria"),
    ],
)  # fmt: skip
def test_what_may_not_be_shipped(path: str, value: Any, place: str) -> None:
    with pytest.raises(BadRules) as bad:
        read(set_at(path, value), "f.yaml", PARAMETERS)
    assert (bad.value.file, bad.value.place) == ("f.yaml", place)


def test_two_versions_never_begin_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(set_at("id", "goods-in"), encoding="utf-8")
    (tmp_path / "b.yaml").write_text(set_at("id", "other"), encoding="utf-8")
    with pytest.raises(BadRules, match=r"begins with a\.yaml"):
        load(tmp_path, PARAMETERS)
    (tmp_path / "b.yaml").write_text(set_at("valid_from", date(2027, 1, 1)), encoding="utf-8")
    both = load(tmp_path, PARAMETERS)
    assert in_force(both, "in", AFTER, date(2026, 12, 31)).version == "goods-in@2026-01-01"
    assert in_force(both, "in", AFTER, date(2027, 1, 1)).version == "goods-in@2027-01-01"


def test_what_is_shipped() -> None:
    """Both directions know all situations; files are named by version; every parameter of settlement's that a check needs is used."""
    assert {s.direction for s in SETS} == {"in", "out"}
    for one in SETS:
        assert one.file == f"{one.id}.{one.valid_from}.yaml"
        assert len(one.situations) == 4
        for check in one.checks:
            assert check.measure == "M08-01"
    used = {k for s in SETS for c in s.checks for k in parameter_keys(c.criteria)}
    declared = {p.key for p in PARAMETERS if p.key.startswith("settlement.") and ".grade_" not in p.key}
    assert used == declared
    assert sorted(p.name for p in (DATA / "checks").glob("*.yaml")) == sorted(s.file for s in SETS)


def test_checks_mean_the_same_in_both_directions() -> None:
    by_name: dict[str, set[tuple[str, str]]] = {}
    for one in SETS:
        for check in one.checks:
            by_name.setdefault(check.name, set()).add((check.zh, check.en))
    assert {n for n, titles in by_name.items() if len(titles) > 1} == {"advance_share"}
