"""Files of facts: whole or not there, the same bytes from the same facts, and every reader of columns understands them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.core.indicators import facts
from luhai.core.indicators.dimensions import BY_NAME, DIMENSIONS, NOT_STATED, SIZES, TOTAL, term_of
from luhai.kernel.money import Currency

DAY = date(2026, 3, 2)


def row(position: int = 1, index: int = 0, **other: Any) -> dict[str, Any]:
    return {
        "position": position, "index": index, "kind": "drawn", "day": DAY, "month": DAY.replace(day=1), "territory": "500000", "bank": "b",
        "company": "c", "holder": "c", "currency": "CNY", "amount": 100, "rate_bp": 345, "country": "_Z", "documented": True, "size": "S",
        "industry": "F", "term": "CT01", "route": "RSI", "guarantee": "DOC", "green": "N", **other,
    }  # fmt: skip


def test_a_part_is_written_whole_and_read_back(tmp_path: Path) -> None:
    rows = [row(3), row(3, 1, rate_bp=None, kind="received"), row(9, amount=2**53 - 1)]
    made = facts.write_part(tmp_path, DAY, 3, 9, rows)
    assert made == facts.Written("day=2026-03-02/3-9.parquet", DAY, 3, 9, 3, facts.digest(tmp_path / made.path))
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["3-9.parquet"]
    table = facts.read([tmp_path / made.path])
    assert table.schema.equals(facts.SCHEMA)
    assert table.to_pylist() == rows
    again = facts.write_part(tmp_path / "other", DAY, 3, 9, pa.Table.from_pylist(rows, schema=facts.SCHEMA))
    assert again.digest == made.digest
    assert duckdb.sql(f"SELECT sum(amount), max(day) FROM read_parquet('{tmp_path}/*/*.parquet')").fetchall() == [(200 + 2**53 - 1, DAY)]
    assert facts.read([], ["amount"]).num_rows == 0


@pytest.mark.parametrize(
    "rows",
    [
        [], [row(day=date(2026, 3, 3))], [row(2)], [row(size=None)], [{k: v for k, v in row().items() if k != "bank"}],
        [row(amount="many")], [row(position=2**63)],
    ],
)  # fmt: skip
def test_what_does_not_belong_leaves_no_part(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    with pytest.raises((ValueError, OverflowError, pa.ArrowException)):
        facts.write_part(tmp_path, DAY, 1, 1, rows)
    assert [*tmp_path.rglob("*.parquet")] == []
    facts.sweep(tmp_path, [])
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_sweeping_keeps_what_is_named_and_what_is_not_ours(tmp_path: Path) -> None:
    keep = facts.write_part(tmp_path, DAY, 1, 1, [row()])
    lost = facts.write_part(tmp_path, DAY, 2, 2, [row(2)])
    (tmp_path / "day=2026-03-04").mkdir()
    (tmp_path / "day=2026-03-04" / "5-6.parquet.half").write_bytes(b"PAR1")
    (tmp_path / "notes.txt").write_text("mine")
    assert facts.sweep(tmp_path, [keep.path]) == [lost.path, "day=2026-03-04/5-6.parquet.half"]
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["1-1.parquet", "notes.txt"]
    assert not (tmp_path / "day=2026-03-04").exists()
    assert facts.sweep(tmp_path / "nowhere", []) == []


def test_every_dimension_has_its_codes_in_both_languages() -> None:
    assert [d.sdmx for d in DIMENSIONS] == [
        "REF_AREA", "ENT_SIZE", "INDUSTRY", "TERM", "CURRENCY", "ROUTE", "GUARANTEE", "GREEN", "CPTY_AREA",
    ]  # fmt: skip
    assert {d.column for d in DIMENSIONS} <= set(facts.SCHEMA.names)
    for d in DIMENSIONS:
        assert all(zh and en for zh, en in d.codes.values()), d.name
        assert {TOTAL, NOT_STATED} <= set(d.codes)
    assert [*BY_NAME["industry"].codes][1:-1] == [*"ABCDEFGHIJKLMNOPQRST"]
    assert set(BY_NAME["currency"].codes) == {TOTAL, NOT_STATED, *Currency}
    assert {"TH", "KZ", "DE", "CN"} <= set(BY_NAME["country"].codes)
    assert "ZZ" not in BY_NAME["country"].codes
    size = BY_NAME["size"]
    assert [size.stated(c) for c in (*SIZES, "", "XL", TOTAL, NOT_STATED)] == [*SIZES, *[NOT_STATED] * 4]


@pytest.mark.parametrize(
    ("due", "term"),
    [
        (date(2026, 3, 2), "CT01"), (date(2027, 3, 1), "CT01"), (date(2027, 3, 2), "CT01"), (date(2027, 3, 3), "CT02"),
        (date(2031, 3, 2), "CT02"), (date(2031, 3, 3), "CT03"), (date(2056, 3, 2), "CT03"),
    ],
)  # fmt: skip
def test_a_term_is_of_the_shorter_class_up_to_its_anniversary(due: date, term: str) -> None:
    assert term_of(DAY, due) == term


def test_a_year_from_a_leap_day_ends_on_the_28th() -> None:
    leap = date(2028, 2, 29)
    assert [term_of(leap, d) for d in (date(2029, 2, 28), date(2029, 3, 1), date(2033, 2, 28), date(2033, 3, 1))] == ["CT01", "CT02", "CT02", "CT03"]


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 4000), st.integers(0, 4000))
def test_a_longer_loan_is_never_of_a_shorter_class(start: date, days: int, more: int) -> None:
    day = start.toordinal() + days
    assert term_of(start, date.fromordinal(day)) <= term_of(start, date.fromordinal(day + more))
