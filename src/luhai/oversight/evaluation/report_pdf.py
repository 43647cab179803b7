"""The report on a cycle as a PDF: A4, in one language, with its charts drawn and its tables.

Chinese is set in STSong-Light, which PDF readers bring themselves; Latin in Helvetica. The same arguments give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from math import cos, pi, sin
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import (
    Drawing,
    Line,
    Polygon,
    Rect,
    String,
)
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

from .policy import shown
from .report import Told

CHINESE: Final = "STSong-Light"
LATIN: Final = "Helvetica"
_CENT: Final = Decimal("0.01")
_WIDTH: Final = A4[0] - 36 * mm - 12
_INK, _SOFT, _LINE, _GROUND, _SEA, _BRASS = (
    colors.HexColor(c) for c in ("#12272e", "#42575f", "#b6c4c7", "#eef2f2", "#0d6071", "#c58a2c")
)

#: Every word of the report, in both languages.
_WORDS: Final = {
    "period": ("评估期", "Period"), "state": ("状态", "State"), "run": ("评估轮次", "Run"), "units": ("评估对象", "Units"),
    "invented": ("演示用虚构数据", "Invented data, for a demonstration"), "final": ("已定稿", "final"), "draft": ("初稿", "draft"),
    "totals": ("一、总分与排名", "1 Totals and ranks"), "rank": ("排名", "Rank"), "unit": ("评估对象", "Unit"), "total": ("总分", "Total"),
    "interval": ("区间（5%–95%）", "Interval (5%–95%)"), "grade": ("档次", "Grade"), "chart": ("总分及其区间", "Totals and their intervals"),
    "dims": ("二、各维度得分", "2 Dimensions"), "dim": ("维度", "Dimension"), "mean": ("平均", "Mean"), "least": ("最低", "Least"), "most": ("最高", "Most"),
    "gaps": ("三、未能计分的指标及原因", "3 What could not be counted, and why"), "indicator": ("指标", "Indicator"), "why": ("原因", "Why"),
    "answers": ("四、异议与整改", "4 Objections and rectification"), "made": ("五、方法与可核验信息", "5 How it was made"),
    "cards": ("六、各评估对象得分明细", "6 Scorecards"), "used": ("采用值", "used"), "claimed": ("主张值", "claimed"),
    "none": ("无", "none"), "system": ("指标体系", "System"), "seed": ("随机种子", "Seed"), "inputs": ("输入摘要", "Digest of the inputs"),
    "result": ("结果摘要", "Digest of the result"), "value": ("数值", "Value"), "score": ("得分", "Score"), "lost": ("失分", "Lost"),
    "no_data": ("无数据", "no data"), "missing": ("未报送", "not reported"), "not_applicable": ("不适用", "does not apply"),
    "borderline": ("临界", "borderline"), "coverage": ("覆盖不足", "too little counted"), "veto": ("否决项封顶", "capped"), "quota": ("名额已满", "quota full"),
    "open": ("待决定", "open"), "upheld": ("成立", "upheld"), "rejected": ("不成立", "rejected"), "reported": ("已报完成", "reported"),
    "confirmed": ("已确认", "confirmed"), "lapsed": ("已终止", "given up"), "objection": ("异议", "Objection"), "repair": ("整改", "Rectification"),
    "notice": (
        "本报告为平台评估输出，仅作为有关部门考核评估的输入，不是任何部门的正式等级。权重、基准与分档为本平台方案。",
        "This report is an output of the platform: an input for the authorities' assessments, not an official grade. Weights, baselines and "
        "grades are a proposal of this platform.",
    ),
    "method": (
        "各指标得分由自身近四期均值与同组中位数两条基准各半确定，不具备条件时按固定区间计分；维度内加权算术平均，维度间加权几何平均；"
        "对权重与方法做蒙特卡洛扰动得到区间，档次不稳定的记为“临界”并不予定档。",
        "An indicator is scored half against the unit's own last four values and half against the median of its peers, else between fixed "
        "goalposts; weighted arithmetic means within dimensions, a weighted geometric mean across them; intervals come from varying weights and "
        "methods, and a grade that does not stay is not told.",
    ),
}  # fmt: skip


def draw(told: Told, language: str, *, packed: bool = True) -> bytes:
    """The report as a PDF in "zh" or "en"; `packed` compresses the pages."""
    _fonts()
    zh = language == "zh"
    out = io.BytesIO()
    line = told.view.line
    title = line.title_zh if zh else line.title_en
    document = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=18 * mm, bottomMargin=20 * mm, invariant=1,
        pageCompression=int(packed), title=f"{title} {line.period}", author="Luhai", subject=line.system, lang="zh-Hans" if zh else "en",
    )  # fmt: skip

    def foot(canvas: Any, doc: Any) -> None:
        canvas.saveState()
        note = Paragraph(_mixed(f"{title} · {line.period} · {told.run.inputs_digest[:16]} · {canvas.getPageNumber()}"), _style(7, _SOFT))
        note.wrap(_WIDTH, 12 * mm)
        note.drawOn(canvas, 18 * mm + 6, 11 * mm)
        canvas.restoreState()

    document.build([*_front(told, zh), *_totals(told, zh), *_rest(told, zh), *_cards(told, zh)], onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _w(key: str, zh: bool) -> str:
    return _WORDS[key][0 if zh else 1]


def _front(told: Told, zh: bool) -> list[Any]:
    line = told.view.line
    period = f"{line.period[:4]}年第{line.period[5]}季度" if zh else f"Q{line.period[5]} {line.period[:4]}"
    grades = " · ".join(f"{a if zh else b} {n}" for a, b, n in told.grades)
    facts = [
        (_w("period", zh), period), (_w("state", zh), _w("final" if told.run.final_at else "draft", zh)),
        (_w("run", zh), str(told.run.number)), (_w("units", zh), str(line.units)), (_w("grade", zh), grades),
    ]  # fmt: skip
    rows = [[_par(k, 9, _SOFT), _par(v, 10)] for k, v in facts]
    head: list[Any] = [_par(line.title_zh if zh else line.title_en, 18), Spacer(1, 2 * mm)]
    if line.invented:
        head += [_par(_w("invented", zh), 12, _BRASS), Spacer(1, 1 * mm)]
    return [*head, Table(rows, colWidths=[34 * mm, _WIDTH - 34 * mm], style=_PLAIN), Spacer(1, 2 * mm), _par(_w("notice", zh), 9, _SOFT), Spacer(1, 4 * mm)]


def _totals(told: Told, zh: bool) -> list[Any]:
    ranked = [u for u in told.view.units if u.total is not None]
    body = []
    for u in ranked:
        reasons = "、".join(_w(r, zh) for r in u.reasons) if zh else ", ".join(_w(r, zh) for r in u.reasons)
        grade = (u.grade_zh if zh else u.grade_en) + (f"（{reasons}）" if zh and reasons else f" ({reasons})" if reasons else "")
        body.append([str(u.rank), u.name_zh if zh else u.name_en, f"{u.total:.2f}", f"{u.low:.2f} – {u.high:.2f}", grade.strip()])
    heads = [_w(k, zh) for k in ("rank", "unit", "total", "interval", "grade")]
    shares = [12 * mm, 58 * mm, 18 * mm, 36 * mm, _WIDTH - 124 * mm]
    parts: list[Any] = [_par(_w("totals", zh), 13), Spacer(1, 1 * mm), _table(heads, body, shares), Spacer(1, 4 * mm)]
    for start in range(0, len(ranked), 25):
        some = ranked[start : start + 25]
        parts.append(KeepTogether([_par(_w("chart", zh), 10, _SOFT), _bars(some, zh), Spacer(1, 4 * mm)]))
    return parts


def _bars(units: Sequence[Any], zh: bool) -> Any:
    """A bar a unit from 0 to 100, and a thin line over its interval."""
    step, left = 6 * mm, 46 * mm
    width = _WIDTH - left - 14 * mm
    made = Drawing(_WIDTH, step * len(units) + 4 * mm)
    for n, u in enumerate(units):
        y = step * (len(units) - 1 - n)
        name = (u.name_zh if zh else u.name_en)[: 14 if zh else 28]
        made.add(String(0, y + 1.5 * mm, name, fontName=CHINESE if zh else LATIN, fontSize=8, fillColor=_INK))
        made.add(Rect(left, y + 0.8 * mm, width * int(u.total * 100) / 10_000, 3.6 * mm, fillColor=_SEA, strokeWidth=0, strokeColor=None))
        low, high = (left + width * int(v * 100) / 10_000 for v in (u.low, u.high))
        made.add(Line(low, y + 2.6 * mm, high, y + 2.6 * mm, strokeColor=_BRASS, strokeWidth=1.4))
        made.add(String(left + width + 2 * mm, y + 1.5 * mm, f"{u.total:.2f}", fontName=LATIN, fontSize=8, fillColor=_INK))
    return made


def _rest(told: Told, zh: bool) -> list[Any]:
    parts: list[Any] = []
    if told.dims:
        heads = [_w(k, zh) for k in ("dim", "mean", "least", "most")]
        body = [[d.zh if zh else d.en, *("—" if v is None else f"{v:.2f}" for v in (d.mean, d.least, d.most))] for d in told.dims]
        parts += [_par(_w("dims", zh), 13), _table(heads, body, [_WIDTH - 66 * mm, 22 * mm, 22 * mm, 22 * mm]), Spacer(1, 4 * mm)]
    heads = [_w(k, zh) for k in ("indicator", "units", "why")]
    body = [[f"{g.key} {g.zh if zh else g.en}", str(g.units), g.why_zh if zh else g.why_en] for g in told.gaps]
    parts += [_par(_w("gaps", zh), 13), _table(heads, body, [70 * mm, 18 * mm, _WIDTH - 88 * mm]), Spacer(1, 4 * mm)]
    parts.append(_par(_w("answers", zh), 13))
    lines = [
        f"{_w('objection', zh)} · {o.name_zh if zh else o.name_en} · {o.indicator} · {_w('used', zh)} {'—' if o.used is None else shown(o.used)} · "
        f"{_w('claimed', zh)} {shown(o.claimed)} · {_w(o.state, zh)}"
        for o in told.objections
    ] + [f"{_w('repair', zh)} · {r.name_zh if zh else r.name_en} · {r.task} · {r.due.isoformat()} · {_w(r.state, zh)}" for r in told.rectifications]
    parts += [_par(text, 9) for text in lines or [_w("none", zh)]]
    facts = [
        (_w("system", zh), told.view.line.system), (_w("seed", zh), str(told.view.seed)), (_w("inputs", zh), told.run.inputs_digest),
        (_w("result", zh), told.run.result_digest),
    ]  # fmt: skip
    made = Table([[_par(k, 9, _SOFT), _par(v, 8)] for k, v in facts], colWidths=[34 * mm, _WIDTH - 34 * mm], style=_PLAIN)
    return [*parts, Spacer(1, 4 * mm), _par(_w("made", zh), 13), _par(_w("method", zh), 9), made, Spacer(1, 4 * mm)]


def _cards(told: Told, zh: bool) -> list[Any]:
    parts: list[Any] = [_par(_w("cards", zh), 13), Spacer(1, 2 * mm)] if told.cards else []
    heads = [_w(k, zh) for k in ("indicator", "value", "score", "lost")]
    for card in told.cards:
        body = []
        for item in (i for d in card.dims for i in d.items):
            value = _w(item.status, zh) if item.value is None else shown(item.value.quantize(_CENT)) + {"percent": "%"}.get(item.unit, "")
            body.append([f"{item.key} {item.zh if zh else item.en}", value, "—" if item.score is None else item.score[:-2], item.lost[:-2]])
        name = card.unit.name_zh if zh else card.unit.name_en
        parts += [
            KeepTogether([_par(f"{name} · {card.total:.2f}", 11), _web(card, zh)]),
            _table(heads, body, [_WIDTH - 78 * mm, 34 * mm, 22 * mm, 22 * mm]), Spacer(1, 5 * mm),
        ]  # fmt: skip
    return parts


def _corner(n: int, of: int, radius: Any) -> tuple[Any, Any]:
    """The n-th of so many corners, the first on top, clockwise."""
    return radius * sin(2 * pi * n / of), radius * cos(2 * pi * n / of)


def _web(card: Any, zh: bool) -> Any:
    """The card's dimensions as a web: its edge is 100."""
    there = [(d.zh if zh else d.en, d.score) for d in card.dims if d.score is not None]
    size = 52 * mm
    made = Drawing(_WIDTH, size)
    if len(there) < 3:
        return made
    x0, y0, radius = _WIDTH / 2, size / 2, 18 * mm
    for part in (50, 100):
        ring = [v for n in range(len(there)) for v in _moved(_corner(n, len(there), radius * part / 100), x0, y0)]
        made.add(Polygon(ring, fillColor=None, strokeColor=_LINE, strokeWidth=0.5))
    shape = [v for n, (_, s) in enumerate(there) for v in _moved(_corner(n, len(there), radius * int(s.replace(".", "")) / 1_000_000), x0, y0)]
    made.add(Polygon(shape, fillColor=colors.Color(0.05, 0.38, 0.44, alpha=0.18), strokeColor=_SEA, strokeWidth=1))
    for n, (name, s) in enumerate(there):
        x, y = _moved(_corner(n, len(there), radius + 4 * mm), x0, y0)
        anchor = "middle" if abs(x - x0) < mm else "start" if x > x0 else "end"
        made.add(String(x, y - 1 * mm, name, fontName=CHINESE if zh else LATIN, fontSize=7, fillColor=_SOFT, textAnchor=anchor))
        made.add(String(x, y - 4 * mm, s[:-2], fontName=LATIN, fontSize=7, fillColor=_INK, textAnchor=anchor))
    return made


def _moved(at: tuple[Any, Any], x: Any, y: Any) -> tuple[Any, Any]:
    return at[0] + x, at[1] + y


# ------------------------------------------------------------------------------------------------ type


_PLAIN: Final = TableStyle(
    [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0), ("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]
)  # fmt: skip


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[Any]) -> Any:
    body = [[_par(h, 8, _SOFT) for h in heads], *([_par(v, 8.5) for v in row] for row in rows)]
    return Table(body, colWidths=list(widths), repeatRows=1, style=TableStyle([
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("BACKGROUND", (0, 0), (-1, 0), _GROUND), ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 3), ("RIGHTPADDING", (0, 0), (-1, -1), 3), ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]))  # fmt: skip


def _par(text: str, size: Any, color: Any = _INK) -> Any:
    return Paragraph(_mixed(text), _style(size, color, cjk=any(_is_chinese(c) for c in text)))


def _style(size: Any, color: Any, *, cjk: bool = True) -> Any:
    return ParagraphStyle("", fontName=LATIN, fontSize=size, leading=size * 1.35, textColor=color, wordWrap="CJK" if cjk else None)


def _is_chinese(c: str) -> bool:
    return ord(c) > 0x2E7F  # dots, dashes and quotation marks of Latin stand in Helvetica


def _mixed(text: str) -> str:
    """Runs of Chinese in their font; what neither font has stands as a box."""
    out, run, chinese = [], "", False
    for c in text:
        is_chinese = _is_chinese(c)
        if is_chinese != chinese and run:
            out.append(_run(run, chinese))
            run = ""
        run, chinese = run + c, is_chinese
    return "".join([*out, _run(run, chinese)])


def _run(text: str, chinese: bool) -> str:
    return f'<font name="{CHINESE}">{escape(text)}</font>' if chinese else escape(text)


@cache
def _fonts() -> None:
    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))
