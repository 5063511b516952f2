"""The living figure Taylor orders with the trained networks of the room in it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from hsrnn import coarse, figures
from hsrnn.figures.pencil import DIGITS, pencil_drawing
from hsrnn.figures.taylor_orders import GREYS

BOX, SHEET = 20, 28  # pixels: MNIST fits its digits into a box, and puts their centre of mass in the middle
PAPER, INK = (
    0.3,
    0.7,
)  # greys of an enlarged picture that become 0 and 1; by the validation part of the digits
KINDS = ("weight", "bias")


def enlarged(images: NDArray[Any]) -> NDArray[np.float32]:
    """Return small pictures on the sheet of MNIST, ``(n, 28, 28)`` in [0, 1]: enlarged to a box of 20 x 20,
    with more contrast, so that lines are as dark and as thin as there, their centre of mass in the middle.

    Args:
        images: ``(n, 1, height, width)`` in [0, 1], none of them without dark ink.
    """
    small = torch.from_numpy(np.asarray(images, np.float32))
    boxes = F.interpolate(small, (BOX, BOX), mode="bicubic")[:, 0]
    boxes = ((boxes - PAPER) / (INK - PAPER)).clamp(0, 1)
    sheets = np.zeros((len(boxes), SHEET, SHEET), np.float32)
    for sheet, box in zip(sheets, boxes.numpy(), strict=True):
        middles = [box.sum(1 - axis) @ np.arange(BOX) / box.sum() for axis in (0, 1)]
        top, left = (min(max(round((SHEET - 1) / 2 - at), 0), SHEET - BOX) for at in middles)
        sheet[top : top + BOX, left : left + BOX] = box
    return sheets


def folded(net: coarse.TaylorNet) -> dict[str, NDArray[np.float32]]:
    """Return the weights of a network for the page: each level with the scale that follows it multiplied in.

    Names are ``level.<l>.bias``, ``.linear`` ``(n, c)`` and ``.pairs`` ``(n (n + 1) / 2, c)`` with rows
    i <= j, and ``head.weight`` and ``head.bias``.

    Raises:
        ValueError: for a network with other steps than one quadratic step a level on disjoint blocks that
            share their weights, or in training mode with batch normalisation.
    """
    config = net.config
    if config.order != 2 or config.depth or config.sharing == "none" or config.step != config.block:
        raise ValueError(
            "the page runs one quadratic step a level, on disjoint blocks that share weights; got order "
            f"{config.order}, depth {config.depth}, sharing {config.sharing!r}, stride {config.step}"
        )
    if net.training and config.norm == "batch":
        raise ValueError("with batch normalisation the steps are fixed in evaluation mode only: net.eval()")
    weights = {}
    with torch.no_grad():
        for number, level in enumerate(net.levels):
            (step,), (rescale,) = level.steps, level.rescale
            constant, linear, square = step.coefficients()
            shift = rescale(constant.new_zeros(1, 1, 1, step.out_channels)).flatten()
            factor = rescale(constant.new_ones(1, 1, 1, step.out_channels)).flatten() - shift
            i, j = torch.triu_indices(step.inputs, step.inputs)
            pairs = square[:, i, j] * torch.where(i == j, 1.0, 2.0)
            weights |= {
                f"level.{number}.bias": constant * factor + shift,
                f"level.{number}.linear": (linear * factor[:, None]).T,
                f"level.{number}.pairs": (pairs * factor[:, None]).T,
            }
        weights |= {"head.weight": net.head.weight, "head.bias": net.head.bias}
    return {name: tensor.detach().numpy().astype(np.float32) for name, tensor in weights.items()}


def rounded_embedder(embedder: coarse.Embedder, bits: int) -> tuple[dict[str, Any], coarse.Embedder]:
    """Return an embedding net of convolutions as the figure takes it, still without references, and a copy
    of the net with the weights that the page will have.

    Args:
        embedder: of the kind ``"cnn"``.
        bits: width of a stored weight.

    Raises:
        ValueError: for a net of another kind.
    """
    rounded = deepcopy(embedder)
    convolutions = [part for part in rounded.body if isinstance(part, nn.Conv2d)]
    if not convolutions:
        raise ValueError("the page runs an embedding net of convolutions (kind 'cnn'), got one without any")
    layers = {f"conv.{number}": part for number, part in enumerate(convolutions)}
    layers["linear"] = rounded.body[-1]
    own = {f"{name}.{kind}": getattr(part, kind) for name, part in layers.items() for kind in KINDS}
    weights = {name: (w.flatten(1) if w.ndim > 1 else w).detach().numpy().copy() for name, w in own.items()}
    kept = figures.unpack(figures.pack(weights, bits))
    with torch.no_grad():
        for name, weight in own.items():
            weight.copy_(torch.from_numpy(kept[name]).view_as(weight))
    strides = [int(part.stride[0]) for part in convolutions]
    return {"weights": weights, "strides": strides, "levels": []}, rounded


def taylor_orders_figure(
    net: coarse.TaylorNet,
    scale: float,
    distiller: coarse.Distiller | None = None,
    *,
    start: int = 3,
    eye_bits: int = 8,
    **options: Any,
) -> figures.TaylorOrders:
    """Return the figure in which a trained network reads what is drawn, order by order.

    Args:
        net: of pictures of 28 x 28.
        scale: pixels in [0, 1] are divided by it for ``net``.
        distiller: whose references stand below the drawing; ``None`` for none.
        start: the class whose example the figure opens with.
        eye_bits: width of a stored weight of the embedding net. The page computes with the rounded weights;
            the vectors of the references are made with them too.
        options: passed to :meth:`hsrnn.figures.TaylorOrders.from_weights`, e.g. ``name`` or ``bits``.

    Raises:
        ValueError: for networks that the page cannot run.
    """
    examples = np.stack([pencil_drawing(strokes) for strokes in DIGITS])
    drawn = np.rint(examples[start] * GREYS) / GREYS
    sheet = torch.from_numpy(drawn.astype(np.float32))[None, None]
    parts = coarse.orders(net, sheet / scale)[0].numpy()
    classes = [str(k) for k in range(net.config.classes)]
    looking, looks = None, {}
    if distiller is not None:
        looking, rounded = rounded_embedder(distiller.embedder_, eye_bits)
        for made in distiller.references_:
            level = torch.from_numpy(made)
            vectors = coarse.embedded(rounded, level.flatten(0, 1)).unflatten(0, level.shape[:2])
            cosines = vectors @ coarse.embedded(rounded, sheet)[0]
            best = cosines.argmax(1)
            looking["levels"].append({"pictures": made[:, :, 0], "vectors": vectors.numpy()})
            looks[f"{made.shape[1]} a class"] = (
                made[np.arange(len(made)), best.numpy(), 0], cosines.amax(1).numpy(),
            )  # fmt: skip
    return figures.TaylorOrders.from_weights(
        folded(net), block=net.config.block, lattice=net.config.grids[0][0], scale=scale, classes=classes,
        examples=examples, picture=figures.plot_taylor_orders(drawn, parts, classes, looks),
        looking=looking, start=start, eye_bits=eye_bits, **options,
    )  # fmt: skip
