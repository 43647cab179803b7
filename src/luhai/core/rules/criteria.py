"""Criteria: who a product or a measure is for, as data; and the explained answer for one set of facts.

Who: products, measures and checks hold criteria; `evaluate` explains one pair, `bitsets` judges a million companies,
`sql` judges one company against every product in the database. One definition, three forms, and a test that they agree.
Units: those of `fields`. Refuses: `Invalid`, naming the place in the document and what would be right there.

The JSON form. A criterion names a field, an operator, a value *or* a parameter key, and the measure it comes from:

    {"all": [
      {"field": "territory", "op": "within", "value": ["500000", "510000"], "measure": "M05-05"},
      {"field": "age_months", "op": "at_least", "value": 24},
      {"any": [
        {"field": "lists", "op": "includes_any", "value": ["key_logistics"]},
        {"field": "amount_cny_minor", "op": "at_most", "parameter": "inclusive_finance.credit_cap"}]}]}

Three values. A missing fact makes its criterion UNKNOWN; groups follow Kleene: all-of is the least of its parts, any-of
the greatest. So an unknown is never read as a no, nor as a yes. A group with no parts: `{"all": []}` is met by all;
an empty any-of is refused.

    criteria = parse(document)
    answer = evaluate(criteria, facts, parameters, on=day)     # facts: {"age_months": Fact(30, "company registration")}
    answer.verdict; answer.judged; answer.changes
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from itertools import product
from typing import Final

from luhai.kernel.refusal import Invalid

from .fields import EVERY_FIELD, FIELDS, NUMERIC, Field, Kind, Op, Reach
from .parameters import Parameters, Value

#: The nearest change, and the SQL form, look at every way to say yes; beyond this the criteria are refused.
MAX_BRANCHES: Final = 64
MAX_IN_BRANCH: Final = 32
MAX_CRITERIA: Final = 200
MAX_DEPTH: Final = 8


class Verdict(IntEnum):
    """Ordered, so that all-of is `min` and any-of is `max`."""

    FAILED = 0
    UNKNOWN = 1
    MET = 2


#: A criterion's value as it is compared: a number (days for dates), a pair of numbers, a flag, or sorted codes.
Wanted = int | tuple[int, int] | bool | tuple[str, ...]
#: A fact's value. Sets are frozensets.
Plain = int | bool | str | date | frozenset[str]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One comparison. Exactly one of `value` and `parameter` is set."""

    field: str
    op: Op
    value: Wanted | None = None
    parameter: str | None = None
    measure: str | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Criteria, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Criteria, ...]


Criteria = Criterion | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Fact:
    """A known value and where it came from. A fact that is not known is left out, or has the value None."""

    value: Plain | None
    source: str = ""


# --- reading and writing --------------------------------------------------------------------------------------------


def parse(document: object, fields: Mapping[str, Field] = FIELDS) -> Criteria:
    """Read the JSON form strictly. A bare list is an all-of. Refuses with the path of the first mistake.

    `fields` are those that may be named: a company's and its demand's, unless a subject has facts of another kind."""
    if isinstance(document, list):
        document = {"all": document}
    criteria = _node(document, "criteria", 0, fields)
    if sum(1 for _ in walk(criteria)) > MAX_CRITERIA:
        raise Invalid(field="criteria", problem=f"more than {MAX_CRITERIA} criteria")
    branches(criteria)
    return criteria


def as_json(criteria: Criteria) -> dict[str, object]:
    """The JSON form again; `parse(as_json(c)) == c`."""
    if isinstance(criteria, AllOf | AnyOf):
        return {"all" if isinstance(criteria, AllOf) else "any": [as_json(p) for p in criteria.parts]}
    written: dict[str, object] = {"field": criteria.field, "op": criteria.op.value}
    if criteria.parameter is not None:
        written["parameter"] = criteria.parameter
    else:
        written["value"] = _unread(EVERY_FIELD[criteria.field], criteria)
    if criteria.measure is not None:
        written["measure"] = criteria.measure
    return written


def walk(criteria: Criteria, path: str = "criteria") -> Iterator[tuple[str, Criterion]]:
    """Every criterion with its path, in the order written."""
    if isinstance(criteria, Criterion):
        yield path, criteria
        return
    name = "all" if isinstance(criteria, AllOf) else "any"
    for i, part in enumerate(criteria.parts):
        yield from walk(part, f"{path}.{name}[{i}]")


def measures(criteria: Criteria) -> tuple[str, ...]:
    return tuple(sorted({c.measure for _, c in walk(criteria) if c.measure}))


def parameter_keys(criteria: Criteria) -> tuple[str, ...]:
    return tuple(sorted({c.parameter for _, c in walk(criteria) if c.parameter}))


def check_parameters(criteria: Criteria, parameters: Parameters) -> None:
    """Refuse criteria that name a parameter which does not exist or is in a unit that cannot be compared."""
    for path, criterion in walk(criteria):
        if criterion.parameter is None:
            continue
        if criterion.parameter not in parameters:
            raise Invalid(
                field=f"{path}.parameter", problem=f"no parameter is called {criterion.parameter!r}"
            )
        for value in parameters.of(criterion.parameter).values:
            try:
                value.in_unit(EVERY_FIELD[criterion.field].unit)
            except Invalid as no:
                raise Invalid(field=f"{path}.parameter", problem=str(no.facts["problem"])) from None


def _node(document: object, path: str, depth: int, fields: Mapping[str, Field]) -> Criteria:
    if not isinstance(document, dict):
        raise Invalid(field=path, problem="an object with all, any or field is wanted")
    if depth > MAX_DEPTH:
        raise Invalid(field=path, problem=f"groups nested deeper than {MAX_DEPTH}")
    if "field" in document:
        return _criterion(document, path, fields)
    if set(document) == {"all"} or set(document) == {"any"}:
        ((name, parts),) = document.items()
        if not isinstance(parts, list):
            raise Invalid(field=f"{path}.{name}", problem="a list of criteria is wanted")
        if name == "any" and not parts:
            raise Invalid(
                field=f"{path}.any", problem="an empty any-of can never be met; leave it out or fill it"
            )
        read = tuple(_node(part, f"{path}.{name}[{i}]", depth + 1, fields) for i, part in enumerate(parts))
        return AllOf(read) if name == "all" else AnyOf(read)
    raise Invalid(
        field=path,
        problem=f"exactly one of all, any or field is wanted, not {', '.join(map(str, document)) or 'nothing'}",
    )


def _criterion(document: Mapping[str, object], path: str, fields: Mapping[str, Field]) -> Criterion:
    if unknown := set(document) - {"field", "op", "value", "parameter", "measure"}:
        raise Invalid(
            field=f"{path}.{min(map(str, unknown))}",
            problem="unknown key; a criterion has field, op, value or parameter, and measure",
        )
    name = document["field"]
    field = fields.get(name) if isinstance(name, str) else None
    if field is None:
        raise Invalid(field=f"{path}.field", problem=f"unknown field {name!r}; known are {', '.join(fields)}")
    op = document.get("op")
    if not isinstance(op, str) or op not in field.operators:
        raise Invalid(
            field=f"{path}.op",
            problem=f"{op!r} does not go with {field.name}; it takes {', '.join(field.operators)}",
        )
    op = Op(op)
    measure = document.get("measure")
    if measure is not None and not (isinstance(measure, str) and re.fullmatch(r"M\d\d-\d\d", measure)):
        raise Invalid(field=f"{path}.measure", problem=f"{measure!r} is not a measure such as M05-05")
    if ("value" in document) == ("parameter" in document):
        raise Invalid(field=f"{path}.value", problem="exactly one of value and parameter is wanted")
    if "parameter" in document:
        key = document["parameter"]
        if op not in _BOUNDS or field.kind not in (Kind.MONEY, Kind.COUNT, Kind.SHARE):
            raise Invalid(
                field=f"{path}.parameter",
                problem=f"a parameter goes with a number and {', '.join(_BOUNDS)}, not with {field.name} {op}",
            )
        if not isinstance(key, str) or not key:
            raise Invalid(field=f"{path}.parameter", problem="the key of a parameter is wanted")
        return Criterion(field.name, op, None, key, measure)
    return Criterion(field.name, op, _read(field, op, document["value"], f"{path}.value"), None, measure)


_BOUNDS: Final = (Op.AT_LEAST, Op.AT_MOST, Op.MORE_THAN, Op.LESS_THAN)
_ONE_CODE: Final = (Op.IS, Op.IS_NOT, Op.AT_LEAST, Op.AT_MOST)


def _read(field: Field, op: Op, value: object, path: str) -> Wanted:
    if field.kind in NUMERIC:
        if op is not Op.BETWEEN:
            return _whole(field, value, path)
        if not isinstance(value, list) or len(value) != 2:
            raise Invalid(field=path, problem="two numbers are wanted, the lower first")
        low, high = _whole(field, value[0], f"{path}[0]"), _whole(field, value[1], f"{path}[1]")
        if low > high:
            raise Invalid(field=path, problem=f"{value[0]} is above {value[1]}; the lower comes first")
        return low, high
    if field.kind is Kind.FLAG:
        if not isinstance(value, bool):
            raise Invalid(field=path, problem="true or false is wanted")
        return value
    if op in _ONE_CODE:
        if (why := field.problem(value)) is not None:
            raise Invalid(field=path, problem=why)
        assert isinstance(value, str)
        return (value,)
    if not isinstance(value, list) or not value:
        raise Invalid(field=path, problem="a list with at least one code is wanted")
    for i, code in enumerate(value):
        if (why := field.problem([code] if field.kind is Kind.SET else code)) is not None:
            raise Invalid(field=f"{path}[{i}]", problem=why)
    return tuple(sorted(set(value)))


def _whole(field: Field, value: object, path: str) -> int:
    if field.kind is Kind.DATE:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            raise Invalid(field=path, problem="a date such as 2026-01-31 is wanted")
        try:
            return date.fromisoformat(value).toordinal()
        except ValueError:
            raise Invalid(field=path, problem=f"{value} is not a day of the calendar") from None
    if (why := field.problem(value)) is not None:
        raise Invalid(field=path, problem=why)
    assert isinstance(value, int)
    return value


def _unread(field: Field, criterion: Criterion) -> object:
    value = criterion.value
    if field.kind is Kind.DATE:
        days = value if isinstance(value, tuple) else (value,)
        written = [date.fromordinal(d).isoformat() for d in days if isinstance(d, int)]
        return written if criterion.op is Op.BETWEEN else written[0]
    if isinstance(value, tuple):
        return value[0] if criterion.op in _ONE_CODE else list(value)
    return value


def check_facts(facts: Mapping[str, Fact], fields: Mapping[str, Field] = FIELDS) -> None:
    """Refuse facts that are not in the catalogue or cannot be what they claim to be."""
    for name, fact in facts.items():
        if name not in fields:
            raise Invalid(field=name, problem=f"unknown fact; known are {', '.join(fields)}")
        if fact.value is not None and (why := fields[name].problem(fact.value)) is not None:
            raise Invalid(field=name, problem=why)


def known(facts: Mapping[str, object], source: str = "") -> dict[str, Fact]:
    """Facts that share one source. Lists and sets of codes become frozensets; None is left out."""
    made: dict[str, Fact] = {}
    for name, value in facts.items():
        if isinstance(value, list | set | tuple | frozenset):
            value = frozenset(value)
        if value is not None:
            made[name] = Fact(value, source)  # type: ignore[arg-type]
    return made


# --- judging --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """A criterion, its verdict, what was wanted after parameters, the value used and where both came from."""

    path: str
    criterion: Criterion
    verdict: Verdict
    wanted: Wanted
    value: Plain | None
    source: str
    parameter: Value | None = None

    @property
    def measure(self) -> str | None:
        return self.criterion.measure

    def wording(self, language: str) -> str:
        """What is wanted, for people: `成立月数不低于 24（months）` …"""
        return wording(self.criterion, self.wanted, language)


@dataclass(frozen=True, slots=True)
class Change:
    """One fact to change, or (when `value` is None) to state. `to` is the nearest value that serves; `options` are
    all codes that would. `reach` says who could bring it about."""

    field: str
    value: Plain | None
    to: Plain
    options: tuple[str, ...]
    reach: Reach
    asked_by: tuple[Judged, ...]

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(sorted({j.measure for j in self.asked_by if j.measure}))

    @property
    def states_only(self) -> bool:
        """The fact was not known, so nothing is wrong yet: it has to be stated."""
        return self.value is None

    def wording(self, language: str) -> str:
        zh = language.startswith("zh")
        field = EVERY_FIELD[self.field]
        places = {
            "field": field.label(language),
            "from": shown(field, self.value, language) if self.value is not None else "",
            "to": shown(field, self.to, language),
            "options": ("、" if zh else ", ").join(field.code_label(o, language) for o in self.options[:6]),
            "more": ("等" if zh else ", …") if len(self.options) > 6 else "",
            "asked": ("；" if zh else "; ").join(j.wording(language) for j in self.asked_by),
        }
        if self.states_only:
            return (
                "请补充%(field)s（要求：%(asked)s）" if zh else "Please state %(field)s (wanted: %(asked)s)"
            ) % places
        kind = "set" if field.kind is Kind.SET else "codes" if len(self.options) > 1 else "one"
        return _CHANGES[kind, "zh" if zh else "en"] % places


_CHANGES: Final = {
    ("one", "zh"): "%(field)s：由 %(from)s 变为 %(to)s",
    ("one", "en"): "%(field)s: from %(from)s to %(to)s",
    ("codes", "zh"): "%(field)s：由 %(from)s 变为以下之一：%(options)s%(more)s",
    ("codes", "en"): "%(field)s: from %(from)s to one of %(options)s%(more)s",
    ("set", "zh"): "%(field)s：由“%(from)s”变为“%(to)s”",
    ("set", "en"): "%(field)s: from “%(from)s” to “%(to)s”",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, every criterion judged in the order written, and the nearest change that would make it MET.

    `changes` is empty when the verdict is MET, and None when no change of facts could make it MET.
    """

    verdict: Verdict
    judged: tuple[Judged, ...]
    changes: tuple[Change, ...] | None

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(sorted({j.measure for j in self.judged if j.measure}))


def evaluate(
    criteria: Criteria,
    facts: Mapping[str, Fact],
    parameters: Parameters | None = None,
    *,
    on: date | None = None,
) -> Answer:
    """Judge one set of facts and explain. Parameters are those of the day `on` in the territory among the facts
    (for the whole country when that fact is missing)."""
    judged: dict[str, Judged] = {}
    verdict = _judge(criteria, "criteria", facts, parameters, on, judged)
    changes: tuple[Change, ...] | None = ()
    if verdict is not Verdict.MET:
        changes = _nearest(criteria, facts, judged, parameters, on)
    return Answer(verdict, tuple(judged.values()), changes)


def verdict_of(
    criteria: Criteria,
    facts: Mapping[str, Fact],
    parameters: Parameters | None = None,
    *,
    on: date | None = None,
) -> Verdict:
    """The verdict alone, without looking for the nearest change."""
    return _judge(criteria, "criteria", facts, parameters, on, {})


def _judge(
    criteria: Criteria,
    path: str,
    facts: Mapping[str, Fact],
    parameters: Parameters | None,
    on: date | None,
    judged: dict[str, Judged],
) -> Verdict:
    if isinstance(criteria, AllOf):
        verdicts = [
            _judge(p, f"{path}.all[{i}]", facts, parameters, on, judged) for i, p in enumerate(criteria.parts)
        ]
        return min(verdicts, default=Verdict.MET)
    if isinstance(criteria, AnyOf):
        return max(
            _judge(p, f"{path}.any[{i}]", facts, parameters, on, judged) for i, p in enumerate(criteria.parts)
        )
    used: Value | None = None
    wanted = criteria.value
    if criteria.parameter is not None:
        assert parameters is not None, "criteria with parameters need parameters"
        assert on is not None, "criteria with parameters need a day"
        place = facts.get("territory")
        used = parameters.value(criteria.parameter, on, str(place.value) if place and place.value else None)
        wanted = used.in_unit(EVERY_FIELD[criteria.field].unit)
    assert wanted is not None
    fact = facts.get(criteria.field)
    value = fact.value if fact is not None else None
    verdict = (
        Verdict.UNKNOWN
        if value is None
        else Verdict.MET
        if _holds(criteria.op, EVERY_FIELD[criteria.field], value, wanted)
        else Verdict.FAILED
    )
    judged[path] = Judged(
        path, criteria, verdict, wanted, value, fact.source if fact is not None else "", used
    )
    return verdict


def _holds(op: Op, field: Field, value: Plain, wanted: Wanted) -> bool:
    """Whether a known value satisfies the operator. Written out, apart from the other two forms, on purpose."""
    if field.kind in NUMERIC:
        number = value.toordinal() if isinstance(value, date) else value
        assert isinstance(number, int)
        if isinstance(wanted, tuple):
            low, high = wanted
            assert isinstance(low, int)
            assert isinstance(high, int)
            return low <= number <= high
        assert isinstance(wanted, int)
        return {
            Op.AT_LEAST: number >= wanted,
            Op.AT_MOST: number <= wanted,
            Op.MORE_THAN: number > wanted,
            Op.LESS_THAN: number < wanted,
            Op.IS: number == wanted,
        }[op]
    if field.kind is Kind.FLAG:
        return value is wanted
    assert isinstance(wanted, tuple)
    if field.kind is Kind.SET:
        assert isinstance(value, frozenset)
        if op is Op.INCLUDES_ALL:
            return value.issuperset(wanted)
        return value.isdisjoint(wanted) is (op is Op.INCLUDES_NONE)
    if field.kind is Kind.TREE:
        return any(key in wanted for key in field.keys(value)) is (op is Op.WITHIN)
    if field.ordered and op in (Op.AT_LEAST, Op.AT_MOST):
        order = [c.code for c in field.codes]
        at, limit = order.index(str(value)), order.index(str(wanted[0]))
        return at <= limit if op is Op.AT_LEAST else at >= limit
    return (value in wanted) is (op in (Op.IS, Op.ONE_OF))


# --- every way to say yes -------------------------------------------------------------------------------------------


def branches(criteria: Criteria) -> tuple[tuple[tuple[str, Criterion], ...], ...]:
    """The criteria as alternatives (disjunctive normal form): each branch is a list of criteria that together
    suffice. It has the same three-valued verdict, because all-of and any-of distribute over each other.
    Refuses more than MAX_BRANCHES alternatives or MAX_IN_BRANCH criteria in one."""
    made = _branches(criteria, "criteria")
    if any(len(branch) > MAX_IN_BRANCH for branch in made):
        raise Invalid(field="criteria", problem=f"more than {MAX_IN_BRANCH} criteria have to be met together")
    return made


def _branches(criteria: Criteria, path: str) -> tuple[tuple[tuple[str, Criterion], ...], ...]:
    if isinstance(criteria, Criterion):
        return (((path, criteria),),)
    if isinstance(criteria, AnyOf):
        made = tuple(b for i, p in enumerate(criteria.parts) for b in _branches(p, f"{path}.any[{i}]"))
    else:
        parts = [_branches(p, f"{path}.all[{i}]") for i, p in enumerate(criteria.parts)]
        size = 1
        for part in parts:
            size *= len(part)
            _few(size)
        made = tuple(tuple(c for b in chosen for c in b) for chosen in product(*parts))
    _few(len(made))
    return made


def _few(size: int) -> None:
    if size > MAX_BRANCHES:
        raise Invalid(
            field="criteria", problem=f"more than {MAX_BRANCHES} alternatives; split it into several products"
        )


_EFFORT: Final = {Reach.DEMAND: 0, Reach.COMPANY: 1, Reach.TIME: 2, Reach.FIXED: 3}


def _nearest(
    criteria: Criteria,
    facts: Mapping[str, Fact],
    judged: Mapping[str, Judged],
    parameters: Parameters | None,
    on: date | None,
) -> tuple[Change, ...] | None:
    """The cheapest branch: least that cannot be changed, then fewest changes, then least effort, then first."""
    best: tuple[tuple[int, int, int], tuple[Change, ...]] | None = None
    for branch in branches(criteria):
        changes = _changes([judged[path] for path, _ in branch])
        moved = next((c for c in changes or () if c.field == "territory"), None)
        if moved is not None and any(c.parameter for _, c in branch):
            # Elsewhere the parameters may be others, so the rest is asked again as it would be there.
            there: dict[str, Judged] = {}
            _judge(criteria, "criteria", {**facts, "territory": Fact(moved.to)}, parameters, on, there)
            changes = _changes([judged[p] if c.field == "territory" else there[p] for p, c in branch])
        if changes is None:
            continue
        cost = (
            sum(c.reach is Reach.FIXED and not c.states_only for c in changes),
            len(changes),
            sum(0 if c.states_only else _EFFORT[c.reach] for c in changes),
        )
        if best is None or cost < best[0]:
            best = cost, changes
    return best[1] if best is not None else None


def _changes(branch: Sequence[Judged]) -> tuple[Change, ...] | None:
    by_field: dict[str, list[Judged]] = {}
    for judged in branch:
        by_field.setdefault(judged.criterion.field, []).append(judged)
    changes = []
    for name, about in by_field.items():
        if all(j.verdict is Verdict.MET for j in about):
            continue
        # All criteria on the field count, also those already met: a change must not break one of them.
        found = _serving(EVERY_FIELD[name], about)
        if found is None:
            return None
        to, options = found
        changes.append(Change(name, about[0].value, to, options, EVERY_FIELD[name].reach, tuple(about)))
    return tuple(changes)


def _serving(field: Field, about: Sequence[Judged]) -> tuple[Plain, tuple[str, ...]] | None:
    """The nearest value of the field that satisfies every criterion of the branch about it, and all codes that do."""
    if field.kind in NUMERIC:
        return _serving_number(field, about)
    if field.kind is Kind.FLAG:
        wanted = {j.wanted for j in about}
        return (bool(wanted.pop()), ()) if len(wanted) == 1 else None
    if field.kind is Kind.SET:
        return _serving_set(field, about)
    # Codes of a list are tried one by one; of the open ones (territories, industries) those that the criteria name.
    named = sorted(
        {str(code) for j in about if j.criterion.op in (Op.WITHIN, Op.IS, Op.ONE_OF) for code in _codes_of(j)}
    )
    tried = [c.code for c in field.codes] or named or list(field.examples)
    fit = tuple(
        code for code in tried if all(_holds(j.criterion.op, field, str(code), j.wanted) for j in about)
    )
    if fit and field.ordered and about[0].value is not None:
        order = [c.code for c in field.codes]
        mine = order.index(str(about[0].value))
        return min(fit, key=lambda code: abs(order.index(code) - mine)), fit
    if fit:
        return (fit[-1] if field.ordered else fit[0]), (fit if field.codes or named else ())
    return None


def _codes_of(judged: Judged) -> tuple[str, ...]:
    return tuple(str(c) for c in judged.wanted) if isinstance(judged.wanted, tuple) else ()


def _serving_number(field: Field, about: Sequence[Judged]) -> tuple[Plain, tuple[str, ...]] | None:
    low, high = (
        (1 if field.kind is Kind.DATE else 0),
        (date.max.toordinal() if field.kind is Kind.DATE else field.highest),
    )
    bounded_below = False
    for judged in about:
        op, wanted = judged.criterion.op, judged.wanted
        least, most = wanted if isinstance(wanted, tuple) else (wanted, wanted)
        assert isinstance(least, int)
        assert isinstance(most, int)
        if op in (Op.AT_LEAST, Op.MORE_THAN, Op.BETWEEN, Op.IS):
            low, bounded_below = max(low, least + (op is Op.MORE_THAN)), True
        if op in (Op.AT_MOST, Op.LESS_THAN, Op.BETWEEN, Op.IS):
            high = min(high, most - (op is Op.LESS_THAN))
    if low > high:
        return None
    value = about[0].value
    if value is None:
        nearest = low if bounded_below else high
    else:
        number = value.toordinal() if isinstance(value, date) else int(value)  # type: ignore[arg-type]
        nearest = min(max(number, low), high)
    return (date.fromordinal(nearest) if field.kind is Kind.DATE else nearest), ()


def _serving_set(field: Field, about: Sequence[Judged]) -> tuple[Plain, tuple[str, ...]] | None:
    value = about[0].value
    held = value if isinstance(value, frozenset) else frozenset[str]()
    barred: set[str] = set()
    needed: set[str] = set()
    for judged in about:
        assert isinstance(judged.wanted, tuple)
        if judged.criterion.op is Op.INCLUDES_NONE:
            barred.update(map(str, judged.wanted))
        elif judged.criterion.op is Op.INCLUDES_ALL:
            needed.update(map(str, judged.wanted))
    if barred & needed:
        return None
    to = (set(held) - barred) | needed
    options: tuple[str, ...] = ()
    for judged in about:
        assert isinstance(judged.wanted, tuple)
        if judged.criterion.op is Op.INCLUDES_ANY and to.isdisjoint(map(str, judged.wanted)):
            open_ = [c.code for c in field.codes if c.code in judged.wanted and c.code not in barred]
            if not open_:
                return None
            options = options or tuple(open_)
            to.add(open_[0])
    return frozenset(to), options


# --- words ----------------------------------------------------------------------------------------------------------

_OPS: Final = {
    Op.AT_LEAST: ("%(field)s不低于 %(value)s", "%(field)s at least %(value)s"),
    Op.AT_MOST: ("%(field)s不超过 %(value)s", "%(field)s at most %(value)s"),
    Op.MORE_THAN: ("%(field)s高于 %(value)s", "%(field)s more than %(value)s"),
    Op.LESS_THAN: ("%(field)s低于 %(value)s", "%(field)s less than %(value)s"),
    Op.BETWEEN: ("%(field)s在 %(value)s 之间", "%(field)s between %(value)s"),
    Op.IS: ("%(field)s：%(value)s", "%(field)s: %(value)s"),
    Op.IS_NOT: ("%(field)s不是 %(value)s", "%(field)s is not %(value)s"),
    Op.ONE_OF: ("%(field)s为以下之一：%(value)s", "%(field)s is one of %(value)s"),
    Op.NONE_OF: ("%(field)s不属于：%(value)s", "%(field)s is none of %(value)s"),
    Op.WITHIN: ("%(field)s属于：%(value)s", "%(field)s lies within %(value)s"),
    Op.NOT_WITHIN: ("%(field)s不属于：%(value)s", "%(field)s lies outside %(value)s"),
    Op.INCLUDES_ANY: ("%(field)s至少有其一：%(value)s", "%(field)s include at least one of %(value)s"),
    Op.INCLUDES_ALL: ("%(field)s须全部包括：%(value)s", "%(field)s include all of %(value)s"),
    Op.INCLUDES_NONE: ("%(field)s不得包括：%(value)s", "%(field)s include none of %(value)s"),
}


def wording(criterion: Criterion, wanted: Wanted, language: str) -> str:
    """A criterion in words, its parameter already resolved."""
    zh = language.startswith("zh")
    field = EVERY_FIELD[criterion.field]
    if isinstance(wanted, tuple) and field.kind in NUMERIC:
        value = ("至" if zh else " and ").join(
            _number_shown(field, w, language) for w in wanted if isinstance(w, int)
        )
    elif isinstance(wanted, tuple):
        value = ("、" if zh else ", ").join(field.code_label(str(w), language) for w in wanted)
    elif field.kind is Kind.FLAG:
        value = shown(field, wanted, language)
    else:
        value = _number_shown(field, int(wanted), language)
    return _OPS[criterion.op][0 if zh else 1] % {"field": field.label(language), "value": value}


def shown(field: Field, value: Plain, language: str) -> str:
    """A fact's value for people, with its unit."""
    zh = language.startswith("zh")
    if isinstance(value, bool):
        return ("是" if value else "否") if zh else ("yes" if value else "no")
    if isinstance(value, frozenset):
        words = [c.zh if zh else c.en for c in field.codes if c.code in value]
        return ("、" if zh else ", ").join(words) or ("无" if zh else "none")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return _number_shown(field, value, language)
    return field.code_label(value, language)


_UNITS_SHOWN: Final = {
    "months": (" 个月", " months"),
    "days": (" 天", " days"),
    "people": (" 人", " people"),
    "shipments": (" 票", " shipments"),
    "points": (" 分", " points"),
}


def _number_shown(field: Field, number: int, language: str) -> str:
    zh = language.startswith("zh")
    if field.kind is Kind.DATE:
        return date.fromordinal(number).isoformat()
    if field.kind is Kind.SHARE:
        return f"{number // 100}.{number % 100:02d}%".replace(".00%", "%")
    if field.kind is Kind.MONEY:
        yuan, fen = divmod(number, 100)
        if zh and field.unit == "CNY_minor" and number and number % 1_000_000 == 0:
            return f"{number // 1_000_000:,} 万元"
        amount = f"{yuan:,}" + (f".{fen:02d}" if fen else "")
        if field.unit == "CNY_minor":
            return f"{amount} 元" if zh else f"CNY {amount}"
        return f"{number:,}（最小货币单位）" if zh else f"{number:,} minor units"
    unit = _UNITS_SHOWN.get(field.unit, ("", ""))[0 if zh else 1]
    return f"{number:,}{unit}"
