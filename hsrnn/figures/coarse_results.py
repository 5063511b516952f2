"""A picture of finished runs of the coarse room: accuracy against parameters, beside floors and the work of
others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from hsrnn.figures.style import LAYER_COLOURS, WIDTH, Picture, colour, drawing

_ROLES = (*LAYER_COLOURS, "changed", "flush", "ink", "muted")
_MARKS = "osD^v<>"
_TICKS = (
    0,
    20,
    40,
    60,
    70,
    80,
    90,
    95,
    98,
    99,
    99.5,
    99.8,
    99.9,
)  # per cent, where an axis of errors has room

Points = Sequence[tuple[int, Sequence[float]]]
"""For each network its parameters and its accuracies in per cent, one a seed."""


def plot_sizes(
    networks: Mapping[str, Points],
    floors: Mapping[str, tuple[int, float]] | None = None,
    anchors: Mapping[str, float] | None = None,
    title: str = "",
) -> Picture:
    """Draw test accuracy against parameters: means with the range over seeds.

    The axis of accuracies is logarithmic in the error, since from 98 to 99 % half of the errors go.

    Args:
        networks: kind -> its networks; those of a kind are joined by a line. At most seven kinds.
        floors: classifier -> parameters and accuracy in per cent, drawn as open marks.
        anchors: what others report -> accuracy in per cent, drawn as lines across, as their sizes differ.
        title: heading of the picture.

    Raises:
        ValueError: for no kind, more than seven, a kind without networks or seeds, or numbers out of range.
    """
    floors, anchors = floors or {}, anchors or {}
    if not 1 <= len(networks) <= len(_ROLES):
        raise ValueError(f"networks must hold 1 to {len(_ROLES)} kinds, got {len(networks)}")
    for kind, points in networks.items():
        if not points or any(not len(found) for _, found in points):
            raise ValueError(f"networks[{kind!r}] must hold at least one network with at least one seed")
    known = [(size, value) for points in networks.values() for size, found in points for value in found]
    known += [*floors.values(), *((1, value) for value in anchors.values())]
    if any(size < 1 or not 0 <= value < 100 for size, value in known):
        raise ValueError("parameters must be at least 1 and accuracies in [0, 100) per cent")
    told = []
    with drawing():
        figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
        axes = figure.subplots()
        for place, (kind, points) in enumerate(networks.items()):
            sizes = [size for size, _ in sorted(points)]
            seeds = [np.asarray(found, float) for _, found in sorted(points)]
            error = np.array([100 - found.mean() for found in seeds])
            bars = [
                error - [100 - found.max() for found in seeds],
                [100 - found.min() for found in seeds] - error,
            ]
            axes.errorbar(
                sizes, error, yerr=np.maximum(bars, 0), fmt=_MARKS[place] + "-", markersize=6, capsize=2.5,
                color=colour(_ROLES[place]), linewidth=1.2, elinewidth=1.4, label=kind, zorder=3,
            )  # fmt: skip
            told += [
                f"{kind}, {size:,} parameters: {found.mean():.2f} %"
                + (f" ({found.min():.2f} to {found.max():.2f})" if len(found) > 1 else "")
                for size, found in zip(sizes, seeds, strict=True)
            ]
        for place, (name, (size, value)) in enumerate(floors.items()):
            axes.plot(
                size, 100 - value, "sD^vPX"[place % 6], markersize=6, markerfacecolor="none",
                color=colour("muted"), linestyle="none", label=name,
            )  # fmt: skip
            told.append(f"{name}, {size:,} parameters: {value:.2f} %")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.margins(x=0.08, y=0.08)
        low, high = sorted(axes.get_ylim())
        if anchors:
            low = min(low, 0.93 * min(100 - value for value in anchors.values()))
            high = max(high, 1.07 * max(100 - value for value in anchors.values()))
        axes.set_ylim(min(100.0, high), low)  # errors fall upwards
        ticks = [tick for tick in _TICKS if low <= 100 - tick <= high]
        axes.set_yticks([100 - tick for tick in ticks], [f"{tick:g}" for tick in ticks])
        axes.yaxis.set_minor_locator(NullLocator())
        left, right = axes.get_xlim()
        decades = [step * 10**power for power in range(12) for step in (1, 2, 5)]
        shown = [at for at in decades if left <= at <= right]
        axes.set_xticks(shown, [f"{at:,}" for at in shown])
        axes.xaxis.set_minor_locator(NullLocator())
        for name, value in anchors.items():
            axes.axhline(100 - value, color=colour("line"), linewidth=0.9, zorder=1)
            told.append(f"{name}, by others: {value:g} %")
        _beside(axes, {name: 100 - value for name, value in anchors.items()}, low, min(100.0, high))
        axes.set(title=title, xlabel="parameters", ylabel="test accuracy, %")
        axes.grid(axis="x", linewidth=0.6)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
        heading = f"{title}. " if title else ""
        return Picture(figure, f"{heading}Test accuracy against parameters. {'; '.join(told)}.")


def _beside(axes, errors: Mapping[str, float], low: float, high: float) -> None:
    """Write the names of lines to the right of the axes, moved apart where they would touch."""
    span = np.log(high / low)
    wanted = sorted((np.log(high / error) / span, name) for name, error in errors.items())
    room, below = 0.05, -1.0
    for at, name in wanted:
        below = max(at, below + room)
        axes.annotate(
            name, (1, at), (1.02, below), xycoords="axes fraction", textcoords="axes fraction",
            va="center", color=colour("muted"), fontsize="small",
            arrowprops={"arrowstyle": "-", "color": colour("line"), "linewidth": 0.8},
        )  # fmt: skip
