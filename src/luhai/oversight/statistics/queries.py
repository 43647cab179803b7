"""Everything that can be asked of the figures. Answers are plain values; a figure too few stand behind is marked, never shown.

Figures are added up as the system, since nobody but those who oversee may see a fact, and then released to the viewer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Max, Min, Q

from luhai.core.indicators.definitions import quotient
from luhai.core.parties import queries as parties
from luhai.core.parties.territories import territories
from luhai.core.rules import queries as rules
from luhai.kernel.money import Currency
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled
from luhai.shell import journal
from luhai.shell.api import cursor_of, known, ordinal, read_cursor
from luhai.shell.context import acting, as_system
from luhai.shell.query import query

from . import policy
from .indicators import INDICATORS, NOWHERE, TOTAL, Form, Indicator
from .models import Fact, Part, Reader, Unread
from .policy import Kind, later, month_of, months_between
from .recount import FIELDS, FactKey, Tally, add, overpaid
from .recount import cells as recounted
from .recount_cubes import cells as recounted_cubes

OVERSEEING = (Role.SUPERVISOR, Role.OPERATOR)
LOOKING = (*OVERSEEING, Role.PROVINCE, Role.BANK)
MINIMUM = "statistics.minimum_cell"
#: How many events of the journal are read at a time when everything is counted again.
PAGE = 5_000
#: Beyond this many events, reading on is worth its journal entry even if none of them is counted.
TAIL = 1_000

_PLACES = {
    TOTAL: ("全部", "All territories"),
    NOWHERE: ("通道以外", "Outside the corridor"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure, in the unit of its indicator. Where `suppressed`, everything that would give it away is None.

    `value` = `opening` + `added` − `taken`, in minor units of its currency; a flow has no opening. A mean or a share has none of the three:
    its `value` is `numerator` ÷ `denominator` in its indicator's decimals. `count` facts stand behind it, `first` to `last` in the journal.
    """

    month: str
    territory: str
    name_zh: str
    name_en: str
    currency: str
    suppressed: bool
    value: int | None
    opening: int | None
    added: int | None
    taken: int | None
    count: int | None
    contributors: int | None
    first: int | None
    last: int | None
    numerator: int | None = None
    denominator: int | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """The cells of one indicator as of a position of the journal; totals carry the territory `_T`."""

    indicator: Indicator
    month_from: str
    month_to: str
    months: tuple[str, ...]
    currencies: tuple[str, ...]
    cells: tuple[Cell, ...]
    minimum: int
    rule: str
    position: int
    gathered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Beneath:
    """One event under a figure. `amount` is signed as it counts there."""

    position: int
    index: int
    event_kind: str
    kind: str
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
class BeneathPage:
    items: tuple[Beneath, ...]
    next: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """An event that should be counted and could not be."""

    position: int
    index: int
    kind: str
    problem: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the journal has been read, and what could not be."""

    position: int
    gathered_at: datetime | None
    facts: int
    unread: int
    problems: tuple[SetAside, ...]  # the first twenty


@dataclass(frozen=True, slots=True)
class Recounted:
    """What counting again found. `different`: cells whose figure is not what the journal says; `rows`: facts that are missing, surplus or
    other; `broken`: loans on which more came back than was lent."""

    cells: int
    different: tuple[dict[str, Any], ...]
    rows: tuple[dict[str, Any], ...]
    broken: tuple[str, ...]
    position: int
    facts: int
    unread: int

    @property
    def good(self) -> bool:
        return not (self.different or self.rows or self.broken)


# --- figures ------------------------------------------------------------------------------------------------------------


def definition(key: str) -> Indicator:
    """The definition of an indicator. Refuses: Absent."""
    if key not in INDICATORS:
        raise Absent(kind="indicator", key=key)
    return INDICATORS[key]


@query(may=LOOKING)
def indicators(*, viewer: Actor) -> tuple[Indicator, ...]:
    """Every indicator, as it is defined."""
    return tuple(INDICATORS.values())


@query(may=LOOKING)
def figures(
    *, indicator: str, month_from: str = "", month_to: str = "", territory: str = "", currency: str = "", viewer: Actor
) -> Figures:
    """The figures of an indicator by month, territory and currency, and their totals over territories.

    Who:     supervisors and the operator see every cell; a province its own territory and the totals; a bank the totals.
    Units:   months as "2026-03" (none said: up to twelve, to the last that has a fact); `territory` a code, `_T` the totals, `_Z` outside
             the corridor, "" whatever the viewer may see.
    Refuses: Absent (indicator), Invalid (which field), NotEntitled (a territory that is not the viewer's to see).
    """
    what = definition(indicator)
    if currency:
        known("currency", currency, Currency)
    mine = _places(viewer, territory)
    with as_system():
        reader = Reader.objects.get(name="facts")
        known_first, known_last = _span(reader.position)
        last = month_of(month_to, "month_to") if month_to else known_last
        if month_from:
            first = month_of(month_from, "month_from")
        else:
            first = max(later(last, -11), min(known_first, last))
        months = months_between(first, last)
        found = _cells(what, first, last, reader.position, viewer=viewer, currency=currency)
        rule = rules.parameters(viewer=SYSTEM).value(MINIMUM, last)
    minimum, open_ = int(rule.value), viewer.role in {Role.SYSTEM, *OVERSEEING}
    cells = [cell if open_ else _released(cell, others, minimum) for cell, others in found if mine(cell.territory)]
    return Figures(
        what, f"{first:%Y-%m}", f"{last:%Y-%m}", tuple(f"{m:%Y-%m}" for m in months),
        tuple(sorted({c.currency for c in cells})), tuple(cells), minimum, f"{rule.key}@{rule.valid_from}", reader.position,
        reader.gathered_at,
    )  # fmt: skip


def _places(viewer: Actor, asked: str) -> Callable[[str], bool]:
    """Which territories' figures are shown. Refuses: Invalid (territory), NotEntitled."""
    if asked and asked not in territories() and asked not in _PLACES:
        raise Invalid(field="territory", problem="a code of the corridor, _T or _Z")
    allowed: set[str] | None = None
    if viewer.role == Role.PROVINCE:
        allowed = {TOTAL, viewer.territory or TOTAL}
    elif viewer.role == Role.BANK:
        allowed = {TOTAL}
    if allowed is not None and asked and asked not in allowed:
        raise NotEntitled(who="those who oversee this territory")
    return lambda place: (not asked or place == asked) and (allowed is None or place in allowed)


def _span(position: int) -> tuple[date, date]:
    """The first and the last month that has a fact; the first of all months if none has."""
    found = Fact.objects.filter(position__lte=position).aggregate(first=Min("month"), last=Max("month"))
    first, last = (min(max(m or policy.FIRST_MONTH, policy.FIRST_MONTH), policy.LAST_MONTH) for m in found.values())
    return first, last


def _released(cell: Cell, others: int, minimum: int) -> Cell:
    assert cell.contributors is not None
    if policy.may_be_shown(cell.contributors, others, minimum):
        return cell
    return Cell(
        cell.month, cell.territory, cell.name_zh, cell.name_en, cell.currency, True, None, None, None, None, None, None, None, None
    )


#: `moves`: what each company did in each month; `held`: what it stands for in each cell; then the cells. A company whose stock is nil
#: contributes nothing to it. `mine` is what the viewer knows already.
_SQL = """
WITH months AS (SELECT generate_series(%(first)s::date, %(last)s::date, interval '1 month')::date AS month),
moves AS (
    SELECT month, territory, currency, company_id, coalesce(territory = %(my_place)s OR bank_id = %(my_bank)s::uuid, false) AS mine,
        coalesce(sum(amount) FILTER (WHERE kind = ANY(%(plus)s)), 0) AS plus,
        coalesce(sum(amount) FILTER (WHERE kind = ANY(%(minus)s)), 0) AS minus, coalesce(sum({numerator}), 0) AS over,
        count(*) AS n, min(position) AS first, max(position) AS last
    FROM statistics_fact
    WHERE (kind = ANY(%(plus)s) OR kind = ANY(%(minus)s)) AND (documented OR NOT %(documented)s) AND position <= %(upto)s
        AND {stated} AND month <= %(last)s AND (%(stock)s OR month >= %(first)s) AND (%(currency)s = '' OR currency = %(currency)s)
    GROUP BY 1, 2, 3, 4, 5
), held AS (
    SELECT m.month, CASE WHEN grouping(v.territory) = 1 THEN '_T' ELSE v.territory END AS place, v.currency, v.company_id,
        coalesce(sum(v.plus - v.minus) FILTER (WHERE v.month < m.month), 0) AS opening,
        coalesce(sum(v.plus) FILTER (WHERE v.month = m.month), 0) AS added,
        coalesce(sum(v.minus) FILTER (WHERE v.month = m.month), 0) AS taken,
        coalesce(sum(v.plus - v.minus) FILTER (WHERE NOT v.mine), 0) AS others,
        sum(v.over) AS over, sum(v.n) AS n, min(v.first) AS first, max(v.last) AS last
    FROM months m JOIN moves v ON v.month = m.month OR %(stock)s AND v.month < m.month
    GROUP BY GROUPING SETS ((m.month, v.territory, v.currency, v.company_id), (m.month, v.currency, v.company_id))
)
SELECT month, place, currency, sum(opening), sum(added), sum(taken), sum(over), sum(n),
    count(*) FILTER (WHERE opening + added - taken <> 0), min(first), max(last), count(*) FILTER (WHERE others <> 0)
FROM held GROUP BY 1, 2, 3 ORDER BY 1, place = '_T', 2, 3
"""


def _cells(
    what: Indicator, first: date, last: date, upto: int, *, viewer: Actor = SYSTEM, currency: str = ""
) -> list[tuple[Cell, int]]:
    """Every cell of an indicator, and how many of those behind it the viewer does not know anyway. In the sight of the system.

    None of one that is not `live`.
    """
    if not what.live:
        return []
    numerator, stated = _over(what)
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL.format(numerator=numerator, stated=stated),
            {
                "first": first, "last": last, "upto": upto, "stock": what.stock, "documented": what.documented, "currency": currency,
                "plus": [str(k) for k in what.plus], "minus": [str(k) for k in what.minus],
                "my_place": viewer.territory if viewer.role == Role.PROVINCE else None,
                "my_bank": viewer.party_id if viewer.role == Role.BANK else None,
            },
        )  # fmt: skip
        rows = cursor.fetchall()
    found = []
    for month, place, unit, *sums, others in rows:
        opening, added, taken, over, count, contributors, low, high = map(int, sums)
        zh, en = _name(place)
        behind = count, contributors, low, high
        if what.quotient:
            value = quotient(over, added, what.scale)
            cell = Cell(f"{month:%Y-%m}", place, zh, en, unit, False, value, 0, 0, 0, *behind, over, added)
        else:
            value = opening + added - taken
            cell = Cell(f"{month:%Y-%m}", place, zh, en, unit, False, value, opening, added, taken, *behind)
        found.append((cell, int(others)))
    return found


def _over(what: Indicator) -> tuple[str, str]:
    """What a mean or a share adds up above its line, and which facts it goes over: SQL, of our own words only."""
    if what.form is Form.MEAN:
        assert what.weight == "rate_bp", what.weight
        return "amount::numeric * rate_bp", "rate_bp IS NOT NULL"
    if what.form is Form.SHARE:
        assert what.part == ("documented", "true"), what.part
        return "CASE WHEN documented THEN amount ELSE 0 END", "true"
    return "0", "true"


def _name(place: str) -> tuple[str, str]:
    found = territories().get(place)
    return (found.short_zh, found.name_en) if found else _PLACES.get(place, (place, place))


# --- beneath a figure ---------------------------------------------------------------------------------------------------


@query(may=OVERSEEING)
def beneath(
    *, indicator: str, month: str, territory: str, currency: str, cursor: str = "", limit: int = 50, viewer: Actor
) -> BeneathPage:
    """The events under a figure, in the order of the journal: of a flow those of its month, of a stock all up to its end.

    Who:     supervisors and the operator: a fact tells of one company.
    Refuses: Absent (indicator), Invalid (month, territory, currency, cursor).
    """
    what = definition(indicator)
    on = month_of(month, "month")
    known("currency", currency, Currency)
    _places(viewer, territory)
    reader = Reader.objects.get(name="facts")
    rows = Fact.objects.filter(
        kind__in=[*what.plus, *what.minus], currency=currency, position__lte=reader.position,
        **({"month__lte": on} if what.stock else {"month": on}),
    ).order_by("position", "index", "kind")  # fmt: skip
    if territory != TOTAL:
        rows = rows.filter(territory=territory)
    if what.documented:
        rows = rows.filter(documented=True)
    if what.form is Form.MEAN:
        rows = rows.filter(**{f"{what.weight}__isnull": False})
    if (after := read_cursor(cursor, ordinal, ordinal, _kind)) is not None:
        position, index, kind = after
        rows = rows.filter(
            Q(position__gt=position) | Q(position=position, index__gt=index) | Q(position=position, index=index, kind__gt=kind)
        )
    found = list(rows[: limit + 1])
    names = _names({x for row in found for x in (row.bank_id, row.company_id)})
    items = tuple(
        Beneath(
            row.position, row.index, row.event_kind, row.kind, row.subject, row.day,
            -row.amount if row.kind in what.minus else row.amount, row.currency, row.country, row.documented,
            *names[row.bank_id], *names[row.company_id],
        )
        for row in found[:limit]
    )  # fmt: skip
    last = found[limit - 1] if len(found) > limit else None
    return BeneathPage(items, cursor_of(last.position, last.index, last.kind) if last else "")


def _kind(text: str) -> Kind:
    return Kind(text)


def _names(ids: set[UUID]) -> dict[UUID, tuple[str, str]]:
    """The names of parties in both languages; the number of one that is in no register of ours."""
    found = {}
    for key in ids:
        try:
            party = parties.party(party_id=key, viewer=SYSTEM)
            found[key] = (party.name_zh or party.name_en, party.name_en or party.name_zh)
        except Absent:
            found[key] = (str(key), str(key))
    return found


# --- how far, and is it right -------------------------------------------------------------------------------------------


@query(may=LOOKING)
def standing(*, viewer: Actor) -> Standing:
    """How far the journal has been read, and which events lacked what counting needs."""
    with as_system():
        reader = Reader.objects.get(name="facts")
        aside = Unread.objects.order_by("position", "index")
        return Standing(
            reader.position, reader.gathered_at, Fact.objects.filter(position__lte=reader.position).count(), aside.count(),
            tuple(SetAside(*row) for row in aside.values_list("position", "index", "event_kind", "problem")[:20]),
        )  # fmt: skip


@query(may=OVERSEEING)
def waiting(*, viewer: Actor) -> bool:
    """Whether reading on is worth it: something that is counted is sealed and not read yet, or so much else that it is long."""
    with as_system():
        tail = journal.events_after(Reader.objects.get(name="facts").position, limit=TAIL)
    return len(tail) == TAIL or any(event.kind in policy.READ for event in tail)


@query(may=OVERSEEING)
def recount(*, viewer: Actor) -> Recounted:
    """Count every cell again from the journal alone (`recount.py`), and hold the figures and the facts against it.

    Up to where the journal has been read. Reads the whole of it, a page at a time.
    """
    with as_system():
        position = Reader.objects.get(name="facts").position
        tally, rows, unread = Tally(), [], 0
        for first, last, page in pages(position):
            wanted: list[tuple[Any, ...]] = []
            aside: set[tuple[int, int]] = set()
            for event in page:
                fact, readable = add(tally, event)
                if fact is not None:
                    wanted.append(fact)
                if not readable:
                    aside.add((event.position, event.index))
            unread += len(aside)
            rows += _rows_that_differ(first, last, wanted, aside)
        beyond = Fact.objects.filter(position__gt=Reader.objects.filter(name="facts").values("position")[:1]).order_by("position", "index")
        rows += [_row("surplus", x.position, x.index) for x in beyond]
        before = recounted(tally)
        different = _cells_that_differ(before, position)
    return Recounted(
        len(before), tuple(different), tuple(rows), tuple(overpaid(tally)), position, tally.facts, unread
    )


def pages(upto: int) -> Iterator[tuple[int, int, list[journal.Event]]]:
    """The journal up to a position in pages of whole entries, each with the positions that it covers; the last may be empty of events."""
    done, limit = 0, PAGE
    while done < upto:
        found = journal.events_after(done, limit=limit)
        if len(found) < limit:
            yield done + 1, upto, [e for e in found if e.position <= upto]
            return
        whole = [e for e in found if e.position < found[-1].position]
        if not whole:  # one entry with more events than a page
            limit *= 2
            continue
        last = min(whole[-1].position, upto)
        yield done + 1, last, [e for e in whole if e.position <= upto]
        done = last


def _rows_that_differ(
    first: int, last: int, wanted: list[tuple[Any, ...]], aside: set[tuple[int, int]]
) -> list[dict[str, Any]]:
    """Facts, and events set aside, from one position to another that are not what the journal says."""
    stored = Fact.objects.filter(position__gte=first, position__lte=last).order_by("position", "index", "kind")
    found = [(tuple(getattr(x, name) for name in FIELDS), x.month) for x in stored.iterator(chunk_size=2_000)]
    have = {key: [v for _k, v in group] for key, group in groupby(((f[:3], (f, m)) for f, m in found), lambda pair: pair[0])}
    differ = []
    for fact in wanted:
        got = have.pop(fact[:3], [])
        if not got:
            differ.append(_row("missing", fact[0], fact[1]))
        elif got[0] != (fact, fact[5].replace(day=1)):
            differ.append(_row("other", fact[0], fact[1]))
        differ += [_row("surplus", fact[0], fact[1])] * (len(got) - 1)
    differ += [_row("surplus", key[0], key[1]) for key, got in have.items() for _ in got]
    kept = Unread.objects.filter(position__gte=first, position__lte=last).values_list("position", "index")
    differ += [_row("unread", *key) for key in sorted(aside ^ set(kept))]
    return differ


def _row(problem: str, position: int, index: int) -> dict[str, Any]:
    return {"position": position, "index": index, "problem": problem}


def _cells_that_differ(wanted: dict[tuple[str, str, str, str], Any], position: int) -> list[dict[str, Any]]:
    """Cells of the figures, as everybody is shown them, that are not what was counted again."""
    span = Fact.objects.filter(position__lte=position).aggregate(first=Min("month"), last=Max("month"))
    stored = [m for m in span.values() if m]
    said = [date(int(key[1][:4]), int(key[1][5:]), 1) for key in wanted]
    if not stored + said:
        return []
    first, last = min(stored + said), max(stored + said)
    differ, left = [], dict(wanted)
    names = ("opening", "added", "taken", "value", "count", "contributors", "first", "last")
    for what in INDICATORS.values():
        for cell, _others in _cells(what, first, last, position):
            key = (what.key, cell.month, cell.territory, cell.currency)
            again = left.pop(key, None)
            shown = {name: getattr(cell, name) for name in names}
            counted = {name: getattr(again, name) for name in names} if again else None
            if shown != counted:
                differ.append(_cell(key, shown, counted))
    differ += [_cell(key, None, {name: getattr(again, name) for name in names}) for key, again in left.items()]
    return differ


def _cell(key: tuple[str, str, str, str], shown: Any, counted: Any) -> dict[str, Any]:
    return dict(zip(("indicator", "month", "territory", "currency"), key, strict=True)) | {"figure": shown, "journal": counted}


# --- files of facts -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file of the manifest that is not as it was written: `missing`, or `changed`."""

    path: str
    problem: str


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of facts that counts."""

    path: str
    day: date
    first: int
    last: int
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class FilesView:
    """The manifest: facts up to `position` lie in `items`."""

    position: int
    rows: int
    items: tuple[FileView, ...]


def root() -> Path:
    """The folder of this database's facts, in the state folder: two databases of one installation do not write to each other's."""
    return Path(settings.STATE) / "facts" / str(connection.settings_dict["NAME"])


def position() -> int:
    """Up to where facts lie in files. For who computes over `files`."""
    with acting(SYSTEM):
        return Reader.objects.get(name="export").position


def files(upto: int) -> list[Path]:
    """The files in which all facts up to a position lie, and perhaps later ones: whoever reads them looks at `position <= upto`.

    Refuses: Invalid (upto: not exported so far). A file among them is there for an hour at least, whatever is merged meanwhile.
    """
    with acting(SYSTEM):
        reached = Reader.objects.get(name="export").position
        if not 0 <= upto <= reached:
            raise Invalid(field="upto", problem=f"from 0 to {reached}, how far facts lie in files")
        found = Part.objects.filter(replaced_at=None, first__lte=upto).order_by("day", "first").values_list("path", flat=True)
        return [root() / path for path in found]


def damaged() -> list[Damaged]:
    """Files of the manifest that are missing or were changed, by their digests. Reads every file."""
    from luhai.core.indicators import facts  # pyarrow, which only who looks at files waits for

    with acting(SYSTEM):
        found = []
        for path, digest in Part.objects.filter(replaced_at=None).order_by("day", "first").values_list("path", "digest"):
            file = root() / path
            if not file.is_file():
                found.append(Damaged(path, "missing"))
            elif facts.digest(file) != digest:
                found.append(Damaged(path, "changed"))
        return found


@query(may=OVERSEEING)
def manifest(*, viewer: Actor) -> FilesView:
    """Which files hold facts, and up to where."""
    with as_system():
        rows = Part.objects.filter(replaced_at=None).order_by("day", "first")
        items = tuple(FileView(*row) for row in rows.values_list("path", "day", "first", "last", "rows", "digest"))
        return FilesView(Reader.objects.get(name="export").position, sum(x.rows for x in items), items)


@query(may=OVERSEEING)
def to_export(*, viewer: Actor) -> bool:
    """Whether facts were gathered that lie in no file yet."""
    with as_system():
        return Fact.objects.filter(position__gt=Reader.objects.get(name="export").position).exists()


def again(upto: int) -> Iterator[FactKey]:
    """Every fact up to a position, as the journal alone says it, by `recount.py`. For whoever counts its cells again."""
    for _first, _last, page in pages(upto):
        tally = Tally()
        for event in page:
            fact, _readable = add(tally, event)
            if fact is not None:
                yield fact


@dataclass(frozen=True, slots=True)
class CubesRecounted:
    """What counting the cells of all dimensions again found: how many there are, and those that the engine counts otherwise.

    Where files are `damaged`, the engine is not asked.
    """

    cells: int
    different: tuple[dict[str, Any], ...]
    damaged: tuple[Damaged, ...]
    months: tuple[str, ...]
    engine: str
    position: int

    @property
    def good(self) -> bool:
        return not (self.different or self.damaged)


@query(may=OVERSEEING)
def recount_cubes(*, engine: str = "duckdb", viewer: Actor) -> CubesRecounted:
    """Count every cell of the standard release in all months again from the journal, and hold the engine's over the files against it.

    Up to where facts lie in files. Reads the whole journal into memory. What needs a month's rates is counted where releases are.
    Refuses: Invalid (engine), and what the engine says it lacks.
    """
    from luhai.core.indicators.engine import CUBES, ENGINES, compute

    known("engine", engine, ENGINES)
    reached = position()
    facts = list(again(reached))
    months = sorted({f"{fact[FIELDS.index('day')]:%Y-%m}" for fact in facts})
    if months:
        first, last = (date(int(m[:4]), int(m[5:]), 1) for m in (months[0], months[-1]))
        months = [f"{later(first, n):%Y-%m}" for n in range((last.year - first.year) * 12 + last.month - first.month + 1)]
    shown = [what for what in INDICATORS.values() if what.live]
    wanted = {k: v for k, v in recounted_cubes(facts, months, CUBES).items() if k[0] in {what.key for what in shown}}
    if bad := damaged():
        return CubesRecounted(len(wanted), (), tuple(bad), tuple(months), engine, reached)
    left, differ = dict(wanted), []
    for cell in compute(engine, files(reached), shown, months, CUBES, reached):
        again_ = left.pop((cell.indicator, cell.month, cell.key), None)
        said = {name: getattr(cell, name) for name in _CUBE}
        counted = {name: getattr(again_, name) for name in _CUBE} if again_ else None
        if said != counted:
            differ.append({"indicator": cell.indicator, "month": cell.month, "key": cell.key, "figure": said, "journal": counted})
    differ += [
        {"indicator": i, "month": m, "key": key, "figure": None, "journal": {name: getattr(cell, name) for name in _CUBE}}
        for (i, m, key), cell in left.items()
    ]
    return CubesRecounted(len(wanted), tuple(differ), (), tuple(months), engine, reached)


_CUBE = (
    "opening", "added", "taken", "numerator", "denominator", "value", "count", "contributors", "largest", "second", "first", "last",
)  # fmt: skip
