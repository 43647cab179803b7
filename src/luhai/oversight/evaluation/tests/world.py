"""A small world for tests: people, a cycle brought to any state, and invented reports of every unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connections

from luhai.core.parties.territories import territories
from luhai.kernel.origin import Actor, Origin, Role
from luhai.oversight.evaluation import answer_commands, commands, report_commands, systems
from luhai.oversight.evaluation.lifecycle import State

NOON = datetime(2026, 7, 6, 4, tzinfo=UTC)  # Monday noon in Chongqing, in time for the second quarter
AFTER = NOON + timedelta(days=40)  # the period for objections is over
CHONGQING, GUANGXI = "500000", "450000"
PERIOD = "2026Q2"
#: Three supervisors: one keeps the cycle, one accepts reports, one decides on objections.
KEEPER, CHECKER, JUDGE = (Actor(UUID(int=0xA000 + n), Role.SUPERVISOR, UUID(int=0xAF00)) for n in range(3))
OPERATOR = Actor(UUID(int=0xA010), Role.OPERATOR, UUID(int=0xAF01))


def province(code: str, n: int = 0) -> Actor:
    return Actor(UUID(int=0xB0000000 + int(code) * 10 + n), Role.PROVINCE, UUID(int=0xBF000000 + int(code)), code)


def by(actor: Actor = KEEPER, at: datetime = NOON) -> Origin:
    return Origin(actor, uuid4(), at)


def planned(system: str = "territories.2026", period: str = PERIOD, seed: int = 7, at: datetime = NOON) -> UUID:
    return commands.plan(cycle_id=uuid4(), system=system, period=period, seed=seed, origin=by(at=at))


def collecting(**planning: Any) -> UUID:
    key = planned(**planning)
    commands.collect(cycle_id=key, origin=by())
    return key


def given_for(shape: str, n: int = 0) -> dict[str, str]:
    """A report of a shape; `n` makes units differ."""
    if shape in {"share", "growth"}:
        return {"part": str(30 + n), "whole": "100"}
    return {"whole": str(10**9 + n)} if shape == "whole" else {"value": str(5 + n)}


def submitted(
    cycle: UUID, indicator: str, unit: str = CHONGQING, given: dict[str, str] | None = None, actor: Actor | None = None, at: datetime = NOON, **more: Any
) -> UUID:  # fmt: skip
    entry = systems.definition("territories.2026").entries[indicator]
    who = actor or (KEEPER if entry.source.by == "authority" else province(unit))
    return report_commands.submit(
        submission_id=uuid4(), cycle_id=cycle, unit=unit, indicator=indicator, given=given or given_for(entry.source.shape), evidence="文号 1",
        origin=by(who, at), **more,
    )  # fmt: skip


def accepted(cycle: UUID, indicator: str, unit: str = CHONGQING, **more: Any) -> UUID:
    key = submitted(cycle, indicator, unit, **more)
    return report_commands.decide_report(submission_id=key, accept=True, origin=by(CHECKER))


def reported(cycle: UUID, units: int = 15) -> None:
    """Every unit reports what it must, and it is accepted."""
    for n, unit in enumerate(sorted(territories())[:units]):
        for key, entry in systems.definition("territories.2026").entries.items():
            if entry.source.reported:
                accepted(cycle, key, unit, given=given_for(entry.source.shape, n))


def frozen(units: int = 2) -> UUID:
    key = collecting()
    reported(key, units)
    commands.validate(cycle_id=key, origin=by())
    return key


def brought_to(state: State, units: int = 2) -> UUID:
    """A cycle in a state, on the straight way."""
    key = planned()
    if state is State.PLANNED:
        return key
    commands.collect(cycle_id=key, origin=by())
    if state is State.COLLECTING:
        return key
    reported(key, units)
    for then, act in (
        (State.VALIDATED, lambda: commands.validate(cycle_id=key, origin=by())),
        (State.SCORED, lambda: commands.score(cycle_id=key, origin=by())),
        (State.DRAFT_PUBLISHED, lambda: commands.publish(cycle_id=key, origin=by())),
        (State.OBJECTION, lambda: decided(key, uphold=False) if state is State.OBJECTION else None),
        (State.FINAL, lambda: commands.finalise(cycle_id=key, origin=by(at=AFTER))),
        (State.FED_TO_ASSESSMENT, lambda: commands.feed(cycle_id=key, origin=by(at=AFTER))),
        (State.RECTIFICATION_TRACKED, lambda: state is State.RECTIFICATION_TRACKED and asked(key)),
        (State.CLOSED, lambda: commands.close(cycle_id=key, origin=by(at=AFTER))),
    ):
        act()
        if then is state:
            return key
    raise AssertionError(state)


def objected(cycle: UUID, indicator: str = "P03", claimed: str = "77.5", unit: str = CHONGQING, at: datetime = NOON) -> UUID:
    return answer_commands.object_to(
        objection_id=uuid4(), cycle_id=cycle, indicator=indicator, claimed=claimed, ground="报表口径不同", evidence="文号 2",
        origin=by(province(unit), at),
    )  # fmt: skip


def decided(cycle: UUID, *, uphold: bool, indicator: str = "P03", claimed: str = "77.5") -> UUID:
    key = objected(cycle, indicator, claimed)
    return answer_commands.decide_objection(objection_id=key, uphold=uphold, decision="已核对原始凭证", origin=by(JUDGE))


def asked(cycle: UUID, unit: str = CHONGQING) -> UUID:
    return answer_commands.ask_rectification(
        rectification_id=uuid4(), cycle_id=cycle, unit=unit, indicator="P03", task="补报项目资金", due=(AFTER + timedelta(days=60)).date(),
        origin=by(at=AFTER),
    )  # fmt: skip


def owner(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """As somebody who owns the database."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description else []


