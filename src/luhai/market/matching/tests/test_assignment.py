"""The assignment is the best there is: against every possible plan on small cases, and against greed on a made one."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from luhai.market.matching.assignment import Candidate, Plan, Pool, assign, greedy

PLENTY = Pool(10**15, 1000)


def check(plan: Plan, candidates: list[Candidate], pools: dict[str, Pool], room: dict[str, int]) -> None:
    """A plan keeps every limit, counted in whole numbers."""
    sent = [candidates[p] for p in plan.chosen]
    for name, pool in pools.items():
        assert sum(c.amount for c in sent if c.pool == name) <= pool.amount
        assert sum(1 for c in sent if c.pool == name) <= pool.count
    for demand, most in room.items():
        assert sum(1 for c in sent if c.demand == demand) <= most
    assert len({(c.demand, c.institution) for c in sent}) == len(sent)
    assert plan.value == sum(c.value for c in sent)


def best_of_all(
    candidates: list[Candidate], pools: dict[str, Pool], room: dict[str, int], already: frozenset[str]
) -> tuple[int, int]:
    """Try every subset; answer the most demands served and, with so many, the highest value."""
    best = (0, 0)
    for picks in product((False, True), repeat=len(candidates)):
        sent = [c for c, picked in zip(candidates, picks, strict=True) if picked]
        if len({(c.demand, c.institution) for c in sent}) < len(sent):
            continue
        if any(sum(1 for c in sent if c.demand == d) > most for d, most in room.items()):
            continue
        if any(
            sum(c.amount for c in sent if c.pool == n) > p.amount or sum(1 for c in sent if c.pool == n) > p.count
            for n, p in pools.items()
        ):
            continue
        best = max(best, (len({c.demand for c in sent} - already), sum(c.value for c in sent)))
    return best


def test_greed_would_serve_one_demand_where_two_can_be_served() -> None:
    candidates = [
        Candidate("a", "north", "north", 60, 900),
        Candidate("a", "south", "south", 60, 850),
        Candidate("b", "north", "north", 60, 880),
    ]
    pools, room = {"north": Pool(100, 9), "south": Pool(100, 9)}, {"a": 1, "b": 1}
    assert greedy(candidates, pools, room).served == 1
    plan = assign(candidates, pools, room)
    assert plan.chosen == (1, 2)
    assert (plan.served, plan.value, plan.optimal) == (2, 1730, True)


def test_a_limit_that_is_met_to_the_fen_is_used_up() -> None:
    amounts = [999_999_999_999_937, 123_456_789_012_345, 7]
    candidates = [Candidate(i, "one", "one", a, 10) for i, a in enumerate(amounts)]
    pools, room = {"one": Pool(sum(amounts), 3)}, {0: 1, 1: 1, 2: 1}
    assert assign(candidates, pools, room).served == 3
    short = {"one": Pool(sum(amounts) - 1, 3)}
    plan = assign(candidates, short, room)
    assert plan.served == 2
    check(plan, candidates, short, room)  # type: ignore[arg-type]


def test_the_count_limit_holds_where_the_amount_would_not_bind() -> None:
    candidates = [Candidate(str(i), "one", "one", 1, 10 + i) for i in range(5)]
    plan = assign(candidates, {"one": Pool(10**12, 2)}, {str(i): 1 for i in range(5)})
    assert plan.chosen == (3, 4)


def test_a_demand_already_with_an_institution_waits_for_the_others() -> None:
    candidates = [Candidate("a", "one", "one", 10, 1000), Candidate("b", "one", "one", 10, 1)]
    plan = assign(candidates, {"one": Pool(10, 1)}, {"a": 1, "b": 1}, already=frozenset({"a"}))
    assert plan.chosen == (1,)


def test_nothing_to_send_is_an_empty_plan() -> None:
    assert assign([], {}, {}) == Plan((), 0, 0, 0, True, 0)


def test_without_time_the_greedy_plan_is_kept_and_the_gap_is_told() -> None:
    candidates = [Candidate(str(i), "one", "one", 7 + i, 10 + i) for i in range(30)]
    pools, room = {"one": Pool(100, 30)}, {str(i): 1 for i in range(30)}
    plan = assign(candidates, pools, room, time_limit_ms=0)
    assert not plan.optimal
    assert plan.chosen == greedy(candidates, pools, room).chosen
    assert plan.bound > plan.value
    check(plan, candidates, pools, room)


DEMANDS, INSTITUTIONS = ["a", "b", "c", "d"], ["x", "y", "z"]
small = st.lists(
    st.builds(
        lambda d, i, a, v: (d, i, a, v),
        st.sampled_from(DEMANDS), st.sampled_from(INSTITUTIONS), st.integers(1, 40), st.integers(1, 50),
    ),
    max_size=9,
)  # fmt: skip
limits = st.fixed_dictionaries({i: st.builds(Pool, st.integers(0, 90), st.integers(0, 4)) for i in INSTITUTIONS})
rooms = st.fixed_dictionaries({d: st.integers(0, 3) for d in DEMANDS})


@settings(max_examples=120)
@given(small, limits, rooms, st.frozensets(st.sampled_from(DEMANDS)))
def test_it_equals_the_best_of_all_plans(
    rows: list[tuple[str, str, int, int]], pools: dict[str, Pool], room: dict[str, int], already: frozenset[str]
) -> None:
    candidates = [Candidate(d, i, i, a, v) for d, i, a, v in rows]
    plan = assign(candidates, pools, room, already=already)
    check(plan, candidates, pools, room)
    assert plan.optimal
    assert (plan.served, plan.value) == best_of_all(candidates, pools, room, already)
    assert plan.bound == plan.value
    assert assign(candidates, pools, room, already=already) == plan
