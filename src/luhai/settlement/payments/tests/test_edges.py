"""Each door of payments: what it answers, in exact status and code, and that nothing changes on a refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from ninja import NinjaAPI
from ninja.testing import TestClient

from luhai.core.parties import queries as parties
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.settlement.messages.message import Account as Held
from luhai.settlement.messages.message import Party
from luhai.settlement.messages.write import write
from luhai.settlement.payments import queries
from luhai.settlement.payments.api import router
from luhai.settlement.payments.cli import cli
from luhai.settlement.payments.tests.world import Desk, company, id_of, official, state
from luhai.shell.api import install

pytestmark = pytest.mark.django_db


class Caller:
    """The routes of payments on an API of their own, as the platform's own installs it, with a chosen actor."""

    def __init__(self) -> None:
        api = NinjaAPI(urls_namespace=f"payments-{uuid4().hex}")
        install(api)
        api.add_router("/payments", router)
        self.client = TestClient(api)

    def get(self, path: str, actor: Actor) -> tuple[int, Any]:
        answer = self.client.get(f"/payments{path}", actor=actor)
        return answer.status_code, answer.json()

    def post(self, path: str, actor: Actor, body: dict[str, Any] | None = None, key: Any = None) -> tuple[int, Any]:
        headers = {"Idempotency-Key": str(key or uuid4())}
        answer = self.client.post(f"/payments{path}", json=body or {}, headers=headers, actor=actor)
        return answer.status_code, answer.json()


@pytest.fixture
def http() -> Caller:
    return Caller()


def email_of(actor: Actor) -> str:
    (membership,) = parties.memberships_of(actor.person_id)
    return membership.email


def test_a_payment_over_http(http: Caller) -> None:
    desk = Desk()
    account = str(uuid4())
    body = {"id": account, "company_id": str(id_of(desk.company)), "number": "6222-01", "currency": "USD"}
    assert http.post("/accounts", desk.bank, body) == (200, {"id": account})
    assert http.post("/accounts", desk.bank, body | {"id": str(uuid4())})[1]["code"] == "payments.number_taken"
    assert http.post("/accounts", desk.company, body)[0] == 403
    assert {a["number"] for a in http.get("/accounts", desk.company)[1]["items"]} == {"6222-01", desk.number}

    tx = desk.transaction()
    parties_ = tuple(
        Party(role=p.role, name=p.name, address=p.address, account=Held(number="6222-01")) if p.role == "creditor" else p
        for p in tx.parties
    )
    content = write(desk.order(desk.transaction(parties=parties_))).decode()
    key = uuid4()
    status, answer = http.post("/messages", desk.partner, {"content": content}, key)
    assert (status, answer["status"], answer["reason"]) == (200, "ACSP", None)
    assert http.post("/messages", desk.partner, {"content": content}, key) == (status, answer), "the same key is the same request"
    payment = answer["payment_id"]
    assert [p["id"] for p in http.get("?state=RECEIVED", desk.partner)[1]["items"]] == [payment]
    assert http.get(f"/{payment}", company())[1]["code"] == "absent", "strangers do not learn that it exists"

    for paper in desk.papers():
        assert http.post(f"/{payment}/attach", desk.company, {"evidence_id": str(paper)}) == (200, {"id": payment})
    spare = str(desk.declared(5_000_00))
    assert http.post(f"/{payment}/attach", desk.company, {"evidence_id": spare})[0] == 200
    assert http.post(f"/{payment}/detach", desk.company, {"evidence_id": spare})[0] == 200
    assert http.post(f"/{payment}/settle", desk.bank)[1]["code"] == "payments.act_not_allowed"
    assert http.post(f"/{payment}/check", desk.bank, {"situation": "goods_after_shipment"})[0] == 200
    status, seen = http.get(f"/{payment}", desk.bank)
    assert (status, seen["state"], seen["may"], len(seen["attachments"])) == (200, "CLEAR", ["check", "settle", "return"], 2)
    assert {"name", "status", "required", "field", "wanted", "found", "measure", "rule"} <= set(seen["verdict"]["findings"][0])
    assert http.post(f"/{payment}/settle", desk.bank) == (200, {"id": payment})
    seen = http.get(f"/{payment}", desk.company)[1]
    assert (seen["state"], seen["credit"]["amount"], seen["credit"]["number"]) == ("CREDITED", 10_000_00, "6222-01")
    assert [e["act"] for e in seen["timeline"]] == [
        "receive", "attach", "attach", "attach", "detach", "check", "settle",
    ]  # fmt: skip
    messages = http.get(f"/{payment}/messages", desk.company)[1]["items"]
    assert [m["type"][:8] for m in messages] == ["pacs.008", "pacs.002", "pacs.002", "camt.054"]
    assert messages[0]["content"] == content
    assert http.get(f"/{payment}", official(Role.SUPERVISOR))[0] == 200


def test_an_override_and_a_return_over_http(http: Caller) -> None:
    desk = Desk()
    first, second = desk.came(), desk.came(5_00)
    http.post(f"/{first}/check", desk.bank, {"situation": "goods_collection"})
    said = {"reason_code": "agency_import", "reason": "agency contract on file"}
    assert http.post(f"/{first}/override", desk.bank, said)[0] == 200
    assert http.post(f"/{first}/approve", desk.bank)[1]["code"] == "payments.same_person"
    assert http.post(f"/{first}/approve", desk.second)[0] == 200
    seen = http.get(f"/{first}", desk.bank)[1]
    assert (seen["state"], seen["verdict"]["override"]["reason_code"]) == ("OVERRIDDEN", "agency_import")
    assert http.post(f"/{second}/return", desk.bank, {"reason_code": "CUST", "reason": "not ordered"})[0] == 200
    assert state(second) == "RETURNED"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("check", {"situation": "services"}, "situation"),
        ("override", {"reason_code": "x", "reason": "r"}, "reason_code"),
        ("return", {"reason_code": "X", "reason": "r"}, "reason_code"),
        ("return", {"reason_code": "CUST", "reason": "退回"}, "reason"),
    ],
)
def test_a_mistake_is_named(http: Caller, path: str, body: dict[str, Any], field: str) -> None:
    desk = Desk()
    payment = desk.came()
    if path == "override":
        desk.check(payment)
    before = state(payment)
    status, said = http.post(f"/{payment}/{path}", desk.bank, body)
    assert (status, said["facts"].get("field")) == (422, field), said
    assert state(payment) == before


def test_a_message_that_is_none_is_a_problem_that_names_the_element(http: Caller) -> None:
    desk = Desk()
    for content in ("<a/>", "nothing", "\ud800", "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08'/>"):
        status, said = http.post("/messages", desk.bank, {"content": content})
        assert status in {400, 422}, content
        assert said["code"] in {"invalid", "unreadable"} or "field" in said["facts"], said
    assert not queries.payments(viewer=SYSTEM).items


def test_lists_go_on_where_they_ended(http: Caller) -> None:
    desk = Desk()
    payments = {str(desk.came(n + 1)) for n in range(5)}
    for _ in range(3):
        desk.send(write(desk.order()).replace(desk.number.encode(), b"12345"))
    for path, wanted in (("", 5), ("/rejections", 3)):
        found, cursor = [], ""
        while True:
            status, page = http.get(f"{path}?limit=2&cursor={cursor}", desk.bank)
            assert status == 200
            found += page["items"]
            if not (cursor := page["next"]):
                break
        assert len(found) == wanted
        if not path:
            assert {p["id"] for p in found} == payments
        assert http.get(f"{path}?cursor=nonsense", desk.bank)[0] == 422
    assert http.get("?state=GONE", desk.bank)[0] == 422


def run(*words: str, given: str | None = None) -> tuple[int, Any]:
    result = CliRunner().invoke(cli, [*words, "--json"], input=given)
    return result.exit_code, json.loads(result.stdout.splitlines()[-1]) if result.stdout else {}


def test_the_command_line(tmp_path: Path) -> None:
    desk = Desk()
    file = tmp_path / "order.xml"
    file.write_bytes(write(desk.order()))
    code, said = run("receive", str(file), "--as", email_of(desk.partner))
    assert (code, said["status"]) == (0, "ACSP")
    payment = said["payment_id"]
    assert run("receive", str(file), "--as", email_of(desk.bank))[1] == said
    code, said = run("receive", "-", given=write(desk.order()).decode().replace(desk.number, "1"))
    assert (code, said["status"], said["reason"]) == (1, "RJCT", "AC01")
    code, said = run("receive", "-", given="nothing")
    assert (code, said["refused"], said["facts"]["field"]) == (1, "invalid", "message")
    code, said = run("list", "--state", "RECEIVED")
    assert (code, [p["id"] for p in said["items"]]) == (0, [payment])
    code, said = run("show", payment, "--as", email_of(desk.company))
    assert (code, said["payment"]["currency"], len(said["messages"])) == (0, "USD", 2)
    assert [a["number"] for a in run("accounts")[1]["items"]] == [desk.number]
    desk.clear(queries.payments(viewer=SYSTEM).items[0].id)
    for words in (["list"], ["show", payment], ["accounts"]):
        assert CliRunner().invoke(cli, words).exit_code == 0, words
    assert CliRunner().invoke(cli, ["list", "--as", "nobody@example.org"]).exit_code == 2
    assert CliRunner().invoke(cli, ["receive", str(tmp_path / "none.xml")]).exit_code == 2
