"""The bytes of a policy file as text: which encoding it is in, and when it is no text at all."""

from __future__ import annotations

from typing import Final

#: Larger files are refused; the largest PRC statute has about half a million characters.
MAX_BYTES: Final = 64 * 1024 * 1024

#: Control characters that honest text files hold.
ALLOWED_CONTROLS: Final = frozenset("\t\n\r\f\v\x1a\x85")


class NotText(ValueError):
    """The bytes are not a text file that can be read; the message says why."""


def decode(content: bytes) -> str:
    """Give the text of a file, character for character: a byte order mark and CRLF stay in it.

    Tried in this order: a byte order mark (UTF-8, UTF-16), UTF-8, GB18030 (which reads GBK and GB2312 too).
    Raises NotText when the bytes are too many, undecodable, or decode to control characters.
    """
    if len(content) > MAX_BYTES:
        raise NotText(f"the file has {len(content)} bytes, more than the {MAX_BYTES} that can be read")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _checked(content, "utf-16")
    try:
        return _checked(content, "utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return _checked(content, "gb18030")
    except UnicodeDecodeError:
        raise NotText("the file is neither UTF-8, UTF-16 nor GB18030 text") from None


def _checked(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if encoding == "utf-16":
            raise NotText("the file begins like UTF-16 text but is not") from None
        raise
    for character in text[:100_000]:
        if character < " " and character not in ALLOWED_CONTROLS:
            raise NotText(
                f"the file holds the control character U+{ord(character):04X}: it is not a text file"
            )
    return text
