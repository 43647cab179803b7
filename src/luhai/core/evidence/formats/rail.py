"""Rail consignment notes: SMGS, and the common CIM/SMGS note, in UN/CEFACT's JSON (D23B).

The published schema is used to refuse what it forbids, yet it accepts `{}`. So this is what a note must have besides:
its number, type 720 and an
instant of issue; the guideline it follows, SMGS or CIM-SMGS (exchangedDocumentContext), since type 720 is all three; per consignment a consignor and a consignee with
name and country, a carrier with a code, a station of departure and one of arrival, a gross mass, wagons or containers
(a container's number must hold by ISO 6346, a wagon's has 8 digits or 12 with a check digit), and items with a goods
code (GNG, NHM or HS), a mass and a number of packages; the items' masses make up the consignment's.

Source: SMGS art. 15 and annex 1; CIM/SMGS manual; financing.md §4.8; UN/CEFACT D23B.
"""

from __future__ import annotations

import re
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from luhai.core.evidence.formats import schemas, tree
from luhai.core.evidence.formats.document import Document, Key, Kind, Line, Party, Reference, Remark
from luhai.core.evidence.formats.tree import JsonPlace, Place
from luhai.kernel import identifiers
from luhai.kernel.money import Currency
from luhai.kernel.refusal import Invalid, gettext_noop

ONE_CONSIGNMENT = gettext_noop("A note has exactly one consignment.")
WANT_GOODS_CODE = gettext_noop("A goods code of 6 to 8 digits is wanted (GNG, NHM or HS).")
WANT_WAGON = gettext_noop("A wagon number of 8 digits, or of 12 with its check digit, is wanted.")
MASSES_DIFFER = gettext_noop("The masses of the items do not add up to the mass of the consignment.")
SEAL_TWICE = gettext_noop("This seal is on two pieces of equipment.")
EQUIPMENT_TWICE = gettext_noop("This number stands on two pieces of equipment.")
NOT_CARRIED = gettext_noop("This equipment is not among utilizedLogisticsTransportEquipment.")

#: Guideline: our name and the published schema.
_NOTES: Final = MappingProxyType(
    {
        "SMGS": ("rail.smgs", "UNECE-SMGSConsignmentNote.json"),
        "CIM-SMGS": ("rail.cim_smgs", "UNECE-MMTCIM-SMGSConsignmentNote.json"),
    }
)
_GOODS_CODE: Final = re.compile(r"\d{6,8}", re.ASCII)
_ROLES: Final = MappingProxyType(
    {"consignor": "shipper", "consignee": "consignee", "carrier": "carrier", "consignorAgent": "agent"}
)


def recognises(place: Place) -> bool:
    return (
        isinstance(place, JsonPlace)
        and isinstance(place.value, dict)
        and bool({"exchangedDocument", "specifiedConsignment"} & set(place.value))
    )


def read(place: JsonPlace) -> Document:
    remarks: list[Remark] = []
    guideline = place.need("exchangedDocumentContext").some("guidelineSpecifiedDocumentContextParameter")[0]
    form, schema = _NOTES[guideline.need("id", "content").one_of(_NOTES)]
    schemas.check(place, schemas.uncefact(schema))
    note = place.need("exchangedDocument")
    note.need("typeCode", "content").one_of(["720"])
    number = note.need("id", "content").text(most=35)
    moment = note.need("issueDateTime").instant()
    consignment, *others = place.some("specifiedConsignment")
    if others:
        others[0].refuse(ONE_CONSIGNMENT)
    parties = _parties(consignment)
    start, end = _route(consignment)
    containers, wagons, seals = _equipment(consignment)
    goods = _goods(consignment, {*containers, *wagons}, seals)
    amount, currency = _value(consignment, remarks)
    carrier = next(p for p in parties if p.role == "carrier")
    issuer = dict(carrier.identifiers).get("railway", carrier.name)
    return Document(
        format=form,
        version="D23B",
        kind=Kind.TRANSPORT_DOCUMENT,
        external_ref=number,
        payload=place.payload(),
        keys=(
            Key.of("transport_document", issuer=issuer, kind=form.split(".")[1], number=number),
            *(
                Key.of("container", container=c, carrier=issuer, departed=f"{moment:%Y-%m-%d}")
                for c in containers
            ),
        ),
        parties=parties,
        goods=goods,
        amount_minor=amount,
        currency=currency,
        observed_at=moment,
        dated=moment.date(),
        references=tuple(
            dict.fromkeys(
                [Reference(kind="container", value=c) for c in containers]
                + [Reference(kind="wagon", value=w) for w in wagons]
                + [Reference(kind="seal", value=s) for found in seals.values() for s in found]
                + [Reference(kind="station", value=start), Reference(kind="station", value=end)]
                + _documents(consignment)
            )
        ),
        status="delivered" if consignment.at("deliveryEvent") else "issued",
        warnings=tuple(remarks),
    )


def _content(places: list[Place]) -> str:
    return places[0].need("content").text(most=500) if places else ""


def _parties(consignment: Place) -> tuple[Party, ...]:
    found = []
    for name, role in _ROLES.items():
        party = consignment.at(name) if role == "agent" else consignment.need(name)
        if party is None:
            continue
        numbers = party.some("id") if role == "carrier" else party.each("id")
        codes = [
            ("railway", n.need("content").text(most=70))
            if role == "carrier"
            else _scheme(n.need("content").text(most=70))
            for n in numbers
        ]
        country = party.at("postalTradeAddress", "countryId", "content")
        if role in {"shipper", "consignee"}:
            country = party.need("postalTradeAddress", "countryId", "content")
        names = party.some("name") if role != "agent" else party.each("name")
        found.append(
            Party(
                role=role,
                name=_content(names),
                identifiers=tuple(codes),
                country=country.text(most=2) if country else "",
            )
        )
    return tuple(found)


def _scheme(number: str) -> tuple[str, str]:
    """The schema has no room to say what a party's number is, so its own arithmetic says it."""
    for kind in (identifiers.Kind.USCC, identifiers.Kind.LEI):
        try:
            return kind, identifiers.check(kind, number)
        except Invalid:
            continue
    return "code", number


def _route(consignment: Place) -> tuple[str, str]:
    movements = consignment.some("mainCarriageLogisticsTransportMovement")
    ends = []
    for event, movement in (("departureEvent", movements[0]), ("arrivalEvent", movements[-1])):
        station = movement.some(event)[0].need("occurrenceLogisticsLocation")
        ends.append(_content(station.some("id")))
    return ends[0], ends[1]


def _wagon(place: Place) -> str:
    """Luhn over the first digits of an 8 or 12 digit number: UIC 438-2; 8-digit numbers of the 1520 mm network alike."""
    digits = place.text(most=20).replace(" ", "").replace("-", "")
    if not re.fullmatch(r"\d{8}|\d{12}", digits, re.ASCII):
        place.refuse(WANT_WAGON)
    total = sum(sum(map(int, str(int(d) * (2 - i % 2)))) for i, d in enumerate(reversed(digits[:-1])))
    if -total % 10 != int(digits[-1]):
        place.refuse(f"The check digit of this wagon number should be {-total % 10}.")
    return digits


def _equipment(consignment: Place) -> tuple[list[str], list[str], dict[str, list[str]]]:
    """Containers, wagons, and the seals of each."""
    containers: list[str] = []
    wagons: list[str] = []
    seals: dict[str, list[str]] = {}
    for item in consignment.some("utilizedLogisticsTransportEquipment"):
        number = item.need("id", "content")
        if item.need("categoryCode", "content").text(most=3) == "RR":
            unit = _wagon(number)
            wagons.append(unit)
            for carried in item.each("carriedAssociatedTransportEquipment"):
                inner = carried.some("id")[0].need("content")
                _once(inner, inner.identifier(identifiers.Kind.CONTAINER), containers)
                unit = containers[-1]
        else:
            _once(number, number.identifier(identifiers.Kind.CONTAINER), containers)
            unit = containers[-1]
        for seal in item.each("affixedLogisticsSeal"):
            place = seal.some("id")[0].need("content")
            if any(place.text() in found for other, found in seals.items() if other != unit):
                place.refuse(SEAL_TWICE)
            seals.setdefault(unit, []).append(place.text(most=35))
    return containers, wagons, seals


def _once(place: Place, number: str, seen: list[str]) -> None:
    if number in seen:
        place.refuse(EQUIPMENT_TWICE)
    seen.append(number)


def _kilograms(place: Place) -> Decimal:
    factor = {"KGM": 1, "TNE": 1000}[place.need("unitCode").one_of(["KGM", "TNE"])]
    content = place.need("content")
    number = content.decimal()
    if number <= 0:
        content.refuse(tree.WANT_POSITIVE)
    return number * factor


def _goods(consignment: Place, carried: set[str], seals: dict[str, list[str]]) -> tuple[Line, ...]:
    lines = []
    for number, item in enumerate(consignment.some("includedConsignmentItem"), start=1):
        used = []
        for equipment in item.each("associatedReferencedLogisticsTransportEquipment"):
            place = equipment.need("id", "content")
            unit = identifiers.fold(place.text(most=20))
            if unit not in carried:
                place.refuse(NOT_CARRIED)
            used.append(unit)
        packages = sum(
            p.need("itemQuantity", "content").whole() for p in item.some("transportLogisticsPackage")
        )
        lines.append(
            Line(
                number=number,
                description=" ".join(
                    c.need("content").text() for n in item.each("applicableNote") for c in n.each("content")
                ),
                hs=item.some("natureIdCargo")[0]
                .some("id")[0]
                .need("content")
                .matching(_GOODS_CODE, WANT_GOODS_CODE),
                quantity=_kilograms(item.some("grossWeight")[0]),
                unit="KGM",
                packages=packages,
                gross_kg=_kilograms(item.some("grossWeight")[0]),
                containers=tuple(used),
                seals=tuple(s for unit in used for s in seals.get(unit, [])),
            )
        )
    whole = consignment.some("grossWeight")[0]
    if _kilograms(whole) != sum(line.gross_kg or 0 for line in lines):
        whole.refuse(MASSES_DIFFER)
    return tuple(lines)


def _value(consignment: Place, remarks: list[Remark]) -> tuple[int | None, str | None]:
    value = consignment.at("declaredValueForCarriageAmount")
    if value is None:
        return None, None
    currency = value.need("currencyId")
    if currency.text() not in Currency.__members__:
        remarks.append(Remark(field=currency.path, problem=tree.NOT_HANDLED))
        return None, None
    return value.need("content").minor(Currency(currency.text())), currency.text()


def _documents(consignment: Place) -> list[Reference]:
    """The schema allows type 916 only, so what kind of document it is remains unsaid."""
    return [
        Reference(kind="document", value=number.need("content").text(most=70))
        for document in consignment.each("associatedReferencedDocument")
        for number in document.each("id")
    ]
