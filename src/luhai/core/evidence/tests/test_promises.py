"""Whatever is received, corrected, taken back, used and given back, in whatever order: the register stands as the clerk's book does.

The book (`book.py`) shares no code with the subject. After each step what remains of every document, what stands on all goods, what is
wrong beneath every use and the totals of the platform are as it says, and the ledger recounts to nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from random import Random
from secrets import randbelow
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luhai.core.evidence import commands, queries
from luhai.core.evidence.tests import world
from luhai.core.evidence.tests.book import Book, Loan, Paper
from luhai.core.evidence.tests.world import NOON, by, id_of
from luhai.core.ledger import queries as ledger
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Refusal

pytestmark = pytest.mark.django_db

# Numbers that nobody takes for one another; no zeros, which fold away.
CONTRACTS = ["CQ-11", "CQ-24", "CQ-37"]
DECLARATIONS = [f"801320260{str(d) * 9}" for d in (1, 2, 3)]
INVOICES = [f"26502{str(d) * 15}" for d in (1, 2, 3)]
REDS = [[f"26502{str(d) * 14}{n}" for d in (7, 8)] for n in (1, 2, 3)]  # two for each invoice
ORDERS = ["PO-41", "PO-52"]
BOX = "LHAU3003557"
NUMBERS = {"contract": CONTRACTS, "customs_declaration": DECLARATIONS, "invoice": INVOICES}
KINDS = ["contract", "customs_declaration", "invoice"]
BANKS = 3

#: What may happen, as often as it is named.
ACTS = (
    ["receive"] * 6 + ["draw"] * 8 + ["settle"] * 2 + ["give back"] * 4 + ["correct"] * 3 + ["cancel", "take back", "join"]
    + ["convert"] * 2
)  # fmt: skip
done: Counter[str] = Counter()


class Cast:
    """A company with three banks in two provinces, each with its consent to all uses."""

    def __init__(self) -> None:
        self.company = world.company()
        self.banks = [world.bank(), world.bank(world.GUANGXI), world.bank()]
        self.office = world.official(Role.OPERATOR)
        for bank in self.banks:
            for purpose in ("financing", "settlement"):
                world.consented(self.company, bank, purpose)


class Walk:
    """Ask the same of the register and of the book, and compare."""

    def __init__(self, cast: Cast) -> None:
        self.cast, self.book, self.step = cast, Book(), 0
        self.told: list[str] = []

    def at(self, actor: Actor) -> Any:
        return by(actor, NOON + timedelta(minutes=self.step))

    def take(self, act: str, i: int, j: int, k: int, much: int) -> None:
        self.step += 1
        acts = {
            "receive": self.receive, "draw": self.draw, "settle": self.settle, "give back": self.give_back,
            "correct": self.correct, "cancel": self.cancel, "take back": self.take_back, "join": self.join,
            "convert": self.convert,
        }  # fmt: skip
        acts[act](i, j, k, much)

    # --- documents --------------------------------------------------------------------------------------------------

    def document(
        self, paper: Paper, amount: int, i: int, j: int, dead: bool = False
    ) -> tuple[dict[str, Any], set[Any]]:
        """The paper as a document of this amount, and what it names; `i` and `j` choose what else it names."""
        company, number = self.cast.company, paper.number
        names: set[tuple[str, str, int | None]] = {(paper.kind, number, None)}
        some = [CONTRACTS[j % 3]] if i % 2 else []
        named = some[0].lower().replace("-", " ") if some else ""  # spelled as somebody typed it
        if paper.kind == "contract":
            orders = [ORDERS[j % 2]] if i % 2 else []
            names |= {("order", o, None) for o in orders}
            status = "terminated" if dead else "amended" if self.step % 2 else "signed"
            spelled = number if i % 3 else f" {number.lower().replace('-', '–')}"
            return world.contract(
                company, amount, paper.currency, contract_no=spelled, status=status, order_nos=orders
            ), names
        names |= {("contract", c, None) for c in some}
        if paper.kind == "invoice":
            declarations = [DECLARATIONS[j % 3]] if i % 4 == 2 else []
            names |= {("customs_declaration", d, None) for d in declarations}
            return world.invoice(
                company, amount, invoice_no=number, status="cancelled" if dead else "issued", contract_nos=[named] * bool(some),
                declaration_nos=declarations,
            ), names  # fmt: skip
        day = (2, 6, 12)[j % 3]
        said: dict[str, Any] = {"declaration_no": number, "status": "cancelled" if dead else "released"}
        if some:
            said["contract_no"] = named
        if i % 4 == 2:
            said |= {"containers": [BOX], "moved_on": f"2026-03-{day:02d}"}
            names.add(("container", BOX, day))
        if i == 4:
            said["invoice_nos"] = [INVOICES[j % 3]]
            names.add(("invoice", INVOICES[j % 3], None))
        return world.declaration(company, amount, paper.currency, **said), names

    def amount(self, much: int) -> int:
        """No two documents are of one worth: else a person would have to tell them apart."""
        return much * 1000 + self.step

    def receive(self, i: int, j: int, k: int, much: int) -> None:
        kind = KINDS[k % 3]
        paper = Paper(
            kind,
            NUMBERS[kind][(j + k) % 3],
            "CNY" if kind == "invoice" or much % 4 else "USD",
            self.amount(much),
        )
        document, paper.names = self.document(paper, paper.face, i, j)
        key = uuid4()
        answer, _ = self.ask(
            lambda: commands.receive_evidence(
                evidence_id=key, subject_id=id_of(self.cast.company), content=world.packed(document),
                origin=self.at(self.cast.company),
            )
        )  # fmt: skip
        paper.id = key
        self.same("receive", answer, self.book.receive(paper, self.step), paper)

    def correct(self, i: int, j: int, k: int, much: int) -> None:
        if paper := self.paper(k):
            amount = self.amount(much)
            dead = much == 9
            document, names = self.document(paper, amount, i, j, dead)
            answer, _ = self.ask(
                lambda: commands.correct_evidence(
                    evidence_id=paper.id, content=world.packed(document), origin=self.at(self.cast.company)
                )
            )  # fmt: skip
            self.same("correct", answer, self.book.correct(paper, amount, names, dead, self.step), paper)

    def cancel(self, i: int, j: int, k: int, much: int) -> None:
        if paper := self.paper(k):
            answer, _ = self.ask(
                lambda: commands.cancel_evidence(
                    evidence_id=paper.id, reason="a mistake", origin=self.at(self.cast.company)
                )
            )
            self.same("cancel", answer, self.book.cancel(paper), paper)

    def take_back(self, i: int, j: int, k: int, much: int) -> None:
        number, red, amount = INVOICES[k % 3], REDS[k % 3][i % 2], (much % 4 + 1) * 1000
        document = world.invoice(
            self.cast.company, -amount, kind="red_general", invoice_no=red, corrects=number
        )
        answer, _ = self.ask(
            lambda: commands.receive_evidence(
                evidence_id=uuid4(), subject_id=id_of(self.cast.company), content=world.packed(document),
                origin=self.at(self.cast.company),
            )
        )  # fmt: skip
        self.same("take back", answer, self.book.take_back(number, red, amount), document)

    def join(self, i: int, j: int, k: int, much: int) -> None:
        goods = self.book.goods()
        if goods:
            chosen = [goods[i % len(goods)], goods[j % len(goods)]]
            lots = [self.lot(self.book.of(g)[0]) for g in chosen]
            answer, _ = self.ask(
                lambda: commands.join_lots(
                    lot_ids=lots, why="seen in the yard", origin=self.at(self.cast.office)
                )
            )
            self.same("join", answer, self.book.join(chosen, self.step), chosen)

    # --- uses -------------------------------------------------------------------------------------------------------

    def draw(self, i: int, j: int, k: int, much: int, purpose: str = "financing") -> None:
        if paper := self.paper(k):
            bank, key = i % BANKS, uuid4()
            left = self.book.remaining(paper)[0 if purpose == "settlement" else 2]
            amount = [left, left + 1, 1, 700, left // 2, left // 2, left // 3, 5000][j % 8] or 1
            currency = "THB" if much == 9 else paper.currency
            answer, facts = self.ask(
                lambda: commands.use_evidence(
                    use_id=key, evidence_id=paper.id, purpose=purpose, amount=amount, currency=currency,
                    origin=self.at(self.cast.banks[bank]),
                )
            )  # fmt: skip
            expected, remaining = self.book.draw(bank, paper, purpose, amount, currency)
            if expected == "done":
                self.book.loans[-1].id = key
            assert remaining is None or facts["remaining"] == remaining, facts
            self.same("draw" if purpose == "financing" else "settle", answer, expected, (paper, amount))

    def settle(self, i: int, j: int, k: int, much: int) -> None:
        self.draw(i, j, k, much, "settlement")

    def give_back(self, i: int, j: int, k: int, much: int) -> None:
        if loan := self.loan(k):
            bank = loan.bank if much else (loan.bank + 1) % BANKS
            amount = [None, None, loan.left, loan.left // 2 or 1, loan.left + 1, 1][j % 6]
            answer, _ = self.ask(
                lambda: commands.free_evidence(
                    use_id=loan.id,
                    amount=amount,
                    reason="repaid",
                    origin=self.at(self.cast.banks[bank]),
                )
            )
            self.same("give back", answer, self.book.give_back(bank, loan, amount), (loan, amount))

    def convert(self, i: int, j: int, k: int, much: int) -> None:
        if (loan := self.loan(k)) and (paper := self.paper(j)):
            bank = loan.bank if much else (loan.bank + 1) % BANKS
            near = [p for p in self.book.of(loan.goods) if p is not loan.paper] if loan.goods else []
            to = near[i % len(near)] if near and much < 8 else paper
            answer, facts = self.ask(
                lambda: commands.convert_form(
                    use_id=loan.id, to_id=to.id, origin=self.at(self.cast.banks[bank])
                )
            )
            expected, remaining = self.book.convert(bank, loan, to)
            assert remaining is None or facts["remaining"] == remaining, facts
            self.same("convert", answer, expected, (loan, to))

    # --- asking and comparing ---------------------------------------------------------------------------------------

    def paper(self, n: int) -> Paper | None:
        return self.book.papers[n % len(self.book.papers)] if self.book.papers else None

    def loan(self, n: int) -> Loan | None:
        return self.book.loans[n % len(self.book.loans)] if self.book.loans else None

    def lot(self, paper: Paper) -> UUID:
        found = queries.evidence(evidence_id=paper.id, viewer=SYSTEM).lot_id
        assert found is not None
        return found

    def ask(self, run: Any) -> tuple[str, dict[str, Any]]:
        try:
            run()
        except Refusal as refusal:
            return refusal.code, refusal.facts
        return "done", {}

    def same(self, act: str, answer: str, expected: str, about: Any) -> None:
        self.told.append(f"{self.step} {act}: {answer} {about}")
        assert answer == expected, (self.step, act, answer, expected, about)
        done[act if answer == "done" else answer] += 1
        self.compare()

    def compare(self) -> None:
        book, papers = self.book, self.book.papers
        rows = {e.id: e for e in queries.evidences(limit=100, viewer=self.cast.company).items}
        assert set(rows) == {p.id for p in papers}
        lots = {x.id: x for x in queries.lots(limit=100, viewer=self.cast.company).items}
        for paper in papers:
            row = rows[paper.id]
            assert (row.amount_minor, row.currency, row.state == "cancelled") == (
                paper.face,
                paper.currency,
                paper.dead,
            ), paper
            left = queries.remaining(evidence_id=row.id, viewer=self.cast.company)
            got = left.settlement_left, left.settlement_used, left.financing_left, left.financing_used
            assert got == book.remaining(paper), (paper, got)
        assert len(lots) == len(book.goods())
        for goods in book.goods():
            of = book.of(goods)
            (lot,) = {self.lot(p) for p in of[:1]}
            view = lots[lot]
            assert {f.id for f in view.forms} == {p.id for p in of}
            kinds: Counter[str] = Counter()
            for paper in of:
                kinds[paper.kind] += book.limit(paper, "financing")
            assert view.by_kind == {k: n for k, n in kinds.items() if n}
            assert (view.currency, view.left, view.used) == (
                goods.currency,
                book.free(goods),
                book.financed(goods),
            ), of
        uses = {u.id: u for u in queries.uses(limit=200, viewer=SYSTEM).items}
        assert set(uses) == {n.id for n in book.loans}
        for loan in book.loans:
            use = uses[loan.id]
            assert (use.left, use.evidence_id, use.user.id) == (
                loan.left, loan.paper.id, id_of(self.cast.banks[loan.bank])
            )  # fmt: skip
            assert use.forms == [p.id for p in loan.stood_on]
            assert (use.others, use.contested) == (book.others(loan), loan.contested), loan
            wrongs = book.wrongs(loan)
            assert use.alert in (wrongs or {""}), (loan, wrongs)
            if use.alert not in (
                "",
                "two_currencies",
            ):  # a use bears one mark: a later one has taken the place of this
                loan.two_currencies = False
        totals = queries.totals(viewer=self.cast.office)
        assert {t.currency: (t.available, t.financed, t.financed_beyond) for t in totals} == book.totals()
        assert sum(t.differing for t in totals) == 0, totals
        found = ledger.recount(viewer=SYSTEM)
        assert (found.differing, found.beyond_bound, found.units_unbalanced, found.holds_differing) == (
            0,
            0,
            0,
            0,
        )


@pytest.fixture
def cast() -> Cast:
    return Cast()


def walk(cast: Cast, taken: Iterable[tuple[str, int, int, int, int]]) -> None:
    """Take these steps from an empty book, and leave nothing of them."""
    with world.undone():
        one = Walk(cast)
        try:
            for step in taken:
                one.take(*step)
        except AssertionError:
            print("\n".join(one.told))
            raise


def steps(seed: int, number: int) -> list[tuple[str, int, int, int, int]]:
    """So many steps from one number: an act, which document or use or bank, and how much."""
    random = Random(seed)
    return [
        (
            random.choice(ACTS),
            random.randrange(8),
            random.randrange(8),
            random.randrange(8),
            random.randrange(10),
        )
        for _ in range(number)
    ]


def test_the_register_stands_as_the_book_does(cast: Cast) -> None:
    """Hypothesis shows the seed of a walk that fails."""

    @settings(max_examples=20, print_blob=True)
    @given(st.integers(0, 2**32))
    def walks(seed: int) -> None:
        walk(cast, steps(seed, 25))

    walks()
    # Which acts twenty walks come to is chance; the long test asks for all of them.
    assert {"receive", "draw", "settle", "give back", "correct", "cancel"} <= set(done), done


@pytest.mark.long
def test_long_walks(cast: Cast) -> None:
    """Forty walks of fifty steps from one number, which is printed. Every act was carried out on the way, and refused."""
    seed = int(os.environ.get("SEED") or randbelow(2**32))
    print(f"SEED={seed}")
    for n in range(40):
        walk(cast, steps(seed + n, 50))
    print(dict(done))
    assert set(ACTS) <= set(done), done
    assert {code for code in done if "." in code} == {
        "evidence.already_received", "evidence.cancelled", "evidence.corrected_unknown", "evidence.currency_differs",
        "evidence.other_goods", "evidence.used_up",
    }, done  # fmt: skip
