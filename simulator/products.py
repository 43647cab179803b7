"""Products of the invented institutions, each carrying out measures of the opinion on the corridor (articles 5–7).

A product is one of the patterns below with the terms of the institution that offers it. Criteria are data in the form
of the rules catalogue: groups {"all": [...]} and {"any": [...]}, nested, with leaves {field, op, value, measure}.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Final
from uuid import UUID, uuid5

from simulator.chance import Roll, one
from simulator.companies import NAMESPACE
from simulator.institutions import Institution, Institutions

Criterion = dict[str, Any]
WAN: Final = 1_000_000  # 万元 in fen
BORDER: Final = ("450000", "530000", "150000", "540000", "650000")  # article 7: mutual-market trade
BANKS: Final = ("policy_bank", "big_bank", "joint_stock_bank", "city_bank", "rural_bank")
COMMERCIAL: Final = BANKS[1:]
SMALL_SIZES: Final = ["medium", "small", "micro"]
LOGISTICS: Final = ["G54", "G55", "G58", "G59"]
TRADE: Final = ["F51", "F52"]

#: Papers a company brings, by the code that a product lists.
DOCUMENTS: Final = (
    "business_licence", "financial_statements", "tax_returns", "credit_consent", "trade_contract", "invoices",
    "customs_declaration", "transport_document", "warehouse_receipt", "receivable_confirmation", "registry_extract",
    "insurance_policy", "vessel_certificate", "concession_agreement", "project_approval", "discounted_bill",
    "park_recommendation",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    """One product on the shelf. Money is in minor units of `currency`; prices are yearly, in basis points."""

    id: UUID
    number: int
    institution_id: UUID
    code: str
    kind: str  # loan, discount, leasing, insurance, guarantee, settlement
    name_zh: str
    name_en: str
    summary_zh: str
    summary_en: str
    criteria: Criterion
    currency: str
    amount_min_minor: int
    amount_max_minor: int
    tenor_min_days: int
    tenor_max_days: int
    price_min_bp: int
    price_max_bp: int
    collateral: tuple[str, ...]
    purposes: tuple[str, ...]
    territories: tuple[str, ...]
    documents: tuple[str, ...]
    promise_hours: int  # working hours until the first answer
    measures: tuple[str, ...]
    valid_from: str


def is_(field: str, value: object, measure: str | None = None) -> Criterion:
    return leaf(field, "is", value, measure)


def at_least(field: str, value: object, measure: str | None = None) -> Criterion:
    return leaf(field, "at_least", value, measure)


def at_most(field: str, value: object, measure: str | None = None) -> Criterion:
    return leaf(field, "at_most", value, measure)


def leaf(field: str, op: str, value: object, measure: str | None = None) -> Criterion:
    return {"field": field, "op": op, "value": value} | ({"measure": measure} if measure else {})


def any_of(*criteria: Criterion) -> Criterion:
    return {"any": list(criteria)}


@dataclass(frozen=True, slots=True)
class Pattern:
    """What every bank's version of a product has in common. Amounts are in 万元, tenors in days, prices in bp."""

    key: str
    kind: str
    offered_by: tuple[str, ...]
    zh: str
    en: str
    summary_zh: str
    summary_en: str
    measures: tuple[str, ...]
    amount: tuple[int, int]
    tenor: tuple[int, int]
    price: tuple[int, int]
    collateral: tuple[str, ...]
    purposes: tuple[str, ...]
    documents: tuple[str, ...]
    criteria: Callable[[Roll], list[Criterion]]
    territories: tuple[str, ...] = ()  # empty: wherever the institution is
    weight: int = 1  # how likely it is to be on a short shelf


def _sound(roll: Roll) -> list[Criterion]:
    """What every lender asks."""
    asked = [is_("dishonest", False), is_("overdue", False)]
    if roll.chance("product.asks.abnormal", 600):
        asked.append(is_("abnormal", False))
    if roll.chance("product.asks.age", 600):
        asked.append(at_least("age_months", roll.pick("product.age", (6, 6, 12, 12, 24))))
    if roll.chance("product.asks.debt", 450):
        asked.append(at_most("debt_ratio_bp", roll.pick("product.debt", (7_000, 7_500, 8_000, 8_500))))
    return asked


def _grade(roll: Roll, best: tuple[str, ...] = ("BBB", "BB", "B", "CCC")) -> Criterion:
    return at_least("credit_grade", roll.pick("product.grade", best))


def _revenue(roll: Roll, *wan: int) -> Criterion:
    return at_least("revenue_minor", roll.pick("product.revenue", wan) * WAN)


def _ships(roll: Roll, measure: str, *counts: int) -> Criterion:
    return at_least("corridor_shipments_12m", roll.pick("product.shipments", counts), measure)


PATTERNS: Final = (
    Pattern(
        "corridor", "loan", BANKS, "陆海新通道贷", "Land-Sea Corridor Loan",
        "面向通道沿线物流、贸易和产业企业的经营贷款，看名单，也看通道运单。",
        "Working capital for firms that move goods on the corridor; a place on a list or a record of shipments counts.",
        ("M05-04", "M05-05"), (10, 3_000), (30, 1_095), (300, 460),
        ("credit", "receivable", "transport_document", "guarantee", "real_estate"),
        ("working_capital", "freight", "purchase_import", "export_production", "technology", "equipment"),
        ("business_licence", "financial_statements", "credit_consent", "transport_document"),
        lambda r: [
            *_sound(r), _revenue(r, 30, 50, 100, 300), _grade(r),
            any_of(
                leaf("lists", "includes_any", ["corridor_enterprise", "key_logistics"], "M05-04"),
                _ships(r, "M05-05", 2, 4, 8, 12),
            ),
        ],
        weight=4,
    ),
    Pattern(
        "settle", "loan", BANKS, "招企贷", "Settle-In Loan",
        "支持落户沿线的支柱、特色和战略性新兴产业企业建厂投产。",
        "For firms of pillar, speciality and emerging industries that settle along the corridor and start production.",
        ("M06-01", "M06-02", "M06-03"), (30, 8_000), (90, 1_825), (290, 430),
        ("real_estate", "equipment", "guarantee", "equity"),
        ("equipment", "technology", "working_capital", "green_transition"),
        ("business_licence", "financial_statements", "credit_consent", "park_recommendation"),
        lambda r: [
            *_sound(r), leaf("industry", "within", ["C", "I"], "M06-01"),
            at_most("age_months", r.pick("product.settled", (36, 60, 84, 120)), "M06-02"),
            at_least("employees", r.pick("product.staff", (5, 10, 20))), _grade(r),
        ],
    ),
    Pattern(
        "export", "loan", COMMERCIAL, "出口E融", "Export E-Finance",
        "凭出口报关和收汇记录在线申请，随报随批。",
        "Applied for online on the record of export declarations and receipts.",
        ("M07-02", "M07-03"), (10, 1_000), (30, 365), (310, 480), ("credit", "credit_insurance", "export_rebate"),
        ("export_production", "working_capital"),
        ("business_licence", "customs_declaration", "credit_consent"),
        lambda r: [
            *_sound(r), at_least("export_share_bp", r.pick("product.exports", (1_000, 2_000, 3_000, 5_000)), "M07-02"),
            _revenue(r, 20, 50, 100),
            any_of(
                leaf("lists", "includes_any", ["foreign_trade_white", "advanced_aeo"], "M07-03"),
                _ships(r, "M07-03", 2, 4, 8),
            ),
        ],
        weight=3,
    ),
    Pattern(
        "single_document", "loan", COMMERCIAL, "铁海联运“一单制”融资", "Rail-Sea Single-Document Finance",
        "以铁海联运“一单制”运输单证为担保，货到即还。",
        "Secured on the single rail-sea transport document; repaid when the goods arrive.",
        ("M05-08", "M05-09", "M05-12"), (5, 2_000), (15, 180), (300, 450), ("transport_document",),
        ("purchase_import", "freight", "export_production"),
        ("transport_document", "trade_contract", "invoices", "insurance_policy", "credit_consent"),
        lambda r: [
            *_sound(r), leaf("collateral", "includes_any", ["transport_document"], "M05-09"),
            _ships(r, "M05-08", 1, 2, 4), _grade(r, ("BB", "B", "CCC")),
        ],
        weight=3,
    ),
    Pattern(
        "logistics_line", "loan", COMMERCIAL, "通道物流综合授信", "Corridor Logistics Credit Line",
        "为物流企业一次核定额度，贷款、票据、保函通用。",
        "One line for a logistics firm, usable for loans, bills and guarantees.",
        ("M05-02", "M05-06"), (20, 5_000), (30, 1_095), (310, 450),
        ("receivable", "equipment", "guarantee", "credit", "real_estate"),
        ("working_capital", "freight", "vehicles", "guarantee_letter"),
        ("business_licence", "financial_statements", "credit_consent", "trade_contract"),
        lambda r: [
            *_sound(r), leaf("industry", "within", LOGISTICS, "M05-02"),
            leaf("size", "one_of", SMALL_SIZES, "M05-02"), _revenue(r, 50, 100, 300),
            _ships(r, "M05-06", 4, 8, 12), _grade(r),
        ],
        weight=3,
    ),
    Pattern(
        "revolving", "loan", COMMERCIAL, "运费随借随还", "Freight Draw-and-Repay",
        "额度内随借随还，按日计息，专付运费。",
        "Draw and repay at will within the line; interest by the day; for freight only.",
        ("M05-07", "M05-02"), (5, 500), (7, 365), (330, 520), ("credit", "receivable", "guarantee"),
        ("freight", "working_capital"), ("business_licence", "credit_consent", "transport_document"),
        lambda r: [
            *_sound(r), leaf("industry", "within", ["G"], "M05-02"), leaf("size", "one_of", ["small", "micro"], "M05-02"),
            _ships(r, "M05-07", 3, 6, 12), at_most("amount_cny_minor", 500 * WAN),
        ],
        weight=2,
    ),
    Pattern(
        "bill_discount", "discount", COMMERCIAL, "物流票据秒贴", "Logistics Bill Discount",
        "中小微物流企业持有的商业汇票，在线贴现。",
        "Commercial bills held by small logistics firms, discounted online.",
        ("M05-03",), (5, 2_000), (7, 180), (120, 300), ("bill",), ("working_capital", "freight"),
        ("business_licence", "discounted_bill", "trade_contract", "invoices"),
        lambda r: [
            is_("dishonest", False), is_("abnormal", False), leaf("collateral", "includes_any", ["bill"], "M05-03"),
            leaf("industry", "within", LOGISTICS, "M05-03"), leaf("size", "one_of", SMALL_SIZES, "M05-03"),
        ],
    ),
    Pattern(
        "receivable", "loan", COMMERCIAL, "通道应收账款融资", "Corridor Receivables Finance",
        "核心商贸企业在平台确权后，上游企业凭应收账款融资。",
        "Suppliers borrow on receivables that a core trading firm has confirmed on the receivables platform.",
        ("M06-09", "M07-05"), (5, 3_000), (30, 365), (300, 440), ("receivable",),
        ("working_capital", "export_production", "purchase_import"),
        ("receivable_confirmation", "trade_contract", "invoices", "credit_consent"),
        lambda r: [
            *_sound(r), leaf("collateral", "includes_any", ["receivable"], "M06-09"), _revenue(r, 50, 100, 300),
            leaf("industry", "within", ["C", "F", "G"], "M07-05"), _grade(r, ("BB", "B", "CCC")),
        ],
        weight=3,
    ),
    Pattern(
        "warehouse_receipt", "loan", COMMERCIAL, "仓单质押融资", "Warehouse-Receipt Finance",
        "以登记在册的仓单出质，按市价动态核定额度。",
        "Secured on registered warehouse receipts; the amount follows their market value.",
        ("M06-12", "M06-07"), (10, 5_000), (30, 365), (320, 460), ("warehouse_receipt",),
        ("working_capital", "purchase_import"), ("warehouse_receipt", "registry_extract", "insurance_policy"),
        lambda r: [
            *_sound(r), leaf("collateral", "includes_any", ["warehouse_receipt"], "M06-12"),
            _revenue(r, 100, 300, 800), _grade(r),
            leaf("industry", "within", r.pick("product.goods", (["A", "C", "F"], ["C", "F"], ["C", "F", "G"]))),
        ],
    ),
    Pattern(
        "order", "loan", COMMERCIAL, "订单融资", "Purchase-Order Finance",
        "凭真实出口或内贸订单，备货期融资。",
        "Financing of production on a firm order, at home or abroad.",
        ("M06-11",), (5, 2_000), (30, 365), (320, 470), ("credit", "guarantee", "credit_insurance"),
        ("export_production", "working_capital"), ("trade_contract", "credit_consent", "tax_returns"),
        lambda r: [
            *_sound(r), leaf("purpose", "one_of", ["export_production", "working_capital"], "M06-11"),
            leaf("industry", "within", ["A", "C", "F"]), _revenue(r, 50, 100, 200), _grade(r),
        ],
        weight=3,
    ),
    Pattern(
        "concession", "loan", ("policy_bank", "big_bank", "joint_stock_bank"), "特许经营权质押贷款", "Concession-Right Loan",
        "以港口、场站、园区的特许经营收益权出质。",
        "Secured on the income of a concession in a port, yard or park.",
        ("M06-10",), (1_000, 30_000), (730, 3_650), (280, 400), ("equity", "guarantee", "real_estate"),
        ("infrastructure", "warehouse_build"), ("concession_agreement", "project_approval", "financial_statements"),
        lambda r: [
            *_sound(r), leaf("industry", "within", ["G", "L", "D", "E"], "M06-10"),
            leaf("size", "at_least", "medium"), at_least("assets_minor", r.pick("product.assets", (5_000, 8_000, 15_000)) * WAN),
            _grade(r, ("AA", "A", "BBB")),
        ],
    ),
    Pattern(
        "movables", "loan", COMMERCIAL, "动产抵押贷", "Movables Loan",
        "设备、存货统一登记公示后抵押，登记即生效。",
        "Secured on equipment and stock entered in the unified registry of movables.",
        ("M06-07", "M06-08"), (10, 3_000), (60, 1_095), (330, 480), ("equipment", "inventory"),
        ("working_capital", "equipment", "vehicles"), ("registry_extract", "financial_statements", "credit_consent"),
        lambda r: [
            *_sound(r), leaf("collateral", "includes_any", ["equipment", "inventory"], "M06-08"),
            at_least("assets_minor", r.pick("product.assets", (200, 500, 1_000)) * WAN), _grade(r),
            leaf("size", "one_of", SMALL_SIZES),
        ],
        weight=2,
    ),
    Pattern(
        "park", "loan", ("policy_bank", "big_bank", "joint_stock_bank", "city_bank"), "园区综合授信", "Park Credit Line",
        "对通道产业园整体授信，园内企业按推荐用信。",
        "A line for a whole corridor park, drawn by its firms on the park's recommendation.",
        ("M06-05",), (20, 10_000), (60, 1_825), (290, 420), ("guarantee", "real_estate", "credit"),
        ("working_capital", "equipment", "warehouse_build", "technology"),
        ("park_recommendation", "financial_statements", "credit_consent"),
        lambda r: [
            *_sound(r), any_of(
                leaf("lists", "includes_any", ["corridor_enterprise", "logistics_park"], "M06-05"),
                leaf("industry", "within", ["L72", "G59"], "M06-05"),
            ),
            at_least("employees", r.pick("product.staff", (10, 20, 50))), _revenue(r, 300, 1_000), _grade(r),
        ],
    ),
    Pattern(
        "supply_chain", "loan", COMMERCIAL, "通道供应链贷", "Corridor Supply-Chain Loan",
        "依托真实产业链交易，规范开展供应链金融。",
        "Finance on real trade within a chain of suppliers, by the rules for supply-chain finance.",
        ("M06-06",), (5, 2_000), (30, 365), (300, 450), ("receivable", "credit", "inventory"),
        ("working_capital", "purchase_import", "export_production"), ("trade_contract", "invoices", "credit_consent"),
        lambda r: [
            *_sound(r), leaf("industry", "within", ["A", "C", "F", "G"], "M06-06"), _revenue(r, 100, 200, 500),
            _ships(r, "M06-06", 1, 2, 4), leaf("size", "one_of", SMALL_SIZES),
        ],
        weight=3,
    ),
    Pattern(
        "small_trade", "loan", COMMERCIAL, "商贸小微贷", "Small-Trader Loan",
        "面向中小微商贸流通企业，降成本、简手续。",
        "For small wholesale and retail firms: cheaper, with fewer papers.",
        ("M07-01", "M07-04"), (5, 300), (30, 730), (300, 430), ("credit", "guarantee"),
        ("working_capital", "purchase_import"), ("business_licence", "credit_consent"),
        lambda r: [
            *_sound(r), leaf("industry", "within", TRADE, "M07-01"),
            leaf("size", "one_of", SMALL_SIZES, "M07-01"), at_most("existing_loans_minor", r.pick("product.loans", (300, 500, 800)) * WAN),
            at_most("amount_cny_minor", 300 * WAN),
        ],
        weight=3,
    ),
    Pattern(
        "first_loan", "loan", ("city_bank", "rural_bank", "joint_stock_bank"), "商贸首贷通", "First Loan for Traders",
        "为没有贷过款的商贸和物流小微企业准备的第一笔贷款。",
        "The first loan of a small trading or logistics firm.",
        ("M07-01", "M07-03"), (3, 200), (30, 365), (340, 500), ("credit", "guarantee"),
        ("working_capital", "freight", "purchase_import"), ("business_licence", "credit_consent", "tax_returns"),
        lambda r: [
            is_("dishonest", False), is_("abnormal", False), is_("first_loan", True, "M07-01"),
            leaf("size", "one_of", ["small", "micro"], "M07-01"), leaf("industry", "within", ["F", "G"], "M07-01"),
            at_least("age_months", r.pick("product.age", (6, 12))),
        ],
        weight=2,
    ),
    Pattern(
        "import_lc", "loan", ("big_bank", "joint_stock_bank", "city_bank"), "进口信用证押汇", "Import Bill Advance",
        "信用证项下进口押汇，支持东盟和中亚大宗商品进口。",
        "Advances on import letters of credit for commodities from ASEAN and Central Asia.",
        ("M07-02",), (10, 5_000), (30, 180), (260, 400), ("deposit", "transport_document", "credit"),
        ("purchase_import", "guarantee_letter"), ("trade_contract", "transport_document", "customs_declaration"),
        lambda r: [
            *_sound(r), leaf("purpose", "one_of", ["purchase_import", "guarantee_letter"], "M07-02"),
            _revenue(r, 100, 300, 1_000), _grade(r, ("A", "BBB", "BB")),
            any_of(leaf("industry", "within", ["F51"], "M07-02"), _ships(r, "M07-02", 2, 4, 8)),
        ],
    ),
    Pattern(
        "technology", "loan", COMMERCIAL, "通道科创贷", "Corridor Technology Loan",
        "看创新积分，支持战略性新兴产业借通道出海。",
        "Looks at innovation points; for emerging industries that go abroad over the corridor.",
        ("M06-03",), (10, 3_000), (90, 1_095), (280, 400), ("intellectual_property", "credit", "equity"),
        ("technology", "equipment", "working_capital"), ("business_licence", "financial_statements", "credit_consent"),
        lambda r: [
            *_sound(r), any_of(
                is_("tech_sme", True, "M06-03"),
                at_least("innovation_points", r.pick("product.points", (50, 60, 70)), "M06-03"),
            ),
            leaf("industry", "within", ["C", "I", "M"], "M06-03"), _revenue(r, 20, 50, 100),
        ],
        weight=2,
    ),
    Pattern(
        "digital", "loan", COMMERCIAL, "数字产业集群贷", "Digital Cluster Loan",
        "支持沿线数字产业集群企业。",
        "For firms of the digital clusters along the corridor.",
        ("M06-04",), (30, 2_000), (90, 1_095), (300, 430), ("intellectual_property", "credit", "guarantee"),
        ("technology", "working_capital"), ("business_licence", "financial_statements", "credit_consent"),
        lambda r: [
            *_sound(r), leaf("industry", "within", ["I", "C39"], "M06-04"), _revenue(r, 50, 100, 300),
            at_least("employees", r.pick("product.staff", (5, 10, 20))), _grade(r),
        ],
    ),
    Pattern(
        "hub", "loan", ("policy_bank", "big_bank"), "通道枢纽中长期贷款", "Hub Long-Term Loan",
        "支持物流枢纽、冷链和园区建设的中长期资金。",
        "Long money for hubs, cold chains and parks.",
        ("M05-04",), (300, 60_000), (730, 5_475), (260, 360), ("real_estate", "equipment", "guarantee"),
        ("warehouse_build", "infrastructure"), ("project_approval", "financial_statements", "credit_consent"),
        lambda r: [
            *_sound(r), leaf("industry", "within", ["G", "D", "E", "L72"], "M05-04"),
            leaf("size", "at_least", "medium"), any_of(
                leaf("lists", "includes_any", ["major_project", "key_logistics", "logistics_park"], "M05-04"),
                at_least("assets_minor", 20_000 * WAN),
            ),
            _grade(r, ("AA", "A", "BBB")),
        ],
        weight=2,
    ),
    Pattern(
        "mutual_market", "settlement", COMMERCIAL, "互市贸易代理付汇", "Mutual-Market Agent Payment",
        "边民互市贸易代理人集中付汇并配套垫款。",
        "Payment abroad by agents of border residents' trade, with a short advance.",
        ("M07-06",), (5, 500), (7, 90), (330, 480), ("deposit", "credit"), ("purchase_import",),
        ("business_licence", "trade_contract", "customs_declaration"),
        lambda r: [
            is_("dishonest", False), is_("abnormal", False), leaf("territory", "within", list(BORDER), "M07-06"),
            leaf("industry", "within", ["F", "A"], "M07-06"), _ships(r, "M07-06", 2, 4, 6),
        ],
        BORDER,
    ),
    Pattern(
        "ship_lease", "leasing", ("leasing",), "船舶融资租赁", "Ship Finance Lease",
        "江海直达和集装箱船舶的售后回租与直接租赁。",
        "Direct lease and sale-and-leaseback of river-sea and container vessels.",
        ("M05-16", "M05-13"), (500, 30_000), (1_095, 3_650), (350, 520), ("vessel", "guarantee"), ("vessel",),
        ("vessel_certificate", "financial_statements", "insurance_policy"),
        lambda r: [
            *_sound(r), leaf("industry", "within", ["G55"], "M05-16"), is_("purpose", "vessel", "M05-16"),
            at_least("age_months", r.pick("product.ship.age", (24, 36))), _grade(r),
        ],
    ),
    Pattern(
        "vehicle_lease", "leasing", ("leasing",), "箱体与车辆租赁", "Container and Vehicle Lease",
        "冷藏箱、集卡和新能源货车的融资租赁。",
        "Finance lease of reefer boxes, container trucks and electric lorries.",
        ("M05-05",), (20, 3_000), (365, 1_825), (360, 540), ("equipment", "guarantee"), ("vehicles", "equipment"),
        ("business_licence", "financial_statements", "credit_consent"),
        lambda r: [
            *_sound(r), leaf("industry", "within", LOGISTICS, "M05-05"),
            leaf("purpose", "one_of", ["vehicles", "equipment"], "M05-05"), _revenue(r, 100, 300),
        ],
    ),
    Pattern(
        "shipping_cover", "insurance", ("insurer",), "航运综合保险", "Shipping Cover",
        "船壳、运费和承运人责任一揽子保障。",
        "Hull, freight and carrier's liability in one policy.",
        ("M05-14", "M05-13"), (100, 50_000), (30, 365), (15, 90), ("credit",), ("freight", "vessel"),
        ("vessel_certificate", "business_licence"),
        lambda r: [
            is_("dishonest", False), leaf("industry", "within", ["G55", "G58"], "M05-14"),
            at_least("age_months", r.pick("product.age", (6, 12))), _ships(r, "M05-13", 2, 6, 12),
        ],
    ),
    Pattern(
        "cargo_cover", "insurance", ("insurer",), "“一单制”货运保险", "Single-Document Cargo Cover",
        "一张单证、一次投保、全程责任。",
        "One document, one policy, the whole way.",
        ("M05-12",), (5, 10_000), (7, 180), (8, 60), ("credit", "transport_document"),
        ("freight", "purchase_import", "export_production"), ("transport_document", "trade_contract"),
        lambda r: [
            is_("dishonest", False), _ships(r, "M05-12", 1, 2, 4), is_("abnormal", False),
            leaf("industry", "within", ["A", "C", "F", "G"], "M05-12"),
        ],
    ),
    Pattern(
        "guarantee", "guarantee", ("guarantee",), "通道商贸担", "Corridor Trade Guarantee",
        "政府性融资担保，降低商贸小微企业综合成本。",
        "A public guarantee that lowers what small traders pay in all.",
        ("M07-04", "M07-01"), (10, 1_000), (90, 1_095), (50, 100), ("guarantee", "credit"),
        ("working_capital", "purchase_import", "freight", "export_production"),
        ("business_licence", "financial_statements", "credit_consent"),
        lambda r: [
            *_sound(r), leaf("size", "one_of", ["small", "micro"], "M07-04"),
            leaf("industry", "within", ["A", "C", "F", "G"], "M07-01"), at_most("amount_cny_minor", 1_000 * WAN),
        ],
    ),
    Pattern(
        "logistics_guarantee", "guarantee", ("guarantee",), "小微物流担", "Small-Logistics Guarantee",
        "为小微物流企业贷款提供担保。",
        "A guarantee for the loans of small logistics firms.",
        ("M05-02",), (10, 500), (90, 730), (60, 120), ("guarantee", "credit"), ("freight", "vehicles", "working_capital"),
        ("business_licence", "credit_consent", "transport_document"),
        lambda r: [
            *_sound(r), leaf("industry", "within", LOGISTICS, "M05-02"),
            leaf("size", "one_of", SMALL_SIZES, "M05-02"), _ships(r, "M05-02", 6, 12),
        ],
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Products:
    """The products of the institutions of a corridor, dealt round so that every shelf holds about as many."""

    institutions: Institutions
    count: int
    as_of: date

    @cached_property
    def all(self) -> tuple[Product, ...]:
        offering = [i for i in self.institutions.all if i.kind != "partner_bank"]
        return tuple(
            self._product(number, offering[number % len(offering)], number // len(offering))
            for number in range(self.count)
        )

    def _product(self, number: int, institution: Institution, nth: int) -> Product:
        roll = one(self.institutions.seed, number)
        open_to = [
            p for p in PATTERNS
            if institution.kind in p.offered_by and (not p.territories or set(p.territories) & set(institution.territories))
        ]  # fmt: skip
        # Each institution goes through the patterns in an order of its own, the broad ones sooner as a rule.
        taste = one(self.institutions.seed, institution.number)
        open_to.sort(key=lambda p: (taste.between(f"product.pattern.{p.key}", 0, 2**30) // p.weight, p.key))
        issue, place = divmod(nth, len(open_to))
        pattern = open_to[place]
        low, high = pattern.amount
        shortest, longest = pattern.tenor
        cheapest, dearest = pattern.price
        price = roll.between("product.price.low", cheapest, (cheapest + dearest) // 2)
        territories = tuple(t for t in institution.territories if not pattern.territories or t in pattern.territories)
        brand = institution.trade_name
        return Product(
            id=uuid5(NAMESPACE, f"{self.institutions.seed}:product:{number}"),
            number=number,
            institution_id=institution.id,
            code=f"{pattern.key}-{institution.number:03d}-{issue + 1}",
            kind=pattern.kind,
            name_zh=f"{brand}·{pattern.zh}" + (f"（{issue + 1}号）" if issue else ""),
            name_en=f"{pattern.en}" + (f" No. {issue + 1}" if issue else ""),
            summary_zh=pattern.summary_zh,
            summary_en=pattern.summary_en,
            criteria={"all": pattern.criteria(roll)},
            currency="CNY",
            amount_min_minor=low * WAN,
            amount_max_minor=high * roll.between("product.amount.high", 5, 10) // 10 * WAN,
            tenor_min_days=shortest,
            tenor_max_days=longest * roll.between("product.tenor.high", 7, 10) // 10,
            price_min_bp=price,
            price_max_bp=roll.between("product.price.high", price + 5, dearest + 5),
            collateral=pattern.collateral,
            purposes=pattern.purposes,
            territories=territories,
            documents=pattern.documents,
            promise_hours=roll.pick("product.promise", (4, 8, 16, 24, 40)),
            measures=pattern.measures,
            valid_from=(self.as_of - timedelta(days=roll.between("product.age.days", 10, 300))).isoformat(),
        )
