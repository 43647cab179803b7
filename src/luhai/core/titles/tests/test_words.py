"""Refusals of titles in words: people read names in their language, programs the codes; also when the refusal is read again."""

from __future__ import annotations

import re
from itertools import product
from uuid import uuid4

import pytest
from django.utils.translation import gettext, override

from luhai.core.titles import commands, forms, lifecycle, policy
from luhai.core.titles.lifecycle import NEXT, RULES, Act, State
from luhai.core.titles.tests import world
from luhai.core.titles.tests.test_web import browser
from luhai.core.titles.tests.world import NOON, by, id_of
from luhai.kernel.origin import Origin
from luhai.kernel.refusal import Refusal
from luhai.shell.texts import in_words

CODES = re.compile(r"\b[A-Z]{2,}(_[A-Z]+)*\b|\b[a-z]+_[a-z_]+\b|%\(")


def test_every_forbidden_act_in_every_state_is_said_in_both_languages() -> None:
    forbidden = [(state, act) for state, act in product(State, Act) if (state, act) not in NEXT]
    assert len(forbidden) > 100
    for state, act in forbidden:
        with pytest.raises(policy.ActNotAllowed) as refused:
            policy.allowed(state, act)
        facts = refused.value.facts
        assert (facts["state"], facts["act"]) == (state.value, act.value), "programs read codes"
        with override("en"):
            english = in_words(refused.value)
        with override("zh-hans"):
            chinese = in_words(refused.value)
            assert gettext(lifecycle.STATE_NAMES[state]) in chinese
            assert gettext(lifecycle.ACT_NAMES[act]) in chinese
        assert lifecycle.STATE_NAMES[state] in english
        assert lifecycle.ACT_NAMES[act] in english
        assert not CODES.search(english), english
        assert not re.search(r"[A-Za-z_]", chinese), chinese


def test_no_refusal_of_titles_shows_a_code_of_state_or_act() -> None:
    found = [
        kind
        for module in (commands, policy, forms)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Refusal) and kind.__module__ == module.__name__
    ]
    assert policy.ActNotAllowed in found
    for kind in found:
        assert not re.search(r"%\((act|state|form|key|sort)\)s", kind.message), kind
        with override("zh-hans"):
            assert gettext(kind.message) != kind.message, kind


def test_who_may_is_said_in_both_languages() -> None:
    for act, rule in RULES.items():
        with override("zh-hans"):
            assert gettext(lifecycle.WHO_NAMES[rule.who]) != lifecycle.WHO_NAMES[rule.who], act


@pytest.mark.django_db
def test_a_refusal_that_is_read_again_says_the_same() -> None:
    issuer, owner, bank = world.company(), world.company(), world.bank()
    title = world.title(issuer, owner)
    commands.pledge_title(title_id=title, pledgee=id_of(bank), origin=by(owner))
    once = Origin(owner, uuid4(), NOON)
    said = []
    for _turn in range(2):
        with pytest.raises(Refusal) as refused:
            commands.transfer_title(title_id=title, to=id_of(issuer), origin=once)
        assert (refused.value.facts["act"], refused.value.facts["state"]) == ("transfer", "PLEDGED")
        with override("zh-hans"):
            said.append(in_words(refused.value))
    assert said == ["单证处于“已质押”状态，不能“转移控制”。"] * 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "expected"), [("en", "while the title is pledged"), ("zh-hans", "单证处于“已质押”状态")]
)
def test_the_page_and_the_api_say_it_in_the_readers_language(language: str, expected: str) -> None:
    issuer, owner, bank = world.company(), world.company(), world.bank()
    title = world.title(issuer, owner)
    commands.pledge_title(title_id=title, pledgee=id_of(bank), origin=by(owner))
    client = browser(owner)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    page = client.post(
        f"/titles/{title}/", {"key": str(uuid4()), "act": "transfer", "to": str(issuer.party_id)}
    )
    assert page.status_code == 422
    assert expected in page.content.decode()
    answer = client.post(
        f"/api/v1/titles/{title}/transfer", {"to": str(issuer.party_id)}, content_type="application/json",
        headers={"Idempotency-Key": str(uuid4())},
    )  # fmt: skip
    assert answer.status_code == 409
    assert expected in answer.json()["title"]
    assert "PLEDGED" in answer.content.decode(), "the code is a fact for programs"
