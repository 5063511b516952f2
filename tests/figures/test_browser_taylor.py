"""The living figure Taylor orders in a real browser: pointer, keys, orders, regions, levels, references."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hsrnn import coarse
from hsrnn.experiments.coarse_figure import rounded_embedder

from .conftest import OpenPage
from .taylor_figures import SCALE, orders_figure, random_distiller, random_net
from .test_browser import status

pytestmark = pytest.mark.needs_browser


def ink(page: Any) -> np.ndarray:
    """Return what is drawn, `(28, 28)` in [0, 1], from the pixels of the canvas."""
    values = page.locator(".hl-pad canvas").evaluate(
        "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]"
    )
    return np.rint((255 - np.reshape(values, (28, 28, 4))[..., 0]) / 230 * 15) / 15


def shown(page: Any) -> list[float]:
    """Return the ten logits that stand beside the stacks."""
    texts = page.locator(".hl-stacks .hl-value").all_inner_texts()
    return [float(text.replace("−", "-")) for text in texts]


def expected(page: Any, **options: Any) -> np.ndarray:
    """Return the orders of the drawing on the page, by the package."""
    sheet = torch.from_numpy(ink(page).astype(np.float32))[None, None] / SCALE
    return coarse.orders(random_net(), sheet, **options)[0].numpy()


def check(page: Any, logits: np.ndarray) -> None:
    np.testing.assert_allclose(shown(page), logits, rtol=0, atol=0.06 + 1e-3 * np.abs(logits).max())
    assert page.locator(".hl-stacks .hl-best .hl-class").inner_text() == str(int(np.argmax(shown(page))))


def test_drawing_with_the_pointer_is_read(open_page: OpenPage) -> None:
    page = open_page(orders_figure().page())
    check(page, expected(page).sum(0))
    page.get_by_role("button", name="Clear").click()
    assert ink(page).max() == 0
    blank = expected(page).sum(0)
    check(page, blank)
    box = page.locator(".hl-pad").bounding_box()
    place = lambda x, y: (box["x"] + x * box["width"] / 28, box["y"] + y * box["height"] / 28)
    page.mouse.move(*place(8, 6))
    page.mouse.down()
    page.mouse.move(*place(18, 6), steps=4)
    page.mouse.move(*place(12, 20), steps=4)
    page.mouse.up()
    page.mouse.move(*place(20, 20))
    drawn = ink(page)
    assert drawn[5:7, 8:18].min() >= 0.9 and drawn[20:, 18:].max() == 0 and drawn[12, 14:17].max() > 0.9
    check(page, expected(page).sum(0))
    assert not np.allclose(shown(page), blank, atol=0.1)
    distiller = random_distiller()
    _, distiller.embedder_ = rounded_embedder(distiller.embedder_, 8)  # as the page has it
    cosines = distiller.decision_function(drawn[None, None].astype(np.float32), 1)[0]
    texts = page.locator(".hl-references").nth(1).locator("button > span:first-of-type").all_inner_texts()
    np.testing.assert_allclose([float(text.split(": ")[1]) for text in texts], cosines, atol=0.006)
    page.get_by_role("radio", name="erases").check()
    page.mouse.click(*place(13, 6))
    assert ink(page)[6, 13] == 0 and ink(page)[6, 8] > 0.9
    page.get_by_role("button", name="Reset").click()
    check(page, expected(page).sum(0))
    assert status(page).startswith("The network reads ")


def test_orders_regions_and_levels_are_switched_off(open_page: OpenPage) -> None:
    page = open_page(orders_figure().page())
    whole = expected(page)
    for order in (2, 8):
        page.get_by_role("switch", name=str(order), exact=True).uncheck()
    check(page, np.delete(whole, [2, 8], 0).sum(0))
    assert status(page).startswith("Without orders 2, 8: the network reads ")
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="Region in row 2, column 2").click()
    region = torch.ones(28, 28, dtype=torch.bool)
    region[6:14, 6:14] = False
    inside = expected(page, region=region)
    assert np.abs(inside - whole).max() > 0.1
    check(page, inside.sum(0))
    assert page.locator(".hl-blank").count() == 1 and status(page).startswith("1 region blank: ")
    assert page.get_by_role("button", name="Region in row 2, column 2: off").inner_text() == "off"
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("switch", name="level 2").uncheck()
    straight = coarse.straighten(random_net(), 1)
    sheet = torch.from_numpy(ink(page).astype(np.float32))[None, None] / SCALE
    check(page, straight(sheet)[0].numpy())
    assert status(page).startswith("Level 2 straight: the network reads ")


def test_what_regions_add_is_their_share_of_the_chosen_class(open_page: OpenPage) -> None:
    page = open_page(orders_figure().page())
    page.get_by_role("button", name="4: logit").click()
    region = torch.zeros(28, 28, dtype=torch.bool)
    region[6:14, 14:22] = True
    alone = float(expected(page, region=region)[1:, 4].sum())
    text = page.get_by_role("button", name="Region in row 2, column 3").inner_text()
    assert float(text.replace("−", "-")) == pytest.approx(alone, abs=0.06 + 1e-3 * abs(alone))
    page.get_by_text("The same in numbers").click()
    cells = page.locator(".hl-numbers tbody tr").nth(3).locator("td").all_inner_texts()
    order = expected(page)[3]
    np.testing.assert_allclose(
        [float(cell.replace("−", "-")) for cell in cells], order, atol=0.06 + 1e-2 * np.abs(order).max()
    )


def test_drawing_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(orders_figure().page())
    page.get_by_role("button", name="Clear").focus()
    page.keyboard.press("Enter")
    page.get_by_role("application").focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Space")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    drawn = ink(page)
    assert (drawn[10, 14:20] == 1).all() and drawn[10, 22:].max() == 0 and drawn[12:].max() == 0
    assert page.locator(".hl-pad [role=status]").text_content() == "Column 20, row 12, pencil up."
    check(page, expected(page).sum(0))
    page.get_by_role("button", name="Centre").focus()
    page.keyboard.press("Enter")
    assert (ink(page)[13:15].max(1) == 1).any() and ink(page)[10].max() == 0
    page.get_by_role("switch", name="1", exact=True).focus()
    page.keyboard.press("Space")
    assert status(page).startswith("Without order 1: ")


def test_a_reference_goes_onto_the_sheet_and_a_link_keeps_it(open_page: OpenPage) -> None:
    page = open_page(orders_figure().page(), width=390)
    page.locator(".hl-references").nth(1).locator("button").nth(6).click()
    reference = random_distiller().references_[1][6, 0, 0]
    np.testing.assert_allclose(ink(page), reference, atol=0.5 / 15 + 0.01)
    card = page.locator(".hl-references").nth(1).locator(".hl-best")
    assert card.get_attribute("aria-label").startswith("6: 1.00 is the cosine")
    page.get_by_role("switch", name="0, constant").uncheck()
    page.get_by_role("button", name="Copy link to this state").click()
    page.wait_for_function("location.hash.startsWith('#figure-taylor-orders=')")
    other = open_page(orders_figure().page(), fragment=page.evaluate("location.hash"))
    assert status(other) == status(page) and shown(other) == shown(page)
    np.testing.assert_array_equal(ink(other), ink(page))
    page.get_by_label("Example").select_option("5")
    assert status(page) != status(other)
    check(page, expected(page)[1:].sum(0))
