"""The life of a credit line and of a draw on it: which act in which state, by whom, and where it leads.

These two tables are the only place that says so; docs/algorithms/lending.md shows both (`diagram`), and a test keeps it equal.
Source: domain notes on financing §6.1 (limit states, draw states).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import gettext_noop


class LineState(StrEnum):
    DRAFT = "DRAFT"  # the bank has written it down
    APPROVED = "APPROVED"  # a second person of the bank has approved it
    SIGNED = "SIGNED"  # the company has signed it
    EFFECTIVE = "EFFECTIVE"  # it can be drawn on
    REDUCED = "REDUCED"  # as effective, with a smaller limit
    FROZEN = "FROZEN"  # nothing is drawn; what was drawn is repaid as agreed
    EXPIRED = "EXPIRED"  # its time is over; final
    CANCELLED = "CANCELLED"  # given up before its time; final


class LineAct(StrEnum):
    OPEN = "open"
    APPROVE = "approve"
    SIGN = "sign"
    START = "start"
    REDUCE = "reduce"
    FREEZE = "freeze"
    THAW = "thaw"
    EXPIRE = "expire"
    CANCEL = "cancel"


class DrawState(StrEnum):
    REQUESTED = "REQUESTED"  # the company has asked, and signed how it will repay
    RESERVED = "RESERVED"  # the bank has approved it; the limit is held for it
    REFUSED = "REFUSED"  # not approved, or given up before the money moved; final
    DISBURSED = "DISBURSED"  # the money is with the company
    PART_REPAID = "PART_REPAID"  # some of the principal has come back
    OVERDUE = "OVERDUE"  # something that was due has not come, and the days of grace are over
    REPAID = "REPAID"  # nothing is owed; final


class DrawAct(StrEnum):
    REQUEST = "request"
    APPROVE = "approve"
    REFUSE = "refuse"
    DISBURSE = "disburse"
    REPAY = "repay"
    CLOSE_DAY = "close_day"


LINE_LIVE: Final = (LineState.EFFECTIVE, LineState.REDUCED)
LINE_ENDED: Final = frozenset({LineState.EXPIRED, LineState.CANCELLED})
#: Money is with the company, or was.
LENT: Final = (DrawState.DISBURSED, DrawState.PART_REPAID, DrawState.OVERDUE)
DRAW_ENDED: Final = frozenset({DrawState.REFUSED, DrawState.REPAID})

_L, _D = LineState, DrawState
_USED: Final = (_L.EFFECTIVE, _L.REDUCED, _L.FROZEN)

#: (state, act) -> the state it leads to. A pair that is absent is refused. Before the first act the state is None.
LINE_NEXT: Final[Mapping[tuple[LineState | None, LineAct], LineState]] = MappingProxyType({
    (None, LineAct.OPEN): _L.DRAFT,
    (_L.DRAFT, LineAct.APPROVE): _L.APPROVED,
    (_L.APPROVED, LineAct.SIGN): _L.SIGNED,
    (_L.SIGNED, LineAct.START): _L.EFFECTIVE,
    **{(state, LineAct.REDUCE): _L.REDUCED for state in (_L.EFFECTIVE, _L.REDUCED)},
    **{(state, LineAct.FREEZE): _L.FROZEN for state in (_L.EFFECTIVE, _L.REDUCED)},
    (_L.FROZEN, LineAct.THAW): _L.EFFECTIVE,
    **{(state, LineAct.EXPIRE): _L.EXPIRED for state in _USED},
    **{(state, LineAct.CANCEL): _L.CANCELLED for state in (_L.DRAFT, _L.APPROVED, _L.SIGNED, *_USED)},
})  # fmt: skip

#: The same of draws; what has been lent goes on as its balances say (policy.state_of).
DRAW_NEXT: Final[Mapping[tuple[DrawState | None, DrawAct], tuple[DrawState, ...]]] = MappingProxyType({
    (None, DrawAct.REQUEST): (_D.REQUESTED,),
    (_D.REQUESTED, DrawAct.APPROVE): (_D.RESERVED,),
    **{(state, DrawAct.REFUSE): (_D.REFUSED,) for state in (_D.REQUESTED, _D.RESERVED)},
    (_D.RESERVED, DrawAct.DISBURSE): (_D.DISBURSED,),
    **{(state, DrawAct.REPAY): (*LENT, _D.REPAID) for state in LENT},
    **{(state, DrawAct.CLOSE_DAY): (*LENT, _D.REPAID) for state in LENT},
})  # fmt: skip


def diagram(table: Mapping[tuple[StrEnum | None, StrEnum], object]) -> str:
    """A table as a Mermaid state diagram; acts between the same two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, act), leads in table.items():
        for to in leads if isinstance(leads, tuple) else (leads,):
            arrows.setdefault((state or "[*]", str(to)), []).append(act)
    return "\n".join(
        ["stateDiagram-v2", *(f"    {a} --> {b} : {', '.join(acts)}" for (a, b), acts in arrows.items())]
    )


#: Names for people, translated where they are shown.
LINE_STATE_NAMES: Final = MappingProxyType({
    _L.DRAFT: gettext_noop("Draft"),
    _L.APPROVED: gettext_noop("Approved by the bank"),
    _L.SIGNED: gettext_noop("Signed by the company"),
    _L.EFFECTIVE: gettext_noop("In force"),
    _L.REDUCED: gettext_noop("In force, reduced"),
    _L.FROZEN: gettext_noop("Frozen"),
    _L.EXPIRED: gettext_noop("Expired"),
    _L.CANCELLED: gettext_noop("Cancelled"),
})  # fmt: skip
DRAW_STATE_NAMES: Final = MappingProxyType({
    _D.REQUESTED: gettext_noop("Draw asked for"),
    _D.RESERVED: gettext_noop("Approved, the limit is held"),
    _D.REFUSED: gettext_noop("Not granted"),
    _D.DISBURSED: gettext_noop("Paid out"),
    _D.PART_REPAID: gettext_noop("Partly repaid"),
    _D.OVERDUE: gettext_noop("Payment overdue"),
    _D.REPAID: gettext_noop("Repaid"),
})  # fmt: skip
