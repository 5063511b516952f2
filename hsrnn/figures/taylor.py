"""Pictures of a polynomial network: grids of numbers side by side, logits order by order, and its degree.

All grids of one picture share one scale of colours, from blue (below zero) over white to orange (above), so
that equal colours are equal numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from hsrnn.figures.style import LAYER_COLOURS, WIDTH, Picture, colour, drawing

SIGNED = LinearSegmentedColormap.from_list("signed", [colour("accent"), colour("paper"), colour("second")])
"""Below zero, zero, above zero; the two ends differ in lightness for no common colour-vision difference."""


def plot_grids(
    grids: Mapping[str, ArrayLike], *, columns: int = 4, numbers: bool = False, outlines: Sequence[int] = ()
) -> Picture:
    """Draw named grids of numbers as small pictures on one scale of colours.

    Args:
        grids: name -> `(rows, columns)`.
        columns: pictures in a row.
        numbers: write the numbers into the cells.
        outlines: sites per side of blocks to be outlined, one for each grid; 0 for none.

    Raises:
        ValueError: for no grid, one that is not a table of finite numbers, or outlines of another count.
    """
    tables = {name: np.asarray(grid, float) for name, grid in grids.items()}
    if not tables:
        raise ValueError("grids must hold at least one grid")
    for name, table in tables.items():
        if table.ndim != 2 or 0 in table.shape or not np.isfinite(table).all():
            raise ValueError(f"grids[{name!r}] must be a table of finite numbers, got shape {table.shape}")
    if outlines and len(outlines) != len(tables):
        raise ValueError(f"outlines must be {len(tables)}, one a grid, got {len(outlines)}")
    largest = max(float(np.abs(table).max()) for table in tables.values()) or 1.0
    rows = -(-len(tables) // columns)
    with drawing():
        side = WIDTH / columns
        figure = Figure(figsize=(WIDTH, rows * (side + 0.22)), layout="constrained")
        places = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in places[len(tables) :]:
            axes.axis("off")
        for k, (name, table) in enumerate(tables.items()):
            axes = places[k]
            axes.imshow(table, cmap=SIGNED, vmin=-largest, vmax=largest, interpolation="nearest")
            axes.set_title(name, fontsize=9, fontweight="normal")
            axes.set(xticks=(), yticks=())
            axes.spines[:].set(visible=True, color=colour("line"))
            if numbers:
                for (i, j), value in np.ndenumerate(table):
                    axes.text(j, i, f"{value:.3g}", ha="center", va="center", color=colour("ink"))
            if outlines and outlines[k]:
                height, width = table.shape
                for at in range(0, height + 1, outlines[k]):
                    axes.plot([-0.5, width - 0.5], [at - 0.5] * 2, color=colour("muted"), linewidth=0.8)
                for at in range(0, width + 1, outlines[k]):
                    axes.plot([at - 0.5] * 2, [-0.5, height - 0.5], color=colour("muted"), linewidth=0.8)
        parts = [
            f"{name}, {rows} x {columns}, from {low:.3g} to {high:.3g}"
            for name, (rows, columns), low, high in (
                (name, table.shape, table.min() + 0.0, table.max() + 0.0) for name, table in tables.items()
            )
        ]
        return Picture(figure, f"Grids of numbers: {'; '.join(parts)}.", "png")


def plot_orders(parts: ArrayLike, names: Sequence[str], *, truth: int | None = None) -> Picture:
    """Draw what every order adds to every logit, and their sums below.

    Args:
        parts: `(orders, classes)`.
        names: of the classes.
        truth: number of the true class, to be marked.

    Raises:
        ValueError: for another shape, numbers that are not finite, or a class that is none.
    """
    table = np.asarray(parts, float)
    if table.ndim != 2 or table.shape[1] != len(names) or not np.isfinite(table).all():
        raise ValueError(f"parts must be finite (orders, {len(names)}), got shape {table.shape}")
    if truth is not None and not 0 <= truth < len(names):
        raise ValueError(f"truth must lie in 0 .. {len(names) - 1}, got {truth}")
    total = table.sum(0)
    largest = max(float(np.abs(table).max()), float(np.abs(total).max())) or 1.0
    with drawing():
        figure = Figure(figsize=(WIDTH, 0.9 + 0.3 * (len(table) + 1)), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(len(table), 1))
        for axes, values in ((upper, table), (lower, total[None])):
            axes.imshow(values, cmap=SIGNED, vmin=-largest, vmax=largest, aspect="auto")
            for (i, j), value in np.ndenumerate(values):
                shown = round(value, 1) + 0.0  # no minus before a zero
                axes.text(j, i, f"{shown:.1f}", ha="center", va="center", color=colour("ink"))
            axes.tick_params(length=0)
        upper.set_yticks(range(len(table)), [f"order {k}" for k in range(len(table))])
        lower.set_yticks([0], ["logit"])
        marks = [f"{name}{' (true)' if k == truth else ''}" for k, name in enumerate(names)]
        lower.set_xticks(range(len(names)), marks)
        said = "; ".join(f"{name} {value:.1f}" for name, value in zip(names, total, strict=True))
        strong = np.abs(table).max(1).argmax()
        true = "" if truth is None else f" True class: {names[truth]}."
        alt = f"Contributions of orders 0 to {len(table) - 1} to the logits, which are {said}.{true}"
        return Picture(figure, f"{alt} The largest single contribution is of order {strong}.", "png")


def plot_degrees(sizes: Mapping[str, ArrayLike], degrees: Mapping[str, int]) -> Picture:
    """Draw how large the differences of an order are, and mark the degree behind which nothing is left.

    Args:
        sizes: name -> sizes of the first, second, ... difference, above 0.
        degrees: name -> degree.

    Raises:
        ValueError: for more than three series, sizes that are not positive, or other names.
    """
    if not 1 <= len(sizes) <= len(LAYER_COLOURS) or set(sizes) != set(degrees):
        raise ValueError(
            f"sizes and degrees need the same 1 to {len(LAYER_COLOURS)} names, got {list(sizes)}"
        )
    curves: dict[str, NDArray[np.floating]] = {name: np.asarray(y, float) for name, y in sizes.items()}
    if any(y.ndim != 1 or not (y > 0).all() for y in curves.values()):
        raise ValueError("sizes must be rows of numbers above 0")
    with drawing():
        figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
        axes = figure.subplots()
        for (name, y), role, mark in zip(curves.items(), LAYER_COLOURS, "osD"):
            axes.semilogy(range(1, len(y) + 1), y, marker=mark, color=colour(role), label=name)
            axes.axvline(degrees[name] + 0.5, color=colour(role), linestyle=":", linewidth=1.2)
        axes.set(
            xlabel="difference of this order", ylabel="size, relative", title="What is left of the logit"
        )
        axes.legend()
        parts = [f"{name}: they vanish behind {degrees[name]}" for name in curves]
        return Picture(figure, f"Sizes of finite differences along a line. {'; '.join(parts)}.")


def plot_shares(shares: Mapping[str, ArrayLike], ticks: Sequence[str], *, title: str, xlabel: str) -> Picture:
    """Draw shares in [0, 1] as up to three lines over the same steps.

    Args:
        shares: name -> one share a step.
        ticks: names of the steps.
        title: above the picture.
        xlabel: what the steps are.

    Raises:
        ValueError: for more than three lines, another number of steps, or a share outside [0, 1].
    """
    lines = {name: np.asarray(values, float) for name, values in shares.items()}
    if not 1 <= len(lines) <= len(LAYER_COLOURS):
        raise ValueError(f"shares must hold 1 to {len(LAYER_COLOURS)} lines, got {len(lines)}")
    for name, values in lines.items():
        if values.shape != (len(ticks),) or not ((values >= 0) & (values <= 1)).all():
            raise ValueError(f"shares[{name!r}] must be {len(ticks)} numbers in [0, 1], got {values}")
    with drawing():
        figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
        axes = figure.subplots()
        for (name, values), role, mark in zip(lines.items(), LAYER_COLOURS, "osD"):
            axes.plot(range(len(ticks)), values, marker=mark, color=colour(role), label=name)
        axes.set(title=title, xlabel=xlabel, ylim=(0, 1.04))
        axes.set_xticks(range(len(ticks)), ticks)
        axes.grid(axis="y", linewidth=0.6)
        axes.legend()
        parts = [f"{name}: {', '.join(f'{value:.2f}' for value in values)}" for name, values in lines.items()]
        return Picture(figure, f"{title}, over {xlabel} {', '.join(ticks)}. {'; '.join(parts)}.")
