"""MNIST and Fashion-MNIST: pictures and labels in the idx format.

LeCun, Cortes and Burges (1998), yann.lecun.com/exdb/mnist. An idx file is a header of big-endian 32-bit
numbers, the magic number and then one size for each dimension, followed by bytes. The magic number of
pictures is 2051 (unsigned bytes, three dimensions), that of labels 2049 (one dimension). A file may lie on
disk as it is or packed by gzip.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hsrnn.datasets.cards import Card
from hsrnn.datasets.errors import InvalidPictureError, WrongCountError
from hsrnn.datasets.pictures import Pictures, pictures_of
from hsrnn.datasets.storage import content, stored

MAGIC = {1: 2049, 3: 2051}  # dimensions -> magic number
CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an idx file of bytes, packed by gzip if its name ends in `.gz`.

    Args:
        path: the file.
        dimensions: 3 for pictures (count, height, width), 1 for labels (count,).

    Raises:
        InvalidPictureError: another magic number, or not as many bytes as the header says.
        DamagedArchiveError: a gzip file that is truncated or damaged.
        ValueError: `dimensions` is neither 1 nor 3.
    """
    if dimensions not in MAGIC:
        raise ValueError(f"dimensions must be 1 (labels) or 3 (pictures), got {dimensions}")
    data = content(path)
    header = 4 * (1 + dimensions)
    if len(data) < header:
        raise InvalidPictureError(
            f"{path} has {len(data)} bytes, fewer than the {header} of its header; get it again"
        )
    magic, *shape = (int(number) for number in np.frombuffer(data[:header], ">u4"))
    if magic != MAGIC[dimensions]:
        raise InvalidPictureError(
            f"{path} must begin with the magic number {MAGIC[dimensions]} "
            f"({'labels' if dimensions == 1 else 'pictures'} in the idx format), got {magic}"
        )
    expected = header + int(np.prod(shape, dtype=object))
    if len(data) != expected:
        raise InvalidPictureError(
            f"{path} must have {expected:,} bytes for {' x '.join(map(str, shape))}, got {len(data):,}"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def idx_pictures(card: Card, folder: Path, hashes: Mapping[str, str]) -> Pictures:
    """Return the data set whose files, in the order of the card, are training pictures, training labels, test
    pictures and test labels.

    Raises:
        InvalidPictureError, DamagedArchiveError: as for `read_idx`.
        WrongCountError: a different number of pictures and of labels, or other counts than the card's.
    """
    paths = [stored(folder, name) for name in card.files]
    parts = []
    for images_path, labels_path in zip(paths[::2], paths[1::2], strict=True):
        images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
        if len(images) != len(labels):
            raise WrongCountError(
                f"{images_path.name} has {len(images):,} pictures but {labels_path.name} {len(labels):,} "
                f"labels; get both again"
            )
        parts.append((images[:, None], labels.astype(np.int64)))
    return pictures_of(card, CLASSES[card.name], *parts, hashes)
