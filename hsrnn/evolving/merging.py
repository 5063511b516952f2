"""Which neighbours belong together: merging probabilities from the gates, and merging itself.

=============================================  ===========================================================
The structure-evolving LSTM (1703.03055)       Here
=============================================  ===========================================================
p_ij = sg(We gf_ij)                            :class:`MergeScore`, the mean of both directions (E2)
target 1 where both nodes have one label       :func:`merge_loss`, mean squared error over edges (E3)
candidate graphs, accepted or rejected         :mod:`.proposals`, :mod:`.acceptance`, :mod:`.evolution`
a clique becomes a node, states are averages   :func:`coarsen`, :func:`merge` (E11); back: :func:`unmerge`
=============================================  ===========================================================
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from .graph import Graph, canonical, distinct_edges


class MergeScore(nn.Module):
    """Read merging probabilities from the adaptive forget gates of a Graph LSTM layer.

    Args:
        hidden_size: units of the layer.
        generator: source of the initial weights, uniform in -0.1 to 0.1; the bias starts at 0.

    Raises:
        ValueError: for a size below 1.
    """

    def __init__(self, hidden_size: int, *, generator: torch.Generator) -> None:
        super().__init__()
        if hidden_size < 1:
            raise ValueError(f"hidden_size must be at least 1, got {hidden_size}")
        self.weight = nn.Parameter(torch.empty(hidden_size).uniform_(-0.1, 0.1, generator=generator))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, gates: Float[Tensor, "pairs units"]) -> Float[Tensor, "edges"]:
        """Return the probability in (0, 1) of each undirected edge, from the gates of both its directions in
        the order of ``Graph.receiver``."""
        # Deviation E2: gf_ij and gf_ji differ and the paper does not say how p becomes symmetric; their mean.
        forth, back = (gates @ self.weight + self.bias).sigmoid().chunk(2)
        return (forth + back) / 2


def merge_loss(
    probabilities: Float[Tensor, "edges"], graph: Graph, labels: Int64[Tensor, "nodes"]
) -> Float[Tensor, ""]:
    """Return the mean squared error of the probabilities: 1 is wanted where both nodes have the same label.

    Edges with an end labelled -1 (no label) are left out; 0 where none is left.

    Raises:
        ValueError: if there is not one probability an edge and one label a node.
    """
    if probabilities.shape != graph.edges.shape[1:] or labels.shape != (graph.nodes,):
        raise ValueError(
            f"need {graph.edges.shape[1]} probabilities and {graph.nodes} labels, got "
            f"{tuple(probabilities.shape)} and {tuple(labels.shape)}"
        )
    first, second = labels[graph.edges]
    known = (first >= 0) & (second >= 0)
    # Deviation E3: the notes speak of an L2 supervision and no more; the weight is the model's merge_weight.
    wrong = (probabilities - (first == second).to(probabilities)).square()
    return (wrong * known).sum() / known.sum().clamp_min(1)


def coarsen(graph: Graph, groups: Int64[Tensor, "nodes"]) -> Graph:
    """Return the graph whose nodes are the groups: sizes add up, and two groups are joined where any of their
    members were.

    Raises:
        ValueError: for a number of groups that does not fit the graph, numbers that are not those of
            :func:`.graph.canonical`, or a group across two graphs of the union.
    """
    if groups.shape != (graph.nodes,) or not torch.equal(groups, canonical(groups)):
        raise ValueError(
            f"groups must be ({graph.nodes},), numbered from 0 in the order of their smallest nodes, "
            f"got {tuple(groups.shape)}; canonical(groups) renumbers them"
        )
    count = int(groups.max()) + 1
    sizes = graph.sizes.new_zeros(count).index_add(0, groups, graph.sizes)
    batch = graph.batch.new_zeros(count).scatter(0, groups, graph.batch)
    if not torch.equal(batch[groups], graph.batch):
        raise ValueError("a group must lie within one graph of the union")
    first, second = groups[graph.edges]
    kept = first != second
    return Graph(distinct_edges(torch.stack([first[kept], second[kept]]), count), sizes, batch)


def merge(
    values: Float[Tensor, "nodes columns"],
    groups: Int64[Tensor, "nodes"],
    sizes: Int64[Tensor, "nodes"] | None = None,
) -> Float[Tensor, "groups columns"]:
    """Return the mean of the members of each group, weighted by ``sizes``; the plain mean if ``None``."""
    # Deviation E11: the paper says average; weighted by pixels, a merged feature is the mean over its region.
    weights = values.new_ones(len(groups)) if sizes is None else sizes.to(values)
    count = int(groups.max()) + 1
    total = values.new_zeros(count, values.shape[1]).index_add(0, groups, values * weights[:, None])
    return total / weights.new_zeros(count).index_add(0, groups, weights)[:, None]


def unmerge(
    values: Float[Tensor, "groups columns"], groups: Int64[Tensor, "nodes"]
) -> Float[Tensor, "nodes columns"]:
    """Give every member the value of its group: the inverse of :func:`merge` on what is equal within
    groups."""
    return values.index_select(0, groups)
