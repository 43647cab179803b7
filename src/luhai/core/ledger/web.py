"""Accounts with their balances, and one account with its statement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from luhai.kernel.refusal import Invalid
from luhai.shell.web import page, refusals, viewer_of

from . import policy, queries

TRANSFER_NAMES = {
    "post": gettext_lazy("posted"),
    "hold": gettext_lazy("held"),
    "settle": gettext_lazy("settled"),
    "release": gettext_lazy("released"),
}
STATE_NAMES = {
    "open": gettext_lazy("open"),
    "frozen": gettext_lazy("frozen"),
    "closed": gettext_lazy("closed"),
}
BOUND_NAMES = {
    "none": gettext_lazy("no bound"),
    "debits": gettext_lazy("debits may not exceed credits"),
    "credits": gettext_lazy("credits may not exceed debits"),
}


@require_GET
@refusals
def accounts(request: HttpRequest) -> HttpResponse:
    """The viewer's accounts; for the operator and supervisors, everybody's. Filtered by kind and unit."""
    asked = {name: request.GET.get(name, "").strip()[:60] for name in ("kind", "unit")}
    found = queries.accounts(
        kind=asked["kind"], unit=asked["unit"], cursor=request.GET.get("cursor", ""), limit=20,
        viewer=viewer_of(request),
    )  # fmt: skip
    query = request.GET.copy()
    query["cursor"] = found.next
    return page(
        request, "ledger/accounts.html", items=found.items, asked=asked, filtered=any(asked.values()),
        next=f"?{query.urlencode()}" if found.next else "", first="cursor" not in request.GET,
        states=STATE_NAMES, kinds=[(code, _(name)) for code, name in policy.KIND_NAMES.items()],
    )  # fmt: skip


@require_GET
@refusals
def account(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """One account: what was given, used, held and is left; and its statement, narrowed by days."""
    since, until = _day(request.GET.get("since", "")), _day(request.GET.get("until", ""))
    statement = queries.statement(
        account_id=account_id, since=since, until=until and until + timedelta(days=1),
        cursor=request.GET.get("cursor", ""), limit=50, viewer=viewer_of(request),
    )  # fmt: skip
    balance = statement.account.balance
    given, used, held = balance.credits_posted, balance.debits_posted, balance.debits_pending
    if balance.bound == "credits":
        given, used, held = balance.debits_posted, balance.credits_posted, balance.credits_pending
    query = request.GET.copy()
    query["cursor"] = statement.next
    return page(
        request, "ledger/account.html", account=statement.account, balance=balance, statement=statement, given=given,
        used=used, held=held, kinds=TRANSFER_NAMES, bound=BOUND_NAMES[balance.bound], state=STATE_NAMES[balance.state],
        asked=request.GET, next=f"?{query.urlencode()}" if statement.next else "", first="cursor" not in request.GET,
    )  # fmt: skip


def _day(text: str) -> datetime | None:
    """A day as a form sends it: in Chongqing it begins eight hours before it does in UTC."""
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Invalid(field="since", problem=_("a day such as 2026-03-02")) from None
    if not 1900 <= day.year <= 2200:
        raise Invalid(field="since", problem=_("a day from 1900 to 2200"))
    return day - timedelta(hours=8)


urlpatterns = [
    path("ledger/", accounts, name="accounts"),
    path("ledger/<uuid:account_id>/", account, name="account_statement"),
]
