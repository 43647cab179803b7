"""Where one shipment is played: who plays, what is shipped, from when on, and the id of everything that is made of it.

Ids and keys come from the cast and the shipment's number, so whoever loads the same stage again, in another process or on another day,
goes on where it was left, and what was done before answers as it did. No two stages use the same instant: what was written at a stage's
instants is its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from luhai.core.escrow import queries as escrow
from luhai.financing.lending import books
from luhai.financing.lending import queries as lending
from luhai.kernel.origin import SYSTEM, Actor, Origin
from luhai.kernel.refusal import Refusal, gettext_noop

from . import commands
from .cast import Cast, Part, enroll
from .papers import SHANGHAI
from .shipment import DESTINATIONS, Shipment

_SPACE: Final = uuid5(NAMESPACE_URL, "luhai:desks.lane.stage")
#: The deal of a cast (agreement, line) was made so many days before its first shipment.
DEAL_DAYS: Final = 3


class NotYet(Refusal):
    code = "lane.not_yet"
    message = gettext_noop("The step before this one has not been played: %(missing)s.")


@dataclass
class Stage:
    """One shipment. `attempt` gives the same acts new keys, since a key that was refused stays refused; ids stay as they are.

    `at_day`: the acts of a step are dated by days from the shipment's first; a visitor who acts on the pages acts when he does.
    """

    cast: Cast
    shipment: Shipment
    deal_day: date
    attempt: int = 0
    #: Instants at which the step that is being played has acted, in order.
    instants: list[datetime] = field(default_factory=list)
    #: Who acted in it.
    actors: list[Part] = field(default_factory=list)

    # --- ids ----------------------------------------------------------------------------------------------------------

    def id(self, name: str) -> UUID:
        """The id of something of this shipment: title, draw, contract, declaration …"""
        return uuid5(_SPACE, f"{self.cast.space} {self.shipment.number} {name}")

    def deal_id(self, name: str) -> UUID:
        """The id of something that all shipments of the cast share: agreement, line."""
        return uuid5(_SPACE, f"{self.cast.space} deal {name}")

    @property
    def title(self) -> UUID:
        return self.id("title")

    @property
    def draw(self) -> UUID:
        return self.id("draw")

    @property
    def agreement(self) -> UUID:
        return self.deal_id("agreement")

    @property
    def line(self) -> UUID:
        return self.deal_id("line")

    @property
    def agreement_no(self) -> str:
        return f"LHAG-{self.deal_day:%Y}-{str(self.agreement)[:6].upper()}"

    @property
    def uetr(self) -> UUID:
        return UUID(bytes=self.id("uetr").bytes, version=4)

    @property
    def payment(self) -> UUID:
        """As payments derives it from the bank and the UETR."""
        return uuid5(self.cast.bank.id, f"payment {self.uetr}")

    @property
    def deposit(self) -> UUID:
        """The exporter's account with its bank, in yuan."""
        return books.deposit_account(self.cast.bank.id, self.cast.exporter.id, "CNY")

    @property
    def escrow(self) -> UUID:
        """The escrow of the loan's repayment. Refuses: Absent before it is asked for."""
        return lending.loan(draw_id=self.draw, viewer=SYSTEM).escrow_id

    @property
    def collection(self) -> UUID:
        """The leg of that escrow into which the bank pays what comes for the exporter."""
        (leg,) = escrow.escrow(escrow_id=self.escrow, viewer=SYSTEM).value
        return leg.account

    # --- acting -------------------------------------------------------------------------------------------------------

    def at(self, day: int, hour: int, minute: int = 0) -> datetime:
        """An instant so many days after the first of the shipment, by the clock in China."""
        return datetime.combine(self.shipment.day + timedelta(days=day), time(hour, minute, 0, self._mark), SHANGHAI)

    def deal_at(self, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(self.deal_day, time(hour, minute, 0, self._deal_mark), SHANGHAI)

    def by(self, part: Part, act: str, at: datetime) -> Origin:
        """The origin of an act of this shipment, which is noted as one of the step being played."""
        if part not in self.actors:
            self.actors.append(part)
        return self.origin(part.actor, f"{self.shipment.number} {act}", at)

    def deal_by(self, part: Part, act: str, at: datetime) -> Origin:
        if part not in self.actors:
            self.actors.append(part)
        return self.origin(part.actor, f"deal {act}", at)

    def by_system(self, act: str, at: datetime) -> Origin:
        return self.origin(SYSTEM, f"{self.shipment.number} {act}", at)

    def origin(self, actor: Actor, words: str, at: datetime) -> Origin:
        if at not in self.instants:
            self.instants.append(at)
        return Origin(actor, uuid5(_SPACE, f"{self.cast.space} act {words} {self.attempt}"), at)

    @property
    def _mark(self) -> int:
        return self.id("instant").int % 1_000_000

    @property
    def _deal_mark(self) -> int:
        return self.deal_id("instant").int % 1_000_000


def load(cast: Cast, number: int = 1, *, clock: datetime, destination: str = "", attempt: int = 0) -> Stage:
    """The stage of a shipment of a cast. Asked for the first time, it begins at `clock`; afterwards, when it began then.

    Writes: the parties that are missing; the two beginnings. `destination` (THLCH, SGSIN) is by the importer's country, unless said.
    """
    deal = commands.starts_at(
        commands.begin(seed=cast.space, number=0, origin=_beginning(cast, 0, clock - timedelta(days=DEAL_DAYS)))
    )
    begun = commands.starts_at(commands.begin(seed=cast.space, number=number, origin=_beginning(cast, number, clock)))
    enroll(cast, at=deal)
    place = destination or next((d.place for d in DESTINATIONS.values() if d.country == cast.importer.party.country), "THLCH")
    shipment = Shipment(cast.space, number, begun.astimezone(SHANGHAI).date(), DESTINATIONS[place])
    return Stage(cast, shipment, deal.astimezone(SHANGHAI).date(), attempt)


def _beginning(cast: Cast, number: int, at: datetime) -> Origin:
    return Origin(SYSTEM, uuid5(_SPACE, f"{cast.space} begin {number}"), at)
