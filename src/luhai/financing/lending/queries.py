"""Everything that can be asked about lines and draws. Answers are plain values, never ORM rows; balances come from the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from luhai.core.ledger import queries as ledger
from luhai.core.parties import queries as parties
from luhai.core.rules.business_days import calendar
from luhai.kernel.origin import NOBODY, SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent
from luhai.shell.api import cursor_of, instant, known, read_cursor
from luhai.shell.query import SIGNED_IN, query

from . import books, policy
from .lifecycle import DRAW_ENDED as DRAW_ENDED
from .lifecycle import DRAW_NEXT, LINE_LIVE, LINE_NEXT, DrawAct, LineAct, LineState
from .lifecycle import LENT as LENT
from .lifecycle import DrawState as DrawState
from .models import DayClose, Draw, Event, Fee, Fixing, Limit, Line, Movement, Receipt, Security, Valuation
from .policy import BUCKETS, Contract
from .replay import Book, Drawn, Paid, replay
from .schedule import Method, Terms


@dataclass(frozen=True, slots=True)
class Named:
    id: UUID
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class LimitView:
    """One limit as it stands now, in minor units. `available` is the least over its path to the whole line."""

    id: UUID
    name: str
    parent: str | None
    territory: str | None
    product: str
    shared: bool
    amount: int
    free: int
    held: int
    used: int
    spent: int
    blocked: int
    available: int


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line in a list."""

    id: UUID
    number: str
    state: LineState
    bank: Named
    company: Named
    currency: str
    amount: int
    starts_on: date
    ends_on: date
    acted_at: datetime


@dataclass(frozen=True, slots=True)
class LinePage:
    items: list[LineRow]
    next: str


@dataclass(frozen=True, slots=True)
class LineView:
    """A line with its tree of limits. `may` is what the viewer's party may try next."""

    id: UUID
    number: str
    state: LineState
    bank: Named
    company: Named
    size: str  # of the company, as the bank classifies it; "" not stated
    industry: str
    contract: dict[str, Any]
    digest: str
    limits: tuple[LimitView, ...]
    deposit: UUID
    opened_at: datetime
    acted_at: datetime
    may: tuple[LineAct, ...]


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed, in minor units of the loan's currency."""

    fees: int
    penalty: int
    interest: int
    principal: int

    @property
    def total(self) -> int:
        return self.fees + self.penalty + self.interest + self.principal


@dataclass(frozen=True, slots=True)
class Instalment:
    """`balance` is what the plan leaves after it; `open` what is still to come of it."""

    n: int
    due: date
    principal: int
    interest: int
    balance: int
    paid: int
    open: int
    paid_on: date | None


@dataclass(frozen=True, slots=True)
class Rated:
    """The rate from a day on, in basis points: the prime rate then, and the spread."""

    since: date
    bp: int
    prime_bp: int
    key: str
    valid_from: date
    confidence: str


@dataclass(frozen=True, slots=True)
class Secured:
    evidence_id: UUID
    use_id: UUID
    amount: int
    currency: str
    value: int
    rate: str
    rate_on: date | None


@dataclass(frozen=True, slots=True)
class LoanRow:
    """A draw in a list."""

    id: UUID
    line_id: UUID
    state: DrawState
    company: Named
    currency: str
    amount: int
    principal: int
    starts_on: date | None
    ends_on: date | None
    overdue_days: int
    acted_at: datetime


@dataclass(frozen=True, slots=True)
class LoanPage:
    items: list[LoanRow]
    next: str


@dataclass(frozen=True, slots=True)
class LoanView:
    """A draw: what was agreed, what is owed now, its lines, and what secures it. `state` is as its balances say."""

    id: UUID
    line_id: UUID
    limit: str
    state: DrawState
    bank: Named
    company: Named
    currency: str
    amount: int
    purpose: str
    method: Method
    starts_on: date | None
    ends_on: date | None
    to_account: UUID
    escrow_id: UUID
    title_id: UUID | None
    pledge_id: UUID | None
    insurance_id: UUID | None
    green: str  # Y, N, or "" not stated
    route: str  # of the pledged title's goods
    owed: Owed
    overdue_days: int
    arrived_on: date | None
    closed_on: date | None
    instalments: tuple[Instalment, ...]
    rates: tuple[Rated, ...]
    securities: tuple[Secured, ...]
    margin: int
    requested_at: datetime
    acted_at: datetime
    may: tuple[DrawAct, ...]


@dataclass(frozen=True, slots=True)
class LoanEntry:
    """One line of a statement: a day's interest and penalty, a fee, or what came in. Signs as the borrower sees them."""

    on: date
    kind: str  # lent, charged, grown, paid
    principal: int
    interest: int
    penalty: int
    fees: int
    how: str


@dataclass(frozen=True, slots=True)
class StatementView:
    """What was lent, grew and came, day by day, and what is owed in the end."""

    draw_id: UUID
    currency: str
    entries: tuple[LoanEntry, ...]
    receipts: tuple[ReceiptView, ...]
    owed: Owed


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """Money in another currency, and what it was worth: rate, day of the rate, source."""

    id: UUID
    currency: str
    amount: int
    rate: str
    rate_on: date
    source: str
    value: int
    at: datetime


@dataclass(frozen=True, slots=True)
class LoanEvent:
    draw_id: UUID | None
    act: str
    after: str
    party: UUID | None
    data: dict[str, Any]
    at: datetime


# --- lines --------------------------------------------------------------------------------------------------------------


@query(may=SIGNED_IN)
def line(*, line_id: UUID, viewer: Actor) -> LineView:
    """One line and how far its limits are used. Refuses: Absent (also when it may not be seen)."""
    row = line_of(line_id)
    names = names_of([row.bank_id, row.company_id], viewer)
    return LineView(
        row.pk, row.number, LineState(row.state), names[row.bank_id], names[row.company_id], row.size, row.industry, row.contract, row.digest,
        limits_of(row), books.deposit_account(row.bank_id, row.company_id, row.currency), row.opened_at, row.acted_at,
        _line_acts(row, viewer),
    )  # fmt: skip


@query(may=SIGNED_IN)
def lines(*, state: str = "", cursor: str = "", limit: int = 50, viewer: Actor) -> LinePage:
    """Lines that the viewer may see, last acted on first; a cursor continues. Refuses: Invalid (state, cursor)."""
    rows = Line.objects.order_by("-acted_at", "-id")
    if state:
        rows = rows.filter(state=known("state", state, [s.value for s in LineState]))
    if (after := read_cursor(cursor, instant, UUID)) is not None:
        rows = rows.filter(Q(acted_at__lt=after[0]) | Q(acted_at=after[0], pk__lt=after[1]))
    found = list(rows[: limit + 1])
    more = cursor_of(found[limit - 1].acted_at.isoformat(), found[limit - 1].pk) if len(found) > limit else ""
    found = found[:limit]
    names = names_of([key for r in found for key in (r.bank_id, r.company_id)], viewer)
    whole = dict(Limit.objects.filter(line__in=found, parent=None).values_list("line_id", "amount"))
    return LinePage(
        [
            LineRow(
                r.pk, r.number, LineState(r.state), names[r.bank_id], names[r.company_id], r.currency, whole[r.pk],
                contract_of(r).starts_on, contract_of(r).ends_on, r.acted_at,
            )
            for r in found
        ],
        more,
    )  # fmt: skip


@query(may=SIGNED_IN)
def history(*, line_id: UUID, viewer: Actor) -> list[LoanEvent]:
    """What was done to a line and its draws, first to last. Refuses: Absent."""
    rows = Event.objects.filter(line=line_of(line_id)).order_by("at", "id")
    return [LoanEvent(r.draw_id, r.act, r.after, r.party, r.data, r.at) for r in rows]


# --- loans --------------------------------------------------------------------------------------------------------------


@query(may=SIGNED_IN)
def loan(*, draw_id: UUID, on: date | None = None, viewer: Actor) -> LoanView:
    """One draw as its balances say it is; its lines as of `on` (else as of the last close). Refuses: Absent."""
    row = _draw(draw_id)
    names = names_of([row.line.bank_id, row.line.company_id], viewer)
    open_ = open_of(row)
    day = on or seen_on(row)
    book = book_of(row, day) if row.starts_on else None
    contract = contract_of(row.line)
    return LoanView(
        row.pk, row.line_id, row.limit.name, state_of(row, book, open_, day), names[row.line.bank_id],
        names[row.line.company_id], row.line.currency, row.amount, row.purpose, Method(row.method), row.starts_on,
        row.due[-1] if row.due else None, row.to_account, row.escrow_id, row.title_id, row.pledge_id, row.insurance_id, row.green,
        row.route,
        Owed(**open_), policy.days_overdue(book, day - timedelta(1), contract.grace_days) if book else 0, row.arrived_on, row.closed_on,
        tuple(
            Instalment(x.n, x.due, x.principal, x.interest, x.balance, x.paid, x.open, x.paid_on)
            for x in (book.lines if book else ())
        ),
        tuple(
            Rated(f.since, f.bp, f.prime_bp, f.key, f.valid_from, f.confidence)
            for f in Fixing.objects.filter(draw=row).order_by("since")
        ),
        tuple(
            Secured(s.evidence_id, s.use_id, s.amount, s.currency, s.value, s.rate, s.rate_on)
            for s in Security.objects.filter(draw=row).order_by("evidence_id")
        ),
        on_account(books.owed_account(row.pk, "margin")) if row.starts_on else 0,
        row.requested_at, row.acted_at, _draw_acts(row, viewer),
    )  # fmt: skip


@query(may=SIGNED_IN)
def loans(
    *, line_id: UUID | None = None, state: str = "", cursor: str = "", limit: int = 50, viewer: Actor
) -> LoanPage:
    """Draws that the viewer may see, last acted on first; `state` as of the last close. Refuses: Invalid (state, cursor)."""
    rows = Draw.objects.select_related("line").order_by("-acted_at", "-id")
    if line_id is not None:
        rows = rows.filter(line=line_id)
    if state:
        rows = rows.filter(state=known("state", state, [s.value for s in DrawState]))
    if (after := read_cursor(cursor, instant, UUID)) is not None:
        rows = rows.filter(Q(acted_at__lt=after[0]) | Q(acted_at=after[0], pk__lt=after[1]))
    found = list(rows[: limit + 1])
    more = cursor_of(found[limit - 1].acted_at.isoformat(), found[limit - 1].pk) if len(found) > limit else ""
    found = found[:limit]
    names = names_of([r.line.company_id for r in found], viewer)
    owed = ledger.balances(account_ids=[books.owed_account(r.pk, "principal") for r in found], viewer=SYSTEM)
    last: dict[UUID, int] = {}
    for close in DayClose.objects.filter(draw__in=found).order_by("day"):
        last[close.draw_id] = close.overdue_days
    items = []
    for r in found:
        balance = owed.get(books.owed_account(r.pk, "principal"))
        items.append(
            LoanRow(
                r.pk, r.line_id, DrawState(r.state), names[r.line.company_id], r.line.currency, r.amount,
                (balance.available or 0) if balance else 0, r.starts_on, r.due[-1] if r.due else None, last.get(r.pk, 0),
                r.acted_at,
            )
        )  # fmt: skip
    return LoanPage(items, more)


@query(may=SIGNED_IN)
def statement(
    *, draw_id: UUID, since: date | None = None, until: date | None = None, viewer: Actor
) -> StatementView:
    """What was lent, grew and came, from `since` to `until` (both counted), in order. Refuses: Absent."""
    row = _draw(draw_id)
    entries = [LoanEntry(row.starts_on, "lent", row.amount, 0, 0, 0, "")] if row.starts_on else []
    entries += [
        LoanEntry(c.day, "grown", 0, c.interest, c.penalty, 0, "")
        for c in DayClose.objects.filter(draw=row)
        if c.interest or c.penalty
    ]
    entries += [
        LoanEntry(calendar().local_date(f.at), "charged", 0, 0, 0, f.amount, f.reason)
        for f in Fee.objects.filter(draw=row)
    ]
    entries += [
        LoanEntry(m.on, "paid", m.principal, m.interest, m.penalty, m.fees, m.how)
        for m in Movement.objects.filter(draw=row)
    ]
    order = ("lent", "charged", "paid", "grown")
    shown = [e for e in entries if (since is None or e.on >= since) and (until is None or e.on <= until)]
    receipts = Receipt.objects.filter(draw=row).order_by("at", "id")
    return StatementView(
        row.pk, row.line.currency, tuple(sorted(shown, key=lambda e: (e.on, order.index(e.kind)))),
        tuple(ReceiptView(r.pk, r.currency, r.amount, r.rate, r.rate_on, r.source, r.value, r.at) for r in receipts),
        Owed(**open_of(row)),
    )  # fmt: skip


@query(may=[Role.OPERATOR])
def to_close(*, day: date, after: UUID | None = None, limit: int = 500, viewer: Actor) -> list[UUID]:
    """Draws that money is lent on and whose close of `day` is to come, in the order of their ids."""
    rows = Draw.objects.filter(state__in=[s.value for s in LENT], starts_on__lte=day)
    rows = rows.filter(Q(closed_on=None) | Q(closed_on__lt=day))
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


@query(may=[Role.OPERATOR])
def to_expire(*, day: date, viewer: Actor) -> list[UUID]:
    """Lines in force, or frozen, whose last day is before `day`, in the order of their ids."""
    rows = Line.objects.filter(state__in=[s.value for s in (*LINE_LIVE, LineState.FROZEN)])
    rows = rows.filter(contract__ends_on__lt=day.isoformat())
    return list(rows.order_by("pk").values_list("pk", flat=True))


# --- for commands of this subject ---------------------------------------------------------------------------------------


def contract_of(row: Line) -> Contract:
    return policy.stored(row.contract)


def nodes_of(row: Line) -> list[policy.Node]:
    limits = list(Limit.objects.filter(line=row).select_related("parent").order_by("pk"))
    return [
        policy.Node(x.name, x.parent.name if x.parent else None, x.amount, x.shared, x.territory, x.product)
        for x in limits
    ]


def path_of(limit: Limit) -> list[Limit]:
    """From a limit up to that of the whole line."""
    by_id = {x.pk: x for x in Limit.objects.filter(line=limit.line_id)}
    found: list[Limit] = [by_id[limit.pk]]
    while (parent := found[-1].parent_id) is not None:
        found.append(by_id[parent])
    return found


def on_account(account: UUID) -> int:
    """What is on an account of money: credits less debits."""
    balance = ledger.balances(account_ids=[account], viewer=SYSTEM).get(account)
    return balance.credits_posted - balance.debits_posted if balance else 0


def open_of(row: Draw) -> dict[str, int]:
    """What is owed on a draw, from the ledger."""
    wanted = {books.owed_account(row.pk, bucket): bucket for bucket in BUCKETS}
    found = {bucket: 0 for bucket in BUCKETS}
    for key, balance in ledger.balances(account_ids=wanted, viewer=SYSTEM).items():
        found[wanted[key]] = balance.available or 0
    return found


def totals_of(row: Draw) -> dict[str, tuple[int, int]]:
    """For each bucket what was ever owed and what ever came, from the ledger."""
    wanted = {books.owed_account(row.pk, bucket): bucket for bucket in BUCKETS}
    found = {bucket: (0, 0) for bucket in BUCKETS}
    for key, balance in ledger.balances(account_ids=wanted, viewer=SYSTEM).items():
        found[wanted[key]] = (balance.debits_posted, balance.credits_posted)
    return found


def events_of(row: Draw, movements: Sequence[Movement] | None = None) -> list[Drawn | Paid]:
    """What was lent and what served principal and interest, by business day."""
    if row.starts_on is None:
        return []
    events: list[Drawn | Paid] = [Drawn(row.starts_on, row.amount)]
    came = Movement.objects.filter(draw=row).order_by("n") if movements is None else movements
    events += [Paid(m.on, m.principal + m.interest, m.interest) for m in came if m.principal + m.interest]
    return events


def terms_of(row: Draw) -> Terms:
    assert row.starts_on is not None, row.pk
    rates = [(f.since, f.bp) for f in Fixing.objects.filter(draw=row).order_by("since")]
    return policy.terms_of(contract_of(row.line), Method(row.method), row.starts_on, row.due, rates)


def book_of(row: Draw, on: date) -> Book:
    events = events_of(row)
    return replay(terms_of(row), events, max([on, *(e.on for e in events)]))


def seen_on(row: Draw) -> date:
    """The day as of which a draw is shown when none is said: the one after its last close."""
    start = row.starts_on or row.requested_at.date()
    return max(row.closed_on + timedelta(1), start) if row.closed_on else start


def state_of(row: Draw, book: Book | None, open_: dict[str, int], day: date) -> DrawState:
    state = DrawState(row.state)
    if state not in LENT or book is None:
        return state
    return policy.state_of(book, row.amount, open_, day - timedelta(1), contract_of(row.line).grace_days)


def limits_of(row: Line) -> tuple[LimitView, ...]:
    limits = list(Limit.objects.filter(line=row).order_by("pk"))
    wanted = {books.limit_account(x.pk, side): (x.pk, side) for x in limits for side in books.LIMIT}
    sums = {place: (0, 0) for place in wanted.values()}
    for key, b in ledger.balances(account_ids=wanted, viewer=SYSTEM).items():
        sums[wanted[key]] = (b.credits_posted - b.debits_posted, b.debits_pending)
    free = {x.pk: sums[x.pk, "limit"][0] - sums[x.pk, "limit"][1] for x in limits}
    names, parents = {x.pk: x.name for x in limits}, {x.pk: x.parent_id for x in limits}
    found = []
    for x in limits:
        least, at = free[x.pk], x.parent_id
        while at is not None:
            least, at = min(least, free[at]), parents[at]
        found.append(
            LimitView(
                x.pk, x.name, names[x.parent_id] if x.parent_id else None, x.territory, x.product, x.shared, x.amount,
                free[x.pk], sums[x.pk, "limit"][1], sums[x.pk, "used"][0], sums[x.pk, "spent"][0], sums[x.pk, "blocked"][0],
                least,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda v: (v.parent is not None, v.name)))


# --- inside -------------------------------------------------------------------------------------------------------------


def line_of(line_id: UUID) -> Line:
    row = Line.objects.filter(pk=line_id).first()
    if row is None:
        raise Absent(kind="line")
    return row


def _draw(draw_id: UUID) -> Draw:
    row = Draw.objects.select_related("line", "limit").filter(pk=draw_id).first()
    if row is None:
        raise Absent(kind="loan")
    return row


_COMPANYS = {LineAct.SIGN, LineAct.CANCEL}
_BOTH = {DrawAct.REFUSE, DrawAct.REPAY}


def _line_acts(row: Line, viewer: Actor) -> tuple[LineAct, ...]:
    """Which acts the viewer's party may try next. (What they say may still be refused.)"""
    mine = {row.bank_id: set(LineAct) - {LineAct.SIGN}, row.company_id: _COMPANYS}.get(
        viewer.party_id or NOBODY, set()
    )
    return tuple(a for a in LineAct if (row.state, a) in LINE_NEXT and a in mine)


def _draw_acts(row: Draw, viewer: Actor) -> tuple[DrawAct, ...]:
    mine = {row.line.bank_id: set(DrawAct), row.line.company_id: _BOTH}.get(viewer.party_id or NOBODY, set())
    return tuple(a for a in DrawAct if (row.state, a) in DRAW_NEXT and a in mine)


def names_of(ids: Iterable[UUID], viewer: Actor) -> dict[UUID, Named]:
    left = set(ids)
    found = {key: Named(key, "", "") for key in left}
    for kind in ("company", "institution"):
        if left:
            for p in parties.parties(kind=kind, ids=left, limit=len(left), viewer=viewer):
                found[p.id] = Named(p.id, p.name_zh or p.name_en, p.name_en or p.name_zh)
                left.discard(p.id)
    return found


def last_valuation(row: Draw) -> Valuation | None:
    return Valuation.objects.filter(draw=row).order_by("-at", "-id").first()
