"""Whatever is told, sealed and gathered in whatever order, with crashes between: the facts are those of one pass, and counting again agrees."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luhai.kernel.origin import SYSTEM
from luhai.oversight.statistics import commands, queries
from luhai.oversight.statistics.policy import day_of
from luhai.oversight.statistics.tests.world import (
    BANKS,
    COMPANIES,
    Crash,
    Told,
    by,
    credited,
    drawn,
    facts,
    forget,
    gather_and_fall,
    gathered,
    moved,
    position,
    sealed,
    sent_back,
    told,
    unread,
)

TITLE = UUID(int=7)
#: Around the ends of months and years in China (16:00 in UTC), a leap day among them, in no order.
INSTANTS = [
    datetime(y, m, d, 15, 59, 59, tzinfo=UTC) + timedelta(seconds=s)
    for y, m, d in ((2026, 12, 31), (2027, 1, 31), (2027, 2, 28), (2028, 2, 28), (2028, 2, 29), (2028, 3, 15))
    for s in (0, 1)
]
amounts = st.sampled_from([1, 99, 100_00, 123_456_789, 2**53 - 1])
who = st.fixed_dictionaries(
    {
        "company": st.integers(0, len(COMPANIES) - 1), "bank": st.integers(0, len(BANKS) - 1),
        "territory": st.sampled_from(["500000", "450000", None]), "currency": st.sampled_from(["CNY", "USD", "JPY"]),
    }
)  # fmt: skip
titles = st.sampled_from([None, TITLE])


@st.composite
def loans(draw: st.DrawFn) -> list[Told]:
    """A loan, and what comes back on it, never more than was lent; in pieces, in order."""
    said, title, key, amount = draw(who), draw(titles), draw(st.uuids()), draw(amounts)
    events, owed = [drawn(amount, key, title, **said)], amount
    for _ in range(draw(st.integers(0, 3))):
        part = draw(st.integers(0, owed))
        owed -= part
        events.append(moved(part, key, title, **said))
    return events


others = st.one_of(
    st.builds(lambda a, n, w: credited(a, n, **w), amounts, st.integers(0, 2), who),
    st.builds(lambda a, w: sent_back(a, **w), amounts, who),
    st.just(("titles.pledged", "x", {"amount": 5})),
)


@st.composite
def broken(draw: st.DrawFn) -> Told:
    """An event of a kind that is counted, without what counting needs."""
    kind, subject, data = draw(st.one_of(st.builds(lambda a, w: drawn(a, **w), amounts, who), others.filter(lambda e: "bank" in e[2])))
    fault = draw(
        st.sampled_from(
            [
                {"bank": None}, {"company": "nobody"}, {"currency": "XXX"}, {"currency": None}, {"amount": 0}, {"amount": -5},
                {"amount": "5"}, {"amount": True}, {"amount": 2**53}, {"territory": "CQ"}, {"amount": 1.5}, {"territory": 500000},
            ]
        )
    )  # fmt: skip
    return kind, subject, data | fault


#: What a step does: tell an entry of several events at an instant, seal, gather a batch, or gather a batch and fall over.
@st.composite
def stories(draw: st.DrawFn) -> list[Any]:
    told_: list[list[Told]] = [*draw(st.lists(loans(), max_size=5)), *([e] for e in draw(st.lists(others, max_size=6)))]
    told_ += [[e] for e in draw(st.lists(broken(), max_size=3))]
    # the events of a loan stay in order, in one entry or in several
    entries: list[list[Told]] = []
    for events in told_:
        cut = draw(st.integers(0, len(events)))
        entries += [part for part in (events[:cut], events[cut:]) if part]
    steps: list[Any] = [("tell", entry, draw(st.sampled_from(INSTANTS))) for entry in entries]
    for _ in range(draw(st.integers(0, 8))):
        step = draw(st.sampled_from([("seal",), ("gather", 1), ("gather", 3), ("crash", 1), ("crash", 4)]))
        steps.insert(draw(st.integers(0, len(steps))), step)
    return steps


@pytest.mark.usefixtures("own_journal")
@settings(max_examples=60)
@given(stories())
def test_batches_crashes_and_restarts_leave_what_one_pass_does(steps: list[Any]) -> None:
    forget(journal_too=True)
    for name, *rest in steps:
        if name == "tell":
            told(*rest[0], at=rest[1])
        elif name == "seal":
            sealed()
        elif name == "gather":
            commands.gather(limit=rest[0], origin=by())
        else:
            before = facts(), unread(), position()
            with pytest.raises(Crash):
                gather_and_fall(limit=rest[0], origin=by())
            assert (facts(), unread(), position()) == before, "nothing of a batch that fell over stays"
    sealed()
    gathered(limit=2)
    piecemeal, aside = facts(), unread()
    assert_counted_right(steps)

    forget()
    gathered(limit=10_000)
    assert facts() == piecemeal
    assert unread() == aside

    again = queries.recount(viewer=SYSTEM)
    assert (again.different, again.rows) == ((), ())
    assert (again.facts, again.unread) == (len(piecemeal), len(aside))
    assert_stock_and_flow()


def assert_counted_right(steps: list[Any]) -> None:
    """A third count, straight from what was told: per kind and month, in one currency after the other."""
    wanted: dict[Any, int] = defaultdict(int)
    names = {"lending.draw_disburse": "drawn", "lending.moved": "repaid", "payments.credited": "received", "payments.returned": "returned"}
    for step in steps:
        if step[0] != "tell":
            continue
        for kind, _subject, data in step[1]:
            amount = data.get("principal") if kind == "lending.moved" else data.get("amount")
            good = (
                kind in names and type(amount) is int and 0 < amount < 2**53 and data["currency"] in {"CNY", "USD", "JPY"}
                and data["bank"] is not None and data["company"] != "nobody" and data["territory"] in {None, "500000", "450000"}
            )  # fmt: skip
            if good:
                wanted[names[kind], day_of(step[2]).replace(day=1), data["territory"] or "_Z", data["currency"]] += amount
    found: dict[Any, int] = defaultdict(int)
    for _p, _i, kind, _e, _s, month, _d, territory, currency, amount, *_rest in facts():
        found[kind, month, territory, currency] += amount
    assert found == wanted


def assert_stock_and_flow() -> None:
    """close = open + drawn − repaid, in every cell; the opening is the close before; the flows are those of their own indicators."""
    asked = {"month_from": "2026-12", "month_to": "2028-04", "viewer": SYSTEM}
    shown = {key: queries.figures(indicator=key, **asked).cells for key in ("loans_outstanding", "loans_drawn", "loans_repaid")}
    flows = {key: {(c.month, c.territory, c.currency): c.value for c in cells} for key, cells in shown.items()}
    close: dict[tuple[str, str], int] = {}
    for c in shown["loans_outstanding"]:
        at, place = (c.month, c.territory, c.currency), (c.territory, c.currency)
        assert c.value is not None
        assert (c.opening, c.added, c.taken) == (
            close.get(place, 0), flows["loans_drawn"].get(at, 0), flows["loans_repaid"].get(at, 0),
        )  # fmt: skip
        assert c.value == c.opening + c.added - c.taken
        close[place] = c.value
    assert not close or min(v for place, v in close.items()) >= 0, "everything told was told in order of its loan"


@pytest.mark.parametrize(
    ("at", "month", "day"),
    [
        ("2026-03-31T15:59:59.999999", "2026-03", "2026-03-31"), ("2026-03-31T16:00:00", "2026-04", "2026-04-01"),
        ("2026-12-31T15:59:59", "2026-12", "2026-12-31"), ("2026-12-31T16:00:00", "2027-01", "2027-01-01"),
        ("2027-02-28T15:59:59", "2027-02", "2027-02-28"), ("2027-02-28T16:00:00", "2027-03", "2027-03-01"),
        ("2028-02-28T16:00:00", "2028-02", "2028-02-29"), ("2028-02-29T15:59:59", "2028-02", "2028-02-29"),
        ("2028-02-29T16:00:00", "2028-03", "2028-03-01"),
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_a_month_begins_at_midnight_in_china(at: str, month: str, day: str) -> None:
    told(drawn(100), at=datetime.fromisoformat(at).replace(tzinfo=UTC))
    sealed()
    gathered()
    (fact,) = facts()
    assert (f"{fact[5]:%Y-%m}", fact[6].isoformat()) == (month, day)
    assert [c.month for c in queries.figures(indicator="loans_drawn", viewer=SYSTEM).cells] == [month, month]
    assert queries.recount(viewer=SYSTEM).good


@pytest.mark.django_db
def test_a_stock_goes_on_where_nothing_happens() -> None:
    loan = uuid4()
    told(drawn(100, loan), at=datetime(2026, 1, 10, tzinfo=UTC))
    told(moved(30, loan), at=datetime(2026, 4, 10, tzinfo=UTC))
    sealed()
    gathered()
    shown = queries.figures(indicator="loans_outstanding", month_from="2025-12", month_to="2026-06", territory="_T", viewer=SYSTEM)
    assert [(c.month, c.value) for c in shown.cells] == [
        ("2026-01", 100), ("2026-02", 100), ("2026-03", 100), ("2026-04", 70), ("2026-05", 70), ("2026-06", 70),
    ]  # fmt: skip
    drawn_ = queries.figures(indicator="loans_drawn", month_from="2025-12", month_to="2026-06", territory="_T", viewer=SYSTEM)
    assert [(c.month, c.value) for c in drawn_.cells] == [("2026-01", 100)]
