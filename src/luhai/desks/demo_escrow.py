"""The demo's escrow: the first company sells one of its rail bills against payment, held until a transport event names the bill."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from luhai.core.escrow import commands as escrow
from luhai.core.escrow import queries
from luhai.core.ledger import commands as ledger
from luhai.core.ledger.policy import Bound, Transfer
from luhai.kernel.origin import Actor, Role

_PRICE = 96_000_000  # fen


def load(loader: Any, seller_of: Any) -> int:
    """Arrange, agree, pay in and hand over; return how many escrows are here."""
    corridor = loader.corridor
    people = [Actor(p.id, Role(str(p.role)), p.party_id, p.territory) for p in corridor.people]
    companies = {c.id: c for c in corridor.companies}
    seller = next(a for a in people if a.role is Role.COMPANY and companies[_party(a)].country == "CN")
    home = _party(seller)
    buyer = seller_of(next(c.id for c in companies.values() if c.id != home and c.country == "CN"))
    title, key = uuid5(home, "demo title 0"), uuid5(home, "demo escrow")
    pays = _purse(loader, buyer, _PRICE)
    receives = _purse(loader, seller, 0)
    number = f"DEMO-RB-{100 + [c for c in companies if c in {a.party_id for a in people} and companies[c].country == 'CN'].index(home):03d}-1"
    terms = {
        "template": "dvp",
        "parties": {"buyer": str(buyer.party_id), "seller": str(home)},
        "arbiter": None,
        "expires_at": (loader.now + timedelta(days=45)).isoformat(),
        "value": [{"name": "price", "unit": "CNY", "amount": _PRICE, "payer": "buyer", "account": str(pays)}],
        "titles": [{"title": str(title), "by": "seller"}],
        "conditions": [
            {
                "name": "proof",
                "evidence": {
                    "sources": "anybody", "kind": "transport_event", "names": {"kind": "transport_document", "value": number},
                },
            }
        ],
        "steps": [
            {"title": str(title), "act": "transfer", "details": {"to": "buyer", "beneficiary": "buyer"}},
            {"from": "price", "to": str(receives), "amount": "rest", "code": "escrow.price"},
        ],
    }  # fmt: skip
    escrow.arrange(escrow_id=key, terms=terms, origin=loader.origin("escrow:arrange", seller, loader.at(3, 9)))
    digest = queries.escrow(escrow_id=key, viewer=seller).digest
    for place, actor in enumerate((seller, buyer)):
        escrow.agree(escrow_id=key, digest=digest, origin=loader.origin(f"escrow:agree {place}", actor, loader.at(3, 10 + place)))
    escrow.deposit_title(escrow_id=key, title_id=title, origin=loader.origin("escrow:deposit", seller, loader.at(2, 9)))
    escrow.fund(escrow_id=key, leg="price", origin=loader.origin("escrow:fund", buyer, loader.at(2, 10)))
    return 1


def _purse(loader: Any, owner: Actor, amount: int) -> UUID:
    """An account of a party's own, with something on it."""
    party = _party(owner)
    purse, outside = uuid5(party, "demo purse"), uuid5(party, "demo outside")
    for account, kind, bound in ((outside, "outside", Bound.NONE), (purse, "purse", Bound.DEBITS)):
        ledger.open_account(
            account_id=account, unit="CNY", kind=kind, bound=bound, origin=loader.origin(f"purse:{account}", owner, loader.at(4, 9))
        )
    if amount:
        ledger.post_own(
            transfers=[Transfer(id=uuid5(purse, "paid in"), debit=outside, credit=purse, unit="CNY", amount=amount)],
            origin=loader.origin(f"purse:{purse} paid in", owner, loader.at(4, 9)),
        )
    return purse


def escrow_of(company: UUID) -> UUID:
    """The id of a company's escrow, for the journeys in a browser."""
    return uuid5(company, "demo escrow")


def _party(actor: Actor) -> UUID:
    assert actor.party_id is not None
    return actor.party_id
