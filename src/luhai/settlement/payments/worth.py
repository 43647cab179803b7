"""What a payment comes to where it is credited, and how much of the customs declaration it uses. Looks things up and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid5

from luhai.core.evidence import queries as evidence
from luhai.core.rules import rates
from luhai.kernel.money import Currency, Money
from luhai.kernel.origin import SYSTEM
from luhai.kernel.refusal import Invalid, gettext_noop
from luhai.settlement.checks import queries as checks

from . import policy
from .models import Override, Payment, Verdict

DECLARATION = "customs_declaration"


@dataclass(frozen=True, slots=True)
class Used:
    """A use of the declaration for settlement, in its own currency."""

    id: UUID
    evidence_id: UUID
    amount: int
    currency: str


def value_of(
    row: Payment, into: Currency, rate: str | None, source: str | None, on: date
) -> tuple[Money, rates.Rate | None]:
    """What is credited, and the rate where it is exchanged. Refuses: Invalid (rate, source), NoRate."""
    money = Money(row.amount, Currency(row.currency))
    if money.currency is into:
        for field, given in (("rate", rate), ("source", source)):
            if given is not None:
                raise Invalid(
                    field=field, problem=gettext_noop("nothing: the account is in the payment's currency")
                )
        return money, None
    if rate is None and source is not None:
        raise Invalid(field="rate", problem=gettext_noop("a number above zero, such as 7.1234"))
    found = (
        rates.reference(money.currency, into, on)
        if rate is None
        else rates.stated(money.currency, into, rate, on, source or "")
    )
    return found.convert(money), found


def use_of(row: Payment, verdict: Verdict, on: date, key: UUID) -> Used | None:
    """How much of the declaration this payment uses; none where none is to be used (an advance), or two persons let it pass without.

    Units:   the payment's amount in the declaration's currency; where an override explains the amount, no more than is left of it.
    Refuses: NoRate.
    """
    override = Override.objects.filter(verdict=verdict).exclude(approved_by=None).first()
    declaration = verdict.declaration_id or (_attached(verdict) if override else None)
    if declaration is None:
        return None
    currency, amount = evidence.facts(evidence_id=declaration, viewer=SYSTEM).currency, row.amount
    if currency != row.currency:
        if currency not in Currency.__members__:
            raise rates.NoRate(of=row.currency, into=currency, on=on.isoformat())
        money = Money(row.amount, Currency(row.currency))
        amount = rates.reference(money.currency, Currency(currency), on).convert(money).minor
    if override is not None and override.reason_code in policy.OF_AMOUNT:
        # Of nothing left nothing is used: the draw refuses that as any other.
        amount = min(amount, _left(declaration)) or amount
    return Used(uuid5(row.pk, f"use {key}"), declaration, amount, currency)


def _attached(verdict: Verdict) -> UUID | None:
    """The declaration on a payment that the check would not record it against (used up, another's): who lets it pass uses it all the
    same, so that no document carries two payments by way of an exception."""
    rules = checks.rules_of(verdict.rule_set)
    if not rules.situations[verdict.situation].uses_declaration:
        return None
    papers = [UUID(key) for key, *_ in verdict.papers]
    found = [p for p in papers if evidence.facts(evidence_id=p, viewer=SYSTEM).kind == DECLARATION]
    return max(found, key=lambda p: (_left(p), str(p)), default=None)


def _left(declaration: UUID) -> int:
    return evidence.remaining(evidence_id=declaration, viewer=SYSTEM).settlement_left
