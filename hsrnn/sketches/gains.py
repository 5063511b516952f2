"""Coefficients of decoding, from the ways that the encoding recursion itself writes down.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730), reconstructed; derived. An object's attributes
reach the sketch by ways P = c T_1 T_2 ... T_n R, with T = t I + (1 - t) R. On average over the matrices,

* R^T P keeps the identity with the *gain* c t^n: only the way on which every factor passes unchanged counts;
* P^T Q keeps it with the *overlap* of two ways. Multiplied out, a way is a sum over the words that one can
  choose from its factors, and the overlap is the inner product of two such sums, because random rotations
  cancel only against themselves. All words are summed in n x m steps, as in a kernel for strings.

The overlap of a way with itself is c^2 (t^2 + (1 - t)^2)^n or more, and two places of one tree overlap too:
that is how objects of one module leak into each other when the path alone is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from .mechanism import Mechanism, SketchError
from .modular import OVERALL, Forest, Object
from .recursion import Path, Paths

MOST_WAYS = 4096


def gain(paths: Sequence[Path], transparency: float) -> float:
    """Return sum over the ways of c t^n: what reaches the top unchanged."""
    return float(sum(path.coefficient * transparency ** len(path.factors) for path in paths))


def overlap(first: Sequence[Path], second: Sequence[Path], transparency: float) -> float:
    """Return the mean coefficient of the identity in (sum of the first ways)^T (sum of the second)."""
    return float(
        sum(
            p.coefficient * q.coefficient * common_words(p.factors, q.factors, transparency)
            for p in first
            for q in second
        )
    )


@lru_cache(maxsize=100_000)
def common_words(first: tuple, second: tuple, transparency: float) -> float:
    """Return the sum over all words w of (weight of w in the first way) x (its weight in the second).

    A word picks the random part of some factors, with weight 1 - t each, and passes the others, with weight
    t. ``total[j]`` holds the sum for the factors of the first so far and ``j`` of the second.
    """
    t, r = transparency, 1.0 - transparency
    total = [t**j for j in range(len(second) + 1)]
    for letter in first:
        before, total = total, [t * total[0]]
        picked = 0.0  # words whose last letter is this one, matched at j or earlier
        for j, other in enumerate(second, start=1):
            picked = t * picked + (r * before[j - 1] if other == letter else 0.0)
            total.append(t * before[j] + r * picked)
    return total[-1]


def ways(mechanism: Mechanism, forest: Forest, tree: int = 0) -> list[tuple[Path, ...]]:
    """Return for each object of a tree (inputs first, as in the forest) its ways to the top.

    Raises:
        SketchError: for a DAG with more than 4,096 ways, which only least squares decodes.
    """
    own = forest.trees(tree, tree + 1)
    counts = np.zeros(len(own.module), object)
    counts[own.roots[0]] = 1
    for edges in reversed(own.edges_by_height):
        for edge in edges:
            counts[own.child[edge]] += counts[own.parent[edge]]
    if counts.sum() > MOST_WAYS:
        raise SketchError(
            f"a DAG may have at most {MOST_WAYS} ways to be decoded by projection, got {counts.sum()}; "
            "decode it by least squares"
        )
    inputs: list[list[tuple[int, int, float]]] = [[] for _ in own.module]
    for parent, child, place, weight in zip(own.parent, own.child, own.position, own.weight, strict=True):
        inputs[parent].append((int(place), int(child), float(weight)))
    nothing, made = Object("nothing", torch.zeros(0)), []
    for k, module in enumerate(own.module):
        width = max((place for place, _, _ in inputs[k]), default=0)
        parts, weights = [nothing] * width, [0.0] * width
        for place, child, weight in inputs[k]:
            parts[place - 1], weights[place - 1] = made[child], weight
        made.append(Object(own.modules[module], torch.zeros(0), tuple(parts), tuple(weights)))
    found = Paths(mechanism).object_sketch(made[own.roots[0]])
    return [found.get(id(thing), ()) for thing in made]


def chain_way(mechanism: Mechanism, weight: float, depth: int) -> tuple[Path, ...]:
    """Return the way of an object of effective weight ``weight`` at ``depth``, when nothing else is known.

    Raises:
        SketchError: for a weight outside (0, 1] or a depth outside [0, max_depth].
    """
    if not 0.0 < weight <= 1.0:
        raise SketchError(f"weight must lie in (0, 1], got {weight}")
    if not 0 <= depth <= mechanism.max_depth:
        raise SketchError(f"depth must lie in [0, {mechanism.max_depth}] (max_depth), got {depth}")
    if depth == 0 and weight != 1.0:
        raise SketchError(f"the top object (depth 0) has weight 1, got {weight}")
    thing = deepest = Object("level 0", torch.zeros(0))
    for level in range(1, depth + 1):
        share = weight if level == depth else 1.0
        thing = Object(f"level {level}", torch.zeros(0), (thing,), (share,))
    return Paths(mechanism).object_sketch(thing)[id(deepest)]


class Coefficients:
    """The gains and overlaps of all objects of a forest; equal structures are worked out once.

    Args:
        mechanism: constants.
        forest: the known trees.

    Attributes:
        structure: ``(trees,)`` a number for each tree, equal for trees of equal structure and weights.
    """

    def __init__(self, mechanism: Mechanism, forest: Forest) -> None:
        self.mechanism, self.forest = mechanism, forest
        known: dict[bytes, list[tuple[Path, ...]]] = {}
        self._ways: list[list[tuple[Path, ...]]] = []
        self.structure = np.zeros(len(forest), np.intp)
        self._grams: dict[tuple[int, str], NDArray[np.float64]] = {}
        starts = np.searchsorted(forest.tree, np.arange(len(forest) + 1))
        edges = np.searchsorted(forest.tree[forest.parent], np.arange(len(forest) + 1))
        for k, (low, high) in enumerate(zip(edges, edges[1:], strict=False)):
            key = b"".join(
                part.tobytes()
                for part in (
                    forest.module[starts[k] : starts[k + 1]], forest.parent[low:high] - starts[k],
                    forest.child[low:high] - starts[k], forest.position[low:high], forest.weight[low:high],
                )
            )  # fmt: skip
            if key not in known:
                known[key] = ways(mechanism, forest, k)
            self.structure[k] = list(known).index(key)
            self._ways.append(known[key])

    def gains(self) -> NDArray[np.float64]:
        """Return ``(n,)`` gains of all objects, without the shares of attributes or marker."""
        values: dict[int, list[float]] = {}
        parts = []
        for found in self._ways:
            if id(found) not in values:
                values[id(found)] = [gain(paths, self.mechanism.transparency) for paths in found]
            parts.append(values[id(found)])
        return np.concatenate(parts) if parts else np.zeros(0)

    def gram(self, tree: int, module: str) -> NDArray[np.float64]:
        """Return the overlaps of a module's objects in a tree, ``(m, m)``."""
        key = (id(self._ways[tree]), module)
        if key not in self._grams:
            start = int(np.searchsorted(self.forest.tree, tree))
            numbers = self.forest.members[module]
            own = [self._ways[tree][k - start] for k in numbers[self.forest.tree[numbers] == tree]]
            t = self.mechanism.transparency
            self._grams[key] = np.array([[overlap(u, v, t) for v in own] for u in own]).reshape(len(own), -1)
        return self._grams[key]


def expected_similarity(mechanism: Mechanism, first: Forest, second: Forest) -> float:
    """Return the mean inner product of the sketches of two single trees over the seeds (T2).

    It is the sum, over pairs of objects of one module, of the overlap of their ways times what their
    attribute subsketches have in common; 0 for trees that share no module.
    """
    if len(first) != 1 or len(second) != 1:
        raise SketchError(f"two single trees are compared, got forests of {len(first)} and {len(second)}")
    ways_of_first, ways_of_second, total = ways(mechanism, first), ways(mechanism, second), 0.0
    for module in set(first.modules) & set(second.modules) - {OVERALL}:
        attributes = first.attributes[module].double(), second.attributes[module].double()
        common = mechanism.attribute_share**2 * attributes[0] @ attributes[1].T + mechanism.marker_share**2
        for j, u in enumerate(first.members[module]):
            for k, v in enumerate(second.members[module]):
                total += float(common[j, k]) * overlap(
                    ways_of_first[u], ways_of_second[v], mechanism.transparency
                )
    return total
