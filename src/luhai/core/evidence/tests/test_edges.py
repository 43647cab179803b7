"""Evidence over HTTP and on the command line: done, refused, unreadable, not permitted, absent, asked twice."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from luhai.core.evidence import api, queries
from luhai.core.evidence.cli import cli
from luhai.core.evidence.tests import world
from luhai.core.evidence.tests.world import (
    bank,
    company,
    consented,
    contract,
    declaration,
    id_of,
    invoice,
    received,
    used,
)
from luhai.core.parties import access
from luhai.core.parties.commands import issue_token
from luhai.core.parties.queries import memberships_of
from luhai.kernel.origin import Actor, Origin, Role
from luhai.kernel.refusal import Refusal

pytestmark = pytest.mark.django_db


class Caller:
    """Somebody with a token."""

    def __init__(self, actor: Actor) -> None:
        (membership,) = memberships_of(actor.person_id)
        secret, key = access.new_secret(), uuid4()
        issue_token(
            membership_id=membership.id, name="t", scopes=["evidence:write"], days=30, secret_digest=access.digest(secret),
            token_id=key, origin=Origin(actor, uuid4(), timezone.now()),
        )  # fmt: skip
        self.token = access.write(key, secret)

    def get(self, path: str) -> Any:
        return Client().get(f"/api/v1/evidence{path}", headers={"Authorization": f"Bearer {self.token}"})

    def items(self, path: str) -> list[Any]:
        answer = self.get(path)
        assert answer.status_code == 200, answer.content
        items: list[Any] = answer.json()["items"]
        return items

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.send("POST", path, body, **more)

    def put(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.send("PUT", path, body, **more)

    def send(self, method: str, path: str, body: Any, *, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key or str(uuid4())}
        data = body if isinstance(body, str) else json.dumps(body or {})
        return Client().generic(method, f"/api/v1/evidence{path}", data, "application/json", headers=headers)

    def deliver(self, document: Any, **more: Any) -> Any:
        return self.post("", {"id": str(uuid4()), "document": document} | more)


def said(answer: Any) -> tuple[int, str]:
    """How a request was refused."""
    assert answer["Content-Type"] == "application/problem+json", answer.content
    return answer.status_code, answer.json()["code"]


def wrong(answer: Any) -> str:
    """Which field could not be read."""
    assert said(answer) == (422, "unreadable"), answer.content
    return str(answer.json()["facts"]["faults"][0]["field"])


# --- documents ----------------------------------------------------------------------------------------------------------


def test_a_document_is_delivered_shown_corrected_and_taken_back() -> None:
    exporter, stranger = company(), company()
    e, s = Caller(exporter), Caller(stranger)
    paper = contract(exporter, 1000_00)
    ask, key = {"id": str(uuid4()), "document": paper, "kind": "contract"}, str(uuid4())
    assert e.post("", ask, key=key).json() == e.post("", ask, key=key).json() == {"ids": [ask["id"]]}
    assert said(e.post("", ask | {"kind": None}, key=key)) == (422, "key_reused")
    again = e.deliver(paper)
    assert (said(again), again.json()["facts"]) == (
        (409, "evidence.already_received"),
        {"evidence": ask["id"]},
    )
    path = f"/{ask['id']}"
    seen = e.get(path).json()
    assert (seen["kind"], seen["amount_minor"], seen["subject"]["en"], seen["format"]) == (
        "contract", 1000_00, "Some Exporter", "luhai.contract",
    )  # fmt: skip
    for tail in ("", "/facts", "/pieces", "/remaining"):
        assert said(s.get(path + tail)) == said(e.get(f"/{uuid4()}{tail}")) == (404, "absent")
    facts = e.get(f"{path}/facts").json()
    assert facts["parties"][0]["identifiers"]["uscc"] == world.uscc_of(exporter)
    assert e.get(f"{path}/remaining").json() == {
        "currency": "USD", "settlement_left": 1000_00, "settlement_used": 0, "financing_left": 800_00, "financing_used": 0,
    }  # fmt: skip
    changed = paper | {"total_amount": "1200.00", "items": [paper["items"][0] | {"amount": "1200.00"}]}
    assert said(s.put(path, {"document": changed})) == (404, "absent")
    assert said(e.put(path, {"document": contract(exporter)})) == (422, "evidence.other_document")
    key = str(uuid4())
    assert (
        e.put(path, {"document": changed}, key=key).json()
        == e.put(path, {"document": changed}, key=key).json()
    )
    assert [(p["version"], p["amount_minor"]) for p in e.items(f"{path}/pieces")] == [
        (2, 1200_00),
        (1, 1000_00),
    ]
    assert said(s.post(f"{path}/cancel", {"reason": "x"})) == (404, "absent")
    assert e.post(f"{path}/cancel", {"reason": "void"}).json() == {"id": ask["id"]}
    assert said(e.post(f"{path}/cancel", {"reason": "void"})) == (409, "evidence.cancelled")
    assert said(e.put(path, {"document": changed})) == (409, "evidence.cancelled")
    assert e.get(path).json()["state"] == "cancelled"


def test_documents_are_listed_page_by_page() -> None:
    exporter = company()
    e = Caller(exporter)
    made = {e.deliver(contract(exporter, n * 777_00 + 13)).json()["ids"][0] for n in range(1, 4)}
    assert len(made) == 3
    first = e.get("?limit=2").json()
    rest = e.get(f"?limit=2&cursor={first['next']}").json()
    assert {i["id"] for i in first["items"] + rest["items"]} == made
    assert (len(first["items"]), rest["next"]) == (2, "")
    number = first["items"][0]["external_ref"]
    assert [i["id"] for i in e.items(f"?text={number.lower()}")] == [first["items"][0]["id"]]
    assert e.items("?kind=invoice") == e.items("?state=cancelled") == []
    assert said(e.get("?cursor=x")) == (422, "invalid")
    assert wrong(e.get("?limit=0")) == "query.limit"
    assert Caller(company()).items("") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "x"}, "body.id"), ({"document": []}, "body.document"), ({"document": {}, "more": 1}, "body.more"),
        ({"document": {}, "subject_id": "x"}, "body.subject_id"), ({"document": {}, "observed_at": "2026-03-02T12:00:00"}, "body.observed_at"),
        ({"document": {}, "signature": {"public": "00", "signature": "00" * 64}}, "body.signature.public"),
        ({"content_base64": ""}, "body.content_base64"), ({"content_base64": "a\x00"}, "body.content_base64"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(body: dict[str, Any], field: str) -> None:
    assert wrong(Caller(company()).post("", {"id": str(uuid4())} | body)) == field


def test_what_is_no_document_is_named() -> None:
    exporter = company()
    e = Caller(exporter)

    def field(**body: Any) -> str:
        answer = e.post("", {"id": str(uuid4())} | body)
        assert said(answer) == (422, "invalid"), answer.content
        return str(answer.json()["facts"]["field"])

    paper = contract(exporter)
    assert field() == field(document=paper, content_base64="e30=") == "document"
    assert field(document={}) == "document"
    assert field(content_base64="?") == "content"
    assert field(content_base64=base64.b64encode(b"<x/>").decode()) == "document"
    assert field(document=paper, kind="love_letter") == field(document=paper, kind="invoice") == "kind"
    assert field(document=paper | {"total_amount": 1000}) == "total_amount"
    assert field(document=paper | {"currency": "XXX"}) == "currency"
    assert said(e.deliver(paper, subject_id=str(uuid4())))[1] in {"absent", "not_entitled"}
    assert said(e.deliver(paper, subject_id=str(id_of(company())))) == (403, "not_entitled")
    assert e.items("") == []


def test_digest_and_signature_are_over_the_bytes_that_were_sent() -> None:
    exporter = company()
    e, key = Caller(exporter), Ed25519PrivateKey.generate()
    sent = json.dumps(contract(exporter), ensure_ascii=False, indent=3).replace(": ", " :\t")
    mark = {"public": key.public_key().public_bytes_raw().hex(), "signature": key.sign(sent.encode()).hex()}

    def body(document: str, **more: Any) -> str:
        rest = json.dumps({"id": str(uuid4()), "kind": "contract"} | more)
        return f' {{ "signature" :{json.dumps(mark)},\n"document"\t: {document} ,{rest[1:]}'

    assert said(e.post("", body(sent.replace("\n", " ")))) == (422, "evidence.wrong_signature")
    made = e.post("", body(sent))
    assert made.status_code == 200, made.content
    (piece,) = e.items(f"/{made.json()['ids'][0]}/pieces")
    assert (piece["digest"], piece["signed"]) == (hashlib.sha256(sent.encode()).hexdigest(), True)
    twice = sent.replace("{", '{"currency" :\t"THB",', 1)
    mark["signature"] = key.sign(twice.encode()).hex()
    refused = e.post("", body(twice))
    assert (said(refused), refused.json()["facts"]["field"]) == ((422, "invalid"), "currency"), (
        "a member that stands twice"
    )


def test_numbers_and_characters_reach_the_reader_as_they_are() -> None:
    e = Caller(company())
    event = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"], "type": "ObjectEvent",
        "eventTime": "2026-03-02T12:00:00.000+08:00", "eventTimeZoneOffset": "+08:00", "action": "OBSERVE",
        "quantityList": [{"epcClass": "urn:epc:class:lgtin:4012345.012345.998877", "quantity": 0, "uom": "KGM"}],
    }  # fmt: skip
    exact = json.dumps(event).replace('"quantity": 0', '"quantity": 2.50000000000000000001')
    made = e.post("", f'{{"id": "{uuid4()}", "document": {exact}}}')
    assert made.status_code == 200, made.content
    (piece,) = e.items(f"/{made.json()['ids'][0]}/pieces")
    assert piece["payload"]["quantityList"][0]["quantity"] == "2.50000000000000000001", "no float on the way"
    odd = exact.replace("OBSERVE", "\\ud800")
    assert said(e.post("", f'{{"id": "{uuid4()}", "document": {odd}}}')) == (422, "invalid")
    deep = "[" * 5000 + "]" * 5000
    assert said(e.post("", f'{{"id": "{uuid4()}", "document": {{"a": {deep}}}}}'))[1] in {
        "invalid",
        "unreadable",
    }


def test_a_file_of_bytes_is_a_document_too() -> None:
    exporter = company()
    e = Caller(exporter)
    data = json.dumps(declaration(exporter)).encode()
    made = e.post("", {"id": str(uuid4()), "content_base64": base64.b64encode(data).decode()})
    (piece,) = e.items(f"/{made.json()['ids'][0]}/pieces")
    assert piece["digest"] == hashlib.sha256(data).hexdigest()


# --- uses ---------------------------------------------------------------------------------------------------------------


def test_a_document_is_used_freed_and_changes_form() -> None:
    exporter, first, second = company(), bank(), bank(world.GUANGXI)
    e, one, two = Caller(exporter), Caller(first), Caller(second)
    order = contract(exporter, 1000_00)
    a = e.deliver(order).json()["ids"][0]
    ask = {"id": str(uuid4()), "evidence_id": a, "purpose": "financing", "amount": 600_00, "currency": "USD"}
    assert said(e.post("/uses", ask)) == (403, "not_permitted")
    assert said(one.post("/uses", ask)) == (403, "evidence.not_consented")
    for lender in (first, second):
        consented(exporter, lender)
    assert said(one.post("/uses", ask | {"evidence_id": str(uuid4())})) == (404, "absent")
    assert said(one.post("/uses", ask | {"currency": "CNY"})) == (422, "evidence.currency_differs")
    assert one.post("/uses", ask | {"purpose": "fun"}).json()["facts"]["field"] == "purpose"
    for amount in (0, -1, 1.5, "7", 2**53, True, None):
        assert wrong(one.post("/uses", ask | {"amount": amount})) == "body.amount"
    key = str(uuid4())
    assert (
        one.post("/uses", ask, key=key).json() == one.post("/uses", ask, key=key).json() == {"id": ask["id"]}
    )
    other, key = ask | {"id": str(uuid4()), "amount": 201_00}, str(uuid4())
    for _ in range(2):  # asked twice, refused once: the lender before is told of it once
        refused = two.post("/uses", other, key=key)
        assert (said(refused), refused.json()["facts"]["remaining"]) == ((409, "evidence.used_up"), 200_00)
    assert two.post("/uses", other | {"amount": 200_00}).status_code == 200
    mine = one.get(f"/uses/{ask['id']}").json()
    assert (mine["left"], mine["contested"], mine["others"], mine["user"]["en"]) == (
        600_00,
        1,
        1,
        "Some Bank",
    )
    assert [u["id"] for u in one.items("/uses")] == [ask["id"]]
    assert said(two.get(f"/uses/{ask['id']}")) == said(one.get(f"/uses/{uuid4()}")) == (404, "absent")
    page = e.get(f"/uses?limit=1&evidence_id={a}").json()
    assert len(page["items"]) == len(e.items(f"/uses?limit=1&cursor={page['next']}")) == 1
    b = e.deliver(declaration(exporter, 1000_00, contract_no=order["contract_no"])).json()["ids"][0]
    path = f"/uses/{ask['id']}"
    assert said(two.post(f"{path}/convert", {"to": b})) == (404, "absent")
    assert said(one.post(f"{path}/convert", {"to": a})) == (409, "evidence.other_goods")
    assert wrong(one.post(f"{path}/convert", {})) == "body.to"
    assert one.post(f"{path}/convert", {"to": b}).json() == {"id": ask["id"]}
    assert one.get(path).json()["forms"] == [a]
    assert said(two.post(f"{path}/free", {})) == (404, "absent")
    assert one.post(f"{path}/free", {"amount": 600_01}).json()["facts"]["field"] == "amount"
    key = str(uuid4())
    assert one.post(f"{path}/free", {"amount": 100_00}, key=key).json() == {"freed": 100_00}
    assert one.post(f"{path}/free", {"amount": 100_00}, key=key).json() == {"freed": 100_00}
    assert one.post(f"{path}/free").json() == {"freed": 500_00}
    assert one.items("/uses?only_open=true") == []


def test_a_settlement_is_given_back_with_a_reason() -> None:
    exporter, payer = company(), bank()
    p = Caller(payer)
    consented(exporter, payer, "settlement")
    use = used(payer, received(declaration(exporter, 100_00), exporter), 100_00, "settlement")
    assert p.post(f"/uses/{use}/free").json()["facts"]["field"] == "reason"
    assert p.post(f"/uses/{use}/free", {"reason": "returned by the beneficiary's bank"}).json() == {
        "freed": 100_00
    }


# --- goods and reviews --------------------------------------------------------------------------------------------------


def test_goods_are_shown_and_joined() -> None:
    exporter, judge = company(), world.official()
    e, j = Caller(exporter), Caller(judge)
    papers = [contract(exporter, 1000_00), declaration(exporter, 900_00)]
    for paper in papers:
        assert e.deliver(paper).status_code == 200
    first = e.get("/lots?limit=1").json()
    found = first["items"] + e.items(f"/lots?limit=1&cursor={first['next']}")
    assert {k: v for lot in found for k, v in lot["by_kind"].items()} == {
        "contract": 800_00, "customs_declaration": 720_00,
    }  # fmt: skip
    ids = [lot["id"] for lot in found]
    body = {"lot_ids": ids, "why": "one wagon"}
    assert said(e.post("/lots/join", body)) == (403, "not_permitted")
    assert said(j.post("/lots/join", body | {"lot_ids": [ids[0], str(uuid4())]})) == (404, "absent")
    assert wrong(j.post("/lots/join", body | {"lot_ids": ids[:1]})) == "body.lot_ids"
    assert j.post("/lots/join", body | {"lot_ids": [ids[0]] * 2}).json()["facts"]["field"] == "lot_ids"
    key = str(uuid4())
    heir = j.post("/lots/join", body, key=key).json()["id"]
    assert j.post("/lots/join", body, key=key).json() == {"id": heir}
    (lot,) = e.items("/lots")
    assert (lot["id"], lot["left"], {f["kind"] for f in lot["forms"]}) == (
        heir,
        800_00,
        {"contract", "customs_declaration"},
    )
    assert [e.get(f"/lots/{i}").json()["id"] for i in ids] == [heir, heir], (
        "a lot that was absorbed shows its heir"
    )
    assert said(Caller(company()).get(f"/lots/{heir}")) == (404, "absent")


@pytest.mark.parametrize(
    ("outcome", "then"), [("distinct", 200), ("same_goods", 200), ("same_document", 409)]
)
def test_what_looks_alike_goes_to_a_person(outcome: str, then: int) -> None:
    exporter, judge = company(), world.official(Role.OPERATOR)
    e, j = Caller(exporter), Caller(judge)
    e.deliver(contract(exporter, 1000_00, contract_no="CQ-2026-018"))
    copy, key = (
        {"id": str(uuid4()), "document": contract(exporter, 1000_00, contract_no="CQ-2O26-018")},
        str(uuid4()),
    )
    refused = [e.post("", copy, key=key) for _ in range(2)]
    assert [said(r) for r in refused] == [(409, "evidence.near_duplicate")] * 2
    (review,) = e.items("/reviews")
    assert {r.json()["facts"]["review"] for r in refused} == {review["id"]}
    assert (review["external_ref"], review["evidence"]["external_ref"]) == ("CQ-2O26-018", "CQ-2026-018")
    assert Caller(company()).items("/reviews") == []
    path, body = f"/reviews/{review['id']}/clear", {"outcome": outcome, "why": "both seen"}
    assert said(e.post(path, body)) == (403, "not_permitted")
    assert said(j.post(f"/reviews/{uuid4()}/clear", body)) == (404, "absent")
    assert j.post(path, body | {"outcome": "?"}).json()["facts"]["field"] == "outcome"
    assert wrong(j.post(path, {"outcome": outcome})) == "body.why"
    assert j.post(path, body).json() == {"id": review["id"]}
    assert said(j.post(path, body)) == (409, "evidence.already_answered")
    assert (j.items("/reviews"), j.items("/reviews?waiting=false")[0]["outcome"]) == ([], outcome)
    assert said(e.post("", copy, key=key)) == (409, "evidence.near_duplicate"), "a key stays refused"
    answer = e.post("", copy)
    assert answer.status_code == then, answer.content
    assert len(e.items("/lots")) == (2 if outcome == "distinct" else 1)


# --- consents and readings ----------------------------------------------------------------------------------------------


def until(days: float = 30) -> str:
    return (timezone.now() + timedelta(days=days)).isoformat()


def test_a_consent_is_asked_for_given_read_by_and_withdrawn() -> None:
    exporter, reader, other = company(), bank(), bank()
    e, r, o = Caller(exporter), Caller(reader), Caller(other)
    paper = str(received(declaration(exporter), exporter))
    tried = r.post(f"/{paper}/readings", {"purpose": "assessment"}).json()
    assert (tried["granted"], tried["why"]) == (False, "no_consent")
    assert said(r.get(f"/readings/{tried['receipt_id']}")) == (404, "absent")
    ask, key = (
        {"id": str(uuid4()), "grantor_id": str(id_of(exporter)), "purpose": "assessment", "until": until()},
        str(uuid4()),
    )
    assert (
        r.post("/consents/ask", ask, key=key).json()
        == r.post("/consents/ask", ask, key=key).json()
        == {"id": ask["id"]}
    )
    path = f"/consents/{ask['id']}"
    assert e.get(path).json()["state"] == "asked"
    assert said(o.get(path)) == said(o.post(f"{path}/answer", {"yes": True})) == (404, "absent")
    assert said(r.post(f"{path}/answer", {"yes": True})) == (404, "absent")
    assert e.post(f"{path}/answer", {"yes": True, "until": until(31)}).json()["facts"]["field"] == "until"
    assert wrong(e.post(f"{path}/answer", {})) == "body.yes"
    key, shorter = str(uuid4()), {"yes": True, "until": until(9)}
    for _ in range(2):
        assert e.post(f"{path}/answer", shorter, key=key).json() == {"id": ask["id"]}
    assert said(e.post(f"{path}/answer", {"yes": False})) == (409, "evidence.consent_act_not_allowed")
    key = str(uuid4())
    read, again = (r.post(f"/{paper}/readings", {"purpose": "assessment"}, key=key).json() for _ in range(2))
    assert read == again
    assert (read["granted"], read["why"]) == (True, "consent")
    (piece,) = r.items(f"/readings/{read['receipt_id']}")
    assert piece["payload"]["format"] == "luhai.customs-declaration"
    assert r.get(f"/{paper}").status_code == 200, "what may be read is seen"
    assert said(o.get(f"/readings/{read['receipt_id']}")) == (404, "absent")
    about = e.items("/receipts?about_me=true")
    assert [(x["granted"], x["reader"]["id"]) for x in about] == [
        (True, str(id_of(reader))),
        (False, str(id_of(reader))),
    ]
    page = r.get(f"/receipts?limit=1&evidence_id={paper}").json()
    assert [x["id"] for x in page["items"]] == [read["receipt_id"]]
    (refused,) = r.items(f"/receipts?limit=1&cursor={page['next']}")
    assert refused["external_ref"] == "", "who was refused does not learn the number"
    assert o.items("/receipts") == r.items("/receipts?about_me=true") == []
    assert said(r.post(f"{path}/withdraw")) == (404, "absent"), "given, it is the grantor's to end"
    key = str(uuid4())
    assert (
        e.post(f"{path}/withdraw", key=key).json()
        == e.post(f"{path}/withdraw", key=key).json()
        == {"id": ask["id"]}
    )
    assert said(r.get(f"/readings/{read['receipt_id']}")) == said(r.get(f"/{paper}")) == (404, "absent")
    assert [c["state"] for c in r.items("/consents")] == ["withdrawn"]


def test_a_consent_is_given_unasked_in_its_own_words() -> None:
    exporter, reader = company(), bank()
    e, r = Caller(exporter), Caller(reader)
    paper, strange = received(declaration(exporter), exporter), received(declaration(o := company()), o)
    body = {"id": str(uuid4()), "grantee_id": str(id_of(reader)), "purpose": "assessment", "until": until()}
    for more, field in (
        ({"purpose": "fun"}, "purpose"), ({"kinds": ["love_letter"]}, "kinds"), ({"until": until(-1)}, "until"),
        ({"until": until(400)}, "until"), ({"pieces": [str(strange)]}, "pieces"), ({"abroad": True}, "abroad"),
        ({"grantee_id": str(id_of(exporter))}, "grantee_id"),
    ):  # fmt: skip
        refused = e.post("/consents", body | more)
        assert (said(refused), refused.json()["facts"]["field"]) == ((422, "invalid"), field)
    for more, field in (
        ({"until": "2026-06-30T00:00:00"}, "body.until"), ({"kinds": "all"}, "body.kinds"), ({"pieces": ["x"]}, "body.pieces.0"),
        ({"one_off": "maybe"}, "body.one_off"), ({"grantee_id": None}, "body.grantee_id"),
    ):  # fmt: skip
        assert wrong(e.post("/consents", body | more)) == field
    assert said(e.post("/consents", body | {"grantee_id": str(uuid4())})) == (404, "absent")
    assert said(Caller(world.official()).post("/consents", body)) == (403, "not_permitted")
    once = body | {"one_off": True, "pieces": [str(paper)], "kinds": ["customs_declaration"]}
    assert e.post("/consents", once).json() == {"id": body["id"]}
    assert e.post("/consents", once).json()["facts"]["field"] == "consent_id"
    assert [r.post(f"/{paper}/readings", {"purpose": "assessment"}).json()["why"] for _ in range(2)] == [
        "consent",
        "spent",
    ]
    assert r.post(f"/{paper}/readings", {"purpose": "?"}).json()["facts"]["field"] == "purpose"
    assert wrong(r.post(f"/{paper}/readings", {})) == "body.purpose"
    assert said(r.post(f"/{uuid4()}/readings", {"purpose": "assessment"})) == (404, "absent")
    shown = e.get(f"/consents/{body['id']}").json()
    assert (shown["state"], shown["kinds"], shown["pieces"]) == (
        "spent",
        ["customs_declaration"],
        [str(paper)],
    )


def test_a_consent_to_a_bank_abroad_waits_for_a_supervisor() -> None:
    exporter, reader, judge = company(), bank(role=Role.PARTNER, country="TH"), world.official()
    e, r, j = Caller(exporter), Caller(reader), Caller(judge)
    paper = received(declaration(exporter), exporter)
    body = {
        "id": str(uuid4()),
        "grantee_id": str(id_of(reader)),
        "purpose": "assessment",
        "until": until(),
        "abroad": True,
    }
    assert e.post("/consents", body | {"abroad": False}).json()["facts"]["field"] == "abroad"
    assert e.post("/consents", body).status_code == 200
    assert r.post(f"/{paper}/readings", {"purpose": "assessment"}).json()["why"] == "not_reviewed"
    path = f"/consents/{body['id']}/review"
    assert said(e.post(path)) == (403, "not_permitted")
    assert said(j.post(f"/consents/{uuid4()}/review")) == (404, "absent")
    assert j.post(path).json() == {"id": body["id"]}
    assert said(j.post(path)) == (409, "evidence.consent_act_not_allowed")
    assert r.post(f"/{paper}/readings", {"purpose": "assessment"}).json()["granted"]


def test_an_official_reads_by_law_and_leaves_a_receipt() -> None:
    exporter, judge = company(), world.official()
    j, paper = Caller(judge), received(invoice(exporter), exporter)
    read = j.post(f"/{paper}/readings", {"purpose": "supervision"}).json()
    assert (read["granted"], read["why"]) == (True, "office")
    assert len(j.items(f"/readings/{read['receipt_id']}")) == 1
    assert [x["why"] for x in Caller(exporter).items("/receipts?about_me=true")] == ["office"]


# --- nobody, and everybody ----------------------------------------------------------------------------------------------

ONE = UUID(int=1)
WRITES = (
    ("POST", "", {"id": str(ONE), "document": {}}), ("PUT", f"/{ONE}", {"document": {}}),
    ("POST", f"/{ONE}/cancel", {"reason": "x"}), ("POST", f"/{ONE}/readings", {"purpose": "assessment"}),
    ("POST", "/uses", {"id": str(ONE), "evidence_id": str(ONE), "purpose": "financing", "amount": 1, "currency": "USD"}),
    ("POST", f"/uses/{ONE}/free", {}), ("POST", f"/uses/{ONE}/convert", {"to": str(ONE)}),
    ("POST", "/lots/join", {"lot_ids": [str(ONE), str(UUID(int=2))], "why": "x"}),
    ("POST", f"/reviews/{ONE}/clear", {"outcome": "distinct", "why": "x"}),
    ("POST", "/consents", {"id": str(ONE), "grantee_id": str(ONE), "purpose": "assessment", "until": "2026-06-30T00:00:00Z"}),
    ("POST", "/consents/ask", {"id": str(ONE), "grantor_id": str(ONE), "purpose": "assessment", "until": "2026-06-30T00:00:00Z"}),
    ("POST", f"/consents/{ONE}/answer", {"yes": True}), ("POST", f"/consents/{ONE}/withdraw", None),
    ("POST", f"/consents/{ONE}/review", None),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_write_needs_a_name_and_a_key(method: str, path: str, body: Any) -> None:
    url, data = f"/api/v1/evidence{path}", json.dumps(body or {})
    nobody = Client().generic(
        method, url, data, "application/json", headers={"Idempotency-Key": str(uuid4())}
    )
    assert said(nobody) == (401, "sign_in")
    mine = {"Authorization": f"Bearer {Caller(world.official(Role.OPERATOR)).token}"}
    for key in ({}, {"Idempotency-Key": "1"}):
        assert wrong(Client().generic(method, url, data, "application/json", headers=mine | key)).startswith(
            "header"
        )


def test_every_write_is_in_the_table_above() -> None:
    named = {(m, resolve(f"/api/v1/evidence{path}").route) for m, path, _ in WRITES}
    paths = {
        p: o
        for p, o in Client().get("/api/v1/openapi.json").json()["paths"].items()
        if p.startswith("/api/v1/evidence")
    }
    written = [(m, p) for p, operations in paths.items() for m in operations if m != "get"]
    assert len(named) == len(written) == len(WRITES)


READS = (
    "", "/uses", "/lots", "/reviews", "/consents", "/receipts", f"/{ONE}", f"/{ONE}/facts", f"/{ONE}/pieces", f"/{ONE}/remaining",
    f"/uses/{ONE}", f"/lots/{ONE}", f"/consents/{ONE}", f"/readings/{ONE}",
)  # fmt: skip


@pytest.mark.parametrize("path", READS)
def test_nobody_reads_without_a_name(path: str) -> None:
    assert said(Client().get(f"/api/v1/evidence{path}")) == (401, "sign_in")


@pytest.mark.parametrize(
    ("shown", "view"),
    [
        (api.EvidenceNamed, queries.Named), (api.EvidenceOut, queries.EvidenceView), (api.EvidencePieceOut, queries.PieceView),
        (api.EvidenceFactsOut, queries.Facts), (api.EvidenceRemainingOut, queries.Remaining), (api.EvidenceUseOut, queries.UseView),
        (api.EvidenceLotOut, queries.LotView), (api.EvidenceReviewOut, queries.ReviewView),
        (api.EvidenceConsentOut, queries.ConsentView), (api.EvidenceReceiptOut, queries.ReceiptView),
    ],
)  # fmt: skip
def test_the_api_shows_all_that_a_query_answers(shown: Any, view: Any) -> None:
    assert list(shown.model_fields) == [f.name for f in fields(view)]


# --- the command line ---------------------------------------------------------------------------------------------------


def run(*words: str) -> Any:
    result = CliRunner().invoke(cli, [*words, "--json"], catch_exceptions=False, standalone_mode=False)
    return json.loads(result.stdout.splitlines()[-1])


def table(*words: str) -> str:
    result = CliRunner().invoke(cli, list(words), catch_exceptions=False, standalone_mode=False)
    assert result.exit_code == 0, result.output
    return result.output


def email(actor: Actor) -> str:
    (membership,) = memberships_of(actor.person_id)
    return membership.email


def test_the_command_line_delivers_and_shows(tmp_path: Path) -> None:
    exporter, lender = company(), bank()
    file, paper = tmp_path / "paper.json", contract(exporter, 1000_00)
    file.write_text(json.dumps(paper), encoding="utf-8")
    words = ["receive", str(file), "--kind", "contract", "--as", email(exporter)]
    made = run(*words)
    assert run(*words, "--key", made["key"]) == made, "the same key is the same request"
    with pytest.raises(Refusal) as refused:
        run(*words)
    assert refused.value.code == "evidence.already_received"
    (key,) = made["ids"]
    file.write_text(json.dumps(invoice(exporter, 70_00)), encoding="utf-8")
    (other,) = run("receive", str(file), "--for", str(id_of(exporter)), "--as", email(lender))["ids"]
    assert [e["id"] for e in run("list", "--kind", "contract", "--as", email(exporter))["items"]] == [key]
    first = run("list", "--limit", "1", "--as", email(exporter))
    second = run("list", "--limit", "1", "--cursor", first["next"], "--as", email(exporter))
    assert {first["items"][0]["id"], second["items"][0]["id"]} == {key, other}
    assert (
        run("list", "--text", paper["contract_no"].lower(), "--as", email(exporter))["items"][0]["id"] == key
    )
    consented(exporter, lender)
    use = str(used(lender, UUID(key), 300_00))
    shown = run("show", key)
    assert (shown["evidence"]["id"], shown["remaining"]["financing_left"], shown["uses"][0]["id"]) == (
        key,
        500_00,
        use,
    )
    assert [u["id"] for u in run("uses", "--evidence", key, "--open", "--as", email(lender))["items"]] == [
        use
    ]
    assert {lot["left"] for lot in run("lots", "--as", email(exporter))["items"]} == {500_00, 56_00}
    assert [c["state"] for c in run("consents", "--as", email(lender))["items"]] == ["given"]
    Caller(lender).post(f"/{key}/readings", {"purpose": "financing"})
    assert [r["granted"] for r in run("receipts", "--about-me", "--as", email(exporter))["items"]] == [True]
    assert [r["id"] for r in run("receipts", "--evidence", other)["items"]] == []
    for words, word in (
        (["list"], "contract"), (["show", key], "500.00 USD"), (["uses"], "300.00"), (["lots"], "56.00"), (["consents"], "financing"),
        (["receipts"], "granted"),
    ):  # fmt: skip
        assert word in table(*words)


def test_the_command_line_says_no(tmp_path: Path) -> None:
    exporter = company()
    key = str(received(contract(exporter), exporter))
    for words in (["show", str(uuid4())], ["show", key, "--as", email(company())]):
        with pytest.raises(Refusal) as refused:
            run(*words)
        assert refused.value.code == "absent"
    file = tmp_path / "paper.json"
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(Refusal) as refused:
        run("receive", str(file), "--as", email(exporter))
    assert refused.value.facts["field"] == "document"
    for words in (
        ["receive", str(file)], ["receive", "nowhere.json", "--as", "x"], ["receive", str(file), "--as", "nobody@example.org"],
        ["list", "--kind", "love_letter"], ["show", "17"], ["uses", "--limit", "0"], ["attack", "--seconds", "0"],
    ):  # fmt: skip
        assert CliRunner().invoke(cli, words).exit_code == 2, words


def test_the_example_in_the_description_is_a_document() -> None:
    seller = world.party("company", Role.COMPANY, numbers={"uscc": api.CONTRACT["seller"]["uscc"]})
    assert Caller(seller).deliver(api.CONTRACT).status_code == 200


# --- the paper ----------------------------------------------------------------------------------------------------------


def test_the_worked_example_of_the_paper() -> None:
    """docs/algorithms/evidence-used-once.md, line by line; what its tables say is what the API answers."""
    exporter, lenders = company(), [bank(), bank(world.GUANGXI)]
    e, (a, b) = Caller(exporter), [Caller(lender) for lender in lenders]
    for lender in lenders:
        consented(exporter, lender)
        consented(exporter, lender, "settlement")

    def finance(who: Caller, paper: str, yuan: int, purpose: str = "financing") -> Any:
        ask = {
            "id": str(uuid4()),
            "evidence_id": paper,
            "purpose": purpose,
            "amount": yuan * 100,
            "currency": "CNY",
        }
        return who.post("/uses", ask)

    def goods() -> tuple[int, int]:
        (lot,) = e.items("/lots")
        return lot["used"] // 100, lot["left"] // 100

    def alert(who: Caller, use: Any) -> str:
        return str(who.get(f"/uses/{use.json()['id']}").json()["alert"])

    paper = contract(exporter, 1_000_000_00, "CNY", signed_on="2026-02-10")
    order = e.deliver(paper).json()["ids"][0]
    assert goods() == (0, 800_000)
    one = finance(a, order, 500_000)
    assert goods() == (500_000, 300_000)
    declared = declaration(exporter, 1_000_000_00, "CNY", contract_no=paper["contract_no"])
    customs = e.deliver(declared).json()["ids"][0]
    assert goods() == (500_000, 300_000)
    assert finance(b, customs, 400_000).json()["facts"]["remaining"] == 300_000_00
    two = finance(b, customs, 300_000)
    assert goods() == (800_000, 0)
    assert a.post(f"/uses/{one.json()['id']}/convert", {"to": customs}).status_code == 200
    assert e.get(f"/{order}/remaining").json()["financing_used"] == 0
    assert goods() == (800_000, 0)
    billed = invoice(
        exporter,
        1_050_000_00,
        contract_nos=[paper["contract_no"]],
        declaration_nos=[declared["declaration_no"]],
    )
    bill = e.deliver(billed).json()["ids"][0]
    assert goods() == (800_000, 40_000)
    assert b.post(f"/uses/{two.json()['id']}/convert", {"to": bill}).status_code == 200
    assert finance(a, customs, 1_000_000, "settlement").status_code == 200
    assert said(finance(b, customs, 1, "settlement")) == (409, "evidence.used_up")
    red = invoice(
        exporter, -800_000_00, kind="red_general", corrects=billed["invoice_no"], buyer=billed["buyer"]
    )
    assert e.deliver(red).json()["ids"] == [bill]
    assert e.get(f"/{bill}").json()["amount_minor"] == 250_000_00
    assert (goods(), alert(b, two), alert(a, one)) == ((800_000, 0), "below_use", "")
    assert b.post(f"/uses/{two.json()['id']}/free").json() == {"freed": 300_000_00}
    assert (goods(), alert(b, two)) == ((500_000, 300_000), "")


def test_the_papers_goods_that_turn_out_to_be_one() -> None:
    exporter, lenders = company(), [bank(), bank()]
    e, (a, b) = Caller(exporter), [Caller(lender) for lender in lenders]
    for lender in lenders:
        consented(exporter, lender)
    ordered, declared = contract(exporter, 1_000_000_00, "CNY"), declaration(exporter, 900_000_00, "CNY")
    uses_ = []
    for who, document, yuan in ((a, ordered, 800_000), (b, declared, 720_000)):
        (key,) = e.deliver(document).json()["ids"]
        ask = {
            "id": str(uuid4()),
            "evidence_id": key,
            "purpose": "financing",
            "amount": yuan * 100,
            "currency": "CNY",
        }
        assert who.post("/uses", ask).status_code == 200
        uses_.append((who, ask["id"]))
    assert len(e.items("/lots")) == 2
    link = invoice(
        exporter,
        900_000_00,
        contract_nos=[ordered["contract_no"]],
        declaration_nos=[declared["declaration_no"]],
    )
    assert e.deliver(link).status_code == 200
    (lot,) = e.items("/lots")
    assert (lot["used"], lot["left"]) == (1_520_000_00, 0)
    assert max(lot["by_kind"].values()) == 800_000_00
    assert [who.get(f"/uses/{use}").json()["alert"] for who, use in uses_] == ["overfinanced"] * 2
    assert b.post(f"/uses/{uses_[1][1]}/free").status_code == 200
    assert a.get(f"/uses/{uses_[0][1]}").json()["alert"] == ""
