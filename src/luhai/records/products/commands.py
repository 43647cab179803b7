"""Everything that can be done to products."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import rfc8785
from django.db import IntegrityError, connection, transaction

from luhai.core.parties import queries as parties
from luhai.core.rules import queries as rules
from luhai.core.rules.criteria import as_json, check_parameters
from luhai.core.rules.sql import branch_rows, intern, predicates_of
from luhai.kernel.origin import Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.shell.command import command, record

from .lifecycle import NEXT, Action, State
from .models import PREDICATES, Branch, Draft, Product, Version
from .policy import cited, read_terms, whole

#: Publication of products (article 11) and their online area (article 12).
SHELF_MEASURES = ["M11-04", "M12-06"]


class ActionNotAllowed(Refusal):
    code = "products.action_not_allowed"
    message = gettext_noop("%(action)s is not allowed while the product is %(state)s.")


class NothingToPublish(Refusal):
    code = "products.nothing_to_publish"
    message = gettext_noop("There is no draft to publish.")


@command(may=[Role.BANK, Role.PARTNER])
def draft_product(*, product_id: UUID, institution_id: UUID, terms: dict[str, Any], origin: Origin) -> UUID:
    """Write, or write over, the next version of a product; return the product's id.

    Who:     an officer of that institution.
    Units:   `terms` is policy.Terms as JSON: minor units of its currency, days, basis points a year, working hours.
    Writes:  the Product when it is new; its Draft. What is on the shelf does not change.
    Refuses: NotEntitled, Invalid (names the field), Absent (the product is another institution's).
    """
    _own(institution_id, origin)
    written = read_terms(terms)
    check_parameters(whole(written), rules.parameters(viewer=origin.actor))
    product = Product.objects.filter(pk=product_id).first() or _create(product_id, institution_id, origin)
    if product.institution_id != institution_id:
        raise Absent(kind="product")
    product = Product.objects.select_for_update().get(pk=product_id)
    _advance(product, Action.EDIT)
    Draft.objects.update_or_create(
        product=product,
        defaults={"institution_id": institution_id, "terms": written.as_json(), "edited_at": origin.at},
    )
    record("products.drafted", product.pk, measures=cited(written))
    return product.pk


@command(may=[Role.BANK, Role.PARTNER])
def publish_product(*, product_id: UUID, origin: Origin) -> UUID:
    """Put the draft on the shelf as a new version, which never changes again; return the product's id.

    Who:     an officer of its institution.
    Writes:  one Version, the product's state and version, its criteria in the form that SQL judges. The draft ends.
    Refuses: Absent, NothingToPublish, ActionNotAllowed, Invalid (a parameter that is gone).
    Source:  measure M11-04 (publication of products), M12-06 (online area of products and services).
    """
    product = _locked(product_id, origin)
    draft = Draft.objects.filter(product=product).first()
    if draft is None:
        raise NothingToPublish(product=str(product_id))
    terms = read_terms(draft.terms)
    criteria = whole(terms)
    check_parameters(criteria, rules.parameters(viewer=origin.actor))
    _advance(product, Action.PUBLISH)
    product.version += 1
    product.requires = list(terms.requires)
    product.save(update_fields=["state", "version", "requires"])
    plain = terms.as_json()
    Version.objects.create(
        product=product,
        version=product.version,
        digest=hashlib.sha256(rfc8785.dumps(plain)).hexdigest(),
        published_at=origin.at,
        published_by=origin.actor.person_id,
        **plain | {"criteria": as_json(criteria)},
    )
    draft.delete()
    Branch.objects.filter(product=product).delete()
    with connection.cursor() as cursor:
        slots = intern(cursor, predicates_of(criteria), PREDICATES)
    Branch.objects.bulk_create(Branch(product=product, needs=needs) for needs in branch_rows(criteria, slots))
    record(
        "products.published", product.pk, measures=[*SHELF_MEASURES, *cited(terms)],
        rules=[f"product:{product.pk}@{product.version}"], institution=product.institution_id, version=product.version,
    )  # fmt: skip
    return product.pk


@command(may=[Role.BANK, Role.PARTNER])
def withdraw_product(*, product_id: UUID, origin: Origin) -> UUID:
    """Take a product off the shelf; return its id. Its versions and the matches made with them stay.

    Who:     an officer of its institution.
    Refuses: Absent, ActionNotAllowed.
    """
    product = _locked(product_id, origin)
    _advance(product, Action.WITHDRAW)
    product.save(update_fields=["state"])
    Branch.objects.filter(product=product).delete()
    record(
        "products.withdrawn", product.pk, measures=SHELF_MEASURES,
        rules=[f"product:{product.pk}@{product.version}"], institution=product.institution_id,
    )  # fmt: skip
    return product.pk


def _own(institution_id: UUID, origin: Origin) -> None:
    if origin.actor.role != Role.SYSTEM and origin.actor.party_id != institution_id:
        raise NotEntitled(who="an officer of the institution")
    if parties.party(party_id=institution_id, viewer=origin.actor).kind != "institution":
        raise Invalid(field="institution_id", problem="a company or an agency offers no products")


def _locked(product_id: UUID, origin: Origin) -> Product:
    """The product, locked, if it is the actor's institution's."""
    seen = Product.objects.filter(pk=product_id).first()
    if seen is None:
        raise Absent(kind="product")
    if origin.actor.role != Role.SYSTEM and seen.institution_id != origin.actor.party_id:
        raise NotEntitled(who="an officer of the institution")
    return Product.objects.select_for_update().get(pk=product_id)


def _create(product_id: UUID, institution_id: UUID, origin: Origin) -> Product:
    """Add a new product. An id that is another institution's hidden draft is, to this one, simply absent."""
    try:
        with transaction.atomic():
            return Product.objects.create(pk=product_id, institution_id=institution_id, created_at=origin.at)
    except IntegrityError:
        raise Absent(kind="product") from None


def _advance(product: Product, action: Action) -> None:
    state = State(product.state)
    if (state, action) not in NEXT:
        raise ActionNotAllowed(action=str(action), state=str(state))
    product.state = NEXT[state, action]
