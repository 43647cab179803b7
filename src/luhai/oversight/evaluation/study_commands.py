"""Studies: what a measure did across territories, estimated from statistics, with its uncertainty, and kept with its inputs."""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from uuid import UUID

from luhai.core.parties.territories import territories
from luhai.core.policies import queries as policies
from luhai.core.rules.business_days import calendar
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Invalid, gettext_noop
from luhai.oversight.statistics import queries as statistics
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from . import policy, sources
from .commands import add
from .estimating import estimated
from .models import Study

MEASURES: Final = ("M24-05",)
#: Outcomes by quarter and territory, as statistics define them.
OUTCOMES: Final = ("loans_outstanding", "loans_drawn", "receipts")
MOST_QUARTERS: Final = 40


@command(may=[Role.SUPERVISOR])
def run_study(
    *, study_id: UUID, measure: str, outcome: str, quarter_from: str, quarter_to: str, seed: int, invented: bool = False, origin: Origin
) -> UUID:
    """Estimate what a measure did to an outcome: staggered difference-in-differences, with p-values and an interval by permutation.

    Who:     supervisors.
    Units:   the outcome in ten thousand yuan, by quarter (`loans_outstanding` at its end, the others in it); yuan only.
    Writes:  a Study: the panel and the dates of adoption it was made from, their digest, the effect with its uncertainty, and placebos. An
             effect that is not found is reported like one that is.
    Refuses: Absent (measure), Invalid (outcome, quarter_from (also: before facts were counted), quarter_to, seed), NoEffect (nobody adopted within the quarters; nobody to compare with).
    Source:  measure M24-05; domain notes on oversight §2.6; docs/decisions/0058.
    """
    policies.measure(code=measure, viewer=SYSTEM)
    if outcome not in OUTCOMES:
        raise Invalid(field="outcome", problem=f"one of {', '.join(OUTCOMES)}")
    first, last = policy.quarter(quarter_from, "quarter_from"), policy.quarter(quarter_to, "quarter_to")
    if not 0 <= seed < 2**31:
        raise Invalid(field="seed", problem=gettext_noop("a whole number from 0 to 2147483647"))
    if last.last >= calendar().local_date(origin.at):
        raise Invalid(field="quarter_to", problem=gettext_noop("a quarter that is over"))
    quarters = [q for n in range(MOST_QUARTERS) if first <= (q := last.back(MOST_QUARTERS - 1 - n))]
    if len(quarters) < 3 or quarters[0] != first:
        raise Invalid(field="quarter_from", problem=gettext_noop("from 3 to 40 quarters before the last"))
    with as_system():
        position = statistics.position()
        world = sources.World("territory", tuple(sorted(territories())), last, position, origin.at, {}, {})
        starts = world.starts.get(measure, {})
        counted = min((r.day for t in world.units for r in world.of(t)), default=None)
        if counted is None or counted > first.first:
            raise Invalid(field="quarter_from", problem=gettext_noop("a quarter that was counted from its first day on: before the first fact nothing is known, which is not nought"))
        panel = {t: [policy.shown(_outcome(list(world.of(t)), outcome, q)) for q in quarters] for t in world.units}
    adopted = {t: str(policy.quarter_of(starts[t])) if t in starts else None for t in world.units}
    inputs = {
        "measure": measure, "outcome": outcome, "currency": "CNY", "quarters": [str(q) for q in quarters], "panel": panel, "adopted": adopted,
        "position": position, "seed": seed,
    }  # fmt: skip
    result = estimated(inputs)
    digest = policy.digest(inputs)
    row = Study(
        id=study_id, measure=measure, outcome=outcome, currency="CNY", quarter_from=quarter_from, quarter_to=quarter_to, seed=seed,
        position=position, inputs=inputs, inputs_digest=digest, result=result, invented=invented, made_by=origin.actor.person_id,
        made_at=origin.at,
    )  # fmt: skip
    add(row)
    record("evaluation.studied", study_id, measures=(*MEASURES, measure), outcome=outcome, inputs=digest, p=result["p"], effect=result["effect"])
    return study_id


def _outcome(rows: list[sources.Sum], outcome: str, q: policy.Quarter) -> Decimal:
    if outcome == "loans_outstanding":
        fen = sources.balance(rows, q.last)
    else:
        kind = "drawn" if outcome == "loans_drawn" else "received"
        fen = sum(r.amount for r in rows if r.kind == kind and r.currency == "CNY" and q.first <= r.day <= q.last)
    return policy.quotient(fen, 1_000_000, 1)
