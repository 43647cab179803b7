"""The ranking, by table: each part alone, the weights, the order, and what has no influence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.kernel.money import Currency, Money
from luhai.kernel.refusal import Invalid
from luhai.market.matching.policy import (
    OBJECTIVES,
    REFUSALS,
    Entrant,
    closes_on,
    company_facts,
    demand_facts,
    months_between,
    percent,
    rank,
    read_form,
    worth,
)  # fmt: skip
from luhai.market.matching.rates import in_yuan

PLAIN = Entrant("a", "met", 300, 400, 1000, 100, ("receivable",), 20, 0, 0)


def points(entrant: Entrant, part: str, at_hand: tuple[str, ...] = ("receivable",)) -> int:
    (ranked,) = rank([entrant], objective="price", amount_minor=500, tenor_days=50, at_hand=at_hand)
    return next(p.points for p in ranked.parts if p.name == part)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 0, 1000), (300, 400, 650), (300, 401, 649), (999, 999, 1), (1000, 1000, 0), (5000, 6000, 0)],
)
def test_price(low: int, high: int, expected: int) -> None:
    assert points(replace(PLAIN, price_min_bp=low, price_max_bp=high), "price") == expected


@pytest.mark.parametrize(
    ("amount_max", "tenor_max", "expected"),
    [(500, 50, 1000), (1000, 100, 500), (1000, 50, 750), (500_000, 50, 500), (500_000, 50_000, 1), (499, 49, 1000)],
)
def test_fit(amount_max: int, tenor_max: int, expected: int) -> None:
    assert points(replace(PLAIN, amount_max_minor=amount_max, tenor_max_days=tenor_max), "fit") == expected


@pytest.mark.parametrize(
    ("hours", "kept", "broken", "expected"),
    [
        (1, 0, 0, 792),  # 990 · 4/5
        (20, 0, 0, 640),  # 800 · 4/5
        (20, 5, 0, 720),  # 800 · 9/10
        (20, 0, 5, 320),  # 800 · 4/10
        (20, 95, 0, 792),  # 800 · 99/100
        (100, 95, 0, 0),
        (2000, 0, 0, 0),
    ],
)
def test_speed(hours: int, kept: int, broken: int, expected: int) -> None:
    assert points(replace(PLAIN, promise_hours=hours, kept=kept, broken=broken), "speed") == expected


@pytest.mark.parametrize(
    ("takes", "at_hand", "expected"),
    [
        (("credit", "vessel"), (), 1000),
        (("receivable",), ("receivable",), 1000),
        (("receivable",), ("receivable", "vessel", "bill"), 333),
        (("receivable",), ("vessel",), 0),
        (("receivable",), (), 0),
    ],
)
def test_collateral(takes: tuple[str, ...], at_hand: tuple[str, ...], expected: int) -> None:
    assert points(replace(PLAIN, collateral=takes), "collateral", at_hand) == expected


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_objective_counts_seventy_and_the_others_ten(objective: str) -> None:
    (ranked,) = rank([PLAIN], objective=objective, amount_minor=500, tenor_days=50, at_hand=["receivable"])
    assert {p.name: p.weight for p in ranked.parts} == dict.fromkeys(OBJECTIVES, 10) | {objective: 70}
    assert ranked.score == sum(p.points * p.weight for p in ranked.parts)
    assert all(p.zh and p.en for p in ranked.parts)


entrants = st.lists(
    st.builds(
        Entrant,
        st.uuids().map(str), st.sampled_from(["met", "possible"]), st.integers(0, 900), st.integers(900, 2000),
        st.integers(1, 2**53), st.integers(1, 36_525), st.just(("credit",)), st.integers(1, 300),
        st.integers(0, 50), st.integers(0, 50),
    ),
    max_size=8, unique_by=lambda e: e.product_id,
)  # fmt: skip


@given(entrants, st.sampled_from([*OBJECTIVES]), st.randoms())
def test_the_order_does_not_depend_on_the_order_given(found: list[Entrant], objective: str, random: object) -> None:
    asked = {"objective": objective, "amount_minor": 10**9, "tenor_days": 90, "at_hand": ["bill"]}
    ranked = rank(found, **asked)  # type: ignore[arg-type]
    assert [r.entrant.verdict for r in ranked] == sorted(e.verdict for e in found)
    for group in ("met", "possible"):
        scores = [r.score for r in ranked if r.entrant.verdict == group]
        assert scores == sorted(scores, reverse=True)
    assert all(0 <= r.score <= 100_000 for r in ranked)
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rank(shuffled, **asked) == ranked  # type: ignore[arg-type]


def test_a_cheaper_product_is_never_worth_less() -> None:
    assert worth("met", 5000) == 5000
    assert worth("possible", 5001) == 2500
    assert worth("possible", 0) == 1


def test_words_and_days() -> None:
    assert [percent(n) for n in (0, 5, 345, 1000)] == ["0%", "0.05%", "3.45%", "10%"]
    assert months_between(date(2024, 1, 31), date(2024, 2, 29)) == 0
    assert months_between(date(2024, 1, 31), date(2026, 1, 31)) == 24
    assert closes_on(None, date(2026, 3, 2)) == date(2026, 5, 31)
    assert closes_on(date(2026, 3, 9), date(2026, 3, 2)) == date(2026, 3, 9)
    assert all(r.zh and r.en for r in REFUSALS.values())


@pytest.mark.parametrize(
    ("money", "on", "expected"),
    [
        # 100.00 USD / 1.105 · 7.8509 = 710.488… CNY, at the rates of 2023-12-29
        (Money(100_00, Currency.USD), date(2023, 12, 31), (71_049, "2023-12-29")),
        (Money(100_00, Currency.EUR), date(2024, 1, 31), (77_789, "2024-01-31")),
        (Money(100_00, Currency.EUR), date(2024, 1, 30), (78_509, "2023-12-29")),
        (Money(10_000, Currency.JPY), date(2023, 12, 31), (50_220, "2023-12-29")),
        (Money(7, Currency.CNY), date(1990, 1, 1), (7, "1990-01-01")),
        (Money(7, Currency.USD), date(2023, 12, 28), None),
        (Money(7, Currency.VND), date(2024, 12, 28), None),
    ],
)
def test_yuan(money: Money, on: date, expected: tuple[int, str] | None) -> None:
    assert in_yuan(money, on) == expected


DAY = date(2026, 3, 2)


def test_facts_of_a_company_keep_their_sources() -> None:
    profile = {
        "founded_on": {"value": "2023-03-03", "source": "register", "as_of": "2026-01-01"},
        "age_months": {"value": 1, "source": "company", "as_of": "2020-01-01"},
        "amount_minor": {"value": 1, "source": "company", "as_of": "2020-01-01"},  # belongs to a demand
        "shoe_size": {"value": 44, "source": "company", "as_of": "2020-01-01"},
        "employees": {"value": None, "source": "company", "as_of": "2020-01-01"},
        "territory": {"value": "500100", "source": "register", "as_of": "2026-01-01"},
    }
    facts = company_facts(profile, "500000", "CN", DAY)
    assert {n: f["value"] for n, f in facts.items()} == {
        "founded_on": "2023-03-03", "age_months": 35, "country": "CN", "territory": "500100",
    }  # fmt: skip
    assert facts["age_months"]["source"] == "computed"
    assert company_facts({}, "450000", "CN", DAY)["territory"]["value"] == "450000"
    moved = {"territory": {"value": "450100", "source": "company", "as_of": "2026-01-01"}}
    assert company_facts(moved, "500000", "CN", DAY)["territory"]["value"] == "500000"
    with pytest.raises(Invalid):
        company_facts({"employees": {"value": "many", "source": "company"}}, None, "TH", DAY)


def test_facts_of_a_demand() -> None:
    form = read_form(
        {"purpose": "freight", "amount_minor": 100_00, "currency": "USD", "tenor_days": 30, "collateral": ["bill"]}
    )
    facts = demand_facts(form, date(2024, 1, 1))
    assert (facts["rate_cap_bp"]["value"], facts["rate_cap_bp"]["source"]) == (10_000, "no cap")
    assert (facts["amount_cny_minor"]["value"], facts["amount_cny_minor"]["source"]) == (71_049, "ECB 2023-12-29")
    assert form.wants == ("loan", "discount", "leasing")
    assert form.objective == "price"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"purpose": None}, "purpose"), ({"purpose": ["freight"]}, "purpose"), ({"amount_minor": True}, "amount_minor"),
        ({"amount_minor": 1.5}, "amount_minor"), ({"tenor_days": 0}, "tenor_days"), ({"currency": "XXX"}, "currency"),
        ({"needed_by": "soon"}, "needed_by"), ({"rate_cap_bp": -1}, "rate_cap_bp"), ({"wants": "loan"}, "wants"),
        ({"collateral": [1]}, "collateral[0]"), ({"objective": "luck"}, "objective"), ({"note": "\x00"}, "note"),
        ({"note": 5}, "note"), ({"x": 1}, "x"),
    ],
)  # fmt: skip
def test_a_form_names_what_is_wrong(change: dict[str, object], field: str) -> None:
    good = {"purpose": "freight", "amount_minor": 1, "currency": "CNY", "tenor_days": 30}
    with pytest.raises(Invalid) as no:
        read_form(good | change)
    assert no.value.facts["field"] == field
