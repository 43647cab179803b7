"""DCSA messages: transport documents, issuance and surrender requests, shipping instructions, track and trace events.

Held against the published OpenAPI schemas (Bill of Lading 3.0.4, Track & Trace 3.0.0) and against what DCSA only says in
words: an issued bill states exactly one of shippedOnBoardDate and receivedForShipmentDate, a sea waybill is not to order,
an electronic document has at most one original, and every cargo item lies in a piece of equipment that the document
lists. Track & Trace 2.2 has no schema here: its events must have an ID, both times, a type and a classifier.
A template whose {placeholders} nobody filled in is refused, with the field. Messages that prove nothing (bookings,
schedules, arrival notices, errors) are refused by name.

Source: DCSA Bill of Lading 3.0.4, Issuance and Surrender 3.0.4, Track & Trace 2.2 and 3.0.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from luhai.core.evidence.formats import schemas, tree
from luhai.core.evidence.formats.document import Document, Key, Kind, Line, Party, Reference, Remark
from luhai.core.evidence.formats.tree import JsonPlace, Place
from luhai.kernel import identifiers
from luhai.kernel.money import Currency
from luhai.kernel.refusal import gettext_noop

NO_EVIDENCE = gettext_noop(
    "This DCSA message is no evidence: a booking, a schedule, a notice of arrival or an error."
)
ONE_DATE = gettext_noop(
    "An issued bill states exactly one of shippedOnBoardDate and receivedForShipmentDate."
)
NOT_TO_ORDER = gettext_noop("A sea waybill cannot be to order.")
ONE_ORIGINAL = gettext_noop("An electronic document has at most one original.")
NOT_LISTED = gettext_noop("This equipment is not among utilizedTransportEquipments.")
CURRENCY_TOO = gettext_noop("A declared value needs its currency.")
WANT_EVENT_TYPE = gettext_noop("One of SHIPMENT, TRANSPORT, EQUIPMENT, IOT, REEFER is wanted.")
WANT_UUID = gettext_noop("A UUID is wanted.")
EVENT_TWICE = gettext_noop("This event ID stands on two events.")

_STATES: Final = (
    "DRAFT", "APPROVED", "ISSUED", "PENDING_SURRENDER_FOR_AMENDMENT", "SURRENDERED_FOR_AMENDMENT",
    "PENDING_SURRENDER_FOR_DELIVERY", "SURRENDERED_FOR_DELIVERY", "VOIDED",
)  # fmt: skip
_OTHERS: Final = frozenset(
    {
        "arrivalNotices",
        "receiptTypeAtOrigin",
        "vesselSchedules",
        "placeOfReceipt",
        "carrierServiceName",
        "location",
        "statusCode",
    }
)
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
#: Type of event: where its code stands in Track & Trace 2.2, and the codes it may be.
_CODES: Final = MappingProxyType(
    {
        "SHIPMENT": ("shipmentEventTypeCode", "RECE DRFT PENA PENU REJE APPR ISSU SURR SUBM VOID CONF REQS CMPL HOLD RELS PENC CANC"),
        "TRANSPORT": ("transportEventTypeCode", "ARRI DEPA"),
        "EQUIPMENT": ("equipmentEventTypeCode", "LOAD DISC GTIN GTOT STUF STRP PICK DROP INSP RSEA RMVD AVPU AVDO CUSS CUSI CUSR CROS"),
    }
)  # fmt: skip
_SCHEMES: Final = MappingProxyType(
    {"USCC": "uscc", "LEI": "lei", "GLEIF": "lei", "BIC": "bic", "EORI": "eori", "DUNS": "duns", "GLN": "gln"}
)


def recognises(place: Place) -> bool:
    if not isinstance(place, JsonPlace):
        return False
    names = _first(place)
    known = {
        "transportDocumentTypeCode",
        "transportDocumentReference",
        "surrenderRequestReference",
        "document",
        "events",
        "eventType",
    }
    return bool(names & (known | _OTHERS))


def _first(place: JsonPlace) -> set[str]:
    value: Any = place.value
    while isinstance(value, list) and value:
        value = value[0]
    return set(value) if isinstance(value, dict) else set()


def read(place: JsonPlace) -> Document:
    names = _first(place)
    if isinstance(place.value, list):
        if "eventType" not in names and "eventDateTime" not in names:
            place.refuse(NO_EVIDENCE)
        return _events(place, [_old_event(event) for event in _unique(place.items())])
    if "events" in names:
        _filled(place)
        schemas.check(place, schemas.dcsa("TNT_v3.0.0.yaml", "GetEventsResponse"))
        return _events(place, [_new_event(event) for event in _unique(place.some("events"))])
    if "surrenderRequestReference" in names:
        _filled(place)
        return _surrender(place)
    if "document" in names:
        _filled(place)
        schemas.check(place, schemas.dcsa("EBL_ISS_v3.0.4.yaml", "IssuanceRequest"))
        document = place.need("document")
        assert isinstance(document, JsonPlace)
        return _document(document, place, "dcsa.issuance_request")
    if "transportDocumentReference" in names and "transportDocumentTypeCode" in names:
        _filled(place)
        schemas.check(place, schemas.dcsa("EBL_v3.0.4.yaml", "TransportDocument"))
        return _document(place, place, "dcsa.transport_document")
    if "transportDocumentTypeCode" in names:
        _filled(place)
        schemas.check(place, schemas.dcsa("EBL_v3.0.4.yaml", "CreateShippingInstructions"))
        return _instructions(place)
    return place.refuse(NO_EVIDENCE)


def _filled(place: JsonPlace) -> None:
    """Refuse the first placeholder, before the schema says something less plain about it."""
    waiting: list[tuple[Any, str]] = [(place.value, place.path)]
    while waiting:
        value, path = waiting.pop(0)
        if isinstance(value, dict):
            waiting.extend((item, f"{path}.{name}".lstrip(".")) for name, item in value.items())
        elif isinstance(value, list):
            waiting.extend((item, f"{path}[{index}]") for index, item in enumerate(value))
        elif isinstance(value, str) and value.strip():
            JsonPlace(value, path).text()


# Documents ------------------------------------------------------------------------------------------------------


def _document(document: JsonPlace, whole: JsonPlace, form: str) -> Document:
    remarks: list[Remark] = []
    number = document.need("transportDocumentReference").text(most=20)
    kind = document.need("transportDocumentTypeCode").one_of(["BOL", "SWB"])
    status = (
        document.need("transportDocumentStatus").one_of(_STATES)
        if document.at("transportDocumentStatus")
        else "ISSUED"
    )
    boarded, received = document.at("shippedOnBoardDate"), document.at("receivedForShipmentDate")
    if status != "DRAFT" and (boarded is None) == (received is None):
        tree.refuse(document.below("shippedOnBoardDate"), ONE_DATE)
    to_order = document.need("isToOrder")
    if kind == "SWB" and isinstance(to_order, JsonPlace) and to_order.yes():
        to_order.refuse(NOT_TO_ORDER)
    _originals(document)
    equipment = _equipment(document, remarks)
    goods = _goods(document, equipment, remarks)
    amount, currency = _declared_value(document, remarks)
    issued = document.at("issueDate")
    day = (boarded or received or issued).day() if (boarded or received or issued) else None  # type: ignore[union-attr]
    carrier = document.word("carrierCode")
    return Document(
        format=form,
        version="3.0.4",
        kind=Kind.TRANSPORT_DOCUMENT,
        external_ref=number,
        payload=whole.payload(),
        keys=(
            Key.of("transport_document", issuer=carrier, kind=kind, number=number),
            *(Key.of("container", container=c, carrier=carrier, departed=str(day or "")) for c in equipment),
        ),
        parties=_parties(document),
        goods=goods,
        amount_minor=amount,
        currency=currency,
        dated=issued.day() if issued else day,
        references=_references(document, equipment),
        status=status.lower(),
        cancelled=status == "VOIDED",
        warnings=tuple(remarks),
    )


def _originals(document: Place) -> None:
    electronic = document.need("isElectronic")
    counts = [
        p
        for n in ("numberOfOriginalsWithCharges", "numberOfOriginalsWithoutCharges")
        if (p := document.at(n))
    ]
    if isinstance(electronic, JsonPlace) and electronic.yes() and sum(c.whole() for c in counts) > 1:
        counts[-1].refuse(ONE_ORIGINAL)


def _equipment(document: Place, remarks: list[Remark]) -> dict[str, tuple[str, ...]]:
    """Container number: its seals."""
    found = {}
    for item in document.some("utilizedTransportEquipments"):
        # Shipping instructions give the reference itself, documents an object around it.
        number = item.at("equipment", "equipmentReference") or item.need("equipmentReference")
        seals = tuple(seal.need("number").text(most=15) for seal in item.each("seals"))
        found[number.identifier_or_remark(identifiers.Kind.CONTAINER, remarks)] = seals
    return found


def _goods(document: Place, equipment: dict[str, tuple[str, ...]], remarks: list[Remark]) -> tuple[Line, ...]:
    lines = []
    for number, item in enumerate(document.some("consignmentItems"), start=1):
        used, packages, mass = [], 0, None
        for cargo in item.some("cargoItems"):
            reference = cargo.need("equipmentReference")
            container = reference.identifier_or_remark(identifiers.Kind.CONTAINER, [])
            if container not in equipment:
                reference.refuse(NOT_LISTED)
            used.append(container)
            count = cargo.at("outerPackaging", "numberOfPackages")
            packages += count.whole() if count else 0
            weight = cargo.need("cargoGrossWeight")
            factor = {"KGM": 1, "TNE": 1000}.get(weight.need("unit").text())
            if factor is not None:
                mass = (mass or 0) + weight.need("value").decimal() * factor
        codes = item.each("HSCodes")
        lines.append(
            Line(
                number=number,
                description=" ".join(d.text() for d in item.some("descriptionOfGoods")),
                hs=codes[0].text(most=10) if codes else "",
                packages=packages or None,
                gross_kg=mass,
                containers=tuple(dict.fromkeys(used)),
                seals=tuple(seal for c in dict.fromkeys(used) for seal in equipment[c]),
            )
        )
    return tuple(lines)


def _declared_value(document: Place, remarks: list[Remark]) -> tuple[int | None, str | None]:
    value, currency = document.at("declaredValue"), document.at("declaredValueCurrency")
    if value is None:
        return None, None
    if currency is None:
        tree.refuse(document.below("declaredValueCurrency"), CURRENCY_TOO)
    if currency.text() not in Currency.__members__:
        remarks.append(Remark(field=currency.path, problem=tree.NOT_HANDLED))
        return None, None
    return value.minor(Currency(currency.text())), currency.text()


def _parties(document: Place) -> tuple[Party, ...]:
    parties = document.at("documentParties")
    if parties is None:
        return ()
    found = []
    for name in parties.names():
        if name == "other":
            found += [_party("other", other.need("party")) for other in parties.each(name)]
        elif name == "notifyParties":
            found += [_party("notify", party) for party in parties.each(name)]
        elif parties.at(name):
            found.append(
                _party({"issuingParty": "issuer", "issueTo": "issue_to"}.get(name, name), parties.need(name))
            )
    return tuple(found)


def _party(role: str, party: Place) -> Party:
    codes = []
    for code in party.each("identifyingCodes"):
        provider, name = code.word("codeListProvider"), code.word("codeListName")
        scheme = (
            _SCHEMES.get(name)
            or _SCHEMES.get(provider)
            or (f"{provider}:{name}" if name else provider).lower()
        )
        codes.append((scheme, code.need("partyCode").text(most=150)))
    return Party(
        role=role,
        name=party.word("partyName"),
        identifiers=tuple(codes),
        country=party.word("address", "countryCode"),
    )


def _references(document: Place, equipment: dict[str, tuple[str, ...]]) -> tuple[Reference, ...]:
    found = [Reference(kind="container", value=c) for c in equipment]
    found += [Reference(kind="seal", value=s) for seals in equipment.values() for s in seals]
    found += [
        Reference(kind="booking", value=i.need("carrierBookingReference").text(most=35))
        for i in document.each("consignmentItems")
    ]
    if document.at("shippingInstructionsReference"):
        found.append(
            Reference(kind=Kind.SHIPPING_INSTRUCTIONS, value=document.word("shippingInstructionsReference"))
        )
    kinds = {"PO": Kind.ORDER, "CR": "customer", "INV": Kind.INVOICE, "LOC": "letter_of_credit"}
    stating = [document, *document.each("consignmentItems")]
    for reference in (r for place in stating for r in place.each("references")):
        code = reference.word("type")
        if code in kinds:
            # `value` stands under the document, `values` under an item; drafts before 3.0 said `referenceValues`.
            stated = [*reference.each("values"), *reference.each("referenceValues")]
            if reference.at("value"):
                stated.append(reference.need("value"))
            found += [Reference(kind=kinds[code], value=v.text(most=100)) for v in stated]
    return tuple(dict.fromkeys(found))


def _surrender(place: JsonPlace) -> Document:
    schemas.check(place, schemas.dcsa("EBL_SUR_v3.0.4.yaml", "SurrenderRequestDetails"))
    code = place.need("surrenderRequestCode").one_of(["SREQ", "AREQ"])
    times = [link.need("actionDateTime").instant() for link in place.each("endorsementChain")]
    number = place.need("transportDocumentReference").text(most=20)
    return Document(
        format="dcsa.surrender_request",
        version="3.0.4",
        kind=Kind.TRANSPORT_EVENT,
        external_ref=place.need("surrenderRequestReference").text(most=100),
        payload=place.payload(),
        observed_at=max(times) if times else None,
        references=(Reference(kind=Kind.TRANSPORT_DOCUMENT, value=number),),
        status="surrender_for_delivery_requested" if code == "SREQ" else "surrender_for_amendment_requested",
    )


def _instructions(place: JsonPlace) -> Document:
    remarks: list[Remark] = []
    equipment = _equipment(place, remarks)
    _originals(place)
    booking = place.some("consignmentItems")[0].need("carrierBookingReference").text(most=35)
    return Document(
        format="dcsa.shipping_instructions",
        version="3.0.4",
        kind=Kind.SHIPPING_INSTRUCTIONS,
        external_ref=booking,
        payload=place.payload(),
        parties=_parties(place),
        goods=_goods(place, equipment, remarks),
        references=_references(place, equipment),
        status="instructed",
        warnings=tuple(remarks),
    )


# Events ---------------------------------------------------------------------------------------------------------


def _unique(events: list[Place]) -> list[Place]:
    seen = set()
    for event in events:
        name = event.need("eventID")
        if name.text(most=100) in seen:
            name.refuse(EVENT_TWICE)
        seen.add(name.text())
    return events


def _events(place: JsonPlace, parts: list[Document]) -> Document:
    if len(parts) == 1:
        return parts[0]
    return Document(
        format=parts[0].format.replace("event", "events"),
        version=parts[0].version,
        kind=Kind.TRANSPORT_EVENT,
        external_ref=f"{parts[0].external_ref}+{len(parts) - 1}",
        payload=place.payload(),
        observed_at=max((p.observed_at for p in parts if p.observed_at), default=None),
        status="recorded",
        parts=tuple(parts),
    )


def _old_event(event: Place) -> Document:
    """Track & Trace 2.2."""
    event.need("eventID").matching(_UUID, WANT_UUID)
    created = event.need("eventCreatedDateTime").instant()
    kind = event.need("eventType")
    if kind.text() not in _CODES:
        kind.refuse(WANT_EVENT_TYPE)
    classifier = event.need("eventClassifierCode").one_of(["ACT", "EST", "PLN"])
    name, codes = _CODES[kind.text()]
    code = event.need(name).one_of(codes.split())
    place = event.at("eventLocation") or event.at("transportCall", "location") or event.at("transportCall")
    location = place.at("UNLocationCode") if place else None
    if location is not None:
        location.identifier(identifiers.Kind.UNLOCODE)
    remarks: list[Remark] = []
    references = []
    if event.at("equipmentReference"):
        number = event.need("equipmentReference").identifier_or_remark(identifiers.Kind.CONTAINER, remarks)
        references.append(Reference(kind="container", value=number))
    for reference in event.each("documentReferences"):
        references += _named(
            reference.word("documentReferenceType"), reference.word("documentReferenceValue")
        )
    references += _named(event.word("documentTypeCode"), event.word("documentID"))
    return _moved(
        event,
        event.need("eventDateTime").instant(),
        "2.2",
        f"{classifier}.{code}",
        references,
        remarks,
        created=created,
    )


def _new_event(event: Place) -> Document:
    """Track & Trace 3.0."""
    facts = event.need("eventClassification")
    kind = facts.need("eventTypeCode").one_of(["SHIPMENT", "TRANSPORT", "EQUIPMENT", "IOT", "REEFER"])
    classifier = facts.need("eventClassifierCode").one_of(["ACT", "EST", "PLN"])
    code = facts.need({"IOT": "iot", "REEFER": "reefer"}.get(kind, kind.lower()) + "EventTypeCode").text(
        most=10
    )
    updated = event.need("eventUpdatedDateTime").instant()
    remarks: list[Remark] = []
    references = []
    for holder in ("equipmentDetails", "iotDetails", "reeferDetails"):
        number = event.at(holder, "equipmentReference")
        if number:
            references.append(
                Reference(
                    kind="container", value=number.identifier_or_remark(identifiers.Kind.CONTAINER, remarks)
                )
            )
        details = event.at(holder)
        references += [
            Reference(kind="seal", value=s.word("number"))
            for s in (details.each("seals") if details else [])
            if s.word("number")
        ]
    details = event.at("shipmentDetails")
    for reference in (
        [details.at("documentReference"), *details.each("relatedDocumentReferences")] if details else []
    ):
        if reference:
            references += _named(reference.word("type"), reference.word("reference"))
    location = event.at("eventLocation", "UNLocationCode")
    if location is not None:
        location.identifier(identifiers.Kind.UNLOCODE)
    retracted = event.at("isRetracted")
    back = isinstance(retracted, JsonPlace) and retracted.yes()
    return _moved(
        event,
        event.need("eventDateTime").instant(),
        "3.0",
        f"{classifier}.{code}",
        references,
        remarks,
        created=updated,
        retracted=back,
    )


def _named(kind: str, value: str) -> list[Reference]:
    kinds = {
        "TRD": Kind.TRANSPORT_DOCUMENT,
        "BKG": "booking",
        "SHI": Kind.SHIPPING_INSTRUCTIONS,
        "CUC": "permit",
        "DGD": "permit",
    }
    return [Reference(kind=kinds.get(kind, "document"), value=value)] if kind and value else []


def _moved(
    event: Place, happened: datetime, version: str, status: str, references: list[Reference], remarks: list[Remark],
    *, created: datetime, retracted: bool = False,
) -> Document:  # fmt: skip
    name = event.need("eventID").text()
    return Document(
        format="dcsa.event",
        version=version,
        kind=Kind.TRANSPORT_EVENT,
        external_ref=name,
        payload=event.payload(),
        observed_at=happened,
        dated=created.astimezone(UTC).date(),
        references=tuple(dict.fromkeys(references)),
        status=status,
        cancelled=retracted,
        corrects=name if retracted else None,
        warnings=tuple(remarks),
    )
