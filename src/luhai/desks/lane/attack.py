"""Play one shipment after the other with an enemy in it, and count everything again after each.

    run(names, seed=…, now=…, tell=…)    on a temporary cluster; DATABASE_URL is never touched
    storm(names, seed, now, tell)        the attacks themselves, in the database that Django is pointed at
    ATTACKS                              every attack by its name

An attack is held if each act of the enemy is refused or answered with the reason code that it must have, not a row is written by what was
refused, honest parties can bring the shipment to its end where the enemy left them anything to do, and ledger, titles, evidence, journal
and statistics still agree with their own recount.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from luhai.kernel.refusal import Invalid
from luhai.shell.postgres import DATABASE, SUPERUSER, Server

#: The stories take eighteen days; all began so many days ago.
BEGAN_DAYS_AGO: Final = 40
_SOURCES: Final = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`code` are the refusals and answers that held it. `why` says what got through, or what a recount found."""

    name: str
    held: bool
    code: str
    recounted: bool
    seconds: float
    why: str = ""


def run(names: Iterable[str], *, seed: int, now: datetime, tell: Callable[[str], None]) -> dict[str, Any]:
    """Play these attacks (none named: all) on a platform of its own; return how each went. Refuses: Invalid (no such attack)."""
    chosen = tuple(names)
    with Server.temporary(durable=False) as server, tempfile.TemporaryDirectory(prefix="luhai-attack-") as name:
        environment = {
            **os.environ,
            "DATABASE_URL": f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(server.socket_folder), safe='')}",
            "DJANGO_SETTINGS_MODULE": "luhai.config.settings", "LUHAI_STATE": name,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(_SOURCES), os.environ.get("PYTHONPATH")))),
        }  # fmt: skip
        with (
            open(Path(name) / "said", "w+b") as said,
            subprocess.Popen(
                [sys.executable, "-m", "luhai.desks.lane.attack", name, str(seed), now.isoformat(), *chosen],
                env=environment, stdout=subprocess.PIPE, stderr=said, text=True,
            ) as process,
        ):  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                tell(line.rstrip())
            failed = process.wait()
            said.seek(0)
            assert not failed, said.read().decode(errors="replace")[-4_000:]
        found: dict[str, Any] = json.loads((Path(name) / "found.json").read_text())
        return found


def attacks() -> Mapping[str, Callable[[Any], None]]:
    """Every attack by its name, in the order in which they are played."""
    from . import attack_documents, attack_money

    return MappingProxyType({one.__name__: one for one in (*attack_documents.ATTACKS, *attack_money.ATTACKS)})


def chosen(names: Iterable[str]) -> dict[str, Callable[[Any], None]]:
    """The attacks of these names; none named: all. Refuses: Invalid."""
    every, wanted = attacks(), list(names)
    for name in wanted:
        if name not in every:
            raise Invalid(field="only", problem=f"one of {', '.join(every)}")
    return {name: one for name, one in every.items() if not wanted or name in wanted}


def storm(names: Iterable[str], *, seed: int, now: datetime, tell: Callable[[str], None]) -> dict[str, Any]:
    """Play these attacks (none named: all) on the platform whose database Django is pointed at; every shipment began 40 days before `now`."""
    from .attack_scene import build

    began, playing = time.monotonic(), chosen(names)
    world = build("attack", seed, now - timedelta(days=BEGAN_DAYS_AGO))
    outcomes = []
    for number, name in enumerate(playing, start=1):
        one = play(world, number, name, playing[name], now)
        outcomes.append(one)
        tell(f"{'held' if one.held else 'GOT THROUGH'}  {one.name}  {one.code}  {one.seconds:.1f} s  {one.why}".rstrip())
    return {
        "attacks": [asdict(one) for one in outcomes], "held": sum(one.held for one in outcomes), "of": len(outcomes),
        "recounted": all(one.recounted for one in outcomes), "seed": seed, "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def play(world: Any, number: int, name: str, attack: Callable[[Any], None], now: datetime) -> Outcome:
    """One attack on a shipment of its own, and the recount of everything after it."""
    from luhai.kernel.refusal import Refusal

    from . import recount
    from .attack_scene import GotThrough, Scene

    began = time.monotonic()
    scene = Scene(world, number, name)
    why = ""
    try:
        attack(scene)
    except GotThrough as words:
        why = str(words)
    except Refusal as refusal:  # of an honest act
        why = f"after {scene.played} honest parties were refused: {refusal.code} {refusal.facts}"
    except Exception as fault:  # a command that fails other than by refusing is a finding, too
        why = f"after {scene.played} {type(fault).__name__}: {fault}"[:600]
    recount.gathered(now)
    counted = recount.recounted()
    wrong = [of for of, one in counted.items() if isinstance(one, dict) and not one["agrees"]]
    if wrong:
        why = f"{why} recount differs: {', '.join(wrong)}".strip()
    codes = " ".join(dict.fromkeys(scene.codes))
    return Outcome(name, not why, codes, not wrong, round(time.monotonic() - began, 2), why)


if __name__ == "__main__":
    import django

    django.setup()
    from luhai.shell import schema

    schema.bring_up_to_date()
    folder, seed, now, *names = sys.argv[1:]
    found = storm(names, seed=int(seed), now=datetime.fromisoformat(now), tell=lambda line: print(line, flush=True))
    (Path(folder) / "found.json").write_text(json.dumps(found))
