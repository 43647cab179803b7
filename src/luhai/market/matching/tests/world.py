"""A small world for tests: companies, institutions, their people and products, made through commands."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from luhai.core.parties import commands as parties
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.market.matching import commands
from luhai.records.products import commands as products

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # Monday noon in Chongqing
CHONGQING, GUANGXI = "500000", "450000"
YUAN = 100
SOUND = {
    "industry": "F51",
    "size": "small",
    "age_months": 40,
    "revenue_minor": 20_000_000 * YUAN,
    "overdue": False,
    "dishonest": False,
}


def by(actor: Actor = SYSTEM, at: datetime = NOON) -> Origin:
    """A new request of this actor."""
    return Origin(actor, uuid4(), at)


def company(territory: str = CHONGQING, facts: dict[str, Any] = SOUND, name: str = "甲公司") -> Actor:
    """A company with a member; answers the member."""
    key = uuid4()
    parties.register_party(
        party_id=key, kind="company", sort="", name_zh=name, name_en="A Company", country="CN", territory=territory,
        identifiers_={}, invented=True, origin=by(),
        facts={name: {"value": v, "source": "register", "as_of": "2026-01-31"} for name, v in facts.items()},
    )  # fmt: skip
    return _member(key, Role.COMPANY, territory)


def bank(
    amount_minor: int = 10**12, count: int = 1000, *, territory: str = CHONGQING, role: Role = Role.BANK
) -> Actor:
    """An institution with an officer and, unless the count is 0, a capacity in yuan; answers the officer."""
    key = uuid4()
    parties.register_party(
        party_id=key, kind="institution", sort="city_bank", name_zh="某银行", name_en="Some Bank", country="CN",
        territory=territory, identifiers_={}, facts={}, invented=True, origin=by(),
    )  # fmt: skip
    officer = _member(key, role, territory)
    if count:
        capacity(officer, amount_minor, count)
    return officer


def capacity(officer: Actor, amount_minor: int, count: int) -> UUID:
    assert officer.party_id
    return commands.set_capacity(
        institution_id=officer.party_id, currency="CNY", starts_on=date(2020, 1, 1), ends_on=date(2099, 12, 31),
        amount_limit_minor=amount_minor, count_limit=count, origin=by(officer),
    )  # fmt: skip


def official(role: Role, territory: str = CHONGQING) -> Actor:
    key = uuid4()
    sort = {Role.PROVINCE: "province", Role.SUPERVISOR: "pboc", Role.OPERATOR: "operator"}[role]
    parties.register_party(
        party_id=key, kind="agency", sort=sort, name_zh="某机关", name_en="Some Agency", country="CN",
        territory=territory, identifiers_={}, facts={}, invented=True, origin=by(),
    )  # fmt: skip
    return _member(key, role, territory)


def colleague(of: Actor) -> Actor:
    """Another person who acts for the same party."""
    assert of.party_id
    return _member(of.party_id, of.role, of.territory)


def _member(party: UUID, role: Role, territory: str | None) -> Actor:
    person = uuid4()
    parties.add_person(
        person_id=person, email=f"{person.hex}@example.org", name_zh="某人", name_en="Somebody", password_hash=None, origin=by()
    )  # fmt: skip
    parties.add_membership(
        person_id=person, party_id=party, role=role, territory=None, origin=by()
    )
    return Actor(person, role, party, territory)


def terms(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "loan",
        "name_zh": "通道贷",
        "name_en": "Corridor Loan",
        "summary_zh": "面向通道企业的经营贷款。",
        "summary_en": "Working capital for firms on the corridor.",
        "currency": "CNY",
        "amount_min_minor": 100_000 * YUAN,
        "amount_max_minor": 10_000_000 * YUAN,
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
        "criteria": {
            "all": [
                {"field": "overdue", "op": "is", "value": False},
                {"field": "age_months", "op": "at_least", "value": 12, "measure": "M05-05"},
            ]
        },
    } | changes


def product(officer: Actor, **changes: Any) -> UUID:
    """A product on the shelf."""
    assert officer.party_id
    key = uuid4()
    products.draft_product(
        product_id=key, institution_id=officer.party_id, terms=terms(**changes), origin=by(officer)
    )
    products.publish_product(product_id=key, origin=by(officer))
    return key


def form(**changes: Any) -> dict[str, Any]:
    return {
        "purpose": "working_capital",
        "amount_minor": 1_000_000 * YUAN,
        "currency": "CNY",
        "tenor_days": 180,
        "collateral": ["receivable"],
        "objective": "price",
        "note": "",
    } | changes


def demand(member: Actor, *, matched: bool = True, **changes: Any) -> UUID:
    """A published demand, matched unless told otherwise."""
    assert member.party_id
    key = uuid4()
    commands.draft_demand(
        demand_id=key, company_id=member.party_id, form=form(**changes), origin=by(member)
    )
    commands.publish_demand(demand_id=key, origin=by(member))
    if matched:
        commands.match_demand(demand_id=key, origin=by(member))
    return key
