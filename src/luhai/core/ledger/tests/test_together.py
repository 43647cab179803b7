"""Callers that share a commit get their own outcomes, and nobody's fault is another's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection

from conftest import NOON
from luhai.core.ledger import together
from luhai.core.ledger.commands import open_accounts, post
from luhai.core.ledger.policy import Account, Bound, Kind, Outcome, Transfer
from luhai.core.ledger.tests.world import book, opened


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many transfers each commit took along."""
    sizes: list[int] = []

    def counting(transfers: list[Transfer], **rest: object) -> list[Outcome]:
        sizes.append(len(transfers))
        return post(transfers, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(together, "post", counting)
    return sizes


def test_threads_share_commits_and_bounds_hold(fresh_db: str, counted: list[int]) -> None:
    world = opened()
    quota = Account(id=uuid4(), unit="CNY", kind="test", bound=Bound.DEBITS)
    open_accounts([quota], at=NOON)
    post([book(uuid4(), world, quota.id, 150)], at=NOON)
    counted.clear()
    ledger = together.Together()

    def use(number: int) -> str | None:
        try:
            chain = [
                Transfer(id=uuid4(), debit=quota.id, credit=world, unit="CNY", amount=1, linked=True),
                Transfer(id=uuid4(), debit=world, credit=quota.id, unit="CNY", amount=0 if number % 4 == 0 else 1, linked=True),
                Transfer(id=uuid4(), debit=quota.id, credit=world, unit="CNY", amount=1),
            ]  # fmt: skip
            return ledger.post(chain, at=NOON)[2].refused
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(use, range(400)))
    assert (answers.count(None), answers.count("linked_failed")) == (150, 250)
    assert sum(counted) == 1200
    assert len(counted) < 400


def test_an_open_chain_binds_no_stranger(fresh_db: str) -> None:
    a, b = opened(), opened()
    bad = Transfer(id=uuid4(), debit=a, credit=b, unit="CNY", amount=1, linked=True)
    assert [o.refused for o in together.Together().post([bad], at=NOON)] == ["chain_open"]


def test_an_error_reaches_everyone_it_concerns_and_nobody_else(fresh_db: str) -> None:
    ledger = together.Together()
    a, b = opened(), opened()
    broken = Transfer(id=uuid4(), kind=Kind.POST, debit=a, credit=b, unit="CNY", amount=10**30)
    with pytest.raises(Exception, match="out of range"):
        ledger.post([broken], at=NOON)
    assert ledger.post([book(uuid4(), a, b, 1)], at=NOON)[0].refused is None
