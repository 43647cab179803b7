"""How figures and their months are written."""

from __future__ import annotations

from datetime import date
from typing import Any

from babel.dates import format_date
from django import template
from django.utils.translation import get_language

register = template.Library()


@register.filter
def month_name(month: str) -> str:
    """"2026-03" -> 2026年3月, or Mar 2026."""
    zh = (get_language() or "").startswith("zh")
    day = date(int(month[:4]), int(month[5:]), 1)
    return format_date(day, "yyyy年M月" if zh else "MMM yyyy", locale="zh_CN" if zh else "en_GB")


@register.filter
def fact_name(names: dict[str, Any], kind: str) -> Any:
    return names[kind]
