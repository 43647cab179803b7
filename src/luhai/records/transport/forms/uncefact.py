"""UN/CEFACT: the data set as a multimodal transport message (D23B, JSON), and such messages and rail notes read back. Pure.

The message is held against the published MMT master schema, which allows nearly everything to be absent; what a document must
have is said by `bill.read`. The kind of document stands in the scenario parameter, since UNTDID 1001 has no codes fine enough;
the form in the subtype. What has no element of its own stands in a note whose subject names it.

Rail notes (SMGS, CIM/SMGS) are first read as evidence reads them (core/evidence/formats/rail), then into the data set.

Source: UN/CEFACT D23B, MMT master; UNTDID 1001, 4237, 8077, 9303; UN/CEFACT Recommendation 19 (modes).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from luhai.core.evidence.formats import rail, schemas
from luhai.core.evidence.formats.tree import JsonPlace, Place
from luhai.kernel import identifiers
from luhai.kernel.money import EXPONENT, Currency

from ..bill import Amount, Leg, OneBill, Party, read

SCHEMA: Final = "UNECE-MMTMaster.json"
GUIDELINE: Final = "LUHAI-ONE-BILL"
NOTES: Final = ("SMGS", "CIM-SMGS")

_TYPES: Final = MappingProxyType({
    "rail_bill": "720", "rail_sea_bill": "766", "multimodal_bill": "766", "ocean_bill": "705", "cargo_document": "760",
    "waybill": "700",
})  # fmt: skip
_MODES: Final = MappingProxyType({"sea": "1", "rail": "2", "road": "3", "air": "4", "inland_water": "8"})
_SEALERS: Final = MappingProxyType({"carrier": "CA", "shipper": "SH", "customs": "CU", "veterinary": "AC"})
_PAYABLE: Final = MappingProxyType({"prepaid": "P", "collect": "C"})
_FREIGHT: Final = "100000"  # UN/CEFACT Recommendation 23: all freight charges
_POLICY: Final = "520"  # UNTDID 1001: insurance policy

J = dict[str, Any]


# --- writing --------------------------------------------------------------------------------------------------------


def write(b: OneBill) -> J:
    """The data set as an MMT message. Everything is carried: `parse(write(b)) == b`."""
    document = {
        "id": _c(b.number), "typeCode": _c(_TYPES[b.document]), "subtypeCode": _c(b.form), "issueDateTime": _moment(b.issued_on),
        "originalIssuedQuantity": _c("1"), "isOrHasElectronicPresentation": True, "issueLogisticsLocation": _place(b.issued_at),
        "contractualDocumentClause": [{"id": _c(b.basis), "content": [_c(b.terms)]}],
    }  # fmt: skip
    return {
        "exchangedDocumentContext": {
            "guidelineSpecifiedDocumentContextParameter": [{"id": _c(GUIDELINE)}],
            "scenarioSpecifiedDocumentContextParameter": [{"id": _c(b.document)}],
        },
        "exchangedDocument": document,
        "specifiedConsignment": [_consignment(b)],
    }


def _consignment(b: OneBill) -> J:
    made: J = {
        "carrierAssignedId": _c(b.booking), "contractId": [_c(b.agreement)] if b.agreement else [],
        "carrierAcceptanceDateTime": _moment(b.taken_on),
        "shippedOnboardDateTime": [_moment(b.boarded_on)] if b.boarded_on else [],
        "grossWeight": [_mass(b.gross_kg)], "declaredValueForCarriageAmount": _amount(b.value),
        "carrier": _party(b.parties.issuer), "consignor": _party(b.parties.consignor),
        "consignee": _party(b.parties.consignee), "notified": [_party(p) for p in b.parties.notify],
        "carrierAgent": _party(b.parties.agent),
        "carrierAcceptanceLogisticsLocation": _place(b.origin), "consigneeReceiptLogisticsLocation": _place(b.destination),
        "transportService": [{"description": _c(f"{b.receipt}/{b.delivery}")}],
        "applicableLogisticsServiceCharge": [
            {"id": _c(_FREIGHT), "paymentArrangementCode": _c(_PAYABLE[b.freight])},
            *(
                {"description": [_c(c.name)], "paymentArrangementCode": _c(_PAYABLE[c.payable]), "appliedAmount": [_amount(c.amount)]}
                for c in b.charges
            ),
        ],
        "mainCarriageLogisticsTransportMovement": [_movement(leg) for leg in b.legs],
        "utilizedLogisticsTransportEquipment": [
            {
                "id": _c(c.number), "categoryCode": _c("CN"), "characteristicCode": _c(c.type),
                "supplierPartyRoleCode": _c("1" if c.shipper_owned else "2"),
                "affixedLogisticsSeal": [{"id": [_c(s.number)], "sealingPartyRoleCode": _c(_SEALERS[s.by])} for s in c.seals],
            }
            for c in b.containers
        ],
        "includedConsignmentItem": [
            {
                "sequenceNumeric": _c(str(n)), "grossWeight": [_mass(g.gross_kg)], "natureIdCargo": [{"id": [_c(g.hs)]}],
                "associatedReferencedLogisticsTransportEquipment": [{"id": _c(g.container)}] if g.container else [],
                "transportLogisticsPackage": [
                    {"itemQuantity": _c(str(g.packages)), "typeCode": [_c(g.package_type)] if g.package_type else []}
                ],
                "applicableNote": [{"content": [_c(g.description)]}],
                "physicalLogisticsShippingMarks": [{"marking": [_c(m)]} for m in g.marks],
            }
            for n, g in enumerate(b.goods, 1)
        ],
    }  # fmt: skip
    if b.incoterm:
        made["specifiedTradeDeliveryTerms"] = [
            {
                "deliveryTypeCode": _c(b.incoterm.code),
                "relevantTradeLocation": {"name": _c(b.incoterm.place)},
            }
        ]
    if b.insurance:
        i = b.insurance
        made["insuranceValueAmount"] = _amount(i.amount)
        made["applicableCargoInsurance"] = {
            "coverageDescription": _c(i.clauses),
            "coverage": {"name": [_c(i.insurer)]},
        }
        made["associatedReferencedDocument"] = [
            {"typeCode": _c(_POLICY), "id": [_c(i.policy)], "includedNote": _note("payable_to", i.payable_to)}
        ]
    filled: J = _filled(made)
    return filled


def _movement(leg: Leg) -> J:
    papers = {"id": [_c(leg.waybill)], "includedNote": _note("consignee", leg.consignee)}
    return {
        "modeCode": _c(_MODES[leg.mode]), "id": _c(leg.voyage), "usedLogisticsTransportMeans": {"name": _c(leg.vehicle)},
        "carrier": [{"name": [_c(leg.carrier)]}] if leg.carrier else [],
        "departureEvent": [
            {
                "scheduledOccurrenceDateTime": _moment(leg.departs_on) if leg.departs_on else "",
                "occurrenceLogisticsLocation": _place(leg.origin),
            }
        ],
        "arrivalEvent": [
            {
                "scheduledOccurrenceDateTime": _moment(leg.arrives_on) if leg.arrives_on else "",
                "occurrenceLogisticsLocation": _place(leg.destination),
            }
        ],
        "transportContractRelatedReferencedDocument": [papers] if leg.waybill else [],
    }  # fmt: skip


def _party(p: Party | None) -> J:
    if p is None:
        return {}
    contact = {
        "personName": [_c(p.contact)], "emailURIUniversalCommunication": {"uri": _c(p.email)},
        "telephoneUniversalCommunication": [{"completeNumber": _c(p.phone)}],
    }  # fmt: skip
    address = {"streetName": [_c(p.street)], "cityName": [_c(p.city)], "countryId": _c(p.country)}
    return {
        "id": [{"content": number, "schemeId": scheme} for scheme, number in p.numbers], "name": [_c(p.name)],
        "definedTradeContact": [contact], "postalTradeAddress": address,
    }  # fmt: skip


def _c(content: str) -> J:
    return {"content": content} if content else {}


def _place(code: str) -> J:
    return {"id": [_c(code)]}


def _moment(day: Any) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _mass(kg: Decimal) -> J:
    return {"content": format(kg, "f"), "unitCode": "KGM"}


def _amount(a: Amount | None) -> J:
    if a is None:
        return {}
    major = Decimal(a.minor).scaleb(-EXPONENT[Currency(a.currency)])
    return {"content": format(major, "f"), "currencyId": a.currency}


def _note(subject: str, content: str) -> list[J]:
    return [{"subject": _c(subject), "content": [_c(content)]}] if content else []


def _filled(value: Any) -> Any:
    """Without what is empty, from the bottom up."""
    if isinstance(value, dict):
        made = {k: _filled(v) for k, v in value.items()}
        return {k: v for k, v in made.items() if v not in ("", {}, [])}
    if isinstance(value, list):
        return [v for v in map(_filled, value) if v not in ("", {}, [])]
    return value


# --- reading --------------------------------------------------------------------------------------------------------


def recognises(place: Place) -> bool:
    return rail.recognises(place)


def parse(place: JsonPlace) -> OneBill:
    """The data set of an MMT message, or of a rail note. Refuses: Invalid (names the field in the document, or the field of ours
    that the document does not fill)."""
    guideline = (
        place.need("exchangedDocumentContext")
        .some("guidelineSpecifiedDocumentContextParameter")[0]
        .word("id", "content")
    )
    if guideline in NOTES:
        rail.read(place)  # its schema, its required set, its arithmetic
    else:
        schemas.check(place, schemas.uncefact(SCHEMA))
    document, consignment = place.need("exchangedDocument"), place.some("specifiedConsignment")[0]
    movements = consignment.some("mainCarriageLogisticsTransportMovement")
    given: J = _heading(place, document, guideline) | {
        "taken_on": _day(consignment.at("carrierAcceptanceDateTime")) or _day(document.at("issueDateTime")),
        "boarded_on": next((_day(p) for p in consignment.each("shippedOnboardDateTime")), None),
        "booking": consignment.word("carrierAssignedId", "content") or None,
        "agreement": _first(consignment.each("contractId")),
        "value": _read_amount(consignment.at("declaredValueForCarriageAmount")),
        "parties": {
            "issuer": _read_party(consignment.at("carrier"), guideline), "consignor": _read_party(consignment.at("consignor"), guideline),
            "consignee": _read_party(consignment.at("consignee"), guideline), "agent": _read_party(consignment.at("carrierAgent"), guideline),
            "notify": [_read_party(p, guideline) for p in consignment.each("notified")],
        },
        "legs": [_read_leg(m) for m in movements],
        "containers": _read_containers(consignment),
        "goods": [_read_goods(i) for i in consignment.each("includedConsignmentItem")],
        **_read_terms(consignment),
    }  # fmt: skip
    if guideline in NOTES:
        given["legs"][0]["waybill"] = given["number"]
        given["legs"][0]["departs_on"] = given["legs"][0]["departs_on"] or given["taken_on"]
        given["issued_at"] = given["issued_at"] or given["legs"][0]["origin"]
    return read(_given(given))


def _heading(place: JsonPlace, document: Place, guideline: str) -> J:
    scenario = _first(
        [
            p.need("id")
            for p in place.need("exchangedDocumentContext").each("scenarioSpecifiedDocumentContextParameter")
        ]
    )
    clause = next(iter(document.each("contractualDocumentClause")), None)
    note = guideline in NOTES
    types = {code: name for name, code in reversed(list(_TYPES.items()))}
    return {
        "document": "waybill" if note else scenario or types.get(document.word("typeCode", "content")),
        "number": document.need("id", "content").text(most=64),
        "form": "STRAIGHT" if note else document.word("subtypeCode", "content") or None,
        "basis": (clause.word("id", "content") if clause else "") or ("foreign_law" if note else None),
        "terms": (_first(clause.each("content")) if clause else None) or (f"{guideline}." if note else None),
        "issued_on": _day(document.at("issueDateTime")),
        "issued_at": _first(document.need("issueLogisticsLocation").each("id")) if document.at("issueLogisticsLocation") else None,
    }  # fmt: skip


def _read_terms(consignment: Place) -> J:
    service = (
        next((s.word("description", "content") for s in consignment.each("transportService")), "") or "CY/CY"
    )
    receipt, _, delivery = service.partition("/")
    freight, charges = None, []
    payable = {code: name for name, code in _PAYABLE.items()}
    for charge in consignment.each("applicableLogisticsServiceCharge"):
        how = payable.get(charge.word("paymentArrangementCode", "content"))
        if charge.word("id", "content") == _FREIGHT:
            freight = how
        elif charge.each("appliedAmount"):
            amount = _read_amount(charge.each("appliedAmount")[0])
            charges.append(
                {"name": _first(charge.each("description")), "amount": amount, "payable": how or "prepaid"}
            )
    made: J = {"receipt": receipt, "delivery": delivery, "freight": freight or "prepaid", "charges": charges}
    for term in consignment.each("specifiedTradeDeliveryTerms"):
        made["incoterm"] = {
            "code": term.word("deliveryTypeCode", "content"),
            "place": term.word("relevantTradeLocation", "name", "content") or None,
        }
    cover = consignment.at("applicableCargoInsurance")
    policies = [
        d
        for d in consignment.each("associatedReferencedDocument")
        if d.word("typeCode", "content") == _POLICY
    ]
    if cover is not None and policies:
        insurer = cover.at("coverage")
        made["insurance"] = {
            "policy": _first(policies[0].each("id")), "insurer": _first(insurer.each("name")) if insurer else None,
            "amount": _read_amount(consignment.at("insuranceValueAmount")),
            "clauses": cover.word("coverageDescription", "content") or None, "payable_to": _noted(policies[0], "payable_to"),
        }  # fmt: skip
    return made


def _read_leg(movement: Place) -> J:
    made: J = {
        "mode": {code: name for name, code in _MODES.items()}.get(movement.word("modeCode", "content")),
        "voyage": movement.word("id", "content") or None,
        "vehicle": movement.word("usedLogisticsTransportMeans", "name", "content") or None,
        "carrier": next((_first(c.each("name")) for c in movement.each("carrier")), None),
    }
    for event, end, on in (
        ("departureEvent", "origin", "departs_on"),
        ("arrivalEvent", "destination", "arrives_on"),
    ):
        happening = movement.some(event)[0]
        made[end] = _first(happening.need("occurrenceLogisticsLocation").some("id"))
        made[on] = _day(happening.at("scheduledOccurrenceDateTime"))
    for papers in movement.each("transportContractRelatedReferencedDocument"):
        made |= {"waybill": _first(papers.each("id")), "consignee": _noted(papers, "consignee")}
    return made


def _read_containers(consignment: Place) -> list[J]:
    made = []
    makers = {code: name for name, code in _SEALERS.items()}
    for item in consignment.each("utilizedLogisticsTransportEquipment"):
        number = item.word("id", "content")
        if item.word("categoryCode", "content") == "RR":  # a wagon; what it carries is what is sealed
            number = next(
                (_first(c.each("id")) or "" for c in item.each("carriedAssociatedTransportEquipment")), ""
            )
            if not number:
                continue
        made.append(
            {
                "number": number, "type": item.word("characteristicCode", "content") or None,
                "shipper_owned": item.word("supplierPartyRoleCode", "content") == "1",
                "seals": [
                    {"number": _first(s.each("id")), "by": makers.get(s.word("sealingPartyRoleCode", "content"), "carrier")}
                    for s in item.each("affixedLogisticsSeal")
                ],
            }
        )  # fmt: skip
    return made


def _read_goods(item: Place) -> J:
    weight = next(iter(item.each("grossWeight")), None)
    kilograms = None
    if weight is not None:
        factor = {"KGM": 1, "TNE": 1000}[weight.need("unitCode").one_of(["KGM", "TNE"])]
        kilograms = (
            format((weight.need("content").decimal() * factor).normalize(), "f")
            if factor > 1
            else weight.word("content")
        )
    packages = item.each("transportLogisticsPackage")
    boxes = [
        identifiers.fold(e.word("id", "content"))
        for e in item.each("associatedReferencedLogisticsTransportEquipment")
    ]
    return {
        "description": " ".join(filter(None, (_first(n.each("content")) for n in item.each("applicableNote")))) or None,
        "hs": next((_first(n.each("id")) for n in item.each("natureIdCargo")), None), "gross_kg": kilograms,
        "packages": sum(p.need("itemQuantity", "content").whole() for p in packages),
        "package_type": next((_first(p.each("typeCode")) for p in packages), None),
        "container": boxes[0] if boxes else None,
        "marks": [_first(m.each("marking")) for m in item.each("physicalLogisticsShippingMarks")],
    }  # fmt: skip


def _read_party(place: Place | None, guideline: str) -> J | None:
    if place is None:
        return None
    contacts = place.each("definedTradeContact")
    address = place.at("postalTradeAddress")
    made: J = {"name": _first(place.each("name")), "numbers": {}}
    for number in place.each("id"):
        scheme = number.word("schemeId") or (
            "railway" if guideline in NOTES and "carrier" in place.path else "other"
        )
        made["numbers"][scheme] = number.word("content")
    if address is not None:
        made |= {
            "street": _first(address.each("streetName")), "city": _first(address.each("cityName")),
            "country": address.word("countryId", "content") or None,
        }  # fmt: skip
    for contact in contacts:
        made |= {
            "contact": _first(contact.each("personName")),
            "email": contact.word("emailURIUniversalCommunication", "uri", "content") or None,
            "phone": next((p.word("completeNumber", "content") for p in contact.each("telephoneUniversalCommunication")), None),
        }  # fmt: skip
    return made


def _read_amount(place: Place | None) -> J | None:
    if place is None:
        return None
    currency = place.need("currencyId").currency()
    return {"minor": place.need("content").minor(currency), "currency": str(currency)}


def _first(places: list[Place]) -> str | None:
    return (places[0].word("content") or None) if places else None


def _noted(place: Place, subject: str) -> str | None:
    found = [n for n in place.each("includedNote") if n.word("subject", "content") == subject]
    return _first(found[0].each("content")) if found else None


def _day(place: Place | None) -> str | None:
    """The day as written, at its own place."""
    if place is None:
        return None
    place.instant()
    return place.text()[:10]


def _given(value: Any) -> Any:
    """Without what the document does not state."""
    if isinstance(value, Mapping):
        return {k: _given(v) for k, v in value.items() if v is not None and v != {}}
    if isinstance(value, list):
        return [_given(v) for v in value]
    return value
