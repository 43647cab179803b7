"""luhai checks: the grades of customers, and the rules by which payments are held against their papers.

`--as EMAIL` chooses who looks at grades: the first membership of the person with that address. Without it, the system does.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import click
from rich.console import Console

from luhai.core.parties import queries as parties
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor
from luhai.shell import terminal

from . import queries
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
