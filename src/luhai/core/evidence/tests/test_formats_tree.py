"""Bytes into trees: what is refused before any format looks at it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from luhai.core.evidence.formats import tree
from luhai.core.evidence.formats.read import OTHER_KIND, UNKNOWN_FORMAT, UNKNOWN_KIND, read
from luhai.core.evidence.formats.tree import JsonPlace
from luhai.kernel.money import Currency
from luhai.kernel.refusal import Invalid

BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><MetaData>&c;</MetaData>'
REFUSED: list[tuple[bytes, str, str | None]] = [
    (b"", "document", tree.EMPTY),
    (b" \n\t ", "document", tree.EMPTY),
    (b"{" + b" " * tree.MAX_BYTES + b"}", "document", tree.TOO_LARGE),
    (b"\xff\xfe{\x00}\x00", "document", tree.NOT_UTF8),
    ("<a>报关单</a>".encode("gb18030"), "document", tree.NOT_UTF8),
    (b"hello", "document", tree.NOT_A_DOCUMENT),
    (b'"text"', "document", tree.NOT_A_DOCUMENT),
    (b"%PDF-1.7", "document", tree.NOT_A_DOCUMENT),
    (b"{}", "document", UNKNOWN_FORMAT),
    (b"[]", "document", UNKNOWN_FORMAT),
    (b"<a/>", "document", UNKNOWN_FORMAT),
    (b'{"a": 1,}', "line 1, column 9", None),
    (b'{"a": {"b": [1, {"c": 1, "d": 2, "c": 3}]}}', "a.b[1].c", tree.TWICE),
    (b'{"a": [NaN]}', "a[0]", tree.WANT_NUMBER),
    (b'{"a": -Infinity}', "a", tree.WANT_NUMBER),
    (b'{"a": 1e999}', "a", tree.NUMBER_TOO_LONG),
    (b'{"a": 0.' + b"1" * 50 + b"}", "a", tree.NUMBER_TOO_LONG),
    (b'{"a": ' + b"9" * 5000 + b"}", "a", tree.NUMBER_TOO_LONG),
    (b'{"a": "x\\u0000"}', "a", tree.ODD_CHARACTER),
    (b'{"a": ["\\ud800"]}', "a[0]", tree.ODD_CHARACTER),
    (b'{"a\\u0000": 1}', "document", tree.ODD_CHARACTER),
    (b'{"a":' * 60 + b"1" + b"}" * 60, ".".join("a" * 48), tree.TOO_DEEP),
    (b"[" * 100_000 + b"]" * 100_000, "document", tree.TOO_DEEP),
    (b"[" + b"1," * 250_000 + b"1]", "document", tree.TOO_MANY),
    (BOMB, "document", tree.NO_DOCTYPE),
    (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document", tree.NO_DOCTYPE),
    (b"<a>&undeclared;</a>", "line 1, column 16", None),
    (b"<a><b></a>", "line 1, column 11", None),
    (b"<a>" * 60 + b"</a>" * 60, "document", tree.TOO_DEEP),
    (b"<a>" * 5_000 + b"</a>" * 5_000, "line 1, column 768", None),
    (b"<a>" + b"<b/>" * 250_000 + b"</a>", "document", tree.TOO_MANY),
    (b"<a>\x00</a>", "line 1, column 4", None),
]


@pytest.mark.parametrize(
    ("data", "field", "problem"), REFUSED, ids=[repr(d[:24]) + str(len(d)) for d, _, _ in REFUSED]
)
def test_refused(data: bytes, field: str, problem: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        read(data)
    if problem is None:
        assert str(refused.value.facts["problem"]).startswith(("This is not JSON", "This is not XML"))
        assert str(refused.value.facts["field"]).startswith("line 1, column ")
    else:
        assert refused.value.facts == {"field": field, "problem": problem}


def test_nothing_is_fetched(tmp_path: Path) -> None:
    """An entity that a network or a disk would have to give is neither fetched nor read."""
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    for text in (
        f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>',
        f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{secret.as_uri()}" parse="text"/></a>',
    ):
        try:
            place = tree.parse(text.encode())
        except Invalid:
            continue
        assert "hidden" not in json.dumps(place.payload())


def test_a_byte_order_mark_and_blanks_do_not_matter(shared: Path) -> None:
    data = (shared / "data/2-title-docs/wco-customs/TT_IM001a/Step1_TT_IM001a.xml").read_bytes()
    assert read(b"\xef\xbb\xbf\n" + data) == read(data)


def test_the_kind_must_be_the_one_said(shared: Path) -> None:
    data = (shared / "data/2-title-docs/wco-customs/TT_IM001a/Step1_TT_IM001a.xml").read_bytes()
    assert read(data, kind="customs_declaration").kind == "customs_declaration"
    for kind, problem in (("invoice", OTHER_KIND), ("passport", UNKNOWN_KIND)):
        with pytest.raises(Invalid) as refused:
            read(data, kind=kind)
        assert refused.value.facts == {"field": "kind", "problem": problem}


def test_a_payload_rounds_nothing() -> None:
    place = tree.parse(b'{"a": 0.1, "b": 12345678901234567890, "c": 1.10, "d": 7, "e": [true, null, "x"]}')
    assert place.payload() == {
        "a": "0.1",
        "b": "12345678901234567890",
        "c": "1.10",
        "d": 7,
        "e": [True, None, "x"],
    }


def test_xml_as_json() -> None:
    place = tree.parse(b'<a x="1" xmlns="urn:a" xmlns:b="urn:b"><c>1</c><c>2</c><!-- no --><b:d/>text</a>')
    assert place.payload() == {"a": {"@x": "1", "c": ["1", "2"], "{urn:b}d": ""}}


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.50", "CNY", 1250),
        ("12.5", "CNY", 1250),
        ("1e3", "CNY", 100_000),
        ("12.500", "CNY", 1250),
        ("700", "VND", 700),
    ],
)
def test_exact_money(text: str, currency: str, minor: int) -> None:
    assert JsonPlace(text, "amount").minor(Currency(currency)) == minor


@pytest.mark.parametrize(
    ("text", "currency", "problem"),
    [
        ("12.505", "CNY", tree.NOT_EXACT), ("0.5", "VND", tree.NOT_EXACT), ("90071992547409.92", "CNY", tree.TOO_MUCH),
        ("0", "CNY", tree.WANT_POSITIVE), ("-1", "CNY", tree.WANT_POSITIVE), ("1,000.00", "CNY", tree.WANT_NUMBER),
        ("１２", "CNY", tree.WANT_NUMBER), ("NaN", "CNY", tree.WANT_NUMBER), ("1e99", "CNY", tree.NUMBER_TOO_LONG),
    ],
)  # fmt: skip
def test_inexact_money(text: str, currency: str, problem: str) -> None:
    with pytest.raises(Invalid) as refused:
        JsonPlace(text, "amount").minor(Currency(currency))
    assert refused.value.facts == {"field": "amount", "problem": problem}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T12:00:00+08:00", datetime(2026, 3, 2, 4, tzinfo=UTC)),
        ("2026-03-02T04:00Z", datetime(2026, 3, 2, 4, tzinfo=UTC)),
        ("2026-03-02T04:00:00.1234567z", datetime(2026, 3, 2, 4, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-02T12:00:00+0800", datetime(2026, 3, 2, 4, tzinfo=UTC)),
    ],
)
def test_instants(text: str, moment: datetime) -> None:
    assert JsonPlace(text, "at").instant() == moment


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02",
        "2026-03-02T12:00:00",
        "2026-02-30T12:00:00Z",
        "2026-03-02T12:00:00+15:00",
        "0001-01-01T00:00:00+14:00",
        "2026-03-02T24:00:00Z",
        "２０２６-03-02T12:00:00Z",
    ],
)
def test_no_instants(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        JsonPlace(text, "at").instant()
    assert refused.value.facts == {"field": "at", "problem": tree.WANT_INSTANT}


@pytest.mark.parametrize(
    "text", ["{CBR}", "${cbr}", "{{cbr}}", "<<cbr>>", "BOOKING_REFERENCE_PLACEHOLDER", " {} "]
)
def test_placeholders(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        JsonPlace(text, "a").text()
    assert refused.value.facts["problem"] == tree.PLACEHOLDER
