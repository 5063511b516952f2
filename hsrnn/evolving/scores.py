"""How good a division into parts is: intersection over union, pixel accuracy.

A confusion matrix has a row for each true class and a column for each predicted one, and counts pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor


@dataclass(frozen=True)
class Score:
    """What a confusion matrix says, every number in [0, 1].

    Attributes:
        iou: intersection over union of each class; NaN for a class that is neither true nor predicted
            anywhere.
        mean_iou: its mean over the classes that occur.
        foreground_iou: the same without class 0, the background; NaN where nothing else occurs.
        accuracy: share of pixels that are right.
    """

    iou: tuple[float, ...]
    mean_iou: float
    foreground_iou: float
    accuracy: float


def confusion(
    predicted: Int64[Tensor, "*pixels"], true: Int64[Tensor, "*pixels"], classes: int
) -> Int64[Tensor, "classes classes"]:
    """Count pixels by true (row) and predicted class (column); those whose true label is -1 are left out.

    Raises:
        ValueError: for labels of another shape, or a class outside 0 to ``classes - 1``.
    """
    if predicted.shape != true.shape:
        raise ValueError(f"predicted must be {tuple(true.shape)} like true, got {tuple(predicted.shape)}")
    known = true >= 0
    rows, columns = true[known], predicted[known]
    for name, labels in (("true", rows), ("predicted", columns)):
        if not labels.numel():
            continue
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= classes:
            raise ValueError(f"{name} labels must lie in 0 to {classes - 1}, got {low} to {high}")
    return torch.bincount(rows * classes + columns, minlength=classes**2).unflatten(0, (classes, classes))


def score(counts: Int64[Tensor, "classes classes"]) -> Score:
    """Return the :class:`Score` of a confusion matrix; add matrices of several images first.

    Raises:
        ValueError: if the matrix is empty.
    """
    if int(counts.sum()) == 0:
        raise ValueError("no labelled pixel to score; give images with labels of at least 0")
    right = counts.diagonal().double()
    present = counts.sum(0) + counts.sum(1) - counts.diagonal()
    iou = right / present  # 0/0 is NaN: the class does not occur
    return Score(
        tuple(iou.tolist()),
        float(iou.nanmean()),
        float(iou[1:].nanmean()),
        float(right.sum() / counts.sum()),
    )
