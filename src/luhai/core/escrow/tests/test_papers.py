"""The worked examples of docs/algorithms/escrow.md are carried out as they stand there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from luhai.core.escrow import commands
from luhai.core.escrow.tests.world import agree, arranged, bank, by, company, id_of, on, purse, state, title
from luhai.core.evidence.tests import world as papers
from luhai.core.ledger.policy import Bound
from luhai.core.titles import commands as title_commands
from luhai.core.titles import queries as titles
from luhai.kernel.origin import SYSTEM, Actor

PAPER = Path(__file__).parents[5] / "docs" / "algorithms" / "escrow.md"
SECTIONS = PAPER.read_text(encoding="utf-8").split("\n### ")[1:]


def rows(section: str, head: str) -> list[list[str]]:
    """The rows of the table that begins with this head."""
    found = re.search(rf"^\| {head} \|.*\n\|[-|]+\|\n((?:\|.*\n?)*)", section, re.M)
    if found is None:
        return []
    return [[cell.strip() for cell in line.strip("| \n").split("|")] for line in found[1].splitlines()]


class Example:
    def __init__(self, section: str) -> None:
        code = re.search(r"```json\n(.*?)```", section, re.S)
        assert code is not None
        self.terms: dict[str, Any] = json.loads(code[1])
        self.cast: dict[str, Actor] = {
            name: bank() if name == "bank" else papers.company() for name in self.terms["parties"]
        }
        self.ids: dict[str, UUID] = {name: id_of(actor) for name, actor in self.cast.items()}
        self.accounts = rows(section, "account")
        units = {v["name"]: v["unit"] for v in self.terms["value"]}
        said = {s["to"]: units[s["from"]] for s in self.terms["steps"] if "from" in s}
        said |= {v["account"]: v["unit"] for v in self.terms["value"]}
        for name, bound, before, _ in self.accounts:
            key, _, owner = name.partition(" of ")
            actor = self.cast[owner or name.split()[0]]
            self.ids[key] = purse(actor, abs(int(before)), said[key], Bound(bound))
        self.titles = rows(section, "title")
        for name, holder, _, _ in self.titles:
            self.ids[name] = title(company(), self.cast[holder])
            if f"{name} pledge" in json.dumps(self.terms):
                self.ids[f"{name} pledge"] = title_commands.pledge_title(
                    title_id=self.ids[name], pledgee=id_of(self.cast["bank"]), origin=by(self.cast[holder])
                )

    def real(self, value: Any, key: str = "") -> Any:
        """The terms with ids in place of words; names of parties stay names, but where `parties` says whose they are."""
        if isinstance(value, dict):
            return {k: self.real(v, f"party {k}" if key == "parties" else k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.real(v, key) for v in value]
        ids = (
            key.startswith("party ")
            or key in {"account", "title", "pledge", "covers"}
            or (key == "to" and value not in self.cast)
        )
        return str(self.ids[value]) if ids else value

    def do(self, escrow: UUID, what: str, who: Actor) -> None:
        act, *rest = what.split()
        if act == "fund":
            amount = int(rest[1]) if rest[1:] else None
            commands.fund(escrow_id=escrow, leg=rest[0], amount=amount, origin=by(who))
        elif act == "deposit":
            commands.deposit_title(escrow_id=escrow, title_id=self.ids[rest[0]], origin=by(who))
        elif act == "present":
            piece = papers.received(getattr(papers, rest[1])(who, 96_480_00), who)
            commands.present(escrow_id=escrow, condition=rest[0], evidence_id=piece, origin=by(who))
        else:
            assert what == "execute"
            commands.execute(escrow_id=escrow, origin=by(who))


@pytest.mark.django_db
@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s.splitlines()[0])
def test_the_example_comes_out_as_written(section: str) -> None:
    example = Example(section)
    first = next(iter(example.cast.values()))
    escrow = arranged(first, example.real(example.terms))
    for actor in example.cast.values():
        agree(escrow, actor)
    for name, _, before, _ in example.accounts:
        assert on(example.ids[name.partition(" of ")[0]]) == int(before)
    for what, who, after in rows(section, "what"):
        example.do(escrow, what, example.cast[who])
        assert state(escrow) == after, what
    for name, _, _, after in example.accounts:
        assert on(example.ids[name.partition(" of ")[0]]) == int(after), name
    for name, _, holder, pledged in example.titles:
        seen = titles.title(title_id=example.ids[name], viewer=SYSTEM)
        assert (seen.holder_id, seen.pledged, seen.keeper) == (
            id_of(example.cast[holder]),
            int(pledged),
            None,
        )
    connection.check_constraints()


def test_there_are_the_examples_that_the_issue_asks_for() -> None:
    assert [s.splitlines()[0].split(",")[0].split(" in the")[0] for s in SECTIONS] == [
        "Delivery against payment", "Payment against payment", "Repayment",
    ]  # fmt: skip
