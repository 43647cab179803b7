"""What the tests share: a corridor payment, and why a message was refused in one word."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from luhai.kernel.refusal import Invalid
from luhai.settlement.messages import compose, envelope, tree
from luhai.settlement.messages.message import (
    Account,
    Address,
    Amount,
    Message,
    Party,
    Referred,
    Remittance,
    Structured,
    Transaction,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone(timedelta(hours=8)))
UETR = "3e7b91d4-af28-4c53-b6e1-92d4a7c83f52"
FOLDER = Path("data") / "1-iso20022"

CHONGQING = Party(role="sender", institution=True, bic="ICBKCNBJCQG")
BANGKOK = Party(role="receiver", institution=True, bic="BKKBTHBKXXX")

PAYMENT = Transaction(
    instruction_id="CQ2603020001",
    end_to_end_id="PO-2026-118",
    uetr=UETR,
    amount=Amount(Decimal("128000.00"), "CNY"),
    settled_on=date(2026, 3, 2),
    charge_bearer="SHAR",
    purpose="GDDS",
    parties=(
        Party(
            role="debtor",
            name="Chongqing Yutong Import and Export Co Ltd",
            address=Address(street="Jinkai Avenue", building="68", town="Chongqing", country="CN"),
            lei="LUHAI0CQYUTONG000153",
            account=Account(number="3100024509200012345"),
        ),
        Party(role="debtor_agent", institution=True, bic="ICBKCNBJCQG"),
        Party(role="creditor_agent", institution=True, bic="BKKBTHBKXXX"),
        Party(
            role="creditor",
            name="Chanthaburi Fruit Export Co Ltd",
            address=Address(town="Chanthaburi", country="TH", lines=("88 Moo 4",)),
            account=Account(number="1234567890"),
        ),
    ),
    remittance=Remittance(
        structured=(
            Structured(documents=(Referred(kind="CINV", number="CF-2026-031", dated=date(2026, 2, 20)),)),
        )
    ),
)


def order(**changes: object) -> Message:
    """A pacs.008 from Chongqing to Bangkok, with some of its payment's fields changed."""
    return compose.credit_transfer(
        id="CQB-20260302-1",
        created=NOON,
        sender=CHONGQING,
        receiver=BANGKOK,
        transaction=replace(PAYMENT, **changes),  # type: ignore[arg-type]
    )


def why(refusal: Invalid) -> str:
    """not XML, no message, national namespace, absent type, or schema."""
    problem = str(refusal.facts["problem"])
    return {
        tree.NOT_XML: "not XML",
        envelope.NO_MESSAGE: "no message",
        envelope.NATIONAL: "national namespace",
        envelope.OTHER_TYPE: "absent type",
    }.get(problem, "schema" if "/" in str(refusal.facts["field"]) else "other")
