"""Build the papers that are made of parts: docs/articles.md and GLOSSARY.md, one small file per subject.

A test keeps them true: what a part names must exist, and the paper must equal what the parts build.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

ROOT = Path(settings.BASE)
MEASURES = ROOT / "data" / "policies" / "pbc-2025-11-26.measures.csv"


def carried() -> dict[str, list[dict[str, Any]]]:
    """measure id -> what carries it: {by, how, note, subject}. Refuses an unknown measure or a missing key."""
    known = {row["id"] for row in _measures()}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted((ROOT / "docs" / "articles").glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
            for measure in entry["measures"]:
                if measure not in known:
                    raise ValueError(f"{path.name}: there is no measure {measure}")
                found[measure].append(
                    {"by": entry["by"], "how": entry["how"], "note": entry.get("note", ""), "subject": path.stem}
                )
    return found


def articles() -> str:
    """docs/articles.md: every measure, with the command or page that carries it, or *not yet*."""
    by_measure = carried()
    rows = _measures()
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
        entries = by_measure.get(row["id"], [])
        carriers = "<br>".join(
            f"{', '.join(f'`{b}`' for b in e['by'])}: {e['how']}{' *' + e['note'] + '*' if e['note'] else ''}"
            for e in entries
        )
        lines.append(f"| {row['id']} | {asks.replace('|', '/')} | {carriers or '*not yet*'} |")
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


def _measures() -> list[dict[str, str]]:
    with open(MEASURES, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
