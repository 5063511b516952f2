"""Light changes of a training picture that leave its class alone, on whole batches of tensors."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def shifted(
    images: Float[Tensor, "batch channels rows columns"], most: int, generator: torch.Generator
) -> Float[Tensor, "batch channels rows columns"]:
    """Move every image by its own whole number of pixels, -``most`` to ``most``, down and across.

    What comes in from outside is zero, the value of an empty pixel. Draws come from a generator on the CPU.

    Raises:
        ValueError: if ``most`` is negative.
    """
    if most < 0:
        raise ValueError(f"most must not be negative, got {most}")
    if most == 0:
        return images
    batch, _, rows, columns = images.shape
    start = torch.randint(2 * most + 1, (2, batch, 1), generator=generator).to(images.device)
    # Channels last: a row of a picture is then one piece of memory, also of the channels.
    padded = torch.nn.functional.pad(images, (most,) * 4).permute(0, 2, 3, 1)
    down = start[0] + torch.arange(rows, device=images.device)
    across = start[1] + torch.arange(columns, device=images.device)
    which = torch.arange(batch, device=images.device)[:, None, None]
    return padded[which, down[:, :, None], across[:, None, :]].permute(0, 3, 1, 2)


def mirrored(
    images: Float[Tensor, "batch channels rows columns"], generator: torch.Generator
) -> Float[Tensor, "batch channels rows columns"]:
    """Swap left and right in half of the images, drawn by a generator on the CPU."""
    swap = torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device) < 0.5
    return torch.where(swap, images.flip(3), images)
