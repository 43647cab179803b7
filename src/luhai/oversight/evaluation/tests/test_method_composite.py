"""Scores of units: the scoring function, what is missing, vetoes, quotas, borderline, and that every point is accounted for."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from luhai.oversight.evaluation.method import composite, robust
from luhai.oversight.evaluation.method.composite import evaluate
from luhai.oversight.evaluation.method.system import (
    Dim,
    Form,
    Given,
    Grade,
    Item,
    Reason,
    Status,
    System,
    Veto,
    Way,
    as_decimal,
    problems,
)

GRADES = (
    Grade("excellent", "优秀", "Excellent", 85, Decimal("0.3")), Grade("good", "良好", "Good", 70), Grade("medium", "中等", "Medium", 60),
    Grade("poor", "勉励", "Encouraged", 0),
)  # fmt: skip
UNITS = tuple("abcdefghij")
SYSTEM = System(
    "test", "1", "territory", "测试", "Test", (Dim("D1", "一", "One"), Dim("D2", "二", "Two")),
    (
        Item("P1", "甲", "A", "D1", 30),
        Item("P2", "乙", "B", "D1", 30, polarity=-1, goalposts=(10, 0)),
        Item("P3", "丙", "C", "D2", 25, form=Form.GOALPOST, goalposts=(0, 100)),
        Item("P4", "丁", "D", "D2", 15, form=Form.GOALPOST, goalposts=(0, 100), must_report=False),
    ),
    GRADES, (Veto("debt", "隐债", "Hidden debt", cap="medium"), Veto("false", "造假", "Falsified", cap="poor"), Veto("leak", "泄露", "Leak", deduct=10)),
    {"all": UNITS},
)  # fmt: skip
STEADY = {
    "P1": Given(100, history=(100,) * 4), "P2": Given(5, history=(5,) * 4), "P3": Given(80), "P4": Given(80),
}  # fmt: skip


def everyone(**changed: dict[str, Given]) -> dict[str, dict[str, Given]]:
    return {unit: {**STEADY, **changed.get(unit, {})} for unit in UNITS}


def item(scored: Any, key: str) -> Any:
    return next(i for i in scored.items if i.key == key)


# ------------------------------------------------------------------------------------------------ scoring of §2.3


def test_at_the_baseline_everything_is_eighty() -> None:
    for scored in evaluate(SYSTEM, everyone(), seed=1).values():
        assert scored.total == pytest.approx(80)
        assert scored.grade == "good"
        assert scored.rank == 1
        assert scored.reasons == ()
        assert scored.coverage == pytest.approx(1)


def test_half_own_half_peers() -> None:
    """110 against an own mean of 100 is 90; against peers' median of 100 too. The own baseline is the last four values only."""
    scored = evaluate(SYSTEM, everyone(a={"P1": Given(110, history=(1, 125, 75, 110, 90))}), seed=1)["a"]
    p1 = item(scored, "P1")
    assert (p1.way, p1.own_baseline, p1.peer_baseline) == (Way.BOTH, 100, 100)
    assert (p1.own_score, p1.peer_score, p1.score) == pytest.approx((90, 90, 90))
    scored = evaluate(SYSTEM, everyone(a={"P1": Given(80, history=(100,) * 4), "P2": Given(5, history=(4,) * 4)}), seed=1)["a"]
    assert item(scored, "P1").score == pytest.approx(40)
    assert item(scored, "P2").own_score == pytest.approx(40), "a cost: 4/5 = 0.8"
    assert item(scored, "P2").score == pytest.approx(60)


def test_a_baseline_that_cannot_be_used_leaves_goalposts_or_the_other() -> None:
    short = everyone(a={"P1": Given(110, history=(100,) * 3), "P2": Given(4, history=(0,) * 4)})
    scored = evaluate(SYSTEM, short, seed=1)["a"]
    assert item(scored, "P1").way is Way.PEERS
    assert (item(scored, "P2").way, item(scored, "P2").score) == (Way.GOALPOST, pytest.approx(60))
    alone = replace(SYSTEM, peer_groups={"rest": UNITS[1:], "me": ("a",)})
    scored = evaluate(alone, everyone(), seed=1)["a"]
    assert item(scored, "P1").way is Way.OWN, "a group of one would measure itself by itself"
    scored = evaluate(alone, everyone(a={"P1": Given(110)}), seed=1)["a"]
    assert item(scored, "P1").way is Way.LEFT_OUT


def test_dimensions_multiply() -> None:
    scored = evaluate(SYSTEM, everyone(a={"P3": Given(20), "P4": Given(20)}), seed=1)["a"]
    assert scored.total == pytest.approx(80**0.6 * 20**0.4)
    assert [d.score for d in scored.dims] == pytest.approx([80, 20])
    nothing = evaluate(SYSTEM, everyone(a={"P3": Given(0), "P4": Given(0)}), seed=1)["a"]
    assert nothing.total == pytest.approx(80**0.6), "nought counts as one of a hundred"


# ------------------------------------------------------------------------------------------------ what is not there


def test_missing_is_nought_only_where_it_must_be_reported() -> None:
    gone = Given(status=Status.MISSING)
    scored = evaluate(SYSTEM, everyone(a={"P3": gone}), seed=1)["a"]
    assert (item(scored, "P3").way, item(scored, "P3").score) == (Way.NOT_REPORTED, 0)
    assert scored.dims[1].score == pytest.approx(80 * 15 / 40)
    scored = evaluate(SYSTEM, everyone(a={"P4": gone}), seed=1)["a"]
    assert item(scored, "P4").way is Way.LEFT_OUT
    assert scored.total == pytest.approx(80)


@pytest.mark.parametrize("status", [Status.NO_DATA, Status.NOT_APPLICABLE])
def test_left_out_gives_its_weight_to_the_rest_of_its_dimension(status: Status) -> None:
    scored = evaluate(SYSTEM, everyone(a={"P3": Given(status=status), "P4": Given(40)}), seed=1)["a"]
    p3, p4 = item(scored, "P3"), item(scored, "P4")
    assert (p3.way, p3.weight, p3.score, p3.status) == (Way.LEFT_OUT, 0, None, status)
    assert p4.weight == pytest.approx(0.4)
    assert scored.dims[1].coverage == pytest.approx(15 / 40)
    assert scored.coverage == pytest.approx(0.75)
    assert scored.total == pytest.approx(80**0.6 * 40**0.4)


def test_a_whole_dimension_without_data_is_left_out() -> None:
    none = Given(status=Status.NO_DATA)
    scored = evaluate(SYSTEM, everyone(a={"P3": none, "P4": none}), seed=1)["a"]
    assert (scored.dims[1].score, scored.dims[1].weight) == (None, 0)
    assert scored.dims[0].weight == pytest.approx(1)
    assert scored.total == pytest.approx(80)


def test_no_grade_where_too_little_can_be_counted() -> None:
    given_ = {unit: {"P3": Given(99)} for unit in UNITS}
    for scored in evaluate(SYSTEM, given_, seed=1).values():
        assert scored.grade is None
        assert scored.reasons == (Reason.COVERAGE,)
    scored = evaluate(SYSTEM, {**everyone(), "a": {}}, seed=1)
    assert (scored["a"].total, scored["a"].grade, scored["a"].coverage, scored["a"].rank) == (0, None, 0, 10)


# ------------------------------------------------------------------------------------------------ vetoes, quota, borderline


def at(values: list[float]) -> dict[str, dict[str, Given]]:
    """Units whose every item has that score, whatever the method: so that nothing is borderline."""
    simple = {unit: {"P3": Given(v), "P4": Given(v)} for unit, v in zip(UNITS, values, strict=False)}
    return simple


SIMPLE = replace(SYSTEM, dims=SYSTEM.dims[1:], items=(replace(SYSTEM.items[2], points=60), replace(SYSTEM.items[3], points=40)))


def test_grades_by_cut_points() -> None:
    found = evaluate(SIMPLE, at([84.99994, 84.99996, 70, 69.9, 60, 59, 0, 30, 40, 50]), seed=1)
    by_points = [s.grade_by_points for s in found.values()]
    assert by_points == ["good", "excellent", "good", "medium", "medium", "poor", "poor", "poor", "poor", "poor"]
    assert [s.rank for s in found.values()] == [2, 1, 3, 4, 5, 6, 10, 9, 8, 7]


def test_vetoes_cap_and_deduct() -> None:
    found = evaluate(SIMPLE, at([95, 95, 75, 50] + [10] * 6), seed=1, vetoes={"a": ["debt"], "b": ["false"], "c": ["leak"], "d": ["debt"]})
    assert (found["a"].grade, found["a"].grade_by_points, found["a"].reasons) == ("medium", "excellent", (Reason.VETO,))
    assert (found["b"].grade, found["b"].total) == ("poor", pytest.approx(95))
    assert (found["c"].grade, found["c"].total, found["c"].deducted) == ("medium", pytest.approx(65), 10)
    assert (found["d"].grade, found["d"].reasons) == ("poor", ()), "the cap changes nothing where points are lower"


def test_at_most_three_of_ten_are_excellent() -> None:
    found = evaluate(SIMPLE, at([99, 97, 95, 93, 91, 20, 20, 20, 20, 20]), seed=1)
    assert [s.grade for s in found.values()][:6] == ["excellent"] * 3 + ["good"] * 2 + ["poor"]
    assert found["d"].reasons == (Reason.QUOTA,)
    tied = evaluate(SIMPLE, at([99, 95, 95, 95, 20, 20, 20, 20, 20, 20]), seed=1)
    assert [s.grade for s in tied.values()][:4] == ["excellent", "good", "good", "good"], "a tie across the edge is not decided by name"
    capped = evaluate(SIMPLE, at([99, 97, 95, 93, 20, 20, 20, 20, 20, 20]), seed=1, vetoes={"a": ["debt"]})
    assert [s.grade for s in capped.values()][:4] == ["medium", "excellent", "excellent", "excellent"], "who is capped takes nobody's place"


def test_a_grade_that_hangs_on_the_method_is_not_published() -> None:
    found = evaluate(SYSTEM, everyone(a={"P3": Given(48), "P4": Given(70)}), seed=1)["a"]
    assert found.interval.low < 70 < found.interval.high
    assert found.grade is None
    assert found.borderline
    assert found.grade_by_points in {"good", "medium"}
    assert 0 < found.grade_shares["good"] < 1
    assert sum(found.grade_shares.values()) == pytest.approx(1)


def test_the_interval_of_a_unit_that_is_the_same_everywhere_is_a_point() -> None:
    found = evaluate(SYSTEM, everyone(), seed=1)["a"]
    assert (found.interval.low, found.interval.high) == pytest.approx((80, 80))


# ------------------------------------------------------------------------------------------------ for any input

values = st.floats(0.5, 300).map(lambda v: round(v, 2))
brought = st.fixed_dictionaries({
    "P1": st.builds(Given, values, history=st.lists(values, min_size=0, max_size=6).map(tuple)),
    "P2": st.one_of(st.builds(Given, values, history=st.lists(values, min_size=4, max_size=6).map(tuple)), st.just(Given(status=Status.MISSING))),
    "P3": st.one_of(st.builds(Given, st.floats(0, 100)), st.just(Given(status=Status.NO_DATA))),
    "P4": st.one_of(st.builds(Given, st.floats(0, 100)), st.just(Given(status=Status.NOT_APPLICABLE)), st.just(Given(status=Status.MISSING))),
})  # fmt: skip
table = st.lists(brought, min_size=2, max_size=6).map(lambda rows: dict(zip(UNITS, rows, strict=False)))


@given(table)
@settings(max_examples=40)
def test_every_point_is_accounted_for(given_: dict[str, dict[str, Given]]) -> None:
    for scored in evaluate(SYSTEM, given_, seed=1, draws=30, vetoes={"a": ["leak"]}).values():
        if scored.coverage == 0:
            continue
        assert sum(i.weight for i in scored.items) == pytest.approx(1)
        assert sum(d.weight for d in scored.dims) == pytest.approx(1)
        assert sum(i.earned for i in scored.items) - scored.deducted == pytest.approx(scored.total, abs=1e-6)
        assert sum(i.lost for i in scored.items) == pytest.approx(100 - scored.total - scored.deducted, abs=1e-6)
        assert sum(d.lost for d in scored.dims) == pytest.approx(100 - scored.total - scored.deducted, abs=1e-6)
        assert all(i.lost >= -1e-9 for i in scored.items)
        assert all(0 <= i.score <= 100 for i in scored.items if i.score is not None)


@given(table, st.sampled_from(["P1", "P2", "P3", "P4"]), st.floats(0, 50))
@settings(max_examples=60)
def test_doing_better_never_costs_points(given_: dict[str, dict[str, Given]], key: str, more: float) -> None:
    """All else equal. The unit's own value moves its peers' median too, and still it does not lose."""
    one = given_["a"][key]
    assume(one.status is Status.OK)
    assert one.value is not None
    polarity = -1 if key == "P2" else 1
    value = max(0.1, float(one.value) + polarity * more)
    better = {**given_, "a": {**given_["a"], key: replace(one, value=value)}}
    before, after = (evaluate(SYSTEM, g, seed=1, draws=2)["a"].total for g in (given_, better))
    assert after >= before - 1e-9


@given(table, st.floats(0.01, 1000))
@settings(max_examples=40)
def test_the_unit_of_a_value_does_not_matter(given_: dict[str, dict[str, Given]], factor: float) -> None:
    def scaled(one: Given) -> Given:
        return replace(one, value=float(one.value) * factor if one.value is not None else None, history=tuple(float(h) * factor for h in one.history))

    other = {unit: {**rows, "P1": scaled(rows["P1"])} for unit, rows in given_.items()}
    for unit, scored in evaluate(SYSTEM, given_, seed=1, draws=2).items():
        assert evaluate(SYSTEM, other, seed=1, draws=2)[unit].total == pytest.approx(scored.total, abs=1e-6)


@given(table, st.integers(0, 2**32))
@settings(max_examples=15)
def test_the_same_seed_the_same_result_whatever_the_order(given_: dict[str, dict[str, Given]], seed: int) -> None:
    backwards = dict(reversed(given_.items()))
    assert evaluate(SYSTEM, given_, seed=seed, draws=50) == evaluate(SYSTEM, backwards, seed=seed, draws=50)


def test_values_may_be_decimals() -> None:
    exact = everyone(a={"P1": Given(Decimal(110), history=(Decimal(100),) * 4), "P3": Given(Decimal("80.0"))})
    assert evaluate(SYSTEM, exact, seed=1)["a"].total == pytest.approx(evaluate(SYSTEM, everyone(a={"P1": Given(110, history=(100,) * 4)}), seed=1)["a"].total)
    assert as_decimal(88.49999999999999) == Decimal("88.5000")
    assert evaluate(SYSTEM, {}, seed=1) == {}


# ------------------------------------------------------------------------------------------------ robustness of the order


def test_the_ranking_says_what_moves_it() -> None:
    rng = np.random.default_rng(4)
    given_ = {
        unit: {
            "P1": Given(float(100 * rng.lognormal(0, 0.15)), history=(100,) * 4), "P2": Given(float(5 * rng.lognormal(0, 0.15)), history=(5,) * 4),
            "P3": Given(float(rng.uniform(40, 95))), "P4": Given(float(rng.uniform(40, 95))),
        }
        for unit in UNITS
    }  # fmt: skip
    units, found = composite.robustness(SYSTEM, given_, seed=3, draws=600)
    assert units == sorted(UNITS)
    scored = evaluate(SYSTEM, given_, seed=3)
    assert [scored[u].rank for u in units] == list(found.base)
    assert (found.low <= found.median).all()
    assert (found.median <= found.high).all()
    assert 0 < found.shift < 5
    assert set(found.drop_one) == {"P1", "P2", "P3", "P4"}
    assert {"min_max", "z", "rank", "arithmetic", "copeland", "equal_weights"} == set(found.alternatives)
    assert set(found.sobol) == {"weights", "baseline", "normalisation", "aggregation"}
    assert found.sobol["normalisation"][1] > found.sobol["baseline"][1], "own and peers' baselines are the same here, so their mix moves nothing much"
    again = composite.robustness(SYSTEM, given_, seed=3, draws=600)[1]
    assert again.shift == found.shift


def test_sobol_indices_of_ishigami() -> None:
    """A function whose indices are known in closed form (Ishigami and Homma, 1990)."""
    a, b = 7.0, 0.1

    def model(x: Any) -> Any:
        one, two, three = (np.pi * (2 * x[k] - 1) for k in ("one", "two", "three"))
        return np.sin(one) + a * np.sin(two) ** 2 + b * three**4 * np.sin(one)

    rng = np.random.default_rng(1)
    first, second = ({k: rng.random(40_000) for k in ("one", "two", "three")} for _ in range(2))
    found = robust.sobol(model, first, second)
    assert [found[k][0] for k in ("one", "two", "three")] == pytest.approx([0.3139, 0.4424, 0], abs=0.03)
    assert [found[k][1] for k in ("one", "two", "three")] == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.03)
    assert robust.sobol(lambda x: np.ones(10), {"x": rng.random(10)}, {"x": rng.random(10)}) == {"x": (0, 0)}


def test_weights_drawn_about_the_base() -> None:
    base = np.array([0.5, 0.3, 0.15, 0.05])
    drawn = robust.dirichlet(np.random.default_rng(1), base, 300, 20_000)
    assert np.allclose(drawn.sum(axis=1), 1)
    assert drawn.mean(axis=0) == pytest.approx(base, abs=0.002)
    assert drawn.std(axis=0) == pytest.approx(np.sqrt(base * (1 - base) / 301), rel=0.05)


def test_coherence_of_items() -> None:
    rng = np.random.default_rng(2)
    given_ = {unit: {**STEADY, "P3": Given(v), "P4": Given(100 - v)} for unit, v in zip(UNITS, rng.uniform(20, 90, 10).tolist(), strict=True)}
    found = {c.item: c for c in composite.coherence_of(SYSTEM, given_)}
    assert found["P4"].finding == "negative"
    assert found["P1"].correlation is None, "the same for everyone"


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"items": SYSTEM.items[:3]}, "add up to 85"),
        ({"items": (*SYSTEM.items[:3], replace(SYSTEM.items[3], key="P3"))}, "P3 stands twice"),
        ({"items": (*SYSTEM.items[:3], replace(SYSTEM.items[3], dimension="D9"))}, "dimension"),
        ({"items": (*SYSTEM.items[:3], replace(SYSTEM.items[3], goalposts=None))}, "goalposts"),
        ({"items": (*SYSTEM.items[:3], replace(SYSTEM.items[3], goalposts=(100, 0)))}, "worst"),
        ({"items": (*SYSTEM.items[:3], replace(SYSTEM.items[3], polarity=0))}, "polarity"),
        ({"items": (*SYSTEM.items[:3], replace(SYSTEM.items[3], points=0))}, "points"),
        ({"grades": GRADES[::-1]}, "best down"),
        ({"grades": ()}, "best down"),
        ({"grades": (replace(GRADES[0], quota=Decimal(2)), *GRADES[1:])}, "quota"),
        ({"grades": (*GRADES[:3], replace(GRADES[3], quota=Decimal("0.1")))}, "last grade"),
        ({"vetoes": (Veto("x", "", "", cap="nothing"),)}, "cap"),
        ({"vetoes": (Veto("x", "", "", deduct=-1),)}, "deduct"),
        ({"peer_groups": {"one": ("a",), "two": ("a",)}}, "two groups"),
        ({"dims": (*SYSTEM.dims, Dim("D3", "三", "Three"))}, "D3: no item"),
        ({"coverage_min": 2}, "coverage_min"),
    ],
)
def test_a_system_that_cannot_be_used_says_where(change: dict[str, Any], says: str) -> None:
    assert problems(SYSTEM) == []
    wrong = replace(SYSTEM, **change)
    assert any(says in problem for problem in problems(wrong)), problems(wrong)
    with pytest.raises(ValueError, match=re.escape(says)):
        evaluate(wrong, everyone(), seed=1)


@pytest.mark.parametrize(
    ("given_", "vetoes", "says"),
    [
        ({"a": {"P9": Given(1)}}, {}, "P9"),
        ({"a": {"P1": Given(None)}}, {}, "value where the status is ok"),
        ({"a": {"P1": Given(1, status=Status.NO_DATA)}}, {}, "value where the status is ok"),
        ({"a": {"P1": Given(float("nan"))}}, {}, "finite"),
        ({"a": {"P1": Given(1, history=(float("inf"),))}}, {}, "finite"),
        ({"a": {}}, {"z": ["debt"]}, "vetoes.z"),
        ({"a": {}}, {"a": ["nothing"]}, "nothing is no veto"),
    ],
)
def test_values_that_cannot_be_counted_are_refused_by_name(given_: Any, vetoes: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        evaluate(SYSTEM, given_, seed=1, vetoes=vetoes)
