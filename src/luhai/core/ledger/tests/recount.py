"""The tables read past every function of the ledger, and counted again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import connection

from luhai.core.ledger.policy import Transfer
from luhai.kernel.origin import SYSTEM
from luhai.shell.context import acting

from .auditor import Answer, Auditor, Sums, chains

_SUMS = "debits_posted, debits_pending, credits_posted, credits_pending"

#: Accounts whose sums are not those of their transfers and holds. Settled is posted; pending is what holds have left.
_FAULTS = f"""
WITH ended AS (
    SELECT hold, sum(amount) AS amount FROM ledger_transfer WHERE hold IS NOT NULL AND refused IS NULL GROUP BY hold
), held AS (
    SELECT t.id, t.debit, t.credit, t.amount - coalesce(e.amount, 0) AS remaining
    FROM ledger_transfer t LEFT JOIN ended e ON e.hold = t.id WHERE t.kind = 'hold' AND t.refused IS NULL
), legs AS (
    SELECT debit AS id, amount AS dp, 0 AS dn, 0 AS cp, 0 AS cn FROM ledger_transfer
        WHERE refused IS NULL AND kind IN ('post', 'settle')
    UNION ALL SELECT credit, 0, 0, amount, 0 FROM ledger_transfer WHERE refused IS NULL AND kind IN ('post', 'settle')
    UNION ALL SELECT debit, 0, remaining, 0, 0 FROM held
    UNION ALL SELECT credit, 0, 0, 0, remaining FROM held
    UNION ALL SELECT id, 0, 0, 0, 0 FROM ledger_account
), counted AS (
    SELECT id, sum(dp) AS dp, sum(dn) AS dn, sum(cp) AS cp, sum(cn) AS cn FROM legs GROUP BY id
)
SELECT 'sums of ' || id FROM (SELECT id, dp, dn, cp, cn FROM counted EXCEPT SELECT id, {_SUMS} FROM ledger_account) x
UNION ALL SELECT 'rest of hold ' || h.id FROM ledger_hold h LEFT JOIN held ON held.id = h.id
    WHERE held.remaining IS DISTINCT FROM h.remaining OR h.remaining < 0
UNION ALL SELECT 'hold without a row ' || id FROM ledger_transfer t
    WHERE kind = 'hold' AND refused IS NULL AND NOT EXISTS (SELECT FROM ledger_hold h WHERE h.id = t.id)
UNION ALL SELECT 'bound of ' || id FROM ledger_account
    WHERE bound = 'debits' AND debits_posted + debits_pending > credits_posted
       OR bound = 'credits' AND credits_posted + credits_pending > debits_posted
       OR least({_SUMS}) < 0
UNION ALL SELECT 'conservation of ' || unit FROM ledger_account GROUP BY unit
    HAVING sum(debits_posted) <> sum(credits_posted) OR sum(debits_pending) <> sum(credits_pending)
UNION ALL SELECT 'units of ' || t.id FROM ledger_transfer t
    JOIN ledger_account d ON d.id = t.debit JOIN ledger_account c ON c.id = t.credit
    WHERE t.refused IS NULL AND (d.unit <> c.unit OR t.unit <> d.unit)
UNION ALL SELECT 'refused but moved ' || id FROM ledger_transfer WHERE refused IS NOT NULL AND amount <> 0
"""


def rows(query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with acting(SYSTEM), connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return cursor.fetchall()


def faults() -> list[str]:
    """What the tables say against each other; empty if the ledger is sound."""
    return [text for (text,) in rows(_FAULTS)]


def sums(accounts: Iterable[UUID]) -> dict[UUID, Sums]:
    return {
        key: Sums(*rest)
        for key, *rest in rows(f"SELECT id, {_SUMS} FROM ledger_account WHERE id = ANY (%s)", list(accounts))
    }


def states(accounts: Iterable[UUID]) -> dict[UUID, str]:
    return dict(rows("SELECT id, state FROM ledger_account WHERE id = ANY (%s)", list(accounts)))


def rests(holds: Iterable[UUID]) -> dict[UUID, int]:
    return dict(rows("SELECT id, remaining FROM ledger_hold WHERE id = ANY (%s)", list(holds)))


def written(ids: Iterable[UUID]) -> dict[UUID, Answer]:
    """What stands under each id."""
    return {
        key: Answer(key, amount, refused)
        for key, amount, refused in rows(
            "SELECT id, amount, refused FROM ledger_transfer WHERE id = ANY (%s)", list(ids)
        )
    }


def differences(auditor: Auditor, *, known: bool = True) -> list[str]:
    """Where the tables are not as the auditor has them."""
    wanted: Mapping[UUID, Sums] = {key: book.sums for key, book in auditor.books.items()}
    have = sums(wanted)
    found = [f"account {k}: {have.get(k)} instead of {v}" for k, v in wanted.items() if have.get(k) != v]
    wanted_rests = {key: held.rest for key, held in auditor.holds.items()}
    have_rests = rests(wanted_rests)
    found += [f"hold {k}: {have_rests.get(k)} instead of {v}" for k, v in wanted_rests.items() if have_rests.get(k) != v]
    if known:
        have_rows = written(auditor.known)
        found += [f"{have_rows.get(k)} instead of {v}" for k, (_, v) in auditor.known.items() if have_rows.get(k) != v]
    return found


def replayed(auditor: Auditor, asked: Mapping[UUID, Transfer]) -> list[str]:
    """Ask the auditor everything that is written, in the order of `seq`, and compare.

    Whatever met, the ledger must have answered as if one batch had come after the other. `asked` are the requests
    that won their ids; what is not among them must be the ledger's own release of an expired hold.
    """
    every = rows("SELECT id, amount, refused, at, code, hold FROM ledger_transfer ORDER BY seq")
    found: list[str] = []
    batch: list[tuple[Transfer, Answer, Any]] = []
    for key, amount, refused, at, code, hold in every:
        if key not in asked:
            held = auditor.holds.get(hold)
            if code != "ledger.expired" or held is None or held.expires_at is None or held.expires_at > at:
                found.append(f"nobody asked for {key}")
                continue
            batch.append((Transfer(id=key, kind="release", hold=hold, up_to=True), Answer(key, amount, refused), at))  # type: ignore[arg-type]
        else:
            batch.append((asked[key], Answer(key, amount, refused), at))
    place = 0
    for chain in chains([row for row, _, _ in batch]):
        part = batch[place : place + len(chain)]
        place += len(chain)
        answers = auditor.post(chain, part[0][2])
        found += [f"{row.id}: {have} instead of {want}" for (row, have, _), want in zip(part, answers, strict=True) if have != want]
    return found
