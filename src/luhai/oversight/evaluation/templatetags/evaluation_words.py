"""How values, points and states of evaluations are written."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final

from babel.numbers import format_decimal
from django import template
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from luhai.oversight.evaluation.lifecycle import (
    ACT_NAMES,
    ANSWER_NAMES,
    REPAIR_NAMES,
    REPORT_NAMES,
    STATE_NAMES,
    Act,
    Answer,
    Repair,
    Report,
    State,
)

register = template.Library()

UNITS: Final = {
    "percent": gettext_lazy("%(n)s%%"), "times": gettext_lazy("%(n)s times"), "bp": gettext_lazy("%(n)s bp"), "days": gettext_lazy("%(n)s days"),
    "hours": gettext_lazy("%(n)s hours"), "points": gettext_lazy("%(n)s points"), "count": gettext_lazy("%(n)s"),
}  # fmt: skip
STATUSES: Final = {
    "ok": gettext_lazy("counted"), "no_data": gettext_lazy("no data"), "missing": gettext_lazy("not reported"),
    "not_applicable": gettext_lazy("does not apply"),
}  # fmt: skip
WAYS: Final = {
    "both": gettext_lazy("half against its own last four values, half against the median of its peers"),
    "own": gettext_lazy("against its own last four values; there are no peers to compare with"),
    "peers": gettext_lazy("against the median of its peers; there are not yet four earlier values"),
    "goalpost": gettext_lazy("by its place between two goalposts"),
    "not_reported": gettext_lazy("nought, because it had to be reported"),
    "left_out": gettext_lazy("left out: its points are spread over the other indicators of its dimension"),
}
SOURCES: Final = {
    "computed": gettext_lazy("counted by the platform"), "mixed": gettext_lazy("counted by the platform from a reported whole"),
    "reported": gettext_lazy("reported"), "awaited": gettext_lazy("awaited"), "objection": gettext_lazy("after an objection that was upheld"),
}  # fmt: skip
REASONS: Final = {
    "borderline": gettext_lazy("Borderline: with other weights and methods the grade would change"),
    "coverage": gettext_lazy("Too few of the points could be counted for a grade"),
    "veto": gettext_lazy("Capped by a confirmed event"),
    "quota": gettext_lazy("The next higher grade is full"),
}
REMARKS: Final = {"late": gettext_lazy("late"), "jump": gettext_lazy("unlike the values before")}
FEEDS: Final = {
    "credit": gettext_lazy("credit-policy assessment"), "FX": gettext_lazy("foreign-exchange assessment"), "both": gettext_lazy("both assessments"),
    "": "",
}  # fmt: skip
SHADES: Final = {
    State.PLANNED: "plain", State.COLLECTING: "sea", State.VALIDATED: "sea", State.SCORED: "sea", State.DRAFT_PUBLISHED: "warn",
    State.OBJECTION: "warn", State.FINAL: "good", State.FED_TO_ASSESSMENT: "good", State.RECTIFICATION_TRACKED: "warn", State.CLOSED: "plain",
}  # fmt: skip


def _locale() -> str:
    return "zh_CN" if (get_language() or "").startswith("zh") else "en_GB"


@register.filter
def fig(value: Any, digits: int = 2) -> str:
    """A figure with at most so many digits behind the point; a dash where there is none."""
    if value is None or value == "":
        return "—"
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return "—"
    return str(format_decimal(number, format=f"#,##0.{'#' * digits}", locale=_locale()))


@register.filter
def measured(value: Any, unit: str) -> str:
    """12.5 of "percent" -> 12.5%."""
    return "—" if value is None or value == "" else str(UNITS[unit]) % {"n": fig(value)}


@register.filter
def state_name(state: str) -> str:
    return _(STATE_NAMES[State(state)])


@register.filter
def shade(state: str) -> str:
    return SHADES[State(state)]


@register.filter
def act_name(act: str) -> str:
    return _("Plan") if act == "plan" else _(ACT_NAMES[Act(act)])


@register.filter
def report_state(state: str) -> str:
    return _(REPORT_NAMES[Report(state)])


@register.filter
def answer_name(state: str) -> str:
    return _(ANSWER_NAMES[Answer(state)])


@register.filter
def repair_name(state: str) -> str:
    return _(REPAIR_NAMES[Repair(state)])


@register.filter
def status_name(status: str) -> Any:
    return STATUSES[status]


@register.filter
def way_name(way: str) -> Any:
    return WAYS[way]


@register.filter
def source_name(source: str) -> Any:
    return SOURCES[source]


@register.filter
def reason_name(reason: str) -> Any:
    return REASONS[reason]


@register.filter
def remark_name(remark: str) -> Any:
    return REMARKS[remark]


@register.filter
def feed_name(feed: str) -> Any:
    return FEEDS[feed]


@register.filter
def quarter_name(period: str) -> str:
    """2026Q2 -> 2026年第2季度, or Q2 2026."""
    return f"{period[:4]}年第{period[5]}季度" if _locale() == "zh_CN" else f"Q{period[5]} {period[:4]}"
