"""Pictures with a part for every pixel: what is common to the generated figures, CCP and folders of users."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hsrnn.datasets.articulated import CLASSES, draw_figure
from hsrnn.datasets.cards import Card
from hsrnn.datasets.errors import DamagedFileError, MissingFileError, TooFewSymbolsError
from hsrnn.datasets.grammar import stream_seed
from hsrnn.datasets.text import SPLITS

IMAGES, LABELS = (".jpg", ".jpeg", ".png"), ".png"
NONE = 255  # in a label file of a user: no label


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """The pictures of one split.

    Attributes:
        images: each ``(height, width, 3)`` uint8, read-only.
        labels: each ``(height, width)`` int8, the number of a class, -1 where there is none; read-only.
        names: of each picture.
    """

    images: tuple[NDArray[np.uint8], ...]
    labels: tuple[NDArray[np.int8], ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.images)


@dataclass(frozen=True, eq=False)
class Parts:
    """Pictures with a class for every pixel, in three splits; class 0 is the background.

    Attributes:
        name: of the data set.
        classes: name of each class.
        train: the split to train on.
        valid: the split to choose by.
        test: the split to report.
        card: what there is to know; of a folder of a user, no more than its name.
        hashes: SHA-256 of the content.
    """

    name: str
    classes: tuple[str, ...]
    train: LabelledImages
    valid: LabelledImages
    test: LabelledImages
    card: Card
    hashes: Mapping[str, str]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{split} {len(getattr(self, split)):,}" for split in SPLITS)
        return f"Parts({self.name!r}, {len(self.classes)} classes, {sizes} pictures)"


def generated_figures(
    card: Card, *, train: int = 400, valid: int = 100, test: int = 100, size: int = 64, seed: int = 0
) -> Parts:
    """Draw articulated figures of `size` x `size` pixels, each split from a stream of its own.

    Raises:
        ValueError: a split below 1 picture, `size` below 24 pixels, or a negative `seed`.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    splits, hashes = {}, {}
    for split, count in zip(SPLITS, (train, valid, test), strict=True):
        if count < 1:
            raise ValueError(f"{split} must be at least 1 picture, got {count}")
        drawn = stream_seed(seed, f"figures {split}")
        # RandomState, because its streams are frozen: the same seed gives the same numbers for good.
        random = np.random.RandomState([drawn >> 32, drawn & 0xFFFFFFFF])
        found = [draw_figure(size, random) for _ in range(count)]
        names = [f"{split}-{number}-{figure.species}" for number, figure in enumerate(found)]
        splits[split] = labelled_images(
            [figure.image for figure in found], [figure.labels for figure in found], names
        )
        digest = hashlib.sha256()
        for figure in found:
            digest.update(figure.image.tobytes() + figure.labels.tobytes())
        key = f"figures(train={train}, valid={valid}, test={test}, size={size}, seed={seed})/{split}"
        hashes[key] = digest.hexdigest()
    return Parts(card.name, CLASSES, **splits, card=card, hashes=hashes)


def labelled_images(
    images: Sequence[NDArray[np.uint8]], labels: Sequence[NDArray[np.int8]], names: Sequence[str]
) -> LabelledImages:
    """Make a split of arrays, which become read-only."""
    for array in (*images, *labels):
        array.setflags(write=False)
    return LabelledImages(tuple(images), tuple(labels), tuple(names))


def load_parts(
    folder: str | Path, *, size: tuple[int, int] | None = None, shares: tuple[float, float] = (0.8, 0.1),
    seed: int = 0,
) -> Parts:  # fmt: skip
    """Read a folder of your own: `images/NAME.jpg` (or .png) and `labels/NAME.png`, a class for each pixel.

    A label file has one channel; its values are numbers of classes, 255 is no label. `classes.txt`, where it
    exists, names a class a line; else they are called by their numbers.

    Args:
        folder: the folder.
        size: (height, width) to bring all to, labels by their nearest pixel; `None` keeps their sizes.
        shares: of the pictures for training and for validation, drawn by `seed`; the rest is for testing.
        seed: seed of the split.

    Raises:
        MissingFileError: the folder, a sub-folder, or the label of an image is not there.
        DamagedFileError: a file is no image, its label has another size or several channels, or a class has
            no name.
        TooFewSymbolsError: fewer than 3 pictures, so that a split would be empty.
        ValueError: shares that leave a split nothing, or a size below 1.
    """
    root = Path(folder).expanduser()
    for part in ("images", "labels"):
        if not (root / part).is_dir():
            raise MissingFileError(f"{root / part} must be a folder; load_parts reads images/ and labels/")
    files = sorted(path for path in (root / "images").iterdir() if path.suffix.lower() in IMAGES)
    if len(files) < 3:
        raise TooFewSymbolsError(f"{root / 'images'} must hold at least 3 pictures, got {len(files)}")
    images, labels = [], []
    for path in files:
        label = root / "labels" / f"{path.stem}{LABELS}"
        if not label.is_file():
            raise MissingFileError(f"{path} has no label: {label} is not there")
        image, classes = read_image(path), read_labels(label)
        require_equal_sizes(image, classes, label)
        images.append(resized(image, size))
        labels.append(resized(classes, size).astype(np.int16))
    highest = max(int(label[label != NONE].max(initial=0)) for label in labels)
    names = _class_names(root / "classes.txt", highest)
    order = np.random.RandomState(seed).permutation(len(files))
    chosen = split_places(order, shares)
    wanted = [np.where(label == NONE, -1, label).astype(np.int8) for label in labels]
    splits = {
        split: labelled_images(
            [images[k] for k in places], [wanted[k] for k in places], [files[k].stem for k in places]
        )
        for split, places in chosen.items()
    }
    digest = hashlib.sha256()
    for image, label in zip(images, wanted):
        digest.update(image.tobytes() + label.tobytes())
    name = root.resolve().name
    card = Card(name, f"Pictures in {name}", str(root), "yours", f"{len(files)} pictures", unit="parts")
    return Parts(name, names, **splits, card=card, hashes={"pictures": digest.hexdigest()})


def split_places(order: NDArray[np.integer], shares: tuple[float, float]) -> dict[str, list[int]]:
    """Deal the places in `order` out to the splits, at least one to each; each list is sorted.

    Raises:
        ValueError: shares that are not positive or leave nothing for the test.
    """
    train, valid = shares
    if not (train > 0 and valid > 0 and train + valid < 1):
        raise ValueError(f"shares must be two positive numbers with a sum below 1, got {shares}")
    count = len(order)
    first = min(max(1, round(train * count)), count - 2)
    second = min(max(first + 1, round((train + valid) * count)), count - 1)
    cut = {"train": order[:first], "valid": order[first:second], "test": order[second:]}
    return {split: sorted(places.tolist()) for split, places in cut.items()}


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a picture as (height, width, 3) uint8.

    Raises:
        DamagedFileError: it is no picture, or is truncated.
    """
    return np.array(_opened(path).convert("RGB"))


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Read a label file as (height, width) uint8; of a palette the indices count, not the colours.

    Raises:
        DamagedFileError: it is no picture, or has several channels or more than 8 bits.
    """
    found = _opened(path)
    if found.mode not in ("L", "P", "1"):
        raise DamagedFileError(
            f"{path} must have one channel of 8 bits, got {found.mode}; save class numbers"
        )
    return np.array(found).astype(np.uint8)


def _opened(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            found = Image.open(path)
            found.load()
            return found
    except (
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombWarning,
        Image.DecompressionBombError,
    ) as e:
        raise DamagedFileError(f"{path} cannot be read as a picture: {e}") from e


def require_equal_sizes(image: NDArray[np.uint8], labels: NDArray[np.uint8], path: Path) -> None:
    """Raise ``DamagedFileError`` unless the label at `path` covers its image."""
    if image.shape[:2] != labels.shape:
        (height, width), (rows, columns) = image.shape[:2], labels.shape
        raise DamagedFileError(
            f"{path} must be {height} x {width} pixels like its image, got {rows} x {columns}"
        )


def resized(array: NDArray[np.uint8], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """Bring a picture to (height, width), averaging; labels (two axes) by their nearest pixel.

    Raises:
        ValueError: a size below 1.
    """
    if size is None:
        return array
    if min(size) < 1:
        raise ValueError(f"size must be at least 1 x 1 pixel, got {size[0]} x {size[1]}")
    way = Image.Resampling.NEAREST if array.ndim == 2 else Image.Resampling.BOX
    return np.array(Image.fromarray(array).resize((size[1], size[0]), way))


def _class_names(path: Path, highest: int) -> tuple[str, ...]:
    if not path.is_file():
        return tuple(str(number) for number in range(max(2, highest + 1)))
    names = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    if len(names) <= highest:
        raise DamagedFileError(f"{path} names {len(names)} classes, but a label file holds class {highest}")
    return names
