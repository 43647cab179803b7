"""One line for each measure: what carries it, where it is in force, what rests on it, and what was done and counted under it.

Asked as the viewer, never as the system: what is public here is public everywhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from luhai.core.policies import queries as policies
from luhai.core.policies.queries import MeasureLine
from luhai.kernel.origin import Actor
from luhai.oversight.releases import queries as releases
from luhai.oversight.statistics import acts_queries as statistics
from luhai.oversight.statistics.acts_queries import ActsLine
from luhai.oversight.statistics.indicators import INDICATORS, Indicator
from luhai.records.products import queries as products

from . import carriers
from .carriers import Carrier

IN_FORCE = frozenset({"in_force", "evaluated", "extended"})
STATES = ("carried", "waiting")


@dataclass(frozen=True, slots=True)
class Line:
    """A measure and everything that came of it. `possible` territories could adopt it; `acts` is None where nothing was done yet."""

    measure: MeasureLine
    carriers: tuple[Carrier, ...]
    in_force: int
    on_the_way: int
    possible: int
    invented: bool
    products: int
    indicators: tuple[Indicator, ...]
    acts: ActsLine | None


@dataclass(frozen=True, slots=True)
class ArticleLines:
    number: int
    lines: tuple[Line, ...]

    @property
    def carried(self) -> int:
        return sum(1 for line in self.lines if line.carriers)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The whole policy. `published`: the month of the newest release, or ""."""

    articles: tuple[ArticleLines, ...]
    measures: int
    carried: int
    in_force: int
    acts: int
    published: str


def coverage(viewer: Actor, *, article: int | None = None, state: str = "") -> Coverage:
    """Every measure of the policy, narrowed to an article or to what is carried or waiting; the sums are of the whole."""
    carried, done = carriers.shipped(), statistics.acts(viewer=viewer)
    resting = Counter(m for card in products.all_cards(viewer=viewer).values() for m in card.measures)
    counted: dict[str, list[Indicator]] = {}
    for indicator in INDICATORS.values():
        for code in indicator.measures:
            counted.setdefault(code, []).append(indicator)
    lines = [
        _line(row, carried.get(row.measure.code, ()), resting[row.measure.code], counted.get(row.measure.code, []), done)
        for row in policies.coverage(viewer=viewer)
        if row.measure.code in _ours()
    ]
    shown = [
        line for line in lines
        if (article is None or line.measure.article == article)
        and (not state or bool(line.carriers) == (state == "carried"))
    ]  # fmt: skip
    return Coverage(
        tuple(ArticleLines(n, tuple(g)) for n, g in groupby(shown, lambda line: line.measure.article)),
        len(lines), sum(1 for line in lines if line.carriers), sum(1 for line in lines if line.in_force),
        sum(line.acts.count for line in lines if line.acts), max(releases.months(viewer=viewer), default=""),
    )  # fmt: skip


def _ours() -> frozenset[str]:
    return frozenset(row["id"] for row in carriers.measures())


def _line(
    row: policies.CoverageLine, carried: tuple[Carrier, ...], resting: int, counted: list[Indicator], done: dict[str, ActsLine]
) -> Line:
    states = [s for s in row.statuses if s]
    return Line(
        row.measure, carried, sum(1 for s in states if s in IN_FORCE), sum(1 for s in states if s not in IN_FORCE | {"ended", "refused"}),
        len(row.measure.territories), any(row.invented), resting, tuple(counted), done.get(row.measure.code),
    )  # fmt: skip
