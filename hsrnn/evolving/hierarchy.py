"""A hierarchy of graphs, level by level: cut it, compare it, measure it, bring it back to the pixels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from .evolution import MergeLog
from .graph import Graph, canonical
from .merging import coarsen


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Graphs G(0), G(1), ..., each coarser than the one before; make one by :meth:`start` and :meth:`grown`.

    Attributes:
        graphs: the graph of each level.
        groups: of each level but the last, the node above that each node became part of.
        probabilities: of each level but the last, the merging probability of each edge.
        logs: of each level but the last, what was proposed and accepted.
    """

    graphs: tuple[Graph, ...]
    groups: tuple[Tensor, ...] = ()
    probabilities: tuple[Tensor, ...] = ()
    logs: tuple[MergeLog, ...] = ()

    @classmethod
    def start(cls, graph: Graph) -> Hierarchy:
        """Return a hierarchy of the one level G(0)."""
        return cls((graph,))

    def grown(self, groups: Tensor, probabilities: Tensor, log: MergeLog) -> Hierarchy:
        """Return the hierarchy with one level more, made of ``groups`` of the last one."""
        return Hierarchy(
            (*self.graphs, coarsen(self.graphs[-1], groups)),
            (*self.groups, groups),
            (*self.probabilities, probabilities.detach()),
            (*self.logs, log),
        )

    def __len__(self) -> int:
        """Number of levels, G(0) counted."""
        return len(self.graphs)

    def assignment(self, level: int) -> Int64[Tensor, "nodes"]:
        """Return the node of ``level`` that each node of G(0) is part of.

        Raises:
            ValueError: for a level that is not there.
        """
        if not 0 <= level < len(self):
            raise ValueError(f"level must be 0 to {len(self) - 1}, got {level}")
        found = torch.arange(self.graphs[0].nodes, device=self.graphs[0].batch.device)
        for groups in self.groups[:level]:
            found = groups[found]
        return found

    def spread(self, values: Float[Tensor, "nodes columns"], level: int) -> Float[Tensor, "base columns"]:
        """Give every node of G(0) the value of the node of ``level`` that it is part of."""
        return values.index_select(0, self.assignment(level))

    def cut(self, regions: int) -> Int64[Tensor, "nodes"]:
        """Return groups of G(0) with exactly ``regions`` groups in every graph of the union, or as near as
        the hierarchy goes.

        Between two levels, merges happen in the order of their probabilities, highest first.

        Raises:
            ValueError: if ``regions`` is below 1.
        """
        if regions < 1:
            raise ValueError(f"regions must be at least 1, got {regions}")
        base = self.graphs[0]
        counts = torch.stack([graph.count() for graph in self.graphs])
        result = torch.empty(base.nodes, dtype=torch.int64, device=base.batch.device)
        offset = 0
        for part in range(base.graphs):
            level = max(l for l in range(len(self)) if l == 0 or int(counts[l, part]) >= regions)
            names = list(range(self.graphs[level].nodes))  # of the merges so far: a union-find without ranks
            left = int(counts[level, part])
            if left > regions and level + 1 < len(self):
                for first, second in self._merged(level, part):
                    first, second = _root(names, first), _root(names, second)
                    if left > regions and first != second:
                        names[second], left = first, left - 1
            inside = base.batch == part
            found = [_root(names, node) for node in self.assignment(level)[inside].tolist()]
            result[inside] = offset + torch.tensor(found, device=result.device)
            offset += self.graphs[level].nodes
        return canonical(result)

    def _merged(self, level: int, part: int) -> list[list[int]]:
        """Return the edges of one graph that vanish within groups, surest first."""
        graph, groups = self.graphs[level], self.groups[level]
        within = (groups[graph.edges[0]] == groups[graph.edges[1]]) & (graph.edge_batch == part)
        edges, sure = graph.edges[:, within], self.probabilities[level][within]
        return edges[:, sure.argsort(descending=True, stable=True)].T.tolist()

    def purity(self, histogram: Int64[Tensor, "nodes classes"], level: int) -> float:
        """Return the share of pixels that have the majority label of their region at ``level``.

        Args:
            histogram: pixels of each class in each node of G(0), from `Superpixels.histogram`.
            level: which level.
        """
        above = histogram.new_zeros(self.graphs[level].nodes, histogram.shape[1])
        above.index_add_(0, self.assignment(level), histogram)
        return float(above.max(1).values.sum() / histogram.sum())


def _root(names: list[int], node: int) -> int:
    while names[node] != node:
        node = names[node]
    return node


@dataclass(frozen=True)
class Agreement:
    """How alike two partitions are.

    Attributes:
        adjusted_rand: 1 if equal, about 0 for partitions that have nothing to do with each other.
        variation: variation of information in bits, 0 if equal.
    """

    adjusted_rand: float
    variation: float


def compare(
    first: Int64[Tensor, "nodes"], second: Int64[Tensor, "nodes"], sizes: Int64[Tensor, "nodes"] | None = None
) -> Agreement:
    """Compare two partitions of the same nodes; ``sizes`` counts a node as so many pixels.

    Raises:
        ValueError: for partitions of different lengths.
    """
    if first.shape != second.shape:
        raise ValueError(f"partitions must have one length, got {len(first)} and {len(second)}")
    weights = torch.ones_like(first) if sizes is None else sizes
    rows, columns = canonical(first), canonical(second)
    width = int(columns.max()) + 1
    table = weights.new_zeros((int(rows.max()) + 1) * width).index_add(0, rows * width + columns, weights)
    table = table.unflatten(0, (-1, width)).double()

    def pairs(counts: Tensor) -> float:
        return float((counts * (counts - 1)).sum()) / 2

    def entropy(counts: Tensor) -> float:
        share = counts[counts > 0] / table.sum()
        return -float((share * share.log2()).sum())

    both, one, two, every = pairs(table), pairs(table.sum(1)), pairs(table.sum(0)), pairs(table.sum())
    expected = one * two / every if every else 0.0
    room = (one + two) / 2 - expected
    rand = (both - expected) / room if room else 1.0
    variation = 2 * entropy(table) - entropy(table.sum(1)) - entropy(table.sum(0))
    return Agreement(rand, max(0.0, variation))
