"""Pictures of rooms and of what is remembered: numbers are in their words, and bad arrays are refused."""

from __future__ import annotations

import numpy as np
import pytest

from hsrnn.figures import plot_by_size, plot_days, plot_hours, plot_rooms, plot_vector, plot_windows

ROOMS = np.zeros((2, 32, 32))


def test_rooms_say_how_many_frames_they_have() -> None:
    picture = plot_rooms(ROOMS, ["hall", "cellar"], [[(3, 4), (20, 9)], np.zeros((0, 2))])
    assert picture.image_format == "png" and "hall, 2 frames; cellar" in picture.alt
    assert plot_rooms(ROOMS, ["hall", "cellar"]).image != picture.image


def test_windows_say_how_far_they_are_from_the_first_row() -> None:
    seen = np.random.default_rng(0).random((3, 8, 8))
    picture = plot_windows({"seen": seen, "kept": seen + 0.25}, ["1", "2", "3"])
    assert "kept differs from the first row by 0.250" in picture.alt and "1, 2, 3" in picture.alt
    assert picture.image != plot_windows({"seen": seen, "kept": seen + 0.25}, ["4", "5", "6"]).image


def test_a_vector_says_its_range() -> None:
    assert "130 numbers" in plot_vector(np.linspace(-1, 2, 130), "A sketch").alt
    assert "from -1.000 to 2.000" in plot_vector(np.linspace(-1, 2, 130)).alt


@pytest.mark.parametrize("log_y", [True, False])
def test_curves_say_their_ends(log_y: bool) -> None:
    picture = plot_by_size(
        [64, 256], {"measured": [0.5, 0.25]}, x="d", y="error", lines={"predicted": [0.4, 0.2]}, log_y=log_y
    )
    assert "measured from 0.5 at 64 to 0.25 at 256; predicted from 0.4" in picture.alt


def test_hours_and_days_say_their_peaks() -> None:
    hours = np.arange(24.0)
    assert "true is highest at hour 23 (23) and 276 in all" in plot_hours({"true": hours}, "7s").alt
    picture = plot_days([0, 0, 1, 5, 2], 3, "strangeness")
    assert "day 3 has 5.00, place 1 from the top; the median of days above 0 is 2.00" in picture.alt


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_rooms(ROOMS, ["one"]), "with a title each, got"),
        (
            lambda: plot_rooms(ROOMS, ["a", "b"], [[(1, 1)]]),
            "corners must be given for each of 2 rooms, got 1",
        ),
        (lambda: plot_windows({}, ["a"]), "rows must each hold 1 pictures"),
        (lambda: plot_vector(np.zeros((2, 2))), r"one vector \(d,\), got shape \(2, 2\)"),
        (lambda: plot_by_size([1, 2], {}, x="x", y="y"), "curves must be 1 to 8"),
        (lambda: plot_by_size([1, 2], {"a": [1.0]}, x="x", y="y"), "each of 2 sizes"),
        (lambda: plot_hours({"a": np.zeros(23)}, "7s"), "1 to 4 times 24 hours"),
        (lambda: plot_days([1.0], 1, "s"), "day must be 0 to 0, got 1"),
    ],
)
def test_bad_arrays_are_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
