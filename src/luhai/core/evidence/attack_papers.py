"""The papers of an attack: documents as companies, customs, railways and shipping lines write them, about invented goods.

    Numbers()            numbers unlike each other even to a hurried eye, so that only an attack makes two look alike
    contract, declaration, invoice, red_letter, note, bill
                         one paper each, as bytes; what it names is what the goods are told by
    respelled(number)    the same number as other people type it: in what kernel/folding says carries nothing
    look_alike(number)   another number that a reader takes for it

Everything is in yuan: what is financed must be summed. Nothing here knows what the platform makes of a paper.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from itertools import count
from random import Random
from typing import Any, Final

from luhai.core.evidence.formats import schemas
from luhai.kernel import identifiers

CURRENCY: Final = "CNY"
#: No two of these are taken for one another, and none for a digit.
_UNALIKE: Final = "ACEFGHJKMNPRTUVWXY"
_DASHES: Final = "-\u2010\u2011\u2013\u2014\u2212\uff0d"
_BLANKS: Final = " \u3000\u2009\u200b\u2060"
_CYRILLIC: Final = str.maketrans("ACEHKMPTXY", "\u0410\u0421\u0415\u041d\u041a\u041c\u0420\u0422\u0425\u0423")


@dataclass(slots=True)
class Numbers:
    """Numbers and amounts that are given once."""

    _serial: count[int] = field(default_factory=lambda: count(1))

    def word(self) -> str:
        """A number in letters and digits, such as K-7031-HA."""
        n, letters = next(self._serial), ""
        while n:
            n, digit = divmod(n, len(_UNALIKE))
            letters += _UNALIKE[digit]
        return f"LH-2026-{letters}-07"

    def digits(self, places: int) -> str:
        """A serial number without a zero, which a hurried eye does not count."""
        n, text = next(self._serial), ""
        while n:
            n, digit = divmod(n, 9)
            text = f"{digit + 1}{text}"
        return text.rjust(places, "0")

    def declaration(self) -> str:
        return f"800720260{self.digits(9)}"

    def invoice(self) -> str:
        return f"26502{self.digits(15)}"

    def container(self) -> str:
        return identifiers.complete(identifiers.Kind.CONTAINER, f"LHAU{next(self._serial) % 1_000_000:06d}")

    def uscc(self) -> str:
        return identifiers.complete(identifiers.Kind.USCC, f"91500106MA{next(self._serial):07d}")

    def amount(self, random: Random) -> int:
        """In fen, and no second time: its last places are its own."""
        return random.randint(20, 900) * 100_000_00 + next(self._serial)


@dataclass(frozen=True, slots=True)
class Side:
    """Somebody named on a paper. Who is abroad has a number in a register of its own."""

    name: str
    uscc: str = ""

    def written(self) -> dict[str, str]:
        if self.uscc:
            return {"name": self.name, "uscc": self.uscc}
        return {"name": self.name, "country": "TH", "registration": "0105561234567"}


ABROAD: Final = Side("Siam Motor Parts Co., Ltd.")
AT_HOME: Final = Side("重庆渝新贸易有限公司", "91500112MA5U00038A")


def respelled(number: str, random: Random) -> str:
    """The same number, written otherwise: case, width, script of the digits, blanks, dashes, leading zeros, or several of them."""
    ways: list[Callable[[str], str]] = [
        lambda text: text.lower(),
        lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
        lambda text: "".join(chr(0x0660 + int(c)) if c.isascii() and c.isdigit() else c for c in text),
        lambda text: text.replace("-", random.choice(_BLANKS)),
        lambda text: text.replace("-", random.choice(_DASHES)),
        lambda text: text.replace("-", ""),
        lambda text: re.sub(r"(?<![0-9])(?=[1-9])", "00", text),
        lambda text: text[:3] + random.choice(_BLANKS) + text[3:],
    ]
    found = number
    while found == number:
        for way in random.sample(ways, random.randint(1, 3)):
            found = way(found)
    return found


def look_alike(number: str, random: Random) -> str:
    """Another number, which a hurried reader takes for this one."""
    ways = [
        number.replace("0", "O", 1),
        number.replace("2", "Z", 1),
        number.replace("-", "/"),
        number.replace("-07", "-7O"),
        number.replace("2026", "20026"),
        number.translate(_CYRILLIC),
    ]
    return random.choice(ways)


def money(minor: int) -> str:
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def _packed(document: dict[str, Any]) -> bytes:
    return json.dumps(
        {k: v for k, v in document.items() if v not in ("", [], None)}, ensure_ascii=False
    ).encode()


def contract(
    seller: Side, amount: int, number: str, *, buyer: Side = ABROAD, day: date, orders: Sequence[str] = (),
    currency: str = CURRENCY, status: str = "signed",
) -> bytes:  # fmt: skip
    return _packed(
        {
            "format": "luhai.contract", "version": "1", "contract_no": number, "status": status, "signed_on": str(day),
            "seller": seller.written(), "buyer": buyer.written(), "currency": currency, "total_amount": money(amount),
            "incoterm": "FOB", "incoterm_place": "Qinzhou", "settlement": "T/T", "order_nos": list(orders),
            "items": [
                {"no": 1, "name": "brakes", "hs_code": "871410", "quantity": "1", "unit": "KGM", "amount": money(amount)}
            ],
        }
    )  # fmt: skip


def declaration(
    exporter: Side, amount: int, number: str, *, day: date, contract_no: str = "", bill_no: str = "",
    invoices: Sequence[str] = (), containers: Sequence[str] = (), currency: str = CURRENCY, status: str = "released",
) -> bytes:  # fmt: skip
    return _packed(
        {
            "format": "luhai.customs-declaration", "version": "1", "declaration_no": number, "direction": "export",
            "status": status, "customs_office": "8007", "border_office": "7201", "declared_on": str(day), "trade_mode": "0110",
            "levy_kind": "101", "domestic_party": exporter.written(),
            "overseas_party": {"name": ABROAD.name, "registration": "0105561234567"}, "transport_mode": "2",
            "trade_country": "THA", "other_country": "THA", "terms": "3", "packages": 1, "gross_kg": "10", "net_kg": "9",
            "contract_no": contract_no, "bill_no": bill_no, "invoice_nos": list(invoices), "containers": list(containers),
            "currency": currency, "total_amount": money(amount),
            "items": [
                {
                    "no": 1, "name": "制动", "hs_code": "8714100090", "quantity": "1", "unit": "千克",
                    "amount": money(amount), "currency": currency, "origin": "CHN", "destination": "THA", "levy": "1",
                }
            ],
        }
    )  # fmt: skip


def invoice(
    seller: Side, amount: int, number: str, *, buyer: Side = AT_HOME, day: date, contracts: Sequence[str] = (),
    declarations: Sequence[str] = (), corrects: str = "",
) -> bytes:  # fmt: skip
    """A VAT invoice without tax. Below zero it is a red-letter one, which takes back of the one it corrects."""
    text = money(amount)
    return _packed(
        {
            "format": "luhai.vat-invoice", "version": "1", "invoice_no": number,
            "kind": "red_general" if corrects else "general", "status": "issued", "issued_at": f"{day}T10:05:00+08:00",
            "seller": seller.written(), "buyer": buyer.written(), "net_amount": text, "tax_amount": "0.00",
            "gross_amount": text, "contract_nos": list(contracts), "declaration_nos": list(declarations), "corrects": corrects,
            "items": [{"no": 1, "name": "制动", "net_amount": text, "tax_rate": "0", "tax_amount": "0.00"}],
        }
    )  # fmt: skip


@cache
def _example() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (schemas.SHIPPED / "examples" / "smgs-chengdu-almaty.json").read_text(encoding="utf-8")
    )
    return found


def note(
    shipper: Side, amount: int | None, number: str, *, day: date, containers: Sequence[str], names: Sequence[str] = (),
    carrier: str = "0033",
) -> bytes:  # fmt: skip
    """A consignment note of the railway. It names papers by number alone, not by kind, and need not declare a value."""
    paper = copy.deepcopy(_example())
    paper["exchangedDocument"] |= {"id": {"content": number}, "issueDateTime": f"{day}T09:30:00+08:00"}
    goods = paper["specifiedConsignment"][0]
    value = None if amount is None else {"content": money(amount), "currencyId": CURRENCY}
    paper["specifiedConsignment"][0] = goods = {**goods, "declaredValueForCarriageAmount": value}
    if value is None:
        del goods["declaredValueForCarriageAmount"]
    goods["consignor"] |= {
        "id": [{"content": shipper.uscc}],
        "name": [{"content": shipper.name, "languageId": "zh"}],
    }
    goods["consignee"]["name"] = [{"content": ABROAD.name, "languageId": "en"}]
    goods["carrier"]["id"] = [{"content": carrier}]
    goods["associatedReferencedDocument"] = [
        {"typeCode": {"content": "916"}, "id": [{"content": name}]} for name in names
    ]
    if not names:
        del goods["associatedReferencedDocument"]
    box = {
        k: v
        for k, v in goods["utilizedLogisticsTransportEquipment"][0].items()
        if k != "affixedLogisticsSeal"
    }
    goods["utilizedLogisticsTransportEquipment"] = [{**box, "id": {"content": c}} for c in containers]
    item = goods["includedConsignmentItem"][0]
    item["associatedReferencedLogisticsTransportEquipment"] = [{"id": {"content": containers[0]}}]
    goods["includedConsignmentItem"], goods["grossWeight"] = [item], item["grossWeight"]
    return _packed(paper)


def bill(
    shipper: Side, amount: int, number: str, *, day: date, containers: Sequence[str], booking: str
) -> bytes:
    """A bill of lading of a shipping line, DCSA 3.0.4. It names its booking and its containers."""
    line = {"street": "1 Port Road", "city": "Qinzhou", "countryCode": "CN"}
    return _packed(
        {
            "transportDocumentReference": number, "transportDocumentTypeCode": "BOL", "transportDocumentStatus": "ISSUED",
            "carrierCode": "LHAI", "carrierCodeListProvider": "SMDG", "isShippedOnBoardType": True, "isElectronic": True,
            "isToOrder": False, "cargoMovementTypeAtOrigin": "FCL", "cargoMovementTypeAtDestination": "FCL",
            "receiptTypeAtOrigin": "CY", "deliveryTypeAtDestination": "CY", "shippedOnBoardDate": str(day),
            "declaredValue": 0, "declaredValueCurrency": CURRENCY, "termsAndConditions": "As agreed.",
            "partyContactDetails": [{"name": "Documentation", "email": "bills@example.org"}],
            "documentParties": {
                "shipper": {
                    "partyName": shipper.name, "identifyingCodes": [{"codeListProvider": "USCC", "partyCode": shipper.uscc}]
                },
                "consignee": {
                    "partyName": ABROAD.name, "identifyingCodes": [{"codeListProvider": "ZZZ", "partyCode": "0105561234567"}]
                },
                "issuingParty": {"partyName": "Luhai Line", "address": line},
            },
            "transports": {
                "plannedDepartureDate": str(day), "plannedArrivalDate": str(day),
                "portOfLoading": {"UNLocationCode": "CNQZH"}, "portOfDischarge": {"UNLocationCode": "THLCH"},
                "vesselVoyages": [{"vesselName": "Luhai Pioneer", "carrierExportVoyageNumber": "026S"}],
            },
            "invoicePayableAt": {"freeText": "Qinzhou"},
            "consignmentItems": [
                {
                    "carrierBookingReference": booking, "descriptionOfGoods": ["brakes"], "HSCodes": ["871410"],
                    "cargoItems": [
                        {
                            "equipmentReference": containers[0], "cargoGrossWeight": {"value": 10, "unit": "KGM"},
                            "outerPackaging": {"numberOfPackages": 1, "description": "pallet"},
                        }
                    ],
                }
            ],
            "utilizedTransportEquipments": [
                {"equipment": {"equipmentReference": c}, "isShipperOwned": False, "seals": [{"number": "1"}]}
                for c in containers
            ],
        }
    ).replace(b'"declaredValue": 0', f'"declaredValue": {money(amount)}'.encode())  # fmt: skip
