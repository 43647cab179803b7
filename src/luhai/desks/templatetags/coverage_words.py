"""Words of the coverage page."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def thousands(number: int) -> str:
    """1234567 -> 1,234,567, as both languages write it."""
    return f"{number:,}"


@register.filter
def name_of(names: Mapping[str, str], subject: str) -> str:
    """The name of a subject in the reader's language; its name in code where it has none yet."""
    return _(names[subject]) if subject in names else subject
