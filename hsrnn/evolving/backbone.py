"""From an image to a feature map: a small network in the shape of a U, trained from scratch (decision E13).

Three resolutions, two convolutions each, skips across (Ronneberger et al. 2015). Any other torch module that
turns ``(images, 3, height, width)`` into ``(images, channels, h, w)`` can take its place.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import skip_init


def convolution(inputs: int, outputs: int, kernel: int, generator: torch.Generator) -> nn.Conv2d:
    """Return a convolution that keeps the size, its weights from ``generator`` (He et al. 2015), biases 0."""
    layer = skip_init(nn.Conv2d, inputs, outputs, kernel, padding=kernel // 2)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


def linear(inputs: int, outputs: int, generator: torch.Generator, *, gain: float = 1.0) -> nn.Linear:
    """Return a linear layer, its weights from ``generator`` with variance gain^2 / inputs, biases 0."""
    layer = skip_init(nn.Linear, inputs, outputs)
    nn.init.normal_(layer.weight, std=gain * inputs**-0.5, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


class _Stage(nn.Module):
    """Two convolutions of 3 x 3, each normalised over all channels and pixels of its image."""

    def __init__(self, inputs: int, outputs: int, generator: torch.Generator) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            [convolution(inputs, outputs, 3, generator), convolution(outputs, outputs, 3, generator)]
        )
        self.norms = nn.ModuleList([nn.GroupNorm(1, outputs), nn.GroupNorm(1, outputs)])

    def forward(self, x: Tensor) -> Tensor:
        for convolve, norm in zip(self.convolutions, self.norms):
            x = F.relu(norm(convolve(x)))
        return x


class SmallUNet(nn.Module):
    """The default backbone.

    Args:
        width: channels at full resolution and of the result; twice and four times as many below.
        generator: source of the initial weights.

    Raises:
        ValueError: for a width below 1.
    """

    def __init__(self, width: int, *, generator: torch.Generator) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width must be at least 1, got {width}")
        self.down = nn.ModuleList(
            [
                _Stage(3, width, generator),
                _Stage(width, 2 * width, generator),
                _Stage(2 * width, 4 * width, generator),
            ]
        )
        self.up = nn.ModuleList(
            [_Stage(6 * width, 2 * width, generator), _Stage(3 * width, width, generator)]
        )

    def forward(
        self, images: Float[Tensor, "images 3 height width"]
    ) -> Float[Tensor, "images channels height width"]:
        """Return ``width`` channels at full resolution; any size of at least 4 x 4 pixels.

        Raises:
            ValueError: for smaller images.
        """
        if min(images.shape[2:]) < 4:
            raise ValueError(f"images must be at least 4 x 4 pixels, got {tuple(images.shape[2:])}")
        skips, x = [], images
        for level, stage in enumerate(self.down):
            x = stage(x if level == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        for stage, skip in zip(self.up, skips[-2::-1]):
            x = F.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=False)
            x = stage(torch.cat([skip, x], 1))
        return x
