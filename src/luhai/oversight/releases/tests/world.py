"""A small corridor for tests: invented facts, cells counted from them in plain Python, and the attacker.

The attacker is written from the definitions that are published, not from `linking`: he knows that totals are sums, that a stock is the last one
plus and minus flows, that loans secured on documents are a kind of guarantee, and which figures are printed in several vintages.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luhai.core.indicators.definitions import Form, Indicator, quotient
from luhai.core.indicators.dimensions import DIMENSIONS
from luhai.core.indicators.disclosure import Interval, Relation, Rule, Why, attack
from luhai.oversight.releases.linking import Counted, Decision, Key, Line, Vintage, decide, lines_of
from luhai.oversight.statistics.indicators import INDICATORS

RULE = Rule(4, 2, 85, 10)
NAMES = tuple(d.name for d in DIMENSIONS)
MONEY, GUARANTEE = NAMES.index("currency"), NAMES.index("guarantee")
#: The amounts and the mean; a share is shown only where what it follows from is.
USED = [i for i in INDICATORS.values() if i.form is not Form.SHARE]


@dataclass(frozen=True)
class Told:
    """One fact."""

    position: int
    month: str
    kind: str
    holder: str
    amount: int
    documented: bool
    codes: Key
    rate_bp: int | None = None


def corridor(seed: int, *, companies: int = 50, facts: int = 300, months: Sequence[str] = ("2026-01", "2026-02", "2026-03"), late: int = 0, currency: str = "CNY") -> list[Told]:  # fmt: skip
    """Companies with a place, a size and an industry each, and what they did; at the end, `late` facts of the first month."""
    chance = random.Random(seed)

    def skewed(codes: Sequence[str]) -> str:
        return codes[min(int(chance.expovariate(0.7)), len(codes) - 1)]

    who = [(f"c{n}", skewed(("500000", "450000", "520000", "530000")), skewed("SMXL"), skewed("CFG")) for n in range(companies)]
    owed: dict[tuple[Any, ...], int] = defaultdict(int)
    found: list[Told] = []
    for n in range(facts + late):
        month = months[min(n * len(months) // facts, len(months) - 1)] if n < facts else months[0]
        name, place, size, industry = chance.choice(who)
        documented = chance.random() < 0.4
        term, route, green = skewed(("CT01", "CT02")), skewed(("RSI", "IRL", "XBR")), chance.choice("NNY")
        codes = {
            "territory": place, "size": size, "industry": industry, "term": term, "currency": currency, "route": route,
            "guarantee": "DOC" if documented else "CRD", "green": green, "country": "_Z",
        }  # fmt: skip
        loan = (name, tuple(codes.values()), documented)
        kind = chance.choices(("drawn", "repaid", "received", "returned"), (5, 3, 4, 1))[0]
        amount = int(chance.lognormvariate(9, 1.3)) + 1
        if kind == "repaid":
            if not owed[loan]:
                kind = "drawn"
            else:
                amount = min(amount, owed[loan])
        if kind in {"drawn", "repaid"}:
            owed[loan] += amount if kind == "drawn" else -amount
        else:
            codes |= {"term": "_Z", "guarantee": "_Z", "green": "_Z", "country": skewed(("TH", "VN", "MY"))}
        found.append(Told(n + 1, month, kind, name, amount, documented, tuple(codes.values()), 300 + chance.randrange(200) if kind == "drawn" else None))
    return found


# ------------------------------------------------------------------------------------------------ counting


def keys_of(codes: Key) -> list[Key]:
    """Every cell of the standard cubes that a fact lies in."""
    found = []
    for place in (codes[0], "_T"):
        bare = tuple(c if i == MONEY else place if i == 0 else "_T" for i, c in enumerate(codes))
        found.append(bare)
        found += [(*bare[:i], codes[i], *bare[i + 1 :]) for i in range(1, len(codes)) if i != MONEY]
    return found


def counted(facts: Iterable[Told], line: Line | Indicator, month: str, upto: int, after: int = 0, name: str = "") -> list[Counted]:
    """The cells of one line, as the engine counts them."""
    quotient_ = isinstance(line, Indicator)
    stock = line.form is Form.STOCK
    parts: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    over: dict[Key, int] = defaultdict(int)
    for f in facts:
        if f.kind not in {*line.plus, *line.minus} or not after < f.position <= upto or (f.month > month if stock else f.month != month):
            continue
        if not quotient_ and line.documented is not None and f.documented is not line.documented:
            continue
        if quotient_ and f.rate_bp is None:
            continue
        for key in keys_of(f.codes):
            parts[key][f.holder] += -f.amount if f.kind in line.minus else f.amount
            over[key] += f.amount * (f.rate_bp or 0)
    found = []
    for key, by in parts.items():
        x = [*sorted((abs(v) for v in by.values() if v), reverse=True), 0, 0]
        total = sum(by.values())
        label = name or (line.key if isinstance(line, Indicator) else line.name)
        if isinstance(line, Indicator):
            found.append(Counted(label, key, quotient(over[key], total, line.scale), over[key], total, len(x) - 2, x[0], x[1]))
        else:
            found.append(Counted(label, key, total, 0, 0, len(x) - 2, x[0], x[1]))
    return found


def before(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year - (number == 1):04d}-{(number - 2) % 12 + 1:02d}"


def vintage(facts: Sequence[Told], month: str, upto: int, old: Sequence[Vintage] = (), indicators: Sequence[Indicator] = USED) -> Vintage:
    """Everything that `counting.count` would count."""
    same = next((v for v in reversed(old) if v.month == month), None)
    prior = next((v for v in reversed(old) if v.month == before(month)), None)
    later = next((v for v in reversed(old) if before(v.month) == month), None)
    lines, means, _shares = lines_of(indicators)
    found = [c for x in lines for c in counted(facts, x, month, upto)] + [c for m in means for c in counted(facts, m, month, upto)]
    stocks = [x for x in lines if x.form is Form.STOCK]
    found += [c for x in stocks for c in counted(facts, x, before(month), upto, name=f"{x.name}<")]
    if prior:
        found += [c for x in stocks for c in counted(facts, x, before(month), upto, prior.position, f"{x.name}<+")]
    if same:
        found += [c for x in lines for c in counted(facts, x, month, upto, same.position, f"{x.name}+")]
        found += [c for m in means for c in counted(facts, m, month, upto, same.position, f"{m.key}+")]
        found += [c for x in stocks for c in counted(facts, x, before(month), upto, same.position, f"{x.name}<++")]
    if later:
        found += [c for x in stocks for c in counted(facts, x, month, upto, later.position, f"{x.name}>+")]
    number = sum(v.month == month for v in old) + 1
    return Vintage(f"{month}.{number}", month, upto, {(c.name, c.key): c for c in found}, None, same.id if same else "", prior.id if prior else "", later.id if later else "")  # fmt: skip


def released(
    facts: Sequence[Told], plan: Sequence[tuple[str, int]], *, complementary: bool = True, indicators: Sequence[Indicator] = USED
) -> tuple[list[Vintage], list[Decision]]:  # fmt: skip
    """One release after another: (month, position)."""
    out: list[Vintage] = []
    decisions = []
    for month, upto in plan:
        new = vintage(facts, month, upto, out, indicators)
        found = decide(out, new, indicators, RULE, complementary=complementary)
        new.withheld = dict(found.withheld)
        out.append(new)
        decisions.append(found)
    return out, decisions


# ------------------------------------------------------------------------------------------------ the attacker


def printed(vintages: Iterable[Vintage]) -> dict[tuple[str, str, Key], int]:
    """All that was ever shown. A mean is known to him as exactly as its numerator and denominator: more than is printed."""
    found = {}
    for v in vintages:
        assert v.withheld is not None
        for (name, key), cell in v.cells.items():
            if name in INDICATORS and (name, key) not in v.withheld:
                if INDICATORS[name].quotient:
                    found[v.id, f"{name}/n", key] = cell.numerator
                    found[v.id, f"{name}/d", key] = cell.denominator
                else:
                    found[v.id, name, key] = cell.value
    return found


def sums_of(keys: Iterable[Key]) -> list[tuple[Key, list[Key]]]:
    """A key with a total is the sum of those that differ there: tables of territories by one more dimension."""
    have = set(keys)
    parts: dict[Key, dict[int, list[Key]]] = defaultdict(lambda: defaultdict(list))
    for key in have:
        for place, code in enumerate(key):
            whole = (*key[:place], "_T", *key[place + 1 :])
            if code != "_T" and whole in have:
                parts[whole][place].append(key)
    return [(whole, found) for whole, by_place in parts.items() for found in by_place.values()]


def attacked(vintages: Sequence[Vintage], facts: Sequence[Told]) -> dict[tuple[str, str, Key], Interval]:  # noqa: C901
    """What he can say of every figure that is sensitive by itself. He also knows where nothing came late between two vintages, and which cells are empty."""
    relations: list[Relation] = []
    have: dict[tuple[str, str], dict[Key, int]] = defaultdict(dict)
    for v in vintages:
        for (name, key), cell in v.cells.items():
            if name in INDICATORS:
                if INDICATORS[name].quotient:
                    have[v.id, f"{name}/n"][key], have[v.id, f"{name}/d"][key] = cell.numerator, cell.denominator
                else:
                    have[v.id, name][key] = cell.value

    def tie(terms: Mapping[tuple[str, str, Key], int]) -> None:
        here = {n: c for n, c in terms.items() if n[2] in have[n[0], n[1]]}  # an empty cell is nil
        if len(here) > 1:
            assert sum(c * have[v, name][key] for (v, name, key), c in here.items()) == 0, terms
            relations.append(Relation(here))

    for (v, name), keys in list(have.items()):
        for whole, parts in sums_of(keys):
            tie({(v, name, whole): -1} | {(v, name, k): 1 for k in parts})
    for v in vintages:
        for key in {k for (i, _n), by in list(have.items()) if i == v.id for k in by}:
            if key[GUARANTEE] == "DOC":
                plain = (*key[:GUARANTEE], "_T", *key[GUARANTEE + 1 :])
                tie({(v.id, "loans_drawn", key): 1, (v.id, "secured_drawn", plain): -1})
                tie({(v.id, "loans_outstanding", key): 1, (v.id, "secured_outstanding", plain): -1})
            tie({(v.id, "loans_drawn", key): 1, (v.id, "drawn_rate/d", key): -1})
    for a in vintages:
        for b in vintages:
            if b.month == a.month and b.position > a.position and b.same == a.id:
                for (i, name), keys in list(have.items()):
                    if i in {a.id, b.id}:
                        for key in keys:
                            if have[a.id, name].get(key) == have[b.id, name].get(key) and not came(facts, name, a, b, key, a.month):
                                tie({(a.id, name, key): 1, (b.id, name, key): -1})
            if b.before == a.id:
                for key in {*have[a.id, "loans_outstanding"], *have[b.id, "loans_outstanding"]}:
                    if not came(facts, "loans_outstanding", a, b, key, a.month):
                        tie({(b.id, "loans_outstanding", key): 1, (a.id, "loans_outstanding", key): -1, (b.id, "loans_drawn", key): -1, (b.id, "loans_repaid", key): 1})  # fmt: skip
    wanted = {
        (v.id, f"{name}{part}", key)
        for v in vintages
        for (name, key), why in (v.withheld or {}).items()
        if why is not Why.OTHERS
        for part in (("/n", "/d") if INDICATORS[name].quotient else ("",))
    }
    return attack(printed(vintages), relations, wanted=wanted)


def came(facts: Sequence[Told], name: str, a: Vintage, b: Vintage, key: Key, month: str) -> bool:
    """Whether something came late between two vintages that counts in a cell."""
    what = INDICATORS[name.split("/")[0]]
    return any(
        a.position < f.position <= b.position and f.kind in what.kinds and (f.month <= month if what.stock else f.month == month)
        and (f.documented or not what.documented) and key in keys_of(f.codes)
        for f in facts
    )  # fmt: skip


def too_near(vintages: Sequence[Vintage], facts: Sequence[Told]) -> list[tuple[str, str, Key]]:
    """Sensitive figures that he knows more nearly than within p %; and differences of two vintages that rest on too few."""
    found = attacked(vintages, facts)
    out = []
    for v in vintages:
        assert v.withheld is not None
        for (name, key), why in v.withheld.items():
            if why is Why.OTHERS:
                continue
            cell = v.cells[name, key]
            for part, value in (("/n", cell.numerator), ("/d", cell.denominator)) if INDICATORS[name].quotient else (("", cell.value),):
                least, most = found.get((v.id, f"{name}{part}", key), (0, None))
                width = max(1, -(-RULE.p * abs(value) // 100))
                if value and ((least is not None and least > value - width) or (most is not None and most < value + width)):
                    out.append((v.id, f"{name}{part}", key))
    known = printed(vintages)
    for b in vintages:
        for (name, key), late in b.cells.items():
            bare = name.removesuffix("+")
            if name == bare or bare not in INDICATORS or not b.same or not late.contributors:
                continue
            few = late.contributors < RULE.minimum
            part = "/d" if INDICATORS[bare].quotient else ""
            if few and (b.id, f"{bare}{part}", key) in known and (b.same, f"{bare}{part}", key) in known:
                out.append((b.id, name, key))
    return out
