"""The attacks on a shipment are held; and where a check is taken away, the one that it held gets through and is said to."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.db import connection, connections, transaction

from luhai.desks import cli_lane
from luhai.desks.lane import attack, attack_scene
from luhai.desks.lane.attack_scene import Scene, build, killed, state, tried
from luhai.financing.lending import commands as lending
from luhai.kernel.origin import SYSTEM
from luhai.kernel.refusal import Invalid
from luhai.records.transport import commands as transport
from luhai.settlement.payments import commands as payments
from luhai.shell.context import acting

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
#: One of each sort, with what must be answered.
HANDFUL = {
    "second_pledge_other_province": {"titles.not_free", "titles.kept"},
    "near_duplicate_number": {"titles.near_duplicate"},
    "tampered_envelope": {"BENV", "BSIG", "RECE"},
    "declaration_amended_after_check": {"payments.changed_since"},
    "wrong_payee": {"checks.payee", "payments.act_not_allowed"},
    "settle_against_return_at_once": {"payments.act_not_allowed"},
    "crash_in_settle": {"SIGKILL"},
    "worker_crash": {"57P01"},
}


@pytest.fixture
def own(fresh_db: str, settings: Any, tmp_path: Path) -> str:
    settings.STATE = tmp_path
    return fresh_db


def stormed(*names: str) -> dict[str, dict[str, Any]]:
    found = attack.storm(names, seed=4, now=NOW, tell=lambda _: None)
    assert found["held"] == sum(one["held"] for one in found["attacks"])
    assert found["of"] == len(found["attacks"]) == len(names)
    return {one["name"]: one for one in found["attacks"]}


def played(how: Callable[[Scene], None]) -> attack.Outcome:
    return attack.play(build("hole", 4, NOW), 1, "hole", how, NOW)


def test_a_handful_is_held(own: str) -> None:
    found = stormed(*HANDFUL)
    assert [(one["name"], one["why"]) for one in found.values() if not one["held"] or not one["recounted"]] == []
    assert {name: set(one["code"].split()) for name, one in found.items()} == HANDFUL


@pytest.mark.parametrize("order", [1, -1])
def test_whoever_comes_first_the_shipment_ends_well(own: str, monkeypatch: pytest.MonkeyPatch, order: int) -> None:
    """What is done at once is done one after the other here, either way round: both ways of going on are walked."""

    def in_turn(acts: Any) -> list[Any]:
        listed = list(acts)
        answers = [tried(act) for act in listed[::order]]
        return answers[::order]

    monkeypatch.setattr(attack_scene, "at_once", in_turn)
    races = ("second_pledge_other_province", "draw_beyond_line_from_two_provinces_at_once", "two_importers", "settle_against_return_at_once")
    found = stormed(*races, "settle_twice_at_once")
    assert [(one["name"], one["why"]) for one in found.values() if not one["held"] or not one["recounted"]] == []


# --- a hole shows ---------------------------------------------------------------------------------------------------------


def no_signal(*_: Any) -> str:
    return ""


HOLES: dict[str, tuple[object, str, Any, str]] = {
    # attack: (where, which check, what stands in its place, what is said)
    "declaration_amended_after_check": (payments, "changed_since", lambda *_: [], "it was done"),
    "disburse_by_same_person": (lending, "SamePerson", lambda: payments.Absent(kind="loan"), "not with lending.same_person"),
    "goods_delivered_without_surrender": (transport, "_unauthorised", no_signal, "no signal was raised"),
    "duplicate_message_same_uetr": (payments.policy, "same_order", lambda *_: False, "written to payments_message"),
}


@pytest.mark.parametrize("name", HOLES)
def test_a_hole_lets_its_attack_through(own: str, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    where, check, instead, said = HOLES[name]
    monkeypatch.setattr(where, check, instead)
    found = stormed(name)[name]
    assert (found["held"], found["recounted"]) == (False, True)
    assert said in found["why"]


def test_what_a_refused_act_leaves_behind_is_seen(own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settle = payments.settle

    def leaking(**asked: Any) -> Any:
        with transaction.atomic(), acting(SYSTEM), connection.cursor() as cursor:
            cursor.execute("UPDATE payments_payment SET acted_at = now() WHERE id = %s", [asked["payment_id"]])
        return settle(**asked)

    monkeypatch.setattr(payments, "settle", leaking)
    found = stormed("settle_without_check")["settle_without_check"]
    assert not found["held"]
    assert "yet written to payments_payment" in found["why"]


def test_books_that_no_longer_agree_are_seen(own: str) -> None:
    def cooked(scene: Scene) -> None:
        scene.play("disburse")
        with connections["owner"].cursor() as cursor:
            cursor.execute("ALTER TABLE evidence_use DISABLE TRIGGER USER")
            cursor.execute("UPDATE evidence_use SET amount = amount - 1")

    found = played(cooked)
    assert (found.held, found.recounted, found.why) == (False, False, "recount differs: evidence")


def test_a_fault_is_no_refusal(own: str) -> None:
    """A command that breaks is not one that refuses; nor is a refusal of somebody honest."""

    def broken(scene: Scene) -> None:
        scene.refused("titles.kept", lambda: 1 // 0)

    def honest(scene: Scene) -> None:
        scene.play("papers")
        scene.played = "approve"
        scene.finish()

    assert "ZeroDivisionError" in played(broken).why
    found = played(honest)
    assert (found.held, found.recounted) == (False, True)
    assert found.why.startswith("after approve honest parties were refused: absent")


def test_two_that_are_both_done_are_seen(own: str) -> None:
    found = played(lambda scene: (scene.once([lambda: 1, lambda: 2], "x"), None)[1])
    assert (found.held, found.why) == (False, "of 2 at once 2 were done; the others: []")


def test_a_killed_process_leaves_nothing_before_its_commit(own: str) -> None:
    """The means to kill kill: early nothing stands, late everything; and the fingerprint of the tables tells them apart."""
    scene = Scene(build("hole", 4, NOW), 1, "kill")
    before = state()
    assert killed(lambda: scene.play("agreement"), 4)
    assert state() == before
    assert killed(lambda: scene.play("agreement"), 10**6)
    assert {t for t, now in state().items() if now != before[t]} >= {"transport_agreement", "transport_signatory", "journal_entry"}


# --- edges ------------------------------------------------------------------------------------------------------------------


def test_names() -> None:
    every = attack.attacks()
    assert len(every) >= 40
    assert all(one.__doc__ for one in every.values())
    assert list(attack.chosen([])) == list(every)
    assert list(attack.chosen(["worker_crash", "wrong_payee"])) == ["wrong_payee", "worker_crash"]
    with pytest.raises(Invalid) as no:
        attack.chosen(["no_such"])
    assert no.value.facts["field"] == "only"
    assert "wrong_payee" in str(no.value.facts["problem"])


def test_the_command_lists() -> None:
    done = CliRunner().invoke(cli_lane.cli, ["attack", "--list", "--json", "--only", "wrong_payee"])
    assert done.exit_code == 0
    assert [one["name"] for one in json.loads(done.stdout)["attacks"]] == ["wrong_payee"]
    assert "wrong_payee" in CliRunner().invoke(cli_lane.cli, ["attack", "--list"]).stdout


@pytest.mark.parametrize("hole", [False, True])
def test_the_command_says_and_exits(own: str, monkeypatch: pytest.MonkeyPatch, hole: bool) -> None:
    """On the test's own database in place of a cluster of its own."""
    monkeypatch.setattr(attack, "run", attack.storm)
    if hole:
        monkeypatch.setattr(payments, "changed_since", lambda *_: [])
    done = CliRunner().invoke(cli_lane.cli, ["attack", "--json", "--only", "declaration_amended_after_check"])
    found = json.loads(done.stdout.splitlines()[-1])
    assert (done.exit_code, found["held"], found["of"]) == (int(hole), int(not hole), 1)
    assert set(found["attacks"][0]) >= {"name", "held", "code", "recounted", "seconds"}


@pytest.mark.long
def test_the_whole_run_on_a_cluster_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever DATABASE_URL points, nobody goes there."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nowhere")
    done = CliRunner().invoke(cli_lane.cli, ["attack", "--json"])
    found = json.loads(done.stdout.splitlines()[-1])
    assert [(one["name"], one["why"]) for one in found["attacks"] if not one["held"] or not one["recounted"]] == []
    assert (done.exit_code, found["held"]) == (0, found["of"])
    assert {one["name"] for one in found["attacks"]} == set(attack.attacks())
    assert all(one["code"] for one in found["attacks"])
