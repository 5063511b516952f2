"""Handwriting, drawn and living: lines of pen strokes, coloured by where a network has a boundary.

A line is an array of rows `(T, 3)`: dx, dy, standardised, and pen, 1 where a pen stroke ends; y grows
downward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from hsrnn.figures.living import LivingFigure
from hsrnn.figures.style import WIDTH, Picture, colour, drawing
from hsrnn.figures.weights import pack

LONGEST = 160
"""Rows of a line that the living figure writes."""


def plot_handwriting(
    lines: Mapping[str, np.ndarray],
    mean: np.ndarray,
    sd: np.ndarray,
    boundaries: Mapping[str, np.ndarray] | None = None,
    *,
    mark: str = "boundary",
) -> Picture:
    """Draw lines of writing under each other, pen stroke by pen stroke.

    Args:
        lines: title -> rows `(T, 3)`, T at least 1.
        mean: `(2,)`, mean of the movements, in any unit; it undoes the standardisation, as `sd` does.
        sd: `(2,)`, their standard deviation.
        boundaries: title -> `(T,)` of 0 and 1. A movement that ends at a 1 is drawn thick and orange, with a
            dot at its end, all others thin and blue. Lines that are missing here are drawn in ink.
        mark: what a 1 means, for the key and the text alternative.

    Raises:
        ValueError: for no line, or shapes that do not fit.
    """
    boundaries = boundaries or {}
    if not lines:
        raise ValueError("lines must be at least one, got none")
    places = {}
    for title, line in lines.items():
        line = np.asarray(line)
        if line.ndim != 2 or line.shape[1] != 3 or not len(line):
            raise ValueError(f"line {title!r} must be (T, 3) with T at least 1, got shape {line.shape}")
        if title in boundaries and np.shape(boundaries[title]) != (len(line),):
            shape = np.shape(boundaries[title])
            raise ValueError(f"boundaries of line {title!r} must be ({len(line)},), got shape {shape}")
        places[title] = positions(line, mean, sd)
    widest = max(np.ptp(place[:, 0]) for place in places.values())
    inch = WIDTH / max(widest, 1e-9)
    heights = [max(0.35, inch * np.ptp(place[:, 1])) + 0.3 for place in places.values()]
    key = 0.25 if boundaries else 0.0
    said = []
    with drawing():
        total = sum(heights) + key
        figure = Figure(figsize=(WIDTH, total))
        bottom = total
        for (title, place), height in zip(places.items(), heights, strict=True):
            bottom -= height
            axes = figure.add_axes((0, bottom / total, 1, (height - 0.22) / total))
            axes.set_aspect("equal", anchor="NW")
            axes.axis("off")
            left, top = place.min(axis=0)
            pad = 0.012 * widest
            axes.set(xlim=(left - pad, left + widest + pad), ylim=(place[:, 1].max() + pad, top - pad))
            style = {"va": "top", "color": colour("muted"), "fontsize": 8.5}
            figure.text(0, (bottom + height - 0.04) / total, title, **style)
            z = np.asarray(boundaries[title]).astype(bool) if title in boundaries else None
            pen_up = np.asarray(lines[title])[:, 2] > 0.5
            _draw_line(axes, place, pen_up, z)
            strokes = int(pen_up.sum()) + int(not pen_up[-1])
            marks = "" if z is None else f", {mark} at {int(z.sum())} of them"
            said.append(f"“{title}”: {len(pen_up)} points in {strokes} pen strokes{marks}")
        if boundaries:
            axes = figure.add_axes((0, 0, 1, 0.2 / total))
            axes.set(xlim=(0, 40), ylim=(0, 1))
            axes.axis("off")
            for x, role, width, dot, text in (
                (0.2, "flush", 2.6, "o", mark), (12, "update", 1.2, "", f"no {mark}"),
            ):  # fmt: skip
                axes.plot((x, x + 1.6), (0.5, 0.5), color=colour(role), linewidth=width)
                axes.plot((x + 1.6,), (0.5,), dot, color=colour("ink"), markersize=3.2)
                axes.text(x + 2.2, 0.5, text, va="center", color=colour("muted"), fontsize=8)
        heading = "A line of handwriting" if len(lines) == 1 else f"{len(lines)} lines of handwriting"
        return Picture(figure, f"{heading}. {'; '.join(said)}.", "png")


def positions(line: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Return where the pen is before and after each row of a standardised line `(T, 3)`: `(T + 1, 2)`."""
    moved = np.asarray(line, dtype=np.float64)[:, :2] * sd + mean
    return np.concatenate([np.zeros((1, 2)), np.cumsum(moved, axis=0)])


def numbers_of(seed: int, length: int) -> np.ndarray:
    """Return the four numbers that draw each row of a line, `(length, 4)`: uniform, normal, normal, uniform.

    They depend on the seed (0 to 9999) and the row only, and are those of `numbersOf` in `static/pen.js`.
    """
    t = np.arange(length)[:, None]
    which, radius, angle, up = _uniform(seed, 4 * t + np.arange(4)).T
    far = np.sqrt(-2 * np.log1p(-radius))
    return np.stack([which, far * np.cos(2 * np.pi * angle), far * np.sin(2 * np.pi * angle), up], axis=1)


class Handwriting(LivingFigure):
    """A line of writing is drawn by a network that runs in the page, coloured by the boundaries of a layer.

    Make one with `from_weights`. Its `state` has the keys `seed`, `sharpness` (0 to 3), `layer` (whose
    boundaries colour the line, 1 first) and `at` (points written, 0 to 160).
    """

    module = "handwriting.js"
    styles = ("handwriting.css",)

    @classmethod
    def from_weights(
        cls,
        weights: Mapping[str, np.ndarray],
        *,
        layer_norm: bool,
        smallest_scale: float,
        mean: np.ndarray,
        sd: np.ndarray,
        strokes: np.ndarray,
        boundaries: np.ndarray,
        bits: int = 8,
        seed: int = 1,
        sharpness: float | int = 0.5,
        layer: int = 1,
        name: str | None = None,
    ) -> Handwriting:
        """Return the figure for a trained handwriting model.

        Args:
            weights: the model's state dict as numpy arrays, with the names of
                `hsrnn.hmrnn.HandwritingModel` with an HM-LSTM core of step boundaries.
            layer_norm: whether the model was built with layer norm.
            smallest_scale: what its standard deviations stay above.
            mean: `(2,)`, with `sd` the units of a row.
            sd: `(2,)`.
            strokes: `(160, 3)`, the line that it writes with these numbers, for the picture shown without
                JavaScript.
            boundaries: `(160, K)` of 0 and 1, likewise.
            bits: width of a stored weight, 8, 16 or 32. The page computes with the rounded weights.
            seed: seed of the line the figure opens with, 0 to 9999.
            sharpness: its sharpness, 0 to 3.
            layer: the layer whose boundaries colour it at first.
            name: see `LivingFigure`.

        Raises:
            ValueError: if weights and layer_norm do not fit, the line has another length, or there is no such
                layer.
        """
        missing = [key for key in ("core.cells.1.recurrent", "output.gate.weight") if key not in weights]
        if missing:
            raise ValueError(
                f"weights must be a HandwritingModel's with an HM-LSTM core: {', '.join(missing)} missing"
            )
        if ("core.cells.0.gate_norm.weight" in weights) != layer_norm:
            raise ValueError(f"layer_norm={layer_norm} does not fit the weights: they say {not layer_norm}")
        if np.shape(strokes) != (LONGEST, 3) or np.shape(boundaries)[:1] != (LONGEST,):
            raise ValueError(
                f"strokes and boundaries must have {LONGEST} rows, got shapes {np.shape(strokes)} and "
                f"{np.shape(boundaries)}"
            )
        layers = np.shape(boundaries)[1]
        if not 1 <= layer <= layers:
            raise ValueError(f"layer must be one of 1 to {layers}, got {layer}")
        title = f"sharpness {sharpness:g}"
        picture = plot_handwriting(
            {title: strokes}, mean, sd, {title: np.asarray(boundaries)[:, layer - 1]},
            mark=f"boundary of layer {layer}",
        )  # fmt: skip
        data = {
            "weights": pack(weights, bits), "layerNorm": layer_norm, "smallestScale": smallest_scale,
            "mean": mean, "sd": sd, "longest": LONGEST,
        }  # fmt: skip
        return cls(
            data,
            state={"seed": seed, "sharpness": float(sharpness), "layer": layer, "at": LONGEST},
            alt=f"A network writes by hand, point after point. {picture.alt}",
            fallback=picture,
            name=name,
        )


def _draw_line(axes: Axes, place: np.ndarray, pen_up: np.ndarray, z: np.ndarray | None) -> None:
    """Draw the movements that leave ink: all but those that follow a pen-up."""
    inked = ~np.concatenate([[False], pen_up[:-1]])
    pieces = np.stack([place[:-1], place[1:]], axis=1)
    groups: Sequence[tuple[np.ndarray, str, float]] = (
        ((inked, "ink", 1.4),) if z is None else ((inked & ~z, "update", 1.2), (inked & z, "flush", 2.6))
    )
    for chosen, role, width in groups:
        axes.add_collection(
            LineCollection(list(pieces[chosen]), colors=colour(role), linewidths=width, capstyle="round")
        )
    if z is not None:
        axes.plot(*place[1:][z].T, ".", color=colour("ink"), markersize=3.2, linestyle="")


def _uniform(seed: int, position: np.ndarray) -> np.ndarray:
    """Return the numbers in [0, 1) of `uniform` in `static/sampling.js`, by arithmetic modulo 2^32."""
    full = np.uint64(0xFFFFFFFF)

    def times(a: np.ndarray, b: np.ndarray | int) -> np.ndarray:
        return (a * np.asarray(b, dtype=np.uint64)) & full

    place = np.asarray(position, dtype=np.uint64) + np.uint64(1)
    mixed = times(np.full_like(place, seed), 0x9E3779B1) ^ times(place, 0x85EBCA6B)
    mixed = (mixed + np.uint64(0x6D2B79F5)) & full
    value = times(mixed ^ (mixed >> np.uint64(15)), mixed | np.uint64(1))
    value ^= (value + times(value ^ (value >> np.uint64(7)), value | np.uint64(61))) & full
    return ((value ^ (value >> np.uint64(14))) & full) / 2.0**32
