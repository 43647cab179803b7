"""How released figures, their months and their codes are written."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal
from django import template
from django.utils.translation import get_language, gettext

from luhai.core.indicators.dimensions import DIMENSIONS, TOTAL
from luhai.kernel.money import Currency
from luhai.shell.templatetags.luhai import money

register = template.Library()

_PLACE = {d.name: i for i, d in enumerate(DIMENSIONS)}


def _zh() -> bool:
    return (get_language() or "").startswith("zh")


@register.filter
def figure(value: int | None, of: Any) -> str:
    """A value in the unit of an observation or a change: ¥1,234.50, or 3.4567 %."""
    if value is None:
        return "—"
    if of.unit in set(Currency):
        return money(value, of.unit)
    number = format_decimal(Decimal(value).scaleb(-of.decimals), format="#,##0." + "0" * of.decimals, locale="zh_CN" if _zh() else "en_GB")
    return f"{number} %" if of.unit == "percent" else f"{number} {of.unit}"


@register.filter
def month_name(month: str) -> str:
    """"2026-03" -> 2026年3月, or Mar 2026."""
    if len(month) != 7:
        return month
    return format_date(date(int(month[:4]), int(month[5:]), 1), "yyyy年M月" if _zh() else "MMM yyyy", locale="zh_CN" if _zh() else "en_GB")


@register.filter
def code_name(code: str, dimension: Any) -> str:
    """A code of a dimension in the reader's language."""
    zh, en = dimension.codes.get(code, (code, code))
    return str(zh if _zh() else en)


@register.filter
def dotted(key: Any) -> str:
    """A key as it stands in an address."""
    return ".".join(key)


@register.filter
def key_name(key: Any) -> str:
    """What a cell is about, in words: the codes that are no total; the currency last."""
    said = [
        code_name(code, d) for d, code in zip(DIMENSIONS, key, strict=True) if code != TOTAL and d.name != "currency"
    ] or [gettext("All territories")]
    currency = key[_PLACE["currency"]]
    return " · ".join([*said, *([code_name(currency, DIMENSIONS[_PLACE["currency"]])] if currency != TOTAL else [])])


@register.filter
def fact_word(kind: str, words: dict[str, Any]) -> Any:
    """What happened, in the reader's language."""
    return words[kind]
