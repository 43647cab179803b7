"""Escrows over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from luhai.kernel.money import MAX_MINOR
from luhai.shell.api import PROBLEMS, Clean, Cursor, IdempotencyKey, Limit, Page, origin_of, viewer_of

from . import commands, queries
from .queries import EscrowLine, EscrowView, EventView

router = Router(tags=["escrow"])

Name = Annotated[Clean, Field(min_length=1, max_length=40)]
Reason = Annotated[Clean, Field(min_length=1, max_length=400, examples=["the goods arrived wet"])]


class Strict(Schema):
    model_config = ConfigDict(extra="forbid")


class EscrowIn(Strict):
    """The form of `terms` stands in docs/algorithms/escrow.md; a mistake is answered with its path."""

    id: UUID = Field(description="An id of your choice, never used before.")
    terms: dict[str, Any] = Field(
        examples=[
            {
                "template": "pvp",
                "parties": {
                    "one": "018f3a52-0000-7000-8000-000000000001",
                    "two": "018f3a52-0000-7000-8000-000000000002",
                },
                "expires_at": "2026-12-31T09:00:00Z",
                "value": [
                    {
                        "name": "yuan", "unit": "CNY", "amount": 700000, "payer": "one",
                        "account": "018f3a52-0000-7000-8000-00000000000a",
                    },
                    {
                        "name": "dollars", "unit": "USD", "amount": 100000, "payer": "two",
                        "account": "018f3a52-0000-7000-8000-00000000000b",
                    },
                ],
                "steps": [
                    {"from": "yuan", "to": "018f3a52-0000-7000-8000-00000000000c", "amount": 700000},
                    {"from": "dollars", "to": "018f3a52-0000-7000-8000-00000000000d", "amount": "rest"},
                ],
            }
        ]
    )  # fmt: skip


class AgreeIn(Strict):
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="Of the terms, as you have read them."
    )


class FundIn(Strict):
    leg: Name = Field(examples=["price"])
    amount: Annotated[int, Field(strict=True, ge=1, le=MAX_MINOR)] | None = Field(
        default=None, description="Whole units; none: all that the leg still takes."
    )


class DepositIn(Strict):
    title_id: UUID


class PresentIn(Strict):
    condition: Name = Field(examples=["shipped"])
    evidence_id: UUID


class ConfirmIn(Strict):
    condition: Name = Field(examples=["accepted"])


class EscrowReasonIn(Strict):
    reason: Reason


class DecisionIn(Strict):
    decision: Annotated[Clean, Field(max_length=10, json_schema_extra={"enum": list(commands.DECISIONS)})] = (
        Field(examples=["return"])
    )
    reason: Reason


class EscrowOut(Schema):
    id: UUID


class HistoryOut(Schema):
    items: list[EventView]


ANSWERS: dict[Any, Any] = {200: EscrowOut, **PROBLEMS}


@router.get("", response={200: Page[EscrowLine], **PROBLEMS}, summary="Escrows to which you are a party.")
def escrows(
    request: HttpRequest,
    state: Annotated[Clean, Query(default="", max_length=10)] = "",
    live: Annotated[bool | None, Query(default=None)] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    """Last acted on first. The operator and supervisors see all."""
    return queries.escrows(state=state, live=live, cursor=cursor, limit=limit, viewer=viewer_of(request))


@router.post("", response=ANSWERS, summary="Arrange an escrow.")
def arrange(request: HttpRequest, body: EscrowIn, key: IdempotencyKey) -> Any:
    """Nobody is bound before all parties have agreed to the digest of the terms."""
    return {"id": commands.arrange(escrow_id=body.id, terms=body.terms, origin=origin_of(request, key))}


@router.get(
    "/{uuid:escrow_id}",
    response={200: EscrowView, **PROBLEMS},
    summary="One escrow, and what it waits for.",
)
def escrow(request: HttpRequest, escrow_id: UUID) -> Any:
    return queries.escrow(escrow_id=escrow_id, viewer=viewer_of(request))


@router.get(
    "/{uuid:escrow_id}/events", response={200: HistoryOut, **PROBLEMS}, summary="What was done to it."
)
def history(request: HttpRequest, escrow_id: UUID) -> Any:
    return {"items": queries.history(escrow_id=escrow_id, viewer=viewer_of(request))}


@router.post("/{uuid:escrow_id}/agree", response=ANSWERS, summary="Agree to the terms.")
def agree(request: HttpRequest, escrow_id: UUID, body: AgreeIn, key: IdempotencyKey) -> Any:
    return {"id": commands.agree(escrow_id=escrow_id, digest=body.digest, origin=origin_of(request, key))}


@router.post("/{uuid:escrow_id}/fund", response=ANSWERS, summary="Pay into a leg.")
def fund(request: HttpRequest, escrow_id: UUID, body: FundIn, key: IdempotencyKey) -> Any:
    """From the account that the terms name, which is yours."""
    return {
        "id": commands.fund(
            escrow_id=escrow_id, leg=body.leg, amount=body.amount, origin=origin_of(request, key)
        )
    }


@router.post("/{uuid:escrow_id}/deposit", response=ANSWERS, summary="Hand over a title.")
def deposit_title(request: HttpRequest, escrow_id: UUID, body: DepositIn, key: IdempotencyKey) -> Any:
    """As its holder or a pledgee of it. The escrow alone acts on it until it ends."""
    return {
        "id": commands.deposit_title(
            escrow_id=escrow_id, title_id=body.title_id, origin=origin_of(request, key)
        )
    }


@router.post("/{uuid:escrow_id}/present", response=ANSWERS, summary="Present evidence for a condition.")
def present(request: HttpRequest, escrow_id: UUID, body: PresentIn, key: IdempotencyKey) -> Any:
    """As it is now; amended or taken back later, it has to be presented again."""
    return {
        "id": commands.present(
            escrow_id=escrow_id, condition=body.condition, evidence_id=body.evidence_id,
            origin=origin_of(request, key),
        )
    }  # fmt: skip


@router.post("/{uuid:escrow_id}/confirm", response=ANSWERS, summary="Consent, for a condition.")
def confirm(request: HttpRequest, escrow_id: UUID, body: ConfirmIn, key: IdempotencyKey) -> Any:
    return {
        "id": commands.confirm(escrow_id=escrow_id, condition=body.condition, origin=origin_of(request, key))
    }


@router.post("/{uuid:escrow_id}/execute", response=ANSWERS, summary="Move everything as the terms say.")
def execute(request: HttpRequest, escrow_id: UUID, key: IdempotencyKey) -> Any:
    """At once and once, when every condition is met; otherwise nothing moves and the answer says what is open."""
    return {"id": commands.execute(escrow_id=escrow_id, origin=origin_of(request, key))}


@router.post("/{uuid:escrow_id}/withdraw", response=ANSWERS, summary="Withdraw a draft.")
def withdraw(request: HttpRequest, escrow_id: UUID, body: EscrowReasonIn, key: IdempotencyKey) -> Any:
    return {"id": commands.withdraw(escrow_id=escrow_id, reason=body.reason, origin=origin_of(request, key))}


@router.post("/{uuid:escrow_id}/expire", response=ANSWERS, summary="End it when its time has run out.")
def expire(request: HttpRequest, escrow_id: UUID, key: IdempotencyKey) -> Any:
    """Everything goes back to where it came from."""
    return {"id": commands.expire(escrow_id=escrow_id, origin=origin_of(request, key))}


@router.post("/{uuid:escrow_id}/dispute", response=ANSWERS, summary="Object, so that nothing moves.")
def dispute(request: HttpRequest, escrow_id: UUID, body: EscrowReasonIn, key: IdempotencyKey) -> Any:
    return {"id": commands.dispute(escrow_id=escrow_id, reason=body.reason, origin=origin_of(request, key))}


@router.post("/{uuid:escrow_id}/settle", response=ANSWERS, summary="Decide a dispute.")
def settle_dispute(request: HttpRequest, escrow_id: UUID, body: DecisionIn, key: IdempotencyKey) -> Any:
    """For the arbiter whom the terms name; for a supervisor where they name none."""
    return {
        "id": commands.settle_dispute(
            escrow_id=escrow_id, decision=body.decision, reason=body.reason, origin=origin_of(request, key)
        )
    }
