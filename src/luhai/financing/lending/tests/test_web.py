"""The pages of lending: lines, loans and the desk of what is pledged; each act by its form, in both languages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from luhai.core.evidence.tests.world import declaration, official, received
from luhai.core.parties import queries as parties
from luhai.core.rules.business_days import calendar
from luhai.core.titles import commands as titles
from luhai.core.titles import queries as titles_seen
from luhai.financing.lending import commands, cover_queries, line_commands, queries
from luhai.financing.lending.tests.world import MILLION, Desk, bank, by, company, id_of, limit, on_account
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.records.transport.tests import world as goods

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _officers_without_a_second_factor(settings: Any) -> None:
    settings.DEMO = True  # that wall has its own test


class Today(Desk):
    """A desk whose line began today, since pages read the clock."""

    def __init__(self, **said: Any) -> None:
        self.at = timezone.now()
        today = calendar().local_date(self.at)
        super().__init__(
            **({"starts_on": today.isoformat(), "ends_on": (today + timedelta(364)).isoformat(), "tail_days": 30} | said)
        )

    def start(self) -> None:
        line_commands.approve_line(line_id=self.line, origin=by(self.second, self.at))
        digest = queries.line(line_id=self.line, viewer=self.company).digest
        line_commands.sign_line(line_id=self.line, digest=digest, origin=by(self.company, self.at))
        line_commands.start_line(line_id=self.line, origin=by(self.bank, self.at))

    @property
    def number(self) -> str:
        return queries.line(line_id=self.line, viewer=SYSTEM).number


def browser(actor: Actor, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    client.cookies["django_language"] = language
    member = next(m for m in parties.memberships_of(actor.person_id))
    person = parties.person_by_email(member.email)
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def post(who: Actor | Client, address: str, **fields: Any) -> Any:
    client = who if isinstance(who, Client) else browser(who)
    return client.post(address, {"key": str(uuid4()), **fields})


def shown(who: Actor | Client, address: str, language: str = "en") -> str:
    client = who if isinstance(who, Client) else browser(who, language)
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.content.decode()


def done(answer: Any) -> None:
    assert answer.status_code == 302, answer.content.decode()[-3000:]


def refused(answer: Any, words: str, status: int = 422) -> str:
    text = answer.content.decode()
    assert answer.status_code == status, (answer.status_code, text[-1500:])
    assert 'role="alert"' in text
    assert words in text, (words, text[text.find('role="alert"') :][:600])
    return text


def line_of(draw: UUID) -> str:
    return f"/loans/{draw}/"


# --- lines --------------------------------------------------------------------------------------------------------------


def new_line(desk: Desk, **changes: Any) -> dict[str, Any]:
    today = calendar().local_date(timezone.now())
    return {
        "new": str(uuid4()), "company": str(id_of(desk.company)), "number": f"CQ-{uuid4().hex[:6]}", "currency": "CNY",
        "amount": "10,000,000", "starts_on": today.isoformat(), "ends_on": (today + timedelta(200)).isoformat(), "revolving": "on",
        "spread": "0.45", "reset": "quarterly", "methods": ["principal_at_end", "equal_principal"], "haircut": "20", "grace": "5",
        "tail": "10", "surcharge": "50", "misuse": "100", "needs_pledge": "on", "share-450000": "4,000,000.50",
    } | changes  # fmt: skip


def test_a_line_from_the_form_to_its_end() -> None:
    desk = Today(started=False)
    given = new_line(desk)
    made = post(desk.bank, "/lines/new/", **given)
    done(made)
    here = made["Location"]
    view = queries.line(line_id=UUID(given["new"]), viewer=desk.bank)
    said = {name: view.contract[name] for name in ("spread_bp", "reset", "haircut_percent", "grace_days", "tail_days", "revolving")}
    assert said == {"spread_bp": 45, "reset": "quarterly", "haircut_percent": 20, "grace_days": 5, "tail_days": 10, "revolving": True}
    assert [view.contract[name] for name in ("needs_pledge", "needs_evidence")] == [True, False]
    assert [(x.name, x.amount, x.territory) for x in view.limits] == [
        ("whole", 10_000_000_00, None), ("area_450000", 4_000_000_50, "450000"),
    ]  # fmt: skip
    page = shown(desk.company, here)
    for words in ("The loan prime rate of the day of the draw, and 0.45%", "actual days over 360", "5 days of grace", "Give the line up"):
        assert words in page, words
    assert "Sign the terms" not in page, "the bank has yet to approve"
    refused(post(desk.bank, here, act="approve"), "Another person of the bank")
    done(post(desk.second, here, act="approve"))
    refused(post(desk.company, here, act="sign", digest="0" * 64), "other terms")
    done(post(desk.company, here, act="sign", digest=view.digest))
    done(post(desk.bank, here, act="start"))
    page = shown(desk.bank, here)
    assert "In force" in page
    assert "Guangxi" in page
    done(post(desk.bank, here, act="reduce", name="area_450000", by="1,000,000.50", reason="as agreed"))
    assert next(x.free for x in queries.line(line_id=view.id, viewer=desk.bank).limits if x.territory) == 3_000_000_00
    done(post(desk.bank, here, act="freeze", reason="news from court"))
    assert "blocked CN¥10,000,000" in shown(desk.bank, here)
    done(post(desk.bank, here, act="thaw", reason="settled"))
    done(post(desk.company, here, act="cancel", reason="no longer needed"))
    page = shown(desk.company, here)
    assert "gave the line up" in page
    assert "Nothing, as things stand" not in page, "what is on the deposit account can still be paid out"


MISTAKES = [
    ({"spread": "a lot"}, "spread", "from -5.00 to 20.00"),
    ({"spread": "0.455"}, "spread", "from -5.00 to 20.00"),
    ({"amount": "0"}, "amount", "above zero"),
    ({"amount": "1.005"}, "amount", "no more decimals"),
    ({"company": "Nobody Ltd"}, "company", "registered party"),
    ({"number": " "}, "number", "1 to 60 characters"),
    ({"ends_on": "2020-01-01"}, "ends_on", "after the line starts"),
    ({"starts_on": "soon"}, "starts_on", "2026-04-01"),
    ({"haircut": "1"}, "haircut", "a whole number from 10 to 99"),
    ({"grace": "99"}, "grace", "a whole number from 0 to 15"),
    ({"surcharge": "10"}, "surcharge", "a whole number from 30 to 50"),
    ({"methods": []}, "methods", "one of those offered"),
    ({"share-450000": "11,000,000"}, "share-450000", "no more than the limit above it"),
    ({"share-500000": "7,000,000"}, "shared", "comes to CN¥11,000,000.50, more than its CN¥10,000,000"),
    ({"capital": "1000"}, "amount", "at most CN¥100"),
]


@pytest.mark.parametrize(("change", "field", "words"), MISTAKES, ids=[f"{f}-{n}" for n, (_, f, _w) in enumerate(MISTAKES)])
def test_a_mistake_in_a_line_stands_at_its_field_and_nothing_typed_is_lost(change: dict[str, Any], field: str, words: str) -> None:
    desk = Today(started=False)
    before = len(queries.lines(viewer=desk.bank).items)
    given = new_line(desk, **change)
    page = refused(post(desk.bank, "/lines/new/", **given), words)
    assert f'id="{field}-error"' in page
    assert f'value="{given["ends_on"]}"' in page
    assert len(queries.lines(viewer=desk.bank).items) == before


def test_a_second_press_of_the_button_is_the_same_request() -> None:
    desk = Today(started=False)
    given = new_line(desk) | {"key": str(uuid4())}
    client = browser(desk.bank)
    assert [client.post("/lines/new/", given).status_code for _press in range(2)] == [302, 302]
    assert shown(client, "/lines/").count(given["number"]) == 1


def test_lines_in_lists_in_both_languages() -> None:
    desk = Today()
    assert desk.number in shown(desk.company, "/lines/")
    assert "授信额度" in shown(desk.company, "/lines/", "zh-hans")
    assert desk.number not in shown(desk.bank, "/lines/?state=FROZEN")
    assert "No line is in this state" in shown(desk.bank, "/lines/?state=FROZEN")
    assert browser(desk.bank).get("/lines/?state=NONSENSE").status_code == 422
    assert "No line yet" in shown(company(), "/lines/")
    page = shown(desk.company, f"/lines/{desk.line}/", "zh-hans")
    assert "贷款市场报价利率" in page
    assert "生效中" in page


def test_strangers_learn_nothing_and_roles_are_kept_apart() -> None:
    desk = Today()
    draw = desk.lent(at=desk.at)
    for stranger in (company(), bank()):
        for address in (f"/lines/{desk.line}/", f"/loans/{draw}/"):
            assert browser(stranger).get(address).status_code == 404
            assert post(stranger, address, act="cancel", reason="x").status_code == 404
        assert desk.number not in shown(stranger, "/lines/")
        assert "freight" not in shown(stranger, "/loans/")
    assert "Nothing, as things stand" in shown(official(Role.SUPERVISOR), f"/loans/{draw}/")
    assert browser(desk.company).get("/lines/new/").status_code == 403
    assert browser(desk.bank).get("/loans/new/").status_code == 403
    assert browser(desk.company).get("/collateral/").status_code == 403
    for address in ("/lines/", "/loans/", "/collateral/", f"/loans/{draw}/"):
        assert Client().get(address).status_code == 302


def test_money_in_and_out_of_the_deposit_account() -> None:
    desk = Today()
    here = f"/lines/{desk.line}/"
    done(post(desk.bank, here, act="deposit", amount="500.25", reason="sales"))
    assert "CN¥500.25" in shown(desk.bank, here)
    refused(post(desk.company, here, act="pay_out", amount="600", reason="rent"), "not that much on the deposit account")
    done(post(desk.company, here, act="pay_out", amount="100", reason="rent"))
    assert on_account(desk.deposit) == 400_25
    refused(post(desk.company, here, act="deposit", amount="1", reason="x"), "Your role may not do this")


# --- asking to draw -----------------------------------------------------------------------------------------------------


def ask(desk: Desk, **changes: Any) -> dict[str, Any]:
    return {
        "new": str(uuid4()), "line": str(desk.line), "limit": "whole", "amount": "600,000", "purpose": "freight to Hanoi",
        "method": "equal_principal", "number": "3", "every": "1", "unit": "months", "title": "", "quantity": "", "insurance": "",
        "to": "", "do": "ask",
    } | changes  # fmt: skip


def test_a_company_draws_against_a_title_and_a_document() -> None:
    desk = Today(needs_pledge=True, needs_evidence=True, haircut_percent=40)
    title, paper = desk.pledged(), desk.invoice(2 * MILLION)
    client = browser(desk.company)
    form = shown(client, "/loans/new/")
    assert str(title) in form, "the only line in force is chosen, and what is pledged to its bank is offered"
    assert str(paper) in form
    assert "CN¥1,600,000 still free for financing" in form, "80 % of an invoice may be financed"
    given = ask(desk, title=str(title), papers=[str(paper)], **{f"amount-{paper}": "1,100,000"})
    preview = post(client, "/loans/new/", **(given | {"do": "preview"}))
    page = preview.content.decode()
    assert preview.status_code == 200
    assert "CN¥660,000" in page, "what the haircut of 40 % leaves"
    assert "3.45%" in page
    assert page.count("CN¥200,000") == 4, "three times the same principal, and the balance before the last"
    assert not queries.loans(viewer=desk.company).items
    few = given | {f"amount-{paper}": "900,000"}
    refused(post(client, "/loans/new/", **few), "worth CN¥540,000; CN¥600,000 was asked for")
    key = {"key": str(uuid4())}
    assert [client.post("/loans/new/", given | key).status_code for _press in range(2)] == [302, 302]
    (row,) = queries.loans(viewer=desk.company).items
    loan = queries.loan(draw_id=row.id, viewer=desk.company)
    assert (loan.amount, loan.title_id, [s.amount for s in loan.securities]) == (600_000_00, title, [1_100_000_00])
    assert str(title) not in shown(client, "/loans/new/"), "one pledge secures one live draw"


def test_a_mistake_in_a_draw_stands_at_its_field() -> None:
    desk = Today(methods=["equal_principal"])
    paper, others = desk.invoice(2 * MILLION), Today().invoice()
    usd = received(declaration(desk.company, 1_000_00, "USD"), desk.company)
    client = browser(desk.company)
    for change, field, words in [
        ({"amount": "none"}, "amount", "no more decimals"),
        ({"amount": ""}, "amount", "no more decimals"),
        ({"purpose": ""}, "purpose", "what the money is for"),
        ({"limit": "nothing"}, "limit", "name of a limit"),
        ({"number": "0"}, "number", "a whole number from 1 to 360"),
        ({"number": "x"}, "number", "a whole number"),
        ({"number": "14"}, "number", "this line allows no later than"),
        ({"every": "1000"}, "every", "a whole number from 1 to 360"),
        ({"method": "principal_at_end"}, "method", "one of those offered"),
        ({"unit": "weeks"}, "unit", "one of those offered"),
        ({"title": str(uuid4())}, "title", "not pledged to the bank"),
        ({"title": "x"}, "title", "one of those offered"),
        ({"papers": [str(others)], f"amount-{others}": "1"}, "papers", "one of those offered"),
        ({"papers": [str(paper)], f"amount-{paper}": ""}, f"amount-{paper}", "no more decimals"),
        ({"papers": [str(usd)], f"amount-{usd}": "1.005"}, f"amount-{usd}", "no more decimals"),
        ({"to": str(uuid4())}, "to", "account of the company"),
        ({"insurance": str(others)}, "papers", "another party"),
    ]:  # fmt: skip
        page = refused(post(client, "/loans/new/", **ask(desk, **change)), words)
        assert f'id="{field}-error"' in page, (change, field)
        assert change.get("purpose") == "" or "freight to Hanoi" in page
    assert not queries.loans(viewer=desk.company).items
    refused(post(client, "/loans/new/", **ask(desk, line=str(uuid4()))), "in force")


def test_without_a_line_in_force_there_is_nothing_to_draw_on() -> None:
    assert "No line in force" in shown(company(), "/loans/new/")
    desk = Today(started=False)
    assert "No line in force" in shown(desk.company, "/loans/new/")


def test_more_lines_than_one_are_chosen_from() -> None:
    desk = Today()
    second = queries.line(
        line_id=line_commands.open_line(
            line_id=uuid4(), company_id=id_of(desk.company), number="SECOND", contract=new_contract(),
            limits=[limit("whole", MILLION, None)], origin=by(desk.bank, desk.at),
        ), viewer=desk.bank,
    )  # fmt: skip
    desk.line = second.id
    desk.start()
    page = shown(desk.company, "/loans/new/")
    assert "On which line" in page
    assert "SECOND" in page
    assert "Ask to draw" in shown(desk.company, f"/loans/new/?line={second.id}")


def new_contract() -> dict[str, Any]:
    today = calendar().local_date(timezone.now())
    return {"currency": "CNY", "starts_on": today.isoformat(), "ends_on": (today + timedelta(100)).isoformat(), "spread_bp": 45}


# --- one loan -----------------------------------------------------------------------------------------------------------


def test_a_loan_is_granted_by_two_and_repaid_through_its_escrow() -> None:
    desk = Today(needs_pledge=True)
    title = desk.pledged()
    draw = desk.asked(MILLION, at=desk.at, title_id=title)
    here = line_of(draw)
    assert "The bank has yet to decide" in shown(desk.company, here)
    done(post(desk.bank, here, act="approve"))
    refused(post(desk.bank, here, act="disburse"), "Another person of the bank")
    done(post(desk.second, here, act="disburse"))
    page = shown(desk.company, here)
    for words in ("CN¥1,000,000", "3.45%", "not yet checked against its source", "kept by the escrow of the repayment", "Through an escrow"):
        assert words in page, words
    assert f"/titles/{title}/" in page
    assert f"/escrow/{queries.loan(draw_id=draw, viewer=SYSTEM).escrow_id}/" in page
    done(post(desk.company, here, act="repay", amount="250,000"))
    assert queries.loan(draw_id=draw, viewer=SYSTEM).owed.principal == 750_000_00
    done(post(desk.company, here, act="repay", amount=""))
    page = shown(desk.bank, here)
    assert "all has come; the bank checks it" in page
    refused(post(desk.company, here, act="repay"), "while the loan stands as")
    assert "Repay" not in shown(desk.company, here).split("What you may do")[1].split("</section>")[0]
    done(post(desk.bank, here, act="check"))
    loan = queries.loan(draw_id=draw, viewer=SYSTEM)
    assert (loan.state, loan.owed.total) == ("REPAID", 0)
    page = shown(desk.company, here)
    assert "Nothing is owed any more" in page
    assert "booked a repayment" in page
    refused(post(desk.bank, here, act="check"), "while the loan stands as: Repaid")


def test_a_draw_is_given_up() -> None:
    desk = Today()
    draw = desk.reserved(at=desk.at)
    refused(post(desk.company, line_of(draw), act="refuse", reason=""), "1 to 400 characters")
    done(post(desk.company, line_of(draw), act="refuse", reason="sold for cash"))
    page = shown(desk.bank, line_of(draw))
    assert "sold for cash" in page
    assert "Nothing, as things stand" in page


def test_more_than_is_free_is_not_approved() -> None:
    desk = Today(limits=[limit("whole", MILLION, None)])
    first, second = desk.asked(MILLION, at=desk.at), desk.asked(MILLION, at=desk.at)
    done(post(desk.bank, line_of(first), act="approve"))
    refused(post(desk.bank, line_of(second), act="approve"), "has not that much free")


def test_what_the_bank_does_with_a_loan_once_a_press() -> None:
    desk = Today(haircut_percent=30)
    paper = desk.invoice(2 * MILLION)
    draw = desk.lent(MILLION, at=desk.at, evidence_=[{"evidence_id": str(paper), "amount": 150_000_000}])
    here, client = line_of(draw), browser(desk.bank)
    fee = {"key": str(uuid4()), "act": "fee", "amount": "120.50", "reason": "valuation"}
    assert [client.post(here, fee).status_code for _press in range(2)] == [302, 302]
    assert queries.loan(draw_id=draw, viewer=SYSTEM).owed.fees == 120_50
    page = shown(client, here)
    assert "fee charged" in page
    assert "A document of the company" in page, "the bank has no consent to read it"
    assert "CN¥1,050,000" in page, "70 % of what the document says"
    done(post(client, here, act="revalue", value="1,000,000", reason="V 7"))
    page = shown(client, here)
    assert "CN¥300,120.50 is missing" in page
    refused(post(desk.company, here, act="margin", amount="0"), "above zero")
    done(post(desk.company, here, act="margin", amount="300,120.50"))
    (cover,) = cover_queries.covers(on=calendar().local_date(timezone.now()), draw_ids=[draw], viewer=desk.bank)
    assert (cover.worth, cover.percent, cover.short) == (cover.owed.total, 100, 0)
    refused(post(client, here, act="foreign", currency="USD", amount_minor="100", rate="x", source="desk"), "7.1234")
    done(post(client, here, act="foreign", currency="USD", amount_minor="100.00", rate="7.10", source="our desk"))
    assert queries.loan(draw_id=draw, viewer=SYSTEM).owed.total == MILLION + 120_50 - 710_00
    refused(post(client, here, act="misuse", reason=""), "1 to 400 characters")
    done(post(client, here, act="misuse", reason="invoice of a yacht"))
    assert "used for something else" in shown(desk.company, here)
    refused(post(client, here, act="nonsense"), "one of the acts offered")
    refused(post(client, here, act="check"), "Nothing waits")
    done(post(client, here, act="collect"))
    for act in ("fee", "revalue", "misuse", "approve", "foreign"):
        refused(post(desk.company, here, act=act, amount="1", value="1", amount_minor="1", currency="USD", reason="x"), "role")


def test_interest_that_no_close_has_booked_yet_is_owed_all_the_same() -> None:
    desk = Today()
    draw = desk.lent(MILLION, at=desk.at)
    start = calendar().local_date(desk.at)
    (before,) = cover_queries.covers(on=start + timedelta(10), draw_ids=[draw], viewer=desk.company)
    for n in range(10):
        desk.close(draw, start + timedelta(n))
    (after,) = cover_queries.covers(on=start + timedelta(10), draw_ids=[draw], viewer=desk.company)
    assert before.owed.interest == after.owed.interest == 95_833, "1,000,000 at 3.45 % for ten days of 360"
    assert queries.loan(draw_id=draw, viewer=SYSTEM).owed.interest == 95_833
    late = start + timedelta(400)
    (cover,) = cover_queries.covers(on=late, draw_ids=[draw], viewer=desk.company)
    assert cover.owed.penalty > 0
    assert cover.overdue_days > 200
    entries = queries.statement(draw_id=draw, viewer=desk.company).entries
    assert sum(e.interest for e in entries) == 95_833


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_in_both_languages(language: str) -> None:
    desk = Today(needs_pledge=True)
    draw = desk.lent(MILLION, at=desk.at, title_id=desk.pledged(), evidence_=[{"evidence_id": str(desk.invoice(3 * MILLION)), "amount": 2 * MILLION}])
    asked = desk.asked(MILLION, at=desk.at, title_id=desk.pledged())
    words = {
        "en": {"/lines/": "Credit lines", f"/lines/{desk.line}/": "Order of payment", "/loans/": "Owed today", line_of(draw): "Instalments",
               line_of(asked): "asked to draw"},
        "zh-hans": {"/lines/": "授信", f"/lines/{desk.line}/": "受偿顺序", "/loans/": "今日应还", line_of(draw): "还款计划", line_of(asked): "申请提款"},
    }[language]  # fmt: skip
    for who in (desk.bank, desk.company):
        for address, word in words.items():
            assert word in shown(who, address, language), (address, word)
    assert {"en": "Net capital", "zh-hans": "资本净额"}[language] in shown(desk.bank, "/lines/new/", language)
    assert {"en": "Work out", "zh-hans": "试算"}[language] in shown(desk.company, "/loans/new/", language)
    assert {"en": "After the haircut", "zh-hans": "折扣后"}[language] in shown(desk.bank, "/collateral/", language)


# --- what is pledged ----------------------------------------------------------------------------------------------------


def test_the_desk_of_what_is_pledged() -> None:
    desk = Today()
    assert "Nothing is pledged yet" in shown(desk.bank, "/collateral/")
    lent_on, idle = desk.pledged(), desk.pledged()
    others = Desk().pledged()
    paper = desk.invoice(3 * MILLION)
    draw = desk.lent(MILLION, at=desk.at, title_id=lent_on, evidence_=[{"evidence_id": str(paper), "amount": 2 * MILLION}])
    page = shown(desk.bank, "/collateral/")
    assert f"/titles/{lent_on}/" in page
    assert f"/titles/{idle}/" in page
    assert str(others) not in page, "what is pledged to others"
    assert "180%" in page, "two million with 10 % taken off, for one million"
    assert page.count(line_of(draw)) == 1
    only = shown(desk.bank, "/collateral/?loan=no")
    assert f"/titles/{idle}/" in only
    assert f"/titles/{lent_on}/" not in only
    assert "Nothing here fits" in shown(desk.bank, "/collateral/?warned=yes")
    assert "Nothing here fits" in shown(desk.bank, "/collateral/?kind=bill")
    commands.revalue(valuation_id=uuid4(), draw_id=draw, value=MILLION, document="V 1", origin=by(desk.bank, desk.at))
    page = shown(desk.bank, "/collateral/?warned=yes")
    assert "does not cover what is owed" in page
    assert "90%" in page
    assert str(idle) not in page
    assert "Some Exporter" in shown(desk.bank, "/collateral/?text=exporter")
    assert "Nothing here fits" in shown(desk.bank, "/collateral/?text=nobody")


def test_where_the_goods_are_and_what_is_wrong_with_them() -> None:
    c = goods.corridor()
    title = goods.issued(c)
    lender = bank()
    titles.pledge_title(title_id=title, pledgee=id_of(lender), origin=by(c.shipper, goods.NOON))
    page = shown(lender, "/collateral/")
    assert "rail-sea bill" in page
    assert "To look at" in page
    assert 'class="late"' not in page
    assert goods.told(c.carrier, title, "DETC", hours=5) == ["door_opened"]
    page = shown(lender, "/collateral/?warned=yes")
    for words in ("A door was opened on the way", "CNCKG", goods.name_of(c.carrier)):
        assert words in page, words
    assert "途中" in shown(lender, "/collateral/", "zh-hans")


def test_many_pledges_come_page_by_page_and_the_filter_goes_through_them() -> None:
    desk = Today()
    made = [desk.pledged() for _n in range(25)]
    first = shown(desk.bank, "/collateral/")
    assert 'rel="next"' in first
    later = [title for title in made if str(title) not in first]
    assert len(later) == 5
    marked = later[0]
    draw = desk.lent(MILLION, at=desk.at, title_id=marked)
    found = shown(desk.bank, "/collateral/?loan=yes")
    assert line_of(draw) in found
    assert f"/titles/{marked}/" in found


def test_a_title_that_is_not_the_companys_any_more_is_not_offered() -> None:
    desk = Today()
    title = desk.pledged()
    (pledge,) = titles_seen.title(title_id=title, viewer=SYSTEM).pledges
    titles.release_pledge(title_id=title, pledge=pledge.id, origin=by(desk.bank, desk.at))
    assert str(title) not in shown(desk.company, "/loans/new/")
    assert str(title) not in shown(desk.bank, "/collateral/")
