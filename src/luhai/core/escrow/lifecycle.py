"""The life of an escrow: what may be done in which state, by whom, where it leads, and what stands behind it.

This table is the only place that says so. `diagram` and `table` draw it; docs/diagrams/escrow.md contains both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import gettext_noop


class State(StrEnum):
    DRAFT = "DRAFT"  # arranged; not everybody has agreed, or not everything is in
    FUNDED = "FUNDED"  # all agreed, every leg holds at least what it must, every title is kept
    MET = "MET"  # and every condition has been met; execution looks at them once more
    DISPUTED = "DISPUTED"  # a party objects; nothing moves until it is decided
    EXECUTED = "EXECUTED"  # everything moved as the terms say; final
    EXPIRED = "EXPIRED"  # time ran out and everything went back; final
    RETURNED = "RETURNED"  # withdrawn or decided against, and everything went back; final


class Act(StrEnum):
    ARRANGE = "arrange"
    AGREE = "agree"
    FUND = "fund"
    DEPOSIT = "deposit"
    PRESENT = "present"
    CONFIRM = "confirm"
    EXECUTE = "execute"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    DISPUTE = "dispute"
    SETTLE = "settle"


class Who(StrEnum):
    """The relation to the escrow that an act asks for."""

    PARTY = "party"
    PAYER = "payer"
    DEPOSITOR = "depositor"
    CONFIRMER = "confirmer"
    ARBITER = "arbiter"
    TRIGGER = "trigger"  # a party, the system, or a command of another subject that carries it out


FINAL: Final = frozenset({State.EXECUTED, State.EXPIRED, State.RETURNED})
LIVE: Final = tuple(s for s in State if s not in FINAL)


@dataclass(frozen=True, slots=True)
class Rule:
    """One act: who may, from which state to which, what it writes and refuses, where it comes from."""

    who: Who
    moves: Mapping[
        State | None, tuple[State, ...]
    ]  # several: which one depends on what is in and what is met
    writes: str
    refuses: str
    source: str


_IN: Final = (State.FUNDED, State.MET)
_D: Final = "domain notes on settlement §7.4"

RULES: Final[Mapping[Act, Rule]] = MappingProxyType({
    Act.ARRANGE: Rule(
        Who.PARTY, {None: (State.DRAFT,)}, "the terms with their digest, an account for each leg",
        "terms that cannot be read, that leave value behind, or that name others' accounts", f"{_D} (DRAFT)",
    ),
    Act.AGREE: Rule(
        Who.PARTY, {State.DRAFT: (State.DRAFT, *_IN)}, "the party's agreement to the digest",
        "another digest; a second time", f"{_D} (SIGNED)",
    ),
    Act.FUND: Rule(
        Who.PAYER, {State.DRAFT: (State.DRAFT, *_IN), State.FUNDED: _IN, State.MET: (State.MET,)},
        "value from the payer's account to the leg's", "before all have agreed; more than the leg takes; when due",
        f"{_D} (FUNDED)",
    ),
    Act.DEPOSIT: Rule(
        Who.DEPOSITOR, {State.DRAFT: (State.DRAFT, *_IN)}, "the escrow keeps the title, for the holder or a pledgee",
        "before all have agreed; a title that is not in the terms; when due", f"{_D} (FUNDED)",
    ),
    Act.PRESENT: Rule(
        Who.PARTY, {State.DRAFT: (State.DRAFT, *_IN), State.FUNDED: _IN, State.MET: (State.MET,)},
        "a piece of evidence, in its present version, for a condition", "before all have agreed; when due",
        f"{_D}: every release references one condition proof",
    ),
    Act.CONFIRM: Rule(
        Who.CONFIRMER, {State.DRAFT: (State.DRAFT, *_IN), State.FUNDED: _IN, State.MET: (State.MET,)},
        "the party's consent, for a condition", "before all have agreed; a second time; when due",
        f"{_D} (milestone: k of n approvers)",
    ),
    Act.EXECUTE: Rule(
        Who.TRIGGER, dict.fromkeys(_IN, (State.EXECUTED,)),
        "title acts, uses of evidence, one linked ledger batch, the outcome with its proof",
        "a condition that is not met now; a frozen account; value left over", f"{_D}, §7.6 (single ledger)",
    ),
    Act.WITHDRAW: Rule(
        Who.PARTY, {State.DRAFT: (State.RETURNED,)}, "value and titles back to where they came from", "-", f"{_D} (REFUNDED)",
    ),
    Act.EXPIRE: Rule(
        Who.TRIGGER, {State.DRAFT: (State.EXPIRED,), **dict.fromkeys(_IN, (State.EXPIRED,))},
        "value and titles back to where they came from", "before it is due; one whose conditions are all met: execute it",
        f"{_D} (REFUNDED: deadline passed)",
    ),
    Act.DISPUTE: Rule(
        Who.PARTY, dict.fromkeys(_IN, (State.DISPUTED,)), "the reason", "when due and a condition is not met: let it expire", f"{_D} (DISPUTED)",
    ),
    Act.SETTLE: Rule(
        Who.ARBITER, {State.DISPUTED: (State.EXECUTED, State.RETURNED)},
        "what executing writes, or value and titles back; the decision stands as the proof", "as executing, but for conditions",
        f"{_D} (ARBITRATED)",
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
    lines = ["| act | who | from → to | writes | refuses | source |", "|---|---|---|---|---|---|"]
    for act, rule in RULES.items():
        moves = "; ".join(f"{a or 'nothing'} → {' or '.join(b)}" for a, b in rule.moves.items())
        lines.append(f"| {act} | {rule.who} | {moves} | {rule.writes} | {rule.refuses} | {rule.source} |")
    return "\n".join(lines)


#: Names for people, translated where they are shown.
STATE_NAMES: Final = MappingProxyType({
    State.DRAFT: gettext_noop("Draft"),
    State.FUNDED: gettext_noop("Funded, waiting for its conditions"),
    State.MET: gettext_noop("Conditions met"),
    State.DISPUTED: gettext_noop("Disputed"),
    State.EXECUTED: gettext_noop("Executed"),
    State.EXPIRED: gettext_noop("Expired, everything went back"),
    State.RETURNED: gettext_noop("Ended, everything went back"),
})  # fmt: skip
ACT_NAMES: Final = MappingProxyType({
    Act.ARRANGE: gettext_noop("Arrange an escrow"),
    Act.AGREE: gettext_noop("Agree to the terms"),
    Act.FUND: gettext_noop("Pay in"),
    Act.DEPOSIT: gettext_noop("Hand over a title"),
    Act.PRESENT: gettext_noop("Present evidence"),
    Act.CONFIRM: gettext_noop("Confirm a condition"),
    Act.EXECUTE: gettext_noop("Execute"),
    Act.WITHDRAW: gettext_noop("Withdraw the draft"),
    Act.EXPIRE: gettext_noop("Let it expire"),
    Act.DISPUTE: gettext_noop("Dispute"),
    Act.SETTLE: gettext_noop("Decide the dispute"),
})  # fmt: skip
WHO_NAMES: Final = MappingProxyType({
    Who.PARTY: gettext_noop("a party to the escrow"),
    Who.PAYER: gettext_noop("the payer of this leg"),
    Who.DEPOSITOR: gettext_noop("the party that is to hand over this title"),
    Who.CONFIRMER: gettext_noop("a party whose consent the condition asks for"),
    Who.ARBITER: gettext_noop("the arbiter; where none is named, a supervisor"),
    Who.TRIGGER: gettext_noop("a party to the escrow, or the system"),
})  # fmt: skip
