"""luhai transport: transport documents on the command line.

`--as EMAIL` chooses who looks: the first membership of the person with that address. Without it, the system does.
`import` reads a document of another platform and needs no document here; it stores nothing.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import click
from django.utils import timezone
from rich.console import Console

from luhai.core.parties import queries as parties
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Origin
from luhai.shell import terminal

from . import gateway, pint_commands, pint_queries, print_queries, queries
from .forms.foreign import FORMS


@click.group(
    name="transport", help="Transport documents: what they say, rest on, and where the goods are. 运输单证。"
)
def cli() -> None: ...


as_option = click.option("--as", "email", help="Look as the person with this address. 以此人身份。")


def _actor(email: str | None) -> Actor:
    if email is None:
        return SYSTEM
    person = parties.person_by_email(email)
    memberships = parties.memberships_of(person.pk) if person else []
    if not memberships:
        raise click.BadParameter(f"nobody with the address {email} acts for anyone", param_hint="--as")
    return memberships[0].actor


@cli.command(name="list", help="Documents that one may see, newest first.")
@click.option("--number", default="", help="A number as written on the document.")
@click.option("--container", default="", help="Documents on this container.")
@click.option("--signalled", is_flag=True, help="Only those of which something is wrong.")
@click.option("--cursor", default="", help="`next` of the page before.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@as_option
@terminal.json_option
def list_(
    number: str, container: str, signalled: bool, cursor: str, limit: int, email: str | None, as_json: bool
) -> None:
    page = queries.documents(
        number=number,
        container=container,
        signalled=signalled,
        cursor=cursor,
        limit=limit,
        viewer=_actor(email),
    )

    def table(out: Console) -> None:
        out.print(
            terminal.rows(
                f"{len(page.items)}",
                ["单证 document", "编号 number", "状态 state", "自 from", "至 to", "持有人 holder", "预警 signals", "id"],
                [[d.document, d.number, d.state, d.origin, d.destination, d.holder.zh, d.signals, d.id] for d in page.items],
            )
        )  # fmt: skip

    terminal.emit({"items": page.items, "next": page.next}, as_json=as_json, table=table)


@cli.command(help="One document: its title, agreement, goods, signals.")
@click.argument("title_id", type=click.UUID)
@as_option
@terminal.json_option
def show(title_id: UUID, email: str | None, as_json: bool) -> None:
    found = queries.document(title_id=title_id, viewer=_actor(email))

    def table(out: Console) -> None:
        lines: list[list[Any]] = [
            ["单证 document", f"{found.document} {found.title.subject_key}"],
            ["状态 state", found.title.state],
            ["签发 issuer", f"{found.title.issuer.zh} / {found.title.issuer.en}"],
            ["控制 holder", f"{found.title.holder.zh} / {found.title.holder.en}"],
            ["货物在 custodian", f"{found.custodian.zh} / {found.custodian.en}"],
            ["数量 quantity", f"{found.title.quantity} {found.title.unit}"],
            [
                "协议 agreement",
                f"{found.agreement.number} v{found.agreement.version}" if found.agreement else "",
            ],
        ]
        out.print(terminal.rows(str(found.title.id), ["", ""], lines))
        out.print(
            terminal.rows(
                "货物 goods", ["时间 at", "事件 code", "地点 place", "箱 container", "封志 seals", "由 custodian"],
                [
                    [m.happened_at.isoformat(), m.code, m.place, m.container, ", ".join(m.seals or ()), m.custodian.zh]
                    for m in found.movements
                ],
            )
        )  # fmt: skip
        if found.signals:
            out.print(
                terminal.rows(
                    "预警 signals",
                    ["时间 at", "", ""],
                    [[s.at.isoformat(), s.kind, dict(s.facts)] for s in found.signals],
                )
            )

    terminal.emit({"document": found}, as_json=as_json, table=table)


@cli.command(
    help="Write a document in a form to standard output; what the form leaves out goes to standard error."
)
@click.argument("title_id", type=click.UUID)
@click.option("--form", "which", type=click.Choice([*FORMS]), default="uncefact", show_default=True)
@as_option
def export(title_id: UUID, which: str, email: str | None) -> None:
    made = queries.form(title_id=title_id, which=which, viewer=_actor(email))
    for note in made["notes"]:
        click.echo(note, err=True)
    click.echo(json.dumps(made["document"], ensure_ascii=False, indent=2))


@cli.command(
    name="import",
    help="Read a document of another platform: DCSA, FIATA, UN/CEFACT, rail note. Stores nothing.",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@terminal.json_option
def import_(file: Path, as_json: bool) -> None:
    found = queries.imported(document=base64.b64encode(file.read_bytes()).decode(), viewer=SYSTEM)
    terminal.emit(found, as_json=as_json)


@cli.command(help="Check the code of a printed copy.")
@click.argument("code")
@terminal.json_option
def verify(code: str, as_json: bool) -> None:
    found = print_queries.verified(code=code, viewer=PUBLIC)

    def table(out: Console) -> None:
        issuer = f"{found.issuer.zh} / {found.issuer.en}" if found.issuer else ""
        lines: list[list[Any]] = [
            ["结论 standing", found.standing], ["单证 document", f"{found.document} {found.number}"], ["签发 issuer", issuer],
            ["路线 route", f"{found.origin} - {found.destination}" if found.origin else ""], ["箱 containers", ", ".join(found.containers)],
            ["打印 printed", found.printed_at.isoformat() if found.printed_at else ""], ["内容摘要 content", found.content_digest],
            ["链首 head", f"{found.n} {found.head}" if found.head else ""],
            *[["其后 since", f"{c.at.isoformat()} {c.act}"] for c in found.changes],
        ]  # fmt: skip
        out.print(terminal.rows(found.code or code, ["", ""], lines))

    terminal.emit({"copy": found}, as_json=as_json, table=table)


@cli.command(help="Agreements that make documents the only delivery voucher.")
@as_option
@terminal.json_option
def agreements(email: str | None, as_json: bool) -> None:
    found = queries.agreements(viewer=_actor(email))

    def table(out: Console) -> None:
        out.print(
            terminal.rows(
                f"{len(found)}", ["编号 number", "版本", "状态 state", "已签 signed", "自 from", "至 until", "id"],
                [
                    [a.number, a.version, a.state, f"{sum(s.signed_at is not None for s in a.signatories)}/{len(a.signatories)}",
                     a.starts_on, a.ends_on or "", a.id]
                    for a in found
                ],
            )
        )  # fmt: skip

    terminal.emit({"items": found}, as_json=as_json, table=table)


@cli.group(help="Platforms that documents move between (DCSA PINT). 平台互通。")
def platforms() -> None: ...


@platforms.command(name="list", help="Platforms that are known, this one first.")
@terminal.json_option
def list_platforms(as_json: bool) -> None:
    found = pint_queries.platforms(viewer=SYSTEM)

    def table(out: Console) -> None:
        rows = [[p.code, p.name, p.url, p.public, "本平台 own" if p.own else p.party] for p in found]
        out.print(
            terminal.rows(f"{len(found)}", ["代码 code", "名称 name", "地址 url", "公钥 public", ""], rows)
        )

    terminal.emit({"items": found}, as_json=as_json, table=table)


@platforms.command(help="Give this instance its code and a key; prints the public key.")
@click.argument("code")
@click.option("--name", required=True)
@click.option("--url", required=True, help="In front of /v3/envelopes, as others reach it.")
@terminal.json_option
def name(code: str, name: str, url: str, as_json: bool) -> None:
    origin = Origin(SYSTEM, uuid4(), timezone.now())
    terminal.emit(
        {"public": pint_commands.name_platform(code=code, name=name, url=url, origin=origin)}, as_json=as_json
    )


@platforms.command(help="Register another platform, its public key, and the party that stands for it here.")
@click.argument("code")
@click.option("--name", required=True)
@click.option("--url", required=True, help="In front of /v3/envelopes.")
@click.option("--public", required=True, help="Its Ed25519 key in hexadecimal.")
@click.option("--party", type=click.UUID, required=True)
@terminal.json_option
def register(code: str, name: str, url: str, public: str, party: UUID, as_json: bool) -> None:
    origin = Origin(SYSTEM, uuid4(), timezone.now())
    kid = pint_commands.register_platform(
        code=code, name=name, url=url, public=public, party_id=party, origin=origin
    )
    terminal.emit({"kid": kid}, as_json=as_json)


@cli.command(help="Send envelopes without a definite answer once more.")
@terminal.json_option
def retry(as_json: bool) -> None:
    waiting = pint_queries.on_the_way(viewer=SYSTEM)
    done = {str(key): gateway.carry(key, Origin(SYSTEM, uuid4(), timezone.now())) for key in waiting}
    terminal.emit({"envelopes": done}, as_json=as_json)
