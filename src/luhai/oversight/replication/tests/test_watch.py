"""What goes on under a package is counted once, and a limit that is passed stops it from the next day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from luhai.core.policies import queries as policies
from luhai.core.rules import queries as parameters
from luhai.kernel.origin import PUBLIC, SYSTEM
from luhai.kernel.refusal import NotPermitted
from luhai.oversight.replication import commands, live_commands, queries
from luhai.oversight.replication.packages import Limits
from luhai.oversight.replication.tests import world
from luhai.oversight.replication.tests.world import (
    DAYS,
    MEASURE,
    PACKAGE,
    SICHUAN,
    TODAY,
    Exporter,
    by,
    live,
    matches,
    product,
    status,
    supported,
)
from luhai.oversight.statistics.tests import world as figures
from luhai.settlement.checks import commands as checks
from luhai.settlement.payments import commands as payments
from luhai.shell import journal


@pytest.fixture
def w(fresh_db: str, settings: Any, tmp_path: Any) -> world.World:
    settings.STATE = tmp_path / "state"
    made = world.world()
    supported(made)
    return made


def checked(at: Exporter, minor: int, days: int, on: int) -> Any:
    """A payment that came and was checked so many days from today, on papers so old."""
    papers = at.carried(minor, days)
    payment = at.came(minor, at=by(days=on).at)
    at.attach(payment, *papers)
    payments.check(payment_id=payment, situation="goods_after_shipment", origin=by(at.bank, on))
    return payment


def watched(on: int, limit: int = live_commands.BATCH) -> list[str]:
    """Sealed, and counted to the end; which adoptions that stopped."""
    journal.seal(at=by(days=on).at)
    stopped: list[str] = []
    while queries.waiting():
        stopped += live_commands.watch(limit=limit, origin=by(days=on))["stopped"]
    return stopped


def tallies(key: Any) -> list[tuple[int, int, int, int]]:
    return [(t.checked, t.blocked, t.credited, t.credited_minor) for t in queries.adoption(adoption_id=key, viewer=SYSTEM).tallies]


@pytest.mark.parametrize("limit", [1, 2, 2000])
def test_each_check_and_credit_is_counted_once(w: world.World, limit: int) -> None:
    checked(w.exporter, 9_000_00, 30, 0)  # before it is live
    key = live(w)
    good = checked(w.exporter, 10_000_00, 31, 1)
    checked(w.exporter, 11_000_00, 214, 1)
    checked(Exporter("520000"), 12_000_00, 33, 1)  # elsewhere
    payments.settle(payment_id=good, rate="7", source="bank", origin=by(w.exporter.bank, 1))
    assert watched(1, limit) == []
    assert tallies(key) == [(2, 1, 1, 70_000_00)]
    assert watched(1, limit) == []
    assert tallies(key) == [(2, 1, 1, 70_000_00)]
    seen = queries.adoption(adoption_id=key, viewer=w.first).tallies[0]
    assert (seen.month, seen.blocked_bp, seen.signal, seen.over) == (date(2026, 3, 1), 5000, True, False)
    assert queries.adoption(adoption_id=key, viewer=PUBLIC).tallies == []


def test_a_limit_that_is_passed_stops_it_from_tomorrow(w: world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    small = tuple(replace(p, limits=Limits(60_000_00, p.limits.currency, 3000)) for p in queries.shipped())
    monkeypatch.setattr(queries, "shipped", lambda: small)
    resting = product([MEASURE])
    key = live(w)
    payment = checked(w.exporter, 10_000_00, 31, 1)
    payments.settle(payment_id=payment, rate="7", source="bank", origin=by(w.exporter.bank, 1))
    assert watched(1) == [str(key)]
    assert status(key) == "stopped"
    old = w.exporter.carried(13_000_00, 220)
    days = [TODAY + timedelta(days=n) for n in (1, 2)]
    assert [w.exporter.judged(old, 13_000_00, d).verdict for d in days] == ["blocked", "clear"]
    assert [matches(resting, SICHUAN, d) for d in days] == ["met", ""]
    with pytest.raises(commands.ActNotAllowed):
        live_commands.stop(adoption_id=key, reason="again", origin=by(w.supervisor, 2))
    live_commands.ask_roll_back(adoption_id=key, day=TODAY + timedelta(days=3), reason="over", origin=by(w.first, 2))
    live_commands.roll_back(adoption_id=key, origin=by(w.second, 2))
    assert status(key) == "rolled_back"


def test_a_scene_that_was_withdrawn_by_hand_keeps_nothing_from_stopping(w: world.World) -> None:
    """Whoever oversees may take a scene out of force by itself; the package must still be stopped, and the measure with it."""
    resting = product([MEASURE])
    key = live(w, overrides={DAYS: "120"})
    checks.withdraw_scene(scene=PACKAGE, territory=SICHUAN, valid_to=TODAY + timedelta(days=2), origin=by(w.supervisor, 1))
    live_commands.stop(adoption_id=key, reason="a clue", origin=by(w.supervisor, 1))
    assert status(key) == "stopped"
    assert [matches(resting, SICHUAN, TODAY + timedelta(days=n)) for n in (1, 2)] == ["met", ""]
    values = parameters.parameters(viewer=SYSTEM)
    assert [str(values.value(DAYS, TODAY + timedelta(days=n), SICHUAN).value) for n in (1, 2)] == ["120", "180"]


def test_what_was_done_before_a_second_adoption_counts_for_the_first(w: world.World) -> None:
    """The journal may be read late: by then the package was rolled back and adopted anew."""
    first = live(w)
    checked(w.exporter, 10_000_00, 31, 1)
    live_commands.ask_roll_back(adoption_id=first, day=TODAY + timedelta(days=2), reason="anew", origin=by(w.first, 1))
    live_commands.roll_back(adoption_id=first, origin=by(w.second, 1))
    second = live(w, start=3, at=2)
    checked(w.exporter, 11_000_00, 31, 3)
    watched(3)
    assert [t[0] for t in tallies(first)] == [1]
    assert [t[0] for t in tallies(second)] == [1]


def test_a_supervisor_stops_it_alone_and_a_province_does_not(w: world.World) -> None:
    key = live(w)
    with pytest.raises(NotPermitted):
        live_commands.stop(adoption_id=key, reason="x", origin=by(w.first, 1))
    live_commands.stop(adoption_id=key, reason="a clue", origin=by(w.supervisor, 1))
    assert [a.status for a in policies.adoptions(measure=MEASURE, territory=SICHUAN, viewer=PUBLIC)] == ["suspended"]


def test_where_nothing_is_live_nothing_is_asked(fresh_db: str, settings: Any, tmp_path: Any) -> None:
    settings.STATE = tmp_path / "state"
    Exporter().paid(10_000_00, 30)
    journal.seal(at=by().at)
    assert not queries.waiting()
    assert live_commands.watch_all(by().at) == 0


def test_receipts_of_twelve_months_are_of_twelve_months(fresh_db: str) -> None:
    """A month a year ago is the thirteenth; more receipts than there were would make a condition hold that does not."""
    for year, month in ((2025, 3), (2025, 4), (2026, 3)):
        figures.told(figures.credited(1_000_00, territory=SICHUAN), at=datetime(year, month, 10, 4, tzinfo=UTC))
    figures.sealed(at=by(days=20).at)
    figures.gathered()
    assert queries.facts_of([SICHUAN], date(2026, 3, 22))[SICHUAN]["receipts_12m"].value == 2
