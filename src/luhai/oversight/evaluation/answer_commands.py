"""What a unit answers: objections to its draft, and what it sets right afterwards."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from luhai.core.rules import queries as rules
from luhai.core.rules.business_days import calendar
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, gettext_noop
from luhai.shell.command import command, record

from . import policy, systems
from .commands import add, step, unit_of
from .lifecycle import NEXT_REPAIR, SETTLED, STATE_NAMES, Act, Answer, Repair, State
from .models import Cycle, Objection, Rectification, Run, Unit, Value
from .refusals import Decided, OneAlready, SamePerson, TooLate, WrongState
from .report_commands import mine

MEASURES: Final = ("M24-03", "M24-04", "M24-06")
LEAST: Final = "evaluation.rectification_days"


@command(may=[Role.PROVINCE, Role.BANK])
def object_to(
    *, objection_id: UUID, cycle_id: UUID, indicator: str, claimed: str, ground: str, evidence: str, origin: Origin
) -> UUID:
    """Hold that a value of one's own draft is another. The value that was used and the one that is claimed are both kept.

    Who:     the unit, until the last day for objections, once for each indicator of a run.
    Units:   `claimed`: a decimal in the indicator's unit.
    Writes:  an Objection. Refuses: Absent (cycle), WrongState, TooLate, NotEntitled, Invalid (indicator, claimed, ground, evidence), OneAlready.
    """
    cycle = step(cycle_id, Act.OBJECT, origin, note=indicator[:20], unit=_own_unit(cycle_id, origin.actor).unit)
    one = _own_unit(cycle_id, origin.actor)
    assert cycle.objections_until is not None
    if calendar().local_date(origin.at) > cycle.objections_until:
        raise TooLate(until=cycle.objections_until.isoformat())
    entry = systems.build(cycle.content).entries.get(indicator)
    if entry is None or entry.source.kind == "awaited":
        raise Invalid(field="indicator", problem=gettext_noop("an indicator of this system that is counted or reported"))
    value = policy.fixed(policy.number(claimed, "claimed"))
    if not policy.possible(entry.source.shape, value, least=entry.source.least, most=entry.source.most):
        raise Invalid(field="claimed", problem=gettext_noop("a value between the least and the most of this indicator"))
    if Objection.objects.filter(cycle=cycle, run=cycle.run, unit=one.unit, indicator=indicator).exists():
        raise OneAlready(kind=gettext_noop("objection"))
    used = Value.objects.get(cycle=cycle, run=cycle.run, unit=one.unit, indicator=indicator)
    row = Objection(
        id=objection_id, cycle=cycle, run=cycle.run, unit=one.unit, territory=one.territory, party=one.party, indicator=indicator,
        used=used.value, claimed=value, ground=policy.words(ground, "ground"), evidence=policy.reference(evidence),
        raised_by=origin.actor.person_id, raised_at=origin.at,
    )  # fmt: skip
    add(row)
    record("evaluation.objected", objection_id, measures=MEASURES, cycle=cycle_id, run=cycle.run, unit=one.unit, indicator=indicator)
    return objection_id


@command(may=[Role.SUPERVISOR])
def decide_objection(*, objection_id: UUID, uphold: bool, decision: str, origin: Origin) -> UUID:
    """Uphold or reject, with reasons. What is upheld goes into a new run when the result is made final.

    Who:     a supervisor who neither raised it nor scored the run.
    Writes:  the Objection's state. Refuses: Absent, WrongState, SamePerson, Decided, Invalid (decision).
    """
    found = Objection.objects.filter(pk=objection_id).first()
    if found is None:
        raise Absent(kind="objection")
    cycle = Cycle.objects.select_for_update().get(pk=found.cycle_id)
    row = Objection.objects.select_for_update().get(pk=objection_id)
    if row.state != Answer.OPEN.value:
        raise Decided
    if State(cycle.state) is not State.OBJECTION:
        raise WrongState(act_name=gettext_noop("Deciding"), state_name=STATE_NAMES[State(cycle.state)], state=cycle.state)
    scored_by = Run.objects.get(cycle=cycle, number=row.run).scored_by
    if origin.actor.person_id in {row.raised_by, scored_by} and origin.actor.role is not Role.SYSTEM:
        raise SamePerson
    row.state = (Answer.UPHELD if uphold else Answer.REJECTED).value
    row.decision, row.decided_by, row.decided_at = policy.words(decision, "decision"), origin.actor.person_id, origin.at
    row.save(update_fields=["state", "decision", "decided_by", "decided_at"])
    record("evaluation.objection_decided", objection_id, measures=MEASURES, cycle=cycle.pk, unit=row.unit, indicator=row.indicator, upheld=uphold)
    return objection_id


@command(may=[Role.SUPERVISOR])
def ask_rectification(
    *, rectification_id: UUID, cycle_id: UUID, unit: str, task: str, due: date, indicator: str = "", origin: Origin
) -> UUID:
    """Ask a unit to set something right, by a day. Who: supervisors, after the rows were passed on.

    Writes: a Rectification. Refuses: Absent, WrongState, Invalid (unit, indicator, task, due: not before the least period).
    """
    cycle = step(cycle_id, Act.TRACK, origin, unit=unit[:36])
    one = unit_of(cycle, unit)
    if indicator and indicator not in systems.build(cycle.content).entries:
        raise Invalid(field="indicator", problem=gettext_noop("an indicator of this system, or nothing"))
    today = calendar().local_date(origin.at)
    rule = rules.parameters(viewer=SYSTEM).value(LEAST, today)
    first = calendar().add_business_days(today, int(rule.value))
    if not first <= due <= today.replace(year=today.year + 3, day=1):
        raise Invalid(field="due", problem=f"from {first.isoformat()} on, within three years")
    row = Rectification(
        id=rectification_id, cycle=cycle, unit=unit, territory=one.territory, party=one.party, indicator=indicator,
        task=policy.words(task, "task"), due=due, asked_by=origin.actor.person_id, asked_at=origin.at,
    )  # fmt: skip
    add(row)
    record(
        "evaluation.rectification_asked", rectification_id, measures=MEASURES, rules=[f"{rule.key}@{rule.valid_from}"], cycle=cycle_id,
        unit=unit, due=due,
    )  # fmt: skip
    return rectification_id


@command(may=[Role.PROVINCE, Role.BANK])
def report_rectification(*, rectification_id: UUID, done: str, origin: Origin) -> UUID:
    """Say that it is done, and how. Who: the unit. Refuses: Absent, NotEntitled, Decided, Invalid (done)."""
    row = _repair(rectification_id, "report")
    if not mine(origin.actor, row.territory, row.party) and origin.actor.role is not Role.SYSTEM:
        raise NotEntitled(who=gettext_noop("the unit itself"))
    row.reported, row.reported_by, row.reported_at = policy.words(done, "done"), origin.actor.person_id, origin.at
    row.save(update_fields=["state", "reported", "reported_by", "reported_at"])
    record("evaluation.rectification_reported", rectification_id, measures=MEASURES, cycle=row.cycle_id, unit=row.unit)
    return rectification_id


@command(may=[Role.SUPERVISOR])
def confirm_rectification(*, rectification_id: UUID, confirm: bool, origin: Origin) -> UUID:
    """Confirm that it is done, or send it back. Who: another person than reported it. Refuses: Absent, SamePerson, Decided."""
    row = _repair(rectification_id, "confirm" if confirm else "reject")
    if row.reported_by == origin.actor.person_id:
        raise SamePerson
    row.confirmed_by, row.confirmed_at = (origin.actor.person_id, origin.at) if confirm else (None, None)
    row.save(update_fields=["state", "confirmed_by", "confirmed_at"])
    record("evaluation.rectification_confirmed", rectification_id, measures=MEASURES, cycle=row.cycle_id, unit=row.unit, confirmed=confirm)
    return rectification_id


@command(may=[Role.SUPERVISOR])
def give_up_rectification(*, rectification_id: UUID, reason: str, origin: Origin) -> UUID:
    """Give it up, with a reason. Who: supervisors. Refuses: Absent, Decided, Invalid (reason)."""
    row = _repair(rectification_id, "lapse")
    row.reported = policy.words(reason, "reason")
    row.save(update_fields=["state", "reported"])
    record("evaluation.rectification_given_up", rectification_id, measures=MEASURES, cycle=row.cycle_id, unit=row.unit)
    return rectification_id


def _repair(rectification_id: UUID, act: str) -> Rectification:
    """Locked, in its next state (not saved yet)."""
    found = Rectification.objects.filter(pk=rectification_id).first()
    if found is None:
        raise Absent(kind="rectification")
    cycle = Cycle.objects.select_for_update().get(pk=found.cycle_id)
    if State(cycle.state) not in SETTLED:
        raise WrongState(act_name=gettext_noop("Rectification"), state_name=STATE_NAMES[State(cycle.state)], state=cycle.state)
    row: Rectification = Rectification.objects.select_for_update().get(pk=rectification_id)
    after = NEXT_REPAIR.get((Repair(row.state), act))
    if after is None:
        raise Decided
    row.state = after.value
    return row


def _own_unit(cycle_id: UUID, actor: Actor) -> Unit:
    """The unit that somebody speaks for in a cycle. Refuses: NotEntitled."""
    for unit in Unit.objects.filter(cycle_id=cycle_id).filter(**({"territory": actor.territory} if actor.role is Role.PROVINCE else {"party": actor.party_id})):
        return unit
    if not Cycle.objects.filter(pk=cycle_id).exists():
        raise Absent(kind="cycle")
    raise NotEntitled(who=gettext_noop("a unit of this cycle"))
