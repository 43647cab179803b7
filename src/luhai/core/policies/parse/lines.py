"""The lines of a policy text: what is decoration, and which number a line begins with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .numerals import NUMERAL, number


class Level(StrEnum):
    """The numbering that a line begins with."""

    BOOK = "book"  # 第一编
    CHAPTER = "chapter"  # 第一章
    SECTION = "section"  # 第一节
    CLAUSE = "clause"  # 第一条
    HEAD = "head"  # 一、
    ITEM = "item"  # （一）
    POINT = "point"  # 1.


@dataclass(frozen=True, slots=True)
class Marker:
    level: Level
    number: int
    end: int  # offset in the text where the words after the number begin
    spaced: bool  # something parts the number from the words: "第一条　为", not "第一条为"
    suffix: int = 0  # 第十条之二 has 2


@dataclass(frozen=True, slots=True)
class Line:
    start: int
    end: int  # after the line break
    first: int  # offset of the first character that is not decoration
    last: int  # offset after the last such character
    words: str  # text[first:last]
    markdown: int  # the level of a Markdown heading, else 0
    bold: bool  # the whole line is **bold**
    marker: Marker | None
    quoted: bool = False  # inside quotation marks opened in an earlier line

    @property
    def blank(self) -> bool:
        return not self.words


_LEAD: Final = re.compile(
    r"(?:[\s\u3000\xa0\ufeff\u200b]|&(?:nbsp|ensp|emsp|#160);|>(?=[\s>]|$)|(?<![^\s>])[-+](?=\s)|[*_#])*"
)
_TRAIL: Final = re.compile(r"(?:[\s\u3000\xa0\ufeff\u200b*_\\]|&(?:nbsp|ensp|emsp|#160);|#)*$")
_SPACES: Final = r"[\s\u3000\xa0]*"
_BREAK: Final = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")

_NUMBER: Final = rf"(?:{NUMERAL}|[0-9０-９]{{1,4}})"
_MARKS: Final = (
    (Level.CLAUSE, re.compile(rf"第{_SPACES}({_NUMBER}){_SPACES}条(?:之({NUMERAL}))?")),
    (Level.CHAPTER, re.compile(rf"第{_SPACES}({_NUMBER}){_SPACES}章")),
    (Level.SECTION, re.compile(rf"第{_SPACES}({_NUMBER}){_SPACES}节")),
    (Level.BOOK, re.compile(rf"第{_SPACES}({_NUMBER}){_SPACES}(?:[编篇]|部分)")),
    (Level.HEAD, re.compile(rf"({NUMERAL}){_SPACES}[、．.]")),
    (Level.ITEM, re.compile(rf"[（(〔﹙]{_SPACES}({NUMERAL}){_SPACES}[）)〕﹚]")),
    (Level.POINT, re.compile(r"([0-9０-９]{1,3})\s*[.．、](?![0-9０-９])")),
)
_AFTER: Final = re.compile(r"[\s\u3000\xa0*_：:]*")
_FULL_STOPS: Final = "。；;，,"

#: An open quotation is given up after so many lines, since some texts never close theirs.
QUOTE_REACH: Final = 12


def split(text: str) -> list[Line]:
    """Cut a text into lines; joined, their spans cover every character of it once."""
    lines: list[Line] = []
    start, depth, opened_at = 0, 0, 0
    while start < len(text):
        found = _BREAK.search(text, start)
        stop, end = (found.start(), found.end()) if found else (len(text), len(text))
        if depth and len(lines) - opened_at > QUOTE_REACH:
            depth = 0
        line = _line(text, start, stop, end, quoted=depth > 0)
        lines.append(line)
        if line.words.startswith("“"):
            depth = 0  # each paragraph of a long quotation opens it anew
        before = depth
        for character in line.words:
            if character == "“":
                depth += 1
            elif character == "”":
                depth = max(0, depth - 1)
        if depth and not before:
            opened_at = len(lines)
        start = end
    return lines


def _line(text: str, start: int, stop: int, end: int, *, quoted: bool) -> Line:
    lead = _LEAD.match(text, start, stop)
    first = lead.end() if lead else start
    hashes = text[start:first].count("#")
    # Only the last few characters are searched: the pattern is anchored, and a line may be very long.
    tail_from = max(first, stop - 200)
    trail = _TRAIL.search(text, tail_from, stop)
    last = max(first, trail.start() if trail else stop)
    if text.startswith("<!--", first) and text.endswith("-->", first, last):
        return Line(start, end, first, first, "", 0, False, None)  # a comment of the file, not of the text
    words = text[first:last]
    bold = "**" in text[start:first] and "**" in text[last:stop]
    return Line(start, end, first, last, words, hashes, bold, _marker(text, first, last), quoted)


def _marker(text: str, first: int, last: int) -> Marker | None:
    for level, pattern in _MARKS:
        found = pattern.match(text, first, last)
        if found is None:
            continue
        value = number(found.group(1))
        if value is None:
            return None
        after = _AFTER.match(text, found.end(), last)
        end = after.end() if after else found.end()
        spaced = end > found.end() or end == last
        if level in (Level.BOOK, Level.CHAPTER, Level.SECTION) and (
            last - first > 60 or text[last - 1] in _FULL_STOPS or (not spaced and text[end] in "的规所中")
        ):
            return None  # "第三章的规定……。" speaks of a chapter; it does not open one
        if level is Level.HEAD and end < last and re.compile(rf"{NUMERAL}[、．.]").match(text, end, last):
            return None  # "一、二、三等奖"
        suffix = number(found.group(2)) or 0 if level is Level.CLAUSE and found.group(2) else 0
        return Marker(level, value, end, spaced, suffix)
    return None
