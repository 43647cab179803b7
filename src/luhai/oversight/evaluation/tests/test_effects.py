"""The effect of a measure: the estimate against other code and by hand, the test and its interval against brute force."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from luhai.oversight.evaluation.method import effects
from luhai.oversight.evaluation.method.effects import Panel, estimate, panel


def random_panel(seed: int, units: int = 15, periods: int = 12, dates: tuple[int | None, ...] | None = None) -> Panel:
    rng = np.random.default_rng(seed)
    if dates is None:
        some = rng.choice([4, 5, 7, 9, periods], size=units - 1).tolist()
        dates = (None, *(None if g == periods else int(g) for g in some))
        if all(g is None for g in dates):
            dates = (*dates[:-1], 5)
    return panel(rng.normal(size=(units, periods)).cumsum(axis=1) + 5 * rng.normal(size=(units, 1)), dates)


# ------------------------------------------------------------------------------------------------ the estimate


def test_by_hand() -> None:
    """Two cohorts and one never treated, four periods; every comparison written out."""
    y = np.array([[1.0, 2, 6, 7], [2, 2, 3, 8], [0, 1, 2, 3]])
    found = estimate(panel(y, (2, 3, None)), seed=1)
    cells = {(c.cohort, c.period): c.effect for c in found.group_time}
    assert cells[2, 2] == pytest.approx((6 - 2) - ((3 - 2) + (2 - 1)) / 2), "the later cohort is not yet treated in period 2"
    assert cells[2, 3] == pytest.approx((7 - 2) - (3 - 1)), "in period 3 only the never treated are left"
    assert cells[3, 3] == pytest.approx((8 - 3) - (3 - 2))
    assert found.effect == pytest.approx((cells[2, 2] + cells[2, 3] + cells[3, 3]) / 3)
    events = {e.since: e.effect for e in found.event_study}
    assert events[0] == pytest.approx((cells[2, 2] + cells[3, 3]) / 2)
    assert events[1] == pytest.approx(cells[2, 3])
    assert -1 not in events
    assert found.clusters == 3


@pytest.mark.parametrize("seed", range(12))
def test_equals_the_package(seed: int) -> None:
    data = random_panel(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it says that some cells have no comparison
        assert estimate(data, seed=1, draws=99).effect == pytest.approx(effects.recounted(data), abs=1e-9)


def test_equals_the_package_where_nobody_is_never_treated() -> None:
    data = random_panel(5, dates=(3, 3, 4, 4, 5, 6, 7, 7, 8, 9, 9, 9, 10, 11, 11))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert estimate(data, seed=1, draws=99).effect == pytest.approx(effects.recounted(data), abs=1e-9)


@given(st.integers(0, 10_000), st.floats(-3, 3))
@settings(max_examples=30)
def test_a_constant_effect_is_added_to_the_estimate(seed: int, more: float) -> None:
    data = random_panel(seed)
    treated = np.arange(data.periods) >= data.dates[:, None]
    lifted = panel(data.outcome + more * treated, data.first)
    assert estimate(lifted, seed=1, draws=99).effect == pytest.approx(estimate(data, seed=1, draws=99).effect + more, abs=1e-9)


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_levels_and_common_shocks_do_not_matter(seed: int) -> None:
    data = random_panel(seed)
    rng = np.random.default_rng(seed + 1)
    moved = panel(data.outcome + rng.normal(size=(data.units, 1)) * 9 + rng.normal(size=data.periods) * 9, data.first)
    one, other = estimate(data, seed=3, draws=199), estimate(moved, seed=3, draws=199)
    assert one.effect == pytest.approx(other.effect, abs=1e-8)
    assert one.p == other.p
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-7)


# ------------------------------------------------------------------------------------------------ the test


def test_permuting_rows_of_weights_is_permuting_the_dates() -> None:
    """The one trick on which the speed rests, against estimating anew under every drawn arrangement."""
    data = random_panel(8)
    weights = effects.overall_weights(data.dates, data.periods)
    ways = effects.permutations(data.dates, seed=2, draws=50)
    assert weights is not None
    fast = ways.effects(weights, data.outcome)
    for row, quick in zip(ways.rows, fast, strict=True):
        anew = effects.overall_weights(data.dates[row], data.periods)
        assert anew is not None
        assert float((anew * data.outcome).sum()) == pytest.approx(float(quick), abs=1e-9)


def test_exact_where_few_ways_exist() -> None:
    data = random_panel(4, units=7, periods=6, dates=(2, 2, 4, None, None, None, None))
    ways = effects.permutations(data.dates, seed=1)
    assert ways.exact
    assert len(ways.rows) == math.factorial(7) // (2 * 1 * math.factorial(4))
    arranged = {tuple(data.dates[row].tolist()) for row in ways.rows}
    assert arranged == set(itertools.permutations(data.dates.tolist()))
    assert (ways.rows[0] == np.arange(7)).all()
    assert all(sorted(row) == list(range(7)) for row in ways.rows.tolist())
    brute = []
    for dates in sorted(arranged):
        weights = effects.overall_weights(np.array(dates), data.periods)
        assert weights is not None
        brute.append(abs(float((weights * data.outcome).sum())))
    true = estimate(data, seed=1)
    assert true.p == pytest.approx(np.mean(np.array(brute) >= abs(true.effect) - 1e-9))
    assert true.p_least == pytest.approx(1 / len(brute))


@given(st.integers(0, 10_000), st.floats(-4, 4))
@settings(max_examples=60)
def test_the_interval_is_what_the_test_does_not_reject(seed: int, truth: float) -> None:
    """Take a supposed effect away and test for none: rejected outside the interval, not inside. Also at nought, so p and interval never disagree."""
    data = random_panel(seed, units=9, periods=6, dates=(2, 2, 3, 3, None, None, None, None, 4))
    found = estimate(data, seed=5, draws=199)
    assert found.low <= found.effect <= found.high
    assert found.exact
    for supposed in (truth, 0.0):
        assume(min(abs(supposed - found.low), abs(supposed - found.high)) > 1e-6)
        treated = np.arange(data.periods) >= data.dates[:, None]
        left = estimate(panel(data.outcome - supposed * treated, data.first), seed=5, draws=199)
        assert (left.p > 0.05) == (found.low < supposed < found.high)


def test_an_interval_that_too_few_ways_cannot_close_is_open() -> None:
    found = estimate(random_panel(1, units=4, periods=4, dates=(2, None, None, None)), seed=1)
    assert found.ways == 4
    assert found.p_least == 0.25
    assert (found.low, found.high) == (-math.inf, math.inf)


def test_right_as_often_as_it_says_under_heavy_tails_and_lasting_states() -> None:
    """Nothing there: p at most 5 % about five times in a hundred, and 10 % about ten; the regression is wrong far more often."""
    rng = np.random.default_rng(11)
    ps, usual = [], []
    for n in range(400):
        shocks = rng.standard_t(3, size=(15, 12))
        y = np.zeros((15, 12))
        for t in range(1, 12):
            y[:, t] = 0.9 * y[:, t - 1] + shocks[:, t]
        dates = rng.permutation([5] * 3 + [8] * 3 + [99] * 9)
        data = panel(y, [int(g) for g in dates])
        weights = effects.overall_weights(data.dates, data.periods)
        assert weights is not None
        ps.append(effects.p_value(effects.permutations(data.dates, n, 199).effects(weights, data.outcome)))
        usual.append(effects.naive(data).p_independent)
    assert 0.025 <= np.mean(np.array(ps) <= 0.05) <= 0.08
    assert 0.065 <= np.mean(np.array(ps) <= 0.10) <= 0.14
    assert np.mean(np.array(usual) <= 0.05) > 0.15


def test_deterministic_by_seed() -> None:
    data = random_panel(3)
    assert estimate(data, seed=9) == estimate(data, seed=9)
    assert estimate(data, seed=9).p != estimate(data, seed=10).p or estimate(data, seed=9).low != estimate(data, seed=10).low


# ------------------------------------------------------------------------------------------------ placebos


def test_a_trend_before_the_measure_is_found_by_the_placebos() -> None:
    rng = np.random.default_rng(5)
    dates = [6] * 5 + [None] * 10
    y = 0.05 * rng.normal(size=(15, 12))
    for row in range(5):
        y[row] += 0.3 * np.arange(12)  # these grew faster all along
    found = estimate(panel(y, dates), seed=2)
    assert found.p < 0.01, "so the effect looks real"
    assert {p.name: p.p for p in found.placebos}["before"] < 0.01
    assert {p.name: p.p for p in found.placebos}["fake_dates"] < 0.01


def test_fake_dates_look_at_nothing_after_the_true_ones() -> None:
    data = random_panel(6, dates=(5, 5, 5, 8, 8, *(None,) * 10))
    treated = np.arange(data.periods) >= data.dates[:, None]
    lifted = panel(data.outcome + 50.0 * treated, data.first)
    one, other = ({p.name: p.effect for p in estimate(d, seed=2, draws=99).placebos} for d in (data, lifted))
    assert one["fake_dates"] == pytest.approx(other["fake_dates"], abs=1e-9)


def test_no_placebo_without_periods_before() -> None:
    found = estimate(random_panel(6, units=6, periods=4, dates=(1, 1, None, None, None, None)), seed=1)
    assert [(p.name, p.p) for p in found.placebos] == [("before", None), ("fake_dates", None)]


# ------------------------------------------------------------------------------------------------ what is refused


def test_units_treated_from_the_start_are_left_out_and_counted() -> None:
    y = np.random.default_rng(1).normal(size=(5, 6))
    found = estimate(panel(y, (0, 3, 3, None, None)), seed=1)
    assert found.dropped == 1
    assert found == estimate(Panel(y[1:], (3, 3, None, None), dropped=1), seed=1)


@pytest.mark.parametrize(
    ("outcome", "first", "says"),
    [
        (np.ones((3, 4)), (2, None), "outcome"),
        (np.ones((3, 1)), (0, None, None), "outcome"),
        (np.array([[1, np.nan], [1, 2]]), (1, None), "finite"),
        (np.ones((2, 4)), (-1, None), "first"),
        (np.ones((2, 4)), (None, None), "treated within"),
        (np.ones((2, 4)), (2, 2), "compare"),
        (np.ones((2, 4)), (9, None), "treated within"),
    ],
)
def test_a_panel_that_says_nothing_is_refused(outcome: Any, first: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        panel(outcome, first)
