"""What every chapter promises: figures that answer, solutions that stay folded, a page fit to print."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import yaml
from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.needs_browser

ROOT = Path(__file__).resolve().parent.parent.parent
PAPER = 680  # pixels: the width of A4 between margins of 15 mm


def entries(contents: object) -> list[str]:
    """Return every page that a part of _toc.yml names, in order."""
    if isinstance(contents, list):
        return [page for each in contents for page in entries(each)]
    if not isinstance(contents, dict):
        return []
    own = [contents[key] for key in ("root", "file") if key in contents]
    return own + [page for key in ("parts", "chapters", "sections") for page in entries(contents.get(key))]


PAGES = entries(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))


def notebook(page: str) -> nbformat.NotebookNode | None:
    """Return the executed notebook of a page, or None for a page that is only text."""
    file = (ROOT / page).with_suffix(".ipynb")
    return nbformat.read(file, as_version=4) if file.exists() else None


def tagged(page: str, tag: str) -> int:
    """Return how many cells of a page have a tag."""
    book = notebook(page)
    return sum(tag in cell.metadata.get("tags", []) for cell in book.cells) if book else 0


def looks(figure: Locator) -> str:
    """Return all that a figure shows: its elements, and what its controls are set to."""
    return figure.locator(".hl-live").evaluate(
        """(e) => e.innerHTML + [...e.querySelectorAll("input, textarea, select")]
                  .map((c) => c.type === "checkbox" || c.type === "radio" ? c.checked : c.value).join()"""
    )


def touch(page: Page, figure: Locator) -> None:
    """Use the figure's first control with the mouse: press a button, or click far right on a slider."""
    control = figure.locator(".hl-stage").locator("button:enabled, input[type=range]").first
    control.scroll_into_view_if_needed()
    box = control.bounding_box()
    assert box is not None, "the first control is not in sight"
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)


def press(page: Page, figure: Locator) -> None:
    """Use the figure's first slider, or else its first button, with the keyboard."""
    stage = figure.locator(".hl-stage")
    sliders = stage.locator("input[type=range]:enabled")
    control = sliders.first if sliders.count() else stage.locator("button:enabled").first
    control.focus()
    page.keyboard.press("ArrowRight" if sliders.count() else "Enter")


@pytest.mark.parametrize("origin", ["http", "file"])
@pytest.mark.parametrize("page", PAGES)
def test_every_figure_answers_mouse_and_keyboard(
    page: str, origin: str, request: pytest.FixtureRequest, open_page: Callable
):
    base = request.getfixturevalue("site_url" if origin == "http" else "file_url")
    watched = open_page(f"{base}{page}.html")
    figures = watched.page.locator(".hsrnn-living")
    stored = notebook(page)
    shown = sum(
        "hsrnn-living" in output.get("data", {}).get("text/html", "")
        for cell in (stored.cells if stored else [])
        for output in cell.get("outputs", [])
    )
    assert figures.count() == shown, "every living figure of the notebook stands on the page"
    for figure in figures.all():
        assert figure.get_attribute("data-alive") == "yes"
        assert figure.locator(".hl-fallback").is_hidden()
        for use in (touch, press):
            watched.page.reload()
            before = looks(figure)
            use(watched.page, figure)
            watched.page.wait_for_timeout(50)
            assert looks(figure) != before, f"{use.__name__}: nothing changed"
    watched.assert_quiet()


@pytest.mark.parametrize("page", PAGES)
def test_solutions_are_folded_and_unfold_by_keyboard(page: str, site_url: str, open_page: Callable):
    watched = open_page(f"{site_url}{page}.html")
    folded = watched.page.locator("article div.cell.tag_hide-cell details")
    assert folded.count() == tagged(page, "hide-cell")
    headings = watched.page.locator("article :is(h2, h3, h4)").filter(has_text="Solution")
    assert folded.count() >= headings.count(), "a solution without a folded cell"
    for fold in folded.all():
        code = fold.locator("pre").first
        assert fold.get_attribute("open") is None and code.is_hidden()
        summary = fold.locator("summary")
        assert summary.inner_text().strip()
        summary.focus()
        watched.page.keyboard.press("Enter")
        assert code.is_visible()
    watched.assert_quiet()


@pytest.mark.parametrize("page", PAGES)
def test_page_can_be_printed(page: str, site_url: str, open_page: Callable):
    # Dark, for that is where ink on white paper could go wrong.
    watched = open_page(f"{site_url}{page}.html", width=PAPER, theme="dark")
    watched.page.emulate_media(media="print")
    facts = watched.page.evaluate(
        """() => {
          const all = (selector) => [...document.querySelectorAll(selector)];
          const seen = (e) => e.checkVisibility() && e.getBoundingClientRect().height > 0;
          const name = (e) => e.textContent.trim().slice(0, 60);
          const pale = (e) => {
            const [r, g, b] = getComputedStyle(e).color.match(/[\\d.]+/g).map(Number);
            return 0.3 * r + 0.6 * g + 0.1 * b > 150;
          };
          const clips = (e) =>
            getComputedStyle(e).overflowX !== "visible" && e.scrollWidth > e.clientWidth + 1;
          return {
            furniture: all(".bd-sidebar, .bd-header, .bd-header-article, .prev-next-area, .copybtn, summary")
              .filter(seen).map((e) => e.className || e.tagName),
            folded: all("article details pre, article details img").filter((e) => !seen(e)).map(name),
            cut: all("article pre, article table, article div.math svg")
              .filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map(name),
            clipped: all("article :is(pre, div)")
              .filter((e) => seen(e) && !e.closest(".hsrnn-living") && clips(e)).map((e) => e.className),
            pale: all(".bd-content :is(h1, h2, p, li, td, pre, pre span)")
              .filter((e) => seen(e) && pale(e)).map(name),
            alive: all(".hl-live").filter(seen).length,
            pictures: all(".hsrnn-living .hl-fallback").filter((e) => !seen(e)).length,
            titles: all("h1").filter(seen).length,
          };
        }"""
    )
    assert facts["furniture"] == [], "what is only good for a screen is printed"
    assert facts["folded"] == [], "what is folded on the screen is missing on paper"
    assert facts["cut"] == [] and facts["clipped"] == [], "something is cut off at the edge of the paper"
    assert facts["pale"] == [], "pale text on white paper"
    assert facts["alive"] == 0 and facts["pictures"] == 0, "in print a picture stands for a living figure"
    assert facts["titles"] == 1
    assert watched.page.pdf(format="A4").startswith(b"%PDF")
    watched.assert_quiet()
