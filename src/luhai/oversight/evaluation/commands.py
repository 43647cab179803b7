"""The only way in which a cycle goes on. Reports, objections and studies: `report_commands`, `answer_commands`, `study_commands`.

Locks: the cycle's row first, so that acts on one cycle come one after another; everything else lies below it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Model, Q

from luhai.core.parties import queries as parties
from luhai.core.parties.territories import territories
from luhai.core.rules import queries as rules
from luhai.core.rules.business_days import calendar
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, gettext_noop
from luhai.oversight.statistics import queries as statistics
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from . import policy, scoring, sources, systems
from .inputs import digest_of, said, vetoes_of
from .lifecycle import ACT_NAMES, NEXT, STATE_NAMES, Act, Answer, Report, State
from .models import Card, Cycle, Event, Feed, Objection, Run, Submission, Total, Unit, Value, Veto
from .queries import export_rows
from .refusals import (
    Decided,
    InputsDiffer,
    NobodyToEvaluate,
    NotYet,
    OneAlready,
    Planned,
    SamePerson,
    Waiting,
    WrongState,
)
from .systems import AWAITED, Definition, Entry

MEASURES: Final = ("M24-01", "M24-03", "M24-04", "M24-06")
RULES: Final = {
    "objection": "evaluation.objection_days", "report": "evaluation.report_days", "draws": "evaluation.draws",
    "territory": "evaluation.territory_totals_open", "institution": "evaluation.institution_totals_open",
}  # fmt: skip
#: A value beyond this is no figure that anybody could weigh.
_MOST: Final = Decimal(10) ** 18


@command(may=[Role.SUPERVISOR])
def plan(*, cycle_id: UUID, system: str, period: str, seed: int, invented: bool = False, origin: Origin) -> UUID:
    """Fix what will be evaluated: a shipped system by its name, a quarter that is over, the units, and the seed of the draws.

    Who:     supervisors.
    Units:   `system` such as "territories.2026"; `period` "2026Q2"; `seed` from 0 to 2^31-1; `invented` marks a demonstration.
    Writes:  the Cycle with the whole content of the system and its digest, its Units with their peers, and its first Run.
    Refuses: Absent (system), Invalid (period, seed), Planned, NobodyToEvaluate.
    Source:  measures M24-01, M24-03, M24-04, M24-06.
    """
    what = systems.definition(system)
    when = policy.quarter(period)
    today = calendar().local_date(origin.at)
    if when.last >= today:
        raise Invalid(field="period", problem=gettext_noop("a quarter that is over"))
    if not 0 <= seed < 2**31:
        raise Invalid(field="seed", problem=gettext_noop("a whole number from 0 to 2147483647"))
    with connection.cursor() as cursor:  # two who plan the same at once: the second waits here, and is told
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", [f"evaluation {system} {period}"])
    if Cycle.objects.filter(system=system, period=period).exists():
        raise Planned(period=period)
    units = _units(what)
    if not units:
        raise NobodyToEvaluate
    rule = rules.parameters(viewer=SYSTEM).value(RULES["report"], today)
    cycle = Cycle(
        id=cycle_id, system=system, kind=what.system.kind, content=what.content, system_digest=what.digest, period=period, seed=seed,
        invented=invented, reports_due=calendar().add_business_days(when.last, int(rule.value)), planned_by=origin.actor.person_id,
        planned_at=origin.at, acted_at=origin.at,
    )  # fmt: skip
    add(cycle)
    Unit.objects.bulk_create([Unit(cycle=cycle, **u) for u in units])
    Run.objects.create(cycle=cycle, number=1, begun_by=origin.actor.person_id, begun_at=origin.at)
    told(cycle, "plan", origin)
    record(
        "evaluation.planned", cycle_id, measures=(*MEASURES, *what.measures), rules=[f"{rule.key}@{rule.valid_from}"], system=system,
        digest=what.digest, period=period, units=len(units), seed=seed, invented=invented,
    )  # fmt: skip
    return cycle_id


@command(may=[Role.SUPERVISOR])
def collect(*, cycle_id: UUID, origin: Origin) -> dict[str, int]:
    """Open a cycle for reports, and count what can be counted from facts; again, as often as is wanted, until the inputs are frozen.

    Answers how many values there are by status. Who: supervisors. Writes: the Values of the present run, anew.
    Refuses: Absent (cycle), WrongState.
    """
    cycle = step(cycle_id, Act.COLLECT, origin)
    counts = _fill(cycle, origin)
    Run.objects.filter(cycle=cycle, number=cycle.run).update(collected_at=origin.at)
    record("evaluation.collected", cycle_id, measures=MEASURES, run=cycle.run, counts=counts)
    return counts


@command(may=[Role.SUPERVISOR])
def validate(*, cycle_id: UUID, origin: Origin) -> dict[str, Any]:
    """Count everything a last time and freeze the inputs: from here on they are what their digest names.

    Who:     supervisors.
    Writes:  the Values of the run, and its digest over system, seed, values with their evidence, and confirmed vetoes.
    Refuses: Absent (cycle), WrongState, Waiting (reports or vetoes that nobody has decided on).
    """
    cycle = step(cycle_id, Act.VALIDATE, origin)
    if Submission.objects.filter(cycle=cycle, state=Report.SUBMITTED.value).exists():
        raise Waiting(kind=gettext_noop("reports that were submitted"))
    if Veto.objects.filter(cycle=cycle, run=cycle.run, confirmed_by=None).exists():
        raise Waiting(kind=gettext_noop("vetoes that were proposed"))
    counts = _fill(cycle, origin)
    run = Run.objects.select_for_update().get(cycle=cycle, number=cycle.run)
    run.collected_at = run.frozen_at = origin.at
    run.inputs_digest = digest_of(cycle, cycle.run)
    run.save(update_fields=["collected_at", "frozen_at", "inputs_digest"])
    record("evaluation.frozen", cycle_id, measures=MEASURES, run=run.number, inputs=run.inputs_digest, counts=counts)
    return {"run": run.number, "inputs_digest": run.inputs_digest, **counts}


@command(may=[Role.SUPERVISOR])
def score(*, cycle_id: UUID, origin: Origin) -> dict[str, Any]:
    """Score the frozen inputs. The same inputs, system and seed give the same cards, whoever scores and whenever.

    Who: supervisors. Writes: a Card for each unit, and the digest of all. Refuses: Absent, WrongState, InputsDiffer.
    """
    cycle = step(cycle_id, Act.SCORE, origin)
    result = _score(cycle, origin)
    record("evaluation.scored", cycle_id, measures=MEASURES, **{k: result[k] for k in ("run", "inputs", "result", "units")})
    return result


@command(may=[Role.SUPERVISOR])
def publish(*, cycle_id: UUID, origin: Origin) -> dict[str, str]:
    """Tell each unit its own draft, and nobody another's; the period for objections begins.

    Who: supervisors. Writes: the last day for objections. Refuses: Absent, WrongState.
    """
    cycle = step(cycle_id, Act.PUBLISH, origin)
    today = calendar().local_date(origin.at)
    rule = rules.parameters(viewer=SYSTEM).value(RULES["objection"], today)
    cycle.objections_until = calendar().add_business_days(today, int(rule.value))
    cycle.save(update_fields=["objections_until"])
    until = cycle.objections_until.isoformat()
    record("evaluation.draft_told", cycle_id, measures=MEASURES, rules=[f"{rule.key}@{rule.valid_from}"], run=cycle.run, until=until)
    return {"objections_until": until}


@command(may=[Role.SUPERVISOR])
def finalise(*, cycle_id: UUID, origin: Origin) -> dict[str, Any]:
    """Make the result final, once the period for objections is over and each is decided.

    Where an objection was upheld, a new run takes the old one's inputs with that value in its place, keeps the old value beside it, and is
    scored; that run is final.
    Who: supervisors. Writes: the new Run, its Values and Cards; Totals, told to everybody or to the unit as parameters say.
    Refuses: Absent, WrongState, NotYet, Waiting.
    """
    cycle = step(cycle_id, Act.FINALISE, origin)
    today = calendar().local_date(origin.at)
    assert cycle.objections_until is not None
    if today <= cycle.objections_until:
        raise NotYet(until=cycle.objections_until.isoformat())
    if Objection.objects.filter(cycle=cycle, run=cycle.run, state=Answer.OPEN.value).exists():
        raise Waiting(kind=gettext_noop("objections"))
    upheld = list(Objection.objects.filter(cycle=cycle, run=cycle.run, state=Answer.UPHELD.value).order_by("unit", "indicator"))
    if upheld:
        _corrected(cycle, upheld, origin)
        _score(cycle, origin)
    Run.objects.filter(cycle=cycle, number=cycle.run).update(final_at=origin.at)
    rule = rules.parameters(viewer=SYSTEM).value(RULES[cycle.kind], today)
    for card in Card.objects.filter(cycle=cycle, run=cycle.run):
        Total.objects.create(
            cycle=cycle, run=cycle.run, unit=card.unit, territory=card.territory, party=card.party, open=rule.value == 1, total=card.total,
            rank=card.rank, grade=card.grade, low=card.low, high=card.high, reasons=card.reasons, told_at=origin.at,
        )  # fmt: skip
    record(
        "evaluation.final", cycle_id, measures=MEASURES, rules=[f"{rule.key}@{rule.valid_from}"], run=cycle.run, corrected=len(upheld)
    )  # fmt: skip
    return {"run": cycle.run, "corrected": len(upheld)}


@command(may=[Role.SUPERVISOR])
def feed(*, cycle_id: UUID, origin: Origin) -> dict[str, Any]:
    """Write down that the final run's rows were passed on as inputs: how many, and their digest. The rows: `queries.export_rows`.

    They are inputs. The official grade is the assessing authority's, and nothing here claims it.
    Who: supervisors. Writes: a Feed. Refuses: Absent, WrongState. Source: measures M24-07, M24-08.
    """
    cycle = step(cycle_id, Act.FEED, origin)
    rows = [asdict(r) for r in export_rows(cycle_id=cycle_id, viewer=origin.actor).rows]
    sealed = policy.digest([{k: str(v) for k, v in r.items()} for r in rows])
    Feed.objects.create(cycle=cycle, run=cycle.run, rows=len(rows), digest=sealed, by=origin.actor.person_id, at=origin.at)
    record("evaluation.fed", cycle_id, measures=("M24-07", "M24-08"), run=cycle.run, rows=len(rows), digest=sealed)
    return {"run": cycle.run, "rows": len(rows), "digest": sealed}


@command(may=[Role.SUPERVISOR])
def close(*, cycle_id: UUID, origin: Origin) -> None:
    """End a cycle whose rectifications are all confirmed or given up. Who: supervisors. Refuses: Absent, WrongState, Waiting."""
    cycle = step(cycle_id, Act.CLOSE, origin)
    if cycle.rectifications.filter(state__in=["open", "reported"]).exists():
        raise Waiting(kind=gettext_noop("rectifications"))
    record("evaluation.closed", cycle_id, measures=MEASURES, run=cycle.run)


@command(may=[Role.SUPERVISOR])
def reopen(*, cycle_id: UUID, reason: str, origin: Origin) -> int:
    """Begin a new run after the result was final, with a reason. The old run, its inputs, cards and totals stay as they are.

    Who: supervisors. Writes: the new Run. Refuses: Absent, WrongState, Invalid (reason).
    """
    reason = policy.words(reason, "reason")
    cycle = step(cycle_id, Act.REOPEN, origin, note=reason)
    _next_run(cycle, reason, origin)
    _carry_vetoes(cycle, cycle.run - 1)
    cycle.objections_until = None
    cycle.save(update_fields=["objections_until"])
    record("evaluation.reopened", cycle_id, measures=MEASURES, run=cycle.run, reason=reason)
    return cycle.run


@command(may=[Role.SUPERVISOR])
def propose_veto(
    *, veto_id: UUID, cycle_id: UUID, unit: str, veto: str, ground: str, evidence: str, origin: Origin
) -> UUID:
    """Hold that an event named by the system took place, on evidence. It counts once another person has confirmed it.

    Who: supervisors, while the inputs are open. Writes: a Veto. Refuses: Absent, WrongState, Invalid (unit, veto, ground, evidence), OneAlready.
    """
    cycle = open_for_inputs(cycle_id)
    one = unit_of(cycle, unit)
    known = [v.key for v in systems.build(cycle.content).system.vetoes]
    if veto not in known:
        raise Invalid(field="veto", problem=f"one of {', '.join(known)}")
    if Veto.objects.filter(cycle=cycle, run=cycle.run, unit=unit, veto=veto).exists():
        raise OneAlready(kind=gettext_noop("veto"))
    row = Veto(
        id=veto_id, cycle=cycle, run=cycle.run, unit=unit, territory=one.territory, party=one.party, veto=veto,
        ground=policy.words(ground, "ground"), evidence=policy.reference(evidence), proposed_by=origin.actor.person_id, proposed_at=origin.at,
    )  # fmt: skip
    add(row)
    record("evaluation.veto_proposed", veto_id, measures=MEASURES, cycle=cycle_id, unit=unit, veto=veto)
    return veto_id


@command(may=[Role.SUPERVISOR])
def confirm_veto(*, veto_id: UUID, origin: Origin) -> UUID:
    """Confirm an event that another person proposed. Who: another supervisor. Refuses: Absent, WrongState, SamePerson, Decided."""
    found = Veto.objects.filter(pk=veto_id).first()
    if found is None:
        raise Absent(kind="veto")
    open_for_inputs(found.cycle_id)
    row = Veto.objects.select_for_update().get(pk=veto_id)
    if row.confirmed_by is not None:
        raise Decided
    if row.proposed_by == origin.actor.person_id:
        raise SamePerson
    row.confirmed_by, row.confirmed_at = origin.actor.person_id, origin.at
    row.save(update_fields=["confirmed_by", "confirmed_at"])
    record("evaluation.veto_confirmed", veto_id, measures=MEASURES, cycle=row.cycle_id, unit=row.unit, veto=row.veto)
    return veto_id


# ------------------------------------------------------------------------------------------------ steps


def step(cycle_id: UUID, act: Act, origin: Origin, note: str = "", unit: str = "") -> Cycle:
    """Lock the cycle, let it take its next state, and write the event. Refuses: Absent, WrongState."""
    cycle = Cycle.objects.select_for_update().filter(pk=cycle_id).first()
    if cycle is None:
        raise Absent(kind="cycle")
    after = NEXT.get((State(cycle.state), act))
    if after is None:
        raise WrongState(act_name=ACT_NAMES[act], state_name=STATE_NAMES[State(cycle.state)], state=cycle.state)
    cycle.state, cycle.acted_at = after.value, origin.at
    cycle.save(update_fields=["state", "acted_at"])
    told(cycle, act.value, origin, note, unit)
    return cycle


def add(row: Model) -> None:
    """Write a new row under the id that its caller chose. Refuses: OneAlready (the id is somebody's, seen or unseen)."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as fault:
        if not str(getattr(getattr(fault.__cause__, "diag", None), "constraint_name", "")).endswith("_pkey"):
            raise
        raise OneAlready(kind=gettext_noop("record with this id")) from None


def told(cycle: Cycle, act: str, origin: Origin, note: str = "", unit: str = "") -> None:
    Event.objects.bulk_create(  # without asking for the row back: who may add one may not see every one
        [Event(cycle=cycle, act=act, after=cycle.state, run=cycle.run, unit=unit, person=origin.actor.person_id, role=str(origin.actor.role), note=note, at=origin.at)]
    )  # fmt: skip


def open_for_inputs(cycle_id: UUID) -> Cycle:
    """The cycle, locked, while its inputs are open. Refuses: Absent, WrongState."""
    cycle = Cycle.objects.select_for_update().filter(pk=cycle_id).first()
    if cycle is None:
        raise Absent(kind="cycle")
    if State(cycle.state) is not State.COLLECTING:
        raise WrongState(act_name=gettext_noop("Reporting"), state_name=STATE_NAMES[State(cycle.state)], state=cycle.state)
    return cycle


def unit_of(cycle: Cycle, unit: str) -> Unit:
    found = Unit.objects.filter(cycle=cycle, unit=unit).first()
    if found is None:
        raise Invalid(field="unit", problem=gettext_noop("a unit of this cycle: a territory's code, or an institution's id"))
    return found


def _units(what: Definition) -> list[dict[str, Any]]:
    if what.system.kind == "territory":
        group = {code: key for key, (_, members) in what.groups.items() for code in members}
        return [
            {"unit": t.code, "territory": t.code, "party": None, "group": group[t.code], "name_zh": t.name_zh, "name_en": t.name_en}
            for t in territories().values()
        ]
    group = {sort: key for key, (_, sorts) in what.groups.items() for sort in sorts}
    found, after = [], None
    while page := parties.parties(kind="institution", after=after, limit=500, viewer=SYSTEM):
        found += [
            {
                "unit": str(p.id), "territory": None, "party": p.id, "group": group[p.sort], "name_zh": p.name_zh or p.name_en,
                "name_en": p.name_en or p.name_zh,
            }
            for p in page
            if p.country == "CN" and p.sort in group
        ]  # fmt: skip
        after = page[-1].id
    return found


def _next_run(cycle: Cycle, reason: str, origin: Origin) -> Run:
    cycle.run += 1
    cycle.save(update_fields=["run"])
    return Run.objects.create(cycle=cycle, number=cycle.run, reason=reason, begun_by=origin.actor.person_id, begun_at=origin.at)


# ------------------------------------------------------------------------------------------------ inputs


def _fill(cycle: Cycle, origin: Origin) -> dict[str, int]:
    """Write the values of the present run anew, in the sight of the system."""
    what = systems.build(cycle.content)
    with as_system():
        units = list(Unit.objects.filter(cycle=cycle).order_by("unit"))
        accepted = {(s.indicator, s.unit): s for s in Submission.objects.filter(cycle=cycle, state=Report.ACCEPTED.value)}
        world = sources.World(
            cycle.kind, tuple(u.unit for u in units), policy.quarter(cycle.period), statistics.position(), origin.at,
            {k: (s.whole, str(s.pk)) for k, s in accepted.items() if s.whole is not None and what.entries[k[0]].source.kind == "mixed"},
            _reports(cycle, what, units),
        )  # fmt: skip
        past = _past(cycle)
        rows = [_value(cycle, u, e, world, accepted.get((k, u.unit)), past) for u in units for k, e in what.entries.items()]
        Value.objects.filter(cycle=cycle, run=cycle.run).delete()
        Value.objects.bulk_create(rows, batch_size=1000)
    counts: dict[str, int] = {"ok": 0, "missing": 0, "no_data": 0, "not_applicable": 0}
    for row in rows:
        counts[row.status] += 1
    return counts


def _value(cycle: Cycle, unit: Unit, entry: Entry, world: sources.World, report: Submission | None, past: Mapping[Any, Any]) -> Value:
    key, source = entry.item.key, entry.source
    earlier = tuple(past[key, unit.unit, q] for q in map(str, world.quarter.before) if (key, unit.unit, q) in past)
    value: Decimal | None = None
    history: Sequence[Decimal] = ()
    evidence: dict[str, Any] = {"kind": source.kind}
    status, why = "no_data", ("", "")
    if source.kind == "awaited":
        why = AWAITED[source.of]
        evidence["of"] = source.of
    elif source.kind == "reported":
        if report is None:
            status = "missing" if entry.item.must_report else "no_data"
            why = ("尚未报送", "not reported")
        else:
            value = report.value
            history = earlier if len(earlier) == policy.BEFORE else tuple(Decimal(h) for h in report.history) or earlier
            evidence = {"kind": "submission", "submission": str(report.pk), "digest": report.digest, "invented": report.invented}
    else:
        found = sources.COMPUTED[source.of](world, unit.unit)
        value, why, evidence = found.value, found.why, {**evidence, **found.evidence}
        history = found.history or earlier
        if value is None and source.kind == "mixed" and report is None and entry.item.must_report:
            status = "missing"
    if value is not None and abs(value) >= _MOST:
        value, why = None, ("数值超出可计范围", "beyond what can be weighed")
    if value is not None:
        status, why = "ok", ("", "")
    kept = [policy.shown(h) for h in history if abs(h) < _MOST]
    row = Value(
        cycle=cycle, run=cycle.run, unit=unit.unit, territory=unit.territory, party=unit.party, indicator=key, status=status, value=value,
        history=kept, source=source.kind, evidence=evidence, why={"zh": why[0], "en": why[1]} if why[0] else {},
    )  # fmt: skip
    row.digest = policy.digest(said(row))
    return row


def _past(cycle: Cycle) -> dict[tuple[str, str, str], Decimal]:
    """Values of the same system's earlier cycles, each of its last final run."""
    when = policy.quarter(cycle.period)
    found: dict[tuple[str, str, str], Decimal] = {}
    for other in Cycle.objects.filter(system=cycle.system, period__in=[str(q) for q in when.before]):
        final = Run.objects.filter(cycle=other, final_at__isnull=False).order_by("-number").first()
        if final is not None:
            for v in Value.objects.filter(cycle=other, run=final.number, status="ok"):
                assert v.value is not None
                found[v.indicator, v.unit, other.period] = v.value
    return found


def _reports(cycle: Cycle, what: Definition, units: Sequence[Unit]) -> dict[str, tuple[int, int, int, int]]:
    """Of each unit: reports due, submitted, on time (one an item), returned."""
    due = sum(1 for e in what.entries.values() if e.source.reported and e.source.by == "unit")
    counts = {
        r["unit"]: (r["sent"], r["items"], r["back"])
        for r in Submission.objects.filter(cycle=cycle, by_authority=False).order_by("unit").values("unit").annotate(
            sent=Count("pk"), items=Count("indicator", distinct=True, filter=Q(on_time=True)), back=Count("pk", filter=Q(state=Report.RETURNED.value)),
        )
    }  # fmt: skip
    return {u.unit: (due, *counts.get(u.unit, (0, 0, 0))) for u in units}


def _corrected(cycle: Cycle, upheld: Sequence[Objection], origin: Origin) -> None:
    """A new run with the old one's inputs, and the upheld values in their places."""
    old = cycle.run
    claims = {(o.unit, o.indicator): o for o in upheld}
    run = _next_run(cycle, "upheld objections", origin)
    rows = []
    for v in Value.objects.filter(cycle=cycle, run=old).order_by("unit", "indicator"):
        v.pk, v.run = None, run.number
        if (claim := claims.get((v.unit, v.indicator))) is not None:
            v.before, v.value, v.status, v.source, v.why = v.value, claim.claimed, "ok", "objection", {}
            v.evidence = {"kind": "objection", "objection": str(claim.pk), "before": v.evidence}
        v.digest = policy.digest(said(v))
        rows.append(v)
    Value.objects.bulk_create(rows, batch_size=1000)
    _carry_vetoes(cycle, old)
    run.collected_at = run.frozen_at = origin.at
    run.inputs_digest = digest_of(cycle, run.number)
    run.save(update_fields=["collected_at", "frozen_at", "inputs_digest"])


def _carry_vetoes(cycle: Cycle, old: int) -> None:
    """What was confirmed for the run before holds in the present one too."""
    Veto.objects.bulk_create(
        [
            Veto(
                cycle=cycle, run=cycle.run, unit=r.unit, territory=r.territory, party=r.party, veto=r.veto, ground=r.ground,
                evidence=r.evidence, proposed_by=r.proposed_by, proposed_at=r.proposed_at, confirmed_by=r.confirmed_by,
                confirmed_at=r.confirmed_at,
            )
            for r in Veto.objects.filter(cycle=cycle, run=old, confirmed_by__isnull=False)
        ]
    )  # fmt: skip


def _score(cycle: Cycle, origin: Origin) -> dict[str, Any]:
    run = Run.objects.select_for_update().get(cycle=cycle, number=cycle.run)
    if run.inputs_digest != digest_of(cycle, run.number) or cycle.system_digest != systems.digest(cycle.content):
        raise InputsDiffer
    units = list(Unit.objects.filter(cycle=cycle).order_by("unit"))
    values = list(Value.objects.filter(cycle=cycle, run=run.number).order_by("unit", "indicator"))
    draws = int(rules.parameters(viewer=SYSTEM).value(RULES["draws"], calendar().local_date(cycle.planned_at)).value)
    system = scoring.system_of(systems.build(cycle.content), units)
    cards = scoring.score(system, values, vetoes_of(cycle, run.number), seed=cycle.seed, draws=draws)
    Card.objects.bulk_create(
        [
            Card(
                cycle=cycle, run=run.number, unit=u.unit, territory=u.territory, party=u.party, total=c["total"], rank=c["rank"],
                grade=c["grade"], grade_by_points=c["grade_by_points"], low=c["low"], high=c["high"], coverage=c["coverage"],
                reasons=c["reasons"], parts=c,
            )
            for u in units
            for c in [cards[u.unit]]
        ]
    )  # fmt: skip
    run.scored_by, run.scored_at = origin.actor.person_id, origin.at
    run.result_digest = policy.digest(cards)
    run.save(update_fields=["scored_by", "scored_at", "result_digest"])
    return {"run": run.number, "inputs": run.inputs_digest, "result": run.result_digest, "units": len(cards)}
