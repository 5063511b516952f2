"""Skeletons of the 26 lower-case letters of a connected hand, drawn for this project (CC0).

A letter is the path of the pen as points that a smooth curve runs through. Unit: the x-height; x grows to
the right from the left edge of the letter, y grows UPWARD from the baseline (ascenders reach 2, descenders
-1). A point marked ``*`` is a corner, where the curve may turn sharply. ``|`` lifts the pen: the dots of i
and j, the bar of t, the second stroke of x. The last point before the first ``|`` is where the next letter
is joined on; its x is also how far the letter advances.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SKELETONS = {
    "a": "0.72,0.84 0.44,1.00 0.12,0.66 0.16,0.16 0.42,0.02 0.68,0.42 0.76,0.98* 0.72,0.36 0.84,0.03"
    " 1.06,0.16",
    "b": "0.32,1.20 0.44,1.86 0.30,2.04 0.18,1.60 0.13,0.50 0.22,0.08 0.50,0.00 0.72,0.38 0.62,0.82"
    " 0.50,0.74 0.70,0.68 0.98,0.80",
    "c": "0.70,0.80 0.46,1.00 0.14,0.64 0.18,0.16 0.46,0.00 0.86,0.18",
    "d": "0.72,0.84 0.44,1.00 0.12,0.62 0.16,0.16 0.42,0.02 0.68,0.50 0.84,2.00* 0.74,0.46 0.86,0.03"
    " 1.08,0.16",
    "e": "0.32,0.36 0.62,0.72 0.44,1.00 0.16,0.68 0.17,0.22 0.44,0.00 0.82,0.18",
    "f": "0.36,1.05 0.54,1.82 0.40,2.06 0.26,1.50 0.20,0.10 0.16,-0.80 0.30,-1.00 0.42,-0.55 0.32,0.00"
    " 0.74,0.16",
    "g": "0.72,0.84 0.44,1.00 0.12,0.62 0.18,0.16 0.44,0.02 0.68,0.42 0.76,0.96* 0.68,-0.50 0.44,-1.00"
    " 0.20,-0.80 0.42,-0.38 1.00,0.16",
    "h": "0.32,1.20 0.44,1.86 0.30,2.04 0.18,1.50 0.12,0.02* 0.24,0.66 0.52,0.98 0.70,0.70 0.68,0.22"
    " 0.80,0.03 1.02,0.16",
    "i": "0.30,0.96* 0.24,0.30 0.36,0.03 0.60,0.16 | 0.36,1.42 0.40,1.35",
    "j": "0.42,0.96* 0.36,-0.45 0.14,-1.00 -0.08,-0.80 0.12,-0.38 0.64,0.16 | 0.48,1.42 0.52,1.35",
    "k": "0.32,1.20 0.44,1.86 0.30,2.04 0.18,1.50 0.12,0.02* 0.22,0.62 0.50,0.98 0.58,0.74 0.24,0.50*"
    " 0.50,0.26 0.68,0.02 0.94,0.16",
    "l": "0.34,1.00 0.48,1.80 0.35,2.04 0.22,1.50 0.20,0.36 0.34,0.02 0.62,0.16",
    "m": "0.16,0.92 0.22,0.80 0.18,0.02* 0.30,0.72 0.50,0.98 0.60,0.72 0.56,0.02* 0.70,0.72 0.90,0.98"
    " 1.02,0.72 1.00,0.22 1.12,0.03 1.34,0.16",
    "n": "0.16,0.92 0.22,0.80 0.18,0.02* 0.32,0.70 0.54,0.98 0.68,0.72 0.66,0.22 0.78,0.03 1.00,0.16",
    "o": "0.56,0.92 0.34,0.98 0.10,0.54 0.24,0.04 0.54,0.08 0.70,0.52 0.54,0.92 0.62,0.76 0.92,0.82",
    "p": "0.22,1.00* 0.14,0.00 0.08,-1.00* 0.18,0.20 0.30,0.80 0.54,0.98 0.74,0.60 0.58,0.08 0.30,0.10"
    " 0.62,0.00 0.98,0.16",
    "q": "0.72,0.84 0.44,1.00 0.12,0.62 0.18,0.16 0.44,0.02 0.68,0.42 0.76,0.96* 0.68,-0.45 0.72,-1.00"
    " 0.90,-0.80 0.84,-0.30 1.06,0.16",
    "r": "0.22,1.06* 0.32,0.90 0.56,0.94 0.58,0.80 0.54,0.26 0.66,0.03 0.88,0.16",
    "s": "0.40,1.04* 0.48,0.70 0.60,0.28 0.40,0.00 0.14,0.12* 0.46,0.03 0.86,0.16",
    "t": "0.34,1.56* 0.24,0.34 0.36,0.03 0.62,0.16 | 0.02,1.10 0.62,1.18",
    "u": "0.20,0.96* 0.14,0.30 0.30,0.02 0.54,0.24 0.70,0.96* 0.64,0.30 0.76,0.03 0.98,0.16",
    "v": "0.12,0.88 0.24,0.84 0.38,0.02* 0.54,0.56 0.62,0.98 0.66,0.78 0.94,0.82",
    "w": "0.16,0.96* 0.12,0.30 0.28,0.02 0.46,0.28 0.56,0.86* 0.52,0.28 0.68,0.02 0.86,0.36 0.90,0.94"
    " 0.98,0.76 1.24,0.82",
    "x": "0.12,0.86 0.26,0.92 0.44,0.24 0.60,0.02 0.86,0.16 | 0.70,0.98 0.08,0.00",
    "y": "0.18,0.96* 0.14,0.40 0.30,0.06 0.52,0.26 0.70,0.96* 0.58,-0.50 0.36,-1.00 0.12,-0.80 0.34,-0.38"
    " 0.94,0.16",
    "z": "0.10,0.84 0.32,1.00 0.60,0.94* 0.12,0.02* 0.40,0.12 0.60,0.00 0.90,0.16",
}


@dataclass(frozen=True, eq=False)
class Letter:
    """One letter's skeleton: `points` (n, 2) in x-heights, y upward; `corner` and `lift` (n,) bool.

    `lift` is True at the last point of each stroke; `body` is the number of points of the first stroke, whose
    last point is where the next letter joins on.
    """

    points: NDArray[np.float64]
    corner: NDArray[np.bool_]
    lift: NDArray[np.bool_]
    body: int

    @property
    def advance(self) -> float:
        """How far the left edge of the next letter lies to the right, in x-heights."""
        return float(self.points[self.body - 1, 0])


@lru_cache(maxsize=1)
def letters() -> dict[str, Letter]:
    """Return every letter of the alphabet, a to z, read from `SKELETONS`."""
    found = {}
    for name, skeleton in SKELETONS.items():
        strokes = [stroke.split() for stroke in skeleton.split("|")]
        marks = [mark for stroke in strokes for mark in stroke]
        points = [[float(value) for value in mark.rstrip("*").split(",")] for mark in marks]
        lift = np.zeros(len(marks), dtype=np.bool_)
        lift[np.cumsum([len(stroke) for stroke in strokes]) - 1] = True
        corner = np.array([mark.endswith("*") for mark in marks])
        found[name] = Letter(np.array(points), corner, lift, len(strokes[0]))
    return found
