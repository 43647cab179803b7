"""The pages that belong to no one subject: home, sign-in as a ready account, the account, the overview."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from luhai.core.parties import access
from luhai.core.parties import commands as parties_commands
from luhai.core.parties import queries as parties
from luhai.core.parties.corridor import schematic, tiles
from luhai.core.policies import queries as policies
from luhai.kernel.origin import SYSTEM, Role
from luhai.kernel.refusal import Invalid, NotPermitted, Refusal
from luhai.market.matching import queries as matching
from luhai.records.products import queries as products
from luhai.shell.web import (
    ROLE_NAMES,
    is_local,
    origin_of,
    page,
    refusals,
    say,
    told,
    told_refusal,
    viewer_of,
)

from . import charts

_BACKEND: Final = "allauth.account.auth_backends.AuthenticationBackend"
_READY_ROLES: Final = (Role.COMPANY, Role.BANK, Role.PARTNER, Role.PROVINCE, Role.SUPERVISOR, Role.OPERATOR)
_LIVE: Final = ("PUBLISHED", "MATCHED", "OFFERED")
_SUBJECTS: Final = ("*", "parties", "policies", "ledger", "titles", "evidence", "escrow", "transport", "lending", "products", "matching")


@require_GET
@refusals
def home(request: HttpRequest) -> HttpResponse:
    """What this is, for a visitor; what to do next, what is waited for and what is at stake, for each role."""
    viewer = viewer_of(request)
    if viewer.role == Role.COMPANY:
        return page(request, "desks/home_company.html", **_company_desk(request))
    if viewer.role in (Role.BANK, Role.PARTNER):
        return page(request, "desks/home_bank.html", **_bank_desk(request))
    if viewer.role in (Role.PROVINCE, Role.SUPERVISOR, Role.OPERATOR):
        return page(request, "desks/home_official.html", **_official_desk(request))
    promises = matching.promises(now=timezone.now(), viewer=viewer)
    return page(
        request, "desks/home.html", schematic=schematic(), territories=len(tiles()),
        products=products.shelf(limit=1, viewer=viewer).total, institutions=len(parties.parties(kind="institution", limit=1000, viewer=viewer)),
        measures=_measures(request), kept=sum(p.kept for p in promises),
        answered=sum(p.kept + p.broken for p in promises),
    )  # fmt: skip


def _measures(request: HttpRequest) -> int:
    return sum(document.measures for document in policies.documents(viewer=viewer_of(request)))


def _company_desk(request: HttpRequest) -> dict[str, Any]:
    viewer, now = viewer_of(request), timezone.now()
    cards = matching.demands(limit=50, viewer=viewer).items
    live = [card for card in cards if card.state in _LIVE]
    views = [matching.demand(demand_id=card.id, now=now, viewer=viewer) for card in live[:6]]
    matches = [(view.card, match) for view in views for match in view.matches]
    return {
        "now": now,
        "drafts": [card for card in cards if card.state == "DRAFT"],
        "asked": [(card, match) for card, match in matches if match.state == "ASKED"],
        "offered": [(card, match) for card, match in matches if match.state == "OFFERED"],
        "unsent": [card for card in live if card.state == "MATCHED" and not card.sent and card.proposed],
        "waiting": [(card, match) for card, match in matches if match.state == "SENT"],
        "live": live,
        "recent": cards[:5],
        "at_stake": _sums((card.currency, card.amount_minor) for card in live),
    }


def _bank_desk(request: HttpRequest) -> dict[str, Any]:
    viewer, now = viewer_of(request), timezone.now()
    lines = matching.queue(now=now, limit=200, viewer=viewer).items
    mine = [p for p in matching.promises(now=now, viewer=viewer) if p.institution_id == viewer.party_id]
    to_answer = [line for line in lines if line.state == "SENT"]
    today = timezone.localdate()
    return {
        "now": now,
        "to_answer": to_answer[:6],
        "more": max(len(to_answer) - 6, 0),
        "overdue": sum(line.overdue for line in to_answer),
        "asked": [line for line in lines if line.state == "ASKED"],
        "offered": [line for line in lines if line.state == "OFFERED"],
        "at_stake": _sums((line.currency, line.amount_minor) for line in lines),
        "promises": mine[0] if mine else None,
        "capacities": [
            (c, _percent(c.amount_used_minor, c.amount_limit_minor))
            for c in matching.capacities(viewer=viewer)
            if c.starts_on <= today <= c.ends_on
        ],
    }


def _official_desk(request: HttpRequest) -> dict[str, Any]:
    viewer, now = viewer_of(request), timezone.now()
    whole = matching.funnel(by="all", viewer=viewer)
    promises = matching.promises(now=now, viewer=viewer)
    return {
        "now": now,
        "whole": whole[0] if whole else None,
        "late": sorted((p for p in promises if p.overdue), key=lambda p: -p.overdue)[:8],
        "running": sum(p.running for p in promises),
        "recent": matching.demands(limit=6, viewer=viewer).items,
    }


@require_GET
@refusals
def overview(request: HttpRequest) -> HttpResponse:
    """The funnel from published to accepted, by territory, and how institutions keep their promises."""
    viewer, now = viewer_of(request), timezone.now()
    if viewer.role not in (Role.PROVINCE, Role.SUPERVISOR, Role.OPERATOR):
        raise NotPermitted(query="desks.overview", role=str(viewer.role))
    whole = matching.funnel(by="all", viewer=viewer)
    by_territory = matching.funnel(by="territory", viewer=viewer)
    published = {line.group: line for line in by_territory}
    steps = {
        "published": _("Published"), "matched": _("Matched"), "claimed": _("Answered"),
        "offered": _("Offered"), "accepted": _("Accepted"),
    }  # fmt: skip
    return page(
        request, "desks/overview.html", now=now, whole=whole[0] if whole else None, lines=by_territory,
        chart=charts.funnel(whole[0], steps) if whole else None,
        promises=matching.promises(now=now, viewer=viewer),
        tiles=[
            {
                "name_zh": t.name_zh, "name_en": t.name_en, "column": t.column, "row": t.row,
                "state": "sea" if t.code in published else "none",
                "text": f"{published[t.code].accepted} / {published[t.code].published}" if t.code in published else "—",
            }
            for t in tiles().values()
        ],
    )  # fmt: skip


# --- acting, accounts, keys -------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def demo(request: HttpRequest) -> HttpResponse:
    """Sign in as a ready account with one click. Only in the demo, and only from this machine."""
    if not settings.DEMO or not is_local(request):
        raise Http404
    ready = [m for m in parties.people(limit=100, viewer=SYSTEM) if m.role in _READY_ROLES and m.party.invented]
    ready.sort(key=lambda m: (_READY_ROLES.index(m.role), m.email))
    if request.method == "GET":
        groups = [(ROLE_NAMES[role], [m for m in ready if m.role == role]) for role in _READY_ROLES]
        return page(request, "desks/demo.html", groups=[g for g in groups if g[1]])
    if request.POST.get("role") == Role.PUBLIC:
        logout(request)
        return redirect("/")
    wanted = request.POST.get("membership", "")
    chosen = next((m for m in ready if str(m.id) == wanted or (not wanted and m.role == request.POST.get("role"))), None)
    person = parties.person_by_email(chosen.email) if chosen else None
    if chosen is None or person is None:
        raise Http404
    login(request, person, backend=_BACKEND)
    request.session["membership"] = str(chosen.id)
    return redirect(_next(request))


@require_POST
def acting(request: HttpRequest) -> HttpResponse:
    """Choose under which of one's memberships to act."""
    chosen = request.POST.get("membership", "")
    if any(str(m.id) == chosen for m in request.memberships):  # type: ignore[attr-defined]
        request.session["membership"] = chosen
    return redirect(_next(request))


@require_http_methods(["GET", "POST"])
@refusals
def account(request: HttpRequest) -> HttpResponse:
    """Memberships and keys for machines. A new key's secret is shown once, in this answer, and never kept."""
    viewer = viewer_of(request)
    if not request.user.is_authenticated:
        raise NotPermitted(query="desks.account", role=str(viewer.role))
    secret, problem = "", ""
    if request.method == "POST" and request.POST.get("do") == "revoke":
        try:
            parties_commands.revoke_token(token_id=_uuid(request, "token"), origin=origin_of(request))
            told(request, _("The key was taken back."))
        except Refusal as refusal:
            told_refusal(request, refusal)
        return redirect("account")
    if request.method == "POST":
        origin = origin_of(request)
        token_id, part = uuid4(), access.new_secret()
        scopes = [s for s in request.POST.getlist("scopes") if s]
        try:
            parties_commands.issue_token(
                membership_id=_uuid(request, "membership"), name=request.POST.get("name", ""), scopes=scopes,
                days=_whole(request, "days"), secret_digest=access.digest(part), token_id=token_id, origin=origin,
            )  # fmt: skip
            secret = access.write(token_id, part)
        except Refusal as refusal:
            problem = say(refusal)
    tokens = parties.my_tokens(viewer=viewer) if viewer.role != Role.PUBLIC else []
    return page(
        request, "desks/account.html", status=422 if problem else 200, tokens=tokens, secret=secret, problem=problem,
        now=timezone.now(), subjects=_SUBJECTS, given=request.POST,
        second_factor_wanted=request.second_factor_wanted,  # type: ignore[attr-defined]
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@refusals
def register_company(request: HttpRequest) -> HttpResponse:
    """A signed-in person enters their own company and becomes its first member."""
    if not request.user.is_authenticated:
        raise NotPermitted(command="parties.register_my_company", role=str(Role.PUBLIC))
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            origin = origin_of(request)
            given = {name: request.POST.get(name, "").strip() for name in ("name_zh", "name_en", "territory", "uscc")}
            parties_commands.register_my_company(
                party_id=uuid5(origin.key, str(viewer_of(request).person_id)), **given, origin=origin
            )
        except Invalid as refusal:
            field = str(refusal.facts["field"])
            errors[{"name": "name_zh"}.get(field, field)] = _beside(refusal, field)
        except Refusal as refusal:
            errors["uscc" if refusal.code == "parties.already_registered" else "form"] = say(refusal)
        else:
            told(request, _("Your company is registered. Now say what you need financed."))
            return redirect("/")
    return page(
        request, "desks/register_company.html", status=422 if errors else 200, errors=errors, given=request.POST,
        territories=tiles().values(),
    )  # fmt: skip


# --- reading forms ------------------------------------------------------------------------------------------------------


def _beside(refusal: Invalid, field: str) -> str:
    """What is wrong with a field, as it is said beside that field: without its name."""
    if type(refusal).message == Invalid.message:
        return _(str(refusal.facts["problem"]))
    return say(refusal).removeprefix(field).lstrip("：: ")


def _next(request: HttpRequest) -> str:
    to = request.POST.get("next", "")
    return to if url_has_allowed_host_and_scheme(to, {request.get_host()}, require_https=request.is_secure()) else "/"


def _uuid(request: HttpRequest, name: str) -> UUID:
    try:
        return UUID(request.POST.get(name, ""))
    except ValueError:
        raise Invalid(field=name, problem=_("choose one of the list")) from None


def _whole(request: HttpRequest, name: str) -> int:
    try:
        return int(request.POST.get(name, ""))
    except ValueError:
        raise Invalid(field=name, problem=_("a whole number is wanted")) from None


def _sums(amounts: Any) -> list[tuple[str, int]]:
    """One sum a currency: amounts of different currencies are never added."""
    found: dict[str, int] = {}
    for currency, minor in amounts:
        found[currency] = found.get(currency, 0) + minor
    return sorted(found.items())


def _percent(part: int, whole: int) -> int:
    return part * 100 // whole if whole else 0


urlpatterns = [
    path("", home, name="home"),
    path("demo/", demo, name="demo"),
    path("acting", acting, name="acting"),
    path("account/", account, name="account"),
    path("account/company", register_company, name="register_company"),
    path("overview/", overview, name="overview"),
]
