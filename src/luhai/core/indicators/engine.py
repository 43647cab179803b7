"""Cells from files of facts: the same Ibis expressions on DuckDB in the process and on Spark. Pure; whole numbers only.

    compute("duckdb", files, INDICATORS.values(), ["2026-03"], CUBES, upto) -> [Cell, …]

Facts are read once, whatever is asked of them. The expressions are those of `expressions.py`; here files are opened, tables in between kept,
and answers read. How it works and what it costs: docs/algorithms/indicators.md.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from .definitions import Indicator, Rates, converted, quotient
from .dimensions import TOTAL
from .expressions import COLUMNS, Cube, Plan, combined, fine, finest, folded, holders, plans

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = ["COLUMNS", "CUBES", "ENGINES", "MASTER", "Cell", "Cube", "EngineMissing", "cells", "compute", "computed", "opened", "prune"]

ENGINES: Final = ("duckdb", "spark")
#: Where Spark is: its address. Left out, it runs beside this process with two threads.
MASTER: Final = "LUHAI_SPARK_MASTER"

#: The standard release: territories, and territories by each other dimension, with all totals.
CUBES: Final[tuple[Cube, ...]] = (
    ("territory",),
    *(("territory", name) for name in COLUMNS if name not in {"territory", "currency"}),
)


class EngineMissing(Exception):
    """The engine asked for cannot run here. Says what it needs."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure. `key`: codes in the order of DIMENSIONS, `_T` where totalled. Amounts in minor units of its currency.

    FLOW, STOCK: value = opening + added − taken. MEAN, SHARE: value = numerator ÷ denominator in the unit of the definition (of a mean, the
    numerator is Σ amount·weight), and None where a rate lacks by which an amount in it would be converted. `count` facts stand
    behind it, from `first` to `last` in the journal; `contributors` holders do, each with an amount that is not nil, of which `largest` and
    `second` are the two largest, without sign (of a quotient: in its denominator).
    """

    indicator: str
    month: str
    key: tuple[str, ...]
    opening: int
    added: int
    taken: int
    numerator: int
    denominator: int
    value: int | None
    count: int
    contributors: int
    largest: int
    second: int
    first: int
    last: int


# --- asking -------------------------------------------------------------------------------------------------------------


def compute(
    engine: str, files: Iterable[Path | str], indicators: Iterable[Indicator], months: Iterable[date | str], cubes: Iterable[Cube] = CUBES,
    upto: int | None = None, *, rates: Rates | None = None,
) -> list[Cell]:  # fmt: skip
    """Every cell of the indicators in these months and cubes, of facts up to a position of the journal; each cell once, in order.

    Only files of days that matter are opened, by the `day=` in their paths.
    Units:   months as "2026-03" or date(2026, 3, 1). `rates`: see definitions; only for indicators that convert.
    Refuses: ValueError (engine, month, cube, rate), EngineMissing.
    """
    wanted, on, asked = tuple(indicators), _months(months), tuple(cubes)
    if engine not in ENGINES:
        raise ValueError(f"engine: one of {', '.join(ENGINES)}, not {engine!r}")
    combined(asked)
    read = prune(files, on[0], on[-1], stocks=any(i.stock for i in wanted)) if on else []
    if not (read and wanted and asked):
        return []
    with opened(engine, read) as facts:
        return computed(facts, wanted, on, asked, upto, rates=rates)


def computed(
    facts: Table, indicators: Iterable[Indicator], months: Iterable[date | str], cubes: Iterable[Cube] = CUBES, upto: int | None = None, *,
    rates: Rates | None = None,
) -> list[Cell]:  # fmt: skip
    """As `compute`, over facts that are open already."""
    wanted, on, sets = tuple(indicators), _months(months), combined(cubes)
    found: list[Cell] = []
    with _kept(fine(facts, wanted, on, sets, upto)) as rows:
        for plan in plans(wanted):
            for month in on:
                with _kept(finest(rows, plan, month, sets, rates or {})) as few, _kept(holders(few, plan, sets)) as behind:
                    found += _read(folded(behind, plan).to_pyarrow().to_pylist(), plan, month, sets)
    return sorted(found, key=lambda c: (c.indicator, c.month, c.key))


def cells(
    table: Table, what: Indicator, months: Iterable[date | str], cube: Cube, upto: int | None = None, *, rates: Rates | None = None
) -> Table:
    """The cells of one indicator as one expression that nothing has carried out: its key by the names of the dimensions, then the sums of
    `Cell`, over `numerator` and `denominator` of a quotient in whatever they are counted in. `compute` is this for many at once."""
    import ibis

    on, sets = _months(months), combined([cube])
    (plan,) = plans([what])
    need = plan.needs[what.key]
    rows = fine(table, [what], on, sets, upto)
    parts = []
    for month in on:
        found = folded(holders(finest(rows, plan, month, sets, rates or {}), plan, sets), plan)
        found = found.filter(found[need.n] > 0)
        none: Any = ibis.literal(0).cast("decimal(38, 0)")
        key = {c: _code(found, c, sets) for c in COLUMNS}
        sums = {"opening": need.opening, "added": "" if what.quotient else need.added, "taken": need.taken, "numerator": need.over,
                "denominator": need.added if what.quotient else ""}  # fmt: skip
        most = f"m_{need.stake}"
        parts.append(
            found.select(
                month=ibis.literal(f"{month:%Y-%m}"), **key, **{k: found[v] if v else none for k, v in sums.items()}, count=found[need.n],
                contributors=found[f"c_{need.stake}"], largest=found[most],
                second=ibis.ifelse(found[f"e_{need.stake}"] > 1, found[most], found[f"s_{need.stake}"].fill_null(0)),
                first=found[need.first], last=found[need.last],
            )
        )  # fmt: skip
    first, *rest = parts
    return first.union(*rest) if rest else first


def _code(found: Table, column: str, sets: Sequence[Cube]) -> Any:
    import ibis

    if column == "currency":
        return found.unit
    branches: list[Any] = [(found.s == n, found[f"v{names.index(column)}"]) for n, names in enumerate(sets) if column in names]
    return ibis.cases(*branches, else_=TOTAL) if branches else ibis.literal(TOTAL)


def _read(rows: Iterable[Mapping[str, Any]], plan: Plan, month: date, sets: Sequence[Cube]) -> Iterator[Cell]:
    for row in rows:
        codes = dict(zip(sets[row["s"]], (row[f"v{k}"] for k in range(len(row))), strict=False)) if sets[row["s"]] else {}
        key = tuple(row["unit"] if c == "currency" else codes.get(c, TOTAL) for c in COLUMNS)
        for what in plan.indicators:
            need = plan.needs[what.key]

            def number(name: str, row: Mapping[str, Any] = row) -> int:
                return int(row[name]) if name else 0

            if not number(need.n):
                continue
            opening, added, taken, over = map(number, (need.opening, need.added, need.taken, need.over))
            most, equal = number(f"m_{need.stake}"), number(f"e_{need.stake}")
            next_ = most if equal > 1 else int(row[f"s_{need.stake}"] or 0)
            value: int | None = opening + added - taken
            if what.quotient:
                value = None if number(need.lacks) or not added else quotient(over, added, what.scale)
            if what.into:
                over, added, most, next_ = map(converted, (over, added, most, next_))
            sums = (0, 0, 0, over, added) if what.quotient else (opening, added, taken, 0, 0)
            yield Cell(
                what.key, f"{month:%Y-%m}", key, *sums, value, number(need.n), number(f"c_{need.stake}"), most, next_,
                number(need.first), number(need.last),
            )  # fmt: skip


def prune(files: Iterable[Path | str], first: date, last: date, *, stocks: bool) -> list[str]:
    """The files whose day (`day=2026-03-02` in the path) is in the months asked for; with stocks, also those of all days before."""
    kept = []
    for file in map(str, files):
        found = re.search(r"(?:^|/)day=([0-9]{4}-[0-9]{2})-[0-9]{2}/", file)
        month = _month(found[1]) if found else None
        if month is None or (month <= last and (stocks or month >= first)):
            kept.append(file)
    return kept


def _month(said: date | str) -> date:
    if isinstance(said, str):
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", said, re.ASCII):
            raise ValueError(f"month: such as 2026-03, not {said!r}")
        return date(int(said[:4]), int(said[5:]), 1)
    if said.day != 1:
        raise ValueError(f"month: its first day, not {said}")
    return said


def _months(said: Iterable[date | str]) -> list[date]:
    return sorted({_month(m) for m in said})


# --- engines ------------------------------------------------------------------------------------------------------------


@contextmanager
def opened(engine: str, files: Iterable[Path | str]) -> Iterator[Table]:
    """The facts in these files as one table of an engine. At least one file; when it closes, so do tables made from it.

    Refuses: ValueError (engine), EngineMissing.
    """
    paths = [str(f) for f in files]
    if engine == "duckdb":
        with _duckdb(paths) as table:
            yield table
    elif engine == "spark":
        with _spark(paths) as table:
            yield table
    else:
        raise ValueError(f"engine: one of {', '.join(ENGINES)}, not {engine!r}")


@contextmanager
def _kept(expression: Table) -> Iterator[Table]:
    """The expression carried out once, as a table for as long as it is needed."""
    backend: Any = expression.get_backend()
    name, sql = f"luhai_{uuid4().hex}", backend.compile(expression)
    if backend.name == "duckdb":
        backend.raw_sql(f"CREATE TEMP TABLE {name} AS {sql}")
        try:
            yield backend.table(name)
        finally:
            backend.raw_sql(f"DROP TABLE {name}")
        return
    from pyspark.sql import SparkSession

    session: Any = SparkSession.getActiveSession()
    frame = session.sql(sql).persist()
    frame.createOrReplaceTempView(name)
    frame.count()  # now, and once: who asks for it twice at the same time would have it computed twice
    try:
        yield backend.table(name)
    finally:
        session.catalog.dropTempView(name)
        frame.unpersist()


@contextmanager
def _duckdb(paths: list[str]) -> Iterator[Table]:
    import ibis

    with tempfile.TemporaryDirectory(prefix="luhai-duckdb-") as spill:
        # What does not fit into memory goes to a folder of ours; nothing is ever fetched from the network.
        backend = ibis.duckdb.connect(temp_directory=spill, autoinstall_known_extensions=False)
        try:
            yield backend.read_parquet(paths, table_name="facts", hive_partitioning=False)
        finally:
            backend.disconnect()


@contextmanager
def _spark(paths: list[str]) -> Iterator[Table]:
    """In the session that is there; else in one of ours, which ends with it."""
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise EngineMissing("Spark needs Java 17 or later: install it, or set JAVA_HOME.")
    try:
        from pyspark.sql import SparkSession
    except ModuleNotFoundError:
        raise EngineMissing("Spark needs the package pyspark: pip install 'pyspark>=4,<5'.") from None
    import ibis

    there = SparkSession.getActiveSession()
    with tempfile.TemporaryDirectory(prefix="luhai-spark-") as scratch:
        session = there or session_on(os.environ.get(MASTER) or "local[2]", scratch)
        try:
            session.read.parquet(*paths).createOrReplaceTempView("luhai_facts")
            yield ibis.pyspark.connect(session).table("luhai_facts")
        finally:
            session.catalog.dropTempView("luhai_facts")
            if there is None:
                session.stop()


def session_on(master: str, scratch: str, more: Mapping[str, str] | None = None) -> Any:
    """A Spark session: on this machine's loopback unless the cluster is elsewhere; a sum that overflows is an error. `more`: its settings."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(master).appName("luhai")
    near = master.startswith("local") or re.match(r"spark://(127\.0\.0\.1|localhost)[:/]", master)
    settings = {
        "spark.ui.enabled": "false", "spark.sql.ansi.enabled": "true", "spark.sql.session.timeZone": "UTC", "spark.local.dir": scratch,
        "spark.sql.warehouse.dir": f"{scratch}/warehouse", "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.pyspark.python": sys.executable, "spark.ui.showConsoleProgress": "false",
        **({"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1", "spark.sql.shuffle.partitions": "4"} if near else {}),
    } | dict(more or {})  # fmt: skip
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
