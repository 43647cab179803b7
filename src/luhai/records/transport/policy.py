"""What agreements must be, what events of the goods mean, and what is wrong with them. Pure: no database, no Django.

Events are those of DCSA (equipment and transport), with the steps of EPCIS 2.0 that say the same. Seals, masses and stays are
judged against what the document and the event before say; limits come in as arguments.

Source: domain notes §4.2 (RB-1 to RB-6), §4.10, §4.11; DCSA Track & Trace; EPCIS 2.0 CBV.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import rfc8785

from luhai.kernel.refusal import Invalid, Refusal, gettext_noop

from .bill import OneBill

# --- the agreement --------------------------------------------------------------------------------------------------

#: What a party is to an agreement (RB-1: all through whose hands goods or document go sign it).
ROLES: Final = (
    "carrier", "forwarder", "consignor", "consignee", "bank", "guarantor", "insurer", "warehouse", "station",
)  # fmt: skip
ISSUERS: Final = frozenset({"carrier", "forwarder"})


class AgreementNeeded(Refusal):
    code = "transport.agreement_needed"
    message = gettext_noop(
        "No law makes a railway's document a document of title. For it to pass by endorsement, name the signed agreement by which"
        " it is the only delivery voucher."
    )


class AgreementNotInForce(Refusal):
    code = "transport.agreement_not_in_force"
    message = gettext_noop("Agreement %(number)s is not in force on %(on)s.")


class NotBound(Refusal):
    code = "transport.not_bound"
    message = gettext_noop(
        "%(field)s: this party has not signed agreement %(number)s, and would not be bound by the document."
    )


def read_signatories(given: Any) -> dict[UUID, str]:
    """{party: role}. Refuses: Invalid unless an issuer, a consignor, and a consignee or bank are among them."""
    if not isinstance(given, Mapping) or not 3 <= len(given) <= 20:
        raise Invalid(field="parties", problem="an object of 3 to 20 parties, each with its role")
    made: dict[UUID, str] = {}
    for key, role in given.items():
        try:
            party = UUID(str(key))
        except ValueError:
            raise Invalid(field=f"parties.{key}", problem="the id of a registered party") from None
        if role not in ROLES:
            raise Invalid(field=f"parties.{key}", problem=f"one of {', '.join(ROLES)}")
        made[party] = role
    for wanted in (ISSUERS, {"consignor"}, {"consignee", "bank"}):
        if not wanted & set(made.values()):
            raise Invalid(field="parties", problem=f"one that is {' or '.join(sorted(wanted))}")
    return made


def agreement_digest(
    *, number: str, version: int, text: str, parties: Mapping[UUID, str], starts: date, ends: date | None
) -> str:
    """SHA-256 over the canonical agreement: what each party signs."""
    said: dict[str, Any] = {
        "number": number, "version": version, "text": text, "parties": {str(k): v for k, v in parties.items()},
        "from": starts.isoformat(), "until": ends.isoformat() if ends else None,
    }  # fmt: skip
    return hashlib.sha256(rfc8785.dumps(said)).hexdigest()


def bound(parties: Mapping[UUID, str], *, number: str, issuer: UUID, others: Mapping[str, UUID]) -> None:
    """Refuses: NotBound when the issuer did not sign as carrier or forwarder, or one of the others (field: party) not at all."""
    if parties.get(issuer) not in ISSUERS:
        raise NotBound(field="issuer", number=number)
    for field, party in others.items():
        if party not in parties:
            raise NotBound(field=field, number=number)


# --- events of the goods --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Code:
    """`custody` is what the register of titles calls it; `hands_over`: goods change hands, so seals are looked at."""

    name: str
    custody: str | None = None
    hands_over: bool = False
    rests: bool = False  # the goods now wait where they are


CODES: Final[Mapping[str, Code]] = MappingProxyType({
    "PICK": Code(gettext_noop("picked up"), "received", hands_over=True),
    "STUF": Code(gettext_noop("stuffed"), "received"),
    "GTIN": Code(gettext_noop("gate in"), "gate_in", hands_over=True, rests=True),
    "LOAD": Code(gettext_noop("loaded"), "loaded", hands_over=True),
    "DEPA": Code(gettext_noop("departed")),
    "CROS": Code(gettext_noop("crossed the border")),
    "ARRI": Code(gettext_noop("arrived"), rests=True),
    "DISC": Code(gettext_noop("discharged"), "discharged", hands_over=True, rests=True),
    "DROP": Code(gettext_noop("dropped off"), "stored", hands_over=True, rests=True),
    "AVDO": Code(gettext_noop("available for drop-off"), "stored", rests=True),
    "AVPU": Code(gettext_noop("available for pick-up"), "stored", rests=True),
    "INSP": Code(gettext_noop("inspected"), "inspected"),
    "CUSS": Code(gettext_noop("selected by customs for a scan"), "inspected"),
    "CUSI": Code(gettext_noop("selected by customs for inspection"), "inspected"),
    "CUSR": Code(gettext_noop("released by customs")),
    "RSEA": Code(gettext_noop("resealed"), "inspected"),
    "RMVD": Code(gettext_noop("removed")),
    "STRP": Code(gettext_noop("stripped"), "handed_over"),
    "DETC": Code(gettext_noop("door opened, as a sensor told")),
    "GTOT": Code(gettext_noop("gate out"), "gate_out", hands_over=True),
})  # fmt: skip

#: EPCIS 2.0 bizStep -> code, where the step says no less.
EPCIS: Final = MappingProxyType({
    "packing": "STUF", "loading": "LOAD", "departing": "DEPA", "arriving": "ARRI", "unloading": "DISC", "inspecting": "INSP",
    "storing": "DROP", "receiving": "GTIN", "accepting": "GTIN", "shipping": "GTOT", "unpacking": "STRP",
})  # fmt: skip
#: With these the goods are out of the hands of all who keep them for whoever controls the document.
LEAVES: Final = frozenset({"GTOT", "STRP"})


def read_code(given: str) -> str:
    """A code of ours, or the EPCIS step that says the same. Refuses: Invalid."""
    code = EPCIS.get(given, given)
    if code not in CODES:
        raise Invalid(field="code", problem=f"one of {', '.join(CODES)}, or of EPCIS: {', '.join(EPCIS)}")
    return code


def read_seals(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """What was found on the container; None if nobody looked. Refuses: Invalid."""
    if given is None:
        return None
    for n, seal in enumerate(given):
        if not isinstance(seal, str) or not seal.strip() or len(seal) > 15 or not seal.isprintable():
            raise Invalid(field=f"seals.{n}", problem="from 1 to 15 printable characters")
    return tuple(dict.fromkeys(s.strip() for s in given))


@dataclass(frozen=True, slots=True)
class Signal:
    """Something wrong, and the facts that show it. It decides nothing: whoever controls the document is told."""

    kind: str
    facts: Mapping[str, Any]
    rule: str = ""  # the parameter that it rests on, as key@valid_from


SIGNALS: Final = MappingProxyType({
    "unauthorised_release": gettext_noop("Goods left at their destination although nobody was allowed to take them"),
    "seals_differ": gettext_noop("The seals are not those that were put on, and no resealing was reported"),
    "door_opened": gettext_noop("A door was opened on the way"),
    "weight_differs": gettext_noop("The mass is not the one stated, by more than the tolerance"),
    "dwell": gettext_noop("The goods stay longer at one place than they should"),
})  # fmt: skip


def seal_signal(expected: Iterable[str], found: Sequence[str] | None, code: str) -> Signal | None:
    """Seals at each hand-over are those put on last; resealing says why, and what is on now."""
    if found is None or code == "RSEA":
        return None
    missing, other = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    return Signal("seals_differ", {"missing": missing, "other": other}) if missing or other else None


def weight_signal(stated: Decimal, found: Decimal, tolerance_bp: int, rule: str = "") -> Signal | None:
    if abs(found - stated) * 10_000 <= stated * tolerance_bp:
        return None
    said = {"stated": format(stated, "f"), "found": format(found, "f"), "tolerance_bp": tolerance_bp}
    return Signal("weight_differs", said, rule)


def dwell_signal(
    since: datetime, until: datetime, place: str, limit_days: int, rule: str = ""
) -> Signal | None:
    """A stay of more than so many whole days."""
    days = (until - since).days
    return (
        Signal("dwell", {"place": place, "days": days, "limit": limit_days}, rule)
        if days > limit_days
        else None
    )


def stated_kg(bill: OneBill, container: str) -> Decimal:
    """What the document says is in a container; of all goods when none is named."""
    found = (g.gross_kg for g in bill.goods if not container or g.container == container)
    return sum(found, Decimal(0))


# --- insurance ------------------------------------------------------------------------------------------------------


def insurance_remarks(bill: OneBill, *, least_percent: int) -> list[tuple[str, str]]:
    """What a bank should know of the cover: (field, what is odd). Source: Insurance Law 55; UCP 600 art. 28; Incoterms CIF, CIP."""
    promised = bill.incoterm is not None and bill.incoterm.code in ("CIF", "CIP")
    if bill.insurance is None:
        return (
            [("insurance", gettext_noop("CIF and CIP promise insurance, and none is named."))]
            if promised
            else []
        )
    found = []
    if bill.value is not None:
        share = bill.insurance.amount.minor * 100
        if promised and share < bill.value.minor * least_percent:
            found.append(
                (
                    "insurance.amount",
                    gettext_noop("Less than the least share of the value that CIF and CIP ask for."),
                )
            )
        if share > bill.value.minor * (least_percent + 20):
            found.append(
                (
                    "insurance.amount",
                    gettext_noop("Far above the value: what exceeds the insurable value is void."),
                )
            )
    return found
