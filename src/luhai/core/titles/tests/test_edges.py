"""The register over HTTP and on the command line; signatures, staleness, custody of the goods."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from django.test import Client
from django.utils import timezone

from luhai.core.parties.queries import memberships_of
from luhai.core.titles import chain, commands, queries
from luhai.core.titles.cli import Broken, cli
from luhai.core.titles.tests import world
from luhai.core.titles.tests.test_lifecycle import undone
from luhai.core.titles.tests.test_races import token
from luhai.core.titles.tests.world import NOON, by, id_of
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Refusal
from luhai.shell.context import acting
from luhai.shell.models import Entry

pytestmark = pytest.mark.django_db


class Caller:
    """Somebody with a token."""

    def __init__(self, actor: Actor) -> None:
        self.token = token(actor)

    def get(self, path: str) -> Any:
        return Client().get(f"/api/v1/titles{path}", headers={"Authorization": f"Bearer {self.token}"})

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": more.pop("key", str(uuid4()))}
        return Client().post(f"/api/v1/titles{path}", json.dumps(body or {}), "application/json", headers=headers)


def test_a_life_over_the_api() -> None:
    issuer, owner, buyer, bank = world.company(), world.company(), world.company(), world.bank()
    i, o, b, k = Caller(issuer), Caller(owner), Caller(buyer), Caller(bank)
    ask = {
        "id": str(uuid4()), "kind": "warehouse_receipt", "holder_id": str(id_of(owner)), "quantity": 1000, "unit": "TNE",
        "subject": world.subject("warehouse_receipt"),
    }  # fmt: skip
    key = str(uuid4())
    assert i.post("", ask, key=key).json() == i.post("", ask, key=key).json() == {"id": ask["id"]}
    path = f"/{ask['id']}"
    seen = o.get(path).json()
    assert (seen["state"], seen["quantity"], seen["holder"]["en"]) == ("ISSUED", 1000, "A Company")
    assert "transfer" in seen["may"]
    assert b.get(path).status_code == 404
    pledge = o.post(f"{path}/pledge", {"pledgee": str(id_of(bank)), "quantity": 300}).json()["id"]
    refused = o.post(f"{path}/transfer", {"to": str(id_of(buyer))})
    assert (refused.status_code, refused.json()["code"]) == (409, "titles.act_not_allowed")
    first, second = o.post(f"{path}/split", {"parts": [300, 700]}).json()["ids"]
    assert k.get("/pledges").json()["items"][0]["title_id"] == first
    assert k.get("?relation=pledgee").json()["items"][0]["id"] == first
    done = k.post(
        f"/{first}/enforce", {"pledge": pledge, "to": str(id_of(buyer)), "ground": "auction", "document": "17"}
    )
    assert done.json()["id"] == first
    assert o.post(f"/{second}/transfer", {"to": str(id_of(buyer)), "beneficiary": str(id_of(buyer))}).status_code == 200
    whole = b.post(f"/{first}/merge", {"others": [second]}).json()["id"]
    assert b.get(f"/{whole}").json()["quantity"] == 1000
    assert b.post(f"/{whole}/surrender", {"quantity": 400}).status_code == 200
    assert i.post(f"/{whole}/refuse-surrender", {"reason": "charges"}).status_code == 200
    assert b.post(f"/{whole}/surrender-for-amendment", {}).status_code == 200
    assert i.post(f"/{whole}/accept-surrender").status_code == 200
    amended = i.post(f"/{whole}/amend", {"content": {"fields": {"note": "x"}}, "statement": "noted"})
    assert amended.status_code == 200, amended.content
    assert [v["version"] for v in b.get(f"/{whole}/versions").json()["items"]] == [1, 2]
    file = b.get(f"/{whole}/export").json()["file"].encode()
    assert chain.verify(file).ok
    assert b.get(f"/{whole}/form?which=tradetrust").json()["form"] == "tradetrust"
    assert len(b.get(f"/{whole}/events").json()["items"]) == 6
    for body, field in (
        ({"to": "x"}, "body.to"), ({}, "body.to"), ({"to": str(uuid4()), "y": 1}, "body.y"),
        ({"to": str(uuid4()), "previous": "zz"}, "body.previous"),
    ):  # fmt: skip
        answer = b.post(f"/{whole}/transfer", body)
        assert answer.status_code == 422
        assert answer.json()["facts"]["faults"][0]["field"] == field
    answer = b.post(f"/{whole}/transfer", {"to": str(uuid4())})
    assert (answer.status_code, answer.json()["facts"]["field"]) == (422, "to")


def test_paper_and_back_over_the_api() -> None:
    issuer, owner = world.company(), world.company()
    i, o = Caller(issuer), Caller(owner)
    about = world.subject("transport_document")
    path = f"/{world.title(issuer, owner, 'transport_document', about=about)}"
    o.post(f"{path}/surrender-for-amendment", {"reason": "paper"})
    i.post(f"{path}/accept-surrender")
    assert i.post(f"{path}/to-paper", {"paper_no": "P-1", "statement": "on paper now"}).status_code == 200
    seen = o.get(path).json()
    assert (seen["state"], seen["paper_no"], seen["may"]) == ("PAPER", "P-1", []), "the record is inoperative"
    with pytest.raises(commands.AlreadyLive):
        world.title(issuer, owner, "transport_document", about=about)  # its keys stay taken: the paper lives
    wrong = i.post(f"{path}/to-electronic", {"paper_no": "P-2", "to": str(id_of(owner)), "statement": "back"})
    assert wrong.json()["facts"]["field"] == "paper_no"
    assert i.post(f"{path}/to-electronic", {"paper_no": "P-1", "to": str(id_of(owner)), "statement": "back"}).status_code == 200
    assert o.get(path).json()["version"] == 2


def test_orders_and_reviews_over_the_api() -> None:
    issuer, owner = world.company(), world.company()
    one, two, o = Caller(world.official()), Caller(world.official(Role.SUPERVISOR)), Caller(owner)
    title = world.title(issuer, owner)
    order = str(uuid4())
    body = {"id": order, "act": "freeze", "document": "(2026)渝0192执保17号", "reason": "seizure"}
    assert o.post(f"/{title}/orders", body).json()["code"] == "not_permitted"
    assert one.post(f"/{title}/orders", body).status_code == 200
    assert one.post(f"/orders/{order}/confirm").json()["code"] == "titles.same_person"
    assert two.post(f"/orders/{order}/confirm").status_code == 200
    assert o.get(f"/{title}").json()["state"] == "FROZEN"
    assert o.get(f"/orders?title_id={title}").json()["items"][0]["document"] == body["document"]


# --- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", chain.SIGNATURES)
@pytest.mark.parametrize("digest", chain.PROFILES)
def test_an_act_is_signed_and_checked(profile: str, digest: str) -> None:
    issuer, owner, buyer = world.company(), world.company(), world.company()
    pair, key_id = chain.new_key(profile), uuid4()
    commands.register_key(key_id=key_id, profile=profile, public=pair.public, name="desk", origin=by(owner))
    title = world.title(issuer, owner, profile=digest)
    details = {"to": str(id_of(buyer))}
    said, previous = queries.statement(title_id=title, act="transfer", details=details, viewer=owner)
    good = {"key_id": str(key_id), "signature": chain.sign(pair, said)}

    def transfer(**more: Any) -> UUID:
        return commands.transfer_title(title_id=title, origin=by(owner), **{"to": id_of(buyer), **more})  # type: ignore[no-any-return]

    other = chain.new_key(profile)
    for signature, code in (
        (good | {"signature": chain.sign(other, said)}, "titles.wrong_signature"),
        (good | {"key_id": str(uuid4())}, "titles.wrong_signature"),
        ({"key_id": "x", "signature": "y"}, "invalid"), ({}, "invalid"),
    ):  # fmt: skip
        with undone(), pytest.raises(Refusal) as refused:
            transfer(signature=signature)
        assert refused.value.code == code
    with undone(), pytest.raises(commands.WrongSignature):
        transfer(to=id_of(issuer), signature=good)  # another act than was signed
    with undone(), pytest.raises(commands.Stale):
        transfer(previous="0" * 64)
    with undone():
        commands.revoke_key(key_id=key_id, origin=by(owner))
        with pytest.raises(commands.WrongSignature):
            transfer(signature=good)
    transfer(signature=good, previous=previous)
    found = chain.verify(queries.export(title_id=title, viewer=buyer))
    assert (found.ok, found.signed, found.profile) == (True, 1, digest)
    commands.transfer_title(title_id=title, to=id_of(owner), origin=by(buyer))
    with pytest.raises(commands.WrongSignature):
        transfer(signature=good)  # the same act again, but not after what was signed
    with pytest.raises(commands.Stale):
        transfer(previous=previous)


def test_an_issue_is_signed_too() -> None:
    issuer, owner = world.company(), world.company()
    pair, key_id, title = chain.new_key("ed25519"), uuid4(), uuid4()
    commands.register_key(key_id=key_id, profile="ed25519", public=pair.public, name="desk", origin=by(issuer))
    about = world.subject("warehouse_receipt")
    from luhai.core.titles.policy import content_digest

    details = {
        "kind": "warehouse_receipt", "subject": about, "quantity": 5, "unit": "TNE", "form": "TO_ORDER",
        "holder": str(id_of(owner)), "beneficiary": str(id_of(owner)), "content": content_digest(about),
    }  # fmt: skip
    said = chain.statement(title=title, n=1, act="issue", details=details, previous=chain.genesis(title, "sha256"))
    commands.issue_title(
        title_id=title, kind="warehouse_receipt", holder_id=id_of(owner), subject=about, quantity=5, unit="TNE",
        signature={"key_id": str(key_id), "signature": chain.sign(pair, said)}, origin=by(issuer),
    )  # fmt: skip
    assert chain.verify(queries.export(title_id=title, viewer=owner)).signed == 1


def test_keys_belong_to_their_party() -> None:
    one, two = world.company(), world.company()
    pair, key_id = chain.new_key("ed25519"), uuid4()

    def register(**more: Any) -> UUID:
        ask = {"key_id": uuid4(), "profile": "ed25519", "public": pair.public, "name": "desk"} | more
        return commands.register_key(**ask, origin=by(one))  # type: ignore[no-any-return]

    for wrong, field in (
        ({"profile": "rsa"}, "profile"), ({"public": "00"}, "public"), ({"profile": "sm2"}, "public"), ({"name": " "}, "name"),
        ({"profile": "sm2", "public": "0" * 128}, "public"),
    ):  # fmt: skip
        with pytest.raises(Refusal) as refused:
            register(**wrong)
        assert refused.value.facts["field"] == field
    register(key_id=key_id)
    with pytest.raises(Refusal):
        register()
    with pytest.raises(Refusal) as refused:
        commands.revoke_key(key_id=key_id, origin=by(two))
    assert refused.value.code == "absent"
    assert [k.name for k in queries.keys(party_id=id_of(one), viewer=two)] == ["desk"], "public keys are public"


# --- the goods ------------------------------------------------------------------------------------------------------


def signals() -> list[dict[str, Any]]:
    with acting(SYSTEM):
        kept = list(Entry.objects.order_by("seq"))
    return [e for entry in kept for e in entry.events if e["kind"] == "titles.custody_contradicts"]


def test_goods_that_leave_before_the_title_is_surrendered_raise_a_signal() -> None:
    carrier, owner, terminal = world.company(), world.company(), world.company()
    title = world.title(carrier, owner, "transport_document")

    def report(who: Actor, event: str, place: str, **more: Any) -> UUID:
        ask = {"custodian": id_of(terminal), "happened_at": NOON - timedelta(hours=1)} | more
        return commands.report_custody(title_id=title, event=event, place=place, **ask, origin=by(who))  # type: ignore[no-any-return]

    report(carrier, "gate_out", "CNCKG")  # on its way
    report(terminal, "gate_in", "VNHAN")  # the custodian reported last may report too
    assert signals() == []
    report(terminal, "gate_out", "VNHAN")
    (signal,) = signals()
    assert signal["data"]["holder"] == str(id_of(owner))
    assert [c.contradicts for c in queries.custody(title_id=title, viewer=owner)] == [False, False, True]
    commands.surrender_title(title_id=title, origin=by(owner))
    commands.accept_surrender(title_id=title, origin=by(carrier))
    report(terminal, "handed_over", "VNHAN")
    assert len(signals()) == 1
    for wrong, field in (
        ({"event": "teleported"}, "event"), ({"happened_at": NOON + timedelta(days=1)}, "happened_at"),
        ({"custodian": uuid4()}, "custodian"), ({"place": ""}, "place"), ({"happened_at": NOON.replace(tzinfo=None)}, "happened_at"),
    ):  # fmt: skip
        with pytest.raises(Refusal) as refused:
            report(carrier, **({"event": "stored", "place": "X"} | wrong))
        assert refused.value.facts["field"] == field
    with pytest.raises(Refusal) as refused:
        report(owner, "stored", "X")
    assert refused.value.code == "not_entitled"


# --- the command line -----------------------------------------------------------------------------------------------


def run(*words: str) -> Any:
    result = CliRunner().invoke(cli, [*words, "--json"], catch_exceptions=False, standalone_mode=False)
    return json.loads(result.stdout.splitlines()[-1])


def email(actor: Actor) -> str:
    (membership,) = memberships_of(actor.person_id)
    return membership.email


def test_the_command_line_shows_exports_verifies_and_signs(tmp_path: Path) -> None:
    issuer, owner, buyer = world.company(), world.company(), world.company()
    title = world.title(issuer, owner)
    assert [t["id"] for t in run("list", "--as", email(owner))["items"]] == [str(title)]
    assert run("list", "--as", email(buyer))["items"] == []
    shown = run("show", str(title))
    assert (shown["title"]["state"], len(shown["events"])) == ("ISSUED", 1)
    key = tmp_path / "key.json"
    made = run("keys", "new", str(key), "--profile", "sm2")
    assert key.stat().st_mode & 0o077 == 0
    assert run("keys", "register", str(key), "--name", "desk", "--as", email(owner))["id"] == made["id"]
    signed = run(
        "sign", "transfer", "--title", str(title), "--n", "2", "--previous", shown["title"]["head"], "--details",
        json.dumps({"to": str(id_of(buyer))}), "--key-file", str(key),
    )  # fmt: skip
    commands.transfer_title(
        title_id=title, to=id_of(buyer), origin=by(owner, timezone.now()),
        signature={"key_id": signed["key_id"], "signature": signed["signature"]},
    )  # fmt: skip
    assert run("keys", "list", "--as", email(owner))["items"][0]["public"] == made["public"]
    file = tmp_path / "title.jsonl"
    result = CliRunner().invoke(cli, ["export", str(title)], catch_exceptions=False, standalone_mode=False)
    file.write_bytes(result.stdout_bytes)
    found = run("verify", str(file))
    assert (found["ok"], found["signed"], found["control"]["holder"]) == (True, 1, str(id_of(buyer)))
    assert run("verify", str(file), "--head", found["head"])["ok"]
    file.write_bytes(result.stdout_bytes.replace(b"ISSUED", b"PLEDGE", 1))
    with pytest.raises(Broken):
        run("verify", str(file))
    form = CliRunner().invoke(cli, ["export", str(title), "--form", "tradetrust"], catch_exceptions=False, standalone_mode=False)
    assert json.loads(form.stdout)["form"] == "tradetrust"
    run("keys", "revoke", made["id"], "--as", email(owner))
    assert run("keys", "list", "--as", email(owner))["items"][0]["revoked_at"] is not None
