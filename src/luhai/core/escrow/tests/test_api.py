"""Escrows over HTTP, on the command line and by the jobs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from django.test import Client
from django.utils import timezone

from luhai.core.escrow import commands, jobs, queries
from luhai.core.escrow.cli import cli
from luhai.core.escrow.tests.test_refusals import refused
from luhai.core.escrow.tests.world import (
    DUE,
    Sale,
    by,
    company,
    fund,
    leg,
    move,
    official,
    on,
    purse,
    state,
    terms,
    title,
)
from luhai.core.ledger import commands as ledger
from luhai.core.parties import access
from luhai.core.parties.commands import issue_token
from luhai.core.parties.queries import memberships_of
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.shell.context import acting
from luhai.shell.models import Entry

pytestmark = pytest.mark.django_db


class Caller:
    """Somebody with a token for escrows."""

    def __init__(self, actor: Actor, scope: str = "escrow:write") -> None:
        (membership,) = memberships_of(actor.person_id)
        secret, key = access.new_secret(), uuid4()
        issue_token(
            membership_id=membership.id, name="t", scopes=[scope], days=30, secret_digest=access.digest(secret), token_id=key,
            origin=Origin(actor, uuid4(), timezone.now()),
        )  # fmt: skip
        self.token = access.write(key, secret)

    def get(self, path: str = "") -> Any:
        return Client().get(f"/api/v1/escrow{path}", headers={"Authorization": f"Bearer {self.token}"})

    def post(self, path: str = "", body: Any = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": more.pop("key", str(uuid4()))}
        return Client().post(
            f"/api/v1/escrow{path}", json.dumps(body or {}), "application/json", headers=headers
        )


class Live(Sale):
    """A sale in the time of the clock, as the edges read it; nobody has agreed yet."""

    @property
    def agreeing(self) -> list[Actor]:
        return []

    def __init__(self, **more: Any) -> None:
        super().__init__(expires_at=(timezone.now() + timedelta(days=1)).isoformat(), **more)


def test_a_sale_over_the_api() -> None:
    sale = Live()
    buyer, seller, stranger = Caller(sale.buyer), Caller(sale.seller), Caller(sale.carrier)
    body, key = {"id": str(uuid4()), "terms": sale.terms}, str(uuid4())
    assert (
        buyer.post(body=body, key=key).json() == buyer.post(body=body, key=key).json() == {"id": body["id"]}
    )
    path = f"/{body['id']}"
    seen = seller.get(path).json()
    assert (seen["state"], seen["may"]) == ("DRAFT", ["agree", "withdraw", "expire"])
    assert stranger.get(path).status_code == 404
    for who in (buyer, seller):
        assert who.post(f"{path}/agree", {"digest": seen["digest"]}).status_code == 200
    assert seller.get(path).json()["may"] == ["deposit", "withdraw", "expire"]
    assert buyer.post(f"{path}/fund", {"leg": "price"}).status_code == 200
    assert seller.post(f"{path}/deposit", {"title_id": str(sale.title)}).status_code == 200
    seen = buyer.get(path).json()
    assert [(v["name"], v["held"], v["amount"]) for v in seen["value"]] == [("price", 100_00, 100_00)]
    assert seen["waits"] == [{"name": "accepted", "verdict": "unknown", "word": "no_consent", "proof": {}}]
    no = seller.post(f"{path}/execute")
    assert (no.status_code, no.json()["code"]) == (409, "escrow.not_met")
    assert no.json()["facts"]["words"] == {"accepted": "no_consent"}
    assert buyer.post(f"{path}/confirm", {"condition": "accepted"}).status_code == 200
    assert seller.post(f"{path}/execute").status_code == 200
    ended = buyer.get(path).json()
    assert (ended["state"], ended["outcome"]["moved"][0]["amount"], on(sale.till)) == (
        "EXECUTED",
        100_00,
        100_00,
    )
    acts = [e["act"] for e in seller.get(f"{path}/events").json()["items"]]
    assert acts == ["arrange", "agree", "agree", "fund", "deposit", "confirm", "execute"]
    assert [line["id"] for line in buyer.get("?live=false").json()["items"]] == [body["id"]]
    assert stranger.get().json()["items"] == []


def test_a_dispute_over_the_api() -> None:
    sale, judge = Live(confirm=False), Caller(official(Role.SUPERVISOR))
    buyer, path = Caller(sale.buyer), f"/{sale.id}"
    for actor in (sale.buyer, sale.seller):
        commands.agree(
            escrow_id=sale.id, digest=queries.escrow(escrow_id=sale.id, viewer=actor).digest, origin=by(actor)
        )
    sale.fill()
    assert buyer.post(f"{path}/withdraw", {"reason": "x"}).status_code == 409
    assert buyer.post(f"{path}/expire").json()["code"] == "escrow.not_due"
    assert buyer.post(f"{path}/dispute", {"reason": "wet"}).status_code == 200
    assert buyer.post(f"{path}/settle", {"decision": "return", "reason": "x"}).status_code == 403
    assert judge.post(f"{path}/settle", {"decision": "return", "reason": "as surveyed"}).status_code == 200
    assert (state(sale.id), on(sale.money)) == ("RETURNED", 100_00)


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("", {"id": "x", "terms": {}}, 422, "unreadable"),
        ("", {"id": str(uuid4()), "terms": {}}, 422, "invalid"),
        ("", {"id": str(uuid4()), "terms": {"parties": {"a": "\x00"}}}, 422, "invalid"),
        ("/{id}/agree", {"digest": "0"}, 422, "unreadable"),
        ("/{id}/agree", {"digest": "0" * 64}, 409, "escrow.terms_differ"),
        ("/{id}/fund", {"leg": "price", "amount": 1.5}, 422, "unreadable"),
        ("/{id}/fund", {"leg": "price", "amount": 10}, 409, "escrow.not_agreed"),
        ("/{id}/fund", {"leg": "price", "more": 1}, 422, "unreadable"),
        ("/{id}/deposit", {"title_id": str(uuid4())}, 409, "escrow.not_agreed"),
        ("/{id}/present", {"condition": "a", "evidence_id": str(uuid4())}, 409, "escrow.not_agreed"),
        ("/{id}/confirm", {"condition": ""}, 422, "unreadable"),
        ("/{id}/dispute", {"reason": "x"}, 409, "escrow.act_not_allowed"),
        ("/{id}/withdraw", {"reason": "  "}, 422, "invalid"),
        ("/{id}/settle", {"decision": "maybe", "reason": "x"}, 403, "not_entitled"),
        (f"/{UUID(int=9)}/execute", {}, 404, "absent"),
    ],
)  # fmt: skip
def test_wrong_requests_change_nothing(path: str, body: dict[str, Any], status: int, code: str) -> None:
    sale = Live()
    before = queries.history(escrow_id=sale.id, viewer=SYSTEM)
    answer = Caller(sale.buyer).post(path.format(id=sale.id), body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert queries.history(escrow_id=sale.id, viewer=SYSTEM) == before
    assert Client().get(f"/api/v1/escrow/{sale.id}").status_code in {401, 404}
    assert Caller(sale.buyer, "titles:write").get().status_code == 403


def run(*words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(cli, [*words, "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout.splitlines()[-1])


def test_the_command_line() -> None:
    sale, stale = Sale().meet(), Sale().fill()
    listed = run("list", "--live")
    assert {line["id"] for line in listed["items"]} == {str(sale.id), str(stale.id)}
    shown = run("show", str(sale.id))
    assert (shown["escrow"]["state"], shown["escrow"]["waits"][0]["word"], len(shown["events"])) == (
        "MET",
        "met",
        7 - 1,
    )
    for words in (["list"], ["show", str(sale.id)]):
        assert CliRunner().invoke(cli, words).exit_code == 0
    done = run("execute", str(sale.id))
    assert (done["state"], done["outcome"]["cause"], on(sale.till)) == ("EXECUTED", "execute", sale.price)
    # `stale` was due in the spring of 2026, and the clock has passed it.
    assert run("expire") == {"ended": [str(stale.id)], "refused": {}}
    assert (state(stale.id), on(stale.money)) == ("EXPIRED", stale.price)
    refused(
        "escrow.act_not_allowed",
        lambda: CliRunner().invoke(cli, ["expire", str(stale.id)], catch_exceptions=False),
    )


def at(moment: Any) -> int:
    return int(moment.timestamp())


def test_the_jobs_end_what_is_met_and_what_is_due() -> None:
    met, waiting, disputed, draft = Sale().meet(), Sale().fill(), Sale().meet(), Sale()
    commands.dispute(escrow_id=disputed.id, reason="x", origin=by(disputed.buyer))
    fund(draft.id, draft.buyer, "price", 1)
    before = DUE - timedelta(minutes=5)
    assert jobs.carry_out.func(timestamp=at(before)) == 1
    assert jobs.expire.func(timestamp=at(before)) == 0
    assert [state(s.id) for s in (met, waiting, disputed, draft)] == [
        "EXECUTED",
        "FUNDED",
        "DISPUTED",
        "DRAFT",
    ]
    assert jobs.carry_out.func(timestamp=at(DUE)) == 0
    assert jobs.expire.func(timestamp=at(DUE)) == 2
    assert jobs.expire.func(timestamp=at(DUE)) == 0
    assert [state(s.id) for s in (waiting, disputed, draft)] == ["EXPIRED", "DISPUTED", "EXPIRED"]
    assert on(draft.money) == draft.price


def test_the_job_goes_on_after_a_refusal_and_does_not_fill_the_journal() -> None:
    stuck, fine = Sale().meet(), Sale().meet()
    ledger.freeze_account(account_id=stuck.till, reason="order 17", origin=by(official(Role.SUPERVISOR)))

    def refusals() -> int:
        with acting(SYSTEM):
            return Entry.objects.filter(code="escrow.frozen").count()

    start = at(DUE) // 3600 * 3600
    assert jobs.carry_out.func(timestamp=start) == 1
    assert (state(stuck.id), state(fine.id), refusals()) == ("MET", "EXECUTED", 1)
    for minute in range(1, 5):
        assert jobs.carry_out.func(timestamp=start + 60 * minute) == 0
    assert refusals() == 1
    ledger.thaw_account(account_id=stuck.till, reason="order 18", origin=by(official(Role.SUPERVISOR)))
    assert jobs.carry_out.func(timestamp=start + 3600) == 1
    assert state(stuck.id) == "EXECUTED"


def test_what_met_a_condition_need_not_know_who_waits() -> None:
    """Value that another floor posts to a leg's account by itself is seen by the job."""
    payer, payee = company(), company()
    money, elsewhere, till = purse(payer, 5), purse(payer, 40), purse(payee)
    goods = title(company(), payee)
    made = commands.arrange(
        escrow_id=uuid4(),
        terms=terms(
            {"payer": payer, "payee": payee},
            value=[leg("price", "payer", money, 40, least=0)],
            titles=[{"title": str(goods), "by": "payee"}],
            conditions=[{"name": "paid", "payment": {"leg": "price"}}],
            steps=[move("price", till)],
        ),
        origin=by(payer),
    )
    for actor in (payer, payee):
        commands.agree(
            escrow_id=made, digest=queries.escrow(escrow_id=made, viewer=actor).digest, origin=by(actor)
        )
    commands.deposit_title(escrow_id=made, title_id=goods, origin=by(payee))
    account: UUID = queries.escrow(escrow_id=made, viewer=SYSTEM).value[0].account
    assert jobs.carry_out.func(timestamp=at(DUE) - 60) == 0
    coming = ledger.Transfer(id=uuid4(), debit=elsewhere, credit=account, unit="CNY", amount=40)
    assert ledger.post([coming], at=DUE)[0].refused is None
    assert jobs.carry_out.func(timestamp=at(DUE) - 1) == 1
    assert (on(till), state(made)) == (40, "EXECUTED")
