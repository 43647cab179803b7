"""Texts in two languages: find them, compile them, and say which are missing.

Source texts are English, in code and templates; Chinese stands in `locale/zh_Hans/LC_MESSAGES/django.po` of the subject that
uses the text, so that work on two subjects does not collide. Compiled files are made at set-up and not committed.
"""

from __future__ import annotations

import ast
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from luhai.kernel.refusal import WORDS, Refusal

SOURCE = Path(__file__).resolve().parents[1]
KEYWORDS: dict[str, Any] = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None, "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2), "ngettext_lazy": (1, 2),
}  # fmt: skip


def catalogues() -> list[Path]:
    return sorted(SOURCE.rglob("locale/zh_Hans/LC_MESSAGES/django.po"))


def compile_all() -> int:
    """Write a .mo beside each .po that is newer; return how many were written. Called at set-up."""
    written = 0
    for po in catalogues():
        mo = po.with_suffix(".mo")
        if mo.exists() and mo.stat().st_mtime_ns >= po.stat().st_mtime_ns:
            continue
        with open(po, "rb") as file:
            catalogue = read_po(file, locale="zh_Hans")
        draft = mo.with_suffix(".mo.new")
        with open(draft, "wb") as out:
            write_mo(out, catalogue)
        draft.replace(mo)
        written += 1
    return written


def used() -> dict[str, set[str]]:
    """Every text that code and templates show, with the places that show it."""
    from django.utils.translation.template import templatize

    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix not in {".py", ".html", ".txt"} or {"tests", "migrations", "locale"} & set(path.parts):
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            if path.name in {"commands.py", "queries.py", "api.py", "web.py", "policy.py"}:
                for word in _words(path, text):
                    found[word].add(str(path.relative_to(SOURCE)))
            if not re.search(r"\b(gettext|_)\w*\(", text):
                continue
            source = text
        else:
            if "{%" not in text and "_(" not in text:
                continue
            source = _calls(templatize(text, origin=str(path)))
        for _line, _function, messages, _comments in extract_python(
            io.BytesIO(source.encode()), KEYWORDS, [], {}
        ):
            for message in messages if isinstance(messages, tuple) else (messages,):
                if isinstance(message, str) and message.strip():
                    found[message].add(str(path.relative_to(SOURCE)))
                    if _function.startswith(("ngettext",)):
                        break
    return found


def in_words(refusal: Refusal) -> str:
    """A refusal as a sentence in the language of the moment; facts that are texts are translated with it."""
    from django.utils.translation import gettext

    facts = {
        name: gettext(value) if name in WORDS and isinstance(value, str) and value else str(value)
        for name, value in refusal.facts.items()
    }
    return gettext(refusal.message) % facts


def _words(path: Path, text: str) -> Iterator[str]:
    """Texts given to refusals as facts: who="…", kind="…", problem="…"."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "")[:1].isupper():
            for keyword in node.keywords:
                if keyword.arg in WORDS and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
                    if " " in keyword.value.value or path.name in {"commands.py", "queries.py"}:
                        yield keyword.value.value


def _calls(templatized: str) -> str:
    """Keep the calls that templatize wrote, each on a line of its own; the rest is no Python."""
    calls = []
    for start in re.finditer(r"\b(?:gettext|ngettext|pgettext|npgettext|_)\(", templatized):
        at, depth, quote = start.end(), 1, ""
        while at < len(templatized) and depth:
            character = templatized[at]
            if quote:
                if character == "\\":
                    at += 1
                elif character == quote:
                    quote = ""
            elif character in "'\"":
                quote = character
            else:
                depth += {"(": 1, ")": -1}.get(character, 0)
            at += 1
        calls.append(templatized[start.start() : at])
    return "\n".join(calls)


def translated() -> dict[str, str]:
    """Every text that has its Chinese, from all subjects together and from Django's own and allauth's catalogues."""
    known: dict[str, str] = {}
    for po in catalogues():
        with open(po, "rb") as file:
            for message in read_po(file, locale="zh_Hans"):
                key = message.id[0] if isinstance(message.id, tuple) else message.id
                value = message.string[0] if isinstance(message.string, tuple | list) else message.string
                if isinstance(key, str) and key and value and "fuzzy" not in message.flags:
                    known[key] = value
    return known


def missing() -> dict[str, set[str]]:
    """The texts shown somewhere that have no Chinese yet."""
    known = translated()
    return {text: places for text, places in used().items() if text not in known}


def draft(subject: Path) -> str:
    """A catalogue with the missing texts of one subject, for a translator to fill."""
    catalogue = Catalog(locale="zh_Hans")
    for text, places in sorted(missing().items()):
        if any((SOURCE / place).is_relative_to(subject) for place in places):
            catalogue.add(text, locations=[(place, 0) for place in sorted(places)])
    out = io.BytesIO()
    write_po(out, catalogue, omit_header=True, include_lineno=False)
    return out.getvalue().decode()
