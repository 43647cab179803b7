"""Payments as work, and one payment: who pays whom, its documents and their check, what crediting will do, its messages and its life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_GET, require_http_methods

from luhai.core.escrow import queries as escrow
from luhai.core.evidence import queries as evidence
from luhai.core.rules.business_days import calendar
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent, Invalid, Refusal
from luhai.shell.web import origin_of, page, refusals, told, viewer_of

from . import commands, desk_queries, policy, queries
from .desk_queries import GROUPS, Outlook
from .lifecycle import FINAL, STATE_NAMES, Act, State
from .queries import PaymentView
from .web_bank import customer_accounts, receive
from .web_forms import errors_of, id_from, next_page, text

_PAGE: Final = 20
_GROUP_NAMES: Final = {"open": gettext_lazy("Open"), "ended": gettext_lazy("Ended"), "all": gettext_lazy("All of them")}
#: How many documents the form offers; beyond that it asks for a number.
_OFFERED: Final = 100


@require_GET
@refusals
def payments(request: HttpRequest) -> HttpResponse:
    """The payments that the viewer may see: as a queue of work, or those that ended."""
    viewer = viewer_of(request)
    asked = {name: request.GET.get(name, "").strip()[:100] for name in ("group", "state", "text")}
    group = asked["group"] if asked["group"] in GROUPS else "open"
    found = desk_queries.queue(
        group=group, state=asked["state"], text=asked["text"], cursor=request.GET.get("cursor", ""), limit=_PAGE, viewer=viewer,
    )  # fmt: skip
    return page(
        request, "payments/payments.html", now=timezone.now(), items=found.items, asked=asked, group=group, groups=_GROUP_NAMES.items(),
        states=[(state, _(name)) for state, name in STATE_NAMES.items()], filtered=bool(asked["state"] or asked["text"]),
        next=next_page(request, found.next), first="cursor" not in request.GET,
        may_receive=viewer.role in (Role.BANK, Role.PARTNER), is_bank=viewer.role is Role.BANK,
        sees_grades=viewer.role in (Role.BANK, Role.COMPANY, Role.SUPERVISOR, Role.OPERATOR),
    )  # fmt: skip


# --- one payment --------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def payment(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    """One payment, and the acts open to the viewer. Asking what crediting would do changes nothing."""
    viewer = viewer_of(request)
    act, refused = text(request, "act"), None
    if request.method == "POST" and act != "preview":
        try:
            run = _ACTS.get(act)
            if run is None:
                raise Invalid(field="act", problem=gettext_noop("one of the acts offered"))
            run(request, payment_id)
            told(request, str(_DONE[act]))
            return redirect("payment", payment_id)
        except Refusal as refusal:
            refused = refusal
    view = queries.payment(payment_id=payment_id, viewer=viewer)
    fields = _FIELDS.get(act, frozenset())
    currency = view.account.currency if view.account else view.currency
    errors = errors_of(refused, fields, currency) if refused else {}
    preview: Outlook | None = None
    if Act.SETTLE in view.may:
        asking = act in ("preview", Act.SETTLE) and request.method == "POST"
        try:
            preview = _outlook(request if asking else None, payment_id, viewer)
        except Refusal as refusal:
            errors = errors or errors_of(refusal, fields)
            preview = _outlook(None, payment_id, viewer)
    whole = view.account is not None
    mine = viewer.party_id == view.company.id
    others, steps = _elsewhere(view, viewer), []
    if preview and preview.account.escrow_id:
        steps = escrow.escrow(escrow_id=preview.account.escrow_id, viewer=viewer).terms["steps"]
    return page(
        request, "payments/payment.html", now=timezone.now(), status=422 if errors else 200, payment=view, whole=whole, mine=mine, act=act, errors=errors,
        given=request.POST, order=desk_queries.order(payment_id=payment_id, viewer=viewer),
        messages_of=list(enumerate(queries.messages_of(payment_id=payment_id, viewer=viewer), 1)), next_step=_next_step(view, viewer),
        waits=view.state not in FINAL, **_documents(request, view, viewer), situations=_named(policy.SITUATIONS),
        override_reasons=_named(policy.OVERRIDE_REASONS), return_reasons=_named(policy.RETURN_REASONS), may=[str(a) for a in view.may],
        preview=preview, steps=steps, others=others,
        exchanged=preview is not None and preview.currency != view.currency,
        escrow_refused=refused is not None and refused.code.startswith("escrow."), proposer=_proposer(view, viewer),
        timeline=_told(view), shown=act == "preview" and not errors,
    )  # fmt: skip


def _attach(request: HttpRequest, payment_id: UUID) -> None:
    commands.attach(payment_id=payment_id, evidence_id=id_from("evidence_id", text(request, "evidence")), origin=origin_of(request))


def _detach(request: HttpRequest, payment_id: UUID) -> None:
    commands.detach(payment_id=payment_id, evidence_id=id_from("evidence_id", text(request, "evidence")), origin=origin_of(request))


def _check(request: HttpRequest, payment_id: UUID) -> None:
    commands.check(payment_id=payment_id, situation=text(request, "situation"), origin=origin_of(request))


def _propose(request: HttpRequest, payment_id: UUID) -> None:
    commands.propose_override(
        payment_id=payment_id, reason_code=text(request, "reason_code"), reason=text(request, "reason"), origin=origin_of(request)
    )


def _approve(request: HttpRequest, payment_id: UUID) -> None:
    commands.approve_override(payment_id=payment_id, origin=origin_of(request))


def _settle(request: HttpRequest, payment_id: UUID) -> None:
    commands.settle(payment_id=payment_id, **_settling(request), origin=origin_of(request))


def _return(request: HttpRequest, payment_id: UUID) -> None:
    commands.return_payment(
        payment_id=payment_id, reason_code=text(request, "reason_code"), reason=text(request, "reason"), origin=origin_of(request)
    )


_ACTS: Final[dict[str, Callable[[HttpRequest, UUID], None]]] = {
    Act.ATTACH: _attach, Act.DETACH: _detach, Act.CHECK: _check, Act.PROPOSE: _propose, Act.APPROVE: _approve, Act.SETTLE: _settle,
    Act.RETURN: _return,
}  # fmt: skip
_DONE: Final[dict[str, Any]] = {
    Act.ATTACH: gettext_lazy("The document is attached. The bank checks the payment anew."),
    Act.DETACH: gettext_lazy("The document is taken away. The bank checks the payment anew."),
    Act.CHECK: gettext_lazy("Checked. What was found stands below."),
    Act.PROPOSE: gettext_lazy("Proposed. Another person of the bank decides."),
    Act.APPROVE: gettext_lazy("Approved. The payment can be credited now."),
    Act.SETTLE: gettext_lazy("Credited. The bank that sent it and the company are told."),
    Act.RETURN: gettext_lazy("Sent back. The documents stay free for other payments."),
}
#: The fields at which the form of an act can say what is wrong.
_FIELDS: Final[dict[str, frozenset[str]]] = {
    Act.ATTACH: frozenset({"evidence"}), Act.CHECK: frozenset({"situation"}), Act.PROPOSE: frozenset({"reason_code", "reason"}),
    Act.SETTLE: frozenset({"rate", "source", "to"}), "preview": frozenset({"rate", "source", "to"}),
    Act.RETURN: frozenset({"reason_code", "reason"}),
}  # fmt: skip


def _settling(request: HttpRequest) -> dict[str, Any]:
    """The arguments of crediting that a person stated; what was left empty is not said."""
    to = text(request, "to")
    return {
        "rate": text(request, "rate") or None, "source": text(request, "source") or None,
        "to_account_id": id_from("to_account_id", to) if to else None,
    }  # fmt: skip


def _outlook(request: HttpRequest | None, payment_id: UUID, viewer: Actor) -> Outlook:
    stated = _settling(request) if request is not None else {}
    return desk_queries.outlook(payment_id=payment_id, on=calendar().local_date(timezone.now()), **stated, viewer=viewer)


def _elsewhere(view: PaymentView, viewer: Actor) -> list[queries.PaymentAccountView]:
    """Plain accounts of the company with this bank, to which it could be credited instead."""
    if Act.SETTLE not in view.may or view.account is None:
        return []
    found = queries.accounts(company_id=view.company.id, viewer=viewer)
    return [a for a in found if a.id != view.account.id and a.escrow_id is None and a.state == "open"]


def _documents(request: HttpRequest, view: PaymentView, viewer: Actor) -> dict[str, Any]:
    """What the company could still attach: its live documents by kind, and by a part of their number where there are many."""
    if Act.ATTACH not in view.may:
        return {"offered": [], "many": False, "number": ""}
    number = request.GET.get("number", "").strip()[:64]
    found = evidence.evidences(state="live", text=number, limit=_OFFERED, viewer=viewer)
    attached = {a.evidence_id for a in view.attachments}
    mine = [e for e in found.items if e.subject.id == viewer.party_id and e.id not in attached]
    kinds: dict[str, list[Any]] = {}
    for one in sorted(mine, key=lambda e: (e.kind, e.external_ref)):
        kinds.setdefault(one.kind, []).append(one)
    return {"offered": list(kinds.items()), "many": bool(found.next or number), "number": number}


def _named(codes: Any) -> list[tuple[str, str]]:
    return [(code, _(name)) for code, name in codes.items()]


def _proposer(view: PaymentView, viewer: Actor) -> dict[str, Any]:
    """Who proposed and approved to let it pass, as far as the viewer may know."""
    override = view.verdict.override if view.verdict else None
    if override is None or viewer.role not in (Role.BANK, Role.SUPERVISOR, Role.OPERATOR):
        return {}
    known = desk_queries.persons(payment_id=view.id, viewer=viewer)
    return {
        "proposed": known.get(override.proposed_by), "approved": known.get(override.approved_by) if override.approved_by else None,
        "is_me": override.proposed_by == viewer.person_id,
    }  # fmt: skip


def _who(party: UUID | None, view: PaymentView) -> queries.Named | None:
    return next((p for p in (view.bank, view.company) if p.id == party), None)


def _told(view: PaymentView) -> list[tuple[queries.PaymentEvent, queries.Named | None, str, bool]]:
    """What was done, newest first: by whom, in which word, and whether the state changed with it."""
    before, told_ = None, []
    for event in view.timeline:
        who = _who(event.party, view)
        word = "sent" if event.act is Act.RECEIVE and event.party and who is None else str(event.act)
        told_.append((event, who, word, event.after is not before))
        before = event.after
    return told_[::-1]


def _next_step(view: PaymentView, viewer: Actor) -> str:
    """The state in words, and what comes next, from where the viewer stands."""
    mine = viewer.party_id == view.company.id
    if view.state is State.RECEIVED:
        if view.account is None:
            return _("The bank of the creditor has taken it on; the money waits there until the documents of the trade are checked.")
        if not view.attachments:
            return _("The money is here and waits. Attach the documents of the trade, so that the bank can check it.") if mine else _(
                "The money is here and waits. The company has attached no document yet."
            )  # fmt: skip
        return _("The documents are attached; the bank checks them next.")
    if view.state is State.BLOCKED:
        if view.account is None:
            return _("The check of the documents is not finished.")
        if view.verdict and view.verdict.override and not view.verdict.override.approved_at:
            return _("One person of the bank proposes to let it pass all the same; another one decides.")
        return _("Something is missing or does not agree; the rows in red say what. Attach what is missing, and the bank checks anew.") if mine else _(
            "Something is missing or does not agree; the rows in red say what. The company can attach more, two persons of the bank can let "
            "it pass, or it goes back."
        )  # fmt: skip
    if view.state in (State.CLEAR, State.OVERRIDDEN):
        if view.account is None:
            return _("The documents are checked; the bank of the creditor credits it next.")
        if view.verdict and not view.verdict.standing:
            return _("Documents changed since the check; the bank must check anew before it credits.")
        return _("The documents are checked; the bank credits it next.")
    if view.state is State.CREDITED:
        return _("The money is with the company. Nothing more is to be done.") if view.credit is None or view.credit.escrow_id is None else _(
            "The money went into the escrow behind the account, and that was carried out in the same moment."
        )  # fmt: skip
    return _("The money went back to the bank that sent it. The documents were not used, and stay free.")


@require_GET
@refusals
def message(request: HttpRequest, payment_id: UUID, n: int) -> HttpResponse:
    """One message of a payment as it came or went."""
    found = queries.messages_of(payment_id=payment_id, viewer=viewer_of(request))
    if not 1 <= n <= len(found):
        raise Absent(kind="message")
    one = found[n - 1]
    name = f"{one.type}-{n}.xml"
    return HttpResponse(
        one.content.encode(), content_type="application/xml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


urlpatterns = [
    path("payments/", payments, name="payments"),
    path("payments/receive/", receive, name="payment_receive"),
    path("payments/accounts/", customer_accounts, name="customer_accounts"),
    path("payments/<uuid:payment_id>/", payment, name="payment"),
    path("payments/<uuid:payment_id>/messages/<int:n>", message, name="payment_message"),
]
