"""Checkers of the exercises of the chapter on superpixels and graphs, `evolving.01`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hsrnn.evolving import ceiling, confusion, from_map, score
from hsrnn.exercises.verdict import Wrong, array_of, call


def regions_of(random: np.random.Generator) -> NDArray[np.int64]:
    """Return a small map of regions, numbered from 0 without a gap."""
    height, width = (int(size) for size in random.integers(2, 6, 2))
    drawn = random.integers(int(random.integers(2, 7)), size=(height, width))
    return np.unique(drawn, return_inverse=True)[1].reshape(height, width)


def borders(answer: Any, random: np.random.Generator) -> str:
    """01.1: a function (map (height, width)) -> edges (edges, 2), sorted, each pair once."""
    for _ in range(12):
        regions = regions_of(random)
        expected = from_map(regions).graph.edges.T.numpy()
        found = call(answer, regions.copy())
        found = array_of(found, (len(found), 2) if np.ndim(found) == 2 else expected.shape, "The edges")
        if found.shape == expected.shape and np.array_equal(found, expected):
            continue
        pairs, wanted = {tuple(pair) for pair in found.tolist()}, {tuple(p) for p in expected.tolist()}
        if pairs == wanted:
            raise Wrong("All edges are there, but not each once and in growing order.")
        if {tuple(sorted(pair)) for pair in pairs} == wanted:
            raise Wrong(
                "All borders are found, but the smaller number of a pair comes first, and it is once."
            )
        first = sorted(pairs ^ wanted)[0]
        shown = tuple(int(node) for node in first)
        if first in wanted:
            raise Wrong(f"The edge {shown} is missing on the map {regions.tolist()}.")
        hint = " Regions that touch in a corner only share no border." if first[0] != first[1] else ""
        raise Wrong(f"The edge {shown} is too much on the map {regions.tolist()}.{hint}")
    return "It finds the graphs that the package finds."


def best_accuracy(answer: Any, random: np.random.Generator) -> str:
    """01.2: a function (map, labels with -1) -> the best pixel accuracy."""
    for _ in range(12):
        regions = regions_of(random)
        labels = random.integers(-1, 4, size=regions.shape)
        labels[0, 0] = 0  # at least one pixel is known
        counts = from_map(regions).histogram(torch.from_numpy(labels)[None], 4)
        expected = ceiling(counts).accuracy
        found = float(array_of(call(answer, regions.copy(), labels.copy()), (), "The accuracy"))
        if abs(found - expected) > 1e-9:
            most = counts.max(1).values.sum().item()
            shares = (counts.max(1).values / counts.sum(1)).nanmean().item()
            hint = ""
            if abs(found - most / labels.size) < 1e-9:
                hint = " Pixels that nobody knows do not count."
            elif abs(found - shares) < 1e-6:
                hint = " A large region counts more than a small one: share of pixels, not mean of shares."
            raise Wrong(
                f"The best accuracy is {expected:.4f} for regions {regions.tolist()} and labels "
                f"{labels.tolist()}, but the answer says {found:.4f}.{hint}"
            )
    return "No labels of these regions do better."


def mean_iou(answer: Any, random: np.random.Generator) -> str:
    """01.3: a function (predicted, true with -1, classes) -> mean IoU over the classes that occur."""
    for _ in range(12):
        classes, size = int(random.integers(2, 7)), int(random.integers(4, 20))
        predicted, true = random.integers(classes, size=size), random.integers(-1, classes, size=size)
        true[0] = predicted[0]
        counts = confusion(torch.from_numpy(predicted), torch.from_numpy(true), classes)
        result = score(counts)
        found = float(array_of(call(answer, predicted.copy(), true.copy(), classes), (), "The mean IoU"))
        if not abs(found - result.mean_iou) < 1e-9:
            ious = np.array(result.iou)
            hint = ""
            if abs(found - np.nan_to_num(ious).mean()) < 1e-9:
                hint = " A class that does not occur is left out, not counted as 0."
            elif abs(found - np.nan_to_num(ious, nan=1.0).mean()) < 1e-9:
                hint = " A class that does not occur is left out, not counted as 1."
            elif abs(found - result.accuracy) < 1e-9:
                hint = " That is the share of right pixels."
            raise Wrong(
                f"For predicted {predicted.tolist()} and true {true.tolist()} the mean is "
                f"{result.mean_iou:.4f}, but the answer says {found:.4f}.{hint}"
            )
    return "It is the score that the room reports."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "evolving.01.1": borders,
    "evolving.01.2": best_accuracy,
    "evolving.01.3": mean_iou,
}
