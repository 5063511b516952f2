"""The living figure Boundaries with a trained network in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from hsrnn import figures

from .hmrnn_language import load_model


def boundaries_figure(
    text: str, *, checkpoint: str | Path = "hmrnn-language-ptb", bits: int = 8, **options: Any
) -> figures.Boundaries:
    """Return the figure in which a trained HM-LSTM reads ``text``, and whatever the reader types.

    The page computes with weights rounded to ``bits``; the picture shown without JavaScript is made with the
    same rounded weights.

    Args:
        text: the text the figure opens with.
        checkpoint: a model as :func:`~hsrnn.experiments.hmrnn_language.load_model` takes it.
        bits: width of a stored weight, 8 or 16.
        options: passed to :meth:`hsrnn.figures.Boundaries.from_weights`, e.g. ``name`` or ``temperature``.

    Raises:
        ValueError: if the model has no boundaries, or for a symbol it does not know.
    """
    model, vocabulary, config = load_model(checkpoint)
    weights = {name: weight.numpy() for name, weight in model.state_dict().items()}
    rounded = figures.unpack(figures.pack(weights, bits))
    model.load_state_dict({name: torch.from_numpy(weight) for name, weight in rounded.items()})
    codes = torch.from_numpy(vocabulary.encode(text).astype("int64"))[None]
    with torch.no_grad():
        read = model(codes)[0].core
    if read.operations is None:
        raise ValueError(f"a core without boundaries has nothing to show: {checkpoint} is a {config.core}")
    return figures.Boundaries.from_weights(
        weights, vocabulary.symbols, layer_norm=config.layer_norm, bits=bits,
        text=text, operations=read.operations[0].numpy(), boundaries=read.boundaries[0].numpy(), **options,
    )  # fmt: skip
