"""When are two written numbers the same number? For documents that must be one, however somebody types them.

    fold("ｉｎｖ－２０２６－００１７")  -> "INV20260017"   identity: what differs only up to here is the same number
    fold("INV 0042"), fold("inv-42")   -> "INV42", "INV42"
    confusable("1NV/2O26/017")         -> "1NV202617"     suspicion: what a reader takes for the same number
    likeness("1NV/2O26/017")           -> "1NV22617"      suspicion, coarser: what agrees only here goes to a person

`fold` undoes what carries no meaning in a number: compatibility forms and full width (NFKC), case, blanks, hyphens and
dashes of every kind, invisible marks, digits of other scripts, and the zeros at the front of a run of digits. It never
joins numbers that a register could have given to two documents, except those that differ in such zeros alone, which
registers avoid. `likeness` is coarser: all punctuation, every zero, and characters that look alike are gone, so that an
edited number keeps its likeness. The machine never joins two documents on likeness alone.

Source: the canonical keys of the domain notes on financing, §9.1; Unicode Standard Annex 15 (NFKC); Unicode Technical
Standard 39 (characters that look alike; of it the capitals of Cyrillic and Greek).
"""

from __future__ import annotations

import re
import unicodedata
from types import MappingProxyType
from typing import Final

#: Blanks, dashes, control characters and invisible marks, by their general category.
_DROPPED: Final = frozenset({"Zs", "Zl", "Zp", "Pd", "Cc", "Cf"})
#: Dashes that Unicode counts as something else: minus, hyphen bullet, a modifier, and the long vowel mark of input methods.
_DASHES: Final = frozenset("\u2212\u2043\u02d7\u30fc")
_VARIATION: Final = frozenset(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
_LEADING_ZEROS: Final = re.compile(r"(?<![0-9])0+(?=[0-9])")

#: Folded characters that a reader takes for another.
_ALIKE: Final = MappingProxyType(
    str.maketrans(
        dict(zip("АВЕЅЗКМНОРСТУХІЈ", "ABES3KMH0PCTYX1J", strict=True))
        | dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZH1KMN0PTYX", strict=True))
        | dict(zip("OQDILSBZ", "00011582", strict=True))
    )
)


def fold(text: str) -> str:
    """The form in which two spellings of one number are equal. Folding twice is folding once."""
    folded = "".join(
        str(unicodedata.decimal(c)) if unicodedata.category(c) == "Nd" else c
        for c in unicodedata.normalize("NFKC", text).casefold().upper()
        if not _carries_nothing(c)
    )
    folded = _LEADING_ZEROS.sub("", folded)
    # What was dropped may have kept two marks apart that now combine.
    return folded if folded == text else fold(folded)


def confusable(text: str) -> str:
    """The form in which a number and a copy with look-alike characters are equal; numbers given in turn stay apart."""
    alike = fold(text).translate(_ALIKE).translate(_ALIKE)  # a Cyrillic letter for a Latin one, and that for a digit
    return "".join(c for c in alike if unicodedata.category(c)[0] in "LN")


def likeness(text: str) -> str:
    """The form in which a number and an edited copy of it are mostly equal: for suspicion, never for identity."""
    return confusable(text).replace("0", "")


def _carries_nothing(c: str) -> bool:
    return unicodedata.category(c) in _DROPPED or c in _DASHES or c in _VARIATION or c.isspace()
