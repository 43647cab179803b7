"""How pages write the words of products and demands: codes, kinds, institutions, places, tenors."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import get_language, gettext, ngettext

from luhai.core.parties.corridor import tiles
from luhai.core.rules.fields import FIELDS

from ..policy import KINDS

register = template.Library()


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
    zh, en = card.institution_zh, card.institution_en
    return (zh or en) if _language().startswith("zh") else (en or zh)


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
