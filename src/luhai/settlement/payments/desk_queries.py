"""What the pages of payments show beyond a payment itself: the queue of work, what crediting would do, and what the order said.

Who: each query says. Writes: nothing. Amounts are whole minor units of the currency beside them.
What crediting would do is worked out by `worth`, as `commands.settle` does it, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Case, IntegerField, Q, Value, When

from luhai.core.escrow import queries as escrows
from luhai.core.evidence import queries as evidence
from luhai.core.parties import queries as parties
from luhai.core.rules import rates
from luhai.kernel.money import Currency
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, gettext_noop
from luhai.shell.api import cursor_of, instant, known, ordinal, read_cursor
from luhai.shell.context import acting
from luhai.shell.query import SIGNED_IN, query

from . import queries, worth
from .lifecycle import FINAL, LIVE, WHO_NAMES, State, Who
from .models import Account, Attachment, Message, Override, Payment, Verdict
from .queries import Named, PaymentAccountView

#: What is in whose way comes first: blocked, then unchecked, then what only needs to be credited.
_RANK: Final = {State.BLOCKED: 0, State.RECEIVED: 1, State.OVERRIDDEN: 2, State.CLEAR: 2, State.CREDITED: 3, State.RETURNED: 3}
GROUPS: Final = ("open", "ended", "all")


# --- the queue ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A payment that waits, or waited. `against` are the findings in its way; `papers` counts its documents; none for who only sent it."""

    id: UUID
    state: State
    bank: Named
    company: Named
    sender_bic: str
    debtor_name: str
    currency: str
    amount: int
    end_to_end_id: str
    received_at: datetime
    acted_at: datetime
    checked: bool
    proposed: bool
    against: list[dict[str, Any]]
    papers: int | None


@dataclass(frozen=True, slots=True)
class QueuePage:
    items: list[QueueLine]
    next: str


@query(may=SIGNED_IN)
def queue(
    *, group: str = "open", state: str = "", text: str = "", cursor: str = "", limit: int = 20, viewer: Actor
) -> QueuePage:  # fmt: skip
    """Payments as work: open ones by what is in their way, and of each sort the one that has waited longest first; others newest first.

    `text` is part of a name, or a reference as it was written. Refuses: Invalid (group, state, cursor).
    """
    known("group", group, GROUPS)
    rows = Payment.objects.annotate(
        rank=Case(*(When(state=s.value, then=Value(n)) for s, n in _RANK.items()), output_field=IntegerField())
    )
    if viewer.party_id is not None and viewer.role not in {Role.OPERATOR, Role.SUPERVISOR}:
        me = viewer.party_id
        rows = rows.filter(Q(bank=me) | Q(company=me) | Q(sender=me))
    if state:
        rows = rows.filter(state=known("state", state, [s.value for s in State]))
    elif group != "all":
        rows = rows.filter(state__in=[s.value for s in (LIVE if group == "open" else FINAL)])
    if text:
        rows = rows.filter(
            Q(debtor_name__icontains=text) | Q(creditor_name__icontains=text) | Q(end_to_end_id__iexact=text) | Q(uetr__iexact=text)
        )
    if group == "open" and not state:
        rows = rows.order_by("rank", "received_at", "id")
        if (after := read_cursor(cursor, ordinal, instant, UUID)) is not None:
            rank, at, key = after
            rows = rows.filter(Q(rank__gt=rank) | Q(rank=rank, received_at__gt=at) | Q(rank=rank, received_at=at, pk__gt=key))
    else:
        rows = rows.order_by("-acted_at", "-id")
        if (after := read_cursor(cursor, ordinal, instant, UUID)) is not None:
            _, at, key = after
            rows = rows.filter(Q(acted_at__lt=at) | Q(acted_at=at, pk__lt=key))
    found = list(rows[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    following = ""
    if more:
        last = found[-1]
        at = last.received_at if group == "open" and not state else last.acted_at
        following = cursor_of(_RANK[State(last.state)], at.isoformat(), last.pk)
    return QueuePage(_lines(found, viewer), following)


def _lines(rows: Sequence[Payment], viewer: Actor) -> list[QueueLine]:
    keys = [r.pk for r in rows]
    verdicts = {v.payment_id: v for v in Verdict.objects.filter(payment__in=keys).order_by("payment", "-n").distinct("payment")}
    proposed = set(Override.objects.filter(verdict__in=[v.pk for v in verdicts.values()]).values_list("verdict_id", flat=True))
    papers: dict[UUID, int] = {}
    for key in Attachment.objects.filter(payment__in=keys, detached_at=None).values_list("payment_id", flat=True):
        papers[key] = papers.get(key, 0) + 1
    names = queries._names([key for r in rows for key in (r.bank_id, r.company_id)], viewer)
    lines = []
    for r in rows:
        verdict, whole = verdicts.get(r.pk), queries.sees_whole(r, viewer)
        lines.append(
            QueueLine(
                r.pk, State(r.state), names[r.bank_id], names[r.company_id], r.sender_bic, r.debtor_name, r.currency, r.amount,
                r.end_to_end_id, r.received_at, r.acted_at, verdict is not None, verdict is not None and verdict.pk in proposed,
                [f for f in verdict.findings if _in_the_way(f)] if verdict and r.state == State.BLOCKED else [],
                papers.get(r.pk, 0) if whole else None,
            )
        )  # fmt: skip
    return lines


def _in_the_way(finding: dict[str, Any]) -> bool:
    return bool(finding["required"]) and finding["status"] in ("missing", "mismatch")


# --- what the order said ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderView:
    """What the paying side wrote. `documents` are [kind, number] as its message names them; `instructed` where it is another amount."""

    message_id: str
    created: datetime | None
    charge_bearer: str
    purpose: str
    debtor_account: str
    creditor_account: str
    lines: list[str]
    documents: list[tuple[str, str]]
    reference: str
    instructed: str


@query(may=SIGNED_IN)
def order(*, payment_id: UUID, viewer: Actor) -> OrderView:
    """The order of a payment, for whoever sees its message: both banks and the company. Refuses: Absent."""
    came = Message.objects.filter(payment=payment_id, way="in").first()
    if came is None:
        raise Absent(kind="payment")
    said = queries.order_of(came)
    (tx,) = said.transactions
    debtor, creditor = tx.party("debtor"), tx.party("creditor")
    structured = tx.remittance.structured if tx.remittance else ()
    asked = tx.instructed if tx.instructed and tx.instructed != tx.amount else None
    return OrderView(
        said.id, said.created, tx.charge_bearer, tx.purpose, _number(debtor), _number(creditor),
        list(tx.remittance.lines) if tx.remittance else [], [(d.kind, d.number) for s in structured for d in s.documents],
        next((s.reference for s in structured if s.reference), ""), f"{asked.currency} {asked.value:,}" if asked else "",
    )  # fmt: skip


def _number(party: Any) -> str:
    held = party.account if party else None
    return (held.iban or held.number) if held else ""


@query(may=[Role.BANK, Role.SUPERVISOR, Role.OPERATOR])
def persons(*, payment_id: UUID, viewer: Actor) -> dict[UUID, Named]:
    """Who proposed and who approved that a payment passes: for its bank, and for who oversees. Refuses: Absent."""
    row = Payment.objects.filter(pk=payment_id).first()
    if row is None:
        raise Absent(kind="payment")
    if viewer.party_id != row.bank_id and viewer.role not in {Role.SUPERVISOR, Role.OPERATOR}:
        return {}
    asked = {p for o in Override.objects.filter(payment=row) for p in (o.proposed_by, o.approved_by) if p is not None}
    found: dict[UUID, Named] = {}
    with acting(SYSTEM):
        for person in asked:
            for m in parties.memberships_of(person):
                if m.party.id == row.bank_id:
                    found[person] = Named(person, m.name_zh or m.name_en, m.name_en or m.name_zh)
    return found


# --- what crediting would do --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeclarationUse:
    """The declaration that would be used, and for how much; `uses` is None where no rate into its currency is known."""

    evidence_id: UUID
    kind: str
    number: str
    currency: str
    uses: int | None
    left: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What crediting would do, if it were pressed now. `amount` is None where no rate is known, and one must be stated.

    Where the account is the leg of an escrow: `owed` is what must be covered (None: nothing), `held` what it holds already, and
    `short` what the payment lacks.
    """

    account: PaymentAccountView
    currency: str
    amount: int | None
    rate: str
    rate_on: date | None
    source: str
    stated: bool
    declaration: DeclarationUse | None
    owed: int | None
    held: int
    short: int


@query(may=[Role.BANK])
def outlook(
    *, payment_id: UUID, on: date, rate: str | None = None, source: str | None = None, to_account_id: UUID | None = None, viewer: Actor
) -> Outlook:  # fmt: skip
    """What `commands.settle` would do with the same arguments on that day.

    Who:     the bank of the payment.
    Refuses: Absent, NotEntitled, Invalid (rate, source, to_account_id), each as settling would.
    """
    row = Payment.objects.select_related("account").filter(pk=payment_id).first()
    if row is None:
        raise Absent(kind="payment")
    if viewer.party_id != row.bank_id:
        raise NotEntitled(who=WHO_NAMES[Who.BANK])
    target = row.account
    if to_account_id is not None:
        found = Account.objects.filter(pk=to_account_id, bank=row.bank_id, company=row.company_id).first()
        if found is None:
            raise Invalid(field="to_account_id", problem=gettext_noop("an account of the company with this bank"))
        target = found
    (account,) = queries._accounts([target], viewer)
    if to_account_id is not None and account.escrow_id is not None:
        raise Invalid(field="to_account_id", problem=gettext_noop("a plain account, no leg of an escrow"))
    try:
        value, exchange = worth.value_of(row, Currency(target.currency), rate, source, on)
    except rates.NoRate:
        value, exchange = None, None
    with acting(SYSTEM):
        declaration = _declaration(row, on)
        owed, held = _covers(account, target.ledger_account)
    short = max(owed - held - value.minor, 0) if owed is not None and value is not None else 0
    return Outlook(
        account, target.currency, value.minor if value else None, str(exchange.value) if exchange else "",
        exchange.on if exchange else None, exchange.source if exchange else "", rate is not None, declaration, owed, held, short,
    )  # fmt: skip


def _declaration(row: Payment, on: date) -> DeclarationUse | None:
    verdict = queries.latest(row)
    if verdict is None:
        return None
    try:
        used = worth.use_of(row, verdict, on, row.pk)
    except rates.NoRate:
        used = None
    declaration = used.evidence_id if used else verdict.declaration_id
    if declaration is None:
        return None
    facts = evidence.facts(evidence_id=declaration, viewer=SYSTEM)
    left = evidence.remaining(evidence_id=declaration, viewer=SYSTEM).settlement_left
    return DeclarationUse(declaration, facts.kind, facts.external_ref, facts.currency, used.amount if used else None, left)


def _covers(account: PaymentAccountView, leg: UUID) -> tuple[int | None, int]:
    """What the escrow behind an account asks to be covered, and what the leg holds."""
    if account.escrow_id is None:
        return None, 0
    seen = escrows.escrow(escrow_id=account.escrow_id, viewer=SYSTEM)
    held = {v.account: v for v in seen.value}[leg]
    covers = [
        UUID(key) for c in seen.terms["conditions"] if c.get("payment", {}).get("leg") == held.name
        for key in c["payment"].get("covers", ())
    ]  # fmt: skip
    return (sum(escrows.owed_on(covers).values()) if covers else None), held.held


# --- where a number may lead --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LegView:
    """The leg of an escrow that this bank pays into for a company; `numbered` where it has a number already."""

    account: UUID
    escrow_id: UUID
    template: str
    currency: str
    company: Named
    expires_at: datetime
    numbered: bool


@query(may=[Role.BANK])
def legs(*, limit: int = 100, viewer: Actor) -> list[LegView]:
    """Where payments for companies could be collected: legs of the viewer's live escrows, last acted on first."""
    found: list[tuple[Any, Any, Named]] = []
    for line in escrows.escrows(live=True, limit=limit, viewer=viewer).items:
        seen = escrows.escrow(escrow_id=line.id, viewer=viewer)
        me = {p.name for p in seen.parties if p.id == viewer.party_id}
        others = [p.id for p in seen.parties if p.id != viewer.party_id]
        companies = parties.parties(kind="company", ids=others, viewer=viewer)
        if len(companies) != 1:
            continue  # of several it is not known for which one a payment comes
        (company,) = companies
        named = Named(company.id, company.name_zh or company.name_en, company.name_en or company.name_zh)
        found += [(leg, line, named) for leg in seen.value if leg.payer in me and leg.unit in Currency.__members__]
    taken = set(
        Account.objects.filter(ledger_account__in=[leg.account for leg, _, _ in found]).values_list("ledger_account", flat=True)
    )
    return [
        LegView(leg.account, line.id, line.template, leg.unit, named, line.expires_at, leg.account in taken) for leg, line, named in found
    ]
