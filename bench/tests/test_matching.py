"""The bench `matching` on a small input: it prints its contract, and a wrong answer ends it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli import cli
from bench.matching import made, run

ROOT = Path(__file__).resolve().parents[2]


def test_the_input_comes_from_its_seed(tmp_path: Path) -> None:
    made.make(tmp_path / "a", 3_000, 50)
    made.make(tmp_path / "b", 3_000, 50)
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    _, columns = run.read_columns(tmp_path / "a")
    assert columns.size == 3_000


def test_a_wrong_answer_ends_the_bench() -> None:
    expected = np.array([[2, 1, 0]], np.int8)
    right = expected == 2, expected == 1
    run._compare("somebody", expected, *right)
    with pytest.raises(run.Disagreement, match="somebody answers 1 of 3 pairs"):
        run._compare("somebody", expected, right[0], np.array([[False, False, False]]))
    with pytest.raises(run.Disagreement, match="somebody answers 2 of 3 pairs"):
        run._compare("somebody", expected, expected == 1, None)


@pytest.mark.long
@pytest.mark.skipif(
    not (ROOT / ".luhai" / "bench" / "venv" / "made-from").exists(),
    reason="the peers' environment is not made yet",
)
def test_small_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "LUHAI_STATE", str(ROOT / ".luhai"))
    ran = CliRunner().invoke(
        cli, ["matching", "--size", "20000", "--rounds", "1", "--json"], catch_exceptions=False
    )
    assert ran.exit_code == 0
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["bench"] == "matching"
    assert set(told["peers"]) == {"zen-engine", "datalogic-py", "polars"}
    assert set(told["limits"]) == {"and-only"}
    assert told["cells"]["one-company"]["peers"]["zen-engine"]["ratio"] > 1
    for side in [*told["peers"].values(), *told["limits"].values()]:
        assert side["ratio"] == pytest.approx(told["ours"] / side["rate"])
    assert 0 < told["met_share"] < 0.05
    assert 0 < told["unknown_share"] < 0.05
