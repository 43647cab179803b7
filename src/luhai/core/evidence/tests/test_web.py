"""The pages of evidence: who sees which, and forms that are done, refused, filled in wrongly, and pressed twice."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from luhai.core.evidence import queries
from luhai.core.parties import queries as parties
from luhai.kernel.origin import SYSTEM, Actor, Role

from . import world
from .world import bank, company, consented, contract, declaration, id_of, invoice, official, received, used

pytestmark = pytest.mark.django_db

PLACES = (
    "/evidence/", "/evidence/uses/", "/evidence/lots/", "/evidence/consents/", "/evidence/readers/", "/evidence/reviews/",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _without_a_second_factor(settings: Any) -> None:
    settings.DEMO = True  # officers act without one here; that wall has its own test


def browser(actor: Actor) -> Client:
    """A browser in which the actor's person is signed in."""
    client = Client(headers={"accept-language": "en"})
    (member,) = parties.memberships_of(actor.person_id)
    person = parties.person_by_email(member.email)
    assert person is not None
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def form(**fields: Any) -> dict[str, Any]:
    return {"key": str(uuid4()), **fields}


def text_of(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1)


def day(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def page_of(evidence_id: UUID) -> str:
    return f"/evidence/{evidence_id}/"


# --- who sees which page ------------------------------------------------------------------------------------------------


def test_every_place_opens_empty_and_full_for_every_role() -> None:
    exporter, lender = company(), bank()
    people = [company(), bank(), *map(official, (Role.PROVINCE, Role.SUPERVISOR, Role.OPERATOR))]
    for person in people:
        desk = browser(person)
        assert [desk.get(place).status_code for place in PLACES] == [200] * len(PLACES)
        assert desk.get("/evidence/new").status_code == 200
    paper = received(contract(exporter, contract_no="FULL-1"), exporter)
    consented(exporter, lender)
    used(lender, paper, 1_00)
    browser(lender).post(page_of(paper), form(do="read", purpose="financing"))
    for person in (exporter, lender, *people[2:]):
        desk = browser(person)
        assert [desk.get(place).status_code for place in PLACES] == [200] * len(PLACES)
        assert desk.get("/evidence/consents/?of=" + str(paper)).status_code == 200


def test_visitors_are_asked_to_sign_in() -> None:
    visitor = Client()
    for place in (*PLACES, "/evidence/new", f"/evidence/{uuid4()}/", f"/evidence/readings/{uuid4()}"):
        answer = visitor.get(place)
        assert (answer.status_code, "/accounts/login/" in answer.headers["Location"]) == (302, True), place


def test_each_document_shows_to_each_what_it_may_know() -> None:
    exporter, lender, stranger = company(), bank(), company()
    supervisor, operator, province = map(official, (Role.SUPERVISOR, Role.OPERATOR, Role.PROVINCE))
    paper = received(declaration(exporter), exporter)
    lot = queries.evidence(evidence_id=paper, viewer=exporter).lot_id
    seen = {
        who: browser(who).get(page_of(paper))
        for who in (exporter, lender, stranger, supervisor, operator, province)
    }
    assert [seen[w].status_code for w in (exporter, lender, stranger, supervisor, operator, province)] == [
        200, 404, 404, 200, 200, 404,
    ]  # fmt: skip
    assert "Siam Motor Parts" in seen[exporter].content.decode()
    assert "Siam Motor Parts" not in seen[supervisor].content.decode(), (
        "an official reads first, and leaves a receipt"
    )
    assert "Siam Motor Parts" not in seen[lender].content.decode()
    goods = {
        who: browser(who).get(f"/evidence/lots/{lot}/").status_code for who in (exporter, lender, supervisor)
    }
    assert goods == {exporter: 200, lender: 404, supervisor: 200}
    assert browser(lender).get(f"/evidence/readings/{uuid4()}").status_code == 404
    assert browser(supervisor).get(f"/evidence/reviews/{uuid4()}/").status_code == 404


def test_the_list_is_filtered_and_wrong_addresses_are_taken_calmly() -> None:
    exporter = company()
    received(contract(exporter, contract_no="LIST-17"), exporter)
    received(invoice(exporter, 5_00), exporter)
    desk = browser(exporter)
    for query, found in (
        ("kind=contract", True),
        ("kind=invoice", False),
        ("number=list 17", True),
        ("number=zzzz", False),
    ):
        assert ("LIST-17" in desk.get(f"/evidence/?{query}").content.decode()) is found, query
    assert "LIST-17" not in desk.get("/evidence/?state=cancelled").content.decode()
    for query in ("kind=x", "state=x", "cursor=x", "cursor=WyJ4IiwieSJd", "number=%00", "id=x"):
        assert desk.get(f"/evidence/?{query}").status_code == 422, query
    for place in PLACES[1:3]:
        assert desk.get(f"{place}?cursor=x").status_code == 422
    assert desk.get("/evidence/consents/?of=x").status_code == 422
    somewhere = uuid4()
    for wanted in (str(somewhere), f"http://testserver/evidence/{somewhere}/"):
        assert desk.get("/evidence/", {"id": wanted}).headers["Location"] == page_of(somewhere)


# --- delivering -----------------------------------------------------------------------------------------------------------


def test_a_document_is_read_first_and_delivered_as_it_came() -> None:
    exporter = company()
    desk = browser(exporter)
    data = text_of(contract(exporter, 123_45, contract_no="CQ-55")).encode()
    shown = desk.post("/evidence/new", form(do="read", file=SimpleUploadedFile("c.json", data)))
    page = shown.content.decode()
    assert (shown.status_code, "CQ-55" in page, "US$123.45" in page) == (200, True, True)
    assert queries.evidences(viewer=exporter).items == [], "reading writes nothing"
    carried = base64.b64encode(data).decode()
    assert f'value="{carried}"' in page, "the bytes go along to the delivery"
    given = form(do="deliver", carried=carried, text=data.decode().replace("\n", "\r\n"))
    made = desk.post("/evidence/new", given)
    (view,) = queries.evidences(viewer=exporter).items
    assert (made.status_code, made.headers["Location"]) == (302, page_of(view.id))
    assert desk.post("/evidence/new", given).headers["Location"] == page_of(view.id), "pressed twice is once"
    assert len(queries.evidences(viewer=exporter).items) == 1
    piece = queries.pieces(evidence_id=view.id, viewer=exporter)[0]
    assert piece.digest == hashlib.sha256(data).hexdigest(), (
        "the browser's ends of lines do not change what was delivered"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"total_amount": "1.00"}, "total_amount"),
        ({"currency": "XXX"}, "currency"),
        ({"signed_on": "yesterday"}, "signed_on"),
    ],
)
def test_the_field_that_is_wrong_is_named_and_what_was_pasted_stays(
    change: dict[str, str], said: str
) -> None:
    exporter = company()
    desk = browser(exporter)
    paper = text_of(contract(exporter, contract_no="WRONG-1") | change)
    for do in ("read", "deliver"):
        answer = desk.post("/evidence/new", form(do=do, text=paper))
        page = answer.content.decode()
        assert (answer.status_code, f"At {said}" in page, 'id="content-error"' in page) == (422, True, True)
        assert "WRONG-1" in page
    assert queries.evidences(viewer=exporter).items == []


@pytest.mark.parametrize(
    "text", ["", "no document", "{", "[]", "<a/>", '{"format": "luhai.contract"}', "\ud7ff{"]
)
def test_whatever_is_pasted_is_answered(text: str) -> None:
    desk = browser(company())
    assert desk.post("/evidence/new", form(do="read", text=text)).status_code == 422
    assert desk.post("/evidence/new", form(do="deliver", text=text)).status_code == 422
    odd = form(do="read", file=SimpleUploadedFile("x", b"\xff\xfe\x00"), kind="no kind", company="nobody")
    assert desk.post("/evidence/new", odd).status_code == 422
    assert desk.post("/evidence/new", form(do="read", carried="%%%")).status_code == 422


def test_a_bank_says_which_company_and_is_told_when_the_document_names_another() -> None:
    exporter, lender, other = company(), bank(), company()
    desk = browser(lender)
    paper = text_of(contract(exporter, contract_no="BY-BANK"))
    missing = desk.post("/evidence/new", form(do="deliver", text=paper))
    assert (missing.status_code, 'id="company-error"' in missing.content.decode()) == (422, True)
    assert "What was read" in missing.content.decode(), (
        "what was read is shown though the company is not said yet"
    )
    wrong = desk.post("/evidence/new", form(do="deliver", text=paper, company=world.uscc_of(other)))
    assert (wrong.status_code, "names other companies" in wrong.content.decode()) == (422, True)
    assert (
        desk.post(
            "/evidence/new", form(do="deliver", text=paper, company=world.uscc_of(exporter))
        ).status_code
        == 302
    )
    assert queries.evidences(viewer=exporter).items[0].external_ref == "BY-BANK"


def test_a_near_duplicate_waits_for_a_person_who_tells_them_apart() -> None:
    exporter, judge = company(), official(Role.OPERATOR)
    first = received(contract(exporter, 777_00, contract_no="CQ-2026-018"), exporter)
    copy = text_of(contract(exporter, 777_00, contract_no="CQ-2026-018X", signed_on="2026-02-11"))
    desk, office = browser(exporter), browser(judge)
    for key in (form(do="deliver", text=copy),) * 2:
        answer = desk.post("/evidence/new", key)
        page = answer.content.decode()
        assert (answer.status_code, "A person will look at both" in page, page_of(first) in page) == (
            422,
            True,
            True,
        )
    (waiting,) = queries.reviews(viewer=exporter)
    here = f"/evidence/reviews/{waiting.id}/"
    assert "CQ-2026-018X" in desk.get("/evidence/reviews/").content.decode()
    assert desk.get(here).status_code == 200
    assert "Your decision" not in desk.get(here).content.decode()
    assert desk.post(here, form(do="clear", outcome="distinct", why="so")).status_code in (403, 422)
    assert browser(company()).get(here).status_code == 404

    assert "very document that was refused" in office.post(here, form(do="show", text=copy)).content.decode()
    another = office.post(here, form(do="show", text=copy.replace("018X", "019Y"))).content.decode()
    assert "another document than the one" in another
    assert "Siam Motor Parts" not in office.get(here).content.decode()
    assert office.post(here, form(do="read")).status_code == 302
    assert "Siam Motor Parts" in office.get(here).content.decode(), (
        "read, with a receipt, it stands beside the other"
    )
    for wrong, field in (
        ({"outcome": "", "why": "x"}, "outcome"),
        ({"outcome": "distinct", "why": " "}, "why"),
    ):
        answer = office.post(here, form(do="clear", **wrong))
        assert (answer.status_code, f'id="{field}-error"' in answer.content.decode()) == (422, True)
    decision = form(do="clear", outcome="distinct", why="two orders of one day")
    assert [office.post(here, decision).status_code for _ in range(2)] == [302, 302]
    assert office.post(here, form(do="clear", outcome="distinct", why="again")).status_code == 422
    assert "two orders of one day" in desk.get(here).content.decode()
    assert desk.post("/evidence/new", form(do="deliver", text=copy)).status_code == 302


# --- consents and reading -------------------------------------------------------------------------------------------------


def test_a_bank_is_refused_asks_reads_and_loses_sight_when_consent_is_withdrawn() -> None:
    exporter, lender = company(), bank()
    paper = received(declaration(exporter), exporter)
    here, desk, counter = page_of(paper), browser(exporter), browser(lender)
    closed = counter.get(here)
    assert (closed.status_code, "not open to you" in closed.content.decode()) == (404, True)
    refused = counter.post(here, form(do="read", purpose="financing"), follow=True)
    assert "there is no consent" in refused.content.decode()
    assert str(paper) in refused.content.decode(), "the form that asks has the document in it"
    assert "reading refused" in desk.get("/evidence/readers/").content.decode(), "the company sees the try"

    asked = form(do="ask", party=str(exporter.party_id), purpose="financing", until=day(30), ids=str(paper))
    assert [counter.post("/evidence/consents/", asked).status_code for _ in range(2)] == [302, 302]
    (request,) = queries.consents(moment=datetime.now(UTC), viewer=exporter).items
    assert "request for your consent" in desk.get("/evidence/").content.decode()
    late = desk.post("/evidence/consents/", form(do="yes", consent=str(request.id), until=day(-1)))
    assert (late.status_code, "a day from today" in late.content.decode()) == (422, True)
    agreed = form(do="yes", consent=str(request.id), until=day(20))
    assert [desk.post("/evidence/consents/", agreed).status_code for _ in range(2)] == [302, 302]
    again = desk.post("/evidence/consents/", form(do="no", consent=str(request.id)))
    assert (again.status_code, "nothing can be changed about it" in again.content.decode()) == (422, True)

    pressed = form(do="read", purpose="financing")
    to = {counter.post(here, pressed).headers["Location"] for _ in range(2)}
    (shown,) = to
    assert shown.startswith("/evidence/readings/"), "pressed twice is one reading"
    for place in (shown, here):
        assert "Siam Motor Parts" in counter.get(place).content.decode()
    assert browser(bank()).get(shown).status_code == 404
    assert "read it" in desk.get(here).content.decode()

    ended = form(do="withdraw", consent=str(request.id))
    assert [desk.post("/evidence/consents/", ended).status_code for _ in range(2)] == [302, 302]
    assert [counter.get(place).status_code for place in (shown, here)] == [404, 404]
    assert counter.get("/evidence/readers/?show=all").status_code == 200
    assert "Consents that ended" in counter.get("/evidence/consents/").content.decode()


def test_consents_are_given_declined_and_taken_back_by_their_forms() -> None:
    exporter, lender, other = company(), bank(), bank()
    paper = received(contract(exporter), exporter)
    desk, place = browser(exporter), "/evidence/consents/"
    assert f'value="{paper}" checked' in desk.get(f"{place}?of={paper}").content.decode()
    given = form(
        do="give", party=str(lender.party_id), purpose="settlement", until=day(10), kinds=["contract", "invoice"], pieces=[str(paper)],
        one_off="on",
    )  # fmt: skip
    assert [desk.post(place, given).status_code for _ in range(2)] == [302, 302]
    (consent,) = queries.consents(moment=datetime.now(UTC), viewer=lender).items
    assert (consent.purpose, consent.kinds, consent.pieces, consent.one_off) == (
        "settlement",
        ["contract", "invoice"],
        [paper],
        True,
    )
    asked = form(do="ask", party=world.uscc_of(exporter), purpose="assessment", until=day(10))
    assert browser(other).post(place, asked).status_code == 302
    waiting = next(
        c for c in queries.consents(moment=datetime.now(UTC), viewer=exporter).items if c.state == "asked"
    )
    assert desk.post(place, form(do="no", consent=str(waiting.id))).status_code == 302
    assert browser(other).post(place, form(do="withdraw", consent=str(waiting.id))).status_code == 422, (
        "it was answered"
    )
    assert browser(bank()).post(place, form(do="withdraw", consent=str(consent.id))).status_code == 404, (
        "of others"
    )
    assert browser(lender).post(place, form(do="withdraw", consent=str(consent.id))).status_code == 404, (
        "the grantor's to end"
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"party": "nobody at all"}, "give-party"),
        ({"purpose": "curiosity"}, "give-purpose"),
        ({"until": "soon"}, "give-until"),
        ({"until": "9999-99-99"}, "give-until"),
        ({"until": day(400)}, "give-until"),
        ({"pieces": ["x"]}, "give-pieces"),
        ({"pieces": [str(uuid4())]}, "give-pieces"),
        ({"abroad": "on"}, "abroad"),
    ],
)
def test_a_consent_form_says_beside_the_field_what_is_wrong(change: dict[str, Any], field: str) -> None:
    exporter, lender = company(), bank()
    given = (
        form(do="give", party=str(lender.party_id), purpose="financing", until=day(10), pieces=[]) | change
    )
    answer = browser(exporter).post("/evidence/consents/", given)
    page = answer.content.decode()
    assert (answer.status_code, f'id="{field}-error"' in page) == (422, True)
    assert f'value="{given["party"]}"' in page, "what was typed stays"
    assert queries.consents(moment=datetime.now(UTC), viewer=exporter).items == []


def test_odd_forms_of_consents_are_refused_without_harm() -> None:
    desk = browser(company())
    for odd in (
        {"do": "fly"}, {"do": "yes", "consent": "x"}, {}, {"do": "give", "kinds": "stones"}, {"do": "withdraw"},
    ):  # fmt: skip
        assert desk.post("/evidence/consents/", form(**odd)).status_code == 422, odd
    assert desk.post("/evidence/consents/", form(do="yes", consent=str(uuid4()))).status_code == 404
    assert desk.post("/evidence/consents/", form(do="ask", party="\x00")).status_code == 422


def test_what_goes_abroad_waits_for_a_supervisor() -> None:
    exporter, abroad, judge = company(), bank(role=Role.PARTNER, country="VN"), official()
    desk, place = browser(exporter), "/evidence/consents/"
    given = form(do="give", party=str(abroad.party_id), purpose="financing", until=day(10))
    assert 'id="abroad-error"' in desk.post(place, given).content.decode()
    assert desk.post(place, form(**given | {"key": str(uuid4()), "abroad": "on"})).status_code == 302
    (consent,) = queries.consents(moment=datetime.now(UTC), viewer=exporter).items
    paper = received(contract(exporter), exporter)
    assert (
        browser(abroad)
        .post(page_of(paper), form(do="read", purpose="financing"))
        .headers["Location"]
        .startswith(place)
    )
    assert "I have looked" in browser(judge).get(place).content.decode()
    assert browser(judge).post(place, form(do="review", consent=str(consent.id))).status_code == 302
    assert (
        "/readings/"
        in browser(abroad).post(page_of(paper), form(do="read", purpose="financing")).headers["Location"]
    )


def test_an_official_reads_by_office_and_stands_on_the_record() -> None:
    exporter, supervisor = company(), official()
    paper = received(contract(exporter), exporter)
    office = browser(supervisor)
    shown = office.post(page_of(paper), form(do="read", purpose="supervision")).headers["Location"]
    assert "Siam Motor Parts" in office.get(shown).content.decode()
    assert "by office" in browser(exporter).get("/evidence/readers/").content.decode()
    wrong = office.post(page_of(paper), form(do="read", purpose="curiosity"))
    assert (wrong.status_code, 'id="read-purpose-error"' in wrong.content.decode()) == (422, True)


# --- using, correcting, taking back -----------------------------------------------------------------------------------------


def test_a_bank_uses_gives_back_and_moves_with_its_buttons() -> None:
    exporter, lender = company(), bank()
    order = contract(exporter, 1000_00)
    first = received(order, exporter)
    second = received(declaration(exporter, 1000_00, contract_no=order["contract_no"]), exporter)
    consented(exporter, lender)
    counter = browser(lender)
    for paper in (first, second):
        assert counter.post(page_of(paper), form(do="read", purpose="financing")).status_code == 302
    here = page_of(first)
    for amount in ("", "many", "-1", "0", "1.001", "1e99", "NaN"):
        wrong = counter.post(here, form(do="use", purpose="financing", amount=amount))
        assert (wrong.status_code, 'id="use-amount-error"' in wrong.content.decode()) == (422, True), amount
    much = counter.post(here, form(do="use", purpose="financing", amount="900"))
    assert (much.status_code, "US$800" in much.content.decode(), 'value="900"' in much.content.decode()) == (
        422,
        True,
        True,
    )
    given = form(do="use", purpose="financing", amount="600.00")
    before = queries.remaining(evidence_id=first, viewer=exporter).financing_used
    assert [counter.post(here, given).status_code for _ in range(2)] == [302, 302]
    left = queries.remaining(evidence_id=first, viewer=exporter)
    assert left.financing_used - before == 600_00, "pressed twice is used once"
    unconsented = counter.post(here, form(do="use", purpose="settlement", amount="1"))
    assert (
        unconsented.status_code,
        "the consent is for another purpose" in unconsented.content.decode(),
    ) == (422, True)

    use = next(u for u in queries.uses(viewer=lender).items if u.amount == 600_00)
    back = form(do="free", use=str(use.id), amount="200")
    assert [counter.post(here, back).status_code for _ in range(2)] == [302, 302]
    assert queries.use(use_id=use.id, viewer=lender).left == 400_00
    over = counter.post(here, form(do="free", use=str(use.id), amount="500"))
    assert (over.status_code, 'id="free-amount-error"' in over.content.decode()) == (422, True)
    assert browser(bank()).post(here, form(do="free", use=str(use.id))).status_code == 404

    move = form(do="convert", use=str(use.id), to=str(second))
    assert [counter.post(here, move).headers["Location"] for _ in range(2)] == [page_of(second)] * 2
    assert queries.use(use_id=use.id, viewer=lender).evidence_id == second
    elsewhere = received(contract(exporter, 5_00), exporter)
    assert (
        counter.post(page_of(second), form(do="convert", use=str(use.id), to=str(elsewhere))).status_code
        == 422
    )
    assert counter.post(page_of(second), form(do="convert", use="x", to="y")).status_code == 422
    for place in (page_of(second), "/evidence/", "/evidence/uses/", "/evidence/uses/?open=1"):
        assert "US$400" in counter.get(place).content.decode(), place


def test_goods_show_their_forms_and_an_official_joins_what_is_one() -> None:
    exporter, lender, judge = company(), bank(), official()
    consented(exporter, lender)
    order = contract(exporter, 1000_00)
    first = received(order, exporter)
    received(declaration(exporter, 1000_00, contract_no=order["contract_no"]), exporter)
    used(lender, first, 300_00)
    apart = received(contract(exporter, 70_00), exporter)
    lot, other = (queries.evidence(evidence_id=e, viewer=exporter).lot_id for e in (first, apart))
    page = browser(exporter).get(f"/evidence/lots/{lot}/").content.decode()
    assert "US$300 financed on this form, which allows US$800" in page
    assert page.count("none here yet") == 2, "no transport document and no invoice yet"
    office, here = browser(judge), f"/evidence/lots/{lot}/"
    wrongs = [
        ("x", "y", "other"),
        (str(other), "", "why"),
        (str(lot), "y", "other"),
        (str(uuid4()), "y", "other"),
    ]
    for to, why, field in wrongs:
        answer = office.post(here, form(other=to, why=why))
        assert (answer.status_code, f'id="{field}-error"' in answer.content.decode()) == (422, True), (
            to,
            why,
        )
    assert browser(exporter).post(here, form(other=str(other), why="we say so")).status_code == 422
    joined = form(other=str(other), why="one shipment, says the warehouse")
    assert [office.post(here, joined).status_code for _ in range(2)] == [302, 302]
    assert (
        queries.evidence(evidence_id=apart, viewer=exporter).lot_id
        == queries.evidence(evidence_id=first, viewer=exporter).lot_id
    )


def test_a_document_is_corrected_and_taken_back_by_whoever_delivered_it() -> None:
    exporter, lender = company(), bank()
    consented(exporter, lender)
    paper = declaration(exporter, 1000_00)
    known = received(paper, exporter)
    use = used(lender, known, 800_00)
    desk, here = browser(exporter), page_of(known)
    other = desk.post(here, form(do="correct", text=text_of(declaration(exporter))))
    assert (other.status_code, "another document" in other.content.decode()) == (422, True)
    broken = desk.post(here, form(do="correct", text="{"))
    assert (broken.status_code, 'id="content-error"' in broken.content.decode()) == (422, True)
    smaller = paper | {
        "status": "amended",
        "total_amount": "500.00",
        "items": [paper["items"][0] | {"amount": "500.00"}],
    }
    given = form(do="correct", text=text_of(smaller))
    assert [desk.post(here, given).status_code for _ in range(2)] == [302, 302]
    page = desk.get(here).content.decode()
    assert ("version 2" in page, "version 1" in page, "version 3" in page) == (True, True, False)
    assert "badge bad" in browser(lender).get("/evidence/uses/").content.decode(), "whoever uses it is told"
    assert queries.use(use_id=use, viewer=SYSTEM).alert

    nothing = desk.post(here, form(do="cancel", reason=" "))
    assert (nothing.status_code, 'id="cancel-reason-error"' in nothing.content.decode()) == (422, True)
    assert browser(company()).post(here, form(do="cancel", reason="mine now")).status_code == 404
    ended = form(do="cancel", reason="the deal is off")
    assert [desk.post(here, ended).status_code for _ in range(2)] == [302, 302]
    assert desk.post(here, form(do="cancel", reason="once more")).status_code == 422
    page = desk.get(here).content.decode()
    assert ("taken back" in page, "Deliver a newer version" in page) == (True, False)


def test_odd_acts_on_a_document_are_answered() -> None:
    exporter = company()
    desk = browser(exporter)
    here = page_of(received(contract(exporter), exporter))
    for odd in (
        {},
        {"do": "fly"},
        {"do": "correct"},
        {"do": "free", "use": "x"},
        {"do": "read", "purpose": ""},
    ):
        assert desk.post(here, form(**odd)).status_code == 422, odd
    assert desk.post(here, form(do="use", purpose="financing", amount="1")).status_code == 422, (
        "a company uses nothing"
    )
    assert desk.post(f"/evidence/{uuid4()}/", form(do="read", purpose="financing")).status_code == 404
    assert desk.post(f"/evidence/{uuid4()}/", form(do="use", amount="1")).status_code == 404
    assert id_of(exporter) == queries.evidences(viewer=exporter).items[0].subject.id


def test_goods_financed_beyond_their_limit_say_so() -> None:
    exporter, lender = company(), bank()
    consented(exporter, lender)
    order = contract(exporter, 1000_00)
    first, second = received(order, exporter), declaration(exporter, 900_00)
    other = received(second, exporter)
    used(lender, first, 800_00)
    used(lender, other, 720_00)
    lot = queries.evidence(evidence_id=first, viewer=exporter).lot_id
    desk = browser(exporter)
    assert "More is financed" not in desk.get(f"/evidence/lots/{lot}/").content.decode()
    received(
        invoice(
            exporter, 1_00, contract_nos=[order["contract_no"]], declaration_nos=[second["declaration_no"]]
        ),
        exporter,
    )
    page = desk.get(f"/evidence/lots/{lot}/").content.decode()
    assert ("More is financed" in page, "goods financed beyond their limit" in page) == (True, True)
    assert "another currency" in page, "the invoice is in yuan, the goods are financed in dollars"
