"""Everything that can be asked about checks and grades. Answers are plain values, never ORM rows.

`judge` and `grade_of` are plain functions for the commands of others: they look at everything, as the system, and write nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils.translation import get_language, gettext

from luhai.core.evidence import queries as evidence
from luhai.core.parties import queries as parties
from luhai.core.rules import queries as parameters
from luhai.core.rules.criteria import as_json
from luhai.core.rules.fields import EVERY_FIELD
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import gettext_noop
from luhai.shell.api import cursor_of, instant, read_cursor
from luhai.shell.context import acting
from luhai.shell.query import EVERYBODY, query

from . import policy
from .lifecycle import COUNTED
from .models import Basis, Grade
from .policy import Customer, Finding, Judgement, Paper, Said
from .rule_sets import RuleSet, in_force, load

#: Registers by whose numbers a company is told from others on papers.
_NUMBERS = ("uscc", "lei", "org_code")
DEFAULT_TIER = "2"


# --- the judgement ------------------------------------------------------------------------------------------------------


def judge(*, said: Said, papers: Sequence[UUID], bank_id: UUID, company_id: UUID, on: date) -> Judgement:
    """Hold a payment of the company at the bank against these papers of the register, by the rules of the day.

    Who:     the bank's command on the payment; this looks at all papers and at the register of uses, as the system.
    Units:   `said` in minor units of its currency. `papers` are evidence ids, in any order.
    Writes:  nothing. Whoever credits on it draws `declaration_id` for settlement in the same transaction, and there the room counts.
    Refuses: Invalid (`said`), Absent (a paper or a party), NoRuleSet, NoValueThen.
    Source:  domain notes on settlement §1.2, §1.3; measure M08-01.
    """
    said.check()
    rules = in_force(shipped(), said.direction, said.situation, on)
    with acting(SYSTEM):
        customer = _customer(bank_id, company_id, on)
        held = [_paper(key) for key in dict.fromkeys(papers)]
        return policy.judge(rules, said, held, customer, parameters.parameters(viewer=SYSTEM), on)


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
    return Paper(
        facts.evidence_id, facts.kind, facts.external_ref, facts.state == "live", facts.status, facts.amount_minor,
        facts.currency, facts.dated, tuple(_named(*p) for p in piece.parties), facts.references,
        evidence.remaining(evidence_id=evidence_id, viewer=SYSTEM).settlement_left, view.lot_id,
    )  # fmt: skip


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
        [
            CheckView(c.name, c.zh, c.en, c.measure, dict(c.when), as_json(c.criteria), as_json(c.exactly) if c.exactly else None)
            for c in s.checks
        ],
    )  # fmt: skip


STATUS_NAMES = {
    "met": gettext_noop("agrees"),
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
    """What a check is called, by the newest rule set that has it."""
    newest = sorted(shipped(), key=lambda s: s.valid_from, reverse=True)
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

