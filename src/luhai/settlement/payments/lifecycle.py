"""The life of a payment that came for a company: what may be done in which state, by whom, and where it leads.

This table is the only place that says so; docs/algorithms/document-checked-payment.md contains its drawing, and a test keeps it equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import gettext_noop


class State(StrEnum):
    RECEIVED = "RECEIVED"  # in suspense; its documents were not checked as they are now
    CLEAR = "CLEAR"  # the check found nothing against it
    BLOCKED = "BLOCKED"  # the check found something missing or in conflict
    OVERRIDDEN = "OVERRIDDEN"  # two persons of the bank let it pass all the same
    CREDITED = "CREDITED"  # the company has the money, or the escrow that it repays; final
    RETURNED = "RETURNED"  # sent back to where it came from; final


class Act(StrEnum):
    RECEIVE = "receive"
    ATTACH = "attach"
    DETACH = "detach"
    CHECK = "check"
    PROPOSE = "propose"
    APPROVE = "approve"
    SETTLE = "settle"
    RETURN = "return"


class Who(StrEnum):
    """The relation to the payment that an act asks for."""

    EITHER_BANK = "either_bank"
    COMPANY = "company"
    BANK = "bank"
    OTHER_OFFICER = "other_officer"


FINAL: Final = frozenset({State.CREDITED, State.RETURNED})
LIVE: Final = tuple(s for s in State if s not in FINAL)


@dataclass(frozen=True, slots=True)
class Rule:
    """One act: who may, from which state to which, what it writes and refuses, where it comes from."""

    who: Who
    moves: Mapping[State | None, tuple[State, ...]]  # several: by what the check says
    writes: str
    refuses: str
    source: str


def _from(states: tuple[State, ...], *to: State) -> Mapping[State | None, tuple[State, ...]]:
    return dict.fromkeys(states, to)


_D: Final = "domain notes on settlement"

RULES: Final[Mapping[Act, Rule]] = MappingProxyType({
    Act.RECEIVE: Rule(
        Who.EITHER_BANK, {None: (State.RECEIVED,)}, "the message, money from the nostro into suspense, the answer ACSP",
        "an account that is none (AC01), closed (AC04) or blocked (AC06), a repetition (DUPL), what a rule forbids: answered RJCT",
        f"{_D} §6.3",
    ),
    Act.ATTACH: Rule(
        Who.COMPANY, _from(LIVE, State.RECEIVED), "a document, which the bank may look at and use for this payment",
        "a document about another party, or taken back", f"{_D} §1.3 (document matrix)",
    ),
    Act.DETACH: Rule(
        Who.COMPANY, _from(LIVE, State.RECEIVED), "the document is not part of it any more", "a document that is not attached", f"{_D} §1.3",
    ),
    Act.CHECK: Rule(
        Who.BANK, _from(LIVE, State.CLEAR, State.BLOCKED), "the verdict with its findings, and which versions of which documents it saw",
        "-", f"{_D} §1.2 (during), §1.3",
    ),
    Act.PROPOSE: Rule(
        Who.BANK, _from((State.BLOCKED,), State.BLOCKED), "a proposal to let it pass, with a reason of the list",
        "a second proposal on one verdict", f"{_D} §1.3 (reasoned exception)",
    ),
    Act.APPROVE: Rule(
        Who.OTHER_OFFICER, _from((State.BLOCKED,), State.OVERRIDDEN), "the approval", "the person who proposed it", f"{_D} §1.3",
    ),
    Act.SETTLE: Rule(
        Who.BANK, _from((State.CLEAR, State.OVERRIDDEN), State.CREDITED),
        "the declaration is used, money is exchanged and credited, or the escrow that it repays is carried out; ACCC and camt.054",
        "documents that changed since the check; a declaration that is used up or taken back; an escrow that is not met",
        f"{_D} §0.2 (5), §1.3, §6.3",
    ),
    Act.RETURN: Rule(
        Who.BANK, _from(LIVE, State.RETURNED), "money from suspense to the nostro; ACSC and pacs.004", "-", f"{_D} §6.3",
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


#: Names for people, translated where they are shown.
STATE_NAMES: Final = MappingProxyType({
    State.RECEIVED: gettext_noop("Received, to be checked"),
    State.CLEAR: gettext_noop("Checked, nothing against it"),
    State.BLOCKED: gettext_noop("Blocked by the check"),
    State.OVERRIDDEN: gettext_noop("Let pass by two persons"),
    State.CREDITED: gettext_noop("Credited"),
    State.RETURNED: gettext_noop("Returned"),
})  # fmt: skip
ACT_NAMES: Final = MappingProxyType({
    Act.RECEIVE: gettext_noop("Receive a payment"),
    Act.ATTACH: gettext_noop("Attach a document"),
    Act.DETACH: gettext_noop("Detach a document"),
    Act.CHECK: gettext_noop("Check the documents"),
    Act.PROPOSE: gettext_noop("Propose to let it pass"),
    Act.APPROVE: gettext_noop("Approve that it passes"),
    Act.SETTLE: gettext_noop("Credit it"),
    Act.RETURN: gettext_noop("Send it back"),
})  # fmt: skip
WHO_NAMES: Final = MappingProxyType({
    Who.EITHER_BANK: gettext_noop("the creditor's bank, or the bank that sends the payment"),
    Who.COMPANY: gettext_noop("the company that the payment is for"),
    Who.BANK: gettext_noop("the bank of the payment"),
    Who.OTHER_OFFICER: gettext_noop("another person of the bank"),
})  # fmt: skip
