"""The reversible chain samples the Gibbs distribution exactly; the readings of the paper do not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from hsrnn.evolving import (
    Bias,
    Graph,
    PartitionChain,
    bias,
    blocks_in_order,
    gibbs,
    graph_from_edges,
    one_way_bias,
    partitions,
    stationary,
    total_variation,
    transition_matrix,
)

pytestmark = pytest.mark.usefixtures("plain_calls")

DIAMOND = graph_from_edges(4, [[0, 0, 1, 1, 2], [1, 2, 2, 3, 3]])
P = torch.tensor([0.3, 0.6, 0.8, 0.2, 0.5], dtype=torch.float64)


@cache
def some_energies(graph: Graph) -> list[float]:
    return np.random.default_rng(0).normal(size=len(partitions(graph))).tolist()


@cache
def lookup(graph: Graph) -> tuple[Tensor, Tensor]:
    """Return the codes of all partitions in growing order, and which partition each is."""
    codes = (torch.tensor(partitions(graph)) * 10 ** torch.arange(graph.nodes)).sum(1)
    return codes.sort()


def numbers(graph: Graph, blocks: Tensor) -> Tensor:
    codes, which = lookup(graph)
    return which[torch.searchsorted(codes, (blocks * 10 ** torch.arange(graph.nodes)).sum(1))]


def frequencies(
    graph: Graph, p: Tensor, energies: Sequence[float], steps: int = 150, **options
) -> np.ndarray:
    table = torch.tensor(energies, dtype=torch.float64)
    chain = PartitionChain(
        graph, p, lambda blocks: table[numbers(graph, blocks)], copies=600,
        generator=torch.Generator().manual_seed(0), **options,
    )  # fmt: skip
    visits = torch.zeros(len(table))
    for step in range(steps):
        blocks = chain.step()
        if step >= 30:
            visits += torch.bincount(numbers(graph, blocks), minlength=len(table))
    assert 0 < int(chain.accepted.sum()) < steps * 600
    return (visits / visits.sum()).numpy()


def test_all_partitions_into_connected_blocks():
    path = graph_from_edges(3, [[0, 1], [1, 2]])
    assert partitions(path) == [(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 2)]
    assert len(partitions(DIAMOND)) == 13  # all 15 but those with 0 and 3 alone in a block
    assert partitions(graph_from_edges(1, [])) == [(0,)]
    cycle = graph_from_edges(11, [list(range(11)), [*range(1, 11), 0]])
    with pytest.raises(ValueError, match="may have 10 edges, got 11"):
        partitions(cycle)


def test_small_helpers():
    assert blocks_in_order(torch.tensor([[5, 2, 5, 0]])).tolist() == [[0, 1, 0, 2]]
    assert gibbs([0.0, np.log(3)]) == pytest.approx([0.75, 0.25])
    assert gibbs([0.0, np.log(3)], beta=0) == pytest.approx([0.5, 0.5])
    assert total_variation([0.5, 0.5], [0.75, 0.25]) == 0.25
    assert stationary([[0.9, 0.1], [0.3, 0.7]]) == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize("beta", [0.0, 2.0])
def test_detailed_balance_is_exact(beta: float):
    found = bias(DIAMOND, P, some_energies(DIAMOND), beta=beta)
    assert isinstance(found, Bias)
    assert found.imbalance < 1e-12 and found.total_variation < 1e-9
    matrix = transition_matrix(DIAMOND, P, some_energies(DIAMOND), beta=beta)
    assert matrix.sum(1) == pytest.approx(1) and matrix.min() >= 0


def test_the_chain_samples_the_gibbs_distribution():
    energies = some_energies(DIAMOND)
    assert total_variation(frequencies(DIAMOND, P, energies), gibbs(energies)) < 0.02


def test_the_result_does_not_depend_on_the_coins_but_for_a_wrong_rule_it_does():
    square = graph_from_edges(4, [[0, 0, 1, 2], [1, 2, 3, 3]])
    energies = some_energies(square)
    for chance in (0.2, 0.7):
        p = torch.full((4,), chance, dtype=torch.float64)
        assert bias(square, p, energies).total_variation < 1e-9
        assert bias(square, p, energies, transition="always").total_variation > 0.02


@pytest.mark.parametrize("rule", ["inverse", "product", "normalised", "always"])
def test_the_readings_of_the_paper_are_biased(rule: str):
    found = bias(DIAMOND, P, some_energies(DIAMOND), transition=rule)
    assert found.imbalance > 1e-3 and found.total_variation > 0.1


def test_a_biased_chain_samples_what_the_exact_matrix_says():
    energies = some_energies(DIAMOND)
    found = bias(DIAMOND, P, energies, transition="normalised")
    visited = frequencies(DIAMOND, P, energies, transition="normalised", steps=90)
    assert total_variation(visited, found.reached) < 0.05
    assert total_variation(visited, found.wanted) > 0.1


def test_merging_one_way_ends_in_one_block():
    energies = some_energies(DIAMOND)
    once = one_way_bias(DIAMOND, P, energies, levels=1)
    ever = one_way_bias(DIAMOND, P, energies, levels=3000)
    assert ever.reached[0] == pytest.approx(1, abs=1e-6)  # (0, 0, 0, 0) is the first partition
    assert ever.total_variation == pytest.approx(1 - ever.wanted[0], abs=1e-6)
    assert once.reached.sum() == pytest.approx(1) and once.imbalance > 1e-3
    start = one_way_bias(DIAMOND, P, energies, levels=0)
    assert start.reached[-1] == 1


def test_one_node_is_a_chain_that_stays():
    alone = graph_from_edges(1, [])
    none = torch.zeros(0, dtype=torch.float64)
    chain = PartitionChain(alone, none, lambda blocks: blocks[:, 0].double(), generator=torch.Generator())
    assert chain.step().tolist() == [[0]]
    assert bias(alone, none, [0.0]).total_variation == 0


def test_bad_chains_are_refused():
    def energy(blocks: Tensor) -> Tensor:
        return blocks[:, 0].double()

    with pytest.raises(ValueError, match="1 graph and at least 1 copy, got 1 and 0"):
        PartitionChain(DIAMOND, P, energy, copies=0, generator=torch.Generator())
