"""Let many banks in several provinces finance the same goods, at once and by every way we know; then count from outside.

    run(seed=…, seconds=…, tell=…)     on a temporary cluster; DATABASE_URL is never touched
    storm(seed, seconds, tell)         the attack itself, in the database that Django is pointed at; returns what is true

Scenes (`attack_scenes`) are played by eight threads with a connection each, several scenes abreast, all acts of one step at once. Every
scene is played at least once; then in another order, again and again, until the time is up. Afterwards what was undermined is given back and
honest lenders draw what is left. What the database then holds is counted by `attack_count` from the rows, and held against what the
attackers know of their goods (`attack_world`).

What was financed must be all that may be financed, and nothing more. The seed gives the scenes; what meets what also depends on the machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from random import Random
from threading import Lock, Thread
from typing import Any, Final
from urllib.parse import quote

from luhai.shell.postgres import DATABASE, SUPERUSER, Server

THREADS: Final = 8
_ABREAST: Final = 4
_SOURCES: Final = Path(__file__).resolve().parents[3]
#: Figures of the recount that must be 0.
SOUND: Final = (
    "beyond_at_a_moment", "unlike_the_answers", "unlike_the_uses", "unlike_the_lots", "unlike_the_totals", "split", "mixed", "beyond_bound",
    "ledger_differing", "ledger_unbalanced", "not_told", "honest_refused",
)  # fmt: skip


def run(*, seed: int, seconds: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Attack a platform of its own for `seconds`, and return the figures. Amounts are in fen; everything is in yuan.

    Raises AssertionError if a command failed other than by refusing.
    """
    from . import attack_count

    tell(f"seed {seed}")
    with (
        Server.temporary(durable=False) as server,
        tempfile.TemporaryDirectory(prefix="luhai-attack-") as name,
    ):
        host = quote(str(server.socket_folder), safe="")
        environment = {
            **os.environ,
            "DATABASE_URL": f"postgresql://{SUPERUSER}@/{DATABASE}?host={host}",
            "DJANGO_SETTINGS_MODULE": "luhai.config.settings",
            "LUHAI_STATE": name,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(_SOURCES), os.environ.get("PYTHONPATH")))),
        }
        with (
            open(Path(name) / "said", "w+b") as said,
            subprocess.Popen(
                [sys.executable, "-m", "luhai.core.evidence.attack", str(seed), str(seconds), name],
                env=environment, stdout=subprocess.PIPE, stderr=said, text=True,
            ) as process,
        ):  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                tell(line.rstrip())
            failed = process.wait()
            said.seek(0)
            assert not failed, said.read().decode(errors="replace")[-4_000:]
        truth: dict[str, Any] = json.loads((Path(name) / "truth.json").read_text())
        return figures(truth, attack_count.count(server.conninfo(database=DATABASE), truth))


def figures(truth: dict[str, Any], counted: dict[str, Any]) -> dict[str, Any]:
    """What is printed: the tries, what may be financed and what is, and everything that must be 0."""
    said, recount = truth["said"], counted["recount"] | truth["recount"]
    row = {"available": 0, "financed": 0, "financed_beyond": 0, "differing": 0} | next(
        iter(truth["totals"]), {}
    )
    recount["unlike_the_totals"] = sum(
        row[name] != counted.get(name, 0) for name in ("available", "financed", "differing")
    )
    sums = {name: counted[name] for name in ("available", "financed", "financed_beyond")}
    return {
        **said, "documents": counted["documents"], **sums, "beyond_by_scene": counted["beyond_by_scene"], "by_currency": [{"currency": "CNY", **sums}],
        "undermined": truth["undermined"], "differing": sum(recount[name] for name in SOUND), "recount": recount,
        "totals": truth["totals"],
    }  # fmt: skip


# ---- the storm -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Step:
    """Acts of one scene that are done at once, and their answers as they come."""

    scene: Any
    acts: list[Any]
    answers: list[Any]
    waiting: int


@dataclass(slots=True)
class _Tally:
    """How the acts of one attack went."""

    attempts: int = 0
    refused: int = 0
    codes: Counter[str] = field(default_factory=Counter)


class _Stage:
    """Threads that carry out acts, and the one that plays the scenes."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.began = time.monotonic_ns()
        self.tallies: dict[str, _Tally] = {}
        self.faults: list[BaseException] = []
        self._acts: SimpleQueue[tuple[_Step, int] | None] = SimpleQueue()
        self._done: SimpleQueue[_Step] = SimpleQueue()
        self._lock = Lock()
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        for _ in self._threads:
            self._acts.put(None)
        for thread in self._threads:
            thread.join()

    def now(self) -> datetime:
        """Time of business: the machine's steady clock, from a Monday noon on."""
        from .attack_world import START

        return START + timedelta(microseconds=(time.monotonic_ns() - self.began) // 1_000)

    def play(self, scenes: Iterable[Any], abreast: int = _ABREAST) -> None:
        """Play all scenes to their end, several at a time."""
        waiting = iter(scenes)
        running = sum(self._begin(waiting) for _ in range(abreast))
        while running:
            step = self._done.get()
            if self.faults:
                raise AssertionError("a command failed other than by refusing") from self.faults[0]
            for act, answer in zip(step.acts, step.answers, strict=True):
                self._count(act, answer)
                if answer.done:
                    act.becomes(answer.value)
            if not self._go_on(step.scene, step.answers):
                running -= 1
                running += self._begin(waiting)

    def _begin(self, waiting: Iterator[Any]) -> bool:
        return any(self._go_on(scene, None) for scene in waiting)

    def _go_on(self, scene: Any, answers: list[Any] | None) -> bool:
        """Send a scene its answers; hand on its next acts, if there are any."""
        self.world.playing = scene.__name__
        try:
            acts = scene.send(answers)
            while not acts:
                acts = scene.send([])
        except StopIteration:
            return False
        step = _Step(scene, acts, [None] * len(acts), len(acts))
        for place in range(len(acts)):
            self._acts.put((step, place))
        return True

    def _work(self) -> None:
        from django.db import connections

        from .attack_world import perform

        while (taken := self._acts.get()) is not None:
            step, place = taken
            try:
                step.answers[place] = perform(step.acts[place], self.now())
            except BaseException as fault:
                self.faults.append(fault)
            with self._lock:
                step.waiting -= 1
                last = step.waiting == 0
            if last:
                self._done.put(step)
        connections.close_all()

    def _count(self, act: Any, answer: Any) -> None:
        from .attack_world import TRIES

        if act.sort not in TRIES:
            return
        tally = self.tallies.setdefault(act.attack, _Tally())
        tally.attempts += 1
        tally.refused += not answer.done
        tally.codes[answer.code or "done"] += 1


def storm(seed: int, seconds: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Attack the platform whose database Django is pointed at; return what is true of it, and how it answered.

    Raises AssertionError if a command failed other than by refusing.
    """
    from luhai.core.ledger import queries as ledger
    from luhai.kernel.origin import SYSTEM

    from . import queries
    from .attack_honest import harvest
    from .attack_scenes import SCENES
    from .attack_world import World

    world = World.build(seed)
    tell(
        f"{len(world.banks) + len(world.partners)} banks, {len(world.companies)} companies, {THREADS} threads"
    )
    stage = _Stage(world)
    end = time.monotonic() + seconds

    def scenes() -> Iterator[Any]:
        for turn in range(sys.maxsize):
            chance = Random(f"{seed}/{turn}")
            for n, scene in enumerate(chance.sample(SCENES, len(SCENES))):
                if turn and time.monotonic() > end:
                    return
                yield scene(world, Random(f"{seed}/{turn}/{n}"))

    try:
        stage.play(scenes())
        stormed = time.monotonic_ns() - stage.began
        tell(f"{sum(t.attempts for t in stage.tallies.values())} attempts; now what is left is drawn")
        undermined = _undermined(world)
        stage.play(
            (harvest(world, Random(f"{seed}/{g.number}"), g) for g in world.goods), abreast=2 * _ABREAST
        )
    finally:
        stage.close()
    found = ledger.recount(viewer=SYSTEM)
    return {
        "said": _said(seed, world, stage, stormed), "undermined": undermined, "ratio_bp": world.ratio_bp,
        "totals": [asdict(row) for row in queries.totals(viewer=world.supervisor)],
        "recount": {
            "beyond_bound": found.beyond_bound, "ledger_differing": found.differing + found.holds_differing,
            "ledger_unbalanced": found.units_unbalanced, "not_told": undermined["loans"] - undermined["told"],
            "honest_refused": _honest_refused(stage),
        },
        "goods": [
            {
                "number": goods.number, "scene": goods.scene, "financed": goods.financed, "linked_late": goods.linked_late,
                "papers": [
                    {
                        "evidence": str(paper.evidence), "kind": paper.kind, "part": paper.part, "amount": paper.amount,
                        "live": paper.live, "counts": paper.counts,
                    }
                    for paper in goods.papers
                ],
            }
            for goods in world.goods
        ],
    }  # fmt: skip


def _undermined(world: Any) -> dict[str, int]:
    """Loans on goods that are worth less than is lent on them by now: how many, and how many of their lenders see it."""
    beneath = [goods for goods in world.goods if goods.undermined and goods.financed > world.available(goods)]
    loans = [loan for goods in beneath for loan in goods.loans if loan.left]
    return {
        "goods": len(beneath), "linked_late": sum(goods.linked_late for goods in beneath), "loans": len(loans),
        "told": sum(world.is_told(loan) for loan in loans),
        "given_back": sum(goods.financed - world.available(goods) for goods in beneath),
    }  # fmt: skip


def _honest_refused(stage: _Stage) -> int:
    """Honest applicants may be asked to wait for a person, and may find that nothing is left. Nothing else befalls them."""
    return sum(
        number
        for name in ("honest", "afterwards")
        for code, number in stage.tallies.get(name, _Tally()).codes.items()
        if code not in {"done", "evidence.near_duplicate", "evidence.used_up", "busy"}
    )


def _said(seed: int, world: Any, stage: _Stage, nanoseconds: int) -> dict[str, Any]:
    from .attack_world import PROVINCES

    codes: Counter[str] = Counter()
    for tally in stage.tallies.values():
        codes += tally.codes
    attempts, done = codes.total(), codes.pop("done", 0)
    return {
        "seed": seed, "banks": len(world.banks) + len(world.partners), "provinces": len(PROVINCES),
        "companies": len(world.companies), "goods": len(world.goods), "attempts": attempts, "refused": attempts - done,
        "refused_by": dict(codes.most_common()), "attempts_per_second": attempts * 10**9 // max(nanoseconds, 1),
        "reviewed": len(world.reviews), "review_outcomes": dict(Counter(world.reviews.values())),
        "attacks": [
            {
                "name": name, "attempts": tally.attempts, "refused": tally.refused,
                "codes": dict((tally.codes - Counter({"done": tally.codes["done"]})).most_common()),
            }
            for name, tally in sorted(stage.tallies.items())
        ],
    }  # fmt: skip


if __name__ == "__main__":
    import django

    django.setup()
    from luhai.shell import schema

    schema.bring_up_to_date()
    found = storm(int(sys.argv[1]), int(sys.argv[2]), lambda line: print(line, flush=True))
    (Path(sys.argv[3]) / "truth.json").write_text(json.dumps(found))
