"""Everything that can be done to titles. What each act means is decided in `policy`; here it is locked, looked up and written.

Locks: titles in the order of their ids, then lots. Issuing takes advisory locks on the keys of the new title, in their order.

Signing: an act may come with `signature={"key_id": …, "signature": …}` over `chain.statement` of the act; then it is checked against
the actor's registered key and goes into the event. `previous` is the digest the caller believes to be last; another is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar
from uuid import UUID, uuid5

from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from psycopg.types.range import Range

from luhai.core.parties import queries as parties
from luhai.core.rules import queries as rules
from luhai.core.rules.parameters import NoValueThen
from luhai.kernel.origin import Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.shell.command import command, record
from luhai.shell.context import as_system
from luhai.shell.locks import hold_words

from . import chain, policy, subjects
from .lifecycle import FINAL, LIVE, WHO_NAMES, Act, Form, Kind, State, Who
from .models import Claim, Custody, Event, Key, Lot, Order, Pledge, Review, Title, Version
from .policy import Control, Step, perform
from .queries import control_of, pledges_of

P = ParamSpec("P")
R = TypeVar("R")

#: In which the words of this subject are held.
_SPACE: Final = 11
PARTIES: Final = [Role.COMPANY, Role.BANK, Role.PARTNER]
COURT: Final = [Role.SUPERVISOR, Role.OPERATOR]

#: What each kind carries out of the policy.
MEASURES: Final[Mapping[str, list[str]]] = {
    Kind.TRANSPORT_DOCUMENT: ["M05-08", "M05-09"],
    Kind.WAREHOUSE_RECEIPT: ["M06-12"],
    Kind.RECEIVABLE_VOUCHER: ["M06-09"],
    Kind.BILL: [],
}
#: What may be reported of the goods, after the equipment events of DCSA and the steps of EPCIS.
CUSTODY_EVENTS: Final = ("received", "loaded", "discharged", "gate_in", "stored", "inspected", "gate_out", "handed_over")
#: Events after which the goods have left whoever must keep them for the holder.
_GONE: Final = frozenset({"gate_out", "handed_over"})

_ORDERS: Final = (Act.FREEZE, Act.UNFREEZE, Act.VOID)

#: What an escrow may do with a title that it keeps.
KEEPER_ACTS: Final = (
    Act.NOMINATE, Act.ENDORSE, Act.TRANSFER, Act.PLEDGE, Act.RELEASE_PLEDGE, Act.ENFORCE, Act.SPLIT, Act.SURRENDER,
    Act.SURRENDER_FOR_AMENDMENT,
)  # fmt: skip


class AlreadyLive(Refusal):
    code = "titles.already_live"
    message = gettext_noop("A live title already stands on this %(kind)s.")


#: What a claim is on, in words.
CLAIM_NAMES: Final = {
    "document": gettext_noop("document number"), "waybill": gettext_noop("waybill number"),
    "container": gettext_noop("container at that time"), "receipt": gettext_noop("receipt number"),
    "voucher": gettext_noop("voucher number"), "bill": gettext_noop("interval of the bill"),
}  # fmt: skip


class NearDuplicate(Refusal):
    code = "titles.near_duplicate"
    message = gettext_noop("The number may be that of a live title, edited; a person must tell them apart (%(review)s).")


class Stale(Refusal):
    code = "titles.stale"
    message = gettext_noop("Something was done to the title meanwhile; its last digest is %(head)s.")


class WrongSignature(Refusal):
    code = "titles.wrong_signature"
    status = 422
    message = gettext_noop("The signature is not that of a registered, unrevoked key of the actor over this act.")


class LotTooSmall(Refusal):
    code = "titles.lot_too_small"
    message = gettext_noop("Of this lot %(free)s is not receipted yet; %(asked)s was asked.")


class LotShort(Refusal):
    code = "titles.lot_short"
    message = gettext_noop("The last stock-take of this lot found less than its receipts stand for.")


class TermTooLong(Refusal):
    code = "titles.term_too_long"
    message = gettext_noop("Due by %(latest)s at the latest: %(months)s months from the day of issue.")


class ConsigneeNotBound(Refusal):
    code = "titles.consignee_not_bound"
    message = gettext_noop(
        "Waybill %(waybill)s is consigned to %(consignee)s, who is not bound to obey whoever controls this document. Name the"
        " agreement that binds them, or consign it to yourself or to the institution that takes the pledge."
    )


class SamePerson(Refusal):
    code = "titles.same_person"
    status = 403
    message = gettext_noop("An order is confirmed by somebody other than who entered it.")


class AlreadyConfirmed(Refusal):
    code = "titles.already_confirmed"
    message = gettext_noop("This order was already confirmed.")


class AlreadyCleared(Refusal):
    code = "titles.already_cleared"
    message = gettext_noop("This pair was already told apart.")


# --- issue ----------------------------------------------------------------------------------------------------------


def opens_review(run: Callable[P, R]) -> Callable[P, R]:
    """When the command is refused as a near-duplicate, open the review that the refusal names, which outlasts it."""

    @wraps(run)
    def perform_(*args: P.args, **arguments: P.kwargs) -> R:
        try:
            return run(*args, **arguments)
        except Refusal as refusal:
            if refusal.code == NearDuplicate.code:
                origin: Any = arguments["origin"]
                facts = refusal.facts
                open_review(
                    key_digest=str(facts["key_digest"]), title_id=UUID(str(facts["title"])), number=str(facts["number"]),
                    reason=str(facts["reason"]), origin=origin.child("review"),
                )  # fmt: skip
            raise

    return perform_


@opens_review
@command(may=PARTIES)
def issue_title(
    *,
    title_id: UUID,
    kind: str,
    holder_id: UUID,
    beneficiary_id: UUID | None = None,
    subject: dict[str, Any],
    quantity: int,
    unit: str,
    form: str = Form.TO_ORDER,
    content: dict[str, Any] | None = None,
    profile: str = "sha256",
    signature: dict[str, Any] | None = None,
    origin: Origin,
) -> UUID:
    """Issue a title, and put `holder_id` in control of it; return its id.

    Who:     the issuer: carrier or forwarder, warehouse, core firm, drawer; an institution for a bill it draws itself.
    Units:   `quantity` in whole `unit`s: a code of UNECE Recommendation 20 for goods; a currency for vouchers and bills, where it
             counts minor units. `subject` by kind: see subjects.py. The beneficiary is the holder unless named.
    Writes:  Title, its Claims, the first Version and Event; for a receipt the Lot.
    Refuses: Invalid, AlreadyLive (says no more than the asker may see), NearDuplicate (opens a Review), TermTooLong,
             LotTooSmall, LotShort, ConsigneeNotBound, WrongSignature.
    Source:  MLETR 10; Negotiable Cargo Documents Convention 4; Civil Code 840, 908, 909; 银发〔2025〕77号; INV-OB-1, INV-OB-7,
             INV-WR-1, INV-EV-3, INV-BILL-3.
    """
    issuer = origin.actor.party_id
    if issuer is None:
        raise NotEntitled(who=WHO_NAMES[Who.ISSUER])
    sort, shape = _word("kind", kind, Kind), _word("form", form, Form)
    if profile not in chain.PROFILES:
        raise Invalid(field="profile", problem=f"one of {', '.join(chain.PROFILES)}")
    on = origin.at.date()
    about = subjects.read(sort, subject, quantity=quantity, unit=unit, form=shape, on=on)
    if sort is Kind.RECEIVABLE_VOUCHER and issuer in (holder_id, beneficiary_id):
        raise Invalid(field="holder_id", problem="somebody other than the issuer, who owes it")
    if Title.objects.filter(pk=title_id).exists():
        raise Invalid(field="title_id", problem="this id is taken; choose another")
    warned = _term(sort, about, origin)
    bound = _bound(about, shape, issuer, origin)
    code = subjects.issuer_code(parties.party(party_id=issuer, viewer=origin.actor).identifiers, issuer)
    found = subjects.claims(sort, code, about, shape, container_days=_days("titles.container_days", origin))
    lot_digest = subjects.lot_digest(issuer, about) if sort is Kind.WAREHOUSE_RECEIPT else ""
    like = subjects.Likeness(
        sort, issuer, subjects.number_of(sort, about), subjects.look_of(sort, about), quantity, unit, holder_id, lot_digest,
        on,
    )  # fmt: skip
    hold_words(
        [*(c.digest for c in found), lot_digest, f"{issuer} {like.look}", f"{issuer} {holder_id} {quantity} {unit}"],
        space=_SPACE,
    )
    _refuse_live(found)
    _refuse_near(like, found[0], origin)
    lot = _receipt(lot_digest, issuer, about, quantity, unit, origin) if lot_digest else None
    words = dict(content) if content is not None else dict(about)
    digest = policy.content_digest(words)
    details = {
        "kind": sort, "subject": about, "quantity": quantity, "unit": unit, "form": shape, "holder": str(holder_id),
        "beneficiary": str(beneficiary_id or holder_id), "content": digest,
    }  # fmt: skip
    title = Title(
        id=title_id, kind=sort, form=shape, issuer_id=issuer, holder_id=holder_id,
        beneficiary_id=beneficiary_id or holder_id, quantity=quantity, quantity_begun=quantity, unit=unit, subject=about,
        number=like.number, look=like.look, key=found[0].text, key_digest=found[0].digest, root_id=title_id, lot=lot,
        branch=f":{about['start']}-{about['end']}" if sort is Kind.BILL else "", first_holder=holder_id,
        due_on=about.get("due_on"), content_digest=digest, profile=profile, issued_at=origin.at,
    )  # fmt: skip
    _begin(title, Act.ISSUE, details, issuer, origin, signature=signature)
    try:
        Claim.objects.bulk_create(_claim(title, c) for c in found)
    except IntegrityError:  # the advisory locks let nobody get here; the constraint stands even so
        raise AlreadyLive(
            kind=CLAIM_NAMES[found[0].sort], key=found[0].sort, number=found[0].text, title=None, state=None, holder=None
        ) from None
    Version.objects.create(title=title, version=1, content=words, digest=digest, at=origin.at)
    record(
        "titles.issue", title_id, measures=MEASURES[sort], rules=warned, title_kind=sort, issuer=issuer, holder=holder_id,
        quantity=quantity, unit=unit, key_digest=title.key_digest, long_term=bool(warned), consignees_known=bound,
    )  # fmt: skip
    return title_id


def _word(field: str, value: str, words: Any) -> Any:
    try:
        return words(value)
    except ValueError:
        raise Invalid(field=field, problem=f"one of {', '.join(w.value for w in words)}") from None


def _days(key: str, origin: Origin) -> int:
    return rules.parameters(viewer=origin.actor).value(key, origin.at.date(), None).in_unit("days")


def _term(kind: Kind, about: Mapping[str, Any], origin: Origin) -> list[str]:
    """Refuse a term that is too long; return the rule that makes a long one worth a look, if it does."""
    if kind not in (Kind.RECEIVABLE_VOUCHER, Kind.BILL):
        return []
    known, on = rules.parameters(viewer=origin.actor), origin.at.date()
    due = datetime.fromisoformat(about["due_on"]).date()

    def latest(key: str) -> tuple[Any, int]:
        value = known.value(key, on, None)
        return subjects.months_later(on, value.in_unit("months")), value.in_unit("months")

    try:
        last, months = latest("bill.longest_months" if kind is Kind.BILL else "voucher.longest_months")
        if due > last:
            raise TermTooLong(latest=last.isoformat(), months=months)
        if kind is Kind.RECEIVABLE_VOUCHER and due > latest("voucher.usual_months")[0]:
            return [f"voucher.usual_months@{known.value('voucher.usual_months', on, None).valid_from}"]
    except NoValueThen:
        return []
    return []


def _bound(about: Mapping[str, Any], form: Form, issuer: UUID, origin: Origin) -> bool:
    """Refuse a waybill that is consigned to somebody who may deliver past the document; whether all consignees are known.

    INV-OB-7: the issuer itself, an institution (which takes the pledge), or an agent whom a named agreement binds.
    """
    legs = subjects.consignees(about, form)
    for n, (waybill, name) in enumerate(legs or []):
        found = parties.party_named(name=name, field=f"subject.consignees.{n}", viewer=origin.actor)
        if found.id != issuer and found.kind != "institution" and "agreement" not in about:
            raise ConsigneeNotBound(waybill=waybill, consignee=name)
    return legs is not None


def _claim(title: Title, c: subjects.Claim) -> Claim:
    line = None
    if c.first is not None and c.last is not None:
        start = int(c.digest, 16) * 10**13
        line = Range(start + c.first, start + c.last, "[]")
    return Claim(root=title, sort=c.sort, digest=c.digest, first=c.first, last=c.last, line=line)


def _refuse_live(found: Sequence[subjects.Claim]) -> None:
    """Refuse a key that is taken, telling the asker no more than it may see."""
    with as_system():
        taken = list(
            Claim.objects.filter(digest__in=[c.digest for c in found], live=True).values_list(
                "digest", "first", "last", "root_id"
            )
        )
    for claim in found:
        for digest, first, last, root in taken:
            if digest != claim.digest:
                continue
            if first is None or last is None or (first <= (claim.last or 0) and (claim.first or 0) <= last):
                seen = Title.objects.filter(root_id=root, state__in=LIVE).order_by("issued_at", "id").first()
                raise AlreadyLive(
                    kind=CLAIM_NAMES[claim.sort], key=claim.sort, number=claim.text, title=str(seen.pk) if seen else None,
                    state=seen.state if seen else None, holder=str(seen.holder_id) if seen else None,
                )  # fmt: skip


def _refuse_near(like: subjects.Likeness, own: subjects.Claim, origin: Origin) -> None:
    days = _days("titles.near_duplicate_days", origin)
    rows = Title.objects.filter(issuer_id=like.issuer, kind=like.kind, branch="", claims__live=True).filter(
        Q(look=like.look) | Q(first_holder=like.first_holder, quantity_begun=like.quantity)
    )
    for row in rows.select_related("lot").distinct().order_by("id"):
        other = subjects.Likeness(
            Kind(row.kind), row.issuer_id, row.number, row.look, row.quantity_begun, row.unit, row.first_holder,
            row.lot.digest if row.lot else "", row.issued_at.date(),
        )  # fmt: skip
        reason = subjects.near(like, other, days=days)
        if reason is None:
            continue
        if not Review.objects.filter(key_digest=own.digest, title=row, cleared_at__isnull=False).exists():
            raise NearDuplicate(
                review=str(uuid5(row.pk, own.digest)), title=str(row.pk), reason=reason, number=like.number,
                key_digest=own.digest,
            )  # fmt: skip


def _receipt(
    digest: str, warehouse: UUID, about: Mapping[str, Any], quantity: int, unit: str, origin: Origin
) -> Lot:
    """Receipt a quantity of a lot; a lot that nobody has counted yet begins with what the warehouse says is there."""
    lot = Lot.objects.select_for_update().filter(digest=digest).first()
    if lot is None:
        place = {name: about.get(name, "") for name in ("warehouse", "yard", "bin", "lot")}
        lot = Lot(
            id=uuid5(origin.key, "lot"), warehouse_id=warehouse, digest=digest, place=place, unit=unit,
            on_hand=about.get("lot_quantity", quantity), counted_at=origin.at,
        )  # fmt: skip
    if lot.unit != unit:
        raise Invalid(field="unit", problem=f"the unit of the lot: {lot.unit}")
    if lot.short:
        raise LotShort()
    if lot.receipted + quantity > lot.on_hand:
        raise LotTooSmall(free=lot.on_hand - lot.receipted, asked=quantity)
    lot.receipted += quantity
    lot.save()
    return lot


@command(may=PARTIES)
def open_review(*, key_digest: str, title_id: UUID, number: str, reason: str, origin: Origin) -> UUID:
    """Ask a person whether a number is that of a live title, edited; return the review's id. Called when issuing is refused.

    Who:     the issuer of the live title, who wanted to issue the other one.
    Refuses: Absent (another's title), Invalid.
    """
    party = origin.actor.party_id
    title = Title.objects.filter(pk=title_id, issuer_id=party).first() if party else None
    if party is None or title is None:
        raise Absent(kind="title")
    if reason not in ("looks_alike", "edited") or len(key_digest) != 64 or not 0 < len(number) <= 64:
        raise Invalid(field="reason", problem="what the refusal said")
    review = uuid5(title_id, key_digest)
    Review.objects.bulk_create(
        [
            Review(
                id=review, key_digest=key_digest, title=title, number=number, reason=reason,
                asked_by=party, asked_at=origin.at,
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    record("titles.review_opened", title_id, review=review, reason=reason)
    return review


@command(may=COURT)
def clear_review(*, review_id: UUID, why: str, origin: Origin) -> UUID:
    """Say that two numbers are two titles; the one that was refused may now be issued. Return the review's id.

    Who:     an operator or a supervisor.
    Refuses: Absent, Invalid (no reason), AlreadyCleared.
    """
    review = Review.objects.select_for_update().filter(pk=review_id).first()
    if review is None:
        raise Absent(kind="review")
    if review.cleared_at is not None:
        raise AlreadyCleared()
    review.why = subjects.text("why", why, 200)
    review.cleared_by, review.cleared_at = origin.actor.person_id, origin.at
    review.save(update_fields=["why", "cleared_by", "cleared_at"])
    record("titles.review_cleared", review.title_id, review=review_id, number=review.number)
    return review_id


# --- acts of the parties --------------------------------------------------------------------------------------------


@command(may=PARTIES)
def nominate(
    *, title_id: UUID, to: UUID, previous: str | None = None, signature: dict[str, Any] | None = None, origin: Origin
) -> UUID:
    """Name to whom the holder may endorse the title. Who: the beneficiary. Source: MLETR 15; TradeTrust `nominate`."""
    return _act(title_id, Act.NOMINATE, {"to": to}, origin, previous, signature)


@command(may=PARTIES)
def endorse(
    *, title_id: UUID, manner: str = "to_order", to: UUID | None = None, evidence: str | None = None,
    previous: str | None = None, signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """Pass the rights on, without control: `to_order`, `named` (who cannot pass them on) or `in_blank`.

    Who:     the holder; if it is not the beneficiary, only to the nominee.
    Refuses: NotTransferable (straight), NotNominated, NeedsEvidence and BackToIssuer (vouchers).
    Source:  MLETR 15; Negotiable Cargo Documents Convention 11; Civil Code 910; Negotiable Instruments Law 30-35.
    """
    return _act(
        title_id, Act.ENDORSE, {"manner": manner, "to": to, "evidence": evidence}, origin, previous, signature
    )


@command(may=PARTIES)
def transfer_title(
    *, title_id: UUID, to: UUID, beneficiary: UUID | None = None, evidence: str | None = None,
    previous: str | None = None, signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """Put another in control; with `beneficiary`, endorse it to their order in the same act.

    Who:     the holder.
    Refuses: NotTransferable (a straight title, to anyone but its beneficiary), NotNominated, NeedsEvidence, BackToIssuer.
    Source:  MLETR 11; Negotiable Cargo Documents Convention 7, 11; Civil Code 227; INV-EV-6, INV-EV-7.
    """
    details = {"to": to, "beneficiary": beneficiary, "evidence": evidence}
    return _act(title_id, Act.TRANSFER, details, origin, previous, signature)


@command(may=PARTIES)
def reject_transfer(
    *, title_id: UUID, previous: str | None = None, signature: dict[str, Any] | None = None, origin: Origin
) -> UUID:
    """Give back what the act before gave. Who: the new holder or beneficiary, as their very next act. Refuses: NothingToReject."""
    return _act(title_id, Act.REJECT, {}, origin, previous, signature)


@command(may=PARTIES)
def pledge_title(
    *, title_id: UUID, pledgee: UUID, quantity: int | None = None, secured_minor: int | None = None,
    currency: str | None = None, registration: str | None = None, affiliated: bool | None = None,
    previous: str | None = None, signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """Pledge a quantity (all that is free, unless said) to an institution; return the pledge's id.

    Who:     a holder who is the beneficiary. The pledgor keeps the title; what is pledged can be neither disposed of nor delivered.
             The pledgee may refuse it until it first acts on it.
    Units:   `quantity` as the title's; `secured_minor` in minor units of `currency`. `registration` is the number in the national
             register of security over movables. `affiliated`, of a receipt: its warehouse is the pledgor or belongs with it.
    Refuses: NotFree, SplitFirst (a part of a bill), NotTransferable (straight), AffiliatedWarehouse, Invalid (no institution).
    Source:  Civil Code 440, 441 (where there is no paper, a pledge arises by registration), 442, 445; INV-OB-6, INV-WR-3, INV-WR-6.
    """
    details = {
        "pledgee": pledgee, "quantity": quantity, "secured_minor": secured_minor, "currency": currency,
        "registration": registration, "affiliated": affiliated,
    }  # fmt: skip
    title = _locked(title_id)
    _act(title_id, Act.PLEDGE, details, origin, previous, signature, title=title)
    return uuid5(title_id, f"pledge {title.n}")


@command(may=PARTIES)
def refuse_pledge(
    *, title_id: UUID, pledge: UUID, reason: str | None = None, previous: str | None = None,
    signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """End a pledge that one never agreed to. Unlike a release, it waives nothing: there was no contract.

    Who:     its pledgee, until it first acts on the pledge (releases a part, enforces it, hands it to an escrow).
    Refuses: NotEntitled (another's, or taken up already), Absent (no such pledge).
    Source:  Civil Code 427, 446 (a pledge is a contract), 478, 480; 435 (who waives a pledge frees other guarantors).
    """
    return _act(title_id, Act.REFUSE_PLEDGE, {"pledge": pledge, "reason": reason}, origin, previous, signature)


@command(may=PARTIES)
def release_pledge(
    *, title_id: UUID, pledge: UUID, quantity: int | None = None, previous: str | None = None,
    signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """End a pledge, or reduce it by `quantity`. Who: its pledgee. Refuses: Absent (no such pledge). Source: Civil Code 393, 436."""
    return _act(
        title_id, Act.RELEASE_PLEDGE, {"pledge": pledge, "quantity": quantity}, origin, previous, signature
    )


@command(may=PARTIES)
def enforce_pledge(
    *, title_id: UUID, pledge: UUID, to: UUID, ground: str, document: str, previous: str | None = None,
    signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """Realise a pledge: `to` acquires what is pledged, by `sale`, `auction` or `agreed_value`; return the title acquired.

    Who:     its pledgee, who answers for the default and keeps the `document` that proves the sale or agreement.
    Writes:  holder and beneficiary; where only a part was pledged, the title splits and `to` acquires that part.
    Refuses: NoForfeiture (the pledgee itself, other than at an agreed value), Absent.
    Source:  Civil Code 428 (no forfeiture), 436, 438.
    """
    details = {"pledge": pledge, "to": to, "ground": ground, "document": document}
    title = _locked(title_id)
    step = _act_step(title, Act.ENFORCE, details, origin, previous, signature)
    return step.parts[1].id if step.parts else title_id


@command(may=PARTIES)
def split_title(
    *, title_id: UUID, parts: list[int], previous: str | None = None, signature: dict[str, Any] | None = None,
    origin: Origin,
) -> list[str]:  # fmt: skip
    """Split a title into parts that add up to it; return their ids in order. The first carries the pledges, if any.

    Who:     a holder who is the beneficiary: so a pledgor deals in what is left of a pledged title.
    Refuses: NotConserved, NotFree (a first part smaller than what is pledged), Indivisible.
    Source:  INV-WR-4, INV-OB-10, INV-EV-1, INV-BILL-1 (a bill's parts are intervals from its front).
    """
    step = _act_step(_locked(title_id), Act.SPLIT, {"parts": parts}, origin, previous, signature)
    return [str(part.id) for part in step.parts]


@command(may=PARTIES)
def merge_titles(
    *, title_id: UUID, others: list[UUID], previous: str | None = None, signature: dict[str, Any] | None = None,
    origin: Origin,
) -> UUID:  # fmt: skip
    """Make one title of parts that were split from one; return its id.

    Who:     a holder who is the beneficiary of all of them. `previous` and `signature` are about `title_id`.
    Refuses: DoNotFit (different roots, hands or versions; intervals of a bill with gaps), Absent.
    Source:  INV-WR-4.
    """
    details = policy.read_details(Act.MERGE, {"others": others})
    ids = [title_id, *(UUID(o) for o in details["others"])]
    rows = {row.pk: row for row in Title.objects.select_for_update().filter(pk__in=ids).order_by("id")}
    if any(i not in rows for i in ids):
        raise Absent(kind="title")
    first = rows[title_id]
    pieces = [policy.Piece(control_of(rows[i]), rows[i].root_id, rows[i].subject) for i in ids]
    for piece in pieces:
        policy.entitled(piece.control, (), Act.MERGE, {}, origin.actor.party_id)
        policy.allowed(piece.control.state, Act.MERGE)
    quantity, about = policy.whole(pieces)
    made = uuid5(first.pk, f"whole {first.n + 1}")
    whole = Title(
        id=made, kind=first.kind, form=first.form, issuer_id=first.issuer_id, holder_id=first.holder_id,
        beneficiary_id=first.beneficiary_id, quantity=quantity, quantity_begun=quantity, unit=first.unit, subject=about,
        number=first.number, look=first.look, key=first.key, key_digest=first.key_digest,
        branch=_branch(first, f"+{first.n + 1}", made), root_id=first.root_id, origin_title=first, lot_id=first.lot_id,
        first_holder=first.first_holder, due_on=first.due_on, version=first.version,
        content_digest=first.content_digest, profile=first.profile, issued_at=origin.at,
    )  # fmt: skip
    effect = {"whole": str(made)}
    _begin(
        whole, Act.DERIVE, {"act": Act.MERGE, "from": [str(i) for i in ids], "digests": [rows[i].head for i in ids]},
        first.holder_id, origin,
    )  # fmt: skip
    for i in ids:
        mine = i == title_id
        _act_step(
            rows[i], Act.MERGE, details, origin, previous if mine else None, signature if mine else None,
            effect=effect,
        )  # fmt: skip
    Version.objects.create(
        title=whole, version=first.version, content=_content(first, first.version), digest=first.content_digest,
        at=origin.at,
    )  # fmt: skip
    return made


@command(may=PARTIES)
def surrender_title(
    *, title_id: UUID, quantity: int | None = None, previous: str | None = None,
    signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """Present a title for delivery or payment; of a warehouse receipt also a part.

    Who:     a holder who is the beneficiary.
    Refuses: NotFree (what is pledged is not delivered), SplitFirst (a part of anything else).
    Source:  Negotiable Cargo Documents Convention 10; Civil Code 831, 914; INV-OB-5, INV-OB-10, INV-WR-2.
    """
    return _act(title_id, Act.SURRENDER, {"quantity": quantity}, origin, previous, signature)


@command(may=PARTIES)
def surrender_title_for_amendment(
    *, title_id: UUID, reason: str = "amendment", previous: str | None = None,
    signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """Give a title up so that the issuer can amend it or convert it to paper. Who: a holder who is the beneficiary.

    `reason`: amendment, paper, change_of_destination, switch (DCSA AREQ with SWTP, COD, SWI). Source: MLETR 16, 18; INV-OB-3.
    """
    return _act(title_id, Act.SURRENDER_FOR_AMENDMENT, {"reason": reason}, origin, previous, signature)


@command(may=PARTIES)
def accept_surrender(
    *, title_id: UUID, previous: str | None = None, signature: dict[str, Any] | None = None, origin: Origin
) -> UUID:
    """Deliver or pay what was presented, or take the title back for amendment. Who: the issuer.

    Writes:  the end of the title, or what is left of it after a partial delivery; of a receipt, the lot.
    Source:  Negotiable Cargo Documents Convention 10; Civil Code 914, 915; DCSA SURR.
    """
    return _act(title_id, Act.ACCEPT_SURRENDER, {}, origin, previous, signature)


@command(may=PARTIES)
def refuse_surrender(
    *, title_id: UUID, reason: str, previous: str | None = None, signature: dict[str, Any] | None = None,
    origin: Origin,
) -> UUID:  # fmt: skip
    """Refuse a surrender, and say why; control is as it was. Who: the issuer. Source: DCSA SREJ, TradeTrust `restore`."""
    return _act(title_id, Act.REFUSE_SURRENDER, {"reason": reason}, origin, previous, signature)


@command(may=PARTIES)
def amend_title(
    *, title_id: UUID, content: dict[str, Any], statement: str, previous: str | None = None,
    signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """Write the next version of a title that was given up for it; `statement` identifies what is amended.

    Who:     the issuer. Control goes back to who gave it up. Source: MLETR 16; INV-OB-3.
    """
    return _act(
        title_id, Act.AMEND, {"content": policy.content_digest(content), "statement": statement}, origin, previous,
        signature, content=content,
    )  # fmt: skip


@command(may=PARTIES)
def convert_to_paper(
    *, title_id: UUID, paper_no: str, statement: str, previous: str | None = None,
    signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """Make this record inoperative and note the paper that takes its place, in one act.

    Who:     the issuer, of a title given up for it. Its keys stay taken. Source: MLETR 18; INV-OB-8 (old inoperative first).
    """
    return _act(title_id, Act.TO_PAPER, {"paper_no": paper_no, "statement": statement}, origin, previous, signature)


@command(may=PARTIES)
def convert_from_paper(
    *, title_id: UUID, paper_no: str, to: UUID, statement: str, previous: str | None = None,
    signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """Take back the paper, and put `to`, who gave it up, in control of the record again as its next version.

    Who:     the issuer, who has made the paper inoperative. Refuses: Invalid (another paper). Source: MLETR 17; INV-OB-8.
    """
    details = {"paper_no": paper_no, "to": to, "statement": statement}
    return _act(title_id, Act.TO_ELECTRONIC, details, origin, previous, signature)


# --- orders of courts and authorities -------------------------------------------------------------------------------


@command(may=COURT)
def enter_order(
    *, order_id: UUID, title_id: UUID, act: str, document: str, reason: str, origin: Origin
) -> UUID:
    """Enter an order to `freeze`, `unfreeze` or `void` a title; it takes effect when another person confirms it.

    Who:     an operator or a supervisor. `document` is the number of the order.
    Refuses: Absent, Invalid, ActNotAllowed.
    """
    if act not in _ORDERS:
        raise Invalid(field="act", problem=f"one of {', '.join(_ORDERS)}")
    done = Act(act)
    title = _locked(title_id)
    policy.allowed(State(title.state), done)
    details = policy.read_details(done, {"document": document, "reason": reason})
    if Order.objects.filter(pk=order_id).exists():
        raise Invalid(field="order_id", problem="this id is taken; choose another")
    Order.objects.create(
        id=order_id, title=title, act=done, entered_by=origin.actor.person_id, entered_at=origin.at, **details
    )
    record("titles.order_entered", title_id, order=order_id, act=done, document=document)
    return order_id


@command(may=COURT)
def confirm_order(*, order_id: UUID, origin: Origin) -> UUID:
    """Confirm an order that somebody else entered, and carry it out, whoever keeps the title; return the title's id.

    Refuses: Absent, SamePerson, AlreadyConfirmed, ActNotAllowed.
    """
    asked = Order.objects.filter(pk=order_id).first()
    if asked is None:
        raise Absent(kind="order")
    title = _locked(asked.title_id)
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.confirmed_at is not None:
        raise AlreadyConfirmed()
    if order.entered_by == origin.actor.person_id:
        raise SamePerson()
    act = Act(order.act)
    _by_order(title, act, {"document": order.document, "reason": order.reason}, "court", origin)
    order.confirmed_by, order.confirmed_at = origin.actor.person_id, origin.at
    order.save(update_fields=["confirmed_by", "confirmed_at"])
    return title.pk


def _by_order(title: Title, act: Act, given: Mapping[str, Any], by: str, origin: Origin) -> None:
    details = policy.read_details(act, given)
    control, pledges = control_of(title), pledges_of(title)
    party = origin.actor.party_id or origin.actor.person_id
    step = perform(control, pledges, act, details, party=party)
    title.frozen_by = by if act is Act.FREEZE else ""
    _write(title, control, pledges, step, act, details, party, origin, None)


# --- the goods ------------------------------------------------------------------------------------------------------


@command(may=[*PARTIES, Role.OPERATOR])
def report_custody(
    *, title_id: UUID, event: str, custodian: UUID, place: str, happened_at: datetime, reference: str = "",
    origin: Origin,
) -> UUID:  # fmt: skip
    """Say where the goods of a title are and who has them. It changes nothing about who controls the record.

    Who:     the issuer, the custodian reported last, or the operator.
    Writes:  Custody; and a signal when goods left although nobody surrendered the title (INV-OB-5, domain notes §4.10).
    Refuses: Absent, NotEntitled, Invalid.
    """
    visible = Title.objects.filter(pk=title_id).exists()
    with as_system():  # a custodian reports on goods, and learns nothing of who controls their title
        title = Title.objects.filter(pk=title_id).first()
        last = Custody.objects.filter(title_id=title_id).order_by("-happened_at", "-pk").first()
    party = origin.actor.party_id
    mine = title is not None and party in (title.issuer_id, last.custodian if last else None)
    if title is None or not (visible or mine):
        raise Absent(kind="title")
    if not mine and origin.actor.role is not Role.OPERATOR:
        raise NotEntitled(who=gettext_noop("the issuer or the present custodian"))
    if title.kind not in (Kind.TRANSPORT_DOCUMENT, Kind.WAREHOUSE_RECEIPT):
        raise Invalid(field="title_id", problem="a title to goods")
    if event not in CUSTODY_EVENTS:
        raise Invalid(field="event", problem=f"one of {', '.join(CUSTODY_EVENTS)}")
    if happened_at.tzinfo is None or happened_at > origin.at:
        raise Invalid(field="happened_at", problem="a moment with its time zone, not in the future")
    try:
        parties.party(party_id=custodian, viewer=origin.actor)
    except Absent:
        raise Invalid(field="custodian", problem="a registered party") from None
    place = subjects.text("place", place)
    contradicts = (
        event in _GONE and title.state in LIVE and title.state != State.PAPER and not title.delivered
        and (event == "handed_over" or place == title.subject.get("destination", place))
    )  # fmt: skip
    reference = subjects.text("reference", reference) if reference else ""
    with as_system():
        Custody.objects.create(
            title=title, event=event, custodian=custodian, place=place, happened_at=happened_at,
            contradicts=contradicts, reference=reference, reported_by=origin.actor.person_id, reported_at=origin.at,
        )  # fmt: skip
    record("titles.custody", title_id, measures=["M05-10"], event=event, place=place, custodian=custodian)
    if contradicts:
        record(
            "titles.custody_contradicts", title_id, measures=["M05-10"], event=event, place=place, state=title.state,
            holder=title.holder_id, pledged=title.pledged, custodian=custodian,
        )  # fmt: skip
    return title_id


@command(may=PARTIES)
def take_stock(*, lot_id: UUID, on_hand: int, origin: Origin) -> UUID:
    """Count a lot. Fewer than its receipts stand for: all of them freeze, until a count that fits thaws them.

    Who:     its warehouse. Units: whole units of the lot.
    Writes:  the Lot; freeze and unfreeze events of its receipts; a signal. Source: INV-WR-1, INV-WR-5.
    Refuses: Absent, Invalid.
    """
    party = origin.actor.party_id
    if party is None or not Lot.objects.filter(pk=lot_id, warehouse_id=party).exists():
        raise Absent(kind="lot")
    if isinstance(on_hand, bool) or not 0 <= on_hand <= 2**53 - 1:
        raise Invalid(field="on_hand", problem="a whole number from 0 to 2**53 - 1")
    titles = list(
        Title.objects.select_for_update(of=("self",)).filter(lot_id=lot_id, state__in=LIVE).order_by("id")
    )
    lot = Lot.objects.select_for_update().get(pk=lot_id)
    short = on_hand < lot.receipted
    details = {"document": f"stock-take of lot {lot_id}", "reason": f"{on_hand} of {lot.receipted} found"}
    for title in titles:
        if short and title.state != State.FROZEN:
            _by_order(title, Act.FREEZE, details, "stock", origin)
        elif not short and title.state == State.FROZEN and title.frozen_by == "stock":
            _by_order(title, Act.UNFREEZE, details, "", origin)
    lot.on_hand, lot.short, lot.counted_at = on_hand, short, origin.at
    lot.save(update_fields=["on_hand", "short", "counted_at"])
    record("titles.stock_taken", lot_id, on_hand=on_hand, receipted=lot.receipted)
    if short:
        record(
            "titles.stock_short", lot_id, measures=["M05-10"], on_hand=on_hand, receipted=lot.receipted,
            titles=[t.pk for t in titles], warehouse=lot.warehouse_id,
        )  # fmt: skip
    return lot_id


# --- keys -----------------------------------------------------------------------------------------------------------


@command(may=PARTIES)
def register_key(*, key_id: UUID, profile: str, public: str, name: str, origin: Origin) -> UUID:
    """Register a public key of one's party, with which its acts may be signed; return its id.

    Units:   `public` in hexadecimal: 32 bytes for ed25519, 64 (x, y) for sm2.
    Refuses: Invalid (no key of this profile, or registered before).
    """
    if origin.actor.party_id is None:
        raise NotEntitled(who=gettext_noop("who acts for a party"))
    if profile not in chain.SIGNATURES:
        raise Invalid(field="profile", problem=f"one of {', '.join(chain.SIGNATURES)}")
    public = public.lower()
    if not chain.is_public_key(profile, public):
        raise Invalid(field="public", problem="a public key of this profile, in hexadecimal")
    name = subjects.text("name", name, 80)
    try:
        with transaction.atomic():
            Key.objects.create(
                id=key_id, party_id=origin.actor.party_id, profile=profile, public=public, name=name,
                registered_at=origin.at,
            )  # fmt: skip
    except IntegrityError:
        raise Invalid(field="public", problem="this id or key is registered already; make a new one") from None
    record("titles.key_registered", key_id, party=origin.actor.party_id, profile=profile, public=public)
    return key_id


@command(may=PARTIES)
def revoke_key(*, key_id: UUID, origin: Origin) -> UUID:
    """Let a key of one's party sign nothing new. What it has signed stays signed. Refuses: Absent."""
    party = origin.actor.party_id
    key = Key.objects.select_for_update().filter(pk=key_id, party_id=party).first() if party else None
    if key is None:
        raise Absent(kind="key")
    if key.revoked_at is None:
        key.revoked_at = origin.at
        key.save(update_fields=["revoked_at"])
        record("titles.key_revoked", key_id, party=key.party_id)
    return key_id


# --- for escrows (core/escrow), inside their transaction --------------------------------------------------------------


def keep_title(*, title_id: UUID, keeper: UUID, origin: Origin) -> None:
    """Hand a title to an escrow, which alone may act on it from now on. Part of the caller's command.

    Who:     the holder, whose authority the escrow then has; or a pledgee, whose authority over its pledge it then has.
             Both may hand it to the same escrow.
    Refuses: Absent, NotEntitled, Kept (another keeps it), ActNotAllowed.
    """
    _act(title_id, Act.KEEP, {"keeper": keeper}, origin, None, None)


def return_title(*, title_id: UUID, keeper: UUID, origin: Origin) -> None:
    """Give a title back as it is now. Part of the caller's command; the keeper is the authority, whoever triggers it.

    A title that has ended meanwhile (a court's order, a split) is kept by nobody and needs no return.
    Refuses: Absent, NotEntitled (this keeper does not keep it).
    """
    with as_system():
        title = _locked(title_id)
        if title.state in FINAL:
            return
        if title.keeper != keeper:
            raise NotEntitled(who=WHO_NAMES[Who.KEEPER])
        control, pledges = control_of(title), pledges_of(title)
        details = policy.read_details(Act.RETURN, {"keeper": keeper})
        step = perform(control, pledges, Act.RETURN, details, party=title.holder_id)
        _write(title, control, pledges, step, Act.RETURN, details, title.holder_id, origin, None)


def act_as_keeper(*, title_id: UUID, keeper: UUID, act: str, details: Mapping[str, Any], origin: Origin) -> list[UUID]:
    """Do one of KEEPER_ACTS with the authority of those who handed the title over; return the titles that it leads to
    (itself, or its parts; a part that the former holder owns is kept on). Part of the caller's command.

    Who:     the keeper has the controller's authority, whoever that has become by its own acts; and that of each pledgee who
             handed it over. `details` as in policy.DETAILS, e.g. {"to": party} for "transfer", {"pledge": id} for
             "release_pledge".
    Refuses: Invalid (names act or field), Absent, NotEntitled, and what the act itself refuses.
    """
    if act not in KEEPER_ACTS:
        raise Invalid(field="act", problem=f"one of {', '.join(KEEPER_ACTS)}")
    with as_system():
        title = _locked(title_id)
        step = _act_step(title, Act(act), dict(details), origin, None, None, keeper=keeper)
    return [part.id for part in step.parts] or [title_id]


# --- the one way in which acts are done -------------------------------------------------------------------------------


def _act(
    title_id: UUID, act: Act, given: Mapping[str, Any], origin: Origin, previous: str | None,
    signature: Mapping[str, Any] | None, *, title: Title | None = None, content: Mapping[str, Any] | None = None,
) -> UUID:  # fmt: skip
    _act_step(title or _locked(title_id), act, given, origin, previous, signature, content=content)
    return title_id


def _act_step(
    title: Title, act: Act, given: Mapping[str, Any], origin: Origin, previous: str | None,
    signature: Mapping[str, Any] | None, *, keeper: UUID | None = None, content: Mapping[str, Any] | None = None,
    effect: Mapping[str, Any] | None = None,
) -> Step:  # fmt: skip
    """Who, whether, write: one act on a locked title."""
    details = policy.read_details(act, given)
    control, pledges = control_of(title), pledges_of(title)
    if keeper is None:
        party = policy.entitled(control, pledges, act, details, origin.actor.party_id)
    else:
        party = policy.entitled_keeper(control, pledges, act, details, keeper)
    if previous is not None and previous != title.head:
        raise Stale(head=title.head)
    key = _signed(title.pk, control.n + 1, act, details, title.head, party, signature)
    if act is Act.SPLIT:
        policy.divisible(control.kind, title.subject)
    step = perform(control, pledges, act, details, party=party)
    if step.pledge is not None:
        _institution(step.pledge.pledgee_id, origin)
    return _write(title, control, pledges, step, act, details, party, origin, key, content=content, effect=effect)


def _locked(title_id: UUID) -> Title:
    title = Title.objects.select_for_update().filter(pk=title_id).first()
    if title is None:
        raise Absent(kind="title")
    return title


def _institution(pledgee: UUID, origin: Origin) -> None:
    try:
        kind = parties.party(party_id=pledgee, viewer=origin.actor).kind
    except Absent:
        kind = ""
    if kind != "institution":
        raise Invalid(field="pledgee", problem="a registered institution")


def _signed(
    title_id: UUID, n: int, act: Act, details: Mapping[str, Any], previous: str, party: UUID,
    signature: Mapping[str, Any] | None,
) -> dict[str, str] | None:  # fmt: skip
    """Check a signature over the act; what then goes into the event. Refuses: WrongSignature."""
    if signature is None:
        return None
    try:
        key = Key.objects.filter(pk=UUID(str(signature["key_id"])), party_id=party, revoked_at=None).first()
        mark = str(signature["signature"]).lower()
    except (KeyError, ValueError):
        raise Invalid(field="signature", problem="key_id and signature, in hexadecimal") from None
    said = chain.statement(title=title_id, n=n, act=act, details=details, previous=previous)
    if key is None or not chain.verified(key.profile, key.public, said, mark):
        raise WrongSignature()
    return {"profile": key.profile, "public": key.public, "signature": mark}


#: Fields of Control that are columns of the title, in the order in which they are written.
_COLUMNS: Final = (
    "state", "state_before", "form", "prev_form", "holder_id", "beneficiary_id", "nominee_id", "prev_holder_id",
    "prev_beneficiary_id", "quantity", "delivered", "pledged", "asked", "version", "content_digest", "paper_no", "keeper",
    "kept_control", "kept_pledgees",
)  # fmt: skip
#: How the field is called in the details of an act that names an unknown party.
_NAMED: Final = {
    "title_holder_is_registered": "to", "title_beneficiary_is_registered": "beneficiary", "title_nominee_is_registered": "to",
    "title_issuer_is_registered": "issuer",
}  # fmt: skip


def _write(
    title: Title, before: Control, pledges: Sequence[policy.Pledge], step: Step, act: Act, details: Mapping[str, Any],
    party: UUID, origin: Origin, key: Mapping[str, str] | None, *, content: Mapping[str, Any] | None = None,
    effect: Mapping[str, Any] | None = None,
) -> Step:  # fmt: skip
    """Write what came of an act: event and title in one statement, then pledges, parts, versions, the lot."""
    after = step.control
    at = origin.at
    body = chain.canonical(
        title=title.pk, n=after.n, act=act, actor=party, after=after.state, at=at.isoformat(), details=details,
        effect=_effect(after, title.unit, {**step.effect, **(effect or {})}), key=key,
    )  # fmt: skip
    digest = chain.digest(title.profile, title.head, body)
    live = [p.pledgee_id for p in _pledges_after(pledges, step)]
    changes: dict[str, Any] = {
        name: getattr(after, name) for name in _COLUMNS if getattr(after, name) != getattr(before, name)
    }
    changes |= {"n": after.n, "head": digest, "seen_by": _seen_by(after, live, party), "acted_at": at}
    if act in (Act.FREEZE, Act.UNFREEZE):
        changes["frozen_by"] = title.frozen_by
    if step.parts:
        _begin_parts(title, step, act, digest, party, origin)  # before the title ends, so that its claims live on
    _move_pledges(title, step, details, before, origin)
    values = [list(v) if isinstance(v, tuple) else v for v in changes.values()]
    columns = ", ".join(f"{c} = %s::uuid[]" if c in _ARRAYS else f"{c} = %s" for c in changes)
    with connection.cursor() as cursor, _named_parties():
        cursor.execute(
            "WITH event AS (INSERT INTO titles_event (title_id, n, act, actor_party, person, at, body, digest, signed)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s))"
            f" UPDATE titles_title SET {columns} WHERE id = %s",
            [
                title.pk, after.n, act, party, origin.actor.person_id, at, body.decode(), digest, key is not None,
                *values, title.pk,
            ],
        )  # fmt: skip
        assert cursor.rowcount == 1, title.pk
    for name, value in changes.items():
        setattr(title, name, value)
    if after.version != before.version:
        words = content if content is not None else _content(title, before.version)
        Version.objects.create(
            title=title, version=after.version, content=words, digest=after.content_digest, at=at
        )
    if title.lot_id is not None and (step.delivered or after.state is State.VOID):
        _draw_lot(title, step)
    record(
        f"titles.{act}", title.pk, measures=MEASURES[title.kind], n=after.n, after=after.state, head=digest,
        **{name: value for name, value in details.items() if name in _TOLD},
    )  # fmt: skip
    return step


_ARRAYS: Final = {"seen_by", "kept_pledgees"}
#: Details that the journal repeats, for those who watch it.
_TOLD: Final = {
    "to", "beneficiary", "pledgee", "pledge", "quantity", "ground", "reason", "document", "keeper", "affiliated",
}  # fmt: skip


class _named_parties:  # noqa: N801
    """An unknown party is the caller's mistake, and named by its field."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, IntegrityError):
            constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
            if constraint in _NAMED:
                raise Invalid(field=_NAMED[constraint], problem="a registered party") from None


def _effect(after: Control, unit: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """Control after the act, so that a file tells it without the acts being played again."""
    return {
        "beneficiary": str(after.beneficiary_id), "form": after.form, "holder": str(after.holder_id),
        "keeper": str(after.keeper) if after.keeper else None, "pledged": after.pledged, "quantity": after.quantity,
        "unit": unit, "version": after.version, **more,
    }  # fmt: skip


def _seen_by(after: Control, pledgees: Iterable[UUID], party: UUID) -> list[UUID]:
    named = {
        after.issuer_id, after.holder_id, after.beneficiary_id, after.nominee_id, after.prev_holder_id,
        after.prev_beneficiary_id, party, *pledgees,
    }  # fmt: skip
    return sorted(p for p in named if p is not None)


def _pledges_after(pledges: Sequence[policy.Pledge], step: Step) -> list[policy.Pledge]:
    taken = {key: quantity for key, quantity, _how in step.reduced}
    moved = {key for part in step.parts for key in part.pledges}
    kept = [p for p in pledges if p.quantity > taken.get(p.id, 0) and p.id not in moved]
    return [*kept, step.pledge] if step.pledge is not None else kept


def _move_pledges(title: Title, step: Step, details: Mapping[str, Any], before: Control, origin: Origin) -> None:
    if step.pledge is not None:
        Pledge.objects.create(
            id=step.pledge.id, title=title, pledgor=before.holder_id, pledgee_id=step.pledge.pledgee_id,
            given=step.pledge.quantity, quantity=step.pledge.quantity, secured_minor=details.get("secured_minor"),
            currency=details.get("currency", ""), registration=details.get("registration", ""),
            affiliated=details.get("affiliated", False), pledged_at=origin.at,
        )  # fmt: skip
    if step.taken:
        Pledge.objects.filter(pk__in=step.taken).update(taken_at=origin.at)
    for key, quantity, how in step.reduced:
        row = Pledge.objects.get(pk=key)
        row.quantity -= quantity
        if row.quantity == 0:
            row.ended_at, row.ended_how = origin.at, how
        row.save(update_fields=["quantity", "ended_at", "ended_how"])
    for part in step.parts:
        if part.pledges:
            Pledge.objects.filter(pk__in=part.pledges).update(title_id=part.id)


def _begin_parts(title: Title, step: Step, act: Act, digest: str, party: UUID, origin: Origin) -> None:
    words = _content(title, title.version)
    held = {p.pk: p for p in Pledge.objects.filter(title=title, ended_at=None)}
    for n, part in enumerate(step.parts, 1):
        stays = part.owner_id == title.holder_id
        carried = [held[key] for key in part.pledges]
        pledged = sum(p.quantity for p in carried)
        child = Title(
            id=part.id, kind=title.kind, state=State.PLEDGED if pledged else State.ISSUED,
            form=title.form if stays else Form.TO_ORDER, issuer_id=title.issuer_id, holder_id=part.owner_id,
            beneficiary_id=part.owner_id, quantity=part.quantity, quantity_begun=part.quantity, unit=title.unit,
            pledged=pledged, subject=subjects.part(Kind(title.kind), title.subject, part.offset, part.quantity),
            number=title.number, look=title.look, key=title.key, key_digest=title.key_digest,
            branch=_branch(title, f"/{step.control.n}.{n}", part.id), root_id=title.root_id, origin_title=title,
            lot_id=title.lot_id, first_holder=title.first_holder, due_on=title.due_on, version=title.version,
            content_digest=title.content_digest, profile=title.profile, issued_at=origin.at,
            keeper=title.keeper if stays else None, kept_control=title.kept_control and stays,
            kept_pledgees=[k for k in title.kept_pledgees if stays and k in {p.pledgee_id for p in carried}],
        )  # fmt: skip
        details = {"act": act, "from": [str(title.pk)], "digests": [digest]}
        _begin(child, Act.DERIVE, details, party, origin, pledgees=[p.pledgee_id for p in carried])
        Version.objects.create(
            title=child, version=title.version, content=words, digest=title.content_digest, at=origin.at
        )


def _branch(title: Title, step: str, made: UUID) -> str:
    name = f"{title.branch}{step}"
    return name if len(name) <= 200 else f"/{made}"


def _begin(
    title: Title, act: Act, details: Mapping[str, Any], party: UUID, origin: Origin, *,
    signature: Mapping[str, Any] | None = None, pledgees: Iterable[UUID] = (),
) -> None:  # fmt: skip
    """Write a title with its first event."""
    previous = chain.genesis(title.pk, title.profile)
    key = _signed(title.pk, 1, act, details, previous, party, signature)
    title.n, title.acted_at, title.head = 1, origin.at, ""
    control = control_of(title)
    body = chain.canonical(
        title=title.pk, n=1, act=act, actor=party, after=title.state, at=origin.at.isoformat(), details=details,
        effect=_effect(control, title.unit, {}), key=key,
    )  # fmt: skip
    title.head = chain.digest(title.profile, previous, body)
    title.seen_by = _seen_by(control, pledgees, party)
    with _begun_parties(act):
        title.save(force_insert=True)
    Event.objects.create(
        title=title, n=1, act=act, actor_party=party, person=origin.actor.person_id, at=origin.at, body=body.decode(),
        digest=title.head, signed=key is not None,
    )  # fmt: skip


class _begun_parties(_named_parties):  # noqa: N801
    def __init__(self, act: Act) -> None:
        self.issue = act is Act.ISSUE

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            super().__exit__(kind, error, trace)
        except Invalid as refusal:
            field = str(refusal.facts["field"])
            if self.issue:
                field = {"to": "holder_id", "beneficiary": "beneficiary_id"}.get(field, field)
            raise Invalid(field=field, problem="a registered party") from None


def _content(title: Title, version: int) -> Mapping[str, Any]:
    return dict(Version.objects.get(title=title, version=version).content)


def _draw_lot(title: Title, step: Step) -> None:
    assert title.lot_id is not None
    lot = Lot.objects.select_for_update().get(pk=title.lot_id)
    lot.on_hand -= step.delivered
    lot.receipted -= step.delivered or title.quantity
    lot.short = lot.receipted > lot.on_hand
    lot.save(update_fields=["on_hand", "receipted", "short"])
