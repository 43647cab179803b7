"""Everything that can be asked about products. Answers are plain values, never ORM rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet

from luhai.core.parties.territories import territories
from luhai.core.policies import queries as policies
from luhai.core.rules import criteria, sql
from luhai.core.rules import queries as rules
from luhai.core.rules.fields import COLLATERAL, FIELDS, PURPOSES, lineage
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent, Invalid
from luhai.shell.api import cursor_of, instant, known, read_cursor
from luhai.shell.query import EVERYBODY, query

from .lifecycle import State
from .models import PREDICATES, Draft, Product, Version
from .policy import KINDS, CriterionText, Explanation, Facts, Label, in_words, read_facts
from .policy import explain as explained


@dataclass(frozen=True, slots=True)
class ProductCard:
    """A product as it lies on the shelf, in its newest published version. Prices are yearly, in basis points."""

    id: UUID
    version: int
    state: str
    institution_id: UUID
    institution_zh: str
    institution_en: str
    institution_sort: str
    kind: str  # policy.KINDS has the names
    name_zh: str
    name_en: str
    summary_zh: str
    summary_en: str
    currency: str
    amount_min_minor: int
    amount_max_minor: int
    tenor_min_days: int
    tenor_max_days: int
    price_min_bp: int
    price_max_bp: int
    collateral: tuple[str, ...]
    purposes: tuple[str, ...]
    territories: tuple[str, ...]
    promise_hours: int
    measures: tuple[str, ...]
    requires: tuple[str, ...]
    published_at: datetime
    invented: bool


@dataclass(frozen=True, slots=True)
class VersionLine:
    version: int
    published_at: datetime
    digest: str
    name_zh: str
    name_en: str
    price_min_bp: int
    price_max_bp: int
    promise_hours: int


@dataclass(frozen=True, slots=True)
class ProductView:
    """One version in full, and the list of all versions, newest first."""

    card: ProductCard
    documents: tuple[str, ...]  # policy.DOCUMENTS has the names
    criteria: dict[str, Any]  # the tree, in the JSON form of core/rules
    texts: tuple[CriterionText, ...]
    history: tuple[VersionLine, ...]


@dataclass(frozen=True, slots=True)
class OwnProduct:
    """A product as its institution sees it: state, newest version, and the draft of the next one if there is one."""

    id: UUID
    state: str
    version: int
    name_zh: str
    name_en: str
    draft: dict[str, Any] | None
    edited_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShelfPage:
    items: tuple[ProductCard, ...]
    next: str  # cursor of the next page; empty on the last
    total: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How one product stands to one set of facts."""

    product_id: UUID
    version: int
    verdict: str  # met, or possible


MOST = 200  # on one page

_JUDGE = f"""
SELECT j.product_id, p.version, least(j.verdict, CASE
    WHEN p.requires = '{{}}' THEN 2
    WHEN NOT %(known_place)s THEN 1
    WHEN p.requires <@ %(in_force)s::varchar[] THEN 2
    ELSE 0 END) AS verdict
FROM ({sql.judge(PREDICATES, "products_branch")}) AS j JOIN products_product p ON p.id = j.product_id
WHERE j.verdict > 0 AND p.state = 'ONLINE'
ORDER BY j.product_id"""


@query(may=EVERYBODY)
def shelf(
    *,
    text: str = "",
    kind: str = "",
    territory: str = "",
    collateral: str = "",
    purpose: str = "",
    institution_id: UUID | None = None,
    cursor: str = "",
    limit: int = 50,
    viewer: Actor,
) -> ShelfPage:
    """Products on the shelf, newest first. Anybody may look.

    `text` is looked for in the names and summaries, in both languages, and in the institution's names; `territory` keeps
    what is offered there; `collateral` what takes it. Refuses: Invalid (kind, territory, collateral, purpose, cursor).
    """
    rows = _on_the_shelf()
    if text.strip():
        wanted = text.replace("\x00", "").strip()
        rows = rows.filter(
            Q(name_zh__icontains=wanted) | Q(name_en__icontains=wanted) | Q(summary_zh__icontains=wanted)
            | Q(summary_en__icontains=wanted) | Q(product__institution__name_zh__icontains=wanted)
            | Q(product__institution__name_en__icontains=wanted)
        )  # fmt: skip
    if kind:
        rows = rows.filter(kind=known("kind", kind, [*KINDS]))
    if collateral:
        rows = rows.filter(collateral__contains=[known("collateral", collateral, [c.code for c in COLLATERAL])])
    if purpose:
        code = known("purpose", purpose, [c.code for c in PURPOSES])
        rows = rows.filter(Q(purposes=[]) | Q(purposes__contains=[code]))
    if territory:
        if (why := FIELDS["territory"].problem(territory)) is not None:
            raise Invalid(field="territory", problem=why)
        rows = rows.filter(Q(territories=[]) | Q(territories__overlap=list(lineage("territory", territory))))
    if institution_id is not None:
        rows = rows.filter(product__institution_id=institution_id)
    total = rows.count()
    limit = max(1, min(limit, MOST))
    if (after := read_cursor(cursor, instant, UUID)) is not None:
        rows = rows.filter(Q(published_at__lt=after[0]) | Q(published_at=after[0], pk__gt=after[1]))
    found = list(rows.order_by("-published_at", "id")[: limit + 1])
    more = cursor_of(found[limit - 1].published_at.isoformat(), found[limit - 1].pk) if len(found) > limit else ""
    return ShelfPage(tuple(_card(row) for row in found[:limit]), more, total)


@query(may=EVERYBODY)
def product(*, product_id: UUID, version: int | None = None, viewer: Actor) -> ProductView:
    """One product in its newest version, or in the one asked for, with its history. Refuses: Absent."""
    rows = list(_versions().filter(product_id=product_id).order_by("-version"))
    wanted = rows[0].version if rows and version is None else version
    row = next((r for r in rows if r.version == wanted), None)
    if row is None:
        raise Absent(kind="product")
    history = tuple(
        VersionLine(
            r.version, r.published_at, r.digest, r.name_zh, r.name_en, r.price_min_bp, r.price_max_bp, r.promise_hours
        )
        for r in rows
    )  # fmt: skip
    texts = in_words(criteria.parse(row.criteria), rules.parameters(viewer=viewer), on=row.published_at.date())
    return ProductView(_card(row), tuple(row.documents), row.criteria, texts, history)


@query(may=[Role.BANK, Role.PARTNER, Role.OPERATOR])
def own_products(*, institution_id: UUID | None = None, viewer: Actor) -> tuple[OwnProduct, ...]:
    """The products of the viewer's institution, drafts included, newest first; of any institution for the operator."""
    whose = institution_id if viewer.role in {Role.OPERATOR, Role.SYSTEM} else viewer.party_id
    rows = Product.objects.order_by("-created_at", "id").select_related("draft")
    if whose is not None:
        rows = rows.filter(institution_id=whose)
    found = list(rows[:1000])
    newest = {
        row.product_id: row
        for row in Version.objects.filter(product__in=found, version=F("product__version")).only(
            "product_id", "name_zh", "name_en"
        )
    }
    views = []
    for row in found:
        draft: Draft | None = getattr(row, "draft", None)
        version = newest.get(row.pk)
        views.append(
            OwnProduct(
                row.pk,
                row.state,
                row.version,
                version.name_zh if version else draft.terms["name_zh"] if draft else "",
                version.name_en if version else draft.terms["name_en"] if draft else "",
                draft.terms if draft else None,
                draft.edited_at if draft else None,
            )
        )
    return tuple(views)


@query(may=EVERYBODY)
def cards(*, ids: Iterable[UUID], viewer: Actor) -> dict[UUID, ProductCard]:
    """Newest published versions by product id; what was never published is left out."""
    rows = _versions().filter(product_id__in=list(ids), version=F("product__version"))
    return {row.product_id: _card(row) for row in rows}


@query(may=EVERYBODY)
def all_cards(*, viewer: Actor) -> dict[UUID, ProductCard]:
    """The whole shelf by product id."""
    return {row.product_id: _card(row) for row in _on_the_shelf()}


@query(may=EVERYBODY)
def eligible(*, facts: Facts, on: date, viewer: Actor) -> tuple[Standing, ...]:
    """Every product on the shelf that these facts meet, or may meet, judged in one SQL statement; by product id."""
    known = read_facts(facts)
    asked: dict[str, Any] = sql.question(known, rules.parameters(viewer=viewer), on=on)
    place = _place(known)
    asked |= {"known_place": place is not None, "in_force": sorted(_in_force(place, on))}
    with connection.cursor() as cursor:
        cursor.execute(_JUDGE, asked)
        rows = cursor.fetchall()
    assert all(verdict is not None for _, _, verdict in rows), "every predicate that criteria name is there"
    return tuple(
        Standing(key, version, "met" if verdict == 2 else "possible") for key, version, verdict in rows if verdict
    )


@query(may=EVERYBODY)
def explain(
    *, product_ids: Sequence[UUID], facts: Facts, on: date, viewer: Actor
) -> dict[UUID, Explanation]:
    """Why these products are, may be or are not for these facts, and the nearest change, in their newest versions.
    What was never published is left out."""
    known = read_facts(facts)
    place = _place(known)
    in_force = _in_force(place, on)
    parameters = rules.parameters(viewer=viewer)
    named = territories().get(place or "")
    label = Label(named.name_zh, named.name_en) if named else Label(place or "", place or "")
    rows = Version.objects.filter(product_id__in=list(product_ids), version=F("product__version"))
    return {
        row.product_id: explained(
            criteria.parse(row.criteria), row.requires, facts, parameters, in_force, on=on, place=label
        )
        for row in rows.only("product_id", "criteria", "requires")
    }


def _place(known: Mapping[str, criteria.Fact]) -> str | None:
    """The province or city of the corridor in which the company is registered, if that is known."""
    fact = known.get("territory")
    if fact is None:
        return None
    lies_in = lineage("territory", str(fact.value))
    return next((code for code in lies_in if code in territories()), lies_in[-1])


def _in_force(place: str | None, on: date) -> frozenset[str]:
    return policies.measures_in_force(place, on) if place is not None else frozenset()


def _versions() -> QuerySet[Version]:
    return Version.objects.select_related("product__institution")


def _on_the_shelf() -> QuerySet[Version]:
    return _versions().filter(product__state=State.ONLINE, version=F("product__version"))


def _card(row: Version) -> ProductCard:
    institution = row.product.institution
    return ProductCard(
        id=row.product_id,
        version=row.version,
        state=row.product.state,
        institution_id=institution.pk,
        institution_zh=institution.name_zh or institution.name_en,
        institution_en=institution.name_en or institution.name_zh,
        institution_sort=institution.sort,
        kind=row.kind,
        name_zh=row.name_zh,
        name_en=row.name_en,
        summary_zh=row.summary_zh,
        summary_en=row.summary_en,
        currency=row.currency,
        amount_min_minor=row.amount_min_minor,
        amount_max_minor=row.amount_max_minor,
        tenor_min_days=row.tenor_min_days,
        tenor_max_days=row.tenor_max_days,
        price_min_bp=row.price_min_bp,
        price_max_bp=row.price_max_bp,
        collateral=tuple(row.collateral),
        purposes=tuple(row.purposes),
        territories=tuple(row.territories),
        promise_hours=row.promise_hours,
        measures=tuple(row.measures),
        requires=tuple(row.requires),
        published_at=row.published_at,
        invented=institution.invented,
    )
