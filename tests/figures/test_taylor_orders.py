"""Taylor orders takes what fits, says what does not, and draws the same numbers without JavaScript."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from hsrnn import coarse
from hsrnn.experiments.coarse_figure import folded, taylor_orders_figure
from hsrnn.figures import Picture, TaylorOrders, plot_taylor_orders
from hsrnn.figures.weights import unpack

from .taylor_figures import SCALE, orders_figure, random_distiller, random_net

CLASSES = [str(k) for k in range(10)]


def test_drawings_travel_as_letters_and_references_with_their_vectors() -> None:
    figure = orders_figure()
    data = figure.data
    assert figure.state == {
        "picture": data["examples"][3], "off": [], "out": [], "straight": [], "about": -1,
    }  # fmt: skip
    assert all(len(text) == 784 and set(text) <= set("0123456789abcdef") for text in data["examples"])
    levels = data["looking"]["levels"]
    assert [level["count"] for level in levels] == [3, 1]
    made = random_distiller().references_[0].reshape(-1, 784)
    greys = np.array([[int(letter, 16) for letter in text] for text in levels[0]["pictures"]]) / 15
    np.testing.assert_allclose(greys, made, rtol=0, atol=0.5 / 15 + 1e-6)
    assert unpack(levels[1]["vectors"])["vectors"].shape == (10, 6)


def test_without_a_distiller_there_are_no_references() -> None:
    figure = taylor_orders_figure(random_net(), SCALE, start=7, name="alone")
    assert figure.data["looking"] is None and figure.name == "alone"
    assert figure.state["picture"] == figure.data["examples"][7]


def test_the_picture_tells_the_networks_own_numbers() -> None:
    figure = orders_figure()
    sheet = np.array([int(letter, 16) for letter in figure.state["picture"]]).reshape(1, 1, 28, 28) / 15
    sheet = torch.from_numpy(sheet.astype(np.float32))
    logits = coarse.orders(random_net(), sheet / SCALE)[0].sum(0)
    best = int(logits.argmax())
    distiller = random_distiller()
    told = [f"largest logit {best} ({logits[best]:.1f})"]
    for level, count in enumerate((3, 1)):
        cosines = distiller.decision_function(sheet.numpy(), level)[0]
        told.append(f"{count} a class: most similar to {cosines.argmax()}, {cosines.max():.2f}")
    assert figure.alt == (f"A drawing. Logits of 10 classes, stacked by orders 0 to 8: {'; '.join(told)}.")


@cache
def options() -> dict[str, Any]:
    return {
        "weights": folded(random_net()), "block": 2, "lattice": 32, "scale": SCALE, "classes": CLASSES,
        "examples": np.zeros((10, 28, 28)),
        "picture": plot_taylor_orders(np.zeros((28, 28)), np.ones((9, 10)), CLASSES),
    }  # fmt: skip


LEVEL = {"pictures": np.zeros((10, 2, 28, 28)), "vectors": np.ones((10, 2, 6))}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": {}}, r"level.0.bias, .*head.bias missing"),
        ({"lattice": 28}, r"3 levels of blocks 2 x 2 on a lattice of 28 need a head of 10 x"),
        ({"classes": CLASSES[:9]}, "need a head of 9 x 80, got"),
        (
            {"examples": np.zeros((9, 28, 28))},
            r"examples must be \(10, side, side\), got shape \(9, 28, 28\)",
        ),
        ({"examples": np.full((10, 28, 28), 2.0)}, "examples must lie between 0 and 1"),
        ({"examples": np.zeros((10, 40, 40))}, "a drawing of 40 must fit the lattice of 32"),
        ({"scale": 0.0}, "scale 0.0 be > 0"),
        ({"start": 10}, "start must be a class, 0 to 9, got 10"),
        ({"looking": {"levels": [LEVEL | {"vectors": np.ones((10, 3, 6))}]}}, "a vector a picture"),
        ({"looking": {"levels": [LEVEL | {"pictures": np.zeros((10, 2, 8, 8))}]}}, "must be 28 x 28 as"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TaylorOrders.from_weights(**options() | change)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (np.zeros((4, 4)), np.ones((3, 9)), CLASSES),
            r"parts must be finite \(orders, 10\), got shape \(3, 9\)",
        ),
        ((np.zeros(4), np.ones((3, 10)), CLASSES), r"picture must be \(height, width\)"),
        (
            (np.zeros((4, 4)), np.ones((3, 10)), CLASSES, {"one": (np.zeros((10, 5, 5)), np.zeros(10))}),
            "looks\\['one'\\] must be a picture and a cosine a class",
        ),
    ],
)
def test_the_picture_refuses_what_does_not_fit(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_taylor_orders(*arguments)


def test_the_stack_ends_where_the_numbers_do() -> None:
    parts = np.array([[1.0, -1.0], [2.0, 3.0], [-4.0, 0.5]])
    drawn = plot_taylor_orders(np.zeros((4, 4)), parts, ["a", "b"])
    assert isinstance(drawn, Picture)
    assert drawn.alt == "A drawing. Logits of 2 classes, stacked by orders 0 to 2: largest logit b (2.5)."
