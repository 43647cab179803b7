"""Jobs of lending: collect what is due on a business day's evening, then close the day; expire lines whose time is over.

One command a draw or line, so that one that is refused stops no other. A job that ran before runs again without effect.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from procrastinate.contrib.django import app

from luhai.core.rules.business_days import calendar
from luhai.kernel.origin import SYSTEM, Origin
from luhai.kernel.refusal import Refusal

from . import commands, line_commands, queries


@app.periodic(cron="0 15 * * *")  # 23:00 in China: nothing more is booked on this day
@app.task(queueing_lock="lending-close", pass_context=False)
def close_of_business(timestamp: int) -> dict[str, int]:
    """Close the day of this instant in China for every draw that money is lent on."""
    at = datetime.fromtimestamp(timestamp, UTC)
    return commands.close_business(calendar().local_date(at), at)


@app.periodic(cron="30 16 * * *")  # 00:30 in China
@app.task(queueing_lock="lending-expire", pass_context=False)
def expire_lines(timestamp: int) -> int:
    """End every line whose last day has gone; return how many."""
    at, ended = datetime.fromtimestamp(timestamp, UTC), 0
    for line in queries.to_expire(day=calendar().local_date(at), viewer=SYSTEM):
        try:
            line_commands.expire_line(
                line_id=line, origin=_origin("expire", line, calendar().local_date(at), at)
            )
            ended += 1
        except Refusal:  # somebody was faster; the journal says who
            continue
    return ended


def _origin(what: str, subject: UUID, day: date, at: datetime) -> Origin:
    """The key is of the day: what was refused on it is asked again on the next."""
    return Origin(SYSTEM, uuid5(NAMESPACE_URL, f"luhai:lending.{what}:{subject}:{day.isoformat()}"), at)
