"""The one way in which facts come to be: the sealed journal is read by position, and nothing else is. And how they come into files.

Files are written first, and count once the manifest says so: its rows stand in the same transaction as the exporter's place. What a crash
leaves in the folder is in no manifest; the next exporter, alone under the lock of its Reader, deletes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from django.db.models import Count

from luhai.core.indicators.dimensions import BY_NAME
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Invalid, Refusal, gettext_noop
from luhai.shell import journal
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from . import policy
from .indicators import NOWHERE
from .models import Acts, Fact, Part, Reader, Unread
from .queries import damaged, root

MEASURES = ("M11-06", "M13-04", "M13-05")
READER = "facts"
EXPORTER = "export"
ACTS = "acts"
BATCH = 2_000
#: Facts of one export, all of which are in memory at once.
EXPORT = 50_000
#: More parts of a day than this are merged.
PARTS = 8
#: How long a part that was merged is kept for who still reads it.
KEPT: Final = timedelta(hours=1)


class FactsDiffer(Refusal):
    code = "statistics.facts_differ"
    message = gettext_noop("The facts of %(path)s are not those that it was written from.")


@command(may=[Role.OPERATOR])
def gather(*, upto: int | None = None, limit: int = BATCH, origin: Origin) -> dict[str, Any]:
    """Read the journal on from where reading stopped, one batch of at most about `limit` events, and write its facts.

    Answers `position` (read to here), `events`, `facts`, `unread` and `more` (there is more to read now).
    Who:     the system, every minute; the operator.
    Units:   `upto` and `position` are positions of the journal; None reads to its sealed end.
    Writes:  Facts; Unread, for events that lack what counting needs; Acts; the Reader's position: all in one transaction, so that a crash
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
    more = _count_acts(reader.position, events, limit) or more
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
                    country=row.country, documented=row.documented, bank_id=row.bank, company_id=row.company, size=row.size,
                    industry=row.industry, term=row.term, route=row.route, guarantee=row.guarantee, green=row.green, rate_bp=row.rate_bp,
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


def _count_acts(read: int, events: list[journal.Event], limit: int) -> bool:
    """Count what was done under each measure: these events, or older ones if that counting is behind; then there is more to read."""
    reader = Reader.objects.select_for_update().get(name=ACTS)
    behind = reader.position < read
    if behind:
        events, _more = _next(reader.position, limit, read)
    if not events:
        return False
    acts = {row.measure: row for row in Acts.objects.all()}
    for measure, day in policy.acts_of(events):
        row = acts.setdefault(measure, Acts(measure=measure, count=0, first_day=day, last_day=day))
        row.count, row.first_day, row.last_day = row.count + 1, min(row.first_day, day), max(row.last_day, day)
    Acts.objects.bulk_create(acts.values(), update_conflicts=True, unique_fields=["measure"], update_fields=["count", "first_day", "last_day"])
    reader.position = events[-1].position
    reader.save(update_fields=["position"])
    return behind


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


# --- files --------------------------------------------------------------------------------------------------------------


@command(may=[Role.OPERATOR])
def export(*, upto: int | None = None, limit: int = EXPORT, origin: Origin) -> dict[str, Any]:
    """Write the facts beyond the last export to files, a part for each of their days, of at most about `limit` facts in all.

    Answers `position` (exported to here), `facts`, `parts`, `swept` (files that nobody counts, deleted) and `more`.
    Who:     the system, after it has gathered; the operator.
    Units:   `upto` is a position of the journal; None: as far as facts were gathered. Entries are never cut in two.
    Writes:  files, whole and on the disk; then in one transaction their Parts and the exporter's position: a crash before its end leaves
             files that count for nothing, and a second exporter waits and goes on where the first one ended.
    Refuses: Invalid (upto, limit).
    Source:  measures M11-06, M13-04, M13-05; domain notes on oversight §1.2.
    """
    if upto is not None and upto < 0:
        raise Invalid(field="upto", problem=gettext_noop("a position of the journal"))
    if not 1 <= limit <= 1_000_000:
        raise Invalid(field="limit", problem=gettext_noop("from 1 to 1000000 facts"))
    reader = Reader.objects.select_for_update().get(name=EXPORTER)
    swept = _sweep(origin.at)
    gathered = Reader.objects.get(name=READER).position  # its facts are there: they came with it
    last = gathered if upto is None else min(gathered, upto)
    rows, more = _facts_after(reader.position, last, limit)
    parts = [_part(day, rows_, origin.at) for day, rows_ in _by_day(rows)]
    position = rows[-1]["position"] if more else max(last, reader.position)
    if position > reader.position:
        Part.objects.bulk_create(parts)
        first, reader.position, reader.gathered_at = reader.position + 1, position, origin.at
        reader.save(update_fields=["position", "gathered_at"])
        record("statistics.exported", EXPORTER, measures=MEASURES, first=first, last=position, facts=len(rows), parts=len(parts))
    return {"position": reader.position, "facts": len(rows), "parts": len(parts), "swept": len(swept), "more": more}


@command(may=[Role.OPERATOR])
def compact(*, origin: Origin) -> dict[str, int]:
    """Merge the small parts of each day that has more than eight, into one; answers `days`, and how many parts were `merged`.

    Who:     the system, after it has exported; the operator.
    Writes:  the merged file; then in one transaction its Part, and that those merged are replaced. Their files are deleted an hour later.
    """
    Reader.objects.select_for_update().get(name=EXPORTER)
    days = merged = 0
    with as_system():
        many = Part.objects.filter(replaced_at=None).values("day").annotate(n=Count("id")).filter(n__gt=PARTS).order_by("day")
        for day in [row["day"] for row in many]:
            old = _small(list(Part.objects.filter(replaced_at=None, day=day).order_by("first")))
            new = _part(day, _rows(day, old[0].first, old[-1].last), origin.at, old[0].first, old[-1].last)
            if new.rows != sum(p.rows for p in old):
                raise FactsDiffer(path=new.path)
            Part.objects.filter(pk__in=[p.pk for p in old]).update(replaced_at=origin.at)
            new.save()
            record("statistics.merged", new.path, measures=MEASURES, day=day, rows=new.rows, parts=[p.path for p in old])
            days, merged = days + 1, merged + len(old)
    return {"days": days, "merged": merged}


@command(may=[Role.OPERATOR])
def rebuild(*, every: bool = False, origin: Origin) -> dict[str, Any]:
    """Write the files that are missing or changed again, from the facts; or every one. Answers `written` and `kept`.

    Who:     the operator.
    Writes:  the files, and their digests where another version of the writer makes other bytes of the same facts.
    Refuses: FactsDiffer (the facts of a part are not as many as were written).
    """
    Reader.objects.select_for_update().get(name=EXPORTER)
    with as_system():
        live = list(Part.objects.filter(replaced_at=None).order_by("day", "first"))
        bad = {found.path for found in damaged()}
        again = [p for p in live if every or p.path in bad]
        for part in again:
            if Fact.objects.filter(day=part.day, position__gte=part.first, position__lte=part.last).count() != part.rows:
                raise FactsDiffer(path=part.path)
            new = _part(part.day, _rows(part.day, part.first, part.last), origin.at, part.first, part.last)
            if new.digest != part.digest:
                part.digest = new.digest
                part.save(update_fields=["digest"])
            record("statistics.rebuilt", part.path, measures=MEASURES, rows=part.rows, digest=part.digest)
    return {"written": [p.path for p in again], "kept": len(live) - len(again)}


#: Columns of a file that the table has under another name.
_COLUMNS: Final = {"bank": "bank_id", "company": "company_id", "holder": "company_id"}
_SAME: Final = (
    "position", "index", "kind", "day", "month", "territory", "currency", "amount", "rate_bp", "country", "documented", "size", "industry",
    "term", "route", "guarantee", "green",
)  # fmt: skip
_READ: Final = (*_SAME, "bank_id", "company_id")


def _row(values: tuple[Any, ...]) -> dict[str, Any]:
    """A fact as it stands in a file. A company counts as its own holder as long as nobody says who owns it."""
    said = dict(zip(_READ, values, strict=True))
    said |= {name: str(said[column]) for name, column in _COLUMNS.items()}
    said["country"] = BY_NAME["country"].stated(said["country"])
    return said


def _facts_after(position: int, last: int, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """The next facts, in whole entries: one that the limit cuts through is left for the next export, or read whole if it is the first."""
    with as_system():
        rows = Fact.objects.filter(position__gt=position, position__lte=last).order_by("position", "index", "kind").values_list(*_READ)
        found = list(rows[: limit + 1])
        if len(found) <= limit:
            return [_row(x) for x in found], False
        cut = found[-1][0]
        whole = [x for x in found if x[0] < cut]
        if not whole:
            whole = list(rows.filter(position=cut))
            return [_row(x) for x in whole], rows.filter(position__gt=cut).exists()
        return [_row(x) for x in whole], True


def _rows(day: date, first: int, last: int) -> Iterator[dict[str, Any]]:
    rows = Fact.objects.filter(day=day, position__gte=first, position__lte=last).order_by("position", "index", "kind")
    return map(_row, rows.values_list(*_READ).iterator(chunk_size=10_000))


def _by_day(rows: list[dict[str, Any]]) -> Iterator[tuple[date, list[dict[str, Any]]]]:
    day: Callable[[dict[str, Any]], date] = lambda row: row["day"]  # noqa: E731
    return ((key, list(group)) for key, group in groupby(sorted(rows, key=day), key=day))


def _part(day: date, rows: Any, at: datetime, first: int | None = None, last: int | None = None) -> Part:
    """A part, written and on the disk; it counts once its row is there."""
    from luhai.core.indicators import facts  # pyarrow, which only who writes files waits for

    low, high = first or rows[0]["position"], last or rows[-1]["position"]
    made = facts.write_part(root(), day, low, high, rows)
    return Part(path=made.path, day=day, first=low, last=high, rows=made.rows, digest=made.digest, written_at=at)


def _small(parts: list[Part]) -> list[Part]:
    """The last parts of a day: each that is not four times as large as all behind it, and at least two. So a fact is written again only a
    few times, however many exports its day has."""
    taken, rows = parts[-2:], sum(p.rows for p in parts[-2:])
    for part in reversed(parts[:-2]):
        if part.rows >= 4 * rows:
            break
        taken, rows = [part, *taken], rows + part.rows
    return taken


def _sweep(at: datetime) -> list[str]:
    """Delete files that no manifest names, and those that were replaced long enough ago. Only under the exporter's lock."""
    from luhai.core.indicators import facts

    with as_system():
        Part.objects.filter(replaced_at__lt=at - KEPT).delete()
        return facts.sweep(root(), Part.objects.values_list("path", flat=True))


def export_all(at: datetime, *, upto: int | None = None, limit: int = EXPORT) -> dict[str, int]:
    """Export until nothing is left, one transaction a batch, and merge small parts. For the job and the command line."""
    total = {"position": 0, "facts": 0, "parts": 0, "swept": 0, "batches": 0}
    while True:
        key = uuid5(NAMESPACE_URL, f"luhai:statistics.export:{at.isoformat()}:{upto}:{limit}:{total['batches']}")
        done = export(upto=upto, limit=limit, origin=Origin(SYSTEM, key, at))
        total["position"] = done["position"]
        total["batches"] += 1
        for name in ("facts", "parts", "swept"):
            total[name] += done[name]
        if not done["more"]:
            break
    key = uuid5(NAMESPACE_URL, f"luhai:statistics.compact:{at.isoformat()}")
    return total | compact(origin=Origin(SYSTEM, key, at))
