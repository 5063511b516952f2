"""A pen that writes: from words to the points of a pen that moves, with the true end of every letter.

Every line is written by a hand of its own (`Hand`): slant, size, width, how often letters are joined, how
steady it is. What it does, in this order:

1. Skeletons (`hsrnn.datasets.alphabet`) are set side by side. A letter that is joined continues the pen
   stroke of the letter before it; a letter that is not, and every word, begins a new one. The dots of i and
   j, the bar of t and the second stroke of x follow their letter at once.
2. Every point of a skeleton is moved a little, and the whole line leans and drifts.
3. A curve is drawn through the points: cubic, with the tangents of a centripetal Catmull-Rom spline, open at
   corners.
4. The pen runs along it by the two-thirds power law of human movement, speed ~ curvature^(-1/3) (Lacquaniti,
   Terzuolo and Viviani 1983), slower where it is set down and lifted, and is read at equal intervals of time.
5. Positions are rounded to a grid of `GRID` units an x-height, as a tablet does it. So the numbers are whole,
   and equal on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsrnn.datasets.alphabet import letters

GRID = 1000
DENSE = 12  # samples a segment of the curve before it is read at equal times
SLOWEST = 0.35  # speed at the ends of a stroke, of what the curve alone would allow
RAMP = 0.25  # length over which it speeds up and slows down, in x-heights
ROUNDEST = 0.6  # added to the curvature (1 / x-height), so that straight lines are not run infinitely fast


@dataclass(frozen=True)
class Hand:
    """How somebody writes; lengths in x-heights.

    `slant` is x gained per y; `width` stretches letters; `size` scales everything; `joined` is the
    probability that a letter is joined to the one before; `jitter` the standard deviation by which points
    of a skeleton are moved; `tremor` that of every point read; `drift` and `wave` the height and length of
    a slow waving of the baseline; `space` and `gap` the distance between words and between letters; `pace`
    the distance the pen goes between two readings where the curvature is 1.
    """

    slant: float
    width: float
    size: float
    joined: float
    jitter: float
    tremor: float
    drift: float
    wave: float
    space: float
    gap: float
    pace: float

    @classmethod
    def drawn(cls, random: np.random.RandomState) -> Hand:
        """Draw a hand."""
        between = random.uniform
        return cls(
            slant=between(-0.05, 0.6), width=between(0.85, 1.25), size=between(0.85, 1.15),
            joined=between(0.6, 1.0), jitter=between(0.015, 0.045), tremor=between(0.0, 0.006),
            drift=between(0.0, 0.12), wave=between(4.0, 12.0), space=between(0.6, 1.1),
            gap=between(-0.08, 0.18), pace=between(0.25, 0.35),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Writing:
    """A line as the pen wrote it: `points` (T, 2) int32 in 1/`GRID` x-heights, y DOWNWARD as on a screen.

    `pen_up`, `letter` and `word`, each (T,) bool, are True at the last point of a pen stroke, of a letter,
    and of a word. `pen_up` is True wherever `word` is; a letter may end within a stroke.
    """

    points: NDArray[np.int32]
    pen_up: NDArray[np.bool_]
    letter: NDArray[np.bool_]
    word: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Path:
    """Waypoints of a whole line, with what happens at each of them; y upward, in x-heights."""

    points: NDArray[np.float64]
    corner: NDArray[np.bool_]
    lift: NDArray[np.bool_]
    letter: NDArray[np.bool_]
    word: NDArray[np.bool_]


def write(words: Sequence[str], hand: Hand, random: np.random.RandomState) -> Writing:
    """Write `words` (lower-case letters a to z, none empty) on one line.

    Raises:
        ValueError: there is no word, or a word is empty or holds something else than a to z.
    """
    alphabet = letters()
    if not words or any(not word or not alphabet.keys() >= set(word) for word in words):
        raise ValueError(f"words must be at least one, each of letters a to z, got {list(words)[:8]}")
    path = _lay_out(words, hand, random)
    curve, at, stroke, curvature = _curve(path)
    time = _time(curve, stroke, curvature, hand.pace)
    return _read(path, curve, at, stroke, time, hand, random)


def _lay_out(words: Sequence[str], hand: Hand, random: np.random.RandomState) -> _Path:
    """Set the skeletons of all letters side by side."""
    alphabet = letters()
    parts: list[_Path] = []
    left, dotted, joint = 0.0, False, np.zeros((1, 2))
    for text in words:
        for place, name in enumerate(text):
            skeleton = alphabet[name]
            points, corner, lift = skeleton.points, skeleton.corner, skeleton.lift.copy()
            points = points * [hand.width, 1.0] + [left, 0.0]
            body = skeleton.body
            if place == 0:  # a short stroke leads into every word
                lead = points[0] - [0.22 * hand.width, min(0.3, 0.9 * points[0, 1])]
                points, body = np.concatenate([lead[None], points]), body + 1
                corner, lift = np.r_[False, corner], np.r_[False, lift]
            elif random.uniform() < hand.joined:
                if dotted:  # the pen goes back to where the body of the letter before ended
                    once, never = np.ones(1, dtype=np.bool_), np.zeros(1, dtype=np.bool_)
                    parts.append(_Path(joint, once, never, never, never))
                else:
                    parts[-1].lift[-1] = False
            points = points + random.normal(0.0, hand.jitter, points.shape)
            last = np.arange(len(points)) == len(points) - 1
            parts.append(_Path(points, corner, lift, last, last & (place + 1 == len(text))))
            joint, dotted = points[body - 1 : body], body < len(points)
            left += skeleton.advance * hand.width + hand.gap
        left += hand.space
    names = ("points", "corner", "lift", "letter", "word")
    return _Path(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _curve(
    path: _Path,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Draw the curve through the waypoints.

    Return its dense points (N, 2), the place of each among the waypoints (N,), the number of its stroke (N,),
    and its curvature (N,).
    """
    p, lift = path.points, path.lift
    first = np.flatnonzero(~lift[:-1])  # a segment leads from each waypoint but the last of a stroke
    chord = np.diff(p, axis=0)
    knot = np.sqrt(np.maximum(np.hypot(*chord.T), 1e-6))[:, None]  # centripetal
    slope = chord / knot
    smooth = np.zeros(len(p), dtype=np.bool_)
    smooth[1:-1] = ~path.corner[1:-1] & ~lift[1:-1] & ~lift[:-2]
    tangent = np.zeros_like(p)
    inner = slope[:-1] + slope[1:] - (p[2:] - p[:-2]) / (knot[:-1] + knot[1:])
    tangent[1:-1] = inner
    start = np.where(smooth[first, None], tangent[first], slope[first]) * knot[first]
    end = np.where(smooth[first + 1, None], tangent[first + 1], slope[first]) * knot[first]
    u = np.arange(DENSE + 1) / DENSE
    basis = np.stack([2 * u**3 - 3 * u**2 + 1, -2 * u**3 + 3 * u**2, u**3 - 2 * u**2 + u, u**3 - u**2])
    rates = np.stack([6 * u**2 - 6 * u, -6 * u**2 + 6 * u, 3 * u**2 - 4 * u + 1, 3 * u**2 - 2 * u])
    bends = np.stack([12 * u - 6, -12 * u + 6, 6 * u - 4, 6 * u - 2])
    control = np.stack([p[first], p[first + 1], start, end])
    curve, speed, bend = (np.einsum("ku,ksd->sud", each, control) for each in (basis, rates, bends))
    cross = np.abs(speed[..., 0] * bend[..., 1] - speed[..., 1] * bend[..., 0])
    curvature = cross / np.maximum((speed**2).sum(-1), 1e-6) ** 1.5
    at = first[:, None] + u
    stroke = np.cumsum(lift)[first] - lift[first]
    # The end of a segment is the beginning of the next one; it is kept twice, at distance zero.
    return curve.reshape(-1, 2), at.reshape(-1), np.repeat(stroke, DENSE + 1), curvature.reshape(-1)


def _time(
    curve: NDArray[np.float64], stroke: NDArray[np.int64], curvature: NDArray[np.float64], pace: float
) -> NDArray[np.float64]:
    """Return when the pen passes each point, in intervals between two readings, never decreasing."""
    step = np.hypot(*np.diff(curve, axis=0).T)
    new = np.diff(stroke) > 0
    step[new] = 0.0
    way = np.concatenate([[0.0], np.cumsum(step)])
    begins = np.concatenate([[True], new])
    ends = np.concatenate([new, [True]])
    since = way - way[begins][np.cumsum(begins) - 1]
    until = way[ends][np.cumsum(begins) - 1] - way
    ramp = SLOWEST + (1 - SLOWEST) * np.minimum(1.0, np.minimum(since, until) / RAMP)
    speed = pace * ((1 + ROUNDEST) / (np.minimum(curvature, 30.0) + ROUNDEST)) ** (1 / 3) * ramp
    seconds = step / (0.5 * (speed[:-1] + speed[1:]))
    return np.concatenate([[0.0], np.cumsum(seconds)])


def _read(
    path: _Path, curve: NDArray[np.float64], at: NDArray[np.float64], stroke: NDArray[np.int64],
    time: NDArray[np.float64], hand: Hand, random: np.random.RandomState,
) -> Writing:  # fmt: skip
    """Read the pen at equal intervals and mark the ends of letters and words."""
    count = int(stroke[-1]) + 1
    first = np.searchsorted(stroke, np.arange(count))
    last = np.searchsorted(stroke, np.arange(count), side="right") - 1
    readings = np.maximum(2, np.rint(time[last] - time[first]).astype(np.int64) + 1)
    # One time axis for all strokes, with a pause between them so that no reading falls in between.
    pause = 10.0 * stroke
    times = np.concatenate(
        [
            np.linspace(time[f], time[end], n) + 10.0 * k
            for k, (f, end, n) in enumerate(zip(first, last, readings, strict=True))
        ]
    )
    x, y = (np.interp(times, time + pause, column) for column in curve.T)
    y = y + hand.drift * np.sin(2 * np.pi * x / hand.wave)
    x = x + hand.slant * y
    points = np.stack([x, -y], axis=1) * hand.size + random.normal(0.0, 1.0, (len(x), 2)) * hand.tremor
    total = int(readings.sum())
    ends = np.cumsum(readings) - 1
    pen_up = np.zeros(total, dtype=np.bool_)
    pen_up[ends] = True
    marks = []
    for wanted in (path.letter, path.word):
        mark = np.zeros(total, dtype=np.bool_)
        # The reading nearest to the moment at which the pen passes the last waypoint of the unit.
        passed = np.searchsorted(at, np.flatnonzero(wanted))
        when = (time + pause)[passed]
        right = np.clip(np.searchsorted(times, when), 1, total - 1)
        mark[np.where(when - times[right - 1] < times[right] - when, right - 1, right)] = True
        marks.append(mark)
    return Writing(np.rint(points * GRID).astype(np.int32), pen_up, *marks)
