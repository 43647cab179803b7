"""Jobs of the escrow: every minute, carry out what is met, and let expire what is due.

They pull: whatever met a condition, in whichever subject, need not know that an escrow waited for it. One command an escrow, so that
one that is refused stops no other; a refusal stands in the journal, and the next hour asks again under another key.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from procrastinate.contrib.django import app

from luhai.kernel.origin import SYSTEM, Origin
from luhai.kernel.refusal import Refusal

from . import commands, queries


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="escrow-carry-out", pass_context=False)
def carry_out(timestamp: int) -> int:
    """Execute every escrow whose conditions are met; return how many were."""
    done, after = 0, None
    while True:
        met, after = queries.ready(after=after, viewer=SYSTEM)
        done += sum(_ended(commands.execute, escrow, n, timestamp) for escrow, n in met)
        if after is None:
            return done


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="escrow-expire", pass_context=False)
def expire(timestamp: int) -> int:
    """Return what is in escrows whose time has run out; return how many ended."""
    done, after = 0, None
    at = datetime.fromtimestamp(timestamp, UTC)
    while due := queries.due(at=at, after=after, viewer=SYSTEM):
        done += sum(_ended(commands.expire, escrow, n, timestamp) for escrow, n in due)
        after = due[-1][0]
    return done


def _ended(command: Callable[..., UUID], escrow: UUID, n: int, timestamp: int) -> bool:
    key = uuid5(NAMESPACE_URL, f"luhai:escrow.{command.__name__}:{escrow}:{n}:{timestamp // 3600}")
    try:
        command(escrow_id=escrow, origin=Origin(SYSTEM, key, datetime.fromtimestamp(timestamp, UTC)))
    except Refusal:  # somebody was faster, an account is frozen, evidence is used up: the journal says which
        return False
    return True
