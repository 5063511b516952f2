"""In which order a Graph LSTM visits the nodes.

Every function returns ranks, ``(nodes,)`` int64: 0 is visited first. In a union, only the ranks within a
graph matter. Graph LSTM ranks by confidence (Liang et al. 2016); the structure-evolving model disturbs that
ranking by Gumbel noise (decision E9).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from .graph import Graph

Start = Literal["left", "confidence"]


def confidence_order(
    confidence: Float[Tensor, "nodes classes"],
    columns: Float[Tensor, "nodes"],
    *,
    background: int | None = 0,
) -> Int64[Tensor, "nodes"]:
    """Rank nodes by the confidence of their most likely class, highest first.

    Args:
        confidence: probability of each class at each node.
        columns: where a node lies from left to right: of equals the leftmost is first.
        background: nodes of this class come last, ranked among themselves in the same way; ``None`` treats
            all classes alike.

    Raises:
        ValueError: for NaN among the confidences.
    """
    return _ranked(confidence, columns, background, None)


def perturbed_order(
    confidence: Float[Tensor, "nodes classes"],
    columns: Float[Tensor, "nodes"],
    *,
    generator: torch.Generator,
    scale: float = 1.0,
    background: int | None = 0,
) -> Int64[Tensor, "nodes"]:
    """Rank as :func:`confidence_order` does, by log confidence plus Gumbel noise times ``scale``.

    With ``scale`` 1 this draws an order without replacement, each next node with a probability proportional
    to its confidence (Plackett and Luce); with 0 it is the ranking itself.

    Raises:
        ValueError: for NaN among the confidences, or a negative ``scale``.
    """
    # Deviation E9: the paper says "stochastic" and no more; here a confident node is likely to come early.
    if scale < 0:
        raise ValueError(f"scale must not be negative, got {scale}")
    uniform = torch.rand(confidence.shape[0], generator=generator, dtype=torch.float64)
    noise = -torch.log(-torch.log(uniform.clamp(1e-300, 1 - 1e-16)))
    return _ranked(confidence, columns, background, scale * noise)


def _ranked(
    confidence: Tensor, columns: Tensor, background: int | None, noise: Tensor | None
) -> Int64[Tensor, "nodes"]:
    if bool(confidence.isnan().any()):
        raise ValueError("confidence must not be NaN")
    best, label = confidence.detach().max(1)
    key = best.cpu().double()
    if noise is not None:
        key = key.clamp_min(1e-300).log() + noise
    last = np.zeros(len(key), dtype=bool) if background is None else (label == background).cpu().numpy()
    visited = np.lexsort((columns.detach().cpu().numpy(), -key.numpy(), last))
    return _ranks(visited, confidence.device)


def random_order(graph: Graph, *, generator: torch.Generator) -> Int64[Tensor, "nodes"]:
    """Rank the nodes at random."""
    return torch.randperm(graph.nodes, generator=generator).to(graph.batch.device)


def search_order(
    graph: Graph,
    priority: Float[Tensor, "nodes"],
    *,
    depth_first: bool = False,
) -> Int64[Tensor, "nodes"]:
    """Rank by breadth-first (or depth-first) search from the node of the highest priority.

    Where the search has seen all it can reach, it starts again from the best node that is left, so graphs of
    several parts, unions too, are served. Neighbours are taken by priority, highest first; of equals the
    smaller number first. Minus the columns as priorities start at the left, confidences at the surest node:
    the four alternatives of Graph LSTM's table 7.

    Raises:
        ValueError: if there is not one priority for each node, or one is NaN.
    """
    values = priority.detach().cpu().numpy()
    if values.shape != (graph.nodes,) or np.isnan(values).any():
        raise ValueError(f"priority must be ({graph.nodes},) without NaN, got {values.shape}")
    rank = np.empty(graph.nodes, dtype=np.int64)
    best_first = np.argsort(-values, kind="stable")
    rank[best_first] = np.arange(graph.nodes)
    neighbours: list[list[int]] = [[] for _ in range(graph.nodes)]
    for first, second in graph.edges.T.tolist():
        neighbours[first].append(second)
        neighbours[second].append(first)
    for near in neighbours:
        near.sort(key=rank.__getitem__)
    seen = np.zeros(graph.nodes, dtype=bool)
    visited: list[int] = []
    for root in best_first.tolist():
        if not seen[root]:
            (_depth_first if depth_first else _breadth_first)(root, neighbours, seen, visited)
    return _ranks(np.array(visited), graph.batch.device)


def _breadth_first(
    root: int, neighbours: list[list[int]], seen: NDArray[np.bool_], visited: list[int]
) -> None:
    seen[root] = True
    place = len(visited)
    visited.append(root)
    while place < len(visited):
        for node in neighbours[visited[place]]:
            if not seen[node]:
                seen[node] = True
                visited.append(node)
        place += 1


def _depth_first(root: int, neighbours: list[list[int]], seen: NDArray[np.bool_], visited: list[int]) -> None:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if not seen[node]:
            seen[node] = True
            visited.append(node)
            waiting.extend(reversed(neighbours[node]))


def _ranks(visited: NDArray[np.integer], device: torch.device) -> Int64[Tensor, "nodes"]:
    rank = torch.empty(len(visited), dtype=torch.int64)
    rank[torch.from_numpy(visited.astype(np.int64))] = torch.arange(len(visited))
    return rank.to(device)
