"""The jobs of statistics: read on in the journal, and write what was read to files, every minute.

Sealing comes every five seconds, so what was done is counted a little more than a minute later at the latest. Where there is nothing to count,
nothing is asked, so that the journal does not fill with the reading of itself.
"""

from __future__ import annotations

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from luhai.kernel.origin import SYSTEM

from . import commands, queries


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="statistics-gather", pass_context=False)
def gather_facts(timestamp: int) -> int:
    """Gather what is sealed and was not read; return how many facts were written. The keys come from the tick."""
    if not queries.waiting(viewer=SYSTEM):
        return 0
    return commands.gather_all(datetime.fromtimestamp(timestamp, UTC))["facts"]


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="statistics-export", pass_context=False)
def export_facts(timestamp: int) -> int:
    """Write facts that were gathered to files; return how many. What is gathered in this minute may be written in the next."""
    if not queries.to_export(viewer=SYSTEM):
        return 0
    return commands.export_all(datetime.fromtimestamp(timestamp, UTC))["facts"]
