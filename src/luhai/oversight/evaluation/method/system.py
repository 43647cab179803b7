"""What an indicator system is, what a unit brings to it, and what comes out: shapes only, and their check.

Who: `oversight/evaluation` reads a system from `data/evaluation/*.yaml`, fills `Given` from frozen figures and stores what `composite.evaluate`
     returns. Nothing here knows a table.
Units: values are in the item's own unit; scores, totals and points are out of 100. Floats are allowed in this folder only; `as_decimal`
     turns one into the fixed digits that are stored.
Source: domain notes on oversight §2.2–2.5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from fractions import Fraction

#: What a caller may hand in as a value; counted as a float from here on.
Number = int | float | Decimal | Fraction


class Form(StrEnum):
    """How a value becomes a score."""

    BASELINE = "baseline"  # against the unit's own last four values and its peers' median (§2.3)
    GOALPOST = "goalpost"  # between a worst and a best value that stay the same over the years


class Status(StrEnum):
    """Whether a value is there, and if not, whose doing that is."""

    OK = "ok"
    NO_DATA = "no_data"  # the system cannot count it yet: left out for everyone it touches, and said so
    NOT_APPLICABLE = "not_applicable"  # makes no sense for this unit: left out, and said so
    MISSING = "missing"  # the unit owed it: nought where the item must be reported, else left out


class Way(StrEnum):
    """How an item's score came about."""

    BOTH = "both"  # own baseline and peers, half each
    OWN = "own"  # own baseline alone: no baseline of peers can be used, and no goalposts are set
    PEERS = "peers"  # peers alone
    GOALPOST = "goalpost"
    NOT_REPORTED = "not_reported"  # nought, because it had to be reported
    LEFT_OUT = "left_out"


class Reason(StrEnum):
    """Why no grade is published, or why it is not the one that the cut points alone would give."""

    BORDERLINE = "borderline"  # the interval touches more than one grade
    COVERAGE = "coverage"  # too few of the points could be counted
    VETO = "veto"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class Item:
    """One indicator. `goalposts` are (value for 0 points, value for all points), so they carry the direction themselves.

    `polarity` is +1 where more is better, -1 where less is. `feed` says whose assessment the row is an input to ("credit", "FX", "both", "").
    """

    key: str
    zh: str
    en: str
    dimension: str
    points: Number
    polarity: int = 1
    form: Form = Form.BASELINE
    goalposts: tuple[Number, Number] | None = None
    must_report: bool = True
    feed: str = ""
    formula_zh: str = ""
    formula_en: str = ""
    unit: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Dim:
    """A dimension; its weight in the total is the sum of its items' points."""

    key: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade from `cut` points on; at most `quota` of the units get it (None: no limit)."""

    key: str
    zh: str
    en: str
    cut: Number
    quota: Number | None = None


@dataclass(frozen=True, slots=True)
class Veto:
    """What a confirmed event does: no better than the grade `cap`, and `deduct` points off the total."""

    key: str
    zh: str
    en: str
    cap: str | None = None
    deduct: Number = 0


@dataclass(frozen=True, slots=True)
class System:
    """An indicator system in one version. `grades` from the best down; `peer_groups`: name -> units; a unit in no group is its own peers' stranger.

    `coverage_min` is the share of the points that must be countable before a grade is given at all.
    """

    key: str
    version: str
    kind: str  # "territory" | "institution"
    zh: str
    en: str
    dims: tuple[Dim, ...]
    items: tuple[Item, ...]
    grades: tuple[Grade, ...]
    vetoes: tuple[Veto, ...] = ()
    peer_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    coverage_min: Number = Decimal("0.5")

    def of(self, dimension: str) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.dimension == dimension)


@dataclass(frozen=True, slots=True)
class Given:
    """What a unit brings for one item: this period's value and the earlier ones of the same frequency, oldest first (the last four count)."""

    value: Number | None = None
    status: Status = Status.OK
    history: tuple[Number, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemScored:
    """One item explained. `earned` + `lost` over all items, plus `Scored.deducted`, make 100 where nothing else is said.

    `nominal` are the points in the system; `weight` the item's share of the total once items left out are spread over the rest of its
    dimension (0 if left out itself). `score` is out of 100. `lost` are the points of the total that this item cost.
    """

    key: str
    status: Status
    way: Way
    value: float | None
    own_baseline: float | None
    peer_baseline: float | None
    own_score: float | None
    peer_score: float | None
    goalpost_score: float | None
    score: float | None
    nominal: float
    weight: float
    earned: float
    lost: float


@dataclass(frozen=True, slots=True)
class DimScored:
    """A dimension: its score out of 100 (None: nothing could be counted), its weight in the total, the share of its points that was counted."""

    key: str
    score: float | None
    weight: float
    coverage: float
    lost: float


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure lies when weights and methods change: 5 %, median, 95 %."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Scored:
    """A unit's result. `grade` is what may be published (None with a reason); `grade_by_points` what the points alone would say.

    `total` is after deductions; `total` + `deducted` is the geometric mean of the dimensions. `rank` counts from 1, ties share the better one.
    `grade_shares` is how often each grade came out when weights and methods were changed.
    """

    unit: str
    total: float
    deducted: float
    rank: int
    grade: str | None
    grade_by_points: str
    reasons: tuple[Reason, ...]
    vetoes: tuple[str, ...]
    coverage: float
    dims: tuple[DimScored, ...]
    items: tuple[ItemScored, ...]
    interval: Interval
    rank_interval: Interval
    grade_shares: Mapping[str, float]

    @property
    def borderline(self) -> bool:
        return Reason.BORDERLINE in self.reasons


def problems(system: System) -> list[str]:
    """What is wrong with a system, each with the key where it stands; nothing if it can be used."""
    found = []
    dims = [dim.key for dim in system.dims]
    for name, keys in (("dims", dims), ("items", [i.key for i in system.items]), ("vetoes", [v.key for v in system.vetoes]), ("grades", [g.key for g in system.grades])):  # fmt: skip
        found += [f"{name}: {key} stands twice" for key in sorted({key for key in keys if keys.count(key) > 1})]
    for item in system.items:
        if item.dimension not in dims:
            found.append(f"items.{item.key}.dimension: one of {', '.join(dims)}")
        if not (math.isfinite(item.points) and item.points > 0):
            found.append(f"items.{item.key}.points: more than nought")
        if item.polarity not in (1, -1):
            found.append(f"items.{item.key}.polarity: 1 or -1")
        if item.goalposts is None and item.form is Form.GOALPOST:
            found.append(f"items.{item.key}.goalposts: the value for no points and the value for all")
        if item.goalposts is not None and (float(item.goalposts[1]) - float(item.goalposts[0])) * item.polarity <= 0:
            found.append(f"items.{item.key}.goalposts: from the worst value to the best, as its polarity says")
    found += [f"dims.{dim}: no item" for dim in dims if not system.of(dim)]
    if system.items and abs(sum(float(item.points) for item in system.items) - 100) > 1e-9:
        found.append(f"items: their points add up to {sum(float(item.points) for item in system.items):g}, not to 100")
    cuts = [float(grade.cut) for grade in system.grades]
    if not cuts or cuts != sorted(cuts, reverse=True) or len(set(cuts)) != len(cuts) or cuts[-1] != 0:
        found.append("grades: from the best down to one with cut 0")
    for grade in system.grades:
        if grade.quota is not None and not 0 < grade.quota <= 1:
            found.append(f"grades.{grade.key}.quota: a share above 0 and up to 1")
    if system.grades and system.grades[-1].quota is not None:
        found.append(f"grades.{system.grades[-1].key}.quota: none for the last grade")
    for veto in system.vetoes:
        if veto.cap is not None and veto.cap not in {grade.key for grade in system.grades}:
            found.append(f"vetoes.{veto.key}.cap: one of the grades")
        if veto.deduct < 0:
            found.append(f"vetoes.{veto.key}.deduct: nought or more")
    members = [unit for group in system.peer_groups.values() for unit in group]
    found += [f"peer_groups: {unit} is in two groups" for unit in sorted({u for u in members if members.count(u) > 1})]
    if not 0 <= system.coverage_min <= 1:
        found.append("coverage_min: a share from 0 to 1")
    return found


def as_decimal(value: float, places: int = 4) -> Decimal:
    """A score with the fixed digits in which it is stored and shown. The last digits of a float are no part of the result."""
    assert math.isfinite(value), value
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
