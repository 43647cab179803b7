"""luhai texts: say which texts have no Chinese yet."""

from __future__ import annotations

from pathlib import Path

import click

from . import terminal, texts


@click.group(name="texts", help="Texts in two languages. 双语文本。")
def cli() -> None: ...


@cli.command(help="Name the texts without Chinese; exit 1 if there are any.")
@terminal.json_option
def check(as_json: bool) -> None:
    absent = texts.missing()
    terminal.emit({"missing": {k: sorted(v) for k, v in sorted(absent.items())}, "used": len(texts.used())}, as_json=as_json)
    if absent:
        raise SystemExit(1)


@cli.command(help="Print a draft catalogue with the missing texts of one folder.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def draft(folder: Path) -> None:
    click.echo(texts.draft(folder.resolve()))


@cli.command(name="compile", help="Compile the catalogues.")
def compile_() -> None:
    click.echo(f"{texts.compile_all()} compiled", err=True)
