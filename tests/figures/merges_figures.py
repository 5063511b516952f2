"""Small hierarchies for the tests of the figure Merges: an untrained network that doubts every merge."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch

from hsrnn import datasets
from hsrnn.evolving import Parser, ParserConfig, ParserOutput
from hsrnn.experiments.evolving_figure import merges_figure, parse
from hsrnn.figures import Merges

COUNTS = {"a figure": 60, "a field": 30}


@cache
def network() -> Parser:
    with torch.random.fork_rng(devices=[]):
        found = Parser(ParserConfig(9, hidden=6, width=4, levels=4), seed=1).eval().requires_grad_(False)
    for between in found.between:
        between.weight.mul_(20)
        between.bias.sub_(1.0)
    return found


@cache
def pictures() -> dict[str, dict[str, Any]]:
    figures = datasets.load("figures", train=1, valid=1, test=1, size=32)
    field = np.random.default_rng(3).integers(0, 256, (4, 6, 3)).astype(np.uint8).repeat(5, 0).repeat(5, 1)
    return {
        "a figure": {
            "image": figures.test.images[0], "labels": figures.test.labels[0], "count": COUNTS["a figure"],
        },
        "a field": {"image": field, "words": "a field, by chance", "count": COUNTS["a field"]},
    }  # fmt: skip


@cache
def output(name: str) -> ParserOutput:
    """Return what the network says about a picture, as the figure asked for it."""
    return parse(network(), pictures()[name]["image"], COUNTS[name], seed=5)


@cache
def small_merges() -> Merges:
    return merges_figure(network(), datasets.load("figures").classes, pictures(), seed=5)
