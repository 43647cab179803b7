"""The invented economy: the same from the same seed, effects where they are planted and nowhere else, and hard enough to be worth finding."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from simulator import economy as invented
from simulator.cli import cli
from simulator.economy import LISTS, NOTHING, QUARTERS, TERRITORIES, Planted, generate

ECONOMY = generate(5)
WITHOUT = generate(5, NOTHING)


def test_the_same_seed_the_same_economy() -> None:
    again = generate(5)
    for table in ("loans", "demands", "updates"):
        for name in vars(getattr(ECONOMY, table)):
            assert (getattr(getattr(ECONOMY, table), name) == getattr(getattr(again, table), name)).all(), (table, name)
    assert again.plan == ECONOMY.plan
    assert generate(6).plan != ECONOMY.plan


def test_its_size() -> None:
    assert len(TERRITORIES) == 15
    assert 28 <= len(ECONOMY.institutions) <= 32
    assert len({i.id for i in ECONOMY.institutions}) == len(ECONOMY.institutions)
    assert 20_000 < len(ECONOMY.loans.amount) < 60_000
    assert set(ECONOMY.loans.quarter.tolist()) == set(range(QUARTERS))
    assert (ECONOMY.drawn() > 0).all()
    assert ECONOMY.drawn().sum() == ECONOMY.loans.amount.sum()


def test_rows_stand_where_they_say() -> None:
    loans = ECONOMY.loans
    starts = np.array(invented._starts())
    assert (loans.day >= starts[loans.quarter]).all()
    assert (loans.day < starts[loans.quarter + 1]).all()
    assert (loans.amount > 0).all()
    assert (loans.rate > 0).all()
    assert (ECONOMY.demands.hours >= 1).all()
    for table in (loans, ECONOMY.demands):
        for bank in range(len(ECONOMY.institutions)):
            codes = {TERRITORIES[t] for t in np.unique(table.territory[table.bank == bank]).tolist()}
            assert codes <= set(ECONOMY.institutions[bank].territories), "a bank is only where it does business"


@pytest.mark.parametrize("seed", range(30))
def test_the_plan_leaves_time_before_and_after_and_somebody_to_compare_with(seed: int) -> None:
    economy = generate(seed)
    first = economy.first_treated()
    dates = sorted(g for g in first if g is not None)
    assert 6 <= len(dates) <= 8
    assert dates[0] >= 4
    assert dates[-1] <= 9
    assert len(set(dates)) == 2
    assert first.count(None) >= 7
    assert 8 <= economy.plan.stale_from <= 9
    assert 0 <= economy.plan.slow_bank < len(economy.institutions)


def test_effects_touch_only_whom_they_say() -> None:
    """The pair of economies differs by the planted factor in the treated cells, to the fen, and nowhere else."""
    assert ECONOMY.plan == WITHOUT.plan
    first = np.array([QUARTERS if g is None else g for g in ECONOMY.first_treated()])
    treated = ECONOMY.loans.quarter >= first[ECONOMY.loans.territory]
    assert (ECONOMY.loans.amount[treated] == WITHOUT.loans.amount[treated] * 135 // 100).all()
    assert (ECONOMY.loans.amount[~treated] == WITHOUT.loans.amount[~treated]).all()
    assert (ECONOMY.loans.bank == WITHOUT.loans.bank).all()
    slow = ECONOMY.demands.bank == ECONOMY.plan.slow_bank
    assert (ECONOMY.demands.hours[~slow] == WITHOUT.demands.hours[~slow]).all()
    assert np.median(ECONOMY.demands.hours[slow] / WITHOUT.demands.hours[slow]) == pytest.approx(2.5, abs=0.1)
    last = ECONOMY.days - 1
    t, n = TERRITORIES.index(ECONOMY.plan.stale_territory), LISTS.index(ECONOMY.plan.stale_list)
    fresh = (last - ECONOMY.updated(last)) <= 90
    assert fresh[t, n].sum() == 0
    before = (last - WITHOUT.updated(last)) <= 90
    assert before[t, n].mean() > 0.5
    fresh[t, n] = before[t, n]
    assert (fresh == before).all()
    assert (WITHOUT.updated(last) >= 0).all(), "every row was renewed once at least"


def test_updated_looks_back_only() -> None:
    middle = 500
    assert ECONOMY.updated(middle).max() <= middle
    assert (ECONOMY.updated(middle) <= ECONOMY.updated(ECONOMY.days - 1)).all()


def test_states_last_and_tails_are_heavy() -> None:
    """What breaks the usual tests is really in it: over many seeds, the state of one quarter says much about the next, and shocks are wilder than normal."""
    lasting, shocks = [], []
    for seed in range(60):
        logs = np.log(generate(seed, NOTHING).drawn())
        rest = logs - logs.mean(axis=1, keepdims=True) - logs.mean(axis=0) + logs.mean()
        lasting.append(np.corrcoef(rest[:, 1:].ravel(), rest[:, :-1].ravel())[0, 1])
        amounts = np.log(generate(seed, NOTHING).loans.amount.astype(np.float64))
        shocks.append(amounts.std())
    assert 0.1 < np.mean(lasting) < 0.8
    assert np.mean(shocks) > 0.9, "loans differ by orders of magnitude"
    drawn = invented._heavy(invented.Dice(1, np.arange(20_000, dtype=np.int64)), "x")
    assert drawn.std() == pytest.approx(1, abs=0.06)
    assert ((drawn / drawn.std()) ** 4).mean() > 4.5


def test_seasons_and_growth() -> None:
    total = np.mean([np.log(generate(seed, NOTHING).drawn()) for seed in range(40)], axis=(0, 1))
    by_quarter = total.reshape(3, 4)
    assert (by_quarter.argmax(axis=1) == 3).all(), "the last quarter is the strongest"
    assert (by_quarter.argmin(axis=1) == 0).all()
    assert (np.diff(by_quarter.mean(axis=1)) > 0).all()


def test_written_down(tmp_path: Path) -> None:
    out = tmp_path / "economy.jsonl"
    ran = CliRunner().invoke(cli, ["economy", "--seed", "5", "--out", str(out), "--json"])
    told = json.loads(ran.stdout)
    records = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert told["lines"] == len(records)
    assert all(record["invented"] is True for record in records)
    head = records[0]
    assert head["subsidised"] == dict(ECONOMY.plan.subsidised)
    assert head["planted"] == {"lift": 35, "slow": 250, "stale": True}
    loans = [r for r in records if r["record"] == "loan"]
    assert sum(r["amount"] for r in loans) == int(ECONOMY.loans.amount.sum())
    assert {r["bank"] for r in loans} <= {r["id"] for r in records if r["record"] == "institution"}
    assert min(r["day"] for r in loans) >= "2024-01-01"
    assert max(r["day"] for r in loans) <= "2026-12-31"
    rows = [r for r in records if r["record"] == "list_row"]
    assert len(rows) == 15 * 3 * 40
    stale = [r for r in rows if (r["territory"], r["list"]) == (head["stale_territory"], head["stale_list"])]
    assert max(r["updated_at"] for r in stale) < "2026-07-01"
    again = CliRunner().invoke(cli, ["economy", "--seed", "5", "--out", str(out), "--json"])
    assert json.loads(again.stdout)["sha256"] == told["sha256"]
    other = CliRunner().invoke(cli, ["economy", "--seed", "5", "--no-effects", "--out", str(out), "--json"])
    assert json.loads(other.stdout)["sha256"] != told["sha256"]


def test_a_place_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = CliRunner().invoke(cli, ["economy", "--out", str(tmp_path / "nowhere" / "e.jsonl")])
    assert ran.exit_code == 1
    assert "nowhere" in ran.output
    assert Planted() == invented.EFFECTS
