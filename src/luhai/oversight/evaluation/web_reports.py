"""What a unit reports, the report on a cycle as a page and as a PDF, and the rows for the assessments as files."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from pydantic_core import to_jsonable_python

from luhai.kernel.origin import Role
from luhai.kernel.refusal import Absent, Refusal
from luhai.shell.web import origin_of, page, refusals, say, told, viewer_of

from . import charts, policy, queries, report, report_commands
from .lifecycle import State


@require_http_methods(["GET", "POST"])
@refusals
def reporting(request: HttpRequest, cycle_id: UUID) -> HttpResponse:
    """What a unit is asked, what it has said, and the form for the next value."""
    viewer, error = viewer_of(request), ""
    own = queries.my_unit(cycle_id=cycle_id, viewer=viewer)
    given = {n: request.POST.get(n, "").strip()[:2000] for n in ("indicator", "part", "whole", "value", "history", "evidence", "comment")}
    given["unit"] = request.POST.get("unit", request.GET.get("unit", "")).strip()[:40] or own
    if request.method == "POST":
        try:
            report_commands.submit(
                submission_id=uuid4(), cycle_id=cycle_id, unit=given["unit"], indicator=given["indicator"],
                given={n: given[n] for n in ("part", "whole", "value", "history") if given[n]}, evidence=given["evidence"],
                comment=given["comment"], origin=origin_of(request),
            )  # fmt: skip
            told(request, _("The report is received, and waits for another person to accept it."))
            return redirect(f"{request.path}?unit={given['unit']}")
        except Refusal as refusal:
            error = say(refusal)
    found = queries.reports(cycle_id=cycle_id, unit=given["unit"] if given["unit"] else "", viewer=viewer)
    indicator = given["indicator"] or request.GET.get("indicator", "")
    mine = [a for a in found.asked if a.by == ("authority" if viewer.role is Role.SUPERVISOR else "unit")]
    return page(
        request, "evaluation/reporting.html", status=422 if error else 200, error=error, found=found, line=found.cycle, given=given, mine=mine,
        chosen=next((a for a in mine if a.key == indicator), mine[0] if mine else None),
        units=queries.cycle(cycle_id=cycle_id, viewer=viewer).units if viewer.role in queries.OVERSEEING else (),
        open=found.cycle.state is State.COLLECTING, may=bool(own) or viewer.role is Role.SUPERVISOR, own=own,
    )  # fmt: skip


@require_GET
@refusals
def written(request: HttpRequest, cycle_id: UUID) -> HttpResponse:
    """The report on a cycle: totals, grades, dimensions, what could not be counted, and how it was made."""
    viewer = viewer_of(request)
    told_ = report.gathered(cycle_id, viewer)
    zh = (get_language() or "").startswith("zh")
    ranked = [u for u in told_.view.units if u.total is not None]
    return page(
        request, "evaluation/report.html", told=told_, line=told_.view.line, ranked=ranked,
        chart=charts.totals([(u.name_zh if zh else u.name_en) for u in ranked], *([getattr(u, n) for u in ranked] for n in ("total", "low", "high"))),
    )  # fmt: skip


@require_GET
@refusals
def printed(request: HttpRequest, cycle_id: UUID) -> HttpResponse:
    """The same as a PDF, in Chinese or (?language=en) in English."""
    from . import report_pdf

    told_ = report.gathered(cycle_id, viewer_of(request))
    language = "en" if request.GET.get("language") == "en" else "zh"
    body = report_pdf.draw(told_, language)
    answer = HttpResponse(body, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{told_.view.line.system}.{told_.view.line.period}.{language}.pdf"'
    return answer


@require_GET
@refusals
def exported(request: HttpRequest, cycle_id: UUID, form: str) -> HttpResponse:
    """The rows for the assessments as CSV or JSON; the first line says what they are, and are not."""
    if form not in {"csv", "json"}:
        raise Absent(kind="file")
    export = queries.export_rows(cycle_id=cycle_id, feed=request.GET.get("feed", ""), viewer=viewer_of(request))
    name = f"{export.cycle.system}.{export.cycle.period}.run{export.run}.{form}"
    body = as_csv(export) if form == "csv" else json.dumps(to_jsonable_python(export), ensure_ascii=False, indent=1)
    answer = HttpResponse(body, content_type="text/csv; charset=utf-8" if form == "csv" else "application/json")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def as_csv(export: queries.Export) -> str:
    """RFC 4180 with the byte-order mark that spreadsheet programs need for Chinese; comments before the head of the columns."""
    out = io.StringIO()
    out.write(f"\ufeff# {export.notice_zh}\r\n# {export.notice_en}\r\n# inputs {export.inputs_digest} result {export.result_digest}\r\n")
    names = list(queries.ExportRow.__dataclass_fields__)
    sheet = csv.DictWriter(out, names)
    sheet.writeheader()
    for row in export.rows:
        sheet.writerow({k: _safe(v) for k, v in asdict(row).items()})
    return out.getvalue()


def _safe(value: object) -> object:
    """A text that a spreadsheet program would take for a formula is told that it is none; numbers stay numbers."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@"}:
        try:
            policy.number(value, "value")
        except Refusal:
            return f"'{value}"
    return value


urlpatterns = [
    path("evaluation/<uuid:cycle_id>/reports/", reporting, name="evaluation_reports"),
    path("evaluation/<uuid:cycle_id>/report/", written, name="evaluation_report"),
    path("evaluation/<uuid:cycle_id>/report.pdf", printed, name="evaluation_report_pdf"),
    path("evaluation/<uuid:cycle_id>/export.<str:form>", exported, name="evaluation_export"),
]
