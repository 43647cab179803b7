"""Whatever is reported and however often: shares stay shares, the digest names the inputs and nothing else, order does not matter."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from luhai.kernel.refusal import Invalid
from luhai.oversight.evaluation import policy, scoring, systems
from luhai.oversight.evaluation.models import Unit, Value

numbers = st.decimals(min_value=0, max_value=10**12, places=2, allow_nan=False)


@given(numbers, numbers)
def test_a_share_is_from_nought_to_a_hundred_or_refused(part: Decimal, whole: Decimal) -> None:
    said = {"part": str(part), "whole": str(whole)}
    if whole == 0 or part > whole:
        with pytest.raises(Invalid):
            policy.reported("share", said)
        return
    value = policy.reported("share", said).value
    assert 0 <= value <= 100
    assert abs(Fraction(value) - Fraction(part) / Fraction(whole) * 100) <= Fraction(1, 2_000_000)


@given(numbers, numbers.filter(bool))
def test_growth_is_exact_to_the_digits_that_are_stored(now: Decimal, before: Decimal) -> None:
    exact = (Fraction(now) / Fraction(before) - 1) * 100
    value = policy.reported("growth", {"part": str(now), "whole": str(before)}).value
    assert abs(Fraction(value) - exact) <= Fraction(1, 2_000_000)


@given(st.one_of(st.text(max_size=25), st.from_regex(r"\A[+-]?[0-9]{1,21}(\.[0-9]{0,8})?\Z")))
def test_a_number_is_read_exactly_or_refused_with_its_field(text: str) -> None:
    plain = re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{1,6})?", text.strip(), re.ASCII)
    if plain:
        assert Fraction(policy.number(text, "claimed")) == Fraction(text.strip())
        return
    with pytest.raises(Invalid) as refused:
        policy.number(text, "claimed")
    assert refused.value.facts["field"] == "claimed"


@given(st.integers(2020, 2099), st.integers(1, 4), st.integers(0, 40))
def test_quarters_follow_each_other(year: int, number: int, back: int) -> None:
    q = policy.Quarter(year, number)
    assert policy.quarter(str(q)) == q
    assert q.back(back).back(-back) == q
    assert (q.first - q.back(1).last).days == 1
    assert policy.quarter_of(q.first) == policy.quarter_of(q.last) == q
    assert [*q.before, q] == sorted({*q.before, q})


@pytest.mark.parametrize(
    ("value", "history", "is_jump"),
    [("31", "30 31 30 31", False), ("90", "30 31 30 31", True), ("34", "30 31 32 33", False), ("60", "30 31 32 33", True), ("0", "0 0 0", False), ("9", "8 9", False)],
)  # fmt: skip
def test_a_jump_is_a_step_unlike_those_before(value: str, history: str, is_jump: bool) -> None:
    assert policy.jumps(Decimal(value), [Decimal(h) for h in history.split()], 350) is is_jump


def rows(values: list[Decimal | None]) -> list[Value]:
    units = sorted(u for _, members in systems.definition("territories.2026").groups.values() for u in members)
    keys = list(systems.definition("territories.2026").entries)
    return [
        Value(run=1, unit=u, indicator=k, status="ok" if v is not None else "no_data", value=v, history=[])
        for n, u in enumerate(units)
        for m, k in enumerate(keys)
        for v in [values[(n * 7 + m) % len(values)]]
    ]


@settings(max_examples=15)
@given(st.lists(st.one_of(st.none(), st.decimals(0, 100, places=2, allow_nan=False)), min_size=3, max_size=30), st.randoms(use_true_random=False))
def test_cards_do_not_depend_on_the_order_of_rows(values: list[Decimal | None], chance: Any) -> None:
    what = systems.definition("territories.2026")
    units = [Unit(unit=u, group=key) for key, (_, members) in what.groups.items() for u in members]
    system = scoring.system_of(what, units)
    some = rows(values)
    cards = scoring.score(system, some, {}, seed=5, draws=50)
    chance.shuffle(some)
    assert scoring.score(system, some, {}, seed=5, draws=50) == cards
    for card in cards.values():
        earned = sum((Decimal(i["earned"]) for i in card["items"]), Decimal(0))
        lost = sum((Decimal(i["lost"]) for i in card["items"]), Decimal(0))
        counted = any(i["score"] is not None for i in card["items"])
        assert not counted or abs(earned + lost - 100) < Decimal("0.01"), "every point is somewhere"
        assert not counted or abs(earned - Decimal(card["total"])) < Decimal("0.01")
        assert all(i["score"] is None for i in card["items"] if i["status"] == "no_data")


values = st.fixed_dictionaries({"unit": st.sampled_from("abc"), "indicator": st.sampled_from("xyz"), "value": st.one_of(st.none(), st.text("0123", max_size=3))})


@given(st.lists(values, max_size=6, unique_by=lambda v: (v["unit"], v["indicator"])), st.integers(0, 99))
def test_the_digest_names_the_inputs_and_nothing_else(some: list[dict[str, Any]], seed: int) -> None:
    first = policy.inputs_digest("s", seed, some, {"a": ["y", "x"]})
    assert policy.inputs_digest("s", seed, list(reversed(some)), {"a": ["x", "y"]}) == first
    assert policy.inputs_digest("s", seed + 1, some, {"a": ["x", "y"]}) != first
    assert policy.inputs_digest("t", seed, some, {"a": ["x", "y"]}) != first
    assert policy.inputs_digest("s", seed, some, {}) != first
    if some:
        assert policy.inputs_digest("s", seed, some[1:], {"a": ["x", "y"]}) != first


# --- systems as data ----------------------------------------------------------------------------------------------------


def test_the_shipped_systems_are_those_of_the_notes() -> None:
    found = systems.shipped()
    assert {k: (len(d.entries), len(d.system.dims)) for k, d in found.items()} == {"territories.2026": (24, 6), "institutions.2026": (18, 4)}
    assert list(found["territories.2026"].entries) == [f"P{n:02d}" for n in range(1, 25)]
    assert sorted(found["institutions.2026"].entries) == [f"I{n:02d}" for n in range(1, 19)]
    assert {d.confidence for d in found.values()} == {"proposal"}
    points = {dim.key: sum(i.points for i in found["territories.2026"].system.of(dim.key)) for dim in found["territories.2026"].system.dims}
    assert list(points.values()) == [25, 20, 15, 15, 10, 15]


SPOILT = {
    "a point too many": lambda s: s["dimensions"][0]["items"][0].update(points="6"),
    "a number without quotes": lambda s: s["dimensions"][0]["items"][0].update(points=5),
    "goalposts against the polarity": lambda s: s["dimensions"][0]["items"][0].update(goalposts=["30", "-10"]),
    "an unknown key": lambda s: s["dimensions"][0]["items"][0].update(colour="red"),
    "no formula": lambda s: s["dimensions"][0]["items"][0].pop("formula"),
    "an id twice": lambda s: s["dimensions"][0]["items"][0].update(id="P02"),
    "a shape without its parts": lambda s: s["dimensions"][0]["items"][2].pop("parts"),
    "a source that nobody awaits": lambda s: s["dimensions"][5]["items"][1]["source"].update(of="luck"),
    "an unknown unit": lambda s: s["dimensions"][0]["items"][0].update(unit="miles"),
    "a territory left out": lambda s: s["peer_groups"]["cities"].update(units=["440800"]),
    "a veto that caps at nothing": lambda s: s["vetoes"][0].update(cap="great"),
    "no grade at nought": lambda s: s["grades"].pop(),
    "a quota above one": lambda s: s["grades"][0].update(quota="1.5"),
}


@pytest.mark.parametrize("fault", [*SPOILT])
def test_a_spoilt_system_is_not_taken(fault: str, settings: Any) -> None:
    content = yaml.safe_load((Path(settings.DATA) / "evaluation" / "territories.2026.yaml").read_text(encoding="utf-8"))
    systems.build(content)
    SPOILT[fault](content)
    with pytest.raises(systems.BadSystem):
        systems.build(content)
