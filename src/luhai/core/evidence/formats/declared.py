"""Our own declared forms in JSON, for three Chinese papers that have no public machine form: the customs declaration
(报关单), the fully digital VAT invoice (全电发票, now 数电票) and the contract.

A document names its form in `format` and `version`; data/formats/luhai/*.schema.json says what may stand where, in both
languages. Amounts are texts, so that no reader rounds them. Beyond the schema:

- numbers must hold: USCC, LEI, ISO 6346, the parts of the 18-digit declaration number and of the 20-digit invoice number;
- sums must hold exactly: lines make the total, net and tax make the gross;
- days must be in order.

Sources: settlement.md §0.4 and §1.3; 海关总署公告2019年第18号 (填制规范); 国家税务总局公告2024年第11号 (数电发票, number of
20 digits: year, region, channel, serial); Incoterms 2020.
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from luhai.core.evidence.formats import schemas, tree
from luhai.core.evidence.formats.document import Document, Key, Kind, Line, Party, Reference, Remark
from luhai.core.evidence.formats.tree import JsonPlace, Place
from luhai.kernel import identifiers
from luhai.kernel.money import EXPONENT, Currency
from luhai.kernel.refusal import gettext_noop

OTHER_DIRECTION = gettext_noop("The ninth digit of the declaration number says the other direction.")
OTHER_YEAR = gettext_noop("The year in this number is not that of its date.")
OTHER_OFFICE = gettext_noop("The declaration number begins with another customs district.")
NOT_THE_SUM = gettext_noop("This is not the sum of the lines.")
NOT_THE_PRODUCT = gettext_noop("This is not quantity times unit price, to the smallest unit of the currency.")
NOT_NET_AND_TAX = gettext_noop("This is not net amount and tax together.")
NOT_THE_TAX = gettext_noop("This is not the rate of the net amount, to the fen.")
OTHER_CURRENCY = gettext_noop("All lines are in the currency of the document.")
OUT_OF_ORDER = gettext_noop("This day lies before the one that must come first.")
LINE_TWICE = gettext_noop("This line number stands twice.")
BUYER_USCC = gettext_noop("A special VAT invoice names the buyer's USCC.")
SIGN = gettext_noop("Amounts of a red-letter invoice are negative, those of any other positive.")
WANT_CORRECTED = gettext_noop("A red-letter invoice names the invoice that it takes back.")
SAME_PARTY = gettext_noop("Buyer and seller are the same.")
NO_CORRECTION = gettext_noop("Only a red-letter invoice corrects another.")

#: The day on a Chinese paper is the day in China, whatever zone an instant is written in.
_CHINA: Final = tree.offset("+08:00")


def recognises(place: Place) -> bool:
    if not isinstance(place, JsonPlace) or not isinstance(place.value, dict):
        return False
    name = place.value.get("format")
    return isinstance(name, str) and name in _FORMS


def read(place: JsonPlace) -> Document:
    name = str(place.value["format"])
    place.need("version").one_of(["1"])
    schemas.check(place, schemas.ours(name.removeprefix("luhai.")))
    document: Document = _FORMS[name](place)
    return document


def _party(role: str, party: Place) -> Party:
    codes: list[tuple[str, str]] = []
    for scheme in (identifiers.Kind.USCC, identifiers.Kind.LEI):
        if party.at(scheme):
            codes.append((scheme, party.need(scheme).identifier(scheme)))
    codes += [(name, party.word(name)) for name in ("customs_code", "registration") if party.word(name)]
    return Party(
        role=role,
        name=party.need("name").text(most=200),
        identifiers=tuple(codes),
        country=party.word("country") or ("CN" if party.at("uscc") else ""),
    )


def _number_of(party: Party) -> str:
    return next((number for scheme, number in party.identifiers if scheme in {"uscc", "lei"}), party.name)


def _once(place: Place, seen: set[int]) -> int:
    number = place.whole()
    if number in seen:
        place.refuse(LINE_TWICE)
    seen.add(number)
    return number


def _product(item: Place, amount: Place, currency: Currency) -> None:
    """Where a unit price is given, the amount is its product, half up to the smallest unit."""
    price, quantity = item.at("unit_price"), item.at("quantity")
    if price is None or quantity is None:
        return
    exact = price.decimal() * quantity.decimal()
    if abs(exact - amount.decimal()) * 2 > Decimal(1).scaleb(-EXPONENT[currency]):
        amount.refuse(NOT_THE_PRODUCT)


# Customs declaration ----------------------------------------------------------------------------------------------

_STATES: Final = MappingProxyType(
    {"accepted": False, "released": False, "closed": False, "amended": False, "cancelled": True}
)


def _customs_declaration(place: JsonPlace) -> Document:
    """报关单. `corrects` is its own number: an amended or cancelled state replaces what was received before."""
    number_at = place.need("declaration_no")
    number = number_at.text()
    direction = place.need("direction").text()
    if number[8] != {"import": "1", "export": "0"}[direction]:
        number_at.refuse(OTHER_DIRECTION)
    declared = place.need("declared_on").day()
    if number[4:8] != f"{declared:%Y}":
        number_at.refuse(OTHER_YEAR)
    if number[:4] != place.need("customs_office").text():
        number_at.refuse(OTHER_OFFICE)
    moved = place.at("moved_on")
    released = place.at("released_at")
    # Exports leave after they are declared; imports may be declared before they arrive (提前申报).
    if moved is not None and direction == "export" and moved.day() < declared:
        moved.refuse(OUT_OF_ORDER)
    if released is not None and released.instant().astimezone(_CHINA).date() < declared:
        released.refuse(OUT_OF_ORDER)
    currency = place.need("currency").currency()
    total = place.need("total_amount")
    amount = total.minor(currency)
    containers = [c.identifier(identifiers.Kind.CONTAINER) for c in place.each("containers")]
    seals = [s.text(most=35) for s in place.each("seals")]
    seen: set[int] = set()
    goods = []
    for item in place.some("items"):
        if item.need("currency").text() != currency:
            item.need("currency").refuse(OTHER_CURRENCY)
        price = item.need("amount")
        _product(item, price, currency)
        goods.append(
            Line(
                number=_once(item.need("no"), seen),
                description=item.need("name").text(),
                hs=item.need("hs_code").text(),
                quantity=item.need("quantity").decimal(),
                unit=item.need("unit").text(),
                amount_minor=price.minor(currency),
                currency=currency,
                containers=tuple(containers),
                seals=tuple(seals),
            )
        )
    if sum(line.amount_minor or 0 for line in goods) != amount:
        total.refuse(NOT_THE_SUM)
    status = place.need("status").text()
    holder = _party("consignee" if direction == "import" else "shipper", place.need("domestic_party"))
    parties = [holder]
    for name, role in (
        ("overseas_party", "shipper" if direction == "import" else "consignee"),
        ("owner", "owner"),
        ("agent", "agent"),
    ):
        if place.at(name):
            parties.append(_party(role, place.need(name)))
    found = [Reference(kind="container", value=c) for c in containers] + [
        Reference(kind="seal", value=s) for s in seals
    ]
    for name, kind in (("contract_no", Kind.CONTRACT), ("bill_no", Kind.TRANSPORT_DOCUMENT)):
        if place.at(name):
            found.append(Reference(kind=kind, value=place.word(name)))
    found += [Reference(kind=Kind.INVOICE, value=i.text(most=50)) for i in place.each("invoice_nos")]
    return Document(
        format="luhai.customs-declaration",
        version="1",
        kind=Kind.CUSTOMS_DECLARATION,
        external_ref=number,
        payload=place.payload(),
        keys=(
            Key.of("customs_declaration", country="CN", number=number),
            *(
                Key.of(
                    "container",
                    container=c,
                    bill=place.word("bill_no"),
                    departed=str(moved.day() if moved else declared),
                )
                for c in containers
            ),
        ),
        parties=tuple(parties),
        goods=tuple(goods),
        amount_minor=amount,
        currency=currency,
        observed_at=released.instant() if released else None,
        dated=declared,
        references=tuple(dict.fromkeys(found)),
        status=status,
        cancelled=_STATES[status],
        corrects=number if status in {"amended", "cancelled"} else None,
    )


# VAT invoice ------------------------------------------------------------------------------------------------------


def _vat_invoice(place: JsonPlace) -> Document:
    """全电发票/数电票. The amount is the gross one (价税合计), in CNY; negative on a red-letter invoice (红字发票)."""
    number_at = place.need("invoice_no")
    number = number_at.text()
    issued = place.need("issued_at").instant()
    day = issued.astimezone(_CHINA).date()
    if number[:2] != f"{day:%y}":
        number_at.refuse(OTHER_YEAR)
    red = place.need("kind").text().startswith("red_")
    seller, buyer = _party("seller", place.need("seller")), _party("buyer", place.need("buyer"))
    if place.need("kind").text().endswith("special") and buyer.identifier("uscc") is None:
        tree.refuse(place.need("buyer").below("uscc"), BUYER_USCC)
    if seller.identifier("uscc") == buyer.identifier("uscc"):
        place.need("buyer", "uscc").refuse(SAME_PARTY)
    corrected = place.at("corrects")
    if red and corrected is None:
        tree.refuse(place.below("corrects"), WANT_CORRECTED)
    if corrected is not None and not red:
        corrected.refuse(NO_CORRECTION)
    net, tax, gross = place.need("net_amount"), place.need("tax_amount"), place.need("gross_amount")
    seen: set[int] = set()
    goods, nets, taxes = [], 0, 0
    for item in place.some("items"):
        amount = item.need("net_amount").minor(Currency.CNY, negative=True)
        _product(item, item.need("net_amount"), Currency.CNY)
        taxed = item.need("tax_amount").minor(Currency.CNY, negative=True)
        # A discount line (折扣行) has the other sign; only whole invoices must have theirs.
        rate = item.at("tax_rate")
        exact = item.need("net_amount").decimal() * rate.decimal() if rate else Decimal(0)
        # Issuers round line by line and correct the last one, so one fen of difference is usual.
        if abs(exact - item.need("tax_amount").decimal()) > Decimal("0.01"):
            item.need("tax_amount").refuse(NOT_THE_TAX)
        nets, taxes = nets + amount, taxes + taxed
        quantity = item.at("quantity")
        goods.append(
            Line(
                number=_once(item.need("no"), seen),
                description=item.need("name").text(),
                quantity=quantity.decimal() if quantity else None,
                unit=item.word("unit"),
                amount_minor=amount + taxed,
                currency=Currency.CNY,
            )
        )
    if net.minor(Currency.CNY, negative=True) != nets:
        net.refuse(NOT_THE_SUM)
    if tax.minor(Currency.CNY, negative=True) != taxes:
        tax.refuse(NOT_THE_SUM)
    total = gross.minor(Currency.CNY, negative=True)
    if total != nets + taxes:
        gross.refuse(NOT_NET_AND_TAX)
    if total == 0 or (total < 0) != red:
        gross.refuse(SIGN)
    status = place.need("status").text()
    return Document(
        format="luhai.vat-invoice",
        version="1",
        kind=Kind.INVOICE,
        external_ref=number,
        payload=place.payload(),
        keys=(
            Key.of(
                "vat_invoice", seller=_number_of(seller), number=number, date=str(day), amount=str(abs(total))
            ),
        ),
        parties=(seller, buyer),
        goods=tuple(goods),
        amount_minor=total,
        currency=Currency.CNY,
        observed_at=issued,
        dated=day,
        references=tuple(
            [Reference(kind=Kind.CONTRACT, value=c.text(most=50)) for c in place.each("contract_nos")]
            + [
                Reference(kind=Kind.CUSTOMS_DECLARATION, value=d.text(most=18))
                for d in place.each("declaration_nos")
            ]
        ),
        status=status,
        cancelled=status in {"cancelled", "red_lettered"},
        corrects=corrected.text()
        if corrected
        else number
        if status in {"cancelled", "red_lettered"}
        else None,
    )


# Contract ---------------------------------------------------------------------------------------------------------


def _contract(place: JsonPlace) -> Document:
    remarks: list[Remark] = []
    number = place.need("contract_no").text(most=50)
    signed = place.need("signed_on").day()
    seller, buyer = _party("seller", place.need("seller")), _party("buyer", place.need("buyer"))
    if _number_of(seller) == _number_of(buyer):
        place.need("buyer").refuse(SAME_PARTY)
    for name in ("ship_by", "valid_until"):
        if place.at(name) and place.need(name).day() < signed:
            place.need(name).refuse(OUT_OF_ORDER)
    currency = place.need("currency").currency()
    total = place.need("total_amount")
    amount = total.minor(currency)
    seen: set[int] = set()
    goods = []
    for item in place.some("items"):
        price = item.need("amount")
        _product(item, price, currency)
        goods.append(
            Line(
                number=_once(item.need("no"), seen),
                description=item.need("name").text(),
                hs=item.word("hs_code"),
                quantity=item.need("quantity").decimal(),
                unit=item.need("unit").text(),
                amount_minor=price.minor(currency),
                currency=currency,
            )
        )
    if sum(line.amount_minor or 0 for line in goods) != amount:
        total.refuse(NOT_THE_SUM)
    status = place.need("status").text()
    corrected = place.word("corrects") or (number if status in {"amended", "terminated"} else None)
    return Document(
        format="luhai.contract",
        version="1",
        kind=Kind.CONTRACT,
        external_ref=number,
        payload=place.payload(),
        keys=(
            Key.of("contract", seller=_number_of(seller), buyer=_number_of(buyer), number=number),
            *(
                Key.of("order", buyer=_number_of(buyer), seller=_number_of(seller), number=o.text(most=50))
                for o in place.each("order_nos")
            ),
        ),
        parties=(seller, buyer),
        goods=tuple(goods),
        amount_minor=amount,
        currency=currency,
        dated=signed,
        references=tuple(Reference(kind=Kind.ORDER, value=o.text(most=50)) for o in place.each("order_nos")),
        status=status,
        cancelled=status == "terminated",
        corrects=corrected,
        warnings=tuple(remarks),
    )


_FORMS: Final[MappingProxyType[Any, Any]] = MappingProxyType(
    {
        "luhai.customs-declaration": _customs_declaration,
        "luhai.vat-invoice": _vat_invoice,
        "luhai.contract": _contract,
    }
)
