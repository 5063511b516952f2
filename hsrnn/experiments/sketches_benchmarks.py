"""Speed of the room sketches beside what it replaces: what ``hsrnn bench sketches.NAME`` runs.

A line has the fields of :mod:`hsrnn.experiments.benchmarks`. What is timed is checked first: sketches that
differ from their reference's raise, and a search reports its recall beside its time.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from hsrnn.experiments.timing import alternate, threads
from hsrnn.sketches import (
    Dense,
    Forest,
    Matrices,
    Mechanism,
    Object,
    Operator,
    Repository,
    Sketcher,
    Transparent,
    bounded,
    overall,
)

DEPTH = 3  # 15 objects in a binary tree
PATHS = [format(k, "b")[1:].replace("0", "l").replace("1", "r") for k in range(1, 2 ** (DEPTH + 1))]
BUDGET = 200.0  # MB that one tree at d = 65,536 may take


class DenseMatrices(Matrices):
    """The same transparent matrices, each written out as a dense orthonormal one."""

    def transparent(self, module: str, role: str) -> Operator:
        """Return T(R) of a role of a module, R written out."""
        return self._keep(
            module, role, True,
            lambda: Transparent(Dense(self.operator(module, role).matrix()), self.share),
        )  # fmt: skip


def trees(count: int, attributes: int, *, seed: int = 0) -> tuple[Forest, dict[str, int]]:
    """Return ``count`` binary trees of 15 objects, a module a level, and the sizes of the modules."""

    def grow(level: int) -> Object:
        inputs = (grow(level + 1), grow(level + 1)) if level < DEPTH else ()
        return Object(f"level {level}", torch.zeros(attributes), inputs)

    generator, shapes = torch.Generator().manual_seed(seed), {f"level {k}": 2**k for k in range(DEPTH + 1)}
    drawn = {n: bounded(torch.rand(count, k, attributes, generator=generator)) for n, k in shapes.items()}
    return Forest.of([grow(0)]).like(drawn), dict.fromkeys(shapes, attributes)


def encode(
    *, count: int = 1000, dense_count: int = 100, dimension: int = 4096, attributes: int = 32,
    repeats: int = 5, large: int = 65_536,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Time encoding beside dense matrices and beside torchhd's trees, and measure one large tree.

    Raises:
        RuntimeError: if sketches differ from those of the dense matrices.
        ModuleNotFoundError: without torchhd.
    """
    forest, sizes = trees(count, attributes)
    ours = Sketcher(Mechanism(sizes, dimension=dimension))
    dense, part = Sketcher(ours.mechanism), forest.trees(0, min(dense_count, count))
    dense.matrices = DenseMatrices(ours.mechanism.seed, dimension)
    scale = count / len(part)
    difference = float((ours.encode(part) - dense.encode(part)).abs().max())
    if difference > 1e-7:
        raise RuntimeError(f"sketches differ from those of dense matrices by {difference}")
    what = f"{count} trees of {2 ** (DEPTH + 1) - 1} objects with {attributes} attributes, d = {dimension}"
    with threads(1):
        seconds = alternate(lambda: ours.encode(forest), lambda: dense.encode(part), repeats)
        yield _line(
            "sketches.encode/dense", seconds[0], seconds[1] * scale,
            f"{what}, randomised Hadamard. Reference: the same sketches by the same code with the "
            f"transparent matrices written out as dense orthonormal ones, {len(part)} trees times {scale:g}. "
            "One thread",
            largest_difference=difference,
        )  # fmt: skip
        batched, one_by_one = torchhd_trees(forest, count, attributes, dimension)
        seconds = alternate(lambda: ours.encode(forest), batched, repeats)
        yield _line(
            "sketches.encode/torchhd", *seconds,
            f"{what}. Reference: torchhd's bind and multibundle (MAP), all trees at once, keys made "
            "before; one bind an object where a sketch takes several transforms. One thread",
        )  # fmt: skip
        seconds = alternate(lambda: ours.encode(forest), lambda: one_by_one(len(part)), repeats)
        yield _line(
            "sketches.encode/torchhd-tree", seconds[0], seconds[1] * scale,
            f"{what}. Reference: torchhd.structures.Tree, a leaf an object, {len(part)} trees times "
            f"{scale:g}. One thread",
        )  # fmt: skip
    used = memory_of_one_tree(large, attributes)
    yield _line(
        "sketches.encode/memory", used, BUDGET,
        f"peak of what one tree of 15 objects at d = {large} adds to the memory of a fresh process that has "
        f"torch loaded. Reference: a budget of {BUDGET:g} MB; one dense float32 matrix would need "
        f"{4e-6 * large**2:,.0f} MB",
        unit="MB",
    )  # fmt: skip


def torchhd_trees(
    forest: Forest, count: int, attributes: int, dimension: int
) -> tuple[Callable[[], Tensor], Callable[[int], list[Tensor]]]:
    """Return two ways to encode the same trees with torchhd: all at once, and tree by tree.

    An object's attributes become a hypervector by a random map, which is bound to the key of its path.

    Raises:
        ModuleNotFoundError: without torchhd.
    """
    torchhd = _torchhd()
    generator = torch.Generator().manual_seed(0)
    base = torchhd.random(attributes, dimension, generator=generator)
    sides = torchhd.random(2, dimension, generator=generator)
    keys = torch.ones(len(PATHS), dimension)
    for key, path in zip(keys, PATHS, strict=True):
        for level, side in enumerate(path):
            key *= torchhd.permute(sides["lr".index(side)], shifts=level)
    values = [forest.attributes[f"level {k}"].view(count, 2**k, attributes) for k in range(DEPTH + 1)]
    flat, size = torch.cat(values, 1), max(1, 2**22 // (4 * dimension * len(PATHS)))  # stays in the cache

    def batched() -> Tensor:
        keyed = keys.as_subclass(type(base))
        return torch.cat([
            torchhd.multibundle(torchhd.bind(keyed, part @ base)) for part in flat.split(size)
        ])  # fmt: skip

    def one_by_one(number: int) -> list[Tensor]:
        made = []
        for objects in flat[:number]:
            tree = torchhd.structures.Tree(dimension)
            tree.l_r = sides
            for value, path in zip(objects @ base, PATHS, strict=True):
                tree.add_leaf(value, list(path))
            made.append(tree.value)
        return made

    return batched, one_by_one


def _torchhd() -> ModuleType:
    try:
        import torchhd
        import torchhd.structures
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"sketches.encode is timed beside torchhd, which is not there ({error}); install hsrnn[test]"
        ) from error
    return torchhd


def memory_of_one_tree(dimension: int, attributes: int) -> float:
    """Return the MB by which sketching one tree raises the peak memory of a fresh process (Linux).

    The peak is compared with what the process holds just before, so it is never too small.
    """
    program = (
        "import re\n"
        "from hsrnn.experiments.sketches_benchmarks import trees\n"
        "from hsrnn.sketches import Mechanism, Sketcher\n"
        f"forest, sizes = trees(1, {attributes})\n"
        "Sketcher(Mechanism(sizes, dimension=64)).encode(forest)\n"
        "read = lambda what: int(re.search(what + r':\\s*(\\d+)', open('/proc/self/status').read())[1])\n"
        "held = read('VmRSS')\n"
        f"Sketcher(Mechanism(sizes, dimension={dimension})).encode(forest)\n"
        "print((read('VmHWM') - held) * 1024 / 1e6)"
    )
    command = [sys.executable, "-c", program]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


# Queries ------------------------------------------------------------------------------------------------


def scenes(count: int, kinds: int, *, seed: int = 0) -> tuple[Forest, dict[str, int]]:
    """Return ``count`` scenes of four objects, each near one of ``kinds`` scenes, and the sizes of modules.

    An object is one of ten, non-negative, with noise of its own; so scenes of a kind are alike, and scenes of
    different kinds still share objects and modules.
    """
    generator = np.random.default_rng(seed)
    prototypes = generator.gamma(0.5, size=(10, 16))
    kind = generator.integers(10, size=(kinds, 4))[generator.integers(kinds, size=count)]
    vectors = np.abs(prototypes[kind] + 0.1 * generator.normal(size=(count, 4, 16)))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    scene = np.eye(8)[generator.integers(8, size=count)][:, None]
    parts = tuple(Object("digit", torch.zeros(16)) for _ in range(4))
    one = Forest.of([overall([Object("scene", torch.zeros(8), parts)])])
    drawn = {"digit": torch.from_numpy(vectors).float(), "scene": torch.from_numpy(scene).float()}
    return one.like(drawn), {"digit": 16, "scene": 8}


def query(
    *, count: int = 100_000, queries: int = 100, dimension: int = 1024, k: int = 10, repeats: int = 3
) -> Iterator[dict[str, Any]]:
    """Time single queries of a repository beside brute force, and report their recall.

    Where faiss is missing a repository compares with every sketch: then both times are of that.
    """
    forest, sizes = scenes(count + queries, max(1, count // 100))
    mechanism = Mechanism(sizes, dimension=dimension)
    sketcher, generator = Sketcher(mechanism), torch.Generator().manual_seed(0)
    noise = torch.randn(count + queries, dimension, generator=generator)
    rows = {
        "scenes": (sketcher.encode(forest), f"sketches of scenes of {max(1, count // 100)} kinds", 16),
        "noise": (noise, "white noise, which no index can sort, through every list of the index", 10**6),
    }
    for variant, (sketches, said, probes) in rows.items():
        with (
            tempfile.TemporaryDirectory() as folder,
            Repository(Path(folder) / variant, mechanism) as repository,
            threads(2),
            threadpool_limits(2),
        ):
            repository.add(sketches[:count])
            wanted = sketches[count:]
            truth = _brute(sketches[:count], wanted, k)
            found = repository.query(wanted, k, probes=probes).numbers  # makes the index

            def each(exact: bool, held: Repository = repository, wanted: Tensor = wanted, p: int = probes):
                for row in wanted:
                    held.query(row[None], k, exact=exact, probes=p)

            seconds = alternate(lambda: each(False), lambda: each(True), repeats)
            recall = float(np.mean([len(set(a) & set(b)) / k for a, b in zip(found, truth, strict=True)]))
            yield _line(
                f"sketches.query/{variant}", *(each / queries for each in seconds),
                f"one query, {k} nearest of {count} sketches, d = {dimension}; {said}. Search: "
                f"{repository.searches}. Reference: brute force by the repository. Two threads",
                recall=recall,
            )  # fmt: skip


def _brute(sketches: Tensor, wanted: Tensor, k: int) -> np.ndarray:
    cosine = torch.nn.functional.normalize(wanted) @ torch.nn.functional.normalize(sketches).T
    return cosine.topk(k, dim=1).indices.numpy()


def _line(
    name: str, ours: float, reference: float, what: str, *, unit: str = "s", **more: float
) -> dict[str, Any]:
    return {
        "name": name, "ours": ours, "reference": reference, "unit": unit, "ratio": reference / ours,
        **more, "what": what,
    }  # fmt: skip


BENCHMARKS: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
    "sketches.encode": encode,
    "sketches.query": query,
}
