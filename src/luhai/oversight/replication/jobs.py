"""The jobs of replication: what is granted goes live on its day, what is over ends, and what goes on under a package is counted.

Each adoption is a command of its own: one that is refused (a condition no longer holds) is in the journal, and keeps none of the others.
"""

from __future__ import annotations

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from . import live_commands


@app.periodic(cron="1 * * * *")
@app.task(queueing_lock="replication-day", pass_context=False)
def keep_days(timestamp: int) -> int:
    """Do what the day asks for; return how many adoptions changed. Keys come from the day: a refusal is not tried again the same day."""
    return live_commands.keep(datetime.fromtimestamp(timestamp, UTC))


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="replication-watch", pass_context=False)
def watch(timestamp: int) -> int:
    """Count what was sealed since; return how many events that were."""
    return live_commands.watch_all(datetime.fromtimestamp(timestamp, UTC))
