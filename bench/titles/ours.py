"""Luhai's side of the bench `titles`: `python -m bench.titles.ours`, with DATABASE_URL naming the bench's own server.

    → {"do": "setup", "clients", "titles"}               ← {"clients": [what a client needs to know, …]}
    → {"do": "prepare", "client": {…}, "signed"}         ← {"ready": true}
    → "go"                                               ← {"from", "to", "done"}
    → {"do": "export", "client": {…}}                    ← {"file": an exported chain}

A round hands every title of the client over once, from whichever of its two companies holds it to the other, through
the command that pages and API use. Reading where the titles stand, and signing, happen before the clock starts.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

BEGUN = datetime(2026, 3, 2, 4, tzinfo=UTC)
_NAMES = UUID("0de50000-0000-5000-8000-000000000000")


class Luhai:
    def __init__(self) -> None:
        os.environ["DJANGO_SETTINGS_MODULE"] = "luhai.config.settings"
        import django

        django.setup()
        from luhai.core.parties import commands as parties
        from luhai.core.titles import chain, commands, policy, queries
        from luhai.kernel.origin import SYSTEM, Actor, Origin, Role

        self.parties, self.commands, self.queries = parties, commands, queries
        self.chain, self.policy = chain, policy
        self.system, self.actor, self.origin, self.role = SYSTEM, Actor, Origin, Role
        self.waiting: list[dict[str, Any]] = []

    # ---- setting up ----

    def setup(self, clients: int, titles: int) -> dict[str, Any]:
        from django.core.management import call_command

        for subject in ("rules", "titles"):
            call_command("migrate", subject, database="owner", interactive=False, verbosity=0)
        return {"clients": [self._client(n, titles) for n in range(clients)]}

    def _client(self, number: int, titles: int) -> dict[str, Any]:
        """Two companies with a key each, and titles that a third has issued to the first."""
        carrier, *pair = (self._company(f"{number} {which}") for which in ("carrier", "first", "second"))
        keys = []
        for actor in pair:
            key = self.chain.new_key("ed25519")
            key_id = uuid4()
            self.commands.register_key(
                key_id=key_id, profile=key.profile, public=key.public, name="bench", origin=self._by(actor)
            )
            keys.append({"id": str(key_id), "private": key.private})
        return {
            "companies": [
                {"person": str(a.person_id), "party": str(a.party_id), "key": k}
                for a, k in zip(pair, keys, strict=True)
            ],
            "titles": [str(self._title(carrier, pair[0], number * titles + n)) for n in range(titles)],
        }

    def _by(self, actor: Any) -> Any:
        return self.origin(actor, uuid4(), BEGUN)

    def _company(self, name: str) -> Any:
        party, person = uuid5(_NAMES, f"party {name}"), uuid5(_NAMES, f"person {name}")
        self.parties.register_party(
            party_id=party, kind="company", sort="", name_zh="某公司", name_en=f"Company {name}", country="CN",
            territory="500000", identifiers_={}, facts={}, invented=True, origin=self._by(self.system),
        )  # fmt: skip
        self.parties.add_person(
            person_id=person, email=f"{person.hex}@example.org", name_zh="某人", name_en="Somebody",
            password_hash=None, origin=self._by(self.system),
        )  # fmt: skip
        self.parties.add_membership(
            person_id=person,
            party_id=party,
            role=self.role.COMPANY,
            territory=None,
            origin=self._by(self.system),
        )
        return self.actor(person, self.role.COMPANY, party, "500000")

    def _title(self, carrier: Any, holder: Any, n: int) -> UUID:
        from luhai.kernel.identifiers import Kind, complete

        title: UUID = self.commands.issue_title(
            title_id=uuid5(_NAMES, f"title {n}"), kind="transport_document", holder_id=holder.party_id,
            # No number is another one edited, and no two quantities are alike.
            subject={
                "document": "rail_bill", "number": f"N{n * 7919:07d}X{n:05d}", "waybills": [f"SMGS {n:08d}"],
                "departs_on": "2026-03-01", "containers": [complete(Kind.CONTAINER, f"TLLU{n:06d}")],
                "origin": "CNCKG", "destination": "VNHAN", "goods": "car parts",
            },
            quantity=1_000 + n, unit="KGM", origin=self._by(carrier),
        )  # fmt: skip
        return title

    # ---- a round ----

    def prepare(self, client: dict[str, Any], signed: bool) -> dict[str, Any]:
        from django.db import connection, transaction

        from luhai.shell.context import acting

        with transaction.atomic(), acting(self.system), connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, n, head, holder_id FROM titles_title WHERE id = ANY (%s::uuid[])",
                [client["titles"]],
            )
            stand = {row[0]: row[1:] for row in cursor.fetchall()}
        self.waiting = [
            self._transfer(client, UUID(title), *stand[UUID(title)], signed=signed)
            for title in client["titles"]
        ]
        return {"ready": True}

    def _transfer(
        self, client: dict[str, Any], title: UUID, n: int, head: str, holder: UUID, *, signed: bool
    ) -> dict[str, Any]:
        companies = client["companies"]
        at = [company["party"] for company in companies].index(str(holder))
        this, other = companies[at], UUID(companies[1 - at]["party"])
        actor = self.actor(UUID(this["person"]), self.role.COMPANY, holder, "500000")
        asked: dict[str, Any] = {
            "title_id": title, "to": other, "origin": self.origin(actor, uuid4(), BEGUN + timedelta(seconds=n))
        }  # fmt: skip
        if signed:
            details = self.policy.read_details(
                self.policy.Act.TRANSFER, {"to": other, "beneficiary": None, "evidence": None}
            )
            said = self.chain.statement(title=title, n=n + 1, act="transfer", details=details, previous=head)
            pair = self.chain.key_pair("ed25519", this["key"]["private"])
            asked["signature"] = {"key_id": this["key"]["id"], "signature": self.chain.sign(pair, said)}
        return asked

    def go(self) -> dict[str, Any]:
        transfer, clock = self.commands.transfer_title, time.monotonic
        begun = clock()
        for asked in self.waiting:
            transfer(**asked)
        return {"from": begun, "to": clock(), "done": len(self.waiting)}

    def export(self, client: dict[str, Any]) -> dict[str, Any]:
        """The chain of the client's first title, as its holder takes it away."""
        file = self.queries.export(title_id=UUID(client["titles"][0]), viewer=self.system)
        return {"file": file.decode()}


def main() -> None:
    side = Luhai()
    acts: dict[str, Callable[..., dict[str, Any]]] = {
        "setup": side.setup, "prepare": side.prepare, "export": side.export
    }  # fmt: skip
    for line in sys.stdin:
        order = json.loads(line)
        told = side.go() if order == "go" else acts[order.pop("do")](**order)
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
