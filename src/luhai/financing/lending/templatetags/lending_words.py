"""How lines, limits and loans are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from luhai.core.parties.territories import territories
from luhai.shell.templatetags.luhai import bp, day, either, money

from ..daycount import DayCount
from ..lifecycle import DRAW_STATE_NAMES, LINE_STATE_NAMES, DrawState, LineState
from ..schedule import Method, Prepaid

register = template.Library()

METHODS = {
    Method.INSTALMENTS: gettext_noop("equal instalments"),
    Method.PRINCIPAL: gettext_noop("equal principal"),
    Method.AT_END: gettext_noop("interest when due, principal at the end"),
}
RESET_NAMES = {
    "fixed": gettext_noop("fixed until the draw is repaid"),
    "quarterly": gettext_noop("fixed anew every three months"),
    "yearly": gettext_noop("fixed anew every year"),
}
UNITS = {"months": gettext_noop("months"), "days": gettext_noop("days")}
_PREPAID = {
    Prepaid.INSTALMENT: gettext_noop("what is paid early makes the later instalments smaller"),
    Prepaid.NUMBER: gettext_noop("what is paid early makes them fewer"),
    Prepaid.NEXT: gettext_noop("what is paid early pays the next ones"),
}
_BUCKETS = {
    "fees": gettext_noop("fees"),
    "penalty": gettext_noop("penalty interest"),
    "interest": gettext_noop("interest"),
    "principal": gettext_noop("principal"),
}
_COUNTS = {
    DayCount.ACT_360: gettext_noop("actual days over 360"),
    DayCount.ACT_365: gettext_noop("actual days over 365"),
    DayCount.THIRTY_360: gettext_noop("months of 30 days over 360"),
    DayCount.ACT_ACT: gettext_noop("actual days over actual days"),
}
_LINE_SHADES = {
    LineState.EFFECTIVE: "good",
    LineState.REDUCED: "good",
    LineState.FROZEN: "bad",
    LineState.DRAFT: "line",
    LineState.APPROVED: "sea",
    LineState.SIGNED: "sea",
}
_DRAW_SHADES = {
    DrawState.REQUESTED: "sea",
    DrawState.RESERVED: "brass",
    DrawState.OVERDUE: "bad",
    DrawState.DISBURSED: "good",
    DrawState.PART_REPAID: "good",
    DrawState.REFUSED: "line",
}
_PRIMES = {
    "lpr.one_year": gettext_noop("one-year loan prime rate"),
    "lpr.five_years": gettext_noop("loan prime rate for more than five years"),
}
_CONFIDENCES = {
    "verified": gettext_noop("seen in its source"),
    "unverified": gettext_noop("not yet checked against its source"),
}
_KINDS = {
    "lent": gettext_noop("paid out"),
    "grown": gettext_noop("grew in the night"),
    "charged": gettext_noop("fee charged"),
    "paid": gettext_noop("came in"),
}
_HOW = {
    "repaid": gettext_noop("from the deposit account"),
    "collected": gettext_noop("collected when due"),
    "escrow": gettext_noop("through the escrow"),
}
_DONE = {
    "open": gettext_noop("wrote the line down"),
    "approve": gettext_noop("approved the line"),
    "sign": gettext_noop("signed the line"),
    "start": gettext_noop("put the line in force"),
    "reduce": gettext_noop("reduced a limit"),
    "freeze": gettext_noop("froze the line"),
    "thaw": gettext_noop("ended the freeze of the line"),
    "expire": gettext_noop("ended the line, whose time was over"),
    "cancel": gettext_noop("gave the line up"),
    "draw_request": gettext_noop("asked to draw"),
    "draw_approve": gettext_noop("approved the draw"),
    "draw_refuse": gettext_noop("did not grant the draw, or gave it up"),
    "draw_disburse": gettext_noop("paid the draw out"),
    "draw_repay": gettext_noop("booked a repayment"),
    "draw_close_day": gettext_noop("closed the day"),
}
#: What an event says besides who and what, in this order; amounts and days as people write them.
_MONEY = ("amount", "limit", "by", "arrived")
_CONDITIONS = {
    "arrived": gettext_noop("The money has come: all that is owed, with interest, penalty and fees, is in the escrow."),
    "checked": gettext_noop("The bank has checked what came."),
}


@register.filter
def line_state(code: str) -> str:
    return _(LINE_STATE_NAMES[LineState(code)])


@register.filter
def line_shade(code: str) -> str:
    return _LINE_SHADES.get(LineState(code), "")


@register.filter
def draw_state(code: str) -> str:
    return _(DRAW_STATE_NAMES[DrawState(code)])


@register.filter
def draw_shade(code: str) -> str:
    return _DRAW_SHADES.get(DrawState(code), "")


@register.filter
def method_name(code: str) -> str:
    return _(METHODS[Method(code)])


@register.filter
def reset_name(code: str) -> str:
    return _(RESET_NAMES[code])


@register.filter
def prepaid_name(code: str) -> str:
    return _(_PREPAID[Prepaid(code)])


@register.filter
def bucket(code: str) -> str:
    return _(_BUCKETS[code])


@register.filter
def count_name(code: str) -> str:
    return _(_COUNTS[DayCount(code)])


@register.filter
def prime_name(key: str) -> str:
    return _(_PRIMES[key]) if key in _PRIMES else key


@register.filter
def confidence(code: str) -> str:
    return _(_CONFIDENCES[code]) if code in _CONFIDENCES else code


@register.filter
def entry_kind(code: str) -> str:
    return _(_KINDS[code])


@register.filter
def entry_how(text: str) -> str:
    """How something came in; of a fee what the bank wrote."""
    return _(_HOW[text]) if text in _HOW else text


@register.filter
def done(act: str) -> str:
    """What is said of an act, after who did it."""
    return _(_DONE[act]) if act in _DONE else act


@register.filter
def condition_of_loan(name: str) -> str:
    """A condition of the escrow of a repayment in words; other escrows' conditions by their names."""
    return _(_CONDITIONS[name]) if name in _CONDITIONS else name


@register.filter
def limit_name(limit: Any) -> str:
    """A limit by the place and product it is for; the first is the whole line; else as the bank called it."""
    place = territories().get(limit.territory or "")
    words = [either(place.short_zh, place.name_en)] if place else []
    words += [limit.product] if limit.product else []
    if not words:
        return _("whole line") if limit.parent is None else str(limit.name)
    return " · ".join(words)


@register.filter
def share(part: int, whole: int) -> int:
    """A part of a whole in percent, for a bar; never beyond it."""
    return min(part * 100 // whole, 100) if whole > 0 else 0


@register.simple_tag
def told(data: Mapping[str, Any], currency: str) -> str:
    """What an event of the history says besides who and what."""
    words = [money(data[name], currency) for name in _MONEY if isinstance(data.get(name), int)]
    if "rate_bp" in data:
        words.append(_("%(rate)s a year") % {"rate": bp(data["rate_bp"])})
    if data.get("due"):
        words.append(_("until %(day)s") % {"day": day(date.fromisoformat(data["due"]))})
    if data.get("reason"):
        words.append(str(data["reason"]))
    if isinstance(data.get("owed"), int):
        words.append(_("%(amount)s is still owed") % {"amount": money(data["owed"], currency)})
    return " · ".join(words)
