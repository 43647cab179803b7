"""Lines and draws over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from luhai.kernel.money import MAX_MINOR
from luhai.shell.api import PROBLEMS, Clean, Cursor, IdempotencyKey, Limit, Page, origin_of, viewer_of

from . import commands, line_commands, queries
from .queries import LineRow, LineView, LoanEvent, LoanRow, LoanView, StatementView

router = Router(tags=["lending"])

Amount = Annotated[int, Field(strict=True, ge=1, le=MAX_MINOR // commands.ROOM)]
Reason = Annotated[Clean, Field(min_length=1, max_length=400, examples=["as agreed on the telephone"])]
Name = Annotated[Clean, Field(min_length=1, max_length=40, examples=["whole"])]


class Strict(Schema):
    model_config = ConfigDict(extra="forbid")


class LineIn(Strict):
    """The forms of `contract` and `limits` stand in docs/algorithms/lending.md; a mistake is answered with its path."""

    id: UUID = Field(description="An id of your choice, never used before.")
    company_id: UUID
    number: Annotated[Clean, Field(min_length=1, max_length=60)] = Field(examples=["CQ-2026-017"])
    contract: dict[str, Any] = Field(
        examples=[{"currency": "CNY", "starts_on": "2026-03-02", "ends_on": "2027-03-01", "spread_bp": 45}]
    )
    limits: list[dict[str, Any]] = Field(
        examples=[
            [
                {"name": "whole", "parent": None, "amount": 1_000_000_000},
                {"name": "guangxi", "parent": "whole", "amount": 400_000_000, "territory": "450000"},
            ]
        ]
    )
    capital_minor: Annotated[int, Field(strict=True, ge=1, le=MAX_MINOR)] | None = Field(
        default=None, description="The bank's net capital; with it the cap on one borrower is looked at."
    )
    size: Annotated[Clean, Field(max_length=7)] = Field(default="", description="Of the borrower: L, M, S, X or IND_BIZ.", examples=["S"])
    industry: Annotated[Clean, Field(max_length=1)] = Field(default="", description="Of the borrower: A to T of GB/T 4754.", examples=["F"])


class SignIn(Strict):
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="Of the terms, as you have read them."
    )


class LendingReasonIn(Strict):
    reason: Reason


class ReduceIn(Strict):
    name: Name
    by: Amount
    reason: Reason


class DepositMoneyIn(Strict):
    amount: Amount
    reference: Reason


class PayOutIn(Strict):
    amount: Amount
    reference: Reason
    to_account: UUID | None = Field(
        default=None, description="An account of your own; none: out of the bank."
    )


class RepaymentIn(Strict):
    method: Annotated[Clean, Field(max_length=20)] = Field(examples=["principal_at_end"])
    number: Annotated[int, Field(strict=True, ge=1, le=360)] = Field(examples=[1])
    every: Annotated[int, Field(strict=True, ge=1, le=360)] = Field(default=1, examples=[3])
    unit: Annotated[Clean, Field(max_length=10)] = Field(default="months", examples=["months"])


class SecurityIn(Strict):
    evidence_id: UUID
    amount: Amount = Field(description="Of the document, in its own currency.")


class DrawIn(Strict):
    id: UUID = Field(description="An id of your choice, never used before.")
    limit: Name
    amount: Amount
    purpose: Annotated[Clean, Field(min_length=1, max_length=200)] = Field(examples=["freight"])
    repayment: RepaymentIn
    to_account: UUID | None = Field(default=None, description="None: your deposit account with the bank.")
    title_id: UUID | None = Field(default=None, description="A title that you have pledged to the bank.")
    quantity: Annotated[int, Field(strict=True, ge=1, le=MAX_MINOR)] | None = None
    evidence: list[SecurityIn] = Field(default_factory=list, max_length=commands.MOST_SECURITIES)
    insurance_id: UUID | None = None


class ApproveIn(Strict):
    green: Annotated[Clean, Field(max_length=1)] = Field(default="", description="Y, N, or nothing: not stated.", examples=["N"])


class RepayIn(Strict):
    amount: Amount | None = Field(default=None, description="None: all that is owed today.")


class ForeignIn(Strict):
    id: UUID
    currency: Annotated[Clean, Field(min_length=3, max_length=3)] = Field(examples=["USD"])
    amount_minor: Amount
    rate: Annotated[Clean, Field(min_length=1, max_length=30)] | None = Field(
        default=None,
        description="Units of the loan's currency for one; none: the reference rate.",
        examples=["7.1234"],
    )
    source: Annotated[Clean, Field(max_length=80)] | None = Field(
        default=None, examples=["our quote of 10:15"]
    )


class FeeIn(Strict):
    id: UUID
    amount: Amount
    reason: Reason


class ValuationIn(Strict):
    id: UUID
    value: Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR)]
    document: Reason


class MarginIn(Strict):
    amount: Amount


class MisuseIn(Strict):
    document: Reason


class LendingOut(Schema):
    id: UUID


class ShortOut(Schema):
    """What is missing of the security, in minor units of the loan's currency."""

    short: int


class CollectedOut(Schema):
    collected: int


class LendingHistoryOut(Schema):
    items: list[LoanEvent]


ANSWERS: dict[Any, Any] = {200: LendingOut, **PROBLEMS}
State = Annotated[Clean, Query(default="", max_length=11)]


@router.get(
    "/lines", response={200: Page[LineRow], **PROBLEMS}, summary="Credit lines that you grant or have."
)
def lines(request: HttpRequest, state: State = "", cursor: Cursor = "", limit: Limit = 50) -> Any:
    """Last acted on first. The operator and supervisors see all."""
    return queries.lines(state=state, cursor=cursor, limit=limit, viewer=viewer_of(request))


@router.post("/lines", response=ANSWERS, summary="Write down a credit line.")
def open_line(request: HttpRequest, body: LineIn, key: IdempotencyKey) -> Any:
    """For a bank. It binds nobody before a second person of the bank has approved and the company has signed it."""
    return {
        "id": line_commands.open_line(
            line_id=body.id, company_id=body.company_id, number=body.number, contract=body.contract, limits=body.limits,
            capital_minor=body.capital_minor, size=body.size, industry=body.industry, origin=origin_of(request, key),
        )
    }  # fmt: skip


@router.get(
    "/lines/{uuid:line_id}", response={200: LineView, **PROBLEMS}, summary="One line, and how far it is used."
)
def line(request: HttpRequest, line_id: UUID) -> Any:
    return queries.line(line_id=line_id, viewer=viewer_of(request))


@router.get(
    "/lines/{uuid:line_id}/events", response={200: LendingHistoryOut, **PROBLEMS}, summary="What was done."
)
def history(request: HttpRequest, line_id: UUID) -> Any:
    return {"items": queries.history(line_id=line_id, viewer=viewer_of(request))}


@router.post(
    "/lines/{uuid:line_id}/approve", response=ANSWERS, summary="Approve a line: another person of the bank."
)
def approve_line(request: HttpRequest, line_id: UUID, key: IdempotencyKey) -> Any:
    return {"id": line_commands.approve_line(line_id=line_id, origin=origin_of(request, key))}


@router.post("/lines/{uuid:line_id}/sign", response=ANSWERS, summary="Sign a line: the company.")
def sign_line(request: HttpRequest, line_id: UUID, body: SignIn, key: IdempotencyKey) -> Any:
    return {
        "id": line_commands.sign_line(line_id=line_id, digest=body.digest, origin=origin_of(request, key))
    }


@router.post("/lines/{uuid:line_id}/start", response=ANSWERS, summary="Put a signed line in force.")
def start_line(request: HttpRequest, line_id: UUID, key: IdempotencyKey) -> Any:
    return {"id": line_commands.start_line(line_id=line_id, origin=origin_of(request, key))}


@router.post(
    "/lines/{uuid:line_id}/reduce", response=ANSWERS, summary="Take back what is not used of a limit."
)
def reduce_limit(request: HttpRequest, line_id: UUID, body: ReduceIn, key: IdempotencyKey) -> Any:
    return {
        "id": line_commands.reduce_limit(
            line_id=line_id, name=body.name, by=body.by, reason=body.reason, origin=origin_of(request, key)
        )
    }


@router.post("/lines/{uuid:line_id}/freeze", response=ANSWERS, summary="Let nothing more be drawn.")
def freeze_line(request: HttpRequest, line_id: UUID, body: LendingReasonIn, key: IdempotencyKey) -> Any:
    return {
        "id": line_commands.freeze_line(line_id=line_id, reason=body.reason, origin=origin_of(request, key))
    }


@router.post("/lines/{uuid:line_id}/thaw", response=ANSWERS, summary="End a freeze.")
def thaw_line(request: HttpRequest, line_id: UUID, body: LendingReasonIn, key: IdempotencyKey) -> Any:
    return {
        "id": line_commands.thaw_line(line_id=line_id, reason=body.reason, origin=origin_of(request, key))
    }


@router.post("/lines/{uuid:line_id}/cancel", response=ANSWERS, summary="Give a line up.")
def cancel_line(request: HttpRequest, line_id: UUID, body: LendingReasonIn, key: IdempotencyKey) -> Any:
    return {
        "id": line_commands.cancel_line(line_id=line_id, reason=body.reason, origin=origin_of(request, key))
    }


@router.post("/lines/{uuid:line_id}/expire", response=ANSWERS, summary="End a line whose last day has gone.")
def expire_line(request: HttpRequest, line_id: UUID, key: IdempotencyKey) -> Any:
    return {"id": line_commands.expire_line(line_id=line_id, origin=origin_of(request, key))}


@router.post(
    "/lines/{uuid:line_id}/deposits", response=ANSWERS, summary="Book money that came for the company."
)
def receive_deposit(request: HttpRequest, line_id: UUID, body: DepositMoneyIn, key: IdempotencyKey) -> Any:
    """For the bank. The id is that of the company's deposit account."""
    return {
        "id": commands.receive_deposit(
            line_id=line_id, amount=body.amount, reference=body.reference, origin=origin_of(request, key)
        )
    }


@router.post("/lines/{uuid:line_id}/payments", response=ANSWERS, summary="Pay from your deposit account.")
def pay_out(request: HttpRequest, line_id: UUID, body: PayOutIn, key: IdempotencyKey) -> Any:
    return {
        "id": commands.pay_out(
            line_id=line_id, amount=body.amount, reference=body.reference, to_account=body.to_account,
            origin=origin_of(request, key),
        )
    }  # fmt: skip


@router.post("/lines/{uuid:line_id}/draws", response=ANSWERS, summary="Ask to draw on a line.")
def request_draw(request: HttpRequest, line_id: UUID, body: DrawIn, key: IdempotencyKey) -> Any:
    """For the company, which agrees to the escrow of the repayment by asking."""
    return {
        "id": commands.request_draw(
            draw_id=body.id, line_id=line_id, limit=body.limit, amount=body.amount, purpose=body.purpose,
            repayment=body.repayment.model_dump(), to_account=body.to_account, title_id=body.title_id,
            quantity=body.quantity, evidence_=[s.model_dump() for s in body.evidence], insurance_id=body.insurance_id,
            origin=origin_of(request, key),
        )
    }  # fmt: skip


@router.get("/loans", response={200: Page[LoanRow], **PROBLEMS}, summary="Draws that you granted or have.")
def loans(
    request: HttpRequest,
    line_id: Annotated[UUID | None, Query(default=None)] = None,
    state: State = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    return queries.loans(line_id=line_id, state=state, cursor=cursor, limit=limit, viewer=viewer_of(request))


@router.get(
    "/loans/{uuid:draw_id}", response={200: LoanView, **PROBLEMS}, summary="One draw, as its balances say."
)
def loan(request: HttpRequest, draw_id: UUID, on: Annotated[date | None, Query(default=None)] = None) -> Any:
    """`on` looks at its lines as of a day, as if nothing more came."""
    return queries.loan(draw_id=draw_id, on=on, viewer=viewer_of(request))


@router.get(
    "/loans/{uuid:draw_id}/statement", response={200: StatementView, **PROBLEMS}, summary="What moved on it."
)
def statement(
    request: HttpRequest,
    draw_id: UUID,
    since: Annotated[date | None, Query(default=None)] = None,
    until: Annotated[date | None, Query(default=None)] = None,
) -> Any:
    return queries.statement(draw_id=draw_id, since=since, until=until, viewer=viewer_of(request))


@router.post(
    "/loans/{uuid:draw_id}/approve", response=ANSWERS, summary="Approve a draw; its limits are held."
)
def approve_draw(request: HttpRequest, draw_id: UUID, key: IdempotencyKey, body: ApproveIn | None = None) -> Any:
    green = body.green if body else ""
    return {"id": commands.approve_draw(draw_id=draw_id, green=green, origin=origin_of(request, key))}


@router.post("/loans/{uuid:draw_id}/refuse", response=ANSWERS, summary="Do not grant a draw, or give it up.")
def refuse_draw(request: HttpRequest, draw_id: UUID, body: LendingReasonIn, key: IdempotencyKey) -> Any:
    return {"id": commands.refuse_draw(draw_id=draw_id, reason=body.reason, origin=origin_of(request, key))}


@router.post(
    "/loans/{uuid:draw_id}/disburse", response=ANSWERS, summary="Pay a draw out: another person of the bank."
)
def disburse(request: HttpRequest, draw_id: UUID, key: IdempotencyKey) -> Any:
    return {"id": commands.disburse(draw_id=draw_id, origin=origin_of(request, key))}


@router.post(
    "/loans/{uuid:draw_id}/repay", response=ANSWERS, summary="Repay all or a part from the deposit account."
)
def repay(request: HttpRequest, draw_id: UUID, body: RepayIn, key: IdempotencyKey) -> Any:
    return {"id": commands.repay(draw_id=draw_id, amount=body.amount, origin=origin_of(request, key))}


@router.post(
    "/loans/{uuid:draw_id}/collect", response={200: CollectedOut, **PROBLEMS}, summary="Take what is due."
)
def collect_due(request: HttpRequest, draw_id: UUID, key: IdempotencyKey) -> Any:
    return {"collected": commands.collect_due(draw_id=draw_id, origin=origin_of(request, key))}


@router.post(
    "/loans/{uuid:draw_id}/check",
    response=ANSWERS,
    summary="Check that all has come; the pledge is released.",
)
def check_arrival(request: HttpRequest, draw_id: UUID, key: IdempotencyKey) -> Any:
    return {"id": commands.check_arrival(draw_id=draw_id, origin=origin_of(request, key))}


@router.post(
    "/loans/{uuid:draw_id}/foreign", response=ANSWERS, summary="Repay with money in another currency."
)
def receive_foreign(request: HttpRequest, draw_id: UUID, body: ForeignIn, key: IdempotencyKey) -> Any:
    return {
        "id": commands.receive_foreign(
            receipt_id=body.id, draw_id=draw_id, currency=body.currency, amount_minor=body.amount_minor, rate=body.rate,
            source=body.source, origin=origin_of(request, key),
        )
    }  # fmt: skip


@router.post("/loans/{uuid:draw_id}/fees", response=ANSWERS, summary="Charge a fee.")
def charge_fee(request: HttpRequest, draw_id: UUID, body: FeeIn, key: IdempotencyKey) -> Any:
    return {
        "id": commands.charge_fee(
            fee_id=body.id,
            draw_id=draw_id,
            amount=body.amount,
            reason=body.reason,
            origin=origin_of(request, key),
        )
    }


@router.post(
    "/loans/{uuid:draw_id}/valuations", response={200: ShortOut, **PROBLEMS}, summary="Value its security."
)
def revalue(request: HttpRequest, draw_id: UUID, body: ValuationIn, key: IdempotencyKey) -> Any:
    return {
        "short": commands.revalue(
            valuation_id=body.id,
            draw_id=draw_id,
            value=body.value,
            document=body.document,
            origin=origin_of(request, key),
        )
    }


@router.post("/loans/{uuid:draw_id}/margin", response=ANSWERS, summary="Put cash behind a draw.")
def put_margin(request: HttpRequest, draw_id: UUID, body: MarginIn, key: IdempotencyKey) -> Any:
    return {"id": commands.put_margin(draw_id=draw_id, amount=body.amount, origin=origin_of(request, key))}


@router.post(
    "/loans/{uuid:draw_id}/misuse", response=ANSWERS, summary="Say that it was used for another purpose."
)
def mark_misused(request: HttpRequest, draw_id: UUID, body: MisuseIn, key: IdempotencyKey) -> Any:
    return {
        "id": commands.mark_misused(draw_id=draw_id, document=body.document, origin=origin_of(request, key))
    }
