"""The states of evidence, of its uses and of consents. Pure: the one table of who may do what from where.

Evidence is LIVE until it is CANCELLED; a correction adds a version and leaves it live. A consent is asked for, given, and ends by
withdrawal or by its day; EXPIRED and SPENT are read from the clock and from its use, they are not written.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import gettext_noop


class State(StrEnum):
    LIVE = "live"
    CANCELLED = "cancelled"


class Purpose(StrEnum):
    """What evidence may be used for, once. Each opens its own bounded account."""

    SETTLEMENT = "settlement"  # a payment stands on it; given back only when the payment is returned
    FINANCING = "financing"  # a loan stands on it; given back on repayment


class Alert(StrEnum):
    """What happened to the evidence under a use."""

    NONE = ""
    CANCELLED = "cancelled"  # the document was taken back
    BELOW_USE = "below_use"  # it was amended to less than is used
    OVERFINANCED = "overfinanced"  # documents turned out to be about the same goods, financed twice over
    TWO_CURRENCIES = "two_currencies"  # the same, in two currencies, so that no sum can be made


class ConsentState(StrEnum):
    ASKED = "asked"
    DECLINED = "declined"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"  # by its day
    SPENT = "spent"  # it was for one reading


class ReviewOutcome(StrEnum):
    DISTINCT = "distinct"  # other goods, another document
    SAME_GOODS = "same_goods"  # another document about the same goods
    SAME_DOCUMENT = "same_document"  # the same document, edited: never to be received


#: The acts on a consent: from which states, and to which. Who may is said at the commands.
CONSENT_ACTS: Final[MappingProxyType[str, tuple[frozenset[ConsentState], ConsentState]]] = MappingProxyType(
    {
        "grant": (frozenset({ConsentState.ASKED}), ConsentState.GIVEN),
        "decline": (frozenset({ConsentState.ASKED}), ConsentState.DECLINED),
        # What was read once is seen until the consent ends, so a spent one is withdrawn, too.
        "withdraw": (
            frozenset({ConsentState.ASKED, ConsentState.GIVEN, ConsentState.SPENT}),
            ConsentState.WITHDRAWN,
        ),
    }
)

PURPOSE_NAMES: Final = MappingProxyType(
    {
        Purpose.SETTLEMENT: gettext_noop("settlement"),
        Purpose.FINANCING: gettext_noop("financing"),
        "assessment": gettext_noop("assessment"),
        "supervision": gettext_noop("supervision"),
    }
)
#: What a consent may be for: a use, or reading alone.
CONSENT_PURPOSES: Final = tuple(str(p) for p in PURPOSE_NAMES)
STATE_NAMES: Final = MappingProxyType(
    {State.LIVE: gettext_noop("valid"), State.CANCELLED: gettext_noop("taken back")}
)
ALERT_NAMES: Final = MappingProxyType(
    {
        Alert.CANCELLED: gettext_noop("The document was taken back after it was used."),
        Alert.BELOW_USE: gettext_noop("The document was amended to less than is used."),
        Alert.OVERFINANCED: gettext_noop("The goods turned out to be financed beyond their limit."),
        Alert.TWO_CURRENCIES: gettext_noop("The goods turned out to be financed in two currencies."),
    }
)
CONSENT_STATE_NAMES: Final = MappingProxyType(
    {
        ConsentState.ASKED: gettext_noop("requested"),
        ConsentState.DECLINED: gettext_noop("declined"),
        ConsentState.GIVEN: gettext_noop("in force"),
        ConsentState.WITHDRAWN: gettext_noop("withdrawn"),
        ConsentState.EXPIRED: gettext_noop("expired"),
        ConsentState.SPENT: gettext_noop("used up"),
    }
)
OUTCOME_NAMES: Final = MappingProxyType(
    {
        ReviewOutcome.DISTINCT: gettext_noop("another document about other goods"),
        ReviewOutcome.SAME_GOODS: gettext_noop("another document about the same goods"),
        ReviewOutcome.SAME_DOCUMENT: gettext_noop("the same document"),
    }
)
KIND_NAMES: Final = MappingProxyType(
    {
        "contract": gettext_noop("contract"),
        "order": gettext_noop("purchase order"),
        "invoice": gettext_noop("invoice"),
        "customs_declaration": gettext_noop("customs declaration"),
        "customs_notice": gettext_noop("answer of customs"),
        "shipping_instructions": gettext_noop("shipping instructions"),
        "transport_document": gettext_noop("transport document"),
        "transport_event": gettext_noop("transport event"),
        "warehouse_receipt": gettext_noop("warehouse receipt"),
        "query": gettext_noop("question of an authority"),
    }
)
