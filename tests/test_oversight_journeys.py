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
from uuid import UUID, uuid4, uuid5

import psycopg
import pytest
from django.db import connections
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
#: How many days ago the newest loan was paid out.
SETTLED_DAYS: Final = 40
_SPACE: Final = UUID("2f1d9f0e-5a50-5d07-9b1a-0d6a3c8f2b11")


# --- beside the site: the world ------------------------------------------------------------------------------------------


def tell() -> None:
    """In a process beside the site: make the world, and say what it is made of."""
    from django.utils import timezone

    from luhai.core.policies import commands as policies
    from luhai.desks import demo, demo_evaluation, demo_loans
    from luhai.oversight.replication import live_commands
    from simulator import corridor

    now = timezone.now()
    loader = demo.Loader(_part_of(corridor.generate(seed=SEED, size=corridor.Size.SMALL, as_of=now.astimezone(SHANGHAI).date())), SEED, now)
    policies.load_seed(origin=loader.origin("policy"))
    demo._parties(loader)
    _colleagues(loader)
    with patch.object(demo_loans, "NEWEST", SETTLED_DAYS):  # whatever the day of the month: all stand at the end of the last one
        demo_loans.load(loader, demo.seller_of, demo.officer_of)
    months = _released(loader)
    with patch.object(demo_evaluation, "territories", lambda: ["450000", "500000", "510000"]):  # the others report nothing
        evaluated = demo_evaluation.load(SEED, now)
    live_commands.enter(
        adoption_id=uuid5(_SPACE, PACKAGE), package=PACKAGE, territory="500000", instrument_no="示例〔2025〕50号（虚构）",
        approver="国家外汇管理局（虚构）", scope="全域（虚构）", invented=True, origin=loader.origin("package"),
    )  # fmt: skip
    _facts(loader)
    print(json.dumps({"months": months, "cycle": evaluated["cycle"], "origin": str(uuid5(_SPACE, PACKAGE))}))


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


def _released(loader: Any) -> list[str]:
    """Two months are out, the first of them on its own day: computed by the system, published by a supervisor."""
    from luhai.desks.demo_replication import _supervisor
    from luhai.oversight.releases import commands
    from luhai.oversight.releases.policy import month_end
    from luhai.oversight.statistics import commands as statistics
    from luhai.oversight.statistics.policy import later
    from luhai.shell import journal

    journal.seal(at=loader.now)
    statistics.gather_all(loader.now)
    statistics.export_all(loader.now)
    today: date = loader.corridor.as_of
    last = later(today.replace(day=1), -1 if today.day > 2 else -2)
    months = [later(last, -1), last]
    for month in months:
        made = commands.plan_release(
            month=f"{month:%Y-%m}", day=month_end(month) + timedelta(days=1), origin=loader.origin(f"plan {month}", at=loader.now)
        )
        commands.compute_release(release_id=made, origin=loader.origin(f"compute {month}", at=loader.now))
        commands.publish_release(release_id=made, origin=loader.origin(f"publish {month}", _supervisor(loader), loader.now))
    return [f"{month:%Y-%m}" for month in months]


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


# --- the site, and people at it -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    """The site and what its world is made of."""

    browser: Browser
    site: Site
    told: dict[str, Any]

    def enter(self, user: str, language: str, *, script: bool = True) -> Person:
        person = Person(self.browser, self.site, language, script=script)
        if user:
            person.sign_in(f"{user}@demo.luhai.example")
        return person

    @property
    def cycle(self) -> str:
        return f"/evaluation/{self.told['cycle']}/"


@contextmanager
def _running(database: str) -> Iterator[Scene]:
    """The world in that database and a state folder of its own, and the site before it."""
    state = Path(tempfile.mkdtemp(prefix="luhai-oversight-"))
    (state / "static").mkdir()
    (state / "static" / "vendor").symlink_to(ASSETS)
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    env = os.environ | {"LUHAI_STATE": str(state), "PYTHONPATH": paths, "DATABASE_URL": database, "LUHAI_DEMO": "1"}
    env["DJANGO_SETTINGS_MODULE"] = "luhai.config.settings"
    port, log = journeys._free_port(), state / "serve.log"
    process = None
    try:
        words = "import django; django.setup(); from tests import test_oversight_journeys as world; world.tell()"
        done = subprocess.run([sys.executable, "-c", words], cwd=ROOT, env=env, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stderr[-4_000:]
        command = [sys.executable, "-m", "luhai", "serve", "--port", str(port), "--workers", "1", "--no-worker"]
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        site = Site(f"http://127.0.0.1:{port}", env)
        journeys._wait_until_ready(site, process, log)
        with sync_playwright() as playwright:
            browser = chromium(playwright)
            try:
                yield Scene(browser, site, json.loads(done.stdout.splitlines()[-1]))
            finally:
                browser.close()
    finally:
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(15)
        shutil.rmtree(state, ignore_errors=True)


Play = Callable[[Callable[[Scene, str], None], str], None]


@pytest.fixture(scope="module")
def database(cluster: Any, django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A copy of the migrated database, for the whole module: its address."""
    name = f"t_{uuid4().hex[:12]}"
    with django_db_blocker.unblock():
        for alias in ("default", "owner"):
            connections[alias].close()
    with psycopg.connect(cluster.conninfo(), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE luhai OWNER luhai_owner STRATEGY wal_log')
        yield cluster.conninfo(database=name)
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def play(database: str) -> Iterator[Play]:
    """Plays a journey in a thread with a browser of its own: another module's may be open in this one."""
    assert (ASSETS / "axe.min.js").exists(), "the front-end packages are missing: run ./luhai setup"
    expect.set_options(timeout=15_000)
    running = _running(database)
    with ThreadPoolExecutor(1) as thread:
        scene = thread.submit(running.__enter__).result()
        try:
            yield lambda journey, language: thread.submit(journey, scene, language).result()
        finally:
            thread.submit(running.__exit__, None, None, None).result()


def _refused(person: Person, status: int, button: Locator, *texts: str) -> None:
    """Pressing it is refused, in the words that the page shows."""
    with person.refused_with(status):
        button.click()
    said = person.page.locator("main [role=alert]").first
    expect(said).to_be_visible()
    for text in texts:
        expect(person.page.locator("main")).to_contain_text(text)


def _saved(person: Person, path: str) -> bytes:
    """A file behind a link, asked with the session of this window."""
    answer = person.context.request.get(path)
    assert answer.status == 200, f"{path}: {answer.status}"
    return answer.body()


# --- a visitor reads ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_visitor_goes_from_the_policy_to_the_figures(play: Play, language: str) -> None:
    play(_visit, language)


def _visit(scene: Scene, language: str) -> None:
    with scene.enter("", language) as visitor:
        _the_policy_live(visitor)
        _the_browser(visitor, scene.told["months"])
        visitor.link("Released statistics", visitor.page.locator("nav.crumbs, .crumbs").first).click()
        visitor.page.wait_for_url("**/statistics/calendar/")
        for month in scene.told["months"]:
            expect(visitor.page.locator("main tbody")).to_contain_text(f"{month}.1")
        expect(visitor.page.locator("main form")).to_have_count(0)  # a visitor plans nothing
        visitor.look("the calendar")
        assert not visitor.problems, visitor.problems
    with scene.enter("", language, script=False) as visitor:
        visitor.go("/statistics/browse/")
        visitor.page.locator("#indicator").select_option("loans_drawn")
        visitor.page.locator("#columns").select_option("size")
        visitor.button("Show").click()
        assert "columns=size" in visitor.page.url
        expect(visitor.page.locator("main table tbody tr").first).to_be_visible()


def _the_policy_live(visitor: Person) -> None:
    page = visitor.page
    visitor.go("/coverage/")
    expect(page.locator("main tbody tr[id^=M]")).to_have_count(239)
    page.locator("#article").select_option("11")
    page.locator("#state").select_option("carried")
    visitor.button("Show").click()
    row = page.locator("#M11-06")
    expect(row).to_be_visible()
    assert all(code.startswith("M11-") for code in page.locator("main tbody tr").evaluate_all("rows => rows.map((r) => r.id)"))
    visitor.look("the policy, live")
    listed = json.loads(_saved(visitor, f"/coverage/{page.locator('main a[href*=format]').get_attribute('href')}"))
    assert listed["measures"] == 239
    assert [m["measure"] for m in listed["items"]] == page.locator("main tbody tr").evaluate_all("rows => rows.map((r) => r.id)")
    assert "/statistics/browse/" in next(m for m in listed["items"] if m["measure"] == "M11-06")["carried_by"][0]["by"]

    page.locator("#state").select_option("waiting")
    visitor.button("Show").click()
    expect(row).to_have_count(0)
    page.go_back()
    expect(row).to_be_visible()
    visitor.go("/coverage/?article=99", 422)
    expect(page.locator("main")).to_contain_text(visitor.word("an article of the policy: 1 to 24"))
    visitor.look("an article that is not", axe=False)
    page.go_back()
    row.locator("a[href='/statistics/browse/']").first.click()
    page.wait_for_url("**/statistics/browse/")


def _the_browser(visitor: Person, months: list[str]) -> None:
    page = visitor.page
    page.locator("#indicator").select_option("loans_outstanding")
    page.locator("#from").fill(months[-1])
    page.locator("#to").fill(months[0])
    _refused(visitor, 422, visitor.button("Show"), visitor.word("not after the last month"))
    expect(page.locator("#from")).to_have_value(months[-1])
    visitor.look("months the wrong way round")
    page.locator("#from").fill(months[0])
    page.locator("#to").fill(months[-1])
    visitor.button("Show").click()
    lines = page.locator("main tbody tr")
    expect(lines).to_have_count(len(BORROWERS) + 1)  # each territory, and the total
    expect(page.locator("main thead th")).to_have_count(len(months) + 1)
    visitor.look("loans by territory and month")

    figures = csv.DictReader(io.StringIO(_saved(visitor, str(visitor.link("Download as CSV").get_attribute("href"))).decode("utf-8-sig")))
    rows = list(figures)
    told = json.loads(_saved(visitor, str(visitor.link("Download as JSON").get_attribute("href"))))["figures"]
    assert len(rows) == len(told) == page.locator("main tbody td a").count()
    assert [r["value"] for r in rows] == ["" if f["value"] is None else str(f["value"]) for f in told]
    withheld = [f for f in told if f["conf_status"] != "F"]
    assert withheld
    assert all(f["value"] is None for f in withheld), "what is withheld is in no file"
    for release in {f["release"] for f in told}:
        assert page.locator("main p", has_text=release[:16]).count() == 2, "both languages cite the digest of what is shown"

    page.locator("main tbody td a.muted").last.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/cell/**")
    expect(page.locator("main .note")).to_contain_text(visitor.word("Withheld"))
    expect(page.locator("main")).to_contain_text(visitor.word("The events beneath a figure each tell of one company; only those who oversee see them."))
    visitor.look("a figure that is withheld")
    page.go_back()
    shown = page.locator("main tbody td a:not(.muted)").last
    text = re.sub("p$", "", shown.inner_text().strip())
    shown.click()
    page.wait_for_url("**/cell/**")
    expect(page.locator("main strong").first).to_have_text(text)
    visitor.look("a figure")
    page.go_back()
    page.locator("main section", has=page.locator("table")).wait_for()


# --- supervisors publish --------------------------------------------------------------------------------------------------


def test_two_supervisors_publish_a_revision(play: Play) -> None:
    """One in Chinese, the other in English: each sees the pages of the other."""
    play(_publish, "zh-hans")


def _publish(scene: Scene, language: str) -> None:
    month, today = scene.told["months"][-1], datetime.now(SHANGHAI).date()
    with scene.enter("supervisor1", language) as first, scene.enter("supervisor1b", "en") as second:
        first.go("/statistics/calendar/")
        first.look("the calendar of a supervisor")
        _revise(first, "2020-01", today, good=False)
        release = _revise(first, month, today + timedelta(days=1))
        second.go(release)
        second.look("a revision that is planned")
        first.button("Compute and freeze").click()
        first.told()
        for person in (first, second):
            person.go(release)
            _refused(person, 409, person.button("Publish"), f"{today + timedelta(days=1)} 09:00")
            person.look("a release under embargo")
        first.page.locator("main summary", has_text=first.word("Discard it")).click()
        first.page.locator("#reason").fill("提前一天计算 computed a day early")
        first.button("Discard").click()
        first.told()

        second.go("/statistics/calendar/")
        _revise(second, "2020-01", today, good=False)
        release = _revise(second, month, today - timedelta(days=1))
        second.button("Compute and freeze").click()
        second.told()
        _refused(second, 403, second.button("Publish"), "Whoever computed a release does not publish it; another person must.")
        first.go(release)
        first.button("Publish").click()
        first.told()
        expect(first.button("Publish")).to_have_count(0)
        for person in (first, second):
            person.go(release)
            expect(person.page.locator("main .badge.good")).to_have_text(person.word("Published"))
            person.look("a release that is out")
        _look_beneath(first, month)
        _look_beneath(second, month)
        assert not first.problems + second.problems, first.problems + second.problems


def _look_beneath(supervisor: Person, month: str) -> None:
    """From the release to its total, and to what is counted in it."""
    page = supervisor.page
    supervisor.link("Browse the figures").click()
    page.wait_for_url(f"**from={month}**")
    expect(page.locator("main")).to_contain_text(f"{month}.3")  # the citation names the vintage; the second was discarded
    page.locator("main tbody td a:not(.muted)").last.click()
    page.wait_for_url("**/cell/**")
    expect(page.locator("main h2", has_text=supervisor.word("Its vintages"))).to_be_visible()
    companies = page.locator(f"main tbody td[data-label='{supervisor.word('Company')}']")
    assert len(set(companies.all_inner_texts())) >= 4, "a figure that is shown has at least four companies beneath"
    supervisor.look("the events beneath a figure")


def _revise(person: Person, month: str, day: date, *, good: bool = True) -> str:
    """Ask for a revision on the calendar, due on a day; returns the address of the release."""
    page = person.page
    form = page.locator("main form:has(input[name=do][value=revise])")
    if not form.is_visible():
        page.locator("main summary", has_text=person.word("Revise a month that is out")).click()
    form.locator("#revise-month").fill(month)
    form.locator("#revise-reason").fill("一家银行补报")
    form.locator("#revise-changed").fill("贷款余额与笔数")
    form.locator("#revise-day").fill(day.isoformat())
    button = person.button("Plan the revision", form)
    if good:
        button.click()
        person.told()
        assert "/statistics/release/" in page.url
        return page.url.removeprefix(person.site.url)
    _refused(person, 422, button, month)
    expect(form.locator("#revise-reason")).to_have_value("一家银行补报")
    person.look("a revision of what is not out")
    return ""


# --- supervisors evaluate, officials object -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_supervisor_reads_an_evaluation_to_the_point(play: Play, language: str) -> None:
    play(_evaluate, language)


def _evaluate(scene: Scene, language: str) -> None:
    with scene.enter("supervisor1", language) as supervisor:
        page = supervisor.page
        supervisor.go("/evaluation/")
        page.locator("#seed").fill("luck")
        _refused(supervisor, 422, supervisor.button("Plan"), supervisor.word("a whole number from 0 to 2147483647"))
        expect(page.locator("#seed")).to_have_value("luck")
        supervisor.look("the cycles, with a seed that is none")
        page.locator(f"main table a[href='{scene.cycle}']").click()
        page.wait_for_url(f"**{scene.cycle}")
        supervisor.look("a cycle")

        page.locator("main table a[href$='/units/500000/']").click()
        page.wait_for_url("**/units/500000/")
        total = float(page.locator(".stats dd").first.inner_text())
        lost = sum(float(x) for x in page.locator("main table").first.locator("tbody td:last-child").all_inner_texts())
        assert abs(total + lost - 100) < 0.1, "every point that is not earned is explained"
        missing = page.locator("main tr:has(.badge.line) th span.small")
        assert missing.count() > 0
        assert all(text.strip() for text in missing.all_inner_texts()), "what is not counted says why"
        opened = page.locator("main tbody details", has_text="P03").first
        opened.locator("summary").click()
        for name in ("Formula", "Source", "How it is scored"):
            expect(opened.locator("dt", has_text=re.compile(f"^{re.escape(supervisor.word(name))}$"))).to_be_visible()
        supervisor.look("a scorecard with one point opened")
        page.go_back()
        page.wait_for_url(f"**{scene.cycle}")

        supervisor.link("Report").click()
        page.wait_for_url("**/report/")
        supervisor.look("the report")
        for link in page.locator("main a[href*='report.pdf']").all():
            assert _saved(supervisor, str(link.get_attribute("href"))).startswith(b"%PDF")
        assert not supervisor.problems, supervisor.problems


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_official_objects_and_a_supervisor_decides(play: Play, language: str) -> None:
    play(_object, language)


def _object(scene: Scene, language: str) -> None:
    user, unit, indicator = OBJECTS[language]
    upheld = language == "zh-hans"
    with scene.enter(user, language) as official, scene.enter("supervisor1b", language, script=False) as supervisor:
        page = official.page
        official.go("/evaluation/")
        page.locator(f"main table a[href='{scene.cycle}']").click()
        official.look("a cycle as a unit sees it")
        assert page.locator("main table a[href*='/units/']").count() == 1, "a draft is told to its own unit only"
        page.locator(f"main table a[href$='/units/{unit}/']").click()
        page.wait_for_url(f"**/units/{unit}/")
        official.look("one's own draft")
        official.go(f"{scene.cycle}units/510000/", 404)
        page.go_back()

        page.locator("#indicator").select_option(indicator)
        page.locator("#claimed").fill("many")
        page.locator("#ground").fill("口径不同 counted otherwise")
        page.locator("#evidence").fill("渝金函〔2026〕9号")
        _refused(official, 422, official.button("Object"))
        expect(page.locator("#claimed")).to_have_value("many")
        expect(page.locator("#ground")).to_have_value("口径不同 counted otherwise")
        expect(page.locator("#indicator")).to_have_value(indicator)
        official.look("an objection without a number")
        page.locator("#claimed").fill("77.5")
        official.button("Object").click()
        official.told()
        mine = page.locator("main li", has_text="77.5")
        expect(mine.locator(".badge")).to_have_class(re.compile("warn"))

        supervisor.go(scene.cycle)
        form = supervisor.page.locator("main details[open] form:has(input[value=decide_objection])")
        expect(form).to_have_count(1)
        form.locator("input[name=reason]").fill("  ")
        decision = supervisor.button("Uphold" if upheld else "Reject the objection", form)
        _refused(supervisor, 422, decision)
        form.locator("input[name=reason]").fill("已核对凭证 checked against the papers")
        decision.click()
        supervisor.told()
        expect(form).to_have_count(0)

        official.go(f"{scene.cycle}units/{unit}/")
        expect(mine).to_contain_text("已核对凭证")
        expect(mine.locator(".badge")).to_have_class(re.compile("good" if upheld else "plain"))
        official.look("an objection that is decided")
        assert not official.problems + supervisor.problems, official.problems + supervisor.problems


# --- a territory copies a package -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_territory_copies_a_package(play: Play, language: str) -> None:
    play(_copy, language)


def _copy(scene: Scene, language: str) -> None:
    user, territory = COPIES[language]
    with (
        scene.enter(user, language) as official,
        scene.enter(f"{user}b", language) as colleague,
        scene.enter("supervisor1", language, script=False) as supervisor,
    ):
        _read_the_reasons(official, territory)
        adoption = _draft_and_propose(official)
        colleague.go(adoption)
        _act(colleague, "approve").locator("button").click()
        colleague.told()

        supervisor.go(adoption)
        form = _act(supervisor, "grant")
        form.locator("[name=instrument_no]").fill("  ")
        form.locator("[name=scope]").fill("全域")
        with supervisor.refused_with(422):
            form.locator("button").click()
            supervisor.wrong("grant-instrument_no")
        expect(form.locator("[name=scope]")).to_have_value("全域")
        form.locator("[name=instrument_no]").fill("汇复〔2026〕7号")
        form.locator("button").click()
        supervisor.told()

        official.go(adoption)
        _act(official, "go_live").locator("button").click()
        official.told()
        expect(official.page.locator("main tbody .badge.brass")).to_have_text("120")
        official.look("an adoption that is live")
        official.go("/replication/")
        expect(official.page.locator(f"main tbody a[href='{adoption}']").first).to_have_text(official.word("live"))
        official.look("the board after it")
        assert not official.problems + colleague.problems + supervisor.problems


def _act(person: Person, name: str) -> Locator:
    """The form of an act, opened where it is folded."""
    folded = person.page.locator(f"main details:not([open]):has(input[name=act][value='{name}']) > summary")
    if folded.count():
        folded.click()
    form = person.page.locator(f"main form:has(input[name=act][value='{name}'])")
    expect(form).to_be_visible()
    return form


def _read_the_reasons(official: Person, territory: str) -> None:
    official.go("/replication/")
    official.page.locator(f"main tbody a[href='/replication/packages/{PACKAGE}/{territory}/']").click()
    page = official.page
    expect(page.locator("main li .badge.good").first).to_be_visible()
    expect(page.locator("main h2", has_text=re.compile(f"^{re.escape(official.word('Approval'))}$"))).to_be_visible()
    official.look("why a package may be copied")
    page.locator(".crumbs").get_by_role("link").last.click()
    page.wait_for_url(f"**/packages/{PACKAGE}/")


def _draft_and_propose(official: Person) -> str:
    """Returns the address of the adoption."""
    page = official.page
    setting = page.locator("[name='set-scenes.freight_days']")
    setting.fill("9999")
    page.locator("#draft-starts_on").fill(datetime.now(SHANGHAI).date().isoformat())
    with official.refused_with(422):
        official.button("Write the draft").click()
    expect(page.locator("main .field.wrong [name='set-scenes.freight_days']")).to_have_value("9999")
    official.look("a setting beyond its range")
    setting.fill("120")
    official.button("Write the draft").click()
    official.told()
    for act in ("examine", "propose"):
        _act(official, act).locator("button").click()
        official.told()
    expect(page.locator("main form:has(input[value=approve])")).to_have_count(0)  # whoever proposes does not approve
    expect(page.locator("main tbody .badge.brass")).to_have_text("120")
    expect(page.locator("main section", has_text=official.word("What the examination found")).locator("li .badge.good").first).to_be_visible()
    official.look("an adoption with its reasons")
    return page.url.removeprefix(official.site.url)
