"""The straight-through estimator, drawn and living: a step forward, a hard sigmoid's slope backward."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from hsrnn.figures.living import LivingFigure
from hsrnn.figures.style import LAYER_COLOURS, WIDTH, Picture, colour, drawing


class StraightThrough(LivingFigure):
    """The reader moves a pre-activation and the slope, and sees what goes forward and what comes back.

    Its `state` has the keys `s` (pre-activation), `slope` (1 to 5), `boundary` ("step" or "sample") and
    `seed`.

    Args:
        slope: slope a that the figure opens with, 1 to 5.
        s: pre-activation that it opens with, -2.2 to 2.2.
        name: see `LivingFigure`.

    Raises:
        ValueError: for a slope or a pre-activation out of range.
    """

    module = "straight_through.js"

    def __init__(self, slope: float | int = 1.0, s: float | int = 0.4, *, name: str | None = None) -> None:
        if not 1 <= slope <= 5:
            raise ValueError(f"slope must lie between 1 and 5, got {slope}")
        if abs(s) > 2.2:
            raise ValueError(f"s must lie between -2.2 and 2.2, got {s}")
        picture = plot_straight_through((slope,) if slope == 5 else (slope, 5.0))
        super().__init__(
            {},
            state={"s": float(s), "slope": float(slope), "boundary": "step", "seed": 0},
            alt=picture.alt,
            fallback=picture,
            name=name,
        )


def plot_straight_through(slopes: Sequence[float | int] = (1.0, 2.0, 5.0)) -> Picture:
    """Draw the step and the hard sigmoid, and the gradient used in the step's place, for one to three slopes.

    Args:
        slopes: slopes a of the hard sigmoid, each above 0.

    Raises:
        ValueError: for no or more than three slopes, or one that is not above 0.
    """
    if not 1 <= len(slopes) <= 3 or min(slopes) <= 0:
        raise ValueError(f"slopes must be one to three numbers above 0, got {tuple(slopes)}")
    s = np.linspace(-1.6, 1.6, 1281)
    styles = ("-", "--", ":")
    with drawing():
        figure = Figure(figsize=(WIDTH, 2.7), layout="constrained")
        forward, backward = figure.subplots(1, 2)
        forward.plot(s, (s > 0).astype(float), color=colour("ink"), label="step z", linewidth=2.2)
        for slope, role, style in zip(slopes, LAYER_COLOURS, styles, strict=False):
            hard_sigmoid = np.clip((slope * s + 1) / 2, 0, 1)
            forward.plot(s, hard_sigmoid, style, color=colour(role), label=f"hard sigmoid, a = {slope:g}")
            gradient = np.where(np.abs(s) < 1 / slope, slope / 2, 0.0)
            backward.plot(s, gradient, style, color=colour(role))
        backward.plot(s, np.zeros_like(s), color=colour("ink"), linewidth=2.2, zorder=1)
        forward.set(title="Forward", xlabel="pre-activation s", ylabel="value")
        backward.set(title="Backward", xlabel="pre-activation s", ylabel="gradient")
        figure.legend(
            *forward.get_legend_handles_labels(), loc="outside lower center", ncols=4, handlelength=2.4
        )
        bands = ", ".join(f"{slope / 2:g} where |s| < {1 / slope:g} for slope {slope:g}" for slope in slopes)
        alt = (
            "Left: the step from 0 to 1 at s = 0, and hard sigmoids that rise through the same point. Right: "
            f"the gradient used in the step's place, {bands}, and zero elsewhere; the step's own is zero "
            "everywhere."
        )
        return Picture(figure, alt)
