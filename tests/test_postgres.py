"""The embedded server: it starts once, survives violence, and its two roles can do what they should and no more."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from click.testing import CliRunner
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from luhai.shell import cli_db, postgres
from luhai.shell.postgres import APP, DATABASE, OWNER, PostgresTrouble, Server

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root must drop its rights")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server.temporary(durable=False) as running:
        yield running


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder for a cluster; what was started in it is stopped."""
    with tempfile.TemporaryDirectory(prefix="luhai-t-", dir="/tmp", ignore_cleanup_errors=True) as name:
        os.chmod(name, 0o755)
        yield Path(name)
        for folder in [Path(name), *Path(name).rglob("*")]:
            if (folder / "lock").exists():
                stopped = Server(folder)
                stopped.stop(immediate=True)
                if stopped.home != folder:
                    shutil.rmtree(stopped.home)


def as_role(server: Server, role: str) -> psycopg.Connection:
    return psycopg.connect(server.conninfo(role), autocommit=True)


# ---- life ------------------------------------------------------------------------------------------------------


def test_settings_start_nothing_and_write_nothing(place: Path) -> None:
    entry = Server(place / "pg").settings("app")
    assert (entry["USER"], entry["NAME"], entry["ENGINE"]) == (APP, DATABASE, "luhai.shell.pgbackend")
    assert not list(place.iterdir())


def test_start_stop_and_start_again_keep_rows(place: Path) -> None:
    server = Server(place)
    assert server.start() is True
    assert server.start() is False
    with as_role(server, OWNER) as conn:
        conn.execute("CREATE TABLE kept (n int)")
        conn.execute("INSERT INTO kept VALUES (7)")
    assert server.status()["running"] is True
    assert server.stop() is True
    assert server.stop() is False
    assert server.status()["running"] is False
    server.start()
    with as_role(server, OWNER) as conn:
        assert conn.execute("SELECT n FROM kept").fetchall() == [(7,)]


def test_twelve_processes_start_one_server(place: Path) -> None:
    program = (
        "import sys, psycopg; from pathlib import Path; from luhai.shell.postgres import APP, Server\n"
        "s = Server(Path(sys.argv[1])); started = s.start()\n"
        "pid = psycopg.connect(s.conninfo(APP)).execute('SELECT pg_postmaster_start_time()').fetchone()[0]\n"
        "print(started, pid)"
    )
    racers = [
        subprocess.Popen([sys.executable, "-c", program, str(place)], stdout=subprocess.PIPE, text=True)
        for _ in range(12)
    ]
    said = [racer.communicate(timeout=120)[0].strip() for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 12
    assert sum(line.startswith("True") for line in said) == 1
    assert len({line.split(" ", 1)[1] for line in said}) == 1, "more than one server answered"


def test_killed_server_comes_back_with_every_committed_row(place: Path) -> None:
    server = Server(place)
    server.start()
    with as_role(server, OWNER) as conn:
        conn.execute("CREATE TABLE kept (n int)")
        conn.execute("INSERT INTO kept SELECT generate_series(1, 10000)")
        os.kill(server.status()["pid"], signal.SIGKILL)
    assert server.start() is True
    with as_role(server, OWNER) as conn:
        assert conn.execute("SELECT count(*) FROM kept").fetchone() == (10000,)


def test_stale_pid_of_a_stranger_does_not_stop_the_start(place: Path) -> None:
    server = Server(place)
    server.start()
    pid_file = server.data / "postmaster.pid"
    words = pid_file.read_text().splitlines()
    server.stop()
    owner = server.data.stat()
    # The number must belong to a live process of the server's own user, or PostgreSQL itself sees through it.
    rights = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    stranger = subprocess.Popen(["sleep", "60"], **rights)  # type: ignore[call-overload]
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *words[1:]]) + "\n")
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        assert server.status()["pid"] is None
        assert server.start() is True
        assert server.status()["pid"] != stranger.pid
        assert stranger.poll() is None, "the stranger was harmed"
    finally:
        stranger.kill()
        stranger.wait()


def test_interrupted_first_start_is_made_anew(place: Path) -> None:
    (place / "data.new").mkdir(mode=0o700)
    (place / "data.new" / "PG_VERSION").write_text("18\n")
    assert Server(place).start() is True


@pytest.mark.parametrize("name", ["x" * 110, '陆海 a, b\'s "$(c)"'], ids=["long", "signs"])
def test_any_path_will_do(place: Path, name: str) -> None:
    folder = place / name
    folder.mkdir(mode=0o755)
    server = Server(folder)
    server.start()
    assert len(os.fsencode(server.socket_folder / ".s.PGSQL.5432")) < 104
    assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
    with psycopg.connect(server.url("app")) as conn:
        assert conn.execute("SELECT current_user").fetchone() == (APP,)
    server.stop()
    shutil.rmtree(server.socket_folder)


def test_a_socket_folder_of_somebody_else_is_refused(place: Path) -> None:
    folder = place / ("y" * 110)
    folder.mkdir(mode=0o755)
    server = Server(folder)
    server.socket_folder.mkdir(mode=0o777)
    server.socket_folder.chmod(0o777)
    try:
        with pytest.raises(PostgresTrouble, match="mode 0700"):
            server.start()
    finally:
        server.socket_folder.rmdir()


def test_data_of_another_major_version_are_refused(place: Path) -> None:
    server = Server(place)
    server.start()
    server.stop()
    (server.data / "PG_VERSION").write_text("14\n")
    with pytest.raises(PostgresTrouble, match="written by PostgreSQL 14"):
        server.start()


def test_temporary_server_leaves_nothing() -> None:
    with Server.temporary(durable=False) as server:
        pid = server.status()["pid"]
        assert psutil.pid_exists(pid)
    assert not server.folder.exists()
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


# ---- root ------------------------------------------------------------------------------------------------------


@ROOT_ONLY
def test_root_runs_from_a_closed_folder_without_opening_it(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    server = Server(closed / "pg")
    server.start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not server.data.is_relative_to(closed)
    assert psutil.Process(server.status()["pid"]).uids().real != 0
    again = Server(closed / "pg")
    assert again.data == server.data
    with as_role(again, APP) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


@ROOT_ONLY
def test_a_moved_clone_keeps_its_cluster_and_a_copy_gets_its_own(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    first = Server(closed / "one" / "pg")
    first.start()
    with as_role(first, OWNER) as conn:
        conn.execute("CREATE TABLE kept (n int)")
    home = first.home
    (closed / "one").rename(closed / "two")
    moved = Server(closed / "two" / "pg")
    moved.start()
    assert moved.home == home
    shutil.copytree(closed / "two", closed / "three")
    copy = Server(closed / "three" / "pg")
    copy.start()
    assert copy.home != home
    with as_role(copy, OWNER) as conn:
        assert conn.execute("SELECT to_regclass('kept')").fetchone() == (None,)


# ---- roles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (n int)",
        "CREATE TEMPORARY TABLE mine (n int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP TABLE goods",
        "TRUNCATE goods",
        "ALTER TABLE goods ADD COLUMN more int",
        "ALTER TABLE goods DISABLE ROW LEVEL SECURITY",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        f"SET ROLE {OWNER}",
        "SET ROLE postgres",
        "SELECT pg_read_file('PG_VERSION')",
        "COPY goods TO PROGRAM 'cat'",
    ],
)
def test_application_role_is_refused(server: Server, statement: str) -> None:
    with as_role(server, OWNER) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS goods (id serial PRIMARY KEY, n int)")
    with as_role(server, APP) as conn, pytest.raises(errors.InsufficientPrivilege):
        conn.execute(statement)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "statement", ["CREATE ROLE mine", "SET ROLE postgres", "COPY (SELECT 1) TO PROGRAM 'cat'"]
)
def test_owner_role_is_no_superuser(server: Server, statement: str) -> None:
    with as_role(server, OWNER) as conn, pytest.raises(errors.InsufficientPrivilege):
        conn.execute(statement)  # type: ignore[call-overload]


def test_application_role_reads_and_writes_what_the_owner_made(server: Server) -> None:
    with as_role(server, OWNER) as conn:
        conn.execute("CREATE TABLE parcels (id serial PRIMARY KEY, n int)")
        conn.execute("CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2'")
        conn.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    with as_role(server, APP) as conn:
        conn.execute("INSERT INTO parcels (n) VALUES (twice(4)), (1)")
        conn.execute("UPDATE parcels SET n = 9 WHERE n = 8")
        conn.execute("DELETE FROM parcels WHERE n = 1")
        assert conn.execute("SELECT n FROM parcels").fetchall() == [(9,)]


def test_a_database_made_by_the_owner_has_the_same_walls(server: Server) -> None:
    with as_role(server, OWNER) as conn:
        conn.execute("CREATE DATABASE test_walls")
    with psycopg.connect(server.conninfo(OWNER, "test_walls"), autocommit=True) as conn:
        conn.execute("CREATE TABLE parcels (n int)")
    with psycopg.connect(server.conninfo(APP, "test_walls"), autocommit=True) as conn:
        conn.execute("INSERT INTO parcels VALUES (1)")
        with pytest.raises(errors.InsufficientPrivilege):
            conn.execute("CREATE TABLE mine (n int)")


def test_the_owner_may_prepare_a_database_of_its_own(server: Server) -> None:
    with as_role(server, OWNER) as conn:
        postgres.prepare(conn, "another")
    with psycopg.connect(server.conninfo(OWNER, "another"), autocommit=True) as conn:
        conn.execute("CREATE TABLE parcels (n int)")
    with psycopg.connect(server.conninfo(APP, "another"), autocommit=True) as conn:
        assert conn.execute("SELECT count(*) FROM parcels").fetchone() == (0,)
        with pytest.raises(errors.InsufficientPrivilege):
            conn.execute("DROP TABLE parcels")


def test_prepare_again_changes_nothing(server: Server) -> None:
    query = "SELECT xmin::text, datacl::text FROM pg_database WHERE datname = 'luhai'"
    with psycopg.connect(server.conninfo(), autocommit=True) as conn:
        before = conn.execute(query).fetchall()
        postgres.prepare(conn, DATABASE)
        assert conn.execute(query).fetchall() == before


# ---- DATABASE_URL ------------------------------------------------------------------------------------------------


def a_login(server: Server, name: str, attributes: str) -> str:
    with psycopg.connect(server.conninfo(), autocommit=True) as conn:
        conn.execute(f"CREATE ROLE {name} LOGIN {attributes}")  # type: ignore[call-overload]
    parts = conninfo_to_dict(server.conninfo())
    return f"postgresql://{name}@/shop?host={str(parts['host']).replace('/', '%2F')}"


def test_own_server_is_prepared_from_nothing_by_a_login_that_may(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Server.temporary(durable=False) as other:
        with psycopg.connect(other.conninfo(), autocommit=True) as conn:
            conn.execute(
                "ALTER ROLE luhai_app RENAME TO not_ours; ALTER ROLE luhai_owner RENAME TO not_ours_either"
            )
        monkeypatch.setenv("DATABASE_URL", a_login(other, "deployer", "CREATEROLE CREATEDB"))
        postgres.ensure()
        postgres.ensure()
        for role, user in (("app", APP), ("owner", OWNER)):
            entry = postgres.settings(role)  # type: ignore[arg-type]
            with psycopg.connect(
                dbname=entry["NAME"],
                user=entry["USER"],
                host=entry["HOST"],
                options=entry["OPTIONS"]["options"],
            ) as conn:
                assert conn.execute("SELECT current_user, current_database()").fetchone() == (user, "shop")
                if role == "owner":
                    conn.execute("CREATE TABLE goods (n int)")
        file = tmp_path / "shop.dump"
        luhai("dump", str(file))
        assert '"tables": 1' in luhai("restore", str(file), "--replace", "--json")
        assert '"database": "shop"' in luhai("status", "--json")
        with pytest.raises(PostgresTrouble, match="does not stop it"):
            luhai("stop")


def test_own_server_that_may_not_be_prepared_says_what_to_run(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = a_login(server, "visitor", "")
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(PostgresTrouble, match='GRANT luhai_owner, luhai_app TO "visitor"'):
        postgres.ensure()


@pytest.mark.parametrize(
    ("url", "word"),
    [("mysql:luhai", "DATABASE_URL"), ("postgresql://somewhere", "names no database")],
)
def test_a_wrong_address_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, url: str, word: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(PostgresTrouble, match=word):
        postgres.settings("app")


# ---- dump and restore --------------------------------------------------------------------------------------------


@pytest.fixture
def own(place: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("LUHAI_STATE", str(place))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (place / "pg").mkdir(mode=0o755)
    return postgres.embedded()


def luhai(*words: str) -> str:
    done = CliRunner().invoke(cli_db.cli, words)
    if done.exception:
        raise done.exception
    return done.stdout


@pytest.mark.parametrize("form", ["custom", "plain"])
def test_a_dump_restores_rows_owners_and_grants(own: Server, place: Path, form: str) -> None:
    own.start()
    with as_role(own, OWNER) as conn:
        conn.execute(
            "CREATE TABLE goods (n int); INSERT INTO goods VALUES (5); REVOKE DELETE ON goods FROM luhai_app"
        )
        conn.execute(
            "ALTER TABLE goods ENABLE ROW LEVEL SECURITY; ALTER TABLE goods FORCE ROW LEVEL SECURITY"
        )
        conn.execute("CREATE POLICY all_of_it ON goods USING (true)")
    file = place / "a.dump"
    luhai("dump", str(file), "--format", form)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(PostgresTrouble, match="is there already"):
        luhai("dump", str(file))
    with as_role(own, OWNER) as conn:
        conn.execute("CREATE TABLE later (n int)")
    with pytest.raises(PostgresTrouble, match="not empty"):
        luhai("restore", str(file))
    assert '"tables": 1' in luhai("restore", str(file), "--replace", "--json")
    with as_role(own, APP) as conn:
        assert conn.execute("SELECT n FROM goods").fetchall() == [(5,)]
        assert conn.execute("SELECT to_regclass('later')").fetchone() == (None,)
        with pytest.raises(errors.InsufficientPrivilege):
            conn.execute("DELETE FROM goods")
    with as_role(own, OWNER) as conn:
        conn.execute("DROP TABLE goods")  # it is the owner's again
    assert '"tables": 1' in luhai("restore", str(file), "--json")  # empty now, so no --replace


def test_a_file_that_is_no_dump_leaves_the_database_as_it_was(own: Server, place: Path) -> None:
    own.start()
    with as_role(own, OWNER) as conn:
        conn.execute("CREATE TABLE goods (n int)")
    wrong = place / "wrong.dump"
    wrong.write_text("-- PostgreSQL database dump\nCREATE TABLE half (n int);\nSELECT no_such_thing;\n")
    other = place / "other.txt"
    other.write_text("hello")
    with pytest.raises(PostgresTrouble, match="no_such_thing"):
        luhai("restore", str(wrong), "--replace")
    with pytest.raises(PostgresTrouble, match="not a dump"):
        luhai("restore", str(other), "--replace")
    with as_role(own, OWNER) as conn:
        assert conn.execute("SELECT to_regclass('goods')::text, to_regclass('half')").fetchone() == (
            "goods",
            None,
        )


def test_status_starts_nothing_and_start_says_so(own: Server) -> None:
    assert '"running": false' in luhai("status", "--json")
    assert '"started": true' in luhai("start", "--json")
    assert '"started": false' in luhai("start", "--json")
    assert '"stopped": true' in luhai("stop", "--json")
