"""Accuracy against parameters: the text tells every number, and bad numbers are refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hsrnn.figures import plot_sizes

NETWORKS = {"TaylorNet": [(61_968, [99.3, 99.4]), (2_600, [97.0])], "CNN": [(61_000, [99.1, 99.2])]}


def test_every_number_is_told() -> None:
    picture = plot_sizes(NETWORKS, {"ridge": (7_850, 86.09)}, {"LeNet-5": 99.05, "near": 99.04}, "MNIST")
    assert picture.alt.startswith(
        "MNIST. Test accuracy against parameters. TaylorNet, 2,600 parameters: 97.00 %;"
    )
    assert "TaylorNet, 61,968 parameters: 99.35 % (99.30 to 99.40)" in picture.alt
    assert "ridge, 7,850 parameters: 86.09 %; LeNet-5, by others: 99.05 %" in picture.alt
    assert plot_sizes(NETWORKS).image == plot_sizes(dict(NETWORKS)).image


def test_a_smaller_error_is_drawn_higher() -> None:
    """Two pictures that differ in one anchor: its line moves up when the accuracy rises."""

    def height(value: float) -> float:
        svg = plot_sizes(NETWORKS, {"ridge": (7_850, 90.0)}, {"a": 97.0, "b": value}).image.decode()
        lines = re.findall(r'<path d="M [\d.]+ ([\d.]+) \nL [\d.]+ \1 \n" clip-path', svg)
        return min(map(float, lines))  # pixels from the top

    assert height(98.5) > height(99.2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_sizes({}), "networks must hold 1 to 7 kinds, got 0"),
        (lambda: plot_sizes({"a": []}), r"networks\['a'\] must hold at least one network"),
        (lambda: plot_sizes({"a": [(10, [])]}), r"networks\['a'\] must hold at least one network"),
        (lambda: plot_sizes({"a": [(10, [100.0])]}), "accuracies in"),
        (lambda: plot_sizes({"a": [(10, [50.0])]}, {"b": (0, 50.0)}), "parameters must be at least 1"),
    ],
)
def test_bad_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
