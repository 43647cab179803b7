"""Everything that can be asked of releases. What is printed is everybody's; what stands behind it is for those who oversee.

Nothing here computes a figure: what a reader puts together is a selection of printed cells, so that no question can be asked that the decision
on what is withheld did not look at (docs/decisions/0057-disclosure-control.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from luhai.core.indicators.definitions import Indicator, digest
from luhai.core.indicators.dimensions import BY_NAME, DIMENSIONS, NOT_STATED, TOTAL
from luhai.core.indicators.disclosure import Why
from luhai.core.parties import queries as parties
from luhai.core.rules import queries as rules
from luhai.core.rules.business_days import calendar as business_days
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent, Invalid, gettext_noop
from luhai.oversight.statistics import queries as statistics
from luhai.oversight.statistics import recount as counting_again
from luhai.oversight.statistics import recount_cubes
from luhai.oversight.statistics.indicators import INDICATORS
from luhai.oversight.statistics.policy import month_of
from luhai.shell import journal
from luhai.shell.api import cursor_of, ordinal, read_cursor
from luhai.shell.context import as_system
from luhai.shell.query import EVERYBODY, query

from . import counting, policy
from .lifecycle import FROZEN, OUT, Kind, State
from .models import Cell, Count, Release

OVERSEEING = (Role.SUPERVISOR, Role.OPERATOR)
Key = tuple[str, ...]
#: How many events of the journal one page of what is beneath a cell looks through at the most.
LOOKED_THROUGH: Final = 20_000
PAGE: Final = 5_000
#: How many observations one question answers at the most.
MOST: Final = 100_000


@dataclass(frozen=True, slots=True)
class FiguresRelease:
    """A release as the viewer may know it. Before it is out, others than those who oversee know only when it is due."""

    id: UUID
    name: str  # 2026-03.1
    month: str
    vintage: int
    kind: str
    state: str
    due: date
    embargo_until: datetime
    reason: str
    changed: str
    position: int | None
    engine: str
    definitions: str
    parameters: str
    rules: tuple[str, ...]
    digest: str
    cells: int
    withheld: int
    computed_at: datetime | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """A day of the calendar. `release` is None where a release is expected by the rules, but nobody planned it yet."""

    month: str
    kind: str
    due: date
    release: FiguresRelease | None


@dataclass(frozen=True, slots=True)
class Observation:
    """One printed figure. `value` in 10^-`decimals` of `unit`; None where it is withheld (`conf_status` says why) or missing.

    `key`: codes in the order of DIMENSIONS. `obs_status`: A normal, P provisional, M missing, Q suppressed. `conf_status`: F free, A small counts,
    O dominance by one, T by two, D to protect others. `method`: the digest of the definition.
    """

    release_id: UUID
    month: str
    vintage: int
    indicator: str
    key: Key
    value: int | None
    unit: str
    decimals: int
    obs_status: str
    conf_status: str
    published_at: datetime | None
    method: str
    comment: str


@dataclass(frozen=True, slots=True)
class Behind:
    """What was counted for a cell: for those who oversee."""

    opening: int
    added: int
    taken: int
    numerator: int
    denominator: int
    value: int | None
    count: int
    contributors: int
    largest: int
    second: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class CellView:
    """One cell with its formula, its vintage, its method's digest, its other vintages; and, for those who oversee, what stands behind it."""

    observation: Observation
    release: FiguresRelease
    indicator: Indicator
    method_holds: bool  # the definition is the same today
    vintages: tuple[Observation, ...]
    behind: Behind | None


@dataclass(frozen=True, slots=True)
class Event:
    """One event beneath a cell, as the journal has it. `amount` is signed as it counts there."""

    position: int
    index: int
    kind: str
    event_kind: str
    subject: str
    day: date
    amount: int
    currency: str
    country: str
    documented: bool
    bank_zh: str
    bank_en: str
    company_zh: str
    company_en: str


@dataclass(frozen=True, slots=True)
class Events:
    items: tuple[Event, ...]
    next: str


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure that a vintage shows otherwise than the one before."""

    indicator: str
    key: Key
    before: int | None
    after: int | None
    unit: str
    decimals: int


# --- releases and the calendar ------------------------------------------------------------------------------------------


@query(may=EVERYBODY)
def releases(*, month: str = "", viewer: Actor) -> tuple[FiguresRelease, ...]:
    """All releases, newest month and vintage first; of one month, if said. Discarded ones for those who oversee only. Refuses: Invalid (month)."""
    rows = Release.objects.order_by("-month", "-vintage")
    if month:
        rows = rows.filter(month=month_of(month, "month"))
    return tuple(_view(r, viewer) for r in rows)


@query(may=EVERYBODY)
def release(*, release_id: UUID, viewer: Actor) -> FiguresRelease:
    """One release. Refuses: Absent."""
    return _view(_release(release_id), viewer)


@query(may=EVERYBODY)
def calendar(*, viewer: Actor) -> tuple[Due, ...]:
    """What is due when, the next first; what is out stands with its day. Final figures nobody planned yet are expected by the rules."""
    rows = list(Release.objects.exclude(state=State.DISCARDED).order_by("due", "month", "vintage"))
    found = [Due(f"{r.month:%Y-%m}", r.kind, r.due, _view(r, viewer)) for r in rows]
    final = {r.month for r in rows if r.kind == Kind.FINAL}
    with as_system():
        known = rules.parameters(viewer=SYSTEM)
    for month in sorted({r.month for r in rows if r.state in OUT} - final):
        end = policy.month_end(month)
        after = known.value(policy.RELEASE_AFTER, end).in_unit("working_days")
        months = known.value(policy.FINAL_AFTER, end).in_unit("months")
        found.append(Due(f"{month:%Y-%m}", Kind.FINAL, policy.due(month, Kind.FINAL, business_days(), after=after, final=months), None))
    return tuple(sorted(found, key=lambda d: (d.due, d.month)))


@query(may=EVERYBODY)
def changes(*, release_id: UUID, viewer: Actor) -> tuple[FigureChange, ...]:
    """Which printed figures a vintage shows otherwise than the vintage of its month before it. Refuses: Absent."""
    row = _release(release_id)
    if row.same_id is None or (row.state not in OUT and not _oversees(viewer)):
        return ()
    old, new = (
        {(c.indicator, tuple(c.key)): c for c in Cell.objects.filter(release_id=pk)} for pk in (row.same_id, row.pk)
    )
    found = []
    for name, key in sorted({*old, *new}):
        a, b = old.get((name, key)), new.get((name, key))
        cell = b or a
        assert cell is not None
        values = [None if c is None or c.value is None else int(c.value) for c in (a, b)]
        if values[0] != values[1] or (a and a.why) != (b and b.why):
            found.append(FigureChange(name, key, values[0], values[1], cell.unit, cell.decimals))
    return tuple(found)


def _release(release_id: UUID) -> Release:
    row = Release.objects.filter(pk=release_id).first()
    if row is None:
        raise Absent(kind="release")
    return row


def _oversees(viewer: Actor) -> bool:
    return viewer.role in {Role.SYSTEM, *OVERSEEING}


def _view(r: Release, viewer: Actor) -> FiguresRelease:
    mine = r.state in OUT or _oversees(viewer)
    return FiguresRelease(
        r.pk, policy.name(r.month, r.vintage), f"{r.month:%Y-%m}", r.vintage, r.kind, r.state if mine else State.PLANNED, r.due,
        r.embargo_until, r.reason if mine else "", r.changed if mine else "", *((r.position, r.engine, r.definitions, r.parameters, tuple(r.rules), r.digest, r.cells, r.withheld,
        r.computed_at) if mine else (None, "", "", "", (), "", 0, 0, None)), r.published_at,
    )  # fmt: skip


# --- figures ------------------------------------------------------------------------------------------------------------


@query(may=EVERYBODY)
def published(
    *, indicators: Collection[str] = (), month_from: str = "", month_to: str = "", keys: Mapping[str, Collection[str]] | None = None,
    vintage: str = "latest", viewer: Actor,
) -> list[Observation]:  # fmt: skip
    """Printed figures of releases that are out, in the order of month, vintage, indicator and key. Anybody may look.

    Units:   months as "2026-03"; `keys`: by the name of a dimension (ours, or SDMX's) the codes to keep, `_T` the totals; `vintage`: "latest"
             the newest of each month, "all", or a number.
    Refuses: Absent (indicator), Invalid (month_from, month_to, keys, vintage; more than 100,000 figures).
    """
    rows = _out(vintage)
    for key in indicators:
        if key not in INDICATORS:
            raise Absent(kind="indicator", key=key)
    if indicators:
        rows = rows.filter(indicator__in=list(indicators))
    if month_from:
        rows = rows.filter(release__month__gte=month_of(month_from, "month_from"))
    if month_to:
        rows = rows.filter(release__month__lte=month_of(month_to, "month_to"))
    for name, codes in (keys or {}).items():
        place = _place(name)
        if unknown := [c for c in codes if c not in DIMENSIONS[place].codes and c not in {TOTAL, NOT_STATED}]:
            raise Invalid(field=f"keys.{name}", problem=f"codes of {DIMENSIONS[place].sdmx}, not {', '.join(unknown[:5])}")
        rows = rows.filter(**{f"key__{place}__in": list(codes)})
    found = [_observation(c) for c in rows.order_by("release__month", "release__vintage", "indicator", "key")[: MOST + 1]]
    if len(found) > MOST:
        raise Invalid(field="keys", problem=gettext_noop("fewer figures at once: at most 100,000"))
    return found


def _place(name: str) -> int:
    found = next((i for i, d in enumerate(DIMENSIONS) if name in {d.name, d.sdmx}), None)
    if found is None:
        raise Invalid(field="keys", problem=f"by dimension: {', '.join(BY_NAME)}; not {name[:40]}")
    return found


def _out(vintage: str) -> QuerySet[Cell]:
    rows = Cell.objects.select_related("release")
    if vintage == "latest":
        return rows.filter(release__state=State.PUBLISHED)
    if vintage == "all":
        return rows.filter(release__state__in=OUT)
    if vintage.isascii() and vintage.isdigit() and 0 < len(vintage) < 6:
        return rows.filter(release__state__in=OUT, release__vintage=int(vintage))
    raise Invalid(field="vintage", problem=gettext_noop("latest, all, or the number of a vintage"))


def _observation(c: Cell) -> Observation:
    r, value = c.release, None if c.value is None else int(c.value)
    return Observation(
        r.pk, f"{r.month:%Y-%m}", r.vintage, c.indicator, tuple(c.key), value, c.unit, c.decimals,
        policy.obs_status(r.kind, value=value, why=c.why), c.why, r.published_at, c.method, r.reason if r.kind == Kind.REVISED else "",
    )  # fmt: skip


@query(may=EVERYBODY)
def months(*, viewer: Actor) -> tuple[str, ...]:
    """The months that have a release that is out, in order."""
    return tuple(f"{m:%Y-%m}" for m in Release.objects.filter(state=State.PUBLISHED).order_by("month").values_list("month", flat=True))


@query(may=EVERYBODY)
def cell(*, release_id: UUID, indicator: str, key: Collection[str], viewer: Actor) -> CellView:
    """One cell of a release that is out; before that, for those who oversee. Refuses: Absent."""
    row = Cell.objects.select_related("release").filter(release_id=release_id, indicator=indicator, key=list(key)).first()
    if row is None or indicator not in INDICATORS:
        raise Absent(kind="figure")
    others = Cell.objects.select_related("release").filter(
        indicator=indicator, key=list(key), release__month=row.release.month, release__state__in=OUT
    )
    behind = None
    if _oversees(viewer):
        c = Count.objects.get(release_id=release_id, name=indicator, key=list(key))
        behind = Behind(
            int(c.opening), int(c.added), int(c.taken), int(c.numerator), int(c.denominator), None if c.value is None else int(c.value), c.count,
            c.contributors, int(c.largest), int(c.second), c.first, c.last,
        )  # fmt: skip
    what = INDICATORS[indicator]
    return CellView(
        _observation(row), _view(row.release, viewer), what, digest(what) == row.method,
        tuple(_observation(x) for x in others.order_by("-release__vintage")), behind,
    )  # fmt: skip


# --- beneath a cell -----------------------------------------------------------------------------------------------------


@query(may=OVERSEEING)
def beneath(*, release_id: UUID, indicator: str, key: Collection[str], cursor: str = "", limit: int = 50, viewer: Actor) -> Events:
    """The events under a cell of a release, in the order of the journal and up to the release's position, read from the journal itself.

    Who:     supervisors and the operator: an event tells of one company.
    Refuses: Absent, Invalid (cursor).
    """
    counted = Count.objects.select_related("release").filter(release_id=release_id, name=indicator, key=list(key), printed=True).first()
    if counted is None or indicator not in INDICATORS:
        raise Absent(kind="figure")
    what, wanted = INDICATORS[indicator], tuple(key)
    at, skip = read_cursor(cursor, ordinal, ordinal) or (counted.first - 1, 0)
    month = f"{counted.release.month:%Y-%m}"
    found: list[Event] = []
    looked, after = 0, at
    names: dict[UUID, tuple[str, str]] = {}
    while looked < LOOKED_THROUGH:
        page = [e for e in journal.events_after(after, limit=PAGE) if e.position <= counted.last]
        for event in page:
            if event.position == at + 1 and event.index < skip:
                continue
            fact, _good = counting_again.add(counting_again.Tally(), event)
            said: dict[str, Any] = dict(zip(counting_again.FIELDS, fact, strict=True)) if fact else {}
            if not said or not _counts(what, said, wanted, month):
                continue
            if len(found) == limit:
                return Events(tuple(found), cursor_of(event.position - 1, event.index))
            found.append(_event(what, said, names))
        looked += len(page)
        if len(page) < PAGE:
            return Events(tuple(found), "")
        after = page[-1].position
    return Events(tuple(found), cursor_of(after, 0))


def _counts(what: Indicator, said: Mapping[str, Any], key: Key, month: str) -> bool:
    """Whether a fact counts in a cell."""
    on = f"{said['day']:%Y-%m}"
    if said["kind"] not in what.kinds or (on > month if what.stock else on != month) or (what.documented and not said["documented"]):
        return False
    if what.weight and said[what.weight] is None:
        return False
    for dimension, code in zip(DIMENSIONS, key, strict=True):
        stated = said[dimension.column] if dimension.name == "currency" else dimension.stated(str(said[dimension.column]))
        if code not in {TOTAL, stated}:
            return False
    return True


def _event(what: Indicator, said: Mapping[str, Any], names: dict[UUID, tuple[str, str]]) -> Event:
    for party in (said["bank_id"], said["company_id"]):
        if party not in names:
            try:
                view = parties.party(party_id=party, viewer=SYSTEM)
                names[party] = (view.name_zh or view.name_en, view.name_en or view.name_zh)
            except Absent:
                names[party] = (str(party), str(party))
    return Event(
        said["position"], said["index"], said["kind"], said["event_kind"], said["subject"], said["day"],
        -said["amount"] if said["kind"] in what.minus else said["amount"], said["currency"], said["country"], said["documented"],
        *names[said["bank_id"]], *names[said["company_id"]],
    )  # fmt: skip


# --- is it right --------------------------------------------------------------------------------------------------------

_NUMBERS: Final = (
    "opening", "added", "taken", "numerator", "denominator", "value", "count", "contributors", "largest", "second", "first", "last",
)  # fmt: skip


@query(may=OVERSEEING)
def recount_all(*, viewer: Actor) -> dict[str, Any]:
    """Count every cell of every release again from the journal, each up to its own position, by the other way (`statistics/recount_cubes`).

    Answers `cells`, how many were compared, and `different`: each cell whose numbers are not what the journal says, that is missing or should
    not be there, or whose printed number is another than the counted one. Goes through the whole journal once.
    """
    from luhai.core.indicators.engine import CUBES

    with as_system():
        rows = list(Release.objects.filter(state__in=FROZEN).order_by("month", "vintage"))
        facts = list(statistics.again(max((r.position or 0 for r in rows), default=0)))
        cells, different = 0, []
        for row in rows:
            known = counting.month_end_rates(row.month, {i.into for i in INDICATORS.values() if i.into})
            upto = [f for f in facts if f[0] <= (row.position or 0)]
            wanted = recount_cubes.cells(upto, [f"{row.month:%Y-%m}"], CUBES, known)
            found, differ = _compared(row, {(name, key): c for (name, _m, key), c in wanted.items() if name in INDICATORS})
            cells += found
            different += differ
    return {"cells": cells, "different": different, "releases": len(rows), "facts": len(facts)}


def _compared(row: Release, wanted: dict[tuple[str, Key], Any]) -> tuple[int, list[dict[str, Any]]]:
    left, differ, cells = dict(wanted), [], 0
    printed = {(c.indicator, tuple(c.key)): c for c in Cell.objects.filter(release=row)}
    name = policy.name(row.month, row.vintage)
    for c in Count.objects.filter(release=row, printed=True).iterator(chunk_size=5_000):
        key = (c.name, tuple(c.key))
        cells += 1
        stored = {n: None if (v := getattr(c, n)) is None else int(v) for n in _NUMBERS}
        again = left.pop(key, None)
        counted = {n: getattr(again, n) for n in _NUMBERS} if again else None
        shown = printed.pop(key, None)
        right = shown is not None and (shown.value is None if shown.why != Why.FREE else _whole(shown.value) == stored["value"])
        if stored != counted or not right:
            differ.append(_differs(name, key, stored, counted, None if shown is None else _whole(shown.value)))
    for key, again in left.items():
        cells += 1
        shown = printed.pop(key, None)
        differ.append(_differs(name, key, None, {n: getattr(again, n) for n in _NUMBERS}, _whole(shown.value) if shown else None))
    for key, shown in printed.items():
        cells += 1
        differ.append(_differs(name, key, None, None, _whole(shown.value)))
    return cells, differ


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _differs(release: str, key: tuple[str, Key], stored: Any, counted: Any, shown: int | None) -> dict[str, Any]:
    return {"release": release, "indicator": key[0], "key": list(key[1]), "figure": stored, "journal": counted, "printed": shown}


@query(may=EVERYBODY)
def rule(*, on: date, viewer: Actor) -> Mapping[str, int]:
    """The numbers of disclosure control on a day: minimum, n, k, p. They are no secret."""
    with as_system():
        known = rules.parameters(viewer=SYSTEM)
        return dict(zip(("minimum", "n", "k", "p"), (int(known.value(key, on).value) for key in policy.PARAMETERS), strict=True))

