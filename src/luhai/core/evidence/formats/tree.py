"""From bytes to a tree that can be asked politely.

    place = tree.parse(data)            # JSON or XML, whichever it is
    place.need("document", "number").text()
    place.each("goods")                 # [Place, Place …]

A Place knows its path in the document, so that every refusal names the field. Both kinds of tree answer the same
questions. The reading itself trusts nothing: size, depth and number of nodes are bounded; JSON may hold no key twice,
no NaN and no number that cannot be told apart from infinity; XML may hold no DOCTYPE (hence no entity), and nothing is
fetched. Whatever is wrong is `Invalid`; no exception of a library leaves this module.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from lxml import etree

from luhai.core.evidence.formats.document import Remark
from luhai.kernel import identifiers
from luhai.kernel.money import EXPONENT, MAX_MINOR, Currency
from luhai.kernel.refusal import Invalid, gettext_noop

#: Refusals of the whole name this field.
WHOLE: Final = "document"
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 48
MAX_NODES: Final = 200_000
MAX_TEXT: Final = 200_000
MAX_DIGITS: Final = 40

TOO_LARGE = gettext_noop("A document of at most 4 MiB is wanted.")
EMPTY = gettext_noop("The document is empty.")
NOT_UTF8 = gettext_noop("The text is not UTF-8.")
NOT_A_DOCUMENT = gettext_noop("A JSON object or an XML document is wanted.")
TOO_DEEP = gettext_noop("Nested too deeply; at most 48 levels are read.")
TOO_MANY = gettext_noop("Too many parts; at most 200,000 are read.")
TWICE = gettext_noop("This key stands twice in its object.")
ODD_CHARACTER = gettext_noop("A character here cannot be stored (NUL or half a surrogate pair).")
NUMBER_TOO_LONG = gettext_noop("A number of at most 40 digits is wanted.")
NO_DOCTYPE = gettext_noop("A DOCTYPE is not read, since it may define entities.")
MISSING = gettext_noop("This is missing.")
BLANK = gettext_noop("This is empty.")
WANT_TEXT = gettext_noop("A text is wanted.")
WANT_OBJECT = gettext_noop("An object is wanted.")
WANT_LIST = gettext_noop("A list is wanted.")
WANT_NUMBER = gettext_noop("A number is wanted, such as 12.50.")
WANT_WHOLE = gettext_noop("A whole number is wanted.")
WANT_POSITIVE = gettext_noop("An amount above zero is wanted.")
WANT_DAY = gettext_noop("A day is wanted, such as 2026-03-02.")
WANT_INSTANT = gettext_noop("An instant with its zone is wanted, such as 2026-03-02T12:00:00+08:00.")
WANT_YES_NO = gettext_noop("true or false is wanted.")
WANT_CURRENCY = gettext_noop("A currency is wanted, in its three letters.")
NOT_HANDLED = gettext_noop("This currency is not handled; the amount stays in the document only.")
NOT_EXACT = gettext_noop("This cannot be paid exactly: it has more decimal places than the currency.")
TOO_MUCH = gettext_noop("This is more than can be counted (2^53 - 1 minor units).")
PLACEHOLDER = gettext_noop("A placeholder stands here; fill in the value.")

#: {CBR}, ${x}, {{id}}, <<x>>, and TRANSPORT_DOCUMENT_REFERENCE_PLACEHOLDER: a template that nobody filled in.
_PLACEHOLDER: Final = re.compile(r"^\s*(?:\$?\{{1,2}[^{}]*\}{1,2}|<<[^<>]*>>|[A-Z0-9_]+_PLACEHOLDER)\s*$")


def refuse(path: str, problem: str) -> NoReturn:
    raise Invalid(field=path or WHOLE, problem=problem)


class Place(ABC):
    """One spot of a document, with its path."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def refuse(self, problem: str) -> NoReturn:
        refuse(self.path, problem)

    # Going down ----------------------------------------------------------------------------------------------

    @abstractmethod
    def _child(self, name: str) -> Place | None: ...

    @abstractmethod
    def each(self, name: str) -> list[Place]:
        """The items of the list `name`, or the elements of that name; none if there is none."""

    @abstractmethod
    def names(self) -> list[str]: ...

    @abstractmethod
    def below(self, name: str) -> str:
        """The path that a child of this name has or would have."""

    @abstractmethod
    def payload(self) -> Any: ...

    @abstractmethod
    def _text(self) -> str: ...

    def at(self, *names: str) -> Place | None:
        """The child along `names`; None if there is none or it is empty."""
        place: Place | None = self
        for name in names:
            if place is None:
                return None
            place = place._child(name)
        return place if place is not None and not place.blank() else None

    def need(self, *names: str) -> Place:
        """The child along `names`; refused if missing or empty."""
        place: Place = self
        for name in names:
            child = place._child(name)
            if child is None:
                refuse(place.below(name), MISSING)
            place = child
        if place.blank():
            place.refuse(BLANK)
        return place

    def some(self, name: str) -> list[Place]:
        """The items of `name`, of which there must be one."""
        return self.each(name) or refuse(self.below(name), MISSING)

    @abstractmethod
    def blank(self) -> bool: ...

    def word(self, *names: str) -> str:
        """The text along `names`, or an empty one."""
        place = self.at(*names)
        return "" if place is None else place.text()

    # What stands here ----------------------------------------------------------------------------------------

    def text(self, *, most: int = MAX_TEXT) -> str:
        """The text without blanks around it. A placeholder of a template is refused."""
        found = self._text().strip()
        if not found:
            self.refuse(BLANK)
        if len(found) > most:
            self.refuse(f"A text of at most {most} characters is wanted.")
        if _PLACEHOLDER.match(found):
            self.refuse(PLACEHOLDER)
        return found

    def one_of(self, known: Iterable[str]) -> str:
        found = self.text()
        known = list(known)
        if found not in known:
            self.refuse(f"One of {', '.join(known)} is wanted.")
        return found

    def matching(self, pattern: re.Pattern[str], problem: str) -> str:
        found = self.text()
        if not pattern.fullmatch(found):
            self.refuse(problem)
        return found

    def decimal(self) -> Decimal:
        found = self.text()
        if len(found) > MAX_DIGITS or not _NUMBER.fullmatch(found):
            self.refuse(WANT_NUMBER)
        try:
            number = Decimal(found)
        except InvalidOperation:
            self.refuse(WANT_NUMBER)
        if abs(number.adjusted()) > MAX_DIGITS:
            self.refuse(NUMBER_TOO_LONG)
        return number

    def whole(self) -> int:
        number = self.decimal()
        if number != number.to_integral_value():
            self.refuse(WANT_WHOLE)
        return int(number)

    def currency(self) -> Currency:
        found = self.text()
        if not re.fullmatch("[A-Z]{3}", found):
            self.refuse(WANT_CURRENCY)
        if found not in Currency.__members__:
            self.refuse(f"This currency is not handled; one of {', '.join(Currency)} is wanted.")
        return Currency(found)

    def minor(self, currency: Currency, *, negative: bool = False) -> int:
        """The amount in whole minor units. Refuses what those cannot express, and what is not above zero."""
        number = self.decimal()
        units = number.scaleb(EXPONENT[currency])
        if units != units.to_integral_value():
            self.refuse(NOT_EXACT)
        if abs(units) > MAX_MINOR:
            self.refuse(TOO_MUCH)
        if not negative and units <= 0:
            self.refuse(WANT_POSITIVE)
        return int(units)

    def day(self) -> date:
        found = self.text()
        try:
            if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", found, re.ASCII):
                raise ValueError
            return date.fromisoformat(found)
        except ValueError:
            self.refuse(WANT_DAY)

    def instant(self) -> datetime:
        """An ISO 8601 instant with its zone; parts of a second beyond microseconds are dropped."""
        moment = _instant(self.text())
        if moment is None:
            self.refuse(WANT_INSTANT)
        return moment

    def identifier(self, kind: identifiers.Kind) -> str:
        """An identifier whose arithmetic holds, in its canonical form."""
        return identifiers.check(kind, self.text(most=64), field=self.path)

    def identifier_or_remark(self, kind: identifiers.Kind, remarks: list[Remark]) -> str:
        """As `identifier`, but what does not hold is kept as written and remarked: foreign papers are often off."""
        found = self.text(most=200)
        try:
            return identifiers.check(kind, found, field=self.path)
        except Invalid as wrong:
            remarks.append(Remark(field=self.path, problem=str(wrong.facts["problem"])))
            return found


_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_INSTANT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,20}))?)?(Z|z|[+-]\d\d:?\d\d)", re.ASCII
)


def _instant(text: str) -> datetime | None:
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        local = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")), tzinfo=offset(zone),
        )  # fmt: skip
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def offset(zone: str) -> timezone:
    """Z, +08:00, +0800 or +08. Raises ValueError beyond the 14 hours that are in use."""
    if zone in "Zz":
        return UTC
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        raise ValueError(zone)
    distance = timedelta(hours=hours, minutes=minutes)
    return timezone(-distance if zone[0] == "-" else distance)


# JSON ---------------------------------------------------------------------------------------------------------


class JsonPlace(Place):
    __slots__ = ("value",)

    def __init__(self, value: Any, path: str = "") -> None:
        super().__init__(path)
        self.value = value

    def below(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _child(self, name: str) -> Place | None:
        if not isinstance(self.value, dict):
            self.refuse(WANT_OBJECT)
        found = self.value.get(name)
        return None if found is None else JsonPlace(found, self.below(name))

    def each(self, name: str) -> list[Place]:
        child = self._child(name)
        if child is None:
            return []
        assert isinstance(child, JsonPlace)
        return child.items()

    def items(self) -> list[Place]:
        if not isinstance(self.value, list):
            self.refuse(WANT_LIST)
        return [JsonPlace(item, f"{self.path}[{index}]") for index, item in enumerate(self.value)]

    def names(self) -> list[str]:
        return list(self.value) if isinstance(self.value, dict) else []

    def blank(self) -> bool:
        return (
            self.value is None
            or self.value in ("", [], {})
            or (isinstance(self.value, str) and not self.value.strip())
        )

    def _text(self) -> str:
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, bool) or not isinstance(self.value, int | Decimal):
            self.refuse(WANT_TEXT)
        return str(self.value)

    def yes(self) -> bool:
        if not isinstance(self.value, bool):
            self.refuse(WANT_YES_NO)
        return self.value

    def payload(self) -> Any:
        return _plain(self.value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal) or (isinstance(value, int) and abs(value) > 2**53 - 1):
        return str(value)
    return value


class _Doubled(dict[str, Any]):
    """An object that held `key` twice; found again when the path is known."""

    key: str


class _BadNumber(str):
    """A number that is none, or too long; found again when the path is known."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    doubled = _Doubled(found)
    doubled.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return doubled


def _integer(text: str) -> Any:
    return int(text) if len(text) <= MAX_DIGITS else _BadNumber(text[:MAX_DIGITS])


def _fraction(text: str) -> Any:
    if len(text) > MAX_DIGITS:
        return _BadNumber(text[:MAX_DIGITS])
    number = Decimal(text)
    return number if number.is_finite() and abs(number.adjusted()) <= MAX_DIGITS else _BadNumber(text)


def parse_json(text: str) -> JsonPlace:
    try:
        value = json.loads(
            text,
            object_pairs_hook=_pairs,
            parse_int=_integer,
            parse_float=_fraction,
            parse_constant=_BadNumber,
        )
    except json.JSONDecodeError as wrong:
        refuse(f"line {wrong.lineno}, column {wrong.colno}", f"This is not JSON: {wrong.msg}.")
    except RecursionError:
        refuse(WHOLE, TOO_DEEP)
    except (ValueError, InvalidOperation):
        refuse(WHOLE, NOT_A_DOCUMENT)
    _inspect(value)
    return JsonPlace(value)


def _inspect(value: Any) -> None:
    """Refuse, with its path, whatever the parser let through."""
    waiting: list[tuple[Any, str, int]] = [(value, "", 1)]
    count = 0
    while waiting:
        here, path, depth = waiting.pop()
        count += 1
        if count > MAX_NODES:
            refuse(WHOLE, TOO_MANY)
        if depth > MAX_DEPTH:
            refuse(path, TOO_DEEP)
        if isinstance(here, dict):
            if isinstance(here, _Doubled):
                refuse(f"{path}.{_sound(here.key, path)}".lstrip("."), TWICE)
            for name, item in here.items():
                waiting.append((item, f"{path}.{_sound(name, path)}".lstrip("."), depth + 1))
        elif isinstance(here, list):
            waiting.extend((item, f"{path}[{index}]", depth + 1) for index, item in enumerate(here))
        elif isinstance(here, _BadNumber):
            refuse(path, NUMBER_TOO_LONG if here[-1:].isdigit() else WANT_NUMBER)
        elif isinstance(here, str):
            _sound(here, path)


def _sound(text: str, path: str) -> str:
    # PostgreSQL stores neither NUL nor a lone surrogate, and RFC 8785 has no bytes for the latter.
    if "\x00" in text or (not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text)):
        refuse(path, ODD_CHARACTER)
    return text


# XML ----------------------------------------------------------------------------------------------------------


class XmlPlace(Place):
    __slots__ = ("element",)

    def __init__(self, element: etree._Element, path: str) -> None:
        super().__init__(path)
        self.element = element

    @property
    def tag(self) -> str:
        return local(self.element)

    @property
    def namespace(self) -> str:
        return str(etree.QName(self.element).namespace or "")

    def below(self, name: str) -> str:
        return f"{self.path}/{name}"

    def _child(self, name: str) -> Place | None:
        if name.startswith("@"):
            found = self.element.get(name[1:])
            return None if found is None else _Attribute(found, self.below(name))
        element = next((child for child in self.element if local(child) == name), None)
        return None if element is None else XmlPlace(element, self.below(name))

    def each(self, name: str) -> list[Place]:
        found = [child for child in self.element if local(child) == name]
        if len(found) == 1:
            return [XmlPlace(found[0], self.below(name))]
        return [
            XmlPlace(child, f"{self.below(name)}[{number}]") for number, child in enumerate(found, start=1)
        ]

    def names(self) -> list[str]:
        return [local(child) for child in self.element]

    def children(self) -> list[XmlPlace]:
        places: list[XmlPlace] = []
        for name in dict.fromkeys(self.names()):
            places.extend(place for place in self.each(name) if isinstance(place, XmlPlace))
        return places

    def blank(self) -> bool:
        return not len(self.element) and not (self.element.text or "").strip() and not self.element.attrib

    def _text(self) -> str:
        if len(self.element):
            self.refuse(WANT_TEXT)
        return self.element.text or ""

    def payload(self) -> Any:
        return {self.tag: _object(self.element)}


class _Attribute(JsonPlace):
    """An attribute's value: a text with a path."""


def local(element: etree._Element) -> str:
    return str(etree.QName(element).localname)


def _object(element: etree._Element) -> Any:
    here = etree.QName(element).namespace
    found: dict[str, Any] = {f"@{name!s}": str(value) for name, value in element.attrib.items()}
    for child in element:
        name = etree.QName(child)
        key = str(name.localname) if name.namespace == here else f"{{{name.namespace or ''}}}{name.localname}"
        value = _object(child)
        if key not in found:
            found[key] = value
        elif isinstance(found[key], list):
            found[key].append(value)
        else:
            found[key] = [found[key], value]
    text = (element.text or "").strip()
    if not found:
        return text
    return {**found, "#text": text} if text else found


def root_of(text: str, *, whole: str, no_xml: str, deepest: tuple[int, str], most: tuple[int, str]) -> etree._Element:
    """The root of an XML text of a stranger: no DOCTYPE, nothing fetched, no more and no deeper than is said.

    `whole` names the text in refusals; `no_xml` is what is said of what is none; the limits come with their words.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Invalid(field=whole, problem=NO_DOCTYPE)
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, remove_comments=True, remove_pis=True, recover=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as wrong:
        line, column = wrong.position
        refuse(f"line {line}, column {column}", f"This is not XML: {str(wrong.msg).partition(', line')[0]}.")
    except (etree.LxmlError, ValueError):
        raise Invalid(field=whole, problem=no_xml) from None
    waiting = [(root, 1)]
    count = 0
    while waiting:
        element, depth = waiting.pop()
        count += 1 + len(element.attrib)
        if count > most[0]:
            raise Invalid(field=whole, problem=most[1])
        if depth > deepest[0]:
            raise Invalid(field=whole, problem=deepest[1])
        waiting.extend((child, depth + 1) for child in element)
    return root


def parse_xml(text: str) -> XmlPlace:
    root = root_of(
        text, whole=WHOLE, no_xml=NOT_A_DOCUMENT, deepest=(MAX_DEPTH, TOO_DEEP), most=(MAX_NODES, TOO_MANY)
    )
    return XmlPlace(root, f"/{local(root)}")


# Either -------------------------------------------------------------------------------------------------------


def parse(data: bytes) -> JsonPlace | XmlPlace:
    """Read bytes as JSON or XML, by their first character."""
    if not data.strip():
        refuse(WHOLE, EMPTY)
    if len(data) > MAX_BYTES:
        refuse(WHOLE, TOO_LARGE)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        refuse(WHOLE, NOT_UTF8)
    # A tab before the XML declaration is no XML, yet it is found in published examples; nothing hangs on it.
    text = text.strip()
    if text[:1] in "{[":
        return parse_json(text)
    if text[:1] == "<":
        return parse_xml(text)
    refuse(WHOLE, NOT_A_DOCUMENT)
