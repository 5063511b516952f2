"""Pictures of polynomial networks: their words are what the arrays hold, and bad input is refused."""

from __future__ import annotations

import numpy as np
import pytest

from hsrnn.figures import plot_degrees, plot_grids, plot_orders, plot_shares


def test_grids_name_their_sizes_and_ranges() -> None:
    picture = plot_grids({"a": [[0, 1], [2, -3.5]], "b": np.ones((1, 1))}, numbers=True, outlines=(2, 0))
    assert "a, 2 x 2, from -3.5 to 2" in picture.alt and "b, 1 x 1, from 1 to 1" in picture.alt
    assert picture.image.startswith(b"\x89PNG")
    assert "a, 1 x 1, from 0 to 0" in plot_grids({"a": [[-0.0]]}).alt


def test_orders_add_up_in_words() -> None:
    picture = plot_orders([[1.0, -2.0], [0.5, 4.0], [0.0, 0.0]], ["no", "yes"], truth=1)
    assert "orders 0 to 2" in picture.alt and "no 1.5; yes 2.0. True class: yes." in picture.alt
    assert "largest single contribution is of order 1" in picture.alt


def test_degrees_and_shares_say_their_numbers() -> None:
    sizes = {"one level": [1, 0.5, 1e-16], "two": [1, 1, 1]}
    assert "one level: they vanish behind 2" in plot_degrees(sizes, {"one level": 2, "two": 4}).alt
    picture = plot_shares({"kept": [0.1, 0.95]}, ["0", "1"], title="Accuracy", xlabel="order")
    assert picture.alt == "Accuracy, over order 0, 1. kept: 0.10, 0.95."


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_grids({}), "at least one grid"),
        (lambda: plot_grids({"a": [1.0, 2.0]}), "table of finite numbers"),
        (lambda: plot_grids({"a": [[np.nan]]}), "table of finite numbers"),
        (lambda: plot_grids({"a": [[1.0]]}, outlines=(1, 2)), "outlines must be 1"),
        (lambda: plot_orders([[1.0]], ["a", "b"]), r"finite \(orders, 2\)"),
        (lambda: plot_orders([[1.0]], ["a"], truth=1), "truth must lie in 0 .. 0"),
        (lambda: plot_degrees({"a": [1.0]}, {"b": 1}), "the same 1 to 3 names"),
        (lambda: plot_degrees({"a": [0.0]}, {"a": 1}), "above 0"),
        (lambda: plot_shares({"a": [1.2]}, ["0"], title="t", xlabel="x"), r"in \[0, 1\]"),
        (lambda: plot_shares({}, ["0"], title="t", xlabel="x"), "1 to 3 lines"),
    ],
)
def test_bad_arrays_are_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
