"""Jobs of the ledger: release holds that have expired, every minute."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from procrastinate.contrib.django import app

from luhai.kernel.origin import SYSTEM, Origin

from . import commands


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="ledger-sweep", pass_context=False)
def sweep(timestamp: int) -> int:
    """The key comes from the tick, so that running a tick twice is running it once."""
    key = uuid5(NAMESPACE_URL, f"luhai:ledger.sweep:{timestamp}")
    return commands.sweep(origin=Origin(SYSTEM, key, datetime.fromtimestamp(timestamp, UTC)))
