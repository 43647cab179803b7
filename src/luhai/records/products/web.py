"""The shelf of products, one product, and an institution's own products with their editor."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from luhai.core.parties.corridor import tiles
from luhai.core.rules.fields import COLLATERAL, CURRENCIES, PURPOSES
from luhai.kernel.money import EXPONENT, Currency
from luhai.kernel.origin import Role
from luhai.kernel.refusal import Absent, Invalid, NotPermitted, Refusal
from luhai.shell.web import origin_of, page, refusals, say, told, told_refusal, viewer_of

from . import commands, queries
from .lifecycle import STATE_NAMES
from .policy import DOCUMENTS, KINDS

_WHOLE = re.compile(r"^\d{1,9}$")
_NUMBERS = ("tenor_min_days", "tenor_max_days", "promise_hours")
_RATES = ("price_min_bp", "price_max_bp")
_AMOUNTS = ("amount_min_minor", "amount_max_minor")
#: Fields in which several codes are chosen.
_SETS = ("collateral", "purposes", "territories", "documents")
_TEXTS = ("kind", "name_zh", "name_en", "summary_zh", "summary_en", "currency")


@require_GET
@refusals
def products(request: HttpRequest) -> HttpResponse:
    """The shelf, filtered by text, kind, territory and collateral. Anybody may look."""
    asked = {name: request.GET.get(name, "").strip() for name in ("text", "kind", "territory", "collateral")}
    shelf = queries.shelf(
        text=asked["text"], kind=asked["kind"], territory=asked["territory"], collateral=asked["collateral"],
        cursor=request.GET.get("cursor", ""), limit=20, viewer=viewer_of(request),
    )  # fmt: skip
    query = request.GET.copy()
    query["cursor"] = shelf.next
    return page(
        request, "products/shelf.html", shelf=shelf, asked=asked, filtered=any(asked.values()), kinds=KINDS,
        collateral=COLLATERAL, territories=tiles().values(), next=f"?{query.urlencode()}" if shelf.next else "",
        first="cursor" not in request.GET,
    )  # fmt: skip


@require_GET
@refusals
def product(request: HttpRequest, product_id: UUID) -> HttpResponse:
    """One product: its terms, whom it is for, its papers, its versions."""
    version = request.GET.get("version", "")
    view = queries.product(
        product_id=product_id, version=int(version) if _WHOLE.match(version) else None, viewer=viewer_of(request)
    )
    papers = [DOCUMENTS[code] for code in view.documents]
    return page(request, "products/product.html", view=view, card=view.card, papers=papers, state_name=STATE_NAMES.get(view.card.state, ""))  # type: ignore[call-overload]


@require_http_methods(["GET", "POST"])
@refusals
def own_products(request: HttpRequest) -> HttpResponse:
    """An institution's products and drafts; publish or take one off the shelf."""
    viewer = viewer_of(request)
    if request.method == "POST":
        change, done = {
            "publish": (commands.publish_product, _("The product is on the shelf.")),
            "withdraw": (commands.withdraw_product, _("The product was taken off the shelf.")),
        }.get(request.POST.get("do", ""), (None, ""))
        try:
            if change is None:
                raise Invalid(field="do", problem="publish or withdraw")
            change(product_id=_uuid(request.POST.get("product", "")), origin=origin_of(request))
            told(request, done)
        except Refusal as refusal:
            told_refusal(request, refusal)
        return redirect("own_products")
    items = queries.own_products(viewer=viewer)
    return page(request, "products/own.html", items=[(item, STATE_NAMES.get(item.state, item.state)) for item in items])  # type: ignore[call-overload]


@require_http_methods(["GET", "POST"])
@refusals
def edit_product(request: HttpRequest, product_id: UUID | None = None) -> HttpResponse:
    """Write the next version of a product, or a new one. The criteria are edited in the JSON form of core/rules."""
    viewer = viewer_of(request)
    if viewer.role not in (Role.BANK, Role.PARTNER) or viewer.party_id is None:
        raise NotPermitted(command="products.draft_product", role=str(viewer.role))
    errors: dict[str, str] = {}
    if request.method == "POST":
        given: Any = request.POST
        chosen = {name: request.POST.getlist(name) for name in _SETS}
        try:
            terms = _read(request, errors)
            if not errors:
                made = commands.draft_product(
                    product_id=product_id or _uuid(request.POST.get("new", "")), institution_id=viewer.party_id,
                    terms=terms, origin=origin_of(request),
                )  # fmt: skip
                told(request, _("The draft is kept. Publish it when it is right."))
                return redirect(f"/products/own#product-{made}")
        except Invalid as refusal:
            errors[re.split(r"[.\[]", str(refusal.facts["field"]))[0]] = _(str(refusal.facts["problem"]))
        except Refusal as refusal:
            errors["form"] = say(refusal)
    else:
        given, chosen = _shown(_terms_of(product_id, request)) if product_id else ({"currency": "CNY", "criteria": '{"all": []}'}, {})
    return page(
        request, "products/edit.html", status=422 if errors else 200, errors=errors, given=given, chosen=chosen,
        kinds=KINDS, collateral=COLLATERAL, purposes=PURPOSES, documents=DOCUMENTS, currencies=CURRENCIES,
        territories=tiles().values(), new=request.POST.get("new") or uuid4(), product_id=product_id,
    )  # fmt: skip


def _terms_of(product_id: UUID, request: HttpRequest) -> dict[str, Any]:
    """What the editor starts from: the draft, or else the newest version."""
    viewer = viewer_of(request)
    own = next((p for p in queries.own_products(viewer=viewer) if p.id == product_id), None)
    if own is None:
        raise Absent(kind="product")
    if own.draft is not None:
        return own.draft
    view = queries.product(product_id=product_id, viewer=viewer)
    names = (*_TEXTS, *_NUMBERS, *_RATES, *_AMOUNTS, "collateral", "purposes", "territories", "measures", "requires")
    return {name: getattr(view.card, name) for name in names} | {
        "documents": view.documents,
        "criteria": view.criteria,
    }


def _shown(terms: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Terms as the editor shows them: amounts in whole units, rates in percent, lists a line each."""
    places = EXPONENT[Currency(terms["currency"])]
    given = {name: terms[name] for name in (*_TEXTS, *_NUMBERS)}
    given |= {name: f"{Decimal(terms[name]).scaleb(-places):f}" for name in _AMOUNTS}
    given |= {name: f"{Decimal(terms[name]) / 100:f}" for name in _RATES}
    given |= {name: " ".join(terms[name]) for name in ("measures", "requires")}
    given["criteria"] = json.dumps(terms["criteria"], ensure_ascii=False, indent=1)
    return given, {name: list(terms[name]) for name in _SETS}


def _read(request: HttpRequest, errors: dict[str, str]) -> dict[str, Any]:
    """The form as the terms of a product; what cannot be read is said beside its field."""
    form = request.POST
    terms: dict[str, Any] = {name: form.get(name, "") for name in _TEXTS}
    currency = Currency(terms["currency"]) if terms["currency"] in list(Currency) else Currency.CNY
    for name in _NUMBERS:
        if _WHOLE.match(form.get(name, "").strip()):
            terms[name] = int(form[name])
        else:
            errors[name] = _("a whole number is wanted")
    for names, places, what in (
        (_AMOUNTS, EXPONENT[currency], _("an amount such as 5000000 is wanted")),
        (_RATES, 2, _("a yearly rate such as 3.85 is wanted")),
    ):
        for name in names:
            try:
                scaled = Decimal(form.get(name, "").replace(",", "").strip()).scaleb(places)
                if scaled != scaled.to_integral_value() or abs(scaled) > 10**17:
                    raise InvalidOperation
                terms[name] = int(scaled)
            except InvalidOperation:
                errors[name] = what
    terms |= {name: form.getlist(name) for name in _SETS}
    terms |= {name: form.get(name, "").replace(",", " ").split() for name in ("measures", "requires")}
    try:
        terms["criteria"] = json.loads(form.get("criteria", ""))
    except (json.JSONDecodeError, RecursionError):
        errors["criteria"] = _("this is no JSON")
    return terms


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Absent(kind="product") from None


urlpatterns = [
    path("products/", products, name="products"),
    path("products/own", own_products, name="own_products"),
    path("products/own/new", edit_product, name="product_new"),
    path("products/own/<uuid:product_id>", edit_product, name="product_edit"),
    path("products/<uuid:product_id>", product, name="product"),
]
