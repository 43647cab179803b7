"""Draws from two provinces meet on one line, everybody repays at once, and a day is closed by many: limits and books hold."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from luhai.core.ledger import queries as ledger
from luhai.core.titles.tests.test_races import together
from luhai.financing.lending import commands, line_commands, queries
from luhai.financing.lending.models import DayClose, Movement
from luhai.financing.lending.tests.world import AT_END, MILLION, TODAY, Desk, by, colleague, limit, on
from luhai.kernel.origin import SYSTEM
from luhai.shell.context import acting

WRITERS = 64
TREE = [
    limit("whole", 10 * MILLION, None, shared=True), limit("chongqing", 8 * MILLION, territory="500000"),
    limit("guangxi", 8 * MILLION, territory="450000"),
]  # fmt: skip


def books_agree() -> None:
    found = ledger.recount(viewer=SYSTEM)
    assert (found.differing, found.beyond_bound, found.units_unbalanced, found.holds_differing) == (
        0,
        0,
        0,
        0,
    )


def answers(works: list[Any]) -> Counter[str]:
    return Counter(a.split()[0] for a in together([lambda w=w: w() and None for w in works]))


@pytest.mark.usefixtures("fresh_db")
def test_64_draws_from_two_provinces_never_exceed_the_line() -> None:
    desk = Desk(limits=TREE)
    draws = [desk.asked(MILLION, limit=("chongqing", "guangxi")[n % 2]) for n in range(WRITERS)]
    officers = [colleague(desk.bank) for _ in range(8)]

    def approve(n: int, draw: UUID) -> Any:
        return lambda: commands.approve_draw(draw_id=draw, origin=by(officers[n % 8]))

    got = answers([approve(n, draw) for n, draw in enumerate(draws)])
    assert got == {"done": 10, "ledger.exceeds_credits": WRITERS - 10}, got
    view = {x.name: x for x in queries.line(line_id=desk.line, viewer=SYSTEM).limits}
    assert (view["whole"].held, view["whole"].available) == (10 * MILLION, 0)
    assert view["chongqing"].held + view["guangxi"].held == 10 * MILLION
    assert max(view["chongqing"].held, view["guangxi"].held) <= 8 * MILLION
    books_agree()


@pytest.mark.usefixtures("fresh_db")
def test_draws_and_repayments_and_a_freeze_at_once() -> None:
    desk = Desk(limits=TREE)
    lent = [desk.lent(MILLION, limit=("chongqing", "guangxi")[n % 2]) for n in range(6)]
    waiting = [desk.asked(MILLION, limit="guangxi") for _ in range(8)]
    works: list[Any] = [
        lambda d=d: commands.repay(draw_id=d, amount=None, origin=by(desk.company)) for d in lent
    ]
    works += [lambda d=d: commands.approve_draw(draw_id=d, origin=by(desk.bank)) for d in waiting]
    works.append(lambda: line_commands.freeze_line(line_id=desk.line, reason="warning", origin=by(desk.bank)))
    got = answers(works)
    assert set(got) <= {"done", "lending.line_not_in_force", "ledger.exceeds_credits"}, got
    whole = queries.line(line_id=desk.line, viewer=SYSTEM).limits[0]
    assert whole.free + whole.held + whole.used + whole.blocked == 10 * MILLION
    assert (whole.free, whole.used) == (0, 0), "frozen, and all was repaid"
    with acting(SYSTEM):
        assert Movement.objects.filter(draw__in=lent).count() == 6
    books_agree()


@pytest.mark.usefixtures("fresh_db")
def test_one_repayment_is_made_once_and_never_more_than_is_owed() -> None:
    desk = Desk()
    draw = desk.lent()
    desk.pay_in(9 * MILLION)
    later = on(TODAY + timedelta(10))
    key = by(desk.company, later)
    works: list[Any] = [
        lambda: commands.repay(draw_id=draw, amount=MILLION // 3, origin=key) for _ in range(4)
    ]
    works += [
        lambda: commands.repay(draw_id=draw, amount=MILLION // 2, origin=by(desk.company, later))
        for _ in range(8)
    ]
    got = answers(works)
    assert set(got) <= {"done", "lending.draw_act_not_allowed"}, got
    interest = MILLION * 345 * 10 // 3_600_000
    assert desk.money == 10 * MILLION - MILLION - interest
    assert str(queries.loan(draw_id=draw, viewer=SYSTEM).state) == "REPAID"
    books_agree()


@pytest.mark.usefixtures("fresh_db")
def test_a_day_is_closed_once_however_many_close_it() -> None:
    desk = Desk()
    draw = desk.lent()
    day = TODAY + timedelta(6)
    works: list[Any] = [
        lambda: commands.close_day(draw_id=draw, day=day, origin=by(SYSTEM, on(day) + timedelta(hours=9)))
        for _ in range(12)
    ]
    works += [
        lambda: commands.repay(draw_id=draw, amount=1_000, origin=by(desk.company, on(day))) for _ in range(4)
    ]
    assert answers(works) == {"done": 16}
    with acting(SYSTEM):
        closes = list(DayClose.objects.filter(draw=draw).order_by("day"))
        paid = sum(m.interest + m.principal for m in Movement.objects.filter(draw=draw))
    assert [c.day for c in closes] == [TODAY + timedelta(n) for n in range(7)]
    owed = desk.loan(draw).owed
    assert owed.interest + owed.principal + paid == MILLION + sum(c.interest for c in closes)
    assert paid == 4_000
    books_agree()


@pytest.mark.usefixtures("fresh_db")
def test_a_pledge_secures_one_draw_however_many_name_it() -> None:
    desk = Desk()
    title = desk.pledged()

    def ask() -> Any:
        return commands.request_draw(
            draw_id=uuid4(), line_id=desk.line, limit="whole", amount=1_000, purpose="freight", repayment=AT_END,
            title_id=title, origin=by(desk.company),
        )  # fmt: skip

    assert answers([ask] * 8) == {"done": 1, "invalid": 7}
