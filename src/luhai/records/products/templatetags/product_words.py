"""How pages write the words of products and demands: codes, kinds, institutions, places, tenors."""

from __future__ import annotations

import csv
import re
from functools import cache
from typing import Any, Final

from django import template
from django.conf import settings
from django.utils.translation import get_language, gettext, ngettext

from luhai.core.parties.corridor import tiles
from luhai.core.rules.fields import FIELDS
from luhai.shell.templatetags.luhai import wan

from ..policy import KINDS

register = template.Library()

_MINOR: Final = re.compile(r"(\d[\d,]*)(?:（最小货币单位）| minor units)")
_PLACE: Final = re.compile(r"(?<![\d,])[1-9]\d{5}(?!\d|,\d)")
_INDUSTRY: Final = re.compile(r"\b[A-T](?:\d{2,4})?\b")


def _language() -> str:
    return get_language() or "zh"


@register.filter
def coded(code: str, field: str) -> str:
    """The name of a code of one of the fields of core/rules: "receivable"|coded:"collateral"."""
    return FIELDS[field].code_label(code, _language()) if field in FIELDS else str(code)


@register.filter
def kind_name(kind: str) -> str:
    label = KINDS.get(kind)
    return kind if label is None else label.zh if _language().startswith("zh") else label.en


@register.filter
def institution(card: Any) -> str:
    return _either(card.institution_zh, card.institution_en)


@register.filter
def place(code: str | None) -> str:
    """The short name of a territory of the corridor; any other code as it is."""
    tile = tiles().get(code or "")
    if tile is None:
        return code or "—"
    return tile.name_zh if _language().startswith("zh") else tile.name_en


@register.filter
def tenor(days: int | None) -> str:
    """365 -> 1 year; 90 -> 90 days. Whole years only, since a month has no fixed length."""
    if days is None:
        return "—"
    if days and days % 365 == 0:
        years = days // 365
        return ngettext("%(years)d year", "%(years)d years", years) % {"years": years}
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


@register.filter
def hours(count: int) -> str:
    return ngettext("%(hours)d working hour", "%(hours)d working hours", count) % {"hours": count}


@register.filter
def known(label: str) -> str:
    """A text marked for translation elsewhere (the name of a state or an action), in the reader's language."""
    return gettext(label) if label else ""


@register.filter
def wanted(line: Any, currency: str = "CNY") -> str:
    """What a criterion wants, or a change would be, with places, industries and amounts as people write them."""
    return _readable(line.field, _either(line.zh, line.en), currency)


@register.filter
def value(line: Any, currency: str = "CNY") -> str:
    """The value that is known of a fact, likewise; empty when nothing is."""
    return _readable(line.field, _either(line.value_zh, line.value_en), currency)


@register.filter
def places(codes: tuple[str, ...]) -> str:
    """The names of territories; the whole corridor by one name."""
    if not codes or set(codes) >= set(tiles()):
        return gettext("the whole corridor")
    return " · ".join(place(code) for code in codes)


def _either(zh: str, en: str) -> str:
    return (zh or en) if _language().startswith("zh") else (en or zh)


def _readable(field: str, text: str, currency: str) -> str:
    if field == "territory":
        return _PLACE.sub(lambda found: place(found[0]), text)
    if field == "industry":
        return _INDUSTRY.sub(lambda found: _industry(found[0], _language().startswith("zh")), text)
    if field == "amount_minor":
        return _MINOR.sub(lambda found: wan(int(found[1].replace(",", "")), currency), text)
    return text


def _industry(code: str, zh: bool) -> str:
    names = _industries().get(code) or _industries().get(code[1:3]) or _industries().get(code[0])
    return f"{names[0 if zh else 1]} {code}" if names else code


@cache
def _industries() -> dict[str, tuple[str, str]]:
    with open(settings.DATA / "reference" / "industries.csv", encoding="utf-8", newline="") as file:
        return {row["code"]: (row["name_zh"], row["name_en"]) for row in csv.DictReader(file)}
