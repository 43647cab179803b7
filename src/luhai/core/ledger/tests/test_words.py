"""What accounts and transfers are for, in words: on pages in the reader's language, in tables beside the code that options take."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from django.test import Client
from django.utils.translation import gettext, override

from conftest import NOON
from luhai.core.ledger import commands, policy
from luhai.core.ledger.cli import cli
from luhai.core.ledger.policy import Account, Bound, Transfer
from luhai.core.ledger.templatetags.ledger_words import account_kind, transfer_code
from luhai.core.ledger.tests.test_edges import browser, owner
from luhai.kernel.origin import Actor
from luhai.shell import terminal

__all__ = ["browser", "owner"]  # fixtures
NAMES = policy.KIND_NAMES | policy.CODE_NAMES


@pytest.mark.parametrize("code", NAMES)
def test_every_name_is_said_in_two_languages(code: str) -> None:
    filters = [(account_kind, policy.KIND_NAMES), (transfer_code, policy.CODE_NAMES)]
    for filter_, names in filters:
        if code not in names:
            continue
        with override("en"):
            assert filter_(code) == names[code]
        with override("zh-hans"):
            assert filter_(code) == gettext(names[code]) != names[code]


@pytest.mark.parametrize("code", ["own.line", "loan.drawdown", "evidence.unheard_of", "", "evidence."])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_what_has_no_name_is_shown_as_it_is(code: str, language: str) -> None:
    with override(language):
        assert account_kind(code) == transfer_code(code) == code


@pytest.fixture
def line(owner: Actor) -> UUID:
    """A document's financing, half of it used, and a transfer with a code of the owner's own."""
    face, room, used = (uuid4() for _ in range(3))
    commands.open_accounts(
        [
            Account(id=key, unit="CNY", kind=f"evidence.{kind}", owner_id=owner.party_id, bound=bound)
            for key, kind, bound in (
                (face, "face", Bound.NONE), (room, "financing", Bound.DEBITS), (used, "financing_used", Bound.DEBITS)
            )
        ],
        at=NOON,
    )  # fmt: skip
    moves = [
        Transfer(id=uuid4(), debit=face, credit=room, unit="CNY", amount=100, code="evidence.face"),
        Transfer(id=uuid4(), debit=room, credit=used, unit="CNY", amount=50, code="evidence.use"),
        Transfer(id=uuid4(), debit=room, credit=used, unit="CNY", amount=1, code="loan.drawdown"),
    ]
    assert all(o.refused is None for o in commands.post(moves, at=NOON))
    return room


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "kind", "uses"),
    [
        (
            "en",
            "Still financeable on a document",
            ("A document&#x27;s amount is noted or changed", "A document is used"),
        ),
        ("zh-hans", "单证尚可融资额", ("登记或变更单证金额", "使用单证额度")),
    ],
)
def test_pages_say_names(
    browser: Client, line: UUID, language: str, kind: str, uses: tuple[str, ...]
) -> None:
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    for path in ("/ledger/", f"/ledger/{line}/"):
        page = browser.get(path).content.decode()
        assert f">{kind}<" in page
        assert "evidence.financing" in page, "the code is there for the filter and for programs"
    for use in uses:
        assert f">{use}<" in page
    assert "<code>loan.drawdown</code>" in page
    assert browser.get("/ledger/?kind=evidence.financing").content.decode().count(str(line)[:8]) >= 1


@pytest.mark.django_db
def test_tables_of_the_command_line_say_names_beside_codes(
    line: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments, expected in (
        (
            ["accounts", "--kind", "evidence.financing"],
            ["evidence.financing", "单证尚可融资额", "单证已融资额"],
        ),
        (["statement", str(line)], ["evidence.use", "使用单证额度", "loan.drawdown"]),
    ):
        with override("zh-hans"):
            monkeypatch.setattr(terminal.out, "_width", 400)
            with terminal.out.capture() as said:
                done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        for word in expected:
            assert word in said.get(), (word, said.get())
