"""Every page of the built site in a real browser with the network blocked, over http and from files."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from .conftest import PAGES, Visits

pytestmark = pytest.mark.needs_browser

ROOT = Path(__file__).resolve().parent.parent.parent
SCREENSHOTS = ROOT / "_build" / "screenshots"


SPECIAL = ["search"]


def uses_maths(page: str) -> bool:
    """Return whether the source of a page holds a formula."""
    for ending in (".py", ".md"):
        source = (ROOT / page).with_suffix(ending)
        if source.exists():
            return (
                re.search(r"\$[^$\n]+\$|\\begin\{|```\{math\}", source.read_text(encoding="utf-8"))
                is not None
            )
    return False


@pytest.mark.parametrize("origin", ["http", "file"])
@pytest.mark.parametrize("page", PAGES)
def test_page_is_quiet_and_complete(page: str, origin: str, visit: Visits):
    watched = visit(page, origin)
    facts = watched.page.evaluate(
        """() => ({
          headings: document.querySelectorAll("article h1").length,
          title: document.title,
          formulas: document.querySelectorAll("article mjx-container").length,
          raw: document.querySelectorAll("article .math:not(:has(mjx-container))").length,
          broken: document.querySelectorAll("article mjx-merror, article [data-mjx-error]").length,
          silent: [...document.images].filter((i) => !(i.alt || "").trim()).map((i) => i.src.slice(0, 80)),
          missing: [...document.images].filter((i) => i.complete && !i.naturalWidth && i.offsetParent)
                     .map((i) => i.src.slice(0, 80)),
          language: document.documentElement.lang,
        })"""
    )
    watched.assert_quiet()
    assert facts["headings"] == 1, "a page has exactly one h1"
    assert facts["title"] and facts["language"] == "en"
    assert facts["silent"] == [], "images without alt text"
    assert facts["missing"] == [], "images that did not load"
    assert facts["raw"] == 0 and facts["broken"] == 0, "maths that was not typeset"
    if uses_maths(page):
        assert facts["formulas"] > 0, "the source holds formulas, the page shows none"


VIEWS = list(product(PAGES + SPECIAL, ("light", "dark"), (1280, 390)))
every_view = pytest.mark.parametrize(
    ("page", "theme", "width"), VIEWS, ids=["-".join(map(str, view)) for view in VIEWS]
)


@every_view
def test_page_fits_its_screen(page: str, theme: str, width: int, visit: Visits):
    watched = visit(page, width=width, theme=theme)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    picture = SCREENSHOTS / f"{page.replace('/', '-')}-{width}-{theme}.jpeg"
    # A JPEG can be 65,535 pixels high.
    height = min(60_000, watched.page.evaluate("document.documentElement.scrollHeight"))
    clip = {"x": 0, "y": 0, "width": width, "height": height}
    watched.page.screenshot(path=picture, full_page=True, clip=clip, quality=85)
    assert picture.stat().st_size > 5_000
    assert watched.page.evaluate("document.documentElement.dataset.theme") == theme
    wide = watched.page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((e) => {
             const box = e.getBoundingClientRect();
             if (box.width === 0 || box.right <= window.innerWidth + 1) return false;
             for (let p = e.parentElement; p; p = p.parentElement)
               if (getComputedStyle(p).overflowX !== "visible") return false;
             return getComputedStyle(e).position !== "fixed";
           }).map((e) => e.tagName + "." + e.className).slice(0, 5)"""
    )
    overflow = watched.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"the page scrolls sideways by {overflow} px because of {wide}"
    watched.assert_quiet()


@pytest.mark.needs_node
@every_view
def test_page_is_accessible(page: str, theme: str, width: int, visit: Visits):
    axe = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    watched = visit(page, width=width, theme=theme)
    watched.page.evaluate(axe)
    found = watched.page.evaluate("() => axe.run(document, {preload: false, resultTypes: ['violations']})")
    grave = [
        f"{violation['id']}: {node['target']} {node['html'][:160]} {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]
    assert grave == [], "\n".join(grave)
    assert found["passes"], "axe-core looked at nothing"


def test_axe_sees_a_violation(site_url: str, open_page: Callable):
    """The check above can fail: a button without a name is found."""
    axe_file = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    if not axe_file.exists():
        pytest.fail("node_modules/axe-core is missing: run `make book` with Node.js installed")
    watched = open_page(f"{site_url}{PAGES[0]}.html")
    watched.page.evaluate("document.querySelector('article').append(document.createElement('button'))")
    watched.page.evaluate(axe_file.read_text(encoding="utf-8"))
    found = watched.page.evaluate("() => axe.run(document, {preload: false})")
    assert "button-name" in {violation["id"] for violation in found["violations"]}


def test_blocked_requests_are_seen(site_url: str, open_page: Callable):
    """The network guard can fail: an image from elsewhere is refused and written down."""
    watched = open_page(f"{site_url}{PAGES[0]}.html")
    watched.page.evaluate(
        """() => new Promise((done) => {
             const image = new Image();
             image.onload = image.onerror = done;
             image.src = "https://example.org/pixel.png";
           })"""
    )
    assert watched.external == ["https://example.org/pixel.png"]
    with pytest.raises(AssertionError, match="example.org"):
        watched.assert_quiet()
