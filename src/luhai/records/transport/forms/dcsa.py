"""DCSA: the data set as an eBL 3.0 transport document, and such documents read back. Pure.

DCSA speaks of sea carriage in containers: a document without a leg by sea, without containers, or without what its schema needs
(booking, carrier's code, contact of the issuer, vessel and voyage) is refused. What it has no words for is named in the notes:
mode and papers of inland legs, Incoterm, insurance, the basis and the agreement.

    Written(document, notes)  where parse(document) == carried(bill): the data set without what the notes name

Numbers in JSON are written so that they are read back exactly; what would not be is refused.
Source: DCSA Bill of Lading 3.0.4; its reference data (SMDG, NMFTA).
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from luhai.core.evidence.formats import dcsa, schemas, tree
from luhai.core.evidence.formats.tree import JsonPlace, Place
from luhai.kernel.money import EXPONENT, Currency
from luhai.kernel.refusal import Refusal, gettext_noop

from ..bill import Leg, OneBill, Party, read

J = dict[str, Any]


class NoSuchForm(Refusal):
    code = "transport.no_such_form"
    status = 422
    message = gettext_noop("This document cannot be written in that form: %(problem)s (%(field)s)")


@dataclass(frozen=True, slots=True)
class Written:
    document: J
    notes: tuple[str, ...]


_TERMS: Final = MappingProxyType({"prepaid": "PRE", "collect": "COL"})
_SEALS: Final = MappingProxyType({"carrier": "CAR", "shipper": "SHI", "customs": "CUS", "veterinary": "VET"})
_MODES: Final = MappingProxyType(
    {"rail": "RAIL", "road": "TRUCK", "inland_water": "BARGE", "air": "AIR", "sea": "VESSEL"}
)
_CODES: Final = MappingProxyType({"lei": ("GLEIF", "LEI"), "bic": ("ZZZ", "BIC"), "uscc": ("ZZZ", "USCC")})
_LONG: Final = 35


# --- writing --------------------------------------------------------------------------------------------------------


def write(b: OneBill, *, status: str = "ISSUED") -> Written:
    """The data set as a transport document in `status`. Refuses: NoSuchForm (names the field)."""
    for field, problem in _unsayable(b):
        raise NoSuchForm(field=field, problem=problem)
    before, sea, after = _route(b)
    issuer = b.parties.issuer
    code, provider = (
        (issuer.number("smdg"), "SMDG") if issuer.number("smdg") else (issuer.number("nmfta"), "NMFTA")
    )
    payable = b.origin if b.freight == "prepaid" else b.destination
    made: J = {
        "transportDocumentReference": b.number, "transportDocumentStatus": status,
        "transportDocumentTypeCode": "BOL" if b.document != "waybill" else "SWB",
        "isShippedOnBoardType": b.boarded_on is not None, "freightPaymentTermCode": _TERMS[b.freight], "isElectronic": True,
        "isToOrder": b.negotiable, "numberOfOriginalsWithoutCharges": 1, "issueDate": b.issued_on.isoformat(),
        "shippedOnBoardDate": b.boarded_on.isoformat() if b.boarded_on else None,
        "receivedForShipmentDate": None if b.boarded_on else b.taken_on.isoformat(),
        "receiptTypeAtOrigin": b.receipt, "deliveryTypeAtDestination": b.delivery,
        "cargoMovementTypeAtOrigin": "FCL", "cargoMovementTypeAtDestination": "FCL",
        "termsAndConditions": b.terms, "carrierCode": code, "carrierCodeListProvider": provider,
        "placeOfIssue": {"UNLocationCode": b.issued_at}, "invoicePayableAt": {"UNLocationCode": payable},
        "partyContactDetails": [_contact(issuer)],
        "declaredValue": _major(b.value.minor, b.value.currency, "value") if b.value else None,
        "declaredValueCurrency": b.value.currency if b.value else None,
        "documentParties": _parties(b), "transports": _transports(before, sea, after),
        "charges": [
            {
                "chargeName": c.name, "currencyAmount": _major(c.amount.minor, c.amount.currency, f"charges.{n}"),
                "currencyCode": c.amount.currency, "paymentTermCode": _TERMS[c.payable], "calculationBasis": "Per transport document",
                "unitPrice": _major(c.amount.minor, c.amount.currency, f"charges.{n}"), "quantity": 1,
            }
            for n, c in enumerate(b.charges)
        ],
        "consignmentItems": [_item(b, n) for n in range(len(b.goods))],
        "utilizedTransportEquipments": [
            {
                "equipment": {"equipmentReference": c.number, "ISOEquipmentCode": c.type or None},
                "isShipperOwned": c.shipper_owned, "seals": [{"number": s.number, "source": _SEALS[s.by]} for s in c.seals],
            }
            for c in b.containers
        ],
    }  # fmt: skip
    document: J = _stated(made)
    return Written(document, tuple(_left_out(b)))


def carried(b: OneBill) -> OneBill:
    """What of the data set a DCSA document says."""
    before, sea, after = _route(b)
    bare = [replace(leg, carrier="", waybill="", consignee="") for leg in (*before, sea, *after)]
    inland = [
        replace(leg, vehicle="", voyage="", departs_on=None, arrives_on=None) if leg.mode != "sea" else leg
        for leg in bare
    ]
    if before:  # when it departs is not said; it is taken to be the day that the goods were taken or boarded
        inland[0] = replace(inland[0], departs_on=b.boarded_on or b.taken_on)
    kind = {"waybill": "waybill"}.get(b.document, "ocean_bill" if len(inland) == 1 else "multimodal_bill")
    if kind == "multimodal_bill" and {leg.mode for leg in inland} == {"sea"}:
        kind = "ocean_bill"
    p = b.parties
    parties = replace(
        p, issuer=_carried(p.issuer), consignor=_carried(p.consignor), consignee=_carried(p.consignee) if p.consignee else None,
        agent=_carried(p.agent) if p.agent else None, notify=tuple(_carried(n) for n in p.notify),
    )  # fmt: skip
    return replace(
        b, document=kind, basis="foreign_law", legs=tuple(inland), incoterm=None, insurance=None, agreement="",
        taken_on=b.boarded_on or b.taken_on, parties=parties,
    )  # fmt: skip


def _carried(p: Party) -> Party:
    if not (p.street and p.city and p.country):
        p = replace(p, street="", city="", country="")
    if not (p.contact and (p.email or p.phone)):
        p = replace(p, contact="", email="", phone="")
    return p


def _unsayable(b: OneBill) -> Iterator[tuple[str, str]]:
    seas = [leg for leg in b.legs if leg.mode == "sea"]
    if len(seas) != 1:
        yield "legs", gettext_noop("DCSA wants carriage by sea, on one leg")
    elif b.legs.index(seas[0]) > 1 or len(b.legs) - b.legs.index(seas[0]) > 2:
        yield "legs", gettext_noop("DCSA knows at most one leg before and one after the carriage by sea")
    else:
        sea = seas[0]
        for name in ("vehicle", "voyage", "departs_on", "arrives_on"):
            if not getattr(sea, name):
                yield (
                    f"legs.{b.legs.index(sea)}.{name}",
                    gettext_noop("DCSA needs vessel, voyage and planned dates"),
                )
    issuer = b.parties.issuer
    if len(b.number) > 20:
        yield "number", gettext_noop("DCSA takes at most 20 characters of a document number")
    if not 0 < len(issuer.number("smdg") or issuer.number("nmfta")) <= 4 or " " in issuer.number("smdg"):
        yield (
            "parties.issuer.numbers",
            gettext_noop("DCSA needs the carrier's code of SMDG or NMFTA, of at most 4 characters"),
        )
    if not issuer.contact or not (issuer.email or issuer.phone):
        yield "parties.issuer.contact", gettext_noop("DCSA needs somebody to ask, with e-mail or telephone")
    if not (issuer.street and issuer.city and issuer.country):
        yield "parties.issuer.street", gettext_noop("DCSA needs the carrier's address")
    if b.parties.consignee is not None and not b.parties.consignee.numbers:
        yield "parties.consignee.numbers", gettext_noop("DCSA needs a number by which the consignee is known")
    if not b.booking:
        yield "booking", gettext_noop("DCSA needs the carrier's booking number")
    if b.parties.agent is not None:
        agent = b.parties.agent
        if not (
            agent.street and agent.city and agent.country and agent.contact and (agent.email or agent.phone)
        ):
            yield "parties.agent", gettext_noop("DCSA needs address and contact of the carrier's agent")
    everybody = {
        "parties.issuer": issuer, "parties.consignor": b.parties.consignor, "parties.consignee": b.parties.consignee,
        "parties.agent": b.parties.agent, **{f"parties.notify.{n}": p for n, p in enumerate(b.parties.notify)},
    }  # fmt: skip
    for at, party in everybody.items():
        if party is not None and len(party.name) > 70:
            yield f"{at}.name", gettext_noop("DCSA takes at most 70 characters of a name")
    for n, item in enumerate(b.goods):
        if not item.container:
            yield f"goods.{n}.container", gettext_noop("DCSA carries goods in containers only")
        if len(item.hs) > 10:
            yield f"goods.{n}.hs", gettext_noop("DCSA takes at most 10 digits of a goods code")
        if any(len(w) > _LONG for w in item.description.split()):
            yield f"goods.{n}.description", gettext_noop("DCSA takes lines of at most 35 characters")


def _left_out(b: OneBill) -> Iterator[str]:
    if any(leg.waybill or leg.consignee or leg.carrier for leg in b.legs) or any(
        leg.vehicle or leg.departs_on for leg in b.legs if leg.mode != "sea"
    ):
        yield "Carriers, papers, trains and days of the inland legs are left out."
    if b.incoterm or b.insurance:
        yield "Incoterm and insurance are left out."
    if b.agreement or b.basis != "foreign_law":
        yield "On what the document rests (law or agreement) is left out."
    if b.boarded_on and b.boarded_on != b.taken_on:
        yield "The day the goods were taken in charge is left out: a document shipped on board states that day alone."
    if any(_carried(p) != p for p in _everybody(b)):
        yield "Of a party, parts of an address without street, city and country are left out, and who to ask without a way to ask."


def _everybody(b: OneBill) -> list[Party]:
    p = b.parties
    return [x for x in (p.issuer, p.consignor, p.consignee, p.agent, *p.notify) if x is not None]


def _route(b: OneBill) -> tuple[tuple[Leg, ...], Leg, tuple[Leg, ...]]:
    at = next(n for n, leg in enumerate(b.legs) if leg.mode == "sea")
    return b.legs[:at], b.legs[at], b.legs[at + 1 :]


def _transports(before: tuple[Leg, ...], sea: Leg, after: tuple[Leg, ...]) -> J:
    assert sea.departs_on is not None
    assert sea.arrives_on is not None
    return {
        "plannedDepartureDate": sea.departs_on.isoformat(), "plannedArrivalDate": sea.arrives_on.isoformat(),
        "preCarriageBy": _MODES[before[0].mode] if before else None, "onCarriageBy": _MODES[after[0].mode] if after else None,
        "placeOfReceipt": {"UNLocationCode": before[0].origin} if before else None,
        "portOfLoading": {"UNLocationCode": sea.origin}, "portOfDischarge": {"UNLocationCode": sea.destination},
        "placeOfDelivery": {"UNLocationCode": after[-1].destination} if after else None,
        "vesselVoyages": [{"vesselName": sea.vehicle, "carrierExportVoyageNumber": sea.voyage}],
    }  # fmt: skip


def _item(b: OneBill, n: int) -> J:
    g = b.goods[n]
    return {
        "carrierBookingReference": b.booking, "descriptionOfGoods": textwrap.wrap(g.description, _LONG, break_on_hyphens=False),
        "HSCodes": [g.hs], "shippingMarks": list(g.marks),
        "cargoItems": [
            {
                "equipmentReference": g.container,
                "cargoGrossWeight": {"value": number(g.gross_kg, f"goods.{n}.gross_kg"), "unit": "KGM"},
                "outerPackaging": {
                    "numberOfPackages": g.packages, "packageCode": g.package_type or None, "description": g.package_type or "Packages",
                },
            }
        ],
    }  # fmt: skip


def _parties(b: OneBill) -> J:
    p = b.parties
    named = {"endorsee": p.consignee} if b.negotiable else {"consignee": p.consignee}
    made: J = {
        "shipper": p.consignor,
        **named,
        "issuingParty": p.issuer,
        "carriersAgentAtDestination": p.agent,
    }
    return {k: _party(v) for k, v in made.items() if v is not None} | {
        "notifyParties": [_party(v) for v in p.notify]
    }


def _party(p: Party) -> J:
    address = (
        {"street": p.street, "city": p.city, "countryCode": p.country}
        if p.street and p.city and p.country
        else None
    )
    codes = []
    for scheme, value in p.numbers:
        provider, name = _CODES.get(scheme, ("SMDG", "LCL") if scheme == "smdg" else ("ZZZ", scheme.upper()))
        codes.append({"codeListProvider": provider, "codeListName": name, "partyCode": value})
    contact = [_contact(p)] if p.contact and (p.email or p.phone) else []
    return {
        "partyName": p.name,
        "address": address,
        "identifyingCodes": codes,
        "partyContactDetails": contact,
    }


def _contact(p: Party) -> J:
    return {"name": p.contact, "email": p.email, "phone": p.phone}


def _major(minor: int, currency: str, field: str) -> Any:
    return number(Decimal(minor).scaleb(-EXPONENT[Currency(currency)]), field)


def number(value: Decimal, field: str) -> Any:
    """A JSON number that is read back as just this value. Refuses: NoSuchForm (more digits than such a number keeps)."""
    made = json.loads(format(value, "f"))
    if Decimal(repr(made)) != value:
        raise NoSuchForm(field=field, problem=gettext_noop("a JSON number does not keep so many digits"))
    return int(value) if value == value.to_integral_value() else made


def _stated(value: Any) -> Any:
    if isinstance(value, Mapping):
        made = {k: _stated(v) for k, v in value.items()}
        return {k: v for k, v in made.items() if v is not None and v not in ("", [], {})}
    return [_stated(v) for v in value] if isinstance(value, list) else value


# --- reading --------------------------------------------------------------------------------------------------------


def recognises(place: Place) -> bool:
    return dcsa.recognises(place)


def parse(place: JsonPlace) -> OneBill:
    """The data set of an issued transport document, or of one in an issuance request.

    Refuses: Invalid (names the field in the document, or the field of ours that it does not fill)."""
    inner = place.at("document")
    document = inner if isinstance(inner, JsonPlace) else place
    found = dcsa.read(place)  # its schema, and what DCSA says in words only
    if found.format not in ("dcsa.transport_document", "dcsa.issuance_request"):
        tree.refuse("document", gettext_noop("A transport document is wanted, or a request to issue one."))
    return read(_data(document))


def parse_pint(place: JsonPlace) -> OneBill:
    """The data set of the transport document in a PINT envelope, whose schema is that of PINT 3.0.0."""
    schemas.check(place, schemas.dcsa("EBL_PINT_v3.0.0.yaml", "TransportDocument"))
    return read(_data(place))


def _data(document: JsonPlace) -> J:
    negotiable = document.need("isToOrder")
    assert isinstance(negotiable, JsonPlace)
    parties = document.need("documentParties")
    consignee = parties.at("endorsee") if negotiable.yes() else parties.at("consignee")
    form = "STRAIGHT" if not negotiable.yes() else "TO_ORDER" if consignee else "BLANK"
    legs = _read_legs(document.need("transports"))
    boarded, received = document.word("shippedOnBoardDate"), document.word("receivedForShipmentDate")
    modes = {leg["mode"] for leg in legs}
    kind = "ocean_bill" if modes == {"sea"} else "multimodal_bill"
    value = document.at("declaredValue")
    payable = {code: name for name, code in _TERMS.items()}
    items = document.some("consignmentItems")
    made: J = {
        "document": "waybill" if document.word("transportDocumentTypeCode") == "SWB" else kind,
        "number": document.need("transportDocumentReference").text(most=20), "form": form, "basis": "foreign_law",
        "issued_on": document.word("issueDate") or boarded or received, "taken_on": boarded or received,
        "boarded_on": boarded or None, "issued_at": document.word("placeOfIssue", "UNLocationCode") or legs[0]["origin"],
        "terms": document.word("termsAndConditions"), "freight": payable.get(document.word("freightPaymentTermCode"), "prepaid"),
        "receipt": document.word("receiptTypeAtOrigin"), "delivery": document.word("deliveryTypeAtDestination"),
        "booking": items[0].word("carrierBookingReference"), "legs": legs,
        "parties": {
            "issuer": _read_issuer(document, parties.need("issuingParty")), "consignor": _read_party(parties.need("shipper")),
            "consignee": _read_party(consignee) if consignee else None,
            "agent": _read_party(agent) if (agent := parties.at("carriersAgentAtDestination")) else None,
            "notify": [_read_party(p) for p in parties.each("notifyParties")],
        },
        "value": _read_amount(value, document.need("declaredValueCurrency")) if value else None,
        "charges": [
            {
                "name": c.word("chargeName"), "amount": _read_amount(c.need("currencyAmount"), c.need("currencyCode")),
                "payable": payable[c.need("paymentTermCode").one_of(list(payable))],
            }
            for c in document.each("charges")
        ],
        "containers": [_read_container(c) for c in document.some("utilizedTransportEquipments")],
        "goods": [_read_goods(item, cargo) for item in items for cargo in item.some("cargoItems")],
    }  # fmt: skip
    made["legs"][0]["departs_on"] = made["legs"][0].get("departs_on") or made["taken_on"]
    data: J = _stated(made)
    return data


def _read_legs(transports: Place) -> list[J]:
    modes = {code: name for name, code in _MODES.items()}
    departs, arrives = (
        transports.need("plannedDepartureDate").day(),
        transports.need("plannedArrivalDate").day(),
    )
    loading = transports.need("portOfLoading", "UNLocationCode").text()
    discharge = transports.need("portOfDischarge", "UNLocationCode").text()
    vessel = transports.some("vesselVoyages")[0]
    sea: J = {
        "mode": "sea", "origin": loading, "destination": discharge, "departs_on": _iso(departs), "arrives_on": _iso(arrives),
        "vehicle": vessel.word("vesselName"), "voyage": vessel.word("carrierExportVoyageNumber"),
    }  # fmt: skip
    legs = [sea]
    # A place that is no UN/LOCODE (a terminal's code, an address) is not a leg of its own here.
    if (start := transports.word("placeOfReceipt", "UNLocationCode")) and start != loading:
        legs.insert(
            0,
            {
                "mode": modes.get(transports.word("preCarriageBy"), "road"),
                "origin": start,
                "destination": loading,
            },
        )
    if (end := transports.word("placeOfDelivery", "UNLocationCode")) and end != discharge:
        legs.append(
            {
                "mode": modes.get(transports.word("onCarriageBy"), "road"),
                "origin": discharge,
                "destination": end,
            }
        )
    return legs


def _iso(day: date) -> str:
    return day.isoformat()


def _read_issuer(document: Place, party: Place) -> J:
    made = _read_party(party)
    scheme = document.need("carrierCodeListProvider").one_of(["SMDG", "NMFTA"]).lower()
    made["numbers"][scheme] = document.need("carrierCode").text(most=4)
    if "contact" not in made:
        made |= _read_contact(document.some("partyContactDetails")[0])
    return made


def _read_party(party: Place) -> J:
    numbers: dict[str, str] = {}
    for code in party.each("identifyingCodes"):
        provider, name = code.word("codeListProvider"), code.word("codeListName")
        scheme = "lei" if provider == "GLEIF" else "smdg" if provider == "SMDG" else name.lower()
        known = scheme in ("lei", "smdg", "bic", "uscc", "national", "nmfta", "railway", "fiata")
        numbers[scheme if known else "other"] = code.need("partyCode").text(most=150)
    made: J = {"name": party.need("partyName").text(most=70), "numbers": numbers}
    if (address := party.at("address")) is not None:
        made |= {
            "street": address.word("street"),
            "city": address.word("city"),
            "country": address.word("countryCode"),
        }
    for contact in party.each("partyContactDetails")[:1]:
        made |= _read_contact(contact)
    return made


def _read_contact(contact: Place) -> J:
    return {"contact": contact.word("name"), "email": contact.word("email"), "phone": contact.word("phone")}


def _read_amount(value: Place, currency: Place) -> J:
    kind = currency.currency()
    return {"minor": value.minor(kind), "currency": str(kind)}


def _read_container(item: Place) -> J:
    makers = {code: name for name, code in _SEALS.items()}
    owned = item.need("isShipperOwned")
    assert isinstance(owned, JsonPlace)
    return {
        "number": item.need("equipment", "equipmentReference").text(), "type": item.word("equipment", "ISOEquipmentCode"),
        "shipper_owned": owned.yes(),
        "seals": [{"number": s.need("number").text(most=15), "by": makers.get(s.word("source"), "carrier")} for s in item.each("seals")],
    }  # fmt: skip


def _read_goods(item: Place, cargo: Place) -> J:
    weight = cargo.need("cargoGrossWeight")
    weight.need("unit").one_of(["KGM"])
    kilograms = weight.need("value").decimal()
    packing = cargo.need("outerPackaging")
    return {
        "description": " ".join(d.text() for d in item.some("descriptionOfGoods")),
        "hs": item.some("HSCodes")[0].text(most=10), "marks": [m.text(most=35) for m in item.each("shippingMarks")],
        "gross_kg": format(kilograms.normalize() if kilograms != kilograms.to_integral_value() else kilograms.quantize(Decimal(1)), "f"),
        "packages": packing.need("numberOfPackages").whole(), "package_type": packing.word("packageCode"),
        "container": cargo.need("equipmentReference").text(),
    }  # fmt: skip
