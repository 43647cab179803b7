"""`luhai evaluation judge`: how far the evaluation can be trusted, on invented economies whose truth is known."""

from __future__ import annotations

import json
import sys
import time

import click

#: What the tallies say, in the order in which they are told.
SAID = {
    "subsidy_found": "subsidy found",
    "subsidy_covered": "its size within the interval",
    "subsidy_false": "subsidy found where there is none",
    "subsidy_fake_dates": "placebo with fake dates spoke up",
    "subsidy_before": "placebo of the periods before spoke up",
    "naive_independent_false": "for comparison: usual errors, found where there is none",
    "naive_clustered_false": "for comparison: clustered errors, found where there is none",
    "slow_found": "slow bank found",
    "slow_beside": "another bank flagged beside it",
    "slow_false": "a bank flagged where none is slow",
    "stale_found": "stale list found",
    "stale_beside": "another list flagged beside it",
    "stale_false": "a list flagged where none is stale",
}


@click.command()
@click.option("--seeds", type=click.IntRange(1, 100_000), default=200, show_default=True, help="How many economies.")
@click.option("--first", type=click.IntRange(0, 2**31), default=0, show_default=True, help="The first seed.")
@click.option("--draws", type=click.IntRange(99, 99_999), default=999, show_default=True, help="How many times treatment is drawn again.")
@click.option("--lift", type=click.IntRange(0, 1000), default=35, show_default=True, help="By how many per cent the subsidy lifts what is drawn.")
@click.option("--slow", type=click.IntRange(100, 10_000), default=250, show_default=True, help="Per cent of its usual time that the slow bank takes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def judge(seeds: int, first: int, draws: int, lift: int, slow: int, as_json: bool) -> None:
    """Count what is found and what is found wrongly. Exit code 1 if more than 7 % is found that is not there."""
    from luhai.oversight.evaluation import judge as judging
    from simulator.economy import Planted

    started = time.monotonic()

    def progress(done: int) -> None:
        if done % 20 == 0:
            click.echo(f"{done} of {seeds} economies", err=True)

    judged = judging.judge(range(first, first + seeds), planted=Planted(lift=lift, slow=slow), draws=draws, progress=progress)
    tallies = judged.tallies()
    if as_json:
        result = {
            "seeds": seeds, "first": first, "draws": draws, "lift": lift, "slow": slow,
            **{name: {"count": t.count, "of": t.of, "share": str(t.share)} for name, t in tallies.items()},
            "accepted": str(judging.ACCEPTED), "within": judged.within, "seconds": round(time.monotonic() - started, 2),
        }  # fmt: skip
        json.dump(result, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        for name, tally in tallies.items():
            click.echo(f"{tally.share * 100:>6.1f} %  {tally.count:>4} of {tally.of}  {SAID[name]}")
    if not judged.within:
        raise click.exceptions.Exit(1)
