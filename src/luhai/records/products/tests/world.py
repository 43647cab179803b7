"""A small world for tests: institutions with an officer, and terms of a product."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from luhai.core.parties import commands as parties
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.records.products import commands

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def by(actor: Actor = SYSTEM, at: datetime = NOON) -> Origin:
    """A new request of this actor."""
    return Origin(actor, uuid4(), at)


def bank(name: str = "某银行") -> Actor:
    """An institution; answers its officer."""
    key = uuid4()
    parties.register_party(
        party_id=key, kind="institution", sort="city_bank", name_zh=name, name_en="Some Bank", country="CN",
        territory="500000", identifiers_={}, facts={}, invented=True, origin=by(),
    )  # fmt: skip
    return Actor(uuid4(), Role.BANK, key, "500000")


def terms(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "loan",
        "name_zh": "通道贷",
        "name_en": "Corridor Loan",
        "summary_zh": "面向通道企业的经营贷款。",
        "summary_en": "Working capital for firms on the corridor.",
        "currency": "CNY",
        "amount_min_minor": 10_000_000,
        "amount_max_minor": 1_000_000_000,
        "tenor_min_days": 30,
        "tenor_max_days": 365,
        "price_min_bp": 320,
        "price_max_bp": 450,
        "collateral": ["receivable", "guarantee"],
        "purposes": [],
        "territories": [],
        "documents": ["business_licence"],
        "promise_hours": 8,
        "measures": ["M05-04"],
        "requires": [],
        "criteria": {"all": [{"field": "age_months", "op": "at_least", "value": 12, "measure": "M05-05"}]},
    } | changes


def product(officer: Actor, *, at: datetime = NOON, **changes: Any) -> UUID:
    """A product on the shelf."""
    assert officer.party_id
    key = uuid4()
    commands.draft_product(
        product_id=key, institution_id=officer.party_id, terms=terms(**changes), origin=by(officer, at)
    )
    commands.publish_product(product_id=key, origin=by(officer, at))
    return key


FACTS: dict[str, dict[str, Any]] = {
    name: {"value": value, "source": "register", "as_of": "2026-01-31"}
    for name, value in {
        "territory": "500000",
        "age_months": 40,
        "currency": "CNY",
        "amount_minor": 100_000_000,
        "tenor_days": 90,
        "rate_cap_bp": 10_000,
        "collateral": ["receivable"],
        "purpose": "freight",
    }.items()
}
