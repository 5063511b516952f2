"""The map from all attributes of one tree to its sketch, written out as a matrix.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730), reconstructed; derived. A sketch is linear in its
attributes once structure and weights are known: s = x A + m, where x holds all attributes one after another
and m is what the markers add. Where many trees have the same structure, making their sketches and reading
them by least squares are one matrix product each. It equals ``sketch`` and ``solve``, which never write A
out.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .gains import Coefficients
from .mechanism import SketchError
from .modular import OVERALL, Forest
from .sketch import Erased, Sketcher


class WrittenOut:
    """The map of one structure, for many trees.

    Args:
        sketcher: of the mechanism.
        tree: a forest of one tree; its attributes are not read.

    Attributes:
        matrix: ``(numbers, d)`` float64, the sketch of each number alone: module by module in alphabetical
            order, object by object in the order of the tree.
        markers: ``(d,)`` what the markers of all objects add.

    Raises:
        SketchError: for a forest of several trees.
    """

    def __init__(self, sketcher: Sketcher, tree: Forest) -> None:
        if len(tree) != 1:
            raise SketchError(f"one structure is written out at a time, got a forest of {len(tree)} trees")
        self.sketcher, self.tree = sketcher, tree
        size = sketcher.mechanism.size
        self.shapes = {
            name: (len(tree.members[name]), size(name)) for name in tree.modules if name != OVERALL
        }
        units = self.split(torch.eye(self.numbers, dtype=torch.float64))
        self.matrix = self._linear(units, 0.0)
        self.markers = self._linear(self.split(torch.zeros(1, self.numbers, dtype=torch.float64)), 1.0)[0]
        self._inverses: dict[bytes, Tensor] = {}

    @property
    def numbers(self) -> int:
        """How many attributes the tree has in all."""
        return sum(objects * size for objects, size in self.shapes.values())

    def split(self, values: Tensor) -> dict[str, Tensor]:
        """Return for each module its part ``(n, objects, a)`` of values ``(n, numbers)``."""
        widths = [objects * size for objects, size in self.shapes.values()]
        parts = values.split(widths, 1)
        return {
            name: part.unflatten(1, shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }

    def encode(self, values: Tensor) -> Tensor:
        """Return the sketches ``(n, d)`` of trees whose attributes are ``values`` ``(n, numbers)``."""
        return values @ self.matrix.to(values.dtype) + self.markers.to(values.dtype)

    def solve(self, sketches: Tensor | Erased) -> Tensor:
        """Return the attributes ``(n, numbers)`` that fit best; of several that fit equally, the shortest.

        Raises:
            SketchError: for sketches of another dimension.
        """
        d = self.sketcher.mechanism.dimension
        kept = sketches.kept if isinstance(sketches, Erased) else torch.arange(d)
        values = sketches.values if isinstance(sketches, Erased) else sketches
        if values.ndim != 2 or values.shape[1] != len(kept):
            raise SketchError(f"sketches must be (n, {d}), got {tuple(values.shape)}")
        key = kept.numpy().tobytes()
        if key not in self._inverses:
            self._inverses[key] = torch.linalg.pinv(self.matrix[:, kept])
        return (values.double() - self.markers[kept]) @ self._inverses[key]

    def project(self, sketches: Tensor | Erased) -> Tensor:
        """Return the attributes ``(n, numbers)`` by path-aware projection, see
        :meth:`~hsrnn.sketches.Decoder.project_paths`."""
        full = sketches.filled() if isinstance(sketches, Erased) else sketches
        mechanism = self.sketcher.mechanism
        coefficients, parts = Coefficients(mechanism, self.tree), []
        for name, read in self.split(full.double() @ self.matrix.T).items():
            gram = torch.from_numpy(coefficients.gram(0, name)) * mechanism.attribute_share**2
            parts.append((torch.linalg.pinv(gram, hermitian=True) @ read).flatten(1))
        return torch.cat(parts, 1)

    def residual(self, sketches: Tensor) -> Tensor:
        """Return ``(n,)`` the length of what this structure cannot explain of sketches ``(n, d)``: of several
        structures, the one that leaves least is the tree's."""
        return (sketches.double() - self.encode(self.solve(sketches))).norm(dim=1)

    def _linear(self, parts: dict[str, Tensor], marker: float) -> Tensor:
        flat = {name: part.flatten(0, 1) for name, part in parts.items()}
        return self.sketcher.linear(self.tree.like(parts), {
            name: torch.cat([part, part.new_full((len(part), 1), marker)], 1) for name, part in flat.items()
        })  # fmt: skip
