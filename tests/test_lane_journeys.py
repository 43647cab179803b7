"""One shipment in Chromium, from the carrier's desk to the statistics: every part acts on its pages, each in its own language."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Locator, expect, sync_playwright

from luhai.desks.lane.cast import Cast, Part, invented
from luhai.desks.lane.papers import SHANGHAI
from tests.journeys import ASSETS, ROOT, Person, Site, chromium, running_site

pytestmark = pytest.mark.browser

CAST: Final = ("journey", 4)
#: The shipment left the port two days ago; what is played on pages happens today.
BEGAN_DAYS_AGO: Final = 8
#: What is told before anybody opens a page, in this order: the ship is at sea before the bill is pledged.
BEFORE: Final = ("agreement", "line", "issue", "papers", "consent", "rail", "release", "sea")
#: What the exporter puts to the payment, for its check.
ATTACHED: Final = ("contract", "invoice", "declaration", "transport_document")


# --- beside the site: what nobody has a page for -------------------------------------------------------------------------


def tell() -> None:
    """In a process beside the site: play the story up to the ship at sea, and say what it is made of."""
    from django.utils import timezone

    from luhai.desks.lane import play, stage, story

    cast = invented(*CAST)
    one = stage.load(cast, 1, clock=timezone.now() - timedelta(days=BEGAN_DAYS_AGO))
    for name in BEFORE:
        play.run(story.by_name(name), one)
    print(json.dumps(play.described(one) | {"registration": one.shipment.registration, "borrowed": story.borrowed(one)}))


def pay() -> None:
    """In a process beside the site: the importer's bank sends its pacs.008, now."""
    from django.utils import timezone

    from luhai.desks.lane import papers, stage
    from luhai.settlement.payments import commands as payments

    cast, now = invented(*CAST), timezone.now()
    one = stage.load(cast, 1, clock=now)
    content = papers.order(cast, one.shipment, one.uetr, now)
    print(json.dumps(payments.receive_message(content=content, origin=one.by(cast.sender, "pay", now)), default=str))


def gather() -> None:
    """In a process beside the site: seal the journal and count, as the jobs do every minute."""
    from django.utils import timezone

    from luhai.desks.lane import recount

    print(json.dumps(recount.gathered(timezone.now())))


def _beside(site: Site, what: str) -> Any:
    words = f"import django; django.setup(); from tests import test_lane_journeys as lane; lane.{what}()"
    env = site.env | {"DJANGO_SETTINGS_MODULE": "luhai.config.settings", "LUHAI_DEMO": "1"}
    done = subprocess.run([sys.executable, "-c", words], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-4_000:]
    return json.loads(done.stdout.splitlines()[-1])


# --- people and pages ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    """The site, the shipment on it, and whoever has opened a window so far."""

    browser: Browser
    site: Site
    cast: Cast
    told: dict[str, Any]
    windows: ExitStack

    def enter(self, part: Part, language: str) -> Person:
        person = self.windows.enter_context(Person(self.browser, self.site, language))
        person.sign_in(f"{part.username}@demo.luhai.example")
        return person

    @property
    def title(self) -> str:
        return str(self.told["title"])

    def lane(self, person: Person) -> Locator:
        """The shipment among those of this person."""
        person.go("/lane/")
        row = person.page.locator(".lane-row", has=person.page.locator(f"a[href='/lane/{self.title}/']"))
        expect(row).to_be_visible()
        return row

    def next_is(self, person: Person, text: str, href: str) -> None:
        """The lane says what is to be done, and leads there."""
        link = self.lane(person).locator(".lane-boxes a")
        expect(link).to_have_text(person.word(text))
        expect(link).to_have_attribute("href", href)

    def waits_for(self, person: Person, text: str) -> None:
        expect(self.lane(person).locator(".lane-boxes")).to_contain_text(person.word(text))


def _form(person: Person, act: str) -> Locator:
    """The form of an act on a page, opened where it is folded."""
    form = person.page.locator(f"main form:has(input[name=act][value='{act}'])")
    form.wait_for(state="attached")  # a page that is still on its way would say that nothing is folded
    folded = person.page.locator(f"main details:not([open]):has(input[name=act][value='{act}']) > summary")
    if folded.count():
        folded.click()
    expect(form).to_be_visible()
    return form


def _press(person: Person, act: str) -> None:
    """An act that asks for nothing."""
    _form(person, act).locator("button").click()
    person.told()


def _here(person: Person, text: str) -> None:
    """The station at which the line on this page stands."""
    expect(person.page.locator(".lane-line [aria-current=step] .what")).to_have_text(person.word(text))


@contextmanager
def _running() -> Iterator[tuple[Browser, Site]]:
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        try:
            with running_site() as site:
                yield browser, site
        finally:
            browser.close()


# --- the journey ---------------------------------------------------------------------------------------------------------


def test_one_shipment_from_the_carrier_to_the_statistics() -> None:
    # A browser of its own, in a thread of its own: another module's may be open in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_journey).result()


def _journey() -> None:
    assert (ASSETS / "axe.min.js").exists(), "the front-end packages are missing: run ./luhai setup"
    with _running() as (browser, site), ExitStack() as windows:
        scene = Scene(browser, site, invented(*CAST), _beside(site, "tell"), windows)
        carrier = scene.enter(scene.cast.carrier, "zh-hans")
        exporter = scene.enter(scene.cast.exporter, "zh-hans")
        officer = scene.enter(scene.cast.officer, "zh-hans")
        second = scene.enter(scene.cast.second, "zh-hans")
        importer = scene.enter(scene.cast.importer, "en")
        supervisor = scene.enter(scene.cast.supervisor, "zh-hans")

        _the_exporter_pledges(scene, exporter)
        loan = _the_exporter_asks_for_a_loan(scene, exporter)
        _two_officers_lend(scene, officer, second, loan)
        _the_officer_gives_a_number(scene, officer)
        _the_carrier_reports_the_arrival(scene, carrier)
        payment = str(_beside(site, "pay")["payment_id"])
        _the_exporter_attaches(scene, exporter, payment)
        _two_officers_credit(scene, officer, second, payment)
        _the_exporter_hands_it_on(scene, exporter)
        _the_importer_presents_it(scene, importer)
        _the_carrier_delivers(scene, carrier, importer)
        _the_supervisor_opens_the_figure(scene, supervisor, payment)
        for person in (carrier, exporter, officer, second, importer, supervisor):
            assert not person.problems, (person.page.url, person.problems)


def _the_exporter_pledges(scene: Scene, exporter: Person) -> None:
    scene.next_is(exporter, "Pledge the document to your bank, if you want to be financed on it.", f"/titles/{scene.title}/")
    exporter.look("the exporter's lane")
    exporter.page.locator(".lane-boxes a").first.click()
    form = _form(exporter, "pledge")
    form.locator("[name=pledgee]").fill("没有这家银行")
    form.locator("[name=secured_minor]").fill(str(scene.told["borrowed"]))
    form.locator("[name=currency]").select_option("CNY")
    form.locator("[name=registration]").fill(scene.told["registration"])
    with exporter.refused_with(422):
        form.locator("button").click()
    expect(exporter.page.locator("main [role=alert]")).to_be_visible()
    exporter.look("a pledge to nobody")
    form = _form(exporter, "pledge")
    expect(form.locator("[name=registration]")).to_have_value(scene.told["registration"])
    form.locator("[name=currency]").select_option("CNY")
    form.locator("[name=pledgee]").fill(scene.cast.bank.numbers["bic"])
    form.locator("button").click()
    exporter.told()


def _the_exporter_asks_for_a_loan(scene: Scene, exporter: Person) -> str:
    """Returns the address of the loan."""
    scene.next_is(exporter, "Ask your bank for a draw against the document.", "/loans/new/")
    exporter.page.locator(".lane-boxes a").first.click()
    page, paper = exporter.page, scene.told["evidence"]
    page.locator("#amount").fill(_major(scene.told["borrowed"] * 9 // 10))  # also where the rate fell since the bill was issued
    page.locator("#limit").select_option("rail_bills")
    page.locator("#purpose").fill("铁海联运提单融资")
    page.locator("#title").select_option(scene.title)
    page.locator("#insurance").select_option(paper["insurance"])
    page.locator(f"[name=papers][value='{paper['declaration']}']").check()
    page.locator(f"[id='amount-{paper['declaration']}']").fill(_major(scene.told["financed_usd_minor"]))
    page.locator("button[name=do][value=preview]").click()
    expect(page.locator("#worked-out")).to_be_visible()
    exporter.look("what a loan comes to")
    page.locator("button[name=do][value=ask]").click()
    expect(page).to_have_url(re.compile(r"/loans/[0-9a-f-]{36}/$"))
    exporter.told()
    return page.url.removeprefix(scene.site.url)


def _two_officers_lend(scene: Scene, officer: Person, second: Person, loan: str) -> None:
    scene.next_is(officer, "Decide on the draw that was asked for.", loan)
    officer.look("the bank's lane")
    officer.go(loan)
    _press(officer, "approve")
    form = _form(officer, "disburse")
    with officer.refused_with(422):  # whoever approved it does not pay it out
        form.locator("button").click()
    expect(officer.page.locator("main [role=alert]")).to_be_visible()
    officer.look("a loan that one person alone cannot pay out")

    scene.next_is(second, "Pay the loan out; another person than who approved it.", loan)
    second.go(loan)
    _press(second, "disburse")
    second.look("a loan that was paid out")
    scene.waits_for(second, "The buyer's payment arrives.")


def _the_officer_gives_a_number(scene: Scene, officer: Person) -> None:
    """The number to which the importer pays leads into the escrow of the loan."""
    officer.go("/payments/accounts/")
    page = officer.page
    page.locator("#number").fill(scene.told["account_no"])
    page.locator("[name=leads][value=leg]").check()
    company = scene.cast.exporter.party.name_zh
    leg = page.locator("#leg option", has_text=company)
    page.locator("#leg").select_option(leg.first.get_attribute("value"))
    officer.button("Give the number").click()
    officer.told()
    officer.look("account numbers")


def _the_carrier_reports_the_arrival(scene: Scene, carrier: Person) -> None:
    carrier.go("/transport/")
    carrier.look("the carrier's desk")
    scene.next_is(carrier, "Report that the goods were loaded, and when they arrive.", f"/transport/{scene.title}/")
    carrier.go("/transport/")
    carrier.page.locator(f"main table a[href='/transport/{scene.title}/']").first.click()
    form = _form(carrier, "report")
    form.locator("[name=code]").select_option("ARRI")
    form.locator("[name=place]").fill("林查班")
    with carrier.refused_with(422):
        form.locator("button").click()
    expect(carrier.page.locator("main .field.wrong [name=place]")).to_have_value("林查班")
    form = _form(carrier, "report")
    expect(form.locator("[name=code]")).to_have_value("ARRI")
    form.locator("[name=place]").fill(scene.told["destination"])
    form.locator("button").click()
    carrier.told()
    expect(carrier.page.locator(".timeline").first).to_contain_text(carrier.word("arrived"))
    carrier.look("the document after its arrival")


def _the_exporter_attaches(scene: Scene, exporter: Person, payment: str) -> None:
    scene.next_is(
        exporter, "Put contract, declaration and invoice to the payment that arrived.", f"/payments/{payment}/"
    )
    exporter.go(f"/payments/{payment}/")
    for name in ATTACHED:
        exporter.page.locator("#evidence").select_option(scene.told["evidence"][name])
        _press(exporter, "attach")
    expect(exporter.page.locator("main input[name=act][value=detach]")).to_have_count(len(ATTACHED))
    exporter.look("a payment with its documents")


def _two_officers_credit(scene: Scene, officer: Person, second: Person, payment: str) -> None:
    scene.next_is(officer, "Check the payment against its documents.", f"/payments/{payment}/")
    officer.go(f"/payments/{payment}/")
    form = _form(officer, "return")
    form.locator("[name=reason]").fill("单证不符")  # a message abroad takes Latin letters only
    with officer.refused_with(422):
        form.locator("button").click()
    officer.wrong("return-reason")
    expect(officer.page.locator("#return-reason")).to_have_value("单证不符")
    officer.look("a return that cannot be sent")

    form = _form(officer, "check")
    form.locator("[name=situation]").select_option("goods_after_shipment")
    form.locator("button").click()
    officer.told()
    expect(officer.page.locator("main .verdict.yes")).to_be_visible()
    expect(officer.page.locator("main tr.late")).to_have_count(0)
    officer.look("a payment that was checked")

    credit = "Credit the payment: it repays the loan and releases the pledge, at once."
    scene.next_is(second, credit, f"/payments/{payment}/")
    second.go(f"/payments/{payment}/")
    second.page.locator("#credit button[value=settle]").click()
    second.told()
    second.look("a payment that was credited")

    officer.go(f"/lane/{scene.title}/")
    _here(officer, "Released")
    expect(officer.page.locator(".lane-entries").first).to_contain_text(officer.word("credited the payment"))
    gone = officer.word("Nothing more: the loan is repaid, and the document has gone on.")
    expect(officer.page.locator("main")).to_contain_text(gone)
    expect(scene.lane(officer)).to_contain_text(gone)
    officer.look("the lane with its pledge released")


def _the_exporter_hands_it_on(scene: Scene, exporter: Person) -> None:
    scene.next_is(exporter, "Hand the document to the buyer.", f"/titles/{scene.title}/")
    exporter.go(f"/titles/{scene.title}/")
    form = _form(exporter, "transfer")
    for name in ("to", "beneficiary"):
        form.locator(f"[name={name}]").fill(scene.cast.importer.party.name_en)
    form.locator("button").click()
    exporter.told()
    scene.waits_for(exporter, "The buyer takes delivery.")


def _the_importer_presents_it(scene: Scene, importer: Person) -> None:
    importer.context.clear_cookies(name="django_language")  # who never chose a language, and acts from abroad
    scene.next_is(importer, "The goods are there: present the document and take delivery.", f"/titles/{scene.title}/")
    expect(importer.page.locator("html")).to_have_attribute("lang", "en")
    importer.context.add_cookies([{"name": "django_language", "value": "en", "url": scene.site.url}])
    scene.lane(importer)
    importer.look("the importer's lane")
    importer.page.locator(".lane-boxes a").first.click()
    form = _form(importer, "surrender")
    form.locator("[name=quantity]").fill("all of it")
    with importer.refused_with(422):
        form.locator("button").click()
    expect(importer.page.locator("main [role=alert]")).to_be_visible()
    form = _form(importer, "surrender")
    expect(form.locator("[name=quantity]")).to_have_value("all of it")
    form.locator("[name=quantity]").fill("")
    form.locator("button").click()
    importer.told()
    importer.look("a bill that was presented")
    scene.waits_for(importer, "The carrier gives out the goods.")


def _the_carrier_delivers(scene: Scene, carrier: Person, importer: Person) -> None:
    scene.next_is(carrier, "Take the document back and give out the goods.", f"/transport/{scene.title}/")
    carrier.go(f"/transport/{scene.title}/")
    _press(carrier, "deliver")
    carrier.look("a bill that was delivered")
    importer.go(f"/lane/{scene.title}/")
    _here(importer, "Delivered")
    expect(importer.page.locator("main")).to_contain_text("Nothing more: it is delivered.")
    importer.look("delivered")


def _the_supervisor_opens_the_figure(scene: Scene, supervisor: Person, payment: str) -> None:
    _beside(scene.site, "gather")
    paid = supervisor.api(f"/payments/{payment}")
    month = f"{datetime.fromisoformat(paid['credit']['at']).astimezone(SHANGHAI):%Y-%m}"
    territory = scene.cast.bank.territory
    supervisor.go("/statistics/?indicator=receipts_documented&currency=USD")
    supervisor.look("statistics")
    supervisor.page.locator(f"main a[href='/statistics/receipts_documented/{month}/{territory}/USD/']").click()
    row = supervisor.page.locator("main tbody tr", has_text=scene.cast.exporter.party.name_zh)
    expect(row).to_have_count(1)
    expect(row).to_contain_text(_major(scene.told["worth_usd_minor"], ","))
    supervisor.look("a figure with its events")


def _major(minor: int, group: str = "") -> str:
    return f"{minor // 100:{group}}.{minor % 100:02d}"
