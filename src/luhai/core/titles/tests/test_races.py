"""Requests that meet: exactly one is carried out, through whichever door it came."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from luhai.core.parties import access
from luhai.core.parties.commands import issue_token
from luhai.core.parties.queries import memberships_of
from luhai.core.titles import chain, commands, queries
from luhai.core.titles.models import Claim, Title
from luhai.core.titles.tests import world
from luhai.core.titles.tests.world import by, id_of
from luhai.kernel.origin import SYSTEM, Actor, Origin
from luhai.kernel.refusal import Refusal
from luhai.shell.context import acting


def together(works: Sequence[Callable[[], str | None]], threads: int = 64) -> list[str]:
    """Run all at once, each on a connection of its own; the answers."""
    gate = Barrier(min(len(works), threads))

    def run(work: Callable[[], str | None]) -> str:
        try:
            gate.wait(60)
            return work() or "done"
        except Refusal as refusal:
            return f"{refusal.code} {refusal.facts.get('holder')}"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def token(actor: Actor) -> str:
    (membership,) = memberships_of(actor.person_id)
    secret, key = access.new_secret(), uuid4()
    issue_token(
        membership_id=membership.id, name="t", scopes=["titles:write"], days=30, secret_digest=access.digest(secret),
        token_id=key, origin=Origin(actor, uuid4(), timezone.now()),
    )  # fmt: skip
    return access.write(key, secret)


@pytest.mark.parametrize("kind", ["transport_document", "bill"])
def test_sixty_four_claim_the_same_goods_through_two_doors(fresh_db: str, django_db_blocker: Any, kind: str) -> None:
    """Issuers in two provinces, half of them over the API, all with the same waybill or the same fen of a pack."""
    with django_db_blocker.unblock():
        issuers = [world.company(world.CHONGQING if n % 2 else world.GUANGXI) for n in range(8)]
        owner = world.company()
        tokens = [token(issuer) for issuer in issuers]
        common: dict[str, Any] = {"waybills": ["SMGS 0042"]} if kind == "transport_document" else {
            "pack_no": "6" + "7" * 29, "due_on": "2027-01-15"
        }
        late = {"due_on": timezone.now().date().isoformat()} if kind == "bill" else {}

        def work(n: int) -> Callable[[], str | None]:
            about = world.subject(kind) | common | late
            if kind == "bill":  # intervals that all share fen 500
                about |= {"start": 1 + n, "end": 500 + n}
            ask = {
                "id": str(uuid4()), "kind": kind, "holder_id": str(id_of(owner)), "subject": about,
                "quantity": 500, "unit": world.UNITS[kind],
            }  # fmt: skip
            issuer = issuers[n % 8]

            def by_api() -> str | None:
                answer = Client().post(
                    "/api/v1/titles", json.dumps(ask), "application/json",
                    headers={"Authorization": f"Bearer {tokens[n % 8]}", "Idempotency-Key": str(uuid4())},
                )  # fmt: skip
                found = answer.json()
                if answer.status_code == 200:
                    return None
                return f"{found['code']} {found['facts'].get('holder')}"

            def by_command() -> str | None:
                commands.issue_title(
                    title_id=UUID(ask["id"]), kind=kind, holder_id=id_of(owner), subject=about, quantity=500,
                    unit=ask["unit"], origin=Origin(issuer, uuid4(), timezone.now()),
                )  # fmt: skip
                return None

            return by_api if n % 2 else by_command

        answers = Counter(together([work(n) for n in range(64)]))
        assert answers.pop("done") == 1, answers
        with acting(SYSTEM):
            winner = Title.objects.get()
            assert Claim.objects.filter(root=winner, live=True).exists()
        told = {code for code in answers}
        assert told <= {"titles.already_live None", f"titles.already_live {id_of(owner)}"}, answers
        assert sum(answers.values()) == 63
        # The winner's own other attempts are told who holds it; the other seven issuers are not.
        assert answers["titles.already_live None"] == 56, answers


def test_one_title_many_takers(fresh_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        issuer, owner = world.company(), world.company()
        takers = [world.company() for _ in range(12)]
        title = world.title(issuer, owner)

        def give(to: Actor) -> Callable[[], None]:
            return lambda: commands.transfer_title(
                title_id=title, to=id_of(to), beneficiary=id_of(to), origin=by(owner)
            ) and None  # fmt: skip

        answers = Counter(a.split()[0] for a in together([give(t) for t in takers]))
        assert answers["done"] == 1
        assert set(answers) <= {"done", "absent", "not_entitled"}
        seen = queries.title(title_id=title, viewer=SYSTEM)
        assert (seen.n, seen.holder_id == seen.beneficiary_id) == (2, True)
        assert chain.verify(queries.export(title_id=title, viewer=SYSTEM)).ok


def test_pledges_never_stand_on_the_same_quantity(fresh_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        issuer, owner = world.company(), world.company()
        banks = [world.bank() for _ in range(16)]
        title = world.title(issuer, owner)  # of 1000

        def pledge(bank: Actor) -> Callable[[], None]:
            return lambda: commands.pledge_title(
                title_id=title, pledgee=id_of(bank), quantity=150, origin=by(owner)
            ) and None  # fmt: skip

        works: list[Any] = [pledge(b) for b in banks]
        works += [lambda: commands.surrender_title(title_id=title, origin=by(owner)) and None for _ in range(4)]
        answers = Counter(a.split()[0] for a in together(works))
        seen = queries.title(title_id=title, viewer=SYSTEM)
        if seen.state == "DELIVERY_ASKED":
            assert (seen.pledged, answers["done"]) == (0, 1)
        else:
            assert (answers["done"], seen.pledged) == (6, 900)
        assert sum(p.quantity for p in seen.pledges) == seen.pledged


def test_the_last_parts_end_together(fresh_db: str, django_db_blocker: Any) -> None:
    """Whoever ends last frees the key; nobody frees it early, nobody forgets."""
    with django_db_blocker.unblock():
        issuer, owner = world.company(), world.company()
        title = world.title(issuer, owner)
        parts = [UUID(p) for p in commands.split_title(title_id=title, parts=[125] * 8, origin=by(owner))]
        for part in parts:
            commands.surrender_title(title_id=part, origin=by(owner))
        works = [(lambda p=p: commands.accept_surrender(title_id=p, origin=by(issuer)) and None) for p in parts]
        assert Counter(together(works)) == {"done": 8}
        with acting(SYSTEM):
            assert not Claim.objects.filter(live=True).exists()
        (lot,) = queries.lots(viewer=issuer)
        assert (lot.on_hand, lot.receipted) == (0, 0)


def test_the_same_lot_is_not_receipted_twice(fresh_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        issuer, owners = world.company(), [world.company() for _ in range(12)]
        lot = {"lot": "L1", "warehouse": "3", "lot_quantity": 1000}
        works = [
            (lambda o=o: world.title(issuer, o, quantity=300, about=world.subject("warehouse_receipt", **lot)) and None)
            for o in owners
        ]
        answers = Counter(a.split()[0] for a in together(works))
        assert answers == {"done": 3, "titles.lot_too_small": 9}
