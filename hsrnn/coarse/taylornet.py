"""TaylorNet: coarse-graining steps one upon another, and a linear head. No activation function anywhere.

A level takes blocks of sites to single sites (:class:`~hsrnn.coarse.taylor.TaylorLayer`), so the picture
becomes coarser and each site knows more. Every step is a polynomial of order k, so with L of them the logits
are one polynomial of the pixels, of degree k^L; :mod:`hsrnn.coarse.orders` takes it apart.

What would be no polynomial is not there: no max-pooling, no layer norm, no attention, no softmax (it lives in
the loss). Batch normalisation is an option; it is affine, hence harmless, only once training is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .taylor import Form, TaylorLayer, output_size, plain

Sharing = Literal["level", "all", "none"]
Norm = Literal["none", "scale", "batch"]


@dataclass(frozen=True)
class TaylorNetConfig:
    """The shape of a TaylorNet.

    Attributes:
        image: channels, rows and columns of an image. It is padded with zeros on all sides until the levels
            fit; zero is also the point of expansion, so scale pixels such that an empty image is zero.
        classes: logits.
        channels: numbers of a site after each level; as many as there are levels.
        block: sites along a side of a block.
        stride: sites from block to block; ``None`` for ``block``, blocks that do not overlap.
        order: power of one step.
        form: ``"full"`` or ``"cp"``, see :class:`~hsrnn.coarse.taylor.TaylorLayer`.
        rank: products of the CP form; ``None`` for as many as channels.
        sharing: ``"level"``: the blocks of a level share weights. ``"all"``: all levels above the first
            share them too (the same map at each scale). ``"none"``: every block has its own.
        depth: steps on the same grid before each coarse one.
        reach: sites along a side of what these steps read: 1, or 3 (then blocks overlap after all).
        residual: add what a step on the same grid reads to what it gives, where the channels are as many.
        norm: after each step ``"batch"`` normalisation, one fixed number ``"scale"`` (see
            :meth:`TaylorNet.calibrate`), or ``"none"``.
        nonlinear_scale: size of the higher orders at the start, see ``TaylorLayer``.

    Raises:
        ValueError: for a value out of its range, or levels that the image is too small for.
    """

    image: tuple[int, int, int] = (1, 28, 28)
    classes: int = 10
    channels: tuple[int, ...] = (16, 24, 32, 32, 32)
    block: int = 2
    stride: int | None = None
    order: int = 2
    form: Form = "cp"
    rank: int | None = None
    sharing: Sharing = "level"
    depth: int = 0
    reach: int = 1
    residual: bool = True
    norm: Norm = "batch"
    nonlinear_scale: float = 0.1

    def __post_init__(self) -> None:
        """Check what a single layer cannot."""
        if len(self.image) != 3 or min(self.image) < 1:
            raise ValueError(f"image must be channels, rows and columns, each at least 1, got {self.image}")
        if self.classes < 2:
            raise ValueError(f"classes must be at least 2, got {self.classes}")
        if not self.channels:
            raise ValueError("channels must name at least one level, got ()")
        for name, value, kind in (("sharing", self.sharing, Sharing), ("norm", self.norm, Norm)):
            if value not in get_args(kind):
                raise ValueError(f"{name} must be one of {', '.join(get_args(kind))}, got {value!r}")
        if self.depth < 0:
            raise ValueError(f"depth must not be negative, got {self.depth}")
        if self.reach not in (1, 3):
            raise ValueError(f"reach must be 1 or 3, got {self.reach}")
        if self.block < 2 or self.step < 2:
            raise ValueError(
                f"a level has to make the grid coarser: block {self.block} and stride {self.step} must be "
                "at least 2; for steps on the same grid use depth"
            )
        if self.step ** len(self.channels) >= 2 * max(self.image[1:]):
            raise ValueError(
                f"{len(self.channels)} levels of stride {self.step} need {self.step ** len(self.channels)} "
                f"sites along a side, but the image has {max(self.image[1:])}: use fewer levels"
            )
        if self.sharing == "all" and len(set(self.channels)) > 1:
            raise ValueError(f"one map for all levels needs equal channels, got {self.channels}")

    @property
    def step(self) -> int:
        """Sites from block to block."""
        return self.block if self.stride is None else self.stride

    @property
    def grids(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of level 0, the padded image, and of every level above."""
        unit = self.step ** len(self.channels)
        grids = [tuple(-(-side // unit) * unit for side in self.image[1:])]
        for _ in self.channels:
            grids.append(tuple(output_size(side, self.block, self.step) for side in grids[-1]))
        return tuple(grids)

    @property
    def degree(self) -> int:
        """Degree k^L of the logits in the pixels, where L counts all steps, those on the same grid too."""
        return self.order ** (len(self.channels) * (self.depth + 1))


class Rescale(nn.Module):
    """What follows a step: batch normalisation over all sites, one fixed number, or nothing.

    Args:
        channels: numbers of a site.
        norm: ``"batch"``, ``"scale"`` or ``"none"``.
    """

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        # Deviation T2: strictly no normalisation may depend on the data. BatchNorm is an option and said
        # wherever it is used: in training it divides by statistics of the batch, afterwards it is affine.
        self.batch = nn.BatchNorm1d(channels) if norm == "batch" else None
        if norm == "scale":
            self.register_buffer("scale", torch.ones(()))

    def forward(self, maps: Any, apply: Callable[..., Any] = plain) -> Any:
        """Return rescaled sites, ``(batch, rows, columns, channels)``, or a rescaled power series."""
        if self.batch is not None:
            if apply is plain:
                return self.batch(maps.flatten(0, 2)).view_as(maps)
            scale = self.batch.weight / (self.batch.running_var + self.batch.eps).sqrt()
            return apply(lambda m: m * scale, maps) + (self.batch.bias - self.batch.running_mean * scale)
        if hasattr(self, "scale"):
            return apply(lambda m: m * self.scale, maps)
        return maps


class Level(nn.Module):
    """Steps on the same grid, then a coarse one, each followed by a :class:`Rescale`.

    Args:
        config: of the network.
        number: of the level, 0 first.
        generator: of the initial weights.
        like: a level whose steps are used here too; only the normalisation is new.
    """

    def __init__(
        self,
        config: TaylorNetConfig,
        number: int,
        generator: torch.Generator | None = None,
        like: Level | None = None,
    ) -> None:
        super().__init__()
        width = config.channels[number]
        below = config.channels[number - 1] if number else config.image[0]
        own = config.sharing == "none"
        shape = {
            "order": config.order, "form": config.form, "rank": config.rank, "generator": generator,
            "nonlinear_scale": config.nonlinear_scale,
        }  # fmt: skip
        if like is not None:
            self.steps = like.steps
        else:
            fine, coarse = config.grids[number : number + 2]
            steps = [
                TaylorLayer(below if k == 0 else width, width, block=config.reach, stride=1,
                            grid=fine if own else None, **shape)
                for k in range(config.depth)
            ]  # fmt: skip
            last = TaylorLayer(
                width if config.depth else below, width, block=config.block, stride=config.step,
                grid=coarse if own else None, **shape,
            )  # fmt: skip
            self.steps = nn.ModuleList([*steps, last])
        self.rescale = nn.ModuleList(Rescale(width, config.norm) for _ in self.steps)
        self.residual = config.residual

    def forward(self, maps: Any, apply: Callable[..., Any] = plain) -> Any:
        """Return the sites of the next level, ``(batch, rows', columns', channels')``."""
        for step, rescale in zip(self.steps, self.rescale):
            found = rescale(step.polynomial(maps, apply), apply)
            same = step.stride == 1 and step.in_channels == step.out_channels
            maps = maps + found if self.residual and same else found
        return maps


class TaylorNet(nn.Module):
    """A polynomial of the pixels, computed level by level.

    Args:
        config: its shape.
        seed: seed of the initial weights.

    Attributes:
        levels: the body, a :class:`Level` a level.
        head: the linear map from the last level's numbers to the logits.
    """

    def __init__(self, config: TaylorNetConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        generator = torch.Generator().manual_seed(seed)
        self.levels = nn.ModuleList()
        for number in range(len(config.channels)):
            like = self.levels[1] if config.sharing == "all" and number > 1 else None
            self.levels.append(Level(config, number, generator, like))
        rows, columns = config.grids[-1]
        self.head = nn.Linear(rows * columns * config.channels[-1], config.classes)
        with torch.no_grad():
            self.head.weight.normal_(0, self.head.in_features**-0.5, generator=generator)
            self.head.bias.zero_()

    def forward(self, images: Float[Tensor, "batch channels rows columns"]) -> Float[Tensor, "batch classes"]:
        """Return the logits.

        Raises:
            ValueError: for images of another size.
        """
        return self.polynomial(images)

    def polynomial(self, images: Any, apply: Callable[..., Any] = plain) -> Any:
        """Return the logits of tensors, or of power series that ``apply`` sends through linear maps."""
        maps = apply(self.sites, images)
        for level in self.levels:
            maps = level(maps, apply)
        return apply(lambda m: m.flatten(1) @ self.head.weight.T, maps) + self.head.bias

    def sites(self, images: Tensor) -> Tensor:
        """Return level 0: images ``(batch, channels, rows, columns)`` padded with zeros, channels last.

        Raises:
            ValueError: for images of another size.
        """
        if tuple(images.shape[1:]) != self.config.image:
            raise ValueError(
                f"images must be (batch, {', '.join(map(str, self.config.image))}), got {tuple(images.shape)}"
            )
        (rows, columns), (_, *size) = self.config.grids[0], self.config.image
        top, left = (rows - size[0]) // 2, (columns - size[1]) // 2
        edges = (left, columns - size[1] - left, top, rows - size[0] - top)
        return F.pad(images, edges).permute(0, 2, 3, 1).contiguous()

    def coarse(self, images: Float[Tensor, "batch channels rows columns"]) -> list[Tensor]:
        """Return the picture of every level, the padded image first: ``(batch, rows_l, columns_l, c_l)``."""
        maps = [self.sites(images)]
        for level in self.levels:
            maps.append(level(maps[-1]))
        return maps

    @torch.no_grad()
    def calibrate(self, images: Float[Tensor, "batch channels rows columns"]) -> TaylorNet:
        """Set every fixed scale, in place, so that the mean square over all sites of each step is 1 on
        ``images``; call it once before training. Without it, x becomes something like x^(2^L) on the way up.

        Raises:
            ValueError: if the network has no fixed scales, or a step gives only zeros.
        """
        if self.config.norm != "scale":
            raise ValueError(f"only norm='scale' has scales to calibrate, this one has {self.config.norm!r}")
        scales = [rescale for level in self.levels for rescale in level.rescale]
        for rescale in scales:
            rescale.scale.fill_(1.0)
        for rescale in scales:  # from the bottom up: each sees what the ones below have become
            seen: list[Tensor] = []
            handle = rescale.register_forward_hook(lambda module, inputs, output: seen.append(output))
            self(images)
            handle.remove()
            root = float(seen[0].square().mean().sqrt())
            if not root > 0:
                raise ValueError("a step gives only zeros on these images: calibrate on images with content")
            rescale.scale.fill_(1 / root)
        return self


def parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
