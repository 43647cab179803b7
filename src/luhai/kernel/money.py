"""Money as the kernel counts it: a whole number of minor units of one currency."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Currency(StrEnum):
    """The currencies of the corridor (partners of `docs/`: ASEAN, Central Asia, the Gulf) and the large ones."""

    CNY = "CNY"
    USD = "USD"
    EUR = "EUR"
    JPY = "JPY"
    GBP = "GBP"
    HKD = "HKD"
    MOP = "MOP"
    SGD = "SGD"
    THB = "THB"
    MYR = "MYR"
    VND = "VND"
    IDR = "IDR"
    PHP = "PHP"
    LAK = "LAK"
    KHR = "KHR"
    MMK = "MMK"
    BND = "BND"
    KZT = "KZT"
    KGS = "KGS"
    TJS = "TJS"
    TMT = "TMT"
    UZS = "UZS"
    AED = "AED"
    SAR = "SAR"


#: Digits after the decimal point. Source: ISO 4217 list one.
EXPONENT: Final = MappingProxyType({c: 0 if c in {Currency.JPY, Currency.VND} else 2 for c in Currency})

#: The largest amount. Beyond 2**53 a browser would silently round a JSON number.
MAX_MINOR: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount; `minor` counts fen or cents. There is no float anywhere."""

    minor: int
    currency: Currency

    def __post_init__(self) -> None:
        assert abs(self.minor) <= MAX_MINOR, self.minor

    def __add__(self, other: Money) -> Money:
        assert self.currency == other.currency, (self, other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        assert self.currency == other.currency, (self, other)
        return Money(self.minor - other.minor, self.currency)

    @property
    def major(self) -> Decimal:
        """The amount in yuan, dollars …, exactly."""
        return Decimal(self.minor).scaleb(-EXPONENT[self.currency])
