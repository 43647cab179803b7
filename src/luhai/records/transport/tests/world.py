"""A small world for tests: who carries, ships, buys and lends; agreements and documents, made through commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from luhai.core.parties import queries as parties
from luhai.core.titles import commands as titles
from luhai.core.titles.tests import world
from luhai.core.titles.tests.world import by, id_of
from luhai.kernel.origin import Actor, Role
from luhai.records.transport import commands, queries
from luhai.records.transport.tests.bills import content

NOON = world.NOON
TEXT = "The bill is the only voucher against which the goods are given out.\nWhoever signs obeys whoever controls it."


@dataclass(frozen=True)
class Corridor:
    carrier: Actor
    shipper: Actor
    buyer: Actor
    bank: Actor
    station: Actor


def corridor() -> Corridor:
    n = uuid4().hex[:6]
    return Corridor(
        world.company(name=f"Carrier {n}"), world.company(name=f"Shipper {n}"), world.company(name=f"Buyer {n}"), world.bank(),
        world.company(name=f"Station {n}"),
    )  # fmt: skip


def name_of(actor: Actor) -> str:
    return parties.party(party_id=id_of(actor), viewer=actor).name_en


def roles(c: Corridor) -> dict[str, str]:
    return {
        str(id_of(c.carrier)): "carrier", str(id_of(c.shipper)): "consignor", str(id_of(c.buyer)): "consignee",
        str(id_of(c.bank)): "bank", str(id_of(c.station)): "station",
    }  # fmt: skip


def proposed(c: Corridor, number: str = "AG-1", **more: Any) -> UUID:
    return commands.propose_agreement(
        agreement_id=uuid4(), number=number, text=TEXT, parties_=roles(c), starts_on=date(2026, 1, 1),
        origin=by(c.carrier), **more,
    )  # fmt: skip


def digest(agreement: UUID, actor: Actor) -> str:
    return queries.agreement(agreement_id=agreement, viewer=actor).digest


def signed(c: Corridor, number: str = "AG-1", **more: Any) -> UUID:
    """An agreement in force between all of them."""
    key = proposed(c, number, **more)
    for actor in (c.shipper, c.buyer, c.bank, c.station):
        commands.sign_agreement(agreement_id=key, digest=digest(key, actor), origin=by(actor))
    return key


def bill(c: Corridor, document: str = "rail_sea_bill", **changes: Any) -> dict[str, Any]:
    """Content that names the carrier of this corridor."""
    made = content(document)
    made["parties"]["issuer"]["name"] = name_of(c.carrier)
    made["agreement"] = "AG-1"
    return {k: v for k, v in (made | changes).items() if v is not None}


def issued(
    c: Corridor,
    key: UUID | None = None,
    *,
    at: datetime = NOON,
    words: dict[str, Any] | None = None,
    **changes: Any,
) -> UUID:
    """A document to order, issued to the shipper under a signed agreement."""
    key = key or signed(c)
    return commands.issue_document(
        title_id=uuid4(), content=words or bill(c, **changes), holder_id=id_of(c.shipper), agreement_id=key,
        origin=by(c.carrier, at),
    )  # fmt: skip


def told(
    actor: Actor, title: UUID, code: str, place: str = "CNCKG", *, hours: int = 0, **more: Any
) -> list[str]:
    """An event, so many hours after noon."""
    at = NOON + timedelta(hours=hours)
    return commands.record_event(
        title_id=title,
        event_id=uuid4(),
        code=code,
        place=place,
        happened_at=at,
        origin=by(actor, at + timedelta(minutes=1)),
        **more,
    )


def surrendered(c: Corridor, title: UUID) -> None:
    titles.surrender_title(title_id=title, origin=by(c.shipper))


def operator() -> Actor:
    return world.official(Role.OPERATOR)
