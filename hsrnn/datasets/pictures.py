"""Labelled pictures in three splits: scikit-learn's digits here, MNIST, Fashion-MNIST and CIFAR-10 beside.

The real sets come with a training and a test part only. The validation part is carved from the training part,
by one rule for all of them: the last 500 pictures of every class, in the order of the files (the number
stands in the card). So nothing ever has to be tuned on test data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from hsrnn.datasets.cards import Card
from hsrnn.datasets.errors import InvalidPictureError, WrongCountError, WrongHashError
from hsrnn.datasets.text import SPLITS

Bytes = NDArray[np.uint8]
DIGITS_VALID, DIGITS_TEST = 1050, 1297  # where the two parts begin


@dataclass(frozen=True, eq=False)
class PictureSplit:
    """The pictures of one split.

    Attributes:
        images: (pictures, channels, height, width) uint8, 0 to `peak`; read-only.
        labels: (pictures,) int64, the place in `Pictures.classes`; read-only.
        peak: the value of full brightness, 255 or (scikit-learn's digits) 16.
    """

    images: Bytes
    labels: NDArray[np.int64]
    peak: int = 255

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.images)

    def scaled(self) -> NDArray[np.float32]:
        """Return the pictures as numbers from 0 to 1, (pictures, channels, height, width)."""
        return self.images.astype(np.float32) / np.float32(self.peak)


@dataclass(frozen=True, eq=False)
class Pictures:
    """Labelled pictures in three splits.

    Attributes:
        name: of the data set.
        classes: what the labels mean.
        train, valid, test: the splits.
        card: what there is to know about the source; its `title` belongs in every table.
        hashes: file (or split) -> SHA-256.
    """

    name: str
    classes: tuple[str, ...]
    train: PictureSplit
    valid: PictureSplit
    test: PictureSplit
    card: Card
    hashes: Mapping[str, str]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{split} {len(getattr(self, split)):,}" for split in SPLITS)
        shape = "x".join(map(str, self.train.images.shape[1:]))
        return f"Pictures({self.name!r}, {len(self.classes)} classes, {shape}, {sizes})"


def digits(card: Card) -> Pictures:
    """Return the 1,797 real digits of 8x8 that ship inside scikit-learn: the first 1,050 to train on, 247 to
    validate, the last 500 to test.

    The order is kept because neighbours are often by one writer: a shuffled split would put every writer's
    hand into the training part.

    Raises:
        WrongHashError: scikit-learn ships other digits than those of the card.
    """
    loaded = load_digits()
    images = loaded.images.astype(np.uint8)[:, None]
    labels = loaded.target.astype(np.int64)
    ends = (DIGITS_VALID, DIGITS_TEST)
    splits = {
        split: picture_split(own, known, 16)
        for split, own, known in zip(SPLITS, np.split(images, ends), np.split(labels, ends), strict=True)
    }
    hashes = {f"digits/{split}": digest(part) for split, part in splits.items()}
    if hashes != dict(card.files):
        raise WrongHashError(
            f"the digits of this scikit-learn have the SHA-256 {hashes}, expected {dict(card.files)}; "
            f"install the version of constraints.txt"
        )
    return Pictures(card.name, tuple("0123456789"), **splits, card=card, hashes=hashes)


def digest(part: PictureSplit) -> str:
    """Return the SHA-256 of the bytes of the pictures, then of the labels, one byte each."""
    return hashlib.sha256(part.images.tobytes() + part.labels.astype(np.uint8).tobytes()).hexdigest()


def picture_split(images: Bytes, labels: NDArray[np.int64], peak: int = 255) -> PictureSplit:
    """Return a split whose arrays can no longer be written to."""
    images, labels = np.ascontiguousarray(images), np.ascontiguousarray(labels)
    images.setflags(write=False)
    labels.setflags(write=False)
    return PictureSplit(images, labels, peak)


def pictures_of(
    card: Card,
    classes: tuple[str, ...],
    train: tuple[Bytes, NDArray[np.int64]],
    test: tuple[Bytes, NDArray[np.int64]],
    hashes: Mapping[str, str],
) -> Pictures:
    """Return a data set whose validation part is carved from the end of each class of `train`.

    Raises:
        WrongCountError: the sizes of the splits are not those of the card.
        InvalidPictureError: a label is not one of the classes.
    """
    for _, labels in (train, test):
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(classes):
            wrong = int(labels[(labels < 0) | (labels >= len(classes))][0])
            raise InvalidPictureError(
                f"labels of {card.name} must be 0 to {len(classes) - 1}, got {wrong}; get the files again"
            )
    held_out = np.zeros(len(train[1]), np.bool_)
    each = card.counts["valid"] // len(classes)
    for label in range(len(classes)):
        held_out[np.flatnonzero(train[1] == label)[-each:]] = True
    made = Pictures(
        card.name,
        classes,
        train=picture_split(train[0][~held_out], train[1][~held_out]),
        valid=picture_split(train[0][held_out], train[1][held_out]),
        test=picture_split(*test),
        card=card,
        hashes=dict(hashes),
    )
    found = {split: len(getattr(made, split)) for split in SPLITS}
    if found != dict(card.counts):
        raise WrongCountError(
            f"{card.name} must have {dict(card.counts)} pictures, got {found}; get its files again"
        )
    return made
