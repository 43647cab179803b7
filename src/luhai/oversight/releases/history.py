"""What earlier releases counted and withheld, in the form that the decision on the next one asks for. In the sight of the system."""

from __future__ import annotations

from collections.abc import Iterable

from luhai.core.indicators.disclosure import Why

from .lifecycle import FROZEN
from .linking import Counted, Vintage
from .models import Cell, Count, Release


def frozen() -> list[Release]:
    """All releases that were computed and not discarded, in the order in which they were."""
    return list(Release.objects.filter(state__in=FROZEN).order_by("computed_at", "month", "vintage"))


def vintages(releases: Iterable[Release]) -> list[Vintage]:
    """Each with all that was counted for it and what it withheld."""
    found = {r.pk: _vintage(r) for r in releases}
    rows = Count.objects.filter(release__in=[*found]).values_list(
        "release_id", "name", "key", "value", "numerator", "denominator", "contributors", "largest", "second"
    )
    for pk, name, key, *numbers in rows.iterator(chunk_size=5_000):
        value, numerator, denominator, contributors, largest, second = (int(n or 0) for n in numbers)
        found[pk].cells[name, tuple(key)] = Counted(name, tuple(key), value, numerator, denominator, contributors, largest, second)
    hidden = Cell.objects.filter(release__in=[*found]).exclude(why=Why.FREE).values_list("release_id", "indicator", "key", "why")
    for pk, name, key, why in hidden.iterator(chunk_size=5_000):
        withheld = found[pk].withheld
        assert withheld is not None
        withheld[name, tuple(key)] = Why(why)
    return list(found.values())


def _vintage(r: Release) -> Vintage:
    assert r.position is not None, r.pk
    return Vintage(str(r.pk), f"{r.month:%Y-%m}", r.position, {}, {}, str(r.same_id or ""), str(r.before_id or ""), str(r.after_id or ""))
