"""The demo's evaluation: one cycle of the territories on the demo's own facts, up to the drafts, so that visitors object or decide next.

What units and authorities report is invented, in small steps from the seed, and marked so everywhere; what is counted is counted.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from random import Random
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from luhai.core.parties.territories import territories
from luhai.kernel.calendar import SHANGHAI
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.oversight.evaluation import commands, report_commands, systems
from luhai.oversight.evaluation.policy import Quarter, quarter_of
from luhai.oversight.evaluation.systems import Entry
from luhai.oversight.statistics import commands as statistics
from luhai.shell import journal

_SPACE: Final = uuid5(NAMESPACE_URL, "luhai:desks.demo_evaluation")
SYSTEM_NAME: Final = "territories.2026"
#: Who reports nothing, so that a card shows what that costs: Xizang its lists.
LEFT_OUT: Final = ("540000", "P13")
#: From how much to how much the invented values go, by indicator: of shares and growth the part of a whole of 1000.
RANGES: Final = {
    "P03": (420, 960), "P05": (5, 60), "P07": (150, 700), "P08": (950, 1300), "P09": (60, 520), "P11": (40, 240), "P13": (500, 1000),
    "P16": (400, 1000), "P20": (3, 28), "P24": (0, 6),
}  # fmt: skip
_WHOLE: Final = "1000"
_QUARTERS: Final = 4


def load(seed: int, now: datetime) -> dict[str, Any]:
    """Plan, collect, report, freeze, score, and tell the drafts; again: nothing. Answers the cycle's id, its period and its counts."""
    last = quarter_of(now.astimezone(SHANGHAI).date()).back(1)
    reported = min(now, datetime.combine(last.last + timedelta(days=10), time(10), SHANGHAI))
    steps = _Steps(seed, last)
    cycle = uuid5(_SPACE, f"{seed} {last}")
    journal.seal(at=now)
    statistics.gather_all(now)
    statistics.export_all(now)
    commands.plan(cycle_id=cycle, system=SYSTEM_NAME, period=str(last), seed=seed, invented=True, origin=steps.by("plan", reported))
    commands.collect(cycle_id=cycle, origin=steps.by("collect", reported))
    entries = systems.definition(SYSTEM_NAME).entries
    count = 0
    for code in sorted(territories()):
        for key, entry in entries.items():
            if entry.source.reported and (code, key) != LEFT_OUT:
                _report(steps, cycle, code, entry, reported)
                count += 1
    frozen = commands.validate(cycle_id=cycle, origin=steps.by("validate", now))
    scored = commands.score(cycle_id=cycle, origin=steps.by("score", now))
    told = commands.publish(cycle_id=cycle, origin=steps.by("publish", now))
    return {"cycle": str(cycle), "period": str(last), "reports": count, "inputs": frozen["inputs_digest"], "result": scored["result"], **told}


class _Steps:
    """Origins whose keys come from the seed and the quarter: an interrupted load goes on, and a second one finds its answers."""

    def __init__(self, seed: int, last: Quarter) -> None:
        self.name = f"{seed} {last}"

    def by(self, step: str, at: datetime, actor: Actor = SYSTEM) -> Origin:
        return Origin(actor, uuid5(_SPACE, f"{self.name} {step}"), at)


def _report(steps: _Steps, cycle: UUID, code: str, entry: Entry, at: datetime) -> None:
    """One invented report, by an invented reporter of the unit or the authority, accepted by the system."""
    key = entry.item.key
    role = Role.SUPERVISOR if entry.source.by == "authority" else Role.PROVINCE
    reporter = Actor(uuid5(_SPACE, f"reporter {role} {code}"), role, uuid5(_SPACE, f"office {role} {code}"), code if role is Role.PROVINCE else None)
    submission = uuid5(_SPACE, f"{steps.name} {code} {key}")
    report_commands.submit(
        submission_id=submission, cycle_id=cycle, unit=code, indicator=key, given=_given(steps.name, code, entry),
        evidence="演示用虚构凭证 invented for the demonstration", comment="虚构 invented", invented=True,
        origin=steps.by(f"submit {code} {key}", at, reporter),
    )  # fmt: skip
    report_commands.decide_report(submission_id=submission, accept=True, origin=steps.by(f"accept {code} {key}", at))


def _given(name: str, code: str, entry: Entry) -> dict[str, str]:
    """A value and the four before it, drifting a little."""
    chance = Random(f"{name} {code} {entry.item.key}")
    if entry.source.shape == "whole":
        return {"whole": str(chance.randrange(2_000, 60_000) * 10**8)}
    if entry.source.shape == "number":
        past = [str(chance.randrange(-30, 120)) for _ in range(_QUARTERS + 1)]
        return {"value": _tenth(past[-1]), "history": " ".join(_tenth(p) for p in past[:-1])}
    low, high = RANGES[entry.item.key]
    parts = [chance.randrange(low, high + 1)]
    for _ in range(_QUARTERS):
        step = max(1, (high - low) // 12)
        parts.append(min(high, max(low, parts[-1] + chance.randrange(-step, step + 1))))
    base = 1000 if entry.source.shape == "growth" else 0
    return {"part": str(parts[-1]), "whole": _WHOLE, "history": " ".join(_tenth(str(p - base)) for p in parts[:-1])}


def _tenth(text: str) -> str:
    """Thousandths as per cent with one digit: "-25" -> "-2.5"."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    return f"{sign}{int(digits) // 10}.{int(digits) % 10}"
