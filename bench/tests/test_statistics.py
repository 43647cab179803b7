"""The bench `statistics` on few facts: all sides answer the same, it prints its contract, and a wrong answer ends it."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import cli
from bench.statistics import frames, made, ours, raw, run
from luhai.core.indicators.facts import SCHEMA, read


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _handle: None)  # a thousand files that no power cut will meet
        return made.make(tmp_path_factory.mktemp("facts"), 12_000, lambda _said: None)


def test_the_input_comes_from_its_seed(files: list[Path]) -> None:
    assert 900 < len(files) <= made.DAYS
    days = {f.parent.name.removeprefix("day="): f for f in files}
    for n, (table, _first, _last) in enumerate(islice(made._days(12_000), 300)):
        kept = days.get((made.FIRST + timedelta(days=n)).isoformat())
        assert (table.num_rows > 0) is (kept is not None)
        if kept:
            assert read([kept]) == table.select(SCHEMA.names).cast(SCHEMA)


@pytest.mark.filterwarnings("ignore")
def test_all_sides_answer_the_same(files: list[Path]) -> None:
    mine = ours.told(ours.release("duckdb", files))
    assert ours.told(raw.as_cells(raw.release(files))) == mine
    assert ours.told(frames.as_cells(frames.release(files))) == mine
    assert {line.split("\t")[0] for line in mine} == {i.key for i in ours.indicators()}


def test_no_balance_of_the_input_falls_below_nothing(files: list[Path]) -> None:
    assert all(c.value is not None and c.value >= 0 for c in ours.release("duckdb", files))


def test_a_wrong_answer_ends_the_bench() -> None:
    right = {"cells": 2, "digest": "a"}
    run.agree({"luhai": [right, right], "duckdb": [right]})
    for wrong in ({"cells": 2, "digest": "b"}, {"cells": 1, "digest": "a"}):
        with pytest.raises(run.Disagreement, match="duckdb"):
            run.agree({"luhai": [right], "duckdb": [right, wrong]})


@pytest.mark.long
def test_small_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(os.environ, "LUHAI_STATE", str(tmp_path))
    ran = CliRunner().invoke(cli, ["statistics", "--size", "100000", "--rounds", "1", "--json"], catch_exceptions=False)
    assert ran.exit_code == 0
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["bench"] == "statistics"
    assert set(told["peers"]) == {"pandas"}
    assert set(told["limits"]) == {"duckdb"}
    assert told["growth"]["facts"] == [10_000, 100_000]
    for side in [*told["peers"].values(), *told["limits"].values()]:
        assert side["ratio"] == pytest.approx(told["ours"] / side["rate"])
