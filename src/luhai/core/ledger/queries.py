"""Everything that can be asked about accounts. Answers are plain values, never ORM rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q

from luhai.core.parties import queries as parties
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent
from luhai.shell.api import cursor_of, ordinal, read_cursor
from luhai.shell.query import SIGNED_IN, query

from .models import Account, Hold, Transfer


@dataclass(frozen=True, slots=True)
class Balance:
    """The four sums of one account. `available` is the room on its bounded side, None where there is no bound."""

    account_id: UUID
    unit: str
    kind: str
    bound: str
    state: str
    debits_posted: int
    debits_pending: int
    credits_posted: int
    credits_pending: int
    available: int | None


@dataclass(frozen=True, slots=True)
class AccountView:
    id: UUID
    kind: str
    unit: str
    bound: str
    state: str
    owner_id: UUID | None
    owner_zh: str
    owner_en: str
    opened_at: datetime
    balance: Balance


@dataclass(frozen=True, slots=True)
class AccountPage:
    items: list[AccountView]
    next: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a statement. Amounts are signed by side: `debit` or `credit`, one of them 0.

    `balance` is credits less debits posted, after this line; `pending` the same of what is held.
    """

    transfer_id: UUID
    seq: int
    at: datetime
    kind: str
    code: str
    subject: UUID | None
    other: UUID
    debit: int
    credit: int
    balance: int
    pending: int
    hold: UUID | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Statement:
    """Lines from the oldest on; `opening` is the balance before the first of them."""

    account: AccountView
    opening: int
    opening_pending: int
    entries: list[Entry]
    next: str


@dataclass(frozen=True, slots=True)
class Recount:
    """What a recount from the transfers found. All numbers but the first two ought to be 0."""

    accounts: int
    transfers: int
    differing: int
    beyond_bound: int
    units_unbalanced: int
    holds_differing: int


def available(row: Account) -> int | None:
    if row.bound == "debits":
        return row.credits_posted - row.debits_posted - row.debits_pending
    if row.bound == "credits":
        return row.debits_posted - row.credits_posted - row.credits_pending
    return None


@query(may=SIGNED_IN)
def balances(*, account_ids: Iterable[UUID], viewer: Actor) -> dict[UUID, Balance]:
    """The balances of those of the accounts that the viewer may see."""
    return {row.pk: _balance(row) for row in Account.objects.filter(pk__in=list(account_ids))}


@query(may=SIGNED_IN)
def account(*, account_id: UUID, viewer: Actor) -> AccountView:
    """One account. Refuses: Absent, also for an account that is another's."""
    row = Account.objects.filter(pk=account_id).first()
    if row is None:
        raise Absent(kind="account")
    return _views([row], viewer)[0]


@query(may=SIGNED_IN)
def accounts(
    *,
    kind: str = "",
    unit: str = "",
    owner_id: UUID | None = None,
    cursor: str = "",
    limit: int = 50,
    viewer: Actor,
) -> AccountPage:
    """The accounts that the viewer may see, by id. `kind` takes a whole kind or its beginning ("evidence.")."""
    rows = Account.objects.order_by("id")
    if viewer.role not in {Role.OPERATOR, Role.SUPERVISOR, Role.SYSTEM}:
        rows = rows.filter(owner_id=viewer.party_id)
    if kind:
        rows = rows.filter(kind__startswith=kind)
    if unit:
        rows = rows.filter(unit=unit)
    if owner_id is not None:
        rows = rows.filter(owner_id=owner_id)
    if (after := read_cursor(cursor, UUID)) is not None:
        rows = rows.filter(pk__gt=after[0])
    found = list(rows[: limit + 1])
    return AccountPage(
        _views(found[:limit], viewer), cursor_of(found[limit - 1].pk) if len(found) > limit else ""
    )


@query(may=SIGNED_IN)
def balance_at(*, account_id: UUID, moment: datetime, viewer: Actor) -> Balance:
    """The balance as all transfers up to and at `moment` (their `at`) made it. Refuses: Absent."""
    row = Account.objects.filter(pk=account_id).first()
    if row is None:
        raise Absent(kind="account")
    with connection.cursor() as cursor:
        cursor.execute(_SUMS + " AND at <= %(moment)s", {"account": account_id, "moment": moment})
        sums = [int(value) for value in cursor.fetchone()]
    row.debits_posted, row.debits_pending, row.credits_posted, row.credits_pending = sums
    return _balance(row)


@query(may=SIGNED_IN)
def statement(
    *,
    account_id: UUID,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str = "",
    limit: int = 50,
    viewer: Actor,
) -> Statement:
    """What moved on an account, in the order in which it did, with the balance after each line.

    `since` and `until` narrow by time of business (since <= at < until); `cursor` continues.
    Refuses: Absent.
    """
    row = Account.objects.filter(pk=account_id).first()
    if row is None:
        raise Absent(kind="account")
    lines = Transfer.objects.filter(Q(debit=account_id) | Q(credit=account_id), refused=None).order_by("seq")
    if since is not None:
        lines = lines.filter(at__gte=since)
    if until is not None:
        lines = lines.filter(at__lt=until)
    if (after := read_cursor(cursor, ordinal)) is not None:
        lines = lines.filter(seq__gt=after[0])
    found = list(lines[: limit + 1])
    opening = pending = 0
    if found:
        with connection.cursor() as sql:
            sql.execute(_SUMS + " AND seq < %(seq)s", {"account": account_id, "seq": found[0].seq})
            dp, dn, cp, cn = (int(value) for value in sql.fetchone())
        opening, pending = cp - dp, cn - dn
    else:
        opening = row.credits_posted - row.debits_posted
        pending = row.credits_pending - row.debits_pending
    entries = []
    balance, held = opening, pending
    for t in found[:limit]:
        sign = 1 if t.credit == account_id else -1
        balance += sign * t.amount * (t.kind in {"post", "settle"})
        held += sign * t.amount * {"hold": 1, "settle": -1, "release": -1}.get(t.kind, 0)
        debit, credit = (0, t.amount) if sign == 1 else (t.amount, 0)
        other = t.debit if sign == 1 else t.credit
        assert other is not None, t.pk
        entries.append(
            Entry(
                t.pk, t.seq, t.at, t.kind, t.code, t.subject, other, debit, credit, balance, held, t.hold, t.expires_at
            )
        )  # fmt: skip
    following = cursor_of(found[limit - 1].seq) if len(found) > limit else ""
    return Statement(_views([row], viewer)[0], opening, pending, entries, following)


@query(may=SIGNED_IN)
def credited(*, account_id: UUID, code: str = "", subject: UUID | None = None, viewer: Actor) -> int:
    """How much was posted to the credit of an account, for one purpose or record: has a payment arrived?"""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(amount), 0) FROM ledger_transfer WHERE credit = %s AND refused IS NULL"
            " AND kind IN ('post', 'settle') AND (%s = '' OR code = %s) AND (%s::uuid IS NULL OR subject = %s)",
            [account_id, code, code, subject, subject],
        )
        return int(cursor.fetchone()[0])


@query(may=[Role.OPERATOR, Role.SUPERVISOR])
def recount(*, viewer: Actor) -> Recount:
    """Recount every balance, bound and hold from the transfers. One scan of all of them."""
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT)
        return Recount(*(int(value) for value in cursor.fetchone()))


_POSTED = "amount * (kind IN ('post', 'settle'))::int"
_PENDING = "amount * CASE kind WHEN 'hold' THEN 1 WHEN 'post' THEN 0 ELSE -1 END"
_SUMS = f"""
SELECT coalesce(sum({_POSTED}) FILTER (WHERE debit = %(account)s), 0),
    coalesce(sum({_PENDING}) FILTER (WHERE debit = %(account)s), 0),
    coalesce(sum({_POSTED}) FILTER (WHERE credit = %(account)s), 0),
    coalesce(sum({_PENDING}) FILTER (WHERE credit = %(account)s), 0)
FROM ledger_transfer WHERE (debit = %(account)s OR credit = %(account)s) AND refused IS NULL"""
_RECOUNT = f"""
WITH legs AS (
    SELECT debit AS account, {_POSTED} AS dp, {_PENDING} AS dn, 0::bigint AS cp, 0::bigint AS cn
    FROM ledger_transfer WHERE refused IS NULL
    UNION ALL
    SELECT credit, 0, 0, {_POSTED}, {_PENDING} FROM ledger_transfer WHERE refused IS NULL
), sums AS (
    SELECT account, sum(dp) AS dp, sum(dn) AS dn, sum(cp) AS cp, sum(cn) AS cn FROM legs GROUP BY account
), compared AS (
    SELECT a.*, coalesce(s.dp, 0) AS dp, coalesce(s.dn, 0) AS dn, coalesce(s.cp, 0) AS cp, coalesce(s.cn, 0) AS cn
    FROM ledger_account a FULL JOIN sums s ON s.account = a.id
), left_over AS (
    SELECT h.id, h.remaining, coalesce(m.amount, 0) - coalesce(sum(t.amount), 0) AS counted
    FROM ledger_hold h LEFT JOIN ledger_transfer m ON m.id = h.id AND m.kind = 'hold' AND m.refused IS NULL
    LEFT JOIN ledger_transfer t ON t.hold = h.id AND t.refused IS NULL
    GROUP BY h.id, h.remaining, m.amount
)
SELECT (SELECT count(*) FROM ledger_account),
    (SELECT count(*) FROM ledger_transfer WHERE refused IS NULL),
    (SELECT count(*) FROM compared WHERE (debits_posted, debits_pending, credits_posted, credits_pending)
        IS DISTINCT FROM (dp, dn, cp, cn)),
    (SELECT count(*) FROM compared WHERE bound = 'debits' AND dp + dn > cp OR bound = 'credits' AND cp + cn > dp),
    (SELECT count(*) FROM (SELECT unit FROM compared GROUP BY unit HAVING sum(dp) <> sum(cp) OR sum(dn) <> sum(cn)) u),
    (SELECT count(*) FROM left_over WHERE remaining <> counted)"""


def _balance(row: Account) -> Balance:
    return Balance(
        row.pk, row.unit, row.kind, row.bound, row.state, row.debits_posted, row.debits_pending, row.credits_posted,
        row.credits_pending, available(row),
    )  # fmt: skip


def _views(rows: list[Account], viewer: Actor) -> list[AccountView]:
    owners = {row.owner_id for row in rows if row.owner_id}
    names: dict[UUID | None, parties.PartyView] = {}
    for kind in ("company", "institution", "agency"):
        if owners - names.keys():
            names |= {
                p.id: p for p in parties.parties(kind=kind, ids=owners, limit=len(owners), viewer=viewer)
            }
    views = []
    for row in rows:
        owner = names.get(row.owner_id)
        views.append(
            AccountView(
                row.pk, row.kind, row.unit, row.bound, row.state, row.owner_id, owner.name_zh if owner else "",
                owner.name_en if owner else "", row.opened_at, _balance(row),
            )
        )  # fmt: skip
    return views


def overdue(*, at: datetime) -> int:
    """How many holds wait for the sweep; for the job and for monitoring."""
    return Hold.objects.filter(remaining__gt=0, expires_at__lte=at).count()
