"""luhai titles: documents of title on the command line.

`--as EMAIL` chooses who looks: the first membership of the person with that address. Without it, the system does.
`verify`, `sign` and `keys new` need no database: they work on files alone.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import click
from django.utils import timezone
from rich.console import Console

from luhai.core.parties import queries as parties
from luhai.kernel.origin import SYSTEM, Actor, Origin
from luhai.kernel.refusal import Invalid, Refusal
from luhai.shell import terminal

from . import chain, commands, policy, queries
from .forms import FORMS, OWN_PLATFORM
from .lifecycle import Act, Kind, State


@click.group(name="titles", help="Documents of title: who controls which. 权利单证。")
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


@cli.command(name="list", help="Titles that one may see, last acted on first.")
@click.option("--kind", type=click.Choice([k.value for k in Kind]), default=None)
@click.option("--state", type=click.Choice([s.value for s in State]), default=None)
@click.option("--relation", type=click.Choice(["issuer", "holder", "beneficiary", "pledgee"]), default=None)
@click.option("--number", default="", help="A number, folded as the register folds.")
@click.option("--cursor", default="", help="`next` of the page before.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@as_option
@terminal.json_option
def list_(
    kind: str | None, state: str | None, relation: str | None, number: str, cursor: str, limit: int, email: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    page = queries.titles(
        kind=kind or "", state=state or "", relation=relation or "", number=number, cursor=cursor, limit=limit,
        viewer=_actor(email),
    )  # fmt: skip

    def table(out: Console) -> None:
        out.print(
            terminal.rows(
                f"{len(page.items)}",
                ["单证 subject", "状态 state", "持有人 holder", "数量 quantity", "质押 pledged", "单位", "id"],
                [[t.subject_key, t.state, t.holder.zh, t.quantity, t.pledged, t.unit, t.id] for t in page.items],
            )
        )

    terminal.emit({"items": page.items, "next": page.next}, as_json=as_json, table=table)


@cli.command(help="One title: who is what to it, its pledges, what was done to it.")
@click.argument("title_id", type=click.UUID)
@as_option
@terminal.json_option
def show(title_id: UUID, email: str | None, as_json: bool) -> None:
    viewer = _actor(email)
    found = queries.title(title_id=title_id, viewer=viewer)
    done = queries.events(title_id=title_id, viewer=viewer)

    def table(out: Console) -> None:
        lines: list[list[Any]] = [
            ["单证 subject", found.subject_key],
            ["状态 state", found.state],
            ["签发 issuer", f"{found.issuer.zh} / {found.issuer.en}"],
            ["控制 holder", f"{found.holder.zh} / {found.holder.en}"],
            ["权利 beneficiary", f"{found.beneficiary.zh} / {found.beneficiary.en}"],
            ["数量 quantity", f"{found.quantity} {found.unit} (质押 pledged {found.pledged})"],
            ["版本 version", found.version],
            ["摘要 head", found.head],
        ]
        out.print(terminal.rows(str(found.id), ["", ""], lines))
        if found.pledges:
            out.print(
                terminal.rows(
                    "质押 pledges", ["质权人 pledgee", "数量", "登记 registration", "id"],
                    [[p.pledgee.zh, p.quantity, p.registration, p.id] for p in found.pledges],
                )
            )  # fmt: skip
        out.print(
            terminal.rows(
                "事件 events", ["", "行为 act", "", "谁 by", "时间 at", "签名", "摘要 digest"],
                [[e.n, e.act, e.after, e.by.zh, e.at.isoformat(), e.signed_with, e.digest[:16]] for e in done],
            )
        )  # fmt: skip

    terminal.emit({"title": found, "events": done}, as_json=as_json, table=table)


@cli.command(help="Write the title's chain, or its form in another system, to standard output.")
@click.argument("title_id", type=click.UUID)
@click.option("--form", "which", type=click.Choice([*FORMS]), default=None, help="In the form of another system.")
@click.option("--platform", default=OWN_PLATFORM, show_default=True, help="The platform's code at DCSA.")
@as_option
def export(title_id: UUID, which: str | None, platform: str, email: str | None) -> None:
    viewer = _actor(email)
    if which is None:
        sys.stdout.buffer.write(queries.export(title_id=title_id, viewer=viewer))
        return
    made = queries.form(title_id=title_id, which=which, platform=platform, viewer=viewer)
    click.echo(json.dumps(made, ensure_ascii=False, indent=2))


class Broken(Refusal):
    code = "titles.broken"
    message = "%(fault)s (line %(line)s)"


@cli.command(help="Check an exported file without the register. 离线验证。")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--head", default=None, help="The last digest that you expect.")
@terminal.json_option
def verify(file: Path, head: str | None, as_json: bool) -> None:
    found = chain.verify(file.read_bytes(), head=head)
    if not found.ok:
        if as_json:
            terminal.emit({"ok": False, "line": found.line, "fault": found.fault, "title": found.title}, as_json=True)
        raise Broken(fault=found.fault, line=found.line)
    terminal.emit(
        {
            "ok": True, "title": found.title, "events": found.events, "signed": found.signed, "profile": found.profile,
            "state": found.state, "head": found.head, "control": dict(found.control),
        },
        as_json=as_json,
    )  # fmt: skip


@cli.command(help="Sign an act with a key file; the answer goes into the act's `signature`.")
@click.argument("act", type=click.Choice([a.value for a in policy.DETAILS]))
@click.option("--title", "title_id", type=click.UUID, required=True)
@click.option("--n", type=click.IntRange(1), required=True, help="The act's number: one more than there are events.")
@click.option("--previous", required=True, help="The digest of the event before.")
@click.option("--details", default="{}", help="What the act says, as JSON.")
@click.option("--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@terminal.json_option
def sign(act: str, title_id: UUID, n: int, previous: str, details: str, key_file: Path, as_json: bool) -> None:
    try:
        said = json.loads(details)
        kept = json.loads(key_file.read_text(encoding="utf-8"))
        pair = chain.key_pair(str(kept["profile"]), str(kept["private"]))
        key_id = str(UUID(str(kept["id"])))
    except (ValueError, KeyError, TypeError) as error:
        raise click.BadParameter(f"JSON as `luhai titles keys new` writes it: {error}", param_hint="--key-file") from None
    if not isinstance(said, dict):
        raise Invalid(field="details", problem="a JSON object")
    read = policy.read_details(Act(act), said)
    statement = chain.statement(title=title_id, n=n, act=act, details=read, previous=previous)
    terminal.emit(
        {"key_id": key_id, "signature": chain.sign(pair, statement), "statement": statement.decode()}, as_json=as_json
    )


@cli.group(help="Keys that sign acts. 签名密钥。")
def keys() -> None: ...


@keys.command(name="new", help="Make a key pair in a new file that only you can read.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--profile", type=click.Choice([*chain.SIGNATURES]), default="ed25519", show_default=True)
@terminal.json_option
def new_key(file: Path, profile: str, as_json: bool) -> None:
    pair, key_id = chain.new_key(profile), str(uuid4())
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.BadParameter("there is a file already; a key is never written over", param_hint="FILE") from None
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump({"id": key_id, "profile": profile, "private": pair.private, "public": pair.public}, out)
    terminal.emit({"id": key_id, "profile": profile, "public": pair.public, "file": str(file)}, as_json=as_json)


@keys.command(name="register", help="Register the public half of a key file for one's party.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="What it is called, such as the desk that uses it.")
@click.option("--as", "email", required=True, help="Act as the person with this address. 以此人身份。")
@key_option
@terminal.json_option
def register_key(file: Path, name: str, email: str, key: UUID | None, as_json: bool) -> None:
    kept = json.loads(file.read_text(encoding="utf-8"))
    made = commands.register_key(
        key_id=UUID(kept["id"]), profile=kept["profile"], public=kept["public"], name=name,
        origin=Origin(_actor(email), key or uuid4(), timezone.now()),
    )  # fmt: skip
    terminal.emit({"id": made}, as_json=as_json)


@keys.command(name="revoke", help="Let a key sign nothing new.")
@click.argument("key_id", type=click.UUID)
@click.option("--as", "email", required=True, help="Act as the person with this address. 以此人身份。")
@key_option
@terminal.json_option
def revoke_key(key_id: UUID, email: str, key: UUID | None, as_json: bool) -> None:
    done = commands.revoke_key(key_id=key_id, origin=Origin(_actor(email), key or uuid4(), timezone.now()))
    terminal.emit({"id": done}, as_json=as_json)


@keys.command(name="list", help="Public keys of a party.")
@click.option("--party", type=click.UUID, default=None, help="One's own, unless named.")
@as_option
@terminal.json_option
def list_keys(party: UUID | None, email: str | None, as_json: bool) -> None:
    found = queries.keys(party_id=party, viewer=_actor(email))

    def table(out: Console) -> None:
        out.print(
            terminal.rows(
                "", ["名称 name", "类型 profile", "公钥 public", "撤销 revoked", "id"],
                [[k.name, k.profile, k.public, k.revoked_at or "", k.id] for k in found],
            )
        )  # fmt: skip

    terminal.emit({"items": found}, as_json=as_json, table=table)
