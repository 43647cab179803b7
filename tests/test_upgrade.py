"""A database of the first landed version is brought to today's form, and nothing of it is lost.

`data/landed-0.1.dump` is the demo of that version, and `data/landed-0.1.roots.jsonl` the signed roots of its journal.
Each landed version that changes the schema may add a dump of its own here; none is ever replaced.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "data"
DUMPS = sorted(HERE.glob("landed-*.dump"))


def luhai(state: Path, *arguments: str) -> dict[str, object]:
    env = os.environ | {"LUHAI_STATE": str(state), "LUHAI_PG_DIR": str(state / "pg")}
    done = subprocess.run(
        [sys.executable, "-m", "luhai", *arguments, "--json"], env=env, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, (arguments, done.stdout[-500:], done.stderr[-2000:])
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.stem)
def test_an_old_database_is_upgraded_whole(tmp_path: Path, dump: Path) -> None:
    state = tmp_path / "state"
    try:
        luhai(state, "db", "restore", str(dump))
        luhai(state, "db", "migrate")
        assert luhai(state, "db", "migrate")["applied"] == 0
        verified = luhai(state, "audit", "verify", "--against", str(dump.with_suffix(".roots.jsonl")))
        assert verified["intact"], verified
        assert int(str(verified["entries"])) > 1000
        again = luhai(state, "demo", "--once")
        assert (again["measures"], again["companies"], again["demands"]) == (239, 300, 60)
        assert len(list(again["best"])) == 12  # type: ignore[call-overload]
    finally:
        luhai(state, "db", "stop")


def test_the_first_landed_version_is_kept() -> None:
    assert HERE / "landed-0.1.dump" in DUMPS
