"""A small world for tests: events told to the journal by a command made for the purpose, sealed, gathered, and tampered with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connections

from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.oversight.statistics import commands
from luhai.oversight.statistics.models import Fact, Reader, Unread
from luhai.shell import journal
from luhai.shell.command import command, record
from luhai.shell.context import acting

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # Monday noon in Chongqing
CHONGQING, GUANGXI = "500000", "450000"
BANKS = [UUID(int=0xB000 + n) for n in range(3)]
COMPANIES = [UUID(int=0xC000 + n) for n in range(8)]

Told = tuple[str, str, dict[str, Any]]  # kind, subject, data


class Crash(Exception):
    """The process falls over."""


@command(may=[Role.OPERATOR])
def tell(*, events: Sequence[Told], origin: Origin) -> None:
    for kind, subject, data in events:
        record(kind, subject, measures=["M11-06"], **data)


@command(may=[Role.OPERATOR])
def gather_and_fall(*, limit: int, origin: Origin) -> None:
    commands.gather(limit=limit, origin=origin.child("gather"))
    raise Crash


def by(actor: Actor = SYSTEM, at: datetime = NOON) -> Origin:
    return Origin(actor, uuid4(), at)


def told(*events: Told, at: datetime = NOON) -> None:
    tell(events=list(events), origin=by(at=at))


def about(company: int = 0, bank: int = 0, territory: str | None = CHONGQING, currency: str = "CNY") -> dict[str, Any]:
    return {"bank": str(BANKS[bank]), "company": str(COMPANIES[company]), "territory": territory, "currency": currency}


def drawn(amount: int, draw: UUID | None = None, title: UUID | None = None, **who: Any) -> Told:
    """What lending records when a draw is paid out."""
    said = about(**who) | {"amount": amount, "rate_bp": 345, "due": "2027-03-01", "title": title and str(title)}
    return "lending.draw_disburse", str(draw or uuid4()), said


def moved(principal: int, draw: UUID | None = None, title: UUID | None = None, interest: int = 5, **who: Any) -> Told:
    """What lending records when money comes back."""
    parts = {"principal": principal, "interest": interest, "fees": 0, "penalty": 0, "on": "2026-03-02", "how": "repaid"}
    return "lending.moved", str(draw or uuid4()), about(**who) | parts | {"title": title and str(title)}


def credited(amount: int, documents: int = 0, country: str = "TH", **who: Any) -> Told:
    """What payments record when a payment from abroad is credited."""
    said = {"amount": amount, "value_minor": amount, "value_currency": "CNY", "escrow": None, "documents": documents}
    return "payments.credited", str(uuid4()), about(**who) | said | {"debtor_country": country}


def sent_back(amount: int, **who: Any) -> Told:
    return "payments.returned", str(uuid4()), about(**who) | {"amount": amount, "debtor_country": "SG", "reason_code": "CUST"}


def sealed(at: datetime = NOON) -> None:
    journal.seal(at=at)


def gathered(limit: int = commands.BATCH, at: datetime = NOON) -> int:
    """Everything sealed is read; how many facts that wrote. Each call is another instant's."""
    total = 0
    while True:
        done = commands.gather(limit=limit, origin=by(at=at))
        total += done["facts"]
        if not done["more"]:
            return total


def counted(*events: Told, at: datetime = NOON) -> None:
    """Told, sealed and gathered."""
    told(*events, at=at)
    sealed()
    gathered()


def facts() -> list[tuple[Any, ...]]:
    names = [f.attname for f in Fact._meta.fields if f.name != "id"]
    with acting(SYSTEM):
        return list(Fact.objects.order_by("position", "index", "kind").values_list(*names))


def unread() -> list[tuple[int, int]]:
    with acting(SYSTEM):
        return list(Unread.objects.order_by("position", "index").values_list("position", "index"))


def position() -> int:
    return Reader.objects.get(name="facts").position


def owner(statement: str, *values: Any) -> None:
    """As somebody who owns the database."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement, values or None)


def forget(journal_too: bool = False) -> None:
    """Begin anew: no facts, nothing read; and nothing told, if so asked."""
    also = ", journal_entry, journal_batch" if journal_too else ""
    owner(f"TRUNCATE statistics_fact, statistics_unread, statistics_part, statistics_acts, statistics_reader{also}")
    owner("INSERT INTO statistics_reader (name, position) VALUES ('facts', 0), ('export', 0), ('acts', 0)")
