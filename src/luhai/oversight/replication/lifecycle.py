"""The life of an adoption: what may be done in which state, by whom, and where it leads.

This table is the only place that says so. Nothing is in force before `LIVE`; what was in force and ended stays readable.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import gettext_noop


class State(StrEnum):
    DRAFTED = "drafted"  # a territory wrote down which package it wants, what it would set differently, and from when
    EXAMINED = "examined"  # conditions judged, vectors run, effect estimated; frozen by its digest
    PROPOSED = "proposed"  # one official stands behind the examination
    APPROVED = "approved"  # another official of the territory does too
    GRANTED = "granted"  # the authority that granted the original says yes; it waits for its day
    LIVE = "live"
    STOPPED = "stopped"  # a limit was passed: no new business; contracts that exist go on
    ROLLED_BACK = "rolled_back"
    ENDED = "ended"  # its last day is over
    REFUSED = "refused"  # by the authority
    DROPPED = "dropped"  # by the territory, before it was live


class Act(StrEnum):
    DRAFT = "draft"
    EXAMINE = "examine"
    PROPOSE = "propose"
    APPROVE = "approve"
    GRANT = "grant"
    REFUSE = "refuse"
    DROP = "drop"
    GO_LIVE = "go_live"
    STOP = "stop"
    ASK_ROLL_BACK = "ask_roll_back"
    ROLL_BACK = "roll_back"
    END = "end"
    ENTER = "enter"


S, A = State, Act

#: (state, act) -> next state. `None` is an adoption that does not exist yet. A pair that is absent is refused.
NEXT: Final = MappingProxyType({
    (None, A.DRAFT): S.DRAFTED,
    (None, A.ENTER): S.LIVE,
    (S.DRAFTED, A.DRAFT): S.DRAFTED,
    (S.DRAFTED, A.EXAMINE): S.EXAMINED,
    (S.DRAFTED, A.DROP): S.DROPPED,
    (S.EXAMINED, A.DRAFT): S.DRAFTED,
    (S.EXAMINED, A.EXAMINE): S.EXAMINED,
    (S.EXAMINED, A.PROPOSE): S.PROPOSED,
    (S.EXAMINED, A.DROP): S.DROPPED,
    (S.PROPOSED, A.APPROVE): S.APPROVED,
    (S.PROPOSED, A.DROP): S.DROPPED,
    (S.APPROVED, A.GRANT): S.GRANTED,
    (S.APPROVED, A.REFUSE): S.REFUSED,
    (S.GRANTED, A.GO_LIVE): S.LIVE,
    (S.GRANTED, A.DROP): S.DROPPED,
    (S.LIVE, A.STOP): S.STOPPED,
    (S.LIVE, A.ASK_ROLL_BACK): S.LIVE,
    (S.LIVE, A.ROLL_BACK): S.ROLLED_BACK,
    (S.LIVE, A.END): S.ENDED,
    (S.STOPPED, A.ASK_ROLL_BACK): S.STOPPED,
    (S.STOPPED, A.ROLL_BACK): S.ROLLED_BACK,
    (S.STOPPED, A.END): S.ENDED,
})  # fmt: skip

#: On its way: a territory has one such of a package at a time.
OPEN: Final = (S.DRAFTED, S.EXAMINED, S.PROPOSED, S.APPROVED, S.GRANTED)
#: It put something in force that was not withdrawn by people: of one package a territory has one such at a time.
STANDING: Final = (S.LIVE, S.STOPPED)
FINAL: Final = (S.ROLLED_BACK, S.ENDED, S.REFUSED, S.DROPPED)

STATE_NAMES: Final = MappingProxyType({
    S.DRAFTED: gettext_noop("drafted"),
    S.EXAMINED: gettext_noop("examined"),
    S.PROPOSED: gettext_noop("proposed by the territory"),
    S.APPROVED: gettext_noop("approved by the territory"),
    S.GRANTED: gettext_noop("granted, waits for its day"),
    S.LIVE: gettext_noop("live"),
    S.STOPPED: gettext_noop("stopped: a limit was passed"),
    S.ROLLED_BACK: gettext_noop("rolled back"),
    S.ENDED: gettext_noop("ended"),
    S.REFUSED: gettext_noop("refused by the authority"),
    S.DROPPED: gettext_noop("dropped"),
})  # fmt: skip
ACT_NAMES: Final = MappingProxyType({
    A.DRAFT: gettext_noop("Write the draft"),
    A.EXAMINE: gettext_noop("Examine"),
    A.PROPOSE: gettext_noop("Propose the adoption"),
    A.APPROVE: gettext_noop("Approve"),
    A.GRANT: gettext_noop("Grant"),
    A.REFUSE: gettext_noop("Refuse"),
    A.DROP: gettext_noop("Drop"),
    A.GO_LIVE: gettext_noop("Go live"),
    A.STOP: gettext_noop("Stop"),
    A.ASK_ROLL_BACK: gettext_noop("Ask to roll back"),
    A.ROLL_BACK: gettext_noop("Roll back"),
    A.END: gettext_noop("End"),
    A.ENTER: gettext_noop("Enter as it stands"),
})  # fmt: skip
