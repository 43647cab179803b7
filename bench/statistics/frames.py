"""The peer `pandas`: the same release with data frames, as one writes it: read the columns needed, add up, group by.

Text columns are read as categories, so that fifty million facts fit into memory; facts that no figure of the month counts are dropped file by file.
Facts are added up once by everything that matters, as on the other sides.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from luhai.core.indicators.definitions import converted, parts_of, quotient
from luhai.core.indicators.engine import Cell

from . import made
from .ours import RATES

DIMS = ["territory", "size", "industry", "term", "route", "guarantee", "green", "country"]
SETS = [[], ["territory"], *chain.from_iterable(([d], ["territory", d]) for d in DIMS[1:])]
TEXTS = ["kind", "currency", "holder", *DIMS]
COLUMNS = ["position", "month", "documented", "amount", "rate_bp", *TEXTS]
KEYS = ["before", "kind", "documented", "currency", "holder", *DIMS]


def read(files: list[Path]) -> pd.DataFrame:
    last = pa.scalar(made.LAST_MONTH, pa.date32())
    tables = []
    for file in files:
        table = pq.ParquetFile(file, read_dictionary=TEXTS).read(columns=COLUMNS)
        loans = pc.is_in(table["kind"].cast(pa.string()), pa.array(["drawn", "repaid"]))
        tables.append(table.filter(pc.or_(pc.equal(table["month"], last), loans)))
    table = pa.concat_tables(tables).unify_dictionaries()
    before = pc.less(table["month"], last)
    weight = pc.if_else(pc.and_(pc.invert(before), pc.equal(table["kind"].cast(pa.string()), "drawn")), table["rate_bp"], 0)
    weighted = pc.multiply(table["amount"], pc.fill_null(weight, 0))
    return table.drop_columns(["month", "rate_bp"]).append_column("before", before).append_column("weighted", weighted).to_pandas(self_destruct=True)


def release(files: list[Path]) -> dict[str, tuple[list[str], pd.DataFrame]]:
    """For each indicator and combination the cells as a frame."""
    facts = read(files)
    groups = facts.groupby(KEYS, observed=True, sort=False)
    fine = groups.agg(
        amount=("amount", "sum"), n=("amount", "size"), first=("position", "min"), last=("position", "max"), weighted=("weighted", "sum")
    ).reset_index()
    del facts
    now = fine[~fine["before"]]
    drawn, repaid, received = (now[now["kind"] == k] for k in ("drawn", "repaid", "received"))
    loans = fine[fine["kind"].isin(["drawn", "repaid"])]
    parts = {
        "loans_drawn": drawn, "loans_repaid": repaid, "loans_outstanding": loans, "secured_drawn": drawn[drawn["documented"]],
        "secured_outstanding": loans[loans["documented"]], "receipts": received, "receipts_documented": received[received["documented"]],
        "receipts_returned": now[now["kind"] == "returned"], "drawn_rate": drawn, "secured_share": drawn, "receipts_rmb_share": received,
    }  # fmt: skip
    return {f"{name}:{','.join(s)}": (s, _cells(name, rows, s)) for name, rows in parts.items() for s in SETS}


def _cells(name: str, rows: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    keys = [*names, "currency"]
    minus = rows["kind"] == "repaid" if name.endswith("outstanding") else pd.Series(False, rows.index)
    before = rows["before"]
    signed = rows["amount"].where(~minus, -rows["amount"])
    columns = rows[[*keys, "holder"]].assign(
        n=rows["n"], first=rows["first"], last=rows["last"], opening=signed.where(before, 0), added=rows["amount"].where(~before & ~minus, 0),
        taken=rows["amount"].where(~before & minus, 0), over=rows["weighted"] if name == "drawn_rate" else rows["amount"].where(rows["documented"], 0),
        amount=signed,
    )  # fmt: skip
    how = {"n": "sum", "first": "min", "last": "max", "opening": "sum", "added": "sum", "taken": "sum", "over": "sum", "amount": "sum"}
    held = columns.groupby([*keys, "holder"], observed=True, sort=False).agg(how).reset_index()
    if name == "receipts_rmb_share":
        held = _one_currency(held, [*names, "holder"], how)
    held["amount"] = held["amount"].abs()
    cells = held.groupby(keys, observed=True).agg({**{k: v for k, v in how.items() if k != "amount"}})
    some = held[held["amount"] > 0].sort_values("amount", ascending=False, kind="stable")
    groups = some.groupby(keys, observed=True)["amount"]
    return cells.assign(contributors=groups.size(), largest=groups.nth(0).set_axis(_index(some, groups, keys, 0)) if len(some) else 0,
                        second=groups.nth(1).set_axis(_index(some, groups, keys, 1)) if len(some) else 0).reset_index()  # fmt: skip


def _index(some: pd.DataFrame, groups: Any, keys: list[str], n: int) -> Any:
    at = some.loc[groups.nth(n).index, keys]
    return pd.MultiIndex.from_frame(at) if len(keys) > 1 else pd.Index(at[keys[0]])


def _one_currency(held: pd.DataFrame, keys: list[str], how: dict[str, Any]) -> pd.DataFrame:
    """Converted sums do not fit into 64 bits, so they are Python's own whole numbers."""
    rate = held["currency"].astype(str).map({c: parts_of(r) for (_m, c), r in RATES.items()}).astype(object)
    exact = held["added"].astype(object) * rate
    held = held.assign(over=exact.where(held["currency"] == "CNY", 0), added=exact, amount=exact)
    return held.groupby(keys, observed=True, sort=False).agg(how).reset_index().assign(currency="_T")


# --- not timed ------------------------------------------------------------------------------------------------------------


def as_cells(answer: dict[str, tuple[list[str], pd.DataFrame]]) -> list[Cell]:
    """What the frames say, as cells."""
    found = []
    order = ("territory", "size", "industry", "term", "currency", "route", "guarantee", "green", "country")
    for named, (names, frame) in answer.items():
        name = named.split(":")[0]
        shared = name in {"drawn_rate", "secured_share", "receipts_rmb_share"}
        for row in frame.to_dict("records"):
            key = tuple(str(row[c]) if c in {*names, "currency"} else "_T" for c in order)
            opening, added, taken, over = (int(row[c]) for c in ("opening", "added", "taken", "over"))
            behind = [int(row[c]) if row[c] is not None and row[c] == row[c] else 0 for c in ("contributors", "largest", "second")]
            value = quotient(over, added, 100 if name == "drawn_rate" else 10_000) if shared else opening + added - taken
            if name == "receipts_rmb_share":
                over, added, behind[1], behind[2] = map(converted, (over, added, behind[1], behind[2]))
            sums = (0, 0, 0, over, added) if shared else (opening, added, taken, 0, 0)
            found.append(Cell(name, f"{made.LAST_MONTH:%Y-%m}", key, *sums, value, int(row["n"]), behind[0], behind[1], behind[2], int(row["first"]), int(row["last"])))
    return found


