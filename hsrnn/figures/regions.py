"""Pictures of regions: an image cut ever more coarsely, level by level, and nodes in the waves they go by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from hsrnn.figures.style import WIDTH, Picture, colour, drawing

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
        figure = Figure(figsize=(WIDTH * 0.62, WIDTH * 0.62 * numbers.shape[0] / numbers.shape[1] + 0.4),
                        layout="constrained")  # fmt: skip
        axes = figure.subplots()
        scale = _scale(numbers)
        large = numbers.repeat(scale, 0).repeat(scale, 1)
        drawn = axes.imshow(wave[large], cmap="cividis", interpolation="nearest")
        line = np.zeros((*large.shape, 4))
        line[borders(large)] = (*_EDGE, 0.6)
        axes.imshow(line, interpolation="nearest")
        axes.set_axis_off()
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


def _panels(panels: Mapping[str, NDArray[np.float64]], alt: str, title: str) -> Picture:
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
        if title:
            figure.suptitle(title, x=0.01, ha="left")
        return Picture(figure, alt, "png")
