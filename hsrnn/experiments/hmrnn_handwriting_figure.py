"""The living figure Handwriting with a trained network in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from hsrnn import figures, hmrnn
from hsrnn.figures.handwriting import LONGEST, numbers_of

from .hmrnn_handwriting import load_model


def handwriting_figure(
    *,
    checkpoint: str | Path = "hmrnn-handwriting",
    seed: int = 1,
    sharpness: float | int = 0.5,
    bits: int = 8,
    **options: Any,
) -> figures.Handwriting:
    """Return the figure in which a trained HM-LSTM writes.

    The page computes with weights rounded to ``bits`` and in float64; the picture shown without JavaScript is
    the same line, written here with the same weights and the same random numbers.

    Args:
        checkpoint: a model as :func:`~hsrnn.experiments.hmrnn_handwriting.load_model` takes it.
        seed: seed of the line that the figure opens with.
        sharpness: its sharpness.
        bits: width of a stored weight, 8, 16 or 32.
        options: passed to :meth:`hsrnn.figures.Handwriting.from_weights`, e.g. ``name`` or ``layer``.

    Raises:
        ValueError: if the model has no step boundaries.
    """
    model, config, mean, sd = load_model(checkpoint)
    if config.core != "hmlstm" or config.boundary != "step":
        raise ValueError(
            f"the figure takes an HM-LSTM with step boundaries, got {config.core}, {config.boundary}"
        )
    weights = {name: weight.numpy() for name, weight in model.state_dict().items()}
    drawn = write(model, weights, bits=bits, seed=seed, sharpness=sharpness)
    assert drawn.boundaries is not None
    return figures.Handwriting.from_weights(
        weights, layer_norm=config.layer_norm, smallest_scale=config.smallest_scale, mean=mean, sd=sd,
        strokes=drawn.strokes.numpy(), boundaries=drawn.boundaries.numpy(), bits=bits, seed=seed,
        sharpness=sharpness, **options,
    )  # fmt: skip


def write(
    model: hmrnn.HandwritingModel, weights: dict[str, Any], *, bits: int, seed: int, sharpness: float | int
) -> hmrnn.DrawnLine:
    """Return the line that the page writes: with ``weights`` rounded, in float64, drawn with its numbers;
    ``model`` is left in that precision."""
    rounded = figures.unpack(figures.pack(weights, bits))
    model.double().load_state_dict({name: torch.from_numpy(weight) for name, weight in rounded.items()})
    numbers = torch.from_numpy(numbers_of(seed, LONGEST))
    return hmrnn.draw_line(model, LONGEST, sharpness=sharpness, numbers=numbers)
