"""The control that decides: as often merged as another network does, in every image and level, elsewhere.

That merging helps says little while nobody knows what merging *these* regions adds to merging as many others.
A :class:`Twin` asks its leader how many nodes it would keep, and merges down to exactly that many: at random,
by colour alone, or by the true labels, which no network can know. The first is the floor, the last the roof.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from .config import ParserConfig
from .graph import Graph
from .merging import coarsen, merge
from .model import Parser, ParserOutput
from .proposals import first_merges
from .superpixels import Superpixels, majority

Guide = Literal["random", "colour", "labels"]


def guided_groups(
    graph: Graph,
    counts: Sequence[Tensor],
    by: Guide,
    values: Float[Tensor, "nodes columns"],
    generator: torch.Generator,
) -> list[Tensor]:
    """Return the groups of a hierarchy with given numbers of nodes, level by level.

    At each level every node merges at most once, as in a matching. Where no matching holds as many merges as
    it takes, nodes stay over, and the next level makes up for them.

    Args:
        graph: G(0), a union of any number.
        counts: for each further level, the nodes that each graph shall have, ``(graphs,)`` int64.
        by: ``"random"``; ``"colour"``: the nearest values first; ``"labels"``: equal majority labels first.
        values: of the nodes of G(0): colours, or numbers of pixels of each class; not read at random.
        generator: source of all chance; it also breaks ties of labels.

    Returns:
        For each level but the last, the node above of each node.

    Raises:
        ValueError: for an unknown guide.
    """
    if by not in get_args(Guide):
        raise ValueError(f"by must be one of {', '.join(get_args(Guide))}, got {by!r}")
    groups = []
    for count in counts:
        first, second = graph.edges
        if by == "colour":
            nearness = -(values[first] - values[second]).square().sum(1)
        elif by == "labels":
            label = majority(values.long())
            nearness = (label[first] == label[second]).double()
        else:
            nearness = values.new_zeros(graph.edges.shape[1])

        def priorities(nearness: Tensor = nearness) -> Tensor:
            order = torch.randperm(len(nearness), generator=generator).to(nearness.device)
            # Ranks, so that chance decides among equals alone.
            sorted_ = order[nearness[order].argsort(stable=True)]
            ranks = torch.empty_like(order)
            ranks[sorted_] = torch.arange(len(order), device=order.device)
            return ranks

        found = first_merges(graph, (graph.count() - count).clamp_min(0), priorities).groups
        groups.append(found)
        if by == "labels":  # pixels of a region add up
            values = values.new_zeros(int(found.max()) + 1, values.shape[1]).index_add(0, found, values)
        else:
            values = merge(values, found, graph.sizes)
        graph = coarsen(graph, found)
    return groups


class Twin(Parser):
    """A parser whose graphs have as many nodes as its leader's, in every image at every level.

    The leader is asked in evaluation mode and draws what it would draw alone, so a twin evaluated with the
    same seed has the leader's counts to the node.

    Args:
        config: what it is made of; kind ``"evolving"`` and as many levels as the leader.
        leader: the network whose counts it follows. It is not part of the twin: neither trained nor saved
            with it.
        by: see :func:`guided_groups`.
        seed: seed of the initial weights.

    Raises:
        ValueError: for another kind, other levels, or an unknown guide.
    """

    def __init__(self, config: ParserConfig, leader: Parser, *, by: Guide = "random", seed: int = 0) -> None:
        own, other = (config.kind, config.levels), (leader.config.kind, leader.config.levels)
        if own != other or config.kind != "evolving":
            raise ValueError(f"twin and leader must be 'evolving' with equal levels, got {own} and {other}")
        if by not in get_args(Guide):
            raise ValueError(f"by must be one of {', '.join(get_args(Guide))}, got {by!r}")
        super().__init__(config, seed=seed)
        self.by = by
        self._leader = (leader,)  # in a tuple, so that it is no submodule

    def forward(
        self,
        images: Tensor,
        parts: Superpixels,
        labels: Tensor | None = None,
        *,
        generator: torch.Generator | None = None,
        groups: Sequence[Tensor] | None = None,
    ) -> ParserOutput:
        """Parse a batch; arguments as of :meth:`.model.Parser.forward`.

        Raises:
            ValueError: as there; and for no labels if they are the guide, or groups, which a twin finds
                itself.
        """
        if groups is not None:
            raise ValueError("a twin finds its groups itself: give them to a Parser")
        if labels is None and self.by == "labels":
            raise ValueError("a twin that merges by labels needs them")
        (leader,) = self._leader
        if generator is None:
            if self.training:
                raise ValueError("training draws random numbers: pass a generator, or call eval() first")
            generator = torch.Generator().manual_seed(0)
        own = torch.Generator()
        own.set_state(generator.get_state())
        mode = leader.training
        leader.eval()
        with torch.no_grad():
            tree = leader(images, parts, generator=generator).hierarchy
        leader.train(mode)
        values = parts.pool(images)
        if self.by == "labels" and labels is not None:
            values = parts.histogram(labels, self.config.classes).double()
        counts = [graph.count() for graph in tree.graphs[1:]]
        found = guided_groups(parts.graph, counts, self.by, values, own)
        return super().forward(images, parts, labels, generator=own, groups=found)
