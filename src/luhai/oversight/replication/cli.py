"""luhai replication: packages, who could have them and why, and the way of a package to a territory.

`--as EMAIL` chooses who looks or acts: the first membership of the person with that address. Without it, the system does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import click
from django.utils import timezone
from rich.console import Console

from luhai.core.parties import queries as parties
from luhai.core.parties.territories import territories
from luhai.kernel.origin import SYSTEM, Actor, Origin
from luhai.shell import journal, terminal

from . import commands, live_commands, queries
from .policy import FACTS, ReasonNode


@click.group(name="replication", help="Packages of measures that other territories may take over. 复制推广。")
def cli() -> None: ...


as_option = click.option("--as", "email", help="Look or act as the person with this address. 以此人身份。")
key_option = click.option("--key", type=click.UUID, help="Idempotency key; a new one if left out.")
_DAY = click.DateTime(["%Y-%m-%d"])


def _actor(email: str | None) -> Actor:
    if email is None:
        return SYSTEM
    person = parties.person_by_email(email)
    memberships = parties.memberships_of(person.pk) if person else []
    if not memberships:
        raise click.BadParameter(f"nobody with the address {email} acts for anyone", param_hint="--as")
    return memberships[0].actor


def _origin(email: str | None, key: UUID | None) -> Origin:
    return Origin(_actor(email), key or uuid4(), timezone.now())


def _today() -> date:
    return queries.day_of(timezone.now())


@cli.command(help="Every package: where it comes from, what it copies, and where it is.")
@as_option
@terminal.json_option
def packages(email: str | None, as_json: bool) -> None:
    found = queries.board(on=_today(), viewer=_actor(email))

    def table(out: Console) -> None:
        head = ["地区 territory", *(f"{p.title_zh} {p.version}" for p in found.packages)]
        body = []
        for code, zh, en in found.territories:
            cells = [found.places[p.id][code] for p in found.packages]
            body.append([f"{zh} {en}", *(c.state or ("origin" if c.is_origin else c.verdict) for c in cells)])
        out.print(terminal.rows("复制推广 replication", head, body))

    terminal.emit({"packages": found.packages, "places": found.places}, as_json=as_json, table=table)


@cli.command(help="Why a package can, cannot, or cannot yet be copied to a territory.")
@click.argument("package")
@click.argument("territory", type=click.Choice(sorted(territories())))
@as_option
@terminal.json_option
def eligible(package: str, territory: str, email: str | None, as_json: bool) -> None:
    found = queries.eligible(package=package, territory=territory, on=_today(), viewer=_actor(email))

    def table(out: Console) -> None:
        for name, tree in (("市场 market", found.market), ("风控 risk", found.risk), ("先例 elsewhere", found.elsewhere),
                           ("批准 approval", found.approval)):  # fmt: skip
            out.print(f"[bold]{name}[/bold]")
            _tree(out, tree, 1)

    terminal.emit(
        {"verdict": found.verdict, "ready": found.ready, **found.as_json()}, as_json=as_json, table=table
    )


def _tree(out: Console, reason: ReasonNode, depth: int) -> None:
    mark = {"met": "✓", "failed": "✗", "unknown": "?"}[reason.verdict]
    known = f" — {reason.value_zh} {reason.value_en}" if reason.value_zh else ""
    out.print(f"{'  ' * depth}{mark} {reason.zh} / {reason.en}{known}", markup=False)
    for part in reason.parts:
        _tree(out, part, depth + 1)


@cli.command(help="One adoption: its state, its difference from the origin, what was found and done.")
@click.argument("adoption_id", type=click.UUID)
@as_option
@terminal.json_option
def show(adoption_id: UUID, email: str | None, as_json: bool) -> None:
    found = queries.adoption(adoption_id=adoption_id, viewer=_actor(email))

    def table(out: Console) -> None:
        a = found.line
        out.print(f"[bold]{a.title_zh} {a.version}[/bold] · {a.place_zh} {a.place_en} · {a.state}")
        body = [[d.zh, d.origin, d.here, d.newest] for d in found.differences]
        out.print(terminal.rows("", ["差异 difference", "原版 origin", "本地 here", "最新 newest"], body))
        out.print(terminal.rows("", ["步骤 step", "状态 state", "角色 role", "时间 at"], [[s.act, s.after, s.role, s.at] for s in found.steps]))

    terminal.emit({"adoption": found}, as_json=as_json, table=table)


@cli.command(help="Draft the adoption of a package by the official's territory, or write over a draft.")
@click.argument("package")
@click.option("--id", "adoption_id", type=click.UUID, help="Of the draft to write over; a new one if left out.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="A parameter that the territory sets differently.")
@click.option("--from", "starts_on", type=_DAY, required=True)
@click.option("--to", "ends_on", type=_DAY, default=None)
@as_option
@key_option
@terminal.json_option
def draft(
    package: str, adoption_id: UUID | None, overrides: tuple[str, ...], starts_on: datetime, ends_on: datetime | None, email: str | None,
    key: UUID | None, as_json: bool,
) -> None:  # fmt: skip
    pairs = [text.partition("=") for text in overrides]
    if any(not sign for _, sign, _ in pairs):
        raise click.BadParameter("KEY=VALUE, such as scenes.freight_days=120", param_hint="--set")
    done = commands.draft(
        adoption_id=adoption_id or uuid4(), package=package, overrides={k: v for k, _, v in pairs}, starts_on=starts_on.date(),
        ends_on=ends_on.date() if ends_on else None, origin=_origin(email, key),
    )  # fmt: skip
    _told(done, as_json)


@cli.command(help="State a fact of a territory with a paper.")
@click.argument("territory", type=click.Choice(sorted(territories())))
@click.argument("fact", type=click.Choice([n for n, f in FACTS.items() if f.by in ("supervisor", "province")]))
@click.argument("value")
@click.option("--document", required=True)
@click.option("--digest", default="", help="SHA-256 of the paper.")
@click.option("--on", "stated_on", type=_DAY, required=True)
@click.option("--until", type=_DAY, required=True)
@as_option
@key_option
@terminal.json_option
def state(
    territory: str, fact: str, value: str, document: str, digest: str, stated_on: datetime, until: datetime, email: str | None,
    key: UUID | None, as_json: bool,
) -> None:  # fmt: skip
    kind = FACTS[fact].kind
    plain: Any = value
    if kind == "flag":
        plain = {"true": True, "false": False}.get(value, value)
    elif kind == "count" and value.isascii() and value.isdigit():
        plain = int(value)
    elif kind == "set":
        plain = [v for v in value.split(",") if v]
    done = commands.state_fact(
        statement_id=uuid4(), territory=territory, fact=fact, value=plain, document=document, digest=digest, stated_on=stated_on.date(),
        until=until.date(), origin=_origin(email, key),
    )  # fmt: skip
    _told(done, as_json)


def _told(done: UUID, as_json: bool) -> None:
    terminal.emit({"id": str(done)}, as_json=as_json)


def _simple(name: str, run: Callable[..., UUID], about: str) -> None:
    """A step that needs nothing but the adoption."""

    @click.argument("adoption_id", type=click.UUID)
    @as_option
    @key_option
    @terminal.json_option
    def act(adoption_id: UUID, email: str | None, key: UUID | None, as_json: bool) -> None:
        _told(run(adoption_id=adoption_id, origin=_origin(email, key)), as_json)

    cli.command(name=name, help=about)(act)


_simple("examine", commands.examine, "Judge the conditions, run the cases, estimate the effect.")
_simple("propose", commands.propose, "Stand behind an examined adoption.")
_simple("approve", commands.approve, "Approve for the territory what a colleague proposed.")
_simple("go-live", live_commands.go_live, "Put a granted package in force from today.")


@cli.command(help="Grant the copy as the authority that granted the original.")
@click.argument("adoption_id", type=click.UUID)
@click.option("--instrument", required=True)
@click.option("--scope", required=True)
@as_option
@key_option
@terminal.json_option
def grant(adoption_id: UUID, instrument: str, scope: str, email: str | None, key: UUID | None, as_json: bool) -> None:
    _told(commands.grant(adoption_id=adoption_id, instrument_no=instrument, scope=scope, origin=_origin(email, key)), as_json)


def _reasoned(name: str, run: Callable[..., UUID], about: str) -> None:
    @click.argument("adoption_id", type=click.UUID)
    @click.option("--reason", required=True)
    @as_option
    @key_option
    @terminal.json_option
    def act(adoption_id: UUID, reason: str, email: str | None, key: UUID | None, as_json: bool) -> None:
        _told(run(adoption_id=adoption_id, reason=reason, origin=_origin(email, key)), as_json)

    cli.command(name=name, help=about)(act)


_reasoned("refuse", commands.refuse, "Refuse the copy as the authority.")
_reasoned("drop", commands.drop, "Give up an adoption before it is live.")
_reasoned("stop", live_commands.stop, "Stop a live package from tomorrow, as a supervisor.")


@cli.command(name="roll-back", help="Ask to roll back (with --from and --reason), or agree to what another person asked (without).")
@click.argument("adoption_id", type=click.UUID)
@click.option("--from", "day", type=_DAY, default=None, help="The first day without it.")
@click.option("--reason", default="")
@as_option
@key_option
@terminal.json_option
def roll_back(adoption_id: UUID, day: datetime | None, reason: str, email: str | None, key: UUID | None, as_json: bool) -> None:
    origin = _origin(email, key)
    if day is None:
        _told(live_commands.roll_back(adoption_id=adoption_id, origin=origin), as_json)
    else:
        _told(live_commands.ask_roll_back(adoption_id=adoption_id, day=day.date(), reason=reason, origin=origin), as_json)


@cli.command(help="Enter that a package is live where it is so already, first of all at its origin; for the operator.")
@click.argument("package")
@click.argument("territory", type=click.Choice(sorted(territories())))
@click.option("--instrument", required=True)
@click.option("--approver", required=True)
@click.option("--scope", required=True)
@as_option
@key_option
@terminal.json_option
def enter(
    package: str, territory: str, instrument: str, approver: str, scope: str, email: str | None, key: UUID | None, as_json: bool
) -> None:  # fmt: skip
    done = live_commands.enter(
        adoption_id=uuid4(), package=package, territory=territory, instrument_no=instrument, approver=approver, scope=scope,
        invented=False, origin=_origin(email, key),
    )  # fmt: skip
    _told(done, as_json)


@cli.command(help="Seal the journal, count what went on under live packages, and do what the day asks for, as the jobs do.")
@terminal.json_option
def watch(as_json: bool) -> None:
    now = timezone.now()
    journal.seal(at=now)
    terminal.emit({"events": live_commands.watch_all(now), "changed": live_commands.keep(now)}, as_json=as_json)
