"""One shipment as one party sees it: what the subjects tell *that* viewer, put together. Nothing is asked as the system.

A shipment is a transport document with what belongs to it: the loan on it, the payment that came for it, its papers. A viewer may see
some of these and not others (a bank whose pledge is released still sees its loan); what is not seen is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from luhai.core.escrow import queries as escrows
from luhai.core.titles import queries as titles
from luhai.core.titles.queries import Name
from luhai.core.titles.queries import State as TitleState
from luhai.financing.lending import cover_queries
from luhai.financing.lending import queries as lending
from luhai.financing.lending.cover_queries import Cover
from luhai.financing.lending.queries import DRAW_ENDED, LENT, DrawState
from luhai.kernel.folding import fold
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent
from luhai.records.transport import desk_queries as transport_desk
from luhai.records.transport import queries as transport
from luhai.records.transport.desk_queries import Kept
from luhai.records.transport.queries import DocumentView
from luhai.settlement.payments import queries as payments
from luhai.settlement.payments.queries import FINAL, PaymentLine, PaymentView, State

from .stations import Boxes, Facts, Part, Station, boxes, line

#: Rows on a page; payments of a company that are looked through for those of a shipment; ended loans that are shown again.
PAGE: Final = 10
LOOKED_THROUGH: Final = 60
ENDED: Final = 10
_DEPARTED: Final = ("LOAD", "DEPA")
_THERE: Final = ("ARRI", "DISC")
_WATCHERS: Final = (Role.SUPERVISOR, Role.OPERATOR, Role.PROVINCE)
#: An amount of money: minor units, currency.
Sum = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Stakes:
    """What the reader has at stake. `days` counts from issue to today, or to delivery; `due` is the last day of the loan."""

    goods: Sum | None
    owed: Sum | None
    waiting: Sum | None  # arrived and not credited
    days: int | None
    due: date | None
    overdue_days: int


@dataclass(frozen=True, slots=True)
class Shipment:
    """`id` is the title's; `parties` names those that a sentence may wait for, by their part."""

    id: UUID
    document: str
    number: str
    origin: str
    destination: str
    part: Part
    parties: dict[str, Name]
    facts: Facts
    stations: list[tuple[Station, str, datetime | None]]
    boxes: Boxes
    stakes: Stakes
    seen: DocumentView | None
    kept: Kept | None
    loan: lending.LoanView | None
    payment: PaymentView | None
    payments: tuple[PaymentView, ...]

    @property
    def mine(self) -> bool:
        return self.boxes.next is not None


@dataclass(frozen=True, slots=True)
class Lane:
    """`sent` are payments of a bank abroad, which sees no document; each with what it waits for."""

    items: list[Shipment]
    sent: list[tuple[PaymentLine, Boxes]]
    next: str


def lane(*, on: date, cursor: str = "", viewer: Actor) -> Lane:
    """The shipments of the viewer's party, newest first; on the first page also those of which it sees only goods, loan or payment."""
    found = transport.documents(cursor=cursor, limit=PAGE, viewer=viewer)
    ids = [row.id for row in found.items]
    sent: list[tuple[PaymentLine, Boxes]] = []
    if not cursor:
        ids += [key for key in _others(on, viewer) if key not in ids]
        if viewer.role is Role.PARTNER:
            sent = [(p, _of_sender(p)) for p in payments.payments(limit=20, viewer=viewer).items]
    came = _Payments(viewer)
    loans = {c.title_id: c for c in reversed(_covers(ids, on, viewer))}
    items = []
    for key in ids:
        try:
            items.append(_shipment(key, loans.get(key), came, on, viewer))
        except Absent:  # ended for this viewer between two looks
            continue
    return Lane(items, sent, found.next)


def shipment(*, title_id: UUID, on: date, viewer: Actor) -> Shipment:
    """One shipment. Refuses: Absent, also to whom it does not concern."""
    found = _covers([title_id], on, viewer)
    return _shipment(title_id, found[0] if found else None, _Payments(viewer), on, viewer)


def _others(on: date, viewer: Actor) -> list[UUID]:
    """Shipments whose document the viewer does not see (any more): goods that it has; loans that it gave or had."""
    keys = []
    if viewer.role in (Role.COMPANY, Role.BANK):
        keys += [k.id for k in transport_desk.desk(on=on, limit=1, viewer=viewer).kept]
        # Those that money is lent on, too: between crediting and the evening the pledge is gone, and the loan is not written down yet.
        states = (*sorted(LENT), DrawState.REPAID)
        lent = [x for state in states for x in lending.loans(state=str(state), limit=ENDED, viewer=viewer).items]
        covers = cover_queries.covers(on=on, draw_ids=[x.id for x in lent], viewer=viewer) if lent else []
        keys += [c.title_id for c in covers if c.title_id is not None and not _is_seen(c.title_id, viewer)]
    return list(dict.fromkeys(keys))


def _is_seen(title_id: UUID, viewer: Actor) -> bool:
    try:
        titles.title(title_id=title_id, viewer=viewer)
    except Absent:
        return False
    return True


def _covers(ids: Sequence[UUID], on: date, viewer: Actor) -> list[Cover]:
    """The loans on these titles; of several on one, those that live first."""
    found = cover_queries.covers(on=on, title_ids=ids, viewer=viewer) if ids else []
    kept = [c for c in found if c.state is not DrawState.REFUSED]
    return sorted(kept, key=lambda c: c.state in DRAW_ENDED)


class _Payments:
    """Payments for companies, each company's read once and each payment once."""

    def __init__(self, viewer: Actor) -> None:
        self.viewer = viewer
        self.lines: list[PaymentLine] | None = None
        self.views: dict[UUID, PaymentView] = {}

    def of(self, company: UUID | None, number: str, loan: lending.LoanView | None, since: datetime | None) -> list[PaymentView]:
        """The payments of a shipment: to the account that its loan is repaid through, or with its document put to them."""
        if self.lines is None:
            self.lines = payments.payments(limit=LOOKED_THROUGH, viewer=self.viewer).items
        mine = [p for p in self.lines if p.company.id == company and (since is None or p.received_at >= since)]
        return [v for v in (self._view(p.id) for p in mine) if _belongs(v, number, loan)]

    def _view(self, key: UUID) -> PaymentView:
        if key not in self.views:
            self.views[key] = payments.payment(payment_id=key, viewer=self.viewer)
        return self.views[key]


def _belongs(view: PaymentView, number: str, loan: lending.LoanView | None) -> bool:
    if loan is not None and view.account is not None and view.account.escrow_id == loan.escrow_id:
        return True
    behind = {s.evidence_id for s in loan.securities} if loan else set()
    return any(
        a.evidence_id in behind or (a.kind == "transport_document" and number and fold(a.number) == fold(number))
        for a in view.attachments
    )


def _shipment(key: UUID, cover: Cover | None, came: _Payments, on: date, viewer: Actor) -> Shipment:
    seen, kept = _document(key, viewer)
    loan = lending.loan(draw_id=cover.draw_id, on=on, viewer=viewer) if cover else None
    if seen is None and kept is None and loan is None:
        raise Absent(kind="document")
    title = seen.title if seen else None
    subject: dict[str, Any] = title.subject if title else {}
    number = str(subject.get("number", "")) or (kept.number if kept else "")
    parties = _parties(seen, kept, loan, viewer)
    seller = parties.get("exporter")
    since = title.issued_at if title else loan.requested_at if loan else None
    mine = came.of(seller.id, number, loan, since) if seller and kept is None else []
    if not number:  # the document is out of sight; its number stands on the payment that it was put to
        number = next((a.number for p in mine for a in p.attachments if a.kind == "transport_document"), "")
    payment = _foremost(mine)
    reached = dict(_reached(seen, kept, loan, mine, viewer))
    part = _part(parties, seen, kept, loan, viewer)
    facts = Facts(
        part=part, reached=reached, title=str(title.state) if title else "", holds=bool(title and title.holder_id == viewer.party_id),
        sold=bool(title and seller and title.holder_id not in {seller.id, title.issuer_id}), pledge=_pledge(seen),
        loan=_loan_state(cover), payment=str(payment.state) if payment else "", papers=len(payment.attachments) if payment else 0,
        signals=len(seen.signals) if seen else 0, ordered=bool(kept and kept.orders),
    )  # fmt: skip
    return Shipment(
        key, seen.document if seen else kept.document if kept else "", number,
        str(subject.get("origin", "")) or (kept.origin if kept else ""),
        str(subject.get("destination", "")) or (kept.destination if kept else ""),
        part, parties, facts, line(reached), boxes(facts), _stakes(seen, cover, payment, reached, on), seen, kept, loan, payment,
        tuple(mine),
    )  # fmt: skip


def _document(key: UUID, viewer: Actor) -> tuple[DocumentView | None, Kept | None]:
    try:
        return transport.document(title_id=key, viewer=viewer), None
    except Absent:
        pass
    try:
        return None, transport_desk.goods(title_id=key, viewer=viewer)
    except Absent:
        return None, None


def _parties(
    seen: DocumentView | None, kept: Kept | None, loan: lending.LoanView | None, viewer: Actor
) -> dict[str, Name]:
    """Who is who, as far as the viewer sees: issuer, exporter, bank, holder; the buyer by the name that the document notifies."""
    found: dict[str, Name] = {}
    if loan is not None:
        found["exporter"] = Name(loan.company.id, loan.company.zh, loan.company.en)
        found["bank"] = Name(loan.bank.id, loan.bank.zh, loan.bank.en)
    if kept is not None:
        found["issuer"] = kept.issuer
    if seen is not None:
        title = seen.title
        found |= {"issuer": title.issuer, "holder": title.holder}
        notified = [str(n.get("name", "")) for n in seen.content.get("parties", {}).get("notify", []) if isinstance(n, dict)]
        if notified and notified[0]:
            found["buyer"] = Name(title.id, notified[0], notified[0])
        pledges = [p for p in title.pledges if p.ended_how != "refused"]
        if pledges:
            found.setdefault("bank", pledges[-1].pledgee)
        if "exporter" not in found:
            first = titles.events(title_id=title.id, viewer=viewer)[0]
            key = pledges[0].pledgor_id if pledges else UUID(str(first.effect["holder"]))
            found["exporter"] = next(
                (n for n in (title.holder, title.beneficiary, title.issuer) if n.id == key), None
            ) or transport.names_of({key}, viewer)[key]
    return found


def _part(
    parties: dict[str, Name], seen: DocumentView | None, kept: Kept | None, loan: lending.LoanView | None, viewer: Actor
) -> Part:
    mine = {name for name, who in parties.items() if who.id == viewer.party_id}
    for name, part in (("issuer", Part.ISSUER), ("exporter", Part.EXPORTER), ("bank", Part.BANK)):
        if name in mine:
            return part
    if kept is not None and seen is None and loan is None:
        return Part.KEEPER
    if viewer.role in _WATCHERS:
        return Part.WATCHER
    return Part.BANK if viewer.role is Role.BANK else Part.IMPORTER


def _reached(
    seen: DocumentView | None, kept: Kept | None, loan: lending.LoanView | None, came: Sequence[PaymentView], viewer: Actor
) -> Iterable[tuple[Station, datetime]]:
    if seen is not None:
        yield from _by_document(seen)
    elif kept is not None and kept.last is not None:
        yield _station_of(kept), kept.last.happened_at
    if loan is not None and loan.starts_on is not None:
        acts = {e.act: e.at for e in lending.history(line_id=loan.line_id, viewer=viewer) if e.draw_id == loan.id}
        yield Station.LENT, acts.get("draw_disburse", loan.acted_at)
        if seen is None and loan.pledge_id is not None:
            yield from _by_escrow(loan, viewer)
    credited = [p.credit.at for p in came if p.credit is not None]
    if credited:
        yield Station.PAID, max(credited)


def _by_document(seen: DocumentView) -> Iterable[tuple[Station, datetime]]:
    title = seen.title
    yield Station.ISSUED, title.issued_at
    pledges = [p for p in title.pledges if p.ended_how != "refused"]
    if pledges:
        yield Station.PLEDGED, pledges[0].pledged_at
        ended = [p.ended_at for p in pledges if p.ended_how == "released" and p.ended_at]
        if ended and all(p.ended_at for p in pledges):
            yield Station.RELEASED, max(ended)
    told = [m for m in seen.movements if m.corrected_by is None]
    place = str(title.subject.get("destination", ""))
    for station, moves in (
        (Station.MOVING, [m for m in told if m.code in _DEPARTED]),
        (Station.CUSTOMS, [m for m in told if m.code == "CUSR"]),
        (Station.ARRIVED, [m for m in told if m.code in _THERE and m.place == place]),
    ):
        if moves:
            yield station, min(m.happened_at for m in moves)
    if title.state is TitleState.DELIVERED:
        yield Station.DELIVERED, title.acted_at


def _station_of(kept: Kept) -> Station:
    """Where goods are, for who has them and is told of the last event alone."""
    assert kept.last is not None
    if kept.last.place == kept.destination and kept.last.code not in _DEPARTED:
        return Station.ARRIVED
    return Station.CUSTOMS if kept.last.code == "CUSR" else Station.MOVING


def _by_escrow(loan: lending.LoanView, viewer: Actor) -> Iterable[tuple[Station, datetime]]:
    """A loan's escrow tells of pledge and release, when the document itself is out of sight."""
    try:
        escrow = escrows.escrow(escrow_id=loan.escrow_id, viewer=viewer)
    except Absent:
        return
    yield Station.PLEDGED, escrow.arranged_at
    if escrow.outcome is not None and escrow.outcome.state == "EXECUTED":
        yield Station.RELEASED, escrow.outcome.at


def _pledge(seen: DocumentView | None) -> str:
    if seen is None:
        return ""
    pledges = [p for p in seen.title.pledges if p.ended_how != "refused"]
    live = [p for p in pledges if p.ended_at is None]
    if live:
        return "taken" if all(p.taken_at for p in live) else "offered"
    return "ended" if pledges else ""


def _loan_state(cover: Cover | None) -> str:
    """As the ledger says: a loan on which nothing is owed any more is repaid, though the evening writes it down."""
    if cover is None:
        return ""
    lent = cover.state not in {*DRAW_ENDED, DrawState.REQUESTED, DrawState.RESERVED}
    return str(DrawState.REPAID if lent and not cover.owed.total else cover.state)


def _foremost(found: Sequence[PaymentView]) -> PaymentView | None:
    """The payment that something hangs on: one that is not ended, else one that was credited, else the newest."""
    order = {State.CREDITED: 1, State.RETURNED: 2}
    return min(found, key=lambda p: order.get(p.state, 0), default=None)


def _stakes(
    seen: DocumentView | None, cover: Cover | None, payment: PaymentView | None, reached: dict[Station, datetime], on: date
) -> Stakes:
    value = seen.content.get("value") if seen else None
    goods = (int(value["minor"]), str(value["currency"])) if isinstance(value, dict) and {"minor", "currency"} <= set(value) else None
    until = reached[Station.DELIVERED].date() if Station.DELIVERED in reached else on
    lent = cover is not None and cover.owed.total > 0
    return Stakes(
        goods, (cover.owed.total, cover.currency) if cover and lent else None,
        (payment.amount, payment.currency) if payment and payment.state not in FINAL else None,
        max((until - seen.title.issued_at.date()).days, 0) if seen else None, cover.ends_on if cover and lent else None,
        cover.overdue_days if cover else 0,
    )  # fmt: skip


def _of_sender(payment: PaymentLine) -> Boxes:
    return boxes(Facts(part=Part.SENDER, payment=str(payment.state)))
