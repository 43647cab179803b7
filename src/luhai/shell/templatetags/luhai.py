"""How templates write money, percentages, dates and icons."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal
from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from luhai.kernel.money import EXPONENT, Currency

register = template.Library()


def _locale() -> str:
    return "zh_CN" if (get_language() or "").startswith("zh") else "en_GB"


@register.filter
def money(minor: int | None, currency: str = "CNY") -> str:
    """12345600, "CNY" -> ¥123,456.00."""
    if minor is None:
        return "—"
    major = Decimal(minor).scaleb(-EXPONENT[Currency(currency)])
    whole = major == major.to_integral_value()
    return format_currency(
        major, currency, locale=_locale(), currency_digits=not whole, format="¤#,##0" if whole else "¤#,##0.00"
    )


@register.filter
def wan(minor: int | None, currency: str = "CNY") -> str:
    """A short amount: 120 万元 in Chinese, CNY 1.2m in English."""
    if minor is None:
        return "—"
    major = Decimal(minor).scaleb(-EXPONENT[Currency(currency)])
    zh = _locale() == "zh_CN"
    unit = {"CNY": "元"}.get(currency, f" {currency}") if zh else ""
    steps = [(10**8, "亿"), (10**4, "万")] if zh else [(10**9, "bn"), (10**6, "m"), (10**3, "k")]
    for size, name in steps:
        if abs(major) >= size:
            number = format_decimal((major / size).quantize(Decimal("0.01")).normalize(), locale=_locale())
            return f"{number} {name}{unit}" if zh else f"{currency} {number}{name}"
    number = format_decimal(major, locale=_locale())
    return f"{number} {unit}".strip() if zh else f"{currency} {number}"


@register.filter
def bp(basis_points: int | None) -> str:
    """345 -> 3.45%."""
    return "—" if basis_points is None else f"{Decimal(basis_points) / 100:.2f}%"


@register.filter
def day(value: date | datetime | None) -> str:
    if value is None:
        return "—"
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    return format_date(value, "yyyy年M月d日" if _locale() == "zh_CN" else "d MMM yyyy", locale=_locale())


@register.filter
def moment(value: datetime | None) -> str:
    if value is None:
        return "—"
    pattern = "M月d日 HH:mm" if _locale() == "zh_CN" else "d MMM HH:mm"
    return format_datetime(timezone.localtime(value), pattern, locale=_locale())


@register.filter
def named(thing: Any) -> str:
    """`name_zh` or `name_en`, by the reader's language; English falls back to Chinese and the other way round."""
    zh, en = (getattr(thing, n, None) or "" for n in ("name_zh", "name_en"))
    if isinstance(thing, dict):
        zh, en = thing.get("zh") or thing.get("name_zh") or "", thing.get("en") or thing.get("name_en") or ""
    return (zh or en) if _locale() == "zh_CN" else (en or zh)


@register.simple_tag
def either(zh: Any, en: Any) -> str:
    """Text kept in the data in two languages."""
    return str((zh or en or "") if _locale() == "zh_CN" else (en or zh or ""))


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of Tabler's, by name; decorative unless it has a label."""
    svg = _icon(name)
    if label:
        return format_html('<span class="icon-holder" role="img" aria-label="{}">{}</span>', label, svg)
    return format_html('<span class="icon-holder" aria-hidden="true">{}</span>', svg)


@cache
def _icon(name: str) -> SafeString:
    assert name.replace("-", "").isalnum(), name
    path = Path(settings.STATE) / "static" / "vendor" / "icons" / f"{name}.svg"
    return mark_safe(path.read_text()) if path.exists() else mark_safe("")
