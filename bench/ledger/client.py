"""One client of one side of the bench: a process that makes its transfers, waits for the word, posts and tells when.

    → {"shape", "stream", "batch", "batches", "seconds"}     ← {"ready": true}
    → "go"                                                    ← {"from", "to", "batches", "refused"}

Making the input and turning it into the side's own objects is not timed: a caller has them in hand. The clock is the
machine's monotonic one, the same for all processes.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Protocol

from . import made


class Side(Protocol):
    """A way to move value."""

    def setup(self) -> None:
        """Make tables and accounts, and give the bounded ones their room."""

    def prepare(self, batch: made.Transfers, order: dict[str, Any]) -> Any:
        """The batch as the side's callers hold it."""

    def post(self, batch: Any) -> int:
        """Post it, durably when this returns; how many of it were refused."""


def obey(side: Side) -> None:
    """Follow the parent's lines until they end."""
    for line in sys.stdin:
        order = json.loads(line)
        if order == "setup":
            side.setup()
            _say({"ready": True})
            continue
        size, count = order["batch"], order["batches"]
        all_ = made.transfers(order["shape"], tuple(order["stream"]), size * count)
        batches = [
            side.prepare(all_.part(n, n + size), {**order, "first": n}) for n in range(0, len(all_), size)
        ]
        _say({"ready": True})
        sys.stdin.readline()
        _say(timed(side, batches, order["seconds"]))


def timed(side: Side, batches: list[Any], seconds: float | None) -> dict[str, Any]:
    """Post one after the other, until all are or the time is up."""
    post, clock = side.post, time.monotonic
    done = refused = 0
    begun = clock()
    until = begun + (seconds or float("inf"))
    ended = begun
    for batch in batches:
        refused += post(batch)
        done += 1
        ended = clock()
        if ended >= until:
            break
    return {"from": begun, "to": ended, "batches": done, "refused": refused}


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)
