"""A small world for tests: parties and titles, made through commands."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from luhai.core.parties import commands as parties
from luhai.core.titles import commands
from luhai.kernel.identifiers import Kind as Number
from luhai.kernel.identifiers import complete
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # Monday noon in Chongqing
CHONGQING, GUANGXI = "500000", "450000"
_serial = count(1)


def by(actor: Actor = SYSTEM, at: datetime = NOON) -> Origin:
    """A new request of this actor."""
    return Origin(actor, uuid4(), at)


def company(territory: str = CHONGQING, name: str = "A Company", **identifiers: str) -> Actor:
    return _party("company", "", Role.COMPANY, territory, name, identifiers)


def bank(territory: str = CHONGQING, role: Role = Role.BANK, name: str = "Some Bank") -> Actor:
    return _party("institution", "city_bank", role, territory, name, {})


def official(role: Role = Role.OPERATOR) -> Actor:
    sort = {Role.SUPERVISOR: "pboc", Role.OPERATOR: "operator", Role.PROVINCE: "province"}[role]
    return _party("agency", sort, role, CHONGQING, "Some Agency", {})


def colleague(of: Actor) -> Actor:
    """Another person who acts for the same party."""
    assert of.party_id
    return _member(of.party_id, of.role, of.territory)


def _party(kind: str, sort: str, role: Role, territory: str, name: str, numbers: dict[str, str]) -> Actor:
    key = uuid4()
    parties.register_party(
        party_id=key, kind=kind, sort=sort, name_zh="某某", name_en=name, country="CN", territory=territory,
        identifiers_=numbers, facts={}, invented=True, origin=by(),
    )  # fmt: skip
    return _member(key, role, territory)


def _member(party: UUID, role: Role, territory: str | None) -> Actor:
    person = uuid4()
    parties.add_person(
        person_id=person, email=f"{person.hex}@example.org", name_zh="某人", name_en="Somebody", password_hash=None,
        origin=by(),
    )  # fmt: skip
    parties.add_membership(person_id=person, party_id=party, role=role, territory=None, origin=by())
    return Actor(person, role, party, territory)


def id_of(actor: Actor) -> UUID:
    assert actor.party_id
    return actor.party_id


def number() -> str:
    """A document number unlike any other: no edit of one is another."""
    n = next(_serial)
    return f"N{n * 7919:06d}X{n:05d}"


def subject(kind: str, **changes: Any) -> dict[str, Any]:
    """A complete subject of a kind."""
    n = next(_serial)
    made: dict[str, dict[str, Any]] = {
        "transport_document": {
            "document": "rail_bill", "number": number(), "waybills": [f"SMGS {n:08d}"], "departs_on": "2026-03-01",
            "containers": [complete(Number.CONTAINER, f"TLLU{n:06d}")], "origin": "CNCKG", "destination": "VNHAN",
            "goods": "car parts",
        },
        "warehouse_receipt": {
            "number": number(), "warehouse": "3号库", "yard": "A", "bin": "7", "lot": f"L{n}", "goods": "copper",
            "countersigned": True,
        },
        "receivable_voucher": {
            "platform": "X-link", "number": number(), "due_on": "2026-08-01", "evidence": f"INV {n}",
        },
        "bill": {"pack_no": f"6{n:029d}", "start": 1, "end": 1000, "due_on": "2026-08-01"},
    }  # fmt: skip
    return made[kind] | changes


UNITS = {"transport_document": "KGM", "warehouse_receipt": "TNE", "receivable_voucher": "CNY", "bill": "CNY"}


def title(
    issuer: Actor, holder: Actor, kind: str = "warehouse_receipt", quantity: int = 1000, *,
    about: dict[str, Any] | None = None, at: datetime = NOON, **more: Any,
) -> UUID:  # fmt: skip
    """A title that `issuer` has issued to `holder`."""
    return commands.issue_title(
        title_id=uuid4(), kind=kind, holder_id=id_of(holder), subject=about or subject(kind), quantity=quantity,
        unit=UNITS[kind], origin=by(issuer, at), **more,
    )  # fmt: skip
