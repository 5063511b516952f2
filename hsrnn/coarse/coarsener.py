"""G, the coarse-graining net: a group of pictures becomes one picture of the same size.

The renormalization group replaces a block of spins by one spin. Here the block is a group of m pictures of
one class. G is their average plus a correction that looks at every member beside the average:

    G(x_1 ... x_m) = clip(mean + decode(mean_i encode(x_i, mean)), 0, 1)

The order of the group does not matter, any m will do, and an untrained G is the plain average.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from .embedder import initialise

Grouping = Literal["random", "near"]


class Coarsener(nn.Module):
    """G: groups ``(..., m, channels, height, width)`` in [0, 1] to ``(..., channels, height, width)``.

    Args:
        channels: of a picture.
        width: channels of the convolutions within.
        seed: of the weights.
    """

    def __init__(self, channels: int, width: int = 12, *, seed: int = 0) -> None:
        super().__init__()
        self.encode = nn.Sequential(
            nn.Conv2d(2 * channels, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )
        last = nn.Conv2d(width, channels, 3, padding=1)
        self.decode = nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), last)
        initialise(self, seed)
        nn.init.zeros_(last.weight)  # training starts from the average

    def forward(self, groups: Tensor) -> Tensor:
        """Return one picture for each group."""
        *outer, members, channels, height, across = groups.shape
        flat = groups.reshape(-1, members, channels, height, across)
        mean = flat.mean(1)
        beside = torch.cat([flat, mean[:, None].expand_as(flat)], 2)
        encoded = self.encode(beside.flatten(0, 1))
        correction = self.decode(encoded.unflatten(0, (-1, members)).mean(1))
        # Clipped to the range of pixels, so that a reference can be looked at.
        return (mean + correction).clamp(0, 1).reshape(*outer, channels, height, across)


def into_groups(images: Tensor, members: int, grouping: Grouping, generator: torch.Generator) -> Tensor:
    """Share the pictures of each class out to groups: ``(classes, n, c, h, w)`` to ``(classes, n / members,
    members, c, h, w)``, every picture in exactly one group.

    Args:
        images: pictures by class, in [0, 1].
        members: pictures a group, a divisor of n.
        grouping: ``"random"``, or ``"near"``: again and again a random picture that is left and those nearest
            to it of the others that are left, by pixels.
        generator: of the random order.

    Raises:
        ValueError: if ``members`` does not divide n.
    """
    classes, count = images.shape[:2]
    if members < 1 or count % members:
        raise ValueError(f"{count} pictures a class cannot be shared out to groups of {members}")
    shuffled = torch.stack([torch.randperm(count, generator=generator) for _ in range(classes)])
    shuffled = shuffled.to(images.device)
    rows = torch.arange(classes, device=images.device)[:, None]
    if grouping == "near" and members > 1:
        images, flat = images[rows, shuffled], images[rows, shuffled].flatten(2)
        distances = torch.cdist(flat, flat)
        left = torch.ones(classes, count, dtype=torch.bool, device=images.device)
        groups = []
        for _ in range(count // members):
            anchor = left.float().argmax(1)  # the first that is left, in an order that is random
            far = distances[rows[:, 0], anchor].masked_fill(~left, torch.inf)
            far[rows[:, 0], anchor] = -1.0
            chosen = far.topk(members, largest=False).indices
            left[rows, chosen] = False
            groups.append(chosen)
        shuffled = torch.cat(groups, 1)
    return images[rows, shuffled].unflatten(1, (-1, members))


def coarse_levels(
    coarsener: nn.Module,
    images: Tensor,
    levels: Sequence[int],
    grouping: Grouping,
    generator: torch.Generator,
) -> tuple[list[Tensor], list[Tensor]]:
    """Apply ONE net again and again: level by level fewer pictures a class, as many as ``levels`` says.

    Args:
        coarsener: G.
        images: level 0, ``(classes, n, c, h, w)``.
        levels: pictures a class at each level, every number a divisor of the one before, n the first.
        grouping, generator: as for :func:`into_groups`.

    Returns:
        The pictures of each level ``(classes, k, c, h, w)``, and the groups they came from.
    """
    made, groups = [], []
    for count in levels:
        groups.append(into_groups(images, images.shape[1] // count, grouping, generator))
        images = coarsener(groups[-1])
        made.append(images)
    return made, groups
