"""What every chapter promises: solutions that stay folded, a page fit to print, figures that answer.

These tests use a page, and come after those that only look at it: in the order of the files' names.
"""

from __future__ import annotations

import time
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, Page

from .conftest import PAGES, Visits

pytestmark = pytest.mark.needs_browser

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS_TO_ANSWER = 5
PAPER = 680  # pixels: the width of A4 between margins of 15 mm


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


@pytest.mark.parametrize("page", PAGES)
def test_solutions_are_folded_and_unfold_by_keyboard(page: str, visit: Visits):
    watched = visit(page)
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
        watched.page.keyboard.press("Enter")
        assert code.is_hidden()
    watched.assert_quiet()


@pytest.mark.parametrize("width", [1280, 390])
def test_tables_are_folded_and_unfold_by_keyboard(width: int, visit: Visits):
    watched = visit.take("book/results", width=width)
    watched.page.set_viewport_size({"width": width, "height": 900})
    folded = watched.page.locator("details.hsrnn-table")
    outputs = [output for cell in notebook("book/results").cells for output in cell.get("outputs", [])]
    shown = sum("<details" in output.get("data", {}).get("text/markdown", "") for output in outputs)
    assert folded.count() == shown > 0, "every folded table of the notebook stands on the page"
    for fold in folded.all():
        table, summary = fold.locator("table"), fold.locator("summary")
        assert table.is_hidden()
        rows = fold.locator("tbody tr").count()
        assert summary.inner_text().endswith(f"({rows} row{'' if rows == 1 else 's'})")
        summary.focus()
        watched.page.keyboard.press("Enter")
        assert table.is_visible()
    # The theme sees a moment later whether a table is wider than its place, and then it can have the focus.
    watched.page.wait_for_function(
        """() => [...document.querySelectorAll("details.hsrnn-table .pst-scrollable-table-container")]
                 .every((box) => (box.scrollWidth > box.clientWidth) === (box.tabIndex === 0))"""
    )
    watched.assert_quiet()


@pytest.mark.parametrize("page", PAGES)
def test_page_can_be_printed(page: str, visit: Visits):
    # Dark, for that is where ink on white paper could go wrong.
    watched = visit.take(page, theme="dark")
    watched.page.set_viewport_size({"width": PAPER, "height": 900})
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
            furniture: all(".bd-sidebar, .bd-header, .bd-header-article, .prev-next-area, .copybtn, " +
                           "details:not(.hsrnn-table) > summary")
              .filter(seen).map((e) => e.className || e.tagName),
            folded: all("article details :is(pre, img, table), details.hsrnn-table > summary")
              .filter((e) => !seen(e) && !e.closest(".hl-live")).map(name),
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


def changes(figure: Locator, before: str) -> bool:
    """Return whether a figure soon looks other than before."""
    until = time.monotonic() + SECONDS_TO_ANSWER
    while looks(figure) == before:
        if time.monotonic() > until:
            return False
        figure.page.wait_for_timeout(10)
    return True


@pytest.mark.parametrize("origin", ["http", "file"])
@pytest.mark.parametrize("page", PAGES)
def test_every_figure_answers_mouse_and_keyboard(page: str, origin: str, visit: Visits):
    stored = notebook(page)
    shown = sum(
        "hsrnn-living" in output.get("data", {}).get("text/html", "")
        for cell in (stored.cells if stored else [])
        for output in cell.get("outputs", [])
    )
    watched = visit(page, origin)
    figures = watched.page.locator(".hsrnn-living")
    assert figures.count() == shown, "every living figure of the notebook stands on the page"
    if shown:
        visit.take(page, origin)
    for use in (touch, press) if shown else ():
        if use is press:
            watched.page.reload()  # as it was before the mouse
        for figure in figures.all():
            assert figure.get_attribute("data-alive") == "yes"
            assert figure.locator(".hl-fallback").is_hidden()
            before = looks(figure)
            use(watched.page, figure)
            assert changes(figure, before), f"{use.__name__}: nothing changed"
    watched.assert_quiet()
