"""Graphs are what their edges say, unions keep their parts apart, and bad input is refused at the door."""

from __future__ import annotations

import networkx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.evolving import components, graph_from_edges, union
from hsrnn.evolving.graph import canonical, check_features

pytestmark = pytest.mark.usefixtures("plain_calls")


def test_edges_are_undirected_distinct_and_sorted():
    graph = graph_from_edges(4, [[2, 0, 1, 3, 0], [0, 2, 2, 1, 2]])
    assert graph.edges.tolist() == [[0, 1, 1], [2, 2, 3]]
    assert graph.degree.tolist() == [1, 2, 2, 1]
    assert (graph.nodes, graph.graphs, graph.sizes.tolist()) == (4, 1, [1, 1, 1, 1])
    assert graph.receiver.tolist() == [0, 1, 1, 2, 2, 3] and graph.sender.tolist() == [2, 2, 3, 0, 1, 1]


def test_one_node_and_isolated_nodes_are_graphs():
    assert graph_from_edges(1, []).degree.tolist() == [0]
    assert graph_from_edges(3, [[0], [2]]).degree.tolist() == [1, 0, 1]


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_union_keeps_its_parts_apart(any_graph, data):
    parts = data.draw(st.lists(any_graph(), min_size=1, max_size=4))
    whole = union(parts)
    assert whole.nodes == sum(part.nodes for part in parts) and whole.graphs == len(parts)
    assert whole.count().tolist() == [part.nodes for part in parts]
    start = 0
    for number, part in enumerate(parts):
        mine = whole.edge_batch == number
        assert torch.equal(whole.edges[:, mine] - start, part.edges)
        assert torch.equal(whole.sizes[whole.batch == number], part.sizes)
        start += part.nodes
    again = graph_from_edges(whole.nodes, whole.edges, sizes=whole.sizes, batch=whole.batch)
    assert torch.equal(again.edges, whole.edges)
    moved = whole.to("cpu")
    assert torch.equal(moved.edges, whole.edges) and torch.equal(moved.batch, whole.batch)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_components_are_those_of_networkx(any_graph, data):
    graph = data.draw(any_graph())
    found = components(graph.nodes, graph.edges)
    theirs = networkx.Graph()
    theirs.add_nodes_from(range(graph.nodes))
    theirs.add_edges_from(graph.edges.T.tolist())
    parts = sorted(sorted(part) for part in networkx.connected_components(theirs))
    assert [torch.nonzero(found == number)[:, 0].tolist() for number in range(len(parts))] == parts


def test_canonical_numbers_groups_by_their_smallest_nodes():
    assert canonical(torch.tensor([7, 2, 7, 0, 2])).tolist() == [0, 1, 0, 2, 1]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0, []), {}, "at least 1 node, got 0"),
        ((2, [[0, 1]]), {}, r"whole numbers \(2, edges\), got \(1, 2\)"),
        ((2, [[0.0], [1.0]]), {}, "float"),
        ((2, [[0], [2]]), {}, "nodes 0 to 1, got 0 to 2"),
        ((2, [[-1], [1]]), {}, "nodes 0 to 1, got -1 to 1"),
        ((3, [[0, 2], [1, 2]]), {}, "got node 2 with itself; leave it out"),
        ((2, []), {"sizes": [1]}, r"sizes must be \(2,\)"),
        ((2, []), {"sizes": [1.5, 1.0]}, "sizes must be"),
        ((2, []), {"sizes": [1, 0]}, "sizes must be at least 1, got 0"),
        ((2, []), {"batch": [1, 1]}, "batch must start at 0"),
        ((2, []), {"batch": [0, 2]}, "grow by 0 or 1"),
        ((3, []), {"batch": [0, 1, 0]}, "grow by 0 or 1"),
        ((2, [[0], [1]]), {"batch": [0, 1]}, "two nodes of the same graph"),
    ],
)
def test_bad_graphs_are_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        graph_from_edges(*arguments, **options)


def test_bad_unions_and_features_are_refused():
    with pytest.raises(ValueError, match="at least 1 graph"):
        union([])
    graph = graph_from_edges(2, [[0], [1]])
    with pytest.raises(ValueError, match=r"features must be \(2, columns\), got \(3, 1\)"):
        check_features(torch.zeros(3, 1), graph)
    with pytest.raises(ValueError, match="row 1 holds NaN"):
        check_features(torch.tensor([[0.0], [float("nan")]]), graph)
