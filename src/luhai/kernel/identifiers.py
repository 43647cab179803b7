"""Identifiers checked by their own arithmetic: is this a number that could have been issued?

    check(Kind.USCC, "91110000 600037341L")      -> "91110000600037341L", or raises Invalid
    doubts(Kind.USCC, "91500000MA5U000111")      -> what is odd about it but does not make it wrong
    complete(Kind.LEI, "213800KUD8LAJWSQ9D")     -> the same with its check characters

Nothing here asks whether the number *was* issued: that is for a register. Blanks, hyphens, case and
full-width forms are folded first, so what people paste from paper is taken as meant.

Sources: GB 32100-2015 (USCC), GB 11714-1997 (organisation code), ISO 17442 and ISO 7064 (LEI), ISO 9362
(BIC), ISO 13616 (IBAN), ISO 6346 (container), UNECE Recommendation 16 (UN/LOCODE), GB/T 2260 (regions).
The arithmetic is worked through in docs/algorithms/identifiers.md.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import Invalid, gettext_noop


class Kind(StrEnum):
    USCC = "uscc"  # unified social credit code of an organisation in China
    ORG_CODE = "org_code"  # organisation code, characters 9 to 17 of a USCC
    LEI = "lei"  # legal entity identifier
    BIC = "bic"  # business identifier code of a bank
    IBAN = "iban"  # international bank account number
    CONTAINER = "container"  # freight container
    UNLOCODE = "unlocode"  # place of trade and transport


class WrongLength(Invalid):
    code = "identifiers.wrong_length"
    message = gettext_noop("%(field)s: this has %(length)s characters; it should have %(expected)s.")


class WrongCharacter(Invalid):
    code = "identifiers.wrong_character"
    message = gettext_noop("%(field)s: character %(position)s is “%(found)s”; it should be one of %(expected)s.")


class WrongCheck(Invalid):
    code = "identifiers.wrong_check"
    message = gettext_noop(
        "%(field)s: the check characters are “%(found)s”; with the rest as written they should be “%(expected)s”."
    )


class UnknownCountry(Invalid):
    code = "identifiers.unknown_country"
    message = gettext_noop("%(field)s: “%(found)s”, at character %(position)s, should be %(expected)s.")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A remark that refuses nothing. `message` is translated where it is shown, with `facts` filled in."""

    message: str
    facts: Mapping[str, str] = field(default_factory=dict)


DIGITS: Final = "0123456789"
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BASE36: Final = DIGITS + LETTERS
BASE31: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I, O, S, V, Z, which look like digits

_ISO_3166: Final = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW
BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI
FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN
IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME
MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF
PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE
YT ZA ZM ZW
"""
#: ISO 3166-1 alpha-2, as of 2026-05.
COUNTRIES: Final = frozenset(_ISO_3166.split())
#: User-assigned codes that the banks (XK, Kosovo) and UNECE (XZ, international waters) use all the same.
_BANK_COUNTRIES: Final = COUNTRIES | {"XK"}
_PLACE_COUNTRIES: Final = COUNTRIES | {"XK", "XZ"}

#: Whole length of an IBAN by country. Source: SWIFT IBAN registry as of 2026-07. China has no IBAN.
IBAN_LENGTH: Final = MappingProxyType(
    {
        country: length
        for length, countries in {
            15: "NO",
            16: "BE",
            18: "DK FI AX FK FO GL NL SD",
            19: "MK SI",
            20: "AT BA EE KZ LT LU MN XK",
            21: "CH HR LI LV",
            22: "BG BH CR DE GB IM JE GG GE IE ME RS VA",
            23: "AE GI IL IQ OM SO TL",
            24: "AD CZ ES MD PK RO SA SE SK TN VG",
            25: "LY PT ST",
            26: "IS TR",
            27: "BI DJ FR GF GP MQ RE PF TF YT NC BL MF PM WF GR IT MC MR SM",
            28: "AL AZ BY CY DO GT HU LB NI PL SV",
            29: "BR EG PS QA UA",
            30: "JO KW MU",
            31: "MT SC",
            32: "LC",
            33: "RU",
        }.items()
        for country in countries.split()
    }
)

#: First two digits of a GB/T 2260 code: province-level regions, and 10 for codes registered nationally.
_PROVINCES: Final = "10 11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82"
_REGIONS: Final = frozenset(_PROVINCES.split())
#: Registering authority (first character of a USCC). Source: GB 32100-2015, table 1, with its later additions.
_AUTHORITIES: Final = frozenset("123456789ANY")

#: The characters allowed at each place, for the kinds of one fixed length.
_PLACES: Final[Mapping[Kind, tuple[str, ...]]] = MappingProxyType(
    {
        # GB 32100 lets the first two characters be letters: A, N and Y are in use.
        Kind.USCC: (BASE31,) * 2 + (DIGITS,) * 6 + (BASE31,) * 10,
        Kind.ORG_CODE: (BASE36,) * 8 + (DIGITS + "X",),
        Kind.LEI: (BASE36,) * 18 + (DIGITS,) * 2,
        Kind.CONTAINER: (LETTERS,) * 3 + ("UJZR",) + (DIGITS,) * 7,
        Kind.UNLOCODE: (LETTERS,) * 2 + (LETTERS + "23456789",) * 3,
    }
)
_BIC_PLACES: Final = (BASE36,) * 4 + (LETTERS,) * 2 + (BASE36,) * 5


def fold(text: str) -> str:
    """Bring what a person typed to the form the standards print: no blanks or hyphens, ASCII, capitals."""
    kept = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) not in _SKIPPED)
    folded = "".join(c.upper() if c.isascii() else c for c in kept if not c.isspace())
    # What was dropped may have kept two marks apart that now combine.
    return folded if folded == text else fold(folded)


_SKIPPED: Final = frozenset({"Zs", "Zl", "Zp", "Pd", "Cf"})  # blanks, dashes, invisible marks


def check(kind: Kind, text: str, *, field: str | None = None) -> str:
    """Return the canonical form of an identifier, or refuse it and say what would be right.

    `field` names the field in the refusal (the kind, if nothing else is said). Refuses WrongLength,
    WrongCharacter, UnknownCountry, WrongCheck: all of them Invalid, with `field` and `problem` among the facts.
    """
    at, code = field or kind.value, fold(text)
    if kind is Kind.BIC:
        _shape(at, code, _BIC_PLACES[:8] if len(code) <= 8 else _BIC_PLACES)
        _country(at, code, 4, _BANK_COUNTRIES)
    elif kind is Kind.IBAN:
        _iban_shape(at, code)
    else:
        _shape(at, code, _PLACES[kind])
    if kind is Kind.UNLOCODE:
        _country(at, code, 0, _PLACE_COUNTRIES)
    if kind in _CHECKS:
        start, stop = _check_place(kind, code)
        expected = _CHECKS[kind](code[:start] + code[stop:])
        if code[start:stop] != expected and not (kind is Kind.LEI and _same_mod_97(code[start:stop], expected)):
            _refuse(WrongCheck, at, found=code[start:stop], expected=expected)
    return code


def complete(kind: Kind, text: str) -> str:
    """Add the check characters to an identifier that is written without them.

    For an IBAN, leave out characters 3 and 4. Refuses what `check` would refuse in the rest.
    """
    assert kind in _CHECKS, f"{kind} has no check characters"
    body = fold(text)
    filler = {Kind.LEI: "00", Kind.IBAN: "00"}.get(kind, "0")
    start = 2 if kind is Kind.IBAN else len(body)
    code = body[:start] + filler + body[start:]
    if kind is Kind.IBAN:
        _iban_shape(kind.value, code)
    else:
        _shape(kind.value, code, _PLACES[kind])
    return body[:start] + _CHECKS[kind](body) + body[start:]


def complete_uscc(authority: str, region: str, org_code: str) -> str:
    """Compose a USCC: authority and kind (2 characters), region (GB/T 2260, 6 digits), organisation code (9)."""
    return complete(Kind.USCC, authority + region + org_code)


def doubts(kind: Kind, text: str) -> tuple[Doubt, ...]:
    """Say what is odd about an identifier that `check` lets pass.

    The inner organisation code of a USCC is only doubted: registers have issued codes whose ninth character
    does not fit, and the outer check already guards the whole.
    """
    code = check(kind, text)
    found = []
    if kind is Kind.USCC:
        expected = _org_check(code[8:16])
        if code[16] != expected:
            found.append(
                Doubt(
                    gettext_noop("Character 17 is “%(found)s”; the organisation code inside would end in “%(expected)s”."),
                    {"found": code[16], "expected": expected},
                )
            )
        if code[2:4] not in _REGIONS:
            found.append(Doubt(gettext_noop("No region of GB/T 2260 begins with %(found)s."), {"found": code[2:4]}))
        if code[0] not in _AUTHORITIES:
            found.append(
                Doubt(gettext_noop("No registering authority is known under “%(found)s”."), {"found": code[0]})
            )
    if kind is Kind.LEI and not "02" <= code[18:] <= "98":
        found.append(Doubt(gettext_noop("The check characters of an LEI run from 02 to 98.")))
    if kind is Kind.BIC and code[7] == "0":
        found.append(Doubt(gettext_noop("The eighth character is 0: this is a code for tests.")))
    return tuple(found)


def region_of(uscc: str) -> str:
    """The region (GB/T 2260, six digits) in which a canonical USCC was registered."""
    return uscc[2:8]


# Shape ----------------------------------------------------------------------------------------------------------


def _shape(at: str, code: str, places: tuple[str, ...]) -> None:
    # A wrong character is named before a wrong length: one stray mark is the likelier reason for both.
    for position, (found, allowed) in enumerate(zip(code, places, strict=False), start=1):
        if found not in allowed:
            _refuse(WrongCharacter, at, position=position, found=found, expected=_range(allowed))
    if len(code) != len(places):
        expected = "8 or 11" if places in (_BIC_PLACES, _BIC_PLACES[:8]) else str(len(places))
        _refuse(WrongLength, at, length=len(code), expected=expected)


def _iban_shape(at: str, code: str) -> None:
    _shape(at, code[:4], (LETTERS,) * 2 + (DIGITS,) * 2)
    country = code[:2]
    if country not in IBAN_LENGTH:
        _refuse(UnknownCountry, at, position=1, found=country, expected="the ISO 3166 code of a country with IBANs")
    _shape(at, code, (BASE36,) * IBAN_LENGTH[country])


def _country(at: str, code: str, start: int, known: frozenset[str]) -> None:
    found = code[start : start + 2]
    if found not in known:
        _refuse(UnknownCountry, at, position=start + 1, found=found, expected="the ISO 3166 code of a country")


def _range(allowed: str) -> str:
    """Write an alphabet the way a person would: 0-9, A-Z."""
    return {
        DIGITS: "0-9",
        LETTERS: "A-Z",
        BASE36: "0-9, A-Z",
        BASE31: "0-9, A-Z without I, O, S, V, Z",
        DIGITS + "X": "0-9, X",
        "UJZR": "U, J, Z, R",
        LETTERS + "23456789": "A-Z, 2-9",
    }[allowed]


def _refuse(kind: type[Invalid], at: str, **facts: str | int) -> None:
    sentence = kind.message.partition(": ")[2] % facts
    raise kind(field=at, problem=sentence, **facts)


# Check characters -----------------------------------------------------------------------------------------------

_USCC_WEIGHTS: Final = tuple(pow(3, i, 31) for i in range(17))
_ORG_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
#: ISO 6346 counts letters from 10 and leaves out 11, 22 and 33, which would vanish modulo 11.
_CONTAINER_VALUE: Final = MappingProxyType(
    {c: i for i, c in enumerate(DIGITS)}
    | dict(zip(LETTERS, (v for v in range(10, 39) if v % 11), strict=True))
)


def _uscc_check(body: str) -> str:
    total = sum(BASE31.index(c) * w for c, w in zip(body, _USCC_WEIGHTS, strict=True))
    return BASE31[-total % 31]


def _org_check(body: str) -> str:
    total = sum(BASE36.index(c) * w for c, w in zip(body, _ORG_WEIGHTS, strict=True))
    return (DIGITS + "X")[-total % 11]


def _mod_97(body: str) -> str:
    """ISO 7064 MOD 97-10: the two digits that make the whole number leave 1. They run from 02 to 98."""
    number = int("".join(str(BASE36.index(c)) for c in body) + "00")
    return f"{98 - number % 97:02d}"


def _same_mod_97(found: str, expected: str) -> bool:
    """ISO 7064 ends numbers in 02 to 98, yet LEIs ending in 00 have been issued, and they leave 1 as they should."""
    return (int(found) - int(expected)) % 97 == 0


def _iban_check(body: str) -> str:
    return _mod_97(body[2:] + body[:2])


def _container_check(body: str) -> str:
    total = sum(_CONTAINER_VALUE[c] << i for i, c in enumerate(body))
    return str(total % 11 % 10)


_CHECKS: Final = MappingProxyType(
    {
        Kind.USCC: _uscc_check,
        Kind.ORG_CODE: _org_check,
        Kind.LEI: _mod_97,
        Kind.IBAN: _iban_check,
        Kind.CONTAINER: _container_check,
    }
)


def _check_place(kind: Kind, code: str) -> tuple[int, int]:
    if kind is Kind.IBAN:
        return 2, 4
    return len(code) - (2 if kind is Kind.LEI else 1), len(code)
