"""The one data set of a transport document: what every form of it (UN/CEFACT, DCSA, FIATA) is written from and read into. Pure.

    bill = read(content)          # every field checked, nothing else in it; refuses Invalid and names the field
    bill.content() == content     # and back: JSON without fractions of binary numbers, so that its digest is exact

Units: money in minor units of its currency; masses in kilograms, as texts with at most three decimals; places as UN/LOCODE;
       days as the calendar shows them at the place.
Source: domain notes §4.9 (OneBill), §4.8; MLETR 10(1)(a); UN/CEFACT multimodal transport reference data model, D23B.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, TypeVar

from luhai.core.titles.subjects import DOCUMENTS
from luhai.kernel import identifiers
from luhai.kernel.money import MAX_MINOR, Currency
from luhai.kernel.refusal import Invalid, gettext_noop

T = TypeVar("T")

FORMS: Final = ("STRAIGHT", "TO_ORDER", "BLANK")
MODES: Final = ("rail", "sea", "road", "inland_water", "air")
#: On what the document's effect rests; everything but maritime law and the convention is a contract between those who signed.
BASES: Final = ("agreement", "civil_code_840", "maritime_law", "cargo_document_convention", "foreign_law")
FREIGHT: Final = ("prepaid", "collect")
#: Who affixed a seal: carrier, shipper, customs, veterinary office (DCSA).
SEALED_BY: Final = ("carrier", "shipper", "customs", "veterinary")
#: Where the carrier takes and gives the goods: container yard, freight station, door (DCSA receiptTypeAtOrigin).
HANDOVERS: Final = ("CY", "CFS", "SD")
INCOTERMS: Final = (
    "EXW",
    "FCA",
    "CPT",
    "CIP",
    "DAP",
    "DPU",
    "DDP",
    "FAS",
    "FOB",
    "CFR",
    "CIF",
)  # Incoterms 2020
#: Registers of parties that we can check by arithmetic, and codes of carriers.
SCHEMES: Final = ("uscc", "lei", "bic", "national", "smdg", "nmfta", "railway", "fiata", "other")

_HS: Final = re.compile(r"\d{6,13}", re.ASCII)
_KG: Final = re.compile(r"(0|[1-9]\d{0,8})(\.\d{1,3})?", re.ASCII)
_PACKAGE: Final = re.compile(r"[A-Z0-9]{2}", re.ASCII)  # UNECE Recommendation 21
_TYPE: Final = re.compile(r"[A-Z0-9]{4}", re.ASCII)  # ISO 6346 size and type
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    name: str
    country: str = ""  # ISO 3166-1
    numbers: tuple[tuple[str, str], ...] = ()  # (scheme, number), by scheme
    street: str = ""
    city: str = ""
    contact: str = ""
    email: str = ""
    phone: str = ""

    def number(self, scheme: str) -> str:
        return dict(self.numbers).get(scheme, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """`consignee` is who is named: the consignee of a straight document, the order party of one to order, nobody in blank."""

    issuer: Party
    consignor: Party
    consignee: Party | None = None
    notify: tuple[Party, ...] = ()
    agent: Party | None = None  # of the carrier, at destination


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One carriage. `waybill` is the document beneath, `consignee` to whom that one is consigned (INV-OB-7)."""

    mode: str
    origin: str
    destination: str
    carrier: str = ""
    vehicle: str = ""  # vessel, train
    voyage: str = ""
    waybill: str = ""
    consignee: str = ""
    departs_on: date | None = None
    arrives_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    number: str
    by: str = "carrier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    number: str  # ISO 6346
    seals: tuple[Seal, ...]
    type: str = ""
    shipper_owned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    description: str
    hs: str
    packages: int
    gross_kg: Decimal
    package_type: str = ""
    container: str = ""
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoterm:
    code: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    name: str
    amount: Amount
    payable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Insurance:
    policy: str
    insurer: str
    amount: Amount
    clauses: str = ""
    payable_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneBill:
    document: str
    number: str
    form: str
    basis: str
    issued_on: date
    issued_at: str
    taken_on: date  # goods taken in charge
    parties: Parties
    legs: tuple[Leg, ...]
    goods: tuple[Goods, ...]
    terms: str
    freight: str
    containers: tuple[Container, ...] = ()
    boarded_on: date | None = None  # shipped on board
    receipt: str = "CY"
    delivery: str = "CY"
    value: Amount | None = None
    incoterm: Incoterm | None = None
    charges: tuple[Charge, ...] = ()
    insurance: Insurance | None = None
    booking: str = ""
    agreement: str = ""  # number of the agreement that makes it the only delivery voucher

    @property
    def negotiable(self) -> bool:
        return self.form != "STRAIGHT"

    @property
    def origin(self) -> str:
        return self.legs[0].origin

    @property
    def destination(self) -> str:
        return self.legs[-1].destination

    @property
    def gross_kg(self) -> Decimal:
        return sum((g.gross_kg for g in self.goods), Decimal(0))

    @property
    def seals(self) -> dict[str, tuple[str, ...]]:
        """The seals of each container, as issued."""
        return {c.number: tuple(s.number for s in c.seals) for c in self.containers}

    @property
    def needs_agreement(self) -> bool:
        """Law gives no title to a railway's document (CIM 6 §5; SMGS), so a negotiable one rests on what the parties agreed."""
        return self.negotiable and any(leg.mode == "rail" for leg in self.legs)

    def content(self) -> dict[str, Any]:
        """As JSON, without what is empty."""
        made: dict[str, Any] = _plain(self)
        return made


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        made = {f.name: getattr(value, f.name) for f in fields(value)}
        if isinstance(value, Party):
            made["numbers"] = dict(value.numbers)
        return {k: _plain(v) for k, v in made.items() if v not in ("", None, (), {})}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else value


# --- reading --------------------------------------------------------------------------------------------------------


def read(given: Any) -> OneBill:
    """The data set of a document. Refuses: Invalid (names the field, and says what would be right)."""
    bill = _object(OneBill, given, "")
    _check(bill)
    return bill


Reader = Callable[[Any, str], Any]


def text(longest: int) -> Reader:
    def read_(value: Any, at: str) -> str:
        if not isinstance(value, str) or not (made := " ".join(value.split())) or len(made) > longest:
            raise Invalid(field=at, problem=f"from 1 to {longest} printable characters")
        if not made.isprintable():
            raise Invalid(field=at, problem=gettext_noop("printable characters only"))
        return made

    return read_


def prose(longest: int) -> Reader:
    """Text with its line breaks, as terms have them."""

    def read_(value: Any, at: str) -> str:
        if not isinstance(value, str) or not (made := value.strip()) or len(made) > longest:
            raise Invalid(field=at, problem=f"from 1 to {longest} characters")
        if not all(c.isprintable() or c in "\n\t" for c in made):
            raise Invalid(field=at, problem=gettext_noop("printable characters, and line breaks"))
        return made

    return read_


def word(*known: str) -> Reader:
    def read_(value: Any, at: str) -> str:
        if not isinstance(value, str) or value not in known:
            raise Invalid(field=at, problem=f"one of {', '.join(known)}")
        return value

    return read_


def matching(pattern: re.Pattern[str], wanted: str) -> Reader:
    def read_(value: Any, at: str) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Invalid(field=at, problem=wanted)
        return value

    return read_


def whole(least: int, most: int = MAX_MINOR) -> Reader:
    def read_(value: Any, at: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Invalid(field=at, problem=f"a whole number from {least} to {most}")
        return value

    return read_


def many(reader: Reader, most: int, least: int = 0) -> Reader:
    def read_(value: Any, at: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            raise Invalid(field=at, problem=f"a list of {least} to {most}")
        return tuple(reader(v, f"{at}.{n}") for n, v in enumerate(value))

    return read_


def day(value: Any, at: str) -> date:
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise Invalid(field=at, problem=gettext_noop("a day such as 2026-03-02"))


def place(value: Any, at: str) -> str:
    return identifiers.check(identifiers.Kind.UNLOCODE, str(text(5)(value, at)), field=at)


def container(value: Any, at: str) -> str:
    return identifiers.check(identifiers.Kind.CONTAINER, str(text(20)(value, at)), field=at)


def kilograms(value: Any, at: str) -> Decimal:
    if not isinstance(value, str) or not _KG.fullmatch(value) or not Decimal(value):
        raise Invalid(
            field=at,
            problem=gettext_noop(
                'kilograms above zero as a text with at most three decimals, such as "19120.5"'
            ),
        )
    return Decimal(value)


def flag(value: Any, at: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid(field=at, problem=gettext_noop("true or false"))
    return value


def country(value: Any, at: str) -> str:
    if not isinstance(value, str) or value not in identifiers.COUNTRIES:
        raise Invalid(field=at, problem=gettext_noop("an ISO 3166 country code, such as CN"))
    return value


def numbers(value: Any, at: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise Invalid(field=at, problem=gettext_noop("an object of scheme and number"))
    made = {}
    for scheme, number in value.items():
        if scheme not in SCHEMES:
            raise Invalid(field=f"{at}.{scheme}", problem=f"one of {', '.join(SCHEMES)}")
        made[scheme] = str(text(150)(number, f"{at}.{scheme}"))
        if scheme in ("uscc", "lei", "bic"):
            made[scheme] = identifiers.check(identifiers.Kind(scheme), made[scheme], field=f"{at}.{scheme}")
    return tuple(sorted(made.items()))


def of(kind: type[T]) -> Reader:
    return lambda value, at: _object(kind, value, at)


def _email(value: Any, at: str) -> str:
    made = str(text(100)(value, at))
    if not _EMAIL.fullmatch(made):
        raise Invalid(field=at, problem=gettext_noop("an address such as name@example.org"))
    return made


#: Reader of each field; a field is needed when its class gives it no default.
_READERS: Final[Mapping[type, Mapping[str, Reader]]] = MappingProxyType({
    Party: {
        "name": text(200), "country": country, "numbers": numbers, "street": text(70), "city": text(35), "contact": text(35),
        "email": _email, "phone": text(30),
    },
    Parties: {
        "issuer": of(Party), "consignor": of(Party), "consignee": of(Party), "notify": many(of(Party), 3), "agent": of(Party),
    },
    Leg: {
        "mode": word(*MODES), "origin": place, "destination": place, "carrier": text(200), "vehicle": text(50),
        "voyage": text(50), "waybill": text(64), "consignee": text(200), "departs_on": day, "arrives_on": day,
    },
    Seal: {"number": text(15), "by": word(*SEALED_BY)},
    Container: {
        "number": container, "seals": many(of(Seal), 8, 1), "type": matching(_TYPE, gettext_noop("four characters of ISO 6346, such as 22G1")),
        "shipper_owned": flag,
    },
    Goods: {
        "description": text(1000), "hs": matching(_HS, gettext_noop("an HS code of 6 to 13 digits")), "packages": whole(1, 99_999_999),
        "gross_kg": kilograms, "package_type": matching(_PACKAGE, gettext_noop("two characters of UNECE Recommendation 21, such as PX")),
        "container": container, "marks": many(text(35), 50),
    },
    Amount: {"minor": whole(1), "currency": word(*Currency)},
    Incoterm: {"code": word(*INCOTERMS), "place": text(100)},
    Charge: {"name": text(50), "amount": of(Amount), "payable": word(*FREIGHT)},
    Insurance: {
        "policy": text(64), "insurer": text(200), "amount": of(Amount), "clauses": text(200), "payable_to": text(200),
    },
    OneBill: {
        "document": word(*DOCUMENTS), "number": text(64), "form": word(*FORMS), "basis": word(*BASES), "issued_on": day,
        "issued_at": place, "taken_on": day, "boarded_on": day, "parties": of(Parties), "legs": many(of(Leg), 12, 1),
        "goods": many(of(Goods), 100, 1), "containers": many(of(Container), 50), "terms": prose(50_000),
        "freight": word(*FREIGHT), "receipt": word(*HANDOVERS), "delivery": word(*HANDOVERS), "value": of(Amount),
        "incoterm": of(Incoterm), "charges": many(of(Charge), 20), "insurance": of(Insurance), "booking": text(35),
        "agreement": text(64),
    },
})  # fmt: skip


def _object(kind: type[T], given: Any, at: str) -> T:
    readers = _READERS[kind]
    if not isinstance(given, Mapping):
        raise Invalid(field=at or "content", problem=gettext_noop("an object"))
    for name in given:
        if name not in readers:
            raise Invalid(field=_below(at, str(name)), problem=f"one of {', '.join(readers)}")
    made: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # each of them is a dataclass
        value = given.get(field.name)
        if value is not None:
            made[field.name] = readers[field.name](value, _below(at, field.name))
        elif field.default is field.default_factory:  # neither is given: the field is needed
            raise Invalid(field=_below(at, field.name), problem=gettext_noop("needed"))
    return kind(**made)


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


# --- what fields must be to one another -----------------------------------------------------------------------------


def _check(b: OneBill) -> None:
    for at, wanted in _faults(b):
        raise Invalid(field=at, problem=wanted)


def _faults(b: OneBill) -> Iterator[tuple[str, str]]:
    if b.form == "BLANK" and b.parties.consignee is not None:
        yield "parties.consignee", gettext_noop("nobody: the document is in blank")
    if b.form != "BLANK" and b.parties.consignee is None:
        yield "parties.consignee", gettext_noop("needed, unless the form is BLANK")
    if b.document == "waybill" and b.negotiable:
        yield "form", gettext_noop("a waybill can only be STRAIGHT")
    if b.basis == "agreement" and not b.agreement:
        yield "agreement", gettext_noop("the number of the agreement on which the document rests")
    if b.taken_on > b.issued_on:
        yield (
            "taken_on",
            gettext_noop("not after the day of issue: the document says that the goods were taken"),
        )
    if b.boarded_on is not None and b.boarded_on < b.taken_on:
        yield "boarded_on", gettext_noop("not before the goods were taken in charge")
    yield from _route_faults(b)
    yield from _cargo_faults(b)
    if b.insurance is not None and b.value is not None and b.insurance.amount.currency != b.value.currency:
        yield "insurance.amount.currency", gettext_noop("the currency of the value")


def _route_faults(b: OneBill) -> Iterator[tuple[str, str]]:
    for n, (before, after) in enumerate(pairwise(b.legs), 1):
        if after.origin != before.destination:
            yield f"legs.{n}.origin", f"where the leg before ends: {before.destination}"
        if after.departs_on and before.departs_on and after.departs_on < before.departs_on:
            yield f"legs.{n}.departs_on", gettext_noop("not before the leg before it departs")
    for n, leg in enumerate(b.legs):
        if leg.departs_on and leg.arrives_on and leg.arrives_on < leg.departs_on:
            yield f"legs.{n}.arrives_on", gettext_noop("not before it departs")
        if leg.consignee and not leg.waybill:
            yield f"legs.{n}.waybill", gettext_noop("the document that is consigned to somebody")
    modes = {leg.mode for leg in b.legs}
    if b.document in ("rail_bill", "rail_sea_bill") and "rail" not in modes:
        yield "legs", gettext_noop("a leg by rail")
    if b.document in ("ocean_bill", "rail_sea_bill") and "sea" not in modes:
        yield "legs", gettext_noop("a leg by sea")
    if b.document == "rail_bill" and "sea" in modes:
        yield "document", gettext_noop("rail_sea_bill or multimodal_bill: a leg goes by sea")
    if b.document == "multimodal_bill" and len(modes) < 2:
        yield "legs", gettext_noop("at least two modes")
    if b.boarded_on is not None and "sea" not in modes:
        yield "boarded_on", gettext_noop("only with a leg by sea")


def _cargo_faults(b: OneBill) -> Iterator[tuple[str, str]]:
    listed = [c.number for c in b.containers]
    seals: set[str] = set()
    for n, box in enumerate(b.containers):
        if box.number in listed[:n]:
            yield f"containers.{n}.number", gettext_noop("each container once")
        for m, seal in enumerate(box.seals):
            if seal.number in seals:
                yield f"containers.{n}.seals.{m}.number", gettext_noop("each seal once")
            seals.add(seal.number)
    for n, item in enumerate(b.goods):
        if item.container and item.container not in listed:
            yield f"goods.{n}.container", gettext_noop("one of containers")
    used = {g.container for g in b.goods}
    for n, number in enumerate(listed):
        if number not in used:
            yield f"containers.{n}.number", gettext_noop("a container that goods are in")
    if listed and b.legs[0].departs_on is None:
        yield "legs.0.departs_on", gettext_noop("needed with containers: they travel again")
