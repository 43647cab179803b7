"""A Chinese policy document as data: title, number, issuers, day, chapters, articles, sentences.

Every character of the text belongs to exactly one piece, so that what is shown can be traced to the source.
Documents number their articles in one of a few ways, and `parse` finds out which:

    第一条                 laws, regulations, rules; 第一章 above them are the chapters
    （一） running on      opinions: the count goes on from one 一、 to the next, and 一、 are the chapters
    一、                   notices and announcements, with or without （一） lists inside
    1.                     a few notices, when nothing else is numbered

The article numbers of one document are unique (of each, when several are printed together).
"""

from __future__ import annotations

import itertools
import re
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Final

from . import header as headers
from .header import Header, Signature
from .lines import Level, Line, Marker, split

LABELS: Final = {Level.CLAUSE: "第{}条", Level.ITEM: "（{}）", Level.HEAD: "{}、", Level.POINT: "{}."}


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    start: int
    end: int


@dataclass(slots=True)
class Chapter:
    """A heading above articles. `text` is what stands between it and its first article."""

    number: int
    heading: str
    text: str
    start: int
    end: int
    level: str
    part: int = 0
    book: str = ""  # 第一编 总则, where a law has books
    sections: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Article:
    """`text` is the file's text from `text_start` to `end`; `start` is where the number stands."""

    number: int
    heading: str
    text: str
    label: str
    suffix: int  # 第十条之二 has 2, else 0
    chapter: int | None  # index into `chapters`
    part: int  # 0, or 1, 2, … where several documents are printed together
    start: int
    text_start: int
    end: int
    sentences: list[Sentence]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text and what it is; `article` and `chapter` are indexes."""

    kind: str
    text: str
    start: int
    end: int
    article: int | None = None
    chapter: int | None = None


@dataclass(slots=True)
class ParsedDocument:
    title: str | None
    document_no: str | None
    issuers: list[str]
    date: str | None
    chapters: list[Chapter]
    articles: list[Article]
    pieces: list[Piece]
    digest: str  # SHA-256 of the text in UTF-8

    def as_dict(self) -> dict[str, Any]:
        """The document as plain values, ready for JSON."""
        return asdict(self)


@dataclass(slots=True)
class _Entry:
    """A line taken as the beginning of a chapter or an article."""

    line: int
    role: str  # "chapter" | "section" | "book" | "article"
    part: int


@dataclass(frozen=True, slots=True)
class _Span:
    """A run of lines that is one document: the cover letter, or what is attached to it."""

    first: int
    last: int  # exclusive


def parse(text: str, name: str = "") -> ParsedDocument:
    """Parse the text of a policy document. Never fails: a text without articles has none.

    `name` is the name of its file; it is used only for a title or a day that the text does not give.
    """
    lines = split(text)
    signatures = headers.find_signatures(lines)
    header = headers.read(lines, signatures, name)
    spans = _spans(lines, signatures)
    entries, governed = _entries(lines, spans)
    ends = _body_ends(lines, governed, signatures)
    chapters, articles, kinds = _compose(text, lines, entries, ends)
    pieces = _pieces(text, lines, kinds, header, signatures, governed, articles)
    return ParsedDocument(
        title=header.title,
        document_no=header.document_no,
        issuers=header.issuers,
        date=header.day.isoformat() if header.day else None,
        chapters=chapters,
        articles=articles,
        pieces=pieces,
        digest=sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
    )


def sentences(text: str, start: int, end: int) -> list[Sentence]:
    """Cut text[start:end] into sentences at 。！？；and line breaks; spans skip the blanks around them."""
    found: list[Sentence] = []
    for run in re.compile(r"[^。！？；\n\r]+[。！？；”）」』]*").finditer(text, start, end):
        first, last = run.span()
        while first < last and text[first] in " \t\u3000\xa0*_>":
            first += 1
        while last > first and text[last - 1] in " \t\u3000\xa0*_\\":
            last -= 1
        if first < last:
            found.append(Sentence(text[first:last], first, last))
    return found


def _spans(lines: list[Line], signatures: list[Signature]) -> list[_Span]:
    """Cut the lines where a signature ends and where an annex begins."""
    cuts = {0, len(lines)}
    cuts |= {signature.last + 1 for signature in signatures}
    cuts |= {index for index, line in enumerate(lines) if headers.is_attachment(line)}
    edges = sorted(cuts)
    return [_Span(first, last) for first, last in itertools.pairwise(edges)]


def _entries(lines: list[Line], spans: list[_Span]) -> tuple[list[_Entry], list[_Span]]:
    """The chapters and articles of the span that governs, and of its continuation.

    The first span with articles governs: an order or a notice that only brings rules into force has none,
    so the rules do. Annexes after it are annexes, unless they carry its count on.
    """
    for place, span in enumerate(spans):
        level, entries = _number(lines, span, first_span=place == 0)
        if level is None:
            continue
        governed = [span]
        for later in spans[place + 1 :]:
            if headers.is_attachment(lines[later.first]):
                break
            more = _carried_on(lines, later, level, entries)
            if more:
                entries += more
                governed.append(later)
        return entries, governed
    return [], []


def _carried_on(lines: list[Line], span: _Span, level: Level, entries: list[_Entry]) -> list[_Entry]:
    """The articles of a later span when they go on counting where the governing one stopped."""
    last = next(entry for entry in reversed(entries) if entry.role == "article")
    marker = lines[last.line].marker
    assert marker is not None
    count, found = marker.number, list[_Entry]()
    for index in range(span.first, span.last):
        here = lines[index].marker
        if here and here.level is level and here.number == count + 1 and not lines[index].quoted:
            found.append(_Entry(index, "article", last.part))
            count += 1
    return found if len(found) > 1 else []


def _number(lines: list[Line], span: _Span, *, first_span: bool) -> tuple[Level | None, list[_Entry]]:
    """Find which numbering counts the articles of a span, and where its chapters and articles begin."""
    marked = [
        index
        for index in range(span.first, span.last)
        if lines[index].marker is not None and not lines[index].quoted
    ]
    clauses = _clauses(lines, marked)
    if clauses:
        return Level.CLAUSE, _with_chapters(lines, marked, clauses)
    heads = _run(lines, marked, Level.HEAD)
    items = _items(lines, marked, heads)
    if items:
        chapters = [_Entry(entry.line, "chapter", entry.part) for entry in heads]
        return Level.ITEM, sorted(chapters + items, key=lambda entry: entry.line)
    if heads:
        return Level.HEAD, _with_chapters(lines, marked, heads)
    if first_span:
        points = _run(lines, marked, Level.POINT)
        if len(points) > 1:
            return Level.POINT, points
    return None, []


def _clauses(lines: list[Line], marked: list[int]) -> list[_Entry]:
    """The 第N条 lines that count up from 第一条. One that only mentions a clause breaks the count and is left."""
    candidates = [index for index in marked if _level(lines, index) is Level.CLAUSE]
    # A book of a code printed alone begins with a later number: 第二百零五条.
    whole = any(_marker_of(lines, index).number == 1 for index in candidates)
    spaced = sum(_marker_of(lines, index).spaced for index in candidates) * 2 > len(candidates)
    taken: list[_Entry] = []
    count = suffix = part = 0
    for place, index in enumerate(candidates):
        marker = _marker_of(lines, index)
        if spaced and not marker.spaced and marker.number != count + 1:
            continue
        if not taken:
            coming = [_marker_of(lines, other).number for other in candidates[place + 1 : place + 2]]
            if (whole and marker.number != 1) or (
                not whole and (not marker.spaced or coming != [marker.number + 1])
            ):
                continue
            count = marker.number - 1
        follows = marker.number == count + 1 and not marker.suffix
        inserted = marker.number == count and marker.suffix == suffix + 1
        if not (follows or inserted):
            if marker.number == 1 and count > 1 and _new_document(lines, index):
                part, count = part + 1, 0
            elif marker.number <= count or marker.number > count + 20:
                continue
            else:
                coming = [_marker_of(lines, other).number for other in candidates[place + 1 : place + 40]]
                if count + 1 in coming:
                    continue  # the next one does come: this line speaks of another clause
        taken.append(_Entry(index, "article", part))
        count, suffix = marker.number, marker.suffix
    return taken


def _run(lines: list[Line], marked: list[int], level: Level) -> list[_Entry]:
    """The lines of one numbering that count up one by one from 1; a new document may start again."""
    taken: list[_Entry] = []
    count = part = 0
    candidates = [index for index in marked if _level(lines, index) is level]
    for place, index in enumerate(candidates):
        value = _marker_of(lines, index).number
        if value == 1 and count > 1 and _new_document(lines, index):
            part, count = part + 1, 0
        elif value == count + 2 and taken:
            # A number left out by mistake: go on, unless it still comes.
            if value - 1 in [_marker_of(lines, other).number for other in candidates[place + 1 : place + 12]]:
                continue
            count = value - 1
        if value == count + 1:
            taken.append(_Entry(index, "article", part))
            count = value
    return taken


def _items(lines: list[Line], marked: list[int], heads: list[_Entry]) -> list[_Entry]:
    """The （N） lines, if they are what counts the articles; else none, for they are lists inside articles.

    They count when they go on counting from one 一、 to the next, or when there is no 一、 at all.
    """
    above = {entry.line: entry for entry in heads}
    part, parent = 0, -1
    count = 0
    taken: list[_Entry] = []
    crossings = restarts = 0
    fresh = True  # no item seen yet beneath this 一、
    for index in marked:
        if index in above:
            if above[index].part != part:
                part, count = above[index].part, 0
            parent, fresh = index, True
            continue
        if _level(lines, index) is not Level.ITEM:
            continue
        value = _marker_of(lines, index).number
        if value == count + 1:
            if fresh and count and parent >= 0:
                crossings += 1
            taken.append(_Entry(index, "article", part))
            count = value
        elif fresh and value == 1 and count:
            restarts += 1
            count = 1
        fresh = False
    if heads:
        return taken if crossings > restarts and taken else []
    return taken if len(taken) > 1 else []


def _with_chapters(lines: list[Line], marked: list[int], articles: list[_Entry]) -> list[_Entry]:
    """Add the chapters, sections and books above the articles, without those of a table of contents."""
    by_line = {entry.line: entry for entry in articles}
    kinds = {Level.CHAPTER: "chapter", Level.SECTION: "section", Level.BOOK: "book"}
    counts_clauses = _level(lines, articles[0].line) is Level.CLAUSE
    chapters = any(_level(lines, index) is Level.CHAPTER for index in marked)
    heads = [] if not counts_clauses or chapters else _run(lines, marked, Level.HEAD)
    head_lines = {entry.line for entry in heads if _short(lines[entry.line])}
    first = articles[0].line
    found: list[_Entry] = []
    for index in marked:
        if index in by_line:
            found.append(by_line[index])
            continue
        level = _level(lines, index)
        role = kinds.get(level) or ("chapter" if index in head_lines else None)
        if role is None:
            continue
        if index < first and _repeated(lines, marked, index, first):
            continue
        following = [entry for entry in articles if entry.line > index]
        if following:
            found.append(_Entry(index, role, following[0].part))
    if not chapters and all(entry.role != "chapter" for entry in found):
        found = [_Entry(e.line, "chapter" if e.role == "book" else e.role, e.part) for e in found]
    return found


def _repeated(lines: list[Line], marked: list[int], index: int, first: int) -> bool:
    """Tell whether a heading before the first article comes again: then it stands in the contents."""
    mine = _marker_of(lines, index)
    return any(
        other > index
        and _level(lines, other) is mine.level
        and _marker_of(lines, other).number == mine.number
        and re.sub(r"\s", "", lines[other].words)[:12] == re.sub(r"\s", "", lines[index].words)[:12]
        for other in marked
    )


def _new_document(lines: list[Line], index: int) -> bool:
    """Tell whether a title stands just above the line, so that a count may start again here."""
    seen = 0
    for place in range(index - 1, max(-1, index - 12), -1):
        line = lines[place]
        if line.blank:
            continue
        seen += 1
        if headers.is_heading_like(line) and len(line.words) > 3:
            return True
        if seen > 3 or (line.marker is None and not line.words.startswith(("（", "(")) and seen > 1):
            return False
    return False


def _level(lines: list[Line], index: int) -> Level:
    return _marker_of(lines, index).level


def _marker_of(lines: list[Line], index: int) -> Marker:
    marker = lines[index].marker
    assert marker is not None
    return marker


def _short(line: Line) -> bool:
    return len(line.words) <= 60 and not line.words.endswith(("。", "；", ";", "：", ":", "，"))


_CLOSING: Final = re.compile(
    r"(?:本(?:通知|意见|公告|办法|规定|决定|通告|方案)自|请(?:中国人民银行|人民银行|各[省地单部])|"
    r"(?:以上|特此)(?:意见|公告|通知|通告|批复|函复|复函)|执行(?:过程)?中(?:如|遇)|如遇(?:问题|新情况))"
)
_FILES: Final = re.compile(
    r"附[\s\u3000]*(?:件|录|表)?[\s\u3000]*[0-9一二三四五六七八九十]*[\s\u3000]*[：:.].*|.{0,60}\.(?:docx?|pdf|xlsx?|wps|zip|rar)"
)


def _body_ends(lines: list[Line], governed: list[_Span], signatures: list[Signature]) -> dict[int, str]:
    """The lines that end the articles, with what they are: signature, closing words, list of annexes, annex."""
    ends: dict[int, str] = {}
    if not governed:
        return ends
    for signature in signatures:
        for index in range(signature.first, signature.last + 1):
            ends[index] = "signature"
    tail = governed[-1].last
    first_after = next((i for i in range(governed[0].first, tail) if lines[i].marker), governed[0].first)
    for index in range(first_after, tail):
        line = lines[index]
        if index in ends or line.blank or line.marker is not None:
            continue
        if _CLOSING.match(line.words) and _only_tail(lines, index, tail, ends):
            ends[index] = "closing"
        elif _FILES.fullmatch(line.words) and _only_tail(lines, index, tail, ends):
            ends[index] = "attachment"
    for index in range(tail, len(lines)):
        ends.setdefault(index, "annex")
    return ends


def _only_tail(lines: list[Line], index: int, tail: int, ends: dict[int, str]) -> bool:
    """Tell whether no numbered line but a list of annexes follows before the end."""
    return all(
        lines[later].marker is None or lines[later].marker.level is Level.POINT  # type: ignore[union-attr]
        for later in range(index + 1, tail)
        if ends.get(later) != "signature"
    )


def _compose(
    text: str, lines: list[Line], entries: list[_Entry], ends: dict[int, str]
) -> tuple[list[Chapter], list[Article], dict[int, tuple[str, int | None, int | None]]]:
    """Build chapters and articles, and say of each line of theirs what it is."""
    chapters: list[Chapter] = []
    articles: list[Article] = []
    kinds: dict[int, tuple[str, int | None, int | None]] = {}
    book = ""
    chapter: int | None = None
    part = 0
    named = _named(text, lines, entries)
    for place, entry in enumerate(entries):
        stop_line = entries[place + 1].line if place + 1 < len(entries) else len(lines)
        if place + 1 < len(entries) and entries[place + 1].part != entry.part:
            stop_line = _title_above(lines, stop_line, entry.line)
        for index in range(entry.line + 1, stop_line):
            if index in ends:
                stop_line = index
                break
        line, marker = lines[entry.line], _marker_of(lines, entry.line)
        if entry.part != part:
            part, chapter, book = entry.part, None, ""
        last = stop_line - 1
        while last > entry.line and lines[last].blank:
            last -= 1
        end = max(lines[last].last, line.last)
        heading_end, text_start = _heading(text, line, marker.end, end, role=entry.role)
        if entry.role == "article" and marker.level is not Level.CLAUSE and place not in named:
            heading_end = text_start = marker.end
        heading = text[marker.end : heading_end].strip(" \t\u3000\xa0*_。：:")
        if entry.role == "article":
            mark = re.sub(r"[\s\u3000\xa0*_：:]+$", "", text[line.first : marker.end])
            articles.append(
                Article(
                    marker.number, heading, text[text_start:end], mark, marker.suffix, chapter, entry.part,
                    line.first, text_start, end, sentences(text, text_start, end),
                )
            )  # fmt: skip
            for index in range(entry.line, last + 1):
                kinds[index] = ("article", len(articles) - 1, chapter)
        elif entry.role == "book":
            book = " ".join(line.words.split())
            chapter = None
            kinds[entry.line] = ("book", None, None)
        elif entry.role == "section":
            if chapter is not None:
                chapters[chapter].sections.append(
                    {"number": marker.number, "heading": heading, "start": line.first, "end": line.last}
                )
            kinds[entry.line] = ("section", None, chapter)
        else:
            if not heading and text_start < end:
                # Some pages print "第一章" and its name in two lines.
                line_end = re.compile(r"[\r\n]").search(text, text_start, end)
                heading_end = line_end.start() if line_end else end
                heading = text[text_start:heading_end].strip()
                text_start = _skip(text, heading_end, end)
            heading = re.sub(r"(?<=[\u4e00-\u9fff])[\s\u3000\xa0]+(?=[\u4e00-\u9fff])", "", heading)
            chapters.append(
                Chapter(
                    marker.number, heading, text[text_start:end], line.first, end, marker.level.value,
                    entry.part, book,
                )
            )  # fmt: skip
            chapter = len(chapters) - 1
            for index in range(entry.line, last + 1):
                kinds[index] = ("chapter", None, chapter)
    return chapters, articles, kinds


def _title_above(lines: list[Line], line: int, floor: int) -> int:
    """The first line of the title that stands above `line`, where one document ends and the next begins."""
    top = line
    for index in range(line - 1, max(floor, line - 12), -1):
        if headers.is_heading_like(lines[index]):
            top = index
        elif top != line and not lines[index].blank:
            break
    return top


def _named(text: str, lines: list[Line], entries: list[_Entry]) -> set[int]:
    """The places of the articles whose first sentence is a name.

    Where most articles of a chapter begin with what could be a name, those are names; where few do, they are
    short rules.
    """
    groups: list[list[tuple[int, bool]]] = [[]]
    for place, entry in enumerate(entries):
        if entry.role == "chapter" or (place and entries[place - 1].part != entry.part):
            groups.append([])
        if entry.role == "article":
            line, marker = lines[entry.line], _marker_of(lines, entry.line)
            end = lines[entry.line + 1].last if entry.line + 1 < len(lines) else line.last
            if place + 1 < len(entries) and entries[place + 1].line == entry.line + 1:
                end = line.last
            _, text_start = _heading(text, line, marker.end, max(end, line.last), role="article")
            groups[-1].append((place, text_start > marker.end))
    return {
        place
        for group in groups
        for place, could_be in group
        if could_be
        and sum(could for _, could in group) * 5 >= len(group) * 3
        and (len(group) > 1 or len(lines[entries[place].line].words.split("。")[0]) <= 25)
    }


def _heading(text: str, line: Line, words_from: int, end: int, *, role: str) -> tuple[int, int]:
    """Where the heading of a chapter or article ends and where its text begins.

    The first sentence of a numbered line is its heading when text follows it and it reads like one: short,
    and not itself a rule. Clauses of laws have none, unless it stands in 【】.
    """
    if role != "article":
        full_stop = text.find("。", words_from, line.last)
        if line.marker and line.marker.level is Level.HEAD and 0 <= full_stop < line.last - 1:
            return full_stop + 1, _skip(text, full_stop + 1, end)
        return line.last, _skip(text, line.last, end)
    assert line.marker is not None
    if line.marker.level is Level.CLAUSE:
        if text.startswith(("【", "[", "〔"), words_from):
            stop = re.compile(r"[】\]〕]").search(text, words_from, line.last)
            if stop:
                return stop.end(), _skip(text, stop.end(), end)
        if line.last < end and line.last - words_from <= 30 and text[line.last - 1] not in "。；：:;，、）)”":
            return line.last, _skip(text, line.last, end)  # a clause whose name has a line of its own
        return words_from, words_from
    words = text[words_from : line.last]
    stop = re.search(r"[。：:]", words)
    if stop is None:
        if line.last < end and len(words) <= 80 and not words.endswith(("；", ";", "，")):
            return line.last, _skip(text, line.last, end)
        return words_from, words_from
    at = words_from + stop.end()
    rest = _skip(text, at, end)
    follows = rest < end and not (text[rest] in "（(" and text.find("）", rest, end) >= end - 2)
    limit = 45 if stop.group() == "。" else 20
    if not follows or stop.start() > limit or _RULE.search(words[: stop.start()]):
        return words_from, words_from
    return at, _skip(text, at, end)


#: Words by which a first sentence is a rule, and not the name of what follows.
_RULE: Final = re.compile(
    r"应当|(?<![供对适反相响效])应(?![用急对收付])|不得|是指|可以|必须|有下列|如下|下列|以下|所称|其中|本(?:通知|公告|办法|意见|规定|规则|决定)|将.{0,40}修改|删除|[“《].*[”》]的"
)


def _skip(text: str, start: int, end: int) -> int:
    while start < end and text[start] in " \t\r\n\u3000\xa0*_>\\":
        start += 1
    return min(start, end)


def _pieces(
    text: str,
    lines: list[Line],
    kinds: dict[int, tuple[str, int | None, int | None]],
    header: Header,
    signatures: list[Signature],
    governed: list[_Span],
    articles: list[Article],
) -> list[Piece]:
    """Cover the text with pieces, line by line; an article's first line is cut after its heading."""
    signed = {
        index: "date" if index == signature.day_line else "signature"
        for signature in signatures
        for index in range(signature.first, signature.last + 1)
    }
    body_to = governed[-1].last if governed else len(lines)
    first_kind = min(kinds, default=len(lines))
    pieces: list[Piece] = []

    def add(kind: str, start: int, end: int, article: int | None = None, chapter: int | None = None) -> None:
        if start >= end:
            return
        before = pieces[-1] if pieces else None
        if before and (before.kind, before.article, before.chapter) == (kind, article, chapter):
            pieces[-1] = Piece(kind, text[before.start : end], before.start, end, article, chapter)
        else:
            pieces.append(Piece(kind, text[start:end], start, end, article, chapter))

    for index, line in enumerate(lines):
        if line.blank:
            add(
                "blank" if not text[line.start : line.end].strip().startswith("<!--") else "markup",
                line.start,
                line.end,
            )
            continue
        if index in kinds:
            kind, article, chapter = kinds[index]
            if kind == "article" and article is not None:
                cut = min(max(articles[article].text_start, line.start), line.end)
                add("article_heading", line.start, cut, article, chapter)
                add("article_text", cut, line.end, article, chapter)
            elif kind == "chapter":
                is_heading = line.marker is not None and (
                    index - 1 not in kinds or kinds[index - 1][2] != chapter
                )
                add("chapter" if is_heading else "chapter_text", line.start, line.end, None, chapter)
            else:
                add(kind, line.start, line.end, None, chapter)
            continue
        add(_kind(index, line, header, signed, first_kind, body_to), line.start, line.end)
    return pieces


def _kind(
    index: int, line: Line, header: Header, signed: dict[int, str], first_kind: int, body_to: int
) -> str:
    for kind, among in (
        ("title", header.title_lines),
        ("document_no", header.number_lines),
        ("date", header.date_lines),
        ("history", header.history_lines),
        ("header", header.other_lines),
    ):
        if index in among:
            return kind
    if headers.is_note(line):
        return "note"
    if index in signed:
        return signed[index]
    if headers.is_attachment(line) or _FILES.fullmatch(line.words):
        return "attachment"
    if index >= body_to:
        return "annex"
    if index < first_kind:
        if (
            line.words.endswith(("：", ":"))
            and "。" not in line.words
            and not line.words.endswith(("下：", "下:"))
        ):
            return "addressee"
        if line.marker and line.marker.level in (Level.CHAPTER, Level.BOOK, Level.SECTION):
            return "contents"
        return "preamble"
    return "closing"
