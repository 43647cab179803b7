"""What should happen, in plain Python: an escrow as a person would keep it on paper. It shares no code with what it judges.

Every operation answers with the codes that the real one may give ("done" for carried out), and, when done, changes the books.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ENDED = ("EXECUTED", "EXPIRED", "RETURNED")
DONE = {"done"}


@dataclass
class Paper:
    owner: str
    amount: int
    version: int = 1
    cancelled: bool = False


@dataclass
class Escrow:
    """`terms` with letters for everything: parties, accounts, titles, papers."""

    terms: dict[str, Any]
    due: datetime
    state: str = "DRAFT"
    agreed: set[str] = field(default_factory=set)
    held: dict[str, int] = field(default_factory=dict)
    kept: set[tuple[str, str]] = field(default_factory=set)
    consents: set[tuple[str, str]] = field(default_factory=set)
    shown: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def parties(self) -> list[str]:
        return list(self.terms["parties"])


class Model:
    def __init__(self) -> None:
        self.money: dict[str, int] = {}  # a purse holds what it says; a debt what is still owed
        self.debts: set[str] = set()
        self.holder: dict[str, str] = {}
        self.keeper: dict[str, str | None] = {}
        self.papers: dict[str, Paper] = {}
        self.escrows: dict[str, Escrow] = {}

    # what counts --------------------------------------------------------------------------------------------------------

    def funded(self, e: Escrow) -> bool:
        legs = all(e.held[leg["name"]] >= leg["least"] for leg in e.terms["value"])
        return legs and all((t["title"], t["by"]) in e.kept for t in e.terms["titles"])

    def met(self, e: Escrow) -> bool:
        return all(self.one_met(e, c) for c in e.terms["conditions"])

    def one_met(self, e: Escrow, c: dict[str, Any]) -> bool:
        if "payment" in c:
            return e.held[c["payment"]["leg"]] >= c["payment"]["at_least"]
        if "consent" in c:
            said = [p for p in c["consent"]["of"] if (c["name"], p) in e.consents]
            return len(said) >= c["consent"]["need"]
        for name, key, _ in e.shown:
            paper = self.papers[key]
            latest = max(v for n, k, v in e.shown if (n, k) == (name, key))
            fits = paper.owner in c["evidence"]["sources"] and paper.amount >= c["evidence"]["least"]
            if name == c["name"] and fits and not paper.cancelled and latest == paper.version:
                return True
        return False

    def go_on(self, e: Escrow) -> None:
        if e.state == "DRAFT" and e.agreed == set(e.parties) and self.funded(e):
            e.state = "FUNDED"
        if e.state == "FUNDED" and self.met(e):
            e.state = "MET"

    # what is asked before everything else ----------------------------------------------------------------------------------

    def barred(
        self, e: Escrow, who: str, at: datetime | None, states: str, agreed: bool = True
    ) -> set[str] | None:
        if who not in e.parties:
            return {"absent"}
        if e.state not in states.split():
            return {"escrow.act_not_allowed"}
        if at is not None and at >= e.due:
            return {"escrow.due"}
        if agreed and e.agreed != set(e.parties):
            return {"escrow.not_agreed"}
        return None

    # operations -----------------------------------------------------------------------------------------------------------

    def agree(self, key: str, who: str, at: datetime) -> set[str]:
        e = self.escrows[key]
        if no := self.barred(e, who, at, "DRAFT", agreed=False):
            return no
        if who in e.agreed:
            return {"escrow.done_before"}
        e.agreed.add(who)
        self.go_on(e)
        return DONE

    def fund(self, key: str, who: str, leg: str, amount: int, at: datetime) -> set[str]:
        e = self.escrows[key]
        if no := self.barred(e, who, at, "DRAFT FUNDED MET"):
            return no
        said = next((part for part in e.terms["value"] if part["name"] == leg), None)
        if said is None:
            return {"invalid"}
        if said["payer"] != who:
            return {"not_entitled"}
        if e.held[leg] + amount > said["amount"]:
            return {"escrow.leg_full"}
        if self.money[said["account"]] < amount:
            return {"ledger.exceeds_credits"}
        self.money[said["account"]] -= amount
        e.held[leg] += amount
        self.go_on(e)
        return DONE

    def deposit(self, key: str, who: str, title: str, at: datetime) -> set[str]:
        e = self.escrows[key]
        if no := self.barred(e, who, at, "DRAFT"):
            return no
        hands = [t["by"] for t in e.terms["titles"] if t["title"] == title]
        if not hands:
            return {"invalid"}
        if who not in hands:
            return {"not_entitled"}
        if (title, who) in e.kept:
            return {"escrow.done_before"}
        if self.holder[title] != who:
            return {"absent", "not_entitled"}
        if self.keeper[title] is not None:
            return {"titles.kept"}
        self.keeper[title] = key
        e.kept.add((title, who))
        self.go_on(e)
        return DONE

    def present(self, key: str, who: str, condition: str, paper: str, at: datetime) -> set[str]:
        e = self.escrows[key]
        if no := self.barred(e, who, at, "DRAFT FUNDED MET"):
            return no
        if not any(c["name"] == condition and "evidence" in c for c in e.terms["conditions"]):
            return {"invalid"}
        if self.papers[paper].owner != who:
            return {"absent"}
        one = (condition, paper, self.papers[paper].version)
        if one in e.shown:
            return {"escrow.done_before"}
        e.shown.append(one)
        self.go_on(e)
        return DONE

    def confirm(self, key: str, who: str, condition: str, at: datetime) -> set[str]:
        e = self.escrows[key]
        if no := self.barred(e, who, at, "DRAFT FUNDED MET"):
            return no
        asks = next(
            (c["consent"] for c in e.terms["conditions"] if c["name"] == condition and "consent" in c), None
        )
        if asks is None:
            return {"invalid"}
        if who not in asks["of"]:
            return {"not_entitled"}
        if (condition, who) in e.consents:
            return {"escrow.done_before"}
        e.consents.add((condition, who))
        self.go_on(e)
        return DONE

    def withdraw(self, key: str, who: str) -> set[str]:
        e = self.escrows[key]
        if no := self.barred(e, who, None, "DRAFT", agreed=False):
            return no
        self.give_back(e, "RETURNED")
        return DONE

    def expire(self, key: str, who: str, at: datetime) -> set[str]:
        e = self.escrows[key]
        if no := self.barred(e, who, None, "DRAFT FUNDED MET", agreed=False):
            return no
        if at < e.due:
            return {"escrow.not_due"}
        if e.state != "DRAFT" and self.met(e):
            return {"escrow.conditions_met"}
        self.give_back(e, "EXPIRED")
        return DONE

    def dispute(self, key: str, who: str, at: datetime) -> set[str]:
        e = self.escrows[key]
        if no := self.barred(e, who, None, "FUNDED MET"):
            return no
        if at >= e.due and not self.met(e):
            return {"escrow.due"}
        e.state = "DISPUTED"
        return DONE

    def execute(self, key: str, who: str) -> set[str]:
        e = self.escrows[key]
        if no := self.barred(e, who, None, "FUNDED MET"):
            return no
        return self.carry_out(e) if self.met(e) else {"escrow.not_met"}

    def settle(self, key: str, who: str, decision: str) -> set[str]:
        e = self.escrows[key]
        arbiter = e.terms["arbiter"]
        if who != "supervisor" and who not in e.parties:
            return {"absent"}
        if who != (arbiter or "supervisor"):
            return {"not_entitled"}
        if e.state != "DISPUTED":
            return {"escrow.act_not_allowed"}
        if decision == "execute":
            return self.carry_out(e)
        self.give_back(e, "RETURNED")
        return DONE

    # the two ends -----------------------------------------------------------------------------------------------------------

    def carry_out(self, e: Escrow) -> set[str]:
        left, coming = dict(e.held), dict(self.money)
        for step in e.terms["steps"]:
            if "from" not in step:
                continue
            here, to, ask = left[step["from"]], step["to"], step["ask"]
            room = coming[to] if to in self.debts else 10**15
            exact = isinstance(ask, int)
            amount = ask if exact else min(here, room, step.get("up_to", here))
            if exact and amount > here:
                return {"ledger.exceeds_credits"}
            if exact and amount > room:
                return {"ledger.exceeds_debits"}
            left[step["from"]] -= amount
            coming[to] += -amount if to in self.debts else amount
        if any(left.values()):
            return {"escrow.value_left"}
        self.money = coming
        for step in e.terms["steps"]:
            if "title" in step:
                self.holder[step["title"]] = step["give"]
        self.end(e, "EXECUTED")
        return DONE

    def give_back(self, e: Escrow, state: str) -> None:
        for leg in e.terms["value"]:
            self.money[leg["account"]] += e.held[leg["name"]]
        self.end(e, state)

    def end(self, e: Escrow, state: str) -> None:
        e.held = dict.fromkeys(e.held, 0)
        for title, _ in e.kept:
            self.keeper[title] = None
        e.state = state
