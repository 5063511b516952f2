"""Fixtures of the room's tests, and random graphs."""

from collections.abc import Callable

import jaxtyping
import pytest
import torch
from hypothesis import strategies as st

from hsrnn.evolving import Graph, graph_from_edges


@pytest.fixture
def plain_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch run-time type checks off, so that a wrong value reaches the function's own check as it does
    for a user."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@st.composite
def graphs(draw: st.DrawFn, most: int = 14, fewest: int = 1) -> Graph:
    """Any graph: with isolated nodes, in several parts, or of one node."""
    nodes = draw(st.integers(fewest, most))
    pairs = [(a, b) for a in range(nodes) for b in range(a + 1, nodes)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    sizes = draw(st.lists(st.integers(1, 9), min_size=nodes, max_size=nodes))
    return graph_from_edges(nodes, torch.tensor(chosen, dtype=torch.int64).reshape(-1, 2).T, sizes=sizes)


def square(side: int) -> Graph:
    """A square grid of nodes."""
    number = torch.arange(side * side).reshape(side, side)
    across = torch.stack([number[:, :-1].flatten(), number[:, 1:].flatten()])
    down = torch.stack([number[:-1].flatten(), number[1:].flatten()])
    return graph_from_edges(side * side, torch.cat([across, down], 1))


@pytest.fixture(scope="session")
def any_graph() -> Callable[..., st.SearchStrategy[Graph]]:
    """Return the strategy of random graphs."""
    return graphs


@pytest.fixture(scope="session")
def grid() -> Callable[[int], Graph]:
    """Return ``grid(side)``: a square grid of nodes."""
    return square
