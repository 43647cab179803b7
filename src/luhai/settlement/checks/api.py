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
from .queries import GradeView, RuleSetView
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
