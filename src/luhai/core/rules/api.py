"""Parameters over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from luhai.kernel.refusal import Invalid
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

from . import commands, queries
from .parameters import Parameter, Value

router = Router(tags=["rules"])

Key = Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)+$", max_length=120)]
Code = Annotated[str, Field(pattern=r"^[1-9][0-9]{5}$", examples=["500000"])]


class ValueOut(Schema):
    key: str
    value: str = Field(description="A decimal, in `unit`.", examples=["300"])
    unit: str
    valid_from: date
    territory: str | None
    document: str
    article: str
    confidence: str = Field(
        description="verified: seen in a source; unverified: to be checked with the issuer."
    )


class ParameterOut(Schema):
    key: str
    title_zh: str
    title_en: str
    unit: str
    nature: str = Field(description="law, or a convention of this project.")
    override_min: str | None
    override_max: str | None
    values: list[ValueOut]


class OverrideIn(Schema):
    key: Key = Field(examples=["matching.answer_hours"])
    territory: Code
    value: str = Field(pattern=r"^-?[0-9]{1,20}(\.[0-9]{1,10})?$", examples=["8"])
    valid_from: date
    document: Clean = Field(min_length=1, max_length=200)
    article: Clean = Field(default="", max_length=60)


class Created(Schema):
    id: UUID


@router.get(
    "/parameters", response={200: Page[ParameterOut], **PROBLEMS}, summary="Every parameter and its values."
)
def parameters(request: HttpRequest, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    after = parts_of(cursor, 1)
    found = [p for p in queries.parameters(viewer=viewer_of(request)) if after is None or p.key > after[0]]
    page = found[:limit]
    return {
        "items": [_parameter(p) for p in page],
        "next": cursor_of(page[-1].key) if len(found) > limit else "",
    }


@router.get(
    "/parameters/{key}", response={200: ValueOut, **PROBLEMS}, summary="The value of a parameter on a day."
)
def value(
    request: HttpRequest,
    key: str,
    on: Annotated[date | None, Query(default=None, description="The day; today if left out.")] = None,
    territory: Annotated[str | None, Query(default=None, pattern=r"^[1-9][0-9]{5}$")] = None,
) -> dict[str, Any]:
    if on is not None and not 1900 <= on.year <= 2200:
        raise Invalid(field="on", problem="a day from 1900 to 2200")
    found = queries.value_on(
        key=key, on=on or timezone.localdate(), territory=territory, viewer=viewer_of(request)
    )
    return _value(found)


@router.post("/overrides", response={201: Created, **PROBLEMS}, summary="Set a parameter for one territory.")
def override(request: HttpRequest, body: OverrideIn, key: IdempotencyKey) -> Status[Created]:
    """Within the limits that the parameter declares, from today or a later day on. Earlier values stay."""
    made = commands.override_parameter(
        key=body.key, territory=body.territory, value=body.value, valid_from=body.valid_from,
        document=body.document, article=body.article, origin=origin_of(request, key),
    )  # fmt: skip
    return Status(201, Created(id=made))


def _value(v: Value) -> dict[str, Any]:
    return {
        "key": v.key, "value": str(v.value), "unit": v.unit, "valid_from": v.valid_from, "territory": v.territory,
        "document": v.source.document, "article": v.source.article, "confidence": v.confidence,
    }  # fmt: skip


def _parameter(p: Parameter) -> dict[str, Any]:
    return {
        "key": p.key, "title_zh": p.title_zh, "title_en": p.title_en, "unit": p.unit, "nature": p.nature,
        "override_min": None if p.least is None else str(p.least),
        "override_max": None if p.most is None else str(p.most),
        "values": [_value(v) for v in p.values],
    }  # fmt: skip
