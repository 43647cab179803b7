"""The cell `one-company`: one company against every product in PostgreSQL, on a cluster of its own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from luhai.core.rules import sql
from luhai.core.rules.criteria import Criteria, Fact
from luhai.shell.postgres import Server


def run(
    criteria: Sequence[Criteria],
    companies: Sequence[dict[str, Fact]],
    expected: NDArray[np.int8],
    zen: Callable[[int], list[float]],
    rounds: int,
) -> dict[str, Any]:
    """Every statement is asked through a connection as an application holds it: sent, planned, answered, read. Its
    answers are compared with plain Python's; the peer judges the same companies in turns with it."""
    with Server.temporary() as server, psycopg.connect(server.conninfo(database="postgres")) as connection:
        cursor = connection.cursor()
        cursor.execute(sql.tables("predicate", "branch", "product", "integer"))
        wanted = dict.fromkeys(p for c in criteria for p in sql.predicates_of(c))
        slots = sql.intern(cursor, wanted, "predicate")
        with cursor.copy("COPY branch (product, needs) FROM STDIN") as copy:
            for i, c in enumerate(criteria):
                for needs in sql.branch_rows(c, slots):
                    copy.write_row((i, needs))
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE predicate")
        cursor.execute("VACUUM ANALYZE branch")
        statement = sql.judge("predicate", "branch", "product")
        seconds: list[float] = []
        theirs: list[float] = []
        for number in range(rounds + 1):
            ours = []
            for facts, verdicts in zip(companies[:60], expected, strict=False):
                begun = time.perf_counter()
                cursor.execute(statement, sql.question(facts), prepare=True)
                answer = cursor.fetchall()
                ours.append(time.perf_counter() - begun)
                if dict(answer) != {i: v for i, v in enumerate(verdicts.tolist()) if v}:
                    raise AssertionError("the database answers otherwise than plain Python")
            if number:  # the first turn warms up
                seconds += ours
                theirs += zen(20)
    ours_s, theirs_s = statistics.median(seconds), statistics.median(theirs)
    rate, peer = len(criteria) / ours_s, len(criteria) / theirs_s
    return {
        "input": f"1 company × {len(criteria):,} products in PostgreSQL, {len(slots):,} different predicates",
        "unit": "pairs per second",
        "ours": rate,
        "peers": {"zen-engine": {"rate": peer, "ratio": rate / peer}},
        "limits": {},
        "median_ms": round(ours_s * 1000, 3),
        "p95_ms": round(sorted(seconds)[int(len(seconds) * 0.95)] * 1000, 3),
        "zen_engine_median_ms": round(theirs_s * 1000, 3),
        "asked": len(seconds),
    }
