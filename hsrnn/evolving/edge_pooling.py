"""Edge pooling (Diehl 2019, arXiv 1905.10990): the hierarchy that the merges of this room are held against.

Every edge has a score that nobody supervises; the best edges are contracted, each node at most once; a merged
feature is the sum of both, scaled by the score, and that is the only way a gradient reaches the scores.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from .backbone import linear
from .graph import Graph, components
from .proposals import match


class EdgePooling(nn.Module):
    """Contract the edges of the highest scores.

    Args:
        feature_size: columns of a node's feature.
        generator: source of the initial weights.
    """

    def __init__(self, feature_size: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.score = linear(2 * feature_size, 1, generator)

    def scores(self, features: Float[Tensor, "nodes features"], graph: Graph) -> Float[Tensor, "edges"]:
        """Return the score of each edge in (0.5, 1.5): softmax over the edges that reach a node, plus 0.5;
        the larger of both directions."""
        pair = torch.cat([features[graph.receiver], features[graph.sender]], 1)
        raw = self.score(pair)[:, 0]
        if not len(raw):
            return raw
        largest = raw.detach().new_full((graph.nodes,), float("-inf"))
        largest = largest.scatter_reduce(0, graph.receiver, raw.detach(), "amax")
        weight = (raw - largest[graph.receiver]).exp()
        total = weight.new_zeros(graph.nodes).index_add(0, graph.receiver, weight)
        forth, back = (weight / total[graph.receiver] + 0.5).chunk(2)
        return torch.maximum(forth, back)

    def forward(
        self, features: Float[Tensor, "nodes features"], graph: Graph
    ) -> tuple[Float[Tensor, "groups features"], Int64[Tensor, "nodes"], Float[Tensor, "edges"]]:
        """Return the merged features, the group of each node, and the score of each edge."""
        scores = self.scores(features, graph)
        merged = match(graph, torch.ones_like(scores, dtype=torch.bool), scores)
        groups = components(graph.nodes, graph.edges[:, merged])
        count = int(groups.max()) + 1
        total = features.new_zeros(count, features.shape[1]).index_add(0, groups, features)
        gate = features.new_ones(count).index_put((groups[graph.edges[0, merged]],), scores[merged])
        return total * gate[:, None], groups, scores
