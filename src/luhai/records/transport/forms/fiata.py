"""FIATA: a multimodal bill of lading (eFBL, release 2023-01-06) read into the data set. Pure.

An eFBL is negotiable unless its consignee says otherwise ("to order", "to order of …"); its places must be UN/LOCODEs here, its
containers must hold by ISO 6346 and its goods have an HS code, since a title stands on them. A preview (no id) is refused.

Source: FIATA eFBL schema 2023-01-06; domain notes §4.7.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Final

from luhai.core.evidence.formats import fiata, tree
from luhai.core.evidence.formats.tree import JsonPlace, Place
from luhai.kernel.money import Currency
from luhai.kernel.refusal import gettext_noop

from ..bill import OneBill, read

J = dict[str, Any]

PREVIEW: Final = gettext_noop("A registered bill is wanted; this one has no id and is a preview.")
ORDER: Final = re.compile(r"(?i)(?:to\s+)?(?:the\s+)?order(?:\s+of\s+(?P<whom>.+))?")
#: UN/CEFACT Recommendation 19.
_MODES: Final = {"1": "sea", "2": "rail", "3": "road", "4": "air", "8": "inland_water"}


def recognises(place: Place) -> bool:
    return fiata.recognises(place)


def parse(place: JsonPlace) -> OneBill:
    """The data set of a registered eFBL. Refuses: Invalid (names the field of the bill, or the one of ours it does not fill)."""
    if place.at("exchanged_document", "id") is None:
        tree.refuse("exchanged_document.id", PREVIEW)
    fiata.read(place)
    bill, consignment = place.need("exchanged_document"), place.need("supply_chain_consignment")
    issued = bill.need("issueDateTime", "value").text()[:10]
    consignee = consignment.need("consignee")
    name = consignee.need("name", "value").text(most=200)
    ordered = ORDER.fullmatch(name)
    whom = ordered["whom"] if ordered else name
    stops = [
        consignment.at(n, "id")
        for n in (
            "carrierAcceptanceLocation",
            "loadingBaseportLocation",
            "unloadingBaseportLocation",
            "consigneeReceiptLocation",
        )
    ]
    value = consignment.at("declaredValueForCarriageAmount")
    equipment = [
        e for i in consignment.each("includedConsignmentItem") for e in i.each("associatedTransportEquipment")
    ]
    policy = consignment.word("insurancePolicyNumber")
    made: J = {
        "document": "multimodal_bill", "number": bill.need("id").text(most=64),
        "form": "STRAIGHT" if not ordered else "TO_ORDER" if whom else "BLANK", "basis": "foreign_law",
        "issued_on": issued, "taken_on": issued, "issued_at": _code(bill.at("issueLocation", "id")),
        "terms": bill.word("contractualClause", "text", "value") or "FIATA multimodal transport bill of lading, standard conditions.",
        "freight": "prepaid", "booking": None, "legs": _legs([s for s in map(_code, stops) if s], consignment, issued),
        "parties": {
            "issuer": _party(consignment.need("cto")), "consignor": _party(consignment.need("consignor")),
            "consignee": _party(consignee) | {"name": whom} if whom else None,
            "agent": _party(agent) if (agent := consignment.at("ctoAgent")) else None,
            "notify": [_party(p) for p in consignment.each("notifiedParty")],
        },
        "containers": [
            {"number": e.need("id", "value").text(most=20), "seals": [{"number": s.need("value").text(most=15)} for s in e.each("affixedSeal")]}
            for e in equipment
        ],
        "goods": [_goods(i) for i in consignment.each("includedConsignmentItem")],
        "value": _amount(value) if value else None,
    }  # fmt: skip
    if policy and value is not None:
        made["insurance"] = {
            "policy": policy,
            "insurer": consignment.word("insurancePolicyCompany"),
            "amount": _amount(value),
        }
    return read(_stated(made))


def _code(place: Place | None) -> str | None:
    if isinstance(place, JsonPlace) and isinstance(place.value, dict):  # an identifier with its scheme
        place = place.at("value")
    return place.text(most=20) if place is not None else None


def _legs(stops: list[str], consignment: Place, day: str) -> list[J]:
    """Between the places that the bill names: to the port of loading by road, by the mode of the main carriage, and on by road."""
    mode = _MODES.get(consignment.word("mainCarriageTransportMovement", "modeCode", "value"), "sea")
    first, last = consignment.at("loadingBaseportLocation"), consignment.at("unloadingBaseportLocation")
    ways = [
        w for w, there in (("road", first is not None), (mode, True), ("road", last is not None)) if there
    ]
    pairs = [(a, b, w) for (a, b), w in zip(pairwise(stops), ways, strict=False) if a != b]
    legs: list[J] = [{"origin": a, "destination": b, "mode": w} for a, b, w in pairs]
    if legs:
        legs[0]["departs_on"] = day
    return legs


def _party(place: Place) -> J:
    made: J = {"name": place.need("name", "value").text(most=200), "numbers": {}}
    for number in place.each("id"):
        scheme = "fiata" if "FIATA" in number.word("identificationSchemeAgency").upper() else "other"
        made["numbers"].setdefault(scheme, number.word("value"))
    if (address := place.at("postalAddress")) is not None:
        made |= {
            "street": address.word("streetName"),
            "city": address.word("cityName"),
            "country": address.word("countryCode"),
        }
    if (contact := place.at("definedContactDetails")) is not None:
        made |= {
            "contact": contact.word("personName", "value"),
            "email": contact.word("emailAddress", "value"),
        }
    return made


def _goods(item: Place) -> J:
    nature = item.need("cargoNatureIdentification")
    packages = item.some("transportPackage")
    weight = item.need("grossWeight")
    factor = {"kg": 1, "KGM": 1, "t": 1000, "TNE": 1000}[
        weight.need("unit").one_of(["kg", "KGM", "t", "TNE"])
    ]
    boxes = item.each("associatedTransportEquipment")
    return {
        "description": " ".join(t.need("value").text() for t in nature.some("identificationText")),
        "hs": item.need("goodsTypeCode", "value").text(most=20), "gross_kg": format(weight.need("value").decimal() * factor, "f"),
        "packages": sum(p.need("itemQuantity").whole() for p in packages), "package_type": packages[0].word("typeCode", "value"),
        "container": boxes[0].word("id", "value") if boxes else None,
        "marks": [m.text(most=35) for p in packages for m in p.each("shippingMarks")],
    }  # fmt: skip


def _amount(place: Place) -> J:
    currency: Currency = place.need("currency").currency()
    return {"minor": place.need("value").minor(currency), "currency": str(currency)}


def _stated(value: Any) -> Any:
    if isinstance(value, dict):
        made = {k: _stated(v) for k, v in value.items()}
        return {k: v for k, v in made.items() if v is not None and v not in ("", [], {})}
    return [_stated(v) for v in value] if isinstance(value, list) else value
