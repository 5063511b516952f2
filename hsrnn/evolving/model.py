"""The whole network: image -> features -> superpixels -> levels of Graph LSTM -> parts of each pixel.

=======================================================  ==============================================
Step                                                     Here
=======================================================  ==============================================
a feature map, and 1 x 1 confidences of every class      ``backbone``, ``confidence``
means over superpixels                                   ``Superpixels.pool``
an order, and a Graph LSTM layer along it                :meth:`Parser.rank`, ``layers``
merging probabilities, a proposal, accepted or not       ``between``, :func:`.evolution.evolve`
residual sums, averages over cliques, the next level     :meth:`Parser.nodes`
hidden states back to the superpixels, classes, pixels   ``head``, :meth:`ParserOutput.predicted`
=======================================================  ==============================================

The baselines are the same network with one part taken out or replaced, at equal numbers of parameters
(:func:`matched`). Sources: arXiv 1703.03055 and 1603.07063.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from .backbone import SmallUNet, convolution, linear
from .config import ParserConfig
from .edge_pooling import EdgePooling
from .evolution import MergeLog, evolve
from .graph import Graph
from .graph_lstm import GraphLSTM, NodeState
from .hierarchy import Hierarchy
from .merging import MergeScore, merge, merge_loss, unmerge
from .orders import confidence_order, perturbed_order, random_order, search_order
from .schedule import schedule
from .superpixels import Superpixels, majority


@dataclass(frozen=True, eq=False)
class ParserOutput:
    """What the network says about a batch.

    Attributes:
        logits: ``(nodes, classes)`` of every superpixel; for the kind ``"backbone"`` of every pixel,
            ``(images, classes, height, width)``.
        confidence: ``(images, classes, height, width)`` logits of the auxiliary head.
        parts: the superpixels.
        hierarchy: the levels; one for kinds that do not merge.
        losses: ``parsing``, ``confidence`` and ``merging`` in nats a pixel (merging: squared error an edge);
            empty without labels.
        loss: their weighted sum; ``None`` without labels.
    """

    logits: Tensor
    confidence: Tensor
    parts: Superpixels
    hierarchy: Hierarchy
    losses: dict[str, Tensor]
    loss: Tensor | None

    def predicted(self) -> Int64[Tensor, "images height width"]:
        """Return the most likely class of each pixel."""
        if self.logits.ndim == 4:
            return self.logits.argmax(1)
        return self.logits.argmax(1)[self.parts.map]


class Perceptron(nn.Module):
    """A residual layer of about as many parameters as a Graph LSTM layer, on every node or pixel alone."""

    def __init__(self, size: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.inner, self.outer = (
            linear(size, 6 * size, generator),
            linear(6 * size, size, generator, gain=0.5),
        )

    def forward(self, features: Float[Tensor, "nodes features"]) -> Float[Tensor, "nodes features"]:
        """Return what is to be added to the features."""
        return self.outer(F.relu(self.inner(features)))


class Parser(nn.Module):
    """A network that divides images into parts.

    Args:
        config: what it is made of.
        backbone: any module from ``(images, 3, height, width)`` to ``(images, channels, h, w)``; a
            :class:`.backbone.SmallUNet` if ``None``.
        channels: channels of that module's result; needed with ``backbone``.
        seed: seed of the initial weights.

    Raises:
        ValueError: for a backbone without ``channels``.
    """

    def __init__(
        self,
        config: ParserConfig,
        *,
        backbone: nn.Module | None = None,
        channels: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if (backbone is None) != (channels is None):
            raise ValueError("give a backbone and the channels of its result together, or neither")
        generator = torch.Generator().manual_seed(seed)
        self.config = config
        # Deviation E13: the papers start from networks trained on other pictures; here from nothing.
        self.backbone = SmallUNet(config.width, generator=generator) if backbone is None else backbone
        inputs, H = channels or config.width, config.hidden
        self.confidence = convolution(inputs, config.classes, 1, generator)
        self.feature = linear(inputs, H, generator)
        self.head = linear(H, config.classes, generator)
        layers: list[nn.Module] = []
        # Deviation E8: whether the paper shares weights over levels is not known; here each has its own.
        for _ in range(1 if config.shared else config.levels):
            if config.kind in ("superpixels", "backbone"):
                layers.append(Perceptron(H, generator=generator))
            else:
                layers.append(GraphLSTM(H, H, identical=config.identical, generator=generator))
        self.layers = nn.ModuleList(layers)
        between: list[nn.Module] = []
        for _ in range(min(config.levels - 1, 1) if config.shared else config.levels - 1):
            if config.kind == "evolving":
                between.append(MergeScore(H, generator=generator))
            elif config.kind == "edge-pooling":
                between.append(EdgePooling(H, generator=generator))
        self.between = nn.ModuleList(between)

    def forward(
        self,
        images: Float[Tensor, "images 3 height width"],
        parts: Superpixels,
        labels: Int64[Tensor, "images height width"] | None = None,
        *,
        generator: torch.Generator | None = None,
        groups: Sequence[Tensor] | None = None,
    ) -> ParserOutput:
        """Parse a batch.

        Args:
            images: in [0, 1].
            parts: their superpixels.
            labels: class of each pixel, -1 for none; gives the losses. While training, they also enter the
                acceptance of proposals; in evaluation they never do (decision E6).
            generator: source of all chance; in evaluation one of seed 0 if ``None``.
            groups: for each level but the last, the node above of each of its nodes: a hierarchy that was
                fixed beforehand takes the place of proposals.

        Raises:
            ValueError: for images or labels that do not fit the superpixels, images that are not finite,
                no generator while training, or groups for a network that does not merge by proposals or has
                other levels.
        """
        if groups is not None and (self.config.kind != "evolving" or len(groups) != self.config.levels - 1):
            raise ValueError(
                f"groups must be {self.config.levels - 1} for a network of the kind 'evolving' with "
                f"{self.config.levels} levels, got {len(groups)} for the kind {self.config.kind!r}"
            )
        if generator is None:
            if self.training:
                raise ValueError("training draws random numbers: pass a generator, or call eval() first")
            generator = torch.Generator().manual_seed(0)
        if images.shape[:1] + images.shape[2:] != parts.map.shape:
            raise ValueError(
                f"images must be {tuple(parts.map.shape)} like the superpixels, got {images.shape}"
            )
        if not bool(torch.isfinite(images).all()):
            raise ValueError("images must be finite, but hold NaN or infinity")
        found = self.backbone(images)
        if found.shape[2:] != images.shape[2:]:
            found = F.interpolate(found, size=images.shape[2:], mode="bilinear", align_corners=False)
        confidence = self.confidence(found)
        counts = None if labels is None else parts.histogram(labels, self.config.classes)
        merging: list[Tensor] = []
        tree = Hierarchy.start(parts.graph)
        if self.config.kind == "backbone":
            states = self.feature(found.permute(0, 2, 3, 1).flatten(0, 2))
            logits = self.head(self.perceptrons(states))
            logits = logits.unflatten(0, parts.map.shape).permute(0, 3, 1, 2)
        else:
            features = self.feature(parts.pool(found))
            if self.config.kind == "superpixels":
                states = self.perceptrons(features)
            else:
                sure = parts.pool(confidence.detach().softmax(1))
                states, tree = self.nodes(features, sure, parts, counts, merging, generator, groups)
            logits = self.head(states)
        losses: dict[str, Tensor] = {}
        if labels is not None and counts is not None:
            if logits.ndim == 4:
                losses["parsing"] = F.cross_entropy(logits, labels, ignore_index=-1)
            else:
                # Cross-entropy of the pixels, summed over superpixels: all pixels of one have its logits.
                losses["parsing"] = -(counts * logits.log_softmax(1)).sum() / counts.sum().clamp_min(1)
            losses["confidence"] = F.cross_entropy(confidence, labels, ignore_index=-1)
            losses["merging"] = torch.stack(merging).mean() if merging else logits.new_zeros(())
        weights = {
            "parsing": 1.0,
            "confidence": self.config.confidence_weight,
            "merging": self.config.merge_weight,
        }
        loss = sum(weights[name] * value for name, value in losses.items()) if losses else None
        return ParserOutput(logits, confidence, parts, tree, losses, loss)

    def perceptrons(self, states: Tensor) -> Tensor:
        """Return the states after all perceptrons, for the kinds without a graph."""
        for level in range(self.config.levels):
            states = states + self.layers[0 if self.config.shared else level](states)
        return states

    def nodes(
        self,
        features: Float[Tensor, "nodes hidden"],
        confidence: Float[Tensor, "nodes classes"],
        parts: Superpixels,
        counts: Int64[Tensor, "nodes classes"] | None,
        merging: list[Tensor],
        generator: torch.Generator,
        given: Sequence[Tensor] | None = None,
    ) -> tuple[Float[Tensor, "nodes hidden"], Hierarchy]:
        """Run all levels and return what the head sees of every superpixel, and the hierarchy.

        Losses of the merging probabilities are appended to ``merging``; groups may be ``given``.
        """
        config = self.config
        tree, columns = Hierarchy.start(parts.graph), parts.centres[:, 1:]
        state: NodeState | None = None
        # Deviation E7: how levels are fused is not known; the head sees the features and all hidden states,
        # which on a fixed graph is the residual stream of Graph LSTM.
        seen = features
        for level in range(config.levels):
            graph, layer = tree.graphs[-1], self.layers[0 if config.shared else level]
            plan = schedule(graph, self.rank(graph, confidence, columns[:, 0], generator))
            state, gates = layer(features, graph, plan, state)
            after = features + state.hidden
            back = tree.assignment(len(tree) - 1)
            before = seen if config.fusion == "sum" else features[back]
            seen = before + state.hidden[back]
            features = after
            if level + 1 == config.levels or config.kind == "graph-lstm":
                continue
            tool = self.between[0 if config.shared else level]
            weights = graph.sizes if config.by_pixels else None
            if config.kind == "edge-pooling":
                features, groups, p = tool(after, graph)
                log = MergeLog.empty()
            else:
                p, judge = tool(gates), None
                if counts is not None:
                    here = counts.new_zeros(graph.nodes, counts.shape[1]).index_add(0, back, counts)
                    merging.append(merge_loss(p, graph, majority(here)))
                    if self.training and given is None:
                        judge = self.judge(before, state.hidden, back, weights, counts, parts.graph)
                if given is not None:
                    groups, log = given[level], MergeLog.empty()
                else:
                    groups, log = evolve(graph, p, config.rule, generator=generator, loss=judge)
                features = merge(after, groups, weights)
            state = NodeState(merge(state.hidden, groups, weights), merge(state.memory, groups, weights))
            confidence, columns = merge(confidence, groups, weights), merge(columns, groups, weights)
            tree = tree.grown(groups, p, log)
        return seen, tree

    def rank(
        self, graph: Graph, confidence: Tensor, columns: Tensor, generator: torch.Generator
    ) -> Int64[Tensor, "nodes"]:
        """Return the order in which this network visits the nodes of a level."""
        order = self.config.order or ("perturbed" if self.config.kind == "evolving" else "confidence")
        if order == "random":
            return random_order(graph, generator=generator)
        if order == "perturbed":
            return perturbed_order(confidence, columns, generator=generator, scale=self.config.perturbation)
        if order == "confidence":
            return confidence_order(confidence, columns)
        return search_order(graph, 1 - confidence[:, 0], depth_first=order == "depth-first")

    def judge(
        self,
        before: Tensor,
        hidden: Tensor,
        back: Tensor,
        weights: Tensor | None,
        counts: Tensor,
        base: Graph,
    ):
        """Return the loss a pixel of each image if nodes of this level were merged to given groups.

        The prediction is what the head would say now, with the hidden states of this level averaged over the
        groups: no layer of the next level is run for a mere proposal.
        """

        def loss(groups: Tensor) -> Tensor:
            averaged = unmerge(merge(hidden, groups, weights), groups)
            logits = self.head(before + averaged[back])
            each = -(counts * logits.log_softmax(1)).sum(1)
            total = each.new_zeros(base.graphs).index_add(0, base.batch, each)
            pixels = each.new_zeros(base.graphs).index_add(0, base.batch, counts.sum(1).to(each))
            return total / pixels.clamp_min(1)

        return loss


def parameters(module: nn.Module) -> int:
    """Return the number of trained numbers of a module."""
    return sum(weight.numel() for weight in module.parameters() if weight.requires_grad)


def matched(config: ParserConfig, budget: int) -> ParserConfig:
    """Return ``config`` with the ``hidden`` size that brings its parameters nearest to ``budget``.

    Raises:
        ValueError: if the backbone alone has more.
    """
    low, high = 1, 2
    if parameters(Parser(replace(config, hidden=1))) > budget:
        raise ValueError(f"budget must leave room for the backbone of width {config.width}, got {budget}")
    while parameters(Parser(replace(config, hidden=high))) <= budget:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if parameters(Parser(replace(config, hidden=middle))) <= budget:
            low = middle
        else:
            high = middle
    best = min((low, high), key=lambda n: abs(parameters(Parser(replace(config, hidden=n))) - budget))
    return replace(config, hidden=best)
