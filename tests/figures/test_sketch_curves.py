"""Pictures of curves over seeds and of ROC curves, and the text alternatives made from the same numbers."""

from typing import Any

import numpy as np
import pytest

from hsrnn.figures import Picture, plot_curves, plot_roc

X = np.array([16.0, 64.0, 256.0])
VALUES = X**-0.5 * np.array([[0.5], [1.0], [2.0]])


def test_a_power_law_tells_its_slope() -> None:
    picture = plot_curves({"a": (X, VALUES, X**-0.5), "b": (X, 3 * VALUES, None)}, "d", "error", "Errors")
    assert isinstance(picture, Picture)
    assert picture.alt.startswith("Errors. error by d. a: slope -0.50 (-0.50 to -0.50); 16: 0.331, ")
    assert "(predicted 0.25 to 0.0625)" in picture.alt and "b: slope -0.50" in picture.alt
    without = plot_curves({"a": (X, VALUES, None), "b": (X, 3 * VALUES, None)}, "d", "error", "Errors")
    assert "predicted 0" not in without.alt and picture.image != without.image


def test_the_interval_of_a_slope_comes_from_the_seeds() -> None:
    """Two seeds of slopes -1 and 0: drawn anew, either of them may stand alone."""
    alt = plot_curves({"a": (X, np.stack([1 / X, np.ones(3)]), None)}, "d", "error").alt
    assert " (-1.00 to 0.00);" in alt.replace("-0.00", "0.00")


def test_shares_are_means() -> None:
    picture = plot_curves({"s = 2": (X, [[0.0, 0.5, 1.0], [0.2, 0.7, 1.0]], None)}, "S", "found", power=False)
    assert picture.alt == "found by S. s = 2; 16: 0.1, 64: 0.6, 256: 1."


def test_the_area_is_that_of_pairs_in_order() -> None:
    picture = plot_roc({"all": ([2.0, 3.0], [0.0, 1.0]), "some": ([1.0, 3.0], [2.0, 1.0])}, "Scenes")
    assert picture.alt.endswith("all: area 1.000; some: area 0.625.")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_curves({}, "d", "e"), "curves must hold 1 to 6 curves, got 0"),
        (
            lambda: plot_curves({"a": (X, VALUES[:, :2], None)}, "d", "e"),
            r"must be \(seeds, 3\), got \(3, 2\)",
        ),
        (lambda: plot_curves({"a": (X, -VALUES, None)}, "d", "e"), "must lie above 0"),
        (lambda: plot_curves({"a": (X, 9 * VALUES, None)}, "d", "e", power=False), r"shares in \[0, 1\]"),
        (lambda: plot_curves({"a": (X, VALUES, [1.0])}, "d", "e"), "must predict 3 values"),
        (lambda: plot_roc({}), "scores must hold 1 to 6 curves, got 0"),
        (lambda: plot_roc({"a": ([], [1.0])}), "must hold both kinds, got 0 and 1"),
    ],
)
def test_bad_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
