"""The rules that payments are checked by, and the scenes that territories lay over them: open to all. Who oversees puts a scene in force."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, gettext_noop
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from luhai.core.parties.territories import territories
from luhai.kernel.calendar import SHANGHAI
from luhai.kernel.origin import PUBLIC, Role
from luhai.kernel.refusal import Invalid, Refusal
from luhai.shell.templatetags.luhai import day
from luhai.shell.web import origin_of, page, refusals, say, told, viewer_of

from . import commands, queries
from .queries import InForceView, SceneView

DIRECTIONS: Final = {"in": gettext_lazy("receipts"), "out": gettext_lazy("payments out")}
#: What a letter means, as in rule_sets.
LETTERS: Final = {
    "Y": gettext_lazy("required"), "P": gettext_lazy("may follow; a contradiction blocks"), "o": gettext_lazy("for information"),
}  # fmt: skip
_MAY_PUT: Final = {Role.SUPERVISOR, Role.OPERATOR}


@require_GET
@refusals
def checks(request: HttpRequest) -> HttpResponse:
    """All rule sets, and all scenes with where they hold today."""
    viewer, today = viewer_of(request), _today()
    held = queries.scenes_in_force(viewer=viewer)
    return page(
        request, "checks/checks.html", rule_sets=queries.rule_sets(viewer=viewer),
        scenes=[
            {"scene": s, "origin": territories().get(s.origin), "held": [_held(h, today) for h in held if h.version == s.version]}
            for s in queries.scenes(viewer=viewer)
        ],
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@refusals
def scene(request: HttpRequest, key: str) -> HttpResponse:
    """One scene: what it asks, what it accepts instead, and where it holds; for who oversees, the two acts on it."""
    viewer, today = viewer_of(request), _today()
    shown = queries.scene(key=key, viewer=viewer)
    act, errors = request.POST.get("act", ""), {}
    if request.method == "POST":
        try:
            run = _ACTS.get(act)
            if run is None:
                raise Invalid(field="act", problem=gettext_noop("one of the acts offered"))
            told(request, run(request, shown))
            return redirect("scene", key)
        except Refusal as refusal:
            errors = _errors(refusal, _FIELDS.get(act, frozenset()))
    held = [_held(h, today) for h in queries.scenes_in_force(key=shown.key, viewer=viewer)]
    return page(
        request, "checks/scene.html", status=422 if errors else 200, scene=shown, origin=territories().get(shown.origin), held=held,
        about=queries.criteria_words(shown.about, today), checks=[_check(c, today) for c in shown.checks], weights=_weights(shown),
        instead=[{"to": i, "asks": queries.criteria_words(i.criteria, today)} for i in shown.instead],
        applies=[(DIRECTIONS[d], [_situation(d, s) for s in names]) for d, names in shown.applies.items()],
        may_put=viewer.role in _MAY_PUT, territories=list(territories().values()), errors=errors, act=act, given=request.POST,
        letters=LETTERS.items(),
    )  # fmt: skip


def _held(h: InForceView, today: date) -> dict[str, Any]:
    if h.valid_from > today:
        name, shade = _("begins later"), "brass"
    elif h.valid_to is None or h.valid_to > today:
        name, shade = _("in force"), "good"
    else:
        name, shade = _("ended"), "line"
    return {"row": h, "place": territories().get(h.territory), "state": name, "shade": shade, "open": shade != "line"}


def _check(c: queries.CheckView, today: date) -> dict[str, Any]:
    return {"check": c, "asks": queries.criteria_words(c.criteria, today), "when": [(_named(s), letters) for s, letters in c.when.items()]}


def _weights(shown: SceneView) -> list[dict[str, Any]]:
    return [
        {"weight": w, "direction": DIRECTIONS[w.direction], "situation": _situation(w.direction, w.situation)} for w in shown.weights
    ]


def _situation(direction: str, name: str) -> str:
    """What a situation is called in the newest rules of its direction."""
    for rules in reversed(queries.rule_sets(direction=direction, viewer=PUBLIC)):
        for s in rules.situations:
            if s["name"] == name:
                return str(s["zh"] if (get_language() or "en").startswith("zh") else s["en"])
    return name


def _named(name: str) -> str:
    return " / ".join(dict.fromkeys(_situation(d, name) for d in DIRECTIONS))


def _put(request: HttpRequest, shown: SceneView) -> str:
    until = request.POST.get("valid_to", "").strip()
    commands.put_scene_in_force(
        scene=shown.version, territory=_territory(request), valid_from=_day(request, "valid_from"),
        valid_to=_day(request, "valid_to") if until else None, origin=origin_of(request),
    )  # fmt: skip
    return _("The scene holds there from the day given.")


def _withdraw(request: HttpRequest, shown: SceneView) -> str:
    commands.withdraw_scene(
        scene=shown.key, territory=_territory(request), valid_to=_day(request, "until"), origin=origin_of(request)
    )
    return _("The scene holds there no longer from the day given. Verdicts given before stay as they are.")


_ACTS: Final[dict[str, Callable[[HttpRequest, SceneView], str]]] = {"put": _put, "withdraw": _withdraw}
_FIELDS: Final = {"put": frozenset({"territory", "valid_from", "valid_to"}), "withdraw": frozenset({"territory", "until"})}


def _territory(request: HttpRequest) -> str:
    given = request.POST.get("territory", "").strip()
    if given not in territories():
        raise Invalid(field="territory", problem=gettext_noop("one of those offered"))
    return given


def _day(request: HttpRequest, name: str) -> date:
    try:
        return datetime.strptime(request.POST.get(name, "").strip(), "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise Invalid(field=name, problem=gettext_noop("a day such as 2026-03-02")) from None


def _today() -> date:
    return timezone.now().astimezone(SHANGHAI).date()


def _errors(refusal: Refusal, fields: frozenset[str]) -> dict[str, str]:
    """What to say, by the field where it is said; under "" what is about the whole."""
    if isinstance(refusal, Invalid):
        field = str(refusal.facts["field"])
        if field == "valid_to" and "until" in fields:
            field = "until"
        problem = _(str(refusal.facts["problem"]))
        return {field: problem} if field in fields else {"": f"{field}: {problem}"}
    if refusal.code in ("checks.scene_in_force", "checks.scene_not_in_force"):
        place = territories()[str(refusal.facts["territory"])]
        name = place.name_zh if (get_language() or "en").startswith("zh") else place.name_en
        if refusal.code == "checks.scene_in_force":
            return {"": _("%(version)s is in force in %(territory)s then; withdraw it from that day first.") % {"version": refusal.facts["version"], "territory": name}}
        on = day(date.fromisoformat(str(refusal.facts["on"])))
        return {"": _("%(scene)s is not in force in %(territory)s on %(on)s or later.") % {"scene": refusal.facts["scene"], "territory": name, "on": on}}
    return {"": say(refusal)}


urlpatterns = [path("checks/", checks, name="checks"), path("checks/scenes/<str:key>/", scene, name="scene")]
