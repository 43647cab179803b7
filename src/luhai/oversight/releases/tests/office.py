"""An office that releases: events in the journal, read on and exported, and releases planned, computed and published by two persons."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from luhai.kernel.origin import PUBLIC, Actor, Origin, Role
from luhai.oversight.releases import commands, queries
from luhai.oversight.releases.queries import Observation
from luhai.oversight.statistics import commands as statistics
from luhai.oversight.statistics.tests.world import CHONGQING, GUANGXI, credited, drawn, moved, sealed, told
from luhai.shell.command import command

JANUARY, FEBRUARY, MARCH = (datetime(2026, m, 10, 4, tzinfo=UTC) for m in (1, 2, 3))
OFFICER, HEAD = Actor(uuid4(), Role.SUPERVISOR, uuid4()), Actor(uuid4(), Role.SUPERVISOR, uuid4())
#: Long after everything.
LATER = datetime(2026, 9, 1, 4, tzinfo=UTC)
COMPANIES = [str(UUID(int=0xC100 + n)) for n in range(40)]
SIZES, TERMS, ROUTES = "SMXL", ("CT01", "CT02"), ("RSI", "IRL", "XBR")


class Crash(Exception):
    """The process falls over."""


@command(may=[Role.SUPERVISOR])
def compute_and_fall(*, release_id: UUID, origin: Origin) -> None:
    commands.compute_release(release_id=release_id, origin=origin.child("compute"))
    raise Crash


def by(actor: Actor = OFFICER, at: datetime = LATER) -> Origin:
    return Origin(actor, uuid4(), at)


def busy(at: datetime, *, seed: int = 0, count: int = 60) -> None:
    """A month in which many companies draw, repay and are paid."""
    chance = random.Random(f"{at}{seed}")
    events: list[Any] = []
    for _ in range(count):
        n = min(int(chance.expovariate(0.08)), len(COMPANIES) - 1)
        who = {
            "company": COMPANIES[n], "territory": (CHONGQING, GUANGXI, "520000")[n % 3],
            "size": SIZES[n % 4], "industry": "CFG"[n % 3], "term": TERMS[n % 2], "route": ROUTES[n % 3],
        }  # fmt: skip
        amount = int(chance.lognormvariate(11, 0.8))
        kind, subject, data = chance.choice(
            [drawn(amount), drawn(amount, title=uuid4()), drawn(amount), credited(amount, documents=n % 2), moved(amount // 5)]
        )
        events.append((kind, subject, data | who))
    told(*events, at=at)


def read_on(at: datetime = LATER) -> None:
    sealed(at=at)
    statistics.gather_all(at + timedelta(seconds=random.randrange(10**6)))
    statistics.export_all(at + timedelta(seconds=random.randrange(10**6)))


def planned(month: str, **more: Any) -> UUID:
    return commands.plan_release(month=month, origin=by(), **more)


def computed(month: str, at: datetime = LATER, **more: Any) -> UUID:
    made = planned(month, **more)
    commands.compute_release(release_id=made, origin=by(at=at))
    return made


def out(month: str, **more: Any) -> UUID:
    made = computed(month, **more)
    commands.publish_release(release_id=made, origin=by(HEAD))
    return made


def revised(month: str) -> UUID:
    made = commands.revise_release(month=month, reason="late reports", changed="loans drawn", origin=by())
    commands.compute_release(release_id=made, origin=by())
    commands.publish_release(release_id=made, origin=by(HEAD))
    return made


def seen(viewer: Actor = PUBLIC, **asked: Any) -> list[Observation]:
    return queries.published(viewer=viewer, **asked)


def three_months() -> Sequence[UUID]:
    for at in (JANUARY, FEBRUARY, MARCH):
        busy(at)
    read_on()
    return [out(month) for month in ("2026-01", "2026-02", "2026-03")]
