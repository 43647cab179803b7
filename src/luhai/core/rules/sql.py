"""Criteria in PostgreSQL: one company against every product in one statement, three-valued.

Who: `records/products` and `market/matching`, for the page and the demand of one company. Reads facts as parameters of
the statement, so nothing about the company has to be stored first. Needs PostgreSQL 15, no extension.

Two tables. *Predicates* holds every different condition once (products share most of theirs) under a dense slot number:
0, 1, 2 … without gaps. *Branches* holds each product's criteria as alternatives: a row per alternative, `needs` the
slots that have to be met together; a product is met by its best branch. The statement judges each predicate once,
puts the verdicts (0 failed, 1 unknown, 2 met) into one string of bytes, and each branch takes the least of its bytes.

Limits: `criteria.MAX_BRANCHES` alternatives a product, `criteria.MAX_IN_BRANCH` conditions in each; beyond, `Invalid`.

    with connection.cursor() as cursor:
        slots = intern(cursor, predicates_of(criteria), PREDICATES)           # inside the command that publishes
        for needs in branch_rows(criteria, slots): …insert (product_id, needs)…
        cursor.execute(judge("rules_predicate", "products_branch", "product_id"), question(facts, parameters, on=day))
        verdicts = {product: Verdict(v) for product, v in cursor.fetchall()}      # whoever is not there has failed
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, Protocol

from .criteria import MAX_IN_BRANCH, Criteria, Fact, branches
from .fields import FIELDS, NUMERIC, Kind
from .parameters import Parameters
from .predicates import Predicate, Shape, predicate

#: The table of predicates that `core/rules` migrates; tests and the bench may use others.
PREDICATES: Final = "rules_predicate"


class Cursor(Protocol):
    """What both Django's and psycopg's cursors can do."""

    def execute(self, query: Any, params: Any = None) -> Any: ...
    def fetchall(self) -> list[Any]: ...


def tables(predicates: str, branches: str, key: str = "product_id", key_type: str = "uuid") -> str:
    """The DDL of both tables, as the migrations make them."""
    return f"{predicate_table(predicates)}{branch_table(branches, key, key_type)}"


def predicate_table(name: str) -> str:
    return f"""
    CREATE TABLE {name} (
        slot      integer PRIMARY KEY CHECK (slot >= 0),
        field     text    NOT NULL,
        shape     text    NOT NULL CHECK (shape IN ('range', 'overlap', 'cover')),
        negated   boolean NOT NULL,
        low       bigint,
        high      bigint,
        parameter text,
        codes     jsonb,   -- overlap: an object whose keys are the codes, so that one is found without reading all
        cover     text[],  -- cover: the codes that must all be there
        canonical text    NOT NULL UNIQUE  -- SHA-256 of the predicate's one text
    ) WITH (toast_tuple_target = 8160);
    -- A few hundred codes are read with every question, so they stay in the row and are not compressed.
    ALTER TABLE {name} ALTER COLUMN codes SET STORAGE EXTERNAL;"""


def branch_table(name: str, key: str = "product_id", key_type: str = "uuid") -> str:
    return f"""
    CREATE TABLE {name} (
        {key} {key_type} NOT NULL,
        needs integer[] NOT NULL CHECK (cardinality(needs) <= {MAX_IN_BRANCH})
    );
    CREATE INDEX ON {name} ({key});"""


def predicates_of(criteria: Criteria) -> list[Predicate]:
    """The different conditions of the criteria, in the order in which they first appear."""
    return list({predicate(c): None for branch in branches(criteria) for _, c in branch})


def branch_rows(criteria: Criteria, slots: Mapping[Predicate, int]) -> list[list[int]]:
    """The `needs` of each branch, those that most companies fail first. An empty branch is met by everybody."""
    return [
        [slots[p] for p in sorted({predicate(c) for _, c in branch}, key=lambda p: (_mildness(p), slots[p]))]
        for branch in branches(criteria)
    ]


def _mildness(p: Predicate) -> tuple[int, int]:
    """A guess at how few fail the predicate: short lists of codes first, flags last."""
    if p.shape is Shape.RANGE:
        return (2 if FIELDS[p.field].kind is Kind.FLAG else 1), 0
    return (2 if p.negated else 0), len(p.codes)


def intern(cursor: Cursor, wanted: Iterable[Predicate], table: str = PREDICATES) -> dict[Predicate, int]:
    """The slots of the predicates, adding those not yet there. Writes `table`; runs in the caller's transaction, and
    holds back others who add until it ends, so that slots stay without gaps. Predicates are never deleted."""
    named = {canonical(p): p for p in wanted}
    slots = _slots(cursor, table, named)
    if len(slots) < len(named):
        cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        slots = _slots(cursor, table, named)
        cursor.execute(f"SELECT coalesce(max(slot) + 1, 0) FROM {table}")
        free = int(cursor.fetchall()[0][0])
        for name, p in named.items():
            if p in slots:
                continue
            cursor.execute(
                f"INSERT INTO {table} (slot, field, shape, negated, low, high, parameter, codes, cover, canonical)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s)",
                [
                    free, p.field, p.shape.value, p.negated, p.low, p.high, p.parameter,
                    json.dumps(dict.fromkeys(p.codes, 1)) if p.shape is Shape.OVERLAP else None,
                    list(p.codes) if p.shape is Shape.COVER else None,
                    name,
                ],
            )  # fmt: skip
            slots[p] = free
            free += 1
    return slots


def _slots(cursor: Cursor, table: str, named: Mapping[str, Predicate]) -> dict[Predicate, int]:
    cursor.execute(f"SELECT canonical, slot FROM {table} WHERE canonical = ANY(%s)", [list(named)])
    return {named[name]: int(slot) for name, slot in cursor.fetchall()}


def canonical(p: Predicate) -> str:
    """The digest of the predicate's one text; equal predicates have equal digests."""
    text = json.dumps([p.field, p.shape.value, p.negated, p.low, p.high, p.parameter, list(p.codes)])
    return hashlib.sha256(text.encode()).hexdigest()


def question(
    facts: Mapping[str, Fact], parameters: Parameters | None = None, *, on: date | None = None
) -> dict[str, object]:
    """The statement's parameters for one company (and its demand) on a day."""
    fields: list[str] = []
    numbers: list[int | None] = []
    keys: list[str | None] = []
    for name, fact in facts.items():
        value = fact.value
        if value is None:
            continue
        field = FIELDS[name]
        fields.append(name)
        if field.kind in NUMERIC or field.kind is Kind.FLAG:
            numbers.append(value.toordinal() if isinstance(value, date) else int(value))  # type: ignore[arg-type]
            keys.append(None)
        else:
            numbers.append(None)
            keys.append("{" + ",".join(field.keys(value)) + "}")
    place = facts.get("territory")
    territory = str(place.value) if place is not None and place.value is not None else None
    values = parameters.numbers(on, territory) if parameters is not None and on is not None else {}
    return {"fields": fields, "numbers": numbers, "keys": keys, "parameters": json.dumps(values)}


def judge(
    predicates: str, branches: str, key: str = "product_id", *, where: str = "", failed: bool = False
) -> str:
    """The statement: rows (key, verdict), 2 met, 1 unknown; with `failed` also 0, else whoever is left out has failed.
    `where` ("WHERE …") may narrow the branches (`b`), for example to products on the shelf; its own parameters go with
    those of `question`.

    A predicate whose parameter has no value that day is unknown. Should slots ever have gaps, every verdict is NULL
    rather than wrong.
    """
    value = "(%(parameters)s::jsonb ->> p.parameter)::bigint"
    eights = ", ".join(
        (f"CASE WHEN cardinality(b.needs) > {start} THEN " if start else "")
        + f"least({', '.join(f'get_byte(v.bytes, b.needs[{i + 1}])' for i in range(start, start + 8))})"
        + (" END" if start else "")
        for start in range(0, MAX_IN_BRANCH, 8)
    )
    verdict = f"max(CASE WHEN b.needs = '{{}}' THEN 2 ELSE least({eights}) END)"
    # Most branches fail, and most of them by their first conditions: looking no further halves the time.
    open_ = [f"(get_byte(v.bytes, b.needs[{i + 1}]) > 0) IS NOT FALSE" for i in range(MAX_IN_BRANCH)]
    still = " AND ".join(open_[:8]) + f" AND (cardinality(b.needs) <= 8 OR {' AND '.join(open_[8:])})"
    if not failed:
        where = f"{where} AND {still}" if where else f"WHERE {still}"
    return f"""
    WITH fact AS MATERIALIZED (
        SELECT f.field, f.number, f.keys::text[] AS keys
        FROM unnest(%(fields)s::text[], %(numbers)s::bigint[], %(keys)s::text[]) AS f (field, number, keys)
    ), verdict AS MATERIALIZED (
        SELECT CASE WHEN count(*) = max(slot) + 1 THEN string_agg(byte, ''::bytea ORDER BY slot) END AS bytes
        FROM (
            SELECT p.slot, CASE
                WHEN f.field IS NULL THEN '\\x01'::bytea
                WHEN p.negated <> CASE
                    WHEN p.codes IS NOT NULL THEN p.codes ?| f.keys
                    WHEN p.cover IS NOT NULL THEN p.cover <@ f.keys
                    WHEN p.parameter IS NULL THEN f.number >= coalesce(p.low, f.number)
                                              AND f.number <= coalesce(p.high, f.number)
                    WHEN {value} IS NULL THEN NULL
                    ELSE f.number >= coalesce(p.low + {value}, f.number)
                     AND f.number <= coalesce(p.high + {value}, f.number) END THEN '\\x02'::bytea
                WHEN p.parameter IS NOT NULL AND {value} IS NULL THEN '\\x01'::bytea
                ELSE '\\x00'::bytea END AS byte
            FROM {predicates} p LEFT JOIN fact f ON f.field = p.field
            OFFSET 0  -- judge before sorting, so that what is sorted is small
        ) AS judged
    )
    SELECT b.{key}, {verdict} AS verdict
    FROM {branches} b CROSS JOIN verdict v {where}
    GROUP BY b.{key}"""
