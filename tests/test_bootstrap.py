"""From a fresh clone to the first command: what the set-up needs, what it leaves alone, how it is repaired."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import pytest

from luhai.shell import setup

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,._-]+\])?==(\S+)", re.M)


def pins(name: str) -> dict[str, set[str]]:
    """Package -> versions (a universal lock may hold several, for different Pythons)."""
    found: dict[str, set[str]] = {}
    for package, version in PIN.findall((ROOT / "requirements" / name).read_text()):
        found.setdefault(package, set()).add(version)
    return found


def wanted(entries: list[str]) -> set[str]:
    names = {re.match(r"[A-Za-z0-9._-]+", entry).group() for entry in entries}  # type: ignore[union-attr]
    return {re.sub(r"[._-]+", "-", name).lower() for name in names}


@pytest.fixture(scope="module")
def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


# ---- locks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_names_no_host_no_machine_and_hashes_everything(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"://|--(?:extra-)?index-url|--find-links|--trusted-host| @ |(?<![\w.])/\w", text)
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.M)[1:]
    assert blocks
    for block in blocks:
        assert PIN.match(block), block[:80]
        assert "--hash=sha256:" in block, block[:80]


def test_front_end_lock_names_no_registry_and_hashes_everything() -> None:
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text().split()
    lock = json.loads((ROOT / "package-lock.json").read_text())
    asked = json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert lock["packages"].pop("")["dependencies"] == asked
    for name, entry in lock["packages"].items():
        assert "resolved" not in entry, name
        assert entry["integrity"].startswith("sha512-"), name
    assert "registry" not in (ROOT / "package-lock.json").read_text()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked.values())


def test_locks_hold_what_the_project_asks_for(project: dict[str, dict[str, list[str]]]) -> None:
    app, test, bench = pins("app.txt"), pins("test.txt"), pins("bench.txt")
    assert wanted(project["project"]["dependencies"]) <= app.keys()
    assert wanted(project["dependency-groups"]["test"]) <= test.keys()
    assert wanted(project["dependency-groups"]["bench"]) <= bench.keys()
    assert app.items() <= test.items(), (
        "test.txt is installed over app.txt, so it must hold the same versions"
    )


def test_every_dependency_says_why_it_is_here(project: dict[str, dict[str, list[str]]]) -> None:
    paper = (ROOT / "docs/decisions/0003-dependencies.md").read_text()
    groups = [project["project"]["dependencies"], *project["dependency-groups"].values()]
    listed = set(re.findall(r"^\| `([a-z0-9-]+)`", paper, flags=re.M))
    asked = set().union(*(wanted(group) for group in groups))
    asked |= set(json.loads((ROOT / "package.json").read_text())["dependencies"])
    front = set(re.findall(r"^\| `([@a-z0-9./-]+)`", paper, flags=re.M))
    assert asked - listed - front == set()


def test_icons_that_pages_use_are_fetched() -> None:
    fetched = set(json.loads((ROOT / "package.json").read_text())["vendor"]["icons"])
    used = {
        name
        for page in (ROOT / "src").rglob("*.html")
        for name in re.findall(r"""\{%\s*icon\s+["']([a-z0-9-]+)["']""", page.read_text())
    }
    assert used <= fetched, 'add them to package.json, "vendor", "icons"'


# ---- the script ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["luhai", "src/luhai/shell/setup.py"])
def test_set_up_needs_the_standard_library_only(file: str) -> None:
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] in sys.stdlib_module_names or (file, name) == (
                "luhai",
                "luhai.shell.setup",
            )


def test_an_old_python_can_read_the_script_and_says_so(tmp_path: Path) -> None:
    ast.parse((ROOT / "luhai").read_text(), feature_version=(3, 5))
    program = f"import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_path({str(ROOT / 'luhai')!r})"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "needs Python 3.11 or later; this is 3.9" in done.stderr


def test_script_is_executable() -> None:
    for file in ("luhai", ".ci/run"):
        assert os.access(ROOT / file, os.X_OK), file
        assert (ROOT / file).read_text().startswith("#!/usr/bin/env ")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of almost nothing, under a name that breaks careless programs."""
    root = tmp_path / "陆海 one's"
    for folder in ("src/luhai/shell", "src/luhai/config", "requirements"):
        (root / folder).mkdir(parents=True)
    for file in ("luhai", "src/luhai/shell/setup.py", ".npmrc"):
        shutil.copy(ROOT / file, root / file)
    for package in ("", "shell/", "config/"):
        (root / f"src/luhai/{package}__init__.py").touch()
    (root / "src/luhai/shell/texts.py").write_text(
        "def compile_all(): open(__file__ + '.done', 'a').write('x')\n"
    )
    (root / "src/luhai/config/cli.py").write_text(
        "import json, os, sys\nprint(json.dumps([sys.argv[1:], sys.prefix, sys.path, os.getcwd()]))\n"
        "sys.exit(7 if 'seven' in sys.argv else 0)\n"
    )
    (root / "requirements/app.txt").write_text("# nothing\n")
    (root / "package.json").write_text('{"name": "x", "vendor": {"files": {}, "icons": []}}')
    (root / "package-lock.json").write_text(
        '{"name": "x", "lockfileVersion": 3, "requires": true, "packages": {}}'
    )
    return root


def call(root: Path, *words: str) -> tuple[int, list[object], str]:
    done = subprocess.run(
        [sys.executable, str(root / "luhai"), *words],
        cwd=root.parent,
        env={**{k: v for k, v in os.environ.items() if k != "LUHAI_STATE"}, "PYTHONPATH": "/nowhere"},
        capture_output=True,
        text=True,
    )
    return done.returncode, json.loads(done.stdout or "[0, 0, 0, 0]"), done.stderr


@pytest.mark.skipif(not shutil.which("npm"), reason="without npm this would fetch Node")
def test_first_call_sets_up_and_later_calls_go_straight_on(clone: Path) -> None:
    code, (words, prefix, path, cwd), said = call(clone, "matching", "--json", "seven")
    assert code == 7, said
    assert (words, prefix, cwd) == (
        ["matching", "--json", "seven"],
        str(clone / ".luhai/venv"),
        str(clone.parent),
    )
    assert path[-2:] == [str(clone / "src"), str(clone)]
    assert "/nowhere" not in path
    assert "Making the Python environment" in said
    assert call(clone)[2] == "", "the second call had nothing to do"
    assert (clone / "src/luhai/shell/texts.py.done").read_text() == "x"

    moved = clone.with_name("moved")
    clone.rename(moved)
    code, (_, prefix, path, _), said = call(moved)
    assert code == 0, said
    assert prefix == str(moved / ".luhai/venv")
    assert path[-2:] == [str(moved / "src"), str(moved)]
    assert "again" in said


def test_a_folder_that_cannot_be_written_is_named(clone: Path) -> None:
    (clone / ".luhai").write_text("a file where a folder should be")
    code, _, said = call(clone)
    assert code == 1
    assert "Set-up failed" in said
    assert ".luhai" in said
    assert "Traceback" not in said


# ---- environments ----------------------------------------------------------------------------------------------


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """`setup` on folders of this test, with pip and venv replaced by notes of what they were asked to do."""
    notes: list[str] = []
    (tmp_path / "requirements").mkdir()
    for name in ("app", "test", "bench"):
        (tmp_path / f"requirements/{name}.txt").write_text(f"{name}==1\n")

    def make(folder: Path) -> None:
        notes.append(f"make {folder.name}")
        (folder / "bin").mkdir(parents=True)
        (folder / "lib/python3.11/site-packages").mkdir(parents=True)
        (folder / "bin/python").symlink_to(sys.executable)
        setup._mark(folder / ".made-for", setup._identity(folder))

    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "PLACE", tmp_path / ".luhai")
    monkeypatch.setattr(setup, "REQUIREMENTS", tmp_path / "requirements")
    monkeypatch.setattr(setup, "_make_environment", make)
    monkeypatch.setattr(setup, "_pip", lambda python, lock: notes.append(f"pip {lock.name}"))
    return notes


def test_an_environment_is_made_once_and_filled_when_its_lock_changes(made: list[str]) -> None:
    setup.environment("venv", "app.txt")
    setup.environment("venv", "app.txt")
    assert made == ["make venv", "pip app.txt"]
    (setup.REQUIREMENTS / "app.txt").write_text("app==2\n")
    setup.environment("venv", "app.txt")
    assert made == ["make venv", "pip app.txt", "pip app.txt"]


def test_the_lock_of_the_tests_covers_the_application(made: list[str]) -> None:
    setup.environment("venv", "test.txt")
    setup.environment("venv", "app.txt")
    assert made == ["make venv", "pip test.txt"]


def test_peers_have_an_environment_of_their_own(made: list[str]) -> None:
    assert setup.peers() == setup.PLACE / "bench/bin/python"
    assert made == ["make bench", "pip bench.txt"]


def test_an_interrupted_set_up_is_made_again(made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(python: Path, lock: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(setup, "_pip", interrupted)
        with pytest.raises(KeyboardInterrupt):
            setup.environment("venv", "app.txt")
    setup.environment("venv", "app.txt")
    assert made == ["make venv", "make venv", "pip app.txt"]


def test_an_environment_whose_python_is_gone_is_made_again(made: list[str], tmp_path: Path) -> None:
    setup.environment("venv", "app.txt")
    link = setup.PLACE / "venv/bin/python"
    link.unlink()
    link.symlink_to(tmp_path / "python-of-yesterday")
    setup.environment("venv", "app.txt")
    assert made[2:] == ["make venv", "pip app.txt"]


def test_two_first_calls_make_one_environment(made: list[str]) -> None:
    both = [threading.Thread(target=setup.environment, args=("venv", "app.txt")) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert made == ["make venv", "pip app.txt"]


# ---- tests without a browser -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["-x"], ["-m", "not browser", "-x"]),
        (["-m", "long or browser"], ["-m", "(long or browser) and not browser"]),
    ],
)
def test_without_a_browser_its_tests_are_left_out_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: list[str], expected: list[str]
) -> None:
    became: list[str] = []
    monkeypatch.setattr(setup, "application", lambda lock: Path("python"))
    monkeypatch.setattr(setup, "_browser", lambda: (None, ["chromium"]))
    monkeypatch.setattr(setup, "_apt", lambda packages: None)
    monkeypatch.setattr(setup, "_become", lambda python, *words, extra: became.extend(words))
    monkeypatch.chdir(ROOT)
    setup._run_tests(given)
    assert became == ["-m", "pytest", *expected]
    assert "Missing: chromium. The tests marked `browser` are left out" in capsys.readouterr().err
