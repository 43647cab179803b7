"""The pages of payments, in both languages: who sees what, what each form does, and what is said when it cannot be."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from luhai.core.evidence import commands as papers
from luhai.core.parties.models import Person
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.settlement.messages.write import write
from luhai.settlement.payments import commands, desk_queries, queries
from luhai.settlement.payments.tests.world import (
    NOON,
    TODAY,
    Desk,
    Loan,
    blocked,
    by,
    company,
    id_of,
    ledger_account_of,
    official,
    on,
    sent,
    state,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Officers need no second factor here, that wall has its own test; and pages look at the clock of the messages."""
    settings.DEMO = True
    monkeypatch.setattr(timezone, "now", lambda: NOON)


def signed_in(actor: Actor, language: str = "en") -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE=language)
    client.cookies["django_language"] = language
    client.force_login(Person.objects.get(pk=actor.person_id), backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def address(payment: UUID) -> str:
    return f"/payments/{payment}/"


def posted(client: Client, page: str, **fields: Any) -> Any:
    return client.post(page, {"key": str(uuid4()), **fields})


def words(client: Client, to: str, status: int = 200) -> str:
    answer = client.get(to)
    text = answer.content.decode()
    assert answer.status_code == status, text[-1500:]
    return text


# --- lists --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "title", "nothing"), [("zh-hans", "跨境收付", "没有待办"), ("en", "Payments", "No payment waits")])
def test_an_empty_queue_says_what_will_stand_here(language: str, title: str, nothing: str) -> None:
    desk = Desk()
    text = words(signed_in(desk.bank, language), "/payments/")
    assert f"<h1>{title}</h1>" in text
    assert nothing in text


def test_what_is_in_the_way_stands_first_and_says_what_is_missing() -> None:
    desk = Desk()
    clear, credited = desk.clear(desk.came(300_00, "CNY")), desk.clear(desk.came(400_00, "CNY"))
    desk.settle(credited)
    new, stopped = desk.came(100_00, "CNY"), blocked(desk, desk.came(200_00, "CNY"))
    client = signed_in(desk.bank)
    text = words(client, "/payments/")
    at = [text.index(address(p)) for p in (stopped, new, clear)]
    assert at == sorted(at), "blocked, then unchecked, then what is to be credited"
    assert address(credited) not in text
    assert "An invoice is at hand, or contract and declaration in its place" in text
    assert "no document attached" in text
    assert "0 hours" in text
    assert address(credited) in words(client, "/payments/?group=ended")
    assert all(address(p) in words(client, "/payments/?group=all") for p in (clear, credited, new, stopped))
    only = words(client, "/payments/?state=BLOCKED")
    assert (address(stopped) in only, address(new) in only) == (True, False)
    assert address(new) in words(client, "/payments/?text=siam")
    assert "No payment fits these filters" in words(client, "/payments/?text=nobody")
    assert words(client, "/payments/?state=NONSENSE", 422)


def test_the_queue_goes_on_page_by_page_and_loses_nobody() -> None:
    desk = Desk()
    made = [blocked(desk, desk.came()) if n % 2 else desk.came() for n in range(5)]
    for group in ("open", "all"):
        seen: list[UUID] = []
        cursor = ""
        while True:
            found = desk_queries.queue(group=group, cursor=cursor, limit=2, viewer=desk.bank)
            seen += [line.id for line in found.items]
            cursor = found.next
            if not cursor:
                break
        assert sorted(seen) == sorted(made)
        if group == "open":
            assert [state(key) for key in seen] == ["BLOCKED", "BLOCKED", "RECEIVED", "RECEIVED", "RECEIVED"]


def test_strangers_find_nothing_and_overseers_all() -> None:
    desk, other = Desk(), Desk()
    payment = desk.came()
    for stranger in (other.bank, other.company, other.partner, company()):
        assert signed_in(stranger).get(address(payment)).status_code == 404
        assert posted(signed_in(stranger), address(payment), act="return", reason_code="CUST", reason="x").status_code == 404
        assert address(payment) not in words(signed_in(stranger), "/payments/?group=all")
        assert signed_in(stranger).get(f"{address(payment)}messages/1").status_code == 404
    assert state(payment) == "RECEIVED"
    for overseer in (official(Role.SUPERVISOR), official(Role.OPERATOR)):
        assert "Who pays whom" in words(signed_in(overseer), address(payment))
        assert address(payment) in words(signed_in(overseer), "/payments/")
    assert Client().get("/payments/").status_code == 302


# --- one payment --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", ["Who pays whom", "commercial invoice CF-2026-031", "has waited", "Attach a document", "UETR", "payment order", "As XML"]),
        ("zh-hans", ["付款与收款", "商业发票 CF-2026-031", "已等待", "附上单证", "UETR", "付款指令", "查看 XML"]),
    ],
)
def test_a_payment_tells_who_pays_whom_for_what_and_what_comes_next(language: str, says: list[str]) -> None:
    desk = Desk()
    desk.declared()
    text = words(signed_in(desk.company, language), address(desk.came()))
    for word in says:
        assert word in text, word


def test_from_the_documents_to_the_credit_on_the_page() -> None:
    desk = Desk()
    own = desk.papers()
    payment = desk.came()
    firm, bank = signed_in(desk.company), signed_in(desk.bank)
    for paper in own:
        assert posted(firm, address(payment), act="attach", evidence=paper).status_code == 302
    assert posted(bank, address(payment), act="check", situation="goods_after_shipment").status_code == 302
    text = words(bank, address(payment))
    assert state(payment) == "CLEAR"
    assert "goods-in@2026-01-01" in text
    assert "/policies/measures/M08-01/" in text
    assert "What crediting will do" in text
    assert "reference rate of the European Central Bank" in text
    seen = desk_queries.outlook(payment_id=payment, on=TODAY, viewer=desk.bank)
    assert posted(bank, address(payment), act="settle").status_code == 302
    credit = queries.payment(payment_id=payment, viewer=SYSTEM).credit
    assert credit is not None
    assert (credit.amount, credit.rate, credit.rate_on, credit.source) == (seen.amount, seen.rate, seen.rate_on, seen.source)
    assert seen.declaration is not None
    assert credit.used == seen.declaration.uses
    assert on(ledger_account_of(desk.account)) == seen.amount
    text = words(firm, address(payment))
    for word in ("How it was credited", "notice of a credit", "sent the payment", "credited it"):
        assert word in text, word


def test_a_rate_that_the_bank_states_is_shown_before_it_is_used() -> None:
    desk = Desk()
    payment = desk.clear(desk.came())
    client = signed_in(desk.bank)
    answer = posted(client, address(payment), act="preview", rate="7.2", source="our quote of 10:15")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "CN¥72,000" in text
    assert "as you state it: our quote of 10:15" in text
    assert state(payment) == "CLEAR", "asking does nothing"
    for fields, field in [({"rate": "much", "source": "x"}, "rate"), ({"rate": "7.2"}, "source"), ({"source": "x"}, "rate")]:
        for act in ("preview", "settle"):
            answer = posted(client, address(payment), act=act, **fields)
            assert answer.status_code == 422
            assert f'id="{field}-error"' in answer.content.decode(), (act, fields)
    assert posted(client, address(payment), act="settle", rate="7.2", source="our quote of 10:15").status_code == 302
    assert desk.money == 72_000_00


def test_documents_are_attached_and_taken_away_by_kind_and_number() -> None:
    desk = Desk()
    paper = desk.declared()
    payment = desk.came()
    client = signed_in(desk.company)
    text = words(client, address(payment))
    assert '<optgroup label="customs declaration">' in text
    assert f'<option value="{paper}"' in text
    key = str(uuid4())
    for _again in range(2):
        assert posted(client, address(payment), key=key, act="attach", evidence=paper).status_code == 302
    assert [a.evidence_id for a in queries.payment(payment_id=payment, viewer=SYSTEM).attachments] == [paper]
    answer = posted(client, address(payment), act="attach", evidence=paper)
    assert answer.status_code == 422
    assert 'id="evidence-error"' in answer.content.decode()
    for wrong in ("", "x", uuid4()):
        assert posted(client, address(payment), act="attach", evidence=wrong).status_code == 422
    assert posted(client, address(payment), act="detach", evidence=paper).status_code == 302
    assert not queries.payment(payment_id=payment, viewer=SYSTEM).attachments


def test_findings_stand_with_what_was_wanted_beside_what_was_found() -> None:
    desk = Desk()
    payment = desk.came(20_000_00)
    desk.attach(payment, *desk.papers(10_000_00))
    desk.check(payment)
    assert state(payment) == "BLOCKED"
    text = words(signed_in(desk.company), address(payment))
    assert "USD 20,000.00" in text
    assert "≤ USD 10,000.00" in text
    assert "does not agree" in text
    assert 'class="late"' in text
    verdict = queries.payment(payment_id=payment, viewer=SYSTEM).verdict
    assert verdict is not None
    assert any(f["rule"] for f in verdict.findings)
    assert "since 1 Jan 2024" in text, "a parameter with its day"
    assert "本平台单证核验规则" in text, "and its source"
    assert "与单证" in words(signed_in(desk.company, "zh-hans"), address(payment))
    text = words(signed_in(desk.bank), address(payment))
    assert "two persons of the bank can let" in text


def test_two_persons_let_it_pass_and_one_cannot() -> None:
    desk = Desk()
    payment = blocked(desk, desk.came(50_00, "CNY"))
    first, second = signed_in(desk.bank), signed_in(desk.second)
    for fields, field in [
        ({"reason_code": "because", "reason": "x"}, "propose-code"), ({"reason_code": "group_payment", "reason": " "}, "propose-reason"),
        ({"reason_code": "group_payment", "reason": "x" * 401}, "propose-reason"),
    ]:  # fmt: skip
        answer = posted(first, address(payment), act="propose", **fields)
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.content.decode()
    assert posted(first, address(payment), act="propose", reason_code="group_payment", reason="central agreement 7").status_code == 302
    text = words(first, address(payment))
    assert 'value="approve"' not in text
    assert "You proposed it; another person of the bank must decide." in text
    answer = posted(first, address(payment), act="approve")
    assert answer.status_code == 422
    assert "four eyes" in answer.content.decode()
    assert state(payment) == "BLOCKED"
    text = words(second, address(payment))
    assert "central agreement 7" in text
    assert 'value="approve"' in text
    assert "waits for a second person" in words(second, "/payments/")
    assert posted(second, address(payment), act="approve").status_code == 302
    assert state(payment) == "OVERRIDDEN"
    assert posted(first, address(payment), act="settle").status_code == 302
    assert state(payment) == "CREDITED"


def test_a_payment_that_repays_a_loan_says_so_before_and_the_refusal_has_a_way_out() -> None:
    desk = Desk()
    loan = Loan(desk)
    good, little = desk.clear(loan.came(60_000_00)), desk.clear(loan.came(1_000_00))
    client = signed_in(desk.bank)
    text = words(client, address(little))
    assert "Principal repaid" in text
    assert "The pledge on the goods is released" in text
    assert "CN¥49,800 short" in text
    answer = posted(client, address(little), act="settle")
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "The escrow is not carried out yet: the payment is less than what is owed." in text
    assert "can go to another account of the company instead" in text
    assert (state(little), loan.owed) == ("CLEAR", 50_800_00)
    assert "托管尚不能执行：款项少于所欠金额。" in posted(signed_in(desk.bank, "zh-hans"), address(little), act="settle").content.decode()
    assert posted(client, address(little), act="settle", to="x").status_code == 422
    assert posted(client, address(little), act="settle", to=desk.account).status_code == 302
    assert (state(little), desk.money) == ("CREDITED", 1_000_00)
    assert "the payment covers it" in words(client, address(good))
    assert posted(client, address(good), act="settle").status_code == 302
    assert (loan.owed, loan.pledged, loan.state) == (0, 0, "EXECUTED")
    assert f"/escrow/{loan.id}/" in words(signed_in(desk.company), address(good))


def test_documents_that_changed_after_the_check_are_marked() -> None:
    desk = Desk()
    own = desk.papers()
    payment = desk.clear(desk.came(), own)
    papers.cancel_evidence(evidence_id=own[0], reason="withdrawn", origin=by(desk.company))
    text = words(signed_in(desk.bank), address(payment))
    assert "changed since the check" in text
    assert "taken back" in text
    answer = posted(signed_in(desk.bank), address(payment), act="settle")
    assert answer.status_code == 422
    assert "Documents changed since the check" in answer.content.decode()
    assert desk.money == 0


def test_it_goes_back_with_a_reason_and_once() -> None:
    desk = Desk()
    payment = desk.came()
    client = signed_in(desk.bank)
    for fields, field in [({"reason_code": "NOPE", "reason": "x"}, "return-code"), ({"reason_code": "CUST", "reason": "不要"}, "return-reason")]:
        answer = posted(client, address(payment), act="return", **fields)
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.content.decode()
    key = str(uuid4())
    for _again in range(2):
        assert posted(client, address(payment), key=key, act="return", reason_code="CUST", reason="not ordered").status_code == 302
    assert [m for m in sent(payment) if "pacs.004" in m] == ["out pacs.004"]
    assert "return of a payment" in words(client, address(payment))
    answer = posted(client, address(payment), act="check", situation="goods_after_shipment")
    assert answer.status_code == 422
    assert "while the payment stands as: Returned" in answer.content.decode()


def test_pressing_credit_twice_credits_once() -> None:
    desk = Desk()
    payment = desk.clear(desk.came(70_00, "CNY"))
    client, key = signed_in(desk.bank), str(uuid4())
    for _again in range(2):
        assert posted(client, address(payment), key=key, act="settle").status_code == 302
    assert desk.money == 70_00


def test_acts_that_are_not_offered_are_refused_in_words() -> None:
    desk = Desk()
    payment = desk.came()
    for who in (desk.bank, desk.company, desk.partner):
        for fields in ({"act": "nonsense"}, {"act": ""}, {"act": "receive"}, {"act": "settle"}, {"act": "approve"}):
            answer = posted(signed_in(who), address(payment), **fields)
            assert answer.status_code == 422, (who.role, fields)
            assert 'role="alert"' in answer.content.decode()
    assert posted(signed_in(desk.bank), address(payment), act="check", situation="x").status_code == 422
    assert state(payment) == "RECEIVED"


def test_the_bank_that_sent_it_sees_state_and_messages_only() -> None:
    desk = Desk()
    payment = desk.clear(desk.came())
    desk.settle(payment)
    client = signed_in(desk.partner)
    text = words(client, address(payment))
    assert "payment order" in text
    assert "credited to the creditor" in text
    for hidden in ("notice of a credit", "The check", ">Documents attached<", ">History<", "goods-in@"):
        assert hidden not in text, hidden
    found = queries.messages_of(payment_id=payment, viewer=desk.partner)
    for n, message in enumerate(found, 1):
        answer = client.get(f"{address(payment)}messages/{n}")
        assert answer.content.decode() == message.content
        assert "attachment" in answer["Content-Disposition"]
    assert client.get(f"{address(payment)}messages/{len(found) + 1}").status_code == 404
    assert client.get(f"{address(payment)}messages/0").status_code == 404


# --- receiving ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["bank", "partner"])
def test_a_message_is_pasted_or_uploaded_and_answered(who: str) -> None:
    desk = Desk()
    client, xml = signed_in(getattr(desk, who)), write(desk.order()).decode()
    answer = posted(client, "/payments/receive/", content=xml)
    text = answer.content.decode()
    assert answer.status_code == 200, text[-1500:]
    (payment,) = queries.payments(viewer=SYSTEM).items
    assert "ACSP" in text
    assert address(payment.id) in text
    assert "pacs.002" in text
    again = posted(client, "/payments/receive/", content=xml)
    assert address(payment.id) in again.content.decode()
    other = SimpleUploadedFile("order.xml", write(desk.order()), content_type="application/xml")
    assert posted(client, "/payments/receive/", file=other).status_code == 200
    assert len(queries.payments(viewer=SYSTEM).items) == 2


@pytest.mark.parametrize(("language", "why"), [("en", "There is no account of this number"), ("zh-hans", "没有这个账号")])
def test_a_rejection_is_an_answer_and_stays_listed(language: str, why: str) -> None:
    desk = Desk()
    client = signed_in(desk.partner, language)
    xml = write(desk.order()).decode().replace(desk.number, "99990000")
    answer = posted(client, "/payments/receive/", content=xml)
    assert answer.status_code == 200
    assert why in answer.content.decode()
    assert not queries.payments(viewer=SYSTEM).items
    assert why in words(signed_in(desk.bank, language), "/payments/receive/")
    assert why not in words(signed_in(Desk().bank, language), "/payments/receive/")


def test_what_is_no_message_is_said_at_its_field_and_stays_typed() -> None:
    desk = Desk()
    client = signed_in(desk.bank)
    good = write(desk.order()).decode()
    for content in ("hello", "", good.replace("ChrgBr>", "ChgBr>"), "<a>x</a>"):
        answer = posted(client, "/payments/receive/", content=content)
        text = answer.content.decode()
        assert answer.status_code == 422, content[:20]
        assert 'id="xml-error"' in text
        assert not content or "ChgBr" in text or content.replace("<", "&lt;").replace(">", "&gt;") in text
    wrong = SimpleUploadedFile("order.xml", "<Ä/>".encode("utf-16"))
    assert posted(client, "/payments/receive/", file=wrong).status_code == 422
    other = Desk()
    answer = posted(signed_in(other.bank), "/payments/receive/", content=good)
    assert answer.status_code == 422
    assert "may do this" in answer.content.decode()
    for nobody in (desk.company, official(Role.SUPERVISOR)):
        assert signed_in(nobody).get("/payments/receive/").status_code == 403


# --- numbers ------------------------------------------------------------------------------------------------------------


def test_a_bank_gives_a_number_and_pressing_twice_gives_it_once() -> None:
    desk = Desk()
    client, key = signed_in(desk.bank), str(uuid4())
    said = {"leads": "new", "company": str(id_of(desk.company)), "number": "62220001", "currency": "USD"}
    for _again in range(2):
        assert posted(client, "/payments/accounts/", key=key, **said).status_code == 302
    assert {a.number for a in queries.accounts(viewer=desk.company)} == {desk.number, "62220001"}
    for changes, field in [
        ({"number": "62220001"}, "number"), ({"number": "-"}, "number"), ({"company": "Nobody"}, "company"),
        ({"number": "6", "currency": "XXX"}, "currency"), ({"number": "6", "leads": "moon"}, "leads"),
        ({"number": "6", "leads": "deposit"}, "leads"), ({"number": "6", "leads": "leg"}, "leg"),
        ({"number": "6", "company": str(id_of(desk.bank))}, "company"),
    ]:  # fmt: skip
        answer = posted(client, "/payments/accounts/", **(said | changes))
        text = answer.content.decode()
        assert answer.status_code == 422, changes
        assert f'id="{field}-error"' in text or field == "leg", (changes, field)
    assert len(queries.accounts(viewer=desk.company)) == 2


def test_a_number_leads_to_the_escrow_of_a_loan() -> None:
    desk = Desk()
    loan = Loan(desk)
    account = next(a for a in queries.accounts(viewer=desk.bank) if a.number == loan.number)
    assert account.escrow_id == loan.id
    assert [(x.escrow_id, x.numbered) for x in desk_queries.legs(viewer=desk.bank)] == [(loan.id, True)]
    text = words(signed_in(desk.bank), "/payments/accounts/")
    assert "collection account of an escrow" in text
    assert f'value="{account.ledger_account}"' not in text, "it has a number already"
    answer = posted(signed_in(desk.bank), "/payments/accounts/", leads="leg", leg=account.ledger_account, number="77")
    assert answer.status_code == 422
    assert 'id="number-error"' in answer.content.decode()
    assert not desk_queries.legs(viewer=Desk().bank)


def test_companies_see_their_numbers_and_give_none() -> None:
    desk = Desk()
    for language, title in (("en", "Account numbers"), ("zh-hans", "收款账号")):
        text = words(signed_in(desk.company, language), "/payments/accounts/")
        assert title in text
        assert desk.number in text
        assert "<textarea" not in text
        assert 'name="number"' not in text
    answer = posted(signed_in(desk.company), "/payments/accounts/", leads="new", company="x", number="1", currency="CNY")
    assert answer.status_code in (403, 422)
    assert desk.number not in words(signed_in(company()), "/payments/accounts/")


def test_who_proposed_is_named_to_the_bank_alone() -> None:
    desk = Desk()
    payment = blocked(desk, desk.came(50_00, "CNY"))
    commands.propose_override(payment_id=payment, reason_code="group_payment", reason="x", origin=by(desk.bank))
    assert set(desk_queries.persons(payment_id=payment, viewer=desk.second)) == {desk.bank.person_id}
    assert desk_queries.persons(payment_id=payment, viewer=official(Role.SUPERVISOR))
