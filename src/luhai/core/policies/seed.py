"""The policy documents that come with the platform, each with its measures cut by hand.

A document `data/policies/NAME.md` has its measures in `NAME.measures.csv`. Each measure quotes the text by
character offsets; reading checks that every quote is what stands there, and refuses the whole file otherwise.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .parse.decoding import decode
from .propose import Modality

COLUMNS: Final = (
    "id", "article", "article_title", "quote", "char_start", "char_end", "item", "title_en", "modality", "actor",
    "territory", "condition", "tag",
)  # fmt: skip


class SeedBroken(ValueError):
    """A measures file does not fit its document; the message names the measure and what is wrong."""


@dataclass(frozen=True, slots=True)
class SeedMeasure:
    """One measure as cut by hand. `start` and `end` are offsets in the document's text."""

    code: str  # M12-01
    article: int
    quote: str
    start: int
    end: int
    item: str  # the part of the quote's enumeration that is meant
    title_en: str
    modality: Modality
    actors: tuple[str, ...]  # a star after a code: not named in the text, inferred from competence
    territory: str  # as written: ALL, COND, ASEAN, ABROAD, or codes of provinces
    condition: str
    tag: str


@dataclass(frozen=True, slots=True)
class Seed:
    name: str
    text: str
    measures: tuple[SeedMeasure, ...]


def read(document: Path) -> Seed:
    """Read a document and, where there is one, its measures file. Raises SeedBroken, NotText, OSError."""
    text = decode(document.read_bytes())
    table = document.with_suffix(".measures.csv")
    measures = read_measures(text, decode(table.read_bytes())) if table.exists() else ()
    return Seed(document.name, text, measures)


def read_measures(text: str, table: str) -> tuple[SeedMeasure, ...]:
    """Read a measures table against the text that it quotes; the order of the table is kept."""
    lines = csv.DictReader(io.StringIO(table.removeprefix("\ufeff")))
    missing = [name for name in COLUMNS if name not in (lines.fieldnames or ())]
    if missing:
        raise SeedBroken(f"the measures file lacks the columns {', '.join(missing)}")
    measures: list[SeedMeasure] = []
    seen: set[str] = set()
    for row in lines:
        code = row["id"]
        if code in seen:
            raise SeedBroken(f"measure {code} stands twice")
        seen.add(code)
        try:
            start, end, article = int(row["char_start"]), int(row["char_end"]), int(row["article"])
            modality = Modality(row["modality"])
        except ValueError as fault:
            raise SeedBroken(f"measure {code}: {fault}") from None
        if not 0 <= start < end <= len(text) or text[start:end] != row["quote"]:
            raise SeedBroken(f"measure {code}: the text from {start} to {end} is not its quote")
        measures.append(
            SeedMeasure(
                code, article, row["quote"], start, end, row["item"], row["title_en"], modality,
                tuple(row["actor"].split(";")), row["territory"], row["condition"], row["tag"],
            )
        )  # fmt: skip
    return tuple(measures)
