"""Numbers that the law or the operator sets: by key, day and territory, each with its source and its confidence.

Who: everybody reads them (`Parameters.value`); a province or a supervisor overrides one for a territory within the
limits that the file declares (`with_overrides`; the command is `commands.override_parameter`).
Units: the unit of the file (`UNITS`); `in_unit` converts exactly to the unit of a field or refuses.
Refuses: a file with an unknown key, a number not in quotes, a value without a source or a date (`BadFile`, naming file
and key); a key nobody declared (`NoParameter`); a day before the first value (`NoValueThen`).
Source: `data/parameters/*.yaml`. `verified` means that the text was seen in a source; `unverified` must be checked
with the issuer before it decides about anybody's money. `nature: convention` marks what this project chose itself.

A file:

    defaults: {unit: CNY_10k, nature: law}          # optional, for every key below
    parameters:
      inclusive_finance.credit_cap:
        title: {zh: 普惠小微授信上限, en: Credit line up to which a loan counts as inclusive}
        unit: CNY_10k
        override: {min: "500", max: "2000"}         # optional: only such a key may be overridden
        values:
          - {valid_from: 2019-01-02, value: "1000", source: {document: …, article: …}, confidence: verified}
          - {valid_from: 2024-01-01, value: "900", territory: "540000", source: …, confidence: …}

For a day and a territory the answer is the newest value on or before the day, looked for at the territory, then at
what it lies within (city, then province), then for the whole country; an override comes before the file's own value
at the same level when it begins later or on the same day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, Final

import yaml

from luhai.kernel.refusal import Absent, Invalid, Refusal, gettext_noop

from .fields import lineage

#: unit → (what it measures, how many of the smallest unit it is)
UNITS: Final[Mapping[str, tuple[str, Fraction]]] = {
    "CNY_minor": ("money", Fraction(1)),
    "CNY": ("money", Fraction(100)),
    "CNY_10k": ("money", Fraction(1_000_000)),
    "bp": ("share", Fraction(1)),
    "percent": ("share", Fraction(100)),
    "bp_per_day": ("daily rate", Fraction(1)),
    "hours": ("duration", Fraction(1)),
    "days": ("days", Fraction(1)),
    "working_days": ("working days", Fraction(1)),
    "months": ("months", Fraction(1)),
    "years": ("months", Fraction(12)),
    "people": ("people", Fraction(1)),
    "points": ("points", Fraction(1)),
    "shipments": ("shipments", Fraction(1)),
    "banks": ("banks", Fraction(1)),
    "count": ("count", Fraction(1)),
}
#: In which unit the fields of `fields` count what a parameter measures.
COMPARED_IN: Final = {
    "money": "CNY_minor",
    "share": "bp",
    "days": "days",
    "months": "months",
    "people": "people",
    "points": "points",
    "shipments": "shipments",
}
CONFIDENCES: Final = ("verified", "unverified")
NATURES: Final = ("law", "convention")


class NoParameter(Absent):
    message: ClassVar[str] = gettext_noop("No parameter is called %(key)s.")

    def __init__(self, key: str) -> None:
        super().__init__(kind="parameter", key=key)


class NoValueThen(Refusal):
    """The parameter exists, but no value is known for that day."""

    code = "no_value_then"
    status = 404
    message = gettext_noop("%(key)s has no value on %(on)s; its first value begins on %(first)s.")


class OutsideLimits(Refusal):
    """An override that the parameter's declaration does not allow."""

    code = "outside_limits"
    status = 422
    message = gettext_noop("%(key)s may be set from %(least)s to %(most)s %(unit)s, not to %(value)s.")


class NotOverridable(Refusal):
    code = "not_overridable"
    status = 422
    message = gettext_noop("%(key)s is the same everywhere and may not be overridden.")


class BadFile(Exception):
    """A parameter file that may not be shipped. It is our own mistake, not a caller's."""

    def __init__(self, file: str, key: str, problem: str) -> None:
        super().__init__(f"{file}: {key}: {problem}")
        self.file, self.key, self.problem = file, key, problem


@dataclass(frozen=True, slots=True)
class Source:
    document: str
    article: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """One dated value. `territory` is None for the whole country; `by` is set for an override made at run time."""

    key: str
    value: Decimal
    unit: str
    valid_from: date
    source: Source
    confidence: str
    territory: str | None = None
    by: str = ""

    def in_unit(self, unit: str) -> int:
        """The value as a whole number of `unit`. Refused when the units do not measure the same, or not exactly."""
        mine, wanted = UNITS[self.unit], UNITS.get(unit)
        if wanted is None or wanted[0] != mine[0]:
            raise Invalid(
                field="parameter",
                problem=f"{self.key} is in {self.unit}, which cannot be compared with {unit}",
            )
        exact = Fraction(self.value) * mine[1] / wanted[1]
        if exact.denominator != 1:
            raise Invalid(field="parameter", problem=f"{self.key} is not a whole number of {unit}")
        return exact.numerator


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a key means, its values in order of day, and the limits within which a territory may override it."""

    key: str
    title_zh: str
    title_en: str
    unit: str
    nature: str
    file: str
    values: tuple[Value, ...]
    least: Decimal | None = None
    most: Decimal | None = None

    @property
    def overridable(self) -> bool:
        return self.least is not None

    def check_override(self, value: Decimal) -> None:
        """Refuse a value outside the declared limits, or any value when none are declared."""
        if self.least is None or self.most is None:
            raise NotOverridable(key=self.key)
        if not value.is_finite() or not self.least <= value <= self.most:
            raise OutsideLimits(
                key=self.key, least=str(self.least), most=str(self.most), unit=self.unit, value=str(value)
            )


class Parameters:
    """All parameters. Immutable; `with_overrides` gives a new one."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self._by_key = {p.key: p for p in sorted(parameters, key=lambda p: p.key)}
        self._numbers: dict[tuple[date, str | None], dict[str, int]] = {}

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, key: str) -> bool:
        return key in self._by_key

    def of(self, key: str) -> Parameter:
        try:
            return self._by_key[key]
        except KeyError:
            raise NoParameter(key) from None

    def value(self, key: str, on: date, territory: str | None = None) -> Value:
        parameter = self.of(key)
        begun = [v for v in parameter.values if v.valid_from <= on]
        for place in (*(lineage("territory", territory) if territory else ()), None):
            here = [v for v in begun if v.territory == place]
            if here:
                # Values are in order of day; of two that begin together, the override (added last) holds.
                return here[-1]
        first = parameter.values[0].valid_from
        raise NoValueThen(key=key, on=on.isoformat(), first=first.isoformat())

    def numbers(self, on: date, territory: str | None = None) -> Mapping[str, int]:
        """Every parameter that has a value then and there, as the whole number that criteria compare with."""
        known = self._numbers.get((on, territory))
        if known is None:
            known = {}
            for key, parameter in self._by_key.items():
                unit = COMPARED_IN.get(UNITS[parameter.unit][0])
                if unit is not None and any(v.valid_from <= on for v in parameter.values):
                    try:
                        known[key] = self.value(key, on, territory).in_unit(unit)
                    except (NoValueThen, Invalid):
                        continue
            if len(self._numbers) >= 256:
                self._numbers.clear()
            self._numbers[on, territory] = known
        return known

    def territories(self, key: str) -> frozenset[str]:
        """The places that have a value of their own."""
        return frozenset(v.territory for v in self.of(key).values if v.territory is not None)

    def with_overrides(self, overrides: Iterable[Value]) -> Parameters:
        """Add run-time values. Limits were checked when they were made; they are checked again here."""
        added: dict[str, list[Value]] = {}
        for value in overrides:
            self.of(value.key).check_override(value.value)
            added.setdefault(value.key, []).append(value)
        return Parameters(
            Parameter(
                p.key, p.title_zh, p.title_en, p.unit, p.nature, p.file,
                tuple(sorted((*p.values, *added.get(p.key, ())), key=lambda v: (v.valid_from, v.by != ""))),
                p.least, p.most,
            )
            for p in self._by_key.values()
        )  # fmt: skip


def load(folder: Path) -> Parameters:
    """Read every `*.yaml` of the folder. A key declared twice is refused too."""
    found: dict[str, Parameter] = {}
    for path in sorted(folder.glob("*.yaml")):
        for parameter in read(path.read_text(encoding="utf-8"), path.name):
            if parameter.key in found:
                raise BadFile(path.name, parameter.key, f"already declared in {found[parameter.key].file}")
            found[parameter.key] = parameter
    return Parameters(found.values())


def read(text: str, file: str) -> list[Parameter]:
    """The parameters of one file, strictly."""
    document = yaml.safe_load(text)
    _shape(document, {"defaults", "parameters"}, {"parameters"}, file, "(file)")
    defaults = document.get("defaults") or {}
    _shape(defaults, {"unit", "nature", "source", "confidence", "valid_from"}, set(), file, "defaults")
    return [_parameter(key, entry, defaults, file) for key, entry in document["parameters"].items()]


def _parameter(key: str, entry: object, defaults: Mapping[str, object], file: str) -> Parameter:
    if not isinstance(key, str) or not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", key):
        raise BadFile(
            file, str(key), "a key is words in small letters joined by dots, such as subject.number"
        )
    entry = _shape(entry, {"title", "unit", "nature", "override", "values"}, {"title", "values"}, file, key)
    title = _shape(entry["title"], {"zh", "en"}, {"zh", "en"}, file, key)
    unit = entry.get("unit", defaults.get("unit"))
    if unit not in UNITS:
        raise BadFile(file, key, f"unit {unit!r} is not one of {', '.join(UNITS)}")
    nature = entry.get("nature", defaults.get("nature", "law"))
    if nature not in NATURES:
        raise BadFile(file, key, f"nature {nature!r} is not one of {', '.join(NATURES)}")
    least = most = None
    if "override" in entry:
        limits = _shape(entry["override"], {"min", "max"}, {"min", "max"}, file, key)
        least, most = _number(limits["min"], file, key), _number(limits["max"], file, key)
        if least > most:
            raise BadFile(file, key, f"override: min {least} is above max {most}")
    values = entry["values"]
    if not isinstance(values, list) or not values:
        raise BadFile(file, key, "values: a list with at least one dated value is wanted")
    dated = sorted((_value(key, str(unit), v, defaults, file) for v in values), key=lambda v: v.valid_from)
    if len({(v.valid_from, v.territory) for v in dated}) < len(dated):
        raise BadFile(file, key, "two values begin on the same day for the same territory")
    return Parameter(
        key, str(title["zh"]), str(title["en"]), str(unit), str(nature), file, tuple(dated), least, most
    )  # fmt: skip


def _value(key: str, unit: str, entry: object, defaults: Mapping[str, object], file: str) -> Value:
    allowed = {"valid_from", "value", "territory", "source", "confidence"}
    entry = _shape(entry, allowed, {"value"}, file, key)
    source = entry.get("source", defaults.get("source"))
    if not source:
        raise BadFile(file, key, "a value without a source")
    source = _shape(source, {"document", "article", "url"}, {"document"}, file, key)
    confidence = entry.get("confidence", defaults.get("confidence"))
    if confidence not in CONFIDENCES:
        raise BadFile(file, key, f"confidence {confidence!r} is not one of {', '.join(CONFIDENCES)}")
    valid_from = entry.get("valid_from", defaults.get("valid_from"))
    if type(valid_from) is not date:
        raise BadFile(file, key, f"valid_from {valid_from!r} is not a day such as 2026-01-31")
    territory = entry.get("territory")
    if territory is not None and (
        not isinstance(territory, str) or not re.fullmatch(r"[1-9]\d{5}", territory)
    ):
        raise BadFile(file, key, f"territory {territory!r} is not a GB/T 2260 code in quotes")
    return Value(
        key,
        _number(entry["value"], file, key),
        unit,
        valid_from,
        Source(**{k: str(v) for k, v in source.items()}),
        str(confidence),
        territory,
    )


def _shape(entry: object, allowed: set[str], wanted: set[str], file: str, key: str) -> dict[str, object]:
    if not isinstance(entry, dict):
        raise BadFile(file, key, f"a mapping of {', '.join(sorted(allowed))} is wanted, not {entry!r}")
    if unknown := set(map(str, entry)) - allowed:
        raise BadFile(
            file, key, f"unknown key {', '.join(sorted(unknown))}; known are {', '.join(sorted(allowed))}"
        )
    if missing := {k for k in wanted if entry.get(k) in (None, "")}:
        raise BadFile(file, key, f"missing {', '.join(sorted(missing))}")
    return entry


def _number(value: object, file: str, key: str) -> Decimal:
    if not isinstance(value, str):
        raise BadFile(file, key, f"{value!r} must be a number in quotes, so that no digit is lost")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise BadFile(file, key, f"{value!r} is not a number") from None
    if not number.is_finite():
        raise BadFile(file, key, f"{value!r} is not a number")
    return number
