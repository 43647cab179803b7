"""The bench `matching`: a million companies against two thousand products, three-valued, beside its peers.

One input, one run, rounds interleaved, the median of each side. Timed for Luhai: from columns to packed sets and
counts, with everything that depends on the companies; compiled beforehand, as on every side: the products.
Disagreement with plain Python on the sample, by any side, ends the bench with an error instead of a number.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luhai.core.rules.bitsets import Codes, Columns, Numbers, Portfolio, Sets
from luhai.core.rules.criteria import AllOf, Criteria, Criterion, Fact, Verdict, parse, verdict_of
from luhai.core.rules.fields import FIELDS
from luhai.core.rules.predicates import Shape, predicate

from . import made, one_company

PEERS = ("zen-engine", "datalogic-py", "polars")
#: How many companies plain Python judges, and against which every side is compared.
CHECKED = 150


class Disagreement(Exception):
    """A side answers otherwise than plain Python. No speed is told then."""


def run(
    folder: Path,
    python: Path,
    *,
    companies: int,
    products: int,
    rounds: int,
    threads: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Everything the bench prints. `python` is the peers' interpreter."""
    started = time.perf_counter()
    say(f"input: {companies:,} companies, {products:,} products")
    place = folder / f"matching-{companies}-{products}-v{made.VERSION}"
    for old in folder.glob(f"matching-{companies}-{products}-v*"):
        if old.name.removesuffix(".new") != place.name:
            shutil.rmtree(old)
    made.make(place, companies, products)
    dictionary, columns = read_columns(place)
    documents = json.loads((place / "products.json").read_text())
    criteria = [parse(document) for document in documents]
    sample = _sample(companies)
    (place / "reduced.json").write_text(
        json.dumps({"products": [reduced(c, dictionary) for c in criteria], "sample": sample.tolist()})
    )
    compiling = time.perf_counter()
    portfolio = Portfolio(criteria)
    compiling = time.perf_counter() - compiling
    with _Peers(place, python, say) as peers:
        timed = _rounds(portfolio, columns, peers, rounds, threads, say)
        say("checking every side against plain Python")
        facts = facts_of(dictionary, columns, sample[:CHECKED])
        expected = np.array([[verdict_of(c, f) for c in criteria] for f in facts], np.int8)
        _compare("luhai", expected, *_at(timed["sets"], sample[:CHECKED]))
        for name in PEERS:
            answers = peers.answers(name)
            _compare(name, expected, answers["met"], answers.get("unknown"))
        listing = time.perf_counter()
        hits = sum(len(timed["sets"].companies(timed["sets"].met(i))) for i in range(products))
        listing = time.perf_counter() - listing
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        say("one company in the database")
        one = one_company.run(criteria, facts, expected, peers.one, rounds)
    pairs = companies * products
    ours = pairs / statistics.median(timed["luhai"])
    rates = {name: statistics.median(timed[name]) for name in PEERS}
    per_product = sum(len(_leaves(c)) for c in criteria) / products
    return {
        "bench": "matching",
        "input": f"{companies:,} invented companies × {products:,} products, {per_product:.1f} predicates each, "
        f"3–8 % of facts missing, seed 7; median of {rounds} interleaved rounds",
        "unit": "pairs per second",
        "ours": ours,
        "peers": {name: {"rate": rate, "ratio": ours / rate} for name, rate in rates.items()},
        "limits": {"and-only": _ratio(ours, pairs / statistics.median(timed["and-only"]))},
        "cells": {"one-company": one},
        "rounds": rounds,
        "seconds_ours": [round(s, 4) for s in timed["luhai"]],
        "threads": {"luhai": timed["threads"], "polars": 2, "zen-engine": 1, "datalogic-py": 1},
        "three_valued": ["luhai", "polars"],
        "forms": peers.forms,
        "samples": {
            "zen-engine": min(150, companies),
            "datalogic-py": min(1500, companies),
            "polars": companies,
        },
        "conditions": portfolio.conditions,
        "compile_seconds": round(compiling, 3),
        "listing": {"hits": hits, "seconds": round(listing, 3)},
        "checked_companies": len(facts),
        "met_share": float(timed["sets"].met_count.sum() / pairs),
        "unknown_share": float(timed["sets"].unknown_count.sum() / pairs),
        "peak_gib": round(peak, 2),
        "seconds": round(time.perf_counter() - started, 1),
    }


def _ratio(ours: float, theirs: float) -> dict[str, float]:
    return {"rate": theirs, "ratio": ours / theirs}


def _sample(companies: int) -> NDArray[np.intp]:
    """A random sample, the same for every side."""
    drawn = random.Random(11).sample(range(companies), min(1500, companies))
    return np.array(drawn, np.intp)


def _rounds(
    portfolio: Portfolio,
    columns: Columns,
    peers: _Peers,
    rounds: int,
    threads: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Judge in turns. The first turn warms everybody up and is not counted; in it the number of threads is chosen."""
    sets = portfolio.judge(columns)
    tried = {}
    for n in range(1, threads + 1):
        begun = time.perf_counter()
        sets = portfolio.judge(columns, threads=n, into=sets.bits)
        tried[n] = time.perf_counter() - begun
    fastest = min(tried, key=lambda n: tried[n])
    for name in PEERS:
        peers.round(name)
    timed: dict[str, Any] = {"luhai": [], "and-only": [], **{name: [] for name in PEERS}}
    limit = _AndOnly(portfolio, columns.size)
    for n in range(rounds):
        say(f"round {n + 1} of {rounds}")
        begun = time.perf_counter()
        sets = portfolio.judge(columns, threads=fastest, into=sets.bits)
        timed["luhai"].append(time.perf_counter() - begun)
        for name in PEERS:
            timed[name].append(peers.round(name))
        timed["and-only"].append(limit.seconds())
    return timed | {"sets": sets, "threads": fastest}


class _AndOnly:
    """The limit: every condition is there as bits already, met and possible; left are the ANDs, in the obvious way,
    and the counting. As many tiles are done as the companies fill; the bits are random, for they cost the same."""

    def __init__(self, portfolio: Portfolio, companies: int) -> None:
        self.words = min(512, -(-companies // 64))
        self.times = -(-companies // (64 * self.words))
        self.rows = list(
            np.random.default_rng(1).integers(
                0, 2**63, (portfolio.conditions, 2 * self.words), dtype=np.uint64
            )
        )
        rng = random.Random(1)
        self.products = [rng.sample(range(portfolio.conditions), 7) for _ in range(portfolio.products)]

    def seconds(self) -> float:
        both, rows = np.bitwise_and, self.rows
        into = np.empty((len(self.products), 2 * self.words), np.uint64)
        begun = time.perf_counter()
        for _ in range(self.times):
            for out, (first, second, *rest) in zip(into, self.products, strict=True):
                both(rows[first], rows[second], out)
                for more in rest:
                    both(out, rows[more], out)
            np.bitwise_count(into).sum(axis=1, dtype=np.int64)
        return time.perf_counter() - begun


# --- input ----------------------------------------------------------------------------------------------------------


def read_columns(place: Path) -> tuple[dict[str, Any], Columns]:
    dictionary = json.loads((place / "dictionary.json").read_text())
    by_field: dict[str, Numbers | Codes] = {}
    size = 0
    for path in sorted(place.glob("*.npy")):
        name = path.name.split(".")[0]
        if path.name.endswith(".missing.npy"):
            continue
        values = np.load(path)
        size = len(values)
        if name in dictionary:
            named = tuple(frozenset(v) if isinstance(v, list) else v for v in dictionary[name])
            by_field[name] = Codes(values, named)
        else:
            by_field[name] = Numbers(values, np.load(place / f"{name}.missing.npy"))
    return dictionary, Columns(size, by_field)


def facts_of(dictionary: dict[str, Any], columns: Columns, at: NDArray[np.intp]) -> list[dict[str, Fact]]:
    """The facts of some companies, for plain Python."""
    made_ = []
    for i in at:
        facts = {}
        for name, column in columns.by_field.items():
            if isinstance(column, Codes):
                if column.at[i] >= 0:
                    facts[name] = Fact(column.values[column.at[i]], "invented")
            elif not column.missing[i]:
                facts[name] = Fact(int(column.values[i]), "invented")
        made_.append(facts)
    return made_


def reduced(criteria: Criteria, dictionary: dict[str, Any]) -> dict[str, Any]:
    """Criteria as the peers read them: codes by their places in the dictionary, what lies within what worked out."""
    if not isinstance(criteria, Criterion):
        name = "all" if isinstance(criteria, AllOf) else "any"
        return {name: [reduced(part, dictionary) for part in criteria.parts]}
    asked = predicate(criteria)
    field = FIELDS[asked.field]
    if asked.field not in dictionary:
        return {"f": asked.field, "lo": asked.low, "hi": asked.high}
    met = []
    for place, value in enumerate(dictionary[asked.field]):
        if asked.shape is Shape.RANGE:
            holds = asked.low == int(value)
        else:
            keys = field.keys(frozenset(value) if isinstance(value, list) else value)
            holds = (not set(keys).isdisjoint(asked.codes)) is not asked.negated
        if holds:
            met.append(place)
    leaf: dict[str, Any] = {"f": asked.field, "in": met}
    return leaf | {"any_of": list(asked.codes)} if asked.field == "lists" else leaf


def _leaves(criteria: Criteria) -> list[Criterion]:
    if isinstance(criteria, Criterion):
        return [criteria]
    return [leaf for part in criteria.parts for leaf in _leaves(part)]


# --- checking -------------------------------------------------------------------------------------------------------


def _at(sets: Sets, at: NDArray[np.intp]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Met and unknown of some companies, products across."""
    word, bit = at // 64, (at % 64).astype(np.uint64)
    products = range(len(sets.met_count))
    met = np.array([(sets.met(i)[word] >> bit & np.uint64(1)).astype(bool) for i in products]).T
    possible = np.array([(sets.possible(i)[word] >> bit & np.uint64(1)).astype(bool) for i in products]).T
    return met, possible & ~met


def _compare(
    name: str, expected: NDArray[np.int8], met: NDArray[np.bool_], unknown: NDArray[np.bool_] | None
) -> None:
    n = min(len(expected), len(met))
    wrong = int((met[:n] != (expected[:n] == Verdict.MET)).sum())
    if unknown is not None:
        wrong += int((unknown[:n] != (expected[:n] == Verdict.UNKNOWN)).sum())
    if wrong:
        raise Disagreement(f"{name} answers {wrong} of {expected[:n].size} pairs otherwise than plain Python")


# --- peers ----------------------------------------------------------------------------------------------------------


class _Peers:
    """The peers' processes, started one after the other and asked in turns."""

    def __init__(self, place: Path, python: Path, say: Callable[[str], None]) -> None:
        self.place, self.python, self.say = place, python, say
        self.forms: dict[str, str] = {}
        self._running: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> _Peers:
        for name in PEERS:
            self.say(f"{name} reads the input")
            self._running[name] = subprocess.Popen(
                [str(self.python), str(Path(__file__).with_name("peers.py")), str(self.place), name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={"POLARS_MAX_THREADS": "2", "PATH": "/usr/bin:/bin"},
            )
            self.forms[name] = str(self._answer(name)["form"])
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()

    def _answer(self, name: str) -> dict[str, Any]:
        process = self._running[name]
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{name} ended with {process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ask(self, name: str, order: str) -> dict[str, Any]:
        stdin = self._running[name].stdin
        assert stdin is not None
        stdin.write(order + "\n")
        stdin.flush()
        return self._answer(name)

    def round(self, name: str) -> float:
        """Pairs per second of one round."""
        told = self._ask(name, "round")
        return float(told["pairs"] / told["seconds"])

    def one(self, times: int) -> list[float]:
        """Seconds that zen-engine takes for single companies."""
        return list(self._ask("zen-engine", f"one {times}")["seconds"])

    def answers(self, name: str) -> dict[str, Any]:
        self._ask(name, "answers")
        with np.load(self.place / f"answers-{name}.npz") as stored:
            return dict(stored)


def environment(folder: Path, requirements: Path, say: Callable[[str], None]) -> Path:
    """The peers' own Python, made once from the locked list."""
    python = folder / "venv" / "bin" / "python"
    mark = folder / "venv" / "made-from"
    wanted = requirements.read_text()
    if not mark.exists() or mark.read_text() != wanted:
        say("environment for the peers: zen-engine, datalogic-py, polars")
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(folder / "venv")], check=True, stdout=sys.stderr
        )
        install = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "-r",
            str(requirements),
        ]
        subprocess.run(install, check=True, stdout=sys.stderr)
        mark.write_text(wanted)
    return python
