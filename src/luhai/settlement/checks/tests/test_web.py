"""The page of customer grades, in both languages: who sees what, and what each form does and refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from luhai.core.evidence.tests.world import NOON, company, id_of, official
from luhai.core.parties.models import Person
from luhai.core.titles.tests.world import bank
from luhai.kernel.origin import Actor, Role
from luhai.settlement.checks import queries
from luhai.settlement.checks.tests.world import colleague

pytestmark = pytest.mark.django_db
TO = "/grades/"
REVIEW = (NOON + timedelta(days=90)).date().isoformat()


@pytest.fixture(autouse=True)
def _noon(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEMO = True  # officers need no second factor here; that wall has its own test
    monkeypatch.setattr(timezone, "now", lambda: NOON)


def signed_in(actor: Actor, language: str = "en") -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE=language)
    client.cookies["django_language"] = language
    client.force_login(Person.objects.get(pk=actor.person_id), backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def posted(client: Client, **fields: Any) -> Any:
    return client.post(TO, {"key": str(uuid4()), **fields})


def proposal(customer: Actor, **changes: Any) -> dict[str, Any]:
    return {
        "act": "propose", "company": str(id_of(customer)), "grade": "1", "directory_class": "A",
        "basis": "three years of steady exports\r\n\r\nno late papers", "next_review": REVIEW,
    } | changes  # fmt: skip


@pytest.mark.parametrize(("language", "title", "none"), [("zh-hans", "客户分类", "尚无分类"), ("en", "Customer grades", "No grade yet")])
def test_an_empty_page_says_what_counts_without_a_grade(language: str, title: str, none: str) -> None:
    for who in (bank(), company(), official(Role.SUPERVISOR)):
        text = signed_in(who, language).get(TO).content.decode()
        assert title in text
        assert none in text
    assert signed_in(bank(role=Role.PARTNER)).get(TO).status_code == 403
    assert Client().get(TO).status_code == 302


def test_one_proposes_and_another_approves() -> None:
    first, customer = bank(), company(name="Steady Exporter")
    second, key = colleague(first), str(uuid4())
    for _again in range(2):
        assert posted(signed_in(first), key=key, **proposal(customer)).status_code == 302
    (found,) = queries.grades(viewer=first).items
    assert found.basis == ["three years of steady exports", "no late papers"]
    text = signed_in(first).get(TO).content.decode()
    assert 'value="approve"' not in text
    assert "You proposed it; another person must approve." in text
    answer = posted(signed_in(first), act="approve", grade_id=found.id)
    assert answer.status_code == 422
    assert "does not approve it" in answer.content.decode()
    assert queries.grade_of(id_of(first), id_of(customer), NOON.date()) is None
    text = signed_in(second).get(TO).content.decode()
    assert 'value="approve"' in text
    assert "three years of steady exports" in text
    assert "一类" in signed_in(second, "zh-hans").get(TO).content.decode()
    assert posted(signed_in(second), act="approve", grade_id=found.id).status_code == 302
    now = queries.grade_of(id_of(first), id_of(customer), NOON.date())
    assert now is not None
    assert now.grade == 1
    answer = posted(signed_in(second), act="approve", grade_id=found.id)
    assert answer.status_code == 422
    assert "while the grade stands as: in force" in answer.content.decode()


def test_the_customer_sees_what_counts_and_never_why() -> None:
    first, customer = bank(), company(name="Steady Exporter")
    posted(signed_in(first), **proposal(customer))
    assert "No grade yet" in signed_in(customer).get(TO).content.decode(), "a proposal is not shown"
    posted(signed_in(colleague(first)), act="approve", grade_id=queries.grades(viewer=first).items[0].id)
    text = signed_in(customer).get(TO).content.decode()
    assert "1 · documents may follow" in text
    assert "steady exports" not in text
    assert "<textarea" not in text
    assert "Steady Exporter" not in signed_in(company()).get(TO).content.decode()
    other = signed_in(bank()).get(TO).content.decode()
    assert "steady exports" not in other
    assert "No grade yet" in other
    assert "steady exports" in signed_in(official(Role.SUPERVISOR)).get(TO).content.decode()
    assert posted(signed_in(customer), **proposal(customer)).status_code in (403, 422)


def test_what_is_wrong_is_said_at_its_field_and_stays_typed() -> None:
    client, customer = signed_in(bank()), company()
    for changes, field in [
        ({"company": "Nobody Ltd"}, "propose-company"), ({"grade": "4"}, "propose-grade"), ({"directory_class": "D"}, "propose-class"),
        ({"directory_class": "B"}, "propose-grade"), ({"basis": " "}, "propose-basis"), ({"basis": "x" * 401}, "propose-basis"),
        ({"next_review": "soon"}, "propose-review"), ({"next_review": "2020-01-01"}, "propose-review"),
        ({"next_review": "2099-01-01"}, "propose-review"),
    ]:  # fmt: skip
        answer = posted(client, **proposal(customer, **changes))
        text = answer.content.decode()
        assert answer.status_code == 422, changes
        assert f'id="{field}-error"' in text, (changes, field)
        assert next(iter(changes.values())).strip() in text
    for fields in ({"act": "nonsense"}, {"act": "approve", "grade_id": "x"}, {"act": "approve", "grade_id": str(uuid4())}):
        answer = posted(client, **fields)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()


def test_one_person_suspends_at_once_and_a_better_grade_waits() -> None:
    first, customer = bank(), company()
    second, key = colleague(first), str(uuid4())
    answer = posted(signed_in(first), act="suspend", company=str(id_of(customer)), reason=" ")
    assert answer.status_code == 422
    assert 'id="suspend-reason-error"' in answer.content.decode()
    for _again in range(2):
        said = {"act": "suspend", "company": str(id_of(customer)), "reason": "the address cannot be verified"}
        assert posted(signed_in(first), key=key, **said).status_code == 302
    now = queries.grade_of(id_of(first), id_of(customer), NOON.date())
    assert now is not None
    assert now.grade == 3
    assert "3 · the stricter check" in signed_in(customer).get(TO).content.decode()
    assert posted(signed_in(first), **proposal(customer, grade="2")).status_code == 302
    (proposed,) = queries.grades(state="PROPOSED", viewer=first).items
    answer = posted(signed_in(second), act="approve", grade_id=proposed.id)
    assert answer.status_code == 422
    assert "may be graded better from" in answer.content.decode()
    assert "proposed" in signed_in(first).get(f"{TO}?state=PROPOSED").content.decode()
    assert "No grade is in this state" in signed_in(first).get(f"{TO}?state=ENDED").content.decode()
