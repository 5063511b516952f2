"""The living figure Handwriting in a real browser, by mouse and by keyboard."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import OpenPage
from .handwriting_figures import small_figure

pytestmark = pytest.mark.needs_browser


def status(page: Any) -> str:
    return page.locator(".hl-status").inner_text()


def ink(page: Any) -> list[int]:
    """Return the number of movements drawn without a boundary and with one, and of dots."""
    paths = [page.locator(f".hl-line .hl-{name}") for name in ("ink", "marked", "dots")]
    counts = [path.first.get_attribute("d").count("M") for path in paths]
    return counts


def test_by_mouse(open_page: OpenPage) -> None:
    page = open_page(small_figure().page())
    whole, said = ink(page), status(page)
    assert sum(whole[:2]) > 50 and 0 < whole[1] <= whole[2] < 160
    assert "A line of 160 points, written with sharpness 0.5" in said and "coloured by layer 2" in said
    page.get_by_label("z of layer 1").check()
    assert ink(page) != whole and sum(ink(page)[:2]) == sum(whole[:2])
    page.get_by_role("slider", name="Point").fill("40")
    assert sum(ink(page)[:2]) <= 40 and page.locator(".hl-cloud-next").count() >= 1
    page.get_by_role("slider", name="Sharpness").fill("2")
    assert "sharpness 2.0" in status(page) and status(page) != said
    page.get_by_role("button", name="Another line").click()
    assert page.get_by_label("Seed").input_value() == "4" and page.locator(".hl-cloud-next").count() == 0
    page.get_by_role("button", name="Reset").click()
    assert ink(page) == whole and status(page) == said


def test_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(small_figure().page())
    said = status(page)
    page.get_by_role("slider", name="Point").focus()
    page.keyboard.press("Home")
    assert page.locator(".hl-line .hl-ink").first.get_attribute("d") == ""
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.get_by_role("slider", name="Point").get_attribute("aria-valuetext") == "3 of 160"
    page.get_by_role("button", name="One step back").focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("slider", name="Point").input_value() == "2"
    page.get_by_role("button", name="Play").focus()
    page.keyboard.press("Space")
    page.wait_for_function("Number(document.querySelector('.hl-player input').value) > 6")
    page.keyboard.press("Space")
    stopped = page.get_by_role("slider", name="Point").input_value()
    page.wait_for_timeout(200)
    assert page.get_by_role("slider", name="Point").input_value() == stopped
    # What is said is of the whole line: it does not change with every point that is played.
    assert status(page) == said


def test_link_round_trip(open_page: OpenPage) -> None:
    page = open_page(small_figure().page())
    page.get_by_role("slider", name="Sharpness").fill("1.5")
    page.get_by_role("slider", name="Point").fill("77")
    page.get_by_role("button", name="Copy link to this state").click()
    page.wait_for_function("location.hash.length > 1")
    other = open_page(small_figure().page(), fragment=page.evaluate("location.hash"))
    assert status(other) == status(page) and ink(other) == ink(page)
