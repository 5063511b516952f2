"""Sketch memory takes what fits, says what does not, and draws the same data without JavaScript."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hsrnn.figures import SketchMemory, plot_sketch_memory
from hsrnn.figures.weights import unpack

from .sketch_figures import LAYOUT, MECHANISM, memory_figure, picture, room, weights


def test_sketches_travel_in_16_bits_and_pictures_in_letters() -> None:
    data = memory_figure().data
    sketches = unpack(data["sketches"])
    assert {name: rows.shape for name, rows in sketches.items()} == {
        "rooms": (4, 256), "days": (5, 256), "hours": (2, 256),
    }  # fmt: skip
    first = room(2, 2)["sketch"]
    np.testing.assert_allclose(sketches["rooms"][0], first, rtol=0, atol=np.abs(first).max() / 65_000)
    assert len(data["rooms"]["images"][0]) == 32 * 32 and set(data["rooms"]["images"][0]) <= set(
        "0123456789abcdefg"
    )
    assert data["most"] == 4 and data["year"]["scenes"] == {"days": 3, "hours": 3}
    assert memory_figure().state == {
        "room": 0, "keep": 256, "how": "prefix", "bits": 16, "digit": 3, "day": 0,
    }  # fmt: skip


def options() -> dict[str, Any]:
    one = room(2, 2)
    return {
        "mechanism": json.loads(MECHANISM.to_json()),
        "rooms": {
            "sketches": one["sketch"][None], "images": np.zeros((1, 32, 32)), "names": ["door"],
            "labels": [one["labels"]], "classes": [one["classes"]], "truth": [("hall", "day")],
        },
        "year": {
            "days": one["sketch"][None], "hours": one["sketch"][None], "day_counts": np.zeros((1, 10)),
            "hour_counts": np.zeros((1, 10)), "day_scenes": 1, "hour_scenes": 1,
        },
        "weights": weights(), "layout": LAYOUT, "picture": picture(),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("mechanism", {"family": {"name": "haar"}}, "must have the family hadamard, got 'haar'"),
        ("rooms", {"sketches": np.zeros((1, 128))}, r"sketches must be \(1, 256\) finite numbers"),
        ("rooms", {"images": np.zeros((1, 8, 8))}, r"images must be \(n, 32, 32\)"),
        ("rooms", {"names": []}, "names must be 1, one a room, got 0"),
        ("year", {"days": np.full((1, 256), np.nan)}, r"days must be \(n, 256\) finite numbers"),
        ("year", {"day_counts": np.zeros((1, 9))}, r"day_counts must be \(1, 10\)"),
    ],
)
def test_what_does_not_fit_is_refused(part: str, change: dict[str, Any], message: str) -> None:
    given = options()
    given[part] = given[part] | change
    with pytest.raises(ValueError, match=message):
        SketchMemory.from_sketches(**given)


def test_a_missing_entry_of_the_layout_is_named() -> None:
    given = options()
    given["layout"] = {key: value for key, value in LAYOUT.items() if key != "shares"}
    with pytest.raises(ValueError, match=r"got none of \['shares'\]"):
        SketchMemory.from_sketches(**given)


def test_the_picture_says_what_is_read_and_how_well() -> None:
    drawn = picture()
    assert drawn.alt == (
        "A sketch of 256 numbers and the room read from its first ones: with 256 numbers digits 3 7 (error "
        "0.01, predicted 0.02); with 64 numbers nothing is determined."
    )
    assert drawn.image.startswith(b"<?xml")
    with pytest.raises(ValueError, match="must be 2, one for each number kept"):
        plot_sketch_memory(np.zeros(8), np.zeros((4, 4)), [8, 4], [None], [1.0, 1.0], [1.0, 1.0])
