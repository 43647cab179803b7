"""What was done under each measure of the policy: counted as the journal is read on, and counted again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

from luhai.kernel.origin import Actor
from luhai.shell.context import as_system
from luhai.shell.query import EVERYBODY, query

from .models import Acts, Reader
from .queries import OVERSEEING, pages


@dataclass(frozen=True, slots=True)
class ActsLine:
    """How often something was done under a measure, and from which day to which."""

    count: int
    first_day: date
    last_day: date


@query(may=EVERYBODY)
def acts(*, viewer: Actor) -> dict[str, ActsLine]:
    """What was done, by measure. A number of acts names nobody, so that anybody may see it."""
    return {row.measure: ActsLine(row.count, row.first_day, row.last_day) for row in Acts.objects.all()}


@query(may=OVERSEEING)
def acts_that_differ(*, viewer: Actor) -> tuple[dict[str, object], ...]:
    """Measures whose count is not what the journal says, up to where it was read. Reads the whole of it, a page at a time."""
    with as_system():
        upto = Reader.objects.get(name="acts").position
        found: Counter[str] = Counter()
        for _first, _last, page in pages(upto):
            for event in page:
                if event.kind.partition(".")[0] != "statistics":
                    found.update({*event.measures})
        stored = {row.measure: row.count for row in Acts.objects.all()}
    return tuple(
        {"measure": m, "counted": stored.get(m, 0), "journal": found[m]} for m in sorted({*stored, *found}) if stored.get(m, 0) != found[m]
    )
