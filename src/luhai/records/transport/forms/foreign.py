"""The way in and out: bytes of a transport document in any form that can carry title to the data set, and the data set to a form.

    form, bill = parse(data)
    made = write("dcsa", bill)

Refuses `Invalid(field=<path in the document, or field of ours>)`. What proves or reports carriage and is no document of title
(eFTI consignments, EPCIS and track-and-trace events, orders) is refused by name: receive it as evidence.
"""

from __future__ import annotations

from typing import Any, Final

from luhai.core.evidence.formats import efti, epcis, tree
from luhai.core.evidence.formats.tree import JsonPlace
from luhai.kernel.refusal import Invalid, gettext_noop

from ..bill import OneBill, read
from . import dcsa, fiata, uncefact

#: Forms that a document may be written in.
FORMS: Final = ("luhai", "uncefact", "dcsa")

NO_TITLE: Final = gettext_noop("This tells of carriage and is no document of title; receive it as evidence.")
UNKNOWN: Final = gettext_noop(
    "A DCSA transport document, FIATA eFBL, UN/CEFACT message or rail note is wanted, or our own data set."
)


def parse(data: bytes) -> tuple[str, OneBill]:
    place = tree.parse(data)
    if efti.recognises(place) or epcis.recognises(place):
        tree.refuse(tree.WHOLE, NO_TITLE)
    if not isinstance(place, JsonPlace) or not isinstance(place.value, dict):
        tree.refuse(tree.WHOLE, UNKNOWN)
    if fiata.recognises(place):
        return "fiata", fiata.parse(place)
    if uncefact.recognises(place):
        return "uncefact", uncefact.parse(place)
    if "legs" in place.value:
        return "luhai", read(place.payload())
    if dcsa.recognises(place):
        return "dcsa", dcsa.parse(place)
    return tree.refuse(tree.WHOLE, UNKNOWN)


def write(which: str, bill: OneBill) -> dict[str, Any]:
    """{form, notes, document}: the data set in a form, and what that form leaves out."""
    if which == "luhai":
        return {"form": which, "notes": [], "document": bill.content()}
    if which == "uncefact":
        return {"form": which, "notes": [], "document": uncefact.write(bill)}
    if which == "dcsa":
        made = dcsa.write(bill)
        return {"form": which, "notes": list(made.notes), "document": made.document}
    raise Invalid(field="form", problem=f"one of {', '.join(FORMS)}")
