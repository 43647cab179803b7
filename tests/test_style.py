"""What machines can say about the code: ruff, types, migrations, texts, papers."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import click
import pytest
from django.core.management import call_command
from django.urls import Resolver404, resolve

from luhai.config import papers
from luhai.config.cli import SUBJECTS, cli
from luhai.shell import texts

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


def run(*command: str) -> None:
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def test_ruff_is_clean() -> None:
    run("ruff", "check", ".")


@pytest.mark.long
def test_types_hold() -> None:
    run("mypy", "-p", "luhai")


@pytest.mark.django_db(databases=["default", "owner"])
def test_every_change_of_a_model_has_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0, stdout=StringIO())


def test_every_text_has_its_chinese() -> None:
    assert texts.missing() == {}


@pytest.mark.parametrize("name", papers.PAPERS)
def test_papers_are_what_their_parts_build(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == papers.PAPERS[name](), "run ./luhai docs build"


def test_what_carries_a_measure_exists() -> None:
    """Each page resolves and each command is there, and it is said in both languages."""
    context = click.Context(cli)
    for measure, entries in papers.carried().items():
        for entry in entries:
            assert entry.how_zh, f"{measure}: {entry.subject} says no Chinese"
            assert bool(entry.note) == bool(entry.note_zh), f"{measure}: {entry.subject} has a note in one language"
            for by in entry.by:
                if by.startswith("/"):
                    try:
                        resolve(by)
                    except Resolver404:
                        pytest.fail(f"{measure}: no page {by}")
                else:
                    _luhai, subject, *verbs = by.split()
                    command = cli.get_command(context, subject)
                    assert command is not None, by
                    for verb in verbs:
                        assert isinstance(command, click.Group), by
                        command = command.commands.get(verb)
                        assert command is not None, by


def test_names_of_the_glossary_exist() -> None:
    code = "\n".join(
        p.read_text(encoding="utf-8")
        for folder in ("src", "simulator", "bench")
        for p in (ROOT / folder).rglob("*.py")
        if "tests" not in p.parts
    ) + "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "data").rglob("*.yaml"))
    words = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", code))
    for path in sorted((ROOT / "docs" / "glossary").glob("*.md")):
        for line in path.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) == 5 and not set(cells[2]) <= {"-", " "} and cells[2] != "name in code":
                for name in re.findall(r"`([^`]+)`", cells[2]):
                    missing = [w for w in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", name) if w not in words]
                    assert not missing, f"{path.name}: {name}"


def test_every_subject_of_the_command_line_loads() -> None:
    for name, (module, _django, _help) in SUBJECTS.items():
        assert isinstance(importlib.import_module(module).cli, click.Command), name


def test_papers_name_no_machine() -> None:
    """No path of a machine and no registry host in what is committed."""
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
    hosts = ("pypi", "npmjs", "pythonhosted", "debian")
    pattern = re.compile("/(root|home/[a-z]+)/" r"|https?://[a-z0-9.-]*(?:" + "|".join(hosts) + ")")
    for name in filter(None, files):
        path = ROOT / name
        if path.suffix in {".png", ".dump", ".gz"} or not path.is_file() or name == "tests/test_style.py":
            continue
        found = pattern.search(path.read_text(encoding="utf-8", errors="ignore"))
        assert not found, f"{name}: {found.group() if found else ''}"
