"""luhai products: the shelf on the command line."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import click
from rich.console import Console

from luhai.kernel.origin import PUBLIC
from luhai.shell import terminal

from . import queries
from .policy import DOCUMENTS, KINDS
from .queries import ProductCard


@click.group(name="products", help="The shelf of financial products. 产品。")
def cli() -> None: ...


@cli.command(help="Products on the shelf, newest first.")
@click.option("--text", default="", help="Words of the name, the summary or the institution.")
@click.option("--kind", type=click.Choice([*KINDS]), default=None)
@click.option("--territory", default="", help="GB/T 2260, six digits.")
@click.option("--collateral", default="", help="A code, such as receivable.")
@click.option("--cursor", default="", help="`next` of the page before.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@terminal.json_option
def shelf(
    text: str, kind: str | None, territory: str, collateral: str, cursor: str, limit: int, as_json: bool
) -> None:
    page = queries.shelf(
        text=text, kind=kind or "", territory=territory, collateral=collateral, cursor=cursor, limit=limit,
        viewer=PUBLIC,
    )  # fmt: skip

    def table(out: Console) -> None:
        out.print(
            terminal.rows(
                f"{len(page.items)} / {page.total}",
                ["产品 product", "机构 institution", "类别 kind", "币种", "价格 price", "期限 days", "答复 hours", "id"],
                [
                    [
                        p.name_zh, p.institution_zh, KINDS[p.kind].zh, p.currency, price(p),
                        f"{p.tenor_min_days}–{p.tenor_max_days}", p.promise_hours, p.id,
                    ]
                    for p in page.items
                ],
            )
        )  # fmt: skip

    terminal.emit({"items": page.items, "next": page.next, "total": page.total}, as_json=as_json, table=table)


@cli.command(help="One product: its terms, its criteria with their measures, its versions.")
@click.argument("product_id", type=click.UUID)
@click.option("--version", type=click.IntRange(1), default=None)
@terminal.json_option
def show(product_id: UUID, version: int | None, as_json: bool) -> None:
    found = queries.product(product_id=product_id, version=version, viewer=PUBLIC)
    card = found.card

    def table(out: Console) -> None:
        lines: list[list[Any]] = [
            ["名称 name", f"{card.name_zh} / {card.name_en}"],
            ["机构 institution", f"{card.institution_zh} / {card.institution_en}"],
            ["类别 kind", f"{KINDS[card.kind].zh} / {KINDS[card.kind].en}"],
            ["价格 price", price(card)],
            ["材料 documents", "、".join(DOCUMENTS[d].zh for d in found.documents)],
            ["举措 measures", " ".join(card.measures)],
            ["版本 version", f"{card.version} ({card.state})"],
        ]
        out.print(terminal.rows(str(card.id), ["", ""], lines))
        out.print(
            terminal.rows("条件 criteria", ["", "", "举措"], [[t.zh, t.en, t.measure] for t in found.texts])
        )
        out.print(
            terminal.rows(
                "版本 versions", ["", "", "SHA-256"], [[h.version, h.published_at.isoformat(), h.digest] for h in found.history]
            )
        )  # fmt: skip

    terminal.emit({"product": found}, as_json=as_json, table=table)


def price(card: ProductCard) -> str:
    """Basis points for people: 3.20–4.50 %."""
    low, high = (f"{bp // 100}.{bp % 100:02d}" for bp in (card.price_min_bp, card.price_max_bp))
    return f"{low}–{high} %"
