"""Play a shipment, step by step, and tell what each step wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from luhai.kernel.refusal import Invalid

from . import seen
from .stage import Stage
from .story import NAMES, STEPS, Step


@dataclass(frozen=True, slots=True)
class Played:
    """A step that was played: at which instants, by whom, and (where it was asked for) what it wrote."""

    step: Step
    instants: tuple[datetime, ...]
    who: tuple[str, ...]
    answer: dict[str, Any] | None = None  # what the step was told: a status, a verdict

    @property
    def at(self) -> datetime:
        return self.instants[0]

    @property
    def until(self) -> datetime:
        return max(self.instants)


def run(step: Step, stage: Stage) -> Played:
    """Play one step alone. Refuses: what its commands refuse."""
    stage.instants, stage.actors = [], []
    answer = step.run(stage)
    if not stage.instants:  # a step that only reads happens where the one before it ended
        stage.instants = [stage.at(15, 16)]
    who = tuple(name for part in stage.actors for name, p in stage.cast.parts.items() if p is part)
    return Played(step, tuple(stage.instants), who or ("system",), answer)


def play(
    stage: Stage, until: str | None = None, *, after: str | None = None, now: datetime | None = None, into: list[Played] | None = None
) -> list[Played]:
    """Play every step in its order, up to and with `until`, or (having played so far) those after `after`.

    With `now`, no step that would not be over by then: a story that began lately waits where it is. What was played so far stands in
    `into`, also when a step is refused.
    Played before, a step answers as it did. Refuses: what a step refuses; those before it stay played. Invalid (no such step).
    """
    last = place_of(until) if until is not None else len(STEPS) - 1
    first = place_of(after) + 1 if after is not None else 0
    played = [] if into is None else into
    for step in STEPS[first : last + 1]:
        if now is not None and stage.at(step.day, 23, 30) > now:
            break
        played.append(run(step, stage))
    return played


def told(stage: Stage, played: Sequence[Played]) -> list[dict[str, Any]]:
    """Each step with its postings, acts on titles, uses of evidence and measures, as they stand in the books and the journal."""
    found = seen.written([at for one in played for at in one.instants])
    made = []
    for one in played:
        wrote = seen.together(found[at] for at in one.instants)
        made.append(
            {
                "name": one.step.name, "zh": one.step.zh, "en": one.step.en, "shipment": stage.shipment.number,
                "deal": one.step.deal, "at": one.at.isoformat(), "until": one.until.isoformat(), "who": list(one.who), "postings": wrote.postings, "titles": wrote.titles, "uses": wrote.uses,
                "events": wrote.events, "measures": sorted(wrote.measures), "rules": sorted(wrote.rules), "answer": one.answer,
            }
        )  # fmt: skip
    return made


def described(stage: Stage) -> dict[str, Any]:
    """The shipment: who plays, and the id or number of everything."""
    s, c = stage.shipment, stage.cast
    people = {
        name: {
            "party": str(part.id), "name_zh": part.party.name_zh, "name_en": part.party.name_en, "country": part.party.country,
            "person": str(part.person_id), "username": part.username,
        }
        for name, part in c.parts.items()
    }  # fmt: skip
    return {
        "space": c.space, "number": s.number, "day": s.day.isoformat(), "destination": s.destination.place, "parties": people,
        "agreement": str(stage.agreement), "line": str(stage.line), "title": str(stage.title), "draw": str(stage.draw),
        "payment": str(stage.payment), "uetr": str(stage.uetr), "collection": str(stage.id("collection")),
        "evidence": {name: str(stage.id(name)) for name in ("contract", "insurance", "transport_document", "declaration", "invoice")},
        "release": str(stage.id("release")), "bill_no": s.bill_no, "container": s.container, "contract_no": s.contract_no,
        "declaration_no": s.declaration_no, "invoice_no": s.invoice_no, "account_no": s.account_no, "worth_usd_minor": s.worth,
        "invoiced_cny_minor": s.invoiced, "financed_usd_minor": s.financed,
    }  # fmt: skip


def place_of(name: str) -> int:
    """Which step it is, from 0. Refuses: Invalid."""
    if name not in NAMES:
        raise Invalid(field="until", problem=f"one of {', '.join(NAMES)}")
    return NAMES.index(name)
