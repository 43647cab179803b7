"""The lives of a demand and of a match: what may be done in which state, and where it leads.

These two tables are the only place that says so.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import gettext_noop


class DemandState(StrEnum):
    DRAFT = "DRAFT"  # the company is still writing
    PUBLISHED = "PUBLISHED"  # facts are frozen; no product found yet
    MATCHED = "MATCHED"  # products are found; some may have been sent to their institutions
    OFFERED = "OFFERED"  # at least one offer is open
    ACCEPTED = "ACCEPTED"  # the company took an offer; final
    DECLINED = "DECLINED"  # every institution asked said no and nothing is left to ask; final
    WITHDRAWN = "WITHDRAWN"  # the company took it back; final
    EXPIRED = "EXPIRED"  # its time ran out; final


class DemandAction(StrEnum):
    EDIT = "EDIT"
    PUBLISH = "PUBLISH"
    MATCH = "MATCH"  # products were found
    OFFER = "OFFER"  # an institution made an offer
    REOPEN = "REOPEN"  # the last open offer was declined or ran out
    ACCEPT = "ACCEPT"
    DECLINE = "DECLINE"  # the last institution said no
    WITHDRAW = "WITHDRAW"
    EXPIRE = "EXPIRE"


#: (state, action) -> next state. A pair that is absent is refused.
NEXT_DEMAND: Final = MappingProxyType({
    (DemandState.DRAFT, DemandAction.EDIT): DemandState.DRAFT,
    (DemandState.DRAFT, DemandAction.PUBLISH): DemandState.PUBLISHED,
    (DemandState.DRAFT, DemandAction.WITHDRAW): DemandState.WITHDRAWN,
    (DemandState.PUBLISHED, DemandAction.MATCH): DemandState.MATCHED,
    (DemandState.PUBLISHED, DemandAction.WITHDRAW): DemandState.WITHDRAWN,
    (DemandState.PUBLISHED, DemandAction.EXPIRE): DemandState.EXPIRED,
    (DemandState.MATCHED, DemandAction.MATCH): DemandState.MATCHED,
    (DemandState.MATCHED, DemandAction.OFFER): DemandState.OFFERED,
    (DemandState.MATCHED, DemandAction.DECLINE): DemandState.DECLINED,
    (DemandState.MATCHED, DemandAction.WITHDRAW): DemandState.WITHDRAWN,
    (DemandState.MATCHED, DemandAction.EXPIRE): DemandState.EXPIRED,
    (DemandState.OFFERED, DemandAction.OFFER): DemandState.OFFERED,
    (DemandState.OFFERED, DemandAction.REOPEN): DemandState.MATCHED,
    (DemandState.OFFERED, DemandAction.ACCEPT): DemandState.ACCEPTED,
    (DemandState.OFFERED, DemandAction.WITHDRAW): DemandState.WITHDRAWN,
})  # fmt: skip

#: A demand that still wants an answer. A company has one live demand for the same purpose and amount.
LIVE: Final = frozenset({DemandState.PUBLISHED, DemandState.MATCHED, DemandState.OFFERED})


class MatchState(StrEnum):
    PROPOSED = "PROPOSED"  # found and ranked; the institution does not know of it
    SENT = "SENT"  # the institution's clock runs
    ASKED = "ASKED"  # the institution asked something; its clock stands still
    OFFERED = "OFFERED"
    REFUSED = "REFUSED"  # by the institution, with a reason code; final
    ACCEPTED = "ACCEPTED"  # final
    WITHDRAWN = "WITHDRAWN"  # by the company; final
    LAPSED = "LAPSED"  # overtaken or run out; final


class MatchAction(StrEnum):
    SEND = "SEND"
    ASK = "ASK"
    REPLY = "REPLY"
    OFFER = "OFFER"
    REFUSE = "REFUSE"
    ACCEPT = "ACCEPT"
    WITHDRAW = "WITHDRAW"
    LAPSE = "LAPSE"


#: (state, action) -> next state. A pair that is absent is refused.
NEXT_MATCH: Final = MappingProxyType({
    (MatchState.PROPOSED, MatchAction.SEND): MatchState.SENT,
    (MatchState.PROPOSED, MatchAction.WITHDRAW): MatchState.WITHDRAWN,
    (MatchState.PROPOSED, MatchAction.LAPSE): MatchState.LAPSED,
    (MatchState.SENT, MatchAction.ASK): MatchState.ASKED,
    (MatchState.SENT, MatchAction.OFFER): MatchState.OFFERED,
    (MatchState.SENT, MatchAction.REFUSE): MatchState.REFUSED,
    (MatchState.SENT, MatchAction.WITHDRAW): MatchState.WITHDRAWN,
    (MatchState.SENT, MatchAction.LAPSE): MatchState.LAPSED,
    (MatchState.ASKED, MatchAction.REPLY): MatchState.SENT,
    (MatchState.ASKED, MatchAction.OFFER): MatchState.OFFERED,
    (MatchState.ASKED, MatchAction.REFUSE): MatchState.REFUSED,
    (MatchState.ASKED, MatchAction.WITHDRAW): MatchState.WITHDRAWN,
    (MatchState.ASKED, MatchAction.LAPSE): MatchState.LAPSED,
    (MatchState.OFFERED, MatchAction.ACCEPT): MatchState.ACCEPTED,
    (MatchState.OFFERED, MatchAction.WITHDRAW): MatchState.WITHDRAWN,
    (MatchState.OFFERED, MatchAction.LAPSE): MatchState.LAPSED,
})  # fmt: skip

#: With the institution: these use up its capacity.
HELD: Final = frozenset({MatchState.SENT, MatchState.ASKED, MatchState.OFFERED, MatchState.ACCEPTED})
#: An answer is still possible.
OPEN: Final = frozenset({MatchState.SENT, MatchState.ASKED, MatchState.OFFERED})

#: Names for people, translated where they are shown.
DEMAND_STATE_NAMES: Final = MappingProxyType({
    DemandState.DRAFT: gettext_noop("Draft"),
    DemandState.PUBLISHED: gettext_noop("Published"),
    DemandState.MATCHED: gettext_noop("Matched"),
    DemandState.OFFERED: gettext_noop("Offer received"),
    DemandState.ACCEPTED: gettext_noop("Offer accepted"),
    DemandState.DECLINED: gettext_noop("Declined by all"),
    DemandState.WITHDRAWN: gettext_noop("Withdrawn"),
    DemandState.EXPIRED: gettext_noop("Expired"),
})  # fmt: skip
DEMAND_ACTION_NAMES: Final = MappingProxyType({
    DemandAction.EDIT: gettext_noop("Edit the demand"),
    DemandAction.PUBLISH: gettext_noop("Publish the demand"),
    DemandAction.MATCH: gettext_noop("Find products"),
    DemandAction.OFFER: gettext_noop("Make an offer"),
    DemandAction.REOPEN: gettext_noop("Open the demand again"),
    DemandAction.ACCEPT: gettext_noop("Accept an offer"),
    DemandAction.DECLINE: gettext_noop("Decline the demand"),
    DemandAction.WITHDRAW: gettext_noop("Withdraw the demand"),
    DemandAction.EXPIRE: gettext_noop("Let the demand expire"),
})  # fmt: skip
MATCH_STATE_NAMES: Final = MappingProxyType({
    MatchState.PROPOSED: gettext_noop("Proposed"),
    MatchState.SENT: gettext_noop("With the institution"),
    MatchState.ASKED: gettext_noop("The institution asks"),
    MatchState.OFFERED: gettext_noop("Offer received"),
    MatchState.REFUSED: gettext_noop("Refused"),
    MatchState.ACCEPTED: gettext_noop("Offer accepted"),
    MatchState.WITHDRAWN: gettext_noop("Withdrawn"),
    MatchState.LAPSED: gettext_noop("Lapsed"),
})  # fmt: skip
MATCH_ACTION_NAMES: Final = MappingProxyType({
    MatchAction.SEND: gettext_noop("Send to the institution"),
    MatchAction.ASK: gettext_noop("Ask the company"),
    MatchAction.REPLY: gettext_noop("Reply to the institution"),
    MatchAction.OFFER: gettext_noop("Make an offer"),
    MatchAction.REFUSE: gettext_noop("Refuse"),
    MatchAction.ACCEPT: gettext_noop("Accept the offer"),
    MatchAction.WITHDRAW: gettext_noop("Withdraw"),
    MatchAction.LAPSE: gettext_noop("Let it lapse"),
})  # fmt: skip
