"""A territory sets a parameter: who may, within which limits, from when, and what it then is where."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from luhai.core.rules import commands, queries
from luhai.core.rules.parameters import NoParameter, NotOverridable, OutsideLimits
from luhai.kernel.origin import PUBLIC, Actor, Origin, Role
from luhai.kernel.refusal import Invalid, NotEntitled, NotPermitted, Refusal

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
TODAY = NOON.date()
HOURS = "matching.answer_hours"
SICHUAN = Actor(uuid4(), Role.PROVINCE, uuid4(), "510000")
SUPERVISOR = Actor(uuid4(), Role.SUPERVISOR, uuid4(), None)


def override(actor: Actor = SICHUAN, **changes: Any) -> object:
    wanted: dict[str, Any] = {
        "key": HOURS, "territory": "510000", "value": "8", "valid_from": TODAY, "document": "川金融〔2026〕1号", "article": "二",
    } | changes  # fmt: skip
    return commands.override_parameter(**wanted, origin=Origin(actor, uuid4(), NOON))


def hours(territory: str | None, on: date = TODAY) -> int:
    return int(queries.value_on(key=HOURS, on=on, territory=territory, viewer=PUBLIC).value)


def test_it_holds_there_and_nowhere_else() -> None:
    before = hours(None)
    override()
    assert (hours("510000"), hours("510104"), hours("500000"), hours(None)) == (8, 8, before, before)
    assert hours("510000", TODAY - timedelta(days=1)) == before
    found = queries.value_on(key=HOURS, on=TODAY, territory="510104", viewer=PUBLIC)
    assert (found.territory, found.source.document, found.by) == (
        "510000",
        "川金融〔2026〕1号",
        str(SICHUAN.person_id),
    )


def test_a_newer_one_takes_over_from_its_day() -> None:
    override()
    override(value="24", valid_from=TODAY + timedelta(days=30))
    assert hours("510000", TODAY + timedelta(days=29)) == 8
    assert hours("510000", TODAY + timedelta(days=30)) == 24


def test_a_supervisor_sets_any_territory() -> None:
    override(SUPERVISOR, territory="500000", value="4")
    assert hours("500000") == 4


@pytest.mark.parametrize(
    ("actor", "changes", "refusal"),
    [
        (SICHUAN, {"territory": "500000"}, NotEntitled),
        (SICHUAN, {"territory": "999999"}, Invalid),
        (SICHUAN, {"key": "matching.gone"}, NoParameter),
        (SICHUAN, {"key": "asset_class.loss_days"}, NotOverridable),
        (SICHUAN, {"value": "3"}, OutsideLimits),
        (SICHUAN, {"value": "41"}, OutsideLimits),
        (SICHUAN, {"value": "soon"}, Invalid),
        (SICHUAN, {"document": " "}, Invalid),
        (SICHUAN, {"valid_from": TODAY - timedelta(days=1)}, commands.TooEarly),
        (Actor(uuid4(), Role.BANK, uuid4(), "510000"), {}, NotPermitted),
        (Actor(uuid4(), Role.COMPANY, uuid4(), "510000"), {}, NotPermitted),
    ],
)  # fmt: skip
def test_what_is_refused_changes_nothing(
    actor: Actor, changes: dict[str, Any], refusal: type[Refusal]
) -> None:
    before = hours("510000")
    with pytest.raises(refusal):
        override(actor, **changes)
    assert hours("510000") == before


def test_two_cannot_begin_on_one_day() -> None:
    override()
    with pytest.raises(commands.AlreadySet):
        override(value="9")
    assert hours("510000") == 8
