"""What is shipped: the numbers and sums of one shipment, worked out from a seed and its number. Pure.

Every number is unlike any other by more than a slip of the pen (no zeros, several digits apart), since documents that look alike wait
for a person. Numbers have the check digits of their form and belong to nobody.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from luhai.core.rules import rates
from luhai.kernel.identifiers import Kind, complete
from luhai.kernel.money import Currency, Money

#: What is made in Chongqing and sold abroad: (Chinese, English, HS code, unit, price in US dollars, kilograms a unit).
GOODS: Final = (
    ("摩托车制动总成", "Motorcycle brake assemblies", "8714100090", "套", "28.40", "3.6"),
    ("通用汽油发动机", "Small petrol engines", "8407909090", "台", "61.20", "14.2"),
    ("新能源汽车线束", "Wiring harnesses for vehicles", "8544302090", "件", "19.75", "2.4"),
    ("便携式发电机组", "Portable generating sets", "8502200000", "台", "148.60", "24.5"),
)
#: Steps through the numbers, without a common factor with 9 or 10.
_STRIDE: Final = 7919
#: A bank lends against so much of a declaration, in percent (data/parameters/evidence.yaml: evidence.finance_ratio).
FINANCED_PERCENT: Final = 80
#: Cargo is insured for the value and a tenth; the premium is this many basis points of that.
INSURED_PERCENT: Final = 110
PREMIUM_BP: Final = 25
#: Loans are asked for in whole thousands of yuan.
ROUND_FEN: Final = 100_000


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the goods go: the place, its country in two and three letters, the sea leg in days."""

    place: str
    name: str
    country: str
    alpha3: str
    sea_days: int


DESTINATIONS: Final = {
    "THLCH": Destination("THLCH", "Laem Chabang", "TH", "THA", 6),
    "SGSIN": Destination("SGSIN", "Singapore", "SG", "SGP", 5),
}


@dataclass(frozen=True, slots=True)
class Shipment:
    """Amounts in minor units: `worth` in US dollars, the others in yuan. `day` is the one on which the goods are taken in charge."""

    seed: str
    number: int
    day: date
    destination: Destination

    @property
    def goods(self) -> tuple[str, str, str, str, str, str]:
        return GOODS[self.number % len(GOODS)]

    @property
    def quantity(self) -> int:
        return 2_400 + (self.number * 37) % 4_800

    @property
    def worth(self) -> int:
        return int(Decimal(self.goods[4]) * 100) * self.quantity

    @property
    def net_kg(self) -> Decimal:
        return Decimal(self.goods[5]) * self.quantity

    @property
    def gross_kg(self) -> Decimal:
        return self.net_kg + self.packages

    @property
    def packages(self) -> int:
        return -(-self.quantity // 20)

    @property
    def unit_yuan(self) -> Decimal:
        """What one piece is in yuan, at the reference rate of the day: an export invoice is written in yuan."""
        rate = rates.reference(Currency.USD, Currency.CNY, self.day)
        return (Decimal(self.goods[4]) * rate.value).quantize(Decimal("0.01"), ROUND_HALF_UP)

    @property
    def invoiced(self) -> int:
        return int(self.unit_yuan * 100) * self.quantity

    @property
    def insured(self) -> int:
        """In US dollars, the currency of the value."""
        return self.worth * INSURED_PERCENT // 100

    @property
    def premium(self) -> int:
        return self.invoiced * INSURED_PERCENT * PREMIUM_BP // 1_000_000

    @property
    def financed(self) -> int:
        """How much of the declaration the loan stands on, in US dollars."""
        return self.worth * FINANCED_PERCENT // 100

    def borrowed(self, on: date, haircut_percent: int) -> int:
        """What is asked for on a day: what that part of the declaration is worth then, less the haircut, in whole thousands."""
        value = rates.reference(Currency.USD, Currency.CNY, on).convert(Money(self.financed, Currency.USD))
        return value.minor * (100 - haircut_percent) // 100 // ROUND_FEN * ROUND_FEN

    # --- numbers ------------------------------------------------------------------------------------------------------

    def digits(self, what: str, width: int) -> str:
        """A number of this shipment, of so many digits from 1 to 9."""
        n = (self.number * _STRIDE + _hash(self.seed, what)) % 9**width
        written = ""
        for _ in range(width):
            n, digit = divmod(n, 9)
            written = str(digit + 1) + written
        return written

    @property
    def bill_no(self) -> str:
        return f"LHRS{self.digits('bill', 9)}"

    @property
    def booking(self) -> str:
        return f"BKG{self.digits('booking', 8)}"

    @property
    def waybill(self) -> str:
        return f"CR{self.digits('waybill', 9)}"

    @property
    def contract_no(self) -> str:
        return f"LN-{self.day:%Y}-{self.digits('contract', 7)}"

    @property
    def declaration_no(self) -> str:
        return f"8013{self.declared_on:%Y}0{self.digits('declaration', 9)}"

    @property
    def invoice_no(self) -> str:
        return f"{self.declared_on:%y}502{self.digits('invoice', 15)}"

    @property
    def policy_no(self) -> str:
        return f"PYIE{self.digits('policy', 10)}"

    @property
    def registration(self) -> str:
        """Of the pledge, in the national register of security over movables."""
        return f"DEMO{self.digits('registration', 14)}"

    @property
    def account_no(self) -> str:
        """Of the collection account that the loan is repaid through."""
        return f"62{self.digits('account', 14)}"

    @property
    def container(self) -> str:
        n = (self.number * _STRIDE + _hash(self.seed, "container")) % 1_000_000
        return complete(Kind.CONTAINER, f"XLNU{n:06d}")

    @property
    def seal(self) -> str:
        return f"CQ{self.digits('seal', 8)}"

    # --- days ---------------------------------------------------------------------------------------------------------

    @property
    def signed_on(self) -> date:
        return self.day - timedelta(days=20)

    @property
    def declared_on(self) -> date:
        return self.day + timedelta(days=1)


def _hash(*words: str) -> int:
    return int.from_bytes(hashlib.sha256(" ".join(words).encode()).digest()[:7])


def written(minor: int) -> str:
    """Minor units of a currency with two decimals, as papers state them."""
    return f"{minor // 100}.{minor % 100:02d}"
