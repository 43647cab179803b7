"""Kill clients, worker and server under load, then count from outside what was lost, doubled or beyond a bound.

    run(seconds, seed, say)      on a temporary cluster with full durability; DATABASE_URL is never touched

Clients post batches whose content follows from the seed. Each writes into a file of its own, made durable by fsync:
first which batch it sends, then, once the commit has returned, the answers. Only what stands there as answered counts
as acknowledged. A client that was killed reads its file, asks its last answered batch once more (the answers must be
the same), sends the batch that has no answer again, under the same ids, and goes on. Every seventh batch is sent by
all clients at once under shared ids, by some with another amount. A worker releases expired holds by the command that
does so in production.

The parent kills them with SIGKILL at moments from the seed: a client, the worker, or of the server its first process,
one of its backends or all of them at once. After the last answer the server is killed once more. What is then found
is counted by `recount` from the rows alone, without any function of the ledger.

The seed gives the load and the order of kills; what meets what also depends on the machine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from secrets import randbelow
from typing import Any, Final, Self
from urllib.parse import quote
from uuid import UUID, uuid4, uuid5

import psutil
import psycopg

from luhai.kernel.origin import SYSTEM, Origin
from luhai.shell.postgres import DATABASE, SUPERUSER, PostgresTrouble, Server

from .policy import Account, Bound, Kind, Transfer

CLIENTS: Final = 4
UNIT: Final = "CNY"
_START: Final = datetime(2026, 3, 2, 4, tzinfo=UTC)
_NAMES: Final = UUID("7d0c7f2e-6c0e-4f7e-9f57-3a5b2a6f1f10")
_SHARED_EVERY: Final = 7
_LARGEST_BATCH: Final = 40
_PATIENCE: Final = 120.0  # seconds that a client may take to finish once it is asked to
_SOURCES: Final = Path(__file__).resolve().parents[3]


# ---- the load: everything follows from the seed ------------------------------------------------------------


def accounts(seed: int) -> list[Account]:
    """Twelve accounts on which everybody meets: a third without bound, the others bounded on either side."""
    bounds = [Bound.NONE, Bound.DEBITS, Bound.CREDITS] * 4
    return [
        Account(id=_id(seed, "account", n), unit=UNIT, kind="torture", bound=bound)
        for n, bound in enumerate(bounds)
    ]


def batch(seed: int, client: int, number: int, at: datetime) -> list[Transfer]:
    """The batch of that number. Whoever asks gets the same one, but for the times at which its holds expire."""
    shared = number % _SHARED_EVERY == 0
    sender: object = "all" if shared else client
    random = Random(f"{seed}/{sender}/{number}")
    every = accounts(seed)
    rows: list[Transfer] = []
    for place in range(random.randint(1, _LARGEST_BATCH)):
        key = _id(seed, sender, number, place)
        if place % 3 == 1 and number:
            rows.append(_end(seed, client, number, key, random))
            continue
        debit, credit = random.sample(every, 2)
        expires_at = None
        if (hold := place % 3 == 0) and not shared and random.random() < 0.7:
            expires_at = at + timedelta(milliseconds=random.randint(100, 5_000))
        rows.append(
            Transfer(
                id=key, kind=Kind.HOLD if hold else Kind.POST, debit=debit.id, credit=credit.id, unit=UNIT,
                amount=random.randint(1, 1_000), expires_at=expires_at, up_to=random.random() < 0.3,
                linked=random.random() < 0.2, code="torture",
            )
        )  # fmt: skip
    rows[-1] = replace(rows[-1], linked=False)
    if shared and client % 2 and (amount := rows[0].amount):
        rows[0] = replace(rows[0], amount=amount + client, linked=False)
    return rows


def _end(seed: int, client: int, number: int, key: UUID, random: Random) -> Transfer:
    """Settle or release, wholly or in part, something that was probably a hold of a batch before."""
    earlier = max(number - random.randint(1, 6), 0)
    sender: object = "all" if earlier % _SHARED_EVERY == 0 else client
    if number % _SHARED_EVERY == 0:  # what all send must be the same
        earlier, sender = number - _SHARED_EVERY, "all"
    return Transfer(
        id=key, kind=random.choice((Kind.SETTLE, Kind.SETTLE, Kind.RELEASE)),
        hold=_id(seed, sender, earlier, 3 * random.randrange(6)), amount=random.choice((None, None, 1, 100)),
        up_to=random.random() < 0.3, linked=random.random() < 0.2, code="torture",
    )  # fmt: skip


def _id(seed: int, *what: object) -> UUID:
    return uuid5(_NAMES, "/".join(map(str, (seed, *what))))


def _time_since(origin_ns: int) -> datetime:
    """Time of business: the machine's steady clock, the same in all processes."""
    return _START + timedelta(microseconds=(time.monotonic_ns() - origin_ns) // 1_000)


# ---- what a client writes down -----------------------------------------------------------------------------


class Diary:
    """A client's file. A line is there for good once `write` returns; a line torn by a kill is no line."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "ab+")  # noqa: SIM115 - for as long as the process lives
        self._file.seek(0)
        whole = self._file.read().rpartition(b"\n")
        self.lines: list[dict[str, Any]] = [json.loads(line) for line in whole[0].splitlines()]
        if whole[2]:
            self._file.truncate(len(whole[0]) + len(whole[1]))

    def write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


# ---- client and worker: processes of their own -------------------------------------------------------------


def _client(seed: int, client: int, origin_ns: int, folder: Path) -> None:
    """Send batch after batch until the file `stop` appears; then finish what has no answer, and end."""
    diary = Diary(folder / f"client-{client}")
    sent = [line for line in diary.lines if "sent" in line]
    answered = [line for line in diary.lines if "answers" in line]
    number = 0
    if answered:
        last = answered[-1]
        at = next(line["at"] for line in reversed(sent) if line["sent"] == last["batch"])
        if _ask(diary, batch(seed, client, last["batch"], _moment(at)), _moment(at)) != last["answers"]:
            diary.write({"differs": last["batch"]})
        number = last["batch"] + 1
    while True:
        if sent and sent[-1]["sent"] == number:
            at = sent[-1]["at"]
            diary.write({"again": True})
        elif (folder / "stop").exists():
            return
        else:
            at = _time_since(origin_ns).isoformat()
            diary.write({"sent": number, "at": at})
        answers = _ask(diary, batch(seed, client, number, _moment(at)), _moment(at))
        diary.write({"batch": number, "answers": answers})
        number += 1


def _ask(diary: Diary, rows: list[Transfer], at: datetime) -> list[list[Any]]:
    """Post, in a transaction of its own, as often as it takes for a commit to return."""
    from django.db import DatabaseError, InterfaceError, connection, transaction

    from . import commands

    failed = False
    while True:
        try:
            with transaction.atomic(durable=True):
                outcomes = commands.post(rows, at=at)
            return [[str(o.id), o.amount, o.refused] for o in outcomes]
        except (DatabaseError, InterfaceError) as error:  # the server is gone; whether it has committed, nobody knows
            connection.close()
            if not _is_absence(error):
                raise
            if not failed:
                diary.write({"again": True})
            failed = True
            time.sleep(0.02)


def _worker(origin_ns: int, folder: Path) -> None:
    from django.db import DatabaseError, InterfaceError, connection

    from . import commands

    while not (folder / "stop").exists():
        try:
            commands.sweep(limit=200, origin=Origin(SYSTEM, uuid4(), _time_since(origin_ns)))
            time.sleep(0.05)
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            if not _is_absence(error):
                raise
            time.sleep(0.02)


def _is_absence(error: BaseException) -> bool:
    """Is this a server that was killed or is starting? Deadlocks, serialization failures and the rest are not."""
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state in {"57P01", "57P02", "57P03"} or state.startswith("08")


def _prepare(seed: int) -> None:
    from django.db import transaction

    from luhai.shell import schema

    from . import commands

    schema.bring_up_to_date()
    with transaction.atomic():
        commands.open_accounts(accounts(seed), at=_START)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# ---- the parent --------------------------------------------------------------------------------------------


def run(seconds: int, seed: int | None, say: Callable[[str], None]) -> dict[str, Any]:
    """Torture a ledger of its own for `seconds`; return what was counted, and the kills.

    Raises AssertionError if a client met anything but a server that was gone.
    """
    seed = randbelow(2**31) if seed is None else seed
    say(f"seed {seed}")
    with Server.temporary(durable=True) as server, tempfile.TemporaryDirectory(prefix="luhai-torture-") as name:
        with _Field(server, Path(name), seed) as field:
            say(f"{CLIENTS} clients and a worker are killed at random for {seconds} s, the server under them too")
            kills = field.rage(seconds, say)
        result = recount(server.conninfo(database=DATABASE), seed, Path(name))
        return {**result, "kills": kills, "seed": seed}


class _Field:
    """The processes of one run. A nursery that has loaded everything forks them, so that a new one is there at once."""

    def __init__(self, server: Server, folder: Path, seed: int) -> None:
        self.server, self.folder, self.seed = server, folder, seed
        self.random = Random(f"{seed}/chaos")
        self.running: dict[str, psutil.Process] = {}

    def __enter__(self) -> Self:
        host = quote(str(self.server.socket_folder), safe="")
        environment = {
            **os.environ,
            "DATABASE_URL": f"postgresql://{SUPERUSER}@/{DATABASE}?host={host}",
            "DJANGO_SETTINGS_MODULE": "luhai.config.settings",
            "LUHAI_STATE": str(self.folder),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(_SOURCES), os.environ.get("PYTHONPATH")))),
        }
        with open(self.folder / "said", "ab") as said:
            self.nursery = subprocess.Popen(
                [sys.executable, "-m", "luhai.core.ledger.torture", str(self.seed), str(self.folder)],
                env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
            )  # fmt: skip
        self.start("prepare")
        self.wait_for("prepare")
        return self

    def __exit__(self, *_: object) -> None:
        self.nursery.kill()
        self.nursery.wait()
        for process in self.running.values():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def start(self, who: str) -> None:
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(f"{who}\n")
        self.nursery.stdin.flush()
        pid = self.nursery.stdout.readline()
        assert pid, self._what_was_said()
        self.running[who] = psutil.Process(int(pid))

    def wait_for(self, who: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not (self.folder / f"done-{who}").exists():
            assert self.running[who].is_running(), f"{who} ended too early: {self._what_was_said()}"
            assert time.monotonic() < deadline, f"{who} does not end: {self._what_was_said()}"
            time.sleep(0.02)
        del self.running[who]

    def rage(self, seconds: int, say: Callable[[str], None]) -> dict[str, int]:
        kills: Counter[str] = Counter(client=0, worker=0, server=0)
        clients = [f"client-{n}" for n in range(CLIENTS)]
        for who in (*clients, "worker"):
            self.start(who)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, self.random.uniform(0.05, 0.9)))
            victim = self.random.choice(("client", "client", "client", "worker", "server", "server"))
            if min(kills.values()) == 0:  # each at least once, also in a short run
                victim = next(who for who in ("client", "server", "worker") if kills[who] == 0)
            kills[victim] += 1
            if victim == "server":
                say(f"server: {self._kill_server()}")
            else:
                self._kill(self.random.choice(clients) if victim == "client" else victim)
        (self.folder / "stop").touch()
        for who in (*clients, "worker"):
            self.wait_for(who)
        self._kill_server()  # what was answered last, too, must be there afterwards
        kills["server"] += 1
        return dict(kills)

    def _kill(self, who: str) -> None:
        process = self.running[who]
        assert process.is_running(), f"{who} ended by itself: {self._what_was_said()}"
        process.kill()
        process.wait()
        self.start(who)

    def _kill_server(self) -> str:
        """Kill the first process, one backend, or all; then have the server running again."""
        first = psutil.Process(int((self.server.data / "postmaster.pid").read_text().split("\n", 1)[0]))
        how = self.random.choice(("first process", "one backend", "all processes"))
        children = first.children()
        backends = [child for child in children if self._serves(child)]
        if how == "one backend" and backends:
            victims = [self.random.choice(backends)]
        else:
            victims = [first, *children] if how == "all processes" else [first]
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGKILL)
        if first in victims:
            with suppress(psutil.TimeoutExpired):
                first.wait(10)
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:  # a server that recovers by itself may end our own connection once more
                self.server.start()
                return how
            except (PostgresTrouble, psycopg.OperationalError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    @staticmethod
    def _serves(process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            return f" {DATABASE} " in " ".join(process.cmdline())
        return False

    def _what_was_said(self) -> str:
        return (self.folder / "said").read_text(errors="replace")[-4_000:]


# ---- the recount -------------------------------------------------------------------------------------------


def recount(conninfo: str, seed: int, folder: Path) -> dict[str, Any]:
    """Compare what clients wrote down with the rows, and the balances with what the rows come to.

    lost            answers of which nothing, or something else, stands in the ledger
    doubled         rows that nobody asked for, or under an id that has one already, and accounts and holds whose
                    sums are not those of their rows
    bounds_broken   moments at which a bound was passed, rows taken one by one in their order, or that a sum passes now
    """
    sent, acknowledged, again, differing = _read_diaries(seed, folder)
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute(
            "SELECT id, kind, debit, credit, amount, hold, expires_at, at, code, refused FROM ledger_transfer ORDER BY seq"
        ).fetchall()
        balances = connection.execute(
            "SELECT id, bound, debits_posted, debits_pending, credits_posted, credits_pending FROM ledger_account"
        ).fetchall()
        remaining: dict[UUID, int] = dict(connection.execute("SELECT id, remaining FROM ledger_hold").fetchall())
    written = {row[0]: (row[4], row[9]) for row in rows}
    lost = differing + sum(not _stands(answer, written) for answer in acknowledged)
    doubled = len(rows) - len(written)
    sums = {key: [0, 0, 0, 0] for key, *_ in balances}
    bounds = {key: bound for key, bound, *_ in balances}
    holds: dict[UUID, tuple[datetime | None, int]] = {}
    broken = 0
    for key, kind, debit, credit, amount, hold, expires_at, at, code, refused in rows:
        if key not in sent and not _is_expiry(code, holds.get(hold), at):
            doubled += 1
        if refused is not None:
            continue
        posted = amount if kind in {Kind.POST, Kind.SETTLE} else 0
        pending = {Kind.POST: 0, Kind.HOLD: amount}.get(kind, -amount)
        if kind == Kind.HOLD:
            holds[key] = (expires_at, amount)
        elif hold in holds:
            holds[hold] = (holds[hold][0], holds[hold][1] - amount)
        for account, side in ((debit, 0), (credit, 2)):
            sums[account][side] += posted
            sums[account][side + 1] += pending
        broken += _is_beyond(bounds[debit], sums[debit]) + _is_beyond(bounds[credit], sums[credit])
    broken += sum(_is_beyond(bound, now) for _, bound, *now in balances)
    doubled += sum(sums[key] != now for key, _, *now in balances)
    left_over = {key: left for key, (_, left) in holds.items()}
    doubled += sum(left_over.get(key) != remaining.get(key) for key in left_over.keys() | remaining.keys())
    return {
        "operations": len(sent), "acknowledged": len(acknowledged), "retried": again,
        "lost": lost, "doubled": doubled, "bounds_broken": broken,
    }  # fmt: skip


def _read_diaries(seed: int, folder: Path) -> tuple[set[UUID], list[tuple[UUID, int, str | None]], int, int]:
    """The ids that were sent, the answers that were received, batches sent again, answers that changed."""
    sent: set[UUID] = set()
    acknowledged: list[tuple[UUID, int, str | None]] = []
    count: Counter[str] = Counter()
    for client in range(CLIENTS):
        for line in Diary(folder / f"client-{client}").lines:
            if "sent" in line:
                sent |= {row.id for row in batch(seed, client, line["sent"], _moment(line["at"]))}
            elif "answers" in line:
                acknowledged += [(UUID(key), amount, refused) for key, amount, refused in line["answers"]]
            count.update(line.keys() & {"again", "differs"})
    return sent, acknowledged, count["again"], count["differs"]


def _stands(answer: tuple[UUID, int, str | None], written: dict[UUID, tuple[int, str | None]]) -> bool:
    key, amount, refused = answer
    if refused == "id_reused":  # another's transfer stands under this id
        return amount == 0 and key in written
    return written.get(key) == (amount, refused)


def _is_expiry(code: str, held: tuple[datetime | None, int] | None, at: datetime) -> bool:
    """Did the ledger itself release this, from a hold that was overdue?"""
    return code == "ledger.expired" and held is not None and held[0] is not None and held[0] <= at


def _is_beyond(bound: str, sums: list[int]) -> bool:
    debits_posted, debits_pending, credits_posted, credits_pending = sums
    return (
        min(sums) < 0
        or (bound == Bound.DEBITS and debits_posted + debits_pending > credits_posted)
        or (bound == Bound.CREDITS and credits_posted + credits_pending > debits_posted)
    )


def _nursery(seed: int, folder: Path) -> None:
    """Fork a process for every name that is read, and say its id. What it says goes to standard error."""
    import django

    django.setup()
    from . import commands  # noqa: F401 - loaded once for all

    origin_ns = time.monotonic_ns()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        who = line.strip()
        pid = os.fork()
        if pid:
            print(pid, flush=True)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            if who == "prepare":
                _prepare(seed)
            elif who == "worker":
                _worker(origin_ns, folder)
            else:
                _client(seed, int(who.removeprefix("client-")), origin_ns, folder)
            (folder / f"done-{who}").touch()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(0)


if __name__ == "__main__":
    _nursery(int(sys.argv[1]), Path(sys.argv[2]))
