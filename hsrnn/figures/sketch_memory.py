"""Sketch memory: the living figure in which one vector remembers a room, and 365 vectors a year of rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from hsrnn.figures.living import LivingFigure
from hsrnn.figures.style import WIDTH, Picture, colour, drawing
from hsrnn.figures.weights import pack

FULL = 16
"""The darkest point of a picture."""

_BITS = 16
_LAYOUT = {"canvas", "window", "classes", "most", "strokes", "shares", "scene_shares", "rooms", "periods"}


class SketchMemory(LivingFigure):
    """A room's sketch as a strip from which the reader erases numbers, with what can still be read from it
    and each answer's predicted error; below, merged sketches of many days tell how many of a digit there
    were.

    The page remakes all matrices from the mechanism's seed and solves by least squares itself. Make one with
    `from_sketches`. Its `state` has the keys `room`, `keep` (numbers not erased), `how` ("prefix" or
    "random"), `bits` (16 or 8), `digit` and `day`.
    """

    module = "sketch_memory.js"
    styles = ("sketch.css",)

    @classmethod
    def from_sketches(
        cls,
        mechanism: Mapping[str, Any],
        rooms: Mapping[str, Any],
        year: Mapping[str, Any],
        *,
        weights: Mapping[str, ArrayLike],
        layout: Mapping[str, Any],
        picture: Picture,
        state: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> SketchMemory:
        """Return the figure.

        Args:
            mechanism: the JSON of a `hsrnn.sketches.Mechanism` with the modules stroke, digit and scene and
                randomised Hadamard matrices.
            rooms: `sketches` `(n, d)`, `images` `(n, canvas, canvas)` of 0 to 16, and for each room its
                `names`, the true `labels` of its digits from left to right (a number that is no class for a
                mark that is no digit), the `classes` `(digits, classes)` that its attributes held, and the
                words of the `truth`.
            year: merged sketches `days` `(days, d)` and `hours` `(hours, d)`, true `day_counts` and
                `hour_counts` `(days or hours, classes)`, and the numbers of scenes `day_scenes` and
                `hour_scenes` by which an answer is multiplied.
            weights: decoders to points: `digit.decode.0`, `digit.decode.2` and `stroke.decode`, each with
                `.weight` and `.bias`.
            layout: sizes `canvas`, `window`, `classes`; `most` digits a room, `strokes` a digit; names of
                `rooms` and `periods`; `shares` of class, look and place in a digit's attributes and
                `scene_shares` of room and period.
            picture: what is shown where no JavaScript runs, for example from `plot_sketch_memory`.
            state: what the reader starts from; the first room with nothing erased by default.
            name: see `LivingFigure`.

        Raises:
            ValueError: for another family of matrices, a missing entry, or shapes that do not fit.
        """
        if mechanism["family"]["name"] != "hadamard":
            raise ValueError(f"mechanism must have the family hadamard, got {mechanism['family']['name']!r}")
        missing = _LAYOUT - set(layout)
        if missing:
            raise ValueError(f"layout must have {', '.join(sorted(_LAYOUT))}, got none of {sorted(missing)}")
        d, canvas, classes = mechanism["dimension"], layout["canvas"], layout["classes"]
        images = _shaped(rooms["images"], (None, canvas, canvas), "images")
        number = len(images)
        for key in ("names", "labels", "classes", "truth"):
            if len(rooms[key]) != number:
                raise ValueError(f"{key} must be {number}, one a room, got {len(rooms[key])}")
        days = _shaped(year["days"], (None, d), "days")
        hours = _shaped(year["hours"], (None, d), "hours")
        counts = {
            key: _shaped(year[f"{key[:-1]}_counts"], (len(rows), classes), f"{key[:-1]}_counts").astype(int)
            for key, rows in (("days", days), ("hours", hours))
        }
        packed = {"rooms": _shaped(rooms["sketches"], (number, d), "sketches"), "days": days, "hours": hours}
        start = {"room": 0, "keep": d, "how": "prefix", "bits": _BITS, "digit": 7, "day": 0}
        data = {
            "mechanism": dict(mechanism), "layout": dict(layout), "classes": classes,
            "most": layout["most"], "strokes": layout["strokes"],
            "sketches": pack(packed, _BITS),
            "weights": pack({key: np.asarray(array) for key, array in weights.items()}, _BITS),
            "rooms": {
                "names": list(rooms["names"]), "labels": [[int(x) for x in row] for row in rooms["labels"]],
                "truth": [list(words) for words in rooms["truth"]],
                "classes": [np.round(np.asarray(each, float), 3) for each in rooms["classes"]],
                "images": ["".join("0123456789abcdefg"[int(x)] for x in image.flat) for image in images],
            },
            "year": counts | {"scenes": {"days": year["day_scenes"], "hours": year["hour_scenes"]}},
        }  # fmt: skip
        return cls(data, state=start | dict(state or {}), alt=picture.alt, fallback=picture, name=name)


def _shaped(value: ArrayLike, shape: tuple[int | None, ...], name: str) -> NDArray[Any]:
    array = np.asarray(value)
    fits = array.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=False))
    if not fits or not np.isfinite(array).all():
        said = ", ".join("n" if n is None else str(n) for n in shape)
        raise ValueError(f"{name} must be ({said}) finite numbers, got shape {array.shape}")
    return array


def plot_sketch_memory(
    sketch: ArrayLike,
    truth: ArrayLike,
    keeps: Sequence[int],
    pictures: Sequence[ArrayLike | None],
    measured: ArrayLike,
    predicted: ArrayLike,
    *,
    labels: Sequence[str] = (),
) -> Picture:
    """Draw what is read from one sketch as more and more of it is erased from its end.

    Args:
        sketch: `(d,)`.
        truth: `(canvas, canvas)` points in [0, 1]: what was there.
        keeps: how many numbers are kept, most first.
        pictures: for each, the points that are read from what is kept; None where nothing is determined.
        measured: `(k,)` root mean square errors of the attributes that were read; not finite where none were.
        predicted: `(k,)` predicted errors.
        labels: for each, in a few words, which digits were read.

    Raises:
        ValueError: for lists that do not fit one another.
    """
    values, image = _shaped(sketch, (None,), "sketch"), np.asarray(truth, float)
    errors = np.asarray(measured, float), np.asarray(predicted, float)
    if not len(keeps) == len(pictures) == len(errors[0]) == len(errors[1]) == (len(labels) or len(keeps)):
        raise ValueError(f"pictures, errors and labels must be {len(keeps)}, one for each number kept")
    texts = list(labels) or [""] * len(keeps)
    with drawing():
        figure = Figure(figsize=(WIDTH, 0.48 * WIDTH), layout="constrained")
        grid = figure.add_gridspec(2, len(keeps) + 1, height_ratios=(1, 2.4))
        strip = figure.add_subplot(grid[0, :])
        strip.vlines(np.arange(len(values)), 0, values, color=colour("accent"), linewidth=0.5)
        for keep in keeps[1:]:
            strip.axvline(keep, color=colour("second"), linestyle="--", linewidth=1.2)
            strip.annotate(str(keep), (keep, values.max()), fontsize=8, ha="right", va="top")
        strip.set(xlim=(0, len(values)), yticks=[], xlabel="number of the sketch; dashed: kept up to here")
        shown = [("what was there", image, "")]
        for keep, picture, own, bar, text in zip(keeps, pictures, *errors, texts, strict=True):
            said = f"error {own:.1g}\npredicted {bar:.1g}" if picture is not None else "not determined"
            shown.append((f"{keep} kept", picture, f"{text}\n{said}".strip()))
        for k, (title, points, said) in enumerate(shown):
            axes = figure.add_subplot(grid[1, k])
            axes.imshow(
                np.zeros_like(image) + 0.12 if points is None else points, cmap="Greys", vmin=0, vmax=1
            )
            axes.set_title(title, fontsize=9)
            axes.set_xlabel(said, fontsize=8)
            axes.set(xticks=[], yticks=[])
        told = [
            f"with {keep} numbers {text} (error {own:.1g}, predicted {bar:.1g})"
            if picture is not None
            else f"with {keep} numbers nothing is determined"
            for keep, picture, own, bar, text in zip(keeps, pictures, *errors, texts, strict=True)
        ]
        return Picture(
            figure,
            f"A sketch of {len(values)} numbers and the room read from its first ones: {'; '.join(told)}.",
            "svg",
        )
