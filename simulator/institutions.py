"""Institutions that do not exist: banks of every kind, lessors, insurers, guarantee companies, banks abroad."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final
from uuid import UUID, uuid5

import numpy as np

from simulator import names
from simulator.chance import Roll, one, shuffle
from simulator.companies import NAMESPACE, PARTNER_WEIGHTS, TERRITORY_WEIGHTS
from simulator.reference import territories

#: kind -> (how many of a hundred, capacity for new lending from … to … in 万元)
_KINDS: Final = MappingProxyType(
    {
        "policy_bank": (4, 500_000, 2_000_000),
        "big_bank": (12, 400_000, 1_500_000),
        "joint_stock_bank": (16, 150_000, 600_000),
        "city_bank": (22, 40_000, 200_000),
        "rural_bank": (14, 8_000, 60_000),
        "leasing": (8, 30_000, 200_000),
        "insurer": (6, 50_000, 300_000),
        "guarantee": (8, 10_000, 80_000),
        "partner_bank": (10, 20_000, 150_000),
    }
)
KINDS: Final = tuple(_KINDS)
_NATIONWIDE: Final = frozenset({"policy_bank", "big_bank", "leasing", "insurer"})
_REGIONAL: Final = frozenset({"city_bank", "rural_bank", "guarantee"})
#: kind -> (Chinese, English) round the trade name; {place} is the territory.
_PATTERNS: Final = MappingProxyType(
    {
        "policy_bank": ("{name}开发政策性银行", "{name} Development Policy Bank"),
        "big_bank": ("{name}商业银行股份有限公司", "{name} Commercial Bank Co., Ltd."),
        "joint_stock_bank": ("{name}银行股份有限公司", "{name} Bank Co., Ltd."),
        "city_bank": ("{place}{name}银行股份有限公司", "Bank of {place} {name} Co., Ltd."),
        "rural_bank": ("{place}{name}农村商业银行股份有限公司", "{place} {name} Rural Commercial Bank Co., Ltd."),
        "leasing": ("{name}金融租赁有限公司", "{name} Financial Leasing Co., Ltd."),
        "insurer": ("{name}财产保险股份有限公司", "{name} Property Insurance Co., Ltd."),
        "guarantee": ("{place}{name}融资担保有限公司", "{place} {name} Financing Guarantee Co., Ltd."),
    }
)
_CODES: Final = tuple(t["code"] for t in territories())
_NAMES: Final = MappingProxyType({t["code"]: (t["short_zh"], t["name_en"].split(",")[0]) for t in territories()})
_CAPITALS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Institution:
    """One institution. `capacity_minor` is what it can newly lend, insure or guarantee now, in fen."""

    id: UUID
    number: int
    kind: str
    name_zh: str | None  # banks abroad have none
    name_en: str
    trade_name: str
    country: str
    territories: tuple[str, ...]  # where it does business; of a bank abroad, none
    home: str | None  # the territory of its seat
    bic: str | None  # invented; the eighth character 0 marks a BIC for tests
    capacity_minor: int


@dataclass(frozen=True)
class Institutions:
    """The institutions of a corridor; at least one of every kind from ten on."""

    seed: int
    count: int

    @cached_property
    def all(self) -> tuple[Institution, ...]:
        return tuple(self._institution(number, kind) for number, kind in enumerate(self._kinds()))

    def _kinds(self) -> list[str]:
        # Whoever is furthest behind its share comes next, so any count has about the right mixture.
        kinds: list[str] = []
        for n in range(1, self.count + 1):
            behind = {kind: share * n - 100 * kinds.count(kind) for kind, (share, *_) in _KINDS.items()}
            missing = [kind for kind in KINDS if kind not in kinds] if n <= len(KINDS) else KINDS
            kinds.append(max(missing, key=lambda kind: (behind[kind], -KINDS.index(kind))))
        return kinds

    def _institution(self, number: int, kind: str) -> Institution:
        roll = one(self.seed, number)
        # Companies count trade names up from 0; institutions take theirs from the far end.
        place_in_list = np.array([names.CHINESE_NAMES - 1 - number], dtype=np.int64)
        trade_zh, trade_en = names.chinese(
            int(shuffle(self.seed, "company.trade_name", names.CHINESE_NAMES)(place_in_list)[0])
        )
        home = _CODES[roll.weighted("institution.home", [TERRITORY_WEIGHTS[code] for code in _CODES])]
        country, name_zh, trade = "CN", None, trade_zh
        if kind == "partner_bank":
            partners = tuple(PARTNER_WEIGHTS)
            country = partners[roll.weighted("institution.country", tuple(PARTNER_WEIGHTS.values()))]
            trade, latin = names.abroad(country, 7 * number + 3)
            name_en = f"{latin} Bank"
        else:
            (place_zh, place_en), (zh, en) = _NAMES[home], _PATTERNS[kind]
            name_zh = zh.format(place=place_zh, name=trade_zh)
            name_en = en.format(place=place_en, name=trade_en)
        _, low, high = _KINDS[kind]
        return Institution(
            id=uuid5(NAMESPACE, f"{self.seed}:institution:{number}"),
            number=number,
            kind=kind,
            name_zh=name_zh,
            name_en=name_en,
            trade_name=trade,
            country=country,
            territories=self._territories(kind, home, roll),
            home=None if country != "CN" else home,
            bic=self._bic(number, country) if kind.endswith("bank") else None,
            capacity_minor=roll.between("institution.capacity", low, high) * 1_000_000,
        )

    @staticmethod
    def _territories(kind: str, home: str, roll: Roll) -> tuple[str, ...]:
        if kind == "partner_bank":
            return ()
        if kind in _NATIONWIDE:
            return _CODES
        others = tuple(code for code in _CODES if code != home)
        reach = (2, 6) if kind in _REGIONAL else (10, 14)
        chosen = {home, *roll.some("institution.territory", others, *reach)}
        return tuple(code for code in _CODES if code in chosen)

    @staticmethod
    def _bic(number: int, country: str) -> str:
        third, rest = divmod(number, 26 * 26)
        second, first = divmod(rest, 26)
        return f"Q{_CAPITALS[first]}{_CAPITALS[second]}{_CAPITALS[25 - third]}{country}X0"
