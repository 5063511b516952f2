"""Pictures of regions: levels of a hierarchy, the graph of who borders on whom, values and waves of nodes."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from hsrnn.figures.style import WIDTH, Picture, colour, drawing

CIVIDIS = mpl.colormaps["cividis"]
_EDGE = np.array([255, 255, 255]) / 255
_ENLARGED = 320  # pixels of a panel at least, so that a border is thin


def borders(regions: ArrayLike) -> NDArray[np.bool_]:
    """Return which pixels have a right or lower neighbour of another region, `(height, width)`.

    Raises:
        ValueError: for an array that is not `(height, width)`.
    """
    array = np.asarray(regions)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"regions must be (height, width), got {array.shape}")
    found = np.zeros(array.shape, dtype=np.bool_)
    found[:, :-1] |= array[:, :-1] != array[:, 1:]
    found[:-1] |= array[:-1] != array[1:]
    return found


def plot_levels(image: ArrayLike, levels: Mapping[str, ArrayLike], *, title: str = "") -> Picture:
    """Draw an image once for each level of a hierarchy, every region in its mean colour, outlined.

    Args:
        image: `(height, width, 3)`, uint8 or floats in [0, 1].
        levels: name of a level -> `(height, width)`, the number of the region of each pixel.
        title: of the picture.

    Raises:
        ValueError: for no level, or arrays that do not fit.
    """
    pixels = _checked(image)
    if not levels:
        raise ValueError("levels must hold at least one, got none")
    panels, told = {"image": pixels}, []
    for name, given in levels.items():
        regions = np.asarray(given)
        if regions.shape != pixels.shape[:2]:
            raise ValueError(
                f"levels[{name!r}] must be {pixels.shape[:2]} like the image, got {regions.shape}"
            )
        _, flat, sizes = np.unique(regions, return_inverse=True, return_counts=True)
        flat = flat.ravel()
        mean = np.stack([np.bincount(flat, pixels[..., c].ravel()) / sizes for c in range(3)], 1)
        panels[f"{name}: {len(sizes)}"] = _outlined(mean[flat].reshape(pixels.shape), regions)
        told.append(
            f"{name}: {len(sizes)} regions, the largest {100 * sizes.max() / sizes.sum():.0f} % of all"
        )
    return _panels(panels, f"{title + '. ' if title else ''}Regions by level. {'; '.join(told)}.", title)


def plot_graph(
    regions: ArrayLike,
    edges: ArrayLike,
    *,
    image: ArrayLike | None = None,
    values: ArrayLike | None = None,
    label: str = "",
    title: str = "",
) -> Picture:
    """Draw regions and, over them, their graph: a dot in the middle of each, a line for each edge.

    Args:
        regions: `(height, width)`, the node of each pixel.
        edges: `(2, edges)` nodes.
        image: `(height, width, 3)` to draw below, uint8 or floats in [0, 1]; plain regions if `None`.
        values: `(edges,)` numbers, shown by the colour of the lines, from dark (low) to light (high).
        label: what the values are.
        title: of the picture.

    Raises:
        ValueError: for arrays that do not fit.
    """
    numbers, pairs = np.asarray(regions), np.asarray(edges)
    if numbers.ndim != 2 or not numbers.size or numbers.min() < 0:
        raise ValueError(f"regions must be (height, width), each a node from 0, got {numbers.shape}")
    count = int(numbers.max()) + 1
    if pairs.ndim != 2 or pairs.shape[0] != 2 or (pairs.size and not 0 <= pairs.min() <= pairs.max() < count):
        raise ValueError(f"edges must be (2, edges) between nodes 0 to {count - 1}, got {pairs.shape}")
    weights = None if values is None else np.asarray(values, float)
    if weights is not None and weights.shape != pairs.shape[1:]:
        raise ValueError(f"values must be {pairs.shape[1:]}, one an edge, got {weights.shape}")
    pixels = np.full((*numbers.shape, 3), 0.86) if image is None else _checked(image)
    if pixels.shape[:2] != numbers.shape:
        raise ValueError(f"image must be {numbers.shape} like the regions, got {pixels.shape[:2]}")
    sizes = np.bincount(numbers.ravel(), minlength=count).clip(1)
    middle = [
        np.bincount(numbers.ravel(), where.ravel(), count) / sizes for where in np.indices(numbers.shape)
    ]
    points = np.stack(middle[::-1], 1)  # x, then y
    with drawing():
        figure, axes = _one_panel(numbers.shape)
        height, width = numbers.shape
        axes.imshow(_outlined(pixels, numbers), extent=(-0.5, width - 0.5, height - 0.5, -0.5))
        # A light seam below the lines, so that they show on any ground.
        axes.add_collection(LineCollection(points[pairs.T], colors=colour("paper"), linewidths=2.6))
        if weights is None:
            axes.add_collection(LineCollection(points[pairs.T], colors=colour("ink"), linewidths=1.2))
        else:
            drawn = axes.add_collection(LineCollection(points[pairs.T], array=weights, cmap=CIVIDIS))
            figure.colorbar(drawn, ax=axes, label=label, shrink=0.8)
        axes.plot(*points.T, "o", color=colour("second"), markersize=4, markeredgecolor=colour("paper"))
        axes.set_title(title)
        degree = np.bincount(pairs.ravel(), minlength=count)
        alt = (
            f"{count} regions joined by {pairs.shape[1]} edges; a region has {degree.mean():.1f} neighbours "
            f"on average, at most {degree.max()}"
        )
        if weights is not None and len(weights):
            alt += f"; {label or 'values'} of edges from {weights.min():.2f} to {weights.max():.2f}"
        return Picture(figure, f"{title + '. ' if title else ''}{alt}.", "png")


def plot_nodes(
    regions: ArrayLike, values: Mapping[str, ArrayLike], *, label: str, title: str = ""
) -> Picture:
    """Draw a number of each region as its colour, from dark (low) to light (high), all panels on one scale.

    Args:
        regions: `(height, width)`, the node of each pixel.
        values: name of a panel -> `(nodes,)` finite numbers.
        label: what the numbers are.
        title: of the picture.

    Raises:
        ValueError: for no panel, or arrays that do not fit.
    """
    numbers = np.asarray(regions)
    tables = {name: np.asarray(given, float) for name, given in values.items()}
    if not tables:
        raise ValueError("values must hold at least one panel, got none")
    for name, table in tables.items():
        if (
            numbers.ndim != 2
            or table.ndim != 1
            or not 0 <= numbers.min() <= numbers.max() < len(table)
            or not np.isfinite(table).all()
        ):
            raise ValueError(
                f"regions must be (height, width), each a node of values[{name!r}], finite (nodes,), "
                f"got {numbers.shape} and {table.shape}"
            )
    low, high = min(t.min() for t in tables.values()), max(t.max() for t in tables.values())
    scale = Normalize(low, high if high > low else low + 1)
    painted = {
        name: _outlined(CIVIDIS(scale(table))[numbers][..., :3], numbers) for name, table in tables.items()
    }
    told = [f"{name}: from {table.min():.3g} to {table.max():.3g}" for name, table in tables.items()]
    alt = f"{title + '. ' if title else ''}{label} of {numbers.max() + 1} regions. {'; '.join(told)}."
    return _panels(painted, alt, title, ScalarMappable(scale, CIVIDIS), label)


def plot_waves(regions: ArrayLike, waves: ArrayLike, *, title: str = "") -> Picture:
    """Draw each region in the colour of the wave in which it is updated, from dark (first) to light (last).

    Args:
        regions: `(height, width)`, the node of each pixel.
        waves: `(nodes,)`, the wave of each node, from 0.
        title: of the picture.

    Raises:
        ValueError: for arrays that do not fit.
    """
    numbers, wave = np.asarray(regions), np.asarray(waves)
    if numbers.ndim != 2 or wave.ndim != 1 or numbers.min() < 0 or numbers.max() >= len(wave):
        raise ValueError(
            "regions must be (height, width), each a node of waves (nodes,), "
            f"got {numbers.shape} and {wave.shape}"
        )
    count = int(wave.max()) + 1
    with drawing():
        figure, axes = _one_panel(numbers.shape)
        scale = _scale(numbers)
        large = numbers.repeat(scale, 0).repeat(scale, 1)
        drawn = axes.imshow(wave[large], cmap="cividis", interpolation="nearest")
        line = np.zeros((*large.shape, 4))
        line[borders(large)] = (*_EDGE, 0.6)
        axes.imshow(line, interpolation="nearest")
        axes.set_title(title)
        figure.colorbar(drawn, ax=axes, label="wave", shrink=0.8)
        width = np.bincount(wave)
        alt = (
            f"{len(wave)} regions in {count} waves; the widest holds {width.max()} regions, the first "
            f"{width[0]}, the last {width[-1]}."
        )
        return Picture(figure, f"{title + '. ' if title else ''}{alt}", "png")


def _checked(image: ArrayLike) -> NDArray[np.float64]:
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(f"image must be (height, width, 3), got {pixels.shape}")
    pixels = pixels / 255 if pixels.dtype == np.uint8 else pixels.astype(np.float64)
    if not (pixels.min() >= 0 and pixels.max() <= 1):
        raise ValueError("image must be uint8 or lie between 0 and 1")
    return pixels


def _scale(array: NDArray) -> int:
    return max(1, -(-_ENLARGED // max(array.shape[:2])))


def _outlined(pixels: NDArray[np.float64], regions: NDArray) -> NDArray[np.float64]:
    """Return the picture enlarged, with a border one drawn pixel wide between regions."""
    scale = _scale(pixels)
    large = pixels.repeat(scale, 0).repeat(scale, 1)
    large[borders(regions.repeat(scale, 0).repeat(scale, 1))] = _EDGE
    return large


def _one_panel(shape: tuple[int, ...]) -> tuple[Figure, Axes]:
    height, width = shape
    figure = Figure(figsize=(WIDTH * 0.62, WIDTH * 0.62 * height / width + 0.4), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    return figure, axes


def _panels(
    panels: Mapping[str, NDArray[np.float64]],
    alt: str,
    title: str,
    scale: ScalarMappable | None = None,
    label: str = "",
) -> Picture:
    height, width = next(iter(panels.values())).shape[:2]
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    with drawing():
        each = WIDTH / columns * height / width + 0.3
        figure = Figure(figsize=(WIDTH, rows * each + (0.3 if title else 0)), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for place in axes:
            place.set_axis_off()
        for place, (name, pixels) in zip(axes, panels.items()):
            place.imshow(pixels, interpolation="nearest")
            place.set_title(name, fontweight="normal")
        if scale is not None:
            figure.colorbar(scale, ax=axes, label=label, shrink=0.8)
        if title:
            figure.suptitle(title, x=0.01, ha="left")
        return Picture(figure, alt, "png")
