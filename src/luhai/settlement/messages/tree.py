"""From bytes to elements that know where they stand.

    root = tree.parse(data)
    place = tree.Place(element, "Document")
    place.word("GrpHdr", "MsgId")               # "" if there is none
    place.each("CdtTrfTxInf")                   # [Place, …]

The reading trusts nothing: size, depth and number of elements are bounded, a DOCTYPE (hence an entity) is refused, and
nothing is fetched. Elements are asked for by local name; which namespace they are in was settled before, by the schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final, NoReturn

from lxml import etree

from luhai.core.evidence.formats import tree as documents
from luhai.kernel.refusal import Invalid, gettext_noop

#: Refusals of the whole name this field.
WHOLE: Final = "message"
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 64
MAX_ELEMENTS: Final = 200_000

TOO_LARGE = gettext_noop("A message of at most 4 MiB is wanted.")
EMPTY = gettext_noop("The message is empty.")
NOT_UTF8 = gettext_noop("The text is not UTF-8, the only encoding of ISO 20022.")
NOT_XML = gettext_noop("An XML message of ISO 20022 is wanted.")
TOO_DEEP = gettext_noop("Nested too deeply; at most 64 levels are read.")
TOO_MANY = gettext_noop("Too many elements; at most 200,000 are read.")
MISSING = gettext_noop("This is missing.")
WANT_DAY = gettext_noop("A day from year 1 to 9999 is wanted, such as 2026-03-02.")
WANT_INSTANT = gettext_noop("An instant from year 1 to 9999 is wanted, such as 2026-03-02T12:00:00+08:00.")

_DAY: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def refuse(path: str, problem: str) -> NoReturn:
    raise Invalid(field=path or WHOLE, problem=problem)


def local(element: etree._Element) -> str:
    return str(etree.QName(element).localname)


def namespace(element: etree._Element) -> str:
    return str(etree.QName(element).namespace or "")


class Place:
    """One element, with its path."""

    __slots__ = ("element", "path")

    def __init__(self, element: etree._Element, path: str) -> None:
        self.element = element
        self.path = path

    @property
    def name(self) -> str:
        return local(self.element)

    def refuse(self, problem: str) -> NoReturn:
        refuse(self.path, problem)

    # Going down ----------------------------------------------------------------------------------------------

    def at(self, *names: str) -> Place | None:
        """The first element along `names`, or None."""
        place: Place | None = self
        for name in names:
            found = place.each(name) if place is not None else []
            place = found[0] if found else None
        return place

    def first(self, *ways: str) -> Place | None:
        """The first of several ways (slashes within) that leads anywhere: names differ between versions."""
        return next((place for way in ways if (place := self.at(*way.split("/"))) is not None), None)

    def each(self, name: str) -> list[Place]:
        found = [child for child in self.element if local(child) == name]
        return [Place(child, f"{self.path}/{name}{_numbered(i, found)}") for i, child in enumerate(found, 1)]

    def children(self) -> list[Place]:
        """All child elements, in order."""
        counted: dict[str, list[Place]] = {}
        for child in self.element:
            name = local(child)
            if name not in counted:
                counted[name] = self.each(name)
        waiting = {name: iter(places) for name, places in counted.items()}
        return [next(waiting[local(child)]) for child in self.element]

    def all(self, *names: str) -> list[Place]:
        """Every element along `names`."""
        places = [self]
        for name in names:
            places = [below for place in places for below in place.each(name)]
        return places

    def every(self, *names: str) -> Iterator[Place]:
        """Elements of these names at any depth, supplementary data left aside."""
        waiting = [self]
        while waiting:
            place = waiting.pop()
            if place.name in names:
                yield place
            waiting.extend(reversed([p for p in place.children() if p.name not in {"SplmtryData", "Sgntr"}]))

    # What stands here ----------------------------------------------------------------------------------------

    def text(self) -> str:
        return (self.element.text or "").strip()

    def word(self, *names: str) -> str:
        """The text along `names`, or an empty one."""
        place = self.at(*names)
        return "" if place is None else place.text()

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(place.text() for place in self.each(name))

    def attribute(self, name: str) -> str:
        return (self.element.get(name) or "").strip()

    def decimal(self) -> Decimal:
        """A number that the schema has checked."""
        return Decimal(self.text())

    def day(self) -> date:
        """The calendar day of a date, of an instant, or of a choice between them."""
        chosen = self.first("Dt", "DtTm")
        if chosen is not None:
            return chosen.day()
        found = self.text()
        match = _DAY.fullmatch(found.partition("T")[0] if "T" in found else found)
        try:
            if match is None:
                raise ValueError(found)
            return date.fromisoformat(match[1])
        except ValueError:
            self.refuse(WANT_DAY)

    def instant(self) -> datetime | None:
        """The instant, at the offset written; None if no offset is written. Beyond microseconds is dropped."""
        match = _INSTANT.fullmatch(self.text())
        try:
            if match is None:
                raise ValueError(self.text())
            moment = datetime.fromisoformat(match[1])
            if match[3] is None:
                return None
            moment = moment.replace(
                microsecond=int((match[2] or "0")[:6].ljust(6, "0")), tzinfo=_offset(match[3])
            )
            moment.astimezone(UTC)  # an instant that has none cannot be compared
            return moment
        except (ValueError, OverflowError):
            self.refuse(WANT_INSTANT)


def _numbered(index: int, found: list[etree._Element]) -> str:
    return f"[{index}]" if len(found) > 1 else ""


def _offset(zone: str) -> timezone:
    if zone == "Z":
        return UTC
    distance = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return timezone(-distance if zone[0] == "-" else distance)


def parse(data: bytes) -> etree._Element:
    """Read bytes as XML. Refuses what is too large, too deep, not UTF-8, no XML, or has a DOCTYPE."""
    if not data.strip():
        refuse(WHOLE, EMPTY)
    if len(data) > MAX_BYTES:
        refuse(WHOLE, TOO_LARGE)
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        refuse(WHOLE, NOT_UTF8)
    if text[:1] != "<":
        refuse(WHOLE, NOT_XML)
    return documents.root_of(
        text, whole=WHOLE, no_xml=NOT_XML, deepest=(MAX_DEPTH, TOO_DEEP), most=(MAX_ELEMENTS, TOO_MANY)
    )
