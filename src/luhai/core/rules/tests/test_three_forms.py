"""One definition, three forms: plain Python, bit sets and PostgreSQL give the same verdicts on anything drawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .. import sql
from ..bitsets import BLOCK_WORDS, Codes, Columns, Numbers, Portfolio, columns_of
from ..criteria import Verdict, branches, known, parse, verdict_of
from .drawn import ON, PARAMETERS, criteria, facts


@pytest.fixture(scope="module")
def connection(cluster: Any) -> Iterator[psycopg.Connection]:
    with psycopg.connect(cluster.conninfo(database="postgres"), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA three_forms; SET search_path TO three_forms")
        connection.execute(sql.tables("predicate", "branch", "product", "integer"))
        yield connection
        connection.execute("DROP SCHEMA three_forms CASCADE")


def in_database(connection: psycopg.Connection, trees: list[Any], companies: list[Any]) -> list[list[int]]:
    """For each company the verdicts on each tree. Predicates stay from one example to the next, as in life."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE branch")
        for i, tree in enumerate(trees):
            slots = sql.intern(cursor, sql.predicates_of(tree), "predicate")
            for needs in sql.branch_rows(tree, slots):
                cursor.execute("INSERT INTO branch VALUES (%s, %s)", [i, needs])
        answers = []
        for company in companies:
            cursor.execute(
                sql.judge("predicate", "branch", "product", failed=True),
                sql.question(company, PARAMETERS, on=ON),
            )
            answers.append([v for _, v in sorted(cursor.fetchall())])
            cursor.execute(
                sql.judge("predicate", "branch", "product"), sql.question(company, PARAMETERS, on=ON)
            )
            assert sorted(cursor.fetchall()) == [(i, v) for i, v in enumerate(answers[-1]) if v]
        return answers


@given(st.lists(criteria(), min_size=1, max_size=6), st.lists(facts(), min_size=1, max_size=5))
def test_they_agree(connection: psycopg.Connection, drawn: list[Any], companies: list[Any]) -> None:
    trees = [parse(d) for d in drawn]
    plain = [[int(verdict_of(t, c, PARAMETERS, on=ON)) for t in trees] for c in companies]
    assert in_database(connection, trees, companies) == plain
    sets = Portfolio(trees, PARAMETERS, on=ON).judge(columns_of(companies))
    for i in range(len(trees)):
        column = [row[i] for row in plain]
        assert sets.companies(sets.met(i)).tolist() == [n for n, v in enumerate(column) if v == Verdict.MET]
        assert sets.companies(sets.unknown(i)).tolist() == [
            n for n, v in enumerate(column) if v == Verdict.UNKNOWN
        ]
        assert (sets.met_count[i], sets.unknown_count[i]) == (column.count(2), column.count(1))


@given(st.lists(criteria(), min_size=1, max_size=6), st.lists(facts(), min_size=1, max_size=200))
def test_the_alternatives_have_the_verdict_of_the_tree(drawn: list[Any], companies: list[Any]) -> None:
    for tree in map(parse, drawn):
        ways = branches(tree)
        for company in companies[:5]:
            best = max(
                min((verdict_of(c, company, PARAMETERS, on=ON) for _, c in way), default=Verdict.MET)
                for way in ways
            )
            assert best is verdict_of(tree, company, PARAMETERS, on=ON)


@pytest.mark.parametrize(
    "size", [1, 63, 64, 65, 64 * BLOCK_WORDS, 64 * BLOCK_WORDS + 1, 64 * BLOCK_WORDS * 2 + 77]
)
@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_end_where_companies_end(size: int, threads: int) -> None:
    """Every seventh is missing; what the last block has beyond the last company is in no set."""
    import numpy as np

    at = np.arange(size)
    columns = Columns(
        size,
        {
            "age_months": Numbers((at % 100).astype(np.int64), at % 7 == 0),
            "size": Codes(
                np.where(at % 5 == 0, -1, at % 4).astype(np.int32), ("large", "medium", "small", "micro")
            ),
        },
    )
    products = [
        parse([{"field": "age_months", "op": "at_least", "value": 50}]),
        parse([{"field": "size", "op": "is_not", "value": "large"}]),
        parse([{"field": "overdue", "op": "is", "value": False}]),
        parse([]),
        parse(
            [
                {"field": "age_months", "op": "at_least", "value": 50},
                {"field": "size", "op": "is", "value": "micro"},
            ]
        ),
    ]
    sets = Portfolio(products).judge(columns, threads=threads)
    old, sized = (at % 7 != 0) & (at % 100 >= 50), (at % 5 != 0) & (at % 4 != 0)
    assert sets.companies(sets.met(0)).tolist() == at[old].tolist()
    assert sets.companies(sets.met(1)).tolist() == at[sized].tolist()
    assert sets.met_count[3] == size
    assert sets.unknown_count[2] == size
    maybe_old, maybe_micro = old | (at % 7 == 0), (at % 5 == 0) | (at % 4 == 3)
    micro = (at % 5 != 0) & (at % 4 == 3)
    unknown = maybe_old & maybe_micro & ~(old & micro)
    assert sets.companies(sets.unknown(4)).tolist() == at[unknown].tolist()


@pytest.mark.parametrize(
    "edges", [[0], [1], [2**53 - 1], [10**8, 10**8 + 1, 10**8 + 2], [5, 6, 7, 1000, 1001, 10**12]]
)
def test_numbers_beside_their_thresholds(edges: list[int]) -> None:
    """However close thresholds lie, each number falls on its right side."""
    near = sorted({n for e in edges for n in (e - 1, e, e + 1, 0, 2 * e) if 0 <= n < 2**53})
    products = [
        parse([{"field": "revenue_minor", "op": op, "value": e}])
        for e in edges
        for op in ("at_least", "at_most", "more_than", "less_than", "is")
    ]
    companies = [known({"revenue_minor": n}) for n in near] + [{}]
    sets = Portfolio(products).judge(columns_of(companies))
    for i, product in enumerate(products):
        plain = [n for n, c in enumerate(companies) if verdict_of(product, c) is Verdict.MET]
        assert sets.companies(sets.met(i)).tolist() == plain
        assert sets.unknown_count[i] == 1


def test_more_thresholds_close_together_than_buckets_can_tell() -> None:
    edges = [10**9 + n for n in range(20)]
    products = [parse([{"field": "revenue_minor", "op": "at_least", "value": e}]) for e in edges]
    companies = [known({"revenue_minor": 10**9 + n}) for n in range(-1, 21)]
    sets = Portfolio(products).judge(columns_of(companies))
    assert sets.met_count.tolist() == [sum(10**9 + n >= e for n in range(-1, 21)) for e in edges]


def test_a_gap_in_the_slots_answers_nothing_rather_than_something_wrong(
    connection: psycopg.Connection,
) -> None:
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.execute("TRUNCATE branch; TRUNCATE predicate")
        tree = parse(
            [{"field": "overdue", "op": "is", "value": False}, {"field": "green", "op": "is", "value": True}]
        )
        slots = sql.intern(cursor, sql.predicates_of(tree), "predicate")
        cursor.execute("INSERT INTO branch VALUES (1, %s)", [sql.branch_rows(tree, slots)[0]])
        cursor.execute("DELETE FROM predicate WHERE slot = 0")
        cursor.execute(sql.judge("predicate", "branch", "product"), sql.question(known({"green": True})))
        assert cursor.fetchall() == [(1, None)]


def test_equal_conditions_are_stored_once(connection: psycopg.Connection) -> None:
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.execute("TRUNCATE branch; TRUNCATE predicate")
        first = parse([{"field": "age_months", "op": "at_least", "value": 12, "measure": "M05-05"}])
        second = parse(
            [
                {"field": "age_months", "op": "more_than", "value": 11},
                {"field": "size", "op": "at_most", "value": "small"},
            ]
        )
        third = parse([{"field": "size", "op": "one_of", "value": ["micro", "small"]}])
        for tree in (first, second, third):
            sql.intern(cursor, sql.predicates_of(tree), "predicate")
        cursor.execute("SELECT array_agg(slot ORDER BY slot) FROM predicate")
        assert cursor.fetchall() == [([0, 1],)]


def test_dates_are_days(connection: psycopg.Connection) -> None:
    tree = parse([{"field": "founded_on", "op": "between", "value": ["2020-01-01", "2020-02-29"]}])
    companies = [known({"founded_on": d}) for d in (date(2019, 12, 31), date(2020, 2, 29), date(2020, 3, 1))]
    assert in_database(connection, [tree], companies) == [[0], [2], [0]]
