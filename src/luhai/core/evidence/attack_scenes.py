"""How one asset is financed twice: one scene for each way. What is tried beneath standing loans is in `attack_loans`.

Everybody acts through the real commands; what a scene must not do is look at the platform's opinion before it asks. Each scene has goods
of its own, so that its figures are its own.

What no register of papers can tell is left out, and is said here: a paper that shares no number, no container and no amount with any
other; goods that a company states twice over in papers of one kind, each with a number and an amount of its own; a counterparty under
a name of another script; and papers that are forged. Papers that come to be linked late, and papers amended beneath a loan, are in:
there the promise is that everybody is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Final
from uuid import UUID

from . import attack_papers as papers
from .attack_deal import Deal, Scene, insist, receive_all
from .attack_honest import honest_neighbours, honest_shipments, honest_twins
from .attack_loans import (
    amended_beneath,
    converted,
    corrected_upward,
    freed_and_used_again,
    linked_late,
    one_use_id,
    red_letter,
)  # fmt: skip
from .attack_world import DAY, NEAR, Paper, World

# --- one paper --------------------------------------------------------------------------------------------------------


def many_banks(w: World, r: Random) -> Scene:
    """The same document at many banks of several provinces at once."""
    deal = Deal(w, r)
    paper = r.choice((deal.contract, deal.declaration, deal.invoice, deal.note, deal.bill))()
    yield [w.receive("many_banks", paper, by=deal.source())]
    yield deal.grab("many_banks", paper) + deal.grab("many_banks", paper)


def respelled(w: World, r: Random) -> Scene:
    """The same number as others write it, handed in by others, all at once; then whatever was received is financed."""
    deal = Deal(w, r)
    make = r.choice((deal.contract, deal.note))
    first = make()
    spellings = [make(number=papers.respelled(first.number, r)) for _ in range(5)]
    wanted = [first, *spellings]
    r.shuffle(wanted)
    yield receive_all(deal, "respelled", *wanted)
    yield deal.grab("respelled", *wanted, least=60) + receive_all(
        deal, "respelled", *(replace(p, evidence=None) for p in wanted)
    )


def edited(w: World, r: Random) -> Scene:
    """Another amount, another day, or both, under the same number; and corrections by those who did not deliver it."""
    deal = Deal(w, r)
    make = r.choice((deal.contract, deal.declaration, deal.invoice, deal.note))
    paper = make()
    lender = deal.company.lenders[0]
    yield [w.receive("edited", paper)]
    yield [w.use("edited", paper, lender, w.limit(paper))]
    copies = [
        make(number=paper.number, amount=paper.amount * 2),
        make(number=paper.number, day=DAY - timedelta(days=9)),
        make(number=paper.number, amount=paper.amount + 1, day=DAY - timedelta(days=1)),
    ]
    yield receive_all(deal, "edited", *copies) + [
        w.correct("edited", paper, copies[0].data, copies[0].amount, by=bank)
        for bank in deal.company.lenders[:2]
    ]
    yield deal.grab("edited", paper, *copies)


def other_buyer(w: World, r: Random) -> Scene:
    """One contract of the seller's numbering under one number, with another amount and another buyer: to the machine, another paper."""
    deal = Deal(w, r)
    paper = deal.contract()
    copies = [
        deal.contract(
            number=papers.respelled(paper.number, r), amount=w.numbers.amount(r), buyer=papers.Side(name)
        )
        for name in ("Siam Motor", "Lao Motor Parts Sole Co., Ltd.")
    ]
    yield receive_all(deal, "other_buyer", paper, copies[0])
    yield deal.grab("other_buyer", paper, copies[0], least=50) + receive_all(deal, "other_buyer", copies[1])
    yield deal.grab("other_buyer", paper, *copies, least=50)


def look_alikes(w: World, r: Random) -> Scene:
    """O for 0, I for 1, Cyrillic for Latin, over the same worth: a number of its own to the machine, not to a reader. A person is asked."""
    deal = Deal(w, r)
    make = r.choice((deal.contract, deal.note))
    paper = make()
    yield [w.receive("look_alikes", paper)]
    yield [w.use("look_alikes", paper, deal.company.lenders[0], w.limit(paper))]
    for _ in range(2):
        copy = make(number=papers.look_alike(paper.number, r), day=DAY - timedelta(days=r.randint(0, 20)))
        yield from insist(w, "look_alikes", copy, "same_document", by=deal.source())
        yield deal.grab("look_alikes", paper, copy, least=50)


# --- the same goods in other forms ------------------------------------------------------------------------------------


def changed_form(w: World, r: Random) -> Scene:
    """Contract, declaration, note or bill, and invoice of one shipment, received and financed in any order, two by two at once."""
    deal = Deal(w, r)
    contract = deal.contract()
    carried = deal.note(names=[contract.number], amount=w.numbers.amount(r)) if r.random() < 0.5 else None
    declared = deal.declaration(
        contract_no=contract.number, containers=deal.boxes, amount=w.numbers.amount(r)
    )
    billed = deal.invoice(contracts=[contract.number], declarations=[declared.number])
    if carried is None:  # the bill names no paper; the declaration names it
        carried = deal.bill()
        declared = deal.declaration(
            contract_no=contract.number, bill_no=carried.number, containers=deal.boxes
        )
        billed = deal.invoice(contracts=[contract.number])
        forms = [declared, *r.sample([contract, carried, billed], 3)]
    else:
        forms = r.sample([contract, carried, declared, billed], 4)
    yield receive_all(deal, "changed_form", *forms[:2])
    yield deal.grab("changed_form", *forms[:2], least=40) + receive_all(deal, "changed_form", *forms[2:])
    yield deal.grab("changed_form", *forms, least=40)


def named_either_way(w: World, r: Random) -> Scene:
    """Two forms, of which one names the other, received at once or one after the other, each financed by everybody."""
    deal = Deal(w, r)
    contract, billed = deal.contract(), deal.invoice()
    declared, bill = deal.declaration(), deal.bill()
    second = w.numbers.amount(r)
    pairs: list[tuple[Paper, Paper]] = [
        (contract, deal.declaration(contract_no=papers.respelled(contract.number, r)[:32], amount=second)),
        (contract, deal.invoice(contracts=[papers.respelled(contract.number, r)], amount=second)),
        (contract, deal.note(names=[papers.respelled(contract.number, r)], amount=second)),
        (declared, deal.invoice(declarations=[declared.number], amount=second)),
        (declared, deal.note(names=[declared.number], amount=second)),
        (billed, deal.declaration(invoices=[billed.number], amount=second)),
        (billed, deal.note(names=[billed.number], amount=second)),
        (bill, deal.declaration(bill_no=papers.respelled(bill.number, r), amount=second)),
    ]
    pair = list(r.choice(pairs))
    r.shuffle(pair)
    if r.random() < 0.5:
        yield receive_all(deal, "named_either_way", *pair)
    else:
        yield receive_all(deal, "named_either_way", pair[0])
        yield deal.grab("named_either_way", pair[0]) + receive_all(deal, "named_either_way", pair[1])
    yield deal.grab("named_either_way", *pair, least=50)


def container_again(w: World, r: Random) -> Scene:
    """Papers that name each other nowhere, but the same container within days."""
    deal = Deal(w, r)
    boxes = [*deal.boxes, w.numbers.container()]
    declared = deal.declaration(containers=boxes)
    days = timedelta(days=r.randint(-7, 7))
    carried = r.choice((deal.note, deal.bill))(
        containers=[r.choice(deal.boxes), w.numbers.container()], amount=w.numbers.amount(r), day=DAY + days
    )
    both = [declared, carried]
    r.shuffle(both)
    yield receive_all(deal, "container_again", *both)
    yield deal.grab("container_again", *both, least=50)


def carried_on(w: World, r: Random) -> Scene:
    """One shipment by rail and then by sea: two carriers each write a paper over the same worth, days apart."""
    deal = Deal(w, r)
    contract = deal.contract()
    first = deal.note(names=[contract.number])
    second = deal.bill(day=DAY + timedelta(days=r.randint(4, 7)))
    third = deal.note(
        names=[contract.number],
        carrier="0025",
        day=DAY + timedelta(days=12),
        containers=[w.numbers.container()],
    )
    wanted = [first, second, third, *([contract] if r.random() < 0.5 else [])]
    yield receive_all(deal, "carried_on", wanted[0])
    yield receive_all(deal, "carried_on", *wanted[1:])
    yield deal.grab("carried_on", *wanted, least=60)


def same_worth(w: World, r: Random) -> Scene:
    """Two papers of one worth within three days that name each other nowhere, handed in at once. A person is asked."""
    deal = Deal(w, r)
    day = min(DAY + timedelta(days=r.randint(-3, 3)), DAY)
    abroad = papers.Side(papers.respelled(papers.ABROAD.name, r))
    pair = r.choice(
        [
            [deal.contract(), deal.contract(buyer=abroad, day=day)],
            [deal.declaration(), deal.declaration(day=day)],
            [deal.contract(buyer=abroad), deal.declaration(day=day)],
            [deal.contract(buyer=abroad), r.choice((deal.note, deal.bill))(day=day)],
            [deal.contract(buyer=papers.AT_HOME), deal.invoice(day=day)],
            [deal.declaration(), r.choice((deal.note, deal.bill))(day=day)],
        ]
    )
    r.shuffle(pair)
    yield receive_all(deal, "same_worth", *pair)
    outcome = "same_document" if pair[0].kind == pair[1].kind and r.random() < 0.5 else "same_goods"
    for paper in pair:
        if paper.evidence is None:
            yield deal.grab("same_worth", *pair)
            yield from insist(w, "same_worth", paper, outcome)
    yield deal.grab("same_worth", *pair, least=60)


def corrected_into_worth(w: World, r: Random) -> Scene:
    """A paper without a value, which nobody compares, is corrected into the worth of one that is financed."""
    deal = Deal(w, r)
    contract, carried = deal.contract(), deal.note(amount=None)
    yield [*receive_all(deal, "corrected_into_worth", contract), w.receive("corrected_into_worth", carried)]
    yield deal.grab("corrected_into_worth", contract) + deal.grab("corrected_into_worth", carried)
    valued = deal.note(number=carried.number)
    while True:
        (answer,) = yield [w.correct("corrected_into_worth", carried, valued.data, valued.amount)]
        if answer.code != NEAR:
            break
        yield [w.clear("corrected_into_worth", UUID(answer.facts["review"]), "same_goods")]
    yield deal.grab("corrected_into_worth", contract, carried, least=60)


def joined_by_hand(w: World, r: Random) -> Scene:
    """Papers that share nothing, until the operator, who has seen the goods, joins them; then everybody finances each."""
    deal = Deal(w, r)
    pair = [
        deal.contract(),
        r.choice((deal.declaration, deal.invoice, deal.note))(amount=w.numbers.amount(r)),
    ]
    yield receive_all(deal, "joined_by_hand", *pair)
    lots = [w.lot_of(paper) for paper in pair]
    yield [w.join("joined_by_hand", lots, by=deal.company.actor), w.join("joined_by_hand", lots)]
    yield deal.grab("joined_by_hand", *pair, least=50)


def other_currency(w: World, r: Random) -> Scene:
    """The same goods in dollars, while they are financed in yuan."""
    deal = Deal(w, r)
    contract = deal.contract()
    declared = deal.declaration(contract_no=contract.number, currency="USD", amount=w.numbers.amount(r) // 7)
    declared.counts = False
    yield receive_all(deal, "other_currency", contract)
    yield receive_all(deal, "other_currency", declared)
    yield deal.grab("other_currency", contract, least=60) + [
        w.use("other_currency", declared, lender, w.limit(declared), currency=currency)
        for lender in deal.company.lenders
        for currency in ("USD", papers.CURRENCY)
    ]


# --- whose it is, and who agreed --------------------------------------------------------------------------------------


def strangers(w: World, r: Random) -> Scene:
    """Another company hands the papers in as its own, or about their owner; and consents to a use that is not its to allow."""
    deal = Deal(w, r)
    other = r.choice([c for c in w.companies if c is not deal.company])
    lender = next((b for b in other.lenders if b not in deal.company.lenders), None)
    contract = deal.contract()
    wanted = [
        contract,
        deal.declaration(contract_no=contract.number),
        deal.note(names=[contract.number]),
        deal.bill(),
    ]
    first = wanted.pop(r.randrange(2))
    yield [w.receive("strangers", first)]
    yield [
        *(w.receive("strangers", paper, about=other) for paper in wanted),
        *(w.receive("strangers", replace(paper), by=other.lenders[0], about=other) for paper in wanted),
        w.receive("strangers", wanted[0], by=other.actor),
        *([w.use("strangers", first, lender, w.limit(first))] if lender else []),
    ]
    grabs = [w.use("strangers", p, bank, w.limit(p)) for p in wanted if p.evidence for bank in other.lenders]
    yield deal.grab("strangers", first, least=50) + grabs


def in_the_buyers_name(w: World, r: Random) -> Scene:
    """The seller's claim once in its own name and once, in another form, in its buyer's. Both agree to everything."""
    deal = Deal(w, r)
    buyer = r.choice([c for c in w.companies if c is not deal.company])
    contract = deal.contract(buyer=buyer.side)
    billed = deal.invoice(buyer=buyer.side, contracts=[contract.number], amount=w.numbers.amount(r))
    pair = [contract, billed]
    r.shuffle(pair)
    first = w.receive("in_the_buyers_name", pair[0])
    second = w.receive(
        "in_the_buyers_name", pair[1], by=r.choice([buyer.actor, buyer.lenders[0]]), about=buyer
    )
    for acts in ([first, second],) if r.random() < 0.5 else ([first], [second]):
        yield list(acts)
    theirs = [
        w.use("in_the_buyers_name", p, bank, w.limit(p)) for p in pair if p.evidence for bank in buyer.lenders
    ]
    acts = deal.grab("in_the_buyers_name", *pair, least=50) + theirs
    r.shuffle(acts)
    yield acts


def no_consent(w: World, r: Random) -> Scene:
    """No consent, another purpose, another kind, another paper, not yet looked at, withdrawn: before, after, and at once."""
    deal = Deal(w, r)
    paper = deal.declaration()
    lone = Deal(w, r, company=deal.company)
    other = lone.contract()
    yield receive_all(deal, "no_consent", paper) + receive_all(lone, "no_consent", other)
    outside = [bank for bank in w.everybody() if bank not in deal.company.lenders]
    r.shuffle(outside)
    abroad = next((bank for bank in outside if bank.territory is None), None)
    lenders = [bank for bank in outside if bank.territory][:5]
    assert other.evidence
    assert paper.evidence
    answers = yield [
        w.grant("no_consent", deal.company, lenders[1], purpose="settlement", days=31),
        w.grant("no_consent", deal.company, lenders[2], kinds=("invoice", "contract"), days=31),
        w.grant("no_consent", deal.company, lenders[3], pieces=(other.evidence,), days=31),
        w.grant("no_consent", deal.company, lenders[4], pieces=(paper.evidence,), days=31),
        *([w.grant("no_consent", deal.company, abroad, days=31)] if abroad else []),
    ]
    asked = [w.use("no_consent", paper, lender, w.limit(paper) // 4) for lender in lenders[:4]]
    asked += [w.use("no_consent", paper, abroad, w.limit(paper) // 4)] if abroad else []
    yield asked
    yield [
        w.withdraw("no_consent", deal.company, answers[3].value),
        *(w.use("no_consent", paper, lenders[4], w.limit(paper) // 9) for _ in range(4)),
    ]
    expired = [
        w.use("no_consent", paper, lender, 1, after=timedelta(days=40)) for lender in deal.company.lenders
    ]
    yield [w.use("no_consent", paper, lenders[4], w.limit(paper) // 9), *asked[:2], *expired]


# --- all of them ---

SCENES: Final[tuple[Callable[[World, Random], Scene], ...]] = (
    many_banks, changed_form, honest_shipments, respelled, named_either_way, edited, other_buyer, look_alikes, container_again, carried_on,
    same_worth, honest_twins, corrected_into_worth, joined_by_hand, other_currency, corrected_upward, freed_and_used_again,
    converted, honest_neighbours, one_use_id, red_letter, amended_beneath, linked_late, strangers, in_the_buyers_name, no_consent,
)  # fmt: skip
