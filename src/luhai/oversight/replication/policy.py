"""The three conditions of article 23, judged without a database: what is known of a territory, and what a package asks of it.

    judge(condition, facts, parameters, on, territory) -> ReasonNode: the verdict of every part, down to the fact, its source and its day
    eligible(market, risk, approval) -> the three together

Three values (Kleene): a fact that is not known, or whose evidence is out of date, makes its condition UNKNOWN; all-of is the least of its
parts, any-of the greatest, not turns yes and no about and leaves what is not known. So "evidence missing" is never read as a yes, nor as a no.

A condition is one of

    {fact: sea_port, op: is, value: true}
    {fact: companies, op: at_least, parameter: replication.least_companies}
    {all: [...]}   {any: [...]}   {not: {...}}

Source: article 23 (市场条件具备、风险控制能力匹配、获得批准), article 19 (风险防控能力与金融改革创新相适应); domain notes on oversight §3.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from luhai.core.rules.criteria import Verdict
from luhai.core.rules.parameters import Parameters, Value
from luhai.kernel.refusal import Invalid

MAX_DEPTH: Final = 6
MAX_PARTS: Final = 60

Plain = bool | int | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A fact that a condition may ask of a territory. `by` is where it comes from, and thereby who may state it.

    reference | register | statistics: computed here, stated by nobody
    supervisor | province: stated with an instrument by an officer of that kind, and only for so long
    """

    name: str
    kind: str  # flag | count | code | set
    zh: str
    en: str
    by: str
    codes: tuple[tuple[str, str, str], ...] = ()  # code, zh, en; an ordered kind has the best first
    ordered: bool = False

    def problem(self, value: object) -> str | None:
        """Why a value cannot be this fact's; None when it can."""
        known = [c[0] for c in self.codes]
        if self.kind == "flag":
            return None if isinstance(value, bool) else "true or false is wanted"
        if self.kind == "count":
            good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
            return None if good else "a whole number from 0 is wanted"
        if self.kind == "code":
            return None if value in known else f"one of {', '.join(known)}"
        good = isinstance(value, list | tuple) and all(v in known for v in value)
        return None if good else f"a list of {', '.join(known)}"

    def shown(self, value: Plain, language: str) -> str:
        column = 1 if language == "zh" else 2
        words = {c[0]: c[column] for c in self.codes}
        if isinstance(value, bool):
            return {"zh": {True: "是", False: "否"}, "en": {True: "yes", False: "no"}}[language][value]
        if isinstance(value, tuple):
            return ("、" if language == "zh" else ", ").join(words.get(v, v) for v in value) or ("无" if language == "zh" else "none")
        return words.get(value, value) if isinstance(value, str) else f"{value:,}"


#: Kinds of data that a scene needs and a territory must have connected.
DATA: Final = (
    ("transport_document", "运输单证", "transport documents"),
    ("freight_invoice", "运费发票", "freight invoices"),
    ("customs_declaration", "报关单", "customs declarations"),
    ("port_operation", "港口作业数据", "data of port operations"),
    ("ship_call", "船舶靠离泊数据", "calls of ships"),
    ("train_booking", "班列订舱数据", "bookings of trains"),
    ("contract", "合同", "contracts"),
)
GRADES: Final = (("A", "A级", "grade A"), ("B", "B级", "grade B"), ("C", "C级", "grade C"), ("D", "D级", "grade D"))
COLOURS: Final = (("green", "绿", "green"), ("yellow", "黄", "yellow"), ("orange", "橙", "orange"), ("red", "红", "red"))

_ALL: Final = (
    Asked("sea_port", "flag", "有海港", "has a sea port", "reference"),
    Asked("river_port", "flag", "有内河港", "has a river port", "reference"),
    Asked("land_port", "flag", "有陆路边境口岸", "has a border crossing on land", "reference"),
    Asked("rail_hub", "flag", "有国际货运班列集散站", "has a hub of international freight trains", "reference"),
    Asked("companies", "count", "登记企业数", "registered companies", "register"),
    Asked("banks", "count", "登记金融机构数", "registered institutions", "register"),
    Asked("receipts_12m", "count", "近十二个月跨境收款笔数", "cross-border receipts in twelve months", "statistics"),
    Asked("supervision_grade", "code", "监管评级", "supervision grade", "supervisor", GRADES, ordered=True),
    Asked("debt_colour", "code", "地方债务风险等级", "colour of local-government debt", "supervisor", COLOURS, ordered=True),
    Asked("red_warnings", "count", "未解除的红色预警", "open red warnings", "supervisor"),
    Asked("controls_complete", "flag", "内控清单已落实", "the checklist of controls is complete", "province"),
    Asked("responsible_unit", "flag", "已明确责任单位", "a responsible unit is named", "province"),
    Asked("data", "set", "已接入的数据", "data connected", "province", DATA),
)
#: name -> what may be asked, in the order in which forms show it.
FACTS: Final[Mapping[str, Asked]] = {f.name: f for f in _ALL}
#: Who may state what.
STATED: Final = {who: tuple(f.name for f in _ALL if f.by == who) for who in ("supervisor", "province")}

_OPS: Final = {
    "flag": ("is",), "count": ("at_least", "at_most"), "code": ("is", "one_of", "none_of", "at_least"), "set": ("includes_all",),
}  # fmt: skip
_OP_WORDS: Final = {
    "is": ("：", ": "), "at_least": ("不低于 ", ": at least "), "at_most": ("不超过 ", ": at most "), "one_of": ("为 ", ": one of "),
    "none_of": ("不为 ", ": not "), "includes_all": ("包括 ", ": includes "),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """A fact of a territory: its value, where it comes from, and of which day it is."""

    value: Plain
    source: str
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """`kind` all | any | not | fact. Exactly one of `value` and `parameter` is set on a fact."""

    kind: str
    parts: tuple[Condition, ...] = ()
    fact: str = ""
    op: str = ""
    value: Plain | None = None
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class ReasonNode:
    """What one part of a condition answers. `verdict` met | failed | unknown."""

    kind: str
    verdict: str
    zh: str
    en: str
    value_zh: str = ""
    value_en: str = ""
    source: str = ""
    on: str = ""
    rule: str = ""  # key@valid_from of the parameter that set the bound
    parts: tuple[ReasonNode, ...] = ()

    @property
    def missing(self) -> tuple[ReasonNode, ...]:
        """Every fact below that is not known and keeps this from being met, in order."""
        if self.verdict == "met":
            return ()
        if not self.parts:
            return (self,) if self.verdict == "unknown" else ()
        return tuple(m for p in self.parts for m in p.missing)

    @property
    def failing(self) -> tuple[ReasonNode, ...]:
        """Every fact below that stands against this, in order."""
        if self.verdict != "failed":
            return ()
        return tuple(f for p in self.parts for f in p.failing) if self.kind in ("all", "any") else (self,)

    def as_json(self) -> dict[str, Any]:
        plain = {n: getattr(self, n) for n in self.__slots__ if n != "parts" and getattr(self, n) != ""}
        return plain | ({"parts": [p.as_json() for p in self.parts]} if self.parts else {})


WORDS: Final = {Verdict.MET: "met", Verdict.FAILED: "failed", Verdict.UNKNOWN: "unknown"}
VALUES: Final = {word: verdict for verdict, word in WORDS.items()}


def reason_of(stored: Mapping[str, Any]) -> ReasonNode:
    """A stored reason again; `reason_of(r.as_json()) == r`."""
    return ReasonNode(**{**stored, "parts": tuple(reason_of(p) for p in stored.get("parts", ()))})


def parse(document: object, place: str, depth: int = 0) -> Condition:
    """Read a condition strictly. Refuses: Invalid, with the path of the first mistake and what would be right."""
    if isinstance(document, list):
        document = {"all": document}
    if not isinstance(document, dict):
        raise Invalid(field=place, problem="a condition is wanted: fact, all, any or not")
    if depth > MAX_DEPTH:
        raise Invalid(field=place, problem=f"nested deeper than {MAX_DEPTH}")
    if set(document) in ({"all"}, {"any"}):
        ((kind, parts),) = document.items()
        if not isinstance(parts, list) or len(parts) > MAX_PARTS or (kind == "any" and not parts):
            raise Invalid(field=f"{place}.{kind}", problem=f"a list of at most {MAX_PARTS} conditions; an any-of has at least one")
        return Condition(str(kind), tuple(parse(p, f"{place}.{kind}[{n}]", depth + 1) for n, p in enumerate(parts)))
    if set(document) == {"not"}:
        return Condition("not", (parse(document["not"], f"{place}.not", depth + 1),))
    return _fact(document, place)


def _fact(document: Mapping[str, Any], place: str) -> Condition:
    if unknown := set(map(str, document)) - {"fact", "op", "value", "parameter"}:
        raise Invalid(field=f"{place}.{min(unknown)}", problem="a condition has fact, op, and value or parameter")
    asked = FACTS.get(str(document.get("fact")))
    if asked is None:
        raise Invalid(field=f"{place}.fact", problem=f"one of {', '.join(FACTS)}")
    op = document.get("op")
    if op not in _OPS[asked.kind]:
        raise Invalid(field=f"{place}.op", problem=f"{asked.name} takes {', '.join(_OPS[asked.kind])}")
    if ("value" in document) == ("parameter" in document):
        raise Invalid(field=f"{place}.value", problem="exactly one of value and parameter is wanted")
    if "parameter" in document:
        if asked.kind != "count" or not isinstance(document["parameter"], str):
            raise Invalid(field=f"{place}.parameter", problem="a parameter goes with a count")
        return Condition("fact", fact=asked.name, op=str(op), parameter=document["parameter"])
    value = document["value"]
    many = op in ("one_of", "none_of", "includes_all")
    if many and not (isinstance(value, list) and value):
        raise Invalid(field=f"{place}.value", problem="a list with at least one code is wanted")
    for one in value if many else [value]:
        if (why := asked.problem([one] if asked.kind == "set" else one)) is not None:
            raise Invalid(field=f"{place}.value", problem=why)
    if asked.kind == "count" and value != 0:
        raise Invalid(field=f"{place}.value", problem="a parameter is wanted instead of a number")
    return Condition("fact", fact=asked.name, op=str(op), value=tuple(value) if many else value)


def parameter_keys(condition: Condition) -> tuple[str, ...]:
    found = {condition.parameter} if condition.parameter else set()
    return tuple(sorted(found.union(*(parameter_keys(p) for p in condition.parts)) if condition.parts else found))


def judge(
    condition: Condition, facts: Mapping[str, Known], parameters: Parameters, on: date, territory: str
) -> ReasonNode:
    """Every part judged, also those that no longer matter, so that a reader sees all that is missing."""
    if condition.kind == "fact":
        return _judge_fact(condition, facts, parameters, on, territory)
    parts = tuple(judge(p, facts, parameters, on, territory) for p in condition.parts)
    verdicts = [VALUES[p.verdict] for p in parts]
    if condition.kind == "not":
        verdict = Verdict(Verdict.MET - verdicts[0])
        return ReasonNode("not", WORDS[verdict], f"不得：{parts[0].zh}", f"must not be so — {parts[0].en}", parts=parts)
    if condition.kind == "all":
        return ReasonNode("all", WORDS[min(verdicts, default=Verdict.MET)], "以下各项均须成立", "each of these holds", parts=parts)
    return ReasonNode("any", WORDS[max(verdicts)], "以下至少一项成立", "at least one of these holds", parts=parts)


def _judge_fact(
    condition: Condition, facts: Mapping[str, Known], parameters: Parameters, on: date, territory: str
) -> ReasonNode:
    asked, rule = FACTS[condition.fact], ""
    wanted: Plain | None = condition.value
    if condition.parameter:
        bound: Value = parameters.value(condition.parameter, on, territory)
        wanted, rule = int(bound.value), f"{bound.key}@{bound.valid_from.isoformat()}"
    assert wanted is not None, condition
    words = [asked.zh + _OP_WORDS[condition.op][0], asked.en + _OP_WORDS[condition.op][1]]
    zh, en = words[0] + asked.shown(wanted, "zh"), words[1] + asked.shown(wanted, "en")
    known = facts.get(condition.fact)
    if known is None:
        return ReasonNode("fact", "unknown", zh, en, rule=rule)
    return ReasonNode(
        "fact", "met" if _holds(asked, condition.op, known.value, wanted) else "failed", zh, en, asked.shown(known.value, "zh"),
        asked.shown(known.value, "en"), known.source, known.on.isoformat() if known.on else "", rule,
    )  # fmt: skip


def _holds(asked: Asked, op: str, value: Plain, wanted: Plain) -> bool:
    if op == "is":
        return value == wanted
    if op in ("one_of", "none_of"):
        assert isinstance(wanted, tuple)
        return (value in wanted) is (op == "one_of")
    if op == "includes_all":
        assert isinstance(wanted, tuple)
        assert isinstance(value, tuple)
        return set(wanted) <= set(value)
    if asked.kind == "code":
        order = [c[0] for c in asked.codes]  # the best comes first
        assert isinstance(value, str)
        assert isinstance(wanted, str)
        return order.index(value) <= order.index(wanted)
    assert isinstance(value, int)
    assert isinstance(wanted, int)
    return value >= wanted if op == "at_least" else value <= wanted


# --- article 23 ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Market, risk and approval of a package in a territory, and another territory that has it (`elsewhere`)."""

    market: ReasonNode
    risk: ReasonNode
    approval: ReasonNode
    elsewhere: ReasonNode

    @property
    def verdict(self) -> str:
        return WORDS[min(VALUES[r.verdict] for r in (self.market, self.risk, self.approval, self.elsewhere))]

    @property
    def ready(self) -> str:
        """What of it is the territory's own business: all but the approval, which comes after the proposal."""
        return WORDS[min(VALUES[r.verdict] for r in (self.market, self.risk, self.elsewhere))]

    def as_json(self) -> dict[str, Any]:
        return {n: getattr(self, n).as_json() for n in self.__slots__}


def eligibility_of(stored: Mapping[str, Any]) -> Eligibility:
    return Eligibility(**{n: reason_of(stored[n]) for n in Eligibility.__slots__})


def approval(
    *, granted_by: str, instrument_no: str, granted_on: date | None, until: date | None, refused: bool, on: date
) -> ReasonNode:
    """Whether the authority that granted the original has granted the copy, and that is not over. No answer yet is not known."""
    zh, en = "原授权部门已批准", "the authority that granted the original has approved"
    if refused:
        return ReasonNode("fact", "failed", zh, en, "未批准", "refused")
    if granted_on is None:
        return ReasonNode("fact", "unknown", zh, en)
    over = until is not None and until < on
    return ReasonNode(
        "fact", "failed" if over else "met", zh, en, instrument_no + ("（已到期）" if over else ""),
        instrument_no + (" (expired)" if over else ""), granted_by, granted_on.isoformat(),
    )  # fmt: skip


def elsewhere(places: tuple[tuple[str, str, str, date], ...]) -> ReasonNode:
    """Whether another territory has the measure in force. Each place is zh, en, instrument, since."""
    zh, en = "已有其他地区实施", "another territory has it in force"
    if not places:
        return ReasonNode("fact", "failed", zh, en, "尚无", "none yet")
    first = places[0]
    return ReasonNode(
        "fact", "met", zh, en, "、".join(p[0] for p in places), ", ".join(p[1] for p in places), first[2], first[3].isoformat()
    )  # fmt: skip
