"""Acts that meet: each step is taken once, each report and objection is decided once, and no input slips in while it is frozen."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest

from luhai.core.titles.tests.test_races import together
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.oversight.evaluation import answer_commands, commands, queries, report_commands
from luhai.oversight.evaluation.lifecycle import State
from luhai.oversight.evaluation.models import Card, Run, Submission, Total, Value
from luhai.oversight.evaluation.tests.world import (
    AFTER,
    CHONGQING,
    brought_to,
    by,
    collecting,
    frozen,
    objected,
    province,
    submitted,
)
from luhai.shell.context import acting

pytestmark = pytest.mark.usefixtures("fresh_db")
THREADS = 8


def supervisor(n: int) -> Actor:
    return Actor(UUID(int=0xC000 + n), Role.SUPERVISOR, UUID(int=0xCF00))


def work(run: Any) -> Any:
    return lambda: run() and None


def test_a_cycle_is_planned_once() -> None:
    def one(n: int) -> Any:
        return work(lambda: commands.plan(cycle_id=uuid4(), system="territories.2026", period="2026Q1", seed=n, origin=by(supervisor(n))))

    answers = Counter(a.split()[0] for a in together([one(n) for n in range(THREADS)]))
    assert answers == {"done": 1, "evaluation.planned": THREADS - 1}


def test_a_cycle_is_scored_once_by_many() -> None:
    cycle = frozen()
    answers = together([work(lambda n=n: commands.score(cycle_id=cycle, origin=by(supervisor(n)))) for n in range(THREADS)])
    assert Counter(a.split()[0] for a in answers) == {"done": 1, "evaluation.wrong_state": THREADS - 1}
    with acting(SYSTEM):
        assert Card.objects.count() == 15
    assert queries.verify(viewer=SYSTEM).good


def test_a_result_is_final_once_and_a_new_run_begins_once() -> None:
    cycle = brought_to(State.DRAFT_PUBLISHED)
    answers = together([work(lambda n=n: commands.finalise(cycle_id=cycle, origin=by(supervisor(n), AFTER))) for n in range(THREADS)])
    assert answers.count("done") == 1
    with acting(SYSTEM):
        assert Total.objects.count() == 15
    answers = together([work(lambda n=n: commands.reopen(cycle_id=cycle, reason="r", origin=by(supervisor(n), AFTER))) for n in range(THREADS)])
    assert answers.count("done") == 1
    assert [r.number for r in Run.objects.order_by("number")] == [1, 2]


def test_a_report_and_an_objection_are_decided_once() -> None:
    cycle = collecting()
    report = submitted(cycle, "P03")
    answers = together(
        [work(lambda n=n: report_commands.decide_report(submission_id=report, accept=n % 2 == 0, reason="r", origin=by(supervisor(n)))) for n in range(THREADS)]
    )
    assert Counter(a.split()[0] for a in answers) == {"done": 1, "evaluation.decided": THREADS - 1}
    commands.validate(cycle_id=cycle, origin=by())
    commands.score(cycle_id=cycle, origin=by())
    commands.publish(cycle_id=cycle, origin=by())
    objection = objected(cycle)
    answers = together(
        [work(lambda n=n: answer_commands.decide_objection(objection_id=objection, uphold=n % 2 == 0, decision="d", origin=by(supervisor(n)))) for n in range(THREADS)]
    )
    assert Counter(a.split()[0] for a in answers) == {"done": 1, "evaluation.decided": THREADS - 1}


def test_a_unit_reports_once_at_a_time_and_never_into_frozen_inputs() -> None:
    cycle = collecting()

    def report(n: int) -> Any:
        return work(
            lambda: report_commands.submit(
                submission_id=uuid4(), cycle_id=cycle, unit=CHONGQING, indicator="P03", given={"part": "1", "whole": "2"}, evidence="x",
                origin=by(province(CHONGQING, n)),
            )
        )  # fmt: skip

    answers = together([report(n) for n in range(THREADS)])
    assert Counter(a.split()[0] for a in answers) == {"done": 1, "evaluation.one_already": THREADS - 1}
    with acting(SYSTEM):
        (row,) = Submission.objects.all()
    accept = work(lambda: report_commands.decide_report(submission_id=row.pk, accept=True, origin=by(supervisor(1))))
    freeze = work(lambda: commands.validate(cycle_id=cycle, origin=by(supervisor(2))))
    answers = together([accept, freeze])
    with acting(SYSTEM):
        value = Value.objects.get(unit=CHONGQING, indicator="P03")
        frozen_at = Run.objects.get().frozen_at
    # Either the report was accepted first and is in the inputs, or freezing came first and was refused because it waited.
    assert answers[0] == "done"
    assert (value.status == "ok") == (frozen_at is not None)
