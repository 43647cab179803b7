"""luhai rules: parameters with their source and confidence."""

from __future__ import annotations

from datetime import date, datetime

import click
from django.utils import timezone

from luhai.kernel.origin import SYSTEM
from luhai.shell import terminal

from . import queries
from .parameters import Value


@click.group(name="rules", help="Parameters and criteria. 规则与参数。")
def cli() -> None: ...


def _row(v: Value) -> dict[str, object]:
    return {
        "key": v.key, "value": str(v.value), "unit": v.unit, "valid_from": v.valid_from, "territory": v.territory,
        "document": v.source.document, "article": v.source.article, "confidence": v.confidence,
    }  # fmt: skip


@cli.command(help="Every parameter and its values.")
@terminal.json_option
def parameters(as_json: bool) -> None:
    found = [_row(v) for p in queries.parameters(viewer=SYSTEM) for v in p.values]
    terminal.emit(
        {"parameters": found},
        as_json=as_json,
        table=lambda out: out.print(
            terminal.rows(
                "Parameters", ["key", "value", "unit", "from", "where", "source", "confidence"],
                [[r["key"], r["value"], r["unit"], r["valid_from"], r["territory"] or "", r["document"], r["confidence"]] for r in found],
            )
        ),
    )  # fmt: skip


@cli.command(help="The value of one parameter on a day.")
@click.argument("key")
@click.option("--on", "on", type=click.DateTime(["%Y-%m-%d"]), help="The day; today if left out.")
@click.option("--territory", help="GB/T 2260, six digits.")
@terminal.json_option
def value(key: str, on: datetime | None, territory: str | None, as_json: bool) -> None:
    day: date = on.date() if on else timezone.localdate()
    found = queries.value_on(key=key, on=day, territory=territory, viewer=SYSTEM)
    terminal.emit(_row(found) | {"on": day}, as_json=as_json)
