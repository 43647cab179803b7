"""The demo's packages: each at its origin, and one half way to Sichuan, so that visitors approve it as its official and grant it as supervisor."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from luhai.kernel.origin import Actor, Role
from luhai.oversight.replication import commands, live_commands, queries
from luhai.records.products import commands as products

#: Where the second scene goes, and what it would set differently there.
COPIER: Final = "510000"
PACKAGE: Final = "corridor-logistics"
OVERRIDES: Final = {"scenes.freight_days": "120"}
#: Days from the day of the corridor to the first day of the copy, and for which statements are good.
STARTS_IN, GOOD_FOR = 30, 300


def load(loader: Any, officer_of: Any) -> dict[str, Any]:
    """Enter the packages at their origins, put a product on the shelf that rests on one, and bring one half way to Sichuan.

    `loader` and `officer_of` are those of `demo`. Done again it changes nothing: keys and days come from the corridor's seed and day.
    """
    origins = {p.id: _enter(loader, p.id, p.origin) for p in queries.packages(viewer=_supervisor(loader))}
    _product(loader, officer_of)
    return {"origins": {k: str(v) for k, v in origins.items()}, "on_its_way": str(_copy(loader))}


def _enter(loader: Any, package: str, territory: str) -> UUID:
    return live_commands.enter(
        adoption_id=uuid5(loader.corridor.agencies[0].id, f"package {package}"), package=package, territory=territory,
        instrument_no=f"示例〔2025〕{territory[:2]}号（虚构）", approver="国家外汇管理局（虚构）", scope="全域（虚构）", invented=True,
        origin=loader.origin(f"package:{package}"),
    )  # fmt: skip


def _product(loader: Any, officer_of: Any) -> None:
    """A bank of the whole corridor offers what the package opens: where the measure is in force it matches, elsewhere it waits."""
    bank = next(b for b in loader.corridor.institutions if b.country == "CN")
    terms = queries.package(key=PACKAGE, viewer=_supervisor(loader)).product | {"territories": []}
    key = uuid5(bank.id, f"package {PACKAGE}")
    products.draft_product(
        product_id=key, institution_id=bank.id, terms=terms, origin=loader.origin(f"package-product:{PACKAGE}", officer_of(bank))
    )
    products.publish_product(product_id=key, origin=loader.origin(f"package-publish:{PACKAGE}", officer_of(bank)))


def _copy(loader: Any) -> UUID:
    """Stated, drafted, examined and proposed by one official of Sichuan; another one's approval is waited for."""
    official = _official(loader, COPIER)
    day = queries.day_of(loader.origin("copy").at)
    data = list(queries.package(key=PACKAGE, viewer=official).data)
    for who, fact, value in (
        (_supervisor(loader), "supervision_grade", "B"), (_supervisor(loader), "debt_colour", "yellow"), (_supervisor(loader), "red_warnings", 0),
        (official, "controls_complete", True), (official, "responsible_unit", True), (official, "data", data),
    ):  # fmt: skip
        commands.state_fact(
            statement_id=uuid5(official.person_id, fact), territory=COPIER, fact=fact, value=value, document=f"示例文件（虚构）{fact}",
            digest="", stated_on=day, until=day + timedelta(days=GOOD_FOR), origin=loader.origin(f"package-fact:{fact}", who),
        )  # fmt: skip
    key = uuid5(official.person_id, f"adoption {PACKAGE}")
    starts_on: date = loader.corridor.as_of + timedelta(days=STARTS_IN)
    commands.draft(
        adoption_id=key, package=PACKAGE, overrides=OVERRIDES, starts_on=starts_on, origin=loader.origin("package-draft", official)
    )
    commands.examine(adoption_id=key, origin=loader.origin("package-examine", official))
    commands.propose(adoption_id=key, origin=loader.origin("package-propose", official))
    return key


def _official(loader: Any, territory: str) -> Actor:
    agency = next(a for a in loader.corridor.agencies if a.kind == "provincial" and a.territory == territory)
    return Actor(uuid5(agency.id, "desk"), Role.PROVINCE, agency.id, territory)


def _supervisor(loader: Any) -> Actor:
    agency = next(a for a in loader.corridor.agencies if a.kind == "supervisor")
    return Actor(uuid5(agency.id, "desk"), Role.SUPERVISOR, agency.id, agency.territory)
