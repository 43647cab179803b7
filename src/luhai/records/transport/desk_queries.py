"""What a carrier, and whoever else has to do with documents, must do next; and the goods that somebody keeps without seeing the title."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import F

from luhai.core.titles import queries as titles
from luhai.core.titles.queries import Name
from luhai.kernel.origin import SYSTEM, Actor
from luhai.kernel.refusal import Absent
from luhai.shell.context import as_system
from luhai.shell.query import SIGNED_IN, query

from . import policy, queries
from .models import Document, Movement, Release, Signal
from .queries import Row

_ENDED = ("DELIVERED", "SPLIT", "MERGED", "VOID")


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for the viewer's party.

    `kind`: deliver, amend (answer the holder), give_out (goods, on the issuer's order), sign (an agreement), late (no event at the
    destination although the goods are due), signal (something is wrong). `id` is the title's, of `sign` the agreement's.
    """

    kind: str
    id: UUID
    number: str
    at: datetime | None = None
    due_on: date | None = None
    party: Name | None = None  # who asks, or who may take the goods
    containers: tuple[str, ...] = ()
    signal: str = ""


@dataclass(frozen=True, slots=True)
class Last:
    """The last event of the goods."""

    code: str
    name: str
    place: str
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class DeskRow:
    document: Row
    last: Last | None
    custodian: Name
    issued_by_viewer: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """Goods that the viewer's party has, or that its order is about, although the title is none of its business."""

    id: UUID
    document: str
    number: str
    issuer: Name
    origin: str
    destination: str
    containers: tuple[str, ...]
    seals: dict[str, list[str]]
    due_on: date | None
    last: Last | None
    orders: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    items: tuple[DeskRow, ...]
    tasks: tuple[Task, ...]
    kept: tuple[Kept, ...]
    next: str


@query(may=SIGNED_IN)
def desk(
    *, on: date, number: str = "", container: str = "", signalled: bool = False, cursor: str = "", limit: int = 20, viewer: Actor
) -> Desk:  # fmt: skip
    """The desk of the viewer's party on a day: documents that it may see, goods that it keeps, and what waits for it."""
    found = queries.documents(
        number=number, container=container, signalled=signalled, cursor=cursor, limit=limit, viewer=viewer
    )
    ids = [d.id for d in found.items]
    last = _last(ids)
    custodians = dict(Document.objects.filter(pk__in=ids).values_list("pk", "custodian"))
    names = queries.names_of(set(custodians.values()), viewer)
    rows = tuple(
        DeskRow(d, last.get(d.id), names[custodians[d.id]], d.issuer.id == viewer.party_id) for d in found.items
    )
    if cursor:
        return Desk(rows, (), (), found.next)
    return Desk(rows, tuple(_tasks(on, viewer)), tuple(_kept(viewer)), found.next)


def _tasks(on: date, viewer: Actor) -> Iterable[Task]:
    """First what others wait for, then what is wrong."""
    party = viewer.party_id
    if party is None:
        return
    yield from _answers("DELIVERY_ASKED", "deliver", viewer)
    yield from _answers("AMENDMENT_ASKED", "amend", viewer)
    yield from _answers("AMENDING", "amend", viewer)
    yield from _orders(viewer)
    for a in queries.agreements(state="proposed", viewer=viewer):
        if a.to_sign:
            yield Task("sign", a.id, a.number, at=a.proposed_at, party=a.proposed_by)
    late = Document.objects.filter(issuer_id=party, due_on__lt=on).exclude(title__state__in=_ENDED)
    there = Movement.objects.filter(document__issuer_id=party, place=F("document__destination"), corrected_by=None)
    for d in late.exclude(pk__in=there.values("document_id")).order_by("due_on", "pk")[:50]:
        yield Task("late", d.pk, d.number, due_on=d.due_on)
    wrong = Signal.objects.select_related("document").exclude(document__title__state__in=_ENDED).filter(movement__corrected_by=None)
    for s in wrong.order_by("-at", "kind")[:20]:
        yield Task("signal", s.document_id, s.document.number, at=s.at, signal=s.kind)


def _answers(state: str, kind: str, viewer: Actor) -> Iterable[Task]:
    """Documents, or parts of them, on which the viewer's party must answer as their issuer."""
    asked = titles.titles(kind="transport_document", state=state, relation="issuer", limit=100, viewer=viewer).items
    ours = set(Document.objects.filter(pk__in={t.root_id for t in asked}).values_list("pk", flat=True))
    for t in asked:
        if t.root_id in ours:
            yield Task(kind, t.id, str(t.subject.get("number", "")), at=t.acted_at, party=t.holder)


def _orders(viewer: Actor, document: UUID | None = None) -> list[Task]:
    """Orders to give out goods that the viewer's party has. Runs as the system: who keeps goods does not see the title."""
    if viewer.party_id is None:
        return []
    with as_system():
        rows = Release.objects.filter(custodian=viewer.party_id, done_at=None).select_related("document", "receiver")
        if document is not None:
            rows = rows.filter(document_id=document)
        return [
            Task(
                "give_out", r.document_id, r.document.number, at=r.ordered_at, containers=tuple(r.left),
                party=Name(r.receiver.pk, r.receiver.name_zh, r.receiver.name_en),
            )
            for r in rows.order_by("ordered_at")[:100]
        ]  # fmt: skip


def _kept(viewer: Actor) -> list[Kept]:
    if viewer.party_id is None:
        return []
    with as_system():
        rows = Document.objects.filter(custodian=viewer.party_id).exclude(issuer_id=viewer.party_id)
        here = [d.pk for d in rows.order_by("-issued_at", "-pk")[:100]]
    found = [_goods(key, viewer) for key in here]
    return [k for k in found if k.orders or k.last is None or k.last.code not in policy.LEAVES or k.last.place != k.destination]


@query(may=SIGNED_IN)
def goods(*, title_id: UUID, viewer: Actor) -> Kept:
    """The goods of a document, for who has them. It learns nothing of who controls the title. Refuses: Absent (to all others)."""
    with as_system():
        try:
            root = titles.title(title_id=title_id, viewer=SYSTEM).root_id
        except Absent:
            raise Absent(kind="document") from None
        mine = Document.objects.filter(pk=root, custodian=viewer.party_id).exists() if viewer.party_id else False
    if not mine:
        raise Absent(kind="document")
    return _goods(root, viewer)


def _goods(key: UUID, viewer: Actor) -> Kept:
    with as_system():
        d = Document.objects.select_related("issuer").get(pk=key)
        last = _last([key]).get(key)
    return Kept(
        d.pk, d.document, d.number, Name(d.issuer.pk, d.issuer.name_zh, d.issuer.name_en), d.origin, d.destination, tuple(d.containers),
        {k: list(v) for k, v in d.seals.items()}, d.due_on, last, tuple(_orders(viewer, key)),
    )  # fmt: skip


def _last(ids: list[UUID]) -> dict[UUID, Last]:
    rows = Movement.objects.filter(document__in=ids, corrected_by=None).order_by("document", "-happened_at", "-reported_at")
    return {
        m.document_id: Last(m.code, policy.CODES[m.code].name, m.place, m.happened_at) for m in rows.distinct("document")
    }


@query(may=SIGNED_IN)
def usable_agreements(*, on: date, viewer: Actor) -> list[queries.AgreementView]:
    """Agreements in force on a day on which the viewer's party may rest a document: it signed them as carrier or forwarder."""
    rows = queries.agreements(state="in_force", viewer=viewer)
    return [
        a for a in rows
        if a.starts_on <= on and (a.ends_on is None or on <= a.ends_on)
        and any(s.party.id == viewer.party_id and s.role in policy.ISSUERS for s in a.signatories)
    ]  # fmt: skip
