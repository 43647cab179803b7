"""Everything that can be done to evidence. How documents are told apart is decided in `policy`; consents are in `consent_commands`.

Locks: the words of identities and mentions in one order, then lots by id, then evidence by id, then the ledger. Whoever changes how much
may be used, or uses it, holds the lot (or the evidence, where it has no lot), so two banks in two provinces come one after the other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar
from uuid import UUID, uuid4, uuid5

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.db.models import F, Q, Sum

from luhai.core.evidence.formats.document import Document, Kind
from luhai.core.evidence.formats.read import read
from luhai.core.ledger import commands as ledger
from luhai.core.ledger.commands import TransferRefused
from luhai.core.ledger.policy import Transfer
from luhai.core.parties import queries as parties
from luhai.core.rules import queries as rules
from luhai.kernel.folding import confusable, fold
from luhai.kernel.money import MAX_MINOR
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.shell.command import command, record
from luhai.shell.context import as_system
from luhai.shell.locks import hold_words

from . import policy, rooms
from .lifecycle import Alert, Purpose, ReviewOutcome, State
from .models import Evidence, Lot, Mention, Piece, Review, Use
from .queries import covering
from .rooms import FINANCING, LOT, SETTLEMENT

P = ParamSpec("P")
R = TypeVar("R")

#: In which the words of this subject are held.
_SPACE: Final = 13
SOURCES: Final = [Role.COMPANY, Role.BANK, Role.PARTNER, Role.PROVINCE, Role.SUPERVISOR, Role.OPERATOR]
USERS: Final = [Role.BANK, Role.PARTNER]
OFFICE: Final = [Role.SUPERVISOR, Role.OPERATOR]
_AGENCIES: Final = frozenset({Role.PROVINCE, Role.SUPERVISOR, Role.OPERATOR})
#: What carriers and warehouses report of others' goods.
_OF_OTHERS: Final = frozenset({Kind.TRANSPORT_DOCUMENT, Kind.TRANSPORT_EVENT, Kind.WAREHOUSE_RECEIPT})
MEASURES: Final[Mapping[str, list[str]]] = {
    Purpose.SETTLEMENT: ["M08-01"],
    Purpose.FINANCING: ["M06-08", "M14-06"],
}
MOST_BYTES: Final = 4 * 2**20
MOST_FACTS: Final = 500


class AlreadyReceived(Refusal):
    code = "evidence.already_received"
    message = gettext_noop("This document is here already; what is new in it is received as a correction.")


class NearDuplicate(Refusal):
    code = "evidence.near_duplicate"
    message = gettext_noop(
        "The document looks like one that is here already; a person must tell them apart (%(review)s)."
    )

    def __init__(self, *, like: UUID, identity_digest: str, **facts: object) -> None:
        super().__init__(**facts)
        self.like, self.identity_digest = (
            like,
            identity_digest,
        )  # not for whoever asks: it may be another's document


class SameDocument(Refusal):
    code = "evidence.same_document"
    message = gettext_noop("A person found this to be a document that is here already, edited.")


class NotNamed(Refusal):
    code = "evidence.not_named"
    status = 422
    message = gettext_noop("The document names other companies, and not this one (%(numbers)s).")


class OtherDocument(Refusal):
    code = "evidence.other_document"
    status = 422
    message = gettext_noop(
        "A correction has the kind, the issuer and the number of what it corrects; this is another document."
    )


class CorrectedUnknown(Refusal):
    code = "evidence.corrected_unknown"
    message = gettext_noop("The document corrects %(number)s, which was not received.")


class Cancelled(Refusal):
    code = "evidence.cancelled"
    message = gettext_noop("The document was taken back.")


class UsedUp(Refusal):
    code = "evidence.used_up"
    message = gettext_noop(
        "Of this document %(remaining)s is left (smallest unit of %(currency)s); %(asked)s was asked."
    )


class CurrencyDiffers(Refusal):
    code = "evidence.currency_differs"
    status = 422
    message = gettext_noop("The document is in %(currency)s.")


class NotUsable(Refusal):
    code = "evidence.not_usable"
    message = gettext_noop("This document states no amount that could be used.")


class OtherGoods(Refusal):
    code = "evidence.other_goods"
    message = gettext_noop("The documents are not about the same goods.")


class NotConsented(Refusal):
    code = "evidence.not_consented"
    status = 403
    message = gettext_noop("Nobody whom the document is about has consented to this use by you.")


class WrongSignature(Refusal):
    code = "evidence.wrong_signature"
    status = 422
    message = gettext_noop("The signature is not that of this key over these bytes.")


class AlreadyAnswered(Refusal):
    code = "evidence.already_answered"
    message = gettext_noop("This pair was already told apart.")


# --- receiving --------------------------------------------------------------------------------------------------------


def opens_review(run: Callable[P, R]) -> Callable[P, R]:
    """When the command is refused as a near-duplicate, open the review that the refusal names, which outlasts it."""

    @wraps(run)
    def perform(*args: P.args, **arguments: P.kwargs) -> R:
        try:
            return run(*args, **arguments)
        except Refusal as refusal:
            if isinstance(refusal, NearDuplicate):
                origin: Any = arguments["origin"]
                open_review(
                    identity_digest=refusal.identity_digest, evidence_id=refusal.like,
                    external_ref=str(refusal.facts["number"]), reason=str(refusal.facts["reason"]),
                    origin=origin.child("review"),
                )  # fmt: skip
            raise

    return perform


@opens_review
@command(may=SOURCES)
def receive_evidence(
    *,
    evidence_id: UUID,
    subject_id: UUID,
    content: str,
    kind: str | None = None,
    observed_at: datetime | None = None,
    signature: dict[str, Any] | None = None,
    origin: Origin,
) -> list[str]:
    """Receive a document, or a file of facts, about a company; return the ids of the evidence it has become.

    Who:     the company itself; a bank or an agency for it; a carrier or warehouse for what it carries or keeps.
    Units:   `content` is the bytes in base64. `observed_at` is for documents that state no instant of their own. `signature` is
             {"profile": "ed25519", "public": hex, "signature": hex} over the bytes. Several facts in one file: the first has `evidence_id`.
    Writes:  Evidence, its first Piece, Mentions; the Lot it belongs to, which may unite others; accounts and what they allow.
             A red-letter invoice becomes a piece of the invoice it takes back, whose id is returned.
    Refuses: Invalid (names the field in the document), NotEntitled, NotNamed, AlreadyReceived, NearDuplicate (opens a Review),
             SameDocument, CorrectedUnknown, WrongSignature.
    Source:  financing.md §0.5, §9.1; settlement.md §0.2 (5), §1.3.
    """
    data = _bytes(content)
    document = read(data, kind=kind)
    digest = hashlib.sha256(data).hexdigest()
    _check_signature(signature, data)
    facts = document.facts
    _of_our_times(facts, observed_at)
    if len(facts) > MOST_FACTS:
        raise Invalid(field="content", problem=f"at most {MOST_FACTS} facts in one file")
    party = parties.party(party_id=subject_id, viewer=origin.actor)
    numbers = {n for s, n in party.identifiers.items() if s in policy.REGISTERS}
    for fact in facts:
        _may_tell(fact, subject_id, numbers, origin)
    received = _Received(subject_id, numbers, digest, observed_at, signature)
    with as_system():
        hold_words([str(evidence_id)], space=_SPACE)
        hold_words(
            (
            word
            for fact in facts
            for word in _words(
                policy.identity(fact, digest), _mentions(fact, subject_id, numbers, origin.at.date()),
                policy.look(fact, numbers, origin.at.date()), subject_id,
            )
            ),
            space=_SPACE,
        )  # fmt: skip
        return [
            str(_receive(evidence_id if n == 0 else uuid5(evidence_id, str(n)), fact, received, origin))
            for n, fact in enumerate(facts)
        ]


class _Received:
    """What all facts of one file have in common."""

    def __init__(
        self, subject: UUID, numbers: set[str], digest: str, observed_at: datetime | None, signature: Mapping[str, Any] | None
    ) -> None:  # fmt: skip
        self.subject, self.numbers, self.digest = subject, numbers, digest
        self.observed_at, self.signature = observed_at, signature


def _receive(evidence_id: UUID, document: Document, received: _Received, origin: Origin) -> UUID:
    own = policy.identity(document, received.digest)
    if document.amount_minor is not None and document.amount_minor < 0 and document.corrects:
        return _take_back(document, received, origin)
    _refuse_known(own, origin)
    if document.cancelled:
        raise Invalid(
            field="status",
            problem=gettext_noop("a document that is in force; one taken back is a correction"),
        )
    if Evidence.objects.filter(pk=evidence_id).exists():
        raise Invalid(field="evidence_id", problem=gettext_noop("this id is taken; choose another"))
    mentioned = _mentions(document, received.subject, received.numbers, origin.at.date())
    about = _about(document, received.subject)
    lots = _lots_of(mentioned, about, origin)
    on = origin.at.date()
    look = policy.look(document, received.numbers, on)
    lots |= _compare(own, look, document.external_ref, received.subject, lots, origin)
    known, territory = rules.parameters(viewer=origin.actor), _territory(received.subject, origin)
    tolerance = known.value("evidence.settlement_tolerance", on, territory)
    ratio = known.value("evidence.finance_ratio", on, territory)
    party = origin.actor.party_id
    assert party is not None
    row = Evidence(
        id=evidence_id, kind=document.kind, source_id=party, subject_id=received.subject, about=about,
        seen_by=sorted({party, *about}), external_ref=document.external_ref[:200], identity=own.text[:700],
        identity_digest=own.digest, look=look.number[:200], other=look.other[:200], dated=look.on,
        amount_minor=document.amount_minor, currency=document.currency or "", tolerance_bp=tolerance.in_unit("bp"),
        ratio_bp=ratio.in_unit("bp"), received_at=origin.at, changed_at=origin.at,
    )  # fmt: skip
    absorbed: list[tuple[Lot, policy.Room]] = []
    if document.kind in policy.COLLATERAL:
        row.lot, absorbed = _unite(
            _locked_lots(lots), received.subject, row.currency if row.amount_minor else "", origin
        )
    allowed = _limits(row)
    row.finance_limit = allowed.financing
    row.save(force_insert=True)
    _add_piece(row, document, received, origin)
    Mention.objects.bulk_create(
        Mention(evidence=row, kind=m.kind, digest=m.digest, on=m.on) for m in mentioned
    )
    if allowed.settlement:
        rooms.open_rooms(
            row.pk, [SETTLEMENT, FINANCING], currency=row.currency, party=row.subject_id, at=origin.at
        )
        _post(
            rooms.grant(row.pk, SETTLEMENT, allowed.settlement, row.currency)
            + rooms.grant(row.pk, FINANCING, allowed.financing, row.currency),
            origin,
        )
    record(
        "evidence.received", row.pk, measures=MEASURES[Purpose.SETTLEMENT],
        rules=[f"{v.key}@{v.valid_from}" for v in (tolerance, ratio)] if allowed.settlement else [],
        evidence_kind=row.kind, company=row.subject_id, identity_digest=own.digest, digest=received.digest, lot=row.lot_id,
        amount_minor=row.amount_minor, currency=row.currency, settlement=allowed.settlement, financing=allowed.financing,
    )  # fmt: skip
    if row.lot is not None:
        _refit_lot(row.lot, origin, absorbed)
    return row.pk


def _bytes(content: str) -> bytes:
    try:
        data = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(field="content", problem=gettext_noop("the bytes of the document in base64")) from None
    if not 0 < len(data) <= MOST_BYTES:
        raise Invalid(field="content", problem=gettext_noop("from 1 byte to 4 MiB"))
    return data


def _of_our_times(facts: Sequence[Document], observed_at: datetime | None = None) -> None:
    """Refuse days and instants at the ends of the calendar, which no program can count from."""
    for when in (observed_at, *(fact.observed_at for fact in facts)):
        if when is not None and (when.tzinfo is None or not 1900 <= when.year <= 2200):
            raise Invalid(
                field="observed_at", problem=gettext_noop("an instant with its zone, from 1900 to 2200")
            )
    if any(fact.dated is not None and not 1900 <= fact.dated.year <= 2200 for fact in facts):
        raise Invalid(field="dated", problem=gettext_noop("a day from 1900 to 2200"))


def _check_signature(signature: Mapping[str, Any] | None, data: bytes) -> None:
    if signature is None:
        return
    if set(signature) != {"profile", "public", "signature"} or signature["profile"] != "ed25519":
        raise Invalid(field="signature", problem='{"profile": "ed25519", "public": hex, "signature": hex}')
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(str(signature["public"])))
        key.verify(bytes.fromhex(str(signature["signature"])), data)
    except (ValueError, InvalidSignature):
        raise WrongSignature() from None


def _may_tell(document: Document, subject: UUID, numbers: set[str], origin: Origin) -> None:
    """Companies speak of themselves, and of goods in their care; nobody speaks of a company that the document does not name."""
    actor = origin.actor
    if actor.party_id is None:
        raise NotEntitled(who=gettext_noop("somebody who acts for a party"))
    if actor.role is Role.COMPANY and actor.party_id != subject and document.kind not in _OF_OTHERS:
        raise NotEntitled(who=gettext_noop("the company itself, its bank or an agency"))
    named = policy.numbers_of(document)
    if not named or named & numbers or document.kind is Kind.TRANSPORT_EVENT:
        return
    party = parties.party(party_id=subject, viewer=origin.actor)
    called = {fold(name) for name in (party.name_zh, party.name_en) if name}
    if numbers or not called & {fold(p.name) for p in document.parties}:
        raise NotNamed(numbers=", ".join(sorted(numbers)) or party.name_en or party.name_zh)


def _about(document: Document, subject: UUID) -> list[UUID]:
    named = parties.registered(numbers=policy.numbers_of(document), viewer=SYSTEM)
    return [subject, *sorted(named - {subject})]


def _mentions(document: Document, subject: UUID, numbers: set[str], on: date) -> list[policy.Mention]:
    """What the document is about, as digests of its company and of the registered company that sells the goods to it."""
    others = policy.seller_numbers(document)
    seller = parties.registered(numbers=others, viewer=SYSTEM) if others and not others & numbers else set()
    return policy.mentions(document, subject, next(iter(seller - {subject}), None), on)


def _territory(party: UUID, origin: Origin) -> str | None:
    return parties.party(party_id=party, viewer=origin.actor).territory


def _refuse_known(own: policy.Identity, origin: Origin) -> None:
    known = Evidence.objects.filter(
        Q(identity_digest=own.digest) | Q(mentions__digest=own.digest, mentions__kind="red_letter")
    ).first()
    if known is not None:
        raise AlreadyReceived(evidence=_told(known, origin))


def _told(row: Evidence, origin: Origin) -> str | None:
    """The id of evidence, for whoever may know that it is here."""
    seen = origin.actor.party_id in row.seen_by or origin.actor.role in OFFICE
    return str(row.pk) if seen else None


def _words(
    own: policy.Identity, mentioned: Iterable[policy.Mention], look: policy.Look, subject: UUID
) -> list[str]:
    """What two documents may share, so that the later one must wait for the earlier and see it."""
    return [
        own.digest,
        *(m.digest for m in mentioned),
        f"{subject} {look.currency} {look.amount_minor}",
        f"{subject} {look.number}",
    ]


def _days(key: str, origin: Origin) -> int:
    return rules.parameters(viewer=origin.actor).value(key, origin.at.date(), None).in_unit("days")


def _lots_of(mentioned: Sequence[policy.Mention], about: Sequence[UUID], origin: Origin) -> set[UUID]:
    """The lots of the evidence that shares a mention; a thing that is used again joins near days only.

    `about` are those whom the document names, its company first. Documents of two companies join when each names the other: nobody
    else can tie up a company's goods by writing its numbers into a paper.
    """
    days = timedelta(days=_days("evidence.container_days", origin))
    found: set[UUID] = set()
    by_digest: dict[str, list[date | None]] = {}
    for m in mentioned:
        by_digest.setdefault(m.digest, []).append(m.on)
    rows = Mention.objects.filter(digest__in=by_digest, evidence__lot__isnull=False)
    columns = ("digest", "on", "evidence__lot_id", "evidence__subject_id", "evidence__about")
    for digest, on, lot, subject, others in rows.values_list(*columns):
        if (subject in about and about[0] in others) and any(
            on is None or own is None or abs(on - own) <= days for own in by_digest[digest]
        ):
            found.add(lot)
    return found


def _compare(
    own: policy.Identity, look: policy.Look, number: str, subject: UUID, lots: set[UUID], origin: Origin,
    itself: UUID | None = None,
) -> set[UUID]:  # fmt: skip
    """Refuse what looks like a document that is here, until a person has told them apart; return lots that a person joined it to.

    `itself` is here already, and is corrected: others may have been told apart from it.
    """
    days = _days("evidence.near_duplicate_days", origin)
    answers = {r.evidence_id: r.outcome for r in Review.objects.filter(identity_digest=own.digest)}
    from_it = (
        dict(Review.objects.filter(evidence=itself).values_list("identity_digest", "outcome"))
        if itself
        else {}
    )
    joined: set[UUID] = set()
    for review in (
        Review.objects.filter(identity_digest=own.digest).exclude(evidence=itself).select_related("evidence")
    ):
        # Neither day nor amount is a part of what a person was asked about: to change them is not to be told apart.
        if review.outcome == ReviewOutcome.SAME_DOCUMENT:
            raise SameDocument(evidence=str(review.evidence_id))
        if review.outcome == ReviewOutcome.SAME_GOODS and review.evidence.lot_id is not None:
            joined.add(review.evidence.lot_id)
        elif not review.outcome:
            raise NearDuplicate(
                review=str(review.pk), like=review.evidence_id, reason=review.reason, number=number,
                evidence=_told(review.evidence, origin), identity_digest=own.digest,
            )  # fmt: skip
    worth = Q(
        amount_minor=look.amount_minor, currency=look.currency,
        dated__range=(look.on - timedelta(days=days), look.on + timedelta(days=days)),
    )  # fmt: skip
    alike = Q(look=look.number, kind=look.kind) if look.number else Q(pk=None)
    like = alike if look.amount_minor is None else alike | worth
    rows = Evidence.objects.filter(like, subject_id=subject, kind__in=policy.COLLATERAL)
    if itself is not None:
        rows = rows.exclude(pk=itself)
    for row in rows.order_by("received_at", "id"):
        other = policy.Look(
            row.kind, row.look, row.other, row.amount_minor, row.currency, row.dated, confusable(row.external_ref)
        )  # fmt: skip
        reason = policy.near(look, other, joined=row.lot_id in lots, days=days)
        if reason is None or look.kind not in policy.COLLATERAL:
            continue
        outcome = answers.get(row.pk) or from_it.get(row.identity_digest)
        if outcome == ReviewOutcome.SAME_DOCUMENT:
            raise SameDocument(evidence=str(row.pk))
        if outcome == ReviewOutcome.SAME_GOODS and row.lot_id is not None:
            joined.add(row.lot_id)
        elif outcome != ReviewOutcome.DISTINCT:
            raise NearDuplicate(
                review=str(uuid5(row.pk, own.digest)), like=row.pk, reason=reason, number=number, evidence=_told(row, origin),
                identity_digest=own.digest,
            )  # fmt: skip
    return joined


def _add_piece(row: Evidence, document: Document, received: _Received, origin: Origin) -> None:
    party = origin.actor.party_id
    assert party is not None
    Piece.objects.create(
        id=uuid5(row.pk, f"version {row.version}"), evidence=row, version=row.version, source_id=party, format=document.format,
        schema_version=document.version, external_ref=document.external_ref[:200], status=document.status,
        amount_minor=document.amount_minor, currency=document.currency or "", payload=document.payload,
        digest=received.digest, own_digest=document.digest or "", signature=received.signature,
        parties=[[p.role, p.name, dict(p.identifiers), p.country] for p in document.parties],
        references=[[r.kind, r.value] for r in document.references],
        warnings=[[w.field, w.problem] for w in document.warnings], dated=document.dated,
        observed_at=document.observed_at or received.observed_at or origin.at, received_at=origin.at,
    )  # fmt: skip


# --- correcting -------------------------------------------------------------------------------------------------------


@opens_review
@command(may=SOURCES)
def correct_evidence(
    *, evidence_id: UUID, content: str, signature: dict[str, Any] | None = None, origin: Origin
) -> UUID:
    """Receive a newer version of a document; the one before stays in its history. Return the evidence's id.

    Who:     whoever delivered it, or an agency.
    Writes:  a Piece; the amount and state; what may be used. Below what is used already: an alert and a signal for every use.
    Refuses: Absent, NotEntitled, Cancelled, OtherDocument, CurrencyDiffers, Invalid, WrongSignature; NearDuplicate (opens a Review) and
             SameDocument where it would come to look like another document by its new amount or day.
    """
    data = _bytes(content)
    document = read(data)
    _check_signature(signature, data)
    row = _for_change(evidence_id, origin)
    _of_our_times([document])
    if document.parts:
        raise Invalid(field="content", problem=gettext_noop("one document, not a file of several"))
    digest = hashlib.sha256(data).hexdigest()
    numbers = {
        n
        for s, n in parties.party(party_id=row.subject_id, viewer=origin.actor).identifiers.items()
        if s in policy.REGISTERS
    }
    received = _Received(row.subject_id, numbers, digest, None, signature)
    with as_system():
        mentioned = _mentions(document, row.subject_id, numbers, row.dated)
        own = policy.identity(document, digest)
        look = policy.look(document, numbers, row.dated)
        hold_words(_words(own, mentioned, look, row.subject_id), space=_SPACE)
        lots = _lots_of(mentioned, row.about, origin)
        worth = (document.amount_minor, document.currency or "", look.on)
        if own.digest == row.identity_digest and worth != (row.amount_minor, row.currency, row.dated):
            mine = {row.lot_id} if row.lot_id else set()
            lots |= _compare(
                own, look, document.external_ref, row.subject_id, lots | mine, origin, itself=row.pk
            )
        row = _locked(evidence_id, more_lots=lots)
        if row.state == State.CANCELLED and origin.actor.role not in _AGENCIES:
            raise Cancelled(evidence=str(row.pk))  # an agency may say that it was taken back by mistake
        if own.digest != row.identity_digest:
            raise OtherDocument(number=document.external_ref)
        if (document.currency or "") != row.currency and row.amount_minor is not None:
            raise CurrencyDiffers(currency=row.currency)
        absorbed: list[tuple[Lot, policy.Room]] = []
        if row.lot is not None:
            currency = document.currency if document.amount_minor else ""
            own_lot, found = row.lot.pk, _locked_lots(lots | {row.lot.pk})
            heir, absorbed = _unite(found, row.subject_id, currency or "", origin)
            row.lot = next(lot for lot in found if lot.pk == own_lot)
            if row.lot.merged_into_id:
                row.lot = heir
            elif row.lot != heir:  # financed in another currency: it stays with the loans that stand on it
                _refit_lot(heir, origin, absorbed)
                absorbed = []
        fresh = {(m.digest, m.on) for m in mentioned} - set(row.mentions.values_list("digest", "on"))
        Mention.objects.bulk_create(
            Mention(evidence=row, kind=m.kind, digest=m.digest, on=m.on)
            for m in mentioned
            if (m.digest, m.on) in fresh
        )
        row.version += 1
        _add_piece(row, document, received, origin)
        taken_back = row.pieces.filter(amount_minor__lt=0).aggregate(sum=Sum("amount_minor"))["sum"] or 0
        row.amount_minor = (
            None if document.amount_minor is None else max(document.amount_minor + taken_back, 0)
        )
        row.currency, row.dated = document.currency or row.currency, document.dated or row.dated
        _stand(
            row,
            State.CANCELLED if document.cancelled else State.LIVE,
            "evidence.corrected",
            origin,
            absorbed,
            status=document.status,
        )
    return evidence_id


@command(may=SOURCES)
def cancel_evidence(*, evidence_id: UUID, reason: str, origin: Origin) -> UUID:
    """Take a document back; nothing may be used of it any more, and every use of it is told. Return its id.

    Who:     whoever delivered it, or an agency.
    Refuses: Absent, NotEntitled, Cancelled, Invalid (no reason).
    """
    if not reason.strip() or len(reason) > 200:
        raise Invalid(field="reason", problem=gettext_noop("from 1 to 200 characters"))
    _for_change(evidence_id, origin)
    with as_system():
        row = _locked(evidence_id)
        if row.state == State.CANCELLED:
            raise Cancelled(evidence=str(row.pk))
        _stand(row, State.CANCELLED, "evidence.cancelled", origin, [], reason=reason.strip())
    return evidence_id


def _take_back(document: Document, received: _Received, origin: Origin) -> UUID:
    """A red-letter invoice: another number, and less of the invoice that it names."""
    parts = [(p[0], document.corrects if p[0] == "number" else p[1]) for p in document.keys[0].parts]
    own = policy.digest_of(
        "identity", document.keys[0].object, *(fold(str(v)) for n, v in parts if n in {"seller", "number"})
    )
    known = Evidence.objects.filter(identity_digest=own).values_list("pk", flat=True).first()
    if known is None:
        raise CorrectedUnknown(number=document.corrects)
    hold_words([own], space=_SPACE)
    row = _locked(known)
    if origin.actor.party_id not in (row.source_id, row.subject_id) and origin.actor.role not in _AGENCIES:
        raise CorrectedUnknown(number=document.corrects)
    if row.state == State.CANCELLED:
        raise Cancelled(evidence=str(row.pk))
    if any(
        fold(ref) == fold(document.external_ref) for ref in row.pieces.values_list("external_ref", flat=True)
    ):
        raise AlreadyReceived(evidence=str(row.pk))
    red = policy.identity(document, received.digest).digest
    if Evidence.objects.filter(identity_digest=red).exists() or Mention.objects.filter(digest=red).exists():
        raise AlreadyReceived(evidence=None)
    left = (row.amount_minor or 0) + (document.amount_minor or 0)
    if left < 0:
        raise Invalid(
            field="gross_amount",
            problem=gettext_noop("no more than is left of the invoice that it takes back"),
        )
    row.version += 1
    _add_piece(row, document, received, origin)
    Mention.objects.create(evidence=row, kind="red_letter", digest=red)  # its number is taken
    row.amount_minor = left
    _stand(
        row,
        State.LIVE if row.amount_minor else State.CANCELLED,
        "evidence.taken_back",
        origin,
        [],
        number=document.external_ref,
    )
    return row.pk


def _for_change(evidence_id: UUID, origin: Origin) -> Evidence:
    """Whoever delivered it may correct it, and agencies; others do not learn that it is here."""
    with as_system():
        row = Evidence.objects.filter(pk=evidence_id).first()
    actor = origin.actor
    if row is None or (actor.party_id not in row.seen_by and actor.role not in _AGENCIES):
        raise Absent(kind="evidence")
    if actor.party_id != row.source_id and actor.role not in _AGENCIES:
        raise NotEntitled(who=gettext_noop("whoever delivered it, or an agency"))
    return row


def _stand(
    row: Evidence, state: State, event: str, origin: Origin, absorbed: list[tuple[Lot, policy.Room]], **facts: str
) -> None:  # fmt: skip
    """Write what the document now stands for, and let its accounts and its lot follow."""
    row.state, row.changed_at = state, origin.at
    allowed = _limits(row)
    row.finance_limit = allowed.financing
    row.save()
    record(
        event, row.pk, version=row.version, state=row.state, amount_minor=row.amount_minor, currency=row.currency, facts=facts
    )  # fmt: skip
    if row.currency and row.amount_minor is not None and row.kind in policy.COLLATERAL:
        rooms.open_rooms(
            row.pk, [SETTLEMENT, FINANCING], currency=row.currency, party=row.subject_id, at=origin.at
        )
        found = rooms.read([(row.pk, SETTLEMENT), (row.pk, FINANCING)])
        moves: list[Transfer] = []
        for name, limit in ((SETTLEMENT, allowed.settlement), (FINANCING, allowed.financing)):
            moves += rooms.refit(row.pk, name, found[row.pk, name], limit, row.currency)
            if state == State.CANCELLED:
                _alert(Use.objects.filter(evidence=row, purpose=name), Alert.CANCELLED, origin)
            elif found[row.pk, name].used > limit:
                _alert(Use.objects.filter(evidence=row, purpose=name), Alert.BELOW_USE, origin)
            else:
                _relieve(row, name, origin)
        _post(moves, origin)
    if row.lot is not None:
        _refit_lot(row.lot, origin, absorbed)


def _limits(row: Evidence) -> policy.Limits:
    """What the document allows; its financing counts in the currency of its goods, or not at all."""
    if row.state == State.CANCELLED:
        return policy.Limits()
    allowed = policy.limits(row.kind, row.amount_minor, tolerance_bp=row.tolerance_bp, ratio_bp=row.ratio_bp)
    if row.lot is None or row.lot.currency != row.currency:
        return policy.Limits(allowed.settlement, 0)
    return allowed


def _alert(uses: Any, alert: Alert, origin: Origin) -> None:
    """Tell every use that still stands what happened beneath it: a signal in the journal, a mark on the use."""
    for one in uses.filter(freed__lt=F("amount")).exclude(alert=alert).order_by("id"):
        one.alert, one.changed_at = alert, origin.at
        one.save(update_fields=["alert", "changed_at"])
        record(
            "evidence.use_undermined", one.pk, measures=MEASURES[one.purpose], evidence=one.evidence_id, alert=alert,
            user=one.user_id, left=one.amount - one.freed, currency=one.currency,
        )  # fmt: skip


def _relieve(row: Evidence, purpose: str, origin: Origin) -> None:
    """The document carries again what is used of it: nothing is wrong beneath its uses."""
    Use.objects.filter(evidence=row, purpose=purpose, alert__in=[Alert.CANCELLED, Alert.BELOW_USE]).update(
        alert=Alert.NONE, changed_at=origin.at
    )


def _post(moves: Sequence[Transfer], origin: Origin) -> None:
    if moves:
        ledger.post_all(moves, at=origin.at)


# --- goods in all their forms -------------------------------------------------------------------------------------------


def _locked_lots(wanted: set[UUID]) -> list[Lot]:
    """Lock lots by id; one that was united with another meanwhile stands for its heir."""
    while True:
        wanted = {
            heir or pk for pk, heir in Lot.objects.filter(pk__in=wanted).values_list("pk", "merged_into_id")
        }
        before = transaction.savepoint()
        rows = list(Lot.objects.select_for_update().filter(pk__in=wanted).order_by("id"))
        if not any(row.merged_into_id for row in rows):
            transaction.savepoint_commit(before)
            return sorted(rows, key=lambda lot: (lot.opened_at, lot.pk))
        transaction.savepoint_rollback(
            before
        )  # let go of those that are gone, else whoever unites their heir waits for us


def _locked(evidence_id: UUID, *, more_lots: Iterable[UUID] = ()) -> Evidence:
    """Lock evidence behind its lot: the order in which everybody locks."""
    while True:
        lot = Evidence.objects.filter(pk=evidence_id).values_list("lot_id", flat=True).first()
        _locked_lots({lot, *more_lots} if lot else set(more_lots))
        row = Evidence.objects.select_for_update(of=("self",)).select_related("lot").get(pk=evidence_id)
        if row.lot_id == lot:
            return row


def _unite(
    lots: list[Lot], subject: UUID, currency: str, origin: Origin
) -> tuple[Lot, list[tuple[Lot, policy.Room]]]:
    """The lot that new evidence belongs to, after those it joins have become one; and what was absorbed, still to be moved.

    Goods financed in two currencies cannot be summed: they stay apart and every use on them is told.
    """
    if not lots:
        lot = Lot.objects.create(id=uuid4(), subject_id=subject, currency=currency, opened_at=origin.at)
        if currency:
            rooms.open_rooms(lot.pk, [LOT], currency=currency, party=subject, at=origin.at)
        return lot, []
    found = rooms.read((lot.pk, LOT) for lot in lots)
    financed = [lot for lot in lots if found[lot.pk, LOT].used]
    heir = next(iter(financed), None) or next((lot for lot in lots if lot.currency), lots[0])
    if not heir.currency and currency:
        heir.currency = currency
        heir.save(update_fields=["currency"])
        rooms.open_rooms(heir.pk, [LOT], currency=currency, party=subject, at=origin.at)
    absorbed = []
    for lot in lots:
        if lot is heir:
            continue
        if lot in financed and lot.currency != heir.currency:
            _alert(Use.objects.filter(lot__in=[lot, heir], purpose=FINANCING), Alert.TWO_CURRENCIES, origin)
            continue
        absorbed.append((lot, found[lot.pk, LOT]))
        for row in Evidence.objects.select_for_update().filter(lot=lot).order_by("id"):
            row.lot, before = heir, row.finance_limit
            row.finance_limit = _limits(
                row
            ).financing  # of another currency than the heir's, it adds nothing any more
            row.save(update_fields=["lot", "finance_limit"])
            if row.finance_limit != before:
                room = rooms.read([(row.pk, FINANCING)])[row.pk, FINANCING]
                _post(rooms.refit(row.pk, FINANCING, room, row.finance_limit, row.currency), origin)
        Use.objects.filter(lot=lot).update(lot=heir)
        lot.merged_into = heir
        lot.save(update_fields=["merged_into"])
        Lot.objects.filter(merged_into=lot).update(merged_into=heir)
        record(
            "evidence.lots_united",
            heir.pk,
            absorbed=lot.pk,
            used=found[lot.pk, LOT].used,
            currency=heir.currency,
        )
    return heir, absorbed


def _refit_lot(lot: Lot, origin: Origin, absorbed: Sequence[tuple[Lot, policy.Room]] = ()) -> None:
    """Let the account of the goods allow what their largest form allows; move onto it what was financed on absorbed lots."""
    if not lot.currency:
        return
    limit = policy.capacity(_limits_by_kind(lot))
    room = rooms.read([(lot.pk, LOT)])[lot.pk, LOT]
    used = room.used + sum(other.used for _, other in absorbed)
    change = max(limit, used) - room.granted
    moves = rooms.grant(lot.pk, LOT, change, lot.currency) if change > 0 else []
    for gone, other in absorbed:
        if other.used:
            moves.append(rooms.use(lot.pk, LOT, other.used, lot.currency, "evidence.join", gone.pk))
            moves.append(rooms.give_back(gone.pk, LOT, other.used, gone.currency, "evidence.join", lot.pk))
        moves += rooms.grant(gone.pk, LOT, -other.granted, gone.currency)
    if change < 0:
        moves += rooms.grant(lot.pk, LOT, change, lot.currency)
    _post(moves, origin)
    uses = Use.objects.filter(lot=lot, purpose=FINANCING)
    if used > limit:
        _alert(uses.filter(alert__in=[Alert.NONE, Alert.OVERFINANCED]), Alert.OVERFINANCED, origin)
    else:
        uses.filter(alert=Alert.OVERFINANCED).update(alert=Alert.NONE, changed_at=origin.at)


def _limits_by_kind(lot: Lot) -> dict[str, int]:
    """What each kind of document allows on these goods; writes down what each document adds to it.

    Once only counts what a person found to be about the same goods, and what bears one number: the same contract with another buyer on it.
    """
    rows = list(Evidence.objects.filter(lot=lot).order_by("received_at", "id"))
    by_digest = {row.identity_digest: row.pk for row in rows}
    found = Review.objects.filter(
        outcome=ReviewOutcome.SAME_GOODS, evidence__lot=lot, identity_digest__in=by_digest
    )
    same = [(by_digest[d], e) for d, e in found.values_list("identity_digest", "evidence_id")]
    by_number: dict[tuple[str, str], UUID] = {}
    for row in rows:
        row.lot = lot
        if number := fold(row.external_ref):
            same.append((row.pk, by_number.setdefault((row.kind, number), row.pk)))
    added = policy.adds([(row.pk, row.kind, _limits(row).financing) for row in rows], same)
    limits: dict[str, int] = {}
    for row in rows:
        limits[row.kind] = limits.get(row.kind, 0) + added[row.pk]
        if row.finance_limit != added[row.pk]:
            row.finance_limit = added[row.pk]
            row.save(update_fields=["finance_limit"])
    return limits


@command(may=OFFICE)
def join_lots(*, lot_ids: list[UUID], why: str, origin: Origin) -> UUID:
    """Say that documents are about the same goods though they share no reference; return the lot they now belong to.

    Who:     an operator or a supervisor, who has looked.
    Refuses: Absent, Invalid (fewer than two; goods of several companies; no reason).
    """
    if not why.strip() or len(why) > 200:
        raise Invalid(field="why", problem=gettext_noop("from 1 to 200 characters"))
    with as_system():
        if Lot.objects.filter(pk__in=lot_ids).count() != len(set(lot_ids)):
            raise Absent(kind="lot")
        lots = _locked_lots(set(lot_ids))
        if len(lots) < 2 or len({lot.subject_id for lot in lots}) > 1:
            raise Invalid(field="lot_ids", problem=gettext_noop("at least two lots of one company"))
        heir, absorbed = _unite(lots, lots[0].subject_id, "", origin)
        record("evidence.lots_joined", heir.pk, lots=sorted(str(lot.pk) for lot in lots), why=why.strip())
        _refit_lot(heir, origin, absorbed)
    return heir.pk


# --- using ------------------------------------------------------------------------------------------------------------


def draw(
    *,
    use_id: UUID,
    evidence_id: UUID,
    purpose: str,
    amount: int,
    currency: str,
    user_id: UUID,
    basis: UUID | None = None,
    origin: Origin,
) -> None:
    """Use a document for a payment or a loan, as part of the caller's command.

    Who:     the caller has made sure that the company agreed: a consent, or a contract that it signed.
    Units:   whole minor units of the document's currency.
    Writes:  a Use; the accounts of the document and, for financing, of its goods.
    Refuses: Absent, Cancelled, NotUsable, CurrencyDiffers, Invalid, UsedUp (says what is left).
    Source:  settlement.md §0.2 (5), §1.3; financing.md §9.1.
    """
    reason = _purpose(purpose)
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= MAX_MINOR:
        raise Invalid(field="amount", problem=gettext_noop("a whole number above zero"))
    with as_system():
        if not Evidence.objects.filter(pk=evidence_id).exists():
            raise Absent(kind="evidence")
        hold_words([str(use_id)], space=_SPACE)
        row = _locked(evidence_id)
        if Use.objects.filter(pk=use_id).exists():
            raise Invalid(field="use_id", problem=gettext_noop("this id is taken; choose another"))
        if row.state == State.CANCELLED:
            raise Cancelled(evidence=str(row.pk))
        if row.amount_minor is None or row.kind not in policy.COLLATERAL:
            raise NotUsable(evidence=str(row.pk))
        if currency != row.currency:
            raise CurrencyDiffers(currency=row.currency)
        if reason is Purpose.FINANCING and row.lot is not None and row.lot.currency != row.currency:
            raise CurrencyDiffers(currency=row.lot.currency)
        lot = row.lot if reason is Purpose.FINANCING else None
        moves = [rooms.use(row.pk, reason, amount, currency, "evidence.use", use_id)]
        if lot is not None:
            moves.append(rooms.use(lot.pk, LOT, amount, currency, "evidence.use", use_id))
        try:
            _post(moves, origin)
        except TransferRefused as refused:
            if refused.facts["reason"] != "exceeds_credits":
                raise
            raise _used_up(row, lot, reason, amount, use_id) from None
        Use.objects.create(
            id=use_id, evidence=row, lot=lot, purpose=reason, user_id=user_id,
            about=policy.concerned(reason, row.subject_id, row.about), amount=amount, currency=currency, basis=basis, territory=origin.actor.territory, made_at=origin.at, changed_at=origin.at,
        )  # fmt: skip
        shared = 0
        if lot is not None:  # a second lender, and the first, learn of each other
            shared = Use.objects.filter(lot=lot, freed__lt=F("amount")).exclude(user_id=user_id).count()
        record(
            "evidence.used", use_id, measures=MEASURES[reason], evidence=row.pk, lot=lot.pk if lot else None, purpose=reason,
            user=user_id, amount=amount, currency=currency, basis=basis, others=shared,
        )  # fmt: skip


def free(*, use_id: UUID, amount: int | None = None, reason: str = "", origin: Origin) -> int:
    """Give back a use, or a part of it, as part of the caller's command; return how much.

    Units:   `amount` None means all that is left. What is given back allows no more than the document and its goods allow now.
    Refuses: Absent, Invalid (more than is left; nothing left).
    """
    with as_system():
        seen = Use.objects.filter(pk=use_id).first()
        if seen is None:
            raise Absent(kind="use")
        while True:
            row = _locked(seen.evidence_id)
            use = Use.objects.select_for_update().get(pk=use_id)
            if use.evidence_id == row.pk:
                break
            seen = use  # it moved to another form while this waited for its goods
        left = use.amount - use.freed
        back = left if amount is None else amount
        if not isinstance(back, int) or isinstance(back, bool) or not 0 < back <= left:
            raise Invalid(
                field="amount",
                problem=gettext_noop("a whole number above zero, and no more than is left of the use"),
            )
        moves = [rooms.give_back(row.pk, use.purpose, back, use.currency, "evidence.free", use.pk)]
        if use.lot_id:
            moves.append(rooms.give_back(use.lot_id, LOT, back, use.currency, "evidence.free", use.pk))
        _post(moves, origin)
        use.freed, use.moves, use.changed_at = use.freed + back, use.moves + 1, origin.at
        if use.freed == use.amount:
            use.alert = Alert.NONE
        use.save(update_fields=["freed", "moves", "changed_at", "alert"])
        record(
            "evidence.freed", use.pk, measures=MEASURES[use.purpose], evidence=row.pk, amount=back, left=left - back,
            currency=use.currency, reason=reason,
        )  # fmt: skip
        allowed = _limits(row)
        limit = allowed.settlement if use.purpose == SETTLEMENT else allowed.financing
        room = rooms.read([(row.pk, use.purpose)])[row.pk, use.purpose]
        _post(rooms.refit(row.pk, use.purpose, room, limit, use.currency), origin)
        if room.used <= limit and row.state == State.LIVE:
            _relieve(row, use.purpose, origin)
        if row.lot is not None and use.lot_id:
            _refit_lot(row.lot, origin)
    return back


def contests(run: Callable[P, R]) -> Callable[P, R]:
    """When a use is refused because others use the document, tell them; the refusal itself stands."""

    @wraps(run)
    def perform(*args: P.args, **arguments: P.kwargs) -> R:
        try:
            return run(*args, **arguments)
        except Refusal as refusal:
            if refusal.code == UsedUp.code:
                origin: Any = arguments["origin"]
                note_contest(
                    evidence_id=UUID(str(refusal.facts["evidence"])), purpose=str(refusal.facts["purpose"]),
                    asked=int(str(refusal.facts["asked"])), origin=origin.child("contest"),
                )  # fmt: skip
            raise

    return perform


@contests
@command(may=USERS)
def use_evidence(
    *, use_id: UUID, evidence_id: UUID, purpose: str, amount: int, currency: str, origin: Origin
) -> UUID:
    """Use a document for a payment or a loan of the actor's own; return the use's id.

    Who:     a bank to which somebody whom the document is about has consented, for this purpose; or a bank whom it is about itself.
    Refuses: NotConsented, and what `draw` refuses. When others use the document already, they are told.
    """
    basis = _consent_for(evidence_id, _purpose(purpose), origin, spend=True)
    party = origin.actor.party_id
    assert party is not None
    draw(
        use_id=use_id, evidence_id=evidence_id, purpose=purpose, amount=amount, currency=currency, user_id=party, basis=basis,
        origin=origin,
    )  # fmt: skip
    return use_id


@command(may=[*USERS, Role.OPERATOR])
def free_evidence(*, use_id: UUID, amount: int | None = None, reason: str = "", origin: Origin) -> int:
    """Give back a use, or a part of it: a loan repaid, a payment returned. Return how much.

    Who:     whoever made it, or the operator. Settlement is given back only with a reason.
    Refuses: Absent (also for another's use), Invalid.
    """
    with as_system():
        use = Use.objects.filter(pk=use_id).first()
    mine = use is not None and (use.user_id == origin.actor.party_id or origin.actor.role is Role.OPERATOR)
    if use is None or not mine:
        raise Absent(kind="use")
    if use.purpose == Purpose.SETTLEMENT and not reason.strip():
        raise Invalid(field="reason", problem=gettext_noop("why a settled payment is given back"))
    return free(use_id=use_id, amount=amount, reason=reason.strip()[:200], origin=origin)


@command(may=USERS)
def convert_form(*, use_id: UUID, to_id: UUID, origin: Origin) -> UUID:
    """Let financing stand on another document about the same goods, as they change form; return the use's id.

    The encumbrance moves, it is never copied: the old document is free of it in the same transaction.
    Who:     the bank that finances.
    Refuses: Absent, Invalid (not financing; nothing left), OtherGoods, Cancelled, CurrencyDiffers, UsedUp.
    Source:  financing.md §0.5.
    """
    with as_system():
        use = Use.objects.filter(pk=use_id, user_id=origin.actor.party_id).first()
        if use is None:
            raise Absent(kind="use")
        if use.purpose != Purpose.FINANCING:
            raise Invalid(field="use_id", problem=gettext_noop("a use for financing"))
        to = Evidence.objects.filter(pk=to_id).first()
        if to is None:
            raise Absent(kind="evidence")
        if to.lot_id is None or to.lot_id != use.lot_id or to.pk == use.evidence_id:
            raise OtherGoods()
        _locked_lots({to.lot_id})
        both = {
            row.pk: row
            for row in Evidence.objects.select_for_update(of=("self",))
            .select_related("lot")
            .filter(pk__in=[use.evidence_id, to_id])
            .order_by("id")
        }
        use, to, old = Use.objects.select_for_update().get(pk=use_id), both[to_id], both[use.evidence_id]
        if use.evidence_id != old.pk or use.lot_id != to.lot_id:
            raise OtherGoods()
        if to.state == State.CANCELLED:
            raise Cancelled(evidence=str(to.pk))
        if to.currency != use.currency:
            raise CurrencyDiffers(currency=use.currency)
        left = use.amount - use.freed
        if not left:
            raise Invalid(field="use_id", problem=gettext_noop("a use of which something is left"))
        try:
            _post(
                [
                    rooms.give_back(old.pk, FINANCING, left, use.currency, "evidence.convert", use.pk),
                    rooms.use(to.pk, FINANCING, left, use.currency, "evidence.convert", use.pk),
                ],
                origin,
            )
        except TransferRefused as refused:
            if refused.facts["reason"] != "exceeds_credits":
                raise
            raise _used_up(to, None, Purpose.FINANCING, left, use_id) from None
        use.evidence, use.forms, use.moves, use.changed_at = (
            to,
            [*use.forms, old.pk],
            use.moves + 1,
            origin.at,
        )
        if use.alert in (Alert.CANCELLED, Alert.BELOW_USE):
            use.alert = Alert.NONE
        use.save()
        room = rooms.read([(old.pk, FINANCING)])[old.pk, FINANCING]
        limit = _limits(old).financing
        _post(rooms.refit(old.pk, FINANCING, room, limit, use.currency), origin)
        if room.used <= limit and old.state == State.LIVE:
            _relieve(old, FINANCING, origin)
        record(
            "evidence.converted", use.pk, measures=MEASURES[Purpose.FINANCING], before=old.pk, after=to.pk, amount=left,
            currency=use.currency, lot=to.lot_id,
        )  # fmt: skip
        assert to.lot is not None
        _refit_lot(to.lot, origin)
    return use_id


@command(may=USERS)
def note_contest(*, evidence_id: UUID, purpose: str, asked: int, origin: Origin) -> int:
    """Tell those who use a document, or its goods, that somebody else was refused because of them; return how many were told.

    Who:     whoever was refused, and had consent. Source: financing.md §9 (1): both are warned.
    """
    reason = _purpose(purpose)
    _consent_for(evidence_id, reason, origin)
    with as_system():
        row = Evidence.objects.get(pk=evidence_id)
        about = (
            Q(evidence=row)
            if reason is Purpose.SETTLEMENT or row.lot_id is None
            else Q(evidence=row) | Q(lot=row.lot_id)
        )
        others = Use.objects.filter(about, purpose=reason, freed__lt=F("amount")).exclude(
            user_id=origin.actor.party_id
        )
        told = list(
            others.select_for_update().order_by("id").values_list("pk", flat=True)
        )  # in one order for all who tell
        Use.objects.filter(pk__in=told).update(contested=F("contested") + 1)
        record(
            "evidence.contested", row.pk, measures=MEASURES[reason], purpose=reason, asked=asked, uses=told
        )
    return len(told)


def _purpose(word: str) -> Purpose:
    try:
        return Purpose(word)
    except ValueError:
        raise Invalid(field="purpose", problem=f"one of {', '.join(p.value for p in Purpose)}") from None


def _consent_for(evidence_id: UUID, purpose: Purpose, origin: Origin, *, spend: bool = False) -> UUID | None:
    """The consent that a use rests on; None for evidence about the actor itself. For one occasion, it is spent by the use."""
    with as_system():
        row = Evidence.objects.filter(pk=evidence_id).first()
        if row is None:
            raise Absent(kind="evidence")
        if origin.actor.party_id in row.about:
            return None
        found = covering(row, origin.actor.party_id, purpose, origin.at)
        if spend and not isinstance(found, str) and found.one_off:
            found.spent_at = origin.at
            found.save(update_fields=["spent_at"])
    if isinstance(found, str):
        raise NotConsented(evidence=str(evidence_id), why=found)
    return found.pk


def _used_up(row: Evidence, lot: Lot | None, purpose: Purpose, asked: int, use_id: UUID) -> UsedUp:
    wanted = [(row.pk, str(purpose)), *([(lot.pk, LOT)] if lot else [])]
    left = min(room.left for room in rooms.read(wanted).values())
    return UsedUp(
        evidence=str(row.pk), use=str(use_id), purpose=purpose.value, asked=asked, remaining=left, currency=row.currency,
        whole=left == 0,
    )  # fmt: skip


# --- two documents that look alike --------------------------------------------------------------------------------------


@command(may=SOURCES)
def open_review(
    *, identity_digest: str, evidence_id: UUID, external_ref: str, reason: str, origin: Origin
) -> UUID:
    """Ask a person whether a document is one that is here, or about the same goods; return the review's id. Part of receiving.

    Refuses: Absent, Invalid.
    """
    party = origin.actor.party_id
    if reason not in ("edited", "same_worth") or len(identity_digest) != 64 or len(external_ref) > 200:
        raise Invalid(field="reason", problem=gettext_noop("what the refusal said"))
    with as_system():
        row = Evidence.objects.filter(pk=evidence_id).first()
        if row is None or party is None:
            raise Absent(kind="evidence")
        review = uuid5(evidence_id, identity_digest)
        Review.objects.bulk_create(
            [
                Review(
                    id=review, identity_digest=identity_digest, evidence=row, external_ref=external_ref, reason=reason,
                    asked_by_id=party, asked_at=origin.at,
                )
            ],
            ignore_conflicts=True,
        )  # fmt: skip
    record("evidence.review_opened", evidence_id, review=review, reason=reason)
    return review


@command(may=OFFICE)
def clear_review(*, review_id: UUID, outcome: str, why: str, origin: Origin) -> UUID:
    """Say whether two documents are two; what was refused may then be received, or never. Return the review's id.

    Who:     an operator or a supervisor. `outcome` is distinct, same_goods (two papers, one lot) or same_document.
    Refuses: Absent, Invalid, AlreadyAnswered.
    """
    if outcome not in list(ReviewOutcome):
        raise Invalid(field="outcome", problem=f"one of {', '.join(o.value for o in ReviewOutcome)}")
    if not why.strip() or len(why) > 200:
        raise Invalid(field="why", problem=gettext_noop("from 1 to 200 characters"))
    review = Review.objects.select_for_update().filter(pk=review_id).first()
    if review is None:
        raise Absent(kind="review")
    if review.cleared_at is not None:
        raise AlreadyAnswered()
    review.outcome, review.why = outcome, why.strip()
    review.cleared_by, review.cleared_at = origin.actor.person_id, origin.at
    review.save()
    record("evidence.review_cleared", review.evidence_id, review=review.pk, outcome=outcome)
    return review_id
