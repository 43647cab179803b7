"""Everything that can be asked about payments. Answers are plain values, never ORM rows.

The bank and the company see a payment whole; the bank that sent it sees its state and the messages between the two banks; supervisors
and the operator see all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from luhai.core.escrow import queries as escrows
from luhai.core.evidence import queries as evidence
from luhai.core.ledger import queries as ledger
from luhai.core.parties import queries as parties
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent
from luhai.settlement.checks.policy import Said
from luhai.settlement.messages.message import Message as Order
from luhai.settlement.messages.read import read
from luhai.shell.api import cursor_of, instant, known, ordinal, read_cursor
from luhai.shell.query import SIGNED_IN, query

from .lifecycle import FINAL as FINAL
from .lifecycle import NEXT, Act
from .lifecycle import STATE_NAMES as STATE_NAMES
from .lifecycle import State as State
from .models import Account, Attachment, Credit, Event, Message, Override, Payment, Verdict


@dataclass(frozen=True, slots=True)
class Named:
    """A party as a page shows it."""

    id: UUID
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class PaymentAccountView:
    """A number for payments. `kind` is that of the ledger account behind it; `state` open, frozen or closed."""

    id: UUID
    number: str
    currency: str
    bank: Named
    company: Named
    ledger_account: UUID
    kind: str
    state: str
    escrow_id: UUID | None
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """A payment in a list."""

    id: UUID
    state: State
    uetr: str
    bank: Named
    company: Named
    sender_bic: str
    debtor_name: str
    debtor_country: str
    currency: str
    amount: int
    value_date: date
    received_at: datetime
    acted_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentPage:
    items: list[PaymentLine]
    next: str


@dataclass(frozen=True, slots=True)
class AttachmentView:
    """A document on a payment, as it is now. `changed` since the last check: it was amended, taken back or attached after it."""

    evidence_id: UUID
    kind: str
    number: str
    state: str
    version: int
    attached_at: datetime
    changed: bool


@dataclass(frozen=True, slots=True)
class OverrideView:
    reason_code: str
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None


@dataclass(frozen=True, slots=True)
class VerdictView:
    """What the check said. `findings` have the fields of checks.policy.Finding; `standing` unless documents changed since."""

    id: UUID
    n: int
    situation: str
    rule_set: str
    tier: str
    verdict: str
    findings: list[dict[str, Any]]
    facts: dict[str, str]
    declaration_id: UUID | None
    at: datetime
    standing: bool
    override: OverrideView | None


@dataclass(frozen=True, slots=True)
class CreditView:
    """How it was credited. `rate` is empty where nothing was exchanged; `used` is of the declaration, in its currency."""

    account_id: UUID
    number: str
    escrow_id: UUID | None
    currency: str
    amount: int
    rate: str
    rate_on: date | None
    source: str
    used: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    act: Act
    after: State
    party: UUID | None  # none: the system
    data: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment. Whoever only sent it sees no account, documents, verdict, credit nor timeline. `may` is what the viewer may try next."""

    id: UUID
    state: State
    uetr: str
    end_to_end_id: str
    bank: Named
    company: Named
    sender_bic: str
    debtor_name: str
    debtor_country: str
    creditor_name: str
    currency: str
    amount: int
    invoices: list[str]
    value_date: date
    account: PaymentAccountView | None
    attachments: list[AttachmentView]
    verdict: VerdictView | None
    credit: CreditView | None
    timeline: list[PaymentEvent]
    received_at: datetime
    acted_at: datetime
    may: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message as it came (`way` in) or went (out); `content` is its XML."""

    type: str
    way: str
    message_id: str
    uetr: str
    status: str
    reason: str
    content: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MessagePage:
    items: list[MessageView]
    next: str


@query(may=SIGNED_IN)
def accounts(*, company_id: UUID | None = None, viewer: Actor) -> list[PaymentAccountView]:
    """Numbers for payments that the viewer gave or has, by number."""
    rows = Account.objects.order_by("number", "id")
    if company_id is not None:
        rows = rows.filter(company_id=company_id)
    return _accounts(list(rows), viewer)


@query(may=SIGNED_IN)
def payments(*, state: str = "", cursor: str = "", limit: int = 50, viewer: Actor) -> PaymentPage:
    """Payments that the viewer may see, last acted on first; a cursor continues. Refuses: Invalid (state, cursor)."""
    rows = Payment.objects.order_by("-acted_at", "-id")
    if viewer.party_id is not None and viewer.role not in {Role.OPERATOR, Role.SUPERVISOR}:
        me = viewer.party_id  # the policy says the same; this finds the indexes
        rows = rows.filter(Q(bank=me) | Q(company=me) | Q(sender=me))
    if state:
        rows = rows.filter(state=known("state", state, [s.value for s in State]))
    if (after := read_cursor(cursor, instant, UUID)) is not None:
        rows = rows.filter(Q(acted_at__lt=after[0]) | Q(acted_at=after[0], pk__lt=after[1]))
    found = list(rows[: limit + 1])
    more = cursor_of(found[limit - 1].acted_at.isoformat(), found[limit - 1].pk) if len(found) > limit else ""
    found = found[:limit]
    names = _names([key for r in found for key in (r.bank_id, r.company_id)], viewer)
    items = [
        PaymentLine(
            r.pk, State(r.state), r.uetr, names[r.bank_id], names[r.company_id], r.sender_bic, r.debtor_name, r.debtor_country,
            r.currency, r.amount, r.value_date, r.received_at, r.acted_at,
        )
        for r in found
    ]  # fmt: skip
    return PaymentPage(items, more)


@query(may=SIGNED_IN)
def payment(*, payment_id: UUID, viewer: Actor) -> PaymentView:
    """One payment. Refuses: Absent (also when it may not be seen)."""
    row = _row(payment_id)
    names = _names([row.bank_id, row.company_id], viewer)
    verdict = latest(row)
    whole = sees_whole(row, viewer)
    account = _accounts(list(Account.objects.filter(pk=row.account_id)), viewer)
    credit = Credit.objects.select_related("account").filter(payment=row).first()
    return PaymentView(
        row.pk, State(row.state), row.uetr, row.end_to_end_id, names[row.bank_id], names[row.company_id], row.sender_bic,
        row.debtor_name, row.debtor_country, row.creditor_name, row.currency, row.amount, list(row.invoices), row.value_date,
        account[0] if account else None, _attachments(row, verdict) if whole else [], _verdict(row, verdict),
        CreditView(
            credit.account_id, credit.account.number, credit.escrow_id, credit.currency, credit.amount, credit.rate,
            credit.rate_on, credit.source, credit.used, credit.at,
        ) if credit else None,
        [PaymentEvent(Act(e.act), State(e.after), e.party, e.data, e.at) for e in Event.objects.filter(payment=row).order_by("pk")],
        row.received_at, row.acted_at, _may(row, verdict, viewer),
    )  # fmt: skip


@query(may=SIGNED_IN)
def messages_of(*, payment_id: UUID, viewer: Actor) -> list[MessageView]:
    """The messages of a payment that the viewer may see, first to last. Refuses: Absent."""
    return [_message(m) for m in Message.objects.filter(payment=_row(payment_id)).order_by("pk")]


@query(may=SIGNED_IN)
def rejections(*, cursor: str = "", limit: int = 50, viewer: Actor) -> MessagePage:
    """Orders that were answered RJCT, newest first: the answers, with ISO's reason. Refuses: Invalid (cursor)."""
    rows = Message.objects.filter(status="RJCT").order_by("-pk")
    if (after := read_cursor(cursor, ordinal)) is not None:
        rows = rows.filter(pk__lt=after[0])
    found = list(rows[: limit + 1])
    return MessagePage(
        [_message(m) for m in found[:limit]], cursor_of(found[limit - 1].pk) if len(found) > limit else ""
    )


# --- for commands of this subject ---------------------------------------------------------------------------------------


def order_of(came: Message) -> Order:
    """What a message that came says."""
    return read(bytes(came.content), family="pacs.008")


def said_of(row: Payment, situation: str) -> Said:
    """What the payment says, as the check of documents takes it."""
    return Said(
        direction="in", currency=row.currency, amount_minor=row.amount, debtor_name=row.debtor_name,
        debtor_country=row.debtor_country, creditor_name=row.creditor_name, invoices=tuple(row.invoices),
        value_date=row.value_date, situation=situation,
    )  # fmt: skip


def attached_to(row: Payment) -> list[UUID]:
    """The documents on a payment, in the order in which they were attached."""
    rows = Attachment.objects.filter(payment=row, detached_at=None).order_by("pk")
    return list(rows.values_list("evidence_id", flat=True))


def latest(row: Payment) -> Verdict | None:
    return Verdict.objects.filter(payment=row).order_by("-n").first()


def facts_on(row: Payment) -> list[evidence.Facts]:
    """The documents on a payment, as they are now, whoever looks."""
    return [evidence.facts(evidence_id=key, viewer=SYSTEM) for key in attached_to(row)]


def changed_since(row: Payment, verdict: Verdict) -> set[UUID]:
    """Documents that are not what the verdict saw: attached or detached, amended or taken back since."""
    saw = {UUID(key): (version, state) for key, version, state in verdict.papers}
    now = {f.evidence_id: (f.version, f.state) for f in facts_on(row)}
    return {key for key in saw.keys() | now.keys() if saw.get(key) != now.get(key)}


def sees_whole(row: Payment, viewer: Actor) -> bool:
    """Whether the viewer is a side of it, or oversees."""
    overseers = {Role.SYSTEM, Role.OPERATOR, Role.SUPERVISOR}
    return viewer.role in overseers or viewer.party_id in {row.bank_id, row.company_id}


# --- inside -------------------------------------------------------------------------------------------------------------


def _row(payment_id: UUID) -> Payment:
    row = Payment.objects.filter(pk=payment_id).first()
    if row is None:
        raise Absent(kind="payment")
    return row


def _attachments(row: Payment, verdict: Verdict | None) -> list[AttachmentView]:
    changed = changed_since(row, verdict) if verdict else set()
    views = []
    for a in Attachment.objects.filter(payment=row, detached_at=None).order_by("pk"):
        # The company showed it to the bank for this payment: kind, number and state are told, not what it says.
        facts = evidence.facts(evidence_id=a.evidence_id, viewer=SYSTEM)
        views.append(
            AttachmentView(
                a.evidence_id, facts.kind, facts.external_ref, facts.state, facts.version, a.attached_at,
                verdict is not None and a.evidence_id in changed,
            )
        )  # fmt: skip
    return views


def _verdict(row: Payment, verdict: Verdict | None) -> VerdictView | None:
    if verdict is None:
        return None
    o = Override.objects.filter(verdict=verdict).first()
    ended = row.state in {State.CREDITED, State.RETURNED}
    return VerdictView(
        verdict.pk, verdict.n, verdict.situation, verdict.rule_set, verdict.tier, verdict.verdict, list(verdict.findings),
        dict(verdict.facts), verdict.declaration_id, verdict.at, ended or not changed_since(row, verdict),
        OverrideView(o.reason_code, o.reason, o.proposed_by, o.proposed_at, o.approved_by, o.approved_at) if o else None,
    )  # fmt: skip


def _accounts(rows: list[Account], viewer: Actor) -> list[PaymentAccountView]:
    names = _names([key for r in rows for key in (r.bank_id, r.company_id)], viewer)
    held = ledger.balances(account_ids=[r.ledger_account for r in rows], viewer=SYSTEM)
    return [
        PaymentAccountView(
            r.pk, r.number, r.currency, names[r.bank_id], names[r.company_id], r.ledger_account, held[r.ledger_account].kind,
            held[r.ledger_account].state,
            escrows.holding(account_id=r.ledger_account, viewer=SYSTEM) if held[r.ledger_account].kind.startswith("escrow.") else None,
            r.opened_at,
        )
        for r in rows
    ]  # fmt: skip


def _message(m: Message) -> MessageView:
    return MessageView(
        m.type, m.way, m.message_id, m.uetr, m.status, m.reason, bytes(m.content).decode(), m.at
    )


#: What each side may try.
_OF_COMPANY = {Act.ATTACH, Act.DETACH}
_OF_BANK = {Act.CHECK, Act.PROPOSE, Act.APPROVE, Act.SETTLE, Act.RETURN}


def _may(row: Payment, verdict: Verdict | None, viewer: Actor) -> tuple[Act, ...]:
    """Which acts the viewer may try next. (What they say may still be refused.)"""
    mine: set[Act] = set()
    if viewer.role is Role.COMPANY and viewer.party_id == row.company_id:
        mine = set(_OF_COMPANY)
        if not Attachment.objects.filter(payment=row, detached_at=None).exists():
            mine.discard(Act.DETACH)
    if viewer.role is Role.BANK and viewer.party_id == row.bank_id:
        mine = set(_OF_BANK)
        proposed = Override.objects.filter(verdict=verdict).first() if verdict else None
        mine.discard(Act.APPROVE if proposed is None else Act.PROPOSE)
        if proposed is not None and proposed.proposed_by == viewer.person_id:
            mine.discard(Act.APPROVE)
    return tuple(act for act in Act if act in mine and (State(row.state), act) in NEXT)


def _names(ids: Iterable[UUID], viewer: Actor) -> dict[UUID, Named]:
    left = set(ids)
    found = {key: Named(key, "", "") for key in left}
    for kind in ("company", "institution"):
        if left:
            for p in parties.parties(kind=kind, ids=left, limit=len(left), viewer=viewer):
                found[p.id] = Named(p.id, p.name_zh or p.name_en, p.name_en or p.name_zh)
                left.discard(p.id)
    return found
