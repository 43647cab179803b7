"""The policy library over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from luhai.kernel.refusal import Invalid
from luhai.shell.api import (
    PROBLEMS,
    Clean,
    Cursor,
    IdempotencyKey,
    Limit,
    Page,
    cursor_of,
    origin_of,
    parts_of,
    viewer_of,
)  # fmt: skip

from . import commands, queries

router = Router(tags=["policies"])

Code = Annotated[str, Path(pattern=r"^[A-Z][A-Z0-9]{1,19}-[0-9]{2,4}$", examples=["M07-06"])]
Place = Annotated[str, Path(pattern=r"^[0-9]{6}$", examples=["500000"])]
Narrow = Annotated[Clean, Query(default="", max_length=60)]
Number = Annotated[int | None, Query(default=None, ge=0, le=100_000)]
_CODE = r"^[A-Z][A-Z0-9]{1,19}-[0-9]{2,4}$"


class DocumentOut(Schema):
    id: UUID
    name: str = Field(examples=["pbc-2025-11-26"])
    title: str = Field(examples=["关于金融支持加快西部陆海新通道建设的意见"])
    title_en: str
    document_no: str = Field(examples=[""])
    issuers: list[str] = Field(examples=[["中国人民银行", "国家发展改革委"]])
    issued_on: date | None
    articles: int = Field(examples=[24])
    measures: int = Field(examples=[239])
    proposals: int = Field(description="Proposed measures that wait for a decision.")
    digest: str = Field(description="SHA-256 of the text.")


class ChapterOut(Schema):
    number: int
    heading: str
    text: str
    book: str


class MeasureOut(Schema):
    code: str = Field(examples=["M12-06"])
    article: int = Field(examples=[12])
    position: int = Field(description="Of its article in the document: 0, 1, …")
    quote: str = Field(examples=["建立金融机构产品和服务线上办理专区"])
    start: int = Field(description="Offset of the quote in the document's text.")
    end: int
    item: str
    title_en: str
    modality: str = Field(examples=["BUILD"])
    actors: list[str] = Field(examples=[["PBOC", "FI"]])
    place: str = Field(examples=["ALL"])
    territories: list[str] = Field(examples=[["500000", "450000"]])
    condition: str
    tag: str


class ArticleOut(Schema):
    id: UUID
    position: int
    number: int
    label: str = Field(examples=["（十二）"])
    heading: str = Field(examples=["促进银企高效对接"])
    text: str
    chapter: int | None
    part: int
    start: int
    end: int
    sentences: list[str]
    measures: list[MeasureOut]


class DocumentDetail(Schema):
    document: DocumentOut
    chapters: list[ChapterOut]


class ArticleDetail(Schema):
    document: DocumentOut
    article: ArticleOut


class AdoptionOut(Schema):
    measure: str = Field(examples=["M07-06"])
    territory: str = Field(examples=["450000"])
    status: str = Field(examples=["in_force"])
    since: date
    until: date | None
    instrument_no: str
    approver: str
    scope: str
    invented: bool = Field(description="Made up for a demonstration.")


class StepOut(Schema):
    version: int
    before: str | None
    status: str
    since: date
    until: date | None
    instrument_no: str
    approver: str
    scope: str
    reason: str
    evidence_digest: str
    role: str
    at: datetime


class AdoptionDetail(Schema):
    adoption: AdoptionOut
    next: list[str] = Field(description="The statuses that may follow.")
    steps: list[StepOut]


class MeasureDetail(Schema):
    measure: MeasureOut
    document: DocumentOut
    article: ArticleOut
    adoptions: list[AdoptionOut]


class HitOut(Schema):
    kind: str = Field(examples=["measure"])
    document: str
    document_title: str
    article: int
    position: int
    label: str
    heading: str
    excerpt: str
    measure: str | None
    title_en: str
    modality: str | None
    actors: list[str]
    territories: list[str]
    tag: str | None
    score: int


class ProposalOut(Schema):
    id: UUID
    position: int
    article: int
    label: str
    quote: str
    modality: str
    verb: str
    items: list[str]
    actors: list[str]
    territories: list[str]
    condition: str
    decision: str
    reason: str
    measure: str | None


class TextOut(Schema):
    text: str


class InForceOut(Schema):
    measure: str
    territory: str
    on: date
    in_force: bool


class DocumentIn(Schema):
    name: Clean = Field(min_length=1, max_length=200, examples=["cq-2026-03"])
    text: Clean = Field(min_length=1, max_length=commands.TEXT_MAX, examples=["关于……的意见\n一、总体要求\n……"])


class MeasureIn(Schema):
    code: str = Field(pattern=_CODE, max_length=25, examples=["G07-03"])
    title_en: Clean = Field(default="", max_length=300, examples=["Branches develop distinctive products"])
    tag: str = Field(default="", pattern=r"^[a-z0-9-]{0,40}$", examples=["credit"])
    item: Clean = Field(default="", max_length=100)
    modality: str = Field(pattern=r"^[A-Z]{1,10}$", examples=["SUPPORT"])


class RejectionIn(Schema):
    reason: Clean = Field(min_length=1, max_length=500, examples=["Says why, not what."])


class AdoptionIn(Schema):
    measure: str = Field(pattern=_CODE, max_length=25, examples=["M07-06"])
    territory: str = Field(pattern=r"^[0-9]{6}$", examples=["450000"])
    status: str = Field(pattern=r"^[a-z_]{1,12}$", examples=["under_study"])
    since: date = Field(examples=["2026-03-02"])
    until: date | None = None
    instrument_no: Clean = Field(default="", max_length=120)
    approver: Clean = Field(default="", max_length=200)
    scope: Clean = Field(default="", max_length=500)
    reason: Clean = Field(default="", max_length=500)
    evidence_digest: str = Field(default="", pattern=r"^([0-9a-f]{64})?$", description="SHA-256 of the paper.")


class Created(Schema):
    id: UUID


@router.get("/documents", response={200: Page[DocumentOut], **PROBLEMS}, summary="The documents of the library")
def documents(request: HttpRequest, limit: Limit, cursor: Cursor) -> Page[DocumentOut]:
    after = parts_of(cursor, 1)
    found = queries.documents(after=after[0] if after else "", limit=limit + 1, viewer=viewer_of(request))
    following = cursor_of(found[limit - 1].name) if len(found) > limit else ""
    return Page(items=[DocumentOut.from_orm(d) for d in found[:limit]], next=following)


@router.post("/documents", response={201: Created, **PROBLEMS}, summary="Import a document; measures are proposed")
def import_document(request: HttpRequest, body: DocumentIn, key: IdempotencyKey) -> Status[Created]:
    document = commands.import_document(name=body.name, text=body.text, origin=origin_of(request, key))
    return Status(201, Created(id=document))


@router.get("/documents/{document_id}", response={200: DocumentDetail, **PROBLEMS}, summary="One document")
def document(request: HttpRequest, document_id: UUID) -> DocumentDetail:
    found = queries.document(document_id=document_id, viewer=viewer_of(request))
    return DocumentDetail(
        document=DocumentOut.from_orm(found.line), chapters=[ChapterOut.from_orm(c) for c in found.chapters]
    )


@router.get("/documents/{document_id}/text", response={200: TextOut, **PROBLEMS}, summary="Its text, as it was read")
def text(request: HttpRequest, document_id: UUID) -> TextOut:
    return TextOut(text=queries.document_text(document_id=document_id, viewer=viewer_of(request)))


@router.get("/documents/{document_id}/articles", response={200: Page[ArticleOut], **PROBLEMS}, summary="Its articles")
def articles(request: HttpRequest, document_id: UUID, limit: Limit, cursor: Cursor) -> Page[ArticleOut]:
    parts = parts_of(cursor, 1)
    after = _integer(parts[0]) if parts else -1
    found = queries.document(document_id=document_id, viewer=viewer_of(request)).articles
    rest = [a for a in found if a.position > after]
    following = cursor_of(rest[limit - 1].position) if len(rest) > limit else ""
    return Page(items=[ArticleOut.from_orm(a) for a in rest[:limit]], next=following)


@router.get(
    "/documents/{document_id}/articles/{position}", response={200: ArticleDetail, **PROBLEMS},
    summary="One article by its position: 0, 1, …",
)  # fmt: skip
def article(request: HttpRequest, document_id: UUID, position: Annotated[int, Path(ge=0, le=100_000)]) -> ArticleDetail:
    line, found = queries.article(document_id=document_id, position=position, viewer=viewer_of(request))
    return ArticleDetail(document=DocumentOut.from_orm(line), article=ArticleOut.from_orm(found))


@router.get(
    "/documents/{document_id}/proposals", response={200: Page[ProposalOut], **PROBLEMS},
    summary="Measures that the parser proposes",
)  # fmt: skip
def proposals(
    request: HttpRequest, document_id: UUID, limit: Limit, cursor: Cursor,
    decision: Annotated[str, Query(default="", pattern=r"^(open|confirmed|rejected)?$")],
) -> Page[ProposalOut]:  # fmt: skip
    parts = parts_of(cursor, 1)
    found = queries.proposals(
        document_id=document_id, decision=decision, after=_integer(parts[0]) if parts else -1, limit=limit + 1,
        viewer=viewer_of(request),
    )  # fmt: skip
    following = cursor_of(found[limit - 1].position) if len(found) > limit else ""
    return Page(items=[ProposalOut.from_orm(p) for p in found[:limit]], next=following)


@router.post("/proposals/{proposal_id}/confirm", response={201: Created, **PROBLEMS}, summary="Make a measure of it")
def confirm(request: HttpRequest, proposal_id: UUID, body: MeasureIn, key: IdempotencyKey) -> Status[Created]:
    measure = commands.confirm_measure(
        proposal_id=proposal_id, code=body.code, title_en=body.title_en, tag=body.tag, item=body.item,
        modality=body.modality, origin=origin_of(request, key),
    )  # fmt: skip
    return Status(201, Created(id=measure))


@router.post("/proposals/{proposal_id}/reject", response={200: Created, **PROBLEMS}, summary="It is no measure")
def reject(request: HttpRequest, proposal_id: UUID, body: RejectionIn, key: IdempotencyKey) -> Created:
    return Created(
        id=commands.reject_measure(proposal_id=proposal_id, reason=body.reason, origin=origin_of(request, key))
    )


@router.get("/measures", response={200: Page[MeasureOut], **PROBLEMS}, summary="Measures, narrowed by what is given")
def measures(
    request: HttpRequest, limit: Limit, cursor: Cursor, article: Number, actor: Narrow, territory: Narrow,
    modality: Narrow, tag: Narrow, document_id: UUID | None = None,
) -> Page[MeasureOut]:  # fmt: skip
    after = parts_of(cursor, 1)
    found = queries.measures(
        document_id=document_id, article=article, actor=actor, territory=territory, modality=modality, tag=tag,
        after=after[0] if after else "", limit=limit + 1, viewer=viewer_of(request),
    )  # fmt: skip
    following = cursor_of(found[limit - 1].code) if len(found) > limit else ""
    return Page(items=[MeasureOut.from_orm(m) for m in found[:limit]], next=following)


@router.get("/measures/{code}", response={200: MeasureDetail, **PROBLEMS}, summary="One measure, and where it is adopted")
def measure(request: HttpRequest, code: Code) -> MeasureDetail:
    found = queries.measure(code=code, viewer=viewer_of(request))
    return MeasureDetail(
        measure=MeasureOut.from_orm(found.line),
        document=DocumentOut.from_orm(found.document),
        article=ArticleOut.from_orm(found.article),
        adoptions=[AdoptionOut.from_orm(a) for a in found.adoptions],
    )


@router.get("/search", response={200: Page[HitOut], **PROBLEMS}, summary="Search in Chinese and English, best first")
def search(
    request: HttpRequest, limit: Limit, cursor: Cursor, article: Number, actor: Narrow, territory: Narrow,
    modality: Narrow, tag: Narrow,
    q: Annotated[Clean, Query(default="", max_length=200, examples=["银企对接"])],
    document: Annotated[Clean, Query(default="", max_length=200, description="A document's name.")],
) -> Page[HitOut]:  # fmt: skip
    parts = parts_of(cursor, 2)
    after = (_integer(parts[0]), parts[1]) if parts else None
    found = queries.search(
        text=q, article=article, document=document, actor=actor, territory=territory, modality=modality, tag=tag,
        after=after, limit=limit + 1, viewer=viewer_of(request),
    )  # fmt: skip
    following = cursor_of(found[limit - 1].score, found[limit - 1].key) if len(found) > limit else ""
    return Page(items=[HitOut.from_orm(h) for h in found[:limit]], next=following)


@router.get("/adoptions", response={200: Page[AdoptionOut], **PROBLEMS}, summary="Where measures stand, by territory")
def adoptions(
    request: HttpRequest, limit: Limit, cursor: Cursor, measure: Narrow, territory: Narrow, status: Narrow
) -> Page[AdoptionOut]:
    after = parts_of(cursor, 2)
    found = queries.adoptions(
        measure=measure, territory=territory, status=status, after=(after[0], after[1]) if after else None,
        limit=limit + 1, viewer=viewer_of(request),
    )  # fmt: skip
    following = cursor_of(found[limit - 1].measure, found[limit - 1].territory) if len(found) > limit else ""
    return Page(items=[AdoptionOut.from_orm(a) for a in found[:limit]], next=following)


@router.post("/adoptions", response={200: Created, **PROBLEMS}, summary="Move a measure to its next status")
def change_adoption(request: HttpRequest, body: AdoptionIn, key: IdempotencyKey) -> Created:
    return Created(id=commands.change_adoption(**body.dict(), origin=origin_of(request, key)))


@router.get(
    "/adoptions/{code}/{territory}", response={200: AdoptionDetail, **PROBLEMS},
    summary="Where a measure stands in a territory, and how it came there",
)  # fmt: skip
def adoption(request: HttpRequest, code: Code, territory: Place) -> AdoptionDetail:
    found = queries.adoption(measure=code, territory=territory, viewer=viewer_of(request))
    return AdoptionDetail(
        adoption=AdoptionOut.from_orm(found.line), next=found.next, steps=[StepOut.from_orm(s) for s in found.steps]
    )


@router.get(
    "/in-force/{code}/{territory}", response={200: InForceOut, **PROBLEMS},
    summary="May a new business begin under a measure, there, on that day?",
)  # fmt: skip
def in_force(request: HttpRequest, code: Code, territory: Place, on: date) -> InForceOut:
    found = queries.in_force_of(measure=code, territory=territory, on=on, viewer=viewer_of(request))
    return InForceOut(measure=code, territory=territory, on=on, in_force=found)


def _integer(part: str) -> int:
    """A number in a cursor. Refuses (Invalid: cursor) what we did not write."""
    if not part.isascii() or not part.isdigit() or len(part) > 10:
        raise Invalid(field="cursor", problem="pass the `next` of the page before, or nothing")
    return min(int(part), 2**31 - 1)
