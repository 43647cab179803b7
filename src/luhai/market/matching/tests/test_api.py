"""Matching over HTTP: the journey, exact status and code, and nothing changed on refusal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from luhai.core.parties import access
from luhai.core.parties import commands as parties
from luhai.core.parties.queries import memberships_of
from luhai.kernel.origin import Actor, Origin
from luhai.market.matching.tests import world

pytestmark = pytest.mark.django_db


class Caller:
    """A machine with a token of one member."""

    def __init__(self, actor: Actor | None) -> None:
        self.client = Client()
        self.headers: dict[str, str] = {}
        if actor is not None:
            token, secret = uuid4(), access.new_secret()
            (membership,) = memberships_of(actor.person_id)
            parties.issue_token(
                membership_id=membership.id, name="test", scopes=["*:write"], days=30, token_id=token,
                secret_digest=access.digest(secret), origin=Origin(actor, uuid4(), timezone.now()),
            )  # fmt: skip
            self.headers = {"Authorization": f"Bearer {access.write(token, secret)}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers)

    def send(self, method: str, path: str, body: Any = None, key: UUID | None = None) -> Any:
        return self.client.generic(
            method, f"/api/v1/{path}", data=body if isinstance(body, bytes) else _json(body),
            content_type="application/json", headers=self.headers | {"Idempotency-Key": str(key or uuid4())},
        )  # fmt: skip


def _json(body: Any) -> bytes:
    import json

    return b"" if body is None else json.dumps(body).encode()


def test_the_journey_over_http() -> None:
    officer, member = world.bank(), world.company()
    product = world.product(officer)
    bank, company, nobody = Caller(officer), Caller(member), Caller(None)

    shelf = nobody.get("products").json()
    assert [p["id"] for p in shelf["items"]] == [str(product)]
    assert shelf["total"] == 1
    key, demand = uuid4(), uuid4()
    form = world.form() | {"company_id": str(member.party_id)}
    first = company.send("PUT", f"matching/demands/{demand}", form, key)
    assert (first.status_code, first.json()) == (200, {"id": str(demand)})
    assert company.send("PUT", f"matching/demands/{demand}", form, key).json() == first.json()
    reused = company.send("PUT", f"matching/demands/{demand}", form | {"tenor_days": 90}, key)
    assert (reused.status_code, reused.json()["code"]) == (422, "key_reused")
    assert company.send("POST", f"matching/demands/{demand}/publish").status_code == 200
    assert company.send("POST", f"matching/demands/{demand}/match").json()["met"] == 1
    listed = company.get(f"matching/demands/{demand}/matches").json()
    assert listed["objective"] == "price"
    (match,) = listed["items"]
    assert [p["name"] for p in match["parts"]] == ["price", "fit", "speed", "collateral"]
    assert company.get("matching/shelf", verdict="possible").json()["items"][0]["product"]["id"] == str(product)

    assert bank.get("matching/queue").json()["items"] == []
    assert company.send("POST", f"matching/matches/{match['id']}/send").status_code == 200
    (line,) = bank.get("matching/queue").json()["items"]
    assert line["match_id"] == match["id"]
    offer = {"amount_minor": 100, "rate_bp": 300, "tenor_days": 30, "valid_until": _in_days(7)}
    assert bank.send("POST", f"matching/matches/{match['id']}/offer", offer).status_code == 200
    again = bank.send("POST", f"matching/matches/{match['id']}/offer", offer)
    assert (again.status_code, again.json()["code"]) == (409, "matching.action_not_allowed")
    assert company.send("POST", f"matching/matches/{match['id']}/accept").status_code == 200
    assert company.get(f"matching/demands/{demand}").json()["card"]["state"] == "ACCEPTED"
    assert nobody.get("matching/promises").json()["items"][0]["kept"] in (0, 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"purpose": "yachts"}, "purpose"),
        ({"amount_minor": 0}, "amount_minor"),
        ({"amount_minor": "5"}, "amount_minor"),
        ({"amount_minor": 2**53}, "amount_minor"),
        ({"needed_by": 5}, "needed_by"),
        ({"needed_by": "2020-01-01"}, "needed_by"),
        ({"collateral": ["gold"]}, "collateral[0]"),
        ({"note": "a\x00b"}, "note"),
        ({"note": "\ud800"}, "note"),
        ({"colour": "red"}, "colour"),
        ({"green": 1}, "green"),
    ],
)
def test_a_field_that_cannot_be_is_named(change: dict[str, Any], field: str) -> None:
    member = world.company()
    company, demand = Caller(member), uuid4()
    answer = company.send(
        "PUT", f"matching/demands/{demand}", world.form() | {"company_id": str(member.party_id)} | change
    )
    assert answer.status_code == 422
    problem = answer.json()
    named = problem["facts"].get("field") or ".".join(problem["facts"]["faults"][0]["field"].split(".")[1:])
    assert field in (named, named.split(".")[0])
    assert company.get(f"matching/demands/{demand}").status_code == 404


def test_who_may_not_is_told_so() -> None:
    officer, member = world.bank(), world.company()
    demand = world.demand(member, matched=False)
    assert Caller(None).get("matching/demands").status_code == 401
    assert Caller(officer).get(f"matching/demands/{demand}").json()["code"] == "not_permitted"
    assert Caller(world.company()).get(f"matching/demands/{demand}").status_code == 404
    assert Caller(member).send("POST", "matching/batches", {}).status_code == 403
    assert Caller(member).get("matching/demands", cursor="nonsense").json()["facts"]["field"] == "cursor"


def _in_days(days: int) -> str:
    return (timezone.now() + timedelta(days=days)).isoformat()
