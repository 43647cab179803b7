"""EPCIS 2.0 events, in JSON-LD and in XML. Every event is a fact of its own, named by its hash (see epcis_hash).

Held against GS1's JSON schema when that is here, and always against this set: eventTime, eventTimeZoneOffset; action
where the kind of event has one; an ObjectEvent names what it saw (epcList, quantityList or sensorElementList), an
AggregationEvent or AssociationEvent its parent (unless it only observes), a TransactionEvent its transactions, a
TransformationEvent inputs and outputs or a transformationID. An event with an errorDeclaration says that the event of
the same hash was wrong: it is cancelled, and corrects that name.

Source: GS1 EPCIS 2.0 §7.4, CBV 2.0.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from luhai.core.evidence.formats import epcis_hash, gs1, schemas, tree
from luhai.core.evidence.formats.document import Document, Key, Kind, Line, Party, Reference, Remark
from luhai.core.evidence.formats.epcis_hash import Event, Field
from luhai.core.evidence.formats.tree import JsonPlace, Place, XmlPlace
from luhai.kernel import identifiers
from luhai.kernel.refusal import gettext_noop

WANT_OFFSET = gettext_noop("An offset from UTC is wanted, such as +08:00.")
WANT_SEEN = gettext_noop("One of epcList, quantityList or sensorElementList is wanted.")
WANT_TURNED = gettext_noop("Inputs and outputs are wanted, or a transformationID.")
NOT_THE_HASH = gettext_noop("The event ID is a hash, but not of this event.")
UNKNOWN_EVENT = gettext_noop(
    "This kind of event is not of the standard; it is kept, and proves nothing by itself."
)

#: Kind of event: the actions it may have, none if it has none.
_ACTIONS: Final = ("ADD", "OBSERVE", "DELETE")
_KINDS: Final = MappingProxyType(
    {
        "ObjectEvent": _ACTIONS, "AggregationEvent": _ACTIONS, "TransactionEvent": _ACTIONS,
        "AssociationEvent": _ACTIONS, "TransformationEvent": (),
    }
)  # fmt: skip
_TRANSACTIONS: Final = MappingProxyType(
    {
        "po": Kind.ORDER,
        "poc": Kind.ORDER,
        "inv": Kind.INVOICE,
        "bol": Kind.TRANSPORT_DOCUMENT,
        "cert": "permit",
    }
)


def recognises(place: Place) -> bool:
    if isinstance(place, XmlPlace):
        return place.tag in {"EPCISDocument", "EPCISQueryDocument"}
    if not isinstance(place, JsonPlace) or not isinstance(place.value, dict):
        return False
    kind = place.value.get("type")
    return isinstance(kind, str) and (
        kind in {"EPCISDocument", "EPCISQueryDocument"}
        or (kind.endswith("Event") and "@context" in place.value)
    )


def read(place: JsonPlace | XmlPlace) -> Document:
    remarks: list[Remark] = []
    if isinstance(place, JsonPlace):
        schemas.check_or_remark(place, schemas.epcis(), remarks)
    events = epcis_hash.events_of(place)
    raw = epcis_hash.raw_events(place)
    parts = [_event(event, seen, remarks) for event, seen in zip(events, raw, strict=True)]
    if len(parts) == 1:
        return parts[0]
    name = place.word("id") if isinstance(place, JsonPlace) else ""
    return Document(
        format="epcis.document",
        version="2.0",
        kind=Kind.TRANSPORT_EVENT,
        external_ref=name or parts[0].external_ref + f"+{len(parts) - 1}",
        payload=place.payload(),
        observed_at=max(part.observed_at for part in parts if part.observed_at),
        status="recorded",
        warnings=tuple(remarks),
        parts=tuple(parts),
    )


def _event(event: Event, seen: epcis_hash.Raw, document_remarks: list[Remark]) -> Document:
    remarks = list(document_remarks)
    at = _Fields(event.fields, event.path)
    moment = at.instant("eventTime")
    if not re.fullmatch(r"[+-]\d\d:\d\d", at.need("eventTimeZoneOffset"), re.ASCII):
        tree.refuse(at.below("eventTimeZoneOffset"), WANT_OFFSET)
    _required(event, at, remarks)
    name = epcis_hash.event_hash(event)
    given = seen.event_id
    if given.startswith("ni:") and given.endswith("?ver=CBV2.0") and given != name:
        remarks.append(Remark(field=at.below("eventID"), problem=NOT_THE_HASH))
    wrong = seen.error is not None
    references = [*_references(at, remarks), *(Reference(kind="event", value=e) for e in seen.corrective)]
    return Document(
        format="epcis.event",
        version="2.0",
        kind=Kind.TRANSPORT_EVENT,
        external_ref=given or name,
        digest=name,
        payload=seen.payload,
        keys=_keys(references),
        parties=_parties(at),
        goods=_goods(at),
        observed_at=moment,
        dated=moment.date(),
        references=tuple(dict.fromkeys(references)),
        status=seen.error or _word(at.word("bizStep")) or "recorded",
        cancelled=wrong,
        corrects=(given or name) if wrong else None,
        warnings=tuple(remarks),
    )


class _Fields:
    """The fields of an event, asked by name."""

    def __init__(self, fields: tuple[Field, ...], path: str) -> None:
        self.fields, self.path = fields, path

    def below(self, name: str) -> str:
        # An address in XML is written with slashes, one in JSON with points.
        return f"{self.path}/{name}" if self.path.startswith("/") else f"{self.path}.{name}".lstrip(".")

    def all(self, name: str) -> list[Field]:
        return [f for f in self.fields if f.name == name]

    def word(self, name: str) -> str:
        return next((f.value for f in self.all(name)), "")

    def need(self, name: str) -> str:
        return self.word(name) or tree.refuse(self.below(name), tree.MISSING)

    def items(self, name: str) -> list[_Fields]:
        return [_Fields(f.fields or (f,), self.below(name)) for outer in self.all(name) for f in outer.fields]

    def has(self, name: str) -> bool:
        return any(f.value or f.fields for f in self.all(name))

    def instant(self, name: str) -> datetime:
        return JsonPlace(self.need(name), self.below(name)).instant()


def _required(event: Event, at: _Fields, remarks: list[Remark]) -> None:
    if event.type not in _KINDS:
        remarks.append(Remark(field=at.below("type"), problem=UNKNOWN_EVENT))
        return
    actions = _KINDS[event.type]
    if actions and at.need("action") not in actions:
        tree.refuse(at.below("action"), f"One of {', '.join(actions)} is wanted.")
    observed = at.word("action") == "OBSERVE"
    match event.type:
        case "ObjectEvent":
            # The standard lets an empty epcList stand where only sensors speak, and where a class is meant.
            if not any(at.all(n) for n in ("epcList", "quantityList", "sensorElementList")):
                tree.refuse(at.below("epcList"), WANT_SEEN)
        case "AggregationEvent" if not observed:
            at.need("parentID")
        case "AssociationEvent":
            at.need("parentID")
        case "TransactionEvent":
            if not at.has("bizTransactionList"):
                tree.refuse(at.below("bizTransactionList"), tree.MISSING)
        case "TransformationEvent":
            inputs = at.has("inputEPCList") or at.has("inputQuantityList")
            outputs = at.has("outputEPCList") or at.has("outputQuantityList")
            if not (inputs and outputs) and not ((inputs or outputs) and at.word("transformationID")):
                tree.refuse(at.below("inputEPCList"), WANT_TURNED)


def _word(uri: str) -> str:
    """receiving, from https://ref.gs1.org/cbv/BizStep-receiving or urn:epcglobal:cbv:bizstep:receiving."""
    return re.split(r"[:/]|-(?=[a-z])", uri)[-1] if uri else ""


def _things(at: _Fields) -> list[str]:
    found = [at.word("parentID")] if at.word("parentID") else []
    for name in ("epcList", "childEPCs", "inputEPCList", "outputEPCList"):
        found += [item.word("epc") for item in at.items(name)]
    return [thing for thing in found if thing]


def _references(at: _Fields, remarks: list[Remark]) -> list[Reference]:
    found = []
    for item in at.items("bizTransactionList"):
        kind = _TRANSACTIONS.get(_word(item.word("type")).lower(), "transaction")
        found.append(Reference(kind=kind, value=item.word("bizTransaction")))
    for thing in _things(at):
        container = re.fullmatch(r"urn:epc:id:bic:(.+)", thing)
        if container:
            place = JsonPlace(container[1], at.path)
            found.append(
                Reference(
                    kind="container", value=place.identifier_or_remark(identifiers.Kind.CONTAINER, remarks)
                )
            )
        else:
            found.append(Reference(kind="item", value=gs1.canonical(thing) or thing))
    return [reference for reference in found if reference.value]


def _keys(references: list[Reference]) -> tuple[Key, ...]:
    return tuple(Key.of("container", container=r.value) for r in references if r.kind == "container")


def _parties(at: _Fields) -> tuple[Party, ...]:
    found = []
    for name in ("source", "destination"):
        for item in at.items(f"{name}List"):
            kind = _word(item.word("type"))
            if item.word(name) and kind.endswith("party"):
                uri = gs1.canonical(item.word(name)) or item.word(name)
                gln = re.search(r"/417/(\d{13})$", uri)
                found.append(
                    Party(role=f"{name}_{kind}", identifiers=(("gln", gln[1]) if gln else ("uri", uri),))
                )
    return tuple(found)


def _goods(at: _Fields) -> tuple[Line, ...]:
    lines: list[Line] = []
    for name in ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"):
        for item in at.items(name):
            kind, quantity = item.word("epcClass"), item.word("quantity")
            path = f"{item.path}.quantity"
            amount: Decimal | None = JsonPlace(quantity, path).decimal() if quantity else None
            lines.append(
                Line(
                    number=len(lines) + 1,
                    description=gs1.canonical(kind) or kind,
                    quantity=amount,
                    unit=item.word("uom"),
                )
            )
    return tuple(lines)
