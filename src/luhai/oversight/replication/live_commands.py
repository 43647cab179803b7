"""What puts a package in force in a territory, counts what goes on under it, and takes it out of force again.

Going live is one transaction: the measure in the register of policies, the scene of checks, the parameters and the product that they open
begin on one day, or nothing does. Everything is dated, so decisions that were made before stand.
Locks: the adoption's row first (of a tally: the reader's, then the adoption's); then policies, parameters and scenes, each by its own subject.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import IntegrityError, transaction
from django.db.models import F

from luhai.core.policies import commands as policies
from luhai.core.policies import queries as library
from luhai.core.rules import commands as rules
from luhai.core.rules import queries as parameters
from luhai.core.rules import rates
from luhai.kernel.money import Currency, Money
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Invalid, NotEntitled, Refusal, gettext_noop
from luhai.settlement.checks import commands as checks
from luhai.shell import journal
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from . import queries
from .commands import (
    InForce,
    SamePerson,
    _territory,
    _text,
    _to_set,
    advanced,
    free,
    locked,
    move,
    note,
    require,
    standing,
    step,
)
from .lifecycle import Act, State
from .models import Adoption, Reader, Tally
from .packages import Package, decimal

#: What is read of the journal for tallies.
KINDS: Final = ("payments.checked", "payments.credited")
BATCH: Final = 2_000


class TooSoon(Refusal):
    code = "replication.too_soon"
    message = gettext_noop("It goes live on %(starts_on)s.")


class NotAsked(Refusal):
    code = "replication.not_asked"
    message = gettext_noop("Nobody has asked to roll it back.")


# --- live ---------------------------------------------------------------------------------------------------------------


@command(may=[Role.PROVINCE, Role.SUPERVISOR])
def go_live(*, adoption_id: UUID, origin: Origin) -> UUID:
    """Put a granted package in force from today; return the adoption's id. The system does it on the first day.

    Who:     an official of the territory, a supervisor, or the system; not before the first day that was granted.
    Writes:  in one transaction the Adoption; the measure: in force; the scene; the parameters; on the last day's morrow the parameters as
             they were, if there is a last day. From now on institutions of the territory may draft the package's product, and products that
             rest on the measure match companies there.
    Refuses: Absent, NotEntitled, ActNotAllowed, TooSoon, NotEligible (one of the three conditions no longer holds), InForce; what policies,
             rules and checks refuse. Then nothing is in force.
    Source:  article 23; measures M14-06, M23-02.
    """
    row, p = locked(adoption_id)
    _either(row, origin)
    state = advanced(row.state, Act.GO_LIVE)
    today = queries.day_of(origin.at)
    if today < row.starts_on:
        raise TooSoon(starts_on=row.starts_on.isoformat())
    if row.ends_on is not None and row.ends_on < today:
        raise Invalid(field="ends_on", problem=gettext_noop("a day that has not passed"))
    require(row, p, today, approval=True)
    free(row, p, today)
    before = row.state
    used = _begin(row, p, state, today, origin)
    note(row, Act.GO_LIVE, before, origin, {"live_from": today, "parameters": used})
    record(
        "replication.live", row.pk, measures=[*p.measures], rules=[f"package:{p.key}", p.scene, *(f"{k}@{today.isoformat()}" for k in used)],
        territory=row.territory, package=p.key, live_from=today, ends_on=row.ends_on, instrument_no=row.instrument_no,
    )  # fmt: skip
    return row.pk


def _begin(row: Adoption, p: Package, state: State, today: date, origin: Origin) -> dict[str, str]:
    """The row, the measure, the parameters and the scene, from today. Answers which parameters were set."""
    over = row.ends_on + timedelta(days=1) if row.ends_on else None
    try:
        with transaction.atomic():
            row.live_from, row.until, row.state, row.changed_at = today, over, state.value, origin.at
            row.save(update_fields=["live_from", "until", "state", "changed_at"])
    except IntegrityError:  # another adoption of the same scene stands there
        raise InForce(scene=p.scene_key, territory=row.territory) from None
    step(row, p, "in_force", today, origin, until=row.ends_on)
    wanted = _to_set(row, p, today)
    before = _values(p, row.territory, today)
    for key, value in wanted.items():
        _set(row, key, value, today, origin)
        if over is not None:
            _set(row, key, before[key], over, origin)
    checks.begin_scene(scene=p.scene, territory=row.territory, valid_from=today, valid_to=over, origin=origin)
    return wanted


def _values(p: Package, territory: str, day: date) -> dict[str, str]:
    known = parameters.parameters(viewer=SYSTEM)
    return {s.key: str(known.value(s.key, day, territory).value) for s in p.settings}


def _set(row: Adoption, key: str, value: str, day: date, origin: Origin) -> None:
    rules.override_parameter(
        key=key, territory=row.territory, value=value, valid_from=day, document=row.instrument_no or row.package, article="",
        origin=origin.child(f"{key} {day.isoformat()}"),
    )  # fmt: skip


@command(may=[Role.OPERATOR])
def enter(
    *, adoption_id: UUID, package: str, territory: str, instrument_no: str, approver: str, scope: str, invented: bool, origin: Origin
) -> UUID:  # fmt: skip
    """Enter that a package is live where it is so already, without its way there; return the adoption's id.

    Who:     the operator taking over a register, or the demo (then `invented`): first of all a package at its origin.
    Writes:  the Adoption, live from today; the measure, entered in force unless it is; the scene and parameters.
    Refuses: NoPackage, Invalid (names the field), InForce, policies.* (the measure stands otherwise in the register).
    """
    p = queries.named(package)
    _territory(territory)
    for field, text, longest in (("instrument_no", instrument_no, 120), ("approver", approver, 200), ("scope", scope, 500)):
        _text(field, text, longest)
    today = queries.day_of(origin.at)
    if today < p.valid_from:
        raise Invalid(field="package", problem=gettext_noop("a package whose first day has come"))
    if Adoption.objects.filter(pk=adoption_id).exists():
        raise Invalid(field="adoption_id", problem=gettext_noop("an id that was never used"))
    row = Adoption(
        pk=adoption_id, package=p.id, version=p.version, digest=p.digest, scene=p.scene_key, measure=p.measure, territory=territory,
        state=State.LIVE.value, overrides={}, starts_on=today, drafted_by=origin.actor.person_id, instrument_no=instrument_no.strip(),
        approver=approver.strip(), scope=scope.strip(), granted_on=today, live_from=today, entered=True, invented=invented,
        changed_at=origin.at,
    )  # fmt: skip
    free(row, p, today)
    if not library.in_force(p.measure, territory, today):
        policies.enter_adoption(
            measure=p.measure, territory=territory, status="in_force", valid_from=today, until=None, instrument_no=row.instrument_no,
            approver=row.approver, scope=row.scope, invented=invented, origin=origin.child("policies"),
        )  # fmt: skip
    wanted = _to_set(row, p, today)
    if wanted:  # at its origin the package's parameters are those of the platform; the operator sets none
        raise Invalid(field="package", problem=f"one whose parameters stand there already; {', '.join(wanted)} do not")
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise InForce(scene=p.scene_key, territory=territory) from None
    checks.begin_scene(scene=p.scene, territory=territory, valid_from=today, origin=origin)
    note(row, Act.ENTER, None, origin, {"instrument_no": row.instrument_no})
    record(
        "replication.entered", row.pk, measures=[*p.measures], rules=[f"package:{p.key}", p.scene], territory=territory, package=p.key,
        invented=invented,
    )  # fmt: skip
    return row.pk


# --- out of force -------------------------------------------------------------------------------------------------------


@command(may=[Role.PROVINCE, Role.SUPERVISOR])
def ask_roll_back(*, adoption_id: UUID, day: date, reason: str, origin: Origin) -> UUID:
    """Ask to take a package out of force from a day on; return the adoption's id. Nothing changes before another person agrees.

    Who:     an official of the territory, or a supervisor.
    Units:   `day` the first day without it: today or later, and after its first day, since a day's rules do not change twice.
    Writes:  the request on the Adoption; a newer one takes its place.
    Refuses: Absent, NotEntitled, ActNotAllowed, Invalid (day, reason).
    """
    row, p = locked(adoption_id)
    _either(row, origin)
    state = advanced(row.state, Act.ASK_ROLL_BACK)
    _text("reason", reason, 500)
    assert row.live_from is not None, row.pk
    earliest = max(queries.day_of(origin.at), row.live_from + timedelta(days=1))
    if day < earliest or (row.ends_on is not None and day > row.ends_on):
        raise Invalid(field="day", problem=f"a day from {earliest.isoformat()}" + (f" to {row.ends_on.isoformat()}" if row.ends_on else ""))
    row.back_asked_by, row.back_from, row.back_reason = origin.actor.person_id, day, reason.strip()
    move(row, Act.ASK_ROLL_BACK, state, origin, {"day": day, "reason": reason.strip()})
    record("replication.roll_back_asked", row.pk, measures=[*p.measures], territory=row.territory, day=day, reason=reason.strip())
    return row.pk


@command(may=[Role.PROVINCE, Role.SUPERVISOR])
def roll_back(*, adoption_id: UUID, origin: Origin) -> UUID:
    """Take a package out of force from the day that another person asked for; return the adoption's id.

    Who:     an official of the territory or a supervisor, another person than who asked.
    Writes:  in one transaction the Adoption; the scene ends; the measure: suspended, so that contracts go on and no new one begins; the
             parameters as they were before it was live. Verdicts that were given stand.
    Refuses: Absent, NotEntitled, ActNotAllowed, NotAsked, SamePerson, Invalid (day: it has passed; ask again).
    """
    row, p = locked(adoption_id)
    _either(row, origin)
    state = advanced(row.state, Act.ROLL_BACK)
    if row.back_from is None:
        raise NotAsked()
    if row.back_asked_by == origin.actor.person_id:
        raise SamePerson()
    if row.back_from < queries.day_of(origin.at):
        raise Invalid(field="day", problem=gettext_noop("today or later; ask again for a day that has not passed"))
    if row.state == State.LIVE:
        _withdraw(row, p, row.back_from, origin)
    row.back_by = origin.actor.person_id
    move(row, Act.ROLL_BACK, state, origin, {"from": row.until, "reason": row.back_reason})
    record(
        "replication.rolled_back", row.pk, measures=[*p.measures], rules=[f"package:{p.key}", p.scene], territory=row.territory,
        until=row.until, reason=row.back_reason,
    )  # fmt: skip
    return row.pk


@command(may=[Role.SUPERVISOR])
def stop(*, adoption_id: UUID, reason: str, origin: Origin) -> UUID:
    """Stop a live package from tomorrow; return the adoption's id. It does not begin again: it is rolled back, or adopted anew.

    Who:     a supervisor alone, or the system when a limit is passed: what only forbids waits for nobody.
    Writes:  as `roll_back`, from tomorrow.
    Refuses: Absent, ActNotAllowed, Invalid (reason).
    """
    row, p = locked(adoption_id)
    state = advanced(row.state, Act.STOP)
    _text("reason", reason, 500)
    tomorrow = queries.day_of(origin.at) + timedelta(days=1)
    _withdraw(row, p, tomorrow, origin)
    move(row, Act.STOP, state, origin, {"from": tomorrow, "reason": reason.strip()})
    record(
        "replication.stopped", row.pk, measures=["M19-05", *p.measures], rules=[f"package:{p.key}"], territory=row.territory, until=tomorrow,
        reason=reason.strip(),
    )  # fmt: skip
    return row.pk


def _withdraw(row: Adoption, p: Package, day: date, origin: Origin) -> None:
    """From a day on: no scene, no new business under the measure, the parameters as they were the day before it was live."""
    if row.until is None or day < row.until:
        with suppress(checks.SceneNotInForce):  # somebody who oversees withdrew it by hand; the rest of the package still has to end
            checks.end_scene(scene=p.scene, territory=row.territory, valid_to=day, origin=origin)
    if standing(row) in ("in_force", "evaluated", "extended", "piloting"):  # else a supervisor suspended it by hand
        step(row, p, "suspended", day, origin, reason=row.back_reason)
    assert row.live_from is not None, row.pk
    was, now = _values(p, row.territory, row.live_from - timedelta(days=1)), _values(p, row.territory, day)
    for key, value in was.items():
        # What the territory set by itself since then is not touched.
        if decimal(now[key]) != decimal(value) and decimal(now[key]) == decimal(_adopted(row, p, key)):
            _set(row, key, value, day, origin)
    row.until = day


def _adopted(row: Adoption, p: Package, key: str) -> str:
    setting = p.setting(key)
    assert setting is not None, key
    return str(row.overrides.get(key, setting.default))


@command(may=[])
def end(*, adoption_id: UUID, origin: Origin) -> UUID:
    """Note that the last day of an adoption is over; return its id. Scene and parameters ended by their own days.

    Who:     the system, every hour.
    Writes:  the Adoption; the measure: ended.
    Refuses: Absent, ActNotAllowed, TooSoon.
    """
    row, p = locked(adoption_id)
    state = advanced(row.state, Act.END)
    today = queries.day_of(origin.at)
    if row.ends_on is None or row.ends_on >= today:
        raise TooSoon(starts_on=row.starts_on.isoformat())
    if standing(row) != "ended":
        step(row, p, "ended", today, origin)
    move(row, Act.END, state, origin, {"until": row.until})
    record("replication.ended", row.pk, measures=[*p.measures], territory=row.territory, until=row.until)
    return row.pk


def _either(row: Adoption, origin: Origin) -> None:
    """An official of the territory, or somebody who oversees it."""
    if origin.actor.role == Role.PROVINCE and origin.actor.territory != row.territory:
        raise NotEntitled(who=gettext_noop("officials of the territory"))


# --- watched ------------------------------------------------------------------------------------------------------------


@command(may=[])
def watch(*, limit: int = BATCH, origin: Origin) -> dict[str, Any]:
    """Read the sealed journal on, and count what went on under each adoption; stop those that passed their monthly limit.

    Answers `position`, `events`, `stopped` (adoptions) and `more`.
    Who:     the system, every ten minutes.
    Writes:  Tallies and the Reader's position in one transaction, so that an event is counted once; what `stop` writes.
    Refuses: Invalid (limit).
    Source:  measures M14-06, M19-05; limits of the package.
    """
    if not 1 <= limit <= journal.BATCH_MAX:
        raise Invalid(field="limit", problem="from 1 to 10000 events")
    reader = Reader.objects.select_for_update().get(name="tally")
    events = journal.events_after(reader.position, kinds=KINDS, limit=limit)
    if len(events) == limit and events[0].position != events[-1].position:  # an entry that the limit cuts through is read next time
        events = [e for e in events if e.position < events[-1].position]
        more = True
    else:
        more = False
    with as_system():
        begun: dict[tuple[str, str], list[Adoption]] = defaultdict(list)
        for one in Adoption.objects.filter(live_from__isnull=False).order_by("-live_from"):
            begun[one.scene, one.territory].append(one)
    counted: dict[tuple[UUID, date], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for event in events:
        day = queries.day_of(event.at)
        for scene in _under(event):
            here = begun.get((scene, queries.corridor(event.data.get("territory"))), [])
            # The journal may be read late: what was done before a newer adoption counts for the one before it.
            row = next((r for r in here if r.live_from is not None and r.live_from <= day), None)
            if row is None:
                continue
            tally = counted[row.pk, day.replace(day=1)]
            if event.kind == "payments.checked":
                tally["checked"] += 1
                tally["blocked"] += event.data.get("verdict") == "blocked"
                continue
            tally["credited"] += 1
            worth = _worth(event.data, queries.named(f"{row.package}@{row.version}").limits.currency, day)
            tally["unconverted" if worth is None else "credited_minor"] += 1 if worth is None else worth
    for (adoption_id, month), tally in counted.items():
        Tally.objects.get_or_create(adoption_id=adoption_id, month=month)
        Tally.objects.filter(adoption_id=adoption_id, month=month).update(**{name: F(name) + n for name, n in tally.items()})
    if events:
        reader.position = events[-1].position
        reader.save(update_fields=["position"])
        record("replication.watched", "tally", measures=["M14-06"], position=reader.position, events=len(events))
    stopped = [_stop_if_over(adoption_id, month, origin) for adoption_id, month in sorted(counted, key=str)]
    return {"position": reader.position, "events": len(events), "stopped": [str(s) for s in stopped if s], "more": more}


def _under(event: journal.Event) -> list[str]:
    """The scenes by which a payment was judged, as the event told it then; older events tell of none."""
    return sorted({str(v).partition("@")[0] for v in event.data.get("scenes") or ()})


def _worth(data: dict[str, Any], into: Currency, day: date) -> int | None:
    """What was credited, in the currency of the limit; None where no rate is known."""
    minor, currency = data.get("value_minor"), data.get("value_currency")
    if type(minor) is not int or currency not in list(Currency):
        return None
    if currency == into:
        return minor
    try:
        return rates.reference(Currency(currency), into, day).convert(Money(minor, Currency(currency))).minor
    except Refusal:
        return None


def _stop_if_over(adoption_id: UUID, month: date, origin: Origin) -> UUID | None:
    with as_system():
        row = Adoption.objects.filter(pk=adoption_id, state=State.LIVE.value).first()
        tally = Tally.objects.get(adoption_id=adoption_id, month=month)
    if row is None or tally.credited_minor <= queries.named(f"{row.package}@{row.version}").limits.monthly_minor:
        return None
    reason = f"the limit of {month:%Y-%m} was passed"
    return stop(adoption_id=adoption_id, reason=reason, origin=origin.child(f"stop {adoption_id}"))


# --- for the jobs and the command line ----------------------------------------------------------------------------------


def keep(at: datetime) -> int:
    """Do what the day asks for, each adoption by a command of its own; return how many changed.

    One that is refused (a condition no longer holds) is in the journal and keeps none of the others. Keys come from the day, so a refusal
    is not tried again on the same day; an official may.
    """
    today = queries.day_of(at)
    due = queries.due(today)
    done = 0
    for name, act, ids in (("go_live", go_live, due.go_live), ("end", end, due.end)):
        for adoption_id in ids:
            try:
                act(adoption_id=adoption_id, origin=Origin(SYSTEM, _key(name, f"{adoption_id} {today.isoformat()}"), at))
                done += 1
            except Refusal:
                continue
    return done


def watch_all(at: datetime) -> int:
    """Count all that was sealed, one transaction a batch; return how many events that were."""
    events = batch = 0
    while queries.waiting():
        done = watch(origin=Origin(SYSTEM, _key("watch", f"{at.isoformat()} {batch}"), at))
        events += int(done["events"])
        batch += 1
    return events


def _key(act: str, what: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"luhai:replication.{act}:{what}")
