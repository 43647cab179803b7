"""Everything that can be asked of evaluations. Answers are plain values.

Who sees what is decided by the database (migration 0002): cycles, units and runs everybody who may look; a unit's values, reports, card and
objections itself and those who oversee, its card once it is told; final totals as parameters say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Count

from luhai.core.rules import queries as rules
from luhai.core.rules.business_days import calendar
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent, Invalid, gettext_noop
from luhai.shell.query import query

from . import policy, scoring, systems
from .estimating import estimated
from .inputs import digest_of, vetoes_of
from .lifecycle import NEXT, Act, Answer, Repair, Report, State
from .models import (
    Card,
    Cycle,
    Feed,
    Objection,
    Rectification,
    Run,
    Study,
    Submission,
    Total,
    Unit,
    Value,
    Veto,
)
from .systems import Definition

OVERSEEING: Final = (Role.SUPERVISOR, Role.OPERATOR)
LOOKING: Final = (*OVERSEEING, Role.PROVINCE, Role.BANK)
#: What stands on every export.
NOTICE: Final = (
    "本表为通道金融服务评估的输出，仅供信贷政策导向评估、银行外汇业务合规与审慎经营评估参考使用，不是上述评估的正式等级或得分。",
    "These rows are an output of the corridor's evaluation: inputs for the credit-policy and the foreign-exchange assessments, "
    "not the official grade or score of either.",
)


@dataclass(frozen=True, slots=True)
class CycleLine:
    id: UUID
    system: str
    title_zh: str
    title_en: str
    kind: str
    period: str
    state: State
    run: int
    invented: bool
    units: int
    reports_due: date
    objections_until: date | None
    acted_at: datetime


@dataclass(frozen=True, slots=True)
class RunLine:
    number: int
    reason: str
    begun_at: datetime
    collected_at: datetime | None
    frozen_at: datetime | None
    inputs_digest: str
    scored_at: datetime | None
    result_digest: str
    final_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnitLine:
    """A unit with its result, as far as the viewer may see it; `detail` where its card is open to the viewer."""

    unit: str
    name_zh: str
    name_en: str
    group_zh: str
    group_en: str
    total: Decimal | None
    low: Decimal | None
    high: Decimal | None
    rank: int | None
    grade_zh: str
    grade_en: str
    reasons: tuple[str, ...]
    detail: bool


@dataclass(frozen=True, slots=True)
class Done:
    act: str
    after: State
    run: int
    unit: str
    role: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FeedLine:
    run: int
    rows: int
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CycleView:
    line: CycleLine
    seed: int
    system_digest: str
    note_zh: str
    note_en: str
    confidence: str
    runs: tuple[RunLine, ...]
    units: tuple[UnitLine, ...]
    feeds: tuple[FeedLine, ...]
    history: tuple[Done, ...]
    may: tuple[Act, ...]
    statuses: dict[str, int]  # of the present run's values, as far as the viewer sees them


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One indicator of a card: what it is, what it was counted from, and what it earned and cost."""

    key: str
    zh: str
    en: str
    unit: str
    points: Decimal
    polarity: int
    feed: str
    formula_zh: str
    formula_en: str
    note_zh: str
    note_en: str
    source: str
    status: str
    why_zh: str
    why_en: str
    value: Decimal | None
    before: Decimal | None
    history: tuple[str, ...]
    evidence: dict[str, Any]
    digest: str
    way: str
    own_baseline: str | None
    peer_baseline: str | None
    own_score: str | None
    peer_score: str | None
    goalpost_score: str | None
    goalposts: tuple[str, str]
    score: str | None
    weight: str
    earned: str
    lost: str


@dataclass(frozen=True, slots=True)
class DimLine:
    key: str
    zh: str
    en: str
    score: str | None
    weight: str
    coverage: str
    lost: str
    items: tuple[ItemLine, ...]


@dataclass(frozen=True, slots=True)
class ObjectionLine:
    id: UUID
    unit: str
    name_zh: str
    name_en: str
    indicator: str
    run: int
    used: Decimal | None
    claimed: Decimal
    ground: str
    evidence: str
    state: Answer
    decision: str
    raised_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class RectificationLine:
    id: UUID
    unit: str
    name_zh: str
    name_en: str
    indicator: str
    task: str
    due: date
    state: Repair
    reported: str
    overdue: bool


@dataclass(frozen=True, slots=True)
class Scorecard:
    cycle: CycleLine
    run: RunLine
    unit: UnitLine
    total: Decimal
    deducted: str
    rank: int
    ranks: tuple[str, str, str]
    of: int
    low: Decimal
    high: Decimal
    coverage: Decimal
    grade_zh: str  # empty with a reason
    grade_en: str
    by_points_zh: str
    by_points_en: str
    reasons: tuple[str, ...]
    vetoes: tuple[tuple[str, str], ...]
    shares: tuple[tuple[str, str, str], ...]  # grade zh, en, how often
    dims: tuple[DimLine, ...]
    objections: tuple[ObjectionLine, ...]
    rectifications: tuple[RectificationLine, ...]
    may_object: bool


@dataclass(frozen=True, slots=True)
class ReportLine:
    id: UUID
    unit: str
    name_zh: str
    name_en: str
    indicator: str
    zh: str
    en: str
    state: Report
    value: Decimal
    part: Decimal | None
    whole: Decimal | None
    history: tuple[str, ...]
    evidence: str
    comment: str
    remarks: tuple[str, ...]
    invented: bool
    on_time: bool
    submitted_at: datetime
    reason: str
    mine: bool  # submitted by the viewer, who then may not decide on it


@dataclass(frozen=True, slots=True)
class Asked:
    """Something a unit reports, and whether it has."""

    key: str
    zh: str
    en: str
    unit: str
    shape: str
    by: str
    formula_zh: str
    formula_en: str
    part_zh: str
    part_en: str
    whole_zh: str
    whole_en: str
    must: bool
    state: Report | None


@dataclass(frozen=True, slots=True)
class Reports:
    cycle: CycleLine
    unit: UnitLine | None
    asked: tuple[Asked, ...]
    items: tuple[ReportLine, ...]


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One row for the assessments. A row without a value says why it has none, and is never nought."""

    institution: str
    name_zh: str
    name_en: str
    period: str
    indicator: str
    indicator_zh: str
    value: str
    unit: str
    status: str
    score: str
    points: str
    evidence_ref: str
    digest: str
    feed: str
    run: int
    invented: bool


@dataclass(frozen=True, slots=True)
class Export:
    cycle: CycleLine
    run: int
    notice_zh: str
    notice_en: str
    inputs_digest: str
    result_digest: str
    rows: tuple[ExportRow, ...]


@dataclass(frozen=True, slots=True)
class StudyLine:
    id: UUID
    measure: str
    outcome: str
    quarter_from: str
    quarter_to: str
    invented: bool
    effect: str
    p: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class StudyView:
    line: StudyLine
    seed: int
    position: int
    inputs_digest: str
    inputs: dict[str, Any]
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reverified:
    """What going through everything again found: `different` names each run whose inputs or result are not what their digests say."""

    runs: int
    cards: int
    studies: int
    different: tuple[str, ...] = field(default=())

    @property
    def good(self) -> bool:
        return not self.different


# ------------------------------------------------------------------------------------------------ cycles


@query(may=LOOKING)
def shipped(*, viewer: Actor) -> tuple[Definition, ...]:
    """The indicator systems that come with the platform."""
    return tuple(systems.shipped().values())


@query(may=LOOKING)
def cycles(*, viewer: Actor) -> tuple[CycleLine, ...]:
    """All cycles, the newest period first."""
    rows = Cycle.objects.annotate(count=Count("units")).order_by("-period", "system")
    return tuple(_line(row, row.count) for row in rows)


@query(may=LOOKING)
def cycle(*, cycle_id: UUID, viewer: Actor) -> CycleView:
    """One cycle, with results as far as the viewer may see them. Refuses: Absent."""
    row = _cycle(cycle_id)
    what = systems.build(row.content)
    units = list(Unit.objects.filter(cycle=row).order_by("unit"))
    statuses = dict(Value.objects.filter(cycle=row, run=row.run).values_list("status").annotate(n=Count("pk")))
    may = tuple(act for (state, act) in NEXT if state == row.state and act not in {Act.OBJECT, Act.TRACK})
    return CycleView(
        _line(row, len(units)), row.seed, row.system_digest, what.note.zh, what.note.en, what.confidence,
        tuple(_run(r) for r in Run.objects.filter(cycle=row).order_by("number")), _units(row, what, units),
        tuple(FeedLine(f.run, f.rows, f.digest, f.at) for f in Feed.objects.filter(cycle=row).order_by("run")),
        tuple(Done(e.act, State(e.after), e.run, e.unit, e.role, e.note, e.at) for e in row.events.order_by("pk")),
        may if viewer.role in {Role.SUPERVISOR, Role.SYSTEM} else (), statuses,
    )  # fmt: skip


@query(may=LOOKING)
def scorecard(*, cycle_id: UUID, unit: str, run: int | None = None, viewer: Actor) -> Scorecard:
    """A unit's card in a run (the present one if none is said; else the last final one), every point explained.

    Who: the unit, once it is told its draft; those who oversee. Refuses: Absent (also when it may not be seen).
    """
    row = _cycle(cycle_id)
    cards = Card.objects.filter(cycle=row, unit=unit).order_by("-run")
    card = (cards.filter(run=run) if run is not None else cards).first()
    if card is None:
        raise Absent(kind="scorecard")
    what = systems.build(row.content)
    units = list(Unit.objects.filter(cycle=row))
    one = next(u for u in units if u.unit == unit)
    grades = {g.key: (g.zh, g.en) for g in what.system.grades}
    values = {v.indicator: v for v in Value.objects.filter(cycle=row, run=card.run, unit=unit)}
    parts = card.parts
    names = {u.unit: (u.name_zh, u.name_en) for u in units}
    vetoes = {v.key: (v.zh, v.en) for v in what.system.vetoes}
    mine = _mine(viewer, one)
    open_ = State(row.state) in {State.DRAFT_PUBLISHED, State.OBJECTION} and card.run == row.run
    return Scorecard(
        _line(row, len(units)), _run(Run.objects.get(cycle=row, number=card.run)), _unit(one, what, card, detail=True), card.total,
        parts["deducted"], card.rank, tuple(parts["ranks"]), len(units), card.low, card.high, card.coverage,
        *grades.get(card.grade, ("", "")), *grades[card.grade_by_points], tuple(card.reasons), tuple(vetoes[v] for v in parts["vetoes"]),
        tuple((*grades[k], share) for k, share in parts["grade_shares"].items()), _dims(what, parts, values),
        _objections(Objection.objects.filter(cycle=row, unit=unit), names),
        _rectifications(Rectification.objects.filter(cycle=row, unit=unit), names, None), mine and open_,
    )  # fmt: skip


@query(may=LOOKING)
def reports(*, cycle_id: UUID, unit: str = "", viewer: Actor) -> Reports:
    """What is reported in a cycle: of one unit, what it is asked and what it has said; of all, what the viewer may see. Refuses: Absent, Invalid (unit)."""
    row = _cycle(cycle_id)
    what = systems.build(row.content)
    units = {u.unit: u for u in Unit.objects.filter(cycle=row)}
    if unit and unit not in units:
        raise Invalid(field="unit", problem=gettext_noop("a unit of this cycle: a territory's code, or an institution's id"))
    rows = Submission.objects.filter(cycle=row).order_by("-submitted_at", "pk")
    if unit:
        rows = rows.filter(unit=unit)
    found = list(rows[:2000])
    states: dict[str, Report] = {}
    for s in reversed(found):
        states[s.indicator] = Report(s.state)
    asked = tuple(
        Asked(
            k, e.item.zh, e.item.en, e.item.unit, e.source.shape, e.source.by, e.item.formula_zh, e.item.formula_en, e.part.zh, e.part.en,
            e.whole.zh, e.whole.en, e.item.must_report, states.get(k) if unit else None,
        )
        for k, e in what.entries.items()
        if e.source.reported
    )  # fmt: skip
    items = tuple(
        ReportLine(
            s.pk, s.unit, units[s.unit].name_zh, units[s.unit].name_en, s.indicator, what.entries[s.indicator].item.zh,
            what.entries[s.indicator].item.en, Report(s.state), s.value, s.part, s.whole, tuple(s.history), s.evidence, s.comment,
            tuple(s.remarks), s.invented, s.on_time, s.submitted_at, s.reason, s.submitted_by == viewer.person_id,
        )
        for s in found
    )  # fmt: skip
    return Reports(_line(row, len(units)), _unit(units[unit], what, None) if unit else None, asked, items)


@query(may=LOOKING)
def my_unit(*, cycle_id: UUID, viewer: Actor) -> str:
    """The unit that the viewer speaks for in a cycle; "" if none."""
    return next((u.unit for u in Unit.objects.filter(cycle_id=cycle_id) if _mine(viewer, u)), "")


@query(may=LOOKING)
def objections(*, cycle_id: UUID, viewer: Actor) -> tuple[ObjectionLine, ...]:
    """The objections that the viewer may see."""
    return _objections(Objection.objects.filter(cycle_id=cycle_id), _names(cycle_id))


@query(may=LOOKING)
def rectifications(*, cycle_id: UUID, on: date | None = None, viewer: Actor) -> tuple[RectificationLine, ...]:
    """The rectifications that the viewer may see; `on` tells which are overdue."""
    return _rectifications(Rectification.objects.filter(cycle_id=cycle_id), _names(cycle_id), on)


@dataclass(frozen=True, slots=True)
class VetoLine:
    id: UUID
    unit: str
    name_zh: str
    name_en: str
    veto: str
    ground: str
    evidence: str
    confirmed: bool
    mine: bool


@query(may=OVERSEEING)
def vetoes(*, cycle_id: UUID, viewer: Actor) -> tuple[VetoLine, ...]:
    """The vetoes of the present run, confirmed or not."""
    row, names = _cycle(cycle_id), _names(cycle_id)
    return tuple(
        VetoLine(v.pk, v.unit, *names[v.unit], v.veto, v.ground, v.evidence, v.confirmed_by is not None, v.proposed_by == viewer.person_id)
        for v in Veto.objects.filter(cycle=row, run=row.run).order_by("unit", "veto")
    )


@query(may=OVERSEEING)
def export_rows(*, cycle_id: UUID, feed: str = "", viewer: Actor) -> Export:
    """The rows of the last final run, as inputs for the assessments; `feed` narrows to "credit" or "FX" (rows for both are in each).

    Refuses: Absent (cycle, or no final run yet), Invalid (feed).
    """
    if feed not in {"", "credit", "FX"}:
        raise Invalid(field="feed", problem=gettext_noop("credit, FX, or nothing"))
    row = _cycle(cycle_id)
    run = Run.objects.filter(cycle=row, final_at__isnull=False).order_by("-number").first()
    if run is None:
        raise Absent(kind="final result")
    what = systems.build(row.content)
    names = _names(cycle_id)
    scores = {c.unit: {i["key"]: i for i in c.parts["items"]} for c in Card.objects.filter(cycle=row, run=run.number)}
    rows = []
    for v in Value.objects.filter(cycle=row, run=run.number).order_by("unit", "indicator"):
        entry = what.entries[v.indicator]
        if feed and entry.item.feed not in {feed, "both"}:
            continue
        scored = scores[v.unit][v.indicator]
        rows.append(
            ExportRow(
                v.unit, *names[v.unit], row.period, v.indicator, entry.item.zh, "" if v.value is None else policy.shown(v.value),
                entry.item.unit, v.status, scored["score"] or "", str(entry.item.points), reference_of(v.evidence), v.digest,
                entry.item.feed, run.number, row.invented,
            )
        )  # fmt: skip
    return Export(_line(row, len(names)), run.number, *NOTICE, run.inputs_digest, run.result_digest, tuple(rows))


def reference_of(evidence: dict[str, Any]) -> str:
    """Evidence in one line."""
    kind = evidence.get("kind", "")
    match kind:
        case "submission":
            return f"submission:{evidence['submission']}"
        case "objection":
            return f"objection:{evidence['objection']}"
        case "figures":
            return f"figures:{evidence['indicator']}:{','.join(evidence['months'])}:{evidence['currency']}@{evidence['position']}"
        case "demands":
            return f"demands:{evidence['since']}/{evidence['until']}@{evidence['at']}"
        case "adoptions":
            return f"adoptions@{evidence['on']}"
    return str(kind)


# ------------------------------------------------------------------------------------------------ studies


@query(may=LOOKING)
def studies(*, viewer: Actor) -> tuple[StudyLine, ...]:
    """All studies, the newest first."""
    return tuple(_study(s) for s in Study.objects.order_by("-made_at", "pk")[:500])


@query(may=LOOKING)
def study(*, study_id: UUID, viewer: Actor) -> StudyView:
    """One study with the panel it was made from. Who: all who may look see the result; the panel is for those who oversee. Refuses: Absent."""
    row = Study.objects.filter(pk=study_id).first()
    if row is None:
        raise Absent(kind="study")
    inputs = row.inputs if viewer.role in {*OVERSEEING, Role.SYSTEM} else {k: v for k, v in row.inputs.items() if k != "panel"}
    return StudyView(_study(row), row.seed, row.position, row.inputs_digest, inputs, row.result)


# ------------------------------------------------------------------------------------------------ proof


@query(may=OVERSEEING)
def verify(*, viewer: Actor) -> Reverified:
    """Compute the digest of every frozen run's inputs again, score each again, and estimate each study again; name what differs."""
    different, cards = [], 0
    runs = list(Run.objects.filter(frozen_at__isnull=False).select_related("cycle").order_by("cycle_id", "number"))
    for run in runs:
        row, name = run.cycle, f"{run.cycle.system} {run.cycle.period} run {run.number}"
        if systems.digest(row.content) != row.system_digest:
            different.append(f"{name}: system")
        if digest_of(row, run.number) != run.inputs_digest:
            different.append(f"{name}: inputs")
        if run.scored_at is None:
            continue
        draws = int(rules.parameters(viewer=SYSTEM).value("evaluation.draws", calendar().local_date(row.planned_at)).value)
        system = scoring.system_of(systems.build(row.content), list(Unit.objects.filter(cycle=row).order_by("unit")))
        values = list(Value.objects.filter(cycle=row, run=run.number).order_by("unit", "indicator"))
        again = scoring.score(system, values, vetoes_of(row, run.number), seed=row.seed, draws=draws)
        stored = {c.unit: c.parts for c in Card.objects.filter(cycle=row, run=run.number)}
        cards += len(stored)
        if policy.digest(again) != run.result_digest or stored != again:
            different.append(f"{name}: result")
    made = list(Study.objects.order_by("made_at", "pk"))
    for s in made:
        if policy.digest(s.inputs) != s.inputs_digest or estimated(s.inputs) != s.result:
            different.append(f"study {s.pk}")
    return Reverified(len(runs), cards, len(made), tuple(different))


# ------------------------------------------------------------------------------------------------ building


def _cycle(cycle_id: UUID) -> Cycle:
    row = Cycle.objects.filter(pk=cycle_id).first()
    if row is None:
        raise Absent(kind="cycle")
    return row


def _mine(viewer: Actor, unit: Unit) -> bool:
    if viewer.role is Role.PROVINCE:
        return unit.territory is not None and unit.territory == viewer.territory
    return viewer.role is Role.BANK and unit.party is not None and unit.party == viewer.party_id


def _names(cycle_id: UUID) -> dict[str, tuple[str, str]]:
    return {u: (zh, en) for u, zh, en in Unit.objects.filter(cycle_id=cycle_id).values_list("unit", "name_zh", "name_en")}


def _line(row: Cycle, units: int) -> CycleLine:
    return CycleLine(
        row.pk, row.system, row.content["title"]["zh"], row.content["title"]["en"], row.kind, row.period, State(row.state), row.run,
        row.invented, units, row.reports_due, row.objections_until, row.acted_at,
    )  # fmt: skip


def _run(r: Run) -> RunLine:
    return RunLine(r.number, r.reason, r.begun_at, r.collected_at, r.frozen_at, r.inputs_digest, r.scored_at, r.result_digest, r.final_at)


def _units(row: Cycle, what: Definition, units: list[Unit]) -> tuple[UnitLine, ...]:
    cards = {c.unit: c for c in Card.objects.filter(cycle=row, run=row.run)}
    final = Run.objects.filter(cycle=row, final_at__isnull=False).order_by("-number").first()
    totals = {t.unit: t for t in Total.objects.filter(cycle=row, run=final.number)} if final else {}
    lines = [_unit(u, what, cards.get(u.unit) or totals.get(u.unit), detail=u.unit in cards) for u in units]
    return tuple(sorted(lines, key=lambda u: (u.rank is None, u.rank or 0, u.unit)))


def _unit(u: Unit, what: Definition, seen: Card | Total | None, *, detail: bool = False) -> UnitLine:
    group = what.groups[u.group][0]
    grades = {g.key: (g.zh, g.en) for g in what.system.grades}
    if seen is None:
        return UnitLine(u.unit, u.name_zh, u.name_en, group.zh, group.en, None, None, None, None, "", "", (), False)
    return UnitLine(
        u.unit, u.name_zh, u.name_en, group.zh, group.en, seen.total, seen.low, seen.high, seen.rank, *grades.get(seen.grade, ("", "")),
        tuple(seen.reasons), detail,
    )  # fmt: skip


def _dims(what: Definition, parts: dict[str, Any], values: dict[str, Value]) -> tuple[DimLine, ...]:
    scored = {i["key"]: i for i in parts["items"]}
    dims = {d["key"]: d for d in parts["dims"]}
    return tuple(
        DimLine(
            d.key, d.zh, d.en, dims[d.key]["score"], dims[d.key]["weight"], dims[d.key]["coverage"], dims[d.key]["lost"],
            tuple(_item(what, i.key, scored[i.key], values[i.key]) for i in what.system.of(d.key)),
        )
        for d in what.system.dims
    )  # fmt: skip


def _item(what: Definition, key: str, scored: dict[str, Any], v: Value) -> ItemLine:
    entry = what.entries[key]
    i = entry.item
    assert i.goalposts is not None
    return ItemLine(
        key, i.zh, i.en, i.unit, Decimal(str(i.points)), i.polarity, i.feed, i.formula_zh, i.formula_en, entry.note.zh, entry.note.en,
        v.source, v.status, v.why.get("zh", ""), v.why.get("en", ""), v.value, v.before, tuple(v.history), v.evidence, v.digest,
        scored["way"], scored["own_baseline"], scored["peer_baseline"], scored["own_score"], scored["peer_score"],
        scored["goalpost_score"], (str(i.goalposts[0]), str(i.goalposts[1])), scored["score"], scored["weight"], scored["earned"],
        scored["lost"],
    )  # fmt: skip


def _objections(rows: Any, names: dict[str, tuple[str, str]]) -> tuple[ObjectionLine, ...]:
    return tuple(
        ObjectionLine(
            o.pk, o.unit, *names[o.unit], o.indicator, o.run, o.used, o.claimed, o.ground, o.evidence, Answer(o.state), o.decision,
            o.raised_at, o.decided_at,
        )
        for o in rows.order_by("raised_at", "pk")
    )  # fmt: skip


def _rectifications(rows: Any, names: dict[str, tuple[str, str]], on: date | None) -> tuple[RectificationLine, ...]:
    return tuple(
        RectificationLine(
            r.pk, r.unit, *names[r.unit], r.indicator, r.task, r.due, Repair(r.state), r.reported,
            on is not None and r.due < on and r.state in {Repair.OPEN.value, Repair.REPORTED.value},
        )
        for r in rows.order_by("due", "pk")
    )  # fmt: skip


def _study(s: Study) -> StudyLine:
    return StudyLine(s.pk, s.measure, s.outcome, s.quarter_from, s.quarter_to, s.invented, s.result["effect"], s.result["p"], s.made_at)
