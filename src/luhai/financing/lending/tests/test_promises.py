"""Whatever is drawn, repaid, charged and closed, in whatever order: the promises of lines (INV-CL) and loans (INV-LN) hold.

The interest is recounted here night by night, from the movements alone and without any of the schedule's own code.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luhai.core.ledger import queries as ledger
from luhai.financing.lending import books, commands, line_commands, queries
from luhai.financing.lending.models import DayClose, Draw, Limit, Movement
from luhai.financing.lending.tests.world import TODAY, Desk, by, limit, on
from luhai.kernel.origin import SYSTEM
from luhai.kernel.refusal import Refusal

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BUCKETS = ("fees", "penalty", "interest", "principal")

#: What was carried out, over all stories: a promise about what never happens is none.
done: Counter[str] = Counter()
amounts = st.integers(1, 3_000_000)
steps = st.one_of(
    st.tuples(st.just("draw"), st.sampled_from(["whole", "a", "b", "deep"]), amounts,
              st.sampled_from(["equal_instalments", "equal_principal", "principal_at_end"]), st.integers(1, 3)),
    st.tuples(st.just("repay"), st.integers(0, 3), st.one_of(st.none(), amounts), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 45)),
    st.tuples(st.just("close"), st.integers(0, 3)),
    st.tuples(st.just("collect"), st.integers(0, 3)),
    st.tuples(st.just("fee"), st.integers(0, 3), st.integers(1, 5_000)),
    st.tuples(st.just("freeze")), st.tuples(st.just("thaw")),
    st.tuples(st.just("reduce"), st.sampled_from(["whole", "a", "deep"]), st.integers(1, 400_000)),
)  # fmt: skip


class Story:
    def __init__(self, revolving: bool, grace: int) -> None:
        tree = [
            limit("whole", 5_000_000, None, shared=True), limit("a", 4_000_000), limit("b", 3_000_000),
            limit("deep", 2_000_000, "a"),
        ]  # fmt: skip
        self.desk = Desk(limits=tree, revolving=revolving, grace_days=grace, tail_days=366)
        self.draws: list[UUID] = []
        self.day = TODAY

    def do(self, step: tuple[Any, ...]) -> None:
        with suppress(Refusal):
            getattr(self, step[0])(*step[1:])
            done[step[0]] += 1

    def draw(self, where: str, amount: int, method: str, number: int) -> None:
        said = {"method": method, "number": number, "every": 1, "unit": "months"}
        draw = self.desk.reserved(amount, limit=where, repayment=said, at=on(self.day))
        self.draws.append(draw)
        commands.disburse(draw_id=draw, origin=by(self.desk.second, on(self.day)))

    def repay(self, n: int, amount: int | None, bank: bool) -> None:
        if n < len(self.draws):
            self.desk.pay_in(amount or 3_000_000, at=on(self.day))
            self.desk.repay(self.draws[n], amount, self.desk.bank if bank else None, at=on(self.day))

    def wait(self, days: int) -> None:
        self.day += days * DAY

    def close(self, n: int) -> None:
        if n < len(self.draws):
            self.desk.close(self.draws[n], self.day)

    def collect(self, n: int) -> None:
        if n < len(self.draws):
            commands.collect_due(draw_id=self.draws[n], origin=by(SYSTEM, on(self.day)))

    def fee(self, n: int, amount: int) -> None:
        if n < len(self.draws):
            commands.charge_fee(
                fee_id=uuid4(),
                draw_id=self.draws[n],
                amount=amount,
                reason="fee",
                origin=by(self.desk.bank, on(self.day)),
            )

    def freeze(self) -> None:
        line_commands.freeze_line(line_id=self.desk.line, reason="r", origin=by(self.desk.bank, on(self.day)))

    def thaw(self) -> None:
        line_commands.thaw_line(line_id=self.desk.line, reason="r", origin=by(self.desk.bank, on(self.day)))

    def reduce(self, name: str, by_: int) -> None:
        line_commands.reduce_limit(
            line_id=self.desk.line, name=name, by=by_, reason="r", origin=by(self.desk.bank, on(self.day))
        )

    # --- what must hold -------------------------------------------------------------------------------------------------

    def check(self) -> None:
        found = ledger.recount(viewer=SYSTEM)
        assert (found.differing, found.beyond_bound, found.units_unbalanced, found.holds_differing) == (
            0,
            0,
            0,
            0,
        )
        self.check_limits()
        for draw in Draw.objects.filter(pk__in=self.draws):
            self.check_draw(draw)

    def check_limits(self) -> None:
        """INV-CL-1, INV-CL-4: on each limit free, held, used, spent and blocked are what was granted; used is what is owed."""
        owed: dict[UUID, int] = {}
        for draw in Draw.objects.filter(pk__in=self.draws).select_related("limit"):
            principal = queries.open_of(draw)["principal"]
            for node in queries.path_of(draw.limit):
                owed[node.pk] = owed.get(node.pk, 0) + principal
        for x in queries.line(line_id=self.desk.line, viewer=SYSTEM).limits:
            assert x.free + x.held + x.used + x.spent + x.blocked == Limit.objects.get(pk=x.id).amount, x
            assert min(x.free, x.held, x.used, x.spent, x.blocked) >= 0, x
            # A reserved draw that could not be paid out still holds its limits.
            assert x.used == owed.get(x.id, 0), x

    def check_draw(self, draw: Draw) -> None:
        if draw.starts_on is None:
            return
        open_, totals = queries.open_of(draw), queries.totals_of(draw)
        came = {b: sum(getattr(m, b) for m in Movement.objects.filter(draw=draw)) for b in BUCKETS}
        assert {b: t[1] for b, t in totals.items()} == came, "the rows say what the ledger says"
        assert min(open_.values()) >= 0  # INV-LN-2
        assert totals["principal"][0] == draw.amount == open_["principal"] + came["principal"]  # INV-LN-1
        book = queries.book_of(draw, queries.seen_on(draw))
        assert sum(line.principal for line in book.lines) == draw.amount
        assert book.principal_open == open_["principal"]
        closes = DayClose.objects.filter(draw=draw)
        assert sum(c.interest for c in closes) == totals["interest"][0]
        assert sum(c.penalty for c in closes) == totals["penalty"][0]
        if draw.closed_on is not None:
            nights = (draw.closed_on - draw.starts_on).days + 1
            assert [c.day for c in closes.order_by("day")] == [
                draw.starts_on + n * DAY for n in range(nights)
            ]
            stop = draw.closed_on if draw.arrived_on is None else min(draw.closed_on, draw.arrived_on - DAY)
            assert totals["interest"][0] == recounted(draw, stop)  # INV-LN-3
        if str(queries.loan(draw_id=draw.pk, viewer=SYSTEM).state) == "REPAID":
            assert not any(open_.values())


def recounted(draw: Draw, through: date) -> int:
    """Night by night: what was owed after the day's payments, at the rate of the day, a 360th; rounded half up a line."""
    assert draw.starts_on is not None
    rates = {r.since: r.bp for r in queries.loan(draw_id=draw.pk, viewer=SYSTEM).rates}
    sums: dict[int, Fraction] = {}
    bp, night = 0, draw.starts_on
    while night <= through:
        bp = rates.get(night, bp)
        paid = sum(m.principal for m in Movement.objects.filter(draw=draw) if m.on <= night)
        n = sum(due <= night for due in draw.due)
        sums[n] = sums.get(n, Fraction(0)) + (draw.amount - paid) * Fraction(bp, 10_000 * 360)
        night += DAY
    return sum((total + Fraction(1, 2)).__floor__() for total in sums.values())


@settings(max_examples=12)
@given(st.booleans(), st.sampled_from([0, 5]), st.lists(steps, min_size=4, max_size=14))
def test_the_promises_hold_whatever_is_asked(
    revolving: bool, grace: int, asked: list[tuple[Any, ...]]
) -> None:
    story = Story(revolving, grace)
    for step in [
        ("draw", "deep", 1_000_000, "equal_principal", 3),
        *asked,
        ("wait", 20),
        ("close", 0),
        ("close", 1),
    ]:
        story.do(step)
    story.check()


def test_the_stories_were_not_empty() -> None:
    """Each act was carried out in some of the stories, which another process may have run."""
    if not done:
        test_the_promises_hold_whatever_is_asked()
    assert {"draw", "repay", "wait", "close"} <= {act for act, times in done.items() if times}, done


def test_each_account_of_a_draw_is_its_own() -> None:
    """No two things that are owed, and no two draws, share an account."""
    draws = [uuid4(), uuid4()]
    keys = [a.id for d in draws for a in books.accounts_of_draw(d, uuid4(), uuid4(), "CNY")]
    assert len(set(keys)) == len(keys)
