"""Hierarchies: levels, cuts, comparison and purity against plain computations."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, mutual_info_score

from hsrnn.evolving import (
    Agreement,
    Graph,
    Hierarchy,
    MergeRule,
    compare,
    evolve,
    graph_from_edges,
    union,
)

pytestmark = pytest.mark.usefixtures("plain_calls")


def a_hierarchy(graph: Graph, levels: int, seed: int = 0) -> Hierarchy:
    generator, grown = torch.Generator().manual_seed(seed), Hierarchy.start(graph)
    for _ in range(levels):
        top = grown.graphs[-1]
        p = torch.rand(top.edges.shape[1], generator=generator)
        groups, log = evolve(top, p, MergeRule("bernoulli", "always"), generator=generator)
        grown = grown.grown(groups, p, log)
    return grown


def test_levels_are_nested_and_spread_back(grid):
    tree = a_hierarchy(union([grid(5), grid(4)]), 2)
    assert len(tree) == 3 and len(tree.logs) == 2
    assert tree.assignment(0).tolist() == list(range(41))
    for level in (1, 2):
        below, here = tree.assignment(level - 1), tree.assignment(level)
        assert torch.equal(here, tree.groups[level - 1][below])
        sizes = torch.zeros(tree.graphs[level].nodes, dtype=torch.int64).index_add(
            0, here, tree.graphs[0].sizes
        )
        assert torch.equal(sizes, tree.graphs[level].sizes)
        values = torch.randn(tree.graphs[level].nodes, 2)
        assert torch.equal(tree.spread(values, level), values[here])
    with pytest.raises(ValueError, match="level must be 0 to 2, got 3"):
        tree.assignment(3)


def test_a_cut_has_as_many_regions_as_asked_for_and_lies_between_two_levels(grid):
    tree = a_hierarchy(union([grid(5), grid(4)]), 3, seed=2)
    counts = [graph.count().tolist() for graph in tree.graphs]
    for wanted in range(1, 26):
        cut = tree.cut(wanted)
        for part, (first, last) in enumerate(((0, 25), (25, 41))):
            got = len(cut[first:last].unique())
            assert got == min(max(wanted, counts[-1][part]), counts[0][part])
            above = max(level for level in range(4) if counts[level][part] >= got)
            for level, finer in ((above, True), (min(3, above + 1), False)):
                pairs = torch.stack([tree.assignment(level)[first:last], cut[first:last]]).unique(dim=1)
                inner = len(tree.assignment(level)[first:last].unique()) if finer else got
                assert pairs.shape[1] == inner, "every region of a level lies within one of the cut"
    with pytest.raises(ValueError, match="regions must be at least 1, got 0"):
        tree.cut(0)


def test_a_cut_takes_the_surest_merges_first():
    graph = graph_from_edges(5, [[0, 1, 2, 3], [1, 2, 3, 4]])
    p = torch.tensor([0.6, 0.9, 0.7, 0.8])
    groups, log = evolve(graph, torch.ones(4), MergeRule("bernoulli", "always"), generator=torch.Generator())
    tree = Hierarchy.start(graph).grown(groups, p, log)
    assert [tree.cut(n).tolist() for n in (5, 4, 3, 2, 1)] == [
        [0, 1, 2, 3, 4], [0, 1, 1, 2, 3], [0, 1, 1, 2, 2], [0, 1, 1, 1, 1], [0, 0, 0, 0, 0],
    ]  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=12))
def test_comparison_is_that_of_scikit_learn_on_pixels(rows):
    first, second, sizes = (torch.tensor(column) for column in zip(*rows))
    found = compare(first, second, sizes)
    one, two = first.repeat_interleave(sizes).numpy(), second.repeat_interleave(sizes).numpy()
    assert isinstance(found, Agreement)
    assert found.adjusted_rand == pytest.approx(adjusted_rand_score(one, two))
    entropies = mutual_info_score(one, one) + mutual_info_score(two, two)
    bits = (entropies - 2 * mutual_info_score(one, two)) / torch.log(torch.tensor(2.0)).item()
    assert found.variation == pytest.approx(bits, abs=1e-6)
    assert compare(first, first).adjusted_rand == 1 and compare(first, first).variation == pytest.approx(0)


def test_partitions_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match="one length, got 2 and 3"):
        compare(torch.zeros(2, dtype=torch.int64), torch.zeros(3, dtype=torch.int64))


def test_purity_counts_pixels(grid):
    graph = grid(2)
    histogram = torch.tensor([[3, 1], [0, 2], [5, 0], [1, 1]])
    tree = a_hierarchy(graph, 0)
    assert tree.purity(histogram, 0) == pytest.approx((3 + 2 + 5 + 1) / 13)
    ones = torch.ones(4)
    groups, log = evolve(graph, ones, MergeRule("bernoulli", "always"), generator=torch.Generator())
    assert tree.grown(groups, ones, log).purity(histogram, 1) == pytest.approx(9 / 13)
