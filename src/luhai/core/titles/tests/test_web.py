"""The pages of titles: a claim through the page and through the API, acts by their forms, and what strangers see."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from luhai.core.parties import queries as parties
from luhai.core.titles import queries
from luhai.core.titles.tests.world import bank, company
from luhai.kernel.origin import Actor

pytestmark = pytest.mark.django_db


def browser(actor: Actor) -> Client:
    """A browser in which the actor's person is signed in."""
    client = Client(headers={"accept-language": "en"})
    (member,) = parties.memberships_of(actor.person_id)
    person = parties.person_by_email(member.email)
    assert person is not None
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def bill(to: Actor, number: str = "RB-2026-1", **more: Any) -> dict[str, str]:
    return {
        "key": str(uuid4()), "new": str(uuid4()), "kind": "transport_document", "form": "TO_ORDER", "number": number,
        "holder": str(to.party_id), "quantity": "20", "unit": "TNE", "document": "rail_bill",
    } | more  # fmt: skip


def test_a_bill_is_issued_and_pledged_by_its_pages() -> None:
    forwarder, owner, lender = company(), company(), bank()
    given = bill(owner)
    made = browser(forwarder).post("/titles/new", given)
    assert (made.status_code, made.headers["Location"]) == (302, f"/titles/{given['new']}/")
    here = made.headers["Location"]
    desk = browser(owner)
    assert "RB-2026-1" in desk.get("/titles/").content.decode()
    pledge = {"key": str(uuid4()), "act": "pledge", "pledgee": str(lender.party_id), "quantity": "15"}
    assert desk.post(here, pledge).status_code == 302
    assert desk.post(here, pledge).status_code == 302, "a second press of the button is the same request"
    page = desk.get(here).content.decode()
    assert "pledged it" in page
    assert page.count("pledged it") == 1
    number = queries.title(title_id=UUID(given["new"]), viewer=lender).pledges[0].id
    release = {"key": str(uuid4()), "act": "release_pledge", "pledge": str(number)}
    refused = desk.post(here, release)
    assert (refused.status_code, "pledgee" in refused.content.decode()) == (422, True), "only the pledgee may"
    chain = desk.get(f"{here}chain")
    assert chain.headers["Content-Disposition"].endswith('.jsonl"')


def test_the_second_claim_through_the_other_door_is_told_what_it_may_know() -> None:
    first, second, owner = company(), company("450000"), company()
    assert browser(first).post("/titles/new", bill(owner, containers="CSQU3054383", departs_on="2026-11-30")).status_code == 302
    door = browser(second).post(
        "/api/v1/titles",
        {
            "id": str(uuid4()), "kind": "transport_document", "holder_id": str(owner.party_id), "quantity": 20,
            "unit": "TNE", "form": "TO_ORDER",
            "subject": {"document": "rail_bill", "number": "X-9", "containers": ["CSQU 305438-3"], "departs_on": "2026-11-30"},
        },
        content_type="application/json", headers={"Idempotency-Key": str(uuid4())},
    )  # fmt: skip
    assert (door.status_code, door.json()["code"]) == (409, "titles.already_live")
    assert str(owner.party_id) not in door.content.decode()


def test_what_is_wrong_is_said_on_the_form_and_what_was_typed_stays() -> None:
    forwarder = company()
    page = browser(forwarder).post("/titles/new", bill(forwarder, holder="nobody at all"))
    assert page.status_code == 422
    assert "the number or full name of one registered party" in page.content.decode()
    assert 'value="nobody at all"' in page.content.decode()
    page = browser(forwarder).post("/titles/new", bill(forwarder, quantity="twenty"))
    assert (page.status_code, "a whole number" in page.content.decode()) == (422, True)


def test_strangers_and_visitors_see_nothing() -> None:
    forwarder, owner, stranger = company(), company(), company()
    given = bill(owner)
    browser(forwarder).post("/titles/new", given)
    assert browser(stranger).get(f"/titles/{given['new']}/").status_code == 404
    assert browser(stranger).get(f"/titles/{given['new']}/chain").status_code == 404
    assert Client().get("/titles/").status_code == 302


@pytest.mark.parametrize("query", ["number=%00", "kind=%00", "kind=x", "state=x", "relation=x", "cursor=x", "cursor=WyJ4IiwieSJd"])
def test_wrong_addresses_are_taken_calmly(query: str) -> None:
    client = browser(company())
    assert client.get(f"/titles/?{query}").status_code == 422
    assert client.post("/titles/new", bill(company(), holder="\x00")).status_code == 422
    assert client.post(f"/titles/{uuid4()}/", {"act": "fly"}).status_code == 404
