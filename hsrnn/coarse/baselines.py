"""What a TaylorNet is compared with, each fitted to the same number of parameters.

===============  ===========================================================================================
``"linear"``     one linear map from the pixels
``"mlp"``        one hidden layer of ReLU units
``"cnn"``        two 5 x 5 convolutions with ReLU and max-pooling, then a hidden layer, after LeNet-5
``"strided"``    convolutions of 2 x 2 pixels, 2 apart, with ReLU: a TaylorNet's blocks, another non-linearity
``"flat"``       one Taylor step over the whole picture, no hierarchy
===============  ===========================================================================================

:func:`quadratic_ridge` needs no training: all quadratics of a few principal components, in closed form.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from torch import Tensor, nn

from .taylornet import parameters

WIDEST = 4096


class FlatTaylor(nn.Module):
    """One quadratic step from all pixels to the logits, ``y = b + W u + C [(A u) * (B u)]``.

    Args:
        pixels: numbers of an image.
        classes: logits.
        rank: products.
    """

    def __init__(self, pixels: int, classes: int, rank: int) -> None:
        super().__init__()
        self.linear = nn.Linear(pixels, classes)
        self.lines = nn.Linear(pixels, 2 * rank, bias=False)
        self.mix = nn.Linear(rank, classes, bias=False)
        nn.init.normal_(self.lines.weight, std=pixels**-0.5)
        nn.init.normal_(self.mix.weight, std=0.1 * rank**-0.5)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(batch, classes)`` of images ``(batch, channels, rows, columns)``."""
        u = images.flatten(1)
        a, b = self.lines(u).chunk(2, 1)
        return self.linear(u) + self.mix(a * b)


def baseline(
    name: str,
    image: tuple[int, int, int],
    classes: int,
    most: int,
    *,
    seed: int = 0,
) -> nn.Module:
    """Return the widest network of a kind that has at most ``most`` parameters; ``"linear"`` has no width.

    Args:
        name: one of ``BASELINES``.
        image: channels, rows and columns.
        classes: logits.
        most: parameters.
        seed: of the initial weights.

    Raises:
        ValueError: for an unknown name, or if the smallest network of the kind has more parameters.
    """
    if name not in BASELINES:
        raise ValueError(f"baseline must be one of {', '.join(BASELINES)}, got {name!r}")
    make = BASELINES[name]
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        low, high = 0, WIDEST
        while low < high:  # widths low fits, high + 1 does not
            middle = (low + high + 1) // 2
            low, high = (
                (middle, high) if parameters(make(image, classes, middle)) <= most else (low, middle - 1)
            )
        if low == 0:
            smallest = parameters(make(image, classes, 1))
            raise ValueError(f"the smallest {name!r} has {smallest} parameters: allow more than {most}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # torch's own layers draw their weights from the global generator only
        return make(image, classes, 1 if name == "linear" else low)


def quadratic_ridge(components: int = 40, *, alpha: float = 1.0) -> Pipeline:
    """Return an estimator for ``(images, pixels)``: principal components, scaled, then all their products of
    two, then ridge regression on the classes, in closed form.

    Args:
        components: p of them make 1 + p + p (p + 1) / 2 features; 40 make 861.
        alpha: weight of the squared norm.

    Raises:
        ValueError: for fewer than 1 component or an ``alpha`` below 0.
    """
    if components < 1 or alpha < 0:
        raise ValueError(
            f"components must be at least 1 and alpha not negative, got {components} and {alpha}"
        )
    return make_pipeline(
        PCA(components, svd_solver="full"),
        StandardScaler(),
        PolynomialFeatures(2),
        RidgeClassifier(alpha, solver="cholesky"),
    )


def _linear(image: tuple[int, int, int], classes: int, width: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(_pixels(image), classes))


def _mlp(image: tuple[int, int, int], classes: int, width: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(_pixels(image), width), nn.ReLU(), nn.Linear(width, classes))


def _cnn(image: tuple[int, int, int], classes: int, width: int) -> nn.Module:
    channels, rows, columns = image
    features = 2 * width * (rows // 4) * (columns // 4)
    return nn.Sequential(
        nn.Conv2d(channels, width, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(features, 4 * width), nn.ReLU(), nn.Linear(4 * width, classes),
    )  # fmt: skip


def _strided(image: tuple[int, int, int], classes: int, width: int) -> nn.Module:
    channels, *size = image
    levels = max(1, (max(size) - 1).bit_length())  # halvings until one site is left
    edges = [2**levels - side for side in reversed(size)]
    layers: list[nn.Module] = [
        nn.ZeroPad2d(tuple(half for edge in edges for half in (edge // 2, edge - edge // 2)))
    ]
    for level in range(levels):
        layers += [nn.Conv2d(width if level else channels, width, 2, stride=2), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width, classes))


def _flat(image: tuple[int, int, int], classes: int, width: int) -> nn.Module:
    return FlatTaylor(_pixels(image), classes, width)


def _pixels(image: tuple[int, int, int]) -> int:
    channels, rows, columns = image
    return channels * rows * columns


BASELINES: dict[str, Callable[[tuple[int, int, int], int, int], nn.Module]] = {
    "linear": _linear,
    "mlp": _mlp,
    "cnn": _cnn,
    "strided": _strided,
    "flat": _flat,
}
"""Name -> a function of image size, classes and width."""
