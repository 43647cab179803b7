"""Packages and their adoption over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from luhai.shell.api import PROBLEMS, Clean, Cursor, IdempotencyKey, Limit, origin_of, viewer_of

from . import commands, live_commands, queries
from .policy import Eligibility
from .queries import AdoptionPage, AdoptionView, Board, FactStatement, PackageView, Template

router = Router(tags=["replication"])

Any40 = Annotated[Clean, Query(default="", max_length=40)]
Place = Annotated[Clean, Query(max_length=6, description="A code of the corridor.")]
AnyPlace = Annotated[Clean, Query(default="", max_length=6, description="A code of the corridor.")]


class In(Schema):
    model_config = ConfigDict(extra="forbid")


class DraftIn(In):
    id: UUID = Field(description="A new id, or that of the draft to write over.")
    package: Clean = Field(max_length=60, description="An id, or id@version.")
    overrides: dict[str, Clean] = Field(default_factory=dict, max_length=40, description="Parameters with decimal text.")
    starts_on: date
    ends_on: date | None = None


class FactStatementIn(In):
    id: UUID
    territory: Clean = Field(max_length=6)
    fact: Clean = Field(max_length=40)
    value: bool | int | Clean | list[Clean]
    document: Clean = Field(max_length=200)
    digest: Clean = Field(default="", max_length=64, description="SHA-256 of the paper.")
    stated_on: date
    until: date


class GrantIn(In):
    instrument_no: Clean = Field(max_length=120)
    scope: Clean = Field(max_length=500)


class AdoptionReasonIn(In):
    reason: Clean = Field(max_length=500)


class BackIn(In):
    day: date = Field(description="The first day without it.")
    reason: Clean = Field(max_length=500)


class ProductIn(In):
    id: UUID
    changes: dict[str, int | Clean] = Field(default_factory=dict, max_length=20)


class Done(Schema):
    id: UUID


@router.get("/packages", response={200: list[PackageView]} | PROBLEMS)
def packages(request: HttpRequest) -> list[PackageView]:
    """Every package in its newest version: what it sets, asks, opens and limits, and what of it is this platform's proposal."""
    return queries.packages(viewer=viewer_of(request))


@router.get("/packages/{key}", response={200: PackageView} | PROBLEMS)
def package(request: HttpRequest, key: Clean) -> PackageView:
    """One package by its id, or id@version."""
    return queries.package(key=key, viewer=viewer_of(request))


@router.get("/packages/{key}/eligible", response={200: Eligibility} | PROBLEMS)
def eligible(request: HttpRequest, key: Clean, territory: Place) -> Eligibility:
    """Why a package can, cannot, or cannot yet be copied to a territory."""
    return queries.eligible(package=key, territory=territory, on=_today(), viewer=viewer_of(request))


@router.get("/board", response={200: Board} | PROBLEMS)
def board(request: HttpRequest) -> Board:
    """Who has what, who could have it, and what is missing."""
    return queries.board(on=_today(), viewer=viewer_of(request))


@router.get("/statements", response={200: list[FactStatement]} | PROBLEMS)
def statements(request: HttpRequest, territory: Place) -> list[FactStatement]:
    """What was last stated of a territory."""
    return queries.statements(territory=territory, on=_today(), viewer=viewer_of(request))


@router.post("/statements", response={200: Done} | PROBLEMS)
def state_fact(request: HttpRequest, body: FactStatementIn, key: IdempotencyKey) -> dict[str, UUID]:
    """State a fact of a territory with a paper."""
    return {
        "id": commands.state_fact(
            statement_id=body.id, territory=body.territory, fact=body.fact, value=body.value, document=body.document, digest=body.digest,
            stated_on=body.stated_on, until=body.until, origin=origin_of(request, key),
        )
    }  # fmt: skip


@router.get("/templates", response={200: list[Template]} | PROBLEMS)
def templates(request: HttpRequest, territory: AnyPlace = "") -> list[Template]:
    """Products that live packages open."""
    return queries.templates(territory=territory, on=_today(), viewer=viewer_of(request))


@router.get("/adoptions", response={200: AdoptionPage} | PROBLEMS)
def adoptions(
    request: HttpRequest, package: Any40 = "", territory: AnyPlace = "", state: Any40 = "", cursor: Cursor = "", limit: Limit = 50
) -> AdoptionPage:  # fmt: skip
    """Adoptions that the viewer may see, newest change first."""
    return queries.adoptions(
        package=package, territory=territory, state=state, cursor=cursor, limit=limit, viewer=viewer_of(request)
    )


@router.post("/adoptions", response={200: Done} | PROBLEMS)
def draft(request: HttpRequest, body: DraftIn, key: IdempotencyKey) -> dict[str, UUID]:
    """Write, or write over, a draft for the official's territory."""
    return {
        "id": commands.draft(
            adoption_id=body.id, package=body.package, overrides=dict(body.overrides), starts_on=body.starts_on, ends_on=body.ends_on,
            origin=origin_of(request, key),
        )
    }  # fmt: skip


@router.get("/adoptions/{adoption_id}", response={200: AdoptionView} | PROBLEMS)
def adoption(request: HttpRequest, adoption_id: UUID) -> AdoptionView:
    """One adoption: difference from the origin, examination, steps, tallies."""
    return queries.adoption(adoption_id=adoption_id, viewer=viewer_of(request))


@router.post("/adoptions/{adoption_id}/examine", response={200: Done} | PROBLEMS)
def examine(request: HttpRequest, adoption_id: UUID, key: IdempotencyKey) -> dict[str, UUID]:
    """Judge the conditions, run the vectors, estimate the effect."""
    return {"id": commands.examine(adoption_id=adoption_id, origin=origin_of(request, key))}


@router.post("/adoptions/{adoption_id}/propose", response={200: Done} | PROBLEMS)
def propose(request: HttpRequest, adoption_id: UUID, key: IdempotencyKey) -> dict[str, UUID]:
    """Stand behind an examined adoption."""
    return {"id": commands.propose(adoption_id=adoption_id, origin=origin_of(request, key))}


@router.post("/adoptions/{adoption_id}/approve", response={200: Done} | PROBLEMS)
def approve(request: HttpRequest, adoption_id: UUID, key: IdempotencyKey) -> dict[str, UUID]:
    """Approve for the territory what a colleague proposed."""
    return {"id": commands.approve(adoption_id=adoption_id, origin=origin_of(request, key))}


@router.post("/adoptions/{adoption_id}/grant", response={200: Done} | PROBLEMS)
def grant(request: HttpRequest, adoption_id: UUID, body: GrantIn, key: IdempotencyKey) -> dict[str, UUID]:
    """Grant the copy as the authority that granted the original."""
    return {
        "id": commands.grant(
            adoption_id=adoption_id, instrument_no=body.instrument_no, scope=body.scope, origin=origin_of(request, key)
        )
    }


@router.post("/adoptions/{adoption_id}/refuse", response={200: Done} | PROBLEMS)
def refuse(request: HttpRequest, adoption_id: UUID, body: AdoptionReasonIn, key: IdempotencyKey) -> dict[str, UUID]:
    """Refuse the copy as the authority."""
    return {"id": commands.refuse(adoption_id=adoption_id, reason=body.reason, origin=origin_of(request, key))}


@router.post("/adoptions/{adoption_id}/drop", response={200: Done} | PROBLEMS)
def drop(request: HttpRequest, adoption_id: UUID, body: AdoptionReasonIn, key: IdempotencyKey) -> dict[str, UUID]:
    """Give up an adoption before it is live."""
    return {"id": commands.drop(adoption_id=adoption_id, reason=body.reason, origin=origin_of(request, key))}


@router.post("/adoptions/{adoption_id}/go-live", response={200: Done} | PROBLEMS)
def go_live(request: HttpRequest, adoption_id: UUID, key: IdempotencyKey) -> dict[str, UUID]:
    """Put a granted package in force from today, its day having come."""
    return {"id": live_commands.go_live(adoption_id=adoption_id, origin=origin_of(request, key))}


@router.post("/adoptions/{adoption_id}/roll-back/ask", response={200: Done} | PROBLEMS)
def ask_roll_back(request: HttpRequest, adoption_id: UUID, body: BackIn, key: IdempotencyKey) -> dict[str, UUID]:
    """Ask to take it out of force from a day on."""
    return {
        "id": live_commands.ask_roll_back(adoption_id=adoption_id, day=body.day, reason=body.reason, origin=origin_of(request, key))
    }


@router.post("/adoptions/{adoption_id}/roll-back", response={200: Done} | PROBLEMS)
def roll_back(request: HttpRequest, adoption_id: UUID, key: IdempotencyKey) -> dict[str, UUID]:
    """Take it out of force from the day that another person asked for."""
    return {"id": live_commands.roll_back(adoption_id=adoption_id, origin=origin_of(request, key))}


@router.post("/adoptions/{adoption_id}/stop", response={200: Done} | PROBLEMS)
def stop(request: HttpRequest, adoption_id: UUID, body: AdoptionReasonIn, key: IdempotencyKey) -> dict[str, UUID]:
    """Stop it from tomorrow, as a supervisor."""
    return {"id": live_commands.stop(adoption_id=adoption_id, reason=body.reason, origin=origin_of(request, key))}


@router.post("/adoptions/{adoption_id}/products", response={200: Done} | PROBLEMS)
def draft_product(request: HttpRequest, adoption_id: UUID, body: ProductIn, key: IdempotencyKey) -> dict[str, UUID]:
    """Draft the product that a live package opens, for the officer's institution."""
    changes: dict[str, Any] = dict(body.changes)
    return {
        "id": commands.draft_product(adoption_id=adoption_id, product_id=body.id, changes=changes, origin=origin_of(request, key))
    }


def _today() -> date:
    return queries.day_of(timezone.now())
