"""A payment and its papers as plain values, and the same through the register of evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

from luhai.core.evidence.tests.world import NOON, id_of, new_uscc, party, uscc_of
from luhai.core.parties import commands as parties
from luhai.core.rules.parameters import Parameters
from luhai.core.rules.parameters import load as load_parameters
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.settlement.checks import policy
from luhai.settlement.checks.policy import Customer, Judgement, Named, Paper, Said
from luhai.settlement.checks.rule_sets import RuleSet, in_force, load
from luhai.settlement.checks.scenes import Scene
from luhai.settlement.checks.scenes import load as load_scenes

DATA = Path(__file__).resolve().parents[5] / "data"
PARAMETERS: Parameters = load_parameters(DATA / "parameters")
SETS: tuple[RuleSet, ...] = load(DATA / "checks", PARAMETERS)
SCENES: tuple[Scene, ...] = load_scenes(DATA / "checks" / "scenes", SETS, PARAMETERS)
ON = date(2026, 3, 20)
AFTER, ADVANCE, COLLECTION, REFUND = "goods_after_shipment", "goods_advance", "goods_collection", "goods_refund"

US = Named("", "重庆长嘉纵横贸易有限公司", frozenset({"uscc:91500106MA5U00011W", "org_code:MA5U00011"}), "CN")
THEM = Named("", "Siam Motor Parts Co., Ltd.", frozenset(), "TH")
CUSTOMER = Customer((US.name, "Chongqing Changjia Trading Co., Ltd."), US.numbers, "500000", "2", "A")
#: A customer in every grade.
TIERS = {"1": replace(CUSTOMER, tier="1"), "2": CUSTOMER, "3": replace(CUSTOMER, tier="3")}
WORTH = 96_480_00
_SPACE = UUID(int=5)


def key(name: str) -> UUID:
    return uuid5(_SPACE, name)


def said(situation: str = AFTER, direction: str = "in", **changes: Any) -> Said:
    """A payment that agrees with `papers(sells)` in everything."""
    inwards = direction == "in"
    made = Said(
        direction=direction, currency="USD", amount_minor=WORTH, debtor_name=THEM.name if inwards else CUSTOMER.names[1],
        debtor_country="TH" if inwards else "CN", creditor_name=CUSTOMER.names[1] if inwards else THEM.name,
        invoices=("INV-7",), value_date=date(2026, 3, 18), situation=situation,
        creditor_country="CN" if inwards else "TH", original_on=date(2026, 3, 17) if situation == REFUND else None,
    )  # fmt: skip
    return replace(made, **changes)


def paper(kind: str, *, sells: bool = True, name: str = "", **changes: Any) -> Paper:
    """A paper of the kind that agrees with `said`."""
    roles = {
        "contract": ("seller", "buyer"), "invoice": ("seller", "buyer"), "customs_declaration": ("shipper", "consignee"),
        "transport_document": ("shipper", "consignee"),
    }[kind]  # fmt: skip
    mine, other = (0, 1) if sells else (1, 0)
    number, dated, status = {
        "contract": ("CT-1", date(2026, 2, 10), "signed"), "invoice": ("INV-7", date(2026, 3, 1), "issued"),
        "customs_declaration": ("801320260000123456", date(2026, 3, 4), "released"),
        "transport_document": ("BL-9", date(2026, 3, 4), "issued"),
    }[kind]  # fmt: skip
    made = Paper(
        id=key(name or kind), kind=kind, number=number, live=True, status=status, amount_minor=WORTH, currency="USD", dated=dated,
        parties=(replace(US, role=roles[mine]), replace(THEM, role=roles[other])),
        references=(("transport_document", "BL-9"),) if kind == "customs_declaration" else (), left=WORTH,
    )  # fmt: skip
    return replace(made, **changes)


KINDS = ("contract", "invoice", "customs_declaration", "transport_document")


def papers(*, sells: bool = True) -> list[Paper]:
    return [paper(kind, sells=sells) for kind in KINDS]


def judged(payment: Said, held: list[Paper], customer: Customer = CUSTOMER, scenes: Sequence[Scene] = ()) -> Judgement:
    rules = in_force(SETS, payment.direction, payment.situation, ON)
    return policy.judge(rules, payment, held, customer, PARAMETERS, ON, scenes)


CARRIER = Named("carrier", "China State Railway Group", frozenset({"railway:0033"}), "CN")
#: By scene: a transport document of which it speaks, and which agrees.
CARRIED: dict[str, dict[str, Any]] = {
    "corridor-logistics": {"form": "rail_sea", "title": "live", "route": frozenset({"500000", "450000"})},
    "port-shipping": {"form": "sea", "title": "live", "route": frozenset({"450000"})},
    "rail-trains": {"form": "rail", "route": frozenset({"610000", "650000"})},
}


def carried(scene: str, held: list[Paper], **changes: Any) -> list[Paper]:
    """The same papers, carried as the scene has it, by a carrier whose own system delivered the document."""
    said_ = CARRIED[scene] | {"source": CARRIER} | changes
    return [
        replace(p, parties=(*p.parties, CARRIER), **said_) if p.kind == "transport_document" else p for p in held
    ]


def in_the_way(found: Judgement) -> dict[str, str]:
    return {f.name: f.status for f in found.in_the_way}


def status_of(found: Judgement, name: str) -> str:
    return next(f.status for f in found.findings if f.name == name)


# --- through commands -----------------------------------------------------------------------------------------------------


def by(actor: Actor = SYSTEM, days: int = 0) -> Origin:
    return Origin(actor, uuid4(), NOON + timedelta(days=days))


def colleague(actor: Actor) -> Actor:
    """Another person of the same institution."""
    person = uuid4()
    parties.add_person(
        person_id=person, email=f"{person.hex}@example.org", name_zh="同事", name_en="Colleague", password_hash=None, origin=by(),
    )  # fmt: skip
    parties.add_membership(person_id=person, party_id=id_of(actor), role=actor.role, territory=None, origin=by())
    return replace(actor, person_id=person)


def carrier() -> Actor:
    return party("company", Role.COMPANY, name=CARRIER.name, numbers={"uscc": new_uscc()})


def rail_note(shipper: Actor, declaration_no: str, number: str, station: str = "CNSIA") -> dict[str, Any]:
    """A rail consignment note of the shipper's goods, which names their declaration and begins at the station."""
    note: dict[str, Any] = json.loads((DATA / "formats" / "examples" / "cim-smgs-chongqing-duisburg.json").read_text(encoding="utf-8"))
    note["exchangedDocument"]["id"]["content"] = number
    goods = note["specifiedConsignment"][0]
    goods["consignor"]["id"] = [{"content": uscc_of(shipper)}]
    goods["associatedReferencedDocument"] = [{"typeCode": {"content": "916"}, "id": [{"content": declaration_no}]}]
    first = goods["mainCarriageLogisticsTransportMovement"][0]["departureEvent"][0]["occurrenceLogisticsLocation"]
    first["id"] = [{"content": station}]
    return note
