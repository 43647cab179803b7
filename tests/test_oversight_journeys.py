"""Statistics, evaluation and replication in Chromium: a visitor reads, supervisors publish and decide, officials object and copy.

The world is a small part of the demo's corridor, told by the demo's own loaders before the site answers: a dozen companies of four territories
with a loan each, two months that are out, one cycle with its drafts, one package at its origin.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch
from uuid import UUID, uuid5

import pytest
from playwright.sync_api import Browser, Locator, expect, sync_playwright

from luhai.kernel.calendar import SHANGHAI
from tests import journeys
from tests.journeys import ASSETS, LANGUAGES, ROOT, Person, Site, chromium

pytestmark = pytest.mark.browser

SEED: Final = 4
PACKAGE: Final = "corridor-logistics"
#: How many companies borrow in a territory: some enough for a figure of its own, some not.
BORROWERS: Final = {"500000": 6, "450000": 5, "510000": 3, "530000": 1}
#: Whose official objects, and whose officials copy the package, in each language.
OBJECTS: Final = {"zh-hans": ("official1", "500000", "P03"), "en": ("official2", "450000", "P05")}
COPIES: Final = {"zh-hans": ("official3", "510000"), "en": ("official2", "450000")}
_SPACE: Final = UUID("2f1d9f0e-5a50-5d07-9b1a-0d6a3c8f2b11")


# --- beside the site: the world ------------------------------------------------------------------------------------------


def tell() -> None:
    """In a process beside the site: make the world, and say what it is made of."""
    from django.utils import timezone

    from luhai.core.policies import commands as policies
    from luhai.desks import demo, demo_evaluation, demo_loans, demo_releases
    from luhai.oversight.replication import live_commands
    from luhai.shell import schema
    from simulator import corridor

    schema.bring_up_to_date()
    now = timezone.now()
    loader = demo.Loader(_part_of(corridor.generate(seed=SEED, size=corridor.Size.SMALL, as_of=now.astimezone(SHANGHAI).date())), SEED, now)
    policies.load_seed(origin=loader.origin("policy"))
    demo._parties(loader)
    _colleagues(loader)
    demo_loans.load(loader, demo.seller_of, demo.officer_of)
    released = demo_releases.load(SEED, now)
    with patch.object(demo_evaluation, "territories", lambda: ["450000", "500000", "510000"]):  # the others report nothing
        evaluated = demo_evaluation.load(SEED, now)
    live_commands.enter(
        adoption_id=uuid5(_SPACE, PACKAGE), package=PACKAGE, territory="500000", instrument_no="示例〔2025〕50号（虚构）",
        approver="国家外汇管理局（虚构）", scope="全域（虚构）", invented=True, origin=loader.origin("package"),
    )  # fmt: skip
    _facts(loader)
    print(json.dumps({"months": sorted(released), "cycle": evaluated["cycle"], "origin": str(uuid5(_SPACE, PACKAGE))}))


def _part_of(whole: Any) -> Any:
    """A corridor of those who borrow, the banks that lend to them, and all agencies with their people."""
    from luhai.desks.demo_loans import SIZES

    fit = [c for c in whole.companies if c.country == "CN" and c.facts.get("size") in SIZES]
    companies = [c for code, count in BORROWERS.items() for c in [c for c in fit if c.territory == code][:count]]
    banks = [b for b in whole.institutions if b.country == "CN" and b.home in BORROWERS]
    there = {party.id for party in (*companies, *banks, *whole.agencies)}
    return SimpleNamespace(
        companies=companies, institutions=banks, agencies=whole.agencies, people=[p for p in whole.people if p.party_id in there], as_of=whole.as_of
    )


def _colleagues(loader: Any) -> None:
    """A second person in each office: what one does, another must do the rest of."""
    from luhai.core.parties import commands as parties
    from luhai.desks.demo import email_of

    for person in loader.corridor.people:
        if str(person.role) in {"supervisor", "provincial_official"}:
            key = uuid5(person.id, "colleague")
            parties.add_person(
                person_id=key, email=email_of(f"{person.username}b"), name_zh=f"{person.name_zh}乙", name_en=f"{person.name_en} II",
                password_hash=None, origin=loader.origin(f"colleague:{person.id}"),
            )  # fmt: skip
            parties.add_membership(
                person_id=key, party_id=person.party_id, role=str(person.role), territory=person.territory,
                origin=loader.origin(f"colleague-member:{person.id}"),
            )  # fmt: skip


def _facts(loader: Any) -> None:
    """What the package asks of the two territories, stated by those who may."""
    from luhai.desks.demo_replication import _official, _supervisor
    from luhai.oversight.replication import commands

    day = loader.corridor.as_of
    for _user, territory in COPIES.values():
        official, supervisor = _official(loader, territory), _supervisor(loader)
        for who, fact, value in (
            (supervisor, "supervision_grade", "B"), (supervisor, "debt_colour", "yellow"), (supervisor, "red_warnings", 0),
            (official, "controls_complete", True), (official, "responsible_unit", True),
            (official, "data", ["transport_document", "customs_declaration"]),
        ):  # fmt: skip
            commands.state_fact(
                statement_id=uuid5(official.person_id, fact), territory=territory, fact=fact, value=value, document="示例文件（虚构）", digest="",
                stated_on=day - timedelta(days=1), until=day + timedelta(days=300), origin=loader.origin(f"fact:{territory}:{fact}", who, loader.now),
            )  # fmt: skip
