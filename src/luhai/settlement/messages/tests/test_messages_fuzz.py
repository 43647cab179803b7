"""Whatever bytes arrive, the answer is a message or a refusal that names a field; rules and lives never raise otherwise."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.kernel.refusal import Invalid, Refusal
from luhai.settlement.messages import compose, rules, states
from luhai.settlement.messages.envelope import open_envelope
from luhai.settlement.messages.message import Message, Reason
from luhai.settlement.messages.read import message_in, read
from luhai.settlement.messages.tests.world import BANGKOK, CHONGQING, FOLDER, NOON, order
from luhai.settlement.messages.write import write


def written() -> list[bytes]:
    """One of each message that is written here."""
    sent = order()
    told = {"id": "A-1", "created": NOON}
    return [
        write(message)
        for message in (
            sent,
            compose.status_report(sent, status="RJCT", reason=Reason(code="AC04"), **told),
            compose.payment_return(sent, settled_on=date(2026, 3, 4), reason=Reason(code="AC06"), **told),
            compose.notification(
                sent, direction="CRDT", booked_on=date(2026, 3, 2), servicer_reference="B1", sender=BANGKOK,
                receiver=CHONGQING, **told,
            ),
        )
    ]  # fmt: skip


OURS = written()
ODD = [b"", b" ", b"-1", b"1e9", b"NaN", b"INF", b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59.9999999-14:00", b"-0044-03-15", b"99999-01-01",
       b"2026-02-29", b"2026-03-02T24:00:00Z", b"2026-03-02Z", b"true", b"\xe4\xb8\xad\xe6\x96\x87", b"&#0;", b"&#xD;", b"&x;", b"<![CDATA[<x>]]>", b"<x/>", b"XAU", b"/", b"0" * 400,
       b"123456789012345678.12345", b"999999999999999999", b'<a xsi:nil="true"/>']  # fmt: skip


def refused(data: bytes) -> Invalid | None:
    try:
        read(data)
    except Invalid as refusal:
        return refusal
    return None


def answered(data: bytes) -> Message | None:
    refusal = refused(data)
    if refusal is not None:
        assert all(isinstance(fact, str) for fact in refusal.facts.values())
        assert refusal.facts["field"]
        assert refusal.facts["problem"]
        assert refusal.message % refusal.facts
        return None
    envelope = open_envelope(data)
    message = message_in(envelope)
    assert message == read(data)
    assert hash(message) == hash(read(data))
    for on in (date(2026, 1, 1), date(2027, 1, 1)):
        for finding in rules.check(envelope, on=on):
            assert finding.field.startswith(("AppHdr", "Document"))
    for tx in message.every_transaction():
        for amount in (tx.amount, tx.instructed):
            assert amount is None or amount.minor is None or isinstance(amount.minor, int)
            assert amount is None or amount.money is None or amount.money.minor == amount.minor
    for told in states.tell(message):
        with suppress(Refusal):
            states.advance(states.Life(), told)
    return message


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    assert answered(data) is None


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_text_in_a_document(text: str) -> None:
    answered(f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08">{text}</Document>'.encode())


@given(st.sampled_from(OURS), st.integers(0, 2**32))
def test_mutated_messages_of_ours(data: bytes, seed: int) -> None:
    answered(mutated(data, random.Random(seed)))


FAMILIES = [
    "camt-parser",
    "cbpr-ur",
    "genkgo-camt",
    "moov",
    "pain001",
    "prowide",
    "prowide-integrator",
    "pyiso20022",
    "rtp20022",
]


@pytest.mark.parametrize("folder", FAMILIES)
def test_mutated_third_party_files(folder: str, shared: Path) -> None:
    """The seed is named by the failure."""
    files = sorted((shared / FOLDER / f"samples-{folder}").rglob("*.xml"))
    assert files
    read_ = 0
    for seed in range(150):
        dice = random.Random(f"{folder} {seed}")
        data = mutated(dice.choice(files).read_bytes(), dice)
        try:
            read_ += answered(data) is not None
        except Exception as fault:
            raise AssertionError(f"{folder}, seed {seed}: {fault!r}") from fault
    assert read_ < 150  # the mutations do bite


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Bytes flipped, cut, doubled and swapped; texts between tags made odd; elements removed, doubled, renamed."""
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        a, b = sorted(dice.randrange(len(data) + 1) for _ in range(2))
        b = min(b, a + 200)
        words = data.split(b">")
        match dice.randrange(9):
            case 0:
                data = data[:a] + data[b:]
            case 1:
                data = data[:b] + data[a:b] + data[b:]
            case 2:
                data = data[:a] + bytes([dice.randrange(256)]) + data[a + 1 :]
            case 3 if len(words) > 3:  # two pieces change places
                i, j = dice.randrange(len(words)), dice.randrange(len(words))
                words[i], words[j] = words[j], words[i]
                data = b">".join(words)
            case 4:  # one digit becomes another, which schemas often allow
                digits = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
                if digits:
                    i = dice.choice(digits)
                    data = data[:i] + b"%d" % dice.randrange(10) + data[i + 1 :]
            case 5:
                data = data.replace(b".001.0", dice.choice([b".001.1", b".002.0", b".001.9"]), 1)
            case _ if len(words) > 3:  # a text is replaced: what stands between > and </
                texts = [
                    i for i, word in enumerate(words) if b"</" in word and word.partition(b"<")[0].strip()
                ]
                if texts:
                    i = dice.choice(texts)
                    words[i] = dice.choice(ODD) + b"<" + words[i].partition(b"<")[2]
                    data = b">".join(words)
        data = data or b" "
    return data


BOMBS = {
    "entities": b'<!DOCTYPE a [<!ENTITY b "ha">]><a>&b;</a>',
    "outside": b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    "deep": b"<a>" * 5_000 + b"</a>" * 5_000,
    "wide": b"<a>" + b"<b/>" * 250_000 + b"</a>",
    "large": b"<a>" + b" " * (4 * 1024 * 1024) + b"</a>",
    "not utf-8": "<?xml version='1.0' encoding='GB18030'?><a>中</a>".encode("gb18030"),
    "nul": b"<a>\x00</a>",
    "two messages": b'<e><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"/><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"/></e>',
    "two headers": b'<e><AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"/><AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"/></e>',
    "empty": b"  \n ",
    "json": b'{"Document": {}}',
    "other schema by hint": b'<Document xmlns="urn:x" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x file:///etc/passwd"/>',
}


@pytest.mark.parametrize("name", BOMBS)
def test_hostile_input_is_refused(name: str) -> None:
    assert refused(BOMBS[name]) is not None
