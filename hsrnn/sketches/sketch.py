"""Sketches of whole forests at once, and their transpose; merging and erasing.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730), reconstructed; the equations stand in
``recursion``, whose plain loop :class:`Sketcher` equals. A sketch is linear in all attribute vectors together
with their markers, so it has a transpose, and every decoder is made of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .mechanism import Mechanism, SketchError
from .modular import OVERALL, Forest, Object
from .streams import stream

ErasedHow = Literal["prefix", "random"]
COLUMNS_KEPT = 2**22  # largest written-out map of a module's attributes, in numbers
WORKING_BYTES = 2**23  # sketches of objects held at once, unless one tree needs more: about a cache's size


class Sketcher:
    """Makes sketches by a mechanism.

    Args:
        mechanism: constants, modules, dimension, seed.
        dtype: of the sketches, float32 or float64.
    """

    def __init__(self, mechanism: Mechanism, *, dtype: torch.dtype = torch.float32) -> None:
        self.mechanism, self.dtype = mechanism, dtype
        self.matrices = mechanism.matrices()
        self._columns: dict[tuple[str, torch.dtype], Tensor] = {}

    def encode(self, forest: Forest | Sequence[Object]) -> Tensor:
        """Return the sketch of each tree, ``(trees, d)``.

        Raises:
            SketchError: for a forest that does not fit the mechanism, see :meth:`Mechanism.check`.
        """
        forest = forest if isinstance(forest, Forest) else Forest.of(forest)
        self.mechanism.check(forest)
        return self.linear(forest, {
            name: torch.cat([vectors.to(self.dtype), torch.ones(len(vectors), 1, dtype=self.dtype)], 1)
            for name, vectors in forest.attributes.items() if name != OVERALL
        })  # fmt: skip

    def linear(self, forest: Forest, vectors: dict[str, Tensor]) -> Tensor:
        """Return the sketches ``(trees, d)`` of the forest's structure with other vectors in its objects.

        Args:
            forest: structure and weights; its attributes are not read.
            vectors: for each module ``(n_M, a + 1)``: attributes, then what multiplies the marker (1 for an
                object that is there).
        """
        dtype = next(iter(vectors.values())).dtype if vectors else self.dtype
        per_tree = max(1, len(forest.module) // len(forest)) * self.mechanism.dimension * dtype.itemsize
        size = max(1, WORKING_BYTES // per_tree)
        if len(forest) <= size:
            return self._linear(forest, vectors, dtype)
        parts = []
        for start in range(0, len(forest), size):
            stop = min(start + size, len(forest))
            piece, first, last = forest.trees(start, stop), *np.searchsorted(forest.tree, [start, stop])
            cuts = {name: np.searchsorted(forest.members[name], [first, last]) for name in vectors}
            parts.append(
                self._linear(piece, {name: vectors[name][a:b] for name, (a, b) in cuts.items()}, dtype)
            )
        return torch.cat(parts)

    def _linear(self, forest: Forest, vectors: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        sketches = torch.zeros(len(forest.module), self.mechanism.dimension, dtype=dtype)
        for name, given in vectors.items():
            if name in forest.members and len(given):
                sketches[forest.members[name]] = self._embed(name, given)
        for edges in forest.edges_by_height:
            parents, row = np.unique(forest.parent[edges], return_inverse=True)
            made = torch.zeros(len(parents), self.mechanism.dimension, dtype=dtype)
            for place, at in _by_position(forest, edges):
                weight = torch.from_numpy(forest.weight[edges[at]]).to(dtype)[:, None]
                inputs = sketches[forest.child[edges[at]]] * weight
                made.index_add_(0, torch.from_numpy(row[at]), self.matrices.position(place)(inputs))
            made = self._wrap(forest, parents, self.matrices.position(2)(made), transpose=False)
            sketches.index_add_(0, torch.from_numpy(parents), made, alpha=self.mechanism.input_weight)
        return sketches[forest.roots]

    def adjoint(self, forest: Forest, sketches: Tensor) -> dict[str, Tensor]:
        """Return the transpose of :meth:`linear`, applied to ``sketches`` ``(trees, d)``.

        Returns:
            For each module ``(n_M, a + 1)``.

        Raises:
            SketchError: for sketches of another shape.
        """
        down = self._descend(forest, sketches)
        return {
            name: self._read(name, down[numbers])
            for name, numbers in forest.members.items() if name != OVERALL
        }  # fmt: skip

    def adjoint_lengths(self, forest: Forest, sketches: Tensor) -> dict[str, Tensor]:
        """Return for each module ``(n_M,)`` the length of what comes down to each object's attribute matrix.

        Turned by R_M,1^T, all of it but the answer is spread evenly over d coordinates.
        """
        down = self._descend(forest, sketches)
        return {
            name: self.mechanism.attribute_weight * self._unwrap(name, down[numbers]).norm(dim=1)
            for name, numbers in forest.members.items() if name != OVERALL
        }  # fmt: skip

    def _descend(self, forest: Forest, sketches: Tensor) -> Tensor:
        """Return what the transpose brings down to each object, ``(n, d)``."""
        self.require(sketches, len(forest))
        down = torch.zeros(len(forest.module), self.mechanism.dimension, dtype=sketches.dtype)
        down[forest.roots] = sketches
        for edges in reversed(forest.edges_by_height):
            parents, row = np.unique(forest.parent[edges], return_inverse=True)
            came = self._wrap(forest, parents, down[parents], transpose=True)
            came = self.mechanism.input_weight * self.matrices.position(2).transpose(came)
            for place, at in _by_position(forest, edges):
                weight = torch.from_numpy(forest.weight[edges[at]]).to(came.dtype)[:, None]
                passed = self.matrices.position(place).transpose(came[row[at]]) * weight
                down.index_add_(0, torch.from_numpy(forest.child[edges[at]]), passed)
        return down

    def _unwrap(self, module: str, rows: Tensor) -> Tensor:
        """Return the transposes of an object's own factors, the outermost first."""
        for operator in reversed(self._own(module)):
            rows = operator.transpose(rows)
        return rows

    def require(self, sketches: Tensor, trees: int | None = None) -> None:
        """Check that ``sketches`` are ``(trees, d)``; raises SketchError."""
        d = self.mechanism.dimension
        if sketches.ndim != 2 or sketches.shape[1] != d or trees not in (None, len(sketches)):
            raise SketchError(
                f"sketches must be ({'n' if trees is None else trees}, {d}), got {tuple(sketches.shape)}; an "
                "erased one is filled up by filled() first"
            )

    def columns(self, module: str, dtype: torch.dtype = torch.float64) -> Tensor:
        """Return the sketch of each attribute of an object on its own, and of its marker, ``(a + 1, d)``."""
        key = (module, dtype)
        if key not in self._columns:
            ones = torch.eye(self.mechanism.size(module) + 1, dtype=torch.float64)
            step = max(1, WORKING_BYTES // (32 * self.mechanism.dimension))  # several copies are at work
            parts = [self._embed_by_operators(module, rows).to(dtype) for rows in ones.split(step)]
            self._columns[key] = torch.cat(parts)
        return self._columns[key]

    def _wrap(self, forest: Forest, numbers: NDArray[np.intp], rows: Tensor, *, transpose: bool) -> Tensor:
        """Apply each object's own transparent matrix to its row."""
        if not self.mechanism.object_factor:
            return rows
        result = torch.empty_like(rows)
        for k in np.unique(forest.module[numbers]):
            at = np.flatnonzero(forest.module[numbers] == k)
            operator = self.matrices.transparent(forest.modules[k], "object")
            result[at] = (operator.transpose if transpose else operator)(rows[at])
        return result

    def _few(self, module: str) -> bool:
        return (self.mechanism.size(module) + 1) * self.mechanism.dimension <= COLUMNS_KEPT

    def _embed(self, module: str, vectors: Tensor) -> Tensor:
        """Return T(R_M,0) w_1 T(R_1) (attribute subsketch) for ``(n, a + 1)``."""
        if self._few(module):
            return vectors @ self.columns(module, vectors.dtype)
        return self._embed_by_operators(module, vectors)

    def _read(self, module: str, rows: Tensor) -> Tensor:
        if self._few(module):
            return rows @ self.columns(module, rows.dtype).T
        rows = self._unwrap(module, rows)
        size, m = self.mechanism.size(module), self.mechanism
        read = self.matrices.operator(module, "attributes").transpose(rows)[:, :size] * m.attribute_share
        marker = self.matrices.operator(module, "marker").transpose(rows)[:, :1] * m.marker_share
        return m.attribute_weight * torch.cat([read, marker], 1)

    def _own(self, module: str) -> list:
        factors = [self.matrices.position(1)]
        if self.mechanism.object_factor:
            factors.append(self.matrices.transparent(module, "object"))
        return factors

    def _embed_by_operators(self, module: str, vectors: Tensor) -> Tensor:
        m, size = self.mechanism, self.mechanism.size(module)
        padded = vectors.new_zeros(2, len(vectors), m.dimension)
        padded[0, :, :size], padded[1, :, 0] = vectors[:, :size], vectors[:, size]
        rows = m.attribute_weight * (
            m.attribute_share * self.matrices.operator(module, "attributes")(padded[0])
            + m.marker_share * self.matrices.operator(module, "marker")(padded[1])
        )
        for operator in self._own(module):
            rows = operator(rows)
        return rows


def _by_position(forest: Forest, edges: NDArray[np.intp]) -> list[tuple[int, NDArray[np.intp]]]:
    """Return (position, places in ``edges``) for edges in order of position."""
    places = forest.position[edges]
    cuts = np.flatnonzero(np.diff(places)) + 1
    return [(int(places[at[0]]), at) for at in np.split(np.arange(len(edges)), cuts)]


def merge(sketches: Tensor, weights: Sequence[float] | None = None) -> Tensor:
    """Return one sketch ``(d,)`` of many ``(n, d)``: their weighted sum, in which all weights are scaled so.

    Args:
        sketches: made by one mechanism.
        weights: ``n``, equal and 1 in sum if ``None``.

    Raises:
        ValueError: for no sketches, or another number of weights.
    """
    if sketches.ndim != 2 or not len(sketches):
        raise ValueError(f"sketches must be (n, d) with n at least 1, got {tuple(sketches.shape)}")
    if weights is not None and len(weights) != len(sketches):
        raise ValueError(f"weights must be {len(sketches)} numbers, one a sketch, got {len(weights)}")
    if weights is None:
        return sketches.mean(0)
    return torch.as_tensor(weights, dtype=sketches.dtype) @ sketches


@dataclass(frozen=True, eq=False)
class Erased:
    """What is left of sketches when coordinates are erased.

    Attributes:
        values: ``(n, m)`` the kept coordinates.
        kept: ``(m,)`` their numbers, ascending.
        dimension: d of the whole sketch.
    """

    values: Tensor
    kept: Tensor
    dimension: int

    @property
    def fraction(self) -> float:
        """The kept fraction f = m / d."""
        return len(self.kept) / self.dimension

    def filled(self, *, rescale: bool = True) -> Tensor:
        """Return ``(n, d)`` with zeros for what is erased, divided by f unless told otherwise, so that inner
        products and projections keep their means."""
        full = self.values.new_zeros(len(self.values), self.dimension)
        full[:, self.kept] = self.values / self.fraction if rescale else self.values
        return full


def erase(sketches: Tensor, keep: int, how: ErasedHow = "prefix", *, seed: int = 0) -> Erased:
    """Keep ``keep`` coordinates of ``sketches`` ``(n, d)``: the first ones, or ones chosen by ``seed``.

    Raises:
        ValueError: for a number of coordinates outside [1, d], or another way.
    """
    if how not in get_args(ErasedHow):
        raise ValueError(f"how must be one of {', '.join(get_args(ErasedHow))}, got {how!r}")
    if sketches.ndim != 2:
        raise ValueError(f"sketches must be (n, d), got {tuple(sketches.shape)}")
    d = sketches.shape[1]
    if not 1 <= keep <= d:
        raise ValueError(f"keep must lie in [1, {d}], got {keep}")
    kept = np.arange(keep)
    if how == "random":
        words = np.frombuffer(stream(seed, "", "erasure", "order", 8 * d), "<u8")
        kept = np.sort(np.argsort(words, kind="stable")[:keep])
    numbers = torch.from_numpy(kept)
    return Erased(sketches[:, numbers], numbers, d)
