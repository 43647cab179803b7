"""Who is out of line: found if all three hold, and not if one does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.oversight.evaluation.method import flags as method
from luhai.oversight.evaluation.method.flags import Scale, flags

PEERS = {f"bank {n:02}": 30.0 * 1.03 ** ((n % 7) - 3) for n in range(30)}


def rows_of(values: dict[str, float], seed: int = 1, count: int = 60) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {unit: value * rng.lognormal(0, 0.5, count) for unit, value in values.items()}


def flagged(found: dict[str, method.Flag]) -> set[str]:
    return {unit for unit, flag in found.items() if flag.flagged}


def test_the_slow_one_is_flagged_and_nobody_else() -> None:
    values = {**PEERS, "slow": 120.0}
    assert flagged(flags(values, worse=1, times=1.5, scale=Scale.LOG, rows=rows_of(values), seed=1)) == {"slow"}
    assert flagged(flags(values, worse=-1, times=1.5, scale=Scale.LOG)) == set(), "slow is the other direction"
    assert flagged(flags(PEERS, worse=1, times=1.0, scale=Scale.LOG)) == set()


def test_a_difference_too_small_to_act_on_is_none() -> None:
    close = {f"bank {n}": 30.0 + 0.01 * (n % 5) for n in range(30)} | {"late": 33.0}
    assert flagged(flags(close, worse=1, times=1.05, scale=Scale.LOG)) == {"late"}
    assert flagged(flags(close, worse=1, times=1.5, scale=Scale.LOG)) == set()


def test_few_rows_that_chance_could_bring_flag_nobody() -> None:
    values = {**PEERS, "slow": 70.0}
    rows = rows_of(PEERS) | {"slow": [70.0]}  # of the others' rows one in twenty is as long
    found = flags(values, worse=1, times=1.5, scale=Scale.LOG, rows=rows, seed=1)["slow"]
    assert found.deviation > found.limit
    assert found.p is not None
    assert found.p > 0.05
    assert not found.flagged
    assert flags(values, worse=1, times=1.5, scale=Scale.LOG)["slow"].flagged, "without the rows it would be"


def test_a_stale_list_on_the_scale_of_shares() -> None:
    shares = {f"list {n:02}": 0.8 + 0.02 * (n % 8) for n in range(45)} | {"stale": 0.1, "a bit": 0.7}
    assert flagged(flags(shares, worse=-1, times=1.5, scale=Scale.SHARE)) == {"stale"}


def test_where_most_are_equal_the_spread_is_still_one() -> None:
    values = dict.fromkeys(PEERS, 24.0) | {"slow": 240.0}
    assert flagged(flags(values, worse=1, times=1.5, scale=Scale.LOG)) == {"slow"}
    assert flagged(flags(dict.fromkeys(PEERS, 24.0), worse=1, times=1.0)) == set()


def test_fewer_than_five_have_no_spread() -> None:
    assert flagged(flags({"a": 1.0, "b": 1.0, "c": 1.0, "d": 99.0}, worse=1, times=1.5)) == set()


@pytest.mark.parametrize("units", [15, 31, 45])
def test_the_limit_holds_for_the_whole_family(units: int) -> None:
    """Drawn anew from the distribution it is for, the worst of all goes beyond it about once in twenty; from the normal, less often."""
    rng = np.random.default_rng(7)
    limit = method.largest_by_nature(units, 0.05)
    beyond = method.deviations(rng.standard_t(5, size=(4000, units))).max(axis=1) > limit
    assert 0.04 < beyond.mean() < 0.06
    assert (method.deviations(rng.normal(size=(4000, units))).max(axis=1) > limit).mean() < 0.03


def test_shuffled_rows_are_as_often_beyond_chance_as_said() -> None:
    rng = np.random.default_rng(3)
    worst = [method.by_chance(rng.standard_t(3, size=(12, 20)), 1, seed, 99).min() for seed in range(300)]
    assert 0.02 < np.mean(np.array(worst) <= 0.05) < 0.09


@given(st.lists(st.floats(1, 1000), min_size=5, max_size=20), st.floats(0.1, 10))
def test_the_unit_of_time_does_not_matter(hours: list[float], factor: float) -> None:
    values = {str(n): h for n, h in enumerate(hours)}
    one = flags(values, worse=1, times=1.5, scale=Scale.LOG)
    other = flags({unit: h * factor for unit, h in values.items()}, worse=1, times=1.5, scale=Scale.LOG)
    for unit in values:
        assert other[unit].deviation == pytest.approx(one[unit].deviation, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"worse": 0}, "worse"), ({"times": 0.9}, "times"), ({"values": {"a": -1.0}}, "values"), ({"values": {"a": float("nan")}}, "values"),
        ({"values": {"a": 2.0}, "scale": Scale.SHARE}, "values"), ({"rows": {unit: [] for unit in PEERS}}, "rows"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        flags(**{"values": PEERS, "worse": 1, "times": 1.5, "scale": Scale.LOG, **more})
