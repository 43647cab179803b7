"""Demands for financing of the invented companies: what a firm of that trade and size would ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID, uuid5

import numpy as np

from simulator.chance import Roll, one, shuffle
from simulator.companies import ABROAD_EVERY, NAMESPACE, Companies, Company

#: purpose -> (sections that ask for it, share of yearly revenue in % from … to …, days from … to …, collateral, words)
_PURPOSES: Final[Mapping[str, tuple[str, tuple[int, int], tuple[int, int], tuple[str, ...], str, str]]] = (
    MappingProxyType(
        {
            "working_capital": ("ABCDEFGILM", (3, 18), (90, 365), ("credit", "receivable", "guarantee", "real_estate", "inventory"),
                "用于日常经营周转", "for working capital"),
            "purchase_import": ("FC", (4, 20), (30, 180), ("transport_document", "warehouse_receipt", "credit", "deposit"),
                "用于从{partner}进口原料和商品", "to buy goods from {partner_en}"),
            "export_production": ("AC", (4, 18), (60, 270), ("credit", "credit_insurance", "export_rebate", "receivable"),
                "已有{partner}订单，需备货生产", "to produce for orders from {partner_en}"),
            "freight": ("G", (2, 12), (30, 180), ("transport_document", "receivable", "credit", "bill"),
                "用于垫付铁海联运班列运费", "to advance the freight of rail-sea trains"),
            "vehicles": ("G", (5, 25), (365, 1_095), ("equipment", "guarantee"),
                "购置冷藏箱和新能源货车", "to buy reefer containers and electric lorries"),
            "vessel": ("G55", (15, 60), (1_095, 2_555), ("vessel", "guarantee"),
                "购置江海直达船舶", "to buy a river-sea vessel"),
            "equipment": ("CD", (5, 25), (365, 1_095), ("equipment", "real_estate", "guarantee"),
                "购置生产设备，扩大对{partner}供货", "to buy machines and supply more to {partner_en}"),
            "warehouse_build": ("G59L", (20, 80), (1_095, 2_920), ("real_estate", "equipment", "guarantee"),
                "新建保税冷链仓库", "to build a bonded cold store"),
            "technology": ("CIM", (4, 20), (180, 730), ("intellectual_property", "credit", "equity"),
                "用于研发和跨境数字平台建设", "for research and a cross-border digital platform"),
        }
    )
)  # fmt: skip
_PARTNERS: Final = (
    ("越南", "Viet Nam"), ("新加坡", "Singapore"), ("泰国", "Thailand"), ("印度尼西亚", "Indonesia"),
    ("马来西亚", "Malaysia"), ("老挝", "Laos"), ("哈萨克斯坦", "Kazakhstan"),
)  # fmt: skip
_CANDIDATES: Final = 1_000  # companies looked at together
#: The yearly revenue, in 万元, below which nobody thinks of building a store or buying a ship.
_REVENUE_WAN: Final = MappingProxyType({"warehouse_build": 1_500, "vessel": 1_500, "equipment": 100, "vehicles": 100})
_REVENUE_GUESS: Final = 500_000_000  # fen, where the revenue is not on file
_NEW_PER_MILLE: Final = 250  # of the firms without shipments, how many ask
_MICRO_PER_MILLE: Final = 350  # of the smallest firms, how many ask


@dataclass(frozen=True, slots=True)
class Demand:
    """One demand. The amount is in minor units of `currency`; `rate_cap_bp` is yearly and may be left open."""

    id: UUID
    number: int
    company_id: UUID
    amount_minor: int
    currency: str
    tenor_days: int
    purpose: str
    collateral: tuple[str, ...]
    needed_by: str  # the latest day on which the money is still of use
    rate_cap_bp: int | None
    green: bool
    text_zh: str
    text_en: str


@dataclass(frozen=True)
class Demands:
    """The demands of a corridor: at most one of a company, from companies in China only."""

    companies: Companies
    count: int
    as_of: date

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Demand]:
        made = 0
        order = shuffle(self.companies.seed, "demand.company", len(self.companies))
        for start in range(0, len(self.companies), _CANDIDATES):
            turn = np.arange(start, min(start + _CANDIDATES, len(self.companies)), dtype=np.int64)
            numbers = order(turn)
            for company in self.companies.at(numbers[numbers % ABROAD_EVERY != ABROAD_EVERY - 1]):
                if made == self.count:
                    return
                if self._asks_at_all(company):
                    yield self._demand(made, company)
                    made += 1
        if made == self.count:
            return
        raise AssertionError("more demands than companies that ask")

    def _asks_at_all(self, company: Company) -> bool:
        roll = one(self.companies.seed, company.number)
        if company.facts.get("size") == "micro" and not roll.chance("demand.micro", _MICRO_PER_MILLE):
            return False
        # Those who move goods on the corridor know the platform.
        return company.facts.get("corridor_shipments_12m", 0) > 0 or roll.chance("demand.newcomer", _NEW_PER_MILLE)

    def _demand(self, number: int, company: Company) -> Demand:
        roll = one(self.companies.seed, company.number)
        facts = company.facts
        industry: str = facts.get("industry", "F51")
        revenue_wan = facts.get("revenue_minor", _REVENUE_GUESS) // 1_000_000
        open_to = [
            p
            for p, (sections, *_) in _PURPOSES.items()
            if _asks(sections, industry) and revenue_wan >= _REVENUE_WAN.get(p, 0)
        ]
        purpose = roll.pick("demand.purpose", open_to)
        _, share, days, kinds, why_zh, why_en = _PURPOSES[purpose]
        amount = self._amount(roll, revenue_wan, share)
        partner, partner_en = roll.pick("demand.partner", _PARTNERS)
        tenor = roll.between("demand.tenor", days[0] // 30, days[1] // 30) * 30
        amount_wan = amount // 1_000_000
        needed_by = self.as_of + timedelta(days=roll.between("demand.needed_by", 14, 90))
        why_zh, why_en = why_zh.format(partner=partner), why_en.format(partner_en=partner_en)
        return Demand(
            id=uuid5(NAMESPACE, f"{self.companies.seed}:demand:{number}"),
            number=number,
            company_id=company.id,
            amount_minor=amount,
            currency="CNY",
            tenor_days=tenor,
            purpose=purpose,
            collateral=roll.some("demand.collateral", kinds, 2, 3),
            needed_by=needed_by.isoformat(),
            rate_cap_bp=roll.between("demand.rate_cap", 36, 56) * 10 if roll.chance("demand.has_cap", 600) else None,
            green=purpose in ("vehicles", "equipment", "technology") and roll.chance("demand.green", 350),
            text_zh=f"{why_zh}，需要{amount_wan}万元，期限{tenor}天，最迟{needed_by.isoformat()}到位。",
            text_en=f"{amount_wan * 10_000:,} yuan for {tenor} days {why_en}, by {needed_by.isoformat()}.",
        )

    @staticmethod
    def _amount(roll: Roll, revenue_wan: int, share: tuple[int, int]) -> int:
        """A part of a year's revenue, rounded to what people ask for: 10,000 yuan, 50,000, 100,000 …"""
        wan = max(5, revenue_wan * roll.between("demand.share", *share) // 100)
        step = next(s for s in (1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 50_000) if wan < s * 50 or s == 50_000)
        return int(max(step, wan // step * step)) * 1_000_000


def _asks(sections: str, industry: str) -> bool:
    """`sections` is a run of section letters, some followed by the digits of one division: "G59L", "CIM"."""
    if industry in sections:
        return True
    place = sections.find(industry[0])
    return place >= 0 and not sections[place + 1 : place + 2].isdigit()
