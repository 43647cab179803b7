"""A small world for tests: an origin that has a package, a territory that may copy it, its people, and an exporter there with payments by rail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings

from luhai.core.evidence.tests.world import (
    OVERSEAS,
    company,
    contract,
    declaration,
    digits,
    id_of,
    party,
    received,
    uscc_of,
)
from luhai.core.policies import commands as policies
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.oversight.replication import commands, live_commands, queries
from luhai.records.products import queries as shelf
from luhai.records.products.tests import world as shelves
from luhai.settlement.checks.policy import Judgement, Said
from luhai.settlement.checks.queries import judge
from luhai.settlement.payments.tests.world import Desk, bank

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # Monday noon in Chongqing
TODAY = date(2026, 3, 2)
CHONGQING, SICHUAN, GUANGXI = "500000", "510000", "450000"
PACKAGE, MEASURE, DAYS = "corridor-logistics", "M14-03", "scenes.freight_days"
_serial = count(1)


def by(actor: Actor = SYSTEM, days: int = 0) -> Origin:
    return Origin(actor, uuid4(), NOON + timedelta(days=days))


def official(territory: str = SICHUAN) -> Actor:
    return party("agency", Role.PROVINCE, sort="province", territory=territory, name="Province")


def supervisor(territory: str = CHONGQING, sort: str = "pboc") -> Actor:
    return party("agency", Role.SUPERVISOR, sort=sort, territory=territory, name="Supervisor")


@dataclass(frozen=True)
class World:
    """Chongqing has the package; in Sichuan there are two officials, three companies and a bank."""

    first: Actor
    second: Actor
    supervisor: Actor
    origin: UUID
    exporter: Exporter


class Exporter(Desk):
    """A company of a territory and its bank, to which goods are paid that went by rail from Chengdu."""

    def __init__(self, territory: str = SICHUAN) -> None:
        (self.bank, self.bic), (self.partner, self.partner_bic) = bank(), bank("TH", Role.PARTNER)
        self.company = company(territory)
        self.currency = "CNY"
        self.number = f"6223{next(_serial):012d}"
        self.account = self.numbered(self.number)

    def carried(self, minor: int, days: int) -> list[UUID]:
        """Contract, declaration and rail note of one sale; the note was issued so many days before the payment."""
        day = TODAY - timedelta(days=days)
        note = json.loads((settings.DATA / "formats" / "examples" / "smgs-chengdu-almaty.json").read_text(encoding="utf-8"))
        number = f"33-{day:%Y%m%d}-{next(_serial):06d}"
        note["exchangedDocument"] |= {"id": {"content": number}, "issueDateTime": f"{day.isoformat()}T09:30:00+08:00"}
        load = note["specifiedConsignment"][0]
        load["consignor"] |= {"id": [{"content": uscc_of(self.company)}], "name": [{"content": "Some Exporter"}]}
        load["declaredValueForCarriageAmount"] = {"content": f"{minor * 7 // 100}.00", "currencyId": "CNY"}
        load["consignee"]["name"] = [{"content": OVERSEAS["name"]}]
        load["consignee"]["postalTradeAddress"]["countryId"] = {"content": "TH"}
        signed, declared = (day - timedelta(days=20)).isoformat(), day - timedelta(days=2)
        customs = f"8013{declared.year}0{digits(9)}"
        return [
            received(contract(self.company, minor, signed_on=signed), self.company),
            received(
                declaration(self.company, minor, declaration_no=customs, declared_on=declared.isoformat(), bill_no=number), self.company
            ),
            received(note, self.company),
        ]

    def judged(self, papers: list[UUID], minor: int, day: date, **more: Any) -> Judgement:
        said = Said(
            direction="in", currency="USD", amount_minor=minor, debtor_name=OVERSEAS["name"], debtor_country="TH",
            creditor_name="Some Exporter", invoices=(), value_date=TODAY, situation="goods_after_shipment",
        )  # fmt: skip
        return judge(said=said, papers=papers, bank_id=id_of(self.bank), company_id=id_of(self.company), on=day, **more)

    def paid(self, minor: int, days: int) -> UUID:
        """A payment that came with its papers and was checked."""
        papers = self.carried(minor, days)
        payment = self.came(minor)
        self.attach(payment, *papers)
        self.check(payment)
        return payment


def world() -> World:
    policies.load_seed(origin=by())
    origin = entered()
    party("institution", Role.BANK, sort="city_bank", territory=SICHUAN, name="Bank of Sichuan")
    for _ in range(2):
        company(SICHUAN)
    first = official()
    second = Actor(uuid4(), Role.PROVINCE, first.party_id, SICHUAN)
    return World(first, second, supervisor(), origin, Exporter())


def entered(package: str = PACKAGE, territory: str = CHONGQING, days: int = 0) -> UUID:
    return live_commands.enter(
        adoption_id=uuid4(), package=package, territory=territory, instrument_no="渝汇发〔2025〕1号", approver="国家外汇管理局",
        scope="全市", invented=True, origin=by(days=days),
    )  # fmt: skip


def state(actor: Actor, fact: str, value: Any, *, territory: str = SICHUAN, stated: date = TODAY, days: int = 180, at: int = 0) -> UUID:
    return commands.state_fact(
        statement_id=uuid4(), territory=territory, fact=fact, value=value, document=f"函 {fact}", digest="", stated_on=stated,
        until=stated + timedelta(days=days), origin=by(actor, at),
    )  # fmt: skip


def supported(w: World) -> None:
    """Everything that market and risk ask, stated."""
    for fact, value in (("supervision_grade", "B"), ("debt_colour", "green"), ("red_warnings", 0)):
        state(w.supervisor, fact, value)
    for fact, value in (("controls_complete", True), ("responsible_unit", True), ("data", ["transport_document", "customs_declaration"])):
        state(w.first, fact, value)


def drafted(
    w: World, *, overrides: dict[str, str] | None = None, start: int = 1, end: int | None = None, package: str = PACKAGE, at: int = 0
) -> UUID:  # fmt: skip
    """`at` the day on which it is done, `start` and `end` its first and last day, all counted from today."""
    return commands.draft(
        adoption_id=uuid4(), package=package, overrides=overrides or {}, starts_on=TODAY + timedelta(days=start),
        ends_on=TODAY + timedelta(days=end) if end is not None else None, origin=by(w.first, at),
    )  # fmt: skip


def examined(w: World, *, at: int = 0, **more: Any) -> UUID:
    key = drafted(w, at=at, **more)
    return commands.examine(adoption_id=key, origin=by(w.first, at))


def approved(w: World, *, at: int = 0, **more: Any) -> UUID:
    key = examined(w, at=at, **more)
    commands.propose(adoption_id=key, origin=by(w.first, at))
    return commands.approve(adoption_id=key, origin=by(w.second, at))


def granted(w: World, *, at: int = 0, **more: Any) -> UUID:
    key = approved(w, at=at, **more)
    return commands.grant(adoption_id=key, instrument_no="汇复〔2026〕7号", scope="全省", origin=by(w.supervisor, at))


def live(w: World, *, start: int = 1, **more: Any) -> UUID:
    key = granted(w, start=start, **more)
    return live_commands.go_live(adoption_id=key, origin=by(w.first, start))


def status(key: UUID) -> str:
    return queries.adoption(adoption_id=key, viewer=SYSTEM).line.state


def product(requires: list[str]) -> UUID:
    """A product on the shelf that rests on measures."""
    return shelves.product(shelves.bank(), requires=requires, collateral=["credit"], criteria={"all": []})


def matches(key: UUID, territory: str, day: date) -> str:
    """How a product stands to a company of a territory on a day: met, possible, or nothing."""
    facts = shelves.FACTS | {"territory": {"value": territory, "source": "register", "as_of": "2026-01-31"}}
    found = {s.product_id: s.verdict for s in shelf.eligible(facts=facts, on=day, viewer=SYSTEM)}
    return found.get(key, "")


