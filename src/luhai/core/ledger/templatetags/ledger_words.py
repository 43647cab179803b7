"""How units, kinds and purposes of accounts are written."""

from __future__ import annotations

from typing import Any

from babel.numbers import format_decimal
from django import template
from django.utils.translation import get_language, gettext

from luhai.kernel.money import Currency
from luhai.shell.templatetags.luhai import money

from ..policy import CODE_NAMES, KIND_NAMES

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
def account_kind(code: str) -> str:
    """What an account is for, in words; a code that is not the system's own stays as it is."""
    return gettext(KIND_NAMES[code]) if code in KIND_NAMES else code


@register.filter
def transfer_code(code: str) -> str:
    """What a transfer is for, in words; a code that is not the system's own stays as it is."""
    return gettext(CODE_NAMES[code]) if code in CODE_NAMES else code


@register.filter
def of(names: dict[str, Any], key: str) -> Any:
    """The name for a code; the code itself where there is none."""
    return names.get(key, key)
