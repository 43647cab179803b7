"""What stands on a printed copy, once for the page and the PDF: rows with their names in both languages, the code, the QR.

A copy is no document of title. Its code leads to what the register says of it: genuine, or changed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from babel.dates import format_date
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext, override
from reportlab.graphics.barcode import qrencoder

from luhai.kernel.money import EXPONENT, Currency
from luhai.kernel.origin import Origin
from luhai.kernel.refusal import gettext_noop

from .bill import Amount, Goods, OneBill, Party
from .places import place_names

#: Crockford's: no I, L, O, U, so that a code can be read aloud and typed.
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 16
_LOOKALIKES: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})

COPY: Final = gettext_noop("Copy. No document of title: control is in the register.")
ASK: Final = gettext_noop("Type the code at this address, or read the square, to see whether the copy is genuine and still as it was.")

KINDS: Final = MappingProxyType({
    "rail_bill": gettext_noop("railway bill"),
    "rail_sea_bill": gettext_noop("rail-sea bill"),
    "multimodal_bill": gettext_noop("multimodal bill"),
    "ocean_bill": gettext_noop("ocean bill of lading"),
    "cargo_document": gettext_noop("negotiable cargo document"),
    "waybill": gettext_noop("waybill"),
})  # fmt: skip
FORMS: Final = MappingProxyType({
    "STRAIGHT": gettext_noop("straight"), "TO_ORDER": gettext_noop("to order"), "BLANK": gettext_noop("in blank"),
})  # fmt: skip
MODES: Final = MappingProxyType({
    "rail": gettext_noop("by rail"), "sea": gettext_noop("by sea"), "road": gettext_noop("by road"),
    "inland_water": gettext_noop("by inland waterway"), "air": gettext_noop("by air"),
})  # fmt: skip
BASES: Final = MappingProxyType({
    "agreement": gettext_noop("an agreement of the parties"),
    "civil_code_840": gettext_noop("a multimodal contract (Civil Code, article 840)"),
    "maritime_law": gettext_noop("maritime law"),
    "cargo_document_convention": gettext_noop("the convention on negotiable cargo documents"),
    "foreign_law": gettext_noop("foreign law"),
})  # fmt: skip
FREIGHT: Final = MappingProxyType({"prepaid": gettext_noop("freight prepaid"), "collect": gettext_noop("freight collect")})
SEALED_BY: Final = MappingProxyType({
    "carrier": gettext_noop("carrier's seal"), "shipper": gettext_noop("shipper's seal"), "customs": gettext_noop("customs seal"),
    "veterinary": gettext_noop("veterinary seal"),
})  # fmt: skip
HANDOVERS: Final = MappingProxyType({
    "CY": gettext_noop("container yard"), "CFS": gettext_noop("freight station"), "SD": gettext_noop("door"),
})  # fmt: skip
#: States of titles, in the words of the register.
STATES: Final = MappingProxyType({
    "ISSUED": gettext_noop("in circulation"), "PLEDGED": gettext_noop("pledged"),
    "DELIVERY_ASKED": gettext_noop("presented, the issuer must answer"), "AMENDMENT_ASKED": gettext_noop("given up for amendment"),
    "AMENDING": gettext_noop("being amended"), "PAPER": gettext_noop("on paper"), "FROZEN": gettext_noop("frozen"),
    "DELIVERED": gettext_noop("delivered or paid"), "SPLIT": gettext_noop("split into parts"), "MERGED": gettext_noop("merged into one"),
    "VOID": gettext_noop("void"),
})  # fmt: skip
#: What acts on the title have done to a copy that was printed before them. They are told without names.
CHANGES: Final = MappingProxyType({
    "amend": gettext_noop("amended: what the copy says is no longer what the document says"),
    "accept_surrender": gettext_noop("delivered: the document has ended, and the goods are given out"),
    "delivered_in_part": gettext_noop("delivered in part"),
    "taken_back": gettext_noop("taken back by the issuer, who writes it anew"),
    "surrender": gettext_noop("presented for delivery"),
    "refuse_surrender": gettext_noop("the presentation was refused"),
    "surrender_for_amendment": gettext_noop("given up so that it can be amended"),
    "pledge": gettext_noop("pledged"),
    "release_pledge": gettext_noop("a pledge was released"),
    "refuse_pledge": gettext_noop("a pledge was refused"),
    "enforce": gettext_noop("a pledge was enforced"),
    "nominate": gettext_noop("a beneficiary was nominated"),
    "endorse": gettext_noop("endorsed"),
    "transfer": gettext_noop("control passed to another party"),
    "reject": gettext_noop("a transfer was rejected"),
    "split": gettext_noop("split: its parts are documents of their own"),
    "merge": gettext_noop("merged into one document with others"),
    "to_paper": gettext_noop("replaced by a paper document"),
    "to_electronic": gettext_noop("taken back from paper"),
    "keep": gettext_noop("handed to an escrow"),
    "return": gettext_noop("returned by an escrow"),
    "freeze": gettext_noop("frozen by order of an authority"),
    "unfreeze": gettext_noop("the freeze has ended"),
    "void": gettext_noop("declared void"),
})  # fmt: skip


# --- the code -------------------------------------------------------------------------------------------------------


def code_of(entropy: bytes) -> str:
    """Ten bytes that nobody can guess, as a code."""
    number = int.from_bytes(entropy[:10], "big")
    return "".join(ALPHABET[(number >> 5 * place) & 31] for place in reversed(range(LENGTH)))


def code_for(origin: Origin) -> str:
    """The code of the copy that a request makes: as random as the secret of this instance, and the same when the request comes twice."""
    mark = salted_hmac("luhai.transport.printout", f"{origin.actor.person_id}:{origin.key}", algorithm="sha256")
    return code_of(mark.digest())


def read_code(given: str) -> str | None:
    """A code as somebody typed it, in any groups and with the usual mistakes; None when it is none."""
    made = "".join(given.split()).replace("-", "").upper().translate(_LOOKALIKES)
    return made if len(made) == LENGTH and set(made) <= set(ALPHABET) else None


def grouped(code: str) -> str:
    return "-".join(code[n : n + 4] for n in range(0, len(code), 4))


def squares(text: str) -> list[list[bool]]:
    """The modules of a QR code, row by row, dark ones true."""
    made = qrencoder.QRCode(None, qrencoder.QRErrorCorrectLevel.M)
    made.addData(text)
    made.make()
    size = range(made.getModuleCount())
    return [[bool(made.isDark(row, column)) for column in size] for row in size]


def square_path(modules: Sequence[Sequence[bool]], margin: int = 4) -> tuple[int, str]:
    """The QR code as one SVG path, and the width of its box with the quiet zone around it."""
    runs = "".join(f"M{x + margin} {y + margin}h1v1h-1z" for y, row in enumerate(modules) for x, dark in enumerate(row) if dark)
    return len(modules) + 2 * margin, runs


# --- the sheet ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Both:
    """A text in both languages; the same twice where it is a name or a number."""

    zh: str
    en: str

    @property
    def joined(self) -> str:
        return self.zh if self.zh == self.en else f"{self.zh} {self.en}"


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the sheet: facts (name, value), or a table with heads and rows."""

    title: Both
    facts: tuple[tuple[Both, Both], ...] = ()
    heads: tuple[Both, ...] = ()
    rows: tuple[tuple[Both, ...], ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    kind: Both
    number: str
    form: Both
    blocks: tuple[Block, ...]


def both(text: str, **facts: object) -> Both:
    """A text of the catalogue in both languages at once."""
    made = []
    for language in ("zh-hans", "en"):
        with override(language):
            said = gettext(text)
            made.append(said % facts if facts else said)
    return Both(made[0], made[1][:1].upper() + made[1][1:])


def same(text: object) -> Both:
    return Both(str(text), str(text))


def sheet(bill: OneBill) -> Sheet:
    """Everything that the data set says, in the order of a bill of lading."""
    return Sheet(both(KINDS[bill.document]), bill.number, both(FORMS[bill.form]), tuple(_blocks(bill)))


def _blocks(b: OneBill) -> Iterable[Block]:
    who = (
        (gettext_noop("Issuer"), b.parties.issuer), (gettext_noop("Consignor"), b.parties.consignor),
        (gettext_noop("Consignee"), b.parties.consignee), *((gettext_noop("Notify party"), p) for p in b.parties.notify),
        (gettext_noop("Agent at destination"), b.parties.agent),
    )  # fmt: skip
    yield Block(both(gettext_noop("Parties")), facts=tuple((both(name), same(_party(p))) for name, p in who if p is not None))
    yield Block(
        both(gettext_noop("Carriage")),
        heads=tuple(both(t) for t in (
            gettext_noop("Mode"), gettext_noop("From"), gettext_noop("To"), gettext_noop("Carrier and vehicle"), gettext_noop("Waybill beneath"),
            gettext_noop("Departs"), gettext_noop("Arrives"),
        )),
        rows=tuple(
            (
                both(MODES[leg.mode]), _place(leg.origin), _place(leg.destination),
                same(_listed([leg.carrier, leg.vehicle, leg.voyage])), same(_listed([leg.waybill, leg.consignee])),
                _date(leg.departs_on), _date(leg.arrives_on),
            )
            for leg in b.legs
        ),
    )  # fmt: skip
    if b.containers:
        yield Block(
            both(gettext_noop("Containers and seals")),
            heads=tuple(both(t) for t in (gettext_noop("Container"), gettext_noop("Size and type"), gettext_noop("Seals"))),
            rows=tuple(
                (same(c.number), same(c.type), _join([_seal(s.number, s.by) for s in c.seals])) for c in b.containers
            ),
        )  # fmt: skip
    yield Block(
        both(gettext_noop("Goods, as declared by the consignor")),
        heads=tuple(both(t) for t in (
            gettext_noop("Description"), gettext_noop("HS code"), gettext_noop("Packages"), gettext_noop("Gross mass (kg)"),
            gettext_noop("Container"), gettext_noop("Marks"),
        )),
        rows=(*(_goods(g) for g in b.goods), (both(gettext_noop("Total")), same(""), same(""), same(f"{b.gross_kg:,f}"), same(""), same(""))),
    )  # fmt: skip
    yield Block(both(gettext_noop("Terms of carriage")), facts=tuple(_terms(b)), text=b.terms)


def _goods(g: Goods) -> tuple[Both, ...]:
    packages = f"{g.packages:,} {g.package_type}".strip()
    return tuple(same(t) for t in (g.description, g.hs, packages, f"{g.gross_kg:,f}", g.container, _listed(g.marks)))


def _terms(b: OneBill) -> Iterable[tuple[Both, Both]]:
    yield both(gettext_noop("Goods taken in charge")), _day(b.taken_on)
    if b.boarded_on:
        yield both(gettext_noop("Shipped on board")), _day(b.boarded_on)
    yield both(gettext_noop("Issued")), _join([_day(b.issued_on), _place(b.issued_at)])
    yield both(gettext_noop("Effect rests on")), both(BASES[b.basis])
    if b.agreement:
        yield both(gettext_noop("Agreement")), same(b.agreement)
    yield both(gettext_noop("Taken and given out at")), _join([both(HANDOVERS[b.receipt]), both(HANDOVERS[b.delivery])])
    yield both(gettext_noop("Freight")), both(FREIGHT[b.freight])
    for charge in b.charges:
        yield same(charge.name), _join([same(money(charge.amount)), both(FREIGHT[charge.payable])])
    if b.incoterm:
        yield both(gettext_noop("Terms of delivery")), same(f"{b.incoterm.code} {b.incoterm.place}")
    if b.value:
        yield both(gettext_noop("Declared value")), same(money(b.value))
    if b.insurance:
        said = [b.insurance.policy, b.insurance.insurer, money(b.insurance.amount), b.insurance.clauses, b.insurance.payable_to]
        yield both(gettext_noop("Insurance")), same(_listed(said))
    if b.booking:
        yield both(gettext_noop("Booking")), same(b.booking)


def _party(p: Party) -> str:
    numbers = [f"{scheme.upper()} {number}" for scheme, number in p.numbers]
    return _listed([p.name, p.street, p.city, p.country, *numbers, p.contact, p.email, p.phone])


def _place(code: str) -> Both:
    zh, en = place_names(code)
    return Both(f"{zh} {code}", f"{en} {code}") if zh else same(code)


def _day(on: date | None) -> Both:
    return Both(format_date(on, "yyyy年M月d日", locale="zh_CN"), format_date(on, "d MMM yyyy", locale="en_GB")) if on else same("")


def _date(on: date | None) -> Both:
    """A day in a narrow column."""
    return Both(on.isoformat(), _day(on).en) if on else same("")


def _seal(number: str, by: str) -> Both:
    said = both(SEALED_BY[by])
    return Both(f"{number}（{said.zh}）", f"{number} ({said.en.lower()})")


def _join(parts: Sequence[Both]) -> Both:
    return Both("，".join(p.zh for p in parts), ", ".join(p.en for p in parts))


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(p for p in parts if p)


def money(amount: Amount) -> str:
    """81250000 fen -> CNY 812,500.00: on paper the code of the currency, never a sign that two countries share."""
    exponent = EXPONENT[Currency(amount.currency)]
    return f"{amount.currency} {Decimal(amount.minor).scaleb(-exponent):,.{exponent}f}"


def fingerprint(digest: str) -> str:
    """The first characters of a digest in groups, for eyes to compare."""
    return " ".join(digest[n : n + 4] for n in range(0, 16, 4))
