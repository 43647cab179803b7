"""The doors: exact status and code, and nothing changed on a refusal."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from ninja import NinjaAPI
from ninja.testing import TestClient

from luhai.core.evidence.tests.world import bank, company, id_of, official
from luhai.kernel.origin import PUBLIC, Actor
from luhai.settlement.checks import queries
from luhai.settlement.checks.api import router
from luhai.settlement.checks.cli import cli
from luhai.settlement.checks.tests.test_grades import approved
from luhai.settlement.checks.tests.world import colleague
from luhai.shell.api import install

pytestmark = pytest.mark.django_db


class Caller:
    """The routes on an API of their own, as the platform installs it, with a chosen actor."""

    def __init__(self) -> None:
        api = NinjaAPI(urls_namespace=f"checks-{uuid4().hex}")
        install(api)
        api.add_router("/checks", router)
        self.client = TestClient(api)

    def get(self, path: str, actor: Actor) -> tuple[int, Any]:
        answer = self.client.get(f"/checks{path}", actor=actor)
        return answer.status_code, answer.json()

    def post(self, path: str, actor: Actor, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        answer = self.client.post(f"/checks{path}", json=body or {}, headers={"Idempotency-Key": str(uuid4())}, actor=actor)
        return answer.status_code, answer.json()


@pytest.fixture
def http() -> Caller:
    return Caller()


def body(them: Actor, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()), "company_id": str(id_of(them)), "grade": 2, "directory_class": "A", "basis": ["known for years"],
        "next_review": "2099-01-01",
    } | changes  # fmt: skip


def test_a_grade_over_http(http: Caller) -> None:
    us, them = bank(), company()
    status, made = http.post("/grades", us, body(them))
    assert status == 200
    status, no = http.post(f"/grades/{made['id']}/approve", us)
    assert (status, no["code"]) == (403, "checks.same_person")
    assert http.post(f"/grades/{made['id']}/approve", colleague(us))[0] == 200
    assert http.get("/grades", us)[1]["items"][0]["state"] == "APPROVED"
    assert http.get("/grades", them)[1]["items"][0]["basis"] == []
    assert http.get("/grades?state=PROPOSED", us)[1]["items"] == []
    status, _ = http.post("/suspensions", us, {"id": str(uuid4()), "company_id": str(id_of(them)), "reason": "alarm"})
    assert status == 200
    assert [g["grade"] for g in http.get("/grades", us)[1]["items"]] == [3, 2]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"grade": 2.5}, 422), ({"grade": "2"}, 422), ({"directory_class": "Z"}, 422), ({"basis": []}, 422), ({"basis": ["a\u0000"]}, 422),
        ({"next_review": "2020-01-01"}, 422), ({"company_id": str(uuid4())}, 404), ({"surprise": 1}, 422), ({"directory_class": "B"}, 422),
    ],
)  # fmt: skip
def test_what_is_turned_away(http: Caller, changes: dict[str, Any], code: int) -> None:
    us, them = bank(), company()
    assert http.post("/grades", us, body(them, **changes))[0] == code
    assert http.get("/grades", us)[1]["items"] == []


def test_who_may(http: Caller) -> None:
    us, them = bank(), company()
    for stranger, status in ((them, 403), (official(), 403), (PUBLIC, 401)):
        assert http.post("/grades", stranger, body(them))[0] == status
    assert http.get("/grades", PUBLIC)[0] == 401
    assert http.post(f"/grades/{uuid4()}/approve", us)[0] == 404
    assert http.get("/grades?state=x", us)[0] == 422


def test_the_rules_are_open_to_all(http: Caller) -> None:
    status, found = http.get("/rules", PUBLIC)
    assert status == 200
    assert [s["version"] for s in found["items"]] == ["goods-in@2026-01-01", "goods-out@2026-01-01"]
    assert http.get("/rules?on=2025-12-31", PUBLIC)[1]["items"] == []
    assert [s["direction"] for s in http.get("/rules?direction=out&on=2026-05-01", PUBLIC)[1]["items"]] == ["out"]
    assert http.get("/rules?direction=up", PUBLIC)[0] == 422


def test_the_command_line() -> None:
    us, them = bank(), company()
    approved(us, them)
    run = CliRunner().invoke
    shown = run(cli, ["grades", "--json", "--company", str(id_of(them))])
    assert json.loads(shown.output)["items"][0]["grade"] == 2
    rules = json.loads(run(cli, ["rules", "--json", "--direction", "in"]).output)["items"]
    assert [s["version"] for s in rules] == ["goods-in@2026-01-01"]
    assert {c["name"] for c in rules[0]["checks"]} >= {"payer", "declaration_valid"}
    assert run(cli, ["grades"]).exit_code == 0
    assert "goods-out@2026-01-01" in run(cli, ["rules"]).output
    assert run(cli, ["rules", "--direction", "up"]).exit_code == 2
    assert run(cli, ["grades", "--as", "nobody@example.org"]).exit_code == 2
    assert len(queries.grades(viewer=us).items) == 1
