"""More pictures from the same ones: random boxes cut out, brought back to full size, left and right swapped.

What the papers do to their training pictures (crops around the person, flips), on arrays with labels. Each
new picture is a picture like any other, so its superpixels are computed from what it shows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hsrnn.datasets.parts import LabelledImages, labelled_images, resized

TRIES = 10  # boxes drawn before the whole picture is taken
KEPT = 0.5  # least share of the labelled foreground that a box must hold


def crops(
    pictures: LabelledImages, copies: int, *, least: float = 0.6, mirror: bool = True, seed: int = 0
) -> LabelledImages:
    """Return each picture followed by ``copies`` of it, cut out at random; same seed, same copies.

    A copy is a box of the picture's proportions, its sides a share of the picture's drawn evenly from
    ``least`` to 1, that holds at least half of the foreground (a box that holds less is drawn anew). It is
    brought to the picture's size, labels by their nearest pixel, and half of the copies are mirrored. The
    copies of one picture do not depend on the other pictures. Copy 2 of ``0007`` is called ``0007+2``.

    Args:
        pictures: a split; no class of it may mean left or right if ``mirror``.
        copies: how many of each; 0 returns the pictures as they are.
        least: in (0, 1].
        mirror: whether to swap left and right.
        seed: of all chance.

    Raises:
        ValueError: for ``copies`` or ``seed`` below 0, or ``least`` outside (0, 1].
    """
    if copies < 0 or seed < 0:
        raise ValueError(f"copies and seed must not be negative, got {copies} and {seed}")
    if not 0 < least <= 1:
        raise ValueError(f"least must lie in (0, 1], got {least}")
    images, labels, names = [], [], []
    for number, (image, label, name) in enumerate(zip(pictures.images, pictures.labels, pictures.names)):
        # RandomState, because its streams are frozen: the same seed gives the same numbers for good.
        random = np.random.RandomState([seed, number])
        images.append(image)
        labels.append(label)
        names.append(name)
        for copy in range(1, copies + 1):
            rows, columns = _box(label, least, random)
            cut, marked = image[rows, columns], label[rows, columns]
            if mirror and random.rand() < 0.5:
                cut, marked = cut[:, ::-1], marked[:, ::-1]
            images.append(resized(np.ascontiguousarray(cut), label.shape))
            # Pillow has no signed bytes; the same bytes do.
            same = np.ascontiguousarray(marked).view(np.uint8)
            labels.append(resized(same, label.shape).view(np.int8))
            names.append(f"{name}+{copy}")
    return labelled_images(images, labels, names)


def _box(label: NDArray[np.int8], least: float, random: np.random.RandomState) -> tuple[slice, slice]:
    """Draw the rows and columns of a box that holds enough of the foreground."""
    height, width = label.shape
    wanted = KEPT * (label > 0).sum()
    for _ in range(TRIES):
        side = least + (1 - least) * random.rand()
        tall, wide = max(1, round(side * height)), max(1, round(side * width))
        top, left = random.randint(height - tall + 1), random.randint(width - wide + 1)
        rows, columns = slice(top, top + tall), slice(left, left + wide)
        if (label[rows, columns] > 0).sum() >= wanted:
            return rows, columns
    return slice(0, height), slice(0, width)
