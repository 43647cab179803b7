"""The life of a title: what may be done in which state, by whom, where it leads, and which rule says so.

This table is the only place that says so. `diagram` and `table` draw it; docs/algorithms/title-life.md contains both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import gettext_noop


class Kind(StrEnum):
    TRANSPORT_DOCUMENT = "transport_document"  # bill of lading, rail or multimodal bill, negotiable cargo document
    WAREHOUSE_RECEIPT = "warehouse_receipt"
    RECEIVABLE_VOUCHER = "receivable_voucher"  # electronic proof of a receivable, split and passed on in a chain
    BILL = "bill"  # commercial bill of exchange: a pack number and an interval of it


class Form(StrEnum):
    """To whom the issuer must perform."""

    STRAIGHT = "STRAIGHT"  # to the beneficiary named, who cannot endorse further
    TO_ORDER = "TO_ORDER"  # to the beneficiary or whom they endorse it to
    BLANK = "BLANK"  # to whoever is in control


class State(StrEnum):
    ISSUED = "ISSUED"  # live, nothing pledged
    PLEDGED = "PLEDGED"  # the pledgor keeps it; what is pledged can be neither disposed of nor delivered
    DELIVERY_ASKED = "DELIVERY_ASKED"  # presented for delivery or payment, wholly or in part; the issuer must answer
    AMENDMENT_ASKED = "AMENDMENT_ASKED"  # given up so that the issuer can change it; the issuer must answer
    AMENDING = "AMENDING"  # the issuer has it back and writes the new version, or paper
    PAPER = "PAPER"  # a paper document is in force and this record is not
    FROZEN = "FROZEN"  # by order of a court or authority, or after a stock-take that came out short
    DELIVERED = "DELIVERED"  # goods delivered, or paid; final
    SPLIT = "SPLIT"  # its parts live; final
    MERGED = "MERGED"  # the whole lives; final
    VOID = "VOID"  # by order of a court; final


class Act(StrEnum):
    ISSUE = "issue"
    DERIVE = "derive"  # begins as part of, or as the whole of, others
    NOMINATE = "nominate"
    ENDORSE = "endorse"
    TRANSFER = "transfer"
    REJECT = "reject"
    PLEDGE = "pledge"
    REFUSE_PLEDGE = "refuse_pledge"  # by a pledgee that never agreed to it
    RELEASE_PLEDGE = "release_pledge"
    ENFORCE = "enforce"
    SPLIT = "split"
    MERGE = "merge"
    SURRENDER = "surrender"
    SURRENDER_FOR_AMENDMENT = "surrender_for_amendment"
    ACCEPT_SURRENDER = "accept_surrender"
    REFUSE_SURRENDER = "refuse_surrender"
    AMEND = "amend"
    TO_PAPER = "to_paper"
    TO_ELECTRONIC = "to_electronic"
    KEEP = "keep"
    RETURN = "return"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    VOID = "void"


class Who(StrEnum):
    """The relation to the title that an act asks for."""

    ISSUER = "issuer"
    HOLDER = "holder"  # in control
    BENEFICIARY = "beneficiary"  # entitled
    OWNER = "owner"  # in control and entitled
    NEWCOMER = "newcomer"  # holder or beneficiary, appointed by the act before
    PLEDGEE = "pledgee"
    OFFEREE = "offeree"  # pledgee that has not acted on its pledge yet, and so has not accepted it
    DEPOSITOR = "depositor"  # holder or pledgee, handing it to an escrow
    KEEPER = "keeper"  # the escrow that keeps it
    COURT = "court"  # an authority's order entered by one person and confirmed by another


FINAL: Final = frozenset({State.DELIVERED, State.SPLIT, State.MERGED, State.VOID})
LIVE: Final = tuple(s for s in State if s not in FINAL)
_OPEN: Final = (State.ISSUED, State.PLEDGED)


@dataclass(frozen=True, slots=True)
class Rule:
    """One act: who may, from which state to which, what it writes and refuses, where it comes from."""

    who: Who
    moves: Mapping[State | None, tuple[State, ...]]  # several: which one depends on quantities, or on what was before
    writes: str
    refuses: str
    source: str
    tradetrust: str = "-"
    dcsa: str = "-"


def _same(*states: State) -> dict[State | None, tuple[State, ...]]:
    return {state: (state,) for state in states}


def _released() -> dict[State | None, tuple[State, ...]]:
    """Where the end of a pledge leads: what else is pledged, and whether delivery is asked, decides."""
    return {State.PLEDGED: (State.PLEDGED, State.ISSUED), State.DELIVERY_ASKED: (State.DELIVERY_ASKED,)}


MLETR, NCD, CC = "MLETR", "Negotiable Cargo Documents Convention", "Civil Code"

RULES: Final[Mapping[Act, Rule]] = MappingProxyType({
    Act.ISSUE: Rule(
        Who.ISSUER, {None: (State.ISSUED,)},
        "the title, its claims on its keys, its first version; of a receipt: what its lot is receipted for",
        "a live title on a key (already_live), an edited number (near_duplicate), a lot too small, a term too long;"
        " beneath a negotiable document, a waybill consigned to who is not bound",
        f"{MLETR} 10; {NCD} art. 4; {CC} 840, 908, 909; INV-OB-1, INV-OB-7", "mint", "ISSUE",
    ),
    Act.DERIVE: Rule(
        Who.OWNER, {None: (State.ISSUED, State.PLEDGED)},
        "a part of a split or enforced title, or the whole of merged ones, with the digest of the act it comes from",
        "-", "INV-OB-10, INV-WR-4, INV-EV-1, INV-BILL-2",
    ),
    Act.NOMINATE: Rule(
        Who.BENEFICIARY, _same(*_OPEN), "the nominee", "the beneficiary itself, the present nominee",
        f"{MLETR} 15", "nominate",
    ),
    Act.ENDORSE: Rule(
        Who.HOLDER, _same(State.ISSUED), "the beneficiary and the form; the nominee ends",
        "a straight title; a holder who is not the beneficiary, unless to the nominee; a voucher without evidence of trade",
        f"{MLETR} 15; {NCD} art. 11; {CC} 910; Maritime Law 79", "transferBeneficiary", "ENDORSE, ENDORSE_TO_ORDER, BLANK_ENDORSE",
    ),
    Act.TRANSFER: Rule(
        Who.HOLDER, _same(State.ISSUED), "the holder; with `beneficiary` that too, as by an endorsement to order",
        "the present holder; a straight title to anyone but the beneficiary; a voucher without evidence of trade",
        f"{MLETR} 11; {NCD} art. 7, 11; {CC} 227", "transferHolder, transferOwners", "TRANSFER",
    ),
    Act.REJECT: Rule(
        Who.NEWCOMER, _same(State.ISSUED), "what the act before gave goes back",
        "anything but the very next act of the one appointed", "TradeTrust v5",
        "rejectTransferBeneficiary, rejectTransferHolder, rejectTransferOwners", "TRANSFER (back)",
    ),
    Act.PLEDGE: Rule(
        Who.OWNER, {State.ISSUED: (State.PLEDGED,), State.PLEDGED: (State.PLEDGED,)}, "a pledge on a quantity of its own",
        "more than is free; a pledgee that is no institution; a part of a bill (split it first);"
        " a receipt of the pledgor's own warehouse, unless that is said",
        f"{CC} 440, 441, 442, 445; 427; INV-OB-6, INV-WR-3, INV-WR-6, INV-BILL-4", "transferHolder to the pledgee",
        "TRANSFER to the pledgee",
    ),
    Act.REFUSE_PLEDGE: Rule(
        Who.OFFEREE, _released(), "the pledge, wholly: it was never agreed", "a pledge on which the pledgee has acted",
        f"{CC} 427, 446 (a pledge is a contract), 478 (an offer refused lapses), 480 (to act is to accept)",
        "rejectTransferHolder", "TRANSFER (back)",
    ),
    Act.RELEASE_PLEDGE: Rule(
        Who.PLEDGEE, _released(), "the pledge, wholly or in part", "more than it secures", f"{CC} 393, 435, 436",
        "transferHolder to the pledgor", "TRANSFER to the pledgor",
    ),
    Act.ENFORCE: Rule(
        Who.PLEDGEE, {State.PLEDGED: (State.ISSUED, State.SPLIT)},
        "the pledge ends; who acquires it becomes holder and beneficiary, of a part of its own where only a part was pledged",
        "the pledgee as acquirer without an agreed value (no forfeiture)", f"{CC} 428, 436, 438",
        "transferOwners", "ENDORSE_TO_ORDER, TRANSFER",
    ),
    Act.SPLIT: Rule(
        Who.OWNER, {State.ISSUED: (State.SPLIT,), State.PLEDGED: (State.SPLIT,)},
        "parts that add up to the whole; the first one carries the pledges",
        "parts that do not add up; a first part smaller than what is pledged",
        "INV-WR-4, INV-OB-10, INV-EV-1, INV-BILL-1, INV-BILL-2",
    ),
    Act.MERGE: Rule(
        Who.OWNER, {State.ISSUED: (State.MERGED,)}, "one title of the sum of the parts",
        "parts of different titles, holders or beneficiaries; intervals of a bill that do not touch", "INV-WR-4",
    ),
    Act.SURRENDER: Rule(
        Who.OWNER, {State.ISSUED: (State.DELIVERY_ASKED,), State.PLEDGED: (State.DELIVERY_ASKED,)},
        "the quantity presented; the nominee ends",
        "more than is free of pledges; a part of anything but a warehouse receipt (split it first)",
        f"{NCD} art. 10; {CC} 831, 840, 914; INV-OB-5, INV-WR-2", "returnToIssuer", "SURRENDER_FOR_DELIVERY (SREQ)",
    ),
    Act.SURRENDER_FOR_AMENDMENT: Rule(
        Who.OWNER, {State.ISSUED: (State.AMENDMENT_ASKED,)}, "the reason; the nominee ends", "a pledged title",
        f"{MLETR} 16; INV-OB-3", "returnToIssuer", "SURRENDER_FOR_AMENDMENT (AREQ)",
    ),
    Act.ACCEPT_SURRENDER: Rule(
        Who.ISSUER,
        {
            State.DELIVERY_ASKED: (State.DELIVERED, State.ISSUED, State.PLEDGED),
            State.AMENDMENT_ASKED: (State.AMENDING,),
        },
        "the end, or the quantity that is left after a partial delivery; of a receipt: the lot", "-",
        f"{NCD} art. 10; {CC} 914, 915; INV-WR-2", "burn", "SURRENDERED (SURR)",
    ),
    Act.REFUSE_SURRENDER: Rule(
        Who.ISSUER,
        {State.DELIVERY_ASKED: (State.ISSUED, State.PLEDGED), State.AMENDMENT_ASKED: (State.ISSUED,)},
        "control as it was", "-", "DCSA SUR", "restore", "SREJ",
    ),
    Act.AMEND: Rule(
        Who.ISSUER, {State.AMENDING: (State.ISSUED,)}, "a new version; control as it was",
        "the same content", f"{MLETR} 16; INV-OB-3", "-", "ISSUE (next version)",
    ),
    Act.TO_PAPER: Rule(
        Who.ISSUER, {State.AMENDING: (State.PAPER,)}, "the number of the paper; this record is inoperative from now on", "-",
        f"{MLETR} 18; INV-OB-8", "burn", "SURRENDERED (SWTP)",
    ),
    Act.TO_ELECTRONIC: Rule(
        Who.ISSUER, {State.PAPER: (State.ISSUED,)}, "a new version, for the one who gave up the paper",
        "another paper than the one noted", f"{MLETR} 17; INV-OB-8", "-", "ISSUE (next version)",
    ),
    Act.KEEP: Rule(
        Who.DEPOSITOR, _same(*_OPEN), "the keeper, who alone may act from now on", "another keeper", "ours: core/escrow",
    ),
    Act.RETURN: Rule(
        Who.KEEPER, _same(*LIVE), "no keeper any more", "a keeper who does not keep it", "ours: core/escrow",
    ),
    Act.FREEZE: Rule(
        Who.COURT, {s: (State.FROZEN,) for s in LIVE if s is not State.FROZEN},
        "the state before, and the number of the order", "-", "Civil Procedure Law 253; INV-WR-5", "pause",
    ),
    Act.UNFREEZE: Rule(
        Who.COURT, {State.FROZEN: tuple(s for s in LIVE if s is not State.FROZEN)}, "the state before", "-",
        "Civil Procedure Law 253; INV-WR-5", "unpause",
    ),
    Act.VOID: Rule(
        Who.COURT, {s: (State.VOID,) for s in LIVE}, "the end; its pledges and its keeper end", "-",
        "Civil Procedure Law 229-234 (exhortation)", "burn", "VOIDED",
    ),
})  # fmt: skip

#: (state, act) -> the states it may lead to. A pair that is absent is refused. Before the first act the state is None.
NEXT: Final[Mapping[tuple[State | None, Act], tuple[State, ...]]] = MappingProxyType(
    {(state, act): to for act, rule in RULES.items() for state, to in rule.moves.items()}
)


def diagram() -> str:
    """The table as a Mermaid state diagram; acts between the same two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, act), leads in NEXT.items():
        for to in leads:
            arrows.setdefault((state or "[*]", to), []).append(act)
    lines = ["stateDiagram-v2"]
    lines += [f"    {a} --> {b} : {', '.join(acts)}" for (a, b), acts in arrows.items()]
    lines += [f"    {state} --> [*]" for state in State if state in FINAL]
    return "\n".join(lines)


def table() -> str:
    """The table as Markdown, one row an act."""
    lines = [
        "| act | who | from → to | writes | refuses | rule | TradeTrust | DCSA |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for act, rule in RULES.items():
        moves = "; ".join(f"{a or 'nothing'} → {' or '.join(b)}" for a, b in rule.moves.items())
        lines.append(
            f"| {act} | {rule.who} | {moves} | {rule.writes} | {rule.refuses} | {rule.source} |"
            f" {rule.tradetrust} | {rule.dcsa} |"
        )
    return "\n".join(lines)


#: Names for people, translated where they are shown.
KIND_NAMES: Final = MappingProxyType({
    Kind.TRANSPORT_DOCUMENT: gettext_noop("Transport document"),
    Kind.WAREHOUSE_RECEIPT: gettext_noop("Warehouse receipt"),
    Kind.RECEIVABLE_VOUCHER: gettext_noop("Receivable voucher"),
    Kind.BILL: gettext_noop("Bill of exchange"),
})  # fmt: skip
FORM_NAMES: Final = MappingProxyType({
    Form.STRAIGHT: gettext_noop("straight"),
    Form.TO_ORDER: gettext_noop("to order"),
    Form.BLANK: gettext_noop("in blank"),
})  # fmt: skip
STATE_NAMES: Final = MappingProxyType({
    State.ISSUED: gettext_noop("in circulation"),
    State.PLEDGED: gettext_noop("pledged"),
    State.DELIVERY_ASKED: gettext_noop("presented, the issuer must answer"),
    State.AMENDMENT_ASKED: gettext_noop("given up for amendment"),
    State.AMENDING: gettext_noop("being amended"),
    State.PAPER: gettext_noop("on paper"),
    State.FROZEN: gettext_noop("frozen"),
    State.DELIVERED: gettext_noop("delivered or paid"),
    State.SPLIT: gettext_noop("split into parts"),
    State.MERGED: gettext_noop("merged into one"),
    State.VOID: gettext_noop("void"),
})  # fmt: skip
#: What an act is called: on the button that does it, and when it is refused.
ACT_NAMES: Final = MappingProxyType({
    Act.ISSUE: gettext_noop("Issue"),
    Act.DERIVE: gettext_noop("Begin"),
    Act.NOMINATE: gettext_noop("Nominate"),
    Act.ENDORSE: gettext_noop("Endorse"),
    Act.TRANSFER: gettext_noop("Transfer control"),
    Act.REJECT: gettext_noop("Reject"),
    Act.PLEDGE: gettext_noop("Pledge"),
    Act.REFUSE_PLEDGE: gettext_noop("Refuse the pledge"),
    Act.RELEASE_PLEDGE: gettext_noop("Release the pledge"),
    Act.ENFORCE: gettext_noop("Enforce the pledge"),
    Act.SPLIT: gettext_noop("Split"),
    Act.MERGE: gettext_noop("Merge"),
    Act.SURRENDER: gettext_noop("Present for delivery"),
    Act.SURRENDER_FOR_AMENDMENT: gettext_noop("Give up for amendment"),
    Act.ACCEPT_SURRENDER: gettext_noop("Accept the surrender"),
    Act.REFUSE_SURRENDER: gettext_noop("Refuse the surrender"),
    Act.AMEND: gettext_noop("Amend"),
    Act.TO_PAPER: gettext_noop("Convert to paper"),
    Act.TO_ELECTRONIC: gettext_noop("Take back from paper"),
    Act.KEEP: gettext_noop("Hand to an escrow"),
    Act.RETURN: gettext_noop("Return"),
    Act.FREEZE: gettext_noop("Freeze"),
    Act.UNFREEZE: gettext_noop("Unfreeze"),
    Act.VOID: gettext_noop("Void"),
})  # fmt: skip
WHO_NAMES: Final = MappingProxyType({
    Who.ISSUER: gettext_noop("the issuer"),
    Who.HOLDER: gettext_noop("the holder, who is in control"),
    Who.BENEFICIARY: gettext_noop("the beneficiary"),
    Who.OWNER: gettext_noop("a holder who is also the beneficiary"),
    Who.NEWCOMER: gettext_noop("the holder or beneficiary just appointed"),
    Who.PLEDGEE: gettext_noop("the pledgee"),
    Who.OFFEREE: gettext_noop("a pledgee that has not acted on the pledge yet"),
    Who.DEPOSITOR: gettext_noop("the holder or a pledgee"),
    Who.KEEPER: gettext_noop("the escrow that keeps it"),
    Who.COURT: gettext_noop("an authority, by an order that two people enter"),
})  # fmt: skip
