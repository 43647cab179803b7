"""What a measure did across territories: the studies made, one study with its uncertainty, and the form that makes one."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from luhai.core.parties.territories import territories
from luhai.core.policies import queries as policies
from luhai.core.rules.business_days import calendar
from luhai.kernel.origin import Role
from luhai.kernel.refusal import Invalid, Refusal, gettext_noop
from luhai.shell.web import origin_of, page, refusals, say, told, viewer_of

from . import charts, policy, queries, study_commands

OUTCOME_NAMES = {
    "loans_outstanding": gettext_lazy("Corridor loans outstanding"), "loans_drawn": gettext_lazy("Corridor loans drawn"),
    "receipts": gettext_lazy("Cross-border receipts"),
}  # fmt: skip


@require_http_methods(["GET", "POST"])
@refusals
def effects(request: HttpRequest) -> HttpResponse:
    """All studies; a supervisor makes one here."""
    viewer, error = viewer_of(request), ""
    given = {n: request.POST.get(n, "").strip()[:60] for n in ("measure", "outcome", "quarter_from", "quarter_to", "seed")}
    if request.method == "POST":
        try:
            if not (given["seed"].isascii() and given["seed"].isdigit() and len(given["seed"]) <= 10):
                raise Invalid(field="seed", problem=gettext_noop("a whole number from 0 to 2147483647"))
            key = study_commands.run_study(
                study_id=uuid4(), measure=given["measure"], outcome=given["outcome"], quarter_from=given["quarter_from"],
                quarter_to=given["quarter_to"], seed=int(given["seed"]), origin=origin_of(request),
            )  # fmt: skip
            told(request, _("The study is made."))
            return redirect("evaluation_study", key)
        except Refusal as refusal:
            error = say(refusal)
    last = policy.quarter_of(calendar().local_date(origin_of(request).at)).back(1)
    adopted = sorted({a.measure for a in policies.adoptions(limit=5000, viewer=viewer) if a.status in {"in_force", "evaluated", "extended"}})
    return page(
        request, "evaluation/effects.html", status=422 if error else 200, error=error, given=given, studies=queries.studies(viewer=viewer),
        outcomes=OUTCOME_NAMES.items(), periods=[str(last.back(n)) for n in range(16)], measures=adopted, names=OUTCOME_NAMES,
        may=viewer.role is Role.SUPERVISOR, seed=given["seed"] or "20260101", first=given["quarter_from"] or str(last.back(11)),
    )  # fmt: skip


@require_GET
@refusals
def study(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """One study: the effect, how sure it is, what the placebos say, and who adopted when."""
    view = queries.study(study_id=study_id, viewer=viewer_of(request))
    events = view.result["event_study"]
    places = territories()
    return page(
        request, "evaluation/study.html", view=view, result=view.result, outcome=OUTCOME_NAMES[view.line.outcome], events=events,
        chart=charts.around([e["since"] for e in events], [e["effect"] for e in events]),
        adopted=sorted(((places[t], q) for t, q in view.inputs["adopted"].items()), key=lambda x: (x[1] or "9", x[0].code)),
    )  # fmt: skip


urlpatterns = [
    path("evaluation/effects/", effects, name="evaluation_effects"),
    path("evaluation/effects/<uuid:study_id>/", study, name="evaluation_study"),
]
