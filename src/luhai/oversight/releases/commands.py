"""Everything that can be done to a release."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection

from luhai.core.indicators.definitions import digest
from luhai.core.indicators.dimensions import DIMENSIONS
from luhai.core.indicators.disclosure import Why
from luhai.core.rules import queries as rules
from luhai.core.rules.business_days import calendar
from luhai.kernel.calendar import SHANGHAI
from luhai.kernel.money import EXPONENT, Currency
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, Refusal, gettext_noop
from luhai.oversight.statistics import queries as statistics
from luhai.oversight.statistics.indicators import INDICATORS
from luhai.oversight.statistics.policy import month_of
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from . import counting, history, policy
from .lifecycle import NEXT, OUT, STATE_NAMES, Action, Kind, State
from .linking import Counted, Vintage, decide
from .models import Cell, Count, Release

if TYPE_CHECKING:
    from luhai.core.indicators.engine import Cell as Computed

MEASURES = ("M11-06", "M22-04")
ENGINES = ("duckdb", "spark")
MAY = (Role.SUPERVISOR, Role.OPERATOR)
_MONEY = next(i for i, d in enumerate(DIMENSIONS) if d.name == "currency")


class ActionNotAllowed(Refusal):
    code = "releases.action_not_allowed"
    message = gettext_noop("The release %(release)s is in the state: %(state_name)s. This is not possible then.")


class AtWork(Refusal):
    code = "releases.at_work"
    message = gettext_noop("A release of %(month)s is planned or computed already; publish or discard it first.")


class AlreadyOut(Refusal):
    code = "releases.already_out"
    message = gettext_noop("%(month)s has a release already. Plan its final figures, or revise it with a reason.")


class NotOut(Refusal):
    code = "releases.not_out"
    message = gettext_noop("Nothing of %(month)s is published yet.")


class NotOver(Refusal):
    code = "releases.month_not_over"
    message = gettext_noop("%(month)s is not over; its figures can be computed after %(end)s.")


class OutOfOrder(Refusal):
    code = "releases.out_of_order"
    message = gettext_noop("Releases follow each other month by month; the next that can be computed is %(next)s.")


class UnderEmbargo(Refusal):
    code = "releases.under_embargo"
    message = gettext_noop("The release %(release)s is under embargo until %(until)s.")


class SamePerson(Refusal):
    code, status = "releases.same_person", 403
    message = gettext_noop("Whoever computed a release does not publish it; another person must.")


class WouldDisclose(Refusal):
    code = "releases.would_disclose"
    message = gettext_noop(
        "%(count)s figures could be worked out from what was published before, whatever this release withholds. It is deferred."
    )


class NoEngine(Refusal):
    code = "releases.no_engine"
    message = gettext_noop("The engine %(engine)s is not there: %(problem)s")


# ------------------------------------------------------------------------------------------------ planning


@command(may=MAY)
def plan_release(*, month: str, kind: str = Kind.PROVISIONAL, day: date | None = None, origin: Origin) -> UUID:
    """Put a release in the calendar; return its id.

    Who:     supervisors and the operator.
    Units:   `month` as "2026-03". `kind` PROVISIONAL (the first of its month) or FINAL (once). `day`: when it is due; left out, as many working
             days after the month, or after the months until figures are final, as the parameters of that month say.
    Writes:  one Release, PLANNED; its embargo ends at nine in the morning of its day, in China.
    Refuses: Invalid (month, kind, day), AtWork, AlreadyOut, NotOut.
    Source:  parameters statistics.release_after, statistics.final_after.
    """
    first = month_of(month, "month")
    if kind not in {Kind.PROVISIONAL, Kind.FINAL}:
        raise Invalid(field="kind", problem=gettext_noop("PROVISIONAL or FINAL; a revision is asked for with its reason"))
    _alone()
    rows = _of(first)
    out = [r for r in rows if r.state in OUT]
    if (kind == Kind.PROVISIONAL and out) or any(r.kind == Kind.FINAL for r in out):
        raise AlreadyOut(month=month)
    if kind == Kind.FINAL and not out:
        raise NotOut(month=month)
    known = rules.parameters(viewer=SYSTEM)
    end = policy.month_end(first)
    due = day or policy.due(
        first, Kind(kind), calendar(), after=known.value(policy.RELEASE_AFTER, end).in_unit("working_days"),
        final=known.value(policy.FINAL_AFTER, end).in_unit("months"),
    )  # fmt: skip
    return _planned(first, Kind(kind), due, rows, origin)


@command(may=MAY)
def revise_release(*, month: str, reason: str, changed: str, day: date | None = None, origin: Origin) -> UUID:
    """Plan a new vintage of a month that is out, because its figures must change; return the new release's id.

    Who:     supervisors and the operator.
    Units:   `reason` says why, `changed` what changes, in words that are published with it. `day`: left out, the day of asking.
    Writes:  one Release, PLANNED, of the kind REVISED.
    Refuses: Invalid (month, reason, changed, day), AtWork, NotOut.
    Source:  统计法实施条例 art. 26, 27 (revised figures are published again, with their basis and an explanation).
    """
    first = month_of(month, "month")
    for field, text, most in (("reason", reason, 500), ("changed", changed, 2000)):
        if not 1 <= len(text.strip()) <= most:
            raise Invalid(field=field, problem=gettext_noop("says why the figures change, and what changes, in words"))
    _alone()
    rows = _of(first)
    if not any(r.state == State.PUBLISHED for r in rows):
        raise NotOut(month=month)
    due = day or origin.at.astimezone(SHANGHAI).date()
    return _planned(first, Kind.REVISED, due, rows, origin, reason=reason.strip(), changed=changed.strip())


def _planned(first: date, kind: Kind, due: date, rows: list[Release], origin: Origin, *, reason: str = "", changed: str = "") -> UUID:
    if any(r.state in {State.PLANNED, State.COMPUTED} for r in rows):
        raise AtWork(month=f"{first:%Y-%m}")
    if due <= policy.month_end(first):
        raise Invalid(field="day", problem=gettext_noop("a day after the end of the month"))
    row = Release.objects.create(
        month=first, vintage=max((r.vintage for r in rows), default=0) + 1, kind=kind, due=due, embargo_until=policy.embargo(due),
        reason=reason, changed=changed, planned_at=origin.at, planned_by=origin.actor.person_id,
    )  # fmt: skip
    record("releases.planned", row.pk, measures=MEASURES, month=f"{first:%Y-%m}", vintage=row.vintage, figures=kind, due=due, reason=reason)
    return row.pk


# ------------------------------------------------------------------------------------------------ computing


@command(may=MAY)
def compute_release(*, release_id: UUID, engine: str = "duckdb", origin: Origin) -> dict[str, Any]:
    """Count all figures of a release, decide what it withholds, and freeze it under its embargo.

    Who:     supervisors and the operator.
    Units:   `engine` "duckdb" (in this process) or "spark"; both count the same. Answers position, cells, withheld and digest.
    Writes:  Cells, without numbers where withheld; Counts; the release's position, digests and state, once.
    Refuses: Absent, ActionNotAllowed, NotOver, OutOfOrder, Invalid (engine), NoEngine, WouldDisclose.
    Source:  统计法 (2024) art. 28; domain notes on oversight §1.6; docs/decisions/0057-disclosure-control.md.
    """
    if engine not in ENGINES:
        raise Invalid(field="engine", problem=gettext_noop("duckdb or spark"))
    _alone()
    row = _locked(release_id, Action.COMPUTE)
    month, end = row.month, policy.month_end(row.month)
    if origin.at.astimezone(SHANGHAI).date() <= end:
        raise NotOver(month=f"{month:%Y-%m}", end=f"{end}")
    with as_system():
        old = history.frozen()
        _in_order(old, month)
        same, before, after = _newest(old, month), _newest(old, policy.following(month, -1)), _newest(old, policy.following(month))
        basis = basis_on(end)
        position = statistics.position()
        counted = _counted(row, engine, position, same, before, after)
        fresh = Vintage(
            str(row.pk), f"{month:%Y-%m}", position, {(c.indicator, c.key): _plain(c) for c in counted}, None,
            *(str(r.pk) if r else "" for r in (same, before, after)),
        )  # fmt: skip
        decision = decide(history.vintages(old), fresh, list(INDICATORS.values()), basis.rule)
        if decision.open:
            raise WouldDisclose(count=len(decision.open))
        cells = _write(row, counted, decision.withheld)
    row.position, row.engine, row.same, row.before, row.after = position, engine, same, before, after
    row.definitions, row.parameters, row.rules = policy.definitions_digest(INDICATORS.values()), basis.digest, basis.cited
    row.digest, row.cells, row.withheld = policy.cells_digest(map(_line, cells)), len(cells), sum(c.why != Why.FREE for c in cells)
    row.state, row.computed_at, row.computed_by = NEXT[State(row.state), Action.COMPUTE], origin.at, origin.actor.person_id
    row.save()
    told = {"position": position, "cells": row.cells, "withheld": row.withheld, "digest": row.digest}
    record(
        "releases.computed", row.pk, measures=MEASURES, rules=basis.cited, month=f"{month:%Y-%m}", vintage=row.vintage, engine=engine,
        definitions=row.definitions, parameters=row.parameters, **told,
    )  # fmt: skip
    return told


def basis_on(day: date) -> policy.Basis:
    """The parameters of disclosure control on a day."""
    known = rules.parameters(viewer=SYSTEM)
    found = {key: known.value(key, day) for key in policy.PARAMETERS}
    return policy.Basis({key: (int(v.value), v.valid_from) for key, v in found.items()})


def _in_order(old: list[Release], month: date) -> None:
    """Every month is tied to the one before it: a gap would be filled later by figures that were never looked at together."""
    months = {r.month for r in old}
    if months and not min(months) <= month <= policy.following(max(months)):
        raise OutOfOrder(next=f"{policy.following(max(months)):%Y-%m}")


def _newest(old: list[Release], month: date) -> Release | None:
    return max((r for r in old if r.month == month), key=lambda r: r.vintage, default=None)


def _counted(
    row: Release, engine: str, position: int, same: Release | None, before: Release | None, after: Release | None
) -> list[Computed]:  # fmt: skip
    from luhai.core.indicators.engine import EngineMissing

    try:
        return counting.count(
            engine, statistics.files(position), row.month, position, list(INDICATORS.values()),
            same=same.position if same else None, before=before.position if before else None, after=after.position if after else None,
        )  # fmt: skip
    except EngineMissing as problem:
        raise NoEngine(engine=engine, problem=str(problem)) from None


def _plain(cell: Computed) -> Counted:
    return Counted(
        cell.indicator, cell.key, cell.value or 0, cell.numerator, cell.denominator, cell.contributors, cell.largest, cell.second
    )


def _write(row: Release, counted: list[Computed], withheld: Any) -> list[Cell]:
    Count.objects.bulk_create(
        (
            Count(
                release=row, name=c.indicator, key=list(c.key), printed=c.indicator in INDICATORS, opening=c.opening, added=c.added, taken=c.taken,
                numerator=c.numerator, denominator=c.denominator, value=c.value, count=c.count, contributors=c.contributors, largest=c.largest,
                second=c.second, first=c.first, last=c.last,
            )
            for c in counted
        ),
        batch_size=1_000,
    )  # fmt: skip
    cells = []
    for c in counted:
        what = INDICATORS.get(c.indicator)
        if what is None:
            continue
        why = withheld.get((c.indicator, c.key), Why.FREE)
        money = what.unit == "minor"
        cells.append(
            Cell(
                release=row, indicator=c.indicator, key=list(c.key), value=c.value if why is Why.FREE else None, why=why, method=digest(what),
                unit=c.key[_MONEY] if money else what.unit, decimals=EXPONENT[Currency(c.key[_MONEY])] if money else what.decimals,
            )
        )  # fmt: skip
    Cell.objects.bulk_create(cells, batch_size=1_000)
    return cells


def _line(cell: Cell) -> tuple[Any, ...]:
    return cell.indicator, list(cell.key), None if cell.value is None else int(cell.value), str(cell.why), cell.method


# ------------------------------------------------------------------------------------------------ publishing


@command(may=MAY)
def publish_release(*, release_id: UUID, origin: Origin) -> UUID:
    """Show a computed release to everybody; the month's earlier vintage is superseded and stays readable. Return its id.

    Who:     supervisors and the operator: another person than who computed it.
    Writes:  the release's state and who published it; the state of the vintage before.
    Refuses: Absent, ActionNotAllowed, UnderEmbargo, SamePerson.
    Source:  统计法实施条例 art. 26, 27.
    """
    _alone()
    row = _locked(release_id, Action.PUBLISH)
    if origin.at < row.embargo_until:
        raise UnderEmbargo(release=_name(row), until=_told(row.embargo_until))
    if origin.actor.person_id == row.computed_by:
        raise SamePerson(release=_name(row))
    for older in Release.objects.select_for_update().filter(month=row.month, state=State.PUBLISHED):
        older.state = NEXT[State.PUBLISHED, Action.SUPERSEDE]
        older.save(update_fields=["state"])
    row.state, row.published_at, row.published_by = NEXT[State.COMPUTED, Action.PUBLISH], origin.at, origin.actor.person_id
    row.save(update_fields=["state", "published_at", "published_by"])
    record(
        "releases.published", row.pk, measures=MEASURES, rules=row.rules, month=f"{row.month:%Y-%m}", vintage=row.vintage, figures=row.kind,
        digest=row.digest, reason=row.reason, changed=row.changed,
    )  # fmt: skip
    return row.pk


@command(may=MAY)
def discard_release(*, release_id: UUID, reason: str, origin: Origin) -> UUID:
    """Take a release that was never shown out of the calendar; return its id. Its numbers stay for those who oversee.

    Who:     supervisors and the operator.
    Writes:  the release's state and reason.
    Refuses: Absent, ActionNotAllowed, Invalid (reason).
    """
    if not 1 <= len(reason.strip()) <= 500:
        raise Invalid(field="reason", problem=gettext_noop("says why, in at most 500 characters"))
    _alone()
    row = _locked(release_id, Action.DISCARD)
    row.state, row.reason = NEXT[State(row.state), Action.DISCARD], reason.strip()
    row.save(update_fields=["state", "reason"])
    record("releases.discarded", row.pk, measures=MEASURES, month=f"{row.month:%Y-%m}", vintage=row.vintage, reason=row.reason)
    return row.pk


# ------------------------------------------------------------------------------------------------ shared


def _alone() -> None:
    """One at a time: what a release may show depends on all that were frozen before it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('luhai.releases', 7))")


def _of(month: date) -> list[Release]:
    return list(Release.objects.select_for_update().filter(month=month).order_by("vintage"))


def _locked(release_id: UUID, action: Action) -> Release:
    row = Release.objects.select_for_update().filter(pk=release_id).first()
    if row is None:
        raise Absent(kind="release")
    if (State(row.state), action) not in NEXT:
        raise ActionNotAllowed(release=_name(row), state_name=STATE_NAMES[State(row.state)], state=row.state)
    return row


def _name(row: Release) -> str:
    return policy.name(row.month, row.vintage)


def _told(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
