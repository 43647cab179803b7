"""The EPCIS event hash of the Core Business Vocabulary 2.0 §8.9: one name for an event, whatever wrote it down.

    for event in events_of(tree.parse(data)):
        prehash(event)     # "eventType=ObjectEventeventTime=2020-03-04T10:00:30.000Z…"
        event_hash(event)  # "ni:///sha-256;6ae96341…?ver=CBV2.0"

An event in XML and the same event in JSON-LD become the same `Event`; its fields are written in the order of the
standard, values are brought to one spelling, lists are sorted, and SHA-256 does the rest. Left out are recordTime,
eventID, errorDeclaration, rdfs:comment and whatever the document lists under `ignoreFields`. The steps, and where the
published vectors decide between two readings of the text, are in docs/algorithms/epcis-event-hash.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

from lxml import etree

from luhai.core.evidence.formats import gs1, tree
from luhai.core.evidence.formats.tree import JsonPlace, Place, XmlPlace
from luhai.kernel.refusal import gettext_noop

NO_EVENT = gettext_noop("There is no event in this document.")
NO_PREFIX = gettext_noop("This name has no prefix, or one that the document does not declare.")
NO_MOMENT = gettext_noop("An instant with its zone is wanted, such as 2026-03-02T12:00:00.000+08:00.")

VERSION: Final = "CBV2.0"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an event: a text, or fields of its own. Extensions are named {namespace}name."""

    name: str
    value: str = ""
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """An event in neither syntax. `path` is where it stands in its document."""

    type: str
    fields: tuple[Field, ...]
    path: str


# The order -----------------------------------------------------------------------------------------------------

#: Names in their order; a mapping for a field with fields of its own; None for a text.
_QUANTITY: Final = {"quantityElement": {"epcClass": None, "quantity": None, "uom": None}}
_DEVICE: Final = {"deviceID": None, "deviceMetadata": None, "rawData": None, "dataProcessingMethod": None}
_REPORT: Final[Mapping[str, Any]] = {
    "type": None, "exception": None, **_DEVICE, "time": None, "microorganism": None, "chemicalSubstance": None,
    "value": None, "component": None, "stringValue": None, "booleanValue": None, "hexBinaryValue": None,
    "uriValue": None, "minValue": None, "maxValue": None, "meanValue": None, "sDev": None, "percRank": None,
    "percValue": None, "uom": None, "coordinateReferenceSystem": None,
}  # fmt: skip
_METADATA: Final = {"time": None, "startTime": None, "endTime": None, **_DEVICE, "bizRules": None}
_ORDER: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "eventTime": None,
        "eventTimeZoneOffset": None,
        "certificationInfo": None,
        "epcList": {"epc": None},
        "parentID": None,
        "inputEPCList": {"epc": None},
        "childEPCs": {"epc": None},
        "quantityList": _QUANTITY,
        "childQuantityList": _QUANTITY,
        "inputQuantityList": _QUANTITY,
        "outputEPCList": {"epc": None},
        "outputQuantityList": _QUANTITY,
        "action": None,
        "transformationID": None,
        "bizStep": None,
        "disposition": None,
        "persistentDisposition": {"set": None, "unset": None},
        "readPoint": {"id": None},
        "bizLocation": {"id": None},
        "sensorElementList": {"sensorElement": {"sensorMetadata": _METADATA, "sensorReport": _REPORT}},
    }
)
#: What the vectors write after all of these, sorted among the extensions.
_END: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "bizTransactionList": {"": {"type": None, "bizTransaction": None}},
        "destinationList": {"": {"type": None, "destination": None}},
        "sourceList": {"": {"type": None, "source": None}},
        "ilmd": {},
    }
)
_IGNORED: Final = frozenset(
    {"recordTime", "eventID", "errorDeclaration", "{http://www.w3.org/2000/01/rdf-schema#}comment"}
)
#: XML wrappers of EPCIS 1.x around fields that came later.
_WRAPPERS: Final = frozenset({"extension", "baseExtension"})
_TIMES: Final = frozenset({"eventTime", "time", "startTime", "endTime"})

#: Item of a list, by the name of the list, where JSON leaves it out.
_ITEMS: Final = MappingProxyType(
    {
        "epcList": "epc", "inputEPCList": "epc", "outputEPCList": "epc", "childEPCs": "epc",
        "quantityList": "quantityElement", "childQuantityList": "quantityElement",
        "inputQuantityList": "quantityElement", "outputQuantityList": "quantityElement",
        "sensorElementList": "sensorElement",
        # Items without a name of their own: type and value stand side by side.
        "bizTransactionList": "", "sourceList": "", "destinationList": "",
    }
)  # fmt: skip


def prehash(event: Event) -> str:
    """The canonical text of an event. Refuses a time that is none."""
    body, left = _written(tuple(f for f in event.fields if f.name not in _END), _ORDER, event.path)
    for name, inner in _END.items():
        part, below = _written(tuple(f for f in event.fields if f.name == name), {name: inner}, event.path)
        left += [text for text in (str(part), *below) if text]
    # Plain names that no order knows stand here too, where the published vectors have them.
    return f"eventType={event.type}" + body.text + "".join(sorted((*body.extensions, *left)))


def event_hash(event: Event) -> str:
    """The name of the event as RFC 6920 writes it."""
    return f"ni:///sha-256;{hashlib.sha256(prehash(event).encode('utf-8')).hexdigest()}?ver={VERSION}"


@dataclass(frozen=True, slots=True)
class _Body:
    text: str
    extensions: tuple[str, ...]

    def __str__(self) -> str:
        return self.text + "".join(self.extensions)


def _written(fields: tuple[Field, ...], order: Mapping[str, Any], path: str) -> tuple[_Body, list[str]]:
    """What the order knows, then the extensions; and apart, what is neither."""
    known: list[str] = []
    left: list[str] = []
    for name, inner in order.items():
        texts = []
        for field in fields:
            if field.name != name:
                continue
            if inner is None:
                if field.value:
                    texts.append(f"{name}={_value(name, field.value, path)}")
                continue
            body, below = _written(field.fields, inner, path)
            if str(body):
                texts.append(f"{name}{body}")
            if below:
                left.append(name + "".join(sorted(below)))
        known.extend(sorted(texts))
    extensions = sorted(_extension(f, path) for f in fields if f.name.startswith("{"))
    left += [_extension(f, path) for f in fields if not f.name.startswith("{") and f.name not in order]
    return _Body("".join(known), tuple(extensions)), left


def _extension(field: Field, path: str) -> str:
    text = f"={_value('', field.value, path)}" if field.value else ""
    return field.name + text + "".join(sorted(_extension(f, path) for f in field.fields))


# One spelling ----------------------------------------------------------------------------------------------------

_CBV: Final = MappingProxyType({"bizstep": "BizStep", "disp": "Disp", "btt": "BTT", "sdt": "SDT", "er": "ER"})
_CURIES: Final = MappingProxyType(
    {"gs1": "https://gs1.org/voc/", "cbv": "https://ref.gs1.org/cbv/", "epcis": "https://ref.gs1.org/epcis/"}
)
#: The vocabulary in which a bare word of a field is meant.
_BARE: Final = MappingProxyType(
    {
        "bizStep": "https://ref.gs1.org/cbv/BizStep-",
        "disposition": "https://ref.gs1.org/cbv/Disp-",
        "set": "https://ref.gs1.org/cbv/Disp-",
        "unset": "https://ref.gs1.org/cbv/Disp-",
        "component": "https://ref.gs1.org/cbv/Comp-",
        "exception": "https://gs1.org/voc/",
        "sensorReport.type": "https://gs1.org/voc/",
        "bizTransaction.type": "https://ref.gs1.org/cbv/BTT-",
        "source.type": "https://ref.gs1.org/cbv/SDT-",
        "destination.type": "https://ref.gs1.org/cbv/SDT-",
    }
)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)


def _value(name: str, text: str, path: str) -> str:
    if name in _TIMES:
        return _moment(text, f"{path}.{name}")
    if text.startswith("urn:epcglobal:cbv:"):
        _, _, _, group, *word = text.split(":")
        return f"https://ref.gs1.org/cbv/{_CBV[group]}-{':'.join(word)}" if group in _CBV and word else text
    prefix, colon, rest = text.partition(":")
    if colon and prefix in _CURIES and not rest.startswith("//"):
        return _CURIES[prefix] + rest
    return gs1.canonical(text) or _number(text)


def _number(text: str) -> str:
    """A number as the shortest text of its IEEE double, whole ones without a point; any other text as it is."""
    if len(text) > 400 or not _NUMBER.fullmatch(text):
        return text
    exact = Fraction(Decimal(text))
    try:
        double = exact.numerator / exact.denominator
    except OverflowError:
        return text
    return str(int(double)) if double == int(double) else repr(double)


_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,30}))?)?(Z|[+-]\d\d:?\d\d)", re.ASCII
)


def _moment(text: str, path: str) -> str:
    """UTC to the millisecond; a fourth decimal of 5 or more rounds up."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        tree.refuse(path, NO_MOMENT)
    day, minute, second, fraction, zone = match.groups()
    fraction = (fraction or "").ljust(4, "0")
    try:
        local = datetime.fromisoformat(f"{day}T{minute}:{second or '00'}").replace(tzinfo=tree.offset(zone))
        moment = local.astimezone(UTC) + timedelta(milliseconds=int(fraction[:3]) + (fraction[3] >= "5"))
    except (ValueError, OverflowError):
        tree.refuse(path, NO_MOMENT)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z".zfill(24)


# Out of a document ------------------------------------------------------------------------------------------------


def events_of(document: JsonPlace | XmlPlace) -> list[Event]:
    """All events of an EPCIS document, query document or bare event, in their order. Refuses if there is none."""
    found = _xml_events(document) if isinstance(document, XmlPlace) else _json_events(document)
    return found or tree.refuse(document.path, NO_EVENT)


@dataclass(frozen=True, slots=True)
class Raw:
    """What the hash leaves out of an event, and the event as it stands."""

    event_id: str
    error: str | None  # why the event is declared wrong; None if it is not
    corrective: tuple[str, ...]
    payload: Any


def raw_events(document: JsonPlace | XmlPlace) -> list[Raw]:
    """Beside each of `events_of`."""
    places = (
        [XmlPlace(element, path) for element, path in _xml_elements(document)]
        if isinstance(document, XmlPlace)
        else event_places(document)
    )
    found = []
    for place in places:
        # EPCIS 1.x wraps these two in XML.
        bases = [place, *place.each("baseExtension")] if isinstance(place, XmlPlace) else [place]
        error = next((e for base in bases if (e := base.at("errorDeclaration"))), None)
        if error is not None:
            error.need("declarationTime").instant()
        named = next((e.text(most=500) for base in bases if (e := base.at("eventID"))), "")
        corrective = _corrective(error) if error else ()
        reason = error.word("reason") if error else ""
        found.append(
            Raw(
                named,
                (re.split("[:/]", reason)[-1] or "declared_wrong") if error else None,
                corrective,
                place.payload(),
            )
        )
    return found


def _corrective(error: Place) -> tuple[str, ...]:
    if isinstance(error, XmlPlace):
        events = error.at("correctiveEventIDs")
        return tuple(e.text(most=500) for e in (events.each("correctiveEventID") if events else []))
    return tuple(e.text(most=500) for e in error.each("correctiveEventIDs"))


# XML

_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"


def _xml_events(document: XmlPlace) -> list[Event]:
    ignored = {
        _clark(name)
        for node in document.element.iter()
        if tree.local(node) == "ignoreFields" and etree.QName(node).namespace
        for name in node
    }
    return [
        Event(
            tree.local(element),
            tuple(f for child in element for f in _xml_fields(child) if f.name not in _IGNORED | ignored),
            path,
        )
        for element, path in _xml_elements(document)
    ]


def _xml_elements(document: XmlPlace) -> list[tuple[etree._Element, str]]:
    elements: list[etree._Element] = []
    for events in document.element.iter("{*}EventList"):
        for child in events:
            elements += list(child) if tree.local(child) in _WRAPPERS else [child]
    return [
        (element, f"{document.path}//EventList/*[{number}]")
        for number, element in enumerate(elements, start=1)
    ]


def _clark(element: etree._Element) -> str:
    name = etree.QName(element)
    return f"{{{name.namespace}}}{name.localname}" if name.namespace else str(name.localname)


def _xml_fields(element: etree._Element) -> Iterator[Field]:
    name = _clark(element)
    if name in _WRAPPERS:
        for child in element:
            yield from _xml_fields(child)
        return
    attributes = [
        Field(str(key), str(value).strip())
        for key, value in element.attrib.items()
        if not str(key).startswith(f"{{{_XSI}}}")
    ]
    text = (element.text or "").strip()
    if name in {"bizTransaction", "source", "destination"} and not len(element):
        word = next((f.value for f in attributes if f.name == "type"), "")
        item = [Field("type", _bare(f"{name}.type", word))] if word else []
        yield Field("", fields=(*item, Field(name, text)))
        return
    inner = [f for child in element for f in _xml_fields(child)]
    if name == "sensorReport":
        attributes = [
            Field(f.name, _bare(f"sensorReport.{f.name}" if f.name == "type" else f.name, f.value))
            for f in attributes
        ]
    yield Field(name, _bare(name, text) if not len(element) else "", (*attributes, *inner))


def _bare(name: str, text: str) -> str:
    """A bare word in its vocabulary; what has a colon says itself where it comes from."""
    return _BARE[name] + text if name in _BARE and text and ":" not in text else text


# JSON-LD

#: What the EPCIS context declares without the document saying so.
_PREFIXES: Final = MappingProxyType(
    {
        **_CURIES,
        "cbvmda": "urn:epcglobal:cbv:mda:",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "owl": "http://www.w3.org/2002/07/owl#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        "dcterms": "http://purl.org/dc/terms/",
    }
)


def event_places(document: JsonPlace) -> list[JsonPlace]:
    """Where the events of a JSON document stand."""
    body = document.at("epcisBody")
    if body is None:
        return [document] if str(document.value.get("type", "")).endswith("Event") else []
    single = body.at("event")
    if single is not None:
        return [single]  # type: ignore[list-item]
    results = body.at("queryResults", "resultsBody")
    return (results or body).each("eventList")  # type: ignore[return-value]


def _envelopes(document: JsonPlace) -> list[JsonPlace]:
    """The document and what it wraps around its events."""
    found = [document]
    for name in ("epcisBody", "queryResults", "resultsBody"):
        inner = found[-1].at(name)
        if not isinstance(inner, JsonPlace) or not isinstance(inner.value, dict):
            break
        found.append(inner)
    return found


def prefixes_of(context: Any) -> dict[str, str]:
    """The prefixes that a JSON-LD context declares. Nothing is fetched: of an address only the EPCIS one is known."""
    found: dict[str, str] = {}
    for part in context if isinstance(context, list) else [context]:
        if isinstance(part, dict):
            found |= {k: v for k, v in part.items() if isinstance(v, str) and not k.startswith("@")}
            found |= {
                k: v["@id"] for k, v in part.items()
                if isinstance(v, dict) and isinstance(v.get("@id"), str) and not k.startswith("@")
            }  # fmt: skip
    return found


def _json_events(document: JsonPlace) -> list[Event]:
    if not isinstance(document.value, dict):
        document.refuse(tree.WANT_OBJECT)
    outer = {**_PREFIXES, **prefixes_of(document.value.get("@context"))}
    ignored: set[str] = set()
    for place in _envelopes(document):
        for name, value in place.value.items():
            if name.rpartition(":")[2] == "ignoreFields" and ":" in name and isinstance(value, list):
                ignored |= {_expanded(v, outer, place.below(name)) for v in value if isinstance(v, str)}
    found = []
    for place in event_places(document):
        if not isinstance(place.value, dict):
            place.refuse(tree.WANT_OBJECT)
        prefixes = {**outer, **prefixes_of(place.value.get("@context"))}
        fields = tuple(
            f for name, value in place.value.items() if name not in {"type", "@context"}
            for f in _json_fields(name, value, prefixes, place.below(name)) if f.name not in _IGNORED | ignored
        )  # fmt: skip
        found.append(Event(place.need("type").text(), fields, place.path))
    return found


def _expanded(name: str, prefixes: Mapping[str, str], path: str) -> str:
    """A prefixed name or a whole address as {namespace}name."""
    prefix, colon, local = name.partition(":")
    if not colon:
        return name
    if local.startswith("//"):
        cut = max(name.rfind("/"), name.rfind("#")) + 1
        return f"{{{name[:cut]}}}{name[cut:]}"
    if prefix not in prefixes:
        tree.refuse(path, NO_PREFIX)
    return f"{{{prefixes[prefix]}}}{local}"


def _json_fields(name: str, value: Any, prefixes: Mapping[str, str], path: str) -> Iterator[Field]:
    """`path` is the field's; a list gives as many fields as it has items, but the lists of the standard give one."""
    if isinstance(value, list):
        if name in _ITEMS:
            items = (f for item in value for f in _json_fields(_ITEMS[name], item, prefixes, path))
            yield Field(name, fields=tuple(items))
            return
        for item in value:
            yield from _json_fields(name, item, prefixes, path)
        return
    expanded = _expanded(name, prefixes, path)
    if isinstance(value, dict):
        inner = []
        for key, item in value.items():
            for field in _json_fields(key, item, prefixes, f"{path}.{key}"):
                inner.append(_typed(name, field, value))
        yield Field(expanded, fields=tuple(inner))
    elif value is not None:
        yield Field(expanded, _bare(name, _scalar(value)))


def _typed(parent: str, field: Field, siblings: Mapping[str, Any]) -> Field:
    """A bare `type` means what its field means by it."""
    if field.name != "type":
        return field
    owner = parent or next((n for n in ("bizTransaction", "source", "destination") if n in siblings), "")
    return Field("type", _bare(f"{owner}.type", field.value))


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()
