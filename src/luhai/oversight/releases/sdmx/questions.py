"""What a data question asks for, read from its path and parameters as SDMX REST 2 writes them. Pure.

    key                M.500000.loans_drawn.*.*.*.CNY.*.*.*.*     one value or `*` for each dimension, in the order of the key;
                                                                  several keys with commas between them; `*` alone is everything
    c[REF_AREA]=500000,450000        one of these
    c[TIME_PERIOD]=ge:2026-01+le:2026-06        both hold; eq ne lt le gt ge co nc sw ew

Refuses: BadQuestion, naming the parameter and what would be right.
Source: SDMX REST 2.2, data queries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from .structure import ORDER, TIME, VALUE

OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "eq": lambda have, want: have == want, "ne": lambda have, want: have != want, "lt": lambda have, want: have < want,
    "le": lambda have, want: have <= want, "gt": lambda have, want: have > want, "ge": lambda have, want: have >= want,
    "co": lambda have, want: want in have, "nc": lambda have, want: want not in have, "sw": lambda have, want: have.startswith(want),
    "ew": lambda have, want: have.endswith(want),
}  # fmt: skip
ATTRIBUTES: Final = ("UNIT_MEASURE", "UNIT_MULT", "DECIMALS", "OBS_STATUS", "CONF_STATUS", "VINTAGE", "PUBLISHED", "METHOD_REF")
SERIES_ATTRIBUTES: Final = ATTRIBUTES[:3]
OBSERVATION_ATTRIBUTES: Final = ATTRIBUTES[3:]
FLAT: Final = "AllDimensions"
KNOWN: Final = {
    "attributes", "measures", "dimensionAtObservation", "firstNObservations", "lastNObservations", "includeHistory", "asOf", "updatedAfter",
    "format", "references", "detail",
}  # fmt: skip
VALUES_MAX: Final = 500


class BadQuestion(Exception):
    """A question that cannot be understood: which parameter, and what would be right."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"{parameter}: {problem}")
        self.parameter, self.problem = parameter, problem


@dataclass(frozen=True, slots=True)
class Condition:
    """One component must stand so to one of the values."""

    component: str
    operator: str
    values: tuple[str, ...]

    def holds(self, have: str) -> bool:
        test = OPERATORS[self.operator]
        many = all if self.operator in {"ne", "nc"} else any
        return many(test(have, want) for want in self.values)


@dataclass(frozen=True, slots=True)
class Question:
    """What is wanted. `keys`: alternatives, each with a set of values or None (whatever) per dimension; none: everything."""

    keys: tuple[tuple[str | None, ...], ...] = ()
    conditions: tuple[Condition, ...] = ()
    attributes: tuple[str, ...] = ATTRIBUTES
    measures: bool = True
    at_observation: str = TIME
    first: int | None = None
    last: int | None = None
    history: bool = False
    as_of: datetime | None = None
    updated_after: datetime | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def wants(self, key: tuple[str, ...], period: str) -> bool:
        """Whether an observation with this series key and period is asked for."""
        if self.keys and not any(all(w in (None, h) for w, h in zip(k, key, strict=True)) for k in self.keys):
            return False
        have = dict(zip(ORDER, key, strict=True)) | {TIME: period}
        return all(c.holds(have[c.component]) for c in self.conditions)


def read(key: str, parameters: Mapping[str, list[str]]) -> Question:
    """A question from the key of its path and its parameters (each with all its values). Refuses: BadQuestion."""
    conditions: list[Condition] = []
    for name, values in parameters.items():
        found = re.fullmatch(r"c\[([A-Z_]+)\]", name)
        if found is None:
            if name not in KNOWN:
                raise BadQuestion(name, f"not a parameter of a data query; there are c[…], {', '.join(sorted(KNOWN))}")
            continue
        if found[1] not in {*ORDER, TIME}:
            raise BadQuestion(name, f"not a dimension; one of {', '.join([*ORDER, TIME])}")
        for value in values:
            conditions += [_condition(found[1], part) for part in re.split(r"[+ ]", value)]  # a bare + arrives as a blank
    one = {name: values[-1] for name, values in parameters.items()}
    flat = one.get("dimensionAtObservation", TIME)
    if flat not in {TIME, FLAT}:
        raise BadQuestion("dimensionAtObservation", f"{TIME} or {FLAT}")
    return Question(
        _keys(key), tuple(conditions), _attributes(one.get("attributes", "dsd")), _measures(one.get("measures", "all")), flat,
        _count(one, "firstNObservations"), _count(one, "lastNObservations"), _flag(one, "includeHistory"),
        _instant(one, "asOf"), _instant(one, "updatedAfter"),
    )  # fmt: skip


def _keys(text: str) -> tuple[tuple[str | None, ...], ...]:
    if text in {"", "*", "all"}:
        return ()
    found = []
    for key in text.split(","):
        parts = key.split(".")
        if len(parts) != len(ORDER):
            raise BadQuestion("key", f"{len(ORDER)} values with dots between them ({'.'.join(ORDER)}), * for any; this has {len(parts)}")
        found.append(tuple(None if p in {"*", ""} else p for p in parts))
    if len(found) > VALUES_MAX:
        raise BadQuestion("key", f"at most {VALUES_MAX} keys")
    return tuple(found)


def _condition(component: str, text: str) -> Condition:
    operator, mark, rest = text.partition(":")
    if not mark:
        operator, rest = "eq", text
    if operator not in OPERATORS:
        raise BadQuestion(f"c[{component}]", f"an operator of {' '.join(OPERATORS)}, a colon and a value")
    values = []
    for value in rest.split(","):
        prefix, again, last = value.partition(":")
        values.append(last if again and prefix == operator else value)
    if not all(values):
        raise BadQuestion(f"c[{component}]", "a value, or several with commas between them")
    if len(values) > VALUES_MAX:
        raise BadQuestion(f"c[{component}]", f"at most {VALUES_MAX} values")
    return Condition(component, operator, tuple(values))


def _attributes(text: str) -> tuple[str, ...]:
    named = {"dsd": ATTRIBUTES, "all": ATTRIBUTES, "series": SERIES_ATTRIBUTES, "obs": OBSERVATION_ATTRIBUTES, "none": (), "dataset": (), "msd": ()}
    if text in named:
        return named[text]
    asked = text.split(",")
    if not set(asked) <= set(ATTRIBUTES):
        raise BadQuestion("attributes", f"{', '.join(named)}, or of {', '.join(ATTRIBUTES)}")
    return tuple(a for a in ATTRIBUTES if a in asked)


def _measures(text: str) -> bool:
    if text not in {"all", "none", VALUE}:
        raise BadQuestion("measures", f"all, none or {VALUE}")
    return text != "none"


def _count(one: Mapping[str, str], name: str) -> int | None:
    if name not in one:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,5}", one[name], re.ASCII):
        raise BadQuestion(name, "a whole number from 1")
    return int(one[name])


def _flag(one: Mapping[str, str], name: str) -> bool:
    if one.get(name, "false") not in {"true", "false"}:
        raise BadQuestion(name, "true or false")
    return one.get(name) == "true"


def _instant(one: Mapping[str, str], name: str) -> datetime | None:
    if name not in one:
        return None
    try:
        found = datetime.fromisoformat(one[name].replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadQuestion(name, "an instant with its offset, such as 2026-03-31T00:00:00Z")
    return found
