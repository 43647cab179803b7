"""What the report on a cycle says, gathered in the sight of its reader: the same for the page and for the PDF."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent

from . import queries
from .queries import CycleView, Scorecard


@dataclass(frozen=True, slots=True)
class DimMean:
    """A dimension over the units whose cards the reader may see."""

    zh: str
    en: str
    mean: Decimal | None
    least: Decimal | None
    most: Decimal | None


@dataclass(frozen=True, slots=True)
class Gap:
    """An indicator that could not be counted for some or all units, and why."""

    key: str
    zh: str
    en: str
    units: int
    why_zh: str
    why_en: str


@dataclass(frozen=True, slots=True)
class Told:
    view: CycleView
    cards: tuple[Scorecard, ...]  # those the reader may see
    dims: tuple[DimMean, ...]
    gaps: tuple[Gap, ...]
    grades: tuple[tuple[str, str, int], ...]  # zh, en, units; the ungraded last
    objections: tuple[queries.ObjectionLine, ...]
    rectifications: tuple[queries.RectificationLine, ...]
    run: queries.RunLine


def gathered(cycle_id: UUID, viewer: Actor) -> Told:
    """Refuses: Absent (cycle; or nothing that the reader may see was scored yet)."""
    view = queries.cycle(cycle_id=cycle_id, viewer=viewer)
    if not any(u.total is not None for u in view.units):
        raise Absent(kind="report")
    cards = tuple(queries.scorecard(cycle_id=cycle_id, unit=u.unit, viewer=viewer) for u in view.units if u.detail)
    grades = Counter((u.grade_zh, u.grade_en) for u in view.units if u.total is not None)
    order = [(zh, en) for zh, en, _ in cards[0].shares] if cards else sorted(grades)
    overseen = viewer.role in {*queries.OVERSEEING, Role.SYSTEM}
    final = [r for r in view.runs if r.final_at is not None] or [r for r in view.runs if r.scored_at is not None]
    return Told(
        view, cards, _dims(cards), _gaps(cards),
        (*((zh, en, grades[zh, en]) for zh, en in order if (zh, en) != ("", "") and grades[zh, en]), *([("不予定档", "No grade told", grades["", ""])] if grades["", ""] else [])),
        queries.objections(cycle_id=cycle_id, viewer=viewer) if overseen else (),
        queries.rectifications(cycle_id=cycle_id, viewer=viewer) if overseen else (), final[-1] if final else view.runs[-1],
    )  # fmt: skip


def _dims(cards: tuple[Scorecard, ...]) -> tuple[DimMean, ...]:
    found = []
    for n, dim in enumerate(cards[0].dims if cards else ()):
        scores = [Decimal(s) for card in cards if (s := card.dims[n].score) is not None]
        mean = (sum(scores, Decimal(0)) / len(scores)).quantize(Decimal("0.01")) if scores else None
        found.append(DimMean(dim.zh, dim.en, mean, min(scores, default=None), max(scores, default=None)))
    return tuple(found)


def _gaps(cards: tuple[Scorecard, ...]) -> tuple[Gap, ...]:
    found: dict[tuple[str, str, str], Gap] = {}
    for card in cards:
        for item in (i for d in card.dims for i in d.items if i.value is None):
            key = (item.key, item.why_zh, item.why_en)
            before = found.get(key)
            found[key] = Gap(item.key, item.zh, item.en, (before.units if before else 0) + 1, item.why_zh, item.why_en)
    return tuple(sorted(found.values(), key=lambda g: (g.key, -g.units)))
