"""One side of the bench in a process of its own: it answers once, says how long that took, and what the answer was."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
import warnings
from pathlib import Path

from . import frames, ours, raw

LOADED = ("ibis.backends.duckdb", "ibis.backends.pyspark", "duckdb", "pandas", "pyarrow.parquet")


def main() -> None:
    """`worker <side> <folder>`: nothing is timed but the release, from paths of files to cells; libraries are loaded before."""
    side, folder = sys.argv[1], Path(sys.argv[2])
    warnings.simplefilter("ignore")
    files = sorted(folder.glob("day=*/*.parquet"))
    ours.indicators()
    for name in LOADED:
        importlib.import_module(name)
    begun, before = time.perf_counter(), _used()
    if side in {"luhai", "spark"}:
        cells = ours.release("duckdb" if side == "luhai" else "spark", files)
        seconds, cpu = time.perf_counter() - begun, _used() - before
    elif side == "duckdb":
        rows = raw.release(files)
        seconds, cpu = time.perf_counter() - begun, _used() - before
        cells = raw.as_cells(rows)
    else:
        tables = frames.release(files)
        seconds, cpu = time.perf_counter() - begun, _used() - before
        cells = frames.as_cells(tables)
    lines = ours.told(cells)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": seconds, "cpu": cpu, "cells": len(lines), "digest": ours.digest(lines), "peak_gib": peak}), flush=True)


def _used() -> float:
    """Seconds of processors that this process has had so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
