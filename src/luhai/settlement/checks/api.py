"""Grades and rule sets over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from luhai.shell.api import PROBLEMS, Clean, Cursor, IdempotencyKey, Limit, Page, origin_of, viewer_of

from . import commands, queries
from .lifecycle import State
from .queries import GradeView, InForceView, RuleSetView, SceneView
from .rule_sets import DIRECTIONS

router = Router(tags=["checks"])

Text = Annotated[Clean, Field(min_length=1, max_length=400)]


class StrictBody(Schema):
    model_config = ConfigDict(extra="forbid")


class GradeIn(StrictBody):
    id: UUID = Field(description="An id of your choice, never used before.")
    company_id: UUID
    grade: Annotated[int, Field(strict=True, ge=1, le=3)] = Field(examples=[2])
    directory_class: Annotated[Clean, Field(max_length=4, json_schema_extra={"enum": list(commands.CLASSES)})] = Field(
        examples=["A"], description="Class in the directory of traders; none: not in it."
    )
    basis: list[Text] = Field(min_length=1, max_length=20, examples=[["three years of steady exports at this bank"]])
    next_review: date = Field(examples=["2026-12-31"])


class SuspensionIn(StrictBody):
    id: UUID = Field(description="An id of your choice, never used before.")
    company_id: UUID
    reason: Text = Field(examples=["the address cannot be verified"])


class GradeOut(Schema):
    id: UUID


class RuleSetsOut(Schema):
    items: list[RuleSetView]


@router.get("/rules", response={200: RuleSetsOut, **PROBLEMS}, summary="By which rules payments are checked; open to all.")
def rules(
    request: HttpRequest,
    direction: Annotated[str, Query(default="", enum=["", *DIRECTIONS], pattern=f"^({'|'.join(DIRECTIONS)})?$")] = "",
    on: Annotated[date | None, Query(default=None, description="Only what is in force on that day.")] = None,
) -> Any:
    """`when` holds three letters, for grades 1, 2, 3: Y required, P afterwards in a sample, o shown."""
    return {"items": queries.rule_sets(direction=direction, on=on, viewer=viewer_of(request))}


class SceneBody(StrictBody):
    territory: Annotated[Clean, Field(pattern=r"^[1-9]\d{5}$")] = Field(examples=["500000"], description="A code of the corridor (GB/T 2260).")


class InForceIn(SceneBody):
    valid_from: date = Field(examples=["2026-04-01"], description="Today or later.")
    valid_to: date | None = Field(default=None, description="The first day on which it holds no longer.")


class WithdrawalIn(SceneBody):
    valid_to: date = Field(examples=["2026-05-01"], description="The first day without it, today or later.")


class ScenesOut(Schema):
    items: list[SceneView]


class SceneInForceOut(Schema):
    items: list[InForceView]


class SceneOut(Schema):
    id: UUID


@router.get("/scenes", response={200: ScenesOut, **PROBLEMS}, summary="Scenes that a territory may lay over the rules; open to all.")
def scenes(request: HttpRequest) -> Any:
    """What each asks more, weighs otherwise, and accepts in the place of what is missing."""
    return {"items": queries.scenes(viewer=viewer_of(request))}


@router.get("/scenes-in-force", response={200: SceneInForceOut, **PROBLEMS}, summary="Where which scene holds; open to all.")
def scenes_in_force(
    request: HttpRequest,
    territory: Annotated[str, Query(default="", pattern=r"^([1-9]\d{5})?$")] = "",
    on: Annotated[date | None, Query(default=None, description="Only what is in force on that day.")] = None,
) -> Any:
    """Without a day: what was, is and will be in force."""
    return {"items": queries.scenes_in_force(territory=territory, on=on, viewer=viewer_of(request))}


@router.get("/scenes/{key}", response={200: SceneView, **PROBLEMS}, summary="One scene: its newest version, or the version named.")
def scene(request: HttpRequest, key: str) -> Any:
    return queries.scene(key=key, viewer=viewer_of(request))


@router.post("/scenes/{key}/in-force", response={200: SceneOut, **PROBLEMS}, summary="Let a scene hold in a territory.")
def put_scene_in_force(request: HttpRequest, key: str, body: InForceIn, idempotency: IdempotencyKey) -> Any:
    """For who oversees. Payments of companies there are checked by it from that day on; verdicts given before stay."""
    made = commands.put_scene_in_force(
        scene=key, territory=body.territory, valid_from=body.valid_from, valid_to=body.valid_to, origin=origin_of(request, idempotency)
    )
    return {"id": made}


@router.post("/scenes/{key}/withdraw", response={200: SceneOut, **PROBLEMS}, summary="Let a scene hold there no longer.")
def withdraw_scene(request: HttpRequest, key: str, body: WithdrawalIn, idempotency: IdempotencyKey) -> Any:
    """From a day on; verdicts given before stay."""
    ended = commands.withdraw_scene(
        scene=key, territory=body.territory, valid_to=body.valid_to, origin=origin_of(request, idempotency)
    )
    return {"id": ended}


@router.get("/grades", response={200: Page[GradeView], **PROBLEMS}, summary="The grades that you may see.")
def grades(
    request: HttpRequest,
    company_id: Annotated[UUID | None, Query(default=None)] = None,
    state: Annotated[
        str, Query(default="", enum=["", *(s.value for s in State)], pattern=f"^({'|'.join(s.value for s in State)})?$")
    ] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    """A bank sees those of its customers and why; a company its own, without the reasons."""
    return queries.grades(company_id=company_id, state=state, cursor=cursor, limit=limit, viewer=viewer_of(request))


@router.post("/grades", response={200: GradeOut, **PROBLEMS}, summary="Propose how your bank grades a customer.")
def propose_grade(request: HttpRequest, body: GradeIn, key: IdempotencyKey) -> Any:
    """It counts once another person of the bank approves it."""
    made = commands.propose_grade(
        grade_id=body.id, company_id=body.company_id, grade=body.grade, directory_class=body.directory_class, basis=body.basis,
        next_review=body.next_review, origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": made}


@router.post("/grades/{uuid:grade_id}/approve", response={200: GradeOut, **PROBLEMS}, summary="Approve a proposed grade.")
def approve_grade(request: HttpRequest, grade_id: UUID, key: IdempotencyKey) -> Any:
    """Another person than who proposed it. It is in force from today, and the one before ends."""
    return {"id": commands.approve_grade(grade_id=grade_id, origin=origin_of(request, key))}


@router.post("/suspensions", response={200: GradeOut, **PROBLEMS}, summary="Bring a customer to grade 3 at once.")
def suspend_grade(request: HttpRequest, body: SuspensionIn, key: IdempotencyKey) -> Any:
    """One person is enough. A better grade afterwards takes two people and some time."""
    made = commands.suspend_grade(
        grade_id=body.id, company_id=body.company_id, reason=body.reason, origin=origin_of(request, key)
    )
    return {"id": made}
