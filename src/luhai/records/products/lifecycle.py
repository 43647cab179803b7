"""The life of a product: what may be done in which state, and where it leads.

This table is the only place that says so. Each publication makes a new version, which never changes again.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import gettext_noop


class State(StrEnum):
    DRAFT = "DRAFT"  # never published; its institution alone sees it
    ONLINE = "ONLINE"  # on the shelf, in its newest version
    OFFLINE = "OFFLINE"  # taken off the shelf; its versions stay readable


class Action(StrEnum):
    EDIT = "EDIT"  # the draft of the next version changes; what is on the shelf does not
    PUBLISH = "PUBLISH"
    WITHDRAW = "WITHDRAW"


#: (state, action) -> next state. A pair that is absent is refused.
NEXT: Final = MappingProxyType({
    (State.DRAFT, Action.EDIT): State.DRAFT,
    (State.DRAFT, Action.PUBLISH): State.ONLINE,
    (State.ONLINE, Action.EDIT): State.ONLINE,
    (State.ONLINE, Action.PUBLISH): State.ONLINE,
    (State.ONLINE, Action.WITHDRAW): State.OFFLINE,
    (State.OFFLINE, Action.EDIT): State.OFFLINE,
    (State.OFFLINE, Action.PUBLISH): State.ONLINE,
})  # fmt: skip

#: Names for people, translated where they are shown.
STATE_NAMES: Final = MappingProxyType({
    State.DRAFT: gettext_noop("Draft"),
    State.ONLINE: gettext_noop("On the shelf"),
    State.OFFLINE: gettext_noop("Off the shelf"),
})  # fmt: skip
ACTION_NAMES: Final = MappingProxyType({
    Action.EDIT: gettext_noop("Edit"),
    Action.PUBLISH: gettext_noop("Publish"),
    Action.WITHDRAW: gettext_noop("Take off the shelf"),
})  # fmt: skip
