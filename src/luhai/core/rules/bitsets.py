"""Criteria of many products over a million companies at once: packed bits, a true set and a possible set for each.

Who: batch matching, simulations, the bench. Writes nothing. Units: those of `fields`.
Refuses: a column whose values the catalogue does not know (`Invalid`, naming the field).
Source of the method: docs/algorithms/three-valued-criteria.md; its choice: docs/decisions/0010-criteria-bitsets.md.

Every pair (T, P) of bit sets stands for one condition over a block of companies: T where it is met, P where it is met
or unknown. On such pairs all-of is AND of both and any-of is OR of both, which is Kleene's logic exactly.

1. A column becomes small codes: its place among the thresholds that anybody asks about, or its entry in a dictionary.
2. Equal conditions of different products are one condition. Conditions on codes are looked up 64 at a time in a table
   of 64-bit words, and the words of 64 companies are transposed, so that a word holds one condition for 64 companies.
   Of a number only the binary digits of its place are looked up; every threshold then follows from them by ANDs and
   ORs of whole rows.
3. Conditions that often go together are ANDed once for all.
4. Many products at a time gather their first condition, then AND their second to it, and so on: few large steps, in
   tiles whose rows stay in the cache.

    portfolio = Portfolio([criteria, …], parameters, on=day)
    sets = portfolio.judge(columns)
    sets.met_count[i], sets.unknown_count[i]; sets.met(i), sets.unknown(i)      # packed; companies(...) lists them
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from heapq import heapify, heappop, heappush
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from luhai.kernel.refusal import Invalid

from .criteria import AllOf, Criteria, Criterion, Fact, Plain
from .fields import FIELDS, NUMERIC, Kind
from .parameters import Parameters
from .predicates import Predicate, Shape, predicate

Words = NDArray[np.uint64]

#: 64-bit words of a block, in which conditions are prepared: 32,768 companies.
BLOCK_WORDS: Final = 512
#: Words of a tile, in which products are judged: 2,000 conditions then take 2 MB.
TILE_WORDS: Final = 64
#: Products that are judged together.
TOGETHER: Final = 128
#: Conditions that go together in at least so many products are ANDed once for all.
OFTEN: Final = 4


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of whole numbers (dates as days, flags as 0 and 1). `missing` is True where the fact is not known."""

    values: NDArray[np.int64]
    missing: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Codes:
    """A column by dictionary: `at[i]` is the place in `values` of company i's value, or −1 where it is not known."""

    at: NDArray[np.int32]
    values: tuple[Plain, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """The facts of `size` companies. A field that is not there is not known of any of them."""

    size: int
    by_field: Mapping[str, Numbers | Codes]

    def __post_init__(self) -> None:
        for name, column in self.by_field.items():
            if name not in FIELDS:
                raise Invalid(field=name, problem=f"unknown field; known are {', '.join(FIELDS)}")
            held = len(column.values) if isinstance(column, Numbers) else len(column.at)
            assert held == self.size, (name, held, self.size)
            if isinstance(column, Codes):
                for value in column.values:
                    if (why := FIELDS[name].problem(value)) is not None:
                        raise Invalid(field=name, problem=why)


def columns_of(companies: Sequence[Mapping[str, Fact]]) -> Columns:
    """Columns from facts, one mapping a company. Convenient, not fast: large sets come as arrays already."""
    by_field: dict[str, Numbers | Codes] = {}
    for name, field in FIELDS.items():
        held = [c[name].value if name in c else None for c in companies]
        if all(v is None for v in held):
            continue
        if field.kind in NUMERIC:
            numbers = [v.toordinal() if isinstance(v, date) else int(v or 0) for v in held]  # type: ignore[arg-type]
            by_field[name] = Numbers(np.array(numbers, np.int64), np.array([v is None for v in held]))
        else:
            values = tuple({v: None for v in held if v is not None})
            place = {v: i for i, v in enumerate(values)}
            by_field[name] = Codes(np.array([-1 if v is None else place[v] for v in held], np.int32), values)
    return Columns(len(companies), by_field)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the parameter `key` has the value `number`: decided by the territory, and where the territory is not
    known by the value for the whole country; so it is never unknown."""

    key: str
    unit: str
    number: int


@dataclass(frozen=True, slots=True)
class _Edge:
    """One side of a range: the number is at least `at`, or with `below` less than it."""

    field: str
    at: int
    below: bool


_Leaf = Predicate | _Edge | _Place


class Sets:
    """The answer: for each product a met set and a possible set, as packed bits in the order of the companies
    (bit i % 64 of word i // 64), and their counts."""

    def __init__(self, size: int, order: NDArray[np.intp], bits: Words, counts: NDArray[np.int64]) -> None:
        self.size = size
        self._at, self.bits = order, bits  # (tiles, place, 2, words): a product's place is _at[product]
        self.met_count = counts[order, 0]
        self.unknown_count = counts[order, 1] - counts[order, 0]

    @property
    def nbytes(self) -> int:
        return self.bits.nbytes

    def met(self, product: int) -> Words:
        return self.bits[:, self._at[product], 0].reshape(-1)

    def possible(self, product: int) -> Words:
        """Met or unknown."""
        return self.bits[:, self._at[product], 1].reshape(-1)

    def unknown(self, product: int) -> Words:
        return self.possible(product) & ~self.met(product)

    def companies(self, packed: Words) -> NDArray[np.intp]:
        """The places of the companies in a packed set."""
        hit = np.flatnonzero(packed)
        bits = np.unpackbits(packed[hit].view(np.uint8), bitorder="little").reshape(-1, 64)
        word, bit = np.nonzero(bits)
        return hit[word] * 64 + bit


class Portfolio:
    """Products' criteria, compiled once and judged against any columns. Parameters are those of the day `on`."""

    def __init__(
        self, products: Sequence[Criteria], parameters: Parameters | None = None, *, on: date | None = None
    ) -> None:
        assert sys.byteorder == "little", "words are read as bytes, low byte first"
        self._parameters, self._on = parameters, on
        self._leaves: dict[_Leaf, int] = {}
        self._groups: dict[tuple[str, frozenset[int]], int] = {}
        compiled = [self._all_of(c) for c in products]
        self._number_rows(self._merged(compiled))

    # --- compiling --------------------------------------------------------------------------------------------------
    # While compiling, a leaf is 2i and a group 2i + 1; `_number_rows` then gives both their rows in the bit table.

    def _all_of(self, criteria: Criteria) -> frozenset[int]:
        """The conditions that have to be met together, all-of within all-of unfolded."""
        if isinstance(criteria, Criterion):
            return self._criterion(criteria)
        if isinstance(criteria, AllOf):
            return frozenset[int]().union(*(self._all_of(p) for p in criteria.parts))
        parts = {self._one(self._all_of(p)) for p in criteria.parts}
        return frozenset({self._group("any", frozenset(parts))})

    def _one(self, together: frozenset[int]) -> int:
        return next(iter(together)) if len(together) == 1 else self._group("all", together)

    def _group(self, kind: str, parts: frozenset[int]) -> int:
        if kind == "any" and len(parts) == 1:
            return next(iter(parts))
        return 2 * self._groups.setdefault((kind, parts), len(self._groups)) + 1

    def _leaf(self, leaf: _Leaf) -> int:
        return 2 * self._leaves.setdefault(leaf, len(self._leaves))

    def _criterion(self, criterion: Criterion) -> frozenset[int]:
        asked = predicate(criterion)
        if asked.parameter is None:
            return self._condition(asked)
        key, unit = asked.parameter, FIELDS[asked.field].unit
        numbers = sorted({self._number(key, unit, t) for t in (None, *self._known().territories(key))})
        ranges = {
            n: self._condition(
                replace(
                    asked,
                    parameter=None,
                    low=None if asked.low is None else asked.low + n,
                    high=None if asked.high is None else asked.high + n,
                )
            )
            for n in numbers
        }
        if len(numbers) == 1:
            return ranges[numbers[0]]
        here = {self._group("all", met | {self._leaf(_Place(key, unit, n))}) for n, met in ranges.items()}
        return frozenset({self._group("any", frozenset(here))})

    def _condition(self, asked: Predicate) -> frozenset[int]:
        if asked.shape is not Shape.RANGE or FIELDS[asked.field].kind is Kind.FLAG:
            return frozenset({self._leaf(asked)})
        sides = []
        if asked.low is not None:
            sides.append(self._leaf(_Edge(asked.field, asked.low, below=False)))
        if asked.high is not None:
            sides.append(self._leaf(_Edge(asked.field, asked.high + 1, below=True)))
        return frozenset(sides)

    def _known(self) -> Parameters:
        assert self._parameters is not None, "criteria with parameters need parameters"
        return self._parameters

    def _number(self, key: str, unit: str, territory: str | None) -> int:
        assert self._on is not None, "criteria with parameters need a day"
        return self._known().value(key, self._on, territory).in_unit(unit)

    def _merged(self, products: list[frozenset[int]]) -> list[frozenset[int]]:
        """Give the pair that most products share a row of its own, again and again while it pays."""
        holders: dict[tuple[int, int], set[int]] = {}
        for i, together in enumerate(products):
            for pair in combinations(sorted(together), 2):
                holders.setdefault(pair, set()).add(i)
        products = list(products)
        queue = [(-len(held), pair) for pair, held in holders.items() if len(held) >= OFTEN]
        heapify(queue)
        while queue:
            count, pair = heappop(queue)
            held = holders[pair]
            if len(held) != -count:  # others have taken some of its products since
                if len(held) >= OFTEN:
                    heappush(queue, (-len(held), pair))
                continue
            merged = self._group("all", frozenset(pair))
            fresh = set()
            for i in list(held):
                for old in combinations(sorted(products[i]), 2):
                    holders[old].discard(i)
                products[i] = products[i] - set(pair) | {merged}
                for new in combinations(sorted(products[i]), 2):
                    holders.setdefault(new, set()).add(i)
                    fresh.add(new)
            for new in fresh:
                if len(holders[new]) >= OFTEN:
                    heappush(queue, (-len(holders[new]), new))
        return products

    def _number_rows(self, products: Sequence[frozenset[int]]) -> None:
        """Rows of the bit table: conditions on codes by field; places; thresholds by field, each field's `at least`
        and then its `less than`; groups by level; and one row that always holds."""
        row: dict[int, int] = {}
        coded: dict[str, list[Predicate]] = {}
        edges: dict[str, list[_Edge]] = {}
        for leaf in self._leaves:
            if isinstance(leaf, Predicate):
                coded.setdefault(leaf.field, []).append(leaf)
            elif isinstance(leaf, _Edge):
                edges.setdefault(leaf.field, []).append(leaf)
        rows = 0
        self._coded: list[tuple[str, list[Predicate], int]] = []  # field, its conditions, the first one's row
        for name, leaves in coded.items():
            self._coded.append((name, leaves, rows))
            row |= {2 * self._leaves[leaf]: rows + i for i, leaf in enumerate(leaves)}
            rows += len(leaves)
        places = [leaf for leaf in self._leaves if isinstance(leaf, _Place)]
        self._places = [(leaf, rows + i) for i, leaf in enumerate(places)]
        row |= {2 * self._leaves[leaf]: at for leaf, at in self._places}
        rows += len(self._places)
        self._looked_up = rows
        self._edges: list[_Edges] = []
        for name, found in edges.items():
            thresholds = sorted({e.at for e in found})
            place = {at: i for i, at in enumerate(thresholds)}
            sides = [[e for e in found if e.below is below] for below in (False, True)]
            row |= {2 * self._leaves[e]: rows + i for i, e in enumerate(sides[0] + sides[1])}
            least, below = (np.array([place[e.at] for e in side], np.intp) for side in sides)
            self._edges.append(_Edges(name, thresholds, least, below, rows))
            rows += len(found)
        self._always = rows + len(self._groups)
        self._rows = self._always + 1
        self._number_groups(row, rows)
        # Products with equally many conditions come together, so that few steps are taken for nothing.
        together = [sorted(row[p] for p in parts) for parts in products]
        by_length = sorted(range(len(together)), key=lambda i: (len(together[i]), together[i]))
        self._at = np.empty(len(together), np.intp)
        self._at[by_length] = np.arange(len(together))
        self._plan = [
            self._matrix([together[i] for i in by_length[start : start + TOGETHER]])
            for start in range(0, len(by_length), TOGETHER)
        ]
        # Beside the rows of the table, what else is looked up: who is missing, and the digits of numbers.
        self._missing: dict[str, int] = {}
        self._digits: dict[str, int] = {}
        raw = self._looked_up
        for name in dict.fromkeys([*coded, *edges]):
            self._missing[name] = raw
            raw += 1
        for field in self._edges:
            self._digits[field.name] = raw
            raw += len(field.thresholds).bit_length()
        self._raw_rows = raw

    def _number_groups(self, row: dict[int, int], first: int) -> None:
        """Groups by level, so that each needs only rows that are there already; those of a level at one time."""
        level = dict.fromkeys(row, 0)
        batches: dict[tuple[int, str], list[tuple[frozenset[int], int]]] = {}
        for (kind, parts), i in self._groups.items():  # a group's parts were made before it
            level[2 * i + 1] = 1 + max((level[p] for p in parts), default=0)
            batches.setdefault((level[2 * i + 1], kind), []).append((parts, 2 * i + 1))
        self._work: list[tuple[bool, NDArray[np.intp], int]] = []
        for (_, kind), batch in sorted(batches.items(), key=lambda item: item[0]):
            row |= {group: first + i for i, (_, group) in enumerate(batch)}
            matrix = self._matrix([[row[p] for p in parts] for parts, _ in batch])
            self._work.append((kind == "any", matrix, first))
            first += len(batch)

    def _matrix(self, parts: list[list[int]]) -> NDArray[np.intp]:
        """Column j holds everybody's part j. Who has fewer repeats the last, which changes nothing."""
        width = max(1, *(len(p) for p in parts))
        filled = [(p or [self._always]) for p in parts]
        return np.array([p + p[-1:] * (width - len(p)) for p in filled], np.intp).T.copy()

    @property
    def conditions(self) -> int:
        """How many different conditions the products ask for together."""
        return len(self._leaves)

    @property
    def products(self) -> int:
        return len(self._at)

    @property
    def steps(self) -> int:
        """How many ANDs and ORs of two sets judge the products once the conditions are there."""
        return sum(m.shape[1] * (m.shape[0] - 1) for m in [*self._plan, *(m for _, m, _ in self._work)])

    # --- judging ----------------------------------------------------------------------------------------------------

    def judge(self, columns: Columns, *, threads: int = 1, into: Words | None = None) -> Sets:
        """Judge every product for every company. `into` may give back the bits of an earlier answer of the same
        shape (`Sets.bits`), to spare the memory; `threads` share the blocks between them."""
        blocks = -(-columns.size // (64 * BLOCK_WORDS))
        shape = (blocks * (BLOCK_WORDS // TILE_WORDS), len(self._at), 2, TILE_WORDS)
        bits = np.empty(shape, np.uint64) if into is None else into.reshape(shape)
        tables = self._tables(columns)
        parts = [range(t, blocks, threads) for t in range(threads)]
        if threads == 1:
            counts = [self._judge_blocks(columns, tables, parts[0], bits)]
        else:
            with ThreadPoolExecutor(threads) as pool:
                counts = list(pool.map(lambda part: self._judge_blocks(columns, tables, part, bits), parts))
        return Sets(columns.size, self._at, bits, np.sum(counts, axis=0))

    def _tables(self, columns: Columns) -> _Tables:
        """What each field's codes say about each looked-up row, as words of 64 rows."""
        edges = {field.name: field.thresholds for field in self._edges}
        coders: dict[str, _Ranks | _Dictionary] = {}
        says: dict[str, list[tuple[int, NDArray[np.bool_]]]] = {}
        for name, at in self._missing.items():
            column = columns.by_field.get(name)
            if column is None and name in edges:
                column = Numbers(np.zeros(columns.size, np.int64), np.ones(columns.size, np.bool_))
            elif column is None:
                column = Codes(np.full(columns.size, -1, np.int32), ())
            if isinstance(column, Numbers) and name not in edges:
                column = Codes(np.where(column.missing, -1, column.values).astype(np.int32), (False, True))
            coder = _Ranks(column, edges[name]) if isinstance(column, Numbers) else _Dictionary(name, column)
            coders[name] = coder
            missing = np.zeros(coder.size, np.bool_)
            missing[0] = True
            says[name] = [(at, missing)]
            if name in edges:
                ranks = coder.ranks(edges[name])
                digits = len(edges[name]).bit_length()
                says[name] += [
                    (self._digits[name] + d, (ranks >> d & 1).astype(np.bool_)) for d in range(digits)
                ]
        for name, leaves, first in self._coded:
            coder = coders[name]
            assert isinstance(coder, _Dictionary)
            says[name] += [(first + i, coder.answers(leaf)) for i, leaf in enumerate(leaves)]
        if self._places:
            column = columns.by_field.get("territory") or Codes(np.full(columns.size, -1, np.int32), ())
            assert isinstance(column, Codes)
            coders.setdefault("territory", _Dictionary("territory", column))
            for place, at in self._places:
                here = (None, *(str(t) for t in column.values))
                holds = np.array([self._number(place.key, place.unit, t) == place.number for t in here])
                says.setdefault("territory", []).append((at, holds))
        lookups: list[list[tuple[str, Words]]] = [[] for _ in range(-(-self._raw_rows // 64))]
        for name, rows in says.items():
            tables: dict[int, Words] = {}
            for at, met in rows:
                table = tables.setdefault(at // 64, np.zeros(coders[name].size, np.uint64))
                table |= met.astype(np.uint64) << np.uint64(at % 64)
            for chunk, made in tables.items():
                lookups[chunk].append((name, made))
        return _Tables(coders, lookups)

    def _judge_blocks(
        self, columns: Columns, tables: _Tables, blocks: range, bits: Words
    ) -> NDArray[np.int64]:
        w = BLOCK_WORDS
        tiles = w // TILE_WORDS
        table = np.empty((tiles, self._rows, 2, TILE_WORDS), np.uint64)
        table[:, self._always] = ~np.uint64(0)
        raw = np.empty((len(tables.lookups) * 64, w), np.uint64)
        spare = np.empty((64, w), np.uint64)
        widest = max((m.shape[1] for m in [*self._plan, *(m for _, m, _ in self._work)]), default=1)
        more = np.empty((widest, 2, TILE_WORDS), np.uint64)
        index = {name: np.empty((64, w), np.intp) for name in tables.coders}
        counts = np.zeros((len(self._at), 2), np.int64)
        for block in blocks:
            start = block * 64 * w
            stop = min(start + 64 * w, columns.size)
            for name, coder in tables.coders.items():
                coder.codes(start, stop, index[name])
            for chunk, lookups in enumerate(tables.lookups):
                words = raw[64 * chunk : 64 * chunk + 64]
                for i, (name, lookup) in enumerate(lookups):
                    lookup.take(index[name], out=spare if i else words, mode="clip")
                    if i:
                        np.bitwise_or(words, spare, out=words)
                _transpose(words, spare[:32])
            self._fill(table, raw)
            for tile in range(tiles):
                judged = bits[block * tiles + tile]
                self._judge_tile(table[tile], judged, more)
                left = stop - start - tile * 64 * TILE_WORDS
                if left < 64 * TILE_WORDS:
                    judged &= _first(max(left, 0))
                _count(judged, counts)
        return counts

    def _fill(self, table: Words, raw: Words) -> None:
        """Lay the pairs (met, possible) of a block's conditions out in tiles, from what was looked up."""
        tiles, width = table.shape[0], raw.shape[1]

        def tiled(rows: Words) -> Words:
            return rows.reshape(-1, tiles, TILE_WORDS).swapaxes(0, 1)

        for name, leaves, first in self._coded:
            met, pairs = tiled(raw[first : first + len(leaves)]), table[:, first : first + len(leaves)]
            pairs[:, :, 0] = met
            np.bitwise_or(met, tiled(raw[self._missing[name]]), out=pairs[:, :, 1])
        for _, row in self._places:
            table[:, row] = tiled(raw[row])
        for field in self._edges:
            k = len(field.thresholds)
            least = np.empty((k, width), np.uint64)
            _thresholds(raw[self._digits[field.name] :][: k.bit_length()], least)
            missing = raw[self._missing[field.name]]
            pairs = table[:, field.first : field.first + len(field.least)]
            met = tiled(least[field.least])
            pairs[:, :, 0] = met
            np.bitwise_or(met, tiled(missing), out=pairs[:, :, 1])
            # Less than is not at least; and it may be where at least is not.
            pairs = table[:, field.first + len(field.least) :][:, : len(field.below)]
            np.invert(tiled(least[field.below] | missing), out=pairs[:, :, 0])
            np.invert(tiled(least[field.below]), out=pairs[:, :, 1])

    def _judge_tile(self, table: Words, judged: Words, more: Words) -> None:
        for any_of, parts, first in self._work:
            rows = table[first : first + parts.shape[1]]
            _fold(np.bitwise_or if any_of else np.bitwise_and, table, parts, rows, more)
        for i, parts in enumerate(self._plan):
            _fold(np.bitwise_and, table, parts, judged[i * TOGETHER : (i + 1) * TOGETHER], more)


def _fold(with_: np.ufunc, table: Words, parts: NDArray[np.intp], into: Words, more: Words) -> None:
    """Fold each column's rows of the table into one row."""
    more = more[: parts.shape[1]]
    table.take(parts[0], axis=0, out=into, mode="clip")
    for part in parts[1:]:
        table.take(part, axis=0, out=more, mode="clip")
        with_(into, more, out=into)


@dataclass(frozen=True, slots=True)
class _Edges:
    """The thresholds of a field in order, and which are asked for: first as `at least`, then as `less than`."""

    name: str
    thresholds: list[int]
    least: NDArray[np.intp]
    below: NDArray[np.intp]
    first: int  # the row of the first


@dataclass(frozen=True, slots=True)
class _Tables:
    coders: Mapping[str, _Ranks | _Dictionary]
    lookups: list[
        list[tuple[str, Words]]
    ]  # for each 64 rows: which fields answer, and their table of words by code


class _Dictionary:
    """Codes of a dictionary column: 0 is missing, then its values."""

    def __init__(self, field: str, column: Codes) -> None:
        self._column = column
        self.size = len(column.values) + 1
        self._by_key: dict[str, list[int]] = {}
        self._numbers: NDArray[np.int64] | None = None
        if FIELDS[field].kind in NUMERIC or FIELDS[field].kind is Kind.FLAG:
            self._numbers = np.array(
                [v.toordinal() if isinstance(v, date) else int(v) for v in column.values],  # type: ignore[arg-type]
                np.int64,
            )
        else:
            for i, value in enumerate(column.values):
                for key in FIELDS[field].keys(value):
                    self._by_key.setdefault(key, []).append(i + 1)

    def answers(self, leaf: Predicate) -> NDArray[np.bool_]:
        """Whether each code meets the condition; missing does not."""
        met = np.zeros(self.size, np.bool_)
        if leaf.shape is Shape.RANGE:
            assert self._numbers is not None
            met[1:] = True
            if leaf.low is not None:
                met[1:] &= self._numbers >= leaf.low
            if leaf.high is not None:
                met[1:] &= self._numbers <= leaf.high
            return met
        if leaf.shape is Shape.COVER:
            times = Counter(i for code in leaf.codes for i in self._by_key.get(code, ()))
            met[[i for i, n in times.items() if n == len(leaf.codes)]] = True
        else:
            met[[i for code in leaf.codes for i in self._by_key.get(code, ())]] = True
        if leaf.negated:
            met = ~met
            met[0] = False
        return met

    def ranks(self, edges: Sequence[int]) -> NDArray[np.int64]:
        """How many of the thresholds each code has reached; missing none."""
        assert self._numbers is not None
        return np.concatenate(([0], np.searchsorted(np.array(edges, np.int64), self._numbers, side="right")))

    def codes(self, start: int, stop: int, into: NDArray[np.intp]) -> None:
        _spread(self._column.at[start:stop] + 1, into)


class _Ranks:
    """Codes of a column of numbers: 0 is missing, else 1 + how many of the thresholds it has reached.

    A binary search for each company costs 40 ns. Instead, the leading bits of the number as a float choose a bucket,
    fine enough that it holds one threshold or a few, so that one comparison or a few finish. Numbers stay below 2**53, where
    floats are exact and their bits are in the order of the numbers.
    """

    def __init__(self, column: Numbers, edges: Sequence[int]) -> None:
        self._column, self._edges = column, edges
        self.size = len(edges) + 2
        self._buckets()

    def _buckets(self) -> None:
        thresholds = np.array(self._edges, np.int64)
        self._base: NDArray[np.intp] | None = None
        if not len(thresholds) or thresholds[0] < 0 or thresholds[-1] > 2**53:
            return
        leading = thresholds.astype(np.float64).view(np.int64)
        # The fewest bits with which no bucket holds two thresholds; if there are none (100 yuan and 100 yuan and one
        # fen are far too close), the fewest with which none holds more than can be helped.
        found: tuple[int, int] | None = None
        for bits in range(3, 13):
            at = self._bucket_of(leading, 52 - bits)
            most = int(np.bincount(at).max())
            if found is None or most < found[0]:
                found = most, bits
        assert found is not None
        if found[0] > 4:
            return
        self._shift = 52 - found[1]
        at = self._bucket_of(leading, self._shift)
        top = int(self._bucket_of(np.array([2.0**53]).view(np.int64), self._shift)[0]) + 1
        self._in_bucket = np.full((found[0], top), np.iinfo(np.int64).max, np.int64)
        held = np.bincount(at, minlength=top)
        before = np.concatenate(([0], np.cumsum(held)[:-1]))
        for i, bucket in enumerate(at):
            self._in_bucket[i - before[bucket], bucket] = thresholds[i]
        self._base = before.astype(np.intp) + 1

    @staticmethod
    def _bucket_of(leading: NDArray[np.int64], shift: int) -> NDArray[np.int64]:
        """Bucket 1 starts at 1.0; what is below (only 0) is bucket 0."""
        bucket: NDArray[np.int64] = np.maximum((leading >> shift) - ((1023 << 52) >> shift) + 1, 0)
        return bucket

    def ranks(self, edges: Sequence[int]) -> NDArray[np.int64]:
        assert list(edges) == list(self._edges)
        return np.maximum(np.arange(self.size) - 1, 0)

    def codes(self, start: int, stop: int, into: NDArray[np.intp]) -> None:
        values, missing = self._column.values[start:stop], self._column.missing[start:stop]
        if self._base is None:
            ranks = np.searchsorted(np.array(self._edges, np.int64), values, side="right") + 1
        else:
            bucket = self._bucket_of(values.astype(np.float64).view(np.int64), self._shift)
            ranks = np.take(self._base, bucket, mode="clip")
            for edges in self._in_bucket:
                ranks += values >= np.take(edges, bucket, mode="clip")
        ranks[missing] = 0
        _spread(ranks, into)


def _spread(codes: NDArray[np.intp] | NDArray[np.int32], into: NDArray[np.intp]) -> None:
    """Lay the codes of a block out so that row i, word j is company 64 j + i. What the last block lacks is missing."""
    if len(codes) < into.size:
        into[...] = 0
        full = len(codes) // 64
        into[:, :full] = codes[: full * 64].reshape(full, 64).T
        into[: len(codes) - full * 64, full : full + 1] = codes[full * 64 :].reshape(-1, 1)
    else:
        into[...] = codes.reshape(-1, 64).T


_HALVES: Final = tuple(
    (s, np.uint64(s), np.uint64(mask))
    for s, mask in (
        (32, 0x00000000FFFFFFFF),
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    )
)


def _transpose(words: Words, spare: Words) -> None:
    """Turn each column of 64 words into its transpose, in place: bit p of row i becomes bit i of row p."""
    width = words.shape[1]
    for s, by, mask in _HALVES:
        pairs = words.reshape(32 // s, 2, s, width)
        upper, lower = pairs[:, 0], pairs[:, 1]
        swap = spare.reshape(32 // s, s, width)
        np.right_shift(upper, by, out=swap)
        np.bitwise_xor(swap, lower, out=swap)
        np.bitwise_and(swap, mask, out=swap)
        np.bitwise_xor(lower, swap, out=lower)
        np.left_shift(swap, by, out=swap)
        np.bitwise_xor(upper, swap, out=upper)


def _thresholds(digits: Words, into: Words) -> None:
    """From the binary digits of places, for each k = 1 … len(into) the companies whose place is at least k.

    With one more digit on top, at least k means: the digit or (the rest at least k), when k fits the rest; and else
    the digit and (the rest at least what is left of k). So each digit doubles the rows.
    """
    rows = np.empty((1 << (len(digits) - 1), digits.shape[1]), np.uint64)
    rows[0] = ~np.uint64(0)
    for d, digit in enumerate(digits[:-1]):
        half = 1 << d
        np.bitwise_and(rows[:half], digit, out=rows[half : 2 * half])
        np.bitwise_or(rows[:half], digit, out=rows[:half])
    half = len(rows)
    np.bitwise_or(rows[1:], digits[-1], out=into[: half - 1])
    np.bitwise_and(rows[: len(into) - half + 1], digits[-1], out=into[half - 1 :])


def _first(companies: int) -> Words:
    """A tile's mask of its first companies."""
    mask = np.zeros(TILE_WORDS * 64, np.uint8)
    mask[:companies] = 1
    return np.packbits(mask, bitorder="little").view(np.uint64)


def _count(bits: Words, counts: NDArray[np.int64]) -> None:
    """Add the sizes of a tile's sets, a few products at a time so that the counts stay in the cache."""
    for at in range(0, len(bits), 64):
        counts[at : at + 64] += np.add.reduce(np.bitwise_count(bits[at : at + 64]), axis=-1, dtype=np.uint16)
