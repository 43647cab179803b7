"""Everything that can be done to demands and matches."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from luhai.kernel.origin import Origin, Role
from luhai.shell.command import command

OFFICERS = [Role.BANK, Role.PARTNER]


@command(may=[Role.COMPANY])
def draft_demand(*, demand_id: UUID, company_id: UUID, form: dict[str, Any], origin: Origin) -> UUID:
    """Begin a demand, or write over one's draft; return its id. `form` is policy.Form as JSON:
    purpose, amount_minor, currency, tenor_days, needed_by?, rate_cap_bp?, collateral[], green?, wants[]?, objective?, note?."""
    raise NotImplementedError


@command(may=[Role.COMPANY])
def publish_demand(*, demand_id: UUID, origin: Origin) -> UUID:
    """Freeze the facts with their sources and open the demand; return its id."""
    raise NotImplementedError


@command(may=[Role.COMPANY, Role.OPERATOR])
def match_demand(*, demand_id: UUID, origin: Origin) -> dict[str, Any]:
    """Find and rank products; return {"met", "possible", "failed", "proposed", "objective"} (counts)."""
    raise NotImplementedError


@command(may=[Role.COMPANY])
def send_match(*, match_id: UUID, origin: Origin) -> UUID:
    """Send one of one's matches to its institution, within its capacity; return the match's id."""
    raise NotImplementedError


@command(may=[Role.OPERATOR, Role.SUPERVISOR])
def assign_batch(*, most_asked: int = 3, time_limit_ms: int = 20_000, origin: Origin) -> dict[str, Any]:
    """Send all open demands to institutions within their capacity, as well as it can be done for all together."""
    raise NotImplementedError


@command(may=OFFICERS)
def offer(
    *, match_id: UUID, amount_minor: int, rate_bp: int, tenor_days: int, conditions: str, valid_until: datetime,
    origin: Origin,
) -> UUID:  # fmt: skip
    """Answer with an offer; return the match's id."""
    raise NotImplementedError


@command(may=OFFICERS)
def ask(
    *, match_id: UUID, question: str, fields: list[str], documents: list[str], origin: Origin
) -> UUID:
    """Answer with a question; return the question's id."""
    raise NotImplementedError


@command(may=OFFICERS)
def refuse(*, match_id: UUID, reason: str, note: str, origin: Origin) -> UUID:
    """Answer no, with a reason code of policy.REFUSALS; return the match's id."""
    raise NotImplementedError


@command(may=[Role.COMPANY])
def reply_to_ask(*, ask_id: UUID, reply: str, facts: dict[str, Any], origin: Origin) -> UUID:
    """Reply to a question, and state the facts it wanted; return the match's id."""
    raise NotImplementedError


@command(may=[Role.COMPANY])
def accept_offer(*, match_id: UUID, origin: Origin) -> UUID:
    """Take an offer; all other matches lapse. Return the match's id."""
    raise NotImplementedError


@command(may=[Role.COMPANY])
def withdraw_match(*, match_id: UUID, origin: Origin) -> UUID:
    """Take one match back, or decline its offer; return its id."""
    raise NotImplementedError


@command(may=[Role.COMPANY])
def withdraw_demand(*, demand_id: UUID, origin: Origin) -> UUID:
    """Take a demand back, and all its matches; return its id."""
    raise NotImplementedError


@command(may=OFFICERS)
def set_capacity(
    *, institution_id: UUID, currency: str, starts_on: date, ends_on: date, amount_limit_minor: int,
    count_limit: int, origin: Origin,
) -> UUID:  # fmt: skip
    """Say how much the institution takes on in a period; return the capacity's id."""
    raise NotImplementedError


@command(may=[])
def expire_overdue(*, origin: Origin) -> dict[str, int]:
    """Let lapse what has run out; return counts {"matches", "offers", "demands"}."""
    raise NotImplementedError
