"""What matching decides without a database: what a demand may say, how products are ranked, why an institution refuses.

The arithmetic of the ranking is worked through in docs/algorithms/ranking.md. All scores are whole hundredths of a
point; nobody can pay for a place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any, Final

from luhai.core.rules.fields import COLLATERAL, PURPOSES
from luhai.kernel.money import EXPONENT, MAX_MINOR, Currency
from luhai.kernel.refusal import Invalid


@dataclass(frozen=True, slots=True)
class Label:
    zh: str
    en: str


#: What a company may ask the ranking to look at first.
OBJECTIVES: Final[Mapping[str, Label]] = MappingProxyType({
    "price": Label("价格优先", "lowest price"),
    "fit": Label("金额与期限最合适", "best fit of amount and tenor"),
    "speed": Label("答复最快、最守时", "fastest answers, promises kept"),
    "collateral": Label("现有担保最合用", "collateral at hand"),
})  # fmt: skip

#: The parts of a score, in order; each is worth 0 to 1,000 points.
PARTS: Final = tuple(OBJECTIVES)
#: In hundredths: the objective chosen counts 70, each other part 10.
CHOSEN: Final = 70
OTHERS: Final = 10

#: Why an institution says no. A closed list, so that refusals can be counted and compared.
REFUSALS: Final[Mapping[str, Label]] = MappingProxyType({
    "credit_insufficient": Label("信用状况未达到要求", "credit standing does not suffice"),
    "cash_flow_insufficient": Label("还款来源不足", "cash flow does not carry the debt"),
    "collateral_insufficient": Label("担保不足或不合格", "collateral does not suffice"),
    "documents_incomplete": Label("材料不齐或无法核实", "documents are missing or cannot be verified"),
    "purpose_unsupported": Label("用途不符合规定", "the purpose cannot be financed"),
    "trade_background_doubtful": Label("贸易背景无法核实", "the underlying trade cannot be verified"),
    "industry_limit": Label("行业限额或准入限制", "limit or exclusion of the industry"),
    "exposure_limit": Label("集中度或授信限额已满", "exposure limit reached"),
    "outside_region": Label("超出服务区域", "outside the region served"),
    "existing_overdue": Label("存在逾期或不良记录", "overdue or bad debts"),
    "compliance": Label("合规、制裁或反洗钱原因", "compliance, sanctions or money laundering"),
    "terms_not_agreed": Label("条件未达成一致", "terms could not be agreed"),
    "company_unreachable": Label("无法联系企业", "the company could not be reached"),
    "funded_elsewhere": Label("企业已另行融资", "the company is funded elsewhere"),
    "other": Label("其他（须说明）", "other (to be explained)"),
})  # fmt: skip

#: A demand stays open so many days unless a date by which the money is needed comes first.
OPEN_DAYS: Final = 90
#: So many of the best products are kept as matches; the rest of the shelf can still be asked why not.
MOST_PROPOSED: Final = 30
#: A demand lies with so many institutions at once, at the most.
MOST_ASKED: Final = 3
