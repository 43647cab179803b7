"""The XML schemas of ISO 20022, and what they say turned into refusals that name the element.

Shipped in data/messages/iso20022.zip, unchanged; data/messages/SOURCES.md says from where. Nothing is fetched. A message
is held against the schema of the namespace that it declares, before anything in it is looked at.
"""

from __future__ import annotations

import re
import zipfile
from copy import deepcopy
from functools import cache
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any, Final, NoReturn

from lxml import etree

from luhai.kernel.refusal import Invalid, gettext_noop
from luhai.settlement.messages import tree
from luhai.settlement.messages.tree import Place

SHIPPED: Final = Path(__file__).resolve().parents[4] / "data" / "messages"
NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:"


class NotExpected(Invalid):
    code = "messages.not_expected"
    message = gettext_noop("%(field)s: this is not expected here; %(expected)s is wanted.")


class Incomplete(Invalid):
    code = "messages.incomplete"
    message = gettext_noop("%(field)s: something is missing at the end; one of %(expected)s is wanted.")


class WrongForm(Invalid):
    code = "messages.wrong_form"
    message = gettext_noop("%(field)s: this should match %(expected)s.")


class NotInList(Invalid):
    code = "messages.not_in_list"
    message = gettext_noop("%(field)s: one of %(expected)s is wanted.")


class OutOfBounds(Invalid):
    code = "messages.out_of_bounds"
    message = gettext_noop("%(field)s: this breaks the limit %(limit)s %(expected)s.")


NO_SUCH_ELEMENT = gettext_noop("There is no such element here, or one too many of them.")
NO_SUCH_ATTRIBUTE = gettext_noop("There is no such attribute here.")
NO_TEXT = gettext_noop("Elements are wanted here, and no text between them.")
NO_ELEMENTS = gettext_noop("A text is wanted here, and no elements.")
WANT_NUMBER = gettext_noop("A number is wanted, such as 12.50.")
WANT_YES_NO = gettext_noop("true or false is wanted.")
WANT_TIME = gettext_noop("A time is wanted, such as 12:00:00+08:00.")
OTHER = gettext_noop("The schema of this message does not allow this.")
WANT_DAY = gettext_noop("A day is wanted, such as 2026-03-02.")
WANT_INSTANT = gettext_noop("An instant is wanted, such as 2026-03-02T12:00:00+08:00.")

#: What elements that are often wrong should hold, in words; a pattern says it for the rest.
_WORDS: Final = MappingProxyType(
    {
        "UETR": gettext_noop("A UUID of version 4 in small letters is wanted."),
        "OrgnlUETR": gettext_noop("A UUID of version 4 in small letters is wanted."),
        "BICFI": gettext_noop("A BIC of 8 or 11 characters in capitals is wanted."),
        "BIC": gettext_noop("A BIC of 8 or 11 characters in capitals is wanted."),
        "AnyBIC": gettext_noop("A BIC of 8 or 11 characters in capitals is wanted."),
        "BICOrBEI": gettext_noop("A BIC of 8 or 11 characters in capitals is wanted."),
        "LEI": gettext_noop("An LEI of 20 characters in capitals is wanted."),
        "IBAN": gettext_noop("An IBAN without blanks is wanted."),
        "Ctry": gettext_noop("A country of ISO 3166, in its two letters, is wanted."),
        "CtryOfRes": gettext_noop("A country of ISO 3166, in its two letters, is wanted."),
        "Ccy": gettext_noop("A currency of ISO 4217, in its three letters, is wanted."),
    }
)


def element(type: str, name: str) -> etree._Element:
    """A new element of the namespace of `type`, which is its default namespace."""
    namespaces: Any = {None: NAMESPACE + type}
    return etree.Element(f"{{{NAMESPACE}{type}}}{name}", nsmap=namespaces)


@cache
def types() -> tuple[str, ...]:
    """The message definitions whose schema is here, headers (head.001) among them."""
    with zipfile.ZipFile(SHIPPED / "iso20022.zip") as archive:
        return tuple(sorted(name.removesuffix(".xsd") for name in archive.namelist()))


@cache
def schema(type: str) -> etree.XMLSchema:
    with zipfile.ZipFile(SHIPPED / "iso20022.zip") as archive:
        content = archive.read(f"{type}.xsd")
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
    return etree.XMLSchema(etree.fromstring(content, parser))


_checking: Final = Lock()


def check(element: etree._Element, type: str, path: str) -> Place:
    """The element as a Place, alone in a tree of its own, if the schema of `type` allows it."""
    alone = deepcopy(element)
    alone.tail = None
    place = Place(alone, path)
    compiled = schema(type)
    with _checking:  # a schema keeps the errors of its last check
        if compiled.validate(alone):
            return place
        log: Any = compiled.error_log
        where, kind, message = str(log[0].path), str(log[0].type_name), str(log[0].message)
    _explain(_located(place, where), kind, " ".join(re.sub(r"\{[^{}' ]*\}", "", message).split()))


def _located(root: Place, where: str) -> Place:
    """The faulty element. libxml2 writes its path as steps `p:Name[2]`, or `*[2]` where names have no prefix."""
    place = root
    for step in where.strip("/").split("/")[1:]:
        match = re.fullmatch(r"(?:[^:\[\]]*:)?([^:\[\]]+)(?:\[(\d+)\])?", step)
        if match is None:
            return place
        found = place.children() if match[1] == "*" else place.each(match[1])
        number = int(match[2] or 1)
        if number > len(found):
            return place
        place = found[number - 1]
    return place


def _explain(place: Place, kind: str, message: str) -> NoReturn:
    """Refuse with what would be right, and without repeating what the message says."""
    attribute = re.match(r"Element '[^']*', attribute '([^']*)'", message)
    field = f"{place.path}/@{attribute[1]}" if attribute else place.path
    name = attribute[1] if attribute else place.name
    match kind.removeprefix("SCHEMAV_"):
        case "ELEMENT_CONTENT":
            expected = re.search(r"Expected is (?:one of )?\( (.*) \)\.", message)
            wanted = "" if expected is None or "*" in expected[1] else expected[1]
            if "Missing child" in message:
                one = wanted if wanted and "," not in wanted else ""
                if one or not wanted:
                    tree.refuse(f"{place.path}/{one or '*'}", tree.MISSING)
                _refuse(Incomplete, place.path, expected=wanted)
            if wanted:
                _refuse(NotExpected, field, expected=wanted)
            tree.refuse(field, NO_SUCH_ELEMENT)
        case "CVC_COMPLEX_TYPE_4":
            missing = re.search(r"attribute '([^']*)' is required", message)
            tree.refuse(f"{place.path}/@{missing[1] if missing else ''}", tree.MISSING)
        case "CVC_COMPLEX_TYPE_3_2_1" | "CVC_COMPLEX_TYPE_3_2_2":
            tree.refuse(field, NO_SUCH_ATTRIBUTE)
        case "CVC_COMPLEX_TYPE_2_1" | "CVC_COMPLEX_TYPE_2_3":
            tree.refuse(field, NO_TEXT)
        case "CVC_COMPLEX_TYPE_2_2" | "CVC_TYPE_3_1_2":
            tree.refuse(field, NO_ELEMENTS)
        case "CVC_PATTERN_VALID":
            if name in _WORDS:
                tree.refuse(field, _WORDS[name])
            _refuse(WrongForm, field, expected=message.rpartition("by the pattern '")[2].rstrip(".'"))
        case "CVC_ENUMERATION_VALID":
            listed = re.findall(r"'([^']*)'", message.rpartition("of the set {")[2])
            _refuse(NotInList, field, expected=", ".join(listed))
        case "CVC_MAXLENGTH_VALID" | "CVC_MINLENGTH_VALID" | "CVC_TOTALDIGITS_VALID" | "CVC_FRACTIONDIGITS_VALID" \
            | "CVC_MININCLUSIVE_VALID" | "CVC_MAXINCLUSIVE_VALID" | "CVC_LENGTH_VALID":  # fmt: skip
            facet = re.search(r"\[facet '(\w+)'\]", message)
            limit = re.findall(r"'(\d+)'", message)
            _refuse(OutOfBounds, field, limit=facet[1] if facet else "", expected=limit[-1] if limit else "")
        case "CVC_DATATYPE_VALID_1_2_1":
            base = message.rpartition("type '")[2].rstrip(".'")
            tree.refuse(field, _wanted(base))
        case _:
            tree.refuse(field, OTHER)


def _wanted(base: str) -> str:
    """The words for a basic type, by the name that a schema of ISO gives it."""
    if "DateTime" in base or base == "xs:dateTime":
        return WANT_INSTANT
    if "Date" in base or base == "xs:date":
        return WANT_DAY
    if "Indicator" in base or base == "xs:boolean":
        return WANT_YES_NO
    if base in {"xs:decimal", "DecimalNumber", "Number", "BaseOneRate", "PercentageRate"} or "Amount" in base:
        return WANT_NUMBER
    return WANT_TIME if "Time" in base or base == "xs:time" else OTHER


def _refuse(kind: type[Invalid], field: str, **facts: str) -> NoReturn:
    sentence = kind.message.partition(": ")[2] % facts
    raise kind(field=field, problem=sentence[0].upper() + sentence[1:], **facts)
