"""A small network, mechanism and year of rooms for the tests of the figure Sketch memory."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hsrnn.figures import Picture, SketchMemory, plot_sketch_memory
from hsrnn.sketches import Forest, Mechanism, SceneNetwork, SceneSizes, Sketcher, scene_tree
from hsrnn.sketches.scene_network import SCENE_SHARES, SHARES

SIZES = SceneSizes(stroke_code=3, digit_code=2, hidden=8, features=4, rooms=2, periods=2)
MECHANISM = Mechanism(SIZES.modules, dimension=256, seed=4)
MOST, CANVAS = 4, 32
LAYOUT = {
    "canvas": CANVAS, "window": 8, "classes": 10, "most": MOST, "strokes": 4, "shares": SHARES,
    "scene_shares": SCENE_SHARES, "rooms": ("hall", "cellar"), "periods": ("day", "night"),
}  # fmt: skip
PARTS = ("digit.decode.0", "digit.decode.2", "stroke.decode")


@cache
def network() -> SceneNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return SceneNetwork(SIZES).eval().requires_grad_(False)


def weights() -> dict[str, np.ndarray]:
    state = network().state_dict()
    return {
        f"{part}.{kind}": state[f"{part}.{kind}"].numpy() for part in PARTS for kind in ("weight", "bias")
    }


@cache
def scenes(count: int, number: int, seed: int = 0) -> tuple[Forest, Tensor]:
    """Return trees of ``count`` digits each with likely attributes, and their sketches in float64."""
    random = np.random.default_rng(seed)
    classes = np.eye(10)[random.integers(10, size=(number, count))]
    shares = 0.9 * classes + 0.1 * random.dirichlet(np.ones(10), (number, count))
    look, place = random.random((number, count, 2)) / 2, random.random((number, count, 2))
    digit = np.concatenate([SHARES[0] * shares, SHARES[1] * look, SHARES[2] * place], 2)
    scene = [
        share * random.dirichlet(np.ones(size), (number, 1))
        for share, size in zip(SCENE_SHARES, (SIZES.rooms, SIZES.periods), strict=True)
    ]
    drawn = {
        "digit": digit, "scene": np.concatenate(scene, 2),
        "stroke": random.random((number, 4 * count, SIZES.stroke_code)) / 2,
    }  # fmt: skip
    forest = scene_tree(SIZES, count).like({name: torch.from_numpy(x) for name, x in drawn.items()})
    return forest, Sketcher(MECHANISM, dtype=torch.float64).encode(forest)


def room(count: int, seed: int) -> dict[str, Any]:
    forest, sketches = scenes(count, 1, seed)
    classes = forest.attributes["digit"][:, :10].numpy() / SHARES[0]
    return {"sketch": sketches[0].numpy(), "classes": classes, "labels": classes.argmax(1).tolist()}


def picture() -> Picture:
    random = np.random.default_rng(0)
    return plot_sketch_memory(
        random.normal(size=256), random.random((CANVAS, CANVAS)), [256, 64],
        [random.random((CANVAS, CANVAS)), None], [0.01, np.inf], [0.02, np.inf], labels=["digits 3 7", ""],
    )  # fmt: skip


@cache
def memory_figure() -> SketchMemory:
    """Return the figure with four rooms of 1 to 4 digits and a year of five days of three scenes."""
    random, all_rooms = np.random.default_rng(2), [room(count, count) for count in (2, 1, 3, 4)]
    days = np.stack([scenes(4, 3, seed)[1].mean(0).numpy() for seed in range(5)])
    counts = random.integers(0, 4, (5, 10))
    rooms = {
        "sketches": [each["sketch"] for each in all_rooms], "names": [f"door {k}" for k in range(4)],
        "images": random.integers(0, 17, (4, CANVAS, CANVAS)),
        "labels": [each["labels"] for each in all_rooms], "classes": [each["classes"] for each in all_rooms],
        "truth": [("hall", "day")] * 4,
    }  # fmt: skip
    year = {
        "days": days, "hours": days[:2], "day_counts": counts, "hour_counts": counts[:2], "day_scenes": 3,
        "hour_scenes": 3,
    }  # fmt: skip
    return SketchMemory.from_sketches(
        json.loads(MECHANISM.to_json()), rooms, year, weights=weights(), layout=LAYOUT, picture=picture(),
        state={"digit": 3},
    )  # fmt: skip
