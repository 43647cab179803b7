"""Accounts over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, ConfigDict, Field

from luhai.kernel.refusal import Invalid, gettext_noop
from luhai.shell.api import PROBLEMS, Clean, Cursor, IdempotencyKey, Limit, Page, origin_of, viewer_of

from . import commands, queries
from .policy import MAX_AMOUNT, Bound, Kind, Transfer
from .queries import AccountView, Balance, Statement

router = Router(tags=["ledger"])
_Name = Annotated[Clean, Field(min_length=1, max_length=60, pattern=r"^[\w.:/-]+$")]


class AccountIn(Schema):
    """An account of your own, to keep books in."""

    model_config = ConfigDict(extra="forbid")

    unit: _Name = Field(examples=["CNY"], description="A currency, or a unit of your choice.")
    kind: _Name = Field(examples=["line"], description="What it is for; it is kept as own.<kind>.")
    bound: Bound = Field(default=Bound.NONE, description="Which side may not exceed the other.")


class LedgerTransferIn(Schema):
    """post and hold name debit, credit, unit and amount; settle and release name the hold."""

    model_config = ConfigDict(extra="forbid")

    id: UUID = Field(
        description="Chosen by you; the same id is the same transfer, for ever.",
        examples=["018f3a52-0000-7000-8000-000000000001"],
    )
    kind: Kind = Kind.POST
    debit: UUID | None = Field(default=None, examples=["018f3a52-0000-7000-8000-00000000000a"])
    credit: UUID | None = Field(default=None, examples=["018f3a52-0000-7000-8000-00000000000b"])
    unit: Clean = Field(default="", max_length=60, examples=["CNY"])
    amount: Annotated[int, Field(strict=True, ge=1, le=MAX_AMOUNT)] | None = Field(
        default=None,
        examples=[100_000],
        description="Whole units; of a settle or release: none means all that is left of the hold.",
    )
    hold: UUID | None = Field(default=None, examples=[None], description="Of a settle or release.")
    expires_at: AwareDatetime | None = Field(default=None, examples=[None], description="Of a hold.")
    up_to: bool = Field(default=False, description="Move as much of the amount as the bounds allow.")
    linked: bool = Field(default=False, description="All or none, with the next one.")
    code: Clean = Field(default="", max_length=60, examples=["loan.drawdown"])
    subject: UUID | None = Field(default=None, examples=[None], description="The record it is for.")


class LedgerTransfersIn(Schema):
    model_config = ConfigDict(extra="forbid")

    transfers: list[LedgerTransferIn] = Field(min_length=1, max_length=10_000)


class OutcomeOut(Schema):
    id: UUID
    amount: int = Field(description="What moved; 0 when refused.")
    refused: str | None = Field(description="The reason, of the closed list.")


class OutcomesOut(Schema):
    outcomes: list[OutcomeOut]


class AccountReasonIn(Schema):
    model_config = ConfigDict(extra="forbid")

    reason: Clean = Field(min_length=1, max_length=400, examples=["order 2026-17 of the court"])


class AccountOut(Schema):
    id: UUID


@router.get("/accounts", response={200: Page[AccountView], **PROBLEMS}, summary="Your accounts.")
def accounts(
    request: HttpRequest,
    kind: Annotated[Clean, Query(default="", max_length=60)] = "",
    unit: Annotated[Clean, Query(default="", max_length=60)] = "",
    owner_id: Annotated[UUID | None, Query(default=None)] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    """By id. `kind` takes the beginning of a kind ("evidence."). The operator and supervisors see all."""
    return queries.accounts(
        kind=kind, unit=unit, owner_id=owner_id, cursor=cursor, limit=limit, viewer=viewer_of(request)
    )


@router.get("/accounts/{uuid:account_id}", response={200: AccountView, **PROBLEMS}, summary="One account.")
def account(request: HttpRequest, account_id: UUID) -> Any:
    return queries.account(account_id=account_id, viewer=viewer_of(request))


@router.get(
    "/accounts/{uuid:account_id}/balance",
    response={200: Balance, **PROBLEMS},
    summary="The balance at a moment.",
)
def balance(request: HttpRequest, account_id: UUID, at: Annotated[AwareDatetime, Query()]) -> Any:
    """As all transfers up to and at that moment made it."""
    return queries.balance_at(account_id=account_id, moment=_moment("at", at), viewer=viewer_of(request))


@router.get(
    "/accounts/{uuid:account_id}/statement",
    response={200: Statement, **PROBLEMS},
    summary="What moved, line by line.",
)
def statement(
    request: HttpRequest,
    account_id: UUID,
    since: Annotated[AwareDatetime | None, Query(default=None)] = None,
    until: Annotated[AwareDatetime | None, Query(default=None)] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    """The oldest first, with the balance after each line."""
    return queries.statement(
        account_id=account_id, since=since and _moment("since", since), until=until and _moment("until", until),
        cursor=cursor, limit=limit, viewer=viewer_of(request),
    )  # fmt: skip


@router.put(
    "/accounts/{uuid:account_id}",
    response={200: AccountOut, **PROBLEMS},
    summary="Open an account of your own.",
)
def open_account(request: HttpRequest, account_id: UUID, body: AccountIn, key: IdempotencyKey) -> Any:
    """The id is yours to choose."""
    return {"id": commands.open_account(account_id=account_id, **body.dict(), origin=origin_of(request, key))}


@router.post(
    "/transfers", response={200: OutcomesOut, **PROBLEMS}, summary="Post between accounts of your own."
)
def post(request: HttpRequest, body: LedgerTransfersIn, key: IdempotencyKey) -> Any:
    """One after the other, in one transaction. A transfer that is refused says why in its outcome, and stays refused."""
    transfers = [_read(f"transfers[{i}]", t) for i, t in enumerate(body.transfers)]
    return {"outcomes": commands.post_own(transfers=transfers, origin=origin_of(request, key))}


@router.post(
    "/accounts/{uuid:account_id}/freeze",
    response={200: AccountOut, **PROBLEMS},
    summary="Let nothing move but releases.",
)
def freeze_account(request: HttpRequest, account_id: UUID, body: AccountReasonIn, key: IdempotencyKey) -> Any:
    return {
        "id": commands.freeze_account(
            account_id=account_id, reason=body.reason, origin=origin_of(request, key)
        )
    }


@router.post(
    "/accounts/{uuid:account_id}/thaw", response={200: AccountOut, **PROBLEMS}, summary="End a freeze."
)
def thaw_account(request: HttpRequest, account_id: UUID, body: AccountReasonIn, key: IdempotencyKey) -> Any:
    return {
        "id": commands.thaw_account(account_id=account_id, reason=body.reason, origin=origin_of(request, key))
    }


@router.post(
    "/accounts/{uuid:account_id}/close", response={200: AccountOut, **PROBLEMS}, summary="Close it for ever."
)
def close_account(request: HttpRequest, account_id: UUID, body: AccountReasonIn, key: IdempotencyKey) -> Any:
    """Only with no balance and nothing pending."""
    return {
        "id": commands.close_account(
            account_id=account_id, reason=body.reason, origin=origin_of(request, key)
        )
    }


def _read(at: str, given: LedgerTransferIn) -> Transfer:
    """A transfer whose kind has what it needs and nothing else."""
    starts = given.kind in {Kind.POST, Kind.HOLD}
    for name in ("debit", "credit", "unit", "amount") if starts else ("hold",):
        if not getattr(given, name):
            raise Invalid(field=f"{at}.{name}", problem=gettext_noop("is needed for a transfer of this kind"))
    for name in ("hold",) if starts else ("expires_at",):
        if getattr(given, name) is not None:
            raise Invalid(
                field=f"{at}.{name}", problem=gettext_noop("has no place in a transfer of this kind")
            )
    if given.expires_at is not None:
        if given.kind is not Kind.HOLD:
            raise Invalid(field=f"{at}.expires_at", problem=gettext_noop("only a hold expires"))
        _moment(f"{at}.expires_at", given.expires_at)
    return Transfer(**given.dict())


def _moment(field: str, moment: datetime) -> datetime:
    if not 1900 <= moment.year <= 2200:
        raise Invalid(field=field, problem=gettext_noop("a day from 1900 to 2200"))
    return moment
