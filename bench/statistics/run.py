"""The bench `statistics`: the standard monthly release, all indicators by the standard cubes, over many facts in day-partitioned Parquet.

Limit `duckdb`: hand-written SQL for DuckDB alone (bench/statistics/raw.py). Peer `pandas`: data frames (bench/statistics/frames.py). Each side
answers in a fresh process and takes turns; timed is the release from paths of files to cells, with libraries loaded; a rate is the
median of its rounds. All sides have the machine's cores. **Every answer of every side is compared**, all of it: one that differs ends the bench with an error.
Growth: the same at a tenth of the facts. Spark, on the same expressions as ours, is run once, for the record.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import made

Say = Callable[[str], None]

ROOT = Path(__file__).resolve().parents[2]
PANDAS = "pandas"
LIMIT = "duckdb"
#: At most one and a half times the limit's time; and growing with the facts at most by a quarter more than they do.
GOAL, GROWTH_GOAL = 0.67, 1.25


class Disagreement(Exception):
    """A side answers otherwise. No speed is told then."""


def run(folder: Path, *, size: int, rounds: int, pandas: bool, spark: bool, say: Say) -> dict[str, Any]:
    """Everything the bench prints."""
    started = time.perf_counter()
    places = {n: _place(folder, n, say) for n in (size, max(size // 10, 1))}
    sides = ["luhai", LIMIT, *([PANDAS] if pandas else [])]
    told: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for n in places:
        for turn in range(rounds):
            for side in sides if n == size else sides[:2]:
                say(f"{n:,} facts, round {turn + 1} of {rounds}: {side}")
                told.setdefault((side, n), []).append(answer(side, places[n]))
        agree({side: told[side, n] for side in sides if (side, n) in told})
    seconds = {at: statistics.median(a["seconds"] for a in answers) for at, answers in told.items()}
    ours = size / seconds["luhai", size]
    small = min(places)
    growth = seconds["luhai", size] / seconds["luhai", small] / (size / small)
    record = _spark(places[size], told["luhai", size], say) if spark else {}
    ratio = seconds[LIMIT, size] / seconds["luhai", size]
    return {
        "bench": "statistics",
        "input": f"{size:,} invented facts of {made.MONTHS} months in Parquet by day; the release of one month: {told['luhai', size][0]['cells']:,} cells "
        f"of 11 indicators; median of {rounds} interleaved rounds, each in a fresh process",
        "unit": "facts per second",
        "ours": ours,
        "peers": {PANDAS: _beside(ours, size, seconds[PANDAS, size])} if pandas else {},
        "limits": {LIMIT: _beside(ours, size, seconds[LIMIT, size])},
        "growth": {"facts": [small, size], "seconds": [round(seconds["luhai", n], 2) for n in (small, size)], "to_linear": round(growth, 3)},
        "goals": {
            "luhai ÷ duckdb": {"goal": GOAL, "ratio": ratio, "reached": ratio >= GOAL},
            "growth ÷ linear": {"goal": GROWTH_GOAL, "ratio": growth, "reached": growth <= GROWTH_GOAL},
        },
        "spark": record,
        "seconds_of": {f"{side} {n}": [round(a["seconds"], 2) for a in answers] for (side, n), answers in told.items()},
        "cpu_of": {f"{side} {n}": [round(a["cpu"], 2) for a in answers] for (side, n), answers in told.items()},
        "peak_gib": {side: round(max(a["peak_gib"] for a in told[side, size]), 2) for side in sides},
        "cores": os.cpu_count(),
        "rounds": rounds,
        "seconds": round(time.perf_counter() - started, 1),
    }


def _beside(ours: float, size: int, seconds: float) -> dict[str, float]:
    return {"rate": size / seconds, "ratio": ours / (size / seconds)}


def _place(folder: Path, size: int, say: Say) -> Path:
    """The facts of this size; those of other versions are cleared away."""
    for old in folder.glob("statistics-*-v*"):
        if not old.name.endswith(f"-v{made.VERSION}"):
            shutil.rmtree(old)
    place = folder / f"statistics-{size}-v{made.VERSION}"
    for file in made.make(place, size, say):
        file.read_bytes()  # into the system's memory, for all sides alike
    return place


def answer(side: str, place: Path) -> dict[str, Any]:
    """One release of one side in a process of its own."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    done = subprocess.run(
        [sys.executable, "-m", "bench.statistics.worker", side, str(place)], capture_output=True, text=True, check=False, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{side} ended with {done.returncode}: {done.stderr[-2_000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def agree(answers: dict[str, list[dict[str, Any]]]) -> None:
    """All answers are the same, every cell of them."""
    first = answers["luhai"][0]
    for side, of in answers.items():
        for one in of:
            if (one["cells"], one["digest"]) != (first["cells"], first["digest"]):
                raise Disagreement(f"{side} answers {one['cells']} cells otherwise than luhai's {first['cells']}")


def _spark(place: Path, ours: list[dict[str, Any]], say: Say) -> dict[str, Any]:
    say("Spark, for the record")
    one = answer("spark", place)
    agree({"luhai": ours, "spark": [one]})
    return {"seconds": round(one["seconds"], 1), "cells": one["cells"], "master": os.environ.get("LUHAI_SPARK_MASTER") or "local[2]"}
