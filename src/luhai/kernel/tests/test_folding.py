"""Numbers of documents: what is one number, what only looks like it, and what is another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.kernel.folding import fold, likeness

#: Spellings of one number.
SAME = [
    ["INV-2026-0017", "inv-2026-0017", "ＩＮＶ－２０２６－００１７", "INV 2026 0017", "INV\u20102026\u20130017", "INV—2026―0017"],
    ["INV-2026-0017", "INV\u00a02026\u30000017", "INV\u200b2026\u00ad0017", "\ufeffINV2026\u22120017\n", "INV2026ー0017"],
    ["42", "0042", "000042", " 42 ", "４２", "٤٢", "４２\u200f", "०४२"],
    ["A1", "A01", "a-001", "Ａ ０１"],
    ["粤A0017", "粤Ａ１７", "粤 A-0017"],
    ["STRASSE1", "straße-1"],
    ["CAFÉ1", "cafe\u0301-1"],
    ["530120261000000017", "5301 2026 1000 0000 17", "０５３０１２０２６１０００００００１７"],
]
#: Numbers that a register may have given to two documents.
OTHER = [
    ("INV-17", "INV-18"),
    ("1002", "102"),
    ("A10", "A1"),
    ("INV17", "INV17A"),
    ("HT-2026-1-1", "HT-2026-1-2"),
    ("O1", "01"),
    ("甲1", "乙1"),
    ("PO/1", "PO1"),
    ("1.5", "15"),
    ("เก1", "ก1"),
]
#: Edited copies: not one number, but a person should look.
ALIKE = [
    ("INV-2026-0017", "INV/2026/0017"),
    ("INV-2026-017", "INV-2026-17"),
    ("INV0017", "1NV0O17"),
    ("COSCO123", "СОЅСО123"),
    ("A.17", "A17"),
    ("B10", "810"),
    ("1002", "102"),
]
UNALIKE = [("INV-17", "INV-18"), ("INV17", "INV71"), ("甲1", "乙1"), ("A1", "C1")]


@pytest.mark.parametrize("spellings", SAME, ids=lambda s: s[0])
def test_spellings_of_one_number(spellings: list[str]) -> None:
    assert len({fold(s) for s in spellings}) == 1, {s: fold(s) for s in spellings}


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_two_numbers_stay_two(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_an_edited_number_is_noticed(one: str, other: str) -> None:
    assert fold(one) != fold(other)
    assert likeness(one) == likeness(other)


@pytest.mark.parametrize(("one", "other"), UNALIKE)
def test_another_number_is_not_suspected(one: str, other: str) -> None:
    assert likeness(one) != likeness(other)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert likeness(likeness(text)) == likeness(text)


@given(st.text(st.sampled_from("0123456789ABCxyz甲")), st.lists(st.sampled_from(" -–—\u200b\u3000\u00ad\u2212"), max_size=8), st.data())
def test_blanks_and_dashes_go_anywhere(number: str, noise: list[str], data: st.DataObject) -> None:
    noisy = number
    for mark in noise:
        at = data.draw(st.integers(0, len(noisy)))
        noisy = noisy[:at] + mark + noisy[at:]
    assert fold(noisy) == fold(number)
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in noisy)
    assert fold(wide) == fold(number)


@given(st.text(st.sampled_from("0123456789ABC-"), min_size=1), st.integers(1, 5))
def test_zeros_at_the_front_mean_nothing(number: str, zeros: int) -> None:
    if any(c.isdigit() for c in number) and number[0].isdigit():
        assert fold("0" * zeros + number) == fold(number)


@given(st.text(), st.text())
def test_what_is_one_number_is_also_alike(one: str, other: str) -> None:
    if fold(one) == fold(other):
        assert likeness(one) == likeness(other)


def test_a_number_of_nothing_folds_to_nothing() -> None:
    assert fold(" -\u200b") == "" == likeness("0-0")
