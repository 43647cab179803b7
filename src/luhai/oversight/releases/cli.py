"""luhai releases: compute and publish the figures of a month, show the calendar, and count every released cell again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import click
from django.utils import timezone
from rich.console import Console

from luhai.core.parties import queries as parties
from luhai.kernel.origin import SYSTEM, Actor, Origin
from luhai.kernel.refusal import Absent
from luhai.oversight.statistics import commands as statistics
from luhai.shell import journal, terminal

from . import commands, queries
from .lifecycle import Kind, State

as_option = click.option("--as", "email", help="Act as the person with this address. 以此人身份。")
MONTH = click.option("--month", required=True, help="Such as 2026-03.")
DAY = click.option("--day", type=click.DateTime(["%Y-%m-%d"]), default=None, help="When it is due. Left out: as the rules say.")


@click.group(name="releases", help="Releases of statistics: calendar, computing, publishing, recount. 统计数据发布。")
def cli() -> None: ...


def _actor(email: str | None) -> Actor:
    if email is None:
        return SYSTEM
    person = parties.person_by_email(email)
    memberships = parties.memberships_of(person.pk) if person else []
    if not memberships:
        raise click.BadParameter(f"nobody with the address {email} acts for anyone", param_hint="--as")
    return memberships[0].actor


def _origin(actor: Actor, at: datetime, what: str) -> Origin:
    return Origin(actor, uuid5(NAMESPACE_URL, f"luhai:releases:{what}:{at.isoformat()}"), at)


def _newest(month: str, *states: str) -> UUID | None:
    return next((r.id for r in queries.releases(month=month, viewer=SYSTEM) if r.state in states), None)


@cli.command(help="Read the journal on, and compute the release of a month; plan it first if nobody did. 计算月度数据。")
@MONTH
@click.option("--engine", type=click.Choice(commands.ENGINES), default="duckdb", show_default=True)
@as_option
@terminal.json_option
def run(month: str, engine: str, email: str | None, as_json: bool) -> None:
    actor, now = _actor(email), timezone.now()
    journal.seal(at=now)
    statistics.gather_all(now)
    statistics.export_all(now)
    made = _newest(month, State.PLANNED)
    if made is None:
        out = _newest(month, State.PUBLISHED, State.SUPERSEDED) is not None
        made = commands.plan_release(month=month, kind=Kind.FINAL if out else Kind.PROVISIONAL, origin=_origin(actor, now, f"plan:{month}"))
    done = commands.compute_release(release_id=made, engine=engine, origin=_origin(actor, now, f"compute:{made}"))
    terminal.emit({"release": made, "month": month, "engine": engine} | done, as_json=as_json)


@cli.command(help="Plan a release of a month. 列入发布日历。")
@MONTH
@click.option("--kind", type=click.Choice([Kind.PROVISIONAL.value, Kind.FINAL.value]), default=Kind.PROVISIONAL.value, show_default=True)
@DAY
@as_option
@terminal.json_option
def plan(month: str, kind: str, day: datetime | None, email: str | None, as_json: bool) -> None:
    actor, now = _actor(email), timezone.now()
    made = commands.plan_release(month=month, kind=kind, day=_day(day), origin=_origin(actor, now, f"plan:{month}"))
    terminal.emit({"release": made}, as_json=as_json)


@cli.command(help="Which figures are due when, and which are out. 发布日历。")
@terminal.json_option
def calendar(as_json: bool) -> None:
    found = queries.calendar(viewer=SYSTEM)

    def table(out: Console) -> None:
        head = ["发布日 due", "月份 month", "种类 kind", "版本 vintage", "状态 state", "数据 cells", "不予公布 withheld", "位置 position"]
        body: list[list[Any]] = [
            [d.due, d.month, d.kind, *([r.vintage, r.state, r.cells, r.withheld, r.position or ""] if (r := d.release) else ["", "expected", "", "", ""])]
            for d in found
        ]  # fmt: skip
        out.print(terminal.rows("发布日历 release calendar", head, body))

    terminal.emit({"items": found}, as_json=as_json, table=table)


@cli.command(help="Show the computed release of a month to everybody; by another person than who computed it. 公布。")
@MONTH
@as_option
@terminal.json_option
def publish(month: str, email: str | None, as_json: bool) -> None:
    actor, now = _actor(email), timezone.now()
    made = _newest(month, State.COMPUTED, State.PLANNED)
    if made is None:
        raise Absent(kind="release")
    commands.publish_release(release_id=made, origin=_origin(actor, now, f"publish:{made}"))
    terminal.emit({"release": made, "month": month}, as_json=as_json)


@cli.command(help="Plan a new vintage of a month that is out, with its reason. 修订。")
@MONTH
@click.option("--reason", required=True, help="Why the figures change.")
@click.option("--changed", required=True, help="What changes, in words that are published with it.")
@DAY
@as_option
@terminal.json_option
def revise(month: str, reason: str, changed: str, day: datetime | None, email: str | None, as_json: bool) -> None:
    actor, now = _actor(email), timezone.now()
    made = commands.revise_release(month=month, reason=reason, changed=changed, day=_day(day), origin=_origin(actor, now, f"revise:{month}"))
    terminal.emit({"release": made}, as_json=as_json)


@cli.command(help="Take a release that was never shown out of the calendar. 作废未公布的数据。")
@MONTH
@click.option("--reason", required=True)
@as_option
@terminal.json_option
def discard(month: str, reason: str, email: str | None, as_json: bool) -> None:
    actor, now = _actor(email), timezone.now()
    made = _newest(month, State.COMPUTED, State.PLANNED)
    if made is None:
        raise Absent(kind="release")
    commands.discard_release(release_id=made, reason=reason, origin=_origin(actor, now, f"discard:{made}"))
    terminal.emit({"release": made}, as_json=as_json)


@cli.command(help="Count every cell of every release again from the journal; exit 1 if one differs. 由日志重新计数。")
@click.option("--all", "every", is_flag=True, help="Every release. The only choice so far, and what happens anyway.")
@terminal.json_option
def recount(every: bool, as_json: bool) -> None:
    found = queries.recount_all(viewer=SYSTEM)
    terminal.emit(found, as_json=as_json)
    if found["different"]:
        raise SystemExit(1)


def _day(day: datetime | None) -> date | None:
    return day.date() if day else None
