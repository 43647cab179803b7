"""Released figures over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from luhai.core.indicators.dimensions import DIMENSIONS
from luhai.kernel.refusal import Invalid
from luhai.shell.api import PROBLEMS, Clean, Cursor, IdempotencyKey, Limit, origin_of, viewer_of

from . import commands, queries
from .lifecycle import Kind
from .queries import CellView, Due, Events, FigureChange, FiguresRelease, Observation

router = Router(tags=["releases"])

ORDER = ", ".join(d.name for d in DIMENSIONS)
Month = Annotated[Clean, Query(default="", max_length=7, description="Such as 2026-03.")]
Indicators = Annotated[list[Clean], Query(default=[], max_length=40, description="Which indicators; none said: all.")]
Keys = Annotated[
    list[Clean], Query(default=[], max_length=60, description="`dimension:code`, such as territory:500000 or size:_T; several of one are either.")
]
KeyText = Annotated[Clean, Query(max_length=120, description=f"The codes of a cell, with dots between, in the order {ORDER}.")]
Key = Annotated[Clean, Query(max_length=40, description="An indicator.")]


class PlanIn(Schema):
    model_config = ConfigDict(extra="forbid")
    month: Clean = Field(max_length=7, examples=["2026-03"])
    kind: Clean = Field(default=Kind.PROVISIONAL.value, max_length=12, json_schema_extra={"enum": [Kind.PROVISIONAL.value, Kind.FINAL.value]})
    day: date | None = Field(default=None, description="When it is due; left out: as the rules say.")


class ReviseIn(Schema):
    model_config = ConfigDict(extra="forbid")
    month: Clean = Field(max_length=7, examples=["2026-03"])
    reason: Clean = Field(max_length=500)
    changed: Clean = Field(max_length=2000)
    day: date | None = None


class ComputeIn(Schema):
    model_config = ConfigDict(extra="forbid")
    engine: Clean = Field(default="duckdb", max_length=10, json_schema_extra={"enum": [*commands.ENGINES]})


class DiscardIn(Schema):
    model_config = ConfigDict(extra="forbid")
    reason: Clean = Field(max_length=500)


class ReleaseOut(Schema):
    id: UUID


class Computed(Schema):
    position: int
    cells: int
    withheld: int
    digest: str


@router.get("/", response={200: list[FiguresRelease]} | PROBLEMS)
def releases(request: HttpRequest, month: Month = "") -> list[FiguresRelease]:
    """All releases, newest first."""
    return list(queries.releases(month=month, viewer=viewer_of(request)))  # a pair would be read as a status and its answer


@router.get("/calendar", response={200: list[Due]} | PROBLEMS)
def calendar(request: HttpRequest) -> list[Due]:
    """What is due when."""
    return list(queries.calendar(viewer=viewer_of(request)))


@router.get("/figures", response={200: list[Observation]} | PROBLEMS)
def figures(
    request: HttpRequest, indicator: Indicators, key: Keys, month_from: Month = "", month_to: Month = "",
    vintage: Annotated[Clean, Query(default="latest", max_length=6, description="latest, all, or a number.")] = "latest",
) -> list[Observation]:  # fmt: skip
    """Published figures: a selection of printed cells. A withheld one has no value, and says why."""
    return queries.published(
        indicators=indicator, month_from=month_from, month_to=month_to, keys=_keys(key), vintage=vintage, viewer=viewer_of(request)
    )


@router.get("/{uuid:release_id}", response={200: FiguresRelease} | PROBLEMS)
def release(request: HttpRequest, release_id: UUID) -> FiguresRelease:
    """One release: its month, vintage, position and digests."""
    return queries.release(release_id=release_id, viewer=viewer_of(request))


@router.get("/{uuid:release_id}/changes", response={200: list[FigureChange]} | PROBLEMS)
def changes(request: HttpRequest, release_id: UUID) -> list[FigureChange]:
    """Which figures it shows otherwise than the vintage before."""
    return list(queries.changes(release_id=release_id, viewer=viewer_of(request)))


@router.get("/{uuid:release_id}/cell", response={200: CellView} | PROBLEMS)
def cell(request: HttpRequest, release_id: UUID, indicator: Key, key: KeyText) -> CellView:
    """One cell: formula, vintage, method; for those who oversee, what stands behind it."""
    return queries.cell(release_id=release_id, indicator=indicator, key=key.split("."), viewer=viewer_of(request))


@router.get("/{uuid:release_id}/cell/beneath", response={200: Events} | PROBLEMS)
def beneath(request: HttpRequest, release_id: UUID, indicator: Key, key: KeyText, cursor: Cursor = "", limit: Limit = 50) -> Events:
    """The events beneath a cell, up to its release's position."""
    return queries.beneath(
        release_id=release_id, indicator=indicator, key=key.split("."), cursor=cursor, limit=limit, viewer=viewer_of(request)
    )


@router.post("/", response={200: ReleaseOut} | PROBLEMS)
def plan(request: HttpRequest, body: PlanIn, key: IdempotencyKey) -> ReleaseOut:
    """Put a release in the calendar."""
    return ReleaseOut(id=commands.plan_release(month=body.month, kind=body.kind, day=body.day, origin=origin_of(request, key)))


@router.post("/revisions", response={200: ReleaseOut} | PROBLEMS)
def revise(request: HttpRequest, body: ReviseIn, key: IdempotencyKey) -> ReleaseOut:
    """Plan a new vintage of a month that is out, with its reason."""
    made = commands.revise_release(
        month=body.month, reason=body.reason, changed=body.changed, day=body.day, origin=origin_of(request, key)
    )
    return ReleaseOut(id=made)


@router.post("/{uuid:release_id}/compute", response={200: Computed} | PROBLEMS)
def compute(request: HttpRequest, release_id: UUID, body: ComputeIn, key: IdempotencyKey) -> Computed:
    """Count all its figures, decide what it withholds, and freeze it under its embargo."""
    return Computed(**commands.compute_release(release_id=release_id, engine=body.engine, origin=origin_of(request, key)))


@router.post("/{uuid:release_id}/publish", response={200: ReleaseOut} | PROBLEMS)
def publish(request: HttpRequest, release_id: UUID, key: IdempotencyKey) -> ReleaseOut:
    """Show it to everybody: after its embargo, by another person than who computed it."""
    return ReleaseOut(id=commands.publish_release(release_id=release_id, origin=origin_of(request, key)))


@router.post("/{uuid:release_id}/discard", response={200: ReleaseOut} | PROBLEMS)
def discard(request: HttpRequest, release_id: UUID, body: DiscardIn, key: IdempotencyKey) -> ReleaseOut:
    """Take a release that was never shown out of the calendar."""
    return ReleaseOut(id=commands.discard_release(release_id=release_id, reason=body.reason, origin=origin_of(request, key)))


def _keys(said: list[str]) -> dict[str, list[str]]:
    """`territory:500000` by dimension. Refuses: Invalid (key)."""
    found: dict[str, list[str]] = {}
    for text in said:
        name, colon, code = text.partition(":")
        if not colon:
            raise Invalid(field="key", problem="dimension:code, such as territory:500000")
        found.setdefault(name, []).append(code)
    return found
