"""Documents that move between platforms (DCSA PINT). What an envelope must be is decided in `pint`; here control leaves and arrives.

Leaving:  in one transaction the title is kept by its envelope, so that nobody here can act on it, and the envelope is written. Only a
          signed answer of the receiver ends that: accepted, the title stays kept (control is elsewhere, its keys stay taken here);
          refused, it comes back to who sent it. No answer, or an unsigned one, changes nothing; the envelope is sent again.
Arriving: the chain must extend the longest one known here. A document born here returns to its title; any other becomes a title
          whose issuer of record is the party that stands for the platform it comes from.

Locks: the document's checksum, then what titles lock.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import datetime
from math import ceil
from typing import Any, Final
from uuid import UUID, uuid5

from django.conf import settings
from django.db import connection, transaction

from luhai.core.evidence.formats import tree
from luhai.core.parties import queries as parties
from luhai.core.titles import commands as titles
from luhai.core.titles import queries as title_queries
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from . import bill as bills
from . import keys, pint
from .bill import OneBill
from .commands import PARTIES, subject_of
from .forms import dcsa
from .models import Document, Envelope, Platform
from .pint import Additional, Examined, Fault, J, Signer
from .queries import document as document_view

MEASURES: Final = ["M05-09", "M05-12"]
_CODE: Final = re.compile(r"[A-Z0-9]{2,4}", re.ASCII)
_URL: Final = re.compile(
    r"https://[^\s?#]+|http://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?:/[^\s?#]*)?", re.ASCII
)


class NotMovable(Refusal):
    code = "transport.not_movable"
    message = gettext_noop(
        "Only a whole document to order or in blank, unpledged and in your own hand, moves to another platform."
    )


class NoOwnPlatform(Refusal):
    code = "transport.no_own_platform"
    status = 404
    message = gettext_noop("This instance has no platform code yet; its operator gives it one.")


class NoAnswer(Refusal):
    code = "transport.no_answer"
    status = 422
    message = gettext_noop("This is no signed answer of the platform to that envelope: %(reason)s")


# --- platforms ----------------------------------------------------------------------------------------------------------


@command(may=[Role.OPERATOR])
def name_platform(*, code: str, name: str, url: str, origin: Origin) -> str:
    """Give this instance its code among platforms, and a key; return the public key, which others register.

    Who: the operator. Refuses: Invalid (a code is given once)."""
    _read_platform(code, name, url)
    if Platform.objects.filter(own=True).exists() or Platform.objects.filter(pk=code).exists():
        raise Invalid(
            field="code", problem=gettext_noop("a code that is not taken; this instance has one only")
        )
    signer = keys.own(settings.STATE, code)
    Platform.objects.create(
        code=code, name=name, url=url, public=signer.public, kid=signer.kid, own=True, registered_at=origin.at
    )
    record("transport.platform_named", code, public=signer.public)
    return signer.public


@command(may=[Role.OPERATOR])
def register_platform(*, code: str, name: str, url: str, public: str, party_id: UUID, origin: Origin) -> str:
    """Register another platform with its public key and the party that stands for it here; return the name of its key.

    Who:     the operator, under a contract with that platform.
    Units:   `public` 32 bytes of Ed25519 in hexadecimal; `url` in front of /v3/envelopes, https except on this machine.
    Refuses: Invalid.
    """
    _read_platform(code, name, url)
    if not re.fullmatch(r"[0-9a-f]{64}", public):
        raise Invalid(field="public", problem=gettext_noop("32 bytes of Ed25519 in hexadecimal"))
    try:
        parties.party(party_id=party_id, viewer=origin.actor)
    except Absent:
        raise Invalid(field="party_id", problem=gettext_noop("a registered party")) from None
    if Platform.objects.filter(party_id=party_id).exclude(pk=code).exists():
        raise Invalid(field="party_id", problem=gettext_noop("a party that stands for no other platform"))
    if Platform.objects.filter(pk=code).exists():
        raise Invalid(
            field="code", problem=gettext_noop("a code that is not taken; this instance has one only")
        )
    kid = pint.kid_of(code, public)
    Platform.objects.create(
        code=code, name=name, url=url, public=public, kid=kid, party_id=party_id, registered_at=origin.at
    )
    record("transport.platform_registered", code, public=public, party=party_id)
    return kid


def _read_platform(code: str, name: str, url: str) -> None:
    if not _CODE.fullmatch(code):
        raise Invalid(
            field="code", problem=gettext_noop("two to four capital letters or digits, as DCSA assigns them")
        )
    bills.text(70)(name, "name")
    if len(url) > 200 or not _URL.fullmatch(url):
        raise Invalid(field="url", problem=gettext_noop("an address with https"))


def signer() -> Signer:
    """Our own key. Refuses: NoOwnPlatform."""
    row = Platform.objects.filter(own=True).first()
    if row is None:
        raise NoOwnPlatform()
    return keys.own(settings.STATE, row.code)


def known_keys() -> dict[str, tuple[str, str]]:
    return {p.kid: (p.code, p.public) for p in Platform.objects.all()}


# --- leaving ------------------------------------------------------------------------------------------------------------


@command(may=PARTIES)
def send_document(
    *, title_id: UUID, envelope_id: UUID, platform: str, receiver: dict[str, Any], origin: Origin
) -> UUID:
    """Seal a document in an envelope for somebody on another platform, and let go of it here; return the envelope's id.

    Who:     the holder who is the beneficiary. `receiver` is {"name", "codes": {scheme: number}}: lei, bic, uscc, or uuid (the id of a
             party of that platform).
    Writes:  the title is kept by the envelope; Envelope. Nothing is sent yet: the gateway does, after this is committed.
    Refuses: Absent, NotEntitled, NotMovable, NoSuchForm (DCSA cannot say it), NoOwnPlatform, Invalid, titles.kept.
    Source:  DCSA PINT 3.0; MLETR 11; INV-OB-2.
    """
    mine = signer()
    other = Platform.objects.filter(pk=platform, own=False).first()
    if other is None:
        raise Invalid(field="platform", problem=gettext_noop("a registered platform"))
    if Envelope.objects.filter(pk=envelope_id).exists():
        raise Invalid(field="envelope_id", problem=gettext_noop("this id is taken; choose another"))
    view = document_view(title_id=title_id, viewer=origin.actor)
    title, party = view.title, origin.actor.party_id
    if party != title.holder_id:
        raise NotEntitled(who=gettext_noop("the holder"))
    if (
        title.holder_id != title.beneficiary_id
        or title.pledged
        or title.form == "STRAIGHT"
        or title.root_id != title.id
    ):
        raise NotMovable()
    assert party is not None
    bill = bills.read(view.content)
    with as_system():
        before = (
            Envelope.objects.filter(title_id=title_id, outward=False, state="accepted")
            .order_by("-at")
            .first()
        )
    content = before.content if before else None
    document: J = content["transportDocument"] if content else dcsa.write(bill).document
    chain = list(content["envelopeTransferChain"]) if content else []
    _lock(pint.checksum(document))
    acts = title_queries.form(title_id=title_id, which="dcsa", platform=mine.code, viewer=origin.actor)[
        "document"
    ]
    done = acts["endorsementChain"][::-1]
    since = before.ended_at if before else None
    transactions: list[J] = [
        _act(t) for t in done if since is None or datetime.fromisoformat(t["actionDateTime"]) > since
    ]
    to, me = _receiver(receiver, platform), _ourselves(party, mine.code, origin)
    when = origin.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if title.form != "BLANK":
        transactions.append(
            {"actionCode": "ENDORSE_TO_ORDER", "actionDateTime": when, "actor": me, "recipient": to}
        )
    transactions.append({"actionCode": "TRANSFER", "actionDateTime": when, "actor": me, "recipient": to})
    chain.append(
        pint.entry(
            document, transactions, chain[-1] if chain else None, mine, issue_to=done[0].get("recipient")
        )
    )
    said = Additional("one-bill.json", pint.OUR_MEDIA, pint.canonical(bill.content()))
    envelope = pint.sealed(document, chain, [said], mine)
    titles.keep_title(title_id=title_id, keeper=envelope_id, origin=origin)
    with as_system():
        Envelope.objects.create(
            id=envelope_id, outward=True, platform=other, title_id=title_id, party_id=party, state="sent",
            checksum=pint.checksum(document), last=pint.digest(chain[-1]), content=envelope,
            additional={said.checksum: base64.b64encode(said.data).decode()}, at=origin.at,
        )  # fmt: skip
    record(
        "transport.document_sent",
        title_id,
        measures=MEASURES,
        envelope=envelope_id,
        platform=platform,
        last=pint.digest(chain[-1]),
    )
    return envelope_id


def _act(t: Mapping[str, Any]) -> J:
    return {
        k: v
        for k, v in t.items()
        if k in ("actionCode", "actionDateTime", "actor", "recipient", "auditReference")
    }


def _ourselves(party: UUID, platform: str, origin: Origin) -> J:
    view = parties.party(party_id=party, viewer=origin.actor)
    numbers = {s: n for s, n in view.identifiers.items() if s in _LISTS} | {"uuid": str(party)}
    return _receiver({"name": (view.name_en or view.name_zh)[:70].strip(), "codes": numbers}, platform)


_LISTS: Final = {
    "lei": ("GLEIF", "LEI"),
    "bic": ("ZZZ", "BIC"),
    "uscc": ("ZZZ", "USCC"),
    "uuid": ("ZZZ", "UUID"),
}


def _receiver(given: Mapping[str, Any], platform: str) -> J:
    name, codes = given.get("name"), given.get("codes")
    bills.text(70)(name, "receiver.name")
    if (
        set(given) - {"name", "codes"}
        or not isinstance(codes, Mapping)
        or not codes
        or set(codes) - set(_LISTS)
    ):
        raise Invalid(field="receiver.codes", problem=f"at least one of {', '.join(_LISTS)}")
    listed = []
    for scheme, number in codes.items():
        bills.text(150)(number, f"receiver.codes.{scheme}")
        provider, which = _LISTS[scheme]
        listed.append({"codeListProvider": provider, "codeListName": which, "partyCode": str(number)})
    return {"partyName": str(name).strip(), "eblPlatform": platform, "identifyingCodes": listed}


@command(may=[*PARTIES, Role.OPERATOR])
def settle_envelope(*, envelope_id: UUID, answer: str, origin: Origin) -> str:
    """Take the receiver's signed answer to an envelope; return the envelope's state.

    Accepted (RECE, DUPE), control stays away for good; rejected (BSIG, BENV), the title comes back. INCD, MDOC and DISE reject nothing:
    it stays away, and is sent again or disputed. The signed code counts, not what HTTP said.
    Who:     who sent it, or the operator. Refuses: Absent, NoAnswer (unsigned, of another platform, about another envelope).
    """
    row = Envelope.objects.select_for_update().filter(pk=envelope_id, outward=True).first()
    if row is None or (
        origin.actor.role not in (Role.OPERATOR, Role.SYSTEM) and row.party_id != origin.actor.party_id
    ):
        raise Absent(kind="envelope")
    try:
        said, by = pint.opened(answer, known_keys())
        pint.fits(said, "EnvelopeTransferFinishedResponse")
    except Fault as fault:
        raise NoAnswer(reason=fault.reason) from None
    if by != row.platform_id or said["lastEnvelopeTransferChainEntrySignedContentChecksum"] != row.last:
        raise NoAnswer(reason="it is another platform's, or about another envelope")
    code = said["responseCode"]
    if row.state != "sent":  # the first definite answer stands
        return str(row.state)
    row.code, row.answer = code, answer
    if code in pint.ACCEPTED:
        row.state, row.ended_at = "accepted", origin.at
    elif code in pint.REJECTED:
        assert row.title_id is not None
        titles.return_title(title_id=row.title_id, keeper=row.pk, origin=origin)
        row.state, row.ended_at = "refused", origin.at
    row.save(update_fields=["state", "code", "answer", "ended_at"])
    record(
        "transport.envelope_answered",
        row.title_id or row.pk,
        measures=MEASURES,
        envelope=row.pk,
        code=code,
        state=row.state,
    )
    return str(row.state)


# --- arriving -----------------------------------------------------------------------------------------------------------


@command(may=[Role.COMPANY])
def receive_envelope(*, envelope: dict[str, Any], origin: Origin) -> dict[str, Any]:
    """Judge an envelope from another platform, and take over the document if nothing is wrong and nothing is missing.

    Who:     the party that stands for the platform whose signature the manifest bears. Whatever is wrong is an answer, not a refusal.
    Writes:  Envelope; when it is accepted, a title (issuer of record: the platform's party) or the return of one.
    Returns: {"code", "answer": signed} or {"started": EnvelopeTransferStartedResponse}. Source: DCSA PINT 3.0.
    """
    mine, last = signer(), pint.last_of(envelope)
    try:
        found = pint.examine(envelope, known_keys(), own=mine.code)
        sender = Platform.objects.get(pk=found.sender)
        if sender.party_id != origin.actor.party_id:
            raise Fault("BSIG", "the envelope is another platform's")
        with transaction.atomic():  # what is found wrong late leaves nothing behind
            return _take(found, envelope, sender, mine, origin)
    except Fault as fault:
        return _refused(fault, last, mine)


def _refused(fault: Fault, last: str, mine: Signer) -> dict[str, Any]:
    record("transport.envelope_refused", last, measures=MEASURES, code=fault.code, reason=fault.reason)
    return {"code": fault.code, "answer": pint.answer(fault.code, last, mine, reason=fault.reason[:255])}


def _take(found: Examined, envelope: J, sender: Platform, mine: Signer, origin: Origin) -> dict[str, Any]:
    _lock(found.checksum)
    with as_system():
        known = list(Envelope.objects.filter(checksum=found.checksum).exclude(state="refused").order_by("at"))
    chains = [e for e in known if e.state in ("accepted", "sent")]
    longest = max(chains, key=lambda e: len(e.content["envelopeTransferChain"]), default=None)
    if longest is not None:
        how = pint.relation(longest.content["envelopeTransferChain"], found.chain)
        before = next((e for e in chains if not e.outward and e.last == found.last), None)
        if before is not None:  # the very envelope that was accepted, even if the document has moved on since
            return {"code": "DUPE", "answer": pint.answer("DUPE", found.last, mine, **_duplicate(found))}
        if how != "extends":
            raise Fault(
                "DISE", "another transfer of this document is known here; somebody may be spending it twice"
            )
    elif found.entries[0]["eblPlatform"] == mine.code:
        raise Fault("DISE", "the document is said to come from here, and never left")
    receiver = _here(found.recipient, origin)
    row = next((e for e in known if e.state == "started" and e.last == found.last), None)
    with as_system():
        if row is None:
            row = Envelope.objects.create(
                id=uuid5(origin.key, "envelope"), outward=False, platform=sender, party_id=receiver, state="started",
                checksum=found.checksum, last=found.last, content=envelope, at=origin.at,
            )  # fmt: skip
        else:  # tried again, perhaps with other papers; what was received of them is kept
            row.content = envelope
            row.save(update_fields=["content"])
    missing = _missing(row, found)
    if missing:
        started = {
            "envelopeReference": str(row.pk), "transportDocumentChecksum": found.checksum,
            "lastEnvelopeTransferChainEntrySignedContentChecksum": found.last, "missingAdditionalDocumentChecksums": missing,
        }  # fmt: skip
        return {"started": started}
    return _accept(row, found, sender, mine, receiver, origin)


def _duplicate(found: Examined) -> dict[str, Any]:
    return {"duplicateOfAcceptedEnvelopeTransferChainEntrySignedContent": found.chain[-1]}


def _missing(row: Envelope, found: Examined) -> list[str]:
    return [m["documentChecksum"] for m in found.supporting if m["documentChecksum"] not in row.additional]


@command(may=[Role.COMPANY])
def receive_additional(*, reference: UUID, checksum: str, data: str, origin: Origin) -> dict[str, Any]:
    """Take a document that an envelope announced; {} when it is in order, else {"code", "answer"}. Refuses: Absent."""
    row, mine, found = _started(reference, origin)
    said = next((m for m in found.supporting if m["documentChecksum"] == checksum), None)
    try:
        if said is None:
            raise Fault("INCD", "the envelope did not announce this document")
        try:
            raw = base64.b64decode(data, validate=True)
        except ValueError:
            raise Fault("INCD", "base64 is wanted") from None
        made = Additional(said["name"], said["mediaType"], raw)
        if made.checksum != checksum or len(raw) != said["size"]:
            raise Fault("INCD", "checksum or size is not the one announced")
    except Fault as fault:
        return _refused(fault, row.last, mine)
    with as_system():
        row.additional = {**row.additional, checksum: data}
        row.save(update_fields=["additional"])
    record("transport.additional_received", row.pk, measures=MEASURES, checksum=checksum)
    return {}


@command(may=[Role.COMPANY])
def finish_envelope(*, reference: UUID, origin: Origin) -> dict[str, Any]:
    """Take over the document of an envelope whose papers are all here; {"code", "answer"}. Refuses: Absent."""
    row, mine, found = _started(reference, origin)
    if row.state == "accepted":
        return {"code": "DUPE", "answer": pint.answer("DUPE", row.last, mine, **_duplicate(found))}
    missing = _missing(row, found)
    if missing:
        record(
            "transport.envelope_refused", row.last, measures=MEASURES, code="MDOC", reason="missing documents"
        )
        return {
            "code": "MDOC",
            "answer": pint.answer("MDOC", row.last, mine, missingAdditionalDocumentChecksums=missing),
        }
    try:
        with transaction.atomic():
            return _take(found, row.content, row.platform, mine, origin)
    except Fault as fault:
        return _refused(fault, row.last, mine)


def _started(reference: UUID, origin: Origin) -> tuple[Envelope, Signer, Examined]:
    with as_system():
        row = (
            Envelope.objects.select_for_update(of=("self",))
            .select_related("platform")
            .filter(pk=reference, outward=False)
            .first()
        )
    if row is None or row.platform.party_id != origin.actor.party_id:
        raise Absent(kind="envelope")
    mine = signer()
    return row, mine, pint.examine(row.content, known_keys(), own=mine.code)


def _here(recipient: Mapping[str, Any], origin: Origin) -> UUID:
    """The registered party to whom a document comes. Raises: Fault BENV (nobody, or several)."""
    numbers, ids = [], set()
    for code in recipient["identifyingCodes"]:
        if code.get("codeListName") == "UUID":
            try:
                ids.add(parties.party(party_id=UUID(code["partyCode"]), viewer=SYSTEM).id)
            except (Absent, ValueError):
                continue
        else:
            numbers.append(code["partyCode"])
    found = ids | parties.registered(numbers=numbers, viewer=SYSTEM)
    if len(found) != 1:
        raise Fault("BENV", "the receiver is nobody who is known here")
    return next(iter(found))


def _accept(
    row: Envelope, found: Examined, sender: Platform, mine: Signer, receiver: UUID, origin: Origin
) -> dict[str, Any]:
    with as_system():
        left = (
            Envelope.objects.filter(checksum=found.checksum, outward=True)
            .exclude(state="refused")
            .order_by("-at")
            .first()
        )
    title = (
        _return(left, receiver, origin) if left is not None else _arrive(row, found, sender, receiver, origin)
    )
    answer = pint.answer("RECE", found.last, mine, receivedAdditionalDocumentChecksums=sorted(row.additional))
    with as_system():
        row.state, row.title_id, row.party_id, row.code, row.answer, row.ended_at = (
            "accepted",
            title,
            receiver,
            "RECE",
            answer,
            origin.at,
        )
        row.save(update_fields=["state", "title_id", "party_id", "code", "answer", "ended_at"])
    record(
        "transport.document_arrived",
        title,
        measures=MEASURES,
        envelope=row.pk,
        platform=sender.code,
        receiver=receiver,
        last=found.last,
    )
    return {"code": "RECE", "answer": answer}


def _return(left: Envelope, receiver: UUID, origin: Origin) -> UUID:
    """A document that left here comes back to its title, into the hand of `receiver`."""
    assert left.title_id is not None
    if left.state == "sent":  # their answer was lost; that they pass it on proves that they took it
        with as_system():
            left.state, left.code, left.ended_at = "accepted", "RECE", origin.at
            left.save(update_fields=["state", "code", "ended_at"])
    view = title_queries.title(title_id=left.title_id, viewer=SYSTEM)
    if view.keeper != left.pk:
        raise Fault("DISE", "the document that left here is not away")
    if receiver != view.holder_id:
        details = {"to": receiver} if view.form == "BLANK" else {"to": receiver, "beneficiary": receiver}
        try:
            titles.act_as_keeper(
                title_id=view.id, keeper=left.pk, act="transfer", details=details, origin=origin
            )
        except Refusal as refusal:  # frozen by a court meanwhile
            raise Fault("DISE", f"the title cannot be passed on here: {refusal.code}") from None
    titles.return_title(title_id=view.id, keeper=left.pk, origin=origin)
    return view.id


def _arrive(row: Envelope, found: Examined, sender: Platform, receiver: UUID, origin: Origin) -> UUID:
    """A document from elsewhere becomes a title here. Raises: Fault BENV (no title can be made of it), DISE (one stands on it)."""
    bill = _bill(row, found)
    title_id = uuid5(origin.key, f"title {found.checksum}")
    subject = {k: v for k, v in subject_of(bill).items() if k not in ("consignees", "agreement")}
    try:
        titles.issue_title(
            title_id=title_id, kind="transport_document", holder_id=receiver, subject=subject, quantity=ceil(bill.gross_kg), unit="KGM",
            form=bill.form, content=bill.content(), origin=origin.child("title"),
        )  # fmt: skip
    except Refusal as refusal:
        taken = refusal.code in ("titles.already_live", "titles.near_duplicate")
        raise Fault("DISE" if taken else "BENV", f"no title can be made of it: {refusal.code}") from None
    assert sender.party_id is not None
    Document.objects.create(
        title_id=title_id, document=bill.document, number=bill.number, issuer_id=sender.party_id, origin=bill.origin,
        destination=bill.destination, due_on=bill.legs[-1].arrives_on, containers=list(bill.seals), custodian=sender.party_id,
        seals={number: list(seals) for number, seals in bill.seals.items()}, issued_at=origin.at,
    )  # fmt: skip
    return title_id


def _bill(row: Envelope, found: Examined) -> OneBill:
    """Our own data set if it came along and says what the document says; else the document read."""
    try:
        for said in found.supporting:
            if said["mediaType"] == pint.OUR_MEDIA:
                bill = bills.read(json.loads(base64.b64decode(row.additional[said["documentChecksum"]])))
                if pint.checksum(dcsa.write(bill).document) != found.checksum:
                    raise Fault("BENV", "the data set that came along says something else than the document")
                return bill
        place = tree.parse(pint.canonical(found.document))
        assert isinstance(place, tree.JsonPlace)
        return dcsa.parse_pint(place)
    except (Refusal, ValueError) as wrong:
        facts = getattr(wrong, "facts", {})
        raise Fault(
            "BENV", f"no title can be made of it: {facts.get('field', '')} {facts.get('problem', '')}"[:255]
        ) from None


def _lock(checksum: str) -> None:
    """Two envelopes of one document come one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 17))", [checksum])
