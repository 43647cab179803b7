"""The closed list of refusals as a table: each row mends the fault of the row above, until the transfer moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DataError, connection

from conftest import NOON
from luhai.core.ledger import queries
from luhai.core.ledger.commands import post
from luhai.core.ledger.policy import MAX_AMOUNT, MAX_SUM, REFUSALS, Kind, Transfer
from luhai.core.ledger.tests.world import ask, book, opened
from luhai.kernel.origin import SYSTEM

pytestmark = pytest.mark.django_db


def test_post_from_top_to_bottom() -> None:
    """T debits D and credits C. Every row changes one thing; the reason is the first that still applies."""
    used = book(uuid4(), opened(), opened(), 1)
    ask(used)
    debit, credit = opened(bound="debits", state="closed"), opened(bound="credits", state="closed")
    frozen_debit, frozen_credit = opened(bound="debits", state="frozen"), opened(bound="credits", state="frozen")
    poor, rich = opened(bound="debits"), opened(bound="debits", credits=MAX_SUM)
    full, hungry = opened(bound="credits"), opened(bound="credits", debits=MAX_SUM - 5)
    tired, fresh = opened(credits=MAX_SUM - 4), opened()
    far = uuid4()
    rows: list[tuple[str | None, dict[str, Any]]] = [
        ("id_reused", dict(id=used.id, debit=far, credit=far, unit="USD", amount=0, linked=True)),
        ("chain_open", dict()),
        ("amount_not_positive", dict(linked=False)),
        ("accounts_must_differ", dict(amount=MAX_AMOUNT + 1)),
        ("debit_account_not_found", dict(credit=uuid4())),
        ("credit_account_not_found", dict(debit=debit)),
        ("unit_differs", dict(credit=credit)),
        ("debit_account_closed", dict(unit="CNY")),
        ("credit_account_closed", dict(debit=frozen_debit)),
        ("debit_account_frozen", dict(credit=frozen_credit)),
        ("credit_account_frozen", dict(debit=poor)),
        ("expires_too_early", dict(credit=full)),
        ("exceeds_credits", dict(expires_at=NOON + timedelta(seconds=1))),
        ("exceeds_debits", dict(debit=rich)),
        ("overflow", dict(credit=hungry)),
        ("overflow", dict(credit=tired, amount=5)),
        (None, dict(credit=fresh)),
    ]
    asked: dict[str, Any] = dict(kind=Kind.HOLD, expires_at=NOON)
    for expected, mended in rows:
        asked |= mended
        if expected != "id_reused":
            asked["id"] = uuid4()  # a refused id stays refused, so every row asks anew
        assert ask(Transfer(**asked)) == expected, mended


def test_settle_from_top_to_bottom() -> None:
    debit, credit, other = opened(), opened(), opened()
    used = book(uuid4(), debit, credit, 1)
    ask(used)
    finished = hold(debit, credit, 5)
    ask(Transfer(id=uuid4(), kind=Kind.RELEASE, hold=finished))
    expired = hold(debit, credit, 5, expires_in=1)
    frozen_debit, frozen_credit = opened(), opened()
    on_frozen_debit, on_frozen_credit = hold(frozen_debit, credit, 5), hold(debit, frozen_credit, 5)
    mark(frozen_debit, "frozen")
    mark(frozen_credit, "frozen")
    good = hold(debit, credit, 5)
    rows: list[tuple[str | None, dict[str, Any]]] = [
        ("id_reused", dict(id=used.id, hold=uuid4(), debit=other, amount=0, linked=True)),
        ("chain_open", dict()),
        ("amount_not_positive", dict(linked=False)),
        ("hold_not_found", dict(amount=6)),
        ("hold_not_found", dict(hold=used.id)),  # a transfer, but no hold
        ("hold_differs", dict(hold=finished)),
        ("hold_finished", dict(debit=None)),
        ("hold_expired", dict(hold=expired)),
        ("exceeds_hold", dict(hold=on_frozen_debit)),
        ("debit_account_frozen", dict(amount=5)),
        ("credit_account_frozen", dict(hold=on_frozen_credit)),
        (None, dict(hold=good)),
    ]
    asked: dict[str, Any] = dict(kind=Kind.SETTLE)
    for expected, mended in rows:
        asked |= mended
        if expected != "id_reused":
            asked["id"] = uuid4()
        assert ask(Transfer(**asked), at=NOON + timedelta(hours=1)) == expected, mended


def test_the_first_that_fails_keeps_its_reason_and_takes_the_chain_down() -> None:
    a, b, poor = opened(), opened(), opened(bound="debits")
    one, two, three = book(uuid4(), a, b, 1), book(uuid4(), poor, b, 1), book(uuid4(), a, b, 0)
    alone = book(uuid4(), a, b, 3)
    chain = [replace(one, linked=True), replace(two, linked=True), three, alone]
    assert [o.refused for o in post(chain, at=NOON)] == ["linked_failed", "exceeds_credits", "linked_failed", None]
    # and so it stays, also when asked one by one, and also when the account has enough by now
    ask(book(uuid4(), a, poor, 100))
    assert [ask(t) for t in (one, two, three, alone)] == ["linked_failed", "exceeds_credits", "linked_failed", None]


def test_a_repeat_within_a_batch_is_answered_as_its_first_and_moves_nothing() -> None:
    a, b, poor = opened(), opened(), opened(bound="debits")
    one, fails = book(uuid4(), a, b, 7), book(uuid4(), poor, b, 1)
    assert [(o.amount, o.refused) for o in post([one, one, replace(one, amount=8)], at=NOON)] == [
        (7, None), (7, None), (0, "id_reused"),
    ]  # fmt: skip
    # its first may be taken back with its chain after the repeat was looked at
    first = book(uuid4(), a, b, 5)
    batch = [replace(first, linked=True), replace(first, linked=True), fails, first]
    assert [(o.amount, o.refused) for o in post(batch, at=NOON)] == [
        (0, "linked_failed"), (0, "linked_failed"), (0, "exceeds_credits"), (0, "linked_failed"),
    ]  # fmt: skip
    assert queries.balances(account_ids=[a], viewer=SYSTEM)[a].debits_posted == 7


def test_every_reason_is_in_a_table() -> None:
    tables = Path(__file__).read_text(encoding="utf-8")
    assert [reason for reason in REFUSALS if f'"{reason}"' not in tables] == []


@pytest.mark.parametrize(
    "hole",
    [
        dict(kind=["post"], debit=None),
        dict(kind=["post"], unit=None),
        dict(kind=["post"], amount=None),
        dict(kind=["settle"], hold=None),
        dict(kind=["lend"]),
        dict(kind=[None]),
        dict(id=[None]),
    ],
)
def test_a_batch_with_holes_is_our_own_fault_and_raises(hole: dict[str, Any]) -> None:
    row: dict[str, Any] = dict(
        id=[uuid4()], kind=["post"], debit=[uuid4()], credit=[uuid4()], unit=["CNY"], amount=[1], hold=None
    )
    row |= hole
    with pytest.raises(DataError, match="lacks its"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM ledger_post(%s, %s::uuid[], %s::text[], %s::uuid[], %s::uuid[], %s::text[], %s::bigint[],"
            " %s::uuid[], NULL, NULL, NULL, NULL)",
            [NOON, *row.values()],
        )


def hold(debit: UUID, credit: UUID, amount: int, expires_in: int | None = None) -> UUID:
    expires = None if expires_in is None else NOON + timedelta(seconds=expires_in)
    made = Transfer(
        id=uuid4(), kind=Kind.HOLD, debit=debit, credit=credit, unit="CNY", amount=amount, expires_at=expires
    )
    assert ask(made) is None
    return made.id


def mark(account: UUID, state: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_mark(%s, %s)", [account, state])
        assert cursor.fetchone() == (None,)
