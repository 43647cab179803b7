"""The pages of the policy library: one query and one render each."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from luhai.core.parties.corridor import Tile, tiles
from luhai.core.parties.territories import territories
from luhai.kernel.origin import Role
from luhai.kernel.refusal import Absent, Invalid, Refusal
from luhai.shell.api import cursor_of, parts_of
from luhai.shell.web import origin_of, page, refusals, told, told_refusal, viewer_of

from . import commands, queries

MODALITIES = {
    "MUST": gettext_lazy("must"),
    "BUILD": gettext_lazy("build"),
    "PROMOTE": gettext_lazy("promote"),
    "SUPPORT": gettext_lazy("support"),
    "ENCOURAGE": gettext_lazy("encourage"),
    "EXPLORE": gettext_lazy("explore"),
}
STATUSES = {
    "candidate": gettext_lazy("candidate for copying"),
    "listed": gettext_lazy("listed"),
    "under_study": gettext_lazy("under study"),
    "applied": gettext_lazy("applied for"),
    "approved": gettext_lazy("approved"),
    "refused": gettext_lazy("refused"),
    "piloting": gettext_lazy("pilot"),
    "in_force": gettext_lazy("in force"),
    "evaluated": gettext_lazy("in force, evaluated"),
    "extended": gettext_lazy("in force, extended"),
    "suspended": gettext_lazy("suspended"),
    "ended": gettext_lazy("ended"),
}
#: How a status is coloured: in force, on the way, stopped.
SHADES = {
    "in_force": "good", "evaluated": "good", "extended": "good", "piloting": "sea", "approved": "sea",
    "suspended": "warn", "refused": "bad", "ended": "",
}  # fmt: skip
ACTORS = {
    "FI": gettext_lazy("financial institutions"),
    "FI-HO": gettext_lazy("head offices"),
    "FI-BR": gettext_lazy("branches"),
    "LOCAL-BANK": gettext_lazy("local banks"),
    "BANK": gettext_lazy("banks"),
    "INSURER": gettext_lazy("insurers"),
    "LESSOR": gettext_lazy("lessors"),
    "RATER": gettext_lazy("rating agencies"),
    "EXCHANGE": gettext_lazy("exchanges"),
    "CARRIER": gettext_lazy("carriers"),
    "CORE-FIRM": gettext_lazy("core firms"),
    "ISSUER": gettext_lazy("issuers"),
    "FOREIGN-BANK": gettext_lazy("foreign banks"),
    "IFO": gettext_lazy("international financial organisations"),
    "IFC": gettext_lazy("international financial centres"),
    "PBOC": gettext_lazy("People's Bank of China"),
    "PBOC-BR": gettext_lazy("People's Bank branches"),
    "SAFE": gettext_lazy("foreign exchange administration"),
    "NFRA": gettext_lazy("financial regulatory administration"),
    "CSRC": gettext_lazy("securities commission"),
    "MOF": gettext_lazy("ministry of finance"),
    "NDRC": gettext_lazy("development and reform commission"),
    "MOT": gettext_lazy("ministry of transport"),
    "MOFCOM": gettext_lazy("ministry of commerce"),
    "CUSTOMS": gettext_lazy("customs"),
    "POLICE": gettext_lazy("police"),
    "TAX": gettext_lazy("tax administration"),
    "PROV": gettext_lazy("provincial governments"),
    "REG-LOCAL": gettext_lazy("regulators of the provinces"),
    "AUTHORISER": gettext_lazy("the authority that granted it first"),
}
PAGE = 30


def _actor(code: str) -> str:
    """The name of an actor code; a star says that the text does not name it."""
    bare = code.rstrip("*")
    name = str(ACTORS.get(bare, bare))
    return _("%(actor)s (inferred)") % {"actor": name} if code.endswith("*") else name


def _shown(line: queries.MeasureLine) -> dict[str, Any]:
    return {
        "line": line,
        "modality": MODALITIES[line.modality],
        "actors": [_actor(code) for code in line.actors],
    }


@require_GET
@refusals
def library(request: HttpRequest) -> HttpResponse:
    viewer = viewer_of(request)
    asked = {name: request.GET.get(name, "").strip()[:200] for name in ("q", "actor", "territory", "modality", "tag")}
    number = request.GET.get("article", "").strip()
    searching = any(asked.values()) or bool(number)
    hits: list[queries.Hit] = []
    following = ""
    if searching and (not number or (number.isascii() and number.isdigit() and len(number) < 7)):
        parts = parts_of(request.GET.get("cursor", ""), 2)
        if parts and not (parts[0].isascii() and parts[0].isdigit() and len(parts[0]) < 11):
            raise Invalid(field="cursor", problem="pass the `next` of the page before, or nothing")
        hits = queries.search(
            text=_plain(asked["q"]), article=int(number) if number else None,
            actor=_plain(asked["actor"]), territory=_plain(asked["territory"]), modality=_plain(asked["modality"]),
            tag=_plain(asked["tag"]), after=(int(parts[0]), parts[1]) if parts else None, limit=PAGE + 1, viewer=viewer,
        )  # fmt: skip
        if len(hits) > PAGE:
            hits = hits[:PAGE]
            given = {name: value for name, value in {**asked, "article": number}.items() if value}
            following = "?" + urlencode(given | {"cursor": cursor_of(hits[-1].score, hits[-1].key)})
    facets = queries.facets(viewer=viewer)
    return page(
        request, "policies/library.html",
        documents=queries.documents(viewer=viewer), asked=asked, number=number, searching=searching,
        hits=[{"hit": h, "modality": MODALITIES.get(h.modality or "", "")} for h in hits], next=following,
        actors=[(code, _actor(code)) for code in facets["actors"]], tags=facets["tags"],
        modalities=[(code, name) for code, name in MODALITIES.items() if code in facets["modalities"]],
        places=list(territories().values()),
    )  # fmt: skip


def _plain(value: str) -> str:
    return value.replace("\x00", "")


@require_GET
@refusals
def document(request: HttpRequest, name: str) -> HttpResponse:
    found = queries.document(name=name, viewer=viewer_of(request))
    groups: list[dict[str, Any]] = [{"chapter": None, "articles": []}]
    placed = {a.chapter for a in found.articles}
    for number, chapter in enumerate(found.chapters):
        if number not in placed:
            groups.append({"chapter": chapter, "articles": []})
            continue
        groups.append({"chapter": chapter, "articles": [a for a in found.articles if a.chapter == number]})
    groups[0]["articles"] = [a for a in found.articles if a.chapter is None]
    return page(
        request, "policies/document.html", document=found.line, preamble=found.preamble, groups=groups,
        may_decide=viewer_of(request).role in {Role.SUPERVISOR, Role.OPERATOR},
    )  # fmt: skip


@require_GET
@refusals
def article(request: HttpRequest, name: str, position: int) -> HttpResponse:
    line, found = queries.article(name=name, position=position, viewer=viewer_of(request))
    return page(
        request, "policies/article.html", document=line, article=found,
        measures=[_shown(m) for m in found.measures],
        previous=reverse("policy_article", args=[name, position - 1]) if position else "",
        next=reverse("policy_article", args=[name, position + 1]) if position + 1 < line.articles else "",
    )  # fmt: skip


@require_GET
@refusals
def measure(request: HttpRequest, code: str) -> HttpResponse:
    found = queries.measure(code=code, viewer=viewer_of(request))
    standing = {a.territory: a for a in found.adoptions}
    return page(
        request, "policies/measure.html", measure=_shown(found.line), document=found.document, article=found.article,
        places=[
            {"place": place, "adoption": standing.get(code_), **_status(standing.get(code_)),
             "bound": code_ not in found.line.territories and code_ not in standing}
            for code_, place in territories().items()
        ],
        invented=any(a.invented for a in found.adoptions),
        tiles=[_tile(tile, code, found.line.territories, standing.get(tile.code)) for tile in tiles().values()],
    )  # fmt: skip


def _tile(tile: Tile, measure: str, bound: list[str], adoption: queries.AdoptionLine | None) -> dict[str, Any]:
    """One tile of the grid of territories: its place, its colour, and the status in words."""
    known = _status(adoption)
    open_here = tile.code in bound or adoption is not None  # a copy stands where the measure is not bound
    text = known["status"] or (_("not yet listed") if open_here else _("not for this territory"))
    return {
        "name_zh": tile.name_zh, "name_en": tile.name_en, "column": tile.column, "row": tile.row,
        "state": known["shade"] or ("none" if adoption is None else ""), "text": text,
        "href": reverse("policy_adoption", args=[measure, tile.code]) if open_here else "",
    }  # fmt: skip


def _status(adoption: queries.AdoptionLine | None) -> dict[str, Any]:
    if adoption is None:
        return {"status": "", "shade": ""}
    return {"status": STATUSES[adoption.status], "shade": SHADES.get(adoption.status, "")}


@require_GET
@refusals
def adoption_list(request: HttpRequest) -> HttpResponse:
    places = [tiles()[code] for code in sorted(territories())]  # in the order of CoverageLine.statuses
    tag = request.GET.get("tag", "")
    lines = queries.coverage(viewer=viewer_of(request))
    shown = [line for line in lines if not tag or line.measure.tag == tag]
    return page(
        request, "policies/adoption.html", places=places, tag=tag,
        tags=sorted({line.measure.tag for line in lines if line.measure.tag}),
        rows=[
            {
                "measure": line.measure,
                "cells": [
                    {"place": place, "status": STATUSES[status] if status else "", "shade": SHADES.get(status or "", ""),
                     "invented": invented, "open": place.code in line.measure.territories or status is not None}
                    for place, status, invented in zip(places, line.statuses, line.invented, strict=True)
                ],
            }
            for line in shown
        ],
        invented=any(any(line.invented) for line in shown),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@refusals
def adoption(request: HttpRequest, code: str, territory: str) -> HttpResponse:
    viewer = viewer_of(request)
    if territory not in territories():
        raise Absent(kind="territory")
    given = {name: request.POST.get(name, "").strip() for name in _FORM}
    error: Refusal | None = None
    if request.method == "POST":
        try:
            commands.change_adoption(
                measure=code, territory=territory, status=given["status"], since=_day("since", given["since"]),
                until=_day("until", given["until"]) if given["until"] else None, instrument_no=given["instrument_no"],
                approver=given["approver"], scope=given["scope"], reason=given["reason"],
                evidence_digest=given["evidence_digest"].lower(), origin=origin_of(request),
            )  # fmt: skip
        except Refusal as refusal:
            told_refusal(request, refusal)
            error = refusal
        else:
            told(request, _("The adoption was changed."))
            return redirect("policy_adoption", code=code, territory=territory)
    measure = queries.measure(code=code, viewer=viewer)
    try:
        found: queries.AdoptionView | None = queries.adoption(measure=code, territory=territory, viewer=viewer)
    except Absent:
        found = None
    following = found.next if found else queries.next_statuses(None)
    may = viewer.role == Role.SUPERVISOR or (viewer.role == Role.PROVINCE and viewer.territory == territory)
    return page(
        request, "policies/adoption_one.html", status=error.status if error else 200,
        measure=_shown(measure.line), place=territories()[territory], adoption=found.line if found else None,
        state=_status(found.line if found else None),
        steps=[{"step": s, "status": STATUSES[s.status], "shade": SHADES.get(s.status, "")} for s in found.steps]
        if found
        else [],
        following=[(status, STATUSES[status]) for status in following] if may else [], given=given,
    )  # fmt: skip


_FORM = ("status", "since", "until", "instrument_no", "approver", "scope", "reason", "evidence_digest")


def _day(field: str, value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Invalid(field=field, problem=_("a day such as 2026-03-02")) from None


@require_GET
@refusals
def proposals(request: HttpRequest, name: str) -> HttpResponse:
    viewer = viewer_of(request)
    line = queries.document(name=name, viewer=viewer).line
    cursor = request.GET.get("after", "")
    after = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 8 else -1
    found = queries.proposals(document_id=line.id, after=after, limit=PAGE + 1, viewer=viewer)
    return page(
        request, "policies/proposals.html", document=line,
        proposals=[
            {"proposal": p, "modality": MODALITIES[p.modality], "actors": [_actor(a) for a in p.actors],
             "confirm_key": uuid4(), "reject_key": uuid4()}
            for p in found[:PAGE]
        ],
        modalities=list(MODALITIES.items()), next=f"?after={found[PAGE - 1].position}" if len(found) > PAGE else "",
        may_decide=viewer.role in {Role.SUPERVISOR, Role.OPERATOR},
    )  # fmt: skip


@require_POST
@refusals
def decide(request: HttpRequest, name: str, proposal_id: UUID) -> HttpResponse:
    given = request.POST
    try:
        if given.get("decision") == "confirm":
            commands.confirm_measure(
                proposal_id=proposal_id, code=given.get("code", "").strip(), title_en=given.get("title_en", "").strip(),
                tag=given.get("tag", "").strip(), item=given.get("item", ""), modality=given.get("modality", ""),
                origin=origin_of(request),
            )  # fmt: skip
            told(request, _("The measure was confirmed."))
        else:
            commands.reject_measure(
                proposal_id=proposal_id, reason=given.get("reason", "").strip(), origin=origin_of(request)
            )
            told(request, _("The proposal was rejected."))
    except Refusal as refusal:
        told_refusal(request, refusal)
    return redirect("policy_proposals", name=name)


urlpatterns = [
    path("policies/", library, name="policies"),
    path("policies/measures/<str:code>/", measure, name="policy_measure"),
    path("policies/documents/<str:name>/", document, name="policy_document"),
    path("policies/documents/<str:name>/articles/<int:position>/", article, name="policy_article"),
    path("policies/documents/<str:name>/proposals/", proposals, name="policy_proposals"),
    path("policies/documents/<str:name>/proposals/<uuid:proposal_id>/", decide, name="policy_decide"),
    path("adoption/", adoption_list, name="adoption"),
    path("adoption/<str:code>/<str:territory>/", adoption, name="policy_adoption"),
]
