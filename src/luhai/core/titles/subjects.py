"""What a title is about, and the keys under which it may live only once. Pure: no database, no Django.

    read(Kind.BILL, {...})        -> the subject, every field checked; refuses Invalid and names the field
    claims(kind, issuer, ...)     -> the keys that the title occupies while it lives, folded and digested
    likeness(...) / near(a, b)    -> is this number another one, edited?

Numbers are folded (kernel/folding) before they are compared: what people copy from paper is taken as meant. Only the SHA-256 digest of a key is compared, so that it can be shared without saying what it stands for.
Source: domain notes §9.1; INV-OB-1 (one live bill on a container at a time), INV-BILL-1 (intervals of a pack are disjoint).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import rfc8785

from luhai.kernel import identifiers
from luhai.kernel.folding import fold, likeness
from luhai.kernel.money import MAX_MINOR, Currency
from luhai.kernel.refusal import Invalid

from .lifecycle import Form, Kind

#: Documents that can carry title; a waybill can only be straight (SMGS, CIM art. 6 §5: no document of title).
DOCUMENTS: Final = ("rail_bill", "rail_sea_bill", "multimodal_bill", "ocean_bill", "cargo_document", "waybill")
LONGEST: Final = 64
MOST: Final = 50
#: One pack holds at most this many hundredths of a yuan (12 digits).
PACK_UNITS: Final = 10**12 - 1
UNITS: Final = ("KGM", "TNE", "LTR", "MTQ", "BLL", "PCE", "CTN", "TEU")  # UNECE Recommendation 20, whole units

#: Marks that are read for one another when a number is copied by hand.
_LOOKS: Final = str.maketrans("OQDILSZBG", "000115286")


def digest_of(*parts: str) -> str:
    """SHA-256 of the canonical list; what is shared between banks and provinces."""
    return hashlib.sha256(rfc8785.dumps(list(parts))).hexdigest()


# --- reading --------------------------------------------------------------------------------------------------------


def read(
    kind: Kind, given: Mapping[str, Any], *, quantity: int, unit: str, form: Form, on: date
) -> dict[str, Any]:
    """The subject with every field checked and nothing else in it. Refuses: Invalid (names the field)."""
    fields = _FIELDS[kind]
    for name in given:
        if name not in fields:
            raise Invalid(field=f"subject.{name}", problem=f"one of {', '.join(fields)}")
    read_: dict[str, Any] = {}
    for name, (needed, reader) in fields.items():
        if given.get(name) is None:
            if needed:
                raise Invalid(field=f"subject.{name}", problem="needed")
            continue
        read_[name] = reader(f"subject.{name}", given[name])
    if not (isinstance(quantity, int) and not isinstance(quantity, bool) and 0 < quantity <= MAX_MINOR):
        raise Invalid(field="quantity", problem=f"a whole number from 1 to {MAX_MINOR}")
    _CHECKS[kind](read_, quantity, unit, form, on)
    return read_


def text(field: str, value: Any, longest: int = LONGEST) -> str:
    """A text of a person: printable, not empty, not too long."""
    if not isinstance(value, str) or not value.strip() or len(value) > longest or not value.isprintable():
        raise Invalid(field=field, problem=f"from 1 to {longest} printable characters")
    return value.strip()


def _number(field: str, value: Any) -> str:
    number = text(field, value)
    if not any(c.isalnum() for c in fold(number)):
        raise Invalid(field=field, problem="at least one letter or digit")
    return number


def _many(field: str, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MOST:
        raise Invalid(field=field, problem=f"a list of at most {MOST}")
    return [_number(f"{field}.{n}", v) for n, v in enumerate(value)]


def _names(field: str, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MOST:
        raise Invalid(field=field, problem=f"a list of at most {MOST}")
    return [text(f"{field}.{n}", v, 200) for n, v in enumerate(value)]


def _containers(field: str, value: Any) -> list[str]:
    numbers = enumerate(_many(field, value))
    return [identifiers.check(identifiers.Kind.CONTAINER, v, field=f"{field}.{n}") for n, v in numbers]


def _place(field: str, value: Any) -> str:
    return identifiers.check(identifiers.Kind.UNLOCODE, text(field, value), field=field)


def _day(field: str, value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat() if isinstance(value, str) else _bad_day(field)
    except ValueError:
        return _bad_day(field)


def _bad_day(field: str) -> str:
    raise Invalid(field=field, problem="a day such as 2026-03-02")


def _document(field: str, value: Any) -> str:
    if value not in DOCUMENTS:
        raise Invalid(field=field, problem=f"one of {', '.join(DOCUMENTS)}")
    return str(value)


def _pack(field: str, value: Any) -> str:
    number = identifiers.fold(text(field, value))
    if not re.fullmatch(r"[5-8][0-9]{29}", number):
        raise Invalid(field=field, problem="30 digits, the first from 5 to 8")
    return number


def _whole(field: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_MINOR:
        raise Invalid(field=field, problem=f"a whole number from 0 to {MAX_MINOR}")
    return value


def flag(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid(field=field, problem="true or false")
    return value


_FIELDS: Final[Mapping[Kind, Mapping[str, tuple[bool, Any]]]] = MappingProxyType({
    Kind.TRANSPORT_DOCUMENT: {
        "document": (True, _document), "number": (True, _number), "waybills": (False, _many),
        "consignees": (False, _names), "agreement": (False, _number), "containers": (False, _containers),
        "departs_on": (False, _day), "origin": (False, _place), "destination": (False, _place), "goods": (False, text),
    },
    Kind.WAREHOUSE_RECEIPT: {
        "number": (True, _number), "warehouse": (True, _number), "yard": (False, _number), "bin": (False, _number),
        "lot": (True, _number), "lot_quantity": (False, _whole), "goods": (False, text), "countersigned": (True, flag),
    },
    Kind.RECEIVABLE_VOUCHER: {
        "platform": (True, _number), "number": (True, _number), "due_on": (True, _day), "contract_no": (False, _number),
        "evidence": (True, _number),
    },
    Kind.BILL: {
        "pack_no": (True, _pack), "start": (True, _whole), "end": (True, _whole), "due_on": (True, _day),
        "indivisible": (False, flag),
    },
})  # fmt: skip


def _check_transport(s: dict[str, Any], quantity: int, unit: str, form: Form, on: date) -> None:
    _goods_unit(unit)
    if s.get("containers") and "departs_on" not in s:
        raise Invalid(field="subject.departs_on", problem="needed with containers: they travel again")
    if s.get("consignees") and len(s["consignees"]) != len(s.get("waybills", [])):
        raise Invalid(field="subject.consignees", problem="one for each waybill, in the same order")
    if "agreement" in s and not s.get("consignees"):
        raise Invalid(field="subject.agreement", problem="only with the consignees whom it binds")
    if s["document"] == "waybill" and form is not Form.STRAIGHT:
        raise Invalid(field="form", problem="a waybill can only be STRAIGHT")


def _check_receipt(s: dict[str, Any], quantity: int, unit: str, form: Form, on: date) -> None:
    _goods_unit(unit)
    _by_name(form)
    if not s["countersigned"]:  # Civil Code 910: an endorsement needs the warehouse's signature too
        raise Invalid(field="subject.countersigned", problem="true: the warehouse signs every endorsement in advance")


def _check_voucher(s: dict[str, Any], quantity: int, unit: str, form: Form, on: date) -> None:
    if unit not in [c.value for c in Currency]:
        raise Invalid(field="unit", problem="a currency; the quantity counts its minor units")
    _by_name(form)
    _future(s, on)


def _check_bill(s: dict[str, Any], quantity: int, unit: str, form: Form, on: date) -> None:
    if unit != Currency.CNY:
        raise Invalid(field="unit", problem="CNY; one unit of a pack is one fen")
    if not 1 <= s["start"] <= s["end"] <= PACK_UNITS:
        raise Invalid(field="subject.end", problem=f"from the start to {PACK_UNITS}")
    if quantity != s["end"] - s["start"] + 1:
        raise Invalid(field="quantity", problem="the number of fen in the interval: end - start + 1")
    _by_name(form)
    _future(s, on)


def _goods_unit(unit: str) -> None:
    if unit not in UNITS:
        raise Invalid(field="unit", problem=f"one of {', '.join(UNITS)}")


def _by_name(form: Form) -> None:
    """Civil Code 910 and Negotiable Instruments Law 30: endorsements name the endorsee."""
    if form is Form.BLANK:
        raise Invalid(field="form", problem="TO_ORDER or STRAIGHT")


def _future(s: dict[str, Any], on: date) -> None:
    if date.fromisoformat(s["due_on"]) < on:
        raise Invalid(field="subject.due_on", problem="not before the day of issue")


_CHECKS: Final = MappingProxyType({
    Kind.TRANSPORT_DOCUMENT: _check_transport, Kind.WAREHOUSE_RECEIPT: _check_receipt,
    Kind.RECEIVABLE_VOUCHER: _check_voucher, Kind.BILL: _check_bill,
})  # fmt: skip


def part(kind: Kind, subject: Mapping[str, Any], offset: int, quantity: int) -> dict[str, Any]:
    """The subject of a part that begins `offset` units into the whole. A bill's part is the interval it covers."""
    if kind is not Kind.BILL:
        return dict(subject)
    start = subject["start"] + offset
    return dict(subject) | {"start": start, "end": start + quantity - 1}


def consignees(subject: Mapping[str, Any], form: Form) -> list[tuple[str, str]] | None:
    """(waybill, to whom it is consigned) of each waybill beneath a negotiable document; None where they are not named.

    INV-OB-7: a railway delivers to whom its waybill names, so that one must be bound to obey whoever controls the document.
    """
    waybills = subject.get("waybills", [])
    if form is Form.STRAIGHT or not waybills:
        return []
    named = subject.get("consignees")
    return list(zip(waybills, named, strict=True)) if named else None


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or its last day if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first_after = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), first_after - timedelta(days=1))


# --- keys -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that a live title occupies: wholly, or from `first` to `last` on it (fen of a pack, days of a container)."""

    sort: str
    text: str
    digest: str
    first: int | None = None
    last: int | None = None


def claims(
    kind: Kind, issuer: str, subject: Mapping[str, Any], form: Form, *, container_days: int
) -> tuple[Claim, ...]:
    """The keys of a new title, its own first. `issuer` is the USCC, or what stands for it (see `issuer_code`)."""
    if kind is Kind.BILL:
        whole = subject.get("indivisible", False)
        first, last = (0, PACK_UNITS) if whole else (subject["start"], subject["end"])
        return (_claim("bill", subject["pack_no"], first=first, last=last),)
    if kind is Kind.RECEIVABLE_VOUCHER:
        return (_claim("voucher", subject["platform"], subject["number"]),)
    if kind is Kind.WAREHOUSE_RECEIPT:
        return (_claim("receipt", issuer, subject["number"]),)
    made = [_claim("document", issuer, subject["document"], subject["number"])]
    made += [_claim("waybill", number) for number in sorted({fold(w) for w in subject.get("waybills", [])})]
    if form is not Form.STRAIGHT:
        for container in sorted(set(subject.get("containers", []))):
            day = date.fromisoformat(subject["departs_on"]).toordinal()
            made.append(_claim("container", container, first=day, last=day + container_days))
    return tuple(made)


def lot_digest(warehouse: UUID, subject: Mapping[str, Any]) -> str:
    """Which goods a receipt is about: the warehouse, yard, bin and lot."""
    place = [fold(subject.get(name, "")) for name in ("warehouse", "yard", "bin", "lot")]
    return digest_of("lot", str(warehouse), *place)


def issuer_code(numbers: Mapping[str, str], party: UUID) -> str:
    """The number by which others know the issuer, too, so that they can make the same digest."""
    return next((f"{s}:{numbers[s]}" for s in ("uscc", "lei", "bic", "national") if s in numbers), f"id:{party}")


def _claim(sort: str, *parts: str, first: int | None = None, last: int | None = None) -> Claim:
    folded = [sort, *(fold(p) for p in parts)]
    return Claim(sort, "/".join(folded), digest_of(*folded), first, last)


# --- near-duplicates ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Likeness:
    """What an edited copy of a title would have in common with it."""

    kind: Kind
    issuer: UUID
    number: str  # folded
    look: str
    quantity: int
    unit: str
    first_holder: UUID
    lot: str  # digest, or ""
    issued_on: date


def number_of(kind: Kind, subject: Mapping[str, Any]) -> str:
    return fold(subject["pack_no"] if kind is Kind.BILL else subject["number"])


def look_of(kind: Kind, subject: Mapping[str, Any]) -> str:
    """The number as a hurried eye reads it: O for 0, I for 1 … Taken for one another before zeros are folded away."""
    number = subject["pack_no"] if kind is Kind.BILL else subject["number"]
    return fold(unicodedata.normalize("NFKC", number).upper().translate(_LOOKS))


def near(a: Likeness, b: Likeness, *, days: int) -> str | None:
    """Why two titles of one issuer may be one: "looks_alike", "edited", or None. A person decides.

    Numbers of bills are given by the national system, so only their intervals are compared, not their looks.
    """
    if a.kind is not b.kind or a.issuer != b.issuer or a.number == b.number or a.kind is Kind.BILL:
        return None
    if a.look == b.look:
        return "looks_alike"
    same = (a.quantity, a.unit, a.first_holder, a.lot) == (b.quantity, b.unit, b.first_holder, b.lot)
    if same and abs((a.issued_on - b.issued_on).days) <= days:
        if one_edit(a.number, b.number) or likeness(a.number) == likeness(b.number):
            return "edited"
    return None


def one_edit(a: str, b: str) -> bool:
    """Whether one mark added, left out, changed, or two neighbours swapped make one text of the other."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    if len(a) > len(b):
        a, b = b, a
    at = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    if len(a) < len(b):
        return a[at:] == b[at + 1 :]
    return a[at + 1 :] == b[at + 1 :] or (a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :])
