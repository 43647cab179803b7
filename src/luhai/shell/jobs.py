"""Jobs on PostgreSQL: deferred in the transaction of their cause, run by `luhai worker`.

A job is an edge: identifiers in, one command call, its key derived from the job, so that running twice is running once.
"""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from . import journal


@app.periodic(cron="* * * * * */5")
@app.task(queueing_lock="seal-journal", pass_context=False)  # no `lock`: a killed worker would hold it for ever
def seal_journal(timestamp: int) -> int:
    """Seal what has been committed; every five seconds."""
    return journal.seal(at=timezone.now())
