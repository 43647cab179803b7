"""Parties over HTTP: the public register, one's own company, tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from luhai.kernel.origin import Role
from luhai.kernel.refusal import NotEntitled, NotPermitted
from luhai.shell.api import (
    PROBLEMS,
    Clean,
    Cursor,
    IdempotencyKey,
    Limit,
    Page,
    cursor_of,
    origin_of,
    parts_of,
    viewer_of,
)

from . import access, commands, queries

router = Router(tags=["parties"])


class PartyOut(Schema):
    id: UUID
    kind: str = Field(examples=["company"])
    sort: str = Field(examples=["city_bank"])
    name_zh: str = Field(examples=["重庆海棠物流有限公司"])
    name_en: str = Field(examples=["Chongqing Haitang Logistics Co., Ltd."])
    country: str = Field(examples=["CN"])
    territory: str | None = Field(examples=["500000"])
    invented: bool
    identifiers: dict[str, str] = Field(examples=[{"uscc": "91500000MA5U000111"}])


class Me(Schema):
    person_id: UUID | None
    role: str
    party: PartyOut | None
    territory: str | None


class CompanyIn(Schema):
    id: UUID = Field(description="Chosen by you.")
    name_zh: Clean = Field(max_length=200, examples=["重庆海棠物流有限公司"])
    name_en: Clean = Field(default="", max_length=200)
    territory: str = Field(pattern=r"^[0-9]{6}$", examples=["500000"])
    uscc: Clean = Field(max_length=40, examples=["91500000MA5U000111"])


class ProfileFactsIn(Schema):
    facts: dict[str, Any] = Field(examples=[{"export_share_bp": 4200, "employees": 36}], max_length=100)


class TokenIn(Schema):
    name: Clean = Field(min_length=1, max_length=80, examples=["ERP in Chongqing"])
    scopes: list[str] = Field(min_length=1, max_length=20, examples=[["policies:read", "matching:write"]])
    days: int = Field(default=90, ge=1, le=366)


class TokenOut(Schema):
    id: UUID
    name: str
    scopes: list[str]
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class TokenIssued(Schema):
    id: UUID
    token: str = Field(description="Shown once. Keep it; only its digest is stored.")


class Created(Schema):
    id: UUID


@router.get("/me", response={200: Me, **PROBLEMS}, summary="Who am I, and for whom do I act?")
def me(request: HttpRequest) -> Me:
    actor = viewer_of(request)
    party = queries.party(party_id=actor.party_id, viewer=actor) if actor.party_id else None
    return Me(
        person_id=actor.person_id if actor.person_id.int else None,
        role=str(actor.role),
        party=PartyOut.from_orm(party) if party else None,
        territory=actor.territory,
    )


@router.get("/register/{party_id}", response={200: PartyOut, **PROBLEMS}, summary="One party of the public register.")
def party(request: HttpRequest, party_id: UUID) -> queries.PartyView:
    return queries.party(party_id=party_id, viewer=viewer_of(request))


@router.get("/institutions", response={200: Page[PartyOut], **PROBLEMS}, summary="The institutions.")
def institutions(request: HttpRequest, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    return _page("institution", cursor, limit, request)


@router.post("/companies", response={201: Created, **PROBLEMS}, summary="Register my company.")
def register_my_company(request: HttpRequest, body: CompanyIn, key: IdempotencyKey) -> Status[Created]:
    """Enter your company and become its first member. The arithmetic of the USCC is checked."""
    company = commands.register_my_company(
        party_id=body.id, name_zh=body.name_zh, name_en=body.name_en, territory=body.territory, uscc=body.uscc,
        origin=origin_of(request, key),
    )  # fmt: skip
    return Status(201, Created(id=company))


@router.get("/companies/{party_id}/facts", response={200: dict[str, Any], **PROBLEMS}, summary="A company's facts.")
def facts(request: HttpRequest, party_id: UUID) -> dict[str, Any]:
    """Your own company's; a supervisor sees all. Each fact has its value, its source and its day."""
    return queries.profile(party_id=party_id, viewer=viewer_of(request))


@router.patch("/companies/{party_id}/facts", response={200: dict[str, Any], **PROBLEMS}, summary="State facts.")
def state_facts(request: HttpRequest, party_id: UUID, body: ProfileFactsIn, key: IdempotencyKey) -> dict[str, Any]:
    """Say things about your own company; null takes a fact back, it is unknown again."""
    commands.state_facts(party_id=party_id, facts=body.facts, origin=origin_of(request, key))
    return queries.profile(party_id=party_id, viewer=viewer_of(request))


@router.get("/tokens", response={200: list[TokenOut], **PROBLEMS}, summary="My tokens.")
def tokens(request: HttpRequest) -> list[queries.TokenView]:
    return queries.my_tokens(viewer=viewer_of(request))


@router.post("/tokens", response={201: TokenIssued, **PROBLEMS}, summary="Issue a token to a machine.")
def issue_token(request: HttpRequest, body: TokenIn, key: IdempotencyKey) -> Status[TokenIssued]:
    """The token acts under the membership you act under now, within its scopes. A repeated key shows it no second time."""
    membership = getattr(request, "acting_for", None)
    if viewer_of(request).role == Role.PUBLIC:
        raise NotPermitted()
    if membership is None or request.headers.get("Authorization"):
        raise NotEntitled(who="a person signed in with a browser")
    secret = access.new_secret()
    token_id = uuid4()
    commands.issue_token(
        membership_id=membership.id, name=body.name, scopes=body.scopes, days=body.days,
        secret_digest=access.digest(secret), token_id=token_id, origin=origin_of(request, key),
    )  # fmt: skip
    return Status(201, TokenIssued(id=token_id, token=access.write(token_id, secret)))


@router.delete("/tokens/{token_id}", response={200: Created, **PROBLEMS}, summary="Take a token back, for ever.")
def revoke_token(request: HttpRequest, token_id: UUID, key: IdempotencyKey) -> Created:
    return Created(id=commands.revoke_token(token_id=token_id, origin=origin_of(request, key)))


def _page(kind: str, cursor: str, limit: int, request: HttpRequest) -> dict[str, Any]:
    after = parts_of(cursor, 1)
    found = queries.parties(
        kind=kind, after=_uuid(after[0]) if after else None, limit=limit + 1, viewer=viewer_of(request)
    )
    return {"items": found[:limit], "next": cursor_of(found[limit - 1].id) if len(found) > limit else ""}


def _uuid(text: str) -> UUID:
    from luhai.kernel.refusal import Invalid

    try:
        return UUID(text)
    except ValueError:
        raise Invalid(field="cursor", problem="pass the `next` of the page before, or nothing") from None


