"""All matrices of a network of modules, made from one seed when they are first asked for.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730), reconstructed. A module M has three matrices:
R_M,1 for attributes, R_M,2 for the marker of one object, R_M,0 for the whole object; position p of a tuple
has R_p, shared by the whole network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from .blocks import BlockSparse
from .matrices import Haar, Hadamard, Operator, Transparent

FamilyName = Literal["hadamard", "haar", "block"]
Role = Literal["attributes", "marker", "object"]
POSITION = ""  # the name under which positions stand beside the modules


@dataclass(frozen=True)
class Family:
    """Which random matrices are used.

    Attributes:
        name: "hadamard" (fast, exactly orthonormal), "haar" (uniform, written out) or "block" (D(b, q, d)).
        rounds: rounds of signs and transform, for "hadamard".
        block: length b of a block, for "block".
        density: chance q that a block is not zero, for "block".

    Raises:
        ValueError: for an unknown name.
    """

    name: FamilyName = "hadamard"
    rounds: int = 2
    block: int = 32
    density: float = 0.25

    def __post_init__(self) -> None:
        """Check the name; each matrix checks the rest."""
        if self.name not in get_args(FamilyName):
            raise ValueError(f"family must be one of {', '.join(get_args(FamilyName))}, got {self.name!r}")

    def make(self, dimension: int, seed: int, module: str, role: str) -> Operator:
        """Return the matrix of a role of a module; raises as the family's class does."""
        if self.name == "haar":
            return Haar(dimension, seed, module, role)
        if self.name == "block":
            return BlockSparse(dimension, seed, module, role, block=self.block, density=self.density)
        return Hadamard(dimension, seed, module, role, rounds=self.rounds)


class Matrices:
    """The matrices of a seeded network; the same names always give the same matrix.

    Args:
        seed: seed of the network.
        dimension: d.
        family: which matrices.
        share: what a transparent matrix passes unchanged.
    """

    def __init__(
        self, seed: int, dimension: int, family: Family | None = None, *, share: float = 0.5
    ) -> None:
        self.seed, self.dimension, self.share = seed, dimension, share
        self.family = Family() if family is None else family
        self._made: dict[tuple[str, str, bool], Operator] = {}
        self.operator("check", "attributes")  # a dimension that does not fit fails here

    def operator(self, module: str, role: str) -> Operator:
        """Return R of a role of a module."""
        return self._keep(
            module, role, False, lambda: self.family.make(self.dimension, self.seed, module, role)
        )

    def transparent(self, module: str, role: str) -> Operator:
        """Return T(R) = share I + (1 - share) R of a role of a module."""
        return self._keep(module, role, True, lambda: Transparent(self.operator(module, role), self.share))

    def position(self, number: int) -> Operator:
        """Return T(R) of a position in a tuple, 1 first."""
        return self.transparent(POSITION, f"position {number}")

    def _keep(self, module: str, role: str, wrapped: bool, make: Callable[[], Operator]) -> Operator:
        key = (module, role, wrapped)
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]
