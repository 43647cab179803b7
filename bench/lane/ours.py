"""Luhai's side of the bench `lane`: `python -m bench.lane.ours`, with DATABASE_URL naming the bench's own server.

    → {"do": "setup"}                                     ← {"ready": true}
    → {"do": "prepare", "worker", "first", "count"}       ← {"ready": true}
    → "go"                                                ← {"from", "to", "done", "steps", "cpu", "database", "commit", …}
    → {"do": "shape"}                                     ← {"acts": what one shipment wrote, act by act, for the peer to write as much}
    → {"do": "check"}                                     ← {"shipments", "wrong", "counts"}
    → {"do": "recount"}                                   ← {"wrong": names of the books that do not agree}

A worker has a cast of its own (parties, agreement, line of credit) and plays whole shipments of it, one after the other, through the
commands that pages and API use. Registering the parties, and the deal that all shipments of a cast share, come before the clock starts.
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from .worker import Meter, obey, timed

BEGUN = datetime(2026, 10, 12, 2, tzinfo=UTC)  # a Monday morning in Chongqing
SEED = 4


class Luhai:
    def __init__(self) -> None:
        os.environ["DJANGO_SETTINGS_MODULE"] = "luhai.config.settings"
        import django

        django.setup()
        from luhai.desks.lane import cast, play, recount, seen, stage, story

        self.casts, self.play, self.recounts, self.seen, self.stages, self.story = cast, play, recount, seen, stage, story
        self.each = [step for step in story.STEPS if not step.deal]
        self.waiting: list[Any] = []
        #: The stages that were played, with the instants at which they acted, in order.
        self.played: list[tuple[Any, list[datetime]]] = []
        #: What each step took in the shipments of a round: seconds, statements.
        self.steps: dict[str, list[tuple[float, int]]] = {}
        self.meter = Meter()

    def setup(self) -> dict[str, Any]:
        from luhai.shell import schema

        schema.bring_up_to_date()
        return {"ready": True}

    # ---- a round ----

    def prepare(self, worker: int, first: int, count: int) -> dict[str, Any]:
        """The stages of the next shipments; before the first one, the deal."""
        cast = self.casts.invented("bench", SEED, worker)
        self.waiting = [self.stages.load(cast, first + n, clock=BEGUN) for n in range(count)]
        if first == 1:
            for step in self.story.STEPS:
                if step.deal:
                    self.play.run(step, self.waiting[0])
        self.meter.watch()
        return {"ready": True}

    def go(self) -> dict[str, Any]:
        self.steps = defaultdict(list)
        told = timed(self.meter, [partial(self.ship, stage) for stage in self.waiting])
        return {**told, "steps": self.steps}

    def ship(self, stage: Any) -> None:
        instants: list[datetime] = []
        for step in self.each:
            before, sent = time.perf_counter(), self.meter.statements
            instants += self.play.run(step, stage).instants
            self.steps[step.name].append((time.perf_counter() - before, self.meter.statements - sent))
        self.played.append((stage, list(dict.fromkeys(instants))))

    # ---- what was written ----

    def shape(self) -> dict[str, Any]:
        """The last shipment, act by act: no two instants are alike, so what is dated by one is what that act wrote.

        Accounts are named; those that were there before the shipment are shared by all shipments of the worker.
        """
        assert len(self.played) > 1, "what a worker's shipments share shows at the second"
        stage, instants = self.played[-1]
        found = self.seen.written(instants)
        keys = [p[side] for w in found.values() for p in w.postings for side in ("debit", "credit")]
        about = {str(r[0]): r[1:] for r in self._rows("SELECT id, kind, bound, opened_at FROM ledger_account WHERE id = ANY (%s)", keys)}
        names: dict[str, list[str]] = {}
        for key in dict.fromkeys(keys):
            kind, bound, opened = about[key]
            names[key] = [f"{kind} {len(names) + 1}", bound, "own" if opened in found else "shared"]
        pieces = defaultdict(list)
        for at, kind, payload in self._rows(_PIECES, instants):
            pieces[at].append([kind, payload])
        messages = self._rows(_MESSAGES, [str(stage.payment)])
        return {
            "acts": [
                {
                    "at": at.isoformat(), "events": w.events, "titles": [t["act"] for t in w.titles], "pieces": pieces[at],
                    "uses": [[u["act"], u.get("purpose"), u.get("amount")] for u in w.uses],
                    "postings": [[p["code"], p["kind"], p["amount"], names[p["debit"]], names[p["credit"]]] for p in w.postings],
                }
                for at, w in found.items()
            ],
            "order": bytes(next(content for way, content in messages if way == "in")).decode(),
            "counts": self._counts(stage, instants),
        }  # fmt: skip

    def _counts(self, stage: Any, instants: list[datetime]) -> dict[str, int]:
        """How much a shipment wrote."""
        found = self.seen.written(instants)
        whole = self.seen.together(found.values())
        return {
            "acts": len(found), "postings": len(whole.postings), "title events": len(whole.titles),
            "evidence": len(self._rows(_PIECES, instants)), "uses": sum(u["act"] == "used" for u in whole.uses),
            "goods events": whole.events.count("transport.event"), "messages": len(self._rows(_MESSAGES, [str(stage.payment)])),
            "days of interest": self._rows("SELECT count(*) FROM lending_dayclose WHERE draw_id = ANY (%s::uuid[])", [str(stage.draw)])[0][0],
        }  # fmt: skip

    def _rows(self, sql: str, wanted: list[Any]) -> list[tuple[Any, ...]]:
        from django.db import connection, transaction

        from luhai.kernel.origin import SYSTEM
        from luhai.shell.context import acting

        with transaction.atomic(), acting(SYSTEM), connection.cursor() as cursor:
            cursor.execute(sql, [wanted])
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    # ---- afterwards ----

    def check(self) -> dict[str, Any]:
        """Whether each shipment of this worker came to its end, and how much each wrote."""
        from luhai.core.titles import queries as titles
        from luhai.financing.lending import queries as loans
        from luhai.kernel.origin import SYSTEM
        from luhai.settlement.payments import queries as payments

        wrong, counts = [], Counter[str]()
        for stage, instants in self.played:
            loan = loans.loan(draw_id=stage.draw, viewer=SYSTEM)
            stand = (
                str(loan.state), loan.owed.total, str(titles.title(title_id=stage.title, viewer=SYSTEM).state),
                str(payments.payment(payment_id=stage.payment, viewer=SYSTEM).state),
            )  # fmt: skip
            if stand != ("REPAID", 0, "DELIVERED", "CREDITED"):
                wrong.append([stage.cast.space, stage.shipment.number, *stand])
            counts.update(self._counts(stage, instants))
        return {"shipments": len(self.played), "wrong": wrong, "counts": counts}

    def recount(self) -> dict[str, Any]:
        """Ledger, titles, evidence, journal and statistics, counted again."""
        self.recounts.gathered(BEGUN + timedelta(days=40))
        counted = self.recounts.recounted()
        return {"wrong": [name for name, one in counted.items() if isinstance(one, dict) and not one["agrees"]]}


_MESSAGES = "SELECT way, content FROM payments_message WHERE payment_id = ANY (%s::uuid[])"
_PIECES = (
    "SELECT p.received_at, e.kind, p.payload FROM evidence_piece p JOIN evidence_evidence e ON e.id = p.evidence_id"
    " WHERE p.received_at = ANY (%s) ORDER BY p.received_at"
)


def main() -> None:
    side = Luhai()
    obey(
        {"setup": side.setup, "prepare": side.prepare, "shape": side.shape, "check": side.check, "recount": side.recount}, side.go
    )  # fmt: skip


if __name__ == "__main__":
    main()
