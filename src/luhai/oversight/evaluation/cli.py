"""luhai evaluation: plan a cycle and take it on, show and export results, print the report, and count everything again."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import click
from django.utils import timezone
from rich.console import Console

from luhai.kernel.origin import SYSTEM, Origin
from luhai.shell import terminal

from . import commands, queries, study_commands, systems
from .judge_cli import judge


@click.group(name="evaluation", help="Cycles of evaluation, their results and reports. 评估。")
def cli() -> None: ...


def _by() -> Origin:
    return Origin(SYSTEM, uuid4(), timezone.now())


@cli.command(help="Plan a cycle: a system, a quarter that is over, and the seed of the draws. 制定评估计划。")
@click.argument("system")
@click.argument("period")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=20260101, show_default=True)
@terminal.json_option
def plan(system: str, period: str, seed: int, as_json: bool) -> None:
    if system not in systems.shipped():
        raise click.BadParameter(f"one of {', '.join(systems.shipped())}", param_hint="SYSTEM")
    terminal.emit({"cycle": commands.plan(cycle_id=uuid4(), system=system, period=period, seed=seed, origin=_by())}, as_json=as_json)


@cli.command(help="Open a cycle for reports, and count what can be counted. 采集数据。")
@click.argument("cycle", type=click.UUID)
@terminal.json_option
def collect(cycle: UUID, as_json: bool) -> None:
    terminal.emit(commands.collect(cycle_id=cycle, origin=_by()), as_json=as_json)


@cli.command(help="Freeze the inputs of a cycle. 冻结输入。")
@click.argument("cycle", type=click.UUID)
@terminal.json_option
def validate(cycle: UUID, as_json: bool) -> None:
    terminal.emit(commands.validate(cycle_id=cycle, origin=_by()), as_json=as_json)


@cli.command(help="Score the frozen inputs. 评分。")
@click.argument("cycle", type=click.UUID)
@terminal.json_option
def score(cycle: UUID, as_json: bool) -> None:
    terminal.emit(commands.score(cycle_id=cycle, origin=_by()), as_json=as_json)


@cli.command(help="Tell each unit its own draft. 向各单位反馈初稿。")
@click.argument("cycle", type=click.UUID)
@terminal.json_option
def publish(cycle: UUID, as_json: bool) -> None:
    terminal.emit(commands.publish(cycle_id=cycle, origin=_by()), as_json=as_json)


@cli.command(name="object", help="List the objections of a cycle; units raise them on their pages or by the API. 查看异议。")
@click.argument("cycle", type=click.UUID)
@terminal.json_option
def object_(cycle: UUID, as_json: bool) -> None:
    found = queries.objections(cycle_id=cycle, viewer=SYSTEM)

    def table(out: Console) -> None:
        body = [[o.name_zh, o.indicator, o.used if o.used is not None else "—", o.claimed, o.state.value, o.decision] for o in found]
        out.print(terminal.rows("异议 objections", ["单位 unit", "指标", "采用 used", "主张 claimed", "状态 state", "决定 decision"], body))

    terminal.emit({"objections": found}, as_json=as_json, table=table)


@cli.command(help="Make the result final, once objections are decided and their period is over. 定稿。")
@click.argument("cycle", type=click.UUID)
@terminal.json_option
def finalise(cycle: UUID, as_json: bool) -> None:
    terminal.emit(commands.finalise(cycle_id=cycle, origin=_by()), as_json=as_json)


@cli.command(help="All cycles, or the results of one. 显示评估。")
@click.argument("cycle", type=click.UUID, required=False)
@terminal.json_option
def show(cycle: UUID | None, as_json: bool) -> None:
    if cycle is None:
        found = queries.cycles(viewer=SYSTEM)

        def every(out: Console) -> None:
            body = [[str(c.id), c.system, c.period, c.state.value, c.run, c.units] for c in found]
            out.print(terminal.rows("评估周期 cycles", ["id", "体系 system", "期间 period", "状态 state", "轮次 run", "单位 units"], body))

        terminal.emit({"cycles": found}, as_json=as_json, table=every)
        return
    view = queries.cycle(cycle_id=cycle, viewer=SYSTEM)

    def one(out: Console) -> None:
        body = [
            [u.rank or "—", f"{u.name_zh} {u.name_en}", u.total if u.total is not None else "—", f"{u.low} – {u.high}", u.grade_zh or ", ".join(u.reasons)]
            for u in view.units
        ]
        title = f"{view.line.title_zh} {view.line.period} · {view.line.state.value}"
        out.print(terminal.rows(title, ["排名 rank", "单位 unit", "总分 total", "区间 interval", "档次 grade"], body))

    terminal.emit({"cycle": view}, as_json=as_json, table=one)


@cli.command(help="The rows of the final run for the assessments, as CSV or JSON. 导出评估结果。")
@click.argument("cycle", type=click.UUID)
@click.option("--feed", type=click.Choice(["", "credit", "FX"]), default="", help="Only rows for this assessment.")
@click.option("--csv", "as_csv_", is_flag=True, help="Print CSV.")
@terminal.json_option
def export(cycle: UUID, feed: str, as_csv_: bool, as_json: bool) -> None:
    found = queries.export_rows(cycle_id=cycle, feed=feed, viewer=SYSTEM)
    if as_csv_:
        from .web_reports import as_csv

        click.echo(as_csv(found), nl=False)
        return
    terminal.emit({"export": found}, as_json=as_json, table=lambda out: out.print(f"{found.notice_zh}\n{found.notice_en}\n{len(found.rows)} rows"))


@cli.command(help="Write the report on a cycle as a PDF. 生成评估报告。")
@click.argument("cycle", type=click.UUID)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@terminal.json_option
def report(cycle: UUID, file: Path, language: str, as_json: bool) -> None:
    from . import report_pdf
    from .report import gathered

    body = report_pdf.draw(gathered(cycle, SYSTEM), language)
    try:
        file.write_bytes(body)
    except OSError as fault:
        raise click.UsageError(f"{file}: {fault.strerror}") from None
    terminal.emit({"file": str(file), "bytes": len(body)}, as_json=as_json)


@cli.command(help="Estimate what a measure did across territories. 估计措施效果。")
@click.argument("measure")
@click.argument("outcome", type=click.Choice([*study_commands.OUTCOMES]))
@click.argument("quarter_from")
@click.argument("quarter_to")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=20260101, show_default=True)
@terminal.json_option
def effect(measure: str, outcome: str, quarter_from: str, quarter_to: str, seed: int, as_json: bool) -> None:
    key = study_commands.run_study(
        study_id=uuid4(), measure=measure, outcome=outcome, quarter_from=quarter_from, quarter_to=quarter_to, seed=seed, origin=_by()
    )
    found = queries.study(study_id=key, viewer=SYSTEM)
    told: dict[str, Any] = {k: found.result[k] for k in ("effect", "low", "high", "p", "p_least", "clusters", "treated", "never", "placebos")}
    terminal.emit({"study": key, **told}, as_json=as_json)


@cli.command(help="Compute every digest, score and effect again; exit 1 if one differs. 复核全部评估。")
@terminal.json_option
def verify(as_json: bool) -> None:
    found = queries.verify(viewer=SYSTEM)
    terminal.emit({"runs": found.runs, "cards": found.cards, "studies": found.studies, "different": found.different}, as_json=as_json)
    if not found.good:
        raise SystemExit(1)


cli.add_command(judge)
