"""Labelled images with their superpixels cut once, handed out in batches, mirrored and cropped on the way.

SLIC is run on every image beforehand, not in every epoch. A mirrored image keeps its superpixels, mirrored
too; a cropped one keeps those that the window shows, cut along its border.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import ArrayLike
from torch import Tensor
from tqdm.auto import tqdm

from .superpixels import Superpixels, from_map, stack, superpixels


@dataclass(frozen=True, eq=False)
class Batch:
    """What a :class:`.model.Parser` is given.

    Attributes:
        images: ``(images, 3, height, width)`` float32 in [0, 1].
        parts: their superpixels, a disjoint union.
        labels: ``(images, height, width)`` int64, -1 where there is none.
    """

    images: Tensor
    parts: Superpixels
    labels: Tensor

    def to(self, device: torch.device | str) -> Batch:
        """Return the same on another device."""
        return Batch(self.images.to(device), self.parts.to(device), self.labels.to(device))


@dataclass(frozen=True, eq=False)
class Examples:
    """Images of one size with labels and superpixels; make them by :func:`examples`.

    Attributes:
        images: ``(examples, 3, height, width)`` uint8.
        labels: ``(examples, height, width)`` int16, -1 where there is none.
        parts: superpixels of each image.
    """

    images: Tensor
    labels: Tensor
    parts: tuple[Superpixels, ...]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.parts)

    def first(self, count: int) -> Examples:
        """Return the first ``count`` of them, at most all; all for 0."""
        most = count or len(self)
        return Examples(self.images[:most], self.labels[:most], self.parts[:most])

    def batch(
        self, rows: Int64[Tensor, "batch"], *, mirror: bool = False, crop: int = 0,
        generator: torch.Generator | None = None,
    ) -> Batch:  # fmt: skip
        """Return some of the images as a batch.

        Args:
            rows: which ones.
            mirror: swap left and right in half of them.
            crop: cut a window out of each, so many rows and columns smaller, at a place of its own.
            generator: source of the draws; not needed without ``mirror`` and ``crop``.

        Raises:
            ValueError: if ``crop`` is negative or leaves nothing, or the generator is missing.
        """
        height, width = self.labels.shape[1:]
        if not 0 <= crop < min(height, width):
            raise ValueError(f"crop must be 0 to {min(height, width) - 1}, got {crop}")
        if generator is None and (mirror or crop):
            raise ValueError("mirror and crop draw random numbers: pass a generator")
        images, labels = self.images[rows], self.labels[rows]
        parts = [self.parts[row] for row in rows.tolist()]
        if mirror:
            swap = torch.rand(len(rows), generator=generator) < 0.5
            images = torch.where(swap[:, None, None, None], images.flip(3), images)
            labels = torch.where(swap[:, None, None], labels.flip(2), labels)
            parts = [mirrored(part) if turned else part for part, turned in zip(parts, swap.tolist())]
        if crop:
            corners = torch.randint(crop + 1, (len(rows), 2), generator=generator).tolist()
            windows = [
                (slice(top, top + height - crop), slice(left, left + width - crop)) for top, left in corners
            ]
            images = torch.stack([image[:, r, c] for image, (r, c) in zip(images, windows)])
            labels = torch.stack([label[r, c] for label, (r, c) in zip(labels, windows)])
            parts = [from_map(part.map[0, r, c].numpy()) for part, (r, c) in zip(parts, windows)]
        return Batch(images.float() / 255, stack(parts), labels.long())


def examples(
    images: Sequence[ArrayLike],
    labels: Sequence[ArrayLike],
    count: int,
    *,
    compactness: float = 10.0,
    progress: bool = False,
) -> Examples:
    """Cut the superpixels of every image.

    Args:
        images: each ``(height, width, 3)`` uint8, all of one size; arrays or tensors.
        labels: class of each pixel, ``(height, width)`` whole numbers, -1 for none.
        count: superpixels of an image asked for, see :func:`.superpixels.superpixels`.
        compactness: likewise.
        progress: show a progress bar.

    Raises:
        ValueError: for no image, images without labels or of several sizes, or an image that
            :func:`.superpixels.superpixels` refuses.
    """
    if not images or len(images) != len(labels):
        raise ValueError(f"images and labels must be as many, and some, got {len(images)} and {len(labels)}")
    found = [torch.tensor(np.asarray(image)) for image in images]
    truth = [torch.tensor(np.asarray(label)) for label in labels]
    sizes = {tuple(image.shape[:2]) for image in found} | {tuple(label.shape) for label in truth}
    if len(sizes) != 1:
        raise ValueError(
            f"images and labels must all have one size, got {sorted(sizes)}; resize or crop them first"
        )
    if any(image.dtype != torch.uint8 for image in found):
        raise ValueError(f"images must be uint8, got {found[0].dtype}; multiply by 255 and round")
    bar = tqdm(found, disable=not progress, desc="superpixels")
    parts = tuple(superpixels(image.numpy(), count, compactness=compactness) for image in bar)
    pixels = torch.stack(found).permute(0, 3, 1, 2).contiguous()
    return Examples(pixels, torch.stack(truth).to(torch.int16), parts)


def mirrored(parts: Superpixels) -> Superpixels:
    """Return the superpixels of the mirrored images: the same nodes, left and right swapped."""
    centres = parts.centres.clone()
    centres[:, 1] = parts.map.shape[2] - 1 - centres[:, 1]
    return Superpixels(parts.map.flip(2), parts.graph, centres)
