"""What a criterion may ask about: the facts of a company and of its demand, and of a payment, each with a kind, a unit and a label.

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
    about: str  # "company", "demand" or "payment"
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

#: name → Field, in the order in which forms show them: what products, measures and demands may name.
FIELDS: Final[Mapping[str, Field]] = MappingProxyType({f.name: f for f in _ALL})

DIRECTORY: Final = _codes(
    ("A", "A类", "class A"),
    ("B", "B类", "class B"),
    ("C", "C类", "class C"),
    ("none", "不在名录", "not in the directory"),
)
TIERS: Final = _codes(("1", "一类", "grade 1"), ("2", "二类", "grade 2"), ("3", "三类", "grade 3"))
NAMED: Final = _codes(
    ("same", "一致", "the same"),
    ("alias", "登记的另一名称", "another registered name"),
    ("near", "仅组织形式或缩写不同", "the same but for its legal form or its length"),
    ("different", "不一致", "another name"),
)
#: What carries the goods: as the registry of titles knows the document, else by the form in which it came.
CARRIED: Final = _codes(
    ("rail", "铁路运单或提单", "rail note or bill"),
    ("rail_sea", "铁海联运提单", "rail-and-sea bill"),
    ("multimodal", "多式联运单证", "multimodal document"),
    ("sea", "海运单证", "sea document"),
    ("other", "其他运输单证", "another transport document"),
)
TITLED: Final = _codes(
    ("live", "有效", "live"),
    ("delivered", "已凭以提货", "goods delivered against it"),
    ("paper", "已转为纸质", "turned into paper"),
    ("frozen", "已冻结", "frozen"),
    ("void", "已作废或已拆分合并", "void, split or merged"),
)


def _paid(name: str, kind: Kind, zh: str, en: str, where: tuple[str, str], **rest: object) -> Field:
    return Field(name, kind, zh, en, "payment", *where, **{"reach": Reach.FIXED, **rest})  # type: ignore[arg-type]


_ON_PAPERS = ("随附单证", "papers of the payment")
_REMITTED = ("汇款报文", "payment message")
_REGISTERED = ("单证登记簿", "register of evidence")
_GRADED = ("银行对客户的分类", "the bank's grade of its customer")
_TITLES = ("权利登记簿", "registry of titles")
_AT_SAFE = ("外汇局系统（未接入）", "system of SAFE (not connected)")
#: Shares of more than this are this.
MOST_BP: Final = 1_000_000

_PAYMENTS: Final = (
    _paid("customer_tier", Kind.CODE, "客户分类", "grade of the customer", _GRADED, codes=TIERS, ordered=True),
    _paid("directory_class", Kind.CODE, "名录分类", "class in the directory", _GRADED, codes=DIRECTORY),
    _paid("quota_enough", Kind.FLAG, "B类可收付汇额度足够", "available amount of class B suffices", _AT_SAFE),
    _paid("registered_before", Kind.FLAG, "C类逐笔事前登记", "registered beforehand (class C)", _AT_SAFE),
    _paid("has_contract", Kind.FLAG, "有有效合同", "a valid contract is at hand", _ON_PAPERS),
    _paid("has_invoice", Kind.FLAG, "有有效发票", "a valid invoice is at hand", _ON_PAPERS),
    _paid("has_declaration", Kind.FLAG, "有有效报关单", "a valid customs declaration is at hand", _ON_PAPERS),
    _paid("has_transport", Kind.FLAG, "有有效运输单证", "a valid transport document is at hand", _ON_PAPERS),
    _paid("papers_live", Kind.FLAG, "随附单证均未撤销", "none of the papers was taken back", _REGISTERED),
    _paid("declarations_live", Kind.FLAG, "报关单均未撤销", "no declaration was cancelled", _REGISTERED),
    _paid("declarations_open", Kind.FLAG, "报关单均有结算余额", "each declaration still has room", _REGISTERED),
    _paid("declaration_ours", Kind.FLAG, "报关单经营单位为本企业", "the company is the declaring unit", _ON_PAPERS),
    _paid("declaration_released", Kind.FLAG, "报关单已放行", "the declaration was released", _ON_PAPERS),
    _paid("within_declaration", Kind.FLAG, "不超过报关单结算余额", "within what the declaration leaves", _REGISTERED),
    _paid("counterparty_name", Kind.CODE, "境外收付款人与单证", "counterparty against the papers", _ON_PAPERS, codes=NAMED),
    _paid("own_name", Kind.CODE, "境内收付款人与企业", "own side against the company", _REMITTED, codes=NAMED),
    _paid("currency_same", Kind.FLAG, "币种一致", "the papers are in the currency of the payment", _ON_PAPERS),
    _paid("invoice_amount_known", Kind.FLAG, "发票金额可比", "the invoices can be compared with the payment", _ON_PAPERS),
    _paid("over_invoice_bp", Kind.SHARE, "超出发票金额的比例", "beyond the invoices", _ON_PAPERS, unit="bp", highest=MOST_BP),
    _paid("under_invoice_bp", Kind.SHARE, "低于发票金额的比例", "below the invoices", _ON_PAPERS, unit="bp", highest=MOST_BP),
    _paid("over_contract_bp", Kind.SHARE, "超出合同金额的比例", "beyond the contracts", _ON_PAPERS, unit="bp", highest=MOST_BP),
    _paid("over_declaration_bp", Kind.SHARE, "超出报关金额的比例", "beyond the declared value", _ON_PAPERS, unit="bp",
          highest=MOST_BP),
    _paid("contract_share_bp", Kind.SHARE, "占合同金额的比例", "share of the contracts", _ON_PAPERS, unit="bp",
          highest=MOST_BP),
    _paid("invoice_unused", Kind.FLAG, "发票未用于其他收付", "the invoices are not used up", _REGISTERED),
    _paid("invoices_named", Kind.FLAG, "附言所列发票均在单证中", "the invoices of the remittance are among the papers", _ON_PAPERS),
    _paid("days_out_of_order", Kind.COUNT, "单证日期颠倒天数", "days by which the papers are out of order", _ON_PAPERS,
          unit="days", highest=36_525),
    _paid("days_paid_early", Kind.COUNT, "早于报关的天数", "days paid before the declaration", _ON_PAPERS, unit="days",
          highest=36_525),
    _paid("deferred_days", Kind.COUNT, "报关至收付的天数", "days from the declaration to the payment", _ON_PAPERS, unit="days",
          highest=36_525),
    _paid("country_same", Kind.FLAG, "收付款国别与单证一致", "the country is that of the papers", _ON_PAPERS),
    _paid("transport_linked", Kind.FLAG, "运输单证与报关单为同一批货物", "transport document and declaration are of the same goods",
          _REGISTERED),
    _paid("transport_invoiced", Kind.FLAG, "运输单证与发票或合同为同一批货物",
          "transport document and invoice or contract are of the same goods", _REGISTERED),
    _paid("transport_forms", Kind.SET, "运输单证种类", "kinds of transport documents", _REGISTERED, codes=CARRIED),
    _paid("title_state", Kind.CODE, "权利单证状态", "what became of the document of title", _TITLES, codes=TITLED),
    _paid("transport_route", Kind.SET, "运输途经的通道省份", "territories through which the goods are carried", _REGISTERED,
          unit="GB/T 2260 codes of six digits", pattern=r"[1-9]\d{5}", examples=CORRIDOR),
    _paid("transport_unused", Kind.FLAG, "运输单证未用于其他结算", "the transport document has served no other settlement", _REGISTERED),
    _paid("transport_ours", Kind.FLAG, "运输单证载明本企业", "the transport document names the company", _ON_PAPERS),
    _paid("transport_from_carrier", Kind.FLAG, "运输单证由承运人系统提供", "the carrier's own system delivered the transport document",
          _REGISTERED),
    _paid("transport_days", Kind.COUNT, "运输单证签发至收付的天数", "days from the transport document to the payment", _ON_PAPERS,
          unit="days", highest=36_525),
    _paid("original_known", Kind.FLAG, "原收付款已注明", "the original payment is named", _REMITTED),
    _paid("refund_days", Kind.COUNT, "距原收付款天数", "days since the original payment", _REMITTED, unit="days", highest=36_525),
)  # fmt: skip

#: name → Field: what only the check of a payment may name (settlement/checks). Products and demands know `FIELDS` alone.
PAYMENT_FIELDS: Final[Mapping[str, Field]] = MappingProxyType({f.name: f for f in _PAYMENTS})
#: Both, for whoever judges or words a criterion that was read already.
EVERY_FIELD: Final[Mapping[str, Field]] = MappingProxyType({**FIELDS, **PAYMENT_FIELDS})
