"""The tables read past every function of the ledger, and counted again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from luhai.core.ledger.policy import Kind, Transfer
from luhai.kernel.origin import SYSTEM
from luhai.shell.context import acting

from .auditor import Answer, Auditor, Sums

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


@dataclass(frozen=True)
class Call:
    """One batch that somebody sent, and what was answered."""

    asked: Sequence[Transfer]
    at: datetime
    answers: list[Answer]


def out_of_turn(auditor: Auditor, calls: Iterable[Call]) -> list[str]:
    """Where the answers are not those of some order of the calls, one after the other.

    The order is that of `seq`: the auditor is asked every call that wrote something when its first row was written,
    and the calls that only repeated others at the end. What the ledger wrote itself are releases of overdue holds.
    """
    every = rows("SELECT id, amount, refused, at, code, hold, xmin::text FROM ledger_transfer ORDER BY seq")
    known = {key for key, *_ in every}
    written_with: dict[str, set[UUID]] = defaultdict(set)  # one commit's rows
    stands = {key: Answer(key, amount, refused) for key, amount, refused, *_ in every}
    for key, *_, commit in every:
        written_with[commit].add(key)
    writer: dict[UUID, list[Call]] = defaultdict(list)
    for call in calls:
        for row in call.asked:
            writer[row.id].append(call)
    done: set[int] = set()
    found: list[str] = []

    def ask(call: Call) -> None:
        done.add(id(call))
        answers = auditor.post(call.asked, call.at)
        pairs = zip(call.asked, call.answers, answers, strict=True)
        found.extend(f"{row}: {have} instead of {want}" for row, have, want in pairs if have != want)

    for key, amount, refused, at, code, hold, commit in every:
        if key in auditor.known:
            continue
        if key not in writer:
            held = auditor.holds.get(hold)
            if code != "ledger.expired" or held is None or held.expires_at is None or held.expires_at > at:
                found.append(f"nobody asked for {key}")
                continue
            release = Transfer(id=key, kind=Kind.RELEASE, hold=hold, up_to=True)
            if auditor.post([release], at) != [Answer(key, amount, refused)]:
                found.append(f"{key} released {amount}")
            continue
        # Of several callers with this id: one who wrote all that it was answered of this commit, the most of it, and
        # who else only repeated what was there.
        claims = [
            call for call in writer[key]
            if id(call) not in done and all(
                row.id in written_with[commit] and answer == stands[row.id]
                for row, answer in zip(call.asked, call.answers, strict=True) if row.id not in auditor.known
            )
        ]  # fmt: skip
        if not claims:
            found.append(f"nobody was answered {key}")
            continue
        ask(max(claims, key=lambda call: len(written_with[commit] & {row.id for row in call.asked})))
    silent = [call for calls in writer.values() for call in calls if id(call) not in done]
    for call in silent:
        if id(call) not in done:
            ask(call)
    found += [f"{key} is not written" for key in auditor.known.keys() - known]
    return found
