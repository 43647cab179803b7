"""How banks grade their customers: the grades that the viewer may see; a bank proposes, approves with a second person, and suspends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_http_methods

from luhai.core.parties import queries as parties
from luhai.kernel.calendar import SHANGHAI
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Invalid, Refusal
from luhai.shell.templatetags.luhai import day
from luhai.shell.web import origin_of, page, refusals, say, told, viewer_of

from . import commands, queries, web_scenes
from .lifecycle import STATE_NAMES, State
from .queries import GradeView

_PAGE: Final = 20
_SHADES: Final = {
    State.PROPOSED: "brass", State.APPROVED: "good", State.SUSPENDED: "bad", State.ENDED: "line", State.REPLACED: "line",
}  # fmt: skip
GRADE_NAMES: Final = {
    "1": gettext_lazy("1 · documents may follow"),
    "2": gettext_lazy("2 · the usual check"),
    "3": gettext_lazy("3 · the stricter check"),
}
CLASS_NAMES: Final = {
    "A": "A",
    "B": gettext_lazy("B · limited"),
    "C": gettext_lazy("C · each payment registered beforehand"),
    "none": gettext_lazy("not in the directory"),
}


@require_http_methods(["GET", "POST"])
@refusals
def grades(request: HttpRequest) -> HttpResponse:
    """Grades by the newest change, and for a bank the three acts on them."""
    viewer = viewer_of(request)
    act, errors = request.POST.get("act", ""), {}
    if request.method == "POST":
        try:
            run = _ACTS.get(act)
            if run is None:
                raise Invalid(field="act", problem=gettext_noop("one of the acts offered"))
            told(request, str(run(request)))
            return redirect("grades")
        except Refusal as refusal:
            errors = _errors(refusal, _FIELDS.get(act, frozenset()))
    state = request.GET.get("state", "").strip()[:20]
    state = state if state in set(State) else ""
    found = queries.grades(state=state, cursor=request.GET.get("cursor", ""), limit=_PAGE, viewer=viewer)
    query = request.GET.copy()
    query["cursor"] = found.next
    bank = viewer.role is Role.BANK
    return page(
        request, "checks/grades.html", status=422 if errors else 200, errors=errors, act=act, given=request.POST, state=state,
        items=[_line(g, viewer) for g in found.items], states=[(s, _(name)) for s, name in STATE_NAMES.items()], is_bank=bank,
        sees_why=viewer.role is not Role.COMPANY, grade_names=GRADE_NAMES.items(), class_names=CLASS_NAMES.items(),
        next=f"?{query.urlencode()}" if found.next else "", first="cursor" not in request.GET,
    )  # fmt: skip


def _line(g: GradeView, viewer: Actor) -> dict[str, Any]:
    """A grade as a row. Whoever does not see why sees only whether it counts."""
    if g.state:
        name, shade = _(STATE_NAMES[State(g.state)]), _SHADES[State(g.state)]
    else:
        name, shade = (_("in force"), "good") if g.until is None else (_("ended"), "line")
    waits = g.state == State.PROPOSED
    mine = g.proposed_by == viewer.person_id
    return {
        "grade": g, "name": GRADE_NAMES[str(g.grade)], "class_name": CLASS_NAMES.get(g.directory_class, ""), "state": name, "shade": shade,
        "may_approve": waits and viewer.role is Role.BANK and viewer.party_id == g.bank_id and not mine, "waits_for_other": waits and mine,
        "overdue": g.grade == 1 and g.until is None and not waits and g.next_review is not None and g.next_review < _today(),
    }  # fmt: skip


def _propose(request: HttpRequest) -> str:
    commands.propose_grade(
        grade_id=uuid5(origin_of(request).key, "grade"), company_id=_company(request), grade=_grade(request),
        directory_class=_text(request, "directory_class"), basis=_lines(request, "basis"), next_review=_day(request, "next_review"),
        origin=origin_of(request),
    )  # fmt: skip
    return _("Proposed. It counts once another person of the bank approves it.")


def _approve(request: HttpRequest) -> str:
    try:
        grade_id = UUID(_text(request, "grade_id"))
    except ValueError:
        raise Invalid(field="grade_id", problem=gettext_noop("one of those offered")) from None
    commands.approve_grade(grade_id=grade_id, origin=origin_of(request))
    return _("Approved. The grade counts from today.")


def _suspend(request: HttpRequest) -> str:
    commands.suspend_grade(
        grade_id=uuid5(origin_of(request).key, "grade"), company_id=_company(request), reason=_text(request, "reason"),
        origin=origin_of(request),
    )  # fmt: skip
    return _("Suspended: the customer is of grade 3 from today.")


_ACTS: Final[dict[str, Callable[[HttpRequest], str]]] = {"propose": _propose, "approve": _approve, "suspend": _suspend}
#: The fields at which the form of an act can say what is wrong.
_FIELDS: Final = {
    "propose": frozenset({"company", "grade", "directory_class", "basis", "next_review"}), "suspend": frozenset({"company", "reason"}),
}  # fmt: skip


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").strip()


def _lines(request: HttpRequest, name: str) -> list[str]:
    """One reason a line."""
    return [line.strip() for line in request.POST.get(name, "").splitlines() if line.strip()]


def _company(request: HttpRequest) -> UUID:
    return parties.party_named(name=_text(request, "company"), field="company", viewer=viewer_of(request)).id


def _grade(request: HttpRequest) -> int:
    given = _text(request, "grade")
    if given not in GRADE_NAMES:
        raise Invalid(field="grade", problem=gettext_noop("one of those offered"))
    return int(given)


def _day(request: HttpRequest, name: str) -> date:
    try:
        return datetime.strptime(_text(request, name), "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise Invalid(field=name, problem=gettext_noop("a day such as 2026-03-02")) from None


def _today() -> date:
    return timezone.now().astimezone(SHANGHAI).date()


def _errors(refusal: Refusal, fields: frozenset[str]) -> dict[str, str]:
    """What to say, by the field where it is said; under "" what is about the whole."""
    if isinstance(refusal, Invalid):
        field = {"company_id": "company"}.get(str(refusal.facts["field"]), str(refusal.facts["field"]))
        given = str(refusal.facts["problem"])
        problem = _("one of those offered") if re.fullmatch(r"one of .*", given) else _(given)
        return {field: problem} if field in fields else {"": f"{field}: {problem}"}
    if refusal.code == "checks.too_soon":
        earliest = date.fromisoformat(str(refusal.facts["earliest"]))
        return {"": _("A customer of grade 3 may be graded better from %(earliest)s on.") % {"earliest": day(earliest)}}
    if refusal.code == "checks.action_not_allowed":
        state = _(STATE_NAMES[State(str(refusal.facts["state"]))])
        return {"": _("This cannot be done while the grade stands as: %(state)s.") % {"state": state}}
    return {"": say(refusal)}


urlpatterns = [path("grades/", grades, name="grades"), *web_scenes.urlpatterns]
