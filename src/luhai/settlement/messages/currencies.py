"""How many decimal places a currency has. Source: ISO 4217 list one, data/messages/currencies.csv.

Wider than `kernel.money`, which holds the currencies that are settled here: a message may be about any.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from luhai.settlement.messages.schemas import SHIPPED

#: In ISO 4217 for metals; without minor units, and no money between banks.
COMMODITIES = frozenset({"XAU", "XAG", "XPD", "XPT"})


@cache
def _exponents() -> Mapping[str, int]:
    with open(SHIPPED / "currencies.csv", encoding="utf-8", newline="") as file:
        return MappingProxyType({row["currency"]: int(row["minor_unit"]) for row in csv.DictReader(file)})


def exponent(currency: str) -> int | None:
    """Decimal places of a currency that is in use; None for all others."""
    return _exponents().get(currency)
