"""Rule sets as data: what a goods payment is held against, by direction, situation and grade of the customer. Pure but for the reading.

Who: `policy.judge`, and everybody who wants to read the rules. Refuses: `BadRules`, naming the file and the place; it is our own mistake.
Source: data/checks/*.yaml, each with its own. A file is one version and never changes once it was in force; a new version is a new file.

A check asks its criteria (core/rules, over the payment's facts; numbers are parameters). Where `exactly` is stricter than `criteria`, what
passes only the second is tolerated. `when` says for each situation how much weight the check has for a customer of grade 1, 2 and 3:

    Y   must be met before the money is credited or sent
    P   may be missing and is then looked at afterwards, in a sample; what is there and contradicts stands in the way all the same
    o   is shown and stands in nobody's way

A grade is never let off what a better one must do. A situation that is not named is not asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from luhai.core.rules import criteria as rules
from luhai.core.rules.criteria import Criteria
from luhai.core.rules.fields import PAYMENT_FIELDS
from luhai.core.rules.parameters import Parameters
from luhai.kernel.refusal import Invalid, Refusal, gettext_noop

DIRECTIONS: Final = ("in", "out")
SITUATIONS: Final = ("goods_after_shipment", "goods_advance", "goods_collection", "goods_refund")
TIERS: Final = ("1", "2", "3")
#: From the mildest.
WEIGHTS: Final = "oPY"


class NoRuleSet(Refusal):
    """Nothing is known to check such a payment by on that day."""

    code = "checks.no_rule_set"
    status = 422
    message = gettext_noop("No rule set checks %(direction)s %(situation)s on %(on)s.")


class BadRules(Exception):
    """A rule set that may not be shipped."""

    def __init__(self, file: str, place: str, problem: str) -> None:
        super().__init__(f"{file}: {place}: {problem}")
        self.file, self.place, self.problem = file, place, problem


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    zh: str
    en: str
    criteria: Criteria
    exactly: Criteria | None
    measure: str | None
    when: Mapping[str, str]  # situation → three weights

    def weight(self, situation: str, tier: str) -> str | None:
        """Y, P or o; None where the check is not asked."""
        letters = self.when.get(situation)
        return letters[TIERS.index(tier)] if letters else None


@dataclass(frozen=True, slots=True)
class Situation:
    name: str
    zh: str
    en: str
    uses_declaration: bool  # whether the payment is recorded against a customs declaration


@dataclass(frozen=True, slots=True)
class RuleSet:
    id: str
    valid_from: date
    direction: str
    zh: str
    en: str
    document: str
    article: str
    confidence: str
    situations: Mapping[str, Situation]
    checks: tuple[Check, ...]
    file: str

    @property
    def version(self) -> str:
        return f"{self.id}@{self.valid_from.isoformat()}"


def in_force(sets: Iterable[RuleSet], direction: str, situation: str, on: date) -> RuleSet:
    """The newest version for this direction that began on or before the day. Refuses: NoRuleSet."""
    begun = [s for s in sets if s.direction == direction and s.valid_from <= on]
    newest = max(begun, key=lambda s: s.valid_from, default=None)
    if newest is None or situation not in newest.situations:
        raise NoRuleSet(direction=direction, situation=situation, on=on.isoformat())
    return newest


def load(folder: Path, parameters: Parameters) -> tuple[RuleSet, ...]:
    """Every rule set of the folder, by version. Refuses two that begin together for one direction, and names that change their meaning."""
    found = [read(path.read_text(encoding="utf-8"), path.name, parameters) for path in sorted(folder.glob("*.yaml"))]
    seen: dict[tuple[str, date], str] = {}
    for one in found:
        if (one.direction, one.valid_from) in seen:
            raise BadRules(one.file, "valid_from", f"begins with {seen[one.direction, one.valid_from]}")
        seen[one.direction, one.valid_from] = one.file
    return tuple(sorted(found, key=lambda s: (s.id, s.valid_from)))


def read(text: str, file: str, parameters: Parameters) -> RuleSet:
    """One rule set, strictly."""
    top = read_shape(
        yaml.safe_load(text), file, "(file)",
        {"id", "valid_from", "direction", "title", "source", "confidence", "situations", "checks"},
    )  # fmt: skip
    if not isinstance(top["id"], str) or not re.fullmatch(r"[a-z]+(-[a-z]+)*", top["id"]):
        raise BadRules(file, "id", "small letters joined by hyphens are wanted")
    if type(top["valid_from"]) is not date:
        raise BadRules(file, "valid_from", f"{top['valid_from']!r} is not a day such as 2026-01-31")
    if top["direction"] not in DIRECTIONS:
        raise BadRules(file, "direction", f"one of {', '.join(DIRECTIONS)} is wanted")
    if top["confidence"] not in ("verified", "unverified"):
        raise BadRules(file, "confidence", "verified or unverified is wanted")
    source = read_shape(top["source"], file, "source", {"document", "article"})
    zh, en = read_title(top["title"], file, "title")
    situations = {name: _situation(name, entry, file) for name, entry in read_named(top["situations"], file, "situations")}
    checks = tuple(
        read_check(name, entry, file, situations, parameters) for name, entry in read_named(top["checks"], file, "checks")
    )
    for name in situations:
        if not any("Y" in c.when.get(name, "") for c in checks):
            raise BadRules(file, f"situations.{name}", "no check is required of anybody")
    return RuleSet(
        top["id"], top["valid_from"], top["direction"], zh, en, str(source["document"]), str(source["article"]),
        top["confidence"], MappingProxyType(situations), checks, file,
    )  # fmt: skip


def _situation(name: str, entry: object, file: str) -> Situation:
    place = f"situations.{name}"
    if name not in SITUATIONS:
        raise BadRules(file, place, f"one of {', '.join(SITUATIONS)} is wanted")
    read = read_shape(entry, file, place, {"title", "declaration"})
    if read["declaration"] not in ("used", "none"):
        raise BadRules(file, f"{place}.declaration", "used or none is wanted")
    return Situation(name, *read_title(read["title"], file, place), read["declaration"] == "used")


def read_check(
    name: str, entry: object, file: str, situations: Mapping[str, Situation], parameters: Parameters
) -> Check:
    place = f"checks.{name}"
    read = read_shape(entry, file, place, {"title", "when", "criteria"}, {"exactly", "measure"})
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name):
        raise BadRules(file, place, "small letters joined by underscores are wanted")
    when: dict[str, str] = {}
    for situation, letters in read_named(read["when"], file, f"{place}.when"):
        if situation not in situations:
            raise BadRules(file, f"{place}.when.{situation}", "the rule set has no such situation")
        if not isinstance(letters, str) or not re.fullmatch(rf"[{WEIGHTS}]{{3}}", letters):
            raise BadRules(file, f"{place}.when.{situation}", f"three of {', '.join(WEIGHTS)} are wanted, such as PYY")
        if list(letters) != sorted(letters, key=WEIGHTS.index):
            raise BadRules(file, f"{place}.when.{situation}", "a grade is let off what a better one must do")
        when[situation] = letters
    measure = read.get("measure")
    if measure is not None and not re.fullmatch(r"M\d\d-\d\d", str(measure)):
        raise BadRules(file, f"{place}.measure", f"{measure!r} is not a measure such as M08-01")
    asked = read_criteria(read["criteria"], file, f"{place}.criteria", parameters)
    exact = read_criteria(read["exactly"], file, f"{place}.exactly", parameters) if "exactly" in read else None
    return Check(name, *read_title(read["title"], file, place), asked, exact, measure, MappingProxyType(when))


def read_criteria(document: object, file: str, place: str, parameters: Parameters) -> Criteria:
    try:
        read = rules.parse(document, PAYMENT_FIELDS)
        rules.check_parameters(read, parameters)
    except Invalid as no:
        raise BadRules(file, f"{place}.{no.facts['field']}", str(no.facts["problem"])) from None
    for path, criterion in rules.walk(read):
        # A legal number is a dated parameter. Nothing at all, and a code, are no numbers.
        if isinstance(criterion.value, int) and not isinstance(criterion.value, bool) and criterion.value != 0:
            raise BadRules(file, f"{place}.{path}", "a parameter is wanted instead of a number")
        if isinstance(criterion.value, tuple) and any(isinstance(v, int) for v in criterion.value):
            raise BadRules(file, f"{place}.{path}", "a parameter is wanted instead of a number")
    return read


def read_named(entry: object, file: str, place: str) -> list[tuple[str, Any]]:
    if not isinstance(entry, dict) or not entry or not all(isinstance(k, str) for k in entry):
        raise BadRules(file, place, "a mapping by name is wanted")
    return list(entry.items())


def read_title(entry: object, file: str, place: str) -> tuple[str, str]:
    read = read_shape(entry, file, f"{place}.title" if place != "title" else place, {"zh", "en"})
    return str(read["zh"]), str(read["en"])


def read_shape(
    entry: object, file: str, place: str, wanted: set[str], also: Iterable[str] = ()
) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise BadRules(file, place, f"a mapping of {', '.join(sorted(wanted))} is wanted")
    if unknown := set(map(str, entry)) - wanted - set(also):
        raise BadRules(file, place, f"unknown key {', '.join(sorted(unknown))}")
    if missing := {k for k in wanted if entry.get(k) in (None, "")}:
        raise BadRules(file, place, f"missing {', '.join(sorted(missing))}")
    return entry
