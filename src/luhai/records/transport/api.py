"""Transport documents over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, ConfigDict, Field

from luhai.shell.api import PROBLEMS, Clean, Cursor, IdempotencyKey, Limit, Page, origin_of, viewer_of

from . import commands, gateway, pint_commands, pint_queries, print_commands, print_queries, queries
from .forms.foreign import FORMS
from .limits import count_lookup
from .pint_api import router as pint
from .pint_queries import EnvelopeView, PlatformView
from .policy import CODES, EPCIS, ROLES
from .print import code_for, grouped
from .print_queries import PrintoutView, Verified
from .queries import AgreementView, DocumentView, Row

router = Router(tags=["transport"])
router.add_router("/pint", pint)

STATES = ("proposed", "in_force", "declined", "replaced", "ended")


def coded(*codes: str, **more: Any) -> Any:
    """A field that holds one of these codes; the command refuses others and names them."""
    return Field(json_schema_extra={"enum": list(codes)}, max_length=40, **more)


Number = Annotated[Clean, Field(min_length=1, max_length=64)]
Text = Annotated[Clean, Field(min_length=1, max_length=200)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Content = Annotated[
    dict[str, Any],
    Field(description="The data set of a transport document; see docs/algorithms/transport.md."),
]
#: Bytes in base64, up to what a document may have.
File = Annotated[str, Field(max_length=6_000_000, description="The bytes of the document in base64.")]


class Strict(Schema):
    model_config = ConfigDict(extra="forbid")


class MarkIn(Strict):
    key_id: UUID
    signature: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{128}$")]


class AgreementIn(Strict):
    id: UUID = Field(description="An id of your choice.")
    number: Number = Field(examples=["AG-2026-17"])
    text: Annotated[Clean, Field(min_length=1, max_length=100_000)]
    parties: dict[str, Annotated[Clean, coded(*ROLES)]] = Field(max_length=20, description="Party id: role.")
    starts_on: date
    ends_on: date | None = None
    replaces: UUID | None = Field(
        default=None, description="The agreement of which this is the next version."
    )
    signature: MarkIn | None = None


class SignAgreementIn(Strict):
    digest: Digest = Field(description="Of the agreement that you have read.")
    signature: MarkIn | None = Field(
        default=None, description="Of your registered key over the digest, UTF-8."
    )


class AgreementReasonIn(Strict):
    reason: Text


class TransportDocumentIn(Strict):
    id: UUID = Field(description="An id of your choice, the title's.")
    content: Content
    holder_id: UUID
    beneficiary_id: UUID | None = None
    agreement_id: UUID | None = Field(
        default=None, description="Needed of a negotiable document with a leg by rail."
    )
    signature: MarkIn | None = None


class AmendDocumentIn(Strict):
    content: Content
    statement: Text
    signature: MarkIn | None = None


class GoodsEventIn(Strict):
    id: UUID = Field(description="An id of your choice.")
    code: Annotated[Clean, coded(*CODES, *EPCIS)] = Field(examples=["GTIN"])
    place: Annotated[Clean, Field(max_length=5)] = Field(examples=["CNCKG"], description="UN/LOCODE")
    happened_at: AwareDatetime
    custodian: UUID | None = Field(
        default=None, description="Who has the goods now; whoever had them, unless said."
    )
    container: Annotated[Clean, Field(max_length=11)] = ""
    seals: list[Annotated[Clean, Field(max_length=15)]] | None = Field(
        default=None, max_length=8, description="As found."
    )
    found_kg: Annotated[Clean, Field(max_length=16)] | None = Field(
        default=None, description="Of the goods, without the container."
    )
    reason: Annotated[Clean, Field(max_length=200)] = ""
    content: File | None = None
    corrects: UUID | None = None


class DeliverIn(Strict):
    id: UUID = Field(description="An id of your choice, the release order's.")
    containers: list[Annotated[Clean, Field(max_length=11)]] | None = Field(default=None, max_length=50)
    previous: Digest | None = None
    signature: MarkIn | None = None


class SendDocumentIn(Strict):
    id: UUID = Field(description="An id of your choice, the envelope's.")
    platform: Annotated[Clean, Field(max_length=4)]
    name: Annotated[Clean, Field(min_length=1, max_length=70)] = Field(description="Of the receiver.")
    codes: dict[str, Annotated[Clean, Field(max_length=150)]] = Field(
        min_length=1,
        max_length=4,
        description="Of the receiver: lei, bic, uscc, or uuid.",
        examples=[{"lei": "213800KUD8LAJWSQ9D15"}],
    )


class PrintIn(Strict):
    id: UUID = Field(description="An id of your choice, the copy's.")


class DocumentFileIn(Strict):
    document: File


class Done(Schema):
    id: UUID


class TransportStateOut(Schema):
    state: str


class CopyOut(Schema):
    id: UUID
    code: str = Field(description="To be printed on the copy; who has it may ask what became of the document.")


class SignalsOut(Schema):
    signals: list[str] = Field(description="What the event shows to be wrong.")


class DocumentFormOut(Schema):
    form: str
    notes: list[str] = Field(description="What the form leaves out.")
    document: dict[str, Any]


class ImportedOut(Schema):
    form: str
    content: dict[str, Any]


OUT = {200: Done, **PROBLEMS}


def _mark(mark: MarkIn | None) -> dict[str, Any] | None:
    return {"key_id": str(mark.key_id), "signature": mark.signature} if mark else None


@router.get(
    "", response={200: Page[Row], **PROBLEMS}, summary="Transport documents that you may see, newest first."
)
def documents(
    request: HttpRequest,
    number: Annotated[Clean, Query(default="", max_length=64)] = "",
    container: Annotated[Clean, Query(default="", max_length=11)] = "",
    signalled: bool = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    """Of a number or container as written on the document, or only those of which something is wrong."""
    found = queries.documents(
        number=number,
        container=container,
        signalled=signalled,
        cursor=cursor,
        limit=limit,
        viewer=viewer_of(request),
    )
    return {"items": found.items, "next": found.next}


@router.post("", response=OUT, summary="Issue a transport document.")
def issue_document(request: HttpRequest, body: TransportDocumentIn, key: IdempotencyKey) -> Any:
    """Your party is the issuer that the content names. The id is the title's: acts on it are under /titles."""
    made = commands.issue_document(
        title_id=body.id, content=body.content, holder_id=body.holder_id, beneficiary_id=body.beneficiary_id,
        agreement_id=body.agreement_id, signature=_mark(body.signature), origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": made}


@router.post(
    "/import", response={200: ImportedOut, **PROBLEMS}, summary="Read a document of another platform."
)
def read_document(request: HttpRequest, body: DocumentFileIn) -> Any:
    """A DCSA transport document, FIATA eFBL, UN/CEFACT message or rail note, as the data set. Nothing is stored."""
    return queries.imported(document=body.document, viewer=viewer_of(request))


@router.get(
    "/agreements", response={200: Page[AgreementView], **PROBLEMS}, summary="Agreements of your party."
)
def agreements(
    request: HttpRequest, state: Annotated[str, Query(default="", enum=["", *STATES])] = ""
) -> Any:
    """Changed last first; all on one page."""
    return {"items": queries.agreements(state=state, viewer=viewer_of(request)), "next": ""}


@router.post("/agreements", response=OUT, summary="Propose an agreement, and sign it.")
def propose_agreement(request: HttpRequest, body: AgreementIn, key: IdempotencyKey) -> Any:
    """By which a document is the only delivery voucher. It is in force when all its parties have signed."""
    made = commands.propose_agreement(
        agreement_id=body.id, number=body.number, text=body.text, parties_=dict(body.parties), starts_on=body.starts_on,
        ends_on=body.ends_on, replaces=body.replaces, signature=_mark(body.signature), origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": made}


@router.get(
    "/agreements/{uuid:agreement_id}", response={200: AgreementView, **PROBLEMS}, summary="One agreement."
)
def agreement(request: HttpRequest, agreement_id: UUID) -> Any:
    """With its words, its digest, and who has signed."""
    return queries.agreement(agreement_id=agreement_id, viewer=viewer_of(request))


@router.post(
    "/agreements/{uuid:agreement_id}/sign", response={200: TransportStateOut, **PROBLEMS}, summary="Sign it."
)
def sign_agreement(
    request: HttpRequest, agreement_id: UUID, body: SignAgreementIn, key: IdempotencyKey
) -> Any:
    """As a party to it. The last signature brings it into force."""
    state = commands.sign_agreement(
        agreement_id=agreement_id,
        digest=body.digest,
        signature=_mark(body.signature),
        origin=origin_of(request, key),
    )
    return {"state": state}


@router.post("/agreements/{uuid:agreement_id}/decline", response=OUT, summary="Say that you will not sign.")
def decline_agreement(
    request: HttpRequest, agreement_id: UUID, body: AgreementReasonIn, key: IdempotencyKey
) -> Any:
    """Nobody can sign it any more."""
    done = commands.decline_agreement(
        agreement_id=agreement_id, reason=body.reason, origin=origin_of(request, key)
    )
    return {"id": done}


@router.post("/agreements/{uuid:agreement_id}/end", response=OUT, summary="End it.")
def end_agreement(
    request: HttpRequest, agreement_id: UUID, body: AgreementReasonIn, key: IdempotencyKey
) -> Any:
    """No new document may rest on it; those that do stay as they are."""
    done = commands.end_agreement(
        agreement_id=agreement_id, reason=body.reason, origin=origin_of(request, key)
    )
    return {"id": done}


@router.get("/{uuid:title_id}", response={200: DocumentView, **PROBLEMS}, summary="One document.")
def document(request: HttpRequest, title_id: UUID) -> Any:
    """With its title, agreement, the events of its goods, what is wrong with them, and orders to give them out."""
    return queries.document(title_id=title_id, viewer=viewer_of(request))


@router.get(
    "/{uuid:title_id}/form", response={200: DocumentFormOut, **PROBLEMS}, summary="It in the form of others."
)
def form(
    request: HttpRequest, title_id: UUID, form: Annotated[str, Query(enum=[*FORMS])] = "uncefact"
) -> Any:
    """UN/CEFACT D23B carries everything; DCSA eBL 3.0 leaves out what its notes name."""
    return queries.form(title_id=title_id, which=form, viewer=viewer_of(request))


@router.post("/{uuid:title_id}/amend", response=OUT, summary="Write its next version.")
def amend_document(request: HttpRequest, title_id: UUID, body: AmendDocumentIn, key: IdempotencyKey) -> Any:
    """As issuer, of a document given up for it. Its number, papers, containers and quantity stay."""
    done = commands.amend_document(
        title_id=title_id, content=body.content, statement=body.statement, signature=_mark(body.signature),
        origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": done}


@router.post(
    "/{uuid:title_id}/events",
    response={200: SignalsOut, **PROBLEMS},
    summary="Say what happened to the goods.",
)
def record_event(request: HttpRequest, title_id: UUID, body: GoodsEventIn, key: IdempotencyKey) -> Any:
    """As issuer, as whoever has the goods, or as operator. Answers what the event shows to be wrong."""
    told = commands.record_event(
        title_id=title_id, event_id=body.id, code=body.code, place=body.place, happened_at=body.happened_at, custodian=body.custodian,
        container=body.container, seals=body.seals, found_kg=body.found_kg, reason=body.reason, content=body.content,
        corrects=body.corrects, origin=origin_of(request, key),
    )  # fmt: skip
    return {"signals": told}


@router.post(
    "/{uuid:title_id}/deliver", response=OUT, summary="Accept its surrender, order the goods given out."
)
def deliver(request: HttpRequest, title_id: UUID, body: DeliverIn, key: IdempotencyKey) -> Any:
    """As issuer, of a document presented for delivery."""
    made = commands.deliver(
        title_id=title_id, release_id=body.id, containers=body.containers, previous=body.previous, signature=_mark(body.signature),
        origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": made}


@router.get(
    "/{uuid:title_id}/copies", response={200: Page[PrintoutView], **PROBLEMS}, summary="Its printed copies, newest first."
)
def copies(request: HttpRequest, title_id: UUID) -> Any:
    """Each with its code, what the document said then, and whether anything was done to the title since."""
    return {"items": print_queries.printouts(title_id=title_id, viewer=viewer_of(request)), "next": ""}


@router.post("/{uuid:title_id}/copies", response={200: CopyOut, **PROBLEMS}, summary="Write down a copy on paper.")
def print_document(request: HttpRequest, title_id: UUID, body: PrintIn, key: IdempotencyKey) -> Any:
    """As whoever may see it. The answer has the code; the PDF is at /transport/{title}/document.pdf?copy={id}."""
    origin = origin_of(request, key)
    code = code_for(origin)
    made = print_commands.print_document(printout_id=body.id, title_id=title_id, code=code, origin=origin)
    return {"id": made, "code": grouped(code)}


@router.get("/copies/{code}", response={200: Verified, 429: PROBLEMS[422], **PROBLEMS}, summary="Check the code of a copy.")
def verify_copy(request: HttpRequest, code: str) -> Any:
    """For anybody. Tells what is on the face of the copy and what was done to the document since, never who controls it."""
    count_lookup(request)
    return print_queries.verified(code=code, viewer=viewer_of(request))


# --- platforms ------------------------------------------------------------------------------------------------------


@router.get(
    "/platforms",
    response={200: Page[PlatformView], **PROBLEMS},
    summary="Platforms that documents can move to.",
)
def platforms(request: HttpRequest) -> Any:
    """This one first, with its public key."""
    return {"items": pint_queries.platforms(viewer=viewer_of(request)), "next": ""}


@router.get(
    "/envelopes",
    response={200: Page[EnvelopeView], **PROBLEMS},
    summary="Envelopes of your party, newest first.",
)
def envelopes(request: HttpRequest, title_id: UUID | None = None) -> Any:
    """Sent and received; at most 200."""
    return {"items": pint_queries.envelopes(title_id=title_id, viewer=viewer_of(request)), "next": ""}


@router.post(
    "/{uuid:title_id}/send",
    response={200: TransportStateOut, **PROBLEMS},
    summary="Move it to another platform.",
)
def send_document(request: HttpRequest, title_id: UUID, body: SendDocumentIn, key: IdempotencyKey) -> Any:
    """As holder and beneficiary. From then on nobody here acts on it; refused there, it comes back.

    `sent` means that no signed answer has come yet: the envelope is sent again (`luhai transport retry`), never a second one."""
    origin = origin_of(request, key)
    pint_commands.send_document(
        title_id=title_id, envelope_id=body.id, platform=body.platform, receiver={"name": body.name, "codes": dict(body.codes)},
        origin=origin,
    )  # fmt: skip
    return {"state": gateway.carry(body.id, origin)}
