"""Load an invented corridor through the subjects' own commands, and run the main job on it.

Everything goes through the same commands as on a real instance, with keys derived from the seed, so an interrupted
load goes on where it stopped and a second one does nothing. All of it is invented and marked so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from luhai.core.parties import commands as parties
from luhai.core.policies import commands as policies
from luhai.core.rules.fields import PURPOSES
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Refusal
from luhai.market.matching import commands as matching
from luhai.market.matching import queries as market
from luhai.records.products import commands as products
from luhai.shell import journal
from simulator import corridor as invented

from . import commands, demo_escrow, demo_evidence, demo_loans, demo_replication, demo_titles
from .lane import cast as casts
from .lane.cast import Cast

_SPACE: Final = UUID("5d0c3a54-6c75-5861-a9d1-6c7568616902")
_SHANGHAI: Final = ZoneInfo("Asia/Shanghai")

#: The simulator's words for institutions and agencies -> the register's.
_INSTITUTIONS: Final = {
    "policy_bank": "policy_bank", "big_bank": "large_bank", "joint_stock_bank": "joint_stock_bank",
    "city_bank": "city_bank", "rural_bank": "rural_bank", "leasing": "lessor", "insurer": "insurer",
    "guarantee": "guarantor", "partner_bank": "foreign_bank",
}  # fmt: skip
_AGENCIES: Final = {"provincial": "province", "supervisor": "pboc", "operator": "operator"}
#: Measures whose business opens only where they are in force: a product that carries one is closed elsewhere.
_GATED: Final = {"M05-08", "M07-06", "M08-01", "M08-03", "M10-03"}
#: Facts that a register would tell; the company states the others itself.
_REGISTERED: Final = {"industry", "founded_on", "age_months", "lists", "credit_grade", "overdue"}


@dataclass(frozen=True)
class Loader:
    """One load: a corridor, and the present. What is entered happened in the twelve days before, in working time."""

    corridor: Any
    seed: int
    now: datetime

    def at(self, days_ago: int, hour: int = 10, minute: int = 0) -> datetime:
        """An instant some days before the day of the corridor, and never in the future."""
        day = self.corridor.as_of - timedelta(days=days_ago)
        return min(self.now, datetime.combine(day, time(hour % 24, minute % 60), _SHANGHAI))

    def origin(self, step: str, actor: Actor = SYSTEM, at: datetime | None = None) -> Origin:
        return Origin(actor, uuid5(_SPACE, f"{self.seed}:{step}"), at or self.at(12))


def key_of_finish(seed: int, size: str) -> UUID:
    return uuid5(_SPACE, f"{seed}:{size}:finish")


def loaded(seed: int, size: str) -> dict[str, Any] | None:
    """What came of the load and the job, if both are done."""
    found: dict[str, Any] | None = journal.answered(SYSTEM.person_id, key_of_finish(seed, size))
    return found


def load(*, seed: int, size: str, now: datetime, say: Callable[[str], None]) -> dict[str, Any]:
    """Load the corridor of a seed and run the main job; return counts, and what the table shows."""
    began = commands.begin_demo(seed=seed, size=size, origin=Origin(SYSTEM, uuid5(_SPACE, f"{seed}:{size}:begin"), now))
    as_of = date.fromisoformat(began["as_of"])
    with connection.cursor() as cursor:  # a power cut may lose the last second of an invented corridor; it is loaded again
        cursor.execute("SET synchronous_commit = off")
    corridor = invented.generate(seed=seed, size=invented.Size(size), as_of=as_of)
    loader = Loader(corridor, seed, now)

    say("The policy and its measures")
    measures = policies.load_seed(origin=loader.origin("policy"))["measures"]
    say("Who is who")
    _parties(loader)
    say("Where the measures are in force")
    _adoptions(loader)
    say("The shelf of products")
    count = _products(loader)
    say("Packages that territories copy from each other")
    packages = demo_replication.load(loader, officer_of)
    say("Demands, matched")
    demands = _demands(loader)
    say("Demands offered to institutions within their capacity")
    assigned = matching.assign_batch(origin=loader.origin("assign", at=loader.at(4, 9, 30)))
    say("Institutions answer")
    answers = _answers(loader, demands)
    say("Documents of title, pledges, accounts")
    titles = demo_titles.load(loader, seller_of, officer_of)
    say("Loans on lines, over the last months")
    loans = demo_loans.load(loader, seller_of, officer_of)
    say("Trade documents, consents, what is financed on them")
    evidence = demo_evidence.load(loader)
    escrows = demo_escrow.load(loader, seller_of)
    summary = {
        "measures": measures,
        "territories": 15,
        "companies": corridor.counts.companies,
        "institutions": len(corridor.institutions),
        "products": count,
        "demands": len(demands),
        "matches": sum(d["proposed"] for d in demands.values()),
        "sent": int(assigned["sent"]),
        "titles": titles,
        "loans": loans,
        "evidence": evidence,
        "packages": packages,
        "escrows": escrows,
        **answers,
    }
    with connection.cursor() as cursor:
        cursor.execute("RESET synchronous_commit")
    journal.seal(at=now)
    return commands.finish_demo(
        seed=seed, size=size, summary=summary, origin=Origin(SYSTEM, key_of_finish(seed, size), now)
    )


def _parties(loader: Loader) -> None:
    for agency in loader.corridor.agencies:
        _register(loader, agency.id, "agency", _AGENCIES[agency.kind], agency.name_zh, agency.name_en, "CN", agency.territory, {}, {})
    for bank in loader.corridor.institutions:
        _register(
            loader, bank.id, "institution", _INSTITUTIONS[bank.kind], bank.name_zh or "", bank.name_en, bank.country,
            bank.home, {"bic": bank.bic} if bank.bic else {}, {},
        )  # fmt: skip
    as_of = loader.corridor.as_of.isoformat()
    for company in loader.corridor.companies:
        numbers = {"uscc": company.uscc, "lei": company.lei, "national": company.registration_no}
        facts = {
            name: {"value": value, "source": "register" if name in _REGISTERED else "company", "as_of": as_of}
            for name, value in _plain(company.facts).items()
            if value is not None and name not in {"territory", "country"}
        }
        _register(
            loader, company.id, "company", "", company.name_zh or "", company.name_en, company.country,
            company.territory, {scheme: n for scheme, n in numbers.items() if n}, facts,
        )  # fmt: skip
    for person in loader.corridor.people:
        parties.add_person(
            person_id=person.id, email=email_of(person.username), name_zh=person.name_zh, name_en=person.name_en,
            password_hash=None, origin=loader.origin(f"person:{person.id}"),
        )  # fmt: skip
        parties.add_membership(
            person_id=person.id, party_id=person.party_id, role=str(person.role), territory=person.territory,
            origin=loader.origin(f"member:{person.id}"),
        )  # fmt: skip


def _register(
    loader: Loader, party: UUID, kind: str, sort: str, zh: str, en: str, country: str, territory: str | None,
    numbers: dict[str, str], facts: dict[str, Any],
) -> None:  # fmt: skip
    parties.register_party(
        party_id=party, kind=kind, sort=sort, name_zh=zh, name_en=en, country=country, territory=territory,
        identifiers_=numbers, facts=facts, invented=True, origin=loader.origin(f"party:{party}"),
    )  # fmt: skip


def _adoptions(loader: Loader) -> None:
    for adoption in loader.corridor.adoptions:
        policies.enter_adoption(
            measure=adoption.measure, territory=adoption.territory, status=adoption.status,
            valid_from=date.fromisoformat(adoption.valid_from),
            until=date.fromisoformat(adoption.until) if adoption.until else None,
            instrument_no=adoption.instrument_no, approver=adoption.approver_zh, scope=adoption.instrument_zh,
            invented=True, origin=loader.origin(f"adoption:{adoption.id}"),
        )  # fmt: skip


def officer_of(bank: Any) -> Actor:
    """The desk of an institution in the demo: who publishes and answers where no account is named."""
    role = Role.PARTNER if bank.kind == "partner_bank" else Role.BANK
    return Actor(uuid5(bank.id, "desk"), role, bank.id, bank.home)


def _products(loader: Loader) -> int:
    banks = {bank.id: bank for bank in loader.corridor.institutions}
    for bank in banks.values():
        start = loader.corridor.as_of - timedelta(days=30)
        matching.set_capacity(
            institution_id=bank.id, currency="CNY", starts_on=start, ends_on=start + timedelta(days=120),
            amount_limit_minor=bank.capacity_minor, count_limit=40,
            origin=loader.origin(f"capacity:{bank.id}", officer_of(bank)),
        )  # fmt: skip
    count = 0
    for product in loader.corridor.products:
        officer = officer_of(banks[product.institution_id])
        products.draft_product(
            product_id=product.id, institution_id=product.institution_id, terms=terms_of(product),
            origin=loader.origin(f"draft:{product.id}", officer),
        )  # fmt: skip
        products.publish_product(product_id=product.id, origin=loader.origin(f"publish:{product.id}", officer))
        count += 1
    return count


def terms_of(product: Any) -> dict[str, Any]:
    """The simulator's product in the words of `records.products.policy.Terms`."""
    own = _plain(product.criteria)
    same = ("kind", "name_zh", "name_en", "summary_zh", "summary_en", "currency", "amount_min_minor", "amount_max_minor",
            "tenor_min_days", "tenor_max_days", "price_min_bp", "price_max_bp", "promise_hours", "collateral", "purposes", "territories", "documents",
            "measures")  # fmt: skip
    return {name: _plain(getattr(product, name)) for name in same} | {
        "requires": [m for m in product.measures if m in _GATED],
        "criteria": own if set(own) == {"all"} else {"all": [own]},
    }


def _demands(loader: Loader) -> dict[UUID, dict[str, Any]]:
    objectives = ("price", "fit", "speed", "collateral")
    done: dict[UUID, dict[str, Any]] = {}
    for demand in loader.corridor.demands:
        seller = seller_of(demand.company_id)
        at = loader.at(5 + demand.number % 6, 9 + demand.number % 8, demand.number * 7)
        form = {
            "purpose": demand.purpose, "amount_minor": demand.amount_minor, "currency": demand.currency,
            "tenor_days": demand.tenor_days, "needed_by": demand.needed_by, "rate_cap_bp": demand.rate_cap_bp,
            "collateral": list(demand.collateral), "green": demand.green,
            "objective": objectives[demand.number % len(objectives)], "note": demand.text_zh,
        }  # fmt: skip
        matching.draft_demand(
            demand_id=demand.id, company_id=demand.company_id, form=form,
            origin=loader.origin(f"demand:{demand.id}", seller, at),
        )  # fmt: skip
        matching.publish_demand(demand_id=demand.id, origin=loader.origin(f"open:{demand.id}", seller, at))
        done[demand.id] = matching.match_demand(demand_id=demand.id, origin=loader.origin(f"match:{demand.id}", seller, at))
    return done


def seller_of(company: UUID) -> Actor:
    return Actor(uuid5(company, "desk"), Role.COMPANY, company)


def _answers(loader: Loader, demands: dict[UUID, dict[str, Any]]) -> dict[str, int]:
    """Institutions answer some of what lies with them, the same each time: of ten, six offers, a question, a refusal.

    Two of ten wait, so that the desks of the demo have something to do. One company in three without an
    account takes its first offer.
    """
    banks = {bank.id: bank for bank in loader.corridor.institutions}
    with_account = {person.party_id for person in loader.corridor.people}
    wanted = {d.id: d for d in loader.corridor.demands}
    done: Counter[str] = Counter(offers=0, asked=0, refused=0, accepted=0)
    for number, demand in enumerate(demands):
        seller = seller_of(wanted[demand].company_id)
        sent = [m for m in market.matches(demand_id=demand, now=loader.now, viewer=seller, limit=50).items if m.state == "SENT"]
        last = loader.at(4)
        offered: list[UUID] = []
        for match in sent:
            actor = officer_of(banks[match.product.institution_id])
            chance = uuid5(demand, str(match.product.id)).int  # the same on every machine
            choice = chance % 10
            at = loader.at(4 - chance % 4, 10 + chance % 7, chance % 59)
            last = max(last, at)
            origin = loader.origin(f"answer:{match.id}", actor, at)
            try:
                if choice < 6:
                    matching.offer(
                        match_id=match.id, amount_minor=wanted[demand].amount_minor,
                        rate_bp=min(match.product.price_min_bp + 10 * choice, match.product.price_max_bp),
                        tenor_days=wanted[demand].tenor_days, conditions="", valid_until=at + timedelta(days=21), origin=origin,
                    )  # fmt: skip
                    done["offers"] += 1
                    offered.append(match.id)
                elif choice == 6:
                    matching.ask(
                        match_id=match.id, question="请补充近十二个月通道货运记录。", fields=["corridor_shipments_12m"],
                        documents=[], origin=origin,
                    )  # fmt: skip
                    done["asked"] += 1
                elif choice == 7:
                    matching.refuse(match_id=match.id, reason="industry_limit", note="", origin=origin)
                    done["refused"] += 1
            except Refusal:
                continue  # an offer beyond what is left of the capacity: refused, recorded, and the desk keeps the match
        if offered and wanted[demand].company_id not in with_account and number % 3 == 0:
            matching.accept_offer(match_id=offered[0], origin=loader.origin(f"accept:{demand}", seller, last))
            done["accepted"] += 1
    return dict(done)


def cast_of(seed: int) -> Cast:
    """Who plays the lane of a seed: parties of its corridor where that is loaded here, else a set of their own."""
    if loaded(seed, "small") is None:
        return casts.invented("lane", seed)
    began = journal.answered(SYSTEM.person_id, uuid5(_SPACE, f"{seed}:small:begin"))
    corridor = invented.generate(seed=seed, size=invented.Size.SMALL, as_of=date.fromisoformat(began["as_of"]))
    return casts.of_corridor(corridor, seed)


def best_matches(count: int = 12) -> list[dict[str, Any]]:
    """The newest demands, each with its best match, or with the offer it took; for the table of the command line."""
    now = timezone.now()
    purposes = {code.code: code.zh for code in PURPOSES}
    shown: list[dict[str, Any]] = []
    for card in market.demands(limit=3 * count, viewer=SYSTEM).items:
        found = market.matches(demand_id=card.id, now=now, limit=50, viewer=SYSTEM).items
        if not found or len(shown) == count:
            continue
        order = {"ACCEPTED": 0, "OFFERED": 1}
        best = min(found, key=lambda m: (order.get(m.state, 2), m.rank))
        shown.append(
            {
                "company": card.company_zh or card.company_en,
                "demand": f"{purposes[card.purpose]} {card.amount_minor // 1_000_000}万{card.currency} {card.tenor_days}天",
                "product": best.product.name_zh,
                "institution": best.product.institution_zh or best.product.institution_en,
                "state": best.state,
                "score": str(best.score),
                "measures": sorted({r.measure for r in best.reasons if r.measure} | set(best.product.measures)),
            }
        )
    return shown


def email_of(username: str) -> str:
    return f"{username}@demo.luhai.example"


def _plain(value: Any) -> Any:
    """Tuples, sets and dates of the simulator as JSON carries them."""
    if isinstance(value, dict) or hasattr(value, "items"):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, date):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


