"""What the test of a cluster runs as its driver: the same cells from DuckDB here and from the cluster of `LUHAI_SPARK_MASTER`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from luhai.core.indicators import engine
from luhai.core.indicators.tests.test_engine import (
    APRIL,
    FEBRUARY,
    INDICATORS,
    RATES,
    SOME_CUBES,
    made,
    written,
)


def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        files = written(Path(root), made(400))
        here = engine.compute("duckdb", files, INDICATORS, [FEBRUARY, APRIL], SOME_CUBES, rates=RATES)
        session: Any = engine.session_on(os.environ[engine.MASTER], f"{root}/scratch")
        there = engine.compute("spark", files, INDICATORS, [FEBRUARY, APRIL], SOME_CUBES, rates=RATES)
        workers = session.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1  # the driver is one
        session.stop()
    assert here == there, (len(here), len(there))
    print(f"the same on {workers} workers")


if __name__ == "__main__":
    main()
