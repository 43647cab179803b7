"""Scenes as data: what a territory adds to the rules of the day, and what it accepts in exchange. Pure but for the reading.

Who: `policy.judge`, through `queries.judge`; replication tries a scene before a territory puts it in force. Refuses: `BadRules`, naming the
file and the place; it is our own mistake. Source: data/checks/scenes/*.yaml, each with its own; domain notes on settlement §9.

A scene speaks only of payments for which its `about` is met, in the situations that it names, and of those

    checks   asks more: checks as in a rule set, each with a measure of its own where it has one
    weights  gives a check of the rules another weight for a grade
    instead  lets a check be satisfied by other evidence, for customers of grade 1 or 2, where what the check asks is missing

What no scene can do, because a file that tries is not read:

    touch UNTOUCHED                       the directory, papers that were taken back, declarations and invoices that are used up
    let a contradiction pass              Y may become P for grades 1 and 2 (then what is missing may follow), and nothing becomes o
    ease anything for grade 3             neither weight nor other evidence
    give a check another meaning          a name that another scene has too is asked in the same words; none takes a name of the rules

So whatever contradicts without a scene contradicts with any of them; test_scenes.py draws scenes and payments to see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

import yaml

from luhai.core.rules.criteria import Criteria, parameter_keys, walk
from luhai.core.rules.parameters import Parameters
from luhai.kernel.refusal import Refusal, gettext_noop

from .rule_sets import (
    DIRECTIONS,
    TIERS,
    WEIGHTS,
    BadRules,
    Check,
    RuleSet,
    read_check,
    read_criteria,
    read_named,
    read_shape,
    read_title,
)

#: Checks that no scene may weigh otherwise, nor let be satisfied by anything else.
UNTOUCHED: Final = frozenset({
    "in_directory", "class_b_amount", "class_c_registered", "deferral", "papers_valid", "declaration_valid", "declaration_open",
    "declaration_unit", "within_declaration", "invoice_unused",
})  # fmt: skip
#: Grades for which other evidence may stand in.
EASED: Final = ("1", "2")


class NoScene(Refusal):
    """Nobody has written such a scene."""

    code = "checks.no_scene"
    status = 404
    message = gettext_noop("There is no scene %(scene)s.")


@dataclass(frozen=True, slots=True)
class Instead:
    """Other evidence for what a check asks."""

    check: str
    zh: str
    en: str
    tiers: tuple[str, ...]
    criteria: Criteria


@dataclass(frozen=True, slots=True)
class Scene:
    """One version of a scene. `applies` names the situations of each direction."""

    id: str
    valid_from: date
    zh: str
    en: str
    origin: str  # where it comes from, GB/T 2260
    measure: str
    document: str
    article: str
    confidence: str
    note_zh: str  # what was found in a source, and what this platform proposes
    note_en: str
    applies: Mapping[str, tuple[str, ...]]
    about: Criteria
    checks: tuple[Check, ...]
    weights: Mapping[str, Mapping[str, Mapping[str, str]]]  # direction → check → situation → three letters
    instead: tuple[Instead, ...]
    file: str

    @property
    def version(self) -> str:
        return f"{self.id}@{self.valid_from.isoformat()}"

    def speaks_of(self, direction: str, situation: str) -> bool:
        return situation in self.applies.get(direction, ())

    @property
    def parameters(self) -> tuple[str, ...]:
        """The keys of all numbers that it compares with."""
        asked = [self.about, *(c.criteria for c in self.checks), *(c.exactly for c in self.checks if c.exactly), *(i.criteria for i in self.instead)]
        return tuple(sorted({key for criteria in asked for key in parameter_keys(criteria)}))


def named(scenes: Iterable[Scene], name: str) -> Scene:
    """By its version; by its key the newest version. Refuses: NoScene."""
    found = [s for s in scenes if name in (s.id, s.version)]
    if not found:
        raise NoScene(scene=str(name)[:80])
    return max(found, key=lambda s: s.valid_from)


def stricter(one: str, other: str) -> str:
    return max(one, other, key=WEIGHTS.index)


# --- reading ------------------------------------------------------------------------------------------------------------


def load(folder: Path, rules: Sequence[RuleSet], parameters: Parameters) -> tuple[Scene, ...]:
    """Every scene of the folder, by version. Refuses a version that is there twice, and a check that means two things."""
    found = [read(path.read_text(encoding="utf-8"), path.name, rules, parameters) for path in sorted(folder.glob("*.yaml"))]
    seen: dict[str, str] = {}
    meant: dict[str, tuple[Scene, Check]] = {}
    for scene in found:
        if scene.version in seen:
            raise BadRules(scene.file, "valid_from", f"begins with {seen[scene.version]}")
        seen[scene.version] = scene.file
        for check in scene.checks:
            first, other = meant.setdefault(check.name, (scene, check))
            if _meaning(check) != _meaning(other):
                raise BadRules(scene.file, f"checks.{check.name}", f"means something else in {first.file}")
    return tuple(sorted(found, key=lambda s: (s.id, s.valid_from)))


def _meaning(check: Check) -> tuple[object, ...]:
    return check.zh, check.en, check.criteria, check.exactly


def read(text: str, file: str, rules: Sequence[RuleSet], parameters: Parameters) -> Scene:
    """One scene, strictly, against every version of the rules over which it may be laid."""
    top = read_shape(
        yaml.safe_load(text), file, "(file)",
        {"id", "valid_from", "title", "origin", "measure", "source", "confidence", "note", "applies", "about", "checks"},
        {"weights", "instead"},
    )  # fmt: skip
    if not isinstance(top["id"], str) or not re.fullmatch(r"[a-z]+(-[a-z]+)*", top["id"]):
        raise BadRules(file, "id", "small letters joined by hyphens are wanted")
    if type(top["valid_from"]) is not date:
        raise BadRules(file, "valid_from", f"{top['valid_from']!r} is not a day such as 2026-01-31")
    if not isinstance(top["origin"], str) or not re.fullmatch(r"[1-9]\d{5}", top["origin"]):
        raise BadRules(file, "origin", "a GB/T 2260 code of six digits in quotes is wanted")
    if not re.fullmatch(r"M\d\d-\d\d", str(top["measure"])):
        raise BadRules(file, "measure", f"{top['measure']!r} is not a measure such as M14-03")
    if top["confidence"] not in ("verified", "unverified"):
        raise BadRules(file, "confidence", "verified or unverified is wanted")
    source = read_shape(top["source"], file, "source", {"document", "article"})
    zh, en = read_title(top["title"], file, "title")
    note = read_shape(top["note"], file, "note", {"zh", "en"})
    applies = _applies(top["applies"], file, rules)
    situations = {name: rules[0].situations[name] for names in applies.values() for name in names}
    checks = []
    for name, entry in read_named(top["checks"], file, "checks"):
        if any(c.name == name for s in rules for c in s.checks):
            raise BadRules(file, f"checks.{name}", "the rules have a check of this name")
        check = read_check(name, {"measure": top["measure"], **entry} if isinstance(entry, dict) else entry, file, situations, parameters)
        checks.append(check)
    return Scene(
        top["id"], top["valid_from"], zh, en, top["origin"], top["measure"], str(source["document"]), str(source["article"]),
        top["confidence"], str(note["zh"]), str(note["en"]), applies, read_criteria(top["about"], file, "about", parameters), tuple(checks),
        _weights(top.get("weights", {}), file, applies, rules), _instead(top.get("instead", {}), file, applies, rules, parameters), file,
    )  # fmt: skip


def _applies(entry: object, file: str, rules: Sequence[RuleSet]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for direction, situations in read_named(entry, file, "applies"):
        place = f"applies.{direction}"
        if direction not in DIRECTIONS:
            raise BadRules(file, place, f"one of {', '.join(DIRECTIONS)} is wanted")
        known = {name for s in rules if s.direction == direction for name in s.situations}
        if not isinstance(situations, list) or not situations or len(set(map(str, situations))) != len(situations):
            raise BadRules(file, place, "a list of situations, each once, is wanted")
        for situation in situations:
            if situation not in known:
                raise BadRules(file, place, f"{situation!r} is not one of {', '.join(sorted(known))}")
        found[direction] = tuple(situations)
    return MappingProxyType(found)


def _touchable(name: str, file: str, place: str) -> None:
    if name in UNTOUCHED:
        raise BadRules(file, place, "no scene may touch this check")


def _weights(
    entry: object, file: str, applies: Mapping[str, tuple[str, ...]], rules: Sequence[RuleSet]
) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = {}
    if entry == {}:
        return MappingProxyType(found)
    for direction, weighed in read_named(entry, file, "weights"):
        for name, when in read_named(weighed, file, f"weights.{direction}"):
            _touchable(name, file, f"weights.{direction}.{name}")
            for situation, letters in read_named(when, file, f"weights.{direction}.{name}"):
                place = f"weights.{direction}.{name}.{situation}"
                if situation not in applies.get(direction, ()):
                    raise BadRules(file, place, "the scene does not speak of this situation")
                if not isinstance(letters, str) or not re.fullmatch(rf"[{WEIGHTS}]{{3}}", letters):
                    raise BadRules(file, place, f"three of {', '.join(WEIGHTS)} are wanted, such as PYY")
                if list(letters) != sorted(letters, key=WEIGHTS.index):
                    raise BadRules(file, place, "a grade is let off what a better one must do")
                for before in _before(name, direction, situation, file, place, rules):
                    _no_milder(before, letters, file, place)
                found.setdefault(direction, {}).setdefault(name, {})[situation] = letters
    return MappingProxyType({d: MappingProxyType({n: MappingProxyType(w) for n, w in c.items()}) for d, c in found.items()})


def _before(name: str, direction: str, situation: str, file: str, place: str, rules: Sequence[RuleSet]) -> list[str]:
    """The weights of a check in every version of the rules; each must have it."""
    found = []
    for one in (s for s in rules if s.direction == direction):
        check = next((c for c in one.checks if c.name == name), None)
        if check is None or situation not in check.when:
            raise BadRules(file, place, f"{one.version} does not ask this check then")
        found.append(check.when[situation])
    return found


def _no_milder(before: str, letters: str, file: str, place: str) -> None:
    for tier, was, now in zip(TIERS, before, letters, strict=True):
        if WEIGHTS.index(now) >= WEIGHTS.index(was):
            continue
        if tier not in EASED:
            raise BadRules(file, place, f"nothing is eased for grade {tier}")
        if (was, now) != ("Y", "P"):
            raise BadRules(file, place, f"{was} may not become {now}: what contradicts stays in the way")


def _instead(
    entry: object, file: str, applies: Mapping[str, tuple[str, ...]], rules: Sequence[RuleSet], parameters: Parameters
) -> tuple[Instead, ...]:
    if entry == {}:
        return ()
    found = []
    known = {c.name for s in rules if s.direction in applies for c in s.checks if set(c.when) & set(applies[s.direction])}
    for name, given in read_named(entry, file, "instead"):
        place = f"instead.{name}"
        _touchable(name, file, place)
        if name not in known:
            raise BadRules(file, place, "no rules that the scene speaks of ask this check")
        read = read_shape(given, file, place, {"title", "tiers", "criteria"})
        tiers = read["tiers"]
        if not isinstance(tiers, list) or not tiers or not set(map(str, tiers)) <= set(EASED):
            raise BadRules(file, f"{place}.tiers", f"a list of grades from {', '.join(EASED)}, in quotes, is wanted")
        criteria = read_criteria(read["criteria"], file, f"{place}.criteria", parameters)
        if not any(True for _ in walk(criteria)):
            raise BadRules(file, f"{place}.criteria", "at least one criterion is wanted: nothing stands in for nothing")
        found.append(Instead(name, *read_title(read["title"], file, place), tuple(sorted(map(str, tiers))), criteria))
    return tuple(found)

