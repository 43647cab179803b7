"""The same facts give the same cells on DuckDB, on Spark, and when they are counted plainly."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luhai.core.indicators import engine
from luhai.core.indicators.definitions import Form, Indicator
from luhai.core.indicators.engine import CUBES, Cell, compute
from luhai.core.indicators.facts import DIMENSIONS, write_part
from luhai.core.indicators.tests import plain
from luhai.kernel.money import MAX_MINOR

JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, n, 1) for n in range(1, 5))
HOLDERS = [str(UUID(int=n + 1)) for n in range(5)]
#: Few codes of each dimension, so that facts meet in cells.
CODES = {d.column: [*list(d.codes)[1:3], "_Z"] for d in DIMENSIONS} | {"currency": ["CNY", "USD", "JPY"], "country": ["SG", "_Z"]}
RATES = {(m, c): r for m in (JANUARY, FEBRUARY, MARCH) for c, r in {"CNY": Fraction(1), "USD": Fraction(71_234, 10_000), "JPY": Fraction(14, 3)}.items()}
SOME_CUBES = (("territory",), ("territory", "size"), ("territory", "guarantee"), ("country",))


def an(key: str, form: Form, plus: tuple[str, ...], minus: tuple[str, ...] = (), documented: bool = False, **more: Any) -> Indicator:
    quotient = {"unit": "percent"} if form in {Form.MEAN, Form.SHARE} else {}
    return Indicator(key, key, key, form, plus, minus, documented, "…", "…", (), **quotient, **more)


INDICATORS = (
    an("drawn", Form.FLOW, ("drawn",)),
    an("net", Form.FLOW, ("received",), ("returned",)),
    an("owed", Form.STOCK, ("drawn",), ("repaid",)),
    an("owed_on_documents", Form.STOCK, ("drawn",), ("repaid",), documented=True),
    an("ever_received", Form.STOCK, ("received",)),
    an("rate", Form.MEAN, ("drawn",), decimals=4, scale=100, weight="rate_bp"),
    an("secured", Form.SHARE, ("drawn",), decimals=2, scale=10_000, part=("documented", "true")),
    an("of_two", Form.SHARE, ("drawn", "received"), decimals=2, scale=10_000, part=("documented", "true")),
    an("rmb", Form.SHARE, ("received",), decimals=2, scale=10_000, part=("currency", "CNY"), into="CNY"),
)


def fact(position: int, kind: str = "drawn", amount: int = 100, day: date = JANUARY, **more: Any) -> dict[str, Any]:
    first = {d.column: "_Z" for d in DIMENSIONS} | {"currency": "CNY", "rate_bp": 350 if kind == "drawn" else None, "documented": False}
    whole = first | {"position": position, "index": 0, "kind": kind, "amount": amount, "day": day, "holder": HOLDERS[0]} | more
    return whole | {"month": whole["day"].replace(day=1), "bank": HOLDERS[0], "company": whole["holder"]}


@st.composite
def facts(draw: st.DrawFn) -> list[dict[str, Any]]:
    some = []
    for position in range(1, draw(st.integers(1, 40)) + 1):
        kind = draw(st.sampled_from(["drawn", "repaid", "received", "returned"]))
        codes = {c: draw(st.sampled_from(codes)) for c, codes in CODES.items()}
        some.append(
            fact(
                position, kind, draw(st.one_of(st.integers(1, 5), st.just(10**9), st.integers(MAX_MINOR - 3, MAX_MINOR))),
                JANUARY + timedelta(days=draw(st.integers(0, 95))), holder=draw(st.sampled_from(HOLDERS)), documented=draw(st.booleans()),
                rate_bp=draw(st.one_of(st.none(), st.integers(0, 10_000))) if kind in {"drawn", "repaid"} else None, **codes,
            )
        )  # fmt: skip
    return some


def written(root: Path, some: list[dict[str, Any]]) -> list[Path]:
    days: dict[date, list[dict[str, Any]]] = {}
    for one in some:
        days.setdefault(one["day"], []).append(one)
    return [root / write_part(root, day, rows[0]["position"], rows[-1]["position"], rows).path for day, rows in sorted(days.items())]


def counted(on: str, some: list[dict[str, Any]], months: list[date], cubes: Any = SOME_CUBES, upto: int | None = None, rates: Any = RATES) -> list[Cell]:
    with tempfile.TemporaryDirectory() as root:
        return compute(on, written(Path(root), some), INDICATORS, months, cubes, upto, rates=rates)


# --- DuckDB ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(facts(), st.sampled_from([[MARCH], [FEBRUARY, MARCH], [JANUARY, MARCH, APRIL]]), st.one_of(st.none(), st.integers(1, 30)))
def test_cells_are_those_counted_plainly(some: list[dict[str, Any]], months: list[date], upto: int | None) -> None:
    """April has no rates: a share that needs them has no value there, and says so."""
    assert counted("duckdb", some, months, upto=upto) == plain.cells(some, INDICATORS, months, SOME_CUBES, upto, RATES)


def test_the_standard_release_has_territories_by_each_dimension_and_all_totals() -> None:
    some = [fact(n, territory="500000", size="S", industry="G", route="RSI", holder=HOLDERS[n % 5]) for n in range(1, 12)]
    found = counted("duckdb", some, [JANUARY], CUBES)
    assert found == plain.cells(some, INDICATORS, [JANUARY], CUBES, None, RATES)
    keys = {c.key for c in found if c.indicator == "drawn"}
    assert len(keys) == 2 * 8
    assert all(key[4] == "CNY" for key in keys)
    assert len({*CUBES}) == len(CUBES) == 8
    assert all(set(cube) <= {d.column for d in DIMENSIONS} for cube in CUBES)


def test_sums_beyond_64_bits_are_exact() -> None:
    some = [fact(n, amount=MAX_MINOR, rate_bp=9_999, holder=HOLDERS[n % 2]) for n in range(1, 2_101)]
    found = {c.indicator: c for c in counted("duckdb", some, [JANUARY], (("territory",),)) if c.key[0] == "_T"}
    assert found["drawn"].value == found["owed"].value == 2_100 * MAX_MINOR > 2**63
    assert found["drawn"].largest == found["drawn"].second == 1_050 * MAX_MINOR
    assert (found["rate"].numerator, found["rate"].value) == (2_100 * MAX_MINOR * 9_999, 999_900)


def test_second_is_equal_to_the_largest_where_two_are_as_large() -> None:
    some = [fact(n, holder=HOLDERS[n - 1], amount=amount) for n, amount in enumerate((7, 7, 3), 1)]
    top = {c.indicator: (c.contributors, c.largest, c.second) for c in counted("duckdb", some, [JANUARY], (("territory",),))}
    assert top["drawn"] == top["owed"] == (3, 7, 7)
    alone = {c.indicator: (c.contributors, c.largest, c.second) for c in counted("duckdb", some[2:], [JANUARY], (("territory",),))}
    assert alone["drawn"] == (1, 3, 0)


def test_who_has_repaid_all_does_not_contribute() -> None:
    some = [fact(1, amount=10), fact(2, amount=5, holder=HOLDERS[1]), fact(3, "repaid", 10, FEBRUARY)]
    owed = {c.month: c for c in counted("duckdb", some, [JANUARY, FEBRUARY, MARCH], ()) if c.indicator == "owed"}
    assert owed == {}, "no cube, no cell"
    owed = {c.month: c for c in counted("duckdb", some, [JANUARY, FEBRUARY, MARCH], ((),)) if c.indicator == "owed"}
    assert [(m, c.opening, c.added, c.taken, c.value, c.contributors, c.count) for m, c in owed.items()] == [
        ("2026-01", 0, 15, 0, 15, 2, 2), ("2026-02", 15, 0, 10, 5, 1, 3), ("2026-03", 5, 0, 0, 5, 1, 3),
    ]  # fmt: skip


def test_only_days_that_matter_are_opened(tmp_path: Path) -> None:
    files = written(tmp_path, [fact(1), fact(2, day=date(2026, 2, 28)), fact(3, day=MARCH), fact(4, day=APRIL)])
    assert engine.prune(files, FEBRUARY, MARCH, stocks=False) == [str(f) for f in files[1:3]]
    assert engine.prune(files, FEBRUARY, MARCH, stocks=True) == [str(f) for f in files[:3]]
    assert engine.prune(["elsewhere.parquet"], FEBRUARY, MARCH, stocks=False) == ["elsewhere.parquet"]
    files[3].write_bytes(b"no Parquet at all")
    assert [c.value for c in compute("duckdb", files, INDICATORS[:1], ["2026-02"], [()])] == [100]


def test_one_expression_says_the_same() -> None:
    some = [fact(n, holder=HOLDERS[n % 3], amount=n, documented=n % 2 == 0, size="S") for n in range(1, 9)]
    with tempfile.TemporaryDirectory() as root, engine.opened("duckdb", written(Path(root), some)) as table:
        for what in INDICATORS[:7]:
            rows = engine.cells(table, what, [JANUARY, FEBRUARY], ("size",)).to_pyarrow().to_pylist()
            said = {(r["month"], r["size"]): [int(r[n]) for n in ("opening", "added", "taken", "numerator", "denominator", "count", "contributors", "largest", "second", "first", "last")] for r in rows}
            wanted = plain.cells(some, [what], [JANUARY, FEBRUARY], [("size",)], None, RATES)
            assert said == {
                (c.month, c.key[1]): [c.opening, c.added, c.taken, c.numerator, c.denominator, c.count, c.contributors, c.largest, c.second, c.first, c.last]
                for c in wanted
            }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"engine": "sqlite"}, "engine"), ({"months": ["2026-13"]}, "month"), ({"months": [date(2026, 1, 2)]}, "month"),
        ({"cubes": [("planet",)]}, "cube"), ({"rates": {(JANUARY, "CNY"): Fraction(0)}}, "rate"), ({"rates": {(JANUARY, "CNY"): Fraction(10**9)}}, "rate"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_by_name(tmp_path: Path, asked: dict[str, Any], word: str) -> None:
    files = written(tmp_path, [fact(1, "received")])
    whole: dict[str, Any] = {"engine": "duckdb", "files": files, "indicators": INDICATORS, "months": ["2026-01"], "rates": RATES} | asked
    with pytest.raises(ValueError, match=word):
        compute(**whole)


def test_nothing_asked_or_nothing_there_is_no_cell() -> None:
    assert compute("duckdb", [], INDICATORS, ["2026-01"]) == []
    assert counted("duckdb", [fact(1)], []) == []
    assert counted("duckdb", [fact(1, day=MARCH)], [JANUARY]) == []


# --- Spark ----------------------------------------------------------------------------------------------------------------


def _needs_java() -> None:
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Spark needs Java, and there is none: install openjdk-17-jre-headless to run this test")
    pytest.importorskip("pyspark", reason="Spark's package is not installed")


@pytest.fixture(scope="module")
def spark() -> Iterator[None]:
    """One session for all tests here; the engine uses the one that is there. Facts are few, so it compiles as little as it can."""
    _needs_java()
    few = {"spark.sql.codegen.wholeStage": "false", "spark.sql.shuffle.partitions": "2", "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1"}
    with tempfile.TemporaryDirectory() as scratch:
        session = engine.session_on("local[2]", scratch, few)
        yield
        session.stop()


def made(count: int) -> list[dict[str, Any]]:
    """Facts from a fixed rule, with every kind, document, currency and code met, equal amounts, and the largest there are."""
    kinds = ("drawn", "repaid", "received", "returned", "drawn")
    return [
        fact(
            n, kinds[n * 7 % 5], MAX_MINOR if n % 31 == 0 else n * 7919 % 13 + 1, JANUARY + timedelta(days=n * 37 % 95),
            holder=HOLDERS[n * n % 5], documented=n % 3 == 0, rate_bp=None if n % 11 == 0 else n * 53 % 900,
            **{c: codes[n * (k + 3) % len(codes)] for k, (c, codes) in enumerate(CODES.items())},
        )
        for n in range(1, count + 1)
    ]  # fmt: skip


@pytest.mark.usefixtures("spark")
def test_spark_answers_as_duckdb_and_as_plain_counting() -> None:
    some, months = made(400), [FEBRUARY, APRIL]
    plainly = plain.cells(some, INDICATORS, months, SOME_CUBES, 390, RATES)
    assert counted("duckdb", some, months, upto=390) == plainly
    assert counted("spark", some, months, upto=390) == plainly
    assert {c.indicator for c in plainly} == {i.key for i in INDICATORS}
    assert any(c.value is None for c in plainly), "April has no rates"


def test_without_java_spark_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(engine.EngineMissing, match="Java"):
        counted("spark", [fact(1)], [JANUARY])


@pytest.mark.long
def test_a_cluster_of_two_workers_answers_the_same(tmp_path: Path) -> None:
    """A master and two workers, each a process of its own on loopback; the driver is a third."""
    _needs_java()
    import pyspark

    home = Path(pyspark.__file__).parent
    env = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
    run = [str(home / "bin" / "spark-class")]
    master = [*run, "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "17077", "--webui-port", "18080"]
    worker = [*run, "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "1024m", "--webui-port", "0"]
    started = []
    try:
        for n, command in enumerate((master, worker, worker)):
            more = ["--work-dir", str(tmp_path / f"work{n}"), "spark://127.0.0.1:17077"] if n else []
            with (tmp_path / f"{n}.log").open("w") as log:
                started.append(subprocess.Popen([*command, *more], env=env, stdout=log, stderr=log))
        _until(lambda: (tmp_path / "0.log").read_text().count("Registering worker") == 2)
        asked = subprocess.run(
            [sys.executable, "-m", "luhai.core.indicators.tests.cluster"],
            env=env | {engine.MASTER: "spark://127.0.0.1:17077", "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(30)
    assert asked.returncode == 0, asked.stderr[-2_000:]
    assert asked.stdout.splitlines()[-1] == "the same on 2 workers"


def _until(done: Any, seconds: int = 90) -> None:
    for _ in range(seconds * 2):
        if done():
            return
        time.sleep(0.5)
    pytest.fail("the cluster did not come up")
