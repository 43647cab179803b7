"""The life of a customer's grade at a bank. Pure: the one table of what follows on what.

A grade is proposed by one person and approved by another; it ends when the next one begins. A suspension is a grade 3 that one person may
put in force at once. Of one bank and one company at most one grade is in force and at most one is proposed.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import gettext_noop


class State(StrEnum):
    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"  # in force
    SUSPENDED = "SUSPENDED"  # in force as grade 3, by one person's word
    ENDED = "ENDED"  # another grade followed
    REPLACED = "REPLACED"  # never in force: another proposal, or a suspension, came before its approval


class Action(StrEnum):
    APPROVE = "APPROVE"
    END = "END"
    REPLACE = "REPLACE"


NEXT: Final = MappingProxyType(
    {
        (State.PROPOSED, Action.APPROVE): State.APPROVED,
        (State.PROPOSED, Action.REPLACE): State.REPLACED,
        (State.APPROVED, Action.END): State.ENDED,
        (State.SUSPENDED, Action.END): State.ENDED,
    }
)
IN_FORCE: Final = (State.APPROVED, State.SUSPENDED)
#: What was in force on some day.
COUNTED: Final = (*IN_FORCE, State.ENDED)

STATE_NAMES: Final = MappingProxyType(
    {
        State.PROPOSED: gettext_noop("proposed"),
        State.APPROVED: gettext_noop("in force"),
        State.SUSPENDED: gettext_noop("suspended"),
        State.ENDED: gettext_noop("ended"),
        State.REPLACED: gettext_noop("replaced before it was approved"),
    }
)
