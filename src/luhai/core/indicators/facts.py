"""Facts as columns, in Parquet: one schema, one folder a day, one file a part. Pure: it knows no table and no framework.

    <root>/day=2026-03-02/<first>-<last>.parquet      first and last: positions of the journal

A file appears whole or not at all: it is written under another name, forced to the disk and renamed. Which files count, a manifest says
(`oversight/statistics`), never a listing of the folder. Rows lie by position, index and kind, so that the same facts make the same bytes.

Read files by `read`, or by their names: `pyarrow.parquet.read_table` would take `day=` in a path for a second column of that name.
Sources: domain notes on oversight §1.2 (dimensions); the layout is what Hive, Spark and DuckDB call partitioned.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from .dimensions import DIMENSIONS, NOT_STATED, TOTAL, Dimension, term_of

__all__ = ["DIMENSIONS", "KINDS", "NOT_STATED", "SCHEMA", "TOTAL", "Dimension", "Written", "digest", "read", "sweep", "term_of", "write_part"]

#: What happened: principal lent, principal that came back, a payment from abroad credited, one sent back.
KINDS: Final = ("drawn", "repaid", "received", "returned")

#: One row, one fact. Amounts in minor units; `rate_bp` a yearly rate, of loans only; `holder` the group that counts as one contributor.
SCHEMA: Final = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False), pa.field("index", pa.int32(), nullable=False),
        pa.field("kind", pa.string(), nullable=False), pa.field("day", pa.date32(), nullable=False),
        pa.field("month", pa.date32(), nullable=False), pa.field("territory", pa.string(), nullable=False),
        pa.field("bank", pa.string(), nullable=False), pa.field("company", pa.string(), nullable=False),
        pa.field("holder", pa.string(), nullable=False), pa.field("currency", pa.string(), nullable=False),
        pa.field("amount", pa.int64(), nullable=False), pa.field("rate_bp", pa.int32()),
        pa.field("country", pa.string(), nullable=False), pa.field("documented", pa.bool_(), nullable=False),
        pa.field("size", pa.string(), nullable=False), pa.field("industry", pa.string(), nullable=False),
        pa.field("term", pa.string(), nullable=False), pa.field("route", pa.string(), nullable=False),
        pa.field("guarantee", pa.string(), nullable=False), pa.field("green", pa.string(), nullable=False),
    ]
)  # fmt: skip

#: Rows of one group of a file; also how many are held in memory at once while one is written.
GROUP: Final = 122_880  # DuckDB's own size of a row group
_HALF: Final = ".half"


@dataclass(frozen=True, slots=True)
class Written:
    """A part that lies on the disk: its path below the root, its day, its first and last position, its rows, and its bytes' SHA-256."""

    path: str
    day: date
    first: int
    last: int
    rows: int
    digest: str


def write_part(root: Path, day: date, first: int, last: int, rows: Iterable[Mapping[str, Any]] | pa.Table) -> Written:
    """Write one day's facts from `first` to `last` as one file, which is then there whole and on the disk, also after a power cut.

    Rows must be in the order of position, index and kind, and of that day. A file of that name is replaced.
    Refuses: ValueError (a row that is not of the schema, the day or the positions; none at all).
    """
    folder = root / f"day={day.isoformat()}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{first}-{last}.parquet"
    half = folder / f"{path.name}{_HALF}"
    count = 0
    with half.open("wb") as file:
        with pq.ParquetWriter(file, SCHEMA, compression="zstd", write_statistics=True) as writer:
            for table in _tables(rows):
                _belongs(table, day, first, last)
                writer.write_table(table, row_group_size=GROUP)
                count += table.num_rows
        file.flush()
        os.fsync(file.fileno())
    if not count:
        half.unlink()
        raise ValueError("a part without a fact")
    found = digest(half)
    half.rename(path)
    _settle(folder)
    _settle(root)
    return Written(path.relative_to(root).as_posix(), day, first, last, count, found)


def _tables(rows: Iterable[Mapping[str, Any]] | pa.Table) -> Iterator[pa.Table]:
    if isinstance(rows, pa.Table):
        yield rows.select(SCHEMA.names).cast(SCHEMA)
        return
    left = iter(rows)
    while some := list(islice(left, GROUP)):
        yield pa.Table.from_pylist(some, schema=SCHEMA)


def _belongs(table: pa.Table, day: date, first: int, last: int) -> None:
    table.validate()
    if any(table.column(f.name).null_count for f in SCHEMA if not f.nullable):
        raise ValueError("a fact lacks something that every fact has")
    if table.column("day").unique().to_pylist() != [day]:
        raise ValueError(f"a fact that is not of {day}")
    positions = table.column("position").to_numpy()
    if positions.min() < first or positions.max() > last:
        raise ValueError(f"a fact that is not from {first} to {last}")


def _settle(folder: Path) -> None:
    """A name is on the disk once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(files: Sequence[Path], columns: Sequence[str] | None = None) -> pa.Table:
    """The facts of these files, in their order, as one table; none gives an empty one."""
    wanted = list(columns) if columns is not None else SCHEMA.names
    tables = [pq.ParquetFile(file).read(columns=wanted).select(wanted) for file in files]
    empty = pa.schema([SCHEMA.field(name) for name in wanted]).empty_table()
    return pa.concat_tables([empty, *tables])


def digest(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(root: Path, keep: Iterable[str]) -> list[str]:
    """Delete what lies below the root and is not to be kept: halves, and parts that no manifest names. Answers what was deleted.

    Only for whoever is alone in writing there.
    """
    kept = set(keep)
    gone = []
    for path in sorted([*root.glob("day=*/*.parquet"), *root.glob(f"day=*/*{_HALF}")]):
        name = path.relative_to(root).as_posix()
        if name not in kept:
            path.unlink(missing_ok=True)
            gone.append(name)
    for folder in {(root / name).parent for name in gone}:
        if not any(folder.iterdir()):
            folder.rmdir()
    return gone
