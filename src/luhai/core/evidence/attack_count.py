"""Count from the rows alone what was financed, and hold it against what the attackers know of their goods.

    count(conninfo, truth)     `truth` is what `attack.storm` returned

No function of evidence or of the ledger is called here: accounts are found by their id, goods by what the attackers know, and what may be
financed on goods is counted anew. Figures under `recount` must be 0:

    beyond_at_a_moment   uses that were granted although the goods, as known then, were lent upon beyond their worth
    unlike_the_answers   goods whose accounts hold something else than the lenders were answered
    unlike_the_uses      documents whose account holds something else than the uses that stand on them
    unlike_the_lots      lots whose account holds something else than their documents' accounts together
    split                goods whose papers stand in several lots, so that they have several limits
    mixed                lots that hold the papers of several goods, so that these share one limit
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID, uuid5

import psycopg


def count(conninfo: str, truth: dict[str, Any]) -> dict[str, Any]:
    with psycopg.connect(conninfo) as connection:
        credits = {
            key: credit - debit
            for key, credit, debit in connection.execute(
                "SELECT id, credits_posted, debits_posted FROM ledger_account"
            )
        }
        documents: dict[UUID, UUID | None] = dict(
            connection.execute("SELECT id, lot_id FROM evidence_evidence").fetchall()
        )
        uses = connection.execute(
            "SELECT evidence_id, lot_id, amount - freed FROM evidence_use WHERE purpose = 'financing'"
        ).fetchall()
        entries = connection.execute(
            "SELECT events FROM journal_entry WHERE outcome = 'done' AND command LIKE 'evidence.%' ORDER BY seq"
        ).fetchall()
        lots = [row[0] for row in connection.execute("SELECT id FROM evidence_lot")]
    on = {key: credits.get(uuid5(key, "evidence.financing_used"), 0) for key in documents}
    by_use: dict[UUID, int] = defaultdict(int)
    for evidence, _, left in uses:
        by_use[evidence] += left
    in_lot: dict[UUID | None, int] = defaultdict(int)
    for key, lot in documents.items():
        in_lot[lot] += on[key]
    goods_of_lot: dict[UUID, set[int]] = defaultdict(set)
    beyond_by_scene: dict[str, int] = defaultdict(int)
    available = financed = unlike = split = 0
    for goods in truth["goods"]:
        keys = {UUID(paper["evidence"]) for paper in goods["papers"]}
        may, is_ = _worth(goods["papers"], truth["ratio_bp"]), sum(on.get(key, 0) for key in keys)
        available, financed = available + may, financed + is_
        if is_ > may:
            beyond_by_scene[goods["scene"]] += is_ - may
        unlike += is_ != goods["financed"]
        mine = {lot for key in keys if (lot := documents.get(key)) is not None}
        split += len(mine) > 1
        for lot in mine:
            goods_of_lot[lot].add(goods["number"])
    if stray := sum(on.values()) - financed:  # on documents that nobody was told had been received
        beyond_by_scene[""] = stray
    return {
        "documents": len(documents), "available": available, "financed": financed + stray,
        "financed_beyond": sum(beyond_by_scene.values()), "beyond_by_scene": dict(beyond_by_scene),
        "recount": {
            "beyond_at_a_moment": _moments([event for (events,) in entries for event in events], truth),
            "unlike_the_answers": unlike,
            "unlike_the_uses": sum(by_use.get(key, 0) != amount for key, amount in on.items()),
            "unlike_the_lots": sum(credits.get(uuid5(lot, "evidence.lot_used"), 0) != in_lot.get(lot, 0) for lot in lots),
            "split": split, "mixed": sum(len(numbers) > 1 for numbers in goods_of_lot.values()),
        },
    }  # fmt: skip


def largest_form(papers: list[tuple[str, int, int]], ratio_bp: int) -> int:
    """What may be financed on goods whose live papers are (kind, part, amount).

    Papers of one kind about one part of the goods are one worth, however many carriers or clerks wrote one; parts of one kind add up; of
    several kinds the largest counts.
    """
    worth: dict[str, dict[int, int]] = {}
    for kind, part, amount in papers:
        of_kind = worth.setdefault(kind, {})
        of_kind[part] = max(of_kind.get(part, 0), amount * ratio_bp // 10_000)
    return max((sum(of_kind.values()) for of_kind in worth.values()), default=0)


def _worth(papers: list[dict[str, Any]], ratio_bp: int) -> int:
    return largest_form(
        [(p["kind"], p["part"], p["amount"]) for p in papers if p["live"] and p["counts"]], ratio_bp
    )


def _moments(events: list[dict[str, Any]], truth: dict[str, Any]) -> int:
    """Go through the journal in its order, and find the uses after which more was financed than the goods were then known to be worth.

    Goods whose papers were linked late are left out: until then nobody knew them as one.
    """
    papers = {
        paper["evidence"]: (goods["number"], {**paper, "live": False})
        for goods in truth["goods"]
        if not goods["linked_late"]
        for paper in goods["papers"]
    }
    known: dict[int, list[dict[str, Any]]] = defaultdict(list)
    financed: dict[int, int] = defaultdict(int)
    beyond = 0
    for event in events:
        kind, data = event["kind"], event["data"]
        number, paper = papers.get(data.get("evidence", event["subject"]), (None, None))
        if number is None or paper is None:
            continue
        if kind == "evidence.received":
            known[number].append(paper)
        if kind in {"evidence.received", "evidence.corrected", "evidence.taken_back", "evidence.cancelled"}:
            paper["amount"], paper["live"] = data["amount_minor"] or 0, data.get("state", "live") == "live"
        elif kind == "evidence.used" and data["purpose"] == "financing":
            financed[number] += data["amount"]
            beyond += financed[number] > _worth(known[number], truth["ratio_bp"])
        elif kind == "evidence.freed":
            financed[number] -= data["amount"]
    return beyond
