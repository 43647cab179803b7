"""The peer's process: `python -m bench.lane.peer DSN`, with nothing of Luhai in it.

    → {"do": "setup"}                                        ← {"ready": true}
    → {"do": "learn", "worker", "shape": {…}}                ← {"ready": true}     what one shipment is, and the accounts all share
    → {"do": "prepare", "worker", "first", "count"}          ← {"ready": true}
    → "go"                                                   ← {"from", "to", "done", "cpu", "database", "commit", …}
    → {"do": "check"}                                        ← {"shipments", "wrong", "counts"}
    → {"do": "recount"}                                      ← {"wrong": numbers of accounts whose balance is not the sum of their postings}
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any

import psycopg

from .worker import Meter, obey, timed


class Orm:
    def __init__(self, dsn: str) -> None:
        import django
        from django.conf import settings

        told = psycopg.conninfo.conninfo_to_dict(dsn)
        settings.configure(
            INSTALLED_APPS=["bench.lane"], USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            DATABASES={
                "default": {
                    "ENGINE": "django.db.backends.postgresql", "NAME": told["dbname"], "USER": told["user"], "HOST": told["host"],
                    "CONN_MAX_AGE": None,
                    # As ours: the server keeps the plans of statements that come again.
                    "OPTIONS": {"server_side_binding": True, "prepare_threshold": 2},
                }
            },
        )  # fmt: skip
        django.setup()
        from . import orm

        self.orm = orm
        self.order = ""
        self.story: list[Any] = []
        self.waiting: list[Any] = []
        self.played: list[Any] = []
        self.meter = Meter()

    def setup(self) -> dict[str, Any]:
        from django.db import connection

        with connection.schema_editor() as editor:
            for model in self.orm.MODELS:
                editor.create_model(model)
        return {"ready": True}

    def learn(self, worker: int, shape: dict[str, Any]) -> dict[str, Any]:
        self.order = shape["order"]
        self.story = [self.orm.Asked(**{**act, "at": datetime.fromisoformat(act["at"])}) for act in shape["acts"]]
        sides = [tuple(side) for act in self.story for *_, debit, credit in act.postings for side in (debit, credit)]
        one = self.orm.Shipment(worker, 0, "")
        for side in dict.fromkeys(sides):
            if side[2] == "shared":
                self.orm.Account.objects.create(number=one.account(side), bound=side[1], balance=self.room(side[1]))
        return {"ready": True}

    def room(self, bound: str) -> int:
        return {"debits": self.orm.ROOM, "credits": -self.orm.ROOM}.get(bound, 0)

    def prepare(self, worker: int, first: int, count: int) -> dict[str, Any]:
        self.waiting = [self.orm.Shipment(worker, first + n, self.order) for n in range(count)]
        self.meter.watch()
        return {"ready": True}

    def go(self) -> dict[str, Any]:
        self.played += self.waiting
        return timed(self.meter, [partial(self.orm.play, one, self.story) for one in self.waiting])

    # ---- afterwards ----

    def check(self) -> dict[str, Any]:
        """Whether each shipment of this worker came to its end, and how much each wrote."""
        orm = self.orm
        wrong, counts = [], Counter[str]()
        for one in self.played:
            loan = orm.Loan.objects.get(number=one.name)
            payment = orm.Payment.objects.get(uetr=one.uetr)
            stand = loan.state, loan.principal + loan.interest, loan.document.state, payment.state
            if stand != ("repaid", 0, "delivered", "credited"):
                wrong.append([one.name, *map(str, stand)])
            counts.update({
                # The reading of a notice is an act that leaves nothing.
                "acts": orm.AuditRow.objects.filter(subject=one.name).count() + 1,
                "title events": loan.document.events.count(),
                "evidence": orm.Evidence.objects.filter(number__startswith=f"{one.name}/").count(),
                "uses": orm.EvidenceUse.objects.filter(evidence__number__startswith=f"{one.name}/").count(),
                "goods events": loan.document.movements.count(),
                "messages": payment.messages.count(),
                "days of interest": loan.days.count(),
            })  # fmt: skip
        # Postings name no shipment: those of the worker, of which every shipment has as many.
        for worker in {one.worker for one in self.played}:
            counts["postings"] += orm.Posting.objects.filter(debit__number__startswith=f"{worker}/").count()
        return {"shipments": len(self.played), "wrong": wrong, "counts": counts}

    def recount(self) -> dict[str, Any]:
        sums: Counter[int] = Counter()
        for debit, credit, amount in self.orm.Posting.objects.exclude(kind="hold").values_list("debit_id", "credit_id", "amount"):
            sums[debit] -= amount
            sums[credit] += amount
        wrong = []
        for account in self.orm.Account.objects.all():
            shared = account.number.count("/") == 1
            if account.balance - (self.room(account.bound) if shared else 0) != sums[account.pk] or account.held:
                wrong.append(account.number)
        return {"wrong": wrong}


def main(dsn: str) -> None:
    side = Orm(dsn)
    obey({"setup": side.setup, "learn": side.learn, "prepare": side.prepare, "check": side.check, "recount": side.recount}, side.go)


if __name__ == "__main__":
    main(sys.argv[1])
