"""Whether the evaluation finds what was planted: a few seeds always, two hundred in the long suite. The numbers stand in docs/algorithms/effects.md."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from luhai.oversight.evaluation import judge as judging
from luhai.oversight.evaluation.judge import Tally, judge
from luhai.oversight.evaluation.judge_cli import SAID
from luhai.oversight.evaluation.judge_cli import judge as command
from luhai.oversight.evaluation.method import effects
from simulator import economy as invented


def test_a_few_seeds() -> None:
    judged = judge(range(20), draws=199)
    assert judged.subsidy_found.count >= 14
    assert judged.subsidy_covered.count >= 16
    assert judged.subsidy_false.count <= 4
    assert judged.slow_found.count >= 15
    assert judged.slow_false.count <= 3
    assert judged.stale_found.count == 20
    assert judged.stale_false.count <= 1
    assert set(judged.tallies()) == set(SAID)
    assert all(t.of == 20 for t in judged.tallies().values())
    assert judge(range(5), draws=199) == judge(range(5), draws=199)


@pytest.mark.long
def test_two_hundred_seeds() -> None:
    judged = judge(range(200))
    assert judged.within
    assert judged.subsidy_false.share <= Decimal("0.07")
    assert judged.slow_false.share <= Decimal("0.07")
    assert judged.stale_false.share <= Decimal("0.07")
    assert judged.subsidy_found.share >= Decimal("0.85")
    assert judged.slow_found.share >= Decimal("0.88")
    assert judged.stale_found.share >= Decimal("0.98")
    assert Decimal("0.92") <= judged.subsidy_covered.share <= Decimal("0.98")
    assert judged.naive_independent_false.share > Decimal("0.09"), "else the economy would be too easy to prove anything"


def test_nothing_planted_is_nothing_found() -> None:
    """With no effect the judge's 'found' is the false rate itself: the counting cannot find what it was told."""
    judged = judge(range(12), planted=invented.NOTHING, draws=199)
    assert judged.subsidy_found.count == 0, "the truth is nought, so no direction is the right one"
    assert judged.slow_found.count <= 1
    assert judged.stale_found.count == 0


def test_an_evaluation_that_shouts_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge judged: where every p is a fourth of what it should be, it says so."""
    true = effects.estimate

    def shouting(data: effects.Panel, **how: Any) -> effects.Effect:
        found = true(data, **how)
        return replace(found, p=found.p / 4)

    monkeypatch.setattr(effects, "estimate", shouting)
    judged = judge(range(60), draws=99)
    assert judged.subsidy_false.share > judging.ACCEPTED
    assert not judged.within


def test_shares_are_counts() -> None:
    assert Tally(14, 200).share == Decimal("0.070")
    assert Tally(1, 3).share == Decimal("0.333")
    with pytest.raises(ValueError, match="seeds"):
        judge(range(0))


def test_on_the_command_line() -> None:
    ran = CliRunner().invoke(command, ["--seeds", "3", "--first", "40", "--draws", "99", "--json"])
    told = json.loads(ran.stdout)
    assert told["subsidy_found"]["of"] == 3
    assert told["within"] is (ran.exit_code == 0)
    plain = CliRunner().invoke(command, ["--seeds", "1", "--draws", "99"])
    assert "slow bank found" in plain.stdout
    assert CliRunner().invoke(command, ["--seeds", "0"]).exit_code == 2


def test_the_panel_is_what_was_drawn() -> None:
    economy = invented.generate(3)
    panel = judging.drawn_panel(economy)
    assert panel.units == 15
    assert np.exp(panel.outcome).sum() == pytest.approx(int(economy.loans.amount.sum()))
