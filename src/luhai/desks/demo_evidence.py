"""The demo's trade documents: one shipment of the first company, partly financed by one bank, wanted by another.

Contract, declaration and invoice name each other, so the goods are one and are financed once. Numbers begin with DEMO where their
form leaves room; declaration and invoice numbers have the digits of theirs and belong to nobody.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from luhai.core.evidence import commands, consent_commands
from luhai.kernel.identifiers import Kind, complete
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Refusal

_SHANGHAI = ZoneInfo("Asia/Shanghai")
#: What the shipment is worth, in yuan; settlement across the border in renminbi.
_WORTH, _QUANTITY, _PRICE = "1280000.00", "6400", "200.00"


def load(loader: Any) -> int:
    """Deliver three documents about one shipment, let a bank read and finance, refuse another; return how many are here."""
    corridor = loader.corridor
    people = [Actor(p.id, Role(str(p.role)), p.party_id, p.territory) for p in corridor.people]
    companies = {c.id: c for c in corridor.companies}
    seller = next(a for a in people if a.role is Role.COMPANY and companies[_party(a)].country == "CN")
    exporter = companies[_party(seller)]
    buyer = next(c for c in companies.values() if c.country != "CN")
    lender, other = [a for a in people if a.role is Role.BANK][:2]
    papers = documents(exporter, buyer, loader.corridor.as_of)
    for days_ago, name in ((9, "contract"), (7, "declaration"), (6, "invoice")):
        commands.receive_evidence(
            evidence_id=id_of(exporter.id, name), subject_id=exporter.id, content=packed(papers[name]),
            origin=loader.origin(f"evidence:{name}", seller, loader.at(days_ago, 11)),
        )  # fmt: skip
    _finance(loader, seller, lender, exporter.id)
    _want(loader, other, exporter.id)
    _doubt(loader, seller, exporter.id, papers["copy"])
    return 3


def _finance(loader: Any, seller: Actor, lender: Actor, company: UUID) -> None:
    """The company lets one bank read and finance; the bank reads the declaration, and lends on it."""
    shipment = [id_of(company, name) for name in ("contract", "declaration", "invoice")]
    consent_commands.grant_consent(
        consent_id=id_of(company, "consent"), grantee_id=_party(lender), purpose="financing", kinds=[], pieces=shipment,
        until=_until(loader), origin=loader.origin("evidence:consent", seller, loader.at(5, 15)),
    )  # fmt: skip
    for place, (name, hour) in enumerate((("declaration", 16), ("contract", 16))):
        consent_commands.read_evidence(
            evidence_id=id_of(company, name), purpose="financing",
            origin=loader.origin(f"evidence:read {name}", lender, loader.at(5, hour, 10 + place)),
        )  # fmt: skip
    commands.use_evidence(
        use_id=id_of(company, "use"), evidence_id=shipment[1], purpose="financing", amount=60_000_000, currency="CNY",
        origin=loader.origin("evidence:use", lender, loader.at(4, 10)),
    )  # fmt: skip


def _want(loader: Any, other: Actor, company: UUID) -> None:
    """Another bank tries without consent, is refused, and asks."""
    declaration = id_of(company, "declaration")
    consent_commands.read_evidence(
        evidence_id=declaration,
        purpose="financing",
        origin=loader.origin("evidence:try", other, loader.at(3, 9)),
    )
    consent_commands.ask_consent(
        consent_id=id_of(company, "request"), grantor_id=company, purpose="financing", kinds=[], pieces=[declaration],
        until=_until(loader), origin=loader.origin("evidence:ask", other, loader.at(3, 10)),
    )  # fmt: skip


def _doubt(loader: Any, seller: Actor, company: UUID, copy: dict[str, Any]) -> None:
    """A contract comes that may be the one that is here, edited: it waits for a person."""
    try:
        commands.receive_evidence(
            evidence_id=id_of(company, "copy"), subject_id=company, content=packed(copy),
            origin=loader.origin("evidence:copy", seller, loader.at(2, 14)),
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.code != commands.NearDuplicate.code:
            raise


def documents(exporter: Any, buyer: Any, as_of: Any) -> dict[str, dict[str, Any]]:
    """The papers of the shipment in our declared forms, and an edited copy of its contract."""
    signed, declared, invoiced = (as_of - timedelta(days=days) for days in (40, 8, 7))
    serial = int.from_bytes(exporter.id.bytes[:4]) % 10**9
    seller = {"name": exporter.name_zh, "uscc": exporter.uscc}
    overseas = {"name": buyer.name_en or buyer.name_zh, "country": buyer.country}
    if buyer.lei:
        overseas["lei"] = buyer.lei
    elif buyer.registration_no:
        overseas["registration"] = buyer.registration_no
    number = f"DEMO-HT-{signed:%Y}-0317"
    declaration = f"8013{declared:%Y}0{serial:09d}"
    container = complete(Kind.CONTAINER, "XLHU300317")
    line = {"no": 1, "name": "摩托车制动总成", "quantity": _QUANTITY, "unit": "套", "unit_price": _PRICE}
    contract = {
        "format": "luhai.contract", "version": "1", "contract_no": number, "status": "signed", "signed_on": signed.isoformat(),
        "seller": seller, "buyer": overseas, "currency": "CNY", "total_amount": _WORTH, "incoterm": "FOB", "incoterm_place": "Qinzhou",
        "settlement": "T/T", "items": [line | {"hs_code": "87141000", "amount": _WORTH}],
    }  # fmt: skip
    return {
        "contract": contract,
        "declaration": {
            "format": "luhai.customs-declaration", "version": "1", "declaration_no": declaration, "direction": "export",
            "status": "released", "customs_office": "8013", "border_office": "7201", "declared_on": declared.isoformat(),
            "released_at": f"{declared.isoformat()}T16:20:00+08:00", "trade_mode": "0110", "levy_kind": "101", "domestic_party": seller,
            "overseas_party": overseas, "contract_no": number, "transport_mode": "2", "terms": "3", "packages": 320,
            "gross_kg": "23600", "net_kg": "22400", "containers": [container], "currency": "CNY", "total_amount": _WORTH,
            "items": [
                line | {"hs_code": "8714100090", "amount": _WORTH, "currency": "CNY", "origin": "CHN", "destination": "THA", "levy": "1"}
            ],
        },
        "invoice": {
            "format": "luhai.vat-invoice", "version": "1", "invoice_no": f"{invoiced:%y}502{serial:015d}", "kind": "general",
            "status": "issued", "issued_at": f"{invoiced.isoformat()}T10:05:00+08:00", "seller": seller,
            "buyer": overseas, "net_amount": _WORTH, "tax_amount": "0.00", "gross_amount": _WORTH, "contract_nos": [number],
            "declaration_nos": [declaration],
            "items": [line | {"net_amount": _WORTH, "tax_rate": "0", "tax_amount": "0.00"}],
        },
        "copy": contract | {"contract_no": f"{number}B", "signed_on": (signed + timedelta(days=1)).isoformat()},
    }  # fmt: skip


def packed(document: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(document, ensure_ascii=False, indent=1).encode()).decode()


def id_of(company: UUID, name: str) -> UUID:
    """The id of one of the demo's documents, or of what rests on them, for the journeys in a browser."""
    return uuid5(company, f"demo evidence {name}")


def _until(loader: Any) -> datetime:
    """Half a year from the day of the corridor: the database's own clock ends a consent."""
    return datetime.combine(loader.corridor.as_of + timedelta(days=180), time(23, 59), _SHANGHAI)


def _party(actor: Actor) -> UUID:
    assert actor.party_id is not None
    return actor.party_id
