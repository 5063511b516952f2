"""Everything that fixes how a sketch is made: constants, modules, dimension, seed. All of it is a parameter.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730), reconstructed (decision S1). The defaults are the
"final mechanism" of the reconstruction; :meth:`Mechanism.prototype_a` and :meth:`Mechanism.prototype_b` are
the simpler ones on the way to it.

Deviation S1: placement and size of the constants 1/2, and of the transparent factors, are a reconstruction;
each is a field here, and decoding takes its coefficients from the recursion itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from torch import Tensor

from .family import POSITION, Family, Matrices
from .modular import OVERALL, Forest

LENGTH_TOLERANCE = 1e-4


class SketchError(ValueError):
    """A tree, sketch or file that does not fit a mechanism."""


@dataclass(frozen=True)
class Mechanism:
    """How sketches are made.

    Attributes:
        modules: name of each module -> number of its attributes.
        dimension: d, coordinates of a sketch.
        seed: seed of all matrices.
        family: which matrices.
        attribute_share: what the attributes count in an attribute subsketch.
        marker_share: what the marker of one object counts in it.
        attribute_weight: weight of the attribute subsketch in an object's tuple.
        input_weight: weight of the input subsketch in it.
        transparency: what a transparent matrix passes unchanged, 1/2 in (I + R) / 2.
        object_factor: whether an object's tuple goes through its module's own transparent matrix.
        max_depth: the deepest object allowed, the top being 0; decoding coefficients grow exponentially.
        nonnegative: whether attributes must not be negative.

    Raises:
        SketchError: for a name or number that does not fit.
    """

    modules: Mapping[str, int]
    dimension: int = 4096
    seed: int = 0
    family: Family = field(default_factory=Family)
    attribute_share: float = 0.5
    marker_share: float = 0.5
    attribute_weight: float = 0.5
    input_weight: float = 0.5
    transparency: float = 0.5
    object_factor: bool = True
    max_depth: int = 8
    nonnegative: bool = True

    def __post_init__(self) -> None:
        """Check."""
        object.__setattr__(self, "modules", dict(sorted(self.modules.items())))
        if not self.modules:
            raise SketchError("modules must name at least one module and its number of attributes, got none")
        for name, size in self.modules.items():
            if name in (POSITION, OVERALL):
                raise SketchError(f"a module must not be called {name!r}: that name is taken")
            if not 0 <= size <= self.dimension:
                raise SketchError(
                    f"module {name!r} must have 0 to {self.dimension} attributes (the dimension), "
                    f"got {size}; "
                    "take a larger dimension"
                )
        for name in ("attribute_share", "marker_share", "attribute_weight", "input_weight", "transparency"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise SketchError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if self.max_depth < 0:
            raise SketchError(f"max_depth must not be negative, got {self.max_depth}")

    @classmethod
    def prototype_b(cls, modules: Mapping[str, int], **settings: Any) -> Mechanism:
        """Return the one-level prototype that counts: s = sum w (R_M,1 x + R_M,2 e_1) / 2."""
        return cls(modules, **{"transparency": 1.0, "attribute_weight": 1.0, "input_weight": 1.0} | settings)

    @classmethod
    def prototype_a(cls, modules: Mapping[str, int], **settings: Any) -> Mechanism:
        """Return the one-level prototype without a marker: s = sum w R_M x."""
        return cls.prototype_b(modules, **{"attribute_share": 1.0, "marker_share": 0.0} | settings)

    def matrices(self) -> Matrices:
        """Return the matrices; raises ValueError where the dimension does not fit the family."""
        return Matrices(self.seed, self.dimension, self.family, share=self.transparency)

    def size(self, module: str) -> int:
        """Return the number of attributes of a module.

        Raises:
            SketchError: for an unknown module.
        """
        if module not in self.modules:
            raise SketchError(
                f"module must be one of {', '.join(self.modules)}, got {module!r}; add it to the mechanism"
            )
        return self.modules[module]

    def check(self, forest: Forest) -> None:
        """Check that all trees can be sketched.

        Raises:
            SketchError: for an unknown module, a wrong number of attributes, attributes that are negative,
                longer than 1 or not finite, or a tree that is too deep.
        """
        deepest = int(forest.depth.max())
        if deepest > self.max_depth:
            raise SketchError(
                f"trees must be at most {self.max_depth} deep (max_depth), got one of depth {deepest}; a "
                "coefficient of decoding would be about "
                f"{2.0 ** (4 * deepest + 4):.0e}: raise max_depth only to decode by least squares"
            )
        for name, vectors in forest.attributes.items():
            if name != OVERALL:
                self.check_attributes(name, vectors)

    def check_attributes(self, module: str, vectors: Tensor) -> None:
        """Check attribute vectors ``(..., a)`` of a module; raises as :meth:`check` does."""
        size = self.size(module)
        if vectors.shape[-1] != size:
            raise SketchError(
                f"objects of module {module!r} must have {size} attributes, got {vectors.shape[-1]}"
            )
        if vectors.numel() == 0:
            return
        longest = float(vectors.detach().norm(dim=-1).max())
        if not longest <= 1.0 + LENGTH_TOLERANCE:
            raise SketchError(
                f"attributes of module {module!r} must be finite and of length at most 1, got {longest:.4g}; "
                "divide by the length (bounded() does)"
            )
        lowest = float(vectors.detach().min())
        if self.nonnegative and lowest < 0:
            raise SketchError(
                f"attributes of module {module!r} must not be negative, got {lowest:.4g}; split their signs "
                "(split_signs() does) or set nonnegative=False and lose the similarity of shared modules"
            )

    def change_bound(self, change: float, depth: int | None = None) -> float:
        """Return the most that a sketch moves when every object's attributes move by at most ``change``
        (T2.iii).

        It holds with probability one for orthonormal matrices: eps / 2 for the default constants.

        Args:
            change: eps, in the l2 norm, for each object.
            depth: depth of the tree; the limit of all depths if ``None``.
        """
        own = self.attribute_weight * self.attribute_share * change
        if depth is None:
            return own / (1.0 - self.input_weight) if self.input_weight < 1.0 else np.inf
        return own * sum(self.input_weight**level for level in range(depth + 1))

    def to_json(self) -> str:
        """Return all of it as text, the same for equal mechanisms."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Mechanism:
        """Return what :meth:`to_json` wrote.

        Raises:
            SketchError: for text that is not a mechanism.
        """
        try:
            values = json.loads(text)
            values["family"] = Family(**values["family"])
            return cls(**values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SketchError(f"this is not the text of a mechanism: {error}") from error

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that differ for mechanisms whose sketches cannot be mixed."""
        text = replace(self, max_depth=0, nonnegative=True).to_json()
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def require_same(self, other: Mechanism, what: str) -> None:
        """Check that sketches of ``other`` may be read or mixed with this mechanism's.

        Raises:
            SketchError: naming what differs.
        """
        mine, theirs = (
            json.loads(replace(m, max_depth=0, nonnegative=True).to_json()) for m in (self, other)
        )
        different = [name for name in mine if mine[name] != theirs[name]]
        if different:
            shown = "; ".join(f"{name} {theirs[name]!r} instead of {mine[name]!r}" for name in different)
            raise SketchError(f"{what} was made with another mechanism: {shown}; give that one")
