"""Count everything again: the ledger from its transfers, titles from their chains, evidence from its uses, the journal from its seals, and
the statistics from the journal. Each answers what it looked at, and whether it agrees.

Statistics read sealed entries only, so `gathered` seals and gathers first; `rows_of` are the figures in which one shipment stands.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from luhai.core.evidence import policy as evidence
from luhai.core.ledger import queries as ledger
from luhai.core.titles import chain
from luhai.core.titles import queries as titles
from luhai.kernel.origin import SYSTEM
from luhai.oversight.statistics import commands as statistics
from luhai.oversight.statistics import queries as indicators
from luhai.oversight.statistics.indicators import INDICATORS, NOWHERE
from luhai.shell import journal
from luhai.shell.context import acting

from .stage import Stage


def gathered(at: datetime) -> dict[str, int]:
    """Seal the journal and let the statistics read on, to its end; return how far, and what was read."""
    journal.seal(at=at)
    read = statistics.gather_all(at)
    journal.seal(at=at)  # that it was read is an entry, too
    return read


def rows_of(stage: Stage) -> list[dict[str, Any]]:
    """The figures of the shipment's territory and months in which it stands, each with its own events beneath."""
    made = []
    place = stage.cast.exporter.party.territory or NOWHERE
    first, last = (stage.shipment.day + timedelta(days=d) for d in (0, 31))
    mine = {str(stage.draw), str(stage.payment)}
    for key in INDICATORS:
        figures = indicators.figures(
            indicator=key, month_from=f"{first:%Y-%m}", month_to=f"{last:%Y-%m}", territory=place, viewer=SYSTEM
        )
        for cell in figures.cells:
            below = _beneath(key, cell.month, place, cell.currency)
            own = [e for e in below if e.subject in mine and (figures.indicator.stock or f"{e.day:%Y-%m}" == cell.month)]
            if own:
                made.append(
                    {
                        "indicator": key, "zh": figures.indicator.zh, "en": figures.indicator.en, "month": cell.month, "territory": place,
                        "name_zh": cell.name_zh, "name_en": cell.name_en, "currency": cell.currency, "value": cell.value,
                        "count": cell.count,
                        "own": [{"position": e.position, "event": e.event_kind, "subject": e.subject, "amount": e.amount} for e in own],
                    }
                )  # fmt: skip
    return made


def _beneath(key: str, month: str, place: str, currency: str) -> list[indicators.Beneath]:
    found: list[indicators.Beneath] = []
    cursor = ""
    while True:
        page = indicators.beneath(
            indicator=key, month=month, territory=place, currency=currency, cursor=cursor, limit=200, viewer=SYSTEM
        )
        found += page.items
        if not page.next:
            return found
        cursor = page.next


def recounted() -> dict[str, Any]:
    """Every count, by what it counts, and `agrees`: whether all do."""
    found = {
        "ledger": of_ledger(), "titles": of_titles(), "evidence": of_evidence(), "journal": of_journal(), "statistics": of_statistics(),
    }  # fmt: skip
    return {**found, "agrees": all(one["agrees"] for one in found.values())}


def of_ledger() -> dict[str, Any]:
    """Every balance, bound and hold, from the transfers."""
    found = asdict(ledger.recount(viewer=SYSTEM))
    wrong = {name: count for name, count in found.items() if name not in ("accounts", "transfers")}
    return {**found, "agrees": not any(wrong.values())}


def of_titles() -> dict[str, Any]:
    """Every title's exported chain, verified without the register, against the head and the control that the register shows."""
    looked = events = 0
    wrong: list[str] = []
    cursor = ""
    while True:
        page = titles.titles(cursor=cursor, limit=200, viewer=SYSTEM)
        for title in page.items:
            verdict = chain.verify(titles.export(title_id=title.id, viewer=SYSTEM), head=title.head)
            looked, events = looked + 1, events + verdict.events
            if not verdict.ok or verdict.state != title.state or verdict.control.get("holder") != str(title.holder_id):
                wrong.append(str(title.id))
        if not page.next:
            return {"titles": looked, "events": events, "wrong": wrong, "agrees": not wrong}
        cursor = page.next


_USES = "SELECT evidence_id, lot_id, purpose, amount - freed FROM evidence_use"
_PIECES = "SELECT id, lot_id FROM evidence_evidence"
_SUMS = "SELECT id, credits_posted - debits_posted FROM ledger_account WHERE kind LIKE 'evidence.%%'"


def of_evidence() -> dict[str, Any]:
    """What is used of each document and of each lot of goods: the uses that stand, against the accounts; and none beyond its limit.

    An account that holds how much may still be used never falls below zero (the ledger sees to it), so used and left together are the limit.
    """
    with transaction.atomic(), acting(SYSTEM), connection.cursor() as cursor:
        cursor.execute(_USES)
        uses = cursor.fetchall()
        cursor.execute(_PIECES)
        pieces = dict(cursor.fetchall())
        cursor.execute(_SUMS)
        on_account = dict(cursor.fetchall())
    used: dict[UUID, int] = defaultdict(int)
    for key, lot, purpose, left in uses:
        used[evidence.account(key, f"{purpose}_used")] += left
        if lot is not None:
            used[evidence.account(lot, "lot_used")] += left
    accounts = {evidence.account(key, f"{purpose}_used") for key in pieces for purpose in ("settlement", "financing")}
    accounts |= {evidence.account(lot, "lot_used") for lot in pieces.values() if lot is not None}
    wrong = [str(a) for a in accounts | used.keys() if used.get(a, 0) != on_account.get(a, 0)]
    below = [str(a) for a, left in on_account.items() if left < 0 and a in accounts]
    return {
        "documents": len(pieces), "uses": len(uses), "accounts": len(accounts), "wrong": sorted(wrong), "below_zero": below,
        "agrees": not wrong and not below,
    }  # fmt: skip


def of_journal() -> dict[str, Any]:
    """The seals over every entry, recomputed."""
    found = journal.verify()
    return {name: found[name] for name in ("entries", "unsealed", "batches", "faults")} | {"agrees": found["intact"]}


def of_statistics() -> dict[str, Any]:
    """Every figure and every fact, from the journal alone, by the statistics' other way."""
    found = indicators.recount(viewer=SYSTEM)
    return {
        "cells": found.cells, "different": list(found.different), "rows": list(found.rows), "broken": list(found.broken),
        "position": found.position, "facts": found.facts, "unread": found.unread, "agrees": found.good and not found.unread,
    }  # fmt: skip
