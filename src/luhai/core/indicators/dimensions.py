"""What a fact is told apart by: each dimension with its code list, names in both languages. Pure, and light to import.

A key of a cell is a tuple of codes in the order of `DIMENSIONS`. Two codes belong to every dimension: `_T` is the total over it, and `_Z` says
that it does not apply or was not stated (SDMX cross-domain code lists). The total of currencies is of converted amounts only: amounts are never
added across currencies as they are.

Sources: domain notes on oversight §1.2. Territories GB/T 2260; countries ISO 3166-1 (names of the corridor's from
data/reference/countries.csv, of the rest from CLDR); sizes 国统字〔2017〕213号 with 个体工商户 beside them; industries GB/T 4754-2017, letters of
sections; terms by original term, CT03 in 银发〔2010〕167号, CT01 and CT02 by analogy; routes the three 运输组织方式 that Chongqing counts, and others
of ours; guarantee kinds and the green flag are ours, the latter standing for 绿色金融支持项目目录(2025年版).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

from babel import Locale

from luhai.core.parties.territories import territories
from luhai.kernel.money import Currency

TOTAL: Final = "_T"
NOT_STATED: Final = "_Z"

_REFERENCE: Final = Path(__file__).resolve().parents[4] / "data" / "reference"
_ZH: Final = Locale("zh", script="Hans")
_EN: Final = Locale("en")

Names = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to tell facts apart: its name with us, the column of facts, its concept in SDMX, and its codes, each with (zh, en)."""

    name: str
    column: str
    sdmx: str
    zh: str
    en: str
    codes: Mapping[str, Names]

    def stated(self, code: str) -> str:
        """The code itself if it is one of the list and not the total; otherwise `_Z`."""
        return code if code in self.codes and code != TOTAL else NOT_STATED


def _rows(name: str) -> list[dict[str, str]]:
    with (_REFERENCE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _dimension(name: str, column: str, sdmx: str, zh: str, en: str, codes: Mapping[str, Names], total: Names = ("合计", "Total")) -> Dimension:
    every = {TOTAL: total, **codes, NOT_STATED: ("不适用或未说明", "Not applicable or not stated")}
    return Dimension(name, column, sdmx, zh, en, MappingProxyType(every))


def _countries() -> dict[str, Names]:
    found = {
        code: (name, _EN.territories[code])
        for code, name in sorted(_ZH.territories.items())
        if len(code) == 2 and code.isalpha() and code not in {"EU", "EZ", "UN", "XA", "XB", "ZZ"} and code in _EN.territories
    }
    return found | {r["code"]: (r["name_zh"], r["name_en"]) for r in _rows("countries.csv")}


SIZES: Final[Mapping[str, Names]] = MappingProxyType(
    {
        "L": ("大型企业", "Large enterprise"), "M": ("中型企业", "Medium enterprise"), "S": ("小型企业", "Small enterprise"),
        "X": ("微型企业", "Micro enterprise"), "IND_BIZ": ("个体工商户", "Individual business"),
    }
)  # fmt: skip
INDUSTRIES: Final[Mapping[str, Names]] = MappingProxyType(
    {r["code"]: (r["name_zh"], r["name_en"]) for r in _rows("industries.csv") if not r["section"]}
)
TERMS: Final[Mapping[str, Names]] = MappingProxyType(
    {
        "CT01": ("一年及以下", "Up to one year"), "CT02": ("一年以上至五年", "More than one and up to five years"),
        "CT03": ("五年以上", "More than five years"),
    }
)  # fmt: skip
ROUTES: Final[Mapping[str, Names]] = MappingProxyType(
    {
        "RSI": ("铁海联运", "Rail and sea"), "IRL": ("国际铁路联运", "International rail"), "XBR": ("跨境公路", "Cross-border road"),
        "INW": ("内河水运", "Inland water"), "AIR": ("航空", "Air"), "OTH": ("其他方式", "Other"),
    }
)  # fmt: skip
GUARANTEES: Final[Mapping[str, Names]] = MappingProxyType(
    {"DOC": ("物权单证质押", "Document of title pledged"), "CRD": ("信用", "Credit only")}
)
GREENS: Final[Mapping[str, Names]] = MappingProxyType({"Y": ("绿色", "Green"), "N": ("非绿色", "Not green")})

#: The order of a cell's key.
DIMENSIONS: Final[tuple[Dimension, ...]] = (
    _dimension("territory", "territory", "REF_AREA", "地区", "Territory", {t.code: (t.short_zh, t.name_en) for t in territories().values()}),
    _dimension("size", "size", "ENT_SIZE", "企业规模", "Enterprise size", SIZES),
    _dimension("industry", "industry", "INDUSTRY", "行业", "Industry", INDUSTRIES),
    _dimension("term", "term", "TERM", "期限", "Original term", TERMS),
    _dimension(
        "currency", "currency", "CURRENCY", "币种", "Currency",
        {c.value: (_ZH.currencies[c.value], _EN.currencies[c.value]) for c in Currency},
        ("全部币种折算", "All currencies, converted"),
    ),
    _dimension("route", "route", "ROUTE", "通道方式", "Route", ROUTES),
    _dimension("guarantee", "guarantee", "GUARANTEE", "担保方式", "Guarantee", GUARANTEES),
    _dimension("green", "green", "GREEN", "绿色", "Green", GREENS),
    _dimension("country", "country", "CPTY_AREA", "对方国家(地区)", "Country of the payer", _countries()),
)  # fmt: skip
BY_NAME: Final[Mapping[str, Dimension]] = MappingProxyType({d.name: d for d in DIMENSIONS})


def term_of(drawn_on: date, due_on: date) -> str:
    """The class of an original term: up to one year, up to five years, longer. The anniversary itself still belongs to the shorter.

    Source: domain notes on oversight §1.2 (long is more than five years, five not included).
    """
    for code, years in (("CT01", 1), ("CT02", 5)):
        if due_on <= _anniversary(drawn_on, years):
            return code
    return "CT03"


def _anniversary(day: date, years: int) -> date:
    """The same day of a later year; of a 29 February, in a common year, the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
