"""The bench `lane`: complete shipments a second with four workers on two cores, beside the same business in plain Django.

A shipment goes from the document to the delivery through every command between them (54 acts, 44 postings), all durable. The peer `orm`
does as many acts, postings, title events, papers, messages and days of interest, with the amounts of one of our shipments, and none of
the promises (bench/lane/orm.py says which). Both sides have a database of their own on one server, and the same interpreter and libraries;
rounds take turns, a rate is the median of its rounds. Afterwards every loan must be repaid, every document have brought its goods, both
sides have written as much, and every book be the sum of what it is made of: a difference ends the bench with an error.

`profile` tells where the time of a shipment goes. Seconds of the database are those in which a worker waits for it: with more workers
than cores it also waits for a core, so the shares of one worker alone say more.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from luhai.shell.postgres import Server

from ..ledger.run import ROOT, Clients, bench_server, compare, interpreter
from ..titles.run import ask, cell, tell

Say = Callable[[str], None]

WORKERS = 4
CORES = 2
_HEADLINE = "4 workers"
#: The cells: how many workers take part.
_CELLS = {_HEADLINE: WORKERS, "1 worker": 1}
_GOAL = 1
_WHY = "0056"
#: Shipments of a worker before any that count: the second shows what a worker's shipments share.
_WARM = 2


def run(*, size: int, rounds: int, say: Say) -> dict[str, Any]:
    """Everything the bench prints. `size` shipments are played in a round, by four workers; a quarter of them by one alone."""
    started = time.perf_counter()
    each = max(1, size // WORKERS)
    with two_cores() as cores, bench_server(say) as server, tempfile.TemporaryDirectory(prefix="luhai-bench-") as state:
        sides = opened(server, state)
        try:
            shape = set_up(sides, say)
            told = measured(sides, each, rounds, say)
            say("counting everything again")
            check(sides, shape)
        finally:
            for side in sides.values():
                side.clients.end()
    rates = {
        name: {side: statistics.median(rate(answers) for answers in told[name, side]) for side in sides} for name in _CELLS
    }
    cells = {name: cell(found["luhai"], {"orm": found["orm"]}, {}) for name, found in rates.items()}
    head = cells.pop(_HEADLINE)
    ratio = head["peers"]["orm"]["ratio"]
    profiles = {name: {side: profile(told[name, side]) for side in sides} for name in _CELLS}
    for line in plainly(ratio, rates[_HEADLINE], profiles["1 worker"]):
        say(line)
    return {
        "bench": "lane",
        "input": f"{each * WORKERS} shipments a round by {WORKERS} workers, each {shape['acts']} acts and {shape['postings']} postings from "
        f"document to delivery, one transaction an act, full durability; median of {rounds} interleaved rounds",
        "unit": "shipments per second",
        **head,
        "cells": cells,
        "headline": _HEADLINE,
        "profile": profiles,
        "goals": {"lane ÷ orm": {"goal": _GOAL, "ratio": ratio, "reached": ratio >= _GOAL}},
        "shipment": shape,
        "cores": cores,
        "rounds": rounds,
        "seconds": round(time.perf_counter() - started, 1),
    }


@contextmanager
def two_cores() -> Iterator[int]:
    """Server and workers on two cores, where the machine has more and lets itself be told; how many it is."""
    if not hasattr(os, "sched_setaffinity"):
        yield os.cpu_count() or 1
        return
    before = os.sched_getaffinity(0)
    taken = set(sorted(before)[:CORES])
    os.sched_setaffinity(0, taken)
    try:
        yield len(taken)
    finally:
        os.sched_setaffinity(0, before)


# ---- the sides -----------------------------------------------------------------------------------------------------


class Side:
    """The processes of one side, and how many shipments each worker has played."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.clients = Clients(command, environment)
        self.played = [0] * WORKERS

    def round(self, workers: int, count: int) -> list[dict[str, Any]]:
        """Everybody prepares; then all start together."""
        running = self.clients.have(WORKERS)[:workers]
        for worker, process in enumerate(running):
            tell(process, {"do": "prepare", "worker": worker, "first": self.played[worker] + 1, "count": count})
            self.played[worker] += count
        for process in running:
            self.clients.answer(process)
        for process in running:
            tell(process, "go")
        return [self.clients.answer(process) for process in running]

    def each(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """What every worker answers to an order, one after the other."""
        found = []
        for worker, process in enumerate(self.clients.have(WORKERS)):
            tell(process, {**order, "worker": worker} if order["do"] == "learn" else order)
            found.append(self.clients.answer(process))
        return found


def opened(server: Server, state: str) -> dict[str, Side]:
    """Our side and the peer, each with a database of its own on the server."""
    command, environment = interpreter(server, "bench.lane.ours")
    ours = Side(command, {**environment, "LUHAI_STATE": state})
    with psycopg.connect(server.conninfo(database="postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE orm")
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("LUHAI_", "DJANGO_")) and k != "DATABASE_URL"}
    peer = [command[0], "-m", "bench.lane.peer", server.conninfo(database="orm")]
    return {"luhai": ours, "orm": Side(peer, {**plain, "PYTHONPATH": str(ROOT)})}


def set_up(sides: dict[str, Side], say: Say) -> dict[str, int]:
    """Tables and parties; the first shipments, which warm everybody up; and how much one of ours writes, told to the peer."""
    say("setting up")
    for side in sides.values():
        ask(side.clients, {"do": "setup"})
    sides["luhai"].round(WORKERS, _WARM)
    shape = ask(sides["luhai"].clients, {"do": "shape"})
    counts: dict[str, int] = shape.pop("counts")
    sides["orm"].each({"do": "learn", "shape": shape})
    sides["orm"].round(WORKERS, _WARM)
    return counts


# ---- the measure ---------------------------------------------------------------------------------------------------


def measured(sides: dict[str, Side], each: int, rounds: int, say: Say) -> dict[tuple[str, str], list[list[dict[str, Any]]]]:
    """What the workers told, by cell and side, round by round."""
    told: dict[tuple[str, str], list[list[dict[str, Any]]]] = {(name, side): [] for name in _CELLS for side in sides}
    for n in range(rounds):
        for name, workers in _CELLS.items():
            for which, side in sides.items():
                told[name, which].append(side.round(workers, each))
        last = ", ".join(f"{side}, {name} {rate(answers[-1]):.3g}/s" for (name, side), answers in told.items())
        say(f"round {n + 1} of {rounds}: {last}")
    return told


def rate(answers: list[dict[str, Any]]) -> float:
    done: int = sum(a["done"] for a in answers)
    seconds: float = max(a["to"] for a in answers) - min(a["from"] for a in answers)
    return done / seconds


def profile(told: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Where a shipment's time goes, over all rounds; of a step the median of its shipments."""
    every = [answer for answers in told for answer in answers]
    done = sum(a["done"] for a in every)
    seconds = sum(a["to"] - a["from"] for a in every)
    total = {name: sum(a[name] for a in every) for name in ("database", "commit", "cpu", "statements", "commits")}
    found: dict[str, Any] = {
        "seconds": seconds / done,
        "shares": {
            "database": total["database"] / seconds, "commit": total["commit"] / seconds,
            "python": 1 - (total["database"] + total["commit"]) / seconds,
        },
        "cpu_seconds": total["cpu"] / done,  # of the worker's own process, with what it sends and reads
        "statements": total["statements"] / done,
        "commits": total["commits"] / done,
    }  # fmt: skip
    kinds = sorted({kind for a in every for kind in a["kinds"]})
    found["kinds"] = {
        kind: {
            "statements": sum(a["kinds"].get(kind, (0, 0))[1] for a in every) / done,
            "share": sum(a["kinds"].get(kind, (0, 0))[0] for a in every) / seconds,
        }
        for kind in kinds
    }
    if "steps" in every[0]:
        steps = {name: [one for a in every for one in a["steps"][name]] for name in every[0]["steps"]}
        found["steps"] = {
            name: {"seconds": statistics.median(s for s, _ in took), "statements": statistics.median(n for _, n in took)}
            for name, took in steps.items()
        }
    return found


def plainly(ratio: float, rates: dict[str, float], profiles: dict[str, dict[str, Any]]) -> list[str]:
    """The ratio, the goal, and where the time goes, in words: what a worker alone spends its time on."""
    reached = "reached" if ratio >= _GOAL else f"not reached; decision {_WHY} says what the promises cost"
    lines = [f"{rates['luhai']:.3g} shipments a second, orm {rates['orm']:.3g}: {ratio:.3g} times orm; the goal of {_GOAL} is {reached}"]
    for side, found in profiles.items():
        shares = found["shares"]
        lines.append(
            f"{side}, one worker: {found['seconds']:.3g} s a shipment; {shares['python']:.0%} Python, {shares['database']:.0%} in "
            f"{found['statements']:,.0f} statements, {shares['commit']:.0%} in {found['commits']:.0f} commits"
        )
        kinds = sorted(found["kinds"].items(), key=lambda one: -one[1]["share"])
        lines.append("  " + ", ".join(f"{kind} {one['statements']:,.0f} ({one['share']:.0%})" for kind, one in kinds))
    return lines


def check(sides: dict[str, Side], shape: dict[str, int]) -> None:
    """Each shipment came to its end and wrote as much as the others; each book is the sum of what it is made of."""
    for name, side in sides.items():
        for worker, told in enumerate(side.each({"do": "check"})):
            compare(name, f"worker {worker}", (told["shipments"], told["wrong"]), (side.played[worker], []))
            compare(name, f"worker {worker}", told["counts"], {what: n * side.played[worker] for what, n in shape.items()})
        compare(name, "books", ask(side.clients, {"do": "recount"})["wrong"], [])
