"""What becomes of a data set when ONE coarse-graining net is applied for ever?

A renormalization group is iterated until nothing changes: the limit is a fixed point, and a net that has one
has found what looks the same at every scale. Groups use pictures up, so here the number is kept: at every
step each of ``count`` pictures of a class is replaced by G of a group drawn from the step before. Then a step
can be compared with the step before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .coarsener import Grouping


@dataclass(frozen=True)
class Trajectory:
    """Pictures under an iterated net, and three distances that tell drift from a fixed point from a collapse.

    All distances are root mean squares over pixels, in units of full brightness.

    Attributes:
        images: ``(steps + 1, classes, count, channels, height, width)``; step 0 is the start.
        moved: ``(steps, classes)`` how far the average picture of a class moved in a step; to 0 at a fixed
            point.
        spread: ``(steps + 1, classes)`` of the pictures of a class about their average; to 0 where a class
            becomes one picture.
        apart: ``(steps + 1,)`` mean distance between the averages of two classes; to 0 where all classes
            become one.
    """

    images: Tensor
    moved: Tensor
    spread: Tensor
    apart: Tensor


def iterate(
    coarsener: nn.Module,
    images: Tensor,
    steps: int,
    *,
    members: int = 5,
    grouping: Grouping = "near",
    generator: torch.Generator,
) -> Trajectory:
    """Apply ``coarsener`` to groups of what it made, ``steps`` times, the number of pictures kept.

    Args:
        coarsener: G.
        images: the start, ``(classes, count, channels, height, width)`` in [0, 1].
        steps: how often.
        members: pictures a group: for ``"near"`` a picture and those nearest to it, for ``"random"`` drawn
            anew.
        grouping: as in a distillation.
        generator: of random groups.

    Raises:
        ValueError: for fewer than one step or two classes, or groups larger than a class.
    """
    classes, count = images.shape[:2]
    if steps < 1 or classes < 2 or not 1 <= members <= count:
        raise ValueError(
            f"needs a step, 2 classes and at most {count} members, got {steps}, {classes} and {members}"
        )
    rows = torch.arange(classes)[:, None, None]
    path = [images]
    with torch.no_grad():
        for _ in range(steps):
            if grouping == "near":
                flat = path[-1].flatten(2)
                chosen = torch.cdist(flat, flat).topk(members, largest=False).indices
            else:
                draws = torch.rand(classes, count, count, generator=generator)
                chosen = draws.topk(members).indices
            path.append(coarsener(path[-1][rows, chosen]))
    whole = torch.stack(path)
    means = whole.mean(2).flatten(2)
    pairs = torch.combinations(torch.arange(classes))
    return Trajectory(
        images=whole,
        moved=_rms(means[1:] - means[:-1]),
        spread=(whole.flatten(3) - means[:, :, None]).square().mean((2, 3)).sqrt(),
        apart=_rms(means[:, pairs[:, 0]] - means[:, pairs[:, 1]]).mean(1),
    )


def _rms(differences: Tensor) -> Tensor:
    return differences.square().mean(-1).sqrt()


@dataclass(frozen=True)
class Looks:
    """How references look (claim C5), each a mean over all of them; units of full brightness.

    Attributes:
        nearest_real: root mean square distance to the nearest real picture of the same class; 0 is a copy.
        spread: distance of a reference from the average reference of its class; 0 if there is only one.
        sharpness: mean absolute difference of neighbouring pixels; a blurred picture has little.
        to_mean: distance to the average real picture of the class; 0 is the class mean.
    """

    nearest_real: float
    spread: float
    sharpness: float
    to_mean: float


def sharpness(images: Tensor) -> float:
    """Return the mean absolute difference of neighbouring pixels of ``(..., height, width)``."""
    down, along = images.diff(dim=-2).abs().mean(), images.diff(dim=-1).abs().mean()
    return float((down + along) / 2)


def looks(references: Tensor, by_class: list[Tensor]) -> Looks:
    """Measure references ``(classes, k, channels, height, width)`` beside the real pictures of each class."""
    flat = references.flatten(2)
    size = flat.shape[-1] ** 0.5
    near = [
        torch.cdist(own, real.flatten(1)).amin(1).mean() for own, real in zip(flat, by_class, strict=True)
    ]
    means = torch.stack([real.mean(0).flatten() for real in by_class])
    return Looks(
        nearest_real=float(torch.stack(near).mean() / size),
        spread=float(_rms(flat - flat.mean(1, keepdim=True)).mean()),
        sharpness=sharpness(references),
        to_mean=float(_rms(flat - means[:, None]).mean()),
    )
