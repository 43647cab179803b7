"""luhai payments: payments that came for companies, on the command line.

`--as EMAIL` chooses who looks or acts: the first membership of the person with that address. Without it, the system does.
"""

from __future__ import annotations

from typing import Any, BinaryIO
from uuid import UUID, uuid4

import click
from django.utils import timezone
from rich.console import Console

from luhai.core.parties import queries as parties
from luhai.kernel.money import Currency, Money
from luhai.kernel.origin import SYSTEM, Actor, Origin
from luhai.kernel.refusal import Invalid, Refusal
from luhai.shell import terminal

from . import commands, queries
from .lifecycle import State


@click.group(name="payments", help="Payments that came, their check, crediting. 跨境收款、单证核验与入账。")
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


@cli.command(help="Take in a pacs.008 from FILE (- for standard input) and answer it; exit code 1 if rejected.")
@click.argument("file", type=click.File("rb"))
@key_option
@as_option
@terminal.json_option
def receive(file: BinaryIO, key: UUID | None, email: str | None, as_json: bool) -> None:
    try:
        content = file.read().decode()
    except UnicodeDecodeError:
        raise click.BadParameter("a file in UTF-8 is wanted", param_hint="FILE") from None
    origin = Origin(_actor(email), key or uuid4(), timezone.now())
    try:
        answer = commands.receive_message(content=content, origin=origin)
    except Refusal as refusal:
        facts = f"{refusal.facts['field']}: {refusal.facts['problem']}" if isinstance(refusal, Invalid) else ""
        terminal.note(f"{refusal.code} {facts}".strip())
        if as_json:
            terminal.emit({"refused": refusal.code, "facts": refusal.facts}, as_json=True)
        raise SystemExit(1) from None

    def table(out: Console) -> None:
        out.print(f"{answer['status']} {answer['reason'] or ''} {answer['payment_id'] or ''}".strip())
        out.print(answer["answer"])

    terminal.emit(answer, as_json=as_json, table=table)
    if answer["status"] == "RJCT":
        raise SystemExit(1)


@cli.command(name="list", help="Payments that one may see, last acted on first.")
@click.option("--state", type=click.Choice([s.value for s in State]), default=None)
@click.option("--cursor", default="", help="`next` of the page before.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@as_option
@terminal.json_option
def list_(state: str | None, cursor: str, limit: int, email: str | None, as_json: bool) -> None:
    page = queries.payments(state=state or "", cursor=cursor, limit=limit, viewer=_actor(email))

    def table(out: Console) -> None:
        head = ["状态 state", "付款人 debtor", "收款企业 company", "币种", "金额 amount", "起息 value", "id"]
        lines = [
            [p.state, p.debtor_name, p.company.zh, p.currency, _money(p.amount, p.currency), p.value_date, p.id]
            for p in page.items
        ]
        out.print(terminal.rows(f"{len(page.items)}", head, lines))

    terminal.emit({"items": page.items, "next": page.next}, as_json=as_json, table=table)


@cli.command(help="One payment: its documents, its check, and what came of it.")
@click.argument("payment_id", type=click.UUID)
@as_option
@terminal.json_option
def show(payment_id: UUID, email: str | None, as_json: bool) -> None:
    viewer = _actor(email)
    found = queries.payment(payment_id=payment_id, viewer=viewer)
    messages = queries.messages_of(payment_id=payment_id, viewer=viewer)

    def table(out: Console) -> None:
        amount = _money(found.amount, found.currency)
        out.print(f"{found.state}  {amount} {found.currency}  {found.debtor_name} → {found.creditor_name}")
        documents = [[a.kind, a.number, a.state, "*" if a.changed else ""] for a in found.attachments]
        out.print(terminal.rows("单证 documents", ["种类 kind", "编号 number", "状态 state", "变动 changed"], documents))
        if found.verdict:
            lines: list[list[Any]] = [
                [f["status"], f["name"], f["field"], f["wanted"], f["found"]] for f in found.verdict.findings
            ]
            title = f"核验 check: {found.verdict.verdict} ({found.verdict.rule_set})"
            out.print(terminal.rows(title, ["", "项目 point", "字段 field", "应为 wanted", "实为 found"], lines))
        sent = [[m.way, m.type, m.status or m.reason, m.message_id, m.at.isoformat(" ", "minutes")] for m in messages]
        out.print(terminal.rows("报文 messages", ["", "类型 type", "", "id", "时间 at"], sent))

    terminal.emit({"payment": found, "messages": messages}, as_json=as_json, table=table)


@cli.command(name="accounts", help="Account numbers, and the ledger accounts that payments to them go to.")
@as_option
@terminal.json_option
def accounts(email: str | None, as_json: bool) -> None:
    found = queries.accounts(viewer=_actor(email))

    def table(out: Console) -> None:
        head = ["账号 number", "币种", "银行 bank", "企业 company", "种类 kind", "状态 state", "id"]
        lines = [[a.number, a.currency, a.bank.zh, a.company.zh, a.kind, a.state, a.id] for a in found]
        out.print(terminal.rows(f"{len(found)}", head, lines))

    terminal.emit({"items": found}, as_json=as_json, table=table)


def _money(minor: int, currency: str) -> str:
    return f"{Money(minor, Currency(currency)).major:,}"
