"""luhai policies: read, load and search policy documents. `parse` and `propose` need no database and no Django."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import click
from rich.console import Console

from luhai.shell import terminal

from .parse.decoding import NotText, decode
from .parse.document import parse as parse_text
from .propose import propose as propose_measures


@click.group(name="policies", help="Read, load and search policy documents. 政策库。")
def cli() -> None: ...


def _read(file: str) -> str:
    """The text of a file, or of standard input for -. A file that cannot be read is a misuse."""
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return decode(content)
    except IsADirectoryError:
        raise click.UsageError(f"{file}: is a folder") from None
    except OSError as fault:
        raise click.UsageError(f"{file}: {fault.strerror}") from None
    except NotText as fault:
        raise click.UsageError(f"{file}: {fault}") from None


@cli.command(help="Title, number, issuers, day, chapters and articles of a document (- is standard input).")
@click.argument("file")
@terminal.json_option
def parse(file: str, as_json: bool) -> None:
    found = parse_text(_read(file), "" if file == "-" else file)

    def table(out: Console) -> None:
        out.print(f"[bold]{_plain(found.title or '—')}[/bold]")
        out.print(f"{_plain(found.document_no or '—')} · {_plain('、'.join(found.issuers) or '—')} · {found.date or '—'}")
        rows, shown = [], None
        for article in found.articles:
            chapter = found.chapters[article.chapter] if article.chapter is not None else None
            name = chapter.heading if chapter is not None and article.chapter != shown else ""
            shown = article.chapter
            words = article.heading or article.text[:40].replace("\n", " ")
            rows.append([_plain(name), _plain(article.label), _plain(words), len(article.text)])
        out.print(terminal.rows(f"{len(found.articles)} articles", ["chapter", "no", "article", "characters"], rows))

    terminal.emit(found.as_dict(), as_json=as_json, table=table)


@cli.command(help="Measures that a document may contain, for a person to confirm.")
@click.argument("file")
@terminal.json_option
def propose(file: str, as_json: bool) -> None:
    text = _read(file)
    document = parse_text(text, "" if file == "-" else file)
    found = propose_measures(text, document)

    def table(out: Console) -> None:
        body = [
            [_plain(document.articles[p.article].label), p.modality.value, _plain(p.quote), " ".join(p.actors)]
            for p in found
        ]
        out.print(terminal.rows(f"{len(found)} proposals", ["article", "modality", "quote", "actors"], body))

    terminal.emit(
        {
            "title": document.title,
            "digest": document.digest,
            "proposals": [{"number": document.articles[p.article].number} | asdict(p) for p in found],
        },
        as_json=as_json,
        table=table,
    )


@cli.command(help="Load the documents that come with the platform, or import FILE with proposed measures.")
@click.argument("file", required=False)
@terminal.json_option
def load(file: str | None, as_json: bool) -> None:
    text = _read(file) if file else ""
    commands = _library("commands")
    if file is None:
        terminal.emit(commands.load_seed(origin=_origin()), as_json=as_json)
        return
    name = Path(file).name if file != "-" else "standard input"
    document = commands.import_document(name=name, text=text, origin=_origin())
    line = _library("queries").document(document_id=document, viewer=_viewer()).line
    terminal.emit(asdict(line), as_json=as_json)


@cli.command(help="Search articles and measures, in Chinese or English.")
@click.argument("words", nargs=-1)
@click.option("--article", type=int)
@click.option("--document", default="", help="A document's name.")
@click.option("--actor", default="", help="FI, BANK, PBOC, …")
@click.option("--territory", default="", help="GB/T 2260, such as 500000.")
@click.option("--modality", default="", help="MUST, BUILD, PROMOTE, SUPPORT, ENCOURAGE, EXPLORE.")
@click.option("--tag", default="")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@terminal.json_option
def search(
    words: tuple[str, ...], article: int | None, document: str, actor: str, territory: str, modality: str, tag: str, limit: int,
    as_json: bool,
) -> None:  # fmt: skip
    text = " ".join(words)
    hits = _library("queries").search(
        text=text, article=article, document=document, actor=actor, territory=territory, modality=modality, tag=tag,
        limit=limit, viewer=_viewer(),
    )  # fmt: skip

    def table(out: Console) -> None:
        body = [[h.measure or _plain(h.label), h.modality or "", _plain(h.excerpt), h.title_en] for h in hits]
        out.print(terminal.rows(f"{len(hits)} found", ["measure or article", "modality", "text", "English"], body))

    terminal.emit({"query": text, "count": len(hits), "hits": [asdict(h) for h in hits]}, as_json=as_json, table=table)


@cli.command(help="Show a measure (M12-01), a document (its name or id), or without an argument the list of documents.")
@click.argument("what", required=False)
@terminal.json_option
def show(what: str | None, as_json: bool) -> None:
    queries = _library("queries")
    from luhai.kernel.refusal import Absent

    if what is None:
        lines = queries.documents(viewer=_viewer())

        def table(out: Console) -> None:
            body = [[d.name, _plain(d.title), d.articles, d.measures, d.proposals] for d in lines]
            out.print(terminal.rows("Policy library", ["name", "title", "articles", "measures", "proposed"], body))

        terminal.emit({"documents": [asdict(d) for d in lines]}, as_json=as_json, table=table)
        return
    try:
        measure = queries.measure(code=what, viewer=_viewer())
    except Absent:
        try:
            document = queries.document(document_id=UUID(what), viewer=_viewer())
        except ValueError:
            document = queries.document(name=what, viewer=_viewer())
        terminal.emit(asdict(document), as_json=as_json, table=lambda out: _show_document(out, document))
        return
    terminal.emit(asdict(measure), as_json=as_json, table=lambda out: _show_measure(out, measure))


def _show_document(out: Console, document: Any) -> None:
    out.print(f"[bold]{_plain(document.line.title)}[/bold]  {document.line.issued_on or ''}")
    for article in document.articles:
        out.print(f"\n{_plain(article.label)}{_plain(article.heading)}  {' '.join(m.code for m in article.measures)}")
        out.print(_plain(article.text))


def _show_measure(out: Console, measure: Any) -> None:
    line = measure.line
    out.print(f"[bold]{line.code}[/bold] {line.title_en}  {line.modality}  {' '.join(line.actors)}")
    out.print(f"{_plain(line.quote)}  ({_plain(measure.document.title)}，{line.article})")
    body = [
        [a.territory, a.status, a.since, a.until or "", _plain(a.instrument_no), "invented" if a.invented else ""]
        for a in measure.adoptions
    ]
    out.print(terminal.rows("Adoptions", ["territory", "status", "since", "until", "instrument", ""], body))


def _plain(text: str) -> str:
    """Text of others, with nothing in it that the console would read as markup."""
    return text.replace("[", r"\[")


def _library(name: str) -> Any:
    """The commands or queries; loads Django, which the pure commands above do without."""
    import importlib

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luhai.config.settings")
    import django

    django.setup()
    return importlib.import_module(f"luhai.core.policies.{name}")


def _origin() -> Any:
    """Whoever has a shell on the server is the operator of the instance."""
    from django.utils import timezone

    from luhai.kernel.origin import SYSTEM, Origin

    return Origin(SYSTEM, uuid4(), timezone.now())


def _viewer() -> Any:
    from luhai.kernel.origin import SYSTEM

    return SYSTEM
