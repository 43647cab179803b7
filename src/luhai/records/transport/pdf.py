"""The printed copy as a PDF: A4, both languages, the code and its QR on the first page, the warning on every page.

Chinese is set in STSong-Light, which PDF readers bring themselves (Adobe-GB1); Latin in Helvetica. A letter that neither has is
written without its accent, or as a box: the register, not the copy, is what counts.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import Drawing, Rect
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import (
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from .print import COPY, Block, Both, Sheet, both, squares

CHINESE: Final = "STSong-Light"
LATIN: Final = "Helvetica"
_WIDTH: Final = A4[0] - 36 * mm - 12  # a frame keeps 6 points free on each side
_INK, _SOFT, _LINE, _GROUND = (colors.HexColor(c) for c in ("#12272e", "#42575f", "#b6c4c7", "#eef2f2"))


def draw(sheet: Sheet, *, facts: Sequence[tuple[Both, Both]], code: str, address: str, ask: Both, packed: bool = True) -> bytes:
    """The PDF of a copy. `facts` say when and by whom it was printed and of what; the same arguments give the same bytes.

    `packed` compresses the pages; without it their text can be searched by a program."""
    _fonts()
    out = io.BytesIO()
    warning = both(COPY)
    document = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=18 * mm, bottomMargin=20 * mm, invariant=1,
        pageCompression=int(packed), title=f"{sheet.kind.en} {sheet.number}", author="Luhai", subject=warning.en, lang="zh-Hans",
    )  # fmt: skip

    def foot(canvas: Any, doc: Any) -> None:
        canvas.saveState()
        note = Paragraph(_mixed(f"{sheet.number} · {code} · {warning.joined} · {canvas.getPageNumber()}"), _style(7, _SOFT))
        note.wrap(_WIDTH, 12 * mm)
        note.drawOn(canvas, 18 * mm + 6, 11 * mm)
        canvas.restoreState()

    document.build(
        [*_head(sheet, warning, facts, code, address, ask), *(part for block in sheet.blocks for part in _block(block))],
        onFirstPage=foot, onLaterPages=foot,
    )  # fmt: skip
    return out.getvalue()


def _head(
    sheet: Sheet, warning: Both, facts: Sequence[tuple[Both, Both]], code: str, address: str, ask: Both
) -> list[Any]:
    left = [
        _par(sheet.kind.zh, 18), _par(f"{sheet.kind.en} · {sheet.form.joined}", 10, _SOFT), Spacer(1, 2 * mm), _par(sheet.number, 15),
        Spacer(1, 3 * mm), _par(warning.zh, 10), _par(warning.en, 9), Spacer(1, 3 * mm), _facts(facts, _WIDTH - 47 * mm),
    ]  # fmt: skip
    right = [_square(address, 38 * mm), _par(code, 10, font="Courier"), _par(ask.zh, 7, _SOFT), _par(ask.en, 7, _SOFT), _par(address, 6.5, _SOFT)]
    head = Table([[left, right]], colWidths=[_WIDTH - 44 * mm, 44 * mm], style=[
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, 0), 0), ("RIGHTPADDING", (-1, 0), (-1, 0), 0),
        ("LINEBELOW", (0, 0), (-1, -1), 1, _INK), ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
    ])  # fmt: skip
    return [head, Spacer(1, 4 * mm)]


def _block(block: Block) -> list[Any]:
    title = _par(block.title.joined, 11)
    parts: list[Any] = []
    if block.facts:
        parts.append(_facts(block.facts, _WIDTH))
    if block.heads:
        parts.append(_table(block))
    body: list[Any] = [KeepTogether([title, Spacer(1, 1 * mm), *parts])]
    body += [_par(line, 8) for line in block.text.splitlines() if line.strip()]
    return [*body, Spacer(1, 4 * mm)]


def _facts(facts: Sequence[tuple[Both, Both]], width: Any) -> Any:
    rows = [[_par(name.joined, 8, _SOFT), [_par(v, 9) for v in _each(value)]] for name, value in facts]
    return Table(rows, colWidths=[48 * mm, width - 48 * mm], style=TableStyle([
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0), ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
    ]))  # fmt: skip


def _table(block: Block) -> Any:
    heads = [[_par(h.zh, 8, _SOFT), _par(h.en, 7, _SOFT)] for h in block.heads]
    rows = [[[_par(v, 8.5) for v in _each(cell)] for cell in row] for row in block.rows]
    return Table([heads, *rows], colWidths=_shares(block), repeatRows=1, style=TableStyle([
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("BACKGROUND", (0, 0), (-1, 0), _GROUND), ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 3), ("RIGHTPADDING", (0, 0), (-1, -1), 3), ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]))  # fmt: skip


def _shares(block: Block) -> list[Any]:
    """Widths of the columns: each in proportion to its longest line, none so narrow that words break."""
    longest = [
        min(34, max(8, *(_length(v) for row in [block.heads, *block.rows] for v in _each(row[n]))))
        for n in range(len(block.heads))
    ]
    return [_WIDTH * share / sum(longest) for share in longest]


def _length(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _each(value: Both) -> tuple[str, ...]:
    return (value.zh,) if value.zh == value.en else (value.zh, value.en)


def _square(text: str, size: Any) -> Any:
    modules = squares(text)
    step = size / (len(modules) + 8)
    made = Drawing(size, size)
    for y, row in enumerate(modules):
        for x, dark in enumerate(row):
            if dark:
                made.add(
                    Rect((x + 4) * step, size - (y + 5) * step, step, step, fillColor=colors.black, strokeWidth=0, strokeColor=None)
                )
    return made


def _par(text: str, size: Any, color: Any = _INK, font: str = LATIN) -> Any:
    return Paragraph(_mixed(text), _style(size, color, font, cjk=any(_shown(c)[1] for c in text)))


def _style(size: Any, color: Any, font: str = LATIN, *, cjk: bool = True) -> Any:
    """Lines with Chinese break between any two characters, others between words."""
    return ParagraphStyle("", fontName=font, fontSize=size, leading=size * 1.35, textColor=color, wordWrap="CJK" if cjk else None)


def _mixed(text: str) -> str:
    """Runs of Chinese in the Chinese font, the rest in the Latin one."""
    made, run, chinese = [], "", False
    for letter in text:
        shown, its = _shown(letter)
        if its != chinese and run:
            made.append(_run(run, chinese))
            run = ""
        chinese, run = its, run + shown
    return "".join([*made, _run(run, chinese)])


def _run(text: str, chinese: bool) -> str:
    return f'<font name="{CHINESE}">{escape(text)}</font>' if chinese else escape(text)


@cache
def _shown(letter: str) -> tuple[str, bool]:
    """A letter as the fonts can show it, and whether the Chinese one does."""
    if letter.isascii():
        return letter, False
    if _in(letter, "cp1252"):
        return letter, False
    if _in(letter, "gbk"):
        return letter, True
    plain = "".join(c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c))
    plain = plain.replace("Đ", "D").replace("đ", "d")
    return (plain, False) if plain and _in(plain, "cp1252") else ("□", True)


def _in(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


@cache
def _fonts() -> None:
    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))
