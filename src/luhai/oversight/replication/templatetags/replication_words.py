"""How the pages of replication write territories, units and the data of a step."""

from __future__ import annotations

from typing import Any

from django import template

from luhai.core.parties.territories import territories
from luhai.core.rules.fields import COLLATERAL, PURPOSES
from luhai.shell.templatetags.luhai import either

register = template.Library()

_UNITS = {"days": ("天", "days"), "bp": ("基点", "bp"), "percent": ("%", "%"), "months": ("个月", "months"), "count": ("", "")}


@register.filter
def place_name(code: str) -> str:
    """A territory's name from its code; the code itself where the corridor has no such place."""
    found = territories().get(code)
    return str(either(found.name_zh, found.name_en)) if found else code


@register.filter
def half(text: str) -> str:
    """Of a text in both languages, "中文 / English", the reader's; any other text as it is."""
    zh, _, en = text.partition(" / ")
    return str(either(zh, en))


@register.filter
def with_unit(value: str, unit: str) -> str:
    zh, en = _UNITS.get(unit, (unit, unit))
    return f"{value} {either(zh, en)}".strip()


@register.filter
def code_words(codes: list[str]) -> str:
    """Collateral and purposes in words."""
    names = {c.code: either(c.zh, c.en) for c in (*COLLATERAL, *PURPOSES)}
    return str(either("、", ", ")).join(names.get(c, c) for c in codes)


@register.filter
def step_data(data: dict[str, Any]) -> str:
    """What a step says beside its name: reason, instrument, day."""
    wanted = [data[k] for k in ("instrument_no", "scope", "reason", "day", "from", "live_from", "starts_on") if data.get(k)]
    return " · ".join(map(str, wanted))
