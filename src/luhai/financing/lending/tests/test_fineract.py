"""The published loan cases of Apache Fineract with interest on a declining balance come out, to the cent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from luhai.financing.lending.tests import fineract

PAGE = Path(__file__).resolve().parents[5] / "docs" / "algorithms" / "fineract-scenarios.md"


@pytest.fixture
def cases(shared: Path) -> list[fineract.Scenario]:
    return list(fineract.scenarios(shared / "data" / "6-loans" / "fineract-features"))


def test_every_case_with_a_declining_balance_comes_out(cases: list[fineract.Scenario]) -> None:
    played = [fineract.Case(s).run() for s in cases if fineract.in_scope(s)]
    assert len(played) == 34
    assert all(case.compared for case in played), "nothing is in scope of which nothing is compared"
    assert sum(case.compared for case in played) == 339


def test_a_case_fails_when_a_cent_differs(cases: list[fineract.Scenario]) -> None:
    """The comparison can fail: one cent more of interest in one published row is noticed."""
    case = next(s for s in cases if s.title.startswith("RP04"))
    table = next(step for step in case.steps if step.text.startswith("Loan Repayment schedule has 6"))
    table.rows[2]["Interest"] = "43.76"
    with pytest.raises(AssertionError):
        fineract.Case(case).run()


def test_every_scenario_is_listed_with_its_reason(cases: list[fineract.Scenario]) -> None:
    assert len(cases) == 367
    daily = [s for s in cases if s.says("DECLINING_BALANCE") and s.says("DAILY") and not s.says("fixed emi")]
    assert all(fineract.in_scope(s) for s in daily)
    text = fineract.listed(cases)
    if os.environ.get("UPDATE"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, "UPDATE=1 writes the page anew; read the difference"


def test_what_is_out_publishes_no_interest_but_flat_interest(cases: list[fineract.Scenario]) -> None:
    """No case with interest on a balance hides behind a product's name."""
    for case in (c for c in cases if not fineract.in_scope(c)):
        interest = {
            row.get("Interest", "")
            for step in case.steps
            if "Repayment schedule" in step.text
            for row in step.rows
        }
        if interest - {"", "0", "0.0"}:
            assert case.says("FLAT"), case.id
