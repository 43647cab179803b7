"""Everything that can be asked about packages and their adoptions. Answers are plain values, never ORM rows.

Agencies see each other's way to an adoption, with examinations and reasons: that is what sharing policies is (measures M22-02 to M22-04).
Everybody sees packages, and what is or was live.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

import rfc8785
from django.conf import settings

from luhai.core.parties import queries as parties
from luhai.core.parties.territories import territories
from luhai.core.policies import queries as policies
from luhai.core.rules import queries as rules
from luhai.kernel.calendar import SHANGHAI
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent, Refusal, gettext_noop
from luhai.oversight.statistics import queries as statistics
from luhai.records.products import queries as products
from luhai.settlement.checks import queries as checks
from luhai.shell import journal
from luhai.shell.api import cursor_of, instant, known, read_cursor
from luhai.shell.context import acting
from luhai.shell.query import EVERYBODY, query

from . import places, policy
from .lifecycle import ACT_NAMES as ACT_NAMES
from .lifecycle import FINAL as FINAL
from .lifecycle import NEXT, OPEN, STANDING
from .lifecycle import STATE_NAMES as STATE_NAMES
from .lifecycle import Act as Act
from .lifecycle import State as State
from .models import Adoption, Examination, Reader, Statement, Step, Tally
from .packages import Difference, Package, Vector, differences, load, newest
from .policy import FACTS, Eligibility, Known, ReasonNode

#: Those who see how territories came to adopt, and what was found on the way.
AGENCIES: Final = frozenset({Role.PROVINCE, Role.SUPERVISOR, Role.OPERATOR})


class NoPackage(Refusal):
    code = "replication.no_package"
    status = 404
    message = gettext_noop("There is no package %(package)s.")


# --- packages -----------------------------------------------------------------------------------------------------------


@cache
def shipped() -> tuple[Package, ...]:
    """The packages that come with the platform. Read once a process."""
    return load(settings.DATA / "packages", rules.shipped())


def named(name: str) -> Package:
    """By its key (id@version); by its id the newest version. Refuses: NoPackage."""
    found = [p for p in shipped() if name in (p.id, p.key)]
    if not found:
        raise NoPackage(package=name[:80])
    return found[-1]


@dataclass(frozen=True, slots=True)
class SettingView:
    key: str
    zh: str
    en: str
    default: str
    least: str
    most: str
    unit: str


@dataclass(frozen=True, slots=True)
class VectorView:
    name: str
    zh: str
    en: str
    case: dict[str, Any]
    verdict: str
    against: list[str]


@dataclass(frozen=True, slots=True)
class PackageView:
    """One version of a package. `ours` says what of it was found nowhere and is this platform's proposal."""

    id: str
    version: str
    valid_from: date
    origin: str
    measure: str
    basis: list[str]
    scene: str
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    document: str
    article: str
    ours_zh: str
    ours_en: str
    authority_zh: str
    authority_en: str
    settings: list[SettingView]
    market: ReasonNode  # what is asked, of no territory
    risk: ReasonNode
    data: list[str]
    monthly_minor: int
    currency: str
    blocked_share_bp: int
    product: dict[str, Any]
    vectors: list[VectorView]
    digest: str
    versions: list[str]


@query(may=EVERYBODY)
def packages(*, viewer: Actor) -> list[PackageView]:
    """The newest version of every package, by its id. Open to all."""
    return [_package(p) for p in newest(shipped()).values()]


@query(may=EVERYBODY)
def package(*, key: str, viewer: Actor) -> PackageView:
    """One package, in the version named (id@version) or the newest. Refuses: NoPackage."""
    return _package(named(key))


def _package(p: Package) -> PackageView:
    return PackageView(
        p.id, p.version, p.valid_from, p.origin, p.measure, list(p.basis), p.scene, p.title.zh, p.title.en, p.text.zh, p.text.en,
        p.document, p.article, p.ours.zh, p.ours.en, p.authority.zh, p.authority.en,
        [SettingView(s.key, s.title.zh, s.title.en, str(s.default), str(s.least), str(s.most), s.unit) for s in p.settings],
        policy.judge(p.market, {}, rules.shipped(), p.valid_from, p.origin), policy.judge(p.risk, {}, rules.shipped(), p.valid_from, p.origin),
        list(p.data), p.limits.monthly_minor, str(p.limits.currency), p.limits.blocked_share_bp, dict(p.product),
        [VectorView(v.name, v.title.zh, v.title.en, dict(v.case), v.verdict, list(v.against)) for v in p.vectors],
        p.digest, [o.version for o in shipped() if o.id == p.id],
    )  # fmt: skip


# --- what is known of territories ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FactStatement:
    fact: str
    zh: str
    en: str
    value_zh: str
    value_en: str
    document: str
    stated_on: date
    until: date
    role: str
    in_date: bool


@query(may=AGENCIES)
def statements(*, territory: str, on: date, viewer: Actor) -> list[FactStatement]:
    """What was last stated of a territory, fact by fact; also what is out of date."""
    found = []
    for row in _stated([territory]):
        asked = FACTS[row.fact]
        value = _value(row.value)
        found.append(
            FactStatement(
                row.fact, asked.zh, asked.en, asked.shown(value, "zh"), asked.shown(value, "en"), row.document, row.stated_on,
                row.until, row.role, row.stated_on <= on <= row.until,
            )
        )  # fmt: skip
    return sorted(found, key=lambda s: list(FACTS).index(s.fact))


def facts_of(codes: Sequence[str], on: date) -> dict[str, dict[str, Known]]:
    """What is known of territories on a day: from reference data, registers and statistics, and what was stated and is in date.

    For commands and queries here; it looks at everything, as the system. A fact that is not known is not there.
    """
    with acting(SYSTEM):
        found: dict[str, dict[str, Known]] = {code: dict(places.of(code)) for code in codes}
        for kind, fact in (("company", "companies"), ("institution", "banks")):
            counted = Counter(corridor(p.territory) for p in parties.parties(kind=kind, limit=10**6, viewer=SYSTEM))
            for code in codes:
                found[code][fact] = Known(counted[code], "本平台登记 / register of this platform", on)
        for code, count in _receipts(codes, on).items():
            found[code]["receipts_12m"] = Known(count, "本平台统计 / statistics of this platform", on)
        for row in _stated(codes):
            if row.stated_on <= on <= row.until:
                found[row.territory][row.fact] = Known(_value(row.value), row.document, row.stated_on)
    return found


def corridor(territory: str | None) -> str:
    """The province or city of the corridor in which a place lies."""
    for code in (territory or "", (territory or "")[:4] + "00", (territory or "")[:2] + "0000"):
        if code in territories():
            return code
    return ""


def _receipts(codes: Sequence[str], on: date) -> dict[str, int]:
    """Payments credited in the twelve calendar months up to the day's own; nothing where the journal was never read."""
    if not statistics.standing(viewer=SYSTEM).position:
        return {}
    first = max(months_ago(on.replace(day=1), 11), date(2020, 1, 1))
    cells = statistics.figures(indicator="receipts", month_from=f"{first:%Y-%m}", month_to=f"{on:%Y-%m}", viewer=SYSTEM).cells
    counted: Counter[str] = Counter()
    for cell in cells:
        counted[cell.territory] += cell.count or 0
    return {code: counted[code] for code in codes}


def _stated(codes: Sequence[str]) -> list[Statement]:
    return list(
        Statement.objects.filter(territory__in=list(codes)).order_by("territory", "fact", "-n").distinct("territory", "fact")
    )


def _value(stored: Any) -> policy.Plain:
    return tuple(stored) if isinstance(stored, list) else stored


# --- the three conditions -----------------------------------------------------------------------------------------------


def eligibility(
    p: Package, territory: str, on: date, facts: Mapping[str, Known] | None = None, row: Adoption | None = None
) -> Eligibility:
    """Market, risk and approval of a package in a territory on a day (article 23), each with its reasons. Reads as the system."""
    with acting(SYSTEM):
        known_ = facts if facts is not None else facts_of([territory], on)[territory]
        parameters = rules.parameters(viewer=SYSTEM)
        having = [a for a in policies.adoptions(measure=p.measure, viewer=SYSTEM) if a.territory != territory]
        having = [a for a in having if policies.in_force(p.measure, a.territory, on)]
        latest = row or Adoption.objects.filter(package=p.id, territory=territory).order_by("-changed_at").first()
    market, risk = (policy.judge(c, known_, parameters, on, territory) for c in (p.market, p.risk))
    if p.data:
        asked = policy.Condition("fact", fact="data", op="includes_all", value=p.data)
        connected = policy.judge(asked, known_, parameters, on, territory)
        risk = ReasonNode(
            "all", policy.WORDS[min(policy.VALUES[risk.verdict], policy.VALUES[connected.verdict])], risk.zh, risk.en,
            parts=(*(risk.parts if risk.kind == "all" else (risk,)), connected),
        )  # fmt: skip
    approved = policy.approval(
        granted_by=latest.approver if latest else "", instrument_no=latest.instrument_no if latest else "",
        granted_on=latest.granted_on if latest and latest.state != State.DROPPED else None, until=latest.ends_on if latest else None,
        refused=latest is not None and latest.state == State.REFUSED, on=on,
    )  # fmt: skip
    names = territories()
    there = tuple((names[a.territory].short_zh, names[a.territory].name_en, a.instrument_no, a.since) for a in having)
    return Eligibility(market, risk, approved, policy.elsewhere(there))


@dataclass(frozen=True, slots=True)
class Place:
    """A package in a territory: what it has there, else what stands for and against it. `state` is empty where nothing was begun.

    `verdict` met | failed | unknown of the territory's own part (market, risk, another that has it); `missing` counts what is not known.
    """

    package: str
    territory: str
    is_origin: bool
    adoption_id: UUID | None
    state: str
    version: str
    live_from: date | None
    until: date | None
    verdict: str
    market: str
    risk: str
    approval: str
    missing: int
    failing: int
    differs: int


@dataclass(frozen=True, slots=True)
class Board:
    """Who has what, who could have it, what is missing. `places` by package id and territory."""

    packages: tuple[PackageView, ...]
    territories: tuple[tuple[str, str, str], ...]  # code, zh, en
    places: dict[str, dict[str, Place]]


@query(may=EVERYBODY)
def board(*, on: date, viewer: Actor) -> Board:
    """Every package in every territory, on a day. Whoever is no agency sees what is live, and nothing of what is missing."""
    codes = sorted(territories())
    inside = viewer.role in AGENCIES or viewer.role == Role.SYSTEM
    facts = facts_of(codes, on) if inside else {}
    rows: dict[tuple[str, str], Adoption] = {}
    for row in Adoption.objects.order_by("changed_at", "pk"):
        key = (row.package, row.territory)
        if key not in rows or _weight(row) >= _weight(rows[key]):
            rows[key] = row
    found: dict[str, dict[str, Place]] = {}
    current = newest(shipped())
    for p in current.values():
        found[p.id] = {code: _place(p, code, rows.get((p.id, code)), facts.get(code), on) for code in codes}
    return Board(
        tuple(_package(p) for p in current.values()), tuple((c, territories()[c].short_zh, territories()[c].name_en) for c in codes),
        found,
    )


def _weight(row: Adoption) -> int:
    """What stands for a territory on the board: what is live, else what is on its way, else what was."""
    return 2 if row.state in STANDING else 1 if row.state in OPEN else 0


def _place(p: Package, code: str, row: Adoption | None, facts: Mapping[str, Known] | None, on: date) -> Place:
    fit = eligibility(p, code, on, facts, row) if facts is not None and code != p.origin else None
    return Place(
        p.id, code, code == p.origin, row.pk if row else None, row.state if row else "", row.version if row else "",
        row.live_from if row else None, row.until if row else None, fit.ready if fit else "", fit.market.verdict if fit else "",
        fit.risk.verdict if fit else "", fit.approval.verdict if fit else "",
        len(fit.market.missing) + len(fit.risk.missing) if fit else 0, len(fit.market.failing) + len(fit.risk.failing) if fit else 0,
        len(row.overrides) if row else 0,
    )  # fmt: skip


@query(may=AGENCIES)
def eligible(*, package: str, territory: str, on: date, viewer: Actor) -> Eligibility:
    """Why a package can, cannot, or cannot yet be copied to a territory: the tree of reasons. Refuses: NoPackage, Absent (territory)."""
    if territory not in territories():
        raise Absent(kind="territory")
    return eligibility(named(package), territory, on)


# --- adoptions ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AdoptionLine:
    id: UUID
    package: str
    version: str
    title_zh: str
    title_en: str
    territory: str
    place_zh: str
    place_en: str
    state: str
    starts_on: date
    ends_on: date | None
    live_from: date | None
    until: date | None
    invented: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ExaminationView:
    n: int
    conditions: Eligibility
    vectors: list[dict[str, Any]]
    impact: dict[str, Any]
    ready: str
    vectors_good: bool
    digest: str
    current: bool  # it looked at the adoption as it stands
    at: datetime


@dataclass(frozen=True, slots=True)
class StepView:
    act: str
    after: str
    role: str
    data: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class TallyView:
    month: date
    checked: int
    blocked: int
    credited: int
    credited_minor: int
    unconverted: int
    used_bp: int  # of the monthly limit
    over: bool
    blocked_bp: int
    signal: bool  # more are blocked than the package expects


@dataclass(frozen=True, slots=True)
class AdoptionView:
    """An adoption. Whoever is no agency sees no examination, steps or tallies. `may` is what the viewer may try next."""

    line: AdoptionLine
    scene: str
    measure: str
    overrides: dict[str, str]
    differences: tuple[Difference, ...]
    newer: str  # a newer version of the package, or empty
    instrument_no: str
    approver: str
    scope: str
    granted_on: date | None
    back_from: date | None
    back_reason: str
    entered: bool
    examination: ExaminationView | None
    steps: list[StepView]
    tallies: list[TallyView]
    may: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdoptionPage:
    items: list[AdoptionLine]
    next: str


@query(may=EVERYBODY)
def adoptions(
    *, package: str = "", territory: str = "", state: str = "", cursor: str = "", limit: int = 50, viewer: Actor
) -> AdoptionPage:
    """Adoptions that the viewer may see, newest change first."""
    rows = Adoption.objects.order_by("-changed_at", "-id")
    if package:
        rows = rows.filter(package=package)
    if territory:
        rows = rows.filter(territory=territory)
    if state:
        rows = rows.filter(state=known("state", state, [s.value for s in State]))
    if (after := read_cursor(cursor, instant, UUID)) is not None:
        rows = rows.filter(changed_at__lt=after[0]) | rows.filter(changed_at=after[0], pk__lt=after[1])
    found = list(rows[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return AdoptionPage([_line(r) for r in found[:limit]], cursor_of(last.changed_at.isoformat(), last.pk) if last else "")


@query(may=EVERYBODY)
def adoption(*, adoption_id: UUID, viewer: Actor) -> AdoptionView:
    """One adoption with its difference from the origin, its way, and what is counted. Refuses: Absent."""
    row = Adoption.objects.filter(pk=adoption_id).first()
    if row is None:
        raise Absent(kind="adoption")
    p, latest = named(f"{row.package}@{row.version}"), named(row.package)
    inside = viewer.role in AGENCIES or viewer.role == Role.SYSTEM
    examined = Examination.objects.filter(adoption=row).order_by("-n").first() if inside else None
    return AdoptionView(
        _line(row), row.scene, row.measure, dict(row.overrides), differences(p, row.overrides, latest),
        latest.version if latest.order > p.order else "", row.instrument_no, row.approver, row.scope, row.granted_on, row.back_from,
        row.back_reason, row.entered, _examination(examined, row) if examined else None,
        [StepView(s.act, s.after, s.role, s.data, s.at) for s in Step.objects.filter(adoption=row).order_by("n")] if inside else [],
        [_tally(t, p) for t in Tally.objects.filter(adoption=row).order_by("-month")[:24]] if inside else [],
        may_next(row, viewer, p),
    )  # fmt: skip


def about(row: Adoption) -> str:
    """What an examination looks at; if it changes the examination is of something else."""
    told = {
        "package": row.digest, "overrides": row.overrides, "starts_on": row.starts_on.isoformat(),
        "ends_on": row.ends_on.isoformat() if row.ends_on else None,
    }  # fmt: skip
    return hashlib.sha256(rfc8785.dumps(told)).hexdigest()


def may_next(row: Adoption, viewer: Actor, p: Package) -> tuple[str, ...]:
    """What the viewer may try with an adoption as it stands; a command asks again."""
    home = viewer.role == Role.PROVINCE and viewer.territory == row.territory
    over = viewer.role == Role.SUPERVISOR and viewer.territory != row.territory
    mine = {
        Act.DRAFT: home, Act.EXAMINE: home, Act.PROPOSE: home, Act.APPROVE: home and viewer.person_id != row.proposed_by, Act.DROP: home,
        Act.GRANT: over, Act.REFUSE: over, Act.GO_LIVE: home or over, Act.STOP: viewer.role == Role.SUPERVISOR,
        Act.ASK_ROLL_BACK: (home or over) and row.back_from is None,
        Act.ROLL_BACK: (home or over) and row.back_from is not None and viewer.person_id != row.back_asked_by,
    }  # fmt: skip
    return tuple(a.value for a in Act if mine.get(a) and (State(row.state), a) in NEXT)


def _line(row: Adoption) -> AdoptionLine:
    p, place = named(f"{row.package}@{row.version}"), territories()[row.territory]
    return AdoptionLine(
        row.pk, row.package, row.version, p.title.zh, p.title.en, row.territory, place.name_zh, place.name_en, row.state, row.starts_on,
        row.ends_on, row.live_from, row.until, row.invented, row.changed_at,
    )  # fmt: skip


def _examination(e: Examination, row: Adoption) -> ExaminationView:
    return ExaminationView(
        e.n, policy.eligibility_of(e.conditions), e.vectors, e.impact, e.ready, e.vectors_good, e.digest, e.about == about(row), e.at
    )


def _tally(t: Tally, p: Package) -> TallyView:
    share = t.blocked * 10_000 // t.checked if t.checked else 0
    return TallyView(
        t.month, t.checked, t.blocked, t.credited, t.credited_minor, t.unconverted, t.credited_minor * 10_000 // p.limits.monthly_minor,
        t.credited_minor > p.limits.monthly_minor, share, share > p.limits.blocked_share_bp,
    )  # fmt: skip


# --- what a package opens -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Template:
    """A product that institutions of a territory may offer while a package is live there."""

    adoption_id: UUID
    package: str
    title_zh: str
    title_en: str
    territory: str
    terms: dict[str, Any]


@query(may=EVERYBODY)
def templates(*, territory: str = "", on: date, viewer: Actor) -> list[Template]:
    """The products that live packages open: in one territory, or (for an officer of an institution) in that of the viewer."""
    place = territory or (corridor(viewer.territory) if viewer.role == Role.BANK else "")
    rows = Adoption.objects.filter(state=State.LIVE.value, live_from__lte=on).order_by("package", "territory")
    if place:
        rows = rows.filter(territory=place)
    found = []
    for row in rows:
        p = named(f"{row.package}@{row.version}")
        found.append(Template(row.pk, p.id, p.title.zh, p.title.en, row.territory, {**p.product, "territories": [row.territory]}))
    return found


def opened_by(p: Package, territory: str) -> list[dict[str, str]]:
    """Products on the shelf that wait for the package's measure in a territory, and for nothing else of the kind."""
    with acting(SYSTEM):
        cards = products.all_cards(viewer=SYSTEM).values()
        waiting = [c for c in cards if p.measure in c.requires and (not c.territories or territory in map(corridor, c.territories))]
    return [
        {"id": str(c.id), "zh": c.name_zh, "en": c.name_en, "institution_zh": c.institution_zh, "institution_en": c.institution_en}
        for c in sorted(waiting, key=lambda c: (c.name_en, str(c.id)))
    ]


def run_vectors(p: Package, territory: str, overrides: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every vector with the origin's parameters, which must give what the package says, and with the territory's own."""
    cases = [_case(v, territory) for v in p.vectors]
    default = {s.key: str(s.default) for s in p.settings}
    theirs = checks.try_scene(p.scene, cases, default)
    ours = checks.try_scene(p.scene, cases, default | dict(overrides))
    return [
        {
            "name": v.name, "zh": v.title.zh, "en": v.title.en, "expected": v.verdict, "against": list(v.against),
            "found": t.after, "found_against": sorted(t.against), "without": t.before,
            "good": t.after == v.verdict and sorted(t.against) == list(v.against),
            "here": o.after, "here_against": sorted(o.against), "differs": (o.after, sorted(o.against)) != (t.after, sorted(t.against)),
        }
        for v, t, o in zip(p.vectors, theirs, ours, strict=True)
    ]  # fmt: skip


def _case(v: Vector, territory: str) -> dict[str, Any]:
    return {"name": v.name, "territory": territory, **v.case}


# --- the job ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """What the day asks for."""

    go_live: tuple[UUID, ...]
    end: tuple[UUID, ...]


def due(on: date) -> Due:
    """Adoptions whose first day has come, and those whose last day is over. For the job."""
    with acting(SYSTEM):
        begin = Adoption.objects.filter(state=State.GRANTED.value, starts_on__lte=on).order_by("pk")
        over = Adoption.objects.filter(state__in=[s.value for s in STANDING], ends_on__lt=on).order_by("pk")
        return Due(tuple(begin.values_list("pk", flat=True)), tuple(over.values_list("pk", flat=True)))


def position() -> int:
    """How far the journal has been read for tallies."""
    return Reader.objects.get().position


def day_of(at: datetime) -> date:
    """The day in China."""
    return at.astimezone(SHANGHAI).date()


def months_ago(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), day)


def waiting() -> bool:
    """Whether there is something to count. Where nothing is live nothing is asked, so that the journal does not fill with watching."""
    with acting(SYSTEM):
        if not Adoption.objects.filter(live_from__isnull=False).exists():
            return False
        return bool(journal.events_after(position(), kinds=("payments.checked", "payments.credited"), limit=1))
