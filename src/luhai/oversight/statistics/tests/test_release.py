"""Who sees which figures: those who oversee all, a province its own and totals, a bank totals; and none that too few stand behind."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, NotPermitted
from luhai.oversight.statistics import policy, queries
from luhai.oversight.statistics.tests.world import (
    BANKS,
    CHONGQING,
    GUANGXI,
    counted,
    credited,
    drawn,
    moved,
)

pytestmark = pytest.mark.django_db
SUPERVISOR, OPERATOR = Actor(uuid4(), Role.SUPERVISOR, uuid4()), Actor(uuid4(), Role.OPERATOR, uuid4())
IN_CHONGQING, IN_GUANGXI = (Actor(uuid4(), Role.PROVINCE, uuid4(), place) for place in (CHONGQING, GUANGXI))
BANK, OTHER_BANK = (Actor(uuid4(), Role.BANK, bank, CHONGQING) for bank in BANKS[:2])


def seen(viewer: Actor, indicator: str = "loans_drawn", **more: Any) -> dict[str, int | str | None]:
    """What a viewer is shown, by territory; a figure that is withheld as "withheld"."""
    cells = queries.figures(indicator=indicator, viewer=viewer, **more).cells
    assert all((c.value is None) == c.suppressed for c in cells)
    for c in cells:
        if c.suppressed:
            assert {c.value, c.opening, c.added, c.taken, c.count, c.contributors, c.first, c.last} == {None}
    return {c.territory: "withheld" if c.suppressed else c.value for c in cells}


def test_each_role_sees_its_part() -> None:
    counted(*(drawn(10, company=n) for n in range(4)), *(drawn(100, company=n, territory=GUANGXI) for n in range(4, 8)))
    whole = {CHONGQING: 40, GUANGXI: 400, "_T": 440}
    for viewer in (SUPERVISOR, OPERATOR, SYSTEM):
        assert seen(viewer) == whole
    assert seen(IN_CHONGQING) == {CHONGQING: 40, "_T": 440}
    assert seen(IN_GUANGXI) == {GUANGXI: 400, "_T": 440}
    assert seen(OTHER_BANK) == {"_T": 440}
    assert seen(IN_CHONGQING, territory=CHONGQING) == {CHONGQING: 40}
    with pytest.raises(NotEntitled):
        seen(IN_CHONGQING, territory=GUANGXI)
    with pytest.raises(NotEntitled):
        seen(IN_CHONGQING, territory="_Z")
    with pytest.raises(NotEntitled):
        seen(BANK, territory=CHONGQING)
    for role in (Role.COMPANY, Role.PARTNER):
        with pytest.raises(NotPermitted):
            seen(Actor(uuid4(), role, uuid4()))
    with pytest.raises(NotPermitted):
        seen(PUBLIC)


def test_a_province_without_a_territory_sees_totals_only() -> None:
    counted(*(drawn(10, company=n) for n in range(4)))
    assert seen(Actor(uuid4(), Role.PROVINCE, uuid4())) == {"_T": 40}


def test_too_few_companies_are_withheld_however_many_loans_they_have() -> None:
    counted(*(drawn(10, company=n % 3) for n in range(9)))
    assert seen(SUPERVISOR) == {CHONGQING: 90, "_T": 90}
    assert seen(IN_CHONGQING) == {CHONGQING: "withheld", "_T": "withheld"}
    assert seen(OTHER_BANK) == {"_T": "withheld"}
    counted(drawn(10, company=3))
    assert seen(IN_CHONGQING) == {CHONGQING: 100, "_T": 100}
    assert seen(OTHER_BANK) == {"_T": 100}
    assert queries.figures(indicator="loans_drawn", viewer=BANK).rule == "statistics.minimum_cell@2020-01-01"


def test_who_has_repaid_all_does_not_stand_behind_a_stock() -> None:
    loans = [uuid4() for _ in range(4)]
    counted(*(drawn(10, loan, company=n) for n, loan in enumerate(loans)))
    assert seen(IN_CHONGQING, "loans_outstanding") == {CHONGQING: 40, "_T": 40}
    counted(moved(10, loans[0], company=0))
    assert seen(IN_CHONGQING, "loans_outstanding") == {CHONGQING: "withheld", "_T": "withheld"}
    assert seen(SUPERVISOR, "loans_outstanding") == {CHONGQING: 30, "_T": 30}


def test_a_total_that_would_give_the_rest_away_is_withheld() -> None:
    """What is left of the total once the viewer takes off what it knows must be nobody's, or enough companies'."""
    counted(*(drawn(10, company=n) for n in range(5)), drawn(999, company=5, territory=GUANGXI, bank=1))
    assert seen(IN_CHONGQING) == {CHONGQING: 50, "_T": "withheld"}
    assert seen(IN_GUANGXI) == {GUANGXI: "withheld", "_T": 1049}
    assert seen(BANK) == {"_T": "withheld"}, "all but one company are its own customers"
    assert seen(OTHER_BANK) == {"_T": 1049}
    assert seen(SUPERVISOR) == {CHONGQING: 50, GUANGXI: 999, "_T": 1049}


@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 6))
def test_nothing_is_shown_that_leaves_a_few(mine: int, others: int, minimum: int) -> None:
    if policy.may_be_shown(mine + others, others, minimum):
        assert mine + others >= minimum
        assert others == 0 or others >= minimum


def test_receipts_are_by_currency_and_by_documents() -> None:
    counted(credited(70, 2, currency="USD"), credited(5, 0, currency="USD", company=1), credited(9, 1, currency="JPY"))
    shown = queries.figures(indicator="receipts", territory="_T", viewer=SUPERVISOR)
    assert [(c.currency, c.value, c.count) for c in shown.cells] == [("JPY", 9, 1), ("USD", 75, 2)]
    assert shown.currencies == ("JPY", "USD")
    documented = queries.figures(indicator="receipts_documented", territory="_T", currency="USD", viewer=SUPERVISOR)
    assert [(c.value, c.first, c.last) for c in documented.cells] == [(70, 1, 1)]


def test_what_is_beneath_adds_up_to_the_figure() -> None:
    loan = uuid4()
    for n in range(3):
        counted(drawn(100 + n, loan if n == 0 else uuid4(), company=n))
    counted(moved(40, loan), credited(1))
    asked = {"indicator": "loans_outstanding", "month": "2026-03", "territory": "_T", "currency": "CNY", "viewer": SUPERVISOR}
    (cell,) = queries.figures(indicator="loans_outstanding", territory="_T", viewer=SUPERVISOR).cells
    first = queries.beneath(**asked, limit=3)
    rest = queries.beneath(**asked, limit=3, cursor=first.next)
    both = [*first.items, *rest.items]
    assert (len(first.items), len(rest.items), rest.next) == (3, 1, "")
    assert [x.amount for x in both] == [100, 101, 102, -40]
    assert sum(x.amount for x in both) == cell.value == 263
    assert (len(both), both[0].position, both[-1].position) == (cell.count, cell.first, cell.last)
    for viewer in (IN_CHONGQING, BANK):
        with pytest.raises(NotPermitted):
            queries.beneath(**(asked | {"viewer": viewer}))
    assert queries.beneath(**(asked | {"territory": GUANGXI})).items == ()


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"month_from": "2026-13"}, "month_from"), ({"month_from": "26-01"}, "month_from"), ({"month_to": "2026-3"}, "month_to"),
        ({"month_to": "2019-12"}, "month_to"), ({"month_from": "2200-01", "month_to": "2200-02"}, "month_to"),
        ({"month_from": "2026-04", "month_to": "2026-03"}, "month_to"), ({"month_from": "2020-01", "month_to": "2040-01"}, "month_to"),
        ({"territory": "110000"}, "territory"), ({"currency": "XXX"}, "currency"), ({"month_to": "２０２６-03"}, "month_to"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_by_name(asked: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        queries.figures(indicator="loans_drawn", viewer=SUPERVISOR, **asked)
    assert refused.value.facts["field"] == field
    with pytest.raises(Absent):
        queries.figures(indicator="loans", viewer=SUPERVISOR)


def test_a_mean_and_a_share_are_quotients_of_their_own_facts() -> None:
    loans = [
        (drawn(100, company=0), 300), (drawn(300, title=uuid4(), company=1), 401), (drawn(50, company=2), None),
        (drawn(7, company=3, territory=GUANGXI), 1),
    ]  # fmt: skip
    counted(*((kind, subject, said | {"rate_bp": rate}) for (kind, subject, said), rate in loans))
    asked = {"territory": CHONGQING, "viewer": SUPERVISOR}
    (mean,) = queries.figures(indicator="drawn_rate", **asked).cells
    assert (mean.value, mean.numerator, mean.denominator, mean.count, mean.contributors) == (37_575, 150_300, 400, 2, 2), "3.7575 %"
    assert (mean.opening, mean.added, mean.taken) == (0, 0, 0)
    (share,) = queries.figures(indicator="secured_share", **asked).cells
    assert (share.value, share.numerator, share.denominator, share.count) == (6_667, 300, 450, 3), "66.67 %"
    asked = {"indicator": "drawn_rate", "month": "2026-03", "territory": CHONGQING, "currency": "CNY", "viewer": SUPERVISOR}
    assert [x.amount for x in queries.beneath(**asked).items] == [100, 300]
    assert queries.figures(indicator="receipts_rmb_share", viewer=SUPERVISOR).cells == (), "needs rates: in releases only"
