"""luhai escrow: escrows on the command line; what they wait for, and how they end.

`--as EMAIL` chooses who looks or acts: the first membership of the person with that address. Without it, the system does.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import click
from django.utils import timezone
from rich.console import Console

from luhai.core.parties import queries as parties
from luhai.kernel.origin import SYSTEM, Actor, Origin
from luhai.kernel.refusal import Refusal
from luhai.shell import terminal

from . import commands, queries
from .lifecycle import State


@click.group(
    name="escrow", help="Value and titles held until conditions are met, then moved together. 条件托管。"
)
def cli() -> None: ...


as_option = click.option("--as", "email", help="Look or act as the person with this address. 以此人身份。")
key_option = click.option("--key", type=click.UUID, help="Idempotency key; a new one if left out.")


def _actor(email: str | None) -> Actor:
    if email is None:
        return SYSTEM
    person = parties.person_by_email(email)
    memberships = parties.memberships_of(person.pk) if person else []
    if not memberships:
        raise click.BadParameter(f"nobody with the address {email} acts for anyone", param_hint="--as")
    return memberships[0].actor


@cli.command(name="list", help="Escrows that one may see, last acted on first.")
@click.option("--state", type=click.Choice([s.value for s in State]), default=None)
@click.option("--live/--ended", default=None, help="Only those that have not ended, or that have.")
@click.option("--cursor", default="", help="`next` of the page before.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@as_option
@terminal.json_option
def list_(
    state: str | None, live: bool | None, cursor: str, limit: int, email: str | None, as_json: bool
) -> None:
    page = queries.escrows(state=state or "", live=live, cursor=cursor, limit=limit, viewer=_actor(email))

    def table(out: Console) -> None:
        head = ["状态 state", "模板 template", "各方 parties", "到期 expires", "id"]
        lines = [
            [e.state, e.template, len(e.parties), e.expires_at.isoformat(" ", "minutes"), e.id]
            for e in page.items
        ]
        out.print(terminal.rows(f"{len(page.items)}", head, lines))

    terminal.emit({"items": page.items, "next": page.next}, as_json=as_json, table=table)


@cli.command(help="One escrow: its terms, what it holds, what it waits for, what was done.")
@click.argument("escrow_id", type=click.UUID)
@as_option
@terminal.json_option
def show(escrow_id: UUID, email: str | None, as_json: bool) -> None:
    viewer = _actor(email)
    found = queries.escrow(escrow_id=escrow_id, viewer=viewer)
    done = queries.history(escrow_id=escrow_id, viewer=viewer)

    def table(out: Console) -> None:
        lines: list[list[Any]] = [
            ["状态 state", found.state], ["模板 template", found.template], ["摘要 digest", found.digest],
            ["到期 expires", found.expires_at.isoformat(" ", "minutes")], ["仲裁 arbiter", found.arbiter or ""],
        ]  # fmt: skip
        out.print(terminal.rows(str(found.id), ["", ""], lines))
        out.print(
            terminal.rows(
                "各方 parties", ["", "名称", "同意 agreed"],
                [[p.name, p.zh or p.en, "✓" if p.agreed else ""] for p in found.parties],
            )
        )  # fmt: skip
        if found.value:
            head = ["", "付款 payer", "单位 unit", "约定 amount", "至少 least", "已入 held"]
            out.print(
                terminal.rows("款项 value", head, [[v.name, v.payer, v.unit, v.amount, v.least, v.held] for v in found.value])
            )  # fmt: skip
        if found.titles:
            lines = [[t.title, t.by, "✓" if t.deposited else ""] for t in found.titles]
            out.print(terminal.rows("单证 titles", ["", "交付 by", "已入 in"], lines))
        if found.waits:
            lines = [[w.name, w.verdict, w.word] for w in found.waits]
            out.print(terminal.rows("条件 conditions", ["", "", ""], lines))
        out.print(
            terminal.rows(
                "事件 events", ["", "行为 act", "", "时间 at"],
                [[e.n, e.act, e.after, e.at.isoformat(" ", "seconds")] for e in done],
            )
        )  # fmt: skip

    terminal.emit({"escrow": found, "events": done}, as_json=as_json, table=table)


@cli.command(help="Move everything as the terms say, if every condition is met.")
@click.argument("escrow_id", type=click.UUID)
@as_option
@key_option
@terminal.json_option
def execute(escrow_id: UUID, email: str | None, key: UUID | None, as_json: bool) -> None:
    actor = _actor(email)
    commands.execute(escrow_id=escrow_id, origin=Origin(actor, key or uuid4(), timezone.now()))
    found = queries.escrow(escrow_id=escrow_id, viewer=actor)
    terminal.emit({"id": escrow_id, "state": found.state, "outcome": found.outcome}, as_json=as_json)


@cli.command(
    help="Return everything of an escrow whose time has run out; without an id, of all that are due."
)
@click.argument("escrow_id", type=click.UUID, required=False)
@as_option
@key_option
@terminal.json_option
def expire(escrow_id: UUID | None, email: str | None, key: UUID | None, as_json: bool) -> None:
    actor, now = _actor(email), timezone.now()
    if escrow_id is not None:
        commands.expire(escrow_id=escrow_id, origin=Origin(actor, key or uuid4(), now))
        terminal.emit({"ended": [escrow_id], "refused": {}}, as_json=as_json)
        return
    ended: list[UUID] = []
    refused: dict[str, str] = {}
    after = None
    while due := queries.due(at=now, after=after, viewer=actor):
        for escrow, _n in due:
            try:
                commands.expire(escrow_id=escrow, origin=Origin(actor, uuid4(), now))
                ended.append(escrow)
            except Refusal as refusal:
                refused[str(escrow)] = refusal.code
        after = due[-1][0]
    terminal.emit({"ended": ended, "refused": refused}, as_json=as_json)
