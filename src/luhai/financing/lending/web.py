"""Credit lines and loans as a company and a bank see them, what each may do with them, and the bank's desk of what is pledged to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_GET, require_http_methods

from luhai.core.escrow import queries as escrow
from luhai.core.evidence import queries as evidence
from luhai.core.indicators.dimensions import GREENS, INDUSTRIES, ROUTES, SIZES
from luhai.core.ledger import queries as ledger
from luhai.core.parties.territories import territories
from luhai.core.rules import queries as rules
from luhai.core.rules.business_days import calendar
from luhai.core.rules.parameters import NoValueThen
from luhai.core.titles import queries as titles
from luhai.core.titles.templatetags.title_words import number_of
from luhai.core.titles.web import STATE_NAMES
from luhai.kernel.money import Currency
from luhai.kernel.origin import PUBLIC, Actor, Role
from luhai.kernel.refusal import Invalid, NotPermitted, Refusal
from luhai.shell.templatetags.luhai import either
from luhai.shell.web import origin_of, page, refusals, say, told, viewer_of

from . import commands, cover_queries, line_commands, policy, queries, web_forms
from .cover_queries import Cover
from .lifecycle import (
    DRAW_ENDED,
    DRAW_STATE_NAMES,
    LENT,
    LINE_LIVE,
    LINE_STATE_NAMES,
    DrawAct,
    LineAct,
    LineState,
)
from .queries import LimitView, LineView, LoanView
from .schedule import Method
from .templatetags.lending_words import METHODS, RESET_NAMES, UNITS, limit_name
from .web_desk import LOOKS, desk, title_kind
from .web_forms import Errors, amount, made_for, next_page, text, why

_PAGE: Final = 20


def today() -> date:
    """The business day in China."""
    return calendar().local_date(timezone.now())


@dataclass(frozen=True, slots=True)
class _Act:
    """An act on a page: what the button says, what a hint says, and what it does. `danger` ends or refuses something; `plain` is not folded."""

    name: Any
    run: Callable[[HttpRequest, Any], Any]
    hint: Any = ""
    danger: bool = False
    plain: bool = False


# --- lines --------------------------------------------------------------------------------------------------------------


@require_GET
@refusals
def lines(request: HttpRequest) -> HttpResponse:
    """The credit lines that the viewer grants or has, last acted on first."""
    viewer = viewer_of(request)
    state = request.GET.get("state", "").strip()[:20]
    found = queries.lines(state=state, cursor=request.GET.get("cursor", ""), limit=_PAGE, viewer=viewer)
    return page(
        request, "lending/lines.html", items=found.items, state=state, next=next_page(request, found.next), first="cursor" not in request.GET,
        states=[(code, _(name)) for code, name in LINE_STATE_NAMES.items()],
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@refusals
def line(request: HttpRequest, line_id: UUID) -> HttpResponse:
    """One line: its contract in words, how far its limits are used, what was done, and the acts open to the viewer."""
    viewer = viewer_of(request)
    view = queries.line(line_id=line_id, viewer=viewer)
    failed, errors = "", Errors()
    if request.method == "POST":
        failed = text(request, "act")
        if _done(request, failed, _LINE_ACTS, view, view.contract["currency"], errors):
            return redirect("line", line_id)
    currency = view.contract["currency"]
    drawn = queries.loans(line_id=line_id, limit=10, viewer=viewer).items
    held_by = {view.bank.id: view.bank, view.company.id: view.company}
    return page(
        request, "lending/line.html", status=422 if errors else 200, line=view, currency=currency, errors=errors,
        starts=date.fromisoformat(view.contract["starts_on"]), ends=date.fromisoformat(view.contract["ends_on"]),
        tree=_tree(view.limits), started=any(x.free or x.used or x.held or x.spent or x.blocked for x in view.limits),
        count=policy.COUNTS[Currency(currency)], money=queries.on_account(view.deposit),
        size=SIZES.get(view.size), industry=INDUSTRIES.get(view.industry), mine=viewer.party_id == view.company.id, price=_price(view), loans=_covered([r.id for r in drawn], viewer),
        may_draw=viewer.party_id == view.company.id and view.state in LINE_LIVE,
        acts=[(code, _LINE_ACTS[code], _line_inputs(code, view, request, failed, errors), code == failed) for code in _line_acts(view, viewer)],
        history=[(e, held_by.get(e.party) if e.party else None) for e in reversed(queries.history(line_id=line_id, viewer=viewer)) if e.act != "draw_close_day"],
    )  # fmt: skip


def _line_acts(view: LineView, viewer: Actor) -> list[str]:
    """What is offered: what the states allow, without what cannot be yet; and money in and out once there is an account."""
    found = [str(act) for act in view.may if act in _LINE_ACTS]
    ends_on = date.fromisoformat(view.contract["ends_on"])
    if today() <= ends_on and LineAct.EXPIRE in found:
        found.remove(LineAct.EXPIRE)
    if view.state not in (LineState.DRAFT, LineState.APPROVED, LineState.SIGNED):
        if viewer.party_id == view.bank.id:
            found.append("deposit")
        if viewer.party_id == view.company.id:
            found.append("pay_out")
    return found


def _sign(request: HttpRequest, view: LineView) -> None:
    line_commands.sign_line(line_id=view.id, digest=text(request, "digest"), origin=origin_of(request))


def _reduce(request: HttpRequest, view: LineView) -> None:
    name = text(request, "name")
    by = amount("by", text(request, "by"), view.contract["currency"])
    limit = next((x for x in view.limits if x.name == name), None)
    if limit is not None and by > limit.amount:
        raise Invalid(field="by", problem=gettext_noop("no more than the limit itself"))
    line_commands.reduce_limit(line_id=view.id, name=name, by=by, reason=text(request, "reason"), origin=origin_of(request))


def _with_reason(command: Callable[..., Any]) -> Callable[[HttpRequest, LineView], None]:
    def run(request: HttpRequest, view: LineView) -> None:
        command(line_id=view.id, reason=text(request, "reason"), origin=origin_of(request))

    return run


def _plainly(command: Callable[..., Any]) -> Callable[[HttpRequest, LineView], None]:
    def run(request: HttpRequest, view: LineView) -> None:
        command(line_id=view.id, origin=origin_of(request))

    return run


def _deposit(request: HttpRequest, view: LineView) -> None:
    commands.receive_deposit(
        line_id=view.id, amount=amount("amount", text(request, "amount"), view.contract["currency"]),
        reference=text(request, "reason"), origin=origin_of(request),
    )  # fmt: skip


def _pay_out(request: HttpRequest, view: LineView) -> None:
    commands.pay_out(
        line_id=view.id, amount=amount("amount", text(request, "amount"), view.contract["currency"]),
        reference=text(request, "reason"), origin=origin_of(request),
    )  # fmt: skip


_LINE_ACTS: Final[dict[str, _Act]] = {
    LineAct.APPROVE: _Act(
        gettext_lazy("Approve the line"), _plainly(line_commands.approve_line),
        gettext_lazy("By another person of the bank than the one who wrote it down."),
    ),
    LineAct.SIGN: _Act(
        gettext_lazy("Sign the terms"), _sign,
        gettext_lazy("You sign the contract and the limits shown here, under their digest. They do not change any more."),
    ),
    LineAct.START: _Act(
        gettext_lazy("Put it in force"), _plainly(line_commands.start_line),
        gettext_lazy("The limits are opened, and the company can draw."),
    ),
    LineAct.REDUCE: _Act(gettext_lazy("Reduce a limit"), _reduce, gettext_lazy("What is used or held stays.")),
    LineAct.FREEZE: _Act(
        gettext_lazy("Freeze the line"), _with_reason(line_commands.freeze_line),
        gettext_lazy("Nothing more is drawn; what was lent is repaid as agreed."), True,
    ),
    LineAct.THAW: _Act(gettext_lazy("End the freeze"), _with_reason(line_commands.thaw_line)),
    LineAct.EXPIRE: _Act(gettext_lazy("End it: its time is over"), _plainly(line_commands.expire_line)),
    LineAct.CANCEL: _Act(
        gettext_lazy("Give the line up"), _with_reason(line_commands.cancel_line),
        gettext_lazy("For good. What was lent is repaid as agreed."), True,
    ),
    "deposit": _Act(
        gettext_lazy("Book money that came for the company"), _deposit,
        gettext_lazy("It stands on the company's deposit account, from which loans are repaid."),
    ),
    "pay_out": _Act(gettext_lazy("Pay out of the deposit account"), _pay_out),
}  # fmt: skip


def _line_inputs(act: str, view: LineView, request: HttpRequest, failed: str, errors: Errors) -> list[dict[str, Any]]:
    field = _fields(request, act, failed, errors)
    unit = view.contract["currency"]
    if act == LineAct.SIGN:
        return [{"name": "digest", "hidden": True, "value": view.digest}]
    if act == LineAct.REDUCE:
        return [
            field("name", _("Limit"), [(x.name, limit_name(x)) for x in view.limits]), field("by", _("Reduce it by"), unit=unit),
            field("reason", _("Reason")),
        ]  # fmt: skip
    if act in (LineAct.FREEZE, LineAct.THAW, LineAct.CANCEL):
        return [field("reason", _("Reason"))]
    if act in ("deposit", "pay_out"):
        return [field("amount", _("Amount"), unit=unit), field("reason", _("Reference"))]
    return []


def _tree(limits: Iterable[LimitView]) -> list[tuple[LimitView, int]]:
    """The limits in the order of their tree, each with how deep it lies."""
    below: dict[str | None, list[LimitView]] = {}
    for limit in limits:
        below.setdefault(limit.parent, []).append(limit)

    def walk(parent: str | None, depth: int) -> list[tuple[LimitView, int]]:
        return [step for x in below.get(parent, []) for step in [(x, depth), *walk(x.name, depth + 1)]]

    return walk(None, 0)


def _price(view: LineView) -> queries.Rated | None:
    """What a draw of at most five years would cost today."""
    try:
        prime = rules.value_on(key="lpr.one_year", on=today(), territory=None, viewer=PUBLIC)
    except NoValueThen:
        return None
    bp = prime.in_unit("bp")
    return queries.Rated(today(), max(bp + view.contract["spread_bp"], 0), bp, prime.key, prime.valid_from, prime.confidence)


@require_http_methods(["GET", "POST"])
@refusals
def line_new(request: HttpRequest) -> HttpResponse:
    """A bank officer writes down the usual line: one limit, and parts of it for provinces. Other trees are written by programs."""
    viewer = viewer_of(request)
    if viewer.role is not Role.BANK or viewer.party_id is None:
        raise NotPermitted(command="lending.open_line", role=str(viewer.role))
    errors, on = Errors(), today()
    if request.method == "POST":
        said = web_forms.new_line(request, errors)
        try:
            if not errors:
                new = web_forms.id_from("new", text(request, "new"))
                made = line_commands.open_line(line_id=new, **said, origin=origin_of(request))
                told(request, _("The line is written down. Another person of the bank must approve it."))
                return redirect("line", made)
        except Refusal as refusal:
            errors.setdefault(web_forms.field_of_line(refusal, request), why(refusal, text(request, "currency") or "CNY"))
    given: Any = request.POST
    if request.method == "GET":
        given = {
            "currency": "CNY", "starts_on": on.isoformat(), "ends_on": web_forms.next_year(on).isoformat(), "reset": "fixed",
            "revolving": "on", "haircut": _bound("lending.least_haircut", viewer, on), "grace": 0, "tail": 0,
            "surcharge": _bound("lending.overdue_surcharge_most", viewer, on), "misuse": _bound("lending.misuse_surcharge_most", viewer, on),
        }  # fmt: skip
    methods = request.POST.getlist("methods") if request.method == "POST" else list(METHODS)
    return page(
        request, "lending/line_new.html", status=422 if errors else 200, errors=errors, given=given, new=text(request, "new") or uuid4(),
        currencies=list(Currency), methods=[(code, _(name), code in methods) for code, name in METHODS.items()],
        resets=[(code, _(name)) for code, name in RESET_NAMES.items()], sizes=SIZES.items(), industries=INDUSTRIES.items(),
        places=[(t, f"share-{t.code}", given.get(f"share-{t.code}", ""), errors.get(f"share-{t.code}", "")) for t in territories().values()],
        bounds={name: _bound(f"lending.{key}", viewer, on) for name, key in _BOUNDS.items()}, above=_elsewhere(errors),
    )  # fmt: skip


_BOUNDS: Final = {
    "haircut": "least_haircut", "grace": "longest_grace", "tail": "longest_tail", "surcharge_least": "overdue_surcharge_least",
    "surcharge_most": "overdue_surcharge_most", "misuse_least": "misuse_surcharge_least", "misuse_most": "misuse_surcharge_most",
}  # fmt: skip
_LINE_FIELDS: Final = frozenset({
    "company", "number", "currency", "amount", "capital", "starts_on", "ends_on", "spread", "reset", "methods", "haircut", "surcharge",
    "misuse", "grace", "tail", "shared", "size", "industry",
})  # fmt: skip


def _elsewhere(errors: Errors) -> list[str]:
    """What is wrong with the whole of a form, or with what it has no field for."""
    return [said if not name else f"{name}: {said}" for name, said in errors.items() if name not in _LINE_FIELDS and not name.startswith("share-")]


def _bound(key: str, viewer: Actor, on: date) -> int:
    return int(rules.value_on(key=key, on=on, territory=viewer.territory, viewer=viewer).value)


# --- loans --------------------------------------------------------------------------------------------------------------


@require_GET
@refusals
def loans(request: HttpRequest) -> HttpResponse:
    """The draws that the viewer granted or has, with what is owed on them today."""
    viewer = viewer_of(request)
    state = request.GET.get("state", "").strip()[:20]
    found = queries.loans(state=state, cursor=request.GET.get("cursor", ""), limit=_PAGE, viewer=viewer)
    return page(
        request, "lending/loans.html", items=_covered([r.id for r in found.items], viewer), state=state, next=next_page(request, found.next),
        first="cursor" not in request.GET, states=[(code, _(name)) for code, name in DRAW_STATE_NAMES.items()],
    )  # fmt: skip


def _covered(ids: list[UUID], viewer: Actor) -> list[Cover]:
    """In the order of the list."""
    found = {c.draw_id: c for c in cover_queries.covers(on=today(), draw_ids=ids, viewer=viewer)} if ids else {}
    return [found[key] for key in ids if key in found]


@require_http_methods(["GET", "POST"])
@refusals
def loan(request: HttpRequest, draw_id: UUID) -> HttpResponse:
    """One loan: what is owed, how it is repaid, what secures it, its escrow and its statement; and the acts open to the viewer."""
    viewer = viewer_of(request)
    view = queries.loan(draw_id=draw_id, on=today(), viewer=viewer)
    failed, errors = "", Errors()
    if request.method == "POST":
        failed = text(request, "act")
        if _done(request, failed, _LOAN_ACTS, view, view.currency, errors):
            return redirect("loan", draw_id)
    (cover,) = cover_queries.covers(on=today(), draw_ids=[draw_id], viewer=viewer)
    contract = queries.line(line_id=view.line_id, viewer=viewer)
    return page(
        request, "lending/loan.html", status=422 if errors else 200, loan=view, cover=cover, line=contract, errors=errors,
        mine=viewer.party_id == view.company.id, limit=next(x for x in contract.limits if x.name == view.limit),
        money=queries.on_account(contract.deposit), buckets=[(b, getattr(cover.owed, b)) for b in policy.BUCKETS],
        rates=[(r, _source(r)) for r in view.rates], title=_title(view.title_id, viewer),
        papers=[(s, _paper(s.evidence_id, viewer)) for s in view.securities],
        insurance=_paper(view.insurance_id, viewer) if view.insurance_id else None, repayment=_repayment(view, viewer),
        statement=_statement(view, viewer), lent=view.state in LENT, green=GREENS.get(view.green), route=ROUTES.get(view.route),
        acts=[(code, _LOAN_ACTS[code], _loan_inputs(code, view, request, failed, errors), code == failed)
              for code in _loan_acts(view, cover, viewer)],
        history=[
            (e, {view.bank.id: view.bank, view.company.id: view.company}.get(e.party) if e.party else None)
            for e in reversed(queries.history(line_id=view.line_id, viewer=viewer)) if e.draw_id == draw_id and e.act != "draw_close_day"
        ],
    )  # fmt: skip


def _source(rate: queries.Rated) -> str:
    """The document that a prime rate stands in."""
    return rules.value_on(key=rate.key, on=rate.valid_from, territory=None, viewer=PUBLIC).source.document


def _title(title_id: UUID | None, viewer: Actor) -> dict[str, Any] | None:
    if title_id is None:
        return None
    try:
        found = titles.title(title_id=title_id, viewer=viewer)
    except Refusal:  # it has gone on to others since
        return {"id": None}
    return {"id": title_id, "number": number_of(found.subject), "kind": title_kind(found), "view": found, "state": STATE_NAMES[found.state]}


def _paper(evidence_id: UUID, viewer: Actor) -> dict[str, Any] | None:
    """A document by its kind and number; None where the viewer may not know them without the company's consent."""
    try:
        found = evidence.evidence(evidence_id=evidence_id, viewer=viewer)
    except Refusal:
        return None
    return {"id": found.id, "kind": _(evidence.KIND_NAMES[found.kind]), "number": found.external_ref, "state": found.state}


def _repayment(view: LoanView, viewer: Actor) -> escrow.EscrowView | None:
    try:
        return escrow.escrow(escrow_id=view.escrow_id, viewer=viewer)
    except Refusal:
        return None


def _statement(view: LoanView, viewer: Actor) -> list[tuple[queries.LoanEntry, int]]:
    """Each line with what is owed after it, the newest first."""
    owed, shown = 0, []
    for entry in queries.statement(draw_id=view.id, viewer=viewer).entries:
        change = entry.principal + entry.interest + entry.penalty + entry.fees
        owed += -change if entry.kind == "paid" else change
        shown.append((entry, owed))
    return shown[::-1]


def _loan_acts(view: LoanView, cover: Cover, viewer: Actor) -> list[str]:
    """What is offered to whom, as things stand; whether it is granted the command decides."""
    bank = viewer.party_id == view.bank.id
    found = [str(act) for act in (DrawAct.APPROVE, DrawAct.DISBURSE, DrawAct.REFUSE) if act in view.may]
    if DrawAct.REPAY not in view.may:
        return found
    if view.arrived_on is not None:
        return ["check", "revalue"] if bank else ["margin"]
    if not bank:
        return ["repay", "margin"]
    return ["repay", "collect", "foreign", "fee", "revalue", *(["misuse"] if cover.misused_on is None else [])]


def _approve(request: HttpRequest, view: LoanView) -> None:
    commands.approve_draw(draw_id=view.id, green=text(request, "green"), origin=origin_of(request))


def _disburse(request: HttpRequest, view: LoanView) -> None:
    commands.disburse(draw_id=view.id, origin=origin_of(request))


def _refuse(request: HttpRequest, view: LoanView) -> None:
    commands.refuse_draw(draw_id=view.id, reason=text(request, "reason"), origin=origin_of(request))


def _repay(request: HttpRequest, view: LoanView) -> None:
    given = text(request, "amount")
    commands.repay(draw_id=view.id, amount=amount("amount", given, view.currency) if given else None, origin=origin_of(request))


def _collect(request: HttpRequest, view: LoanView) -> None:
    if not commands.collect_due(draw_id=view.id, origin=origin_of(request)):
        told(request, _("Nothing was due, or nothing is on the deposit account."))


def _check(request: HttpRequest, view: LoanView) -> None:
    commands.check_arrival(draw_id=view.id, origin=origin_of(request))


def _foreign(request: HttpRequest, view: LoanView) -> None:
    currency = text(request, "currency")
    commands.receive_foreign(
        receipt_id=made_for(request, "receipt"), draw_id=view.id, currency=currency,
        amount_minor=amount("amount_minor", text(request, "amount_minor"), currency), rate=text(request, "rate") or None,
        source=text(request, "source") or None, origin=origin_of(request),
    )  # fmt: skip


def _fee(request: HttpRequest, view: LoanView) -> None:
    commands.charge_fee(
        fee_id=made_for(request, "fee"), draw_id=view.id, amount=amount("amount", text(request, "amount"), view.currency),
        reason=text(request, "reason"), origin=origin_of(request),
    )  # fmt: skip


def _revalue(request: HttpRequest, view: LoanView) -> None:
    commands.revalue(
        valuation_id=made_for(request, "valuation"), draw_id=view.id,
        value=amount("value", text(request, "value"), view.currency, nothing=True), document=text(request, "reason"),
        origin=origin_of(request),
    )  # fmt: skip


def _margin(request: HttpRequest, view: LoanView) -> None:
    commands.put_margin(draw_id=view.id, amount=amount("amount", text(request, "amount"), view.currency), origin=origin_of(request))


def _misuse(request: HttpRequest, view: LoanView) -> None:
    commands.mark_misused(draw_id=view.id, document=text(request, "reason"), origin=origin_of(request))


_LOAN_ACTS: Final[dict[str, _Act]] = {
    DrawAct.APPROVE: _Act(
        gettext_lazy("Approve the draw"), _approve, gettext_lazy("Its limits are held and its documents are used from now on."), plain=True,
    ),
    DrawAct.DISBURSE: _Act(
        gettext_lazy("Pay it out"), _disburse, gettext_lazy("By another person of the bank than the one who approved it."),
    ),
    DrawAct.REFUSE: _Act(
        gettext_lazy("Refuse it, or give it up"), _refuse, gettext_lazy("Everything held for it is free again."), True,
    ),
    "repay": _Act(
        gettext_lazy("Repay"), _repay, gettext_lazy("From the deposit account, in the order of the contract. Empty: all that is owed today."),
    ),
    "check": _Act(
        gettext_lazy("Check what came"), _check,
        gettext_lazy("All that is owed has come. The loan is repaid and its pledge is released, together."),
    ),
    "collect": _Act(gettext_lazy("Take what is due"), _collect, gettext_lazy("From the deposit account, as far as it reaches.")),
    "foreign": _Act(
        gettext_lazy("Book money in another currency"), _foreign,
        gettext_lazy("The bank buys it from the company. Without a rate of its own, the reference rate holds."),
    ),
    "fee": _Act(gettext_lazy("Charge a fee"), _fee),
    "revalue": _Act(
        gettext_lazy("Value the security"), _revalue, gettext_lazy("Before the haircut. What is missing is a call for margin."),
    ),
    "margin": _Act(
        gettext_lazy("Put cash behind it"), _margin, gettext_lazy("From the deposit account; it comes back when the loan is repaid."),
    ),
    "misuse": _Act(
        gettext_lazy("Say that it was used for something else"), _misuse,
        gettext_lazy("From today on it bears the surcharge for misuse."), True,
    ),
}  # fmt: skip


def _loan_inputs(act: str, view: LoanView, request: HttpRequest, failed: str, errors: Errors) -> list[dict[str, Any]]:
    field = _fields(request, act, failed, errors)
    unit = view.currency
    if act == DrawAct.REFUSE:
        return [field("reason", _("Reason"))]
    if act == DrawAct.APPROVE:
        choices = [("", _("not stated")), *((code, either(zh, en)) for code, (zh, en) in GREENS.items())]
        return [field("green", _("Is it a green loan"), choices, needed=False)]
    if act == "repay":
        return [field("amount", _("Amount; empty for all of it"), unit=unit, needed=False)]
    if act == "margin":
        return [field("amount", _("Amount"), unit=unit)]
    if act == "fee":
        return [field("amount", _("Amount"), unit=unit), field("reason", _("What for"))]
    if act == "revalue":
        return [field("value", _("Value now"), unit=unit), field("reason", _("Number of the valuation"))]
    if act == "misuse":
        return [field("reason", _("Number of the document that proves it"))]
    if act == "foreign":
        others = [(c.value, c.value) for c in Currency if c.value != unit]
        return [
            field("currency", _("Currency"), others), field("amount_minor", _("Amount in that currency"), number=True),
            field("rate", _("Rate: %(unit)s for one; empty for the reference rate") % {"unit": unit}, needed=False, number=True),
            field("source", _("Who states the rate"), needed=False),
        ]  # fmt: skip
    return []


# --- asking to draw -----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@refusals
def loan_new(request: HttpRequest) -> HttpResponse:
    """A company asks to draw on one of its lines in force: against a title pledged to that bank, with documents behind it."""
    viewer = viewer_of(request)
    if viewer.role is not Role.COMPANY or viewer.party_id is None:
        raise NotPermitted(command="lending.request_draw", role=str(viewer.role))
    usable = [
        x for state in LINE_LIVE for x in queries.lines(state=state, limit=100, viewer=viewer).items if x.company.id == viewer.party_id
    ]  # fmt: skip
    asked = request.POST.get("line") or request.GET.get("line") or (str(usable[0].id) if len(usable) == 1 else "")
    chosen = next((x for x in usable if str(x.id) == asked), None)
    if chosen is None:
        return page(
            request, "lending/loan_new.html", status=422 if asked else 200, lines=usable, line=None,
            above=[_("Choose one of your lines that are in force.")] if asked else [],
        )  # fmt: skip
    view = queries.line(line_id=chosen.id, viewer=viewer)
    errors, quote = Errors(), None
    offered = _documents(viewer)
    if request.method == "POST":
        said = web_forms.new_loan(request, errors, chosen.currency, {p["id"]: p["currency"] for p in offered})
        try:
            if not errors:
                quote = cover_queries.quote(
                    line_id=view.id, amount=said["amount"], repayment=said["repayment"],
                    papers=[(p["evidence_id"], p["amount"]) for p in said["evidence_"]], on=today(), viewer=viewer,
                )  # fmt: skip
                if text(request, "do") != "preview":
                    made = commands.request_draw(
                        draw_id=web_forms.id_from("new", text(request, "new")), line_id=view.id, **said, origin=origin_of(request)
                    )
                    told(request, _("You have asked to draw. The bank decides, and another person there pays it out."))
                    return redirect("loan", made)
        except Refusal as refusal:
            errors.setdefault(web_forms.field_of_loan(refusal, said["evidence_"]), why(refusal, chosen.currency))
    given = request.POST if request.method == "POST" else {"number": 1, "every": 3, "unit": "months", "method": "principal_at_end"}
    ticked = request.POST.getlist("papers")
    for paper in offered:
        name = f"amount-{paper['id']}"
        paper |= {"field": name, "ticked": str(paper["id"]) in ticked, "given": request.POST.get(name, ""), "error": errors.get(name, "")}
    own = ledger.accounts(kind="own.", unit=chosen.currency, owner_id=viewer.party_id, limit=50, viewer=viewer).items
    return page(
        request, "lending/loan_new.html", status=422 if errors else 200, line=view, lines=usable, currency=chosen.currency, given=given,
        starts=chosen.starts_on, ends=chosen.ends_on, count=policy.COUNTS[Currency(chosen.currency)],
        errors=errors, new=text(request, "new") or uuid4(), tree=_tree(view.limits), price=_price(view), papers=offered, quote=quote,
        source=_source(quote.rate) if quote else "",
        methods=[(m, _(METHODS[Method(m)])) for m in view.contract["methods"]], units=[(code, _(name)) for code, name in UNITS.items()],
        titles=_pledged_to(view.bank.id, viewer), accounts=own, money=queries.on_account(view.deposit),
        above=[said for name, said in errors.items() if not name or name == "new"],
    )  # fmt: skip


def _documents(viewer: Actor) -> list[dict[str, Any]]:
    """The company's own live documents that state an amount, with what may still be financed on each; at most 40."""
    found = []
    for e in evidence.evidences(state="live", limit=40, viewer=viewer).items:
        if e.subject.id == viewer.party_id and e.amount_minor and e.currency in set(Currency):
            left = evidence.remaining(evidence_id=e.id, viewer=viewer).financing_left
            found.append(
                {"id": e.id, "kind": _(evidence.KIND_NAMES[e.kind]), "number": e.external_ref, "dated": e.dated, "amount": e.amount_minor,
                 "currency": e.currency, "left": left}
            )  # fmt: skip
    return found


def _pledged_to(bank: UUID, viewer: Actor) -> list[tuple[titles.TitleView, str, str, int]]:
    """The company's titles that are pledged to a bank and secure no live draw yet: (title, number, kind, quantity pledged)."""
    pledged, cursor = [], ""
    for _look in range(LOOKS):
        found = titles.titles(state="PLEDGED", cursor=cursor, limit=100, viewer=viewer)
        for t in found.items:
            pledged += [
                (t, p) for p in t.pledges
                if (p.pledgee.id, p.pledgor_id, p.ended_at) == (bank, viewer.party_id, None) and t.keeper is None
            ]  # fmt: skip
        cursor = found.next
        if not cursor:
            break
    live = cover_queries.covers(on=today(), title_ids=[t.id for t, _p in pledged], viewer=viewer) if pledged else []
    busy = {c.pledge_id for c in live if c.state not in DRAW_ENDED}
    return [(t, number_of(t.subject), title_kind(t), p.quantity) for t, p in pledged if p.id not in busy]


@require_GET
@refusals
def collateral(request: HttpRequest) -> HttpResponse:
    """The bank's desk: every title pledged to it, where the goods are, the loan on it and how far it is covered."""
    return desk(request, today())


# --- for all of them ----------------------------------------------------------------------------------------------------


def _done(request: HttpRequest, act: str, acts: dict[str, _Act], view: Any, currency: str, errors: Errors) -> bool:
    """Carry an act out; where it is refused, why stands in `errors`, at its field if it has one."""
    try:
        if act not in acts:
            raise Invalid(field="act", problem=gettext_noop("one of the acts offered"))
        acts[act].run(request, view)
        told(request, _("Done, and written into the history."))
        return True
    except Invalid as refusal:
        field = str(refusal.facts["field"])
        if field in request.POST and field != "act":
            errors[field] = why(refusal, currency)
        else:
            errors[""] = say(refusal)
    except Refusal as refusal:
        errors[""] = why(refusal, currency, act)
    return False


def _fields(request: HttpRequest, act: str, failed: str, errors: Errors) -> Callable[..., dict[str, Any]]:
    """How the fields of an act's form are drawn: what was typed stands in it again, with its problem beneath."""

    def field(name: str, label: str, choices: list[tuple[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
        again = act == failed
        return {
            "name": name, "label": label, "choices": choices, "value": request.POST.get(name, "") if again else "", "needed": True,
            "error": errors.get(name, "") if again else "", **more,
        }  # fmt: skip

    return field


urlpatterns = [
    path("lines/", lines, name="lines"),
    path("lines/new/", line_new, name="line_new"),
    path("lines/<uuid:line_id>/", line, name="line"),
    path("loans/", loans, name="loans"),
    path("loans/new/", loan_new, name="loan_new"),
    path("loans/<uuid:draw_id>/", loan, name="loan"),
    path("collateral/", collateral, name="collateral"),
]
