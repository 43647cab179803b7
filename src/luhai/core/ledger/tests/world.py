"""Accounts in every condition, in one line each."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from django.db import connection

from conftest import NOON
from luhai.core.ledger.commands import open_accounts, post
from luhai.core.ledger.policy import MAX_AMOUNT, Account, Bound, Transfer


def opened(bound: str = "none", *, state: str = "open", credits: int = 0, debits: int = 0, unit: str = "CNY") -> UUID:
    """An account with something on its sides, from accounts of the outside world."""
    account = Account(id=uuid4(), unit=unit, kind="test", bound=Bound(bound))
    open_accounts([account], at=NOON)
    for total, credited in ((credits, True), (debits, False)):
        world = Account(id=uuid4(), unit=unit, kind="test.world")
        open_accounts([world], at=NOON)
        sides = (world.id, account.id) if credited else (account.id, world.id)
        parts = [min(total - done, MAX_AMOUNT) for done in range(0, total, MAX_AMOUNT)]
        assert not any(o.refused for o in post([book(uuid4(), *sides, part, unit) for part in parts], at=NOON))
    if state != "open":
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_mark(%s, %s)", [account.id, state])
            assert cursor.fetchone() == (None,)
    return account.id


def book(id_: UUID, debit: UUID, credit: UUID, amount: int, unit: str = "CNY") -> Transfer:
    return Transfer(id=id_, debit=debit, credit=credit, unit=unit, amount=amount)


def ask(transfer: Transfer, at: datetime = NOON) -> str | None:
    """Post one, and answer why not."""
    return post([transfer], at=at)[0].refused
