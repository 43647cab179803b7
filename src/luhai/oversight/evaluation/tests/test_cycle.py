"""The cycle: the table of states, and what each step promises."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from luhai.kernel.origin import SYSTEM
from luhai.kernel.refusal import Absent, Invalid, NotPermitted, Refusal
from luhai.oversight.evaluation import answer_commands, commands, queries, report_commands
from luhai.oversight.evaluation.lifecycle import NEXT, Act, State
from luhai.oversight.evaluation.models import Card, Cycle, Run, Value
from luhai.oversight.evaluation.refusals import (
    NotYet,
    OneAlready,
    Planned,
    SamePerson,
    TooLate,
    Waiting,
    WrongState,
)
from luhai.oversight.evaluation.tests.world import (
    AFTER,
    CHECKER,
    CHONGQING,
    GUANGXI,
    JUDGE,
    KEEPER,
    OPERATOR,
    PERIOD,
    accepted,
    asked,
    brought_to,
    by,
    collecting,
    decided,
    frozen,
    objected,
    planned,
    province,
    submitted,
)

pytestmark = pytest.mark.django_db

DO: dict[Act, Any] = {
    Act.COLLECT: lambda c: commands.collect(cycle_id=c, origin=by(at=AFTER)),
    Act.VALIDATE: lambda c: commands.validate(cycle_id=c, origin=by(at=AFTER)),
    Act.SCORE: lambda c: commands.score(cycle_id=c, origin=by(at=AFTER)),
    Act.PUBLISH: lambda c: commands.publish(cycle_id=c, origin=by(at=AFTER)),
    Act.OBJECT: lambda c: objected(c, "P07"),
    Act.FINALISE: lambda c: commands.finalise(cycle_id=c, origin=by(at=AFTER)),
    Act.FEED: lambda c: commands.feed(cycle_id=c, origin=by(at=AFTER)),
    Act.TRACK: asked,
    Act.CLOSE: lambda c: commands.close(cycle_id=c, origin=by(at=AFTER)),
    Act.REOPEN: lambda c: commands.reopen(cycle_id=c, reason="更正", origin=by(at=AFTER)),
}


def state_of(cycle: Any) -> State:
    return State(Cycle.objects.get(pk=cycle).state)


@pytest.mark.parametrize("state", [*State])
def test_what_the_table_does_not_have_is_refused(state: State) -> None:
    cycle = brought_to(state)
    for act in Act:
        if (state, act) not in NEXT:
            with pytest.raises(WrongState):
                DO[act](cycle)
            assert state_of(cycle) is state, act


@pytest.mark.parametrize(("state", "act"), [*NEXT])
def test_every_step_of_the_table_is_taken(state: State, act: Act) -> None:
    cycle = brought_to(state)
    if (state, act) == (State.RECTIFICATION_TRACKED, Act.CLOSE):
        (row,) = queries.rectifications(cycle_id=cycle, viewer=SYSTEM)
        answer_commands.give_up_rectification(rectification_id=row.id, reason="项目已取消", origin=by(at=AFTER))
    DO[act](cycle)
    assert state_of(cycle) is NEXT[state, act]
    last = queries.cycle(cycle_id=cycle, viewer=SYSTEM).history[-1]
    assert (last.act, last.after) == (act.value, NEXT[state, act])


def test_a_plan_keeps_the_system_whole_and_is_made_once() -> None:
    cycle = planned()
    view = queries.cycle(cycle_id=cycle, viewer=OPERATOR)
    assert (view.line.units, view.line.period, view.seed) == (15, PERIOD, 7)
    assert view.confidence == "proposal"
    with pytest.raises(Planned):
        planned()
    for wrong in ({"period": "2026Q5"}, {"period": "2026Q3"}, {"period": "2O26Q1"}, {"period": "2025Q4", "seed": -1}, {"period": "2025Q4", "seed": 2**31}):
        with pytest.raises(Invalid):
            planned(**wrong)
    with pytest.raises(Absent):
        planned(system="territories.1999")
    for actor in (province(CHONGQING), OPERATOR):
        with pytest.raises(NotPermitted):
            commands.plan(cycle_id=uuid4(), system="territories.2026", period="2025Q4", seed=1, origin=by(actor))


def test_what_is_awaited_is_no_data_and_what_is_owed_is_missing() -> None:
    cycle = frozen()
    values = {(v.unit, v.indicator): v for v in Value.objects.filter(cycle=cycle)}
    assert len(values) == 15 * 24
    for key in ("P21", "P22", "P23"):
        assert {(v.status, v.value) for (_, k), v in values.items() if k == key} == {("no_data", None)}
        assert "尚未建成" in values[CHONGQING, key].why["zh"]
    assert values["431200", "P03"].status == "ok"
    assert values[CHONGQING, "P03"].status == "missing", "the two first territories by code reported"
    assert values[CHONGQING, "P05"].status == "no_data", "an authority that says nothing is not the unit's fault"
    assert (values[CHONGQING, "P15"].value, values["431200", "P15"].value) == (0, 100)
    commands.score(cycle_id=cycle, origin=by())
    card = queries.scorecard(cycle_id=cycle, unit=CHONGQING, viewer=OPERATOR)
    items = {i.key: i for d in card.dims for i in d.items}
    assert (items["P03"].score, items["P03"].way) == ("0.0000", "not_reported")
    assert (items["P23"].score, items["P23"].way, items["P23"].earned) == (None, "left_out", "0.0000")


def test_frozen_inputs_stay_and_the_digest_names_them() -> None:
    cycle = frozen()
    run = Run.objects.get(cycle=cycle)
    for act in (
        lambda: commands.collect(cycle_id=cycle, origin=by()), lambda: submitted(cycle, "P03"),
        lambda: commands.propose_veto(veto_id=uuid4(), cycle_id=cycle, unit=CHONGQING, veto="falsified", ground="x", evidence="y", origin=by()),
    ):  # fmt: skip
        with pytest.raises(WrongState):
            act()
    assert Run.objects.get(cycle=cycle).inputs_digest == run.inputs_digest
    commands.score(cycle_id=cycle, origin=by())
    assert queries.verify(viewer=SYSTEM).good
    assert queries.verify(viewer=SYSTEM).cards == 15


def test_scoring_again_gives_the_same_to_the_digit() -> None:
    cycle = frozen()
    first = commands.score(cycle_id=cycle, origin=by())
    commands.publish(cycle_id=cycle, origin=by())
    commands.finalise(cycle_id=cycle, origin=by(at=AFTER))
    commands.reopen(cycle_id=cycle, reason="复核", origin=by(at=AFTER))
    commands.collect(cycle_id=cycle, origin=by(at=AFTER))
    commands.validate(cycle_id=cycle, origin=by(at=AFTER))
    second = commands.score(cycle_id=cycle, origin=by(CHECKER))
    assert (second["run"], first["run"]) == (2, 1)
    assert second["result"] == first["result"]


def test_a_change_after_final_is_a_new_run_and_the_old_one_stays() -> None:
    cycle = brought_to(State.FINAL)
    before = list(Card.objects.filter(cycle=cycle, run=1).order_by("unit").values_list("unit", "total"))
    assert commands.reopen(cycle_id=cycle, reason="补报数据", origin=by(at=AFTER)) == 2
    commands.collect(cycle_id=cycle, origin=by(at=AFTER))
    accepted(cycle, "P03", "640000", given={"part": "90", "whole": "100"}, at=AFTER)
    commands.validate(cycle_id=cycle, origin=by(at=AFTER))
    commands.score(cycle_id=cycle, origin=by(at=AFTER))
    assert list(Card.objects.filter(cycle=cycle, run=1).order_by("unit").values_list("unit", "total")) == before
    view = queries.cycle(cycle_id=cycle, viewer=OPERATOR)
    assert [(r.number, r.reason) for r in view.runs] == [(1, ""), (2, "补报数据")]
    assert view.runs[0].inputs_digest != view.runs[1].inputs_digest
    old, new = (queries.scorecard(cycle_id=cycle, unit="640000", run=n, viewer=OPERATOR) for n in (1, 2))
    assert new.total != old.total
    # The unit still sees what was final, and not the draft that is not told.
    assert queries.scorecard(cycle_id=cycle, unit="640000", viewer=province("640000")).run.number == 1
    assert queries.verify(viewer=SYSTEM).good


# --- reports ------------------------------------------------------------------------------------------------------------


def test_a_report_is_checked_named_and_decided_by_another() -> None:
    cycle = collecting()
    for given, field in (
        ({"part": "130", "whole": "100"}, "part"), ({"part": "-1", "whole": "100"}, "part"), ({"part": "1", "whole": "0"}, "whole"),
        ({"part": "1"}, "whole"), ({"part": "x", "whole": "1"}, "part"), ({"part": "1e9", "whole": "1"}, "part"),
        ({"part": "1.1234567", "whole": "9"}, "part"), ({"part": "1", "whole": "9", "history": "1 2 3 4 5"}, "history"),
        ({"part": "1", "whole": "9", "history": "a"}, "history"), ({"part": "1", "whole": "9", "more": "1"}, "more"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            submitted(cycle, "P03", given=given)
        assert refused.value.facts["field"] == field, given
    for unit, indicator in (("999999", "P03"), (CHONGQING, "P01"), (CHONGQING, "P23"), (CHONGQING, "X")):
        with pytest.raises(Invalid):
            report_commands.submit(
                submission_id=uuid4(), cycle_id=cycle, unit=unit, indicator=indicator, given={}, evidence="x", origin=by(province(CHONGQING))
            )
    with pytest.raises(Refusal, match="not_entitled"):
        submitted(cycle, "P03", actor=province(GUANGXI))
    with pytest.raises(Refusal, match="not_entitled"):
        submitted(cycle, "P03", actor=KEEPER)
    with pytest.raises(Refusal, match="not_entitled"):
        submitted(cycle, "P05", actor=province(CHONGQING))
    key = submitted(cycle, "P03")
    with pytest.raises(OneAlready):
        submitted(cycle, "P03")
    with pytest.raises(Waiting):
        commands.validate(cycle_id=cycle, origin=by())
    with pytest.raises(Invalid):
        report_commands.decide_report(submission_id=key, accept=False, origin=by(CHECKER))
    report_commands.decide_report(submission_id=key, accept=False, reason="口径不符", origin=by(CHECKER))
    accepted(cycle, "P03", given={"part": "40", "whole": "100"})
    accepted(cycle, "P03", given={"part": "41", "whole": "100"})
    states = [(r.state, str(r.value)) for r in queries.reports(cycle_id=cycle, unit=CHONGQING, viewer=OPERATOR).items]
    assert sorted(states) == [("accepted", "41.000000"), ("returned", "30.000000"), ("revised", "40.000000")]
    own = submitted(cycle, "P05")
    with pytest.raises(SamePerson):
        report_commands.decide_report(submission_id=own, accept=True, origin=by(KEEPER))


def test_a_jump_needs_a_word_and_lateness_is_remarked() -> None:
    cycle = collecting()
    given = {"part": "90", "whole": "100", "history": "30 31 30 31"}
    with pytest.raises(Invalid) as refused:
        submitted(cycle, "P03", given=given)
    assert refused.value.facts["field"] == "comment"
    submitted(cycle, "P03", given=given, comment="两个项目的资金本季到位", at=AFTER)
    (row,) = queries.reports(cycle_id=cycle, unit=CHONGQING, viewer=OPERATOR).items
    assert (row.remarks, row.on_time) == (("late", "jump"), False)


# --- objections ---------------------------------------------------------------------------------------------------------


def test_an_upheld_objection_makes_a_new_run_and_both_values_stay() -> None:
    cycle = brought_to(State.DRAFT_PUBLISHED)
    decided(cycle, uphold=True)
    done = commands.finalise(cycle_id=cycle, origin=by(at=AFTER))
    assert done == {"run": 2, "corrected": 1}
    old, new = (Value.objects.get(cycle=cycle, run=n, unit=CHONGQING, indicator="P03") for n in (1, 2))
    assert (old.status, old.value) == ("missing", None)
    assert (new.status, str(new.value), new.before, new.source) == ("ok", "77.500000", None, "objection")
    (objection,) = queries.objections(cycle_id=cycle, viewer=OPERATOR)
    assert (objection.used, str(objection.claimed), objection.state) == (None, "77.500000", "upheld")
    assert Value.objects.filter(cycle=cycle, run=2).exclude(unit=CHONGQING).count() == 14 * 24
    a, b = (queries.scorecard(cycle_id=cycle, unit=CHONGQING, run=n, viewer=OPERATOR).total for n in (1, 2))
    assert b > a
    assert queries.verify(viewer=SYSTEM).good


def test_a_rejected_objection_changes_nothing() -> None:
    cycle = brought_to(State.DRAFT_PUBLISHED)
    decided(cycle, uphold=False)
    assert commands.finalise(cycle_id=cycle, origin=by(at=AFTER)) == {"run": 1, "corrected": 0}


def test_objections_have_their_time_their_judge_and_their_owner() -> None:
    cycle = brought_to(State.DRAFT_PUBLISHED)
    with pytest.raises(NotYet):
        commands.finalise(cycle_id=cycle, origin=by())
    with pytest.raises(TooLate):
        objected(cycle, at=AFTER)
    for indicator, claimed in (("P23", "1"), ("X", "1"), ("P03", "many"), ("P03", "100.5"), ("P03", "-1")):
        with pytest.raises(Invalid):
            objected(cycle, indicator, claimed)
    assert state_of(cycle) is State.DRAFT_PUBLISHED, "a refused objection leaves the state alone"
    key = objected(cycle)
    with pytest.raises(OneAlready):
        objected(cycle)
    with pytest.raises(Waiting):
        commands.finalise(cycle_id=cycle, origin=by(at=AFTER))
    with pytest.raises(SamePerson):
        answer_commands.decide_objection(objection_id=key, uphold=True, decision="x", origin=by(KEEPER))
    answer_commands.decide_objection(objection_id=key, uphold=True, decision="x", origin=by(JUDGE))
    with pytest.raises(Refusal, match="decided"):
        answer_commands.decide_objection(objection_id=key, uphold=False, decision="x", origin=by(CHECKER))


# --- vetoes, rectification, feed ----------------------------------------------------------------------------------------


def test_a_veto_counts_once_two_have_looked() -> None:
    cycle = collecting()
    key = uuid4()
    said = {"cycle_id": cycle, "unit": GUANGXI, "ground": "查实", "evidence": "文号 9"}
    commands.propose_veto(veto_id=key, veto="data_leak", **said, origin=by())
    with pytest.raises(OneAlready):
        commands.propose_veto(veto_id=uuid4(), veto="data_leak", **said, origin=by(CHECKER))
    with pytest.raises(Invalid):
        commands.propose_veto(veto_id=uuid4(), veto="rudeness", **said, origin=by())
    with pytest.raises(Waiting):
        commands.validate(cycle_id=cycle, origin=by())
    with pytest.raises(SamePerson):
        commands.confirm_veto(veto_id=key, origin=by())
    commands.confirm_veto(veto_id=key, origin=by(CHECKER))
    commands.validate(cycle_id=cycle, origin=by())
    commands.score(cycle_id=cycle, origin=by())
    card = queries.scorecard(cycle_id=cycle, unit=GUANGXI, viewer=OPERATOR)
    assert [v[1] for v in card.vetoes] == ["Major leak of data, confirmed"]
    assert card.deducted != "0.0000"


def test_rectifications_are_reported_by_the_unit_and_confirmed_by_another() -> None:
    cycle = brought_to(State.RECTIFICATION_TRACKED)
    (row,) = queries.rectifications(cycle_id=cycle, on=AFTER.date(), viewer=province(CHONGQING))
    assert queries.rectifications(cycle_id=cycle, viewer=province(GUANGXI)) == ()
    with pytest.raises(Waiting):
        commands.close(cycle_id=cycle, origin=by(at=AFTER))
    with pytest.raises(Refusal, match="absent"):
        answer_commands.report_rectification(rectification_id=row.id, done="已补报", origin=by(province(GUANGXI), AFTER))
    answer_commands.report_rectification(rectification_id=row.id, done="已补报", origin=by(province(CHONGQING), AFTER))
    answer_commands.confirm_rectification(rectification_id=row.id, confirm=False, origin=by(CHECKER, AFTER))
    answer_commands.report_rectification(rectification_id=row.id, done="再次补报", origin=by(province(CHONGQING), AFTER))
    answer_commands.confirm_rectification(rectification_id=row.id, confirm=True, origin=by(CHECKER, AFTER))
    commands.close(cycle_id=cycle, origin=by(at=AFTER))
    assert state_of(cycle) is State.CLOSED


def test_the_export_is_an_input_and_says_so() -> None:
    cycle = brought_to(State.FINAL)
    export = queries.export_rows(cycle_id=cycle, viewer=OPERATOR)
    assert len(export.rows) == 15 * 24
    assert "not the official grade" in export.notice_en
    awaited = [r for r in export.rows if r.indicator == "P23"]
    assert {(r.value, r.score, r.status) for r in awaited} == {("", "", "no_data")}
    done = commands.feed(cycle_id=cycle, origin=by(at=AFTER))
    assert done["rows"] == 360
    assert queries.cycle(cycle_id=cycle, viewer=OPERATOR).feeds[0].digest == done["digest"]


def test_an_id_that_is_taken_is_refused_in_words() -> None:
    cycle = collecting()
    with pytest.raises(OneAlready):
        commands.plan(cycle_id=cycle, system="territories.2026", period="2025Q4", seed=1, origin=by())
    key = submitted(cycle, "P03", GUANGXI)
    with pytest.raises(OneAlready):  # also where the other one's row may not be seen
        report_commands.submit(
            submission_id=key, cycle_id=cycle, unit=CHONGQING, indicator="P03", given={"part": "1", "whole": "2"}, evidence="x",
            origin=by(province(CHONGQING)),
        )  # fmt: skip
