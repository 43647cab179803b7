"""Evidence over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, ConfigDict, Field

from luhai.core.evidence.formats.document import Kind
from luhai.kernel.money import MAX_MINOR, Currency
from luhai.kernel.refusal import Invalid, NotPermitted, gettext_noop
from luhai.shell.api import PROBLEMS, Clean, Cursor, IdempotencyKey, Limit, Page, origin_of, viewer_of

from . import commands, consent_commands, queries
from .lifecycle import CONSENT_PURPOSES, Purpose, ReviewOutcome, State

router = Router(tags=["evidence"])


def coded(*codes: str, **more: Any) -> Any:
    """A field that holds one of these codes; the command refuses others and names them."""
    return Field(json_schema_extra={"enum": list(codes)}, max_length=40, **more)


Amount = Annotated[int, Field(strict=True, gt=0, le=MAX_MINOR)]
Text = Annotated[Clean, Field(min_length=1, max_length=200)]
Hex64 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
Hex128 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{128}$")]


# --- what comes in ------------------------------------------------------------------------------------------------------


class EvidenceStrict(Schema):
    model_config = ConfigDict(extra="forbid")


class EvidenceSignatureIn(EvidenceStrict):
    """Over the bytes of the document: of `document` those that stand in the request, else those that `content_base64` holds."""

    profile: Annotated[Clean, coded("ed25519")] = "ed25519"
    public: Hex64
    signature: Hex128


#: A contract in our declared form, complete.
CONTRACT: Final[dict[str, Any]] = {
    "format": "luhai.contract", "version": "1", "contract_no": "CQ-2026-018", "status": "signed", "signed_on": "2026-02-10",
    "seller": {"name": "重庆某某汽配有限公司", "uscc": "91500106MA00000017"},
    "buyer": {"name": "Siam Motor Parts Co., Ltd.", "country": "TH"}, "currency": "USD", "total_amount": "1000.00",
    "incoterm": "FOB", "incoterm_place": "Qinzhou", "settlement": "T/T",
    "items": [{"no": 1, "name": "brakes", "hs_code": "871410", "quantity": "1", "unit": "KGM", "amount": "1000.00"}],
}  # fmt: skip


class EvidenceContentIn(EvidenceStrict):
    """`document` or `content_base64`. The digest is over the bytes as they were sent, blanks and order of members included."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"document": CONTRACT}]})

    document: dict[str, Any] | None = Field(default=None, description="A document that is a JSON object.")
    content_base64: Annotated[Clean, Field(min_length=1)] | None = Field(
        default=None, description="Any document, XML for instance: its bytes in base64."
    )
    signature: EvidenceSignatureIn | None = None


class EvidenceReceiveIn(EvidenceContentIn):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "0b5c1f0e-7c0a-4e5b-9a3e-1c2d3e4f5a6b", "document": CONTRACT}]}
    )

    id: UUID = Field(
        description="An id of your choice, never used before; of several facts the first has it."
    )
    subject_id: UUID | None = Field(
        default=None, description="The company it is about; your own unless named."
    )
    kind: Annotated[Clean, coded(*Kind)] | None = Field(
        default=None, description="Refuse it if it is not of this kind."
    )
    observed_at: AwareDatetime | None = Field(
        default=None, description="When its fact was observed, of a document that does not say so."
    )


class EvidenceCancelIn(EvidenceStrict):
    reason: Text = Field(examples=["declaration withdrawn"])


class EvidenceUseIn(EvidenceStrict):
    id: UUID = Field(description="An id of your choice, never used before.")
    evidence_id: UUID
    purpose: Annotated[Clean, coded(*Purpose)] = Field(examples=["financing"])
    amount: Amount = Field(description="Minor units of `currency`.", examples=[500_00])
    currency: Annotated[Clean, coded(*Currency)] = Field(
        examples=["USD"], description="That of the document."
    )


class EvidenceFreeIn(EvidenceStrict):
    amount: Amount | None = Field(default=None, description="All that is left, unless said.")
    reason: Annotated[Clean, Field(max_length=200)] = Field(default="", description="Needed of a settlement.")


class EvidenceConvertIn(EvidenceStrict):
    to: UUID = Field(description="Another document about the same goods.")


class EvidenceJoinIn(EvidenceStrict):
    lot_ids: list[UUID] = Field(min_length=2, max_length=50)
    why: Text = Field(examples=["both papers name wagon 5283 1147 of 2 March"])


class EvidenceClearIn(EvidenceStrict):
    outcome: Annotated[Clean, coded(*ReviewOutcome)] = Field(examples=["distinct"])
    why: Text = Field(examples=["two orders of one week; both seen"])


class EvidenceConsentIn(EvidenceStrict):
    id: UUID = Field(description="An id of your choice, never used before.")
    purpose: Annotated[Clean, coded(*CONSENT_PURPOSES)] = Field(examples=["financing"])
    kinds: list[Annotated[Clean, coded(*Kind)]] = Field(
        default_factory=list, max_length=len(Kind), description="Of evidence; none means all."
    )
    pieces: list[UUID] = Field(
        default_factory=list,
        max_length=500,
        description="Ids of evidence; none means all about the grantor, now and later.",
    )
    until: AwareDatetime = Field(examples=["2026-06-30T16:00:00Z"])
    one_off: bool = Field(default=False, description="For one reading.")


class EvidenceConsentAskIn(EvidenceConsentIn):
    grantor_id: UUID


class EvidenceConsentGrantIn(EvidenceConsentIn):
    grantee_id: UUID
    abroad: bool = Field(default=False, description="To be said of a grantee abroad, and only of one.")


class EvidenceConsentAnswerIn(EvidenceStrict):
    yes: bool
    until: AwareDatetime | None = Field(default=None, description="Shorter than was asked for.")


class EvidenceReadingIn(EvidenceStrict):
    purpose: Annotated[Clean, coded(*CONSENT_PURPOSES)] = Field(examples=["assessment"])


# --- what goes out ------------------------------------------------------------------------------------------------------


class EvidenceNamed(Schema):
    id: UUID
    zh: str
    en: str


class EvidenceOut(Schema):
    """A document as it stands. `amount_minor` is what its last version states, less what was taken back."""

    id: UUID
    kind: str
    state: str
    status: str
    external_ref: str
    source: EvidenceNamed
    subject: EvidenceNamed
    amount_minor: int | None
    currency: str
    dated: date
    version: int
    received_at: datetime
    changed_at: datetime
    lot_id: UUID | None
    format: str


class EvidencePartyOut(Schema):
    role: str
    name: str
    identifiers: dict[str, str]
    country: str = ""


class EvidenceReferenceOut(Schema):
    kind: str
    value: str


class EvidenceRemarkOut(Schema):
    field: str
    problem: str


class EvidencePieceOut(Schema):
    """One version as it came. In `payload` decimal fractions are texts, so that nothing is rounded."""

    version: int
    source: EvidenceNamed
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
    parties: list[EvidencePartyOut]
    references: list[EvidenceReferenceOut]
    warnings: list[EvidenceRemarkOut]
    payload: Any


class EvidenceFactsOut(Schema):
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
    references: list[EvidenceReferenceOut]
    parties: list[EvidencePartyOut]


class EvidenceRemainingOut(Schema):
    """Minor units of `currency`. `financing_left` is what the document and the other forms of its goods both leave."""

    currency: str
    settlement_left: int
    settlement_used: int
    financing_left: int
    financing_used: int


class EvidenceUseOut(Schema):
    """`others` counts the other parties that finance the same goods; `contested` how often somebody was refused for it."""

    id: UUID
    evidence_id: UUID
    purpose: str
    user: EvidenceNamed
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


class EvidenceLotOut(Schema):
    """Goods in all their forms; `by_kind` is what each form alone would allow."""

    id: UUID
    subject: EvidenceNamed
    currency: str
    left: int
    used: int
    by_kind: dict[str, int]
    forms: list[EvidenceOut]
    opened_at: datetime


class EvidenceReviewOut(Schema):
    id: UUID
    evidence: EvidenceOut | None = Field(
        description="What the refused document looks like, if you may see it."
    )
    external_ref: str
    reason: str
    asked_by: EvidenceNamed
    asked_at: datetime
    outcome: str
    why: str
    cleared_at: datetime | None


class EvidenceConsentOut(Schema):
    id: UUID
    grantor: EvidenceNamed
    grantee: EvidenceNamed
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


class EvidenceReceiptOut(Schema):
    id: UUID
    evidence_id: UUID
    external_ref: str
    kind: str
    version: int
    reader: EvidenceNamed | None
    purpose: str
    granted: bool
    why: str
    consent_id: UUID | None
    at: datetime


class EvidenceReadingOut(Schema):
    receipt_id: UUID = Field(description="Granted, `GET /evidence/readings/{receipt_id}` shows the content.")
    granted: bool
    why: str


class EvidenceDone(Schema):
    id: UUID


class EvidenceReceived(Schema):
    ids: list[UUID] = Field(
        description="One for each fact of the file; a red-letter invoice answers the id of its invoice."
    )


class EvidenceFreed(Schema):
    freed: int


OUT = {200: EvidenceDone, **PROBLEMS}


# --- documents ----------------------------------------------------------------------------------------------------------

EITHER: Final = gettext_noop("either the document itself, or its bytes in content_base64")
#: What stands between two values of valid JSON.
_GAP: Final = re.compile(r"[ \t\r\n,:]*")


def _content(request: HttpRequest, body: EvidenceContentIn) -> str:
    """The bytes of the document in base64: those that were sent, so that its digest and a signature are over them."""
    if (body.document is None) == (body.content_base64 is None):
        raise Invalid(field="document", problem=EITHER)
    if body.content_base64 is not None:
        return body.content_base64
    text = request.body.decode(json.detect_encoding(request.body), "surrogatepass")
    return base64.b64encode(_member(text, "document").encode("utf-8", "surrogatepass")).decode()


def _member(text: str, name: str) -> str:
    """A member of a JSON object, letter by letter as it was sent; of several with the name the last, as readers of JSON take it."""

    def value(at: int) -> int:
        gap = _GAP.match(text, at)
        return gap.end() if gap else at

    scan, found = json.JSONDecoder().raw_decode, ""
    at = value(text.index("{") + 1)
    while text[at] != "}":
        key, at = scan(text, at)
        begin = value(at)
        _, at = scan(text, begin)
        if key == name:
            found = text[begin:at]
        at = value(at)
    return found


def _signature(body: EvidenceContentIn) -> dict[str, Any] | None:
    return body.signature.dict() if body.signature else None


@router.get(
    "",
    response={200: Page[EvidenceOut], **PROBLEMS},
    summary="Documents that concern you, newest change first.",
)
def evidences(
    request: HttpRequest,
    kind: Annotated[str, Query(default="", enum=["", *Kind])] = "",
    state: Annotated[str, Query(default="", enum=["", *State])] = "",
    text: Annotated[
        Clean, Query(default="", max_length=64, description="A number, as written or folded.")
    ] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    """Those that you delivered, those that name you, and those that you may read by a consent, while it lasts."""
    found = queries.evidences(
        kind=kind, state=state, text=text, cursor=cursor, limit=limit, viewer=viewer_of(request)
    )
    return {"items": found.items, "next": found.next}


@router.post(
    "", response={200: EvidenceReceived, **PROBLEMS}, summary="Deliver a document, or a file of facts."
)
def receive_evidence(request: HttpRequest, body: EvidenceReceiveIn, key: IdempotencyKey) -> Any:
    """A document that is here already is refused, one that looks like it goes to a person: the refusal names the review."""
    subject = body.subject_id or viewer_of(request).party_id
    if subject is None:  # nobody whose role may deliver acts for nobody
        raise NotPermitted()
    made = commands.receive_evidence(
        evidence_id=body.id, subject_id=subject, content=_content(request, body), kind=body.kind, observed_at=body.observed_at,
        signature=_signature(body), origin=origin_of(request, key),
    )  # fmt: skip
    return {"ids": made}


# --- uses ---------------------------------------------------------------------------------------------------------------


@router.get(
    "/uses", response={200: Page[EvidenceUseOut], **PROBLEMS}, summary="Payments and loans on documents."
)
def uses(
    request: HttpRequest,
    evidence_id: UUID | None = None,
    only_open: bool = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    """Those that you made, and those on documents about you, newest first."""
    found = queries.uses(
        evidence_id=evidence_id, only_open=only_open, cursor=cursor, limit=limit, viewer=viewer_of(request)
    )
    return {"items": found.items, "next": found.next}


@router.post("/uses", response=OUT, summary="Use a document for a payment or a loan.")
def use_evidence(request: HttpRequest, body: EvidenceUseIn, key: IdempotencyKey) -> Any:
    """With the consent of somebody whom it is about. More than is left is refused, and the refusal says what is left."""
    made = commands.use_evidence(
        use_id=body.id, evidence_id=body.evidence_id, purpose=body.purpose, amount=body.amount, currency=body.currency,
        origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": made}


@router.get("/uses/{uuid:use_id}", response={200: EvidenceUseOut, **PROBLEMS}, summary="One use.")
def use(request: HttpRequest, use_id: UUID) -> Any:
    """With what happened to the document under it."""
    return queries.use(use_id=use_id, viewer=viewer_of(request))


@router.post(
    "/uses/{uuid:use_id}/free",
    response={200: EvidenceFreed, **PROBLEMS},
    summary="Give back a use, or a part.",
)
def free_evidence(request: HttpRequest, use_id: UUID, body: EvidenceFreeIn, key: IdempotencyKey) -> Any:
    """A loan repaid; a payment returned, with the reason. Answers how much is given back."""
    freed = commands.free_evidence(
        use_id=use_id, amount=body.amount, reason=body.reason, origin=origin_of(request, key)
    )
    return {"freed": freed}


@router.post(
    "/uses/{uuid:use_id}/convert", response=OUT, summary="Let financing stand on another form of the goods."
)
def convert_form(request: HttpRequest, use_id: UUID, body: EvidenceConvertIn, key: IdempotencyKey) -> Any:
    """The encumbrance moves; the document before is free of it at once."""
    return {"id": commands.convert_form(use_id=use_id, to_id=body.to, origin=origin_of(request, key))}


# --- goods and reviews --------------------------------------------------------------------------------------------------


@router.get(
    "/lots", response={200: Page[EvidenceLotOut], **PROBLEMS}, summary="Your goods in all their forms."
)
def lots(request: HttpRequest, cursor: Cursor = "", limit: Limit = 50) -> Any:
    """Newest first; officials see all."""
    found = queries.lots(cursor=cursor, limit=limit, viewer=viewer_of(request))
    return {"items": found.items, "next": found.next}


@router.post("/lots/join", response=OUT, summary="Say that documents are about the same goods.")
def join_lots(request: HttpRequest, body: EvidenceJoinIn, key: IdempotencyKey) -> Any:
    """For those that share no reference. Answers the lot that they now belong to."""
    return {"id": commands.join_lots(lot_ids=body.lot_ids, why=body.why, origin=origin_of(request, key))}


@router.get("/lots/{uuid:lot_id}", response={200: EvidenceLotOut, **PROBLEMS}, summary="One lot of goods.")
def lot(request: HttpRequest, lot_id: UUID) -> Any:
    """A lot that was united with another shows that one."""
    return queries.lot(lot_id=lot_id, viewer=viewer_of(request))


@router.get(
    "/reviews", response={200: Page[EvidenceReviewOut], **PROBLEMS}, summary="Documents to be told apart."
)
def reviews(request: HttpRequest, waiting: bool = True) -> Any:
    """For operator and supervisor all, for others those they caused; the newest 200 on one page."""
    return {"items": queries.reviews(waiting=waiting, viewer=viewer_of(request)), "next": ""}


@router.post("/reviews/{uuid:review_id}/clear", response=OUT, summary="Tell two documents apart.")
def clear_review(request: HttpRequest, review_id: UUID, body: EvidenceClearIn, key: IdempotencyKey) -> Any:
    """Unless it is the same one, what was refused may then be delivered again, under a new Idempotency-Key."""
    done = commands.clear_review(
        review_id=review_id, outcome=body.outcome, why=body.why, origin=origin_of(request, key)
    )
    return {"id": done}


# --- consents and readings ----------------------------------------------------------------------------------------------


@router.get(
    "/consents", response={200: Page[EvidenceConsentOut], **PROBLEMS}, summary="Consents from you and to you."
)
def consents(request: HttpRequest, only_open: bool = False, cursor: Cursor = "", limit: Limit = 50) -> Any:
    """Requests too, as they stand now, newest first."""
    return queries.consents(
        moment=timezone.now(), only_open=only_open, cursor=cursor, limit=limit, viewer=viewer_of(request)
    )


@router.post("/consents", response=OUT, summary="Let another party read documents about you.")
def grant_consent(request: HttpRequest, body: EvidenceConsentGrantIn, key: IdempotencyKey) -> Any:
    """For the purpose of a use, to use them as well."""
    made = consent_commands.grant_consent(
        consent_id=body.id, grantee_id=body.grantee_id, purpose=body.purpose, kinds=body.kinds, pieces=body.pieces,
        until=body.until, one_off=body.one_off, abroad=body.abroad, origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": made}


@router.post("/consents/ask", response=OUT, summary="Ask a party to let you read documents about it.")
def ask_consent(request: HttpRequest, body: EvidenceConsentAskIn, key: IdempotencyKey) -> Any:
    """Nothing may be read until it answers."""
    made = consent_commands.ask_consent(
        consent_id=body.id, grantor_id=body.grantor_id, purpose=body.purpose, kinds=body.kinds, pieces=body.pieces,
        until=body.until, one_off=body.one_off, origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": made}


@router.get(
    "/consents/{uuid:consent_id}", response={200: EvidenceConsentOut, **PROBLEMS}, summary="One consent."
)
def consent(request: HttpRequest, consent_id: UUID) -> Any:
    """As it stands now."""
    return queries.consent(consent_id=consent_id, moment=timezone.now(), viewer=viewer_of(request))


@router.post(
    "/consents/{uuid:consent_id}/answer", response=OUT, summary="Give what was asked for, or decline it."
)
def answer_consent(
    request: HttpRequest, consent_id: UUID, body: EvidenceConsentAnswerIn, key: IdempotencyKey
) -> Any:
    """As the party that was asked; for as long as was asked, or shorter."""
    done = consent_commands.answer_consent(
        consent_id=consent_id, yes=body.yes, until=body.until, origin=origin_of(request, key)
    )
    return {"id": done}


@router.post("/consents/{uuid:consent_id}/withdraw", response=OUT, summary="End a consent at once.")
def withdraw_consent(request: HttpRequest, consent_id: UUID, key: IdempotencyKey) -> Any:
    """As who gave it, or as who asked, while it waits. What was read before is seen no more."""
    return {"id": consent_commands.withdraw_consent(consent_id=consent_id, origin=origin_of(request, key))}


@router.post(
    "/consents/{uuid:consent_id}/review", response=OUT, summary="Let a consent to a party abroad hold."
)
def review_consent(request: HttpRequest, consent_id: UUID, key: IdempotencyKey) -> Any:
    """As a supervisor."""
    return {"id": consent_commands.review_consent(consent_id=consent_id, origin=origin_of(request, key))}


@router.get(
    "/receipts",
    response={200: Page[EvidenceReceiptOut], **PROBLEMS},
    summary="Who read what, or was refused.",
)
def receipts(
    request: HttpRequest,
    evidence_id: UUID | None = None,
    about_me: bool = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    """Yours, and those of documents about you, newest first. With `about_me` only what others read of you."""
    found = queries.receipts(
        evidence_id=evidence_id, about_me=about_me, cursor=cursor, limit=limit, viewer=viewer_of(request)
    )
    return {"items": found.items, "next": found.next}


@router.get(
    "/readings/{uuid:receipt_id}",
    response={200: Page[EvidencePieceOut], **PROBLEMS},
    summary="What you may read by it.",
)
def disclosed(request: HttpRequest, receipt_id: UUID) -> Any:
    """Every version, newest first, while the consent it rests on is in force."""
    found = queries.disclosed(receipt_id=receipt_id, viewer=viewer_of(request))
    return {"items": [_piece(p) for p in found], "next": ""}


# --- one document -------------------------------------------------------------------------------------------------------


@router.get("/{uuid:evidence_id}", response={200: EvidenceOut, **PROBLEMS}, summary="One document.")
def evidence(request: HttpRequest, evidence_id: UUID) -> Any:
    """As it stands, without its content."""
    return queries.evidence(evidence_id=evidence_id, viewer=viewer_of(request))


@router.put("/{uuid:evidence_id}", response=OUT, summary="Deliver a newer version of it.")
def correct_evidence(
    request: HttpRequest, evidence_id: UUID, body: EvidenceContentIn, key: IdempotencyKey
) -> Any:
    """As who delivered it. The versions before stay; uses beyond the new amount are told."""
    done = commands.correct_evidence(
        evidence_id=evidence_id,
        content=_content(request, body),
        signature=_signature(body),
        origin=origin_of(request, key),
    )
    return {"id": done}


@router.post("/{uuid:evidence_id}/cancel", response=OUT, summary="Take it back.")
def cancel_evidence(
    request: HttpRequest, evidence_id: UUID, body: EvidenceCancelIn, key: IdempotencyKey
) -> Any:
    """As who delivered it. Nothing may be used of it any more; its uses are told."""
    done = commands.cancel_evidence(
        evidence_id=evidence_id, reason=body.reason, origin=origin_of(request, key)
    )
    return {"id": done}


@router.get(
    "/{uuid:evidence_id}/pieces", response={200: Page[EvidencePieceOut], **PROBLEMS}, summary="Its versions."
)
def pieces(request: HttpRequest, evidence_id: UUID) -> Any:
    """With their content, newest first, for those whom it concerns; others ask for a reading."""
    found = queries.pieces(evidence_id=evidence_id, viewer=viewer_of(request))
    return {"items": [_piece(p) for p in found], "next": ""}


@router.get(
    "/{uuid:evidence_id}/facts", response={200: EvidenceFactsOut, **PROBLEMS}, summary="What stands now."
)
def facts(request: HttpRequest, evidence_id: UUID) -> Any:
    """What a condition or a check may ask of it."""
    found = queries.facts(evidence_id=evidence_id, viewer=viewer_of(request))
    return asdict(found) | {
        "references": [{"kind": kind, "value": value} for kind, value in found.references],
        "parties": [
            {"role": role, "name": name, "identifiers": numbers} for role, name, numbers in found.parties
        ],
    }


@router.get(
    "/{uuid:evidence_id}/remaining", response={200: EvidenceRemainingOut, **PROBLEMS}, summary="What is left."
)
def remaining(request: HttpRequest, evidence_id: UUID) -> Any:
    """For settlement, and for financing."""
    return queries.remaining(evidence_id=evidence_id, viewer=viewer_of(request))


@router.post(
    "/{uuid:evidence_id}/readings", response={200: EvidenceReadingOut, **PROBLEMS}, summary="Ask to read it."
)
def read_evidence(
    request: HttpRequest, evidence_id: UUID, body: EvidenceReadingIn, key: IdempotencyKey
) -> Any:
    """A receipt stays either way, and those whom the document is about see it. A refusal is an answer with `granted` false."""
    return consent_commands.read_evidence(
        evidence_id=evidence_id, purpose=body.purpose, origin=origin_of(request, key)
    )


def _piece(found: queries.PieceView) -> dict[str, Any]:
    return asdict(found) | {
        "parties": [
            {"role": role, "name": name, "identifiers": numbers, "country": country or ""}
            for role, name, numbers, country in found.parties
        ],
        "references": [{"kind": kind, "value": value} for kind, value in found.references],
        "warnings": [{"field": field, "problem": gettext(problem)} for field, problem in found.warnings],
    }
