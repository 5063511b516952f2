"""Pictures of references, and the text alternatives made from the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hsrnn.figures import Picture, plot_iterated, plot_looking, plot_references
from hsrnn.figures.references import _tiled

GREY = np.random.default_rng(0).random((3, 20, 1, 4, 5))
NAMES = ("cat", "dog", "owl")


def test_grids_say_how_many_and_how_different() -> None:
    picture = plot_references({"many": GREY, "one": GREY[:, :1]}, NAMES, most=6, title="Pets")
    assert isinstance(picture, Picture) and picture.image_format == "png"
    spread = 100 * np.sqrt(((GREY - GREY.mean(1, keepdims=True)) ** 2).mean())
    assert picture.alt.startswith(
        f"Pets. References by level. many: 6 of 20 a class, which differ from their average by {spread:.0f} %"
    )
    assert "one: 1 of 1 a class" in picture.alt and "by 0 % of" in picture.alt
    assert (
        picture.image
        == plot_references({"many": GREY, "one": GREY[:, :1]}, NAMES, most=6, title="Pets").image
    )
    assert plot_references({"colour": np.repeat(GREY, 3, axis=2)}, NAMES).image != picture.image


def test_a_tile_is_the_picture_itself() -> None:
    whole = _tiled(GREY)
    assert whole.shape == (3 * 5 - 1, 20 * 6 - 1)
    np.testing.assert_array_equal(whole[5:9, 12:17], GREY[1, 2, 0])
    assert (whole[4] == 0).all(), "the gap between two lines"


def test_looking_says_the_two_most_similar() -> None:
    scores = {"many": [0.1, 0.9, 0.5], "one": [0.8, -0.2, 0.3]}
    picture = plot_looking(GREY[0, 0], {"many": GREY[1, 0], "one": GREY[0, 1]}, scores, NAMES)
    assert "many: most similar to dog, 0.90, next owl, 0.50; one: most similar to cat, 0.80" in picture.alt


def test_curves_say_their_ends() -> None:
    picture = plot_iterated({"moved": [0.5, 0.1], "apart": [1.0, 0.9, 0.8]}, "distance", "G")
    assert (
        picture.alt == "G. distance. moved: 0.5 at step 1, 0.1 at step 2; apart: 1 at step 0, 0.8 at step 2."
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_references({}, NAMES), "levels must hold at least one grid"),
        (lambda: plot_references({"a": GREY}, NAMES[:2]), r"levels\['a'\] must be \(2, k, 1 or 3"),
        (lambda: plot_references({"a": 2 * GREY}, NAMES), "must lie between 0 and 1"),
        (lambda: plot_looking(GREY[0, 0], {"a": GREY[0, 0]}, {"b": [1.0]}, NAMES), "name the same levels"),
        (lambda: plot_looking(GREY[0, 0], {"a": GREY[0, 0]}, {"a": [1.0, 2.0]}, NAMES), "and 3 similarities"),
        (lambda: plot_iterated({}, "d"), "curves must hold 1 to 6, got 0"),
        (lambda: plot_iterated({"a": [1.0, 0.0]}, "d"), r"curves\['a'\] must be 1 or 2 positive numbers"),
        (lambda: plot_iterated({"a": [1.0] * 5, "b": [1.0]}, "d"), r"curves\['b'\] must be 4 or 5 positive"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
