"""Facts in files: each in one part that counts, whoever exports, however often, and wherever the machine falls."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from django.db import DatabaseError, connection, connections, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from luhai.core.evidence.tests.world import sql
from luhai.core.indicators import facts as files
from luhai.core.titles.tests.test_races import together
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Role
from luhai.kernel.refusal import Invalid, NotPermitted
from luhai.oversight.statistics import commands, jobs, queries
from luhai.oversight.statistics.cli import cli
from luhai.oversight.statistics.commands import FactsDiffer
from luhai.oversight.statistics.migrations import __name__ as migrations
from luhai.oversight.statistics.models import Fact, Part, Reader
from luhai.oversight.statistics.policy import Kind
from luhai.oversight.statistics.tests.test_promises import stories
from luhai.oversight.statistics.tests.world import (
    NOON,
    about,
    by,
    counted,
    credited,
    drawn,
    forget,
    gathered,
    moved,
    owner,
    sealed,
    sent_back,
    told,
)
from luhai.shell.context import acting

pytestmark = pytest.mark.usefixtures("own_journal")


def in_files(upto: int | None = None) -> list[dict[str, Any]]:
    """What the files of the manifest say, in the order of the journal."""
    reached = queries.position() if upto is None else upto
    rows = files.read(queries.files(reached)).to_pylist()
    return sorted((r for r in rows if r["position"] <= reached), key=lambda r: (r["position"], r["index"], r["kind"]))


def in_table(upto: int | None = None) -> list[tuple[Any, ...]]:
    reached = queries.position() if upto is None else upto
    with acting(SYSTEM):
        found = Fact.objects.filter(position__lte=reached).order_by("position", "index", "kind")
        return [
            (f.position, f.index, f.kind, f.day, f.month, f.territory, str(f.bank_id), str(f.company_id), f.currency, f.amount, f.rate_bp,
             f.country or "_Z", f.documented, f.size, f.industry, f.term, f.route, f.guarantee, f.green)
            for f in found
        ]  # fmt: skip


def exact() -> None:
    """Every fact up to the exporter's place lies in one part, as it is in the table; and no part is damaged."""
    rows = in_files()
    keys = ["position", "index", "kind", "day", "month", "territory", "bank", "company", "currency", "amount", "rate_bp", "country",
            "documented", "size", "industry", "term", "route", "guarantee", "green"]  # fmt: skip
    assert [tuple(r[k] for k in keys) for r in rows] == in_table()
    assert all(r["holder"] == r["company"] for r in rows)
    assert queries.damaged() == []


def on_disk() -> set[str]:
    root = queries.root()
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


def parts() -> list[Part]:
    with acting(SYSTEM):
        return list(Part.objects.order_by("day", "first"))


def some(count: int, at: datetime = NOON) -> None:
    for n in range(count):
        loan = uuid4()
        told(drawn(1000 + n, loan, company=n % 8), moved(n + 1, loan, company=n % 8), credited(7, n % 2), at=at + timedelta(hours=5 * n))
    sealed(at=at)
    gathered(at=at)


def again(n: int = 1) -> datetime:
    return NOON + timedelta(seconds=n)


# --- what they hold -------------------------------------------------------------------------------------------------------


def test_a_loan_carries_what_its_bank_said_and_an_old_event_says_nothing() -> None:
    classes = {"size": "S", "industry": "F", "term": "CT01", "route": "RSI", "guarantee": "DOC", "green": "Y"}
    kind, subject, data = drawn(500, title=UUID(int=7))
    nowhere = "payments.credited", "x", about() | {"amount": 9, "debtor_country": "ZZ"}
    counted((kind, subject, data | classes), drawn(600), credited(70, 1), sent_back(80), nowhere)
    commands.export_all(NOON)
    names = [*classes, "rate_bp", "country", "documented"]
    assert [[r[n] for n in names] for r in in_files()] == [
        [*classes.values(), 345, "_Z", True], [*["_Z"] * 6, 345, "_Z", False], [*["_Z"] * 6, None, "TH", True], [*["_Z"] * 6, None, "SG", False],
        [*["_Z"] * 6, None, "_Z", False],
    ]  # fmt: skip
    assert queries.recount(viewer=SYSTEM).good


@pytest.mark.parametrize(
    "wrong", [{"size": "XL"}, {"industry": "U"}, {"industry": "_T"}, {"term": 1}, {"route": "SEA"}, {"guarantee": "D"}, {"green": True},
              {"rate_bp": "345"}, {"rate_bp": -1}, {"rate_bp": True}, {"rate_bp": 1_000_001}],
)  # fmt: skip
def test_a_class_that_is_none_is_set_aside_and_counting_again_agrees(wrong: dict[str, Any]) -> None:
    kind, subject, data = drawn(500)
    told((kind, subject, data | wrong), drawn(600))
    sealed()
    done = commands.gather(origin=by())
    assert (done["facts"], done["unread"]) == (1, 1)
    assert queries.recount(viewer=SYSTEM).good


def test_rates_that_old_events_say_are_read_once_from_the_journal() -> None:
    from importlib import import_module

    loan = uuid4()
    kind, subject, data = moved(5, loan)
    counted(drawn(500, loan), credited(9), (kind, subject, data | {"rate_bp": 360}))
    owner("UPDATE statistics_fact SET rate_bp = NULL")
    assert not queries.recount(viewer=SYSTEM).good
    owner(import_module(f"{migrations}.0003_dimensions").RATES)
    assert queries.recount(viewer=SYSTEM).good


def test_files_and_counting_name_the_same_kinds_and_columns() -> None:
    assert [*files.KINDS] == [*Kind]
    assert {*commands._READ, *commands._COLUMNS} - {"bank_id", "company_id"} == {*files.SCHEMA.names}


# --- exactly once ---------------------------------------------------------------------------------------------------------


@given(story=stories(), limits=st.lists(st.integers(1, 5), min_size=1, max_size=4), merge=st.booleans())
@settings(max_examples=25)
def test_whatever_was_told_lies_in_files_once_in_whatever_batches(story: list[Any], limits: list[int], merge: bool) -> None:
    forget(journal_too=True)
    for n, (name, *rest) in enumerate(story):
        if name == "tell":
            told(*rest[0], at=rest[1])
            continue
        sealed()
        commands.gather(limit=rest[0] if rest else 2, origin=by())
        limit, before = limits[n % len(limits)], queries.position()
        done = commands.export(limit=limit, upto=None if n % 2 else before + limit, origin=by())
        assert done["position"] >= before
        exact()
    sealed()
    gathered()
    for limit in limits:
        commands.export(limit=limit, origin=by())
        exact()
    if merge:
        commands.compact(origin=by())
        exact()
    commands.export_all(again())
    with acting(SYSTEM):
        assert queries.position() == Reader.objects.get(name="facts").position
    exact()
    assert on_disk() >= {p.path for p in parts()}


def test_many_exporters_at_once_write_what_one_does_while_others_gather_and_merge() -> None:
    some(40)
    later = [NOON if n < 4 else again(n) for n in range(8)]

    def export(n: int) -> Callable[[], None]:
        return lambda: commands.export_all(later[n], limit=5) and None

    assert set(together([*(export(n) for n in range(8)), lambda: some(10, again(600)), lambda: commands.compact(origin=by()) and None])) == {"done"}
    commands.export_all(again(700))
    exact()
    assert len(in_files()) == 3 * 50


def kill_at(step: int, act: Callable[[], Any]) -> bool:
    """Do it in a process of its own, which is killed before its n-th step (a statement of SQL, or a name that changes on the disk).

    Whether it lived.
    """
    connections.close_all()
    child = os.fork()
    if child == 0:
        left = step

        def one(*_: Any) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def audit(event: str, arguments: Any) -> None:
            if event in {"os.rename", "os.mkdir", "os.remove", "os.rmdir"} or (event == "open" and "parquet" in str(arguments[0])):
                one()

        def wrap(execute: Any, *said: Any) -> Any:
            one()
            return execute(*said)

        import sys

        try:
            sys.addaudithook(audit)
            with connection.execute_wrapper(wrap):
                act()
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "it ended by itself, badly"
    return not os.WIFSIGNALED(status)


def test_an_export_killed_before_any_step_loses_and_doubles_nothing() -> None:
    import pyarrow.parquet  # noqa: F401  (a child that imports it opens files of its own)

    some(6)
    step = 0
    while True:
        step += 1
        if kill_at(step, lambda: commands.export(origin=by())):
            break
        exact()
        assert queries.position() == 0, "killed before its end, it has done nothing"
        if step % 7 == 0:
            forget_files()
    assert step > 20, "there were steps to be killed at"
    exact()
    assert len(in_files()) == 18
    commands.export(origin=by())
    assert on_disk() == {p.path for p in parts()}


def forget_files() -> None:
    """What lies there is swept by the next export in any case; now and then it begins with an empty folder."""
    files.sweep(queries.root(), [])


def test_a_merge_killed_before_any_step_loses_and_doubles_nothing() -> None:
    import pyarrow.parquet  # noqa: F401

    for n in range(10):
        counted(drawn(10 + n), at=again(n))
        commands.export(origin=by(at=again(n)))
    assert len(parts()) == 10
    step = 0
    while True:
        step += 1
        if kill_at(step, lambda: commands.compact(origin=by())):
            break
        exact()
        assert {p.replaced_at for p in parts()} == {None}
    assert step > 10
    exact()
    assert [(p.rows, p.replaced_at is None) for p in parts() if p.replaced_at is None or p.rows != 1] == [(10, True)]
    assert len(on_disk()) == 11, "for an hour the old ones are kept for who still reads them"
    commands.export(origin=by(at=NOON + timedelta(minutes=59)))
    assert len(on_disk()) == 11
    commands.export(origin=by(at=NOON + timedelta(minutes=61)))
    assert on_disk() == {p.path for p in parts()}
    assert len(on_disk()) == 1
    exact()


def test_a_fall_before_the_commit_leaves_files_that_count_for_nothing() -> None:
    some(3)
    owner("CREATE FUNCTION fall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fell'; END $$")
    owner("CREATE CONSTRAINT TRIGGER fall AFTER UPDATE ON statistics_reader DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fall()")
    with pytest.raises(DatabaseError):
        commands.export_all(NOON)
    assert (parts(), queries.position(), queries.files(0)) == ([], 0, [])
    lost = on_disk()
    assert lost
    owner("DROP TRIGGER fall ON statistics_reader")
    assert commands.export(limit=4, origin=by())["swept"] == len(lost)
    commands.export_all(again())
    exact()


def test_a_day_of_many_exports_is_merged_now_and_then_and_each_fact_written_again_a_few_times() -> None:
    written = 0
    for n in range(60):
        counted(drawn(10 + n), at=again(n))
        commands.export_all(again(n))
        live = [p for p in parts() if p.replaced_at is None]
        assert len(live) <= commands.PARTS
    exact()
    written = sum(p.rows for p in parts())
    assert written < 60 * 4, written


# --- what is asked of them -----------------------------------------------------------------------------------------------


def test_files_up_to_a_position_hold_its_facts_whatever_comes_later() -> None:
    some(4)
    commands.export_all(NOON)
    frozen = queries.position()
    before = in_files(frozen)
    some(9, again(50))
    commands.export_all(again(50))
    commands.compact(origin=by())
    assert in_files(frozen) == before
    assert len(in_files()) == len(before) + 27
    for upto in (-1, queries.position() + 1):
        with pytest.raises(Invalid):
            queries.files(upto)
    assert [f.rows for f in queries.manifest(viewer=SYSTEM).items] == [p.rows for p in parts() if p.replaced_at is None]


def test_a_changed_or_missing_file_is_found_and_written_again() -> None:
    some(5)
    commands.export_all(NOON)
    first, second, *_ = queries.files(queries.position())
    whole = first.read_bytes()
    first.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    second.unlink()
    assert [(d.problem, queries.root() / d.path) for d in queries.damaged()] == [("changed", first), ("missing", second)]
    done = commands.rebuild(origin=by())
    assert len(done["written"]) == 2
    assert first.read_bytes() == whole, "the same facts make the same bytes"
    exact()
    assert commands.rebuild(origin=by())["written"] == []
    for path in queries.root().rglob("*.parquet"):
        path.unlink()
    commands.rebuild(every=True, origin=by())
    exact()


def test_a_file_is_not_written_again_from_other_facts() -> None:
    some(2)
    commands.export_all(NOON)
    owner("DELETE FROM statistics_fact WHERE position = (SELECT min(position) FROM statistics_fact)")
    queries.files(queries.position())[0].unlink()
    with pytest.raises(FactsDiffer):
        commands.rebuild(origin=by())


def test_the_job_writes_what_was_gathered_and_is_quiet_otherwise() -> None:
    tick = int(NOON.timestamp())
    assert jobs.export_facts(tick) == 0
    some(2)
    assert jobs.export_facts(tick) == 6
    assert jobs.export_facts(tick + 60) == 0
    exact()


@pytest.mark.parametrize("asked", [{"upto": -1}, {"limit": 0}, {"limit": 1_000_001}])
def test_what_cannot_be_asked_is_said(asked: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        commands.export(**asked, origin=by())


def asked(*arguments: str) -> tuple[int, dict[str, Any]]:
    answer = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    return answer.exit_code, json.loads(answer.stdout.splitlines()[-1])


def test_files_are_written_listed_looked_at_and_rebuilt_on_the_command_line() -> None:
    some(2)
    code, done = asked("export")
    assert (code, done["facts"], done["position"]) == (0, 6, queries.position())
    code, listed = asked("files")
    assert (code, listed["rows"], listed["position"]) == (0, 6, queries.position())
    assert "day=2026-03-02" in CliRunner().invoke(cli, ["files"], catch_exceptions=False).stdout
    assert asked("verify-files") == (0, {"files": len(listed["items"]), "damaged": []})
    path = listed["items"][0]["path"]
    (queries.root() / path).unlink()
    assert asked("verify-files") == (1, {"files": len(listed["items"]), "damaged": [{"path": path, "problem": "missing"}]})
    code, lost = asked("recount", "--all")
    assert (code, lost["different"], lost["damaged"]) == (1, [], [{"path": path, "problem": "missing"}])
    assert asked("rebuild-files") == (0, {"written": [path], "kept": len(listed["items"]) - 1})
    code, again_ = asked("recount", "--all")
    assert (code, again_["different"], again_["damaged"], again_["exported"]) == (0, [], [], queries.position())
    assert again_["cells"] > asked("recount")[1]["cells"]


# --- walls -----------------------------------------------------------------------------------------------------------------


def nobody_else_sees_a_part() -> None:
    for actor, count in ((SYSTEM, 1), (Actor(uuid4(), Role.SUPERVISOR, uuid4()), 1), (Actor(uuid4(), Role.BANK, uuid4()), 0), (PUBLIC, 0)):
        assert sql(actor, "SELECT count(*) FROM statistics_part") == [(count,)], actor


def test_the_manifest_is_for_those_who_oversee_and_a_hole_is_noticed() -> None:
    counted(drawn(5))
    commands.export_all(NOON)
    nobody_else_sees_a_part()
    owner("CREATE POLICY hole ON statistics_part FOR SELECT USING (luhai_role() = 'public')")
    with pytest.raises(AssertionError):
        nobody_else_sees_a_part()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE statistics_part SET path = 'x'", "UPDATE statistics_part SET rows = 2", "DELETE FROM statistics_part", "TRUNCATE statistics_part",
        "INSERT INTO statistics_part (path, day, first, last, rows, digest, written_at) SELECT 'x', day, last, last + 5, 1, 'x', now() FROM statistics_part",
    ],
)  # fmt: skip
def test_what_was_written_stays_and_no_position_lies_in_two_parts(statement: str) -> None:
    counted(drawn(5), drawn(6))
    commands.export_all(NOON)
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(SYSTEM, statement)


def test_a_part_is_replaced_once() -> None:
    counted(drawn(5))
    commands.export_all(NOON)
    sql(SYSTEM, "UPDATE statistics_part SET replaced_at = now()")
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(SYSTEM, "UPDATE statistics_part SET replaced_at = NULL")


def test_only_the_system_and_the_operator_write_files() -> None:
    for command in (commands.export, commands.compact, commands.rebuild):
        for role in (Role.SUPERVISOR, Role.BANK, Role.PROVINCE):
            with pytest.raises(NotPermitted):
                command(origin=by(Actor(uuid4(), role, uuid4())))


def test_two_databases_of_one_installation_do_not_write_to_each_other(settings: Any, tmp_path: Path) -> None:
    settings.STATE = tmp_path
    assert queries.root() == tmp_path / "facts" / connection.settings_dict["NAME"]
