"""Rows of a gov.cn dump as texts with the publisher's own metadata: ground truth for the parser."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Published:
    id: str
    text: str
    title: str
    issuer: str
    document_no: str
    written: str  # the dump's column; its months are one too many, a fault of whoever made it


def published(dump: Path) -> Iterator[Published]:
    statements = gzip.decompress(dump.read_bytes()).decode("utf-8")
    for statement in re.finditer(r"insert into ge_policy_raw \(([^)]*)\) values \(", statements):
        row = dict(zip((c.strip() for c in statement.group(1).split(",")), _values(statements, statement.end()), strict=True))
        yield Published(
            str(row["id"]), _text(row["content"] or ""), row["title"] or "", row["release_office"] or "",
            row["release_number"] or "", (row["wiritten_time"] or "")[:10],
        )  # fmt: skip


def _values(sql: str, at: int) -> list[str | None]:
    values: list[str | None] = []
    while True:
        while sql[at] in " \n":
            at += 1
        if sql[at] == "'":
            letters, at = [], at + 1
            while not (sql[at] == "'" and sql[at + 1] != "'"):
                if sql[at] == "\\":
                    letters.append({"n": "\n", "t": "\t", "r": "\r"}.get(sql[at + 1], sql[at + 1]))
                    at += 2
                else:
                    letters.append(sql[at])
                    at += 2 if sql[at] == "'" else 1
            values.append("".join(letters))
            at += 1
        else:
            end = min(found for found in (sql.find(",", at), sql.find(")", at)) if found >= 0)
            word = sql[at:end].strip()
            values.append(None if word == "null" else word)
            at = end
        while sql[at] in " \n":
            at += 1
        if sql[at] == ")":
            return values
        at += 1


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "br":
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"p", "tr", "div", "h1", "h2", "table", "li"}:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(re.sub(r"[ \t\r\n]+", " ", data))


def _text(html: str) -> str:
    reader = _Text()
    reader.feed(html)
    reader.close()
    lines = [line.strip(" ") for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
