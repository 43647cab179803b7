"""Luhai's side of the bench `ledger`: `python -m bench.ledger.ours`, with DATABASE_URL naming the bench's own server."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from . import made
from .client import obey

#: Time is the caller's to say; the ledger reads no clock.
AT = datetime(2026, 3, 2, 4, tzinfo=UTC)
UNIT = "CNY"


def account(place: int) -> UUID:
    """The id of the account at a place; in the order of the places."""
    return UUID(int=(0x0DE5_0000_0000_7000_8000 << 48) + place)


class Luhai:
    """`luhai.core.ledger.commands.post`, below `@command`: the id of a transfer is its key."""

    def __init__(self) -> None:
        os.environ["DJANGO_SETTINGS_MODULE"] = "luhai.config.settings"
        import django

        django.setup()
        from django.db import connection, transaction

        from luhai.core.ledger import commands, policy

        self.commands, self.policy = commands, policy
        self.atomic = transaction.atomic
        connection.ensure_connection()
        self.accounts = [account(place) for place in range(made.ACCOUNTS + 1)]

    def setup(self) -> None:
        from django.core.management import call_command

        call_command("migrate", "ledger", database="owner", interactive=False, verbosity=0)
        bound = self.policy.Bound
        opened = [
            self.policy.Account(
                id=self.accounts[n], unit=UNIT, kind="bench", bound=bound.DEBITS if made.bounded(n) else bound.NONE
            )
            for n in range(made.ACCOUNTS + 1)
        ]
        with self.atomic():
            self.commands.open_accounts(opened, at=AT)
        refused = self.post(self.prepare(made.opening(), {}))
        assert refused == 0, f"{refused} opening transfers were refused"

    def prepare(self, batch: made.Transfers, order: dict[str, Any]) -> Any:
        of, accounts = self.policy.Transfer, self.accounts
        columns = batch.debits.tolist(), batch.credits.tolist(), batch.amounts.tolist()
        return [
            of(id=id, debit=accounts[debit], credit=accounts[credit], unit=UNIT, amount=amount, code="bench")
            for id, debit, credit, amount in zip(batch.ids, *columns, strict=True)
        ]

    def post(self, batch: Any) -> int:
        with self.atomic():
            outcomes = self.commands.post(batch, at=AT)
        return sum(outcome.refused is not None for outcome in outcomes)


#: (place, debits, credits) by account: first as the accounts say, then as the transfers say.
CHECKS = [
    "SELECT row_number() OVER (ORDER BY id) - 1, debits_posted, credits_posted FROM ledger_account",
    "SELECT a.place, coalesce(d.sum, 0), coalesce(c.sum, 0)"
    " FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM ledger_account) a"
    " LEFT JOIN (SELECT debit AS id, sum(amount) FROM ledger_transfer WHERE refused IS NULL GROUP BY 1) d USING (id)"
    " LEFT JOIN (SELECT credit AS id, sum(amount) FROM ledger_transfer WHERE refused IS NULL GROUP BY 1) c USING (id)",
]


if __name__ == "__main__":
    obey(Luhai())
