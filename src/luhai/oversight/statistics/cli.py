"""luhai statistics: gather facts from the journal, show figures, and count everything again."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import click
from django.utils import timezone
from rich.console import Console

from luhai.kernel.money import Currency, Money
from luhai.kernel.origin import SYSTEM, Origin
from luhai.shell import journal, terminal

from . import acts_queries, commands, queries
from .indicators import INDICATORS, TOTAL, Indicator


@click.group(name="statistics", help="Figures from the journal, and counting them again. 统计。")
def cli() -> None: ...


@cli.command(help="Seal the journal and read it on, to its end or to a position. 汇集事实。")
@click.option("--upto", type=click.IntRange(0), default=None, help="Read to this position only.")
@terminal.json_option
def run(upto: int | None, as_json: bool) -> None:
    now = timezone.now()
    journal.seal(at=now)
    terminal.emit(commands.gather_all(now, upto=upto), as_json=as_json)


@cli.command(help="The figures of an indicator by month, territory and currency. 显示指标。")
@click.argument("indicator", type=click.Choice([*INDICATORS]))
@click.option("--from", "month_from", default="", help="First month, as 2026-03. Left out: eleven before the last.")
@click.option("--to", "month_to", default="", help="Last month. Left out: the last that has a fact.")
@click.option("--territory", default="", help="A code of the corridor; _T the totals; _Z outside the corridor.")
@click.option("--currency", default="", help="Such as CNY.")
@terminal.json_option
def show(indicator: str, month_from: str, month_to: str, territory: str, currency: str, as_json: bool) -> None:
    found = queries.figures(
        indicator=indicator, month_from=month_from, month_to=month_to, territory=territory, currency=currency, viewer=SYSTEM
    )  # fmt: skip

    def table(out: Console) -> None:
        what = found.indicator
        head = ["月份 month", "地区 territory", "币种", "数值 value", "事实数 facts", "企业数 companies", "位置 positions"]
        body = [
            [
                c.month, f"{c.name_zh} {c.name_en}" if c.territory != TOTAL else f"= {c.name_zh} {c.name_en}", c.currency,
                _said(c.value or 0, c.currency, what), c.count, c.contributors, f"{c.first}–{c.last}",
            ]
            for c in found.cells
        ]  # fmt: skip
        out.print(terminal.rows(f"{what.zh} {what.en} · {what.formula_en}", head, body))
        out.print(f"日志位置 journal position {found.position}")

    terminal.emit({"figures": found}, as_json=as_json, table=table)


def _said(value: int, currency: str, what: Indicator) -> str:
    return f"{Decimal(value).scaleb(-what.decimals)} %" if what.quotient else f"{Money(value, Currency(currency)).major:,}"


@cli.command(help="Write facts to files, to the end or to a position. 导出事实文件。")
@click.option("--upto", type=click.IntRange(0), default=None, help="Write to this position only.")
@terminal.json_option
def export(upto: int | None, as_json: bool) -> None:
    terminal.emit(commands.export_all(timezone.now(), upto=upto), as_json=as_json)


@cli.command(help="The files of facts that count. 事实文件清单。")
@terminal.json_option
def files(as_json: bool) -> None:
    found = queries.manifest(viewer=SYSTEM)

    def table(out: Console) -> None:
        head = ["日期 day", "文件 file", "位置 positions", "事实数 facts", "摘要 digest"]
        body = [[x.day, x.path, f"{x.first}–{x.last}", x.rows, x.digest[:12]] for x in found.items]
        out.print(terminal.rows(f"{found.rows} 条事实 facts · 位置 position {found.position}", head, body))

    terminal.emit({"position": found.position, "rows": found.rows, "items": found.items}, as_json=as_json, table=table)


@cli.command(name="verify-files", help="Look at every file of facts by its digest; exit 1 if one is missing or changed. 核对文件。")
@terminal.json_option
def verify_files(as_json: bool) -> None:
    found = queries.damaged()
    terminal.emit({"files": len(queries.manifest(viewer=SYSTEM).items), "damaged": found}, as_json=as_json)
    if found:
        raise SystemExit(1)


@cli.command(name="rebuild-files", help="Write files that are missing or changed again, from the facts. 重建文件。")
@click.option("--all", "every", is_flag=True, help="Every file.")
@terminal.json_option
def rebuild_files(every: bool, as_json: bool) -> None:
    terminal.emit(commands.rebuild(every=every, origin=Origin(SYSTEM, uuid4(), timezone.now())), as_json=as_json)


@cli.command(help="Count every cell again from the journal alone; exit 1 if one differs. 由日志重新计数。")
@click.option("--all", "every", is_flag=True, help="Also the cells of all dimensions, from the files of facts. 含各维度。")
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True, help="Which counts those.")
@terminal.json_option
def recount(every: bool, engine: str, as_json: bool) -> None:
    found = queries.recount(viewer=SYSTEM)
    cubes = queries.recount_cubes(engine=engine, viewer=SYSTEM) if every else None
    acts = acts_queries.acts_that_differ(viewer=SYSTEM)
    terminal.emit(
        {
            "cells": found.cells + (cubes.cells if cubes else 0), "different": (*found.different, *(cubes.different if cubes else ())),
            "acts": acts, "rows": found.rows, "broken": found.broken, "position": found.position, "facts": found.facts, "unread": found.unread,
            **({"exported": cubes.position, "damaged": cubes.damaged} if cubes else {}),
        },
        as_json=as_json,
    )  # fmt: skip
    if not found.good or acts or (cubes and not cubes.good):
        raise SystemExit(1)
