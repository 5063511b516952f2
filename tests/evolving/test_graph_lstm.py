"""Waves and loop are one function, in values and gradients; the loop is the paper's equations."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import coffee
from torch import Tensor

from hsrnn.evolving import (
    Graph,
    GraphLSTM,
    NodeState,
    Schedule,
    confidence_order,
    graph_from_edges,
    random_order,
    schedule,
    superpixels,
    union,
)

pytestmark = pytest.mark.usefixtures("plain_calls")


def a_layer(features: int, hidden: int, seed: int, **options: bool) -> GraphLSTM:
    """A layer whose weights and biases are all far from zero."""
    layer = GraphLSTM(features, hidden, generator=torch.Generator(), **options).double()
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.normal_(0, 0.7, generator=draw)
    return layer


def largest_differences(layer: GraphLSTM, graph: Graph, plan: Schedule, seed: int) -> tuple[float, float]:
    """Return the largest difference between waves and loop of any value, and of any gradient."""
    draw = torch.Generator().manual_seed(seed)

    def normal(columns: int) -> Tensor:
        return torch.randn(graph.nodes, columns, generator=draw, dtype=torch.float64, requires_grad=True)

    features, state = normal(layer.feature_size), NodeState(*(normal(layer.hidden_size) for _ in range(2)))
    found = []
    for way in (layer.forward, layer.loop):
        after, gates = way(features, graph, plan, state)
        weigh = torch.Generator().manual_seed(seed + 1)
        loss = sum(
            (part * torch.randn(part.shape, generator=weigh, dtype=part.dtype)).sum()
            for part in (*after, gates)
        )
        wanted = [features, *state, *layer.parameters()]
        gradients = torch.autograd.grad(loss, wanted, allow_unused=True)
        found.append(([*after, gates], [g for g in gradients if g is not None]))
    return tuple(
        max(float((a - b).detach().abs().max()) for a, b in zip(ours, theirs, strict=True) if a.numel())
        for ours, theirs in zip(*found)
    )


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(0, 10**6), st.booleans())
def test_waves_equal_the_loop_on_any_graph(any_graph, data, seed: int, identical: bool):
    graph = union(data.draw(st.lists(any_graph(), min_size=1, max_size=3)))
    plan = schedule(graph, random_order(graph, generator=torch.Generator().manual_seed(seed)))
    values, gradients = largest_differences(a_layer(3, 4, seed, identical=identical), graph, plan, seed)
    assert values < 1e-6 and gradients < 1e-6


@pytest.mark.parametrize("identical", [False, True])
def test_waves_equal_the_loop_on_a_thousand_superpixels(identical: bool):
    image = coffee()[::2, ::2]
    parts = superpixels(image, 1150)
    assert 900 <= parts.graph.nodes <= 1200
    pixels = torch.from_numpy(image / 255.0).permute(2, 0, 1)[None]
    plan = schedule(parts.graph, confidence_order(parts.pool(pixels).softmax(1), parts.centres[:, 1]))
    values, gradients = largest_differences(a_layer(8, 8, 0, identical=identical), parts.graph, plan, 0)
    assert values < 1e-6 and gradients < 1e-6


@pytest.mark.parametrize("identical", [False, True])
def test_the_gradient_by_hand_is_that_of_finite_differences(identical: bool):
    graph = graph_from_edges(5, [[0, 0, 1, 2], [1, 2, 2, 3]])  # node 4 is isolated
    plan = schedule(graph, torch.tensor([3, 0, 2, 1, 4]))
    layer = a_layer(2, 3, 5, identical=identical)
    names = [name for name, _ in layer.named_parameters()]

    def run(features: Tensor, hidden: Tensor, memory: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
        after, _ = torch.func.functional_call(
            layer, dict(zip(names, weights)), (features, graph, plan, NodeState(hidden, memory))
        )
        return tuple(after)

    draw = torch.Generator().manual_seed(1)
    inputs = [torch.randn(5, n, generator=draw, dtype=torch.float64, requires_grad=True) for n in (2, 3, 3)]
    weights = [weight.detach().clone().requires_grad_() for weight in layer.parameters()]
    assert torch.autograd.gradcheck(run, (*inputs, *weights))


def test_one_update_by_hand():
    """Two nodes and one unit, all weights 1: every rule that is easy to get wrong changes these numbers."""
    layer = GraphLSTM(1, 1, generator=torch.Generator()).double()
    with torch.no_grad():
        for weight in layer.parameters():
            weight.fill_(1.0)
    graph = graph_from_edges(2, [[0], [1]])
    f, h, m = (
        torch.tensor([[a], [b]], dtype=torch.float64) for a, b in ((0.3, -0.5), (0.2, 0.1), (0.4, -0.6))
    )
    plan = schedule(graph, torch.tensor([0, 1]))

    def sg(x: Tensor) -> Tensor:
        return 1 / (1 + torch.exp(-x))

    new_h, new_m = h.clone(), m.clone()
    for i, j in ((0, 1), (1, 0)):
        s = f[i] + h[i] + new_h[j] + 1  # bias 1; the mean takes the new state of a visited neighbour
        pair = sg(f[i] + h[j] + 1)  # the adaptive gate takes the old one
        new_m[i] = pair * new_m[j] + sg(f[i] + h[i] + 1) * m[i] + sg(s) * torch.tanh(s)
        new_h[i] = torch.tanh(sg(s) * new_m[i])  # tanh of the product
    for way in (layer.forward, layer.loop):
        after, gates = way(f, graph, plan, NodeState(h, m))
        assert torch.allclose(after.hidden, new_h, atol=1e-12)
        assert torch.allclose(after.memory, new_m, atol=1e-12)
        assert torch.allclose(gates, torch.stack([sg(f[0] + h[1] + 1), sg(f[1] + h[0] + 1)]), atol=1e-12)


def test_an_isolated_node_hears_zeros():
    layer = a_layer(2, 3, 0)
    alone = graph_from_edges(1, [])
    features = torch.randn(1, 2, dtype=torch.float64)
    state, gates = layer(features, alone, schedule(alone, torch.tensor([0])))
    H = 3
    s = features @ layer.input.T + layer.bias
    memory = s[:, :H].sigmoid() * s[:, 2 * H : 3 * H].tanh()
    assert torch.allclose(state.memory, memory) and gates.shape == (0, 3)
    assert torch.allclose(state.hidden, (s[:, H : 2 * H].sigmoid() * memory).tanh())


def test_the_order_changes_the_result_and_the_numbering_does_not(grid):
    graph, layer = grid(4), a_layer(2, 3, 3)
    features = torch.randn(16, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    rank = random_order(graph, generator=torch.Generator().manual_seed(4))
    state, _ = layer(features, graph, schedule(graph, rank))
    other, _ = layer(features, graph, schedule(graph, 15 - rank))
    assert float((state.hidden - other.hidden).detach().abs().max()) > 1e-3
    moved = torch.randperm(16, generator=torch.Generator().manual_seed(5))  # node i becomes moved[i]
    renamed = graph_from_edges(16, moved[graph.edges])
    again, _ = layer(features[moved.argsort()], renamed, schedule(renamed, rank[moved.argsort()]))
    assert torch.allclose(again.hidden[moved], state.hidden, atol=1e-12)


def test_initial_weights_are_the_papers_and_come_from_the_generator():
    first, second = (GraphLSTM(64, 64, generator=torch.Generator().manual_seed(1)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters()))
    assert float(first.input.detach().abs().max()) <= 0.1 and float(
        first.input.detach().std()
    ) == pytest.approx(0.0577, rel=0.05)
    assert not first.bias.any()
    assert sum(weight.numel() for weight in first.parameters()) == 64 * 64 * (4 + 4 + 3 + 1) + 4 * 64


def test_bad_input_is_refused(grid):
    with pytest.raises(ValueError, match="sizes must be at least 1, got 0 and 3"):
        GraphLSTM(0, 3, generator=torch.Generator())
    layer, graph = a_layer(2, 3, 0), grid(2)
    plan = schedule(graph, torch.arange(4))
    good = torch.zeros(4, 2, dtype=torch.float64)
    for way in (layer.forward, layer.loop):
        with pytest.raises(ValueError, match="row 2 holds NaN"):
            way(good.index_fill(0, torch.tensor(2), float("nan")), graph, plan)
        with pytest.raises(ValueError, match=r"features must be \(4, columns\)"):
            way(good[:3], graph, plan)
        with pytest.raises(ValueError, match="features must have 2 columns, got 3"):
            way(torch.zeros(4, 3, dtype=torch.float64), graph, plan)
        with pytest.raises(ValueError, match="plan is of another graph"):
            way(good, graph, schedule(grid(3), torch.arange(9)))
        with pytest.raises(ValueError, match=r"memory must be \(4, 3\), got \(4, 2\)"):
            way(good, graph, plan, NodeState(torch.zeros(4, 3, dtype=torch.float64), good))
