"""What happened to a shipment, in one order of time: the document, the money, and the goods with their papers, as one viewer sees them.

Each entry says what was done, when, by whom, on which measures it rests and on which page it stands. Nothing is asked as the system.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from luhai.core.escrow import commands as escrow_commands
from luhai.core.escrow import queries as escrows
from luhai.core.evidence import commands as evidence_commands
from luhai.core.evidence import queries as evidence
from luhai.core.evidence.queries import Purpose
from luhai.core.ledger import queries as ledger
from luhai.core.titles import commands as title_commands
from luhai.core.titles import queries as titles
from luhai.core.titles.queries import Name
from luhai.financing.lending import books as lending_books
from luhai.financing.lending import commands as lending_commands
from luhai.financing.lending import line_commands
from luhai.financing.lending import queries as lending
from luhai.kernel.origin import Actor
from luhai.kernel.refusal import Absent
from luhai.records.transport import commands as transport_commands
from luhai.records.transport import queries as transport
from luhai.settlement.payments import books as payment_books
from luhai.settlement.payments import commands as payment_commands
from luhai.settlement.payments.queries import PaymentView

from .view import Shipment

#: The columns: the document, the money, the goods and their papers.
TITLE, MONEY, GOODS = "title", "money", "goods"
#: Lines of a statement that are read for one shipment; papers that are looked for.
_LINES: Final = 200
_PAPERS: Final = 40
#: Postings that say the same as the history of the loan, or move limits only: left out.
_NIGHTLY: Final = ("lending.interest", "lending.penalty")
_LIMITS: Final = ("lending.reserve", "lending.unreserve", "lending.free_limit")


@dataclass(frozen=True, slots=True)
class Entry:
    """`sort` says how `facts` are to be read; `page` and `key` where it stands; `bad` that something is wrong."""

    at: datetime
    column: str
    sort: str
    act: str
    by: Name | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    measures: tuple[str, ...] = ()
    page: str = ""
    key: UUID | None = None
    bad: bool = False


def chronicle(s: Shipment, viewer: Actor) -> list[Entry]:
    """Everything, newest first."""
    papers = _papers(s, viewer)
    found = [*_of_title(s, viewer), *_of_money(s, viewer), *_of_goods(s), *_of_papers(papers, viewer)]
    return sorted(found, key=lambda e: e.at, reverse=True)


# --- the document ---------------------------------------------------------------------------------------------------------


def _of_title(s: Shipment, viewer: Actor) -> Iterable[Entry]:
    if s.seen is None:
        return
    measures = tuple(title_commands.MEASURES[s.seen.title.kind])
    done = titles.events(title_id=s.id, viewer=viewer)
    named = {UUID(e.details[f]) for e in done for f in ("to", "pledgee") if f in e.details}
    names = transport.names_of(named, viewer)
    for e in done:
        to = next((names[UUID(e.details[f])] for f in ("to", "pledgee") if f in e.details), None)
        said = {"to": to, "signed": bool(e.signed_with), "registration": e.details.get("registration", "")}
        if e.details.get("secured_minor"):
            said["amount"] = (int(e.details["secured_minor"]), str(e.details.get("currency", "CNY")))
        on = tuple(transport_commands.ISSUE) if e.n == 1 else measures
        yield Entry(e.at, TITLE, "title", str(e.act), e.by, said, on, "title", s.id)


# --- the money ------------------------------------------------------------------------------------------------------------


def _of_money(s: Shipment, viewer: Actor) -> Iterable[Entry]:
    accounts: dict[UUID, set[UUID]] = {}  # account -> the records whose lines on it are this shipment's; none: all of them
    mine: set[UUID] = {p.id for p in s.payments}
    since = None
    if s.loan is not None:
        loan = s.loan
        mine |= {loan.id, loan.escrow_id}
        since = loan.requested_at
        yield from _of_loan(s, loan, viewer)
        yield from _of_escrow(loan.escrow_id, viewer)
        for bucket in ("principal", "interest", "penalty", "fees", "suspense", "margin"):
            accounts[lending_books.owed_account(loan.id, bucket)] = set()
        accounts[loan.to_account] = mine
        accounts[lending_books.deposit_account(loan.bank.id, loan.company.id, loan.currency)] = mine
    for payment in s.payments:
        since = min(since, payment.received_at) if since else payment.received_at
        yield from _of_payment(payment, viewer)
        accounts[payment_books.suspense(payment.id)] = set()
        if payment.account is not None:
            accounts.setdefault(payment.account.ledger_account, mine)
    yield from _postings(accounts, since, viewer)


def _of_loan(s: Shipment, loan: lending.LoanView, viewer: Actor) -> Iterable[Entry]:
    measures = tuple(lending_commands.SECURED_BY_TITLE if loan.title_id else line_commands.MEASURES)
    done = [e for e in lending.history(line_id=loan.line_id, viewer=viewer) if e.draw_id == loan.id]
    names = transport.names_of({e.party for e in done if e.party}, viewer)
    before = ""
    for e in done:
        again, before = e.after == before, e.after
        if e.act == "draw_close_day" and again:
            continue  # an evening like the one before; its interest is among the postings
        amount = e.data.get("amount")
        said = {"amount": (int(amount), loan.currency)} if isinstance(amount, int) else {}
        yield Entry(e.at, MONEY, "loan", e.act.removeprefix("draw_"), names.get(e.party) if e.party else None, said, measures, "loan", loan.id)


def _of_escrow(escrow_id: UUID, viewer: Actor) -> Iterable[Entry]:
    try:
        done = escrows.history(escrow_id=escrow_id, viewer=viewer)
    except Absent:
        return
    names = transport.names_of({e.party for e in done if e.party}, viewer)
    for e in done:
        by = names.get(e.party) if e.party else None
        yield Entry(e.at, MONEY, "escrow", str(e.act), by, {}, tuple(escrow_commands.MEASURES), "escrow", escrow_id)


def _of_payment(payment: PaymentView, viewer: Actor) -> Iterable[Entry]:
    names = transport.names_of({e.party for e in payment.timeline if e.party}, viewer)
    amount = (payment.amount, payment.currency)
    papers = {str(a.evidence_id): f"{a.number}" for a in payment.attachments}
    kinds = {str(a.evidence_id): a.kind for a in payment.attachments}
    for e in payment.timeline:
        said: dict[str, Any] = {"amount": amount} if e.act in ("receive", "settle", "return") else {}
        if e.act == "receive":
            said["debtor"] = payment.debtor_name
        if e.act == "attach" and str(e.data.get("evidence")) in kinds:
            said |= {"kind": kinds[str(e.data["evidence"])], "number": papers[str(e.data["evidence"])]}
        if e.act == "check" and payment.verdict is not None:
            said["after"] = str(e.after)
        if e.act == "settle" and payment.credit is not None and payment.credit.rate:
            said |= {"value": (payment.credit.amount, payment.credit.currency), "rate": payment.credit.rate}
        by = names.get(e.party) if e.party else None
        bad = str(e.after) == "BLOCKED" or e.act == "return"
        yield Entry(e.at, MONEY, "payment", str(e.act), by, said, tuple(payment_commands.MEASURES), "payment", payment.id, bad)


def _postings(accounts: dict[UUID, set[UUID]], since: datetime | None, viewer: Actor) -> Iterable[Entry]:
    """What moved on the accounts that the viewer may see; a transfer between two of them once, the interest of nights together."""
    seen: set[UUID] = set()
    nightly: dict[str, list[tuple[datetime, int, str, UUID]]] = {}
    for key in sorted(accounts, key=lambda k: bool(accounts[k])):
        only = accounts[key]
        try:
            statement = ledger.statement(account_id=key, since=since, limit=_LINES, viewer=viewer)
        except Absent:
            continue
        for e in statement.entries:
            foreign = only and e.subject not in only
            if e.transfer_id in seen or foreign or e.code in _LIMITS or e.kind not in ("post", "settle"):
                continue
            seen.add(e.transfer_id)
            amount, unit = e.credit or e.debit, statement.account.unit
            if not amount:
                continue  # a step "up to" an amount of which nothing was owed
            if e.code in _NIGHTLY:
                nightly.setdefault(e.code, []).append((e.at, amount, unit, key))
                continue
            yield Entry(e.at, MONEY, "posting", e.code, None, {"amount": (amount, unit)}, (), "account_statement", key)
    for code, nights in nightly.items():
        at, _amount, unit, key = max(nights)
        said = {"amount": (sum(n[1] for n in nights), unit), "nights": len(nights)}
        yield Entry(at, MONEY, "nights", code, None, said, (), "account_statement", key)


# --- goods and papers -------------------------------------------------------------------------------------------------------


def _of_goods(s: Shipment) -> Iterable[Entry]:
    measures = tuple(transport_commands.CONTROL)
    if s.kept is not None and s.kept.last is not None:
        last = s.kept.last
        yield Entry(last.happened_at, GOODS, "movement", last.code, None, {"name": last.name, "place": last.place}, measures, "transport_document", s.id)
    if s.seen is None:
        return
    for m in s.seen.movements:
        said = {"name": m.name, "place": m.place, "container": m.container, "seals": m.seals, "corrected": m.corrected_by is not None}
        yield Entry(m.happened_at, GOODS, "movement", m.code, m.custodian, said, measures, "transport_document", s.id)
    for signal in s.seen.signals:
        yield Entry(signal.at, GOODS, "signal", signal.kind, None, {"name": signal.name}, measures, "transport_document", s.id, True)
    for r in s.seen.releases:
        yield Entry(r.ordered_at, GOODS, "release", "ordered", s.seen.title.issuer, {"to": r.receiver}, measures, "transport_document", s.id)


def _papers(s: Shipment, viewer: Actor) -> list[evidence.EvidenceView]:
    """Documents about the shipment that the viewer may see: behind the loan, put to the payment, and those that name one another."""
    keys: list[UUID] = []
    if s.loan is not None:
        keys += [x.evidence_id for x in s.loan.securities] + ([s.loan.insurance_id] if s.loan.insurance_id else [])
    for payment in s.payments:
        keys += [a.evidence_id for a in payment.attachments]
    if s.seen is not None:
        keys += [key for m in s.seen.movements for key in m.evidence]
    numbers = [s.number] if s.number else []
    insured = s.seen.content.get("insurance") if s.seen else None
    numbers += [str(insured["policy"])] if isinstance(insured, dict) and insured.get("policy") else []
    numbers += [n for payment in s.payments for n in payment.invoices]
    found: dict[UUID, evidence.EvidenceView] = {}
    _add(found, keys, viewer)
    _look_for(found, numbers, viewer)
    _look_for(found, _named_by(found, viewer), viewer)
    return list(found.values())


def _add(found: dict[UUID, evidence.EvidenceView], keys: Iterable[UUID], viewer: Actor) -> None:
    for key in dict.fromkeys(keys):
        if key not in found and len(found) < _PAPERS:
            try:
                found[key] = evidence.evidence(evidence_id=key, viewer=viewer)
            except Absent:
                continue


def _look_for(found: dict[UUID, evidence.EvidenceView], numbers: Sequence[str], viewer: Actor) -> None:
    for number in dict.fromkeys(n for n in numbers if len(n) >= 6):
        for view in evidence.evidences(text=number, limit=10, viewer=viewer).items:
            if view.external_ref == number and len(found) < _PAPERS:
                found.setdefault(view.id, view)


def _named_by(found: dict[UUID, evidence.EvidenceView], viewer: Actor) -> list[str]:
    """Numbers of other documents that the documents found refer to."""
    numbers = []
    for key, view in list(found.items()):
        if view.kind in ("customs_declaration", "invoice", "order"):
            numbers += [value for _kind, value in evidence.facts(evidence_id=key, viewer=viewer).references]
    return numbers


def _of_papers(papers: Sequence[evidence.EvidenceView], viewer: Actor) -> Iterable[Entry]:
    measures = tuple(evidence_commands.MEASURES[Purpose.SETTLEMENT])
    for p in papers:
        if p.kind == "transport_event":
            continue  # the event itself stands there
        by = Name(p.source.id, p.source.zh, p.source.en)
        said: dict[str, Any] = {"kind": p.kind, "number": p.external_ref}
        if p.amount_minor is not None and p.currency:
            said["amount"] = (p.amount_minor, p.currency)
        yield Entry(p.received_at, GOODS, "paper", "received", by, said, measures, "evidence_one", p.id)
        if p.version > 1 and p.changed_at > p.received_at:
            again = {"kind": p.kind, "number": p.external_ref, "status": p.status}
            yield Entry(p.changed_at, GOODS, "paper", "corrected", by, again, measures, "evidence_one", p.id, p.state == "cancelled")
        for u in evidence.uses(evidence_id=p.id, viewer=viewer).items:
            on = tuple(evidence_commands.MEASURES[Purpose(u.purpose)])
            user = Name(u.user.id, u.user.zh, u.user.en)
            use = {"kind": p.kind, "number": p.external_ref, "amount": (u.amount, u.currency), "purpose": u.purpose}
            yield Entry(u.made_at, GOODS, "use", "used", user, use, on, "evidence_one", p.id, bool(u.alert))
