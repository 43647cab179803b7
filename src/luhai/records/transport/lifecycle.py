"""The life of an agreement that makes a document the only delivery voucher. This table is the only place that says so."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import gettext_noop


class State(StrEnum):
    PROPOSED = "proposed"  # some have signed, not all
    IN_FORCE = "in_force"  # all have signed; documents may rest on it while its days last
    DECLINED = "declined"  # one would not sign; final
    REPLACED = "replaced"  # its next version came into force; final
    ENDED = "ended"  # given notice of; documents that rest on it stay as they are; final


class Act(StrEnum):
    SIGN = "sign"
    DECLINE = "decline"
    REPLACE = "replace"
    END = "end"


#: (state, act) -> the states it may lead to. A pair that is absent is refused.
NEXT: Final[Mapping[tuple[State, Act], tuple[State, ...]]] = MappingProxyType({
    (State.PROPOSED, Act.SIGN): (State.PROPOSED, State.IN_FORCE),
    (State.PROPOSED, Act.DECLINE): (State.DECLINED,),
    (State.PROPOSED, Act.END): (State.DECLINED,),  # withdrawn by who proposed it
    (State.IN_FORCE, Act.REPLACE): (State.REPLACED,),
    (State.IN_FORCE, Act.END): (State.ENDED,),
})  # fmt: skip

STATE_NAMES: Final = MappingProxyType({
    State.PROPOSED: gettext_noop("proposed, not signed by all"),
    State.IN_FORCE: gettext_noop("in force"),
    State.DECLINED: gettext_noop("declined"),
    State.REPLACED: gettext_noop("replaced by its next version"),
    State.ENDED: gettext_noop("ended"),
})  # fmt: skip
