"""What is counted, as data: each indicator with its names, unit, formula in words and the measures that ask for it.

What a definition may say stands in `core/indicators/definitions.py`. Amounts are never added across currencies, unless converted.
Nothing here computes: `queries` does it over facts, `core/indicators/engine.py` over files of them, and `recount` does it again over the
journal, by a way of its own.
Source: domain notes on oversight §1.4 (balance, new issuance, identity of stock and flow, weighted average rate, RMB share).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from luhai.core.indicators.definitions import Form, Indicator, digest

from .policy import Kind

__all__ = ["INDICATORS", "NOWHERE", "TOTAL", "Form", "Indicator", "digest"]

#: The territory of a total, and of what belongs to no territory of the corridor (SDMX: `_T` total, `_Z` not applicable).
TOTAL: Final = "_T"
NOWHERE: Final = "_Z"

_LOANS: Final = ("M11-06", "M13-05")
_GOODS: Final = ("M11-06", "M13-04", "M13-05")  # what rests on a transport document follows the goods, too

INDICATORS: Final = MappingProxyType(
    {
        i.key: i
        for i in (
            Indicator(
                "loans_drawn", "通道贷款发放额", "Corridor loans drawn", Form.FLOW, (Kind.DRAWN,), (), False,
                "当月放款本金之和。", "The principal of all draws paid out in the month.", _LOANS,
            ),
            Indicator(
                "loans_repaid", "通道贷款收回额", "Corridor loans repaid", Form.FLOW, (Kind.REPAID,), (), False,
                "当月归还本金之和，不含利息、费用和罚息。",
                "The principal repaid in the month, without interest, fees and penalties.", _LOANS,
            ),
            Indicator(
                "loans_outstanding", "通道贷款余额", "Corridor loans outstanding", Form.STOCK, (Kind.DRAWN,), (Kind.REPAID,), False,
                "月末余额 = 月初余额 + 当月发放额 − 当月收回额。",
                "At the end of the month: what was owed at its beginning, plus what was drawn, less what was repaid.", _LOANS,
            ),
            Indicator(
                "secured_drawn", "单证质押融资发放额", "Document-secured financing drawn", Form.FLOW, (Kind.DRAWN,), (), True,
                "当月放款中以物权单证质押的本金之和。",
                "The principal of draws paid out in the month for which a document of title is pledged.", _GOODS,
            ),
            Indicator(
                "secured_outstanding", "单证质押融资余额", "Document-secured financing outstanding", Form.STOCK,
                (Kind.DRAWN,), (Kind.REPAID,), True,
                "以物权单证质押的贷款：月末余额 = 月初余额 + 当月发放额 − 当月收回额。",
                "Of loans for which a document of title is pledged: what was owed at the beginning of the month, plus what was drawn, less what "
                "was repaid.", _GOODS,
            ),
            Indicator(
                "receipts", "跨境收款额", "Cross-border receipts", Form.FLOW, (Kind.RECEIVED,), (), False,
                "当月经审核入账的境外来款之和，按来款币种统计。",
                "Payments from abroad that were checked and credited in the month, in the currency that was paid.", _LOANS,
            ),
            Indicator(
                "receipts_documented", "有单证支持的跨境收款额", "Cross-border receipts with documents", Form.FLOW, (Kind.RECEIVED,), (), True,
                "当月入账的境外来款中，至少有一份单证与其核对的部分。",
                "Of the payments from abroad credited in the month: those that were checked against at least one document.", _GOODS,
            ),
            Indicator(
                "receipts_returned", "退回的跨境来款额", "Cross-border payments returned", Form.FLOW, (Kind.RETURNED,), (), False,
                "当月退回付款方的境外来款之和。", "Payments from abroad that were sent back in the month.", _LOANS,
            ),
            Indicator(
                "drawn_rate", "通道贷款加权平均利率", "Weighted average rate of corridor loans", Form.MEAN, (Kind.DRAWN,), (), False,
                "当月各笔放款的年利率以放款本金加权平均：Σ（本金 × 年利率）÷ Σ 本金；只计利率已载明的放款。",
                "The yearly rates of the draws paid out in the month, weighted by principal: Σ principal × rate ÷ Σ principal; draws whose "
                "rate is stated.", _LOANS, unit="percent", decimals=4, scale=100, weight="rate_bp", rests_on=("loans_drawn",),
            ),
            Indicator(
                "secured_share", "单证质押融资占比", "Share of document-secured financing", Form.SHARE, (Kind.DRAWN,), (), False,
                "当月放款中以物权单证质押的本金 ÷ 当月放款本金之和。",
                "Of the principal of all draws paid out in the month: that for which a document of title is pledged.", _GOODS,
                unit="percent", decimals=2, scale=10_000, part=("documented", "true"), rests_on=("loans_drawn", "secured_drawn"),
            ),
            Indicator(
                "receipts_rmb_share", "跨境收款本币占比", "RMB share of cross-border receipts", Form.SHARE, (Kind.RECEIVED,), (), False,
                "当月入账的境外来款中人民币金额 ÷ 全部来款折人民币金额；折算用月末参考汇率。",
                "Of the payments from abroad credited in the month, converted into renminbi at the reference rates of the month's end: those "
                "paid in renminbi.", _LOANS, unit="percent", decimals=2, scale=10_000, part=("currency", "CNY"), into="CNY",
                rests_on=("receipts",),
            ),
        )
    }
)  # fmt: skip
