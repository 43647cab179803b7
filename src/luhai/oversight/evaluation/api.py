"""Evaluation over HTTP: translate, make one call, translate back; decide nothing."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from luhai.shell.api import PROBLEMS, Clean, IdempotencyKey, origin_of, viewer_of

from . import answer_commands, commands, queries, report_commands, study_commands
from .lifecycle import State
from .queries import (
    CycleLine,
    Export,
    ObjectionLine,
    RectificationLine,
    Reports,
    Reverified,
    RunLine,
    Scorecard,
    StudyLine,
    StudyView,
    UnitLine,
)

router = Router(tags=["evaluation"])

Name = Annotated[Clean, Field(max_length=60)]
Unit = Annotated[Clean, Field(max_length=36, description="A territory's code, or an institution's id.")]
Words = Annotated[Clean, Field(max_length=1000)]
Proof = Annotated[Clean, Field(max_length=300, description="A document number, an address, or a file's SHA-256.")]
Seed = Annotated[int, Field(ge=0, lt=2**31)]


class In(Schema):
    model_config = ConfigDict(extra="forbid")


class EvaluationPlanIn(In):
    system: Name = Field(examples=["territories.2026"])
    period: Name = Field(examples=["2026Q2"])
    seed: Seed


class EvaluationReasonIn(In):
    reason: Words


class ReportIn(In):
    unit: Unit
    indicator: Name
    given: dict[str, Name] = Field(description="`part` and `whole`, or `value`, as texts; `history`: earlier values with spaces between.")
    evidence: Proof
    comment: Words = ""


class EvaluationDecisionIn(In):
    accept: bool
    reason: Words = ""


class VetoIn(In):
    unit: Unit
    veto: Name
    ground: Words
    evidence: Proof


class ObjectionIn(In):
    indicator: Name
    claimed: Name = Field(description="A decimal in the indicator's unit, as a text.")
    ground: Words
    evidence: Proof


class RulingIn(In):
    uphold: bool
    decision: Words


class RectificationIn(In):
    unit: Unit
    indicator: Name = ""
    task: Words
    due: date


class DoneIn(In):
    done: Words


class EvaluationConfirmIn(In):
    confirm: bool


class StudyIn(In):
    measure: Name
    outcome: Name
    quarter_from: Name
    quarter_to: Name
    seed: Seed


class Made(Schema):
    id: UUID


class Stands(Schema):
    """Where a cycle stands after an act."""

    state: State
    run: int


class CycleOut(Schema):
    line: CycleLine
    seed: int
    system_digest: str
    runs: list[RunLine]
    units: list[UnitLine]
    statuses: dict[str, int]


@router.get("/cycles", response={200: list[CycleLine]} | PROBLEMS)
def cycles(request: HttpRequest) -> tuple[CycleLine, ...]:
    """All cycles of evaluation."""
    return queries.cycles(viewer=viewer_of(request))


@router.post("/cycles", response={200: Made} | PROBLEMS)
def plan(request: HttpRequest, body: EvaluationPlanIn, key: IdempotencyKey) -> Made:
    """Plan a cycle; the key becomes its id."""
    return Made(id=commands.plan(cycle_id=key, **body.dict(), origin=origin_of(request, key)))


@router.get("/cycles/{cycle_id}", response={200: CycleOut} | PROBLEMS)
def cycle(request: HttpRequest, cycle_id: UUID) -> CycleOut:
    """One cycle, with results as far as the caller may see them."""
    view = queries.cycle(cycle_id=cycle_id, viewer=viewer_of(request))
    return CycleOut(
        line=view.line, seed=view.seed, system_digest=view.system_digest, runs=list(view.runs), units=list(view.units), statuses=view.statuses
    )


_STEPS = {
    "collect": commands.collect, "validate": commands.validate, "score": commands.score, "publish": commands.publish,
    "finalise": commands.finalise, "feed": commands.feed, "close": commands.close,
}  # fmt: skip


def _stands(request: HttpRequest, cycle_id: UUID) -> Stands:
    line = queries.cycle(cycle_id=cycle_id, viewer=viewer_of(request)).line
    return Stands(state=line.state, run=line.run)


def _step(request: HttpRequest, cycle_id: UUID, name: str, key: UUID) -> Stands:
    _STEPS[name](cycle_id=cycle_id, origin=origin_of(request, key))
    return _stands(request, cycle_id)


@router.post("/cycles/{cycle_id}/collect", response={200: Stands} | PROBLEMS)
def collect(request: HttpRequest, cycle_id: UUID, key: IdempotencyKey) -> Stands:
    """Open for reports, and count what can be counted."""
    return _step(request, cycle_id, "collect", key)


@router.post("/cycles/{cycle_id}/validate", response={200: Stands} | PROBLEMS)
def validate(request: HttpRequest, cycle_id: UUID, key: IdempotencyKey) -> Stands:
    """Freeze the inputs."""
    return _step(request, cycle_id, "validate", key)


@router.post("/cycles/{cycle_id}/score", response={200: Stands} | PROBLEMS)
def score(request: HttpRequest, cycle_id: UUID, key: IdempotencyKey) -> Stands:
    """Score the frozen inputs."""
    return _step(request, cycle_id, "score", key)


@router.post("/cycles/{cycle_id}/publish", response={200: Stands} | PROBLEMS)
def publish(request: HttpRequest, cycle_id: UUID, key: IdempotencyKey) -> Stands:
    """Tell each unit its own draft."""
    return _step(request, cycle_id, "publish", key)


@router.post("/cycles/{cycle_id}/finalise", response={200: Stands} | PROBLEMS)
def finalise(request: HttpRequest, cycle_id: UUID, key: IdempotencyKey) -> Stands:
    """Make the result final."""
    return _step(request, cycle_id, "finalise", key)


@router.post("/cycles/{cycle_id}/feed", response={200: Stands} | PROBLEMS)
def feed(request: HttpRequest, cycle_id: UUID, key: IdempotencyKey) -> Stands:
    """Write down that the rows were passed on as inputs."""
    return _step(request, cycle_id, "feed", key)


@router.post("/cycles/{cycle_id}/close", response={200: Stands} | PROBLEMS)
def close(request: HttpRequest, cycle_id: UUID, key: IdempotencyKey) -> Stands:
    """End the cycle."""
    return _step(request, cycle_id, "close", key)


@router.post("/cycles/{cycle_id}/reopen", response={200: Stands} | PROBLEMS)
def reopen(request: HttpRequest, cycle_id: UUID, body: EvaluationReasonIn, key: IdempotencyKey) -> Stands:
    """Begin a new run after the result was final."""
    commands.reopen(cycle_id=cycle_id, reason=body.reason, origin=origin_of(request, key))
    return _stands(request, cycle_id)


@router.get("/cycles/{cycle_id}/units/{unit}", response={200: Scorecard} | PROBLEMS)
def scorecard(request: HttpRequest, cycle_id: UUID, unit: str, run: int | None = None) -> Scorecard:
    """A unit's scorecard, every point explained."""
    return queries.scorecard(cycle_id=cycle_id, unit=unit[:36], run=run if run is None or 0 < run < 2**31 else 0, viewer=viewer_of(request))


@router.get("/cycles/{cycle_id}/reports", response={200: Reports} | PROBLEMS)
def reports(request: HttpRequest, cycle_id: UUID, unit: Annotated[Clean, Query(default="", max_length=36)] = "") -> Reports:
    """What is reported in a cycle, as far as the caller may see it."""
    return queries.reports(cycle_id=cycle_id, unit=unit, viewer=viewer_of(request))


@router.post("/cycles/{cycle_id}/reports", response={200: Made} | PROBLEMS)
def submit(request: HttpRequest, cycle_id: UUID, body: ReportIn, key: IdempotencyKey) -> Made:
    """Report a value; the key becomes the report's id."""
    return Made(id=report_commands.submit(submission_id=key, cycle_id=cycle_id, **body.dict(), origin=origin_of(request, key)))


@router.post("/reports/{submission_id}/decide", response={200: Made} | PROBLEMS)
def decide_report(request: HttpRequest, submission_id: UUID, body: EvaluationDecisionIn, key: IdempotencyKey) -> Made:
    """Accept a report, or send it back."""
    return Made(id=report_commands.decide_report(submission_id=submission_id, **body.dict(), origin=origin_of(request, key)))


@router.post("/cycles/{cycle_id}/vetoes", response={200: Made} | PROBLEMS)
def propose_veto(request: HttpRequest, cycle_id: UUID, body: VetoIn, key: IdempotencyKey) -> Made:
    """Propose an event that caps a grade or costs points."""
    return Made(id=commands.propose_veto(veto_id=key, cycle_id=cycle_id, **body.dict(), origin=origin_of(request, key)))


@router.post("/vetoes/{veto_id}/confirm", response={200: Made} | PROBLEMS)
def confirm_veto(request: HttpRequest, veto_id: UUID, key: IdempotencyKey) -> Made:
    """Confirm an event that another person proposed."""
    return Made(id=commands.confirm_veto(veto_id=veto_id, origin=origin_of(request, key)))


@router.get("/cycles/{cycle_id}/objections", response={200: list[ObjectionLine]} | PROBLEMS)
def objections(request: HttpRequest, cycle_id: UUID) -> tuple[ObjectionLine, ...]:
    """Objections, as far as the caller may see them."""
    return queries.objections(cycle_id=cycle_id, viewer=viewer_of(request))


@router.post("/cycles/{cycle_id}/objections", response={200: Made} | PROBLEMS)
def object_to(request: HttpRequest, cycle_id: UUID, body: ObjectionIn, key: IdempotencyKey) -> Made:
    """Object to a value of one's own draft; the key becomes the objection's id."""
    return Made(id=answer_commands.object_to(objection_id=key, cycle_id=cycle_id, **body.dict(), origin=origin_of(request, key)))


@router.post("/objections/{objection_id}/decide", response={200: Made} | PROBLEMS)
def decide_objection(request: HttpRequest, objection_id: UUID, body: RulingIn, key: IdempotencyKey) -> Made:
    """Uphold or reject an objection."""
    return Made(id=answer_commands.decide_objection(objection_id=objection_id, **body.dict(), origin=origin_of(request, key)))


@router.get("/cycles/{cycle_id}/rectifications", response={200: list[RectificationLine]} | PROBLEMS)
def rectifications(request: HttpRequest, cycle_id: UUID) -> tuple[RectificationLine, ...]:
    """What is to be set right, as far as the caller may see it."""
    return queries.rectifications(cycle_id=cycle_id, viewer=viewer_of(request))


@router.post("/cycles/{cycle_id}/rectifications", response={200: Made} | PROBLEMS)
def ask_rectification(request: HttpRequest, cycle_id: UUID, body: RectificationIn, key: IdempotencyKey) -> Made:
    """Ask a unit to set something right."""
    return Made(id=answer_commands.ask_rectification(rectification_id=key, cycle_id=cycle_id, **body.dict(), origin=origin_of(request, key)))


@router.post("/rectifications/{rectification_id}/report", response={200: Made} | PROBLEMS)
def report_rectification(request: HttpRequest, rectification_id: UUID, body: DoneIn, key: IdempotencyKey) -> Made:
    """Say that it is done, and how."""
    return Made(id=answer_commands.report_rectification(rectification_id=rectification_id, done=body.done, origin=origin_of(request, key)))


@router.post("/rectifications/{rectification_id}/confirm", response={200: Made} | PROBLEMS)
def confirm_rectification(request: HttpRequest, rectification_id: UUID, body: EvaluationConfirmIn, key: IdempotencyKey) -> Made:
    """Confirm that it is done, or send it back."""
    return Made(id=answer_commands.confirm_rectification(rectification_id=rectification_id, confirm=body.confirm, origin=origin_of(request, key)))


@router.post("/rectifications/{rectification_id}/give-up", response={200: Made} | PROBLEMS)
def give_up_rectification(request: HttpRequest, rectification_id: UUID, body: EvaluationReasonIn, key: IdempotencyKey) -> Made:
    """Give it up, with a reason."""
    return Made(id=answer_commands.give_up_rectification(rectification_id=rectification_id, reason=body.reason, origin=origin_of(request, key)))


@router.get("/cycles/{cycle_id}/export", response={200: Export} | PROBLEMS)
def export(request: HttpRequest, cycle_id: UUID, feed: Annotated[Clean, Query(default="", max_length=6, description="credit or FX.")] = "") -> Export:
    """The rows of the final run: inputs for the assessments, never their official grade."""
    return queries.export_rows(cycle_id=cycle_id, feed=feed, viewer=viewer_of(request))


@router.get("/studies", response={200: list[StudyLine]} | PROBLEMS)
def studies(request: HttpRequest) -> tuple[StudyLine, ...]:
    """Studies of what measures did."""
    return queries.studies(viewer=viewer_of(request))


@router.post("/studies", response={200: Made} | PROBLEMS)
def run_study(request: HttpRequest, body: StudyIn, key: IdempotencyKey) -> Made:
    """Estimate what a measure did; the key becomes the study's id."""
    return Made(id=study_commands.run_study(study_id=key, **body.dict(), origin=origin_of(request, key)))


@router.get("/studies/{study_id}", response={200: StudyView} | PROBLEMS)
def study(request: HttpRequest, study_id: UUID) -> StudyView:
    """One study with its uncertainty; for those who oversee, with the panel it was made from."""
    return queries.study(study_id=study_id, viewer=viewer_of(request))


@router.get("/verify", response={200: Reverified} | PROBLEMS)
def verify(request: HttpRequest) -> Reverified:
    """Compute every digest and every score again, and name what differs."""
    return queries.verify(viewer=viewer_of(request))
