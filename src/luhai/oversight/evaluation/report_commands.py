"""Reports: a unit, or an authority about one, states a value; another person accepts it or sends it back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from luhai.core.rules import queries as rules
from luhai.core.rules.business_days import calendar
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, gettext_noop
from luhai.oversight.statistics import queries as statistics
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from . import policy, sources, systems
from .commands import add, open_for_inputs, unit_of
from .lifecycle import NEXT_REPORT, Report
from .models import Cycle, Submission, Unit
from .refusals import Decided, OneAlready, SamePerson
from .systems import Entry

MEASURES: Final = ("M24-02",)
JUMP: Final = "evaluation.jump_z"
GIVEN: Final = frozenset({"value", "part", "whole", "history"})


@command(may=[Role.PROVINCE, Role.BANK, Role.SUPERVISOR])
def submit(
    *, submission_id: UUID, cycle_id: UUID, unit: str, indicator: str, given: dict[str, str], evidence: str, comment: str = "",
    invented: bool = False, origin: Origin,
) -> UUID:  # fmt: skip
    """Report a value with its evidence. It is checked at once, and waits for another person.

    Who:     the unit itself (a province for its territory, a bank for itself) for what units report; a supervisor for what authorities do.
    Units:   `given`: as the indicator's shape says, `part` and `whole`, or `value`; `history`: up to four earlier values, oldest first. Decimals
             as texts; shares and growth are computed from their parts.
    Writes:  a Submission, with what the checks noticed: late (the day for reports is over), jump (unlike the values before, which needs a comment).
    Refuses: Absent (cycle), WrongState, NotEntitled, Invalid (unit, indicator, part, whole, value, history, evidence, comment), OneAlready.
    Source:  measure M24-02; domain notes on oversight §1.7.
    """
    cycle = open_for_inputs(cycle_id)
    one, entry = unit_of(cycle, unit), _entry(cycle, indicator)
    _entitled(origin.actor, one, entry)
    if surplus := set(given) - GIVEN:
        raise Invalid(field=sorted(surplus)[0], problem=f"none but {', '.join(sorted(GIVEN))}")
    said = policy.reported(entry.source.shape, given, least=entry.source.least, most=entry.source.most)
    if entry.source.kind == "mixed":
        _at_least_ours(cycle, one, said.whole)
    if Submission.objects.filter(cycle=cycle, unit=unit, indicator=indicator, state=Report.SUBMITTED.value).exists():
        raise OneAlready(kind=gettext_noop("report that waits"))
    today = calendar().local_date(origin.at)
    on_time = today <= cycle.reports_due
    z = rules.parameters(viewer=SYSTEM).value(JUMP, today)
    jump = policy.jumps(said.value, said.history, int(z.value))
    comment = policy.words(comment, "comment", needed=False)
    if jump and not comment:
        raise Invalid(field="comment", problem=gettext_noop("why the value is so unlike those before it"))
    proof = policy.reference(evidence)
    content = {
        "unit": unit, "indicator": indicator, "value": policy.shown(said.value), "part": _text(said.part), "whole": _text(said.whole),
        "history": [policy.shown(h) for h in said.history], "evidence": proof, "invented": invented,
    }  # fmt: skip
    row = Submission(
        id=submission_id, cycle=cycle, run=cycle.run, unit=unit, territory=one.territory, party=one.party, indicator=indicator, value=said.value,
        part=said.part, whole=said.whole, history=content["history"], evidence=proof, comment=comment,
        remarks=[w for w, holds in (("late", not on_time), ("jump", jump)) if holds], digest=policy.digest(content), on_time=on_time,
        invented=invented, by_authority=entry.source.by == "authority", submitted_by=origin.actor.person_id, submitted_at=origin.at,
    )  # fmt: skip
    add(row)
    record(
        "evaluation.submitted", submission_id, measures=MEASURES, rules=[f"{z.key}@{z.valid_from}"], cycle=cycle_id, unit=unit,
        indicator=indicator, digest=policy.digest(content), on_time=on_time, invented=invented,
    )  # fmt: skip
    return submission_id


@command(may=[Role.SUPERVISOR])
def decide_report(*, submission_id: UUID, accept: bool, reason: str = "", origin: Origin) -> UUID:
    """Accept a report, or send it back with a reason. An accepted one that a later one replaces stays, marked so.

    Who: a supervisor who did not submit it. Writes: the Submission's state. Refuses: Absent, WrongState, SamePerson, Decided, Invalid (reason).
    """
    found = Submission.objects.filter(pk=submission_id).first()
    if found is None:
        raise Absent(kind="report")
    cycle = open_for_inputs(found.cycle_id)
    row = Submission.objects.select_for_update().get(pk=submission_id)
    after = NEXT_REPORT.get((Report(row.state), "accept" if accept else "return"))
    if after is None:
        raise Decided
    if row.submitted_by == origin.actor.person_id:
        raise SamePerson
    reason = policy.words(reason, "reason", needed=not accept)
    if accept:
        Submission.objects.filter(cycle=cycle, unit=row.unit, indicator=row.indicator, state=Report.ACCEPTED.value).update(
            state=Report.REVISED.value
        )
    row.state, row.decided_by, row.decided_at, row.reason = after.value, origin.actor.person_id, origin.at, reason
    row.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    record(
        "evaluation.report_decided", submission_id, measures=MEASURES, cycle=cycle.pk, unit=row.unit, indicator=row.indicator, accepted=accept
    )
    return submission_id


def _entry(cycle: Cycle, indicator: str) -> Entry:
    entries: Mapping[str, Entry] = systems.build(cycle.content).entries
    reported = [k for k, e in entries.items() if e.source.reported]
    if indicator not in reported:
        raise Invalid(field="indicator", problem=f"one that is reported: {', '.join(reported)}")
    return entries[indicator]


def _entitled(actor: Actor, unit: Unit, entry: Entry) -> None:
    if actor.role is Role.SYSTEM:
        return
    if entry.source.by == "authority":
        if actor.role is not Role.SUPERVISOR:
            raise NotEntitled(who=gettext_noop("the authorities"))
    elif not mine(actor, unit.territory, unit.party):
        raise NotEntitled(who=gettext_noop("the unit itself"))


def mine(actor: Actor, territory: str | None, party: UUID | None) -> bool:
    """Whether somebody speaks for a unit."""
    if actor.role is Role.PROVINCE:
        return territory is not None and territory == actor.territory
    return actor.role is Role.BANK and party is not None and party == actor.party_id


def _at_least_ours(cycle: Cycle, unit: Unit, whole: Decimal | None) -> None:
    """All loans cannot be less than the corridor loans among them, which are booked here."""
    assert whole is not None
    with as_system():
        rows = sources.read_facts(statistics.position())
    own = [r for r in rows if unit.unit == (r.territory if cycle.kind == "territory" else r.bank)]
    if sources.balance(own, policy.quarter(cycle.period).last) > whole * 100:
        raise Invalid(field="whole", problem=gettext_noop("at least the corridor loans that are booked on this platform"))


def _text(value: Any) -> str | None:
    return None if value is None else policy.shown(value)
