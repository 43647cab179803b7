"""luhai lending: credit lines and loans on the command line, and the close of business.

`--as EMAIL` chooses who looks: the first membership of the person with that address. Without it, the system does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import click
from django.utils import timezone
from rich.console import Console

from luhai.core.parties import queries as parties
from luhai.core.rules.business_days import calendar
from luhai.kernel.money import Currency, Money
from luhai.kernel.origin import SYSTEM, Actor
from luhai.shell import terminal

from . import commands, queries
from .lifecycle import DrawState, LineState


@click.group(name="lending", help="Credit lines, draws, repayment, the close of business. 授信与贷款。")
def cli() -> None: ...


as_option = click.option("--as", "email", help="Look as the person with this address. 以此人身份。")


def _viewer(email: str | None) -> Actor:
    if email is None:
        return SYSTEM
    person = parties.person_by_email(email)
    memberships = parties.memberships_of(person.pk) if person else []
    if not memberships:
        raise click.BadParameter(f"nobody with the address {email} acts for anyone", param_hint="--as")
    return memberships[0].actor


@cli.command(help="Credit lines that one may see, last acted on first.")
@click.option("--state", type=click.Choice([s.value for s in LineState]), default=None)
@click.option("--cursor", default="", help="`next` of the page before.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@as_option
@terminal.json_option
def lines(state: str | None, cursor: str, limit: int, email: str | None, as_json: bool) -> None:
    page = queries.lines(state=state or "", cursor=cursor, limit=limit, viewer=_viewer(email))

    def table(out: Console) -> None:
        head = [
            "编号 number",
            "状态 state",
            "企业 company",
            "银行 bank",
            "币种",
            "额度 limit",
            "到期 ends",
            "id",
        ]
        rows = [
            [
                x.number,
                x.state,
                x.company.zh,
                x.bank.zh,
                x.currency,
                _money(x.amount, x.currency),
                x.ends_on,
                x.id,
            ]
            for x in page.items
        ]
        out.print(terminal.rows(f"{len(page.items)}", head, rows))

    terminal.emit({"items": page.items, "next": page.next}, as_json=as_json, table=table)


@cli.command(help="One credit line: its limits and how far each is used.")
@click.argument("line_id", type=click.UUID)
@as_option
@terminal.json_option
def line(line_id: UUID, email: str | None, as_json: bool) -> None:
    found = queries.line(line_id=line_id, viewer=_viewer(email))

    def table(out: Console) -> None:
        head = ["额度 limit", "上级 below", "金额 amount", "占用 held", "已用 used", "可用 available"]
        rows = [
            [
                x.name,
                x.parent or "",
                _money(x.amount, found.contract["currency"]),
                _money(x.held, found.contract["currency"]),
                _money(x.used, found.contract["currency"]),
                _money(x.available, found.contract["currency"]),
            ]
            for x in found.limits
        ]
        out.print(terminal.rows(f"{found.number} {found.state} {found.size} {found.industry}".rstrip(), head, rows))

    terminal.emit({"line": found}, as_json=as_json, table=table)


@cli.command(help="Loans that one may see, last acted on first.")
@click.option("--line", "line_id", type=click.UUID, default=None)
@click.option("--state", type=click.Choice([s.value for s in DrawState]), default=None)
@click.option("--cursor", default="", help="`next` of the page before.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@as_option
@terminal.json_option
def loans(
    line_id: UUID | None, state: str | None, cursor: str, limit: int, email: str | None, as_json: bool
) -> None:
    page = queries.loans(
        line_id=line_id, state=state or "", cursor=cursor, limit=limit, viewer=_viewer(email)
    )

    def table(out: Console) -> None:
        head = [
            "状态 state",
            "企业 company",
            "币种",
            "金额 amount",
            "本金余额 owed",
            "到期 ends",
            "逾期天数",
            "id",
        ]
        rows: list[list[Any]] = [
            [
                x.state, x.company.zh, x.currency, _money(x.amount, x.currency), _money(x.principal, x.currency), x.ends_on or "",
                x.overdue_days or "", x.id,
            ]
            for x in page.items
        ]  # fmt: skip
        out.print(terminal.rows(f"{len(page.items)}", head, rows))

    terminal.emit({"items": page.items, "next": page.next}, as_json=as_json, table=table)


@cli.command(help="One loan: what is owed, and its instalments.")
@click.argument("draw_id", type=click.UUID)
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), default=None, help="As of this day.")
@as_option
@terminal.json_option
def loan(draw_id: UUID, on: datetime | None, email: str | None, as_json: bool) -> None:
    found = queries.loan(draw_id=draw_id, on=on.date() if on else None, viewer=_viewer(email))

    def table(out: Console) -> None:
        owed = {
            "本金 principal": found.owed.principal, "利息 interest": found.owed.interest,
            "罚息 penalty": found.owed.penalty, "费用 fees": found.owed.fees,
        }  # fmt: skip
        lines: list[list[Any]] = [[name, _money(amount, found.currency)] for name, amount in owed.items()]
        out.print(terminal.rows(f"{found.state} {found.currency}", ["", ""], lines))
        head = ["", "到期 due", "本金 principal", "利息 interest", "未付 open", "还清 paid on"]
        rows = [
            [
                x.n,
                x.due,
                _money(x.principal, found.currency),
                _money(x.interest, found.currency),
                _money(x.open, found.currency),
                x.paid_on or "",
            ]
            for x in found.instalments
        ]
        out.print(terminal.rows("还款计划 instalments", head, rows))

    terminal.emit({"loan": found}, as_json=as_json, table=table)


@cli.command(
    help="Close a business day for every loan: interest, overdue, new rates. Again: nothing changes."
)
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), default=None, help="Today in China, if left out.")
@terminal.json_option
def close(day: datetime | None, as_json: bool) -> None:
    now = timezone.now()
    wanted = day.date() if day else calendar().local_date(now)
    counts = commands.close_business(wanted, now)
    terminal.emit({"day": wanted, **counts}, as_json=as_json)
    if counts["refused"]:
        raise SystemExit(1)


def _money(minor: int, currency: str) -> str:
    return f"{Money(minor, Currency(currency)).major:,}"
