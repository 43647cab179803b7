"""Where a shipment stands and what that means for who looks: nine stations, and one table of rules for each part. Pure.

A station is reached when something says so that the reader may see; a station between others that nobody told the reader of stays open.
For each part the rules are tried in order and the first that fits speaks; `boxes` never answers for another part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import gettext_noop


class Station(StrEnum):
    """In the order in which a financed shipment passes them."""

    ISSUED = "issued"
    PLEDGED = "pledged"
    LENT = "lent"
    MOVING = "moving"
    CUSTOMS = "customs"
    ARRIVED = "arrived"
    PAID = "paid"
    RELEASED = "released"
    DELIVERED = "delivered"


class Part(StrEnum):
    """What the reader's party is to the shipment."""

    ISSUER = "issuer"
    EXPORTER = "exporter"  # who had the document first, and pledged it
    BANK = "bank"  # that it is pledged to, or that lends on it
    IMPORTER = "importer"  # who controls it, or is to, after the exporter
    KEEPER = "keeper"  # who has the goods and does not see the document
    SENDER = "sender"  # the bank abroad that sends the payment
    WATCHER = "watcher"  # an office that only looks


STATION_NAMES: Final = MappingProxyType({
    Station.ISSUED: gettext_noop("Issued"),
    Station.PLEDGED: gettext_noop("Pledged"),
    Station.LENT: gettext_noop("Lent"),
    Station.MOVING: gettext_noop("On the way"),
    Station.CUSTOMS: gettext_noop("Customs"),
    Station.ARRIVED: gettext_noop("Arrived"),
    Station.PAID: gettext_noop("Paid and checked"),
    Station.RELEASED: gettext_noop("Released"),
    Station.DELIVERED: gettext_noop("Delivered"),
})  # fmt: skip
PART_NAMES: Final = MappingProxyType({
    Part.ISSUER: gettext_noop("You issued the document"),
    Part.EXPORTER: gettext_noop("You ship the goods"),
    Part.BANK: gettext_noop("You finance the shipment"),
    Part.IMPORTER: gettext_noop("You receive the goods"),
    Part.KEEPER: gettext_noop("You have the goods"),
    Part.SENDER: gettext_noop("You send the payment"),
    Part.WATCHER: gettext_noop("You look at it for your office"),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule may ask. Empty words where the reader may not see the thing, or there is none."""

    part: Part
    reached: Mapping[Station, datetime] = field(default_factory=dict)
    title: str = ""  # state of the document
    holds: bool = False  # the reader's party is in control of it
    sold: bool = False  # control is with somebody after the exporter
    pledge: str = ""  # offered, taken, ended
    loan: str = ""  # state of the loan
    payment: str = ""  # state of the payment
    papers: int = 0  # documents put to the payment
    signals: int = 0
    ordered: bool = False  # goods are to be given out by the reader's party

    def at(self, station: Station) -> bool:
        return station in self.reached


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence; the page on which it is done; who it is waited for (a key of the parties of the shipment)."""

    text: str
    page: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class Boxes:
    next: Say | None = None
    waits: Say | None = None


Test = Callable[[Facts], bool]
#: An order of the table: when it holds, what is to be done, what is waited for.
Rule = tuple[Test, Say | None, Say | None]


def _title(*states: str) -> Test:
    return lambda f: f.title in states


def _loan(*states: str) -> Test:
    return lambda f: f.loan in states


def _payment(*states: str) -> Test:
    return lambda f: f.payment in states


def _always(_f: Facts) -> bool:
    return True


_LENT: Final = ("DISBURSED", "PART_REPAID", "OVERDUE")
_PASSED: Final = ("CLEAR", "OVERRIDDEN")
_ARRIVAL: Final = Say(gettext_noop("The goods arrive at their destination."), who="issuer")
_MONEY: Final = Say(gettext_noop("The buyer's payment arrives."), who="buyer")
_PRESENTED: Final = Say(gettext_noop("The document is presented for delivery."), who="holder")

#: Before all others: states of the document in which nobody's business goes on as usual.
_ANYBODY: Final[tuple[Rule, ...]] = (
    (_title("FROZEN"), None, Say(gettext_noop("The order that froze the document is lifted."))),
    (_title("SPLIT", "MERGED"), Say(gettext_noop("Go on with what the document became."), "title"), None),
    (_title("PAPER"), None, Say(gettext_noop("The paper document comes back to the carrier."), who="holder")),
    (_title("VOID"), None, None),
)

RULES: Final[Mapping[Part, tuple[Rule, ...]]] = MappingProxyType({
    Part.ISSUER: (
        (_title("DELIVERY_ASKED"), Say(gettext_noop("Take the document back and give out the goods."), "transport_document"), None),
        (_title("AMENDMENT_ASKED", "AMENDING"), Say(gettext_noop("Answer the request to amend the document."), "transport_document"), None),
        (_title("DELIVERED"), None, None),
        (
            lambda f: f.at(Station.ARRIVED) and f.signals > 0,
            Say(gettext_noop("Look at what is odd about the goods before they are given out."), "transport_document"), _PRESENTED,
        ),
        (lambda f: f.at(Station.ARRIVED), None, _PRESENTED),
        (
            lambda f: f.at(Station.CUSTOMS), Say(gettext_noop("Report that the goods were loaded, and when they arrive."), "transport_document"),
            None,
        ),
        (
            lambda f: f.at(Station.MOVING), Say(gettext_noop("Report where the goods are."), "transport_document"),
            Say(gettext_noop("Customs lets the goods go.")),
        ),
        (_always, Say(gettext_noop("Report when the goods are taken over and depart."), "transport_document"), None),
    ),
    Part.EXPORTER: (
        (_loan("OVERDUE"), Say(gettext_noop("Pay what is overdue on the loan."), "loan"), None),
        (
            lambda f: f.payment == "RECEIVED" and f.papers == 0,
            Say(gettext_noop("Put contract, declaration and invoice to the payment that arrived."), "payment"), None,
        ),
        (_payment("RECEIVED"), None, Say(gettext_noop("The payment is checked against your documents."), who="bank")),
        (
            _payment("BLOCKED"), Say(gettext_noop("Give the documents that the check found missing, or correct ones."), "payment"),
            Say(gettext_noop("The payment is checked again."), who="bank"),
        ),
        (_payment(*_PASSED), None, Say(gettext_noop("The payment is credited and the loan repaid."), who="bank")),
        (_title("DELIVERED"), None, None),
        (lambda f: f.sold, None, Say(gettext_noop("The buyer takes delivery."), who="holder")),
        (_loan("REQUESTED"), None, Say(gettext_noop("The draw is approved."), who="bank")),
        (_loan("RESERVED"), None, Say(gettext_noop("The loan is paid out."), who="bank")),
        (
            lambda f: f.loan in _LENT and f.payment == "RETURNED", Say(gettext_noop("Agree with the buyer how it will pay now."), "payment"),
            _MONEY,
        ),
        (
            lambda f: f.loan in _LENT and not f.payment,
            Say(gettext_noop("Have contract, declaration and invoice ready: the payment is checked against them."), "evidences"), _MONEY,
        ),
        (_loan(*_LENT), Say(gettext_noop("Pay what is still owed on the loan."), "loan"), None),
        (
            lambda f: f.pledge in ("offered", "taken") and (f.loan == "REPAID" or f.payment == "CREDITED"), None,
            Say(gettext_noop("The pledge is released."), who="bank"),
        ),
        (lambda f: f.pledge in ("offered", "taken"), Say(gettext_noop("Ask your bank for a draw against the document."), "loan_new"), None),
        (
            lambda f: f.holds and (f.pledge == "ended" or f.loan == "REPAID" or f.payment == "CREDITED"),
            Say(gettext_noop("Hand the document to the buyer."), "title"), None,
        ),
        (
            lambda f: f.holds,
            Say(gettext_noop("Pledge the document to your bank, if you want to be financed on it."), "title"), _MONEY,
        ),
        (_always, None, None),
    ),
    Part.BANK: (
        (_payment("BLOCKED"), Say(gettext_noop("Decide what the check found: let it pass with a second person, or send it back."), "payment"),
            Say(gettext_noop("Documents that are missing or correct ones."), who="exporter")),
        (lambda f: f.payment == "RECEIVED" and f.papers == 0, None,
            Say(gettext_noop("The documents that the payment is checked against."), who="exporter")),
        (_payment("RECEIVED"), Say(gettext_noop("Check the payment against its documents."), "payment"), None),
        (
            lambda f: f.payment in _PASSED and f.loan in _LENT,
            Say(gettext_noop("Credit the payment: it repays the loan and releases the pledge, at once."), "payment"), None,
        ),
        (_payment(*_PASSED), Say(gettext_noop("Credit the payment."), "payment"), None),
        (_loan("OVERDUE"), Say(gettext_noop("The loan is overdue: follow it up."), "loan"),
            Say(gettext_noop("What is overdue is paid."), who="exporter")),
        (_loan("REQUESTED"), Say(gettext_noop("Decide on the draw that was asked for."), "loan"), None),
        (_loan("RESERVED"), Say(gettext_noop("Pay the loan out; another person than who approved it."), "loan"), None),
        (
            lambda f: f.pledge in ("offered", "taken") and (f.loan == "REPAID" or f.payment == "CREDITED"),
            Say(gettext_noop("Nothing is owed any more: release the pledge."), "title"), None,
        ),
        (lambda f: f.loan in _LENT and f.signals > 0, Say(gettext_noop("Look at what is odd about the goods you lent on."), "transport_document"), _MONEY),
        (_loan(*_LENT), None, _MONEY),
        (lambda f: f.pledge == "offered", Say(gettext_noop("Look at the pledge; a draw on it takes it up."), "title"),
            Say(gettext_noop("A draw is asked for."), who="exporter")),
        (lambda f: f.pledge == "taken", None, Say(gettext_noop("A draw is asked for."), who="exporter")),
        (_always, None, None),
    ),
    Part.IMPORTER: (
        (_title("DELIVERED"), None, None),
        (_title("DELIVERY_ASKED"), None, Say(gettext_noop("The carrier gives out the goods."), who="issuer")),
        (_title("AMENDMENT_ASKED", "AMENDING"), None, Say(gettext_noop("The carrier amends the document."), who="issuer")),
        (
            lambda f: f.holds and f.at(Station.ARRIVED),
            Say(gettext_noop("The goods are there: present the document and take delivery."), "title"), None,
        ),
        (lambda f: f.holds, Say(gettext_noop("Keep the document: the goods are given out against it only."), "title"), _ARRIVAL),
        (_always, None, Say(gettext_noop("Control of the document is handed to you."), who="holder")),
    ),
    Part.KEEPER: (
        (lambda f: f.ordered, Say(gettext_noop("Give out the goods that the carrier ordered out."), "transport_document"), None),
        (
            _always, Say(gettext_noop("Report what happens to the goods while you have them."), "transport_document"),
            Say(gettext_noop("The carrier says to whom the goods go."), who="issuer"),
        ),
    ),
    Part.SENDER: (
        (_payment("CREDITED"), None, None),
        (_payment("RETURNED"), Say(gettext_noop("The payment was sent back: read why, and tell your customer."), "payment"), None),
        (_payment(*_PASSED), None, Say(gettext_noop("The payment is credited."), who="bank")),
        (_always, None, Say(gettext_noop("The payment is checked against the seller's documents."), who="bank")),
    ),
    Part.WATCHER: (
        (lambda f: f.signals > 0 and f.title != "DELIVERED", Say(gettext_noop("Look at what is odd about the goods."), "transport_document"), None),
        (_payment("BLOCKED"), Say(gettext_noop("Look at what the check of the payment found."), "payment"), None),
        (_payment("RECEIVED", *_PASSED), None, Say(gettext_noop("The payment is checked and credited."), who="bank")),
        (_loan("REQUESTED", "RESERVED"), None, Say(gettext_noop("The loan is paid out."), who="bank")),
        (_loan(*_LENT), None, _MONEY),
        (_title("DELIVERY_ASKED"), None, Say(gettext_noop("The carrier gives out the goods."), who="issuer")),
        (_title("ISSUED"), None, _PRESENTED),
        (_always, None, None),
    ),
})  # fmt: skip


def boxes(facts: Facts) -> Boxes:
    """What the reader does next and waits for."""
    for holds, act, waits in (*_ANYBODY, *RULES[facts.part]):
        if holds(facts):
            return Boxes(act, waits)
    raise AssertionError(facts)


def line(reached: Mapping[Station, datetime]) -> list[tuple[Station, str, datetime | None]]:
    """The nine stations, each with its state: done, here (the farthest that was reached), passed (open, before it) or ahead."""
    far = farthest(reached)
    order = list(Station)
    place = order.index(far) if far else -1
    found = []
    for n, station in enumerate(order):
        if station is far:
            state = "here"
        elif station in reached:
            state = "done"
        else:
            state = "passed" if n < place else "ahead"
        found.append((station, state, reached.get(station)))
    return found


def farthest(reached: Mapping[Station, datetime]) -> Station | None:
    return next((s for s in reversed(Station) if s in reached), None)
