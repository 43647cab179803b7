"""Documents over HTTP and on the command line: one life from agreement to gate-out, refusals, forms, walls."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import Client
from django.utils import timezone

from luhai.core.parties import access
from luhai.core.parties.commands import issue_token
from luhai.core.parties.queries import memberships_of
from luhai.core.titles.tests import world as titles_world
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Refusal
from luhai.records.transport import commands, queries
from luhai.records.transport.bill import read
from luhai.records.transport.cli import cli
from luhai.records.transport.forms import uncefact
from luhai.records.transport.tests import world
from luhai.records.transport.tests.test_forms import there
from luhai.records.transport.tests.world import NOON, by, id_of
from luhai.shell.context import acting

pytestmark = pytest.mark.django_db


def token(actor: Actor) -> str:
    (membership,) = memberships_of(actor.person_id)
    secret, key = access.new_secret(), uuid4()
    issue_token(
        membership_id=membership.id, name="t", scopes=["transport:write", "titles:write"], days=30,
        secret_digest=access.digest(secret), token_id=key, origin=by(actor, timezone.now()),
    )  # fmt: skip
    return access.write(key, secret)


class Caller:
    """Somebody with a token."""

    def __init__(self, actor: Actor) -> None:
        self.token = token(actor)

    def get(self, path: str = "", root: str = "transport") -> Any:
        return Client().get(f"/api/v1/{root}{path}", headers={"Authorization": f"Bearer {self.token}"})

    def post(self, path: str, body: Any, root: str = "transport") -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": str(uuid4())}
        return Client().post(f"/api/v1/{root}{path}", json.dumps(body), "application/json", headers=headers)


def test_a_life_over_the_api() -> None:
    c = world.corridor()
    carrier, shipper, buyer, bank, station = (
        Caller(a) for a in (c.carrier, c.shipper, c.buyer, c.bank, c.station)
    )
    ask = {
        "id": str(uuid4()),
        "number": "AG-1",
        "text": world.TEXT,
        "parties": world.roles(c),
        "starts_on": "2026-01-01",
    }
    assert carrier.post("/agreements", ask).json() == {"id": ask["id"]}
    path = f"/agreements/{ask['id']}"
    states = [
        who.post(f"{path}/sign", {"digest": who.get(path).json()["digest"]}).json()["state"]
        for who in (shipper, buyer, bank, station)
    ]
    assert states == ["proposed"] * 3 + ["in_force"]
    words = world.bill(c)
    body = {
        "id": str(uuid4()),
        "content": words,
        "holder_id": str(id_of(c.shipper)),
        "agreement_id": ask["id"],
    }
    assert carrier.post("", body).json() == {"id": body["id"]}
    seen = shipper.get(f"/{body['id']}").json()
    assert (seen["title"]["state"], seen["agreement"]["number"], seen["content"]) == (
        "ISSUED",
        "AG-1",
        read(words).content(),
    )
    assert buyer.get(f"/{body['id']}").status_code == 404
    assert [
        d["number"] for d in shipper.get("?container=" + words["containers"][0]["number"]).json()["items"]
    ] == [words["number"]]
    event = {
        "id": str(uuid4()),
        "code": "DISC",
        "place": "VNSGN",
        "happened_at": "2026-03-02T03:00:00Z",
        "custodian": str(id_of(c.station)),
    }
    assert carrier.post(f"/{body['id']}/events", event).json() == {"signals": []}
    out = event | {"id": str(uuid4()), "code": "GTOT", "custodian": None}
    assert station.post(f"/{body['id']}/events", out).json() == {"signals": ["unauthorised_release"]}
    assert [d["signals"] for d in shipper.get("?signalled=true").json()["items"]] == [1]
    refused = carrier.post(f"/{body['id']}/deliver", {"id": str(uuid4())})
    assert (refused.status_code, refused.json()["code"]) == (409, "transport.not_surrendered")
    assert shipper.post(f"/{body['id']}/surrender", {}, root="titles").status_code == 200
    assert carrier.post(f"/{body['id']}/deliver", {"id": str(uuid4())}).status_code == 200
    assert carrier.get(f"/{body['id']}").json()["title"]["state"] == "DELIVERED"


@pytest.mark.parametrize("form", ["luhai", "uncefact", "dcsa"])
def test_a_document_leaves_and_comes_back_in_every_form(form: str) -> None:
    c = world.corridor()
    title = world.issued(c)
    made = Caller(c.shipper).get(f"/{title}/form?form={form}").json()
    file = base64.b64encode(json.dumps(made["document"]).encode()).decode()
    found = Caller(c.buyer).post("/import", {"document": file}).json()
    assert found["form"] == form
    own = queries.document(title_id=title, viewer=c.shipper).content
    assert (found["content"] == own) == (form != "dcsa")


def test_what_is_no_document_names_its_field() -> None:
    who = Caller(titles_world.company())
    for document in ("!", base64.b64encode(b"[]").decode(), base64.b64encode(b'{"legs": []}').decode()):
        answer = who.post("/import", {"document": document})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert answer.json()["facts"]["field"]


def test_pages_of_a_list_follow_each_other() -> None:
    c = world.corridor()
    key = world.signed(c)
    made = {str(world.issued(c, key)) for _ in range(5)}
    who, found, cursor = Caller(c.shipper), [], ""
    while True:
        page = who.get(f"?limit=2&cursor={cursor}").json()
        found += [d["id"] for d in page["items"]]
        if not (cursor := page["next"]):
            break
    assert (set(found), len(found)) == (made, 5)
    assert who.get("?cursor=nonsense").status_code == 422


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli, list(arguments))


def test_on_the_command_line(tmp_path: Path) -> None:
    c = world.corridor()
    title = world.issued(c)
    email = memberships_of(c.shipper.person_id)[0].email
    listed = json.loads(run("list", "--as", email, "--json").stdout.splitlines()[-1])
    assert [d["id"] for d in listed["items"]] == [str(title)]
    shown = json.loads(run("show", str(title), "--as", email, "--json").stdout.splitlines()[-1])
    assert shown["document"]["title"]["state"] == "ISSUED"
    assert (
        run("show", str(title), "--as", email).exit_code
        == run("list").exit_code
        == run("agreements").exit_code
        == 0
    )
    exported = run("export", str(title), "--form", "uncefact", "--as", email)
    assert uncefact.parse(there(json.loads(exported.stdout))).content() == shown["document"]["content"]
    file = tmp_path / "bill.json"
    file.write_text(exported.stdout, encoding="utf-8")
    assert (
        json.loads(run("import", str(file), "--json").stdout.splitlines()[-1])["content"]
        == shown["document"]["content"]
    )
    assert run("list", "--as", "nobody@example.org").exit_code == 2


# --- walls ----------------------------------------------------------------------------------------------------------


def test_row_level_security_hides_what_is_not_ones_own() -> None:
    c, stranger = world.corridor(), titles_world.company()
    title = world.issued(c)
    world.told(c.carrier, title, "DETC")
    tables = ("agreement", "signatory", "document", "movement", "signal")
    for actor, sees in ((c.shipper, True), (stranger, False), (titles_world.official(Role.OPERATOR), True)):
        with acting(actor), connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"SELECT count(*) > 0 FROM transport_{table}")
                assert cursor.fetchone() == (sees,), (table, actor.role)


def _do(actor: Actor, sql: str) -> None:
    with transaction.atomic(), acting(actor), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE transport_agreement SET text = 'x'", "UPDATE transport_movement SET place = 'CNCKG'", "DELETE FROM transport_signal",
        "DELETE FROM transport_agreement", "UPDATE transport_signal SET kind = 'dwell'", "UPDATE transport_signatory SET role = 'bank'",
        "TRUNCATE transport_document",
    ],
)  # fmt: skip
def test_what_was_written_stays(attack: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        _do(by().actor, attack)


def test_an_agreement_in_force_is_signed_by_all_says_the_database() -> None:
    c = world.corridor()
    world.proposed(c)
    with pytest.raises(IntegrityError, match="unsigned"):
        _do(c.carrier, "UPDATE transport_agreement SET state = 'in_force'; SET CONSTRAINTS ALL IMMEDIATE")


def test_the_same_key_gets_the_same_answer() -> None:
    c = world.corridor()
    key, origin = world.signed(c), by(c.carrier)
    words, title = world.bill(c), uuid4()
    ask = {"title_id": title, "content": words, "holder_id": id_of(c.shipper), "agreement_id": key}
    assert (
        commands.issue_document(**ask, origin=origin)
        == commands.issue_document(**ask, origin=origin)
        == title
    )
    with pytest.raises(Refusal) as refused:  # the same goods under another id
        commands.issue_document(**(ask | {"title_id": uuid4()}), origin=by(c.carrier))
    assert refused.value.code == "titles.already_live"
    assert queries.documents(viewer=c.shipper).items[0].issued_at == NOON
