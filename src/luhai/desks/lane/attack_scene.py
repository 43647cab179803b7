"""What an attack is played on: one shipment as far as its story goes, enemies, and the means to see that nothing came of it.

    world = build(space, clock)          # the cast of the lane, and two whole casts of rivals: banks, carriers, buyers of their own
    scene = Scene(world, number, "settle")
    scene.play("check")                  # honest: the story up to and with a step
    scene.refused("titles.not_free", lambda at: …)   # an act of the enemy: refused with this code, and not a row written
    scene.finish()                       # honest: the rest, to the delivered goods and the repaid loan

Every row of every table is held against what it was before a refused act; the journal alone may say that it was refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from signal import SIGKILL
from threading import Barrier
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import connection, connections, transaction

from luhai.core.titles import queries as titles
from luhai.financing.lending import commands as lending
from luhai.financing.lending import queries as loans
from luhai.kernel.origin import SYSTEM, Actor, Origin
from luhai.kernel.refusal import Refusal
from luhai.settlement.payments import queries as payments
from luhai.shell.context import acting

from . import play as lane
from . import stage, story
from .cast import GUANGXI, Cast, Part, enroll, invented
from .stage import Stage

_SPACE: Final = uuid5(NAMESPACE_URL, "luhai:desks.lane.attack")
#: What a refusal writes: itself. A near-duplicate also opens a review, a refused use tells those who use the document.
_JOURNAL: Final = ("journal_",)


class GotThrough(Exception):
    """An attack that was not held, in words."""


@dataclass(frozen=True, slots=True)
class World:
    """`rival` works in the same province as the cast, `far` in another one."""

    cast: Cast
    rival: Cast
    far: Cast
    clock: datetime


def build(space: str, seed: int, clock: datetime) -> World:
    """The cast, and two casts of rivals, all registered. `clock` is the day on which every shipment begins."""
    cast, rival, far = (invented(space, seed, number) for number in range(3))
    away = replace(far.officer.party, territory=GUANGXI)
    far = replace(far, officer=replace(far.officer, party=away), second=replace(far.second, party=away))
    for other in (rival, far):
        enroll(other, at=clock - timedelta(days=stage.DEAL_DAYS))
    return World(cast, rival, far, clock)


@dataclass(slots=True)
class Answer:
    """What came of an act: a value, or the code of a refusal."""

    value: Any = None
    code: str = ""
    words: str = ""


class Again(Stage):
    """The same shipment after its payment went back: the importer's bank sends another order."""

    @property
    def uetr(self) -> UUID:
        return UUID(bytes=self.id("uetr again").bytes, version=4)


@dataclass
class Scene:
    """One attack on one shipment. `codes` are the refusals and answers that held it, in order."""

    world: World
    number: int
    name: str
    codes: list[str] = field(default_factory=list)
    acts: int = 0
    played: str | None = None

    def __post_init__(self) -> None:
        self.stage = stage.load(self.world.cast, self.number, clock=self.world.clock)

    @property
    def cast(self) -> Cast:
        return self.world.cast

    def id(self, what: str) -> UUID:
        return uuid5(_SPACE, f"{self.cast.space} {self.number} {self.name} {what}")

    # --- acting -------------------------------------------------------------------------------------------------------

    def play(self, until: str) -> None:
        """The story from where it is, up to and with a step, as honest parties play it."""
        lane.play(self.stage, until, after=self.played)
        self.played = until

    def again(self) -> None:
        """What was refused is asked for anew: under other keys, as people do."""
        self.stage.attempt += 1

    def at(self) -> datetime:
        """Shortly after what was done last. No act at the instant of another."""
        self.acts += 1
        step = story.by_name(self.played) if self.played else story.STEPS[0]
        return self.stage.at(step.day, 17) + timedelta(minutes=self.acts)

    def by(self, who: Part | Actor, at: datetime | None = None) -> Origin:
        """The origin of an act of its own."""
        when = at or self.at()
        actor = who.actor if isinstance(who, Part) else who
        return Origin(actor, self.id(f"act {self.acts} {when.isoformat()}"), when)

    def refused(self, code: str | Iterable[str], act: Callable[[], Any], *, writes: tuple[str, ...] = ()) -> str:
        """Do what must be refused with `code`; nothing is written but what `writes` names (fronts of tables' names)."""
        wanted = (code,) if isinstance(code, str) else tuple(code)
        before = state()
        answer = tried(act)
        said = answer.code
        if not said:
            raise GotThrough(f"it was done, not refused with {' or '.join(wanted)}")
        self.codes.append(said)
        if said not in wanted:
            raise GotThrough(f"refused with {answer.words}, not with {' or '.join(wanted)}")
        after = state()
        changed = [t for t in after if after[t] != before.get(t) and not t.startswith((*_JOURNAL, *writes))]
        if changed:
            raise GotThrough(f"refused with {said}, and yet written to {', '.join(changed)}")
        return said

    def changes_nothing(self, act: Callable[[], Any]) -> Any:
        """Do what is answered and must write nothing but the journal."""
        before = state()
        answer = act()
        after = state()
        if changed := [t for t in after if after[t] != before.get(t) and not t.startswith(_JOURNAL)]:
            raise GotThrough(f"it was answered, and yet written to {', '.join(changed)}")
        return answer

    def once(self, acts: Iterable[Callable[[], Any]], code: str | Iterable[str]) -> int:
        """Do all at once, each in a thread: exactly one is done, the others are refused with `code`. Returns which."""
        wanted = (code,) if isinstance(code, str) else tuple(code)
        answers = at_once(acts)
        done = [n for n, a in enumerate(answers) if not a.code]
        self.codes += [a.code for a in answers if a.code]
        if len(done) != 1 or any(a.code not in wanted for a in answers if a.code):
            raise GotThrough(f"of {len(answers)} at once {len(done)} were done; the others: {[a.code for a in answers if a.code]}")
        return done[0]

    def must(self, true: bool, otherwise: str) -> None:
        if not true:
            raise GotThrough(otherwise)

    # --- how it stands --------------------------------------------------------------------------------------------------

    @property
    def loan(self) -> loans.LoanView:
        return loans.loan(draw_id=self.stage.draw, viewer=SYSTEM)

    @property
    def title(self) -> titles.TitleView:
        return titles.title(title_id=self.stage.title, viewer=SYSTEM)

    @property
    def payment(self) -> payments.PaymentView:
        return payments.payment(payment_id=self.stage.payment, viewer=SYSTEM)

    @property
    def pledges(self) -> list[titles.PledgeView]:
        """Those that are in force."""
        return [p for p in self.title.pledges if p.ended_at is None]

    def still_pledged(self) -> None:
        """The bank's security is whole: pledged to it, for all of the goods, and to nobody else."""
        pledges = self.pledges
        mine = [p for p in pledges if p.pledgee.id == self.cast.bank.id]
        self.must(len(pledges) == 1 and len(mine) == 1 and mine[0].quantity == self.title.quantity, "the bank's pledge is not whole")

    # --- how it ends ----------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Play the rest; then the payment is credited, the loan repaid, the document given up, and the goods are out."""
        self.play(story.NAMES[-1])
        self.must(self.payment.state == "CREDITED", f"the payment is {self.payment.state} in the end")
        self.ended()

    def ended(self) -> None:
        """The loan is repaid and the document given up."""
        loan, title = self.loan, self.title
        self.must((loan.state, loan.owed.total) == ("REPAID", 0), f"the loan is {loan.state} in the end")
        self.must(not self.pledges and title.state == "DELIVERED", f"the title is {title.state} in the end")

    def pay_back_and_finish(self) -> None:
        """The payment helped nobody: the exporter repays from its account, the bank releases, and the goods go on."""
        bank, exporter = self.cast.officer, self.cast.exporter
        lending.receive_deposit(line_id=self.stage.line, amount=self.stage.shipment.invoiced, reference="own money", origin=self.by(bank))
        lending.repay(draw_id=self.stage.draw, origin=self.by(exporter))
        lending.check_arrival(draw_id=self.stage.draw, origin=self.by(self.cast.second))
        self.played = "repaid"
        self.play(story.NAMES[-1])
        self.ended()

    def pay_anew_and_finish(self) -> None:
        """The payment went back; the importer's bank pays as it should, and the story goes on from there."""
        self.stage = Again(self.stage.cast, self.stage.shipment, self.stage.deal_day, self.stage.attempt + 1)
        self.played = "nights"
        self.finish()


# --- means ----------------------------------------------------------------------------------------------------------------


def tried(act: Callable[[], Any]) -> Answer:
    try:
        return Answer(act())
    except Refusal as refusal:
        return Answer(code=refusal.code, words=f"{refusal.code} {refusal.facts or ''}")


def at_once(acts: Iterable[Callable[[], Any]]) -> list[Answer]:
    """Each act in a thread and a connection of its own, begun together."""
    acts = list(acts)
    start = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Answer:
        try:
            with connection.cursor() as cursor:  # connected before it begins
                cursor.execute("SELECT 1")
            start.wait(timeout=60)
            return tried(act)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def killed(act: Callable[[], Any], after: int) -> bool:
    """Do an act in a process of its own that is killed (SIGKILL) after so many statements; whether it lived to be killed.

    A process that ends its act before that many statements is killed right after its commit, before anybody hears of it.
    """
    connections.close_all()
    child = os.fork()
    if not child:
        try:
            connection.execute_wrappers.append(_Deadly(after))
            act()
        finally:
            os.kill(os.getpid(), SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == SIGKILL


class _Deadly:
    """Counts the statements of a connection, and kills its process after the last."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        self.left -= 1
        if self.left <= 0:
            os.kill(os.getpid(), SIGKILL)
        return result


class Counted:
    """Counts the statements of a connection."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.count += 1
        return execute(sql, params, many, context)


def rows(query: str, *given: Any) -> list[tuple[Any, ...]]:
    """What stands in the tables, whoever may see it."""
    with transaction.atomic(), acting(SYSTEM), connection.cursor() as cursor:
        cursor.execute(query, given)
        return list(cursor.fetchall())


_TABLES: Final = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT') ORDER BY c.relname"""


def state() -> dict[str, tuple[int, int]]:
    """Of every table how many rows there are, and a sum over all that stands in them."""
    with transaction.atomic(), acting(SYSTEM), connection.cursor() as cursor:
        cursor.execute(_TABLES)
        names = [name for (name,) in cursor.fetchall()]
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{n}', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM \"{n}\" t" for n in names
            )
        )
        return {name: (count, int(content)) for name, count, content in cursor.fetchall()}
