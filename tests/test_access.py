"""Who may come in: passwords and lock-out, the second factor, tokens; and the wall in the database behind them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from conftest import NOON
from luhai.core.parties import access, queries
from luhai.core.parties.commands import (
    AlreadyRegistered,
    NotVouched,
    RegisteredFact,
    add_membership,
    add_person,
    issue_token,
    register_my_company,
    register_party,
    revoke_token,
    state_facts,
)  # fmt: skip
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Invalid, NotEntitled
from luhai.shell.context import acting

PASSWORD = "correct-horse-battery"
USCC = "91500000MA5U000111"


def origin(actor: Actor = SYSTEM) -> Origin:
    return Origin(actor, uuid4(), NOON)


def party(kind: str = "company", sort: str = "", facts: dict[str, Any] | None = None) -> UUID:
    return register_party(
        party_id=uuid4(), kind=kind, sort=sort, name_zh="甲公司", name_en="", country="CN", territory="500000",
        identifiers_={}, facts=facts or {}, invented=True, origin=origin(),
    )  # fmt: skip


def member(role: Role, kind: str, sort: str = "", email: str = "somebody@example.org") -> queries.MembershipView:
    person = add_person(person_id=uuid4(), email=email, name_zh="", name_en="", password_hash=make_password(PASSWORD), origin=origin())
    add_membership(person_id=person, party_id=party(kind, sort), role=str(role), territory=None, origin=origin())
    return queries.memberships_of(person)[0]


def sign_in(client: Client, password: str, email: str = "somebody@example.org") -> Any:
    return client.post("/accounts/login/", {"login": email, "password": password})


# ------------------------------------------------------------------------------------ passwords


@pytest.mark.django_db
def test_five_wrong_passwords_lock_the_account(client: Client) -> None:
    member(Role.COMPANY, "company")
    for _ in range(5):
        assert sign_in(client, "wrong-password").status_code == 200
    assert sign_in(client, PASSWORD).status_code != 302, "the right password comes too late"
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
def test_the_right_password_opens(client: Client) -> None:
    membership = member(Role.COMPANY, "company")
    assert sign_in(client, PASSWORD).status_code == 302
    body = client.get("/api/v1/parties/me").json()
    assert (body["role"], body["party"]["id"]) == ("company_member", str(membership.party.id))


@pytest.mark.django_db
@pytest.mark.parametrize("demo", [False, True])
def test_an_officer_acts_only_with_a_second_factor(client: Client, settings: Any, demo: bool) -> None:
    settings.DEMO = demo
    membership = member(Role.BANK, "institution", "city_bank")
    client.force_login(queries.person_by_email(membership.email), backend=settings.AUTHENTICATION_BACKENDS[0])
    assert client.get("/api/v1/parties/me").json()["role"] == ("bank_officer" if demo else "public")


@pytest.mark.django_db
def test_an_officer_with_a_second_factor_acts(client: Client, settings: Any) -> None:
    from allauth.mfa.totp.internal.auth import TOTP

    membership = member(Role.BANK, "institution", "city_bank")
    person = queries.person_by_email(membership.email)
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    # The password alone leads to the second step, not in.
    response = sign_in(client, PASSWORD)
    assert response.status_code == 302
    assert "2fa" in response["Location"]
    assert client.get("/api/v1/parties/me").json()["role"] == "public"
    client.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
    assert client.get("/api/v1/parties/me").json()["role"] == "bank_officer"


@pytest.mark.django_db
def test_a_session_must_show_its_csrf_token_to_write(settings: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    membership = member(Role.COMPANY, "company")
    client.force_login(queries.person_by_email(membership.email), backend=settings.AUTHENTICATION_BACKENDS[0])
    response = client.patch(
        f"/api/v1/parties/companies/{membership.party.id}/facts", {"facts": {"employees": 9}}, "application/json",
        headers={"Idempotency-Key": str(uuid4())},
    )  # fmt: skip
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert queries.profile(party_id=membership.party.id, viewer=membership.actor) == {}


# --------------------------------------------------------------------------------------- tokens


def token_of(membership: queries.MembershipView, *scopes: str, days: int = 30, at: Any = None) -> tuple[UUID, str]:
    secret, token = access.new_secret(), uuid4()
    issue_token(
        membership_id=membership.id, name="t", scopes=list(scopes), days=days, secret_digest=access.digest(secret),
        token_id=token, origin=Origin(membership.actor, uuid4(), at or timezone.now()),
    )  # fmt: skip
    return token, access.write(token, secret)


def me(client: Client, text: str) -> int:
    return client.get("/api/v1/parties/me", headers={"Authorization": f"Bearer {text}"}).status_code


@pytest.mark.django_db
def test_a_token_opens_what_its_scopes_say(client: Client) -> None:
    membership = member(Role.COMPANY, "company")
    _, text = token_of(membership, "parties:read")
    assert me(client, text) == 200
    for path in ("/api/v1/policies/documents", "/api/v1/products"):
        assert client.get(path, headers={"Authorization": f"Bearer {text}"}).status_code in {403, 404}
    write = client.patch(
        f"/api/v1/parties/companies/{membership.party.id}/facts", {"facts": {}}, "application/json",
        headers={"Authorization": f"Bearer {text}", "Idempotency-Key": str(uuid4())},
    )  # fmt: skip
    assert write.status_code == 403


@pytest.mark.django_db
def test_expired_revoked_changed_and_foreign_tokens_do_not_open(client: Client) -> None:
    membership = member(Role.COMPANY, "company")
    _, expired = token_of(membership, "*:read", days=1, at=timezone.now() - timedelta(days=2))
    revoked_id, revoked = token_of(membership, "*:read")
    revoke_token(token_id=revoked_id, origin=origin(membership.actor))
    _, good = token_of(membership, "*:read")
    assert me(client, good) == 200
    for text in (expired, revoked, good[:-1] + ("A" if good[-1] != "A" else "B"), "luhai_x", "", "é"):
        assert me(client, text) == 401
    stranger = member(Role.COMPANY, "company", email="other@example.org")
    with pytest.raises(NotEntitled):
        revoke_token(token_id=revoked_id, origin=origin(stranger.actor))


# ------------------------------------------------------------------------- the register and its rows


@pytest.mark.django_db
def test_a_company_registers_itself_once() -> None:
    person = add_person(person_id=uuid4(), email="a@example.org", name_zh="", name_en="", password_hash=None, origin=origin())
    visitor = Actor(person, Role.PUBLIC)

    def ask(uscc: str) -> UUID:
        return register_my_company(
            party_id=uuid4(), name_zh="重庆海棠物流有限公司", name_en="", territory="500000", uscc=uscc, origin=origin(visitor)
        )

    with pytest.raises(Invalid):
        ask(USCC[:-1] + "2")
    company = ask("９１500000 ma5u-000111")
    assert queries.party(party_id=company, viewer=visitor).identifiers == {"uscc": USCC}
    assert [m.role for m in queries.memberships_of(person)] == [Role.COMPANY]
    with pytest.raises(AlreadyRegistered):
        ask(USCC)


@pytest.mark.django_db
def test_without_the_python_check_the_database_still_refuses() -> None:
    """The query and the command without their checks: the rows themselves are shut."""
    from luhai.core.parties.models import Profile

    mine, other = party(facts={"employees": {"value": 9, "source": "company", "as_of": "2026-01-01"}}), party()
    owner = Actor(uuid4(), Role.COMPANY, mine)
    seen = {
        "owner": owner, "rival": Actor(uuid4(), Role.COMPANY, other), "bank": Actor(uuid4(), Role.BANK, uuid4()),
        "official": Actor(uuid4(), Role.PROVINCE, uuid4(), "500000"), "public": Actor(UUID(int=0), Role.PUBLIC),
        "supervisor": Actor(uuid4(), Role.SUPERVISOR, uuid4()),
    }  # fmt: skip
    for name, actor in seen.items():
        with acting(actor):
            rows = Profile.objects.filter(party_id=mine)
            assert rows.exists() == (name in {"owner", "supervisor"}), name
            assert rows.update(facts={"forged": True}) == (1 if name == "owner" else 0), name
    with pytest.raises(NotEntitled):
        state_facts(party_id=mine, facts={"employees": 1}, origin=origin(seen["rival"]))


def test_outside_a_transaction_of_an_actor_nothing_confidential_is_seen(fresh_db: str) -> None:
    from luhai.core.parties.models import Profile

    party(facts={"employees": {"value": 9}})
    assert not Profile.objects.exists()


# ------------------------------------------------------- what a review found, and would find again


@pytest.mark.django_db
def test_a_company_membership_cannot_mint_a_token_for_an_officers(settings: Any) -> None:
    """Otherwise an officer could pass by the second factor."""
    officer = member(Role.OPERATOR, "agency", "operator")
    company = party()
    add_membership(person_id=officer.person_id, party_id=company, role="company_member", territory=None, origin=origin())
    as_company = next(m for m in queries.memberships_of(officer.person_id) if m.role == Role.COMPANY)
    with pytest.raises(NotEntitled):
        issue_token(
            membership_id=officer.id, name="t", scopes=["*:write"], days=30, secret_digest="0" * 64, token_id=uuid4(),
            origin=origin(as_company.actor),
        )  # fmt: skip


@pytest.mark.django_db
def test_an_account_that_opened_itself_becomes_no_officer(client: Client) -> None:
    form = {"email": "governor@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/accounts/signup/", form).status_code == 302
    person = queries.person_by_email("governor@example.org")
    assert person is not None
    with pytest.raises(NotVouched):
        add_membership(
            person_id=person.pk, party_id=party("agency", "pboc"), role="supervisor", territory=None, origin=origin()
        )
    # Signed in and acting for nobody, a page that is not open to them says so and does not send them round in circles.
    response = client.get("/overview/")
    assert response.status_code == 403
    problem = client.get("/api/v1/matching/queue").json()
    assert (problem["status"], problem["code"]) == (403, "not_permitted")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "facts",
    [
        {"a": "\ud800"}, {"a": "x\x00"}, {"a\x00": 1}, {"a": 1.5}, {"a": {"b": 1}}, {"a": [[1]]}, {"a": 2**60},
        {"a": "x" * 201}, {"a": [1] * 51}, {"A B": 1},
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_fact_is_refused(facts: dict[str, Any]) -> None:
    company = party()
    with pytest.raises(Invalid):
        state_facts(party_id=company, facts=facts, origin=origin(Actor(uuid4(), Role.COMPANY, company)))


@pytest.mark.django_db
def test_a_company_cannot_overwrite_what_a_register_said() -> None:
    company = party(facts={"overdue": {"value": True, "source": "register", "as_of": "2026-01-01"}})
    actor = Actor(uuid4(), Role.COMPANY, company)
    with pytest.raises(RegisteredFact):
        state_facts(party_id=company, facts={"overdue": False}, origin=origin(actor))
    assert queries.profile(party_id=company, viewer=actor)["overdue"]["value"] is True


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via", "X-Forwarded-Host"])
def test_behind_a_proxy_nobody_is_local(client: Client, settings: Any, header: str) -> None:
    settings.DEMO = True
    assert client.get("/demo/").status_code == 200
    assert client.get("/demo/", headers={header: "203.0.113.9"}).status_code == 404
    assert client.get("/metrics", headers={header: "203.0.113.9"}).status_code == 403


@pytest.mark.django_db
def test_the_demo_signs_in_invented_accounts_only(client: Client, settings: Any) -> None:
    settings.DEMO = True
    from luhai.core.parties.models import Party

    membership = member(Role.OPERATOR, "agency", "operator")
    assert client.post("/demo/", {"membership": str(membership.id)}).status_code == 302
    client.logout()
    with acting(SYSTEM):
        Party.objects.update(invented=False)
    assert client.post("/demo/", {"membership": str(membership.id)}).status_code == 404
