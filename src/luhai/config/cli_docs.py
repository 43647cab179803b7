"""luhai docs: build the papers made from parts."""

from __future__ import annotations

import click

from luhai.shell import terminal


@click.group(name="docs", help="Build the papers made from parts. 文档生成。")
def cli() -> None: ...


@cli.command(help="Write docs/articles.md and GLOSSARY.md from their parts.")
@terminal.json_option
def build(as_json: bool) -> None:
    from . import papers

    terminal.emit({"changed": papers.build()}, as_json=as_json)
