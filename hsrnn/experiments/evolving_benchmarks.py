"""Speed of the room evolving beside its own loop and its backbone: what ``hsrnn bench evolving.NAME`` runs.

A line has the fields of :mod:`hsrnn.experiments.benchmarks`. The graph is that of a photograph which ships
inside scikit-image, so no data set is needed. What is timed is checked first: a fast wrong answer raises.
"""

from __future__ import annotations

import cProfile
import pstats
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
import torch
from skimage import data
from skimage.filters import gaussian
from torch import Tensor

from hsrnn import evolving
from hsrnn.evolving import GraphLSTM, Parser, ParserConfig, Schedule, Superpixels
from hsrnn.experiments.timing import alternate, threads


def photograph(count: int) -> tuple[Superpixels, Schedule]:
    """Return the superpixels of a photograph, and the waves of a confidence order on them.

    Confidences of six classes are a random read-out of the blurred colours, so they vary over the picture as
    smoothly as those of a network do.
    """
    image = data.coffee()[:384:3, ::3]
    parts = evolving.superpixels(image, count)
    blurred = torch.from_numpy(np.ascontiguousarray(gaussian(image, 2, channel_axis=-1).transpose(2, 0, 1)))
    readout = torch.randn(3, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    confidence = (10 * parts.pool(blurred[None]) @ readout).softmax(1)
    rank = evolving.confidence_order(confidence, parts.centres[:, 1])
    return parts, evolving.schedule(parts.graph, rank)


def update(*, count: int = 860, hidden: int = 64, repeats: int = 7) -> Iterator[dict[str, Any]]:
    """Time forward and backward of one layer in waves beside the same layer one node at a time.

    Raises:
        RuntimeError: if a state or a gradient differs between the two by more than 1e-5.
    """
    parts, plan = photograph(count)
    graph = parts.graph
    generator = torch.Generator().manual_seed(1)
    layer = GraphLSTM(hidden, hidden, generator=generator)
    features = torch.randn(graph.nodes, hidden, generator=generator, requires_grad=True)

    def run(way: Callable[..., Any]) -> list[Tensor]:
        layer.zero_grad(set_to_none=True)
        features.grad = None
        state, gates = way(features, graph, plan)
        (state.hidden.mean() + state.memory.square().mean() + gates.mean()).backward()
        found = [features.grad, *(weight.grad for weight in layer.parameters())]
        return [*state, gates, *(gradient for gradient in found if gradient is not None)]

    pairs = zip(run(layer.forward), run(layer.loop), strict=True)
    difference = max(float((ours - theirs).detach().abs().max()) for ours, theirs in pairs)
    if difference > 1e-5:
        raise RuntimeError(f"waves and loop differ by {difference}")
    with threads(1):
        seconds = alternate(lambda: run(layer.forward), lambda: run(layer.loop), repeats)
    yield {
        "name": "evolving.update/loop", "ours": seconds[0], "reference": seconds[1], "unit": "s",
        "ratio": seconds[1] / seconds[0],
        "nodes": graph.nodes, "degree": float(graph.degree.double().mean()), "waves": len(plan),
        "largest_difference": difference,
        "what": f"forward + backward of one Graph LSTM layer of {hidden} units on {graph.nodes} superpixels "
        f"in {len(plan)} waves of a confidence order. Reference: the same layer, one node at a time. One "
        "thread",
    }  # fmt: skip


def step(
    *, images: int = 8, count: int = 600, levels: int = 3, hidden: int = 32, repeats: int = 7
) -> Iterator[dict[str, Any]]:
    """Time one training step of the whole network beside one of the backbone alone at equal parameters.

    ``outside`` is the share of processor time outside tensor operations (median of 3 profiled steps, the
    superpixels cut beforehand): what Python costs.
    """
    crops = [
        data.coffee()[10 * k : 10 * k + 200 : 2, 10 * k : 10 * k + 300 : 2] / 255.0 for k in range(images)
    ]
    parts = evolving.stack([evolving.superpixels(crop, count) for crop in crops])
    pixels = torch.tensor(np.stack(crops), dtype=torch.float32).permute(0, 3, 1, 2)
    labels = torch.bucketize(pixels.mean(1), torch.tensor([0.35, 0.6]))
    config = ParserConfig(classes=3, levels=levels, hidden=hidden)
    net = Parser(config)
    other = Parser(evolving.matched(replace(config, kind="backbone"), evolving.parameters(net)))
    generator = torch.Generator().manual_seed(0)

    def run(which: Parser) -> int:
        which.zero_grad(set_to_none=True)
        output = which(pixels, parts, labels, generator=generator)
        output.loss.backward()
        return sum(len(log) for log in output.hierarchy.logs)

    with threads(1):
        seconds = alternate(lambda: run(net), lambda: run(other), repeats)
        outside = median(outside_tensors(lambda: run(net)) for _ in range(3))
    yield {
        "name": "evolving.step/backbone", "ours": seconds[0], "reference": seconds[1], "unit": "s",
        "ratio": seconds[1] / seconds[0],
        "nodes": parts.graph.nodes, "proposals": run(net), "outside": outside,
        "what": f"forward + backward of {images} images of 100 x 150 pixels, {parts.graph.nodes} "
        f"superpixels, {levels} levels of {hidden} units. Reference: the same backbone with a perceptron on "
        "every pixel, equal parameters. One thread",
    }  # fmt: skip


def outside_tensors(run: Callable[[], object]) -> float:
    """Return the share of the processor time of ``run`` that is spent outside functions of torch."""
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    run()
    profile.disable()
    total = inside = 0.0
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():
        total += own
        if file == "~" and any(word in name for word in ("torch", "Tensor", "run_backward")):
            inside += own
    return 1 - inside / total


BENCHMARKS: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
    "evolving.update": update,
    "evolving.step": step,
}
