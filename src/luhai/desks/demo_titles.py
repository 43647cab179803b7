"""The demo's documents of title: a forwarder issues rail bills to companies that have an account; some are pledged.

Containers have true check digits and belong to nobody; numbers begin with DEMO.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from luhai.core.ledger import commands as ledger
from luhai.core.ledger.policy import Bound, Transfer
from luhai.core.titles import commands as titles
from luhai.kernel.identifiers import Kind, complete
from luhai.kernel.origin import Actor, Role

#: Goods, tonnes, from, to: what goes down the corridor.
_FREIGHT: Final = (
    ("汽车零部件", 24, "CNCQI", "LAVTE"),
    ("化工原料 聚乙烯", 40, "CNCQI", "VNHPH"),
    ("机电产品", 18, "CNCTU", "THLCH"),
    ("鲜果 火龙果", 25, "VNHAN", "CNNNG"),
    ("锰矿", 60, "CNNNG", "CNCQI"),
)


def load(loader: Any, seller_of: Any, officer_of: Any) -> int:
    """Issue three bills to each company with an account: one as it was issued, one pledged, one presented; return how many."""
    corridor = loader.corridor
    account_of = {p.party_id: Actor(p.id, Role(str(p.role)), p.party_id, p.territory) for p in corridor.people}
    owners = [c for c in corridor.companies if c.id in account_of and c.country == "CN"]
    forwarder = next(c for c in corridor.companies if c.id not in account_of and c.country == "CN")
    banks = [b for b in corridor.institutions if b.id in account_of] or list(corridor.institutions[:1])
    issuer = seller_of(forwarder.id)
    count = 0
    for place, owner in enumerate(owners):
        holder = account_of[owner.id]
        bank = banks[place % len(banks)]
        for turn in range(3):
            goods, tonnes, start, end = _FREIGHT[(place + turn) % len(_FREIGHT)]
            at = loader.at(9 - turn, 10 + turn)
            title = uuid5(owner.id, f"demo title {turn}")
            number = f"DEMO-RB-{100 + place:03d}-{turn + 1}"
            container = complete(Kind.CONTAINER, f"XLHU{place * 3 + turn + 300_000:06d}")
            titles.issue_title(
                title_id=title, kind="transport_document", holder_id=owner.id, quantity=tonnes, unit="TNE",
                subject={
                    "document": "rail_bill", "number": number, "containers": [container], "goods": goods, "origin": start,
                    "destination": end, "departs_on": (at + timedelta(days=1)).date().isoformat(),
                },
                origin=loader.origin(f"title:{title}", issuer, at),
            )  # fmt: skip
            count += 1
            if turn == 1:
                titles.pledge_title(
                    title_id=title, pledgee=bank.id, quantity=tonnes - 4, secured_minor=tonnes * 500_000, currency="CNY",
                    registration=f"DEMO{place:08d}", origin=loader.origin(f"pledge:{title}", holder, loader.at(6)),
                )  # fmt: skip
            elif turn == 2:
                titles.surrender_title(title_id=title, origin=loader.origin(f"surrender:{title}", holder, loader.at(5)))
    for bank in banks:
        _books(loader, account_of.get(bank.id) or officer_of(bank))
    return count


def _books(loader: Any, officer: Actor) -> None:
    """A bank's own line for corridor loans: granted, partly used, partly reserved."""
    assert officer.party_id is not None
    source, line, out = (uuid5(officer.party_id, f"demo {name}") for name in ("source", "line", "lent"))
    for account, kind, bound in ((source, "source", Bound.NONE), (line, "line", Bound.DEBITS), (out, "lent", Bound.NONE)):
        ledger.open_account(
            account_id=account, unit="CNY", kind=kind, bound=bound, origin=loader.origin(f"account:{account}", officer, loader.at(11))
        )
    ledger.post_own(
        transfers=[Transfer(id=uuid5(line, "grant"), debit=source, credit=line, unit="CNY", amount=5_000_000_000, code="line.granted")],
        origin=loader.origin(f"grant:{line}", officer, loader.at(11)),
    )  # fmt: skip
    for turn, amount in enumerate((800_000_000, 350_000_000, 1_200_000_000)):
        ledger.post_own(
            transfers=[Transfer(id=uuid5(line, str(turn)), debit=line, credit=out, unit="CNY", amount=amount, code="loan.drawdown")],
            origin=loader.origin(f"draw:{line}:{turn}", officer, loader.at(9 - turn)),
        )  # fmt: skip


def first_of(company: UUID) -> UUID:
    """The id of a company's pledged bill, for the journeys in a browser."""
    return uuid5(company, "demo title 1")

