"""Everything that can be done to transport documents beside what is done to their titles (core/titles): the agreement they rest on,
their issue and amendment, the goods on their way, and delivery.

Locks: the agreement or the document first, then what titles and evidence lock. Nothing that locks a title locks one of these after.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from math import ceil
from typing import Any, Final
from uuid import UUID, uuid5

from luhai.core.evidence import commands as evidence
from luhai.core.evidence.formats.document import Document as Read
from luhai.core.evidence.formats.read import read as read_evidence
from luhai.core.parties import queries as parties
from luhai.core.rules import queries as rules
from luhai.core.titles import chain
from luhai.core.titles import commands as titles
from luhai.core.titles import queries as title_queries
from luhai.kernel.folding import fold
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from . import bill as bills
from . import policy
from .bill import OneBill
from .lifecycle import NEXT, STATE_NAMES, Act, State
from .models import Agreement, Document, Movement, Release, Signal, Signatory

PARTIES: Final = [Role.COMPANY, Role.BANK, Role.PARTNER]
#: Railway documents in finance; by agreement the only voucher; control of the goods; finance on the single document.
AGREEMENT: Final = ["M05-09"]
ISSUE: Final = ["M05-08", "M05-09", "M05-12"]
CONTROL: Final = ["M05-10"]
#: Where on the corridor a day begins first.
EARLIEST: Final = timezone(timedelta(hours=8))


class NotAllowed(Refusal):
    code = "transport.not_allowed"
    message = gettext_noop("This agreement is %(state_name)s.")


class AlreadySigned(Refusal):
    code = "transport.already_signed"
    message = gettext_noop("Your party has signed this version already.")


class OtherWords(Refusal):
    code = "transport.other_words"
    message = gettext_noop("The digest is not that of this agreement; read it again before you sign.")


class KeysChange(Refusal):
    code = "transport.keys_change"
    message = gettext_noop("%(field)s: the document stands on this; give it up and issue another one.")


class NotSurrendered(Refusal):
    code = "transport.not_surrendered"
    message = gettext_noop(
        "The document was not presented for delivery; goods are given out against it only."
    )


# --- the agreement ------------------------------------------------------------------------------------------------------


@command(may=PARTIES)
def propose_agreement(
    *, agreement_id: UUID, number: str, text: str, parties_: dict[str, str], starts_on: date, ends_on: date | None = None,
    replaces: UUID | None = None, signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """Propose the agreement by which a document is the only delivery voucher, and sign it; return its id.

    Who:     one of its parties. `parties_` is {party: role}; among them a carrier or forwarder, a consignor, a consignee or bank.
    Units:   days from `starts_on` to `ends_on`, both included; without an end it lasts until somebody ends it.
    Writes:  Agreement in its first version, or the one after `replaces`; its Signatories.
    Refuses: Invalid, NotEntitled, Absent and NotAllowed (`replaces`), titles.wrong_signature.
    Source:  银发〔2025〕, measure M05-09; domain notes §4.2, RB-1, RB-6 (it binds those who signed, and nobody else).
    """
    party = _party(origin)
    named = policy.read_signatories(parties_)
    if party not in named:
        raise NotEntitled(who=gettext_noop("one of the parties to the agreement"))
    number, text = str(bills.text(64)(number, "number")), str(bills.prose(100_000)(text, "text"))
    if not fold(number):
        raise Invalid(field="number", problem="at least one letter or digit")
    if ends_on is not None and ends_on < starts_on:
        raise Invalid(field="ends_on", problem="not before it starts")
    for key in named:
        _registered(key, f"parties.{key}", origin)
    if Agreement.objects.filter(pk=agreement_id).exists():
        raise Invalid(field="agreement_id", problem="this id is taken; choose another")
    version = 1
    if replaces is not None:
        old = _agreement(replaces)
        _state(old, Act.REPLACE)
        if old.proposed_by_id != party or old.number_key != fold(number):
            raise Invalid(field="replaces", problem="an agreement of this number that you proposed")
        version = old.version + 1
    with as_system():
        taken = Agreement.objects.filter(
            proposed_by_id=party, number_key=fold(number), version=version
        ).exists()
    if taken:
        raise Invalid(
            field="number", problem="a number that you have not used; a new version names what it replaces"
        )
    digest = policy.agreement_digest(
        number=number, version=version, text=text, parties=named, starts=starts_on, ends=ends_on
    )
    row = Agreement.objects.create(
        id=agreement_id, number=number, number_key=fold(number), version=version, replaces_id=replaces, text=text, digest=digest,
        starts_on=starts_on, ends_on=ends_on, proposed_by_id=party, seen_by=sorted(named), proposed_at=origin.at,
        changed_at=origin.at,
    )  # fmt: skip
    Signatory.objects.bulk_create(Signatory(agreement=row, party_id=k, role=r) for k, r in named.items())
    record(
        "transport.agreement_proposed",
        row.pk,
        measures=AGREEMENT,
        number=number,
        version=version,
        digest=digest,
    )
    _sign(row, party, signature, origin)
    return row.pk


@command(may=PARTIES)
def sign_agreement(
    *, agreement_id: UUID, digest: str, signature: dict[str, Any] | None = None, origin: Origin
) -> str:
    """Sign an agreement as it stands; return its state. The last signature brings it into force, and ends the one it replaces.

    Who:     a party to it. `digest` is that of the words it has read; `signature` its registered key's over the digest, if it has one.
    Refuses: Absent, NotAllowed, AlreadySigned, OtherWords, titles.wrong_signature.
    Source:  M05-09; Electronic Signature Law 13; MLETR 9.
    """
    party = _party(origin)
    row = _agreement(agreement_id)
    _state(row, Act.SIGN)
    if digest != row.digest:
        raise OtherWords()
    _sign(row, party, signature, origin)
    return str(row.state)


def _sign(row: Agreement, party: UUID, signature: Mapping[str, Any] | None, origin: Origin) -> None:
    mine = Signatory.objects.select_for_update().filter(agreement=row, party_id=party).first()
    if mine is None:
        raise Absent(kind="agreement")
    if mine.signed_at is not None:
        raise AlreadySigned()
    mine.signed_at, mine.signed_by = origin.at, origin.actor.person_id
    mine.signature = _signature(party, row.digest, signature, origin)
    mine.save(update_fields=["signed_at", "signed_by", "signature"])
    record(
        "transport.agreement_signed",
        row.pk,
        measures=AGREEMENT,
        party=party,
        role=mine.role,
        with_key=signature is not None,
    )
    if Signatory.objects.filter(agreement=row, signed_at=None).exists():
        return
    if row.replaces_id is not None:
        with as_system():  # its parties may be others
            old = Agreement.objects.select_for_update().get(pk=row.replaces_id)
            _state(old, Act.REPLACE)
            _become(old, State.REPLACED, "", origin)
    _become(row, State.IN_FORCE, "", origin)
    record("transport.agreement_in_force", row.pk, measures=AGREEMENT, number=row.number, version=row.version)


def _signature(
    party: UUID, digest: str, signature: Mapping[str, Any] | None, origin: Origin
) -> dict[str, str] | None:
    if signature is None:
        return None
    try:
        wanted, mark = UUID(str(signature["key_id"])), str(signature["signature"]).lower()
    except (KeyError, ValueError):
        raise Invalid(field="signature", problem="key_id and signature, in hexadecimal") from None
    keys = title_queries.keys(party_id=party, viewer=origin.actor)
    key = next((k for k in keys if k.id == wanted and k.revoked_at is None), None)
    if key is None or not chain.verified(key.profile, key.public, digest.encode(), mark):
        raise titles.WrongSignature()
    return {"profile": key.profile, "public": key.public, "signature": mark}


@command(may=PARTIES)
def decline_agreement(*, agreement_id: UUID, reason: str, origin: Origin) -> UUID:
    """Say that one will not sign, or withdraw what one proposed; nobody can sign it any more. Who: a party to it."""
    party = _party(origin)
    row = _agreement(agreement_id)
    _state(row, Act.DECLINE)
    _become(row, State.DECLINED, str(bills.text(200)(reason, "reason")), origin)
    record("transport.agreement_declined", row.pk, measures=AGREEMENT, party=party)
    return row.pk


@command(may=PARTIES)
def end_agreement(*, agreement_id: UUID, reason: str, origin: Origin) -> UUID:
    """End an agreement: no new document may rest on it; those that do keep their effect. Who: a party to it. Refuses: NotAllowed."""
    party = _party(origin)
    row = _agreement(agreement_id)
    if row.state == State.PROPOSED and row.proposed_by_id != party:
        raise NotEntitled(who=gettext_noop("who proposed it; others decline"))
    _state(row, Act.END)
    (after,) = NEXT[State(row.state), Act.END]
    _become(row, after, str(bills.text(200)(reason, "reason")), origin)
    record("transport.agreement_ended", row.pk, measures=AGREEMENT, party=party)
    return row.pk


def _agreement(agreement_id: UUID) -> Agreement:
    row = Agreement.objects.select_for_update().filter(pk=agreement_id).first()
    if row is None:
        raise Absent(kind="agreement")
    return row


def _state(row: Agreement, act: Act) -> None:
    if (State(row.state), act) not in NEXT:
        raise NotAllowed(state=row.state, act=act, state_name=STATE_NAMES[State(row.state)])


def _become(row: Agreement, state: State, reason: str, origin: Origin) -> None:
    row.state, row.reason, row.changed_at = state, reason, origin.at
    row.save(update_fields=["state", "reason", "changed_at"])


def _party(origin: Origin) -> UUID:
    if origin.actor.party_id is None:
        raise NotEntitled(who=gettext_noop("who acts for a party"))
    return origin.actor.party_id


def _registered(party: UUID, field: str, origin: Origin) -> parties.PartyView:
    try:
        return parties.party(party_id=party, viewer=origin.actor)
    except Absent:
        raise Invalid(field=field, problem="a registered party") from None


# --- issue ------------------------------------------------------------------------------------------------------------


@titles.opens_review
@command(may=PARTIES)
def issue_document(
    *, title_id: UUID, content: dict[str, Any], holder_id: UUID, beneficiary_id: UUID | None = None,
    agreement_id: UUID | None = None, profile: str = "sha256", signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """Issue a transport document: a title whose content is the data set, on goods that the issuer has taken in charge; return its id.

    Who:     the carrier or forwarder that `content` names as its issuer.
    Units:   the title counts whole kilograms, the gross mass rounded up; `content` as in bill.py.
    Writes:  the Title (titles.issue_title), the Document, the first Movement.
    Refuses: Invalid (names the field), AgreementNeeded (a negotiable document with a leg by rail), AgreementNotInForce, NotBound
             (issuer, holder or beneficiary has not signed), and what titles.issue_title refuses.
    Source:  Civil Code 840; CIM art. 6 §5; M05-08, M05-09; RB-1, RB-2, INV-OB-1, INV-OB-7.
    """
    issuer = _party(origin)
    bill = bills.read(content)
    _is_issuer(bill, issuer, origin)
    taken = datetime.combine(bill.taken_on, time(), EARLIEST)
    for field, day in (("taken_on", bill.taken_on), ("issued_on", bill.issued_on)):
        if datetime.combine(day, time(), EARLIEST) > origin.at:
            raise Invalid(field=f"content.{field}", problem="not after today: a document says what was done")
    owner = beneficiary_id or _named(bill, issuer) or holder_id
    agreement = _rests_on(
        bill, agreement_id, issuer, {"holder_id": holder_id, "beneficiary_id": owner}, origin
    )
    title = titles.issue_title(
        title_id=title_id, kind="transport_document", holder_id=holder_id, beneficiary_id=owner, subject=subject_of(bill),
        quantity=ceil(bill.gross_kg), unit="KGM", form=bill.form, content=bill.content(), profile=profile, signature=signature,
        origin=origin.child("title"),
    )  # fmt: skip
    document = Document.objects.create(
        title_id=title, document=bill.document, number=bill.number, issuer_id=issuer, agreement=agreement, origin=bill.origin,
        destination=bill.destination, due_on=bill.legs[-1].arrives_on, containers=list(bill.seals), custodian=issuer,
        seals={number: list(seals) for number, seals in bill.seals.items()}, issued_at=origin.at,
    )  # fmt: skip
    _move(
        uuid5(title, "taken in charge"), document, "PICK", "", bill.origin, issuer, taken, origin, by=issuer
    )
    titles.report_custody(
        title_id=title, event="received", custodian=issuer, place=bill.origin, happened_at=taken, reference=bill.number,
        origin=origin.child("custody"),
    )  # fmt: skip
    record(
        "transport.document_issued", title, measures=ISSUE, document=bill.document, basis=bill.basis, form=bill.form,
        agreement=agreement.pk if agreement else None, origin=bill.origin, destination=bill.destination,
        quantity=ceil(bill.gross_kg), value_minor=bill.value.minor if bill.value else None,
        currency=bill.value.currency if bill.value else None,
    )  # fmt: skip
    return title


def subject_of(bill: OneBill) -> dict[str, Any]:
    """What the register of titles is told: the keys on which the document lives once. Refuses: Invalid."""
    papers = [(n, leg) for n, leg in enumerate(bill.legs) if leg.waybill]
    consigned = [leg.consignee for _n, leg in papers]
    if bill.negotiable and any(consigned):
        for n, leg in papers:
            if not leg.consignee:
                raise Invalid(
                    field=f"content.legs.{n}.consignee",
                    problem="to whom it is consigned, as of the other waybills",
                )
    made: dict[str, Any] = {
        "document": bill.document, "number": bill.number, "waybills": [leg.waybill for _n, leg in papers],
        "consignees": consigned if all(consigned) else [], "agreement": bill.agreement if consigned and all(consigned) else "",
        "containers": list(bill.seals), "origin": bill.origin, "destination": bill.destination,
        "departs_on": bill.legs[0].departs_on.isoformat() if bill.legs[0].departs_on else "",
        "goods": bill.goods[0].description[:64].strip(),
    }  # fmt: skip
    return {k: v for k, v in made.items() if v}


def _is_issuer(bill: OneBill, issuer: UUID, origin: Origin) -> None:
    """Who issues is who the document says: by number, or else by name."""
    said, mine = bill.parties.issuer, parties.party(party_id=issuer, viewer=origin.actor)
    numbers = {
        number
        for scheme, number in said.numbers
        if scheme in mine.identifiers or scheme in ("uscc", "lei", "bic")
    }
    if numbers:
        if not numbers <= set(mine.identifiers.values()):
            raise Invalid(field="content.parties.issuer.numbers", problem="the numbers of your own party")
    elif said.name not in (mine.name_zh, mine.name_en):
        raise Invalid(
            field="content.parties.issuer.name", problem="the name of your own party, or one of its numbers"
        )


def _named(bill: OneBill, issuer: UUID) -> UUID | None:
    """The registered party that the document names as consignee, if a number of it says so."""
    if bill.parties.consignee is None:
        return None
    numbers = [n for s, n in bill.parties.consignee.numbers if s in ("uscc", "lei", "bic")]
    found = parties.registered(numbers=numbers, viewer=SYSTEM) - {issuer}
    return next(iter(found)) if len(found) == 1 else None


def _rests_on(
    bill: OneBill, agreement_id: UUID | None, issuer: UUID, others: Mapping[str, UUID], origin: Origin
) -> Agreement | None:
    """The agreement, in force and signed by all whom the document begins with; None where it needs none."""
    if agreement_id is None:
        if bill.needs_agreement or bill.basis == "agreement":
            raise policy.AgreementNeeded()
        return None
    row = (
        Agreement.objects.select_for_update().filter(pk=agreement_id).first()
    )  # a party to it may be ending it
    if row is None:
        raise Absent(kind="agreement")
    if fold(bill.agreement) != row.number_key:
        raise Invalid(field="content.agreement", problem=f"the number of the agreement: {row.number}")
    on = origin.at.date()
    if row.state != State.IN_FORCE or on < row.starts_on or (row.ends_on is not None and on > row.ends_on):
        raise policy.AgreementNotInForce(number=row.number, on=on.isoformat())
    signed = dict(Signatory.objects.filter(agreement=row).values_list("party_id", "role"))
    policy.bound(signed, number=row.number, issuer=issuer, others=others)
    return row


@command(may=PARTIES)
def amend_document(
    *,
    title_id: UUID,
    content: dict[str, Any],
    statement: str,
    signature: dict[str, Any] | None = None,
    origin: Origin,
) -> UUID:
    """Write the next version of a document that was given up for it. What it stands on stays as it is.

    Who:     the issuer. Refuses: Invalid, Absent, KeysChange, and what titles.amend_title refuses. Source: MLETR 16; INV-OB-3.
    """
    document = _document(title_id)
    bill = bills.read(content)
    _is_issuer(bill, _party(origin), origin)
    view = title_queries.title(title_id=title_id, viewer=origin.actor)
    for field, value in subject_of(bill).items():
        if field != "goods" and view.subject.get(field) != value:
            raise KeysChange(field=field)
    if bill.form != view.form or (bill.agreement and document.agreement_id is None):
        raise KeysChange(field="form" if bill.form != view.form else "agreement")
    if ceil(bill.gross_kg) != view.quantity:
        raise KeysChange(field="goods")
    titles.amend_title(
        title_id=title_id,
        content=bill.content(),
        statement=statement,
        signature=signature,
        origin=origin.child("title"),
    )
    document.due_on = bill.legs[-1].arrives_on
    document.save(update_fields=["due_on"])
    record("transport.document_amended", title_id, measures=ISSUE, version=view.version + 1)
    return title_id


# --- the goods ----------------------------------------------------------------------------------------------------------


@command(may=[*PARTIES, Role.OPERATOR])
def record_event(
    *, title_id: UUID, event_id: UUID, code: str, place: str, happened_at: datetime, custodian: UUID | None = None,
    container: str = "", seals: list[str] | None = None, found_kg: str | None = None, reason: str = "", content: str | None = None,
    corrects: UUID | None = None, origin: Origin,
) -> list[str]:  # fmt: skip
    """Say what happened to the goods of a document; return the kinds of the signals that it raises.

    Who:     the issuer, whoever has the goods, or the operator. They learn nothing of who controls the document.
    Units:   `code` of DCSA, or the EPCIS step that says the same; `place` a UN/LOCODE; `found_kg` the goods without the container;
             `content` the document behind it in base64 (a DCSA or EPCIS event), which becomes evidence.
    Writes:  Movement, Signals; custody of the title (titles.report_custody); evidence; of a release, what has gone out.
    Refuses: Absent, NotEntitled, Invalid (names the field), and what evidence refuses.
    Source:  M05-10; domain notes §4.10: seals equal or resealed with a reason; no release without surrender (INV-OB-5).
    """
    document = _document(title_id, anyone=True)
    by = _keeper(document, title_id, origin)
    code = policy.read_code(code)
    box = bills.container(container, "container") if container else ""
    if box and box not in document.containers:
        raise Invalid(field="container", problem=f"one of {', '.join(document.containers)}")
    found = policy.read_seals(seals)
    if found is not None and not box and len(document.containers) != 1:
        raise Invalid(field="container", problem="whose seals these are")
    if code == "RSEA" and (not reason.strip() or not found):
        raise Invalid(
            field="reason" if not reason.strip() else "seals",
            problem="why it was resealed, and the seals now on it",
        )
    if happened_at.tzinfo is None or happened_at > origin.at:
        raise Invalid(field="happened_at", problem="a moment with its time zone, not in the future")
    if Movement.objects.filter(pk=event_id).exists():
        raise Invalid(field="event_id", problem="this id is taken; choose another")
    where = bills.place(place, "place")
    keeper = custodian or document.custodian
    if policy.CODES[code].custody is None and keeper != document.custodian:
        raise Invalid(field="custodian", problem="nobody else: with this event goods do not change hands")
    _registered(keeper, "custodian", origin)
    papers = _papers(document, content, box, event_id, origin)
    box = box or (document.containers[0] if found is not None else "")
    with as_system():
        wrong = _correction(document, corrects)
        row = _move(
            event_id, document, code, box, where, keeper, happened_at, origin, by=by, seals=found, found_kg=_mass(found_kg),
            reason=str(bills.text(200)(reason, "reason")) if reason else "", papers=papers, corrects=wrong,
        )  # fmt: skip
    if (custody := policy.CODES[code].custody) is not None:
        titles.report_custody(
            title_id=document.title_id, event=custody, custodian=keeper, place=where, happened_at=happened_at,
            reference=box or document.number[:64], origin=origin.child("custody"),
        )  # fmt: skip
    with as_system():
        told = _judge(document, row, origin)
        _after(document, row)
    record(
        "transport.event", document.title_id, measures=CONTROL, code=code, place=where, container=box, custodian=keeper,
        event=row.pk, evidence=papers, corrects=corrects,
    )  # fmt: skip
    holder = title_queries.title(title_id=document.title_id, viewer=SYSTEM).holder_id if told else None
    for signal in told:
        record(
            f"transport.{signal.kind}", document.title_id, measures=CONTROL, rules=[signal.rule] if signal.rule else [], event=row.pk,
            container=box, place=where, holder=holder, custodian=keeper, facts=dict(signal.facts),
        )  # fmt: skip
    return [signal.kind for signal in told]


def _document(title_id: UUID, *, anyone: bool = False) -> Document:
    """The document of a title or of a part of one, locked. Refuses: Absent (also when the actor may not see it)."""
    rows = Document.objects.select_for_update()
    if anyone:
        with as_system():
            try:
                root = title_queries.title(title_id=title_id, viewer=SYSTEM).root_id
            except Absent:
                raise Absent(kind="document") from None
            row = rows.filter(pk=root).first()
    else:
        row = rows.filter(pk=title_id).first()
    if row is None:
        raise Absent(kind="document")
    return row


def _keeper(document: Document, title_id: UUID, origin: Origin) -> UUID:
    """Who reports, if it may: who does not see the document and does not have the goods does not learn that there is one."""
    party = origin.actor.party_id
    if party in (document.issuer_id, document.custodian):
        assert party is not None
        return party
    if origin.actor.role in (Role.OPERATOR, Role.SYSTEM):
        return origin.actor.person_id
    if Document.objects.filter(pk=document.pk).exists():
        raise NotEntitled(who=gettext_noop("the issuer, or who has the goods"))
    raise Absent(kind="document")


def _mass(given: str | None) -> Decimal | None:
    return None if given is None else bills.kilograms(given, "found_kg")


def _papers(document: Document, content: str | None, box: str, event_id: UUID, origin: Origin) -> list[UUID]:
    """Receive what stands behind the event; it must be about these goods."""
    if content is None:
        return []
    try:
        said: Read = read_evidence(base64.b64decode(content, validate=True))
    except ValueError:
        raise Invalid(field="content", problem="the bytes of the document in base64") from None
    named = {r.value for fact in said.facts for r in fact.references}
    wanted = {box} if box else {*document.containers, document.number}
    if not named & wanted:
        raise Invalid(field="content", problem=f"a document that names {' or '.join(sorted(wanted))}")
    made = evidence.receive_evidence(
        evidence_id=uuid5(event_id, "evidence"), subject_id=document.issuer_id, content=content,
        observed_at=origin.at, origin=origin.child("evidence"),
    )  # fmt: skip
    return [UUID(key) for key in made]


def _correction(document: Document, corrects: UUID | None) -> Movement | None:
    if corrects is None:
        return None
    row = Movement.objects.filter(pk=corrects, document=document).first()
    if row is None or Movement.objects.filter(corrects=row).exists():
        raise Invalid(field="corrects", problem="an event of this document that was not corrected yet")
    return row


def _move(
    key: UUID, document: Document, code: str, box: str, place: str, custodian: UUID, happened_at: datetime, origin: Origin, *, by: UUID,
    seals: tuple[str, ...] | None = None, found_kg: Decimal | None = None, reason: str = "", papers: list[UUID] | None = None,
    corrects: Movement | None = None,
) -> Movement:  # fmt: skip
    return Movement.objects.create(
        id=key, document=document, code=code, container=box, place=place, custodian=custodian,
        happened_at=happened_at, seals=list(seals) if seals is not None else None, found_kg=found_kg, reason=reason,
        evidence=papers or [], corrects=corrects, reported_by=by, reported_at=origin.at,
    )  # fmt: skip


def _judge(document: Document, row: Movement, origin: Origin) -> list[policy.Signal]:
    """What is wrong with an event, written down. Runs as the system: it looks at the title."""
    found: list[policy.Signal | None] = []
    if row.seals is not None:
        found.append(policy.seal_signal(document.seals.get(row.container, []), row.seals, row.code))
    if row.code == "DETC":
        found.append(policy.Signal("door_opened", {"place": row.place}))
    if row.found_kg is not None and (stated := _stated(document, row.container)) is not None:
        tolerance, rule = _limit(document, "transport.weight_tolerance", "bp", origin)
        found.append(policy.weight_signal(stated, row.found_kg, tolerance, rule))
    before = _standing(document, row)
    if before is not None and policy.CODES[before.code].rests and before.place == row.place:
        limit, rule = _limit(document, "transport.dwell_days", "days", origin)
        found.append(policy.dwell_signal(before.happened_at, row.happened_at, row.place, limit, rule))
    if row.code in policy.LEAVES and (row.code == "STRP" or row.place == document.destination):
        why = _unauthorised(document, row)
        found.append(policy.Signal("unauthorised_release", {"why": why}) if why else None)
    told = [s for s in found if s is not None]
    Signal.objects.bulk_create(
        Signal(document=document, movement=row, kind=s.kind, facts=dict(s.facts), at=origin.at) for s in told
    )
    return told


def _limit(document: Document, key: str, unit: str, origin: Origin) -> tuple[int, str]:
    """The limit on this day where the issuer is, and the rule that it is."""
    territory = parties.party(party_id=document.issuer_id, viewer=SYSTEM).territory
    value = rules.parameters(viewer=SYSTEM).value(key, origin.at.date(), territory)
    return value.in_unit(unit), f"{value.key}@{value.valid_from}"


def _stated(document: Document, box: str) -> Decimal | None:
    """The mass the document states; None where its title was amended past us with words of another kind."""
    try:
        bill = bills.read(title_queries.versions(title_id=document.title_id, viewer=SYSTEM)[-1].content)
    except Invalid:
        return None
    return policy.stated_kg(bill, box)


def _standing(document: Document, row: Movement) -> Movement | None:
    """The event before this one of the same goods, without those that were corrected."""
    rows = Movement.objects.filter(
        document=document, happened_at__lte=row.happened_at, corrected_by=None
    ).exclude(pk=row.pk)
    same = rows.filter(container__in=["", row.container]) if row.container else rows
    return same.order_by("-happened_at", "-reported_at").first()


def _unauthorised(document: Document, row: Movement) -> str:
    """Why goods may not leave, or "": an issuer's order lets them, and so does paper in force, against which they are given out."""
    state = title_queries.title(title_id=document.title_id, viewer=SYSTEM).state
    for release in Release.objects.filter(document=document, done_at=None):
        if not document.containers or not row.container or row.container in release.left:
            return ""
    if state == "PAPER":
        return ""
    return "no_order" if state == "DELIVERED" else "not_surrendered"


def _after(document: Document, row: Movement) -> None:
    """Who has the goods now, the seals on them, and what of a release has gone out."""
    latest = not Movement.objects.filter(
        document=document, happened_at__gt=row.happened_at, corrected_by=None
    ).exists()
    if latest:
        document.custodian = row.custodian
    if row.code == "RSEA":
        document.seals = {**document.seals, row.container: list(row.seals or [])}
    document.save(update_fields=["custodian", "seals"])
    if row.code not in policy.LEAVES or row.place != document.destination:
        return
    for release in (
        Release.objects.select_for_update().filter(document=document, done_at=None).order_by("ordered_at")
    ):
        if row.container and row.container not in release.left:
            continue
        release.left = [c for c in release.left if row.container and c != row.container]
        if not release.left:
            release.done_at = row.happened_at
        release.save(update_fields=["left", "done_at"])
        return


# --- delivery -----------------------------------------------------------------------------------------------------------


@command(may=PARTIES)
def deliver(
    *, title_id: UUID, release_id: UUID, containers: list[str] | None = None, previous: str | None = None,
    signature: dict[str, Any] | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """Accept the surrender of a document and order whoever has the goods to give them out; return the order's id.

    Who:     the issuer. `containers` of a part: which of them it stands for; all that are not released yet, unless said.
    Writes:  the end of the title (titles.accept_surrender), the Release, which ends with the gate-out of all its containers.
    Refuses: Absent, NotSurrendered, Invalid, and what titles.accept_surrender refuses.
    Source:  Negotiable Cargo Documents Convention 10; Civil Code 831, 840; INV-OB-5; RB-4.
    """
    document = _document_of_issuer(title_id, origin)
    view = title_queries.title(title_id=title_id, viewer=origin.actor)
    if view.state != "DELIVERY_ASKED":
        raise NotSurrendered(state=view.state)
    if Release.objects.filter(pk=release_id).exists():
        raise Invalid(field="release_id", problem="this id is taken; choose another")
    gone = {c for r in Release.objects.filter(document=document) for c in r.containers}
    left = [c for c in document.containers if c not in gone]
    chosen = list(dict.fromkeys(containers)) if containers is not None else left
    for n, number in enumerate(chosen):
        if number not in left:
            raise Invalid(
                field=f"containers.{n}",
                problem=f"one of {', '.join(left)}" if left else "nothing: all are released",
            )
    titles.accept_surrender(
        title_id=title_id, previous=previous, signature=signature, origin=origin.child("accept")
    )
    Release.objects.create(
        id=release_id, document=document, title_id=title_id, receiver_id=view.holder_id, custodian=document.custodian,
        containers=chosen, left=chosen, ordered_at=origin.at,
    )  # fmt: skip
    record(
        "transport.release_ordered", title_id, measures=CONTROL, release=release_id, receiver=view.holder_id,
        custodian=document.custodian, containers=chosen,
    )  # fmt: skip
    return release_id


def _document_of_issuer(title_id: UUID, origin: Origin) -> Document:
    view = title_queries.title(title_id=title_id, viewer=origin.actor)  # refuses who may not see it
    row = Document.objects.select_for_update().filter(pk=view.root_id).first()
    if row is None:
        raise Absent(kind="document")
    if row.issuer_id != origin.actor.party_id:
        raise NotEntitled(who=gettext_noop("the issuer"))
    return row
