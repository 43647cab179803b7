"""Each door of lending: what it answers, in exact status and code, and that nothing changes on a refusal."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from django.utils import timezone
from ninja import NinjaAPI
from ninja.testing import TestClient

from luhai.core.rules.business_days import calendar
from luhai.financing.lending import jobs, queries
from luhai.financing.lending.api import router
from luhai.financing.lending.cli import cli
from luhai.financing.lending.tests.world import (
    AT_END,
    MILLION,
    Desk,
    by,
    colleague,
    company,
    contract,
    id_of,
    limit,
)
from luhai.kernel.origin import SYSTEM, Actor
from luhai.shell.api import install

pytestmark = pytest.mark.django_db


class Caller:
    """The routes of lending on an API of their own, as the platform's own installs it, with a chosen actor."""

    def __init__(self) -> None:
        api = NinjaAPI(urls_namespace=f"lending-{uuid4().hex}")
        install(api)
        api.add_router("/lending", router)
        self.client = TestClient(api)

    def get(self, path: str, actor: Actor) -> tuple[int, Any]:
        answer = self.client.get(f"/lending{path}", actor=actor)
        return answer.status_code, answer.json()

    def post(
        self, path: str, actor: Actor, body: dict[str, Any] | None = None, key: Any = None
    ) -> tuple[int, Any]:
        headers = {"Idempotency-Key": str(key or uuid4())}
        answer = self.client.post(f"/lending{path}", json=body or {}, headers=headers, actor=actor)
        return answer.status_code, answer.json()


@pytest.fixture
def http() -> Caller:
    return Caller()


def of_today(**more: Any) -> dict[str, Any]:
    """A contract that begins today, since the doors read the clock."""
    today = calendar().local_date(timezone.now())
    return contract(starts_on=today.isoformat(), ends_on=(today + timedelta(365)).isoformat(), **more)


def test_a_loan_over_http(http: Caller) -> None:
    desk = Desk(started=False)
    key, line = uuid4(), str(uuid4())
    body = {
        "id": line, "company_id": str(id_of(desk.company)), "number": f"N{line[:8]}", "contract": of_today(),
        "limits": [limit("whole", 10 * MILLION, None)],
    }  # fmt: skip
    assert http.post("/lines", desk.bank, body, key) == (200, {"id": line})
    assert http.post("/lines", desk.bank, body, key) == (200, {"id": line}), (
        "the same key is the same request"
    )
    assert http.post("/lines", desk.company, body)[0] == 403
    assert http.post(f"/lines/{line}/approve", desk.bank)[1]["code"] == "lending.same_person"
    assert http.post(f"/lines/{line}/approve", colleague(desk.bank))[0] == 200
    digest = http.get(f"/lines/{line}", desk.company)[1]["digest"]
    assert http.post(f"/lines/{line}/sign", desk.company, {"digest": digest})[0] == 200
    assert http.post(f"/lines/{line}/start", desk.bank)[0] == 200
    draw = str(uuid4())
    asked = {"id": draw, "limit": "whole", "amount": MILLION, "purpose": "freight", "repayment": AT_END}
    assert http.post(f"/lines/{line}/draws", desk.company, asked) == (200, {"id": draw})
    assert http.post(f"/loans/{draw}/approve", desk.bank)[0] == 200
    assert http.post(f"/loans/{draw}/disburse", desk.bank)[1]["code"] == "lending.same_person"
    assert http.post(f"/loans/{draw}/disburse", desk.second)[0] == 200
    status, seen = http.get(f"/loans/{draw}", desk.company)
    assert (status, seen["state"], seen["owed"]["principal"]) == (200, "DISBURSED", MILLION)
    assert http.get(f"/loans/{draw}", company())[1]["code"] == "absent", (
        "strangers do not learn that it exists"
    )
    assert http.post(f"/loans/{draw}/repay", desk.company, {"amount": 5_000})[0] == 200
    assert http.get(f"/loans/{draw}/statement", desk.bank)[1]["owed"]["principal"] == MILLION - 5_000
    assert [x["id"] for x in http.get("/loans?state=PART_REPAID", desk.bank)[1]["items"]] == [draw]
    assert [e["act"] for e in http.get(f"/lines/{line}/events", desk.bank)[1]["items"]] == [
        "open", "approve", "sign", "start", "draw_request", "draw_approve", "draw_disburse", "draw_repay",
    ]  # fmt: skip


MISTAKES = [
    ({"contract": of_today(spread_bp=9_999)}, "contract.spread_bp"),
    ({"contract": of_today(surcharge_percent=10)}, "contract.surcharge_percent"),
    ({"contract": of_today(grace_days=60)}, "contract.grace_days"),
    ({"contract": of_today(currency="XXX")}, "contract.currency"),
    ({"contract": of_today(order=["principal"])}, "contract.order"),
    ({"contract": of_today(colour="red")}, "contract.colour"),
    ({"contract": of_today(revolving="yes")}, "contract.revolving"),
    ({"contract": of_today() | {"ends_on": "2020-01-01"}}, "contract.ends_on"),
    ({"contract": of_today() | {"starts_on": "tomorrow"}}, "contract.starts_on"),
    ({"contract": of_today(methods=[])}, "contract.methods"),
    ({"contract": of_today(haircut_percent=1)}, "contract.haircut_percent"),
    ({"limits": []}, "limits"),
    ({"limits": [limit("whole", 10)]}, "limits[0].parent"),
    ({"limits": [limit("whole", 10, None), limit("a", 11)]}, "limits[1].amount"),
    ({"limits": [limit("whole", 10, None), limit("whole", 1)]}, "limits[1].name"),
    ({"limits": [limit("whole", 10, None), limit("a", 1, "nowhere")]}, "limits[1].parent"),
    ({"limits": [limit("whole", 10, None, territory="China")]}, "limits[0].territory"),
    ({"limits": [limit("whole", 0, None)]}, "limits[0].amount"),
    ({"company_id": str(uuid4())}, "company_id"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field"), MISTAKES, ids=[field for _, field in MISTAKES])
def test_a_mistake_is_named(http: Caller, change: dict[str, Any], field: str) -> None:
    desk = Desk(started=False)
    before = len(queries.lines(viewer=SYSTEM).items)
    body = {
        "id": str(uuid4()), "company_id": str(id_of(desk.company)), "number": "N", "contract": of_today(),
        "limits": [limit("whole", MILLION, None)],
    } | change  # fmt: skip
    status, said = http.post("/lines", desk.bank, body)
    assert (status, said["facts"].get("field")) == (422, field), said
    assert len(queries.lines(viewer=SYSTEM).items) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"limit": "nothing"}, "limit"),
        ({"repayment": {"method": "whenever", "number": 1}}, "repayment.method"),
        ({"repayment": {"method": "principal_at_end", "number": 1, "unit": "weeks"}}, "repayment.unit"),
        (
            {"repayment": {"method": "equal_principal", "number": 9, "every": 1, "unit": "days"}},
            "repayment.every",
        ),
        ({"to_account": str(uuid4())}, "to_account"),
        ({"purpose": "   "}, "purpose"),
    ],
)
def test_a_mistake_in_a_draw_is_named(http: Caller, change: dict[str, Any], field: str) -> None:
    desk = Desk()
    body = {
        "id": str(uuid4()),
        "limit": "whole",
        "amount": 500,
        "purpose": "freight",
        "repayment": AT_END,
    } | change
    status, said = http.post(f"/lines/{desk.line}/draws", desk.company, body)
    assert (status, said["facts"].get("field")) == (422, field), said


def test_amounts_that_are_none_are_turned_away(http: Caller) -> None:
    desk = Desk()
    for amount in (0, -1, 1.5, "5", 2**53, True):
        body = {
            "id": str(uuid4()),
            "limit": "whole",
            "amount": amount,
            "purpose": "freight",
            "repayment": AT_END,
        }
        assert http.post(f"/lines/{desk.line}/draws", desk.company, body)[0] == 422, amount


def run(*words: str) -> tuple[int, Any]:
    result = CliRunner().invoke(cli, [*words, "--json"])
    return result.exit_code, json.loads(result.stdout.splitlines()[-1]) if result.stdout else {}


def test_the_command_line() -> None:
    desk = Desk()
    draw = desk.lent()
    code, said = run("lines")
    assert (code, [x["number"] for x in said["items"]]) == (
        0,
        [queries.line(line_id=desk.line, viewer=SYSTEM).number],
    )
    code, said = run("loans", "--line", str(desk.line))
    assert (code, said["items"][0]["principal"], said["items"][0]["state"]) == (0, MILLION, "DISBURSED")
    assert run("line", str(desk.line))[1]["line"]["limits"][0]["available"] == 9 * MILLION
    assert run("loan", str(draw), "--on", "2026-05-01")[1]["loan"]["owed"]["principal"] == MILLION
    code, said = run("close", "--day", "2026-03-04")
    assert (code, said["closed"], said["refused"]) == (0, 1, 0)
    assert run("close", "--day", "2026-03-04")[1]["closed"] == 0, "closing a day again changes nothing"
    assert CliRunner().invoke(cli, ["lines", "--state", "NONSENSE"]).exit_code == 2
    for words in (["lines"], ["line", str(desk.line)], ["loans"], ["loan", str(draw)]):
        assert CliRunner().invoke(cli, words).exit_code == 0, words


def test_the_evening_collects_and_closes_once() -> None:
    desk = Desk()
    draw = desk.lent(repayment={"method": "equal_principal", "number": 3, "every": 1, "unit": "months"})
    due = desk.loan(draw).instalments[0].due
    evening = int(by().at.timestamp()) + 86_400 * (due - desk.loan(draw).starts_on).days + 11 * 3_600  # type: ignore[operator]
    first = desk.loan(draw).instalments[0]
    assert jobs.close_of_business(evening) == {"collected": 1, "closed": 1, "refused": 0}
    assert desk.money == MILLION - first.principal - first.interest
    before = desk.loan(draw)
    assert jobs.close_of_business(evening) == {"collected": 0, "closed": 0, "refused": 0}
    assert desk.loan(draw) == before
    assert jobs.expire_lines(evening) == 0
    assert jobs.expire_lines(evening + 86_400 * 400) == 1
    assert str(queries.line(line_id=desk.line, viewer=SYSTEM).state) == "EXPIRED"
