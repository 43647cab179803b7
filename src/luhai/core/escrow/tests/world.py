"""A small world for tests: parties, accounts with something on them, and escrows, made through commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from luhai.core.escrow import commands, queries
from luhai.core.ledger import commands as ledger
from luhai.core.ledger import queries as accounts
from luhai.core.ledger.policy import Bound, Transfer
from luhai.core.titles.tests.world import (  # noqa: F401
    CHONGQING,
    NOON,
    bank,
    by,
    colleague,
    company,
    id_of,
    official,
    title,
)
from luhai.kernel.origin import SYSTEM, Actor

DUE = NOON + timedelta(days=30)
LATE = DUE + timedelta(seconds=1)


def purse(owner: Actor, amount: int = 0, unit: str = "CNY", bound: Bound = Bound.DEBITS) -> UUID:
    """An account of the owner's own, with something on it."""
    made, source = uuid4(), uuid4()
    ledger.open_account(account_id=made, unit=unit, kind="money", bound=bound, origin=by(owner))
    if amount:
        ledger.open_account(account_id=source, unit=unit, kind="outside", bound=Bound.NONE, origin=by(owner))
        sides = (made, source) if bound is Bound.CREDITS else (source, made)
        coming = Transfer(id=uuid4(), debit=sides[0], credit=sides[1], unit=unit, amount=amount)
        assert ledger.post_own(transfers=[coming], origin=by(owner))[0]["refused"] is None
    return made


def on(account: UUID) -> int:
    """What is on an account: credits less debits."""
    balance = accounts.balances(account_ids=[account], viewer=SYSTEM)[account]
    return balance.credits_posted - balance.debits_posted


def leg(name: str, payer: str, account: UUID, amount: int, unit: str = "CNY", **more: Any) -> dict[str, Any]:
    return {"name": name, "unit": unit, "amount": amount, "payer": payer, "account": str(account)} | more


def move(leg: str, to: UUID, amount: int | str = "rest", **more: Any) -> dict[str, Any]:
    how = {} if "up_to" in more else {"amount": amount}
    return {"from": leg, "to": str(to)} | how | more


def terms(parties: Mapping[str, Actor], **more: Any) -> dict[str, Any]:
    return {
        "parties": {name: str(id_of(actor)) for name, actor in parties.items()},
        "expires_at": DUE.isoformat(),
    } | more


def arranged(who: Actor, said: dict[str, Any], agreeing: Sequence[Actor] = ()) -> UUID:
    """An escrow that `who` has arranged, and to which these have agreed."""
    made = commands.arrange(escrow_id=uuid4(), terms=said, origin=by(who))
    for actor in agreeing:
        agree(made, actor)
    return made


def agree(escrow: UUID, actor: Actor) -> None:
    digest = queries.escrow(escrow_id=escrow, viewer=actor).digest
    commands.agree(escrow_id=escrow, digest=digest, origin=by(actor))


def state(escrow: UUID) -> str:
    return str(queries.escrow(escrow_id=escrow, viewer=SYSTEM).state)


def fund(escrow: UUID, who: Actor, leg: str, amount: int | None = None, at: datetime = NOON) -> None:
    commands.fund(escrow_id=escrow, leg=leg, amount=amount, origin=by(who, at))


class Sale:
    """Delivery against payment: a buyer's price for a seller's title, when the buyer has confirmed the goods."""

    def __init__(self, *, price: int = 100_00, confirm: bool = True, **more: Any) -> None:
        self.buyer, self.seller, self.carrier = company(), company(), company()
        self.title = title(self.carrier, self.seller)
        self.money, self.till = purse(self.buyer, price), purse(self.seller)
        self.price = price
        to_buyer = {"to": "buyer", "beneficiary": "buyer"}
        self.terms = terms(
            {"buyer": self.buyer, "seller": self.seller},
            template="dvp",
            value=[leg("price", "buyer", self.money, price)],
            titles=[{"title": str(self.title), "by": "seller"}],
            conditions=[{"name": "accepted", "consent": {"of": ["buyer"], "need": 1}}] if confirm else [],
            steps=[
                {"title": str(self.title), "act": "transfer", "details": to_buyer},
                move("price", self.till, price, code="dvp.price"),
            ],
            **more,
        )
        self.id = arranged(self.buyer, self.terms, self.agreeing)

    @property
    def agreeing(self) -> list[Actor]:
        return [self.buyer, self.seller]

    def fill(self) -> Sale:
        """Everything is in: FUNDED, or MET if there is nothing to confirm."""
        fund(self.id, self.buyer, "price")
        commands.deposit_title(escrow_id=self.id, title_id=self.title, origin=by(self.seller))
        return self

    def meet(self, at: datetime = NOON) -> Sale:
        self.fill()
        commands.confirm(escrow_id=self.id, condition="accepted", origin=by(self.buyer, at))
        return self
