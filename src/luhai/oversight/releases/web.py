"""The statistics browser, the calendar of releases, a release, and one of its figures. What is published is everybody's to look at."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods
from pydantic_core import to_jsonable_python

from luhai.core.indicators.dimensions import BY_NAME, DIMENSIONS, TOTAL
from luhai.kernel.calendar import SHANGHAI
from luhai.kernel.origin import Role
from luhai.kernel.refusal import Absent, Invalid, Refusal
from luhai.oversight.statistics.indicators import INDICATORS
from luhai.oversight.statistics.policy import month_of
from luhai.shell.web import origin_of, page, refusals, say, told, viewer_of

from . import browsing, charts, commands, queries
from .browsing import MONTHS, Asked
from .lifecycle import KIND_NAMES, STATE_NAMES, State
from .queries import FiguresRelease, Observation
from .templatetags.release_words import code_name, month_name

#: Why a figure is withheld, and by which sign it stands in a table.
WHY = {
    "A": gettext_lazy("fewer companies stand behind it than may be told"),
    "O": gettext_lazy("one company would be given away by it"),
    "T": gettext_lazy("two companies together would be given away by it"),
    "D": gettext_lazy("another withheld figure could be worked out from it"),
}
FACT_NAMES = {
    "drawn": gettext_lazy("Loan paid out"),
    "repaid": gettext_lazy("Principal repaid"),
    "received": gettext_lazy("Payment credited"),
    "returned": gettext_lazy("Payment sent back"),
}
OVERSEEING = (Role.SUPERVISOR, Role.OPERATOR)
FORMS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
ASKED = ("indicator", "rows", "columns", "currency", "territory", "from", "to", "vintage")


# --- the browser --------------------------------------------------------------------------------------------------------


@require_GET
@refusals
def browse(request: HttpRequest) -> HttpResponse:
    """A table of the reader's own making, its picture, how to cite it, and where to download it. Nothing is computed for it."""
    given, problem = _given(request), ""
    found: list[Observation] = []
    grid = browsing.Grid((), ())
    want = Asked("territory", MONTHS, "CNY", TOTAL)
    months = queries.months(viewer=viewer_of(request))
    try:
        want, found = _selected(request, given, months)
        grid = browsing.grid(want, found)
    except Refusal as refusal:
        problem = say(refusal)
    what = INDICATORS.get(given["indicator"]) or next(iter(INDICATORS.values()))
    column, row = browsing.names(want.columns), browsing.names(want.rows)
    heads = [month_name(c) if column is None else code_name(c, column) for c in grid.columns]
    lines = [(code_name(r, row), list(zip(heads, cells, strict=True))) for r, cells in grid.rows]
    decimals = found[0].decimals if found else 0
    drawable = [(name, [c.value if c else None for _h, c in cells]) for (name, cells), (code, _x) in zip(lines, grid.rows, strict=True) if code != TOTAL or len(lines) == 1]
    drawable = [(name, values) for name, values in drawable if any(v is not None for v in values)]
    signs = sorted({x.conf_status for x in found if x.conf_status in WHY})
    today = timezone.now().astimezone(SHANGHAI).date()
    releases = {r.id: r for r in queries.releases(viewer=viewer_of(request)) if r.id in {x.release_id for x in found}}
    return page(
        request, "releases/browse.html", status=422 if problem else 200, given=given, what=what, indicators=INDICATORS.values(), want=want,
        axes=[BY_NAME[a] for a in browsing.AXES], months=months, currencies=_currencies(), territories=_codes("territory"), heads=heads,
        lines=lines, row=row, problem=problem, found=found, chart=charts.table(heads, drawable, decimals) if drawable else None,
        shown=[n for n, _v in drawable[: charts.MOST]], more=len(drawable) > charts.MOST and len(heads) > 1, legend=[(s, WHY[s]) for s in signs],
        cite=_cite(request, what, list(releases.values())) if found else None, query=urlencode({k: v for k, v in given.items() if v}),
        rule=queries.rule(on=today, viewer=viewer_of(request)),
    )  # fmt: skip


@require_GET
@refusals
def download(request: HttpRequest, form: str) -> HttpResponse:
    """The same selection as a file: every printed cell with its vintage, status and method."""
    if form not in FORMS:
        raise Absent(kind="form")
    given = _given(request)
    _want, found = _selected(request, given, queries.months(viewer=viewer_of(request)))
    releases = {r.id: r.digest for r in queries.releases(viewer=viewer_of(request))}
    rows = [_row(x, releases[x.release_id]) for x in found]
    response = HttpResponse(content_type=FORMS[form])
    response["Content-Disposition"] = f'attachment; filename="luhai-{given["indicator"]}.{form}"'
    if form == "csv":
        response.write(_as_csv(rows))
    else:
        response.write(json.dumps(to_jsonable_python({"figures": rows, "source": request.build_absolute_uri(reverse("statistics_browse"))}), ensure_ascii=False))
    return response


def _given(request: HttpRequest) -> dict[str, str]:
    given = {name: request.GET.get(name, "").strip()[:40] for name in ASKED}
    usual = {"indicator": "loans_outstanding", "rows": "territory", "columns": MONTHS, "currency": "CNY", "territory": TOTAL, "vintage": "latest"}
    given |= {name: value for name, value in usual.items() if not given[name]}
    what = INDICATORS.get(given["indicator"])
    if what is not None and what.into:
        given["currency"] = TOTAL
    elif given["currency"] == TOTAL:
        given["currency"] = "CNY"
    return given


def _selected(request: HttpRequest, given: dict[str, str], months: Sequence[str]) -> tuple[Asked, list[Observation]]:
    """Refuses: Absent (indicator), Invalid (which field)."""
    want = browsing.asked(given["rows"], given["columns"], given["currency"], given["territory"])
    for field in ("from", "to"):
        if given[field]:
            month_of(given[field], field)
    to = given["to"] or (months[-1] if months else "")
    first = given["from"] or (months[max(0, len(months) - 12)] if months else "")
    if want.columns != MONTHS:
        first = to
    if first > to:
        raise Invalid(field="from", problem=_("not after the last month"))
    found = queries.published(
        indicators=[given["indicator"]], month_from=first, month_to=to, keys=want.keys(), vintage=given["vintage"], viewer=viewer_of(request)
    )
    return want, _newest(found)


def _newest(found: Sequence[Observation]) -> list[Observation]:
    """Of a table with all vintages, the newest of each cell."""
    return list({(x.month, x.indicator, x.key): x for x in found}.values())


def _codes(name: str) -> list[tuple[str, str]]:
    dimension = BY_NAME[name]
    return [(code, code_name(code, dimension)) for code in dimension.codes]


def _currencies() -> list[str]:
    return [c for c in BY_NAME["currency"].codes if c not in {TOTAL, "_Z"}]


def _row(x: Observation, digest: str) -> dict[str, Any]:
    return {
        "month": x.month, "vintage": x.vintage, "indicator": x.indicator, **{d.name: code for d, code in zip(DIMENSIONS, x.key, strict=True)},
        "value": x.value, "unit": x.unit, "decimals": x.decimals, "obs_status": x.obs_status, "conf_status": x.conf_status,
        "published_at": x.published_at, "method": x.method, "release": digest, "comment": x.comment,
    }  # fmt: skip


def _as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """With a mark of the encoding, since spreadsheets ask for one; a comment that begins like a formula stays a text."""
    out = io.StringIO()
    out.write("\ufeff")
    names = [
        "month", "vintage", "indicator", *(d.name for d in DIMENSIONS), "value", "unit", "decimals", "obs_status", "conf_status", "published_at",
        "method", "release", "comment",
    ]  # fmt: skip
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    for row in rows:
        said = row | {"published_at": row["published_at"].isoformat() if row["published_at"] else ""}
        said["comment"] = f"'{said['comment']}" if said["comment"][:1] in {"=", "+", "-", "@", "\t", "\r"} else said["comment"]
        writer.writerow(said)
    return out.getvalue()


def _cite(request: HttpRequest, what: Any, releases: Sequence[FiguresRelease]) -> tuple[str, str]:
    """How to cite a table, in Chinese and in English: which figures, which vintages, when published, and by which digest they are known."""
    address = request.build_absolute_uri()
    ordered = sorted(releases, key=lambda r: (r.month, r.vintage))
    said = []
    for language in ("zh-hans", "en"):
        with translation.override(language):
            zh = language == "zh-hans"
            parts = [
                f"{r.name} {_(KIND_NAMES[r.kind])} {r.published_at.astimezone(SHANGHAI):%Y-%m-%d} SHA-256 {r.digest[:16]}"  # type: ignore[index]
                for r in (ordered if len(ordered) < 4 else [ordered[0], ordered[-1]])
                if r.published_at
            ]
            between = " … " if len(ordered) > 3 else ("；" if zh else "; ")
            title = what.zh if zh else what.en
            said.append(f"陆海智融通：《{title}》，{between.join(parts)}，{address}" if zh else f"Luhai: “{title}”, {between.join(parts)}, {address}")
    return said[0], said[1]


# --- releases -----------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def release_calendar(request: HttpRequest) -> HttpResponse:
    """What is due when; for those who oversee, also where a release is planned or a revision asked for."""
    viewer, errors, given = viewer_of(request), {}, {}
    if request.method == "POST":
        given = {k: request.POST.get(k, "").strip() for k in ("do", "month", "kind", "day", "reason", "changed")}
        try:
            made = _plan(request, given)
            told(request, _("It stands in the calendar."))
            return redirect("release", release_id=made)
        except Invalid as refusal:
            errors = {str(refusal.facts["field"]): _(str(refusal.facts["problem"]))}
        except Refusal as refusal:
            errors = {"": say(refusal)}
    today = timezone.now().astimezone(SHANGHAI).date()
    lines = [(d, KIND_NAMES[d.kind], STATE_NAMES[d.release.state] if d.release else "", d.due < today) for d in queries.calendar(viewer=viewer)]  # type: ignore[index]
    return page(
        request, "releases/calendar.html", status=422 if errors else 200, lines=[x for x in reversed(lines)], errors=errors, given=given,
        plans=viewer.role in OVERSEEING, kinds=[(k, KIND_NAMES[k]) for k in ("PROVISIONAL", "FINAL")],  # type: ignore[index]
    )  # fmt: skip


def _plan(request: HttpRequest, given: dict[str, str]) -> UUID:
    try:
        day = date.fromisoformat(given["day"]) if given["day"] else None
    except ValueError:
        raise Invalid(field="day", problem=_("a day such as 2026-04-08")) from None
    if given["do"] == "revise":
        return commands.revise_release(month=given["month"], reason=given["reason"], changed=given["changed"], day=day, origin=origin_of(request))
    if given["do"] == "plan":
        return commands.plan_release(month=given["month"], kind=given["kind"], day=day, origin=origin_of(request))
    raise Invalid(field="do", problem="plan, revise")


@require_http_methods(["GET", "POST"])
@refusals
def release(request: HttpRequest, release_id: UUID) -> HttpResponse:
    """One release: where it stands, on what it rests, what it changed; and what may be done with it next."""
    viewer, problem, status = viewer_of(request), "", 200
    if request.method == "POST":
        try:
            _act(request, release_id)
            return redirect("release", release_id=release_id)
        except Refusal as refusal:
            problem, status = (_(str(refusal.facts["problem"])) if isinstance(refusal, Invalid) else say(refusal)), refusal.status
    view = queries.release(release_id=release_id, viewer=viewer)
    changes = queries.changes(release_id=release_id, viewer=viewer)
    others = [r for r in queries.releases(month=view.month, viewer=viewer) if r.id != view.id]
    return page(
        request, "releases/release.html", status=status, view=view, kind_name=KIND_NAMES[view.kind], state_name=STATE_NAMES[view.state],  # type: ignore[index]
        changes=[(c, INDICATORS[c.indicator]) for c in changes[:50] if c.indicator in INDICATORS], changed=len(changes),
        others=[(r, STATE_NAMES[r.state]) for r in others],  # type: ignore[index]
        problem=problem, may_compute=viewer.role in OVERSEEING and view.state == State.PLANNED,
        may_publish=viewer.role in OVERSEEING and view.state == State.COMPUTED, over=timezone.now() >= view.embargo_until,
        out=view.state in {State.PUBLISHED, State.SUPERSEDED},
    )  # fmt: skip


def _act(request: HttpRequest, release_id: UUID) -> None:
    do, origin = request.POST.get("do", ""), origin_of(request)
    if do == "compute":
        commands.compute_release(release_id=release_id, origin=origin)
        told(request, _("All figures are counted and frozen."))
    elif do == "publish":
        commands.publish_release(release_id=release_id, origin=origin)
        told(request, _("The figures are published."))
    elif do == "discard":
        commands.discard_release(release_id=release_id, reason=request.POST.get("reason", ""), origin=origin)
        told(request, _("The release was discarded."))
    else:
        raise Invalid(field="do", problem="compute, publish, discard")


@require_GET
@refusals
def released_cell(request: HttpRequest, release_id: UUID, indicator: str, key: str) -> HttpResponse:
    """One figure: its formula, vintage and method; for those who oversee, what was counted and the events beneath."""
    viewer = viewer_of(request)
    view = queries.cell(release_id=release_id, indicator=indicator, key=key.split("."), viewer=viewer)
    events = None
    if viewer.role in OVERSEEING:
        events = queries.beneath(
            release_id=release_id, indicator=indicator, key=key.split("."), cursor=request.GET.get("cursor", ""), viewer=viewer
        )
    x = view.observation
    return page(
        request, "releases/cell.html", view=view, x=x, what=view.indicator, r=view.release, kind_name=KIND_NAMES[view.release.kind],  # type: ignore[index]
        why=WHY.get(x.conf_status, ""), codes=[(d, code) for d, code in zip(DIMENSIONS, x.key, strict=True)], events=events, fact_names=FACT_NAMES,
        next=f"?{urlencode({'cursor': events.next})}" if events and events.next else "", first="cursor" not in request.GET,
    )  # fmt: skip


urlpatterns = [
    path("statistics/browse/", browse, name="statistics_browse"),
    path("statistics/browse/<str:form>", download, name="statistics_download"),
    path("statistics/calendar/", release_calendar, name="release_calendar"),
    path("statistics/release/<uuid:release_id>/", release, name="release"),
    path("statistics/release/<uuid:release_id>/cell/<str:indicator>/<str:key>/", released_cell, name="released_cell"),
]
