"""The peers of the bench `ledger`, in an environment with nothing of Luhai in it: `python -m bench.ledger.peers NAME DSN`.

Fairness: every peer has prepared statements or its framework's own way, its accounts in memory where it wants them, and
the cheapest way to send its parameters that was found; only posting is timed. `sketch` promises nearly what Luhai
promises. `orm` knows bounds and repeated ids, one transfer at a time. `hordak` knows neither. `copy` writes rows.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from . import made
from .client import Side, obey


class Sketch:
    """The design's sketch in PL/pgSQL: batches without holds, links and refused ids. `path` is its SQL."""

    def __init__(self, dsn: str, path: str) -> None:
        self.path = Path(path)
        self.connection = psycopg.connect(dsn, autocommit=True, prepare_threshold=0)
        # The file beside a development clone makes a schema of its own.
        self.connection.execute("SET search_path = l, public")

    def setup(self) -> None:
        self.connection.execute(self.path.read_text(), prepare=False)  # many statements
        self.connection.execute("SET search_path = l, public")
        flag = "flags" if self._has("flags") else "bounded"
        value = "(n % 2)::smallint" if flag == "flags" else "n % 2 = 1"
        self.connection.execute(
            f"INSERT INTO account (id, {flag}) SELECT n, {value} FROM generate_series(0, {made.ACCOUNTS}) n"
        )
        self.post(self.prepare(made.opening(), {}))

    def _has(self, column: str) -> bool:
        asked = "SELECT FROM pg_attribute WHERE attrelid = 'account'::regclass AND attname = %s"
        return self.connection.execute(asked, [column]).fetchone() is not None

    def prepare(self, batch: made.Transfers, order: dict[str, Any]) -> Any:
        return batch.ids, batch.debits.tolist(), batch.credits.tolist(), batch.amounts.tolist()

    def post(self, batch: Any) -> int:
        # Binary ids are eight times cheaper to send than text; whole numbers are cheapest as one literal.
        ids, *numbers = batch
        literals = [_literal(column) for column in numbers]
        answer = self.connection.execute(
            "SELECT count(*) FROM post_batch(%b::uuid[], %s::bigint[], %s::bigint[], %s::bigint[],"
            " array_fill(1, ARRAY[%s::integer]))",
            [ids, *literals, len(ids)],
        ).fetchone()
        assert answer is not None
        return int(answer[0])


def _literal(numbers: list[int]) -> str:
    return f"{{{str(numbers)[1:-1]}}}"


class Copy:
    """The limit: the rows that Luhai wrote, into a table of that form with only its primary key."""

    def __init__(self, dsn: str, folder: str) -> None:
        self.folder = Path(folder)
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.lines: list[bytes] = []

    def setup(self) -> None:
        """The parent makes the table, from Luhai's own."""

    def prepare(self, batch: made.Transfers, order: dict[str, Any]) -> bytes:
        if order["first"] == 0:
            name = "-".join(map(str, order["stream"]))
            self.lines = (self.folder / name).read_bytes().splitlines(keepends=True)
        return b"".join(self.lines[order["first"] : order["first"] + order["batch"]])

    def post(self, batch: bytes) -> int:
        with self.connection.cursor() as cursor, cursor.copy("COPY copied FROM STDIN") as copy:
            copy.write(batch)
        return 0


def _django(dsn: str, apps: list[str]) -> None:
    import django
    from django.conf import settings

    named = psycopg.conninfo.conninfo_to_dict(dsn)
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", *apps],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": named["dbname"],
                "USER": named["user"],
                "HOST": named["host"],
                "CONN_MAX_AGE": None,
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        DEFAULT_CURRENCY="CNY",
        CURRENCIES=["CNY"],
    )
    django.setup()


class Orm:
    """A straightforward ledger in Django's ORM: rows locked in order, bounds looked at, sums moved by F()."""

    def __init__(self, dsn: str) -> None:
        _django(dsn, [])
        from . import orm

        self.orm = orm

    def setup(self) -> None:
        self.orm.setup(made.ACCOUNTS, made.bounded, _rows(made.opening()))

    def prepare(self, batch: made.Transfers, order: dict[str, Any]) -> list[tuple[UUID, int, int, int]]:
        return _rows(batch)

    def post(self, batch: list[tuple[UUID, int, int, int]]) -> int:
        return sum(not self.orm.transfer(*row) for row in batch)


def _rows(batch: made.Transfers) -> list[tuple[UUID, int, int, int]]:
    columns = batch.debits.tolist(), batch.credits.tolist(), batch.amounts.tolist()
    return list(zip(batch.ids, *columns, strict=True))


class Hordak:
    """django-hordak's transfer_to, a transaction each. It has no bounds, no keys, and keeps no balances."""

    def __init__(self, dsn: str) -> None:
        _django(dsn, ["mptt", "hordak"])
        from hordak.models import Account, AccountType  # type: ignore[import-not-found]
        from moneyed import Money  # type: ignore[import-not-found]

        self.model, self.money, self.asset = Account, Money, AccountType.asset
        self.accounts: list[Any] = []

    def setup(self) -> None:
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        self.model.objects.bulk_create(
            [
                self.model(
                    id=n + 1, name=f"{n}", type=self.asset, currencies=["CNY"], lft=1, rght=2, tree_id=n + 1, level=0
                )
                for n in range(made.ACCOUNTS + 1)
            ],
            batch_size=1_000,
        )

    def prepare(self, batch: made.Transfers, order: dict[str, Any]) -> list[tuple[Any, Any, Any]]:
        if not self.accounts:
            self.accounts = list(self.model.objects.order_by("id"))
        # transfer_to credits the account it is called on.
        return [
            (self.accounts[credit], self.accounts[debit], self.money(amount, "CNY"))
            for _, debit, credit, amount in _rows(batch)
        ]

    def post(self, batch: list[tuple[Any, Any, Any]]) -> int:
        for credited, debited, amount in batch:
            credited.transfer_to(debited, amount)
        return 0


class HordakAtOnce(Hordak):
    """The same with one commit for the whole batch, which spares it the disk but not its work."""

    def setup(self) -> None:
        """It shares the tables of the other."""

    def post(self, batch: list[tuple[Any, Any, Any]]) -> int:
        from django.db import transaction

        with transaction.atomic():
            return super().post(batch)


PEERS = {"sketch": Sketch, "copy": Copy, "orm": Orm, "hordak": Hordak, "hordak-at-once": HordakAtOnce}

#: (place, debits, credits) by account: first as the accounts say, then as the transfers say.
CHECKS: dict[str, list[str]] = {
    "sketch": [
        "SELECT id, debits, credits FROM account",
        "SELECT a.id, coalesce(d.sum, 0), coalesce(c.sum, 0) FROM account a"
        " LEFT JOIN (SELECT {debit} AS id, sum(amount) FROM transfer GROUP BY 1) d USING (id)"
        " LEFT JOIN (SELECT {credit} AS id, sum(amount) FROM transfer GROUP BY 1) c USING (id)",
    ],
    "orm": [
        "SELECT id, debits, credits FROM orm_account",
        "SELECT a.id, coalesce(d.sum, 0), coalesce(c.sum, 0) FROM orm_account a"
        " LEFT JOIN (SELECT debit_id AS id, sum(amount) FROM orm_transfer GROUP BY 1) d USING (id)"
        " LEFT JOIN (SELECT credit_id AS id, sum(amount) FROM orm_transfer GROUP BY 1) c USING (id)",
    ],
    "hordak": [
        "SELECT account_id - 1, coalesce(sum(debit), 0), coalesce(sum(credit), 0) FROM hordak_leg GROUP BY 1"
    ],
}


def main(name: str, dsn: str, *rest: str) -> None:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    side: Side = PEERS[name](dsn, *rest)
    obey(side)


if __name__ == "__main__":
    main(*itertools.islice(sys.argv, 1, None))
