"""What is counted, as data: each indicator with its names, unit, formula in words and the measures that ask for it.

A flow counts the facts of a month; a stock counts all facts up to the end of a month. Amounts are never added across currencies.
Nothing here computes: `queries` does it over facts, `recount` does it again over the journal, by a way of its own.
Source: domain notes on oversight §1.4 (balance, new issuance, identity of stock and flow).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from .policy import Kind

#: The territory of a total, and of what belongs to no territory of the corridor (SDMX: `_T` total, `_Z` not applicable).
TOTAL: Final = "_T"
NOWHERE: Final = "_Z"


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure: which kinds of facts add to it, which take from it, and whether only those with a document behind them count."""

    key: str
    zh: str
    en: str
    stock: bool
    plus: tuple[Kind, ...]
    minus: tuple[Kind, ...]
    documented: bool
    formula_zh: str
    formula_en: str
    measures: tuple[str, ...]
    unit: str = "minor"  # whole minor units of the cell's currency


_LOANS: Final = ("M11-06", "M13-05")
_GOODS: Final = ("M11-06", "M13-04", "M13-05")  # what rests on a transport document follows the goods, too

INDICATORS: Final = MappingProxyType(
    {
        i.key: i
        for i in (
            Indicator(
                "loans_drawn", "通道贷款发放额", "Corridor loans drawn", False, (Kind.DRAWN,), (), False,
                "当月放款本金之和。", "The principal of all draws paid out in the month.", _LOANS,
            ),
            Indicator(
                "loans_repaid", "通道贷款收回额", "Corridor loans repaid", False, (Kind.REPAID,), (), False,
                "当月归还本金之和，不含利息、费用和罚息。",
                "The principal repaid in the month, without interest, fees and penalties.", _LOANS,
            ),
            Indicator(
                "loans_outstanding", "通道贷款余额", "Corridor loans outstanding", True, (Kind.DRAWN,), (Kind.REPAID,), False,
                "月末余额 = 月初余额 + 当月发放额 − 当月收回额。",
                "At the end of the month: what was owed at its beginning, plus what was drawn, less what was repaid.", _LOANS,
            ),
            Indicator(
                "secured_drawn", "单证质押融资发放额", "Document-secured financing drawn", False, (Kind.DRAWN,), (), True,
                "当月放款中以物权单证质押的本金之和。",
                "The principal of draws paid out in the month for which a document of title is pledged.", _GOODS,
            ),
            Indicator(
                "secured_outstanding", "单证质押融资余额", "Document-secured financing outstanding", True,
                (Kind.DRAWN,), (Kind.REPAID,), True,
                "以物权单证质押的贷款：月末余额 = 月初余额 + 当月发放额 − 当月收回额。",
                "Of loans for which a document of title is pledged: what was owed at the beginning of the month, plus what was drawn, less what "
                "was repaid.", _GOODS,
            ),
            Indicator(
                "receipts", "跨境收款额", "Cross-border receipts", False, (Kind.RECEIVED,), (), False,
                "当月经审核入账的境外来款之和，按来款币种统计。",
                "Payments from abroad that were checked and credited in the month, in the currency that was paid.", _LOANS,
            ),
            Indicator(
                "receipts_documented", "有单证支持的跨境收款额", "Cross-border receipts with documents", False, (Kind.RECEIVED,), (), True,
                "当月入账的境外来款中，至少有一份单证与其核对的部分。",
                "Of the payments from abroad credited in the month: those that were checked against at least one document.", _GOODS,
            ),
            Indicator(
                "receipts_returned", "退回的跨境来款额", "Cross-border payments returned", False, (Kind.RETURNED,), (), False,
                "当月退回付款方的境外来款之和。", "Payments from abroad that were sent back in the month.", _LOANS,
            ),
        )
    }
)  # fmt: skip
