"""Printed copies: their codes, what the public is told of them, the sheet in both languages, the PDF, and the walls around them."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from django.core.cache import cache
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from luhai.core.parties.models import Person
from luhai.core.titles import commands as titles
from luhai.core.titles import queries as title_queries
from luhai.core.titles.tests import world as titles_world
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, NotPermitted
from luhai.records.transport import commands, limits, pdf, print_commands, print_queries
from luhai.records.transport import print as printing
from luhai.records.transport.bill import read
from luhai.records.transport.cli import cli
from luhai.records.transport.models import Printout
from luhai.records.transport.tests import world
from luhai.records.transport.tests.bills import bills, content
from luhai.records.transport.tests.world import NOON, by, id_of
from luhai.shell.context import acting
from luhai.shell.models import Entry

pytestmark = pytest.mark.django_db


def browser(actor: Actor, language: str = "en") -> Client:
    client = Client()
    client.cookies["django_language"] = language
    client.force_login(Person.objects.get(pk=actor.person_id), backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def printed(actor: Actor, title: UUID, **changes: Any) -> str:
    """The code of a new copy."""
    origin = by(actor)
    code = printing.code_for(origin)
    print_commands.print_document(
        **({"printout_id": uuid4(), "title_id": title, "code": code, "origin": origin} | changes)
    )
    return code


def standing(code: str) -> tuple[str, list[str]]:
    found = print_queries.verified(code=code, viewer=PUBLIC)
    return found.standing, [c.act for c in found.changes]


# --- the code -----------------------------------------------------------------------------------------------------------


@given(st.binary(min_size=10, max_size=32))
def test_a_code_is_read_as_people_type_it(entropy: bytes) -> None:
    code = printing.code_of(entropy)
    assert len(code) == 16
    assert not set(code) & set("ILOU")
    sloppy = printing.grouped(code).lower().replace("0", "o").replace("1", "l").replace("-", " - ")
    assert printing.read_code(sloppy) == code
    other = printing.code_of(bytes([entropy[0] ^ 128, *entropy[1:]]))
    assert other != code, "every bit of the ten bytes counts"
    assert printing.code_of(bytes([*entropy[:9], entropy[9] ^ 1])) != code


@pytest.mark.parametrize("typed", ["", "0", "0" * 15, "0" * 17, "U" * 16, "0000-0000-0000-000é", "\x00" * 16, "' OR 1=1 --"])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert printing.read_code(typed) is None
    assert standing(typed) == ("unknown", [])


def test_the_code_of_a_request_is_the_same_twice_and_nobody_elses() -> None:
    c = world.corridor()
    origin = by(c.carrier)
    assert printing.code_for(origin) == printing.code_for(origin)
    codes = {printing.code_for(by(actor)) for actor in (c.carrier, c.carrier, c.shipper) for _ in range(5)}
    assert len(codes) == 15


# --- what the register answers ------------------------------------------------------------------------------------------


def test_a_copy_is_genuine_until_the_document_moves_and_superseded_when_it_is_amended() -> None:
    c = world.corridor()
    words = world.bill(c)
    title = world.issued(c, words=words)
    code = printed(c.shipper, title)
    assert standing(code) == ("genuine", [])
    world.told(c.carrier, title, "DEPA", hours=1)
    assert standing(code) == ("genuine", []), "events of the goods change nothing that the copy says"
    titles.pledge_title(title_id=title, pledgee=id_of(c.bank), origin=by(c.shipper, NOON + timedelta(hours=2)))
    assert standing(code) == ("changed", ["pledge"])
    pledge = title_queries.title(title_id=title, viewer=c.bank).pledges[0].id
    titles.release_pledge(title_id=title, pledge=pledge, origin=by(c.bank, NOON + timedelta(hours=3)))
    titles.surrender_title_for_amendment(title_id=title, reason="amendment", origin=by(c.shipper, NOON + timedelta(hours=4)))
    titles.accept_surrender(title_id=title, origin=by(c.carrier, NOON + timedelta(hours=5)))
    assert standing(code) == ("changed", ["pledge", "release_pledge", "surrender_for_amendment", "taken_back"])
    before = print_queries.verified(code=code, viewer=PUBLIC)
    commands.amend_document(
        title_id=title, content=words | {"terms": "Other terms."}, statement="terms", origin=by(c.carrier, NOON + timedelta(hours=6))
    )
    found = print_queries.verified(code=code, viewer=PUBLIC)
    assert (found.standing, found.changes[-1].act, found.changes[-1].ends) == ("superseded", "amend", True)
    assert (found.version, found.content_digest) == (1, before.content_digest), "it tells of the copy, not of what came after"
    fresh = printed(c.shipper, title)
    assert standing(fresh) == ("genuine", [])
    assert print_queries.verified(code=fresh, viewer=PUBLIC).version == 2
    assert standing(code)[0] == "superseded"


def test_a_delivered_document_supersedes_its_copies() -> None:
    c = world.corridor()
    title = world.issued(c)
    code = printed(c.carrier, title)
    world.surrendered(c, title)
    assert standing(code) == ("changed", ["surrender"])
    commands.deliver(title_id=title, release_id=uuid4(), origin=by(c.carrier))
    assert standing(code) == ("superseded", ["surrender", "accept_surrender"])


def test_every_act_on_a_title_can_be_told() -> None:
    from luhai.core.titles.lifecycle import RULES

    first = {"issue", "derive"}  # a chain begins with these: no copy is older
    assert {str(act) for act in RULES} - first == set(printing.CHANGES) - {"delivered_in_part", "taken_back"}
    assert set(printing.CHANGES) >= print_queries.ENDING


def test_the_public_learns_what_is_on_the_face_and_no_party_but_the_issuer() -> None:
    c = world.corridor()
    words = world.bill(c)
    title = world.issued(c, words=words)
    code = printed(c.shipper, title)
    titles.pledge_title(title_id=title, pledgee=id_of(c.bank), origin=by(c.shipper))
    answer = Client(HTTP_ACCEPT_LANGUAGE="en").get(f"/api/v1/transport/copies/{printing.grouped(code)}")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["number"], body["origin"], body["destination"]) == (words["number"], "CNCKG", "VNSGN")
    assert body["containers"] == [words["containers"][0]["number"]]
    assert body["issuer"]["en"] == world.name_of(c.carrier)
    page = Client(HTTP_ACCEPT_LANGUAGE="en").get(f"/verify/{printing.grouped(code)}").content.decode()
    for text in (answer.content.decode(), page):
        assert words["number"] in text
        for hidden in (
            world.name_of(c.shipper), world.name_of(c.buyer), "Some Bank", str(id_of(c.bank)), str(id_of(c.shipper)), str(title),
            words["goods"][0]["description"], "812,500", "Sai Gon Motors", words["parties"]["consignor"]["name"],
        ):  # fmt: skip
            assert hidden not in text, hidden


def test_who_may_not_see_the_document_prints_nothing_and_sees_no_copy() -> None:
    c, stranger = world.corridor(), titles_world.company()
    title = world.issued(c)
    code = printed(c.shipper, title)
    for actor in (stranger, c.buyer, c.station):
        with pytest.raises(Absent):
            printed(actor, title)
        with pytest.raises(Absent):
            print_queries.printouts(title_id=title, viewer=actor)
    with pytest.raises(NotPermitted):
        printed(titles_world.official(Role.PROVINCE), title)
    with pytest.raises(NotEntitled):
        print_commands.print_document(printout_id=uuid4(), title_id=title, code=code, origin=by(SYSTEM))
    (mine,) = print_queries.printouts(title_id=title, viewer=c.carrier)
    assert (mine.code, mine.by.id, mine.current) == (code, id_of(c.shipper), True)


def test_a_code_and_an_id_are_given_once() -> None:
    c = world.corridor()
    title = world.issued(c)
    code, key = printing.code_of(os.urandom(10)), uuid4()
    printed(c.shipper, title, code=code, printout_id=key)
    with pytest.raises(Invalid) as again:
        printed(c.carrier, title, code=code)
    assert again.value.facts["field"] == "code"
    with pytest.raises(Invalid) as taken:
        printed(c.shipper, title, printout_id=key)
    assert taken.value.facts["field"] == "printout_id"
    with pytest.raises(Invalid):
        printed(c.shipper, title, code="short")
    other = world.issued(c, world.signed(c, "AG-2"), agreement="AG-2")
    with pytest.raises(Absent):
        print_queries.printout(printout_id=key, title_id=other, viewer=c.shipper)


def test_the_journal_tells_of_the_copy_and_keeps_its_code_to_itself() -> None:
    c = world.corridor()
    title = world.issued(c)
    code = printed(c.shipper, title)
    entry = Entry.objects.filter(command="transport.print_document").order_by("-at").first()
    assert entry is not None
    (event,) = entry.events
    assert (event["kind"], event["subject"]) == ("transport.document_printed", str(title))
    assert event["data"]["head"] == title_queries.title(title_id=title, viewer=c.shipper).head
    assert code not in f"{entry.events} {entry.result}"


# --- walls --------------------------------------------------------------------------------------------------------------


def test_the_database_keeps_copies_from_strangers_and_as_they_were() -> None:
    c, stranger = world.corridor(), titles_world.company()
    title = world.issued(c)
    code = printed(c.shipper, title)
    row = Printout.objects
    for actor, seen in ((stranger, 0), (c.station, 0), (PUBLIC, 0), (c.carrier, 1), (world.operator(), 1)):
        with acting(actor):
            assert row.filter(code=code).count() == seen, actor
    for statement in ("UPDATE transport_printout SET state = 'VOID'", "DELETE FROM transport_printout"):
        with pytest.raises(ProgrammingError), transaction.atomic(), acting(SYSTEM), connection.cursor() as cursor:
            cursor.execute(statement)
    insert = (
        "INSERT INTO transport_printout (id, code, title_id, version, content_digest, n, head, state, printed_at, party_id, person_id,"
        " document_id) SELECT gen_random_uuid(), %s, title_id, version, content_digest, n, head, state, printed_at, %s, %s, document_id"
        " FROM transport_printout"
    )
    for party, person in ((id_of(stranger), c.carrier.person_id), (id_of(c.carrier), stranger.person_id)):
        with pytest.raises(ProgrammingError), transaction.atomic(), acting(c.carrier), connection.cursor() as cursor:
            cursor.execute(insert, ["1" * 16, party, person])
    with pytest.raises(IntegrityError), transaction.atomic(), acting(c.carrier), connection.cursor() as cursor:
        cursor.execute(insert, ["I" * 16, id_of(c.carrier), c.carrier.person_id])


# --- the sheet and the PDF ----------------------------------------------------------------------------------------------


def test_the_sheet_says_everything_in_both_languages() -> None:
    bill = read(content())
    sheet = printing.sheet(bill)
    said = " ".join(
        f"{part.zh} {part.en}"
        for block in sheet.blocks
        for part in (block.title, *block.heads, *(p for fact in block.facts for p in fact), *(cell for row in block.rows for cell in row))
    )
    for wanted in (
        "Luhai Multimodal Co., Ltd.", "Chongqing Car Parts", "Sai Gon Motors", "Sai Gon Brokers", "钦州 CNQZH", "Qinzhou CNQZH", "X9560",
        "Beibu Gulf 7", "2026年3月1日", "2026-03-03", "1 Mar 2026", "870899", "40 PX", "19,120.5", "CNY 812,500.00", "USD 1,200.00", "CIP Ho Chi Minh City",
        "ICC (A)", "22G1", "LUHAI 1/40", "发货人", "Consignor", "封志", "Seals",
    ):  # fmt: skip
        assert wanted in said, wanted
    assert (sheet.kind.zh, sheet.kind.en) == ("铁海联运提单", "Rail-sea bill")
    assert sheet.blocks[-1].text == "As agreed.\nSecond line."


@given(bills())
def test_every_document_has_a_sheet_and_a_pdf(bill: Any) -> None:
    sheet = printing.sheet(bill)
    body = pdf.draw(sheet, facts=[(printing.both("Printed"), printing.same("now"))], code="0000", address="http://x/verify/0", ask=printing.both(printing.ASK))
    assert body.startswith(b"%PDF-")
    assert body.rstrip().endswith(b"%%EOF")


def drawn(**changes: Any) -> bytes:
    words = content() | changes
    return pdf.draw(
        printing.sheet(read(words)), facts=[(printing.both("Printed"), printing.same("2026-03-02 12:00"))], code="ABCD-EFGH-JKMN-PQRS",
        address="https://example.org/verify/ABCD-EFGH-JKMN-PQRS", ask=printing.both(printing.ASK), packed=False,
    )  # fmt: skip


def shown(body: bytes) -> str:
    """The text that an uncompressed PDF shows: Chinese runs are in UTF-16, the others in one byte a letter."""
    chinese = re.search(rb"/Name /(F\d+)[^>]*/Subtype /Type0", body) or re.search(rb"/STSong-Light /DescendantFonts.*?/Name /(F\d+)", body, re.S)
    assert chinese, "the Chinese font is there"
    found, font = [], b""
    for switch, run in re.findall(rb"/(F\d+) [\d.]+ Tf|\(((?:\\.|[^\\()])*)\) Tj", body, re.S):
        if switch:
            font = switch
            continue
        raw = re.sub(rb"\\([0-7]{3}|.)", lambda m: bytes([int(m[1], 8)]) if len(m[1]) == 3 else m[1], run, flags=re.S)
        found.append(raw.decode("utf-16-be" if font == chinese[1] else "cp1252"))
    return "".join(found)


def test_the_pdf_opens_and_shows_content_code_and_warning_on_every_page() -> None:
    body = drawn(terms="第一条 提单是唯一提货凭证。\n" * 200)
    pages = len(re.findall(rb"/Type /Page\b", body))
    assert pages >= 3
    text = shown(body)
    assert text.count("ABCD-EFGH-JKMN-PQRS") >= pages + 1
    assert text.replace(" ", "").count("Nodocumentoftitle") >= pages + 1
    for wanted in ("提单是唯一提货凭证", "Sai Gon Motors", "870899", "铁海联运提单"):
        assert wanted.replace(" ", "") in text.replace(" ", ""), wanted
    assert re.search(rb"startxref\s+(\d+)", body)
    assert body[int(re.search(rb"startxref\s+(\d+)", body)[1]) :].startswith(b"xref")  # type: ignore[index]


def test_letters_that_the_fonts_lack_are_written_plainly() -> None:
    shown_ = pdf._shown
    assert shown_("é") == ("é", False)
    assert shown_("陆") == ("陆", True)
    assert shown_("ẵ") == ("a", False)
    assert shown_("Đ") == ("D", False)
    assert shown_("ລ") == ("□", True)
    assert pdf._mixed("a<b&陆") == f'a&lt;b&amp;<font name="{pdf.CHINESE}">陆</font>'


def test_the_square_is_that_of_the_address() -> None:
    made = printing.squares("https://example.org/verify/ABCD-EFGH-JKMN-PQRS")
    assert len(made) == len(made[0])
    finder = [row[:7] for row in made[:7]]
    assert finder[0] == [True] * 7
    assert finder[1] == [True, *[False] * 5, True]
    assert made != printing.squares("https://example.org/verify/ABCD-EFGH-JKMN-PQRT")
    width, path = printing.square_path(made)
    assert width == len(made) + 8
    assert path.count("M") == sum(map(sum, made))


# --- the pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "genuine", "superseded"), [("en", "Genuine.", "superseded"), ("zh-hans", "属实", "已被取代")])
def test_a_copy_from_the_button_to_the_public_page(language: str, genuine: str, superseded: str) -> None:
    c = world.corridor()
    title = world.issued(c)
    client = browser(c.shipper, language)
    form = {"key": str(uuid4()), "act": "print"}
    answer = client.post(f"/transport/{title}/", form)
    assert answer.status_code == 302
    assert client.post(f"/transport/{title}/", form).headers["Location"] == answer.headers["Location"], "pressed twice, printed once"
    with acting(SYSTEM):
        assert Printout.objects.filter(title_id=title).count() == 1
    page = client.get(answer.headers["Location"]).content.decode()
    (code,) = set(re.findall(r"<code>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})</code>", page))
    for wanted in ("副本", "No document of title", "发货人", "Consignor", f"http://testserver/verify/{code}", "<svg"):
        assert wanted in page, wanted
    file = client.get(answer.headers["Location"].replace("/print?", "/document.pdf?"))
    assert (file.status_code, file.headers["Content-Type"]) == (200, "application/pdf")
    assert file.content.startswith(b"%PDF-")
    visitor = Client()
    visitor.cookies["django_language"] = language
    assert genuine in visitor.get(f"/verify/{code}").content.decode()
    assert genuine in visitor.get(f"/verify/?code={code.lower()}").content.decode()
    world.surrendered(c, title)
    commands.deliver(title_id=title, release_id=uuid4(), origin=by(c.carrier))
    assert superseded in visitor.get(f"/verify/{code}").content.decode()


def test_pages_of_copies_are_for_who_sees_the_document() -> None:
    c, stranger = world.corridor(), titles_world.company()
    title = world.issued(c)
    owner = browser(c.shipper)
    assert owner.get(f"/transport/{title}/print").headers["Location"] == f"/transport/{title}/", "there is none yet"
    assert owner.get(f"/transport/{title}/document.pdf").status_code == 404
    code = printed(c.shipper, title)
    assert printing.grouped(code) in owner.get(f"/transport/{title}/print").content.decode()
    assert owner.get(f"/transport/{title}/print?copy=x").status_code == 422
    assert owner.get(f"/transport/{title}/print?copy={uuid4()}").status_code == 404
    other = browser(stranger)
    for path in ("print", "document.pdf"):
        assert other.get(f"/transport/{title}/{path}").status_code == 404
        assert Client().get(f"/transport/{title}/{path}").status_code == 302
    assert other.post(f"/transport/{title}/print", {"key": str(uuid4())}).status_code == 404
    assert Client().get(f"/transport/{title}/print").headers["Location"].startswith("/accounts/login")


def test_the_code_page_is_calm_with_anything_and_stops_who_asks_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = Client(HTTP_ACCEPT_LANGUAGE="en")
    assert "Not known" not in visitor.get("/verify/").content.decode()
    for typed in ("x", "%00", "0" * 16, "ABCD-EFGH-JKMN-PQRS", "%F0%9F%9A%82"):
        assert visitor.get(f"/verify/?code={typed}").status_code in (200, 422), typed
    assert "Not known" in visitor.get("/verify/ABCD-EFGH-JKMN-PQRS").content.decode()
    monkeypatch.setattr(limits, "A_MINUTE", 3)
    cache.clear()
    answers = [visitor.get("/verify/ABCD-EFGH-JKMN-PQRS").status_code for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]
    assert visitor.get("/api/v1/transport/copies/ABCD-EFGH-JKMN-PQRS").status_code == 429
    assert visitor.get("/verify/").status_code == 200
    assert Client(REMOTE_ADDR="10.0.0.9").get("/verify/ABCD-EFGH-JKMN-PQRS").status_code == 200


def test_a_copy_over_the_api_is_one_for_one_key() -> None:
    c = world.corridor()
    title = world.issued(c)
    client = browser(c.shipper)
    body, key = {"id": str(uuid4())}, str(uuid4())
    answers = [
        client.post(f"/api/v1/transport/{title}/copies", body, "application/json", headers={"Idempotency-Key": key}).json() for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert answers[0]["id"] == body["id"]
    (copy,) = client.get(f"/api/v1/transport/{title}/copies").json()["items"]
    assert (printing.grouped(copy["code"]), copy["current"]) == (answers[0]["code"], True)
    stranger = browser(titles_world.company())
    assert stranger.get(f"/api/v1/transport/{title}/copies").status_code == 404
    refused = stranger.post(
        f"/api/v1/transport/{title}/copies", {"id": str(uuid4())}, "application/json", headers={"Idempotency-Key": str(uuid4())}
    )
    assert refused.status_code == 404
    assert Client().get(f"/api/v1/transport/copies/{answers[0]['code']}").json()["standing"] == "genuine"


def test_a_code_on_the_command_line() -> None:
    c = world.corridor()
    code = printed(c.shipper, world.issued(c))
    found = CliRunner().invoke(cli, ["verify", code, "--json"])
    assert found.exit_code == 0, found.output
    assert '"standing": "genuine"' in found.output
    assert "unknown" in CliRunner().invoke(cli, ["verify", "nothing"]).output


