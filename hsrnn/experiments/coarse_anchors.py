"""Accuracies that other works report on the same data, to be drawn beside ours.

They are here for orientation. Networks, sizes and training differ, and where ``checked`` is false the number
is quoted as it is commonly cited and was not compared with its source by us.
"""

from __future__ import annotations

from typing import NamedTuple

from hsrnn.ledger import Table


class Anchor(NamedTuple):
    """One accuracy of others.

    Attributes:
        dataset: ``"mnist"`` or ``"cifar10"``; the copy in JPEG is another data set.
        method: short name.
        percent: test accuracy.
        source: who reports it.
        checked: whether we have read the number in the source.
        activation_free: whether the network has no activation function but products.
    """

    dataset: str
    method: str
    percent: float
    source: str
    checked: bool = False
    activation_free: bool = False


TITLES = {"mnist": "MNIST", "cifar10": "CIFAR-10, the original"}
ANCHORS = (
    Anchor("mnist", "LeNet-5", 99.05, "LeCun et al. 1998"),
    Anchor("mnist", "polynomial SVM, degree 4", 98.9, "LeCun et al. 1998"),
    Anchor("mnist", "CryptoNets, squares only", 98.95, "Gilad-Bachrach et al. 2016", activation_free=True),
    Anchor("mnist", "tensor train (error below 1 %)", 99.0, "Stoudenmire and Schwab 2016", True, True),
    Anchor("mnist", "tree of tensors", 98.1, "Stoudenmire 2018", activation_free=True),
    Anchor("cifar10", "ResNet-20", 91.25, "He et al. 2016"),
    Anchor("cifar10", "Pi-net, no activation", 90.7, "Chrysos et al. 2021", activation_free=True),
    Anchor("cifar10", "scattering", 82.3, "Oyallon and Mallat 2015"),
    Anchor("cifar10", "k-means features", 79.6, "Coates et al. 2011"),
    Anchor("cifar10", "LoLa, squares only", 74.1, "Brutzkus et al. 2019", activation_free=True),
)


def anchors_table(dataset: str) -> Table:
    """Return what others report on a data set.

    Raises:
        ValueError: for a data set without anchors.
    """
    found = [anchor for anchor in ANCHORS if anchor.dataset == dataset]
    if not found:
        known = ", ".join(sorted({anchor.dataset for anchor in ANCHORS}))
        raise ValueError(f"dataset must be one of {known}, got {dataset!r}")
    rows = sorted(
        (f"{a.percent:g}", a.method, "yes" if a.activation_free else "no", a.source,
         "yes" if a.checked else "no")
        for a in found
    )  # fmt: skip
    return Table(
        f"{TITLES[dataset]}: test accuracy that others report, %",
        ("%", "method", "no activation", "source", "checked"),
        tuple(rows),
        "For orientation; sizes and training differ from ours. Not checked: as commonly cited, not compared "
        "with the source by us. None of these is the paper of this part of the book.",
    )
