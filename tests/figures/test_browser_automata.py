"""The living figures of the room automata in a real browser, by mouse and by keyboard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hsrnn.automata import LANGUAGES, SequenceClassifier
from hsrnn.automata import Automaton as Machine
from hsrnn.figures import Automaton, unpack

from .automata_figures import (
    LANGUAGE,
    REVIEW,
    automaton_figure,
    net_data,
    review_net,
    review_words,
    reviews_figure,
    true_net,
)
from .conftest import OpenPage
from .test_browser import status

pytestmark = pytest.mark.needs_browser


def steps(page: Any) -> list[str]:
    """Return the rows of the walk, column by column."""
    cells = (
        "(all) => all.map((it) => [...it.querySelectorAll('[aria-hidden]')].map((each) => each.textContent))"
    )
    return [" ".join(column) for column in page.locator(".hl-walk-step").evaluate_all(cells)]


def lit(page: Any) -> str:
    """Return the name of the state that is lit."""
    return page.locator(".hl-node.hl-lit .hl-state-name").text_content()


def machine(net: int = 0, place: int = 0) -> Machine:
    data = automaton_figure().data["nets"][net]["machines"][place]
    return Machine.of(
        "01", data["table"], [q for q, yes in enumerate(data["accepting"]) if yes], data["start"]
    )


def test_automaton_by_mouse(open_page: OpenPage) -> None:
    page = open_page(automaton_figure().page())
    assert status(page).startswith("Read 1011. States ")
    assert lit(page) == str(machine().run(["1011"])[0])
    page.get_by_role("button", name="append 0").click()
    assert status(page).startswith("Read 10110. ")
    assert "the word belongs to the language" in status(page)
    assert lit(page) == str(machine().run(["10110"])[0])
    assert [text.split()[0] for text in steps(page)] == ["→", *"10110"]
    assert [text.split()[1] for text in steps(page)] == [str(q) for q in machine().trace(["10110"])[0]]
    page.locator(".hl-walk-step").nth(2).click()
    assert status(page).startswith("Read 10. ")
    assert lit(page) == str(machine().run(["10"])[0])
    page.get_by_role("button", name="Backspace").click()
    assert page.get_by_label("Type a word").input_value() == "1011"
    page.get_by_role("button", name="Clear").click()
    assert status(page).startswith("Nothing read yet")
    page.get_by_role("radio", name="7").check()
    assert "as extracted: 8 states" in page.locator(".hl-heading").first.inner_text()
    page.get_by_role("radio", name="SRN").check()
    assert page.get_by_role("radio", name="7").is_checked()
    assert "Hidden state of the SRN, 6 units" in page.locator(".hl-heading").nth(1).inner_text()


def test_automaton_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(automaton_figure().page())
    page.get_by_label("Type a word").focus()
    page.keyboard.press("End")
    page.keyboard.type("02")
    assert page.get_by_label("Type a word").input_value() == "10110"
    assert "“2” is no symbol" in page.locator(".hl-note").first.inner_text()
    page.keyboard.press("Tab")
    focused = "document.activeElement.firstChild.textContent"
    assert page.evaluate(focused).startswith("after symbol 5, 0: state ")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(focused).startswith("after symbol 3, 1: state ")
    assert status(page).startswith("Read 101. ")
    page.keyboard.press("Home")
    assert page.evaluate(focused).startswith("before the first symbol: state ")
    page.keyboard.type("1")
    assert status(page).startswith("Read 101101. ")
    assert page.evaluate(focused).startswith("after symbol 6, 1")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    assert status(page).startswith("Read 1011. ")
    page.keyboard.press("Delete")
    assert status(page).startswith("Nothing read yet")
    slider = page.get_by_label("Merge states")
    slider.focus()
    page.keyboard.press("End")
    assert "minimised" in slider.get_attribute("aria-valuetext")
    assert lit(page) == "A"


def test_automaton_merges_states_class_by_class(open_page: OpenPage) -> None:
    page = open_page(automaton_figure().page(), reduced_motion="reduce")
    data = automaton_figure().data["nets"][0]["machines"][1]
    page.get_by_role("radio", name="7").check()
    badges = ".hl-badge"
    shown = "(all) => all.map((each) => each.textContent)"
    assert set(page.locator(badges).evaluate_all(shown)) == {""}
    for stage, classes in enumerate(data["rounds"], start=1):
        page.get_by_role("button", name="One step on").click()
        expected = ["" if number < 0 else chr(65 + number) for number in classes]
        assert page.locator(badges).evaluate_all(shown) == expected, stage
    page.get_by_role("button", name="One step on").click()
    places = page.locator(".hl-node").evaluate_all("(all) => all.map((each) => each.style.transform)")
    states = len(data["table"])
    for q, merged in enumerate(data["map"]):
        if merged >= 0:
            assert places[q] == places[states + merged]  # slid to where the merged state stands
    assert page.locator(".hl-node").first.evaluate("(it) => getComputedStyle(it).transitionDuration") == "0s"
    moving = open_page(automaton_figure().page(), reduced_motion="no-preference")
    assert "0.7s" in moving.locator(".hl-node").first.evaluate(
        "(it) => getComputedStyle(it).transitionDuration"
    )


def test_automaton_plays_the_merging(open_page: OpenPage) -> None:
    page = open_page(automaton_figure().page())
    page.clock.install()
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(20_000)
    assert "minimised" in page.locator(".hl-heading").first.inner_text()
    assert page.get_by_role("button", name="Play").count() == 1


def test_automaton_finds_counterexamples_and_their_absence(open_page: OpenPage) -> None:
    page = open_page(automaton_figure().page())
    target = automaton_figure().data["target"]
    truth = Machine.of("01", target["table"], [4]).with_empty(False)
    word = "".join(machine().with_empty(False).counterexample(truth))
    page.get_by_role("button", name="differs from the truth").click()
    finding = page.locator(".hl-note").nth(1)
    assert finding.inner_text() == f"A shortest one: {word}. It is the word now."
    assert page.get_by_label("Type a word").input_value() == word
    assert page.locator(".hl-values .hl-differs").count() >= 1
    assert "hl-odd" in page.locator(".hl-walk-step").last.inner_html()
    page.get_by_role("radio", name="exact").check()
    page.get_by_role("button", name="differs from the truth").click()
    assert finding.inner_text() == (
        "There is none (the empty word aside): the automaton is exactly the words that contain 0110."
    )
    page.get_by_role("button", name="differs from the network").click()
    found = page.get_by_label("Type a word").input_value()
    net = SequenceClassifier("01", "gru", 6).double()
    net.load_state_dict({name: torch.from_numpy(array) for name, array in true_net()["weights"].items()})
    exact = LANGUAGES[LANGUAGE].automaton
    assert net.predict([found])[0] != exact.accepts([found])[0]
    shorter = [f"{n:b}"[1:] for n in range(2, 2 ** len(found))]
    np.testing.assert_array_equal(net.predict(shorter), exact.accepts(shorter))
    assert page.locator(".hl-values .hl-differs").count() == 1


def test_automaton_link_round_trip(open_page: OpenPage) -> None:
    page = open_page(automaton_figure().page())
    page.get_by_role("radio", name="SRN").check()
    page.get_by_label("Type a word").fill("001101")
    page.locator(".hl-walk-step").nth(3).click()
    page.get_by_role("button", name="One step on").click()
    page.get_by_role("button", name="Copy link to this state").click()
    page.wait_for_function("location.hash.startsWith('#figure-automaton=')")
    other = open_page(automaton_figure().page(), fragment=page.evaluate("location.hash"))
    assert status(other) == status(page)
    assert other.get_by_role("radio", name="SRN").is_checked()
    assert steps(other) == steps(page)
    other.get_by_role("button", name="Reset").click()
    assert status(other).startswith("Read 1011. ")


def test_automaton_long_words_scroll_inside_the_figure(open_page: OpenPage) -> None:
    page = open_page(automaton_figure().page(), width=390)
    page.get_by_label("Type a word").fill("01" * 40)
    assert page.get_by_label("Type a word").input_value() == "01" * 30
    inside, shown = page.locator(".hl-walk-steps").evaluate("(it) => [it.scrollWidth, it.clientWidth]")
    assert inside > 4 * shown
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_role("button", name="append 0").is_disabled()


def test_automaton_without_a_target_and_with_words_for_symbols(open_page: OpenPage) -> None:
    data = net_data("gru")
    machines = [{key: value for key, value in each.items() if key != "clusters"} for each in data["machines"]]
    figure = Automaton.from_nets([{**data, "machines": machines[:1]}], ["up", "down"], word=["up", "down"])
    page = open_page(figure.page())
    assert page.get_by_label("Type a word").count() == 0
    assert page.get_by_role("button", name="differs from the truth").count() == 0
    page.get_by_role("button", name="append up").click()
    assert status(page).startswith("Read up down up. ")
    assert "language" not in status(page)


# ---------------------------------------------------------------- Reviews


def rule() -> Machine:
    words, machine, _ = review_words()
    return Machine(words, machine["table"], machine["accepting"], machine["start"])


def page_net() -> SequenceClassifier:
    net = review_net().double()
    weights = unpack(reviews_figure().data["weights"])
    net.load_state_dict({name: torch.from_numpy(array).double() for name, array in weights.items()})
    return net


def row(page: Any, name: str) -> list[str]:
    """Return one row of the walk."""
    names = page.locator(".hl-walk-names span").all_inner_texts()
    cells = "(all, place) => all.map((it) => it.children[place + 1].textContent)"
    return page.locator(".hl-walk-step").evaluate_all(cells, names.index(name))


def check_review(page: Any, text: str) -> None:
    """Compare every step of the walk with the package."""
    words = text.split()
    states = rule().trace([words])[0]
    assert row(page, "word") == ["→", *words]
    names = [name.replace("\n", " ") for name in reviews_figure().data["machine"]["names"]]
    assert row(page, "state") == [names[q] for q in states]
    signs = ["✓" if rule().accepting[q] else "✗" for q in states]
    assert row(page, "machine") == signs == row(page, "truth")
    net = page_net()
    with torch.no_grad():
        logits = net.output(torch.from_numpy(net.states([words]))).numpy()
    lead = logits[:, 1] - logits[:, 0]
    shown = [float(text.split()[1].replace("−", "-")) for text in row(page, "network")][1:]
    np.testing.assert_allclose(shown, lead, atol=0.051)
    assert [text[0] for text in row(page, "network")][1:] == ["✓" if each > 0 else "✗" for each in lead]


def test_reviews_by_mouse(open_page: OpenPage) -> None:
    page = open_page(reviews_figure().page())
    check_review(page, REVIEW)
    assert status(page).startswith("Word 10 of 10, ‘dull’, leads from “positive” to “negative”.")
    page.locator(".hl-walk-step").nth(5).click()
    assert "‘boring’, leads from “negative, negated” to “positive”." in status(page)
    assert page.locator(".hl-taken .hl-edge-label").text_content().startswith("loathed, despised,")
    page.get_by_role("button", name="good", exact=True).click()
    changed = REVIEW.replace("boring", "good")
    check_review(page, changed)
    assert page.get_by_label("Type or edit").input_value() == changed
    assert status(page).startswith("Word 5 of 10, ‘good’")
    page.locator(".hl-walk-step").nth(4).click()
    page.get_by_role("button", name="Delete the word").click()
    check_review(page, changed.replace("not ", ""))
    page.get_by_role("button", name="nobody said").click()
    check_review(page, "nobody said the acting wasn't superb")
    page.get_by_role("button", name="Reset").click()
    check_review(page, REVIEW)


def test_reviews_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(reviews_figure().page())
    page.get_by_label("Type or edit").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("The Film was splendide, never Awful")
    assert page.locator(".hl-note").first.inner_text() == "Unknown to the network: “splendide”; left out."
    assert row(page, "word") == ["→", "the", "film", "was", "splendide", "never", "awful"]
    assert page.locator(".hl-unknown").all_inner_texts() == ["splendide"]
    states = row(page, "state")
    assert states[4] == states[3] == "negative"
    assert states[-1] == "positive"
    page.locator(".hl-walk-step[tabindex='0']").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.firstChild.textContent").startswith(
        "word 4, splendide, unknown"
    )
    assert "‘splendide’, is left out" in status(page)
    page.keyboard.press("s")
    page.keyboard.type("splen")
    assert page.get_by_role("group", name="Exchange a word").get_by_role("button").all_inner_texts() == [
        "Delete the word",
        "splendid",
    ]
    page.keyboard.type("did")
    page.keyboard.press("Enter")
    check_review(page, "the film was splendid never awful")
    page.locator(".hl-walk-step[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Delete")
    check_review(page, "the film was splendid awful")
    page.keyboard.press("Home")
    assert status(page).startswith("Nothing read yet. ")
    assert not page.get_by_role("group", name="Exchange a word").is_visible()


def test_reviews_link_round_trip_and_markup_is_only_text(open_page: OpenPage) -> None:
    page = open_page(reviews_figure().page(), width=390)
    page.get_by_label("Type or edit").fill("<b>great</b> <img src=x onerror=alert(1)> film")
    assert page.locator(".hl-walk img, .hl-walk b").count() == 0
    page.locator(".hl-walk-step").nth(2).click()
    page.get_by_role("button", name="Copy link to this state").click()
    page.wait_for_function("location.hash.startsWith('#figure-reviews=')")
    other = open_page(reviews_figure().page(), fragment=page.evaluate("location.hash"))
    assert status(other) == status(page)
    assert row(other, "word") == row(page, "word")
    page.get_by_label("Type or edit").fill("film " * 100)
    assert len(row(page, "word")) == 61
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
