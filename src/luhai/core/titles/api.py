"""The register of titles over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, ConfigDict, Field

from luhai.kernel.money import MAX_MINOR, Currency
from luhai.shell.api import PROBLEMS, Clean, Cursor, IdempotencyKey, Limit, Page, origin_of, viewer_of

from . import commands, queries
from .chain import PROFILES, SIGNATURES
from .commands import CUSTODY_EVENTS
from .forms import FORMS, OWN_PLATFORM
from .policy import GROUNDS, MANNERS, MOST_PARTS, REASONS
from .queries import (
    CustodyView,
    EventView,
    KeyView,
    LotView,
    OrderView,
    PledgeView,
    ReviewView,
    TitleView,
    VersionView,
)  # fmt: skip
from .subjects import DOCUMENTS, UNITS

router = Router(tags=["titles"])

KINDS = ("transport_document", "warehouse_receipt", "receivable_voucher", "bill")
STATES = (
    "ISSUED", "PLEDGED", "DELIVERY_ASKED", "AMENDMENT_ASKED", "AMENDING", "PAPER", "FROZEN", "DELIVERED", "SPLIT", "MERGED",
    "VOID",
)  # fmt: skip


def coded(*codes: str, **more: Any) -> Any:
    """A field that holds one of these codes; the command refuses others and names them."""
    return Field(json_schema_extra={"enum": list(codes)}, max_length=40, **more)


Quantity = Annotated[int, Field(strict=True, gt=0, le=MAX_MINOR)]
Whole = Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR)]
Number = Annotated[Clean, Field(min_length=1, max_length=64)]
Text = Annotated[Clean, Field(min_length=1, max_length=200)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Hex = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64,128}$")]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2026-08-01"])]


class Strict(Schema):
    model_config = ConfigDict(extra="forbid")


class SignatureIn(Strict):
    """Over the canonical statement of the act (see `POST /titles/{id}/statement`), in hexadecimal."""

    key_id: UUID
    signature: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{128}$")]


class SubjectIn(Strict):
    """What the title is about; which fields, depends on its kind."""

    document: Annotated[Clean, coded(*DOCUMENTS)] | None = Field(default=None, description="transport_document")
    number: Number | None = Field(default=None, examples=["CK2026-0017"], description="all but bill")
    waybills: list[Number] | None = Field(default=None, max_length=50, description="transport_document")
    consignees: list[Text] | None = Field(
        default=None, max_length=50,
        description="transport_document; to whom each waybill is consigned, in the same order: a number or full name",
    )  # fmt: skip
    agreement: Number | None = Field(
        default=None, description="transport_document; the agreement that binds consignees other than issuer and banks"
    )
    containers: list[Number] | None = Field(default=None, max_length=50, description="transport_document; ISO 6346")
    departs_on: Day | None = Field(default=None, description="transport_document; needed with containers")
    origin: Number | None = Field(default=None, description="transport_document; UN/LOCODE")
    destination: Number | None = Field(default=None, description="transport_document; UN/LOCODE")
    goods: Number | None = Field(default=None, examples=["copper cathode"], description="transport_document, warehouse_receipt")
    warehouse: Number | None = Field(default=None, examples=["3"], description="warehouse_receipt")
    yard: Number | None = Field(default=None, description="warehouse_receipt")
    bin: Number | None = Field(default=None, description="warehouse_receipt")
    lot: Number | None = Field(default=None, examples=["L-17"], description="warehouse_receipt")
    lot_quantity: Whole | None = Field(default=None, description="warehouse_receipt; how much the lot holds, if more")
    countersigned: bool | None = Field(
        default=None, examples=[True],
        description="warehouse_receipt: true, the warehouse signs every endorsement in advance (Civil Code 910)",
    )  # fmt: skip
    platform: Number | None = Field(default=None, description="receivable_voucher")
    contract_no: Number | None = Field(default=None, description="receivable_voucher")
    evidence: Number | None = Field(default=None, description="receivable_voucher; the trade behind it")
    due_on: Day | None = Field(default=None, description="receivable_voucher, bill")
    pack_no: Number | None = Field(default=None, description="bill; 30 digits")
    start: Whole | None = Field(default=None, description="bill; first fen of the interval")
    end: Whole | None = Field(default=None, description="bill; last fen of the interval")
    indivisible: bool | None = Field(default=None, description="bill; the interval noted as 0")


class IssueIn(Strict):
    id: UUID = Field(description="An id of your choice, never used before.")
    kind: Annotated[Clean, coded(*KINDS)] = Field(examples=["warehouse_receipt"])
    holder_id: UUID = Field(description="Who is in control from now on.")
    beneficiary_id: UUID | None = Field(default=None, description="Who is entitled; the holder unless named.")
    subject: SubjectIn = Field(
        examples=[{"number": "WR-2026-017", "warehouse": "3", "lot": "L-17", "goods": "copper", "countersigned": True}]
    )
    quantity: Quantity = Field(examples=[500], description="Whole units; minor units of a currency.")
    unit: Annotated[Clean, coded(*UNITS, *Currency)] = Field(examples=["TNE"])
    form: Annotated[Clean, coded("STRAIGHT", "TO_ORDER", "BLANK")] = "TO_ORDER"
    profile: Annotated[Clean, coded(*PROFILES)] = Field(default="sha256", description="Digest of its chain.")
    signature: SignatureIn | None = None


class ActIn(Strict):
    """`previous`: the last digest you know; another one is refused as stale."""

    previous: Digest | None = None
    signature: SignatureIn | None = None


class NominateIn(ActIn):
    to: UUID


class EndorseIn(ActIn):
    manner: Annotated[Clean, coded(*MANNERS)] = "to_order"
    to: UUID | None = Field(default=None, description="Nobody, if in_blank.")
    evidence: Text | None = Field(default=None, description="Of a voucher: the trade behind the endorsement.")


class TransferIn(ActIn):
    to: UUID
    beneficiary: UUID | None = Field(default=None, description="Endorse it to their order in the same act.")
    evidence: Text | None = Field(default=None, description="Of a voucher: the trade behind the transfer.")


class PledgeIn(ActIn):
    pledgee: UUID
    quantity: Quantity | None = Field(default=None, description="All that is free, unless said.")
    secured_minor: Quantity | None = Field(default=None, description="In minor units of `currency`.")
    currency: Annotated[Clean, coded(*Currency)] | None = None
    registration: Text | None = Field(default=None, description="Number in the national register of security.")
    affiliated: bool | None = Field(default=None, description="Of a receipt: its warehouse is the pledgor or an affiliate.")


class RefusePledgeIn(ActIn):
    pledge: UUID
    reason: Text | None = Field(default=None, examples=["we have agreed to no pledge of these goods"])


class ReleaseIn(ActIn):
    pledge: UUID
    quantity: Quantity | None = Field(default=None, description="All of it, unless said.")


class EnforceIn(ActIn):
    pledge: UUID
    to: UUID = Field(description="Who acquires what is pledged.")
    ground: Annotated[Clean, coded(*GROUNDS)]
    document: Text = Field(examples=["auction 2026-17"], description="What proves the sale or agreement.")


class SplitIn(ActIn):
    parts: list[Quantity] = Field(min_length=2, max_length=MOST_PARTS, examples=[[200, 300]])


class MergeIn(ActIn):
    others: list[UUID] = Field(min_length=1, max_length=MOST_PARTS)


class SurrenderIn(ActIn):
    quantity: Quantity | None = Field(default=None, description="Of a warehouse receipt also a part.")


class SurrenderForAmendmentIn(ActIn):
    reason: Annotated[Clean, coded(*REASONS)] = "amendment"


class RefuseSurrenderIn(ActIn):
    reason: Text = Field(examples=["charges are unpaid"])


class SubjectContent(Strict):
    """What the document says in its new version, field by field."""

    fields: dict[Annotated[Clean, Field(max_length=64)], Annotated[Clean, Field(max_length=2000)]] = Field(
        max_length=200, examples=[{"consignee": "B Company, Chongqing"}]
    )


class AmendIn(ActIn):
    content: SubjectContent
    statement: Text = Field(examples=["consignee's address corrected"])


class ToPaperIn(ActIn):
    paper_no: Text
    statement: Text = Field(examples=["Converted to paper; this record is inoperative."])


class ToElectronicIn(ActIn):
    paper_no: Text
    to: UUID = Field(description="Who gave up the paper.")
    statement: Text = Field(examples=["Converted from paper; the paper is inoperative."])


class StatementIn(Strict):
    act: Annotated[Clean, Field(max_length=24)] = Field(examples=["transfer"])
    details: dict[Annotated[Clean, Field(max_length=24)], Any] = Field(max_length=10, examples=[{}])


class StatementOut(Schema):
    statement: str = Field(description="The bytes to sign, UTF-8.")
    previous: str


class OrderIn(Strict):
    id: UUID = Field(description="An id of your choice.")
    act: Annotated[Clean, coded("freeze", "unfreeze", "void")]
    document: Text = Field(examples=["(2026)渝0192执保17号"], description="Number of the order.")
    reason: Text


class CustodyIn(Strict):
    event: Annotated[Clean, coded(*CUSTODY_EVENTS)]
    custodian: UUID
    place: Number = Field(examples=["VNHAN"])
    happened_at: AwareDatetime
    reference: Annotated[Clean, Field(max_length=64)] = ""


class StockIn(Strict):
    on_hand: Whole = Field(examples=[500])


class KeyIn(Strict):
    id: UUID
    profile: Annotated[Clean, coded(*SIGNATURES)]
    public: Hex = Field(description="32 bytes for ed25519, 64 for sm2.", examples=["d7" * 32])
    name: Annotated[Clean, Field(min_length=1, max_length=80)] = Field(examples=["dispatch desk"])


class ClearIn(Strict):
    why: Text = Field(examples=["two consignments; both waybills seen"])


class Done(Schema):
    id: UUID


class DoneMany(Schema):
    ids: list[UUID]


class FormOut(Schema):
    form: str
    notes: list[str] = Field(description="What the form cannot say as it is.")
    document: dict[str, Any]
    titleEscrow: dict[str, Any] | None = None  # noqa: N815  (the name in TradeTrust)
    transportDocumentStatus: str | None = None  # noqa: N815  (the name at DCSA)


OUT = {200: Done, **PROBLEMS}


def _signed(body: ActIn) -> dict[str, Any]:
    mark = body.signature
    signature = {"key_id": str(mark.key_id), "signature": mark.signature} if mark else None
    return {"previous": body.previous, "signature": signature}


@router.get("", response={200: Page[TitleView], **PROBLEMS}, summary="Titles that you may see, last acted on first.")
def titles(
    request: HttpRequest,
    kind: Annotated[str, Query(default="", enum=["", *KINDS])] = "",
    state: Annotated[str, Query(default="", enum=["", *STATES])] = "",
    relation: Annotated[str, Query(default="", enum=["", "issuer", "holder", "beneficiary", "pledgee"])] = "",
    live: bool | None = None,
    number: Annotated[Clean, Query(default="", max_length=64)] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Any:
    """Filter by kind, state, what your party is to them, and number (folded as the register folds)."""
    found = queries.titles(
        kind=kind, state=state, relation=relation, live=live, number=number, cursor=cursor, limit=limit,
        viewer=viewer_of(request),
    )  # fmt: skip
    return {"items": found.items, "next": found.next}


@router.post("", response=OUT, summary="Issue a title.")
def issue_title(request: HttpRequest, body: IssueIn, key: IdempotencyKey) -> Any:
    """Your party is the issuer. A key that is taken, or a number that looks like an edited one, is refused."""
    mark = body.signature
    made = commands.issue_title(
        title_id=body.id, kind=body.kind, holder_id=body.holder_id, beneficiary_id=body.beneficiary_id,
        subject=body.subject.dict(exclude_none=True), quantity=body.quantity, unit=body.unit, form=body.form,
        profile=body.profile, origin=origin_of(request, key),
        signature={"key_id": str(mark.key_id), "signature": mark.signature} if mark else None,
    )  # fmt: skip
    return {"id": made}


@router.get("/pledges", response={200: Page[PledgeView], **PROBLEMS}, summary="Your party's pledges.")
def pledges(request: HttpRequest, live: bool = True) -> Any:
    """As pledgee, oldest first; all on one page."""
    return {"items": queries.pledge_book(live=live, viewer=viewer_of(request)), "next": ""}


@router.get("/keys", response={200: Page[KeyView], **PROBLEMS}, summary="Public keys of a party.")
def keys(request: HttpRequest, party_id: UUID | None = None) -> Any:
    """Your own party's, unless named; newest first."""
    return {"items": queries.keys(party_id=party_id, viewer=viewer_of(request)), "next": ""}


@router.post("/keys", response=OUT, summary="Register a public key of your party.")
def register_key(request: HttpRequest, body: KeyIn, key: IdempotencyKey) -> Any:
    """Acts may then come with a signature of it."""
    return {
        "id": commands.register_key(
            key_id=body.id, profile=body.profile, public=body.public, name=body.name, origin=origin_of(request, key)
        )
    }


@router.post("/keys/{uuid:key_id}/revoke", response=OUT, summary="Revoke a public key of your party.")
def revoke_key(request: HttpRequest, key_id: UUID, key: IdempotencyKey) -> Any:
    """It signs nothing new; what it has signed stays signed."""
    return {"id": commands.revoke_key(key_id=key_id, origin=origin_of(request, key))}


@router.get("/reviews", response={200: Page[ReviewView], **PROBLEMS}, summary="Numbers that may be edited ones.")
def reviews(request: HttpRequest, open_only: bool = True) -> Any:
    """For operator and supervisor all, for an issuer its own."""
    return {"items": queries.reviews(open_only=open_only, viewer=viewer_of(request)), "next": ""}


@router.post("/reviews/{uuid:review_id}/clear", response=OUT, summary="Say that two numbers are two titles.")
def clear_review(request: HttpRequest, review_id: UUID, body: ClearIn, key: IdempotencyKey) -> Any:
    """The title that was refused may then be issued, under a new Idempotency-Key."""
    return {"id": commands.clear_review(review_id=review_id, why=body.why, origin=origin_of(request, key))}


@router.get("/orders", response={200: Page[OrderView], **PROBLEMS}, summary="Orders of courts and authorities.")
def orders(request: HttpRequest, title_id: UUID | None = None, open_only: bool = False) -> Any:
    """Over titles that you may see, oldest first."""
    found = queries.orders(title_id=title_id, open_only=open_only, viewer=viewer_of(request))
    return {"items": found, "next": ""}


@router.post("/orders/{uuid:order_id}/confirm", response=OUT, summary="Confirm an order somebody else entered.")
def confirm_order(request: HttpRequest, order_id: UUID, key: IdempotencyKey) -> Any:
    """It takes effect at once."""
    return {"id": commands.confirm_order(order_id=order_id, origin=origin_of(request, key))}


@router.get("/lots", response={200: Page[LotView], **PROBLEMS}, summary="Lots of your warehouse.")
def lots(request: HttpRequest) -> Any:
    """What is on hand, and what receipts stand for."""
    return {"items": queries.lots(viewer=viewer_of(request)), "next": ""}


@router.post("/lots/{uuid:lot_id}/stock", response=OUT, summary="Count a lot.")
def take_stock(request: HttpRequest, lot_id: UUID, body: StockIn, key: IdempotencyKey) -> Any:
    """Fewer than its receipts stand for: they all freeze."""
    return {"id": commands.take_stock(lot_id=lot_id, on_hand=body.on_hand, origin=origin_of(request, key))}


@router.get("/{uuid:title_id}", response={200: TitleView, **PROBLEMS}, summary="One title.")
def title(request: HttpRequest, title_id: UUID) -> Any:
    """With its pledges and parts, and what you may do next."""
    return queries.title(title_id=title_id, viewer=viewer_of(request))


@router.get("/{uuid:title_id}/events", response={200: Page[EventView], **PROBLEMS}, summary="What was done to it.")
def events(request: HttpRequest, title_id: UUID) -> Any:
    """First to last, all on one page."""
    return {"items": queries.events(title_id=title_id, viewer=viewer_of(request)), "next": ""}


@router.get("/{uuid:title_id}/versions", response={200: Page[VersionView], **PROBLEMS}, summary="What it said.")
def versions(request: HttpRequest, title_id: UUID) -> Any:
    """Version by version."""
    return {"items": queries.versions(title_id=title_id, viewer=viewer_of(request)), "next": ""}


@router.get("/{uuid:title_id}/custody", response={200: Page[CustodyView], **PROBLEMS}, summary="Where the goods are.")
def custody(request: HttpRequest, title_id: UUID) -> Any:
    """As reported, first to last."""
    return {"items": queries.custody(title_id=title_id, viewer=viewer_of(request)), "next": ""}


class ExportOut(Schema):
    file: str = Field(description="The lines of the file; `luhai titles verify` checks it without the register.")


@router.get("/{uuid:title_id}/export", response={200: ExportOut, **PROBLEMS}, summary="Its chain, as a file.")
def export(request: HttpRequest, title_id: UUID) -> Any:
    """Write `file` to disk as it is, in UTF-8."""
    return {"file": queries.export(title_id=title_id, viewer=viewer_of(request)).decode()}


@router.get("/{uuid:title_id}/form", response={200: FormOut, **PROBLEMS}, summary="In the form of another system.")
def form(
    request: HttpRequest,
    title_id: UUID,
    which: Annotated[str, Query(enum=list(FORMS))],
    platform: Annotated[Clean, Query(default=OWN_PLATFORM, min_length=1, max_length=4)] = OWN_PLATFORM,
) -> Any:
    """TradeTrust or DCSA. Neither knows a pledge: control is shown with the pledgee, and `notes` say so."""
    return queries.form(title_id=title_id, which=which, platform=platform, viewer=viewer_of(request))


@router.post("/{uuid:title_id}/statement", response={200: StatementOut, **PROBLEMS}, summary="What to sign for an act.")
def statement(request: HttpRequest, title_id: UUID, body: StatementIn) -> Any:
    """For the next act on this title. Nothing is stored, so no Idempotency-Key is needed."""
    said, previous = queries.statement(
        title_id=title_id, act=body.act, details=body.details, viewer=viewer_of(request)
    )
    return {"statement": said.decode(), "previous": previous}


@router.post("/{uuid:title_id}/nominate", response=OUT, summary="Name whom it may be endorsed to.")
def nominate(request: HttpRequest, title_id: UUID, body: NominateIn, key: IdempotencyKey) -> Any:
    """As beneficiary."""
    done = commands.nominate(title_id=title_id, to=body.to, **_signed(body), origin=origin_of(request, key))
    return {"id": done}


@router.post("/{uuid:title_id}/endorse", response=OUT, summary="Pass the rights on, without control.")
def endorse(request: HttpRequest, title_id: UUID, body: EndorseIn, key: IdempotencyKey) -> Any:
    """As holder: to order, named, or in blank."""
    done = commands.endorse(
        title_id=title_id, manner=body.manner, to=body.to, evidence=body.evidence, **_signed(body),
        origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": done}


@router.post("/{uuid:title_id}/transfer", response=OUT, summary="Put another in control.")
def transfer_title(request: HttpRequest, title_id: UUID, body: TransferIn, key: IdempotencyKey) -> Any:
    """As holder; with `beneficiary`, endorse it in the same act."""
    done = commands.transfer_title(
        title_id=title_id, to=body.to, beneficiary=body.beneficiary, evidence=body.evidence, **_signed(body),
        origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": done}


@router.post("/{uuid:title_id}/reject", response=OUT, summary="Give back what the act before gave.")
def reject_transfer(request: HttpRequest, title_id: UUID, body: ActIn, key: IdempotencyKey) -> Any:
    """As new holder or beneficiary, and only as your very next act."""
    return {"id": commands.reject_transfer(title_id=title_id, **_signed(body), origin=origin_of(request, key))}


@router.post("/{uuid:title_id}/pledge", response=OUT, summary="Pledge it, or a part.")
def pledge_title(request: HttpRequest, title_id: UUID, body: PledgeIn, key: IdempotencyKey) -> Any:
    """As holder and beneficiary, to an institution; answers the pledge's id."""
    made = commands.pledge_title(
        title_id=title_id, pledgee=body.pledgee, quantity=body.quantity, secured_minor=body.secured_minor,
        currency=body.currency, registration=body.registration, affiliated=body.affiliated, **_signed(body),
        origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": made}


@router.post("/{uuid:title_id}/refuse-pledge", response=OUT, summary="Refuse a pledge that you never agreed to.")
def refuse_pledge(request: HttpRequest, title_id: UUID, body: RefusePledgeIn, key: IdempotencyKey) -> Any:
    """As its pledgee, until you first act on it."""
    done = commands.refuse_pledge(
        title_id=title_id, pledge=body.pledge, reason=body.reason, **_signed(body), origin=origin_of(request, key)
    )
    return {"id": done}


@router.post("/{uuid:title_id}/release-pledge", response=OUT, summary="End a pledge, or reduce it.")
def release_pledge(request: HttpRequest, title_id: UUID, body: ReleaseIn, key: IdempotencyKey) -> Any:
    """As its pledgee."""
    done = commands.release_pledge(
        title_id=title_id, pledge=body.pledge, quantity=body.quantity, **_signed(body), origin=origin_of(request, key)
    )
    return {"id": done}


@router.post("/{uuid:title_id}/enforce", response=OUT, summary="Realise a pledge.")
def enforce_pledge(request: HttpRequest, title_id: UUID, body: EnforceIn, key: IdempotencyKey) -> Any:
    """As its pledgee; answers the title that was acquired."""
    made = commands.enforce_pledge(
        title_id=title_id, pledge=body.pledge, to=body.to, ground=body.ground, document=body.document, **_signed(body),
        origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": made}


@router.post("/{uuid:title_id}/split", response={200: DoneMany, **PROBLEMS}, summary="Split it into parts.")
def split_title(request: HttpRequest, title_id: UUID, body: SplitIn, key: IdempotencyKey) -> Any:
    """As holder and beneficiary. The first part carries the pledges, if any."""
    made = commands.split_title(
        title_id=title_id, parts=body.parts, **_signed(body), origin=origin_of(request, key)
    )
    return {"ids": made}


@router.post("/{uuid:title_id}/merge", response=OUT, summary="Make one of parts of one title.")
def merge_titles(request: HttpRequest, title_id: UUID, body: MergeIn, key: IdempotencyKey) -> Any:
    """As holder and beneficiary of all; answers the whole."""
    made = commands.merge_titles(
        title_id=title_id, others=body.others, **_signed(body), origin=origin_of(request, key)
    )
    return {"id": made}


@router.post("/{uuid:title_id}/surrender", response=OUT, summary="Present it for delivery or payment.")
def surrender_title(request: HttpRequest, title_id: UUID, body: SurrenderIn, key: IdempotencyKey) -> Any:
    """As holder and beneficiary."""
    done = commands.surrender_title(
        title_id=title_id, quantity=body.quantity, **_signed(body), origin=origin_of(request, key)
    )
    return {"id": done}


@router.post("/{uuid:title_id}/surrender-for-amendment", response=OUT, summary="Give it up for amendment or paper.")
def surrender_for_amendment(
    request: HttpRequest, title_id: UUID, body: SurrenderForAmendmentIn, key: IdempotencyKey
) -> Any:
    """As holder and beneficiary."""
    done = commands.surrender_title_for_amendment(
        title_id=title_id, reason=body.reason, **_signed(body), origin=origin_of(request, key)
    )
    return {"id": done}


@router.post("/{uuid:title_id}/accept-surrender", response=OUT, summary="Deliver, pay, or take back.")
def accept_surrender(request: HttpRequest, title_id: UUID, body: ActIn, key: IdempotencyKey) -> Any:
    """As issuer."""
    return {"id": commands.accept_surrender(title_id=title_id, **_signed(body), origin=origin_of(request, key))}


@router.post("/{uuid:title_id}/refuse-surrender", response=OUT, summary="Refuse a surrender.")
def refuse_surrender(request: HttpRequest, title_id: UUID, body: RefuseSurrenderIn, key: IdempotencyKey) -> Any:
    """As issuer, with the reason."""
    done = commands.refuse_surrender(
        title_id=title_id, reason=body.reason, **_signed(body), origin=origin_of(request, key)
    )
    return {"id": done}


@router.post("/{uuid:title_id}/amend", response=OUT, summary="Write its next version.")
def amend_title(request: HttpRequest, title_id: UUID, body: AmendIn, key: IdempotencyKey) -> Any:
    """As issuer, of a title given up for it."""
    done = commands.amend_title(
        title_id=title_id, content=dict(body.content.fields), statement=body.statement, **_signed(body),
        origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": done}


@router.post("/{uuid:title_id}/to-paper", response=OUT, summary="Convert it to paper.")
def convert_to_paper(request: HttpRequest, title_id: UUID, body: ToPaperIn, key: IdempotencyKey) -> Any:
    """As issuer, of a title given up for it. The record is inoperative from then on."""
    done = commands.convert_to_paper(
        title_id=title_id, paper_no=body.paper_no, statement=body.statement, **_signed(body),
        origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": done}


@router.post("/{uuid:title_id}/to-electronic", response=OUT, summary="Convert it back from paper.")
def convert_from_paper(request: HttpRequest, title_id: UUID, body: ToElectronicIn, key: IdempotencyKey) -> Any:
    """As issuer, who has made the paper inoperative."""
    done = commands.convert_from_paper(
        title_id=title_id, paper_no=body.paper_no, to=body.to, statement=body.statement, **_signed(body),
        origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": done}


@router.post("/{uuid:title_id}/orders", response=OUT, summary="Enter an order of a court or authority.")
def enter_order(request: HttpRequest, title_id: UUID, body: OrderIn, key: IdempotencyKey) -> Any:
    """It takes effect when another person confirms it."""
    done = commands.enter_order(
        order_id=body.id, title_id=title_id, act=body.act, document=body.document, reason=body.reason,
        origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": done}


@router.post("/{uuid:title_id}/custody", response=OUT, summary="Say where the goods are.")
def report_custody(request: HttpRequest, title_id: UUID, body: CustodyIn, key: IdempotencyKey) -> Any:
    """As issuer, present custodian or operator. Control of the record does not change."""
    happened_at: datetime = body.happened_at
    done = commands.report_custody(
        title_id=title_id, event=body.event, custodian=body.custodian, place=body.place, happened_at=happened_at,
        reference=body.reference, origin=origin_of(request, key),
    )  # fmt: skip
    return {"id": done}
