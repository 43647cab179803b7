"""What a report must hold to be taken, what a period is, and what goes into the digest of the inputs. Pure: no Django, no clock.

Units: a period is a quarter, "2026Q2"; values are decimals in their item's unit with at most six digits behind the point.
Source: domain notes on oversight §1.7 (checks of a report), §2.3 (own baseline: the last four values of the same frequency).
"""

from __future__ import annotations

import calendar
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, Final

import rfc8785

from luhai.kernel.refusal import Invalid, gettext_noop

#: How many earlier values a unit's own baseline looks at.
BEFORE: Final = 4
_STEP: Final = Decimal("0.000001")
_MOST: Final = Decimal(10) ** 18
_DIGITS: Final = Context(prec=50)


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"

    @property
    def months(self) -> tuple[date, date, date]:
        """The first days of its three months."""
        return date(self.year, 3 * self.number - 2, 1), date(self.year, 3 * self.number - 1, 1), date(self.year, 3 * self.number, 1)

    @property
    def first(self) -> date:
        return self.months[0]

    @property
    def last(self) -> date:
        month = self.months[2]
        return month.replace(day=calendar.monthrange(month.year, month.month)[1])

    def back(self, count: int) -> Quarter:
        at = self.year * 4 + self.number - 1 - count
        return Quarter(at // 4, at % 4 + 1)

    @property
    def before(self) -> tuple[Quarter, ...]:
        """The four before it, oldest first."""
        return tuple(self.back(n) for n in range(BEFORE, 0, -1))


def quarter(text: str, field: str = "period") -> Quarter:
    """"2026Q2". Refuses: Invalid (field)."""
    if not isinstance(text, str) or not re.fullmatch(r"20[2-9][0-9]Q[1-4]", text, re.ASCII):
        raise Invalid(field=field, problem=gettext_noop("a quarter such as 2026Q2, from 2020 on"))
    return Quarter(int(text[:4]), int(text[5]))


def quarter_of(day: date) -> Quarter:
    return Quarter(day.year, (day.month + 2) // 3)


# ------------------------------------------------------------------------------------------------ numbers


def number(text: Any, field: str) -> Decimal:
    """A decimal that a person wrote. Refuses: Invalid (field)."""
    problem = gettext_noop("a number such as 12.5, below 10^18, with at most six digits behind the point")
    if not isinstance(text, str) or not re.fullmatch(r"[+-]?[0-9]{1,19}(\.[0-9]{1,6})?", text.strip(), re.ASCII):
        raise Invalid(field=field, problem=problem)
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        raise Invalid(field=field, problem=problem) from None
    if abs(found) >= _MOST:
        raise Invalid(field=field, problem=problem)
    return found


def fixed(value: Decimal) -> Decimal:
    """With the six digits that are stored."""
    return value.quantize(_STEP, ROUND_HALF_EVEN, _DIGITS)


def quotient(part: Decimal | int, whole: Decimal | int, times: int = 100) -> Decimal:
    """part ÷ whole × times, with the digits that are stored; `whole` is not nought."""
    return fixed(_DIGITS.divide(Decimal(part) * times, Decimal(whole)))


def shown(value: Decimal) -> str:
    """A value without the noughts at its end: as it enters a digest, and as people read it."""
    text = format(value.normalize(_DIGITS), "f")
    return "0" if text == "-0" else text


# ------------------------------------------------------------------------------------------------ reports


@dataclass(frozen=True, slots=True)
class Reported:
    """What a report says: the value that follows from it, and the parts it was made of."""

    value: Decimal
    part: Decimal | None
    whole: Decimal | None
    history: tuple[Decimal, ...]


def reported(shape: str, given: Mapping[str, str], *, least: Decimal | None = None, most: Decimal | None = None) -> Reported:
    """Read a report. `given`: part and whole, or value; history as numbers with spaces between.

    Refuses: Invalid (the field and what would be right): a part beyond its whole, a whole of nought, a value out of its limits.
    """
    part = whole = None
    if shape in {"share", "growth"}:
        part, whole = number(given.get("part"), "part"), number(given.get("whole"), "whole")
        if whole <= 0:
            raise Invalid(field="whole", problem=gettext_noop("more than nought"))
        if part < 0:
            raise Invalid(field="part", problem=gettext_noop("nought or more"))
        if shape == "share" and part > whole:
            raise Invalid(field="part", problem=gettext_noop("at most the whole"))
        value = quotient(part, whole) if shape == "share" else quotient(part - whole, whole)
    elif shape == "whole":
        value = whole = number(given.get("whole"), "whole")
        if whole <= 0:
            raise Invalid(field="whole", problem=gettext_noop("more than nought"))
    else:
        value = fixed(number(given.get("value"), "value"))
    if (least is not None and value < least) or (most is not None and value > most):
        raise Invalid(field="value", problem=gettext_noop("a value between the least and the most of this indicator"))
    if abs(value) >= _MOST:
        raise Invalid(field="part" if part is not None else "value", problem=gettext_noop("a quotient below 10^18"))
    past = given.get("history", "").split()
    if len(past) > BEFORE:
        raise Invalid(field="history", problem=gettext_noop("at most four earlier values, oldest first"))
    return Reported(value, part, whole, tuple(fixed(number(v, "history")) for v in past))


def possible(shape: str, value: Decimal, *, least: Decimal | None = None, most: Decimal | None = None) -> bool:
    """Whether an indicator of this shape can have this value at all: a share lies from nought to a hundred, growth is not below -100."""
    low = {"share": Decimal(0), "growth": Decimal(-100)}.get(shape, least)
    high = Decimal(100) if shape == "share" else most
    return (low is None or value >= low) and (high is None or value <= high)


def jumps(value: Decimal, history: Sequence[Decimal], z_hundredths: int) -> bool:
    """Is the step to `value` unlike those before it: robust z of the step above the limit? Needs three earlier values to say so.

    The spread of the earlier steps is their median absolute deviation; where they were all alike, a change by more than half the last
    value counts as a jump.
    """
    if len(history) < 3:
        return False
    steps = [b - a for a, b in pairwise(history)]
    middle = _median(steps)
    spread = _median([abs(s - middle) for s in steps])
    off = abs(value - history[-1] - middle)
    if spread == 0:
        return off * 2 > abs(history[-1]) and off > 0
    return off * 10_000 > spread * 14_826 * z_hundredths / 100  # 1.4826: what makes the deviation comparable with a standard one


def _median(values: Sequence[Decimal]) -> Decimal:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def words(text: str, field: str, most: int = 1000, *, needed: bool = True) -> str:
    """What a person wrote, trimmed. Refuses: Invalid (field)."""
    found = text.strip() if isinstance(text, str) else ""
    if (needed and not found) or len(found) > most or any(ord(c) < 32 and c not in "\n\r\t" for c in found):
        raise Invalid(field=field, problem=gettext_noop("a text of 1 to 1000 characters"))
    return found


def reference(text: str, field: str = "evidence") -> str:
    """Where the proof of a report lies: a file's SHA-256, or an address, or a document number. Refuses: Invalid."""
    return words(text, field, 300)


# ------------------------------------------------------------------------------------------------ digests


def digest(content: Any) -> str:
    """SHA-256 of the canonical form of plain values."""
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()


def inputs_digest(system: str, seed: int, values: Collection[Mapping[str, Any]], vetoes: Mapping[str, Sequence[str]]) -> str:
    """Names everything that a run's result follows from: the system's digest, the seed, every value with its evidence, the vetoes."""
    ordered = sorted(values, key=lambda v: (v["unit"], v["indicator"]))
    return digest({"system": system, "seed": seed, "values": ordered, "vetoes": {k: sorted(v) for k, v in sorted(vetoes.items())}})
