"""Words for searching Chinese and English texts in PostgreSQL, without an extension of it.

One tsvector carries two readings of a Chinese text. Its words, cut by a dictionary, weigh most; its pairs of
neighbouring characters weigh least and find what the dictionary cut elsewhere (担保费 in 担保费率). English goes in
as lower-case words. A query asks for all the words, or for the run of pairs as one phrase; synonyms widen the words.
Figures: `docs/algorithms/policy-parsing.md`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

import rjieba

_SYNONYMS: Final = Path(__file__).resolve().parents[4] / "data" / "policies" / "synonyms.txt"

_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff〇]+")
_LATIN: Final = re.compile(r"[a-z0-9]+(?:[.\-][a-z0-9]+)*")
_RUNS: Final = re.compile(f"({_HAN.pattern})|({_LATIN.pattern})")
#: A query is cut after so many characters; nobody types more, and each is work for the database.
QUERY_MAX: Final = 200
#: PostgreSQL keeps positions up to 16383, and a phrase is found only among them; longer texts are searched by word.
POSITION_MAX: Final = 16383
LEXEME_MAX: Final = 200


def fold(text: str) -> str:
    """One form of a text for searching: full-width letters and digits narrow, letters small."""
    return unicodedata.normalize("NFKC", text).lower().replace("\x00", " ")


def vector(text_zh: str, text_en: str = "") -> str:
    """The literal of a tsvector: words with weight A, Chinese character pairs with weight D, positions in order."""
    entries: dict[str, list[str]] = {}
    position = 0

    def put(lexeme: str, weight: str) -> None:
        nonlocal position
        position += 1
        places = entries.setdefault(lexeme[:LEXEME_MAX], [])
        if position <= POSITION_MAX and len(places) < 250:
            places.append(f"{position}{weight}")

    for word in words(text_zh):
        put(word, "A")
    position += 1
    for run in _HAN.findall(fold(text_zh)):
        for pair in _pairs(run):
            put(pair, "D")
        position += 1  # the gap keeps a phrase from running over a comma
    for word in _LATIN.findall(fold(text_en)):
        put(word, "A")
    for word in {*_LATIN.findall(fold(text_en)), *_LATIN.findall(fold(text_zh))}:
        for part in re.split(r"[.\-]", word) if not word.isalnum() else ():
            put(part, "B")  # "point-access" is found by either half
    return " ".join(
        f"{_quoted(lexeme)}:{','.join(places)}" if places else _quoted(lexeme) for lexeme, places in entries.items()
    )


def query(asked: str) -> str:
    """The literal of a tsquery for what a person typed; empty when nothing in it can be searched for."""
    asked = fold(asked)[:QUERY_MAX]
    parts: list[str] = []
    for chunk in asked.split():
        alternatives = [_words_query(chunk)]
        phrase = _phrase(chunk)
        if phrase:
            alternatives.append(phrase)
        for other in _alike(chunk):
            alternatives += [_words_query(other), _phrase(other)]
        alternatives = [part for part in dict.fromkeys(alternatives) if part]
        if alternatives:
            parts.append("(" + " | ".join(alternatives) + ")")
    return " & ".join(parts)


def words(text: str) -> list[str]:
    """The words of a text: Chinese by dictionary, long words with the words inside them; Latin in small letters."""
    found: list[str] = []
    for run in _RUNS.finditer(fold(text)):
        if run.group(1):
            found += [word for word in rjieba.cut_for_search(run.group(1)) if word.strip()]
        else:
            found.append(run.group(2))
    return found


def _words_query(chunk: str) -> str:
    return "(" + " & ".join(map(_quoted, dict.fromkeys(words(chunk)))) + ")" if words(chunk) else ""


def _phrase(chunk: str) -> str:
    """The chunk's runs of Chinese as phrases of pairs; a single character is asked for as the start of a pair."""
    runs = _HAN.findall(chunk)
    if not runs:
        return ""
    asked = [" <-> ".join(map(_quoted, _pairs(run))) if len(run) > 1 else f"{_quoted(run)}:*" for run in runs]
    asked += [_quoted(word) for word in _LATIN.findall(chunk)]
    return "(" + " & ".join(f"({part})" for part in asked) + ")"


def _pairs(run: str) -> list[str]:
    return [run] if len(run) == 1 else [run[at : at + 2] for at in range(len(run) - 1)]


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


@cache
def _groups() -> dict[str, tuple[str, ...]]:
    groups: dict[str, tuple[str, ...]] = {}
    for line in _SYNONYMS.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            group = tuple(map(fold, line.split()))
            for word in group:
                groups[word] = (*groups.get(word, ()), *group)
    return groups


def _alike(chunk: str) -> list[str]:
    return [word for word in dict.fromkeys(_groups().get(chunk, ())) if word != chunk]
