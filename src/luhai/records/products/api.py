"""The shelf over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from datetime import datetime
from numbers import Number
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import AfterValidator, ConfigDict, Field

from luhai.core.rules.fields import COLLATERAL, PURPOSES
from luhai.kernel.money import MAX_MINOR, Currency
from luhai.shell.api import PROBLEMS, Clean, Cursor, IdempotencyKey, Limit, Page, origin_of, viewer_of

from . import commands, queries
from .policy import DOCUMENTS, KINDS, MAX_PRICE_BP, MAX_PROMISE_HOURS, MAX_TENOR_DAYS
from .queries import OwnProduct, ProductCard, ProductView

router = Router(tags=["products"])


def _clean_tree(tree: dict[str, Any]) -> dict[str, Any]:
    """Turn away what no command could take: texts that cannot be stored, numbers that are not whole, endless nesting."""
    waiting: list[tuple[Any, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > 24:
            raise ValueError("nested too deeply")
        if isinstance(node, dict):
            waiting += [(part, depth + 1) for pair in node.items() for part in pair]
        elif isinstance(node, list):
            waiting += [(part, depth + 1) for part in node]
        elif isinstance(node, str):
            if any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF for c in node):
                raise ValueError("no control characters")
        elif isinstance(node, Number) and not (isinstance(node, int) and abs(node) <= MAX_MINOR):
            raise ValueError(f"whole numbers up to {MAX_MINOR} only")
    return tree


def coded(*codes: str) -> Any:
    """A field that holds one of these codes; the command refuses others and names them."""
    return Field(json_schema_extra={"enum": list(codes)}, max_length=40)


Tree = Annotated[dict[str, Any], AfterValidator(_clean_tree)]
Minor = Annotated[int, Field(strict=True, gt=0, le=MAX_MINOR)]
Days = Annotated[int, Field(strict=True, ge=1, le=MAX_TENOR_DAYS)]
BasisPoints = Annotated[int, Field(strict=True, ge=0, le=MAX_PRICE_BP)]
KindCode = Annotated[Clean, coded(*KINDS)]
CollateralCode = Annotated[Clean, coded(*(c.code for c in COLLATERAL))]
PurposeCode = Annotated[Clean, coded(*(c.code for c in PURPOSES))]
DocumentCode = Annotated[Clean, coded(*DOCUMENTS)]
CurrencyCode = Annotated[Clean, coded(*Currency)]
Place = Annotated[str, Field(pattern=r"^[1-9][0-9]{5}$", examples=["500000"])]
Measure = Annotated[str, Field(pattern=r"^M[0-9]{2}-[0-9]{2}$", examples=["M05-04"])]


class TermsIn(Schema):
    """What a product offers and to whom: minor units of `currency`, days, basis points a year, working hours."""

    model_config = ConfigDict(extra="forbid")

    institution_id: UUID
    kind: KindCode = Field(examples=["loan"])
    name_zh: Clean = Field(min_length=1, max_length=120, examples=["陆海新通道贷"])
    name_en: Clean = Field(min_length=1, max_length=200, examples=["Land-Sea Corridor Loan"])
    summary_zh: Clean = Field(default="", max_length=2000)
    summary_en: Clean = Field(default="", max_length=4000)
    currency: CurrencyCode = Field(examples=["CNY"])
    amount_min_minor: Minor = Field(examples=[50_000_000])
    amount_max_minor: Minor = Field(examples=[3_000_000_000])
    tenor_min_days: Days = Field(examples=[90])
    tenor_max_days: Days = Field(examples=[1095])
    price_min_bp: BasisPoints = Field(examples=[300])
    price_max_bp: BasisPoints = Field(examples=[460])
    collateral: list[CollateralCode] = Field(
        min_length=1, max_length=20, examples=[["credit", "receivable"]], description="Any one of them will do."
    )
    purposes: list[PurposeCode] = Field(default=[], max_length=20, description="Empty: any.")
    territories: list[Place] = Field(default=[], max_length=64, description="GB/T 2260. Empty: everywhere.")
    documents: list[DocumentCode] = Field(default=[], max_length=40)
    promise_hours: Annotated[int, Field(strict=True, ge=1, le=MAX_PROMISE_HOURS)] = Field(
        examples=[16], description="Working hours to a first answer."
    )
    measures: list[Measure] = Field(default=[], max_length=40, description="Measures that the product carries out.")
    requires: list[Measure] = Field(
        default=[], max_length=40, description="Measures that must be in force where the company is."
    )
    criteria: Tree = Field(
        default={"all": []},
        description="Groups {all: […]} and {any: […]} of {field, op, value or parameter, measure?}.",
        examples=[{"all": [{"field": "age_months", "op": "at_least", "value": 24, "measure": "M05-05"}]}],
    )


class ProductOut(Schema):
    id: UUID


class ShelfOut(Page[ProductCard]):
    total: int = Field(description="How many products the filters leave.")


class FactsIn(Schema):
    model_config = ConfigDict(extra="forbid")

    facts: Tree = Field(
        max_length=60,
        description="Facts by name, without a source: nothing is stored.",
        examples=[{"territory": "500000", "industry": "G58", "age_months": 36, "overdue": False}],
    )


class StandingsOut(Schema):
    met: list[UUID]
    possible: list[UUID] = Field(description="Something is not known.")
    asked_at: datetime


@router.get("", response={200: ShelfOut, **PROBLEMS}, summary="The shelf, newest first; open to all.")
def shelf(
    request: HttpRequest,
    text: Annotated[Clean, Query(default="", max_length=100)] = "",
    kind: Annotated[str, Query(default="", enum=["", *KINDS])] = "",
    territory: Annotated[str, Query(default="", pattern=r"^([1-9][0-9]{5})?$")] = "",
    collateral: Annotated[str, Query(default="", enum=["", *(c.code for c in COLLATERAL)])] = "",
    purpose: Annotated[str, Query(default="", enum=["", *(c.code for c in PURPOSES)])] = "",
    institution_id: Annotated[UUID | None, Query(default=None)] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    """Filter by words of the names and summaries, kind, territory, collateral, purpose, and institution."""
    return queries.shelf(
        text=text, kind=kind, territory=territory, collateral=collateral, purpose=purpose,
        institution_id=institution_id, cursor=cursor, limit=limit, viewer=viewer_of(request),
    )  # fmt: skip


@router.get("/own", response={200: Page[OwnProduct], **PROBLEMS}, summary="An institution's own products.")
def own_products(request: HttpRequest, institution_id: UUID | None = None) -> Any:
    """Drafts included, all on one page. The operator may name an institution."""
    return {"items": queries.own_products(institution_id=institution_id, viewer=viewer_of(request)), "next": ""}


@router.post(
    "/eligible", response={200: StandingsOut, **PROBLEMS}, summary="Which products facts meet, or may meet."
)
def eligible(request: HttpRequest, body: FactsIn) -> Any:
    """Judge the whole shelf for facts that you give. Nothing is stored, so no Idempotency-Key is needed."""
    now = timezone.now()
    found = queries.eligible(
        facts={name: {"value": value, "source": "given"} for name, value in body.facts.items()},
        on=timezone.localdate(now), viewer=viewer_of(request),
    )  # fmt: skip
    return {
        "met": [s.product_id for s in found if s.verdict == "met"],
        "possible": [s.product_id for s in found if s.verdict == "possible"],
        "asked_at": now,
    }


@router.get("/{uuid:product_id}", response={200: ProductView, **PROBLEMS}, summary="One product and its history.")
def product(
    request: HttpRequest,
    product_id: UUID,
    version: Annotated[int | None, Query(default=None, ge=1, le=1_000_000)] = None,
) -> Any:
    """In its newest version, or in the one asked for."""
    return queries.product(product_id=product_id, version=version, viewer=viewer_of(request))


@router.put(
    "/{uuid:product_id}/draft", response={200: ProductOut, **PROBLEMS}, summary="Write the next version of a product."
)
def draft_product(request: HttpRequest, product_id: UUID, body: TermsIn, key: IdempotencyKey) -> Any:
    """A new product takes an id of your choice. What is on the shelf stays as it is until you publish."""
    terms = body.dict()
    institution_id = terms.pop("institution_id")
    made = commands.draft_product(
        product_id=product_id, institution_id=institution_id, terms=terms, origin=origin_of(request, key)
    )
    return {"id": made}


@router.post(
    "/{uuid:product_id}/publish", response={200: ProductOut, **PROBLEMS}, summary="Put the draft on the shelf."
)
def publish_product(request: HttpRequest, product_id: UUID, key: IdempotencyKey) -> Any:
    """It becomes a new version, which never changes again."""
    return {"id": commands.publish_product(product_id=product_id, origin=origin_of(request, key))}


@router.post(
    "/{uuid:product_id}/withdraw", response={200: ProductOut, **PROBLEMS}, summary="Take a product off the shelf."
)
def withdraw_product(request: HttpRequest, product_id: UUID, key: IdempotencyKey) -> Any:
    """Its versions stay readable, and matches that were sent go on."""
    return {"id": commands.withdraw_product(product_id=product_id, origin=origin_of(request, key))}
