"""Companies that do not exist, on both ends of the corridor.

Seven of eight are Chinese and live in a territory of the corridor; every eighth is a trading partner abroad. Their
facts hang together: employees, revenue and assets lie within the bounds of the size that the company has under the
statistical method (工信部联企业〔2011〕300号; 国统字〔2017〕213号), a first-time borrower has no loans, an exporter moves
goods. A few in a hundred of every fact are missing, as in life.

Names of facts, their units and their codes are those of the rules catalogue (`luhai.core.rules.fields`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from luhai.kernel.identifiers import BASE31, BASE36, Kind, complete, complete_uscc
from simulator import names
from simulator.chance import Dice, Numbers, Shuffle, shuffle
from simulator.reference import table, territories

#: Every id of the simulator is derived from this, the seed, the kind of thing and its number.
NAMESPACE: Final = UUID("6f1d7a52-2c3e-5d0b-9a54-6c7568616901")

SIZES: Final = ("micro", "small", "medium", "large")
GRADES: Final = ("AAA", "AA", "A", "BBB", "BB", "B", "CCC", "CC", "C")
LISTS: Final = (
    "corridor_enterprise",
    "key_logistics",
    "logistics_park",
    "major_project",
    "foreign_trade_white",
    "advanced_aeo",
)

#: Every eighth company is abroad.
ABROAD_EVERY: Final = 8
BLOCK: Final = 50_000  # companies made at once
FEN_PER_WAN: Final = 1_000_000  # 万元 in fen


@dataclass(frozen=True, slots=True)
class Industry:
    """A line of business: GB/T 4754 section and division, how common it is, and the words a name may hold."""

    code: str
    weight: int
    method: str  # row of the size table
    abroad: str  # key of names.BUSINESS_ABROAD
    words: tuple[tuple[str, str], ...]


def _industry(code: str, weight: int, method: str, abroad: str, words: str) -> Industry:
    pairs = tuple((zh, en) for zh, en in (word.split(":") for word in words.split(";")))
    return Industry(code, weight, method, abroad, pairs)


INDUSTRIES: Final = (
    _industry("A01", 30, "farm", "farm", "农业:Agriculture;果业:Fruits;农产品:Farm Produce"),
    _industry("A03", 12, "farm", "farm", "牧业:Livestock;畜牧:Animal Husbandry"),
    _industry("A05", 10, "farm", "farm", "农业科技:Agricultural Technology"),
    _industry("B09", 8, "industry", "industry", "矿业:Mining;有色矿业:Non-ferrous Mining"),
    _industry("C13", 30, "industry", "food", "农产品加工:Produce Processing;粮油:Grain and Oil;食品加工:Food Processing"),
    _industry("C14", 24, "industry", "food", "食品:Foods;香料食品:Spices and Foods"),
    _industry("C15", 16, "industry", "food", "茶业:Tea;饮品:Beverages;酒业:Spirits"),
    _industry("C17", 14, "industry", "industry", "纺织:Textiles;丝绸:Silk"),
    _industry("C20", 10, "industry", "industry", "木业:Timber;竹业:Bamboo"),
    _industry("C26", 20, "industry", "industry", "化工:Chemicals;新材料:New Materials;肥业:Fertilisers"),
    _industry("C27", 16, "industry", "industry", "药业:Pharmaceuticals;生物医药:Biopharma"),
    _industry("C29", 12, "industry", "industry", "橡胶:Rubber;塑业:Plastics"),
    _industry("C30", 18, "industry", "industry", "建材:Building Materials;玻璃:Glass;陶业:Ceramics"),
    _industry("C31", 10, "industry", "industry", "钢业:Steel;特钢:Special Steel"),
    _industry("C32", 14, "industry", "industry", "铝业:Aluminium;锰业:Manganese;铜业:Copper"),
    _industry("C33", 16, "industry", "industry", "金属制品:Metal Products;五金:Hardware"),
    _industry("C34", 18, "industry", "industry", "机械:Machinery;泵业:Pumps"),
    _industry("C35", 18, "industry", "technology", "装备:Equipment;智能装备:Smart Equipment"),
    _industry("C36", 26, "industry", "industry", "汽车部件:Auto Parts;摩托车:Motorcycles;汽车:Automobiles"),
    _industry("C37", 8, "industry", "industry", "轨道装备:Rail Equipment;船舶:Shipbuilding"),
    _industry("C38", 24, "industry", "technology", "电气:Electric;新能源:New Energy;电池:Batteries"),
    _industry("C39", 28, "industry", "technology", "电子:Electronics;光电:Optoelectronics;显示科技:Display Technology"),
    _industry("D44", 6, "industry", "industry", "电力:Power;清洁能源:Clean Energy"),
    _industry("E48", 14, "construction", "industry", "路桥:Roads and Bridges;港航工程:Port Engineering"),
    _industry("F51", 150, "wholesale", "trade", "国际贸易:International Trade;商贸:Trading;进出口:Import and Export;供应链:Supply Chain"),
    _industry("F52", 60, "retail", "trade", "百货:Department Stores;电子商务:E-Commerce;商业:Commerce"),
    _industry("G54", 80, "transport", "logistics", "公路运输:Road Transport;货运:Freight;冷链运输:Cold-Chain Transport"),
    _industry("G55", 24, "transport", "logistics", "航运:Shipping;江海航运:River-Sea Shipping;船务:Marine"),
    _industry("G58", 70, "transport", "logistics", "多式联运:Multimodal Transport;国际货代:International Forwarding;铁海联运:Rail-Sea Transport;物流:Logistics"),
    _industry("G59", 44, "storage", "logistics", "仓储:Warehousing;冷链仓储:Cold Storage;保税物流:Bonded Logistics;码头:Terminals"),
    _industry("I64", 16, "information", "technology", "网络科技:Network Technology;数字科技:Digital Technology"),
    _industry("I65", 26, "software", "technology", "软件:Software;信息技术:Information Technology;智能科技:Intelligent Technology"),
    _industry("L71", 10, "business", "trade", "设备租赁:Equipment Leasing"),
    _industry("L72", 34, "business", "trade", "会展:Exhibitions;商务咨询:Business Consulting;园区运营:Park Operations"),
    _industry("M75", 12, "other", "technology", "科技:Science and Technology;环保科技:Environmental Technology"),
)  # fmt: skip

#: Lower bounds of small, medium and large: X people, Y revenue and Z assets in 万元. All must be met.
#: 59 holds both 装卸搬运 (transport) and 仓储 (storage); at two digits it is taken for storage.
SIZE_BOUNDS: Final[Mapping[str, Mapping[str, tuple[int, int, int]]]] = MappingProxyType(
    {
        "farm": {"Y": (50, 500, 20_000)},
        "industry": {"X": (20, 300, 1_000), "Y": (300, 2_000, 40_000)},
        "construction": {"Y": (300, 6_000, 80_000), "Z": (300, 5_000, 80_000)},
        "wholesale": {"X": (5, 20, 200), "Y": (1_000, 5_000, 40_000)},
        "retail": {"X": (10, 50, 300), "Y": (100, 500, 20_000)},
        "transport": {"X": (20, 300, 1_000), "Y": (200, 3_000, 30_000)},
        "storage": {"X": (20, 100, 200), "Y": (100, 1_000, 30_000)},
        "information": {"X": (10, 100, 2_000), "Y": (100, 1_000, 100_000)},
        "software": {"X": (10, 100, 300), "Y": (50, 1_000, 10_000)},
        "business": {"X": (10, 100, 300), "Z": (100, 8_000, 120_000)},
        "other": {"X": (10, 100, 300)},
    }
)
#: What a size usually has where the method does not ask.
_USUAL: Final = MappingProxyType(
    {"X": (10, 100, 300), "Y": (100, 2_000, 30_000), "Z": (100, 2_500, 40_000)}
)
_LEAST: Final = MappingProxyType({"X": 2, "Y": 8, "Z": 5})


def _range_table(metric: str) -> tuple[Numbers, Numbers]:
    """Lowest and one past the highest value, by line of business and size."""
    low, high = [], []
    for industry in INDUSTRIES:
        bounds = SIZE_BOUNDS[industry.method].get(metric, _USUAL[metric])
        low.append((_LEAST[metric], *bounds))
        high.append((*bounds, bounds[-1] * 12))
    return np.array(low, dtype=np.int64), np.array(high, dtype=np.int64)


_RANGES: Final = MappingProxyType({metric: _range_table(metric) for metric in "XYZ"})
_SIZE_WEIGHTS: Final = (600, 285, 90, 25)
_TECHNICAL: Final = frozenset({"C26", "C27", "C34", "C35", "C36", "C37", "C38", "C39", "I64", "I65", "M75", "A05"})
_LOGISTICS: Final = frozenset({"G54", "G55", "G58", "G59"})

#: How many of the companies live where: Chongqing and Guangxi lead (oversight of the corridor, generator hints).
TERRITORY_WEIGHTS: Final = MappingProxyType(
    {
        "500000": 200, "450000": 180, "510000": 130, "530000": 80, "610000": 75, "520000": 70, "650000": 60,
        "620000": 45, "460000": 45, "150000": 40, "440800": 22, "640000": 20, "630000": 15, "431200": 10, "540000": 8,
    }
)  # fmt: skip
#: Where the partners live: Viet Nam before Singapore, Thailand and Indonesia.
PARTNER_WEIGHTS: Final = MappingProxyType(
    {
        "VN": 240, "SG": 160, "TH": 140, "ID": 100, "MY": 90, "LA": 50, "PH": 40, "KH": 40, "MM": 30, "KZ": 30,
        "HK": 25, "UZ": 15, "AE": 10, "KG": 8, "SA": 5, "BN": 5, "TJ": 4, "TM": 3, "MO": 3, "TL": 2,
    }
)  # fmt: skip
_PARTNERS: Final = tuple(PARTNER_WEIGHTS)
_PLACES: Final = tuple(row for row in table("prefectures"))
_PLACE_WEIGHTS: Final = tuple(
    # The first place of a territory is its capital or its busiest district and holds a larger part.
    TERRITORY_WEIGHTS[row["territory"]] * (3 if first else 1) * 30
    // (sum(1 for other in _PLACES if other["territory"] == row["territory"]) + 2)
    for row, first in (
        (row, n == 0 or _PLACES[n - 1]["territory"] != row["territory"]) for n, row in enumerate(_PLACES)
    )
)
_TERRITORY_NAMES: Final = MappingProxyType({t["code"]: (t["short_zh"], t["name_en"]) for t in territories()})

#: Of a thousand companies, how many do not have the fact on file.
MISSING_PER_MILLE: Final = MappingProxyType(
    {
        "industry": 30, "size": 40, "founded_on": 30, "age_months": 30, "revenue_minor": 60, "assets_minor": 70,
        "employees": 50, "export_share_bp": 60, "debt_ratio_bp": 70, "existing_loans_minor": 60, "credit_grade": 80,
        "overdue": 40, "dishonest": 30, "abnormal": 30, "lists": 40, "corridor_shipments_12m": 50,
        "innovation_points": 80, "tech_sme": 50, "private": 40, "first_loan": 60,
    }
)  # fmt: skip
#: Age follows from the founding date: the two are missing together.
_MISSING_WITH: Final = MappingProxyType({"age_months": "founded_on"})

#: Facts kept as a place in a list, with that list; `lists` is a set of bits, one for each of LISTS.
CODES: Final = MappingProxyType(
    {
        "territory": tuple(row["code"] for row in _PLACES),
        "country": ("CN", *_PARTNERS),
        "industry": tuple(industry.code for industry in INDUSTRIES),
        "size": SIZES,
        "credit_grade": GRADES,
    }
)
FLAGS: Final = frozenset({"overdue", "dishonest", "abnormal", "tech_sme", "private", "first_loan"})


@dataclass(frozen=True, slots=True)
class Company:
    """One company. `facts` holds what is known about it, by the names of the rules catalogue; the rest is unknown."""

    id: UUID
    number: int
    name_zh: str | None  # companies abroad have none
    name_en: str
    name_local: str | None  # abroad, where the language is not English
    trade_name: str  # the invented part of the name
    country: str
    territory: str | None  # one of the 13 + 2, of a company in China
    prefecture: str | None
    uscc: str | None
    lei: str | None
    registration_no: str | None  # of a company abroad; invented, and says so
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One fact of many companies: what it would be, and for which companies it is known."""

    values: NDArray[Any]
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class Companies:
    """The companies of a corridor, numbered from 0; made when they are asked for, never kept."""

    seed: int
    count: int
    as_of: date

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Company]:
        for start in range(0, self.count, BLOCK):
            yield from self.at(np.arange(start, min(start + BLOCK, self.count), dtype=np.int64))

    def at(self, numbers: Numbers) -> list[Company]:
        """The companies with these numbers, in this order."""
        return _Block(self, numbers).companies()

    def columns(self, start: int = 0, stop: int | None = None) -> dict[str, Column]:
        """The facts of companies `start` to `stop` - 1, as columns: money in fen, dates in days since 1970-01-01,
        codes as places in CODES, `lists` as bits in the order of LISTS, flags as booleans.

        A territory is known for companies in China only.
        """
        stop = self.count if stop is None else stop
        return _Block(self, np.arange(start, stop, dtype=np.int64)).columns

    @cached_property
    def trade_names(self) -> Shuffle:
        return shuffle(self.seed, "company.trade_name", names.CHINESE_NAMES)

    @cached_property
    def organisation_codes(self) -> Shuffle:
        return shuffle(self.seed, "company.org_code", 31**6)


class _Block:
    """Some companies on the way from draws to records."""

    def __init__(self, companies: Companies, numbers: Numbers) -> None:
        self.source, self.numbers = companies, numbers
        self.dice = Dice(companies.seed, numbers)
        self.abroad = numbers % ABROAD_EVERY == ABROAD_EVERY - 1
        self.columns = self._columns()

    def _columns(self) -> dict[str, Column]:
        dice, count = self.dice, len(self.numbers)
        industry = dice.weighted("company.industry", [i.weight for i in INDUSTRIES])
        size = dice.weighted("company.size", _SIZE_WEIGHTS)
        people, revenue, assets = (self._measure(metric, industry, size) for metric in "XYZ")
        technical = np.array([i.code in _TECHNICAL for i in INDUSTRIES])[industry]
        logistics = np.array([i.code in _LOGISTICS for i in INDUSTRIES])[industry]

        # The younger the likelier: the lower of two draws over 25 years.
        days = 25 * 365
        age_days = 45 + np.minimum(dice.below("company.age.1", days), dice.below("company.age.2", days))
        founded = self._days(self.source.as_of) - age_days

        shipments = np.where(
            dice.chance("company.ships", 700), 1 + (dice.below("company.shipments", 12) + 1) * (1 + size) ** 3 // 2, 0
        ) * np.where(logistics, 6, 1)
        exports = np.where(
            dice.chance("company.exports", np.where(shipments > 0, 650, 150)),
            dice.between("company.export_share", 200, 9_500), 0,
        )  # fmt: skip
        first_loan = dice.chance("company.first_loan", np.array([420, 240, 80, 10])[size])
        debt_ratio = np.minimum(dice.between("company.debt.1", 500, 9_800), dice.between("company.debt.2", 2_000, 11_000))
        assets_minor = assets * FEN_PER_WAN + dice.below("company.assets.rest", 10_000) * 100
        # Loans are a part of the debts: under a half of what is owed, in whole thousands of yuan.
        loans_share = dice.between("company.loans", 0, 5_000)
        loans = np.where(first_loan, 0, assets * debt_ratio // 10_000 * loans_share // 10_000 * FEN_PER_WAN)
        overdue = dice.chance("company.overdue", 25) & ~first_loan
        grade = np.clip(
            dice.between("company.grade.1", 0, 4) + dice.between("company.grade.2", 0, 4) - size + 2 * overdue, 0, 8
        )
        tech_sme = technical & (size < 3) & dice.chance("company.tech_sme", 450)
        points = np.where(technical, dice.between("company.points", 20, 95), dice.between("company.points", 0, 60))
        lists = (
            ((shipments > 0) & dice.chance("company.list.0", 600)) * 1
            + (logistics & (size >= 1) & dice.chance("company.list.1", 350)) * 2
            + (logistics & (size >= 2) & dice.chance("company.list.2", 150)) * 4
            + ((size >= 2) & dice.chance("company.list.3", 80)) * 8
            + ((exports > 0) & dice.chance("company.list.4", 250)) * 16
            + ((exports > 3_000) & (size >= 1) & dice.chance("company.list.5", 120)) * 32
        )
        values: dict[str, NDArray[Any]] = {
            "territory": dice.weighted("company.place", _PLACE_WEIGHTS),
            "country": np.where(
                self.abroad, 1 + dice.weighted("company.country", tuple(PARTNER_WEIGHTS.values())), 0
            ),
            "industry": industry,
            "size": size,
            "founded_on": founded,
            "age_months": _months_between(founded, self.source.as_of),
            "revenue_minor": revenue * FEN_PER_WAN + dice.below("company.revenue.rest", 10_000) * 100,
            "assets_minor": assets_minor,
            "employees": people,
            "export_share_bp": exports,
            "debt_ratio_bp": debt_ratio,
            "existing_loans_minor": loans,
            "credit_grade": grade,
            "overdue": overdue,
            "dishonest": dice.chance("company.dishonest", 8),
            "abnormal": dice.chance("company.abnormal", 15),
            "lists": lists,
            "corridor_shipments_12m": shipments,
            "innovation_points": points,
            "tech_sme": tech_sme,
            "private": dice.chance("company.private", np.array([950, 900, 780, 500])[size]),
            "first_loan": first_loan,
        }
        known = {"country": np.ones(count, dtype=np.bool_), "territory": ~self.abroad}
        for fact, per_mille in MISSING_PER_MILLE.items():
            known[fact] = ~dice.chance(f"company.{_MISSING_WITH.get(fact, fact)}.missing", per_mille)
        return {fact: Column(column, known[fact]) for fact, column in values.items()}

    def _measure(self, metric: str, industry: Numbers, size: Numbers) -> Numbers:
        low, high = (bound[industry, size] for bound in _RANGES[metric])
        return self.dice.spread(f"company.{metric}", low, high)

    @staticmethod
    def _days(day: date) -> int:
        return day.toordinal() - date(1970, 1, 1).toordinal()

    def companies(self) -> list[Company]:
        source = self.source
        facts = self._facts()
        number_list: list[int] = self.numbers.tolist()
        trade = source.trade_names(self.numbers).tolist()
        codes = source.organisation_codes(self.numbers).tolist()
        dice = self.dice
        place = self.columns["territory"].values.tolist()
        country = self.columns["country"].values.tolist()
        industry = self.columns["industry"].values.tolist()
        size = self.columns["size"].values.tolist()
        word = dice.below("company.word", 60).tolist()
        form = dice.below("company.form", 1_000).tolist()
        has_lei = dice.chance("company.lei", np.where(self.abroad, 350, np.array([10, 40, 180, 600])[np.array(size)]))
        made = []
        for n, number in enumerate(number_list):
            lei = complete(Kind.LEI, "LHZR00" + _in_base(BASE36, number, 12)) if has_lei[n] else None
            line = INDUSTRIES[industry[n]]
            if self.abroad[n]:
                made.append(self._abroad(number, _PARTNERS[country[n] - 1], line, size[n] == 3, lei, facts[n]))
                continue
            spot = _PLACES[place[n]]
            name_zh, name_en = names.chinese(trade[n])
            # Districts of Chongqing are not named in a company's name; the city is.
            where_zh, where_en = (
                _TERRITORY_NAMES["500000"] if spot["territory"] == "500000" else (spot["short_zh"], spot["name_en"])
            )
            line_zh, line_en = line.words[word[n] % len(line.words)]
            form_zh, form_en = _legal_form(size[n], form[n])
            # XL… marks the organisation code as invented: no register has issued codes that begin so.
            org_code = complete(Kind.ORG_CODE, "XL" + _in_base(BASE31, codes[n], 6))
            made.append(
                Company(
                    id=uuid5(NAMESPACE, f"{source.seed}:company:{number}"),
                    number=number,
                    name_zh=f"{where_zh}{name_zh}{line_zh}{form_zh}",
                    name_en=f"{where_en} {name_en} {line_en} {form_en}",
                    name_local=None,
                    trade_name=name_zh,
                    country="CN",
                    territory=spot["territory"],
                    prefecture=spot["code"],
                    uscc=complete_uscc("91", spot["code"], org_code),
                    lei=lei,
                    registration_no=None,
                    facts=facts[n],
                )
            )
        return made

    def _abroad(
        self, number: int, country: str, line: Industry, public: bool, lei: str | None, facts: Mapping[str, Any]
    ) -> Company:
        source = self.source
        rank = np.array([number // ABROAD_EVERY], dtype=np.int64)
        order = shuffle(source.seed, f"company.trade_name.{names.language(country)}", names.names_abroad(country))
        trade = int(order(rank)[0])
        local, english = names.company_abroad(country, trade, line.abroad, public)
        return Company(
            id=uuid5(NAMESPACE, f"{source.seed}:company:{number}"),
            number=number,
            name_zh=None,
            name_en=english,
            name_local=local if local != english else None,
            trade_name=names.abroad(country, trade)[0],
            country=country,
            territory=None,
            prefecture=None,
            uscc=None,
            lei=lei,
            registration_no=f"INVENTED-{country}-{number:07d}",
            facts=facts,
        )

    def _facts(self) -> list[dict[str, Any]]:
        """The known facts of each company, with codes and dates written out."""
        facts: list[dict[str, Any]] = [{} for _ in self.numbers]
        for name, column in self.columns.items():
            codes = CODES.get(name)
            values, known = column.values.tolist(), column.known.tolist()
            for fact, value, is_known in zip(facts, values, known, strict=True):
                if is_known:
                    fact[name] = codes[value] if codes else value
        for fact in facts:
            if (days := fact.get("founded_on")) is not None:
                fact["founded_on"] = date.fromordinal(days + _EPOCH).isoformat()
            if (bits := fact.get("lists")) is not None:
                fact["lists"] = [name for n, name in enumerate(LISTS) if bits >> n & 1]
        return facts


_EPOCH: Final = date(1970, 1, 1).toordinal()


def _months_between(days: Numbers, as_of: date) -> Numbers:
    """Whole months from each day, in days since 1970-01-01, to `as_of`."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    day_of_month = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    begun = (as_of.year - 1970) * 12 + as_of.month - 1 - months.astype(np.int64)
    completed: Numbers = begun - (day_of_month > as_of.day)
    return completed


def _legal_form(size: int, draw: int) -> tuple[str, str]:
    if size == 3 and draw < 500:
        return "股份有限公司", "Joint Stock Co., Ltd."
    return ("有限责任公司" if draw % 10 < 3 else "有限公司"), "Co., Ltd."


def _in_base(digits: str, number: int, width: int) -> str:
    base, written = len(digits), ""
    for _ in range(width):
        number, digit = divmod(number, base)
        written = digits[digit] + written
    assert number == 0, "too wide"
    return written
