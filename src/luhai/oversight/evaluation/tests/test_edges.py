"""Each door of evaluation: the interface, the command line, the pages in both languages, the files, and who sees what."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from django.test import Client
from ninja import NinjaAPI
from ninja.testing import TestClient

from luhai.core.evidence.tests.world import bank, company, official, party
from luhai.core.parties.models import Person
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent
from luhai.oversight.evaluation import commands, queries, report_pdf
from luhai.oversight.evaluation.api import router
from luhai.oversight.evaluation.cli import cli
from luhai.oversight.evaluation.lifecycle import State
from luhai.oversight.evaluation.report import gathered
from luhai.oversight.evaluation.tests.world import (
    AFTER,
    CHONGQING,
    GUANGXI,
    OPERATOR,
    brought_to,
    by,
    collecting,
    decided,
    planned,
    province,
)
from luhai.shell.api import install

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _officers_without_a_second_factor(settings: Any) -> None:
    settings.DEMO = True  # that wall has its own test


class Caller:
    """The routes of evaluation on an API of their own, as the platform's own installs it, with a chosen actor."""

    def __init__(self) -> None:
        api = NinjaAPI(urls_namespace=f"evaluation-{uuid4().hex}")
        install(api)
        api.add_router("/evaluation", router)
        self.client = TestClient(api)

    def get(self, path: str, actor: Actor) -> tuple[int, Any]:
        answer = self.client.get(f"/evaluation{path}", actor=actor)
        return answer.status_code, answer.json()

    def post(self, path: str, actor: Actor, body: dict[str, Any] | None = None, key: Any = None) -> tuple[int, Any]:
        answer = self.client.post(f"/evaluation{path}", json=body or {}, headers={"Idempotency-Key": str(key or uuid4())}, actor=actor)
        return answer.status_code, answer.json()


@pytest.fixture
def http() -> Caller:
    return Caller()


def signed_in(actor: Actor, language: str = "en") -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE=language)
    client.cookies["django_language"] = language
    client.force_login(Person.objects.get(pk=actor.person_id), backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def of_province(code: str) -> Actor:
    return party("agency", Role.PROVINCE, sort="province", territory=code, name=f"Office of {code}")


def in_words(response: Any) -> str:
    return str(response.content.decode())


# --- the interface ------------------------------------------------------------------------------------------------------


def test_a_cycle_over_http(http: Caller) -> None:
    keeper, other = official(Role.SUPERVISOR), official(Role.SUPERVISOR)
    mine = of_province(CHONGQING)
    key = uuid4()
    body = {"system": "territories.2026", "period": "2026Q1", "seed": 5}
    assert http.post("/cycles", keeper, body, key) == (200, {"id": str(key)})
    assert http.post("/cycles", keeper, body, key) == (200, {"id": str(key)}), "the same key is the same request"
    assert http.post("/cycles", keeper, body)[1]["code"] == "evaluation.planned"
    assert http.post("/cycles", mine, body)[0] == 403
    assert http.post("/cycles", keeper, body | {"seed": -1})[0] == 422
    assert http.post("/cycles", keeper, body | {"system": "nothing"})[0] == 404
    assert http.post(f"/cycles/{key}/score", keeper)[1]["code"] == "evaluation.wrong_state"
    assert http.post(f"/cycles/{key}/collect", keeper) == (200, {"state": "collecting", "run": 1})
    said = {"unit": CHONGQING, "indicator": "P03", "given": {"part": "1", "whole": "0"}, "evidence": "x"}
    status, problem = http.post(f"/cycles/{key}/reports", mine, said)
    assert (status, problem["code"], problem["facts"]["field"]) == (422, "invalid", "whole")
    report = http.post(f"/cycles/{key}/reports", mine, said | {"given": {"part": "1", "whole": "2"}})[1]["id"]
    assert http.post(f"/reports/{report}/decide", mine, {"accept": True})[0] == 403
    assert http.post(f"/reports/{report}/decide", other, {"accept": True})[0] == 200
    for step, state in (("validate", "validated"), ("score", "scored"), ("publish", "draft_published")):
        assert http.post(f"/cycles/{key}/{step}", keeper)[1]["state"] == state
    status, card = http.get(f"/cycles/{key}/units/{CHONGQING}", mine)
    assert (status, card["rank"]) == (200, card["rank"])
    assert http.get(f"/cycles/{key}/units/{GUANGXI}", mine)[0] == 404
    claim = {"indicator": "P03", "claimed": "60", "ground": "x", "evidence": "y"}
    objection = http.post(f"/cycles/{key}/objections", mine, claim)[1]["id"]
    assert http.post(f"/objections/{objection}/decide", other, {"uphold": True, "decision": "z"})[0] == 200
    assert [o["state"] for o in http.get(f"/cycles/{key}/objections", mine)[1]] == ["upheld"]
    assert http.get(f"/cycles/{key}/export", keeper)[1]["code"] == "absent"
    assert http.get(f"/cycles/{key}/export", mine)[0] == 403
    assert http.get("/cycles", company())[0] == 403
    assert http.get(f"/cycles/{uuid4()}", keeper)[0] == 404
    assert http.get("/verify", keeper)[1]["different"] == []


def test_final_totals_are_told_as_parameters_say(http: Caller) -> None:
    cycle = brought_to(State.FINAL)
    stranger = bank()
    units = http.get(f"/cycles/{cycle}", stranger)[1]["units"]
    assert all(u["total"] is not None and not u["detail"] for u in units), "territories' totals are told to all who look"
    assert http.get(f"/cycles/{cycle}/units/{CHONGQING}", stranger)[0] == 404


def test_institutions_see_their_own_result_only() -> None:
    ours, theirs = bank(), bank()
    cycle = collecting(system="institutions.2026")
    commands.validate(cycle_id=cycle, origin=by())
    commands.score(cycle_id=cycle, origin=by())
    with pytest.raises(Absent):
        queries.scorecard(cycle_id=cycle, unit=str(ours.party_id), viewer=ours)
    commands.publish(cycle_id=cycle, origin=by())
    assert queries.scorecard(cycle_id=cycle, unit=str(ours.party_id), viewer=ours).unit.unit == str(ours.party_id)
    with pytest.raises(Absent):
        queries.scorecard(cycle_id=cycle, unit=str(theirs.party_id), viewer=ours)
    commands.finalise(cycle_id=cycle, origin=by(at=AFTER))
    seen = {u.unit for u in queries.cycle(cycle_id=cycle, viewer=ours).units if u.total is not None}
    assert seen == {str(ours.party_id)}
    rows = queries.export_rows(cycle_id=cycle, feed="FX", viewer=OPERATOR).rows
    assert {r.indicator for r in rows} == {"I11", "I12", "I13", "I14", "I15", "I16", "I17", "I18"}


# --- the command line ---------------------------------------------------------------------------------------------------


def run(*words: str) -> Any:
    done = CliRunner().invoke(cli, [*words, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_command_line_takes_a_cycle_on_and_proves_it(tmp_path: Path) -> None:
    cycle = run("plan", "territories.2026", "2026Q1", "--seed", "3")["cycle"]
    assert run("collect", cycle)["ok"] >= 0
    assert len(run("validate", cycle)["inputs_digest"]) == 64
    assert run("score", cycle)["units"] == 15
    assert "objections_until" in run("publish", cycle)
    assert run("object", cycle) == {"objections": []}
    assert [c["period"] for c in run("show")["cycles"]] == ["2026Q1"]
    shown = CliRunner().invoke(cli, ["show", cycle], catch_exceptions=False)
    assert "重庆" in shown.stdout
    file = tmp_path / "report.pdf"
    assert run("report", cycle, str(file))["bytes"] == len(file.read_bytes())
    assert run("verify") == {"runs": 1, "cards": 15, "studies": 0, "different": []}
    assert CliRunner().invoke(cli, ["plan", "nothing", "2026Q1"]).exit_code == 2
    assert CliRunner().invoke(cli, ["report", cycle, "/nowhere/x.pdf"]).exit_code == 2


# --- the pages ----------------------------------------------------------------------------------------------------------


def test_pages_open_in_both_languages_for_all_who_look() -> None:
    cycle = brought_to(State.DRAFT_PUBLISHED)
    decided(cycle, uphold=True)
    commands.finalise(cycle_id=cycle, origin=by(at=AFTER))
    commands.feed(cycle_id=cycle, origin=by(at=AFTER))
    supervisor = official(Role.SUPERVISOR)
    for language, word in (("en", "proposal of this platform"), ("zh-hans", "本平台方案")):
        client = signed_in(supervisor, language)
        for path in (
            "/evaluation/", "/evaluation/systems/territories.2026/", "/evaluation/systems/institutions.2026/", f"/evaluation/{cycle}/",
            f"/evaluation/{cycle}/units/{CHONGQING}/", f"/evaluation/{cycle}/units/{CHONGQING}/?run=1", f"/evaluation/{cycle}/reports/?unit={CHONGQING}",
            f"/evaluation/{cycle}/reports/", f"/evaluation/{cycle}/report/", "/evaluation/effects/",
        ):  # fmt: skip
            answer = client.get(path)
            assert answer.status_code == 200, path
        assert word in in_words(client.get("/evaluation/"))
    page = in_words(signed_in(supervisor).get(f"/evaluation/{cycle}/units/{CHONGQING}/"))
    assert "monitoring of local debt, not built yet" in page
    assert "77.5%" in page
    assert signed_in(company()).get("/evaluation/").status_code == 403
    assert Client().get("/evaluation/").status_code == 302
    assert signed_in(supervisor).get(f"/evaluation/{uuid4()}/").status_code == 404


def test_a_supervisor_and_a_province_work_on_pages() -> None:
    supervisor, mine = official(Role.SUPERVISOR), of_province(CHONGQING)
    boss, unit = signed_in(supervisor), signed_in(mine)
    wrong = boss.post("/evaluation/", {"key": str(uuid4()), "system": "territories.2026", "period": "2030Q1", "seed": "1"})
    assert (wrong.status_code, "a quarter that is over" in in_words(wrong)) == (422, True)
    made = boss.post("/evaluation/", {"key": str(uuid4()), "system": "territories.2026", "period": "2026Q1", "seed": "1"})
    assert made.status_code == 302
    here = made.headers["Location"]
    assert boss.post(here, {"act": "score"}).status_code == 422
    assert boss.post(here, {"act": "collect"}).status_code == 302
    assert boss.post(here, {"act": "dance"}).status_code == 422
    said = {"unit": CHONGQING, "indicator": "P03", "part": "3", "whole": "2", "evidence": "x"}
    assert "at most the whole" in in_words(unit.post(f"{here}reports/", said))
    assert unit.post(f"{here}reports/", said | {"part": "1"}).status_code == 302
    assert "Reports that wait" in in_words(boss.get(here))
    assert unit.post(here, {"act": "validate"}).status_code == 422, "a province does not keep the cycle"
    (report,) = queries.reports(cycle_id=UUID(here.split("/")[2]), viewer=SYSTEM).items
    assert boss.post(here, {"act": "decide_report", "report": str(report.id), "decision": "return", "reason": ""}).status_code == 422
    assert boss.post(here, {"act": "decide_report", "report": str(report.id), "decision": "accept"}).status_code == 302
    for act in ("validate", "score", "publish"):
        assert boss.post(here, {"act": act}).status_code == 302, act
    card = f"{here}units/{CHONGQING}/"
    assert "Object to a value" in in_words(unit.get(card))
    assert unit.get(f"{here}units/{GUANGXI}/").status_code == 404
    assert unit.post(card, {"indicator": "P03", "claimed": "much", "ground": "x", "evidence": "y"}).status_code == 422
    assert unit.post(card, {"indicator": "P03", "claimed": "61", "ground": "x", "evidence": "y"}).status_code == 302
    assert "used 50, claimed 61" in in_words(unit.get(card))


def test_files_are_inputs_and_say_so() -> None:
    cycle = brought_to(State.FINAL)
    client = signed_in(official(Role.SUPERVISOR))
    sheet = client.get(f"/evaluation/{cycle}/export.csv").content.decode("utf-8-sig")
    assert "不是上述评估的正式等级" in sheet.splitlines()[0]
    rows = list(csv.DictReader(io.StringIO("\n".join(sheet.splitlines()[3:]))))
    assert len(rows) == 15 * 24
    assert {r["value"] for r in rows if r["status"] != "ok"} == {""}
    assert len(client.get(f"/evaluation/{cycle}/export.json").json()["rows"]) == 15 * 24
    assert client.get(f"/evaluation/{cycle}/export.xls").status_code == 404
    assert client.get(f"/evaluation/{cycle}/export.csv?feed=all").status_code == 422
    for language, word in (("zh", "评估"), ("en", "")):
        file = client.get(f"/evaluation/{cycle}/report.pdf?language={language}")
        assert (file.status_code, file.content[:5]) == (200, b"%PDF-"), word
    told = gathered(cycle, OPERATOR)
    assert report_pdf.draw(told, "zh") == report_pdf.draw(told, "zh"), "the same report is the same bytes"
    # A province's report holds the totals that are told to all, and only its own card.
    own = gathered(cycle, province(CHONGQING))
    assert ([c.unit.unit for c in own.cards], len([u for u in own.view.units if u.total is not None])) == ([CHONGQING], 15)
    with pytest.raises(Absent):
        gathered(planned(period="2025Q4"), OPERATOR)
