"""The pages of rules and scenes, in both languages: open to all, with the two acts for who oversees."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from luhai.core.evidence.tests.world import NOON, bank, official
from luhai.kernel.origin import SYSTEM, Role
from luhai.settlement.checks import queries
from luhai.settlement.checks.tests.test_web import signed_in

pytestmark = pytest.mark.django_db
TO = "/checks/scenes/rail-trains/"
TODAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def _noon(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEMO = True  # officers need no second factor here; that wall has its own test
    monkeypatch.setattr(timezone, "now", lambda: NOON)


def posted(client: Client, **fields: Any) -> Any:
    return client.post(TO, {"key": str(uuid4()), **fields})


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Rules of the check", "China-Europe trains, Xi&#x27;an", "nowhere", "Receipts for goods against their papers", "Shaanxi"]),
        ("zh-hans", ["核验规则", "中欧班列（西安）场景", "尚未施行", "货物贸易收入单证核验", "陕西"]),
    ],
)
def test_anybody_reads_the_rules_and_scenes(language: str, words: list[str]) -> None:
    client = Client(HTTP_ACCEPT_LANGUAGE=language)
    shown = text_of(client.get("/checks/"))
    for word in words:
        assert word in shown
    assert 'name="act"' not in text_of(client.get(TO))
    assert client.get("/checks/scenes/nothing/").status_code == 404


def test_a_scene_says_what_it_asks_and_what_is_only_proposed() -> None:
    shown = text_of(signed_in(bank()).get(TO))
    for word in (
        "this platform&#x27;s proposal", "The declaration with a rail note that its carrier delivered", "180 days", "only for customers of grade 1, 2",
        "Transport document and declaration are of the same goods", "oPY", "PYY", "In force nowhere",
    ):  # fmt: skip
        assert word in shown, word
    corridor = text_of(signed_in(bank(), "zh-hans").get("/checks/scenes/corridor-logistics@2026-01-01/"))
    assert "重庆市" in corridor
    assert "权利单证状态" in corridor


def test_who_oversees_puts_it_in_force_and_withdraws_it() -> None:
    client, key = signed_in(official(Role.SUPERVISOR)), str(uuid4())
    for _again in range(2):
        said = {"key": key, "act": "put", "territory": "610000", "valid_from": "2026-03-02", "valid_to": ""}
        assert posted(client, **said).status_code == 302
    assert [s.territory for s in queries.scenes_in_force(on=TODAY, viewer=SYSTEM)] == ["610000"]
    shown = text_of(client.get(TO))
    assert "in force" in shown
    answer = posted(client, act="put", territory="610000", valid_from="2026-04-01")
    assert answer.status_code == 422
    assert "is in force in Shaanxi then; withdraw it from that day first" in text_of(answer)
    assert posted(client, act="withdraw", territory="610000", until="2026-03-12").status_code == 302
    assert queries.in_force_for("610000", TODAY + timedelta(days=10)) == ()
    answer = posted(client, act="withdraw", territory="450000", until="2026-03-12")
    assert answer.status_code == 422
    assert "is not in force in Guangxi" in text_of(answer)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"act": "put", "territory": "1", "valid_from": "2026-03-02"}, "put-territory"), ({"act": "put", "territory": "610000", "valid_from": "soon"}, "put-valid_from"),
        ({"act": "put", "territory": "610000", "valid_from": "2026-03-01"}, "put-valid_from"),
        ({"act": "put", "territory": "610000", "valid_from": "2026-03-09", "valid_to": "2026-03-09"}, "put-valid_to"),
        ({"act": "withdraw", "territory": "610000", "until": "2026-03-01"}, "withdraw-until"), ({"act": "withdraw", "territory": "610000", "until": ""}, "withdraw-until"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_stays_typed(fields: dict[str, str], place: str) -> None:
    answer = posted(signed_in(official()), **fields)
    assert answer.status_code == 422
    assert f'id="{place}-error"' in text_of(answer)
    for typed in fields.values():
        assert typed in text_of(answer)
    assert not queries.scenes_in_force(viewer=SYSTEM)


def test_others_may_not() -> None:
    for actor in (bank(), official(Role.PROVINCE)):
        answer = posted(signed_in(actor), act="put", territory="610000", valid_from="2026-03-02")
        assert answer.status_code == 422
        assert 'role="alert"' in text_of(answer)
    assert posted(signed_in(official()), act="nonsense").status_code == 422
    assert not queries.scenes_in_force(viewer=SYSTEM)
