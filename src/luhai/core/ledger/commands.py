"""Everything that can be done to accounts. `open_accounts` and `post` are part of the caller's transaction.

A command above locks what it locks, and posts last: one call, linked, so that either all of it moved or nothing did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from luhai.kernel.origin import Actor, Origin, Role
from luhai.kernel.refusal import Absent, NotEntitled, Refusal, gettext_noop
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from .models import Account as Row
from .models import Hold
from .policy import MAX_AMOUNT, REFUSALS, Account, AccountState, Bound, Kind, Outcome, Transfer
from .queries import available

LINKED, UP_TO = 1, 2
_POST_ONE = "SELECT o, moved, refused FROM ledger_post_one(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
_OPEN = "SELECT * FROM ledger_open(%s, %s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::text[])"
_POST = """SELECT o, moved, refused FROM ledger_post(%s, %s::uuid[], %s::text[], %s::uuid[], %s::uuid[], %s::text[],
    %s::bigint[], %s::uuid[], %s::timestamptz[], %s::int[], %s::text[], %s::uuid[])"""


class AccountDiffers(Refusal):
    code = "ledger.account_differs"
    message = gettext_noop(
        "An account with this id is open already, with another unit, kind, owner or bound."
    )


class AccountNotEmpty(Refusal):
    code = "ledger.account_not_empty"
    message = gettext_noop("Only an account with no balance and nothing pending can be closed.")


class AccountClosed(Refusal):
    code = "ledger.account_closed"
    message = gettext_noop("The account is closed for ever.")


class TransferRefused(Refusal):
    """A transfer of a list that had to move as a whole was refused. `code` is "ledger." and the reason."""

    def __init__(self, reason: str, **facts: object) -> None:
        super().__init__(reason=reason, **facts)
        self.code, self.message = f"ledger.{reason}", REFUSALS[reason]  # type: ignore[misc]
        self.args = (f"{self.code}: {self.facts}",)


def open_accounts(accounts: Sequence[Account], *, at: datetime) -> None:
    """Open accounts; those that are open already, as asked, stay as they are.

    Who:     other subjects, within their own command.
    Writes:  accounts, with nothing on them.
    Refuses: AccountDiffers.
    """
    if not accounts:
        return
    columns: list[Any] = [[a.id for a in accounts], [a.unit for a in accounts], [a.kind for a in accounts]]
    owners, bounds = [a.owner_id for a in accounts], [a.bound.value for a in accounts]
    assert all(a.unit and a.kind for a in accounts), "an account needs a unit and a kind"
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [at, *columns, owners, bounds])
        if other := cursor.fetchall():
            raise AccountDiffers(account=str(other[0][0]))


def post(transfers: Sequence[Transfer], *, at: datetime) -> list[Outcome]:
    """Post transfers one after the other, each as the ones before have left the accounts; return what became of each.

    Who:     other subjects, within their own command; or any program within a transaction of its own.
    Units:   whole units of `unit`. `at` is the time of business: it is written down, and holds expire by it.
    Writes:  a row for each new transfer, moved or refused; balances; holds.
    Refuses: nothing as an exception: see Outcome.refused. An id that is known is answered as it was the first time.
    """
    if not transfers:
        return []
    one = transfers[0]
    plain = len(transfers) == 1 and one.kind in (Kind.POST, Kind.HOLD) and not (one.linked or one.up_to)
    plain = plain and one.amount is not None and one.amount <= MAX_AMOUNT
    with connection.cursor() as cursor:
        if plain:
            named = [one.id, one.kind.value, one.debit, one.credit, one.unit, one.amount, one.expires_at]
            cursor.execute(_POST_ONE, [at, *named, one.code or None, one.subject])
        else:
            cursor.execute(_POST, [at, *_columns(transfers)])
        exceptions = cursor.fetchall()
    outcomes = [Outcome(t.id, t.amount or 0) for t in transfers]
    for o, moved, refused in exceptions:
        outcomes[o - 1] = Outcome(transfers[o - 1].id, moved, refused)
    return outcomes


def post_all(transfers: Sequence[Transfer], *, at: datetime) -> list[Outcome]:
    """Post transfers that belong together: all of them move, or the first reason why not is raised.

    Refuses: TransferRefused, whose facts name the transfer, its account, the amount asked and what is available.
    """
    linked = [t if t.linked or t is transfers[-1] else _linked(t) for t in transfers]
    outcomes = post(linked, at=at)
    for transfer, outcome in zip(linked, outcomes, strict=True):
        if outcome.refused not in (None, "linked_failed"):
            raise _refusal(transfer, outcome.refused)
    for transfer, outcome in zip(
        linked, outcomes, strict=True
    ):  # a repeat of what failed elsewhere with its chain
        if outcome.refused:
            raise _refusal(transfer, outcome.refused)
    return outcomes


def expire_holds(*, at: datetime, limit: int = 10_000) -> int:
    """Release holds that have expired by `at`, oldest first; return how many. For the job that sweeps."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_expire(%s, %s)", [at, limit])
        return int(cursor.fetchone()[0])


@command(may=[Role.OPERATOR])
def sweep(*, limit: int = 10_000, origin: Origin) -> int:
    """Release overdue holds; return how many. What the sweeping job runs."""
    released = expire_holds(at=origin.at, limit=limit)
    if released:
        record("ledger.holds_expired", origin.key, holds=released)
    return released


@command(may=[Role.OPERATOR, Role.SUPERVISOR])
def freeze_account(*, account_id: UUID, reason: str, origin: Origin) -> UUID:
    """Let nothing move on an account but releases of what is held; return its id.

    Who:     the operator, or a supervisor, on an order that `reason` names.
    Refuses: Absent, AccountClosed.
    """
    return _mark(account_id, AccountState.FROZEN, reason, origin)


@command(may=[Role.OPERATOR, Role.SUPERVISOR])
def thaw_account(*, account_id: UUID, reason: str, origin: Origin) -> UUID:
    """End a freeze; return the account's id. Refuses: Absent, AccountClosed."""
    return _mark(account_id, AccountState.OPEN, reason, origin)


@command(may=[Role.OPERATOR, Role.COMPANY, Role.BANK, Role.PARTNER])
def close_account(*, account_id: UUID, reason: str, origin: Origin) -> UUID:
    """Close an account for ever; return its id.

    Who:     its owner, or the operator.
    Refuses: Absent (also to strangers), AccountNotEmpty.
    """
    return _mark(account_id, AccountState.CLOSED, reason, origin)


@command(may=[Role.OPERATOR, Role.BANK, Role.PARTNER, Role.COMPANY])
def open_account(*, account_id: UUID, unit: str, kind: str, bound: Bound, origin: Origin) -> UUID:
    """Open an account of the actor's own, to keep books of its own in; return its id.

    Who:     an institution or company for itself. Accounts that other subjects keep (lines, evidence, escrow) are theirs.
    Units:   `unit` a currency or a name of the owner's choice; `kind` stands under "own.".
    Refuses: AccountDiffers.
    """
    account = Account(
        id=account_id, unit=unit, kind=f"own.{kind}", owner_id=origin.actor.party_id, bound=bound
    )
    open_accounts([account], at=origin.at)
    record("ledger.account_opened", account_id, unit=unit, account_kind=account.kind, bound=bound)
    return account_id


@command(may=[Role.OPERATOR, Role.BANK, Role.PARTNER, Role.COMPANY])
def post_own(*, transfers: list[Transfer], origin: Origin) -> list[dict[str, object]]:
    """Post transfers between accounts that the actor opened for itself; return what became of each.

    Who:     the owner of every account that is touched.
    Writes:  as `post`. Transfers that are refused are written down as such, with the command.
    Refuses: NotEntitled: an account is another's, or is kept by a subject of the system.
    """
    _own_books_only(transfers, origin.actor)
    outcomes = post(transfers, at=origin.at)
    record("ledger.posted", origin.key, moved=sum(o.refused is None for o in outcomes), asked=len(outcomes))
    return [{"id": str(o.id), "amount": o.amount, "refused": o.refused} for o in outcomes]


def _own_books_only(transfers: Sequence[Transfer], actor: Actor) -> None:
    touched = {a for t in transfers for a in (t.debit, t.credit) if a is not None}
    with as_system():
        for debit, credit in Hold.objects.filter(pk__in=[t.hold for t in transfers if t.hold]).values_list(
            "debit", "credit"
        ):
            touched |= {debit, credit}
        others = Row.objects.filter(pk__in=touched).exclude(owner_id=actor.party_id, kind__startswith="own.")
        if others.exists():
            raise NotEntitled(who="the owner of both accounts")


def _mark(account_id: UUID, state: AccountState, reason: str, origin: Origin) -> UUID:
    with as_system():
        seen = Row.objects.filter(pk=account_id).first()
    stranger = origin.actor.role not in {Role.OPERATOR, Role.SUPERVISOR, Role.SYSTEM}
    if seen is None or (
        stranger and (seen.owner_id != origin.actor.party_id or not seen.kind.startswith("own."))
    ):
        raise Absent(kind="account")
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_mark(%s, %s)", [account_id, state.value])
        why = cursor.fetchone()[0]
    if why in {"pending", "balance"}:
        raise AccountNotEmpty(account=str(account_id))
    if why == "closed":
        raise AccountClosed(account=str(account_id))
    assert why is None, why
    record(f"ledger.account_{state.value}", account_id, reason=reason)
    return account_id


def _linked(transfer: Transfer) -> Transfer:
    return replace(transfer, linked=True)


def _columns(transfers: Sequence[Transfer]) -> list[str | None]:
    """The parallel arrays that ledger_post takes, as array literals: the driver would dump them element by element.

    A column in which nothing stands travels as NULL.
    """
    return [
        _array([t.id.hex for t in transfers]),
        _array([t.kind.value for t in transfers]),
        _array([_hex(t.debit) for t in transfers]),
        _array([_hex(t.credit) for t in transfers]),
        _texts([t.unit or None for t in transfers]),
        _array([None if t.amount is None else str(t.amount) for t in transfers]),
        _array([_hex(t.hold) for t in transfers]),
        _array([None if t.expires_at is None else f'"{t.expires_at.isoformat()}"' for t in transfers]),
        _array([_FLAGS[t.linked, t.up_to] for t in transfers]),
        _texts([t.code or None for t in transfers]),
        _array([_hex(t.subject) for t in transfers]),
    ]


_FLAGS = {
    (linked, up_to): str(LINKED * linked + UP_TO * up_to)
    for linked in (False, True)
    for up_to in (False, True)
}


def _array(elements: list[str | None]) -> str | None:
    if None in elements:
        if not any(elements):
            return None
        elements = ["NULL" if element is None else element for element in elements]
    return "{" + ",".join(elements) + "}"  # type: ignore[arg-type]


def _hex(id_: UUID | None) -> str | None:
    return None if id_ is None else id_.hex


def _texts(elements: list[str | None]) -> str | None:
    """Few different texts, many times: each is quoted once."""
    quoted = {text: _quoted(text) for text in set(elements)}
    return _array([quoted[text] for text in elements])


def _quoted(text: str | None) -> str | None:
    if text is None:
        return None
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _refusal(transfer: Transfer, reason: str) -> TransferRefused:
    """Say which account could not, and how much it could; counted after the refusal, so it may be a little off."""
    side = {"exceeds_credits": transfer.debit, "exceeds_debits": transfer.credit}.get(reason)
    facts: dict[str, object] = {"transfer": str(transfer.id), "asked": transfer.amount, "unit": transfer.unit}
    if side is not None:
        with as_system():
            row = Row.objects.get(pk=side)
        facts |= {"account": str(side), "available": available(row)}
    return TransferRefused(reason, **facts)
