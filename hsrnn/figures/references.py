"""Pictures of references: grids by level, a picture beside what it resembles, one net applied for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hsrnn.figures.style import LAYER_COLOURS, WIDTH, Picture, colour, drawing

_ROLES = ("ink", *LAYER_COLOURS, "changed", "muted")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 2)))


def plot_references(
    levels: Mapping[str, np.ndarray], classes: Sequence[str], *, most: int = 8, title: str = ""
) -> Picture:
    """Draw references side by side, one grid a level, one line a class.

    Args:
        levels: name of a level -> `(classes, k, channels, height, width)` in [0, 1], 1 or 3 channels.
        classes: what the lines are called.
        most: references of a class that are drawn; of more, as many evenly spaced.
        title: of the picture.

    Raises:
        ValueError: for no level, arrays of another form or range, or names that do not fit.
    """
    if not levels or most < 1:
        raise ValueError(f"levels must hold at least one grid and most be at least 1, got {most}")
    grids, told = {}, []
    for name, given in levels.items():
        images = np.asarray(given, float)
        if images.ndim != 5 or images.shape[2] not in (1, 3) or len(images) != len(classes):
            raise ValueError(
                f"levels[{name!r}] must be ({len(classes)}, k, 1 or 3, height, width), got {images.shape}"
            )
        if not (images.size and images.min() >= 0 and images.max() <= 1):
            raise ValueError(f"levels[{name!r}] must lie between 0 and 1")
        count = images.shape[1]
        shown = np.linspace(0, count - 1, min(most, count)).round().astype(int)
        grids[name] = _tiled(images[:, shown])
        spread = float(np.sqrt(((images - images.mean(1, keepdims=True)) ** 2).mean()))
        told.append(
            f"{name}: {len(shown)} of {count} a class, which differ from their average by "
            f"{100 * spread:.0f} % of full brightness"
        )
    widths = [grid.shape[1] / grid.shape[0] for grid in grids.values()]
    with drawing():
        height = min(5.2, (WIDTH - 0.4) / (sum(widths) + 0.08 * len(widths)))
        figure = Figure(figsize=(WIDTH, height + 0.5), layout="constrained")
        panels = figure.subplots(1, len(grids), squeeze=False, width_ratios=widths)[0]
        for place, (axes, (name, grid)) in enumerate(zip(panels, grids.items())):
            axes.imshow(grid, cmap="gray_r" if grid.ndim == 2 else None, vmin=0, vmax=1, aspect="equal")
            axes.set_title(name, fontweight="normal")
            step = grid.shape[0] / len(classes)
            axes.set_yticks(step * (np.arange(len(classes)) + 0.5) - 0.5, classes if place == 0 else [])
            axes.set_xticks([])
            axes.tick_params(length=0)
            for side in axes.spines.values():
                side.set_visible(False)
        if title:
            figure.suptitle(title, x=0.01, ha="left")
        return Picture(
            figure, f"{title + '. ' if title else ''}References by level. {'; '.join(told)}.", "png"
        )


def _tiled(images: np.ndarray) -> np.ndarray:
    """Return pictures `(rows, columns, channels, height, width)` as one, with a thin gap between them."""
    images = np.pad(images, ((0, 0), (0, 0), (0, 0), (0, 1), (0, 1)))
    rows, columns, channels, height, width = images.shape
    whole = images.transpose(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    return whole[:-1, :-1, 0] if channels == 1 else whole[:-1, :-1]


def plot_looking(
    picture: np.ndarray,
    likest: Mapping[str, np.ndarray],
    similarity: Mapping[str, Sequence[float] | np.ndarray],
    classes: Sequence[str],
) -> Picture:
    """Draw a picture, the most similar reference of each level, and its similarity to every class.

    Args:
        picture: `(channels, height, width)` in [0, 1], 1 or 3 channels.
        likest: name of a level -> the reference of that level that is most similar, of the same shape.
        similarity: name of a level -> one number a class.
        classes: their names.

    Raises:
        ValueError: if levels, shapes or numbers of classes do not fit.
    """
    if not likest or list(likest) != list(similarity):
        raise ValueError(f"likest and similarity must name the same levels, got {[*likest]}, {[*similarity]}")
    for name in likest:
        if np.shape(likest[name]) != np.shape(picture) or len(similarity[name]) != len(classes):
            raise ValueError(
                f"{name!r} must have a reference of shape {np.shape(picture)} and {len(classes)} "
                f"similarities, got {np.shape(likest[name])} and {len(similarity[name])}"
            )
    told = []
    lowest = min(0.0, *(float(np.min(scores)) for scores in similarity.values()))
    with drawing():
        figure = Figure(figsize=(WIDTH, 1.35 * len(likest) + 0.4), layout="constrained")
        grid = figure.add_gridspec(len(likest), 3, width_ratios=(1, 1, 5))
        _image(figure.add_subplot(grid[:, 0]), picture, "the picture")
        for row, (name, reference) in enumerate(likest.items()):
            _image(figure.add_subplot(grid[row, 1]), reference, name)
            scores = np.asarray(similarity[name], float)
            axes, best = figure.add_subplot(grid[row, 2]), int(scores.argmax())
            bars = axes.bar(range(len(classes)), scores, color=colour("copy"))
            bars[best].set_color(colour("accent"))
            axes.axhline(0, color=colour("muted"), linewidth=0.8)
            axes.set_xticks(range(len(classes)), classes)
            axes.set(ylabel="cosine", ylim=(1.05 * lowest, 1.05))
            told.append(f"{name}: most similar to {classes[best]}, {scores[best]:.2f}, next "
                        f"{classes[int(scores.argsort()[-2])]}, {np.sort(scores)[-2]:.2f}")  # fmt: skip
        return Picture(figure, f"A picture beside its most similar references. {'; '.join(told)}.", "png")


def _image(axes, picture: np.ndarray, name: str) -> None:
    image = np.asarray(picture, float).transpose(1, 2, 0)
    axes.imshow(image[..., 0] if image.shape[2] == 1 else image, cmap="gray_r", vmin=0, vmax=1)
    axes.set_title(name, fontweight="normal")
    axes.set_axis_off()


def plot_iterated(
    curves: Mapping[str, Sequence[float] | np.ndarray], ylabel: str, title: str = ""
) -> Picture:
    """Draw what becomes of some distances when one net is applied again and again.

    Args:
        curves: name -> one positive number a step, the first at step 0 or, where one is missing, at step 1.
        ylabel: what is drawn, with its unit; the axis is logarithmic.
        title: of the picture.

    Raises:
        ValueError: for no curve, more than six, numbers that are not positive, or lengths that do not fit.
    """
    if not 1 <= len(curves) <= len(_ROLES):
        raise ValueError(f"curves must hold 1 to {len(_ROLES)}, got {len(curves)}")
    longest = max(len(values) for values in curves.values())
    told = []
    with drawing():
        figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
        axes = figure.subplots()
        for place, (name, given) in enumerate(curves.items()):
            values = np.asarray(given, float)
            if len(values) not in (longest, longest - 1) or not len(values) or not (values > 0).all():
                raise ValueError(
                    f"curves[{name!r}] must be {longest - 1} or {longest} positive numbers, got {given}"
                )
            steps = np.arange(longest - len(values), longest)
            axes.plot(steps, values, linestyle=_DASHES[place], color=colour(_ROLES[place]), label=name)
            told.append(f"{name}: {values[0]:.3g} at step {steps[0]}, {values[-1]:.3g} at step {steps[-1]}")
        axes.set_yscale("log")
        axes.set(xlabel="times the net was applied", ylabel=ylabel, title=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(linewidth=0.6)
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return Picture(figure, f"{title + '. ' if title else ''}{ylabel}. {'; '.join(told)}.")
