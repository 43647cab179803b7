"""What a release promises: it is frozen, kept under its embargo, published by a second person, and every cell of it can be counted again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from luhai.core.evidence.tests.world import sql
from luhai.core.indicators.disclosure import Why
from luhai.core.rules.business_days import calendar
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent, Invalid, NotPermitted, Refusal
from luhai.oversight.releases import commands, policy, queries
from luhai.oversight.releases.lifecycle import NEXT, Action, Kind, State
from luhai.oversight.releases.models import Cell, Count, Release
from luhai.oversight.statistics.tests.world import CHONGQING, drawn, told
from luhai.shell.context import acting

from .office import (
    FEBRUARY,
    HEAD,
    JANUARY,
    MARCH,
    OFFICER,
    Crash,
    busy,
    by,
    compute_and_fall,
    computed,
    out,
    planned,
    read_on,
    revised,
    seen,
    three_months,
)

pytestmark = pytest.mark.usefixtures("own_journal")


def refused(code: str) -> Any:
    return pytest.raises(Refusal, match=f"^{code}")


def test_from_plan_to_print() -> None:
    busy(MARCH)
    read_on()
    made = planned("2026-03")
    view = queries.release(release_id=made, viewer=PUBLIC)
    assert (view.name, view.state, view.kind, view.due) == ("2026-03.1", "PLANNED", "PROVISIONAL", date(2026, 4, 8))
    done = commands.compute_release(release_id=made, origin=by())
    assert done["cells"] > 100
    assert 0 < done["withheld"] < done["cells"]
    assert seen() == [], "under embargo"
    assert queries.release(release_id=made, viewer=PUBLIC).digest == ""
    assert queries.release(release_id=made, viewer=OFFICER).digest == done["digest"]
    commands.publish_release(release_id=made, origin=by(HEAD))
    found = seen()
    assert len(found) == done["cells"]
    assert {x.obs_status for x in found} == {"P", "Q"}
    assert all((x.value is None) == (x.conf_status != "F") for x in found)
    assert sum(x.value is None for x in found) == done["withheld"]
    with acting(SYSTEM):
        for cell in Cell.objects.exclude(why=Why.FREE):
            assert cell.value is None
        counts = {(c.name, tuple(c.key)): c for c in Count.objects.filter(printed=True)}
    for x in found:
        if x.value is not None:
            counted = counts[x.indicator, x.key]
            assert (int(counted.value), counted.contributors == 0 or counted.contributors >= 4) == (x.value, True)
    assert queries.recount_all(viewer=SYSTEM)["different"] == []


def test_figures_are_a_selection_of_what_is_printed() -> None:
    three_months()
    everything = {(x.month, x.indicator, x.key): x for x in seen()}
    some = seen(indicators=["loans_drawn"], month_from="2026-02", keys={"territory": [CHONGQING, "_T"], "ENT_SIZE": ["_T"]})
    assert some
    for x in some:
        assert everything[x.month, x.indicator, x.key] == x
        assert (x.month >= "2026-02", x.indicator, x.key[0] in {CHONGQING, "_T"}, x.key[1]) == (True, "loans_drawn", True, "_T")
    total = [x for x in some if x.key == ("_T", "_T", "_T", "_T", "CNY", "_T", "_T", "_T", "_T")]
    assert [x.month for x in total] == ["2026-02", "2026-03"]
    assert all(x.unit == "CNY" and x.decimals == 2 for x in total)
    with pytest.raises(Absent):
        seen(indicators=["nonsense"])
    for asked in ({"keys": {"territory": ["Mars"]}}, {"keys": {"colour": ["red"]}}, {"month_from": "March"}, {"vintage": "newest"}):
        with pytest.raises(Invalid):
            seen(**asked)


def test_a_second_vintage_supersedes_and_both_stay() -> None:
    busy(JANUARY)
    read_on()
    first = out("2026-01")
    told(drawn(5_000_000, company=3) , at=JANUARY + timedelta(hours=1))
    read_on()
    second = revised("2026-01")
    views = queries.releases(month="2026-01", viewer=PUBLIC)
    assert [(v.id, v.vintage, v.state, v.kind) for v in views] == [(second, 2, "PUBLISHED", "REVISED"), (first, 1, "SUPERSEDED", "PROVISIONAL")]
    assert {x.release_id for x in seen()} == {second}
    assert {x.release_id for x in seen(vintage="all")} == {first, second}
    assert {x.release_id for x in seen(vintage="1")} == {first}
    assert {x.comment for x in seen()} == {"late reports"}
    assert queries.recount_all(viewer=SYSTEM) | {"facts": 0} == {
        "cells": sum(v.cells for v in views), "different": [], "releases": 2, "facts": 0,
    }  # fmt: skip
    whole = ("_T", "_T", "_T", "_T", "CNY", "_T", "_T", "_T", "_T")
    before, after = (next(x for x in seen(vintage=v, indicators=["loans_drawn"]) if x.key == whole) for v in ("1", "2"))
    assert before.value is not None
    assert (after.value, after.conf_status) == (None, "D"), "one company came late: the difference would be its amount"
    changed = queries.changes(release_id=second, viewer=PUBLIC)
    assert ("loans_drawn", whole) in {(c.indicator, c.key) for c in changed}


def test_final_figures_are_not_taken_from_the_next_month_s_opening() -> None:
    """When March's final figures come, April is out: its balance less its flows is March's balance as it was known then."""
    busy(JANUARY)
    read_on()
    out("2026-01")
    busy(FEBRUARY)
    read_on()
    next_month = out("2026-02")
    late = 7_654_321
    told(drawn(late, company=3), at=JANUARY + timedelta(hours=1))
    read_on()
    final = out("2026-01", kind="FINAL")
    assert sql(OFFICER, f"SELECT after_id FROM releases_release WHERE id = '{final}'") == [(next_month,)]
    found = sql(OFFICER, f"SELECT value, contributors FROM releases_count WHERE release_id = '{final}' AND name = 'loans_outstanding>+' AND key[1] = '_T'")
    assert found
    assert set(found) == {(late, 1)}
    whole = ("_T", "_T", "_T", "_T", "CNY", "_T", "_T", "_T", "_T")
    shown = {(x.release_id, x.indicator): x.value for x in seen(vintage="all") if x.key == whole and x.value is not None}
    parts = [(next_month, "loans_outstanding"), (next_month, "loans_drawn"), (next_month, "loans_repaid"), (final, "loans_outstanding")]
    assert (final, "loans_outstanding") not in shown or not all(p in shown for p in parts), "one company came late: the difference would be its amount"


def test_why_a_planned_revision_comes_is_told_with_it() -> None:
    """Before it is out, others than those who oversee know only when it is due."""
    busy(JANUARY)
    read_on()
    out("2026-01")
    made = commands.revise_release(month="2026-01", reason="a bank reported twice", changed="loans drawn fall by a third", origin=by())
    told_to = {who: queries.release(release_id=made, viewer=who) for who in (PUBLIC, OFFICER)}
    assert (told_to[PUBLIC].reason, told_to[PUBLIC].changed) == ("", "")
    assert told_to[OFFICER].reason == "a bank reported twice"
    assert {d.release.reason for d in queries.calendar(viewer=PUBLIC) if d.release} == {""}
    commands.compute_release(release_id=made, origin=by())
    assert queries.release(release_id=made, viewer=PUBLIC).reason == ""
    commands.publish_release(release_id=made, origin=by(HEAD))
    assert queries.release(release_id=made, viewer=PUBLIC).changed == "loans drawn fall by a third"


def test_a_vintage_in_which_nothing_came_late_prints_the_same() -> None:
    busy(JANUARY)
    read_on()
    first = out("2026-01")
    busy(FEBRUARY)
    read_on()
    second = out("2026-01", kind="FINAL")
    prints = [{(x.indicator, x.key): (x.value, x.conf_status) for x in seen(vintage=v)} for v in ("1", "2")]
    assert prints[0] == prints[1]
    assert queries.changes(release_id=second, viewer=PUBLIC) == ()
    assert {x.obs_status for x in seen()} <= {"A", "Q"}
    assert queries.release(release_id=first, viewer=PUBLIC).position != queries.release(release_id=second, viewer=PUBLIC).position


def test_what_is_refused() -> None:
    busy(JANUARY)
    read_on()
    with pytest.raises(Invalid):
        planned("January")
    with pytest.raises(Invalid):
        planned("2026-01", day=date(2026, 1, 31))
    with pytest.raises(Invalid):
        planned("2026-01", kind="REVISED")
    with refused("releases.not_out"):
        planned("2026-01", kind="FINAL")
    made = planned("2026-01")
    with refused("releases.at_work"):
        planned("2026-01")
    with refused("releases.month_not_over"):
        commands.compute_release(release_id=made, origin=by(at=datetime(2026, 1, 31, 15, 59, tzinfo=UTC)))
    with pytest.raises(Invalid):
        commands.compute_release(release_id=made, engine="abacus", origin=by())
    with refused("releases.action_not_allowed"):
        commands.publish_release(release_id=made, origin=by(HEAD))
    commands.compute_release(release_id=made, origin=by())
    with refused("releases.action_not_allowed"):
        commands.compute_release(release_id=made, origin=by())
    early = policy.embargo(queries.release(release_id=made, viewer=OFFICER).due) - timedelta(seconds=1)
    with refused("releases.under_embargo"):
        commands.publish_release(release_id=made, origin=by(HEAD, at=early))
    with refused("releases.same_person"):
        commands.publish_release(release_id=made, origin=by())
    with refused("releases.not_out"):
        commands.revise_release(month="2026-01", reason="r", changed="c", origin=by())
    commands.publish_release(release_id=made, origin=by(HEAD))
    with refused("releases.already_out"):
        planned("2026-01")
    with pytest.raises(Invalid):
        commands.revise_release(month="2026-01", reason=" ", changed="c", origin=by())
    with refused("releases.action_not_allowed"):
        commands.discard_release(release_id=made, reason="too late", origin=by())
    gap = planned("2026-04")
    with refused("releases.out_of_order"):
        commands.compute_release(release_id=gap, origin=by())
    with pytest.raises(Absent):
        commands.publish_release(release_id=uuid4(), origin=by())
    for role in (Role.BANK, Role.PROVINCE, Role.COMPANY, Role.PARTNER):
        actor = Actor(uuid4(), role, uuid4(), CHONGQING)
        with pytest.raises(NotPermitted):
            commands.plan_release(month="2026-02", origin=by(actor))
        with pytest.raises(NotPermitted):
            queries.recount_all(viewer=actor)


def test_a_discarded_release_makes_room() -> None:
    busy(JANUARY)
    read_on()
    wrong = computed("2026-01")
    commands.discard_release(release_id=wrong, reason="counted before the reports came", origin=by())
    assert queries.releases(viewer=PUBLIC) == ()
    made = out("2026-01")
    assert queries.release(release_id=made, viewer=PUBLIC).vintage == 2
    assert {x.release_id for x in seen(vintage="all")} == {made}


def test_a_crash_leaves_nothing_and_the_same_key_answers_again() -> None:
    busy(JANUARY)
    read_on()
    made = planned("2026-01")
    with pytest.raises(Crash):
        compute_and_fall(release_id=made, origin=by())
    with acting(SYSTEM):
        assert (Cell.objects.count(), Count.objects.count(), Release.objects.get(pk=made).state) == (0, 0, "PLANNED")
    origin = by()
    done = commands.compute_release(release_id=made, origin=origin)
    assert commands.compute_release(release_id=made, origin=origin) == done


def test_the_journal_is_the_judge() -> None:
    """A printed number and a counted one that were changed behind the program's back are both found."""
    from luhai.oversight.statistics.tests.world import owner

    three_months()
    good = queries.recount_all(viewer=SYSTEM)
    assert (good["different"], good["releases"]) == ([], 3)
    assert good["cells"] == sum(v.cells for v in queries.releases(viewer=SYSTEM))
    owner("UPDATE releases_cell SET value = value + 1 WHERE id = (SELECT id FROM releases_cell WHERE value > 0 ORDER BY id LIMIT 1)")
    owner("UPDATE releases_count SET contributors = contributors + 1 WHERE id = (SELECT max(id) FROM releases_count WHERE printed)")
    owner("DELETE FROM releases_count WHERE id = (SELECT max(id) FROM releases_count WHERE name = 'loans_drawn')")
    assert len(queries.recount_all(viewer=SYSTEM)["different"]) == 3


def test_a_cell_opens_to_its_formula_and_the_events_beneath() -> None:
    made = three_months()[2]
    whole = ("_T", "_T", "_T", "_T", "CNY", "_T", "_T", "_T", "_T")
    view = queries.cell(release_id=made, indicator="loans_outstanding", key=whole, viewer=PUBLIC)
    assert (view.behind, view.method_holds, view.release.name, view.indicator.key) == (None, True, "2026-03.1", "loans_outstanding")
    view = queries.cell(release_id=made, indicator="loans_outstanding", key=whole, viewer=OFFICER)
    assert view.behind is not None
    sums = 0
    count = 0
    cursor = ""
    while True:
        page = queries.beneath(release_id=made, indicator="loans_outstanding", key=whole, cursor=cursor, limit=7, viewer=OFFICER)
        sums += sum(e.amount for e in page.items)
        count += len(page.items)
        assert len(page.items) <= 7
        if not page.next:
            break
        cursor = page.next
    assert (sums, count) == (view.behind.value, view.behind.count)
    for x in [x for x in seen(month_from="2026-03") if x.indicator in {"loans_drawn", "receipts_documented", "drawn_rate"}][::9]:
        behind = queries.cell(release_id=made, indicator=x.indicator, key=x.key, viewer=OFFICER).behind
        assert behind is not None
        events = queries.beneath(release_id=made, indicator=x.indicator, key=x.key, limit=200, viewer=OFFICER)
        assert (len(events.items), events.next) == (behind.count, "")
        assert sum(e.amount for e in events.items) == (behind.denominator or behind.value)
    with pytest.raises(NotPermitted):
        queries.beneath(release_id=made, indicator="loans_drawn", key=whole, viewer=PUBLIC)
    with pytest.raises(Absent):
        queries.cell(release_id=made, indicator="loans_drawn", key=("Mars",) * 9, viewer=PUBLIC)


def test_the_calendar_says_what_is_due() -> None:
    busy(JANUARY)
    read_on()
    out("2026-01")
    planned("2026-02")
    days = [(d.month, d.kind, d.due, d.release and d.release.state) for d in queries.calendar(viewer=PUBLIC)]
    assert days == [
        ("2026-01", "PROVISIONAL", date(2026, 2, 6), "PUBLISHED"), ("2026-02", "PROVISIONAL", date(2026, 3, 6), "PLANNED"),
        ("2026-01", "FINAL", date(2026, 5, 11), None),
    ]  # fmt: skip


def test_due_days() -> None:
    """Five working days after the month; over the holidays of October, later."""
    assert policy.due(date(2026, 3, 1), Kind.PROVISIONAL, calendar(), after=5, final=3) == date(2026, 4, 8)
    assert policy.due(date(2026, 9, 1), Kind.PROVISIONAL, calendar(), after=5, final=3) > date(2026, 10, 8)
    assert policy.due(date(2025, 12, 1), Kind.FINAL, calendar(), after=5, final=3) == date(2026, 4, 8)
    assert policy.embargo(date(2026, 4, 8)) == datetime(2026, 4, 8, 1, tzinfo=UTC)


def test_the_life_of_a_release() -> None:
    assert {(s, a): n for (s, a), n in NEXT.items()} == {
        (State.PLANNED, Action.COMPUTE): State.COMPUTED, (State.PLANNED, Action.DISCARD): State.DISCARDED,
        (State.COMPUTED, Action.PUBLISH): State.PUBLISHED, (State.COMPUTED, Action.DISCARD): State.DISCARDED,
        (State.PUBLISHED, Action.SUPERSEDE): State.SUPERSEDED,
    }  # fmt: skip


