"""Jobs of matching: let lapse what has run out, every five minutes."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from procrastinate.contrib.django import app

from luhai.kernel.origin import SYSTEM, Origin

from . import commands


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="matching-expire", pass_context=False)
def expire_overdue(timestamp: int) -> dict[str, int]:
    """The key comes from the tick, so that running a tick twice is running it once."""
    key = uuid5(NAMESPACE_URL, f"luhai:matching.expire_overdue:{timestamp}")
    return commands.expire_overdue(origin=Origin(SYSTEM, key, datetime.fromtimestamp(timestamp, UTC)))
