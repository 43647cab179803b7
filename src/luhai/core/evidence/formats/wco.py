"""Customs declarations and notices in XML on the WCO data model, as the public ones of HMRC are.

There is no public schema, so what must be there is declared here, per message:

| message | must have |
|---|---|
| declaration (FunctionCode 9) | reference, type, number of items equal to the items, declarant, and per item its number, description, commodity code, procedure, and a quantity or mass |
| amendment or cancellation (13; type COR or INV) | reference, number of the declaration, a reason; an amendment also what it changes |
| notice of customs (WCOTypeName RES) | function, reference, time of issue, and the declaration's reference and number; a rejection its errors, a tax notice its amounts |
| status report | number of the declaration, time it was received, state |

The amount of a declaration is InvoiceAmount, else the sum of its items' ItemChargeAmount in one currency.
Sources: WCO Data Model 3.6; HMRC customs-declarations, DMS notification codes.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Final

from luhai.core.evidence.formats import tree
from luhai.core.evidence.formats.document import Document, Key, Kind, Line, Party, Reference, Remark
from luhai.core.evidence.formats.tree import Place, XmlPlace
from luhai.kernel import identifiers
from luhai.kernel.money import Currency
from luhai.kernel.refusal import Invalid, gettext_noop

WANT_TYPE = gettext_noop(
    "A declaration type is wanted: IM, EX or CO and the letter of the stage, such as IMA."
)
WANT_COMMODITY = gettext_noop("A commodity code of 6 to 13 digits is wanted.")
WANT_COUNT = gettext_noop("The number of goods items differs from the items that follow.")
ITEM_TWICE = gettext_noop("This item number stands on two items.")
CURRENCIES_DIFFER = gettext_noop("All amounts must be in one currency.")
WANT_STAMP = gettext_noop("A time in the declared format is wanted, such as 20260302040000Z for format 304.")
NO_ZONE = gettext_noop("The time has no zone, so its instant is not known.")
UNKNOWN_MESSAGE = gettext_noop(
    "This WCO message is not known; DEC, RES or a declaration status report is wanted."
)
WANT_MEASURE = gettext_noop("A quantity or a mass is wanted.")

#: Function code of a notice: its DMS name and the status that it gives the declaration.
NOTICES: Final = MappingProxyType(
    {
        "01": ("DMSACC", "accepted"),
        "02": ("DMSRCV", "received"),
        "03": ("DMSREJ", "rejected"),
        "05": ("DMSCTL", "under_control"),
        "06": ("DMSDOC", "documents_wanted"),
        "07": ("DMSRES", "amended"),
        "08": ("DMSROG", "released"),
        "09": ("DMSCLE", "cleared"),
        "10": ("DMSINV", "cancelled"),
        "11": ("DMSREQ", "request_answered"),
        "13": ("DMSTAX", "taxed"),
        "16": ("DMSEOG", "exited"),
    }
)

#: Codes of documents produced (UNTDID 1001, as customs prefix them with N), by what they are for us.
_DOCUMENTS: Final = MappingProxyType(
    {
        "N935": Kind.INVOICE, "N380": Kind.INVOICE, "N325": Kind.INVOICE, "N954": "permit", "N271": "packing_list",
        "N703": Kind.TRANSPORT_DOCUMENT, "N704": Kind.TRANSPORT_DOCUMENT, "N705": Kind.TRANSPORT_DOCUMENT,
        "N714": Kind.TRANSPORT_DOCUMENT, "N720": Kind.TRANSPORT_DOCUMENT, "N722": Kind.TRANSPORT_DOCUMENT,
        "N730": Kind.TRANSPORT_DOCUMENT, "N740": Kind.TRANSPORT_DOCUMENT, "N741": Kind.TRANSPORT_DOCUMENT,
        "N750": Kind.TRANSPORT_DOCUMENT, "N760": Kind.TRANSPORT_DOCUMENT, "N787": Kind.TRANSPORT_DOCUMENT,
    }
)  # fmt: skip
_ROLES: Final = MappingProxyType(
    {
        "Declarant": "declarant", "Exporter": "exporter", "Importer": "importer", "Agent": "agent",
        "Consignee": "consignee", "Consignor": "consignor", "Buyer": "buyer", "Seller": "seller", "Submitter": "submitter",
    }
)  # fmt: skip
_TYPE: Final = re.compile(r"(?:IM|EX|CO)[A-Z]", re.ASCII)
_COMMODITY: Final = re.compile(r"\d{6,13}", re.ASCII)
_STAMPS: Final = MappingProxyType(
    {
        "304": r"(\d{8})(\d{6})(Z|[+-]\d{2}(?::?\d{2})?)",
        "204": r"(\d{8})(\d{6})()",
        "203": r"(\d{8})(\d{4})()",
        "102": r"(\d{8})()()",
    }
)


def recognises(place: Place) -> bool:
    return isinstance(place, XmlPlace) and place.tag in {"MetaData", "DeclarationStatusResponse"}


def read(place: XmlPlace) -> Document:
    if place.tag == "DeclarationStatusResponse":
        return _status(place)
    match place.need("WCOTypeName").text():
        case "DEC":
            declaration = place.need("Declaration")
            function = declaration.need("FunctionCode").one_of(["9", "13"])
            return _declaration(place, declaration) if function == "9" else _request(place, declaration)
        case "RES":
            return _notice(place, place.need("Response"))
        case _:
            return place.need("WCOTypeName").refuse(UNKNOWN_MESSAGE)


def stamp(place: Place, remarks: list[Remark]) -> tuple[datetime | None, date]:
    """The instant and the day of a coded time. Without a zone there is a day only, and a remark."""
    text_at = place.need("DateTimeString")
    shape = _STAMPS[text_at.need("@formatCode").one_of(_STAMPS)]
    match = re.fullmatch(shape, text_at.text(), re.ASCII)
    try:
        if match is None:
            raise ValueError
        digits, clock, zone = match[1], match[2].ljust(6, "0"), match[3]
        local = datetime.strptime(digits + clock, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the zone follows, or is remarked
        if not zone:
            remarks.append(Remark(field=text_at.path, problem=NO_ZONE))
            return None, local.date()
        return local.replace(tzinfo=tree.offset(zone)).astimezone(UTC), local.date()
    except (ValueError, OverflowError):
        text_at.refuse(WANT_STAMP)


def _version(place: XmlPlace) -> str:
    return place.need("WCODataModelVersionCode").text(most=20)


def _declaration(place: XmlPlace, declaration: Place) -> Document:
    remarks: list[Remark] = []
    reference = declaration.need("FunctionalReferenceID").text(most=70)
    declaration.need("TypeCode").matching(_TYPE, WANT_TYPE)
    if not any(
        declaration.at(who, "ID") or declaration.at(who, "Name")
        for who in ("Declarant", "Agent", "Exporter", "Importer")
    ):
        declaration.need("Declarant", "ID")
    shipment = declaration.need("GoodsShipment")
    items = shipment.some("GovernmentAgencyGoodsItem")
    count = declaration.need("GoodsItemQuantity")
    if count.whole() != len(items):
        count.refuse(WANT_COUNT)
    goods = _goods(items, remarks)
    amount, currency = _amount(declaration, items, goods, remarks)
    issued = declaration.at("IssueDateTime")
    moment, day = stamp(issued, remarks) if issued else (None, None)
    containers = _containers(shipment, remarks)
    country = place.word("ResponsibleCountryCode")
    return Document(
        format="wco.declaration",
        version=_version(place),
        kind=Kind.CUSTOMS_DECLARATION,
        external_ref=reference,
        payload=place.payload(),
        keys=(Key.of("customs_declaration", country=country, number=reference),),
        parties=_parties(declaration, shipment),
        goods=goods,
        amount_minor=amount,
        currency=currency,
        observed_at=moment,
        dated=day,
        references=(*_documents(declaration, shipment, items), *containers),
        status="lodged",
        warnings=tuple(remarks),
    )


def _goods(items: list[Place], remarks: list[Remark]) -> tuple[Line, ...]:
    lines, seen = [], set()
    for item in items:
        number = item.need("SequenceNumeric")
        if number.whole() in seen:
            number.refuse(ITEM_TWICE)
        seen.add(number.whole())
        commodity = item.need("Commodity")
        code = commodity.some("Classification")[0].need("ID").matching(_COMMODITY, WANT_COMMODITY)
        item.some("GovernmentProcedure")[0].need("CurrentCode").text(most=7)
        measure = commodity.need("GoodsMeasure")
        gross, net, units = (
            measure.at("GrossMassMeasure"),
            measure.at("NetNetWeightMeasure"),
            measure.at("TariffQuantity"),
        )
        if not (gross or net or units):
            measure.refuse(WANT_MEASURE)
        charged = commodity.at("InvoiceLine", "ItemChargeAmount")
        currency, amount = _money(charged, remarks) if charged else (None, None)
        packages = [
            p.need("QuantityQuantity").whole() for p in item.each("Packaging") if p.at("QuantityQuantity")
        ]
        measured = units or net or gross
        assert measured is not None
        lines.append(
            Line(
                number=number.whole(),
                description=commodity.need("Description").text(most=2000),
                hs=code,
                quantity=measured.decimal(),
                unit="supplementary" if units else "KGM",
                packages=sum(packages) if packages else None,
                gross_kg=gross.decimal() if gross else None,
                amount_minor=amount,
                currency=currency,
            )
        )
    return tuple(lines)


def _money(place: Place, remarks: list[Remark]) -> tuple[str | None, int | None]:
    """Currency and minor units; a currency that is not handled leaves a remark, an inexact amount is refused."""
    try:
        currency: Currency = place.need("@currencyID").currency()
    except Invalid as wrong:
        if not re.fullmatch("[A-Z]{3}", place.word("@currencyID")):
            raise
        remarks.append(Remark(field=str(wrong.facts["field"]), problem=str(wrong.facts["problem"])))
        return None, None
    return currency, place.minor(currency, negative=True)


def _amount(
    declaration: Place, items: list[Place], goods: tuple[Line, ...], remarks: list[Remark]
) -> tuple[int | None, str | None]:
    invoice = declaration.at("InvoiceAmount")
    if invoice is not None:
        currency, amount = _money(invoice, remarks)
        if amount is not None and amount <= 0:
            invoice.refuse(tree.WANT_POSITIVE)
        return amount, currency
    if any(line.amount_minor is None for line in goods):
        return None, None
    if len({line.currency for line in goods}) > 1:
        items[-1].need("Commodity", "InvoiceLine", "ItemChargeAmount", "@currencyID").refuse(
            CURRENCIES_DIFFER
        )
    total = sum(line.amount_minor or 0 for line in goods)
    return (total, goods[0].currency) if total > 0 else (None, None)


def _parties(declaration: Place, shipment: Place | None) -> tuple[Party, ...]:
    found = []
    for place in (declaration, shipment):
        for name, role in _ROLES.items():
            for who in place.each(name) if place else []:
                number, label = who.word("ID"), who.word("Name")
                if number or label:
                    identifiers_ = (("eori", number),) if number else ()
                    found.append(
                        Party(
                            role=role,
                            name=label,
                            identifiers=identifiers_,
                            country=who.word("Address", "CountryCode"),
                        )
                    )
    return tuple(found)


def _containers(shipment: Place, remarks: list[Remark]) -> tuple[Reference, ...]:
    found: list[Reference] = []
    consignment = shipment.at("Consignment")
    for equipment in consignment.each("TransportEquipment") if consignment else []:
        number = equipment.at("ID")
        if number is not None:
            found.append(
                Reference(
                    kind="container", value=number.identifier_or_remark(identifiers.Kind.CONTAINER, remarks)
                )
            )
        found += [
            Reference(kind="seal", value=seal.need("ID").text(most=35))
            for seal in equipment.each("Seal")
            if seal.at("ID")
        ]
    return tuple(found)


def _documents(declaration: Place, shipment: Place | None, items: list[Place]) -> tuple[Reference, ...]:
    found = []
    for place in (declaration, shipment, *items):
        if place is None:
            continue
        for document in place.each("AdditionalDocument"):
            number = document.word("ID")
            kind = _DOCUMENTS.get(document.word("CategoryCode") + document.word("TypeCode"), "permit")
            if number:
                found.append(Reference(kind=kind, value=number))
        for document in place.each("PreviousDocument"):
            number = document.word("ID")
            kind = {"DCR": "consignment", "DCS": "consignment", "MCR": "consignment"}.get(
                document.word("TypeCode"), Kind.CUSTOMS_DECLARATION
            )
            kind = _DOCUMENTS.get("N" + document.word("TypeCode"), kind)
            if number:
                found.append(Reference(kind=kind, value=number))
    return tuple(dict.fromkeys(found))


def _request(place: XmlPlace, declaration: Place) -> Document:
    """An amendment or a cancellation that the declarant asks for: it takes effect when customs says so."""
    remarks: list[Remark] = []
    reference = declaration.need("FunctionalReferenceID").text(most=70)
    number = declaration.need("ID").text(most=70)
    type_code = declaration.need("TypeCode").one_of(["COR", "INV"])
    reasons = declaration.some("AdditionalInformation")
    if not any(r.at("StatementDescription") for r in reasons):
        reasons[0].need("StatementDescription")
    for amendment in declaration.some("Amendment") if type_code == "COR" else []:
        amendment.need("ChangeReasonCode").text(most=4)
        for pointer in amendment.some("Pointer"):
            pointer.need("DocumentSectionCode").text(most=4)
    issued = declaration.at("IssueDateTime")
    moment, day = stamp(issued, remarks) if issued else (None, None)
    return Document(
        format="wco.amendment" if type_code == "COR" else "wco.cancellation",
        version=_version(place),
        kind=Kind.CUSTOMS_NOTICE,
        external_ref=reference,
        payload=place.payload(),
        parties=_parties(declaration, declaration.at("GoodsShipment")),
        observed_at=moment,
        dated=day,
        references=(Reference(kind=Kind.CUSTOMS_DECLARATION, value=number),),
        status="amendment_requested" if type_code == "COR" else "cancellation_requested",
        warnings=tuple(remarks),
    )


def _notice(place: XmlPlace, response: Place) -> Document:
    remarks: list[Remark] = []
    code = response.need("FunctionCode").one_of(NOTICES)
    name, status = NOTICES[code]
    reference = response.need("FunctionalReferenceID").text(most=70)
    moment, day = stamp(response.need("IssueDateTime"), remarks)
    declaration = response.some("Declaration")[0]
    own = declaration.need("FunctionalReferenceID").text(most=70)
    number = declaration.need("ID").text(most=70)
    if name == "DMSREJ":
        for error in response.some("Error"):
            error.need("ValidationCode").text(most=20)
    if name == "DMSTAX":
        taxes = [
            tax for item in declaration.need("GoodsShipment").some("GovernmentAgencyGoodsItem")
            for tax in item.need("Commodity").some("DutyTaxFee")
        ]  # fmt: skip
        for tax in taxes:
            for payment in tax.each("Payment"):
                for assessed in payment.each("TaxAssessedAmount"):
                    _money(assessed, remarks)
    return Document(
        format="wco.notice",
        version=_version(place),
        kind=Kind.CUSTOMS_NOTICE,
        external_ref=reference,
        payload=place.payload(),
        observed_at=moment,
        dated=day,
        references=(
            Reference(kind=Kind.CUSTOMS_DECLARATION, value=number, issuer="customs"),
            Reference(kind=Kind.CUSTOMS_DECLARATION, value=own, issuer="declarant"),
        ),
        status=status,
        cancelled=status == "cancelled",
        warnings=tuple(remarks),
    )


def _status(place: XmlPlace) -> Document:
    remarks: list[Remark] = []
    details = place.need("DeclarationStatusDetails")
    state, *rest = details.some("Declaration")
    number = state.need("ID").text(most=70)
    moment, day = stamp(state.need("ReceivedDateTime"), remarks)
    released = state.at("GoodsReleasedDateTime")
    if released is not None:
        moment, day = stamp(released, remarks)
    state.need("ROE").text(most=3)
    declared = rest[0] if rest else None
    shipment = declared.at("GoodsShipment") if declared else None
    return Document(
        format="wco.status",
        version="2",
        kind=Kind.CUSTOMS_NOTICE,
        external_ref=f"{number}/{state.need('VersionID').whole()}/{moment:%Y%m%dT%H%M%SZ}"
        if moment
        else number,
        payload=place.payload(),
        parties=_parties(declared, shipment) if declared else (),
        observed_at=moment,
        dated=day,
        references=(
            Reference(kind=Kind.CUSTOMS_DECLARATION, value=number, issuer="customs"),
            *(_documents(declared, shipment, []) if declared else ()),
        ),
        status="released" if released is not None else "received",
        warnings=tuple(remarks),
    )
