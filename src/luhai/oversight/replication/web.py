"""The replication board, a package, a package in a territory with its reasons, and an adoption with the acts that the viewer may do."""

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
from django.views.decorators.http import require_GET, require_http_methods

from luhai.core.parties.territories import territories
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent, Invalid, Refusal
from luhai.shell.web import ROLE_NAMES, origin_of, page, refusals, say, told, viewer_of

from . import commands, live_commands, queries
from .packages import NARROWED
from .policy import DATA, FACTS, Eligibility
from .queries import ACT_NAMES, STATE_NAMES, Act, State

#: How states are coloured.
SHADES: Final = {
    State.LIVE: "good", State.GRANTED: "sea", State.APPROVED: "sea", State.PROPOSED: "sea", State.EXAMINED: "brass",
    State.DRAFTED: "brass", State.STOPPED: "bad", State.ROLLED_BACK: "warn", State.REFUSED: "bad", State.ENDED: "line",
    State.DROPPED: "line",
}  # fmt: skip
VERDICTS: Final = {
    "met": (gettext_lazy("could have it"), "sea", "circle-check"),
    "unknown": (gettext_lazy("evidence missing"), "warn", "help"),
    "failed": (gettext_lazy("conditions not met"), "line", "circle-x"),
}
_WRONG: Final = gettext_noop("one of those offered")


@require_GET
@refusals
def board(request: HttpRequest) -> HttpResponse:
    """Who has what, who could have it, and what is missing."""
    viewer = viewer_of(request)
    found = queries.board(on=_today(), viewer=viewer)
    inside = viewer.role in queries.AGENCIES
    return page(
        request, "replication/board.html", packages=found.packages, inside=inside,
        rows=[
            (code, zh, en, [_cell(found.places[p.id][code], p) for p in found.packages]) for code, zh, en in found.territories
        ],
        adoptions=[_adoption_line(a) for a in queries.adoptions(limit=20, viewer=viewer).items],
        templates=queries.templates(on=_today(), viewer=viewer),
    )  # fmt: skip


def _cell(place: queries.Place, p: queries.PackageView) -> dict[str, Any]:
    current = place.state and State(place.state) not in (State.DROPPED, State.REFUSED, State.ENDED, State.ROLLED_BACK)
    if current:
        state = State(place.state)
        return {"place": place, "package": p, "word": _(STATE_NAMES[state]), "shade": SHADES[state], "has": True, "icon": "check"}
    if place.is_origin:
        return {"place": place, "package": p, "word": _("its origin"), "shade": "brass", "has": False, "icon": ""}
    if not place.verdict:
        return {"place": place, "package": p, "word": "", "shade": "none", "has": False, "icon": ""}
    word, shade, glyph = VERDICTS[place.verdict]
    return {"place": place, "package": p, "word": word, "shade": shade, "has": False, "icon": glyph}


def _adoption_line(a: queries.AdoptionLine) -> dict[str, Any]:
    return {"a": a, "state": _(STATE_NAMES[State(a.state)]), "shade": SHADES[State(a.state)]}


# --- a package ----------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def package(request: HttpRequest, key: str) -> HttpResponse:
    """One package: what it is, what of it is ours, what it sets, asks and changes; an official begins to adopt it here."""
    viewer = viewer_of(request)
    found = queries.package(key=key, viewer=viewer)
    errors: dict[str, str] = {}
    may_draft = viewer.role == Role.PROVINCE and viewer.territory in territories() and viewer.territory != found.origin
    if request.method == "POST":
        try:
            adoption_id = uuid5(origin_of(request).key, "adoption")
            commands.draft(
                adoption_id=adoption_id, package=f"{found.id}@{found.version}", overrides=_overrides(request, found),
                starts_on=_day(request, "starts_on"), ends_on=_day_or_none(request, "ends_on"), origin=origin_of(request),
            )  # fmt: skip
            told(request, _("Drafted. Examine it next."))
            return redirect("replication_adoption", adoption_id=adoption_id)
        except Refusal as refusal:
            errors = _errors(refusal)
    return page(
        request, "replication/package.html", status=422 if errors else 200, package=found, errors=errors, given=request.POST,
        may_draft=may_draft, origin_place=territories()[found.origin], settings=_fields(found.settings, {}, request, errors),
        data=[(zh, en) for code, zh, en in DATA if code in found.data], product=_product(found.product, found.currency),
        adoptions=[_adoption_line(a) for a in queries.adoptions(package=found.id, viewer=viewer).items], today=_today(),
        here=viewer.territory if viewer.role == Role.PROVINCE else "", inside=viewer.role in queries.AGENCIES,
        places=[t for t in territories().values() if t.code != found.origin],
    )  # fmt: skip


def _fields(
    settings: list[queries.SettingView], overrides: dict[str, str], request: HttpRequest, errors: dict[str, str]
) -> list[dict[str, Any]]:
    found = []
    for s in settings:
        name = f"set-{s.key}"
        value = request.POST.get(name, overrides.get(s.key, s.default))
        found.append({"s": s, "name": name, "value": value, "error": errors.get(name, "")})
    return found


def _product(terms: dict[str, Any], currency: str) -> dict[str, Any]:
    return {"terms": terms, "amount": (terms["amount_min_minor"], terms["amount_max_minor"]), "currency": terms["currency"]}


def _overrides(request: HttpRequest, found: queries.PackageView) -> dict[str, str]:
    return {s.key: given for s in found.settings if (given := _text(request, f"set-{s.key}"))}


# --- a package in a territory -------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def eligible(request: HttpRequest, key: str, territory: str) -> HttpResponse:
    """Why a package can, cannot, or cannot yet be copied to a territory; those who may state what is missing do it here."""
    viewer = viewer_of(request)
    found = queries.package(key=key, viewer=viewer)
    if territory not in territories():
        raise Absent(kind="territory")
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            commands.state_fact(
                statement_id=uuid5(origin_of(request).key, "statement"), territory=territory, fact=_text(request, "fact"),
                value=_value(request), document=_text(request, "document"), digest=_text(request, "digest").lower(),
                stated_on=_day(request, "stated_on"), until=_day(request, "until"), origin=origin_of(request),
            )  # fmt: skip
            told(request, _("Stated."))
            return redirect("replication_eligible", key=key, territory=territory)
        except Refusal as refusal:
            errors = _errors(refusal)
    fit = queries.eligible(package=key, territory=territory, on=_today(), viewer=viewer)
    stated = queries.statements(territory=territory, on=_today(), viewer=viewer)
    return page(
        request, "replication/eligible.html", status=422 if errors else 200, package=found, place=territories()[territory], errors=errors,
        given=request.POST, trees=_trees(fit), verdict=VERDICTS[fit.ready], may_state=_may_state(viewer, territory),
        statements=[(s, ROLE_NAMES[Role(s.role)]) for s in stated], today=_today(),
    )  # fmt: skip


def _trees(fit: Eligibility) -> list[tuple[Any, Any]]:
    return [
        (gettext_lazy("Market conditions"), fit.market), (gettext_lazy("Matching risk control"), fit.risk),
        (gettext_lazy("Another territory has it"), fit.elsewhere), (gettext_lazy("Approval"), fit.approval),
    ]  # fmt: skip


def _may_state(viewer: Actor, territory: str) -> list[dict[str, Any]]:
    if viewer.role == Role.PROVINCE and viewer.territory != territory:
        return []
    found = []
    for name in commands.MAY_STATE.get(viewer.role, ()):
        asked = FACTS[name]
        hint = {"flag": "true / false", "count": "0, 1, 2 …"}.get(asked.kind, ", ".join(c[0] for c in asked.codes))
        found.append({"fact": asked, "hint": hint})
    return found


def _value(request: HttpRequest) -> Any:
    """What was typed, as the fact wants it; a command says what is wrong with it."""
    asked, text = FACTS.get(_text(request, "fact")), _text(request, "value")
    if asked is None:
        raise Invalid(field="fact", problem=_WRONG)
    if asked.kind == "flag":
        return {"true": True, "false": False}.get(text.lower(), text)
    if asked.kind == "count":
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else text
    return [v for v in re.split(r"[,，、\s]+", text) if v] if asked.kind == "set" else text


# --- an adoption --------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def adoption(request: HttpRequest, adoption_id: UUID) -> HttpResponse:
    """An adoption: how it differs from its origin, what was found, what was done, what is counted; and what the viewer may do."""
    viewer = viewer_of(request)
    act, errors = _text(request, "act"), {}
    found = queries.adoption(adoption_id=adoption_id, viewer=viewer)
    p = queries.package(key=f"{found.line.package}@{found.line.version}", viewer=viewer)
    if request.method == "POST":
        try:
            run = _ACTS.get(act)
            if run is None:
                raise Invalid(field="act", problem=_WRONG)
            told(request, str(run(request, adoption_id, p)))
            return redirect("replication_adoption", adoption_id=adoption_id)
        except Refusal as refusal:
            errors = _errors(refusal)
            found = queries.adoption(adoption_id=adoption_id, viewer=viewer)
    state = State(found.line.state)
    examined = found.examination
    return page(
        request, "replication/adoption.html", status=422 if errors else 200, x=found, a=found.line, package=p, errors=errors, act=act,
        given=request.POST, state=_(STATE_NAMES[state]), shade=SHADES[state], trees=_trees(examined.conditions) if examined else [],
        ready=VERDICTS[examined.ready] if examined else None,
        steps=[(s, _(ACT_NAMES[Act(s.act)]), _(STATE_NAMES[State(s.after)]), ROLE_NAMES[Role(s.role)]) for s in reversed(found.steps)],
        acts=[(a, _(ACT_NAMES[Act(a)])) for a in found.may if a in _ACTS], settings=_fields(p.settings, found.overrides, request, errors),
        inside=viewer.role in queries.AGENCIES, today=_today(), place=territories()[found.line.territory],
        may_offer=viewer.role is Role.BANK and state is State.LIVE, product=_product(p.product, p.currency),
        path=[(s, _(STATE_NAMES[s])) for s in _PATH], reached=_PATH.index(state) if state in _PATH else len(_PATH),
    )  # fmt: skip


_PATH: Final = (State.DRAFTED, State.EXAMINED, State.PROPOSED, State.APPROVED, State.GRANTED, State.LIVE)


def _draft(request: HttpRequest, adoption_id: UUID, p: queries.PackageView) -> str:
    commands.draft(
        adoption_id=adoption_id, package=f"{p.id}@{p.version}", overrides=_overrides(request, p), starts_on=_day(request, "starts_on"),
        ends_on=_day_or_none(request, "ends_on"), origin=origin_of(request),
    )  # fmt: skip
    return _("Drafted. Examine it next.")


def _examine(request: HttpRequest, adoption_id: UUID, p: queries.PackageView) -> str:
    commands.examine(adoption_id=adoption_id, origin=origin_of(request))
    return _("Examined. What was found stands below.")


def _propose(request: HttpRequest, adoption_id: UUID, p: queries.PackageView) -> str:
    commands.propose(adoption_id=adoption_id, origin=origin_of(request))
    return _("Proposed. Another official of the territory must approve it.")


def _approve(request: HttpRequest, adoption_id: UUID, p: queries.PackageView) -> str:
    commands.approve(adoption_id=adoption_id, origin=origin_of(request))
    return _("Approved. It lies before the authority now.")


def _grant(request: HttpRequest, adoption_id: UUID, p: queries.PackageView) -> str:
    commands.grant(
        adoption_id=adoption_id, instrument_no=_text(request, "instrument_no"), scope=_text(request, "scope"), origin=origin_of(request)
    )
    return _("Granted. It goes live on its day.")


def _refuse(request: HttpRequest, adoption_id: UUID, p: queries.PackageView) -> str:
    commands.refuse(adoption_id=adoption_id, reason=_text(request, "reason"), origin=origin_of(request))
    return _("Refused.")


def _drop(request: HttpRequest, adoption_id: UUID, p: queries.PackageView) -> str:
    commands.drop(adoption_id=adoption_id, reason=_text(request, "reason"), origin=origin_of(request))
    return _("Dropped.")


def _go_live(request: HttpRequest, adoption_id: UUID, p: queries.PackageView) -> str:
    live_commands.go_live(adoption_id=adoption_id, origin=origin_of(request))
    return _("Live from today.")


def _ask_roll_back(request: HttpRequest, adoption_id: UUID, p: queries.PackageView) -> str:
    live_commands.ask_roll_back(
        adoption_id=adoption_id, day=_day(request, "day"), reason=_text(request, "reason"), origin=origin_of(request)
    )
    return _("Asked. Another person must agree before anything changes.")


def _roll_back(request: HttpRequest, adoption_id: UUID, p: queries.PackageView) -> str:
    live_commands.roll_back(adoption_id=adoption_id, origin=origin_of(request))
    return _("Rolled back. Contracts that exist go on.")


def _stop(request: HttpRequest, adoption_id: UUID, p: queries.PackageView) -> str:
    live_commands.stop(adoption_id=adoption_id, reason=_text(request, "reason"), origin=origin_of(request))
    return _("Stopped from tomorrow.")


def _offer(request: HttpRequest, adoption_id: UUID, p: queries.PackageView) -> str:
    changes: dict[str, Any] = {n: given for n in ("name_zh", "name_en") if (given := _text(request, n))}
    changes |= {n: int(given) for n in NARROWED if (given := _text(request, n)).isascii() and given.isdigit() and len(given) < 16}
    commands.draft_product(
        adoption_id=adoption_id, product_id=uuid5(origin_of(request).key, "product"), changes=changes, origin=origin_of(request)
    )
    return _("Drafted on your shelf; publish it there as any other product.")


_Run = Callable[[HttpRequest, UUID, queries.PackageView], str]
_ACTS: Final[dict[str, _Run]] = {
    "draft": _draft, "examine": _examine, "propose": _propose, "approve": _approve, "grant": _grant, "refuse": _refuse, "drop": _drop,
    "go_live": _go_live, "ask_roll_back": _ask_roll_back, "roll_back": _roll_back, "stop": _stop, "offer": _offer,
}  # fmt: skip


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").strip()


def _day(request: HttpRequest, name: str) -> date:
    try:
        return datetime.strptime(_text(request, name), "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise Invalid(field=name, problem=gettext_noop("a day such as 2026-03-02")) from None


def _day_or_none(request: HttpRequest, name: str) -> date | None:
    return _day(request, name) if _text(request, name) else None


def _today() -> date:
    return queries.day_of(timezone.now())


_FIELDS: Final = frozenset({
    "starts_on", "ends_on", "instrument_no", "scope", "reason", "day", "fact", "value", "document", "digest", "stated_on", "until",
})  # fmt: skip


def _errors(refusal: Refusal) -> dict[str, str]:
    """What to say, by the field where it is said; under "" what is about the whole."""
    if isinstance(refusal, Invalid):
        field, problem = str(refusal.facts["field"]), _(str(refusal.facts["problem"]))
        if field.startswith("overrides."):
            return {f"set-{field.removeprefix('overrides.')}": problem}
        return {field: problem} if field in _FIELDS else {"": f"{field}: {problem}"}
    return {"": say(refusal)}


urlpatterns = [
    path("replication/", board, name="replication"),
    path("replication/packages/<str:key>/", package, name="replication_package"),
    path("replication/packages/<str:key>/<str:territory>/", eligible, name="replication_eligible"),
    path("replication/adoptions/<uuid:adoption_id>/", adoption, name="replication_adoption"),
]
