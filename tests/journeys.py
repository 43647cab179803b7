"""What the browser journeys need: the real stack started once, and people who each have a window of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import pytest
from django.utils import translation
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Playwright, Request, Response, expect

ROOT: Final = Path(__file__).parent.parent
ASSETS: Final = ROOT / ".luhai" / "static" / "vendor"
WIDE: Final = 1440
NARROW: Final = 390
LANGUAGES: Final = ("zh-hans", "en")
#: The demo loads in half a minute on two cores.
PATIENCE_S: Final = 180
_FLAGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_AXE: Final = """() => axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => violations.map(
    (v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " + n.failureSummary).join(" | ")}`))"""
_OVERFLOW: Final = """() => {
    const wide = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= wide) return "";
    const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > wide + 1);
    return `${document.documentElement.scrollWidth} px: ` + out.slice(0, 3).map((e) => e.outerHTML.slice(0, 120)).join(" | ");
}"""


@dataclass(frozen=True)
class Site:
    """The stack of `luhai demo`, in a state folder of its own."""

    url: str
    env: dict[str, str]

    def luhai(self, *arguments: str) -> Any:
        """One command of the command line beside the running site; its JSON."""
        command = [sys.executable, "-m", "luhai", *arguments, "--json"]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def running_site() -> Iterator[Site]:
    """`luhai demo` as a user starts it; afterwards neither a process nor a file of it is left."""
    state = Path(tempfile.mkdtemp(prefix="luhai-site-"))
    state.chmod(0o755)  # the database server of root runs as an ordinary user, who must get in
    (state / "static").mkdir()
    if ASSETS.is_dir():
        (state / "static" / "vendor").symlink_to(ASSETS)
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    env = os.environ | {"LUHAI_STATE": str(state), "PYTHONPATH": paths}
    port = _free_port()
    log = state / "demo.log"
    command = [sys.executable, "-m", "luhai", "demo", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    try:
        site = Site(f"http://127.0.0.1:{port}", env)
        _wait_until_ready(site, process, log)
        yield site
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        stop = [sys.executable, "-m", "luhai", "db", "stop"]
        subprocess.run(stop, cwd=ROOT, env=env, capture_output=True, timeout=60)
        shutil.rmtree(state, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait_until_ready(site: Site, process: subprocess.Popen[bytes], log: Path) -> None:
    """The database has its tables before the corridor is in it, but the site answers only after that."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{site.url}/readyz", timeout=5) as answer:
                if json.load(answer)["status"] == "ok":
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"The demo is not ready (exit code {process.poll()}). Its log:\n{log.read_text()[-6_000:]}")


def chromium(playwright: Playwright) -> Browser:
    """The browser of this machine. Without one the journeys are skipped, except where they must run (CI)."""
    path = os.environ.get("LUHAI_CHROMIUM") or "/usr/bin/chromium"
    if not Path(path).exists():
        missing = f"no browser at {path}: install chromium, or name one with LUHAI_CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return playwright.chromium.launch(executable_path=path, args=list(_FLAGS))


class Person:
    """Somebody at the site in one language, with a window of their own and an eye for what is broken."""

    def __init__(self, browser: Browser, site: Site, language: str, *, script: bool = True) -> None:
        self.site, self.language, self.script = site, language, script
        self.context = browser.new_context(
            base_url=site.url, viewport={"width": WIDE, "height": 900}, java_script_enabled=script
        )
        self.context.add_cookies([{"name": "django_language", "value": language, "url": site.url}])
        self.context.set_default_timeout(15_000)
        self.page: Page = self.context.new_page()
        self.problems: list[str] = []
        self.accepted: set[int] = set()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("response", self._answered)
        self.page.on("requestfailed", self._failed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.context.close()

    # -- what goes wrong unseen --

    def _heard(self, message: ConsoleMessage) -> None:
        # The browser's own note on a status is left to _answered, which knows which are wanted.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.problems.append(f"console {message.type}: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.accepted:
            self.problems.append(f"{response.status} {response.request.method} {response.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # left before it was there
            self.problems.append(f"{request.failure} {request.url}")

    @contextmanager
    def refused_with(self, status: int) -> Iterator[None]:
        """What is done here is wrong on purpose: it must be answered with this status."""
        seen: list[int] = []

        def listener(response: Response) -> None:
            seen.append(response.status)

        self.accepted.add(status)
        self.page.on("response", listener)
        yield
        self.page.wait_for_load_state("load")
        self.page.remove_listener("response", listener)
        self.accepted.discard(status)
        assert status in seen, f"{status} was expected, the site answered {seen}"

    # -- looking --

    def word(self, text: str) -> str:
        """A text of the source in this person's language."""
        with translation.override(self.language):
            found = translation.gettext(text)
        assert self.language == "en" or found != text, f"untranslated: {text}"
        return found

    def look(self, what: str = "", *, axe: bool = True) -> None:
        """The page at both widths: nothing overflows, nothing failed so far; axe at the width of this language.

        The same journey in the other language looks at the other width.
        """
        self.page.wait_for_load_state("load")
        self.narrow()
        self.check(f"{what} at {NARROW} px", axe=axe and self.language == "en")
        self.widen()
        self.check(what, axe=axe and self.language != "en")

    def check(self, what: str, *, axe: bool) -> None:
        """The page as it stands now."""
        where = f"{what or self.page.title()} ({self.page.url}, {self.language})"
        assert self.page.locator("html").get_attribute("lang") == {"en": "en"}.get(self.language, "zh-Hans"), where
        assert self.page.locator("main h1").count() == 1, f"{where}: one heading is wanted"
        for _ in range(30):  # a chart is drawn again a moment after the window has another width
            if (out := self.page.evaluate(_OVERFLOW)) == "":
                break
            self.page.wait_for_timeout(100)
        assert out == "", f"{where} overflows: {out}"
        if axe:
            if not self.page.evaluate("() => 'axe' in window"):
                self.page.evaluate((ASSETS / "axe.min.js").read_text())
            found = self.page.evaluate(_AXE)
            assert not found, f"{where}, axe:\n" + "\n".join(found)
        assert not self.problems, f"{where}: {self.problems}"

    def narrow(self) -> None:
        self.page.set_viewport_size({"width": NARROW, "height": 844})

    def widen(self) -> None:
        self.page.set_viewport_size({"width": WIDE, "height": 900})

    # -- doing --

    def go(self, path: str, status: int = 200) -> None:
        self.accepted.add(status)
        answer = self.page.goto(path)
        self.accepted.discard(status)
        assert answer is not None, path
        assert answer.status == status, f"{path}: {answer.status}, not {status}"

    def button(self, text: str, within: Locator | None = None) -> Locator:
        return (within or self.page.locator("main")).get_by_role("button", name=self.word(text), exact=True)

    def link(self, text: str, within: Locator | None = None) -> Locator:
        return (within or self.page.locator("main")).get_by_role("link", name=self.word(text), exact=True)

    def field(self, text: str, within: Locator | None = None) -> Locator:
        """A field by its label; a label may go on, as in “Needed by (optional)”."""
        return (within or self.page.locator("main")).get_by_label(re.compile(f"^{re.escape(self.word(text))}"))

    def told(self) -> None:
        """Something was done, and the page says so."""
        expect(self.page.locator(".messages .note.good")).to_be_visible()
        expect(self.page.locator(".messages .note.bad")).to_have_count(0)

    def wrong(self, name: str) -> None:
        """The error stands beside this field, and is tied to it for those who hear the page."""
        error = self.page.locator(f"#{name}-error")
        expect(error).to_be_visible()
        assert (error.text_content() or "").strip()
        field = self.page.locator(f"[aria-describedby~='{name}-error']")
        assert field.count() == 1, f"{name}: the error is tied to no field"

    def sign_in(self, email: str) -> None:
        """One click on a ready account."""
        self.go("/demo/")
        self.page.get_by_role("button", name=email).click()
        self.page.wait_for_url("/")
        expect(self.page.locator(".drop .who")).to_be_visible()

    def sign_out(self) -> None:
        self.page.locator(".bar-tools details.drop > summary").click()
        self.page.locator(".bar-tools details.drop").get_by_role("button", name=self.word("Sign out"), exact=True).click()
        expect(self.page.locator("header").get_by_role("link", name=self.word("Sign in"), exact=True)).to_be_visible()

    def api(self, path: str) -> Any:
        """The programming interface, asked with the session of this window."""
        answer = self.context.request.get(f"/api/v1{path}")
        assert answer.status == 200, f"{path}: {answer.status} {answer.text()[:300]}"
        return answer.json()


def desks(person: Person) -> dict[str, str]:
    """The institutions with a ready account, by the name that the pages show, with the address of an officer."""
    person.go("/demo/")
    found = {}
    for account in person.page.locator(".account-button").all():
        email = (account.locator("small").text_content() or "").rpartition("·")[2].strip()
        if email.startswith(("bank", "partner")):
            found[(account.locator("strong").text_content() or "").strip()] = email
    return found
