"""Documents and what rests on them: the list, one document, its goods, consents, who has read, and what a person must tell apart.

Forms that are refused come back as they were typed, with what is wrong beside its field; ids are derived from the form's key, so that
a second press of a button is the same request.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID, uuid5

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_http_methods

from luhai.core.evidence.formats.document import Document, Kind
from luhai.core.evidence.formats.read import read as read_document
from luhai.core.parties import queries as parties
from luhai.core.rules import queries as rules
from luhai.kernel.money import EXPONENT, MAX_MINOR, Currency
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent, Invalid, NotPermitted, Refusal
from luhai.shell.templatetags.luhai import money
from luhai.shell.web import origin_of, page, refusals, say, told, viewer_of

from . import commands, consent_commands, lifecycle, policy, queries
from .lifecycle import Alert, ConsentState, Purpose, State
from .templatetags.evidence_words import consent_state, why_text

#: How many consents a page looks through; what is still open comes first.
_MANY = 500
_ENDED = (ConsentState.DECLINED, ConsentState.WITHDRAWN, ConsentState.EXPIRED)
_BANKS: Final = (Role.BANK, Role.PARTNER)
_OFFICE: Final = (Role.SUPERVISOR, Role.OPERATOR)
_AGENCIES: Final = (Role.PROVINCE, *_OFFICE)
#: A file up to here goes along from the page that shows what was read to the delivery; a larger one is chosen again.
_CARRIED: Final = 1_000_000
#: How much of a document is written into the page, to be changed or read there.
_SHOWN: Final = 100_000
#: A consent is offered for so long; whoever gives it may say otherwise.
_USUAL_DAYS: Final = 90


# --- the list ---------------------------------------------------------------------------------------------------------


@require_GET
@refusals
def evidences(request: HttpRequest) -> HttpResponse:
    """The documents that the viewer may see, by kind, state and number; what waits for the viewer; a bank's open uses."""
    viewer = viewer_of(request)
    if wanted := request.GET.get("id", "").strip():  # its id, or the address of its page as somebody sent it
        return redirect("evidence_one", _uuid("id", wanted.rstrip("/").rpartition("/")[2]))
    asked = {name: request.GET.get(name, "").strip()[:64] for name in ("kind", "state", "number")}
    for name, words in (("kind", lifecycle.KIND_NAMES), ("state", lifecycle.STATE_NAMES)):
        if asked[name] and asked[name] not in words:
            raise Invalid(field=name, problem=gettext_noop("one of those offered"))
    found = queries.evidences(
        kind=asked["kind"], state=asked["state"], text=asked["number"], cursor=request.GET.get("cursor", ""), limit=20,
        viewer=viewer,
    )  # fmt: skip
    used: list[queries.UseView] = []
    if viewer.role in _BANKS and "cursor" not in request.GET and not any(asked.values()):
        used = queries.uses(only_open=True, limit=5, viewer=viewer).items
    consents = queries.consents(moment=timezone.now(), only_open=True, limit=_MANY, viewer=viewer).items
    return page(
        request, "evidence/list.html", tab="evidences", items=found.items, asked=asked, filtered=any(asked.values()),
        kinds=lifecycle.KIND_NAMES, states=lifecycle.STATE_NAMES, uses=used, named=_known((u.evidence_id for u in used), viewer),
        requests=sum(c.state == ConsentState.ASKED and c.grantor.id == viewer.party_id for c in consents),
        reviews=len(queries.reviews(viewer=viewer)), may_read=viewer.role not in _OFFICE, purposes=lifecycle.PURPOSE_NAMES,
        next=_more(request, found.next), first="cursor" not in request.GET,
    )  # fmt: skip


@require_GET
@refusals
def uses(request: HttpRequest) -> HttpResponse:
    """The viewer's uses, and those that stand on documents about the viewer."""
    viewer = viewer_of(request)
    only_open = request.GET.get("open", "") == "1"
    found = queries.uses(only_open=only_open, cursor=request.GET.get("cursor", ""), limit=20, viewer=viewer)
    return page(
        request, "evidence/uses.html", tab="evidence_uses", uses=found.items, only_open=only_open,
        named=_known((u.evidence_id for u in found.items), viewer), next=_more(request, found.next), first="cursor" not in request.GET,
    )  # fmt: skip


# --- delivering -------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def deliver(request: HttpRequest) -> HttpResponse:
    """Read a document, show what it says or which field is wrong, and receive it. Nothing is written before it is delivered."""
    viewer = viewer_of(request)
    if viewer.role not in commands.SOURCES or viewer.party_id is None:
        raise NotPermitted(command="evidence.receive_evidence", role=str(viewer.role))
    errors: dict[str, str] = {}
    document: Document | None = None
    data, refusal = b"", None
    if request.method == "POST":
        try:
            data = _content(request)
            kind = request.POST.get("kind") or None
            document = read_document(data, kind=kind)
            subject = _subject(request, viewer)
            if request.POST.get("do") == "deliver":
                origin = origin_of(request)
                made = commands.receive_evidence(
                    evidence_id=uuid5(origin.key, "evidence"), subject_id=subject, content=base64.b64encode(data).decode(),
                    kind=kind, origin=origin,
                )  # fmt: skip
                told(
                    request,
                    _("The document is here. What it allows stands below.")
                    if len(made) == 1
                    else _("The documents are here."),
                )
                return redirect("evidence_one", made[0]) if len(made) == 1 else redirect("evidences")
        except Refusal as refused:
            refusal = refused
            doubt = refused.code == commands.NearDuplicate.code
            errors["doubt" if doubt else _field(refused, "content", {"kind", "company"})] = _beside(refused)
    return page(
        request, "evidence/new.html", status=422 if errors else 200, tab="evidences", errors=errors, given=request.POST,
        document=document,
        carried=_carried(data), text=_text_of(request, data), too_large=len(data) > _CARRIED, kinds=lifecycle.KIND_NAMES,
        known=_known_of(refusal, viewer), own=viewer.role is Role.COMPANY,
        example=_example(viewer),
    )  # fmt: skip


def _example(viewer: Actor) -> str:
    """A contract of the viewer's company in our declared form, to begin from."""
    party = parties.party(party_id=viewer.party_id, viewer=viewer) if viewer.party_id else None
    if party is None or "uscc" not in party.identifiers:
        return ""
    line = {
        "no": 1,
        "name": "汽车零部件",
        "quantity": "100",
        "unit": "套",
        "unit_price": "200.00",
        "amount": "20000.00",
    }
    contract = {
        "format": "luhai.contract", "version": "1", "contract_no": "HT-2026-001", "status": "signed", "signed_on": "2026-03-02",
        "seller": {"name": party.name_zh or party.name_en, "uscc": party.identifiers["uscc"]},
        "buyer": {"name": "Siam Motor Parts Co., Ltd.", "country": "TH"}, "currency": "CNY", "total_amount": "20000.00",
        "items": [line],
    }  # fmt: skip
    return json.dumps(contract, ensure_ascii=False, indent=2)


def _subject(request: HttpRequest, viewer: Actor) -> UUID:
    """The company that the document is about: the one named, or for a company itself."""
    named = request.POST.get("company", "").strip()
    if not named and viewer.role is Role.COMPANY and viewer.party_id is not None:
        return viewer.party_id
    return parties.party_named(name=named, field="company", viewer=viewer).id


def _content(request: HttpRequest) -> bytes:
    """The bytes of a document: of the file chosen, of what was pasted, or as they came with the page. Refuses: Invalid."""
    file = request.FILES.get("file")
    if file is not None:
        if (file.size or 0) > commands.MOST_BYTES:
            raise Invalid(field="content", problem=gettext_noop("from 1 byte to 8 MiB"))
        return bytes(file.read())
    pasted = request.POST.get("text", "")
    try:
        carried = base64.b64decode(request.POST.get("carried", ""), validate=True)
    except ValueError:
        carried = b""
    if carried and (not pasted.strip() or _lines(pasted) == _lines(_decoded(carried))):
        return carried  # a browser writes the ends of lines its own way: the bytes stay as they came
    if not pasted.strip():
        raise Invalid(field="content", problem=gettext_noop("choose a file, or paste what it says"))
    return pasted.encode("utf-8", "surrogatepass")


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _decoded(data: bytes) -> str:
    """The text of a document, where it is one that a page can show."""
    try:
        text = data.decode("utf-8-sig") if len(data) <= _SHOWN else ""
    except UnicodeDecodeError:
        return ""
    return "" if any(ord(c) < 32 and c not in "\n\r\t" for c in text) else text


def _carried(data: bytes) -> str:
    return base64.b64encode(data).decode() if len(data) <= _CARRIED else ""


def _text_of(request: HttpRequest, data: bytes) -> str:
    return _decoded(data) or (request.POST.get("text", "") if "file" not in request.FILES else "")


def _known_of(refusal: Refusal | None, viewer: Actor) -> queries.EvidenceView | None:
    """The document that stands in the way, if the viewer may see it."""
    if refusal is None:
        return None
    given = refusal.facts.get("evidence")
    found = _known([UUID(str(given))], viewer) if given else {}
    return next(iter(found.values()), None)


# --- one document -----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def evidence(request: HttpRequest, evidence_id: UUID) -> HttpResponse:
    """One document: what it says, how far it may be used, its uses, versions and goods, who read it; and what the viewer may do."""
    viewer = viewer_of(request)
    deed, errors = "", {}
    if request.method == "POST":
        deed = request.POST.get("do", "")
        try:
            return _act(request, evidence_id, deed)
        except Absent:
            raise
        except Refusal as refused:
            errors = {
                _field(
                    refused,
                    "content" if deed == "correct" else "form",
                    {"content", "reason", "purpose", "amount", "to"},
                ): _beside(refused)
            }
    try:
        view = queries.evidence(evidence_id=evidence_id, viewer=viewer)
    except Absent:
        return page(
            request, "evidence/closed.html", status=422 if errors else 404, evidence_id=evidence_id, deed=deed, errors=errors,
            purposes=lifecycle.PURPOSE_NAMES, usual_purpose=_usual_purpose(viewer),
        )  # fmt: skip
    shown = _shown(evidence_id, viewer)
    used = queries.uses(evidence_id=evidence_id, limit=100, viewer=viewer).items
    said = next((p for p in shown.pieces if (p.amount_minor or 0) >= 0), None)
    mine = viewer.party_id == view.source.id or viewer.role in _AGENCIES
    about = _is_about(view, viewer)
    usable = view.amount_minor is not None and view.kind in policy.COLLATERAL
    return page(
        request, "evidence/one.html", status=422 if errors else 200, tab="evidences", evidence=view, deed=deed, errors=errors,
        given=request.POST, shown=shown, said=said, uses=used, usable=usable, live=view.state == State.LIVE,
        remaining=queries.remaining(evidence_id=evidence_id, viewer=viewer) if usable else None,
        payload=json.dumps(said.payload, ensure_ascii=False, indent=2)[:_SHOWN] if said else "",
        receipts=queries.receipts(evidence_id=evidence_id, limit=20, viewer=viewer).items,
        consents=_covering(view, viewer), may_correct=mine and view.state == State.LIVE, may_consent=about and viewer.role not in _AGENCIES,
        may_use=viewer.role in _BANKS and usable and view.state == State.LIVE, may_read=not shown.own, about=about,
        forms=_forms_of(view, viewer), purposes=lifecycle.PURPOSE_NAMES, use_purposes=list(Purpose),
        usual_purpose=_usual_purpose(viewer),
        sees_goods=view.lot_id is not None and (viewer.party_id == view.subject.id or viewer.role in _OFFICE),
    )  # fmt: skip


def _usual_purpose(viewer: Actor) -> str:
    return "supervision" if viewer.role in _AGENCIES else str(Purpose.FINANCING)


def _act(request: HttpRequest, evidence_id: UUID, deed: str) -> HttpResponse:
    """Do what a button of the page of a document asks for, and go back to it; a reading goes to what it discloses."""
    origin, given = origin_of(request), {name: str(value).strip() for name, value in request.POST.items()}
    if deed == "read":
        return _read(request, evidence_id)
    if deed == "correct":
        commands.correct_evidence(
            evidence_id=evidence_id, content=base64.b64encode(_content(request)).decode(), origin=origin
        )
        told(request, _("The newer version is here; the one before stays in the history."))
    elif deed == "cancel":
        commands.cancel_evidence(evidence_id=evidence_id, reason=given.get("reason", ""), origin=origin)
        told(request, _("The document is taken back. Whoever used it is told."))
    elif deed == "use":
        view = queries.evidence(evidence_id=evidence_id, viewer=origin.actor)
        commands.use_evidence(
            use_id=uuid5(origin.key, "use"), evidence_id=evidence_id, purpose=given.get("purpose", ""),
            amount=_minor(given.get("amount", ""), view.currency), currency=view.currency, origin=origin,
        )  # fmt: skip
        told(request, _("Used. Nobody can use this part a second time."))
    elif deed == "free":
        use = queries.use(use_id=_uuid("use", given.get("use", "")), viewer=origin.actor)
        amount = _minor(given["amount"], use.currency) if given.get("amount") else None
        commands.free_evidence(use_id=use.id, amount=amount, reason=given.get("reason", ""), origin=origin)
        told(request, _("Given back. The document may be used so far again."))
    elif deed == "convert":
        to = _uuid("to", given.get("to", ""))
        commands.convert_form(use_id=_uuid("use", given.get("use", "")), to_id=to, origin=origin)
        told(request, _("The financing now stands on this document; the one before is free of it."))
        return redirect("evidence_one", to)
    else:
        raise Invalid(field="form", problem=gettext_noop("one of the acts offered"))
    return redirect("evidence_one", evidence_id)


def _read(request: HttpRequest, evidence_id: UUID) -> HttpResponse:
    """Ask to read. Granted, the way leads to what is disclosed; refused, to the record of it, and it is said what would be right."""
    answer = consent_commands.read_evidence(
        evidence_id=evidence_id, purpose=request.POST.get("purpose", ""), origin=origin_of(request)
    )
    if answer["granted"]:
        return redirect("evidence_reading", answer["receipt_id"])
    messages.error(
        request,
        _("Refused: %(why)s. The try is on record, and the company sees it. Ask it for consent.")
        % {"why": why_text(answer["why"])},
    )
    return redirect(f"{reverse('evidence_consents')}?{urlencode({'of': str(evidence_id)})}#ask")


class _Shown:
    """The versions of a document as far as this viewer may see them, newest first; how, and by which reading."""

    def __init__(
        self, pieces: list[queries.PieceView], own: bool, receipt: queries.ReceiptView | None = None
    ) -> None:
        self.pieces, self.own, self.receipt = pieces, own, receipt


def _shown(evidence_id: UUID, viewer: Actor) -> _Shown:
    try:
        return _Shown(queries.pieces(evidence_id=evidence_id, viewer=viewer), own=True)
    except Absent:
        pass
    for receipt in queries.receipts(evidence_id=evidence_id, limit=20, viewer=viewer).items:
        if receipt.granted and receipt.reader is not None and receipt.reader.id == viewer.party_id:
            try:
                return _Shown(
                    queries.disclosed(receipt_id=receipt.id, viewer=viewer), own=False, receipt=receipt
                )
            except Absent:
                continue
    return _Shown([], own=False)


def _covering(view: queries.EvidenceView, viewer: Actor) -> list[queries.ConsentView]:
    """The consents in force under which somebody may read or use this document, as far as the viewer sees them."""
    return [
        c
        for c in queries.consents(moment=timezone.now(), only_open=True, limit=_MANY, viewer=viewer).items
        if c.state == ConsentState.GIVEN
        and (
            c.grantor.id == view.subject.id
            or (c.grantor.id == viewer.party_id != view.source.id and c.purpose != Purpose.FINANCING)
        )
        and (not c.pieces or view.id in c.pieces)
        and (not c.kinds or view.kind in c.kinds)
    ]


def _forms_of(view: queries.EvidenceView, viewer: Actor) -> list[queries.EvidenceView]:
    """The other documents about the same goods to which a bank's financing may move: those that it may see."""
    if viewer.role not in _BANKS or view.lot_id is None:
        return []
    seen = queries.evidences(state=State.LIVE, limit=200, viewer=viewer).items
    return [e for e in seen if e.lot_id == view.lot_id and e.id != view.id and e.amount_minor is not None]


@require_GET
@refusals
def reading(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    """What a granted reading discloses, while the consent it rests on is in force."""
    viewer = viewer_of(request)
    pieces = queries.disclosed(receipt_id=receipt_id, viewer=viewer)
    receipt = _receipt(receipt_id, viewer)
    said = next((p for p in pieces if (p.amount_minor or 0) >= 0), pieces[0])
    consent = None
    if receipt is not None and receipt.consent_id is not None:
        consent = queries.consent(consent_id=receipt.consent_id, moment=timezone.now(), viewer=viewer)
    return page(
        request, "evidence/reading.html", tab="evidence_readers", receipt=receipt, said=said, consent=consent,
        shown=_Shown(pieces, own=False, receipt=receipt), payload=json.dumps(said.payload, ensure_ascii=False, indent=2)[:_SHOWN],
    )  # fmt: skip


def _receipt(receipt_id: UUID, viewer: Actor) -> queries.ReceiptView | None:
    """A receipt among the viewer's newest ones."""
    return next((r for r in queries.receipts(limit=200, viewer=viewer).items if r.id == receipt_id), None)


@require_GET
@refusals
def readers(request: HttpRequest) -> HttpResponse:
    """Who has read what is about the viewer, or tried to; or every receipt that concerns the viewer, its own readings too."""
    viewer = viewer_of(request)
    everything = request.GET.get("show", "") == "all" or viewer.role in _AGENCIES
    found = queries.receipts(
        about_me=not everything, cursor=request.GET.get("cursor", ""), limit=30, viewer=viewer
    )
    return page(
        request, "evidence/readers.html", tab="evidence_readers", items=found.items, everything=everything, official=viewer.role in _AGENCIES,
        next=_more(request, found.next), first="cursor" not in request.GET,
    )  # fmt: skip


# --- goods ------------------------------------------------------------------------------------------------------------


@require_GET
@refusals
def lots(request: HttpRequest) -> HttpResponse:
    """The viewer's goods, each with its forms and how far it is financed."""
    viewer = viewer_of(request)
    found = queries.lots(cursor=request.GET.get("cursor", ""), limit=20, viewer=viewer)
    return page(
        request, "evidence/lots.html", tab="evidence_lots", items=found.items, official=viewer.role in _OFFICE,
        next=_more(request, found.next), first="cursor" not in request.GET,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@refusals
def lot(request: HttpRequest, lot_id: UUID) -> HttpResponse:
    """Goods in all their forms: what each allows, what stands on it, and what is left on the goods as a whole."""
    viewer = viewer_of(request)
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            other, why = _uuid("other", request.POST.get("other", "").strip()), request.POST.get("why", "")
            joined = commands.join_lots(lot_ids=[lot_id, other], why=why, origin=origin_of(request))
            told(request, _("The goods are one now, and are financed once."))
            return redirect("evidence_lot", joined)
        except Refusal as refused:
            field = (
                "other"
                if refused.code == Absent.code
                else _field(refused, "form", {"other", "why", "lot_ids"})
            )
            errors[{"lot_ids": "other"}.get(field, field)] = _beside(refused)
    view = queries.lot(lot_id=lot_id, viewer=viewer)
    standing: dict[UUID, queries.UseView] = {}
    for form in view.forms:
        standing |= {u.id: u for u in queries.uses(evidence_id=form.id, limit=50, viewer=viewer).items}
    chain = [
        (
            kind,
            forms,
            view.by_kind.get(kind, 0),
            sum(r.financing_used for e, r in forms if e.currency == view.currency),
        )
        for kind, forms in (
            (k, [(e, _left(e, viewer)) for e in view.forms if e.kind == k]) for k in policy.COLLATERAL
        )
        if forms or kind in _ALWAYS
    ]
    standing_now = sorted(
        (u for u in standing.values() if u.purpose == Purpose.FINANCING),
        key=lambda u: u.made_at,
        reverse=True,
    )
    return page(
        request, "evidence/lot.html", status=422 if errors else 200, tab="evidence_lots", lot=view, errors=errors, given=request.POST,
        chain=chain, uses=standing_now, beyond=any(u.alert == Alert.OVERFINANCED for u in standing_now),
        named={e.id: e for e in view.forms}, official=viewer.role in _OFFICE,
    )  # fmt: skip


#: Forms that most goods take; one that is not here yet is shown as missing.
_ALWAYS: Final = (Kind.CONTRACT, Kind.CUSTOMS_DECLARATION, Kind.TRANSPORT_DOCUMENT, Kind.INVOICE)


def _left(view: queries.EvidenceView, viewer: Actor) -> queries.Remaining:
    return queries.remaining(evidence_id=view.id, viewer=viewer)


# --- consents ---------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def consents(request: HttpRequest) -> HttpResponse:
    """Consents asked for, given and received; each ends with one button. And the forms that ask for one and give one."""
    viewer, now = viewer_of(request), timezone.now()
    deed, errors = "", {}
    longest = (
        rules.parameters(viewer=viewer)
        .value("evidence.consent_longest_days", timezone.localdate(), None)
        .in_unit("days")
    )
    last = timezone.localdate() + timedelta(days=longest - 1)
    if request.method == "POST":
        deed = request.POST.get("do", "")
        try:
            told(request, _decide(request, deed, last))
            return redirect("evidence_consents")
        except Absent:
            raise
        except Refusal as refused:
            field = _field(refused, "form", {"party", "purpose", "until", "pieces", "kinds", "abroad"})
            errors[field] = _beside(refused)
    found = queries.consents(moment=now, only_open=True, limit=_MANY, viewer=viewer).items
    found += [c for c in queries.consents(moment=now, limit=_MANY, viewer=viewer).items if c.state in _ENDED]
    mine = [c for c in found if c.grantor.id == viewer.party_id]
    ours = [c for c in found if c.grantee.id == viewer.party_id]
    others = [c for c in found if c not in mine and c not in ours]
    of = [_uuid("of", i) for i in request.GET.getlist("of")[:20]]
    ours_of = [i for i, e in _known(of, viewer).items() if _is_about(e, viewer)]
    own = [
        e
        for e in queries.evidences(state=State.LIVE, limit=50, viewer=viewer).items
        if e.subject.id == viewer.party_id
    ][:20]
    own += [e for i, e in _known(ours_of, viewer).items() if i not in {o.id for o in own}]
    return page(
        request, "evidence/consents.html", status=422 if errors else 200, tab="evidence_consents", deed=deed, errors=errors,
        given=request.POST, to_answer=[c for c in mine if c.state == ConsentState.ASKED],
        granted=[c for c in mine if c.state in (ConsentState.GIVEN, ConsentState.SPENT)], received=[c for c in ours if c.state == ConsentState.GIVEN],
        asked=[c for c in ours if c.state == ConsentState.ASKED], ended=[c for c in (*mine, *ours) if c.state in _ENDED][:30],
        others=others[:50], may_give=viewer.role in consent_commands.GRANTORS, may_review=viewer.role is Role.SUPERVISOR,
        of_others=[i for i in of if i not in ours_of],
        named=_known((p for c in found[:50] for p in c.pieces[:20]), viewer), chosen=_chosen(request, ours_of),
        own=own,
        purposes=lifecycle.PURPOSE_NAMES, kinds=lifecycle.KIND_NAMES, first_day=timezone.localdate(), last_day=last,
        usual=timezone.localdate() + timedelta(days=min(_USUAL_DAYS, longest - 1)), chosen_kinds=request.POST.getlist("kinds"),
    )  # fmt: skip


def _decide(request: HttpRequest, deed: str, last: date) -> str:
    """Do what a form of the page of consents asks for, and say what was done."""
    origin = origin_of(request)
    if deed in ("give", "ask"):
        other = parties.party_named(name=request.POST.get("party", ""), field="party", viewer=origin.actor)
        terms: dict[str, Any] = {
            "consent_id": uuid5(origin.key, "consent"), "purpose": request.POST.get("purpose", ""),
            "kinds": request.POST.getlist("kinds"), "pieces": _pieces_of(request), "until": _end_of(request.POST.get("until", ""), last),
            "one_off": "one_off" in request.POST, "origin": origin,
        }  # fmt: skip
        if deed == "ask":
            consent_commands.ask_consent(grantor_id=other.id, **terms)
            return _("Asked. Nothing may be read before the company has agreed.")
        consent_commands.grant_consent(grantee_id=other.id, abroad="abroad" in request.POST, **terms)
        if other.country != "CN":
            return _("Given. It begins to hold when a supervisor has looked at it, since it goes abroad.")
        return _("Given. You can withdraw it at any time with one button.")
    consent = _uuid("form", request.POST.get("consent", ""))
    if deed == "yes":
        asked = queries.consent(consent_id=consent, moment=origin.at, viewer=origin.actor)
        text = request.POST.get("until", "")
        last = max(last, timezone.localtime(asked.until).date())
        until = min(_end_of(text, last), asked.until) if text.strip() else None
        consent_commands.answer_consent(consent_id=consent, yes=True, until=until, origin=origin)
        return _("Given. You can withdraw it at any time with one button.")
    if deed == "no":
        consent_commands.answer_consent(consent_id=consent, yes=False, origin=origin)
        return _("Declined. Nothing may be read.")
    if deed == "withdraw":
        consent_commands.withdraw_consent(consent_id=consent, origin=origin)
        return _("Withdrawn. From this moment nothing more may be read or used under it.")
    if deed == "review":
        consent_commands.review_consent(consent_id=consent, origin=origin)
        return _("Looked at. The consent holds from now on.")
    raise Invalid(field="form", problem=gettext_noop("one of the acts offered"))


def _pieces_of(request: HttpRequest) -> list[UUID]:
    """The documents ticked, and those named by their id with blanks or commas between them."""
    named = request.POST.get("ids", "").replace(",", " ").replace("，", " ").split()
    return [_uuid("pieces", text) for text in dict.fromkeys([*request.POST.getlist("pieces"), *named])]


def _chosen(request: HttpRequest, of: list[UUID]) -> list[str]:
    return request.POST.getlist("pieces") if request.method == "POST" else [str(i) for i in of]


def _is_about(view: queries.EvidenceView, viewer: Actor) -> bool:
    """May this party consent for the document? Its company, and others whom it names; not whoever only delivered or read it."""
    if viewer.party_id in (view.subject.id, view.source.id):
        return viewer.party_id == view.subject.id
    return _shown(view.id, viewer).own


# --- two documents that a person tells apart ----------------------------------------------------------------------------


@require_GET
@refusals
def reviews(request: HttpRequest) -> HttpResponse:
    """Pairs that wait to be told apart, and what came of others: officials see all, others those that they caused."""
    viewer = viewer_of(request)
    waiting = request.GET.get("show", "") != "all"
    return page(
        request, "evidence/reviews.html", tab="evidence_reviews", items=queries.reviews(waiting=waiting, viewer=viewer),
        waiting=waiting, official=viewer.role in _OFFICE,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@refusals
def review(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Both documents side by side, as far as each is known, and the decision of an official.

    What was refused was not kept: whoever delivered it shows it again here, and the page tells whether it is the very one.
    """
    viewer = viewer_of(request)
    found = next((r for r in queries.reviews(waiting=False, viewer=viewer) if r.id == review_id), None)
    if found is None:
        raise Absent(kind="review")
    deed, errors = "", {}
    document: Document | None = None
    data = b""
    if request.method == "POST":
        deed = request.POST.get("do", "")
        try:
            if deed == "clear":
                commands.clear_review(
                    review_id=review_id, outcome=request.POST.get("outcome", ""), why=request.POST.get("why", ""),
                    origin=origin_of(request),
                )  # fmt: skip
                told(
                    request,
                    _(
                        "Decided. What was refused may now be delivered again, unless it is the same document."
                    ),
                )
                return redirect("evidence_reviews")
            if deed == "read" and found.evidence is not None:
                consent_commands.read_evidence(
                    evidence_id=found.evidence.id, purpose="supervision", origin=origin_of(request)
                )
                return redirect("evidence_review", review_id)
            data = _content(request)
            document = read_document(data)
        except Refusal as refused:
            errors[_field(refused, "content" if deed == "show" else "form", {"outcome", "why"})] = _beside(
                refused
            )
    other = None
    if document is not None:
        other = next((f for f in document.facts if _is_refused(found, f, data)), document.facts[0])
    shown = _shown(found.evidence.id, viewer) if found.evidence else _Shown([], own=False)
    return page(
        request, "evidence/review.html", status=422 if errors else 200, tab="evidence_reviews", review=found, errors=errors, deed=deed,
        given=request.POST, official=viewer.role in _OFFICE, shown=shown, said=next((p for p in shown.pieces if (p.amount_minor or 0) >= 0), None),
        other=other, same=other is not None and _is_refused(found, other, data), outcomes=lifecycle.OUTCOME_NAMES,
        text=_text_of(request, data), carried=_carried(data),
    )  # fmt: skip


def _is_refused(found: queries.ReviewView, document: Document, data: bytes) -> bool:
    """Is this the document that was refused? A review's id is derived from its identity."""
    own = policy.identity(document, hashlib.sha256(data).hexdigest())
    return found.evidence is not None and uuid5(found.evidence.id, own.digest) == found.id


# --- reading forms, and saying what is wrong ----------------------------------------------------------------------------


def _field(refusal: Refusal, otherwise: str, own: set[str]) -> str:
    """The field of the form beside which a refusal stands; what names a place inside a document stands beside the document."""
    code = {"evidence.used_up": "amount", "evidence.not_usable": "amount", "evidence.other_goods": "to"}.get(
        refusal.code
    )
    field = code or str(refusal.facts.get("field", "")) if refusal.code == "invalid" or code else ""
    field = {"subject_id": "company", "grantee_id": "party", "grantor_id": "party"}.get(field, field)
    return field if field in own else otherwise


def _beside(refusal: Refusal) -> str:
    """What is wrong, as it is said beside a field: amounts as money, states in words, the place in a document where there is one."""
    facts = refusal.facts
    if refusal.code == "invalid":
        field, problem = str(facts.get("field", "")), _(str(facts.get("problem", "")))
        if refusal.message != Invalid.message:
            return say(refusal)
        if field in _OWN_FIELDS:
            return problem
        return _("At %(place)s: %(problem)s") % {"place": field, "problem": problem}
    if refusal.code == commands.UsedUp.code:
        currency = str(facts["currency"])
        left, asked = (money(int(str(facts[name])), currency) for name in ("remaining", "asked"))
        return _("Only %(left)s of it is left; %(asked)s was asked. Those who use it are told.") % {
            "left": left,
            "asked": asked,
        }
    if refusal.code == commands.NotConsented.code:
        return _("%(text)s Why: %(why)s.") % {
            "text": say(refusal),
            "why": why_text(str(facts.get("why", ""))),
        }
    if refusal.code == consent_commands.ConsentActNotAllowed.code:
        return _("This consent is %(state)s; nothing can be changed about it.") % {
            "state": consent_state(str(facts.get("state", "")))
        }
    if refusal.code == commands.NearDuplicate.code:
        return _(
            "It looks like a document that is here already. A person will look at both; until then it is not received."
        )
    return say(refusal)


#: Fields of the pages' own forms. Any other field that a refusal names is a place inside a document.
_OWN_FIELDS: Final = frozenset(
    {
        "content", "kind", "company", "party", "purpose", "kinds", "pieces", "until", "abroad", "amount", "reason", "use", "to", "of",
        "other", "why", "outcome", "form", "document", "lot_ids", "use_id", "grantee_id", "grantor_id",
    }
)  # fmt: skip


def _minor(text: str, currency: str) -> int:
    """An amount as people write it, in the smallest units of its currency. Refuses: Invalid."""
    cleaned = text.replace(",", "").replace("，", "").replace(" ", "")
    try:
        minor = Decimal(cleaned).scaleb(EXPONENT[Currency(currency)])
    except (InvalidOperation, ValueError):
        minor = Decimal("NaN")
    if not minor.is_finite() or minor != minor.to_integral_value() or not 0 < minor <= MAX_MINOR:
        raise Invalid(field="amount", problem=gettext_noop("an amount above zero, such as 120,000.00"))
    return int(minor)


def _end_of(text: str, last: date) -> datetime:
    """The end of a day, as people mean “until”. Refuses: Invalid."""
    try:
        day = parse_date(text.strip())
    except ValueError:
        day = None
    if day is None or not timezone.localdate() <= day <= last:
        problem = _("a day from today to %(day)s") % {"day": last.isoformat()}
        raise Invalid(field="until", problem=problem)
    return datetime.combine(day, time(23, 59, 59), timezone.get_current_timezone())


def _uuid(field: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(
            field=field, problem=gettext_noop("the id of a document, as its page shows it")
        ) from None


def _known(ids: Iterable[UUID], viewer: Actor) -> dict[UUID, queries.EvidenceView]:
    """The documents of these ids that the viewer may see."""
    found: dict[UUID, queries.EvidenceView] = {}
    for one in dict.fromkeys(ids):
        try:
            found[one] = queries.evidence(evidence_id=one, viewer=viewer)
        except Absent:
            continue
    return found


def _more(request: HttpRequest, cursor: str) -> str:
    """The address of the next page of a list, with its filters; empty on the last."""
    query = request.GET.copy()
    query["cursor"] = cursor
    return f"?{query.urlencode()}" if cursor else ""


urlpatterns = [
    path("evidence/", evidences, name="evidences"),
    path("evidence/new", deliver, name="evidence_new"),
    path("evidence/uses/", uses, name="evidence_uses"),
    path("evidence/lots/", lots, name="evidence_lots"),
    path("evidence/lots/<uuid:lot_id>/", lot, name="evidence_lot"),
    path("evidence/consents/", consents, name="evidence_consents"),
    path("evidence/readers/", readers, name="evidence_readers"),
    path("evidence/readings/<uuid:receipt_id>", reading, name="evidence_reading"),
    path("evidence/reviews/", reviews, name="evidence_reviews"),
    path("evidence/reviews/<uuid:review_id>/", review, name="evidence_review"),
    path("evidence/<uuid:evidence_id>/", evidence, name="evidence_one"),
]
