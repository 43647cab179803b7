"""Everything that can be asked about evidence, its uses, its goods and its consents. Answers are plain values, never ORM rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Case, F, Q, When

from luhai.core.parties import queries as parties
from luhai.kernel.folding import fold
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent
from luhai.shell.api import cursor_of, instant, read_cursor
from luhai.shell.context import as_system
from luhai.shell.query import SIGNED_IN, query

from . import lifecycle, policy, rooms
from .lifecycle import PURPOSE_NAMES as PURPOSE_NAMES
from .lifecycle import ConsentState, State
from .lifecycle import Purpose as Purpose
from .models import Consent, Evidence, Lot, Piece, Receipt, Review, Use
from .rooms import FINANCING, LOT, SETTLEMENT

R = TypeVar("R")

#: What documents are called, for whoever shows them.
KIND_NAMES = lifecycle.KIND_NAMES
OFFICE = (Role.SUPERVISOR, Role.OPERATOR, Role.SYSTEM)


@dataclass(frozen=True, slots=True)
class Named:
    """A party as a page shows it."""

    id: UUID
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class EvidenceView:
    id: UUID
    kind: str
    state: str
    status: str
    external_ref: str
    source: Named
    subject: Named
    amount_minor: int | None
    currency: str
    dated: date
    version: int
    received_at: datetime
    changed_at: datetime
    lot_id: UUID | None
    format: str


@dataclass(frozen=True, slots=True)
class EvidencePage:
    items: list[EvidenceView]
    next: str


@dataclass(frozen=True, slots=True)
class PieceView:
    """One version as it came. `parties` are [role, name, {scheme: number}, country]; `references` [kind, value]."""

    version: int
    source: Named
    format: str
    schema_version: str
    external_ref: str
    status: str
    amount_minor: int | None
    currency: str
    digest: str
    own_digest: str
    signed: bool
    dated: date | None
    observed_at: datetime
    received_at: datetime
    parties: list[Any]
    references: list[Any]
    warnings: list[Any]
    payload: Any


@dataclass(frozen=True, slots=True)
class Facts:
    """What a condition or a check may ask of a piece of evidence, as it stands now."""

    evidence_id: UUID
    kind: str
    state: str
    status: str
    version: int
    subject_id: UUID
    source_id: UUID
    external_ref: str
    amount_minor: int | None
    currency: str
    dated: date
    observed_at: datetime
    received_at: datetime
    references: tuple[tuple[str, str], ...]
    parties: tuple[tuple[str, str, dict[str, str]], ...]


@dataclass(frozen=True, slots=True)
class Remaining:
    """How far a document, or goods, may still be used, and how far they are. Smallest units of `currency`."""

    currency: str
    settlement_left: int
    settlement_used: int
    financing_left: int
    financing_used: int


@dataclass(frozen=True, slots=True)
class UseView:
    """`others` counts the other parties' financing on the same goods; `alert` and `contested` say what happened beneath it."""

    id: UUID
    evidence_id: UUID
    purpose: str
    user: Named
    territory: str | None
    amount: int
    left: int
    currency: str
    alert: str
    contested: int
    others: int
    forms: list[UUID]
    made_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class UsePage:
    items: list[UseView]
    next: str


@dataclass(frozen=True, slots=True)
class LotView:
    """Goods in all their forms. `left` and `used` count all financing on them; `by_kind` what each form would allow."""

    id: UUID
    subject: Named
    currency: str
    left: int
    used: int
    by_kind: dict[str, int]
    forms: list[EvidenceView]
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class LotPage:
    items: list[LotView]
    next: str


@dataclass(frozen=True, slots=True)
class ReviewView:
    id: UUID
    evidence: EvidenceView | None
    external_ref: str
    reason: str
    asked_by: Named
    asked_at: datetime
    outcome: str
    why: str
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConsentView:
    id: UUID
    grantor: Named
    grantee: Named
    purpose: str
    kinds: list[str]
    pieces: list[UUID]
    since: datetime
    until: datetime
    one_off: bool
    abroad: bool
    reviewed: bool
    state: str
    asked_at: datetime | None
    given_at: datetime | None
    withdrawn_at: datetime | None
    terms_digest: str


@dataclass(frozen=True, slots=True)
class ConsentPage:
    items: list[ConsentView]
    next: str


@dataclass(frozen=True, slots=True)
class ReceiptView:
    id: UUID
    evidence_id: UUID
    external_ref: str
    kind: str
    version: int
    reader: Named | None
    purpose: str
    granted: bool
    why: str
    consent_id: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    items: list[ReceiptView]
    next: str


@dataclass(frozen=True, slots=True)
class Totals:
    """All lots of one currency: what may be financed, what is, and what is beyond; and what the accounts say against the rows."""

    currency: str
    available: int
    financed: int
    financed_beyond: int
    differing: int


@query(may=SIGNED_IN)
def evidence(*, evidence_id: UUID, viewer: Actor) -> EvidenceView:
    """One document, without its content. Refuses: Absent, also to whom it does not concern."""
    return _views([_seen(evidence_id)], viewer)[0]


@query(may=SIGNED_IN)
def evidences(
    *, kind: str = "", state: str = "", text: str = "", cursor: str = "", limit: int = 50, viewer: Actor
) -> EvidencePage:
    """The documents that concern the viewer, newest change first. `text` is a number, as written or folded."""
    rows = Evidence.objects.order_by("-changed_at", "-id")
    if kind:
        rows = rows.filter(kind=kind)
    if state:
        rows = rows.filter(state=state)
    if text:
        rows = rows.filter(Q(external_ref__icontains=text) | Q(identity__contains=fold(text) or text))
    if (after := read_cursor(cursor, instant, UUID)) is not None:
        rows = rows.filter(Q(changed_at__lt=after[0]) | Q(changed_at=after[0], pk__lt=after[1]))
    found = list(rows[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return EvidencePage(
        _views(found[:limit], viewer), cursor_of(last.changed_at.isoformat(), last.pk) if last else ""
    )


@query(may=SIGNED_IN)
def pieces(*, evidence_id: UUID, viewer: Actor) -> list[PieceView]:
    """Every version with its content, newest first: for those whom it concerns. Others read, and then ask `disclosed`.

    Refuses: Absent.
    """
    row = Evidence.objects.filter(pk=evidence_id).first()
    if row is None or (viewer.party_id not in row.seen_by and viewer.role is not Role.SYSTEM):
        raise Absent(kind="evidence")
    return _pieces(list(Piece.objects.filter(evidence=row).order_by("-version")), viewer)


@query(may=SIGNED_IN)
def disclosed(*, receipt_id: UUID, viewer: Actor) -> list[PieceView]:
    """What a granted reading shows, the newest version first, while the consent it rests on is in force.

    Refuses: Absent: the receipt is another's, was a refusal, or its consent has ended.
    """
    receipt = Receipt.objects.filter(pk=receipt_id, granted=True, reader_id=viewer.party_id).first()
    if receipt is None:
        raise Absent(kind="receipt")
    rows = list(
        Piece.objects.filter(evidence=receipt.evidence_id, version__lte=receipt.version).order_by("-version")
    )  # the database looks at the consent again
    if not rows:
        raise Absent(kind="receipt")
    return _pieces(rows, viewer)


#: The fields of `Facts`, in their order.
_FACTS = (
    "evidence_id", "evidence__kind", "evidence__state", "status", "evidence__version", "evidence__subject_id", "evidence__source_id",
    "evidence__external_ref", "evidence__amount_minor", "evidence__currency", "evidence__dated", "observed_at", "evidence__received_at",
    "references", "parties",
)  # fmt: skip


@query(may=SIGNED_IN)
def facts(*, evidence_id: UUID, viewer: Actor) -> Facts:
    """What stands now, for conditions and checks. Refuses: Absent."""
    # In one statement, and without what came: the newest version that is not a taking back, or else the newest.
    newest = Case(When(amount_minor__gte=0, then=0), default=1), F("version").desc()
    row = Piece.objects.filter(evidence=evidence_id).order_by(*newest).values_list(*_FACTS).first()
    if row is None:
        raise Absent(kind="evidence")
    *stands, references, named = row
    stands += [tuple((k, v) for k, v in references), tuple((r, n, dict(i)) for r, n, i, _ in named)]
    return Facts(*stands)


@query(may=SIGNED_IN)
def remaining(*, evidence_id: UUID, viewer: Actor) -> Remaining:
    """How far a document may still be used: what its own face and the other forms of its goods leave. Refuses: Absent."""
    row = _seen(evidence_id)
    wanted = [(row.pk, SETTLEMENT), (row.pk, FINANCING), *([(row.lot_id, LOT)] if row.lot_id else [])]
    with as_system():
        found = rooms.read(wanted)
    settled, financed = found[row.pk, SETTLEMENT], found[row.pk, FINANCING]
    left = min(financed.left, found[row.lot_id, LOT].left) if row.lot_id else 0
    return Remaining(row.currency, settled.left, settled.used, left, financed.used)


@query(may=SIGNED_IN)
def uses(
    *,
    evidence_id: UUID | None = None,
    only_open: bool = False,
    cursor: str = "",
    limit: int = 50,
    viewer: Actor,
) -> UsePage:
    """Uses that the viewer made, or that stand on evidence about it, newest first."""
    rows = Use.objects.order_by("-made_at", "-id")
    if evidence_id is not None:
        rows = rows.filter(Q(evidence=evidence_id) | Q(forms__contains=[evidence_id]))
    if only_open:
        rows = rows.filter(freed__lt=F("amount"))
    if (after := read_cursor(cursor, instant, UUID)) is not None:
        rows = rows.filter(Q(made_at__lt=after[0]) | Q(made_at=after[0], pk__lt=after[1]))
    found = list(rows[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return UsePage(_uses(found[:limit], viewer), cursor_of(last.made_at.isoformat(), last.pk) if last else "")


@query(may=SIGNED_IN)
def use(*, use_id: UUID, viewer: Actor) -> UseView:
    """One use. Refuses: Absent."""
    row = Use.objects.filter(pk=use_id).first()
    if row is None:
        raise Absent(kind="use")
    return _uses([row], viewer)[0]


@query(may=SIGNED_IN)
def lot(*, lot_id: UUID, viewer: Actor) -> LotView:
    """Goods in all their forms, for their owner and for officials. An absorbed lot shows its heir. Refuses: Absent."""
    row = Lot.objects.filter(pk=lot_id).first()
    if row is None:
        raise Absent(kind="lot")
    return _lots([row.merged_into or row], viewer)[0]


@query(may=SIGNED_IN)
def lots(*, cursor: str = "", limit: int = 50, viewer: Actor) -> LotPage:
    """The viewer's goods, newest first."""
    rows = Lot.objects.filter(merged_into=None).exclude(currency="").order_by("-opened_at", "-id")
    if (after := read_cursor(cursor, instant, UUID)) is not None:
        rows = rows.filter(Q(opened_at__lt=after[0]) | Q(opened_at=after[0], pk__lt=after[1]))
    found = list(rows[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return LotPage(
        _lots(found[:limit], viewer), cursor_of(last.opened_at.isoformat(), last.pk) if last else ""
    )


@query(may=SIGNED_IN)
def reviews(*, waiting: bool = True, viewer: Actor) -> list[ReviewView]:
    """Pairs to be told apart: an official sees all, others those they caused; the newest 200."""
    rows = Review.objects.order_by("-asked_at", "id")
    if waiting:
        rows = rows.filter(cleared_at=None)
    found = list(rows[:200])
    seen = {
        v.id: v for v in _views(list(Evidence.objects.filter(pk__in=[r.evidence_id for r in found])), viewer)
    }
    names = _names((r.asked_by_id for r in found), viewer)
    return [
        ReviewView(
            r.pk, seen.get(r.evidence_id), r.external_ref, r.reason, names[r.asked_by_id], r.asked_at, r.outcome, r.why,
            r.cleared_at,
        )
        for r in found
    ]  # fmt: skip


@query(may=SIGNED_IN)
def consents(
    *, moment: datetime, only_open: bool = False, cursor: str = "", limit: int = 50, viewer: Actor
) -> ConsentPage:
    """Consents that the viewer's party gave, was given, asked for or was asked for, newest first; as they stand at `moment`.

    `only_open` leaves out what was declined, withdrawn, or has passed its day.
    """
    rows = Consent.objects.order_by("-since", "-id")
    if only_open:
        rows = rows.filter(declined_at=None, withdrawn_at=None, until__gt=moment)
    if (after := read_cursor(cursor, instant, UUID)) is not None:
        rows = rows.filter(Q(since__lt=after[0]) | Q(since=after[0], pk__lt=after[1]))
    found = list(rows[: limit + 1])
    names = _names((p for r in found[:limit] for p in (r.grantor_id, r.grantee_id)), viewer)
    last = found[limit - 1] if len(found) > limit else None
    following = cursor_of(last.since.isoformat(), last.pk) if last else ""
    return ConsentPage([_consent(r, names, moment) for r in found[:limit]], following)


@query(may=SIGNED_IN)
def consent(*, consent_id: UUID, moment: datetime, viewer: Actor) -> ConsentView:
    """One consent as it stands at `moment`. Refuses: Absent."""
    row = Consent.objects.filter(pk=consent_id).first()
    if row is None:
        raise Absent(kind="consent")
    return _consent(row, _names((row.grantor_id, row.grantee_id), viewer), moment)


@query(may=SIGNED_IN)
def receipts(
    *,
    evidence_id: UUID | None = None,
    about_me: bool = False,
    cursor: str = "",
    limit: int = 50,
    viewer: Actor,
) -> ReceiptPage:
    """Who has read, or was refused, newest first. `about_me` leaves out the viewer's own readings: who has read my data?"""
    rows = Receipt.objects.order_by("-at", "-id")
    if evidence_id is not None:
        rows = rows.filter(evidence=evidence_id)
    if about_me:
        rows = rows.filter(about__contains=[viewer.party_id]).exclude(reader_id=viewer.party_id)
    if (after := read_cursor(cursor, instant, UUID)) is not None:
        rows = rows.filter(Q(at__lt=after[0]) | Q(at=after[0], pk__lt=after[1]))
    found = list(rows[: limit + 1])
    names = _names((r.reader_id for r in found), viewer)
    with (
        as_system()
    ):  # the document's number stands on the receipt of a refusal too; the reader sees its own try only
        known = {e.pk: e for e in Evidence.objects.filter(pk__in=[r.evidence_id for r in found])}
    items = [
        ReceiptView(
            r.pk, r.evidence_id, known[r.evidence_id].external_ref if _may_name(r, viewer) else "",
            known[r.evidence_id].kind, r.version, names.get(r.reader_id), r.purpose, r.granted, r.why, r.consent_id, r.at,
        )
        for r in found[:limit]
    ]  # fmt: skip
    last = found[limit - 1] if len(found) > limit else None
    return ReceiptPage(items, cursor_of(last.at.isoformat(), last.pk) if last else "")


@query(may=[Role.OPERATOR, Role.SUPERVISOR])
def totals(*, viewer: Actor) -> list[Totals]:
    """Recount all financing from the documents and the uses, and hold it against the accounts. One row for each currency."""
    limits: dict[UUID, dict[str, int]] = {}
    for lot_id, kind, limit in Evidence.objects.filter(lot__isnull=False, state=State.LIVE).values_list(
        "lot_id", "kind", "finance_limit"
    ):
        by_kind = limits.setdefault(lot_id, {})
        by_kind[kind] = by_kind.get(kind, 0) + limit
    used: dict[UUID | None, int] = {}
    for lot_id, amount, freed in Use.objects.filter(purpose=Purpose.FINANCING).values_list(
        "lot_id", "amount", "freed"
    ):
        used[lot_id] = used.get(lot_id, 0) + amount - freed
    sums: dict[str, list[int]] = {}
    lots_ = Lot.objects.filter(merged_into=None).exclude(currency="").values_list("pk", "currency")
    for some in _batches(lots_.iterator(), 2_000):
        found = rooms.read((lot_id, LOT) for lot_id, _ in some)
        for lot_id, currency in some:
            room = found[lot_id, LOT]
            available, financed = policy.capacity(limits.get(lot_id, {})), used.get(lot_id, 0)
            counted = sums.setdefault(currency, [0, 0, 0, 0])
            differs = (room.used, room.granted) != (financed, max(available, financed))
            for n, value in enumerate((available, financed, max(financed - available, 0), int(differs))):
                counted[n] += value
    return [Totals(currency, *counted) for currency, counted in sorted(sums.items())]


def _batches(rows: Iterable[R], size: int) -> Iterator[list[R]]:
    """The rows in lists of at most `size`: one question to the accounts for each list, not one for each row."""
    waiting = iter(rows)
    while some := list(islice(waiting, size)):
        yield some


def covering(evidence: Evidence, grantee: UUID | None, purpose: str, at: datetime) -> Consent | str:
    """The consent that lets this party read or use this evidence for this purpose now; or why there is none, from near to far."""
    why = "no_consent"
    order = (
        "no_consent",
        "other_kind",
        "other_purpose",
        "asked",
        "declined",
        "expired",
        "withdrawn",
        "spent",
        "not_reviewed",
    )
    rows = Consent.objects.select_for_update().filter(
        grantor_id__in=policy.concerned(purpose, evidence.subject_id, evidence.about), grantee_id=grantee
    )
    for row in rows.order_by("since", "id"):
        state = state_of(row, at)
        if (row.kinds and evidence.kind not in row.kinds) or (row.pieces and evidence.pk not in row.pieces):
            reason = "other_kind"
        elif row.purpose != purpose:
            reason = "other_purpose"
        elif state is not ConsentState.GIVEN:
            reason = str(state)
        elif row.abroad and row.reviewed_by is None:
            reason = "not_reviewed"
        else:
            return row
        why = max(why, reason, key=order.index)
    return why


def state_of(row: Consent, at: datetime) -> ConsentState:
    """Where a consent stands at a moment: its day is read from the clock, whether or not anybody wrote it down."""
    if row.withdrawn_at is not None:
        return ConsentState.WITHDRAWN
    if row.declined_at is not None:
        return ConsentState.DECLINED
    if row.until <= at:
        return ConsentState.EXPIRED
    if row.given_at is None:
        return ConsentState.ASKED
    return ConsentState.SPENT if row.spent_at is not None else ConsentState.GIVEN


def _seen(evidence_id: UUID) -> Evidence:
    row = Evidence.objects.filter(pk=evidence_id).first()
    if row is None:
        raise Absent(kind="evidence")
    return row


def _may_name(receipt: Receipt, viewer: Actor) -> bool:
    return receipt.granted or viewer.party_id in receipt.about or viewer.role in OFFICE


def _names(ids: Iterable[UUID | None], viewer: Actor) -> dict[UUID | None, Named]:
    wanted = {i for i in ids if i}
    found: dict[UUID | None, Named] = {}
    for kind in ("company", "institution", "agency"):
        if rest := wanted - found.keys():
            for p in parties.parties(kind=kind, ids=rest, limit=len(rest), viewer=viewer):
                found[p.id] = Named(p.id, p.name_zh, p.name_en)
    return found


def _views(rows: list[Evidence], viewer: Actor) -> list[EvidenceView]:
    names = _names((p for r in rows for p in (r.source_id, r.subject_id)), viewer)
    newest: dict[UUID, tuple[str, str]] = {}
    for e, status, form, amount in (
        Piece.objects.filter(evidence__in=rows)
        .order_by("version")
        .values_list("evidence_id", "status", "format", "amount_minor")
    ):
        if amount is None or amount >= 0:
            newest[e] = (status, form)
    return [
        EvidenceView(
            r.pk, r.kind, r.state, newest.get(r.pk, ("", ""))[0], r.external_ref, names[r.source_id], names[r.subject_id],
            r.amount_minor, r.currency, r.dated, r.version, r.received_at, r.changed_at, r.lot_id,
            newest.get(r.pk, ("", ""))[1],
        )
        for r in rows
    ]  # fmt: skip


def _pieces(rows: list[Piece], viewer: Actor) -> list[PieceView]:
    names = _names((r.source_id for r in rows), viewer)
    return [
        PieceView(
            r.version, names[r.source_id], r.format, r.schema_version, r.external_ref, r.status, r.amount_minor, r.currency,
            r.digest, r.own_digest, r.signature is not None, r.dated, r.observed_at, r.received_at, r.parties, r.references,
            r.warnings, r.payload,
        )
        for r in rows
    ]  # fmt: skip


def _uses(rows: list[Use], viewer: Actor) -> list[UseView]:
    names = _names((r.user_id for r in rows), viewer)
    others: dict[UUID, set[UUID]] = {}
    with as_system():
        for lot_id, user in Use.objects.filter(
            lot__in={r.lot_id for r in rows if r.lot_id}, freed__lt=F("amount")
        ).values_list("lot_id", "user_id"):
            others.setdefault(lot_id, set()).add(user)
    return [
        UseView(
            r.pk, r.evidence_id, r.purpose, names[r.user_id], r.territory, r.amount, r.amount - r.freed, r.currency, r.alert,
            r.contested, len(others.get(r.lot_id, set()) - {r.user_id}) if r.lot_id else 0, list(r.forms), r.made_at,
            r.changed_at,
        )
        for r in rows
    ]  # fmt: skip


def _lots(rows: list[Lot], viewer: Actor) -> list[LotView]:
    names = _names((r.subject_id for r in rows), viewer)
    with as_system():
        found = rooms.read((r.pk, LOT) for r in rows if r.currency)
    forms: dict[UUID | None, list[EvidenceView]] = {}
    by_kind: dict[UUID | None, dict[str, int]] = {}
    members = list(Evidence.objects.filter(lot__in=rows).order_by("dated", "received_at", "id"))
    for row, view in zip(members, _views(members, viewer), strict=True):
        forms.setdefault(row.lot_id, []).append(view)
        if row.finance_limit:
            kinds = by_kind.setdefault(row.lot_id, {})
            kinds[row.kind] = kinds.get(row.kind, 0) + row.finance_limit
    empty = policy.Room(0, 0)
    return [
        LotView(
            r.pk, names[r.subject_id], r.currency, found.get((r.pk, LOT), empty).left, found.get((r.pk, LOT), empty).used,
            by_kind.get(r.pk, {}), forms.get(r.pk, []), r.opened_at,
        )
        for r in rows
    ]  # fmt: skip


def _consent(row: Consent, names: dict[UUID | None, Named], moment: datetime) -> ConsentView:
    return ConsentView(
        row.pk, names[row.grantor_id], names[row.grantee_id], row.purpose, list(row.kinds), list(row.pieces), row.since,
        row.until, row.one_off, row.abroad, row.reviewed_by is not None, str(state_of(row, moment)), row.asked_at, row.given_at,
        row.withdrawn_at, row.terms_digest,
    )  # fmt: skip
