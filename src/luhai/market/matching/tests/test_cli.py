"""The command line shows the same list as page and API, and answers as the person named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from django.test import Client

from luhai.core.parties.queries import memberships_of
from luhai.kernel.origin import PUBLIC, Actor
from luhai.kernel.refusal import Absent
from luhai.market.matching import queries
from luhai.market.matching.cli import cli
from luhai.market.matching.tests import world
from luhai.market.matching.tests.world import NOON
from luhai.records.products.cli import cli as products_cli

pytestmark = pytest.mark.django_db


def run(group: Any, *words: str) -> dict[str, Any]:
    result = CliRunner().invoke(group, [*words, "--json"], catch_exceptions=False, standalone_mode=False)
    answer: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return answer


def email(actor: Actor) -> str:
    (membership,) = memberships_of(actor.person_id)
    return membership.email


def test_run_list_show_answer() -> None:
    officer, member = world.bank(), world.company()
    product = world.product(officer)
    world.product(officer, price_min_bp=10, price_max_bp=20)
    key = world.demand(member, matched=False, needed_by="2099-01-01")
    _keep_open(key)
    told = run(cli, "run")
    assert (told["matched"], told["met"], told["sent"], told["optimal"]) == (1, 2, 1, True)
    assert run(cli, "list", "--as", email(member))["items"][0]["id"] == str(key)
    shown = run(cli, "show", str(key), "--as", email(member))
    listed = queries.matches(demand_id=key, now=NOON, viewer=member).items
    assert [m["id"] for m in shown["items"]] == [str(m.id) for m in listed]
    assert run(cli, "why", str(key), str(product), "--as", email(member))["verdict"] == "met"
    (line,) = run(cli, "queue", "--as", email(officer))["items"]
    answered = run(cli, "answer", "refuse", line["match_id"], "--reason", "compliance", "--as", email(officer))
    assert answered["state"] == "REFUSED"
    assert run(cli, "promises")["items"][0]["kept"] == 1
    assert run(cli, "funnel", "--by", "all")["items"][0]["claimed"] == 1
    with pytest.raises(Absent):
        run(cli, "show", str(key), "--as", email(world.company()))
    for words in (["list"], ["show", str(key)], ["queue", "--state", "all"], ["promises"], ["funnel"]):
        assert CliRunner().invoke(cli, words, catch_exceptions=False).exit_code == 0
    assert CliRunner().invoke(cli, ["list", "--as", "nobody@example.org"]).exit_code == 2


def test_the_shelf() -> None:
    product = world.product(world.bank())
    assert [p["id"] for p in run(products_cli, "shelf")["items"]] == [str(product)]
    shown = run(products_cli, "show", str(product))["product"]
    assert shown["card"]["name_en"] == "Corridor Loan"
    assert shown["criteria"] == Client().get(f"/api/v1/products/{product}").json()["criteria"]
    assert [p.id for p in queries.products.shelf(viewer=PUBLIC).items] == [product]
    for words in (["shelf"], ["show", str(product)]):
        assert CliRunner().invoke(products_cli, words, catch_exceptions=False).exit_code == 0


def _keep_open(key: object) -> None:
    """The command line reads the clock, which is past the ninety days of a demand of the tests' Monday."""
    from datetime import UTC, datetime

    from luhai.kernel.origin import SYSTEM
    from luhai.market.matching.models import Demand
    from luhai.shell.context import acting

    with acting(SYSTEM):
        Demand.objects.filter(pk=key).update(expires_at=datetime(2099, 1, 1, tzinfo=UTC))
