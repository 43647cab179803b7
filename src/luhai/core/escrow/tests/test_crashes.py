"""Execution is cut off before each of its statements in turn, by an error and by the death of its connection: all or nothing.

Afterwards the same request, under the same key, completes. The real command runs on PostgreSQL; only the last test breaks our own code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import OperationalError, connection

from luhai.core.escrow import commands, queries
from luhai.core.escrow.models import Event, Outcome
from luhai.core.escrow.tests.test_races import books_agree
from luhai.core.escrow.tests.world import (
    DUE,
    agree,
    arranged,
    by,
    fund,
    id_of,
    leg,
    move,
    on,
    purse,
    terms,
    title,
)
from luhai.core.escrow.tests.world import bank as a_bank
from luhai.core.evidence import queries as evidence
from luhai.core.evidence.tests import world as papers
from luhai.core.titles import commands as title_commands
from luhai.core.titles import queries as titles
from luhai.kernel.origin import SYSTEM, Actor, Origin
from luhai.shell.context import acting
from luhai.shell.models import Entry


class Crash(Exception):
    """Something of ours that breaks in the middle."""


class Deal:
    """One of everything: two legs, a waterfall, two titles, a pledge, evidence that is used."""

    def __init__(self) -> None:
        self.buyer, self.seller, self.bank = papers.company(), papers.company(), a_bank()
        self.goods, self.other = sorted(title(papers.company(), self.seller) for _ in range(2))
        self.pledge = title_commands.pledge_title(
            title_id=self.other, pledgee=id_of(self.bank), quantity=10, origin=by(self.seller)
        )
        self.yuan, self.dollars = purse(self.buyer, 500), purse(self.bank, 90, "USD")
        self.fee, self.till, self.dollar_till = (
            purse(self.bank),
            purse(self.seller),
            purse(self.buyer, unit="USD"),
        )
        self.piece = papers.received(papers.contract(self.seller, 700_00), self.seller)
        both = {"to": "buyer", "beneficiary": "buyer"}
        cast = {"buyer": self.buyer, "seller": self.seller, "bank": self.bank}
        said = terms(
            cast,
            value=[leg("yuan", "buyer", self.yuan, 500), leg("dollars", "bank", self.dollars, 90, "USD")],
            titles=[{"title": str(self.goods), "by": "seller"}, {"title": str(self.other), "by": "bank"}],
            conditions=[{"name": "signed", "evidence": {"kind": "contract", "sources": ["seller"]}}],
            steps=[
                move("yuan", self.fee, up_to=40),
                move("yuan", self.till),
                move("dollars", self.dollar_till, 90),
                {"title": str(self.goods), "act": "transfer", "details": both},
                {"title": str(self.other), "act": "release_pledge", "details": {"pledge": str(self.pledge)}},
                {
                    "use": "signed",
                    "purpose": "settlement",
                    "amount": 300_00,
                    "currency": "USD",
                    "user": "bank",
                },
            ],
        )
        self.id = arranged(self.buyer, said)
        for actor in cast.values():
            agree(self.id, actor)
        fund(self.id, self.buyer, "yuan")
        fund(self.id, self.bank, "dollars")
        commands.deposit_title(escrow_id=self.id, title_id=self.goods, origin=by(self.seller))
        commands.deposit_title(escrow_id=self.id, title_id=self.other, origin=by(self.bank))

    def present(self) -> None:
        commands.present(
            escrow_id=self.id, condition="signed", evidence_id=self.piece, origin=by(self.seller)
        )

    def books(self) -> tuple[Any, ...]:
        """Everything that execution or return would change."""
        seen = queries.escrow(escrow_id=self.id, viewer=SYSTEM)
        held = tuple(v.held for v in seen.value)
        accounts = (self.yuan, self.dollars, self.fee, self.till, self.dollar_till)
        hands = [titles.title(title_id=t, viewer=SYSTEM) for t in (self.goods, self.other)]
        with acting(SYSTEM):
            rows = (
                Event.objects.filter(escrow_id=self.id).count(),
                Outcome.objects.filter(escrow_id=self.id).count(),
            )
        used = evidence.remaining(evidence_id=self.piece, viewer=SYSTEM).settlement_used
        return (
            str(seen.state), held, tuple(map(on, accounts)), tuple((t.holder_id, t.keeper, t.pledged, t.n) for t in hands), used,
            rows,
        )  # fmt: skip


@contextmanager
def cut(before: int, how: Callable[[], None]) -> Iterator[list[int]]:
    """Let `how` happen instead of the statement of this number; count the statements that came before."""
    seen = [0]

    def wrapper(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if seen[0] == before:
            how()
        seen[0] += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield seen


def _raise() -> None:
    raise Crash


def _statements(run: Callable[[], Any], deal: Deal) -> int:
    with cut(-1, _raise) as seen:
        run()
    return seen[0]


def _deal(act: str) -> tuple[Deal, Actor, Callable[[Origin], UUID]]:
    deal = Deal()
    if act == "execute":
        deal.present()
        return deal, deal.seller, lambda origin: commands.execute(escrow_id=deal.id, origin=origin)
    return deal, deal.buyer, lambda origin: commands.expire(escrow_id=deal.id, origin=origin)


def _ended(deal: Deal, act: str) -> tuple[Any, ...]:
    buyer, seller = id_of(deal.buyer), id_of(deal.seller)
    state, held, accounts, hands, used, rows = deal.books()
    if act == "execute":
        assert (state, held, accounts, used) == ("EXECUTED", (0, 0), (0, 0, 40, 460, 90), 300_00)
        assert [h[:3] for h in hands] == [(buyer, None, 0), (seller, None, 0)]
    else:
        assert (state, held, accounts, used) == ("EXPIRED", (0, 0), (500, 90, 0, 0, 0), 0)
        assert [h[:3] for h in hands] == [(seller, None, 0), (seller, None, 10)]
    assert rows[1] == 1
    return state, held, accounts, hands, used, rows


@pytest.mark.parametrize("act", ["execute", "expire"])
@pytest.mark.parametrize("death", ["an error of ours", "the connection dies"])
def test_cut_off_before_each_statement(
    fresh_db: str, cluster: Any, django_db_blocker: Any, act: str, death: str
) -> None:
    with django_db_blocker.unblock():
        twin, who, run = _deal(act)  # to learn how many statements there are
        count = _statements(lambda: run(by(who, DUE)), twin)
        _ended(twin, act)
        deal, who, run = _deal(act)
        origin, before = by(who, DUE), deal.books()
        admin = psycopg.connect(cluster.conninfo(), autocommit=True)

        def kill() -> None:
            pid = connection.connection.info.backend_pid
            admin.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])

        ours = death.startswith("an error")
        how: Callable[[], None] = _raise if ours else kill
        expected: type[Exception] = Crash if ours else OperationalError
        assert count > 25
        for place in range(count):
            with pytest.raises(expected), cut(place, how):
                run(origin)
            connection.close()
            assert deal.books() == before, f"cut off before statement {place}, something had moved"
        with acting(SYSTEM):
            assert not Entry.objects.filter(key=origin.key).exists(), (
                "what was cut off was neither done nor refused"
            )
        assert run(origin) == deal.id
        after = _ended(deal, act)
        assert run(origin) == deal.id
        assert deal.books() == after, "once more is not twice"
        admin.close()
        books_agree()


def test_an_answer_that_was_lost_is_given_again(fresh_db: str, cluster: Any, django_db_blocker: Any) -> None:
    """The connection dies right after the commit: whoever asks again is told what was done, and nothing moves twice."""
    with django_db_blocker.unblock():
        deal, who, run = _deal("execute")
        origin = by(who)
        run(origin)
        with psycopg.connect(cluster.conninfo(), autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.connection.info.backend_pid])
        connection.close()
        after = _ended(deal, "execute")
        assert run(origin) == deal.id
        assert deal.books() == after


def test_a_commit_that_the_database_refuses_moves_nothing(fresh_db: str, django_db_blocker: Any) -> None:
    """An end that would leave a title behind is refused at commit, whatever the code above believed."""
    from django.db import IntegrityError

    with django_db_blocker.unblock():
        deal, who, run = _deal("execute")
        before = deal.books()
        real = title_commands.return_title
        try:
            title_commands.return_title = lambda **_: None
            with pytest.raises(IntegrityError, match="keeps 0 legs and 2 titles"):
                run(by(who))
        finally:
            title_commands.return_title = real
        connection.close()
        assert deal.books() == before
