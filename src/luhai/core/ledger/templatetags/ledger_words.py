"""How units of accounts are written."""

from __future__ import annotations

from typing import Any

from babel.numbers import format_decimal
from django import template
from django.utils.translation import get_language

from luhai.kernel.money import Currency
from luhai.shell.templatetags.luhai import money

register = template.Library()


@register.filter
def units(amount: int | None, unit: str) -> str:
    """12345600, "CNY" -> ¥123,456.00; 40000, "lot:7:kg" -> 40,000."""
    if amount is None:
        return "—"
    if unit in set(Currency):
        return money(amount, unit)
    return format_decimal(amount, locale="zh_CN" if (get_language() or "").startswith("zh") else "en_GB")


@register.filter
def of(names: dict[str, Any], key: str) -> Any:
    """The name for a code; the code itself where there is none."""
    return names.get(key, key)
