"""The life of a release: what may be done in which state, and where it leads.

This table is the only place that says so. What was computed is frozen; another number is another vintage.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import gettext_noop


class State(StrEnum):
    PLANNED = "PLANNED"  # its day stands in the calendar; nothing is counted yet
    COMPUTED = "COMPUTED"  # counted and frozen; under embargo
    PUBLISHED = "PUBLISHED"  # everybody may see it, and it is the newest of its month
    SUPERSEDED = "SUPERSEDED"  # a newer vintage of the month is out; this one stays readable
    DISCARDED = "DISCARDED"  # frozen with a mistake in it, and never shown


class Action(StrEnum):
    COMPUTE = "COMPUTE"
    PUBLISH = "PUBLISH"
    SUPERSEDE = "SUPERSEDE"
    DISCARD = "DISCARD"


class Kind(StrEnum):
    """Which figures of its month a release holds."""

    PROVISIONAL = "PROVISIONAL"
    FINAL = "FINAL"
    REVISED = "REVISED"


#: (state, action) -> next state. A pair that is absent is refused.
NEXT: Final = MappingProxyType({
    (State.PLANNED, Action.COMPUTE): State.COMPUTED,
    (State.PLANNED, Action.DISCARD): State.DISCARDED,
    (State.COMPUTED, Action.PUBLISH): State.PUBLISHED,
    (State.COMPUTED, Action.DISCARD): State.DISCARDED,
    (State.PUBLISHED, Action.SUPERSEDE): State.SUPERSEDED,
})  # fmt: skip

#: Frozen: counted, whether shown or not yet.
FROZEN: Final = (State.COMPUTED, State.PUBLISHED, State.SUPERSEDED)
#: What everybody may see.
OUT: Final = (State.PUBLISHED, State.SUPERSEDED)

#: Names for people, translated where they are shown.
STATE_NAMES: Final = MappingProxyType({
    State.PLANNED: gettext_noop("Planned"),
    State.COMPUTED: gettext_noop("Computed, under embargo"),
    State.PUBLISHED: gettext_noop("Published"),
    State.SUPERSEDED: gettext_noop("Superseded"),
    State.DISCARDED: gettext_noop("Discarded"),
})  # fmt: skip
KIND_NAMES: Final = MappingProxyType({
    Kind.PROVISIONAL: gettext_noop("Provisional figures"),
    Kind.FINAL: gettext_noop("Final figures"),
    Kind.REVISED: gettext_noop("Revised figures"),
})  # fmt: skip
