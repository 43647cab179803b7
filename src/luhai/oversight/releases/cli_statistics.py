"""luhai statistics, whole: what counting offers, and with it what releases add: a month's release in one go, and the recount of all of them."""

from __future__ import annotations

from typing import Any

import click

from luhai.kernel.origin import SYSTEM
from luhai.oversight.statistics import acts_queries as acts
from luhai.oversight.statistics import queries as statistics
from luhai.oversight.statistics.cli import cli as counting
from luhai.oversight.statistics.cli import recount as recount_live
from luhai.oversight.statistics.cli import run as gather
from luhai.shell import terminal

from . import commands, queries
from .cli import run as release


@click.group(name="statistics", help="Figures from the journal, their releases, and counting them again. 统计。")
def cli() -> None: ...


for _name, _command in counting.commands.items():
    cli.add_command(_command, _name)


@cli.command(help="Seal the journal and read it on; with --month, compute that month's release, too. 汇集事实，计算月度数据。")
@click.option("--upto", type=click.IntRange(0), default=None, help="Read to this position only.")
@click.option("--month", default=None, help="Such as 2026-03. Left out: facts are gathered and exported, and nothing is released.")
@click.option("--engine", type=click.Choice(commands.ENGINES), default="duckdb", show_default=True, help="Which counts the release.")
@click.option("--as", "email", default=None, help="Act as the person with this address. 以此人身份。")
@terminal.json_option
@click.pass_context
def run(context: click.Context, upto: int | None, month: str | None, engine: str, email: str | None, as_json: bool) -> None:
    if month is None:
        context.invoke(gather, upto=upto, as_json=as_json)
    elif upto is not None:
        raise click.UsageError("A release is of all that is sealed: --month and --upto do not go together.")
    else:
        context.invoke(release, month=month, engine=engine, email=email, as_json=as_json)


@cli.command(help="Count every cell again from the journal alone; exit 1 if one differs. 由日志重新计数。")
@click.option("--all", "every", is_flag=True, help="Also the cells of all dimensions, and those of every release. 含各维度与各次发布。")
@click.option("--engine", type=click.Choice(commands.ENGINES), default="duckdb", show_default=True, help="Which counts those of all dimensions.")
@terminal.json_option
@click.pass_context
def recount(context: click.Context, every: bool, engine: str, as_json: bool) -> None:
    if not every:
        context.invoke(recount_live, every=False, engine=engine, as_json=as_json)
        return
    live, cubes, released = statistics.recount(viewer=SYSTEM), statistics.recount_cubes(engine=engine, viewer=SYSTEM), queries.recount_all(viewer=SYSTEM)
    done = acts.acts_that_differ(viewer=SYSTEM)
    different: list[Any] = [*live.different, *cubes.different, *released["different"]]
    terminal.emit(
        {
            "cells": live.cells + cubes.cells + released["cells"], "different": different,
            "of": {"live": live.cells, "dimensions": cubes.cells, "releases": released["cells"]}, "releases": released["releases"],
            "acts": done, "rows": live.rows, "broken": live.broken, "damaged": cubes.damaged, "position": live.position,
            "exported": cubes.position, "facts": live.facts, "unread": live.unread, "engine": engine,
        },
        as_json=as_json,
    )  # fmt: skip
    if different or done or not live.good or not cubes.good:
        raise SystemExit(1)
