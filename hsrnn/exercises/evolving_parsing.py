"""Checkers of the exercises on parsing: what the head sees, the loss by regions, and what a region is of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from hsrnn.exercises.verdict import Wrong, array_of, call


def read_out(answer: Any, random: np.random.Generator) -> str:
    """04.1: a function of (features, hidden, groups) to what the head sees of every superpixel."""
    for _ in range(40):
        groups, units = _hierarchy(random), int(random.integers(1, 4))
        nodes = [len(groups[0]), *(int(level.max()) + 1 for level in groups)]
        hidden = [random.standard_normal((count, units)) for count in nodes]
        features = random.standard_normal((nodes[0], units))
        at, parts = np.arange(nodes[0]), [features, hidden[0]]
        for level, states in zip(groups, hidden[1:]):
            at = level[at]
            parts.append(states[at])
        expected = np.sum(parts, axis=0)
        given = call(answer, features.copy(), [h.copy() for h in hidden], [g.copy() for g in groups])
        found = array_of(given, expected.shape, "What the head sees")
        if np.allclose(found, expected):
            continue
        hint = ""
        if np.allclose(found, expected - features):
            hint = " The features belong to the sum as well."
        elif np.allclose(found, features + parts[-1]):
            hint = " That is the last level alone; all levels are added."
        elif np.allclose(found, np.mean(parts, axis=0)):
            hint = " They are added, not averaged."
        raise Wrong(
            f"With {len(hidden)} levels of {', '.join(map(str, nodes))} nodes, superpixel 0 should get "
            f"{np.round(expected[0], 3)}, but gets {np.round(found[0], 3)}.{hint}"
        )
    return "It agrees on 40 random hierarchies, of one level to four."


def loss_by_regions(answer: Any, random: np.random.Generator) -> str:
    """04.2: a function of (logits, counts) to the cross-entropy in nats a labelled pixel."""
    for _ in range(40):
        nodes, classes = int(random.integers(2, 8)), int(random.integers(2, 6))
        logits = 3 * random.standard_normal((nodes, classes))
        counts = random.integers(0, 30, (nodes, classes))
        counts[0] = 0  # a region without any label
        shifted = logits - logits.max(1, keepdims=True)
        log_softmax = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        expected = float(-(counts * log_softmax).sum() / counts.sum())
        found = float(array_of(call(answer, logits.copy(), counts.copy()), (), "The loss"))
        if math.isclose(found, expected, rel_tol=1e-6):
            continue
        hint = ""
        if math.isclose(found, expected * counts.sum(), rel_tol=1e-6):
            hint = " Divide by the number of labelled pixels."
        elif math.isclose(
            found, -float(log_softmax[np.arange(nodes), counts.argmax(1)].mean()), rel_tol=1e-6
        ):
            hint = " Each pixel counts with its own label, not each region with its majority."
        elif math.isclose(found, expected / math.log(2), rel_tol=1e-6):
            hint = " That is in bits."
        raise Wrong(f"{nodes} regions have a loss of {expected:.4f}, but the answer is {found:.4f}.{hint}")
    return "It agrees on 40 random sets of regions, some of them without labels."


def inside(answer: Any, random: np.random.Generator) -> str:
    """04.3: a function of (groups, region) to the superpixels that a region of the last level is made of."""
    for _ in range(40):
        groups = _hierarchy(random)
        at = np.arange(len(groups[0]))
        for level in groups:
            at = level[at]
        region = int(random.integers(at.max() + 1))
        expected = np.flatnonzero(at == region).tolist()
        given = call(answer, [g.copy() for g in groups], region)
        try:
            found = sorted(int(k) for k in given)
        except (TypeError, ValueError) as error:
            raise Wrong(f"The superpixels should be a list of numbers, got {given!r}.") from error
        if found == expected:
            continue
        hint = ""
        if found == np.flatnonzero(groups[-1] == region).tolist():
            hint = " Those are regions of the level below; go on down to the superpixels."
        raise Wrong(
            f"Region {region} above {len(groups)} merging steps holds superpixels {expected}, but the "
            f"answer is {found}.{hint}"
        )
    return "It agrees on 40 random hierarchies."


def _hierarchy(random: np.random.Generator) -> list[np.ndarray]:
    """Return the groups of one to three merging steps, numbered from 0 without a gap at each."""
    groups, nodes = [], int(random.integers(6, 14))
    for _ in range(int(random.integers(1, 4))):
        above = max(1, nodes - int(random.integers(1, 4)))
        level = np.r_[np.arange(above), random.integers(above, size=nodes - above)]
        groups.append(random.permutation(level))
        nodes = above
    return groups


CHECKERS: dict[str, Callable[[Any, np.random.Generator], str]] = {
    "evolving.04.1": read_out,
    "evolving.04.2": loss_by_regions,
    "evolving.04.3": inside,
}
