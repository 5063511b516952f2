"""The living figure Sketch memory in a real browser, by mouse and by keyboard."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

from hsrnn.figures.weights import unpack
from hsrnn.sketches import Decoder, erase, least_squares, scene_tree

from .conftest import OpenPage
from .sketch_figures import MECHANISM, SIZES, memory_figure, room, scenes
from .test_browser import status

pytestmark = pytest.mark.needs_browser


def cards(page: Any) -> list[str]:
    """Return what the page says of each digit."""
    shown = page.locator(".hl-card:not([hidden]) .hl-note")
    return shown.all_inner_texts()


def read(row: int, keep: int, how: str = "prefix") -> tuple[np.ndarray, np.ndarray]:
    """Return class shares and their errors as the package reads them from what the page has."""
    sketch = unpack(memory_figure().data["sketches"])["rooms"][row : row + 1].astype(float)
    tensor = torch.from_numpy(sketch)
    noise = float(np.abs(sketch).max()) / 32767 / 12**0.5
    shape = scene_tree(SIZES, len(room((2, 1, 3, 4)[row], (2, 1, 3, 4)[row])["labels"]))
    found = least_squares(Decoder(MECHANISM), erase(tensor, keep, how), shape, noise=noise).attributes[
        "digit"
    ]
    return found.value[:, :10].numpy() / 0.7, found.error[:, 0].numpy() / 0.7


def check(page: Any, row: int, keep: int, how: str = "prefix") -> None:
    """Compare what stands beside every digit with the package."""
    shares, errors = read(row, keep, how)
    assert len(cards(page)) == len(shares)
    for text, own, error in zip(cards(page), shares, errors, strict=True):
        shown, value, bar = re.search(r"[✓✗] (\d): (-?[\d.]+) ± ([\d.]+)$", text).groups()
        assert int(shown) == own.argmax() and float(value) == pytest.approx(own.max(), abs=0.0051)
        assert float(bar) == pytest.approx(error, rel=0.5, abs=1e-5)


def test_sketch_memory_by_mouse(open_page: OpenPage) -> None:
    page = open_page(memory_figure().page())
    check(page, 0, 256)
    labels = room(2, 2)["labels"]
    assert f"door 0: digits {labels[0]}, {labels[1]}, read as {labels[0]}, {labels[1]}." in status(page)
    strip = page.locator(".hl-strip")
    box = strip.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 20)
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    page.mouse.up()
    assert status(page).startswith("128 of 256 numbers of 16 bits kept.")
    check(page, 0, 128)
    assert "do not determine it: 129 are unknown" in status(page)
    page.get_by_role("radio", name="at random").check()
    check(page, 0, 128, "random")
    page.mouse.click(box["x"] + 2, box["y"] + 20)
    assert status(page).startswith("32 of 256")
    assert (
        "read as nothing" in status(page)
        and "not determined" in page.locator("figcaption").nth(1).inner_text()
    )
    page.get_by_role("button", name="Reset").click()
    check(page, 0, 256)


def test_sketch_memory_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(memory_figure().page())
    kept = page.get_by_role("slider", name="Numbers kept")
    kept.focus()
    page.keyboard.press("ArrowLeft")
    assert kept.get_attribute("aria-valuetext") == "248 of 256"
    check(page, 0, 248)
    page.keyboard.press("End")
    page.get_by_role("slider", name="Room").focus()
    page.keyboard.press("End")
    assert "door 3: " in status(page)
    check(page, 3, 256)
    page.get_by_role("radio", name="8", exact=True).first.check()
    assert "numbers of 8 bits" in status(page)


def test_sketch_memory_answers_for_the_year(open_page: OpenPage) -> None:
    """The sum that a page reads from merged sketches is the network's, within the error bar."""
    page = open_page(memory_figure().page())
    truth = [scenes(4, 3, seed)[0].attributes["digit"].double().numpy()[:, :10] / 0.7 for seed in range(5)]
    for digit in (3, 9):
        page.get_by_role("group", name="Ask for the digit").get_by_label(str(digit), exact=True).check()
        said = re.search(rf"How many {digit}s in all 5 days\? (\d+) ± ([\d.]+)", status(page))
        total = sum(day[:, digit].sum() for day in truth)
        assert float(said[1]) == pytest.approx(total, abs=0.51)
    page.get_by_role("slider", name="Day").focus()
    page.keyboard.press("End")
    here = page.locator("p", has_text="Was there a 9 on day 5?").inner_text()
    value, error = re.search(r": (-?[\d.]+) ± ([\d.]+);", here).groups()
    assert float(value) == pytest.approx(truth[4][:, 9].sum(), abs=0.06 + 3 * float(error))
    page.get_by_role("radio", name="8", exact=True).first.check()
    rougher = page.locator("p", has_text="Was there a 9 on day 5?").inner_text()
    assert float(re.search(r"± ([\d.]+)", rougher)[1]) > 50 * float(error)


def test_sketch_memory_link_round_trip_on_a_narrow_page(open_page: OpenPage) -> None:
    page = open_page(memory_figure().page(), width=390)
    page.get_by_role("radio", name="at random").check()
    page.get_by_role("slider", name="Numbers kept").press("ArrowLeft")
    page.get_by_role("button", name="Copy link to this state").click()
    page.wait_for_function("location.hash.startsWith('#figure-sketch-memory=')")
    other = open_page(memory_figure().page(), fragment=page.evaluate("location.hash"))
    assert status(other) == status(page) and cards(other) == cards(page)
    assert other.get_by_role("radio", name="at random").is_checked()
