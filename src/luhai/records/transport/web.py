"""The carrier's desk, one document with its goods, agreements, printed copies, and the public page that checks their codes.

The form that issues a document is in web_issue.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_GET, require_http_methods

from luhai.core.parties import queries as parties
from luhai.kernel.origin import Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotPermitted, Refusal
from luhai.shell.web import origin_of, page, refusals, say, told, viewer_of

from . import bill as bills
from . import commands, desk_queries, lifecycle, pdf, policy, print_commands, print_queries, queries
from . import print as printing
from .issue import listed
from .limits import count_lookup
from .places import place_codes
from .print_queries import PrintoutView
from .web_issue import transport_new

AGREEMENT_STATES = {state: gettext_lazy(name) for state, name in lifecycle.STATE_NAMES.items()}
ROLE_NAMES = {
    "carrier": gettext_lazy("carrier"), "forwarder": gettext_lazy("forwarder"), "consignor": gettext_lazy("consignor"),
    "consignee": gettext_lazy("consignee"), "bank": gettext_lazy("bank"), "guarantor": gettext_lazy("guarantor"),
    "insurer": gettext_lazy("insurer"), "warehouse": gettext_lazy("warehouse"), "station": gettext_lazy("station"),
}  # fmt: skip
_ACTING = (Role.COMPANY, Role.BANK, Role.PARTNER)
_PRINTING = (*_ACTING, Role.SUPERVISOR, Role.OPERATOR)
_SIGNATORIES = 8


@require_GET
@refusals
def transport_desk(request: HttpRequest) -> HttpResponse:
    """What waits for the viewer's party, the documents that it may see, and the goods that it keeps."""
    viewer = viewer_of(request)
    asked = {name: request.GET.get(name, "").strip()[:64] for name in ("number", "container")}
    signalled = request.GET.get("signalled") == "on"
    today = timezone.localdate()
    found = desk_queries.desk(
        on=today, number=asked["number"], container=asked["container"].replace(" ", "").upper(), signalled=signalled,
        cursor=request.GET.get("cursor", ""), viewer=viewer,
    )  # fmt: skip
    query = request.GET.copy()
    query["cursor"] = found.next
    return page(
        request, "transport/desk.html", desk=found, asked=asked, signalled=signalled, today=today,
        filtered=any(asked.values()) or signalled, next=f"?{query.urlencode()}" if found.next else "",
        first="cursor" not in request.GET, may_issue=viewer.role in _ACTING and viewer.party_id is not None,
    )  # fmt: skip


# --- one document -------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def transport_document(request: HttpRequest, title_id: UUID) -> HttpResponse:
    """A document with its goods, for who may see it; the goods alone, for who has them."""
    viewer = viewer_of(request)
    failed: tuple[str, str, str] = ("", "", "")
    if request.method == "POST":
        act = request.POST.get("act", "")
        try:
            run = _ACTS.get(act)
            if run is None:
                raise Invalid(field="act", problem=gettext_noop("one of the acts offered"))
            answer = run(request, title_id)
            return answer
        except Absent:
            raise
        except Refusal as refusal:
            failed = (act, say(refusal), str(refusal.facts.get("field", "")))
    status = 422 if failed[1] else 200
    shared = {
        "failed": failed[1], "failed_act": failed[0], "wrong": failed[2], "given": request.POST if failed[1] else {},
        "codes": [(code, _(c.name)) for code, c in policy.CODES.items()], "places": place_codes(),
    }  # fmt: skip
    try:
        view = queries.document(title_id=title_id, viewer=viewer)
    except Absent:
        kept = desk_queries.goods(title_id=title_id, viewer=viewer)
        return page(request, "transport/goods.html", status=status, goods=kept, now=_now(), containers=kept.containers, **shared)
    mine = view.title.issuer_id == viewer.party_id and viewer.party_id is not None
    said = printing.sheet(bills.read(view.content)) if _readable(view.content) else None
    released = {c for r in view.releases for c in r.containers}
    return page(
        request, "transport/document.html", status=status, document=view, sheet=said, state=printing.STATES[view.title.state],
        kind=printing.KINDS[view.document], form=printing.FORMS[view.title.form], basis=view.content.get("basis", ""), mine=mine,
        may_report=mine or viewer.party_id == view.custodian.id or viewer.role is Role.OPERATOR,
        may_deliver=mine and view.title.state == "DELIVERY_ASKED", may_print=viewer.role in _PRINTING and viewer.party_id is not None,
        copies=print_queries.printouts(title_id=title_id, viewer=viewer), now=_now(), containers=tuple(view.seals),
        undelivered=[c for c in view.seals if c not in released],
        timeline=[(m, [s for s in view.signals if s.movement == m.id]) for m in reversed(view.movements)],
        open_signals=[s for s in view.signals if not _corrected(view, s.movement)],
        pledgees=[p for p in view.title.pledges if p.ended_at is None], **shared,
    )  # fmt: skip


def _readable(content: dict[str, Any]) -> bool:
    try:
        bills.read(content)
    except Invalid:
        return False
    return True


def _corrected(view: queries.DocumentView, movement: UUID) -> bool:
    return any(m.id == movement and m.corrected_by for m in view.movements)


def _now() -> str:
    return timezone.localtime().strftime("%Y-%m-%dT%H:%M")


def _report(request: HttpRequest, title_id: UUID) -> HttpResponse:
    given = {name: str(value).strip() for name, value in request.POST.items()}
    origin = origin_of(request)
    custodian = given.get("custodian", "")
    seals = given.get("seals", "")
    signals = commands.record_event(
        title_id=title_id, event_id=uuid5(origin.key, "event"), code=given.get("code", ""), place=given.get("place", "").upper(),
        happened_at=_moment(given.get("happened_at", "")),
        custodian=parties.party_named(name=custodian, field="custodian", viewer=origin.actor).id if custodian else None,
        container=given.get("container", ""), seals=listed(seals) if seals else None, found_kg=given.get("found_kg") or None,
        reason=given.get("reason", ""), corrects=_uuid("corrects", given["corrects"]) if given.get("corrects") else None,
        origin=origin,
    )  # fmt: skip
    if signals:
        told(request, _("The event is written down. It shows that something is wrong: whoever controls the document is told."))
    else:
        told(request, _("The event is written down."))
    try:
        queries.document(title_id=title_id, viewer=origin.actor)
    except Absent:
        try:
            desk_queries.goods(title_id=title_id, viewer=origin.actor)
        except Absent:  # with this event the goods have left the reporter
            return redirect("transport_desk")
    return redirect("transport_document", title_id)


def _deliver(request: HttpRequest, title_id: UUID) -> HttpResponse:
    origin = origin_of(request)
    chosen = [c[:11] for c in request.POST.getlist("containers")]
    commands.deliver(title_id=title_id, release_id=uuid5(origin.key, "release"), containers=chosen or None, origin=origin)
    told(request, _("The surrender is accepted, and whoever has the goods is ordered to give them out."))
    return redirect("transport_document", title_id)


def _print(request: HttpRequest, title_id: UUID) -> HttpResponse:
    origin = origin_of(request)
    made = print_commands.print_document(
        printout_id=uuid5(origin.key, "printout"), title_id=title_id, code=printing.code_for(origin), origin=origin
    )
    return redirect(f"{reverse('transport_print', args=[title_id])}?copy={made}")


_ACTS: dict[str, Callable[[HttpRequest, UUID], HttpResponse]] = {"report": _report, "deliver": _deliver, "print": _print}


# --- copies -------------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def transport_print(request: HttpRequest, title_id: UUID) -> HttpResponse:
    """A copy to print: POST makes one, GET shows the one asked for, or else the newest."""
    if request.method == "POST":
        return _print(request, title_id)
    copy = _copy(request, title_id)
    if copy is None:
        return redirect("transport_document", title_id)
    sheet, facts, code, address = _sheet(request, copy)
    width, square = printing.square_path(printing.squares(address))
    return page(
        request, "transport/print.html", sheet=sheet, facts=facts, code=code, address=address, width=width, square=square,
        copy=copy, title_id=title_id, warning=printing.both(printing.COPY), ask=printing.both(printing.ASK),
    )  # fmt: skip


@require_GET
@refusals
def transport_pdf(request: HttpRequest, title_id: UUID) -> HttpResponse:
    """The same copy as a file."""
    copy = _copy(request, title_id)
    if copy is None:
        raise Absent(kind="copy")
    sheet, facts, code, address = _sheet(request, copy)
    body = pdf.draw(sheet, facts=facts, code=code, address=address, ask=printing.both(printing.ASK))
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in sheet.number)
    return HttpResponse(
        body, content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="copy-{name}.pdf"', "Cache-Control": "private, no-store"},
    )  # fmt: skip


def _copy(request: HttpRequest, title_id: UUID) -> PrintoutView | None:
    asked = request.GET.get("copy", "")
    if asked:
        return print_queries.printout(printout_id=_uuid("copy", asked), title_id=title_id, viewer=viewer_of(request))
    return next(iter(print_queries.printouts(title_id=title_id, viewer=viewer_of(request))), None)


def _sheet(request: HttpRequest, copy: PrintoutView) -> tuple[printing.Sheet, list[tuple[printing.Both, printing.Both]], str, str]:
    """The content of a copy, what is said of the printing, the code in groups and the address that checks it."""
    both, same = printing.both, printing.same
    code = printing.grouped(copy.code)
    at = timezone.localtime(copy.printed_at)
    facts = [
        (both(gettext_noop("Printed")), same(f"{at:%Y-%m-%d %H:%M} (UTC{at:%z})")),
        (both(gettext_noop("By")), printing.Both(copy.by.zh or copy.by.en, copy.by.en or copy.by.zh)),
        (both(gettext_noop("State in the register then")), both(printing.STATES[copy.state])),
        (both(gettext_noop("Version")), same(copy.version)),
        (both(gettext_noop("Digest of the content")), same(printing.fingerprint(copy.content_digest))),
        (both(gettext_noop("Tip of the chain")), same(f"{copy.n} · {printing.fingerprint(copy.head)}")),
    ]
    address = request.build_absolute_uri(reverse("verify_document", args=[code]))
    return printing.sheet(bills.read(copy.content)), facts, code, address


@require_GET
@refusals
def verify_document(request: HttpRequest, code: str = "") -> HttpResponse:
    """For anybody who has a copy in hand: is its code known, and what became of the document since."""
    typed = (code or request.GET.get("code", "")).strip()[:40]
    found = None
    if typed:
        count_lookup(request)
        found = print_queries.verified(code=typed, viewer=viewer_of(request))
    changes = [(printing.CHANGES.get(c.act, c.act), c) for c in found.changes] if found else []
    known = found is not None and found.document
    return page(
        request, "transport/verify.html", typed=typed, found=found, changes=changes,
        grouped=printing.grouped(found.code) if found else "",
        kind=printing.KINDS[found.document] if found and known else "", state=printing.STATES[found.state] if found and known else "",
    )  # fmt: skip


# --- agreements ---------------------------------------------------------------------------------------------------------


@require_GET
@refusals
def agreements(request: HttpRequest) -> HttpResponse:
    """The agreements of the viewer's party, those that wait for its signature first."""
    viewer = viewer_of(request)
    state = request.GET.get("state", "").strip()[:20]
    found = sorted(queries.agreements(state=state, viewer=viewer), key=lambda a: not a.to_sign)
    return page(
        request, "transport/agreements.html", state=state, states=AGREEMENT_STATES.items(),
        items=[(a, AGREEMENT_STATES[a.state], sum(s.signed_at is not None for s in a.signatories)) for a in found],
        may_propose=viewer.role in _ACTING and viewer.party_id is not None,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@refusals
def agreement(request: HttpRequest, agreement_id: UUID) -> HttpResponse:
    """One agreement: its words and their digest, who has signed, and what the viewer's party may do."""
    viewer = viewer_of(request)
    failed = ""
    if request.method == "POST":
        try:
            _agree(request, agreement_id, origin_of(request))
            return redirect("agreement", agreement_id)
        except Absent:
            raise
        except Refusal as refusal:
            failed = say(refusal)
    view = queries.agreement(agreement_id=agreement_id, viewer=viewer)
    party = any(s.party.id == viewer.party_id for s in view.signatories) and viewer.role in _ACTING
    mine = view.proposed_by.id == viewer.party_id
    return page(
        request, "transport/agreement.html", status=422 if failed else 200, agreement=view, state=AGREEMENT_STATES[view.state],
        failed=failed, given=request.POST if failed else {},
        signatories=[(s, ROLE_NAMES[s.role]) for s in view.signatories],
        may_sign=party and view.to_sign, may_decline=party and view.state == "proposed",
        may_end=party and view.state == "in_force", may_replace=mine and view.state == "in_force",
    )  # fmt: skip


def _agree(request: HttpRequest, agreement_id: UUID, origin: Origin) -> None:
    act, reason = request.POST.get("act", ""), request.POST.get("reason", "").strip()
    if act == "sign":
        commands.sign_agreement(agreement_id=agreement_id, digest=request.POST.get("digest", ""), origin=origin)
        told(request, _("Signed."))
    elif act == "decline":
        commands.decline_agreement(agreement_id=agreement_id, reason=reason, origin=origin)
        told(request, _("Declined: nobody can sign it any more."))
    elif act == "end":
        commands.end_agreement(agreement_id=agreement_id, reason=reason, origin=origin)
        told(request, _("Ended: no new document may rest on it."))
    else:
        raise Invalid(field="act", problem=gettext_noop("one of the acts offered"))


@require_http_methods(["GET", "POST"])
@refusals
def agreement_new(request: HttpRequest) -> HttpResponse:
    """Propose an agreement, or the next version of one, and sign it."""
    viewer = viewer_of(request)
    if viewer.role not in _ACTING or viewer.party_id is None:
        raise NotPermitted(command="transport.propose_agreement", role=str(viewer.role))
    given = {name: str(value) for name, value in request.POST.items()}
    error, wrong = "", ""
    ours = [a for a in queries.agreements(state="in_force", viewer=viewer) if a.proposed_by.id == viewer.party_id]
    if request.method == "POST":
        rows: dict[str, str] = {}
        try:
            text = partial(_text, given)
            made = commands.propose_agreement(
                agreement_id=_uuid("new", text("new")), number=text("number"), text=text("text"),
                parties_=_signatories(given, rows, request), starts_on=_day("starts_on", text("starts_on")),
                ends_on=_day("ends_on", text("ends_on")) if text("ends_on") else None,
                replaces=_uuid("replaces", text("replaces")) if text("replaces") else None, origin=origin_of(request),
            )  # fmt: skip
            told(request, _("Proposed, and signed by your party. It is in force when all have signed."))
            return redirect("agreement", made)
        except Refusal as refusal:
            error = say(refusal)
            field = str(refusal.facts.get("field", ""))
            wrong = rows.get(field, field)
    else:
        given = _next_version(request, ours) or {"role.0": "carrier", "party.0": str(viewer.party_id)}
    mine = parties.party(party_id=viewer.party_id, viewer=viewer)
    return page(
        request, "transport/agreement_new.html", status=422 if error else 200, error=error, wrong=wrong, given=given, ours=ours,
        new=given.get("new") or uuid4(), today=timezone.localdate().isoformat(), mine=mine, roles=ROLE_NAMES.items(),
        rows=[(f"party.{n}", given.get(f"party.{n}", ""), f"role.{n}", given.get(f"role.{n}", "")) for n in range(_SIGNATORIES)],
    )  # fmt: skip


def _signatories(given: dict[str, str], rows: dict[str, str], request: HttpRequest) -> dict[str, str]:
    """{party: role} of the rows that are filled; `rows` learns which row a party stands in."""
    made: dict[str, str] = {}
    for n in range(_SIGNATORIES):
        name, role = _text(given, f"party.{n}"), _text(given, f"role.{n}")
        if not name:
            continue
        key = str(parties.party_named(name=name, field=f"party.{n}", viewer=viewer_of(request)).id)
        if key in made:
            raise Invalid(field=f"party.{n}", problem=gettext_noop("each party once"))
        made[key] = role
        rows[f"parties.{key}"] = f"party.{n}"
    return made


def _next_version(request: HttpRequest, ours: list[queries.AgreementView]) -> dict[str, str]:
    old = next((a for a in ours if str(a.id) == request.GET.get("replaces", "")), None)
    if old is None:
        return {}
    given = {"replaces": str(old.id), "number": old.number, "text": old.text}
    for n, s in enumerate(old.signatories[:_SIGNATORIES]):
        given |= {f"party.{n}": str(s.party.id), f"role.{n}": s.role}
    return given


def _text(given: dict[str, str], name: str) -> str:
    return given.get(name, "").replace("\r\n", "\n").strip()


def _day(field: str, text: str) -> date:
    made: date = bills.day(text, field)
    return made


def _moment(text: str) -> datetime:
    """A moment as a browser writes it, by the clock of the corridor."""
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(field="happened_at", problem=gettext_noop("a moment such as 2026-03-02 14:30")) from None
    return made if made.tzinfo else timezone.make_aware(made)


def _uuid(field: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(field=field, problem=gettext_noop("an id")) from None


urlpatterns = [
    path("transport/", transport_desk, name="transport_desk"),
    path("transport/new/", transport_new, name="transport_new"),
    path("transport/<uuid:title_id>/", transport_document, name="transport_document"),
    path("transport/<uuid:title_id>/print", transport_print, name="transport_print"),
    path("transport/<uuid:title_id>/document.pdf", transport_pdf, name="transport_pdf"),
    path("agreements/", agreements, name="agreements"),
    path("agreements/new/", agreement_new, name="agreement_new"),
    path("agreements/<uuid:agreement_id>/", agreement, name="agreement"),
    path("verify/", verify_document, name="verify_document"),
    path("verify/<str:code>", verify_document, name="verify_document"),
]
