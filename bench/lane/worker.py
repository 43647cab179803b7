"""What the workers of both sides share: the parent's lines, and a meter of the time that goes to the database."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

Act = Callable[..., dict[str, Any]]


class Meter:
    """Seconds in which this process waited for the server, from a statement to its rows, and for its commits."""

    def __init__(self) -> None:
        self.watching = False
        self.clear()

    def clear(self) -> None:
        self.database = self.commit = 0.0
        self.statements = self.commits = 0
        #: Of each kind of statement: seconds, how many.
        self.kinds: dict[str, tuple[float, int]] = {}

    def told(self) -> dict[str, Any]:
        return {
            "database": self.database, "commit": self.commit, "statements": self.statements, "commits": self.commits,
            "kinds": self.kinds,
        }  # fmt: skip

    def watch(self) -> None:
        """Count what passes by the default connection of this process, from now on."""
        from django.db import connection as default

        connection: Any = default
        if self.watching:
            return
        self.watching = True
        connection.ensure_connection()
        connection.execute_wrappers.append(self._execute)
        done, clock = connection._commit, time.perf_counter  # a commit passes by no cursor

        def commit() -> None:
            begun = clock()
            done()
            self.commit += clock() - begun
            self.commits += 1

        connection._commit = commit

    def _execute(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            took = time.perf_counter() - begun
            self.database += took
            self.statements += 1
            kind = kind_of(str(sql))
            seconds, many_ = self.kinds.get(kind, (0.0, 0))
            self.kinds[kind] = seconds + took, many_ + 1


#: What a statement is for: the first whose word it has.
_KINDS = (
    ("set_config", "who is acting"), ("pg_try_advisory", "once a key"), ("INTO journal_entry", "journal"), ("ledger_", "ledger"),
    ("SAVEPOINT", "savepoints"), ("advisory", "locks"), (" FOR ", "locks"), ("INSERT", "writing"), ("UPDATE", "writing"),
)  # fmt: skip


def kind_of(sql: str) -> str:
    return next((kind for word, kind in _KINDS if word in sql), "reading")


def timed(meter: Meter, shipments: Iterable[Callable[[], None]]) -> dict[str, Any]:
    """Play whole shipments, one after the other."""
    meter.clear()
    done = 0
    cpu, begun = time.process_time(), time.monotonic()
    for shipment in shipments:
        shipment()
        done += 1
    ended = time.monotonic()
    return {"from": begun, "to": ended, "done": done, "cpu": time.process_time() - cpu, **meter.told()}


def obey(acts: dict[str, Act], go: Callable[[], dict[str, Any]]) -> None:
    """Follow the parent's lines until they end."""
    for line in sys.stdin:
        order = json.loads(line)
        told = go() if order == "go" else acts[order.pop("do")](**order)
        print(json.dumps(told), flush=True)
