"""Large, medium, small or micro: the size of an enterprise from its industry and two or three of its numbers.

Who: profiles and statistics; products ask for `size`. Units: people, fen. Writes nothing.
Refuses: what `criteria.evaluate` refuses; a day before 2011-06-18 (`NoValueThen`).
Source: 工信部联企业〔2011〕300号 and 国统字〔2017〕213号, whose bounds are the parameters `enterprise_size.*`;
docs/algorithms/enterprise-size.md says which industries belong to which group and what is not covered.

A size needs all of its bounds, else the next smaller one is tried; "at least" includes the bound. A number that is not
known leaves the size unknown only where it could change it. Finance, railways, education, health care, public
administration and international organisations are not covered by the method: their size is unknown too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from .criteria import AllOf, Answer, Criterion, Fact, Verdict, evaluate
from .fields import Op
from .parameters import Parameters

_FIELDS: Final = {"employees": "employees", "revenue": "revenue_minor", "assets": "assets_minor"}

#: Which numbers decide in which group.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "agriculture": ("revenue",),
    "industry": ("employees", "revenue"),
    "construction": ("revenue", "assets"),
    "wholesale": ("employees", "revenue"),
    "retail": ("employees", "revenue"),
    "transport": ("employees", "revenue"),
    "storage": ("employees", "revenue"),
    "post": ("employees", "revenue"),
    "lodging": ("employees", "revenue"),
    "catering": ("employees", "revenue"),
    "information": ("employees", "revenue"),
    "software": ("employees", "revenue"),
    "real_estate": ("revenue", "assets"),
    "property_management": ("employees", "revenue"),
    "leasing_business": ("employees", "assets"),
    "other": ("employees",),
}

#: GB/T 4754-2017 → group; the longest beginning of the code decides. None is not covered by the method.
_GROUP_OF: Final[Mapping[str, str | None]] = {
    "A": "agriculture", "B": "industry", "C": "industry", "D": "industry", "E": "construction",
    "F51": "wholesale", "F52": "retail",
    "G53": None, "G54": "transport", "G55": "transport", "G56": "transport", "G57": "transport", "G58": "transport",
    "G59": "storage", "G591": "transport", "G60": "post",
    "H61": "lodging", "H62": "catering", "I63": "information", "I64": "information", "I65": "software",
    "J": None, "K701": "real_estate", "K702": "property_management", "K703": "other", "K704": "other", "K709": "other",
    "L": "leasing_business", "M": "other", "N": "other", "O": "other",
    "P": None, "Q84": None, "Q85": "other", "R": "other", "S": None, "T": None,
}  # fmt: skip

_SIZES: Final = ("large", "medium", "small")


@dataclass(frozen=True, slots=True)
class Sized:
    """`size` is None when it cannot be told; `why` then says what is missing. `answers` are the sizes tried, largest
    first, each with its criteria, values, parameters and their sources."""

    size: str | None
    group: str | None
    why: str
    answers: tuple[tuple[str, Answer], ...]


def group_of(industry: str) -> str | None:
    """The group of a GB/T 4754 code such as G5431; None when the method does not cover it, or the code is too short
    to tell (F alone is wholesale or retail)."""
    for length in range(len(industry), 0, -1):
        if industry[:length] in _GROUP_OF:
            return _GROUP_OF[industry[:length]]
    return None


def enterprise_size(facts: Mapping[str, Fact], parameters: Parameters, *, on: date) -> Sized:
    """The size on a day, explained. Uses the facts industry, employees, revenue_minor and assets_minor."""
    industry = facts.get("industry")
    if industry is None or industry.value is None:
        return Sized(None, None, "industry is not known", ())
    group = group_of(str(industry.value))
    if group is None:
        return Sized(None, None, f"industry {industry.value} is not covered by the method, or not told closely enough", ())
    answers: list[tuple[str, Answer]] = []
    for size in _SIZES:
        bounds = AllOf(
            tuple(
                Criterion(
                    _FIELDS[measure], Op.AT_LEAST, parameter=f"enterprise_size.{group}.{size}.{measure}"
                )
                for measure in GROUPS[group]
            )
        )
        answer = evaluate(bounds, facts, parameters, on=on)
        answers.append((size, answer))
        if answer.verdict is Verdict.MET:
            return Sized(size, group, "", tuple(answers))
        if answer.verdict is Verdict.UNKNOWN:
            unknown = [j.criterion.field for j in answer.judged if j.verdict is Verdict.UNKNOWN]
            return Sized(None, group, f"{' and '.join(unknown)} not known", tuple(answers))
    return Sized("micro", group, "", tuple(answers))
