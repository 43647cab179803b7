"""Everything that can be asked of the policy library. The library is public; answers are plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q

from luhai.core.parties.territories import territories
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent
from luhai.shell.query import EVERYBODY, SIGNED_IN, query

from . import search_text
from .lifecycle import NEXT, OPENING, Status
from .models import Adoption, AdoptionEvent, Article, Document, Measure, ProposedMeasure


@dataclass(frozen=True, slots=True)
class DocumentLine:
    id: UUID
    name: str
    title: str
    title_en: str
    document_no: str
    issuers: list[str]
    issued_on: date | None
    articles: int
    measures: int
    proposals: int  # open ones
    digest: str


@dataclass(frozen=True, slots=True)
class ChapterView:
    number: int
    heading: str
    text: str
    book: str


@dataclass(frozen=True, slots=True)
class MeasureLine:
    code: str
    article: int
    position: int  # of its article in the document
    quote: str
    start: int
    end: int
    item: str
    title_en: str
    modality: str
    actors: list[str]
    place: str
    territories: list[str]
    condition: str
    tag: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of an article's text with the measures that quote it; none for what lies between."""

    text: str
    measures: list[str]


@dataclass(frozen=True, slots=True)
class ArticleView:
    id: UUID
    position: int
    number: int
    label: str
    heading: str
    text: str
    chapter: int | None
    part: int
    start: int
    end: int
    sentences: list[str]
    passages: list[Passage]
    measures: list[MeasureLine]


@dataclass(frozen=True, slots=True)
class DocumentView:
    line: DocumentLine
    preamble: str  # what stands before the first article, without the title
    chapters: list[ChapterView]
    articles: list[ArticleView]


@dataclass(frozen=True, slots=True)
class AdoptionLine:
    measure: str
    territory: str
    status: str
    since: date
    until: date | None
    instrument_no: str
    approver: str
    scope: str
    invented: bool


@dataclass(frozen=True, slots=True)
class AdoptionStep:
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


@dataclass(frozen=True, slots=True)
class AdoptionView:
    line: AdoptionLine
    next: list[str]  # the statuses that may follow
    steps: list[AdoptionStep]


@dataclass(frozen=True, slots=True)
class MeasureView:
    line: MeasureLine
    document: DocumentLine
    article: ArticleView
    adoptions: list[AdoptionLine]


@dataclass(frozen=True, slots=True)
class ProposalView:
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


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer of a search: a measure, or an article. `excerpt` is the quote, or the sentence that fits best."""

    kind: str
    key: str
    document: str  # its name
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


@dataclass(frozen=True, slots=True)
class CoverageLine:
    """One measure and its status in each territory, in the order of `territories()`; None where it has none."""

    measure: MeasureLine
    statuses: list[str | None]
    invented: list[bool]


# ------------------------------------------------------------------------------------------- documents


@query(may=EVERYBODY)
def documents(*, after: str = "", limit: int = 200, viewer: Actor) -> list[DocumentLine]:
    """The documents of the library, by name; `after` continues."""
    return [_document_line(row) for row in _documents().filter(name__gt=after).order_by("name")[:limit]]


@query(may=EVERYBODY)
def document(*, name: str | None = None, document_id: UUID | None = None, viewer: Actor) -> DocumentView:
    """One document with chapters, articles and measures, by name or id. Refuses: Absent."""
    row = _one_document(name, document_id)
    articles = list(row.articles.order_by("position"))
    measures: dict[UUID, list[Measure]] = {}
    for measure in row.measures.select_related("article").order_by("code"):
        measures.setdefault(measure.article_id, []).append(measure)
    starts = [a.start for a in articles] + [c["start"] for c in row.chapters]
    return DocumentView(
        line=_document_line(row),
        preamble=_preamble(row, min(starts, default=len(row.text))),
        chapters=[ChapterView(c["number"], c["heading"], c["text"], c["book"]) for c in row.chapters],
        articles=[_article(a, row, measures.get(a.pk, [])) for a in articles],
    )


@query(may=EVERYBODY)
def document_text(*, document_id: UUID, viewer: Actor) -> str:
    """The text of a document, character for character. Refuses: Absent."""
    return str(_one_document(None, document_id).text)


@query(may=EVERYBODY)
def article(
    *, position: int, name: str | None = None, document_id: UUID | None = None, viewer: Actor
) -> tuple[DocumentLine, ArticleView]:
    """One article by its position (0, 1, …) in a document, with its measures. Refuses: Absent."""
    row = _one_document(name, document_id)
    found = row.articles.filter(position=position).first() if 0 <= position < 2**31 else None
    if found is None:
        raise Absent(kind="article")
    return _document_line(row), _article(found, row, list(found.measures.select_related("article").order_by("code")))


# -------------------------------------------------------------------------------------------- measures


@query(may=EVERYBODY)
def measures(
    *,
    document_id: UUID | None = None,
    article: int | None = None,
    actor: str = "",
    territory: str = "",
    modality: str = "",
    tag: str = "",
    after: str = "",
    limit: int = 500,
    viewer: Actor,
) -> list[MeasureLine]:
    """Measures by code, narrowed by what is given; `after` is a code and continues."""
    rows = Measure.objects.select_related("article").filter(code__gt=after).order_by("code")
    if document_id is not None:
        rows = rows.filter(document_id=document_id)
    if article is not None:
        rows = rows.filter(article__number=article) if 0 <= article < 2**31 else rows.none()
    if actor:
        rows = rows.filter(Q(actors__contains=[actor]) | Q(actors__contains=[actor + "*"]))
    if territory:
        rows = rows.filter(territories__contains=[territory])
    if modality:
        rows = rows.filter(modality=modality)
    if tag:
        rows = rows.filter(tag=tag)
    return [_measure_line(row) for row in rows[:limit]]


@query(may=EVERYBODY)
def measure(*, code: str, viewer: Actor) -> MeasureView:
    """One measure, where it stands in the text and in each territory. Refuses: Absent."""
    row = _one_measure(code)
    document = _documents().get(pk=row.document_id)
    return MeasureView(
        line=_measure_line(row),
        document=_document_line(document),
        article=_article(row.article, document, [row]),
        adoptions=[_adoption_line(a) for a in row.adoptions.select_related("measure").order_by("territory")],
    )


@query(may=EVERYBODY)
def facets(*, viewer: Actor) -> dict[str, list[str]]:
    """What measures can be narrowed by: the actors, tags and modalities that occur."""
    actors: set[str] = set()
    for row in Measure.objects.values_list("actors", flat=True):
        actors |= {actor.rstrip("*") for actor in row}
    return {
        "actors": sorted(actors),
        "tags": sorted(set(Measure.objects.exclude(tag="").values_list("tag", flat=True))),
        "modalities": sorted(set(Measure.objects.values_list("modality", flat=True))),
    }


@query(may=SIGNED_IN)
def proposals(
    *, document_id: UUID, decision: str = "", after: int = -1, limit: int = 200, viewer: Actor
) -> list[ProposalView]:
    """Proposed measures of a document in the order of its text; `after` is a position and continues."""
    _one_document(None, document_id)
    rows = ProposedMeasure.objects.select_related("article", "measure").filter(document_id=document_id)
    rows = rows.filter(position__gt=max(min(after, 2**31 - 1), -1)).order_by("position")
    if decision:
        rows = rows.filter(decision=decision)
    return [
        ProposalView(
            p.pk, p.position, p.article.number, p.article.label, p.quote, p.modality, p.verb, p.items, p.actors,
            p.territories, p.condition, p.decision, p.reason, p.measure.code if p.measure else None,
        )
        for p in rows[:limit]
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------- search

_SEARCH: Final = """
WITH asked AS (SELECT %(q)s::tsquery AS q), hits AS (
  SELECT 'measure' AS kind, 'm' || m.code AS key, d.name, d.title, a.number, a.position, a.label, a.heading,
         m.quote AS body, m.code, m.title_en, m.modality, m.actors, m.territories, m.tag,
         CASE WHEN %(q)s = '' THEN 0 ELSE (ts_rank(m.search, asked.q) * 1000000)::integer END AS score
  FROM policies_measure m JOIN policies_article a ON a.id = m.article_id
  JOIN policies_document d ON d.id = m.document_id CROSS JOIN asked
  WHERE (%(q)s = '' OR m.search @@ asked.q)
    AND (%(article)s::integer IS NULL OR a.number = %(article)s)
    AND (%(document)s = '' OR d.name = %(document)s)
    AND (%(actor)s = '' OR m.actors && ARRAY[%(actor)s, %(actor)s || '*']::varchar[])
    AND (%(territory)s = '' OR m.territories @> ARRAY[%(territory)s]::varchar[])
    AND (%(modality)s = '' OR m.modality = %(modality)s)
    AND (%(tag)s = '' OR m.tag = %(tag)s)
  UNION ALL
  SELECT 'article', 'a' || d.name || lpad(a.position::text, 6, '0'), d.name, d.title, a.number, a.position, a.label,
         a.heading, a.text, NULL, '', NULL, '{}', '{}', NULL,
         CASE WHEN %(q)s = '' THEN 0 ELSE (ts_rank(a.search, asked.q) * 1000000)::integer END
  FROM policies_article a JOIN policies_document d ON d.id = a.document_id CROSS JOIN asked
  WHERE %(articles)s AND (%(q)s = '' OR a.search @@ asked.q)
    AND (%(article)s::integer IS NULL OR a.number = %(article)s)
    AND (%(document)s = '' OR d.name = %(document)s)
)
SELECT * FROM hits
WHERE %(after_key)s = '' OR score < %(after_score)s OR (score = %(after_score)s AND key > %(after_key)s)
ORDER BY score DESC, key LIMIT %(limit)s
"""


@query(may=EVERYBODY)
def search(
    *,
    text: str = "",
    article: int | None = None,
    document: str = "",
    actor: str = "",
    territory: str = "",
    modality: str = "",
    tag: str = "",
    after: tuple[int, str] | None = None,
    limit: int = 50,
    viewer: Actor,
) -> list[Hit]:
    """Measures and articles that fit, best first; `after` is (score, key) of the last hit and continues.

    `text` is Chinese or English; all its words, or its run of characters. Actor, territory, modality and tag belong
    to measures, so that with one of them only measures are answered.
    """
    asked = search_text.query(text)
    if text.strip() and not asked:
        return []
    if article is not None and not 0 <= article < 2**31:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _SEARCH,
            {
                "q": asked, "article": article, "document": document, "actor": actor, "territory": territory,
                "modality": modality, "tag": tag, "articles": not (actor or territory or modality or tag),
                "after_score": min(max(after[0], 0), 2**31 - 1) if after else 0, "after_key": after[1] if after else "",
                "limit": limit,
            },
        )  # fmt: skip
        rows = cursor.fetchall()
    return [
        Hit(
            kind=kind, key=key, document=name, document_title=title, article=number, position=position, label=label,
            heading=heading, excerpt=body if kind == "measure" else _excerpt(body, text), measure=code,
            title_en=title_en, modality=modality_, actors=list(actors), territories=list(places), tag=tag_, score=score,
        )
        for (
            kind, key, name, title, number, position, label, heading, body, code, title_en, modality_, actors, places,
            tag_, score,
        ) in rows
    ]  # fmt: skip


def _excerpt(body: str, asked: str) -> str:
    """The sentence of a text in which most of what was asked for stands; at most 200 characters of it."""
    wanted = set(search_text.words(asked)) | set(search_text.fold(asked).split())
    best = max(
        [s for s in body.replace("；", "。").split("。") if s.strip()] or [body],
        key=lambda sentence: sum(len(word) for word in wanted if word in search_text.fold(sentence)),
    ).strip()
    return best if len(best) <= 200 else best[:200] + "…"


# ------------------------------------------------------------------------------------------- adoptions


@query(may=EVERYBODY)
def adoptions(
    *, measure: str = "", territory: str = "", status: str = "", after: tuple[str, str] | None = None,
    limit: int = 200, viewer: Actor,
) -> list[AdoptionLine]:  # fmt: skip
    """Adoptions by measure and territory, narrowed by what is given; `after` is (measure, territory) and continues."""
    rows = Adoption.objects.select_related("measure").order_by("measure__code", "territory")
    if measure:
        rows = rows.filter(measure__code=measure)
    if territory:
        rows = rows.filter(territory=territory)
    if status:
        rows = rows.filter(status=status)
    if after is not None:
        rows = rows.filter(Q(measure__code__gt=after[0]) | Q(measure__code=after[0], territory__gt=after[1]))
    return [_adoption_line(row) for row in rows[:limit]]


@query(may=EVERYBODY)
def adoption(*, measure: str, territory: str, viewer: Actor) -> AdoptionView:
    """Where a measure stands in a territory, how it came there, and what may follow. Refuses: Absent."""
    row = Adoption.objects.select_related("measure").filter(measure__code=measure, territory=territory).first()
    if row is None:
        raise Absent(kind="adoption")
    return AdoptionView(
        _adoption_line(row),
        [s.value for s in NEXT[Status(row.status)]],
        [
            AdoptionStep(
                e.version, e.before, e.status, e.since, e.until, e.instrument_no, e.approver, e.scope, e.reason,
                e.evidence_digest, e.role, e.at,
            )
            for e in row.events.order_by("-version")
        ],
    )  # fmt: skip


@query(may=EVERYBODY)
def coverage(*, viewer: Actor) -> list[CoverageLine]:
    """Every measure with its status in every territory: the whole list."""
    places = sorted(territories())
    standing: dict[UUID, dict[str, Adoption]] = {}
    for adopted in Adoption.objects.all():
        standing.setdefault(adopted.measure_id, {})[adopted.territory] = adopted
    lines = []
    for row in Measure.objects.select_related("article").order_by("code"):
        here = standing.get(row.pk, {})
        lines.append(
            CoverageLine(
                _measure_line(row),
                [here[place].status if place in here else None for place in places],
                [here[place].invented if place in here else False for place in places],
            )
        )
    return lines


def next_statuses(status: str | None) -> list[str]:
    """The statuses that may follow one; of None, those with which a measure is first listed."""
    return [s.value for s in NEXT[Status(status) if status else None]]


def in_force(measure: str, territory: str, on: date) -> bool:
    """Tell whether a new business may begin under a measure in a territory on a day.

    True only for an adoption in force, evaluated or extended, from its first day to its last. A pilot is narrower
    than its territory and does not count; a suspension blocks from its day on; what is not known is not in force.
    For other subjects' commands and queries, inside their transactions; it is public and takes no viewer.
    """
    return measure in _in_force_on(territory, on, measure)


@query(may=EVERYBODY)
def in_force_of(*, measure: str, territory: str, on: date, viewer: Actor) -> bool:
    """`in_force`, for the edges. Refuses: Absent (measure)."""
    _one_measure(measure)
    return in_force(measure, territory, on)


def measures_in_force(territory: str, on: date) -> frozenset[str]:
    """All measures for which `in_force` is true in a territory on a day. One SQL query."""
    return _in_force_on(territory, on, "")


def _in_force_on(territory: str, on: date, measure: str) -> frozenset[str]:
    events = AdoptionEvent.objects.filter(adoption__territory=territory, since__lte=on)
    if measure:
        events = events.filter(adoption__measure__code=measure)
    latest = events.order_by("adoption_id", "-version").distinct("adoption_id")
    opening = {status.value for status in OPENING}
    return frozenset(
        code
        for code, status, until in latest.values_list("adoption__measure__code", "status", "until")
        if status in opening and (until is None or on <= until)
    )


# ------------------------------------------------------------------------------------------------------


def _documents() -> Any:
    return Document.objects.annotate(
        article_count=Count("articles", distinct=True),
        measure_count=Count("measures", distinct=True),
        proposal_count=Count("proposals", distinct=True, filter=Q(proposals__decision="open")),
    )


def _one_document(name: str | None, document_id: UUID | None) -> Document:
    row: Document | None = None
    if document_id is not None:
        row = _documents().filter(pk=document_id).first()
    elif name and "\x00" not in name:
        row = _documents().filter(name=name).first()
    if row is None:
        raise Absent(kind="document")
    return row


def _one_measure(code: str) -> Measure:
    row = Measure.objects.select_related("article").filter(code=code).first() if "\x00" not in code else None
    if row is None:
        raise Absent(kind="measure")
    return row


def _document_line(row: Any) -> DocumentLine:
    return DocumentLine(
        row.pk, row.name, row.title, row.title_en, row.document_no, row.issuers, row.issued_on, row.article_count,
        row.measure_count, row.proposal_count, row.digest,
    )  # fmt: skip


def _measure_line(row: Measure) -> MeasureLine:
    return MeasureLine(
        row.code, row.article.number, row.article.position, row.quote, row.start, row.end, row.item, row.title_en,
        row.modality, row.actors, row.place, row.territories, row.condition, row.tag,
    )  # fmt: skip


def _adoption_line(row: Adoption) -> AdoptionLine:
    return AdoptionLine(
        row.measure.code, row.territory, row.status, row.since, row.until, row.instrument_no, row.approver, row.scope,
        row.invented,
    )  # fmt: skip


def _article(row: Article, document: Document, measures: list[Measure]) -> ArticleView:
    return ArticleView(
        id=row.pk, position=row.position, number=row.number, label=row.label, heading=row.heading, text=row.text,
        chapter=row.chapter, part=row.part, start=row.start, end=row.end,
        sentences=[document.text[start:end] for start, end in row.sentences],
        passages=_passages(row, measures), measures=[_measure_line(m) for m in measures],
    )  # fmt: skip


def _passages(row: Article, measures: list[Measure]) -> list[Passage]:
    """Cut an article's text at the edges of its measures' quotes."""
    edges = {0, len(row.text)}
    for m in measures:
        edges |= {max(0, min(len(row.text), at - row.text_start)) for at in (m.start, m.end)}
    cuts = sorted(edges)
    passages = []
    for start, end in pairwise(cuts):
        codes = [m.code for m in measures if m.start - row.text_start <= start and end <= m.end - row.text_start]
        passages.append(Passage(row.text[start:end], codes))
    return passages


def _preamble(row: Document, end: int) -> str:
    """The text before the first chapter or article, without decoration and without the title's own lines."""
    title = "".join(row.title.split())
    kept = []
    for line in row.text[:end].splitlines():
        words = line.strip(" \t\u3000\xa0\ufeff*#>_")
        bare = "".join(words.split())
        if bare and bare not in title and not (row.document_no and bare == "".join(row.document_no.split())):
            kept.append(words)
    return "\n".join(kept)


#: Who may change an adoption, for pages that show a form.
MAY_CHANGE: Final = frozenset({Role.PROVINCE, Role.SUPERVISOR})
