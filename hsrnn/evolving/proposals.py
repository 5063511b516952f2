"""Which edges to merge next: five ways to propose a coarser graph (decision E4).

Independent coins on all edges, merged into connected components, are what the paper's words suggest. But on
a graph of 5 neighbours a node, components percolate: at probabilities that are nearly perfect one level
leaves a handful of regions. So by default a node merges at most once a level: a matching of the sampled
edges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from .graph import Graph, components

ProposalKind = Literal["bernoulli", "matching", "threshold", "random", "none"]
TRIES = 20  # how often priorities are drawn to reach the number of merges


@dataclass(frozen=True, eq=False)
class Proposal:
    """A coarser graph that could come next.

    Attributes:
        merged: ``(edges,)`` bool, the edges chosen to be merged.
        groups: ``(nodes,)`` int64, the group that each node would be of; equal to the node's own number where
            nothing merges.
    """

    merged: Tensor
    groups: Tensor

    def eliminated(self, graph: Graph) -> Bool[Tensor, "edges"]:
        """Return which edges would lie within a group: the chosen ones, and those swallowed with them."""
        first, second = self.groups[graph.edges]
        return first == second


def sample_edges(probabilities: Float[Tensor, "edges"], generator: torch.Generator) -> Bool[Tensor, "edges"]:
    """Toss an independent coin for every edge."""
    coins = torch.rand(probabilities.shape, generator=generator, dtype=torch.float64)
    return coins.to(probabilities.device) < probabilities.detach()


def match(
    graph: Graph, allowed: Bool[Tensor, "edges"], priority: Float[Tensor, "edges"]
) -> Bool[Tensor, "edges"]:
    """Return the matching that takes allowed edges by decreasing priority, each node at most once.

    An edge that comes first at both its ends is taken in the same round as all others that do, which gives
    the result of going through the edges one by one, in a few rounds. Of equal priorities the earlier edge is
    first.
    """
    count = graph.edges.shape[1]
    place = torch.empty(count, dtype=torch.int64, device=allowed.device)
    place[torch.sort(priority.detach(), descending=True, stable=True).indices] = torch.arange(
        count, device=allowed.device
    )
    taken = torch.zeros_like(allowed)
    open_edges = torch.nonzero(allowed)[:, 0]
    free = torch.ones(graph.nodes, dtype=torch.bool, device=allowed.device)
    while len(open_edges):
        ends, turn = graph.edges[:, open_edges], place[open_edges]
        first = turn.new_full((graph.nodes,), count)
        first = first.scatter_reduce(0, ends.flatten(), turn.repeat(2), "amin")
        chosen = (first[ends] == turn).all(0)
        taken[open_edges[chosen]] = True
        free[ends[:, chosen].flatten()] = False
        open_edges = open_edges[free[ends].all(0)]
    return taken


def propose(
    kind: ProposalKind,
    graph: Graph,
    probabilities: Float[Tensor, "edges"],
    *,
    generator: torch.Generator,
    threshold: float = 0.5,
) -> Proposal:
    """Propose merges in every graph of a union.

    Args:
        kind: ``"bernoulli"``: every edge by its probability, and connected components; ``"matching"``: edges
            sampled so, taken in a random order, each node at most once; ``"threshold"``: edges of at least
            ``threshold`` by decreasing probability, each node at most once, without chance; ``"random"``: as
            many merges in each graph as a ``"matching"`` draw has, at edges drawn without regard to their
            probabilities; ``"none"``.
        graph: the graph to coarsen.
        probabilities: of each edge, in [0, 1].
        generator: source of all chance.
        threshold: for ``"threshold"``.

    Raises:
        ValueError: for an unknown kind, or probabilities that are not one in [0, 1] for each edge.
    """
    if kind not in get_args(ProposalKind):
        raise ValueError(f"kind must be one of {', '.join(get_args(ProposalKind))}, got {kind!r}")
    p = probabilities.detach()
    if p.shape != graph.edges.shape[1:] or not bool(((p >= 0) & (p <= 1)).all()):
        raise ValueError(f"probabilities must be {graph.edges.shape[1]} numbers in [0, 1], {tuple(p.shape)}")
    # Deviation E4: how the paper draws its candidates is not known; a matching bounds what one level merges.
    if kind == "none":
        merged = torch.zeros(p.shape, dtype=torch.bool, device=p.device)
    elif kind == "bernoulli":
        merged = sample_edges(p, generator)
    elif kind == "threshold":
        merged = match(graph, p >= threshold, p)
    else:
        merged = match(graph, sample_edges(p, generator), _shuffled(p, generator))
    if kind == "random":
        return at_random(graph, Proposal(merged, components(graph.nodes, graph.edges[:, merged])), generator)
    return Proposal(merged, components(graph.nodes, graph.edges[:, merged]))


def at_random(graph: Graph, model: Proposal, generator: torch.Generator) -> Proposal:
    """Return a random matching with as many merges in each graph as ``model`` has, see
    :func:`first_merges`."""
    return first_merges(graph, merges(graph, model.groups), lambda: _shuffled(model.merged, generator))


def first_merges(graph: Graph, wanted: Int64[Tensor, "graphs"], priorities: Callable[[], Tensor]) -> Proposal:
    """Return the first ``wanted`` merges in each graph of the matching that goes by decreasing priority.

    Where that matching holds fewer, priorities are drawn anew, up to 20 times, and the largest is taken.

    Args:
        graph: the graph to coarsen.
        wanted: merges in each graph of the union.
        priorities: draws a priority of each edge, ``(edges,)``.
    """
    everything = torch.ones(graph.edges.shape[1], dtype=torch.bool, device=graph.batch.device)
    best = torch.zeros_like(everything)
    missing = torch.ones(graph.graphs, dtype=torch.bool, device=best.device)
    for _ in range(TRIES):
        priority = priorities()
        found = match(graph, everything, priority)
        # In each graph, keep the first of the matching: what going edge by edge would have taken by then.
        places = torch.nonzero(found)[:, 0]
        places = places[priority[places].argsort(descending=True, stable=True)]
        places = places[graph.edge_batch[places].argsort(stable=True)]
        owner = graph.edge_batch[places]
        have = torch.bincount(owner, minlength=graph.graphs)
        number = torch.arange(len(places), device=owner.device) - (have.cumsum(0) - have)[owner]
        kept = places[number < wanted[owner]]
        drawn = torch.zeros_like(best)
        drawn[kept] = True
        count = torch.bincount(graph.edge_batch[drawn], minlength=graph.graphs)
        better = count > torch.bincount(graph.edge_batch[best], minlength=graph.graphs)
        best = torch.where((better & missing)[graph.edge_batch], drawn, best)
        missing = torch.bincount(graph.edge_batch[best], minlength=graph.graphs) < wanted
        if not bool(missing.any()):
            break
    return Proposal(best, components(graph.nodes, graph.edges[:, best]))


def merges(graph: Graph, groups: Int64[Tensor, "nodes"]) -> Int64[Tensor, "graphs"]:
    """Return by how many nodes each graph of a union shrinks."""
    batch = graph.batch.new_zeros(int(groups.max()) + 1).scatter(0, groups, graph.batch)
    return graph.count() - torch.bincount(batch, minlength=graph.graphs)


def _shuffled(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randperm(len(like), generator=generator).to(like.device, torch.float64)
