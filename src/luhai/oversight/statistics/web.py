"""The page of figures: an indicator by month and territory; and one figure with its formula and the events beneath it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from luhai.kernel.origin import Role
from luhai.kernel.refusal import Absent
from luhai.shell.web import page, refusals, viewer_of

from . import charts, queries
from .indicators import INDICATORS, TOTAL
from .templatetags.statistics_words import month_name

FACT_NAMES = {
    "drawn": gettext_lazy("Loan paid out"),
    "repaid": gettext_lazy("Principal repaid"),
    "received": gettext_lazy("Payment credited"),
    "returned": gettext_lazy("Payment sent back"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A column: a territory, or the total."""

    code: str
    name_zh: str
    name_en: str


@require_GET
@refusals
def statistics(request: HttpRequest) -> HttpResponse:
    """One indicator in one currency: months down, territories across, and the totals."""
    viewer = viewer_of(request)
    asked = {n: request.GET.get(n, "").strip()[:40] for n in ("indicator", "currency", "from", "to")}
    found = queries.figures(
        indicator=asked["indicator"] or "loans_outstanding", month_from=asked["from"], month_to=asked["to"], viewer=viewer
    )  # fmt: skip
    currency = asked["currency"] or ("CNY" if "CNY" in found.currencies or not found.currencies else found.currencies[0])
    shown = [c for c in found.cells if c.currency == currency]
    places = list({c.territory: Place(c.territory, c.name_zh, c.name_en) for c in shown if c.territory != TOTAL}.values())
    places.sort(key=lambda p: p.code)
    places += [Place(c.territory, c.name_zh, c.name_en) for c in shown if c.territory == TOTAL][:1]
    by_place = {(c.month, c.territory): c for c in shown}
    totals = [by_place.get((m, TOTAL)) for m in found.months]
    return page(
        request, "statistics/statistics.html", figures=found, what=found.indicator, indicators=[i for i in INDICATORS.values() if i.live],
        currency=currency, currencies=sorted({*found.currencies, currency}), places=places, asked=asked,
        lines=[(m, [(p, by_place.get((m, p.code))) for p in places]) for m in reversed(found.months)],
        chart=charts.months([month_name(m) for m in found.months], [c.value if c else None for c in totals], currency, found.indicator) if any(totals) else None,
        hidden=any(c.suppressed for c in shown), standing=queries.standing(viewer=viewer),
    )  # fmt: skip


@require_GET
@refusals
def figure(request: HttpRequest, indicator: str, month: str, territory: str, currency: str) -> HttpResponse:
    """One figure: how it is made, which measures ask for it, and, for those who oversee, the events beneath it."""
    viewer = viewer_of(request)
    found = queries.figures(
        indicator=indicator, month_from=month, month_to=month, territory=territory, currency=currency, viewer=viewer
    )  # fmt: skip
    if not found.cells:
        raise Absent(kind="figure")
    beneath: queries.BeneathPage | None = None
    if viewer.role in (Role.SUPERVISOR, Role.OPERATOR):
        beneath = queries.beneath(
            indicator=indicator, month=month, territory=territory, currency=currency, cursor=request.GET.get("cursor", ""),
            viewer=viewer,
        )  # fmt: skip
    context: dict[str, Any] = {"cursor": beneath.next} if beneath and beneath.next else {}
    return page(
        request, "statistics/figure.html", figures=found, what=found.indicator, cell=found.cells[0], beneath=beneath,
        kinds=FACT_NAMES, next=f"?{urlencode(context)}" if context else "", first="cursor" not in request.GET,
    )  # fmt: skip


urlpatterns = [
    path("statistics/", statistics, name="statistics"),
    path("statistics/<str:indicator>/<str:month>/<str:territory>/<str:currency>/", figure, name="figure"),
]
