"""Modules, objects and weights: what a modular network understood of an input, as a tree or a DAG.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730), reconstructed. A module is an independent part
of a network; each time it runs on something it makes an object theta with an attribute vector x_theta, from
inputs theta_1..theta_k that other modules made, which matter with weights w_1..w_k. A pseudo-object on top
has the network's outputs as its inputs. The effective weight of an object is the product of the weights on
the way down from the top; where several ways lead to one object, they add, because a sketch is linear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

OVERALL = "overall"  # the module of the pseudo-object: no attributes, not counted
WEIGHT_TOLERANCE = 1e-5


@dataclass(frozen=True, eq=False)
class Object:
    """What a module made of its inputs. The same object may be an input of several others.

    Attributes:
        module: name of the module.
        attributes: ``(a,)``, at most length 1 and usually non-negative.
        inputs: the objects it was made from; position 1 first.
        weights: one a input, non-negative, at most 1 in sum; equal ones if ``None``. An input of weight 0
            keeps its position and is otherwise left out.
        name: what a person calls it.

    Raises:
        ValueError: for no module name, weights that do not fit the inputs, or attributes that are no vector.
    """

    module: str
    attributes: Tensor
    inputs: tuple[Object, ...] = ()
    weights: tuple[float, ...] | None = None
    name: str = ""

    def __post_init__(self) -> None:
        """Check and fill in weights."""
        if not self.module:
            raise ValueError("module must be a name, got the empty string, which names positions")
        if self.attributes.ndim != 1:
            raise ValueError(
                f"attributes of {self.module!r} must be one vector (a,), got {tuple(self.attributes.shape)}"
            )
        object.__setattr__(self, "inputs", tuple(self.inputs))
        count = len(self.inputs)
        weights = (1.0 / max(1, count),) * count if self.weights is None else tuple(map(float, self.weights))
        object.__setattr__(self, "weights", weights)
        if len(weights) != count:
            raise ValueError(
                f"weights must be one for each of the {count} inputs of {self.module!r}, got {len(weights)}"
            )
        if not all(0.0 <= weight < np.inf for weight in weights) or sum(weights) > 1.0 + WEIGHT_TOLERANCE:
            raise ValueError(
                f"weights of {self.module!r} must be non-negative and at most 1 in sum, got {weights}; "
                "divide them by their sum"
            )


def overall(outputs: Sequence[Object], weights: Sequence[float] | None = None) -> Object:
    """Return the pseudo-object over a network's outputs; its sketch is the overall sketch."""
    return Object(OVERALL, torch.zeros(0), tuple(outputs), None if weights is None else tuple(weights))


@dataclass(frozen=True, eq=False)
class Forest:
    """Many trees or DAGs as flat arrays; objects of one tree stand together, inputs before what uses them.

    An object that two trees share stands in each of them.

    Attributes:
        modules: names of the modules that occur.
        module: ``(n,)`` index into ``modules`` of each object.
        tree: ``(n,)`` number of its tree, ascending.
        roots: ``(trees,)`` the top object of each tree.
        parent: ``(e,)`` the object that an edge leads from.
        child: ``(e,)`` the object that is its input.
        position: ``(e,)`` place of the input in its tuple, 1 first.
        weight: ``(e,)`` weight of the input, above 0.
        attributes: for each module its objects' attributes ``(n_M, a)``, in the order of the objects.
    """

    modules: tuple[str, ...]
    module: NDArray[np.intp]
    tree: NDArray[np.intp]
    roots: NDArray[np.intp]
    parent: NDArray[np.intp]
    child: NDArray[np.intp]
    position: NDArray[np.intp]
    weight: NDArray[np.float64]
    attributes: dict[str, Tensor]

    @classmethod
    def of(cls, roots: Sequence[Object]) -> Forest:
        """Return the forest of the trees below ``roots``.

        Raises:
            ValueError: for no roots, or a module whose objects have attribute vectors of different lengths.
        """
        if not roots:
            raise ValueError("a forest must have at least one tree, got none")
        objects: list[Object] = []
        tree: list[int] = []
        edges: list[tuple[int, int, int, float]] = []
        tops = []
        for number, root in enumerate(roots):
            numbers: dict[int, int] = {}
            stack = [root]
            while stack:
                top = stack[-1]
                used = [part for part, w in zip(top.inputs, top.weights or ()) if w > 0]
                waiting = [part for part in used if id(part) not in numbers]
                if waiting:
                    stack += reversed(waiting)
                    continue
                stack.pop()
                if id(top) in numbers:
                    continue
                own = numbers[id(top)] = len(objects)
                objects.append(top)
                tree.append(number)
                for place, (part, w) in enumerate(zip(top.inputs, top.weights or ()), start=1):
                    if w > 0:
                        edges.append((own, numbers[id(part)], place, w))
            tops.append(numbers[id(root)])
        modules = tuple(sorted({thing.module for thing in objects}))
        index = {name: k for k, name in enumerate(modules)}
        vectors: dict[str, list[Tensor]] = {name: [] for name in modules}
        for thing in objects:
            vectors[thing.module].append(thing.attributes)
        for name, found in vectors.items():
            sizes = {len(vector) for vector in found}
            if len(sizes) > 1:
                raise ValueError(
                    f"objects of module {name!r} must have equally many attributes, got {sorted(sizes)}"
                )
        parent, child, position = (np.array([edge[k] for edge in edges], np.intp) for k in range(3))
        return cls(
            modules, np.array([index[thing.module] for thing in objects], np.intp), np.array(tree, np.intp),
            np.array(tops, np.intp), parent, child, position, np.array([edge[3] for edge in edges]),
            {name: torch.stack(found) for name, found in vectors.items()},
        )  # fmt: skip

    def like(self, attributes: Mapping[str, Tensor]) -> Forest:
        """Return many trees of the structure of this forest's only tree, with other attributes.

        Args:
            attributes: for each module ``(trees, objects of the module, a)``.

        Raises:
            ValueError: if this forest has several trees, or the attributes do not fit.
        """
        if len(self.roots) != 1:
            raise ValueError(f"like() repeats a single tree, this forest has {len(self.roots)}")
        if set(attributes) != set(self.modules) - {OVERALL}:
            raise ValueError(
                f"attributes must name the modules {sorted(set(self.modules) - {OVERALL})}, got "
                f"{sorted(attributes)}"
            )
        count = len(next(iter(attributes.values())))
        flat = {}
        for name in self.modules:
            given = attributes.get(name, torch.zeros(count, 1, 0))
            if given.ndim != 3 or len(given) != count or given.shape[1] != len(self.attributes[name]):
                raise ValueError(
                    f"attributes of {name!r} must be ({count}, {len(self.attributes[name])}, a), got "
                    f"{tuple(given.shape)}"
                )
            flat[name] = given.flatten(0, 1)
        n = len(self.module)

        def shifted(numbers: NDArray[np.intp]) -> NDArray[np.intp]:
            return (np.arange(count)[:, None] * n + numbers).ravel()

        return Forest(
            self.modules, np.tile(self.module, count), np.repeat(np.arange(count), n), shifted(self.roots),
            shifted(self.parent), shifted(self.child), np.tile(self.position, count),
            np.tile(self.weight, count), flat,
        )  # fmt: skip

    def trees(self, start: int, stop: int) -> Forest:
        """Return the trees ``start`` to ``stop - 1``."""
        first, last = np.searchsorted(self.tree, [start, stop])
        low, high = np.searchsorted(self.tree[self.parent], [start, stop])
        flat = {}
        for name in self.modules:
            a, b = np.searchsorted(self.members[name], [first, last])
            flat[name] = self.attributes[name][a:b]
        return Forest(
            self.modules, self.module[first:last], self.tree[first:last] - start,
            self.roots[start:stop] - first, self.parent[low:high] - first, self.child[low:high] - first,
            self.position[low:high], self.weight[low:high], flat,
        )  # fmt: skip

    def __len__(self) -> int:
        """Return the number of trees."""
        return len(self.roots)

    @cached_property
    def members(self) -> dict[str, NDArray[np.intp]]:
        """For each module the numbers of its objects, ascending."""
        return {name: np.flatnonzero(self.module == k) for k, name in enumerate(self.modules)}

    @cached_property
    def height(self) -> NDArray[np.intp]:
        """``(n,)`` the longest way down from each object, 0 for one without inputs."""
        height = np.zeros(len(self.module), np.intp)
        while len(self.parent):
            before = height.copy()
            np.maximum.at(height, self.parent, height[self.child] + 1)
            if np.array_equal(before, height):
                break
        return height

    @cached_property
    def edges_by_height(self) -> list[NDArray[np.intp]]:
        """The edges from objects of height 1, 2, ..., each in order of position."""
        levels = self.height[self.parent] if len(self.parent) else np.zeros(0, np.intp)
        order = np.lexsort((self.position, levels))
        cuts = np.searchsorted(levels[order], np.arange(1, int(self.height.max()) + 2))
        return [order[a:b] for a, b in zip(cuts, cuts[1:])]

    @cached_property
    def depth(self) -> NDArray[np.intp]:
        """``(n,)`` the longest way from the top to each object, 0 for the top."""
        depth = np.zeros(len(self.module), np.intp)
        for edges in reversed(self.edges_by_height):
            np.maximum.at(depth, self.child[edges], depth[self.parent[edges]] + 1)
        return depth

    @cached_property
    def effective(self) -> NDArray[np.float64]:
        """``(n,)`` effective weights: products of weights down from the top, added over all ways."""
        effective = np.zeros(len(self.module))
        effective[self.roots] = 1.0
        for edges in reversed(self.edges_by_height):
            np.add.at(effective, self.child[edges], effective[self.parent[edges]] * self.weight[edges])
        return effective


def bounded(vectors: Tensor) -> Tensor:
    """Return ``vectors`` ``(..., a)``, those longer than 1 divided by their length."""
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1.0)


def split_signs(vectors: Tensor) -> Tensor:
    """Return non-negative ``(..., 2 a)``: the positive parts, then the sizes of the negative parts.

    Attributes must not be negative, or the inner product of two objects of a module could be.
    """
    return torch.cat([vectors.clamp_min(0), (-vectors).clamp_min(0)], dim=-1)
