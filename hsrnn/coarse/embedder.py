"""Embeddings of pictures: a small network whose outputs are compared by the cosine of their angle.

Two architectures, so that references made with one can be judged by the other: ``"cnn"``, two or three
convolutions, and ``"mlp"``, which knows nothing of neighbourhoods.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from .train import TrainingConfig, train

Kind = Literal["cnn", "mlp"]


def initialise(module: nn.Module, seed: int) -> None:
    """Draw all weights of the convolutions and linear maps in ``module`` anew, from ``seed`` alone."""
    generator = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(part.weight, a=math.sqrt(5), generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


class Embedder(nn.Module):
    """E: pictures ``(n, channels, height, width)`` in [0, 1] to unit vectors ``(n, size)``.

    Args:
        shape: channels, height and width of a picture; at least 4 x 4.
        size: length of an embedding.
        kind: ``"cnn"`` or ``"mlp"``.
        width: channels of the first convolution; a hidden layer of the MLP has eight times as many units.
        seed: of the weights.

    Raises:
        ValueError: for an unknown ``kind``, a size or width below 1, or too small a picture.
    """

    def __init__(
        self, shape: Sequence[int], size: int = 32, *, kind: Kind = "cnn", width: int = 16, seed: int = 0
    ) -> None:
        super().__init__()
        channels, height, across = shape
        if kind not in get_args(Kind):
            raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, got {kind!r}")
        if min(size, width) < 1 or min(height, across) < 4:
            raise ValueError(
                f"size and width must be at least 1 and pictures 4 x 4, got {size}, {width}, {tuple(shape)}"
            )
        self.shape = tuple(shape)
        if kind == "mlp":
            self.body = nn.Sequential(
                nn.Flatten(), nn.Linear(math.prod(shape), 8 * width), nn.ReLU(), nn.Linear(8 * width, size)
            )
        else:
            layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            for _ in range(1 if min(height, across) < 16 else 2):
                layers += [nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.ReLU()]
                width, height, across = 2 * width, (height + 1) // 2, (across + 1) // 2
            self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * height * across, size))
        initialise(self, seed)

    def forward(self, images: Tensor) -> Tensor:
        """Return the embeddings, ``(n, size)``, each of length 1."""
        return functional.normalize(self.body(images), dim=-1)


class PictureClassifier(nn.Module):
    """An :class:`Embedder` under a linear head: ``(n, channels, height, width)`` to logits ``(n, classes)``.

    Args:
        embedder: the embedding.
        classes: number of classes.
        seed: of the head's weights.
    """

    def __init__(self, embedder: Embedder, classes: int, *, seed: int = 0) -> None:
        super().__init__()
        self.embedder = embedder
        head = nn.Linear(embedder.body[-1].out_features, classes)
        initialise(head, seed)
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits: the head on the embedding before it is brought to length 1."""
        return self.head(self.embedder.body(images))


def train_classifier(
    images: Tensor,
    labels: Tensor,
    *,
    classes: int,
    kind: Kind = "cnn",
    size: int = 32,
    width: int = 16,
    updates: int = 200,
    batch_size: int = 128,
    learning_rate: float = 0.003,
    seed: int = 0,
) -> PictureClassifier:
    """Train a new network on labelled pictures, by the loop of :func:`~hsrnn.coarse.train`.

    Used for embedding nets that took no part in a distillation, and for nets that see nothing but references.

    Args:
        images: ``(n, channels, height, width)`` in [0, 1].
        labels: ``(n,)`` int64.
        classes: number of classes.
        kind, size, width: of the :class:`Embedder`.
        updates: about so many, in whole passes over the pictures, at least one.
        batch_size: pictures an update.
        learning_rate: the largest.
        seed: of the weights and of the order.

    Raises:
        ValueError: for no picture, or as :class:`Embedder` and ``TrainingConfig`` say.
    """
    embedder = Embedder(images.shape[1:], size, kind=kind, width=width, seed=seed)
    made = PictureClassifier(embedder, classes, seed=seed + 1)
    epochs = max(1, round(updates / max(1, -(-len(images) // batch_size))))
    config = TrainingConfig(
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, weight_decay=0.0
    )
    train(made, images, labels, config, seed=seed, progress=False)
    return made
