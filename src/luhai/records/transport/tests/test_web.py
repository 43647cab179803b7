"""The pages of transport: the desk, a document and its acts, the issue form and its faults, agreements; in both languages."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from luhai.core.parties.models import Person
from luhai.core.titles import queries as title_queries
from luhai.core.titles.tests import world as titles_world
from luhai.kernel.origin import Actor, Role
from luhai.records.transport import commands, desk_queries, issue, queries
from luhai.records.transport.bill import read
from luhai.records.transport.forms import foreign
from luhai.records.transport.tests import world
from luhai.records.transport.tests.bills import box, content
from luhai.records.transport.tests.world import NOON, Corridor, by, id_of, name_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _officers_without_a_second_factor(settings: Any) -> None:
    settings.DEMO = True  # that wall has its own test


def browser(actor: Actor, language: str = "en") -> Client:
    client = Client()
    client.cookies["django_language"] = language
    client.force_login(Person.objects.get(pk=actor.person_id), backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def posted(client: Client, address: str, **fields: Any) -> Any:
    return client.post(address, {"key": str(uuid4())} | fields)


def text(answer: Any) -> str:
    """The words of a page, without its tags."""
    body = re.sub(r"<style.*?</style>|<[^>]+>", " ", answer.content.decode(), flags=re.S)
    return " ".join(unescape(body).split())


# --- the desk -----------------------------------------------------------------------------------------------------------


def tasks(actor: Actor, on: Any = None) -> list[tuple[str, str]]:
    return [(t.kind, t.number) for t in desk_queries.desk(on=on or NOON.date(), viewer=actor).tasks]


def test_the_desk_says_what_waits_for_whom() -> None:
    c = world.corridor()
    words = world.bill(c)
    key = world.proposed(c)
    assert tasks(c.buyer) == [("sign", "AG-1")]
    assert tasks(c.carrier) == [], "it signed when it proposed"
    for actor in (c.shipper, c.buyer, c.bank, c.station):
        commands.sign_agreement(agreement_id=key, digest=world.digest(key, actor), origin=by(actor))
    title = world.issued(c, key, words=words)
    number = words["number"]
    assert tasks(c.carrier) == []
    assert tasks(c.carrier, NOON.date() + timedelta(days=60)) == [("late", number)]
    world.told(c.carrier, title, "DISC", "VNSGN", hours=2, custodian=id_of(c.station))
    assert tasks(c.carrier, NOON.date() + timedelta(days=60)) == []
    world.surrendered(c, title)
    assert tasks(c.carrier) == [("deliver", number)]
    assert tasks(c.shipper) == []
    commands.deliver(title_id=title, release_id=uuid4(), origin=by(c.carrier))
    assert (tasks(c.carrier), tasks(c.station)) == ([], [("give_out", number)])
    world.told(c.station, title, "GTOT", "VNSGN", hours=4)
    assert tasks(c.station) == []
    assert desk_queries.desk(on=NOON.date(), viewer=c.station).kept == ()


def test_signals_are_on_the_desk_until_the_event_is_corrected() -> None:
    c = world.corridor()
    words = world.bill(c)
    title = world.issued(c, words=words)
    wrong = uuid4()
    commands.record_event(
        title_id=title, event_id=wrong, code="GTIN", place="CNQZH", happened_at=NOON, seals=["WRONG1"], origin=by(c.carrier, NOON + timedelta(hours=1))
    )
    assert tasks(c.carrier) == [("signal", words["number"])]
    assert tasks(c.shipper) == [("signal", words["number"])], "who controls the document is told"
    assert tasks(c.station) == []
    page = browser(c.shipper).get(f"/transport/{title}/")
    assert "missing: S" in text(page)
    assert "found instead: WRONG1" in text(page)
    seal = words["containers"][0]["seals"][0]["number"]
    world.told(c.carrier, title, "GTIN", "CNQZH", hours=2, seals=[seal], corrects=wrong)
    assert tasks(c.carrier) == []
    assert "corrected since" in text(browser(c.shipper).get(f"/transport/{title}/"))


@pytest.mark.parametrize(("language", "heading", "state"), [("en", "Transport desk", "in circulation"), ("zh-hans", "运输工作台", "流转中")])
def test_the_desk_lists_documents_and_filters(language: str, heading: str, state: str) -> None:
    c = world.corridor()
    words = world.bill(c)
    world.issued(c, words=words)
    client = browser(c.carrier, language)
    page = text(client.get("/transport/"))
    assert heading in page
    for wanted in (words["number"], words["containers"][0]["number"], name_of(c.shipper) if language == "en" else "某某"):
        assert wanted in page
    assert words["number"] in text(client.get(f"/transport/?container={words['containers'][0]['number']}"))
    nothing = "No document fits these filters" if language == "en" else "没有符合条件的单证"
    assert nothing not in page
    for query in ("container=TLLU0000000", "signalled=on", "number=nothing"):
        assert nothing in text(client.get(f"/transport/?{query}")), query
    assert client.get("/transport/?cursor=x").status_code == 422
    assert Client().get("/transport/").status_code == 302
    assert words["number"] not in text(browser(titles_world.company()).get("/transport/"))
    assert browser(titles_world.official(Role.SUPERVISOR)).get("/transport/").status_code == 200


# --- one document -------------------------------------------------------------------------------------------------------


def test_a_document_page_says_control_effect_and_goods() -> None:
    c = world.corridor()
    words = world.bill(c)
    title = world.issued(c, words=words)
    page = text(browser(c.shipper).get(f"/transport/{title}/"))
    for wanted in (
        words["number"], name_of(c.shipper), "AG-1", "Its effect is that of a contract", "binds those who signed", "Qinzhou CNQZH", "870899",
        "Car parts, new", "19,120.5", words["containers"][0]["seals"][0]["number"], "picked up", "CNY 812,500.00", "nobody",
    ):  # fmt: skip
        assert wanted in page, wanted
    chinese = text(browser(c.shipper, "zh-hans").get(f"/transport/{title}/"))
    for wanted in ("其效力属于合同效力", "钦州 CNQZH", "铁海联运提单", "发货人", "控制权与效力", "货物事件"):
        assert wanted in chinese, wanted
    for stranger in (c.buyer, titles_world.company(), titles_world.official(Role.PROVINCE)):
        assert browser(stranger).get(f"/transport/{title}/").status_code == 404
        assert posted(browser(stranger), f"/transport/{title}/", act="deliver").status_code == 404
    assert Client().get(f"/transport/{title}/").status_code == 302
    assert browser(c.shipper).get(f"/transport/{uuid4()}/").status_code == 404


def test_an_event_is_reported_by_the_form_once() -> None:
    c = world.corridor()
    words = world.bill(c)
    title = world.issued(c, words=words)
    client, here = browser(c.carrier), f"/transport/{title}/"
    moment = timezone.localtime(timezone.now() - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M")
    seal = words["containers"][0]["seals"][0]["number"]
    form = {
        "key": str(uuid4()), "act": "report", "code": "GTIN", "place": "cnqzh", "happened_at": moment, "container": words["containers"][0]["number"],
        "seals": f"{seal}，", "custodian": name_of(c.station), "found_kg": "", "reason": "", "corrects": "",
    }  # fmt: skip
    assert client.post(here, form).status_code == 302
    assert client.post(here, form).status_code == 302
    view = queries.document(title_id=title, viewer=c.carrier)
    (made,) = [m for m in view.movements if m.code == "GTIN"]
    assert (made.place, made.seals, made.custodian.id) == ("CNQZH", (seal,), id_of(c.station))
    assert abs(made.happened_at - timezone.now()) < timedelta(minutes=10), "the hour is Beijing's"
    assert "gate in" in text(client.get(here))


@pytest.mark.parametrize(
    ("changes", "said", "field"),
    [
        ({"code": "FLY"}, "code: one of", "code"),
        ({"place": "Nowhere"}, "place", "place"),
        ({"happened_at": "soon"}, "a moment such as", "happened_at"),
        ({"happened_at": "2999-01-01T00:00"}, "not in the future", "happened_at"),
        ({"container": "TLLU0000000"}, "container", "container"),
        ({"custodian": "Nobody Ltd"}, "one registered party", "custodian"),
        ({"found_kg": "many"}, "kilograms above zero", "found_kg"),
        ({"code": "RSEA"}, "why it was resealed", "reason"),
        ({"seals": "S" * 16}, "from 1 to 15", "seals"),
        ({"corrects": "x"}, "an id", "corrects"),
        ({"act": "fly"}, "one of the acts offered", ""),
    ],
)
def test_what_is_wrong_with_an_event_is_said_at_its_field(changes: dict[str, str], said: str, field: str) -> None:
    c = world.corridor()
    title = world.issued(c)
    form = {"act": "report", "code": "GTIN", "place": "CNQZH", "happened_at": "2026-03-02T13:00", "reason": "", "seals": ""} | changes
    answer = posted(browser(c.carrier), f"/transport/{title}/", **form)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in text(answer)
    assert 'role="alert"' in page
    if field:
        assert re.search(rf'class="field wrong"><label for="{field}"', page), page[page.find('name="act" value="report"') :][:3000]
    assert len(queries.document(title_id=title, viewer=c.carrier).movements) == 1


def test_who_has_the_goods_reports_and_gives_out_without_seeing_the_title() -> None:
    c = world.corridor()
    words = world.bill(c)
    title = world.issued(c, words=words)
    here = f"/transport/{title}/"
    assert browser(c.station).get(here).status_code == 404
    world.told(c.carrier, title, "DISC", "VNSGN", hours=1, custodian=id_of(c.station))
    page = text(browser(c.station).get(here))
    assert "No order: give nothing out." in page
    for hidden in (name_of(c.shipper), name_of(c.buyer), "Sai Gon Motors", "812,500", "Car parts"):
        assert hidden not in page, hidden
    assert words["number"] in text(browser(c.station).get("/transport/"))
    world.surrendered(c, title)
    assert posted(browser(c.carrier), here, act="deliver").status_code == 302
    page = text(browser(c.station).get(here))
    assert f"give {words['containers'][0]['number']} to {name_of(c.shipper)}" in page
    out = {"act": "report", "code": "GTOT", "place": "VNSGN", "happened_at": "2026-03-02T20:00"}
    bad = posted(browser(c.station), here, **(out | {"place": "?"}))
    assert (bad.status_code, "place" in text(bad)) == (422, True)
    gone = posted(browser(c.station), here, **(out | {"custodian": str(id_of(c.shipper))}))
    assert (gone.status_code, gone.headers["Location"]) == (302, "/transport/"), "it has no goods to look at any more"
    assert browser(c.station).get(here).status_code == 404
    assert "given out" in text(browser(c.carrier).get(here))


def test_title_says_one_thing_and_goods_another() -> None:
    c = world.corridor()
    title = world.issued(c)
    world.told(c.carrier, title, "GTOT", "VNSGN", hours=1)
    for language, said in (("en", "Title says: not presented for delivery. Goods say: gone."), ("zh-hans", "登记显示：尚未交单提货。货物显示：已离开。")):
        assert said in text(browser(c.shipper, language).get(f"/transport/{title}/"))


def test_delivery_is_ordered_by_the_issuer_of_what_was_presented() -> None:
    c = world.corridor()
    boxes = [box(7001), box(7002)]
    words = world.bill(c)
    words["containers"] = [{"number": b, "seals": [{"number": f"S{b}"}]} for b in boxes]
    words["goods"] = [words["goods"][0] | {"container": b} for b in boxes]
    title = world.issued(c, words=words)
    here, client = f"/transport/{title}/", browser(c.carrier)
    refused = posted(client, here, act="deliver")
    assert (refused.status_code, "not presented for delivery" in text(refused)) == (422, True)
    world.surrendered(c, title)
    page = client.get(here).content.decode()
    assert all(f'name="containers" value="{b}"' in page for b in boxes)
    assert "Accept the surrender" not in text(browser(c.shipper).get(here))
    assert posted(browser(c.shipper), here, act="deliver").status_code == 422
    assert posted(client, here, act="deliver", containers=["TLLU0000000"]).status_code == 422
    key = str(uuid4())
    assert client.post(here, {"key": key, "act": "deliver"}).status_code == 302
    assert client.post(here, {"key": key, "act": "deliver"}).status_code == 302
    (release,) = queries.document(title_id=title, viewer=c.carrier).releases
    assert (release.containers, release.receiver.id) == (tuple(boxes), id_of(c.shipper))
    assert title_queries.title(title_id=title, viewer=c.carrier).state == "DELIVERED"


# --- issue --------------------------------------------------------------------------------------------------------------


def form(c: Corridor, rests_on: UUID | None, **changes: str) -> dict[str, str]:
    n = uuid4().int % 1_000_000
    made = {
        "key": str(uuid4()), "new": str(uuid4()), "act": "issue", "document": "rail_sea_bill", "number": f"W{n * 7919}", "form": "TO_ORDER",
        "basis": "agreement", "agreement": str(rests_on) if rests_on else "", "issued_on": "2026-03-02", "taken_on": "2026-03-01",
        "issued_at": "CNCQI", "parties.consignor": name_of(c.shipper), "parties.consignee": str(id_of(c.buyer)), "parties.notify": "Sai Gon Brokers",
        "legs.0.mode": "rail", "legs.0.origin": "CNCQI", "legs.0.destination": "CNQZH", "legs.0.waybill": f"SMGS {n}", "legs.0.departs_on": "2026-03-01",
        "legs.1.mode": "sea", "legs.1.origin": "CNQZH", "legs.1.destination": "VNSGN", "legs.1.vehicle": "Beibu Gulf 7", "legs.1.arrives_on": "2026-03-08",
        "goods.1.description": "Car parts, new", "goods.1.hs": "870899", "goods.1.packages": "1,040", "goods.1.package_type": "PX",
        "goods.1.gross_kg": "19120.5", "goods.1.container": box(n).lower(), "goods.1.marks": "LUHAI 1/40, 2/40", "containers.0.number": box(n),
        "containers.0.type": "22G1", "containers.0.seals": f"S{n}", "terms": "As agreed.\r\nSecond line.", "freight": "prepaid", "receipt": "CY",
        "delivery": "CY", "value.minor": "812,500.5", "value.currency": "USD", "insurance.amount.currency": "USD", "base": "",
        "beneficiary_id": str(id_of(c.shipper)),
    }  # fmt: skip
    return made | changes


def test_the_usual_document_is_issued_by_the_form() -> None:
    c = world.corridor()
    key = world.signed(c)
    client = browser(c.carrier)
    assert "AG-1" in text(client.get("/transport/new/"))
    given = form(c, key)
    answer = client.post("/transport/new/", given)
    assert (answer.status_code, answer.headers.get("Location")) == (302, f"/transport/{given['new']}/"), text(answer)[-1500:]
    assert client.post("/transport/new/", given).status_code == 302
    view = queries.document(title_id=UUID(given["new"]), viewer=c.shipper)
    said = read(view.content)
    assert (said.goods[0].packages, said.goods[0].marks, said.value.minor if said.value else 0) == (1040, ("LUHAI 1/40", "2/40"), 81_250_050)
    assert said.parties.issuer.name == name_of(c.carrier)
    assert (said.parties.consignor.name, said.parties.notify[0].name) == (name_of(c.shipper), "Sai Gon Brokers")
    assert said.terms == "As agreed.\nSecond line."
    assert (view.title.holder.id, view.agreement.id if view.agreement else None) == (id_of(c.shipper), key)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"number": ""}, "number", "needed"),
        ({"issued_at": "nowhere"}, "issued_at", "issued_at"),
        ({"taken_on": "2026-03-03"}, "taken_on", "not after the day of issue"),
        ({"issued_on": "2999-01-01"}, "issued_on", "not after today"),
        ({"parties.consignor": "Nobody Ltd"}, "parties.consignor", "one registered party"),
        ({"parties.consignee": ""}, "parties.consignee", "needed, unless the form is BLANK"),
        ({"holder_id": "Nobody Ltd"}, "holder_id", "one registered party"),
        ({"beneficiary_id": "Nobody Ltd"}, "beneficiary_id", "one registered party"),
        ({"legs.1.origin": "SGSIN"}, "legs.1.origin", "where the leg before ends"),
        ({"legs.0.departs_on": "soon"}, "legs.0.departs_on", "a day such as"),
        ({"goods.1.hs": "12"}, "goods.1.hs", "6 to 13 digits"),
        ({"goods.1.packages": "some"}, "goods.1.packages", "a whole number"),
        ({"goods.1.gross_kg": "heavy"}, "goods.1.gross_kg", "kilograms above zero"),
        ({"goods.1.container": "TLLU0000000"}, "goods.1.container", "container"),
        ({"containers.0.number": "TLLU1"}, "containers.0.number", "containers.0.number"),
        ({"containers.0.seals": ""}, "containers.0.seals", "a list of 1 to 8"),
        ({"value.minor": "1.234"}, "value.minor", "no more decimals"),
        ({"insurance.policy": "P1"}, "insurance.insurer", "needed"),
        ({"agreement": "x"}, "agreement", "one of your agreements in force"),
        ({"terms": ""}, "terms", "needed"),
    ],
)  # fmt: skip
def test_each_fault_stands_at_its_field_and_nothing_typed_is_lost(changes: dict[str, str], field: str, said: str) -> None:
    c = world.corridor()
    key = world.signed(c)
    answer = browser(c.carrier).post("/transport/new/", form(c, key, **changes))
    page = unescape(answer.content.decode())
    assert answer.status_code == 422
    assert said in page
    at = page.find('class="field wrong')
    assert at > 0, text(answer)[:1500]
    assert f'name="{field}"' in page[at : at + 600], (field, page[at : at + 300])
    assert page.count('class="field wrong') == 1
    assert "Beibu Gulf 7" in page
    assert desk_queries.desk(on=NOON.date(), viewer=c.carrier).items == ()


def test_a_negotiable_rail_document_without_agreement_is_refused_in_words() -> None:
    c = world.corridor()
    world.signed(c)
    answer = browser(c.carrier).post("/transport/new/", form(c, None, basis="civil_code_840"))
    assert (answer.status_code, "No law makes a railway" in text(answer)) == (422, True)
    stranger = titles_world.company(name=f"Other {uuid4().hex[:6]}")
    bound = browser(c.carrier).post("/transport/new/", form(c, world.signed(c, "AG-9"), holder_id=str(id_of(stranger))))
    assert (bound.status_code, "has not signed agreement" in text(bound)) == (422, True)


def test_more_rows_keep_what_was_typed() -> None:
    c = world.corridor()
    page = browser(c.carrier).post("/transport/new/", form(c, None, act="more.goods")).content.decode()
    assert 'name="goods.3.description"' in page
    assert 'name="goods.4.description"' not in page
    assert 'name="containers.2.number"' not in page
    assert "Beibu Gulf 7" in page
    many = browser(c.carrier).post("/transport/new/", form(c, None, act="more.legs", **{"legs.99999.origin": "x"})).content.decode()
    assert 'name="legs.12.origin"' not in many


@pytest.mark.parametrize("which", ["luhai", "uncefact", "dcsa"])
def test_a_file_is_read_into_the_form_and_issued_as_it_says(which: str) -> None:
    c = world.corridor()
    key = world.signed(c)
    words = world.bill(c)
    made = foreign.write(which, read(words))["document"]
    client = browser(c.carrier)
    file = SimpleUploadedFile("bill.json", json.dumps(made).encode(), "application/json")
    answer = client.post("/transport/new/", {"act": "read", "new": str(uuid4()), "file": file})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'value="{words["number"]}"' in page
    assert words["containers"][0]["number"] in page
    fields = dict(re.findall(r'<input type="(?:text|date|hidden)"[^>]*? name="([^"]+)" value="([^"]*)"', page))
    given = {name: unescape(value) for name, value in fields.items() if name not in ("act", "csrfmiddlewaretoken")}
    given |= {f"legs.{n}.mode": m for n, m in enumerate(["rail", "sea"])}
    shown = queries.imported(document=base64.b64encode(json.dumps(made).encode()).decode(), viewer=c.carrier)["content"]
    given |= {name: str(shown[name]) for name in ("document", "form", "freight", "terms")}
    given |= {"value.currency": "CNY", "insurance.amount.currency": "CNY", "incoterm.code": "CIP" if given["incoterm.place"] else "", "basis": shown["basis"], "receipt": shown["receipt"], "delivery": shown["delivery"]}
    given |= {"act": "issue", "agreement": str(key), "holder_id": str(id_of(c.shipper)), "key": str(uuid4()), "new": str(uuid4())}
    issued = client.post("/transport/new/", given)
    assert issued.status_code == 302, re.findall(r'role="alert"><p>(.*?)</p>', issued.content.decode())
    said = queries.document(title_id=UUID(given["new"]), viewer=c.shipper).content
    _form, before = foreign.parse(json.dumps(made).encode())
    assert said == before.content() | {"agreement": "AG-1"}, "what the form does not show is kept as the file says"


def test_a_file_that_is_none_is_refused_by_name() -> None:
    c = world.corridor()
    client = browser(c.carrier)
    for body, said in ((b"", "at most 2 MB"), (b"no json", "file"), (b"{}", "is wanted"), (b"\xff\xfe\x00", "")):
        answer = client.post("/transport/new/", {"act": "read", "file": SimpleUploadedFile("x.json", body)})
        assert (answer.status_code, said in text(answer)) == (422, True), body
    assert client.post("/transport/new/", {"act": "read"}).status_code == 422
    for base in ("{", "[]", '{"parties": 7}', "null", "[" * 9999):
        assert client.post("/transport/new/", form(c, None, base=base)).status_code == 422


def test_only_those_who_act_may_issue() -> None:
    assert browser(titles_world.official(Role.SUPERVISOR)).get("/transport/new/").status_code == 403
    assert browser(titles_world.official(Role.SUPERVISOR)).get("/agreements/new/").status_code == 403
    assert Client().get("/transport/new/").status_code == 302


def test_the_fields_of_a_content_make_the_content_again() -> None:
    words = read(content()).content()
    who = words["parties"]
    fields = issue.fields_of(words)
    made = issue.made_of(fields, words, who["issuer"], lambda name, field: {"name": name})
    assert read(made.content).content() == words
    assert made.name_of("content.goods.0.hs") == "goods.0.hs"
    assert made.name_of("goods.0.nothing") == ""
    assert made.name_of("parties.consignee.numbers.uscc") == "parties.consignee"
    assert made.name_of("insurance.amount.minor") == "insurance.amount.minor"
    assert made.name_of("") == ""


# --- agreements ---------------------------------------------------------------------------------------------------------


def proposal(c: Corridor, **changes: str) -> dict[str, str]:
    made = {
        "key": str(uuid4()), "new": str(uuid4()), "number": "AG-1", "text": f"{world.TEXT}\r\n", "starts_on": "2026-01-01", "ends_on": "",
        "replaces": "", "party.0": name_of(c.carrier), "role.0": "carrier", "party.1": name_of(c.shipper), "role.1": "consignor",
        "party.3": str(id_of(c.bank)), "role.3": "bank", "role.2": "carrier",
    }  # fmt: skip
    return made | changes


@pytest.mark.parametrize(("language", "in_force"), [("en", "in force"), ("zh-hans", "已生效")])
def test_an_agreement_from_proposal_to_end_by_its_pages(language: str, in_force: str) -> None:
    c = world.corridor()
    given = proposal(c)
    carrier, shipper, bank = (browser(a, language) for a in (c.carrier, c.shipper, c.bank))
    answer = carrier.post("/agreements/new/", given)
    assert answer.status_code == 302, text(answer)[:1500]
    here = answer.headers["Location"]
    view = queries.agreement(agreement_id=UUID(given["new"]), viewer=c.carrier)
    assert view.text == world.TEXT
    assert "AG-1" in text(shipper.get("/agreements/"))
    for client in (shipper, bank):
        page = client.get(here).content.decode()
        (digest,) = re.findall(r'name="digest" value="([0-9a-f]{64})"', page)
        assert digest == view.digest
        assert posted(client, here, act="sign", digest="0" * 64).status_code == 422
        assert posted(client, here, act="sign", digest=digest).status_code == 302
    assert in_force in text(bank.get(here))
    assert posted(bank, here, act="sign", digest=view.digest).status_code == 422
    assert posted(bank, here, act="end", reason="").status_code == 422
    assert posted(bank, here, act="fly").status_code == 422
    assert f'value="{given["new"]}" selected' in carrier.get(f"/agreements/new/?replaces={given['new']}").content.decode()
    assert posted(bank, here, act="end", reason="enough").status_code == 302
    assert "enough" in text(carrier.get(here))
    assert queries.agreement(agreement_id=UUID(given["new"]), viewer=c.carrier).state == "ended"


def test_an_agreement_is_declined_and_unknown_to_strangers() -> None:
    c = world.corridor()
    given = proposal(c)
    here = browser(c.carrier).post("/agreements/new/", given).headers["Location"]
    for stranger in (c.buyer, titles_world.company()):
        assert browser(stranger).get(here).status_code == 404
        assert posted(browser(stranger), here, act="sign", digest="0" * 64).status_code == 404
    assert Client().get(here).status_code == 302
    assert posted(browser(c.shipper), here, act="decline", reason="Too wide").status_code == 302
    assert "Too wide" in text(browser(c.carrier).get(here))
    assert "AG-1" in text(browser(c.carrier).get("/agreements/?state=declined"))
    assert browser(c.carrier).get("/agreements/?state=x").status_code == 422


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"number": "--"}, "number", "at least one letter or digit"),
        ({"text": " "}, "text", "from 1 to"),
        ({"starts_on": "x"}, "starts_on", "a day such as"),
        ({"ends_on": "2025-01-01"}, "ends_on", "not before it starts"),
        ({"party.1": "Nobody Ltd"}, "party.1", "one registered party"),
        ({"party.3": ""}, "parties", "parties"),
        ({"role.1": "king"}, "party.1", "one of"),
        ({"replaces": "x"}, "", "an id"),
    ],
)
def test_what_is_wrong_with_a_proposal_is_said_at_its_field(changes: dict[str, str], field: str, said: str) -> None:
    c = world.corridor()
    answer = browser(c.carrier).post("/agreements/new/", proposal(c, **changes))
    page = answer.content.decode()
    assert (answer.status_code, said in text(answer)) == (422, True), text(answer)[:1500]
    if field == "parties":
        assert '<fieldset class="field wrong"' in page
    elif field:
        assert re.search(rf'class="field wrong"><label for="{re.escape(field)}"', page)
    assert "only voucher" in page or "text" in changes


def test_the_next_version_of_an_agreement_is_proposed_from_the_old_one() -> None:
    c = world.corridor()
    old = world.signed(c)
    client = browser(c.carrier)
    page = client.get(f"/agreements/new/?replaces={old}").content.decode()
    assert page.count(str(id_of(c.bank))) == 1
    fresh = proposal(c, replaces=str(old), text="Other words.")
    answer = client.post("/agreements/new/", fresh)
    assert answer.status_code == 302, text(answer)[:1000]
    assert queries.agreement(agreement_id=UUID(fresh["new"]), viewer=c.carrier).version == 2
