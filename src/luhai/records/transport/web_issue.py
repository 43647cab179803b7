"""The form that issues a document: the usual rail-sea single document, or what a file of another system says."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_http_methods

from luhai.core.parties import queries as parties
from luhai.kernel.money import Currency
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Invalid, NotPermitted, Refusal
from luhai.shell.web import origin_of, page, refusals, say, told, viewer_of

from . import bill as bills
from . import commands, desk_queries, issue, queries
from . import print as printing
from .issue import Made
from .places import place_codes

_ACTING = (Role.COMPANY, Role.BANK, Role.PARTNER)
#: What a file may have; a data set is far smaller.
_LARGEST = 2_000_000
_FIELD_NAMES = {
    "mode": gettext_lazy("Mode"), "origin": gettext_lazy("From (UN/LOCODE)"), "destination": gettext_lazy("To (UN/LOCODE)"),
    "carrier": gettext_lazy("Carrier"), "vehicle": gettext_lazy("Train or vessel"), "voyage": gettext_lazy("Voyage"),
    "waybill": gettext_lazy("Waybill beneath it"), "consignee": gettext_lazy("Waybill consigned to"),
    "departs_on": gettext_lazy("Departs on"), "arrives_on": gettext_lazy("Arrives on"),
    "description": gettext_lazy("Description"), "hs": gettext_lazy("HS code"), "packages": gettext_lazy("Packages"),
    "package_type": gettext_lazy("Type of package (UN/ECE)"), "gross_kg": gettext_lazy("Gross mass (kg)"),
    "container": gettext_lazy("Container"), "marks": gettext_lazy("Marks, with commas"),
    "number": gettext_lazy("Container number"), "type": gettext_lazy("Size and type (ISO 6346)"),
    "seals": gettext_lazy("Seals, with commas"),
}  # fmt: skip
_ROW_NAMES = {"legs": gettext_lazy("Legs"), "goods": gettext_lazy("Goods"), "containers": gettext_lazy("Containers and seals")}
_ROW_NAME = {"legs": gettext_lazy("Leg %(n)s"), "goods": gettext_lazy("Goods %(n)s"), "containers": gettext_lazy("Container %(n)s")}


@require_http_methods(["GET", "POST"])
@refusals
def transport_new(request: HttpRequest) -> HttpResponse:
    """Issue a document; or read a file of another system into the form, or give it more rows."""
    viewer = viewer_of(request)
    if viewer.role not in _ACTING or viewer.party_id is None:
        raise NotPermitted(command="transport.issue_document", role=str(viewer.role))
    today = timezone.localdate()
    given = {name: str(value) for name, value in request.POST.items()} if request.method == "POST" else _fresh(today)
    base = _base(given.get("base", ""))
    error, wrong, status, read = "", "", 200, ""
    if request.method == "POST":
        act = given.get("act", "")
        try:
            if act == "read":
                read, base = _file(request, viewer)
                given = issue.fields_of(base) | {"new": given.get("new", "")}
            elif not act.startswith("more."):
                return _issued(request, given, base, viewer)
        except _Wrong as fault:
            error, wrong, status = fault.text, fault.field, 422
        except Refusal as refusal:
            error, status = say(refusal), 422
            wrong = "file" if act == "read" else ""
    more = given.get("act", "").removeprefix("more.")
    mine = parties.party(party_id=viewer.party_id, viewer=viewer)
    return page(
        request, "transport/new.html", status=status, error=error, wrong=wrong, given=given, base=json.dumps(base) if base else "",
        read=read, new=given.get("new") or uuid4(), mine=mine, issuer=base.get("parties", {}).get("issuer", {}).get("name", ""),
        groups=[_group(kind, given, wrong, error, more == kind) for kind in issue.ROWS], places=place_codes(),
        agreements=desk_queries.usable_agreements(on=today, viewer=viewer), currencies=[c.value for c in Currency],
        kinds=printing.KINDS.items(), forms=printing.FORMS.items(), bases=printing.BASES.items(), freights=printing.FREIGHT.items(),
        handovers=printing.HANDOVERS.items(), incoterms=bills.INCOTERMS,
    )  # fmt: skip


class _Wrong(Exception):
    """What is wrong, and the field of the form that it is about."""

    def __init__(self, text: str, field: str) -> None:
        self.text, self.field = text, field


def _issued(request: HttpRequest, given: Mapping[str, str], base: dict[str, Any], viewer: Actor) -> HttpResponse:
    made = Made({}, {})
    try:
        assert viewer.party_id is not None
        issuer = _said(parties.party(party_id=viewer.party_id, viewer=viewer))
        agreement = _agreement(given, viewer)
        typed = {**given, "agreement": agreement.number if agreement else ""}
        made = issue.made_of(typed, base, issuer, lambda name, field: _party(name, field, viewer))
        bills.read(made.content)
        beneficiary = given.get("beneficiary_id", "").strip()
        title = commands.issue_document(
            title_id=_uuid(given.get("new", "")), content=made.content, holder_id=_holder(given, viewer),
            beneficiary_id=parties.party_named(name=beneficiary, field="beneficiary_id", viewer=viewer).id if beneficiary else None,
            agreement_id=agreement.id if agreement else None, origin=origin_of(request),
        )  # fmt: skip
    except Refusal as refusal:
        raise _Wrong(say(refusal), made.name_of(str(refusal.facts.get("field", "")))) from None
    told(request, _("The document is issued, and the goods are taken in charge."))
    return redirect("transport_document", title)


def _agreement(given: Mapping[str, str], viewer: Actor) -> queries.AgreementView | None:
    chosen = given.get("agreement", "")
    if not chosen:
        return None
    try:
        return queries.agreement(agreement_id=UUID(chosen), viewer=viewer)
    except (ValueError, Refusal):
        raise Invalid(field="agreement", problem=gettext_noop("one of your agreements in force")) from None


def _holder(given: Mapping[str, str], viewer: Actor) -> UUID:
    """Who gets the document: the consignor, unless somebody else is named."""
    named = given.get("holder_id", "").strip()
    field = "holder_id" if named else "parties.consignor"
    return parties.party_named(name=named or given.get("parties.consignor", ""), field=field, viewer=viewer).id


def _party(name: str, field: str, viewer: Actor) -> dict[str, Any]:
    found = parties.party_named(name=name, field=field, viewer=viewer)
    return _said(parties.party(party_id=found.id, viewer=viewer))


def _said(party: parties.PartyView) -> dict[str, Any]:
    """A registered party as the data set names it: in English where it has an English name, since foreign banks read it."""
    numbers = {scheme: value for scheme, value in party.identifiers.items() if scheme in bills.SCHEMES}
    made: dict[str, Any] = {"name": party.name_en or party.name_zh, "country": party.country}
    return made | {"numbers": numbers} if numbers else made


def _file(request: HttpRequest, viewer: Actor) -> tuple[str, dict[str, Any]]:
    """The form that a file is in, and the data set that it says."""
    file = request.FILES.get("file")
    if file is None or not file.size or file.size > _LARGEST:
        raise Invalid(field="file", problem=gettext_noop("a file of at most 2 MB"))
    found = queries.imported(document=base64.b64encode(file.read()).decode(), viewer=viewer)
    return str(found["form"]), dict(found["content"])


def _base(text: str) -> dict[str, Any]:
    """What a file said, as the form carries it; nothing when somebody has changed it into no data set."""
    if not text or len(text) > _LARGEST:
        return {}
    try:
        return bills.read(json.loads(text)).content()
    except (ValueError, RecursionError, Refusal):
        return {}


def _fresh(today: date) -> dict[str, str]:
    """The usual document: rail to Qinzhou, then by sea."""
    return {
        "document": "rail_sea_bill", "form": "TO_ORDER", "basis": "agreement", "freight": "prepaid", "receipt": "CY", "delivery": "CY",
        "issued_on": today.isoformat(), "taken_on": today.isoformat(), "issued_at": "CNCQI", "legs.0.mode": "rail", "legs.0.origin": "CNCQI",
        "legs.0.destination": "CNQZH", "legs.0.departs_on": today.isoformat(), "legs.1.mode": "sea", "legs.1.origin": "CNQZH",
        "terms": _("The goods are given out only against surrender of this document."), "value.currency": "USD",
    }  # fmt: skip


def _group(kind: str, given: Mapping[str, str], wrong: str, error: str, more: bool) -> dict[str, Any]:
    """The rows of one kind, each field with its name, value and fault."""
    n = min(issue.counts(given)[kind] + (2 if more else 0), issue.MOST[kind])
    rows = [
        (
            _ROW_NAME[kind] % {"n": at + 1},
            [
                {
                    "name": (name := f"{kind}.{at}.{field}"), "label": _FIELD_NAMES[field], "value": given.get(name, ""), "wrong": wrong == name,
                    "type": "date" if field.endswith("_on") else "text", "place": field in ("origin", "destination"),
                    "modes": list(printing.MODES.items()) if field == "mode" else [],
                }
                for field in issue.ROWS[kind]
            ],
        )
        for at in range(n)
    ]  # fmt: skip
    return {"kind": kind, "title": _ROW_NAMES[kind], "rows": rows, "wrong": wrong == kind, "error": error}


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(field="new", problem=gettext_noop("an id")) from None
