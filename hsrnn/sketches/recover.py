"""What can be read from a sketch, each answer beside its predicted error.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730), reconstructed (decision S3). Of the four decoders
two are here, the two that solve a system stand in ``solve``:

* path-oblivious projection, :meth:`Decoder.project`: R_M,1^T s, divided by the gain; needs to know nothing
but
  the weight and depth of the objects (T1), and gives counts and sums of a module's objects (T3);
* path-aware projection, :meth:`Decoder.project_paths`: the transpose of the whole known way; the objects of
  one module leak into each other by known overlaps, which are solved for.

Deviation S3: the paper decodes by projection, as far as we know; least squares and pursuit are always
reported beside it, because on a known tree they are far better.

After a random rotation all that is not asked for is like noise of |s| / sqrt(d) a coordinate. Divided by what
the decoder divides by, that is the predicted root mean square error: 1 / (w sqrt(d)) times a constant that
grows by 2^5 a level for halving weights. Coefficients come from ``gains``, thus from the encoding recursion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .gains import Coefficients, chain_way, gain
from .mechanism import Mechanism, SketchError
from .modular import Forest
from .sketch import Erased, Sketcher


@dataclass(frozen=True, eq=False)
class Estimate:
    """An answer and its predicted error.

    Attributes:
        value: the estimate.
        error: predicted root mean square error of a number in ``value``; broadcasts against it.
    """

    value: Tensor
    error: Tensor


class Decoder:
    """Reads sketches.

    Args:
        sketcher: what made them, or its mechanism; it must be the very same mechanism.
    """

    def __init__(self, sketcher: Sketcher | Mechanism) -> None:
        self.sketcher = sketcher if isinstance(sketcher, Sketcher) else Sketcher(sketcher)
        self.mechanism = self.sketcher.mechanism

    # Without the tree ---------------------------------------------------------------------------------

    def project(
        self, sketches: Tensor | Erased, module: str, *, weight: float = 1.0, depth: int = 0
    ) -> Estimate:
        """Return R_M,1^T s divided by the gain (path-oblivious projection; T1, T3).

        With one object of the module that is its attribute vector; with several of equal weight and depth it
        is the sum of theirs. The gain depends on the weight and depth alone, and shrinks fast with depth.

        Args:
            sketches: ``(n, d)``, or what is left of them.
            module: whose objects.
            weight: effective weight of an object.
            depth: its depth, 0 for the top; outputs below a pseudo-object have depth 1.

        Returns:
            ``value`` ``(n, a)``, ``error`` ``(n, 1)``.

        Raises:
            SketchError: for an unknown module, sketches of another dimension, a weight or depth that cannot
                be, or a mechanism without an attribute share.
        """
        size, full = self.mechanism.size(module), self._full(sketches)
        divisor = self.gain("attributes", weight, depth)
        read = self.sketcher.matrices.operator(module, "attributes").transpose(full)[:, :size]
        return Estimate(read / divisor, self._noise(full)[:, None] / divisor)

    def count(
        self, sketches: Tensor | Erased, module: str, *, weight: float = 1.0, depth: int = 0
    ) -> Estimate:
        """Return how many objects of a module there are, each of effective weight ``weight`` at ``depth``
        (T3).

        Rounding is right as long as the error stays below 1/2. Arguments and errors as for :meth:`project`.

        Returns:
            ``value`` and ``error`` ``(n,)``.
        """
        self.mechanism.size(module)
        full = self._full(sketches)
        divisor = self.gain("marker", weight, depth)
        read = self.sketcher.matrices.operator(module, "marker").transpose(full)[:, 0]
        return Estimate(read / divisor, self._noise(full) / divisor)

    def mean(
        self, sketches: Tensor | Erased, module: str, *, weight: float = 1.0, depth: int = 0
    ) -> Estimate:
        """Return the mean attribute vector of a module's objects: sum / count (T3), both from the sketch.

        Where the count is not clearly above 0 (less than twice its error) the mean is not a number.
        """
        total = self.project(sketches, module, weight=weight, depth=depth)
        number = self.count(sketches, module, weight=weight, depth=depth)
        clear = number.value > 2 * number.error
        count = torch.where(clear, number.value, torch.nan)[:, None]
        value = total.value / count
        square = total.error**2 + (value.square().mean(1, keepdim=True) * number.error[:, None] ** 2)
        return Estimate(value, square.sqrt() / count)

    def similarity(
        self, first: Tensor | Erased, second: Tensor | Erased, *, common: int | None = None
    ) -> Estimate:
        """Return inner products ``(n, m)`` of ``(n, d)`` and ``(m, d)`` (T2); the error is the sd for two
        sketches that share no module.

        That sd is |s| |s'| / sqrt(d), and a transparent factor that both pass makes it larger, by sqrt(1.5)
        for (I + R) / 2: a chance likeness of what enters T(R) leaves it less weakened than the lengths.

        Args:
            first: sketches.
            second: sketches of the same mechanism; erased ones on the same coordinates.
            common: factors that both sketches pass last; ``None`` for those of a pseudo-object and of its
                inputs.
        """
        kept, rest = self.mechanism.transparency, 1.0 - self.mechanism.transparency
        wider = 1.0 + 2.0 * (kept * rest / (kept**2 + rest**2)) ** 2
        factors = 1 + int(self.mechanism.object_factor) if common is None else common
        if isinstance(first, Erased) and isinstance(second, Erased):
            if not torch.equal(first.kept, second.kept):
                raise SketchError("two erased sketches are compared on equal coordinates, got different ones")
            a, b, d = first.values, second.values, len(first.kept)
            scale = 1.0 / first.fraction
        else:
            a, b, d = self._full(first), self._full(second), self.mechanism.dimension
            scale = 1.0
        sd = a.norm(dim=1)[:, None] * b.norm(dim=1) * scale * wider ** (factors / 2) / d**0.5
        return Estimate(a @ b.T * scale, sd)

    def gain(self, role: str, weight: float, depth: int) -> float:
        """Return what R^T s is divided by: the coefficient of one object's attributes, or of its marker."""
        m = self.mechanism
        share = m.attribute_share if role == "attributes" else m.marker_share
        found = share * gain(chain_way(self.mechanism, weight, depth), self.mechanism.transparency)
        if found == 0.0:
            raise SketchError(
                f"this mechanism passes nothing of the {role} unchanged (a share, weight or transparency is "
                "0), so projection cannot read them; decode by least squares"
            )
        return found

    # With the tree ------------------------------------------------------------------------------------

    def project_paths(self, sketches: Tensor | Erased, forest: Forest) -> dict[str, Estimate]:
        """Return every object's attributes by the transpose of its known ways (path-aware projection).

        Objects of one module leak into each other by the overlap of their ways, and into themselves by the
        overlap of a way with itself; the small system of these overlaps is solved.

        Args:
            sketches: ``(trees, d)``, or what is left of them.
            forest: structure and weights of the trees; its attributes are not read.

        Returns:
            For each module ``value`` ``(n_M, a)`` and ``error`` ``(n_M, 1)``.
        """
        full = self._full(sketches)
        back, lengths = self.sketcher.adjoint(forest, full), self.sketcher.adjoint_lengths(forest, full)
        share, coefficients, result = self.mechanism.attribute_share, Coefficients(self.mechanism, forest), {}
        if share == 0.0 or self.mechanism.attribute_weight == 0.0:
            raise SketchError("this mechanism writes no attributes (share or weight is 0): none can be read")
        for module, read in back.items():
            value, error = read[:, :-1].clone(), read.new_zeros(len(read), 1)
            # Of what came down only the noise lies outside the first a coordinates.
            others = (lengths[module] * share).square() - value.square().sum(1)
            noise = (others.clamp_min(0) / max(1, full.shape[1] - value.shape[1])).sqrt()
            trees = forest.tree[forest.members[module]]
            for tree in np.unique(trees):
                at = torch.from_numpy(np.flatnonzero(trees == tree))
                gram = torch.from_numpy(coefficients.gram(int(tree), module)).to(read.dtype)
                length = gram.diagonal().sqrt()
                inverse = torch.linalg.pinv(gram * share**2, hermitian=True)
                value[at] = inverse @ value[at]
                alike = gram / length / length[:, None] * noise[at] * noise[at][:, None]
                error[at, 0] = (inverse @ alike @ inverse).diagonal().clamp_min(0).sqrt()
            result[module] = Estimate(value, error)
        return result

    def _full(self, sketches: Tensor | Erased) -> Tensor:
        full = sketches.filled() if isinstance(sketches, Erased) else sketches
        self.sketcher.require(full)
        return full

    def _noise(self, full: Tensor) -> Tensor:
        """Return what a coordinate of R^T s holds of everything else, |s| / sqrt(d), ``(n,)``."""
        return full.norm(dim=1) / self.mechanism.dimension**0.5
