"""What a step wrote: postings, acts on titles, uses of evidence, measures. Read at the step's own instants, past all of Python's state.

The instants of a stage are nobody else's (see `Stage`), so what is dated by them is what the step wrote, whoever works beside it; and
a step that was played before is read as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from luhai.kernel.origin import SYSTEM
from luhai.shell.context import acting


@dataclass
class Written:
    """What stands at some instants. Amounts in minor units; accounts by kind and id, with the party they belong to."""

    postings: list[dict[str, Any]] = field(default_factory=list)
    titles: list[dict[str, Any]] = field(default_factory=list)
    uses: list[dict[str, Any]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    measures: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)


_POSTINGS = """
SELECT t.at, t.kind, t.code, t.amount, d.unit, t.debit, d.kind, t.credit, c.kind, t.subject, t.id
FROM ledger_transfer t JOIN ledger_account d ON d.id = t.debit JOIN ledger_account c ON c.id = t.credit
WHERE t.at = ANY(%s) AND t.refused IS NULL AND t.amount > 0 ORDER BY t.seq"""
_ENTRIES = "SELECT at, events FROM journal_entry WHERE at = ANY(%s) AND outcome = 'done' ORDER BY seq"


def written(instants: Iterable[datetime]) -> dict[datetime, Written]:
    """What was written at each of these instants."""
    wanted = list(dict.fromkeys(instants))
    found = {at: Written() for at in wanted}
    if not wanted:
        return found
    with transaction.atomic(), acting(SYSTEM), connection.cursor() as cursor:
        cursor.execute(_POSTINGS, [wanted])
        for at, kind, code, amount, unit, debit, of, credit, to, subject, key in cursor.fetchall():
            found[at].postings.append(
                {
                    "kind": kind, "code": code, "amount": amount, "unit": unit, "debit": str(debit), "debit_kind": of,
                    "credit": str(credit), "credit_kind": to, "subject": subject and str(subject), "transfer": str(key),
                }
            )  # fmt: skip
        cursor.execute(_ENTRIES, [wanted])
        for at, events in cursor.fetchall():
            for event in json.loads(events) if isinstance(events, str) else events:
                _add(found[at], event)
    return found


def together(parts: Iterable[Written]) -> Written:
    whole = Written()
    for part in parts:
        whole.postings += part.postings
        whole.titles += part.titles
        whole.uses += part.uses
        whole.events += part.events
        whole.measures |= part.measures
        whole.rules |= part.rules
    return whole


def _add(to: Written, event: dict[str, Any]) -> None:
    kind, data = str(event["kind"]), event["data"]
    to.events.append(kind)
    to.measures |= set(event["measures"])
    to.rules |= set(event["rules"])
    if kind.startswith("titles.") and not kind.startswith("titles.custody"):  # where the goods are is no act on the title
        to.titles.append({"act": kind.removeprefix("titles."), "title": event["subject"], **data})
    elif kind in ("evidence.used", "evidence.freed"):
        to.uses.append({"act": kind.removeprefix("evidence."), "use": event["subject"], **data})
