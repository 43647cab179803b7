"""Does a goods payment agree with its papers? Pure: no database, no Django.

    facts_of(said, papers, customer)  -> what is known of the payment, each fact with what was wanted and found; what is not known is left out
    judge(rules, said, papers, customer, parameters, on) -> the judgement under one rule set, every check with its finding

An unknown is never a no: a check whose facts are not known is `missing`, one that is contradicted a `mismatch`.
A paper that is about other parties proves nothing and contradicts nothing, as long as another one of its kind is about these; alone it is
a mismatch. So another matching paper never turns a clear payment into a blocked one, and the order of papers does not matter.
Units: whole minor units of the payment's currency; basis points, rounded up, so that no excess is lost in rounding.
Source: domain notes on settlement §1.2, §1.3, §1.8; measure M08-01. docs/algorithms/document-checks.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from luhai.core.rules import criteria as asked
from luhai.core.rules.criteria import Fact, Judged, Verdict
from luhai.core.rules.fields import EVERY_FIELD, MOST_BP, NUMERIC, Kind
from luhai.core.rules.parameters import Parameters
from luhai.kernel.folding import fold
from luhai.kernel.money import EXPONENT, Currency
from luhai.kernel.refusal import Invalid

from .names import compare, letters
from .rule_sets import DIRECTIONS, SITUATIONS, Check, RuleSet

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
    """

    name: str
    status: str  # met | tolerated | missing | mismatch
    required: bool
    field: str
    wanted: str
    found: str
    measure: str | None
    rule: str
    later: bool = False

    @property
    def blocks(self) -> bool:
        return self.required and self.status in ("missing", "mismatch")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of all checks, and by which rules. `declaration_id` is what the payment is to be recorded against, if against any."""

    rule_set: str
    tier: str
    verdict: str  # clear | blocked
    findings: tuple[Finding, ...]
    declaration_id: UUID | None
    facts: dict[str, str]
    parameters: tuple[str, ...] = ()

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
    """A document as it stands in the register of evidence. `left` is what may still be settled against it."""

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
    rules: RuleSet, said: Said, papers: Sequence[Paper], customer: Customer, parameters: Parameters, on: date
) -> Judgement:
    """Every check that the situation asks of a customer of this grade; clear when none that is required stands in the way."""
    said.check()
    tier = tier_of(customer)
    known = facts_of(said, papers, customer)
    facts = {name: Fact(k.value) for name, k in known.items()}
    asked.check_facts(facts, EVERY_FIELD)
    if customer.territory:
        facts["territory"] = Fact(customer.territory)
    used: set[str] = set()
    findings = tuple(
        _finding(check, weight, known, facts, parameters, on, used)
        for check in rules.checks
        if (weight := check.weight(said.situation, tier)) is not None
    )
    against = declaration_of(said, papers, customer) if rules.situations[said.situation].uses_declaration else None
    return Judgement(
        rules.version, tier, "blocked" if any(f.blocks for f in findings) else "clear", findings,
        against.id if against else None, {name: _plain(name, k.value) for name, k in sorted(known.items())},
        tuple(sorted(used)),
    )  # fmt: skip


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
    """Whether a transport document carries the declared goods: one lot of evidence, or one names the other."""
    carried = [p for p in papers if p.kind == "transport_document" and p.live]
    declared = _usable(said, papers, customer, ("customs_declaration",))
    if not carried or not declared:
        return {}
    linked = [t for t in carried if any(_one_lot(t, d) for d in declared)]
    return {"transport_linked": Known(bool(linked), _numbers(linked or carried), _numbers(declared))}


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
