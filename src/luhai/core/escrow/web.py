"""Escrows, one escrow with its terms, what it waits for and what may be done; and the form that arranges the two usual ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_GET, require_http_methods

from luhai.core.evidence import queries as evidence
from luhai.core.ledger import queries as ledger
from luhai.core.parties import queries as parties
from luhai.core.titles import queries as titles
from luhai.kernel.money import EXPONENT, Currency
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Invalid, NotPermitted, Refusal
from luhai.shell.web import origin_of, page, refusals, say, told, viewer_of

from . import commands, lifecycle, queries
from .lifecycle import Act, State

STATE_NAMES = {state: gettext_lazy(name) for state, name in lifecycle.STATE_NAMES.items()}
_SHADES = {
    State.MET: "good",
    State.EXECUTED: "good",
    State.DISPUTED: "bad",
    State.FUNDED: "sea",
    State.DRAFT: "line",
}
_SORTS = {"dvp": gettext_lazy("Delivery against payment"), "pvp": gettext_lazy("Payment against payment")}
_ARRANGERS = (Role.COMPANY, Role.BANK, Role.PARTNER)


@require_GET
@refusals
def escrows(request: HttpRequest) -> HttpResponse:
    """The viewer's escrows, last acted on first."""
    viewer = viewer_of(request)
    state = request.GET.get("state", "").strip()[:20]
    found = queries.escrows(state=state, cursor=request.GET.get("cursor", ""), limit=20, viewer=viewer)
    query = request.GET.copy()
    query["cursor"] = found.next
    names = _names({p for e in found.items for p in e.parties}, viewer)
    return page(
        request, "escrow/escrows.html", state=state, states=STATE_NAMES.items(), may_arrange=viewer.role in _ARRANGERS,
        items=[(e, STATE_NAMES[e.state], _SHADES.get(e.state, ""), [names[p] for p in e.parties]) for e in found.items],
        next=f"?{query.urlencode()}" if found.next else "", first="cursor" not in request.GET,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@refusals
def escrow(request: HttpRequest, escrow_id: UUID) -> HttpResponse:
    """One escrow: its terms, what it holds, what it waits for, its history; and the acts open to the viewer."""
    viewer = viewer_of(request)
    failed: tuple[str, str] = ("", "")
    if request.method == "POST":
        act = request.POST.get("act", "")
        try:
            run = _ACTS.get(Act(act)) if act in set(Act) else None
            if run is None:
                raise Invalid(field="act", problem=gettext_noop("one of the acts offered"))
            run(request, escrow_id)
            told(request, _("Done, and written into the history of the escrow."))
            return redirect("escrow", escrow_id)
        except Refusal as refusal:
            failed = (act, say(refusal))
    view = queries.escrow(escrow_id=escrow_id, viewer=viewer)
    me = next((p.name for p in view.parties if p.id == viewer.party_id), "")
    conditions = {c["name"]: c for c in view.terms["conditions"]}
    early = set() if view.state is State.MET else {Act.EXECUTE}
    if timezone.now() < view.expires_at:
        early.add(Act.EXPIRE)
    acts = [
        (act, _inputs(act, view, me, viewer, request), act == failed[0])
        for act in view.may
        if act in _ACTS and act not in early
    ]
    unit_of = {leg.name: leg.unit for leg in view.value}
    parties_by_id: dict[UUID | None, Any] = {p.id: p for p in view.parties}
    return page(
        request, "escrow/escrow.html", status=422 if failed[1] else 200, escrow=view, state=STATE_NAMES[view.state],
        shade=_SHADES.get(view.state, ""), me=me, acts=acts, failed=failed[1],
        waits=[(w, conditions[w.name]) for w in view.waits],
        titles=[(t, _title_name(str(t.title), viewer)) for t in view.titles],
        moved=[(m, unit_of[m["leg"]]) for m in view.outcome.moved] if view.outcome else [],
        history=[
            (e, parties_by_id.get(e.party), STATE_NAMES[e.after])
            for e in reversed(queries.history(escrow_id=escrow_id, viewer=viewer))
        ],
    )  # fmt: skip


def _agree(request: HttpRequest, escrow_id: UUID) -> None:
    commands.agree(escrow_id=escrow_id, digest=request.POST.get("digest", ""), origin=origin_of(request))


def _fund(request: HttpRequest, escrow_id: UUID) -> None:
    view = queries.escrow(escrow_id=escrow_id, viewer=viewer_of(request))
    name = request.POST.get("leg", "")
    leg = next((leg for leg in view.value if leg.name == name), None)
    if leg is None:
        raise Invalid(field="leg", problem=gettext_noop("one of the amounts of these terms"))
    given = request.POST.get("amount", "").strip()
    amount = _amount("amount", given, leg.unit) if given else None
    commands.fund(escrow_id=escrow_id, leg=name, amount=amount, origin=origin_of(request))


def _deposit(request: HttpRequest, escrow_id: UUID) -> None:
    commands.deposit_title(
        escrow_id=escrow_id, title_id=_uuid("title", request.POST.get("title", "")), origin=origin_of(request)
    )


def _present(request: HttpRequest, escrow_id: UUID) -> None:
    commands.present(
        escrow_id=escrow_id, condition=request.POST.get("condition", ""),
        evidence_id=_uuid("evidence", request.POST.get("evidence", "")), origin=origin_of(request),
    )  # fmt: skip


def _confirm(request: HttpRequest, escrow_id: UUID) -> None:
    commands.confirm(
        escrow_id=escrow_id, condition=request.POST.get("condition", ""), origin=origin_of(request)
    )


def _execute(request: HttpRequest, escrow_id: UUID) -> None:
    commands.execute(escrow_id=escrow_id, origin=origin_of(request))


def _expire(request: HttpRequest, escrow_id: UUID) -> None:
    commands.expire(escrow_id=escrow_id, origin=origin_of(request))


def _withdraw(request: HttpRequest, escrow_id: UUID) -> None:
    commands.withdraw(escrow_id=escrow_id, reason=request.POST.get("reason", ""), origin=origin_of(request))


def _dispute(request: HttpRequest, escrow_id: UUID) -> None:
    commands.dispute(escrow_id=escrow_id, reason=request.POST.get("reason", ""), origin=origin_of(request))


def _settle(request: HttpRequest, escrow_id: UUID) -> None:
    commands.settle_dispute(
        escrow_id=escrow_id, decision=request.POST.get("decision", ""), reason=request.POST.get("reason", ""),
        origin=origin_of(request),
    )  # fmt: skip


_ACTS: dict[Act, Callable[[HttpRequest, UUID], None]] = {
    Act.AGREE: _agree,
    Act.FUND: _fund,
    Act.DEPOSIT: _deposit,
    Act.PRESENT: _present,
    Act.CONFIRM: _confirm,
    Act.EXECUTE: _execute,
    Act.EXPIRE: _expire,
    Act.WITHDRAW: _withdraw,
    Act.DISPUTE: _dispute,
    Act.SETTLE: _settle,
}
_DECISIONS = {
    "execute": gettext_lazy("carry it out as the terms say"),
    "return": gettext_lazy("give everything back"),
}


def _inputs(
    act: Act, view: queries.EscrowView, me: str, viewer: Actor, request: HttpRequest
) -> list[dict[str, Any]]:
    """The fields that an act asks for."""

    def field(
        name: str, label: str, choices: list[tuple[str, Any]] | None = None, **more: Any
    ) -> dict[str, Any]:
        return {
            "name": name, "label": label, "choices": choices, "value": request.POST.get(name, ""), "needed": True, **more,
        }  # fmt: skip

    if act is Act.AGREE:
        return [{"name": "digest", "hidden": True, "value": view.digest}]
    if act is Act.FUND:
        legs = [
            (leg.name, f"{leg.name} · {leg.unit}")
            for leg in view.value
            if leg.payer == me and leg.held < leg.amount
        ]
        return [
            field("leg", _("What to pay in"), legs),
            field("amount", _("Amount; empty for all of it"), needed=False, number=True),
        ]
    if act is Act.DEPOSIT:
        mine = [str(h.title) for h in view.titles if h.by == me and not h.deposited]
        return [field("title", _("Title"), [(t, _title_name(t, viewer)) for t in mine])]
    if act is Act.PRESENT:
        asked = [(c["name"], c["name"]) for c in view.terms["conditions"] if "evidence" in c]
        papers = evidence.evidences(state="live", limit=100, viewer=viewer).items
        known = [(str(e.id), f"{_(evidence.KIND_NAMES[e.kind])} {e.external_ref}") for e in papers]
        return [field("condition", _("Condition"), asked), field("evidence", _("Document"), known)]
    if act is Act.CONFIRM:
        mine_too = [
            (c["name"], c["name"])
            for c in view.terms["conditions"]
            if "consent" in c and me in c["consent"]["of"]
        ]
        return [field("condition", _("Condition"), mine_too)]
    if act in (Act.WITHDRAW, Act.DISPUTE):
        return [field("reason", _("Reason"))]
    if act is Act.SETTLE:
        return [field("decision", _("Decision"), list(_DECISIONS.items())), field("reason", _("Reason"))]
    return []


def _title_name(title_id: str, viewer: Actor) -> str:
    try:
        return str(titles.title(title_id=UUID(title_id), viewer=viewer).subject.get("number") or title_id[:8])
    except Refusal:
        return title_id[:8]


# --- arranging ----------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def arrange(request: HttpRequest) -> HttpResponse:
    """Arrange delivery against payment or payment against payment. Other terms are arranged by programs."""
    viewer = viewer_of(request)
    if viewer.role not in _ARRANGERS or viewer.party_id is None:
        raise NotPermitted(command="escrow.arrange", role=str(viewer.role))
    sort = request.POST.get("sort") or request.GET.get("sort", "dvp")
    sort = sort if sort in _SORTS else "dvp"
    error = ""
    if request.method == "POST":
        try:
            made = commands.arrange(
                escrow_id=_uuid("new", request.POST.get("new", "")), terms=_terms(sort, request, viewer.party_id),
                origin=origin_of(request),
            )  # fmt: skip
            told(request, _("Arranged. It begins when all parties have agreed to the terms."))
            return redirect("escrow", made)
        except Refusal as refusal:
            error = say(refusal)
    own = ledger.accounts(kind="own.", owner_id=viewer.party_id, limit=100, viewer=viewer).items
    held = titles.titles(relation="holder", limit=100, viewer=viewer).items
    return page(
        request, "escrow/arrange.html", status=422 if error else 200, error=error, given=request.POST, sort=sort,
        sorts=_SORTS.items(), new=request.POST.get("new") or uuid4(), currencies=[c.value for c in Currency], accounts=own,
        titles=[t for t in held if t.live and not t.keeper], latest=(timezone.now() + timedelta(days=30)).date().isoformat(),
    )  # fmt: skip


def _terms(sort: str, request: HttpRequest, mine: UUID) -> dict[str, Any]:
    given = {name: str(value).strip() for name, value in request.POST.items()}
    other = parties.party_named(name=given.get("other", ""), field="other", viewer=viewer_of(request)).id
    terms: dict[str, Any] = {
        "template": sort,
        "arbiter": None,
        "expires_at": _last_moment(given.get("last_day", "")),
    }
    if sort == "pvp":
        ours, theirs = given.get("currency", ""), given.get("their_currency", "")
        return terms | {
            "parties": {"first": str(mine), "second": str(other)},
            "value": [
                _leg("ours", ours, _amount("amount", given.get("amount", ""), ours), "first", given.get("pays_from", "")),
                _leg(
                    "theirs", theirs, _amount("their_amount", given.get("their_amount", ""), theirs), "second",
                    given.get("they_pay_from", ""),
                ),
            ],
            "titles": [],
            "conditions": [],
            "steps": [
                {"from": "ours", "to": given.get("they_receive_on", ""), "amount": "rest", "code": "escrow.pvp"},
                {"from": "theirs", "to": given.get("receives_on", ""), "amount": "rest", "code": "escrow.pvp"},
            ],
        }  # fmt: skip
    buying = given.get("side", "") == "buyer"
    buyer, seller = (mine, other) if buying else (other, mine)
    currency = given.get("currency", "")
    conditions: list[dict[str, Any]] = []
    if given.get("names"):
        conditions = [
            {
                "name": "proof",
                "evidence": {
                    "sources": "anybody", "kind": given.get("proof_kind", ""),
                    "names": {"kind": "transport_document", "value": given["names"]},
                },
            }
        ]  # fmt: skip
    title = given.get("title", "")
    return terms | {
        "parties": {"buyer": str(buyer), "seller": str(seller)},
        "value": [
            _leg("price", currency, _amount("amount", given.get("amount", ""), currency), "buyer", given.get("pays_from", ""))
        ],
        "titles": [{"title": title, "by": "seller"}],
        "conditions": conditions,
        "steps": [
            {"title": title, "act": "transfer", "details": {"to": "buyer", "beneficiary": "buyer"}},
            {"from": "price", "to": given.get("receives_on", ""), "amount": "rest", "code": "escrow.price"},
        ],
    }  # fmt: skip


def _leg(name: str, unit: str, amount: int, payer: str, account: str) -> dict[str, Any]:
    return {"name": name, "unit": unit, "amount": amount, "payer": payer, "account": account}


def _last_moment(text: str) -> str:
    """The end of a day in China."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Invalid(field="last_day", problem=gettext_noop("a day such as 2026-03-02")) from None
    return (day + timedelta(hours=16, seconds=-1)).isoformat()


def _amount(field: str, text: str, unit: str) -> int:
    """An amount as people write it, in whole smallest units: 1,250.50 CNY -> 125050; of what is no currency, a whole number."""
    exponent = EXPONENT[Currency(unit)] if unit in set(Currency) else 0
    whole, point, part = text.replace(",", "").replace(" ", "").partition(".")
    if (
        not (whole + part).isascii()
        or not whole.isdigit()
        or (point and not part.isdigit())
        or len(part) > exponent
    ):
        raise Invalid(
            field=field,
            problem=gettext_noop("an amount such as 1250.50, with no more decimals than the currency has"),
        )
    if len(whole) > 14:
        raise Invalid(field=field, problem=gettext_noop("a smaller amount"))
    return int(whole + part.ljust(exponent, "0"))


def _names(ids: set[UUID], viewer: Actor) -> dict[UUID, tuple[str, str]]:
    found = {key: ("", "") for key in ids}
    for kind in ("company", "institution", "agency"):
        for p in parties.parties(kind=kind, ids=ids, limit=len(ids) or 1, viewer=viewer):
            found[p.id] = (p.name_zh or p.name_en, p.name_en or p.name_zh)
    return found


def _uuid(field: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(field=field, problem=gettext_noop("an id")) from None


urlpatterns = [
    path("escrow/", escrows, name="escrows"),
    path("escrow/new", arrange, name="arrange_escrow"),
    path("escrow/<uuid:escrow_id>/", escrow, name="escrow"),
]
