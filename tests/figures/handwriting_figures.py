"""A small figure Handwriting with random weights, for the tests."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from hsrnn.experiments.hmrnn_handwriting_figure import write
from hsrnn.figures import Handwriting
from hsrnn.hmrnn import HMLSTM, HandwritingModel

from .conftest import arrays

MEAN, SD = np.array([2.0, -1.0]), np.array([30.0, 45.0])


def random_model(layer_norm: bool) -> HandwritingModel:
    """Return a model with random weights whose boundaries fire at some points and not at others."""
    model = HandwritingModel(HMLSTM(3, (9, 8, 7), layer_norm=layer_norm, seed=2), 10, mixtures=4, seed=2)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_((0.3 if parameter.ndim == 1 else 0.15) * noise)
        model.output.softmax.bias[-1] = -1.5
        for cell in model.core.cells[:2]:
            cell.bottom_up[-1] *= -3
            cell.bias[-1] = -0.3
    return model


@cache
def small_figure() -> Handwriting:
    model = random_model(True)
    weights = {name: array.copy() for name, array in arrays(model).items()}
    drawn = write(model, weights, bits=8, seed=3, sharpness=0.5)
    return Handwriting.from_weights(
        weights, layer_norm=True, smallest_scale=1e-4, mean=MEAN, sd=SD, seed=3, layer=2,
        strokes=drawn.strokes.numpy(), boundaries=drawn.boundaries.numpy(),
    )  # fmt: skip
