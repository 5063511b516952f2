"""Living figures in a real browser: from `file://`, offline, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from hsrnn.figures import Boundaries, LivingFigure, StraightThrough, TenLetterMachine

from .automata_figures import automaton_figure, reviews_figure
from .conftest import ROOT, SEQUENCES, OpenPage, arrays, small_model
from .handwriting_figures import small_figure
from .merges_figures import small_merges
from .sketch_figures import memory_figure
from .taylor_figures import orders_figure

pytestmark = pytest.mark.needs_browser

TEXT = "the market fell on friday\nshares rose a bit"
Z1 = (0, 0, 1, 0, 0, 1, 0, 0, 0, 1)
Z2 = (0, 0, 0, 0, 0, 1, 0, 0, 0, 0)


@cache
def boundaries() -> Boundaries:
    model = small_model(True, len(SEQUENCES["symbols"]))
    codes = torch.tensor([[SEQUENCES["symbols"].index(symbol) for symbol in TEXT]])
    with torch.no_grad():
        core = model(codes)[0].core
    return Boundaries.from_weights(
        arrays(model), SEQUENCES["symbols"], layer_norm=True, text=TEXT, selected=4,
        operations=core.operations[0].numpy(), boundaries=core.boundaries[0].numpy(),
    )  # fmt: skip


@cache
def ten_letters() -> TenLetterMachine:
    return TenLetterMachine("it is late", (Z1, Z2), start=4)


FIGURES: dict[str, Callable[[], LivingFigure]] = {
    "boundaries": boundaries, "ten-letter-machine": ten_letters, "straight-through": StraightThrough,
    "automaton": automaton_figure, "reviews": reviews_figure, "handwriting": small_figure,
    "sketch-memory": memory_figure, "merges": small_merges, "taylor-orders": orders_figure,
}  # fmt: skip
every_figure = pytest.mark.parametrize("name", FIGURES)


def status(page: Any) -> str:
    return page.locator(".hl-status").inner_text()


# ---------------------------------------------------------------- what holds for every figure


@every_figure
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page: OpenPage, name: str, theme: str) -> None:
    script = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    assert script.is_file(), "axe-core is missing: run `npm ci`"
    page = open_page(FIGURES[name]().page(theme=theme))
    page.add_script_tag(path=script)
    found = page.evaluate("async () => (await axe.run()).violations")
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in serious] == []


@every_figure
@pytest.mark.parametrize("width", [390, 1280])
def test_alive_and_no_wider_than_the_page(open_page: OpenPage, name: str, width: int) -> None:
    page = open_page(FIGURES[name]().page(), width=width)
    assert page.locator(".hsrnn-living").get_attribute("data-alive") == "yes"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not page.locator(".hl-fallback").is_visible()
    assert len(status(page)) > 20


@every_figure
def test_theme_of_the_page_decides_on_light_or_dark(open_page: OpenPage, name: str) -> None:
    colours = []
    for theme in ("light", "dark"):
        page = open_page(FIGURES[name]().page(theme=theme), color_scheme="light")
        colours.append(page.evaluate("getComputedStyle(document.querySelector('.hl')).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(20, 24, 30)"]


@every_figure
def test_the_picture_stands_in_without_javascript_and_in_print(open_page: OpenPage, name: str) -> None:
    figure = FIGURES[name]()
    still = open_page(figure.page(), java_script_enabled=False)
    image = still.locator(".hl-fallback img")
    assert image.is_visible()
    assert image.get_attribute("alt") == figure.alt
    alive = open_page(figure.page())
    alive.emulate_media(media="print")
    assert alive.locator(".hl-fallback img").is_visible()
    assert alive.evaluate("document.querySelector('.hl-fallback img').naturalWidth") > 100
    assert not alive.locator(".hl").is_visible()


@every_figure
def test_a_link_that_cannot_be_read_leaves_the_figure_as_it_starts(open_page: OpenPage, name: str) -> None:
    plain = open_page(FIGURES[name]().page())
    broken = open_page(FIGURES[name]().page(), fragment=f"#figure-{name}=%%%")
    assert "cannot be read" in broken.locator(".hl-note").last.inner_text()
    assert status(broken) == status(plain)
    # A readable link with senseless values: bytes of {"text": 7, "t": "x", "s": null, "slope": 99,
    # "boundaries": 1}
    odd = "eyJ0ZXh0Ijo3LCJ0IjoieCIsInMiOm51bGwsInNsb3BlIjo5OSwiYm91bmRhcmllcyI6MX0"
    page = open_page(FIGURES[name]().page(), fragment=f"#figure-{name}={odd}")
    assert len(status(page)) > 20


@every_figure
def test_the_widget_form_runs_the_same_module(open_page: OpenPage, name: str) -> None:
    """JupyterLab's way: the module is imported, and a model of its own kind saves what the reader changes."""
    figure = FIGURES[name]()
    page = open_page('<!doctype html><html lang="en"><title>widget</title><main id="place"></main></html>')
    before = page.evaluate(
        """async ({ source, css, data, state, alt }) => {
          const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
          const { default: module } = await import(url);
          const style = document.createElement("style");
          style.textContent = css;
          document.head.append(style);
          const values = { data, state, alt };
          const listeners = [];
          window.saved = [];
          window.model = {
            get: (key) => values[key],
            set(key, value) { values[key] = value; if (key === "state") listeners.forEach((each) => each());
            },
            on: (event, each) => event === "change:state" && listeners.push(each),
            off: (event, each) => listeners.splice(listeners.indexOf(each), 1),
            save_changes() { window.saved.push(structuredClone(values.state)); },
          };
          window.finish = module.render({ model: window.model, el: document.getElementById("place") });
          window.listening = () => listeners.length;
          return document.querySelector(".hl-status").textContent;
        }""",
        {
            "source": figure._esm,
            "css": figure._css,
            "data": figure.data,
            "state": figure.state,
            "alt": figure.alt,
        },
    )
    assert len(before) > 20
    assert page.get_by_text("Copy link to this state").count() == 0  # a link would not start a kernel
    page.get_by_text("Reset").click()
    assert page.evaluate("window.saved") == [figure.state]
    assert page.evaluate("(window.finish(), window.listening())") == 0


def test_two_figures_of_one_name_share_a_page(open_page: OpenPage) -> None:
    html = ten_letters().page().replace("</main>", TenLetterMachine("aba", ((0, 1, 0),)).html() + "</main>")
    page = open_page(html)
    ids = page.evaluate("[...document.querySelectorAll('.hsrnn-living')].map((each) => each.id)")
    assert ids == ["figure-ten-letter-machine", "figure-ten-letter-machine-2"]
    assert page.locator(".hl-status").nth(1).inner_text().startswith("Letter 1, ‘a’")


# ---------------------------------------------------------------- Boundaries


def cell(page: Any, layer: int, t: int) -> Any:
    return page.locator(f'.hl-row[aria-label="layer {layer}"] .hl-cell').nth(t)


def letters(page: Any) -> str:
    return "".join(page.locator(".hl-letters .hl-cell").all_inner_texts())


def test_boundaries_reads_what_is_typed(open_page: OpenPage) -> None:
    page = open_page(boundaries().page())
    assert status(page).startswith(f"{len(TEXT)} letters")
    box = page.get_by_label("Type or paste text")
    box.fill("The Price: é 12.5 rösé")
    assert letters(page).replace("␣", " ") == "the price e 12.5 rose"
    assert "never saw “:”; left out" in page.locator(".hl-textbox .hl-note").inner_text()
    assert cell(page, 1, 0).get_attribute("aria-label").startswith("‘t’, layer 1: UPDATE, ")
    box.press("End")
    box.press_sequentially("s")
    assert status(page).startswith("22 letters")
    box.fill("")
    assert status(page).startswith("No letters yet")
    box.press_sequentially("ab")
    assert letters(page) == "ab"


def test_boundaries_forced_by_mouse(open_page: OpenPage) -> None:
    page = open_page(boundaries().page())
    free = status(page)
    free_cell = cell(page, 1, 7).get_attribute("aria-label")
    assert "differ" not in free
    seen = []
    for _ in range(3):
        cell(page, 1, 7).click()
        seen.append(
            (cell(page, 1, 7).get_attribute("data-forced"), "differ from the free run" in status(page))
        )
    # One of the two forced values is what the model decides anyway, and then nothing differs.
    assert [forced for forced, _ in seen] == ["1", "0", None]
    assert sorted(differs for _, differs in seen[:2]) == [False, True]
    assert status(page) == free
    assert cell(page, 1, 7).get_attribute("aria-label") == free_cell
    cell(page, 3, 7).click()
    assert cell(page, 3, 7).get_attribute("data-forced") is None  # the top layer has no boundary


def test_boundaries_forced_changes_are_marked_and_the_flush_follows(open_page: OpenPage) -> None:
    page = open_page(boundaries().page())
    labels = page.locator('.hl-row[aria-label="layer 1"] .hl-cell').evaluate_all(
        "(all) => all.map((each) => each.ariaLabel)"
    )
    t = next(t for t, label in enumerate(labels[:-1]) if "no boundary" in label)
    cell(page, 1, t).click()
    assert "FLUSH" in cell(page, 1, t + 1).get_attribute("aria-label")
    assert "hl-changed" in cell(page, 1, t + 1).get_attribute("class")
    assert page.locator(".hl-changed").count() == int(
        re.search(r"(\d+) operations differ", status(page)).group(1)
    )
    page.get_by_role("button", name="Free all boundaries").click()
    assert page.locator(".hl-changed").count() == 0


def test_boundaries_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(boundaries().page())
    page.get_by_label("Top-down connection").focus()
    page.keyboard.press("Tab")
    focused = "document.activeElement.getAttribute('aria-label')"
    assert page.evaluate("document.activeElement.className").startswith("hl-cell")
    page.keyboard.press("Home")
    assert page.evaluate(focused) == "‘t’"
    assert "t" in page.locator(".hl-next code").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert page.evaluate(focused).startswith("‘h’, layer 1: ")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert "forced to 1" in page.evaluate(focused)
    page.keyboard.press("Space")
    assert "forced to 0" in page.evaluate(focused)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert page.evaluate(focused).startswith("‘h’, layer 2: ")
    assert page.locator(".hl-forced").count() == 2
    page.get_by_role("button", name="Reset").focus()
    page.keyboard.press("Enter")
    assert page.locator(".hl-forced").count() == 0


def test_boundaries_forced_survive_typing_after_them_only(open_page: OpenPage) -> None:
    page = open_page(boundaries().page())
    cell(page, 1, 3).click()
    cell(page, 1, 12).click()
    box = page.get_by_label("Type or paste text")
    box.fill(TEXT[:8] + "x" + TEXT[9:])
    assert page.locator(".hl-forced").count() == 1
    assert cell(page, 1, 3).get_attribute("data-forced") == "1"


def test_boundaries_expectation_is_a_distribution_and_follows_the_letter(open_page: OpenPage) -> None:
    page = open_page(boundaries().page())
    first = page.locator(".hl-next").inner_text()
    assert "the␣m" in first
    shares = [float(text.removesuffix(" %")) for text in page.locator(".hl-value").all_inner_texts()]
    assert len(shares) == 8
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 100
    assert re.search(r"What came: ‘a’, \d+\.\d\d bits", first)
    page.locator(".hl-letters .hl-cell").nth(10).click()
    assert page.locator(".hl-next").inner_text() != first
    page.locator(".hl-letters .hl-cell").last.click()
    assert "The text ends here" in page.locator(".hl-next").inner_text()


def test_boundaries_continues_the_text_the_same_way_for_the_same_seed(open_page: OpenPage) -> None:
    page = open_page(boundaries().page(), reduced_motion="reduce")
    box = page.get_by_label("Type or paste text")
    texts = []
    for seed in ("3", "3", "4"):
        page.get_by_role("button", name="Reset").click()
        page.get_by_label("Seed").fill(seed)
        page.get_by_label("Seed").press("Enter")
        page.get_by_role("button", name="Continue the text").click()
        texts.append(box.input_value())
    assert all(text.startswith(TEXT) and len(text) == len(TEXT) + 60 for text in texts)
    assert texts[0] == texts[1] != texts[2]
    page.get_by_label("Temperature").fill("0.2")
    assert "0.2" in page.locator(".hl-slider output").first.inner_text()


def test_boundaries_types_letter_by_letter_where_motion_is_welcome(open_page: OpenPage) -> None:
    page = open_page(boundaries().page(), reduced_motion="no-preference")
    page.clock.install()
    box = page.get_by_label("Type or paste text")
    page.get_by_role("button", name="Continue the text").click()
    page.clock.run_for(500)
    page.get_by_role("button", name="Stop").click()
    stopped = box.input_value()
    page.clock.run_for(10_000)
    assert box.input_value() == stopped
    assert len(TEXT) < len(stopped) < len(TEXT) + 60


def test_boundaries_top_down(open_page: OpenPage) -> None:
    page = open_page(boundaries().page())
    before = page.locator(".hl-gate").evaluate_all("(all) => all.map((each) => each.getAttribute('d'))")
    page.get_by_label("Top-down connection").click()
    after = page.locator(".hl-gate").evaluate_all("(all) => all.map((each) => each.getAttribute('d'))")
    assert before != after
    assert "free run" in status(page)


def test_boundaries_link_round_trip(open_page: OpenPage) -> None:
    page = open_page(boundaries().page())
    page.get_by_label("Type or paste text").fill("a bank's “profit” — “up”\nsales")
    cell(page, 2, 5).click()
    page.get_by_label("Top-down connection").click()
    page.get_by_role("button", name="Copy link to this state").click()
    page.wait_for_function("location.hash.startsWith('#figure-boundaries=')")
    fragment = page.evaluate("location.hash")
    assert re.fullmatch(r"#figure-boundaries=[A-Za-z0-9_-]+", fragment)
    other = open_page(boundaries().page(), fragment=fragment)
    assert other.get_by_label("Type or paste text").input_value() == "a bank's “profit” — “up”\nsales"
    assert cell(other, 2, 5).get_attribute("data-forced") == "1"
    assert status(other) == status(page)
    other.get_by_role("button", name="Reset").click()
    assert status(other).startswith(f"{len(TEXT)} letters")


def test_boundaries_by_touch(open_page: OpenPage) -> None:
    page = open_page(boundaries().page(), width=390, has_touch=True, is_mobile=True)
    cell(page, 1, 2).tap()
    assert cell(page, 1, 2).get_attribute("data-forced") == "1"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_boundaries_long_text_scrolls_inside_the_figure(open_page: OpenPage) -> None:
    page = open_page(boundaries().page(), width=390)
    page.get_by_label("Type or paste text").fill("the market rose and fell " * 12)
    inside, shown = page.locator(".hl-scroller").evaluate("(it) => [it.scrollWidth, it.clientWidth]")
    assert inside > 5 * shown
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


# ---------------------------------------------------------------- the ten-letter machine


def test_ten_letters_by_mouse(open_page: OpenPage) -> None:
    page = open_page(ten_letters().page())
    remembered = page.locator(".hl-memory dd")
    assert status(page).startswith("Letter 5, ‘s’.")
    page.get_by_role("button", name="One step on").click()
    page.get_by_role("button", name="One step on").click()
    assert status(page).startswith("Letter 7, ‘l’. Layer 1 flushes")
    assert [text.replace("\n", "") for text in remembered.all_inner_texts()] == ["it␣is␣", "empty", "l"]
    # Without the boundary of layer 2 nothing is passed up, and layer 2 keeps both words.
    page.get_by_role("button", name="boundary of layer 2 at letter 6").click()
    assert [text.replace("\n", "") for text in remembered.all_inner_texts()] == ["empty", "it␣is␣", "l"]
    page.get_by_role("button", name="Reset").click()
    assert status(page).startswith("Letter 5, ‘s’.")


def test_ten_letters_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(ten_letters().page())
    page.get_by_label("Letter", exact=True).focus()
    page.keyboard.press("End")
    assert status(page).startswith("Letter 10, ‘e’.")
    before = page.locator(".hl-rules + .hl-muted").inner_text()
    page.get_by_role("button", name="boundary of layer 1 at letter 1").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.ariaLabel") == "boundary of layer 1 at letter 2, ‘t’: 1"
    assert page.evaluate("document.activeElement.ariaPressed") == "true"
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.ariaLabel") == "boundary of layer 2 at letter 2, ‘t’: 0"
    assert page.locator(".hl-rules + .hl-muted").inner_text() != before


def test_ten_letters_plays_to_the_end(open_page: OpenPage) -> None:
    page = open_page(ten_letters().page())
    page.clock.install()
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(950)
    assert status(page).startswith("Letter 6")
    page.clock.run_for(10_000)
    assert status(page).startswith("Letter 10")
    assert page.get_by_role("button", name="Play").count() == 1


def test_ten_letters_link_round_trip(open_page: OpenPage) -> None:
    page = open_page(ten_letters().page())
    page.get_by_role("button", name="boundary of layer 1 at letter 2").click()
    page.get_by_role("button", name="Copy link to this state").click()
    page.wait_for_function("location.hash.length > 1")
    other = open_page(ten_letters().page(), fragment=page.evaluate("location.hash"))
    assert status(other) == status(page)
    assert other.get_by_role("button", name="boundary of layer 1 at letter 2, ‘t’: 1").count() == 1


# ---------------------------------------------------------------- the straight-through estimator


def values(page: Any) -> list[str]:
    return [text.split("\n")[0] for text in page.locator(".hl-values dd").all_inner_texts()]


def test_straight_through_by_mouse(open_page: OpenPage) -> None:
    page = open_page(StraightThrough(1.0, 0.4).page())
    assert values(page) == ["0.40", "0.70", "1", "0.50"]
    box = page.locator(".hl-plot").bounding_box()
    left, right = box["x"] + 22, box["x"] + box["width"] - 8

    def x(s: float) -> float:
        return left + (s + 2.2) / 4.4 * (right - left)

    page.mouse.move(x(0.4), box["y"] + 100)
    page.mouse.down()
    page.mouse.move(x(-0.5), box["y"] + 100, steps=4)
    page.mouse.up()
    s, soft, z, gradient = values(page)
    assert float(s) == pytest.approx(-0.5, abs=0.02)
    assert float(soft) == pytest.approx((float(s) + 1) / 2, abs=0.01)
    assert (z, gradient) == ("0", "0.50")
    page.get_by_label("Slope a").fill("4")
    assert values(page)[1:] == ["0.00", "0", "0.00"]
    assert "nothing passes" in status(page)
    page.get_by_role("button", name="Reset").click()
    assert values(page) == ["0.40", "0.70", "1", "0.50"]


def test_straight_through_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(StraightThrough(2.0, 0.1).page())
    point = page.get_by_role("slider", name="pre-activation s")
    point.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert values(page) == ["-0.05", "0.45", "0", "1.00"]
    assert point.get_attribute("aria-valuenow") == "-0.05"
    assert page.evaluate("document.activeElement.getAttribute('role')") == "slider"
    page.keyboard.press("End")
    assert values(page) == ["2.20", "1.00", "1", "0.00"]


def test_straight_through_sampling_draws_with_the_probability(open_page: OpenPage) -> None:
    page = open_page(StraightThrough(1.0, 0.4).page())
    assert not page.locator(".hl-draws").is_visible()
    page.get_by_label("sample: z = 1").check()
    counts = []
    for _ in range(30):
        counts.append(page.locator(".hl-one").count())
        page.get_by_role("button", name="Draw again").click()
    # 30 times 40 draws at probability 0.7: the mean of the share has a standard deviation of 0.013.
    assert np.mean(counts) / 40 == pytest.approx(0.7, abs=0.05)
    assert len(set(counts)) > 3
    assert "probability 0.70" in status(page)


def test_straight_through_link_round_trip(open_page: OpenPage) -> None:
    page = open_page(StraightThrough().page())
    page.get_by_label("Slope a").fill("3.5")
    page.get_by_label("sample: z = 1").check()
    page.get_by_role("button", name="Copy link to this state").click()
    page.wait_for_function("location.hash.length > 1")
    other = open_page(StraightThrough().page(), fragment=page.evaluate("location.hash"))
    assert values(other) == values(page)
    assert status(other) == status(page)
