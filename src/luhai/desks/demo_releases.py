"""The demo's released statistics: the months that are over and due are computed by the system and published by a supervisor of the demo."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from luhai.core.parties import queries as parties
from luhai.kernel.calendar import SHANGHAI
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.oversight.releases import commands, queries
from luhai.oversight.statistics import commands as statistics
from luhai.oversight.statistics.policy import later
from luhai.shell import journal

_SPACE: Final = uuid5(NAMESPACE_URL, "luhai:desks.demo_releases")
#: Months back from the one that runs.
MONTHS: Final = 2


def load(seed: int, now: datetime) -> dict[str, Any]:
    """Read the journal on, and release what is due; answer the months that are out, with their cells. Again: what became due since."""
    journal.seal(at=now)
    statistics.gather_all(now)
    statistics.export_all(now)
    running = now.astimezone(SHANGHAI).date().replace(day=1)
    out = {r.month for r in queries.releases(viewer=SYSTEM) if r.published_at is not None}
    for back in range(MONTHS, 0, -1):
        month = later(running, -back)
        if f"{month:%Y-%m}" not in out:
            _released(seed, month, now)
    return {r.month: {"cells": r.cells, "withheld": r.withheld} for r in queries.releases(viewer=SYSTEM) if r.published_at is not None}


def _released(seed: int, month: date, now: datetime) -> None:
    made = commands.plan_release(month=f"{month:%Y-%m}", origin=_by(SYSTEM, f"{seed} plan {month}", now))
    if queries.release(release_id=made, viewer=SYSTEM).embargo_until > now:
        return  # it is computed and shown once it is due
    commands.compute_release(release_id=made, origin=_by(SYSTEM, f"{seed} compute {month}", now))
    commands.publish_release(release_id=made, origin=_by(_supervisor(), f"{seed} publish {month}", now))


def _supervisor() -> Actor:
    return next(m.actor for m in parties.people(limit=100, viewer=SYSTEM) if m.role == Role.SUPERVISOR and m.party.invented)


def _by(actor: Actor, step: str, now: datetime) -> Origin:
    return Origin(actor, _key(step), now)


def _key(step: str) -> UUID:
    return uuid5(_SPACE, step)
