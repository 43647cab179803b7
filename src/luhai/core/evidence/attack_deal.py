"""One deal of an attack: goods of one company, the papers that may be written about them, and the first steps of every scene."""

from __future__ import annotations

from collections.abc import Generator
from itertools import product
from random import Random
from typing import Any, Final
from uuid import UUID

from luhai.kernel.origin import Actor

from . import attack_papers as papers
from .attack_world import DAY, NEAR, Act, Answer, Company, Goods, Paper, World

#: Yields acts that are to be done all at once, and is sent their answers.
Scene = Generator[list[Act], list[Answer], None]
Told = Generator[list[Act], list[Answer], Answer]

CONTRACT: Final = "contract"
DECLARATION: Final = "customs_declaration"
INVOICE: Final = "invoice"
CARRIED: Final = "transport_document"


class Deal:
    """Goods of one company, and the papers that may be written about them. Nothing is received yet."""

    def __init__(
        self, w: World, r: Random, *, company: Company | None = None, amount: int = 0, honest: bool = False
    ) -> None:
        self.w, self.r = w, r
        self.company = company or r.choice(w.companies)
        self.goods: Goods = w.new_goods(self.company, honest=honest)
        self.amount = amount or w.numbers.amount(r)
        self.boxes = [w.numbers.container() for _ in range(r.randint(1, 3))]

    def contract(self, **changes: Any) -> Paper:
        number, amount = (
            changes.pop("number", None) or self.w.numbers.word(),
            changes.pop("amount", self.amount),
        )
        data = papers.contract(self.company.side, amount, number, **({"day": DAY} | changes))
        return self._paper(CONTRACT, number, amount, data)

    def declaration(self, *, part: int = 0, **changes: Any) -> Paper:
        number, amount = (
            changes.pop("number", None) or self.w.numbers.declaration(),
            changes.pop("amount", self.amount),
        )
        data = papers.declaration(self.company.side, amount, number, **({"day": DAY} | changes))
        return self._paper(DECLARATION, number, amount, data, part)

    def invoice(self, *, part: int = 0, **changes: Any) -> Paper:
        number, amount = (
            changes.pop("number", None) or self.w.numbers.invoice(),
            changes.pop("amount", self.amount),
        )
        data = papers.invoice(self.company.side, amount, number, **({"day": DAY} | changes))
        return self._paper(INVOICE, number, amount, data, part)

    def note(self, *, part: int = 0, **changes: Any) -> Paper:
        number, amount = (
            changes.pop("number", None) or self.w.numbers.word(),
            changes.pop("amount", self.amount),
        )
        rest: dict[str, Any] = {"day": DAY, "containers": self.boxes} | changes
        data = papers.note(self.company.side, amount, number, **rest)
        return self._paper(CARRIED, number, amount or 0, data, part)

    def bill(self, *, part: int = 0, **changes: Any) -> Paper:
        number, amount = (
            changes.pop("number", None) or self.w.numbers.word(),
            changes.pop("amount", self.amount),
        )
        rest: dict[str, Any] = {
            "day": DAY,
            "containers": self.boxes,
            "booking": self.w.numbers.word(),
        } | changes
        return self._paper(
            CARRIED, number, amount, papers.bill(self.company.side, amount, number, **rest), part
        )

    def _paper(self, kind: str, number: str, amount: int, data: bytes, part: int = 0) -> Paper:
        return Paper(self.goods, kind, number, amount, data, part)

    def source(self) -> Actor:
        """Whoever hands papers in about the company: mostly itself, else a bank of its or an office."""
        return self.r.choice([self.company.actor, self.company.actor, self.company.lenders[0], self.w.office])

    def grab(self, attack: str, *wanted: Paper, least: int = 15) -> list[Act]:
        """Every lender of the company tries every paper, in no order, for a part or for all of what the paper allows."""
        acts = [
            self.w.use(attack, paper, lender, max(self.w.limit(paper) * self.r.randint(least, 100) // 100, 1))
            for paper, lender in product((p for p in wanted if p.evidence), self.company.lenders)
        ]
        self.r.shuffle(acts)
        return acts


def receive_all(deal: Deal, attack: str, *wanted: Paper) -> list[Act]:
    return [deal.w.receive(attack, paper, by=deal.source()) for paper in wanted]


def insist(w: World, attack: str, paper: Paper, outcome: str, by: Actor | None = None) -> Told:
    """Hand a paper in until a person has said of every paper that it looks like what is true."""
    while True:
        (answer,) = yield [w.receive(attack, paper, by=by)]
        if answer.code != NEAR:
            return answer
        yield [w.clear(attack, UUID(answer.facts["review"]), outcome)]
