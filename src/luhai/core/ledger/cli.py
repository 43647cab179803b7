"""luhai ledger: accounts and statements, a recount, and the torture that the ledger must survive."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import click
from django.utils.translation import gettext
from rich.console import Console

from luhai.kernel.origin import SYSTEM
from luhai.shell import terminal

from . import policy, queries


@click.group(name="ledger", help="Bounded accounts and their transfers. 有界账户与记账。")
def cli() -> None: ...


@cli.command(help="Accounts with their balances, by id.")
@click.option("--kind", default="", help="A kind, or the beginning of one (evidence.).")
@click.option("--unit", default="", help="A currency or another unit.")
@click.option("--owner", type=click.UUID, default=None)
@click.option("--cursor", default="", help="`next` of the page before.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@terminal.json_option
def accounts(kind: str, unit: str, owner: UUID | None, cursor: str, limit: int, as_json: bool) -> None:
    page = queries.accounts(kind=kind, unit=unit, owner_id=owner, cursor=cursor, limit=limit, viewer=SYSTEM)

    def table(out: Console) -> None:
        head = [
            "id",
            "用途 kind",
            "所有人 owner",
            "单位 unit",
            "借 debits",
            "贷 credits",
            "可用 available",
            "",
        ]
        out.print(terminal.rows(f"{len(page.items)}", head, [_line(a) for a in page.items]))

    terminal.emit({"items": page.items, "next": page.next}, as_json=as_json, table=table)


@cli.command(help="What moved on an account, with the balance after each line.")
@click.argument("account_id", type=click.UUID)
@click.option("--since", type=click.DateTime(), default=None, help="From this moment on (UTC).")
@click.option("--until", type=click.DateTime(), default=None, help="Before this moment (UTC).")
@click.option("--cursor", default="", help="`next` of the page before.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@terminal.json_option
def statement(
    account_id: UUID,
    since: datetime | None,
    until: datetime | None,
    cursor: str,
    limit: int,
    as_json: bool,
) -> None:
    found = queries.statement(
        account_id=account_id, since=_utc(since), until=_utc(until), cursor=cursor, limit=limit, viewer=SYSTEM
    )

    def table(out: Console) -> None:
        head = ["时间 at", "类别 kind", "用途 code", "借 debit", "贷 credit", "余额 balance", "冻结 pending"]
        title = f"{_named(found.account.kind, policy.KIND_NAMES)} {found.account.unit} · 期初 opening {found.opening}"
        lines = [
            [
                e.at.isoformat(" ", "seconds"),
                e.kind,
                _named(e.code, policy.CODE_NAMES),
                e.debit,
                e.credit,
                e.balance,
                e.pending,
            ]
            for e in found.entries
        ]
        out.print(terminal.rows(title, head, lines))

    terminal.emit({"statement": found}, as_json=as_json, table=table)


@cli.command(help="Recount every balance, bound and hold from the transfers; exit 1 if anything differs.")
@terminal.json_option
def recount(as_json: bool) -> None:
    found = queries.recount(viewer=SYSTEM)
    wrong = found.differing + found.beyond_bound + found.units_unbalanced + found.holds_differing
    terminal.emit(
        {
            "accounts": found.accounts, "transfers": found.transfers, "differing": found.differing,
            "beyond_bound": found.beyond_bound, "units_unbalanced": found.units_unbalanced,
            "holds_differing": found.holds_differing, "agrees": wrong == 0,
        },
        as_json=as_json,
    )  # fmt: skip
    if wrong:
        raise SystemExit(1)


@cli.command(
    help="Kill clients, worker and server under load, on a cluster of its own; count what was lost or doubled."
)
@click.option("--seconds", type=click.IntRange(5, 86_400), default=60, show_default=True)
@click.option("--seed", type=int, default=None, help="Repeat a run's choices.")
@terminal.json_option
def torture(seconds: int, seed: int | None, as_json: bool) -> None:
    from .torture import run

    result: dict[str, Any] = run(seconds, seed, terminal.note)
    terminal.emit(result, as_json=as_json)
    if result["lost"] or result["doubled"] or result["bounds_broken"]:
        raise SystemExit(1)


def _line(a: queries.AccountView) -> list[object]:
    b = a.balance
    debits = f"{b.debits_posted}" + (f" +{b.debits_pending}" if b.debits_pending else "")
    credits = f"{b.credits_posted}" + (f" +{b.credits_pending}" if b.credits_pending else "")
    left = "" if b.available is None else b.available
    return [
        a.id,
        _named(a.kind, policy.KIND_NAMES),
        a.owner_zh or a.owner_en,
        a.unit,
        debits,
        credits,
        left,
        "" if a.state == "open" else a.state,
    ]


def _named(code: str, names: dict[str, str]) -> str:
    """A code, which options take, with its name where it has one."""
    return f"{code} {gettext(names[code])}" if code in names else code


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
