"""The simulator on the command line: `luhai simulate export`, `luhai simulate economy`."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from simulator import corridor


@click.group()
def cli() -> None:
    """Make an invented corridor from a seed."""


@cli.command()
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=4, show_default=True, help="The same seed, the same corridor.")
@click.option("--size", type=click.Choice([size.value for size in corridor.Size]), default=corridor.Size.SMALL.value, show_default=True)
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), default="2026-11-02", show_default=True, help="The day on which the corridor is looked at.")
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), required=True, help="The file to write.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def export(seed: int, size: str, as_of: datetime, out: Path, as_json: bool) -> None:
    """Write a whole corridor as JSON lines, and print its SHA-256."""
    started = time.monotonic()
    click.echo(f"Writing the {size} corridor of seed {seed} to {out} …", err=True)
    made = corridor.generate(seed, corridor.Size(size), as_of.date())
    try:
        written = corridor.export(made, out)
    except OSError as failed:
        raise click.FileError(str(out), hint=failed.strerror) from failed
    result = {
        "seed": seed,
        "size": size,
        "as_of": as_of.date().isoformat(),
        "out": str(out),
        **asdict(made.counts),
        **asdict(written),
        "seconds": round(time.monotonic() - started, 2),
    }
    if as_json:
        json.dump(result, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        for name, value in result.items():
            click.echo(f"{name:>13}  {value}")


@cli.command()
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=5, show_default=True, help="The same seed, the same economy.")
@click.option("--lift", type=click.IntRange(0, 1000), default=35, show_default=True, help="By how many per cent the subsidy lifts what is drawn.")
@click.option("--slow", type=click.IntRange(100, 10_000), default=250, show_default=True, help="Per cent of its usual time that the slow bank takes.")
@click.option("--no-effects", is_flag=True, help="The same economy with nothing planted.")
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), required=True, help="The file to write.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def economy(seed: int, lift: int, slow: int, no_effects: bool, out: Path, as_json: bool) -> None:
    """Write twelve quarters of an economy with known effects as JSON lines, and print its SHA-256."""
    from simulator import economy as economies

    started = time.monotonic()
    made = economies.generate(seed, economies.NOTHING if no_effects else economies.Planted(lift=lift, slow=slow))
    try:
        written = economies.export(made, out)
    except OSError as failed:
        raise click.FileError(str(out), hint=failed.strerror) from failed
    result = {
        "seed": seed, "out": str(out), **asdict(made.planted), "institutions": len(made.institutions), "loans": len(made.loans.amount),
        "demands": len(made.demands.hours), **asdict(written), "seconds": round(time.monotonic() - started, 2),
    }  # fmt: skip
    if as_json:
        json.dump(result, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        for name, value in result.items():
            click.echo(f"{name:>13}  {value}")
