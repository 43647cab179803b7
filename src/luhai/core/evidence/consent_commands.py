"""Consent before reading: asked for, given, withdrawn; and each reading, granted or refused, leaves a receipt.

The flow is that of the PBoC's fund-flow platform: a company is registered (bound), a bank asks it (entrusts), the company authorises, the
bank queries. A consent is for one grantee, one purpose, some kinds of evidence and some time; withdrawing is as easy as giving.
Source: financing.md §7.3 (INV-CON-1 to INV-CON-5); 征信业管理条例 art. 18, 20, 22; 个人信息保护法 art. 14–16, 23.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import rfc8785

from luhai.core.evidence.formats.document import Kind
from luhai.core.parties import queries as parties
from luhai.core.rules import queries as rules
from luhai.kernel.origin import Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from .lifecycle import CONSENT_ACTS, CONSENT_PURPOSES, ConsentState
from .models import Consent, Evidence, Receipt
from .queries import covering, state_of

GRANTORS: Final = [Role.COMPANY, Role.BANK, Role.PARTNER]
READERS: Final = [Role.COMPANY, Role.BANK, Role.PARTNER, Role.PROVINCE, Role.SUPERVISOR, Role.OPERATOR]
#: Who reads by law: PBoC, SAFE, NFRA, and who runs the instance. They leave receipts too.
_OFFICE: Final = frozenset({Role.SUPERVISOR, Role.OPERATOR})
MEASURES: Final = ["M13-04"]


class ConsentActNotAllowed(Refusal):
    code = "evidence.consent_act_not_allowed"
    message = gettext_noop("A consent that is %(state)s cannot be changed like this.")


class SamePerson(Refusal):
    code = "evidence.same_person"
    status = 403
    message = gettext_noop("A consent to somebody abroad is looked at by somebody other than who gave it.")


@command(may=READERS)
def ask_consent(
    *, consent_id: UUID, grantor_id: UUID, purpose: str, kinds: list[str], pieces: list[UUID], until: datetime,
    one_off: bool = False, origin: Origin,
) -> UUID:  # fmt: skip
    """Ask a party to let the actor's party read evidence about it; return the consent's id. Nothing may be read yet.

    Refuses: Invalid (names the field), NotEntitled.
    """
    grantee = _party(origin)
    row = _terms(consent_id, grantor_id, grantee, purpose, kinds, pieces, until, one_off, origin)
    row.asked_by, row.asked_at = origin.actor.person_id, origin.at
    row.save(force_insert=True)
    record(
        "evidence.consent_asked",
        consent_id,
        measures=MEASURES,
        grantor=grantor_id,
        grantee=grantee,
        purpose=purpose,
        until=until,
    )
    return consent_id


@command(may=GRANTORS)
def grant_consent(
    *, consent_id: UUID, grantee_id: UUID, purpose: str, kinds: list[str], pieces: list[UUID], until: datetime,
    one_off: bool = False, abroad: bool = False, origin: Origin,
) -> UUID:  # fmt: skip
    """Let another party read, and for a use's purpose use, evidence about the actor's party; return the consent's id.

    Units:   `kinds` empty means all kinds, `pieces` empty all evidence about the grantor, now and later. `abroad` must be said for a
             grantee abroad; such a consent begins to hold when a supervisor has looked at it.
    Refuses: Invalid (names the field), NotEntitled.
    """
    grantor = _party(origin)
    row = _terms(consent_id, grantor, grantee_id, purpose, kinds, pieces, until, one_off, origin)
    if row.abroad != abroad:
        raise Invalid(field="abroad", problem=gettext_noop("true for a party abroad, and only for one"))
    row.given_by, row.given_at = origin.actor.person_id, origin.at
    row.save(force_insert=True)
    _given(row)
    return consent_id


@command(may=GRANTORS)
def answer_consent(*, consent_id: UUID, yes: bool, until: datetime | None = None, origin: Origin) -> UUID:
    """Give what was asked for, for as long or shorter, or decline it; return the consent's id.

    Who:     the party that was asked.
    Refuses: Absent, ConsentActNotAllowed, Invalid (a later day than was asked for).
    """
    row = Consent.objects.select_for_update().filter(pk=consent_id, grantor_id=_party(origin)).first()
    if row is None:
        raise Absent(kind="consent")
    _allow("grant" if yes else "decline", row, origin)
    if not yes:
        row.declined_at = origin.at
        row.save(update_fields=["declined_at"])
        record("evidence.consent_declined", consent_id, measures=MEASURES, grantee=row.grantee_id)
        return consent_id
    if until is not None and not origin.at < until <= row.until:
        raise Invalid(field="until", problem=gettext_noop("later than now, and no later than was asked for"))
    row.until = until or row.until
    row.terms_digest = _digest(row)  # of what is agreed to, which may be shorter than what was asked for
    row.given_by, row.given_at = origin.actor.person_id, origin.at
    row.save(update_fields=["until", "terms_digest", "given_by", "given_at"])
    _given(row)
    return consent_id


@command(may=[*GRANTORS, *READERS])
def withdraw_consent(*, consent_id: UUID, origin: Origin) -> UUID:
    """End a consent, or a request for one, at once; return its id. What was read before stays lawful, and is seen no more.

    Who:     the grantor; whoever asked may take the request back while it waits.
    Refuses: Absent, ConsentActNotAllowed.
    """
    party = _party(origin)
    with as_system():
        row = Consent.objects.select_for_update().filter(pk=consent_id).first()
        mine = row is not None and (
            party == row.grantor_id or (party == row.grantee_id and row.given_at is None)
        )
        if row is None or not mine:
            raise Absent(kind="consent")
        _allow("withdraw", row, origin)
        row.withdrawn_at = origin.at
        row.save(update_fields=["withdrawn_at"])
    record(
        "evidence.consent_withdrawn",
        consent_id,
        measures=MEASURES,
        grantor=row.grantor_id,
        grantee=row.grantee_id,
    )
    return consent_id


@command(may=[Role.SUPERVISOR])
def review_consent(*, consent_id: UUID, origin: Origin) -> UUID:
    """Let a consent to a party abroad begin to hold; return its id. Who: a supervisor. Refuses: Absent, SamePerson, ConsentActNotAllowed."""
    row = Consent.objects.select_for_update().filter(pk=consent_id, abroad=True).first()
    if row is None:
        raise Absent(kind="consent")
    if row.given_by == origin.actor.person_id:
        raise SamePerson()
    if row.reviewed_by is not None or state_of(row, origin.at) is not ConsentState.GIVEN:
        raise ConsentActNotAllowed(state=str(state_of(row, origin.at)))
    row.reviewed_by = origin.actor.person_id
    row.save(update_fields=["reviewed_by"])
    record("evidence.consent_reviewed", consent_id, measures=MEASURES)
    return consent_id


@command(may=READERS)
def read_evidence(*, evidence_id: UUID, purpose: str, origin: Origin) -> dict[str, Any]:
    """Ask to read evidence; return {"receipt_id", "granted", "why"}. Granted, `queries.disclosed(receipt_id)` shows the content.

    A refusal is an answer, not an error, so that its receipt stays and the subject sees who tried.
    Who:     whoever it is about and whoever delivered it ("own"), a supervisor or the operator ("office"), others with a "consent".
    Writes:  a Receipt; a one-off consent is spent.
    Refuses: Absent, Invalid (purpose).
    """
    if purpose not in CONSENT_PURPOSES:
        raise Invalid(field="purpose", problem=f"one of {', '.join(CONSENT_PURPOSES)}")
    party = _party(origin)
    with as_system():
        row = Evidence.objects.filter(pk=evidence_id).first()
        if row is None:
            raise Absent(kind="evidence")
        consent: Consent | None = None
        if party in row.seen_by:
            why, granted = "own", True
        elif origin.actor.role in _OFFICE:
            why, granted = "office", True
        else:
            found = covering(row, party, purpose, origin.at)
            granted = isinstance(found, Consent)
            why = found if isinstance(found, str) else "consent"
            consent = found if isinstance(found, Consent) else None
        if consent is not None and consent.one_off:
            consent.spent_at = origin.at
            consent.save(update_fields=["spent_at"])
        receipt = Receipt.objects.create(
            id=uuid5(origin.key, "receipt"), evidence=row, version=row.version, about=row.about, reader_id=party,
            person=origin.actor.person_id, purpose=purpose, granted=granted, consent=consent, why=why, at=origin.at,
        )  # fmt: skip
    record(
        "evidence.read" if granted else "evidence.reading_refused", evidence_id, measures=MEASURES, receipt=receipt.pk,
        reader=party, purpose=purpose, why=why, consent=consent.pk if consent else None,
    )  # fmt: skip
    return {"receipt_id": str(receipt.pk), "granted": granted, "why": why}


def _allow(act: str, row: Consent, origin: Origin) -> None:
    state = state_of(row, origin.at)
    if state not in CONSENT_ACTS[act][0]:
        raise ConsentActNotAllowed(state=str(state))


def _party(origin: Origin) -> UUID:
    if origin.actor.party_id is None:
        raise NotEntitled(who=gettext_noop("somebody who acts for a party"))
    return origin.actor.party_id


def _terms(
    consent_id: UUID, grantor: UUID, grantee: UUID, purpose: str, kinds: Sequence[str], pieces: Sequence[UUID],
    until: datetime, one_off: bool, origin: Origin,
) -> Consent:  # fmt: skip
    """Check every word of a consent, and digest what is agreed to."""
    with as_system():
        taken = Consent.objects.filter(pk=consent_id).exists()
    if taken:
        raise Invalid(field="consent_id", problem=gettext_noop("this id is taken; choose another"))
    if grantor == grantee:
        raise Invalid(field="grantee_id", problem=gettext_noop("another party"))
    if purpose not in CONSENT_PURPOSES:
        raise Invalid(field="purpose", problem=f"one of {', '.join(CONSENT_PURPOSES)}")
    for kind in kinds:
        if kind not in list(Kind):
            raise Invalid(field="kinds", problem=f"of {', '.join(Kind)}")
    longest = rules.parameters(viewer=origin.actor).value(
        "evidence.consent_longest_days", origin.at.date(), None
    )
    if until.tzinfo is None or not origin.at < until <= origin.at + timedelta(days=longest.in_unit("days")):
        raise Invalid(
            field="until",
            problem=f"a moment with its zone, later than now, within {longest.in_unit('days')} days",
        )
    parties.party(party_id=grantor, viewer=origin.actor)
    reader = parties.party(party_id=grantee, viewer=origin.actor)
    if pieces:
        with as_system():
            known = set(
                Evidence.objects.filter(pk__in=pieces, about__contains=[grantor]).values_list("pk", flat=True)
            )
        if known != set(pieces):
            raise Invalid(field="pieces", problem=gettext_noop("ids of evidence about the grantor"))
    row = Consent(
        id=consent_id, grantor_id=grantor, grantee_id=grantee, purpose=purpose, kinds=sorted(set(kinds)),
        pieces=sorted(set(pieces)), since=origin.at, until=until, one_off=one_off, abroad=reader.country != "CN",
    )  # fmt: skip
    row.terms_digest = _digest(row)
    return row


def _digest(row: Consent) -> str:
    words: dict[str, Any] = {
        "grantor": str(row.grantor_id), "grantee": str(row.grantee_id), "purpose": row.purpose, "kinds": sorted(row.kinds),
        "pieces": sorted(map(str, row.pieces)), "until": row.until.astimezone(UTC).isoformat(), "one_off": row.one_off, "text": "2026-03",
    }  # fmt: skip
    return hashlib.sha256(rfc8785.dumps(words)).hexdigest()


def _given(row: Consent) -> None:
    record(
        "evidence.consent_given", row.pk, measures=MEASURES, grantor=row.grantor_id, grantee=row.grantee_id, purpose=row.purpose,
        kinds=row.kinds, pieces=len(row.pieces), until=row.until, one_off=row.one_off, abroad=row.abroad,
        terms_digest=row.terms_digest,
    )  # fmt: skip
