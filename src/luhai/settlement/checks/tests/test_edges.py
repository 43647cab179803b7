"""The doors: exact status and code, and nothing changed on a refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from ninja import NinjaAPI
from ninja.testing import TestClient

from luhai.core.evidence.tests.world import bank, company, id_of, official
from luhai.kernel.origin import PUBLIC, Actor, Role
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


# --- scenes -------------------------------------------------------------------------------------------------------------


def test_scenes_over_http(http: Caller) -> None:
    status, found = http.get("/scenes", PUBLIC)
    assert status == 200
    assert [s["version"] for s in found["items"]] == ["corridor-logistics@2026-01-01", "port-shipping@2026-01-01", "rail-trains@2026-01-01"]
    status, one = http.get("/scenes/rail-trains", PUBLIC)
    assert (status, one["measure"], one["instead"][0]["tiers"]) == (200, "M14-05", ["1", "2"])
    assert http.get("/scenes/nothing", PUBLIC)[0] == 404
    watcher = official()
    body_ = {"territory": "610000", "valid_from": "2099-01-01"}
    for stranger, status in ((bank(), 403), (official(Role.PROVINCE), 403), (PUBLIC, 401)):
        assert http.post("/scenes/rail-trains/in-force", stranger, body_)[0] == status
    assert http.post("/scenes/rail-trains/in-force", watcher, body_)[0] == 200
    status, no = http.post("/scenes/rail-trains/in-force", watcher, body_)
    assert (status, no["code"]) == (409, "checks.scene_in_force")
    assert http.post("/scenes/nothing/in-force", watcher, body_)[0] == 404
    for change in ({"valid_from": "2020-01-01"}, {"territory": "110000"}, {"territory": "x"}, {"valid_to": "2099-01-01"}, {"more": 1}):
        assert http.post("/scenes/rail-trains/in-force", watcher, body_ | change)[0] == 422, change
    (row,) = http.get("/scenes-in-force?territory=610000", PUBLIC)[1]["items"]
    assert (row["version"], row["valid_from"], row["valid_to"]) == ("rail-trains@2026-01-01", "2099-01-01", None)
    assert http.get("/scenes-in-force?on=2098-12-31", PUBLIC)[1]["items"] == []
    assert http.get("/scenes-in-force?territory=x", PUBLIC)[0] == 422
    end = {"territory": "610000", "valid_to": "2099-02-01"}
    assert http.post("/scenes/rail-trains/withdraw", watcher, end)[0] == 200
    status, no = http.post("/scenes/rail-trains/withdraw", watcher, end)
    assert (status, no["code"]) == (409, "checks.scene_not_in_force")


def test_scenes_on_the_command_line(tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert run(cli, ["put", "rail-trains", "610000", "--from", "2099-01-01"]).exit_code == 0
    refused = run(cli, ["put", "rail-trains", "610000", "--from", "2099-06-01", "--json"])
    assert refused.exit_code == 1
    assert "checks.scene_in_force" in refused.output
    listed = json.loads(run(cli, ["scenes", "--json"]).output)
    assert [h["territory"] for h in listed["in_force"]] == ["610000"]
    assert "610000 2099-01-01" in run(cli, ["scenes"], terminal_width=240, env={"COLUMNS": "240"}).output
    assert run(cli, ["withdraw", "rail-trains", "610000", "--from", "2099-02-01"]).exit_code == 0
    assert run(cli, ["withdraw", "rail-trains", "450000", "--from", "2099-02-01"]).exit_code == 1
    cases = tmp_path / "cases.yaml"
    case = {"name": "one", "direction": "in", "situation": "goods_after_shipment", "tier": "2",
            "facts": {"transport_forms": ["rail"], "transport_route": ["610000"], "transport_unused": False}}  # fmt: skip
    cases.write_text(json.dumps({"cases": [case]}), encoding="utf-8")
    tried = json.loads(run(cli, ["try", "rail-trains", str(cases), "--json"]).output)["items"]
    assert (tried[0]["spoke"], "freight_unused" in tried[0]["against"]) == (True, True)
    assert run(cli, ["try", "rail-trains", str(cases)]).exit_code == 0
    assert run(cli, ["try", "nothing", str(cases)]).exit_code == 1
    assert run(cli, ["try", "rail-trains", str(cases), "--set", "scenes.freight_days=9999"]).exit_code == 1
    assert run(cli, ["try", "rail-trains", str(cases), "--set", "scenes.freight_days"]).exit_code == 2
    cases.write_text("just words", encoding="utf-8")
    assert run(cli, ["try", "rail-trains", str(cases)]).exit_code == 2
