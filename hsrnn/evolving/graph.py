"""A graph, and several graphs as one disjoint union.

Everything in this room runs on a :class:`Graph`: nodes joined by undirected edges. It can come from the
superpixels of an image (:mod:`.superpixels`) or from any list of edges (:func:`graph_from_edges`). A batch of
graphs is one graph whose parts have no edge in common (:func:`union`); ``batch`` says which part a node is
of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes joined by undirected edges; make one by :func:`graph_from_edges`, which checks it.

    Attributes:
        edges: ``(2, edges)`` int64, every pair once, the smaller number in row 0, pairs in growing order.
        sizes: ``(nodes,)`` int64, what a node weighs: its pixels where it is a region of an image.
        batch: ``(nodes,)`` int64, which graph of the union a node is of: 0 to graphs - 1, in growing order.
    """

    edges: Tensor
    sizes: Tensor
    batch: Tensor

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return self.sizes.shape[0]

    @cached_property
    def graphs(self) -> int:
        """Number of graphs in the union."""
        return int(self.batch[-1]) + 1

    @cached_property
    def receiver(self) -> Tensor:
        """``(2 * edges,)``: the node ``i`` that a directed pair (i, j) brings something to; all edges forth,
        then all edges back."""
        return self.edges.flatten()

    @cached_property
    def sender(self) -> Tensor:
        """``(2 * edges,)``: the neighbour ``j`` of every directed pair (i, j), in the order of
        :attr:`receiver`."""
        return self.edges.flip(0).flatten()

    @cached_property
    def degree(self) -> Tensor:
        """``(nodes,)`` int64: how many neighbours each node has; 0 for an isolated one."""
        return torch.bincount(self.receiver, minlength=self.nodes)

    @cached_property
    def edge_batch(self) -> Tensor:
        """``(edges,)``: the graph of the union that each edge is of."""
        return self.batch[self.edges[0]]

    def count(self) -> Tensor:
        """Return the number of nodes of every graph of the union, ``(graphs,)`` int64."""
        return torch.bincount(self.batch, minlength=self.graphs)

    def to(self, device: torch.device | str) -> Graph:
        """Return the graph on another device."""
        return Graph(self.edges.to(device), self.sizes.to(device), self.batch.to(device))


def graph_from_edges(
    nodes: int,
    edges: Tensor | ArrayLike,
    *,
    sizes: Tensor | ArrayLike | None = None,
    batch: Tensor | ArrayLike | None = None,
) -> Graph:
    """Make a graph from any list of pairs.

    Args:
        nodes: how many; at least 1. Nodes without an edge are allowed, and so is a single node.
        edges: ``(2, edges)`` integers; either direction, repetitions allowed, no node with itself.
        sizes: ``(nodes,)`` whole numbers of at least 1; all 1 if ``None``.
        batch: ``(nodes,)`` number of the graph that each node is of, from 0, in growing order; one graph if
            ``None``.

    Raises:
        ValueError: for no node, an edge to a node that is not there, to itself or to another graph, a size
            below 1, or a ``batch`` with a gap or out of order.
    """
    if nodes < 1:
        raise ValueError(f"a graph must have at least 1 node, got {nodes}")
    pairs = torch.as_tensor(edges)
    if pairs.numel() == 0:
        pairs = pairs.new_zeros((2, 0), dtype=torch.int64)
    if pairs.ndim != 2 or pairs.shape[0] != 2 or pairs.is_floating_point():
        raise ValueError(f"edges must be whole numbers (2, edges), got {tuple(pairs.shape)} {pairs.dtype}")
    pairs = pairs.to(torch.int64)
    if pairs.numel() and (int(pairs.min()) < 0 or int(pairs.max()) >= nodes):
        raise ValueError(
            f"edges must join nodes 0 to {nodes - 1}, got {int(pairs.min())} to {int(pairs.max())}"
        )
    if bool((pairs[0] == pairs[1]).any()):
        own = int(pairs[0, pairs[0] == pairs[1]][0])
        raise ValueError(f"an edge must join two different nodes, got node {own} with itself; leave it out")
    device = pairs.device
    weights = torch.ones(nodes, dtype=torch.int64) if sizes is None else torch.as_tensor(sizes)
    parts = torch.zeros(nodes, dtype=torch.int64) if batch is None else torch.as_tensor(batch)
    for name, tensor in (("sizes", weights), ("batch", parts)):
        if tensor.shape != (nodes,) or tensor.is_floating_point():
            raise ValueError(
                f"{name} must be ({nodes},) whole numbers, got {tuple(tensor.shape)} {tensor.dtype}"
            )
    weights, parts = weights.to(device, torch.int64), parts.to(device, torch.int64)
    if int(weights.min()) < 1:
        raise ValueError(f"sizes must be at least 1, got {int(weights.min())}")
    steps = parts.diff()
    if int(parts[0]) != 0 or bool(((steps < 0) | (steps > 1)).any()):
        raise ValueError("batch must start at 0 and grow by 0 or 1 from node to node")
    if bool((parts[pairs[0]] != parts[pairs[1]]).any()):
        raise ValueError("an edge must join two nodes of the same graph of the batch")
    return Graph(distinct_edges(pairs, nodes), weights, parts)


def distinct_edges(pairs: Int64[Tensor, "2 pairs"], nodes: int) -> Int64[Tensor, "2 edges"]:
    """Return every undirected pair once, smaller number first, in growing order."""
    low, high = pairs.min(0).values, pairs.max(0).values
    codes = torch.unique(low * nodes + high)
    return torch.stack([codes // nodes, codes % nodes])


def union(graphs: Sequence[Graph]) -> Graph:
    """Return all graphs as one, their nodes numbered one graph after the other.

    Raises:
        ValueError: for no graph.
    """
    if not graphs:
        raise ValueError("a union needs at least 1 graph, got none")
    edges, batch, nodes, parts = [], [], 0, 0
    for graph in graphs:
        edges.append(graph.edges + nodes)
        batch.append(graph.batch + parts)
        nodes, parts = nodes + graph.nodes, parts + graph.graphs
    return Graph(torch.cat(edges, 1), torch.cat([graph.sizes for graph in graphs]), torch.cat(batch))


def components(nodes: int, edges: Int64[Tensor, "2 edges"]) -> Int64[Tensor, "nodes"]:
    """Return the number of the connected component of each node, in the order of their smallest nodes."""
    first, second = edges.cpu().numpy()
    matrix = coo_array(([1] * len(first), (first, second)), shape=(nodes, nodes))
    _, found = connected_components(matrix, directed=False)
    return canonical(torch.from_numpy(found).to(edges.device, torch.int64))


def canonical(groups: Int64[Tensor, "nodes"]) -> Int64[Tensor, "nodes"]:
    """Renumber groups in the order of their smallest nodes, so that equal partitions are equal tensors."""
    _, numbers = torch.unique(groups, return_inverse=True)
    count = int(numbers.max()) + 1
    place = torch.arange(len(groups), device=groups.device)
    smallest = place.new_full((count,), len(groups)).scatter_reduce(0, numbers, place, "amin")
    rank = torch.empty_like(smallest)
    rank[smallest.argsort()] = torch.arange(count, device=groups.device)
    return rank[numbers]


def check_features(features: Float[Tensor, "nodes features"], graph: Graph) -> None:
    """Raise ``ValueError`` unless there is one row of finite numbers for each node."""
    if features.ndim != 2 or features.shape[0] != graph.nodes:
        raise ValueError(f"features must be ({graph.nodes}, columns), got {tuple(features.shape)}")
    if not bool(torch.isfinite(features).all()):
        node = int(torch.nonzero(~torch.isfinite(features))[0, 0])
        raise ValueError(f"features must be finite, but row {node} holds NaN or infinity")
