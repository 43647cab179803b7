"""Everything that can be asked about checks, grades and scenes. Answers are plain values, never ORM rows.

`judge`, `grade_of`, `in_force_for` and `try_scene` are plain functions for the commands of others: they look at everything, as the system,
and write nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django.utils.translation import get_language, gettext

from luhai.core.evidence import queries as evidence
from luhai.core.parties import queries as parties
from luhai.core.parties.territories import territories
from luhai.core.rules import criteria
from luhai.core.rules import queries as parameters
from luhai.core.rules.criteria import as_json
from luhai.core.rules.fields import EVERY_FIELD, PAYMENT_FIELDS, Kind, lineage
from luhai.core.rules.parameters import Source, Value
from luhai.core.titles import queries as titles
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Invalid, gettext_noop
from luhai.shell.api import cursor_of, instant, read_cursor
from luhai.shell.context import acting
from luhai.shell.query import EVERYBODY, query

from . import policy, routes
from . import scenes as scene_files
from .lifecycle import COUNTED
from .models import Basis, Grade, SceneInForce
from .policy import Customer, Finding, Judgement, Known, Paper, Said
from .rule_sets import SITUATIONS, TIERS, Check, RuleSet, in_force, load
from .scenes import NoScene as NoScene
from .scenes import Scene, named

#: Registers by whose numbers a company is told from others on papers.
_NUMBERS = ("uscc", "lei", "org_code")
DEFAULT_TIER = "2"


# --- the judgement ------------------------------------------------------------------------------------------------------


def judge(
    *, said: Said, papers: Sequence[UUID], bank_id: UUID, company_id: UUID, on: date, scenes: Sequence[str] | None = None
) -> Judgement:  # fmt: skip
    """Hold a payment of the company at the bank against these papers of the register, by the rules of the day and of its territory.

    Who:     the bank's command on the payment; this looks at all papers and at the register of uses, as the system.
    Units:   `said` in minor units of its currency. `papers` are evidence ids, in any order. `scenes` are versions or keys to judge by, whatever
             is in force: for whoever asks what a scene would do; without it, those in force in the company's territory on that day.
    Writes:  nothing. Whoever credits on it draws `declaration_id` for settlement in the same transaction, and there the room counts.
    Refuses: Invalid (`said`), Absent (a paper or a party), NoRuleSet, NoScene, NoValueThen.
    Source:  domain notes on settlement §1.2, §1.3, §9; measures M08-01, M14-02 to M14-06.
    """
    said.check()
    rules = in_force(shipped(), said.direction, said.situation, on)
    with acting(SYSTEM):
        customer = _customer(bank_id, company_id, on)
        held = [_paper(key) for key in dict.fromkeys(papers)]
        laid = in_force_for(customer.territory, on) if scenes is None else _by_name(scenes)
        return policy.judge(rules, said, held, customer, parameters.parameters(viewer=SYSTEM), on, laid)


def rejudge(
    *, rule_set: str, situation: str, tier: str, territory: str | None, facts: Mapping[str, str], on: date, scenes: Sequence[str]
) -> Judgement:  # fmt: skip
    """What a verdict of that day would have been with these scenes, from the facts that it stored; nothing is looked up but parameters.

    Who:     whoever asks what a scene would have done to past payments. The papers themselves may have been used since, also by that payment.
    Units:   as the verdict stores them: `rule_set` (scenes in it are left away), `facts` as texts, `tier` the grade that counted.
    Refuses: NoScene, NoValueThen.
    """
    numbers = parameters.parameters(viewer=SYSTEM)
    known = policy.as_known(facts)
    return policy.judge_facts(rules_of(rule_set), known, situation, tier, territory, numbers, on, _by_name(scenes))


def in_force_for(territory: str | None, on: date) -> tuple[Scene, ...]:
    """The scenes that hold for a company there on that day. Of one scene the nearest place counts: the city before its province."""
    places = lineage("territory", territory) if territory else ()
    found: dict[str, tuple[int, str]] = {}
    with acting(SYSTEM):
        for row in _on(on).filter(territory__in=places):
            near = places.index(row.territory)
            if row.scene not in found or near < found[row.scene][0]:
                found[row.scene] = near, row.version
    return tuple(named(shipped_scenes(), version) for _, version in sorted(found.values(), key=lambda x: x[1]))


def _on(day: date) -> Any:
    return SceneInForce.objects.filter(Q(valid_to=None) | Q(valid_to__gt=day), valid_from__lte=day)


def _by_name(names: Sequence[str]) -> tuple[Scene, ...]:
    """Each scene once: of two versions of one the last named."""
    found = {scene.id: scene for scene in (named(shipped_scenes(), name) for name in names)}
    return tuple(found.values())


@cache
def shipped_scenes() -> tuple[Scene, ...]:
    """The scenes that come with the platform. Read once a process."""
    return scene_files.load(settings.DATA / "checks" / "scenes", shipped(), parameters.shipped())


def rules_of(rule_set: str) -> RuleSet:
    """The rules behind a stored `rule_set`, whatever scenes were laid over them."""
    return next(s for s in shipped() if s.version == rule_set.partition("+")[0])


def scenes_of(rule_set: str) -> tuple[str, ...]:
    """The versions of the scenes in a stored `rule_set`."""
    return tuple(v for v in rule_set.split("+")[1:] if v)


@cache
def shipped() -> tuple[RuleSet, ...]:
    """The rule sets that come with the platform. Read once a process."""
    return load(settings.DATA / "checks", parameters.shipped())


def _customer(bank_id: UUID, company_id: UUID, on: date) -> Customer:
    party = parties.party(party_id=company_id, viewer=SYSTEM)
    grade = grade_of(bank_id, company_id, on)
    return Customer(
        tuple(n for n in (party.name_zh, party.name_en) if n), _codes(party.identifiers), party.territory,
        grade.tier(on) if grade else DEFAULT_TIER, grade.directory_class if grade else "",
    )  # fmt: skip


def _paper(evidence_id: UUID) -> Paper:
    facts = evidence.facts(evidence_id=evidence_id, viewer=SYSTEM)
    view = evidence.evidence(evidence_id=evidence_id, viewer=SYSTEM)
    # A piece that takes back a part has an amount below nothing; the paper is what the last other one says.
    pieces = evidence.pieces(evidence_id=evidence_id, viewer=SYSTEM)
    piece = next((p for p in pieces if p.amount_minor is None or p.amount_minor >= 0), pieces[-1])
    room = evidence.remaining(evidence_id=evidence_id, viewer=SYSTEM)
    paper = Paper(
        facts.evidence_id, facts.kind, facts.external_ref, facts.state == "live", facts.status, facts.amount_minor,
        facts.currency, facts.dated, tuple(_named(*p) for p in piece.parties), facts.references, room.settlement_left, view.lot_id,
        room.settlement_used,
    )  # fmt: skip
    return _carried(paper, facts.source_id, piece) if facts.kind == "transport_document" else paper


def _carried(paper: Paper, source_id: UUID, piece: evidence.PieceView) -> Paper:
    """What is known of a transport document beyond the paper: the title that it is, its way, and whose system brought it."""
    source = parties.party(party_id=source_id, viewer=SYSTEM)
    issuers = {source_id} | parties.registered(
        numbers=[n for role, _, numbers, _ in piece.parties if role in ("carrier", "issuer") for n in numbers.values()], viewer=SYSTEM
    )
    by_number = titles.titles(kind="transport_document", number=paper.number, viewer=SYSTEM).items if paper.number else ()
    mine = [t for t in by_number if t.issuer_id in issuers]
    # A split bill ends and its parts live: the best of one number counts.
    best = min((_TITLES.get(t.state, "live") for t in mine), key=_TITLE_ORDER.index, default="")
    kind = next((str(t.subject.get("document", "")) for t in mine), "")
    places = [v for k, v in paper.references if k == "station"]
    places += [str(t.subject[end]) for t in mine for end in ("origin", "destination") if t.subject.get(end)]
    names = tuple(n for n in (source.name_en, source.name_zh) if n)
    return replace(
        paper, form=routes.form_of(piece.format, kind), title=best, route=routes.territories_of(places),
        source=policy.Named("source", names[0] if names else "", _codes(source.identifiers), source.country, names[1:]),
    )  # fmt: skip


#: What has become of a title, in the words of the field title_state; a title in any other state is live.
_TITLES = {
    titles.State.DELIVERED: "delivered", titles.State.PAPER: "paper", titles.State.FROZEN: "frozen", titles.State.VOID: "void",
    titles.State.SPLIT: "void", titles.State.MERGED: "void",
}  # fmt: skip
_TITLE_ORDER = ("live", "delivered", "paper", "frozen", "void")


def _named(role: str, name: str, numbers: dict[str, str], country: str) -> policy.Named:
    """A party of a paper, with the names under which the register knows whoever has its numbers."""
    ids = parties.registered(numbers=list(numbers.values()), viewer=SYSTEM) if numbers else set()
    known = [parties.party(party_id=i, viewer=SYSTEM) for i in sorted(ids)]
    others = tuple(n for p in known for n in (p.name_zh, p.name_en) if n) if len(known) == 1 else ()
    return policy.Named(role, name, _codes(numbers), country, others)


def _codes(numbers: dict[str, str]) -> frozenset[str]:
    """Numbers with their register. A USCC holds the organisation code that older papers carry (settlement §0.4)."""
    found = {f"{scheme}:{value}" for scheme, value in numbers.items() if scheme in _NUMBERS}
    if len(uscc := numbers.get("uscc", "")) == 18:
        found.add(f"org_code:{uscc[8:17]}")
    return frozenset(found)


# --- grades -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GradeNow:
    """The grade in force on a day."""

    grade: int
    directory_class: str
    valid_from: date
    next_review: date | None

    def tier(self, on: date) -> str:
        """Grade 1 eases the review of papers only as long as it is itself reviewed in time."""
        if self.grade == 1 and self.next_review is not None and self.next_review < on:
            return DEFAULT_TIER
        return str(self.grade)


@dataclass(frozen=True, slots=True)
class GradeView:
    """A grade as its viewer may know it: the company sees what counts and since when, its bank and who oversees also why."""

    id: UUID
    bank_id: UUID
    bank_zh: str
    bank_en: str
    company_id: UUID
    company_zh: str
    company_en: str
    grade: int
    directory_class: str
    state: str  # empty for whoever may not see the basis, as the four below
    valid_from: date | None
    until: date | None
    next_review: date | None
    basis: list[str]
    proposed_by: UUID | None
    proposed_at: datetime | None
    approved_by: UUID | None


@dataclass(frozen=True, slots=True)
class GradePage:
    items: list[GradeView]
    next: str


def grade_of(bank_id: UUID, company_id: UUID, on: date) -> GradeNow | None:
    """The grade that counted, or counts, on that day; None where the bank has given none."""
    with acting(SYSTEM):
        row = (
            Grade.objects.filter(Q(until=None) | Q(until__gt=on), bank=bank_id, company=company_id, state__in=COUNTED)
            .filter(valid_from__lte=on)
            .order_by("valid_from", "changed_at")
            .last()
        )
    return GradeNow(row.grade, row.directory_class, row.valid_from, row.next_review) if row and row.valid_from else None


@query(may=[Role.BANK, Role.COMPANY, Role.SUPERVISOR, Role.OPERATOR])
def grades(
    *, company_id: UUID | None = None, state: str = "", cursor: str = "", limit: int = 50, viewer: Actor
) -> GradePage:
    """The grades that the viewer may see, newest change first. `state` finds only where the basis is seen, too."""
    rows = Grade.objects.order_by("-changed_at", "-id")
    if company_id is not None:
        rows = rows.filter(company=company_id)
    if state:
        rows = rows.filter(state=state, basis__isnull=False)
    if (after := read_cursor(cursor, instant, UUID)) is not None:
        rows = rows.filter(Q(changed_at__lt=after[0]) | Q(changed_at=after[0], pk__lt=after[1]))
    found = list(rows[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return GradePage(_views(found[:limit], viewer), cursor_of(last.changed_at.isoformat(), last.pk) if last else "")


def _views(rows: list[Grade], viewer: Actor) -> list[GradeView]:
    why = {b.grade_id: b for b in Basis.objects.filter(grade__in=rows)}
    names: dict[UUID, parties.PartyView] = {}
    for kind, ids in (("institution", {r.bank_id for r in rows}), ("company", {r.company_id for r in rows})):
        names |= {p.id: p for p in parties.parties(kind=kind, ids=ids, limit=len(ids) or 1, viewer=viewer)}
    return [
        GradeView(
            r.pk, r.bank_id, names[r.bank_id].name_zh, names[r.bank_id].name_en, r.company_id, names[r.company_id].name_zh,
            names[r.company_id].name_en, r.grade, r.directory_class, r.state if r.pk in why else "", r.valid_from, r.until,
            r.next_review, list(why[r.pk].texts) if r.pk in why else [], why[r.pk].proposed_by if r.pk in why else None,
            why[r.pk].proposed_at if r.pk in why else None, why[r.pk].approved_by if r.pk in why else None,
        )
        for r in rows
    ]  # fmt: skip


# --- rules, and words for people ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckView:
    """One check: how much weight it has for grades 1, 2 and 3 in each situation (Y, P, o as in `rule_sets`)."""

    name: str
    zh: str
    en: str
    measure: str | None
    when: dict[str, str]
    criteria: dict[str, Any]
    exactly: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class RuleSetView:
    version: str
    direction: str
    zh: str
    en: str
    document: str
    article: str
    confidence: str
    situations: list[dict[str, Any]]
    checks: list[CheckView]


@query(may=EVERYBODY)
def rule_sets(*, direction: str = "", on: date | None = None, viewer: Actor) -> list[RuleSetView]:
    """All rule sets by version; with a day, for each direction the one in force then."""
    found = [s for s in shipped() if direction in ("", s.direction)]
    if on is not None:
        begun = [s for s in found if s.valid_from <= on]
        found = [s for s in begun if not any(o.direction == s.direction and o.valid_from > s.valid_from for o in begun)]
    return [_rule_set(s) for s in found]


def _rule_set(s: RuleSet) -> RuleSetView:
    return RuleSetView(
        s.version, s.direction, s.zh, s.en, s.document, s.article, s.confidence,
        [{"name": x.name, "zh": x.zh, "en": x.en, "uses_declaration": x.uses_declaration} for x in s.situations.values()],
        [_check(c) for c in s.checks],
    )  # fmt: skip


def _check(c: Check) -> CheckView:
    return CheckView(c.name, c.zh, c.en, c.measure, dict(c.when), as_json(c.criteria), as_json(c.exactly) if c.exactly else None)


# --- scenes -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InsteadView:
    """What a scene accepts for a check, of customers of these grades, where what the check asks is missing."""

    check: str
    check_zh: str
    check_en: str
    zh: str
    en: str
    tiers: list[str]
    criteria: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WeightView:
    """The weight of a check of the rules in one situation: what it is there, and in the scene."""

    direction: str
    situation: str
    check: str
    check_zh: str
    check_en: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class SceneView:
    """One version of a scene. `parameters` are the numbers that it compares with; `note` says what of it was found in a source."""

    key: str
    version: str
    valid_from: date
    zh: str
    en: str
    origin: str
    measure: str
    document: str
    article: str
    confidence: str
    note_zh: str
    note_en: str
    applies: dict[str, list[str]]
    about: dict[str, Any]
    checks: list[CheckView]
    weights: list[WeightView]
    instead: list[InsteadView]
    parameters: list[str]


@dataclass(frozen=True, slots=True)
class InForceView:
    """Where and when a version of a scene holds; `valid_to` is the first day on which it does not."""

    id: UUID
    scene: str
    version: str
    zh: str
    en: str
    territory: str
    valid_from: date
    valid_to: date | None
    set_at: datetime
    withdrawn_at: datetime | None


@query(may=EVERYBODY)
def scenes(*, viewer: Actor) -> list[SceneView]:
    """Every version of every scene, by version; open to all as the rules are."""
    return [_scene(s) for s in shipped_scenes()]


@query(may=EVERYBODY)
def scene(*, key: str, viewer: Actor) -> SceneView:
    """One scene by its version, or the newest version of its key. Refuses: NoScene."""
    return _scene(named(shipped_scenes(), key))


@query(may=EVERYBODY)
def scenes_in_force(
    *, territory: str = "", on: date | None = None, key: str = "", viewer: Actor
) -> list[InForceView]:
    """Where which version of which scene holds: on a day, or (without one) then, now and later. By scene, territory and first day.

    `territory` finds what is in force in that very place, not what its province has. Rows that never came to hold are left out.
    """
    rows = (_on(on) if on is not None else SceneInForce.objects.all()).exclude(valid_to=F("valid_from"))
    if territory:
        rows = rows.filter(territory=territory)
    if key:
        rows = rows.filter(Q(scene=key) | Q(version=key))
    return [
        InForceView(
            r.pk, r.scene, r.version, named(shipped_scenes(), r.version).zh, named(shipped_scenes(), r.version).en, r.territory,
            r.valid_from, r.valid_to, r.set_at, r.withdrawn_at,
        )
        for r in rows.order_by("scene", "territory", "valid_from")
    ]  # fmt: skip


def _scene(s: Scene) -> SceneView:
    newest = {(r.direction, c.name): c for r in sorted(shipped(), key=lambda r: r.valid_from) for c in r.checks}
    titles_ = {name: c for (_, name), c in newest.items()}
    return SceneView(
        s.id, s.version, s.valid_from, s.zh, s.en, s.origin, s.measure, s.document, s.article, s.confidence, s.note_zh, s.note_en,
        {d: list(names) for d, names in s.applies.items()}, as_json(s.about), [_check(c) for c in s.checks],
        [
            WeightView(direction, situation, name, titles_[name].zh, titles_[name].en, newest[direction, name].when[situation], letters)
            for direction, weighed in s.weights.items() for name, when in weighed.items() for situation, letters in when.items()
        ],
        [
            InsteadView(i.check, titles_[i.check].zh, titles_[i.check].en, i.zh, i.en, list(i.tiers), as_json(i.criteria))
            for i in s.instead
        ],
        list(s.parameters),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tried:
    """What a scene made of one case: `before` without it, `after` with it; findings that are in the way, or that it let stand in."""

    name: str
    spoke: bool  # whether the scene speaks of such a payment at all
    before: str  # clear | blocked
    after: str
    against_before: list[str]
    against: list[str]
    stood_in: list[str]
    rule_set: str
    findings: tuple[Finding, ...]


def try_scene(
    scene: str, cases: Sequence[Mapping[str, Any]], overrides: Mapping[str, str] | None = None, *, on: date | None = None
) -> list[Tried]:
    """Judge test vectors with and without a scene. Pure but for what is shipped: no database, nothing is written.

    Units:   each case {"name", "direction", "situation", "tier", "territory", "facts": {field: value}}; a fact is written as in JSON: true or
             false, a code, a whole number of its field's unit, a list of codes. What is left out is not known. `territory` may be left out.
             `overrides` {parameter key: decimal text} are values that the territory would set, within the limits of each parameter.
             `on` the day; without it the scene's first.
    Refuses: NoScene, Invalid (names the case and the place), NoRuleSet; of an override NoParameter, NotOverridable, OutsideLimits.
    """
    found = named(shipped_scenes(), scene)
    day = on or found.valid_from
    numbers = parameters.shipped()
    if overrides:
        made = []
        for key, text in overrides.items():
            try:
                value = Decimal(text)
            except InvalidOperation:
                raise Invalid(field=f"overrides.{key}", problem="a decimal number such as 2.5") from None
            numbers.of(key).check_override(value)
            made.append(Value(key, value, numbers.of(key).unit, day, Source("trial", ""), "unverified", None, "trial"))
        numbers = numbers.with_overrides(made)
    return [_tried(n, case, found, numbers, day) for n, case in enumerate(cases)]


_CASE = {"name", "direction", "situation", "tier", "facts"}


def _tried(n: int, case: Mapping[str, Any], scene: Scene, numbers: Any, on: date) -> Tried:
    place = f"cases[{n}]"
    if not isinstance(case, Mapping) or _CASE - set(case):
        raise Invalid(field=place, problem=f"a mapping of {', '.join(sorted(_CASE))}")
    if unknown := set(case) - _CASE - {"territory"}:
        raise Invalid(field=f"{place}.{min(map(str, unknown))}", problem=f"one of {', '.join(sorted(_CASE | {'territory'}))}")
    for name, options in (("direction", ("in", "out")), ("situation", SITUATIONS), ("tier", TIERS)):
        if case[name] not in options:
            raise Invalid(field=f"{place}.{name}", problem=f"one of {', '.join(options)}")
    known = _known(case["facts"], f"{place}.facts")
    known.setdefault("customer_tier", Known(case["tier"]))
    rules = in_force(shipped(), case["direction"], case["situation"], on)
    told = (case["situation"], case["tier"], case.get("territory"), numbers, on)
    before, after = policy.judge_facts(rules, known, *told), policy.judge_facts(rules, known, *told, (scene,))
    return Tried(
        str(case["name"]), bool(after.scenes), before.verdict, after.verdict, [f.name for f in before.in_the_way],
        [f.name for f in after.in_the_way], [f.name for f in after.findings if f.status == "stood_in"], after.rule_set, after.findings,
    )  # fmt: skip


def _known(facts: object, place: str) -> dict[str, Known]:
    if not isinstance(facts, Mapping):
        raise Invalid(field=place, problem="a mapping of facts")
    found: dict[str, Known] = {}
    for name, value in facts.items():
        field = PAYMENT_FIELDS.get(name)
        if field is None:
            raise Invalid(field=f"{place}.{name}", problem=f"one of {', '.join(PAYMENT_FIELDS)}")
        if field.kind is Kind.SET and isinstance(value, Collection) and not isinstance(value, str):
            value = frozenset(value)
        if (why := field.problem(value)) is not None:
            raise Invalid(field=f"{place}.{name}", problem=why)
        found[name] = Known(value)
    return found


# --- words --------------------------------------------------------------------------------------------------------------


def criteria_words(document: Mapping[str, Any], on: date) -> list[str]:
    """What criteria ask, one line each, in the language of the request, with the numbers of the day."""
    language = get_language() or "en"
    numbers = parameters.parameters(viewer=SYSTEM)
    lines = []
    for _path, one in criteria.walk(criteria.parse(dict(document), PAYMENT_FIELDS)):
        field = PAYMENT_FIELDS[one.field]
        wanted = one.value if one.parameter is None else numbers.value(one.parameter, on).in_unit(field.unit)
        if one.field == "transport_route" and isinstance(wanted, tuple):
            known = territories()
            wanted = tuple(
                (known[str(c)].name_zh if language.startswith("zh") else known[str(c)].name_en) if str(c) in known else str(c) for c in wanted
            )
        assert wanted is not None, one
        lines.append(criteria.wording(one, wanted, language))
    return lines


STATUS_NAMES = {
    "met": gettext_noop("agrees"),
    "stood_in": gettext_noop("other evidence stands in"),
    "tolerated": gettext_noop("within the tolerance"),
    "missing": gettext_noop("not known"),
    "mismatch": gettext_noop("does not agree"),
}
WEIGHT_NAMES = {
    "blocks": gettext_noop("in the way"),
    "required": gettext_noop("required"),
    "later": gettext_noop("looked at afterwards, in a sample"),
    "shown": gettext_noop("for information"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """A finding in the reader's language."""

    name: str
    status: str
    weight: str
    wanted: str
    found: str

    def __str__(self) -> str:
        places = {"name": self.name, "status": self.status, "wanted": self.wanted, "found": self.found}
        if self.found and self.wanted:
            return gettext("%(name)s: %(status)s (wanted %(wanted)s, found %(found)s)") % places
        if self.found:
            return gettext("%(name)s: %(status)s (%(found)s)") % places
        return gettext("%(name)s: %(status)s") % places


def findings_words(finding: Finding) -> Words:
    """A finding for people, in the language of the request. Also of a stored one: findings_words(Finding(**stored))."""
    language = get_language() or "en"
    weight = "blocks" if finding.blocks else "required" if finding.required else "later" if finding.later else "shown"
    wanted = _word(finding.field, finding.wanted, language)
    found = _word(finding.field, finding.found, language)
    if finding.wanted == "yes" and finding.found != "no":
        wanted = ""  # that it should be so is said by the check's name
    return Words(
        check_name(finding.name, language), gettext(STATUS_NAMES[finding.status]), gettext(WEIGHT_NAMES[weight]), wanted, found
    )  # fmt: skip


def check_name(name: str, language: str) -> str:
    """What a check is called, by the newest rule set or scene that has it."""
    newest: list[RuleSet | Scene] = sorted([*shipped(), *shipped_scenes()], key=lambda s: s.valid_from, reverse=True)
    for check in (c for s in newest for c in s.checks):
        if check.name == name:
            return check.zh if language.startswith("zh") else check.en
    return name


def _word(field: str, text: str, language: str) -> str:
    """Stored words in the reader's language; data as it is."""
    if text in ("yes", "no"):
        return gettext("yes") if text == "yes" else gettext("no")
    known = EVERY_FIELD.get(field)
    codes = text.split(" / ")
    if known is not None and known.codes and all(any(c.code == code for c in known.codes) for code in codes):
        return ("、" if language.startswith("zh") else ", ").join(known.code_label(code, language) for code in codes)
    return text

