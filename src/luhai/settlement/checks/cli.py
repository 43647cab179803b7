"""luhai checks: the grades of customers, the rules by which payments are held against their papers, and the scenes laid over them.

`--as EMAIL` chooses who looks at grades, or acts: the first membership of the person with that address. Without it, the system does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TextIO
from uuid import UUID, uuid4

import click
import yaml
from django.utils import timezone
from rich.console import Console

from luhai.core.parties import queries as parties
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Origin
from luhai.kernel.refusal import Refusal
from luhai.shell import terminal

from . import commands, queries
from .lifecycle import State
from .rule_sets import DIRECTIONS, SITUATIONS


@click.group(name="checks", help="Checks of payments against their papers, and customers' grades. 单证核验与客户分类。")
def cli() -> None: ...


def _viewer(email: str | None) -> Actor:
    if email is None:
        return SYSTEM
    person = parties.person_by_email(email)
    memberships = parties.memberships_of(person.pk) if person else []
    if not memberships:
        raise click.BadParameter(f"nobody with the address {email} acts for anyone", param_hint="--as")
    return memberships[0].actor


@cli.command(help="Grades that one may see, newest change first.")
@click.option("--company", type=click.UUID, default=None)
@click.option("--state", type=click.Choice([s.value for s in State]), default=None)
@click.option("--cursor", default="", help="`next` of the page before.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--as", "email", help="Look as the person with this address. 以此人身份。")
@terminal.json_option
def grades(
    company: UUID | None, state: str | None, cursor: str, limit: int, email: str | None, as_json: bool
) -> None:
    page = queries.grades(company_id=company, state=state or "", cursor=cursor, limit=limit, viewer=_viewer(email))
    terminal.emit(
        {"items": page.items, "next": page.next},
        as_json=as_json,
        table=lambda out: out.print(
            terminal.rows(
                "客户分类 grades",
                ["银行 bank", "企业 company", "分类", "名录", "状态 state", "起 from", "止 until", "复评 review", "依据 basis"],
                [
                    [
                        g.bank_zh or g.bank_en, g.company_zh or g.company_en, g.grade, g.directory_class, g.state,
                        g.valid_from or "", g.until or "", g.next_review or "", "; ".join(g.basis),
                    ]
                    for g in page.items
                ],
            )
        ),
    )  # fmt: skip


@cli.command(help="The rule sets: each check with its weight (Y required, P afterwards, o shown) for grades 1, 2, 3.")
@click.option("--direction", type=click.Choice(DIRECTIONS), default=None)
@click.option("--on", "on", type=click.DateTime(["%Y-%m-%d"]), default=None, help="Only what is in force on that day.")
@terminal.json_option
def rules(direction: str | None, on: datetime | None, as_json: bool) -> None:
    found = queries.rule_sets(direction=direction or "", on=on.date() if on else None, viewer=PUBLIC)

    def table(out: Console) -> None:
        for s in found:
            out.print(
                terminal.rows(
                    f"{s.version}  {s.zh} / {s.en}",
                    ["核验 check", "", *(x["zh"] for x in s.situations)],
                    [
                        [c.zh, c.en, *(c.when.get(name, "") for name in SITUATIONS if any(x["name"] == name for x in s.situations))]
                        for c in s.checks
                    ],
                )
            )

    terminal.emit({"items": found}, as_json=as_json, table=table)


# --- scenes -------------------------------------------------------------------------------------------------------------

_DAY = click.DateTime(["%Y-%m-%d"])
key_option = click.option("--key", type=click.UUID, help="Idempotency key; a new one if left out.")
as_option = click.option("--as", "email", help="Act as the person with this address. 以此人身份。")


def _refused(refusal: Refusal, as_json: bool) -> SystemExit:
    """Why not, on standard error; as JSON on standard output where that was asked."""
    terminal.note(" ".join(str(w) for w in (refusal.code, *(f"{k}: {v}" for k, v in refusal.facts.items()))))
    if as_json:
        terminal.emit({"refused": refusal.code, "facts": refusal.facts}, as_json=True)
    return SystemExit(1)


@cli.command(help="The scenes that a territory may lay over the rules, and where each is in force. 场景及其施行地区。")
@click.option("--on", "on", type=_DAY, default=None, help="In force on that day only; without it then, now and later.")
@terminal.json_option
def scenes(on: datetime | None, as_json: bool) -> None:
    found = queries.scenes(viewer=PUBLIC)
    held = queries.scenes_in_force(on=on.date() if on else None, viewer=PUBLIC)

    def table(out: Console) -> None:
        out.print(
            terminal.rows(
                "场景 scenes",
                ["版本 version", "", "", "来源地 origin", "举措 measure", "施行 in force"],
                [
                    [
                        s.version, s.zh, s.en, s.origin, s.measure,
                        "; ".join(f"{h.territory} {h.valid_from}–{h.valid_to or ''}" for h in held if h.version == s.version),
                    ]
                    for s in found
                ],
            )
        )  # fmt: skip

    terminal.emit({"items": found, "in_force": held}, as_json=as_json, table=table)


@cli.command(name="try", help="Judge the cases of FILE (YAML or JSON; - for standard input) with and without SCENE. 以用例试算场景。")
@click.argument("scene")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="A parameter as the territory would set it.")
@click.option("--on", "on", type=_DAY, default=None, help="The day; without it the scene's first.")
@terminal.json_option
def try_(scene: str, file: TextIO, overrides: tuple[str, ...], on: datetime | None, as_json: bool) -> None:
    try:
        cases = yaml.safe_load(file)
    except (yaml.YAMLError, UnicodeDecodeError) as no:
        raise click.BadParameter(f"YAML or JSON is wanted: {no}", param_hint="FILE") from None
    cases = cases.get("cases") if isinstance(cases, dict) else cases
    if not isinstance(cases, list):
        raise click.BadParameter("a list of cases is wanted", param_hint="FILE")
    pairs = [o.partition("=") for o in overrides]
    if any(not eq for _, eq, _ in pairs):
        raise click.BadParameter("KEY=VALUE is wanted", param_hint="--set")
    try:
        tried = queries.try_scene(scene, cases, {k: v for k, _, v in pairs}, on=on.date() if on else None)
    except Refusal as refusal:
        raise _refused(refusal, as_json) from None
    rows: list[list[Any]] = [
        [t.name, "✓" if t.spoke else "", t.before, t.after, ", ".join(t.against), ", ".join(t.stood_in)] for t in tried
    ]
    terminal.emit(
        {"items": tried},
        as_json=as_json,
        table=lambda out: out.print(
            terminal.rows(
                scene, ["用例 case", "适用 applies", "无场景 without", "有场景 with", "未过 in the way", "替代 stood in"], rows
            )
        ),
    )


@cli.command(help="Let SCENE hold in TERRITORY from a day on. 施行场景。")
@click.argument("scene")
@click.argument("territory")
@click.option("--from", "since", type=_DAY, required=True)
@click.option("--to", "until", type=_DAY, default=None, help="The first day on which it holds no longer.")
@key_option
@as_option
@terminal.json_option
def put(
    scene: str, territory: str, since: datetime, until: datetime | None, key: UUID | None, email: str | None, as_json: bool
) -> None:  # fmt: skip
    origin = Origin(_viewer(email), key or uuid4(), timezone.now())
    try:
        made = commands.put_scene_in_force(
            scene=scene, territory=territory, valid_from=since.date(), valid_to=until.date() if until else None, origin=origin
        )
    except Refusal as refusal:
        raise _refused(refusal, as_json) from None
    terminal.emit({"id": made}, as_json=as_json, table=lambda out: out.print(f"{scene} {territory} {since.date()}"))


@cli.command(help="Let SCENE hold in TERRITORY no longer, from a day on. 停止施行场景。")
@click.argument("scene")
@click.argument("territory")
@click.option("--from", "since", type=_DAY, required=True, help="The first day without it.")
@key_option
@as_option
@terminal.json_option
def withdraw(scene: str, territory: str, since: datetime, key: UUID | None, email: str | None, as_json: bool) -> None:
    origin = Origin(_viewer(email), key or uuid4(), timezone.now())
    try:
        ended = commands.withdraw_scene(scene=scene, territory=territory, valid_to=since.date(), origin=origin)
    except Refusal as refusal:
        raise _refused(refusal, as_json) from None
    terminal.emit({"id": ended}, as_json=as_json, table=lambda out: out.print(f"{scene} {territory} {since.date()}"))
