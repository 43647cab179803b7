"""Cells of all dimensions, counted by the engine over files and again from the journal: the same, and whatever was changed is found."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luhai.core.indicators.engine import compute
from luhai.kernel.origin import SYSTEM
from luhai.oversight.statistics import commands, queries, recount_cubes
from luhai.oversight.statistics.indicators import INDICATORS
from luhai.oversight.statistics.tests.test_promises import INSTANTS, who
from luhai.oversight.statistics.tests.world import (
    NOON,
    Told,
    counted,
    credited,
    drawn,
    forget,
    gathered,
    moved,
    owner,
    sealed,
    told,
)

pytestmark = pytest.mark.usefixtures("own_journal")


def said(told_: Told, **more: Any) -> Told:
    kind, subject, data = told_
    return kind, subject, data | more


classes = st.fixed_dictionaries(
    {
        "size": st.sampled_from(["S", "X", ""]), "industry": st.sampled_from(["F", "G"]), "term": st.sampled_from(["CT01", "CT02"]),
        "route": st.sampled_from(["RSI", ""]), "green": st.sampled_from(["Y", "N", ""]), "guarantee": st.sampled_from(["DOC", "CRD"]),
    }
)  # fmt: skip
amounts = st.sampled_from([1, 2, 99, 123_456_789, 2**53 - 1])


@st.composite
def loans(draw: st.DrawFn) -> list[Told]:
    them, named, key, amount = draw(who), draw(classes), draw(st.uuids()), draw(amounts)
    title = UUID(int=7) if named["guarantee"] == "DOC" else None
    rate: dict[str, Any] = {"rate_bp": draw(st.sampled_from([0, 345, 360, None]))}
    events = [said(drawn(amount, key, title, **them), **named, **rate)]
    if draw(st.booleans()):
        events.append(said(moved(draw(st.integers(1, amount)), key, title, **them), **named, rate_bp=345))
    return events


received = st.builds(lambda a, n, c, w: [credited(a, n, c, **w)], amounts, st.integers(0, 1), st.sampled_from(["TH", "KZ", "", "ZZ"]), who)
RATES = {
    (date(y, m, 1), c): rate
    for y, m in ((2026, 12), (2027, 1), (2027, 2), (2027, 3), (2028, 2), (2028, 3))
    for c, rate in (("CNY", Fraction(1)), ("USD", Fraction(71234, 10_000)))
}


@settings(max_examples=12)
@given(st.lists(st.tuples(st.one_of(loans(), received), st.sampled_from(INSTANTS)), min_size=1, max_size=8), st.integers(1, 4))
def test_the_engine_and_the_journal_say_the_same_of_every_cell(story: list[tuple[list[Told], Any]], limit: int) -> None:
    forget(journal_too=True)
    for events, at in story:
        told(*events, at=at)
    sealed()
    gathered()
    commands.export_all(NOON, limit=limit)
    found = queries.recount_cubes(viewer=SYSTEM)
    assert found.different == ()
    assert found.cells >= 16, "a fact stands in a cell of every part of the standard cubes"
    assert queries.recount(viewer=SYSTEM).different == ()
    reached = queries.position()
    cubes, months = [("territory", "size", "green"), ("industry", "route", "country")], ["2026-12", "2027-03", "2028-03"]
    wanted = recount_cubes.cells(queries.again(reached), months, cubes, RATES)
    engine = compute("duckdb", queries.files(reached), INDICATORS.values(), months, cubes, reached, rates=RATES)
    shown = {(c.indicator, c.month, c.key): recount_cubes.Cell(*(getattr(c, n) for n in recount_cubes.Cell.__slots__)) for c in engine}
    assert shown == wanted


def test_cells_by_hand() -> None:
    size = {"size": "S", "industry": "F", "term": "CT01", "route": "RSI", "guarantee": "DOC", "green": "N"}
    title = UUID(int=7)
    counted(
        said(drawn(600, title=title), **size, rate_bp=300), said(drawn(300, company=1), **size | {"size": "M"}, rate_bp=450),
        said(drawn(100, company=2), rate_bp=None), credited(70, country="TH"),
    )
    found = recount_cubes.cells(queries.again(10**6), ["2026-03"], [("size",)])
    every, small = (*["_T"] * 4, "CNY", *["_T"] * 4), ("_T", "S", "_T", "_T", "CNY", *["_T"] * 4)
    cell = found["loans_drawn", "2026-03", every]
    assert (cell.value, cell.count, cell.contributors, cell.largest, cell.second) == (1000, 3, 3, 600, 300)
    assert found["loans_drawn", "2026-03", small].value == 600
    rate = found["drawn_rate", "2026-03", every]
    assert (rate.numerator, rate.denominator, rate.value, rate.count) == (600 * 300 + 300 * 450, 900, 35_000, 2), "350 bp, in hundredths"
    share = found["secured_share", "2026-03", every]
    assert (share.numerator, share.denominator, share.value) == (600, 1000, 6000)


@pytest.mark.parametrize("column", ["size = 'M'", "green = 'N'", "rate_bp = 1", "route = 'OTH'", "company_id = (SELECT company_id FROM statistics_fact WHERE amount = 70)", "amount = amount + 1"])
def test_what_somebody_changed_in_the_facts_before_they_were_written_is_found(column: str) -> None:
    loan = uuid4()
    counted(said(drawn(500, loan), size="S", green="Y", rate_bp=345, guarantee="CRD"), said(drawn(70, company=1), size="M"))
    owner(f"UPDATE statistics_fact SET {column} WHERE amount = 500")
    commands.export_all(NOON)
    different = queries.recount_cubes(viewer=SYSTEM).different
    assert different, column
    assert not queries.recount(viewer=SYSTEM).good


def test_an_empty_journal_has_no_cells() -> None:
    assert queries.recount_cubes(viewer=SYSTEM).cells == 0


def test_this_file_and_the_definitions_name_the_same_indicators() -> None:
    assert [*recount_cubes.INDICATORS] == [*INDICATORS]
