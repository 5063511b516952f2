"""Pictures of an HM-LSTM at work on a text: operations, gates and segments, letter by letter.

They follow Figures 3 and 4 of Chung, Ahn and Bengio (arXiv 1609.01704): the letters in lines at the bottom,
one row a layer above them, layer 1 nearest to the letters. Operations are coded as everywhere in the package:
0 COPY, 1 UPDATE, 2 FLUSH. Every function returns a `Picture` whose text alternative is made from the same
arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hsrnn.figures.style import WIDTH, Picture, colour, drawing

OPERATION_NAMES = ("COPY", "UPDATE", "FLUSH")
LETTERS_PER_LINE = 48
"""Letters in one line of a picture; a longer text goes on in the next line."""

_MONO = "DejaVu Sans Mono"
_SIGNS = {" ": "␣", "\n": "↵"}


def plot_operations(text: str, operations: np.ndarray, boundaries: np.ndarray | None = None) -> Picture:
    """Draw what every layer does at every letter: a line for COPY, a blue U for UPDATE, an orange F for
    FLUSH.

    Args:
        text: T symbols.
        operations: `(T, L)`, 0 COPY, 1 UPDATE, 2 FLUSH.
        boundaries: `(T, L - 1)` of 0 and 1; a boundary is drawn as a bar at the right edge of its cell.

    Raises:
        ValueError: if the shapes do not fit the text or an operation is not 0, 1 or 2.
    """
    operations = _check(text, operations, "operations")
    layers = operations.shape[1]
    if not np.isin(operations, (0, 1, 2)).all():
        raise ValueError(
            f"operations must be 0, 1 or 2, got values {sorted(set(operations.ravel().tolist()))}"
        )
    if boundaries is not None:
        boundaries = _check(text, boundaries, "boundaries")
        if boundaries.shape[1] != layers - 1:
            raise ValueError(
                f"boundaries must be (T, {layers - 1}) for {layers} layers, got {boundaries.shape}"
            )
    with drawing():
        figure, lines = _lines(text, rows=layers)
        for axes, start, stop in lines:
            for t in range(start, stop):
                for layer in range(layers):
                    boundary = (
                        boundaries is not None and layer < layers - 1 and bool(boundaries[t, layer] == 1)
                    )
                    _draw_cell(axes, t - start, layer + 1, int(operations[t, layer]), boundary)
        _name_rows(lines[0][0], [f"layer {layer + 1}" for layer in range(layers)])
        _explain_cells(lines[-1][0], boundaries is not None)
        return Picture(figure, describe_operations(text, operations), "png")


def describe_operations(text: str, operations: np.ndarray) -> str:
    """Return the text alternative of a text's operations: how often each layer does what."""
    length, layers = operations.shape
    parts = []
    for layer in range(layers):
        counts = [int((operations[:, layer] == kind).sum()) for kind in range(3)]
        parts.append(f"layer {layer + 1}: {counts[1]} UPDATE, {counts[2]} FLUSH, {counts[0]} COPY")
    copied = float((operations == 0).mean())
    return (
        f"Operations of {layers} layers at the {length} letters of “{shorten(text)}”. {'; '.join(parts)}. "
        f"{100 * copied:.0f} % of all states are copied."
    )


def plot_gates(text: str, gates: np.ndarray) -> Picture:
    """Draw how far the output module opens to each layer at each letter, as bars from 0 to 1.

    Args:
        text: T symbols.
        gates: `(T, L)` in [0, 1].

    Raises:
        ValueError: if the shape does not fit the text or a gate is outside [0, 1].
    """
    gates = _check(text, gates, "gates")
    if gates.min() < 0 or gates.max() > 1:
        raise ValueError(f"gates must lie in [0, 1], got {gates.min():g} to {gates.max():g}")
    layers = gates.shape[1]
    with drawing():
        figure, lines = _lines(text, rows=layers)
        for axes, start, stop in lines:
            for layer in range(layers):
                axes.axhline(layer + 1, color=colour("line"), linewidth=0.6, zorder=0)
                height = 0.82 * gates[start:stop, layer]
                places = np.arange(stop - start) + 0.5
                axes.bar(places, height, bottom=layer + 1, width=0.7, color=colour("update"), linewidth=0)
        _name_rows(lines[0][0], [f"layer {layer + 1}" for layer in range(layers)])
        means = ", ".join(
            f"{mean:.2f} for layer {layer + 1}" for layer, mean in enumerate(gates.mean(axis=0))
        )
        alt = (
            f"Gates of the output module at the {len(text)} letters of “{shorten(text)}”; on average {means}."
        )
        return Picture(figure, alt, "png")


def plot_segment_tree(text: str, boundaries: np.ndarray) -> Picture:
    """Draw the segments between boundaries as brackets over the letters, the highest layer on top.

    Args:
        text: T symbols.
        boundaries: `(T, K)` of 0 and 1 for layers 1 to K; a boundary at t makes t the last letter of a
            segment of its layer and of all layers below.

    Raises:
        ValueError: if the shape does not fit the text.
    """
    boundaries = _check(text, boundaries, "boundaries")
    layers = boundaries.shape[1]
    # A boundary of a higher layer ends the segments below it too: without that they would overlap, not nest.
    ends = np.maximum.accumulate(boundaries[:, ::-1], axis=1)[:, ::-1]
    found = [segments(ends[:, layer]) for layer in range(layers)]
    with drawing():
        figure, lines = _lines(text, rows=layers)
        for axes, start, stop in lines:
            for layer in range(layers):
                for first, last in found[layer]:
                    if last >= start and first < stop:
                        _draw_bracket(axes, layer, max(first, start) - start, min(last, stop - 1) - start + 1)
        _name_rows(lines[0][0], [f"layer {layer + 1}" for layer in range(layers)])
        parts = [f"layer {layer + 1} {len(found[layer])} segments" for layer in range(layers)]
        examples = ", ".join(f"“{text[first : last + 1]}”" for first, last in found[0][:5]).replace("\n", "↵")
        heading = f"Segments of the {len(text)} letters of “{shorten(text)}”: {', '.join(parts)}."
        return Picture(figure, f"{heading} Layer 1 begins {examples}.")


def segments(boundaries: np.ndarray) -> list[tuple[int, int]]:
    """Return (first, last) of each stretch that a boundary at its last letter ends, and of the open rest."""
    ends = np.flatnonzero(np.asarray(boundaries) == 1).tolist()
    if not ends or ends[-1] != len(boundaries) - 1:
        ends.append(len(boundaries) - 1)
    starts = [0, *(end + 1 for end in ends[:-1])]
    return list(zip(starts, ends, strict=True))


def plot_operation_table() -> Picture:
    """Draw which operation the two boundaries choose: the layer's own at t - 1, and the one below at t."""
    with drawing():
        figure = Figure(figsize=(WIDTH * 0.72, 1.9))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 10), ylim=(0, 4.2))
        axes.axis("off")
        rows = [
            ("0", "0", 0, "keep the old state"),
            ("0", "1", 1, "add to the old state what the layer below says"),
            ("1", "0 or 1", 2, "pass the old state up, begin a new one"),
        ]
        for x, title in ((0.1, "own boundary\nat t − 1"), (1.9, "boundary below\nat t"), (4.0, "operation")):
            axes.text(x, 3.6, title, va="center", color=colour("muted"))
        for index, (own, below, operation, effect) in enumerate(rows):
            y = 2.5 - index
            axes.text(0.6, y, own, va="center", fontfamily=_MONO)
            axes.text(2.3, y, below, va="center", fontfamily=_MONO)
            _draw_cell(axes, 4.0, y - 0.5, operation, width=0.55)
            axes.text(4.75, y, OPERATION_NAMES[operation], va="center", fontweight="bold")
            axes.text(6.0, y, effect, va="center")
        alt = (
            "Table of operations. Own boundary 0 and boundary below 0: COPY, keep the old state. Own 0 and "
            "below 1: UPDATE, add what the layer below says. Own 1, whatever is below: FLUSH, pass the state "
            "up and begin anew."
        )
        return Picture(figure, alt)


def shorten(text: str, longest: int = 40) -> str:
    """Return a text fit for a sentence: newlines as signs, and cut after `longest` symbols."""
    text = text.replace("\n", "↵")
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _check(text: str, values: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(values)
    if not text:
        raise ValueError("text must have at least one symbol")
    if values.ndim != 2 or values.shape[0] != len(text):
        raise ValueError(f"{name} must be (T, layers) with T = {len(text)} letters, got shape {values.shape}")
    return values


def _lines(text: str, rows: int) -> tuple[Figure, list[tuple[Axes, int, int]]]:
    """Return a figure with one set of axes a line of text: the letters, and `rows` empty rows above."""
    starts = range(0, len(text), LETTERS_PER_LINE)
    columns = min(len(text), LETTERS_PER_LINE)
    cell = (WIDTH - 0.75) / LETTERS_PER_LINE
    row = 0.24
    height = (rows + 1) * row
    total = len(starts) * (height + 0.16)
    figure = Figure(figsize=(columns * cell + 0.75, total))
    lines = []
    for number, start in enumerate(starts):
        stop = min(start + LETTERS_PER_LINE, len(text))
        bottom = total - (number + 1) * (height + 0.16) + 0.08
        full = columns * cell + 0.75
        axes = figure.add_axes((0.7 / full, bottom / total, columns * cell / full, height / total))
        axes.set(xlim=(0, columns), ylim=(0, rows + 1))
        axes.axis("off")
        for t in range(start, stop):
            sign = _SIGNS.get(text[t], text[t])
            shade = colour("copy") if text[t] in _SIGNS else colour("ink")
            axes.text(
                t - start + 0.5,
                0.5,
                sign,
                ha="center",
                va="center",
                fontfamily=_MONO,
                fontsize=10,
                color=shade,
            )
        lines.append((axes, start, stop))
    return figure, lines


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    for row, name in enumerate(names):
        axes.text(-0.5, row + 1.5, name, ha="right", va="center", color=colour("muted"), fontsize=8.5)


def _draw_cell(
    axes: Axes, x: float | int, y: float | int, operation: int, boundary: bool = False, width: float = 1.0
) -> None:
    """Draw one operation in the cell whose lower left corner is (x, y), and a boundary at its right edge."""
    if operation == 0:
        line = {"color": colour("copy"), "linewidth": 1.2, "solid_capstyle": "butt"}
        axes.plot((x, x + width), (y + 0.5, y + 0.5), clip_on=False, **line)
    else:
        role, letter = (("update", "U"), ("flush", "F"))[operation - 1]
        box = Rectangle((x + 0.05, y + 0.1), width - 0.1, 0.8, color=colour(role), linewidth=0, clip_on=False)
        axes.add_patch(box)
        style = {"ha": "center", "va": "center", "fontsize": 6.5, "fontweight": "bold"}
        axes.text(x + width / 2, y + 0.48, letter, color=colour(f"on-{role}"), **style)
    if boundary:
        right = x + width
        axes.plot((right, right), (y, y + 1), color=colour("ink"), linewidth=2.4, zorder=3, clip_on=False)


def _explain_cells(axes: Axes, boundary: bool) -> None:
    """Write the key to the cells below a line of letters."""
    style = {"va": "center", "fontsize": 8, "color": colour("muted")}
    for x, operation in ((0, 0), (6, 1), (13, 2)):
        _draw_cell(axes, x, -1.1, operation)
        axes.text(x + 1.3, -0.6, OPERATION_NAMES[operation], **style)
    if boundary:
        axes.plot((19.5, 19.5), (-1.1, -0.1), color=colour("ink"), linewidth=2.4, clip_on=False)
        axes.text(20.1, -0.6, "boundary", **style)


def _draw_bracket(axes: Axes, layer: int, left: int, right: int) -> None:
    top, foot = layer + 1.72, layer + 1.22
    xs, ys = (left + 0.15, left + 0.15, right - 0.15, right - 0.15), (foot, top, top, foot)
    axes.plot(
        xs, ys, color=colour("ink") if layer else colour("update"), linewidth=1.4, solid_joinstyle="round"
    )
