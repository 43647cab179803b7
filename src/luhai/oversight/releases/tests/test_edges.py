"""Each door of releases: the interface, the command line and the pages, in exact status and code."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from django.test import Client
from ninja import NinjaAPI
from ninja.testing import TestClient

from luhai.core.evidence.tests.world import official
from luhai.core.parties.models import Person
from luhai.kernel.origin import PUBLIC, Actor, Role
from luhai.oversight.releases import queries
from luhai.oversight.releases.api import router
from luhai.oversight.releases.cli import cli
from luhai.oversight.statistics.indicators import INDICATORS
from luhai.shell.api import install

from .office import HEAD, JANUARY, MARCH, OFFICER, busy, computed, read_on, seen, three_months

pytestmark = pytest.mark.usefixtures("own_journal")
WHOLE = "_T._T._T._T.CNY._T._T._T._T"


@pytest.fixture(autouse=True)
def _officers_without_a_second_factor(settings: Any) -> None:
    settings.DEMO = True  # that wall has its own test


class Caller:
    """The routes of releases on an API of their own, as the platform's own installs it, with a chosen actor."""

    def __init__(self) -> None:
        api = NinjaAPI(urls_namespace=f"releases-{uuid4().hex}")
        install(api)
        api.add_router("/releases", router)
        self.client = TestClient(api)

    def get(self, path: str, actor: Actor = PUBLIC) -> tuple[int, Any]:
        answer = self.client.get(f"/releases{path}", actor=actor)
        return answer.status_code, answer.json()

    def post(self, path: str, actor: Actor, body: dict[str, Any] | None = None, key: Any = None) -> tuple[int, Any]:
        answer = self.client.post(f"/releases{path}", json=body or {}, headers={"Idempotency-Key": str(key or uuid4())}, actor=actor)
        return answer.status_code, answer.json()


def signed_in(actor: Actor, language: str = "en") -> Client:
    client = visitor(language)
    client.force_login(Person.objects.get(pk=actor.person_id), backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def visitor(language: str = "en") -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE=language)
    client.cookies["django_language"] = language
    return client


def text(response: Any) -> str:
    return str(response.content.decode())


def key_in(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found
    return found[1]


# --- the interface ------------------------------------------------------------------------------------------------------


def test_a_release_over_http() -> None:
    http = Caller()
    busy(MARCH)
    read_on()
    key = uuid4()
    status, made = http.post("/", OFFICER, {"month": "2026-03"}, key)
    assert status == 200, made
    assert http.post("/", OFFICER, {"month": "2026-03"}, key) == (status, made)
    at = f"/{made['id']}"
    assert http.post(f"{at}/publish", HEAD)[1]["code"] == "releases.action_not_allowed"
    status, done = http.post(f"{at}/compute", OFFICER, {"engine": "duckdb"})
    assert (status, done["cells"] > 100) == (200, True)
    assert http.get("/figures") == (200, [])
    assert http.get(f"{at}/cell?indicator=loans_drawn&key={WHOLE}")[0] == 404, "under embargo"
    assert http.get(f"{at}/cell?indicator=loans_drawn&key={WHOLE}", OFFICER)[0] == 200
    assert http.post(f"{at}/publish", OFFICER)[1]["code"] == "releases.same_person"
    assert http.post(f"{at}/publish", HEAD) == (200, {"id": made["id"]})
    status, figures = http.get("/figures?indicator=loans_drawn&key=territory:_T&key=size:_T&month_from=2026-03")
    assert (status, {x["key"][0] for x in figures}) == (200, {"_T"})
    status, one = http.get(f"{at}/cell?indicator=loans_drawn&key={WHOLE}")
    assert (status, one["behind"], one["indicator"]["formula_en"]) == (200, None, INDICATORS["loans_drawn"].formula_en)
    assert http.get(f"{at}/cell/beneath?indicator=loans_drawn&key={WHOLE}")[0] == 401
    status, below = http.get(f"{at}/cell/beneath?indicator=loans_drawn&key={WHOLE}&limit=2", OFFICER)
    assert (status, len(below["items"]), bool(below["next"])) == (200, 2, True)
    assert [r["state"] for r in http.get("/")[1]] == ["PUBLISHED"]
    assert http.get(f"{at}/changes") == (200, [])
    for path, status, code in (
        ("/figures?indicator=nonsense", 404, "absent"), ("/figures?key=territory", 422, "invalid"), ("/figures?key=colour:red", 422, "invalid"),
        ("/figures?month_from=March", 422, "invalid"), ("/figures?vintage=x", 422, "invalid"), (f"/{uuid4()}", 404, "absent"),
        (f"{at}/cell?indicator=loans_drawn&key=a.b", 404, "absent"), (f"{at}/cell?indicator=loans_drawn", 422, "unreadable"),
    ):  # fmt: skip
        answer = http.get(path)
        assert (answer[0], answer[1]["code"]) == (status, code), path
    bank = Actor(uuid4(), Role.BANK, uuid4())
    assert http.post("/", bank, {"month": "2026-04"})[0] == 403
    assert http.post("/", OFFICER, {"month": "2026-04", "colour": "red"})[0] == 422
    assert http.post("/revisions", OFFICER, {"month": "2026-03", "reason": "", "changed": "x"})[0] == 422
    status, again = http.post("/revisions", OFFICER, {"month": "2026-03", "reason": "late", "changed": "loans"})
    assert status == 200
    assert http.post(f"/{again['id']}/discard", OFFICER, {"reason": "mistaken"})[0] == 200
    assert [d["kind"] for d in http.get("/calendar")[1]] == ["PROVISIONAL", "FINAL"]


# --- the command line ---------------------------------------------------------------------------------------------------


def run(*words: str) -> Any:
    return CliRunner().invoke(cli, [*words], catch_exceptions=False)


def test_the_command_line_computes_publishes_and_recounts() -> None:
    busy(JANUARY)
    done = run("run", "--month", "2026-01", "--engine", "duckdb", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["cells"] > 100
    assert queries.release(release_id=said["release"], viewer=OFFICER).state == "COMPUTED"
    head = official(Role.SUPERVISOR)
    email = Person.objects.get(pk=head.person_id).email
    assert run("publish", "--month", "2026-01", "--as", email, "--json").exit_code == 0
    found = run("recount", "--all", "--json")
    told = json.loads(found.stdout.splitlines()[-1])
    assert (found.exit_code, told["cells"], told["different"]) == (0, said["cells"], [])
    assert "2026-01" in run("calendar").stdout
    items = json.loads(run("calendar", "--json").stdout.splitlines()[-1])["items"]
    assert [i["release"] and i["release"]["state"] for i in items] == ["PUBLISHED", None]
    assert run("revise", "--month", "2026-01", "--reason", "late", "--changed", "loans", "--json").exit_code == 0
    assert run("discard", "--month", "2026-01", "--reason", "mistaken").exit_code == 0
    assert run("publish", "--month", "2026-01", "--as", "nobody@example.org").exit_code == 2


# --- the pages ----------------------------------------------------------------------------------------------------------


def test_the_browser_is_open_to_everybody() -> None:
    empty = text(visitor().get("/statistics/browse/"))
    assert "Nothing is published yet" in empty
    three_months()
    client = visitor()
    page = text(client.get("/statistics/browse/?indicator=loans_drawn"))
    assert "Corridor loans drawn" in page
    assert "data-chart" in page
    assert "SHA-256" in page
    assert "2026-01.1" in page
    chinese = text(visitor("zh-hans").get("/statistics/browse/?indicator=loans_drawn&rows=size&columns=month"))
    assert "通道贷款发放额" in chinese
    assert "小型企业" in chinese
    assert "不予公布" in chinese
    for asked in ("rows=size&columns=territory", "rows=territory&columns=industry", "rows=term&territory=500000", "indicator=drawn_rate", "indicator=receipts_rmb_share"):
        response = client.get(f"/statistics/browse/?{asked}")
        assert response.status_code == 200, asked
        assert "<table" in text(response), asked
    for asked, problem in (
        ("rows=size&columns=term", "columns"), ("rows=colour", "rows"), ("indicator=nonsense", "no such indicator"), ("from=March", "a month such as 2026-03"),
        ("from=2026-03&to=2026-01", "from"), ("vintage=x", "vintage"), ("currency=XXX", "currency"), ("territory=Mars", "territory"),
    ):  # fmt: skip
        response = client.get(f"/statistics/browse/?{asked}")
        assert (response.status_code, problem in text(response)) == (422, True), asked
    assert "Nothing is published for this choice" in text(client.get("/statistics/browse/?currency=JPY"))


def test_a_table_is_downloaded_as_it_is_shown() -> None:
    three_months()
    client = visitor()
    answer = client.get("/statistics/browse/csv?indicator=loans_drawn&rows=size")
    rows = list(csv.DictReader(io.StringIO(text(answer).removeprefix("\ufeff"))))
    wanted = seen(indicators=["loans_drawn"], keys={n: ["_T"] for n in ("territory", "industry", "term", "route", "guarantee", "green", "country")} | {"currency": ["CNY"]})
    assert [(r["month"], r["size"], r["value"]) for r in rows] == [(x.month, x.key[1], "" if x.value is None else str(x.value)) for x in wanted]
    assert all(len(r["release"]) == 64 and len(r["method"]) == 64 for r in rows)
    told = client.get("/statistics/browse/json?indicator=loans_drawn&rows=size").json()
    assert [x["value"] for x in told["figures"]] == [x.value for x in wanted]
    assert client.get("/statistics/browse/xls").status_code == 404


def test_calendar_release_and_cell() -> None:
    made = three_months()[2]
    client = visitor()
    assert "2026-03.1" in text(client.get("/statistics/calendar/"))
    assert "Plan a release" not in text(client.get("/statistics/calendar/"))
    page = text(client.get(f"/statistics/release/{made}/"))
    assert queries.release(release_id=made, viewer=PUBLIC).digest in page
    assert "statistics.minimum_cell@2020-01-01" in page
    cell = f"/statistics/release/{made}/cell/loans_drawn/{WHOLE}/"
    page = text(client.get(cell))
    assert INDICATORS["loans_drawn"].formula_en in page
    assert "only those who oversee see them" in page
    page = text(signed_in(official(Role.SUPERVISOR)).get(cell))
    assert "Events beneath it" in page
    assert "Loan paid out" in page
    page = text(signed_in(official(Role.SUPERVISOR), "zh-hans").get(cell))
    assert "数据背后的事件" in page
    hidden = next(x for x in seen(indicators=["loans_drawn"]) if x.conf_status == "A" and x.month == "2026-03")
    page = text(client.get(f"/statistics/release/{made}/cell/loans_drawn/{'.'.join(hidden.key)}/"))
    assert "fewer companies stand behind it than may be told" in page
    for path in (f"/statistics/release/{uuid4()}/", f"/statistics/release/{made}/cell/loans_drawn/x/", f"/statistics/release/{made}/cell/nonsense/{WHOLE}/"):
        assert client.get(path).status_code == 404, path


def test_an_office_plans_computes_and_publishes_on_pages() -> None:
    busy(JANUARY)
    read_on()
    officer, head = official(Role.SUPERVISOR), official(Role.SUPERVISOR)
    one, two = signed_in(officer), signed_in(head)
    form = text(one.get("/statistics/calendar/"))
    wrong = one.post("/statistics/calendar/", {"do": "plan", "month": "January", "kind": "PROVISIONAL", "day": "", "key": key_in(form)})
    assert (wrong.status_code, "plan-month-error" in text(wrong)) == (422, True)
    wrong = one.post("/statistics/calendar/", {"do": "plan", "month": "2026-01", "kind": "PROVISIONAL", "day": "soon", "key": key_in(form)})
    assert (wrong.status_code, "plan-day-error" in text(wrong)) == (422, True)
    form = text(one.get("/statistics/calendar/"))
    asked = {"do": "plan", "month": "2026-01", "kind": "PROVISIONAL", "day": "", "key": key_in(form)}
    answer = one.post("/statistics/calendar/", asked)
    assert answer.status_code == 302
    assert one.post("/statistics/calendar/", asked)["Location"] == answer["Location"], "pressed twice"
    at = answer["Location"]
    assert one.post(at, {"do": "publish", "key": str(uuid4())}).status_code == 409
    assert one.post(at, {"do": "compute", "key": str(uuid4())}).status_code == 302
    assert "Compute and freeze" not in text(visitor().get(at))
    refused = one.post(at, {"do": "publish", "key": str(uuid4())})
    assert (refused.status_code, "another person must" in text(refused)) == (403, True)
    assert two.post(at, {"do": "publish", "key": str(uuid4())}).status_code == 302
    assert "Published" in text(visitor().get(at))
    asked = {"do": "revise", "month": "2026-01", "reason": "", "changed": "x", "day": "", "key": str(uuid4())}
    wrong = one.post("/statistics/calendar/", asked)
    assert (wrong.status_code, "revise-reason-error" in text(wrong)) == (422, True)
    answer = one.post("/statistics/calendar/", asked | {"reason": "late reports", "key": str(uuid4())})
    assert answer.status_code == 302
    assert one.post(answer["Location"], {"do": "discard", "reason": "", "key": str(uuid4())}).status_code == 422
    assert one.post(answer["Location"], {"do": "discard", "reason": "mistaken", "key": str(uuid4())}).status_code == 302
    assert visitor().post("/statistics/calendar/", asked | {"key": str(uuid4())}).status_code in {302, 403, 422}
    assert [v.vintage for v in queries.releases(month="2026-01", viewer=PUBLIC)] == [1]


def test_a_computed_release_shows_outsiders_only_its_day() -> None:
    busy(JANUARY, count=12)
    read_on()
    made = computed("2026-01")
    view = queries.release(release_id=made, viewer=OFFICER)
    for path in ("/statistics/calendar/", f"/statistics/release/{made}/", "/statistics/browse/"):
        page = text(visitor().get(path))
        assert view.digest not in page
        assert "Computed, under embargo" not in page

