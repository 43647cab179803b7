"""A study from end to end: loans in the journal, adoptions of a measure, and what the one did to the other; through the page, too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from luhai.core.evidence.tests.world import party
from luhai.core.parties.territories import territories
from luhai.core.policies import commands as policies
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Invalid
from luhai.oversight.evaluation import queries, study_commands
from luhai.oversight.statistics import commands as statistics
from luhai.shell import journal
from luhai.shell.command import command, record

from .test_edges import signed_in
from .world import by

ADOPTED, MEASURE = ("500000", "450000", "510000"), "M05-08"
NOW = datetime(2026, 7, 20, 4, tzinfo=UTC)
QUARTERS = [(y, q) for y in (2024, 2025, 2026) for q in (1, 2, 3, 4)][:10]  # to 2026Q2


@command(may=[Role.OPERATOR])
def lend(*, loans: Sequence[dict[str, Any]], origin: Origin) -> None:
    for loan in loans:
        record("lending.draw_disburse", uuid4(), measures=["M05-07"], **loan)


@pytest.fixture
def lent(fresh_db: str, settings: Any, tmp_path: Any) -> None:
    """Every territory draws about as much each quarter; those that adopt half as much again from 2025Q3 on."""
    settings.STATE = tmp_path / "state"
    policies.load_seed(origin=Origin(SYSTEM, uuid4(), NOW))
    for n, (year, quarter) in enumerate(QUARTERS):
        loans = []
        for m, place in enumerate(sorted(territories())):
            amount = 100_000_000 + 3_000_000 * ((7 * n + 5 * m) % 11)
            lifted = amount * 3 // 2 if place in ADOPTED and n >= 6 else amount
            loans.append({
                "bank": str(UUID(int=1)), "company": str(UUID(int=100 + m)), "territory": place, "currency": "CNY", "amount": lifted,
                "rate_bp": 350, "due": f"{year + 1}-12-31", "title": None,
            })  # fmt: skip
        lend(loans=loans, origin=Origin(SYSTEM, uuid4(), datetime(year, 3 * quarter - 2 if n == 0 else 3 * quarter - 1, 1, 2, tzinfo=UTC)))
    for place in ADOPTED:
        policies.enter_adoption(
            measure=MEASURE, territory=place, status="in_force", valid_from=date(2025, 7, 5), until=None, instrument_no="示例〔2025〕1号",
            approver="示例", scope="全域", invented=True, origin=Origin(SYSTEM, uuid4(), NOW),
        )  # fmt: skip
    journal.seal(at=NOW)
    statistics.gather_all(NOW)
    statistics.export_all(NOW)


def studied(quarter_from: str = "2024Q1") -> Any:
    key = study_commands.run_study(
        study_id=uuid4(), measure=MEASURE, outcome="loans_drawn", quarter_from=quarter_from, quarter_to="2026Q2", seed=7, origin=by(at=NOW)
    )
    return queries.study(study_id=key, viewer=by().actor)


def test_what_was_planted_is_found_and_stated_with_its_uncertainty(lent: None) -> None:
    found = studied()
    result = found.result
    assert 40 < float(result["effect"]) < 80  # half of about 115, in ten thousand yuan: 10,000 yuan are a million fen
    assert float(result["p"]) < 0.05
    assert float(result["low"]) < float(result["effect"]) < float(result["high"])
    assert queries.verify(viewer=SYSTEM).different == ()


def test_before_the_first_fact_nothing_is_known(lent: None) -> None:
    with pytest.raises(Invalid, match="quarter_from"):
        studied("2023Q4")


@pytest.mark.parametrize(("language", "words"), [("en", "Effect"), ("zh-hans", "效果")])
def test_its_page_says_the_effect_and_its_bounds(lent: None, settings: Any, language: str, words: str) -> None:
    settings.DEMO = True
    found = studied()
    reader = signed_in(party("agency", Role.SUPERVISOR, sort="pboc", name="Supervisor of studies"), language)
    page = reader.get(f"/evaluation/effects/{found.line.id}/")
    text = page.content.decode()
    assert page.status_code == 200
    assert words in text
    assert all(place in text for place in (("Chongqing", "Guangxi") if language == "en" else ("重庆", "广西")))
    assert found.inputs_digest[:12] in text
