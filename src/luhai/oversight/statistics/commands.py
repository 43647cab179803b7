"""The one way in which facts come to be: the sealed journal is read by position, and nothing else is."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Invalid
from luhai.shell import journal
from luhai.shell.command import command, record

from . import policy
from .indicators import NOWHERE
from .models import Fact, Reader, Unread

MEASURES = ("M11-06", "M13-04", "M13-05")
READER = "facts"
BATCH = 2_000


@command(may=[Role.OPERATOR])
def gather(*, upto: int | None = None, limit: int = BATCH, origin: Origin) -> dict[str, Any]:
    """Read the journal on from where reading stopped, one batch of at most about `limit` events, and write its facts.

    Answers `position` (read to here), `events`, `facts`, `unread` and `more` (there is more to read now).
    Who:     the system, every minute; the operator.
    Units:   `upto` and `position` are positions of the journal; None reads to its sealed end.
    Writes:  Facts; Unread, for events that lack what counting needs; the Reader's position: all in one transaction, so that a crash
             leaves nothing of a batch, and a second gatherer waits and goes on where the first one ended.
    Refuses: Invalid (upto, limit).
    Source:  measures M11-06, M13-04, M13-05.
    """
    if upto is not None and upto < 0:
        raise Invalid(field="upto", problem="a position of the journal")
    if not 1 <= limit <= journal.BATCH_MAX:
        raise Invalid(field="limit", problem="from 1 to 10000 events")
    reader = Reader.objects.select_for_update().get(name=READER)
    events, more = _next(reader.position, limit, upto)
    facts: list[Fact] = []
    unread: list[Unread] = []
    for event in events:
        if event.kind not in policy.READ:
            continue
        try:
            row = policy.fact_of(event.kind, event.data, event.at, NOWHERE)
        except policy.Unreadable as problem:
            unread.append(Unread(position=event.position, index=event.index, event_kind=event.kind, problem=str(problem)))
            continue
        if row is not None:
            facts.append(
                Fact(
                    position=event.position, index=event.index, kind=row.kind, event_kind=event.kind, subject=event.subject,
                    month=row.month, day=row.day, territory=row.territory, currency=row.currency, amount=row.amount,
                    country=row.country, documented=row.documented, bank_id=row.bank, company_id=row.company,
                )
            )  # fmt: skip
    if events:
        Fact.objects.bulk_create(facts, batch_size=1_000)
        Unread.objects.bulk_create(unread)
        first, reader.position, reader.gathered_at = reader.position + 1, events[-1].position, origin.at
        reader.save(update_fields=["position", "gathered_at"])
        record(
            "statistics.gathered", READER, measures=MEASURES, first=first, last=reader.position, facts=len(facts), unread=len(unread)
        )
    return {
        "position": reader.position, "events": len(events), "facts": len(facts), "unread": len(unread), "more": more,
    }  # fmt: skip


def _next(position: int, limit: int, upto: int | None) -> tuple[list[journal.Event], bool]:
    """The next events, in whole entries: an entry that the limit cuts through is left for the next batch, or read whole if it is the first."""
    while True:
        found = journal.events_after(position, limit=limit)
        cut = len(found) == limit
        whole = [e for e in found if e.position < found[-1].position] if cut else found
        if cut and not whole:
            limit *= 2
            continue
        wanted = whole if upto is None else [e for e in whole if e.position <= upto]
        return wanted, cut and len(wanted) == len(whole)


def gather_all(at: datetime, *, upto: int | None = None, limit: int = BATCH) -> dict[str, int]:
    """Gather until nothing is left, one transaction a batch. For the job and the command line.

    The keys come from the instant: two who start at the same one share the work and its answers.
    """
    total = {"position": 0, "events": 0, "facts": 0, "unread": 0, "batches": 0}
    while True:
        key = uuid5(NAMESPACE_URL, f"luhai:statistics.gather:{at.isoformat()}:{upto}:{limit}:{total['batches']}")
        done = gather(upto=upto, limit=limit, origin=Origin(SYSTEM, key, at))
        total["position"] = done["position"]
        total["batches"] += 1
        for name in ("events", "facts", "unread"):
            total[name] += done[name]
        if not done["more"]:
            return total
