"""The bench `lane` on a few shipments: it prints its contract, both sides write as much, and a difference ends it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from bench.cli import cli
from bench.lane import run
from bench.lane.worker import kind_of
from bench.ledger.run import Disagreement


class _Workers:
    """Four workers who have answers ready."""

    def __init__(self, **answer: Any) -> None:
        self.played = [2] * run.WORKERS
        self.told = {"shipments": 2, "wrong": [], "counts": {"acts": 108}, **answer}

    def each(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        assert order == {"do": "check"}
        return [self.told] * run.WORKERS


@pytest.mark.parametrize(
    "answer",
    [
        {"shipments": 1},
        {"wrong": [["bench:4:0", 1, "DISBURSED", "5", "PLEDGED", "CLEAR"]]},
        {"counts": {"acts": 107}},
        {"counts": {"acts": 108, "postings": 1}},
    ],
)
def test_a_shipment_that_did_not_end_or_wrote_less_ends_the_bench(answer: dict[str, Any]) -> None:
    with pytest.raises(Disagreement, match="orm, worker 0"):
        run.check({"orm": _Workers(**answer)}, {"acts": 54})  # type: ignore[dict-item]


def test_a_rate_is_from_the_first_start_to_the_last_end() -> None:
    assert run.rate([{"done": 3, "from": 10.0, "to": 14.0}, {"done": 3, "from": 12.0, "to": 16.0}]) == 1.0


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT set_config('luhai.person', %s, true)", "who is acting"),
        ("SELECT pg_try_advisory_xact_lock(1), e.command FROM journal_entry e", "once a key"),
        ("INSERT INTO journal_entry (id) VALUES (%s)", "journal"),
        ("SELECT o FROM ledger_post_one(%s)", "ledger"),
        ("RELEASE SAVEPOINT s1", "savepoints"),
        ("SELECT a FROM b FOR UPDATE", "locks"),
        ("INSERT INTO b (a) VALUES (%s)", "writing"),
        ("SELECT a FROM b", "reading"),
    ],
)
def test_what_a_statement_is_for(sql: str, kind: str) -> None:
    assert kind_of(sql) == kind


def test_a_goal_that_is_missed_is_said_plainly() -> None:
    one = {
        "seconds": 1.0, "shares": {"python": 0.5, "database": 0.4, "commit": 0.1}, "statements": 10, "commits": 2,
        "kinds": {"reading": {"statements": 8, "share": 0.3}, "locks": {"statements": 2, "share": 0.1}},
    }  # fmt: skip
    missed = run.plainly(0.25, {"luhai": 1.0, "orm": 4.0}, {"luhai": one})
    assert missed[0] == "1 shipments a second, orm 4: 0.25 times orm; the goal of 1 is not reached; decision 0056 says what the promises cost"
    assert missed[1:] == [
        "luhai, one worker: 1 s a shipment; 50% Python, 40% in 10 statements, 10% in 2 commits", "  reading 8 (30%), locks 2 (10%)"
    ]  # fmt: skip
    assert run.plainly(1.5, {"luhai": 6.0, "orm": 4.0}, {})[0].endswith("the goal of 1 is reached")


@pytest.mark.long
def test_small_run() -> None:
    ran = CliRunner().invoke(cli, ["lane", "--size", "4", "--rounds", "1", "--json"], catch_exceptions=False)
    assert ran.exit_code == 0
    told = json.loads(ran.stdout.splitlines()[-1])
    assert (told["bench"], told["unit"], told["limits"]) == ("lane", "shipments per second", {})
    assert set(told["cells"]) == {"1 worker"}
    for one in (told, *told["cells"].values()):
        assert set(one["peers"]) == {"orm"}
        assert one["peers"]["orm"]["ratio"] == pytest.approx(one["ours"] / one["peers"]["orm"]["rate"])
    goal = told["goals"]["lane ÷ orm"]
    assert goal == {"goal": 1, "ratio": told["peers"]["orm"]["ratio"], "reached": goal["ratio"] >= 1}
    lines = ran.stderr.splitlines()
    assert any(f"{told['peers']['orm']['ratio']:.3g} times orm; the goal of 1 is" in line for line in lines)
    assert any(line.startswith("  reading ") or ", reading " in line for line in lines), lines
    # The sums of the story: what a shipment writes is not an accident of the bench.
    assert told["shipment"] == {
        "acts": 54, "postings": 44, "title events": 8, "evidence": 16, "uses": 2, "goods events": 11, "messages": 4, "days of interest": 13,
    }  # fmt: skip
    for cell in told["profile"].values():
        for side in cell.values():
            assert sum(side["shares"].values()) == pytest.approx(1)
            assert side["statements"] > side["commits"] >= 53  # an act each; reading the notice changes nothing
            assert sum(one["statements"] for one in side["kinds"].values()) == pytest.approx(side["statements"])
            assert sum(one["share"] for one in side["kinds"].values()) == pytest.approx(side["shares"]["database"])
        assert len(cell["luhai"]["steps"]) == 22
