"""Taylor orders: the living figure in which a polynomial reads what the reader draws, order by order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from hsrnn.figures.living import LivingFigure
from hsrnn.figures.style import WIDTH, Picture, colour, drawing
from hsrnn.figures.weights import pack

GREYS = 15
"""The darkest pixel of a drawing; the page keeps one hexadecimal digit a pixel."""


class TaylorOrders(LivingFigure):
    """A sheet to draw on, and a TaylorNet that reads it: logits stacked by order, orders and regions and the
    squares of levels to be switched off; below, the most similar reference of each level of a distillation.

    The page runs both networks. Make one with `from_weights`. Its `state` has the keys `picture` (a
    hexadecimal digit a pixel), `off` (orders), `out` (regions, row by row), `straight` (levels) and `about`
    (the class that the regions are shown for; -1 for the most likely).
    """

    module = "taylor_orders.js"
    styles = ("taylor.css",)

    @classmethod
    def from_weights(
        cls,
        weights: Mapping[str, np.ndarray],
        *,
        block: int,
        lattice: int,
        scale: float,
        classes: Sequence[str],
        examples: ArrayLike,
        picture: Picture,
        looking: Mapping[str, Any] | None = None,
        start: int = 0,
        bits: int = 16,
        eye_bits: int = 8,
        name: str | None = None,
    ) -> TaylorOrders:
        """Return the figure.

        Args:
            weights: `level.<l>.bias`, `.linear` and `.pairs` of every level, and `head.weight` and
                `head.bias`, as `hsrnn.experiments.coarse_figure.folded` gives them.
            block: sites along a side of a block.
            lattice: sites along a side of level 0; the drawing lies in its middle.
            scale: pixels in [0, 1] are divided by it.
            classes: names of the logits.
            examples: `(classes, side, side)` in [0, 1]: a drawing to start from for each class.
            picture: what is shown where no JavaScript runs, for example from `plot_taylor_orders`.
            looking: an embedding net and references: `weights` and `strides` of its convolutions, and
                `levels`, a list of `pictures` `(classes, k, side, side)` in [0, 1] with `vectors`
                `(classes, k, size)` each. `None` shows no references.
            start: the class whose example the figure opens with.
            bits: width of a stored weight, 8, 16 or 32. The page computes with the rounded weights.
            eye_bits: the same for the embedding net, which forgives more than a polynomial does.
            name: see `LivingFigure`.

        Raises:
            ValueError: for a missing weight, a lattice that the blocks do not divide, or shapes that do not
                fit.
        """
        levels = sum(key.endswith(".pairs") for key in weights)
        needed = [f"level.{k}.{part}" for k in range(max(levels, 1)) for part in ("bias", "linear", "pairs")]
        missing = [key for key in (*needed, "head.weight", "head.bias") if key not in weights]
        if missing:
            raise ValueError(f"weights must be those of a TaylorNet, folded: {', '.join(missing)} missing")
        regions = lattice // block**levels
        numbers = regions**2 * len(weights[f"level.{levels - 1}.bias"])
        if lattice % block**levels or np.shape(weights["head.weight"]) != (len(classes), numbers):
            raise ValueError(
                f"{levels} levels of blocks {block} x {block} on a lattice of {lattice} need a head of "
                f"{len(classes)} x {numbers}, got {np.shape(weights['head.weight'])}"
            )
        sheets = _pictures(examples, len(classes), "examples")
        side = sheets.shape[-1]
        if side > lattice or not scale > 0:
            raise ValueError(
                f"a drawing of {side} must fit the lattice of {lattice}, and scale {scale} be > 0"
            )
        if not 0 <= start < len(classes):
            raise ValueError(f"start must be a class, 0 to {len(classes) - 1}, got {start}")
        orders = 2**levels + 1
        data = {
            "weights": pack(weights, bits), "block": block, "lattice": lattice, "scale": scale, "side": side,
            "classes": list(classes), "examples": _letters(sheets), "colours": order_colours(orders),
            "looking": None if looking is None else _looking(looking, len(classes), side, eye_bits),
        }  # fmt: skip
        state = {"picture": data["examples"][start], "off": [], "out": [], "straight": [], "about": -1}
        return cls(data, state=state, alt=picture.alt, fallback=picture, name=name)


def _looking(looking: Mapping[str, Any], classes: int, side: int, bits: int) -> dict[str, Any]:
    """Return the embedding net and the references as the page takes them."""
    levels = []
    for number, level in enumerate(looking["levels"]):
        pictures = np.asarray(level["pictures"])
        vectors = np.asarray(level["vectors"], np.float32)
        if vectors.shape[:2] != pictures.shape[:2]:
            raise ValueError(
                f"level {number} must have a vector a picture, got {vectors.shape} for {pictures.shape}"
            )
        flat = _pictures(pictures.reshape(-1, *pictures.shape[2:]), classes * pictures.shape[1], "references")
        if flat.shape[-1] != side:
            raise ValueError(f"references must be {side} x {side} as the drawing, got {flat.shape[1:]}")
        packed = pack({"vectors": vectors.reshape(len(flat), -1)}, 16)
        levels.append({"count": pictures.shape[1], "pictures": _letters(flat), "vectors": packed})
    return {"weights": pack(looking["weights"], bits), "strides": list(looking["strides"]), "levels": levels}


def _pictures(value: ArrayLike, count: int, name: str) -> NDArray[np.float64]:
    pictures = np.asarray(value, float)
    if pictures.ndim != 3 or len(pictures) != count or pictures.shape[1] != pictures.shape[2]:
        raise ValueError(f"{name} must be ({count}, side, side), got shape {pictures.shape}")
    if not ((pictures >= 0) & (pictures <= 1)).all():
        raise ValueError(f"{name} must lie between 0 and 1")
    return pictures


def _letters(pictures: NDArray[np.float64]) -> list[str]:
    """Return each picture as a text, one hexadecimal digit a pixel."""
    greys = np.rint(GREYS * pictures).astype(int)
    return ["".join(f"{grey:x}" for grey in picture.flat) for picture in greys]


def order_colours(orders: int) -> list[str]:
    """Return a colour for each order: grey for the constant, then from dark to light."""
    ramp = mpl.colormaps["viridis"](np.linspace(0.15, 0.95, max(orders - 1, 1)))
    return [colour("copy"), *(to_hex(shade) for shade in ramp[: orders - 1])]


def plot_taylor_orders(
    picture: ArrayLike,
    parts: ArrayLike,
    classes: Sequence[str],
    looks: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
) -> Picture:
    """Draw a picture, its logits stacked by order, and below them the most similar references.

    Args:
        picture: `(height, width)` in [0, 1].
        parts: `(orders, classes)`; they add up to the logits.
        classes: names of the logits.
        looks: name of a level -> for each class its most similar reference, `(classes, height, width)` in
            [0, 1], and its cosine, `(classes,)`.

    Raises:
        ValueError: for shapes that do not fit, or numbers that are not finite.
    """
    table, image, looks = np.asarray(parts, float), np.asarray(picture, float), looks or {}
    if table.ndim != 2 or table.shape[1] != len(classes) or not np.isfinite(table).all():
        raise ValueError(f"parts must be finite (orders, {len(classes)}), got shape {table.shape}")
    if image.ndim != 2:
        raise ValueError(f"picture must be (height, width), got shape {image.shape}")
    for level, (pictures, cosines) in looks.items():
        if np.shape(pictures) != (len(classes), *image.shape) or np.shape(cosines) != (len(classes),):
            raise ValueError(
                f"looks[{level!r}] must be a picture and a cosine a class, got {np.shape(pictures)} and "
                f"{np.shape(cosines)}"
            )
    logits = table.sum(0)
    best = int(logits.argmax())
    told = [f"largest logit {classes[best]} ({logits[best]:.1f})"]
    with drawing():
        figure = Figure(figsize=(WIDTH, 3.2 + 0.75 * len(looks)), layout="constrained")
        grid = figure.add_gridspec(1 + len(looks), 1, height_ratios=(3.2, *[0.75] * len(looks)))
        upper = grid[0].subgridspec(1, 2, width_ratios=(1, 1.7))
        axes = figure.add_subplot(upper[0])
        _sheet(axes, image)
        _stack(figure.add_subplot(upper[1]), table, classes)
        for row, (level, (pictures, cosines)) in enumerate(looks.items(), start=1):
            cosines = np.asarray(cosines, float)
            likest = int(cosines.argmax())
            told.append(f"{level}: most similar to {classes[likest]}, {cosines[likest]:.2f}")
            cells = grid[row].subgridspec(1, len(classes))
            for k, reference in enumerate(np.asarray(pictures, float)):
                axes = figure.add_subplot(cells[k])
                _sheet(axes, reference)
                weight = "bold" if k == likest else "normal"
                axes.set_title(f"{cosines[k]:.2f}", fontsize=8, loc="center", fontweight=weight)
            figure.axes[-len(classes)].set_ylabel(level, fontsize=8)
        orders = f"Logits of {len(classes)} classes, stacked by orders 0 to {len(table) - 1}"
        return Picture(figure, f"A drawing. {orders}: {'; '.join(told)}.", "png")


def _sheet(axes: Any, image: NDArray[np.float64]) -> None:
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=colour("line"))


def _stack(axes: Any, table: NDArray[np.float64], classes: Sequence[str]) -> None:
    """Draw for each class what raises its logit to the right of zero, and what lowers it to the left."""
    rows = np.arange(len(classes))
    ends = {True: np.zeros(len(classes)), False: np.zeros(len(classes))}
    for order, (values, shade) in enumerate(zip(table, order_colours(len(table)), strict=True)):
        style = {"color": shade, "edgecolor": colour("paper"), "linewidth": 0.4}
        for up in (True, False):
            widths = np.where((values > 0) == up, values, 0.0)
            axes.barh(rows, widths, 0.8, ends[up], label=f"{order}" if up else None, **style)
            ends[up] = ends[up] + widths
    axes.plot(table.sum(0), rows, "D", color=colour("ink"), markersize=4.5, label="logit")
    axes.axvline(0, color=colour("muted"), linewidth=0.8)
    axes.set_yticks(rows, classes)
    axes.set(ylim=(len(classes) - 0.5, -0.5), xlabel="what the orders add to the logit")
    axes.legend(title="order", loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, title_fontsize=8)
