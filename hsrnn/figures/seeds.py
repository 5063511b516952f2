"""Pictures of single runs: two measures of every seed against each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from hsrnn.figures.style import LAYER_COLOURS, WIDTH, Picture, colour, drawing

_ROLES = ("ink", *LAYER_COLOURS, "changed", "muted")
_MARKS = "osD^v<"


def plot_seeds(
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]], xlabel: str, ylabel: str, title: str = ""
) -> Picture:
    """Draw two measures of single runs against each other, a mark a seed, with the least-squares line of each
    group of at least 4 that varies.

    Args:
        groups: name of a setting -> the first measure of each seed, and the second. At most six settings.
        xlabel: what the first is.
        ylabel: what the second is.
        title: heading of the picture.

    Raises:
        ValueError: for no setting, more than six, an empty one, or measures of unequal length.
    """
    if not 1 <= len(groups) <= len(_ROLES):
        raise ValueError(f"groups must hold 1 to {len(_ROLES)} settings, got {len(groups)}")
    told = []
    with drawing():
        figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
        axes = figure.subplots()
        for place, (name, (first, second)) in enumerate(groups.items()):
            x, y = np.asarray(first, float), np.asarray(second, float)
            if x.ndim != 1 or x.shape != y.shape or not len(x):
                raise ValueError(
                    f"groups[{name!r}] must be two measures of the same seeds, at least one, got shapes "
                    f"{x.shape} and {y.shape}"
                )
            shade = colour(_ROLES[place])
            axes.plot(x, y, _MARKS[place], color=shade, markersize=5.5, label=f"{name} ({len(x)})")
            words = f"{name}: {len(x)} seed{'s' if len(x) > 1 else ''}, {x.min():.2f} to {x.max():.2f} across"
            words += f", {y.min():.2f} to {y.max():.2f} up"
            if len(x) > 3 and np.ptp(x) and np.ptp(y):
                slope, start = np.polyfit(x, y, 1)
                ends = np.array([x.min(), x.max()])
                axes.plot(ends, start + slope * ends, color=shade, linewidth=1)
                words += f", the line {'falls' if slope < 0 else 'rises'}"
            told.append(words)
        axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
        axes.grid(linewidth=0.6)
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), title="setting (seeds)")
        heading = f"{title}. " if title else ""
        return Picture(figure, f"{heading}{ylabel} by {xlabel}, one mark a seed. {'; '.join(told)}.")
