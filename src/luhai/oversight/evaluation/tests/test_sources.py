"""Computed values, against figures worked out by hand: loans, receipts, spreads, adoptions; and what they rest on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

import pytest

from luhai.core.rules import queries as rules
from luhai.core.rules.rates import reference
from luhai.kernel.money import Currency, Money
from luhai.kernel.origin import SYSTEM
from luhai.kernel.refusal import Invalid
from luhai.oversight.evaluation import commands, estimating, policy, queries, sources, study_commands
from luhai.oversight.evaluation.models import Study, Value
from luhai.oversight.evaluation.refusals import NoEffect
from luhai.oversight.evaluation.tests.world import (
    CHONGQING,
    GUANGXI,
    KEEPER,
    NOON,
    OPERATOR,
    PERIOD,
    accepted,
    by,
    collecting,
    owner,
    submitted,
)
from luhai.oversight.statistics import commands as statistics
from luhai.oversight.statistics import queries as figures
from luhai.oversight.statistics.tests.world import BANKS, credited, drawn, moved, told
from luhai.shell import journal
from luhai.shell.context import acting

pytestmark = pytest.mark.usefixtures("own_journal")


def on(year: int, month: int, day: int = 10) -> datetime:
    return datetime(year, month, day, 4, tzinfo=UTC)


_later = count(1)


def read() -> None:
    """Seal, gather and export, each time at another instant: keys come from it."""
    at = NOON + timedelta(seconds=next(_later))
    journal.seal(at=at)
    statistics.gather_all(at)
    statistics.export_all(at)


def world(kind: str = "territory", units: tuple[str, ...] = (CHONGQING, GUANGXI), **more: Any) -> sources.World:
    given = {"wholes": {}, "reports": {}} | more
    return sources.World(kind, units, policy.quarter(PERIOD), figures.position(), NOON, **given)


def found(name: str, unit: str = CHONGQING, **more: Any) -> sources.Found:
    with acting(SYSTEM):
        return sources.COMPUTED[name](world(**more), unit)


def test_growth_is_of_outstanding_loans_over_a_year_and_rests_on_two_cells() -> None:
    loan = uuid4()
    told(drawn(1000, loan), at=on(2025, 5))
    told(moved(200, loan), at=on(2025, 11))
    told(drawn(700), at=on(2026, 6))
    told(drawn(900, territory=GUANGXI), at=on(2026, 6))
    read()
    growth = found("figures.loans_growth")
    assert (growth.value, growth.history) == (Decimal("50"), ())
    assert growth.evidence["months"] == ["2025-06", "2026-06"]
    assert growth.evidence["sums"] == {"2025Q2": "1000", "2026Q2": "1500"}
    cells = figures.figures(indicator="loans_outstanding", month_from="2026-06", month_to="2026-06", territory=CHONGQING, viewer=SYSTEM).cells
    assert [str(c.value) for c in cells] == [growth.evidence["sums"]["2026Q2"]], "the cell that the evidence names says the same"
    none = found("figures.loans_growth", GUANGXI)
    assert (none.value, none.why[1]) == (None, "no corridor loans a year before, so no growth can be counted")


def test_shares_of_a_bank_are_its_own() -> None:
    told(drawn(300, bank=0), drawn(100, bank=0, title=uuid4()), drawn(600, bank=1), at=on(2026, 4))
    read()
    units = tuple(str(b) for b in BANKS)
    share = found("figures.increase_share", units[0], kind="institution", units=units)
    assert share.value == Decimal("40")
    assert found("figures.documented_share", units[0], kind="institution", units=units).value == Decimal("25")
    assert found("figures.documented_share", units[2], kind="institution", units=units).value is None
    whole = {("I02", units[0]): (Decimal(8), "s")}
    assert found("figures.intensity", units[0], kind="institution", units=units, wholes=whole).value == Decimal("50"), "400 fen of 8 yuan"
    assert found("figures.intensity", units[1], kind="institution", units=units, wholes=whole).value is None


def test_the_quotient_is_over_those_who_reported() -> None:
    told(drawn(300), drawn(100, territory=GUANGXI), drawn(5000, territory="510000"), at=on(2026, 4))
    read()
    wholes = {("P02", CHONGQING): (Decimal(10), "a"), ("P02", GUANGXI): (Decimal(30), "b")}
    # (300/10) / (400/40) = 3; Sichuan has not reported and stands on neither side
    assert found("figures.quotient", wholes=wholes).value == Decimal("3")


def test_receipts_in_other_currencies_count_at_the_rate_of_the_month() -> None:
    told(credited(3000), credited(1000, currency="USD"), at=on(2026, 4))
    read()
    worth = reference(Currency.USD, Currency.CNY, date(2026, 4, 30)).convert(Money(1000, Currency.USD)).minor
    share = found("figures.rmb_share")
    assert share.evidence["sums"] == {"CNY": "3000", "all in CNY": str(3000 + worth)}
    assert share.value == policy.quotient(3000, 3000 + worth)
    told(credited(10), at=on(2025, 2))
    told(credited(10, territory=GUANGXI), at=on(2026, 5))
    read()
    assert found("figures.rmb_share", GUANGXI).value == Decimal(100)


def test_the_spread_is_over_the_lpr_of_the_day() -> None:
    told(drawn(100), drawn(300), at=on(2026, 4))
    read()
    spread = found("figures.spread")
    with acting(SYSTEM):
        lpr = int(rules.parameters(viewer=SYSTEM).value(sources.LPR, on(2026, 4).date()).value)
    assert spread.value == Decimal(345 - lpr), "every draw of the world costs 345 bp"


def test_a_whole_below_what_is_booked_here_is_turned_away() -> None:
    told(drawn(100_00), at=on(2026, 4))
    read()
    cycle = collecting()
    with pytest.raises(Invalid) as refused:
        submitted(cycle, "P02", given={"whole": "99"})
    assert refused.value.facts["field"] == "whole"
    accepted(cycle, "P02", given={"whole": "100"})
    commands.collect(cycle_id=cycle, origin=by())
    with acting(SYSTEM):
        value = Value.objects.get(cycle=cycle, unit=CHONGQING, indicator="P02")
    assert (value.status, value.value, value.source) == ("ok", Decimal(1), "mixed")


def test_facts_that_come_after_freezing_change_nothing() -> None:
    told(drawn(100_00), at=on(2025, 4))
    read()
    cycle = collecting()
    frozen = commands.validate(cycle_id=cycle, origin=by())
    told(drawn(900_00), at=on(2026, 5))
    read()
    scored = commands.score(cycle_id=cycle, origin=by())
    assert scored["inputs"] == frozen["inputs_digest"]
    card = queries.scorecard(cycle_id=cycle, unit=CHONGQING, viewer=OPERATOR)
    (growth,) = [i for d in card.dims for i in d.items if i.key == "P01"]
    assert growth.value == Decimal(0)
    assert queries.verify(viewer=SYSTEM).good


def test_verification_finds_what_was_tampered_with() -> None:
    cycle = collecting()
    accepted(cycle, "P03")
    commands.validate(cycle_id=cycle, origin=by())
    commands.score(cycle_id=cycle, origin=by())
    assert queries.verify(viewer=SYSTEM).good
    owner("ALTER TABLE evaluation_value DISABLE TRIGGER inputs_stay")
    owner("UPDATE evaluation_value SET value = 99 WHERE indicator = 'P03' AND value IS NOT NULL")
    assert queries.verify(viewer=SYSTEM).different == (f"territories.2026 {PERIOD} run 1: inputs", f"territories.2026 {PERIOD} run 1: result")


def test_what_was_tampered_with_is_never_scored() -> None:
    cycle = collecting()
    accepted(cycle, "P03")
    commands.validate(cycle_id=cycle, origin=by())
    owner("ALTER TABLE evaluation_value DISABLE TRIGGER inputs_stay")
    owner("UPDATE evaluation_value SET value = 99 WHERE indicator = 'P03' AND value IS NOT NULL")
    with pytest.raises(Exception, match="inputs_differ"):
        commands.score(cycle_id=cycle, origin=by())


# --- studies ------------------------------------------------------------------------------------------------------------


def inputs(jump: int) -> dict[str, Any]:
    """Six territories over eight quarters; two take the measure up in the fifth, and gain `jump`."""
    quarters = [str(policy.quarter("2025Q4").back(7 - n)) for n in range(8)]
    panel = {
        f"{100 + u}": [str(100 + 7 * u + 3 * q + (u * q * 5) % 4 + (jump if u < 2 and q >= 4 else 0)) for q in range(8)] for u in range(6)
    }
    return {"quarters": quarters, "panel": panel, "adopted": {k: quarters[4] if k in {"100", "101"} else None for k in panel}, "seed": 3}


def test_an_effect_is_found_with_its_size_and_its_uncertainty() -> None:
    told_ = estimating.estimated(inputs(40))
    assert Decimal(35) < Decimal(told_["effect"]) < Decimal(45)
    assert (told_["treated"], told_["never"], told_["clusters"], told_["exact"]) == (2, 4, 6, True)
    assert Decimal(told_["p"]) == Decimal(told_["p_least"]), "no other way of giving the dates shows as much"
    nothing = estimating.estimated(inputs(0))
    assert abs(Decimal(nothing["effect"])) < Decimal(5)
    assert Decimal(nothing["p"]) > Decimal("0.2")


@pytest.mark.parametrize("adopted", [dict.fromkeys(("100", "101")), dict.fromkeys([f"{100 + u}" for u in range(6)], "2025Q1")])
def test_what_cannot_be_estimated_is_said(adopted: dict[str, Any]) -> None:
    given = inputs(0)
    with pytest.raises(NoEffect):
        estimating.estimated(given | {"adopted": {k: adopted.get(k) for k in given["panel"]}})


def test_a_study_without_a_measure_or_with_wrong_quarters_is_refused() -> None:
    said = {"study_id": uuid4(), "measure": "M99-99", "outcome": "receipts", "quarter_from": "2024Q1", "quarter_to": PERIOD, "seed": 1}
    with pytest.raises(Exception, match="absent"):
        study_commands.run_study(**said, origin=by(KEEPER))
    assert not Study.objects.exists()
