"""The living figure Sketch memory with the trained network's sketches of rooms, days and hours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hsrnn import datasets, figures
from hsrnn.datasets.rooms import HOURS
from hsrnn.sketches import (
    Decoder,
    Forest,
    Mechanism,
    SceneNetwork,
    digits_read,
    erase,
    least_squares,
    scene_tree,
)
from hsrnn.sketches.scene_network import (
    CANVAS,
    CLASSES,
    FULL,
    MOST_DIGITS,
    SCENE_SHARES,
    SHARES,
    STROKES,
    WINDOW,
)

KEEPS = (1.0, 0.5, 0.25)
"""Kept shares that the picture shows."""


def merged(sketches: Tensor, counts: Tensor, group: NDArray[np.integer], groups: int) -> Tensor:
    """Return one sketch a group, ``(groups, d)``, in which every digit of its scenes has the same weight.

    The digits of a scene have weight 1 / n each; so a scene enters a merged sketch with n / 4, and read as
    the sketch of one scene of four digits it gives the mean over the scenes of what stands at each place.

    Args:
        sketches: ``(n, d)``, of single scenes.
        counts: ``(n,)`` how many digits each has.
        group: ``(n,)`` the group of each, from 0.
        groups: how many groups there are.
    """
    number = torch.tensor(group)
    size = torch.bincount(number, minlength=groups).clamp_min(1)
    total = torch.zeros(groups, sketches.shape[1], dtype=sketches.dtype)
    total.index_add_(0, number, sketches * (counts / MOST_DIGITS).to(sketches.dtype)[:, None])
    return total / size[:, None]


def digit_counts(split: datasets.SceneSplit, group: NDArray[np.integer], groups: int) -> NDArray[np.int64]:
    """Return how many of each digit really were in each group of scenes, ``(groups, 10)``."""
    counts = np.zeros((groups, CLASSES), np.int64)
    real = (split.labels >= 0) & (split.labels < CLASSES)
    np.add.at(counts, (np.repeat(group, real.sum(1)), split.labels[real]), 1)
    return counts


def memory_figure(
    network: SceneNetwork,
    mechanism: Mechanism,
    split: datasets.SceneSplit,
    forest: Forest,
    sketches: Tensor,
    *,
    shown: Sequence[int] = tuple(range(48)),
    **options: Any,
) -> figures.SketchMemory:
    """Return the figure in which a room's sketch is erased and whole days are asked for their digits.

    Args:
        network: what made the trees.
        mechanism: what made the sketches.
        split: whole days of scenes in order of time.
        forest: the tree of each scene.
        sketches: ``(n, d)`` of those trees.
        shown: numbers of the scenes that the reader can choose as the room.
        options: passed to :meth:`hsrnn.figures.SketchMemory.from_sketches`, e.g. ``state``.

    Raises:
        ValueError: for another number of sketches than scenes.
    """
    if not len(split) == len(forest) == len(sketches):
        raise ValueError(
            f"sketches and trees must be {len(split)}, one a scene, got {len(sketches)} and {len(forest)}"
        )
    at = np.array(shown)
    trees = torch.from_numpy(forest.tree[forest.members["digit"]])
    counts, read = torch.bincount(trees, minlength=len(split)), digits_read(forest.attributes["digit"])
    days, hours = int(split.day.max()) + 1, HOURS
    parts = ("digit.decode.0", "digit.decode.2", "stroke.decode")
    state = network.state_dict()
    scenes = {
        "sketches": sketches[at].numpy(), "images": split.images[at],
        "names": [f"day {split.day[k] + 1}, {split.hour[k]:02d}:00" for k in at],
        "labels": [split.labels[k, : split.counts[k]] for k in at],
        "classes": [read.classes[trees == k].numpy() for k in at],
        "truth": [
            (datasets.ROOMS[split.room[k]], datasets.PERIODS[datasets.period_of(split.hour[k])]) for k in at
        ],
    }  # fmt: skip
    year = {
        "days": merged(sketches, counts, split.day, days).numpy(),
        "hours": merged(sketches, counts, split.hour, hours).numpy(),
        "day_counts": digit_counts(split, split.day, days),
        "hour_counts": digit_counts(split, split.hour, hours),
        "day_scenes": hours, "hour_scenes": days,
    }  # fmt: skip
    layout = {
        "canvas": CANVAS, "window": WINDOW, "classes": CLASSES, "most": MOST_DIGITS, "strokes": STROKES,
        "shares": SHARES, "scene_shares": SCENE_SHARES, "rooms": datasets.ROOMS, "periods": datasets.PERIODS,
    }  # fmt: skip
    first = int(options.get("state", {}).get("room", 0))
    return figures.SketchMemory.from_sketches(
        json.loads(mechanism.to_json()), scenes, year, layout=layout,
        weights={
            f"{part}.{kind}": state[f"{part}.{kind}"].numpy() for part in parts for kind in ("weight", "bias")
        },
        picture=erasing_picture(network, mechanism, forest, sketches, split, int(at[first])), **options,
    )  # fmt: skip


def erasing_picture(
    network: SceneNetwork,
    mechanism: Mechanism,
    forest: Forest,
    sketches: Tensor,
    split: datasets.SceneSplit,
    number: int,
) -> figures.Picture:
    """Return the picture of one scene that is read from less and less of its sketch, stored in 8 bits.

    Args:
        network: what made the trees.
        mechanism: what made the sketches.
        forest: the tree of each scene.
        sketches: ``(n, d)``.
        split: the scenes.
        number: which scene.
    """
    one, decoder = forest.trees(number, number + 1), Decoder(mechanism)
    scale = sketches[number].abs().max() / 127
    sketch = (sketches[number : number + 1] / scale).round() * scale
    count = len(one.attributes["digit"])
    shape, dimension = scene_tree(network.sizes, count), mechanism.dimension
    pictures, measured, predicted, labels = [], [], [], []
    keeps = [int(share * dimension) for share in (*KEEPS, 0.125)]
    for keep in keeps:
        found = least_squares(decoder, erase(sketch, keep), shape, noise=float(scale) / 12**0.5)
        digits = found.attributes["digit"]
        known = bool(found.determined.all())
        pictures.append(painted(network, digits.value) if known else None)
        gap = digits.value - one.attributes["digit"].double()
        measured.append(float(gap.square().mean().sqrt()) if known else np.inf)
        predicted.append(float(digits.error.square().mean().sqrt()))
        names = digits_read(digits.value).classes.argmax(1).tolist()
        labels.append("digits " + " ".join(map(str, names)) if known else "")
    truth = split.images[number] / FULL
    return figures.plot_sketch_memory(
        sketch[0].numpy(), truth, keeps, pictures, measured, predicted, labels=labels
    )


def painted(network: SceneNetwork, digits: Tensor) -> NDArray[np.float64]:
    """Return the canvas ``(32, 32)`` with the windows that digit attributes ``(n, a)`` stand for, each where
    they say that it lies."""
    points = np.zeros((CANVAS, CANVAS))
    windows = network.picture_of_digit(digits.float()).numpy()
    for window, place in zip(windows, digits_read(digits).place.clamp(0, 1).tolist(), strict=True):
        top, left = (int(share * (CANVAS - WINDOW) + 0.5) for share in place)
        box = points[top : top + WINDOW, left : left + WINDOW]
        np.maximum(box, window, out=box)
    return points
