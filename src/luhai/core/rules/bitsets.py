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
3. Products are sorted so that neighbours share beginnings; each shared beginning is ANDed once.
4. All of it block by block, in buffers that stay in the cache.

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
from typing import Final

import numpy as np
from numpy.typing import NDArray

from luhai.kernel.refusal import Invalid

from .criteria import AllOf, Criteria, Criterion, Fact, Plain
from .fields import FIELDS, NUMERIC, Kind
from .parameters import Parameters
from .predicates import Predicate, Shape, predicate

Words = NDArray[np.uint64]

#: 64-bit words of a block: 32,768 companies. The bits of 2,000 conditions then take 16 MB.
BLOCK_WORDS: Final = 512


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
        self._at, self._bits = order, bits  # (blocks, place, 2, words): a product's place is _at[product]
        self.met_count = counts[order, 0]
        self.unknown_count = counts[order, 1] - counts[order, 0]

    @property
    def nbytes(self) -> int:
        return self._bits.nbytes

    def met(self, product: int) -> Words:
        return self._bits[:, self._at[product], 0].reshape(-1)

    def possible(self, product: int) -> Words:
        """Met or unknown."""
        return self._bits[:, self._at[product], 1].reshape(-1)

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
        self._number_rows(compiled)
        self._plan()

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

    def _number_rows(self, compiled: Sequence[frozenset[int]]) -> None:
        """Rows of the bit table: conditions on codes by field; places; thresholds by field, each field's `at least`
        and then its `less than`; groups; and one row that always holds."""
        row: dict[int, int] = {}
        coded: dict[str, list[Predicate]] = {}
        edges: dict[str, set[int]] = {}
        for leaf in self._leaves:
            if isinstance(leaf, Predicate):
                coded.setdefault(leaf.field, []).append(leaf)
            elif isinstance(leaf, _Edge):
                edges.setdefault(leaf.field, set()).add(leaf.at)
        rows = 0
        self._coded: list[tuple[str, list[Predicate], int]] = []  # field, its conditions, the first one's row
        for name, leaves in coded.items():
            self._coded.append((name, leaves, rows))
            row |= {2 * self._leaves[leaf]: rows + i for i, leaf in enumerate(leaves)}
            rows += len(leaves)
        self._places = [
            (leaf, rows + i) for i, leaf in enumerate(p for p in self._leaves if isinstance(p, _Place))
        ]
        row |= {2 * self._leaves[leaf]: at for leaf, at in self._places}
        rows += len(self._places)
        self._looked_up = rows
        self._edges: list[
            tuple[str, list[int], int]
        ] = []  # field, its thresholds, the row of the first `at least`
        for name, found in edges.items():
            ordered = sorted(found)
            self._edges.append((name, ordered, rows))
            for i, at in enumerate(ordered):
                for below in (False, True):
                    leaf = self._leaves.get(_Edge(name, at, below))
                    if leaf is not None:
                        row[2 * leaf] = rows + i + (len(ordered) if below else 0)
            rows += 2 * len(ordered)
        # A group's parts were made before it, so the order of making is an order of work.
        row |= {2 * i + 1: rows + i for i in self._groups.values()}
        self._always = rows + len(self._groups)
        self._rows = self._always + 1
        self._work = [
            (kind == "any", [row[p] for p in parts] or [self._always], row[2 * i + 1])
            for (kind, parts), i in self._groups.items()
        ]
        self._together = [sorted({row[p] for p in c} or {self._always}) for c in compiled]
        # Beside the looked-up rows of the table, what is looked up too: who is missing, and the digits of numbers.
        self._missing: dict[str, int] = {}
        self._digits: dict[str, int] = {}
        raw = self._looked_up
        for name in dict.fromkeys([*coded, *edges]):
            self._missing[name] = raw
            raw += 1
        for name, ordered, _ in self._edges:
            self._digits[name] = raw
            raw += len(ordered).bit_length()
        self._raw_rows = raw

    def _plan(self) -> None:
        """Sort products so that neighbours share the longest beginnings, and write down the ANDs that are left.

        A plan is triples (a, b, into) of places in: the rows, then one buffer for each depth, then the products in
        their sorted order.
        """
        seen = Counter(r for together in self._together for r in together)
        ordered = [tuple(sorted(t, key=lambda r: (-seen[r], r))) for t in self._together]
        by_rows = sorted(range(len(ordered)), key=lambda i: [(-seen[r], r) for r in ordered[i]])
        self._at = np.empty(len(ordered), np.intp)
        self._depth = max((len(t) for t in ordered), default=1)
        first_out = self._rows + self._depth
        self._steps: list[tuple[int, int, int]] = []
        before: tuple[int, ...] = ()
        done: list[int] = []  # where the AND of before[: d + 1] is
        for place, i in enumerate(by_rows):
            self._at[i] = place
            mine = ordered[i]
            shared = 0
            while shared < min(len(before), len(mine)) and before[shared] == mine[shared]:
                shared += 1
            del done[shared:]
            for d in range(shared, len(mine)):
                if d == 0:
                    done.append(mine[0])
                    continue
                into = first_out + place if d == len(mine) - 1 else self._rows + d
                self._steps.append((done[d - 1], mine[d], into))
                done.append(into)
            if done[-1] != first_out + place:
                self._steps.append((done[-1], done[-1], first_out + place))
            before = mine

    @property
    def conditions(self) -> int:
        """How many different conditions the products ask for together."""
        return len(self._leaves)

    @property
    def steps(self) -> int:
        """How many ANDs a block takes."""
        return len(self._steps)

    # --- judging ----------------------------------------------------------------------------------------------------

    def judge(self, columns: Columns, *, threads: int = 1, into: Words | None = None) -> Sets:
        """Judge every product for every company. `into` may give back the bits of an earlier answer of the same
        shape, to spare the memory; `threads` share the blocks between them."""
        blocks = -(-columns.size // (64 * BLOCK_WORDS))
        shape = (blocks, len(self._together), 2, BLOCK_WORDS)
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
        edges = {name: ordered for name, ordered, _ in self._edges}
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
        table = np.empty((self._rows, 2, w), np.uint64)
        table[self._always] = ~np.uint64(0)
        raw = np.empty((len(tables.lookups) * 64, w), np.uint64)
        stack = np.empty((self._depth, 2, w), np.uint64)
        fixed = [*table, *stack]
        spare = np.empty((64, w), np.uint64)
        index = {name: np.empty((64, w), np.intp) for name in tables.coders}
        counts = np.zeros((len(self._together), 2), np.int64)
        both = np.bitwise_and
        for block in blocks:
            start = block * 64 * w
            stop = min(start + 64 * w, columns.size)
            for name, coder in tables.coders.items():
                coder.codes(start, stop, index[name])
            for chunk, lookups in enumerate(tables.lookups):
                words = raw[64 * chunk : 64 * chunk + 64]
                for i, (name, lookup) in enumerate(lookups):
                    np.take(lookup, index[name], out=spare if i else words, mode="clip")
                    if i:
                        np.bitwise_or(words, spare, out=words)
                _transpose(words, spare[:32])
            self._fill(table, raw)
            refs = [*fixed, *bits[block]]
            for a, b, into in self._steps:
                both(refs[a], refs[b], refs[into])
            if stop - start < 64 * w:
                bits[block] &= _first(stop - start)
            _count(bits[block], counts)
        return counts

    def _fill(self, table: Words, raw: Words) -> None:
        """The pairs (met, possible) of a block, from what was looked up."""
        for name, leaves, first in self._coded:
            met, pairs = raw[first : first + len(leaves)], table[first : first + len(leaves)]
            pairs[:, 0] = met
            np.bitwise_or(met, raw[self._missing[name]], out=pairs[:, 1])
        for _, row in self._places:
            table[row] = raw[row]
        for name, edges, first in self._edges:
            k, digit = len(edges), raw[self._digits[name] :]
            least = table[first : first + k]
            _thresholds(digit[: k.bit_length()], least[:, 0])
            np.bitwise_or(least[:, 0], raw[self._missing[name]], out=least[:, 1])
            # Less than is not at least, and where one may be the other may be.
            np.invert(least[:, ::-1], out=table[first + k : first + 2 * k])
        for any_of, parts, row in self._work:
            fold = np.bitwise_or if any_of else np.bitwise_and
            np.copyto(table[row], table[parts[0]])
            for part in parts[1:]:
                fold(table[row], table[part], table[row])


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
        return np.maximum((leading >> shift) - ((1023 << 52) >> shift) + 1, 0)

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
    """A block's mask of its first companies."""
    mask = np.zeros(BLOCK_WORDS * 64, np.uint8)
    mask[:companies] = 1
    return np.packbits(mask, bitorder="little").view(np.uint64)


def _count(bits: Words, counts: NDArray[np.int64]) -> None:
    """Add the sizes of a block's sets, a few products at a time so that the counts stay in the cache."""
    for at in range(0, len(bits), 64):
        counts[at : at + 64] += np.add.reduce(np.bitwise_count(bits[at : at + 64]), axis=-1, dtype=np.uint16)
