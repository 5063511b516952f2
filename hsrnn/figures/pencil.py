"""Digits drawn with the pencil of the living figures: lines of soft ink on a sheet, as MNIST has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SIDE = 28
"""Pixels along a side of the sheet."""

REACH = 1.5
"""Pixels from the middle of a line to where its ink ends; it fades over the last one. As in
`static/drawing_pad.js`."""

DIGITS: tuple[Sequence[Sequence[tuple[int, int]]], ...] = (
    (((14, 5), (9, 9), (9, 18), (14, 23), (19, 18), (19, 9), (14, 5)),),
    (((15, 5), (13, 23)),),
    (((9, 8), (14, 5), (18, 9), (9, 22), (20, 22)),),
    (((9, 6), (16, 5), (17, 10), (12, 13), (18, 17), (15, 22), (8, 21)),),
    (((11, 5), (9, 14), (19, 14)), ((17, 6), (16, 23))),
    (((18, 5), (10, 5), (10, 12), (16, 13), (17, 19), (9, 22)),),
    (((16, 5), (10, 13), (10, 20), (15, 22), (17, 17), (10, 16)),),
    (((8, 6), (19, 6), (12, 23)),),
    (((17, 8), (11, 7), (17, 19), (12, 22), (10, 18), (17, 8)),),
    (((17, 8), (11, 8), (11, 13), (17, 12), (17, 7), (15, 23)),),
)
"""For each digit its strokes, each a row of points (x, y) in pixels from the upper left corner."""


def pencil_drawing(strokes: Sequence[Sequence[tuple[float | int, float | int]]]) -> NDArray[np.float64]:
    """Return strokes of straight lines as a picture, `(28, 28)` in [0, 1].

    Args:
        strokes: each a row of at least two points (x, y), in pixels from the upper left corner.

    Raises:
        ValueError: for a stroke of fewer than two points.
    """
    pixels = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1) + 0.5
    picture = np.zeros((SIDE, SIDE))
    for stroke in strokes:
        if len(stroke) < 2:
            raise ValueError(f"a stroke must have at least two points, got {list(stroke)}")
        for start, stop in zip(np.array(stroke[:-1], float), np.array(stroke[1:], float), strict=True):
            way = stop - start
            along = ((pixels - start) @ way / max(way @ way, 1e-12)).clip(0, 1)
            distance = np.linalg.norm(pixels - start - along[..., None] * way, axis=-1)
            picture = np.maximum(picture, (REACH - distance).clip(0, 1))
    return picture
