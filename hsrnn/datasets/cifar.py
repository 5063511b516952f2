"""CIFAR-10, from the official binary archive or from a copy in JPEG; two data sets, never one for the other.

Krizhevsky (2009), www.cs.toronto.edu/~kriz/cifar.html. The archive that most programs take is a set of Python
pickles, and a pickle can run any code when it is opened; so it is never touched here. The binary version has
the same pixels: 10,000 rows a file, each one byte of label and 3,072 of pixels, red, green, blue.

The copy in JPEG has lost detail, so what is measured on it does not compare with numbers on CIFAR-10: its
title, "CIFAR-10, JPEG copy", belongs in every table.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hsrnn.datasets.archives import members
from hsrnn.datasets.cards import Card
from hsrnn.datasets.errors import InvalidPictureError
from hsrnn.datasets.pictures import Pictures, pictures_of

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
SHAPE = (3, 32, 32)
ROW = 1 + 3 * 32 * 32
UNPACKED, LARGEST = 10**9, 10**5  # bytes of the whole archive in JPEG, and of one picture


def read_rows(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read a file of the binary version: pictures (n, 3, 32, 32) and labels (n,).

    Raises:
        InvalidPictureError: the file is empty or not a whole number of rows.
    """
    data = np.fromfile(path, np.uint8)
    if not len(data) or len(data) % ROW:
        raise InvalidPictureError(
            f"{path} must hold rows of {ROW:,} bytes, at least one, got {len(data):,} bytes; get it again"
        )
    rows = data.reshape(-1, ROW)
    return rows[:, 1:].reshape(-1, *SHAPE), rows[:, 0].astype(np.int64)


def binary(card: Card, folder: Path, hashes: Mapping[str, str]) -> Pictures:
    """Return CIFAR-10 from the files of the binary version, the last of the card's being the test part.

    Raises:
        InvalidPictureError: a file or a label that cannot be.
        WrongCountError: the sizes of the splits are not those of the card.
    """
    read = [read_rows(folder / name) for name in card.files]
    train = np.concatenate([part[0] for part in read[:-1]]), np.concatenate([part[1] for part in read[:-1]])
    return pictures_of(card, CLASSES, train, read[-1], hashes)


def jpeg_copy(card: Card, folder: Path, hashes: Mapping[str, str]) -> Pictures:
    """Return the copy in JPEG from its archive of `train/<class>/<number>.jpg` and `test/...`, by class and
    number. Pixels depend, in the last digit, on the JPEG decoder; the hash is the archive's.

    Raises:
        InvalidPictureError: a path of another form, or a file that is no JPEG of 32x32 pixels.
        DamagedArchiveError, UnsafeArchiveError, ArchiveTooLargeError: as for `archives.members`.
        WrongCountError: the sizes of the splits are not those of the card.
    """
    (name,) = card.files
    found: dict[str, dict[tuple[int, str], NDArray[np.uint8]]] = {"train": {}, "test": {}}
    for path, data in members(folder / name, limit=UNPACKED, largest=LARGEST):
        if len(path.parts) != 3 or path.parts[0] not in found or path.parts[1] not in CLASSES:
            raise InvalidPictureError(
                f"{name}: {path} must be train/<class>/<number>.jpg or test/<class>/<number>.jpg"
            )
        split, kind, file = path.parts
        found[split][CLASSES.index(kind), file] = _decoded(data, f"{name}: {path}")
    return pictures_of(card, CLASSES, _ordered(found["train"]), _ordered(found["test"]), hashes)


def _decoded(data: bytes, where: str) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            pixels = np.asarray(image.convert("RGB") if image.size == SHAPE[1:] else image)
    except (OSError, SyntaxError) as error:
        raise InvalidPictureError(f"{where} is not a whole JPEG picture ({error}); get it again") from error
    if pixels.shape != (*SHAPE[1:], 3):
        raise InvalidPictureError(f"{where} must have 32 x 32 pixels, got {pixels.shape[1::-1]}")
    return pixels.transpose(2, 0, 1)


def _ordered(
    pictures: Mapping[tuple[int, str], NDArray[np.uint8]],
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the pictures and labels of one split, by class, then by name."""
    keys = sorted(pictures)
    images = np.stack([pictures[key] for key in keys]) if keys else np.zeros((0, *SHAPE), np.uint8)
    return images, np.array([label for label, _ in keys], np.int64)
