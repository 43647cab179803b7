"""Chinese numerals and dates as policy documents write them."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

DIGITS: Final = {
    **{digit: value for value, digit in enumerate("零一二三四五六七八九")},
    "〇": 0, "○": 0, "Ｏ": 0, "O": 0, "o": 0, "两": 2,
    **{digit: value for value, digit in enumerate("０１２３４５６７８９")},
    **{str(value): value for value in range(10)},
}  # fmt: skip
UNITS: Final = {"十": 10, "百": 100, "千": 1000}

#: One Chinese numeral, as a piece of a pattern.
NUMERAL: Final = "[零〇○一二三四五六七八九十百千两]{1,9}"

_DIGIT: Final = "[0-9０-９零〇○ＯOo一二三四五六七八九]"
_GAP: Final = r"[\s\u3000]*"

#: A date in a text: 2025年11月26日, 二〇〇六年九月七日, 2015 年 9 月 14 日.
DATE: Final = re.compile(
    rf"({_DIGIT}(?:{_GAP}{_DIGIT}){{3}}){_GAP}年{_GAP}([0-9０-９]{{1,2}}|[一二三四五六七八九十]{{1,3}}){_GAP}月"
    rf"{_GAP}([0-9０-９]{{1,2}}|[一二三四五六七八九十]{{1,3}}){_GAP}日"
)


def number(numeral: str) -> int | None:
    """The value of a Chinese or Arabic numeral below ten thousand (二十一, 一百零八, 12); None if it is none."""
    numeral = re.sub(r"[\s\u3000]", "", numeral)
    if not numeral:
        return None
    if not any(unit in numeral for unit in UNITS):
        value = 0
        for digit in numeral:
            if digit not in DIGITS:
                return None
            value = value * 10 + DIGITS[digit]
        return value
    total, held = 0, None
    for character in numeral:
        if character in UNITS:
            total += (1 if held is None else held) * UNITS[character]
            held = None
        elif character in DIGITS:
            held = DIGITS[character]
        else:
            return None
    return total + (held or 0)


def read_date(match: re.Match[str]) -> date | None:
    """The day that a match of DATE names; None when there is no such day."""
    year, month, day = (number(part) for part in match.groups())
    if year is None or month is None or day is None:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None
