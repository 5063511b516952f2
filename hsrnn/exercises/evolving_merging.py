"""Checkers of the exercises on merging: a matching, the right ratio, and fifty tries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hsrnn.evolving import graph_from_edges, log_transition, match
from hsrnn.exercises.verdict import Wrong, array_of, call


def matching(answer: Any, random: np.random.Generator) -> str:
    """03.1: which edges are taken, one by one in a given order, each node at most once."""
    for _ in range(6):
        nodes = int(random.integers(4, 12))
        pairs = np.array([(a, b) for a in range(nodes) for b in range(a + 1, nodes)])
        chosen = np.sort(random.choice(len(pairs), int(random.integers(3, len(pairs) + 1)), replace=False))
        edges = pairs[chosen].T
        coins, order = random.random(len(chosen)) < 0.7, random.permutation(len(chosen))
        priority = np.empty(len(chosen))
        priority[order] = np.arange(len(chosen), 0, -1)
        graph = graph_from_edges(nodes, edges)
        expected = match(graph, torch.from_numpy(coins), torch.from_numpy(priority)).numpy()
        given = call(answer, nodes, edges.copy(), coins.copy(), order.copy())
        found = array_of(given, (len(chosen),), "The edges taken") > 0
        if (found & ~coins).any():
            raise Wrong(f"You take {int((found & ~coins).sum())} edges whose coin did not come up.")
        if np.bincount(edges[:, found].ravel(), minlength=nodes).max(initial=0) > 1:
            raise Wrong("Some node is taken twice: only edges with both ends free may be taken.")
        if (found != expected).any():
            first = order[np.flatnonzero((found != expected)[order])[0]]
            a, b = edges[:, first]
            raise Wrong(
                f"Going through the edges in the given order, {a}-{b} "
                f"{'is taken: both its ends are still free' if expected[first] else 'cannot be taken'}."
            )
    return "It takes the very edges that the package takes, which goes through many of them at once."


def right_ratio(answer: Any, random: np.random.Generator) -> str:
    """03.2: log of the transition factor of a reversible chain, for merges and splits."""
    for _ in range(6):
        count = int(random.integers(3, 15))
        p, state = random.uniform(0.05, 0.95, count), random.random((2, count)) < 0.5
        state[:, :2] = [[False, True], [True, False]]  # one edge is eliminated, one restored, at least
        before, after = state
        tensors = torch.from_numpy(p), torch.from_numpy(after & ~before)
        owner, restored = torch.zeros(count, dtype=torch.int64), torch.from_numpy(before & ~after)
        expected = float(log_transition("swendsen-wang", *tensors, owner, 1, restored=restored))
        found = float(array_of(call(answer, p.copy(), before.copy(), after.copy()), (), "The log ratio"))
        if np.isclose(found, expected):
            continue
        if np.isclose(found, -expected):
            raise Wrong("That is the inverse: going forward, the coins of the NEW cuts have to stay down.")
        if np.isclose(found, np.log1p(-p)[after & ~before].sum()):
            raise Wrong("Edges that the move restores are missing: they count the other way round.")
        if np.isclose(found, np.exp(expected)):
            raise Wrong("That is the ratio itself; its logarithm is asked for.")
        raise Wrong(f"With {count} edges the log ratio is {expected:.4f}, yours is {found:.4f}.")
    return "With this factor the chain is reversible, whatever the probabilities are."


def some_try(answer: Any, random: np.random.Generator) -> str:
    """03.3: chance that one of n proposals is accepted by the mean log odds, if all edges have one p."""
    cases = [(0.9, 3), (0.5, 1), (0.02, 50)]
    cases += [(float(random.uniform(0.001, 0.6)), int(random.integers(1, 51))) for _ in range(6)]
    for p, tries in cases:
        each = min(1.0, p / (1 - p))
        expected = 1 - (1 - each) ** tries
        found = float(array_of(call(answer, p, tries), (), "The chance"))
        if np.isclose(found, expected, atol=1e-9):
            continue
        if p > 0.5 and not np.isclose(found, 1):
            raise Wrong(f"At p = {p:.2f} the odds are above 1, so the first proposal is accepted for sure.")
        if tries > 1 and np.isclose(found, each):
            raise Wrong("That is the chance of a single proposal.")
        if np.isclose(found, 1 - (1 - p) ** tries):
            raise Wrong("A proposal is accepted with the ODDS p / (1 - p), at most 1, not with p.")
        raise Wrong(f"At p = {p:.3f} and {tries} tries the chance is {expected:.4f}, yours is {found:.4f}.")
    return "So with fifty tries even a proposal that nobody believes in is likely to win once."


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "evolving.03.1": matching,
    "evolving.03.2": right_ratio,
    "evolving.03.3": some_try,
}
"""Exercise -> its checker: returns what to say about a right answer, raises `Wrong` for any other."""
