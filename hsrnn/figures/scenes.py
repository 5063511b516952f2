"""Pictures of rooms with digits, of sketches of them, and of what is remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from hsrnn.figures.style import WIDTH, Picture, colour, drawing

_ROLES = ("update", "second", "third", "changed", "flush", "ink", "muted", "copy")
_MARKS = "osD^vPX*"
WINDOW = 8


def plot_rooms(
    images: ArrayLike, titles: Sequence[str], corners: Sequence[ArrayLike] | None = None
) -> Picture:
    """Draw rooms side by side, and frames round what was found in them.

    Args:
        images: (n, height, width), 0 is paper; at most eight.
        titles: one a room.
        corners: for each room (m, 2), row and column of the upper left corner of each 8 x 8 window.

    Raises:
        ValueError: for no rooms, more than eight, or lists of other lengths.
    """
    rooms = np.asarray(images, dtype=float)
    if rooms.ndim != 3 or not 1 <= len(rooms) <= 8 or len(titles) != len(rooms):
        raise ValueError(
            f"images must be (1 to 8, height, width) with a title each, got {rooms.shape} and "
            f"{len(titles)} titles"
        )
    framed = [np.zeros((0, 2))] * len(rooms) if corners is None else [np.asarray(c) for c in corners]
    if len(framed) != len(rooms):
        raise ValueError(f"corners must be given for each of {len(rooms)} rooms, got {len(framed)}")
    with drawing():
        figure = Figure(figsize=(WIDTH, WIDTH / max(3, len(rooms)) + 0.3), layout="constrained")
        for axes, room, title, found in zip(
            figure.subplots(1, max(3, len(rooms)), squeeze=False)[0], rooms, titles, framed, strict=False
        ):
            axes.imshow(room, cmap="gray_r", interpolation="nearest")
            for row, column in found:
                axes.add_patch(
                    Rectangle(
                        (column - 0.5, row - 0.5), WINDOW, WINDOW, fill=False, edgecolor=colour("second"),
                        linewidth=1.4,
                    )
                )  # fmt: skip
            axes.set_title(title, fontsize=9, fontweight="normal")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(True)
        for axes in figure.axes[len(rooms) :]:
            axes.set_visible(False)
        parts = [
            f"{title}" + (f", {len(found)} frames" if len(found) else "")
            for title, found in zip(titles, framed, strict=True)
        ]
        return Picture(figure, f"Pictures of rooms with digits: {'; '.join(parts)}.", "png")


def plot_windows(rows: Mapping[str, ArrayLike], titles: Sequence[str]) -> Picture:
    """Draw small pictures in rows that belong together column by column, for example seen and remembered.

    Args:
        rows: name of a row -> (n, height, width) of points in [0, 1].
        titles: one a column.

    Raises:
        ValueError: for no rows, or rows of other lengths.
    """
    drawn = {name: np.asarray(row, dtype=float) for name, row in rows.items()}
    if not drawn or any(row.ndim != 3 or len(row) != len(titles) for row in drawn.values()):
        raise ValueError(f"rows must each hold {len(titles)} pictures, one a title")
    first = next(iter(drawn.values()))
    parts = []
    with drawing():
        figure = Figure(figsize=(WIDTH, 0.85 * len(drawn) + 0.3), layout="constrained")
        grid = figure.subplots(len(drawn), len(titles), squeeze=False)
        for number, (line, (name, row)) in enumerate(zip(grid, drawn.items(), strict=True)):
            for axes, window, title in zip(line, row, titles, strict=True):
                axes.imshow(window, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
                axes.set(xticks=[], yticks=[])
                axes.spines[:].set_visible(True)
                if number == 0:
                    axes.set_title(title, fontsize=9, fontweight="normal")
            line[0].set_ylabel(name, rotation=0, ha="right", va="center")
            if number:
                error = float(np.sqrt(np.mean((row - first) ** 2)))
                parts.append(f"{name} differs from the first row by {error:.3f} a point (root mean square)")
        said = f": {'; '.join(parts)}" if parts else ""
        return Picture(
            figure, f"Rows of small pictures, {', '.join(titles)}: {', '.join(drawn)}{said}.", "png"
        )


def plot_vector(values: ArrayLike, title: str = "") -> Picture:
    """Draw a vector as a strip of coloured cells, row by row, the first coordinate at the upper left.

    Args:
        values: (d,), d at least 1.
        title: what it is.

    Raises:
        ValueError: for anything else than a vector with entries.
    """
    vector = np.asarray(values, dtype=float)
    if vector.ndim != 1 or not len(vector):
        raise ValueError(f"values must be one vector (d,), got shape {vector.shape}")
    width = min(len(vector), 64)
    rows = -(-len(vector) // width)
    cells = np.full(rows * width, np.nan)
    cells[: len(vector)] = vector
    most = float(np.abs(vector).max()) or 1.0
    with drawing():
        figure = Figure(figsize=(WIDTH, 0.7 + WIDTH * rows / width), layout="constrained")
        axes = figure.subplots()
        shown = axes.imshow(cells.reshape(rows, width), cmap="RdBu_r", vmin=-most, vmax=most, aspect="equal")
        axes.set(xticks=[], yticks=[], title=title)
        figure.colorbar(shown, ax=axes, shrink=0.9)
        return Picture(
            figure,
            f"{title or 'A vector'}: {len(vector):,} numbers as coloured cells, from {vector.min():.3f} to "
            f"{vector.max():.3f}, root mean square {np.sqrt(np.mean(vector**2)):.4f}.",
            "png",
        )


def plot_by_size(
    sizes: ArrayLike, curves: Mapping[str, ArrayLike], *, x: str, y: str, title: str = "",
    lines: Mapping[str, ArrayLike] | None = None, log_y: bool = True,
) -> Picture:  # fmt: skip
    """Draw measured curves over a size on a doubling axis, and predicted ones as dashed lines.

    Args:
        sizes: (n,) above 0.
        curves: name -> (n,) measured values, drawn with marks; at most eight.
        x, y, title: words of the axes.
        lines: name -> (n,) values of a prediction or a floor.
        log_y: whether the values have a logarithmic axis too; then all must be above 0.

    Raises:
        ValueError: for no curves, too many, or lengths that differ.
    """
    sizes = np.asarray(sizes, dtype=float)
    known = {name: np.asarray(v, dtype=float) for name, v in {**curves, **(lines or {})}.items()}
    if not 1 <= len(curves) <= len(_ROLES) or any(len(values) != len(sizes) for values in known.values()):
        raise ValueError(
            f"curves must be 1 to {len(_ROLES)}, each with a value for each of {len(sizes)} sizes, got "
            f"{ {name: len(values) for name, values in known.items()} }"
        )
    with drawing():
        figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
        axes = figure.subplots()
        for name, role, marker in zip(curves, _ROLES, _MARKS):
            axes.plot(sizes, curves[name], marker=marker, markersize=5, color=colour(role), label=name)
        for name, values in (lines or {}).items():
            axes.plot(sizes, values, "--", color=colour("muted"), label=name)
        axes.set_xscale("log", base=2)
        if log_y:
            axes.set_yscale("log")
        axes.set_xticks(list(sizes), [f"{size:,.0f}" for size in sizes])
        axes.minorticks_off()
        axes.set(xlabel=x, ylabel=y, title=title)
        axes.grid(axis="y", linewidth=0.6)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        parts = [
            f"{name} from {values[0]:.3g} at {sizes[0]:,.0f} to {values[-1]:.3g} at {sizes[-1]:,.0f}"
            for name, values in known.items()
        ]
        return Picture(figure, f"{title or y} over {x}: {'; '.join(parts)}.")


def plot_hours(series: Mapping[str, ArrayLike], y: str) -> Picture:
    """Draw what is said of each of the 24 hours, as groups of bars.

    Args:
        series: name -> (24,); at most four.
        y: what is counted.

    Raises:
        ValueError: for no series, more than four, or another number of hours.
    """
    bars = {name: np.asarray(values, dtype=float) for name, values in series.items()}
    if not 1 <= len(bars) <= 4 or any(values.shape != (24,) for values in bars.values()):
        raise ValueError(f"series must be 1 to 4 times 24 hours, got {[v.shape for v in bars.values()]}")
    with drawing():
        figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
        axes = figure.subplots()
        for k, (name, values) in enumerate(bars.items()):
            width = 0.8 / len(bars)
            at = np.arange(24) + (k - (len(bars) - 1) / 2) * width
            axes.bar(at, values, width, color=colour(("muted", *_ROLES)[k]), label=name)
        axes.set(xlabel="hour of the day", ylabel=y, xticks=range(0, 24, 3))
        axes.legend()
        parts = [
            f"{name} is highest at hour {values.argmax()} ({values.max():.0f}) and {values.sum():.0f} in all"
            for name, values in bars.items()
        ]
        return Picture(figure, f"{y} by hour of the day: {'; '.join(parts)}.")


def plot_days(strangeness: ArrayLike, day: int, y: str) -> Picture:
    """Draw a number for each day, and mark one of them.

    Args:
        strangeness: (days,).
        day: the marked one, from 0.
        y: what the number is.

    Raises:
        ValueError: for a day that is not among them.
    """
    values = np.asarray(strangeness, dtype=float)
    if not 0 <= day < len(values):
        raise ValueError(f"day must be 0 to {len(values) - 1}, got {day}")
    with drawing():
        figure = Figure(figsize=(WIDTH, 2.4), layout="constrained")
        axes = figure.subplots()
        axes.bar(np.arange(len(values)), values, 1.0, color=colour("copy"))
        axes.bar([day], [values[day]], max(1.0, len(values) / 150), color=colour("second"))
        axes.annotate(f"day {day}", (day, values[day]), textcoords="offset points", xytext=(4, 3))
        axes.set(xlabel="day", ylabel=y, ylim=(0, 1.15 * values.max()))
        place = int((values > values[day]).sum()) + 1
        return Picture(
            figure,
            f"{y} of {len(values)} days: day {day} has {values[day]:.2f}, place {place} from the top; the "
            f"median of days above 0 is {np.median(values[values > 0]):.2f}.",
        )
