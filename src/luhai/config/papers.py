"""Build the papers that are made of parts: docs/articles.md and GLOSSARY.md, one small file per subject.

A test keeps them true: what a part names must exist, and the paper must equal what the parts build.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from luhai.desks.coverage.carriers import carried, measures

ROOT = Path(settings.BASE)


def articles() -> str:
    """docs/articles.md: every measure, with the command or page that carries it, or *not yet*."""
    by_measure = carried()
    rows = measures()
    done = sum(1 for row in rows if row["id"] in by_measure)
    lines = [
        "# Article → measure → what carries it",
        "",
        "Built by `luhai docs build` from `docs/articles/*.yaml`; do not edit by hand. *Not yet* means just that.",
        "",
        f"{len(rows)} measures of 《关于金融支持加快西部陆海新通道建设的意见》 (2025-11-26), {done} carried so far.",
    ]
    article = ""
    for row in rows:
        if row["article"] != article:
            article = row["article"]
            lines += ["", f"## Article {article} {row['article_title']}", "", "| measure | what it asks | carried by |", "|---|---|---|"]
        asks = f"{row['quote']}{'：' + row['item'] if row['item'] else ''}<br>{row['title_en']}"
        carriers = by_measure.get(row["id"], [])
        said = "<br>".join(
            f"{', '.join(f'`{b}`' for b in c.by)}: {c.how}{' *' + c.note + '*' if c.note else ''}" for c in carriers
        )
        lines.append(f"| {row['id']} | {asks.replace('|', '/')} | {said or '*not yet*'} |")
    return "\n".join(lines) + "\n"


def glossary() -> str:
    """GLOSSARY.md: the terms of every subject, 中文 | English | name in code | meaning | source."""
    lines = [
        "# Glossary 术语表",
        "",
        "Built by `luhai docs build` from `docs/glossary/*.md`; do not edit by hand. A test checks that the names in code exist.",
    ]
    for path in sorted((ROOT / "docs" / "glossary").glob("*.md")):
        lines += ["", path.read_text(encoding="utf-8").strip()]
    return "\n".join(lines) + "\n"


PAPERS = {"docs/articles.md": articles, "GLOSSARY.md": glossary}


def build() -> list[str]:
    """Write the papers; return those that changed."""
    changed = []
    for name, make in PAPERS.items():
        path, text = ROOT / name, make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed
