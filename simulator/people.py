"""Agencies and people of the demo: one agency a territory, one supervisor, and accounts for the six roles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Final
from uuid import UUID, uuid5

from luhai.kernel.origin import Role
from simulator.chance import one
from simulator.companies import NAMESPACE
from simulator.demands import Demand
from simulator.institutions import Institution
from simulator.reference import territories

_SURNAMES: Final = "王Wang 李Li 张Zhang 刘Liu 陈Chen 杨Yang 黄Huang 赵Zhao 周Zhou 吴Wu 韦Wei 覃Qin 罗Luo 龙Long 白Bai 马Ma"
_GIVEN: Final = (
    "思远:Siyuan 雨桐:Yutong 若溪:Ruoxi 子衡:Ziheng 文澜:Wenlan 嘉禾:Jiahe 明哲:Mingzhe 清越:Qingyue 书航:Shuhang 晓岚:Xiaolan "
    "景行:Jingxing 乐川:Lechuan 知微:Zhiwei 安澜:Anlan 望舒:Wangshu 云帆:Yunfan"
)
_COMPANIES: Final = 6  # companies with an account, those of the first demands
_BANKS: Final = 6


@dataclass(frozen=True, slots=True)
class Agency:
    """A public body of the demo; invented, though its territory is not."""

    id: UUID
    kind: str  # provincial, supervisor, operator
    name_zh: str
    name_en: str
    territory: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, acting under one membership."""

    id: UUID
    username: str
    name_zh: str
    name_en: str
    role: Role
    party_id: UUID
    territory: str | None


@dataclass(frozen=True)
class People:
    seed: int
    institutions: tuple[Institution, ...]
    demands: Iterable[Demand]

    @cached_property
    def agencies(self) -> tuple[Agency, ...]:
        local = [
            Agency(
                id=self._id("agency", t["code"]),
                kind="provincial",
                name_zh=f"{t['short_zh']}通道金融工作专班（虚构）",
                name_en=f"Corridor Finance Task Force of {t['name_en']} (invented)",
                territory=t["code"],
            )
            for t in territories()
        ]
        supervisor = Agency(
            self._id("agency", "supervisor"), "supervisor", "通道金融监管部门（虚构）", "Corridor Supervisor (invented)", "500000"
        )
        operator = Agency(
            self._id("agency", "operator"), "operator", "平台运营方（虚构）", "Platform Operator (invented)", None
        )
        return (*local, supervisor, operator)

    @cached_property
    def people(self) -> tuple[Person, ...]:
        agencies = {(a.kind, a.territory): a for a in self.agencies}
        banks = [i for i in self.institutions if i.country == "CN"][:_BANKS]
        partners = [i for i in self.institutions if i.kind == "partner_bank"][:2]
        places: list[tuple[str, Role, UUID, str | None]] = []
        for n, demand in enumerate(islice(self.demands, _COMPANIES), start=1):
            places.append((f"company{n}", Role.COMPANY, demand.company_id, None))
        places += [(f"bank{n}", Role.BANK, bank.id, bank.home) for n, bank in enumerate(banks, start=1)]
        places += [(f"partner{n}", Role.PARTNER, bank.id, None) for n, bank in enumerate(partners, start=1)]
        for n, code in enumerate(("500000", "450000", "510000"), start=1):
            places.append((f"official{n}", Role.PROVINCE, agencies["provincial", code].id, code))
        places.append(("supervisor1", Role.SUPERVISOR, agencies["supervisor", "500000"].id, "500000"))
        places.append(("operator1", Role.OPERATOR, agencies["operator", None].id, None))
        return tuple(self._person(number, *place) for number, place in enumerate(places))

    def _person(self, number: int, username: str, role: Role, party: UUID, territory: str | None) -> Person:
        roll = one(self.seed, number)
        # Given names go round, so that no two people of a small demo share one.
        surname = roll.pick("person.surname", _SURNAMES.split())
        given = _GIVEN.split()
        given_zh, given_en = given[number * 5 % len(given)].split(":")
        return Person(
            id=self._id("person", username),
            username=username,
            name_zh=surname[0] + given_zh,
            name_en=f"{given_en} {surname[1:]}",
            role=role,
            party_id=party,
            territory=territory,
        )

    def _id(self, kind: str, key: str) -> UUID:
        return uuid5(NAMESPACE, f"{self.seed}:{kind}:{key}")
