"""The registry: published figures and their structures, asked and answered as SDMX REST 2.2 has it. Open to everybody.

    /sdmx/v2/structure/dataflow/LUHAI/CORRIDOR_FIN/+?references=descendants
    /sdmx/v2/data/dataflow/LUHAI/CORRIDOR_FIN/+/M.500000.*.*.*.*.CNY.*.*.*.*?c[TIME_PERIOD]=ge:2026-01&lastNObservations=3

Which form is answered follows `Accept` (SDMX-ML 3.0, SDMX-JSON 2.0, SDMX-CSV 2.0 for data) or `format=xml|json|csv`; a browser gets XML.
Mistakes are answered in the form that was asked for, with the code numbers of the standard's errors.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from xml.sax.saxutils import escape

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.utils import timezone
from django.views.decorators.http import require_safe

from luhai.core.indicators.dimensions import DIMENSIONS
from luhai.kernel.refusal import Refusal
from luhai.oversight.statistics.indicators import INDICATORS
from luhai.shell.texts import in_words
from luhai.shell.web import viewer_of

from . import queries
from .sdmx import data, structure_message
from .sdmx.questions import BadQuestion, Question, read
from .sdmx.structure import AGENCY, NAME, VERSION, Structures, structures

View = Callable[..., HttpResponse]

STRUCTURE_TYPES: Final = {
    "xml": "application/vnd.sdmx.structure+xml;version=3.0.0", "json": "application/vnd.sdmx.structure+json;version=2.0.0",
}  # fmt: skip
DATA_TYPES: Final = {
    "xml": "application/vnd.sdmx.data+xml;version=3.0.0", "json": "application/vnd.sdmx.data+json;version=2.0.0",
    "csv": "application/vnd.sdmx.data+csv;version=2.0.0",
}  # fmt: skip
#: The standard's numbers: 100 no results, 140 syntax, 150 semantics, 501 not implemented.
NO_RESULTS, SYNTAX, SEMANTICS, NOT_IMPLEMENTED = 100, 140, 150, 501
_STATUS: Final = {NO_RESULTS: 404, SYNTAX: 400, SEMANTICS: 400, NOT_IMPLEMENTED: 501}
BY_SDMX: Final = {d.sdmx: d for d in DIMENSIONS}
#: Our words for units that are no currency, in the standard's code list.
UNITS: Final = {"percent": "PC"}
LATEST: Final = frozenset({"*", "+", "~", "latest", VERSION, "1.0+.0", "1.0.0+"})


class Wrong(Exception):
    """What the registry must answer instead."""

    def __init__(self, code: int, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.code, self.text, self.status = code, text, status or _STATUS[code]


def answered(types: dict[str, str]) -> Callable[[View], View]:
    """Choose the form first, so that a mistake is told in it, too."""

    def around(view: View) -> View:
        @wraps(view)
        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            form = "xml"
            try:
                form = _form(request, types)
                response = view(request, *args, form=form, **kwargs)
            except Wrong as wrong:
                response = _mistake(wrong, form)
            except BadQuestion as bad:
                response = _mistake(Wrong(SYNTAX, str(bad)), form)
            except Refusal as refusal:
                response = _mistake(Wrong(SEMANTICS, in_words(refusal), refusal.status), form)
            response["Vary"] = "Accept"
            return response

        return inner

    return around


def _form(request: HttpRequest, types: dict[str, str]) -> str:
    asked = request.GET.get("format")
    if asked is not None:
        if asked not in types:
            raise Wrong(SYNTAX, f"format: one of {', '.join(types)}", 406)
        return asked
    accepted = [part.strip().lower().replace(" ", "") for part in request.headers.get("Accept", "*/*").split(",")]
    for part in accepted:
        kind = part.split(";q=")[0]
        for form, offered in types.items():
            family = offered.split(";")[0]
            if kind in {offered, family, {"xml": "application/xml", "json": "application/json", "csv": "text/csv"}[form]}:
                return form
            if kind.startswith(family) and _version(kind) == _version(offered):
                return form
    if any(part.split(";")[0] in {"*/*", "text/html", "application/*", "text/*", ""} for part in accepted):
        return "xml"
    raise Wrong(SYNTAX, f"Accept: one of {', '.join(types.values())}", 406)


def _version(kind: str) -> str:
    return next((p.removeprefix("version=") for p in kind.split(";") if p.startswith("version=")), "")


def _mistake(wrong: Wrong, form: str) -> HttpResponse:
    if form == "json":
        body = json.dumps({"errors": [{"code": wrong.code, "title": wrong.text}]}, ensure_ascii=False)
        return HttpResponse(body, content_type="application/json", status=wrong.status)
    if form == "csv":
        return HttpResponse(f"{wrong.code} {wrong.text}\n", content_type="text/plain; charset=utf-8", status=wrong.status)
    message, common = (f"http://www.sdmx.org/resources/sdmxml/schemas/v3_0/{name}" for name in ("message", "common"))
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?><mes:Error xmlns:mes="{message}" xmlns:com="{common}">'
        f'<mes:ErrorMessage code="{wrong.code}"><com:Text>{escape(wrong.text)}</com:Text></mes:ErrorMessage></mes:Error>'
    )
    return HttpResponse(body, content_type="application/xml", status=wrong.status)


# ------------------------------------------------------------------------------------------------------------- structures


@require_safe
@answered(STRUCTURE_TYPES)
def structure(request: HttpRequest, kind: str, agency: str = "*", name: str = "*", version: str = "+", *, form: str) -> HttpResponse:
    """Code lists, concepts, the data structure, its dataflow, and the agency."""
    ours = _structures()
    by_kind: dict[str, list[Any]] = {
        "codelist": [*ours.codelists], "conceptscheme": [ours.concepts], "datastructure": [ours.dsd], "dataflow": [ours.dataflow],
        "agencyscheme": [ours.agencies],
    }  # fmt: skip
    if kind != "*" and kind not in by_kind:
        raise Wrong(NOT_IMPLEMENTED, f"artefacts of type {kind} are not kept here; there are {', '.join(by_kind)}")
    if request.GET.get("detail", "full") not in {"full", "raw"}:
        raise Wrong(NOT_IMPLEMENTED, "detail: full only")
    found = [
        one for which, artefacts in by_kind.items() if kind in {"*", which} for one in artefacts
        if _one_of(agency, {AGENCY} if which != "agencyscheme" else {"SDMX"}) and _one_of(name, {one.id})
        and set(version.split(",")) & (LATEST | {one.version})
    ]  # fmt: skip
    if not found:
        raise Wrong(NO_RESULTS, f"there is no {kind} {agency}:{name}({version}) here")
    found = _with_references(found, by_kind, request.GET.get("references", "none"))
    writer = structure_message.as_json if form == "json" else structure_message.as_xml
    return HttpResponse(writer(found, ours, at=timezone.now()), content_type=STRUCTURE_TYPES[form])


def _one_of(asked: str, have: set[str]) -> bool:
    return asked in {"*", "all"} or bool(set(asked.split(",")) & have)


def _with_references(found: list[Any], by_kind: dict[str, list[Any]], references: str) -> list[Any]:
    """What is found and what it points to, or what points to it. There is one structure, so that every list belongs to it."""
    lists = [*by_kind["codelist"], *by_kind["conceptscheme"]]
    kinds = {which for which, artefacts in by_kind.items() for one in artefacts if any(one is f for f in found)}
    below = by_kind["datastructure"] if "dataflow" in kinds else []
    above = [*(by_kind["datastructure"] if {"codelist", "conceptscheme"} & kinds else []), *(by_kind["dataflow"] if "datastructure" in kinds else [])]
    match references:
        case "none":
            more = []
        case "children":
            more = [*below, *(lists if "datastructure" in kinds else [])]
        case "descendants":
            more = [*below, *(lists if {"dataflow", "datastructure"} & kinds else [])]
        case "parents":
            more = above
        case "parentsandsiblings":
            more = [*above, *(lists if {"codelist", "conceptscheme"} & kinds else [])]
        case "ancestors":
            more = [*above, *(by_kind["dataflow"] if {"codelist", "conceptscheme"} & kinds else [])]
        case "all":
            more = [one for which, artefacts in by_kind.items() if which != "agencyscheme" for one in artefacts]
        case "codelist" | "conceptscheme" | "datastructure" | "dataflow":
            more = by_kind[references]
        case _:
            raise Wrong(SYNTAX, "references: none, children, descendants, parents, parentsandsiblings, ancestors, all, or a type of artefact")
    unique = {id(one): one for one in [*found, *more]}  # the library's artefacts compare by content, code by code
    return list(unique.values())


# ------------------------------------------------------------------------------------------------------------------- data


@require_safe
@answered(DATA_TYPES)
def figures(
    request: HttpRequest, context: str, agency: str = "*", name: str = "*", version: str = "*", key: str = "*", *, form: str
) -> HttpResponse:
    """Published figures. 404 with the standard's code where nothing fits; a suppressed figure is there without its value."""
    if context not in {"dataflow", "datastructure", "*"}:
        raise Wrong(SYNTAX, "context: dataflow or datastructure")
    if not (_one_of(agency, {AGENCY}) and _one_of(name, {NAME}) and set(version.split(",")) & LATEST):
        raise Wrong(NO_RESULTS, f"there is no {context} {agency}:{name}({version}) here; there is {AGENCY}:{NAME}({VERSION})")
    question = read(key, {n: request.GET.getlist(n) for n in request.GET})
    points = [
        data.point(
            indicator=o.indicator, key=o.key, month=o.month, value=o.value, unit=UNITS.get(o.unit, o.unit), decimals=o.decimals, obs_status=o.obs_status,
            conf_status=o.conf_status, vintage=o.vintage, published_at=o.published_at, method=o.method,
        )
        for o in queries.published(
            vintage="all" if _needs_all(question) else "latest", viewer=viewer_of(request), **_narrowed(question)
        )
        if o.published_at is not None and _in_time(o.published_at, question)
    ]  # fmt: skip
    if question.as_of is not None and not question.history:
        newest: dict[tuple[tuple[str, ...], str], data.Point] = {}
        for p in points:
            before = newest.get((p.key, p.period))
            if before is None or before.vintage < p.vintage:
                newest[p.key, p.period] = p
        points = list(newest.values())
    datasets = data.chosen(points, question)
    if not any(datasets):
        raise Wrong(NO_RESULTS, "no published figure fits the question")
    ours, now = _structures(), timezone.now()
    if form == "csv":
        text = data.as_csv(datasets, ours, question)
    elif form == "json":
        text = data.as_json(datasets, ours, question, at=now)
    else:
        text = data.as_xml(datasets, ours, question, at=now)
    response = HttpResponse(text, content_type=DATA_TYPES[form])
    if form == "csv":
        response["Content-Disposition"] = f'inline; filename="{NAME}.csv"'
    return response


def _narrowed(question: Question) -> dict[str, Any]:
    """What the database can leave out already, of conditions that name their values; the question itself decides."""
    found: dict[str, Any] = {"keys": {}}
    for condition in question.conditions:
        if condition.operator == "eq" and condition.component == "INDICATOR":
            found["indicators"] = [v for v in condition.values if v in INDICATORS] or [*INDICATORS][:1]
        elif condition.operator == "eq" and condition.component in BY_SDMX:
            known = [v for v in condition.values if v in BY_SDMX[condition.component].codes]
            if known:
                found["keys"][condition.component] = known
    return found


def _needs_all(question: Question) -> bool:
    return question.history or question.as_of is not None


def _in_time(published: Any, question: Question) -> bool:
    if question.as_of is not None and published > question.as_of:
        return False
    return question.updated_after is None or published > question.updated_after


@require_safe
@answered(DATA_TYPES)
def not_here(request: HttpRequest, rest: str = "", *, form: str) -> HttpResponse:
    """Queries of the standard that are not answered."""
    raise Wrong(NOT_IMPLEMENTED, "here are structure and data queries of SDMX REST 2.2: /sdmx/v2/structure/… and /sdmx/v2/data/…")


def _structures() -> Structures:
    return structures(INDICATORS.values())


def _optional(*names: str) -> str:
    """Parts of a path, each of which may be left out from the end on, with or without a last slash."""
    pattern = ""
    for name in reversed(names):
        pattern = f"(?:/(?P<{name}>[^/]+){pattern})?"
    return pattern


urlpatterns = [
    re_path(rf"^sdmx/v2/structure/(?P<kind>[^/]+){_optional('agency', 'name', 'version')}/?$", structure, name="sdmx_structure"),
    re_path(rf"^sdmx/v2/data/(?P<context>[^/]+){_optional('agency', 'name', 'version', 'key')}/?$", figures, name="sdmx_data"),
    path("sdmx/v2/<path:rest>", not_here),
]
