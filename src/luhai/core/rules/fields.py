"""What a criterion may ask about: the facts of a company and of its demand, each with a kind, a unit and a label.

Who: read by `criteria` (validation, evaluation), `bitsets` and `sql`; whoever gathers facts uses the same names.
Units: money is whole fen (`CNY_minor`) unless the unit says `minor` (of the demand's own currency); shares are
basis points; ages are months; dates are days. Nothing here is a threshold: thresholds are criteria or parameters.
Sources of the code lists: GB/T 2260 (territories), GB/T 4754-2017 (industries), ISO 3166-1, ISO 4217.

Add a field here and it can be used everywhere; a field is never renamed, since published products hold its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.money import MAX_MINOR, Currency


class Kind(StrEnum):
    MONEY = "money"  # whole minor units
    COUNT = "count"  # a whole number of the unit
    SHARE = "share"  # a decimal kept as a whole number of basis points
    FLAG = "flag"  # yes or no
    CODE = "code"  # one of a list
    TREE = "tree"  # a code that lies within others: a city in its province, a division in its section
    SET = "set"  # several codes at once, known as a whole or not at all
    DATE = "date"


#: Kinds that are compared as whole numbers.
NUMERIC: Final = frozenset({Kind.MONEY, Kind.COUNT, Kind.SHARE, Kind.DATE})


class Reach(StrEnum):
    """Who could change the fact, from the easiest to the impossible; used to choose the nearest change."""

    DEMAND = "demand"  # the company states it in this demand and can state it otherwise
    COMPANY = "company"  # the company can do something about it
    TIME = "time"  # only time changes it
    FIXED = "fixed"  # it will not change for this loan


class Op(StrEnum):
    """Every comparison a criterion may make."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    MORE_THAN = "more_than"
    LESS_THAN = "less_than"
    BETWEEN = "between"  # both ends included
    IS = "is"
    IS_NOT = "is_not"
    ONE_OF = "one_of"
    NONE_OF = "none_of"
    WITHIN = "within"  # the code is one of these or lies below one of them
    NOT_WITHIN = "not_within"
    INCLUDES_ANY = "includes_any"
    INCLUDES_ALL = "includes_all"
    INCLUDES_NONE = "includes_none"


@dataclass(frozen=True, slots=True)
class Code:
    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Field:
    """One fact. `codes` lists what it may be (best or largest first when `ordered`); else `pattern` does."""

    name: str
    kind: Kind
    zh: str
    en: str
    about: str  # "company" or "demand"
    source_zh: str  # where it comes from, as a rule
    source_en: str
    unit: str = ""
    reach: Reach = Reach.COMPANY
    codes: tuple[Code, ...] = ()
    pattern: str = ""
    ordered: bool = False
    highest: int = MAX_MINOR
    #: Some values of an open code, tried when a criterion names only what is shut out.
    examples: tuple[str, ...] = ()

    @property
    def operators(self) -> tuple[Op, ...]:
        if self.kind in NUMERIC:
            return (Op.AT_LEAST, Op.AT_MOST, Op.MORE_THAN, Op.LESS_THAN, Op.BETWEEN, Op.IS)
        if self.kind is Kind.FLAG:
            return (Op.IS,)
        if self.kind is Kind.TREE:
            return (Op.WITHIN, Op.NOT_WITHIN)
        if self.kind is Kind.SET:
            return (Op.INCLUDES_ANY, Op.INCLUDES_ALL, Op.INCLUDES_NONE)
        plain = (Op.IS, Op.IS_NOT, Op.ONE_OF, Op.NONE_OF)
        return (*plain, Op.AT_LEAST, Op.AT_MOST) if self.ordered else plain

    def label(self, language: str) -> str:
        return self.zh if language.startswith("zh") else self.en

    def code_label(self, code: str, language: str) -> str:
        for known in self.codes:
            if known.code == code:
                return known.zh if language.startswith("zh") else known.en
        return code

    def problem(self, value: object) -> str | None:
        """Say why `value` cannot be this fact, and what would be right; None when it can."""
        if self.kind is Kind.SET:
            if not isinstance(value, frozenset | set | list | tuple):
                return "a list of codes is wanted"
            for member in value:
                if (why := self._code_problem(member)) is not None:
                    return why
            return None
        if self.kind in (Kind.CODE, Kind.TREE):
            return self._code_problem(value)
        if self.kind is Kind.FLAG:
            return None if isinstance(value, bool) else "true or false is wanted"
        if self.kind is Kind.DATE:
            return None if type(value) is date else "a date such as 2026-01-31 is wanted"
        if not isinstance(value, int) or isinstance(value, bool):
            return f"a whole number is wanted ({self.unit})"
        return (
            None
            if 0 <= value <= self.highest
            else f"a number from 0 to {self.highest} is wanted ({self.unit})"
        )

    def _code_problem(self, value: object) -> str | None:
        if not isinstance(value, str):
            return "a code in quotes is wanted"
        if self.codes:
            known = [c.code for c in self.codes]
            return None if value in known else f"{value!r} is not one of {', '.join(known)}"
        return None if re.fullmatch(self.pattern, value) else f"{value!r} does not look like {self.unit}"

    def keys(self, value: object) -> tuple[str, ...]:
        """The codes under which a known value counts: itself, its members, or itself and all it lies within."""
        if self.kind is Kind.SET:
            assert isinstance(value, frozenset)
            return tuple(sorted(value))
        assert isinstance(value, str)
        return lineage(self.name, value) if self.kind is Kind.TREE else (value,)


def lineage(field: str, code: str) -> tuple[str, ...]:
    """The code and everything it lies within, from the narrowest. GB/T 2260 ends in 00 for wider places;
    GB/T 4754 grows by one digit after the section letter and the two digits of the division."""
    if field == "industry":
        return tuple(code[:n] for n in (5, 4, 3, 1) if len(code) >= n)
    wider = (code, code[:4] + "00", code[:2] + "0000")
    return tuple(dict.fromkeys(wider))


def _codes(*rows: tuple[str, str, str]) -> tuple[Code, ...]:
    return tuple(Code(*row) for row in rows)


#: The corridor: 13 provinces, Zhanjiang and Huaihua (GB/T 2260).
CORRIDOR: Final = (
    "500000", "450000", "520000", "620000", "630000", "650000", "530000", "640000",
    "610000", "510000", "150000", "540000", "460000", "440800", "431200",
)  # fmt: skip

SIZES: Final = _codes(
    ("large", "大型", "large"),
    ("medium", "中型", "medium"),
    ("small", "小型", "small"),
    ("micro", "微型", "micro"),
)

#: The nine grades of borrowers, best first.
GRADES: Final = tuple(Code(g, g, g) for g in ("AAA", "AA", "A", "BBB", "BB", "B", "CCC", "CC", "C"))

#: 两库一清单 and what the corridor's offices add to them (articles 12 and 23).
LISTS: Final = _codes(
    ("corridor_enterprise", "通道相关企业清单", "list of corridor enterprises"),
    ("key_logistics", "重点物流企业名录库", "directory of key logistics enterprises"),
    ("logistics_park", "物流园区名录库", "directory of logistics parks"),
    ("major_project", "通道重大项目库", "library of major corridor projects"),
    ("foreign_trade_white", "外贸白名单", "white list of foreign-trade enterprises"),
    ("advanced_aeo", "海关高级认证企业", "advanced certified enterprise of customs (AEO)"),
)

COLLATERAL: Final = _codes(
    ("credit", "信用（无担保）", "none: on credit"),
    ("receivable", "应收账款", "receivables"),
    ("warehouse_receipt", "仓单", "warehouse receipt"),
    ("transport_document", "运输单证", "transport document"),
    ("bill", "商业汇票", "commercial bill"),
    ("inventory", "存货", "inventory"),
    ("deposit", "保证金或存单", "deposit"),
    ("real_estate", "不动产", "real estate"),
    ("equipment", "机器设备和车辆", "equipment and vehicles"),
    ("vessel", "船舶", "vessel"),
    ("intellectual_property", "知识产权", "intellectual property"),
    ("equity", "股权", "equity"),
    ("export_rebate", "出口退税账户", "export-rebate account"),
    ("guarantee", "第三方保证或融资担保", "guarantee by a third party"),
    ("credit_insurance", "出口信用保险", "export credit insurance"),
)

PURPOSES: Final = _codes(
    ("working_capital", "日常经营周转", "working capital"),
    ("purchase_import", "进口采购", "purchase of imports"),
    ("export_production", "出口备货和生产", "goods for export"),
    ("freight", "支付运费和物流服务", "freight and logistics services"),
    ("warehouse_build", "仓储和园区建设", "warehouses and parks"),
    ("infrastructure", "通道基础设施建设", "corridor infrastructure"),
    ("vehicles", "购置车辆和箱体", "vehicles and containers"),
    ("vessel", "购置船舶", "vessels"),
    ("equipment", "购置设备", "equipment"),
    ("technology", "技术研发和数字化", "research and digital tools"),
    ("green_transition", "绿色低碳改造", "green transition"),
    ("guarantee_letter", "开立保函或信用证", "letters of guarantee or credit"),
)

CURRENCIES: Final = tuple(Code(c.value, c.value, c.value) for c in Currency)

_COMPANY_ZH, _COMPANY_EN = "企业填报", "stated by the company"
_DEMAND_ZH, _DEMAND_EN = "本次需求", "this demand"
_FILED_ZH, _FILED_EN = "企业登记信息", "company registration"
_BOOKS_ZH, _BOOKS_EN = "财务报表", "financial statements"
_CREDIT_ZH, _CREDIT_EN = "征信（须有授权）", "credit information (with consent)"


def _field(name: str, kind: Kind, zh: str, en: str, where: tuple[str, str], **rest: object) -> Field:
    about = "demand" if where[0] == _DEMAND_ZH else "company"
    reach = Reach.DEMAND if about == "demand" else Reach.COMPANY
    return Field(name, kind, zh, en, about, *where, **{"reach": reach, **rest})  # type: ignore[arg-type]


_FILED = (_FILED_ZH, _FILED_EN)
_BOOKS = (_BOOKS_ZH, _BOOKS_EN)
_CREDIT = (_CREDIT_ZH, _CREDIT_EN)
_SAID = (_COMPANY_ZH, _COMPANY_EN)
_ASKED = (_DEMAND_ZH, _DEMAND_EN)
_LISTED = ("省级部门发布的名单", "lists published by the provinces")
_MOVED = ("铁路、海关和多式联运记录", "rail, customs and multimodal records")

_ALL: Final = (
    # The company
    _field("territory", Kind.TREE, "注册地", "place of registration", _FILED, unit="a GB/T 2260 code of six digits",
           pattern=r"[1-9]\d{5}", reach=Reach.FIXED, examples=CORRIDOR),
    _field("country", Kind.CODE, "国家或地区", "country or region", _FILED, unit="an ISO 3166-1 code of two letters",
           pattern=r"[A-Z]{2}", reach=Reach.FIXED, examples=("CN", "VN", "TH", "MY", "SG", "KZ")),
    _field("industry", Kind.TREE, "行业", "industry", _FILED,
           unit="a GB/T 4754 code: section letter, then up to four digits", pattern=r"[A-T](\d{2,4})?",
           reach=Reach.FIXED, examples=tuple("ABCDEFGHIJKLMNOPQRST")),
    _field("size", Kind.CODE, "企业规模", "enterprise size", ("按统计办法计算", "computed by the statistical method"),
           codes=SIZES, ordered=True, reach=Reach.FIXED),
    _field("founded_on", Kind.DATE, "成立日期", "founded on", _FILED, unit="day", reach=Reach.FIXED),
    _field("age_months", Kind.COUNT, "成立月数", "age", _FILED, unit="months", reach=Reach.TIME, highest=12_000),
    _field("revenue_minor", Kind.MONEY, "上年营业收入", "revenue of last year", _BOOKS, unit="CNY_minor",
           reach=Reach.TIME),
    _field("assets_minor", Kind.MONEY, "资产总额", "total assets", _BOOKS, unit="CNY_minor", reach=Reach.TIME),
    _field("employees", Kind.COUNT, "从业人员", "employees", _SAID, unit="people", highest=10_000_000),
    _field("export_share_bp", Kind.SHARE, "出口收入占比", "share of exports in revenue", _BOOKS, unit="bp",
           reach=Reach.TIME, highest=10_000),
    _field("debt_ratio_bp", Kind.SHARE, "资产负债率", "debt to assets", _BOOKS, unit="bp", reach=Reach.TIME,
           highest=1_000_000),
    _field("existing_loans_minor", Kind.MONEY, "现有贷款余额", "loans outstanding", _CREDIT, unit="CNY_minor"),
    _field("credit_grade", Kind.CODE, "信用等级", "credit grade", ("评级机构或银行", "rating agency or bank"),
           codes=GRADES, ordered=True, reach=Reach.TIME),
    _field("overdue", Kind.FLAG, "当前有逾期", "has overdue debts", _CREDIT),
    _field("dishonest", Kind.FLAG, "被列入失信名单", "listed as dishonest",
           ("失信被执行人名单", "list of dishonest debtors"), reach=Reach.TIME),
    _field("abnormal", Kind.FLAG, "被列入经营异常名录", "listed as abnormal", _FILED),
    _field("lists", Kind.SET, "所在名单", "lists it stands on", _LISTED, codes=LISTS),
    _field("corridor_shipments_12m", Kind.COUNT, "近十二个月通道运单数", "corridor shipments in twelve months", _MOVED,
           unit="shipments", reach=Reach.TIME, highest=10_000_000),
    _field("innovation_points", Kind.COUNT, "创新积分", "innovation points",
           ("创新积分评价", "innovation-point scoring"), unit="points", reach=Reach.TIME, highest=1_000),
    _field("tech_sme", Kind.FLAG, "科技型中小企业", "technology SME",
           ("科技部门入库信息", "register of technology SMEs"), reach=Reach.TIME),
    _field("private", Kind.FLAG, "民营企业", "privately owned", _FILED, reach=Reach.FIXED),
    _field("first_loan", Kind.FLAG, "首贷户", "first-time borrower", _CREDIT, reach=Reach.FIXED),
    # The demand
    _field("purpose", Kind.CODE, "用途", "purpose", _ASKED, codes=PURPOSES),
    _field("amount_minor", Kind.MONEY, "申请金额", "amount asked", _ASKED, unit="minor"),
    _field("amount_cny_minor", Kind.MONEY, "申请金额折人民币", "amount asked, in yuan", _ASKED, unit="CNY_minor"),
    _field("currency", Kind.CODE, "币种", "currency", _ASKED, codes=CURRENCIES),
    _field("tenor_days", Kind.COUNT, "期限", "tenor", _ASKED, unit="days", highest=36_525),
    _field("needed_by", Kind.DATE, "最迟用款日", "needed by", _ASKED, unit="day"),
    _field("rate_cap_bp", Kind.SHARE, "可接受年利率上限", "highest yearly rate accepted", _ASKED, unit="bp",
           highest=10_000),
    _field("collateral", Kind.SET, "可提供的担保", "collateral at hand", _ASKED, codes=COLLATERAL),
    _field("green", Kind.FLAG, "绿色用途", "green purpose", _ASKED),
)  # fmt: skip

#: name → Field, in the order in which forms show them.
FIELDS: Final[Mapping[str, Field]] = MappingProxyType({f.name: f for f in _ALL})
