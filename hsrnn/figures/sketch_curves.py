"""Pictures of sketches: errors and shares over seeds beside what theory predicts, and ROC curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from hsrnn.figures.style import LAYER_COLOURS, WIDTH, Picture, colour, drawing

_ROLES = ("ink", *LAYER_COLOURS, "changed", "muted")
_MARKS = "osD^v<"
_DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 2)))

Curve = tuple[Any, Any, Any]
"""Where it was measured ``(n,)``, what ``(seeds, n)``, and what theory predicts ``(n,)`` or ``None``."""


def plot_curves(
    curves: Mapping[str, Curve], xlabel: str, ylabel: str, title: str = "", *, power: bool = True
) -> Picture:
    """Draw measured curves as marks, with bars from the 10 % to the 90 % quantile of the seeds, and predicted
    ones as lines.

    Args:
        curves: name -> where, measured, predicted. At most six.
        xlabel: what is varied; its axis is logarithmic.
        ylabel: what is measured.
        title: heading of the picture.
        power: both axes logarithmic, marks at the root mean square, and the slope fitted to them is told,
            with a 95 % interval from drawing whole seeds anew; otherwise shares in [0, 1] with marks at
            the mean.

    Raises:
        ValueError: for no curve, more than six, shapes that do not fit, or numbers that the axes cannot show.
    """
    if not 1 <= len(curves) <= len(_ROLES):
        raise ValueError(f"curves must hold 1 to {len(_ROLES)} curves, got {len(curves)}")
    told: list[str] = []
    places: set[float] = set()
    with drawing():
        figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
        axes = figure.subplots()
        for place, (name, (where, measured, predicted)) in enumerate(curves.items()):
            x, values = np.asarray(where, float), np.asarray(measured, float)
            if values.ndim != 2 or values.shape[1] != len(x) or not len(x):
                raise ValueError(f"curves[{name!r}] must be (seeds, {len(x)}), got {values.shape}")
            low, high = (0.0, np.inf) if power else (-1e-9, 1 + 1e-9)
            if not (x > 0).all() or not ((values > low) & (values <= high)).all():
                raise ValueError(
                    f"curves[{name!r}] must lie above 0 on a logarithmic axis, and shares in [0, 1]"
                )
            middle = np.sqrt((values**2).mean(0)) if power else values.mean(0)
            ends = np.quantile(values, [0.1, 0.9], axis=0)
            bars = np.abs(np.stack([np.minimum(ends[0], middle), np.maximum(ends[1], middle)]) - middle)
            shade, label = colour(_ROLES[place]), name
            if power and len(x) > 1:
                slope, low, high = _slope(x, values)
                label = f"{name}: slope {slope:.2f} ({low:.2f} to {high:.2f})"
            axes.errorbar(
                x, middle, yerr=bars, fmt=_MARKS[place], markersize=5, color=shade, elinewidth=1.2,
                capsize=2.5, label=label,
            )  # fmt: skip
            words = ", ".join(f"{at:g}: {value:.3g}" for at, value in zip(x, middle, strict=True))
            if predicted is not None:
                line = np.asarray(predicted, float)
                if line.shape != x.shape:
                    raise ValueError(f"curves[{name!r}] must predict {len(x)} values, got {line.shape}")
                axes.plot(x, line, linestyle=_DASHES[place], color=shade, linewidth=1.2)
                words += f" (predicted {line[0]:.3g} to {line[-1]:.3g})"
            told.append(f"{label}; {words}")
            places.update(x.tolist())
        axes.set_xscale("log")
        axes.set_xticks(sorted(places), [f"{at:g}" for at in sorted(places)])
        axes.xaxis.set_minor_locator(NullLocator())
        if power:
            axes.set_yscale("log")
        else:
            axes.set_ylim(-0.02, 1.05)
        axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
        axes.grid(linewidth=0.6)
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), title="marks: measured\nlines: predicted")
        heading = f"{title}. " if title else ""
        return Picture(figure, f"{heading}{ylabel} by {xlabel}. {'. '.join(told)}.")


def _slope(x: np.ndarray, values: np.ndarray) -> tuple[float, float, float]:
    """Return the slope of the log of root mean squares over seeds, and the ends of its interval."""
    drawn = np.random.default_rng(0).integers(len(values), size=(1000, len(values)))
    centred = np.log(x) - np.log(x).mean()
    found = np.log((values[np.r_[np.arange(len(values))[None], drawn]] ** 2).mean(1)) / 2
    slopes = found @ centred / (centred @ centred)
    low, high = np.quantile(slopes[1:], [0.025, 0.975])
    return float(slopes[0]), float(low), float(high)


def plot_roc(scores: Mapping[str, tuple[Sequence[float], Sequence[float]]], title: str = "") -> Picture:
    """Draw how well a score tells two kinds apart: the share of true alarms over that of false ones.

    Args:
        scores: name -> scores of pairs that are related, and of pairs that are not. At most six.
        title: heading of the picture.

    Raises:
        ValueError: for no name, more than six, or a kind without scores.
    """
    if not 1 <= len(scores) <= len(_ROLES):
        raise ValueError(f"scores must hold 1 to {len(_ROLES)} curves, got {len(scores)}")
    told = []
    with drawing():
        figure = Figure(figsize=(WIDTH * 0.8, 3.3), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=colour("line"), linewidth=1)
        for place, (name, (related, apart)) in enumerate(scores.items()):
            yes, no = np.asarray(related, float), np.asarray(apart, float)
            if not len(yes) or not len(no):
                raise ValueError(f"scores[{name!r}] must hold both kinds, got {len(yes)} and {len(no)}")
            levels = np.concatenate([[np.inf], np.sort(np.concatenate([yes, no]))[::-1], [-np.inf]])
            hits, alarms = (np.array([(kind >= level).mean() for level in levels]) for kind in (yes, no))
            area = float((yes[:, None] > no).mean() + 0.5 * (yes[:, None] == no).mean())
            label = f"{name}: area {area:.3f}"
            axes.plot(alarms, hits, linestyle=_DASHES[place], color=colour(_ROLES[place]), label=label)
            told.append(label)
        axes.set(title=title, xlabel="false alarms", ylabel="found", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.grid(linewidth=0.6)
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
        heading = f"{title}. " if title else ""
        return Picture(figure, f"{heading}ROC curves, found over false alarms. {'; '.join(told)}.")
