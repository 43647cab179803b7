"""How every command of the command line speaks: a table for people, one JSON object for programs.

With `--json` the last line of standard output is one JSON object and nothing else goes there; progress,
notes and refusals go to standard error. Exit code 0 done, 1 refused, 2 misused.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object. 输出 JSON。")
# A pipe has no width of its own; wide enough for our tables.
out = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, highlight=False)


def emit(result: Mapping[str, Any], *, as_json: bool, table: Callable[[Console], None] | None = None) -> None:
    """Print `result` for a program, or let `table` print it for a person (by default: name and value)."""
    if as_json:
        sys.stdout.write(json.dumps(to_jsonable_python(result), ensure_ascii=False) + "\n")
        sys.stdout.flush()
    elif table is not None:
        table(out)
    else:
        grid = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        for name, value in to_jsonable_python(result).items():
            grid.add_row(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        out.print(grid)


def rows(title: str, head: Sequence[str], body: Iterable[Sequence[object]]) -> Table:
    """A table with a title; numbers are set to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None)
    body = [list(row) for row in body]
    for index, name in enumerate(head):
        numeric = bool(body) and all(isinstance(row[index], int | float) for row in body)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in body:
        table.add_row(*[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row])
    return table


def note(text: str) -> None:
    """Say something to the person, on standard error."""
    err.print(text)


@contextmanager
def steps(title: str) -> Iterator[Callable[[str], None]]:
    """Show which step of a long work is under way, on standard error; plain lines where there is no terminal."""
    if err.is_terminal:
        with err.status(title) as status:
            yield lambda text: status.update(text)
    else:
        yield lambda text: err.print(text)


def progress(items: Sequence[T], label: str) -> Iterator[T]:
    """Go through `items` with a bar on standard error."""
    with Progress(
        TextColumn(label), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn(),
        console=err, transient=True, disable=not err.is_terminal,
    ) as bar:  # fmt: skip
        yield from bar.track(items, total=len(items))
