"""What is written of a shipment: the agreement, the bill, the papers of the trade, events, and the order of the importer's bank. Pure.

Whose numbers stand on which paper is what a check compares later: the contract's number on the declaration and the invoice, the bill's and
the container's on the declaration, the invoice's on the payment.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from luhai.settlement.messages import compose
from luhai.settlement.messages.message import (
    Account,
    Address,
    Amount,
    Party,
    Referred,
    Remittance,
    Structured,
    Transaction,
)
from luhai.settlement.messages.write import write

from .cast import Cast, Part
from .shipment import Shipment, written

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
J = dict[str, Any]

#: M05-09: what all through whose hands document or goods go agree to. In both languages, and one text.
AGREEMENT: Final = """一、承运人就铁海联运货物签发的电子提单为唯一提货凭证；凭其交付，非凭其不得交付。
二、签约各方承认：控制该单证者有权请求交付货物、变更收货人；质押该单证即质押其项下货物。
三、铁路运单、海运单不再作为提货凭证使用；控货指令只由承运人凭单证下达。

1. The electronic bill that the carrier issues for carriage by rail and sea is the only voucher against which the goods are given out.
2. Whoever has control of the bill may ask for delivery and change the consignee; a pledge of the bill is a pledge of the goods under it.
3. Notes of the railway and waybills of the ship give nobody the goods; orders about them come from the carrier, against the bill."""

TERMS: Final = "The bill is issued under the agreement named in it and is the only voucher against which the goods are given out."


def packed(document: Any) -> str:
    """The bytes of a paper, as the commands of evidence take them."""
    return base64.b64encode(json.dumps(document, ensure_ascii=False, indent=1).encode()).decode()


# --- the bill -----------------------------------------------------------------------------------------------------------


def bill(cast: Cast, s: Shipment, agreement_no: str) -> J:
    """The data set of the one document for rail and sea: to the order of the shipper, who so can pledge it."""
    rail = s.day + timedelta(days=2)
    sea = s.day + timedelta(days=6)
    exporter = _billed(cast.exporter, "2 Foundry Road", "Chongqing")
    importer = _billed(cast.importer, "88 Harbour Road", s.destination.name)
    zh, en, hs, *_ = s.goods
    return {
        "document": "rail_sea_bill", "number": s.bill_no, "form": "TO_ORDER", "basis": "civil_code_840", "issued_on": s.day.isoformat(),
        "issued_at": "CNCQI", "taken_on": s.day.isoformat(), "terms": TERMS, "freight": "prepaid", "booking": s.booking,
        "agreement": agreement_no, "receipt": "CY", "delivery": "CY",
        "parties": {
            "issuer": _billed(cast.carrier, "1 Rail Port Road", "Chongqing", smdg="LHR")
            | {"contact": "Documents", "email": "documents@example.org"},
            "consignor": exporter, "consignee": exporter, "notify": [importer],
        },
        "legs": [
            {
                "mode": "rail", "origin": "CNCQI", "destination": "CNQZH", "carrier": cast.railway.party.name_en, "vehicle": "X9560",
                "waybill": s.waybill, "departs_on": rail.isoformat(), "arrives_on": (rail + timedelta(days=2)).isoformat(),
            },
            {
                "mode": "sea", "origin": "CNQZH", "destination": s.destination.place, "vehicle": "Beibu Gulf 7", "voyage": f"{s.day:%y%m}S",
                "departs_on": sea.isoformat(), "arrives_on": (sea + timedelta(days=s.destination.sea_days)).isoformat(),
            },
        ],
        "containers": [{"number": s.container, "type": "22G1", "seals": [{"number": s.seal, "by": "carrier"}]}],
        "goods": [
            {
                "description": f"{en} {zh}", "hs": hs, "packages": s.packages, "package_type": "CT", "gross_kg": _mass(s.gross_kg),
                "container": s.container, "marks": [f"LUHAI {s.bill_no}"],
            }
        ],
        "value": {"minor": s.worth, "currency": "USD"}, "incoterm": {"code": "CIP", "place": s.destination.name},
        "insurance": {
            "policy": s.policy_no, "insurer": cast.insurer.party.name_en, "amount": {"minor": s.insured, "currency": "USD"},
            "clauses": "ICC (A)", "payable_to": cast.bank.name_en,
        },
    }  # fmt: skip


def _billed(part: Part, street: str, city: str, **codes: str) -> J:
    # Of the importer no register's number: in DCSA's form it would be the only one that readers know, and speak of it alone.
    numbers = {k: v for k, v in part.party.numbers.items() if k in ("uscc", "national")} | codes
    if not numbers:
        numbers = {"other": str(part.id)[:8].upper()}
    return {"name": part.party.name_en, "country": part.party.country, "street": street, "city": city, "numbers": numbers}


def _mass(kilograms: Decimal) -> str:
    return format(kilograms.normalize(), "f")


# --- papers of the trade --------------------------------------------------------------------------------------------------


def contract(cast: Cast, s: Shipment) -> J:
    """The sale. `ship_by` and terms as the other papers keep them."""
    zh, _en, hs, unit, price, _kg = s.goods
    return {
        "format": "luhai.contract", "version": "1", "contract_no": s.contract_no, "status": "signed", "signed_on": s.signed_on.isoformat(),
        "ship_by": (s.day + timedelta(days=20)).isoformat(), "seller": _seller(cast), "buyer": _buyer(cast), "currency": "USD",
        "total_amount": written(s.worth), "incoterm": "CIP", "incoterm_place": s.destination.name, "settlement": "T/T",
        "items": [
            {
                "no": 1, "name": zh, "hs_code": hs, "quantity": str(s.quantity), "unit": unit, "unit_price": price,
                "amount": written(s.worth),
            }
        ],
    }  # fmt: skip


def declaration(cast: Cast, s: Shipment, released_at: datetime | None = None) -> J:
    """The export declaration: accepted, and released once the goods have passed the office of exit."""
    zh, _en, hs, unit, price, _kg = s.goods
    made: J = {
        "format": "luhai.customs-declaration", "version": "1", "declaration_no": s.declaration_no, "direction": "export",
        "status": "accepted", "customs_office": "8013", "border_office": "7201", "declared_on": s.declared_on.isoformat(),
        "trade_mode": "0110", "levy_kind": "101", "domestic_party": _seller(cast), "overseas_party": _buyer(cast),
        "contract_no": s.contract_no, "bill_no": s.bill_no, "transport_mode": "2", "trade_country": s.destination.alpha3,
        "other_country": s.destination.alpha3, "terms": "1", "packages": s.packages, "gross_kg": _mass(s.gross_kg),
        "net_kg": _mass(s.net_kg), "containers": [s.container], "currency": "USD", "total_amount": written(s.worth),
        "items": [
            {
                "no": 1, "name": zh, "hs_code": hs, "quantity": str(s.quantity), "unit": unit, "unit_price": price,
                "amount": written(s.worth), "currency": "USD", "origin": "CHN", "destination": s.destination.alpha3, "levy": "1",
            }
        ],
    }  # fmt: skip
    if released_at is not None:
        made |= {"status": "released", "released_at": released_at.astimezone(SHANGHAI).isoformat()}
    return made


def invoice(cast: Cast, s: Shipment, issued_at: datetime) -> J:
    """The export invoice, in yuan, free of tax; it names contract and declaration."""
    zh, _en, _hs, unit, _price, _kg = s.goods
    worth = written(s.invoiced)
    return {
        "format": "luhai.vat-invoice", "version": "1", "invoice_no": s.invoice_no, "kind": "general", "status": "issued",
        "issued_at": issued_at.astimezone(SHANGHAI).isoformat(), "seller": _seller(cast), "buyer": _buyer(cast), "net_amount": worth,
        "tax_amount": "0.00", "gross_amount": worth, "contract_nos": [s.contract_no], "declaration_nos": [s.declaration_no],
        "items": [
            {
                "no": 1, "name": zh, "quantity": str(s.quantity), "unit": unit, "unit_price": str(s.unit_yuan), "net_amount": worth,
                "tax_rate": "0", "tax_amount": "0.00",
            }
        ],
    }  # fmt: skip


def insurance(cast: Cast, s: Shipment) -> J:
    """The contract of cargo insurance, as the insurer concluded it: what is paid for the cover of all legs."""
    seller = {"name": cast.insurer.party.name}
    if "uscc" in cast.insurer.party.numbers:
        seller["uscc"] = cast.insurer.party.numbers["uscc"]
    return {
        "format": "luhai.contract", "version": "1", "contract_no": s.policy_no, "status": "signed", "signed_on": s.day.isoformat(),
        "seller": seller, "buyer": _seller(cast), "currency": "CNY", "total_amount": written(s.premium),
        "items": [
            {
                "no": 1, "name": f"货物运输险 ICC (A) 保额 {written(s.insured)} USD", "quantity": "1", "unit": "份", "amount": written(s.premium),
            }
        ],
        "remark": f"{s.bill_no} {s.container}; {cast.bank.name_en}",
    }  # fmt: skip


def event(event_id: UUID, s: Shipment, code: str, place: str, at: datetime, *, transport: bool) -> J:
    """A track-and-trace event of DCSA, as the carrier's system sends it."""
    said: J = {
        "eventID": str(event_id), "eventCreatedDateTime": at.astimezone(SHANGHAI).isoformat(), "eventClassifierCode": "ACT",
        "eventDateTime": at.astimezone(SHANGHAI).isoformat(), "eventLocation": {"UNLocationCode": place},
        "documentReferences": [{"documentReferenceType": "TRD", "documentReferenceValue": s.bill_no}],
        "equipmentReference": s.container,
    }  # fmt: skip
    return said | ({"eventType": "TRANSPORT", "transportEventTypeCode": code} if transport else {"eventType": "EQUIPMENT", "equipmentEventTypeCode": code})


def _seller(cast: Cast) -> J:
    return {"name": cast.exporter.party.name, "uscc": cast.exporter.party.numbers["uscc"]}


def _buyer(cast: Cast) -> J:
    party = cast.importer.party
    made = {"name": party.name_en, "country": party.country}
    if "lei" in party.numbers:
        return made | {"lei": party.numbers["lei"]}
    return made | ({"registration": party.numbers["national"]} if "national" in party.numbers else {})


# --- money --------------------------------------------------------------------------------------------------------------


def order(cast: Cast, s: Shipment, uetr: UUID, at: datetime) -> str:
    """The pacs.008 of the importer's bank: what the goods are worth, in dollars, for the invoice, to the collection account."""
    local = at.astimezone(SHANGHAI)
    importer = cast.importer.party
    paid = Transaction(
        instruction_id=f"PAY{s.digits('instruction', 10)}", end_to_end_id=s.contract_no, uetr=str(uetr),
        amount=Amount(Decimal(s.worth).scaleb(-2), "USD"), settled_on=local.date(), charge_bearer="DEBT", purpose="GDDS",
        parties=(
            Party(
                role="debtor", name=importer.name_en, address=Address(town=s.destination.name, country=importer.country),
                lei=importer.numbers.get("lei", ""), account=Account(number=s.digits("importer account", 10)),
            ),
            Party(role="debtor_agent", institution=True, bic=cast.sender.party.numbers["bic"]),
            Party(role="creditor_agent", institution=True, bic=cast.bank.numbers["bic"]),
            Party(
                role="creditor", name=cast.exporter.party.name_en, address=Address(town="Chongqing", country="CN"),
                account=Account(number=s.account_no),
            ),
        ),
        remittance=Remittance(structured=(Structured(documents=(Referred(kind="CINV", number=s.invoice_no, dated=s.declared_on),)),)),
    )  # fmt: skip
    made = compose.credit_transfer(
        id=f"LH{s.digits('message', 12)}", created=local,
        sender=Party(role="sender", institution=True, bic=cast.sender.party.numbers["bic"]),
        receiver=Party(role="receiver", institution=True, bic=cast.bank.numbers["bic"]), transaction=paid,
    )  # fmt: skip
    return write(made).decode()
