"""How a bank classifies what it lends: said once, checked against the lists, and told to the journal with every step of the money."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, transaction

from luhai.core.evidence.tests.world import sql
from luhai.core.titles import commands as titles
from luhai.financing.lending import commands, line_commands, queries
from luhai.financing.lending.models import Line
from luhai.financing.lending.tests.test_edges import Caller, http, of_today  # noqa: F401
from luhai.financing.lending.tests.test_web import Today, done, new_line, post, refused, shown
from luhai.financing.lending.tests.world import AT_END, MILLION, NOON, Desk, by, contract, id_of, limit, on
from luhai.kernel.origin import SYSTEM
from luhai.kernel.refusal import Invalid
from luhai.records.transport import queries as transport
from luhai.records.transport.bill import Leg
from luhai.records.transport.route import route_of
from luhai.records.transport.tests.world import corridor, issued
from luhai.shell import journal

pytestmark = pytest.mark.django_db
CLASSES = ("size", "industry", "term", "route", "guarantee", "green", "rate_bp")


def opened(desk: Desk, **said: Any) -> UUID:
    return line_commands.open_line(
        line_id=uuid4(), company_id=id_of(desk.company), number=f"L{uuid4().hex[:8]}", contract=contract(),
        limits=[limit("whole", 10 * MILLION, None)], origin=by(desk.bank), **said,
    )  # fmt: skip


def small_trader(desk: Desk) -> Desk:
    desk.line = opened(desk, size="S", industry="F")
    desk.start()
    return desk


def told(draw: UUID, kind: str) -> list[dict[str, Any]]:
    journal.seal(at=NOON)
    return [{k: e.data[k] for k in CLASSES if k in e.data} for e in journal.events_after(0, kinds=[kind], limit=10_000) if e.subject == str(draw)]


def test_every_step_of_the_money_says_how_it_is_classified() -> None:
    desk = small_trader(Desk(started=False))
    draw = desk.asked(MILLION)
    commands.approve_draw(draw_id=draw, green="Y", origin=by(desk.bank))
    commands.disburse(draw_id=draw, origin=by(desk.second))
    said = {"size": "S", "industry": "F", "term": "CT01", "route": "", "guarantee": "CRD", "green": "Y", "rate_bp": 345}
    assert told(draw, "lending.draw_disburse") == [said]
    desk.pay_in(MILLION)
    desk.repay(draw, 5_000, at=NOON + timedelta(days=3))
    desk.repay(draw, 7_000, at=NOON + timedelta(days=4))
    assert told(draw, "lending.moved") == [said, said]
    assert (desk.loan(draw).green, desk.loan(draw).route) == ("Y", "")
    line = queries.line(line_id=desk.line, viewer=desk.company)
    assert (line.size, line.industry) == ("S", "F")


def test_a_loan_moved_after_a_new_rate_says_the_new_one() -> None:
    desk = Desk(reset="quarterly")
    draw = desk.lent(repayment=AT_END | {"every": 6})
    desk.pay_in(MILLION)
    desk.close(draw, date(2026, 6, 10))
    new = desk.loan(draw).rates[-1]
    assert new.since == date(2026, 6, 2)
    desk.repay(draw, 5_000, at=on(date(2026, 6, 12)))
    assert [x["rate_bp"] for x in told(draw, "lending.moved")] == [new.bp]


@pytest.mark.parametrize(("number", "term"), [(12, "CT01"), (13, "CT02"), (60, "CT02"), (61, "CT03")])
def test_the_term_is_the_original_one(number: int, term: str) -> None:
    desk = Desk(started=False)
    desk.line = line_commands.open_line(
        line_id=uuid4(), company_id=id_of(desk.company), number=f"L{uuid4().hex[:8]}", contract=contract(ends_on="2036-03-01"),
        limits=[limit("whole", 10 * MILLION, None)], origin=by(desk.bank),
    )  # fmt: skip
    desk.start()
    draw = desk.lent(repayment={"method": "principal_at_end", "number": 1, "every": number, "unit": "months"})
    assert [x["term"] for x in told(draw, "lending.draw_disburse")] == [term]
    if number == 60:
        assert desk.loan(draw).ends_on == date(2031, 3, 3), "its last day is a Sunday, and it is of five years all the same"


def test_the_route_is_that_of_the_pledged_document() -> None:
    c = corridor()
    title = issued(c)
    desk = Desk(started=False)
    desk.company = c.shipper
    small_trader(desk)
    titles.pledge_title(title_id=title, pledgee=id_of(desk.bank), origin=by(c.shipper))
    assert transport.route(title_id=title, viewer=c.shipper) == "RSI"
    draw = desk.lent(title_id=title)
    (said,) = told(draw, "lending.draw_disburse")
    assert (said["route"], said["guarantee"], said["green"]) == ("RSI", "DOC", "")
    assert desk.loan(draw).route == "RSI"


def test_a_title_without_a_document_of_ours_has_no_route() -> None:
    desk = Desk()
    draw = desk.lent(title_id=desk.pledged())
    (said,) = told(draw, "lending.draw_disburse")
    assert (said["route"], said["guarantee"]) == ("", "DOC")


@pytest.mark.parametrize(
    ("legs", "route"),
    [
        (["rail CNCKG CNQZH", "sea CNQZH VNSGN"], "RSI"), (["rail CNCKG VNHAN"], "IRL"), (["road CNBHY CNCKG", "rail CNCKG KZALA"], "IRL"),
        (["rail CNCKG CNNNG", "road CNNNG VNHAN"], "XBR"), (["road CNCKG VNHAN"], "XBR"), (["road CNCKG CNQZH"], "OTH"),
        (["rail CNCKG CNQZH"], "OTH"), (["sea CNQZH VNSGN"], "OTH"), (["inland_water CNCKG CNSHA", "sea CNSHA SGSIN"], "OTH"),
        (["inland_water CNCKG CNSHA"], "INW"), (["road CNBHY CNCKG", "inland_water CNCKG CNSHA"], "INW"), (["air CNCKG SGSIN"], "AIR"),
        (["road CNBHY CNCKG", "air CNCKG SGSIN"], "AIR"),
    ],
)  # fmt: skip
def test_ways_are_told_apart_by_modes_and_borders(legs: list[str], route: str) -> None:
    made = [Leg(**dict(zip(("mode", "origin", "destination"), leg.split(), strict=True))) for leg in legs]
    assert route_of(made) == route


# --- saying it wrongly ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [{"size": "XL"}, {"size": "_T"}, {"size": None}, {"industry": "U"}, {"industry": "f"}, {"industry": 5}])
def test_a_class_that_is_none_is_refused_with_its_field(wrong: dict[str, Any]) -> None:
    desk, before = Desk(started=False), Line.objects.count()
    with pytest.raises(Invalid) as refusal:
        opened(desk, **wrong)
    assert refusal.value.facts["field"] == next(iter(wrong))
    assert Line.objects.count() == before


def test_green_is_yes_or_no_or_not_stated() -> None:
    desk = Desk()
    draw = desk.asked()
    for wrong in ("yes", "y", 1, None):
        with pytest.raises(Invalid) as refusal:
            commands.approve_draw(draw_id=draw, green=wrong, origin=by(desk.bank))  # type: ignore[arg-type]
        assert refusal.value.facts["field"] == "green"
    assert str(desk.loan(draw).state) == "REQUESTED"


def test_over_http(http: Caller) -> None:  # noqa: F811
    desk = Desk(started=False)
    body = {
        "id": str(uuid4()), "company_id": str(id_of(desk.company)), "number": f"N{uuid4().hex[:8]}", "contract": of_today(),
        "limits": [limit("whole", 10 * MILLION, None)], "size": "X", "industry": "G",
    }  # fmt: skip
    assert http.post("/lines", desk.bank, body | {"size": "Q"})[0] == 422
    assert http.post("/lines", desk.bank, body)[0] == 200
    seen = http.get(f"/lines/{body['id']}", desk.company)[1]
    assert (seen["size"], seen["industry"]) == ("X", "G")
    lent = Desk()
    draws = [lent.asked(1_000), lent.asked(2_000)]
    assert http.post(f"/loans/{draws[0]}/approve", lent.bank, {"green": "maybe"})[0] == 422
    assert http.post(f"/loans/{draws[0]}/approve", lent.bank, {"green": "N"})[0] == 200
    assert http.post(f"/loans/{draws[1]}/approve", lent.bank)[0] == 200
    assert [http.get(f"/loans/{d}", lent.company)[1]["green"] for d in draws] == ["N", ""]


def test_on_the_pages_in_both_languages(settings: Any) -> None:
    settings.DEMO = True  # that wall has its own test
    desk = Today(started=False)
    given = new_line(desk, size="S", industry="F", needs_pledge="")
    page = refused(post(desk.bank, "/lines/new/", **given | {"size": "huge"}), "one of those offered")
    assert 'id="size-error"' in page
    made = post(desk.bank, "/lines/new/", **given)
    done(made)
    assert "Small enterprise · Wholesale and retail" in shown(desk.company, made["Location"])
    assert "小型企业 · 批发和零售业" in shown(desk.company, made["Location"], "zh-hans")
    lent = Today()
    draw = lent.asked(at=lent.at)
    here = f"/loans/{draw}/"
    page = shown(lent.bank, here)
    assert '<select id="approve-green"' in page
    refused(post(lent.bank, here, act="approve", green="maybe"), "one of those offered")
    done(post(lent.bank, here, act="approve", green="Y"))
    assert "绿色" in shown(lent.company, here, "zh-hans")
    assert "是否绿色贷款" in shown(lent.bank, f"/loans/{lent.asked(at=lent.at)}/", "zh-hans")


# --- walls -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["UPDATE lending_line SET size = 'L'", "UPDATE lending_line SET industry = 'A'"])
def test_what_a_bank_said_of_a_borrower_stays(statement: str) -> None:
    opened(Desk(started=False), size="S", industry="F")
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(SYSTEM, statement)


@pytest.mark.parametrize("wrong", [{"green": "M"}, {"route": "SEA"}])
def test_the_database_knows_the_lists(wrong: dict[str, str]) -> None:
    draw = Desk().asked()
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(SYSTEM, f"UPDATE lending_draw SET {next(iter(wrong))} = '{next(iter(wrong.values()))}' WHERE id = '{draw}'")
