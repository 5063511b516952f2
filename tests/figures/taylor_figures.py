"""Small networks with random weights and a figure Taylor orders made of them, for the tests."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from hsrnn import coarse
from hsrnn.experiments.coarse_figure import taylor_orders_figure
from hsrnn.figures import TaylorOrders

SCALE = 0.4


def random_net(norm: str = "scale", form: str = "full", seed: int = 0) -> coarse.TaylorNet:
    """Return a network of pictures of 28 x 28 on a lattice of 32, with 4 x 4 regions, in evaluation mode."""
    config = coarse.TaylorNetConfig(channels=(3, 4, 5), form=form, norm=norm, nonlinear_scale=0.5)
    net = coarse.TaylorNet(config, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, values in [*net.named_parameters(), *net.named_buffers()]:
            if "bias" in name or "running_mean" in name:
                values.normal_(0, 0.3, generator=generator)
            if name.endswith(("scale", "batch.weight")):
                values.uniform_(1.0, 1.5, generator=generator)
            if "running_var" in name:
                values.uniform_(0.5, 1.0, generator=generator)
    return net.eval().requires_grad_(False)


def random_distiller(seed: int = 0) -> coarse.Distiller:
    """Return a distiller that learned nothing: random nets, random references of two levels."""
    distiller = coarse.Distiller((3, 1), width=2, embedding=6)
    distiller.embedder_ = coarse.Embedder((1, 28, 28), 6, width=2, seed=seed)
    distiller.coarsener_ = coarse.Coarsener(1, 1, seed=seed)
    random = np.random.default_rng(seed)
    distiller.references_ = tuple(random.random((10, k, 1, 28, 28), np.float32) for k in distiller.levels)
    distiller.classes_, distiller.losses_ = np.arange(10), np.zeros(1)
    return distiller


def drawings(count: int, seed: int = 1) -> np.ndarray:
    """Return pictures of 28 x 28 with ink in some places only, in the greys of the page."""
    random = np.random.default_rng(seed)
    pictures = np.zeros((count, 28, 28))
    for picture in pictures:
        top, left = random.integers(0, 16, 2)
        picture[top : top + 12, left : left + 12] = random.integers(0, 16, (12, 12)) / 15
    return pictures


@cache
def orders_figure() -> TaylorOrders:
    """Return the figure with everything that it can show."""
    return taylor_orders_figure(random_net(), SCALE, random_distiller(), start=3)
