"""Days, instalments and interest: the vectors of the domain notes, an independent library, and what must always hold."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.financing.lending.daycount import DayCount, Unit, add_months, due_days, year_fraction
from luhai.financing.lending.replay import Drawn, Paid, borne, payoff, plan, replay
from luhai.financing.lending.schedule import Basis, Method, Prepaid, Terms, instalment, rounded

START = date(2026, 1, 15)
YEAR = Fraction(1)


def terms(months: int = 12, rate: str = "0.036", start: date = START, **more: Any) -> Terms:
    return Terms(
        start=start, due=due_days(start, months, 1, Unit.MONTHS), rates=((start, Fraction(rate)),), **more
    )


# --- the vectors of the domain notes, §6.4 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "interest"),
    [(DayCount.ACT_360, 862_500), (DayCount.ACT_365, 850_685)],
)
def test_ninety_days_on_a_million(count: DayCount, interest: int) -> None:
    start = date(2026, 3, 2)
    part = year_fraction(start, start + timedelta(90), count)
    assert rounded(100_000_000 * Fraction("0.0345") * part) == interest


def test_overdue_interest_of_fifteen_days() -> None:
    day = year_fraction(START, START + timedelta(15), DayCount.ACT_360)
    assert rounded(100_000_000 * Fraction("0.0345") * Fraction(3, 2) * day) == 215_625


def test_twelve_equal_instalments() -> None:
    lines = plan(terms(basis=Basis.PERIOD, part_of_year=Fraction(1, 12)), 120_000_000)
    assert {line.total for line in lines[:-1]} == {10_196_071}
    assert lines[0].interest == 360_000
    assert sum(line.interest for line in lines) == 2_352_852
    assert lines[-1].balance == 0
    assert sum(line.principal for line in lines) == 120_000_000


def test_a_bullet_loan_pays_once_and_interest_only_pays_it_as_it_goes() -> None:
    (bullet,) = plan(terms(1, "0.0345", method=Method.AT_END), 1_000_000_00)
    assert (bullet.principal, bullet.interest) == (
        1_000_000_00,
        rounded(Fraction(100_000_000 * 31 * 345, 3_600_000)),
    )
    lines = plan(terms(3, "0.0345", method=Method.AT_END), 1_000_000_00)
    assert [line.principal for line in lines] == [0, 0, 1_000_000_00]
    assert abs(sum(line.interest for line in lines) - 862_500) <= 1, (
        "ninety days; each line is rounded by itself"
    )


def test_equal_principal_takes_the_residue_last() -> None:
    lines = plan(terms(3, method=Method.PRINCIPAL), 100_00)
    assert [line.principal for line in lines] == [33_33, 33_33, 33_34]


def test_grace_and_a_free_time() -> None:
    lines = plan(terms(6, grace_principal=2, grace_interest=1, method=Method.PRINCIPAL), 4_000_000)
    assert [line.principal for line in lines] == [0, 0, 1_000_000, 1_000_000, 1_000_000, 1_000_000]
    first = rounded(Fraction(4_000_000 * 31 * 36, 360_000))
    assert lines[0].interest == 0
    assert lines[1].interest == 2 * first - rounded(Fraction(4_000_000 * 3 * 36, 360_000)), (
        "31 and 28 days, together"
    )
    assert plan(terms(3, interest_free=3), 300)[0].interest == 0


# --- days -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "start", "end", "part"),
    [
        (DayCount.ACT_360, (2024, 2, 1), (2024, 3, 1), Fraction(29, 360)),
        (DayCount.ACT_365, (2024, 2, 1), (2024, 3, 1), Fraction(29, 365)),
        (DayCount.THIRTY_360, (2024, 2, 1), (2024, 3, 1), Fraction(30, 360)),
        (DayCount.THIRTY_360, (2024, 1, 31), (2024, 3, 31), Fraction(60, 360)),
        (DayCount.THIRTY_360, (2024, 1, 30), (2024, 3, 31), Fraction(60, 360)),
        (DayCount.THIRTY_360, (2024, 1, 29), (2024, 3, 31), Fraction(62, 360)),
        (DayCount.ACT_ACT, (2023, 12, 31), (2024, 1, 2), Fraction(1, 365) + Fraction(1, 366)),
        (
            DayCount.ACT_ACT,
            (2003, 11, 1),
            (2004, 5, 1),
            Fraction(61, 365) + Fraction(121, 366),
        ),  # ISDA's own example
    ],
)
def test_counts(
    count: DayCount, start: tuple[int, int, int], end: tuple[int, int, int], part: Fraction
) -> None:
    assert year_fraction(date(*start), date(*end), count) == part


def test_the_thirty_first_comes_back() -> None:
    assert due_days(date(2026, 1, 31), 3, 1, Unit.MONTHS) == (
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    )
    assert add_months(date(2024, 2, 29), -12) == date(2023, 2, 28)
    assert due_days(date(2026, 1, 31), 2, 15, Unit.DAYS) == (date(2026, 2, 15), date(2026, 3, 2))


days = st.dates(date(1990, 1, 1), date(2090, 12, 31))


@given(days, days)
def test_an_independent_library_counts_the_same_days(start: date, end: date) -> None:
    ql = pytest.importorskip("QuantLib", reason="QuantLib is not among the locked packages (decision 0050)")
    theirs = {
        DayCount.ACT_360: ql.Actual360(), DayCount.ACT_365: ql.Actual365Fixed(),
        DayCount.THIRTY_360: ql.Thirty360(ql.Thirty360.BondBasis), DayCount.ACT_ACT: ql.ActualActual(ql.ActualActual.ISDA),
    }  # fmt: skip
    a, b = ql.Date(start.day, start.month, start.year), ql.Date(end.day, end.month, end.year)
    for count, counter in theirs.items():
        assert abs(counter.yearFraction(a, b) - year_fraction(start, end, count)) < 1e-9, count


@given(days, st.integers(1, 60))
def test_an_independent_library_has_the_same_due_days(start: date, number: int) -> None:
    ql = pytest.importorskip("QuantLib", reason="QuantLib is not among the locked packages (decision 0050)")
    first = ql.Date(start.day, start.month, start.year)
    theirs = [ql.NullCalendar().advance(first, n, ql.Months) for n in range(1, number + 1)]
    ours = due_days(start, number, 1, Unit.MONTHS)
    assert [date(d.year(), d.month(), d.dayOfMonth()) for d in theirs] == list(ours)


# --- arithmetic -------------------------------------------------------------------------------------------------------------


@given(st.fractions(0, 10**9, max_denominator=720))
def test_rounding_is_exact(amount: Fraction) -> None:
    half_up, half_even = rounded(amount), rounded(amount, ROUND_HALF_EVEN)
    assert abs(half_up - amount) <= Fraction(1, 2)
    assert half_even == half_up or (amount - half_even == Fraction(1, 2) and half_even % 2 == 0)
    assert half_up == (amount + Fraction(1, 2)).__floor__()


@given(st.integers(1, 10**13), st.integers(1, 2400), st.integers(1, 360))
def test_an_instalment_repays_what_it_should(principal: int, bp: int, number: int) -> None:
    """One instalment less, and something is left; one fen more, and nothing is (but for the rounding of each line)."""
    rate = Fraction(bp, 120_000)
    payment = instalment(principal, rate, number)
    balance = Fraction(principal)
    for _ in range(number):
        balance = balance * (1 + rate) - payment
    drift = ((1 + rate) ** number - 1) / rate  # what one fen more or less in each payment makes
    assert abs(balance) <= drift


# --- what must always hold --------------------------------------------------------------------------------------------------


@st.composite
def loans(draw: st.DrawFn) -> Terms:
    months = draw(st.integers(1, 9))
    start = draw(st.dates(date(2020, 1, 1), date(2027, 12, 31)))
    rates = [(start, Fraction(draw(st.integers(0, 2400)), 10_000))]
    for n in sorted(draw(st.sets(st.integers(1, 500), max_size=3))):
        rates.append((start + timedelta(n), Fraction(draw(st.integers(0, 2400)), 10_000)))
    return Terms(
        start=start, due=due_days(start, months, 1, Unit.MONTHS), rates=tuple(rates), method=draw(st.sampled_from(Method)),
        count=draw(st.sampled_from(DayCount)), basis=draw(st.sampled_from(Basis)), compound=draw(st.booleans()),
        grace_principal=draw(st.integers(0, months - 1)), grace_interest=draw(st.integers(0, months - 1)),
        prepaid=draw(st.sampled_from(Prepaid)), multiple=draw(st.sampled_from([1, 100])),
    )  # fmt: skip


payments = st.lists(st.tuples(st.integers(0, 800), st.integers(1, 400_000_00)), max_size=6)


@given(loans(), st.integers(1, 10**9), payments, st.integers(0, 900))
def test_principal_adds_up_and_no_balance_falls_below_zero(
    said: Terms, principal: int, paid: list[tuple[int, int]], looked: int
) -> None:
    events: list[Drawn | Paid] = [Drawn(said.start, principal)]
    for place, (n, amount) in enumerate(paid := sorted(paid, key=lambda p: p[0])):
        day = said.start + timedelta(n)
        closes = amount >= payoff(said, events, day)
        events.append(Paid(day, amount))
        if closes:  # a loan that is repaid takes no more: its draw has ended
            paid = paid[: place + 1]
            break
    book = replay(said, events, said.start + timedelta(max([looked, *(n for n, _ in paid)])))
    assert sum(line.principal for line in book.lines) == principal  # INV-LN-1
    assert all(
        line.balance >= 0 and line.principal >= 0 and line.interest >= 0 for line in book.lines
    )  # INV-LN-2
    assert book.lines[-1].balance == 0
    assert sum(line.paid for line in book.lines) + book.overpaid == sum(amount for _, amount in paid), (
        "every fen is somewhere"
    )
    assert sum(line.principal_paid for line in book.lines) <= principal
    if book.overpaid:
        assert book.principal_open == 0, "nothing is overpaid while principal is owed"


def test_who_closes_a_loan_early_pays_interest_put_off_beside_the_instalment() -> None:
    """The interest of a free first line is asked for with the second; it takes nothing from the principal of that line."""
    start = date(2020, 1, 1)
    said = Terms(
        start=start, due=due_days(start, 4, 1, Unit.MONTHS), rates=((start, Fraction(292, 10_000)),), grace_interest=1, multiple=100
    )
    book = replay(said, [Drawn(start, 199), Paid(date(2020, 2, 2), 200)], date(2020, 2, 2))
    assert [(x.principal, x.principal_paid, x.interest_paid) for x in book.lines] == [(99, 99, 0), (100, 100, 1), (0, 0, 0), (0, 0, 0)]


@given(loans(), st.integers(1, 10**9), st.integers(0, 700))
def test_the_payoff_closes_the_loan(said: Terms, principal: int, after: int) -> None:
    day = said.start + timedelta(after)
    events: list[Drawn | Paid] = [Drawn(said.start, principal)]
    asked = payoff(said, events, day)
    assert asked >= principal
    closed = replay(said, [*events, Paid(day, asked)])
    assert (closed.principal_open, closed.overpaid) == (0, 0)
    one_more = replay(said, [*events, Paid(day, asked + 1)])
    assert one_more.overpaid == 1
    if asked > principal:
        assert replay(said, [*events, Paid(day, asked - 1)], day + timedelta(400)).open > 0


@given(loans(), st.integers(1, 10**9), payments)
def test_accrual_is_a_recomputation_and_never_shrinks(
    said: Terms, principal: int, paid: list[tuple[int, int]]
) -> None:
    """INV-LN-3: what was borne to a day does not change by what comes later, and grows from day to day."""
    events: list[Drawn | Paid] = [Drawn(said.start, principal)]
    events += [Paid(said.start + timedelta(n), amount) for n, amount in sorted(paid)]
    before = 0
    for after in range(0, 320, 40):
        on = said.start + timedelta(after)
        now = borne(said, events, on)
        assert now == borne(said, [e for e in events if e.on < on], on)
        assert now >= before
        before = now


def test_interest_is_for_used_days_only() -> None:
    """随借随还: draw a million, repay it after ten days; ten nights are paid for."""
    said = terms(12, "0.0345", method=Method.AT_END)
    day = START + timedelta(10)
    events: list[Drawn | Paid] = [Drawn(START, 100_000_000)]
    assert payoff(said, events, START) == 100_000_000, "borrowed and repaid on the same day costs nothing"
    assert payoff(said, events, day) - 100_000_000 == rounded(Fraction(100_000_000 * 345 * 10, 3_600_000))


def test_a_rate_applies_from_its_day_only() -> None:
    """INV-LN-5."""
    day = START + timedelta(15)
    said = Terms(
        start=START, due=due_days(START, 1, 1, Unit.MONTHS), rates=((START, Fraction("0.03")), (day, Fraction("0.06"))),
        method=Method.AT_END,
    )  # fmt: skip
    (line,) = plan(said, 36_000_000)
    assert line.interest == 15 * 3_000 + 16 * 6_000
