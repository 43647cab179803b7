"""Cycles, one cycle, a unit's scorecard: every point with its value, baselines, peers, formula and source, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from luhai.core.rules.business_days import calendar
from luhai.kernel.origin import Role
from luhai.kernel.refusal import Invalid, Refusal, gettext_noop
from luhai.shell.web import origin_of, page, refusals, say, told, viewer_of

from . import answer_commands, charts, commands, policy, queries, report_commands
from .lifecycle import SETTLED, Act, Report, State
from .web_effects import urlpatterns as effects_patterns
from .web_reports import urlpatterns as reports_patterns

_ORDER: Final = (
    State.PLANNED, State.COLLECTING, State.VALIDATED, State.SCORED, State.DRAFT_PUBLISHED, State.FINAL, State.FED_TO_ASSESSMENT, State.CLOSED,
)  # fmt: skip


def field(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").strip()[:2000]


def uuid_of(text: str, name: str) -> UUID:
    """Refuses: Invalid (name)."""
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(field=name, problem=gettext_noop("an id such as the page gives it")) from None


@require_http_methods(["GET", "POST"])
@refusals
def evaluation(request: HttpRequest) -> HttpResponse:
    """All cycles; a supervisor plans one here."""
    viewer, error = viewer_of(request), ""
    if request.method == "POST":
        try:
            seed = field(request, "seed")
            if not (seed.isascii() and seed.isdigit() and len(seed) <= 10):
                raise Invalid(field="seed", problem=gettext_noop("a whole number from 0 to 2147483647"))
            key = commands.plan(
                cycle_id=uuid4(), system=field(request, "system"), period=field(request, "period"), seed=int(seed), origin=origin_of(request)
            )
            told(request, _("The cycle is planned."))
            return redirect("evaluation_cycle", key)
        except Refusal as refusal:
            error = say(refusal)
    last = policy.quarter_of(calendar().local_date(timezone.now())).back(1)
    return page(
        request, "evaluation/cycles.html", status=422 if error else 200, error=error, cycles=queries.cycles(viewer=viewer),
        systems=queries.shipped(viewer=viewer), periods=[str(last.back(n)) for n in range(8)], may_plan=viewer.role is Role.SUPERVISOR,
        given=request.POST, seed=field(request, "seed") or "20260101",
    )  # fmt: skip


# --- one cycle ----------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def cycle(request: HttpRequest, cycle_id: UUID) -> HttpResponse:
    """One cycle: where it stands, what may be done, results as far as the viewer sees them, and its runs with their digests."""
    viewer, error, act = viewer_of(request), "", field(request, "act")
    if request.method == "POST":
        try:
            run = _ACTS.get(act)
            if run is None:
                raise Invalid(field="act", problem=gettext_noop("one of the acts offered"))
            run(request, cycle_id)
            told(request, _("Done."))
            return redirect("evaluation_cycle", cycle_id)
        except Refusal as refusal:
            error = say(refusal)
    view = queries.cycle(cycle_id=cycle_id, viewer=viewer)
    today = calendar().local_date(timezone.now())
    ranked = [u for u in view.units if u.total is not None]
    names = [_named(u.name_zh, u.name_en) for u in ranked]
    waiting = [r for r in queries.reports(cycle_id=cycle_id, viewer=viewer).items if r.state is Report.SUBMITTED]
    keeps = viewer.role is Role.SUPERVISOR
    return page(
        request, "evaluation/cycle.html", status=422 if error else 200, error=error, view=view, line=view.line, given=request.POST, act=act,
        chart=charts.totals(names, [u.total for u in ranked if u.total is not None], [u.low for u in ranked if u.low is not None], [u.high for u in ranked if u.high is not None]) if ranked else None,
        ranked=ranked, waiting=waiting, objections=queries.objections(cycle_id=cycle_id, viewer=viewer),
        rectifications=queries.rectifications(cycle_id=cycle_id, on=today, viewer=viewer),
        vetoes=queries.vetoes(cycle_id=cycle_id, viewer=viewer) if viewer.role in queries.OVERSEEING else (),
        vetoes_known=[v for d in queries.shipped(viewer=viewer) if d.system.kind == view.line.kind for v in d.system.vetoes],
        steps=_steps(view.line.state), keeps=keeps, oversees=viewer.role in queries.OVERSEEING, today=today,
        plain=[a for a in view.may if a is not Act.REOPEN], reopens=Act.REOPEN in view.may, settled=view.line.state in SETTLED,
        may_ask=keeps and view.line.state in {State.FED_TO_ASSESSMENT, State.RECTIFICATION_TRACKED},
        collecting=view.line.state is State.COLLECTING, my_unit=queries.my_unit(cycle_id=cycle_id, viewer=viewer),
        least_due=calendar().add_business_days(today, 10),
    )  # fmt: skip


def _steps(state: State) -> list[tuple[State, str]]:
    """The straight way, with what is done, what is now, and what comes."""
    now = {State.OBJECTION: State.DRAFT_PUBLISHED, State.RECTIFICATION_TRACKED: State.FED_TO_ASSESSMENT}.get(state, state)
    at = _ORDER.index(now)
    return [(s, "done" if n < at else "now" if n == at else "to come") for n, s in enumerate(_ORDER)]


def _named(zh: str, en: str) -> str:
    return (zh or en) if (get_language() or "").startswith("zh") else (en or zh)


def _plain(command: Callable[..., Any]) -> Callable[[HttpRequest, UUID], Any]:
    return lambda request, cycle_id: command(cycle_id=cycle_id, origin=origin_of(request))


def _reopen(request: HttpRequest, cycle_id: UUID) -> None:
    commands.reopen(cycle_id=cycle_id, reason=field(request, "reason"), origin=origin_of(request))


def _decide(request: HttpRequest, cycle_id: UUID) -> None:
    report_commands.decide_report(
        submission_id=uuid_of(field(request, "report"), "report"), accept=field(request, "decision") == "accept", reason=field(request, "reason"),
        origin=origin_of(request),
    )  # fmt: skip


def _answer(request: HttpRequest, cycle_id: UUID) -> None:
    answer_commands.decide_objection(
        objection_id=uuid_of(field(request, "objection"), "objection"), uphold=field(request, "decision") == "uphold",
        decision=field(request, "reason"), origin=origin_of(request),
    )  # fmt: skip


def _veto(request: HttpRequest, cycle_id: UUID) -> None:
    commands.propose_veto(
        veto_id=uuid4(), cycle_id=cycle_id, unit=field(request, "unit"), veto=field(request, "veto"), ground=field(request, "reason"),
        evidence=field(request, "evidence"), origin=origin_of(request),
    )  # fmt: skip


def _confirm_veto(request: HttpRequest, cycle_id: UUID) -> None:
    commands.confirm_veto(veto_id=uuid_of(field(request, "veto"), "veto"), origin=origin_of(request))


def _ask(request: HttpRequest, cycle_id: UUID) -> None:
    try:
        due = date.fromisoformat(field(request, "due"))
    except ValueError:
        raise Invalid(field="due", problem=gettext_noop("a day such as 2026-09-30")) from None
    answer_commands.ask_rectification(
        rectification_id=uuid4(), cycle_id=cycle_id, unit=field(request, "unit"), indicator=field(request, "indicator"),
        task=field(request, "task"), due=due, origin=origin_of(request),
    )  # fmt: skip


def _confirm(request: HttpRequest, cycle_id: UUID) -> None:
    key = uuid_of(field(request, "rectification"), "rectification")
    if field(request, "decision") == "give_up":
        answer_commands.give_up_rectification(rectification_id=key, reason=field(request, "reason"), origin=origin_of(request))
    else:
        answer_commands.confirm_rectification(rectification_id=key, confirm=field(request, "decision") == "confirm", origin=origin_of(request))


_ACTS: Final[dict[str, Callable[[HttpRequest, UUID], Any]]] = {
    "collect": _plain(commands.collect), "validate": _plain(commands.validate), "score": _plain(commands.score),
    "publish": _plain(commands.publish), "finalise": _plain(commands.finalise), "feed": _plain(commands.feed), "close": _plain(commands.close),
    "reopen": _reopen, "decide_report": _decide, "decide_objection": _answer, "propose_veto": _veto, "confirm_veto": _confirm_veto,
    "ask_rectification": _ask, "confirm_rectification": _confirm,
}  # fmt: skip


# --- one unit -----------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def scorecard(request: HttpRequest, cycle_id: UUID, unit: str) -> HttpResponse:
    """A unit's card, every point explained; the unit objects here, and says what it has set right."""
    viewer, error = viewer_of(request), ""
    if request.method == "POST":
        try:
            if field(request, "act") == "rectify":
                answer_commands.report_rectification(
                    rectification_id=uuid_of(field(request, "rectification"), "rectification"), done=field(request, "done"), origin=origin_of(request)
                )
                told(request, _("It is reported as done, and waits for another person to confirm it."))
            else:
                answer_commands.object_to(
                    objection_id=uuid4(), cycle_id=cycle_id, indicator=field(request, "indicator"), claimed=field(request, "claimed"),
                    ground=field(request, "ground"), evidence=field(request, "evidence"), origin=origin_of(request),
                )  # fmt: skip
                told(request, _("The objection is received. Both values are kept."))
            return redirect("evaluation_scorecard", cycle_id, unit)
        except Refusal as refusal:
            error = say(refusal)
    asked = request.GET.get("run", "")
    run = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 9 else None
    card = queries.scorecard(cycle_id=cycle_id, unit=unit, run=run, viewer=viewer)
    names = [_named(d.zh, d.en) for d in card.dims]
    return page(
        request, "evaluation/scorecard.html", status=422 if error else 200, error=error, card=card, line=card.cycle, given=request.POST,
        chart=charts.radar(names, [d.score for d in card.dims], _named(card.unit.name_zh, card.unit.name_en)),
        mine=queries.my_unit(cycle_id=cycle_id, viewer=viewer) == unit,
    )  # fmt: skip


@require_GET
@refusals
def system(request: HttpRequest, name: str) -> HttpResponse:
    """An indicator system, as it is shipped: every indicator with its formula, points and source."""
    viewer = viewer_of(request)
    found = {f"{d.system.key}.{d.system.version}": d for d in queries.shipped(viewer=viewer)}
    if name not in found:
        raise Invalid(field="system", problem=f"one of {', '.join(found)}")
    what = found[name]
    return page(
        request, "evaluation/system.html", what=what, name=name,
        dims=[(d, [what.entries[i.key] for i in what.system.of(d.key)], sum(i.points for i in what.system.of(d.key))) for d in what.system.dims],
        groups=[(group, members) for group, members in what.groups.values()],
    )  # fmt: skip


urlpatterns = [
    path("evaluation/", evaluation, name="evaluation"),
    path("evaluation/systems/<str:name>/", system, name="evaluation_system"),
    *effects_patterns,
    path("evaluation/<uuid:cycle_id>/", cycle, name="evaluation_cycle"),
    *reports_patterns,
    path("evaluation/<uuid:cycle_id>/units/<str:unit>/", scorecard, name="evaluation_scorecard"),
]
