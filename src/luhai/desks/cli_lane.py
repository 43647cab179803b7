"""luhai lane run, attack: one shipment from document to statistics; as it should be, and with an enemy in it. Everything is counted again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import click

from luhai.shell import terminal

#: The story takes eighteen days; it is told of so many days ago.
BEGAN_DAYS_AGO = 40


@click.group(help="One shipment from document to statistics. 一单通道：从单证到统计。")
def cli() -> None: ...


@cli.command(help="Play it through the subjects' own commands, then count everything again. All in it is invented and marked so. 演一票货，并重算。")
@click.option("--shipments", type=click.IntRange(1, 200), default=1, show_default=True, help="How many, one after the other.")
@click.option("--seed", type=click.IntRange(0, 2**31), default=4, show_default=True, help="Which cast and which numbers.")
@click.option("--until", default=None, help="The last step to play; see the names in the output.")
@terminal.json_option
def run(shipments: int, seed: int, until: str | None, as_json: bool) -> None:
    from django.utils import timezone

    from luhai.shell import schema

    from . import demo

    with terminal.steps("一单通道 Lane") as say:
        say("The database")
        schema.bring_up_to_date()
        say(f"{shipments} shipment(s)")
        found = play(demo.cast_of(seed), shipments=shipments, until=until, now=timezone.now())
    terminal.emit(found, as_json=as_json, table=lambda out: table(out, found))
    if found["stopped"] or not found["recounted"]["agrees"]:
        raise SystemExit(1)


@cli.command(help="Play it with an enemy in it, on a database of its own: every attack by name, and a recount after each. 逐一攻击，逐一重算。")
@click.option("--only", multiple=True, metavar="NAME", help="This attack alone; may be given several times.")
@click.option("--list", "listed", is_flag=True, help="Say which attacks there are, and play none.")
@click.option("--seed", type=click.IntRange(0, 2**31), default=4, show_default=True, help="Which casts and which numbers.")
@terminal.json_option
def attack(only: tuple[str, ...], listed: bool, seed: int, as_json: bool) -> None:
    from django.utils import timezone

    from .lane import attack as attacks

    every = {name: " ".join((one.__doc__ or "").split()) for name, one in attacks.chosen(only).items()}
    if listed:
        told: dict[str, Any] = {"attacks": [{"name": name, "en": words} for name, words in every.items()], "of": len(every)}
        terminal.emit(told, as_json=as_json, table=lambda out: out.print(terminal.rows("攻击 Attacks", ["名称 name", "做法 how"], every.items())))
        return
    found = attacks.run(only, seed=seed, now=timezone.now(), tell=terminal.note)
    terminal.emit(found, as_json=as_json, table=lambda out: out.print(attacked(found)))
    if found["held"] < found["of"]:
        raise SystemExit(1)


def attacked(found: dict[str, Any]) -> Any:
    return terminal.rows(
        f"攻击 Attacks: {found['held']} / {found['of']}",
        ["名称 name", "守住 held", "代码 code", "重算 recounted", "秒 s", "为何 why"],
        [
            [one["name"], "✓" if one["held"] else "✗", one["code"], "✓" if one["recounted"] else "✗", one["seconds"], one["why"]]
            for one in found["attacks"]
        ],
    )


def play(cast: Any, *, shipments: int, until: str | None, now: datetime) -> dict[str, Any]:
    """What was played: the first shipment, the others, every step, where one was stopped, the statistics' rows, and the recount.

    A shipment on which somebody else has acted meanwhile is stopped where that is refused; the others go on.
    """
    from luhai.kernel.refusal import Refusal

    from .lane import play as lane
    from .lane import recount, stage

    if until is not None:
        lane.place_of(until)  # a name that is none is nobody's refusal
    steps: list[dict[str, Any]] = []
    stopped: list[dict[str, Any]] = []
    stages = []
    for number in range(1, shipments + 1):
        one = stage.load(cast, number, clock=now - timedelta(days=BEGAN_DAYS_AGO))
        stages.append(one)
        played: list[lane.Played] = []
        try:
            lane.play(one, until, now=now, into=played)
        except Refusal as refusal:
            stopped.append({"shipment": number, "after": played[-1].step.name if played else None, "code": refusal.code})
        steps += lane.told(one, [p for p in played if number == 1 or not p.step.deal])
    read = recount.gathered(now)
    return {
        "lane": lane.described(stages[0]), "shipments": [lane.described(one) for one in stages[1:]], "steps": steps, "stopped": stopped,
        "gathered": read, "statistics": recount.rows_of(stages[0]), "recounted": recount.recounted(),
    }  # fmt: skip


def table(out: Any, found: dict[str, Any]) -> None:
    """The chain from document to statistics, for a person; both languages."""
    lane = found["lane"]
    people = lane["parties"]
    out.print(
        "  ".join(f"{name} {people[name]['name_zh'] or people[name]['name_en']}" for name in ("exporter", "carrier", "importer", "officer"))
    )
    out.print(f"提单 {lane['bill_no']}  箱号 {lane['container']}  报关单 {lane['declaration_no']}  发票 {lane['invoice_no']}")
    out.print(
        terminal.rows(
            "单证到统计 From document to statistics",
            ["时间 at", "步骤 step", "谁 who", "过账 postings", "权利 title", "单证 use", "措施 measures"],
            [
                [
                    step["at"][:16].replace("T", " "), f"{step['zh']}\n{step['en']}" if len(found["steps"]) < 40 else step["name"],
                    " ".join(step["who"]), money(step["postings"]), " ".join(t["act"] for t in step["titles"]),
                    " ".join(f"{u['act']} {u['amount'] / 100:,.2f} {u.get('currency', '')}".strip() for u in step["uses"]),
                    " ".join(step["measures"]),
                ]
                for step in found["steps"]
            ],
        )
    )  # fmt: skip
    out.print(
        terminal.rows(
            "统计 Statistics",
            ["指标 indicator", "月 month", "地区 territory", "数 value", "笔 count", "本票事件 this shipment's events"],
            [
                [
                    f"{row['zh']} {row['en']}", row["month"], row["name_zh"], f"{row['value'] / 100:,.2f} {row['currency']}",
                    row["count"], " ".join(f"#{e['position']} {e['event']}" for e in row["own"]),
                ]
                for row in found["statistics"]
            ],
        )
    )  # fmt: skip
    out.print(
        terminal.rows(
            "重算 Recounted",
            ["账 of", "查了什么 looked at", "相符 agrees"],
            [
                [name, "  ".join(f"{k} {v}" for k, v in one.items() if isinstance(v, int) and not isinstance(v, bool)), "✓" if one["agrees"] else "✗"]
                for name, one in found["recounted"].items()
                if isinstance(one, dict)
            ],
        )
    )  # fmt: skip


def money(postings: list[dict[str, Any]]) -> str:
    """What moved, by what it was for."""
    sums: dict[tuple[str, str], int] = {}
    for p in postings:
        sums[p["code"], p["unit"]] = sums.get((p["code"], p["unit"]), 0) + p["amount"]
    return "\n".join(f"{code} {amount / 100:,.2f} {unit}" for (code, unit), amount in sums.items())
