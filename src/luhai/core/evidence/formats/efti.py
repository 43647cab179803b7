"""eFTI: consignments of the EU's electronic freight transport information, and the questions asked about them.

Everything is held against the published XSD. A consignment, whole (consignment/common) or as identifiers
(consignment/identifier, alone or in a saveIdentifiersRequest), is a transport document; it must say what moved: at least
one means of transport or piece of equipment. A query, a follow-up or an answer is evidence only of itself.
`matches` answers an identifier query as the published test cases do.

Source: EFTI4EU reference implementation, schemas 0.8; Regulation (EU) 2020/1056.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Final

from luhai.core.evidence.formats import schemas, tree
from luhai.core.evidence.formats.document import Document, Key, Kind, Line, Party, Reference, Remark
from luhai.core.evidence.formats.tree import Place, XmlPlace
from luhai.core.evidence.formats.wco import NO_ZONE, WANT_STAMP
from luhai.kernel import identifiers
from luhai.kernel.money import Currency
from luhai.kernel.refusal import gettext_noop

NOTHING_MOVED = gettext_noop("A means of transport or a piece of equipment is wanted.")
UNKNOWN_ROOT = gettext_noop("A consignment or a message of the eFTI gate is wanted.")

_COMMON: Final = "http://efti.eu/v1/consignment/common"
_IDENTIFIER: Final = "http://efti.eu/v1/consignment/identifier"
_GATE: Final = "http://efti.eu/v1/edelivery"
_QUERIES: Final = frozenset(
    {"identifierQuery", "uilQuery", "postFollowUpRequest", "uilResponse", "identifierResponse"}
)
_ROLES: Final = MappingProxyType(
    {"consignor": "shipper", "consignee": "consignee", "carrier": "carrier", "connectingCarrier": "carrier",
     "freightForwarder": "forwarder", "associatedParty": "other"}
)  # fmt: skip
#: Formats of a time (UNTDID 2379) by the number of their digits.
_DIGITS: Final = MappingProxyType(
    {"102": ("%Y%m%d", 8), "203": ("%Y%m%d%H%M", 12), "205": ("%Y%m%d%H%M", 12), "204": ("%Y%m%d%H%M%S", 14)}
)


def recognises(place: Place) -> bool:
    return isinstance(place, XmlPlace) and place.namespace in {_COMMON, _IDENTIFIER, _GATE}


def read(place: XmlPlace) -> Document:
    if place.namespace == _COMMON:
        schemas.check_xml(place, "consignment-common.xsd")
        return _consignment(place, place, "efti.consignment")
    if place.namespace == _IDENTIFIER:
        schemas.check_xml(place, "consignment-identifier.xsd")
        return _consignment(place, place, "efti.identifiers")
    if place.tag == "saveIdentifiersRequest":
        schemas.check_xml(place, "edelivery/platform.xsd")
        return _consignment(
            place.need("consignment"), place, "efti.identifiers", place.need("@datasetId").text(most=100)
        )
    if place.tag in _QUERIES:
        schemas.check_xml(place, "edelivery/gate.xsd")
        return _question(place)
    return place.refuse(UNKNOWN_ROOT)


def _consignment(consignment: Place, whole: XmlPlace, form: str, name: str = "") -> Document:
    remarks: list[Remark] = []
    movements, equipment = (
        consignment.each("mainCarriageTransportMovement"),
        consignment.each("usedTransportEquipment"),
    )
    containers, seals = _equipment(equipment, remarks)
    means = [
        m.need("usedTransportMeans", "id").text(most=100)
        for m in movements
        if m.at("usedTransportMeans", "id")
    ]
    if not movements and not equipment and form == "efti.identifiers":
        tree.refuse(consignment.below("mainCarriageTransportMovement"), NOTHING_MOVED)
    moment, day = _times(consignment, remarks)
    amount, currency = _value(consignment, remarks)
    contract = consignment.at("transportContractDocument", "id")
    number = name or (contract.text(most=100) if contract else "") or _digest(whole)
    return Document(
        format=form,
        version="0.8",
        kind=Kind.TRANSPORT_DOCUMENT,
        external_ref=number,
        payload=whole.payload(),
        keys=(
            # A set of identifiers names no issuer; whoever passes it on does.
            Key.of(
                "transport_document", issuer=consignment.word("carrier", "id"), kind="EFTI", number=number
            ),
            *(Key.of("container", container=c, departed=str(day or "")) for c in containers),
        ),
        parties=tuple(
            Party(
                role=role,
                name=p.word("name"),
                identifiers=(("efti", p.word("id")),) if p.word("id") else (),
                country=p.word("postalAddress", "countryCode"),
            )
            for tag, role in _ROLES.items()
            for p in consignment.each(tag)
        ),
        goods=_goods(consignment, remarks),
        amount_minor=amount,
        currency=currency,
        observed_at=moment,
        dated=day,
        references=tuple(
            dict.fromkeys(
                [Reference(kind="container", value=c) for c in containers]
                + [Reference(kind="seal", value=s) for s in seals]
                + [Reference(kind="means", value=m) for m in means]
                + [
                    Reference(kind="document", value=d.word("id"))
                    for d in consignment.each("associatedDocument")
                    if d.word("id")
                ]
            )
        ),
        status="delivered" if consignment.at("deliveryEvent", "actualOccurrenceDateTime") else "accepted",
        warnings=tuple(remarks),
    )


def _digest(place: XmlPlace) -> str:
    """A consignment without a number is named by its content."""
    content = json.dumps(place.payload(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"


def _equipment(places: list[Place], remarks: list[Remark]) -> tuple[list[str], list[str]]:
    """Numbers of equipment and of seals. Trailers and wagons are no containers, so a number is only held against
    ISO 6346 where the category says container."""
    numbers, seals = [], []
    for place in places:
        for item in (place, *place.each("carriedTransportEquipment")):
            number = item.at("id")
            if number is not None:
                container = item.word("categoryCode") in {"CN", "CZ"}
                numbers.append(
                    number.identifier_or_remark(identifiers.Kind.CONTAINER, remarks)
                    if container
                    else number.text(most=100)
                )
            seals += [s.need("id").text(most=100) for s in item.each("affixedSeal") if s.at("id")]
    return numbers, seals


def _times(consignment: Place, remarks: list[Remark]) -> tuple[datetime | None, date | None]:
    place = consignment.at("carrierAcceptanceDateTime")
    if place is None:
        return None, None
    form, text = place.word("@formatId"), place.text(most=40)
    if form not in _DIGITS:
        place.refuse(WANT_STAMP)
    pattern, length = _DIGITS[form]
    digits, zone = text[:length], text[length:]
    try:
        if not digits.isascii() or not digits.isdigit() or len(digits) != length:
            raise ValueError(text)
        local = datetime.strptime(digits, pattern)  # noqa: DTZ007 - the zone follows, or is remarked
        if not zone:
            remarks.append(Remark(field=place.path, problem=NO_ZONE))
            return None, local.date()
        return local.replace(tzinfo=tree.offset(zone)).astimezone(UTC), local.date()
    except (ValueError, OverflowError):
        place.refuse(WANT_STAMP)


def _value(consignment: Place, remarks: list[Remark]) -> tuple[int | None, str | None]:
    value = consignment.at("declaredValueForCarriageAmount")
    if value is None:
        return None, None
    currency = value.need("@currencyId")
    if currency.text() not in Currency.__members__:
        remarks.append(Remark(field=currency.path, problem=tree.NOT_HANDLED))
        return None, None
    return value.minor(Currency(currency.text())), currency.text()


def _goods(consignment: Place, remarks: list[Remark]) -> tuple[Line, ...]:
    lines = []
    for number, item in enumerate(consignment.each("includedConsignmentItem"), start=1):
        dangerous = item.each("transportDangerousGoods")
        units = item.at("goodsUnitQuantity")
        equipment, _ = _equipment(item.each("associatedTransportEquipment"), remarks)
        lines.append(
            Line(
                number=number,
                description="; ".join(filter(None, (d.word("properShippingName") for d in dangerous))),
                quantity=units.decimal() if units else None,
                containers=tuple(equipment),
            )
        )
    return tuple(lines)


def _question(place: XmlPlace) -> Document:
    name = place.word("@requestId") or _digest(place)
    found = [
        Reference(
            kind="consignment", value="/".join(u.word(n) for n in ("gateId", "platformId", "datasetId"))
        )
        for u in place.each("uil")
    ]
    found += [Reference(kind="identifier", value=i.text(most=100)) for i in place.each("identifier")]
    return Document(
        format=f"efti.{place.tag}",
        version="0.8",
        kind=Kind.QUERY,
        external_ref=name,
        payload=place.payload(),
        references=tuple(found),
        status=place.word("@status") or "asked",
    )


# Identifier queries -----------------------------------------------------------------------------------------------


def matches(query: Place, consignment: Place) -> bool:
    """Does a consignment (identifier subset) answer an identifierQuery?

    The identifier is compared without regard to case with that of means, equipment and carried equipment, or of the
    kinds that `type` lists; the country is the one in which that very thing is registered, and is not asked of carried
    equipment, which has none; mode and dangerous goods are those of a main carriage.
    """
    wanted = query.need("identifier")
    number, kinds = (
        wanted.text().casefold(),
        wanted.word("@type").split() or ["means", "equipment", "carried"],
    )
    country, mode, dangerous = (
        query.word("registrationCountryCode"),
        query.word("modeCode"),
        query.word("dangerousGoodsIndicator"),
    )
    movements = consignment.each("mainCarriageTransportMovement")
    equipment = consignment.each("usedTransportEquipment")
    things = {
        "means": [m.need("usedTransportMeans") for m in movements if m.at("usedTransportMeans")],
        "equipment": equipment,
        "carried": [c for e in equipment for c in e.each("carriedTransportEquipment")],
    }
    found = any(
        thing.word("id").casefold() == number
        and (not country or kind == "carried" or thing.word("registrationCountry", "code") == country)
        for kind in kinds
        if kind in things
        for thing in things[kind]
    )
    return (
        found
        and (not mode or any(m.word("modeCode") == mode for m in movements))
        and (
            not dangerous
            or any(_true(m.word("dangerousGoodsIndicator")) == _true(dangerous) for m in movements)
        )
    )


def _true(text: str) -> bool:
    return text in {"true", "1"}
