"""The site in Chromium, as people use it: a company finds its money, an officer answers, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect, sync_playwright

from tests.journeys import ASSETS, LANGUAGES, NARROW, Person, Site, chromium, desks, running_site

pytestmark = pytest.mark.browser

#: Two companies of the demo whose demands reach institutions with a ready account.
COMPANY = {"zh-hans": "company1@demo.luhai.example", "en": "company4@demo.luhai.example"}
OTHER_COMPANY = "company6@demo.luhai.example"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=15_000)  # two cores may have more to do than this
    with sync_playwright() as playwright:
        started = chromium(playwright)
        yield started
        started.close()


@pytest.fixture(scope="session")
def site(browser: Browser) -> Iterator[Site]:
    assert (ASSETS / "axe.min.js").exists(), "the front-end packages are missing: run ./luhai setup"
    with running_site() as started:
        yield started


# --- the whole way: from the policy to the accepted offer ---------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_company_goes_from_the_policy_to_an_accepted_offer(browser: Browser, site: Site, language: str) -> None:
    with Person(browser, site, language) as company, Person(browser, site, language) as officer:
        officers = desks(company)
        _read_the_policy(company)
        company.sign_in(COMPANY[language])
        company.look("home of a company")
        _why_me(company)
        demand = _ask_through_the_wizard(company)
        _publish(company)
        company.look("matches")
        _the_same_list_everywhere(company, demand)
        _another_order(company, demand)
        chosen = [name for name in _institutions(company) if name in officers]
        first, second = list(dict.fromkeys(chosen))[:2]
        for institution in (first, second):
            _send(company, institution)
        company.look("sent")

        _offer_after_a_slip(officer, officers[first], _match(company, demand, first))
        officer.sign_out()
        _ask(officer, officers[second], _match(company, demand, second))
        _reply(company)
        _offer_after_the_reply(officer, _match(company, demand, second))

        _compare_and_accept(company, demand, first, second)
        officer.go(f"/desk/matches/{_match(company, demand, second)['id']}")
        expect(officer.page.locator(".badges").get_by_text(officer.word("Lapsed"))).to_be_visible()
        expect(officer.button("Send the offer")).to_have_count(0)
        company.sign_out()
        company.go("/demands/")
        assert "/accounts/login/" in company.page.url


def _read_the_policy(visitor: Person) -> None:
    """Home, a search by the keyboard, a measure."""
    visitor.go("/")
    visitor.look("home of a visitor")
    words = "应收账款" if visitor.language == "zh-hans" else "receivables"
    visitor.page.get_by_role("searchbox").fill(words)
    visitor.page.keyboard.press("Enter")
    found = visitor.page.locator("section[aria-labelledby=found]")
    expect(found.get_by_role("heading", name=visitor.word("Found"), exact=True)).to_be_visible()
    assert words in found.inner_text()
    visitor.look("search")
    measure = found.locator("a[href*='/policies/measures/']").first
    code = measure.locator(".mref").inner_text()
    measure.focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url(f"**/policies/measures/{code}/")
    expect(visitor.page.locator("main blockquote")).not_to_be_empty()
    visitor.look("measure")


def _why_me(company: Person) -> None:
    """The shelf, and why a product is for this company or is not."""
    company.page.locator("#menu").get_by_role("link", name=company.word("Products"), exact=True).click()
    company.link("Why me, why not me").first.click()
    company.page.wait_for_url("**/products/for-me*")
    company.look("why me")
    company.link("Does not fit").click()
    company.page.wait_for_url("**verdict=failed*")
    article = company.page.locator("main article").first
    expect(article.locator(".verdict.no").first).to_be_visible()
    article.locator("summary").click()
    assert article.locator("li.no").count() > 0, "what does not fit must say which criterion is not met"
    company.look("why not me")
    article.locator("h2 a").click()
    company.link("Why me, why not me").click()
    company.page.wait_for_url("**/why")
    assert company.page.locator(".verdicts li.no").count() > 0
    company.look("one product, judged")


def _ask_through_the_wizard(company: Person) -> str:
    """Three steps, each first with something wrong in it: the error stands beside its field and nothing is lost."""
    page = company.page
    company.go("/")
    company.link("New demand").first.click()
    page.wait_for_url("**/demands/new")
    company.look("wizard, first step")
    amount, tenor, cap = page.locator("#amount"), page.locator("#tenor_days"), page.locator("#rate_cap")
    page.locator("[name=purpose][value=working_capital]").focus()
    page.keyboard.press("Space")
    amount.fill("many")
    cap.fill("9.5")
    page.locator("#needed_by").fill("2020-01-01")
    with company.refused_with(422):
        company.button("Next: security and facts").click()
        for name in ("amount", "tenor_days", "needed_by"):
            company.wrong(name)
    expect(page.locator("#wizard h2")).to_be_focused()  # whoever hears the page is told that it changed
    expect(amount).to_have_value("many")
    expect(cap).to_have_value("9.5")
    expect(page.locator("[name=purpose][value=working_capital]")).to_be_checked()
    company.look("wizard, first step, wrong")
    amount.fill("40.5万")
    tenor.fill("180")
    page.locator("#needed_by").fill("")
    tenor.press("Enter")

    fact = page.locator("#f-employees")
    expect(fact).to_be_visible()
    expect(page.locator("#wizard h2")).to_be_focused()
    company.look("wizard, second step")
    before = fact.input_value()
    for choice in ("receivable", "credit"):
        page.locator(f"[name=collateral][value={choice}]").check()
    page.locator("[name=objective][value=price]").check()
    fact.fill("several")
    with company.refused_with(422):
        company.button("Next: review").click()
        company.wrong("employees")
    expect(fact).to_have_value("several")
    expect(page.locator("[name=collateral][value=receivable]")).to_be_checked()
    company.look("wizard, second step, wrong")
    company.button("Back").click()
    expect(amount).to_have_value("40.5万")
    company.button("Next: security and facts").click()
    expect(fact).to_be_visible()
    expect(page.locator("[name=collateral][value=receivable]")).to_be_checked()
    page.locator("details.more > summary").click()
    page.locator("#note").fill("first line\n第二行")
    fact.fill(before)
    fact.press("Enter")

    expect(page).to_have_url(re.compile(r"/demands/[0-9a-f-]{36}$"))
    expect(page.locator("main h1")).to_contain_text("405,000")
    assert "first line\n第二行" in page.locator("main").inner_text(), "a note keeps its lines"
    company.look("wizard, review")
    return page.url.rpartition("/")[2]


def _publish(company: Person) -> None:
    company.button("Publish and find products").click()
    company.told()
    assert company.page.locator("#matches article").count() > 2
    happened = company.page.locator("aside .timeline")
    expect(happened).to_contain_text(company.word("Publish the demand"))
    expect(happened).to_contain_text(company.word("Find products"))


def _products_shown(company: Person) -> list[str]:
    links = company.page.locator("#matches article h3 a").all()
    return [(link.get_attribute("href") or "").rpartition("/")[2] for link in links]


def _institutions(company: Person) -> list[str]:
    return [text.strip() for text in company.page.locator("#matches article .product h3 + p").all_inner_texts()]


def _the_same_list_everywhere(company: Person, demand: str) -> None:
    """Page, programming interface and command line: the same products in the same order with the same score."""
    by_api = company.api(f"/matching/demands/{demand}/matches")["items"]
    by_hand = company.site.luhai("matching", "show", demand, "--as", COMPANY[company.language])["items"]

    def said(items: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return [
            (m["rank"], m["product"]["id"], m["verdict"], Decimal(str(m["score"])), m["state"], len(m["reasons"]))
            for m in items
        ]

    assert said(by_api) == said(by_hand)
    assert [m["rank"] for m in by_api] == list(range(1, len(by_api) + 1))
    assert _products_shown(company) == [m["product"]["id"] for m in by_api]
    scores = company.page.locator("#matches article aside dd:first-of-type").all_inner_texts()
    assert [Decimal(s) for s in scores] == [Decimal(str(m["score"])) for m in by_api]
    for shown, match in zip(company.page.locator("#matches article").all(), by_api, strict=True):
        assert shown.locator("details .verdicts > li").count() == len(match["reasons"]) > 0, "every criterion is shown"
    order = [(m["verdict"] != "met", -Decimal(str(m["score"]))) for m in by_api]
    assert order == sorted(order), "what fits comes first, then the higher score"


def _another_order(company: Person, demand: str) -> None:
    """Another objective puts the same products in another order; the browser's Back brings the first one again."""
    by_api = company.api(f"/matching/demands/{demand}/matches")["items"]

    def ordered(objective: str) -> list[str]:
        def key(match: dict[str, Any]) -> tuple[bool, int, int]:
            points = sum(p["points"] * (70 if p["name"] == objective else 10) for p in match["parts"])
            return match["verdict"] != "met", -points, match["rank"]

        return [m["product"]["id"] for m in sorted(by_api, key=key)]

    chosen = ordered("price")
    objective = next(o for o in ("fit", "speed", "collateral") if ordered(o) != chosen)
    assert _products_shown(company) == chosen
    tab = company.page.locator(f"#matches .tabs a[href*='by={objective}']")
    tab.click()
    expect(tab).to_have_attribute("aria-current", "true")
    assert _products_shown(company) == ordered(objective)
    company.check("another order", axe=True)
    company.page.go_back()
    expect(company.page.locator("#matches .tabs a[href*='by=price']")).to_have_attribute("aria-current", "true")
    assert _products_shown(company) == chosen


def _article(company: Person, institution: str) -> Locator:
    wanted = company.page.locator(".product h3 + p", has_text=re.compile(f"^{re.escape(institution)}$"))
    return company.page.locator("#matches article", has=wanted).first


def _send(company: Person, institution: str) -> None:
    button = company.button("Send my demand there", _article(company, institution))
    button.focus()
    company.page.keyboard.press("Enter")
    company.told()
    sent = _article(company, institution)
    expect(sent.locator(".clock.fine")).to_be_visible()
    expect(company.button("Take it back", sent)).to_be_visible()
    expect(company.page.locator("aside .timeline li").first).to_contain_text(institution)


def _match(company: Person, demand: str, institution: str) -> dict[str, Any]:
    """The match that lies, or lay, with an institution."""
    items = company.api(f"/matching/demands/{demand}/matches")["items"]
    named = [m for m in items if institution in (m["product"]["institution_zh"], m["product"]["institution_en"])]
    return next(m for m in named if m["sent_at"])


def _to_the_demand(officer: Person, match: dict[str, Any]) -> None:
    """From the officer's home to the queue, and to one demand on one page, with every criterion."""
    officer.link("To the queue").click()
    officer.page.wait_for_url("**/desk/")
    officer.look("queue")
    officer.page.locator(f"a[href='/desk/matches/{match['id']}']").click()
    expect(officer.page.locator("main h1")).to_be_visible()
    criteria = officer.page.locator("main section:not(:has(form)) > .verdicts > li")
    assert criteria.count() == len(match["reasons"]) > 0
    expect(officer.page.locator(".clock.fine").first).to_be_visible()
    officer.look("one demand on one page")


def _offer_after_a_slip(officer: Person, email: str, match: dict[str, Any]) -> None:
    """More than was asked is refused with a text beside the amount, and nothing is lost; then it is right."""
    officer.sign_in(email)
    officer.look("home of an officer")
    _to_the_demand(officer, match)
    page, answer = officer.page, officer.page.locator("#answer")
    asked = page.locator("#amount").input_value()
    page.locator("#amount").fill("999999999")
    page.locator("#rate").fill("4.35")
    page.locator("#conditions").fill("within a month\n一个月内")
    with officer.refused_with(422):
        officer.button("Send the offer", answer).click()
        officer.wrong("amount")
    expect(page.locator("#amount")).to_have_value("999999999")
    expect(page.locator("#rate")).to_have_value("4.35")
    expect(page.locator("#conditions")).to_have_value("within a month\n一个月内")
    officer.look("an offer that is too high")
    page.locator("#amount").fill(asked)
    officer.button("Send the offer", answer).click()
    officer.told()
    expect(page.locator("main")).to_contain_text("4.35%")
    officer.look("offered")


def _ask(officer: Person, email: str, match: dict[str, Any]) -> None:
    """An empty question is refused; a question stops the clock."""
    officer.sign_in(email)
    _to_the_demand(officer, match)
    officer.page.locator("#answer summary", has_text=officer.word("Ask the company")).click()
    officer.page.locator("[name=fields][value=employees]").check()
    with officer.refused_with(422):
        officer.button("Send the question").click()
        officer.wrong("question")
    expect(officer.page.locator("[name=fields][value=employees]")).to_be_checked()
    officer.look("an empty question")
    officer.page.locator("#question").fill("How many work for you?\n贵司现有多少人？")
    officer.button("Send the question").click()
    officer.told()
    expect(officer.page.locator(".timeline li.waits")).to_be_visible()
    officer.look("asked")


def _reply(company: Person) -> None:
    company.go("/")
    company.look("home of a company that is asked")
    company.page.locator("main .list a[href*='#match-']").first.click()
    asked = company.page.locator("section[id^=match-]")
    expect(asked.locator("blockquote")).to_contain_text("贵司现有多少人？")
    company.look("a question")
    asked.locator("[name=employees]").fill("7")
    asked.locator("textarea").fill("Seven, all in one place.")
    company.button("Send the reply", asked).click()
    company.told()
    expect(company.page.locator("section[id^=match-]")).to_have_count(0)


def _offer_after_the_reply(officer: Person, match: dict[str, Any]) -> None:
    officer.go(f"/desk/matches/{match['id']}")
    expect(officer.page.locator("main")).to_contain_text("Seven, all in one place.")
    officer.page.locator("#rate").fill("5.2")
    officer.page.locator("#rate").press("Enter")
    officer.told()
    officer.look("offered after a reply")


def _compare_and_accept(company: Person, demand: str, first: str, second: str) -> None:
    """Two offers side by side; the taken one closes everything else, on every edge."""
    company.go("/")
    company.page.locator("main .list a[href$='#offers']").first.click()
    offers = company.page.locator("#offers table")
    heads = [text.strip() for text in offers.locator("thead th").all_inner_texts()[1:]]
    assert sorted(heads) == sorted([first, second])
    rates = dict(zip(heads, offers.locator("tbody tr").first.locator("td .price").all_inner_texts(), strict=True))
    assert rates == {first: "4.35%", second: "5.20%"}
    company.look("offers side by side")
    offers.locator("tbody tr").last.locator("td").nth(heads.index(first)).get_by_role(
        "button", name=company.word("Accept"), exact=True
    ).click()
    company.told()
    expect(company.page.locator(".head .badges")).to_contain_text(company.word("Offer accepted"))
    happened = company.page.locator("aside .timeline li")
    expect(happened.filter(has_text=company.word("Accept an offer")).filter(has_text=first)).to_have_count(1)
    expect(happened.filter(has_text=company.word("Let it lapse")).filter(has_text=second)).to_have_count(1)
    expect(company.button("Accept")).to_have_count(0)
    company.look("accepted")

    view = company.api(f"/matching/demands/{demand}")
    assert view["card"]["state"] == "ACCEPTED"
    states = {m["id"]: m["state"] for m in view["matches"]}
    assert sorted(states.values()) == ["ACCEPTED", *["LAPSED"] * (len(states) - 1)]
    by_hand = company.site.luhai("matching", "show", demand, "--as", COMPANY[company.language])["items"]
    assert {m["id"]: m["state"] for m in by_hand} == states
    closed = company.page.locator("#matches .list li").count()
    assert closed == len(states) - 1


# --- a refusal, and what is nobody else's ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_says_why_and_strangers_see_nothing(browser: Browser, site: Site, language: str) -> None:
    with Person(browser, site, language) as company, Person(browser, site, language) as officer:
        officers = desks(company)
        company.sign_in(COMPANY[language])
        demand = _quick_demand(company, "406000")
        _publish(company)
        institution, stranger = list(dict.fromkeys(name for name in _institutions(company) if name in officers))[:2]
        _send(company, institution)
        match = _match(company, demand, institution)

        officer.sign_in(officers[institution])
        officer.go(f"/desk/matches/{match['id']}")
        officer.page.locator("#answer summary", has_text=re.compile(f"^\\s*{re.escape(officer.word('Refuse'))}\\s*$")).click()
        officer.page.locator("#note").fill("<b>not here</b>")
        with officer.refused_with(422):
            officer.button("Send the refusal").click()
            officer.wrong("reason")
        expect(officer.page.locator("#note")).to_have_value("<b>not here</b>")
        officer.look("a refusal without a reason")
        officer.page.locator("[name=reason][value=outside_region]").check()
        officer.button("Send the refusal").click()
        officer.told()
        expect(officer.page.locator("main")).to_contain_text("<b>not here</b>")
        officer.look("refused")

        company.go(f"/demands/{demand}")
        closed = company.page.locator("#matches .list li")
        reason = "超出服务区域" if language == "zh-hans" else "outside the region served"
        expect(closed).to_contain_text(reason)
        expect(closed).to_contain_text("<b>not here</b>")
        company.look("a refusal")

        officer.sign_in(officers[stranger])
        officer.go(f"/desk/matches/{match['id']}", 404)
        officer.look("a stranger's match")
        officer.sign_in(OTHER_COMPANY)
        officer.go(f"/demands/{demand}", 404)
        expect(officer.page.locator("main h1")).to_have_text(officer.word("Not found"))
        assert "406,000" not in officer.page.content()
        officer.look("a stranger's demand")


def _quick_demand(company: Person, amount: str) -> str:
    """The wizard without a slip."""
    page = company.page
    company.go("/demands/new")
    page.locator("[name=purpose][value=working_capital]").check()
    page.locator("#amount").fill(amount)
    page.locator("#tenor_days").fill("180")
    company.button("Next: security and facts").click()
    page.locator("[name=collateral][value=receivable]").check()
    page.locator("[name=collateral][value=credit]").check()
    company.button("Next: review").click()
    expect(page).to_have_url(re.compile(r"/demands/[0-9a-f-]{36}$"))
    return page.url.rpartition("/")[2]


# --- hands that slip --------------------------------------------------------------------------------------------------------


#: Sends the form of a button as the browser would, twice at the same moment, past the guard of the page's script.
_TWICE = """async (button) => {
    const send = () => { const data = new FormData(button.form, button);
        return fetch(button.form.action, {method: "POST", body: new URLSearchParams(data), redirect: "follow"}); };
    return (await Promise.all([send(), send()])).map((answer) => answer.status);
}"""


def test_whatever_is_pressed_twice_is_done_once(browser: Browser, site: Site) -> None:
    with Person(browser, site, "zh-hans") as company:
        company.sign_in(OTHER_COMPANY)
        before = len(company.api("/matching/demands")["items"])
        page = company.page
        company.go("/demands/new")
        page.locator("[name=purpose][value=working_capital]").check()
        page.locator("#amount").fill("407000")
        page.locator("#tenor_days").fill("180")
        company.button("Next: security and facts").click()
        page.locator("[name=collateral][value=credit]").check()
        assert company.button("Next: review").evaluate(_TWICE) == [200, 200]
        drafts = [d for d in company.api("/matching/demands")["items"] if d["amount_minor"] == 40_700_000]
        assert len(drafts) == 1
        demand = drafts[0]["id"]
        company.go(f"/demands/{demand}")
        assert company.button("Publish and find products").evaluate(_TWICE) == [200, 200]
        company.button("Publish and find products").dblclick()  # the same key once more, and the guard of the script
        company.told()
        view = company.api(f"/matching/demands/{demand}")
        assert [line["action"] for line in view["timeline"]].count("PUBLISH") == 1
        assert len(company.api("/matching/demands")["items"]) == before + 1

        # Back: the draft as it was, from the browser's memory or anew. What is pressed there changes nothing more.
        page.go_back()
        page.wait_for_load_state("load")
        if company.button("Publish and find products").count():
            company.button("Publish and find products").click()
            expect(page.locator(".messages")).to_be_visible()
        view = company.api(f"/matching/demands/{demand}")
        assert [line["action"] for line in view["timeline"]].count("PUBLISH") == 1
        assert len(company.api("/matching/demands")["items"]) == before + 1
        company.look("after going back")


def test_without_a_script_everything_can_be_done(browser: Browser, site: Site) -> None:
    language = "zh-hans"
    with (
        Person(browser, site, language, script=False) as company,
        Person(browser, site, language, script=False) as officer,
    ):
        officers = desks(company)
        company.sign_in(COMPANY[language])
        demand = _quick_demand(company, "408000")
        _publish(company)
        company.page.locator("#matches .tabs a[href*='by=fit']").click()
        expect(company.page.locator("#matches .tabs a[href*='by=fit']")).to_have_attribute("aria-current", "true")
        named = _institutions(company)
        institution = next(name for name in named if name in officers and named.count(name) == 1)  # one product, so that it is known which
        _send(company, institution)

        officer.sign_in(officers[institution])
        officer.link("To the queue").click()
        officer.page.locator(f"a[href='/desk/matches/{_match(company, demand, institution)['id']}']").click()
        officer.page.locator("#rate").fill("much")
        with officer.refused_with(422):
            officer.button("Send the offer").click()
            officer.wrong("rate")
        officer.page.locator("#rate").fill("4.8")
        officer.button("Send the offer").click()
        officer.told()

        company.go(f"/demands/{demand}")
        company.button("Accept").click()
        company.told()
        assert company.api(f"/matching/demands/{demand}")["card"]["state"] == "ACCEPTED"
        assert company.problems + officer.problems == []
        company.sign_out()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_menu_of_a_phone_and_the_switch_of_language(browser: Browser, site: Site, language: str) -> None:
    other, label = ("en", "EN") if language == "zh-hans" else ("zh-Hans", "中文")
    with Person(browser, site, language) as visitor:
        visitor.narrow()
        visitor.go("/products/")
        menu = visitor.page.locator("#menu")
        expect(menu).to_be_hidden()
        button = visitor.page.get_by_role("button", name=visitor.word("Menu"), exact=True)
        button.focus()
        visitor.page.keyboard.press("Enter")
        expect(button).to_have_attribute("aria-expanded", "true")
        expect(menu).to_be_visible()
        visitor.check("the menu of a phone", axe=True)
        menu.get_by_role("link", name=visitor.word("Policies"), exact=True).click()
        visitor.page.wait_for_url("**/policies/")
        visitor.page.keyboard.press("Tab")
        expect(visitor.page.locator("a.skip")).to_be_focused()
        visitor.page.locator("header button[name=language]", has_text=label).click()
        expect(visitor.page.locator("html")).to_have_attribute("lang", other)
        assert visitor.page.url.endswith("/policies/")


# --- every page, for everybody who may see it -------------------------------------------------------------------------------

#: Role -> the pages that people of this role come to. {…} is filled in from what the site itself names.
PAGES = {
    "public": [
        "/", "/policies/", "/policies/?q=铁路", "/policies/?q=zzzz", "/policies/documents/{document}/",
        "/policies/documents/{document}/articles/{article}/", "/policies/measures/M12-01/", "/products/",
        "/products/?text=zzzz", "/products/{product}", "/accounts/login/", "/accounts/signup/", "/demo/",
    ],
    "company1": [
        "/", "/demands/", "/demands/?state=EXPIRED", "/demands/new", "/demands/{demand}", "/products/for-me?verdict=met",
        "/products/for-me?demand={demand}&verdict=failed", "/products/{product}", "/products/{product}/why?demand={demand}",
        "/account", "/account/company", "/accounts/2fa/", "/accounts/logout/", "/titles/", "/titles/?number=zzzz",
        "/titles/{title}/", "/titles/new", "/ledger/", "/evidence/", "/evidence/?number=zzzz", "/evidence/new", "/evidence/{evidence}/",
        "/evidence/uses/", "/evidence/lots/", "/evidence/lots/{lot}/", "/evidence/consents/?of={evidence}", "/evidence/readers/",
        "/evidence/reviews/", "/evidence/reviews/{review}/", "/escrow/", "/escrow/{escrow}/", "/escrow/new", "/escrow/new?sort=pvp",
    ],
    "bank1": [
        "/", "/desk/", "/desk/?state=OFFERED", "/desk/?state=all&territory=460000", "/desk/capacity", "/desk/matches/{match}",
        "/products/own", "/products/own/new", "/products/own/{own}", "/titles/?state=PLEDGED", "/titles/{title}/",
        "/ledger/", "/ledger/?kind=zzzz", "/ledger/{account}/", "/ledger/{account}/?since=2020-01-01&until=2020-01-02",
        "/evidence/", "/evidence/{evidence}/", "/evidence/readings/{reading}", "/evidence/consents/", "/evidence/uses/?open=1",
        "/evidence/readers/?show=all",
    ],
    "partner1": ["/", "/desk/"],
    "official1": ["/", "/overview/", "/demands/", "/adoption/", "/adoption/M12-01/500000/", "/evidence/readers/"],
    "supervisor1": [
        "/", "/demands/{demand}", "/titles/{title}/", "/ledger/{account}/", "/evidence/{evidence}/", "/evidence/lots/{lot}/",
        "/evidence/consents/", "/evidence/reviews/{review}/",
    ],
    "operator1": ["/overview/", "/policies/documents/{document}/proposals/", "/evidence/reviews/?show=all"],
}  # fmt: skip


@pytest.fixture(scope="session")
def named(browser: Browser, site: Site) -> dict[str, str]:
    """Things of the demo that addresses name."""
    with Person(browser, site, "zh-hans") as person:
        page = person.page

        def last(locator: str) -> str:
            return (page.locator(locator).first.get_attribute("href") or "").rstrip("/")

        person.go("/policies/")
        document = last("a[href*='/policies/documents/']")
        person.go(f"{document}/")
        article = last("main a[href*='/articles/']")
        person.go("/products/")
        product = last("main a[href^='/products/']:not([href*='for-me'])")
        person.sign_in("company1@demo.luhai.example")
        person.go("/demands/")
        demand = last("main a[href^='/demands/']:not([href*=new])")
        person.sign_in("bank1@demo.luhai.example")
        person.go("/desk/?state=all")
        match = last("main a[href^='/desk/matches/']")
        person.go("/products/own")
        own = last("main a[href^='/products/own/']:not([href$=new])")
        person.go("/titles/?state=PLEDGED")
        title = last("main tbody a[href^='/titles/']")
        person.go("/ledger/?kind=own.line")
        account = last("main tbody a[href^='/ledger/']")
        person.go("/evidence/readers/?show=all")
        reading = last("main tbody a[href^='/evidence/readings/']")
        person.go("/evidence/uses/?open=1")
        evidence = last("main tbody a[href^='/evidence/']")
        person.sign_in("company1@demo.luhai.example")
        person.go("/evidence/lots/")
        lot = last("main h2 a[href^='/evidence/lots/']")
        person.go("/evidence/reviews/")
        review = last("main .list a[href^='/evidence/reviews/']")
        person.go("/escrow/")
        escrow = last("main tbody a[href^='/escrow/']")
    links = {"document": document, "article": article, "product": product, "demand": demand, "match": match, "own": own}
    links |= {"title": title, "account": account, "evidence": evidence, "reading": reading, "lot": lot, "review": review, "escrow": escrow}
    assert all(links.values()), links
    return {name: href.rpartition("/")[2] for name, href in links.items()}


@pytest.mark.parametrize("role", PAGES)
def test_every_page_is_whole(browser: Browser, site: Site, named: dict[str, str], role: str) -> None:
    """Both languages and both widths; axe sees each page wide and light in Chinese, narrow and dark in English."""
    faults: list[str] = []
    for language in LANGUAGES:
        with Person(browser, site, language) as person:
            if role != "public":
                person.sign_in(f"{role}@demo.luhai.example")
            person.page.emulate_media(color_scheme="light" if language == "zh-hans" else "dark")
            for path in PAGES[role]:
                try:
                    person.go(path.format(**named))
                    person.check(path, axe=language == "zh-hans")
                    person.narrow()
                    person.check(f"{path} at {NARROW} px", axe=language == "en")
                except AssertionError as fault:  # all faults of a role are worth knowing at once
                    faults.append(str(fault))
                    person.problems.clear()
                person.widen()
    assert not faults, "\n\n".join(faults)


def test_what_is_not_there_is_said_kindly(browser: Browser, site: Site) -> None:
    for language in LANGUAGES:
        with Person(browser, site, language) as person:
            for path, status in (("/nowhere", 404), ("/products/00000000-0000-4000-8000-000000000000", 404)):
                person.go(path, status)
                person.look(path)
            person.go("/overview/")
            assert "/accounts/login/" in person.page.url, "a visitor is asked to sign in"
            person.sign_in(OTHER_COMPANY)
            person.go("/overview/", 403)
            person.look("not for a company")
