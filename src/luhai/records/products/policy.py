"""What a product may say and what it answers, decided without a database.

`read_terms` refuses what cannot be meant and names the field. `whole` adds to the institution's own criteria those
that the terms imply: currency, amount, tenor, territory, collateral, price. `explain` is the answer for one set of facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from luhai.core.rules.criteria import (
    AllOf,
    Answer,
    Criteria,
    Fact,
    Judged,
    Verdict,
    as_json,
    evaluate,
    measures,
    parse,
    shown,
)  # fmt: skip
from luhai.core.rules.fields import COLLATERAL, FIELDS, PURPOSES, Kind, Op
from luhai.core.rules.parameters import Parameters
from luhai.kernel.money import MAX_MINOR, Currency
from luhai.kernel.refusal import Invalid


@dataclass(frozen=True, slots=True)
class Label:
    zh: str
    en: str


#: What kind of thing a product is; a closed list, so that the shelf can be filtered and a demand can say what it wants.
KINDS: Final[Mapping[str, Label]] = MappingProxyType({
    "loan": Label("贷款", "Loan"),
    "discount": Label("票据贴现", "Bill discount"),
    "leasing": Label("融资租赁", "Finance lease"),
    "guarantee": Label("保函与融资担保", "Guarantee"),
    "insurance": Label("保险", "Insurance"),
    "settlement": Label("结算与付汇", "Settlement and payment"),
})  # fmt: skip
#: The kinds that bring money; what a demand wants unless it says otherwise.
FUNDING: Final = ("loan", "discount", "leasing")

#: The papers an institution may want to see.
DOCUMENTS: Final[Mapping[str, Label]] = MappingProxyType({
    "business_licence": Label("营业执照", "business licence"),
    "financial_statements": Label("财务报表", "financial statements"),
    "tax_returns": Label("纳税申报表", "tax returns"),
    "bank_statements": Label("账户流水", "account statements"),
    "credit_consent": Label("征信查询授权书", "consent to a credit enquiry"),
    "trade_contract": Label("贸易合同或订单", "trade contract or order"),
    "invoices": Label("发票", "invoices"),
    "customs_declaration": Label("报关单", "customs declaration"),
    "transport_document": Label("运输单证", "transport document"),
    "warehouse_receipt": Label("仓单", "warehouse receipt"),
    "receivable_confirmation": Label("应收账款确认书", "confirmation of the receivable"),
    "registry_extract": Label("动产和权利担保登记查询证明", "extract of the registry of security in movables"),
    "insurance_policy": Label("保险单", "insurance policy"),
    "vessel_certificate": Label("船舶证书", "vessel certificate"),
    "concession_agreement": Label("特许经营协议", "concession agreement"),
    "project_approval": Label("项目批准或备案文件", "project approval or filing"),
    "discounted_bill": Label("拟贴现的票据", "the bill to be discounted"),
    "park_recommendation": Label("园区推荐函", "recommendation of the park"),
    "collateral_title": Label("权属证明", "title to the collateral"),
})  # fmt: skip

#: How a fact came to be known, where it is a word of ours; any other source is shown as it was given.
SOURCES: Final[Mapping[str, Label]] = MappingProxyType({
    "company": Label("企业填报", "stated by the company"),
    "demand": Label("本次需求", "this demand"),
    "register": Label("企业登记信息", "company registration"),
    "computed": Label("系统计算", "computed"),
    "no cap": Label("未设上限", "no cap was stated"),
})  # fmt: skip

MAX_TERRITORIES: Final = 64
MAX_MEASURES: Final = 40
MAX_TENOR_DAYS: Final = 36_525
MAX_PRICE_BP: Final = 10_000
MAX_PROMISE_HOURS: Final = 2_000


# --- what an institution writes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Terms:
    """What a product offers and to whom. Amounts are minor units of `currency`; prices are yearly, in basis points."""

    kind: str
    name_zh: str
    name_en: str
    summary_zh: str
    summary_en: str
    currency: Currency
    amount_min_minor: int
    amount_max_minor: int
    tenor_min_days: int
    tenor_max_days: int
    price_min_bp: int
    price_max_bp: int
    collateral: tuple[str, ...]  # any one will do; "credit" among them: none is needed
    purposes: tuple[str, ...]  # codes of core/rules; empty: any
    territories: tuple[str, ...]  # GB/T 2260; empty: everywhere
    documents: tuple[str, ...]  # codes of DOCUMENTS
    promise_hours: int  # working hours to a first answer
    measures: tuple[str, ...]  # what the product carries out
    requires: tuple[str, ...]  # measures that must be in force where the company is
    criteria: Criteria  # the institution's own, without what the terms imply

    def as_json(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {
            "currency": str(self.currency),
            "collateral": list(self.collateral),
            "territories": list(self.territories),
            "purposes": list(self.purposes),
            "documents": list(self.documents),
            "measures": list(self.measures),
            "requires": list(self.requires),
            "criteria": as_json(self.criteria),
        }


def read_terms(document: Mapping[str, Any]) -> Terms:
    """Read what an institution wrote. Refuses (Invalid) the first field that cannot be meant, and says what could."""
    if unknown := set(document) - set(Terms.__slots__):
        raise Invalid(field=min(map(str, unknown)), problem="a product has no such field")
    name_zh, name_en = _text(document, "name_zh", 120), _text(document, "name_en", 200)
    if not name_zh or not name_en:
        raise Invalid(field="name_zh" if not name_zh else "name_en", problem="a name in both languages is wanted")
    kind = document.get("kind")
    if kind not in KINDS:
        raise Invalid(field="kind", problem=f"one of {', '.join(KINDS)}")
    currency = document.get("currency")
    if currency not in list(Currency):
        raise Invalid(field="currency", problem=f"one of {', '.join(Currency)}")
    criteria = parse(document.get("criteria", {"all": []}))
    terms = Terms(
        kind=str(kind),
        name_zh=name_zh,
        name_en=name_en,
        summary_zh=_text(document, "summary_zh", 2000),
        summary_en=_text(document, "summary_en", 4000),
        currency=Currency(str(currency)),
        amount_min_minor=_whole(document, "amount_min_minor", 1, MAX_MINOR),
        amount_max_minor=_whole(document, "amount_max_minor", 1, MAX_MINOR),
        tenor_min_days=_whole(document, "tenor_min_days", 1, MAX_TENOR_DAYS),
        tenor_max_days=_whole(document, "tenor_max_days", 1, MAX_TENOR_DAYS),
        price_min_bp=_whole(document, "price_min_bp", 0, MAX_PRICE_BP),
        price_max_bp=_whole(document, "price_max_bp", 0, MAX_PRICE_BP),
        collateral=_codes(document, "collateral", [c.code for c in COLLATERAL], least=1),
        purposes=_codes(document, "purposes", [c.code for c in PURPOSES]),
        territories=_shaped(document, "territories", r"[1-9]\d{5}", "a GB/T 2260 code of six digits", MAX_TERRITORIES),
        documents=_codes(document, "documents", [*DOCUMENTS]),
        promise_hours=_whole(document, "promise_hours", 1, MAX_PROMISE_HOURS),
        measures=_shaped(document, "measures", r"M\d\d-\d\d", "a measure such as M05-05", MAX_MEASURES),
        requires=_shaped(document, "requires", r"M\d\d-\d\d", "a measure such as M05-05", MAX_MEASURES),
        criteria=criteria,
    )
    for what in ("amount", "tenor", "price"):
        low, high = [n for n in Terms.__slots__ if n.startswith(f"{what}_")]
        if getattr(terms, low) > getattr(terms, high):
            raise Invalid(field=low, problem=f"it is above {high}; the lower comes first")
    whole(terms)
    return terms


def whole(terms: Terms) -> Criteria:
    """All criteria of a product: what the terms imply, then the institution's own. Refuses what is too much to judge."""
    implied: list[dict[str, Any]] = [
        {"field": "currency", "op": Op.IS, "value": terms.currency},
        {"field": "amount_minor", "op": Op.BETWEEN, "value": [terms.amount_min_minor, terms.amount_max_minor]},
        {"field": "tenor_days", "op": Op.BETWEEN, "value": [terms.tenor_min_days, terms.tenor_max_days]},
        {"field": "rate_cap_bp", "op": Op.AT_LEAST, "value": terms.price_min_bp},
    ]
    if terms.purposes:
        implied.append({"field": "purpose", "op": Op.ONE_OF, "value": list(terms.purposes)})
    if terms.territories:
        implied.append({"field": "territory", "op": Op.WITHIN, "value": list(terms.territories)})
    if "credit" not in terms.collateral:
        implied.append({"field": "collateral", "op": Op.INCLUDES_ANY, "value": list(terms.collateral)})
    own = terms.criteria.parts if isinstance(terms.criteria, AllOf) else (terms.criteria,)
    return parse({"all": implied + [as_json(part) for part in own]})


def cited(terms: Terms) -> tuple[str, ...]:
    """Every measure on which the product rests: cited, required, or behind one of its criteria."""
    return tuple(sorted({*terms.measures, *terms.requires, *measures(terms.criteria)}))


# --- what a product answers -----------------------------------------------------------------------------------------

#: {field: {"value", "source", "as_of"}}, values as JSON carries them: the form in which facts are stored and passed.
Facts = Mapping[str, Mapping[str, Any]]


def read_facts(facts: Facts) -> dict[str, Fact]:
    """Facts as the rules take them. Names outside the catalogue are left out; a value that cannot be is refused."""
    read: dict[str, Fact] = {}
    for name, given in facts.items():
        field = FIELDS.get(name)
        value = given.get("value")
        if field is None or value is None:
            continue
        if field.kind is Kind.SET and isinstance(value, list | tuple | set):
            value = frozenset(v if isinstance(v, str) else repr(v) for v in value)
        if field.kind is Kind.DATE and isinstance(value, str):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                raise Invalid(field=name, problem="a date such as 2026-01-31 is wanted") from None
        if (why := field.problem(value)) is not None:
            raise Invalid(field=name, problem=why)
        read[name] = Fact(value, str(given.get("source", "")))
    return read


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of a "why": a criterion, or a measure that must be in force (`kind` "criterion" or "gate")."""

    kind: str
    field: str
    verdict: str  # met, failed, unknown
    zh: str  # what is wanted
    en: str
    value_zh: str  # what is known; empty when nothing is
    value_en: str
    source_zh: str
    source_en: str
    as_of: str
    measure: str
    parameter: str  # key@valid_from of a parameter that set the bound


@dataclass(frozen=True, slots=True)
class Nearest:
    """One of the changes which, all made, turn the answer into a yes."""

    field: str
    zh: str
    en: str
    reach: str  # demand, company, time, fixed: who or what could bring it about
    states_only: bool  # nothing is wrong: the fact has to be stated
    measures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """`verdict` is met, possible (something is not known) or failed. `nearest` is None when no change would help."""

    verdict: str
    reasons: tuple[Reason, ...]
    nearest: tuple[Nearest, ...] | None


VERDICTS: Final = MappingProxyType(
    {Verdict.MET: "met", Verdict.UNKNOWN: "unknown", Verdict.FAILED: "failed"}
)


def explain(
    criteria: Criteria,
    requires: Sequence[str],
    facts: Facts,
    parameters: Parameters,
    in_force: Iterable[str],
    *,
    on: date,
    place: Label,
) -> Explanation:
    """Say what each criterion and each required measure answers for these facts, and what would change a no.

    `in_force` are the measures in force where the company is, on that day; `place` is the name of that territory.
    Where the territory is not known nothing is known about the measures either.
    """
    answer = evaluate(criteria, read_facts(facts), parameters, on=on)
    reasons = [_reason(judged, facts) for judged in answer.judged]
    nearest = _nearest(answer)
    verdict = answer.verdict
    known_place, live = "territory" in facts, set(in_force)
    for measure in requires:
        holds = Verdict.UNKNOWN if not known_place else Verdict.MET if measure in live else Verdict.FAILED
        verdict = min(verdict, holds)
        reasons.append(_gate(measure, holds, place))
        if holds is Verdict.UNKNOWN and nearest is not None and all(c.field != "territory" for c in nearest):
            field = FIELDS["territory"]
            nearest = (
                *nearest,
                Nearest("territory", f"请补充{field.zh}", f"Please state {field.en}", str(field.reach), True, (measure,)),
            )
        if holds is Verdict.FAILED and nearest is not None:
            nearest = (
                *nearest,
                Nearest(
                    "measure",
                    f"措施 {measure} 需在{place.zh}落地实施",
                    f"Measure {measure} has to come into force in {place.en}",
                    "time", False, (measure,),
                ),
            )  # fmt: skip
    overall = {Verdict.MET: "met", Verdict.UNKNOWN: "possible", Verdict.FAILED: "failed"}[verdict]
    return Explanation(overall, tuple(reasons), nearest)


def _reason(judged: Judged, facts: Facts) -> Reason:
    field = FIELDS[judged.criterion.field]
    given = facts.get(field.name, {})
    source = SOURCES.get(judged.source, Label(judged.source, judged.source))
    known = judged.value is not None
    return Reason(
        kind="criterion",
        field=field.name,
        verdict=VERDICTS[judged.verdict],
        zh=judged.wording("zh"),
        en=judged.wording("en"),
        value_zh=shown(field, judged.value, "zh") if judged.value is not None else "",
        value_en=shown(field, judged.value, "en") if judged.value is not None else "",
        source_zh=source.zh if known else field.source_zh,
        source_en=source.en if known else field.source_en,
        as_of=str(given.get("as_of", "")) if known else "",
        measure=judged.measure or "",
        parameter=f"{judged.parameter.key}@{judged.parameter.valid_from}" if judged.parameter else "",
    )


def _gate(measure: str, holds: Verdict, place: Label) -> Reason:
    value = {
        Verdict.MET: Label(f"已在{place.zh}实施", f"in force in {place.en}"),
        Verdict.FAILED: Label(f"尚未在{place.zh}实施", f"not in force in {place.en}"),
        Verdict.UNKNOWN: Label("", ""),
    }[holds]
    return Reason(
        "gate", "measure", VERDICTS[holds],
        f"措施 {measure} 已在企业所在地实施", f"Measure {measure} is in force where the company is",
        value.zh, value.en, "政策库：各地落地情况", "policy library: adoption by territory", "", measure, "",
    )  # fmt: skip


def _nearest(answer: Answer) -> tuple[Nearest, ...] | None:
    if answer.changes is None:
        return None
    return tuple(
        Nearest(c.field, c.wording("zh"), c.wording("en"), str(c.reach), c.states_only, c.measures)
        for c in answer.changes
    )


@dataclass(frozen=True, slots=True)
class CriterionText:
    """A criterion in words, for the page of a product; `group` is its path in the tree."""

    field: str
    group: str
    zh: str
    en: str
    measure: str


def in_words(criteria: Criteria, parameters: Parameters, *, on: date) -> tuple[CriterionText, ...]:
    """Every criterion of a product in both languages, with the bounds that the parameters set on that day."""
    return tuple(
        CriterionText(
            j.criterion.field, j.path.rpartition("[")[0], j.wording("zh"), j.wording("en"), j.measure or ""
        )
        for j in evaluate(criteria, {}, parameters, on=on).judged
    )


# --- reading fields -------------------------------------------------------------------------------------------------


def _text(document: Mapping[str, Any], field: str, most: int) -> str:
    value = document.get(field, "")
    if not isinstance(value, str) or "\x00" in value or len(value) > most:
        raise Invalid(field=field, problem=f"a text of at most {most} characters is wanted")
    return value.strip()


def _whole(document: Mapping[str, Any], field: str, least: int, most: int) -> int:
    value = document.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Invalid(field=field, problem=f"a whole number from {least} to {most} is wanted")
    return value


def _list(document: Mapping[str, Any], field: str) -> list[Any]:
    value = document.get(field, [])
    if not isinstance(value, list | tuple):
        raise Invalid(field=field, problem="a list is wanted")
    return list(value)


def _codes(document: Mapping[str, Any], field: str, known: Sequence[str], *, least: int = 0) -> tuple[str, ...]:
    codes = _list(document, field)
    for index, code in enumerate(codes):
        if code not in known:
            raise Invalid(field=f"{field}[{index}]", problem=f"one of {', '.join(known)}")
    if len(codes) < least:
        raise Invalid(field=field, problem=f"at least {least} of {', '.join(known)}")
    return tuple(dict.fromkeys(codes))


def _shaped(document: Mapping[str, Any], field: str, pattern: str, what: str, most: int) -> tuple[str, ...]:
    values = _list(document, field)
    for index, value in enumerate(values):
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
            raise Invalid(field=f"{field}[{index}]", problem=f"{what} is wanted")
    if len(values) > most:
        raise Invalid(field=field, problem=f"at most {most}")
    return tuple(dict.fromkeys(values))
