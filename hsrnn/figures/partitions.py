"""Pictures of partitions: how graphs fall into one piece, and how often each partition of a small one is
visited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from hsrnn.figures.style import LAYER_COLOURS, WIDTH, Picture, colour, drawing

_ROLES = (*LAYER_COLOURS, "changed", "flush", "ink")
_MARKS = "osD^v<"


def plot_percolation(
    probabilities: ArrayLike,
    shares: Mapping[str, ArrayLike],
    *,
    thresholds: Mapping[str, float] | None = None,
    title: str = "",
) -> Picture:
    """Draw the share of nodes in the largest component over the probability with which edges are kept.

    Args:
        probabilities: `(n,)` in [0, 1].
        shares: name of a graph -> `(n,)` in [0, 1]. At most six.
        thresholds: name -> probability to mark by a vertical line.
        title: of the picture.

    Raises:
        ValueError: for no graph, more than six, or shares that do not fit.
    """
    x = np.asarray(probabilities, float)
    if not 1 <= len(shares) <= len(_ROLES):
        raise ValueError(f"shares must hold 1 to {len(_ROLES)} graphs, got {len(shares)}")
    told = []
    with drawing():
        figure = Figure(figsize=(WIDTH * 0.8, 3.0), layout="constrained")
        axes = figure.subplots()
        for place, (name, given) in enumerate(shares.items()):
            y = np.asarray(given, float)
            if x.ndim != 1 or y.shape != x.shape or not len(x) or not (y.min() >= 0 and y.max() <= 1):
                raise ValueError(f"shares[{name!r}] must be {x.shape} numbers in [0, 1], got {y.shape}")
            axes.plot(x, y, marker=_MARKS[place], markersize=4, color=colour(_ROLES[place]), label=name)
            half = x[np.argmax(y >= 0.5)] if (y >= 0.5).any() else None
            told.append(f"{name}: {'never half' if half is None else f'half of all nodes at {half:.2f}'}")
        for name, value in (thresholds or {}).items():
            axes.axvline(value, color=colour("muted"), linestyle=":", linewidth=1.4)
            axes.text(value, 1.03, name, ha="center", color=colour("muted"))
            told.append(f"{name} is marked at {value:.3f}")
        axes.set(xlabel="probability of an edge", ylabel="share of the largest component")
        axes.set(xlim=(x.min(), x.max()), ylim=(0, 1.0))
        axes.set_title(title, pad=20 if thresholds else 6)
        axes.grid(linewidth=0.6)
        axes.legend(loc="lower right")
        heading = f"{title}. " if title else ""
        return Picture(figure, f"{heading}Largest component by probability. {'; '.join(told)}.")


def plot_partitions(
    edges: ArrayLike,
    places: ArrayLike,
    blocks: Sequence[Sequence[int]],
    wanted: ArrayLike,
    visited: Mapping[str, ArrayLike],
    *,
    title: str = "",
) -> Picture:
    """Draw how often each partition of a small graph should be and was visited, most likely ones first.

    Args:
        edges: `(2, edges)`, pairs of nodes.
        places: `(nodes, 2)`, where to draw each node, x and y in [0, 1].
        blocks: of each partition, the block of each node.
        wanted: `(partitions,)`, the exact probability of each: bars.
        visited: name -> `(partitions,)`, the share of visits: marks. At most six.
        title: of the picture.

    Raises:
        ValueError: for numbers that do not fit the partitions, or more than six names.
    """
    exact, states = np.asarray(wanted, float), np.asarray(blocks)
    if states.ndim != 2 or exact.shape != states.shape[:1] or len(visited) > len(_ROLES):
        raise ValueError(
            f"wanted must be one number for each of {len(states)} partitions, and visited at most "
            f"{len(_ROLES)} such, got {exact.shape} and {len(visited)}"
        )
    order = np.argsort(-exact, kind="stable")
    told = [f"the most likely of {len(exact)} has {exact.max():.3f}"]
    with drawing():
        figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
        above, below = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
        above.bar(range(len(exact)), exact[order], color=colour("line"), width=0.72, label="exact")
        for place, (name, given) in enumerate(visited.items()):
            shares = np.asarray(given, float)
            if shares.shape != exact.shape:
                raise ValueError(f"visited[{name!r}] must be {exact.shape}, got {shares.shape}")
            above.plot(shares[order], _MARKS[place], color=colour(_ROLES[place]), markersize=6, label=name)
            away = np.abs(shares - exact).sum() / 2
            told.append(f"{name} is off by a total variation of {away:.3f}")
        above.set(title=title, ylabel="share of visits")
        above.grid(axis="y", linewidth=0.6)
        above.set_axisbelow(True)
        above.legend()
        above.tick_params(axis="x", length=0, labelbottom=False)
        for column, state in enumerate(states[order]):
            _partition(below, column, np.asarray(edges), np.asarray(places, float), state)
        below.set(xlim=(-0.6, len(exact) - 0.4), ylim=(-0.15, 1.15))
        below.set_axis_off()
        heading = f"{title}. " if title else ""
        return Picture(figure, f"{heading}Partitions by exact probability; {'; '.join(told)}.")


def _partition(axes: Axes, column: int, edges: NDArray, places: NDArray, blocks: NDArray) -> None:
    """Draw a small graph whose blocks are told apart by colour, mark and thick lines within them."""
    x, y = column + 0.62 * (places[:, 0] - 0.5), places[:, 1]
    for a, b in edges.T:
        within = blocks[a] == blocks[b]
        style = (
            dict(color=colour("ink"), linewidth=2.4) if within else dict(color=colour("copy"), linewidth=0.7)
        )
        axes.plot(x[[a, b]], y[[a, b]], zorder=1, **style)
    for node, block in enumerate(blocks):
        axes.plot(
            x[node], y[node], _MARKS[block % 6], color=colour(_ROLES[block % 6]), markersize=5, zorder=2
        )
