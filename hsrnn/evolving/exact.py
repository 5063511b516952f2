"""Partitions of a small graph, all of them: exact distributions to hold a sampler against.

Only for graphs that one can enumerate, up to about 6 nodes and 9 edges. Written as plain loops, independently
of :mod:`.chain`, so that agreement means something.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from .acceptance import AcceptanceKind, Transition, log_transition
from .graph import Graph, components

Blocks = tuple[int, ...]
LARGEST = 10  # edges; 2 to that many coins for each partition


def partitions(graph: Graph) -> list[Blocks]:
    """Return every partition into connected blocks, as the block of each node, in growing order.

    Raises:
        ValueError: for a graph of more than 10 edges.
    """
    if graph.edges.shape[1] > LARGEST:
        raise ValueError(f"a graph to enumerate may have {LARGEST} edges, got {graph.edges.shape[1]}")
    found = set()
    for on in itertools.product((False, True), repeat=graph.edges.shape[1]):
        found.add(tuple(components(graph.nodes, graph.edges[:, torch.tensor(on, dtype=torch.bool)]).tolist()))
    return sorted(found)


def gibbs(energies: ArrayLike, beta: float = 1.0) -> NDArray[np.float64]:
    """Return exp(-beta * energy) / Z for the energy of each state, ``(states,)``."""
    scaled = -beta * np.asarray(energies, dtype=np.float64)
    weights = np.exp(scaled - scaled.max())
    return weights / weights.sum()


def total_variation(first: ArrayLike, second: ArrayLike) -> float:
    """Return half the sum of the differences of two distributions ``(states,)``, in [0, 1]."""
    return float(np.abs(np.asarray(first) - np.asarray(second)).sum() / 2)


def transition_matrix(
    graph: Graph,
    probabilities: Tensor,
    energies: Sequence[float],
    *,
    beta: float = 1.0,
    transition: Transition = "swendsen-wang",
) -> NDArray[np.float64]:
    """Return the chance of going from each partition to each other in one step of the chain.

    Args:
        graph: a small graph.
        probabilities: of the coin of each edge.
        energies: of each of :func:`partitions`, in that order.
        beta: inverse temperature.
        transition: reading of the ratio.
    """
    states = partitions(graph)
    number = {state: k for k, state in enumerate(states)}
    edges, p = graph.edges.T.tolist(), probabilities.tolist()
    matrix = np.zeros((len(states), len(states)))

    @cache
    def alpha(k: int, j: int) -> float:
        ratio = _ratio(graph, probabilities, states[k], states[j], transition)
        return float(np.exp(min(0.0, ratio + beta * (energies[k] - energies[j]))))

    for k, state in enumerate(states):
        inside = [e for e, (a, b) in enumerate(edges) if state[a] == state[b]]
        for coins in itertools.product((False, True), repeat=len(inside)):
            chance = float(np.prod([p[e] if up else 1 - p[e] for e, up in zip(inside, coins)]))
            on = [e for e, up in zip(inside, coins) if up]
            piece_of = components(graph.nodes, graph.edges[:, torch.tensor(on, dtype=torch.int64)]).tolist()
            for name in set(piece_of):
                piece = {node for node, other in enumerate(piece_of) if other == name}
                touched = {state[b] for a, b in edges if a in piece and b not in piece}
                touched |= {state[a] for a, b in edges if b in piece and a not in piece}
                for target in [*touched, len(state)]:
                    weight = chance * len(piece) / len(state) / (len(touched) + 1)
                    moved = _ordered([target if i in piece else block for i, block in enumerate(state)])
                    j = number.get(moved)
                    go = 0.0 if j is None else alpha(k, j)  # None: a block would fall apart
                    if j is not None:
                        matrix[k, j] += weight * go
                    matrix[k, k] += weight * (1 - go)
    return matrix


def stationary(matrix: ArrayLike) -> NDArray[np.float64]:
    """Return the distribution that one step leaves as it is, of a chain that can get everywhere."""
    P = np.asarray(matrix)
    system = np.concatenate([P.T - np.eye(len(P)), np.ones((1, len(P)))])
    return np.linalg.lstsq(system, np.r_[np.zeros(len(P)), 1.0], rcond=None)[0]


@dataclass(frozen=True, eq=False)
class Bias:
    """How far a rule is from the Gibbs distribution.

    Attributes:
        total_variation: distance of ``reached`` from ``wanted``, in [0, 1]; 0 if the rule is right.
        reached: ``(partitions,)``, what the rule samples in the long run.
        wanted: ``(partitions,)``, the Gibbs distribution.
        imbalance: largest |wanted_i P_ij - wanted_j P_ji|: 0 if detailed balance holds.
    """

    total_variation: float
    reached: NDArray[np.float64]
    wanted: NDArray[np.float64]
    imbalance: float


def bias(
    graph: Graph,
    probabilities: Tensor,
    energies: Sequence[float],
    *,
    beta: float = 1.0,
    transition: Transition = "swendsen-wang",
) -> Bias:
    """Measure exactly what the chain samples in the long run if it accepts by ``transition``."""
    matrix = transition_matrix(graph, probabilities, energies, beta=beta, transition=transition)
    wanted, reached = gibbs(energies, beta), stationary(matrix)
    flow = wanted[:, None] * matrix
    return Bias(total_variation(reached, wanted), reached, wanted, float(np.abs(flow - flow.T).max()))


def one_way_bias(
    graph: Graph,
    probabilities: Tensor,
    energies: Sequence[float],
    *,
    levels: int,
    beta: float = 1.0,
    acceptance: AcceptanceKind = "normalised",
) -> Bias:
    """Measure exactly where merging that can only go up is after ``levels`` levels of one proposal each.

    From each node a block of its own, every edge between two blocks is tossed, the components of those that
    came up are proposed, and accepted or not. No reverse move exists, so no choice of ratio can balance it;
    after enough levels only the coarsest partition is left.
    """
    states = partitions(graph)
    number = {state: k for k, state in enumerate(states)}
    edges, p = graph.edges.T.tolist(), probabilities.tolist()
    matrix = np.zeros((len(states), len(states)))
    for k, state in enumerate(states):
        inside = [e for e, (a, b) in enumerate(edges) if state[a] == state[b]]
        between = [e for e in range(len(edges)) if e not in inside]
        for coins in itertools.product((False, True), repeat=len(between)):
            chance = float(np.prod([p[e] if up else 1 - p[e] for e, up in zip(between, coins)]))
            on = inside + [e for e, up in zip(between, coins) if up]
            moved = tuple(
                components(graph.nodes, graph.edges[:, torch.tensor(on, dtype=torch.int64)]).tolist()
            )
            j = number[moved]
            ratio = _ratio(graph, probabilities, state, moved, acceptance)
            alpha = float(np.exp(min(0.0, ratio + beta * (energies[k] - energies[j]))))
            matrix[k, j] += chance * alpha
            matrix[k, k] += chance * (1 - alpha)
    finest = np.zeros(len(states))
    finest[number[tuple(range(graph.nodes))]] = 1.0
    wanted, reached = gibbs(energies, beta), finest @ np.linalg.matrix_power(matrix, levels)
    flow = wanted[:, None] * matrix
    return Bias(total_variation(reached, wanted), reached, wanted, float(np.abs(flow - flow.T).max()))


def _ratio(graph: Graph, p: Tensor, state: Blocks, moved: Blocks, transition: Transition) -> float:
    first, second = graph.edges
    before, after = (torch.tensor(blocks)[first] == torch.tensor(blocks)[second] for blocks in (state, moved))
    ratio = log_transition(transition, p, after & ~before, graph.edge_batch, 1, restored=before & ~after)
    return float(ratio)


def _ordered(blocks: list[int]) -> Blocks:
    names: dict[int, int] = {}
    return tuple(names.setdefault(block, len(names)) for block in blocks)
