"""Pictures of rooms as trees of objects, and back: pictures from attributes that were read out of a sketch.

Every tree is overall <- scene <- 1 to 4 digits, from left to right <- 4 strokes each, all weights equal. So
there are only four structures, and who has a sketch but not its tree can try all four.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .modular import Forest, Object, overall
from .recorder import Recorder
from .scene_network import CLASSES, MODULES, SCENE_SHARES, SHARES, STROKES, Places, SceneNetwork, SceneSizes


def record_scenes(
    network: SceneNetwork, images: Tensor, places: Places | None = None, *, chunk: int = 1024
) -> list[Object]:
    """Return for each image the tree of what the network made of it.

    Args:
        network: trained.
        images: ``(n, 32, 32)`` of 0 to 16.
        places: where to look; where the locator looks if ``None``.
        chunk: images at a time.
    """
    trees: list[Object | None] = [None] * len(images)
    with Recorder(network, MODULES, attributes=lambda name, output: output) as recorder:
        for numbers in torch.arange(len(images)).split(chunk):
            found = network.locate(images[numbers]) if places is None else places.of(numbers)
            for count in sorted(set(found.counts.tolist())):
                at = (found.counts == count).nonzero()[:, 0]
                _, made = recorder(images[numbers[at]], found.rows[at, :count], found.columns[at, :count])
                for number, tree in zip(numbers[at].tolist(), made, strict=True):
                    trees[number] = tree
    return [tree for tree in trees if tree is not None]


def scene_tree(sizes: SceneSizes, count: int) -> Forest:
    """Return the one tree of ``count`` digits with all attributes 0: the structure that a decoder needs.

    Raises:
        ValueError: for fewer digits than 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1 digit, got {count}")
    blank = {name: torch.zeros(size) for name, size in sizes.modules.items()}
    digits = [
        Object("digit", blank["digit"], tuple(Object("stroke", blank["stroke"]) for _ in range(STROKES)))
        for _ in range(count)
    ]
    return Forest.of([overall([Object("scene", blank["scene"], tuple(digits))])])


@dataclass(frozen=True, eq=False)
class DigitsRead:
    """Digit attributes ``(..., 20)`` taken apart.

    Attributes:
        classes: ``(..., 10)`` probability of each class.
        look: ``(..., digit_code)`` how it looks.
        place: ``(..., 2)`` row and column as shares of the canvas.
    """

    classes: Tensor
    look: Tensor
    place: Tensor


def digits_read(attributes: Tensor) -> DigitsRead:
    """Return what digit attributes ``(..., 10 + digit_code + 2)`` say, each part divided by its share."""
    parts = attributes.split([CLASSES, attributes.shape[-1] - CLASSES - 2, 2], -1)
    return DigitsRead(*(part / share for part, share in zip(parts, SHARES, strict=True)))


def scenes_read(attributes: Tensor, sizes: SceneSizes) -> tuple[Tensor, Tensor]:
    """Return probabilities of rooms ``(..., rooms)`` and times of day ``(..., periods)`` from scene
    attributes."""
    parts = attributes.split([sizes.rooms, sizes.periods], -1)
    return parts[0] / SCENE_SHARES[0], parts[1] / SCENE_SHARES[1]
