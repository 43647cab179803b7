"""The invented facts of the bench `statistics`: three years of a corridor as day-partitioned Parquet, from one seed.

Made once and kept in a folder; every side reads the same files. 15 territories, 30 banks, 20,000 companies of very different weight, one in ten
in a group of up to a dozen that counts as one contributor. A loan is repaid in one to three parts, so that balances never fall below nothing
in any cell; payments come from 24 countries in eight currencies. Three facts in ten are draws, four repayments, the rest payments.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from luhai.core.indicators.facts import write_part

#: Raised whenever the files would come out otherwise, so that an old cache is not used.
VERSION = 3
FIRST = date(2023, 11, 1)
MONTHS = 36
LAST_MONTH = date(2026, 10, 1)
DAYS = (date(2026, 11, 1) - FIRST).days
BANKS, COMPANIES = 30, 20_000

TERRITORIES = ("500000", "450000", "520000", "620000", "630000", "650000", "530000", "640000", "460000", "540000", "150000", "610000", "510000",
               "440800", "431200")  # fmt: skip
SIZES, SIZE_SHARES = ("L", "M", "S", "X", "IND_BIZ"), (0.03, 0.12, 0.4, 0.4, 0.05)
INDUSTRIES = ("A", "B", "C", "D", "E", "F", "G", "H", "I", "L", "M", "N")
TERMS, TERM_SHARES = ("CT01", "CT02", "CT03"), (0.7, 0.25, 0.05)
ROUTES, ROUTE_SHARES = ("RSI", "IRL", "XBR", "INW", "AIR", "OTH"), (0.35, 0.2, 0.25, 0.1, 0.02, 0.08)
LOAN_CURRENCIES, LOAN_SHARES = ("CNY", "USD", "EUR"), (0.86, 0.12, 0.02)
CURRENCIES, CURRENCY_SHARES = ("CNY", "USD", "EUR", "JPY", "HKD", "SGD", "THB", "MYR"), (0.38, 0.4, 0.06, 0.03, 0.03, 0.04, 0.03, 0.03)
COUNTRIES = ("SG", "VN", "TH", "MY", "ID", "PH", "LA", "KH", "MM", "BN", "KZ", "KG", "UZ", "TJ", "TM", "AE", "SA", "JP", "KR", "US", "DE", "GB", "HK",
             "RU")  # fmt: skip
NOTHING = ("_Z",)

Codes = NDArray[Any]


def make(folder: Path, facts: int, say: Callable[[str], None]) -> list[Path]:
    """The files of so many facts, made if they are not there; in the order of their days."""
    done = folder / "done"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        say(f"making {facts:,} facts")
        for n, day in enumerate(_days(facts)):
            table, first, last = day
            if table.num_rows:
                write_part(folder, FIRST + timedelta(days=n), first, last, table)
        done.write_text(str(facts))
    return sorted(folder.glob("day=*/*.parquet"))


def _pick(rng: np.random.Generator, shares: tuple[float, ...], size: int) -> Codes:
    return rng.choice(len(shares), size, p=shares).astype(np.int8)


def _ids(rng: np.random.Generator, count: int) -> list[str]:
    return [str(UUID(bytes=rng.bytes(16), version=4)) for _ in range(count)]


def _days(facts: int) -> Any:
    """Each day's facts as a table, with its first and last position."""
    rng = np.random.default_rng(20_261_101)
    banks, companies = _ids(rng, BANKS), _ids(rng, COMPANIES)
    weight = rng.pareto(1.1, COMPANIES) + 0.05
    weight = np.minimum(weight / weight.sum(), 0.01)
    weight /= weight.sum()
    holder = np.arange(COMPANIES, dtype=np.int32)
    grouped = rng.random(COMPANIES) < 0.1
    holder[grouped] = rng.integers(0, COMPANIES // 100, grouped.sum())
    traits = {
        "territory": rng.integers(0, len(TERRITORIES), COMPANIES).astype(np.int8), "size": _pick(rng, SIZE_SHARES, COMPANIES),
        "industry": rng.integers(0, len(INDUSTRIES), COMPANIES).astype(np.int8), "bank": rng.integers(0, BANKS, COMPANIES).astype(np.int8),
        "route": _pick(rng, ROUTE_SHARES, COMPANIES), "holder": holder,
    }  # fmt: skip

    draws = facts * 3 // 10
    lent = _loans(rng, draws, weight, traits)
    back = _repayments(rng, facts * 4 // 10, lent)
    paid = _payments(rng, facts - draws - len(back["day"]), weight, traits)

    names = {
        "territory": TERRITORIES, "bank": banks, "company": companies, "holder": companies, "size": SIZES, "industry": INDUSTRIES,
        "green": ("N", "Y"),
    }  # fmt: skip
    loans = {"currency": LOAN_CURRENCIES, "term": TERMS, "route": ROUTES, "guarantee": ("CRD", "DOC"), "country": NOTHING}
    payments = {"currency": CURRENCIES, "term": NOTHING, "route": ROUTES, "guarantee": NOTHING, "country": COUNTRIES, "green": NOTHING}
    cuts = {id(part): np.searchsorted(part["day"], np.arange(DAYS + 1)) for part in (lent, back, paid)}
    position = 1
    for n in range(DAYS):
        tables = []
        for part, lists in ((lent, names | loans), (back, names | loans), (paid, names | payments)):
            low, high = cuts[id(part)][n : n + 2]
            tables.append(_table({k: v[low:high] for k, v in part.items()}, lists, n))
        whole = pa.concat_tables(tables)
        whole = whole.take(pa.array(rng.permutation(whole.num_rows)))
        count = whole.num_rows
        whole = whole.append_column("position", pa.array(np.arange(position, position + count)))
        yield whole, position, position + count - 1
        position += count


def _loans(rng: np.random.Generator, count: int, weight: Codes, traits: dict[str, Codes]) -> dict[str, Codes]:
    day = np.sort((DAYS * rng.random(count) ** 0.8).astype(np.int16))  # business grows
    company = rng.choice(COMPANIES, count, p=weight).astype(np.int32)
    documented = (rng.random(count) < 0.35).astype(np.int8)
    amount = (np.exp(rng.normal(17.5, 1.2, count)) * (1 + 3 * (traits["size"][company] == 0))).astype(np.int64) // 100 * 100 + 100
    return {
        "day": day, "company": company, "kind": np.zeros(count, np.int8), "amount": amount, "documented": documented, "guarantee": documented,
        "currency": _pick(rng, LOAN_SHARES, count), "term": _pick(rng, TERM_SHARES, count), "green": (rng.random(count) < 0.15).astype(np.int8),
        "rate_bp": (320 + rng.normal(0, 45, count) - 30 * documented).astype(np.int32),
        "country": np.zeros(count, np.int8), **_traits(rng, company, traits),
    }  # fmt: skip


def _traits(rng: np.random.Generator, company: Codes, traits: dict[str, Codes]) -> dict[str, Codes]:
    """What a company is; its goods go by its own route three times in five."""
    found = {k: v[company] for k, v in traits.items()}
    return found | {"route": np.where(rng.random(len(company)) < 0.6, found["route"], _pick(rng, ROUTE_SHARES, len(company)))}


def _repayments(rng: np.random.Generator, count: int, lent: dict[str, Codes]) -> dict[str, Codes]:
    """So many repayments, in equal parts of loans, each later than its loan; fewer, where the three years end before they are due."""
    loans = len(lent["day"])
    of = np.concatenate([rng.permutation(loans) for _ in range(2)])[: count * 5 // 4]
    part = np.bincount(of, minlength=loans)
    day = lent["day"][of].astype(np.int32) + rng.integers(5, 400, len(of))
    keep = np.flatnonzero(day < DAYS)[:count]
    keep = keep[np.argsort(day[keep], kind="stable")]
    of, day = of[keep], day[keep].astype(np.int16)
    back = {k: v[of] for k, v in lent.items()}
    return back | {"day": day, "kind": np.ones(len(of), np.int8), "amount": lent["amount"][of] // part[of]}


def _payments(rng: np.random.Generator, count: int, weight: Codes, traits: dict[str, Codes]) -> dict[str, Codes]:
    day = np.sort((DAYS * rng.random(count) ** 0.8).astype(np.int16))
    company = rng.choice(COMPANIES, count, p=weight).astype(np.int32)
    currency = _pick(rng, CURRENCY_SHARES, count)
    return {
        "day": day, "company": company, "kind": np.where(rng.random(count) < 0.03, 3, 2).astype(np.int8),
        "amount": np.exp(rng.normal(15.5, 1.4, count)).astype(np.int64) + 1, "documented": (rng.random(count) < 0.6).astype(np.int8),
        "currency": currency, "country": rng.integers(0, len(COUNTRIES), count).astype(np.int8), "green": np.zeros(count, np.int8),
        "term": np.zeros(count, np.int8), "guarantee": np.zeros(count, np.int8), **_traits(rng, company, traits),
    }  # fmt: skip


def _table(part: dict[str, Codes], lists: dict[str, Any], day: int) -> pa.Table:
    count = len(part["day"])
    on = FIRST + timedelta(days=day)
    columns: dict[str, Any] = {
        name: pa.DictionaryArray.from_arrays(pa.array(part[name].astype(np.int32)), pa.array(list(values))).cast(pa.string())
        for name, values in (lists | {"kind": ("drawn", "repaid", "received", "returned")}).items()
    }
    loan = "rate_bp" in part
    return pa.table(
        columns
        | {
            "index": pa.array(np.zeros(count, np.int32)), "day": pa.array([on] * count, pa.date32()),
            "month": pa.array([on.replace(day=1)] * count, pa.date32()), "amount": pa.array(part["amount"]),
            "rate_bp": pa.array(part["rate_bp"]) if loan else pa.nulls(count, pa.int32()), "documented": pa.array(part["documented"] == 1),
        }
    )  # fmt: skip
