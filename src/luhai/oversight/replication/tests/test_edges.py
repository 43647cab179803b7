"""Each door: what it answers, to whom, in exact status and code; the whole way through pages, over HTTP and on the command line."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from django.test import Client
from django.utils import timezone
from ninja import NinjaAPI
from ninja.testing import TestClient

from luhai.core.evidence.tests.world import bank, company, party
from luhai.core.parties import commands as parties
from luhai.core.parties.models import Person
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Origin, Role
from luhai.oversight.replication import commands, live_commands, queries
from luhai.oversight.replication.api import router
from luhai.oversight.replication.cli import cli
from luhai.oversight.replication.tests import world
from luhai.oversight.replication.tests.world import DAYS, MEASURE, PACKAGE, SICHUAN
from luhai.shell.api import install

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _officers_without_a_second_factor(settings: Any) -> None:
    settings.DEMO = True  # that wall has its own test


def now(actor: Actor) -> Origin:
    """Pages and routes read the clock, so this world lives today."""
    return Origin(actor, uuid4(), timezone.now())


def today(days: int = 0) -> Any:
    return queries.day_of(timezone.now()) + timedelta(days=days)


@pytest.fixture
def w(monkeypatch: pytest.MonkeyPatch) -> world.World:
    """The same small world, on this very day."""
    moment = timezone.now()
    monkeypatch.setattr(world, "NOON", moment)
    monkeypatch.setattr(world, "TODAY", queries.day_of(moment))
    made = world.world()
    for fact, value in (("supervision_grade", "B"), ("debt_colour", "green"), ("red_warnings", 0)):
        world.state(made.supervisor, fact, value, stated=world.TODAY)
    for fact, value in (("controls_complete", True), ("responsible_unit", True), ("data", ["transport_document", "customs_declaration"])):
        world.state(made.first, fact, value, stated=world.TODAY)
    second = uuid4()
    parties.add_person(
        person_id=second, email=f"{second.hex}@example.org", name_zh="乙", name_en="Second", password_hash=None, origin=world.by()
    )
    assert made.first.party_id
    parties.add_membership(person_id=second, party_id=made.first.party_id, role=Role.PROVINCE, territory=None, origin=world.by())
    return world.World(made.first, Actor(second, Role.PROVINCE, made.first.party_id, SICHUAN), made.supervisor, made.origin, made.exporter)


def signed_in(actor: Actor, language: str = "en") -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE=language)
    client.cookies["django_language"] = language
    client.force_login(Person.objects.get(pk=actor.person_id), backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def words(response: Any) -> str:
    return re.sub(r"\s+", " ", str(response.content.decode()))


class Caller:
    """The routes of replication on an API of their own, as the platform's own installs it, with a chosen actor."""

    def __init__(self) -> None:
        api = NinjaAPI(urls_namespace=f"replication-{uuid4().hex}")
        install(api)
        api.add_router("/replication", router)
        self.client = TestClient(api)

    def get(self, path: str, actor: Actor) -> tuple[int, Any]:
        answer = self.client.get(f"/replication{path}", actor=actor)
        return answer.status_code, answer.json()

    def post(self, path: str, actor: Actor, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        answer = self.client.post(
            f"/replication{path}", json=body or {}, headers={"Idempotency-Key": str(uuid4())}, actor=actor
        )
        return answer.status_code, answer.json()


@pytest.fixture
def http() -> Caller:
    return Caller()


# --- over HTTP ----------------------------------------------------------------------------------------------------------


def test_the_whole_way_over_http(w: world.World, http: Caller) -> None:
    key = uuid4()
    path = f"/adoptions/{key}"
    body = {"id": str(key), "package": PACKAGE, "overrides": {DAYS: "120"}, "starts_on": today().isoformat()}
    assert http.post("/adoptions", w.first, body) == (200, {"id": str(key)})
    assert http.post(f"{path}/propose", w.first)[1]["code"] == "replication.act_not_allowed"
    assert http.post(f"{path}/examine", w.first)[0] == 200
    assert http.post(f"{path}/propose", w.first)[0] == 200
    status, no = http.post(f"{path}/approve", w.first)
    assert (status, no["code"]) == (403, "replication.same_person")
    assert http.post(f"{path}/approve", w.second)[0] == 200
    assert http.post(f"{path}/grant", w.first, {"instrument_no": "1", "scope": "x"})[0] == 403
    assert http.post(f"{path}/grant", w.supervisor, {"instrument_no": "汇复1号", "scope": "全省"})[0] == 200
    assert http.post(f"{path}/go-live", w.second)[0] == 200
    status, seen = http.get(path, w.first)
    assert (status, seen["line"]["state"], seen["overrides"], seen["may"]) == (200, "live", {DAYS: "120"}, ["ask_roll_back"])
    assert [s["act"] for s in seen["steps"]] == ["draft", "examine", "propose", "approve", "grant", "go_live"]
    assert seen["examination"]["conditions"]["risk"]["parts"][0]["verdict"] == "met"
    status, seen = http.get(path, PUBLIC)
    assert (status, seen["examination"], seen["steps"]) == (200, None, [])
    assert http.post(f"{path}/roll-back/ask", w.first, {"day": today(1).isoformat(), "reason": "too strict"})[0] == 200
    assert http.post(f"{path}/roll-back", w.supervisor)[0] == 200
    assert http.get(path, PUBLIC)[1]["line"]["state"] == "rolled_back"


def test_bad_input_names_its_field(w: world.World, http: Caller) -> None:
    body = {"id": str(uuid4()), "package": PACKAGE, "overrides": {DAYS: "1"}, "starts_on": today().isoformat()}
    status, no = http.post("/adoptions", w.first, body)
    assert (status, no["code"], no["facts"]["field"]) == (422, "invalid", f"overrides.{DAYS}")
    assert http.post("/adoptions", w.first, body | {"overrides": {}, "colour": 1})[1]["code"] == "unreadable"
    assert http.post("/adoptions", w.first, body | {"package": "none"})[:1] == (404,)
    assert http.get("/packages/none", PUBLIC)[1]["code"] == "replication.no_package"
    assert http.get(f"/packages/{PACKAGE}/eligible?territory=110000", w.first)[1]["code"] == "absent"
    assert http.get("/adoptions?state=asleep", w.first)[1]["facts"]["field"] == "state"
    assert http.get(f"/adoptions/{uuid4()}", w.first)[0] == 404


def test_who_may_look(w: world.World, http: Caller) -> None:
    assert [http.get("/packages", a)[0] for a in (PUBLIC, bank(), w.first)] == [200, 200, 200]
    eligible = f"/packages/{PACKAGE}/eligible?territory={SICHUAN}"
    assert [http.get(eligible, a)[0] for a in (PUBLIC, bank(), company(), w.first, w.supervisor)] == [401, 403, 403, 200, 200]
    assert http.get(eligible, w.first)[1]["approval"]["verdict"] == "unknown"
    told = http.get("/board", w.first)[1]["places"][PACKAGE][SICHUAN]
    assert (told["verdict"], told["missing"], told["state"]) == ("met", 0, "")
    hidden = http.get("/board", PUBLIC)[1]["places"][PACKAGE]
    assert (hidden[SICHUAN]["verdict"], hidden["500000"]["state"]) == ("", "live")


# --- on the command line ------------------------------------------------------------------------------------------------


def luhai(*words_: str) -> Any:
    done = CliRunner().invoke(cli, [*words_, "--json"], standalone_mode=False)
    if done.exception:
        raise done.exception
    return json.loads(done.stdout.strip().splitlines()[-1])


def email_of(actor: Actor) -> str:
    return str(Person.objects.get(pk=actor.person_id).email)


def test_the_whole_way_on_the_command_line(w: world.World) -> None:
    first, second, over = email_of(w.first), email_of(w.second), email_of(w.supervisor)
    key = luhai("draft", PACKAGE, "--set", f"{DAYS}=120", "--from", today().isoformat(), "--as", first)["id"]
    luhai("examine", key, "--as", first)
    luhai("propose", key, "--as", first)
    luhai("approve", key, "--as", second)
    luhai("grant", key, "--instrument", "汇复1号", "--scope", "全省", "--as", over)
    luhai("go-live", key, "--as", first)
    assert luhai("packages", "--as", first)["places"][PACKAGE][SICHUAN]["state"] == "live"
    assert luhai("eligible", PACKAGE, SICHUAN, "--as", first)["verdict"] == "met"
    assert luhai("watch") == {"events": 0, "changed": 0}
    luhai("roll-back", key, "--from", today(1).isoformat(), "--reason", "x", "--as", first)
    luhai("roll-back", key, "--as", second)
    assert luhai("show", key)["adoption"]["line"]["state"] == "rolled_back"
    for command in (["packages"], ["show", key], ["eligible", PACKAGE, "520000"]):
        assert CliRunner().invoke(cli, command).exit_code == 0, command


def test_the_command_line_says_what_is_wrong(w: world.World) -> None:
    done = CliRunner().invoke(cli, ["draft", PACKAGE, "--set", "days", "--from", "2026-01-01"])
    assert done.exit_code == 2
    assert "KEY=VALUE" in done.output
    assert CliRunner().invoke(cli, ["state", SICHUAN, "sea_port", "true", "--document", "x"]).exit_code == 2
    luhai("state", SICHUAN, "red_warnings", "2", "--document", "函", "--on", today().isoformat(), "--until", today(9).isoformat(),
          "--as", email_of(w.supervisor))  # fmt: skip
    assert luhai("eligible", PACKAGE, SICHUAN)["risk"]["verdict"] == "failed"


# --- pages --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "title"), [("en", "Replication"), ("zh-hans", "复制推广")])
def test_the_board_in_both_languages(w: world.World, language: str, title: str) -> None:
    seen = words(signed_in(w.first, language).get("/replication/"))
    assert f"<h1>{title}</h1>" in seen
    assert ("could have it" if language == "en" else "具备条件") in seen
    assert ("not known" if language == "en" else "项未知") in seen
    visitor = words(Client(HTTP_ACCEPT_LANGUAGE=language).get("/replication/"))
    assert f"/replication/packages/{PACKAGE}/{SICHUAN}/" in seen
    assert f"/replication/packages/{PACKAGE}/{SICHUAN}/" not in visitor


def test_the_package_says_what_is_ours(w: world.World) -> None:
    seen = words(signed_in(w.first).get("/replication/packages/port-shipping/"))
    assert "Only the name was found" in seen
    assert "Adopt it here" in seen
    assert "Adopt it here" not in words(Client().get("/replication/packages/port-shipping/"))
    assert Client().get("/replication/packages/none/").status_code == 404


def test_the_whole_way_through_pages(w: world.World) -> None:
    first, second, over = signed_in(w.first), signed_in(w.second), signed_in(w.supervisor)
    bad = first.post(f"/replication/packages/{PACKAGE}/", {"key": uuid4(), f"set-{DAYS}": "1", "starts_on": today().isoformat()})
    assert bad.status_code == 422
    assert 'aria-invalid="true"' in words(bad)
    assert 'value="1"' in words(bad)
    done = first.post(f"/replication/packages/{PACKAGE}/", {"key": uuid4(), f"set-{DAYS}": "120", "starts_on": today().isoformat()})
    assert done.status_code == 302, words(done)
    page = done["Location"]

    def act(client: Client, name: str, **more: Any) -> int:
        return int(client.post(page, {"key": uuid4(), "act": name, **more}).status_code)

    assert act(first, "propose") == 422
    assert act(first, "examine") == 302
    seen = words(first.get(page))
    assert "On the territory's own payments" in seen
    assert "What differs from the origin" in seen
    assert '<span class="badge brass">120</span>' in seen
    assert act(first, "propose") == 302
    assert act(first, "approve") == 422
    assert act(second, "approve") == 302
    assert act(over, "grant", instrument_no="", scope="全省") == 422
    assert act(over, "grant", instrument_no="汇复1号", scope="全省") == 302
    assert act(first, "go_live") == 302
    assert "Live from" in words(Client(HTTP_ACCEPT_LANGUAGE="en").get(page))
    assert act(first, "nonsense") == 422
    officer = party("institution", Role.BANK, sort="city_bank", territory=SICHUAN, name="Here")
    assert "Draft this product" in words(signed_in(officer).get(page))
    assert act(signed_in(officer), "offer", name_zh="本地单证贷") == 302
    assert act(first, "ask_roll_back", day="soon", reason="x") == 422
    assert act(first, "ask_roll_back", day=today(1).isoformat(), reason="too strict") == 302
    assert "too strict" in words(second.get(page))
    assert act(second, "roll_back") == 302
    for client in (first, second, over, signed_in(w.first, "zh-hans")):
        assert client.get(page).status_code == 200


def test_a_fact_is_stated_on_the_page_of_the_territory(w: world.World) -> None:
    page = f"/replication/packages/{PACKAGE}/{SICHUAN}/"
    over = signed_in(w.supervisor)
    given = {"key": uuid4(), "fact": "supervision_grade", "value": "E", "document": "函", "stated_on": today().isoformat(),
             "until": today(30).isoformat()}  # fmt: skip
    bad = over.post(page, given)
    assert bad.status_code == 422
    assert "one of A, B, C, D" in words(bad)
    assert over.post(page, given | {"value": "D", "key": uuid4()}).status_code == 302
    seen = words(over.get(page))
    assert "does not hold" in seen
    assert "grade D" in seen
    assert "State a fact" not in words(signed_in(world.official("520000")).get(page))
    assert Client().get(page).status_code == 302, "a visitor is asked to sign in"


def test_the_operator_enters_a_package_at_its_origin(w: world.World) -> None:
    key = live_commands.enter(
        adoption_id=uuid4(), package="rail-trains", territory="610000", instrument_no="1", approver="x", scope="x", invented=True,
        origin=now(SYSTEM),
    )  # fmt: skip
    seen = queries.adoption(adoption_id=key, viewer=PUBLIC)
    assert (seen.line.state, seen.entered, seen.measure) == ("live", True, "M14-05")
    with pytest.raises(commands.InForce):
        live_commands.enter(
            adoption_id=uuid4(), package="rail-trains", territory="610000", instrument_no="1", approver="x", scope="x", invented=True,
            origin=now(SYSTEM),
        )  # fmt: skip
    assert seen.measure != MEASURE
    assert isinstance(key, UUID)
