"""What a bank does beside single payments: take in a message and see the answer, and give companies numbers for payments."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_http_methods

from luhai.core.parties import queries as parties
from luhai.kernel.money import Currency
from luhai.kernel.origin import Role
from luhai.kernel.refusal import Invalid, NotPermitted, Refusal
from luhai.shell.web import origin_of, page, refusals, told, viewer_of

from . import books, commands, desk_queries, queries
from .templatetags.payment_words import stands_for
from .web_forms import errors_of, id_from, made_for, next_page, text

#: As much as a message may have by the interface for programs.
_LARGEST: Final = 4 * 1024 * 1024
_PAGE: Final = 20
_BROKEN: Final = "This is not XML: "


# --- receiving ----------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def receive(request: HttpRequest) -> HttpResponse:
    """Paste or upload a pacs.008 and see what is answered; and what was rejected before."""
    viewer = viewer_of(request)
    if viewer.role not in (Role.BANK, Role.PARTNER) or viewer.party_id is None:
        raise NotPermitted(command="payments.receive_message", role=str(viewer.role))
    errors: dict[str, str] = {}
    answer: dict[str, Any] | None = None
    at_element, content = "", request.POST.get("content", "")
    if request.method == "POST":
        try:
            content = _content(request)
            answer = commands.receive_message(content=content, origin=origin_of(request))
        except Invalid as refusal:
            # Whatever element it is about stands in the one field of this form.
            at_element = "" if refusal.facts["field"] == "content" else str(refusal.facts["field"])
            errors = {"content": _problem(str(refusal.facts["problem"]))}
        except Refusal as refusal:
            errors = errors_of(refusal, frozenset())
    rejected = queries.rejections(cursor=request.GET.get("cursor", ""), limit=_PAGE, viewer=viewer)
    return page(
        request, "payments/receive.html", status=422 if errors else 200, errors=errors, at_element=at_element, content=content,
        answer=answer, rejected=rejected.items, next=next_page(request, rejected.next), is_bank=viewer.role is Role.BANK,
    )  # fmt: skip


def _problem(text: str) -> str:
    """What a reader of messages says; what the parser beneath says of broken XML stays in its own words."""
    return _("not XML that can be read (%(why)s)") % {"why": text.removeprefix(_BROKEN)} if text.startswith(_BROKEN) else _(text)


def _content(request: HttpRequest) -> str:
    """The message, from the file where one is given. Refuses: Invalid."""
    file = request.FILES.get("file")
    if file is None:
        given = request.POST.get("content", "").strip()
        if not given:
            raise Invalid(field="content", problem=gettext_noop("the XML of a pacs.008 with its header, or a file with it"))
        return given
    if (file.size or 0) > _LARGEST:
        raise Invalid(field="content", problem=gettext_noop("a file of no more than 4 MB"))
    try:
        return bytes(file.read()).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(field="content", problem=gettext_noop("a file in UTF-8, as messages are")) from None


# --- numbers ------------------------------------------------------------------------------------------------------------

_LEADS: Final = {
    "new": (gettext_lazy("a new current account"), gettext_lazy("It is opened with the number; the money is the company's at once.")),
    "deposit": (
        gettext_lazy("its loan deposit with us"),
        gettext_lazy("What comes is kept on the account from which it repays loans."),
    ),
    "leg": (
        gettext_lazy("the escrow of a loan"),
        gettext_lazy("What comes repays the loan: crediting carries out the escrow in the same moment."),
    ),
}
_OF_ACCOUNT: Final = frozenset({"company", "number", "currency", "leads", "leg"})


@require_http_methods(["GET", "POST"])
@refusals
def customer_accounts(request: HttpRequest) -> HttpResponse:
    """The numbers that the viewer gave or has; a bank gives new ones."""
    viewer = viewer_of(request)
    errors: dict[str, str] = {}
    bank = viewer.role is Role.BANK
    every = desk_queries.legs(viewer=viewer) if bank else []
    legs = [leg for leg in every if not leg.numbered]
    if request.method == "POST":
        try:
            commands.open_account(account_id=made_for(request, "account"), **_account(request, every), origin=origin_of(request))
            told(request, _("The number is given. Payments to it can come."))
            return redirect("customer_accounts")
        except Refusal as refusal:
            errors = errors_of(refusal, _OF_ACCOUNT)
    given: Any = request.POST
    if request.method == "GET":
        asked = next((x for x in legs if str(x.escrow_id) == request.GET.get("escrow", "")), None)
        given = {"leads": "leg", "leg": str(asked.account)} if asked else {"leads": "new", "currency": "CNY"}
    held = queries.accounts(viewer=viewer)
    return page(
        request, "payments/accounts.html", status=422 if errors else 200, errors=errors, given=given, is_bank=bank, legs=legs,
        accounts=[(a, stands_for(a.kind)) for a in held], currencies=list(Currency),
        leads=[(code, name, hint) for code, (name, hint) in _LEADS.items() if code != "leg" or legs],
    )  # fmt: skip


def _account(request: HttpRequest, legs: list[desk_queries.LegView]) -> dict[str, Any]:
    """The arguments of `commands.open_account`; a leg says for which company and in which currency."""
    leads, number = text(request, "leads"), text(request, "number")
    if leads not in _LEADS:
        raise Invalid(field="leads", problem=gettext_noop("one of those offered"))
    if leads == "leg":
        asked = id_from("leg", text(request, "leg"))
        leg = next((x for x in legs if x.account == asked), None)
        if leg is None:
            raise Invalid(field="leg", problem=gettext_noop("one of those offered"))
        return {"company_id": leg.company.id, "number": number, "currency": leg.currency, "ledger_account_id": leg.account}
    viewer = viewer_of(request)
    company = parties.party_named(name=text(request, "company"), field="company", viewer=viewer)
    currency = text(request, "currency")
    held = books.deposit(viewer.party_id, company.id, currency) if leads == "deposit" and viewer.party_id else None
    return {"company_id": company.id, "number": number, "currency": currency, "ledger_account_id": held}
