"""Pictures of rooms: handwritten digits on a canvas, with what they are and where they lie.

A scene is what stands behind one door of the house of ``hsrnn.datasets.rooms``: one to four digits of 8 x 8
points on a canvas of 32 x 32, at any whole position; their boxes may overlap by one row or column of points
(then the darker point counts). The digits of a scene are listed from left to right.

The digits are the data set "digits", or "mnist" reduced to the same 8 x 8 points. Each split of scenes has
the digits of its own split, so none is in two. ``train`` and ``valid`` are days of the house without anything
strange; ``test`` is *a year of rooms*: one scene an hour, and one day with a mark that is no digit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsrnn.datasets.cards import Card
from hsrnn.datasets.grammar import stream_seed
from hsrnn.datasets.pictures import Pictures, PictureSplit
from hsrnn.datasets.rooms import (
    MARKS,
    MOST_DIGITS,
    NOTHING,
    PLACES,
    ROOMS,
    STRANGE,
    Visits,
    mark,
    visit,
)
from hsrnn.datasets.text import SPLITS

CANVAS = 32
SIZE = 8
OVERLAP = 1


@dataclass(frozen=True, eq=False)
class SceneSplit:
    """Scenes of one split in order of time; all arrays are read-only.

    Attributes:
        images: ``(n, 32, 32)`` uint8, 0 (paper) to 16 (ink).
        counts: ``(n,)`` how many digits there are, 1 to 4.
        labels: ``(n, 4)`` what they are from left to right, 10 for a mark that is no digit, -1 for an empty
            place.
        rows, columns: ``(n, 4)`` upper left corner of each digit's box, -1 for an empty place.
        sources: ``(n, 4)`` number of its image in the digits' split (or among the marks), -1 for an empty
            place.
        room: ``(n,)`` index into ``ROOMS``.
        day, hour: ``(n,)`` when, from 0.
        strange_day: the day of the mark that is no digit, -1 where there is none.
    """

    images: NDArray[np.uint8]
    counts: NDArray[np.int64]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    sources: NDArray[np.int64]
    room: NDArray[np.int64]
    day: NDArray[np.int64]
    hour: NDArray[np.int64]
    strange_day: int = -1

    def __len__(self) -> int:
        """Return the number of scenes."""
        return len(self.images)


@dataclass(frozen=True, eq=False)
class Scenes:
    """Scenes in three splits; ``test`` is the year of rooms. ``hashes`` maps each split to its SHA-256."""

    name: str
    train: SceneSplit
    valid: SceneSplit
    test: SceneSplit
    card: Card
    hashes: Mapping[str, str]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{split} {len(getattr(self, split)):,}" for split in SPLITS)
        return f"Scenes({self.name!r}, {sizes} scenes)"


def generated_scenes(
    card: Card, digits: Pictures, *, train: int = 125, valid: int = 20, days: int = 365, seed: int = 0
) -> Scenes:
    """Draw ``train`` and ``valid`` days of ordinary rooms and a year of ``days`` days, each from its own
    stream.

    Raises:
        ValueError: a number of days is below 1 (for the year below 2), or ``seed`` is negative.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    for name, value, least in (("train", train, 1), ("valid", valid, 1), ("days", days, 2)):
        if value < least:
            raise ValueError(f"{name} must be at least {least} day{'s' if least > 1 else ''}, got {value}")
    splits, hashes = {}, {}
    for split, length in zip(SPLITS, (train, valid, days)):
        drawn = stream_seed(seed, f"scenes {split}")
        # RandomState, because its streams are frozen: the same seed gives the same numbers for good.
        random = np.random.RandomState([drawn >> 32, drawn & 0xFFFFFFFF])
        splits[split] = paint(visit(length, random, strange=split == "test"), getattr(digits, split), random)
        specification = (
            f"scenes(digits={digits.name}, train={train}, valid={valid}, days={days}, seed={seed})/{split}"
        )
        hashes[specification] = _digest(splits[split])
    return Scenes(card.name, **splits, card=card, hashes=hashes)


def paint(visits: Visits, digits: PictureSplit, random: np.random.RandomState) -> SceneSplit:
    """Return the pictures of ``visits``, each digit an image of its class drawn from ``digits``.

    Raises:
        ValueError: ``digits`` lacks a class, or is neither 8 x 8 points of 0 to 16 nor 28 x 28 of 0 to 255.
    """
    small = reduced(digits)
    missing = set(range(10)) - set(digits.labels.tolist())
    if missing:
        raise ValueError(f"digits must have images of all ten classes, got none of {sorted(missing)}")
    members = {label: np.flatnonzero(digits.labels == label) for label in range(10)}
    n = len(visits.room)
    images = np.zeros((n, CANVAS, CANVAS), np.uint8)
    labels, rows, columns, sources = (np.full((n, MOST_DIGITS), NOTHING) for _ in range(4))
    counts = (visits.labels != NOTHING).sum(1)
    strange = int(random.randint(len(MARKS)))
    for k in range(n):
        places = _places(int(counts[k]), PLACES[ROOMS[visits.room[k]]], random)
        order = np.argsort([column for _, column in places], kind="stable")
        for place, which in enumerate(order):
            label, (row, column) = int(visits.labels[k, which]), places[which]
            if label == STRANGE:
                source, image = strange, mark(strange)
            else:
                source = int(members[label][random.randint(len(members[label]))])
                image = small[source]
            box = images[k, row : row + SIZE, column : column + SIZE]
            np.maximum(box, image, out=box)
            labels[k, place], sources[k, place] = label, source
            rows[k, place], columns[k, place] = row, column
    arrays = {
        "images": images, "counts": counts, "labels": labels, "rows": rows, "columns": columns,
        "sources": sources, "room": visits.room, "day": visits.day, "hour": visits.hour,
    }  # fmt: skip
    for array in arrays.values():
        array.flags.writeable = False
    return SceneSplit(**arrays, strange_day=visits.strange_day)


def reduced(digits: PictureSplit) -> NDArray[np.uint8]:
    """Return digits as 8 x 8 points of 0 to 16, ``(n, 8, 8)``; of 28 x 28 the inner 24 x 24, 3 x 3 a point.

    Raises:
        ValueError: the digits have another form.
    """
    form = (*digits.images.shape[1:], digits.peak)
    if form == (1, SIZE, SIZE, 16):
        return digits.images[:, 0]
    if form != (1, 28, 28, 255):
        raise ValueError(
            f"digits must be 1 x 8 x 8 of 0 to 16 or 1 x 28 x 28 of 0 to 255, got {form}; use digits or mnist"
        )
    blocks = digits.images[:, 0, 2:-2, 2:-2].reshape(-1, SIZE, 3, SIZE, 3).mean((2, 4))
    return np.round(blocks * (16 / 255)).astype(np.uint8)


def _places(
    count: int, habit: tuple[float, float, float, float], random: np.random.RandomState
) -> list[tuple[int, int]]:
    """Return ``count`` corners whose boxes overlap by at most :data:`OVERLAP`, inside the habit's part of the
    canvas if they go there."""
    top, bottom, left, right = (round(CANVAS * share) for share in habit)
    free = np.zeros((CANVAS - SIZE + 1, CANVAS - SIZE + 1), bool)
    free[top : bottom - SIZE + 1, left : right - SIZE + 1] = True
    found: list[tuple[int, int]] = []
    while len(found) < count:
        choices = np.flatnonzero(free)
        if not len(choices):
            return _places(count, (0.0, 1.0, 0.0, 1.0), random)
        row, column = divmod(int(choices[int(random.random_sample() * len(choices))]), free.shape[1])
        found.append((row, column))
        apart = SIZE - OVERLAP
        free[max(0, row - apart + 1) : row + apart, max(0, column - apart + 1) : column + apart] = False
    return found


def _digest(scenes: SceneSplit) -> str:
    digest = hashlib.sha256(scenes.images.tobytes())
    for name in ("labels", "rows", "columns", "sources", "room", "day", "hour"):
        digest.update(getattr(scenes, name).astype("<i8").tobytes())
    return digest.hexdigest()
