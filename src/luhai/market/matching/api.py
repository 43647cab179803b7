"""Matching over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from datetime import date
from numbers import Number
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, StrictBool

from luhai.core.rules.fields import COLLATERAL, FIELDS, PURPOSES
from luhai.kernel.money import MAX_MINOR, Currency
from luhai.records.products.policy import DOCUMENTS, KINDS
from luhai.shell.api import PROBLEMS, Clean, Cursor, IdempotencyKey, Limit, Page, origin_of, viewer_of

from . import commands, queries
from .lifecycle import DemandState, MatchState
from .policy import MAX_RATE_BP, MAX_TENOR_DAYS, MAX_TEXT, MOST_ASKED, OBJECTIVES, REFUSALS
from .queries import (
    CapacityView,
    DemandCard,
    DemandView,
    Desk,
    FunnelLine,
    MatchCard,
    PromisesKept,
    QueueLine,
    WhyNot,
)  # fmt: skip

router = Router(tags=["matching"])


def _as_text(value: Any) -> Any:
    if isinstance(value, Number):  # pydantic would take a number for seconds since 1970
        raise ValueError("a text is wanted")
    return value


def coded(*codes: str) -> Any:
    """A field that holds one of these codes; the command refuses others and names them."""
    return Field(json_schema_extra={"enum": list(codes)}, max_length=40)


Day = Annotated[date, BeforeValidator(_as_text)]
Instant = Annotated[AwareDatetime, BeforeValidator(_as_text)]
Minor = Annotated[int, Field(strict=True, gt=0, le=MAX_MINOR)]
Limited = Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR)]
Rate = Annotated[int, Field(strict=True, ge=0, le=MAX_RATE_BP)]
Tenor = Annotated[int, Field(strict=True, ge=1, le=MAX_TENOR_DAYS)]
FieldName = Annotated[Clean, coded(*FIELDS)]
FactValue = (
    StrictBool
    | Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR)]
    | Annotated[Clean, Field(max_length=100)]
    | list[Annotated[Clean, Field(max_length=40)]]
    | None
)
Territory = Annotated[str, Query(default="", pattern=r"^([1-9][0-9]{5})?$", description="GB/T 2260.")]
Verdict = Annotated[str, Query(default="", enum=["", "met", "possible", "failed"])]


class FormIn(Schema):
    """A demand: minor units of its currency, days, basis points a year."""

    model_config = ConfigDict(extra="forbid")

    company_id: UUID
    purpose: Annotated[Clean, coded(*(c.code for c in PURPOSES))] = Field(examples=["purchase_import"])
    amount_minor: Minor = Field(examples=[150_000_000], description="1,500,000.00 yuan")
    currency: Annotated[Clean, coded(*Currency)] = Field(examples=["CNY"])
    tenor_days: Tenor = Field(examples=[180])
    needed_by: Day | None = Field(default=None, examples=["2026-06-30"])
    rate_cap_bp: Rate | None = Field(default=None, examples=[450])
    collateral: list[Annotated[Clean, coded(*(c.code for c in COLLATERAL))]] = Field(
        default=[], max_length=20, examples=[["transport_document", "receivable"]]
    )
    green: StrictBool = False
    wants: list[Annotated[Clean, coded(*KINDS)]] = Field(
        default=[], max_length=10, description="Kinds of product; empty: loan, discount, leasing."
    )
    objective: Annotated[Clean, coded(*OBJECTIVES)] = Field(
        default="price", description="What the ranking looks at first."
    )
    note: Clean = Field(default="", max_length=MAX_TEXT)


class OfferIn(Schema):
    model_config = ConfigDict(extra="forbid")

    amount_minor: Minor = Field(examples=[150_000_000], description="At most what was asked.")
    rate_bp: Rate = Field(examples=[365])
    tenor_days: Tenor = Field(examples=[180])
    conditions: Clean = Field(default="", max_length=MAX_TEXT)
    valid_until: Instant = Field(examples=["2026-03-31T17:00:00+08:00"])


class AskIn(Schema):
    model_config = ConfigDict(extra="forbid")

    question: Clean = Field(min_length=1, max_length=MAX_TEXT, examples=["请补充从业人员数和近三个月运单。"])
    fields: list[FieldName] = Field(default=[], max_length=40, examples=[["employees"]])
    documents: list[Annotated[Clean, coded(*DOCUMENTS)]] = Field(default=[], max_length=40)


class ReplyIn(Schema):
    model_config = ConfigDict(extra="forbid")

    reply: Clean = Field(default="", max_length=MAX_TEXT, examples=["共 42 人。"])
    facts: dict[FieldName, FactValue] = Field(
        default={}, max_length=40, examples=[{"employees": 42}], description="Only what was asked for."
    )


class RefuseIn(Schema):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[Clean, coded(*REFUSALS)] = Field(examples=["exposure_limit"])
    note: Clean = Field(default="", max_length=MAX_TEXT, description="Wanted with the reason “other”.")


class CapacityIn(Schema):
    model_config = ConfigDict(extra="forbid")

    institution_id: UUID
    currency: Annotated[Clean, coded(*Currency)] = Field(examples=["CNY"])
    starts_on: Day = Field(examples=["2026-03-01"])
    ends_on: Day = Field(examples=["2026-03-31"], description="The last day.")
    amount_limit_minor: Limited = Field(examples=[50_000_000_000])
    count_limit: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = Field(examples=[200])


class BatchIn(Schema):
    model_config = ConfigDict(extra="forbid")

    most_asked: Annotated[int, Field(strict=True, ge=1, le=MOST_ASKED)] = Field(
        default=MOST_ASKED, description="With so many institutions a demand may lie at once."
    )


class Done(Schema):
    id: UUID


class Found(Schema):
    met: int
    possible: int = Field(description="Something is not known.")
    failed: int
    proposed: int = Field(description="How many are kept as matches.")
    objective: str


class BatchOut(Schema):
    batch: UUID
    demands: int
    candidates: int
    served: int = Field(description="Demands that no institution had been asked about before.")
    sent: int
    value: int
    bound: int = Field(description="No assignment that serves as many is worth more.")
    optimal: bool


class MatchesOut(Page[MatchCard]):
    objective: str
    objective_zh: str
    objective_en: str


# --- the company ----------------------------------------------------------------------------------------------------


@router.get("/shelf", response={200: Page[WhyNot], **PROBLEMS}, summary="Why me, why not me: the whole shelf.")
def shelf(request: HttpRequest, verdict: Verdict = "", cursor: Cursor = "", limit: Limit = 20) -> Any:
    """For your company as it is known; what only a demand would say counts as not known."""
    return queries.shelf_for(
        on=timezone.localdate(), verdict=verdict, cursor=cursor, limit=limit, viewer=viewer_of(request)
    )


@router.get("/demands", response={200: Page[DemandCard], **PROBLEMS}, summary="Demands, newest first.")
def demands(
    request: HttpRequest,
    state: Annotated[str, Query(default="", enum=["", "LIVE", *DemandState])] = "",
    territory: Territory = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    """A company's own; for those who watch, all that they may see."""
    return queries.demands(
        state=state, territory=territory, cursor=cursor, limit=limit, viewer=viewer_of(request)
    )


@router.get("/demands/{uuid:demand_id}", response={200: DemandView, **PROBLEMS}, summary="One demand in full.")
def demand(request: HttpRequest, demand_id: UUID) -> Any:
    """With its frozen facts and their sources, its timeline, and its matches."""
    return queries.demand(demand_id=demand_id, now=timezone.now(), viewer=viewer_of(request))


@router.put("/demands/{uuid:demand_id}", response={200: Done, **PROBLEMS}, summary="Write the draft of a demand.")
def draft_demand(request: HttpRequest, demand_id: UUID, body: FormIn, key: IdempotencyKey) -> Any:
    """A new demand takes an id of your choice."""
    form = body.dict()
    company_id = form.pop("company_id")
    made = commands.draft_demand(
        demand_id=demand_id, company_id=company_id, form=form, origin=origin_of(request, key)
    )
    return {"id": made}


@router.post("/demands/{uuid:demand_id}/publish", response={200: Done, **PROBLEMS}, summary="Publish a demand.")
def publish_demand(request: HttpRequest, demand_id: UUID, key: IdempotencyKey) -> Any:
    """Its facts are frozen with their sources."""
    return {"id": commands.publish_demand(demand_id=demand_id, origin=origin_of(request, key))}


@router.post(
    "/demands/{uuid:demand_id}/match", response={200: Found, **PROBLEMS}, summary="Find and rank products."
)
def match_demand(request: HttpRequest, demand_id: UUID, key: IdempotencyKey) -> Any:
    """May be asked again; what was sent stays, what was only proposed is found anew."""
    return commands.match_demand(demand_id=demand_id, origin=origin_of(request, key))


@router.post("/demands/{uuid:demand_id}/withdraw", response={200: Done, **PROBLEMS}, summary="Take a demand back.")
def withdraw_demand(request: HttpRequest, demand_id: UUID, key: IdempotencyKey) -> Any:
    """And all its matches."""
    return {"id": commands.withdraw_demand(demand_id=demand_id, origin=origin_of(request, key))}


@router.get(
    "/demands/{uuid:demand_id}/matches",
    response={200: MatchesOut, **PROBLEMS},
    summary="The matches of a demand, in order.",
)
def matches(request: HttpRequest, demand_id: UUID, cursor: Cursor = "", limit: Limit = 50) -> Any:
    """Each with the parts of its score and its reasons."""
    return queries.matches(
        demand_id=demand_id, now=timezone.now(), cursor=cursor, limit=limit, viewer=viewer_of(request)
    )


@router.get(
    "/demands/{uuid:demand_id}/shelf",
    response={200: Page[WhyNot], **PROBLEMS},
    summary="The whole shelf for one demand.",
)
def shelf_of_demand(
    request: HttpRequest, demand_id: UUID, verdict: Verdict = "", cursor: Cursor = "", limit: Limit = 20
) -> Any:
    """Met first, then possible, then failed, each with its reasons and the nearest change."""
    return queries.shelf_for(
        on=timezone.localdate(), demand_id=demand_id, verdict=verdict, cursor=cursor, limit=limit,
        viewer=viewer_of(request),
    )  # fmt: skip


@router.get(
    "/demands/{uuid:demand_id}/products/{uuid:product_id}",
    response={200: WhyNot, **PROBLEMS},
    summary="Why one product is, or is not, for a demand.",
)
def why(request: HttpRequest, demand_id: UUID, product_id: UUID) -> Any:
    """With the nearest change that would turn a no into a yes."""
    return queries.why(
        demand_id=demand_id, product_id=product_id, on=timezone.localdate(), viewer=viewer_of(request)
    )


@router.post("/matches/{uuid:match_id}/send", response={200: Done, **PROBLEMS}, summary="Send a match to its bank.")
def send_match(request: HttpRequest, match_id: UUID, key: IdempotencyKey) -> Any:
    """The institution's clock starts, and the amount is held of its capacity."""
    return {"id": commands.send_match(match_id=match_id, origin=origin_of(request, key))}


@router.post("/matches/{uuid:match_id}/accept", response={200: Done, **PROBLEMS}, summary="Accept an offer.")
def accept_offer(request: HttpRequest, match_id: UUID, key: IdempotencyKey) -> Any:
    """All other matches of the demand lapse."""
    return {"id": commands.accept_offer(match_id=match_id, origin=origin_of(request, key))}


@router.post(
    "/matches/{uuid:match_id}/withdraw",
    response={200: Done, **PROBLEMS},
    summary="Take one match back, or decline its offer.",
)
def withdraw_match(request: HttpRequest, match_id: UUID, key: IdempotencyKey) -> Any:
    """The demand itself stays open."""
    return {"id": commands.withdraw_match(match_id=match_id, origin=origin_of(request, key))}


@router.post("/asks/{uuid:ask_id}/reply", response={200: Done, **PROBLEMS}, summary="Reply to a question.")
def reply_to_ask(request: HttpRequest, ask_id: UUID, body: ReplyIn, key: IdempotencyKey) -> Any:
    """The institution's clock starts anew."""
    made = commands.reply_to_ask(
        ask_id=ask_id, reply=body.reply, facts=dict(body.facts), origin=origin_of(request, key)
    )
    return {"id": made}


# --- the institution ------------------------------------------------------------------------------------------------


@router.get("/queue", response={200: Page[QueueLine], **PROBLEMS}, summary="What waits for an answer, earliest due first.")
def queue(
    request: HttpRequest,
    state: Annotated[str, Query(default="open", enum=["open", "all", *MatchState])] = "open",
    overdue: Annotated[bool | None, Query(default=None)] = None,
    territory: Territory = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    """Of your institution; of all, for a supervisor."""
    return queries.queue(
        now=timezone.now(), state=state, overdue=overdue, territory=territory, cursor=cursor, limit=limit,
        viewer=viewer_of(request),
    )  # fmt: skip


@router.get("/matches/{uuid:match_id}", response={200: Desk, **PROBLEMS}, summary="One demand on one page, for its bank.")
def desk(request: HttpRequest, match_id: UUID) -> Any:
    """With the facts and their sources, the capacity, and what can be answered now."""
    return queries.desk(match_id=match_id, now=timezone.now(), viewer=viewer_of(request))


@router.post("/matches/{uuid:match_id}/offer", response={200: Done, **PROBLEMS}, summary="Answer with an offer.")
def offer(request: HttpRequest, match_id: UUID, body: OfferIn, key: IdempotencyKey) -> Any:
    """What is not offered of the amount held is free again."""
    made = commands.offer(
        match_id=match_id, amount_minor=body.amount_minor, rate_bp=body.rate_bp, tenor_days=body.tenor_days,
        conditions=body.conditions, valid_until=body.valid_until, origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": made}


@router.post("/matches/{uuid:match_id}/ask", response={200: Done, **PROBLEMS}, summary="Answer with a question.")
def ask(request: HttpRequest, match_id: UUID, body: AskIn, key: IdempotencyKey) -> Any:
    """Your clock stands still until the reply. Answers the id of the question."""
    made = commands.ask(
        match_id=match_id, question=body.question, fields=list(body.fields), documents=list(body.documents),
        origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": made}


@router.post("/matches/{uuid:match_id}/refuse", response={200: Done, **PROBLEMS}, summary="Answer no, with a reason.")
def refuse(request: HttpRequest, match_id: UUID, body: RefuseIn, key: IdempotencyKey) -> Any:
    """The reason is one of a closed list."""
    made = commands.refuse(match_id=match_id, reason=body.reason, note=body.note, origin=origin_of(request, key))
    return {"id": made}


@router.get("/capacities", response={200: Page[CapacityView], **PROBLEMS}, summary="Limits, and what is used of them.")
def capacities(request: HttpRequest, institution_id: UUID | None = None) -> Any:
    """Of your institution; of any, for those who watch everything. All on one page."""
    return {"items": queries.capacities(institution_id=institution_id, viewer=viewer_of(request)), "next": ""}


@router.post("/capacities", response={200: Done, **PROBLEMS}, summary="Say how much your institution takes on.")
def set_capacity(request: HttpRequest, body: CapacityIn, key: IdempotencyKey) -> Any:
    """In a currency and a period. The same first day sets that period anew."""
    return {"id": commands.set_capacity(**body.dict(), origin=origin_of(request, key))}


# --- those who watch ------------------------------------------------------------------------------------------------


@router.get("/promises", response={200: Page[PromisesKept], **PROBLEMS}, summary="How institutions keep their promises.")
def promises(request: HttpRequest) -> Any:
    """Counts only; open to all. All on one page."""
    return {"items": queries.promises(now=timezone.now(), viewer=viewer_of(request)), "next": ""}


@router.get("/funnel", response={200: Page[FunnelLine], **PROBLEMS}, summary="From published to accepted.")
def funnel(
    request: HttpRequest,
    since: Annotated[date | None, Query(default=None)] = None,
    until: Annotated[date | None, Query(default=None)] = None,
    by: Annotated[str, Query(default="territory", enum=["all", "territory", "institution"])] = "territory",
) -> Any:
    """For the demands published in a period, as far as you see them. All on one page."""
    lines = queries.funnel(since=since, until=until, by=by, viewer=viewer_of(request))
    return {"items": lines, "next": ""}


@router.post("/batches", response={200: BatchOut, **PROBLEMS}, summary="Assign open demands to institutions.")
def assign_batch(request: HttpRequest, body: BatchIn, key: IdempotencyKey) -> Any:
    """As well as it can be done for all together, within every institution's capacity."""
    return commands.assign_batch(most_asked=body.most_asked, origin=origin_of(request, key))
