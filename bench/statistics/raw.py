"""The limit `duckdb`: the same release in SQL written by hand for DuckDB alone, over the same files.

Written to be fast, not general: facts are added up once by everything that matters; of loans and of receipts, holders come from that by the
finest combinations and from these by the rest; the two largest are one aggregate of DuckDB's own; sums are its 128-bit integers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from luhai.core.indicators.definitions import converted, parts_of, quotient
from luhai.core.indicators.engine import Cell

from . import made
from .ours import RATES

M = made.LAST_MONTH.isoformat()
DIMS = ("territory", "size", "industry", "term", "route", "guarantee", "green", "country")
OTHERS = DIMS[1:]
_ALL = ", ".join(DIMS)

FINE = f"""
CREATE TEMP TABLE fine AS
SELECT month < DATE '{M}' AS before, kind, documented, currency, holder, {_ALL}, sum(amount) AS amount, count(*) AS n, min(position) AS first,
    max(position) AS last, sum(CASE WHEN month = DATE '{M}' AND kind = 'drawn' THEN amount::HUGEINT * rate_bp ELSE 0 END) AS weighted
FROM read_parquet($files, hive_partitioning = false)
WHERE kind IN ('drawn', 'repaid') AND month <= DATE '{M}' OR month = DATE '{M}'
GROUP BY ALL
"""

#: Holders in the finest combinations. Just one of the others is set in each of their rows, so that coarser ones are a plain GROUP BY.
_FINEST = ", ".join(f"(territory, {d}, currency, holder)" for d in OTHERS)

LOANS = f"""
CREATE TEMP TABLE loans AS
SELECT {_ALL}, currency, holder,
    sum(amount) FILTER (NOT before AND kind = 'drawn') AS d, count(*) FILTER (NOT before AND kind = 'drawn') AS d_any,
    sum(n) FILTER (NOT before AND kind = 'drawn') AS d_n, min(first) FILTER (NOT before AND kind = 'drawn') AS d_f,
    max(last) FILTER (NOT before AND kind = 'drawn') AS d_l, sum(weighted) AS w,
    sum(amount) FILTER (NOT before AND kind = 'drawn' AND documented) AS dd, sum(n) FILTER (NOT before AND kind = 'drawn' AND documented) AS dd_n,
    min(first) FILTER (NOT before AND kind = 'drawn' AND documented) AS dd_f, max(last) FILTER (NOT before AND kind = 'drawn' AND documented) AS dd_l,
    sum(amount) FILTER (NOT before AND kind = 'repaid') AS r, sum(n) FILTER (NOT before AND kind = 'repaid') AS r_n,
    min(first) FILTER (NOT before AND kind = 'repaid') AS r_f, max(last) FILTER (NOT before AND kind = 'repaid') AS r_l,
    sum(amount) FILTER (NOT before AND kind = 'repaid' AND documented) AS rd,
    sum(CASE WHEN kind = 'drawn' THEN amount ELSE -amount END) FILTER (before) AS o,
    sum(CASE WHEN kind = 'drawn' THEN amount ELSE -amount END) FILTER (before AND documented) AS od,
    sum(n) AS o_n, min(first) AS o_f, max(last) AS o_l,
    sum(n) FILTER (documented) AS od_n, min(first) FILTER (documented) AS od_f, max(last) FILTER (documented) AS od_l
FROM fine WHERE kind IN ('drawn', 'repaid') GROUP BY GROUPING SETS ({_FINEST})
"""
_LOAN_SUMS = ("d", "d_any", "d_n", "w", "dd", "dd_n", "r", "r_n", "rd", "o", "od", "o_n", "od_n")
_LOAN_FIRST, _LOAN_LAST = ("d_f", "dd_f", "r_f", "o_f", "od_f"), ("d_l", "dd_l", "r_l", "o_l", "od_l")

RECEIPTS = f"""
CREATE TEMP TABLE receipts AS
SELECT {_ALL}, currency, holder, sum(amount) AS a, sum(n) AS a_n, min(first) AS a_f, max(last) AS a_l, sum(amount) FILTER (documented) AS ad,
    sum(n) FILTER (documented) AS ad_n, min(first) FILTER (documented) AS ad_f, max(last) FILTER (documented) AS ad_l
FROM fine WHERE kind = 'received' GROUP BY GROUPING SETS ({_FINEST})
"""
RETURNED = RECEIPTS.replace("TABLE receipts", "TABLE returned").replace("'received'", "'returned'")
_SUMS, _FIRST, _LAST = ("a", "a_n", "ad", "ad_n"), ("a_f", "ad_f"), ("a_l", "ad_l")

_RATE = "CASE currency " + " ".join(f"WHEN '{c}' THEN {parts_of(r)}" for (_m, c), r in RATES.items()) + " END"
CONVERTED = f"""
CREATE TEMP TABLE converted AS
SELECT {_ALL}, '_T' AS currency, holder, sum(a * {_RATE}::HUGEINT) AS a, sum(a) FILTER (currency = 'CNY') AS cny, sum(a_n) AS n, min(a_f) AS f, max(a_l) AS l
FROM receipts GROUP BY ALL
"""


def whole(name: str, sums: tuple[str, ...], first: tuple[str, ...], last: tuple[str, ...]) -> str:
    """The coarser combinations, put beside the finest."""
    columns = ", ".join([*(f"sum({c}) AS {c}" for c in sums), *(f"min({c}) AS {c}" for c in first), *(f"max({c}) AS {c}" for c in last)])
    order = ", ".join([*sums, *first, *last])
    return f"""
INSERT INTO {name} ({_ALL}, currency, holder, {order})
SELECT NULL AS territory, {", ".join(OTHERS)}, currency, holder, {columns} FROM {name} GROUP BY {", ".join(OTHERS)}, currency, holder
UNION ALL
SELECT {", ".join("territory" if d == "territory" else f"NULL AS {d}" for d in DIMS)}, currency, holder, {columns}
FROM {name} WHERE size IS NOT NULL GROUP BY GROUPING SETS ((territory, currency, holder), (currency, holder))
"""


def cells(name: str, columns: str) -> str:
    """Cells from holders."""
    return f"SELECT {', '.join(f'coalesce({d}, $total)' for d in DIMS)}, currency, {columns} FROM {name} GROUP BY {_ALL}, currency"


def _of(x: str) -> str:
    """What stands behind a cell: how many, and the two largest."""
    return f"count(*) FILTER (coalesce({x}, 0) <> 0), max(abs(coalesce({x}, 0)), 2)"


_OWED, _OWED_DOC = "coalesce(o,0)+coalesce(d,0)-coalesce(r,0)", "coalesce(od,0)+coalesce(dd,0)-coalesce(rd,0)"
LOAN_CELLS = ", ".join([
    *(f"sum({c})" for c in ("d", "d_n", "w", "dd", "dd_n", "r", "r_n", "rd", "o", "od", "o_n", "od_n")), *(f"min({c})" for c in _LOAN_FIRST),
    *(f"max({c})" for c in _LOAN_LAST), _of("d"), _of("dd"), _of("r"), _of(f"({_OWED})"), _of(f"({_OWED_DOC})"),
])  # fmt: skip
PAY_CELLS = f"sum(a), sum(a_n), min(a_f), max(a_l), {_of('a')}, sum(ad), sum(ad_n), min(ad_f), max(ad_l), {_of('ad')}"
SHARE_CELLS = f"sum(a), sum(cny), sum(n), min(f), max(l), {_of('a')}"

Answer = dict[str, list[tuple[Any, ...]]]


def release(files: list[Path]) -> Answer:
    """The rows of the release, as DuckDB gives them."""
    import duckdb

    with duckdb.connect() as db:
        db.execute(FINE, {"files": [str(f) for f in files]})
        db.execute(LOANS)
        db.execute(whole("loans", _LOAN_SUMS, _LOAN_FIRST, _LOAN_LAST))
        for made_by, name in ((RECEIPTS, "receipts"), (RETURNED, "returned")):
            db.execute(made_by)
            db.execute(whole(name, _SUMS, _FIRST, _LAST))
        db.execute(CONVERTED)
        asked = {"loans": LOAN_CELLS, "receipts": PAY_CELLS, "returned": PAY_CELLS, "converted": SHARE_CELLS}
        return {name: db.execute(cells(name, columns), {"total": "_T"}).fetchall() for name, columns in asked.items()}


# --- not timed: the same rows as cells, to be compared -------------------------------------------------------------------------


def as_cells(answer: Answer) -> list[Cell]:
    """What the rows say, as cells."""
    scales = {"drawn_rate": 100}
    found: list[Cell] = []
    month = f"{made.LAST_MONTH:%Y-%m}"

    def put(key: tuple[str, ...], name: str, n: Any, sums: tuple[Any, ...], behind: tuple[Any, ...], span: tuple[Any, ...]) -> None:
        if n:
            opening, added, taken, over, under = (int(x or 0) for x in sums)
            value = quotient(over, under, scales.get(name, 10_000)) if under else opening + added - taken
            if name == "receipts_rmb_share":
                over, under = converted(over), converted(under)
            count, top = behind
            most, second = (*(int(x) for x in top or ()), 0, 0)[:2]
            if name == "receipts_rmb_share":
                most, second = converted(most), converted(second)
            found.append(Cell(name, month, key, opening, added, taken, over, under, value, int(n), int(count), most, second, *map(int, span)))

    for row in answer["loans"]:
        key, rest = _key(row), row[9:]
        d, d_n, w, dd, dd_n, r, r_n, rd, o, od, o_n, od_n = rest[:12]
        firsts, lasts, stakes = rest[12:17], rest[17:22], [rest[22 + 2 * i : 24 + 2 * i] for i in range(5)]
        span = list(zip(firsts, lasts, strict=True))
        put(key, "loans_drawn", d_n, (0, d, 0, 0, 0), stakes[0], span[0])
        put(key, "secured_drawn", dd_n, (0, dd, 0, 0, 0), stakes[1], span[1])
        put(key, "loans_repaid", r_n, (0, r, 0, 0, 0), stakes[2], span[2])
        put(key, "loans_outstanding", o_n, (o, d, r, 0, 0), stakes[3], span[3])
        put(key, "secured_outstanding", od_n, (od, dd, rd, 0, 0), stakes[4], span[4])
        put(key, "drawn_rate", d_n, (0, 0, 0, w, d), stakes[0], span[0])
        put(key, "secured_share", d_n, (0, 0, 0, dd, d), stakes[0], span[0])
    for name, plain, on_documents in (("receipts", "receipts", "receipts_documented"), ("returned", "receipts_returned", "")):
        for row in answer[name]:
            a, n, f, last, count, top, ad, ad_n, ad_f, ad_l, ad_count, ad_top = row[9:]
            put(_key(row), plain, n, (0, a, 0, 0, 0), (count, top), (f, last))
            if on_documents:
                put(_key(row), on_documents, ad_n, (0, ad, 0, 0, 0), (ad_count, ad_top), (ad_f, ad_l))
    for row in answer["converted"]:
        a, cny, n, f, last, count, top = row[9:]
        put(_key(row), "receipts_rmb_share", n, (0, 0, 0, (cny or 0) * 10**12, a), (count, top), (f, last))
    return found


def _key(row: tuple[Any, ...]) -> tuple[str, ...]:
    return (*row[:4], row[8], *row[4:8])
