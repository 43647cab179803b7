"""One shipment from document to statistics: its figures against sums done by hand, its order, its repetition, its casts, its edges."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from click.testing import CliRunner
from django.db import connection, transaction

from luhai.core.evidence import queries as evidence
from luhai.core.ledger import commands as ledger_commands
from luhai.core.ledger import queries as ledger
from luhai.core.titles import queries as titles
from luhai.desks import cli_lane, demo, demo_lane
from luhai.desks.lane import cast as casts
from luhai.desks.lane import play as lane
from luhai.desks.lane import recount, stage, story
from luhai.desks.lane.shipment import DESTINATIONS, Shipment
from luhai.desks.lane.stage import Stage
from luhai.financing.lending import books
from luhai.financing.lending import queries as loans
from luhai.kernel.identifiers import Kind, check
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Invalid, Refusal
from luhai.records.transport import queries as documents
from luhai.settlement.messages.read import read
from luhai.settlement.payments import queries as payments
from luhai.shell import journal
from luhai.shell.context import acting
from simulator import corridor as invented

CLOCK = datetime(2026, 10, 12, 2, tzinfo=UTC)  # Monday morning in Chongqing

# --- sums done by hand --------------------------------------------------------------------------------------------------
# Shipment 1: 2 400 + 37 engines at 61.20 dollars. The bank lends on 80 % of the declaration, less a tenth, in whole thousands of yuan.
# Reference rates of 30 September 2026, the last month end before both days: 1 euro = 1.1355 dollars = 7.613 yuan.
QUANTITY = 2_437
WORTH = QUANTITY * 61_20  # cents
RATE = Decimal("6.70453544694")  # 7.613 / 1.1355, twelve digits
#: Lent on 14 October, paid on 27 October: thirteen nights at 3.00 % and 45 basis points, of 360 days.
LENT = 719_000_00
INTEREST = 895_75
VALUE = 999_943_92
SURPLUS = VALUE - LENT - INTEREST


def test_the_sums_done_by_hand_are_right() -> None:
    assert (Decimal("7.613") / Decimal("1.1355")).quantize(Decimal("1e-11"), ROUND_HALF_UP) == RATE
    lendable = Fraction(WORTH * 80 // 100) * Fraction(RATE) * Fraction(9, 10)
    assert lendable // 100_000 * 100_000 == LENT
    assert round(Fraction(LENT) * Fraction(345, 10_000) * 13 / 360) == INTEREST
    assert int((Decimal(WORTH) * RATE).quantize(Decimal(1), ROUND_HALF_UP)) == VALUE
    assert (WORTH, SURPLUS) == (149_144_40, 280_048_17)


@pytest.fixture
def own(fresh_db: str, settings: Any, tmp_path: Path) -> str:
    """A database of the test's own, and a state folder: the roots of its journal are published there."""
    settings.STATE = tmp_path
    return fresh_db


def loaded(number: int = 1, cast: casts.Cast | None = None, **more: Any) -> Stage:
    return stage.load(cast or casts.invented(), number, clock=CLOCK, **more)


def total(postings: list[dict[str, Any]], code: str) -> int:
    return sum(p["amount"] for p in postings if p["code"] == code)


def on_account(key: Any) -> int:
    found = ledger.balances(account_ids=[key], viewer=SYSTEM)[key]
    return found.credits_posted - found.debits_posted


def test_one_shipment_from_document_to_statistics(own: str) -> None:
    one = loaded()
    steps = {step["name"]: step for step in lane.told(one, lane.play(one))}
    assert tuple(steps) == story.NAMES
    for step in story.STEPS:  # what a step claims to carry out stands in the journal
        assert set(step.measures) <= set(steps[step.name]["measures"]), step.name

    # The loan: limits used, principal owed, money on the account.
    assert total(steps["approve"]["postings"], "lending.reserve") == 2 * LENT  # the sub-limit, and the whole line
    assert [(u["act"], u["purpose"], u["amount"], u["currency"]) for u in steps["approve"]["uses"]] == [
        ("used", "financing", WORTH * 80 // 100, "USD")
    ]
    (lent,) = [p for p in steps["disburse"]["postings"] if p["kind"] == "post"]
    assert (lent["code"], lent["amount"], lent["debit_kind"], lent["credit_kind"]) == (
        "lending.lend", LENT, "lending.principal", "lending.deposit",
    )  # fmt: skip
    assert len(steps["nights"]["postings"]) == 13
    assert total(steps["nights"]["postings"], "lending.interest") == INTEREST

    # The payment: in suspense until it is checked.
    assert steps["receive"]["answer"] == {"payment_id": str(one.payment), "status": "ACSP", "reason": None}
    assert [(p["code"], p["amount"], p["unit"], p["credit_kind"]) for p in steps["receive"]["postings"]] == [
        ("payments.receive", WORTH, "USD", "payments.suspense")
    ]
    assert (steps["check"]["answer"] or {})["verdict"] == "clear"

    # One transaction: declaration, exchange, interest, principal, surplus, pledge.
    settled = steps["settle"]
    assert [(p["code"], p["amount"], p["unit"]) for p in settled["postings"]] == [
        ("evidence.use", WORTH, "USD"), ("payments.exchange", WORTH, "USD"), ("payments.credit", VALUE, "CNY"),
        ("lending.repay_interest", INTEREST, "CNY"), ("lending.repay_principal", LENT, "CNY"), ("lending.surplus", SURPLUS, "CNY"),
    ]  # fmt: skip
    assert [t["act"] for t in settled["titles"]] == ["release_pledge", "return"]
    assert [(u["act"], u["purpose"], u["amount"]) for u in settled["uses"]] == [("used", "settlement", WORTH)]
    left = evidence.remaining(evidence_id=one.id("declaration"), viewer=SYSTEM)
    assert (left.settlement_left, left.settlement_used, left.financing_used) == (0, WORTH, 0)
    credit = payments.payment(payment_id=one.payment, viewer=SYSTEM).credit
    assert credit is not None
    assert (credit.amount, Decimal(credit.rate), credit.rate_on, credit.source) == (VALUE, RATE, date(2026, 9, 30), "ECB")

    # The messages that went out, as another system reads them.
    sent = [m for m in payments.messages_of(payment_id=one.payment, viewer=SYSTEM) if m.way == "out"]
    assert [(m.type[:8], m.status) for m in sent] == [("pacs.002", "ACSP"), ("pacs.002", "ACCC"), ("camt.054", "")]
    told = read(sent[-1].content.encode()).statements[0].entries[0].amount
    assert (told.value, told.currency) == (Decimal("999943.92"), "CNY")
    assert (steps["notice"]["answer"] or {})["amount"] == "999943.92"

    # The books afterwards.
    loan = loans.loan(draw_id=one.draw, viewer=SYSTEM)
    assert (loan.state, loan.owed.total) == ("REPAID", 0)
    assert on_account(one.deposit) == LENT + SURPLUS
    assert on_account(books.owed_account(one.draw, "income")) == INTEREST
    assert {x.name: (x.free, x.used) for x in loans.line(line_id=one.line, viewer=SYSTEM).limits} == {
        "whole": (story.LINE_FEN, 0), "rail_bills": (story.RAIL_FEN, 0),
    }  # fmt: skip
    title = titles.title(title_id=one.title, viewer=SYSTEM)
    assert (title.state, title.holder_id, title.pledged) == ("DELIVERED", one.cast.importer.id, 0)
    document = documents.document(title_id=one.title, viewer=SYSTEM)
    assert [m.code for m in document.movements] == [
        "PICK", "GTIN", "LOAD", "DEPA", "ARRI", "DISC", "CUSR", "LOAD", "DEPA", "ARRI", "DISC", "GTOT",
    ]  # fmt: skip
    assert not document.signals
    assert document.releases[0].done_at is not None

    # The count.
    recount.gathered(CLOCK + timedelta(days=30))
    rows = {(r["indicator"], r["month"]): r for r in recount.rows_of(one)}
    assert {key: row["value"] for key, row in rows.items() if key[1] == "2026-10"} == {
        ("loans_drawn", "2026-10"): LENT, ("loans_repaid", "2026-10"): LENT, ("loans_outstanding", "2026-10"): 0,
        ("secured_drawn", "2026-10"): LENT, ("secured_outstanding", "2026-10"): 0, ("receipts", "2026-10"): WORTH,
        ("receipts_documented", "2026-10"): WORTH, ("drawn_rate", "2026-10"): 345_00, ("secured_share", "2026-10"): 100_00,
    }  # fmt: skip
    with transaction.atomic(), acting(SYSTEM), connection.cursor() as cursor:
        cursor.execute("SELECT size, industry, term, route, guarantee, green, rate_bp FROM statistics_fact WHERE kind = 'drawn'")
        assert cursor.fetchall() == [("S", "F", "CT01", "RSI", "DOC", "N", 345)], "the loan is told apart as its bank and its document say"
    counted = recount.recounted()
    assert counted["agrees"], counted
    assert (counted["titles"]["titles"], counted["evidence"]["documents"], counted["statistics"]["facts"]) == (1, 15, 3)
    assert counted["journal"]["unsealed"] == 0


def _counts() -> tuple[int, ...]:
    with transaction.atomic(), acting(SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM journal_entry), (SELECT count(*) FROM ledger_transfer), (SELECT count(*) FROM titles_event)"
        )
        return tuple(cursor.fetchone())


def test_twice_is_once_and_a_story_goes_on_where_it_stopped(own: str) -> None:
    lane.play(loaded(), "disburse")
    whole = lane.told(loaded(), lane.play(loaded()))
    before = _counts()
    later = stage.load(casts.invented(), 1, clock=CLOCK + timedelta(days=9))  # begun then, whenever it is asked for
    assert lane.told(later, lane.play(later)) == whole
    assert _counts() == before
    assert lane.described(later) == lane.described(loaded())


def test_shipments_share_the_deal_and_nothing_else(own: str) -> None:
    first, second = loaded(1), loaded(2)
    steps = {n: lane.told(s, lane.play(s)) for n, s in ((1, first), (2, second))}
    assert first.line == second.line
    mine = [{p["transfer"] for s in told if not s["deal"] for p in s["postings"]} for told in steps.values()]
    assert mine[0]
    assert not mine[0] & mine[1]
    assert loans.line(line_id=first.line, viewer=SYSTEM).limits[0].used == 0
    recount.gathered(CLOCK + timedelta(days=30))
    assert recount.recounted()["agrees"]


def test_a_story_waits_for_its_days(own: str) -> None:
    one = loaded()
    assert [p.step.name for p in lane.play(one, now=one.at(6, 23, 59))][-1] == "sea"
    with pytest.raises(Invalid, match="until"):
        lane.play(one, "nonsense")




def test_every_step_is_refused_before_its_shipment_begins(own: str) -> None:
    one = loaded()
    for step in story.STEPS:
        if step.deal:
            lane.run(step, one)
    before = _counts()[1:]
    for step in story.STEPS:
        if not step.deal and step.name not in ("issue", "receive"):
            with pytest.raises(Refusal):
                lane.run(step, one)
            assert _counts()[1:] == before, step.name
    assert lane.play(replace(one, attempt=1), after="line")[-1].step.name == "deliver"
    # A payment to a number that nobody has is answered, not refused: that is what the standard wants.
    answer = lane.run(story.by_name("receive"), loaded(2)).answer
    assert answer == {"payment_id": None, "status": "RJCT", "reason": "AC01"}


#: What is left out, and the step that then comes too early.
TOO_EARLY = [
    ("agreement", "issue"), ("line", "request"), ("papers", "consent"), ("pledge", "request"), ("request", "approve"), ("approve", "disburse"),
    ("request", "collection"), ("disburse", "nights"), ("receive", "attach"), ("attach", "settle"), ("check", "settle"), ("release", "settle"),
    ("disburse", "settle"), ("settle", "notice"), ("settle", "repaid"), ("settle", "transfer"), ("transfer", "surrender"), ("surrender", "deliver"),
]  # fmt: skip


@pytest.mark.parametrize(("missing", "early"), TOO_EARLY)
def test_a_step_out_of_its_order_is_refused_and_can_be_played_in_it(missing: str, early: str, own: str) -> None:
    one = loaded()
    waiting = [missing]
    for step in story.STEPS[: story.NAMES.index(early)]:
        if step.name != missing:
            try:
                lane.run(step, one)
            except Refusal:  # it rests on what is missing, too
                waiting.append(step.name)
    before = _counts()[1:]
    with pytest.raises(Refusal):
        lane.run(story.by_name(early), one)
    assert _counts()[1:] == before  # nothing half done: no transfer, no act on a title
    if early == "settle" and "check" not in waiting:
        waiting.append("check")  # it was checked, and blocked
    again = replace(one, attempt=1)  # a refused key stays refused
    for name in (*waiting, early):
        lane.run(story.by_name(name), again)


def test_settling_moves_everything_or_nothing(own: str) -> None:
    one = loaded()
    lane.play(one, "check")
    before = _counts()[1:]
    court = Origin(one.cast.supervisor.actor, uuid4(), one.at(story.PAID, 14, 30))
    ledger_commands.freeze_account(account_id=one.deposit, reason="order", origin=court)  # the surplus cannot go anywhere
    with pytest.raises(Refusal) as refused:
        lane.run(story.by_name("settle"), one)
    assert refused.value.code == "escrow.frozen"
    left = evidence.remaining(evidence_id=one.id("declaration"), viewer=SYSTEM)
    title = titles.title(title_id=one.title, viewer=SYSTEM)
    assert (_counts()[1:], left.settlement_used, title.state) == (before, 0, "PLEDGED")
    assert payments.payment(payment_id=one.payment, viewer=SYSTEM).state == "CLEAR"
    assert on_account(one.collection) == 0
    ledger_commands.thaw_account(account_id=one.deposit, reason="lifted", origin=court.child("thaw"))
    lane.run(story.by_name("settle"), replace(one, attempt=1))
    assert on_account(one.deposit) == LENT + SURPLUS


# --- casts and numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_corridor_lends_its_parties(seed: int) -> None:
    corridor = invented.generate(seed=seed, size=invented.Size.SMALL, as_of=date(2026, 11, 20))
    cast = casts.of_corridor(corridor, seed)
    parts = cast.parts
    assert {name: part.role for name, part in parts.items()} == {
        "exporter": Role.COMPANY, "carrier": Role.COMPANY, "railway": Role.COMPANY, "importer": Role.COMPANY, "officer": Role.BANK,
        "second": Role.BANK, "sender": Role.PARTNER, "customs": Role.PROVINCE, "insurer": Role.BANK, "supervisor": Role.SUPERVISOR,
    }  # fmt: skip
    ready = {p.id for p in corridor.people}
    assert {cast.exporter.person_id, cast.officer.person_id} <= ready
    assert cast.importer.party.country in casts.ENDS
    lent = [i for i in corridor.institutions if i.country in casts.ENDS and i.id in {p.party_id for p in corridor.people}]
    assert (cast.sender.person_id in ready) == bool(lent)
    assert cast.officer.id == cast.second.id
    assert cast.officer.person_id != cast.second.person_id
    assert cast.importer.party.country == cast.sender.party.country != "CN"
    assert len({part.id for part in parts.values()}) == len(parts) - 1
    assert casts.of_corridor(corridor, seed) == cast


def test_casts_of_their_own_are_unlike_one_another() -> None:
    several = [casts.invented("bench", 4, n) for n in range(40)]
    numbers = [n for c in several for p in c.parts.values() if p is not c.second for n in p.party.numbers.values()]
    assert len(set(numbers)) == len(numbers) == 40 * 7
    assert len({p.person_id for c in several for p in c.parts.values()}) == 40 * 10
    assert casts.invented("bench", 4, 3) == several[3]


def test_no_two_shipments_share_a_number_or_a_worth() -> None:
    made = [Shipment("lane:4:0", n, date(2026, 10, 12), DESTINATIONS["THLCH"]) for n in range(1, 600)]
    for name in ("bill_no", "booking", "waybill", "contract_no", "declaration_no", "invoice_no", "policy_no", "registration", "account_no",
                 "container", "seal", "worth", "invoiced", "premium", "gross_kg"):  # fmt: skip
        assert len({getattr(s, name) for s in made}) == len(made), name
    for s in made[:50]:
        assert check(Kind.CONTAINER, s.container) == s.container
        assert (len(s.declaration_no), len(s.invoice_no), "0" in s.bill_no) == (18, 20, False)


# --- edges --------------------------------------------------------------------------------------------------------------


def test_the_command_line_plays_and_counts(own: str) -> None:
    with patch("luhai.shell.schema.bring_up_to_date"):
        said = CliRunner().invoke(cli_lane.cli, ["run", "--seed", "9", "--json"])
        assert said.exit_code == 0, said.output
        found = json.loads(said.stdout.splitlines()[-1])
        again = CliRunner().invoke(cli_lane.cli, ["run", "--seed", "9", "--shipments", "2"])
        refused = CliRunner().invoke(cli_lane.cli, ["run", "--seed", "9", "--until", "nonsense"])
    assert set(found) == {"lane", "shipments", "steps", "stopped", "gathered", "statistics", "recounted"}
    assert set(found["recounted"]) == {"ledger", "titles", "evidence", "journal", "statistics", "agrees"}
    assert [s["name"] for s in found["steps"]] == list(story.NAMES)
    for step in found["steps"]:
        assert {"name", "at", "who", "postings", "titles", "uses", "measures"} <= set(step)
    assert found["recounted"]["statistics"]["cells"] > 0
    assert again.exit_code == 0, again.output
    for words in ("单证到统计", "From document to statistics", "pledge", "通道贷款发放额", "✓"):
        assert words in again.output
    assert isinstance(refused.exception, Invalid)


def test_a_shipment_on_which_somebody_else_acted_stops_there(own: str) -> None:
    cast, now = casts.invented(), CLOCK + timedelta(days=cli_lane.BEGAN_DAYS_AGO)
    found = cli_lane.play(cast, shipments=2, until="attach", now=now)
    assert (found["stopped"], found["steps"][-1]["name"], len(found["shipments"])) == ([], "attach", 1)
    waiting = stage.load(cast, 2, clock=now)
    lane.run(story.by_name("check"), replace(waiting, attempt=5))
    lane.run(story.by_name("settle"), replace(waiting, attempt=5))  # a visitor, with keys of his own
    found = cli_lane.play(cast, shipments=2, until=None, now=now)
    assert found["stopped"] == [{"shipment": 2, "after": "attach", "code": "payments.act_not_allowed"}]
    assert {s["name"] for s in found["steps"] if s["shipment"] == 1} == set(story.NAMES)
    assert found["recounted"]["agrees"]


def test_the_demo_finishes_one_and_leaves_one_to_its_visitors(own: str) -> None:
    now = datetime.now(UTC)
    corridor = invented.generate(seed=4, size=invented.Size.SMALL, as_of=now.date())
    demo._parties(demo.Loader(corridor, 4, now))
    found = demo_lane.load(casts.of_corridor(corridor, 4), 4, now)
    assert demo_lane.played(4) == found
    assert found["recounted"]["agrees"], found["recounted"]
    assert [s["name"] for s in found["steps"]] == list(story.NAMES)
    done, waiting = demo_lane.stages(casts.of_corridor(corridor, 4), now)
    assert payments.payment(payment_id=done.payment, viewer=SYSTEM).state == "CREDITED"
    # The officer who has an account in the demo sees it, may check it, and the rest of the story plays from there.
    officer = waiting.cast.officer.actor
    view = payments.payment(payment_id=waiting.payment, viewer=officer)
    assert (view.state, len(view.attachments), "check" in view.may) == ("RECEIVED", 4, True)
    for name in ("check", "settle", "repaid", "transfer", "surrender", "deliver"):
        lane.run(story.by_name(name), waiting)
    assert loans.loan(draw_id=waiting.draw, viewer=SYSTEM).state == "REPAID"
    recount.gathered(now)
    assert recount.recounted()["agrees"]


def test_a_count_that_does_not_agree_says_so(own: str) -> None:
    one = loaded()
    lane.play(one, "approve")
    journal.seal(at=CLOCK)
    assert recount.recounted()["agrees"]
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE evidence_use DISABLE TRIGGER USER")
        cursor.execute("UPDATE evidence_use SET amount = amount - 1")
    found = recount.recounted()
    assert (found["agrees"], found["evidence"]["agrees"], len(found["evidence"]["wrong"])) == (False, False, 2)
    assert found["ledger"]["agrees"]
