from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def own_journal(fresh_db: str, settings: Any, tmp_path: Path) -> str:
    """A database of this test's own, with a journal, roots and files of facts of its own."""
    settings.STATE = tmp_path / "state"
    return fresh_db
