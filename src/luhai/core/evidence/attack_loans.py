"""What is tried once loans stand on a paper: it is stated higher, repaid and used again, moved to another form, or amended beneath them."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from uuid import uuid4

from . import attack_papers as papers
from .attack_deal import DECLARATION, Deal, Scene, receive_all
from .attack_world import DAY, Act, World

# --- while it is financed ---------------------------------------------------------------------------------------------


def corrected_upward(w: World, r: Random) -> Scene:
    """Financed to the last fen, then stated higher: by others, under another number, in another currency, by the company."""
    deal = Deal(w, r)
    paper = deal.contract()
    yield [w.receive("corrected_upward", paper)]
    yield [w.use("corrected_upward", paper, deal.company.lenders[0], w.limit(paper))]
    more = paper.amount + w.numbers.amount(r)
    higher = papers.contract(deal.company.side, more, paper.number, day=DAY, status="amended")
    other = papers.contract(deal.company.side, more, w.numbers.word(), day=DAY)
    dollars = papers.contract(deal.company.side, more, paper.number, day=DAY, currency="USD")
    stranger = r.choice([c for c in w.companies if c is not deal.company])
    yield [
        w.correct("corrected_upward", paper, higher, more, by=deal.company.lenders[1]),
        w.correct("corrected_upward", paper, higher, more, by=stranger.actor),
        w.correct("corrected_upward", paper, other, more),
        w.correct("corrected_upward", paper, dollars, more),
        *deal.grab("corrected_upward", paper),
    ]
    yield [w.correct("corrected_upward", paper, higher, more), *deal.grab("corrected_upward", paper)]
    yield deal.grab("corrected_upward", paper)


def freed_and_used_again(w: World, r: Random) -> Scene:
    """Loans are repaid while others wait for the room: by whom it is not, twice, too much, and as it should be."""
    deal = Deal(w, r)
    contract = deal.contract()
    declared = deal.declaration(contract_no=contract.number, amount=w.numbers.amount(r))
    yield receive_all(deal, "freed_and_used_again", contract, declared)
    yield deal.grab("freed_and_used_again", contract, declared)
    for _ in range(2):
        frees: list[Act] = []
        for loan in [one for one in deal.goods.loans if one.left]:
            frees += [w.free("freed_and_used_again", loan, max(loan.left // r.randint(1, 3), 1))] * 2
            frees.append(w.free("freed_and_used_again", loan, loan.left + 1))
            frees.append(w.free("freed_and_used_again", loan, by=r.choice(w.banks)))
        acts = [*frees, *deal.grab("freed_and_used_again", contract, declared)]
        r.shuffle(acts)
        yield acts


def converted(w: World, r: Random) -> Scene:
    """Loans move to another form of the goods while both forms are asked for, and while they are repaid."""
    deal, other = Deal(w, r), Deal(w, r)
    contract = deal.contract()
    declared = deal.declaration(contract_no=contract.number, amount=w.numbers.amount(r))
    foreign = other.contract()
    yield receive_all(deal, "converted", contract, declared) + receive_all(other, "converted", foreign)
    yield deal.grab("converted", contract, least=10)
    for _ in range(2):
        acts = deal.grab("converted", contract, declared)
        for loan in [one for one in deal.goods.loans if one.left]:
            acts += [w.convert("converted", loan, paper) for paper in (declared, contract, declared)]
            acts.append(w.convert("converted", loan, foreign))
            acts.append(w.convert("converted", loan, declared, by=r.choice(w.banks)))
            acts.append(w.free("converted", loan, max(loan.left // 3, 1)))
        r.shuffle(acts)
        yield acts


def one_use_id(w: World, r: Random) -> Scene:
    """Two banks, or one bank twice, under one id."""
    deal = Deal(w, r)
    paper = deal.declaration()
    yield receive_all(deal, "one_use_id", paper)
    for _ in range(2):
        key = uuid4()
        share = w.limit(paper) // 3
        yield [w.use("one_use_id", paper, lender, share, use=key) for lender in deal.company.lenders]


def red_letter(w: World, r: Random) -> Scene:
    """A part of an invoice is taken back, twice under one number, and by a stranger, while everybody finances it."""
    deal = Deal(w, r)
    paper = deal.invoice()
    yield [w.receive("red_letter", paper)]
    part = paper.amount // r.randint(2, 5)
    red = papers.invoice(deal.company.side, -part, w.numbers.invoice(), day=DAY, corrects=paper.number)
    stranger = r.choice([bank for bank in w.banks if bank not in deal.company.lenders])
    yield [w.take_back("red_letter", paper, red, part), w.take_back("red_letter", paper, red, part)]
    yield [
        w.take_back("red_letter", paper, red, part, by=stranger),
        *deal.grab("red_letter", paper, least=50),
    ]


# --- beneath a loan: everybody is told, and gives back ----------------------------------------------------------------


def amended_beneath(w: World, r: Random) -> Scene:
    """Financed, then amended to less, taken back by red letter, or cancelled, while others still ask."""
    deal = Deal(w, r)
    deal.goods.undermined = True
    paper = r.choice((deal.declaration, deal.invoice))()
    yield [w.receive("amended_beneath", paper)]
    yield deal.grab("amended_beneath", paper)
    less = paper.amount // r.randint(2, 9)
    how = r.choice(("cancelled", "amended", "red"))
    if how == "cancelled":
        act = w.cancel("amended_beneath", paper)
    elif paper.kind == DECLARATION:
        smaller = deal.declaration(number=paper.number, amount=less, status="amended")
        act = w.correct("amended_beneath", paper, smaller.data, less)
    else:
        gone = paper.amount - less
        red = papers.invoice(deal.company.side, -gone, w.numbers.invoice(), day=DAY, corrects=paper.number)
        act = w.take_back("amended_beneath", paper, red, gone)
    before = replace(paper, evidence=None)
    yield [act, *deal.grab("amended_beneath", paper)]
    yield [*deal.grab("amended_beneath", paper), w.receive("amended_beneath", before)]


def linked_late(w: World, r: Random) -> Scene:
    """Two papers that share nothing are both financed; then a third names both. Nobody could know; now everybody is told."""
    deal = Deal(w, r)
    deal.goods.undermined = deal.goods.linked_late = True
    contract, billed = deal.contract(), deal.invoice(amount=w.numbers.amount(r))
    link = deal.declaration(contract_no=contract.number, invoices=[billed.number], amount=w.numbers.amount(r))
    yield receive_all(deal, "linked_late", contract, billed)
    yield deal.grab("linked_late", contract, billed, least=50)
    yield receive_all(deal, "linked_late", link) + deal.grab("linked_late", contract, billed)
    yield deal.grab("linked_late", contract, billed, link)
