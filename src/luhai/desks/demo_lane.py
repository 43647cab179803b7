"""The demo's lane: one shipment that is finished, and one that waits for the bank's check, so that visitors act as exporter's bank next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from luhai.core.rules.business_days import calendar
from luhai.financing.lending import commands as lending
from luhai.kernel.origin import SYSTEM, Origin
from luhai.shell import journal

from .lane import commands, recount, stage
from .lane import play as lane
from .lane.cast import Cast
from .lane.stage import Stage
from .lane.story import PAID

_SPACE: Final = uuid5(NAMESPACE_URL, "luhai:desks.demo_lane")
#: The finished shipment began so many days ago; the other one's money came yesterday.
FINISHED, WAITING = 40, PAID + 1
#: The step after which the second shipment waits.
WAITS_AFTER = "attach"


def played(seed: int) -> dict[str, Any] | None:
    """What came of it, if it was played here before."""
    found: dict[str, Any] | None = journal.answered(SYSTEM.person_id, _key(seed))
    return found


def load(cast: Cast, seed: int, now: datetime) -> dict[str, Any]:
    """Play both; return the first with its steps, the second with where it waits, and what was counted again."""
    done, waiting = stages(cast, now)
    steps = lane.told(done, lane.play(done))
    lane.play(waiting, WAITS_AFTER)
    close_until_yesterday(now)
    recount.gathered(now)
    told = {
        "lane": lane.described(done), "waiting": lane.described(waiting) | {"after": WAITS_AFTER}, "steps": steps,
        "statistics": recount.rows_of(done), "recounted": recount.recounted(),
    }  # fmt: skip
    told = commands.finish(seed=cast.space, told=told, origin=Origin(SYSTEM, _key(seed), now))
    journal.seal(at=now)
    return told


def _key(seed: int) -> UUID:
    return uuid5(_SPACE, f"{seed} finish")


def stages(cast: Cast, now: datetime) -> tuple[Stage, Stage]:
    """The finished shipment and the waiting one."""
    return (
        stage.load(cast, 1, clock=now - timedelta(days=FINISHED)), stage.load(cast, 2, clock=now - timedelta(days=WAITING)),
    )  # fmt: skip


def close_until_yesterday(now: datetime) -> None:
    """Close the evenings that passed while nobody ran the jobs, so that a loan owes what it has cost. Again: nothing."""
    lending.close_business(calendar().local_date(now) - timedelta(days=1), now)
