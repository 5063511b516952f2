"""The exact parallel schedule of a Graph LSTM: waves of nodes that can be updated together.

Visiting nodes one at a time, a node needs the new states of its earlier neighbours only. Point every edge
from the earlier to the later node: that is an acyclic graph, and ``depth(i) = 1 + the largest depth of an
earlier neighbour``. Two neighbours never have one depth, so all nodes of a depth are updated at once with
the very results of the loop. A graph of 860 superpixels takes about 30 waves in place of 860 steps, and a
batch of graphs as many waves as its deepest graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from .graph import Graph


@dataclass(frozen=True, eq=False)
class Schedule:
    """In which waves to update the nodes of a graph; one schedule serves all layers of one order.

    Below, "place" is the position of a node when nodes are sorted by wave.

    Attributes:
        rank: ``(nodes,)``, the order that this is the schedule of.
        depth: ``(nodes,)``, the wave of each node, from 0.
        nodes: ``(nodes,)``, the node at each place.
        place: ``(nodes,)``, the place of each node.
        fresh: ``(2 * edges,)`` bool, of each directed pair of the graph: is the sender visited before the
            receiver, so that its new state counts?
        pairs: the directed pairs that are fresh, sorted by the place of the receiver.
        waves: for each wave, where its nodes begin and end among the places, and its fresh pairs among
            ``pairs``.
    """

    rank: Tensor
    depth: Tensor
    nodes: Tensor
    place: Tensor
    fresh: Tensor
    pairs: Tensor
    waves: tuple[tuple[int, int, int, int], ...]

    def __len__(self) -> int:
        """Number of waves."""
        return len(self.waves)


def depths(graph: Graph, rank: Int64[Tensor, "nodes"]) -> Int64[Tensor, "nodes"]:
    """Return the wave of each node, from 0: the longest path of earlier neighbours that leads to it."""
    fresh = rank[graph.sender] < rank[graph.receiver]
    receiver, sender = graph.receiver[fresh], graph.sender[fresh]
    depth = torch.zeros_like(rank)
    while len(sender):
        # One wave deeper than the sender, until nothing moves; only pairs that may still push are kept.
        wanted = depth[sender] + 1
        push = wanted > depth[receiver]
        if not bool(push.any()):
            break
        depth = depth.scatter_reduce(0, receiver[push], wanted[push], "amax")
    return depth


def schedule(graph: Graph, rank: Int64[Tensor, "nodes"]) -> Schedule:
    """Return the waves of ``graph`` for the order ``rank``, both on the same device.

    Raises:
        ValueError: if ``rank`` does not hold each of 0 to nodes - 1 once.
    """
    everyone = torch.arange(graph.nodes, device=rank.device)
    if rank.shape != (graph.nodes,) or not torch.equal(rank.sort().values, everyone):
        raise ValueError(f"rank must hold each of 0 to {graph.nodes - 1} once, got {tuple(rank.shape)}")
    depth = depths(graph, rank)
    nodes = torch.argsort(depth * graph.nodes + rank)
    place = torch.empty_like(nodes)
    place[nodes] = everyone
    fresh = rank[graph.sender] < rank[graph.receiver]
    pairs = torch.nonzero(fresh)[:, 0]
    pairs = pairs[torch.argsort(place[graph.receiver[pairs]], stable=True)]
    width = torch.bincount(depth)
    into = torch.bincount(depth[graph.receiver[pairs]], minlength=len(width))
    ends, pair_ends = width.cumsum(0).tolist(), into.cumsum(0).tolist()
    waves = tuple(zip([0, *ends[:-1]], ends, [0, *pair_ends[:-1]], pair_ends))
    return Schedule(rank, depth, nodes, place, fresh, pairs, waves)
