"""The steps of a composite indicator: golden vectors to the printed digits, and what must hold for any matrix."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from luhai.oversight.evaluation.method import aggregate, bcr, coherence, efficiency, normalise, weights
from luhai.oversight.evaluation.method.coherence import Finding
from luhai.oversight.evaluation.method.efficiency import Returns

#: The matrix of the domain notes, §2.2: units A to D down.
MATRIX = np.array([[0.9, 0.5, 0.2], [0.8, 0.6, 0.9], [0.7, 0.4, 0.1], [0.95, 0.55, 0.6]])
EQUAL = weights.equal(3)


def printed(x: Any) -> list[str]:
    return [f"{v:.4f}" for v in np.atleast_1d(x)]


# ------------------------------------------------------------------------------------------------ golden vectors


def test_means() -> None:
    assert printed(aggregate.arithmetic(MATRIX, EQUAL)) == ["0.5333", "0.7667", "0.4000", "0.7000"]
    assert printed(aggregate.geometric(MATRIX, EQUAL, floor=1e-9)) == ["0.4481", "0.7560", "0.3037", "0.6793"]
    assert printed(aggregate.geometric(MATRIX * 100, EQUAL) / 100) == ["0.4481", "0.7560", "0.3037", "0.6793"]


def test_weights_from_data() -> None:
    assert printed(weights.entropy(MATRIX)) == ["0.0233", "0.0374", "0.9393"]
    assert printed(weights.critic(MATRIX)) == ["0.4672", "0.1995", "0.3333"]


def test_weights_from_judgements() -> None:
    found = weights.ahp([[1, 3, 5], [1 / 3, 1, 2], [1 / 5, 1 / 2, 1]])
    assert printed(found.weights) == ["0.6483", "0.2297", "0.1220"]
    assert printed([found.largest, found.index, found.ratio]) == ["3.0037", "0.0018", "0.0032"]
    assert found.consistent
    assert not weights.ahp([[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]]).consistent, "A beats B beats C beats A"


def test_efficiency() -> None:
    found = efficiency.efficiency([[2, 4], [4, 2], [4, 4], [6, 3]], [[1]] * 4)
    assert [f"{t:.6f}" for t in found.ccr] == ["1.000000", "1.000000", "0.750000", "0.666667"]
    assert np.allclose(found.ccr, found.bcc)
    assert np.allclose(found.scale, 1)
    assert not found.enough, "four units are too few for three inputs and outputs"


def test_scale_costs_something_where_returns_vary() -> None:
    """A small unit and a large one at the front under variable returns; only the middle one has the best size."""
    found = efficiency.efficiency([[2.0], [4.0], [9.0]], [[1.0], [4.0], [6.0]])
    assert found.bcc == pytest.approx([1, 1, 1])
    assert found.ccr == pytest.approx([0.5, 1, 2 / 3])
    assert found.scale == pytest.approx([0.5, 1, 2 / 3])


def test_order_m_is_not_ruled_by_one_strange_unit() -> None:
    x, y = np.r_[np.full(20, 4.0), 0.4][:, None], np.ones((21, 1))
    assert efficiency.thetas(x, y, Returns.CONSTANT)[0] == pytest.approx(0.1)
    assert efficiency.order_m(x, y, m=3, seed=1)[0] > 0.7


def test_head_office_score() -> None:
    assert bcr.bcr_head_office(90, 12, 15) == pytest.approx(88.5)
    for wrong in ((101, 0, 15), (90, 16, 15), (90, 0, 101), (-1, 0, 0)):
        with pytest.raises(ValueError, match="compliance"):
            bcr.bcr_head_office(*wrong)


@pytest.mark.parametrize(
    ("ratio", "score"), [(0.0, 0), (0.6, 0), (0.8, 40), (1.0, 80), (1.1, 90), (1.2, 100), (5.0, 100), (-3.0, 0)]
)
def test_ratio_to_a_score(ratio: float, score: float) -> None:
    assert float(normalise.g(ratio)) == pytest.approx(score)


@pytest.mark.parametrize(
    ("x", "baseline", "polarity", "score"),
    [(110, 100, 1, 90), (80, 100, 1, 40), (-5, 100, 1, 0), (100, 110, -1, 90), (0, 2, -1, 100), (-3, 2, -1, 100), (2, 1, -1, 0)],
)
def test_against_a_baseline(x: float, baseline: float, polarity: int, score: float) -> None:
    assert float(normalise.against(x, baseline, polarity)) == pytest.approx(score)


def test_a_baseline_of_nought_is_refused() -> None:
    for baseline in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="baseline"):
            normalise.against(1.0, baseline, 1)


def test_goalposts_either_way() -> None:
    assert list(normalise.goalpost([0, 50, 100, 150], 0, 100)) == [0, 50, 100, 100]
    assert list(normalise.goalpost([0, 24, 48, 96], 48, 0)) == [100, 50, 0, 0]
    with pytest.raises(ValueError, match="goalposts"):
        normalise.goalpost([1], 2, 2)


def test_winsorising_says_what_it_changed() -> None:
    x = np.r_[np.arange(1.0, 100.0), 10_000.0, np.nan]
    pulled = normalise.winsorise(x)
    assert pulled.changed == 6, "three at each end of a hundred lie beyond the quantiles at 2.5 and 97.5 %"
    assert np.nanmax(pulled.values) == pulled.high < 200
    assert np.isnan(pulled.values[-1])
    assert normalise.needs_treatment(x)
    assert not normalise.needs_treatment(np.arange(100.0))


def test_copeland_counts_duels() -> None:
    assert list(aggregate.copeland(MATRIX, EQUAL)) == [-1, 3, -3, 1]
    assert list(aggregate.copeland([[1, 5], [5, 1]], weights.equal(2))) == [0, 0]


def test_pca_of_twins_and_a_stranger() -> None:
    rng = np.random.default_rng(3)
    twin = rng.normal(size=200)
    found = weights.pca(np.column_stack([twin, twin, rng.normal(size=200)]))
    assert found[0] == pytest.approx(found[1])
    assert found[2] < 0.01, "its component explains less than one item does, so it is not kept"
    assert list(weights.pca([[1, 2], [1, 3], [1, 1]])) == [0, 1], "an item that is the same everywhere says nothing"


def test_benefit_of_the_doubt_flatters_within_one_frontier() -> None:
    scores, chosen = weights.benefit_of_the_doubt(MATRIX)
    assert scores == pytest.approx([0.9474, 1, 0.7368, 1], abs=1e-4)
    assert (MATRIX @ chosen.T <= 1 + 1e-9).all()


def test_experts_count_the_same_whatever_their_budget() -> None:
    assert list(weights.budget([[50, 50], [1, 3]])) == [0.375, 0.625]
    with pytest.raises(ValueError, match="expert"):
        weights.budget([[0, 0]])


def test_coherence_finds_the_contrarian() -> None:
    base = np.arange(10.0)
    other = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3.5])
    dim = {"d": base, "e": base}
    found = coherence.coherence(
        {"same": base, "against": -base, "loose": other, "flat": np.ones(10), "alone": base},
        {"same": "d", "against": "d", "loose": "d", "flat": "d", "alone": "e"}, dim,
    )  # fmt: skip
    assert [f.finding for f in found] == [Finding.REDUNDANT, Finding.NEGATIVE, Finding.COHERENT, Finding.UNKNOWN, Finding.UNKNOWN]


@pytest.mark.parametrize(
    ("judge", "says"),
    [
        (lambda: weights.ahp([[1, 2], [2, 1]]), "reciprocal"), (lambda: weights.ahp([[1, 0], [0, 1]]), "above nought"),
        (lambda: weights.entropy([[1, -1], [2, 3]]), "nought or more"), (lambda: weights.critic([[1, 2]]), "two units"),
        (lambda: weights.pca([[1, np.nan], [2, 3]]), "finite"), (lambda: efficiency.efficiency([[0]], [[1]]), "inputs above"),
        (lambda: normalise.min_max([np.inf, 1]), "infinite"), (lambda: aggregate.arithmetic([1, 2], [1, -1]), "weights"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_refused(judge: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        judge()


# ------------------------------------------------------------------------------------------------ for any matrix

finite = st.floats(-1e6, 1e6).map(lambda v: round(v, 3))
columns = hnp.arrays(np.float64, st.integers(2, 12), elements=finite)
positive = hnp.arrays(np.float64, st.tuples(st.integers(2, 9), st.integers(1, 6)), elements=st.floats(0.001, 1e4).map(lambda v: round(v, 3)))
scores_and_weights = st.integers(1, 8).flatmap(
    lambda k: st.tuples(hnp.arrays(np.float64, (4, k), elements=st.floats(0, 100)), hnp.arrays(np.float64, k, elements=st.floats(0.01, 1)))
)


@given(columns)
def test_normalised_columns_keep_the_order_and_their_range(x: Any) -> None:
    order = np.argsort(x, kind="stable")
    for how, low, high in ((normalise.min_max, 0, 1), (normalise.rank, 0, 1), (normalise.z, -np.inf, np.inf)):
        y = how(x)
        assert (np.diff(y[order]) >= 0).all()
        assert (y >= low).all()
        assert (y <= high).all()


@given(columns, st.floats(0.1, 100), st.floats(-1e3, 1e3))
def test_normalised_columns_do_not_depend_on_the_unit(x: Any, factor: float, shift: float) -> None:
    assume(np.ptp(x) > 1)
    for how in (normalise.min_max, normalise.z):
        assert np.allclose(how(x), how(x * factor + shift), atol=1e-5)


@given(positive)
def test_weights_are_shares(x: Any) -> None:
    for how in (weights.entropy, weights.critic, weights.pca):
        w = how(x)
        assert w.sum() == pytest.approx(1)
        assert (w >= -1e-12).all()


@given(positive, st.floats(0.01, 100))
def test_weights_do_not_depend_on_the_unit(x: Any, factor: float) -> None:
    scaled = x.copy()
    scaled[:, 0] *= factor
    assert np.allclose(weights.entropy(x), weights.entropy(scaled), atol=1e-6)
    if (np.ptp(x, axis=0) > 1e-3).all():
        assert np.allclose(weights.critic(x), weights.critic(scaled), atol=1e-6)


@given(hnp.arrays(np.float64, 5, elements=st.floats(0.05, 1)))
def test_judgements_that_agree_give_their_weights_back(true: Any) -> None:
    found = weights.ahp(true[:, None] / true[None, :])
    assert np.allclose(found.weights, true / true.sum(), atol=1e-8)
    assert found.ratio == pytest.approx(0, abs=1e-8)


@given(scores_and_weights, st.integers(0, 3), st.floats(0, 50))
def test_means_lie_between_and_grow(both: Any, unit: int, more: float) -> None:
    s, w = both
    for how in (aggregate.arithmetic, aggregate.geometric, lambda a, b: aggregate.power(a, b, 0.5)):
        mean = how(s, w)
        assert (mean >= np.minimum(s.min(axis=1), 1) - 1e-9).all()
        assert (mean <= np.maximum(s.max(axis=1), 1) + 1e-9).all()
        better = s.copy()
        better[unit, 0] += more
        assert (how(better, w) >= mean - 1e-9).all()


@given(scores_and_weights)
def test_the_more_compensation_the_larger_the_mean(both: Any) -> None:
    s, w = np.maximum(both[0], 1), both[1]
    means = [aggregate.power(s, w, p) for p in (-1, 0, 0.5, 1, 2)]
    for less, more in pairwise(means):
        assert (less <= more + 1e-9).all()
    assert np.allclose(means[1], aggregate.geometric(s, w))
    assert np.allclose(means[3], aggregate.arithmetic(s, w))


@given(scores_and_weights)
def test_what_is_left_out_gives_its_weight_to_the_rest(both: Any) -> None:
    s, w = both
    assume(s.shape[1] > 1)
    gone = s.copy()
    gone[:, 0] = np.nan
    for how in (aggregate.arithmetic, aggregate.geometric):
        assert np.allclose(how(gone, w), how(s[:, 1:], w[1:]))
    assert np.isnan(aggregate.geometric(np.full((2, 3), np.nan), EQUAL)).all()


@given(hnp.arrays(np.float64, (6, 2), elements=st.floats(0.1, 10)), hnp.arrays(np.float64, (6, 1), elements=st.floats(0.1, 10)), st.floats(0.1, 10))
def test_efficiency_is_a_share_and_knows_no_unit(x: Any, y: Any, factor: float) -> None:
    found = efficiency.efficiency(x, y)
    assert (found.ccr > 0).all()
    assert (found.ccr <= found.bcc + 1e-7).all()
    assert found.bcc.max() == pytest.approx(1)
    assert found.ccr.max() == pytest.approx(1)
    assert np.allclose(efficiency.efficiency(x * [factor, 1], y * factor).ccr, found.ccr, atol=1e-6)
