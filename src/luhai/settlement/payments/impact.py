"""What scenes would have done to payments that were checked: for whoever thinks of putting one in force. Looks, and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from django.db.models import Q

from luhai.kernel.calendar import SHANGHAI
from luhai.kernel.origin import SYSTEM
from luhai.settlement.checks import queries as checks
from luhai.shell.context import acting

from .models import Verdict


@dataclass(frozen=True, slots=True)
class Rejudged:
    """The last verdict of a payment in the span, as it was and as it would have been with these scenes too. Amounts in minor units of `currency`.

    `eased` names what stood in the way and would not have; `hindered` what did not and would have. `stood_in` was met by other evidence.
    """

    payment_id: UUID
    company_id: UUID
    bank_id: UUID
    on: date
    currency: str
    amount: int
    tier: str
    spoke: bool  # whether any of the scenes speaks of it
    before: str  # clear | blocked
    after: str
    eased: list[str]
    hindered: list[str]
    stood_in: list[str]


def rejudged(
    *, territory: str, scenes: Sequence[str], since: date, until: date, limit: int = 5_000
) -> list[Rejudged]:
    """Payments of companies of the territory that were checked from `since` to `until` (included), oldest first; at most `limit`.

    Who:     commands and reports of upper floors, as the system; the answer is confidential as the payments are.
    Units:   `territory` a GB/T 2260 code of the corridor; companies of places within it count. `scenes` versions or keys.
    Refuses: NoScene, NoValueThen.
    """
    begins = datetime.combine(since, time.min, SHANGHAI)
    ends = datetime.combine(date.fromordinal(until.toordinal() + 1), time.min, SHANGHAI)
    within = territory[:2] if territory.endswith("0000") else territory[:4] if territory.endswith("00") else territory
    with acting(SYSTEM):
        rows = (
            Verdict.objects.filter(Q(payment__company__territory__startswith=within), at__gte=begins, at__lt=ends)
            .select_related("payment__company")
            .order_by("payment", "-n")
            .distinct("payment")
        )
        found = [_rejudged(v, scenes) for v in sorted(rows, key=lambda v: (v.at, v.pk))[:limit]]
    return found


def _rejudged(v: Verdict, scenes: Sequence[str]) -> Rejudged:
    on, laid = v.at.astimezone(SHANGHAI).date(), checks.scenes_of(v.rule_set)
    told = {
        "rule_set": v.rule_set, "situation": v.situation, "tier": v.tier, "territory": v.payment.company.territory, "facts": v.facts, "on": on,
    }  # fmt: skip
    before, after = checks.rejudge(**told, scenes=laid), checks.rejudge(**told, scenes=[*laid, *scenes])
    was, now = {f.name for f in before.in_the_way}, {f.name for f in after.in_the_way}
    return Rejudged(
        v.payment_id, v.payment.company_id, v.payment.bank_id, on, v.payment.currency, v.payment.amount, v.tier, bool(after.scenes),
        before.verdict, after.verdict, sorted(was - now), sorted(now - was), [f.name for f in after.findings if f.status == "stood_in"],
    )  # fmt: skip
