"""Orders against their definitions, schedules against the longest path."""

from __future__ import annotations

import networkx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.evolving import (
    Schedule,
    confidence_order,
    depths,
    graph_from_edges,
    perturbed_order,
    random_order,
    schedule,
    search_order,
    union,
)

pytestmark = pytest.mark.usefixtures("plain_calls")


def test_confidence_ranks_foreground_first_and_breaks_ties_to_the_left():
    confidence = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.1, 0.9], [0.4, 0.6], [0.9, 0.1]])
    columns = torch.tensor([5.0, 0.0, 2.0, 1.0, 7.0])
    assert confidence_order(confidence, columns).tolist() == [1, 4, 0, 2, 3]
    assert confidence_order(confidence, columns, background=None).tolist() == [1, 3, 0, 4, 2]


def test_the_perturbed_order_is_plackett_and_luce():
    confidence = torch.tensor([[0.2, 0.8], [0.4, 0.6], [0.9, 0.1]], dtype=torch.float64)
    columns, generator = torch.zeros(3), torch.Generator().manual_seed(0)
    drawn = torch.stack([perturbed_order(confidence, columns, generator=generator) for _ in range(1500)])
    assert (drawn[:, 2] == 2).all(), "the background stays last"
    first = float((drawn[:, 0] == 0).double().mean())
    assert first == pytest.approx(0.8 / 1.4, abs=0.05)  # 4 standard errors
    calm = perturbed_order(confidence, columns, generator=generator, scale=0)
    assert torch.equal(calm, confidence_order(confidence, columns))


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(0, 99), st.booleans())
def test_searches_visit_as_networkx_does(any_graph, data, seed: int, depth_first: bool):
    graph = data.draw(any_graph())
    priority = torch.rand(graph.nodes, generator=torch.Generator().manual_seed(seed))
    rank = search_order(graph, priority, depth_first=depth_first)
    assert sorted(rank.tolist()) == list(range(graph.nodes))
    theirs = networkx.Graph()
    theirs.add_nodes_from(range(graph.nodes))
    for first, second in graph.edges.T.tolist():
        theirs.add_edge(first, second)
    expected: list[int] = []
    for root in priority.argsort(descending=True).tolist():
        if root not in expected:
            by = {"sort_neighbors": lambda near: sorted(near, key=lambda j: -float(priority[j]))}
            if depth_first:
                expected += networkx.dfs_preorder_nodes(theirs, root, **by)
            else:
                expected += [root, *(j for _, j in networkx.bfs_edges(theirs, root, **by))]
    assert rank.argsort().tolist() == expected


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 99))
def test_the_depth_is_the_longest_path_of_earlier_neighbours(any_graph, data, seed: int):
    graph = data.draw(any_graph())
    rank = random_order(graph, generator=torch.Generator().manual_seed(seed))
    expected = [0] * graph.nodes
    for i in rank.argsort().tolist():
        near = [j for a, b in graph.edges.T.tolist() for i_, j in ((a, b), (b, a)) if i_ == i]
        expected[i] = max((expected[j] + 1 for j in near if rank[j] < rank[i]), default=0)
    assert depths(graph, rank).tolist() == expected
    plan = schedule(graph, rank)
    assert isinstance(plan, Schedule) and len(plan) == max(expected) + 1
    assert plan.depth.tolist() == expected
    assert (plan.depth[graph.edges[0]] != plan.depth[graph.edges[1]]).all()
    covered = [node for start, stop, *_ in plan.waves for node in plan.nodes[start:stop].tolist()]
    assert sorted(covered) == list(range(graph.nodes))
    for wave, (start, stop, first, last) in enumerate(plan.waves):
        assert (plan.depth[plan.nodes[start:stop]] == wave).all()
        assert (plan.depth[graph.receiver[plan.pairs[first:last]]] == wave).all()
    assert int(plan.fresh.sum()) == len(plan.pairs) == graph.edges.shape[1]


def test_a_batch_needs_the_waves_of_its_deepest_graph(grid):
    path = graph_from_edges(9, torch.stack([torch.arange(8), torch.arange(1, 9)]))
    whole = union([grid(2), path])
    assert len(schedule(whole, torch.arange(whole.nodes))) == 9


def test_bad_orders_are_refused(grid):
    graph, generator = grid(2), torch.Generator()
    nan = torch.full((4, 2), float("nan"))
    with pytest.raises(ValueError, match="must not be NaN"):
        confidence_order(nan, torch.zeros(4))
    with pytest.raises(ValueError, match="scale must not be negative, got -1"):
        perturbed_order(torch.ones(4, 2), torch.zeros(4), generator=generator, scale=-1)
    with pytest.raises(ValueError, match=r"priority must be \(4,\) without NaN"):
        search_order(graph, nan[:, 0])
    for rank in (torch.tensor([0, 1, 2]), torch.tensor([0, 1, 2, 2])):
        with pytest.raises(ValueError, match="each of 0 to 3 once"):
            schedule(graph, rank)
