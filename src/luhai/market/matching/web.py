"""Pages of matching: the shelf as it stands to a company, its demands, and the desk of an institution."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from luhai.core.parties import commands as parties_commands
from luhai.core.parties import queries as parties
from luhai.core.parties.corridor import tiles
from luhai.core.rules.criteria import shown
from luhai.core.rules.fields import COLLATERAL, CURRENCIES, FIELDS, PURPOSES, Field, Kind
from luhai.kernel.money import EXPONENT, Currency
from luhai.kernel.origin import Role
from luhai.kernel.refusal import Absent, Invalid, NotPermitted, Refusal
from luhai.records.products import queries as products
from luhai.records.products.policy import DOCUMENTS, KINDS, read_facts
from luhai.shell.templatetags.luhai import bp, money
from luhai.shell.web import origin_of, page, refusals, say, told, told_refusal, viewer_of

from . import commands, policy, queries

#: Facts that the wizard asks a company for, in the order of the form; others come from registers and lists.
STATED: Final = (
    "founded_on", "revenue_minor", "assets_minor", "employees", "export_share_bp", "debt_ratio_bp",
    "existing_loans_minor", "corridor_shipments_12m", "private", "tech_sme", "first_loan", "overdue",
)  # fmt: skip
_SOURCES_OF_OTHERS: Final = {"register", "computed"}
_SCALES: Final = {"万": 10**4, "亿": 10**8, "k": 10**3, "m": 10**6, "bn": 10**9, "w": 10**4}
_AMOUNT = re.compile(r"^(\d{1,15}(?:\.\d{1,6})?)\s*(万|亿|k|m|bn|w)?\s*(?:元|yuan|rmb|cny)?$", re.IGNORECASE)


# --- the shelf, judged ------------------------------------------------------------------------------------------------


@require_GET
@refusals
def why_me(request: HttpRequest) -> HttpResponse:
    """Every product of the shelf as it stands to the viewer's company, or to one of its demands."""
    viewer = viewer_of(request)
    demand_id = _uuid_or_none(request.GET.get("demand", ""))
    verdict = request.GET.get("verdict", "")
    answer = queries.shelf_for(
        on=timezone.localdate(), demand_id=demand_id, verdict=verdict, cursor=request.GET.get("cursor", ""), limit=15, viewer=viewer
    )
    more = request.GET.copy()
    more["cursor"] = answer.next
    return page(
        request, "matching/why_me.html", items=answer.items if demand_id else [_of_shelf(item) for item in answer.items],
        verdict=verdict, demand_id=demand_id, about_demand=demand_id is None,
        next=f"?{more.urlencode()}" if answer.next else "",
        demands=[d for d in queries.demands(limit=20, viewer=viewer).items if d.state in ("DRAFT", "PUBLISHED", "MATCHED", "OFFERED")],
    )  # fmt: skip


@require_GET
@refusals
def product_why(request: HttpRequest, product_id: UUID) -> HttpResponse:
    """Why one product is, may be or is not for the viewer's company, or for one of its demands."""
    viewer, today = viewer_of(request), timezone.localdate()
    if viewer.role != Role.COMPANY or viewer.party_id is None:
        raise NotPermitted(query="matching.why", role=str(viewer.role))
    demand_id = _uuid_or_none(request.GET.get("demand", ""))
    if demand_id is not None:
        item = queries.why(demand_id=demand_id, product_id=product_id, on=today, viewer=viewer)
    else:
        company = parties.party(party_id=viewer.party_id, viewer=viewer)
        profile = parties.profile(party_id=viewer.party_id, viewer=viewer)
        facts = policy.company_facts(profile, company.territory, company.country, today)
        found = products.explain(product_ids=[product_id], facts=facts, on=today, viewer=viewer).get(product_id)
        card = products.cards(ids=[product_id], viewer=viewer).get(product_id)
        if found is None or card is None:
            raise Absent(kind="product")
        item = queries.WhyNot(card, found.verdict, found.reasons, found.nearest)
    return page(
        request, "matching/product_why.html", item=item if demand_id else _of_shelf(item), demand_id=demand_id,
        about_demand=demand_id is None,
    )  # fmt: skip


def _of_shelf(item: queries.WhyNot) -> queries.WhyNot:
    """Without a demand, what a demand would have to say is no change to the company."""
    if item.nearest is None:
        return item
    return replace(item, nearest=tuple(n for n in item.nearest if not (n.reach == "demand" and n.states_only)))


# --- demands ------------------------------------------------------------------------------------------------------------


@require_GET
@refusals
def demands(request: HttpRequest) -> HttpResponse:
    """A company's own demands; all that a watcher may see."""
    asked = {name: request.GET.get(name, "") for name in ("state", "territory")}
    answer = queries.demands(**asked, cursor=request.GET.get("cursor", ""), limit=30, viewer=viewer_of(request))
    more = request.GET.copy()
    more["cursor"] = answer.next
    return page(
        request, "matching/demands.html", items=answer.items, asked=asked, territories=tiles().values(),
        next=f"?{more.urlencode()}" if answer.next else "",
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@refusals
def demand_new(request: HttpRequest) -> HttpResponse:
    """Two steps of the wizard: what for and how much; then security and facts. The third is the draft's own page."""
    viewer = viewer_of(request)
    if viewer.role != Role.COMPANY or viewer.party_id is None:
        raise NotPermitted(command="matching.draft_demand", role=str(viewer.role))
    profile = parties.profile(party_id=viewer.party_id, viewer=viewer)
    errors: dict[str, str] = {}
    step = 1
    if request.method == "POST":
        given: dict[str, Any] = request.POST.dict() | {n: request.POST.getlist(n) for n in ("collateral", "wants")}
        form = _read_demand(given, errors)
        if request.POST.get("step") == "1":
            step = 1 if errors else 2
        elif request.POST.get("back"):
            errors, step = {}, 1
        elif errors:
            step = 1
        else:
            step = 2
            facts = _read_facts(request, profile, errors)
            if not errors:
                kept = _keep(request, form, facts, errors)
                if kept is not None:
                    return _go(request, reverse("demand", args=[kept]))
                step = 1 if set(errors) & {"purpose", "amount", "currency", "tenor_days", "needed_by", "rate_cap"} else 2
    else:
        given = _from_draft(request)
    return page(
        request, "matching/demand_new.html", status=422 if errors else 200, step=step, given=given, errors=errors,
        draft=given.get("draft") or uuid4(), purposes=PURPOSES, currencies=CURRENCIES, collateral=COLLATERAL,
        kinds=KINDS, objectives=policy.OBJECTIVES, facts=_fact_lines(profile, given) if step == 2 else [],
        amount_minor=form["amount_minor"] if step == 2 else None,
    )  # fmt: skip


def _keep(request: HttpRequest, form: dict[str, Any], facts: dict[str, Any], errors: dict[str, str]) -> UUID | None:
    """State the facts that changed, and write the draft; None with an error beside its field."""
    viewer, origin = viewer_of(request), origin_of(request)
    assert viewer.party_id is not None
    try:
        if facts:
            parties_commands.state_facts(party_id=viewer.party_id, facts=facts, origin=origin.child("facts"))
        return commands.draft_demand(
            demand_id=UUID(request.POST.get("draft", "")), company_id=viewer.party_id, form=form, origin=origin
        )
    except ValueError:
        errors["form"] = _("The form is damaged. Begin again.")
    except Invalid as refusal:
        field = re.split(r"[.\[]", str(refusal.facts["field"]))[0]
        field = {"amount_minor": "amount", "rate_cap_bp": "rate_cap"}.get(field, field)
        errors[field if field in form or field in ("amount", "rate_cap") else "form"] = _(str(refusal.facts["problem"]))
    except Refusal as refusal:
        errors["form"] = say(refusal)
    return None


@require_http_methods(["GET", "POST"])
@refusals
def demand(request: HttpRequest, demand_id: UUID) -> HttpResponse:
    """One demand: a draft to publish, or its matches, offers and timeline; POST does one thing to it."""
    viewer, now = viewer_of(request), timezone.now()
    if request.method == "POST":
        return _do(request, demand_id)
    view = queries.demand(demand_id=demand_id, now=now, viewer=viewer)
    by = request.GET.get("by", "")
    by = by if by in policy.OBJECTIVES else view.card.objective
    matches = sorted(view.matches, key=lambda m: m.rank)
    if by != view.card.objective:
        matches.sort(key=lambda m: (m.verdict != "met", -_score(m, by), m.rank))
    return page(
        request, "matching/demand.html", view=view, card=view.card, now=now, by=by, matches=matches,
        objectives=policy.OBJECTIVES, objective=policy.OBJECTIVES[by],
        offers=[m for m in matches if m.offer is not None and m.state in ("OFFERED", "ACCEPTED")],
        asks=[
            (m, a, [FIELDS[f] for f in a.fields if f in FIELDS], [DOCUMENTS[d] for d in a.documents if d in DOCUMENTS])
            for m in matches
            for a in m.asks
            if a.replied_at is None and m.state == "ASKED"
        ],
        others=[m for m in matches if m.state in ("REFUSED", "WITHDRAWN", "LAPSED")],
        open=[m for m in matches if m.state in ("PROPOSED", "SENT", "ASKED", "OFFERED", "ACCEPTED")],
        most_asked=policy.MOST_ASKED, mine=viewer.role == Role.COMPANY, facts=_of_company(view.facts or _facts_of_draft(request, view.card)),
    )  # fmt: skip


def _facts_of_draft(request: HttpRequest, card: queries.DemandCard) -> tuple[queries.FactLine, ...]:
    """What would be frozen if the draft were published today; nothing for anybody but its company."""
    viewer = viewer_of(request)
    if card.state != "DRAFT" or viewer.party_id != card.company_id:
        return ()
    company = parties.party(party_id=card.company_id, viewer=viewer)
    profile = parties.profile(party_id=card.company_id, viewer=viewer)
    return queries.fact_lines(policy.company_facts(profile, company.territory, company.country, timezone.localdate()))


def _score(match: queries.MatchCard, objective: str) -> int:
    """The score under another objective: the same points, weighed as if that had been chosen."""
    return sum(p.points * (policy.CHOSEN if p.name == objective else policy.OTHERS) for p in match.parts)


def _do(request: HttpRequest, demand_id: UUID) -> HttpResponse:
    origin, deed = origin_of(request), request.POST.get("do", "")
    try:
        if deed == "publish":
            commands.publish_demand(demand_id=demand_id, origin=origin)
            found = commands.match_demand(demand_id=demand_id, origin=origin.child("match"))
            told(request, _("Published. %(met)d products fit, %(possible)d may fit.") % found)
        elif deed == "match":
            found = commands.match_demand(demand_id=demand_id, origin=origin)
            told(request, _("Looked again. %(met)d products fit, %(possible)d may fit.") % found)
        elif deed == "withdraw":
            commands.withdraw_demand(demand_id=demand_id, origin=origin)
            told(request, _("The demand was taken back."))
        elif deed == "send":
            commands.send_match(match_id=_posted_id(request, "match"), origin=origin)
            told(request, _("Sent. The institution's clock runs."))
        elif deed == "accept":
            commands.accept_offer(match_id=_posted_id(request, "match"), origin=origin)
            told(request, _("You accepted the offer. The institution knows."))
        elif deed == "decline":
            commands.withdraw_match(match_id=_posted_id(request, "match"), origin=origin)
            told(request, _("Done. The institution knows."))
        elif deed == "reply":
            facts: dict[str, Any] = {}
            errors: dict[str, str] = {}
            for name in request.POST.getlist("wanted"):
                if name in FIELDS and (value := _read_fact(FIELDS[name], request, errors)) is not None:
                    facts[name] = value
            if errors:
                raise Invalid(field=next(iter(errors)), problem=next(iter(errors.values())))
            commands.reply_to_ask(
                ask_id=_posted_id(request, "ask"), reply=request.POST.get("reply", ""), facts=facts, origin=origin
            )
            told(request, _("Your reply was sent. The institution's clock runs again."))
        else:
            raise Invalid(field="do", problem=_("choose one of the list"))
    except Refusal as refusal:
        told_refusal(request, refusal)
    return redirect("demand", demand_id)


# --- the desk of an institution -----------------------------------------------------------------------------------------


@require_GET
@refusals
def desk(request: HttpRequest) -> HttpResponse:
    """What waits for the institution's answer, the earliest due first."""
    viewer, now = viewer_of(request), timezone.now()
    state = request.GET.get("state", "open")
    overdue = True if request.GET.get("overdue") == "1" else None
    answer = queries.queue(
        now=now, state=state, overdue=overdue, territory=request.GET.get("territory", ""),
        cursor=request.GET.get("cursor", ""), limit=50, viewer=viewer,
    )  # fmt: skip
    more = request.GET.copy()
    more["cursor"] = answer.next
    return page(
        request, "matching/desk.html", items=answer.items, state=state, overdue=overdue, now=now,
        territory=request.GET.get("territory", ""), territories=tiles().values(),
        next=f"?{more.urlencode()}" if answer.next else "",
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@refusals
def desk_match(request: HttpRequest, match_id: UUID) -> HttpResponse:
    """One demand on one page, with its explanation and the forms of the answer."""
    viewer, now = viewer_of(request), timezone.now()
    errors: dict[str, str] = {}
    deed = request.POST.get("do", "")
    if request.method == "POST" and _answer(request, match_id, deed, errors):
        return redirect("desk_match", match_id)
    view = queries.desk(match_id=match_id, now=now, viewer=viewer)
    given: Any = request.POST if errors else _suggested(view)
    return page(
        request, "matching/desk_match.html", status=422 if errors else 200, view=view, match=view.match,
        card=view.demand, now=now, errors=errors, given=given, deed=deed, reasons=policy.REFUSALS,
        fields=[FIELDS[name] for name in (*STATED, "lists", "credit_grade", "needed_by")],
        asked_fields=request.POST.getlist("fields"), documents=DOCUMENTS, asked_documents=request.POST.getlist("documents"), asking=view.can & {"OFFER", "ASK", "REFUSE"},
        facts=_of_company(view.facts),
    )  # fmt: skip


def _of_company(facts: tuple[queries.FactLine, ...]) -> list[queries.FactLine]:
    """What is known of the company; what the demand itself says stands above it on the page."""
    return [fact for fact in facts if FIELDS[fact.field].about == "company"]


def _suggested(view: queries.Desk) -> dict[str, str]:
    places = EXPONENT[Currency(view.demand.currency)]
    amount = min(view.demand.amount_minor, view.match.product.amount_max_minor)
    return {
        "amount": _plain_number(Decimal(amount).scaleb(-places)),
        "rate": _plain_number(Decimal(view.match.product.price_min_bp) / 100),
        "tenor_days": str(min(view.demand.tenor_days, view.match.product.tenor_max_days)),
        "valid_until": (timezone.localdate() + timedelta(days=10)).isoformat(),
    }


def _answer(request: HttpRequest, match_id: UUID, deed: str, errors: dict[str, str]) -> bool:
    """Give the answer of the form; False with errors beside the fields."""
    form, origin = request.POST, origin_of(request)
    try:
        if deed == "offer":
            currency = Currency(form["currency"]) if form.get("currency") in list(Currency) else Currency.CNY
            amount = _read_amount(form.get("amount", ""), currency)
            rate = _read_decimal(form.get("rate", ""), 2)
            tenor = _read_decimal(form.get("tenor_days", ""), 0)
            until = parse_date(form.get("valid_until", "")) if _looks_like_day(form.get("valid_until", "")) else None
            for name, value, what in (
                ("amount", amount, _("an amount such as 5000000 or 500万 is wanted")),
                ("rate", rate, _("a yearly rate such as 3.85 is wanted")),
                ("tenor_days", tenor, _("a whole number of days is wanted")),
                ("valid_until", until, _("a day is wanted")),
            ):
                if value is None:
                    errors[name] = what
            if errors or amount is None or rate is None or tenor is None or until is None:
                return False
            end = timezone.make_aware(datetime.combine(until, time(23, 59)))
            commands.offer(
                match_id=match_id, amount_minor=amount, rate_bp=rate, tenor_days=tenor,
                conditions=form.get("conditions", ""), valid_until=end, origin=origin,
            )  # fmt: skip
            told(request, _("The offer is with the company."))
        elif deed == "ask":
            commands.ask(
                match_id=match_id, question=form.get("question", ""), fields=form.getlist("fields"),
                documents=form.getlist("documents"), origin=origin,
            )  # fmt: skip
            told(request, _("The question is with the company. Your clock stands still until it replies."))
        elif deed == "refuse":
            commands.refuse(match_id=match_id, reason=form.get("reason", ""), note=form.get("note", ""), origin=origin)
            told(request, _("The refusal and its reason are with the company."))
        else:
            raise Invalid(field="do", problem=_("choose one of the list"))
    except Invalid as refusal:
        field = re.split(r"[.\[]", str(refusal.facts["field"]))[0]
        field = {"amount_minor": "amount", "rate_bp": "rate"}.get(field, field)
        errors[field] = _beside(refusal, form["currency"] if form.get("currency") in list(Currency) else "CNY")
        return False
    except Refusal as refusal:
        errors["form"] = say(refusal)
        return False
    return True


@require_http_methods(["GET", "POST"])
@refusals
def capacity(request: HttpRequest) -> HttpResponse:
    """How much the institution takes on in a period: what is used of it, and a form for another period."""
    viewer = viewer_of(request)
    errors: dict[str, str] = {}
    if request.method == "POST" and viewer.party_id is not None:
        form = request.POST
        currency = Currency(form["currency"]) if form.get("currency") in list(Currency) else Currency.CNY
        amount, count = _read_amount(form.get("amount", ""), currency), _read_decimal(form.get("count", ""), 0)
        days = [parse_date(form.get(n, "")) if _looks_like_day(form.get(n, "")) else None for n in ("starts_on", "ends_on")]
        for name, value, what in (
            ("amount", amount, _("an amount such as 5000000 or 500万 is wanted")),
            ("count", count, _("a whole number is wanted")),
            ("starts_on", days[0], _("a day is wanted")),
            ("ends_on", days[1], _("a day is wanted")),
        ):
            if value is None:
                errors[name] = what
        if amount is not None and count is not None and days[0] is not None and days[1] is not None:
            try:
                commands.set_capacity(
                    institution_id=viewer.party_id, currency=currency, starts_on=days[0], ends_on=days[1],
                    amount_limit_minor=amount, count_limit=count, origin=origin_of(request),
                )  # fmt: skip
                told(request, _("The capacity is set."))
                return redirect("capacity")
            except Invalid as refusal:
                field = str(refusal.facts["field"])
                field = {"amount_limit_minor": "amount", "count_limit": "count"}.get(field, field)
                errors[field] = _beside(refusal, currency)
            except Refusal as refusal:
                errors["form"] = say(refusal)
    today = timezone.localdate()
    given: Any = request.POST if errors else {"starts_on": today.isoformat(), "ends_on": (today + timedelta(days=90)).isoformat()}
    return page(
        request, "matching/capacity.html", status=422 if errors else 200, errors=errors, given=given, currencies=CURRENCIES,
        items=[
            (c, c.amount_used_minor * 100 // c.amount_limit_minor if c.amount_limit_minor else 0, c.starts_on <= today <= c.ends_on)
            for c in queries.capacities(viewer=viewer)
        ],
    )  # fmt: skip


def _beside(refusal: Invalid, currency: str) -> str:
    """What is wrong with a field, in the unit in which its form asks: yuan and per cent, not minor units and basis points."""
    facts = refusal.facts
    if "least" not in facts:
        return _(str(facts["problem"]))
    least, most = int(str(facts["least"])), int(str(facts["most"]))
    if str(facts["field"]).endswith("_minor"):
        bounds = {"least": money(least, currency), "most": money(most, currency)}
    elif str(facts["field"]).endswith("_bp"):
        bounds = {"least": bp(least), "most": bp(most)}
    else:
        bounds = {"least": f"{least:,}", "most": f"{most:,}"}
    return _("from %(least)s to %(most)s is possible") % bounds


# --- reading forms ------------------------------------------------------------------------------------------------------


def _read_demand(given: dict[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    """The demand of the wizard in the form of policy.Form; what cannot be read is said beside its field."""
    currency = Currency(given["currency"]) if given.get("currency") in list(Currency) else None
    form: dict[str, Any] = {
        "purpose": given.get("purpose", ""), "currency": str(currency or ""), "collateral": given.get("collateral", []),
        "wants": given.get("wants", []), "objective": given.get("objective") or "price", "note": given.get("note", ""),
        "green": given.get("green") == "on", "amount_minor": None, "tenor_days": None,
    }  # fmt: skip
    if form["purpose"] not in {p.code for p in PURPOSES}:
        errors["purpose"] = _("choose one of the list")
    if currency is None:
        errors["currency"] = _("choose one of the list")
    form["amount_minor"] = _read_amount(given.get("amount", ""), currency or Currency.CNY)
    if not form["amount_minor"]:
        errors["amount"] = _("an amount such as 5000000 or 500万 is wanted")
    form["tenor_days"] = _read_decimal(given.get("tenor_days", ""), 0)
    if not form["tenor_days"]:
        errors["tenor_days"] = _("a whole number of days is wanted")
    if day := given.get("needed_by", "").strip():
        if not _looks_like_day(day) or parse_date(day) is None:
            errors["needed_by"] = _("a day is wanted")
        elif day < timezone.localdate().isoformat():
            errors["needed_by"] = _("this day has passed")
        else:
            form["needed_by"] = day
    if cap := given.get("rate_cap", "").strip():
        form["rate_cap_bp"] = _read_decimal(cap, 2)
        if form["rate_cap_bp"] is None or form["rate_cap_bp"] > 10_000:
            errors["rate_cap"] = _("a yearly rate such as 3.85 is wanted")
    return form


def _from_draft(request: HttpRequest) -> dict[str, Any]:
    draft = _uuid_or_none(request.GET.get("draft", ""))
    if draft is None:
        return {"currency": "CNY", "objective": "price", "collateral": [], "wants": []}
    card = queries.demand(demand_id=draft, now=timezone.now(), viewer=viewer_of(request)).card
    return {
        "draft": card.id, "purpose": card.purpose, "currency": card.currency, "tenor_days": card.tenor_days,
        "amount": _plain_number(Decimal(card.amount_minor).scaleb(-EXPONENT[Currency(card.currency)])),
        "needed_by": card.needed_by.isoformat() if card.needed_by else "", "green": "on" if card.green else "",
        "rate_cap": _plain_number(Decimal(card.rate_cap_bp) / 100) if card.rate_cap_bp is not None else "",
        "collateral": list(card.collateral), "wants": list(card.wants), "objective": card.objective, "note": card.note,
    }  # fmt: skip


def _fact_lines(profile: dict[str, dict[str, Any]], given: dict[str, Any]) -> list[dict[str, Any]]:
    """One line a fact: what is known and from whom, and the field in which the company may state it."""
    language = get_language() or "zh"
    known = read_facts(profile)
    lines = []
    for name in STATED:
        field, fact = FIELDS[name], known.get(name)
        source = str(profile.get(name, {}).get("source", ""))
        value = fact.value if fact else None
        lines.append({
            "field": field, "kind": str(field.kind), "label": field.label(language), "fixed": source in _SOURCES_OF_OTHERS,
            "known": shown(field, value, language) if value is not None else "", "as_of": profile.get(name, {}).get("as_of", ""),
            "given": given.get(name, _as_typed(field, value)), "unit": _unit(field),
        })  # fmt: skip
    return lines


def _unit(field: Field) -> str:
    return {Kind.MONEY: _("yuan"), Kind.SHARE: "%"}.get(field.kind, "")


def _as_typed(field: Field, value: Any) -> str:
    if value is None:
        return ""
    if field.kind is Kind.FLAG:
        return "yes" if value else "no"
    if field.kind is Kind.MONEY:
        return _plain_number(Decimal(value).scaleb(-2))
    if field.kind is Kind.SHARE:
        return _plain_number(Decimal(value) / 100)
    return value.isoformat() if field.kind is Kind.DATE else str(value)


def _read_facts(request: HttpRequest, profile: dict[str, dict[str, Any]], errors: dict[str, str]) -> dict[str, Any]:
    """The facts that the form changes. An emptied field takes the company's own statement back."""
    changed: dict[str, Any] = {}
    for name in STATED:
        if name not in request.POST or profile.get(name, {}).get("source") in _SOURCES_OF_OTHERS:
            continue
        value = _read_fact(FIELDS[name], request, errors)
        if value != profile.get(name, {}).get("value"):
            changed[name] = value
    return changed


def _read_fact(field: Field, request: HttpRequest, errors: dict[str, str]) -> Any:
    """One fact as JSON carries it; None when the field was left empty."""
    if field.kind is Kind.SET:
        return sorted(set(request.POST.getlist(field.name)) & {c.code for c in field.codes}) or None
    text = request.POST.get(field.name, "").strip()
    if not text:
        return None
    value: Any = text
    if field.kind is Kind.FLAG:
        value = {"yes": True, "no": False}.get(text)
    elif field.kind is Kind.MONEY:
        value = _read_amount(text, Currency.CNY)
    elif field.kind is Kind.SHARE:
        value = _read_decimal(text.rstrip("%"), 2)
    elif field.kind is Kind.COUNT:
        value = _read_decimal(text, 0)
    elif field.kind is Kind.DATE:
        value = parse_date(text) if _looks_like_day(text) else None
    if value is None or field.problem(value) is not None:
        errors[field.name] = _("this cannot be read")
        return None
    return value.isoformat() if field.kind is Kind.DATE else value


def _read_amount(text: str, currency: Currency) -> int | None:
    """5,000,000 or 500万 or 5m -> minor units; None when it is no amount above nothing."""
    found = _AMOUNT.match(text.replace(",", "").replace("，", "").strip())
    if found is None:
        return None
    minor = (Decimal(found[1]) * _SCALES.get((found[2] or "").lower(), 1)).scaleb(EXPONENT[currency])
    return int(minor) if minor == minor.to_integral_value() else None


def _read_decimal(text: str, places: int) -> int | None:
    """A number of so many places as a whole number of the smallest: "3.85", 2 -> 385."""
    try:
        scaled = Decimal(text.replace(",", "").strip()).scaleb(places)
        return int(scaled) if scaled == scaled.to_integral_value() and 0 <= scaled < 10**12 else None
    except InvalidOperation:
        return None


def _plain_number(value: Decimal) -> str:
    """1050000.00 -> 1050000: as somebody would type it."""
    return f"{value.normalize():f}"


def _looks_like_day(text: str) -> bool:
    try:
        return parse_date(text) is not None
    except ValueError:
        return False


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _posted_id(request: HttpRequest, name: str) -> UUID:
    found = _uuid_or_none(request.POST.get(name, ""))
    if found is None:
        raise Absent(kind=name)
    return found


def _go(request: HttpRequest, to: str) -> HttpResponse:
    """Send the browser on; a fragment's request cannot follow a redirect by itself."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": to})
    return redirect(to)


urlpatterns = [
    path("products/for-me", why_me, name="why_me"),
    path("products/<uuid:product_id>/why", product_why, name="product_why"),
    path("demands/", demands, name="demands"),
    path("demands/new", demand_new, name="demand_new"),
    path("demands/<uuid:demand_id>", demand, name="demand"),
    path("desk/", desk, name="desk"),
    path("desk/capacity", capacity, name="capacity"),
    path("desk/matches/<uuid:match_id>", desk_match, name="desk_match"),
]
