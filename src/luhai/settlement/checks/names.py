"""Is the name on a payment the name on a paper? Pure.

    compare("SIAM MOTOR PARTS CO LTD", ["Siam Motor Parts Co., Ltd."])        -> "same"
    compare("Siam Motor Parts", ["Siam Motor Parts Co., Ltd."])               -> "near"
    compare("Bangkok Motor Parts Co., Ltd.", ["Siam Motor Parts Co., Ltd."])  -> "different"
    compare("暹罗汽配有限公司", ["Siam Motor Parts Co., Ltd."], also=["暹罗汽配有限公司"]) -> "alias"

same        letters and digits agree; case, blanks, points, width and Latin accents do not count, since messages cannot carry them
alias       the same as another name of that party in the register
near        one leaves out the legal form, or a part of it (Co., Ltd. or Ltd.), or is the other cut short where messages cut names
different   anything else; that two names mean one company is then for a person to say

Source: legal forms of the corridor's countries, data/reference/legal_forms.csv; ISO 20022 and SWIFT limits of name fields (35 and more).
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from luhai.kernel.folding import fold

_FILE: Final = Path(__file__).resolve().parents[4] / "data" / "reference" / "legal_forms.csv"
#: Where messages cut names: one or two lines of 35, or the 140 of ISO 20022; a blank may have stood at the end.
_CUT_AT: Final = (35, 70, 140)
#: Latin letters that do not come apart into a letter and an accent.
_PLAIN: Final = str.maketrans(
    {"Đ": "D", "đ": "d", "Ø": "O", "ø": "o", "Ł": "L", "ł": "l", "Æ": "AE", "æ": "ae", "&": " AND "}
)
#: Words of legal forms that stand beyond our own table: parts of them, and those of trade outside the corridor.
_MORE: Final = (
    "COMPANY", "CO", "LTD", "LIMITED", "CORPORATION", "CORP", "INCORPORATED", "INC", "PLC", "LLC", "LLP", "PTE", "PTY",
    "PVT", "PRIVATE", "GMBH", "AG", "SA", "SRL", "BV", "NV", "公司", "有限公司", "有限责任公司", "股份有限公司",
)  # fmt: skip

#: One form in two spellings.
_SHORT: Final = {
    "COMPANY": "CO", "LIMITED": "LTD", "CORPORATION": "CORP", "INCORPORATED": "INC", "PRIVATE": "PVT", "有限责任公司": "有限公司",
}  # fmt: skip
#: Forms that stand before the name.
_VIETNAMESE: Final = frozenset({"CONG", "TY", "TNHH", "MOT", "THANH", "VIEN", "CO", "PHAN"})
_BEFORE: Final = frozenset({"PT", "ООО", "ПАО", "АО", "ТОО", "ОСОО", "บริษัท"})


def compare(name: str, papers: Iterable[str], also: Iterable[str] = ()) -> str:
    """How `name` stands to the names on the papers, and to those that the register gives to the same parties."""
    papers, also = tuple(papers), tuple(also)
    mine = letters(name)
    assert mine, name
    written, registered = [letters(n) for n in papers], [letters(n) for n in also]
    if mine in written:
        return "same"
    if mine in registered:
        return "alias"
    if any(_near(name, other) for other in (*papers, *also)):
        return "near"
    return "different"


def letters(name: str) -> str:
    """The letters and digits of a name, in capitals, without Latin accents. Empty where there is none."""
    return "".join(c for c in fold(_plain(name)) if unicodedata.category(c)[0] in "LNM")


def core(name: str) -> tuple[str, frozenset[str]]:
    """The name without its legal form, and the words of that form. A name that is nothing but a form has no core, or one that is a form."""
    words = [_SHORT.get(w, w) for w in re.split(r"[\W_]+", _plain(name).upper()) if w]
    form: list[str] = []
    while len(words) > 1 and words[-1] in _words():
        form.append(words.pop())
    before = _VIETNAMESE if words[0] == "CONG" else _BEFORE
    while len(words) > 1 and words[0] in before:
        form.append(words.pop(0))
    joined = letters("".join(words))
    ending = next((f for f in _endings() if joined.endswith(f)), "")
    if ending:
        form.append(_SHORT.get(ending, ending))
    return joined.removesuffix(ending), frozenset(form)


def _near(a: str, b: str) -> bool:
    (mine, my_form), (other, its_form) = core(a), core(b)
    # Sister companies in two countries often differ by their form alone: Pte. Ltd. is not Co., Ltd.
    if mine and mine == other and (my_form <= its_form or its_form <= my_form):
        return True
    short, long = sorted((a.strip(), b.strip()), key=len)
    was_cut = any(end - 2 <= len(short) <= end < len(long) for end in _CUT_AT)
    return was_cut and letters(long).startswith(letters(short))


def _plain(name: str) -> str:
    """Without the accents of Latin letters; marks of other scripts are letters of theirs and stay."""
    kept: list[str] = []
    latin = False
    for c in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).translate(_PLAIN)):
        if unicodedata.category(c) == "Mn":
            if not latin:
                kept.append(c)
        else:
            latin = unicodedata.name(c, "").startswith("LATIN")
            kept.append(c)
    return unicodedata.normalize("NFKC", "".join(kept))


@cache
def _words() -> frozenset[str]:
    """Every word of a legal form, as words of a name are split."""
    found = set(_MORE)
    with _FILE.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for form in (row["form_local"], row["form_en"]):
                found.update(w for w in re.split(r"[\W_…]+", _plain(form).upper()) if w)
    return frozenset(found - {"ONE", "MEMBER", "PUBLIC", "JOINT", "STOCK", "BUSINESS", "INDIVIDUAL", "COOPERATIVE", "FARMERS"})


@cache
def _endings() -> tuple[str, ...]:
    """Legal forms of scripts that write without blanks, the longest first."""
    chinese = [w for w in _words() if re.fullmatch(r"[\u4e00-\u9fff]+", w)]
    return tuple(sorted(chinese, key=lambda w: (-len(w), w)))  # 股份有限公司 before 有限公司
