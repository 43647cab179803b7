"""Payments over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from luhai.shell.api import PROBLEMS, Clean, Cursor, IdempotencyKey, Limit, Page, origin_of, viewer_of

from . import commands, policy, queries
from .queries import MessageView, PaymentAccountView, PaymentLine, PaymentView

router = Router(tags=["payments"])

Reason = Annotated[Clean, Field(min_length=1, max_length=400, examples=["agency contract 2026-031 on file"])]


class Strict(Schema):
    model_config = ConfigDict(extra="forbid")


class PaymentAccountIn(Strict):
    id: UUID = Field(description="An id of your choice, never used before.")
    company_id: UUID
    number: Annotated[Clean, Field(min_length=1, max_length=34)] = Field(examples=["6222020200112345"])
    currency: Annotated[Clean, Field(min_length=3, max_length=3)] = Field(examples=["CNY"])
    ledger_account_id: UUID | None = Field(
        default=None,
        description="An account of the company's own, its deposit with you, or the leg of an escrow into which you pay; "
        "none: a current account is opened.",
    )


class PaymentMessageIn(Strict):
    content: Annotated[str, Field(min_length=1, max_length=4 * 1024 * 1024)] = Field(
        description="The XML text of a pacs.008 with its business application header."
    )


class PaymentAnswerOut(Schema):
    """`status` ACSP (taken on) or RJCT (rejected, with ISO's reason); `answer` is the pacs.002."""

    payment_id: UUID | None
    status: str
    reason: str | None
    answer: str


class AttachIn(Strict):
    evidence_id: UUID


class CheckIn(Strict):
    situation: Annotated[Clean, Field(max_length=30, json_schema_extra={"enum": list(policy.SITUATIONS)})] = Field(
        examples=["goods_after_shipment"]
    )


class PaymentOverrideIn(Strict):
    reason_code: Annotated[Clean, Field(max_length=20, json_schema_extra={"enum": list(policy.OVERRIDE_REASONS)})] = (
        Field(examples=["agency_import"])
    )
    reason: Reason


class SettleIn(Strict):
    rate: Annotated[Clean, Field(min_length=1, max_length=30)] | None = Field(
        default=None,
        description="Units of the account's currency for one of the payment's; none: the reference rate.",
        examples=["7.1234"],
    )
    source: Annotated[Clean, Field(max_length=80)] | None = Field(
        default=None, examples=["our quote of 10:15"]
    )
    to_account_id: UUID | None = Field(
        default=None, description="Another account of the company with you, no leg of an escrow."
    )


class PaymentReturnIn(Strict):
    reason_code: Annotated[Clean, Field(max_length=4, json_schema_extra={"enum": list(policy.RETURN_REASONS)})] = Field(
        examples=["CUST"]
    )
    reason: Annotated[Clean, Field(min_length=1, max_length=policy.MOST_INFO)] = Field(
        description="In Latin letters: it goes to the sending bank.", examples=["goods were not delivered"]
    )


class PaymentOut(Schema):
    id: UUID


class PaymentAccountsOut(Schema):
    items: list[PaymentAccountView]


class PaymentMessagesOut(Schema):
    items: list[MessageView]


ANSWERS: dict[Any, Any] = {200: PaymentOut, **PROBLEMS}
State = Annotated[Clean, Query(default="", max_length=10)]


@router.get("", response={200: Page[PaymentLine], **PROBLEMS}, summary="Payments that came for you, through you or from you.")
def payments(request: HttpRequest, state: State = "", cursor: Cursor = "", limit: Limit = 50) -> Any:
    """Last acted on first. The operator and supervisors see all."""
    return queries.payments(state=state, cursor=cursor, limit=limit, viewer=viewer_of(request))


@router.get("/accounts", response={200: PaymentAccountsOut, **PROBLEMS}, summary="Account numbers that you gave or have.")
def accounts(request: HttpRequest) -> Any:
    return {"items": queries.accounts(viewer=viewer_of(request))}


@router.post("/accounts", response=ANSWERS, summary="Give a company a number for payments.")
def open_account(request: HttpRequest, body: PaymentAccountIn, key: IdempotencyKey) -> Any:
    return {
        "id": commands.open_account(
            account_id=body.id, company_id=body.company_id, number=body.number, currency=body.currency,
            ledger_account_id=body.ledger_account_id, origin=origin_of(request, key),
        )
    }  # fmt: skip


@router.post("/messages", response={200: PaymentAnswerOut, **PROBLEMS}, summary="Send or take in a pacs.008.")
def receive_message(request: HttpRequest, body: PaymentMessageIn, key: IdempotencyKey) -> Any:
    """For the creditor's bank or the bank that sends it. A rejection is an answer, too; a message that is none is a problem (422)."""
    return commands.receive_message(content=body.content, origin=origin_of(request, key))


@router.get("/rejections", response={200: Page[MessageView], **PROBLEMS}, summary="Orders that were rejected.")
def rejections(request: HttpRequest, cursor: Cursor = "", limit: Limit = 50) -> Any:
    return queries.rejections(cursor=cursor, limit=limit, viewer=viewer_of(request))


@router.get("/{uuid:payment_id}", response={200: PaymentView, **PROBLEMS}, summary="One payment and its check.")
def payment(request: HttpRequest, payment_id: UUID) -> Any:
    return queries.payment(payment_id=payment_id, viewer=viewer_of(request))


@router.get("/{uuid:payment_id}/messages", response={200: PaymentMessagesOut, **PROBLEMS}, summary="What came and went.")
def messages_of(request: HttpRequest, payment_id: UUID) -> Any:
    return {"items": queries.messages_of(payment_id=payment_id, viewer=viewer_of(request))}


@router.post("/{uuid:payment_id}/attach", response=ANSWERS, summary="Put a document to it: the company.")
def attach(request: HttpRequest, payment_id: UUID, body: AttachIn, key: IdempotencyKey) -> Any:
    """The bank may look at it and use it for this payment: that is agreed hereby."""
    return {
        "id": commands.attach(payment_id=payment_id, evidence_id=body.evidence_id, origin=origin_of(request, key))
    }


@router.post("/{uuid:payment_id}/detach", response=ANSWERS, summary="Take a document away from it.")
def detach(request: HttpRequest, payment_id: UUID, body: AttachIn, key: IdempotencyKey) -> Any:
    return {
        "id": commands.detach(payment_id=payment_id, evidence_id=body.evidence_id, origin=origin_of(request, key))
    }


@router.post("/{uuid:payment_id}/check", response=ANSWERS, summary="Check it against its documents: the bank.")
def check(request: HttpRequest, payment_id: UUID, body: CheckIn, key: IdempotencyKey) -> Any:
    """The id is that of the verdict."""
    return {
        "id": commands.check(payment_id=payment_id, situation=body.situation, origin=origin_of(request, key))
    }


@router.post("/{uuid:payment_id}/override", response=ANSWERS, summary="Propose to let a blocked one pass.")
def propose_override(request: HttpRequest, payment_id: UUID, body: PaymentOverrideIn, key: IdempotencyKey) -> Any:
    return {
        "id": commands.propose_override(
            payment_id=payment_id, reason_code=body.reason_code, reason=body.reason, origin=origin_of(request, key)
        )
    }


@router.post("/{uuid:payment_id}/approve", response=ANSWERS, summary="Approve that: another person of the bank.")
def approve_override(request: HttpRequest, payment_id: UUID, key: IdempotencyKey) -> Any:
    return {"id": commands.approve_override(payment_id=payment_id, origin=origin_of(request, key))}


@router.post("/{uuid:payment_id}/settle", response=ANSWERS, summary="Credit it, and set off what it repays.")
def settle(request: HttpRequest, payment_id: UUID, body: SettleIn, key: IdempotencyKey) -> Any:
    """The declaration is used, money exchanged and credited, and an escrow behind the account carried out: all, or nothing."""
    return {
        "id": commands.settle(
            payment_id=payment_id, rate=body.rate, source=body.source, to_account_id=body.to_account_id,
            origin=origin_of(request, key),
        )
    }  # fmt: skip


@router.post("/{uuid:payment_id}/return", response=ANSWERS, summary="Send it back.")
def return_payment(request: HttpRequest, payment_id: UUID, body: PaymentReturnIn, key: IdempotencyKey) -> Any:
    return {
        "id": commands.return_payment(
            payment_id=payment_id, reason_code=body.reason_code, reason=body.reason, origin=origin_of(request, key)
        )
    }
