"""How fields of titles are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

register = template.Library()

_FIELDS = {
    "document": gettext_noop("Sort of document"),
    "number": gettext_noop("Number"),
    "waybills": gettext_noop("Waybills beneath it"),
    "consignees": gettext_noop("Consignees of the waybills"),
    "agreement": gettext_noop("Agreement that binds the consignees"),
    "containers": gettext_noop("Containers"),
    "departs_on": gettext_noop("Departs on"),
    "origin": gettext_noop("From (UN/LOCODE)"),
    "destination": gettext_noop("To (UN/LOCODE)"),
    "goods": gettext_noop("Goods"),
    "warehouse": gettext_noop("Warehouse"),
    "yard": gettext_noop("Yard"),
    "bin": gettext_noop("Bin"),
    "lot": gettext_noop("Lot"),
    "lot_quantity": gettext_noop("Quantity of the whole lot"),
    "countersigned": gettext_noop("The warehouse signs every endorsement in advance"),
    "platform": gettext_noop("Platform"),
    "due_on": gettext_noop("Due on"),
    "contract_no": gettext_noop("Contract"),
    "evidence": gettext_noop("Number of the trade document"),
    "pack_no": gettext_noop("Pack number"),
    "start": gettext_noop("From unit"),
    "end": gettext_noop("To unit"),
    "indivisible": gettext_noop("Cannot be split"),
}
#: Codes as people say them.
_WORDS = {
    "rail_bill": gettext_noop("railway bill"),
    "rail_sea_bill": gettext_noop("rail-sea bill"),
    "multimodal_bill": gettext_noop("multimodal bill"),
    "ocean_bill": gettext_noop("ocean bill of lading"),
    "cargo_document": gettext_noop("negotiable cargo document"),
    "waybill": gettext_noop("waybill"),
    "TO_ORDER": gettext_noop("to order"),
    "STRAIGHT": gettext_noop("straight"),
    "BLANK": gettext_noop("in blank"),
    "to_order": gettext_noop("to order"),
    "named": gettext_noop("to one named, who cannot pass it on"),
    "in_blank": gettext_noop("in blank"),
    "sale": gettext_noop("private sale"),
    "auction": gettext_noop("auction"),
    "agreed_value": gettext_noop("taken over at an agreed value"),
    "amendment": gettext_noop("amendment"),
    "paper": gettext_noop("conversion to paper"),
    "change_of_destination": gettext_noop("change of destination"),
    "switch": gettext_noop("switch of documents"),
    "released": gettext_noop("released by the pledgee"),
    "refused": gettext_noop("refused by the pledgee"),
    "enforced": gettext_noop("realised by the pledgee"),
    "void": gettext_noop("void"),
    "received": gettext_noop("goods received"),
    "loaded": gettext_noop("goods loaded"),
    "discharged": gettext_noop("goods discharged"),
    "gate_in": gettext_noop("goods in through the gate"),
    "stored": gettext_noop("goods stored"),
    "inspected": gettext_noop("goods inspected"),
    "gate_out": gettext_noop("goods out through the gate"),
    "handed_over": gettext_noop("goods handed over"),
}
#: Details of an act that say something to a person; ids and digests do not.
_TOLD = ("quantity", "unit", "form", "manner", "reason", "statement", "paper_no", "ground", "document", "evidence", "registration")


@register.filter
def number_of(subject: Mapping[str, Any]) -> str:
    """What people call a title by: its number, or of a bill its pack number and interval."""
    if "pack_no" in subject:
        return f"{subject['pack_no']} ({subject['start']}-{subject['end']})"
    return str(subject.get("number", ""))


@register.filter
def in_order(subject: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What a title is about, in the order in which people expect it; what is empty is left out."""
    order = {name: place for place, name in enumerate(_FIELDS)}
    said = [(name, value) for name, value in subject.items() if value not in (None, "", [], False)]
    return sorted(said, key=lambda pair: order.get(pair[0], len(order)))


@register.filter
def subject_field(name: str) -> str:
    return _(_FIELDS[name]) if name in _FIELDS else name


@register.filter
def plain(value: Any) -> str:
    """A list with commas, a yes as yes."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(str(v) for v in value) if isinstance(value, list) else word(str(value))


@register.filter
def word(code: str) -> str:
    """A code as people say it; other texts as they are."""
    return _(_WORDS[code]) if code in _WORDS else code


@register.filter
def told(details: Mapping[str, Any]) -> str:
    """What an act said, as far as it is not a name or a digest."""
    return " · ".join(word(str(details[name])) for name in _TOLD if details.get(name) not in (None, ""))
