"""Each door of statistics: what it answers, in exact status and code; and the figures of loans and payments as those subjects record them."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from django.test import Client
from ninja import NinjaAPI
from ninja.testing import TestClient

from luhai.core.evidence.tests.world import bank, company, official, party
from luhai.core.parties.models import Person
from luhai.financing.lending.tests.world import MILLION
from luhai.financing.lending.tests.world import Desk as LendingDesk
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.oversight.statistics import queries
from luhai.oversight.statistics.api import router
from luhai.oversight.statistics.cli import cli
from luhai.oversight.statistics.indicators import INDICATORS
from luhai.oversight.statistics.tests.world import (
    CHONGQING,
    GUANGXI,
    counted,
    credited,
    drawn,
    facts,
    gathered,
    sealed,
    told,
)
from luhai.settlement.payments.tests import world as payments
from luhai.shell.api import install

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _officers_without_a_second_factor(settings: Any) -> None:
    settings.DEMO = True  # that wall has its own test


class Caller:
    """The routes of statistics on an API of their own, as the platform's own installs it, with a chosen actor."""

    def __init__(self) -> None:
        api = NinjaAPI(urls_namespace=f"statistics-{uuid4().hex}")
        install(api)
        api.add_router("/statistics", router)
        self.client = TestClient(api)

    def get(self, path: str, actor: Actor) -> tuple[int, Any]:
        answer = self.client.get(f"/statistics{path}", actor=actor)
        return answer.status_code, answer.json()

    def post(self, path: str, actor: Actor, body: dict[str, Any], key: Any = None) -> tuple[int, Any]:
        answer = self.client.post(
            f"/statistics{path}", json=body, headers={"Idempotency-Key": str(key or uuid4())}, actor=actor
        )
        return answer.status_code, answer.json()


@pytest.fixture
def http() -> Caller:
    return Caller()


def signed_in(actor: Actor, language: str = "en") -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE=language)
    client.cookies["django_language"] = language
    client.force_login(
        Person.objects.get(pk=actor.person_id), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    return client


def province(territory: str = CHONGQING) -> Actor:
    return party("agency", Role.PROVINCE, sort="province", territory=territory, name="Some Province")


def in_words(response: Any) -> str:
    return str(response.content.decode())


# --- as other subjects record it ----------------------------------------------------------------------------------------


def test_a_loan_of_lending_is_counted_as_its_books_have_it() -> None:
    desk = LendingDesk()
    plain = desk.lent(3 * MILLION)
    desk.repay(plain, MILLION)
    title = desk.pledged()
    secured = desk.lent(2 * MILLION, title_id=title, quantity=1000) if title else None
    sealed()
    gathered()
    shown = {
        key: {c.territory: c.value for c in queries.figures(indicator=key, currency="CNY", viewer=SYSTEM).cells}
        for key in INDICATORS
    }
    assert shown["loans_drawn"] == {CHONGQING: 5 * MILLION, "_T": 5 * MILLION}
    owed = sum(desk.loan(draw).owed.principal for draw in (plain, secured) if draw)
    assert shown["loans_outstanding"] == {CHONGQING: owed, "_T": owed} == {CHONGQING: 4 * MILLION, "_T": 4 * MILLION}
    assert shown["secured_outstanding"] == {CHONGQING: 2 * MILLION, "_T": 2 * MILLION}
    assert shown["loans_repaid"]["_T"] == MILLION
    assert queries.recount(viewer=SYSTEM).good


def test_payments_are_counted_as_they_are_recorded() -> None:
    desk = payments.Desk("USD")
    credited_, back = desk.came(10_000_00), desk.came(7_00)
    desk.clear(credited_)
    desk.settle(credited_)
    desk.give_back(back)
    sealed()
    gathered()
    shown = {
        key: [(c.territory, c.currency, c.value) for c in queries.figures(indicator=key, viewer=SYSTEM).cells]
        for key in ("receipts", "receipts_documented", "receipts_returned")
    }
    assert shown["receipts"] == shown["receipts_documented"] == [(CHONGQING, "USD", 10_000_00), ("_T", "USD", 10_000_00)]
    assert shown["receipts_returned"] == [(CHONGQING, "USD", 7_00), ("_T", "USD", 7_00)]
    assert {f[10] for f in facts()} == {"TH"}
    assert queries.recount(viewer=SYSTEM).good


# --- the interface ------------------------------------------------------------------------------------------------------


def test_figures_over_http(http: Caller) -> None:
    counted(drawn(1000), drawn(50, territory=GUANGXI))
    supervisor = official(Role.SUPERVISOR)
    status, said = http.get("/figures?indicator=loans_drawn&currency=CNY", supervisor)
    assert status == 200, said
    assert [(c["territory"], c["value"]) for c in said["cells"]] == [(GUANGXI, 50), (CHONGQING, 1000), ("_T", 1050)]
    assert (said["indicator"]["key"], said["minimum"], said["position"]) == ("loans_drawn", 4, said["position"])
    status, said = http.get("/figures?indicator=loans_drawn", bank())
    assert (status, [(c["territory"], c["value"], c["suppressed"]) for c in said["cells"]]) == (200, [("_T", None, True)])
    for path, actor, status, code in (
        ("/figures?indicator=nonsense", supervisor, 404, "absent"),
        ("/figures?indicator=loans_drawn&month_from=March", supervisor, 422, "invalid"),
        ("/figures", supervisor, 422, "unreadable"),
        ("/figures?indicator=loans_drawn&territory=500000", bank(), 403, "not_entitled"),
        ("/figures?indicator=loans_drawn", company(), 403, "not_permitted"),
        ("/figures/beneath?indicator=loans_drawn&month=2026-03&territory=_T&currency=CNY", province(), 403, "not_permitted"),
        ("/figures/beneath?indicator=loans_drawn&month=2026-03&territory=_T&currency=CNY&cursor=xx", supervisor, 422, "invalid"),
    ):
        answer = http.get(path, actor)
        assert (answer[0], answer[1]["code"]) == (status, code), path
    status, said = http.get("/figures/beneath?indicator=loans_drawn&month=2026-03&territory=_T&currency=CNY&limit=1", supervisor)
    assert (status, said["items"][0]["amount"], bool(said["next"])) == (200, 1000, True)
    bent = said["next"][:-2] + "AA"
    assert http.get(
        f"/figures/beneath?indicator=loans_drawn&month=2026-03&territory=_T&currency=CNY&cursor={bent}", supervisor
    )[0] in {200, 422}
    assert [i["key"] for i in http.get("/indicators", bank())[1]] == [*INDICATORS]


def test_gathering_over_http(http: Caller) -> None:
    operator = official(Role.OPERATOR)
    http.post("/gather", operator, {})
    told(drawn(5))
    sealed()
    key = uuid4()
    first = http.post("/gather", operator, {}, key)
    assert (first[0], first[1]["facts"], first[1]["more"]) == (200, 1, False)
    assert http.post("/gather", operator, {}, key) == first, "the same key is the same request"
    assert http.post("/gather", operator, {})[1]["facts"] == 0
    assert http.post("/gather", operator, {"upto": -1})[0] == 422
    assert http.post("/gather", official(Role.SUPERVISOR), {})[0] == 403
    assert http.get("/standing", bank())[1]["facts"] == 1


# --- the command line ---------------------------------------------------------------------------------------------------


def test_the_command_line_gathers_and_shows() -> None:
    told(drawn(1_234_567))
    done = CliRunner().invoke(cli, ["run", "--json"], catch_exceptions=False)
    assert (done.exit_code, json.loads(done.stdout)["facts"]) == (0, 1)
    shown = CliRunner().invoke(cli, ["show", "loans_drawn"], catch_exceptions=False)
    assert shown.exit_code == 0
    assert "12,345.67" in shown.stdout
    assert json.loads(CliRunner().invoke(cli, ["show", "loans_drawn", "--json"]).stdout)["figures"]["cells"][0]["value"] == 1_234_567
    assert CliRunner().invoke(cli, ["show", "nonsense"]).exit_code == 2


# --- the pages ----------------------------------------------------------------------------------------------------------


def test_the_page_shows_months_and_territories_and_opens_each_figure() -> None:
    desk = LendingDesk()
    desk.lent(3 * MILLION)
    sealed()
    gathered()
    client = signed_in(official(Role.SUPERVISOR))
    page = in_words(client.get("/statistics/?indicator=loans_drawn"))
    assert "Corridor loans drawn" in page
    assert "Chongqing" in page
    assert "Mar 2026" in page
    address = f"/statistics/loans_drawn/2026-03/{CHONGQING}/CNY/"
    assert address in page
    figure = in_words(client.get(address))
    for text in ("CN¥3,000,000", "The principal of all draws", "M11-06", "Events beneath it", "Some Exporter", "Some Bank", "Loan paid out"):
        assert text in figure, text
    stock = in_words(client.get(f"/statistics/loans_outstanding/2026-03/{CHONGQING}/CNY/"))
    assert "At the beginning" in stock
    chinese = in_words(signed_in(official(Role.SUPERVISOR), "zh-hans").get(address))
    assert "2026年3月" in chinese
    assert "当月放款本金之和" in chinese


def test_a_mean_and_a_share_stand_in_per_cent() -> None:
    counted(drawn(100_00, company=1), drawn(300_00, title=uuid4(), company=2))
    client = signed_in(official(Role.SUPERVISOR))
    assert "3.4500\u202f%" in in_words(client.get("/statistics/?indicator=drawn_rate"))
    page = in_words(client.get("/statistics/?indicator=secured_share"))
    assert "75.00\u202f%" in page
    assert "receipts_rmb_share" not in page, "what needs rates stands in releases only"
    figure = in_words(client.get(f"/statistics/secured_share/2026-03/{CHONGQING}/CNY/"))
    for text in ("75.00\u202f%", "CN¥300", "CN¥400", "a share of the month", "= share in the month"):
        assert text in figure, text
    mean = in_words(client.get(f"/statistics/drawn_rate/2026-03/{CHONGQING}/CNY/"))
    assert "Mean in the month" in mean
    assert "The part" not in mean
    assert "3.4500 %" in CliRunner().invoke(cli, ["show", "drawn_rate"], catch_exceptions=False).stdout


def test_others_see_what_is_withheld_and_no_events() -> None:
    counted(drawn(1000), drawn(50, territory=GUANGXI))
    address = f"/statistics/loans_drawn/2026-03/{CHONGQING}/CNY/"
    mine = signed_in(province())
    page = in_words(mine.get("/statistics/?indicator=loans_drawn"))
    assert "withheld" in page
    assert "Guangxi" not in page
    figure = in_words(mine.get(address))
    assert "Withheld: fewer than 4 companies" in figure
    assert "10.00" not in figure
    assert "only those who oversee see them" in figure
    assert signed_in(province(GUANGXI)).get(address).status_code == 403
    assert signed_in(bank()).get(address).status_code == 403
    assert in_words(signed_in(bank()).get("/statistics/?indicator=loans_drawn")).count("withheld") >= 1


def test_pages_without_facts_and_without_permission() -> None:
    client = signed_in(official(Role.SUPERVISOR))
    assert "No facts yet" in in_words(client.get("/statistics/"))
    assert client.get("/statistics/loans_drawn/2026-03/_T/CNY/").status_code == 404
    assert client.get("/statistics/nonsense/2026-03/_T/CNY/").status_code == 404
    assert client.get("/statistics/loans_drawn/x/_T/CNY/").status_code == 422
    assert client.get("/statistics/?from=x").status_code == 422
    assert signed_in(company()).get("/statistics/").status_code == 403
    assert Client().get("/statistics/").status_code == 302
    counted(credited(5, currency="JPY"))
    page = in_words(client.get("/statistics/?indicator=receipts"))
    assert "JP¥5" in page, "the currency that there is"
    assert "Nothing in these months and this currency" in in_words(client.get("/statistics/?indicator=receipts&currency=USD"))


def test_the_events_beneath_come_page_by_page() -> None:
    counted(*(drawn(100 + n, company=n % 5) for n in range(60)))
    client = signed_in(official(Role.SUPERVISOR))
    address = "/statistics/loans_drawn/2026-03/_T/CNY/"
    first = client.get(address)
    (next_,) = {line.split('href="')[1].split('"')[0] for line in in_words(first).splitlines() if 'rel="next"' in line}
    second = in_words(client.get(address + next_.replace("&amp;", "&")))
    assert in_words(first).count("Loan paid out") == 50
    assert second.count("Loan paid out") == 10
    assert "From the beginning" in second
