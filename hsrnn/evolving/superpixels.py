"""Superpixels: an image as a graph of small regions (SLIC, Achanta et al. 2012, by scikit-image).

A node is a superpixel, its feature the mean of any feature map over its pixels, an edge joins regions that
share a border of pixels (4-neighbours). What a graph says about its nodes goes back to the pixels exactly:
every pixel takes the value of its superpixel. So no prediction on the nodes can be better than their majority
labels; :func:`ceiling` is the score of those (decision E12: printed beside every result).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import ArrayLike
from skimage.segmentation import slic
from torch import Tensor

from .graph import Graph, graph_from_edges, union
from .scores import Score, score


@dataclass(frozen=True, eq=False)
class Superpixels:
    """The superpixels of one image or of several images of equal size.

    Attributes:
        map: ``(images, height, width)`` int64, the node that each pixel belongs to.
        graph: the nodes, their numbers of pixels and who borders on whom; one graph of the union an image.
        centres: ``(nodes, 2)`` float32, mean row and column of the pixels of each node.
    """

    map: Tensor
    graph: Graph
    centres: Tensor

    def pool(
        self, features: Float[Tensor, "images channels height width"]
    ) -> Float[Tensor, "nodes channels"]:
        """Return the mean of a feature map over the pixels of each node; gradients flow to every pixel.

        Raises:
            ValueError: if the feature map has another size than the superpixels.
        """
        self._require("features", (features.shape[0], *features.shape[2:]))
        rows = features.permute(0, 2, 3, 1).flatten(0, 2)
        total = rows.new_zeros(self.graph.nodes, rows.shape[1]).index_add_(0, self.map.flatten(), rows)
        return total / self.graph.sizes[:, None]

    def spread(
        self, values: Float[Tensor, "nodes channels"]
    ) -> Float[Tensor, "images channels height width"]:
        """Give every pixel the value of its node: the exact inverse of :meth:`pool` on what is constant
        within superpixels."""
        return values.index_select(0, self.map.flatten()).unflatten(0, self.map.shape).permute(0, 3, 1, 2)

    def histogram(
        self, labels: Int64[Tensor, "images height width"], classes: int
    ) -> Int64[Tensor, "nodes classes"]:
        """Count the pixels of each class in each node; pixels labelled -1 are left out.

        Raises:
            ValueError: if the labels have another size than the superpixels, or one lies outside -1 to
                ``classes - 1``.
        """
        self._require("labels", tuple(labels.shape))
        low, high = int(labels.min()), int(labels.max())
        if low < -1 or high >= classes:
            raise ValueError(f"labels must lie in -1 (none) to {classes - 1}, got {low} to {high}")
        node, label = self.map.flatten(), labels.flatten()
        known = label >= 0
        codes = node[known] * classes + label[known]
        return torch.bincount(codes, minlength=self.graph.nodes * classes).unflatten(0, (-1, classes))

    def to(self, device: torch.device | str) -> Superpixels:
        """Return the same on another device."""
        return Superpixels(self.map.to(device), self.graph.to(device), self.centres.to(device))

    def _require(self, name: str, shape: tuple[int, ...]) -> None:
        if shape != tuple(self.map.shape):
            images, height, width = self.map.shape
            raise ValueError(
                f"{name} must cover {images} images of {height} x {width} pixels like the superpixels, "
                f"got {shape[0]} of {' x '.join(map(str, shape[1:]))}; resize them first"
            )


def superpixels(image: ArrayLike, count: int, *, compactness: float = 10.0) -> Superpixels:
    """Cut an image into about ``count`` superpixels by SLIC.

    Args:
        image: ``(height, width, 3)``, uint8, or floats in [0, 1].
        count: superpixels asked for; SLIC gives about as many: it starts from a grid and joins
            scraps to a neighbour. In an image of noise it may join everything.
        compactness: how much nearness counts against likeness of colour.

    Raises:
        ValueError: for an array that is not a colour image, NaN or values outside [0, 1], ``count`` below 1
            or above the number of pixels, or ``compactness`` not above 0.
    """
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise ValueError(
            f"image must be (height, width, 3), got {array.shape}; repeat a grey image three times"
        )
    if array.dtype != np.uint8:
        if not np.issubdtype(array.dtype, np.floating):
            raise ValueError(f"image must be uint8 or floats in [0, 1], got {array.dtype}")
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise ValueError("image must be finite and lie in [0, 1]; divide by 255 or clip it")
    height, width = array.shape[:2]
    if not 1 <= count <= height * width:
        raise ValueError(
            f"count must be 1 to {height * width}, the pixels of a {height} x {width} image, got {count}"
        )
    if not compactness > 0:
        raise ValueError(f"compactness must be above 0, got {compactness}")
    labels = slic(array, n_segments=count, compactness=compactness, start_label=0, channel_axis=-1)
    return from_map(labels)


def from_map(labels: ArrayLike) -> Superpixels:
    """Make the graph of any division of an image into regions.

    Args:
        labels: ``(height, width)`` whole numbers, one a region, in any numbering.

    Raises:
        ValueError: for another shape or type.
    """
    array = np.asarray(labels)
    if array.ndim != 2 or array.size == 0 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"labels must be whole numbers (height, width), got {array.shape} {array.dtype}")
    _, flat, sizes = np.unique(array, return_inverse=True, return_counts=True)
    numbers = flat.reshape(array.shape).astype(np.int64)
    pairs = np.concatenate(
        [
            np.stack([numbers[:, :-1].ravel(), numbers[:, 1:].ravel()]),
            np.stack([numbers[:-1].ravel(), numbers[1:].ravel()]),
        ],
        axis=1,
    )
    pairs = pairs[:, pairs[0] != pairs[1]]
    graph = graph_from_edges(len(sizes), torch.from_numpy(pairs), sizes=sizes)
    rows, columns = np.indices(array.shape)
    centres = np.stack([np.bincount(flat.ravel(), where.ravel()) / sizes for where in (rows, columns)], 1)
    return Superpixels(torch.from_numpy(numbers)[None], graph, torch.from_numpy(centres.astype(np.float32)))


def stack(parts: Sequence[Superpixels]) -> Superpixels:
    """Return the superpixels of several images as one batch: a disjoint union of their graphs.

    Raises:
        ValueError: for no image, or images of different sizes.
    """
    sizes = {tuple(part.map.shape[1:]) for part in parts}
    if len(sizes) != 1:
        raise ValueError(f"a batch needs images of one size, got {sorted(sizes) or 'no image'}")
    maps, nodes = [], 0
    for part in parts:
        maps.append(part.map + nodes)
        nodes += part.graph.nodes
    graph = union([part.graph for part in parts])
    return Superpixels(torch.cat(maps), graph, torch.cat([part.centres for part in parts]))


def majority(histogram: Int64[Tensor, "nodes classes"]) -> Int64[Tensor, "nodes"]:
    """Return the most frequent label of each node, the smallest of equals; -1 where no pixel is labelled."""
    best, label = histogram.max(1)
    return torch.where(best > 0, label, -1)


def ceiling(histogram: Int64[Tensor, "nodes classes"]) -> Score:
    """Return the score of the majority labels: the best that these regions allow (exact for pixel accuracy;
    for mean IoU the usual "oracle", which a cleverer choice in mixed regions could exceed by a hair)."""
    label = majority(histogram)
    rows = torch.zeros(histogram.shape[1], histogram.shape[1], dtype=torch.int64, device=histogram.device)
    known = label >= 0
    rows.index_add_(0, label[known], histogram[known])
    return score(rows.T)
