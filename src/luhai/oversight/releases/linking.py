"""How the figures of releases hang together, so that nobody learns one by adding and subtracting others. Pure.

A line is one series of cells. Some lines are printed; others can be worked out from printed ones and are therefore counted and protected, too:

    name            what it is
    loans_drawn     printed
    loans_drawn~    what is left of it without documents: loans_drawn − secured_drawn
    x:taken         what a stock lost in the month, where no printed flow says so
    x<              what a stock was at the beginning of the month, as known at the release's position
    x+              what came to be known between the earlier release of the same month and this one: the difference of the two
    x<+             of a stock's opening: what came to be known of it since the newest release of the month before
    x<++            of a stock's opening: since the earlier release of the same month
    x>+             of a stock: since the newest release of the month after, whose opening is this stock as it was known then

Relations of one release: a total is the sum of its parts, in every table; stock = opening + added − taken; all = documented + rest; a mean
follows its numerator and denominator. Between releases: opening = the last month's stock + what came to be known late; the new vintage =
the old one + what came to be known late; a new vintage's stock = the next month's opening + what came to be known late, where the next month
was out before. Where nothing came late the two are the same figure, and the attacker is taken to know that.

Source: domain notes on oversight §1.6 (differencing guard across vintages). Worked through in docs/algorithms/disclosure-control.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, cast

from luhai.core.indicators.definitions import Form, Indicator
from luhai.core.indicators.dimensions import DIMENSIONS
from luhai.core.indicators.disclosure import (
    Figure,
    Name,
    Pattern,
    Relation,
    Rule,
    Why,
    primary,
    protect,
    sums,
)

Key = tuple[str, ...]
#: Vintage, line, part (value, numerator or denominator), key.
FigureName = tuple[str, str, str, Key]
TOTAL: Final = "_T"
_PLACE: Final = {d.name: i for i, d in enumerate(DIMENSIONS)}
#: Over these dimensions nobody stands in two cells at once.
_APART: Final = frozenset(_PLACE[n] for n in ("territory", "size", "industry"))


@dataclass(frozen=True, slots=True)
class Line:
    """One series: how it is counted. `documented`: only facts with documents, only those without (False), or all (None)."""

    name: str
    form: Form
    plus: tuple[str, ...]
    minus: tuple[str, ...]
    documented: bool | None
    printed: bool

    @property
    def facts(self) -> tuple[bool | None, frozenset[str]]:
        return self.documented, frozenset(self.plus)


@dataclass(frozen=True, slots=True)
class Counted:
    """One cell as counted, in whole units. `name` is its line's."""

    name: str
    key: Key
    value: int
    numerator: int
    denominator: int
    contributors: int
    largest: int
    second: int


@dataclass(slots=True)
class Vintage:
    """All that is counted for one release. `withheld` is None while that is to be decided."""

    id: str
    month: str
    position: int
    cells: dict[tuple[str, Key], Counted] = field(default_factory=dict)
    withheld: dict[tuple[str, Key], Why] | None = None
    #: Earlier releases of which this one can be taken off: of the same month, of the month before (for its opening), and of the month after
    #: (from whose opening its stock can be taken).
    same: str = ""
    before: str = ""
    after: str = ""

    def lines(self) -> dict[str, dict[Key, Counted]]:
        found: dict[str, dict[Key, Counted]] = defaultdict(dict)
        for (name, key), cell in self.cells.items():
            found[name][key] = cell
        return found


def lines_of(indicators: Iterable[Indicator]) -> tuple[list[Line], list[Indicator], list[Indicator]]:
    """The lines that must be counted for these indicators; then the means and the shares among them."""
    given = list(indicators)
    lines = [Line(i.key, i.form, i.plus, i.minus, i.documented or None, True) for i in given if not i.quotient]
    for line in [x for x in lines if x.documented]:
        whole = next((x for x in lines if x.documented is None and (x.form, x.plus, x.minus) == (line.form, line.plus, line.minus)), None)
        if whole is not None:
            lines.append(replace(whole, name=f"{whole.name}~", documented=False, printed=False))
    for stock in [x for x in lines if x.form is Form.STOCK]:
        for word, kinds in (("added", stock.plus), ("taken", stock.minus)):
            if kinds and _flow(lines, stock, kinds) is None:
                lines.append(Line(f"{stock.name}:{word}", Form.FLOW, kinds, (), stock.documented, False))
    return lines, [i for i in given if i.form is Form.MEAN], [i for i in given if i.form is Form.SHARE]


def _flow(lines: Iterable[Line], stock: Line, kinds: tuple[str, ...]) -> Line | None:
    return next((x for x in lines if x.form is Form.FLOW and not x.minus and x.facts == (stock.documented, frozenset(kinds))), None)


# ------------------------------------------------------------------------------------------------ figures and relations


@dataclass(slots=True)
class _Web:
    rule: Rule
    figures: dict[Name, Figure] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    together: list[tuple[Name, ...]] = field(default_factory=list)
    lines: dict[str, dict[str, dict[Key, Counted]]] = field(default_factory=dict)

    def relate(self, terms: Mapping[Name, int], total: Name | None = None, apart: bool = False) -> None:
        """Keep a relation if it says something and holds. One that does not hold is no relation: a definition was changed in between."""
        here = {n: c for n, c in terms.items() if n in self.figures}
        if len(here) > 1 and not sum(c * self.figures[n].value for n, c in here.items()):
            self.relations.append(Relation(here, total if total in here else None, apart))

    def keys_of(self, vintage: Vintage, name: str) -> Collection[Key]:
        if vintage.id not in self.lines:
            self.lines[vintage.id] = vintage.lines()
        return self.lines[vintage.id].get(name, {})

    def tables(self, figures: Mapping[Key, Name]) -> None:
        for whole, place, parts in sums(figures):
            self.relate({figures[whole]: -1} | {figures[k]: 1 for k in parts}, figures[whole], place in _APART)


def _why(cell: Counted, total: int, rule: Rule) -> Why:
    return primary(total=abs(total), contributors=cell.contributors, largest=cell.largest, second=cell.second, rule=rule)


def web(vintages: Sequence[Vintage], indicators: Iterable[Indicator], rule: Rule) -> tuple[dict[Name, Figure], list[Relation], list[tuple[Name, ...]]]:
    """All figures of these vintages, what ties them, and which are withheld together. A figure's name: (vintage, line, part, key)."""
    lines, means, _shares = lines_of(indicators)
    found = _Web(rule)
    for vintage in vintages:
        _one(found, vintage, lines, means)
    known = {v.id: v for v in vintages}
    for vintage in vintages:
        if vintage.before in known:
            for line in lines:
                if line.form is Form.STOCK:
                    _differs(found, known[vintage.before], line.name, vintage, f"{line.name}<", f"{line.name}<+", ("value",), bool(line.minus))
        if vintage.after in known:
            for line in lines:
                if line.form is Form.STOCK:
                    _differs(found, known[vintage.after], f"{line.name}<", vintage, line.name, f"{line.name}>+", ("value",), bool(line.minus))
        if vintage.same in known:
            for line in lines:
                if line.form is Form.STOCK:
                    _differs(
                        found, known[vintage.same], f"{line.name}<", vintage, f"{line.name}<", f"{line.name}<++", ("value",), bool(line.minus)
                    )
                _differs(found, known[vintage.same], line.name, vintage, line.name, f"{line.name}+", ("value",), bool(line.minus))
            for mean in means:
                _differs(found, known[vintage.same], mean.key, vintage, mean.key, f"{mean.key}+", ("numerator", "denominator"), False)
    return found.figures, found.relations, found.together


def _one(found: _Web, vintage: Vintage, lines: Sequence[Line], means: Sequence[Indicator]) -> None:
    """The figures of one vintage, and what ties them to each other."""
    cells, rule = vintage.lines(), found.rule
    printed = {line.name for line in lines if line.printed}

    def shown(name: str, key: Key) -> bool | None:
        return None if vintage.withheld is None else (name, key) not in vintage.withheld

    for name, by_key in cells.items():
        quotient = any(m.key == name.split("+")[0] for m in means)
        for key, cell in by_key.items():
            if quotient:
                for part, number in (("numerator", cell.numerator), ("denominator", cell.denominator)):
                    why = _why(cell, cell.denominator, rule)
                    virtual = "+" in name
                    found.figures[vintage.id, name, part, key] = Figure(
                        number, cell.contributors, why, None if virtual else shown(name, key), virtual, weight=cell.denominator
                    )
            else:
                virtual = name not in printed
                found.figures[vintage.id, name, "value", key] = Figure(
                    cell.value, cell.contributors, _why(cell, cell.value, rule), None if virtual else shown(name, key), virtual,
                    cell.value < 0 or "+" in name, cell.largest if "+" in name else 0,
                )  # fmt: skip
        for part in ("numerator", "denominator") if quotient else ("value",):
            found.tables({key: (vintage.id, name, part, key) for key in by_key})

    def at(name: str, key: Key, part: str = "value") -> Name:
        return (vintage.id, name, part, key)

    for line in lines:
        if line.form is Form.STOCK:
            up = _flow(lines, line, line.plus)
            down = _flow(lines, line, line.minus) if line.minus else None
            for key in set(cells.get(line.name, {})) | set(cells.get(f"{line.name}<", {})):
                terms = {at(line.name, key): 1, at(f"{line.name}<", key): -1}
                terms |= {at(up.name, key): -1} if up else {}
                found.relate(terms | ({at(down.name, key): 1} if down else {}))
        if line.documented:
            whole = next((x for x in lines if x.documented is None and (x.form, x.plus, x.minus) == (line.form, line.plus, line.minus)), None)
            if whole is not None:
                for end in ("", "<"):
                    for key in cells.get(f"{whole.name}{end}", {}):
                        total = at(f"{whole.name}{end}", key)
                        found.relate({total: -1, at(f"{line.name}{end}", key): 1, at(f"{whole.name}~{end}", key): 1}, total)
                    _same_facts(found, cells, f"{whole.name}{end}", f"{line.name}{end}", at)
    for mean in means:
        for key, cell in cells.get(mean.key, {}).items():
            numerator, denominator = at(mean.key, key, "numerator"), at(mean.key, key, "denominator")
            found.together.append((numerator, denominator, *(at(name, key) for name in mean.rests_on)))
            for name in mean.rests_on:
                base = cells.get(name, {}).get(key)
                if base is None:
                    continue
                rest: Name = (vintage.id, f"{mean.key}-", "value", key)
                if base.value != cell.denominator:  # whose rate is not stated: nobody counted how many they are
                    found.figures[rest] = Figure(base.value - cell.denominator, 1, Why.FEW, None, True, base.value < cell.denominator)
                found.relate({at(name, key): -1, denominator: 1, rest: 1})


def _same_facts(found: _Web, cells: Mapping[str, Mapping[Key, Counted]], whole: str, part: str, at: Callable[[str, Key], Name]) -> None:
    """Loans secured on documents stand in a table of their own, and again as a kind of guarantee: the same figure twice."""
    place = _PLACE["guarantee"]
    for key in cells.get(whole, {}):
        if key[place] == "DOC":
            found.relate({at(whole, key): 1, at(part, (*key[:place], TOTAL, *key[place + 1 :])): -1})


def _differs(
    found: _Web, old: Vintage, old_name: str, new: Vintage, new_name: str, late: str, parts: Sequence[str], signed: bool
) -> None:  # fmt: skip
    """new = old + what came to be known late, figure by figure. What is not explained by what came late is a change of method: nobody
    counted who stands behind it, so it is taken to be one."""
    for key in sorted({*found.keys_of(old, old_name), *found.keys_of(new, new_name), *found.keys_of(new, late)}):
        for part in parts:
            a, b, d = (old.id, old_name, part, key), (new.id, new_name, part, key), (new.id, late, part, key)
            have = [found.figures[n].value if n in found.figures else 0 for n in (a, b, d)]
            rest = have[1] - have[0] - have[2]
            terms: dict[Name, int] = {b: 1, a: -1, d: -1}
            if d in found.figures:
                found.figures[d] = replace(found.figures[d], signed=signed)
            if rest:
                other: Name = (new.id, f"{late}?", part, key)
                found.figures[other] = Figure(rest, 1, Why.FEW, None, True, True)
                terms[other] = -1
            found.relate(terms)


# ------------------------------------------------------------------------------------------------ the decision


@dataclass(frozen=True, slots=True)
class Decision:
    """What is withheld of a release's printed cells, and which figures nothing can protect any more."""

    withheld: Mapping[tuple[str, Key], Why]
    open: tuple[FigureName, ...]
    pattern: Pattern


def decide(old: Sequence[Vintage], new: Vintage, indicators: Sequence[Indicator], rule: Rule, *, complementary: bool = True) -> Decision:
    """What must be withheld of a new release, given all that earlier ones showed. `complementary` off: for the attack of the tests."""
    figures, relations, together = web([*old, new], indicators, rule)
    pattern = protect(figures, relations, rule, together=together, complementary=complementary)
    withheld: dict[tuple[str, Key], Why] = {}
    for name, why in pattern.withheld.items():
        vintage, line, _part, key = cast(FigureName, name)
        assert vintage == new.id, name
        before = withheld.get((line, key), Why.OTHERS)
        withheld[line, key] = why if before is Why.OTHERS else before
    for share in lines_of(indicators)[2]:
        _share(share, new, withheld, rule)
    return Decision(withheld, tuple(n for n in cast(list[FigureName], pattern.open) if n[0] == new.id), pattern)


def _share(share: Indicator, new: Vintage, withheld: dict[tuple[str, Key], Why], rule: Rule) -> None:
    """A share is shown only where everything it follows from is shown: then it tells nothing new. One over all currencies: where that is so
    in each."""
    money = _PLACE["currency"]
    plain: dict[Key, list[tuple[str, Key]]] = defaultdict(list)
    for name, key in withheld:
        if name in share.rests_on:
            plain[(*key[:money], TOTAL, *key[money + 1 :]) if share.into else key].append((name, key))
    for (name, key), cell in new.cells.items():
        if name == share.key:
            why = _why(cell, cell.denominator, rule) if not share.into else (Why.FEW if 0 < cell.contributors < rule.minimum else Why.FREE)
            if why is Why.FREE and plain.get(key):
                why = Why.OTHERS
            if why is not Why.FREE:
                withheld[name, key] = why
