"""FIATA multimodal bills of lading (eFBL), release 2023-01-06.

Held against FIATA's JSON schema when that is here, and always against this set: time of issue, number of originals,
status, place of issue and signature; operator (cto) with a FIATA identifier; consignor, consignee, at least one item
with what it is and in what. A bill that has no id yet is a preview: it is read, named by the digest of its content, and
says `preview`, since it is registered nowhere.

Source: FIATA eFBL schema 2023-01-06; UN/CEFACT multimodal transport model.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

from luhai.core.evidence.formats import schemas, tree
from luhai.core.evidence.formats.document import Document, Key, Kind, Line, Party, Reference, Remark
from luhai.core.evidence.formats.tree import JsonPlace, Place
from luhai.kernel import identifiers
from luhai.kernel.money import Currency
from luhai.kernel.refusal import gettext_noop

NOT_REGISTERED = gettext_noop("The bill has no id: it is a preview that is registered nowhere.")
WANT_FIATA_ID = gettext_noop("The operator needs an identifier whose agency is FIATA.")


def recognises(place: Place) -> bool:
    return (
        isinstance(place, JsonPlace) and isinstance(place.value, dict) and "exchanged_document" in place.value
    )


def read(place: JsonPlace) -> Document:
    remarks: list[Remark] = []
    bill = place.need("exchanged_document")
    # Only the id is filled in from outside when a bill is amended; the schema would let a placeholder pass.
    given = bill.at("id")
    number = given.text(most=100) if given else ""
    schemas.check_or_remark(place, schemas.fiata(), remarks)
    issued = bill.need("issueDateTime", "value").instant()
    bill.need("originalIssuedQuantity").text(most=50)
    status = bill.need("documentStatus", "value").text(most=50)
    bill.need("issueLocation")
    bill.need("firstSignatoryAuthentication")
    consignment = place.need("supply_chain_consignment")
    operator = consignment.need("cto")
    fiata = [i for i in operator.some("id") if "FIATA" in i.word("identificationSchemeAgency").upper()]
    if not fiata:
        operator.some("id")[0].refuse(WANT_FIATA_ID)
    operator_id = fiata[0].need("value").text(most=100)
    if not number:
        remarks.append(Remark(field="exchanged_document.id", problem=NOT_REGISTERED))
        content = json.dumps(place.payload(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        number = f"preview:{hashlib.sha256(content.encode()).hexdigest()}"
    goods, containers, seals = _goods(consignment, remarks)
    amount, currency = _value(consignment, remarks)
    return Document(
        format="fiata.efbl",
        version="2023-01-06",
        kind=Kind.TRANSPORT_DOCUMENT,
        external_ref=number,
        payload=place.payload(),
        keys=(Key.of("transport_document", issuer=operator_id, kind="FBL", number=number),),
        parties=(
            _party("carrier", operator, (("fiata", operator_id),)),
            _party("shipper", consignment.need("consignor")),
            _party("consignee", consignment.need("consignee")),
            *([_party("carrier_agent", consignment.need("ctoAgent"))] if consignment.at("ctoAgent") else []),
            *(_party("notify", p) for p in consignment.each("notifiedParty")),
        ),
        goods=goods,
        amount_minor=amount,
        currency=currency,
        observed_at=issued,
        dated=issued.date(),
        references=tuple(
            dict.fromkeys(
                [Reference(kind="container", value=c) for c in containers]
                + [Reference(kind="seal", value=s) for s in seals]
            )
        ),
        status="preview" if number.startswith("preview:") else status,
        warnings=tuple(remarks),
    )


def _party(role: str, party: Place, codes: tuple[tuple[str, str], ...] = ()) -> Party:
    return Party(
        role=role,
        name=party.need("name", "value").text(most=500),
        identifiers=codes,
        country=party.word("postalAddress", "countryCode"),
    )


def _goods(consignment: Place, remarks: list[Remark]) -> tuple[tuple[Line, ...], list[str], list[str]]:
    lines, all_containers, all_seals = [], [], []
    for number, item in enumerate(consignment.some("includedConsignmentItem"), start=1):
        texts = [
            t.need("value").text() for t in item.need("cargoNatureIdentification").each("identificationText")
        ]
        containers, seals = [], []
        for equipment in (*item.each("usedTransportEquipment"), *item.each("associatedTransportEquipment")):
            if equipment.at("id", "value"):
                containers.append(
                    equipment.need("id", "value").identifier_or_remark(identifiers.Kind.CONTAINER, remarks)
                )
            seals += [seal.need("value").text(most=50) for seal in equipment.each("affixedSeal")]
        counts = [
            p.need("itemQuantity").whole() for p in item.each("transportPackage") if p.at("itemQuantity")
        ]
        code = item.word("goodsTypeCode", "value")
        lines.append(
            Line(
                number=number,
                description=" ".join(texts),
                hs=code if code.isdigit() and 6 <= len(code) <= 13 else "",
                packages=sum(counts) if counts else None,
                gross_kg=_mass(item),
                containers=tuple(dict.fromkeys(containers)),
                seals=tuple(dict.fromkeys(seals)),
            )
        )
        all_containers += containers
        all_seals += seals
    return tuple(lines), all_containers, all_seals


def _mass(item: Place) -> Decimal | None:
    weight = item.at("grossWeight")
    factor = {"KG": 1, "KGM": 1, "T": 1000, "TNE": 1000}.get(weight.word("unit").upper()) if weight else None
    return weight.need("value").decimal() * factor if weight and factor else None


def _value(consignment: Place, remarks: list[Remark]) -> tuple[int | None, str | None]:
    value = consignment.at("declaredValueForCarriageAmount")
    if value is None:
        return None, None
    currency = value.need("currency")
    if currency.text() not in Currency.__members__:
        remarks.append(Remark(field=currency.path, problem=tree.NOT_HANDLED))
        return None, None
    return value.need("value").minor(Currency(currency.text())), currency.text()
