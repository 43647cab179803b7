"""The live coverage of the policy: 239 measures, what carries each, and the numbers that it produces. Open to everybody."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from luhai.kernel.refusal import Invalid
from luhai.shell.web import page, refusals, viewer_of

from .carriers import measures
from .view import STATES, Coverage, coverage

SUBJECT_NAMES: Final = {
    "checks": gettext_noop("Document checks"), "coverage": gettext_noop("The policy, live"), "escrow": gettext_noop("Escrow"), "evaluation": gettext_noop("Evaluation"),
    "evidence": gettext_noop("Documents of trade"), "lane": gettext_noop("The lane"), "lending": gettext_noop("Lending"),
    "matching": gettext_noop("Matching"), "payments": gettext_noop("Payments"), "policies": gettext_noop("Policy library"),
    "products": gettext_noop("Products"), "releases": gettext_noop("Released statistics"), "replication": gettext_noop("Replication"),
    "sdmx": gettext_noop("SDMX registry"), "statistics": gettext_noop("Statistics"), "titles": gettext_noop("Documents of title"), "transport": gettext_noop("Transport documents"),
}  # fmt: skip


@require_GET
@refusals
def board(request: HttpRequest) -> HttpResponse:
    """Article by article. `?format=json` gives the same to a program."""
    number, state = request.GET.get("article", ""), request.GET.get("state", "")
    names = {int(row["article"]): row["article_title"] for row in measures()}
    if number and (not number.isascii() or not number.isdigit() or int(number[:9]) not in names):
        raise Invalid(field="article", problem=_("an article of the policy: 1 to 24"))
    if state and state not in STATES:
        raise Invalid(field="state", problem=_("carried or waiting"))
    found = coverage(viewer_of(request), article=int(number) if number else None, state=state)
    if request.GET.get("format") == "json":
        return JsonResponse(_as_json(found), json_dumps_params={"ensure_ascii": False})
    return page(
        request, "desks/coverage.html", found=found, number=number, state=state, names=sorted(names.items()),
        articles=[(a, names[a.number]) for a in found.articles], subjects=SUBJECT_NAMES,
    )  # fmt: skip


def _as_json(found: Coverage) -> dict[str, Any]:
    return {
        "measures": found.measures, "carried": found.carried, "in_force": found.in_force, "acts": found.acts, "published": found.published,
        "items": [
            {
                "measure": line.measure.code, "article": line.measure.article, "quote": line.measure.quote, "item": line.measure.item,
                "title_en": line.measure.title_en,
                "carried_by": [
                    {"by": list(c.by), "how": c.how, "how_zh": c.how_zh, "note": c.note, "note_zh": c.note_zh, "subject": c.subject}
                    for c in line.carriers
                ],
                "in_force": line.in_force, "on_the_way": line.on_the_way, "possible": line.possible, "products": line.products,
                "indicators": [i.key for i in line.indicators],
                "acts": line.acts.count if line.acts else 0, "last_act": line.acts.last_day.isoformat() if line.acts else None,
            }
            for a in found.articles for line in a.lines
        ],
    }  # fmt: skip


urlpatterns = [path("coverage/", board, name="coverage")]
