"""How places, codes and signals of transport documents are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from luhai.records.transport import policy
from luhai.records.transport import print as printing
from luhai.records.transport.places import place_names

register = template.Library()

_WORDS = {
    **printing.KINDS, **printing.FORMS, **printing.MODES, **printing.BASES, **printing.STATES, **policy.SIGNALS,
    **{code: c.name for code, c in policy.CODES.items()},
}  # fmt: skip


@register.filter
def word(code: str) -> str:
    """A code as people say it; other texts as they are."""
    return _(_WORDS[code]) if code in _WORDS else code


@register.filter
def place(code: str) -> str:
    """CNQZH -> Qinzhou; a place that the corridor does not know by its code."""
    zh, en = place_names(code)
    return (zh if (get_language() or "").startswith("zh") else en) or code


@register.filter
def mine(both: printing.Both) -> str:
    """The reader's language of a text in both."""
    return both.zh if (get_language() or "").startswith("zh") else both.en


@register.filter
def signal_says(facts: Mapping[str, Any], kind: str) -> str:
    """The facts of a signal in words."""
    if kind == "seals_differ":
        missing, other = ", ".join(facts["missing"]), ", ".join(facts["other"])
        said = [_("missing: %(seals)s") % {"seals": missing}] if missing else []
        return "; ".join([*said, *([_("found instead: %(seals)s") % {"seals": other}] if other else [])])
    if kind == "weight_differs":
        return _("document says %(stated)s kg, found %(found)s kg") % facts
    if kind == "dwell":
        return _("%(days)s days at %(place)s; at most %(limit)s") % {**facts, "place": place(facts["place"])}
    if kind == "unauthorised_release":
        if facts.get("why") == "no_order":
            return _("Title says: delivered, and no order is open. Goods say: gone.")
        return _("Title says: not presented for delivery. Goods say: gone.")
    return place(str(facts.get("place", "")))


@register.filter
def short(digest: str) -> str:
    return printing.fingerprint(digest)


@register.filter
def at(given: Mapping[str, str], name: str) -> str:
    """What was typed in a field whose name has dots."""
    return given.get(name, "")
