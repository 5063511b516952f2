"""How well a network parses, beside what its superpixels allow; and what every level is like and costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from .evolution import MergeLog
from .examples import Examples
from .graph import Graph
from .model import Parser
from .scores import Score, confusion, score
from .superpixels import ceiling, majority


@dataclass(frozen=True)
class LevelScore:
    """What the regions of one level are like.

    Attributes:
        nodes: regions an image, mean.
        edges: pairs of neighbours an image, mean.
        purity: share of pixels that have the majority label of their region.
        ceiling: score of the majority labels: the best that these regions allow.
        same: share of edges between regions of one majority label.
        seconds: an image, in the layer of this level.
        multiplications: an image, in the matrix products of this layer; 0 where they were not counted.
        log: proposals for the next level, of all images (``graph`` is the number of the image, ``edges`` are
            numbered in its batch); empty for the last level and for kinds that do not merge by proposals.
    """

    nodes: float
    edges: float
    purity: float
    ceiling: Score
    same: float
    seconds: float
    multiplications: float
    log: MergeLog


@dataclass(frozen=True)
class Evaluation:
    """What a network does on labelled images.

    Attributes:
        score: of its pixels, over all images.
        ceiling: the best that the superpixels allow. A network of the kind ``"backbone"`` is not bound by it.
        losses: means over images: ``parsing``, ``confidence``, ``merging``.
        levels: one for each graph of the hierarchy.
        seconds: an image, the whole network, superpixels not counted.
        multiplications: an image, in all matrix products and convolutions; 0 where they were not counted.
    """

    score: Score
    ceiling: Score
    losses: dict[str, float]
    levels: tuple[LevelScore, ...]
    seconds: float
    multiplications: float


@torch.no_grad()
def evaluate(
    model: Parser, examples: Examples, *, batch_size: int = 16, seed: int = 0, count: bool = False
) -> Evaluation:
    """Score a network in evaluation mode, and leave its mode as it was.

    Args:
        model: the network.
        examples: what to parse. Labels are compared with and never shown to it.
        batch_size: images at a time; with the seed it fixes all draws.
        seed: of the draws of orders and proposals.
        count: count multiplications too, in a second pass.

    Raises:
        ValueError: if no pixel is labelled.
    """
    device, training = next(model.parameters()).device, model.training
    classes, images = model.config.classes, len(examples)
    generator = torch.Generator().manual_seed(seed)
    counts = torch.zeros(classes, classes, dtype=torch.int64)
    losses: dict[str, float] = {}
    regions: list[_Regions] = []
    seconds, products = 0.0, 0
    model.eval()
    for start in range(0, images, batch_size):
        rows = torch.arange(start, min(start + batch_size, images))
        batch = examples.batch(rows).to(device)
        before = generator.get_state()
        began = time.perf_counter()
        with _measured(model, time.perf_counter) as spent:
            output = model(batch.images, batch.parts, batch.labels, generator=generator)
        seconds += time.perf_counter() - began
        done = [0.0] * len(spent)
        if count:
            generator.set_state(before)
            with FlopCounterMode(display=False) as counter, _measured(model, counter.get_total_flops) as done:
                model(batch.images, batch.parts, batch.labels, generator=generator)
            products += counter.get_total_flops() // 2  # a multiplication and an addition are 2
        counts += confusion(output.predicted(), batch.labels, classes).cpu()
        for name, value in output.losses.items():
            losses[name] = losses.get(name, 0.0) + float(value) * len(rows) / images
        histogram, tree = batch.parts.histogram(batch.labels, classes), output.hierarchy
        for level, graph in enumerate(tree.graphs):
            if level == len(regions):
                regions.append(_Regions())
            above = histogram.new_zeros(graph.nodes, classes)
            above.index_add_(0, tree.assignment(level), histogram)
            log = tree.logs[level] if level < len(tree.logs) else MergeLog.empty()
            regions[level].add(graph, above, replace(log, graph=log.graph + start))
        for level, region in enumerate(regions):
            # On a fixed graph every layer works on the one level there is.
            last = level + 1 == len(regions)
            region.seconds += sum(spent[level:] if last else spent[level : level + 1])
            region.products += sum(done[level:] if last else done[level : level + 1]) / 2
    model.train(training)
    levels = tuple(region.score(images) for region in regions)
    return Evaluation(score(counts), levels[0].ceiling, losses, levels, seconds / images, products / images)


@dataclass
class _Regions:
    """What is known of a level, batch after batch."""

    nodes: int = 0
    edges: int = 0
    same: int = 0
    seconds: float = 0.0
    products: float = 0.0
    histograms: list[Tensor] = field(default_factory=list)
    logs: list[MergeLog] = field(default_factory=list)

    def add(self, graph: Graph, histogram: Tensor, log: MergeLog) -> None:
        first, second = majority(histogram)[graph.edges]
        self.nodes += graph.nodes
        self.edges += graph.edges.shape[1]
        self.same += int((first == second).sum())
        self.histograms.append(histogram.cpu())
        self.logs.append(log)

    def score(self, images: int) -> LevelScore:
        counts = torch.cat(self.histograms)
        return LevelScore(
            self.nodes / images, self.edges / images,
            float(counts.max(1).values.sum() / counts.sum()), ceiling(counts),
            self.same / max(self.edges, 1), self.seconds / images, self.products / images,
            MergeLog.joined(self.logs),
        )  # fmt: skip


@contextmanager
def _measured(model: Parser, clock: Callable[[], float]) -> Iterator[list[float]]:
    """Give a list that grows by what ``clock`` gains during each call of a layer."""
    spent: list[float] = []
    began: list[float] = []
    handles = []
    for layer in model.layers:
        handles.append(layer.register_forward_pre_hook(lambda *_: began.append(clock())))
        handles.append(layer.register_forward_hook(lambda *_: spent.append(clock() - began.pop())))
    try:
        yield spent
    finally:
        for handle in handles:
            handle.remove()
