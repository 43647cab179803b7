"""The demo's loans: companies of the corridor draw on lines of theirs over the last months, so that figures have more than one company beneath.

Every loan goes through the commands that a bank and a company use: a line of two officers' making, signed, drawn on, paid out, some of it paid
back. What is invented is who and how much.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from luhai.core.rules.business_days import calendar
from luhai.financing.lending import commands as lending
from luhai.financing.lending import line_commands as lines
from luhai.financing.lending import queries as loans
from luhai.kernel.origin import SYSTEM, Actor, Role

#: How many, over how many days; the last of them some days ago.
LOANS: Final = 64
OLDEST, NEWEST = 82, 6
#: What they borrow, in fen, by the size of the company; by turns up to three times as much.
AMOUNTS: Final = {"micro": 120_000_000, "small": 180_000_000, "medium": 260_000_000, "large": 420_000_000}
SIZES: Final = {"micro": "X", "small": "S", "medium": "M", "large": "L"}
PURPOSES: Final = ("支付铁路运费", "采购出口货物", "支付港口与仓储费用", "支付境外货款")
_TERMS: Final = (("1 month", 1), ("3 months", 3), ("18 months", 18))
_LENDERS: Final = ("policy_bank", "big_bank", "joint_stock_bank", "city_bank", "rural_bank")


def load(loader: Any, seller_of: Any, officer_of: Any) -> int:
    """Make the loans and close the evenings until yesterday; return how many there are. Done again it changes nothing."""
    banks = [b for b in loader.corridor.institutions if b.country == "CN" and b.kind in _LENDERS]
    companies = [c for c in loader.corridor.companies if c.country == "CN" and c.facts.get("size") in SIZES]
    for number, company in enumerate(companies[:LOANS]):
        chance = uuid5(company.id, "demo loan").int
        bank = banks[chance % len(banks)]
        days = NEWEST + chance // 7 % (OLDEST - NEWEST)
        _loan(loader, number, company, bank, _working(loader, days), chance, seller_of, officer_of)
    return min(len(companies), LOANS)


def _working(loader: Any, days_ago: int) -> datetime:
    """A morning of a working day, at or after so many days ago."""
    at: datetime = loader.at(days_ago, 9, 30)
    day = calendar().business_day_from(calendar().local_date(at))
    return at + (day - calendar().local_date(at))


def _loan(loader: Any, number: int, company: Any, bank: Any, at: datetime, chance: int, seller_of: Any, officer_of: Any) -> None:
    line, draw = uuid5(company.id, "demo line"), uuid5(company.id, "demo draw")
    officer, second, owner = officer_of(bank), _second(officer_of(bank)), seller_of(company.id)
    size = company.facts["size"]
    amount = AMOUNTS[size] * (10 + chance // 11 % 20) // 10
    months = _TERMS[chance // 13 % len(_TERMS)][1]
    day = calendar().local_date(at)

    def by(step: str, actor: Actor, minutes: int) -> Any:
        return loader.origin(f"loan:{company.id}:{step}", actor, at + timedelta(minutes=minutes))

    lines.open_line(
        line_id=line, company_id=company.id, number=f"DEMO-{day:%Y}-{number + 1:04d}",
        contract={
            "currency": "CNY", "starts_on": day.isoformat(), "ends_on": (day + timedelta(days=730)).isoformat(),
            "spread_bp": 20 + chance // 17 % 120, "needs_pledge": False, "needs_evidence": False, "needs_insurance": False,
        },
        limits=[{"name": "whole", "parent": None, "amount": amount * 2}], size=SIZES[size],
        industry=str(company.facts.get("industry") or "")[:1], origin=by("line", officer, 0),
    )  # fmt: skip
    lines.approve_line(line_id=line, origin=by("approve line", second, 20))
    lines.sign_line(line_id=line, digest=loans.line(line_id=line, viewer=SYSTEM).digest, origin=by("sign", owner, 60))
    lines.start_line(line_id=line, origin=by("start", officer, 90))
    lending.request_draw(
        draw_id=draw, line_id=line, limit="whole", amount=amount, purpose=PURPOSES[chance % len(PURPOSES)],
        repayment={"method": "principal_at_end", "number": 1, "every": months, "unit": "months"}, origin=by("request", owner, 120),
    )  # fmt: skip
    lending.approve_draw(draw_id=draw, green="Y" if chance // 19 % 4 == 0 else "N", origin=by("approve", officer, 150))
    lending.disburse(draw_id=draw, origin=by("disburse", second, 180))
    if number % 4 == 0:  # drawn and repaid at will: half of it comes back early
        back = min(at + timedelta(days=12), loader.now)
        lending.repay(draw_id=draw, amount=amount // 2, origin=loader.origin(f"loan:{company.id}:repay", owner, back))


def _second(officer: Actor) -> Actor:
    """A colleague: what one officer writes, another approves."""
    assert officer.role == Role.BANK
    return Actor(_person(officer), officer.role, officer.party_id, officer.territory)


def _person(officer: Actor) -> UUID:
    assert officer.party_id is not None
    return uuid5(officer.party_id, "second desk")
