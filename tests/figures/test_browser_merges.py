"""The living figure Merges in a real browser, by mouse and by keyboard."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .conftest import OpenPage
from .merges_figures import output, pictures, small_merges
from .test_browser import status

pytestmark = pytest.mark.needs_browser


def counts(name: str) -> list[int]:
    return [graph.nodes for graph in output(name).hierarchy.graphs]


def heading(page: Any) -> str:
    return page.locator(".hl-card .hl-heading").inner_text()


def point(page: Any, name: str, region: int) -> tuple[float, float]:
    """Return where on the page a pixel of a superpixel lies."""
    box = page.locator(".hl-over").first.bounding_box()
    height, width = pictures()[name]["image"].shape[:2]
    row, column = (output(name).parts.map[0] == region).nonzero()[0].tolist()
    return box["x"] + (column + 0.5) / width * box["width"], box["y"] + (row + 0.5) / height * box["height"]


def test_merges_by_mouse(open_page: OpenPage) -> None:
    page = open_page(small_merges().page())
    first, tree = counts("a figure"), output("a figure").hierarchy
    assert f"level 0 of 3: {first[0]} regions." in status(page)
    # Pointing shows a region, leaving goes back to the chosen one, a click chooses.
    page.mouse.move(*point(page, "a figure", 7))
    size = int(tree.graphs[0].sizes[7])
    assert heading(page).startswith(f"Region 7: {size} pixels, 1 superpixel, ")
    page.mouse.move(2, 2)
    assert heading(page).startswith("Region 0: ")
    page.mouse.click(*point(page, "a figure", 7))
    page.mouse.move(2, 2)
    assert heading(page).startswith("Region 7: ") and f"Region 7: {size} pixels" in status(page)
    around = tree.graphs[0]
    degree = int(around.degree[7])
    shown = page.locator(".hl-card p").last.inner_text()
    assert len(re.findall(r"\d+ \(0\.\d\d\)", shown)) == min(degree, 12)
    # Up one level: the regions of the log's accepted proposal, and their members.
    page.get_by_role("button", name="One step on").click()
    assert f"level 1 of 3: {first[1]} regions." in status(page)
    page.mouse.move(*point(page, "a figure", 7))
    above = int(tree.groups[0][7])
    members = (tree.groups[0] == above).nonzero()[:, 0].tolist()
    assert heading(page).startswith(f"Region {above}: ")
    told = page.locator(".hl-card p").nth(1).inner_text()
    if len(members) == 1:
        assert told.startswith(f"The same region as region {members[0]} of level 0")
    else:
        assert told.startswith(f"Merged from regions {', '.join(map(str, members))} of level 0")
    page.get_by_role("button", name="Reset").click()
    assert f"level 0 of 3: {first[0]} regions." in status(page)


def test_merges_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(small_merges().page())
    first = counts("a figure")
    level = page.get_by_role("slider", name="Level")
    level.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert level.get_attribute("aria-valuetext") == f"2: {first[2]} regions"
    region = page.get_by_role("slider", name="Region")
    region.focus()
    page.keyboard.press("End")
    assert region.get_attribute("aria-valuetext").startswith(f"Region {first[2] - 1}: ")
    assert heading(page) == region.get_attribute("aria-valuetext")
    level.focus()
    page.keyboard.press("End")
    assert not page.locator(".hl-proposal").is_visible(), "nothing is proposed above the last level"
    assert "No level above it." in status(page)
    page.get_by_role("radio", name="a field").focus()
    page.keyboard.press("Space")
    assert status(page).startswith(f"a field, level 3 of 3: {counts('a field')[3]} regions.")
    assert page.get_by_role("radio", name="true parts").is_disabled()
    assert page.locator(".hl-note", has_text="a field, by chance").is_visible()


@pytest.mark.parametrize("name", ["a figure", "a field"])
def test_every_recorded_proposal_is_replayed(open_page: OpenPage, name: str) -> None:
    page = open_page(small_merges().page())
    page.get_by_role("radio", name=name).check()
    for level, log in enumerate(output(name).hierarchy.logs):
        page.get_by_role("slider", name="Level").fill(str(level))
        for row in range(len(log)):
            page.get_by_role("slider", name="Number").fill(str(row))
            verdict = "accepted" if log.accepted[row] else "rejected"
            after = counts(name)[level] - log.merges[row]
            chosen = len(log.edges[row])
            assert f"Proposal {row + 1}, the network's: {chosen} edges, {verdict}; {after} region" in status(
                page
            )
            dashed = page.locator(".hl-over .hl-rejected").count()
            assert dashed == (chosen > 0 and not log.accepted[row])
        ratio = page.locator(".hl-proposal tbody tr").first.locator("td").first.inner_text()
        assert float(ratio) == pytest.approx(log.transition[-1], abs=0.0061)


def test_new_proposals_and_all_sampled_edges(open_page: OpenPage) -> None:
    """A new matching halves the regions at most; all sampled edges go further; the table tells all
    readings."""
    page, left = open_page(small_merges().page()), {}
    for kind in ("a new matching", "all sampled edges"):
        page.get_by_role("radio", name=kind).check()
        left[kind] = int(re.search(r"; (\d+) regions? after it", status(page))[1])
    total = counts("a figure")[0]
    assert total / 2 <= left["a new matching"] < total and left["all sampled edges"] < left["a new matching"]
    said = page.locator(".hl-proposal tbody tr").all_inner_texts()
    assert [row.split("\t")[0] for row in said] == [
        "mean log odds (the network's)", "1 / ∏(1 − p)", "∏ p", "always",
    ]  # fmt: skip
    inverse, product = (float(said[k].split("\t")[1]) for k in (1, 2))
    assert inverse > 0 > product and said[1].endswith("\t1") and said[3].endswith("\t0.00\t1")
    before = status(page)
    page.get_by_role("slider", name="Number").press("ArrowRight")
    assert status(page) != before


def test_merges_link_round_trip_on_a_narrow_page(open_page: OpenPage) -> None:
    page = open_page(small_merges().page(), width=390)
    page.get_by_role("radio", name="parts found").check()
    page.get_by_label("Edges, thicker the likelier").check()
    page.get_by_role("slider", name="Level").press("ArrowRight")
    assert page.locator(".hl-legend").is_visible() and page.locator(".hl-over .hl-edge").count() > 0
    page.get_by_role("button", name="Copy link to this state").click()
    page.wait_for_function("location.hash.startsWith('#figure-merges=')")
    other = open_page(small_merges().page(), fragment=page.evaluate("location.hash"), width=390)
    assert status(other) == status(page)
    assert other.get_by_role("radio", name="parts found").is_checked()
