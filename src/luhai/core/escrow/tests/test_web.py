"""The pages of escrows: who sees them, and what can be done there."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from luhai.core.escrow import queries
from luhai.core.ledger import commands as ledger
from luhai.core.ledger.policy import Account, Bound, Transfer
from luhai.core.parties.models import Person
from luhai.core.titles.tests import world as titles
from luhai.core.titles.tests.world import NOON, bank, company, id_of, official
from luhai.kernel.origin import Actor, Role

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _officers_without_a_second_factor(settings: Any) -> None:
    settings.DEMO = True  # that wall has its own test


def signed_in(actor: Actor) -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE="en")
    client.cookies["django_language"] = "en"
    client.force_login(
        Person.objects.get(pk=actor.person_id), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    return client


def purse(owner: Actor, unit: str = "CNY", amount: int = 0) -> str:
    """An account of a party's own, with something on it."""
    mine, outside = uuid4(), uuid4()
    ledger.open_accounts(
        [
            Account(id=mine, unit=unit, kind="own.purse", owner_id=id_of(owner), bound=Bound.DEBITS),
            Account(id=outside, unit=unit, kind="own.outside", owner_id=id_of(owner)),
        ],
        at=NOON,
    )
    if amount:
        ledger.post_all([Transfer(id=uuid4(), debit=outside, credit=mine, amount=amount, unit=unit)], at=NOON)
    return str(mine)


def posted(client: Client, address: str, **fields: Any) -> Any:
    return client.post(address, {"key": str(uuid4()), **fields})


@pytest.fixture
def deal() -> dict[str, Any]:
    """A seller, who holds a title, and a buyer with money."""
    seller, buyer = company(name="Seller Works"), company(name="Buyer Works")
    return {
        "seller": seller, "buyer": buyer, "title": titles.title(company(name="Keeper"), seller),
        "pays": purse(buyer, amount=1000_00), "receives": purse(seller),
    }  # fmt: skip


def arranged(deal: dict[str, Any], **changes: Any) -> Any:
    fields = {
        "sort": "dvp", "new": str(uuid4()), "side": "seller", "other": str(id_of(deal["buyer"])), "title": str(deal["title"]),
        "amount": "1,000.00", "currency": "CNY", "pays_from": deal["pays"], "receives_on": deal["receives"],
        "last_day": "2030-01-01", "names": "",
    }  # fmt: skip
    return posted(signed_in(deal["seller"]), "/escrow/new", **(fields | changes))


def test_delivery_against_payment_from_the_form_to_the_end(deal: dict[str, Any]) -> None:
    answer = arranged(deal)
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    address = answer["Location"]
    digest = queries.escrow(escrow_id=address.split("/")[-2], viewer=deal["seller"]).digest
    seller, buyer = signed_in(deal["seller"]), signed_in(deal["buyer"])
    for client in (seller, buyer):
        assert posted(client, address, act="agree", digest=digest).status_code == 302
    assert posted(seller, address, act="deposit", title=str(deal["title"])).status_code == 302
    assert posted(buyer, address, act="fund", leg="price").status_code == 302
    assert "Conditions met" in buyer.get(address).content.decode()
    assert posted(buyer, address, act="execute").status_code == 302
    page = buyer.get(address).content.decode()
    assert "Executed" in page
    assert "CN¥1,000" in page
    view = queries.escrow(escrow_id=address.split("/")[-2], viewer=deal["buyer"])
    assert view.outcome is not None
    assert view.value[0].held == 0


def test_what_is_wrong_is_said_and_nothing_typed_is_lost(deal: dict[str, Any]) -> None:
    for changes, words in [
        ({"amount": "12.345"}, "no more decimals"),
        ({"amount": "ten"}, "no more decimals"),
        ({"other": "Nobody Ltd"}, "registered party"),
        ({"title": "x"}, "title"),
        ({"last_day": "soon"}, "2026-03-02"),
        ({"last_day": "2020-01-01"}, "instant to come"),
        ({"pays_from": deal["receives"]}, "account of the payer"),
    ]:
        answer = arranged(deal, **changes)
        page = answer.content.decode()
        assert answer.status_code == 422, (changes, page[-1500:])
        assert words in page, (changes, words)
        assert deal["receives"] in page


def test_payment_against_payment_is_arranged(deal: dict[str, Any]) -> None:
    first, second = bank(), bank(role=Role.PARTNER)
    answer = posted(
        signed_in(first), "/escrow/new", sort="pvp", new=str(uuid4()), other=str(id_of(second)), amount="700", currency="CNY",
        their_amount="100", their_currency="USD", pays_from=purse(first, "CNY", 700_00), receives_on=purse(first, "USD"),
        they_pay_from=purse(second, "USD", 100_00), they_receive_on=purse(second, "CNY"), last_day="2030-01-01",
    )  # fmt: skip
    assert answer.status_code == 302, answer.content.decode()[-1500:]
    assert "payment against payment" in signed_in(second).get("/escrow/").content.decode()


def test_strangers_see_nothing_and_supervisors_all(deal: dict[str, Any]) -> None:
    address = arranged(deal)["Location"]
    assert signed_in(company()).get(address).status_code == 404
    assert signed_in(company()).get("/escrow/").content.decode().count(address) == 0
    assert signed_in(official(Role.SUPERVISOR)).get(address).status_code == 200
    assert signed_in(official(Role.SUPERVISOR)).get("/escrow/new").status_code == 403
    assert Client().get("/escrow/").status_code == 302


def test_acts_that_are_not_open_are_refused_on_the_page(deal: dict[str, Any]) -> None:
    address = arranged(deal)["Location"]
    client = signed_in(deal["seller"])
    for fields in (
        {"act": "execute"}, {"act": "fund", "leg": "price"}, {"act": "fund", "leg": "nothing"}, {"act": "arrange"},
        {"act": "nonsense"}, {"act": "agree", "digest": "0" * 64}, {"act": "deposit", "title": "x"},
        {"act": "present", "condition": "x", "evidence": "y"}, {"act": "confirm", "condition": "x"},
        {"act": "dispute", "reason": ""}, {"act": "settle", "decision": "execute", "reason": "x"}, {"act": "expire"},
    ):  # fmt: skip
        answer = posted(client, address, **fields)
        assert answer.status_code == 422, (fields, answer.status_code)
        assert 'role="alert"' in answer.content.decode()
