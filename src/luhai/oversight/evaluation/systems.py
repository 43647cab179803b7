"""Indicator systems as data: `data/evaluation/*.yaml`, read strictly, into the shapes of `method/system.py`.

Who: `commands` and `queries` read a system by its key and version; a cycle keeps the content it was planned with, and its digest.
Units: points and cuts are decimals in quotes; a value is in its item's unit (percent, times, bp, days, hours, points, count).
Refuses: BadSystem (file, place, what would be right). A wrong file is our own mistake, and nothing starts with it.
Source: domain notes on oversight §2.3–2.5; everything marked `confidence: proposal` is a proposal of this platform.

A source of an item says where its values come from:
    {kind: computed, of: <name in sources.COMPUTED>}            from facts of other subjects
    {kind: mixed, of: <name>, by: unit, shape: whole}           a computed part of a reported whole
    {kind: reported, by: unit | authority, shape: share | growth | number}
    {kind: awaited, of: <name in AWAITED>}                      no data, until that subject exists
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import rfc8785
import yaml
from django.conf import settings

from luhai.core.parties.territories import territories
from luhai.kernel.refusal import Absent

from .method.system import Dim, Form, Grade, Item, System, Veto, problems

UNITS: Final = ("percent", "times", "bp", "days", "hours", "points", "count")
FEEDS: Final = ("", "credit", "FX", "both")
SHAPES: Final = ("share", "growth", "number", "whole")
#: What is awaited, and the subject that will bring it.
AWAITED: Final = MappingProxyType(
    {
        "warnings": ("跨境资金流动预警（尚未建成）", "early warning of cross-border flows, not built yet"),
        "clues": ("监管线索协同（尚未建成）", "shared clues of supervision, not built yet"),
        "debt": ("地方债务风险监测（尚未建成）", "monitoring of local debt, not built yet"),
        "risk_reports": ("外汇风险交易报告（尚未建成）", "reports of risky transactions, not built yet"),
    }
)


class BadSystem(Exception):
    """A system file that may not be shipped."""

    def __init__(self, file: str, place: str, problem: str) -> None:
        super().__init__(f"{file}: {place}: {problem}")


@dataclass(frozen=True, slots=True)
class Source:
    """Where an item's values come from; `by` who reports it, `shape` how."""

    kind: str  # computed, mixed, reported, awaited
    of: str = ""
    by: str = ""  # unit, authority
    shape: str = ""
    least: Decimal | None = None
    most: Decimal | None = None

    @property
    def reported(self) -> bool:
        return self.kind in {"reported", "mixed"}


@dataclass(frozen=True, slots=True)
class Named:
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One item with what `method` need not know of it."""

    item: Item
    source: Source
    note: Named
    part: Named
    whole: Named


@dataclass(frozen=True, slots=True)
class Definition:
    """A system as shipped. `groups`: key -> (its names, its units or the sorts of institutions in it)."""

    system: System
    entries: Mapping[str, Entry]
    groups: Mapping[str, tuple[Named, tuple[str, ...]]]
    note: Named
    measures: tuple[str, ...]
    confidence: str
    content: Mapping[str, Any]

    @property
    def digest(self) -> str:
        return digest(self.content)


def digest(content: Any) -> str:
    """SHA-256 of the canonical form of plain values."""
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()


@cache
def shipped() -> Mapping[str, Definition]:
    """Every system that comes with the platform, by key and version ("territories.2026"). Read once a process."""
    found = {}
    for path in sorted((settings.DATA / "evaluation").glob("*.yaml")):
        one = load(path)
        found[f"{one.system.key}.{one.system.version}"] = one
    return MappingProxyType(found)


def definition(name: str) -> Definition:
    """One shipped system. Refuses: Absent."""
    found = shipped().get(name)
    if found is None:
        raise Absent(kind="indicator system", key=name)
    return found


def load(path: Path) -> Definition:
    """Read one file. Raises: BadSystem."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as fault:
        raise BadSystem(path.name, "file", str(fault)) from None
    return build(content, path.name)


def build(content: Any, file: str = "system") -> Definition:
    """A system from plain values: from a file, or from what a cycle has kept. Raises: BadSystem."""
    read = _Reader(file)
    top = read.mapping(content, "system", _TOP)
    kind = read.one_of(top["kind"], "kind", ("territory", "institution"))
    dims, entries = [], {}
    for at, given in enumerate(read.sequence(top["dimensions"], "dimensions")):
        dim = read.mapping(given, f"dimensions[{at}]", {"key", "title", "items"})
        key, name = read.text(dim["key"], f"dimensions[{at}].key"), read.named(dim["title"], f"dimensions[{at}].title")
        dims.append(Dim(key, name.zh, name.en))
        for row in read.sequence(dim["items"], f"{key}.items"):
            entry = _entry(read, row, key)
            if entry.item.key in entries:
                raise BadSystem(file, entry.item.key, "stands twice")
            entries[entry.item.key] = entry
    groups = {}
    for key, given in top["peer_groups"].items():
        holds = "units" if kind == "territory" else "sorts"
        group = read.mapping(given, f"peer_groups.{key}", {"zh", "en", holds})
        members = tuple(read.text(m, f"peer_groups.{key}.{holds}") for m in read.sequence(group[holds], f"peer_groups.{key}.{holds}"))
        groups[key] = (Named(group["zh"], group["en"]), members)
    title = read.named(top["title"], "title")
    system = System(
        read.text(top["key"], "key"), read.text(top["version"], "version"), kind, title.zh, title.en, tuple(dims),
        tuple(e.item for e in entries.values()), tuple(_grade(read, g) for g in read.sequence(top["grades"], "grades")),
        tuple(_veto(read, v) for v in read.sequence(top["vetoes"], "vetoes")),
        {k: members for k, (_, members) in groups.items()} if kind == "territory" else {},
        read.number(top["coverage_min"], "coverage_min"),
    )  # fmt: skip
    if faults := problems(system):
        raise BadSystem(file, faults[0].partition(":")[0], faults[0].partition(": ")[2])
    if kind == "territory" and {u for _, members in groups.values() for u in members} != set(territories()):
        raise BadSystem(file, "peer_groups", "each territory of the corridor once")
    return Definition(
        system, MappingProxyType(entries), MappingProxyType(groups), read.named(top["note"], "note"),
        tuple(read.sequence(top["measures"], "measures")), read.one_of(top["confidence"], "confidence", ("proposal", "official")), content,
    )  # fmt: skip


_TOP: Final = {
    "key", "version", "kind", "confidence", "measures", "title", "note", "coverage_min", "peer_groups", "grades", "vetoes", "dimensions",
}  # fmt: skip
_ITEM: Final = {"id", "title", "points", "polarity", "unit", "goalposts", "source", "formula"}
_ITEM_MAY: Final = {"form", "must_report", "feed", "note", "parts"}


def _entry(read: _Reader, row: Any, dim: str) -> Entry:
    given = read.mapping(row, f"{dim}.items", _ITEM, _ITEM_MAY)
    key = read.text(given["id"], f"{dim}.items.id")
    name, formula = read.named(given["title"], f"{key}.title"), read.named(given["formula"], f"{key}.formula")
    posts = read.sequence(given["goalposts"], f"{key}.goalposts")
    if len(posts) != 2:
        raise BadSystem(read.file, f"{key}.goalposts", "the value for no points and the value for all")
    source = _source(read, given["source"], key)
    must = given.get("must_report", source.reported)
    if not isinstance(must, bool):
        raise BadSystem(read.file, f"{key}.must_report", "true or false")
    parts = read.mapping(given.get("parts", {}), f"{key}.parts", set(), {"part", "whole"})
    wanted = {"share": {"part", "whole"}, "growth": {"part", "whole"}, "whole": {"whole"}}.get(source.shape, set())
    if set(parts) != wanted:
        raise BadSystem(read.file, f"{key}.parts", f"names for {', '.join(sorted(wanted)) or 'nothing'}")
    item = Item(
        key, name.zh, name.en, dim, read.number(given["points"], f"{key}.points"), given["polarity"],
        Form(read.one_of(given.get("form", "baseline"), f"{key}.form", tuple(Form))),
        (read.number(posts[0], f"{key}.goalposts"), read.number(posts[1], f"{key}.goalposts")), must,
        read.one_of(given.get("feed", ""), f"{key}.feed", FEEDS), formula.zh, formula.en,
        read.one_of(given["unit"], f"{key}.unit", UNITS), source.kind,
    )  # fmt: skip
    blank = {"zh": "", "en": ""}
    return Entry(item, source, *(Named(**(given.get("note") or blank)) if n == "note" else Named(**parts.get(n, blank)) for n in ("note", "part", "whole")))  # fmt: skip


def _source(read: _Reader, given: Any, key: str) -> Source:
    row = read.mapping(given, f"{key}.source", {"kind"}, {"of", "by", "shape", "least", "most"})
    kind = read.one_of(row["kind"], f"{key}.source.kind", ("computed", "mixed", "reported", "awaited"))
    needs = {"computed": {"of"}, "mixed": {"of", "by", "shape"}, "reported": {"by", "shape"}, "awaited": {"of"}}[kind]
    if not needs <= set(row):
        raise BadSystem(read.file, f"{key}.source", f"needs {', '.join(sorted(needs))}")
    if kind == "awaited":
        read.one_of(row["of"], f"{key}.source.of", tuple(AWAITED))
    if "by" in row:
        read.one_of(row["by"], f"{key}.source.by", ("unit", "authority"))
        read.one_of(row["shape"], f"{key}.source.shape", SHAPES)
    limits = [read.number(row[n], f"{key}.source.{n}") if n in row else None for n in ("least", "most")]
    return Source(kind, row.get("of", ""), row.get("by", ""), row.get("shape", ""), *limits)


def _grade(read: _Reader, given: Any) -> Grade:
    row = read.mapping(given, "grades", {"key", "zh", "en", "cut"}, {"quota"})
    quota = read.number(row["quota"], f"grades.{row['key']}.quota") if "quota" in row else None
    return Grade(row["key"], row["zh"], row["en"], read.number(row["cut"], f"grades.{row['key']}.cut"), quota)


def _veto(read: _Reader, given: Any) -> Veto:
    row = read.mapping(given, "vetoes", {"key", "zh", "en"}, {"cap", "deduct"})
    return Veto(row["key"], row["zh"], row["en"], row.get("cap"), read.number(row.get("deduct", "0"), f"vetoes.{row['key']}.deduct"))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Strict reading: every key is known and there, every number stands in quotes."""

    file: str

    def mapping(self, given: Any, place: str, needs: set[str], may: set[str] | None = None) -> dict[str, Any]:
        if not isinstance(given, Mapping):
            raise BadSystem(self.file, place, "a mapping")
        if missing := needs - set(given):
            raise BadSystem(self.file, place, f"lacks {', '.join(sorted(missing))}")
        if surplus := set(given) - needs - (may or set()):
            raise BadSystem(self.file, place, f"does not know {', '.join(sorted(map(str, surplus)))}")
        return dict(given)

    def sequence(self, given: Any, place: str) -> list[Any]:
        if not isinstance(given, list):
            raise BadSystem(self.file, place, "a list")
        return given

    def text(self, given: Any, place: str) -> str:
        if not isinstance(given, str) or not given.strip():
            raise BadSystem(self.file, place, "a text")
        return given

    def named(self, given: Any, place: str) -> Named:
        row = self.mapping(given, place, {"zh", "en"})
        return Named(self.text(row["zh"], f"{place}.zh"), self.text(row["en"], f"{place}.en"))

    def number(self, given: Any, place: str) -> Decimal:
        try:
            found = Decimal(given) if isinstance(given, str) else None
        except InvalidOperation:
            found = None
        if found is None or not found.is_finite():
            raise BadSystem(self.file, place, "a number in quotes")
        return found

    def one_of(self, given: Any, place: str, words: tuple[str, ...]) -> str:
        if given not in words:
            raise BadSystem(self.file, place, f"one of {', '.join(w or '(empty)' for w in words)}")
        return str(given)
