"""Figures over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from luhai.shell.api import PROBLEMS, Clean, Cursor, IdempotencyKey, Limit, origin_of, viewer_of

from . import commands, queries
from .indicators import INDICATORS, Indicator
from .queries import BeneathPage, Figures, Standing

router = Router(tags=["statistics"])

Key = Annotated[Clean, Query(max_length=40, description=f"One of {', '.join(INDICATORS)}.")]
PLACE = "A code of the corridor; `_T` the totals; `_Z` outside the corridor."
Month = Annotated[Clean, Query(max_length=7, description="Such as 2026-03.")]
Place = Annotated[Clean, Query(max_length=6, description=PLACE)]
Unit = Annotated[Clean, Query(max_length=3, description="Such as CNY.")]
AnyMonth = Annotated[Clean, Query(default="", max_length=7, description="Such as 2026-03.")]
AnyPlace = Annotated[Clean, Query(default="", max_length=6, description=PLACE)]
AnyUnit = Annotated[Clean, Query(default="", max_length=3, description="Such as CNY.")]


class GatherIn(Schema):
    model_config = ConfigDict(extra="forbid")
    upto: int | None = Field(default=None, ge=0, le=2**53, description="Read to this position of the journal only.")


class Gathered(Schema):
    position: int
    events: int
    facts: int
    unread: int
    more: bool = Field(description="There is more to read now.")


@router.get("/indicators", response={200: list[Indicator]} | PROBLEMS)
def indicators(request: HttpRequest) -> tuple[Indicator, ...]:
    """Every indicator: its formula in words, its unit and the measures of the policy that ask for it."""
    return queries.indicators(viewer=viewer_of(request))


@router.get("/figures", response={200: Figures} | PROBLEMS)
def figures(
    request: HttpRequest, indicator: Key, month_from: AnyMonth = "", month_to: AnyMonth = "", territory: AnyPlace = "",
    currency: AnyUnit = "",
) -> Figures:  # fmt: skip
    """Figures by month, territory and currency, and their totals; where too few stand behind one, it is marked and not shown."""
    return queries.figures(
        indicator=indicator, month_from=month_from, month_to=month_to, territory=territory, currency=currency,
        viewer=viewer_of(request),
    )  # fmt: skip


@router.get("/figures/beneath", response={200: BeneathPage} | PROBLEMS)
def beneath(
    request: HttpRequest, indicator: Key, month: Month, territory: Place, currency: Unit, cursor: Cursor = "", limit: Limit = 50,
) -> BeneathPage:  # fmt: skip
    """The events under one figure, by their positions in the journal."""
    return queries.beneath(
        indicator=indicator, month=month, territory=territory, currency=currency, cursor=cursor, limit=limit,
        viewer=viewer_of(request),
    )  # fmt: skip


@router.get("/standing", response={200: Standing} | PROBLEMS)
def standing(request: HttpRequest) -> Standing:
    """How far the journal has been read, and which events could not be."""
    return queries.standing(viewer=viewer_of(request))


@router.post("/gather", response={200: Gathered} | PROBLEMS)
def gather(request: HttpRequest, body: GatherIn, key: IdempotencyKey) -> Gathered:
    """Read one batch of the sealed journal on; ask again, with a new key, while there is `more`."""
    return Gathered(**commands.gather(upto=body.upto, origin=origin_of(request, key)))
