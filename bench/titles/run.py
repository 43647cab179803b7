"""The bench `titles`: transfers of control a second through the whole command, and events verified a second.

Transfers: beside TradeTrust's title escrow on a local chain (which keeps nothing on a disk), and beside one transfer in
the ledger (below the command: no journal, no roles). Rounds take turns; a rate is the median of its rounds; afterwards
every title must be where it was sent, on both sides, and its exported chain must verify.
Verification: an exported file, read and checked, beside a bare loop that splits the same bytes into lines and takes SHA-256
of each; and beside that loop with the lines already in hand.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from luhai.core.titles import chain
from luhai.shell import setup

from ..ledger import made
from ..ledger.run import Clients, Disagreement, bench_server, compare, interpreter

Say = Callable[[str], None]

_HERE = Path(__file__).parent
CLIENTS = 4
LANES = 8
_HEADLINE = "4 clients"


def run(folder: Path, *, size: int, rounds: int, events: int, say: Say) -> dict[str, Any]:
    """Everything the bench prints. `size` titles are moved in a round, by four clients; `folder` keeps the packages."""
    started = time.perf_counter()
    absent: dict[str, str] = {}
    with bench_server(say) as server, escrow(folder, size, absent, say) as peer:
        say(f"issuing {size} titles")
        command, environment = interpreter(server, "bench.titles.ours")
        luhai = Clients(command, environment)
        command, environment = interpreter(server, "bench.ledger.ours")
        ledger = Clients(command, environment)
        try:
            told = ask(luhai, {"do": "setup", "clients": CLIENTS, "titles": max(1, size // CLIENTS)})
            ledger.setup()
            world = _World(luhai, ledger, peer, told["clients"], server.conninfo(database="luhai"))
            measured = transfers(world, rounds, say)
            say("verifying exported chains")
            file = ask(luhai, {"do": "export", "client": world.clients[0]})["file"].encode()
        finally:
            luhai.end()
            ledger.end()
    measured |= verification(file, events, rounds)
    head = measured.pop(_HEADLINE)
    verify = measured["verify"]["limits"]["sha256"]["ratio"]
    return {
        "bench": "titles",
        "input": f"{size} transport documents handed to and fro by {CLIENTS} clients, one command each, full durability; "
        f"chains of {events:,} events; median of {rounds} interleaved rounds",
        "unit": "transfers of control per second",
        **head,
        "cells": measured,
        "headline": _HEADLINE,
        "goals": {"verify ÷ sha256": {"goal": 0.3, "ratio": verify, "reached": verify >= 0.3}},
        "absent": absent,
        "durable": {"luhai": True, "ledger": True, "tradetrust": False},
        "rounds": rounds,
        "seconds": round(time.perf_counter() - started, 1),
    }


# ---- transfers -----------------------------------------------------------------------------------------------------


class _World:
    """Who takes part, and where every title must be."""

    def __init__(
        self,
        luhai: Clients,
        ledger: Clients,
        peer: subprocess.Popen[str] | None,
        clients: list[dict[str, Any]],
        dsn: str,
    ) -> None:
        self.luhai, self.ledger, self.peer, self.clients, self.dsn = luhai, ledger, peer, clients, dsn
        self.moved = [0] * len(clients)
        self.streams = 0
        self.expected = made.Sums()
        self.expected.add(made.opening())

    def move(self, clients: int, signed: bool) -> float:
        """One round of Luhai: every title of these clients once."""
        running = self.luhai.have(clients)
        for process, client in zip(running, self.clients, strict=False):
            tell(process, {"do": "prepare", "client": client, "signed": signed})
        for process in running:
            self.luhai.answer(process)
        for process in running:
            tell(process, "go")
        told = [self.luhai.answer(process) for process in running]
        for n in range(clients):
            self.moved[n] += 1
        return sum(t["done"] for t in told) / (max(t["to"] for t in told) - min(t["from"] for t in told))

    def post(self, clients: int) -> float:
        """One round of the plain ledger path: transfers one by one, for half a second."""
        self.streams += 1
        orders = [
            {"shape": "wide", "stream": [77, self.streams, n], "batch": 1, "batches": 4_000, "seconds": 0.5}
            for n in range(clients)
        ]
        told = self.ledger.post(orders)
        for order, answer in zip(orders, told, strict=True):
            self.expected.add(made.transfers("wide", tuple(order["stream"]), answer["batches"]))
        return sum(t["batches"] for t in told) / (max(t["to"] for t in told) - min(t["from"] for t in told))

    def chain(self, way: str, count: int) -> float:
        assert self.peer is not None
        told = answer(self.peer, {"do": way, "count": count})
        return float(told["count"] / told["seconds"])

    def check(self) -> None:
        """Each title has one event a move, is held by whom it was sent to, and its chain verifies."""
        with psycopg.connect(self.dsn, autocommit=True) as admin:
            stand = {
                str(title): (n, str(holder))
                for title, n, holder in admin.execute("SELECT id, n, holder_id FROM titles_title").fetchall()
            }
            found = admin.execute(
                "SELECT row_number() OVER (ORDER BY id) - 1, debits_posted, credits_posted FROM ledger_account"
                " WHERE kind = 'bench'"
            ).fetchall()
        compare("ledger", "accounts", self.expected.differences(found), 0)
        for client, moved in zip(self.clients, self.moved, strict=True):
            held_by = client["companies"][moved % 2]["party"]
            for title in client["titles"]:
                compare("luhai", title, stand[title], (1 + moved, held_by))
            file = ask(self.luhai, {"do": "export", "client": client})["file"].encode()
            verdict = chain.verify(file)
            compare("luhai", client["titles"][0], (verdict.fault, verdict.events), ("", 1 + moved))
        if self.peer is not None:
            compare("tradetrust", "titles", answer(self.peer, {"do": "check"})["wrong"], 0)


def transfers(world: _World, rounds: int, say: Say) -> dict[str, Any]:
    """The cells of transfers. The first round warms everybody up."""
    ways: dict[str, Callable[[], float]] = {
        "1": lambda: world.move(1, False),
        "4": lambda: world.move(CLIENTS, False),
        "1 signed": lambda: world.move(1, True),
        "4 signed": lambda: world.move(CLIENTS, True),
        "ledger 1": lambda: world.post(1),
        "ledger 4": lambda: world.post(CLIENTS),
    }
    if world.peer is not None:
        ways |= {"alone": lambda: world.chain("alone", 40), "flight": lambda: world.chain("flight", 400)}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for n in range(rounds + 1):
        for name, way in ways.items():
            rate = way()
            if n:
                rates[name].append(rate)
        say(
            f"round {n} of {rounds}: " + ", ".join(f"{name} {r[-1]:,.0f}/s" for name, r in rates.items() if r)
        )
    world.check()
    median = {name: statistics.median(found) for name, found in rates.items()}
    cells = {}
    for name, number in (("4 clients", "4"), ("1 client", "1")):
        for signed in ("", " signed"):
            ours = median[f"{number}{signed}"]
            peers = {"ledger": median[f"ledger {number}"]}
            if world.peer is not None:
                peers = {"tradetrust": median["flight"], "tradetrust-one-at-a-time": median["alone"], **peers}
            cells[f"{name}{', signed' if signed else ''}"] = cell(ours, peers, {})
    return cells


def cell(ours: float, peers: dict[str, float], limits: dict[str, float]) -> dict[str, Any]:
    return {
        "ours": ours,
        "peers": {name: {"rate": rate, "ratio": ours / rate} for name, rate in peers.items()},
        "limits": {name: {"rate": rate, "ratio": ours / rate} for name, rate in limits.items()},
    }


def ask(clients: Clients, order: dict[str, Any]) -> dict[str, Any]:
    (first,) = clients.have(1)
    tell(first, order)
    return clients.answer(first)


def tell(process: subprocess.Popen[str], what: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(what) + "\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str], order: dict[str, Any]) -> dict[str, Any]:
    tell(process, order)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the chain ended with {process.wait()}")
    told: dict[str, Any] = json.loads(line)
    return told


# ---- the chain peer ------------------------------------------------------------------------------------------------


@contextmanager
def escrow(
    folder: Path, size: int, absent: dict[str, str], say: Say
) -> Iterator[subprocess.Popen[str] | None]:
    """TradeTrust's title escrow with its titles minted; None, with the reason in `absent`, where it cannot be run."""
    process = None
    try:
        node, environment = packages(folder, say)
        say("minting titles on a local chain")
        process = subprocess.Popen(
            [node, str(_HERE / "escrow.mjs"), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        answer(process, {"do": "setup", "lanes": LANES, "titles": max(1, min(size, 160) // LANES)})
    except (setup.SetupFailed, OSError, RuntimeError) as error:
        absent["tradetrust"] = str(error)
        say(f"TradeTrust's title escrow cannot be run here; the plain ledger path is the only peer. {error}")
        if process is not None:
            process.kill()
            process.wait()
        process = None
    try:
        yield process
    finally:
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=30)


def packages(folder: Path, say: Say) -> tuple[str, dict[str, str]]:
    """Fetch the packages of package.json, once; the program that runs them, and its environment."""
    npm, environment = setup._npm(Path(sys.executable))
    node = shutil.which("node", path=environment.get("PATH", os.environ.get("PATH")))
    if node is None:
        raise setup.SetupFailed("there is no node beside npm")
    wanted = "\n".join((_HERE / name).read_text() for name in ("package.json", "package-lock.json"))
    mark = folder / "made-from"
    if not mark.exists() or mark.read_text() != wanted:
        say("fetching the peer's packages: anvil, token-registry, ethers")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_HERE / name, folder / name)
        setup._run(
            [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            folder=folder,
            extra=environment,
        )
        mark.write_text(wanted)
    return node, environment


# ---- verification --------------------------------------------------------------------------------------------------


def verification(file: bytes, events: int, rounds: int) -> dict[str, Any]:
    """Chains of `events` acts like those of an exported file, unsigned and signed, beside the hashing alone."""
    cells = {}
    for name, signed, count in (("verify", False, events), ("verify, signed", True, max(1, events // 10))):
        long, keys = lengthened(file, count, signed)
        lines = long.split(b"\n")[1:-2]
        assert len(lines) == count
        told = chain.verify(long)
        if not told.ok or told.events != count or told.signed != (count if signed else 0):
            raise Disagreement(f"a chain of {count} events: {told}")
        ways: dict[str, Callable[[], object]] = {
            "ours": partial(chain.verify, long),
            "sha256": partial(_split_and_hashed, long),
            "sha256, lines in hand": partial(_hashed, lines),
        }
        if signed:
            ways["ed25519"] = partial(_checked, keys)
        rates: dict[str, list[float]] = {way: [] for way in ways}
        for n in range(rounds + 1):
            for way, work in ways.items():
                begun = time.perf_counter()
                work()
                if n:
                    rates[way].append(count / (time.perf_counter() - begun))
        median = {way: statistics.median(found) for way, found in rates.items()}
        ours = median.pop("ours")
        cells[name] = {"unit": "events per second", "bytes": len(long), **cell(ours, {}, median)}
    return cells


def _split_and_hashed(file: bytes) -> None:
    _hashed(file.split(b"\n"))


def _hashed(lines: list[bytes]) -> None:
    sha256 = hashlib.sha256
    for line in lines:
        sha256(line).digest()


def _checked(signed: list[tuple[Any, bytes, bytes]]) -> None:
    for key, signature, said in signed:
        key.verify(signature, said)


def lengthened(file: bytes, count: int, signed: bool) -> tuple[bytes, list[tuple[Any, bytes, bytes]]]:
    """An exported chain that goes on with its last two acts, which hand the title to and fro."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    lines = file.split(b"\n")
    title = json.loads(lines[0])["title"]
    bodies = [json.loads(line[64:]) for line in lines[1:-2]]
    acts = [bodies[0], *[bodies[-2 + n % 2] for n in range(count - 1)]]
    pair = chain.new_key("ed25519")
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(pair.public))
    head, made_, checks = chain.genesis(title, "sha256"), [], []
    for n, act in enumerate(acts, 1):
        key = None
        if signed:
            said = chain.statement(title=title, n=n, act=act["act"], details=act["details"], previous=head)
            signature = chain.sign(pair, said)
            key = {"profile": pair.profile, "public": pair.public, "signature": signature}
            checks.append((public, bytes.fromhex(signature), said))
        body = chain.canonical(
            title=title, n=n, act=act["act"], actor=act["actor"], after=act["after"], at=act["at"],
            details=act["details"], effect=act["effect"], key=key,
        )  # fmt: skip
        head = chain.digest("sha256", head, body)
        made_.append((head, body.decode()))
    return chain.export(title, "sha256", made_), checks
