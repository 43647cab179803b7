"""Everything that can be asked about titles. Answers are plain values, never ORM rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q

from luhai.core.parties import queries as parties
from luhai.kernel.folding import fold
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent
from luhai.shell.api import cursor_of, instant, known, read_cursor
from luhai.shell.query import SIGNED_IN, query

from . import chain, forms, policy
from .lifecycle import FINAL, LIVE, Act, Form, Kind, Who
from .lifecycle import State as State
from .models import Claim, Custody, Event, Key, Lot, Order, Pledge, Review, Title, Version


@dataclass(frozen=True, slots=True)
class Name:
    """A party as pages show it."""

    id: UUID
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class PledgeView:
    id: UUID
    title_id: UUID
    pledgee: Name
    pledgor_id: UUID
    given: int
    quantity: int
    secured_minor: int | None
    currency: str
    registration: str
    affiliated: bool  # the pledgor said that the warehouse is itself or an affiliate
    pledged_at: datetime
    taken_at: datetime | None  # its pledgee's first act on it; until then it may be refused
    ended_at: datetime | None
    ended_how: str


@dataclass(frozen=True, slots=True)
class TitleView:
    """A title as far as deciding and showing go. Quantities in whole `unit`s; money in minor units."""

    id: UUID
    kind: Kind
    state: State
    state_before: State | None
    form: Form
    subject_key: str
    subject: dict[str, Any]
    quantity: int
    unit: str
    delivered: int
    pledged: int
    asked: int
    issuer_id: UUID
    holder_id: UUID
    beneficiary_id: UUID
    nominee_id: UUID | None
    issuer: Name
    holder: Name
    beneficiary: Name
    nominee: Name | None
    keeper: UUID | None
    root_id: UUID
    origin_id: UUID | None
    lot_id: UUID | None
    version: int
    paper_no: str
    due_on: date | None
    profile: str
    n: int
    head: str
    issued_at: datetime
    acted_at: datetime
    pledges: tuple[PledgeView, ...] = ()
    parts: tuple[UUID, ...] = ()
    may: tuple[Act, ...] = ()  # what the viewer's party may try next
    relations: tuple[Who, ...] = ()  # what the viewer's party is to it

    @property
    def live(self) -> bool:
        return self.state not in FINAL


@dataclass(frozen=True, slots=True)
class Titles:
    items: tuple[TitleView, ...]
    next: str


@dataclass(frozen=True, slots=True)
class EventView:
    """`effect` is control after the act. `by` names the acting party."""

    n: int
    act: Act
    after: State
    by: Name
    at: datetime
    details: dict[str, Any]
    effect: dict[str, Any]
    digest: str
    signed_with: str  # profile of the signature, or ""


@dataclass(frozen=True, slots=True)
class CustodyView:
    event: str
    custodian: Name
    place: str
    reference: str
    happened_at: datetime
    contradicts: bool
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class VersionView:
    version: int
    content: dict[str, Any]
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderView:
    id: UUID
    title_id: UUID
    act: Act
    document: str
    reason: str
    entered_by: UUID
    entered_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReviewView:
    id: UUID
    title_id: UUID
    number: str
    like_number: str
    kind: Kind
    reason: str
    asked_by: Name
    asked_at: datetime
    cleared_at: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class KeyView:
    id: UUID
    party_id: UUID
    profile: str
    public: str
    name: str
    registered_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class LotView:
    id: UUID
    place: dict[str, str]
    unit: str
    on_hand: int
    receipted: int
    short: bool
    counted_at: datetime


@query(may=SIGNED_IN)
def title(*, title_id: UUID, viewer: Actor) -> TitleView:
    """One title with its pledges, parts, and what the viewer may do next. Refuses: Absent (also when it may not be seen)."""
    parts = Title.objects.filter(origin_title_id=OuterRef("pk")).order_by("issued_at", "branch").values("pk")
    row = _rows().filter(pk=title_id).annotate(its_parts=ArraySubquery(parts)).order_by().first()
    if row is None:
        raise Absent(kind="title")
    pledges = list(Pledge.objects.filter(title=row).select_related("pledgee").order_by("pledged_at", "id"))
    return _view(row, viewer, pledges, tuple(row.its_parts))


@query(may=SIGNED_IN)
def titles(
    *, kind: str = "", state: str = "", relation: str = "", live: bool | None = None, number: str = "",
    cursor: str = "", limit: int = 50, viewer: Actor,
) -> Titles:  # fmt: skip
    """Titles that the viewer may see, last acted on first; a cursor continues.

    `relation` (issuer, holder, beneficiary, pledgee) narrows to those in which the viewer's party is that.
    Refuses: Invalid (kind, state, relation, cursor).
    """
    rows = _rows().order_by("-acted_at", "-id")
    if viewer.party_id is not None and viewer.role not in {Role.OPERATOR, Role.SUPERVISOR}:
        rows = rows.filter(seen_by__contains=[viewer.party_id])  # the policy says the same; this finds the index
    if kind:
        rows = rows.filter(kind=known("kind", kind, [k.value for k in Kind]))
    if state:
        rows = rows.filter(state=known("state", state, [s.value for s in State]))
    if live is not None:
        rows = rows.filter(state__in=LIVE if live else sorted(FINAL))
    if number:
        rows = rows.filter(number=fold(number))
    if relation:
        mine = viewer.party_id
        rows = rows.filter(
            {
                "issuer": Q(issuer_id=mine), "holder": Q(holder_id=mine), "beneficiary": Q(beneficiary_id=mine),
                "pledgee": Q(pk__in=Pledge.objects.filter(pledgee_id=mine, ended_at=None).values("title_id")),
            }[known("relation", relation, ["issuer", "holder", "beneficiary", "pledgee"])]
        )  # fmt: skip
    after = read_cursor(cursor, instant, UUID)
    if after is not None:
        rows = rows.filter(Q(acted_at__lt=after[0]) | Q(acted_at=after[0], pk__lt=after[1]))
    found = list(rows[: limit + 1])
    pledges: dict[UUID, list[Pledge]] = {}
    for row in Pledge.objects.filter(title__in=found[:limit], ended_at=None).select_related("pledgee").order_by("id"):
        pledges.setdefault(row.title_id, []).append(row)
    more = cursor_of(found[limit - 1].acted_at.isoformat(), found[limit - 1].pk) if len(found) > limit else ""
    return Titles(tuple(_view(r, viewer, pledges.get(r.pk, [])) for r in found[:limit]), more)


@query(may=SIGNED_IN)
def events(*, title_id: UUID, viewer: Actor) -> list[EventView]:
    """What was done to a title, first to last. Refuses: Absent."""
    _seen(title_id)
    rows = list(Event.objects.filter(title_id=title_id).order_by("n"))
    bodies = [json.loads(row.body) for row in rows]
    names = _names((row.actor_party for row in rows), viewer)
    return [
        EventView(
            row.n, Act(row.act), State(body["after"]), names[row.actor_party], row.at,
            body["details"], body["effect"], row.digest, body.get("key", {}).get("profile", ""),
        )
        for row, body in zip(rows, bodies, strict=True)
    ]  # fmt: skip


@query(may=SIGNED_IN)
def export(*, title_id: UUID, viewer: Actor) -> bytes:
    """The file that proves the title's chain without the registry (see chain.py). Refuses: Absent."""
    row = _seen(title_id)
    pairs = Event.objects.filter(title_id=title_id).order_by("n").values_list("digest", "body")
    return chain.export(title_id, row.profile, list(pairs))


@query(may=SIGNED_IN)
def statement(
    *, title_id: UUID, act: str, details: dict[str, Any], viewer: Actor
) -> tuple[bytes, str]:
    """What to sign for the next act on a title, and the digest it follows (`previous`). Refuses: Absent, Invalid."""
    row = _seen(title_id)
    done = Act(known("act", act, [a.value for a in policy.DETAILS]))
    said = policy.read_details(done, details)
    return chain.statement(title=title_id, n=row.n + 1, act=done, details=said, previous=row.head), row.head


@query(may=SIGNED_IN)
def versions(*, title_id: UUID, viewer: Actor) -> list[VersionView]:
    """What the document said, version by version. Refuses: Absent."""
    _seen(title_id)
    rows = Version.objects.filter(title_id=title_id).order_by("version")
    return [VersionView(r.version, r.content, r.digest, r.at) for r in rows]


@query(may=SIGNED_IN)
def custody(*, title_id: UUID, viewer: Actor) -> list[CustodyView]:
    """Where the goods were reported to be, first to last. Refuses: Absent."""
    _seen(title_id)
    rows = list(Custody.objects.filter(title_id=title_id).order_by("happened_at", "pk"))
    names = _names((r.custodian for r in rows), viewer)
    return [
        CustodyView(r.event, names[r.custodian], r.place, r.reference, r.happened_at, r.contradicts, r.reported_at)
        for r in rows
    ]


@query(may=SIGNED_IN)
def pledge_book(*, live: bool = True, viewer: Actor) -> list[PledgeView]:
    """Pledges of which the viewer's party is pledgee (for who sees everything: all), oldest first; at most 1,000."""
    rows = Pledge.objects.select_related("pledgee").order_by("pledged_at", "id")
    if viewer.party_id is not None and viewer.role not in {Role.OPERATOR, Role.SUPERVISOR}:
        rows = rows.filter(pledgee_id=viewer.party_id)
    if live:
        rows = rows.filter(ended_at=None)
    return [_pledge_view(r) for r in rows[:1000]]


@query(may=SIGNED_IN)
def keys(*, party_id: UUID | None = None, viewer: Actor) -> list[KeyView]:
    """Public keys of a party (the viewer's own, unless named), newest first."""
    whose = party_id or viewer.party_id
    if whose is None:
        return []
    rows = Key.objects.filter(party_id=whose).order_by("-registered_at", "id")
    return [KeyView(r.pk, r.party_id, r.profile, r.public, r.name, r.registered_at, r.revoked_at) for r in rows]


@query(may=SIGNED_IN)
def reviews(*, open_only: bool = True, viewer: Actor) -> list[ReviewView]:
    """Numbers that may be edited ones: for operator and supervisor all, for an issuer its own; oldest first, at most 500."""
    rows = Review.objects.select_related("title").order_by("asked_at", "id")
    if open_only:
        rows = rows.filter(cleared_at=None)
    found = list(rows[:500])
    names = _names((r.asked_by for r in found), viewer)
    return [
        ReviewView(
            r.pk, r.title_id, r.number, r.title.number, Kind(r.title.kind), r.reason, names[r.asked_by], r.asked_at,
            r.cleared_at, r.why,
        )
        for r in found
    ]  # fmt: skip


@query(may=SIGNED_IN)
def orders(*, title_id: UUID | None = None, open_only: bool = False, viewer: Actor) -> list[OrderView]:
    """Orders of courts and authorities over titles that the viewer may see, oldest first; at most 500."""
    rows = Order.objects.order_by("entered_at", "id")
    if title_id is not None:
        rows = rows.filter(title_id=title_id)
    if open_only:
        rows = rows.filter(confirmed_at=None)
    return [
        OrderView(r.pk, r.title_id, Act(r.act), r.document, r.reason, r.entered_by, r.entered_at, r.confirmed_at)
        for r in rows[:500]
    ]


@query(may=SIGNED_IN)
def lots(*, viewer: Actor) -> list[LotView]:
    """Lots of the viewer's warehouse (for who sees everything: all), by place; at most 1,000."""
    rows = Lot.objects.order_by("counted_at", "id")[:1000]
    return [LotView(r.pk, r.place, r.unit, r.on_hand, r.receipted, r.short, r.counted_at) for r in rows]


@query(may=SIGNED_IN)
def keys_of_claims(*, title_id: UUID, viewer: Actor) -> list[tuple[str, str]]:
    """The keys that the title's root occupies: (sort, digest); digests can be shared without saying what they stand for."""
    row = _seen(title_id)
    return list(Claim.objects.filter(root_id=row.root_id).order_by("sort", "digest").values_list("sort", "digest"))


@query(may=SIGNED_IN)
def form(*, title_id: UUID, which: str, platform: str, viewer: Actor) -> dict[str, Any]:
    """The title in the form of another system: "tradetrust" or "dcsa" (see forms.py). Refuses: Absent, Invalid, NoSuchForm."""
    numbers: dict[UUID, dict[str, str]] = {}
    view = title(title_id=title_id, viewer=viewer)
    done = events(title_id=title_id, viewer=viewer)
    named = {view.issuer_id, view.holder_id, view.beneficiary_id, *(p.pledgee.id for p in view.pledges)}
    for event in done:
        named.add(event.by.id)
        named |= {UUID(event.details[f]) for f in ("to", "beneficiary", "pledgee", "holder") if f in event.details}
        named |= {UUID(event.effect[f]) for f in ("holder", "beneficiary")}
    names: dict[UUID, Name] = {}
    for key in named:
        try:
            found = parties.party(party_id=key, viewer=viewer)
        except Absent:  # an authority's person, who acted for no party
            names[key], numbers[key] = Name(key, "", ""), {}
            continue
        names[key], numbers[key] = Name(key, found.name_zh, found.name_en), dict(found.identifiers)
    content = versions(title_id=title_id, viewer=viewer)[-1].content
    return forms.write(which, view, done, names, numbers, content, platform=platform)


# --- for commands of this subject -----------------------------------------------------------------------------------


def control_of(row: Title) -> policy.Control:
    return policy.Control(
        id=row.pk, kind=Kind(row.kind), n=row.n, state=State(row.state),
        state_before=State(row.state_before) if row.state_before else None, form=Form(row.form),
        prev_form=Form(row.prev_form) if row.prev_form else None, issuer_id=row.issuer_id, holder_id=row.holder_id,
        beneficiary_id=row.beneficiary_id, nominee_id=row.nominee_id, prev_holder_id=row.prev_holder_id,
        prev_beneficiary_id=row.prev_beneficiary_id, quantity=row.quantity, delivered=row.delivered,
        pledged=row.pledged, asked=row.asked, version=row.version, content_digest=row.content_digest,
        paper_no=row.paper_no, keeper=row.keeper, kept_control=row.kept_control,
        kept_pledgees=tuple(row.kept_pledgees),
    )  # fmt: skip


def pledges_of(row: Title) -> list[policy.Pledge]:
    """The live pledges, in the order in which they were made; none are looked for where nothing is pledged."""
    if not row.pledged:
        return []
    found = Pledge.objects.filter(title=row, ended_at=None).order_by("pledged_at", "id")
    return [_live_pledge(p) for p in found]


def _live_pledge(p: Pledge) -> policy.Pledge:
    return policy.Pledge(p.pk, p.pledgee_id, p.quantity, p.taken_at is not None)


# --- inside ---------------------------------------------------------------------------------------------------------


def _rows() -> Any:
    return Title.objects.select_related("issuer", "holder", "beneficiary", "nominee")


def _seen(title_id: UUID) -> Title:
    row = Title.objects.filter(pk=title_id).first()
    if row is None:
        raise Absent(kind="title")
    return row


def _view(row: Title, viewer: Actor, pledges: list[Pledge], parts: tuple[UUID, ...] = ()) -> TitleView:
    control = control_of(row)
    live = [_live_pledge(p) for p in pledges if p.ended_at is None]
    mine = policy.relations(control, live, viewer.party_id)
    return TitleView(
        id=row.pk, kind=control.kind, state=control.state, state_before=control.state_before, form=control.form,
        subject_key=f"{row.key}{row.branch}", subject=dict(row.subject), quantity=row.quantity, unit=row.unit,
        delivered=row.delivered, pledged=row.pledged, asked=row.asked, issuer_id=row.issuer_id, holder_id=row.holder_id,
        beneficiary_id=row.beneficiary_id, nominee_id=row.nominee_id, issuer=_named(row.issuer), holder=_named(row.holder),
        beneficiary=_named(row.beneficiary), nominee=_named(row.nominee) if row.nominee_id else None, keeper=row.keeper,
        root_id=row.root_id, origin_id=row.origin_title_id, lot_id=row.lot_id, version=row.version,
        paper_no=row.paper_no, due_on=row.due_on, profile=row.profile, n=row.n, head=row.head, issued_at=row.issued_at,
        acted_at=row.acted_at, pledges=tuple(_pledge_view(p) for p in pledges), parts=parts,
        may=tuple(policy.possible(control, live, viewer.party_id)), relations=tuple(sorted(mine)),
    )  # fmt: skip


def _named(party: Any) -> Name:
    return Name(party.pk, party.name_zh or party.name_en, party.name_en or party.name_zh)


def _names(ids: Iterable[UUID], viewer: Actor) -> dict[UUID, Name]:
    """Names of parties by id; what is no party (a person who acts for none) has no name."""
    wanted = set(ids)
    found: dict[UUID, Name] = {key: Name(key, "", "") for key in wanted}
    left = set(wanted)
    for kind in ("company", "institution", "agency"):
        if left:
            for p in parties.parties(kind=kind, ids=left, limit=len(left), viewer=viewer):
                found[p.id] = Name(p.id, p.name_zh or p.name_en, p.name_en or p.name_zh)
                left.discard(p.id)
    return found


def _pledge_view(p: Pledge) -> PledgeView:
    return PledgeView(
        p.pk, p.title_id, _named(p.pledgee), p.pledgor, p.given, p.quantity, p.secured_minor, p.currency, p.registration,
        p.affiliated, p.pledged_at, p.taken_at, p.ended_at, p.ended_how,
    )  # fmt: skip
