"""The peers of the bench `matching`, each in a process of its own, in an environment with nothing of Luhai in it.

    python peers.py FOLDER PEER

reads the input, says {"ready": …} and then obeys lines: `round` judges once and says {"pairs", "seconds"}; `answers`
writes what it found for the sample to FOLDER/answers-PEER.npz; `one` judges single companies and says their seconds.

Fairness: every peer gets the columns and predicates in the form in which it was fastest when tried (see `best`), rules
are compiled beforehand and not timed, packed sets and counts are part of the time. `zen-engine` and `datalogic-py` are
asked for the met set only, which is less than Luhai and Polars give.
"""

from __future__ import annotations

import functools
import json
import operator
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

#: How many companies of the sample an interpreter judges in a round.
SAMPLE = {"zen-engine": 150, "datalogic-py": 1500}


class Input:
    """What the folder holds. Products are trees of {"all": […]}, {"any": […]} and leaves
    {"f": field, "in": [places in the dictionary]} or {"f": field, "lo": number or null, "hi": number or null}."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dictionary: dict[str, list[Any]] = json.loads((folder / "dictionary.json").read_text())
        reduced = json.loads((folder / "reduced.json").read_text())
        self.products, self.sample = reduced["products"], np.array(reduced["sample"])
        self.fields = sorted(
            p.name.removesuffix(".npy") for p in folder.glob("*.npy") if not p.name.endswith(".missing.npy")
        )

    def column(self, name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Values (or places in the dictionary) and which are missing."""
        values = np.load(self.folder / f"{name}.npy")
        if name in self.dictionary:
            return values, values < 0
        return values, np.load(self.folder / f"{name}.missing.npy")

    def companies(self, at: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
        """Facts as an interpreter takes them: codes as text, sets as the text of their place, flags as flags."""
        rows: list[dict[str, Any]] = [{} for _ in at]
        for name in self.fields:
            values, missing = self.column(name)
            for row, i in zip(rows, at, strict=True):
                row[name] = None if missing[i] else self.literal(name, int(values[i]))
        return rows

    def others(self, leaf: Any) -> list[int]:
        """The places in the dictionary that the leaf shuts out."""
        met = set(leaf["in"])
        return [v for v in range(len(self.dictionary[leaf["f"]])) if v not in met]

    def literal(self, name: str, value: int) -> Any:
        if name not in self.dictionary:
            return value
        named = self.dictionary[name][value]
        return f"s{value}" if isinstance(named, list) else named


def dearness(tree: Any) -> int:
    """What an interpreter that stops at the first failure should ask last: long lists, then groups."""
    return len(tree["in"]) if "in" in tree else 2 if "f" in tree else 1_000


def leaves(tree: Any) -> list[Any]:
    return (
        [leaf for part in tree.get("all", tree.get("any", [])) for leaf in leaves(part)]
        if "f" not in tree
        else [tree]
    )


def packed(met: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return np.packbits(met, axis=0, bitorder="little"), met.sum(axis=0)


class Zen:
    """A decision table, hit policy collect: a row for each way to meet a product."""

    def __init__(self, given: Input) -> None:
        import zen  # type: ignore[import-not-found]

        self.given = given
        # A row is left at its first cell that fails, so cells that are cheap come first.
        names = sorted(given.fields, key=lambda n: len(given.dictionary.get(n, [0, 1, 2])))
        rules = [
            {"_id": f"r{n}", "o": str(i), **{f"i{names.index(f)}": cell for f, cell in row.items()}}
            for n, (i, row) in enumerate(
                (i, row) for i, product in enumerate(given.products) for row in self.rows(product)
            )
        ]
        table = {
            "hitPolicy": "collect",
            "inputs": [{"id": f"i{n}", "name": name, "field": name} for n, name in enumerate(names)],
            "outputs": [{"id": "o", "name": "product", "field": "product"}],
            "rules": [{**{f"i{n}": "" for n in range(len(names))}, **rule} for rule in rules],
        }
        nodes = [
            ("in", "inputNode", {}),
            ("table", "decisionTableNode", table),
            ("out", "outputNode", {}),
        ]
        content = {
            "nodes": [
                {"id": i, "type": t, "name": i, "position": {"x": 0, "y": 0}, "content": c}
                for i, t, c in nodes
            ],
            "edges": [
                {"id": f"e{a}", "type": "edge", "sourceId": a, "targetId": b}
                for a, b in (("in", "table"), ("table", "out"))
            ],
        }
        self.decision = zen.ZenEngine().create_decision(json.dumps(content))
        self.rows_of_sample = given.companies(given.sample[: SAMPLE["zen-engine"]])
        self.forms: dict[str, Any] = {"dict": lambda row: row, "json": json.dumps}
        self.form = best(
            {
                n: functools.partial(self.some, [f(r) for r in self.rows_of_sample[:20]])
                for n, f in self.forms.items()
            }
        )
        self.ready = [self.forms[self.form](row) for row in self.rows_of_sample]

    def rows(self, tree: Any) -> list[dict[str, str]]:
        """Every alternative as cells by field."""
        merged = []
        for way in ways(tree):
            by_field: dict[str, Any] = {}
            for leaf in way:
                held = by_field.setdefault(leaf["f"], dict(leaf))
                if "in" in leaf:
                    held["in"] = [v for v in held["in"] if v in leaf["in"]]
                else:
                    held["lo"] = max((x for x in (held["lo"], leaf["lo"]) if x is not None), default=None)
                    held["hi"] = min((x for x in (held["hi"], leaf["hi"]) if x is not None), default=None)
            merged.append({f: self.cell(leaf) for f, leaf in by_field.items()})
        return merged

    def cell(self, leaf: Any) -> str:
        if "in" in leaf:
            literals = [self.given.literal(leaf["f"], v) for v in leaf["in"]]
            return ", ".join(json.dumps(x) for x in literals) or "false"
        lo, hi = leaf["lo"], leaf["hi"]
        return (
            f"[{lo}..{hi}]" if lo is not None and hi is not None else f">= {lo}" if hi is None else f"<= {hi}"
        )

    def some(self, rows: list[Any]) -> np.ndarray[Any, Any]:
        met = np.zeros((len(rows), len(self.given.products)), bool)
        for n, row in enumerate(rows):
            for hit in self.decision.evaluate(row)["result"]:
                met[n, hit["product"]] = True
        return met

    def round(self) -> int:
        met = self.some(self.ready)
        packed(met)
        return met.size

    def answers(self) -> dict[str, Any]:
        return {"met": self.some(self.ready)}

    def one(self, times: int) -> list[float]:
        seconds = []
        for n in range(times):
            started = time.perf_counter()
            self.some([self.ready[n % len(self.ready)]])
            seconds.append(time.perf_counter() - started)
        return seconds


class DataLogic:
    """JSONLogic rules compiled once, companies parsed once."""

    def __init__(self, given: Input) -> None:
        import datalogic_py  # type: ignore[import-not-found]

        self.given = given
        engine = datalogic_py.Engine()
        written = [self.rule(p) for p in given.products]
        self.rules = [engine.compile(rule) for rule in written]
        self.session = engine.session()
        rows = given.companies(given.sample[: SAMPLE["datalogic-py"]])
        self.ready = [datalogic_py.DataHandle(row) for row in rows]
        forms = {"evaluate_many": self.many, "evaluate_bool": self.single, "evaluate_batch": self.batch}
        self.form = best({name: functools.partial(f, self.ready[:40]) for name, f in forms.items()})
        self.some = forms[self.form]

    def rule(self, tree: Any) -> Any:
        if "f" not in tree:
            name = "all" if "all" in tree else "any"
            return {
                "and" if name == "all" else "or": [
                    self.rule(part) for part in sorted(tree[name], key=dearness)
                ]
            }
        var = {"var": tree["f"]}
        if "in" in tree:
            literals = [self.given.literal(tree["f"], v) for v in tree["in"]]
            others = [self.given.literal(tree["f"], v) for v in self.given.others(tree)]
            if len(literals) == 1:
                return {"===": [var, literals[0]]}
            if len(others) < len(literals):
                return {"and": [{"!==": [var, None]}, {"!": {"in": [var, others]}}]}
            return {"in": [var, literals]}
        lo, hi = tree["lo"], tree["hi"]
        if lo is not None and hi is not None:
            return {"<=": [lo, var, hi]}
        # Null counts as 0 in JSONLogic, so an upper bound alone would let a missing number pass.
        return {">=": [var, lo]} if lo is not None else {"and": [{"!==": [var, None]}, {"<=": [var, hi]}]}

    def many(self, handles: list[Any]) -> np.ndarray[Any, Any]:
        evaluate, rules = self.session.evaluate_many, self.rules
        return np.array([[a == "true" for a in evaluate(rules, handle)] for handle in handles])

    def batch(self, handles: list[Any]) -> np.ndarray[Any, Any]:
        evaluate = self.session.evaluate_batch
        return np.array([[a == "true" for a in evaluate(rule, handles)] for rule in self.rules]).T

    def single(self, handles: list[Any]) -> np.ndarray[Any, Any]:
        evaluate, rules = self.session.evaluate_bool, self.rules
        return np.array([[evaluate(rule, handle) for rule in rules] for handle in handles])

    def round(self) -> int:
        met = self.some(self.ready)
        packed(met)
        return met.size

    def answers(self) -> dict[str, Any]:
        return {"met": self.some(self.ready)}


class Polars:
    """Kleene's logic comes with Polars: a boolean expression over nulls is null where it is unknown. All companies,
    two threads. Tried: each product an expression in one lazy query, whose optimiser shares equal predicates; and
    predicates once as columns, then their conjunctions."""

    def __init__(self, given: Input) -> None:
        import polars as pl  # type: ignore[import-not-found]

        self.pl, self.given = pl, given
        series = {}
        for name in given.fields:
            values, missing = given.column(name)
            named = given.dictionary.get(name)
            if named is None:
                made = pl.Series(name, values).set(pl.Series(missing), None).shrink_dtype()
            elif isinstance(named[0], list):
                masks = np.array(
                    [sum(1 << b for b, k in enumerate(sets) if k) for sets in self.incidence(named)]
                )
                made = pl.Series(name, masks[np.maximum(values, 0)].astype(np.uint8)).set(
                    pl.Series(missing), None
                )
            elif isinstance(named[0], bool):
                made = pl.Series(name, values == 1).set(pl.Series(missing), None)
            else:
                places = pl.Series(name, np.maximum(values, 0).astype(np.uint32))
                text = pl.Series(named)[places].alias(name)
                made = text.set(pl.Series(missing), None).cast(pl.Enum(named))
            series[name] = made
        self.frame = pl.DataFrame(series)
        self.predicates: dict[str, Any] = {}
        for product in given.products:
            for leaf in leaves(product):
                self.predicates.setdefault(json.dumps(leaf), leaf)
        self.column = {key: f"p{n}" for n, key in enumerate(self.predicates)}
        small = self.frame.head(min(len(self.frame), 100_000))
        forms = {"columns": self.by_columns, "one query": self.by_query}
        self.form = best({name: functools.partial(f, small) for name, f in forms.items()})
        self.judge = forms[self.form]

    @staticmethod
    def incidence(named: list[list[str]]) -> list[list[bool]]:
        keys = sorted({k for sets in named for k in sets})
        return [[k in sets for k in keys] for sets in named]

    def predicate(self, leaf: Any) -> Any:
        pl, name = self.pl, leaf["f"]
        column = pl.col(name)
        named = self.given.dictionary.get(name)
        if named is None:
            lo, hi = leaf["lo"], leaf["hi"]
            if lo is not None and hi is not None:
                return column.is_between(lo, hi)
            return column >= lo if lo is not None else column <= hi
        if isinstance(named[0], bool):
            return column if leaf["in"] == [1] else ~column
        if isinstance(named[0], list):
            keys = sorted({k for sets in named for k in sets})
            return (column & np.uint8(sum(1 << keys.index(k) for k in leaf["any_of"])).item()) != 0
        met = [named[v] for v in leaf["in"]]
        if len(met) == 1:
            return column == met[0]
        left = [n for v, n in enumerate(named) if v not in set(leaf["in"])]
        return column.is_in(met) if len(met) <= len(left) or not left else ~column.is_in(left)

    def product(self, tree: Any, leaf: Any) -> Any:
        if "f" in tree:
            return leaf(tree)
        pl, name = self.pl, "all" if "all" in tree else "any"
        parts = [self.product(part, leaf) for part in tree[name]]
        return pl.all_horizontal(parts) if name == "all" else functools.reduce(operator.or_, parts)

    def by_columns(self, frame: Any) -> Any:
        pl = self.pl
        once = frame.select(
            [self.predicate(leaf).alias(self.column[key]) for key, leaf in self.predicates.items()]
        )
        return once.select(
            [
                self.product(tree, lambda leaf: pl.col(self.column[json.dumps(leaf)])).alias(str(i))
                for i, tree in enumerate(self.given.products)
            ]
        )

    def by_query(self, frame: Any) -> Any:
        expressions = [
            self.product(t, self.predicate).alias(str(i)) for i, t in enumerate(self.given.products)
        ]
        return frame.lazy().select(expressions).collect()

    def round(self) -> int:
        sets = self.judge(self.frame)
        # Booleans and their validity are packed bits already.
        sets.sum().row(0)
        sets.null_count().row(0)
        return int(sets.height * sets.width)

    def answers(self) -> dict[str, Any]:
        sets = self.judge(self.frame)[self.given.sample.tolist()]
        met = sets.fill_null(False).to_numpy().astype(bool)
        unknown = sets.select(self.pl.all().is_null()).to_numpy()
        return {"met": met, "unknown": unknown}


def ways(tree: Any) -> list[list[Any]]:
    """The alternatives of a tree, each a list of leaves."""
    if "f" in tree:
        return [[tree]]
    if "any" in tree:
        return [way for part in tree["any"] for way in ways(part)]
    made: list[list[Any]] = [[]]
    for part in tree["all"]:
        made = [old + new for old in made for new in ways(part)]
    return made


def best(forms: dict[str, Any]) -> str:
    """The form that is fastest here, after a trial of each."""
    seconds = {}
    for name, form in forms.items():
        form()
        started = time.perf_counter()
        form()
        seconds[name] = time.perf_counter() - started
    return min(seconds, key=lambda name: seconds[name])


def main() -> None:
    given = Input(Path(sys.argv[1]))
    peer: Any = {"zen-engine": Zen, "datalogic-py": DataLogic, "polars": Polars}[sys.argv[2]](given)
    print(json.dumps({"ready": True, "form": peer.form}), flush=True)
    for line in sys.stdin:
        order, _, argument = line.strip().partition(" ")
        if order == "round":
            started = time.perf_counter()
            pairs = peer.round()
            print(json.dumps({"pairs": pairs, "seconds": time.perf_counter() - started}), flush=True)
        elif order == "one":
            print(json.dumps({"seconds": peer.one(int(argument))}), flush=True)
        else:
            np.savez(given.folder / f"answers-{sys.argv[2]}.npz", **peer.answers())
            print(json.dumps({"written": True}), flush=True)


if __name__ == "__main__":
    main()
