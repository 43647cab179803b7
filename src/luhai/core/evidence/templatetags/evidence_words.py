"""How pages write what evidence says: kinds, parties, references, states, and why somebody may or may not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from ..lifecycle import (
    ALERT_NAMES,
    CONSENT_STATE_NAMES,
    KIND_NAMES,
    OUTCOME_NAMES,
    PURPOSE_NAMES,
    STATE_NAMES,
)

register = template.Library()

#: Who is who in a document.
_ROLES: Final = {
    "seller": gettext_noop("Seller"),
    "buyer": gettext_noop("Buyer"),
    "shipper": gettext_noop("Shipper"),
    "consignor": gettext_noop("Consignor"),
    "consignee": gettext_noop("Consignee"),
    "notify": gettext_noop("Notify party"),
    "carrier": gettext_noop("Carrier"),
    "carrier_agent": gettext_noop("Agent of the carrier"),
    "forwarder": gettext_noop("Forwarder"),
    "issuer": gettext_noop("Issuer"),
    "declarant": gettext_noop("Declarant"),
    "submitter": gettext_noop("Submitter"),
    "exporter": gettext_noop("Exporter"),
    "importer": gettext_noop("Importer"),
    "agent": gettext_noop("Agent"),
    "owner": gettext_noop("Owner of the goods"),
    "warehouse": gettext_noop("Warehouse keeper"),
    "other": gettext_noop("Another party"),
}
#: What a document names, beside the kinds of documents.
_REFERENCES: Final = {
    "container": gettext_noop("Container"),
    "wagon": gettext_noop("Wagon"),
    "seal": gettext_noop("Seal"),
    "means": gettext_noop("Means of transport"),
    "station": gettext_noop("Station"),
    "item": gettext_noop("Item"),
    "booking": gettext_noop("Booking"),
    "consignment": gettext_noop("Consignment"),
    "permit": gettext_noop("Permit"),
    "packing_list": gettext_noop("Packing list"),
    "letter_of_credit": gettext_noop("Letter of credit"),
    "transaction": gettext_noop("Transaction"),
    "event": gettext_noop("Event"),
    "document": gettext_noop("Other paper"),
    "identifier": gettext_noop("Identifier"),
    "customer": gettext_noop("Reference of the customer"),
}
_SCHEMES: Final = {
    "uscc": gettext_noop("USCC"),
    "lei": "LEI",
    "customs_code": gettext_noop("customs code"),
    "registration": gettext_noop("registration number"),
    "eori": "EORI",
    "gln": "GLN",
    "bic": "BIC",
}
#: What the status of a document is called by whoever issued it. Other words stand as they came.
_STATUSES: Final = {
    "signed": gettext_noop("signed by both"),
    "amended": gettext_noop("amended by its issuer"),
    "terminated": gettext_noop("terminated"),
    "accepted": gettext_noop("accepted by customs"),
    "released": gettext_noop("released by customs"),
    "closed": gettext_noop("closed by customs"),
    "cancelled": gettext_noop("cancelled by its issuer"),
    "issued": gettext_noop("issued by its issuer"),
    "red_lettered": gettext_noop("taken back by a red letter"),
    "lodged": gettext_noop("lodged"),
    "recorded": gettext_noop("recorded"),
    "delivered": gettext_noop("goods delivered"),
}
#: What happened beneath a use, in a word.
_ALERTS: Final = {
    "cancelled": gettext_noop("document taken back"),
    "below_use": gettext_noop("document shrank"),
    "overfinanced": gettext_noop("goods financed beyond their limit"),
    "two_currencies": gettext_noop("financed in two currencies"),
}
#: Why a reading was granted or refused.
_WHY: Final = {
    "own": gettext_noop("it is about them, or they delivered it"),
    "office": gettext_noop("by office"),
    "consent": gettext_noop("with a consent"),
    "no_consent": gettext_noop("there is no consent"),
    "other_kind": gettext_noop("the consent is for other documents"),
    "other_purpose": gettext_noop("the consent is for another purpose"),
    "asked": gettext_noop("the consent was asked for and not yet given"),
    "declined": gettext_noop("the consent was declined"),
    "expired": gettext_noop("the consent has expired"),
    "withdrawn": gettext_noop("the consent was withdrawn"),
    "spent": gettext_noop("the consent was for one reading, and is used up"),
    "not_reviewed": gettext_noop("a supervisor has yet to look at the consent, since it goes abroad"),
}
_REASONS: Final = {
    "edited": gettext_noop("The same kind, with a number that a hurried eye takes for the same."),
    "same_worth": gettext_noop(
        "The same amount within a few days, without a reference that says they differ."
    ),
}


def _word(words: Mapping[Any, str], code: str) -> str:
    return _(words[code]) if code in words else code


@register.filter
def kind_name(kind: str) -> str:
    return _word(KIND_NAMES, kind)


@register.filter
def state_name(state: str) -> str:
    return _word(STATE_NAMES, state)


@register.filter
def purpose_name(purpose: str) -> str:
    return _word(PURPOSE_NAMES, purpose)


@register.filter
def alert_text(alert: str) -> str:
    return _word(ALERT_NAMES, alert)


@register.filter
def alert_badge(alert: str) -> str:
    return _word(_ALERTS, alert)


@register.filter
def consent_state(state: str) -> str:
    return _word(CONSENT_STATE_NAMES, state)


@register.filter
def outcome_name(outcome: str) -> str:
    return _word(OUTCOME_NAMES, outcome)


@register.filter
def role_name(role: str) -> str:
    return _word(_ROLES, role)


@register.filter
def reference_name(kind: str) -> str:
    """What a reference is to: a kind of document, or a thing."""
    return _word(_REFERENCES, kind) if kind in _REFERENCES else _word(KIND_NAMES, kind)


@register.filter
def scheme_name(scheme: str) -> str:
    return _word(_SCHEMES, scheme)


@register.filter
def status_name(status: str) -> str:
    return _word(_STATUSES, status)


@register.filter
def why_text(why: str) -> str:
    return _word(_WHY, why)


@register.filter
def reason_text(reason: str) -> str:
    return _word(_REASONS, reason)


@register.filter
def shade(state: str) -> str:
    """The colour of a badge: of a document, a consent, an outcome."""
    return {
        "live": "good", "given": "good", "asked": "brass", "cancelled": "bad", "withdrawn": "bad", "declined": "bad",
        "distinct": "good", "same_goods": "brass", "same_document": "bad",
    }.get(state, "")  # fmt: skip


@register.filter
def said(text: str) -> str:
    """A remark of a reader of documents, in the language of the page."""
    return _(text) if text else ""


@register.filter
def many(kinds: list[str]) -> str:
    """A list of kinds in words; an empty one means every kind."""
    return _(", ").join(kind_name(k) for k in kinds) if kinds else _("documents of every kind")


@register.filter
def percent(part: int, whole: int) -> int:
    """How much of a whole a part is, for a bar: rounded down, but something is never nothing."""
    if not whole or part <= 0:
        return 0
    return max(min(part * 100 // whole, 100), 1)


@register.filter
def at_key(mapping: Mapping[Any, Any], key: Any) -> Any:
    return mapping.get(key)
