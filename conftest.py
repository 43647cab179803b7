"""Tests run on a PostgreSQL cluster of their own, with the two real roles; nothing of the user's is touched."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

import pytest

# Before Django reads its settings: another state folder, and no server of the operator's.
_STATE = tempfile.mkdtemp(prefix="luhai-test-")
_REAL_STATE = Path(__file__).parent / ".luhai"
os.environ["LUHAI_STATE"] = _STATE
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs a loop in the test's own thread
for _name in ("DATABASE_URL", "LUHAI_DEMO", "LUHAI_PG_DIR"):
    os.environ.pop(_name, None)
(Path(_STATE) / "static").mkdir()
if (_REAL_STATE / "static" / "vendor").is_dir():
    (Path(_STATE) / "static" / "vendor").symlink_to(_REAL_STATE / "static" / "vendor")

from hypothesis import HealthCheck, settings  # noqa: E402

# Database examples have no steady time, so a deadline would only make the suite flaky.
settings.register_profile("quick", deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
settings.register_profile("deep", deadline=None, max_examples=2_000, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("PROFILE", "quick"))

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # Monday noon in Chongqing


@pytest.fixture(scope="session")
def cluster() -> Iterator[object]:
    """One throw-away server for the whole run; its promises about power cuts are off."""
    from luhai.shell.postgres import Server

    with Server.temporary(durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def django_db_setup(cluster: object, django_db_blocker: object) -> None:
    """Point both doors at a migrated database of that server."""

    from luhai.shell import schema

    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        _point_at(cluster, "luhai")
        with patch.object(schema.postgres, "ensure"):  # the server runs already, and it is not the user's
            schema.bring_up_to_date()


def _point_at(cluster: object, database: str) -> None:
    from django.db import connections

    for alias, role in (("default", "app"), ("owner", "owner")):
        connection = connections[alias]
        connection.close()
        connection.settings_dict.update(cluster.settings(role, database))  # type: ignore[attr-defined]


@pytest.fixture
def fresh_db(cluster: object, django_db_setup: None, django_db_blocker: object) -> Iterator[str]:
    """A database of this test's own, copied from the migrated one: for races, crashes and whatever commits."""
    import psycopg
    from django.db import connections

    name = f"t_{uuid4().hex[:12]}"
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        for alias in ("default", "owner"):
            connections[alias].close()
        with psycopg.connect(cluster.conninfo(), autocommit=True) as admin:  # type: ignore[attr-defined]
            admin.execute(f'CREATE DATABASE "{name}" TEMPLATE luhai OWNER luhai_owner STRATEGY wal_log')
        _point_at(cluster, name)
        try:
            yield name
        finally:
            for alias in ("default", "owner"):
                connections[alias].close()
            _point_at(cluster, "luhai")
            with psycopg.connect(cluster.conninfo(), autocommit=True) as admin:  # type: ignore[attr-defined]
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def shared() -> Path:
    """The third-party cases beside a development clone; a user's machine has none."""
    folder = Path(os.environ.get("LUHAI_SHARED", Path(__file__).parent.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("the third-party cases (LUHAI_SHARED, or ../shared) are not here")
    return folder
