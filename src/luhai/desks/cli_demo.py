"""luhai demo: set up the invented corridor, run the main job, print its result, serve the site."""

from __future__ import annotations

import os
from time import perf_counter
from typing import Any

import click

from luhai.shell import terminal
from luhai.shell.texts import in_words

from . import cli_lane

os.environ["LUHAI_DEMO"] = "1"


@click.command(name="demo", help="Set up the invented corridor, run the main job, serve. 演示：装好虚构通道、跑主业务、启动网站。")
@click.option("--once", is_flag=True, help="Run the job and stop; do not serve.")
@click.option("--seed", type=click.IntRange(0, 2**31), default=4, show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@terminal.json_option
def cli(once: bool, seed: int, port: int, as_json: bool) -> None:
    from django.conf import settings
    from django.utils import timezone

    from luhai.shell import journal, postgres, schema

    from . import demo, demo_evaluation, demo_lane, demo_releases

    if postgres.database_url():
        raise click.UsageError("The demo signs anybody in with one click, so it runs on the embedded database only; unset DATABASE_URL.")
    settings.DEMO = True
    started, said = perf_counter(), ""
    with terminal.steps("Luhai 陆海智融通") as say:
        say("The database")
        schema.bring_up_to_date()
        result = demo.loaded(seed, "small")
        if result is None:
            result = demo.load(seed=seed, size="small", now=timezone.now(), say=say)
        lane, released, evaluated = demo_lane.played(seed), None, None
        try:
            if lane is None:
                say("One shipment from document to statistics")
                lane = demo_lane.load(demo.cast_of(seed), seed, timezone.now())
            else:
                demo_lane.close_until_yesterday(timezone.now())
            say("Statistics released, territories evaluated")
            released = demo_releases.load(seed, timezone.now())
            evaluated = demo_evaluation.load(seed, timezone.now())
        except journal.OtherKey as no:  # a restored dump without its state folder: all is there, and nothing can be sealed
            said = in_words(no)
    if said:
        terminal.note(said)
    result = {**result, "lane": lane, "released": released, "evaluated": evaluated, "seed": seed, "seconds": round(perf_counter() - started, 2)}
    shown = demo.best_matches()
    terminal.emit({**result, "best": shown}, as_json=as_json, table=lambda out: _table(out, result, shown))
    if not once:
        from luhai.shell.serving import serve

        serve("luhai.config.wsgi:application", "127.0.0.1", port, 2, jobs=True)


def _table(out: Any, result: dict[str, Any], shown: list[dict[str, Any]]) -> None:
    out.print(
        terminal.rows(
            "需求 → 产品  Demands matched",
            ["企业 company", "需求 demand", "产品 product", "机构 institution", "状态 state", "依据 measures"],
            [
                [m["company"], m["demand"], m["product"], m["institution"], m["state"], " ".join(m["measures"][:3])]
                for m in shown
            ],
        )
    )
    names = ("measures", "companies", "institutions", "products", "demands", "matches", "sent", "offers", "accepted", "seconds")
    if result["lane"] is not None:
        cli_lane.table(out, result["lane"])
    out.print("  ".join(f"{name} {result[name]}" for name in names if name in result))
