"""The walls of the building: import contracts, and what imports cannot show. Each is broken once on purpose."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: The subjects with tables, downhill.
ORDER = ["desks", "replication", "evaluation", "releases", "statistics", "matching", "lending", "payments", "checks", "products", "transport", "escrow", "evidence", "titles", "indicators", "ledger", "rules", "policies", "parties", "shell"]
#: Where a subject stands under src/luhai.
HOME = {
    "desks": "desks", "matching": "market/matching", "lending": "financing/lending", "statistics": "oversight/statistics",
    "releases": "oversight/releases", "evaluation": "oversight/evaluation", "replication": "oversight/replication", "indicators": "core/indicators",
    "payments": "settlement/payments", "checks": "settlement/checks", "transport": "records/transport", "products": "records/products", "rules": "core/rules",
    "escrow": "core/escrow", "evidence": "core/evidence", "titles": "core/titles", "ledger": "core/ledger",
    "policies": "core/policies", "parties": "core/parties", "shell": "shell",
}  # fmt: skip
PRIVATE = {"models", "lifecycle"}
EDGES = {"api.py", "web.py", "cli.py", "jobs.py", "acting.py", "sign_in.py", "urls.py", "apps.py"}
#: The mixed-integer solver counts in floating point; its answer is checked in whole numbers. Decision 0030.
SOLVER = "src/luhai/market/matching/assignment.py"
#: Scores and effects are computed in floating point; they are no money and become decimals of fixed digits where they are stored.
METHOD = "src/luhai/oversight/evaluation/method/"
CLOCK = {("timezone", "now"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time")}


def sources(root: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Every module of ours below `root`, leaving out tests and migrations."""
    for path in sorted((root / "src" / "luhai").rglob("*.py")) + sorted((root / "simulator").rglob("*.py")):
        if not {"tests", "migrations"} & set(path.parts):
            yield path.relative_to(root), ast.parse(path.read_text(encoding="utf-8"))


def subject_of(path: Path) -> str | None:
    text = path.as_posix().removeprefix("src/luhai/")
    return next((name for name, home in HOME.items() if text.startswith(home + "/")), None)


# ------------------------------------------------------------------------------ what imports cannot show


def strangers_at_private_modules(root: Path) -> list[str]:
    """Models and lifecycles are imported at home only; others use queries and commands."""
    found = []
    for path, tree in sources(root):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            else:
                continue
            for module in modules:
                parts = module.split(".")
                if parts[0] == "luhai" and parts[-1] in PRIVATE:
                    home = "src/" + "/".join(parts[:-1])
                    if not path.as_posix().startswith(home + "/"):
                        found.append(f"{path}:{node.lineno} imports {module}")
    return found


def uphill_foreign_keys(root: Path) -> list[str]:
    """Foreign keys point downhill, by string, and leave no name behind on what they point to."""
    found = []
    for path, tree in sources(root):
        mine = subject_of(path)
        if path.name != "models.py" or mine is None:
            continue
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"ForeignKey", "OneToOneField"}):
                continue
            target = node.args[0] if node.args else {k.arg: k.value for k in node.keywords}["to"]
            if not (isinstance(target, ast.Constant) and isinstance(target.value, str) and "." in target.value):
                continue
            other = target.value.split(".")[0]
            if other == mine:
                continue
            names = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
            if other not in ORDER or ORDER.index(other) <= ORDER.index(mine):
                found.append(f"{path}:{node.lineno} points uphill to {target.value}")
            if names.get("related_name") != "+":
                found.append(f"{path}:{node.lineno} needs related_name='+'")
    return found


def floats(root: Path) -> list[str]:
    """Money and legal numbers are never a float."""
    found = []
    for path, tree in sources(root):
        if path.as_posix() == SOLVER:
            continue
        if path.as_posix().startswith(("simulator/", METHOD, "src/luhai/shell/", "src/luhai/desks/", "src/luhai/config/")):
            continue
        for node in ast.walk(tree):
            name = getattr(node, "id", getattr(node, "attr", None))
            if name in {"float", "FloatField"}:
                found.append(f"{path}:{getattr(node, 'lineno', 0)} uses {name}")
    return found


def writers(root: Path) -> list[str]:
    """Only commands write."""
    always = {"save", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
    on_rows = {"create", "update", "delete"}
    found = []
    for path, tree in sources(root):
        if "commands" in path.stem or "commands" in path.parts or subject_of(path) in {None, "shell"}:
            continue
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            receiver = ast.unparse(node.func.value)
            rows = ".objects" in receiver or receiver.endswith(("_set", "events", "rows"))
            form = path.name == "sign_in.py"  # allauth saves the account through its own adapter
            if (node.func.attr in always or (node.func.attr in on_rows and rows)) and not form:
                found.append(f"{path}:{node.lineno} {ast.unparse(node.func)}")
    return found


def clocks(root: Path) -> list[str]:
    """Time is an argument below the edges."""
    found = []
    for path, tree in sources(root):
        if (
            path.name in EDGES
            or path.name.startswith(("cli", "web_"))
            or path.name.endswith("_web.py")
            or path.as_posix().startswith(("src/luhai/config/", "src/luhai/desks/", "src/luhai/shell/"))
        ):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if (node.value.id, node.attr) in CLOCK:
                    found.append(f"{path}:{node.lineno} reads the clock")
    return found


#: It asks for the number of the server's process, and sees no row.
ASKS_FOR_A_PID = "src/luhai/desks/lane/attack_money.py"


def past_the_sight(root: Path) -> list[str]:
    """Nothing goes to the database around Django's wrappers: it would be seen as done by whoever the server was told of last."""
    found = []
    for path, tree in sources(root):
        if path.as_posix() == ASKS_FOR_A_PID or path.as_posix().startswith("src/luhai/shell/"):
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute):
                continue
            receiver = node.value.id if isinstance(node.value, ast.Name) else ""
            raw = node.attr == "connection" and receiver.startswith("connection")
            if raw or node.attr == "callproc" or (node.attr in {"copy", "stream"} and receiver.startswith("cursor")):
                found.append(f"{path}:{node.lineno} goes around the wrappers by {ast.unparse(node)}")
    return found


CHECKS = [strangers_at_private_modules, uphill_foreign_keys, floats, writers, clocks, past_the_sight]


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_wall_stands(check: object) -> None:
    assert check(ROOT) == []  # type: ignore[operator]


def contracts(root: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": f"{root / 'src'}:{root}"}
    lint = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([lint, "--no-cache"], cwd=root, env=env, capture_output=True, text=True, timeout=120)


def test_import_contracts_are_kept() -> None:
    done = contracts(ROOT)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


# ----------------------------------------------------------------------------- each wall broken on purpose

PLANTED_IMPORTS = {
    "core knows the market": ("core/parties/queries.py", "from luhai.market.matching import queries as _q"),
    "kernel knows a framework": ("kernel/money.py", "import django"),
    "parties know policies": ("core/parties/commands.py", "from luhai.core.policies import queries as _q"),
    "models know commands": ("market/matching/models.py", "from . import commands as _c"),
    "a lifecycle knows a framework": ("market/matching/lifecycle.py", "import django"),
    "an edge touches models": ("market/matching/api.py", "from .models import Demand as _d"),
    "shell knows a subject": ("shell/web.py", "from luhai.core.parties import queries as _q"),
    "an unplaced folder": ("loose/__init__.py", ""),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("walls") / "clone"
    root.mkdir()
    ignore = shutil.ignore_patterns("__pycache__", "*.mo", "node_modules")
    for name in ("src", "simulator", "bench"):
        shutil.copytree(ROOT / name, root / name, ignore=ignore)
    shutil.copy(ROOT / ".importlinter", root)
    return root


@pytest.mark.parametrize("name", PLANTED_IMPORTS)
def test_a_broken_contract_is_reported(copy: Path, name: str) -> None:
    place, line = PLANTED_IMPORTS[name]
    path = copy / "src" / "luhai" / place
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text((before or "") + f"\n{line}\n", encoding="utf-8")
    try:
        done = contracts(copy)
    finally:
        if before is None:
            shutil.rmtree(path.parent)
        else:
            path.write_text(before, encoding="utf-8")
    assert done.returncode != 0
    assert re.search(r"BROKEN|Missing layer|not listed|unlisted|Undeclared|exhaustive|is not|does not", done.stdout + done.stderr)


PLANTED_CODE = {
    "a stranger at models": (strangers_at_private_modules, "market/matching/commands.py", "from luhai.core.parties.models import Party as _p"),
    "an uphill foreign key": (uphill_foreign_keys, "core/parties/models.py", "x = models.ForeignKey('matching.Demand', models.PROTECT, related_name='+')"),
    "a name left behind": (uphill_foreign_keys, "market/matching/models.py", "x = models.ForeignKey('parties.Party', models.PROTECT)"),
    "a float": (floats, "market/matching/policy.py", "x = float(1)"),
    "a write in a query": (writers, "market/matching/queries.py", "Demand.objects.create()"),
    "a way around the wrappers": (past_the_sight, "market/matching/queries.py", "x = cursor.copy('COPY x TO STDOUT')"),
    "the driver's own connection": (past_the_sight, "market/matching/queries.py", "x = connection.connection.execute('SELECT 1')"),
    "a clock in a command": (clocks, "market/matching/commands.py", "x = timezone.now()"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED_CODE)
def test_a_broken_wall_is_reported(copy: Path, name: str) -> None:
    check, place, line = PLANTED_CODE[name]
    path = copy / "src" / "luhai" / place
    before = path.read_text(encoding="utf-8")
    assert check(copy) == []
    path.write_text(f"{before}\n{line}\n", encoding="utf-8")
    try:
        assert len(check(copy)) == 1
    finally:
        path.write_text(before, encoding="utf-8")
