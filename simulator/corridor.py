"""An invented corridor, whole: the same seed, size and day give the same corridor, to the byte.

    corridor = generate(seed=7, size=Size.SMALL, as_of=date(2026, 11, 2))
    for company in corridor.companies: ...
    export(corridor, Path("corridor.jsonl"))     -> Exported(lines=…, sha256="…")

Nobody and nothing in it exists. Names are composed from lists of our own, identifiers are right by their arithmetic but
carry marks no register uses, and every record of the export says `"invented": true`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from simulator.adoptions import Adoption, Adoptions
from simulator.companies import Companies, Company
from simulator.demands import Demand, Demands
from simulator.institutions import Institution, Institutions
from simulator.people import Agency, People, Person
from simulator.products import Product, Products

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Size(StrEnum):
    SMALL = "small"  # the demo
    CITY = "city"
    CORRIDOR = "corridor"


@dataclass(frozen=True, slots=True)
class Counts:
    companies: int
    institutions: int
    products: int
    demands: int


COUNTS: Final = MappingProxyType(
    {
        Size.SMALL: Counts(300, 30, 80, 60),
        Size.CITY: Counts(100_000, 200, 2_000, 2_000),
        Size.CORRIDOR: Counts(1_000_000, 400, 2_000, 20_000),
    }
)


@dataclass(frozen=True)
class Corridor:
    """Everything is made when it is asked for. Companies and demands may be many: go through them, do not list them."""

    seed: int
    counts: Counts
    as_of: date

    @cached_property
    def companies(self) -> Companies:
        return Companies(self.seed, self.counts.companies, self.as_of)

    @cached_property
    def institutions(self) -> tuple[Institution, ...]:
        return self._institutions.all

    @cached_property
    def products(self) -> tuple[Product, ...]:
        return Products(self._institutions, self.counts.products, self.as_of).all

    @cached_property
    def demands(self) -> Demands:
        return Demands(self.companies, self.counts.demands, self.as_of)

    @cached_property
    def adoptions(self) -> tuple[Adoption, ...]:
        return Adoptions(self.seed, self.as_of).all

    @cached_property
    def agencies(self) -> tuple[Agency, ...]:
        return self._people.agencies

    @cached_property
    def people(self) -> tuple[Person, ...]:
        return self._people.people

    @cached_property
    def _institutions(self) -> Institutions:
        return Institutions(self.seed, self.counts.institutions)

    @cached_property
    def _people(self) -> People:
        return People(self.seed, self.institutions, self.demands)


def generate(seed: int, size: Size | Counts, as_of: date) -> Corridor:
    """The corridor of a seed. `as_of` is the day on which it is looked at: ages and dates count from it."""
    assert 0 <= seed < 2**63, seed
    return Corridor(seed, size if isinstance(size, Counts) else COUNTS[Size(size)], as_of)


@dataclass(frozen=True, slots=True)
class Exported:
    lines: int
    bytes: int
    sha256: str


def export(corridor: Corridor, path: Path) -> Exported:
    """Write the corridor to `path` as JSON lines, one record a line, and return what was written.

    Keys are sorted and nothing depends on the machine, so the digest tells whether two corridors are the same.
    """
    digest, count, size = sha256(), 0, 0
    with path.open("wb") as file:
        for line in lines(corridor):
            digest.update(line)
            size += file.write(line)
            count += 1
    return Exported(count, size, digest.hexdigest())


def lines(corridor: Corridor) -> Iterator[bytes]:
    """The export, line by line: a head, then every kind of record in the order in which one refers to another."""
    counts = {field.name: getattr(corridor.counts, field.name) for field in fields(Counts)}
    yield _line({"record": "corridor", "seed": corridor.seed, "as_of": corridor.as_of.isoformat(), **counts})
    groups: tuple[tuple[str, type[DataclassInstance], Iterable[object]], ...] = (
        ("company", Company, corridor.companies),
        ("institution", Institution, corridor.institutions),
        ("agency", Agency, corridor.agencies),
        ("person", Person, corridor.people),
        ("product", Product, corridor.products),
        ("adoption", Adoption, corridor.adoptions),
        ("demand", Demand, corridor.demands),
    )
    for record, kind, members in groups:
        names = [field.name for field in fields(kind)]
        for member in members:
            yield _line({"record": record, **{name: getattr(member, name) for name in names}})


def _line(content: dict[str, Any]) -> bytes:
    return (_ENCODER.encode({"invented": True, **content}) + "\n").encode()


def _plain(value: object) -> object:
    assert isinstance(value, UUID), value
    return str(value)


_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain
)
