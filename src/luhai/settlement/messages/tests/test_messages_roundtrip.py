"""What is written is what is read, for all that the written types can say; what they cannot say is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.kernel.money import Currency, Money
from luhai.kernel.refusal import Invalid
from luhai.settlement.messages import compose, parts
from luhai.settlement.messages.message import (
    Account,
    Address,
    Amount,
    Charge,
    Entry,
    Message,
    Party,
    Reason,
    Referred,
    Remittance,
    Statement,
    Structured,
    Transaction,
)
from luhai.settlement.messages.read import read
from luhai.settlement.messages.tests.world import BANGKOK, CHONGQING, NOON, PAYMENT, order
from luhai.settlement.messages.write import write

#: Short and long, Latin and Chinese, with what XML must escape, and blanks that must survive inside.
TEXTS = [
    "A", "PO-2026-118", "Yutong & Sons <Ltd>", "重庆渝通进出口有限公司", "a  b", 'say "it\'s"', "ü/ß?:().,+", "x\u00a0y", "0", "-",
    "渝" * 200, "z]]>" * 60, "12345678" * 20,
]  # fmt: skip


def text(most: int) -> st.SearchStrategy[str]:
    return st.sampled_from([t[:most].strip() for t in TEXTS])


def maybe(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.just("") | strategy


codes = st.sampled_from(["A", "AC04", "GDDS", "9"])
#: A code of a list, or somebody's own.
OWN = [t[:35].strip() for t in TEXTS if len(t) > 4]
own_or_code = codes | st.sampled_from(OWN)
days = st.dates(date(1000, 1, 1), date(9999, 12, 31))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
instants = st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001 - Hypothesis wants the bounds without a zone
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=offsets,
)
uetrs = st.uuids(version=4).map(str)
amounts = st.builds(
    Amount,
    st.decimals(0, Decimal("9999999999999.99999"), places=5, allow_nan=False).map(lambda d: d.normalize()),
    st.sampled_from(["CNY", "THB", "USD", "VND", "KWD", "XAU", "ZZZ"]),
)
bics = st.sampled_from(["ICBKCNBJ", "ICBKCNBJCQG", "BKKBTHBKXXX", "DBSSSGSG"])
leis = st.sampled_from(["LUHAI0CQYUTONG000153", "5493001KJTIIGC8Y1R12"])
accounts = st.builds(
    Account, iban=st.just("GB33BUKB20201555555555"), kind=maybe(own_or_code), currency=maybe(st.just("CNY")), name=maybe(text(70))
) | st.builds(
    Account, number=text(34), scheme=maybe(own_or_code), kind=maybe(own_or_code), currency=maybe(st.just("THB")), name=maybe(text(70))
)  # fmt: skip
addresses = st.builds(
    Address, department=maybe(text(70)), sub_department=maybe(text(70)), street=maybe(text(70)), building=maybe(text(16)),
    building_name=maybe(text(35)), floor=maybe(text(70)), post_box=maybe(text(16)), room=maybe(text(70)),
    postcode=maybe(text(16)), town=maybe(text(35)), town_location=maybe(text(35)), district=maybe(text(35)),
    subdivision=maybe(text(35)), country=maybe(st.sampled_from(["CN", "TH", "SG"])),
    lines=st.lists(text(70), max_size=7).map(tuple),
).filter(lambda a: a != Address())  # fmt: skip
identifiers = st.lists(st.tuples(maybe(own_or_code), text(35)), max_size=2).map(tuple)


def customers(role: str, held: st.SearchStrategy[Account | None]) -> st.SearchStrategy[Party]:
    common = {
        "role": st.just(role), "name": maybe(text(140)), "address": st.none() | addresses,
        "residence": maybe(st.sampled_from(["CN", "LA"])), "account": held,
    }  # fmt: skip
    organisations = st.builds(Party, bic=maybe(bics), lei=maybe(leis), identifiers=identifiers, **common)
    people = st.builds(Party, person=st.just(True), identifiers=identifiers, **common)
    return organisations | people


def institutions(role: str, held: st.SearchStrategy[Account | None]) -> st.SearchStrategy[Party]:
    return st.builds(
        Party, role=st.just(role), institution=st.just(True), name=maybe(text(140)), address=st.none() | addresses,
        bic=maybe(bics), lei=maybe(leis), identifiers=identifiers.map(lambda i: i[:1]), branch=maybe(text(35)), account=held,
    ).flatmap(lambda p: st.tuples(st.just(p), st.just("") | text(28), maybe(st.sampled_from(OWN)))).map(
        lambda t: replace(t[0], clearing_member=t[1], clearing_system=t[2] if t[1] else "")
    )  # fmt: skip


def people(*, accounted: bool, needed: tuple[str, ...]) -> st.SearchStrategy[tuple[Party, ...]]:
    """Some of everybody who can have a part, in their order; `needed` are always there."""
    held = st.none() | accounts if accounted else st.none()
    agents = ["debtor_agent", "creditor_agent", "intermediary_agent_1"]
    others = ["ultimate_debtor", "initiating", "debtor", "creditor", "ultimate_creditor"]
    chosen = []
    for role in [*agents, *others]:
        accounted_here = (
            held if role not in {"ultimate_debtor", "initiating", "ultimate_creditor"} else st.none()
        )
        make = institutions(role, accounted_here) if role in agents else customers(role, accounted_here)
        chosen.append(make if role in needed else st.none() | make)
    return st.tuples(*chosen).map(lambda found: parts.in_order(p for p in found if p is not None))


kinds = st.sampled_from(["CINV", "CREN", "SOAC", "PUOR", "BOLD"])
blocks = st.builds(
    Structured,
    documents=st.lists(st.builds(Referred, kind=maybe(kinds), number=maybe(text(35)), dated=st.none() | days), max_size=2).map(tuple),
    due=st.none() | amounts, remitted=st.none() | amounts, reference=maybe(text(35)), notes=st.lists(text(140), max_size=3).map(tuple),
) | st.builds(
    Structured, reference_kind=st.sampled_from(["SCOR", "own kind"]), reference_issuer=maybe(text(35)), reference=text(35)
)  # fmt: skip
remittances = st.none() | st.builds(
    Remittance, lines=st.lists(text(140), max_size=2).map(tuple), structured=st.lists(blocks, max_size=2).map(tuple)
).filter(lambda r: r != Remittance())  # fmt: skip
reasons = st.builds(
    Reason, code=codes, info=st.lists(text(105), max_size=2).map(tuple),
    originator=st.none() | customers("originator", st.none()),
) | st.builds(Reason, proprietary=text(35))  # fmt: skip
charges = st.lists(
    st.builds(Charge, amount=amounts, agent=institutions("charges_agent", st.none())), max_size=2
).map(tuple)
rates = st.none() | st.decimals(Decimal("0.0001"), 9999, places=6, allow_nan=False)
ids = {
    "instruction_id": maybe(text(35)),
    "end_to_end_id": text(35),
    "transaction_id": maybe(text(35)),
    "uetr": maybe(uetrs),
}

payments = st.builds(
    Transaction, **ids, clearing_reference=maybe(text(35)), amount=amounts, instructed=st.none() | amounts, rate=rates,
    settled_on=st.none() | days, accepted=st.none() | instants, priority=maybe(st.sampled_from(["HIGH", "NORM"])),
    service_level=maybe(own_or_code), category_purpose=maybe(own_or_code), purpose=maybe(own_or_code),
    charge_bearer=st.sampled_from(["DEBT", "CRED", "SHAR", "SLEV"]), charges=charges,
    parties=people(accounted=True, needed=("debtor", "debtor_agent", "creditor_agent", "creditor")), remittance=remittances,
)  # fmt: skip
banks = st.sampled_from(
    [CHONGQING, BANGKOK, Party(role="sender", institution=True, bic="DBSSSGSG", lei="5493001KJTIIGC8Y1R12")]
)
orders = st.builds(
    compose.credit_transfer, id=text(35), created=instants, sender=banks, receiver=banks, transaction=payments,
    settlement_method=st.sampled_from(["INDA", "INGA", "COVE", "CLRG"]), service=text(35),
)  # fmt: skip


def comes_back(message: Message) -> None:
    assert read(write(message)) == message


@given(orders)
def test_credit_transfers(message: Message) -> None:
    comes_back(message)


@given(
    orders, text(35), instants, st.sampled_from(["ACSP", "ACCC", "RJCT", "PDNG"]), st.none() | reasons, st.none() | instants
)  # fmt: skip
def test_status_reports(
    sent: Message, id: str, at: datetime, status: str, reason: Reason | None, accepted: datetime | None
) -> None:
    comes_back(
        compose.status_report(sent, id=id, created=at, status=status, reason=reason, accepted=accepted)
    )


@given(
    orders,
    text(35),
    instants,
    days,
    reasons,
    st.none() | amounts,
    charges,
    maybe(st.sampled_from(["SHAR", "CRED"])),
)
def test_payment_returns(
    sent: Message, id: str, at: datetime, day: date, reason: Reason, amount: Amount | None,
    taken: tuple[Charge, ...], bearer: str,
) -> None:  # fmt: skip
    comes_back(
        compose.payment_return(
            sent,
            id=id,
            created=at,
            settled_on=day,
            reason=reason,
            amount=amount,
            charges=taken,
            charge_bearer=bearer,
        )
    )


@given(orders, text(35), instants, days, text(35), st.sampled_from(["CRDT", "DBIT"]), st.none() | amounts)
def test_notifications_of_orders(
    sent: Message, id: str, at: datetime, day: date, reference: str, direction: str, amount: Amount | None
) -> None:
    def notified() -> Message:
        return compose.notification(
            sent, id=id, created=at, direction=direction, booked_on=day, servicer_reference=reference,
            sender=BANGKOK, receiver=CHONGQING, amount=amount,
        )  # fmt: skip

    holder = sent.transactions[0].party("creditor" if direction == "CRDT" else "debtor")
    assert holder is not None
    if holder.account is not None:
        comes_back(notified())
        return
    with pytest.raises(Invalid) as refused:
        notified()
    assert refused.value.facts["problem"] == compose.NO_ACCOUNT


#: A rate stands between two amounts, so a line has one only with what was instructed.
details = st.builds(
    Transaction, **ids, batch_id=maybe(text(35)), servicer_reference=maybe(text(35)), clearing_reference=maybe(text(35)),
    amount=amounts, instructed=st.none() | amounts, rate=rates, settled_on=st.none() | days, accepted=st.none() | instants,
    direction=st.sampled_from(["CRDT", "DBIT"]), purpose=maybe(own_or_code), parties=people(accounted=True, needed=()).map(
        lambda found: tuple(p if not p.institution else replace(p, account=None) for p in found)
    ), remittance=remittances, reasons=st.lists(reasons, max_size=1).map(tuple),
    charges=st.lists(st.builds(Charge, amount=amounts, agent=st.none() | institutions("charges_agent", st.none())), max_size=2).map(tuple),
).map(lambda tx: tx if tx.instructed else replace(tx, rate=None))  # fmt: skip
entries = st.builds(
    Entry, amount=amounts, direction=st.sampled_from(["CRDT", "DBIT"]), status=st.sampled_from(["BOOK", "PDNG", "own status"]),
    reference=maybe(text(35)), reversal=st.booleans(), booked_on=st.none() | days, valued_on=st.none() | days,
    servicer_reference=maybe(text(35)), code=st.sampled_from(["PMNT/RCDT/XBCT", "NTRF+701", ""]), info=maybe(text(500)),
    transactions=st.lists(details, max_size=2).map(tuple),
)  # fmt: skip
statements = st.builds(
    Statement, id=text(35), account=accounts, sequence=st.none() | st.integers(0, 10**18 - 1), created=st.none() | instants,
    owner=st.none() | customers("account_owner", st.none()), servicer=st.none() | institutions("account_servicer", st.none()),
    entries=st.lists(entries, max_size=2).map(tuple),
)  # fmt: skip


@given(text(35), instants, st.lists(statements, min_size=1, max_size=2).map(tuple))
def test_notifications(id: str, at: datetime, found: tuple[Statement, ...]) -> None:
    """Bare, without a header, as it goes to a customer."""
    comes_back(Message(type="camt.054.001.08", id=id, created=at, dated=at.date(), statements=found))


# What cannot be said ------------------------------------------------------------------------------------------

SENT = order()
STATUS = compose.status_report(SENT, id="S", created=NOON, status="ACSP")


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (replace(SENT, type="pacs.008.001.09"), "type"),
        (replace(SENT, created=None), "Document/FIToFICstmrCdtTrf/GrpHdr/NbOfTxs"),
        (replace(SENT, dated=date(2026, 3, 3)), "dated"),
        (replace(SENT, case_id="K"), "case_id"),
        (replace(SENT, count=None), "Document/FIToFICstmrCdtTrf/GrpHdr/SttlmInf"),
        (order(direction="CRDT"), "transactions[0].direction"),
        (order(batch_id="B"), "transactions[0].batch_id"),
        (order(end_to_end_id=" blank"), "transactions[0].end_to_end_id"),
        (order(uetr="3E7B91D4-AF28-4C53-B6E1-92D4A7C83F52"), "Document/FIToFICstmrCdtTrf/CdtTrfTxInf/PmtId/UETR"),
        (order(end_to_end_id="x" * 36), "Document/FIToFICstmrCdtTrf/CdtTrfTxInf/PmtId/EndToEndId"),
        (order(end_to_end_id="a\x00"), "Document/FIToFICstmrCdtTrf/CdtTrfTxInf/PmtId/EndToEndId"),
        (order(amount=Amount(Decimal("-1"), "CNY")), "Document/FIToFICstmrCdtTrf/CdtTrfTxInf/IntrBkSttlmAmt"),
        (order(amount=Amount(Decimal("NaN"), "CNY")), "Document/FIToFICstmrCdtTrf/CdtTrfTxInf/IntrBkSttlmAmt"),
        (order(amount=Amount(Decimal("1"), "cny")), "Document/FIToFICstmrCdtTrf/CdtTrfTxInf/IntrBkSttlmAmt/@Ccy"),
        (order(remittance=Remittance()), "transactions[0].remittance"),
        (replace(STATUS, transactions=(replace(STATUS.transactions[0], purpose="GDDS"),)), "transactions[0].purpose"),
        (replace(STATUS, settlement_method="INDA"), "settlement_method"),
    ],
)  # fmt: skip
def test_what_a_type_cannot_say_is_refused(message: Message, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        write(message)
    assert refused.value.facts["field"] == field


def test_answers_need_an_order_of_one_payment_and_its_header() -> None:
    for broken, problem in (
        (replace(SENT, header=None), compose.NO_HEADER),
        (replace(SENT, transactions=()), compose.NO_TRANSACTION),
        (replace(SENT, transactions=SENT.transactions * 2), compose.NO_TRANSACTION),
    ):
        with pytest.raises(Invalid) as refused:
            compose.status_report(broken, id="S", created=NOON, status="ACSP")
        assert refused.value.facts["problem"] == problem


def test_an_answer_goes_back_the_way_of_its_order() -> None:
    back = compose.payment_return(
        SENT, id="R", created=NOON, settled_on=date(2026, 3, 4), reason=Reason(code="AC04")
    )
    assert back.header is not None
    assert (back.header.sender.bic, back.header.receiver.bic) == ("BKKBTHBKXXX", "ICBKCNBJCQG")
    tx = back.transactions[0]
    assert [(p.role, p.bic or p.name) for p in tx.parties] == [
        ("instructing_agent", "BKKBTHBKXXX"), ("instructed_agent", "ICBKCNBJCQG"),
        ("debtor", "Chanthaburi Fruit Export Co Ltd"), ("debtor_agent", "BKKBTHBKXXX"),
        ("creditor_agent", "ICBKCNBJCQG"), ("creditor", "Chongqing Yutong Import and Export Co Ltd"),
    ]  # fmt: skip
    assert tx.original is not None
    assert (tx.original.uetr, tx.amount, tx.original.amount) == (PAYMENT.uetr, PAYMENT.amount, PAYMENT.amount)


@given(st.sampled_from(list(Currency)), st.integers(0, 10**12))
def test_money_of_the_kernel_goes_there_and_back(currency: Currency, minor: int) -> None:
    money = Money(minor, currency)
    assert Amount.of(money).minor == minor
    assert Amount.of(money).money == money
    sent = order(amount=Amount.of(money))
    assert read(write(sent)).transactions[0].amount == Amount.of(money)


def test_the_instant_keeps_its_offset() -> None:
    for zone in (UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3, minutes=30))):
        at = datetime(2026, 3, 2, 23, 30, 5, 120_000, tzinfo=zone)
        found = read(write(replace(SENT, created=at, dated=at.date()))).created
        assert found is not None
        assert (found, found.utcoffset()) == (at, at.utcoffset())
