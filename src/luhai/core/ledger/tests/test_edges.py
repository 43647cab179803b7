"""An owner's books by command, API and page: opened, posted, frozen, closed; strangers and wrong input."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from conftest import NOON
from luhai.core.ledger import commands, queries
from luhai.core.ledger.policy import Bound, Kind, Transfer
from luhai.core.ledger.tests.world import opened
from luhai.core.parties import commands as parties
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Absent, NotEntitled, NotPermitted

pytestmark = pytest.mark.django_db
OPERATOR = Actor(uuid4(), Role.OPERATOR, uuid4())


def by(actor: Actor, key: UUID | None = None) -> Origin:
    return Origin(actor, key or uuid4(), NOON)


@pytest.fixture
def owner() -> Actor:
    """A company with somebody who acts for it."""
    party, person = uuid4(), uuid4()
    parties.register_party(
        party_id=party, kind="company", sort="", name_zh="某某", name_en="A Company", country="CN", territory="500000",
        identifiers_={}, facts={}, invented=True, origin=by(SYSTEM),
    )  # fmt: skip
    parties.add_person(
        person_id=person, email="owner@example.org", name_zh="", name_en="Somebody", password_hash=None, origin=by(SYSTEM)
    )
    parties.add_membership(person_id=person, party_id=party, role=Role.COMPANY, territory=None, origin=by(SYSTEM))
    return Actor(person, Role.COMPANY, party)


@pytest.fixture
def books(owner: Actor) -> tuple[UUID, UUID]:
    """A source and a line of 100 that may not be overdrawn."""
    source, line = uuid4(), uuid4()
    for account, bound in ((source, Bound.NONE), (line, Bound.DEBITS)):
        commands.open_account(account_id=account, unit="CNY", kind="line", bound=bound, origin=by(owner))
    grant = Transfer(id=uuid4(), debit=source, credit=line, unit="CNY", amount=100)
    assert commands.post_own(transfers=[grant], origin=by(owner))[0]["refused"] is None
    return source, line


def test_an_account_closes_only_with_nothing_on_it(owner: Actor, books: tuple[UUID, UUID]) -> None:
    source, line = books
    back = Transfer(id=uuid4(), debit=line, credit=source, unit="CNY", amount=100)
    held = Transfer(id=uuid4(), kind=Kind.HOLD, debit=source, credit=line, unit="CNY", amount=3)
    with pytest.raises(commands.AccountNotEmpty):
        commands.close_account(account_id=line, reason="no longer used", origin=by(owner))
    commands.post_own(transfers=[back, held], origin=by(owner))
    with pytest.raises(commands.AccountNotEmpty):  # the balance is zero; something is pending
        commands.close_account(account_id=line, reason="no longer used", origin=by(owner))
    commands.post_own(transfers=[Transfer(id=uuid4(), kind=Kind.RELEASE, hold=held.id)], origin=by(owner))
    commands.close_account(account_id=line, reason="no longer used", origin=by(owner))
    again = Transfer(id=uuid4(), debit=source, credit=line, unit="CNY", amount=1)
    assert commands.post_own(transfers=[again], origin=by(owner))[0]["refused"] == "credit_account_closed"
    with pytest.raises(commands.AccountClosed):
        commands.thaw_account(account_id=line, reason="by mistake", origin=by(OPERATOR))


def test_a_freeze_is_by_order_and_lets_only_releases_through(owner: Actor, books: tuple[UUID, UUID]) -> None:
    source, line = books
    held = Transfer(id=uuid4(), kind=Kind.HOLD, debit=line, credit=source, unit="CNY", amount=3)
    commands.post_own(transfers=[held], origin=by(owner))
    with pytest.raises(NotPermitted):
        commands.freeze_account(account_id=line, reason="I say so", origin=by(owner))
    commands.freeze_account(account_id=line, reason="order 2026-17", origin=by(OPERATOR))
    tries = [
        Transfer(id=uuid4(), debit=line, credit=source, unit="CNY", amount=1),
        Transfer(id=uuid4(), kind=Kind.SETTLE, hold=held.id),
        Transfer(id=uuid4(), kind=Kind.RELEASE, hold=held.id),
    ]
    answers = commands.post_own(transfers=tries, origin=by(owner))
    assert [a["refused"] for a in answers] == ["debit_account_frozen", "debit_account_frozen", None]
    commands.thaw_account(account_id=line, reason="order 2026-18", origin=by(OPERATOR))
    assert queries.account(account_id=line, viewer=owner).state == "open"


def test_nobody_books_on_what_is_anothers(owner: Actor, books: tuple[UUID, UUID]) -> None:
    source, line = books
    stranger = Actor(uuid4(), Role.BANK, uuid4())
    foreign = opened(bound="debits", credits=50)  # an account that a subject of the system keeps
    held = Transfer(id=uuid4(), kind=Kind.HOLD, debit=line, credit=source, unit="CNY", amount=3)
    commands.post_own(transfers=[held], origin=by(owner))
    for actor, transfer in [
        (stranger, Transfer(id=uuid4(), debit=line, credit=source, unit="CNY", amount=1)),
        (stranger, Transfer(id=uuid4(), kind=Kind.SETTLE, hold=held.id)),
        (stranger, Transfer(id=uuid4(), kind=Kind.RELEASE, hold=held.id)),
        (owner, Transfer(id=uuid4(), debit=foreign, credit=source, unit="CNY", amount=1)),
        (owner, Transfer(id=uuid4(), debit=source, credit=foreign, unit="CNY", amount=1)),
    ]:
        with pytest.raises(NotEntitled):
            commands.post_own(transfers=[transfer], origin=by(actor))
    for account in (line, foreign):
        with pytest.raises(Absent):
            commands.close_account(account_id=account, reason="mine now", origin=by(stranger))
    with pytest.raises(commands.AccountDiffers):
        commands.open_account(account_id=line, unit="CNY", kind="line", bound=Bound.DEBITS, origin=by(stranger))


# ---- over HTTP ---------------------------------------------------------------------------------------------


@pytest.fixture
def browser(owner: Actor) -> Client:
    from luhai.core.parties import queries as who

    client = Client(headers={"accept-language": "en"})
    person = who.person_by_email("owner@example.org")
    assert person is not None
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def send(client: Client, transfers: list[dict[str, Any]], key: UUID | None = None) -> Any:
    return client.post(
        "/api/v1/ledger/transfers", {"transfers": transfers}, content_type="application/json",
        headers={"Idempotency-Key": str(key or uuid4())},
    )  # fmt: skip


def test_the_api_books_once_and_says_what_became_of_each(browser: Client, books: tuple[UUID, UUID]) -> None:
    source, line = map(str, books)
    ask = [
        {"id": str(uuid4()), "debit": line, "credit": source, "unit": "CNY", "amount": 70, "code": "loan.drawdown"},
        {"id": str(uuid4()), "debit": line, "credit": source, "unit": "CNY", "amount": 70},
    ]
    key = uuid4()
    first, second = send(browser, ask, key), send(browser, ask, key)
    assert first.json() == second.json()
    assert [o["refused"] for o in first.json()["outcomes"]] == [None, "exceeds_credits"]
    assert [o["refused"] for o in send(browser, ask).json()["outcomes"]] == [None, "exceeds_credits"], "the ids are known"
    balance = browser.get(f"/api/v1/ledger/accounts/{line}").json()["balance"]
    assert (balance["debits_posted"], balance["available"]) == (70, 30)
    page = browser.get(f"/api/v1/ledger/accounts/{line}/statement?limit=1").json()
    rest = browser.get(f"/api/v1/ledger/accounts/{line}/statement?limit=1&cursor={page['next']}").json()
    assert [e["balance"] for e in page["entries"] + rest["entries"]] == [100, 30]
    assert "loan.drawdown" in browser.get(f"/ledger/{line}/").content.decode()
    assert "own.line" in browser.get("/ledger/").content.decode()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "post", "debit": None}, "debit"),
        ({"kind": "post", "amount": None}, "amount"),
        ({"kind": "post", "hold": str(uuid4())}, "hold"),
        ({"kind": "settle"}, "hold"),
        ({"kind": "release", "hold": str(uuid4()), "expires_at": "2026-03-02T00:00:00Z"}, "expires_at"),
        ({"kind": "hold", "expires_at": "0001-01-01T00:00:00Z"}, "expires_at"),
        ({"kind": "lend"}, "kind"),
        ({"amount": 1.5}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": 2**53}, "amount"),
        ({"unit": "C\u0000Y"}, "unit"),
        ({"tip": 1}, "tip"),
    ],
)
def test_what_is_wrong_is_named(browser: Client, books: tuple[UUID, UUID], wrong: dict[str, Any], field: str) -> None:
    source, line = map(str, books)
    right = {"id": str(uuid4()), "debit": line, "credit": source, "unit": "CNY", "amount": 1}
    if wrong.get("kind") in {"settle", "release"}:
        right = {"id": str(uuid4())}
    answer = send(browser, [right | wrong])
    assert answer.status_code == 422
    assert field in answer.content.decode()


@pytest.mark.parametrize("path", ["", "{line}/"])
@pytest.mark.parametrize("query", ["cursor=x", "cursor=WyJ4Il0", "since=2026-13-01", "since=9999-01-01", "kind=%00"])
def test_pages_take_wrong_addresses_calmly(browser: Client, books: tuple[UUID, UUID], path: str, query: str) -> None:
    answer = browser.get(f"/ledger/{path.format(line=books[1])}?{query}")
    assert answer.status_code in {200, 422}
    assert browser.get(f"/ledger/{uuid4()}/").status_code == 404
