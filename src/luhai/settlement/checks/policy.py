"""Does a goods payment agree with its papers? Pure: no database, no Django.

    facts_of(said, papers, customer)  -> what is known of the payment, each fact with what was wanted and found; what is not known is left out
    judge(rules, said, papers, customer, parameters, on, scenes) -> the judgement under one rule set and the scenes, every check with its finding
    judge_facts(rules, known, …)      -> the same from the facts alone: stored ones, or those of a test vector

An unknown is never a no: a check whose facts are not known is `missing`, one that is contradicted a `mismatch`. Where a scene accepts other
evidence, what is missing is `stood_in`; a mismatch stays one.
A paper that is about other parties proves nothing and contradicts nothing, as long as another one of its kind is about these; alone it is
a mismatch. So another matching paper never turns a clear payment into a blocked one, and the order of papers does not matter.
Units: whole minor units of the payment's currency; basis points, rounded up, so that no excess is lost in rounding.
Source: domain notes on settlement §1.2, §1.3, §1.8; measure M08-01. docs/algorithms/document-checks.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from typing import Final
from uuid import UUID

from luhai.core.rules import criteria as asked
from luhai.core.rules.criteria import Fact, Judged, Verdict
from luhai.core.rules.fields import EVERY_FIELD, MOST_BP, NUMERIC, PAYMENT_FIELDS, Kind
from luhai.core.rules.parameters import Parameters
from luhai.kernel.folding import fold
from luhai.kernel.money import EXPONENT, Currency
from luhai.kernel.refusal import Invalid

from .names import compare, letters
from .rule_sets import DIRECTIONS, SITUATIONS, TIERS, Check, RuleSet
from .scenes import Scene, stricter

#: Whose goods they are, and whose they become, by the words that papers use.
_SELLERS: Final = ("seller", "exporter", "shipper", "consignor")
_BUYERS: Final = ("buyer", "importer", "consignee")
#: Papers that say between whom the deal is. A transport document often names forwarders and banks instead.
_DEALS: Final = ("contract", "order", "invoice", "customs_declaration")
_CONTRACTS: Final = ("contract", "order")
_RELEASED: Final = ("released", "closed", "cleared", "exited", "amended")
_NOT_RELEASED: Final = ("accepted", "lodged", "received", "under_control", "documents_wanted", "rejected")
_FOREIGN: Final = tuple(c.value for c in Currency if c is not Currency.CNY)
#: Days are counted so far.
_MOST_DAYS: Final = 36_525
#: What becomes of a document of title, the best first.
_TITLE_STATES: Final = ("live", "delivered", "paper", "frozen", "void")
_CARRIERS: Final = ("carrier", "issuer")
#: How badly a name differs.
_NAMED: Final = ("same", "alias", "near", "different")


@dataclass(frozen=True, slots=True)
class Said:
    """What a payment says. `original_on` is the day of the payment that a refund gives back."""

    direction: str  # in | out
    currency: str
    amount_minor: int
    debtor_name: str
    debtor_country: str
    creditor_name: str
    invoices: tuple[str, ...]
    value_date: date
    situation: str  # goods_after_shipment | goods_advance | goods_collection | goods_refund
    creditor_country: str = ""
    original_on: date | None = None

    def check(self) -> None:
        """Refuses: Invalid (names the field)."""
        if self.direction not in DIRECTIONS:
            raise Invalid(field="direction", problem=f"one of {', '.join(DIRECTIONS)}")
        if self.situation not in SITUATIONS:
            raise Invalid(field="situation", problem=f"one of {', '.join(SITUATIONS)}")
        if self.currency not in list(Currency):
            raise Invalid(field="currency", problem=f"one of {', '.join(Currency)}")
        if self.amount_minor <= 0:
            raise Invalid(field="amount_minor", problem="a whole number of minor units above nothing")
        if self.original_on is not None and self.original_on > self.value_date:
            raise Invalid(field="original_on", problem="a day that is not after the payment")

    @property
    def sells(self) -> bool:
        """Whether our side is the seller: it receives for goods, or gives back what it received."""
        return (self.direction == "in") is (self.situation != "goods_refund")

    @property
    def counterparty(self) -> tuple[str, str]:
        """Name and country."""
        if self.direction == "in":
            return self.debtor_name, self.debtor_country
        return self.creditor_name, self.creditor_country

    @property
    def own_name(self) -> str:
        return self.creditor_name if self.direction == "in" else self.debtor_name


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `required`: as it stands it is in the way unless met. `later`: it is missing and may be shown after the payment.

    `wanted` and `found` are data: names, numbers, amounts, or a word of the field. `rule` is key@valid_from of the parameter, or empty.
    `scene` is the version of the scene that asked it, weighed it, or let other evidence stand in for it.
    """

    name: str
    status: str  # met | stood_in | tolerated | missing | mismatch
    required: bool
    field: str
    wanted: str
    found: str
    measure: str | None
    rule: str
    later: bool = False
    scene: str = ""

    @property
    def blocks(self) -> bool:
        return self.required and self.status in ("missing", "mismatch")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of all checks, and by which rules. `declaration_id` is what the payment is to be recorded against, if against any.

    `rule_set` names the rules and then the scenes that spoke of the payment, joined by +; `scenes` are those alone.
    """

    rule_set: str
    tier: str
    verdict: str  # clear | blocked
    findings: tuple[Finding, ...]
    declaration_id: UUID | None
    facts: dict[str, str]
    parameters: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()

    @property
    def in_the_way(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.blocks)


@dataclass(frozen=True, slots=True)
class Named:
    """A party as a paper names it. `others` are its further names in the register; `numbers` are scheme:number."""

    role: str
    name: str
    numbers: frozenset[str] = frozenset()
    country: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """A document as it stands in the register of evidence. `left` is what may still be settled against it, `used` what was.

    Of a transport document also: what it is (`form`, a code of the field transport_forms), what has become of the title that stands for
    the goods (a code of title_state, empty where the registry of titles has none), through which territories it leads as far as its places
    are known, and whose system delivered it.
    """

    id: UUID
    kind: str
    number: str
    live: bool
    status: str
    amount_minor: int | None
    currency: str
    dated: date
    parties: tuple[Named, ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    left: int = 0
    lot: UUID | None = None
    used: int = 0
    form: str = ""
    title: str = ""
    route: frozenset[str] = frozenset()
    source: Named | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """Our side of the payment, and how its bank has graded it; no class where the bank has said none."""

    names: tuple[str, ...]
    numbers: frozenset[str]
    territory: str | None = None
    tier: str = "2"
    directory_class: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A fact that is known, and what a person would compare."""

    value: asked.Plain
    found: str = ""
    wanted: str = ""


# --- the judgement ------------------------------------------------------------------------------------------------------


def judge(
    rules: RuleSet, said: Said, papers: Sequence[Paper], customer: Customer, parameters: Parameters, on: date,
    scenes: Sequence[Scene] = (),
) -> Judgement:  # fmt: skip
    """Every check that the situation, and each scene, asks of a customer of this grade; clear when none that is required stands in the way."""
    said.check()
    known = facts_of(said, papers, customer)
    against = declaration_of(said, papers, customer) if rules.situations[said.situation].uses_declaration else None
    return judge_facts(
        rules, known, said.situation, tier_of(customer), customer.territory, parameters, on, scenes, against.id if against else None
    )


def judge_facts(
    rules: RuleSet, known: Mapping[str, Known], situation: str, tier: str, territory: str | None, parameters: Parameters, on: date,
    scenes: Sequence[Scene] = (), declaration_id: UUID | None = None,
) -> Judgement:  # fmt: skip
    """The judgement on what is known. Refuses: Invalid (a fact that cannot be)."""
    facts = {name: Fact(k.value) for name, k in known.items()}
    asked.check_facts(facts, EVERY_FIELD)
    if territory:
        facts["territory"] = Fact(territory)
    used: set[str] = set()
    speaking = [s for s in sorted(scenes, key=lambda s: s.version) if _speaks(s, rules, situation, facts, parameters, on, used)]
    findings = []
    for check, weight, scene in _asked(rules, speaking, situation, tier):
        found = _finding(check, weight, known, facts, parameters, on, used)
        found = replace(found, scene=scene) if scene else found
        if found.status == "missing":
            found = _stood_in(found, speaking, tier, known, facts, parameters, on, used)
        findings.append(found)
    versions = tuple(s.version for s in speaking)
    return Judgement(
        "+".join([rules.version, *versions]), tier, "blocked" if any(f.blocks for f in findings) else "clear", tuple(findings),
        declaration_id, {name: _plain(name, k.value) for name, k in sorted(known.items())}, tuple(sorted(used)), versions,
    )  # fmt: skip


def _speaks(
    scene: Scene, rules: RuleSet, situation: str, facts: Mapping[str, Fact], parameters: Parameters, on: date, used: set[str]
) -> bool:
    if not scene.speaks_of(rules.direction, situation):
        return False
    answer = asked.evaluate(scene.about, facts, parameters, on=on)
    used.update(_rule(j) for j in answer.judged if j.parameter)
    return answer.verdict is Verdict.MET


def _asked(rules: RuleSet, scenes: Sequence[Scene], situation: str, tier: str) -> Iterator[tuple[Check, str, str]]:
    """Each check once, its weight for the grade, and the scene that has a part in it. Of two scenes the stricter counts."""
    for check in rules.checks:
        weight, of = check.weight(situation, tier), ""
        if weight is None:
            continue
        told = [
            (letters[TIERS.index(tier)], s.version)
            for s in scenes if (letters := s.weights.get(rules.direction, {}).get(check.name, {}).get(situation))
        ]  # fmt: skip
        if told:
            weight = reduce(stricter, (w for w, _ in told))
            of = next(version for w, version in told if w == weight)
        yield check, weight, of if weight != check.weight(situation, tier) else ""
    more: dict[str, tuple[Check, str, str]] = {}
    for scene in scenes:
        for check in scene.checks:
            weight = check.weight(situation, tier)
            if weight is not None and (check.name not in more or stricter(weight, more[check.name][1]) != more[check.name][1]):
                more[check.name] = check, weight, scene.version
    yield from more.values()


def _stood_in(
    found: Finding, scenes: Sequence[Scene], tier: str, known: Mapping[str, Known], facts: Mapping[str, Fact], parameters: Parameters,
    on: date, used: set[str],
) -> Finding:  # fmt: skip
    """What is missing is not missed where a scene accepts what is there in its place."""
    for scene in scenes:
        for other in scene.instead:
            if other.check == found.name and tier in other.tiers:
                answer = asked.evaluate(other.criteria, facts, parameters, on=on)
                if answer.verdict is Verdict.MET:
                    used.update(_rule(j) for j in answer.judged if j.parameter)
                    telling = answer.judged[0].criterion.field
                    what = known.get(telling)
                    return replace(
                        found, status="stood_in", later=False, scene=scene.version, measure=scene.measure, field=telling, wanted="",
                        found=(what.found or _plain(telling, what.value)) if what else "",
                    )
    return found


def tier_of(customer: Customer) -> str:
    """The grade that counts: whoever is not of class A is of grade 3, whatever was said before the class changed."""
    return "3" if customer.directory_class in ("B", "C", "none") else customer.tier


def _finding(
    check: Check, weight: str, known: Mapping[str, Known], facts: Mapping[str, Fact], parameters: Parameters, on: date,
    used: set[str],
) -> Finding:  # fmt: skip
    answer = asked.evaluate(check.criteria, facts, parameters, on=on)
    judged, status = answer.judged, _STATUS[answer.verdict]
    if check.exactly is not None and answer.verdict is Verdict.MET:
        exact = asked.evaluate(check.exactly, facts, parameters, on=on)
        used.update(_rule(j) for j in exact.judged if j.parameter)
        if exact.verdict is not Verdict.MET:
            status = "tolerated"
    used.update(_rule(j) for j in judged if j.parameter)
    telling = next(j for j in judged if j.verdict is answer.verdict)
    field = telling.criterion.field
    what = known.get(field)
    found = (what.found or _plain(field, what.value)) if what is not None else ""
    wanted = (what.wanted if what is not None else "") or _wanted(telling)
    rule = _rule(telling) or next((_rule(j) for j in judged if j.parameter), "")
    required = weight == "Y" or (weight == "P" and status == "mismatch")
    return Finding(
        check.name, status, required, field, wanted, found, check.measure, rule, weight == "P" and status == "missing"
    )  # fmt: skip


_STATUS: Final = {Verdict.MET: "met", Verdict.UNKNOWN: "missing", Verdict.FAILED: "mismatch"}


def _rule(judged: Judged) -> str:
    return f"{judged.parameter.key}@{judged.parameter.valid_from.isoformat()}" if judged.parameter else ""


def _plain(field: str, value: asked.Plain) -> str:
    """A fact as stored text: yes and no, codes, whole numbers, days."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    kind = EVERY_FIELD[field].kind
    return share(value) if kind is Kind.SHARE and isinstance(value, int) else str(value)


def as_known(stored: Mapping[str, str]) -> dict[str, Known]:
    """Facts as a judgement has stored them, read back; what the catalogue does not know any more is left out."""
    found: dict[str, Known] = {}
    for name, text in stored.items():
        if (field := PAYMENT_FIELDS.get(name)) is None:
            continue
        value: asked.Plain = text
        if field.kind is Kind.FLAG:
            value = text == "yes"
        elif field.kind is Kind.SET:
            value = frozenset(code for code in text.split(", ") if code)
        elif field.kind is Kind.SHARE:
            value = int(text.removesuffix("%").replace(".", ""))
        elif field.kind in NUMERIC:
            value = int(text)
        found[name] = Known(value)
    return found


def _wanted(judged: Judged) -> str:
    """What the telling criterion asks, without words of any language."""
    field, wanted = EVERY_FIELD[judged.criterion.field], judged.wanted
    if isinstance(wanted, bool):
        return "yes" if wanted else "no"
    if field.kind in NUMERIC and isinstance(wanted, int):
        sign = {"at_most": "≤ ", "at_least": "≥ ", "more_than": "> ", "less_than": "< "}.get(str(judged.criterion.op), "")
        return sign + (share(wanted) if field.kind is Kind.SHARE else str(wanted))
    assert isinstance(wanted, tuple)
    out = str(judged.criterion.op) in ("is_not", "none_of")
    codes = [c.code for c in field.codes if (c.code in wanted) is not out]
    return " / ".join(codes)


def share(bp: int) -> str:
    return f"{bp // 100}.{bp % 100:02d}%"


def money(minor: int, currency: str) -> str:
    digits = EXPONENT[Currency(currency)] if currency in list(Currency) else 2
    whole, part = divmod(minor, 10**digits)
    return f"{currency} {whole:,}" + (f".{part:0{digits}d}" if digits else "")


# --- which paper is about what ------------------------------------------------------------------------------------------


def ours(said: Said, paper: Paper, customer: Customer) -> bool | None:
    """Whether the paper has our customer on its side of the deal; None where it does not say."""
    party = _on_side(paper, _SELLERS if said.sells else _BUYERS)
    if party is None:
        return None
    # A number speaks where both have one of the same register; a name where they have not.
    schemes = {n.partition(":")[0] for n in party.numbers} & {n.partition(":")[0] for n in customer.numbers}
    if schemes:
        return bool(party.numbers & customer.numbers)
    if not letters(party.name):
        return None
    return compare(party.name, customer.names) != "different"


def declaration_of(said: Said, papers: Sequence[Paper], customer: Customer) -> Paper | None:
    """The declaration that the payment would be recorded against: the smallest that covers it, else the one that leaves most."""
    usable = [p for p in _usable(said, papers, customer, ("customs_declaration",)) if p.left > 0]
    mine = [p for p in usable if p.currency == said.currency]
    covering = [p for p in mine if p.left >= said.amount_minor]
    if covering:
        return min(covering, key=lambda p: (p.left, p.number, str(p.id)))
    return max(mine or usable, key=lambda p: (p.left, p.number, str(p.id)), default=None)


def _usable(said: Said, papers: Iterable[Paper], customer: Customer, kinds: Sequence[str]) -> list[Paper]:
    return [p for p in papers if p.kind in kinds and p.live and ours(said, p, customer) is not False]


def _on_side(paper: Paper, roles: Sequence[str]) -> Named | None:
    named = {p.role: p for p in reversed(paper.parties)}
    return next((named[role] for role in roles if role in named), None)


# --- facts --------------------------------------------------------------------------------------------------------------


def facts_of(said: Said, papers: Sequence[Paper], customer: Customer) -> dict[str, Known]:
    """Everything that is known of the payment. A fact that is not known is not there; the order of papers does not matter."""
    papers = sorted({p.id: p for p in papers}.values(), key=lambda p: (p.kind, p.number, str(p.id)))
    found: dict[str, Known] = {"customer_tier": Known(tier_of(customer))}
    if customer.directory_class:
        found["directory_class"] = Known(customer.directory_class)
    for about in (_at_hand, _parties, _declared, _amounts, _invoices, _order, _transport, _given_back):
        found |= about(said, papers, customer)
    return found


def _at_hand(said: Said, papers: Sequence[Paper], customer: Customer) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for name, kinds in (
        ("has_contract", _CONTRACTS), ("has_invoice", ("invoice",)), ("has_declaration", ("customs_declaration",)),
        ("has_transport", ("transport_document",)),
    ):  # fmt: skip
        there = [p for p in papers if p.kind in kinds]
        good = [p for p in there if p.live] if name == "has_transport" else _usable(said, there, customer, kinds)
        if there:
            found[name] = Known(bool(good), _numbers(good or there))
    if papers:
        found["papers_live"] = _all(papers, lambda p: p.live)
    return found


def _parties(said: Said, papers: Sequence[Paper], customer: Customer) -> dict[str, Known]:
    found: dict[str, Known] = {}
    usable = _usable(said, papers, customer, _DEALS)
    others = [o for p in usable if (o := _on_side(p, _BUYERS if said.sells else _SELLERS))]
    name, country = said.counterparty
    named = [o for o in others if letters(o.name) or any(map(letters, o.others))]
    if named and letters(name):
        worst = max((compare(name, [o.name], o.others) for o in named), key=_NAMED.index)
        found["counterparty_name"] = Known(worst, name, _listed(o.name or o.others[0] for o in named))
    countries = sorted({o.country for o in others if o.country})
    if countries and country:
        found["country_same"] = Known(country in countries, country, " / ".join(countries))
    if letters(said.own_name):
        # Papers that carry the company's number may write its name in a way that the register does not.
        mine = (_on_side(p, _SELLERS if said.sells else _BUYERS) for p in usable)
        written = [m.name for m in mine if m and m.numbers & customer.numbers and letters(m.name)]
        found["own_name"] = Known(
            compare(said.own_name, customer.names, written), said.own_name, _listed(customer.names)
        )
    return found


def _declared(said: Said, papers: Sequence[Paper], customer: Customer) -> dict[str, Known]:
    there = [p for p in papers if p.kind == "customs_declaration"]
    if not there:
        return {}
    found = {"declarations_live": _all(there, lambda p: p.live)}
    if live := [p for p in there if p.live]:
        found["declarations_open"] = _all(live, lambda p: p.left > 0)
    told = {p.id: ours(said, p, customer) for p in there}
    if known := [p for p in there if told[p.id] is not None]:
        mine = [p for p in known if told[p.id]]
        units = (u for p in mine or known if (u := _on_side(p, _SELLERS if said.sells else _BUYERS)))
        found["declaration_ours"] = Known(bool(mine), _listed(u.name for u in units), _listed(customer.names))
    usable = _usable(said, there, customer, ("customs_declaration",))
    states = [p for p in usable if p.status.lower() in (*_RELEASED, *_NOT_RELEASED)]
    if states:
        released = [p for p in states if p.status.lower() in _RELEASED]
        found["declaration_released"] = Known(
            bool(released), _listed(f"{p.number} {p.status}" for p in released or states)
        )
    if mine := [p for p in usable if p.currency == said.currency]:
        most = max(p.left for p in mine)
        found["within_declaration"] = Known(
            most >= said.amount_minor, money(said.amount_minor, said.currency), f"≤ {money(most, said.currency)}"
        )
    used = declaration_of(said, papers, customer)
    if used is not None:
        days = (said.value_date - used.dated).days
        found["days_paid_early"] = Known(_days(-days), said.value_date.isoformat(), f"≥ {used.dated.isoformat()}")
        found["deferred_days"] = Known(_days(days))
    return found


def _amounts(said: Said, papers: Sequence[Paper], customer: Customer) -> dict[str, Known]:
    found: dict[str, Known] = {}
    usable = _usable(said, papers, customer, _DEALS)
    # A tax invoice is in yuan whatever the deal is in: it says nothing about the currency of another payment.
    telling = [p for p in usable if p.currency and (p.kind != "invoice" or p.currency in (said.currency, *_FOREIGN))]
    if telling:
        found["currency_same"] = Known(
            all(p.currency == said.currency for p in telling), said.currency, " / ".join(sorted({p.currency for p in telling}))
        )
    for name, kinds in (("over_contract_bp", _CONTRACTS), ("over_declaration_bp", ("customs_declaration",))):
        total = _total(said, [p for p in usable if p.kind in kinds])
        if total:
            found[name] = _over(said, total)
            if name == "over_contract_bp":
                part = -(-said.amount_minor * 10_000 // total)
                found["contract_share_bp"] = Known(min(part, MOST_BP))
    return found


def _invoices(said: Said, papers: Sequence[Paper], customer: Customer) -> dict[str, Known]:
    found: dict[str, Known] = {}
    at_hand = _usable(said, papers, customer, ("invoice",))
    named = {fold(n): n for n in said.invoices if fold(n)}
    numbers = {fold(p.number) for p in at_hand if p.number}
    referred = {
        fold(value) for p in _usable(said, papers, customer, (*_DEALS, "transport_document")) for kind, value in p.references
        if kind == "invoice"
    }  # fmt: skip
    absent = sorted(named.keys() - numbers - referred)
    if named and not absent:
        found["invoices_named"] = Known(True, _listed(named.values()))
    elif named and at_hand and not named.keys() & (numbers | referred):
        found["invoices_named"] = Known(False, _listed(named.values()), _numbers(at_hand))
    counted = [p for p in at_hand if fold(p.number) in named] or at_hand
    total = _total(said, counted)
    # Of several invoices that were named and are not all here, the sum is not known.
    comparable = bool(total) and not absent
    found["invoice_amount_known"] = Known(comparable)
    if comparable:
        found["over_invoice_bp"] = _over(said, total)
        short = max(total - said.amount_minor, 0)
        found["under_invoice_bp"] = Known(
            min(-(-short * 10_000 // total), MOST_BP), money(said.amount_minor, said.currency), money(total, said.currency)
        )
    if counted:
        found["invoice_unused"] = _all(counted, lambda p: p.left > 0)
    return found


def _order(said: Said, papers: Sequence[Paper], customer: Customer) -> dict[str, Known]:
    """Contract, invoice, shipment, declaration, payment, as far as they are here. Exports are declared before they leave."""
    usable = _usable(said, papers, customer, _DEALS)
    days = {
        "contract": [p.dated for p in usable if p.kind in _CONTRACTS],
        "invoice": [p.dated for p in usable if p.kind == "invoice"],
        "shipment": [p.dated for p in papers if p.kind == "transport_document" and p.live],
        "declaration": [p.dated for p in usable if p.kind == "customs_declaration"],
        "payment": [said.value_date],
    }
    pairs = [("contract", "invoice"), ("contract", "shipment"), ("contract", "declaration"), ("contract", "payment"),
             ("invoice", "shipment")]  # fmt: skip
    if said.sells:
        pairs += [("declaration", "shipment")]
    else:
        pairs += [("invoice", "declaration"), ("shipment", "declaration")]
    apart = [((a - b).days, f"{first} {a}", f"{then} {b}") for first, then in pairs for a in days[first] for b in days[then]]
    if not apart:
        return {}
    worst, first, then = max(apart)
    return {"days_out_of_order": Known(_days(worst), f"{first}, {then}" if worst > 0 else "")}


def _transport(said: Said, papers: Sequence[Paper], customer: Customer) -> dict[str, Known]:
    """What carries the goods: whether it is of the same lot as the declaration and the invoice, or one names the other; which way it leads;
    whether it stands in the registry of titles, and has served no other payment."""
    carried = [p for p in papers if p.kind == "transport_document" and p.live]
    if not carried:
        return {}
    found: dict[str, Known] = {}
    declared = _usable(said, papers, customer, ("customs_declaration",))
    if declared:
        linked = [t for t in carried if any(_one_lot(t, d) for d in declared)]
        found["transport_linked"] = Known(bool(linked), _numbers(linked or carried), _numbers(declared))
    if (invoiced := _invoiced(carried, declared, _usable(said, papers, customer, ("invoice", *_CONTRACTS)))) is not None:
        found["transport_invoiced"] = invoiced
    forms = {p.form for p in carried if p.form}
    if forms:
        found["transport_forms"] = Known(frozenset(forms), _numbers(carried))
    if states := [p.title for p in carried if p.title]:
        worst = max(states, key=_TITLE_STATES.index)
        found["title_state"] = Known(worst, _listed(f"{p.number} {p.title}" for p in carried if p.title == worst))
    route = frozenset(code for p in carried for code in p.route)
    if route:
        found["transport_route"] = Known(route)
    found["transport_unused"] = _all(carried, lambda p: p.used == 0)
    told = [(p, of_us) for p in carried if (of_us := ours(said, p, customer)) is not None]
    if told:
        mine = [p for p, of_us in told if of_us]
        sides = (u for p in mine or [p for p, _ in told] if (u := _on_side(p, _SELLERS if said.sells else _BUYERS)))
        found["transport_ours"] = Known(bool(mine), _listed(u.name for u in sides), _listed(customer.names))
    from_carriers = [(p, _from_carrier(p)) for p in carried if p.source is not None]
    if from_carriers:
        found["transport_from_carrier"] = Known(
            all(yes for _, yes in from_carriers), _listed(p.source.name for p, _ in from_carriers if p.source)
        )
    oldest = min(p.dated for p in carried)
    found["transport_days"] = Known(_days((said.value_date - oldest).days))
    return found


def _invoiced(carried: Sequence[Paper], declared: Sequence[Paper], of: Sequence[Paper]) -> Known | None:
    """Whether a transport document is of the goods of an invoice or contract: it and one of these, or the declaration of both, name each
    other or lie in one lot. No where it names invoices and contracts, and none of them is here; not known where nothing says so."""
    if not of:
        return None
    for t in carried:
        between = [d for d in declared if _one_lot(t, d)]
        if mine := [p for p in of if _one_lot(t, p) or any(_one_lot(d, p) for d in between)]:
            return Known(True, t.number, _numbers(mine))
    named = [v for t in carried for k, v in t.references if k in ("invoice", *_CONTRACTS)]
    return Known(False, _listed(named), _numbers(of)) if named else None


def _from_carrier(paper: Paper) -> bool:
    """Whether the system of the paper's own carrier delivered it, and not somebody who holds a copy."""
    source = paper.source
    assert source is not None, paper.id
    for party in (p for p in paper.parties if p.role in _CARRIERS):
        if party.numbers & source.numbers:
            return True
        names = [n for n in (source.name, *source.others) if letters(n)]
        if names and letters(party.name) and compare(party.name, names) != "different":
            return True
    return False


def _one_lot(a: Paper, b: Paper) -> bool:
    return (a.lot is not None and a.lot == b.lot) or _names(a, b) or _names(b, a)


def _names(a: Paper, b: Paper) -> bool:
    return any(kind in (b.kind, "document") and fold(value) == fold(b.number) for kind, value in a.references)


def _given_back(said: Said, papers: Sequence[Paper], customer: Customer) -> dict[str, Known]:
    if said.original_on is None:
        return {}
    return {
        "original_known": Known(True, said.original_on.isoformat()),
        "refund_days": Known(_days((said.value_date - said.original_on).days)),
    }


def _total(said: Said, papers: Iterable[Paper]) -> int:
    return sum(p.amount_minor or 0 for p in papers if p.currency == said.currency)


def _over(said: Said, total: int) -> Known:
    beyond = max(said.amount_minor - total, 0)
    return Known(
        min(-(-beyond * 10_000 // total), MOST_BP), money(said.amount_minor, said.currency), money(total, said.currency)
    )


def _days(number: int) -> int:
    return min(max(number, 0), _MOST_DAYS)


def _all(papers: Sequence[Paper], holds: Callable[[Paper], bool]) -> Known:
    """Yes when it holds of each; else those of which it does not."""
    failing = [p for p in papers if not holds(p)]
    return Known(not failing, _numbers(failing or papers))


def _numbers(papers: Iterable[Paper]) -> str:
    return _listed(p.number for p in papers)


def _listed(words: Iterable[str]) -> str:
    """At most five, each once."""
    some = list(dict.fromkeys(w for w in words if w))
    return "; ".join(some[:5]) + ("; …" if len(some) > 5 else "")
