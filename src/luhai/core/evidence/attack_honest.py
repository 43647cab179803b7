"""Honest applicants among the attackers: they get all that their goods allow, though a person may be asked first.

`harvest` is what all do afterwards: what was undermined on purpose is given back, and what is left is drawn. Whoever attacked successfully
gives nothing back.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Final

from .attack_deal import Deal, Scene, insist
from .attack_world import DAY, Goods, Loan, World

_PATIENCE: Final = 12  # rounds in which honest lenders ask for what is left


def honest_shipments(w: World, r: Random) -> Scene:
    """One contract shipped in parts, each with its declaration and its invoice, each financed as it goes."""
    deal = Deal(w, r, honest=True)
    parts = [w.numbers.amount(r) for _ in range(r.randint(2, 4))]
    contract = deal.contract(amount=sum(parts))
    yield [w.receive("honest", contract)]
    for part, amount in enumerate(parts):
        declared = deal.declaration(
            part=part, amount=amount, contract_no=contract.number, containers=[w.numbers.container()]
        )
        billed = deal.invoice(
            part=part, amount=amount, contracts=[contract.number], declarations=[declared.number]
        )
        yield [w.receive("honest", declared)]
        yield [
            w.receive("honest", billed),
            w.use("honest", declared, deal.company.lenders[0], w.limit(declared) // 2),
        ]
        yield [w.use("honest", billed, r.choice(deal.company.lenders), w.limit(billed) // 3)]
    loan = r.choice(deal.goods.loans)
    yield [w.free("honest", loan)]


def honest_twins(w: World, r: Random) -> Scene:
    """Two deals of one amount within a day. A person finds them to be two, and both are financed."""
    deal = Deal(w, r, honest=True)
    twin = Deal(w, r, company=deal.company, amount=deal.amount, honest=True)
    first, second = deal.contract(), r.choice((twin.contract, twin.declaration))()
    yield [w.receive("honest", first)]
    yield from insist(w, "honest", second, "distinct")
    yield [
        w.use("honest", p, deal.company.lenders[0], w.limit(p) // 2) for p in (first, second) if p.evidence
    ]


def honest_neighbours(w: World, r: Random) -> Scene:
    """Two companies whose contracts bear one number, and a container that travels again three weeks later."""
    deal = Deal(w, r, honest=True)
    other = Deal(w, r, company=r.choice([c for c in w.companies if c is not deal.company]), honest=True)
    later = Deal(w, r, company=deal.company, honest=True)
    first = deal.contract()
    wanted = [
        first,
        deal.note(names=[first.number]),
        other.contract(number=first.number),
        later.note(containers=deal.boxes, day=DAY + timedelta(days=21)),
    ]
    yield [w.receive("honest", paper) for paper in wanted]
    yield [w.use("honest", p, p.goods.company.lenders[0], w.limit(p) // 3) for p in wanted]


def harvest(w: World, r: Random, goods: Goods) -> Scene:
    """Afterwards: what was undermined is given back, and honest lenders draw what is left until nothing is."""
    while goods.undermined and (beyond := goods.financed - w.available(goods)) > 0:
        loans: list[Loan] = [loan for loan in goods.loans if loan.left]
        yield [w.free("afterwards", loans[-1], min(loans[-1].left, beyond))]
    rooms: dict[int, int] = {}
    for _ in range(_PATIENCE):
        left = w.available(goods) - goods.financed
        live = [p for p in goods.papers if p.live and p.counts and rooms.get(id(p), w.limit(p)) > 0]
        if left <= 0 or not live:
            return
        asked = [(paper, r.choice(paper.lenders)) for paper in r.sample(live, min(len(live), 3))]
        answers = yield [
            w.use("afterwards", paper, lender, min(left, rooms.get(id(paper), w.limit(paper))))
            for paper, lender in asked
        ]
        for (paper, _lender), answer in zip(asked, answers, strict=True):
            if answer.code == "evidence.used_up":
                rooms[id(paper)] = int(answer.facts["remaining"])
