"""Where the measures are in force in the invented corridor. All of it is invented, and says so.

A measure that is bound to border territories is adopted nowhere else (article 7: mutual-market trade). Every measure
that a product cites is in force at the seat of the corridor, so that the demo has something to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID, uuid5

from simulator.chance import one
from simulator.companies import NAMESPACE
from simulator.products import BORDER, PATTERNS
from simulator.reference import territories

SEAT: Final = "500000"  # Chongqing: the logistics and operation centre of the corridor
#: Measures of the platform itself: the lists and the matching of banks and enterprises (articles 11 and 12).
_PLATFORM: Final = ("M11-03", "M11-04", "M11-05", "M12-01", "M12-06", "M12-07")
MEASURES: Final = tuple(sorted({m for pattern in PATTERNS for m in pattern.measures} | {"M07-07", *_PLATFORM}))
_BORDER_ONLY: Final = frozenset({"M07-06", "M07-07"})
_STATES: Final = ("in_force", "piloting", "approved", "under_study")


@dataclass(frozen=True, slots=True)
class Adoption:
    """A measure in a territory from a day on. `until` is set for a pilot."""

    id: UUID
    measure: str
    territory: str
    status: str
    valid_from: str
    until: str | None
    instrument_no: str
    instrument_zh: str
    approver_zh: str
    invented: bool = True


@dataclass(frozen=True)
class Adoptions:
    seed: int
    as_of: date

    @cached_property
    def all(self) -> tuple[Adoption, ...]:
        made = []
        for m, measure in enumerate(MEASURES):
            for t, territory in enumerate(territories()):
                if measure in _BORDER_ONLY and territory["code"] not in BORDER:
                    continue
                number = m * 100 + t
                roll = one(self.seed, number)
                sure = territory["code"] == SEAT or measure in _PLATFORM
                status = _STATES[0 if sure else roll.weighted("adoption.status", (72, 14, 6, 8))]
                began = self.as_of - timedelta(days=roll.between("adoption.from", 20, 280))
                made.append(
                    Adoption(
                        id=uuid5(NAMESPACE, f"{self.seed}:adoption:{measure}:{territory['code']}"),
                        measure=measure,
                        territory=territory["code"],
                        status=status,
                        valid_from=began.isoformat(),
                        until=(self.as_of + timedelta(days=roll.between("adoption.until", 180, 720))).isoformat()
                        if status == "piloting"
                        else None,
                        instrument_no=f"演示通道〔{began.year}〕{number + 1:04d}号",
                        instrument_zh=f"{territory['short_zh']}落实通道金融举措{measure}的通知（演示数据，非真实文件）",
                        approver_zh=f"{territory['short_zh']}通道金融工作专班（虚构）",
                    )
                )
        return tuple(made)
