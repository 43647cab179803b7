"""Everything that can be asked about transport documents. Answers are plain values, never ORM rows."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from luhai.core.parties import queries as parties
from luhai.core.rules import queries as rules
from luhai.core.rules.parameters import NoValueThen
from luhai.core.titles import queries as titles
from luhai.core.titles.queries import Name, TitleView
from luhai.kernel.origin import Actor
from luhai.kernel.refusal import Absent, Invalid
from luhai.shell.api import cursor_of, instant, known, read_cursor
from luhai.shell.query import SIGNED_IN, query

from . import bill as bills
from . import policy
from .bill import OneBill
from .forms import foreign
from .lifecycle import State
from .models import Agreement, Document, Movement, Release, Signal, Signatory
from .route import route_of


@dataclass(frozen=True, slots=True)
class SignatoryView:
    party: Name
    role: str
    signed_at: datetime | None
    signed_with: str  # profile of its key, or ""


@dataclass(frozen=True, slots=True)
class AgreementView:
    id: UUID
    number: str
    version: int
    replaces: UUID | None
    text: str
    digest: str
    starts_on: date
    ends_on: date | None
    state: State
    reason: str
    proposed_by: Name
    proposed_at: datetime
    changed_at: datetime
    signatories: tuple[SignatoryView, ...]
    to_sign: bool  # the viewer's party has not signed yet


@dataclass(frozen=True, slots=True)
class Row:
    """A document in a list."""

    id: UUID
    document: str
    number: str
    state: str  # of its title
    form: str
    origin: str
    destination: str
    issuer: Name
    holder: Name
    containers: tuple[str, ...]
    due_on: date | None
    signals: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Documents:
    items: tuple[Row, ...]
    next: str


@dataclass(frozen=True, slots=True)
class MovementView:
    id: UUID
    code: str
    name: str
    container: str
    place: str
    custodian: Name
    happened_at: datetime
    seals: tuple[str, ...] | None
    found_kg: str
    reason: str
    evidence: tuple[UUID, ...]
    corrects: UUID | None
    corrected_by: UUID | None
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class SignalView:
    kind: str
    name: str
    facts: dict[str, Any]
    movement: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class ReleaseView:
    id: UUID
    title_id: UUID
    receiver: Name
    custodian: Name
    containers: tuple[str, ...]
    left: tuple[str, ...]
    ordered_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class DocumentView:
    """`content` is the data set in its present version. `lost_on`: from that day rail cargo not delivered may be claimed as lost."""

    title: TitleView
    document: str
    agreement: AgreementView | None
    binds_only_parties: (
        bool  # RB-6: its effect is a contract's, so creditors and courts outside it are not bound
    )
    content: dict[str, Any]
    seals: dict[str, list[str]]
    custodian: Name
    due_on: date | None
    lost_on: date | None
    remarks: tuple[tuple[str, str], ...]  # of the insurance: (field, what is odd)
    movements: tuple[MovementView, ...]
    signals: tuple[SignalView, ...]
    releases: tuple[ReleaseView, ...]


@query(may=SIGNED_IN)
def documents(
    *,
    number: str = "",
    container: str = "",
    signalled: bool = False,
    cursor: str = "",
    limit: int = 50,
    viewer: Actor,
) -> Documents:
    """Documents whose title the viewer may see, newest first; of a number, of a container, or with signals only."""
    if not 1 <= limit <= 200:
        raise Invalid(field="limit", problem="from 1 to 200")
    rows = Document.objects.select_related("title__holder", "issuer").order_by("-issued_at", "-title_id")
    if number:
        rows = rows.filter(number=number)
    if container:
        rows = rows.filter(containers__contains=[container])
    if signalled:
        rows = rows.filter(title_id__in=Signal.objects.values("document_id"))
    after = read_cursor(cursor, instant, UUID)
    if after is not None:
        rows = rows.filter(Q(issued_at__lt=after[0]) | Q(issued_at=after[0], title_id__lt=after[1]))
    found = list(rows[: limit + 1])
    counts: dict[UUID, int] = {}
    for key in Signal.objects.filter(document__in=[d.pk for d in found]).values_list(
        "document_id", flat=True
    ):
        counts[key] = counts.get(key, 0) + 1
    following = (
        cursor_of(found[limit - 1].issued_at.isoformat(), found[limit - 1].pk) if len(found) > limit else ""
    )
    return Documents(tuple(_row(d, counts.get(d.pk, 0)) for d in found[:limit]), following)


def _row(d: Document, signals: int) -> Row:
    t = d.title
    return Row(
        d.pk, d.document, d.number, t.state, t.form, d.origin, d.destination, _name(d.issuer), _name(t.holder),
        tuple(d.containers), d.due_on, signals, d.issued_at,
    )  # fmt: skip


@query(may=SIGNED_IN)
def document(*, title_id: UUID, viewer: Actor) -> DocumentView:
    """A document with its title, agreement, goods and signals; of a part of a title, the document it was split from.

    Refuses: Absent (also when the title may not be seen)."""
    title = titles.title(title_id=title_id, viewer=viewer)
    row = Document.objects.filter(pk=title.root_id).first()
    if row is None:
        raise Absent(kind="document")
    content = titles.versions(title_id=title_id, viewer=viewer)[-1].content
    bill = _read(content)
    moves = list(Movement.objects.filter(document=row).order_by("happened_at", "reported_at"))
    corrected = {m.corrects_id: m.pk for m in moves if m.corrects_id}
    releases = list(Release.objects.filter(document=row).order_by("ordered_at"))
    names = names_of(
        {
            row.custodian,
            *(m.custodian for m in moves),
            *(r.custodian for r in releases),
            *(r.receiver_id for r in releases),
        },
        viewer,
    )
    agreement = Agreement.objects.filter(pk=row.agreement_id).first() if row.agreement_id else None
    on = title.acted_at.date()
    return DocumentView(
        title=title, document=row.document, agreement=_agreement(agreement, viewer) if agreement else None,
        binds_only_parties=bill is not None and bill.basis in ("agreement", "civil_code_840") and bill.negotiable,
        content=content, seals={k: list(v) for k, v in row.seals.items()}, custodian=names[row.custodian], due_on=row.due_on,
        lost_on=_lost_on(row, bill, viewer), remarks=tuple(_remarks(bill, on, viewer)),
        movements=tuple(_movement(m, corrected.get(m.pk), names) for m in moves),
        signals=tuple(
            SignalView(s.kind, policy.SIGNALS[s.kind], dict(s.facts), s.movement_id, s.at)
            for s in Signal.objects.filter(document=row).order_by("at", "kind")
        ),
        releases=tuple(
            ReleaseView(
                r.pk, r.title_id, names[r.receiver_id], names[r.custodian], tuple(r.containers), tuple(r.left), r.ordered_at, r.done_at
            )
            for r in releases
        ),
    )  # fmt: skip


def _lost_on(row: Document, bill: OneBill | None, viewer: Actor) -> date | None:
    if bill is None or row.due_on is None or not any(leg.mode == "rail" for leg in bill.legs):
        return None
    days = (
        rules.parameters(viewer=viewer).value("transport.lost_after_days", row.due_on, None).in_unit("days")
    )
    return row.due_on + timedelta(days=days)


def _remarks(bill: OneBill | None, on: date, viewer: Actor) -> list[tuple[str, str]]:
    if bill is None:
        return []
    try:
        least = rules.parameters(viewer=viewer).value("transport.insured_least", on, None).in_unit("percent")
    except NoValueThen:
        return []
    return policy.insurance_remarks(bill, least_percent=least)


def _read(content: dict[str, Any]) -> OneBill | None:
    """The data set; None where somebody amended the title past us with words of another kind."""
    try:
        return bills.read(content)
    except Invalid:
        return None


@query(may=SIGNED_IN)
def form(*, title_id: UUID, which: str, viewer: Actor) -> dict[str, Any]:
    """The document in a form (luhai, uncefact, dcsa): {form, notes, document}. Refuses: Absent, Invalid, NoSuchForm."""
    view = document(title_id=title_id, viewer=viewer)
    return foreign.write(which, bills.read(view.content))


@query(may=SIGNED_IN)
def imported(*, document: str, viewer: Actor) -> dict[str, Any]:
    """What a document of another platform (base64) says, as the data set that `issue_document` takes: {form, content}.

    Stores nothing. Refuses: Invalid (names the field in the document, or the field of ours that it does not fill)."""
    try:
        data = base64.b64decode(document, validate=True)
    except ValueError:
        raise Invalid(field="document", problem="the bytes of the document in base64") from None
    which, bill = foreign.parse(data)
    return {"form": which, "content": bill.content()}


@query(may=SIGNED_IN)
def agreements(*, state: str = "", viewer: Actor) -> list[AgreementView]:
    """Agreements that the viewer is a party to, changed last first."""
    rows = Agreement.objects.order_by("-changed_at", "id")
    if state:
        rows = rows.filter(state=known("state", state, State))
    return [_agreement(row, viewer) for row in rows[:200]]


@query(may=SIGNED_IN)
def agreement(*, agreement_id: UUID, viewer: Actor) -> AgreementView:
    """One agreement. Refuses: Absent (also to who is no party to it)."""
    row = Agreement.objects.filter(pk=agreement_id).first()
    if row is None:
        raise Absent(kind="agreement")
    return _agreement(row, viewer)


def _agreement(row: Agreement, viewer: Actor) -> AgreementView:
    signed = list(
        Signatory.objects.filter(agreement=row).select_related("party").order_by("role", "party_id")
    )
    names = names_of({row.proposed_by_id}, viewer)
    return AgreementView(
        row.pk, row.number, row.version, row.replaces_id, row.text, row.digest, row.starts_on, row.ends_on, State(row.state), row.reason,
        names[row.proposed_by_id], row.proposed_at, row.changed_at,
        tuple(SignatoryView(_name(s.party), s.role, s.signed_at, (s.signature or {}).get("profile", "")) for s in signed),
        row.state == State.PROPOSED and any(s.party_id == viewer.party_id and s.signed_at is None for s in signed),
    )  # fmt: skip


def _movement(m: Movement, corrected_by: UUID | None, names: dict[UUID, Name]) -> MovementView:
    return MovementView(
        m.pk, m.code, policy.CODES[m.code].name, m.container, m.place, names[m.custodian], m.happened_at,
        tuple(m.seals) if m.seals is not None else None, format(m.found_kg, "f") if m.found_kg is not None else "", m.reason,
        tuple(m.evidence), m.corrects_id, corrected_by, m.reported_at,
    )  # fmt: skip


def _name(party: Any) -> Name:
    return Name(party.pk, party.name_zh, party.name_en)


def names_of(ids: set[UUID], viewer: Actor) -> dict[UUID, Name]:
    found = {}
    for key in ids:
        view = parties.party(party_id=key, viewer=viewer)
        found[key] = Name(key, view.name_zh, view.name_en)
    return found


@query(may=SIGNED_IN)
def route(*, title_id: UUID, viewer: Actor) -> str:
    """By which way the goods of a title travel (route.py); "" where no transport document of ours stands behind it.

    Refuses: Absent (a title that may not be seen).
    """
    title = titles.title(title_id=title_id, viewer=viewer)
    if not Document.objects.filter(pk=title.root_id).exists():
        return ""
    bill = _read(titles.versions(title_id=title_id, viewer=viewer)[-1].content)
    return route_of(bill.legs) if bill else ""
