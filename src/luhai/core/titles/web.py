"""Titles, one title with its chain as a timeline and what may be done with it, and the form that issues one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_GET, require_http_methods

from luhai.core.parties import queries as parties
from luhai.kernel.money import Currency
from luhai.kernel.origin import Role
from luhai.kernel.refusal import Invalid, NotPermitted, Refusal
from luhai.shell.web import origin_of, page, refusals, say, told, viewer_of

from . import commands, lifecycle, queries, subjects
from .lifecycle import Act, Kind
from .policy import GROUNDS, MANNERS, REASONS

KIND_NAMES = {kind: gettext_lazy(name) for kind, name in lifecycle.KIND_NAMES.items()}
STATE_NAMES = {state: gettext_lazy(name) for state, name in lifecycle.STATE_NAMES.items()}
FORM_NAMES = {form: gettext_lazy(name) for form, name in lifecycle.FORM_NAMES.items()}
ACT_NAMES = {act: gettext_lazy(name) for act, name in lifecycle.ACT_NAMES.items()}
#: What is said of an act that was done, after who did it.
_DONE = {
    Act.ISSUE: gettext_lazy("issued"),
    Act.DERIVE: gettext_lazy("began as a part or a whole of others"),
    Act.NOMINATE: gettext_lazy("nominated a beneficiary"),
    Act.ENDORSE: gettext_lazy("endorsed it"),
    Act.TRANSFER: gettext_lazy("transferred control"),
    Act.REJECT: gettext_lazy("rejected what was given"),
    Act.PLEDGE: gettext_lazy("pledged it"),
    Act.REFUSE_PLEDGE: gettext_lazy("refused a pledge"),
    Act.RELEASE_PLEDGE: gettext_lazy("released a pledge"),
    Act.ENFORCE: gettext_lazy("enforced a pledge"),
    Act.SPLIT: gettext_lazy("split it"),
    Act.MERGE: gettext_lazy("merged it"),
    Act.SURRENDER: gettext_lazy("presented it for delivery"),
    Act.SURRENDER_FOR_AMENDMENT: gettext_lazy("gave it up for amendment"),
    Act.ACCEPT_SURRENDER: gettext_lazy("accepted the surrender"),
    Act.REFUSE_SURRENDER: gettext_lazy("refused the surrender"),
    Act.AMEND: gettext_lazy("amended it"),
    Act.TO_PAPER: gettext_lazy("converted it to paper"),
    Act.TO_ELECTRONIC: gettext_lazy("took it back from paper"),
    Act.KEEP: gettext_lazy("handed it to an escrow"),
    Act.RETURN: gettext_lazy("had it returned by the escrow"),
    Act.FREEZE: gettext_lazy("froze it"),
    Act.UNFREEZE: gettext_lazy("ended the freeze"),
    Act.VOID: gettext_lazy("declared it void"),
}
_LABELS = {
    "to": gettext_noop("To (number or full name)"),
    "beneficiary": gettext_noop("New beneficiary (number or full name)"),
    "pledgee": gettext_noop("Pledgee (number or full name)"),
    "manner": gettext_noop("Manner"),
    "evidence": gettext_noop("Number of the trade document"),
    "quantity": gettext_noop("Quantity; empty for all"),
    "secured_minor": gettext_noop("Secured amount, in minor units"),
    "currency": gettext_noop("Currency"),
    "registration": gettext_noop("Number in the register of security"),
    "affiliated": gettext_noop("The warehouse is ourselves, or belongs with us"),
    "pledge": gettext_noop("Pledge"),
    "ground": gettext_noop("Way of realisation"),
    "document": gettext_noop("Number of the document that proves it"),
    "parts": gettext_noop("Quantities of the parts, with commas"),
    "reason": gettext_noop("Reason"),
    "statement": gettext_noop("Statement for the record"),
    "paper_no": gettext_noop("Number of the paper document"),
}


@dataclass(frozen=True, slots=True)
class _Form:
    """What an act asks for on a page, and the command that does it."""

    run: Callable[..., Any]
    fields: tuple[str, ...] = ()
    needed: frozenset[str] = frozenset()


_FORMS: dict[Act, _Form] = {
    Act.TRANSFER: _Form(commands.transfer_title, ("to", "beneficiary", "evidence"), frozenset({"to"})),
    Act.ENDORSE: _Form(commands.endorse, ("manner", "to", "evidence")),
    Act.NOMINATE: _Form(commands.nominate, ("to",), frozenset({"to"})),
    Act.REJECT: _Form(commands.reject_transfer),
    Act.PLEDGE: _Form(
        commands.pledge_title,
        ("pledgee", "quantity", "secured_minor", "currency", "registration", "affiliated"),
        frozenset({"pledgee"}),
    ),
    Act.REFUSE_PLEDGE: _Form(commands.refuse_pledge, ("pledge", "reason"), frozenset({"pledge"})),
    Act.RELEASE_PLEDGE: _Form(commands.release_pledge, ("pledge", "quantity"), frozenset({"pledge"})),
    Act.ENFORCE: _Form(
        commands.enforce_pledge, ("pledge", "to", "ground", "document"), frozenset({"pledge", "to", "ground", "document"})
    ),
    Act.SPLIT: _Form(commands.split_title, ("parts",), frozenset({"parts"})),
    Act.SURRENDER: _Form(commands.surrender_title, ("quantity",)),
    Act.ACCEPT_SURRENDER: _Form(commands.accept_surrender),
    Act.REFUSE_SURRENDER: _Form(commands.refuse_surrender, ("reason",), frozenset({"reason"})),
    Act.SURRENDER_FOR_AMENDMENT: _Form(commands.surrender_title_for_amendment, ("reason",)),
    Act.TO_PAPER: _Form(commands.convert_to_paper, ("paper_no", "statement"), frozenset({"paper_no", "statement"})),
    Act.TO_ELECTRONIC: _Form(
        commands.convert_from_paper, ("paper_no", "to", "statement"), frozenset({"paper_no", "to", "statement"})
    ),
}
_PARTIES = {"to", "beneficiary", "pledgee"}
_NUMBERS = {"quantity", "secured_minor"}


@require_GET
@refusals
def titles(request: HttpRequest) -> HttpResponse:
    """The titles that the viewer may see, last acted on first."""
    asked = {name: request.GET.get(name, "").strip()[:64] for name in ("kind", "state", "relation", "number")}
    found = queries.titles(
        kind=asked["kind"], state=asked["state"], relation=asked["relation"], number=asked["number"],
        cursor=request.GET.get("cursor", ""), limit=20, viewer=viewer_of(request),
    )  # fmt: skip
    query = request.GET.copy()
    query["cursor"] = found.next
    return page(
        request, "titles/titles.html", items=[(t, KIND_NAMES[t.kind], STATE_NAMES[t.state]) for t in found.items],
        asked=asked, filtered=any(asked.values()), kinds=KIND_NAMES.items(), states=STATE_NAMES.items(),
        next=f"?{query.urlencode()}" if found.next else "", first="cursor" not in request.GET,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@refusals
def title(request: HttpRequest, title_id: UUID) -> HttpResponse:
    """One title: who controls it, what is pledged, its chain of acts, the goods; and the acts open to the viewer."""
    viewer = viewer_of(request)
    failed: tuple[str, str] = ("", "")
    if request.method == "POST":
        act = request.POST.get("act", "")
        try:
            form = _FORMS.get(Act(act)) if act in set(Act) else None
            if form is None:
                raise Invalid(field="act", problem=gettext_noop("one of the acts offered"))
            form.run(title_id=title_id, **_read(request, form), origin=origin_of(request))
            told(request, _("Done, and written into the chain of the title."))
            return redirect("title", title_id)
        except Refusal as refusal:
            failed = (act, say(refusal))
    view = queries.title(title_id=title_id, viewer=viewer)
    acts = [
        (act, ACT_NAMES[act], _inputs(act, form, view, request), act == failed[0])
        for act, form in _FORMS.items()
        if act in view.may
    ]
    return page(
        request, "titles/title.html", status=422 if failed[1] else 200, title=view, kind=KIND_NAMES[view.kind],
        state=STATE_NAMES[view.state], form=FORM_NAMES[view.form], acts=acts, failed=failed[1],
        events=[(e, _DONE[e.act], _shade(e.act)) for e in reversed(queries.events(title_id=title_id, viewer=viewer))],
        custody=queries.custody(title_id=title_id, viewer=viewer), orders=queries.orders(title_id=title_id, viewer=viewer),
        versions=queries.versions(title_id=title_id, viewer=viewer), free=view.quantity - view.pledged,
        consignees_unknown=view.live and subjects.consignees(view.subject, view.form) is None,
    )  # fmt: skip


@require_GET
@refusals
def export(request: HttpRequest, title_id: UUID) -> HttpResponse:
    """The chain as a file that `luhai titles verify` checks without this system."""
    body = queries.export(title_id=title_id, viewer=viewer_of(request))
    return HttpResponse(
        body, content_type="application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="title-{title_id}.jsonl"'},
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@refusals
def issue(request: HttpRequest) -> HttpResponse:
    """Issue a transport document or a warehouse receipt. Other kinds are issued by programs."""
    viewer = viewer_of(request)
    if viewer.role not in (Role.COMPANY, Role.BANK, Role.PARTNER) or viewer.party_id is None:
        raise NotPermitted(command="titles.issue_title", role=str(viewer.role))
    error = ""
    if request.method == "POST":
        try:
            made = commands.issue_title(
                title_id=_uuid(request.POST.get("new", "")), **_document(request), origin=origin_of(request)
            )
            told(request, _("The title is issued."))
            return redirect("title", made)
        except Refusal as refusal:
            error = say(refusal)
    return page(
        request, "titles/issue.html", status=422 if error else 200, error=error, given=request.POST,
        new=request.POST.get("new") or uuid4(), kinds=[(k, KIND_NAMES[k]) for k in (Kind.TRANSPORT_DOCUMENT, Kind.WAREHOUSE_RECEIPT)],
        forms=FORM_NAMES.items(), documents=subjects.DOCUMENTS, units=subjects.UNITS,
    )  # fmt: skip


def _document(request: HttpRequest) -> dict[str, Any]:
    given = {name: str(value).strip() for name, value in request.POST.items()}
    kind = given.get("kind", "")
    about: dict[str, Any] = {"number": given.get("number"), "goods": given.get("goods")}
    if kind == Kind.WAREHOUSE_RECEIPT:
        about |= {name: given.get(name) for name in ("warehouse", "yard", "bin", "lot")}
        about["countersigned"] = "countersigned" in given
        if given.get("lot_quantity"):
            about["lot_quantity"] = _whole("lot_quantity", given["lot_quantity"])
    else:
        about |= {name: given.get(name) for name in ("document", "origin", "destination", "departs_on")}
        about["containers"] = given.get("containers", "").replace(",", " ").replace("，", " ").split()
        about["waybills"] = given.get("waybills", "").replace(",", " ").replace("，", " ").split()
        about["consignees"] = [n.strip() for n in given.get("consignees", "").replace("；", ";").split(";") if n.strip()]
        about["agreement"] = given.get("agreement", "").strip()
    return {
        "kind": kind, "form": given.get("form", ""), "unit": given.get("unit", ""),
        "quantity": _whole("quantity", given.get("quantity", "")),
        "holder_id": parties.party_named(name=given.get("holder", ""), field="holder", viewer=viewer_of(request)).id,
        "subject": {name: value for name, value in about.items() if value not in (None, "", [])},
    }  # fmt: skip


def _read(request: HttpRequest, form: _Form) -> dict[str, Any]:
    """The fields of an act's form as its command takes them."""
    read: dict[str, Any] = {}
    for name in form.fields:
        given = request.POST.get(name, "").strip()
        if not given:
            if name in form.needed:
                raise Invalid(field=name, problem=gettext_noop("needed"))
        elif name in _PARTIES:
            read[name] = parties.party_named(name=given, field=name, viewer=viewer_of(request)).id
        elif name == "affiliated":
            read[name] = True
        elif name in _NUMBERS:
            read[name] = _whole(name, given)
        elif name == "pledge":
            read[name] = _uuid(given)
        elif name == "parts":
            read[name] = [_whole(name, part) for part in given.replace("，", ",").split(",") if part.strip()]
        else:
            read[name] = given
    if "secured_minor" not in read:
        read.pop("currency", None)
    return read


def _inputs(act: Act, form: _Form, view: queries.TitleView, request: HttpRequest) -> list[dict[str, Any]]:
    """The fields of a form, as far as this title has what they are about."""
    left_out = "affiliated" if view.kind is not Kind.WAREHOUSE_RECEIPT else ""
    return [_input(name, form, view, request) for name in form.fields if name != left_out]


def _input(name: str, form: _Form, view: queries.TitleView, request: HttpRequest) -> dict[str, Any]:
    """How one field is drawn."""
    choices: list[tuple[str, str]] = []
    if name == "pledge":
        mine = [p for p in view.pledges if p.ended_at is None and p.pledgee.id == viewer_of(request).party_id]
        if form.run is commands.refuse_pledge:
            mine = [p for p in mine if p.taken_at is None]
        choices = [(str(p.id), f"{p.pledgee.zh or p.pledgee.en} · {p.quantity} {view.unit}") for p in mine]
    elif name in {"manner", "ground", "currency"}:
        words: Any = {"manner": MANNERS, "ground": GROUNDS, "currency": [c.value for c in Currency]}[name]
        choices = [(word, _WORDS.get(word, word)) for word in words]
    elif name == "reason" and form.run is commands.surrender_title_for_amendment:
        choices = [(word, _WORDS[word]) for word in REASONS]
    return {
        "name": name, "label": _(_LABELS[name]), "choices": choices, "needed": name in form.needed,
        "number": name in _NUMBERS, "tick": name == "affiliated",
        "value": request.POST.get(name, ""),
    }  # fmt: skip


_WORDS: dict[str, Any] = {
    "to_order": gettext_lazy("to order"),
    "named": gettext_lazy("to one named, who cannot pass it on"),
    "in_blank": gettext_lazy("in blank"),
    "sale": gettext_lazy("private sale"),
    "auction": gettext_lazy("auction"),
    "agreed_value": gettext_lazy("taken over at an agreed value"),
    "amendment": gettext_lazy("amendment"),
    "paper": gettext_lazy("conversion to paper"),
    "change_of_destination": gettext_lazy("change of destination"),
    "switch": gettext_lazy("switch of documents"),
}


def _shade(act: Act) -> str:
    if act in {Act.FREEZE, Act.VOID, Act.REFUSE_SURRENDER, Act.REFUSE_PLEDGE, Act.ENFORCE}:
        return "bad"
    return "good" if act in {Act.ISSUE, Act.RELEASE_PLEDGE, Act.ACCEPT_SURRENDER, Act.UNFREEZE} else ""


def _whole(field: str, text: str) -> int:
    cleaned = text.replace(",", "").replace(" ", "")
    if not cleaned.isascii() or not cleaned.isdigit() or len(cleaned) > 16:
        raise Invalid(field=field, problem=gettext_noop("a whole number"))
    return int(cleaned)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(field="id", problem=gettext_noop("an id")) from None


urlpatterns = [
    path("titles/", titles, name="titles"),
    path("titles/new", issue, name="issue_title"),
    path("titles/<uuid:title_id>/", title, name="title"),
    path("titles/<uuid:title_id>/chain", export, name="title_chain"),
]
