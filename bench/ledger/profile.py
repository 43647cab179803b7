"""Where the time of one call of `post` goes: `python -m bench.ledger.profile BATCH`, after Luhai's side is set up.

The server tells how long each statement inside its functions took (auto_explain, durations only); the rest of the
call is cut by measuring its parts alone. Nothing here is part of a rate that the bench prints.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from . import made
from .ours import AT, Luhai

_ROUNDS = 7


def profile(batch: int) -> dict[str, Any]:
    """Median milliseconds by stage, of calls that post `batch` transfers; the first calls warm up."""
    from django.db import connection, transaction

    side = Luhai()
    heard: list[str] = []
    _listen(connection, heard)
    stages: dict[str, list[float]] = defaultdict(list)
    rounds = _ROUNDS if batch > 1 else 60
    for n in range(rounds + 8):
        call = side.prepare(made.transfers("wide", (99, batch, n), batch), {})
        found = defaultdict(float, {"python: columns for the server": _seconds(lambda c=call: side.commands._columns(c))})
        heard.clear()
        begun = time.perf_counter()
        with transaction.atomic():
            transaction.get_connection().ensure_connection()
            inside = time.perf_counter()
            side.commands.post(call, at=AT)
            posted = time.perf_counter()
        ended = time.perf_counter()
        whole = 0.0
        for duration, text in map(_told, heard):
            if "ledger_post(" in text:
                whole = duration
            else:
                found[f"server: {text}"] += duration
        found["server: PL/pgSQL between its statements"] = whole - sum(
            s for name, s in found.items() if name.startswith("server")
        )
        found["adaptation, transport, parsing, answers"] = (
            posted - inside - whole - found["python: columns for the server"]
        )
        found["begin"] = inside - begun
        found["commit"] = ended - posted
        found["whole call"] = ended - begun
        if n >= 8:
            for name, seconds in found.items():
                stages[name].append(seconds)
    return {
        "batch": batch,
        "milliseconds": {name: round(statistics.median(found) * 1e3, 3) for name, found in stages.items()},
    }


def _listen(connection: Any, heard: list[str]) -> None:
    """Durations of statements, also inside functions, as notices of this one connection."""
    connection.ensure_connection()
    connection.connection.add_notice_handler(lambda diagnostic: heard.append(diagnostic.message_primary))
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        role = cursor.fetchone()[0]
        cursor.execute("SET ROLE postgres")
        cursor.execute("LOAD 'auto_explain'")
        for name, value in (
            ("auto_explain.log_min_duration", "0"),
            ("auto_explain.log_nested_statements", "on"),
            ("auto_explain.log_level", "notice"),
        ):
            cursor.execute(f"SET {name} = '{value}'")
        cursor.execute(f"SET ROLE {role}")
    heard.clear()


def _told(message: str) -> tuple[float, str]:
    """Seconds, and enough of the statement to know it."""
    duration = re.match(r"duration: ([0-9.]+) ms", message)
    text = message.partition("Query Text:")[2].partition("\nQuery Parameters")[0]
    words = re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", text)).strip()
    assert duration is not None, message[:100]
    return float(duration[1]) / 1e3, words[:70]


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    print(json.dumps(profile(int(sys.argv[1]))), flush=True)
