"""luhai bench: every speed claim beside named peers, on the same input, in one run."""

from __future__ import annotations

import os
from pathlib import Path

import click

from luhai.shell.terminal import emit, json_option, note

_ROOT = Path(__file__).resolve().parents[1]


@click.group()
def cli() -> None:
    """Measure against named peers. 基准测试。"""


@cli.command()
@click.option(
    "--size",
    "companies",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(1, 4_000_000),
    help="Companies.",
)
@click.option(
    "--products", default=2_000, show_default=True, type=click.IntRange(1, 20_000), help="Products."
)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 99), help="Rounds that count.")
@click.option(
    "--threads", default=2, show_default=True, type=click.IntRange(1, 64), help="Threads Luhai may take."
)
@json_option
def matching(companies: int, products: int, rounds: int, threads: int, as_json: bool) -> None:
    """Companies against products' criteria, three-valued. 企业与产品条件匹配。"""
    from .matching.run import environment, run

    folder = Path(os.environ.get("LUHAI_STATE") or _ROOT / ".luhai") / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    python = environment(folder, _ROOT / "requirements" / "bench.txt", note)
    result = run(
        folder, python, companies=companies, products=products, rounds=rounds, threads=threads, say=note
    )
    emit(result, as_json=as_json)


@cli.command()
@click.option(
    "--size",
    default=200_000,
    show_default=True,
    type=click.IntRange(10_000, 10_000_000),
    help="Transfers of the headline cell, for each side.",
)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 99), help="Rounds, in turns.")
@json_option
def ledger(size: int, rounds: int, as_json: bool) -> None:
    """Transfers a second, in batches and one by one, with full durability. 记账。"""
    from .ledger.run import run
    from .matching.run import environment

    folder = Path(os.environ.get("LUHAI_STATE") or _ROOT / ".luhai") / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    python = environment(folder, _ROOT / "requirements" / "bench.txt", note)
    emit(run(python, size=size, rounds=rounds, say=note), as_json=as_json)


@cli.command()
@click.option(
    "--size", default=400, show_default=True, type=click.IntRange(8, 100_000), help="Titles, each moved once a round."
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 99), help="Rounds, in turns.")
@click.option(
    "--events", default=50_000, show_default=True, type=click.IntRange(10, 10_000_000), help="Events of the chain verified."
)
@json_option
def titles(size: int, rounds: int, events: int, as_json: bool) -> None:
    """Transfers of control, and events of exported chains verified, a second. 权利单证。"""
    from .titles.run import run

    folder = Path(os.environ.get("LUHAI_STATE") or _ROOT / ".luhai") / "bench" / "node"
    emit(run(folder, size=size, rounds=rounds, events=events, say=note), as_json=as_json)


@cli.command()
@click.option(
    "--size", default=16, show_default=True, type=click.IntRange(4, 10_000), help="Shipments a round, by four workers."
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 99), help="Rounds, in turns.")
@json_option
def lane(size: int, rounds: int, as_json: bool) -> None:
    """Complete shipments a second, from document to delivery. 通道单据融资全程。"""
    from .lane.run import run

    emit(run(size=size, rounds=rounds, say=note), as_json=as_json)


@cli.command("statistics")
@click.option(
    "--size", default=50_000_000, show_default=True, type=click.IntRange(10_000, 500_000_000), help="Facts."
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 99), help="Rounds, in turns.")
@click.option(
    "--pandas/--no-pandas", default=True, show_default=True, help="The peer, which needs most of the memory."
)
@click.option(
    "--spark/--no-spark", default=False, show_default=True, help="Run Spark once on the same expressions."
)
@json_option
def statistics_(size: int, rounds: int, pandas: bool, spark: bool, as_json: bool) -> None:
    """The standard monthly release over many facts in Parquet. 月度统计发布。"""
    from .statistics.run import run

    folder = Path(os.environ.get("LUHAI_STATE") or _ROOT / ".luhai") / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    emit(run(folder, size=size, rounds=rounds, pandas=pandas, spark=spark, say=note), as_json=as_json)
