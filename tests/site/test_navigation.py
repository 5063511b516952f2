"""Finding one's way: from the front page to every chapter, from a word to its page, from page to page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import PAGES, Visits

pytestmark = pytest.mark.needs_browser

ROOT = Path(__file__).resolve().parent.parent.parent
FRONT, *CHAPTERS = PAGES

both_origins = pytest.mark.parametrize("origin", ["http", "file"])


@pytest.fixture
def base(origin: str, request: pytest.FixtureRequest) -> str:
    """The address of the built site, over http or as files."""
    return request.getfixturevalue("site_url" if origin == "http" else "file_url")


def links(page: object) -> set[str]:
    """Return the addresses, without fragments, of all local links on a Playwright page."""
    found = page.evaluate("() => [...document.querySelectorAll('a[href]')].map((a) => a.href.split('#')[0])")
    return {address for address in found if not address.startswith("http") or "127.0.0.1" in address}


def test_the_root_leads_to_the_front_page(site_url: str, open_page: Callable):
    watched = open_page(f"{site_url}search.html")
    watched.page.goto(site_url, wait_until="commit")
    watched.page.wait_for_url(f"**/{FRONT}.html")
    watched.assert_quiet()


@both_origins
def test_every_chapter_is_within_two_clicks(base: str, open_page: Callable):
    front = open_page(f"{base}{FRONT}.html").page
    first = links(front)
    reached = set(first)
    wanted = {f"{base}{chapter}.html" for chapter in CHAPTERS}
    for address in sorted(first & wanted):
        if wanted <= reached:
            break
        reached |= links(open_page(address).page)
    assert wanted <= reached, f"more than two clicks away: {sorted(wanted - reached)}"


@pytest.mark.parametrize("page", PAGES)
def test_search_finds_every_page_by_words_of_its_title(
    page: str, visit: Visits, site_url: str, open_page: Callable
):
    heading = visit(page).page.locator("article h1").inner_text()
    words = [word for word in re.findall(r"[A-Za-z]+", heading) if len(word) > 3] or heading.split()
    watched = open_page(f"{site_url}search.html?q={'+'.join(words[:3])}")
    watched.page.locator("#search-results li a").first.wait_for()
    found = watched.page.locator("#search-results li a").evaluate_all("(all) => all.map((a) => a.href)")
    assert any(f"{page}.html" in address for address in found), (words[:3], found)
    watched.assert_quiet()


@both_origins
def test_search_finds_a_word_of_the_front_page(base: str, open_page: Callable):
    watched = open_page(f"{base}search.html?q=recurrent")
    results = watched.page.locator("#search-results li a")
    results.first.wait_for()
    assert any(f"{FRONT}.html" in (link.get_attribute("href") or "") for link in results.all())
    watched.assert_quiet()


@both_origins
def test_search_says_when_it_finds_nothing(base: str, open_page: Callable):
    watched = open_page(f"{base}search.html?q=zyzzyvaquux")
    watched.page.get_by_text("did not match any documents").wait_for()
    watched.assert_quiet()


@both_origins
def test_a_click_leads_to_the_next_page_and_back(base: str, open_page: Callable):
    page = open_page(f"{base}{FRONT}.html").page
    page.locator(".prev-next-area a.right-next").click()
    page.wait_for_url(f"{base}{CHAPTERS[0]}.html")
    page.locator(".prev-next-area a.left-prev").click()
    page.wait_for_url(f"{base}{FRONT}.html")


@both_origins
@pytest.mark.parametrize("page", PAGES)
def test_pages_follow_each_other(page: str, base: str, origin: str, visit: Visits):
    area = visit(page, origin).page.locator(".prev-next-area")
    place = PAGES.index(page)
    for link, neighbours in (("right-next", PAGES[place + 1 :][:1]), ("left-prev", PAGES[:place][-1:])):
        found = area.locator(f"a.{link}")
        assert found.evaluate_all("(all) => all.map((a) => a.href)") == [
            f"{base}{n}.html" for n in neighbours
        ]
        assert all(each.is_visible() for each in found.all())


@pytest.mark.parametrize("page", PAGES)
def test_launch_buttons_open_this_very_notebook(page: str, visit: Visits):
    if not (ROOT / page).with_suffix(".ipynb").exists():
        assert (ROOT / page).with_suffix(".md").exists()
        return
    addresses = visit(page).page.evaluate(
        "() => [...document.querySelectorAll('.dropdown-launch-buttons a')].map((a) => a.href)"
    )
    for host in ("mybinder.org", "colab.research.google.com"):
        assert any(host in address and f"{page}.ipynb" in address for address in addresses), (host, addresses)


def test_the_colour_mode_can_be_switched_by_keyboard(site_url: str, open_page: Callable):
    page = open_page(f"{site_url}{FRONT}.html").page
    button = page.locator(".theme-switch-button").first
    seen = set()
    for _ in range(3):
        button.focus()
        page.keyboard.press("Enter")
        seen.add(page.evaluate("document.documentElement.dataset.mode"))
    assert seen == {"light", "dark", "auto"}


def test_the_site_search_field_opens_by_keyboard(site_url: str, open_page: Callable):
    page = open_page(f"{site_url}{FRONT}.html").page
    page.keyboard.press("Control+k")
    field = page.locator("#pst-search-dialog input[type=search]")
    field.wait_for(state="visible")
    page.keyboard.type("recurrent")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=recurrent*")


def test_the_footer_names_the_licences(site_url: str, open_page: Callable):
    text = open_page(f"{site_url}{FRONT}.html").page.locator(".hsrnn-licence").inner_text()
    assert "CC BY 4.0" in text and "MIT" in text


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 800)])
def test_front_page_lives_within_the_first_screen(
    width: int, height: int, site_url: str, open_page: Callable
):
    watched = open_page(f"{site_url}{FRONT}.html", width, height)
    cell = watched.page.get_by_text("layer 1", exact=True).first
    cell.wait_for()
    box = cell.bounding_box()
    assert box is not None and 0 < box["y"] and box["y"] + box["height"] <= height
