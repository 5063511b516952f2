"""References that nobody distilled: the baselines and controls of a distillation, at equal counts.

Every function returns ``(classes, k, channels, height, width)``, the same as one level of a
:class:`~hsrnn.coarse.Distiller`. With nothing learned: real pictures at random, averages, k-means, k-means of
k-means (fact sheet B4). With an embedding: herding (Welling 2009), and matched references (B2), free pictures
whose embeddings are fitted to those of a tree of clusters, as in distribution matching.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor
from torch.nn import functional

Similarity = Literal["max", "mean"]
Embed = Callable[[Tensor], Tensor]


def class_scores(queries: Tensor, references: Tensor, similarity: Similarity = "max") -> Tensor:
    """Return the similarity of each query to each class, ``(n, classes)``.

    Args:
        queries: unit vectors ``(n, size)``.
        references: unit vectors by class ``(classes, k, size)``.
        similarity: the ``"max"`` or the ``"mean"`` of the cosines with a class's references.
    """
    cosines = torch.einsum("ns,cks->nck", queries, references)
    return cosines.amax(2) if similarity == "max" else cosines.mean(2)


def embedded(embed: Embed, images: Tensor, batch_size: int = 1000) -> Tensor:
    """Return the embeddings of any number of pictures, a batch at a time and without gradients."""
    with torch.no_grad():
        return torch.cat([embed(part) for part in images.split(batch_size)])


def accuracy_by_looking(
    embed: Embed, images: Tensor, labels: Tensor, references: Tensor, similarity: Similarity = "max"
) -> float:
    """Return the share of pictures whose class has the most similar reference, in [0, 1].

    Args:
        embed: pictures ``(n, channels, height, width)`` to unit vectors.
        images, labels: what is classified; ``(n,)`` int64, the place of the class in ``references``.
        references: ``(classes, k, channels, height, width)``.
        similarity: as for :func:`class_scores`.
    """
    known = embedded(embed, references.flatten(0, 1)).unflatten(0, references.shape[:2])
    queries = embedded(embed, images)
    found = torch.cat([class_scores(part, known, similarity).argmax(1) for part in queries.split(1000)])
    return int((found == labels).sum()) / len(labels)


def pixels(images: Tensor) -> Tensor:
    """The embedding that nobody trained: a picture's own pixels, brought to length 1, ``(n, pixels)``."""
    return functional.normalize(images.flatten(1), dim=1)


def pictures_by_class(images: Tensor, labels: Tensor) -> list[Tensor]:
    """Return the pictures of each class 0, 1, ..., in their order."""
    return [images[labels == label] for label in range(int(labels.max()) + 1)]


def random_references(by_class: Sequence[Tensor], count: int, generator: torch.Generator) -> Tensor:
    """Return ``count`` real pictures of every class, drawn without replacement."""
    return torch.stack([
        images[torch.randperm(len(images), generator=generator)[:count]] for images in by_class
    ])  # fmt: skip


def mean_references(by_class: Sequence[Tensor]) -> Tensor:
    """Return the average picture of every class: one reference each."""
    return torch.stack([images.mean(0, keepdim=True) for images in by_class])


def kmeans_references(by_class: Sequence[Tensor], count: int, seed: int) -> Tensor:
    """Return the ``count`` centres of k-means in every class, by pixels."""
    return torch.stack([_centres(images, None, count, seed)[0] for images in by_class])


def hierarchical_kmeans(by_class: Sequence[Tensor], levels: Sequence[int], seed: int) -> list[Tensor]:
    """Return, level by level, centres of the centres before them (B4), weighted by their pictures.

    With one reference a class at the end, that is the average of the class.
    """
    made: list[list[Tensor]] = [[] for _ in levels]
    for images in by_class:
        weights = None
        for level, count in zip(made, levels, strict=True):
            images, weights = _centres(images, weights, count, seed)
            level.append(images)
    return [torch.stack(level) for level in made]


def _centres(images: Tensor, weights: np.ndarray | None, count: int, seed: int) -> tuple[Tensor, np.ndarray]:
    weights = np.ones(len(images)) if weights is None else weights
    found = KMeans(count, n_init=3, random_state=seed).fit(images.flatten(1).numpy(), sample_weight=weights)
    centres = torch.from_numpy(found.cluster_centers_.astype(np.float32)).clamp(0, 1)
    return centres.unflatten(1, images.shape[1:]), np.bincount(found.labels_, weights, count)


def herding(by_class: Sequence[Tensor], count: int, embed: Embed) -> Tensor:
    """Return ``count`` real pictures of every class whose mean embedding stays nearest to the class's, chosen
    one after the other (Welling 2009)."""
    chosen = []
    for images in by_class:
        points = embedded(embed, images)
        left = torch.ones(len(images), dtype=torch.bool)
        wanted, order = points.mean(0), []
        weight = wanted.clone()
        for _ in range(count):
            best = int((points @ weight).masked_fill(~left, -torch.inf).argmax())
            order.append(best)
            left[best] = False
            weight = weight + wanted - points[best]
        chosen.append(images[order])
    return torch.stack(chosen)


def matched_references(
    by_class: Sequence[Tensor],
    levels: Sequence[int],
    embed: Embed,
    *,
    steps: int = 60,
    learning_rate: float = 0.02,
    seed: int = 0,
) -> list[Tensor]:
    """Return free pictures whose embeddings are fitted to the means of clusters, level by level (B2).

    At each level the embeddings of the level before (first: of the data) are clustered by k-means; a picture
    begins as the average of its cluster and is moved by Adam until its embedding is the cluster's mean
    embedding. It stays within [0, 1].

    Args:
        by_class: the pictures of every class.
        levels: pictures a class at each level.
        embed: differentiable, pictures to unit vectors; it is not changed.
        steps, learning_rate: of Adam, for each level.
        seed: of k-means.
    """
    made = []
    for count in levels:
        starts, targets = [], []
        for images in by_class:
            points = embedded(embed, images)
            labels = torch.from_numpy(
                KMeans(count, n_init=1, random_state=seed).fit_predict(points.numpy()).astype(np.int64)
            )
            shares = functional.one_hot(labels, count).float()
            shares = shares / shares.sum(0)
            starts.append(torch.einsum("nk,nchw->kchw", shares, images))
            targets.append(functional.normalize(shares.T @ points, dim=1))
        free = torch.cat(starts).requires_grad_()
        target = torch.cat(targets)
        optimizer = torch.optim.Adam([free], learning_rate)
        for _ in range(steps):
            (gradient,) = torch.autograd.grad((embed(free) - target).square().sum(), free)
            free.grad = gradient
            optimizer.step()
            free.data.clamp_(0, 1)
        by_class = list(free.detach().unflatten(0, (len(starts), count)))
        made.append(torch.stack(by_class))
    return made
