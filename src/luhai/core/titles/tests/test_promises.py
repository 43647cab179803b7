"""Whatever is asked of titles, by whom, in whatever order: five promises, against a model that shares no code.

The model knows parties, quantities and pledges as a person would note them on paper; it says of each request whether it must be
carried out, and what stands afterwards.
"""

from __future__ import annotations

import json
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from luhai.core.titles import chain, commands, queries
from luhai.core.titles.models import Claim, Event, Pledge, Title
from luhai.core.titles.tests import world
from luhai.core.titles.tests.test_lifecycle import as_everybody
from luhai.core.titles.tests.world import by, id_of
from luhai.kernel.origin import SYSTEM
from luhai.kernel.refusal import Refusal

PARTIES, BANKS = 3, 2
done: Counter[str] = Counter()
WHO = {
    "transfer": "keeper", "give": "keeper", "nominate": "owner", "endorse": "keeper", "reject": "keeper", "pledge": "owner",
    "release": "lender", "decline": "lender", "enforce": "lender", "split": "owner", "merge": "owner", "surrender": "owner", "accept": "issuer",
    "refuse": "issuer",
}  # fmt: skip


def drawn(random: Random, book: Book) -> tuple[str, int, int, Any]:
    """A request: mostly one that must be carried out as things stand, every fifth time whatever comes."""
    wild = random.random() < 0.2
    act = ""
    for n in range(90):
        if n % 15 == 0:
            act = random.choice([*WHO, "pledge", "split", "split", "merge", "merge", "merge", "merge", "release", "decline", "enforce", "accept"])
        request = plain(
            book,
            (
                act, random.randrange(10),
                random.choice(["right", "keeper", "owner", "issuer", "lender", 0, 1, 2, 3, 4]),
                random.choice(["named", 0, 1, 2, 3, 4]), random.choice([5, 30, 40, 50, 60, 80, 100, 120]),
                random.randrange(3),
            ),
        )  # fmt: skip
        if wild or deepcopy(book).ask(*request) is not None:
            break
    return request


def plain(book: Book, request: tuple[str, int, Any, Any, int, int]) -> tuple[str, int, int, Any]:
    """(act, title, party, argument) of a request, with what it says of relations looked up in the model."""
    act, at, whom, to, percent, n = request
    living = [i for i, p in enumerate(book.papers) if not p.gone] or [0]
    at = living[at % len(living)] if at < 9 else 0  # now and then one that has ended, or none
    p = book.papers[min(at, len(book.papers) - 1)]
    loan = p.loans[n % len(p.loans)] if p.loans else [3, 1, False]
    relations = {"keeper": p.keeper, "owner": p.owner, "issuer": 0, "lender": loan[0]}
    party = relations.get(WHO[act] if whom == "right" else whom, whom)
    target = (p.named if p.named is not None else 2) if to == "named" else to
    if act == "pledge":
        bank = target if percent < 50 else PARTIES + n % BANKS
        return act, at, party, (bank, max(1, (p.much - p.lent) * percent // 100), n == 1)
    if act == "release":
        return act, at, party, (n % max(1, len(p.loans)), max(1, loan[1] * percent // 100))
    if act == "decline":
        return act, at, party, (n % max(1, len(p.loans)), 0)
    if act == "enforce":
        return act, at, party, (n % max(1, len(p.loans)), target)
    if act in ("split", "surrender"):
        base = max(p.much - p.lent, 1) if act == "surrender" else p.much
        return act, at, party, max(1, base * percent // 100)
    if act == "merge":
        return act, at, party, living[(living.index(at) + 1 + n if at in living else n) % len(living)]
    return act, at, party, target if act not in ("accept", "refuse") else 0


@dataclass
class Paper:
    """One receipt as a person would keep it. `loans`: who lent against how much of it, and whether they have said yes."""

    owner: int  # entitled
    keeper: int  # in control
    much: int
    loans: list[list[Any]] = field(default_factory=list)
    named: int | None = None
    back: dict[str, int] = field(default_factory=dict)  # what the last act could undo
    shown: int | None = None  # how much was presented
    gone: bool = False
    id: Any = None

    @property
    def lent(self) -> int:
        return sum(q for _b, q, _yes in self.loans)


class Book:
    """The independent model: 100 t, issued by party 0."""

    def __init__(self) -> None:
        self.papers = [Paper(owner=1, keeper=1, much=100)]
        self.out = 0

    def ask(self, act: str, at: int, by_: int, arg: Any) -> list[Paper] | None:  # noqa: C901  (read from top to bottom)
        """Do it and return the papers it makes (none, or the new ones), or None if it must be refused."""
        if at >= len(self.papers):
            return None
        p = self.papers[at]
        if p.gone:
            return None
        mine = p.owner == p.keeper == by_
        open_ = p.shown is None
        if act == "transfer":
            if by_ != p.keeper or not open_ or p.lent or arg == p.keeper:
                return None
            p.back = {"keeper": p.keeper} | ({"owner": p.back["owner"]} if "owner" in p.back and p.owner != p.keeper else {})
            p.keeper = arg
            return []
        if act == "give":  # control and right together
            if by_ != p.keeper or not open_ or p.lent or arg == p.keeper or arg == p.owner:
                return None
            if p.owner != p.keeper and arg != p.named:
                return None
            p.back = {"keeper": p.keeper, "owner": p.owner}
            p.keeper = p.owner = arg
            p.named = None
            return []
        if act == "nominate":
            if by_ != p.owner or not open_ or arg in (p.owner, p.named):
                return None
            p.named = arg
            p.back = {} if p.owner == p.keeper else {k: v for k, v in p.back.items() if k == "keeper"}
            return []
        if act == "endorse":
            if by_ != p.keeper or not open_ or p.lent or arg == p.owner or (p.owner != p.keeper and arg != p.named):
                return None
            p.back, p.owner, p.named = {"owner": p.owner}, arg, None
            return []
        if act == "reject":
            roles = [r for r in ("owner", "keeper") if getattr(p, r) == by_]
            if not roles or not open_ or p.lent or any(r not in p.back for r in roles):
                return None
            for r in roles:
                setattr(p, r, p.back.pop(r))
                if r == "owner":
                    p.named = None
            return []
        if act == "pledge":
            bank, q, said = arg
            if not mine or not open_ or bank < PARTIES or bank == by_ or p.lent + q > p.much:
                return None
            if by_ == 0 and not said:  # its own warehouse
                return None
            p.loans.append([bank, q, False])
            p.back = {}
            return []
        if act in ("release", "decline", "enforce"):
            n, more = arg
            if n >= len(p.loans) or p.loans[n][0] != by_:
                return None
            if act == "decline":
                if p.loans[n][2]:
                    return None
                p.loans.pop(n)
                return []
            if act == "release":
                if more > p.loans[n][1]:
                    return None
                p.loans[n][1] -= more
                p.loans[n][2] = True
                p.loans = [loan for loan in p.loans if loan[1]]
                return []
            if not open_ or more in (by_, p.keeper):
                return None
            _bank, q, _yes = p.loans.pop(n)
            if q == p.much:
                p.owner = p.keeper = more
                p.named, p.back = None, {}
                return []
            p.gone = True
            return self._more(Paper(p.owner, p.keeper, p.much - q, p.loans), Paper(more, more, q))
        if act == "split":
            if not mine or not open_ or not 0 < arg < p.much or p.lent > arg:
                return None
            p.gone = True
            return self._more(Paper(p.owner, p.keeper, arg, p.loans), Paper(p.owner, p.keeper, p.much - arg))
        if act == "merge":
            if arg >= len(self.papers):
                return None
            o = self.papers[arg]
            if o is p or o.gone or not mine or not (o.owner == o.keeper == by_):
                return None
            if not open_ or o.shown is not None or p.lent or o.lent:
                return None
            p.gone = o.gone = True
            return self._more(Paper(p.owner, p.keeper, p.much + o.much))
        if act == "surrender":
            if not mine or not open_ or arg > p.much - p.lent:
                return None
            p.shown, p.named, p.back = arg, None, {}
            return []
        if by_ != 0 or p.shown is None:
            return None
        if act == "accept":
            p.much -= p.shown
            self.out += p.shown
            p.gone = p.much == 0
        p.shown, p.back = None, {}
        return []

    def _more(self, *made: Paper) -> list[Paper]:
        self.papers += made
        return list(made)


class Promises(TestCase):
    @settings(max_examples=20)
    @given(st.integers(0, 2**32))
    def test_promises_hold_whatever_is_asked(self, seed: int) -> None:
        random = Random(seed)
        people = [world.company() for _ in range(PARTIES)] + [world.bank() for _ in range(BANKS)]
        book = Book()
        book.papers[0].id = world.title(people[0], people[1], quantity=100)
        for _ in range(random.randrange(8, 24)):
            act, at, n, arg = drawn(random, book)
            before = self.stored()
            seen = [(p.id, p.gone) for p in book.papers]
            done["asked"] += 1
            must = book.ask(act, at, n, arg)
            target = seen[at][0] if at < len(seen) else UUID(int=9)
            try:
                answer = self.do(act, target, people, n, arg, seen)
            except Refusal as refusal:
                assert must is None, (act, at, n, arg, refusal.code)  # noqa: PT017
                assert self.stored() == before, "a refusal changes nothing"
                continue
            assert must is not None, f"{act} by {n} on {at} with {arg} should have been refused"
            done[act] += 1
            for paper, made in zip(must, answer, strict=True):
                paper.id = made
            self.compare(book, people)
        for paper in book.papers:
            found = chain.verify(queries.export(title_id=paper.id, viewer=SYSTEM))
            assert found.ok, found
            assert found.head == Title.objects.get(pk=paper.id).head

    def tearDown(self) -> None:
        """Hypothesis has had its examples: the promises were tried on acts that were carried out, too."""
        assert sum(done.values()) > 1.6 * done["asked"], done
        assert set(WHO) <= set(done), done

    def do(self, act: str, t: UUID, people: list[Any], n: int, arg: Any, seen: list[Any]) -> list[UUID]:
        """Ask the register; the titles that the act makes, in the order in which the model makes them."""
        o = by(people[n])
        if act == "transfer":
            commands.transfer_title(title_id=t, to=id_of(people[arg]), origin=o)
        elif act == "give":
            commands.transfer_title(title_id=t, to=id_of(people[arg]), beneficiary=id_of(people[arg]), origin=o)
        elif act == "nominate":
            commands.nominate(title_id=t, to=id_of(people[arg]), origin=o)
        elif act == "endorse":
            commands.endorse(title_id=t, to=id_of(people[arg]), origin=o)
        elif act == "reject":
            commands.reject_transfer(title_id=t, origin=o)
        elif act == "pledge":
            commands.pledge_title(
                title_id=t, pledgee=id_of(people[arg[0]]), quantity=arg[1], affiliated=arg[2], origin=o
            )
        elif act in ("release", "decline", "enforce"):
            pledge = self.pledge(t, arg[0])
            if act == "decline":
                commands.refuse_pledge(title_id=t, pledge=pledge, origin=o)
            elif act == "release":
                commands.release_pledge(title_id=t, pledge=pledge, quantity=arg[1], origin=o)
            else:
                made = commands.enforce_pledge(
                    title_id=t, pledge=pledge, to=id_of(people[arg[1]]), ground="sale", document="d", origin=o
                )
                if made != t:
                    as_everybody()
                    rest = Title.objects.filter(origin_title_id=t).exclude(pk=made).get()
                    return [rest.pk, made]
        elif act == "split":
            as_everybody()
            total = Title.objects.filter(pk=t).values_list("quantity", flat=True).first() or 0
            parts = [arg, total - arg] if total > arg else [arg]
            return [UUID(x) for x in commands.split_title(title_id=t, parts=parts, origin=o)]
        elif act == "merge":
            other = seen[arg][0] if arg < len(seen) else UUID(int=8)
            return [commands.merge_titles(title_id=t, others=[other], origin=o)]
        elif act == "surrender":
            commands.surrender_title(title_id=t, quantity=arg, origin=o)
        elif act == "accept":
            commands.accept_surrender(title_id=t, origin=o)
        else:
            commands.refuse_surrender(title_id=t, reason="r", origin=o)
        return []

    def pledge(self, title: UUID, n: int) -> UUID:
        """The n-th live pledge in the order in which they were made, as the model counts them."""
        as_everybody()
        order: list[UUID] = []
        events = Event.objects.filter(act="pledge").order_by("pk")
        live = dict(Pledge.objects.filter(title_id=title, ended_at=None).values_list("pk", "quantity"))
        for event in events:
            key = UUID(json.loads(event.body)["effect"]["pledge"])
            if key in live:
                order.append(key)
        return order[n] if n < len(order) else UUID(int=7)

    def compare(self, book: Book, people: list[Any]) -> None:
        as_everybody()
        rows = {row.pk: row for row in Title.objects.all()}
        assert set(rows) == {p.id for p in book.papers}
        ids = [id_of(p) for p in people]
        total = 0
        for paper in book.papers:
            row = rows[paper.id]
            assert (row.state in {"SPLIT", "MERGED", "DELIVERED"}) == paper.gone, (row.state, paper)
            if row.state in {"SPLIT", "MERGED"}:
                continue
            total += row.quantity
            assert row.quantity == paper.much
            if paper.gone:
                continue
            assert (row.holder_id, row.beneficiary_id) == (ids[paper.keeper], ids[paper.owner])
            assert row.nominee_id == (ids[paper.named] if paper.named is not None else None)
            assert row.pledged == paper.lent <= row.quantity
            loans = Pledge.objects.filter(title=row, ended_at=None).values_list("pledgee_id", "quantity")
            assert sorted((str(b), q) for b, q in loans) == sorted((str(ids[b]), q) for b, q, _yes in paper.loans)
        assert total + book.out == 100, "quantity is conserved"
        live = any(not p.gone for p in book.papers)
        assert Claim.objects.filter(live=True).exists() == live, "the key is taken as long as anything lives"

    def stored(self) -> tuple[Any, ...]:
        as_everybody()
        return (
            list(Title.objects.order_by("id").values_list()), list(Event.objects.order_by("pk").values_list()),
            list(Pledge.objects.order_by("id").values_list()),
        )  # fmt: skip
