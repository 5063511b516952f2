"""What costs no training: ridge regression in closed form on pixels, or on all their products inside blocks.

One level of a TaylorNet whose blocks share nothing and whose numbers are all read by the head is a linear
classifier on the monomials of every block. That problem is convex; its solution is a floor that levels upon
levels have to beat. Only the matrix of second moments is kept, so the number of pictures does not matter.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from torch import Tensor

from .taylor import neighbourhoods

MOST_FEATURES = 10_000
"""More would need a gigabyte for the second moments."""


def monomials(
    images: Float[Tensor, "batch channels rows columns"], block: int
) -> Float[Tensor, "batch features"]:
    """Return all pixels and, inside each block, all products of two of its pixels, squares too.

    Args:
        images: of a size that blocks fill.
        block: pixels along a side of a block; 0 for the pixels alone.

    Raises:
        ValueError: if blocks do not fill the images.
    """
    pixels = images.permute(0, 2, 3, 1).contiguous()
    if block == 0:
        return pixels.flatten(1)
    u = neighbourhoods(pixels, block, block)
    first, second = torch.triu_indices(u.shape[-1], u.shape[-1])
    return torch.cat([u.flatten(1), (u[..., first] * u[..., second]).flatten(1)], 1)


class MonomialRidge(ClassifierMixin, BaseEstimator):
    """Ridge regression from :func:`monomials` to +1 for the class and -1 for the others, in closed form.

    Args:
        block: pixels along a side of a block; 0 for the pixels alone.
        alpha: weight of the squared norm; the constants are free.
        batch_size: pictures whose monomials are in memory at once.

    Attributes:
        weights_: (features, classes).
        constants_: (classes,).
        classes_: what the labels were.
    """

    def __init__(self, block: int = 2, *, alpha: float = 1.0, batch_size: int = 1000) -> None:
        self.block, self.alpha, self.batch_size = block, alpha, batch_size

    def fit(self, images: ArrayLike, labels: ArrayLike) -> MonomialRidge:
        """Solve for images ``(images, channels, rows, columns)`` and their labels.

        Raises:
            ValueError: for a negative ``alpha``, images without labels, or more than 10,000 monomials.
        """
        pictures = torch.as_tensor(np.asarray(images), dtype=torch.float32)
        self.classes_, places = np.unique(np.asarray(labels), return_inverse=True)
        if self.alpha < 0:
            raise ValueError(f"alpha must not be negative, got {self.alpha}")
        if not 0 < len(pictures) == len(places):
            raise ValueError(
                f"images and labels must be as many, and some, got {len(pictures)} and {len(places)}"
            )
        n = self.block**2 * pictures.shape[1]
        count = pictures[0].numel() * (1 + (n + 1) / 2 if self.block else 1)
        if count > MOST_FEATURES:
            raise ValueError(
                f"blocks of {self.block} x {self.block} make {count:,.0f} monomials of these images, more "
                f"than {MOST_FEATURES:,}: take smaller blocks, or 0 for the pixels alone"
            )
        truth = torch.from_numpy(2.0 * np.eye(len(self.classes_))[places] - 1)
        moments = sums = products = 0.0
        for part, target in zip(pictures.split(self.batch_size), truth.split(self.batch_size)):
            x = monomials(part, self.block)
            moments += (x.T @ x).double()
            products += x.double().T @ target
            sums += x.double().sum(0)
        mean, level = sums / len(pictures), truth.mean(0)
        moments -= len(pictures) * torch.outer(mean, mean)
        moments.diagonal().add_(self.alpha)
        products -= len(pictures) * torch.outer(mean, level)
        weights = torch.cholesky_solve(products, torch.linalg.cholesky(moments))
        self.weights_, self.constants_ = weights.numpy(), (level - mean @ weights).numpy()
        return self

    def decision_function(self, images: ArrayLike) -> np.ndarray:
        """Return the regression's values, ``(images, classes)``."""
        pictures = torch.as_tensor(np.asarray(images), dtype=torch.float32)
        parts = [monomials(part, self.block).numpy() for part in pictures.split(self.batch_size)]
        return np.concatenate([part @ self.weights_ for part in parts]) + self.constants_

    def predict(self, images: ArrayLike) -> np.ndarray:
        """Return the class with the largest value, ``(images,)``."""
        return self.classes_[self.decision_function(images).argmax(1)]
