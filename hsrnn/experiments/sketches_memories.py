"""Ways to remember a scene in a given number of bytes: the sketch, and what it has to be compared with (S7).

A memory stores the attributes of each scene's objects and gives them back. All are told how many digits there
were, so all know the structure of the tree, and none is charged for that:

* ``SketchMemory``: the recursive sketch, read by least squares or by path-aware projection;
* ``RawList``: the attributes themselves, rounded to as many bits as there is room for; where there is not one
  bit for each, the last are left out;
* ``FlatProjection``: all attributes as one long vector times a Gaussian matrix, read by least squares;
* ``CountSketch``: each number added, with a random sign, to one bucket in each of five rows, read by the
  median (Charikar, Chen and Farach-Colton 2002);
* ``SymbolTree`` (``sketches_symbols``): a vector-symbolic tree of symbols.

Attributes come and go as ``values`` ``(n, numbers)`` of scenes with equally many digits: all digits' 20, the
scene's 10, all strokes' 4 x 10 each, the order of :class:`hsrnn.sketches.WrittenOut`.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from hsrnn.sketches import Decoder, Erased, Mechanism, SceneSizes, Sketcher, WrittenOut, scene_tree
from hsrnn.sketches.scene_network import MOST_DIGITS, STROKES

ROWS = 5  # of a count-sketch


@runtime_checkable
class Memory(Protocol):
    """Something that remembers a scene in so many bytes."""

    def store(self, values: Tensor, count: int) -> Tensor:
        """Return what is kept of each scene, ``(n, numbers kept)``."""
        ...

    def recall(self, kept: Tensor, count: int) -> Tensor:
        """Return the values as they are remembered, ``(n, numbers)`` in [0, 1]."""
        ...


def widths(sizes: SceneSizes, count: int) -> dict[str, int]:
    """Return module -> how many numbers the objects of a scene with ``count`` digits have together."""
    per = sizes.modules
    return {
        "digit": count * per["digit"],
        "scene": per["scene"],
        "stroke": STROKES * count * per["stroke"],
    }


def places_of(sizes: SceneSizes, count: int) -> Tensor:
    """Return where the numbers of a scene with ``count`` digits stand among those of the largest scene."""
    found, start = [], 0
    most = widths(sizes, MOST_DIGITS)
    for name, width in widths(sizes, count).items():
        found.append(torch.arange(start, start + width))
        start += most[name]
    return torch.cat(found)


def alive(numbers: int, erased: float, seed: int) -> Tensor:
    """Return ``(numbers,)`` which are left when a random share is lost."""
    left = torch.ones(numbers, dtype=torch.bool)
    lost = np.random.default_rng([seed, 7]).permutation(numbers)[: round(erased * numbers)]
    left[torch.from_numpy(lost)] = False
    return left


class SketchMemory:
    """The recursive sketch of each scene.

    Args:
        sizes: of the modules.
        size: bytes of a scene.
        bits: of a coordinate, 32 for float32 or 16 for float16.
        paths: whether to read by path-aware projection instead of least squares.
        erased: share of coordinates that are lost before reading.
        seed: of the matrices and of what is lost.
    """

    def __init__(
        self,
        sizes: SceneSizes,
        size: int,
        *,
        bits: int = 32,
        paths: bool = False,
        erased: float = 0.0,
        seed: int,
    ) -> None:
        self.sizes, self.bits, self.paths = sizes, bits, paths
        self.mechanism = Mechanism(sizes.modules, dimension=size * 8 // bits, seed=seed)
        self.decoder = Decoder(Sketcher(self.mechanism))
        self.alive = alive(self.mechanism.dimension, erased, seed)
        self._maps: dict[int, WrittenOut] = {}

    def map(self, count: int) -> WrittenOut:
        """Return the written-out map of scenes with ``count`` digits."""
        if count not in self._maps:
            self._maps[count] = WrittenOut(self.decoder.sketcher, scene_tree(self.sizes, count))
        return self._maps[count]

    def store(self, values: Tensor, count: int) -> Tensor:
        """Return sketches ``(n, d)``, rounded as they are stored."""
        made = self.map(count).encode(values)
        return made.half().float() if self.bits == 16 else made

    def recall(self, kept: Tensor, count: int) -> Tensor:
        """Return the values that fit the sketch best."""
        numbers = self.alive.nonzero()[:, 0]
        left = Erased(kept[:, numbers], numbers, kept.shape[1])
        map_ = self.map(count)
        return (map_.project(left) if self.paths else map_.solve(left)).clamp(0, 1).float()

    def counts(self, kept: Tensor) -> Tensor:
        """Return how many digits each sketch says that there were: the structure that leaves least."""
        left = torch.stack([self.map(count).residual(kept) for count in range(1, MOST_DIGITS + 1)])
        return left.argmin(0) + 1


class RawList:
    """The attributes themselves, each rounded to as many bits as there is room for, 16 at most.

    Args:
        sizes: of the modules.
        size: bytes of a scene.
        erased: share of the numbers that are lost; they are taken for 0.
        seed: of what is lost.
    """

    def __init__(self, sizes: SceneSizes, size: int, *, erased: float = 0.0, seed: int = 0) -> None:
        self.sizes, self.size, self.erased, self.seed = sizes, size, erased, seed

    def store(self, values: Tensor, count: int) -> Tensor:
        """Return what is left of the numbers."""
        bits = min(16, 8 * self.size // values.shape[1])
        if bits < 1:
            bits, values = 1, values[:, : 8 * self.size]
        steps = 2**bits - 1
        return (values.clamp(0, 1) * steps).round() / steps

    def recall(self, kept: Tensor, count: int) -> Tensor:
        """Return the numbers, with 0 for what was left out."""
        kept = kept * alive(kept.shape[1], self.erased, self.seed)
        return torch.nn.functional.pad(kept, (0, sum(widths(self.sizes, count).values()) - kept.shape[1]))


class FlatProjection:
    """All attributes as one long vector, times a Gaussian matrix; read by least squares.

    Args:
        sizes: of the modules.
        size: bytes of a scene, four a coordinate.
        erased: share of coordinates that are lost before reading.
        seed: of the matrix and of what is lost.
    """

    def __init__(self, sizes: SceneSizes, size: int, *, erased: float = 0.0, seed: int) -> None:
        self.sizes = sizes
        numbers = sum(widths(sizes, MOST_DIGITS).values())
        draws = np.random.default_rng([seed, 11])
        self.matrix = torch.from_numpy(draws.standard_normal((numbers, size // 4)) / (size // 4) ** 0.5)
        self.alive = alive(size // 4, erased, seed)

    def store(self, values: Tensor, count: int) -> Tensor:
        """Return projections ``(n, size / 4)``."""
        return (values.double() @ self.matrix[places_of(self.sizes, count)]).float()

    def recall(self, kept: Tensor, count: int) -> Tensor:
        """Return the shortest values that fit."""
        own = self.matrix[places_of(self.sizes, count)][:, self.alive]
        return (kept[:, self.alive].double() @ torch.linalg.pinv(own)).clamp(0, 1).float()


class CountSketch:
    """Each number is added, with a random sign, to one bucket in each of five rows; the median reads it.

    Args:
        sizes: of the modules.
        size: bytes of a scene, four a bucket.
        seed: of buckets and signs.
    """

    def __init__(self, sizes: SceneSizes, size: int, *, seed: int) -> None:
        self.sizes, self.buckets = sizes, max(1, size // 4 // ROWS)
        numbers = sum(widths(sizes, MOST_DIGITS).values())
        draws = np.random.default_rng([seed, 13])
        self.bucket = torch.from_numpy(draws.integers(self.buckets, size=(ROWS, numbers)))
        self.sign = torch.from_numpy(draws.choice([-1.0, 1.0], (ROWS, numbers))).float()

    def store(self, values: Tensor, count: int) -> Tensor:
        """Return buckets ``(n, 5 x buckets)``."""
        at = places_of(self.sizes, count)
        rows = torch.zeros(len(values), ROWS, self.buckets)
        for row in range(ROWS):
            rows[:, row].index_add_(1, self.bucket[row, at], values * self.sign[row, at])
        return rows.flatten(1)

    def recall(self, kept: Tensor, count: int) -> Tensor:
        """Return the median of what the five rows say of each number."""
        at, rows = places_of(self.sizes, count), kept.unflatten(1, (ROWS, self.buckets))
        read = [rows[:, row, self.bucket[row, at]] * self.sign[row, at] for row in range(ROWS)]
        return torch.stack(read).median(0).values.clamp(0, 1)
