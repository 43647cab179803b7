"""Kleene's tables, what a condition may say, packages as files, and what differs between two of them. No database."""

from __future__ import annotations

from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from luhai.core.parties.territories import territories
from luhai.core.rules.parameters import load as load_parameters
from luhai.kernel.refusal import Invalid
from luhai.oversight.replication import places, policy
from luhai.oversight.replication.packages import BadPackage, Package, differences, load, newest, read
from luhai.oversight.replication.policy import FACTS, Known, ReasonNode, judge, parse, reason_of

DATA = Path(__file__).resolve().parents[5] / "data"
PARAMETERS = load_parameters(DATA / "parameters")
ON = date(2026, 3, 2)
PORT = {"fact": "sea_port", "op": "is", "value": True}
RAIL = {"fact": "rail_hub", "op": "is", "value": True}
#: A value of the fact by what its condition then answers.
ANSWERS: dict[str, bool | None] = {"met": True, "failed": False, "unknown": None}


def facts(**values: Any) -> dict[str, Known]:
    return {name: Known(value, "test", ON) for name, value in values.items() if value is not None}


def verdict(condition: Any, **values: Any) -> str:
    return judge(parse(condition, "c"), facts(**values), PARAMETERS, ON, "510000").verdict


KLEENE = """
a        b        all      any      not_a
met      met      met      met      failed
met      unknown  unknown  met      failed
met      failed   failed   met      failed
unknown  met      unknown  met      unknown
unknown  unknown  unknown  unknown  unknown
unknown  failed   failed   unknown  unknown
failed   met      failed   met      met
failed   unknown  failed   unknown  met
failed   failed   failed   failed   met
"""


def test_the_table_of_three_values() -> None:
    _, *rows = [line.split() for line in KLEENE.strip().splitlines()]
    assert {(a, b) for a, b, *_ in rows} == set(product(ANSWERS, ANSWERS))
    for a, b, both, either, not_a in rows:
        known = {"sea_port": ANSWERS[a], "rail_hub": ANSWERS[b]}
        assert verdict({"all": [PORT, RAIL]}, **known) == both, (a, b)
        assert verdict({"any": [PORT, RAIL]}, **known) == either, (a, b)
        assert verdict({"not": PORT}, **known) == not_a, (a, b)


def test_all_of_nothing_holds_and_any_of_nothing_is_refused() -> None:
    assert verdict({"all": []}) == "met"
    with pytest.raises(Invalid):
        parse({"any": []}, "c")


CONDITIONS = st.recursive(
    st.sampled_from([PORT, RAIL, {"fact": "debt_colour", "op": "none_of", "value": ["red"]}, {"fact": "red_warnings", "op": "at_most", "value": 0}]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda p: {"all": p}), st.lists(inner, min_size=1, max_size=3).map(lambda p: {"any": p}),
        inner.map(lambda p: {"not": p}),
    ),
    max_leaves=6,
)  # fmt: skip
WORLDS: Any = st.fixed_dictionaries({
    "sea_port": st.none() | st.booleans(), "rail_hub": st.none() | st.booleans(), "debt_colour": st.none() | st.sampled_from(["green", "red"]),
    "red_warnings": st.none() | st.integers(0, 2),
})  # fmt: skip


@given(CONDITIONS, WORLDS)
def test_learning_more_never_turns_an_answer_about(condition: Any, world: dict[str, Any]) -> None:
    """What is answered while something is not known holds however the unknown turns out; so an unknown was never taken for a yes or a no."""
    known = verdict(condition, **world)
    if known == "unknown":
        return
    options = {"sea_port": [True, False], "rail_hub": [True, False], "debt_colour": ["green", "red"], "red_warnings": [0, 1]}
    open_ = [n for n, v in world.items() if v is None]
    for choice in product(*(options[n] for n in open_)):
        assert verdict(condition, **world | dict(zip(open_, choice, strict=True))) == known


@given(CONDITIONS, WORLDS)
def test_a_reason_says_all_that_is_missing(condition: Any, world: dict[str, Any]) -> None:
    reason = judge(parse(condition, "c"), facts(**world), PARAMETERS, ON, "510000")
    assert reason_of(reason.as_json()) == reason
    assert bool(reason.missing) == (reason.verdict == "unknown") or reason.verdict == "failed"
    assert bool(reason.failing) <= (reason.verdict == "failed")


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        ({"fact": "gold", "op": "is", "value": True}, "c.fact"),
        ({"fact": "sea_port", "op": "near", "value": True}, "c.op"),
        ({"fact": "sea_port", "op": "is", "value": "yes"}, "c.value"),
        ({"fact": "sea_port", "op": "is"}, "c.value"),
        ({"fact": "sea_port", "op": "is", "value": True, "why": 1}, "c.why"),
        ({"fact": "companies", "op": "at_least", "value": 7}, "c.value"),
        ({"fact": "sea_port", "op": "is", "parameter": "replication.least_banks"}, "c.parameter"),
        ({"fact": "debt_colour", "op": "one_of", "value": "red"}, "c.value"),
        ({"fact": "debt_colour", "op": "one_of", "value": ["blue"]}, "c.value"),
        ({"all": [PORT, {"any": []}]}, "c.all[1].any"),
        ({"all": [PORT], "any": [PORT]}, "c.all"),
        ("sea_port", "c"),
    ],
)
def test_a_condition_that_cannot_be_is_refused_by_its_place(condition: Any, field: str) -> None:
    with pytest.raises(Invalid) as no:
        parse(condition, "c")
    assert no.value.facts["field"] == field


@pytest.mark.parametrize(
    ("grade", "answer"), [("A", "met"), ("B", "met"), ("C", "failed"), ("D", "failed"), (None, "unknown")]
)
def test_of_ordered_codes_the_best_comes_first(grade: str | None, answer: str) -> None:
    assert verdict({"fact": "supervision_grade", "op": "at_least", "value": "B"}, supervision_grade=grade) == answer


def test_approval_is_unknown_until_it_is_given_and_is_over_after_its_day() -> None:
    def at(day: date | None, until: date | None = None, refused: bool = False) -> str:
        return policy.approval(granted_by="SAFE", instrument_no="1", granted_on=day, until=until, refused=refused, on=ON).verdict

    assert [at(None), at(ON), at(ON, ON), at(ON, date(2026, 3, 1)), at(None, refused=True)] == ["unknown", "met", "met", "failed", "failed"]
    assert policy.elsewhere(()).verdict == "failed"


# --- packages -----------------------------------------------------------------------------------------------------------

FOLDER = DATA / "packages"
GOOD = (FOLDER / "corridor-logistics.1.0.yaml").read_text(encoding="utf-8")


def changed(path: str, value: Any) -> str:
    """The shipped file with one thing set; None takes it away."""
    document = yaml.safe_load(GOOD)
    *way, last = [int(s) if s.isdigit() else s for s in path.split("/")]
    node = document
    for step in way:
        node = node[step]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def test_three_scenes_are_packages_and_say_what_is_ours() -> None:
    found = newest(load(FOLDER, PARAMETERS))
    assert {p.id: (p.origin, p.measure) for p in found.values()} == {
        "corridor-logistics": ("500000", "M14-03"), "port-shipping": ("450000", "M14-04"), "rail-trains": ("610000", "M14-05"),
    }  # fmt: skip
    for p in found.values():
        assert "本平台的建议" in p.ours.zh
        assert "proposal" in p.ours.en
        assert p.basis == ("M14-06", "M23-02")
        assert {v.verdict for v in p.vectors} == {"clear", "blocked"}


def test_every_place_is_described_and_nothing_is_guessed() -> None:
    assert set(territories()) == set(places._table())
    assert {name for code in territories() for name in places.of(code)} <= {n for n, f in FACTS.items() if f.by == "reference"}
    assert "rail_hub" not in places.of("520000"), "what the file does not say is not known"


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("scene", None, "(file)"),
        ("colour", "red", "(file)"),
        ("id", "Corridor", "id"),
        ("version", 1.0, "version"),
        ("origin", "110000", "origin"),
        ("scene", "corridor-logistics", "scene"),
        ("basis", ["14"], "basis"),
        ("parameters/scenes.freight_days/max", "900", "parameters.scenes.freight_days"),
        ("parameters/scenes.freight_days/default", 180, "parameters.scenes.freight_days"),
        ("parameters", {"no.such": {"default": "1", "min": "1", "max": "1"}}, "parameters.no.such"),
        ("parameters", {"settlement.refund_days": {"default": "180", "min": "1", "max": "300"}}, "parameters.settlement.refund_days"),
        ("conditions/market/all/1/parameter", "settlement.refund_days", "conditions.market"),
        ("conditions/risk/all/0/value", "Z", "conditions.risk.all[0].value"),
        ("data", ["gossip"], "data"),
        ("limits/monthly_minor", 0, "limits.monthly_minor"),
        ("limits/currency", "XXX", "limits.currency"),
        ("product/requires", ["M14-06"], "product.requires"),
        ("product/price_min_bp", 900, "product.price_min_bp"),
        ("vectors", [], "vectors"),
        ("vectors/0/verdict", "blocked", "vectors[0]"),
        ("vectors/1/name", "whole", "vectors"),
    ],
)
def test_a_package_that_may_not_be_shipped_says_where(path: str, value: Any, place: str) -> None:
    with pytest.raises(BadPackage) as no:
        read(changed(path, value), "x.yaml", PARAMETERS)
    assert no.value.place == place, no.value


def test_two_files_of_one_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(BadPackage):
        load(tmp_path, PARAMETERS)


def version(number: str, path: str = "", value: Any = None) -> Package:
    text = changed(path, value) if path else GOOD
    document = yaml.safe_load(text) | {"version": number}
    return read(yaml.safe_dump(document, allow_unicode=True), f"{number}.yaml", PARAMETERS)


def test_the_newest_is_by_number_and_its_difference_is_told(tmp_path: Path) -> None:
    for number in ("1.9", "1.10", "1.2"):
        document = yaml.safe_load(GOOD) | {"version": number}
        (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    assert newest(load(tmp_path, PARAMETERS))["corridor-logistics"].version == "1.10"


def test_what_differs_from_the_origin_and_from_a_newer_version() -> None:
    old = version("1.0")
    new = version("1.1", "parameters/scenes.freight_days/default", "150")
    (line,) = differences(old, {"scenes.freight_days": "120"}, new)
    assert (line.origin, line.here, line.newest, line.ours, line.newer) == ("180", "120", "150", True, True)
    (same,) = differences(old, {}, old)
    assert (same.ours, same.newer) == (False, False)
    for path, value, name in (
        ("limits/monthly_minor", 1, "monthly_minor"), ("text/zh", "另一段", "text"), ("product/price_max_bp", 460, "price_max_bp"),
        ("vectors/0/case/tier", "1", "whole"), ("data", ["transport_document"], "data"), ("conditions/market", {"all": []}, "market"),
    ):  # fmt: skip
        assert [d.name for d in differences(old, {}, version("1.1", path, value)) if d.newer] == [name]
    assert old.digest != new.digest


def test_reasons_are_shown_in_both_languages() -> None:
    reason = judge(parse({"fact": "data", "op": "includes_all", "value": ["contract"]}, "c"), facts(data=()), PARAMETERS, ON, "510000")
    assert reason == ReasonNode(
        "fact", "failed", "已接入的数据包括 合同", "data connected: includes contracts", "无", "none", "test", "2026-03-02"
    )
