"""luhai audit: seal the journal, prove that nobody changed it, follow it."""

from __future__ import annotations

from pathlib import Path

import click

from . import terminal


@click.group(name="audit", help="The journal: seal, verify, read. 审计日志：封存、校验、查阅。")
def cli() -> None: ...


@cli.command(help="Recount the journal and name what was edited, deleted, cut off or rebuilt.")
@click.option("--against", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Roots kept elsewhere.")
@terminal.json_option
def verify(against: Path | None, as_json: bool) -> None:
    from . import journal

    result = journal.verify(against=against)
    terminal.emit(result, as_json=as_json)
    if not result["intact"]:
        raise SystemExit(1)


@cli.command(help="Give positions to all committed entries and seal them now.")
@terminal.json_option
def seal(as_json: bool) -> None:
    from django.utils import timezone

    from . import journal

    terminal.emit({"sealed": journal.seal(at=timezone.now()), "roots": str(journal.roots_file())}, as_json=as_json)


@cli.command(help="Read the events after a position.")
@click.option("--after", type=int, default=0)
@click.option("--limit", type=click.IntRange(1, 10_000), default=100)
@terminal.json_option
def events(after: int, limit: int, as_json: bool) -> None:
    from . import journal

    found = journal.events_after(after, limit=limit)
    terminal.emit(
        {"events": found},
        as_json=as_json,
        table=lambda out: out.print(
            terminal.rows(
                "Events", ["position", "what", "subject", "command", "measures"],
                [[e.position, e.kind, e.subject, e.command, " ".join(e.measures)] for e in found],
            )
        ),
    )  # fmt: skip
