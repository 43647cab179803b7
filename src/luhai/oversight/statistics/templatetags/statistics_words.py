"""How figures and their months are written."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal
from django import template
from django.utils.translation import get_language

from luhai.shell.templatetags.luhai import money

from ..indicators import Indicator
from ..queries import Cell

register = template.Library()


@register.filter
def shown(cell: Cell, what: Indicator) -> str:
    """A figure in the unit of its indicator: ¥1,234.50, or 3.0831 %."""
    if cell.value is None or what.unit == "minor":
        return money(cell.value, cell.currency)
    locale = "zh_CN" if (get_language() or "").startswith("zh") else "en_GB"
    pattern = f"#,##0.{'0' * what.decimals}"
    return f"{format_decimal(Decimal(cell.value).scaleb(-what.decimals), format=pattern, locale=locale)}\u202f%"


@register.filter
def month_name(month: str) -> str:
    """"2026-03" -> 2026年3月, or Mar 2026."""
    zh = (get_language() or "").startswith("zh")
    day = date(int(month[:4]), int(month[5:]), 1)
    return format_date(day, "yyyy年M月" if zh else "MMM yyyy", locale="zh_CN" if zh else "en_GB")


@register.filter
def fact_name(names: dict[str, Any], kind: str) -> Any:
    return names[kind]
