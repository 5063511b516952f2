"""Pictures of extractions: accuracy by the number of clusters, and means with intervals side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hsrnn.figures.style import LAYER_COLOURS, WIDTH, Picture, colour, drawing

Interval = tuple[float, float, float]
"""A mean, and the lower and upper end of its interval."""

_ROLES = ("ink", *LAYER_COLOURS, "changed", "muted")
_MARKS = "osD^v<"
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 2)))


def plot_sweep(
    n_clusters: Sequence[int], accuracy: Mapping[str, Sequence[float]], title: str = ""
) -> Picture:
    """Draw how accurate the automata read from several networks are, by the number k of clusters.

    The first k at which a network's automaton is right on every word is marked.

    Args:
        n_clusters: the k, growing.
        accuracy: name of a network -> for each k the share of words, in [0, 1], that its automaton gets
            right. At most six networks.
        title: what was classified.

    Raises:
        ValueError: for no network, more than six, k that do not grow, or accuracies that do not fit.
    """
    k = [int(number) for number in n_clusters]
    if not k or any(later <= earlier for earlier, later in zip(k, k[1:])):
        raise ValueError(f"n_clusters must grow, at least one, got {k}")
    if not 1 <= len(accuracy) <= len(_ROLES):
        raise ValueError(f"accuracy must hold 1 to {len(_ROLES)} networks, got {len(accuracy)}")
    told = []
    with drawing():
        figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
        axes = figure.subplots()
        for place, (name, values) in enumerate(accuracy.items()):
            shares = np.asarray(values, float)
            if shares.shape != (len(k),) or not ((shares >= 0) & (shares <= 1)).all():
                raise ValueError(
                    f"accuracy[{name!r}] must be {len(k)} shares in [0, 1], one for each k, got {values}"
                )
            shade = colour(_ROLES[place])
            axes.plot(k, shares, linestyle=_DASHES[place], color=shade, marker=_MARKS[place],
                      markersize=3, label=name)  # fmt: skip
            right = np.flatnonzero(shares == 1)
            if len(right):
                first = k[right[0]]
                axes.plot(first, 1, _MARKS[place], color=shade, markersize=11, markerfacecolor="none")
                told.append(f"{name}: first right on every word with k = {first}")
            else:
                told.append(f"{name}: at best {shares.max():.3f}, with k = {k[int(shares.argmax())]}")
        axes.set(title=title, xlabel="clusters k", ylabel="accuracy")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.margins(y=0.1)  # room for the outlines at 1
        axes.grid(axis="y", linewidth=0.6)
        axes.legend(loc="lower right")
        heading = f"{title}. " if title else ""
        return Picture(
            figure,
            f"{heading}Accuracy of the automaton by the number of clusters, k = {k[0]} to {k[-1]}. "
            f"{'; '.join(told)}.",
        )


def plot_intervals(
    rows: Mapping[str, Mapping[str, Interval]], xlabel: str, title: str = "", *, zero: bool = False
) -> Picture:
    """Draw means with intervals: a group of lines for each row, one line for each series in it.

    Args:
        rows: name of a row -> name of a series -> mean, lower and upper end of its interval. A series may be
            missing from a row. At most six series.
        xlabel: what the numbers are.
        title: heading of the picture.
        zero: mark 0, for differences.

    Raises:
        ValueError: for no row or series, more than six series, or numbers out of order.
    """
    series = list(dict.fromkeys(name for found in rows.values() for name in found))
    if not 1 <= len(series) <= len(_ROLES):
        raise ValueError(f"rows must hold 1 to {len(_ROLES)} series, got {len(series)}")
    step = 0.8 / len(series)
    told = []
    with drawing():
        height = 0.9 + len(rows) * (0.14 + 0.15 * len(series))
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.subplots()
        for number, (row, found) in enumerate(rows.items()):
            parts = []
            for name, (mean, low, high) in found.items():
                if not low <= mean <= high:
                    raise ValueError(
                        f"rows[{row!r}][{name!r}] must be a mean between the ends of its interval, got "
                        f"{mean}, {low} and {high}"
                    )
                place = series.index(name)
                y = number + (place - (len(series) - 1) / 2) * step
                axes.errorbar(
                    mean, y, xerr=[[mean - low], [high - mean]], fmt=_MARKS[place], markersize=5,
                    color=colour(_ROLES[place]), elinewidth=1.6, capsize=2.5,
                    label=None if name in axes.get_legend_handles_labels()[1] else name,
                )  # fmt: skip
                parts.append(f"{name} {mean:.2f} ({low:.2f} to {high:.2f})")
            told.append(f"{row}: {', '.join(parts) or 'nothing'}")
            if number:
                axes.axhline(number - 0.5, color=colour("line"), linewidth=0.6)
        if zero:
            axes.axvline(0, color=colour("muted"), linewidth=1)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.tick_params(axis="y", length=0)
        axes.set(xlabel=xlabel, title=title, ylim=(len(rows) - 0.5, -0.5))
        axes.grid(axis="x", linewidth=0.6)
        if len(series) > 1:
            # In the order of the series, also where the first row lacks one.
            shown = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
            axes.legend([shown[name] for name in series], series, loc="upper left", bbox_to_anchor=(1, 1))
        heading = f"{title}. " if title else ""
        return Picture(figure, f"{heading}{xlabel}, mean and interval. {'; '.join(told)}.")
