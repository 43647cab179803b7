"""Counting again finds a fact that was changed, doubled, moved or lost, and says which cells and rows are not what the journal says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner

from luhai.kernel.origin import SYSTEM
from luhai.oversight.statistics import queries
from luhai.oversight.statistics.cli import cli
from luhai.oversight.statistics.tests.world import (
    GUANGXI,
    about,
    counted,
    credited,
    drawn,
    facts,
    gathered,
    moved,
    owner,
    sealed,
    sent_back,
    told,
)

pytestmark = pytest.mark.usefixtures("own_journal")
TITLE = UUID(int=7)


@pytest.fixture
def books() -> None:
    one, two = uuid4(), uuid4()
    told(drawn(1000, one), drawn(500, two, TITLE, company=1), at=datetime(2026, 1, 20, 4, tzinfo=UTC))
    told(moved(300, one), credited(77, 2, currency="USD"), credited(5, 0), at=datetime(2026, 2, 3, 4, tzinfo=UTC))
    told(drawn(900, company=2, territory=GUANGXI), sent_back(8), at=datetime(2026, 3, 3, 4, tzinfo=UTC))
    told(moved(0, one), ("lending.draw_disburse", "old", {"amount": 5}))
    sealed()
    gathered()


def asked(*arguments: str) -> tuple[int, dict[str, Any]]:
    answer = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    return answer.exit_code, json.loads(answer.stdout.splitlines()[-1])


def test_what_nobody_touched_is_as_it_was_told(books: None) -> None:
    code, said = asked("recount")
    assert (code, said["different"], said["rows"], said["broken"]) == (0, [], [], [])
    assert (said["facts"], said["unread"], said["position"]) == (7, 1, 4)
    # (territory or total) × the months in which something happened, or, for a stock, in which something stands
    flows = 2 * (1 + 1 + 1 + 1 + 2 + 1 + 1)  # drawn Jan, drawn Mar (Guangxi), repaid, secured, receipts ×2, documented, returned
    stocks = 3 + 1 + 3 + 3 + 3  # Chongqing, Guangxi in March, the total; document-secured in Chongqing and in total
    quotients = 2 * (2 + 2)  # the rate, and the share that is secured, in January and (Guangxi) in March
    assert said["cells"] == flows + stocks + quotients


EACH = "WHERE kind = 'drawn' AND amount = 500"
COPY = (
    "INSERT INTO statistics_fact (position, index, kind, event_kind, subject, month, day, territory, currency, amount, country, documented,"
    " bank_id, company_id) SELECT {}, {}, kind, event_kind, subject, month, day, territory, currency, amount, country, documented, bank_id,"
    f" company_id FROM statistics_fact {EACH}"
)


@pytest.mark.parametrize(
    ("statement", "problem", "cells"),
    [
        (f"UPDATE statistics_fact SET amount = 501 {EACH}", "other", True),
        (f"UPDATE statistics_fact SET month = '2026-02-01', day = '2026-02-20' {EACH}", "other", True),
        (f"UPDATE statistics_fact SET month = '2025-12-01' {EACH}", "other", True),
        (f"UPDATE statistics_fact SET day = '2026-01-21' {EACH}", "other", False),
        (f"UPDATE statistics_fact SET territory = '450000' {EACH}", "other", True),
        (f"UPDATE statistics_fact SET currency = 'USD' {EACH}", "other", True),
        (f"UPDATE statistics_fact SET documented = false {EACH}", "other", True),
        (f"UPDATE statistics_fact SET company_id = '{UUID(int=0xC000)}' {EACH}", "other", True),
        (f"UPDATE statistics_fact SET bank_id = '{UUID(int=9)}' {EACH}", "other", False),
        (f"UPDATE statistics_fact SET subject = 'x', country = 'TH' {EACH}", "other", False),
        (f"UPDATE statistics_fact SET kind = 'returned' {EACH}", "missing", True),
        (f"DELETE FROM statistics_fact {EACH}", "missing", True),
        ("TRUNCATE statistics_fact", "missing", True),
        (COPY.format("position", 9), "surplus", True),
        (COPY.format(5000, 0), "surplus", False),
        ("DELETE FROM statistics_unread", "unread", False),
        ("UPDATE statistics_unread SET index = 0", "unread", False),
    ],
)  # fmt: skip
def test_what_somebody_changed_is_found(books: None, statement: str, problem: str, cells: bool) -> None:
    owner(statement)
    code, said = asked("recount")
    assert code == 1
    assert problem in {row["problem"] for row in said["rows"]}, said["rows"]
    assert bool(said["different"]) == cells


def test_a_doubled_row_is_found_even_where_the_constraint_is_gone(books: None) -> None:
    owner("ALTER TABLE statistics_fact DROP CONSTRAINT a_fact_is_written_once")
    owner(COPY.format("position", "index"))
    code, said = asked("recount")
    assert (code, said["rows"]) == (1, [{"position": 1, "index": 1, "problem": "surplus"}])
    wrong = next(d for d in said["different"] if d["indicator"] == "secured_drawn" and d["territory"] == "_T")
    assert (wrong["figure"]["value"], wrong["journal"]["value"]) == (1000, 500)


def test_more_repaid_than_lent_is_said() -> None:
    loan = uuid4()
    counted(drawn(10, loan), moved(11, loan))
    code, said = asked("recount")
    assert (code, said["broken"], said["different"], said["rows"]) == (1, [str(loan)], [], [])


def test_an_empty_journal_has_no_cells() -> None:
    code, said = asked("recount")
    assert (code, said["cells"], said["facts"], said["different"]) == (0, 0, 0, [])


def test_only_what_was_read_is_counted_again(books: None) -> None:
    told(drawn(123))
    sealed()
    code, said = asked("recount")
    assert (code, said["position"], said["facts"]) == (0, 4, 7)
    assert asked("run")[1]["facts"] == 1
    assert len(facts()) == 8
    code, said = asked("recount")
    assert (code, said["facts"]) == (0, 8)


def test_a_journal_longer_than_a_page_is_counted_whole(books: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    found = queries.recount(viewer=SYSTEM)
    assert found.good
    assert (found.facts, found.unread) == (7, 1)
    owner(f"DELETE FROM statistics_fact {EACH}")
    assert [r["problem"] for r in queries.recount(viewer=SYSTEM).rows] == ["missing"]


def test_an_event_that_lacks_something_is_set_aside_and_named(books: None) -> None:
    seen = queries.standing(viewer=SYSTEM)
    assert (seen.facts, seen.unread, seen.problems) == (
        7, 1, (queries.SetAside(4, 1, "lending.draw_disburse", "currency is not known"),),
    )  # fmt: skip
    for fault, problem in (
        ({"amount": None}, "amount is no amount"), ({"bank": "x"}, "bank names nobody"), ({"company": None}, "company names nobody"),
        ({"territory": "5"}, "territory is no code"),
    ):  # fmt: skip
        counted(("lending.draw_disburse", "y", about() | {"amount": 5, "title": None} | fault))
        assert queries.standing(viewer=SYSTEM).problems[-1].problem == problem
    assert queries.recount(viewer=SYSTEM).good
