"""Pictures of sweeps over k and of intervals, and the text alternatives made from the same numbers."""

from __future__ import annotations

from typing import Any

import pytest

from hsrnn.figures import Picture, plot_intervals, plot_sweep

CURVES = {"mgu": [0.6, 1.0, 0.9, 1.0], "srn": [0.5, 0.7, 0.95, 0.9]}
ROWS = {"000": {"srn": (8.0, 7.0, 9.5), "mgu": (17.0, 15.0, 18.0)}, "tomita-5": {"mgu": (4.5, 4.1, 5.0)}}


def test_a_sweep_says_the_first_k_or_the_best() -> None:
    picture = plot_sweep([2, 3, 4, 5], CURVES, "Three 0s in a row")
    assert isinstance(picture, Picture)
    assert picture.alt.startswith("Three 0s in a row. Accuracy of the automaton by the number of clusters")
    assert "mgu: first right on every word with k = 3" in picture.alt
    assert "srn: at best 0.950, with k = 4" in picture.alt
    assert picture.image == plot_sweep([2, 3, 4, 5], CURVES, "Three 0s in a row").image


def test_the_first_k_is_drawn() -> None:
    without = plot_sweep([2, 3], {"a": [0.5, 0.999999]})
    assert plot_sweep([2, 3], {"a": [0.5, 1.0]}).image.count(b"<use") == without.image.count(b"<use") + 1


def test_intervals_say_their_numbers() -> None:
    picture = plot_intervals(ROWS, "first k", "By language")
    assert picture.alt.startswith("By language. first k, mean and interval. 000: srn 8.00 (7.00 to 9.50)")
    assert "tomita-5: mgu 4.50 (4.10 to 5.00)" in picture.alt
    assert picture.image != plot_intervals(ROWS, "first k", "By language", zero=True).image


def test_a_series_may_be_missing_from_the_first_row() -> None:
    rows = dict(reversed(ROWS.items()))
    assert "000: srn 8.00" in plot_intervals(rows, "first k").alt
    assert "b: nothing" in plot_intervals({"a": {"x": (1.0, 1.0, 1.0)}, "b": {}}, "k").alt


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_sweep([], {"a": []}), "n_clusters must grow, at least one"),
        (lambda: plot_sweep([3, 3], {"a": [0.5, 0.5]}), "n_clusters must grow"),
        (lambda: plot_sweep([2], {}), "accuracy must hold 1 to 6 networks, got 0"),
        (lambda: plot_sweep([2, 3], {"a": [0.5]}), r"accuracy\['a'\] must be 2 shares"),
        (lambda: plot_sweep([2], {"a": [1.5]}), r"accuracy\['a'\] must be 1 shares in \[0, 1\]"),
        (lambda: plot_intervals({}, "k"), "rows must hold 1 to 6 series, got 0"),
        (lambda: plot_intervals({"a": {"b": (1.0, 2.0, 3.0)}}, "k"), r"rows\['a'\]\['b'\] must be a mean"),
    ],
)
def test_bad_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
