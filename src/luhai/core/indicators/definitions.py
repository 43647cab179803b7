"""What an indicator is, as data: which facts it counts, how they become one number, and in what unit. Pure, and light to import.

    FLOW   the facts of a month:                        value = Σ plus − Σ minus
    STOCK  all facts up to the end of a month:          value = opening + Σ plus − Σ minus
    MEAN   of a month, weighted by amount:              value = Σ amount·weight / Σ amount
    SHARE  of a month, a part of the amount in all:     value = Σ amount of the part / Σ amount

Sums are whole minor units of one currency. A mean or a share is a quotient of two whole numbers, rounded half up, once, to the decimals of its
definition. An indicator `into` a currency goes over all currencies, converted by the month's rates; its cells carry the currency `_T`.

`digest` names a definition by what it says: it changes with the method and with nothing else (METHOD_REF of what is published).
Source: domain notes on oversight §1.4.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Final

#: Raised when cells come to be computed otherwise from the same definition.
METHOD: Final = 1
#: A rate counts in units of one in so many, so that converted sums are whole numbers.
RATE_PARTS: Final = 10**12
#: What a part of a SHARE may be told by.
PARTS: Final = ("documented", "currency")

#: Minor units of the currency converted into for one minor unit of a currency, by first day of the month and currency.
Rates = Mapping[tuple[date, str], Fraction]


class Form(StrEnum):
    """How facts become a number."""

    FLOW = "flow"
    STOCK = "stock"
    MEAN = "mean"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure. `plus` and `minus`: kinds of facts that add to it and take from it; `documented`: only those with a document behind them.

    `weight`: the column that a mean is of. `part`: (column, value) that a share's part has. `into`: the currency that all are converted
    into. `scale`: units of the value in one of the quotient; `decimals`: how many of a value's digits stand behind the point (of a sum:
    as many as its currency has). `rests_on`: indicators from which this one follows, so that one must not be shown where they may not.
    """

    key: str
    zh: str
    en: str
    form: Form
    plus: tuple[str, ...]
    minus: tuple[str, ...]
    documented: bool
    formula_zh: str
    formula_en: str
    measures: tuple[str, ...]
    unit: str = "minor"  # whole minor units of the cell's currency; or "percent"
    decimals: int = 0
    scale: int = 1
    weight: str = ""
    part: tuple[str, str] | None = None
    into: str = ""
    rests_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        quotient = self.form in {Form.MEAN, Form.SHARE}
        assert self.plus, self.key
        assert len({*self.plus, *self.minus}) == len(self.plus) + len(self.minus), self.key
        assert quotient == (self.unit != "minor"), self.key
        assert not (quotient and self.minus), self.key
        assert (self.form is Form.MEAN) == bool(self.weight), self.key
        assert (self.form is Form.SHARE) == (self.part is not None), self.key
        assert self.part is None or self.part[0] in PARTS, self.key
        assert not self.into or self.form is Form.SHARE, self.key

    @property
    def kinds(self) -> tuple[str, ...]:
        return (*self.plus, *self.minus)

    @property
    def stock(self) -> bool:
        return self.form is Form.STOCK

    @property
    def quotient(self) -> bool:
        """Whether the value is a mean or a share, not an amount."""
        return self.form in {Form.MEAN, Form.SHARE}

    @property
    def live(self) -> bool:
        """Whether it is shown as it grows; what needs a month's rates stands in releases only."""
        return not self.into


def digest(indicator: Indicator) -> str:
    """The SHA-256 of what an indicator's definition says. Names, measures and what follows from it do not belong to its method."""
    said = {
        "method": METHOD, "key": indicator.key, "form": indicator.form, "plus": sorted(map(str, indicator.plus)),
        "minus": sorted(map(str, indicator.minus)), "documented": indicator.documented, "weight": indicator.weight,
        "part": list(indicator.part) if indicator.part else None, "into": indicator.into, "unit": indicator.unit,
        "decimals": indicator.decimals, "scale": indicator.scale, "formula_zh": indicator.formula_zh, "formula_en": indicator.formula_en,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def quotient(numerator: int, denominator: int, scale: int) -> int:
    """`scale` × numerator / denominator, rounded half up."""
    assert denominator > 0, denominator
    return (2 * scale * numerator + denominator) // (2 * denominator)


def parts_of(rate: Fraction) -> int:
    """A rate in the parts in which it counts, rounded half up. Refuses: ValueError (a rate that is nothing)."""
    parts = quotient(rate.numerator, rate.denominator, RATE_PARTS)
    if parts <= 0:
        raise ValueError(f"a rate of {rate}")
    return parts


def converted(parts: int) -> int:
    """A converted sum in whole minor units, from parts; rounded half up."""
    return quotient(parts, RATE_PARTS, 1)
