"""The world of an attack: banks in several provinces, companies, and what is true of their goods whoever says otherwise.

    World.build(seed)    banks, officials and companies, registered through the real commands
    world.receive(…), use(…), convert(…), correct(…) and the rest
                         one act each: who does what, under which attack, and what becomes true if it is not refused
    perform(act, at)     carry an act out through its command; any thread may
    available(goods)     what may really be financed on goods

The platform sees documents. The world knows which of them are really about the same goods, which is what an attacker knows, and what
the figures of an attack are counted by.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import OperationalError

from luhai.core.parties import commands as parties
from luhai.core.rules import queries as rules
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Refusal

from . import commands, consent_commands, queries
from .attack_count import largest_form
from .attack_papers import CURRENCY, Numbers, Side

START: Final = datetime(2026, 3, 2, 4, tzinfo=UTC)  # Monday noon in Chongqing
DAY: Final = date(2026, 3, 2)
PROVINCES: Final = ("500000", "450000", "510000", "520000", "530000", "610000")
_BANKS_PER_PROVINCE: Final = 4
_ABROAD: Final = 3
_COMPANIES: Final = 16
_LENDERS: Final = 5  # banks to which one company has consented
_PATIENCE: Final = 5  # how often somebody asks whom the database turned away as busy
NEAR: Final = "evidence.near_duplicate"
#: What an act may count as. The others are what offices and honest lenders do around it.
TRIES: Final = frozenset({"receive", "use", "convert", "correct"})


@dataclass(slots=True)
class Company:
    actor: Actor
    side: Side
    lenders: list[Actor] = field(default_factory=list)


@dataclass(slots=True)
class Paper:
    """One document. `part` says which part of the goods it is about; two papers of one kind and part are one worth."""

    goods: Goods
    kind: str
    number: str
    amount: int
    data: bytes
    part: int = 0
    evidence: UUID | None = None
    live: bool = True
    counts: bool = True  # in the currency that the goods are financed in
    told_of: Company | None = (
        None  # about whom it was received, where that is not the company whose goods they are
    )

    @property
    def lenders(self) -> list[Actor]:
        return (self.told_of or self.goods.company).lenders


@dataclass(slots=True)
class Loan:
    use: UUID
    goods: Goods
    lender: Actor
    left: int


@dataclass(slots=True)
class Goods:
    """What is really there, with every paper that was received about it and every loan that was granted on it."""

    number: int
    company: Company
    scene: str
    honest: bool = False
    undermined: bool = False  # amended beneath its loans, on purpose
    linked_late: bool = False  # its papers shared nothing until a later one named both
    papers: list[Paper] = field(default_factory=list)
    loans: list[Loan] = field(default_factory=list)

    @property
    def financed(self) -> int:
        return sum(loan.left for loan in self.loans)


@dataclass(frozen=True, slots=True)
class Answer:
    code: str  # "" when it was done
    value: Any = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return not self.code


@dataclass(frozen=True, slots=True)
class Act:
    attack: str
    sort: str
    actor: Actor
    run: Callable[[Origin], Any]
    becomes: Callable[[Any], None] = lambda _: None  # what is true from now on; asked by one thread only
    after: timedelta = timedelta()  # how long after now it is asked


def perform(act: Act, at: datetime) -> Answer:
    """Carry out an act. A refusal is an answer; anything else that goes wrong is a fault and is raised."""
    for _ in range(_PATIENCE):
        try:
            return Answer("", act.run(Origin(act.actor, uuid4(), at + act.after)))
        except Refusal as refusal:
            return Answer(refusal.code, None, dict(refusal.facts))
        except OperationalError as error:  # several deadlocks in a row: whoever asks, asks again
            if getattr(error.__cause__, "sqlstate", None) not in {"40P01", "40001"}:
                raise
    return Answer("busy")


class World:
    def __init__(self, seed: int) -> None:
        self.random = Random(f"{seed}/world")
        self.numbers = Numbers()
        self.goods: list[Goods] = []
        self.reviews: dict[UUID, str] = {}  # and what the supervisor said
        self.playing = ""  # which scene goes on
        self.ratio_bp = (
            rules.parameters(viewer=SYSTEM).value("evidence.finance_ratio", DAY, None).in_unit("bp")
        )

    # -- who is there --

    @classmethod
    def build(cls, seed: int) -> World:
        world = cls(seed)
        world.banks = [
            world._party("institution", Role.BANK, "city_bank", f"{province} Bank {n}", province)
            for province in PROVINCES
            for n in range(_BANKS_PER_PROVINCE)
        ]
        world.partners = [
            world._party("institution", Role.PARTNER, "city_bank", f"Partner Bank {n}", None)
            for n in range(_ABROAD)
        ]
        world.supervisor = world._party(
            "agency", Role.SUPERVISOR, "pboc", "A Branch of the Central Bank", PROVINCES[0]
        )
        world.operator = world._party("agency", Role.OPERATOR, "operator", "The Operator", PROVINCES[0])
        world.office = world._party("agency", Role.PROVINCE, "province", "A Provincial Office", PROVINCES[1])
        world.companies = [world.company(n) for n in range(_COMPANIES)]
        return world

    banks: list[Actor]
    partners: list[Actor]
    companies: list[Company]
    supervisor: Actor
    operator: Actor
    office: Actor

    def company(self, n: int) -> Company:
        """A company that has consented to being financed by some banks, of provinces that follow one another."""
        side = Side(f"渝新第{n}贸易有限公司", self.numbers.uscc())
        actor = self._party("company", Role.COMPANY, "", f"Exporter {n}", PROVINCES[n % len(PROVINCES)], side)
        found = Company(actor, side)
        first = n * (_BANKS_PER_PROVINCE + 1)
        for k in range(_LENDERS - 1):
            bank = self.banks[(first + k * (_BANKS_PER_PROVINCE + 1)) % len(self.banks)]
            self.must(self.grant("set-up", found, bank))
        abroad = self.partners[n % len(self.partners)]
        consent = self.must(self.grant("set-up", found, abroad))
        self.must(self.look_at(consent))
        return found

    def _party(
        self, kind: str, role: Role, sort: str, name: str, territory: str | None, side: Side | None = None
    ) -> Actor:
        key, person = uuid4(), uuid4()
        parties.register_party(
            party_id=key, kind=kind, sort=sort, name_zh=side.name if side else name, name_en=name,
            country="CN" if territory else "TH", territory=territory, identifiers_={"uscc": side.uscc} if side else {},
            facts={}, invented=True, origin=_set_up(),
        )  # fmt: skip
        parties.add_person(
            person_id=person, email=f"{person.hex}@example.org", name_zh="某人", name_en="Somebody", password_hash=None,
            origin=_set_up(),
        )  # fmt: skip
        parties.add_membership(person_id=person, party_id=key, role=role, territory=None, origin=_set_up())
        return Actor(person, role, key, territory)

    def must(self, act: Act) -> Any:
        answer = perform(act, START)
        assert answer.done, (act.attack, act.sort, answer)
        act.becomes(answer.value)
        return answer.value

    # -- what is true --

    def new_goods(self, company: Company, *, honest: bool = False) -> Goods:
        found = Goods(len(self.goods), company, self.playing, honest=honest)
        self.goods.append(found)
        return found

    def available(self, goods: Goods) -> int:
        return largest_form(
            [(p.kind, p.part, p.amount) for p in goods.papers if p.live and p.counts], self.ratio_bp
        )

    def limit(self, paper: Paper) -> int:
        return paper.amount * self.ratio_bp // 10_000

    def lot_of(self, paper: Paper) -> UUID:
        found = queries.evidence(evidence_id=_of(paper), viewer=self.supervisor).lot_id
        assert found, paper.number
        return found

    def is_told(self, loan: Loan) -> bool:
        """Does the lender see that something happened beneath its loan?"""
        return bool(queries.use(use_id=loan.use, viewer=loan.lender).alert)

    # -- acts on papers --

    def receive(
        self, attack: str, paper: Paper, by: Actor | None = None, about: Company | None = None
    ) -> Act:
        """Hand a paper in, perhaps as if it were about another company. What was received is a paper of its goods."""
        subject = about or paper.goods.company

        def becomes(value: Any) -> None:
            known = (
                paper if paper.evidence is None else replace(paper)
            )  # a second receipt would be a second paper
            known.evidence, known.told_of = UUID(value[0]), about
            paper.goods.papers.append(known)

        return Act(
            attack, "receive", by or subject.actor,
            lambda origin: commands.receive_evidence(
                evidence_id=uuid4(), subject_id=_id(subject.actor), content=_packed(paper.data), origin=origin
            ),
            becomes,
        )  # fmt: skip

    def correct(self, attack: str, paper: Paper, data: bytes, amount: int, by: Actor | None = None) -> Act:
        def becomes(_: Any) -> None:
            paper.amount, paper.data = amount, data

        return Act(
            attack, "correct", by or paper.goods.company.actor,
            lambda origin: commands.correct_evidence(evidence_id=_of(paper), content=_packed(data), origin=origin),
            becomes,
        )  # fmt: skip

    def take_back(self, attack: str, paper: Paper, red: bytes, amount: int, by: Actor | None = None) -> Act:
        """Hand in a red-letter invoice over `amount` of the invoice `paper`."""

        def becomes(_: Any) -> None:
            paper.amount = max(paper.amount - amount, 0)
            paper.live = paper.amount > 0

        return Act(
            attack, "correct", by or paper.goods.company.actor,
            lambda origin: commands.receive_evidence(
                evidence_id=uuid4(), subject_id=_id(paper.goods.company.actor), content=_packed(red), origin=origin
            ),
            becomes,
        )  # fmt: skip

    def cancel(self, attack: str, paper: Paper, by: Actor | None = None) -> Act:
        def becomes(_: Any) -> None:
            paper.live = False

        return Act(
            attack, "cancel", by or paper.goods.company.actor,
            lambda origin: commands.cancel_evidence(evidence_id=_of(paper), reason="taken back", origin=origin),
            becomes,
        )  # fmt: skip

    def clear(self, attack: str, review: UUID, outcome: str) -> Act:
        """The supervisor has looked at the goods, and says what is true of two papers."""

        def becomes(_: Any) -> None:
            self.reviews[review] = outcome

        return Act(
            attack, "clear", self.supervisor,
            lambda origin: commands.clear_review(review_id=review, outcome=outcome, why="looked at", origin=origin),
            becomes,
        )  # fmt: skip

    def join(self, attack: str, lots: list[UUID], by: Actor | None = None) -> Act:
        return Act(
            attack, "join", by or self.operator,
            lambda origin: commands.join_lots(lot_ids=lots, why="one consignment", origin=origin),
        )  # fmt: skip

    # -- acts on money --

    def use(
        self, attack: str, paper: Paper, lender: Actor, amount: int, *, use: UUID | None = None, currency: str = CURRENCY,
        after: timedelta = timedelta(),
    ) -> Act:  # fmt: skip
        key = use or uuid4()

        def becomes(_: Any) -> None:
            paper.goods.loans.append(Loan(key, paper.goods, lender, amount))

        return Act(
            attack, "use", lender,
            lambda origin: commands.use_evidence(
                use_id=key, evidence_id=_of(paper), purpose="financing", amount=amount, currency=currency, origin=origin,
            ),
            becomes, after,
        )  # fmt: skip

    def free(self, attack: str, loan: Loan, amount: int | None = None, by: Actor | None = None) -> Act:
        def becomes(value: Any) -> None:
            loan.left -= value

        return Act(
            attack, "free", by or loan.lender,
            lambda origin: commands.free_evidence(use_id=loan.use, amount=amount, reason="repaid", origin=origin),
            becomes,
        )  # fmt: skip

    def convert(self, attack: str, loan: Loan, to: Paper, by: Actor | None = None) -> Act:
        return Act(
            attack, "convert", by or loan.lender,
            lambda origin: commands.convert_form(use_id=loan.use, to_id=_of(to), origin=origin),
        )  # fmt: skip

    # -- acts on consents --

    def grant(
        self, attack: str, company: Company, lender: Actor, *, purpose: str = "financing", kinds: tuple[str, ...] = (),
        pieces: tuple[UUID, ...] = (), days: int = 30,
    ) -> Act:  # fmt: skip
        def becomes(_: Any) -> None:
            if (purpose, kinds, pieces, days) == ("financing", (), (), 30):
                company.lenders.append(lender)

        return Act(
            attack, "grant", company.actor,
            lambda origin: consent_commands.grant_consent(
                consent_id=uuid4(), grantee_id=_id(lender), purpose=purpose, kinds=list(kinds), pieces=list(pieces),
                until=origin.at + timedelta(days=days), abroad=lender.territory is None, origin=origin,
            ),
            becomes,
        )  # fmt: skip

    def look_at(self, consent: UUID) -> Act:
        """The supervisor looks at a consent to a bank abroad, which holds from then on."""
        return Act(
            "set-up", "look_at", self.supervisor,
            lambda origin: consent_commands.review_consent(consent_id=consent, origin=origin),
        )  # fmt: skip

    def withdraw(self, attack: str, company: Company, consent: UUID) -> Act:
        return Act(
            attack, "withdraw", company.actor,
            lambda origin: consent_commands.withdraw_consent(consent_id=consent, origin=origin),
        )  # fmt: skip

    def everybody(self) -> Iterator[Actor]:
        yield from self.banks
        yield from self.partners


def _set_up() -> Origin:
    return Origin(SYSTEM, uuid4(), START)


def _id(actor: Actor) -> UUID:
    assert actor.party_id
    return actor.party_id


def _of(paper: Paper) -> UUID:
    assert paper.evidence, paper.number
    return paper.evidence


def _packed(data: bytes) -> str:
    return base64.b64encode(data).decode()
