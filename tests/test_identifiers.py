"""Identifiers and the business calendar of the kernel: vectors, promises of the arithmetic, and two oracles."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
import stdnum.bic
import stdnum.cn.uscc
import stdnum.exceptions
import stdnum.iban
import stdnum.iso6346
import stdnum.lei
from hypothesis import assume, given
from hypothesis import strategies as st

from luhai.kernel.calendar import SHANGHAI, read_calendar
from luhai.kernel.identifiers import (
    BASE31,
    BASE36,
    COUNTRIES,
    DIGITS,
    IBAN_LENGTH,
    LETTERS,
    Kind,
    UnknownCountry,
    WrongCharacter,
    WrongCheck,
    WrongLength,
    check,
    complete,
    complete_uscc,
    doubts,
    fold,
    region_of,
)
from luhai.kernel.refusal import Invalid

#: Issued LEIs. Source: GLEIF, golden copy, CC0. The last ends in 00, which ISO 7064 would not write.
REAL_LEIS = """
0292003420A1T0UA0B05 213800EK1ENK7KV51922 213800UHITWXCPQBVN76 2549004YX7F6F53WU786 254900ECOMSP88H2CM04
254900OTT1OR0W6LKB24 2594009XK2ZFU4J4EP22 33580037BBU1EANRVC68 335800A99I1PML6ZFW77 335800GVGDITFPSG1I02
335800N541U4E7Q5S378 335800TU21ZP8215F734 39120038MNA3IJ3JK715 5299006MOO8D5KF3G058 529900MQLBO492S53617
5493000PE4V447KCC838 54930048O7L2IYCFTJ19 5493007NHYCI73TEHO75 549300CE29XKVRSB8U93 549300FY5HTP7Z8QX037
3157005WT1SENAE17R00
"""

RIGHT = [
    # USCC; the third has an inner code that GB 11714 allows, the fourth is a rural collective of Chongqing
    (Kind.USCC, "91110000600037341L"),
    (Kind.USCC, "91500000MA5U000111"),
    (Kind.USCC, "91450100MA5N1234X8"),
    (Kind.USCC, "N2500112MB00000198"),
    (Kind.ORG_CODE, "600037341"),
    (Kind.LEI, "213800KUD8LAJWSQ9D15"),
    (Kind.CONTAINER, "CSQU3054383"),
    (Kind.CONTAINER, "TBJU1234565"),
    (Kind.BIC, "DEUTDEFF"),
    (Kind.BIC, "PCBCCNBJCQX"),
    (Kind.IBAN, "GB29NWBK60161331926819"),
    (Kind.IBAN, "KZ86125KZT5004100100"),
    (Kind.UNLOCODE, "CNCKG"),
    (Kind.UNLOCODE, "VNHPH"),
    *((Kind.LEI, lei) for lei in REAL_LEIS.split()),
]


@pytest.mark.parametrize(("kind", "text"), RIGHT)
def test_right_ones_pass_unchanged(kind: Kind, text: str) -> None:
    assert check(kind, text) == text


def test_what_people_paste_is_taken_as_meant() -> None:
    assert check(Kind.USCC, " 9111 0000-６０００３７３４１l ") == "91110000600037341L"
    assert check(Kind.CONTAINER, "csqu 305438-3") == "CSQU3054383"
    assert check(Kind.IBAN, "gb29 nwbk 6016 1331 9268 19") == "GB29NWBK60161331926819"
    assert check(Kind.UNLOCODE, "cn ckg") == "CNCKG"
    assert check(Kind.LEI, "2138\u200b00KUD8LAJWSQ9D15") == "213800KUD8LAJWSQ9D15"


@pytest.mark.parametrize(
    ("kind", "text", "refusal", "facts"),
    [
        (Kind.USCC, "91110000600037341M", WrongCheck, {"expected": "L", "found": "M"}),
        (Kind.USCC, "9111000060003734", WrongLength, {"length": 16, "expected": "18"}),
        (Kind.USCC, "91110000600037341LL", WrongLength, {"length": 19, "expected": "18"}),
        (Kind.USCC, "9111000060003734IL", WrongCharacter, {"position": 17, "found": "I"}),
        (Kind.USCC, "91A10000600037341L", WrongCharacter, {"position": 3, "found": "A", "expected": "0-9"}),
        (Kind.ORG_CODE, "600037342", WrongCheck, {"expected": "1"}),
        (Kind.LEI, "213800KUD8LAJWSQ9D16", WrongCheck, {"expected": "15", "found": "16"}),
        (Kind.CONTAINER, "CSQX3054383", WrongCharacter, {"position": 4, "expected": "U, J, Z, R"}),
        (Kind.CONTAINER, "CSQU3054384", WrongCheck, {"expected": "3"}),
        (Kind.BIC, "DEUTQQFF", UnknownCountry, {"found": "QQ", "position": 5}),
        (Kind.BIC, "DEUTDEFF5", WrongLength, {"length": 9, "expected": "8 or 11"}),
        (Kind.IBAN, "CN29NWBK60161331926819", UnknownCountry, {"found": "CN"}),
        (Kind.IBAN, "GB29NWBK6016133192681", WrongLength, {"expected": "22"}),
        (Kind.IBAN, "GB28NWBK60161331926819", WrongCheck, {"expected": "29", "found": "28"}),
        (Kind.UNLOCODE, "QQCKG", UnknownCountry, {"found": "QQ"}),
        (Kind.UNLOCODE, "CNCK1", WrongCharacter, {"position": 5, "found": "1"}),
        (Kind.USCC, "", WrongLength, {"length": 0}),
    ],
)
def test_wrong_ones_are_refused_with_what_would_be_right(
    kind: Kind, text: str, refusal: type[Invalid], facts: dict[str, object]
) -> None:
    with pytest.raises(refusal) as refused:
        check(kind, text, field="identifier")
    assert refused.value.facts["field"] == "identifier"
    assert facts.items() <= refused.value.facts.items()
    assert str(facts[next(iter(facts))]) in str(refused.value.facts["problem"])
    assert refused.value.message % refused.value.facts == f"identifier: {refused.value.facts['problem']}"


def test_the_inner_code_of_a_uscc_is_doubted_and_not_refused() -> None:
    inner_wrong = complete(Kind.USCC, "91500000" + "MA5U00012")
    (doubt,) = doubts(Kind.USCC, inner_wrong)
    assert doubt.facts == {"found": "2", "expected": "1"}
    assert doubts(Kind.USCC, "91500000MA5U000111") == ()


def test_doubts_name_unknown_regions_authorities_and_test_codes() -> None:
    odd = complete_uscc("Q1", "990000", complete(Kind.ORG_CODE, "MA5U0001"))
    assert {tuple(doubt.facts.values()) for doubt in doubts(Kind.USCC, odd)} == {("99",), ("Q",)}
    assert len(doubts(Kind.BIC, "QABZCNX0")) == 1
    assert doubts(Kind.BIC, "DEUTDEFF") == ()
    assert len(doubts(Kind.LEI, "3157005WT1SENAE17R00")) == 1


def test_region_of() -> None:
    assert region_of("91500000MA5U000111") == "500000"


# What the arithmetic promises --------------------------------------------------------------------------------------

usccs = st.builds(
    lambda a, r, o: complete(Kind.USCC, a + r + o),
    st.text(BASE31, min_size=2, max_size=2),
    st.text(DIGITS, min_size=6, max_size=6),
    st.text(BASE31, min_size=9, max_size=9),
)
leis = st.builds(lambda body: complete(Kind.LEI, body), st.text(BASE36, min_size=18, max_size=18))
org_codes = st.builds(lambda body: complete(Kind.ORG_CODE, body), st.text(DIGITS, min_size=8, max_size=8))
containers = st.builds(
    lambda owner, kind, serial: complete(Kind.CONTAINER, owner + kind + serial),
    st.text(LETTERS, min_size=3, max_size=3),
    st.sampled_from("UJZR"),
    st.text(DIGITS, min_size=6, max_size=6),
)
ibans = st.sampled_from(sorted(IBAN_LENGTH)).flatmap(
    lambda c: st.text(BASE36, min_size=IBAN_LENGTH[c] - 4, max_size=IBAN_LENGTH[c] - 4).map(
        lambda rest: complete(Kind.IBAN, c + rest)
    )
)
of_every_kind = st.one_of(
    st.tuples(st.just(Kind.USCC), usccs),
    st.tuples(st.just(Kind.LEI), leis),
    st.tuples(st.just(Kind.ORG_CODE), org_codes),
    st.tuples(st.just(Kind.CONTAINER), containers),
    st.tuples(st.just(Kind.IBAN), ibans),
)


@given(of_every_kind)
def test_what_is_completed_passes(made: tuple[Kind, str]) -> None:
    kind, code = made
    assert check(kind, code) == code
    assert check(kind, code.lower()) == code


@given(usccs, st.data())
def test_every_changed_character_of_a_uscc_is_found(code: str, data: st.DataObject) -> None:
    # 31 is prime and no weight is 0 modulo 31.
    at = data.draw(st.integers(0, 17))
    other = data.draw(st.sampled_from(BASE36))
    assume(other != code[at])
    with pytest.raises(Invalid):
        check(Kind.USCC, code[:at] + other + code[at + 1 :])


@given(usccs, st.integers(0, 16))
def test_every_swap_of_neighbours_in_a_uscc_is_found(code: str, at: int) -> None:
    # Neighbouring weights differ modulo 31.
    assume(code[at] != code[at + 1])
    with pytest.raises(Invalid):
        check(Kind.USCC, code[:at] + code[at + 1] + code[at] + code[at + 2 :])


@given(st.one_of(st.tuples(st.just(Kind.LEI), leis), st.tuples(st.just(Kind.IBAN), ibans)), st.data())
def test_every_changed_digit_or_letter_is_found_modulo_97(made: tuple[Kind, str], data: st.DataObject) -> None:
    # A digit for a digit or a letter for a letter moves the number by less than 97 times a power of ten.
    kind, code = made
    at = data.draw(st.integers(0, 17 if kind is Kind.LEI else len(code) - 1))
    assume(kind is Kind.LEI or at not in (2, 3))
    other = data.draw(st.sampled_from(DIGITS if code[at] in DIGITS else LETTERS))
    assume(other != code[at])
    with pytest.raises(Invalid):
        check(kind, code[:at] + other + code[at + 1 :])


@given(org_codes, st.integers(0, 7), st.sampled_from(DIGITS))
def test_every_changed_digit_of_an_organisation_code_is_found(code: str, at: int, other: str) -> None:
    # Digits differ by less than 11 and no weight is a multiple of 11; a letter may differ by 11 or 22 and be missed.
    assume(other != code[at])
    with pytest.raises(WrongCheck):
        check(Kind.ORG_CODE, code[:at] + other + code[at + 1 :])


def test_what_the_container_check_cannot_find() -> None:
    # Remainders 10 and 0 share the digit 0: the gap is in ISO 6346, not here.
    ten = next(f"MSKU{n:06d}" for n in range(100_000, 200_000) if _container_remainder(f"MSKU{n:06d}") == 10)
    assert complete(Kind.CONTAINER, ten) == ten + "0"
    zero = next(f"MSKU{n:06d}" for n in range(100_000, 200_000) if _container_remainder(f"MSKU{n:06d}") == 0)
    assert complete(Kind.CONTAINER, zero) == zero + "0"


def _container_remainder(body: str) -> int:
    values = [v for v in range(10, 39) if v % 11]
    return sum((int(c) if c in DIGITS else values[LETTERS.index(c)]) << i for i, c in enumerate(body)) % 11


@given(st.text(max_size=24), st.sampled_from(Kind))
def test_whatever_is_typed_there_is_an_answer_and_folding_is_final(text: str, kind: Kind) -> None:
    assert fold(fold(text)) == fold(text)
    refusal = None
    try:
        code = check(kind, text)
    except Invalid as refused:
        refusal = refused
    if refusal is None:
        assert check(kind, code) == code
    else:
        assert refusal.facts["field"] == kind.value
        assert refusal.facts["problem"]


# Oracles -------------------------------------------------------------------------------------------------------------


def _passes(validate: object, code: str) -> bool:
    try:
        validate(code)  # type: ignore[operator]
    except stdnum.exceptions.ValidationError:
        return False
    return True


@given(usccs, st.data())
def test_as_python_stdnum_on_uscc_with_digits_in_front(code: str, data: st.DataObject) -> None:
    # It refuses the letters that GB 32100 allows in the first two characters; elsewhere it is right.
    at = data.draw(st.integers(0, 17))
    other = code[:at] + data.draw(st.sampled_from(BASE31)) + code[at + 1 :]
    assume(other[:2].isdigit())
    assert _passes(stdnum.cn.uscc.validate, other) == _passes(lambda c: _ours(Kind.USCC, c), other)


@given(leis | st.text(BASE36, min_size=20, max_size=20))
def test_as_python_stdnum_on_lei(code: str) -> None:
    assume(code[18:].isdigit())
    assert _passes(stdnum.lei.validate, code) == _passes(lambda c: _ours(Kind.LEI, c), code)


@given(containers, st.integers(4, 10), st.sampled_from(DIGITS))
def test_as_python_stdnum_on_containers(code: str, at: int, digit: str) -> None:
    other = code[:at] + digit + code[at + 1 :]
    assert _passes(stdnum.iso6346.validate, other) == _passes(lambda c: _ours(Kind.CONTAINER, c), other)


@given(st.text(LETTERS, min_size=4, max_size=4), st.sampled_from(sorted(COUNTRIES)), st.text(BASE36, min_size=2, max_size=5))
def test_as_python_stdnum_on_bic(bank: str, country: str, rest: str) -> None:
    code = bank + country + rest
    assert _passes(stdnum.bic.validate, code) == _passes(lambda c: _ours(Kind.BIC, c), code)


def test_as_python_stdnum_on_iban_lengths() -> None:
    # Some countries have check digits inside; only whole numbers known to be right are compared.
    for code in ("GB29NWBK60161331926819", "DE89370400440532013000", "AE070331234567890123456", "SA0380000000608010167519"):
        assert stdnum.iban.validate(code) == check(Kind.IBAN, code)


def _ours(kind: Kind, code: str) -> None:
    try:
        check(kind, code)
    except Invalid as refused:
        raise stdnum.exceptions.ValidationError from refused


def test_all_leis_of_a_gleif_file() -> None:
    folder = os.environ.get("LUHAI_SAMPLE_DATA")
    if not folder:
        pytest.skip("LUHAI_SAMPLE_DATA names no folder of sample data")
    parquet = pytest.importorskip("pyarrow.parquet", reason="reading the GLEIF file needs pyarrow")
    (path,) = Path(folder).rglob("gleif*.parquet")
    issued = parquet.read_table(path, columns=["LEI"])["LEI"].to_pylist()
    assert len(issued) > 1_000
    # One code of the file leaves 2 instead of 1: the slip is the issuer's, and python-stdnum refuses it too.
    assert [lei for lei in issued if not _passes(lambda c: _ours(Kind.LEI, c), lei)] == ["391200017B00HFTSG701"]
    assert not _passes(stdnum.lei.validate, "391200017B00HFTSG701")


# The calendar ----------------------------------------------------------------------------------------------------------

CALENDAR = read_calendar(Path(__file__).parent.parent / "data" / "reference" / "holidays_cn.json")
_MINUTES = 1_536_000  # to the end of November 2026
instants = st.integers(0, _MINUTES * 60).map(lambda s: datetime(2024, 1, 1, tzinfo=SHANGHAI) + timedelta(seconds=s))


def at(day: str, clock: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(clock), SHANGHAI)


def test_holidays_and_the_weekends_worked_for_them() -> None:
    assert not CALENDAR.is_business_day(date(2026, 10, 1))  # National Day, a Thursday
    assert not CALENDAR.is_business_day(date(2025, 2, 4))  # Spring Festival, a Tuesday
    assert CALENDAR.is_business_day(date(2025, 1, 26))  # a Sunday, worked
    assert not CALENDAR.is_business_day(date(2026, 11, 1))  # an ordinary Sunday
    assert CALENDAR.is_published(date(2026, 5, 1))
    assert not CALENDAR.is_published(date(2027, 5, 1))


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        (at("2026-11-03", "10:00"), 4, at("2026-11-03", "14:00")),
        (at("2026-11-03", "16:00"), 4, at("2026-11-04", "12:00")),
        (at("2026-11-06", "16:30"), 1, at("2026-11-09", "09:30")),  # over a weekend
        (at("2026-09-30", "16:00"), 2, at("2026-10-08", "10:00")),  # over National Day
        (at("2026-11-03", "09:00"), 8, at("2026-11-03", "17:00")),  # used up at closing time
        (at("2026-11-07", "12:00"), 1, at("2026-11-09", "10:00")),  # begun on a Saturday
        (at("2026-11-03", "18:00"), 0, at("2026-11-04", "09:00")),
    ],
)
def test_promises_run_only_while_people_are_at_work(start: datetime, hours: int, due: datetime) -> None:
    assert CALENDAR.add_working_hours(start, hours) == due


@given(instants, st.integers(0, 80))
def test_adding_and_measuring_agree(start: datetime, hours: int) -> None:
    due = CALENDAR.add_working_hours(start, hours)
    assert due >= start
    assert CALENDAR.working_hours_between(start, due) == timedelta(hours=hours)
    assert CALENDAR.is_business_day(CALENDAR.local_date(due))
    assert CALENDAR.opens <= due.timetz().replace(tzinfo=None) <= CALENDAR.closes


@given(instants, instants, instants)
def test_working_time_adds_up(one: datetime, two: datetime, three: datetime) -> None:
    a, b, c = sorted((one, two, three))
    measured = CALENDAR.working_hours_between
    assert measured(a, b) + measured(b, c) == measured(a, c)
    assert measured(c, a) == timedelta()
    assert measured(a, c) <= c - a


@given(instants)
def test_the_zone_of_the_caller_changes_nothing(start: datetime) -> None:
    there = CALENDAR.add_working_hours(start.astimezone(UTC), 5)
    assert there == CALENDAR.add_working_hours(start, 5)
    assert there.tzinfo is UTC
    assert CALENDAR.business_date(start) == CALENDAR.business_date(start.astimezone(UTC))


@given(st.dates(date(2024, 1, 1), date(2026, 12, 1)), st.integers(1, 30))
def test_business_days_against_counting(day: date, count: int) -> None:
    reached = CALENDAR.add_business_days(day, count)
    between = [day + timedelta(days=n) for n in range(1, (reached - day).days + 1)]
    assert sum(CALENDAR.is_business_day(d) for d in between) == count
    assert CALENDAR.is_business_day(reached)


def test_an_instant_after_closing_is_booked_on_the_next_business_day() -> None:
    assert CALENDAR.business_date(at("2026-11-06", "16:59")) == date(2026, 11, 6)
    assert CALENDAR.business_date(at("2026-11-06", "17:00")) == date(2026, 11, 9)
    assert CALENDAR.business_date(at("2026-11-07", "10:00")) == date(2026, 11, 9)


def test_a_last_day_that_is_a_holiday_moves_on() -> None:
    assert CALENDAR.end_of_period(date(2026, 9, 25), 7) == date(2026, 10, 8)
    assert CALENDAR.end_of_period(date(2026, 11, 2), 3) == date(2026, 11, 5)


def test_other_opening_hours() -> None:
    early = read_calendar(
        Path(__file__).parent.parent / "data" / "reference" / "holidays_cn.json", opens=time(8), closes=time(12)
    )
    assert early.add_working_hours(at("2026-11-03", "09:00"), 4) == at("2026-11-04", "09:00")
