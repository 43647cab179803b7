"""An independent model of one company's documents, goods and loans, as a careful clerk would keep it. Shares no code with the subject.

    paper     a document with a face; four fifths of it may be financed, all of it settled
    goods     papers that name one another, whoever names whom; worth their largest form; financed in one currency
    loan      what a bank has drawn on a paper for a purpose; what is left of it

Each method says what the register must answer ("done" or the code of its refusal) and notes what then stands.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

BOX_DAYS = 7


@dataclass(eq=False)
class Goods:
    currency: str
    since: int  # the step in which they came: the oldest keep their name


@dataclass(eq=False)
class Paper:
    kind: str
    number: str
    currency: str
    face: int
    names: set[tuple[str, str, int | None]] = field(
        default_factory=set
    )  # kind, number, and a day where the thing is reused
    dead: bool = False
    reds: dict[str, int] = field(default_factory=dict)
    goods: Goods = field(default_factory=lambda: Goods("", 0))
    id: Any = None  # what the register calls it


@dataclass(eq=False)
class Loan:
    bank: int
    paper: Paper
    goods: Goods | None
    purpose: str
    left: int
    currency: str
    stood_on: list[Paper] = field(default_factory=list)
    contested: int = 0
    two_currencies: bool = False
    id: Any = None


class Book:
    def __init__(self) -> None:
        self.papers: list[Paper] = []
        self.loans: list[Loan] = []

    # --- what stands ------------------------------------------------------------------------------------------------

    def limit(self, paper: Paper, purpose: str) -> int:
        if paper.dead:
            return 0
        if purpose == "settlement":
            return paper.face
        return paper.face * 4 // 5 if paper.currency == paper.goods.currency else 0

    def used(self, paper: Paper, purpose: str) -> int:
        return sum(n.left for n in self.loans if n.paper is paper and n.purpose == purpose)

    def left(self, paper: Paper, purpose: str) -> int:
        return max(self.limit(paper, purpose) - self.used(paper, purpose), 0)

    def worth(self, goods: Goods) -> int:
        """Each kind of paper is a whole account of the goods: the largest counts."""
        sums: Counter[str] = Counter()
        for paper in self.of(goods):
            sums[paper.kind] += self.limit(paper, "financing")
        return max(sums.values(), default=0)

    def financed(self, goods: Goods) -> int:
        return sum(n.left for n in self.loans if n.goods is goods)

    def free(self, goods: Goods) -> int:
        return max(self.worth(goods) - self.financed(goods), 0)

    def of(self, goods: Goods) -> list[Paper]:
        return [p for p in self.papers if p.goods is goods]

    def goods(self) -> list[Goods]:
        return sorted({id(p.goods): p.goods for p in self.papers}.values(), key=lambda g: g.since)

    def remaining(self, paper: Paper) -> tuple[int, int, int, int]:
        """Settlement left and used, financing left and used."""
        financing = min(self.left(paper, "financing"), self.free(paper.goods))
        return (
            self.left(paper, "settlement"),
            self.used(paper, "settlement"),
            financing,
            self.used(paper, "financing"),
        )

    def wrongs(self, loan: Loan) -> set[str]:
        """All that is wrong beneath a loan: it bears the name of one of these, and of none if there is none."""
        if not loan.left:
            return set()
        found = {"two_currencies"} if loan.two_currencies else set()
        if loan.paper.dead:
            found.add("cancelled")
        elif self.used(loan.paper, loan.purpose) > self.limit(loan.paper, loan.purpose):
            found.add("below_use")
        if loan.goods is not None and self.financed(loan.goods) > self.worth(loan.goods):
            found.add("overfinanced")
        return found

    def others(self, loan: Loan) -> int:
        """How many other banks have financed the same goods."""
        if loan.goods is None:
            return 0
        return len({n.bank for n in self.loans if n.goods is loan.goods and n.left} - {loan.bank})

    def totals(self) -> dict[str, tuple[int, int, int]]:
        """By currency: what may be financed, what is, and what is beyond."""
        found: dict[str, tuple[int, int, int]] = {}
        for goods in self.goods():
            worth, financed = self.worth(goods), self.financed(goods)
            a, b, c = found.get(goods.currency, (0, 0, 0))
            found[goods.currency] = (a + worth, b + financed, c + max(financed - worth, 0))
        return found

    # --- what is asked ----------------------------------------------------------------------------------------------

    def known(self, kind: str, number: str) -> Paper | None:
        return next((p for p in self.papers if (p.kind, p.number) == (kind, number)), None)

    def receive(self, paper: Paper, step: int) -> str:
        if self.known(paper.kind, paper.number):
            return "evidence.already_received"
        paper.goods = self.unite(self.named_by(paper), paper.currency, step)
        self.papers.append(paper)
        return "done"

    def correct(
        self, paper: Paper, says: int, names: set[tuple[str, str, int | None]], dead: bool, step: int
    ) -> str:
        """`says` is the amount that the document now states; red-letter invoices still count against it."""
        if paper.dead:
            return "evidence.cancelled"
        paper.names |= names
        before = paper.goods
        heir = self.unite([before, *self.named_by(paper)], paper.currency, step)
        if before in self.goods_of_loans() and before.currency != heir.currency:
            heir = before  # two currencies stay apart, and a paper stays with the loans on it
        paper.goods = heir
        paper.face, paper.dead = max(says - sum(paper.reds.values()), 0), dead
        return "done"

    def cancel(self, paper: Paper) -> str:
        if paper.dead:
            return "evidence.cancelled"
        paper.dead = True
        return "done"

    def take_back(self, number: str, red: str, amount: int) -> str:
        paper = self.known("invoice", number)
        if paper is None:
            return "evidence.corrected_unknown"
        if paper.dead:
            return "evidence.cancelled"
        if red in paper.reds:
            return "evidence.already_received"
        if amount > paper.face:
            return "invalid"
        paper.reds[red] = amount
        paper.face -= amount
        paper.dead = paper.face == 0
        return "done"

    def join(self, goods: list[Goods], step: int) -> str:
        if len({id(g) for g in goods}) < 2:
            return "invalid"
        self.unite(goods, "", step)
        return "done"

    def draw(
        self, bank: int, paper: Paper, purpose: str, amount: int, currency: str
    ) -> tuple[str, int | None]:
        """The answer, and what is left where more was asked."""
        if paper.dead:
            return "evidence.cancelled", None
        if currency != paper.currency:
            return "evidence.currency_differs", None
        goods = paper.goods if purpose == "financing" else None
        if goods is not None and goods.currency != currency:
            return "evidence.currency_differs", None
        left = (
            self.left(paper, purpose) if goods is None else min(self.left(paper, purpose), self.free(goods))
        )
        if amount > left:
            for n in self.loans:  # both are warned
                same = n.paper is paper or (goods is not None and n.goods is goods)
                if same and n.purpose == purpose and n.left and n.bank != bank:
                    n.contested += 1
            return "evidence.used_up", left
        self.loans.append(Loan(bank, paper, goods, purpose, amount, currency))
        return "done", None

    def give_back(self, bank: int, loan: Loan, amount: int | None) -> str:
        if bank != loan.bank:
            return "absent"
        back = loan.left if amount is None else amount
        if not 0 < back <= loan.left:
            return "invalid"
        loan.left -= back
        return "done"

    def convert(self, bank: int, loan: Loan, to: Paper) -> tuple[str, int | None]:
        if bank != loan.bank:
            return "absent", None
        if loan.purpose != "financing":
            return "invalid", None
        if to.goods is not loan.goods or to is loan.paper:
            return "evidence.other_goods", None
        if to.dead:
            return "evidence.cancelled", None
        if to.currency != loan.currency:
            return "evidence.currency_differs", None
        if not loan.left:
            return "invalid", None
        if loan.left > self.left(to, "financing"):
            return "evidence.used_up", self.left(to, "financing")
        loan.stood_on.append(loan.paper)
        loan.paper = to
        return "done", None

    # --- goods ------------------------------------------------------------------------------------------------------

    def named_by(self, paper: Paper) -> list[Goods]:
        return [p.goods for p in self.papers if p is not paper and self.touch(p, paper)]

    def touch(self, a: Paper, b: Paper) -> bool:
        """Do the two name a thing in common? A box that travels again is another thing."""
        return any(
            (kind, number) == (k, n) and (day is None or d is None or abs(day - d) <= BOX_DAYS)
            for kind, number, day in a.names
            for k, n, d in b.names
        )

    def goods_of_loans(self) -> list[Goods]:
        return [n.goods for n in self.loans if n.left and n.goods is not None]

    def unite(self, found: list[Goods], currency: str, step: int) -> Goods:
        """The goods that these are from now on. Goods that are financed come first, and among equals the older."""
        if not found:
            return Goods(currency, step)
        several = sorted({id(g): g for g in found}.values(), key=lambda g: g.since)
        financed = [g for g in several if self.financed(g)]
        heir = (financed or several)[0]
        for goods in several:
            if goods is heir:
                continue
            if goods in financed and goods.currency != heir.currency:
                for loan in self.loans:
                    if loan.left and loan.goods in (goods, heir):
                        loan.two_currencies = True
                continue
            for paper in self.of(goods):
                paper.goods = heir
            for loan in self.loans:
                if loan.goods is goods:
                    loan.goods = heir
        return heir
