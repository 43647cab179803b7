"""luhai matching: demands, matches and answers on the command line.

`--as EMAIL` chooses who acts: the first membership of the person with that address. Without it, the system acts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import click
from django.utils import timezone
from rich.console import Console

from luhai.core.parties import queries as parties
from luhai.kernel.origin import SYSTEM, Actor, Origin
from luhai.shell import terminal

from . import commands, queries
from .lifecycle import MatchState
from .policy import MOST_ASKED, REFUSALS, percent


@click.group(name="matching", help="Demands, matches, offers. 融资对接。")
def cli() -> None: ...


as_option = click.option("--as", "email", help="Act as the person with this address. 以此人身份。")
key_option = click.option("--key", type=click.UUID, help="Idempotency key; a new one if left out.")


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


@cli.command(help="Find products for every published demand, then assign all open demands within capacity.")
@click.option("--most-asked", type=click.IntRange(1, MOST_ASKED), default=MOST_ASKED, show_default=True)
@click.option("--seconds", type=click.IntRange(1, 600), default=20, show_default=True, help="For the solver.")
@as_option
@terminal.json_option
def run(most_asked: int, seconds: int, email: str | None, as_json: bool) -> None:
    origin = _origin(email, None)
    waiting = queries.waiting(viewer=origin.actor)
    found = [
        commands.match_demand(demand_id=key, origin=origin.child(f"match {key}"))
        for key in terminal.progress(waiting, "matching")
    ]
    told = commands.assign_batch(
        most_asked=most_asked, time_limit_ms=seconds * 1000, origin=origin.child("assign")
    )
    terminal.emit(
        {
            "matched": len(found),
            "met": sum(f["met"] for f in found),
            "possible": sum(f["possible"] for f in found),
            "proposed": sum(f["proposed"] for f in found),
        }
        | told,
        as_json=as_json,
    )


@cli.command(name="list", help="Demands: one's own, or all that one may see.")
@click.option("--state", default="")
@click.option("--territory", default="")
@click.option("--cursor", default="")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@as_option
@terminal.json_option
def list_(state: str, territory: str, cursor: str, limit: int, email: str | None, as_json: bool) -> None:
    page = queries.demands(
        state=state, territory=territory, cursor=cursor, limit=limit, viewer=_actor(email)
    )

    def table(out: Console) -> None:
        head = ["id", "企业 company", "状态 state", "金额 amount", "币种", "天", "推荐", "已送", "报价"]
        out.print(
            terminal.rows(
                "需求 demands", head,
                [
                    [d.id, d.company_zh, d.state, d.amount_minor, d.currency, d.tenor_days, d.proposed, d.sent, d.offers]
                    for d in page.items
                ],
            )
        )  # fmt: skip

    terminal.emit({"items": page.items, "next": page.next}, as_json=as_json, table=table)


@cli.command(help="The matches of one demand in the order of the ranking, each with its score and its reasons.")
@click.argument("demand_id", type=click.UUID)
@click.option("--cursor", default="")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@as_option
@terminal.json_option
def show(demand_id: UUID, cursor: str, limit: int, email: str | None, as_json: bool) -> None:
    page = queries.matches(
        demand_id=demand_id, now=timezone.now(), cursor=cursor, limit=limit, viewer=_actor(email)
    )

    def table(out: Console) -> None:
        head = ["", "产品 product", "机构 institution", "", "得分 score", "状态 state", "缺什么 missing"]
        out.print(
            terminal.rows(
                f"{page.objective_zh} / {page.objective_en}", head,
                [
                    [
                        m.rank, m.product.name_zh, m.product.institution_zh, m.verdict, str(m.score), m.state,
                        "；".join(c.zh for c in m.missing),
                    ]
                    for m in page.items
                ],
            )
        )  # fmt: skip

    terminal.emit(
        {
            "demand": demand_id,
            "objective": page.objective,
            "objective_zh": page.objective_zh,
            "objective_en": page.objective_en,
            "items": page.items,
            "next": page.next,
        },
        as_json=as_json,
        table=table,
    )


@cli.command(help="Why one product is, may be or is not for one demand.")
@click.argument("demand_id", type=click.UUID)
@click.argument("product_id", type=click.UUID)
@as_option
@terminal.json_option
def why(demand_id: UUID, product_id: UUID, email: str | None, as_json: bool) -> None:
    found = queries.why(
        demand_id=demand_id, product_id=product_id, on=timezone.localdate(), viewer=_actor(email)
    )

    def table(out: Console) -> None:
        head = ["", "条件 wanted", "实际 value", "来源 source", "举措"]
        out.print(
            terminal.rows(
                f"{found.product.name_zh}: {found.verdict}", head,
                [[r.verdict, r.zh, r.value_zh, r.source_zh, r.measure] for r in found.reasons],
            )
        )  # fmt: skip
        for change in found.nearest or ():
            out.print(f"→ {change.zh} / {change.en}")

    terminal.emit(
        {"verdict": found.verdict, "product": found.product, "reasons": found.reasons, "nearest": found.nearest},
        as_json=as_json,
        table=table,
    )


@cli.command(help="Send one match to its institution.")
@click.argument("match_id", type=click.UUID)
@as_option
@key_option
@terminal.json_option
def send(match_id: UUID, email: str | None, key: UUID | None, as_json: bool) -> None:
    terminal.emit(
        {"match": commands.send_match(match_id=match_id, origin=_origin(email, key))}, as_json=as_json
    )


@cli.command(help="What waits for an institution's answer, the earliest due first.")
@click.option("--state", type=click.Choice(["open", "all", *MatchState]), default="open", show_default=True)
@click.option("--overdue/--in-time", default=None)
@click.option("--cursor", default="")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@as_option
@terminal.json_option
def queue(
    state: str, overdue: bool | None, cursor: str, limit: int, email: str | None, as_json: bool
) -> None:
    page = queries.queue(
        now=timezone.now(), state=state, overdue=overdue, cursor=cursor, limit=limit, viewer=_actor(email)
    )

    def table(out: Console) -> None:
        head = ["match", "企业 company", "产品 product", "金额 amount", "币种", "状态 state", "答复期限 due", "逾期"]
        out.print(
            terminal.rows(
                "待办 queue", head,
                [
                    [
                        q.match_id, q.company_zh, q.product_zh, q.amount_minor, q.currency, q.state,
                        q.due_at.isoformat(timespec="minutes") if q.due_at else "", "!" if q.overdue else "",
                    ]
                    for q in page.items
                ],
            )
        )  # fmt: skip

    terminal.emit({"items": page.items, "next": page.next}, as_json=as_json, table=table)


@cli.group(help="Answer a match: offer, ask, refuse.")
def answer() -> None: ...


@answer.command(name="offer", help="Offer an amount (minor units) at a yearly rate (basis points).")
@click.argument("match_id", type=click.UUID)
@click.option("--amount-minor", type=int, required=True)
@click.option("--rate-bp", type=int, required=True)
@click.option("--tenor-days", type=int, required=True)
@click.option("--conditions", default="")
@click.option("--days", type=click.IntRange(1, 180), default=15, show_default=True, help="The offer holds so long.")
@as_option
@key_option
@terminal.json_option
def answer_offer(
    match_id: UUID, amount_minor: int, rate_bp: int, tenor_days: int, conditions: str, days: int, email: str | None,
    key: UUID | None, as_json: bool,
) -> None:  # fmt: skip
    origin = _origin(email, key)
    made = commands.offer(
        match_id=match_id, amount_minor=amount_minor, rate_bp=rate_bp, tenor_days=tenor_days, conditions=conditions,
        # To the day, so that the same key asked again a moment later is the same request.
        valid_until=(origin.at + timedelta(days=days)).replace(hour=15, minute=59, second=59, microsecond=0),
        origin=origin,
    )  # fmt: skip
    terminal.emit({"match": made, "state": "OFFERED", "rate": percent(rate_bp)}, as_json=as_json)


@answer.command(name="ask", help="Ask the company something.")
@click.argument("match_id", type=click.UUID)
@click.option("--question", required=True)
@click.option("--field", "fields", multiple=True, help="A fact that is wanted; may be repeated.")
@click.option("--document", "documents", multiple=True, help="A paper that is wanted; may be repeated.")
@as_option
@key_option
@terminal.json_option
def answer_ask(
    match_id: UUID, question: str, fields: tuple[str, ...], documents: tuple[str, ...], email: str | None,
    key: UUID | None, as_json: bool,
) -> None:  # fmt: skip
    made = commands.ask(
        match_id=match_id, question=question, fields=list(fields), documents=list(documents),
        origin=_origin(email, key),
    )  # fmt: skip
    terminal.emit({"ask": made, "match": match_id, "state": "ASKED"}, as_json=as_json)


@answer.command(name="refuse", help="Say no, with a reason code.")
@click.argument("match_id", type=click.UUID)
@click.option("--reason", type=click.Choice([*REFUSALS]), required=True)
@click.option("--note", default="")
@as_option
@key_option
@terminal.json_option
def answer_refuse(
    match_id: UUID, reason: str, note: str, email: str | None, key: UUID | None, as_json: bool
) -> None:
    made = commands.refuse(match_id=match_id, reason=reason, note=note, origin=_origin(email, key))
    terminal.emit({"match": made, "state": "REFUSED", "reason": REFUSALS[reason].en}, as_json=as_json)


@cli.command(help="Accept an offer.")
@click.argument("match_id", type=click.UUID)
@as_option
@key_option
@terminal.json_option
def accept(match_id: UUID, email: str | None, key: UUID | None, as_json: bool) -> None:
    made = commands.accept_offer(match_id=match_id, origin=_origin(email, key))
    terminal.emit({"match": made, "state": "ACCEPTED"}, as_json=as_json)


@cli.command(help="How institutions keep their promises.")
@terminal.json_option
def promises(as_json: bool) -> None:
    found = queries.promises(now=timezone.now(), viewer=SYSTEM)

    def table(out: Console) -> None:
        head = ["机构 institution", "守诺 kept", "失诺 broken", "进行中", "逾期", "中位小时"]
        out.print(
            terminal.rows(
                "承诺 promises", head,
                [[p.institution_zh, p.kept, p.broken, p.running, p.overdue, str(p.median_hours or "")] for p in found],
            )
        )  # fmt: skip

    terminal.emit({"items": found}, as_json=as_json, table=table)


@cli.command(help="From published to accepted.")
@click.option("--by", type=click.Choice(["all", "territory", "institution"]), default="territory", show_default=True)
@as_option
@terminal.json_option
def funnel(by: str, email: str | None, as_json: bool) -> None:
    found: Any = queries.funnel(by=by, viewer=_actor(email))

    def table(out: Console) -> None:
        head = ["", "发布", "匹配", "答复", "报价", "成交", "拒绝", "中位小时"]
        out.print(
            terminal.rows(
                "漏斗 funnel", head,
                [
                    [f.group_zh, f.published, f.matched, f.claimed, f.offered, f.accepted, f.refused, str(f.median_answer_hours or "")]
                    for f in found
                ],
            )
        )  # fmt: skip

    terminal.emit({"items": found}, as_json=as_json, table=table)
