"""When a release is due, what it is called, and how what it holds is named by a digest. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from luhai.core.indicators.definitions import Indicator, digest
from luhai.core.indicators.disclosure import Rule, Why
from luhai.kernel.calendar import SHANGHAI, Calendar

from .lifecycle import Kind

#: The hour of the day, in China, at which an embargo ends.
HOUR: Final = time(9)
#: The parameters that a release rests on.
PARAMETERS: Final = (
    "statistics.minimum_cell", "statistics.dominance_count", "statistics.dominance_share", "statistics.protection",
)  # fmt: skip
RELEASE_AFTER, FINAL_AFTER = "statistics.release_after", "statistics.final_after"

#: CL_OBS_STATUS: normal, provisional, missing, suppressed.
NORMAL, PROVISIONAL, MISSING, SUPPRESSED = "A", "P", "M", "Q"


def month_end(month: date) -> date:
    """The last day of a month that is given by its first."""
    return following(month) - timedelta(days=1)


def following(month: date, count: int = 1) -> date:
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)


def due(month: date, kind: Kind, calendar: Calendar, *, after: int, final: int) -> date:
    """The day on which a release of a month is due: so many working days after its end, or after the end of the month that lies `final` later."""
    end = month_end(following(month, final) if kind is Kind.FINAL else month)
    return calendar.add_business_days(end, after)


def embargo(day: date) -> datetime:
    """The instant at which what is due on a day may be shown."""
    return datetime.combine(day, HOUR, SHANGHAI)


def name(month: date, vintage: int) -> str:
    """"2026-03.1": the first vintage of March 2026."""
    return f"{month:%Y-%m}.{vintage}"


def obs_status(kind: str, *, value: int | None, why: str) -> str:
    """The status of an observation, in the codes of SDMX."""
    if why != Why.FREE:
        return SUPPRESSED
    if value is None:
        return MISSING
    return PROVISIONAL if kind == Kind.PROVISIONAL else NORMAL


# ------------------------------------------------------------------------------------------------ digests


@dataclass(frozen=True, slots=True)
class Basis:
    """The parameters a release was made with: key -> (value, valid from)."""

    values: Mapping[str, tuple[int, date]]

    @property
    def rule(self) -> Rule:
        return Rule(*(self.values[k][0] for k in PARAMETERS))

    @property
    def digest(self) -> str:
        return _sha256({k: [v, f"{on}"] for k, (v, on) in self.values.items()})

    @property
    def cited(self) -> list[str]:
        return [f"{k}@{on}" for k, (_v, on) in sorted(self.values.items())]


def definitions_digest(indicators: Iterable[Indicator]) -> str:
    """One digest of all definitions that a release uses."""
    return _sha256({i.key: digest(i) for i in indicators})


def cells_digest(rows: Iterable[tuple[Any, ...]]) -> str:
    """The SHA-256 of all cells of a release, also those that are withheld: rows of plain values, in any order."""
    content = hashlib.sha256()
    for line in sorted(json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in rows):
        content.update(line.encode() + b"\n")
    return content.hexdigest()


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
