"""The bounded accounts of evidence and of lots: read them, and list what must move.

    evidence   face ──grant──► settlement ──use──► settlement_used        and the same for financing
    lot        lot_face ─────► lot ───────► lot_used                      all financing on the goods, in whatever form

A room is bounded by what was granted to it, its used side by what was used: nothing is used beyond the grant, nothing given back that
was not used. Whoever calls holds the lock of the lot or of the evidence, so what is read here stays true until it is posted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from luhai.core.ledger import commands as ledger
from luhai.core.ledger import queries as balances
from luhai.core.ledger.policy import Account, Bound, Transfer
from luhai.kernel.origin import SYSTEM

from .policy import Room, account, fit

SETTLEMENT: Final = "settlement"
FINANCING: Final = "financing"
LOT: Final = "lot"
_FACE: Final[Mapping[str, str]] = {SETTLEMENT: "face", FINANCING: "face", LOT: "lot_face"}


def open_rooms(owner: UUID, names: Iterable[str], *, currency: str, party: UUID, at: datetime) -> None:
    """Open the accounts of one piece of evidence, or of one lot. What is open already stays as it is."""
    wanted: dict[str, Bound] = {}
    for name in names:
        wanted |= {_FACE[name]: Bound.NONE, name: Bound.DEBITS, f"{name}_used": Bound.DEBITS}
    ledger.open_accounts(
        [
            Account(
                id=account(owner, name), unit=currency, kind=f"evidence.{name}", owner_id=party, bound=bound
            )
            for name, bound in wanted.items()
        ],
        at=at,
    )


def read(wanted: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], Room]:
    """What is left and what is used, of each (owner, name); nothing of both where no account was opened."""
    pairs = list(wanted)
    found = balances.balances(
        account_ids=[
            account(o, n) for owner, name in pairs for o, n in ((owner, name), (owner, f"{name}_used"))
        ],
        viewer=SYSTEM,
    )

    def left(owner: UUID, name: str) -> int:
        balance = found.get(account(owner, name))
        return 0 if balance is None else balance.available or 0

    return {(owner, name): Room(left(owner, name), left(owner, f"{name}_used")) for owner, name in pairs}


def grant(owner: UUID, name: str, amount: int, currency: str) -> list[Transfer]:
    """Change what is granted to a room: more, or less when `amount` is below zero."""
    if amount == 0:
        return []
    ends = account(owner, _FACE[name]), account(owner, name)
    debit, credit = ends if amount > 0 else ends[::-1]
    return [_move(debit, credit, abs(amount), currency, "evidence.face", owner)]


def refit(owner: UUID, name: str, room: Room, limit: int, currency: str) -> list[Transfer]:
    return grant(owner, name, fit(room, limit), currency)


def use(owner: UUID, name: str, amount: int, currency: str, code: str, subject: UUID) -> Transfer:
    return _move(account(owner, name), account(owner, f"{name}_used"), amount, currency, code, subject)


def give_back(owner: UUID, name: str, amount: int, currency: str, code: str, subject: UUID) -> Transfer:
    return _move(account(owner, f"{name}_used"), account(owner, name), amount, currency, code, subject)


def _move(debit: UUID, credit: UUID, amount: int, currency: str, code: str, subject: UUID) -> Transfer:
    return Transfer(
        id=uuid4(), debit=debit, credit=credit, amount=amount, unit=currency, code=code, subject=subject
    )
